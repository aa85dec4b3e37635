#ifndef TESTS_SUPPORT_DAMAGED_VAULT_H
#define TESTS_SUPPORT_DAMAGED_VAULT_H

/*
 * damaged_vault: a vault whose files a test spoils, and has back as they were.  It has ROWS rows; the
 * last COMMITS of them are transactions that lie in the WAL only.  Everything fails loudly.
 */
#include "shared/base/bytes.h"
#include "tests/support/vault_folder.h"

struct sqlite3;

enum {
	DAMAGED_VAULT_ROWS = 40, DAMAGED_VAULT_COMMITS = 6, DAMAGED_VAULT_FILES = 5,
	DAMAGED_VAULT_BODY = 300	/* bytes of a row */
};

/* vault.key, vault.key.b, vault.db, vault.db-wal, vault.lock */
extern const char *const DAMAGED_VAULT_NAMES[DAMAGED_VAULT_FILES];

struct damaged_vault {
	struct vault_folder *f;
	struct bytes files[DAMAGED_VAULT_FILES];	/* as a power cut leaves them: the WAL is full */
	struct bytes settled;		/* vault.db after a clean close */
	struct bytes wal;		/* another copy of the WAL */
	struct bytes other[DAMAGED_VAULT_FILES];	/* of another vault */
};

/* *state becomes a struct damaged_vault. */
int damaged_vault_set_up(void **state);
int damaged_vault_tear_down(void **state);

void damaged_vault_path(const struct damaged_vault *m, const char *name, char out[400]);
void damaged_vault_put(const struct damaged_vault *m, const char *name, const uint8_t *p, size_t len);
void damaged_vault_take(const struct damaged_vault *m, const char *name, struct bytes *out);
/* A file, or an empty folder; it may be gone. */
void damaged_vault_remove(const struct damaged_vault *m, const char *name);
/* The files as they were. */
void damaged_vault_mend(const struct damaged_vault *m);

/* With a described error, or with none. */
enum rc damaged_vault_open(const struct damaged_vault *m, struct vault **v, struct error *err);
/* Row i: 1 right, 0 absent, -1 cannot be read.  A wrong one ends the test. */
int damaged_vault_row(struct sqlite3 *db, int i);
/* How many of the rows up to this one are right. */
int damaged_vault_readable(struct sqlite3 *db, int upto);
/* After a refusal nothing was changed: with the true bytes back all is there. */
void damaged_vault_mends(const struct damaged_vault *m);

#endif
