/*
 * The linker leads calls of the real code here: __wrap_x stands in the place of x.  Some are
 * watched by the oracle, some are broken on demand (sim_break.h).
 */
#include "tests/simulate/sim_break.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "shared/base/bytes.h"
#include "shared/records/journal.h"
#include "shared/records/record.h"
#include "shared/records/register.h"
#include "shared/sync/exchange.h"
#include "shared/sync/frame.h"
#include "shared/sync/replica_internal.h"
#include "shared/sync/replica_syncing.h"
#include "shared/vault/block_file.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/depot.h"
#include "tests/simulate/sim.h"

/* Once a process: see sim_break.h. */
static enum sim_break BROKEN;
static uint64_t *SEEN;			/* hashes of keys with nonces, and of frame keys */
static size_t N_SEEN, ROOM;
static const char *REPEATED;
static bool IN_FRAME;
static uint64_t POSITION;		/* of what comes from the relay now */

const char *
sim_break_name(enum sim_break b)
{
	static const char *const names[SIM_BREAKS] = { "nothing", "memory of early replacements",
	    "replaced as seen", "fresh frame keys", "random page nonces", "fresh log per process",
	    "generation check", "cursor in the same transaction" };

	return names[b];
}

void
sim_break_set(enum sim_break b)
{
	BROKEN = b;
}

enum sim_break
sim_broken(void)
{
	return BROKEN;
}

/* The oracle --------------------------------------------------------------- */

void
sim_oracle_reset(void)
{
	if (SEEN != NULL)
		memset(SEEN, 0, ROOM * sizeof *SEEN);
	N_SEEN = 0;
	REPEATED = NULL;
	POSITION = 0;
}

const char *
sim_oracle_says(void)
{
	return REPEATED;
}

static void
grow(void)
{
	uint64_t *old = SEEN;
	size_t n = ROOM;

	ROOM = n == 0 ? 1 << 14 : 2 * n;
	if ((SEEN = calloc(ROOM, sizeof *SEEN)) == NULL)
		abort();
	for (size_t i = 0; i < n; i++) {
		size_t at = (size_t)(old[i] % ROOM);

		if (old[i] == 0)
			continue;
		while (SEEN[at] != 0)
			at = (at + 1) % ROOM;
		SEEN[at] = old[i];
	}
	free(old);
}

/* 64 bits of what is random, once: the key's beginning folded into the nonce's. */
static void
note(const void *key, const void *nonce, const char *what)
{
	uint64_t k, n[2] = { 0, 0 }, hash;
	size_t at;

	memcpy(&k, key, sizeof k);
	if (nonce != NULL)
		memcpy(n, nonce, sizeof n);
	hash = (k ^ n[0] * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u ^ n[1] * 0x94d049bb133111ebu;
	hash = hash == 0 ? 1 : hash;
	if (2 * N_SEEN >= ROOM)
		grow();
	for (at = (size_t)(hash % ROOM); SEEN[at] != 0; at = (at + 1) % ROOM) {
		if (SEEN[at] == hash) {
			REPEATED = what;
			return;
		}
	}
	SEEN[at] = hash;
	N_SEEN++;
}

int __wrap_crypto_aead_xchacha20poly1305_ietf_encrypt(unsigned char *c, unsigned long long *clen,
    const unsigned char *m, unsigned long long mlen, const unsigned char *ad,
    unsigned long long adlen, const unsigned char *nsec, const unsigned char *npub,
    const unsigned char *k);
int __real_crypto_aead_xchacha20poly1305_ietf_encrypt(unsigned char *c, unsigned long long *clen,
    const unsigned char *m, unsigned long long mlen, const unsigned char *ad,
    unsigned long long adlen, const unsigned char *nsec, const unsigned char *npub,
    const unsigned char *k);
int
__wrap_crypto_aead_xchacha20poly1305_ietf_encrypt(unsigned char *c, unsigned long long *clen,
    const unsigned char *m, unsigned long long mlen, const unsigned char *ad,
    unsigned long long adlen, const unsigned char *nsec, const unsigned char *npub,
    const unsigned char *k)
{
	note(k, npub, "something was sealed twice under one key and nonce");
	return __real_crypto_aead_xchacha20poly1305_ietf_encrypt(c, clen, m, mlen, ad, adlen, nsec,
	    npub, k);
}

int __wrap_crypto_aead_xchacha20poly1305_ietf_encrypt_detached(unsigned char *c,
    unsigned char *mac, unsigned long long *maclen, const unsigned char *m,
    unsigned long long mlen, const unsigned char *ad, unsigned long long adlen,
    const unsigned char *nsec, const unsigned char *npub, const unsigned char *k);
int __real_crypto_aead_xchacha20poly1305_ietf_encrypt_detached(unsigned char *c,
    unsigned char *mac, unsigned long long *maclen, const unsigned char *m,
    unsigned long long mlen, const unsigned char *ad, unsigned long long adlen,
    const unsigned char *nsec, const unsigned char *npub, const unsigned char *k);
int
__wrap_crypto_aead_xchacha20poly1305_ietf_encrypt_detached(unsigned char *c,
    unsigned char *mac, unsigned long long *maclen, const unsigned char *m,
    unsigned long long mlen, const unsigned char *ad, unsigned long long adlen,
    const unsigned char *nsec, const unsigned char *npub, const unsigned char *k)
{
	note(k, npub, "a page was sealed twice under one key and nonce");
	return __real_crypto_aead_xchacha20poly1305_ietf_encrypt_detached(c, mac, maclen, m, mlen, ad,
	    adlen, nsec, npub, k);
}

/* Signatures ----------------------------------------------------------------- */

enum { VERIFIED_MAX = 1 << 16, VERIFIED_BYTES = 16 };

enum rc __wrap_seal_verify(const uint8_t public_key[32], const char *label, const void *data,
    size_t len, const uint8_t signature[64]);
enum rc __real_seal_verify(const uint8_t public_key[32], const char *label, const void *data,
    size_t len, const uint8_t signature[64]);
/*
 * The same signature is checked again and again, in one world and the next: what held once is
 * remembered.  What does not hold is never remembered.
 */
enum rc
__wrap_seal_verify(const uint8_t public_key[32], const char *label, const void *data,
    size_t len, const uint8_t signature[64])
{
	static uint8_t held[VERIFIED_MAX][VERIFIED_BYTES];
	uint8_t hash[VERIFIED_BYTES];
	struct digest d;
	uint64_t at;
	enum rc rc;

	digest_start(&d, sizeof hash, public_key, 32, "verified");
	digest_span(&d, label, strlen(label));
	digest_span(&d, data, len);
	digest_put(&d, signature, 64);
	digest_end(&d, hash);
	memcpy(&at, hash, sizeof at);
	at %= VERIFIED_MAX;
	if (memcmp(held[at], hash, sizeof hash) == 0)
		return RC_OK;
	if ((rc = __real_seal_verify(public_key, label, data, len, signature)) == RC_OK)
		memcpy(held[at], hash, sizeof hash);
	return rc;
}

/* Time --------------------------------------------------------------------- */

time_t __wrap_time(time_t *out);
time_t
__wrap_time(time_t *out)
{
	const struct sim_world *w = sim_now();
	time_t now = (time_t)(w == NULL ? 0 : w->now_ms / 1000);

	if (out != NULL)
		*out = now;
	return now;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *out);
int
__wrap_clock_gettime(clockid_t id, struct timespec *out)
{
	const struct sim_world *w = sim_now();
	int64_t ms = w == NULL ? 0 : w->now_ms;

	(void)id;
	out->tv_sec = (time_t)(ms / 1000);
	out->tv_nsec = (long)(ms % 1000) * 1000000;
	return 0;
}

/* Frames ------------------------------------------------------------------- */

enum rc __wrap_frame_seal(const struct frame_header *h, const uint8_t scope_public[32],
    const struct secret *seed, const uint8_t *cargo, size_t len, struct bytes *out);
enum rc __real_frame_seal(const struct frame_header *h, const uint8_t scope_public[32],
    const struct secret *seed, const uint8_t *cargo, size_t len, struct bytes *out);
enum rc
__wrap_frame_seal(const struct frame_header *h, const uint8_t scope_public[32],
    const struct secret *seed, const uint8_t *cargo, size_t len, struct bytes *out)
{
	enum rc rc;

	IN_FRAME = true;
	rc = __real_frame_seal(h, scope_public, seed, cargo, len, out);
	IN_FRAME = false;
	return rc;
}

enum rc __wrap_secret_random(size_t len, struct secret **out);
enum rc __real_secret_random(size_t len, struct secret **out);
enum rc
__wrap_secret_random(size_t len, struct secret **out)
{
	enum rc rc = __real_secret_random(len, out);

	if (rc != RC_OK || !IN_FRAME)
		return rc;
	if (BROKEN == SIM_SAME_FRAME_KEY)
		memset(secret_data(*out), 7, len);
	note(secret_bytes(*out), NULL, "two frames were sealed under one key");
	return rc;
}

/* Pages ---------------------------------------------------------------------- */

enum { NONCE_BYTES = 24, POOL_MIN = 100 * NONCE_BYTES };

static uint64_t COUNTED;		/* nonces since a file was opened */

enum rc __wrap_block_key_new(const struct secret *files_key,
    const uint8_t vault_id[BLOCK_ID_BYTES], enum block_kind kind, struct block_key **out);
enum rc __real_block_key_new(const struct secret *files_key,
    const uint8_t vault_id[BLOCK_ID_BYTES], enum block_kind kind, struct block_key **out);
enum rc
__wrap_block_key_new(const struct secret *files_key, const uint8_t vault_id[BLOCK_ID_BYTES],
    enum block_kind kind, struct block_key **out)
{
	COUNTED = 0;
	return __real_block_key_new(files_key, vault_id, kind, out);
}

void __wrap_secret_random_bytes(void *p, size_t len);
void __real_secret_random_bytes(void *p, size_t len);
/* Only a pool of nonces asks for so many at once. */
void
__wrap_secret_random_bytes(void *p, size_t len)
{
	uint8_t *out = p;

	__real_secret_random_bytes(p, len);
	for (size_t i = 0; BROKEN == SIM_COUNTED_NONCES && len >= POOL_MIN &&
	    i + NONCE_BYTES <= len; i += NONCE_BYTES) {
		memset(out + i, 0, NONCE_BYTES);
		memcpy(out + i, &COUNTED, sizeof COUNTED);
		COUNTED++;
	}
}

/* Records ------------------------------------------------------------------ */

void __wrap_register_state_init(struct register_state *s, struct dot record);
void __real_register_state_init(struct register_state *s, struct dot record);
void
__wrap_register_state_init(struct register_state *s, struct dot record)
{
	__real_register_state_init(s, record);
	s->forget_pending = BROKEN == SIM_NO_MEMORY;
}

enum rc __wrap_register_state_decode(const uint8_t *p, size_t len, struct dot record,
    struct register_state *out);
enum rc __real_register_state_decode(const uint8_t *p, size_t len, struct dot record,
    struct register_state *out);
enum rc
__wrap_register_state_decode(const uint8_t *p, size_t len, struct dot record,
    struct register_state *out)
{
	enum rc rc = __real_register_state_decode(p, len, record, out);

	out->forget_pending = BROKEN == SIM_NO_MEMORY;
	return rc;
}

enum rc __wrap_record_edit(const struct record_context *c, const struct dot *id,
    struct answers *changes, const char *seen, const char *reason, struct dot *dot,
    struct error *err);
enum rc __real_record_edit(const struct record_context *c, const struct dot *id,
    struct answers *changes, const char *seen, const char *reason, struct dot *dot,
    struct error *err);
enum rc
__wrap_record_edit(const struct record_context *c, const struct dot *id,
    struct answers *changes, const char *seen, const char *reason, struct dot *dot,
    struct error *err)
{
	struct record_view now;
	enum rc rc;

	if (BROKEN != SIM_LIVE_AT_SAVE || record_show(c, id, &now, NULL) != RC_OK)
		return __real_record_edit(c, id, changes, seen, reason, dot, err);
	rc = __real_record_edit(c, id, changes, now.seen, reason, dot, err);
	record_view_reset(&now);
	return rc;
}

/* As journal_append, but to the newest log of its own that the disk has. */
static enum rc
append_to_old_log(struct sqlite3 *db, uint64_t id, struct entry *e, struct error *err)
{
	uint8_t tag[ENTRY_TAG_BYTES];
	struct journal_log log;
	struct bytes body;
	enum rc rc;

	bytes_init(&body);
	if ((rc = journal_log_get(db, id, &log, err)) != RC_OK)
		return rc;
	e->dot = (struct dot){ id, log.head_n + 1 };
	if (e->creates && !e->restated)
		e->record = e->dot;
	if ((rc = entry_encode(e, &body)) == RC_OK) {
		entry_tag(log.key, e->dot.n, body.data, body.len, tag);
		entry_chain_next(log.head, e->dot.n, tag);
		rc = query_run(db, err, "INSERT INTO entry(log, n, record_log, record_n, after, body)"
		    " VALUES(?1, ?2, ?3, ?4, ?5, ?6)", "iiiibb", (int64_t)id, (int64_t)e->dot.n,
		    (int64_t)e->record.log, (int64_t)e->record.n, log.head, sizeof log.head, body.data,
		    body.len);
	}
	if (rc == RC_OK)
		rc = query_run(db, err, "UPDATE log SET head_n = ?2, top_n = ?2, head = ?3 WHERE id = ?1",
		    "iib", (int64_t)id, (int64_t)e->dot.n, log.head, sizeof log.head);
	bytes_reset(&body);
	return rc;
}

/* The log that a copied process had in its memory for this scope; 0: none, or it may not go on. */
static uint64_t
log_of_twin(struct sqlite3 *db, const struct journal_scope *scope, bool folds)
{
	const struct sim_world *w = sim_now();
	struct journal_log log;

	for (size_t i = 0; i < w->n_devices; i++) {
		const struct sim_device *d = &w->devices[i];

		for (size_t k = 0; d->twin && d->vault != NULL && vault_db(d->vault) == db &&
		    k < d->n_logs; k++) {
			if (journal_log_get(db, d->logs[k], &log, NULL) == RC_OK && log.own &&
			    log.fork_n == 0 && log.limit_n == JOURNAL_NO_LIMIT && log.folds == folds &&
			    log.scope.compartment == scope->compartment &&
			    strcmp(log.scope.unit, scope->unit) == 0)
				return d->logs[k];
		}
	}
	return 0;
}

enum rc __wrap_journal_append(struct sqlite3 *db, struct journal_writer *w,
    const struct journal_scope *scope, bool folds, struct entry *e, struct error *err);
enum rc __real_journal_append(struct sqlite3 *db, struct journal_writer *w,
    const struct journal_scope *scope, bool folds, struct entry *e, struct error *err);
enum rc
__wrap_journal_append(struct sqlite3 *db, struct journal_writer *w,
    const struct journal_scope *scope, bool folds, struct entry *e, struct error *err)
{
	int64_t log = 0;

	if (BROKEN == SIM_SAME_LOG)
		(void)!query_int(db, NULL, &log, "SELECT id FROM log WHERE own = 1 AND unit = ?1"
		    " AND compartment = ?2 AND folds = ?3 AND fork_n IS NULL AND limit_n IS NULL"
		    " AND head_n = top_n ORDER BY id LIMIT 1", "tii", scope->unit,
		    (int64_t)scope->compartment, (int64_t)folds);
	if (log == 0)
		log = (int64_t)log_of_twin(db, scope, folds);
	if (log != 0)
		return append_to_old_log(db, (uint64_t)log, e, err);
	return __real_journal_append(db, w, scope, folds, e, err);
}

/* Sync --------------------------------------------------------------------- */

void __wrap_depot_generation(const struct depot *d, uint8_t out[16]);
void __real_depot_generation(const struct depot *d, uint8_t out[16]);
void
__wrap_depot_generation(const struct depot *d, uint8_t out[16])
{
	__real_depot_generation(d, out);
	if (BROKEN == SIM_SAME_GENERATION)
		memset(out, 5, 16);
}

enum rc __wrap_exchange_frame_down_read(const uint8_t *p, size_t len, uint64_t *position,
    const uint8_t **frame, size_t *frame_len);
enum rc __real_exchange_frame_down_read(const uint8_t *p, size_t len, uint64_t *position,
    const uint8_t **frame, size_t *frame_len);
enum rc
__wrap_exchange_frame_down_read(const uint8_t *p, size_t len, uint64_t *position,
    const uint8_t **frame, size_t *frame_len)
{
	enum rc rc = __real_exchange_frame_down_read(p, len, position, frame, frame_len);

	POSITION = rc == RC_OK ? *position : 0;
	return rc;
}

enum rc __wrap_replica_take_frame(struct replica *r, const uint8_t *p, size_t len,
    struct replica_sync_result *count, struct error *err);
enum rc __real_replica_take_frame(struct replica *r, const uint8_t *p, size_t len,
    struct replica_sync_result *count, struct error *err);
enum rc
__wrap_replica_take_frame(struct replica *r, const uint8_t *p, size_t len,
    struct replica_sync_result *count, struct error *err)
{
	uint64_t base, position = POSITION;
	enum rc rc = RC_OK;

	POSITION = 0;
	if (BROKEN == SIM_CURSOR_FIRST && position != 0) {
		rc = replica_request_number(r->db, "position", &base, err);
		if (rc == RC_OK && position > base)
			rc = replica_request_put_number(r->db, "position", position, err);
		if ((rc = replica_end(r, rc, err)) == RC_OK)
			rc = replica_begin(r, err);
	}
	return rc != RC_OK ? rc : __real_replica_take_frame(r, p, len, count, err);
}
