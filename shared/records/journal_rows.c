#include "shared/records/journal_rows.h"

#include <sqlite3.h>
#include <string.h>

#include "shared/records/statement.h"
#include "shared/vault/query.h"

void
journal_rows_put_tips(const struct journal_log *log, struct bytes *out)
{
	for (size_t i = 0; i < log->n_tips; i++) {
		bytes_u64(out, log->tips[i].log);
		bytes_varint(out, log->tips[i].n);
		bytes_put(out, log->tips[i].head, sizeof(log->tips[i].head));
	}
}

static bool
read_tips(struct sqlite3_stmt *q, int column, struct journal_log *out)
{
	struct reader r;
	const uint8_t *p;
	size_t len;

	p = query_column_blob(q, column, &len);
	reader_init(&r, p, len);
	for (out->n_tips = 0; reader_left(&r) > 0 && !r.bad; out->n_tips++) {
		if (out->n_tips == ENTRY_TIPS_MAX)
			return false;
		out->tips[out->n_tips].log = reader_u64(&r);
		out->tips[out->n_tips].n = reader_varint(&r);
		reader_copy(&r, out->tips[out->n_tips].head, ENTRY_HEAD_BYTES);
	}
	return reader_done(&r);
}

enum rc
journal_rows_read(struct sqlite3_stmt *q, struct journal_log *out, struct error *err)
{
	const char *unit = query_column_text(q, 2);
	bool good;

	memset(out, 0, sizeof(*out));
	out->id = statement_u64(q, 0);
	good = statement_copy(q, 1, out->device, sizeof(out->device)) &&
	    strlen(unit) <= JOURNAL_UNIT_MAX;
	if (good)
		memcpy(out->scope.unit, unit, strlen(unit) + 1);
	out->scope.compartment = (unsigned)query_column_int(q, 3);
	out->has_key = statement_copy(q, 4, out->key, sizeof(out->key));
	out->own = query_column_int(q, 5) != 0;
	out->folds = query_column_int(q, 6) != 0;
	good = good && read_tips(q, 7, out);
	out->has_start = statement_copy(q, 8, out->start, sizeof(out->start));
	out->head_n = statement_u64(q, 9);
	if (!statement_copy(q, 10, out->head, sizeof(out->head)))
		good = good && out->head_n == 0;
	out->top_n = statement_u64(q, 11);
	out->sealed_n = statement_u64(q, 12);
	out->named_n = statement_u64(q, 13);
	out->fork_n = statement_u64(q, 14);
	out->limit_n = query_column_is_null(q, 15) ? JOURNAL_NO_LIMIT : statement_u64(q, 15);
	if (!good)
		return error_set(err, RC_DAMAGED, "log", "run: field verify",
		    "a row of the journal does not follow its grammar");
	return RC_OK;
}

enum rc
journal_log_get(struct sqlite3 *db, uint64_t log, struct journal_log *out, struct error *err)
{
	struct sqlite3_stmt *q;
	bool row = false;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	rc = query_open(db, err, &q, JOURNAL_ROWS_SELECT " WHERE id = ?1", "i", (int64_t)log);
	if (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK)
		rc = row ? journal_rows_read(q, out, err) :
		    error_set(err, RC_NOTFOUND, NULL, NULL, "no such log in the journal");
	query_close(q);
	return rc;
}

enum rc
journal_rows_insert(struct sqlite3 *db, const struct journal_log *log, struct error *err)
{
	struct sqlite3_stmt *s = NULL;
	struct bytes tips;
	enum rc rc;

	bytes_init(&tips);
	journal_rows_put_tips(log, &tips);
	if ((rc = tips.rc) != RC_OK)
		goto out;
	rc = statement_prepare(db, "INSERT INTO log(id, device, unit, compartment, key, own, folds,"
	    " tips, start, head) VALUES(?1, ?2, ?3, ?4, CASE WHEN ?5 THEN ?6 END, ?7, ?8, ?9,"
	    " CASE WHEN ?10 THEN ?11 END, CASE WHEN ?10 THEN ?11 END)", &s, err);
	if (rc == RC_OK)
		rc = statement_run(s, err, "ubtiibiibib", log->id, log->device, sizeof(log->device),
		    log->scope.unit, (int64_t)log->scope.compartment, (int64_t)log->has_key,
		    log->key, sizeof(log->key), (int64_t)log->own, (int64_t)log->folds, tips.data,
		    tips.len, (int64_t)log->has_start, log->start, sizeof(log->start));
out:
	statement_free(s);
	bytes_reset(&tips);
	return rc;
}

/* The n at which a log of the same device and scope that is here names `log`; else 0. */
static enum rc
named_by_others(struct sqlite3 *db, const struct journal_log *log, uint64_t *n,
    struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	struct journal_log other;
	bool row;
	enum rc rc;

	*n = 0;
	rc = query_open(db, err, &q, JOURNAL_ROWS_SELECT " WHERE unit = ?1 AND compartment = ?2"
	    " AND device = ?3", "tib", log->scope.unit, (int64_t)log->scope.compartment,
	    log->device, sizeof(log->device));
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		if ((rc = journal_rows_read(q, &other, err)) != RC_OK)
			break;
		for (size_t i = 0; i < other.n_tips; i++)
			if (other.tips[i].log == log->id && other.tips[i].n > *n)
				*n = other.tips[i].n;
	}
	query_close(q);
	return rc;
}

enum rc
journal_rows_name_tips(struct sqlite3 *db, const struct journal_log *log, struct error *err)
{
	static const char sql[] = "UPDATE log SET named_n = max(named_n, ?2) WHERE id = ?1";
	uint64_t named = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < log->n_tips; i++)
		rc = query_run(db, err, sql, "ii", (int64_t)log->tips[i].log,
		    (int64_t)log->tips[i].n);
	/* Only own logs ever become tips here; looking through others' is for nothing. */
	if (rc == RC_OK && log->own)
		rc = named_by_others(db, log, &named, err);
	if (rc == RC_OK && named > 0)
		rc = query_run(db, err, sql, "ii", (int64_t)log->id, (int64_t)named);
	return rc;
}
