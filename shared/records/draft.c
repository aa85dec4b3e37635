#include "shared/records/draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/vault/query.h"

enum { LOG_DIGITS = 16, N_DIGITS_MAX = 20 };

static enum rc
no_such(struct error *err)
{
	return error_set(err, RC_NOTFOUND, "draft", "see field drafts", "there is no such draft");
}

/* ---- the records that it is about ---- */

/* An id where at points to, "log.n", with no digit before or behind it. */
static bool
id_at(const char *at, size_t len, struct dot *out)
{
	char text[LOG_DIGITS + 1 + N_DIGITS_MAX + 1];
	size_t n = 0;

	while (n < len && n < LOG_DIGITS && strchr("0123456789abcdef", at[n]) != NULL)
		n++;
	if (n != LOG_DIGITS || n >= len || at[n] != '.')
		return false;
	for (n++; n < len && at[n] >= '0' && at[n] <= '9'; n++)
		if (n >= sizeof(text) - 1)
			return false;
	memcpy(text, at, n);
	text[n] = '\0';
	return dot_parse(text, out);
}

static bool
is_id_letter(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static enum rc
each_in(const char *answers, size_t len, int64_t draft,
    enum rc (*each)(void *ctx, int64_t draft, const struct dot *record), void *ctx)
{
	struct dot dot;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < len; i++)
		if ((i == 0 || !is_id_letter(answers[i - 1])) && id_at(answers + i, len - i, &dot))
			rc = each(ctx, draft, &dot);
	return rc;
}

enum rc
draft_each_about(struct sqlite3 *db,
    enum rc (*each)(void *ctx, int64_t draft, const struct dot *record), void *ctx,
    struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row;
	size_t len;
	enum rc rc = query_open(db, err, &q, "SELECT id, of_log, of_n, answers FROM draft", "");

	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		struct dot of = { (uint64_t)query_column_int(q, 1), (uint64_t)query_column_int(q, 2) };
		int64_t id = query_column_int(q, 0);
		const char *answers = (const char *)query_column_blob(q, 3, &len);

		if (of.log != 0)
			rc = each(ctx, id, &of);
		if (rc == RC_OK)
			rc = each_in(answers, len, id, each, ctx);
	}
	query_close(q);
	return rc;
}

/* ---- saving ---- */

static enum rc
check_new(struct sqlite3 *db, const struct draft *d, struct error *err)
{
	int64_t n = 0;
	enum rc rc = query_int(db, err, &n, "SELECT count(*) FROM draft", "");

	if (rc == RC_OK && n >= DRAFT_COUNT_MAX)
		return error_set(err, RC_LIMIT, "draft", "finish or drop some of them: field drafts",
		    "there are %d drafts already", DRAFT_COUNT_MAX);
	if (rc != RC_OK || d->of.log == 0)
		return rc;
	rc = query_int(db, err, &n, "SELECT count(*) FROM record WHERE log = ?1 AND n = ?2"
	    " AND form = ?3", "iit", (int64_t)d->of.log, (int64_t)d->of.n, d->form);
	if (rc == RC_OK && n == 0)
		return error_set(err, RC_NOTFOUND, "--of", "take it from field list or field search",
		    "there is no such record of this form");
	return rc;
}

enum rc
draft_save(struct sqlite3 *db, struct draft *d, const uint8_t *answers, size_t len,
    struct error *err)
{
	int64_t n = 0;
	enum rc rc;

	if (len > DRAFT_BYTES_MAX)
		return error_set(err, RC_LIMIT, "draft", NULL, "a draft holds at most %d KiB",
		    DRAFT_BYTES_MAX >> 10);
	if (d->id == 0) {
		if ((rc = check_new(db, d, err)) != RC_OK)
			return rc;
		rc = query_int(db, err, &d->id, "INSERT INTO draft(form, of_log, of_n, saved_at, answers)"
		    " VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id", "tiiib", d->form, (int64_t)d->of.log,
		    (int64_t)d->of.n, d->saved_at, answers, len);
	} else {
		rc = query_int(db, err, &n, "UPDATE draft SET saved_at = ?5, answers = ?6 WHERE id = ?1"
		    " AND form = ?2 AND of_log = ?3 AND of_n = ?4 RETURNING id", "itiiib", d->id, d->form,
		    (int64_t)d->of.log, (int64_t)d->of.n, d->saved_at, answers, len);
		if (rc == RC_NOTFOUND)
			return no_such(err);
	}
	return rc;
}

/* ---- reading and dropping ---- */

static void
read_row(struct sqlite3_stmt *q, struct draft *d)
{
	memset(d, 0, sizeof(*d));
	d->id = query_column_int(q, 0);
	snprintf(d->form, sizeof(d->form), "%s", query_column_text(q, 1));
	d->of = (struct dot){ (uint64_t)query_column_int(q, 2), (uint64_t)query_column_int(q, 3) };
	d->saved_at = query_column_int(q, 4);
}

enum rc
draft_get(struct sqlite3 *db, int64_t id, struct draft *d, struct bytes *out, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	const uint8_t *p;
	bool row = false;
	size_t len;
	enum rc rc = query_open(db, err, &q, "SELECT id, form, of_log, of_n, saved_at, answers"
	    " FROM draft WHERE id = ?1", "i", id);

	memset(d, 0, sizeof(*d));
	if (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		read_row(q, d);
		p = query_column_blob(q, 5, &len);
		if (out != NULL) {
			bytes_put(out, p, len);
			rc = out->rc;
		}
	}
	query_close(q);
	return rc == RC_OK && !row ? no_such(err) : rc;
}

enum rc
draft_list(struct sqlite3 *db, struct draft **out, size_t *n, struct error *err)
{
	struct draft *all = calloc(DRAFT_COUNT_MAX, sizeof(*all));
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc = all == NULL ? RC_NOMEM : query_open(db, err, &q,
	    "SELECT id, form, of_log, of_n, saved_at FROM draft ORDER BY saved_at DESC, id DESC", "");

	*n = 0;
	while (rc == RC_OK && *n < DRAFT_COUNT_MAX && (rc = query_next(q, &row, err)) == RC_OK && row)
		read_row(q, &all[(*n)++]);
	query_close(q);
	if (rc != RC_OK) {
		*n = 0;
		free(all);
		all = NULL;
	}
	*out = all;
	return rc;
}

enum rc
draft_drop(struct sqlite3 *db, int64_t id, struct error *err)
{
	int64_t gone = 0;
	enum rc rc = query_int(db, err, &gone, "DELETE FROM draft WHERE id = ?1 RETURNING id", "i", id);

	return rc == RC_NOTFOUND ? no_such(err) : rc;
}

struct about {
	const struct dot *record;
	int64_t ids[DRAFT_COUNT_MAX];
	size_t n;
};

static enum rc
note_about(void *ctx, int64_t draft, const struct dot *record)
{
	struct about *a = ctx;

	if (dot_compare(record, a->record) == 0 && a->n < DRAFT_COUNT_MAX &&
	    (a->n == 0 || a->ids[a->n - 1] != draft))
		a->ids[a->n++] = draft;
	return RC_OK;
}

enum rc
draft_drop_about(struct sqlite3 *db, const struct dot *record, size_t *n, struct error *err)
{
	struct about about = { .record = record };
	enum rc rc = draft_each_about(db, note_about, &about, err);

	for (*n = 0; rc == RC_OK && *n < about.n; ++*n)
		rc = draft_drop(db, about.ids[*n], err);
	return rc;
}
