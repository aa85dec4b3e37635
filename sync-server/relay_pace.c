#include "sync-server/relay_pace.h"

#include <stdlib.h>
#include <string.h>

enum { DEBT_PERIODS = 4 };	/* nobody is further behind than that */

struct bucket {
	uint8_t key[RELAY_PACE_KEY_BYTES];
	int64_t at;		/* milliseconds; 0: free */
	double left;
};

struct relay_pace {
	struct bucket *buckets;
	size_t n;
	double each;
	int64_t period_ms;
};

enum rc
relay_pace_new(size_t buckets, uint64_t each, int64_t period_ms, struct relay_pace **out)
{
	struct relay_pace *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (p == NULL || (p->buckets = calloc(buckets, sizeof(*p->buckets))) == NULL) {
		free(p);
		return RC_NOMEM;
	}
	p->n = buckets;
	p->each = (double)each;
	p->period_ms = period_ms;
	*out = p;
	return RC_OK;
}

void
relay_pace_free(struct relay_pace *p)
{
	if (p == NULL)
		return;
	free(p->buckets);
	free(p);
}

void
relay_pace_set(struct relay_pace *p, uint64_t each)
{
	p->each = (double)each;
}

/* The bucket of a key, filled up to now. */
static struct bucket *
bucket_of(struct relay_pace *p, const uint8_t key[RELAY_PACE_KEY_BYTES], int64_t now_ms)
{
	uint64_t hash = 1469598103934665603u;
	struct bucket *b;

	for (size_t i = 0; i < RELAY_PACE_KEY_BYTES; i++)
		hash = (hash ^ key[i]) * 1099511628211u;
	b = &p->buckets[(hash ^ hash >> 32) % p->n];
	if (b->at == 0 || memcmp(b->key, key, sizeof(b->key)) != 0) {
		memcpy(b->key, key, sizeof(b->key));
		b->left = p->each;
	} else if (now_ms > b->at) {
		b->left += p->each * (double)(now_ms - b->at) / (double)p->period_ms;
		b->left = b->left < p->each ? b->left : p->each;
	}
	b->at = now_ms > 0 ? now_ms : 1;
	return b;
}

bool
relay_pace_may(struct relay_pace *p, const uint8_t key[RELAY_PACE_KEY_BYTES], int64_t now_ms)
{
	return p->each <= 0 || bucket_of(p, key, now_ms)->left >= 1;
}

void
relay_pace_take(struct relay_pace *p, const uint8_t key[RELAY_PACE_KEY_BYTES], uint64_t amount,
    int64_t now_ms)
{
	struct bucket *b;

	if (p->each <= 0)
		return;
	b = bucket_of(p, key, now_ms);
	b->left -= (double)amount;
	if (b->left < -DEBT_PERIODS * p->each)
		b->left = -DEBT_PERIODS * p->each;
}
