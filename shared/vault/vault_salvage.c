#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/base/file_stream.h"
#include "shared/base/files.h"
#include "shared/vault/key_file.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_db.h"
#include "shared/vault/vault_parts.h"
#include "shared/vault/vault_salvage.h"
#include "shared/vault/vault_upgrade.h"
#include "shared/vault/vault_vfs.h"

enum { COPY_BYTES = 65536, COPIES_MAX = 99 };

#define NEW_NAME VAULT_DB_NAME ".salvage"

/* Copies ------------------------------------------------------------------ */

static enum rc
copy_file(const char *from, const char *to, struct error *err)
{
	struct file_stream *in = NULL, *out = NULL;
	uint8_t *buf = malloc(COPY_BYTES);
	size_t n = 0;
	enum rc rc = buf == NULL ? RC_NOMEM : file_stream_open(from, &in, err);

	if (rc == RC_OK)
		rc = file_stream_create(to, &out, err);
	while (rc == RC_OK && (rc = file_stream_get(in, buf, COPY_BYTES, &n, err)) == RC_OK && n > 0)
		rc = file_stream_put(out, buf, n, err);
	if (rc == RC_OK) {
		rc = file_stream_finish(out, err);
		out = NULL;
	}
	file_stream_close(out);
	file_stream_close(in);
	free(buf);
	return rc;
}

static bool
is_empty(const char *path)
{
	struct file_stream *in = NULL;
	uint8_t byte;
	size_t n = 1;
	bool empty = file_stream_open(path, &in, NULL) == RC_OK &&
	    file_stream_get(in, &byte, 1, &n, NULL) == RC_OK && n == 0;

	file_stream_close(in);
	return empty;
}

/* To a name that is not taken: an earlier copy may hold what this one lost. */
static enum rc
keep_copy(const char *dir, const char *name, struct error *err)
{
	char from[FILES_PATH_MAX], to[FILES_PATH_MAX], kept[64];
	enum rc rc;

	if ((rc = files_join(dir, name, from)) != RC_OK)
		return rc;
	if (!files_exists(from) || is_empty(from))
		return RC_OK;
	for (int i = 1; i <= COPIES_MAX; i++) {
		snprintf(kept, sizeof kept, i == 1 ? "%s.damaged" : "%s.damaged-%d", name, i);
		if ((rc = files_join(dir, kept, to)) != RC_OK)
			return rc;
		if (!files_exists(to))
			return copy_file(from, to, err);
	}
	return error_set(err, RC_LIMIT, dir, "move copies of damaged files elsewhere",
	    "more than %d copies of a damaged file", COPIES_MAX);
}

static enum rc
by_passphrase(const struct keyslots *k, const void *ctx, struct secret **master)
{
	return keyslots_open_passphrase(k, ctx, master);
}

/* The master key; and whoever may not have it leaves no copies behind. */
static enum rc
take_master(const char *dir, const struct secret *passphrase, struct secret **out, struct error *err)
{
	struct key_file_opener opener = { by_passphrase, passphrase };
	struct vault *v = NULL;
	enum rc rc;

	*out = NULL;
	if ((rc = vault_hold_folder(dir, &v, err)) == RC_OK &&
	    (rc = key_file_read(dir, opener, &v->slots, out, err)) == RC_NOTFOUND)
		rc = error_set(err, RC_DAMAGED, dir, "bring back vault.key from a backup",
		    "the key file of this vault is gone");
	vault_close(v);
	return rc;
}

static enum rc
open_to_look(const char *dir, const struct secret *master, const char *sql, struct vault **out,
    struct error *err)
{
	struct vault_vfs_rules rules = { .no_damage_check = true, .no_checkpoint_at_open = true,
	    .mend = sql };

	return vault_open_on(dir, master, (struct vault_bench){ NULL, &rules }, out, err);
}

enum rc
vault_open_to_look(const char *dir, const struct secret *passphrase, const char *sql,
    struct vault **out, struct error *err)
{
	struct secret *master = NULL;
	enum rc rc;

	*out = NULL;
	if ((rc = take_master(dir, passphrase, &master, err)) == RC_OK)
		rc = open_to_look(dir, master, sql, out, err);
	secret_free(master);
	return rc;
}

enum rc
vault_open_to_salvage(const char *dir, const struct secret *passphrase, const char *sql,
    struct vault **out, struct error *err)
{
	struct vault_vfs_rules rules = { .no_damage_check = true };
	struct secret *master = NULL;
	struct vault *v = NULL;
	enum rc rc;

	*out = NULL;
	/* nothing is copied of what cannot be read at all */
	if ((rc = take_master(dir, passphrase, &master, err)) != RC_OK ||
	    (rc = open_to_look(dir, master, sql, &v, err)) != RC_OK)
		goto out;
	vault_close(v);
	if ((rc = keep_copy(dir, VAULT_DB_NAME, err)) != RC_OK ||
	    (rc = keep_copy(dir, VAULT_DB_NAME "-wal", err)) != RC_OK)
		goto out;
	rc = vault_open_on(dir, master, (struct vault_bench){ NULL, &rules }, out, err);
	if (rc == RC_DAMAGED) {
		error_clear(err);
		rc = open_to_look(dir, master, sql, out, err);
	}
out:
	secret_free(master);
	return rc;
}

/* Rows -------------------------------------------------------------------- */

struct table {
	struct sqlite3 *from, *to;
	const char *name;
	char *columns;			/* "a", "b" */
	char *up, *down;		/* how to walk; NULL with rowids */
	int n;				/* columns */
	sqlite3_stmt *put;
	uint64_t rows;
	bool lost;
	struct error *err;
};

/* A list made by SQL about a table of the new database. */
static enum rc
list(const struct table *t, const char *sql, char **out)
{
	struct bytes b;
	enum rc rc;

	bytes_init(&b);
	rc = query_blob(t->to, t->err, &b, sql, "t", t->name);
	if (rc == RC_OK && (*out = sqlite3_mprintf("%s", bytes_cstr(&b))) == NULL)
		rc = RC_NOMEM;
	bytes_reset(&b);
	return rc;
}

static bool
has_rowid(const struct table *t)
{
	char *sql = sqlite3_mprintf("SELECT rowid FROM \"%w\"", t->name);
	sqlite3_stmt *q = NULL;
	bool has = sql != NULL && sqlite3_prepare_v2(t->to, sql, -1, &q, NULL) == SQLITE_OK;

	sqlite3_finalize(q);
	sqlite3_free(sql);
	return has;
}

static enum rc
describe(struct table *t)
{
	char *marks = NULL, *sql = NULL;
	int64_t n = 0;
	int s = SQLITE_NOMEM;
	enum rc rc;

	if ((rc = list(t, "SELECT group_concat('\"' || name || '\"', ', ')"
	    " FROM pragma_table_info(?1)", &t->columns)) != RC_OK ||
	    (rc = list(t, "SELECT group_concat('?', ', ') FROM pragma_table_info(?1)",
	    &marks)) != RC_OK ||
	    (rc = query_int(t->to, t->err, &n, "SELECT count(*) FROM pragma_table_info(?1)", "t",
	    t->name)) != RC_OK)
		goto out;
	t->n = (int)n;
	sql = sqlite3_mprintf("INSERT OR IGNORE INTO \"%w\"(%s) VALUES (%s)", t->name, t->columns, marks);
	if (sql != NULL)
		s = sqlite3_prepare_v2(t->to, sql, -1, &t->put, NULL);
	if ((rc = vault_rc_of_sqlite(t->to, s, t->name, t->err)) != RC_OK || has_rowid(t))
		goto out;
	if ((rc = list(t, "SELECT group_concat('\"' || name || '\"', ', ') FROM (SELECT name FROM"
	    " pragma_table_info(?1) WHERE pk > 0 ORDER BY pk)", &t->up)) == RC_OK)
		rc = list(t, "SELECT group_concat('\"' || name || '\" DESC', ', ') FROM (SELECT name FROM"
		    " pragma_table_info(?1) WHERE pk > 0 ORDER BY pk)", &t->down);
out:
	sqlite3_free(marks);
	sqlite3_free(sql);
	return rc;
}

/* The row on which q stands; its columns begin behind the first. */
static enum rc
put_row(struct table *t, sqlite3_stmt *q)
{
	int s = SQLITE_OK;

	for (int i = 0; i < t->n && s == SQLITE_OK; i++)
		s = sqlite3_bind_value(t->put, i + 1, sqlite3_column_value(q, i + 1));
	if (s == SQLITE_OK && (s = sqlite3_step(t->put)) == SQLITE_DONE)
		t->rows += sqlite3_changes(t->to) > 0;
	sqlite3_reset(t->put);
	sqlite3_clear_bindings(t->put);
	return vault_rc_of_sqlite(t->to, s, t->name, t->err);
}

/* Rows of a question until its end, or until a place that cannot be read. */
static enum rc
walk(struct table *t, char *sql, int64_t *last, bool *ended)
{
	sqlite3_stmt *q = NULL;
	int s = sql == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(t->from, sql, -1, &q, NULL);
	enum rc rc = RC_OK;

	*ended = false;
	if (s == SQLITE_OK && last != NULL)
		s = sqlite3_bind_int64(q, 1, *last);
	while (rc == RC_OK && (s == SQLITE_OK || s == SQLITE_ROW)) {
		if ((s = sqlite3_step(q)) != SQLITE_ROW)
			break;
		if ((rc = put_row(t, q)) == RC_OK && last != NULL)
			*last = sqlite3_column_int64(q, 0);
	}
	if (rc == RC_OK && s == SQLITE_DONE)
		*ended = true;
	else if (rc == RC_OK && (rc = vault_rc_of_sqlite(t->from, s, t->name, NULL)) == RC_DAMAGED) {
		t->lost = true;
		rc = RC_OK;
	} else {
		rc = error_set(t->err, rc, t->name, NULL, "cannot read the damaged database");
	}
	sqlite3_finalize(q);
	sqlite3_free(sql);
	return rc;
}

/* Is there a readable row behind k, overflow aside?  *next: its rowid; none: INT64_MAX. */
static enum rc
probe(const struct table *t, int64_t k, bool *readable, int64_t *next)
{
	char *sql = sqlite3_mprintf("SELECT rowid FROM \"%w\" NOT INDEXED WHERE rowid > ?1"
	    " ORDER BY rowid LIMIT 1", t->name);
	enum rc rc = sql == NULL ? RC_NOMEM : query_int(t->from, NULL, next, sql, "i", k);

	sqlite3_free(sql);
	if (rc == RC_NOTFOUND) {
		*next = INT64_MAX;
		rc = RC_OK;
	}
	*readable = rc == RC_OK;
	return rc == RC_DAMAGED ? RC_OK : rc;
}

/*
 * Behind `*last` stands something that cannot be read.  A bad page is a range of rowids: its
 * end is between a place behind which nothing can be read, and one behind which something can.
 */
static enum rc
leap(const struct table *t, int64_t *last, bool *ended)
{
	uint64_t step = 1;
	int64_t bad = *last, good = INT64_MAX, next;
	bool readable;
	enum rc rc;

	if ((rc = probe(t, bad, &readable, &next)) != RC_OK)
		return rc;
	/* one row, whose other pages are gone */
	if (readable) {
		*last = next;
		*ended = next == INT64_MAX;
		return RC_OK;
	}
	for (; step < (uint64_t)INT64_MAX; step *= 2) {
		int64_t k = *last > INT64_MAX - (int64_t)step ? INT64_MAX : *last + (int64_t)step;

		if ((rc = probe(t, k, &readable, &next)) != RC_OK)
			return rc;
		if (readable) {
			good = k;
			break;
		}
		bad = k;
		if (k == INT64_MAX)
			break;
	}
	while (good != INT64_MAX && good - bad > 1) {
		int64_t k = bad + (good - bad) / 2;

		if ((rc = probe(t, k, &readable, &next)) != RC_OK)
			return rc;
		if (readable)
			good = k;
		else
			bad = k;
	}
	*last = good;
	*ended = good == INT64_MAX;
	return RC_OK;
}

static enum rc
bring_rows(struct table *t)
{
	int64_t last = INT64_MIN;
	bool ended = false;
	enum rc rc;

	if (t->up != NULL) {
		rc = walk(t, sqlite3_mprintf("SELECT 0, %s FROM \"%w\" ORDER BY %s", t->columns, t->name,
		    t->up), NULL, &ended);
		/* and from the other end */
		if (rc == RC_OK && !ended)
			rc = walk(t, sqlite3_mprintf("SELECT 0, %s FROM \"%w\" ORDER BY %s", t->columns,
			    t->name, t->down), NULL, &ended);
		return rc;
	}
	do {
		rc = walk(t, sqlite3_mprintf("SELECT rowid, %s FROM \"%w\" NOT INDEXED WHERE rowid > ?1"
		    " ORDER BY rowid", t->columns, t->name), &last, &ended);
		if (rc == RC_OK && !ended)
			rc = leap(t, &last, &ended);
	} while (rc == RC_OK && !ended);
	return rc;
}

static enum rc
bring_table(struct sqlite3 *from, struct sqlite3 *to, struct vault_salvage_table *what,
    struct error *err)
{
	struct table t = { .from = from, .to = to, .name = what->name, .err = err };
	int64_t there = 0;
	enum rc rc = describe(&t);

	if (rc == RC_OK)
		rc = query_int(from, err, &there, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
		    " AND name = ?1", "t", what->name);
	if (rc == RC_OK && there != 0)
		rc = bring_rows(&t);
	else if (rc == RC_OK)
		t.lost = !what->later;
	what->rows = t.rows;
	what->lost = t.lost;
	sqlite3_finalize(t.put);
	sqlite3_free(t.columns);
	sqlite3_free(t.up);
	sqlite3_free(t.down);
	return rc;
}

/* Both databases ------------------------------------------------------------ */

static enum rc
fill(struct vault *v, struct vault *next, const struct vault_salvage *order, struct error *err)
{
	bool upgraded = false;
	enum rc rc;

	if ((rc = vault_upgrade_run(next->vfs, next->db, order->sql, &upgraded, err)) != RC_OK ||
	    (rc = query_begin(next->db, err)) != RC_OK)
		return rc;
	for (size_t i = 0; i < order->n_tables && rc == RC_OK; i++)
		rc = bring_table(v->db, next->db, &order->tables[i], err);
	if (rc == RC_OK && order->more != NULL)
		rc = order->more(order->ctx, v->db, next->db, err);
	if ((rc = query_end(next->db, rc, err)) != RC_OK)
		return rc;
	/* all into the one file that will be renamed */
	return vault_rc_of_sqlite(next->db, sqlite3_wal_checkpoint_v2(next->db, "main",
	    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL), "finish the new database", err);
}

static enum rc
remove_new(const char *dir, struct error *err)
{
	static const char *const names[] = { NEW_NAME, NEW_NAME "-wal", NEW_NAME "-journal" };
	char path[FILES_PATH_MAX];
	enum rc rc = RC_OK;

	for (size_t i = 0; i < sizeof names / sizeof *names && rc == RC_OK; i++)
		if ((rc = files_join(dir, names[i], path)) == RC_OK && files_exists(path))
			rc = files_remove(path, err);
	return rc;
}

/* The vault's own handle and VFS are closed; afterwards it has those of what stands there. */
static enum rc
change_over(struct vault *v, struct error *err)
{
	struct vault_bench bench = { NULL, NULL };
	char from[FILES_PATH_MAX], to[FILES_PATH_MAX];
	enum rc rc, again;

	if (!vault_db_close(v->db))
		return RC_INTERNAL;
	v->db = NULL;
	vault_vfs_free(v->vfs);
	v->vfs = NULL;
	/* a WAL that could not be brought into the old one must not meet the new one */
	if ((rc = files_join(v->dir, VAULT_DB_NAME "-wal", to)) == RC_OK && files_exists(to))
		rc = files_remove(to, err);
	if (rc == RC_OK && (rc = files_join(v->dir, NEW_NAME, from)) == RC_OK &&
	    (rc = files_join(v->dir, VAULT_DB_NAME, to)) == RC_OK)
		rc = files_rename(from, to, err);
	if ((again = vault_make_vfs(v, VAULT_DB_NAME, bench, err)) == RC_OK)
		again = vault_db_open(v->vfs, false, NULL, &v->db, err);
	return rc != RC_OK ? rc : again;
}

enum rc
vault_salvage_run(struct vault *v, const struct vault_salvage *order, struct error *err)
{
	struct vault_bench bench = { NULL, NULL };
	struct vault next;
	enum rc rc;

	/* only the parts that a database needs: the folder and its lock stay with v */
	memset(&next, 0, sizeof next);
	memcpy(next.dir, v->dir, sizeof next.dir);
	next.slots = v->slots;
	next.master = v->master;
	if ((rc = remove_new(v->dir, err)) != RC_OK ||
	    (rc = vault_make_vfs(&next, NEW_NAME, bench, err)) != RC_OK ||
	    (rc = vault_db_open(next.vfs, true, NULL, &next.db, err)) != RC_OK)
		goto out;
	rc = fill(v, &next, order, err);
out:
	/* closing empties the WAL into the file */
	if (vault_db_close(next.db))
		vault_vfs_free(next.vfs);
	else
		rc = RC_INTERNAL;
	secret_wipe(&next, sizeof next);
	if (rc == RC_OK)
		rc = change_over(v, err);
	if (rc != RC_OK && remove_new(v->dir, NULL) != RC_OK)
		return rc;
	return rc;
}
