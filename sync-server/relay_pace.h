#ifndef SYNC_SERVER_RELAY_PACE_H
#define SYNC_SERVER_RELAY_PACE_H

/*
 * relay_pace: how much each of many may ask for in a time: a bucket for each, refilled
 * steadily.  A fixed number of buckets, so that memory does not grow with who comes; a newcomer
 * may take the place of another, who then starts afresh.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

enum { RELAY_PACE_KEY_BYTES = 16 };

struct relay_pace;

/* each: what a bucket holds, and what flows in over period_ms; 0: no limit. */
enum rc relay_pace_new(size_t buckets, uint64_t each, int64_t period_ms,
    struct relay_pace **out) RC_CHECK;
void relay_pace_free(struct relay_pace *p);	/* NULL is allowed */
void relay_pace_set(struct relay_pace *p, uint64_t each);

/* Is there anything left for it? */
bool relay_pace_may(struct relay_pace *p, const uint8_t key[RELAY_PACE_KEY_BYTES],
    int64_t now_ms);
/* Take so much, even beyond what is left: then it waits the longer. */
void relay_pace_take(struct relay_pace *p, const uint8_t key[RELAY_PACE_KEY_BYTES],
    uint64_t amount, int64_t now_ms);

#endif
