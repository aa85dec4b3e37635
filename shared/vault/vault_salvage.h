#ifndef SHARED_VAULT_VAULT_SALVAGE_H
#define SHARED_VAULT_VAULT_SALVAGE_H

/*
 * vault_salvage: what can still be read of a damaged vault, named and brought over
 * into a new database.  What the rows mean is known above.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

struct secret;
struct sqlite3;
struct vault;

enum { VAULT_PAGES_NAMED_MAX = 100 };

struct vault_damage {
	int64_t pages, bad_pages;
	int64_t named[VAULT_PAGES_NAMED_MAX];	/* the first of them, from 1 */
	size_t n_named;
	char tables[400];		/* not readable as a whole, with blanks between; "" */
	bool structure;			/* the pages are whole, but do not fit together */
};

/* Look at every page and at every row of every table.  Damage found is no error. */
enum rc vault_examine(struct vault *v, struct vault_damage *out, struct error *err) RC_CHECK;
bool vault_is_whole(const struct vault_damage *d);

/*
 * Open a damaged vault to look at it: also when its WAL is damaged before the end, or the list
 * of tables cannot be read, or the file was cut off (page_mend).  Nothing can be written.
 * sql: the migrations of a new vault.
 */
enum rc vault_open_to_look(const char *dir, const struct secret *passphrase, const char *sql,
    struct vault **out, struct error *err) RC_CHECK;
/*
 * To salvage it: what stands in the WAL before a damaged place is recovered.  Once the key file
 * is opened, vault.db and its WAL are copied, as they lie, to vault.db.damaged and
 * vault.db-wal.damaged (with -2 … behind it if that is taken).
 */
enum rc vault_open_to_salvage(const char *dir, const struct secret *passphrase, const char *sql,
    struct vault **out, struct error *err) RC_CHECK;

struct vault_salvage_table {
	const char *name;
	bool later;			/* not in version 1: a vault without it may be older, and lost nothing */
	uint64_t rows;			/* OUT: brought over */
	bool lost;			/* OUT: some could not be read */
};
struct vault_salvage {
	const char *sql;		/* migrations of the new database */
	struct vault_salvage_table *tables;
	size_t n_tables;
	/* Called in the same transaction, after the tables.  May be NULL. */
	enum rc (*more)(void *ctx, struct sqlite3 *from, struct sqlite3 *to, struct error *err);
	void *ctx;
};

/*
 * Make a new database of each row that can be read, in vault.db.salvage, and put it in the
 * place of vault.db in one step.  No statement may be open on the vault's handle: it is
 * another one afterwards.  On failure the vault is as it was.
 */
enum rc vault_salvage_run(struct vault *v, const struct vault_salvage *order,
    struct error *err) RC_CHECK;

#endif
