#ifndef SYNC_SERVER_ROOT_EXCHANGE_H
#define SYNC_SERVER_ROOT_EXCHANGE_H

/*
 * root_exchange: what authority and relay say to each other (formats.md "Exchange
 * between authority and relay"), as bytes and as structs.  No HTTP, no database.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/sync/exchange.h"

struct secret;

enum {
	ROOT_EXCHANGE_WAITING_MAX = 4096,
	ROOT_EXCHANGE_HEADS_MAX = 4096,		/* an item */
	ROOT_EXCHANGE_QUARANTINE_MAX = 10000,
	ROOT_EXCHANGE_RELEASE_MAX = 65536,
	ROOT_EXCHANGE_START = 3			/* bytes of "FX" and the version */
};

/* Why a device waits, and why a frame is set aside: numbers of formats.md. */
enum root_exchange_why {
	WHY_NOTHING, WHY_SECOND_USE, WHY_EXPIRED, WHY_REVOKED, WHY_REFUSED
};
enum root_exchange_reason {
	ASIDE_NOTHING, ASIDE_NOT_A_FRAME, ASIDE_NEWER, ASIDE_UNKNOWN_AUTHOR, ASIDE_SIGNATURE,
	ASIDE_MAY_NOT_WRITE, ASIDE_UNKNOWN_EPOCH, ASIDE_OTHER_LOG, ASIDE_AUTHOR_RETIRED,
	ASIDE_BY_RETIRED, ASIDE_AUTHOR_REFUSED, ASIDE_ERASED
};

/* Begin a request or a reply: "FX" and the version.  Then put items with exchange_put. */
void root_exchange_start(struct bytes *out);
/* RC_FORMAT, RC_NEWER.  Items follow after ROOT_EXCHANGE_START bytes. */
enum rc root_exchange_check_start(const uint8_t *p, size_t len) RC_CHECK;

/* ---- the request's last item but `end` ---- */
struct root_hello {
	uint8_t province[8], generation[16], nonce[16];
	uint64_t statements;		/* how many the authority has */
	uint8_t directory_head[32];
	uint64_t certificates, heads;	/* the relay's numbers up to which it has them */
};
/* Appends the signed root item and the end to a request that holds its other items. */
enum rc root_exchange_sign(const struct root_hello *h, const struct secret *root_seed,
    struct bytes *request) RC_CHECK;
enum rc root_exchange_read(const uint8_t *payload, size_t len, struct root_hello *out) RC_CHECK;
/* before: all bytes of the request before the root item.  RC_AUTH. */
enum rc root_exchange_verify(const uint8_t *payload, size_t len, const uint8_t *before,
    size_t before_len, const uint8_t root_public[32]) RC_CHECK;

/* ---- the reply's last item but `end` ---- */
enum root_exchange_status { ROOT_OK, ROOT_STALE, ROOT_CHAINS_DIFFER };
struct relay_waiting {
	uint8_t device[16];
	enum root_exchange_why why;
	uint64_t frames;
};
struct relay_state {
	enum root_exchange_status status;
	uint8_t generation[16], nonce[16];
	uint64_t statements;
	uint8_t directory_head[32];
	uint64_t certificates, heads;
	bool more;			/* another exchange brings more of these two */
	struct relay_waiting *waiting;	/* owned when decoded */
	size_t n_waiting;
	uint8_t request[16];		/* H(16) of the root payload that it answers */
	uint8_t relay[16];
};
/* Appends the signed state and the end to a reply that holds its other items. */
enum rc root_exchange_state_sign(const struct relay_state *s, const struct secret *relay_seed,
    struct bytes *reply) RC_CHECK;
enum rc root_exchange_state_read(const uint8_t *payload, size_t len,
    struct relay_state *out) RC_CHECK;
enum rc root_exchange_state_verify(const uint8_t *payload, size_t len, const uint8_t *before,
    size_t before_len, const uint8_t relay_public[32]) RC_CHECK;
void root_exchange_state_reset(struct relay_state *s);

/* ---- other items ---- */
struct relay_head {
	uint8_t device[16];
	struct exchange_head head;
};
void root_exchange_heads_write(const struct relay_head *heads, size_t n, struct bytes *payload);
/* *out has n; free() it. */
enum rc root_exchange_heads_read(const uint8_t *p, size_t len, struct relay_head **out,
    size_t *n) RC_CHECK;

struct relay_aside {
	uint8_t frame[32], author[16];
	enum root_exchange_reason reason;
	int64_t received;
};
void root_exchange_quarantine_write(const struct relay_aside *a, size_t n,
    struct bytes *payload);
enum rc root_exchange_quarantine_read(const uint8_t *p, size_t len, struct relay_aside **out,
    size_t *n) RC_CHECK;

#endif
