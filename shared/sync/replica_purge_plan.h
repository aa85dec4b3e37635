#ifndef SHARED_SYNC_REPLICA_PURGE_PLAN_H
#define SHARED_SYNC_REPLICA_PURGE_PLAN_H

/* replica_purge_plan: which records may leave; for replica_purge.c alone. */
#include "shared/sync/replica_internal.h"

struct replica_purge_step {
	struct dot id, group;
	char form[ENTRY_FORM_NAME_MAX + 1];
};
struct replica_purge_plan {
	struct replica_purge_step *steps;	/* by id; free() it */
	size_t n;
	uint64_t cases, kept;
};
/* closed_before: a date as text; a case closed on that day or before may leave. */
enum rc replica_purge_plan(struct replica *r, const char *closed_before,
    struct replica_purge_plan *out, struct error *err) RC_CHECK;

#endif
