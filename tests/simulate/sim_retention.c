#include "tests/simulate/sim_retention.h"

#include <stdlib.h>

#include "shared/sync/replica.h"
#include "shared/sync/replica_purge.h"
#include "tests/crash/crash_disk.h"
#include "tests/simulate/sim_device.h"
#include "tests/simulate/sim_loss.h"

enum { DAYS_MAX = 3000 };

/* What was there and is not any more: somebody signed that he holds it, and must. */
static void
judge(struct sim_world *w, const struct sim_device *d, const bool *had, const bool *has)
{
	bool *held = sim_loss_marks(w);

	for (size_t i = 0; i < w->n_devices; i++) {
		struct sim_device *h = &w->devices[i];

		if (h->post.role == ROLE_HOLDER && !h->gone && (h->busy || sim_device_start(w, h)))
			sim_loss_mark_device(w, h, held);
	}
	for (size_t i = 0; i < w->model.n; i++) {
		struct sim_entry *e = &w->model.all[i];

		if (!had[i] || has[i])
			continue;
		e->left = true;
		if (!held[i])
			sim_fail(w, "device %d lets go %llx.%llu, which the province does not hold", d->number,
			    (unsigned long long)e->dot.log, (unsigned long long)e->dot.n);
	}
	free(held);
}

void
sim_retention_purge(struct sim_world *w, struct sim_device *d)
{
	struct replica_purge_counts n;
	struct error err = { 0 };
	bool *had, *has;
	enum rc rc;

	if (d->post.role == ROLE_HOLDER || d->vault == NULL)
		return;
	had = sim_loss_marks(w);
	has = sim_loss_marks(w);
	sim_loss_mark_device(w, d, had);
	sim_device_endanger(w, d);
	rc = replica_purge(d->replica, sim_pick(w, DAYS_MAX), &n, &err);
	sim_trace(w, "device %d purges: %s; %llu cases, %llu records, %llu kept, %llu frames", d->number,
	    rc_name(rc), (unsigned long long)n.cases, (unsigned long long)n.records,
	    (unsigned long long)n.kept, (unsigned long long)n.frames);
	w->purged += n.records;
	if (rc == RC_OK) {
		sim_loss_mark_device(w, d, has);
		judge(w, d, had, has);
	} else if (!crash_disk_is_off(d->disk) && !sim_device_is_full(d, rc)) {
		sim_fail(w, "device %d cannot purge: %s: %s", d->number, rc_name(rc), err.what);
	}
	free(had);
	free(has);
	sim_device_after(w, d);
}

/* What left together comes together: it may not be away any more. */
static void
fetch(struct sim_world *w, struct sim_device *d, const struct dot *id)
{
	struct error err = { 0 };
	uint64_t n;
	enum rc rc = replica_fetch(d->replica, id, &n, &err);

	sim_trace(w, "device %d asks for %llx.%llu again: %s, %llu records", d->number,
	    (unsigned long long)id->log, (unsigned long long)id->n, rc_name(rc), (unsigned long long)n);
	if (rc != RC_OK && rc != RC_NOTFOUND && !crash_disk_is_off(d->disk) && !sim_device_is_full(d, rc))
		sim_fail(w, "device %d cannot fetch: %s: %s", d->number, rc_name(rc), err.what);
}

void
sim_retention_fetch(struct sim_world *w, struct sim_device *d)
{
	struct replica_purged *list = NULL;
	struct error err = { 0 };
	size_t n = 0;

	if (d->vault == NULL || replica_purged_list(d->replica, &list, &n, &err) != RC_OK || n == 0)
		return;
	sim_device_endanger(w, d);
	fetch(w, d, &list[sim_pick(w, (unsigned)n)].id);
	free(list);
	sim_device_after(w, d);
}

void
sim_retention_fetch_all(struct sim_world *w)
{
	for (size_t i = 0; i < w->n_devices; i++) {
		struct sim_device *d = &w->devices[i];
		struct replica_purged *list = NULL;
		struct error err = { 0 };
		size_t n = 0;

		if (d->gone || !sim_device_start(w, d))
			continue;
		sim_must(replica_purged_list(d->replica, &list, &n, &err) == RC_OK, err.what);
		for (size_t k = 0; k < n && !w->failed; k++)
			fetch(w, d, &list[k].id);
		free(list);
	}
}
