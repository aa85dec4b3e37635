#include "shared/records/fold_parts.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/statement.h"
#include "shared/vault/query.h"

/* What one entry's value takes in a state, roughly, with its share of the lists. */
enum { VALUE_COST = 160, RECORD_COST = 512 };

static size_t
bucket_of(uint64_t log, uint64_t n)
{
	uint64_t z = log ^ (n * UINT64_C(0x9e3779b97f4a7c15));

	z ^= z >> 29;
	z *= UINT64_C(0xbf58476d1ce4e5b9);
	return (size_t)((z >> 32) % FOLD_PARTS_BUCKETS);
}

bool
fold_parts_add_dot(struct fold_dots *d, struct dot dot)
{
	if (d->n == d->cap) {
		size_t cap = d->cap == 0 ? 16 : d->cap * 2;
		struct dot *grown = realloc(d->all, cap * sizeof(*grown));

		if (grown == NULL)
			return false;
		d->all = grown;
		d->cap = cap;
	}
	d->all[d->n++] = dot;
	return true;
}

/* Logs ----------------------------------------------------------------- */

static bool
note_unweighed(struct fold *f, uint64_t log)
{
	if (f->n_unweighed == f->cap_unweighed) {
		size_t cap = f->cap_unweighed == 0 ? 16 : f->cap_unweighed * 2;
		uint64_t *grown = realloc(f->unweighed, cap * sizeof(*grown));

		if (grown == NULL)
			return false;
		f->unweighed = grown;
		f->cap_unweighed = cap;
	}
	f->unweighed[f->n_unweighed++] = log;
	return true;
}

/* Takes the row of the statement `log`. */
static enum rc
load_log(struct fold *f, uint64_t id, struct fold_log **out, struct error *err)
{
	const char *unit = query_column_text(f->log, 1);
	struct fold_log *log = calloc(1, sizeof(*log));

	*out = log;
	if (log == NULL)
		return RC_NOMEM;
	log->id = id;
	if (!statement_copy(f->log, 0, log->device, sizeof(log->device)) ||
	    strlen(unit) > JOURNAL_UNIT_MAX)
		return error_set(err, RC_DAMAGED, "log", "run: field verify",
		    "a row of the journal does not follow its grammar");
	memcpy(log->scope.unit, unit, strlen(unit) + 1);
	log->scope.compartment = (unsigned)query_column_int(f->log, 2);
	log->fork_n = statement_u64(f->log, 3);
	log->limit_n = query_column_is_null(f->log, 4) ? JOURNAL_NO_LIMIT :
	    statement_u64(f->log, 4);
	log->folds = query_column_int(f->log, 5) != 0;
	if (query_column_int(f->log, 6) == 0 && !note_unweighed(f, id))
		return RC_NOMEM;
	return RC_OK;
}

enum rc
fold_parts_log(struct fold *f, uint64_t id, const struct fold_log **out, struct error *err)
{
	struct fold_log **bucket = &f->logs[bucket_of(id, 0)], *log;
	bool row = false;
	enum rc rc;

	*out = NULL;
	for (log = *bucket; log != NULL; log = log->next) {
		if (log->id == id) {
			*out = log;
			return RC_OK;
		}
	}
	rc = statement_first(f->log, &row, err, "u", id);
	if (rc == RC_OK && row)
		rc = load_log(f, id, &log, err);
	statement_rest(f->log);
	if (rc != RC_OK || !row) {
		free(log);
		return rc;
	}
	log->next = *bucket;
	*bucket = log;
	*out = log;
	return RC_OK;
}

void
fold_parts_forget_log(struct fold *f, uint64_t id)
{
	for (struct fold_log **at = &f->logs[bucket_of(id, 0)]; *at != NULL; at = &(*at)->next) {
		if ((*at)->id == id) {
			struct fold_log *gone = *at;

			*at = gone->next;
			free(gone);
			return;
		}
	}
}

static bool
same_scope(const struct journal_scope *a, const struct journal_scope *b)
{
	return a->compartment == b->compartment && strcmp(a->unit, b->unit) == 0;
}

void
fold_marks_changed(struct fold *f)
{
	f->any_purged = -1;
}

/* Has the record left this device? */
static enum rc
is_purged(struct fold *f, const struct dot *record, bool *out, struct error *err)
{
	int64_t any;
	enum rc rc;

	*out = false;
	if (f->any_purged < 0) {
		rc = query_int(f->db, err, &any, "SELECT EXISTS (SELECT 1 FROM purged)", "");
		if (rc != RC_OK)
			return rc;
		f->any_purged = any != 0;
	}
	if (f->any_purged == 0)
		return RC_OK;
	rc = statement_first(f->purged, out, err, "uu", record->log, record->n);
	statement_rest(f->purged);
	return rc;
}

enum rc
fold_parts_counts(struct fold *f, const struct dot *entry, const struct dot *record,
    bool *out, struct error *err)
{
	const struct fold_log *log, *home;
	enum rc rc;

	*out = false;
	if ((rc = fold_parts_log(f, entry->log, &log, err)) != RC_OK)
		return rc;
	if (log == NULL)
		return error_set(err, RC_INTERNAL, NULL, NULL, "an entry to fold has no log");
	if (!log->folds || entry->n > log->limit_n ||
	    (log->fork_n != 0 && entry->n >= log->fork_n))
		return RC_OK;
	if ((rc = fold_parts_log(f, record->log, &home, err)) != RC_OK)
		return rc;
	if (home != NULL && !same_scope(&home->scope, &log->scope))
		return RC_OK;
	if ((rc = is_purged(f, record, out, err)) == RC_OK)
		*out = !*out;
	return rc;
}

/* Records -------------------------------------------------------------- */

static enum rc
load_record(struct fold *f, struct fold_record *r, struct error *err)
{
	const char *form;
	const uint8_t *p;
	size_t len = 0;
	bool row;
	enum rc rc = statement_first(f->load, &row, err, "uu", r->record.log, r->record.n);

	if (rc == RC_OK && row) {
		r->id = query_column_int(f->load, 0);
		form = query_column_text(f->load, 1);
		if (strlen(form) <= ENTRY_FORM_NAME_MAX)
			memcpy(r->was_form, form, strlen(form) + 1);
		p = query_column_blob(f->load, 2, &len);
		rc = register_state_decode(p, len, r->record, &r->state);
		f->n_bytes += RECORD_COST + 4 * len;
		if (rc == RC_FORMAT)
			rc = error_set(err, RC_DAMAGED, "record", "run: field rebuild",
			    "the stored state of a record does not follow its grammar");
	}
	statement_rest(f->load);
	if (rc == RC_OK && row && len == 0) {
		rc = statement_first(f->oversize, &r->oversize, err, "uu", r->record.log, r->record.n);
		statement_rest(f->oversize);
		r->was_oversize = r->oversize;
	}
	if (rc != RC_OK || row)
		return rc;
	f->n_bytes += RECORD_COST;
	if ((rc = statement_run(f->make, err, "uu", r->record.log, r->record.n)) == RC_OK)
		r->id = sqlite3_last_insert_rowid(f->db);
	return rc;
}

enum rc
fold_parts_record(struct fold *f, const struct dot *record, struct fold_record **out,
    struct error *err)
{
	struct fold_record **bucket = &f->records[bucket_of(record->log, record->n)], *r;
	enum rc rc;

	*out = NULL;
	for (r = *bucket; r != NULL; r = r->next) {
		if (dot_compare(&r->record, record) == 0) {
			*out = r;
			return RC_OK;
		}
	}
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return RC_NOMEM;
	r->record = *record;
	register_state_init(&r->state, *record);
	if ((rc = load_record(f, r, err)) != RC_OK) {
		register_state_reset(&r->state);
		free(r);
		return rc;
	}
	r->next = *bucket;
	*bucket = r;
	f->n_records++;
	*out = r;
	return RC_OK;
}

enum rc
fold_parts_apply(struct fold *f, struct fold_record *r, const struct entry *e,
    struct error *err)
{
	bool is_new;
	enum rc rc;

	if (r->oversize) {
		r->refold = r->dirty = true;
		return RC_OK;
	}
	rc = register_apply(&r->state, e, &is_new);

	if (rc != RC_OK)
		return error_set(err, rc, NULL, NULL, "cannot fold an entry");
	if (!is_new)
		return RC_OK;
	r->dirty = true;
	for (size_t i = 0; i < e->n_writes; i++) {
		const struct write *w = &e->writes[i];

		f->n_bytes += w->n_values * VALUE_COST;
		for (size_t k = 0; k < w->n_values; k++)
			f->n_bytes += w->values[k].text_len;
	}
	return RC_OK;
}

/* Weighing ------------------------------------------------------------- */

/* Records of a log that have a state already, here or in the database. */
static enum rc
records_of_log(struct fold *f, uint64_t log, struct fold_dots *out, struct error *err)
{
	bool row;
	enum rc rc = statement_first(f->of_log, &row, err, "u", log);

	while (rc == RC_OK && row) {
		if (!fold_parts_add_dot(out, (struct dot){ log, statement_u64(f->of_log, 0) }))
			rc = RC_NOMEM;
		else
			rc = statement_next(f->of_log, &row, err);
	}
	statement_rest(f->of_log);
	for (size_t i = 0; rc == RC_OK && f->n_records > 0 && i < FOLD_PARTS_BUCKETS; i++)
		for (struct fold_record *r = f->records[i]; rc == RC_OK && r != NULL; r = r->next)
			if (r->record.log == log && r->state.n_dots > 0 &&
			    !fold_parts_add_dot(out, r->record))
				rc = RC_NOMEM;
	return rc;
}

enum rc
fold_parts_weigh(struct fold *f, struct error *err)
{
	enum rc rc = RC_OK;

	/* refolding may meet further new logs: they join the list */
	while (rc == RC_OK && f->n_unweighed > 0) {
		uint64_t log = f->unweighed[--f->n_unweighed];
		struct fold_dots dots = { NULL, 0, 0 };

		rc = statement_run(f->weighed, err, "u", log);
		if (rc == RC_OK)
			rc = records_of_log(f, log, &dots, err);
		for (size_t i = 0; rc == RC_OK && i < dots.n; i++)
			rc = fold_refold_record(f, &dots.all[i], err);
		free(dots.all);
	}
	return rc;
}
