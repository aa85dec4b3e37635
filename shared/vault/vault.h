#ifndef SHARED_VAULT_VAULT_H
#define SHARED_VAULT_VAULT_H

/*
 * vault: a folder in which everything on disk is sealed (architecture section
 * 4, formats.md "Vault").  It holds vault.key (two copies: vault.key and
 * vault.key.b), vault.db, its WAL and vault.lock.
 *
 * The database is an ordinary SQLite handle, opened through vault_vfs with the
 * settings of architecture section 4.  Whoever is above runs statements on it.
 * One process at a time: RC_BUSY otherwise.
 */
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"

struct secret;
struct sqlite3;
struct vault;

enum {
	VAULT_ID_BYTES = 16,
	VAULT_WRAP_OVERHEAD = 40,
	VAULT_RECOVERY_BYTES = 20,	/* 160 random bits */
	VAULT_KDF_MEMORY_MIN_MIB = 32,
	VAULT_KDF_MEMORY_MAX_MIB = 1024,
	VAULT_KDF_PASSES_MAX = 10
};

/* What the subkeys of the master key are for (crypto_kdf ids). */
enum vault_purpose {
	VAULT_HEADER_MAC = 1,
	VAULT_FILES = 2,
	VAULT_IDENTITY = 3,	/* wraps device and authority secrets */
	VAULT_SETTINGS = 4,
	VAULT_BACKUP = 5,
	VAULT_LOCAL = 6		/* authenticates a client to its keeper */
};

struct vault_kdf {
	uint32_t memory_mib;	/* 0: calibrate to about one second, floor 32 */
	uint32_t passes;	/* 0: with it */
};

/*
 * Once a process, before SQLite is first used by anybody in it: randomness, and
 * an allocator for SQLite that overwrites what it frees.  vault_create and
 * vault_open call it; a program that opens other databases first calls it itself.
 * RC_INTERNAL: no randomness, or SQLite was already running.
 */
enum rc vault_start(void) RC_CHECK;

/*
 * Make a new vault in dir (made if need be).  escrow_public: the authority's
 * 32-byte X25519 recovery key, or NULL for no escrow slot.
 * *recovery: the recovery code (secret_code_print shows it), owned by the caller.
 * RC_EXISTS if there is any file of a vault there already, readable or not.
 */
enum rc vault_create(const char *dir, const struct secret *passphrase,
    struct vault_kdf kdf, const uint8_t *escrow_public,
    struct vault **out, struct secret **recovery, struct error *err) RC_CHECK;

/*
 * Open with a passphrase.  RC_AUTH: wrong passphrase.  RC_NOTFOUND: no vault.
 * RC_DAMAGED: neither copy of the key file parses, or the WAL is damaged
 * before its last transaction.  RC_NEWER.  RC_BUSY: open elsewhere.
 */
enum rc vault_open(const char *dir, const struct secret *passphrase,
    struct vault **out, struct error *err) RC_CHECK;
enum rc vault_open_with_recovery(const char *dir, const struct secret *code,
    struct vault **out, struct error *err) RC_CHECK;
enum rc vault_open_with_escrow(const char *dir, const uint8_t escrow_public[32],
    const struct secret *escrow_secret, struct vault **out, struct error *err) RC_CHECK;

/* For tests and the simulator: create and open by a given master key, no Argon2. */
enum rc vault_create_with_master(const char *dir, const struct secret *master,
    struct vault **out, struct error *err) RC_CHECK;
enum rc vault_open_with_master(const char *dir, const struct secret *master,
    struct vault **out, struct error *err) RC_CHECK;

/*
 * Checkpoints, closes, wipes keys.  NULL is allowed.  Finalise all statements
 * first: one that is left keeps the database and its key in memory.
 */
void vault_close(struct vault *v);

/* Is this the passphrase of the open vault (a keeper asks)?  RC_AUTH if not. */
enum rc vault_check_passphrase(struct vault *v, const struct secret *passphrase,
    struct error *err) RC_CHECK;
/* Replace the passphrase slot; the old one is gone from both copies. */
enum rc vault_set_passphrase(struct vault *v, const struct secret *passphrase,
    struct vault_kdf kdf, struct error *err) RC_CHECK;
/* Replace the recovery slot with a new code. */
enum rc vault_new_recovery(struct vault *v, struct secret **recovery,
    struct error *err) RC_CHECK;
/*
 * Destroy every slot in both copies, then the files.  Needs no key.  RC_BUSY: that is done, but
 * another process had the vault open, and what it does next may be on the disk afterwards.
 */
enum rc vault_wipe(const char *dir, struct error *err) RC_CHECK;
/* Is there a vault (any of its files) in dir? */
int vault_exists(const char *dir);

struct sqlite3 *vault_db(struct vault *v);
const char *vault_dir(const struct vault *v);
void vault_id(const struct vault *v, uint8_t out[VAULT_ID_BYTES]);

/*
 * Seal a secret under a subkey, to be stored as a blob; and open it again.
 * context binds it to its place (table and row).  RC_AUTH: tampered or moved.
 */
enum rc vault_wrap(const struct vault *v, enum vault_purpose purpose,
    const char *context, const struct secret *s, struct bytes *out) RC_CHECK;
enum rc vault_unwrap(const struct vault *v, enum vault_purpose purpose,
    const char *context, const uint8_t *p, size_t len, struct secret **out) RC_CHECK;

/*
 * Run the numbered migrations: SQL text in which a line "-- version N" starts
 * the statements that lead to version N, kept in PRAGMA user_version.  One
 * transaction.  A vault that is in use is copied first, sealed as it lies, to
 * "vault.db.vN", which stays until the next opening (vault_upgrade.h).
 * RC_NEWER: the database is newer than the text.  RC_FULL: no room for the copy.
 */
enum rc vault_migrate(struct vault *v, const char *sql, struct error *err) RC_CHECK;

/* Check all pages and the database's own structure; what is wrong goes to err. */
enum rc vault_verify(struct vault *v, struct error *err) RC_CHECK;

/* SQLite's last error of a handle as our code: full, I/O, damaged, busy ... */
enum rc vault_rc_of_sqlite(struct sqlite3 *db, int sqlite_rc, const char *doing,
    struct error *err) RC_CHECK;

#endif
