#ifndef SHARED_SYNC_REPLICA_INTERNAL_H
#define SHARED_SYNC_REPLICA_INTERNAL_H

/* replica_internal: what the files of replica share; nobody else includes it. */
#include "shared/sync/replica.h"
#include "shared/sync/exchange.h"

struct vault;
struct sqlite3_stmt;

enum {
	REPLICA_FRAME_BYTES_MIN = 4 << 10,	/* of cargo, on a bad link */
	REPLICA_FRAME_BYTES_FIRST = 16 << 10,	/* before a link is known */
	REPLICA_FRAME_BYTES_MAX = 512 << 10,
	REPLICA_BODIES_MAX = 32 << 20,		/* of all entries of a frame together */
	REPLICA_FRAME_SECONDS = 6,		/* how long one frame may take */
	REPLICA_STATEMENT_MAX = DIRECTORY_PAYLOAD_MAX + 1024
};

struct replica_name {
	struct replica_name *next;
	uint8_t device[IDENTITY_ID_BYTES];
	char text[IDENTITY_NAME_MAX + 1];
};

struct replica {
	struct vault *vault;		/* borrowed */
	struct sqlite3 *db;		/* the vault's */
	struct clock clock;
	struct directory *directory;
	struct identity identity;
	struct form_set *forms;
	uint64_t forms_seq;		/* statement that `forms` came from; UINT64_MAX: built in */
	struct fold *fold;
	char url[256], pin[128];
	struct replica_name *names;
	bool directory_grew;		/* since the last look at what waits */
	bool keys_grew;
	bool look_again;		/* something may have come that was not tried yet */
	bool by_stick;			/* what is taken now came in a bundle */
	uint64_t aside_max;		/* of what replica_quota.h counts */
	uint64_t aside;			/* of that, what is here; unless it is to be counted again */
	bool aside_counted;
	uint64_t refused;		/* bytes of it for which there was no room; only grows */
	bool touched;			/* the directory in memory, in this transaction */
};

/* Settings: small blobs by name.  RC_NOTFOUND leaves out zeroed. */
enum rc replica_setting_get(struct sqlite3 *db, const char *name, void *out, size_t len,
    struct error *err) RC_CHECK;
enum rc replica_setting_put(struct sqlite3 *db, const char *name, const void *p, size_t len,
    struct error *err) RC_CHECK;

/* What binds the wrapped secret of a scope to its row. */
enum { REPLICA_CONTEXT_MAX = 80 };
void replica_scope_context(const char *unit, unsigned compartment, uint32_t epoch,
    char out[REPLICA_CONTEXT_MAX]);
/* The secret of a scope's epoch.  RC_NOTFOUND. */
enum rc replica_scope_secret(struct replica *r, const char *unit, unsigned compartment,
    uint32_t epoch, struct secret **out, struct error *err) RC_CHECK;
enum rc replica_store_scope_secret(struct vault *v, const char *unit, unsigned compartment,
    uint32_t epoch, const struct secret *key, struct error *err) RC_CHECK;

/* Take single things; inside the caller's transaction. */
enum rc replica_take_statement(struct replica *r, const uint8_t *p, size_t len,
    struct error *err) RC_CHECK;
enum rc replica_take_certificate(struct replica *r, const uint8_t *p, size_t len,
    struct error *err) RC_CHECK;
enum rc replica_take_share(struct replica *r, enum item_type type, const uint8_t *p,
    size_t len, struct error *err) RC_CHECK;
enum rc replica_take_receipt(struct replica *r, const uint8_t *p, size_t len,
    struct error *err) RC_CHECK;
enum rc replica_take_frame(struct replica *r, const uint8_t *p, size_t len,
    struct replica_sync_result *count, struct error *err) RC_CHECK;
/* One of the above by its type, then what waited for it.  No transaction of its own. */
enum rc replica_take_item(struct replica *r, enum item_type type, const uint8_t *p,
    size_t len, struct replica_sync_result *count, struct error *err) RC_CHECK;
/* The secret of a scope's epoch, if it is the one whose public key the directory has. */
enum rc replica_keep_key(struct replica *r, const struct share *s, const struct secret *key,
    struct error *err) RC_CHECK;
/* The last entry of a device's log that counts; JOURNAL_NO_LIMIT: all of them do. */
uint64_t replica_limit_of(const struct device *d, uint64_t log);
/* Shares that wait for a key or a statement, once more. */
enum rc replica_retry_shares(struct replica *r, struct error *err) RC_CHECK;
/* A relay's word counts no more: of its receipts for our frames the last is kept, for a person to see. */
enum rc replica_forget_receipts(struct replica *r, const uint8_t signer[16],
    struct error *err) RC_CHECK;
/* Receipts whose signer was not named, once more. */
enum rc replica_retry_receipts(struct replica *r, struct error *err) RC_CHECK;
/* Try frames that wait again, if something came that they may have waited for. */
enum rc replica_retry_waiting(struct replica *r, struct replica_sync_result *count,
    struct error *err) RC_CHECK;

/*
 * The last statement that this device may have known when it wrote in the scope: before the one
 * that moved it elsewhere.  What is sealed after the news of a move was written before it.
 */
enum rc replica_could_write_at(struct replica *r, const char *scope_unit, unsigned compartment,
    uint64_t *seq, struct error *err);

/* The forms as the directory publishes them now (or the built-in ones). */
enum rc replica_load_forms(struct replica *r, struct error *err) RC_CHECK;

/* Transactions that also forget what the fold held back when they fail. */
enum rc replica_begin(struct replica *r, struct error *err) RC_CHECK;
enum rc replica_end(struct replica *r, enum rc rc, struct error *err) RC_CHECK;

#endif
