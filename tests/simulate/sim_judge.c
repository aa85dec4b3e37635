/* What must hold when everybody has met everybody, and nothing goes wrong any more. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/record.h"
#include "shared/sync/replica.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/depot.h"
#include "tests/crash/crash_disk.h"
#include "tests/simulate/sim_device.h"
#include "tests/simulate/sim_judge.h"
#include "tests/simulate/sim_loss.h"
#include "tests/simulate/sim_province.h"
#include "tests/simulate/sim_relay.h"
#include "tests/simulate/sim_release.h"

static const char *const UNITS[] = { "20", "K1", "A1", "A2", "B1" };
enum { N_UNITS = 5, COMPARTMENTS = 3 };

static bool
reads_now(const struct sim_world *w, const struct sim_device *d, const char *unit,
    unsigned compartment)
{
	return !d->retired && !d->gone &&
	    sim_post_reads(&d->post, unit, compartment, w->moved, w->merged);
}

/* One state on all replicas ----------------------------------------------------- */

static bool
is_excused(const struct sim_world *w, const struct dot *record)
{
	for (size_t i = 0; i < w->model.n; i++) {
		const struct sim_entry *e = &w->model.all[i];

		if (e->excused && e->record.log == record->log && e->record.n == record->n)
			return true;
	}
	return false;
}

static void
digest_scope(struct sim_world *w, struct sim_device *d, const char *unit, unsigned compartment,
    uint8_t out[16], size_t *records)
{
	struct sqlite3_stmt *q = NULL;
	struct digest digest;
	bool row = false;

	*records = 0;
	digest_start(&digest, 16, NULL, 0, "scope");
	sim_must(query_open(sim_device_db(d), NULL, &q, "SELECT log, n, form, state, alive, conflicts,"
	    " settled, breaches, newer FROM record WHERE unit = ?1 AND compartment = ?2"
	    " AND length(state) > 0 ORDER BY log, n", "ti", unit, (int64_t)compartment) == RC_OK,
	    "read records");
	while (query_next(q, &row, NULL) == RC_OK && row) {
		struct dot id = { (uint64_t)query_column_int(q, 0), (uint64_t)query_column_int(q, 1) };
		const uint8_t *state;
		size_t len;

		if (is_excused(w, &id))
			continue;
		digest_u64(&digest, id.log);
		digest_u64(&digest, id.n);
		state = query_column_blob(q, 3, &len);
		digest_span(&digest, state, len);
		for (int i = 4; i <= 8; i++)
			digest_u64(&digest, (uint64_t)query_column_int(q, i));
		++*records;
	}
	query_close(q);
	digest_end(&digest, out);
}

static bool
has_entry(struct sim_device *d, const struct dot *dot)
{
	int64_t n = 0;

	return query_int(sim_device_db(d), NULL, &n, "SELECT count(*) FROM entry WHERE log = ?1"
	    " AND n = ?2 AND body IS NOT NULL", "ii", (int64_t)dot->log, (int64_t)dot->n) == RC_OK &&
	    n > 0;
}

/* What the authority and the relay say of a laptop: a letter each, - for nothing. */
static void
tell_standing(struct sim_world *w, const struct sim_device *d)
{
	const struct device *there = directory_device(
	    authority_directory(sim_province_authority(w)), d->id);
	const struct device *here = directory_device(depot_directory(w->relays[0].depot), d->id);

	sim_trace(w, "device %d: the authority says %c, the relay %c", d->number,
	    there == NULL ? '-' : "CARX"[there->state], here == NULL ? '-' : "CARX"[here->state]);
}

/* Which entries one of them lacks. */
static void
tell_missing(struct sim_world *w, struct sim_device *a, struct sim_device *b, const char *unit,
    unsigned compartment)
{
	tell_standing(w, a);
	tell_standing(w, b);
	for (size_t i = 0; i < w->model.n; i++) {
		const struct sim_entry *e = &w->model.all[i];
		bool here, there;

		if (strcmp(e->unit, unit) != 0 || e->compartment != compartment || e->excused)
			continue;
		here = has_entry(a, &e->dot);
		there = has_entry(b, &e->dot);
		if (here != there)
			sim_trace(w, "only device %d has %llx.%llu of device %d", here ? a->number : b->number,
			    (unsigned long long)e->dot.log, (unsigned long long)e->dot.n, e->device);
	}
}

static void
judge_scope(struct sim_world *w, const char *unit, unsigned compartment,
    struct sim_device **witness)
{
	uint8_t first[16], other[16];
	size_t n = 0, m;

	*witness = NULL;
	for (size_t i = 0; i < w->n_devices && !w->failed; i++) {
		struct sim_device *d = &w->devices[i];

		if (!reads_now(w, d, unit, compartment))
			continue;
		if (*witness == NULL) {
			*witness = d;
			digest_scope(w, d, unit, compartment, first, &n);
			sim_trace_bytes(w, "scope", first, sizeof first);
			continue;
		}
		digest_scope(w, d, unit, compartment, other, &m);
		if (memcmp(first, other, sizeof first) == 0)
			continue;
		tell_missing(w, *witness, d, unit, compartment);
		sim_fail(w, "%s/%u differs: %zu records on device %d, %zu on device %d", unit,
		    compartment, n, (*witness)->number, m, d->number);
	}
}

/* Nothing acknowledged is lost ---------------------------------------------------- */

static bool
says_the_directory(const struct sim_world *w, const struct sim_device *witness,
    const struct sim_entry *e)
{
	const struct sim_device *author = &w->devices[e->device];
	const struct device *d = directory_device(replica_directory(witness->replica), author->id);

	if (d == NULL || d->state == DEVICE_REFUSED)
		return false;
	if (d->state != DEVICE_RETIRED)
		return true;
	for (size_t i = 0; i < d->n_heads; i++) {
		if (d->heads[i].log == e->dot.log)
			return e->dot.n <= d->heads[i].n;
	}
	return false;
}

static uint64_t
fork_on(struct sim_device *d, uint64_t log)
{
	int64_t at = 0;

	(void)!query_int(sim_device_db(d), NULL, &at, "SELECT fork_n FROM log WHERE id = ?1", "i",
	    (int64_t)log);
	return (uint64_t)at;
}

/* Entries of a scope: each is on the witness, or somebody is told why not. */
static void
judge_entries(struct sim_world *w, struct sim_device *witness, const char *unit,
    unsigned compartment)
{
	for (size_t i = 0; i < w->model.n && !w->failed; i++) {
		struct sim_entry *e = &w->model.all[i];
		uint64_t fork;
		bool here, told, branches;

		if (strcmp(e->unit, unit) != 0 || e->compartment != compartment)
			continue;
		here = has_entry(witness, &e->dot);
		told = says_the_directory(w, witness, e);
		fork = sim_model_forked_at(&w->model, e->dot.log, true);
		/* of two branches one may be destroyed, or set aside with its author: then the other counts */
		branches = sim_model_forked_at(&w->model, e->dot.log, false) != 0;
		if (branches && (fork == 0 || w->devices[e->device].retired))
			fork = fork_on(witness, e->dot.log);
		e->counts = here && told && (fork == 0 || e->dot.n < fork) &&
		    (!branches || sim_device_head(witness, &e->dot) == e->head);
		if (fork != 0 && e->dot.n >= fork) {
			if (here && fork_on(witness, e->dot.log) == 0)
				sim_fail(w, "log %llx has two branches from %llu on, and device %d does not"
				    " say so", (unsigned long long)e->dot.log, (unsigned long long)fork,
				    witness->number);
			continue;
		}
		if (here || e->excused || !e->acknowledged || (branches && !told))
			continue;
		if (told && !sim_loss_is_aside(w, (int)i))
			sim_fail(w, "%llx.%llu of device %d, saved and acknowledged, is not on device %d",
			    (unsigned long long)e->dot.log, (unsigned long long)e->dot.n, e->device,
			    witness->number);
		else if (!told && !sim_loss_is_kept(w, (int)i))
			sim_fail(w, "%llx.%llu of device %d, which was retired, is nowhere",
			    (unsigned long long)e->dot.log, (unsigned long long)e->dot.n, e->device);
	}
}

static bool
shows(const struct sim_model *m, const int *known, size_t n, const struct record_view *view,
    const struct sim_ref *v, const char *form)
{
	const struct sim_entry *e = &m->all[v->entry];
	const struct sim_field *field = sim_field_numbered(form, e->units[v->unit].field);
	const struct record_field *f = field == NULL ? NULL : record_view_field(view, field->name);

	for (size_t i = 0; f != NULL && i < f->n_values; i++) {
		const struct record_value *have = &f->values[i];

		if (have->address.dot.log == e->dot.log && have->address.dot.n == e->dot.n &&
		    strcmp(have->text, e->units[v->unit].text) == 0)
			return have->voided == sim_model_is_voided(m, known, n, v);
	}
	return false;
}

/* Is it deleted, and is there a conflict about that? */
static void
judge_alive(struct sim_world *w, const struct record_view *view, const struct sim_ref *live,
    size_t n_live)
{
	const struct sim_model *m = &w->model;
	const struct record_field *alive = record_view_field(view, "alive");
	bool deleted = false, unseen = false, conflict;

	for (size_t i = 0; i < n_live; i++) {
		bool seen = false;

		if (m->all[live[i].entry].units[live[i].unit].field == 0) {
			deleted = true;
			continue;
		}
		for (size_t k = 0; k < n_live; k++) {
			const struct sim_entry *by = &m->all[live[k].entry];

			if (by->units[live[k].unit].field != 0)
				continue;
			for (size_t s = 0; s < by->n_saw; s++)
				seen = seen || sim_model_root(m, by->saw[s]) == sim_model_root(m, live[i].entry);
		}
		unseen = unseen || !seen;
	}
	conflict = alive != NULL && alive->standing == REGISTER_CONFLICT;
	if (view->deleted != (deleted && !unseen) || conflict != (deleted && unseen))
		sim_fail(w, "a record is %s and should be %s", view->deleted ? "deleted" :
		    conflict ? "in doubt" : "alive", !deleted ? "alive" : unseen ? "in doubt" : "deleted");
}

static void
judge_record(struct sim_world *w, struct sim_device *witness, const struct sim_entry *of,
    const int *known, size_t n)
{
	struct record_context c = sim_device_records(witness);
	struct sim_ref *live;
	struct record_view view;
	size_t n_live, scalars = 0, shown = 0;
	enum rc rc;

	sim_model_live(&w->model, known, n, &live, &n_live);
	if ((rc = record_show(&c, &of->record, &view, NULL)) != RC_OK) {
		if (n_live > 0)
			sim_fail(w, "a record with %zu values cannot be shown: %s", n_live, rc_name(rc));
		free(live);
		return;
	}
	for (size_t i = 0; i < n_live && !w->failed; i++) {
		const struct sim_entry *e = &w->model.all[live[i].entry];
		const struct sim_unit *u = &e->units[live[i].unit];

		if (u->field == 0)
			continue;
		scalars++;
		if (!shows(&w->model, known, n, &view, &live[i], of->form))
			sim_fail(w, "a value of field %u of %s by device %d, which nobody replaced who saw it,"
			    " is not shown by device %d: record %llx.%llu, entry %llx.%llu", u->field, of->form,
			    e->device, witness->number, (unsigned long long)of->record.log,
			    (unsigned long long)of->record.n, (unsigned long long)e->dot.log,
			    (unsigned long long)e->dot.n);
	}
	for (size_t i = 0; i < view.n_fields; i++) {
		if (view.fields[i].number != ENTRY_ALIVE)
			shown += view.fields[i].n_values;
	}
	if (!w->failed && shown != scalars)
		sim_fail(w, "device %d shows %zu values of a record where %zu are live", witness->number,
		    shown, scalars);
	if (!w->failed)
		judge_alive(w, &view, live, n_live);
	record_view_reset(&view);
	free(live);
}

static void
judge_records(struct sim_world *w, struct sim_device *witness, const char *unit,
    unsigned compartment)
{
	int *known = malloc((w->model.n + 1) * sizeof *known);

	sim_must(known != NULL, "memory");
	for (size_t i = 0; i < w->model.n && !w->failed; i++) {
		const struct sim_entry *e = &w->model.all[i];
		bool first = true;
		size_t n = 0;

		if (strcmp(e->unit, unit) != 0 || e->compartment != compartment ||
		    is_excused(w, &e->record))
			continue;
		for (size_t k = 0; k < w->model.n && first; k++) {
			const struct sim_entry *o = &w->model.all[k];

			if (o->record.log != e->record.log || o->record.n != e->record.n)
				continue;
			first = k >= i;		/* each record once */
			for (size_t j = k; first && j < w->model.n; j++) {
				o = &w->model.all[j];
				if (o->counts && o->record.log == e->record.log && o->record.n == e->record.n)
					known[n++] = (int)j;
			}
			break;
		}
		if (first)
			judge_record(w, witness, e, known, n);
	}
	free(known);
}

/* Secrets -------------------------------------------------------------------------- */

static bool
ever_read(const struct sim_device *d, const char *unit, unsigned compartment)
{
	for (size_t i = 0; i < d->n_posts; i++) {
		for (int s = 0; s < 4; s++) {
			if (sim_post_reads(&d->posts[i], unit, compartment, (s & 1) != 0, (s & 2) != 0))
				return true;
		}
	}
	return false;
}

static void
judge_need_to_know(struct sim_world *w, struct sim_device *d)
{
	static const char *const sql[] = {
		("SELECT DISTINCT l.unit, l.compartment FROM log l JOIN entry e ON e.log = l.id"
		    " WHERE e.body IS NOT NULL AND l.own = 0"),
		"SELECT DISTINCT unit, compartment FROM record WHERE length(state) > 0",
		"SELECT DISTINCT unit, compartment FROM scope_secret",
	};
	struct sqlite3_stmt *q = NULL;
	bool row = false;

	for (size_t i = 0; i < sizeof sql / sizeof *sql; i++) {
		sim_must(query_open(sim_device_db(d), NULL, &q, sql[i], "") == RC_OK, "read the vault");
		while (query_next(q, &row, NULL) == RC_OK && row) {
			const char *unit = query_column_text(q, 0);
			unsigned compartment = (unsigned)query_column_int(q, 1);

			if (!ever_read(d, unit, compartment))
				sim_fail(w, "device %d has %s of %s/%u, which it may not read", d->number,
				    i == 0 ? "entries" : i == 1 ? "records" : "a key", unit, compartment);
		}
		query_close(q);
	}
}

bool
sim_judge_is_clear(const uint8_t *p, size_t len)
{
	static const char marker[] = SIM_MARKER;
	const uint8_t *end = p + len, *at = p;

	/* by its rarest byte */
	while ((size_t)(end - at) >= sizeof marker - 1 &&
	    (at = memchr(at, marker[0], (size_t)(end - at) - (sizeof marker - 2))) != NULL) {
		if (memcmp(at, marker, sizeof marker - 1) == 0)
			return true;
		at++;
	}
	return false;
}

static void
judge_disk(struct sim_world *w, const struct crash_disk *disk, const char *whose)
{
	const char *name;

	for (size_t i = 0; (name = crash_disk_name(disk, i)) != NULL; i++) {
		int file = crash_disk_find(disk, name);
		size_t chunks = (size_t)(crash_disk_size(disk, file) + CRASH_CHUNK - 1) / CRASH_CHUNK;

		for (size_t k = 0; k < chunks; k++) {
			const struct crash_chunk *c = crash_disk_chunk(disk, file, k);

			if (c != NULL && sim_judge_is_clear(c->data, CRASH_CHUNK))
				sim_fail(w, "clear text in %s of %s", name, whose);
		}
	}
}

/* -------------------------------------------------------------------------------------- */

/* Has the relay set something of this laptop aside?  Then it goes on handing it in. */
static bool
has_aside(struct sim_world *w, const struct sim_device *d)
{
	for (size_t i = 0; i < w->model.n; i++) {
		if (memcmp(w->devices[w->model.all[i].device].id, d->id, sizeof d->id) == 0 &&
		    sim_loss_is_aside(w, (int)i))
			return true;
	}
	return false;
}

/* Every laptop that may still speak has a receipt for all that it wrote. */
static void
judge_receipts(struct sim_world *w, struct sim_device *d)
{
	struct replica_status status;

	if (d->retired || d->gone)
		return;
	sim_must(replica_status(d->replica, &status, NULL) == RC_OK, "status");
	if (status.unsent_entries > 0 && !has_aside(w, d))
		sim_fail(w, "device %d still has %llu entries without a receipt", d->number,
		    (unsigned long long)status.unsent_entries);
	else if (status.waiting > 0 && d->n_posts == 1 && !w->on[SIM_NOISE] && !w->on[SIM_HOSTILE])
		sim_fail(w, "device %d: %llu entries wait, and nothing will come for them", d->number,
		    (unsigned long long)status.waiting);
}

void
sim_judge(struct sim_world *w)
{
	struct sim_device *witness;

	for (size_t i = 0; i < w->model.n && !w->on[SIM_TWIN]; i++) {
		if (sim_model_find(&w->model, &w->model.all[i].dot, 0) != (int)i)
			sim_fail(w, "%llx.%llu was written twice, and no process was copied",
			    (unsigned long long)w->model.all[i].dot.log,
			    (unsigned long long)w->model.all[i].dot.n);
	}
	if (w->on[SIM_RELEASE] && !w->failed)
		sim_release_judge(w);
	for (size_t u = 0; u < N_UNITS && !w->failed; u++) {
		for (unsigned c = 0; c < COMPARTMENTS && !w->failed; c++) {
			judge_scope(w, UNITS[u], c, &witness);
			if (witness == NULL || w->failed)
				continue;
			judge_entries(w, witness, UNITS[u], c);
			judge_records(w, witness, UNITS[u], c);
		}
	}
	for (size_t i = 0; i < w->n_devices && !w->failed; i++) {
		struct sim_device *d = &w->devices[i];

		if (d->vault == NULL)
			continue;
		judge_receipts(w, d);
		judge_need_to_know(w, d);
		judge_disk(w, d->disk, d->folder);
	}
	judge_disk(w, w->relays[0].disk, "the relay");
	if (sim_hub_is_there(w))
		judge_disk(w, w->relays[1].disk, "the hub");
	sim_hub_judge(w);
	judge_disk(w, w->authority_disk, "the authority");
	if (!w->failed && sim_oracle_says() != NULL)
		sim_fail(w, "%s", sim_oracle_says());
}
