#ifndef SHARED_SYNC_REPLICA_EVENTS_H
#define SHARED_SYNC_REPLICA_EVENTS_H

/* replica_events: what a person should know once (table event), and how it is said. */
#include "shared/sync/replica.h"

enum { REPLICA_EVENT_KIND_MAX = 31, REPLICA_EVENT_DETAIL_MAX = 255 };

struct replica_event_line {
	int64_t id, at;
	char kind[REPLICA_EVENT_KIND_MAX + 1];
	char detail[REPLICA_EVENT_DETAIL_MAX + 1];
};
/* Events with a number above after, and at or after since, the newest first; free() the list. */
enum rc replica_events(struct replica *r, int64_t after, int64_t since,
    struct replica_event_line **out, size_t *n, struct error *err) RC_CHECK;
/* The number of the last one; 0: none. */
enum rc replica_events_last(struct replica *r, int64_t *out, struct error *err) RC_CHECK;
/* Records that are too large to be shown (fold.h). */
enum rc replica_too_large(struct replica *r, uint64_t *n, struct error *err) RC_CHECK;
/* A whole sentence for a worker, without the detail; "" for a kind that this program does not know. */
const char *replica_event_text(const char *kind, bool vietnamese);

#endif
