#include "shared/reports/report_gaps.h"

#include <stdio.h>
#include <string.h>

#include "shared/vault/query.h"

enum { SILENT_NAMED = 12 };	/* communes that the note names */

static enum rc
add_note(struct report *r, const char *text, const char **out)
{
	*out = arena_copy(&r->arena, text, strlen(text));
	if (*out == NULL)
		return RC_NOMEM;
	if (r->n_notes < REPORT_NOTES_MAX)
		r->notes[r->n_notes++] = *out;
	return RC_OK;
}

/* Few records are in conflict, and they have an index, which the signs keep SQLite to. */
static enum rc
count_conflicts(struct sqlite3 *db, const struct report_definition *d, struct report *r,
    struct error *err)
{
	char note[256];
	unsigned long long open;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < d->n_forms; i++) {
		int64_t n = 0;

		rc = query_int(db, err, &n, "SELECT count(*) FROM main.record WHERE conflicts > 0"
		    " AND +form = ? AND +unit IN (SELECT code FROM temp.scope)", "t", d->forms[i]);
		r->open_conflicts += (uint64_t)n;
	}
	if (rc != RC_OK || r->open_conflicts == 0)
		return rc;
	open = r->open_conflicts;
	if (r->lang == FORM_EN)
		snprintf(note, sizeof(note), "%llu %s more than one value for a field and %s counted by"
		    " the one that is displayed; a person has yet to settle %s.", open,
		    open == 1 ? "record holds" : "records hold", open == 1 ? "is" : "are",
		    open == 1 ? "it" : "them");
	else
		snprintf(note, sizeof(note), "Có %llu bản ghi chưa thống nhất số liệu giữa các máy, đang chờ"
		    " người có trách nhiệm quyết định; tạm tính theo giá trị đang hiển thị.", open);
	return add_note(r, note, &r->open_note);
}

/* The communes of the scope that there were in the period, as TEMP tables scope_commune and scope_silent. */
static enum rc
list_communes(struct sqlite3 *db, const struct report *r, struct error *err)
{
	char from[11], to[11];
	enum rc rc;

	date_iso(&r->from, from);
	date_iso(&r->to, to);
	rc = query_run(db, err, "CREATE TEMP TABLE scope_commune AS SELECT u.code, u.full_name"
	    " FROM temp.unit AS u JOIN temp.scope USING (code) WHERE u.level = 'COMM'"
	    " AND COALESCE(u.valid_from, '') <= ? AND COALESCE(u.valid_to, ?) >= ?", "ttt", to, from,
	    from);
	/* days begin at midnight in Viet Nam */
	if (rc == RC_OK)
		rc = query_run(db, err, "CREATE TEMP TABLE scope_silent AS SELECT code, full_name"
		    " FROM temp.scope_commune AS u WHERE NOT EXISTS (SELECT 1 FROM main.record AS m WHERE"
		    " m.unit = u.code AND m.created_at >= CAST(strftime('%s', ?, '-7 hours') AS INTEGER))",
		    "t", from);
	return rc;
}

/* "No record has come ... of 40 communes: A; B; C." */
static enum rc
name_silent(struct sqlite3 *db, struct report *r, struct error *err)
{
	struct bytes note;
	char words[128];
	enum rc rc;

	snprintf(words, sizeof(words), r->lang == FORM_EN ?
	    "No record has come since the period began from %zu of %zu communes: " :
	    "Từ đầu kỳ chưa nhận được bản ghi nào của %zu trong %zu xã, phường, đặc khu: ",
	    r->n_silent, r->n_communes);
	bytes_init(&note);
	bytes_text(&note, words);
	rc = query_blob(db, err, &note, "SELECT group_concat(full_name, '; ') FROM"
	    " (SELECT full_name FROM temp.scope_silent ORDER BY code LIMIT ?)", "i", (int64_t)SILENT_NAMED);
	snprintf(words, sizeof(words), r->n_silent <= SILENT_NAMED ? "." :
	    r->lang == FORM_EN ? "; and %zu more." : "; và %zu đơn vị khác.",
	    r->n_silent - SILENT_NAMED);
	bytes_text(&note, words);
	if (rc == RC_OK)
		rc = note.rc;
	if (rc == RC_OK)
		rc = add_note(r, bytes_cstr(&note), &r->silent);
	bytes_reset(&note);
	return rc;
}

/* A figure of a province says little while most of its communes have sent nothing. */
static enum rc
find_silent(struct sqlite3 *db, struct report *r, struct error *err)
{
	int64_t communes = 0, silent = 0;
	enum rc rc = list_communes(db, r, err);

	if (rc == RC_OK)
		rc = query_int(db, err, &communes, "SELECT count(*) FROM temp.scope_commune", "");
	if (rc == RC_OK)
		rc = query_int(db, err, &silent, "SELECT count(*) FROM temp.scope_silent", "");
	if (rc != RC_OK || communes < 2)
		return rc;
	r->n_communes = (size_t)communes;
	r->n_silent = (size_t)silent;
	return silent == 0 ? RC_OK : name_silent(db, r, err);
}

enum rc
report_gaps_find(struct sqlite3 *db, const struct report_definition *d, struct report *r,
    struct error *err)
{
	enum rc rc = count_conflicts(db, d, r, err);

	return rc == RC_OK ? find_silent(db, r, err) : rc;
}
