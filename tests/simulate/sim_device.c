#include "tests/simulate/sim_device.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/journal.h"
#include "shared/sync/replica.h"
#include "shared/sync/transport.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "tests/crash/crash_calls.h"
#include "tests/crash/crash_disk.h"
#include "tests/simulate/sim_province.h"
#include "tests/simulate/sim_relay.h"

enum { SECONDS_BACK = 400, FATES_TEAR = 0 };

static int64_t
device_now(void *ctx)
{
	struct sim_device *d = ctx;

	if (d->backwards)
		d->ahead -= SECONDS_BACK;
	return sim_now()->now_ms / 1000 + d->ahead;
}

static void
path_of(const struct sim_device *d, char out[40])
{
	snprintf(out, 40, CRASH_ROOT "%s", d->folder);
}

static struct secret *
master(void)
{
	uint8_t key[SECRET_KEY_BYTES];
	struct secret *s = NULL;

	memset(key, 7, sizeof key);
	sim_must(secret_from(key, sizeof key, &s) == RC_OK, "master key");
	return s;
}

struct sim_device *
sim_device_new(struct sim_world *w)
{
	struct sim_device *d = &w->devices[w->n_devices];

	sim_must(w->n_devices < SIM_DEVICES_MAX, "room for a device");
	memset(d, 0, sizeof *d);
	d->number = (int)w->n_devices++;
	snprintf(d->folder, sizeof d->folder, "d%d", d->number);
	d->clock = (struct clock){ device_now, d };
	sim_device_set_disk(d, crash_disk_new());
	return d;
}

void
sim_device_set_disk(struct sim_device *d, struct crash_disk *disk)
{
	crash_disk_free(d->disk);
	d->disk = disk;
	crash_calls_mount(d->folder, disk);
}

void
sim_device_join(struct sim_world *w, struct sim_device *d, const struct sim_post *post)
{
	struct authority_invite invite = { post->unit, post->role, "Nông Thị Lan", 300,
		"http://relay", "" };
	struct invitation_parcel parcel;
	struct secret *code = NULL, *key = master();
	struct error err = { 0 };
	struct vault *v = NULL;
	struct bytes file;
	uint8_t id[16];
	char path[40];

	bytes_init(&file);
	path_of(d, path);
	sim_must(authority_invite(sim_province_authority(w), &invite, id, &file, &code, &err) ==
	    RC_OK, err.what);
	sim_must(identity_parcel_open(file.data, file.len, code, &parcel, &err) == RC_OK, err.what);
	sim_must(vault_create_with_master(path, key, &v, &err) == RC_OK, err.what);
	sim_must(replica_join(v, &parcel, &d->clock, &err) == RC_OK, err.what);
	vault_close(v);
	identity_parcel_reset(&parcel);
	bytes_reset(&file);
	secret_free(code);
	secret_free(key);
	d->post = d->posts[d->n_posts++] = *post;
	sim_trace(w, "device %d joins: %s in %s", d->number, identity_role_name(post->role),
	    post->unit);
}

struct sqlite3 *
sim_device_db(const struct sim_device *d)
{
	return vault_db(d->vault);
}

/* Starting and stopping ------------------------------------------------------ */

static void
close_all(struct sim_device *d)
{
	journal_writer_free(d->writer);
	replica_close(d->replica);
	vault_close(d->vault);
	d->writer = NULL;
	d->replica = NULL;
	d->vault = NULL;
	sim_device_forget_forms(d);
	d->n_logs = 0;
	d->twin = false;
}

void
sim_device_stop(struct sim_world *w, struct sim_device *d)
{
	if (d->vault == NULL)
		return;
	close_all(d);
	sim_trace(w, "device %d stops", d->number);
}

void
sim_device_endanger(struct sim_world *w, struct sim_device *d)
{
	if (!d->busy && sim_strikes(w, SIM_CRASH, 12))
		crash_disk_cut_in(d->disk, 1 + (long)sim_pick(w, sim_pick(w, 2) == 0 ? 12 : 120));
}

void
sim_device_after(struct sim_world *w, struct sim_device *d)
{
	if (d->busy)
		return;		/* whoever syncs comes here too */
	if (!crash_disk_is_off(d->disk)) {
		crash_disk_cut_in(d->disk, 0);
		return;
	}
	close_all(d);
	crash_disk_settle(d->disk, crash_random(&w->random), FATES_TEAR != 0);
	sim_trace(w, "device %d: the power went", d->number);
}

/* 64 bits of a head in a column. */
static uint64_t
head_of(struct sqlite3_stmt *q, int column)
{
	size_t len;
	const uint8_t *p = query_column_blob(q, column, &len);

	sim_must(len == ENTRY_HEAD_BYTES, "a head");
	return bytes_load64(p);
}

uint64_t
sim_device_head(struct sim_device *d, const struct dot *dot)
{
	struct sqlite3_stmt *q = NULL;
	uint64_t head = 0;
	bool row = false;

	sim_must(query_open(sim_device_db(d), NULL, &q, "SELECT after FROM entry WHERE log = ?1"
	    " AND n = ?2", "ii", (int64_t)dot->log, (int64_t)dot->n) == RC_OK, "read the journal");
	if (query_next(q, &row, NULL) == RC_OK && row)
		head = head_of(q, 0);
	query_close(q);
	return head;
}

/*
 * A save that the power or a full disk cut short is there or it is not, and on a full disk that may
 * stay open for several starts: look.
 */
static void
adopt_attempt(struct sim_world *w, struct sim_device *d)
{
	struct sim_entry *attempt = &w->model.attempts[d->number];
	struct sqlite3_stmt *q = NULL;
	bool row = false;

	sim_must(query_open(sim_device_db(d), NULL, &q, "SELECT e.log, e.n, e.record_log, e.record_n,"
	    " e.after FROM entry e JOIN log l ON l.id = e.log WHERE l.own = 1 ORDER BY e.log, e.n", "") ==
	    RC_OK, "read the journal");
	while (query_next(q, &row, NULL) == RC_OK && row) {
		struct dot dot = { (uint64_t)query_column_int(q, 0), (uint64_t)query_column_int(q, 1) };

		if (sim_model_find(&w->model, &dot, head_of(q, 4)) >= 0)
			continue;
		if (attempt->form[0] == '\0') {
			sim_fail(w, "device %d has an entry that nobody saved: %llx.%llu", d->number,
			    (unsigned long long)dot.log, (unsigned long long)dot.n);
			break;
		}
		attempt->dot = dot;
		attempt->head = head_of(q, 4);
		attempt->record = (struct dot){ (uint64_t)query_column_int(q, 2),
			(uint64_t)query_column_int(q, 3) };
		sim_model_add(&w->model, attempt);
		memset(attempt, 0, sizeof *attempt);
		sim_trace(w, "device %d: the save that was cut is there", d->number);
	}
	query_close(q);
}

bool
sim_device_start(struct sim_world *w, struct sim_device *d)
{
	struct secret *key;
	struct error err = { 0 };
	char path[40];
	enum rc rc;

	if (d->vault != NULL)
		return true;
	d->was_full = d->full;
	key = master();
	path_of(d, path);
	rc = vault_open_with_master(path, key, &d->vault, &err);
	secret_free(key);
	if (rc == RC_OK)
		rc = replica_open(d->vault, &d->clock, &d->replica, &err);
	if (rc == RC_OK)
		rc = journal_writer_new(replica_device(d->replica), journal_random_system(), &d->writer);
	if (rc == RC_OK) {
		memcpy(d->id, replica_device(d->replica), sizeof d->id);
		adopt_attempt(w, d);
		return true;
	}
	if (!crash_disk_is_off(d->disk) && !sim_device_is_full(d, rc))
		sim_fail(w, "device %d does not start: %s: %s", d->number, rc_name(rc), err.what);
	close_all(d);
	sim_trace(w, "device %d does not start: %s", d->number, rc_name(rc));
	sim_device_after(w, d);
	return false;
}

bool
sim_device_is_full(const struct sim_device *d, enum rc rc)
{
	/* a vault that was opened on a full disk can only be read until it is opened again */
	return rc == RC_FULL && (d->full || d->was_full);
}

/* What is on it -------------------------------------------------------------- */

static bool
may_read(void *ctx, const char *unit, unsigned compartment)
{
	struct sim_device *d = ctx;

	return directory_may_read(replica_directory(d->replica), replica_unit(d->replica),
	    replica_role(d->replica), unit, compartment);
}

struct record_context
sim_device_records(struct sim_device *d)
{
	struct record_context c = {
		.db = vault_db(d->vault),
		.forms = replica_forms(d->replica),
		.fold = replica_fold(d->replica),
		.writer = d->writer,
		.clock = &d->clock,
		.unit = replica_unit(d->replica),
		.lang = FORM_EN,
		.reads = may_read,
		.reads_ctx = d,
	};

	return c;
}

int *
sim_device_known(struct sim_world *w, struct sim_device *d, const struct dot *record, size_t *n)
{
	struct sqlite3_stmt *q = NULL;
	size_t room = 16;
	int *out = malloc(room * sizeof *out);
	bool row = false;

	*n = 0;
	sim_must(out != NULL && query_open(sim_device_db(d), NULL, &q, "SELECT e.log, e.n, e.after FROM entry e"
	    " JOIN log l ON l.id = e.log WHERE e.record_log = ?1 AND e.record_n = ?2"
	    " AND l.folds = 1 AND e.body IS NOT NULL AND (l.fork_n IS NULL OR e.n < l.fork_n)"
	    " AND (l.limit_n IS NULL OR e.n <= l.limit_n)", "ii", (int64_t)record->log,
	    (int64_t)record->n) == RC_OK, "read the journal");
	while (query_next(q, &row, NULL) == RC_OK && row) {
		struct dot dot = { (uint64_t)query_column_int(q, 0), (uint64_t)query_column_int(q, 1) };
		int at = sim_model_find(&w->model, &dot, head_of(q, 2));

		if (at < 0) {
			sim_fail(w, "device %d has an entry that nobody saved", d->number);
			continue;
		}
		if (*n == room) {
			room *= 2;
			sim_must((out = realloc(out, room * sizeof *out)) != NULL, "memory");
		}
		out[(*n)++] = at;
	}
	query_close(q);
	return out;
}

struct dot
sim_device_some_record(struct sim_world *w, struct sim_device *d, char form[16])
{
	struct sqlite3_stmt *q = NULL;
	struct dot id = { 0, 0 };
	int64_t n = 0;
	bool row = false;

	form[0] = '\0';
	if (query_int(sim_device_db(d), NULL, &n, "SELECT count(*) FROM record WHERE form <> ''",
	    "") != RC_OK || n == 0)
		return id;
	/* work piles up on few records, so that people meet */
	if (n > 6 && sim_pick(w, 3) != 0)
		n = 6;
	sim_must(query_open(sim_device_db(d), NULL, &q, "SELECT log, n, form FROM record"
	    " WHERE form <> '' ORDER BY log, n LIMIT 1 OFFSET ?1", "i",
	    (int64_t)sim_pick(w, (unsigned)n)) == RC_OK, "read records");
	if (query_next(q, &row, NULL) == RC_OK && row) {
		id = (struct dot){ (uint64_t)query_column_int(q, 0), (uint64_t)query_column_int(q, 1) };
		snprintf(form, 16, "%s", query_column_text(q, 2));
	}
	query_close(q);
	return id;
}

/* Sync ------------------------------------------------------------------------ */

/* Between two tries; while it waits, time goes on. */
static bool
wait_a_little(void *ctx, int64_t ms)
{
	struct sim_device *d = ctx;
	struct sim_world *w = sim_now();

	w->now_ms += ms;
	return !crash_disk_is_off(d->disk) && sim_pick(w, 3) != 0;
}

enum rc
sim_device_sync(struct sim_world *w, struct sim_device *d)
{
	const struct replica_line line = { .wait = wait_a_little, .ctx = d };
	const struct replica_gate gate = { .line = &line };
	struct replica_sync_result result;
	struct transport *t = NULL;
	struct error err = { 0 };
	const char *where;
	bool noisy = !w->calm;
	enum rc rc;

	sim_must(!d->busy && d->vault != NULL, "a device to sync");
	d->busy = true;
	w->speaker = d;
	sim_must(transport_open(sim_hub_or_relay(w, d), "", true, &t, &err) == RC_OK, "open a transport");
	where = sim_relay_at(w, transport_url(t)) == w->relays ? "" : " at the hub";
	rc = replica_sync(d->replica, t, noisy && d->number % 2 == 0 ? &gate : NULL, &result, &err);
	transport_close(t);
	d->busy = false;
	w->syncs++;
	sim_trace(w, "device %d syncs%s: %s; sent %llu, received %llu, waiting %llu, aside %llu",
	    d->number, where, rc_name(rc), (unsigned long long)result.sent_entries,
	    (unsigned long long)result.received_entries, (unsigned long long)result.waiting,
	    (unsigned long long)result.quarantined);
	if (rc == RC_DENIED && !d->retired && !w->on[SIM_NOISE])
		sim_fail(w, "device %d is refused: %s", d->number, err.what);
	else if (rc != RC_OK && rc != RC_DENIED && !noisy)
		sim_fail(w, "device %d cannot sync: %s: %s", d->number, rc_name(rc), err.what);
	else if ((rc == RC_IO || rc == RC_DAMAGED || rc == RC_INTERNAL || rc == RC_FULL) &&
	    !crash_disk_is_off(d->disk) && !sim_device_is_full(d, rc))
		sim_fail(w, "device %d cannot sync: %s: %s", d->number, rc_name(rc), err.what);
	return rc;
}

void
sim_device_export(struct sim_world *w, struct sim_device *d, struct bytes *stick)
{
	struct replica_sync_result result;
	struct error err = { 0 };
	struct bytes b;
	enum rc rc;

	bytes_init(&b);
	rc = replica_bundle_write(d->replica, &b, &result, &err);
	if (rc == RC_OK) {
		bytes_reset(stick);
		*stick = b;
		sim_trace_bytes(w, "stick", stick->data, stick->len);
	} else {
		bytes_reset(&b);
		if (!crash_disk_is_off(d->disk) && !sim_device_is_full(d, rc))
			sim_fail(w, "device %d cannot export: %s: %s", d->number, rc_name(rc), err.what);
	}
	sim_trace(w, "device %d exports: %s, %llu frames", d->number, rc_name(rc),
	    (unsigned long long)result.sent_frames);
}

void
sim_device_import(struct sim_world *w, struct sim_device *d, const struct bytes *stick)
{
	struct replica_sync_result result;
	struct error err = { 0 };
	size_t len = stick->len;
	bool cut = sim_strikes(w, SIM_CUT, 3);
	enum rc rc;

	if (len == 0)
		return;
	if (cut)
		len = sim_pick(w, (unsigned)len);
	rc = replica_bundle_read(d->replica, "stick", stick->data, len, &result, &err);
	sim_trace(w, "device %d imports %zu of %zu: %s, %llu entries", d->number, len, stick->len,
	    rc_name(rc), (unsigned long long)result.received_entries);
	if (rc != RC_OK && !(cut && rc == RC_FORMAT) && !crash_disk_is_off(d->disk) &&
	    !sim_device_is_full(d, rc))
		sim_fail(w, "device %d cannot import: %s: %s", d->number, rc_name(rc), err.what);
}
