#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/fold.h"
#include "shared/records/fold_parts.h"
#include "shared/records/statement.h"
#include "shared/vault/digest.h"
#include "shared/vault/query.h"

struct refolding {
	struct fold *fold;
	struct fold_record *record;	/* NULL: each entry's own */
	struct error *err;
};

/* One row of the journal into the state of the record that is made again. */
static enum rc
apply_row(void *ctx, const struct journal_row *row)
{
	struct refolding *r = ctx;
	struct entry e;
	bool counts;
	enum rc rc;

	if (row->body == NULL)
		return RC_OK;
	rc = fold_parts_counts(r->fold, &row->dot, &r->record->record, &counts, r->err);
	if (rc != RC_OK || !counts)
		return rc;
	if ((rc = entry_decode(row->body, row->len, row->dot, &e)) == RC_OK)
		rc = fold_parts_apply(r->fold, r->record, &e, r->err);
	entry_reset(&e);
	return rc == RC_NEWER || rc == RC_FORMAT ? RC_OK : rc;
}

enum rc
fold_refold_record(struct fold *f, const struct dot *record, struct error *err)
{
	struct refolding r = { .fold = f, .err = err };
	enum rc rc = fold_parts_record(f, record, &r.record, err);

	if (rc != RC_OK)
		return rc;
	register_state_reset(&r.record->state);
	r.record->dirty = true;
	r.record->oversize = r.record->refold = false;
	return journal_read_record(f->db, record, apply_row, &r, err);
}

/* All that a question for (log, n) gives; closes it. */
static enum rc
take_dots(struct sqlite3_stmt *q, struct fold_dots *out, struct error *err)
{
	bool row;
	enum rc rc;

	while ((rc = query_next(q, &row, err)) == RC_OK && row)
		if (!fold_parts_add_dot(out, (struct dot){ statement_u64(q, 0), statement_u64(q, 1) })) {
			rc = RC_NOMEM;
			break;
		}
	query_close(q);
	return rc;
}

enum rc
fold_refold_log(struct fold *f, uint64_t log, uint64_t from_n, struct error *err)
{
	struct fold_dots dots = { NULL, 0, 0 };
	struct sqlite3_stmt *q = NULL;
	enum rc rc;

	fold_parts_forget_log(f, log);
	rc = query_open(f->db, err, &q, "SELECT DISTINCT record_log, record_n FROM entry"
	    " WHERE log = ?1 AND n >= ?2 AND record_log <> 0", "ii", (int64_t)log,
	    (int64_t)from_n);
	if (rc == RC_OK)
		rc = take_dots(q, &dots, err);
	for (size_t i = 0; rc == RC_OK && i < dots.n; i++) {
		rc = fold_refold_record(f, &dots.all[i], err);
		if (rc == RC_OK && f->n_bytes > FOLD_CACHE_BYTES)
			rc = fold_flush(f, err);
	}
	free(dots.all);
	return rc;
}

/* Rebuilding ----------------------------------------------------------- */

static enum rc
fold_row(void *ctx, const struct journal_row *row)
{
	struct refolding *r = ctx;
	struct entry e;
	enum rc rc;

	if (row->body == NULL || row->record.log == 0)
		return RC_OK;
	if ((rc = entry_decode(row->body, row->len, row->dot, &e)) == RC_OK)
		rc = fold_entry(r->fold, &e, r->err);
	entry_reset(&e);
	return rc == RC_NEWER || rc == RC_FORMAT ? RC_OK : rc;
}

/* Bodies that an older program kept without being able to read them. */
static enum rc
take_in_unread(struct fold *f, struct error *err)
{
	struct fold_dots dots = { NULL, 0, 0 };
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc = query_open(f->db, err, &q, "SELECT log, n, body FROM entry"
	    " WHERE record_log = 0 AND body IS NOT NULL", "");

	/* pairs: the entry, its record */
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		struct dot dot = { statement_u64(q, 0), statement_u64(q, 1) };
		const uint8_t *body;
		struct entry e;
		size_t len;

		body = query_column_blob(q, 2, &len);
		if ((rc = entry_decode(body, len, dot, &e)) == RC_OK &&
		    (!fold_parts_add_dot(&dots, dot) || !fold_parts_add_dot(&dots, e.record)))
			rc = RC_NOMEM;
		entry_reset(&e);
		if (rc == RC_NEWER || rc == RC_FORMAT)
			rc = RC_OK;
	}
	query_close(q);
	for (size_t i = 0; rc == RC_OK && i + 1 < dots.n; i += 2)
		rc = query_run(f->db, err, "UPDATE entry SET record_log = ?3, record_n = ?4"
		    " WHERE log = ?1 AND n = ?2", "iiii", (int64_t)dots.all[i].log,
		    (int64_t)dots.all[i].n, (int64_t)dots.all[i + 1].log,
		    (int64_t)dots.all[i + 1].n);
	free(dots.all);
	return rc;
}

/* The index is made anew: to take back the words of each record costs more than to put them in. */
static enum rc
empty_words(struct fold *f, struct error *err)
{
	struct bytes sql;
	enum rc rc;

	bytes_init(&sql);
	rc = query_blob(f->db, err, &sql, "SELECT sql FROM main.sqlite_schema WHERE name = 'words'", "");
	if (rc == RC_OK && (rc = query_run(f->db, err, "DROP TABLE words", "")) == RC_OK)
		rc = query_run(f->db, err, bytes_cstr(&sql), "");
	bytes_reset(&sql);
	return rc;
}

enum rc
fold_rebuild(struct fold *f, struct error *err)
{
	struct refolding r = { .fold = f, .err = err };
	enum rc rc;

	fold_discard(f);
	tables_close(f->tables);
	f->tables = NULL;
	if ((rc = tables_drop_all(f->db, err)) != RC_OK ||
	    (rc = query_run(f->db, err, "UPDATE record SET form = '', unit = '', compartment = 0,"
	    " created_at = 0, created_by = NULL, alive = 1, conflicts = 0, settled = 0,"
	    " breaches = 0, newer = 0, state = x''", "")) != RC_OK ||
	    (rc = empty_words(f, err)) != RC_OK ||
	    (rc = query_run(f->db, err, "DELETE FROM oversize", "")) != RC_OK ||
	    (rc = query_run(f->db, err, "UPDATE log SET weighed = 1", "")) != RC_OK ||
	    (rc = take_in_unread(f, err)) != RC_OK ||
	    (rc = tables_open(f->db, f->forms, &f->tables, err)) != RC_OK ||
	    (rc = journal_read_all(f->db, fold_row, &r, err)) != RC_OK)
		return rc;
	return fold_flush(f, err);
}

/* Forms ---------------------------------------------------------------- */

static enum rc
show_form_again(struct fold *f, const char *form, struct error *err)
{
	struct fold_dots dots = { NULL, 0, 0 };
	struct sqlite3_stmt *q = NULL;
	struct fold_record *r;
	enum rc rc;

	rc = query_open(f->db, err, &q, "SELECT log, n FROM record WHERE form = ?1", "t", form);
	if (rc == RC_OK)
		rc = take_dots(q, &dots, err);
	for (size_t i = 0; rc == RC_OK && i < dots.n; i++) {
		if ((rc = fold_parts_record(f, &dots.all[i], &r, err)) != RC_OK)
			break;
		r->dirty = true;
		if (f->n_bytes > FOLD_CACHE_BYTES)
			rc = fold_flush(f, err);
	}
	free(dots.all);
	return rc;
}

enum rc
fold_parts_show_again(struct fold *f, struct error *err)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < form_set_count(f->forms); i++) {
		const struct form *form = form_set_at(f->forms, i);
		int64_t shown = -1;

		rc = query_int(f->db, NULL, &shown, "SELECT version FROM shown_form WHERE form = ?1",
		    "t", form->name);
		if (rc == RC_OK && shown == (int64_t)form->version)
			continue;
		if (rc != RC_OK && rc != RC_NOTFOUND)
			return error_set(err, rc, "shown_form", NULL, "cannot read the database");
		rc = show_form_again(f, form->name, err);
		if (rc == RC_OK)
			rc = query_run(f->db, err, "INSERT OR REPLACE INTO shown_form(form, version)"
			    " VALUES(?1, ?2)", "ti", form->name, (int64_t)form->version);
	}
	return rc;
}

enum rc
fold_forms_changed(struct fold *f, const struct form_set *next, struct error *err)
{
	const struct form_set *before = f->forms;
	enum rc rc = fold_flush(f, err);

	if (rc != RC_OK)
		return rc;
	tables_close(f->tables);
	f->tables = NULL;
	f->forms = next;
	rc = tables_open(f->db, next, &f->tables, err);
	if (rc == RC_OK)
		rc = fold_parts_show_again(f, err);
	if (rc == RC_OK)
		rc = fold_flush(f, err);
	if (rc != RC_OK) {	/* the caller keeps the old set: nothing may point to the new one */
		fold_discard(f);
		tables_close(f->tables);
		f->tables = NULL;
		f->forms = before;
	}
	return rc;
}

/* Comparing ------------------------------------------------------------ */

enum rc
fold_digest(struct sqlite3 *db, uint8_t out[FOLD_DIGEST_BYTES], struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	struct digest d;
	bool row;
	enum rc rc;

	memset(out, 0, FOLD_DIGEST_BYTES);
	digest_start(&d, FOLD_DIGEST_BYTES, NULL, 0, "field-fold-1");
	rc = query_open(db, err, &q, "SELECT log, n, state FROM record WHERE length(state) > 0"
	    " ORDER BY log < 0, log, n", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		const uint8_t *state;
		size_t len;

		state = query_column_blob(q, 2, &len);
		digest_u64(&d, statement_u64(q, 0));
		digest_varint(&d, statement_u64(q, 1));
		digest_span(&d, state, len);
	}
	query_close(q);
	if (rc == RC_OK)
		digest_end(&d, out);
	return rc;
}
