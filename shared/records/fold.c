#include "shared/records/fold.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/records/fold_parts.h"
#include "shared/records/statement.h"
#include "shared/vault/query.h"

/* Session -------------------------------------------------------------- */

static enum rc
prepare_all(struct fold *f, struct error *err)
{
	const struct { struct sqlite3_stmt **to; const char *sql; } all[] = {
		{ &f->load, "SELECT id, form, state FROM record WHERE log = ?1 AND n = ?2" },
		{ &f->make, "INSERT INTO record(log, n) VALUES(?1, ?2)" },
		{ &f->store, "UPDATE record SET form = ?2, unit = ?3, compartment = ?4,"
		    " created_at = ?5, created_by = CASE WHEN ?6 THEN ?7 END, alive = ?8,"
		    " conflicts = ?9, settled = ?10, breaches = ?11, newer = ?12, state = ?13"
		    " WHERE id = ?1" },
		{ &f->log, "SELECT device, unit, compartment, fork_n, limit_n, folds, weighed"
		    " FROM log WHERE id = ?1" },
		{ &f->weighed, "UPDATE log SET weighed = 1 WHERE id = ?1" },
		{ &f->of_log, "SELECT n FROM record WHERE log = ?1 AND form <> ''" },
		{ &f->words_find, "SELECT folded FROM words WHERE rowid = ?1" },
		{ &f->words_drop, "DELETE FROM words WHERE rowid = ?1" },
		{ &f->words_put, "INSERT INTO words(rowid, folded) VALUES(?1, ?2)" },
		{ &f->oversize, "SELECT 1 FROM oversize WHERE log = ?1 AND n = ?2" },
		{ &f->purged, "SELECT 1 FROM purged WHERE log = ?1 AND n = ?2" },
	};
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < sizeof(all) / sizeof(all[0]); i++)
		rc = statement_prepare(f->db, all[i].sql, all[i].to, err);
	return rc;
}

enum rc
fold_open(struct sqlite3 *db, const struct form_set *forms, struct fold **out,
    struct error *err)
{
	struct fold *f = calloc(1, sizeof(*f));
	enum rc rc;

	*out = NULL;
	if (f == NULL)
		return RC_NOMEM;
	f->db = db;
	f->forms = forms;
	f->any_purged = -1;
	f->state_max = REGISTER_STATE_MAX;
	if ((rc = query_run(db, err, "SAVEPOINT fold_open", "")) != RC_OK)
		goto out;
	rc = tables_open(db, forms, &f->tables, err);
	if (rc == RC_OK)
		rc = prepare_all(f, err);
	if (rc == RC_OK)
		rc = fold_parts_show_again(f, err);
	if (rc == RC_OK)
		rc = fold_flush(f, err);
	if (rc == RC_OK)
		rc = query_run(db, err, "RELEASE fold_open", "");
	if (rc != RC_OK &&
	    query_run(db, NULL, "ROLLBACK TO fold_open", "") == RC_OK &&
	    query_run(db, NULL, "RELEASE fold_open", "") != RC_OK)
		rc = error_set(err, rc, NULL, NULL, "cannot undo what was begun");
out:
	if (rc != RC_OK) {
		fold_close(f);
		return rc;
	}
	*out = f;
	return RC_OK;
}

static void
forget_records(struct fold *f)
{
	for (size_t i = 0; f->n_records > 0 && i < FOLD_PARTS_BUCKETS; i++) {
		while (f->records[i] != NULL) {
			struct fold_record *next = f->records[i]->next;

			register_state_reset(&f->records[i]->state);
			free(f->records[i]->words);
			free(f->records[i]);
			f->records[i] = next;
		}
	}
	f->n_records = 0;
	f->n_bytes = 0;
}

static void
forget_all(struct fold *f)
{
	forget_records(f);
	for (size_t i = 0; i < FOLD_PARTS_BUCKETS; i++) {
		while (f->logs[i] != NULL) {
			struct fold_log *next = f->logs[i]->next;

			free(f->logs[i]);
			f->logs[i] = next;
		}
	}
	f->n_unweighed = 0;
	f->any_purged = -1;
	duplicate_touched_reset(&f->touched);
}

void
fold_close(struct fold *f)
{
	if (f == NULL)
		return;
	forget_all(f);
	tables_close(f->tables);
	statement_free(f->load);
	statement_free(f->make);
	statement_free(f->store);
	statement_free(f->log);
	statement_free(f->weighed);
	statement_free(f->of_log);
	statement_free(f->words_find);
	statement_free(f->words_drop);
	statement_free(f->words_put);
	statement_free(f->purged);
	statement_free(f->oversize);
	free(f->unweighed);
	free(f);
}

void
fold_discard(struct fold *f)
{
	forget_all(f);
	/*
	 * The index of words keeps a picture of itself in memory, which an insert that ran out
	 * of memory may leave wrong (seen with SQLite 3.40): the next one would write from it.
	 * Reading the schema again makes it look at its tables again.
	 */
	if (sqlite3_get_autocommit(f->db) != 0)
		sqlite3_exec(f->db, "PRAGMA writable_schema = RESET", NULL, NULL, NULL);
}

/* Writing -------------------------------------------------------------- */

static enum rc
write_words(struct fold *f, const struct fold_record *r, struct error *err)
{
	bool row, same = false;
	enum rc rc = statement_first(f->words_find, &row, err, "i", r->id);

	if (rc == RC_OK && row)
		same = strcmp(query_column_text(f->words_find, 0), r->words) == 0;
	statement_rest(f->words_find);
	if (rc == RC_OK && row && !same)
		rc = statement_run(f->words_drop, err, "i", r->id);
	if (rc == RC_OK && !same && r->words[0] != '\0')
		rc = statement_run(f->words_put, err, "it", r->id, r->words);
	return rc;
}

/* The scope that the record belongs to: of its own log, else of its least entry's. */
static enum rc
scope_of(struct fold *f, const struct fold_record *r, struct journal_scope *out,
    struct error *err)
{
	const struct fold_log *log = NULL;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if (r->state.n_dots == 0)
		return RC_OK;
	rc = fold_parts_log(f, r->record.log, &log, err);
	if (rc == RC_OK && log == NULL)
		rc = fold_parts_log(f, r->state.dots[0].dot.log, &log, err);
	if (rc == RC_OK && log != NULL)
		*out = log->scope;
	return rc;
}

void
fold_limit_states(struct fold *f, size_t bytes)
{
	f->state_max = bytes;
}

/*
 * The state as it is stored.  One that is too large is none, whatever came in what order, and holds
 * up nothing else; its entries are kept, and it is made again when they become more.
 */
static enum rc
encode_state(struct fold *f, struct fold_record *r, struct bytes *state, struct error *err)
{
	enum rc rc = register_state_encode(&r->state, state);

	if (rc != RC_LIMIT && (rc != RC_OK || state->len <= f->state_max))
		return rc != RC_OK || r->oversize || !r->was_oversize ? rc : query_run(f->db, err,
		    "DELETE FROM oversize WHERE log = ?1 AND n = ?2", "ii", (int64_t)r->record.log,
		    (int64_t)r->record.n);
	rc = query_run(f->db, err, "INSERT OR REPLACE INTO oversize(log, n, left_out) VALUES (?1, ?2, ?3)",
	    "iii", (int64_t)r->record.log, (int64_t)r->record.n, (int64_t)r->state.n_dots);
	register_state_reset(&r->state);
	r->oversize = true;
	bytes_reset(state);
	return rc;
}

/* One record's rows, all but those of the index of words. */
static enum rc
write_record(struct fold *f, struct fold_record *r, struct error *err)
{
	const struct fold_log *creator = NULL;
	struct bytes state, words;
	struct journal_scope scope;
	struct tables_counts n;
	struct tables_row row = { .id = r->id, .state = &r->state, .was_form = r->was_form };
	enum rc rc;

	bytes_init(&state);
	bytes_init(&words);
	if ((rc = encode_state(f, r, &state, err)) != RC_OK ||
	    (rc = scope_of(f, r, &scope, err)) != RC_OK)
		goto out;
	row.unit = scope.unit;
	if (r->state.creator.log != 0)
		rc = fold_parts_log(f, r->state.creator.log, &creator, err);
	/* whom a link speaks of is asked before and after: it may have spoken of others */
	if (rc == RC_OK)
		rc = duplicate_cluster_touch_before(f->db, &f->touched, r->was_form, r->id, err);
	if (rc == RC_OK)
		rc = tables_write(f->tables, &row, &n, &words, err);
	if (rc == RC_OK)
		rc = duplicate_cluster_touch_after(f->db, &f->touched, r->state.form, r->id, err);
	if (rc == RC_OK)
		rc = statement_run(f->store, err, "ittiiibiiiiib", r->id, r->state.form, scope.unit,
		    (int64_t)scope.compartment, register_created_at(&r->state),
		    (int64_t)(creator != NULL), creator != NULL ? creator->device : NULL,
		    creator != NULL ? (size_t)ENTRY_DEVICE_BYTES : (size_t)0, (int64_t)n.alive,
		    (int64_t)n.conflicts, (int64_t)n.settled, (int64_t)n.breaches,
		    (int64_t)n.newer, state.data, state.len);
	free(r->words);
	r->words = NULL;
	if (rc == RC_OK)
		rc = words.rc != RC_OK ? words.rc : text_fold(bytes_cstr(&words), &r->words);
out:
	bytes_reset(&state);
	bytes_wipe(&words);
	return rc;
}

static int
by_id(const void *a, const void *b)
{
	const struct fold_record *const *x = a, *const *y = b;

	return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

static enum rc
write_dirty(struct fold *f, struct error *err)
{
	struct fold_record **all;
	size_t n = 0;
	enum rc rc = RC_OK;

	if (f->n_records == 0)
		return RC_OK;
	/* a rebuild or change of forms that failed half-way left none */
	if (f->tables == NULL && (rc = tables_open(f->db, f->forms, &f->tables, err)) != RC_OK)
		return rc;
	if ((all = malloc(f->n_records * sizeof(struct fold_record *))) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < FOLD_PARTS_BUCKETS; i++)
		for (struct fold_record *r = f->records[i]; r != NULL; r = r->next)
			if (r->dirty)
				all[n++] = r;
	/* in the order of the tables' keys */
	if (n > 1)
		qsort(all, n, sizeof(struct fold_record *), by_id);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		if (all[i]->refold)
			rc = fold_refold_record(f, &all[i]->record, err);
		if (rc == RC_OK)
			rc = write_record(f, all[i], err);
	}
	/*
	 * All words together: the index holds them back and writes them as one, unless a statement
	 * that can be undone alone, as those of the tables are, comes between.
	 */
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = write_words(f, all[i], err);
	free(all);
	return rc;
}

static enum rc
find_unweighed(struct fold *f, struct error *err)
{
	const struct fold_log *log;
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc = query_open(f->db, err, &q, "SELECT id FROM log WHERE weighed = 0", "");

	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row)
		rc = fold_parts_log(f, statement_u64(q, 0), &log, err);
	query_close(q);
	return rc;
}

enum rc
fold_flush(struct fold *f, struct error *err)
{
	enum rc rc = find_unweighed(f, err);

	if (rc == RC_OK)
		rc = fold_parts_weigh(f, err);
	if (rc == RC_OK)
		rc = write_dirty(f, err);
	if (rc == RC_OK)
		rc = duplicate_cluster_update(f->db, &f->touched, err);
	if (rc == RC_OK)
		forget_records(f);
	return rc;
}

/* Folding -------------------------------------------------------------- */

enum rc
fold_entry(struct fold *f, const struct entry *e, struct error *err)
{
	const struct fold_log *log;
	struct fold_record *r;
	bool counts;
	enum rc rc;

	/* both logs first: one that is new may change what was folded before */
	if ((rc = fold_parts_log(f, e->dot.log, &log, err)) != RC_OK ||
	    (rc = fold_parts_log(f, e->record.log, &log, err)) != RC_OK ||
	    (rc = fold_parts_weigh(f, err)) != RC_OK ||
	    (rc = fold_parts_counts(f, &e->dot, &e->record, &counts, err)) != RC_OK || !counts)
		return rc;
	if ((rc = fold_parts_record(f, &e->record, &r, err)) != RC_OK ||
	    (rc = fold_parts_apply(f, r, e, err)) != RC_OK)
		return rc;
	return f->n_bytes > FOLD_CACHE_BYTES ? fold_flush(f, err) : RC_OK;
}
