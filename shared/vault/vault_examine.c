#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/vault/block_file.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_file.h"
#include "shared/vault/vault_parts.h"
#include "shared/vault/vault_salvage.h"

static enum rc
look_at_pages(struct sqlite3 *db, struct vault_damage *d, struct error *err)
{
	uint8_t page[BLOCK_SIZE];
	sqlite3_file *file = NULL;
	int64_t pages = 0;
	int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);

	if (rc == SQLITE_OK)
		rc = vault_file_true_pages(file, &pages);
	for (int64_t p = 0; rc == SQLITE_OK && p < pages; p++) {
		if (p == BLOCK_LOCK_PAGE)
			continue;
		d->pages++;
		rc = vault_file_true_page(file, p, page);
		/* a short one was cut off */
		if (rc != SQLITE_IOERR_DATA && rc != SQLITE_IOERR_SHORT_READ)
			continue;
		rc = SQLITE_OK;
		if (d->n_named < VAULT_PAGES_NAMED_MAX)
			d->named[d->n_named++] = p + 1;
		d->bad_pages++;
	}
	return vault_rc_of_sqlite(db, rc, "read the database", err);
}

/* Every byte of every row. */
static int
read_rows(struct sqlite3 *db, const char *table)
{
	char *sql = sqlite3_mprintf("SELECT * FROM \"%w\" NOT INDEXED", table);
	sqlite3_stmt *q = NULL;
	int rc = sql == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(db, sql, -1, &q, NULL);

	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(q);
		for (int i = 0; rc == SQLITE_ROW && i < sqlite3_column_count(q); i++) {
			if (sqlite3_column_type(q, i) == SQLITE_BLOB ||
			    sqlite3_column_type(q, i) == SQLITE_TEXT)
				sqlite3_column_blob(q, i);
		}
	}
	/* an error in the middle of a row comes out here */
	if (sqlite3_finalize(q) != SQLITE_OK && rc == SQLITE_DONE)
		rc = sqlite3_extended_errcode(db);
	sqlite3_free(sql);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void
name_table(struct vault_damage *d, const char *name)
{
	size_t used = strlen(d->tables), len = strlen(name);

	if (used + len + 2 > sizeof d->tables)
		return;
	if (used > 0)
		d->tables[used++] = ' ';
	memcpy(d->tables + used, name, len + 1);
}

static enum rc
look_at_tables(struct sqlite3 *db, struct vault_damage *d, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc;

	rc = query_open(db, err, &q, "SELECT name FROM sqlite_schema WHERE type = 'table'"
	    " AND rootpage > 0 ORDER BY name", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		rc = vault_rc_of_sqlite(db, read_rows(db, query_column_text(q, 0)), "read", NULL);
		if (rc == RC_DAMAGED) {
			name_table(d, query_column_text(q, 0));
			rc = RC_OK;
		} else if (rc != RC_OK) {
			rc = error_set(err, rc, query_column_text(q, 0), NULL, "cannot read a table");
		}
	}
	query_close(q);
	return rc;
}

enum rc
vault_examine(struct vault *v, struct vault_damage *out, struct error *err)
{
	struct error found;
	enum rc rc;

	memset(out, 0, sizeof *out);
	if ((rc = look_at_pages(v->db, out, err)) != RC_OK)
		return rc;
	rc = look_at_tables(v->db, out, err);
	/* the list of tables itself: nothing more can be told */
	if (rc == RC_DAMAGED && out->bad_pages > 0) {
		name_table(out, "sqlite_schema");
		return RC_OK;
	}
	if (rc != RC_OK || out->bad_pages > 0)
		return rc;
	memset(&found, 0, sizeof found);
	rc = vault_verify(v, &found);
	if (rc == RC_DAMAGED)
		out->structure = true;
	else if (rc != RC_OK)
		return error_set(err, rc, found.where, found.help, "%s", found.what);
	return RC_OK;
}

bool
vault_is_whole(const struct vault_damage *d)
{
	return d->bad_pages == 0 && d->tables[0] == '\0' && !d->structure;
}
