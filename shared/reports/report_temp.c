#include "shared/reports/report_temp.h"

#include <stdio.h>
#include <string.h>

#include "shared/records/statement.h"
#include "shared/vault/query.h"

/* ---- tables that stay: units and linked persons ---- */

/*
 * TEMP tables must never reach a disk.  Changing temp_store drops what is there, so
 * it is changed only where it is not set already.
 */
static enum rc
keep_in_memory(struct sqlite3 *db, struct error *err)
{
	int64_t store = 0;
	enum rc rc = query_int(db, err, &store, "PRAGMA temp_store", "");

	if (rc == RC_OK && store != 2)
		rc = query_run(db, err, "PRAGMA temp_store = MEMORY", "");
	return rc;
}

enum rc
report_temp_make(struct sqlite3 *db, struct error *err)
{
	enum rc rc = keep_in_memory(db, err);

	if (rc == RC_OK)
		rc = query_run(db, err, "CREATE TEMP TABLE IF NOT EXISTS unit(code TEXT PRIMARY KEY,"
		    " name TEXT, full_name TEXT, parent TEXT, level TEXT, high_risk INTEGER,"
		    " valid_from TEXT, valid_to TEXT) WITHOUT ROWID", "");
	if (rc == RC_OK)
		rc = query_run(db, err, "CREATE TEMP TABLE IF NOT EXISTS"
		    " person_cluster(person INTEGER PRIMARY KEY, cluster INTEGER)", "");
	return rc;
}

static const char *
or_null(const char *s)
{
	return s == NULL || s[0] == '\0' ? NULL : s;
}

enum rc
report_units(struct sqlite3 *db, const struct report_unit *units, size_t n, struct error *err)
{
	struct sqlite3_stmt *s = NULL;
	enum rc rc = report_temp_make(db, err);

	if (rc == RC_OK)
		rc = query_run(db, err, "DELETE FROM temp.unit", "");
	if (rc == RC_OK)
		rc = statement_prepare(db, "INSERT INTO temp.unit(code, name, full_name, parent,"
		    " level, high_risk, valid_from, valid_to) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", &s, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		const struct report_unit *u = &units[i];

		rc = statement_run(s, err, "tttttitt", u->code, u->name, u->full_name,
		    or_null(u->parent), u->level, (int64_t)u->high_risk, or_null(u->valid_from),
		    or_null(u->valid_to));
	}
	statement_free(s);
	return rc;
}

enum rc
report_temp_persons(struct sqlite3 *db, struct error *err)
{
	int64_t linked = 0;
	enum rc rc = query_run(db, err, "DELETE FROM temp.person_cluster", "");

	if (rc == RC_OK)
		rc = query_int(db, err, &linked, "SELECT count(*) FROM main.pragma_table_info"
		    "('form_person') WHERE name = 'cluster'", "");
	if (rc == RC_OK && linked > 0)
		rc = query_run(db, err, "INSERT INTO temp.person_cluster(person, cluster)"
		    " SELECT id, cluster FROM main.form_person WHERE cluster IS NOT NULL", "");
	return rc;
}

/* ---- tables of one run ---- */

/* Does a report name a list?  It does so in quotes (schema/reports/README.md). */
static bool
is_named(const char *const *texts, size_t n, const char *list)
{
	size_t len = strlen(list);

	for (size_t i = 0; i < n; i++) {
		const char *at = texts[i];

		while ((at = strstr(at, list)) != NULL) {
			if (at > texts[i] && at[-1] == '\'' && at[len] == '\'')
				return true;
			at += len;
		}
	}
	return false;
}

/* Several fields share a list; it is taken at the first. */
static enum rc
add_lists(struct sqlite3_stmt *s, const struct form_set *forms, const char *const *texts, size_t n,
    enum form_lang lang, struct error *err)
{
	const struct form_list *taken[REPORT_TEMP_LISTS_MAX];
	size_t n_taken = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < form_set_count(forms); i++) {
		const struct form *form = form_set_at(forms, i);

		for (size_t f = 0; rc == RC_OK && f < form->n_fields; f++) {
			const struct form_list *l = form->fields[f].list;
			size_t k = 0;

			while (k < n_taken && taken[k] != l)
				k++;
			if (l == NULL || k < n_taken || !is_named(texts, n, l->name))
				continue;
			if (n_taken < REPORT_TEMP_LISTS_MAX)
				taken[n_taken++] = l;
			for (size_t c = 0; rc == RC_OK && c < l->n_choices; c++)
				rc = statement_run(s, err, "ttti", l->name, l->choices[c].code,
				    l->choices[c].label[lang], (int64_t)c);
		}
	}
	return rc;
}

enum rc
report_temp_codes(struct sqlite3 *db, const struct form_set *forms,
    const struct report_definition *d, const char *const *texts, size_t n, enum form_lang lang,
    struct error *err)
{
	struct sqlite3_stmt *s = NULL;
	enum rc rc;

	rc = query_run(db, err, "CREATE TEMP TABLE code(list TEXT, code TEXT, label TEXT,"
	    " rank INTEGER, PRIMARY KEY(list, code)) WITHOUT ROWID", "");
	if (rc == RC_OK)
		rc = statement_prepare(db, "INSERT OR IGNORE INTO temp.code VALUES (?, ?, ?, ?)", &s, err);
	for (size_t i = 0; rc == RC_OK && i < d->n_words; i++)
		rc = statement_run(s, err, "ttti", "report", d->words[i].code, d->words[i].label[lang],
		    (int64_t)i);
	if (rc == RC_OK)
		rc = add_lists(s, forms, texts, n, lang, err);
	statement_free(s);
	return rc;
}

static enum rc
scope_of_unit(struct sqlite3 *db, const char *unit, struct error *err)
{
	int64_t known = 0;
	enum rc rc = query_int(db, err, &known, "SELECT count(*) FROM temp.unit WHERE code = ?", "t",
	    unit);

	if (rc != RC_OK)
		return rc;
	if (known == 0)
		return error_set(err, RC_NOTFOUND, unit, "write the code of a unit of the province",
		    "no such unit");
	/* UNION, so that a circle of parents ends */
	return query_run(db, err, "INSERT INTO temp.scope WITH RECURSIVE below(code) AS"
	    " (SELECT ? UNION SELECT u.code FROM temp.unit AS u JOIN below ON u.parent = below.code)"
	    " SELECT code FROM below", "t", unit);
}

enum rc
report_temp_scope(struct sqlite3 *db, const char *unit, struct error *err)
{
	enum rc rc = query_run(db, err,
	    "CREATE TEMP TABLE scope(code TEXT PRIMARY KEY) WITHOUT ROWID", "");

	if (rc == RC_OK && unit != NULL)
		return scope_of_unit(db, unit, err);
	if (rc == RC_OK)
		rc = query_run(db, err, "INSERT INTO temp.scope SELECT code FROM temp.unit", "");
	/* what a record's log stands in is its unit */
	if (rc == RC_OK)
		rc = query_run(db, err, "INSERT OR IGNORE INTO temp.scope SELECT unit FROM main.log", "");
	return rc;
}
