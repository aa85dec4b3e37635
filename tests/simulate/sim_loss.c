#include "tests/simulate/sim_loss.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/frame.h"
#include "shared/vault/query.h"
#include "sync-server/depot.h"
#include "sync-server/depot_internal.h"
#include "tests/crash/crash_disk.h"
#include "tests/simulate/sim_device.h"
#include "tests/simulate/sim_province.h"
#include "tests/simulate/sim_relay.h"

bool *
sim_loss_marks(const struct sim_world *w)
{
	bool *m = calloc(w->model.n + 1, sizeof *m);

	sim_must(m != NULL, "memory");
	return m;
}

void
sim_loss_mark_device(struct sim_world *w, struct sim_device *d, bool *m)
{
	struct sqlite3_stmt *q = NULL;
	bool row = false;

	sim_must(query_open(sim_device_db(d), NULL, &q, "SELECT log, n, after FROM entry"
	    " WHERE body IS NOT NULL", "") == RC_OK, "read the journal");
	while (query_next(q, &row, NULL) == RC_OK && row) {
		struct dot dot = { (uint64_t)query_column_int(q, 0), (uint64_t)query_column_int(q, 1) };
		size_t len;
		const uint8_t *after = query_column_blob(q, 2, &len);
		int at = sim_model_find(&w->model, &dot, bytes_load64(after));

		if (at >= 0)
			m[at] = true;
	}
	query_close(q);
}

static void
mark_frame(struct sim_world *w, const uint8_t *p, size_t len, bool *m)
{
	struct frame_header h;

	if (frame_read(p, len, &h) != RC_OK)
		return;
	for (size_t i = 0; i < h.n_ranges; i++) {
		for (uint64_t k = 0; k < h.ranges[i].count; k++) {
			struct dot dot = { h.ranges[i].log, h.ranges[i].first + k };
			int at = sim_model_find(&w->model, &dot, 0);

			if (at >= 0)
				m[at] = true;
		}
	}
	frame_header_reset(&h);
}

/* Entries in frames at the relay, but for those that a bit was turned in on their way. */
static void
mark_relay(struct sim_world *w, struct sim_relay *r, bool *m)
{
	struct sqlite3_stmt *q = NULL;
	const uint8_t *p;
	size_t len;
	bool row = false;

	if (r->disk == NULL || !sim_relay_start(w, r))
		return;
	sim_must(query_open(r->depot->sql.db, NULL, &q, "SELECT bytes FROM frame WHERE state <> ?1"
	    " OR reason NOT IN (?2, ?3)", "iii", (int64_t)FRAME_ASIDE, (int64_t)ASIDE_NOT_A_FRAME,
	    (int64_t)ASIDE_SIGNATURE) == RC_OK, "read the depot");
	while (query_next(q, &row, NULL) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		mark_frame(w, p, len, m);
	}
	query_close(q);
}

static void
mark_relays(struct sim_world *w, bool *m)
{
	for (size_t i = 0; i < sizeof w->relays / sizeof *w->relays; i++)
		mark_relay(w, &w->relays[i], m);
}

/* Those who would hand an entry in again: its author's laptops, and holders. */
static void
mark_refillers(struct sim_world *w, bool *m)
{
	bool *has = sim_loss_marks(w);

	for (size_t i = 0; i < w->n_devices; i++) {
		struct sim_device *d = &w->devices[i];
		bool holder = d->post.role == ROLE_HOLDER;

		if (d->gone || d->retired || d->busy || !sim_device_start(w, d))
			continue;
		memset(has, 0, w->model.n * sizeof *has);
		sim_loss_mark_device(w, d, has);
		for (size_t e = 0; e < w->model.n; e++) {
			if (has[e] && (holder || memcmp(d->id, w->devices[w->model.all[e].device].id,
			    sizeof d->id) == 0))
				m[e] = true;
		}
	}
	free(has);
}

static void
excuse(struct sim_world *w, const bool *lost, const bool *safe)
{
	for (size_t i = 0; i < w->model.n; i++) {
		if (!lost[i] || safe[i] || w->model.all[i].excused)
			continue;
		if (w->model.all[i].left)
			sim_fail(w, "%llx.%llu is destroyed, which left a laptop because the province held it",
			    (unsigned long long)w->model.all[i].dot.log,
			    (unsigned long long)w->model.all[i].dot.n);
		w->model.all[i].excused = true;
		sim_trace(w, "%llx.%llu of device %d is destroyed",
		    (unsigned long long)w->model.all[i].dot.log,
		    (unsigned long long)w->model.all[i].dot.n, w->model.all[i].device);
	}
}

void
sim_loss_restore_device(struct sim_world *w, struct sim_device *d)
{
	bool *had, *has, *safe;

	if (d->image == NULL || d->busy || !sim_device_start(w, d))
		return;
	had = sim_loss_marks(w);
	has = sim_loss_marks(w);
	safe = sim_loss_marks(w);
	sim_loss_mark_device(w, d, had);
	sim_device_stop(w, d);
	sim_device_after(w, d);
	sim_device_set_disk(d, crash_disk_copy(d->image));
	sim_entry_reset(&w->model.attempts[d->number]);
	sim_trace(w, "device %d is put back to an old image", d->number);
	if (sim_device_start(w, d)) {
		sim_loss_mark_device(w, d, has);
		mark_relays(w, safe);
		mark_refillers(w, safe);
		for (size_t i = 0; i < w->model.n; i++)
			had[i] = had[i] && !has[i];
		excuse(w, had, safe);
	}
	free(had);
	free(has);
	free(safe);
}

void
sim_loss_restore_relay(struct sim_world *w, struct sim_relay *r)
{
	bool *had, *safe;
	unsigned number = (unsigned)(r - w->relays);

	if (r->image == NULL || r->disk == NULL)
		return;
	had = sim_loss_marks(w);
	safe = sim_loss_marks(w);
	mark_relay(w, r, had);
	sim_relay_stop(r);
	sim_relay_set_disk(r, number, crash_disk_copy(r->image));
	sim_must(sim_relay_start(w, r) && depot_renew_generation(r->depot) == RC_OK,
	    "a restored relay");
	sim_trace(w, "the %s is restored from an old backup", number == 0 ? "relay" : "hub");
	mark_relays(w, safe);
	mark_refillers(w, safe);
	excuse(w, had, safe);
	free(had);
	free(safe);
}

bool
sim_loss_is_aside(struct sim_world *w, int entry)
{
	bool *m = sim_loss_marks(w), aside;
	struct sqlite3_stmt *q = NULL;
	bool row = false;

	sim_must(query_open(w->relays[0].depot->sql.db, NULL, &q, "SELECT bytes FROM frame"
	    " WHERE state = ?1 AND reason IN (?2, ?3, ?4)", "iiii", (int64_t)FRAME_ASIDE,
	    (int64_t)ASIDE_MAY_NOT_WRITE, (int64_t)ASIDE_BY_RETIRED, (int64_t)ASIDE_AUTHOR_RETIRED) ==
	    RC_OK, "read the depot");
	while (query_next(q, &row, NULL) == RC_OK && row) {
		size_t len;
		const uint8_t *p = query_column_blob(q, 0, &len);

		mark_frame(w, p, len, m);
	}
	query_close(q);
	aside = m[entry];
	free(m);
	return aside;
}

bool
sim_loss_is_kept(struct sim_world *w, int entry)
{
	bool *m = sim_loss_marks(w), kept;

	mark_relays(w, m);
	for (size_t i = 0; i < w->n_devices; i++) {
		if (w->devices[i].vault != NULL)
			sim_loss_mark_device(w, &w->devices[i], m);
	}
	kept = m[entry];
	free(m);
	return kept;
}
