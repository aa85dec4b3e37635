#include "shared/records/journal.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/journal_rows.h"
#include "shared/records/statement.h"
#include "shared/vault/digest.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"

enum { WRITER_SCOPES_MAX = 4096 };

struct writer_log {
	struct journal_scope scope;
	uint64_t log;
};

struct journal_writer {
	uint8_t device[ENTRY_DEVICE_BYTES];
	struct journal_random random;
	struct writer_log *logs;
	size_t n_logs, cap_logs;
	/* kept for the handle they were made on */
	struct sqlite3 *db;
	struct sqlite3_stmt *add_entry, *move_head;
};

static void
fill_from_system(void *ctx, void *out, size_t len)
{
	(void)ctx;
	secret_random_bytes(out, len);
}

struct journal_random
journal_random_system(void)
{
	struct journal_random r = { fill_from_system, NULL };

	return r;
}

enum rc
journal_writer_new(const uint8_t device[ENTRY_DEVICE_BYTES], struct journal_random random,
    struct journal_writer **out)
{
	struct journal_writer *w = calloc(1, sizeof(*w));

	*out = w;
	if (w == NULL)
		return RC_NOMEM;
	memcpy(w->device, device, ENTRY_DEVICE_BYTES);
	w->random = random;
	return RC_OK;
}

void
journal_writer_free(struct journal_writer *w)
{
	if (w == NULL)
		return;
	statement_free(w->add_entry);
	statement_free(w->move_head);
	free(w->logs);
	free(w);
}

static enum rc
prepare_for(struct journal_writer *w, struct sqlite3 *db, struct error *err)
{
	enum rc rc;

	if (w->db == db)
		return RC_OK;
	statement_free(w->add_entry);
	statement_free(w->move_head);
	w->add_entry = w->move_head = NULL;
	w->db = NULL;
	rc = statement_prepare(db, "INSERT INTO entry(log, n, record_log, record_n, after, body)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6)", &w->add_entry, err);
	if (rc == RC_OK)
		rc = statement_prepare(db, "UPDATE log SET head_n = ?2, top_n = ?2, head = ?3"
		    " WHERE id = ?1", &w->move_head, err);
	if (rc == RC_OK)
		w->db = db;
	return rc;
}

static struct writer_log *
log_of_scope(const struct journal_writer *w, const struct journal_scope *scope)
{
	for (size_t i = 0; i < w->n_logs; i++)
		if (w->logs[i].scope.compartment == scope->compartment &&
		    strcmp(w->logs[i].scope.unit, scope->unit) == 0)
			return &w->logs[i];
	return NULL;
}

static enum rc
remember(struct journal_writer *w, const struct journal_scope *scope, uint64_t log)
{
	struct writer_log *at = log_of_scope(w, scope);

	if (at == NULL) {
		if (w->n_logs == WRITER_SCOPES_MAX)
			return RC_LIMIT;
		if (w->n_logs == w->cap_logs) {
			size_t cap = w->cap_logs == 0 ? 4 : w->cap_logs * 2;
			struct writer_log *grown = realloc(w->logs, cap * sizeof(*grown));

			if (grown == NULL)
				return RC_NOMEM;
			w->logs = grown;
			w->cap_logs = cap;
		}
		at = &w->logs[w->n_logs++];
		at->scope = *scope;
	}
	at->log = log;
	return RC_OK;
}

/* A log id that the journal does not have yet. */
static uint64_t
new_log_id(const struct journal_writer *w)
{
	uint8_t noise[16], id[16];
	uint64_t log = 0;

	while (log == 0) {
		struct digest d;

		w->random.fill(w->random.ctx, noise, sizeof(noise));
		digest_start(&d, sizeof(id), NULL, 0, "field-log-id-1");
		digest_put(&d, w->device, sizeof(w->device));
		digest_put(&d, noise, sizeof(noise));
		digest_end(&d, id);
		log = bytes_load64(id);
	}
	return log;
}

static enum rc
start_log(struct sqlite3 *db, struct journal_writer *w, const struct journal_scope *scope,
    bool folds, struct journal_log *out, struct error *err)
{
	enum rc rc;

	memset(out, 0, sizeof(*out));
	out->id = new_log_id(w);
	memcpy(out->device, w->device, sizeof(out->device));
	out->scope = *scope;
	out->has_key = out->own = out->has_start = true;
	out->folds = folds;
	out->limit_n = JOURNAL_NO_LIMIT;
	w->random.fill(w->random.ctx, out->key, sizeof(out->key));
	rc = journal_tips(db, scope, w->device, out->tips, &out->n_tips, err);
	if (rc != RC_OK)
		return rc;
	entry_chain_start(out->id, out->device, scope->unit, scope->compartment, out->tips,
	    out->n_tips, out->start);
	memcpy(out->head, out->start, sizeof(out->head));
	if ((rc = journal_rows_insert(db, out, err)) != RC_OK)
		return rc;
	if ((rc = journal_rows_name_tips(db, out, err)) != RC_OK)
		return rc;
	return remember(w, scope, out->id);
}

/* The log to append to: the writer's own for that scope, if it can go on. */
static enum rc
writable_log(struct sqlite3 *db, struct journal_writer *w, const struct journal_scope *scope,
    bool folds, struct journal_log *out, struct error *err)
{
	struct writer_log *at = log_of_scope(w, scope);
	enum rc rc;

	if (at != NULL) {
		rc = journal_log_get(db, at->log, out, NULL);
		if (rc == RC_OK && out->fork_n == 0 && out->limit_n == JOURNAL_NO_LIMIT &&
		    out->folds == folds && out->has_key)
			return RC_OK;
		/* RC_NOTFOUND: the transaction that started it was rolled back */
		if (rc != RC_OK && rc != RC_NOTFOUND)
			return rc;
	}
	return start_log(db, w, scope, folds, out, err);
}

enum rc
journal_append(struct sqlite3 *db, struct journal_writer *w, const struct journal_scope *scope,
    bool folds, struct entry *e, struct error *err)
{
	uint8_t tag[ENTRY_TAG_BYTES];
	struct journal_log log;
	struct bytes body;
	enum rc rc;

	bytes_init(&body);
	if ((rc = prepare_for(w, db, err)) != RC_OK ||
	    (rc = writable_log(db, w, scope, folds, &log, err)) != RC_OK)
		goto out;
	e->dot.log = log.id;
	e->dot.n = log.head_n + 1;
	if (e->creates && !e->restated)
		e->record = e->dot;
	if ((rc = entry_encode(e, &body)) != RC_OK) {
		rc = error_set(err, rc, NULL, rc == RC_LIMIT ? "save less at once" : NULL,
		    rc == RC_LIMIT ? "one save holds more than an entry can" :
		    "an entry that is not canonical");
		goto out;
	}
	entry_tag(log.key, e->dot.n, body.data, body.len, tag);
	entry_chain_next(log.head, e->dot.n, tag);
	rc = statement_run(w->add_entry, err, "uuuubb", log.id, e->dot.n, e->record.log,
	    e->record.n, log.head, sizeof(log.head), body.data, body.len);
	if (rc == RC_OK)
		rc = statement_run(w->move_head, err, "uub", log.id, e->dot.n, log.head,
		    sizeof(log.head));
out:
	bytes_wipe(&body);
	return rc;
}

/* Sealing -------------------------------------------------------------- */

static int
by_scope(const void *a, const void *b)
{
	const struct journal_range *x = a, *y = b;
	int c = strcmp(x->log.scope.unit, y->log.scope.unit);

	if (c != 0)
		return c;
	if (x->log.scope.compartment != y->log.scope.compartment)
		return x->log.scope.compartment < y->log.scope.compartment ? -1 : 1;
	return x->log.id < y->log.id ? -1 : x->log.id > y->log.id;
}

enum rc
journal_unsealed(struct sqlite3 *db, struct journal_range **out, size_t *n, struct error *err)
{
	struct journal_range *ranges = NULL;
	struct sqlite3_stmt *q = NULL;
	size_t count = 0, cap = 0;
	bool row;
	enum rc rc;

	*out = NULL;
	*n = 0;
	rc = query_open(db, err, &q, JOURNAL_ROWS_SELECT
	    " WHERE own = 1 AND head_n > sealed_n ORDER BY id", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		struct journal_range *r;

		if (count == cap) {
			cap = cap == 0 ? 8 : cap * 2;
			if ((r = realloc(ranges, cap * sizeof(*r))) == NULL) {
				rc = RC_NOMEM;
				break;
			}
			ranges = r;
		}
		r = &ranges[count];
		if ((rc = journal_rows_read(q, &r->log, err)) != RC_OK)
			break;
		r->first = r->log.sealed_n + 1;
		r->count = r->log.head_n - r->log.sealed_n;
		memcpy(r->after, r->log.head, sizeof(r->after));
		count++;
	}
	query_close(q);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		rc = journal_head(db, ranges[i].log.id, ranges[i].first - 1, ranges[i].before, err);
	if (rc != RC_OK) {
		free(ranges);
		return rc;
	}
	if (count > 1)
		qsort(ranges, count, sizeof(*ranges), by_scope);
	*out = ranges;
	*n = count;
	return RC_OK;
}

enum rc
journal_count_unsealed(struct sqlite3 *db, uint64_t *n, struct error *err)
{
	int64_t count;
	enum rc rc = query_int(db, err, &count, "SELECT coalesce(sum(head_n - sealed_n), 0)"
	    " FROM log WHERE own = 1 AND head_n > sealed_n", "");

	*n = rc == RC_OK ? (uint64_t)count : 0;
	return rc;
}

enum rc
journal_mark_sealed(struct sqlite3 *db, uint64_t log, uint64_t n, struct error *err)
{
	return query_run(db, err, "UPDATE log SET sealed_n = ?2 WHERE id = ?1 AND sealed_n < ?2",
	    "ii", (int64_t)log, (int64_t)n);
}

/* What the directory says ---------------------------------------------- */

enum rc
journal_set_limit(struct sqlite3 *db, uint64_t log, uint64_t limit_n, uint64_t *from,
    struct error *err)
{
	struct journal_log l;
	enum rc rc = journal_log_get(db, log, &l, err);

	*from = 0;
	if (limit_n > JOURNAL_NO_LIMIT)
		limit_n = JOURNAL_NO_LIMIT;
	if (rc != RC_OK || l.limit_n == limit_n)
		return rc;
	rc = query_run(db, err, "UPDATE log SET limit_n = nullif(?2, ?3) WHERE id = ?1", "iii",
	    (int64_t)log, (int64_t)limit_n, (int64_t)JOURNAL_NO_LIMIT);
	if (rc == RC_OK)
		*from = (limit_n < l.limit_n ? limit_n : l.limit_n) + 1;
	return rc;
}
