#include "tests/simulate/sim_release.h"

#include <string.h>

#include "shared/records/fold.h"
#include "shared/records/left_out.h"
#include "shared/sync/replica.h"
#include "shared/vault/query.h"
#include "tests/simulate/sim_device.h"

enum { RELEASED_MAX = 32 };

struct waiting {
	struct dot dots[RELEASED_MAX];
	uint64_t heads[RELEASED_MAX];
	size_t n;
	struct sim_device *device;
};

static enum rc
collect(void *ctx, const struct left_out *one)
{
	struct waiting *all = ctx;

	/* a fork's branches are left to people */
	if (one->released || one->forked || one->waits || all->n == RELEASED_MAX)
		return RC_OK;
	all->heads[all->n] = sim_device_head(all->device, &one->dot);
	all->dots[all->n++] = one->dot;
	return RC_OK;
}

/* What was entered again stands in an own log, and nobody told the model yet. */
static bool
find_new(struct sim_world *w, struct sim_device *d, struct dot *dot)
{
	struct sqlite3_stmt *q = NULL;
	bool row = false, found = false;

	sim_must(query_open(sim_device_db(d), NULL, &q, "SELECT e.log, e.n FROM entry e JOIN log l"
	    " ON l.id = e.log WHERE l.own = 1 ORDER BY e.log, e.n", "") == RC_OK, "read the journal");
	while (!found && query_next(q, &row, NULL) == RC_OK && row) {
		*dot = (struct dot){ (uint64_t)query_column_int(q, 0), (uint64_t)query_column_int(q, 1) };
		found = sim_model_find(&w->model, dot, sim_device_head(d, dot)) < 0;
	}
	query_close(q);
	return found;
}

static void
release_one(struct sim_world *w, struct sim_device *d, const struct dot *late, uint64_t head)
{
	struct record_context c = sim_device_records(d);
	struct error err = { 0 };
	struct sim_entry e;
	struct dot dot = { 0, 0 };
	int original = sim_model_find(&w->model, late, head);
	size_t n = 0;
	enum rc rc;

	sim_must(original >= 0, "late work that somebody saved");
	if ((rc = query_begin(c.db, &err)) == RC_OK)
		rc = left_out_release(&c, NULL, late, &n, &err);
	rc = sim_device_commit(d, rc, &err);
	/* it was released just now, with another entry that enters the same again */
	if (rc == RC_NOTFOUND)
		return;
	if (rc != RC_OK) {
		if (!sim_device_is_full(d, rc))
			sim_fail(w, "device %d cannot release %llx.%llu: %s: %s", d->number,
			    (unsigned long long)late->log, (unsigned long long)late->n, rc_name(rc), err.what);
		return;
	}
	sim_must(find_new(w, d, &dot), "an entry of its own");
	sim_entry_copy(&e, &w->model.all[original]);
	e.dot = dot;
	e.head = sim_device_head(d, &dot);
	e.device = d->number;
	e.restates = original + 1;
	e.acknowledged = true;
	e.excused = e.left = false;
	sim_model_add(&w->model, &e);
	w->released++;
	sim_trace(w, "device %d releases %llx.%llu as %llx.%llu", d->number,
	    (unsigned long long)late->log, (unsigned long long)late->n, (unsigned long long)dot.log,
	    (unsigned long long)dot.n);
}

void
sim_release(struct sim_world *w, struct sim_device *d)
{
	struct waiting all = { .n = 0, .device = d };
	struct error err = { 0 };

	/* where a save that was cut off may still appear, nobody can tell what is new */
	bool unsure = !w->calm && w->model.attempts[d->number].form[0] != '\0';

	if (d->vault == NULL || d->busy || d->retired || unsure ||
	    replica_role(d->replica) != ROLE_SUPERVISOR)
		return;
	sim_must(left_out_each(sim_device_db(d), NULL, collect, &all, &err) == RC_OK, err.what);
	for (size_t i = 0; i < all.n && !w->failed; i++)
		release_one(w, d, &all.dots[i], all.heads[i]);
}

void
sim_release_judge(struct sim_world *w)
{
	for (size_t i = 0; i < w->n_devices; i++) {
		struct sim_device *d = &w->devices[i];
		struct waiting all = { .n = 0, .device = d };
		struct error err = { 0 };

		if (d->vault == NULL || d->retired || replica_role(d->replica) != ROLE_SUPERVISOR)
			continue;
		sim_must(left_out_each(sim_device_db(d), NULL, collect, &all, &err) == RC_OK, err.what);
		if (all.n > 0)
			sim_fail(w, "device %d: %llx.%llu was released, and still waits", d->number,
			    (unsigned long long)all.dots[0].log, (unsigned long long)all.dots[0].n);
	}
}
