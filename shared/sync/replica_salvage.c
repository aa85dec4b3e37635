#include "shared/sync/replica_salvage.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/embedded.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_salvage.h"

/* All of schema/vault.sql but what the fold makes. */
enum { T_SETTING, T_LOG, T_ENTRY, T_IDENTITY, T_SCOPE_SECRET, T_STATEMENT, T_CERTIFICATE, T_FRAME,
	T_REST, T_PURGED = T_REST + 8, T_DRAFT, TABLES };

static const char *const TABLE_NAMES[TABLES] = {
	"setting", "log", "entry", "identity", "scope_secret", "statement", "certificate", "frame",
	"entry_other", "entry_head", "waiting_share", "waiting_receipt", "lane", "receipt", "held",
	"event", "purged", "draft"
};

struct log_row { uint64_t id, top; bool own; uint64_t sealed; };
struct logs { struct log_row *all; size_t n, cap; };

static enum rc
read_logs(struct sqlite3 *db, struct logs *out, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	struct log_row *grown;
	bool row;
	enum rc rc;

	rc = query_open(db, err, &q, "SELECT id, max(top_n, head_n), own, sealed_n FROM log ORDER BY id", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		if (out->n == out->cap) {
			size_t cap = out->cap == 0 ? 64 : 2 * out->cap;

			if ((grown = realloc(out->all, cap * sizeof *grown)) == NULL) {
				rc = RC_NOMEM;
				break;
			}
			out->all = grown;
			out->cap = cap;
		}
		out->all[out->n++] = (struct log_row){ (uint64_t)query_column_int(q, 0),
		    (uint64_t)query_column_int(q, 1), query_column_int(q, 2) != 0,
		    (uint64_t)query_column_int(q, 3) };
	}
	query_close(q);
	return rc;
}

/* The next n of a log that stands in the table, from n on; 0: none. */
static enum rc
next_entry(struct sqlite3 *db, uint64_t log, uint64_t n, uint64_t *out, struct error *err)
{
	int64_t found = 0;
	enum rc rc = query_int(db, err, &found, "SELECT n FROM entry WHERE log = ?1 AND n >= ?2"
	    " ORDER BY n LIMIT 1", "ii", (int64_t)log, (int64_t)n);

	*out = (uint64_t)found;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* RC_DAMAGED: it was here and cannot be read.  *there: a row, read to its end. */
static enum rc
look_at_entry(struct sqlite3 *db, uint64_t log, uint64_t n, bool *there)
{
	struct bytes body;
	int64_t hollow = 0;
	enum rc rc;

	bytes_init(&body);
	rc = query_int(db, NULL, &hollow, "SELECT body IS NULL FROM entry WHERE log = ?1 AND n = ?2",
	    "ii", (int64_t)log, (int64_t)n);
	if (rc == RC_OK && hollow == 0)
		rc = query_blob(db, NULL, &body, "SELECT body FROM entry WHERE log = ?1 AND n = ?2",
		    "ii", (int64_t)log, (int64_t)n);
	bytes_wipe(&body);
	*there = rc == RC_OK;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static void
count_lost(struct replica_salvage *s, const struct log_row *log, uint64_t n)
{
	s->lost++;
	s->own_lost += log->own && n > log->sealed;
	if (s->n_named < REPLICA_LOST_NAMED_MAX)
		s->named[s->n_named++] = (struct dot){ log->id, n };
}

enum rc
replica_count_lost(struct sqlite3 *db, struct replica_salvage *out, struct error *err)
{
	struct logs logs = { NULL, 0, 0 };
	bool there;
	enum rc rc;

	memset(out, 0, sizeof *out);
	rc = read_logs(db, &logs, err);
	for (size_t i = 0; rc == RC_OK && i < logs.n; i++) {
		for (uint64_t n = 1; rc == RC_OK && n <= logs.all[i].top; n++) {
			rc = look_at_entry(db, logs.all[i].id, n, &there);
			out->entries += there;
			if (rc != RC_DAMAGED)
				continue;
			count_lost(out, &logs.all[i], n);
			rc = RC_OK;
		}
	}
	free(logs.all);
	return rc == RC_OK ? rc : error_set(err, rc, "log", NULL, "cannot read the list of logs");
}

struct salvaging {
	struct replica_salvage *result;
	const struct vault_salvage_table *tables;
};

/* One by one what a walk through the table could not reach. */
static enum rc
bring_entry(struct sqlite3 *from, struct sqlite3 *to, uint64_t log, uint64_t n, bool *brought,
    struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row = false;
	enum rc rc;

	*brought = false;
	rc = query_open(from, NULL, &q, "SELECT record_log, record_n, after, body, tag FROM entry"
	    " WHERE log = ?1 AND n = ?2", "ii", (int64_t)log, (int64_t)n);
	if (rc == RC_OK)
		rc = query_next(q, &row, NULL);
	if (rc == RC_OK && row) {
		const uint8_t *after, *body, *tag;
		size_t after_len, body_len, tag_len;

		after = query_column_blob(q, 2, &after_len);
		body = query_column_blob(q, 3, &body_len);
		tag = query_column_blob(q, 4, &tag_len);
		rc = query_run(to, err, "INSERT OR IGNORE INTO entry(log, n, record_log, record_n, after,"
		    " body, tag) VALUES (?1, ?2, ?3, ?4, ?5, iif(?6, NULL, ?7), iif(?8, NULL, ?9))",
		    "iiiibibib", (int64_t)log, (int64_t)n, query_column_int(q, 0), query_column_int(q, 1),
		    after, after_len, (int64_t)query_column_is_null(q, 3), body, body_len,
		    (int64_t)query_column_is_null(q, 4), tag, tag_len);
		*brought = rc == RC_OK;
	}
	query_close(q);
	return rc;
}

/* What is not there in the new table and damaged in the old one is lost. */
static enum rc
bring_log(struct salvaging *s, struct sqlite3 *from, struct sqlite3 *to, const struct log_row *log,
    struct error *err)
{
	uint64_t here = 0, n = 1;
	bool brought;
	enum rc rc = RC_OK;

	while (rc == RC_OK && n <= log->top) {
		if ((rc = next_entry(to, log->id, n, &here, err)) != RC_OK)
			break;
		if (here == 0)
			here = log->top + 1;
		for (; rc == RC_OK && n < here; n++) {
			rc = bring_entry(from, to, log->id, n, &brought, err);
			if (rc == RC_DAMAGED) {
				count_lost(s->result, log, n);
				rc = RC_OK;
			}
		}
		n = here + 1;
	}
	return rc;
}

/* The log is here up to its first gap; behind it stands what came early. */
static enum rc
settle_log(struct sqlite3 *to, uint64_t log, struct error *err)
{
	return query_run(to, err, "UPDATE log SET"
	    " head_n = coalesce((SELECT min(e.n) FROM entry e WHERE e.log = ?1 AND NOT EXISTS"
	    " (SELECT 1 FROM entry f WHERE f.log = ?1 AND f.n = e.n + 1)"
	    " AND EXISTS (SELECT 1 FROM entry g WHERE g.log = ?1 AND g.n = 1)), 0),"
	    " top_n = coalesce((SELECT max(e.n) FROM entry e WHERE e.log = ?1), 0) WHERE id = ?1",
	    "i", (int64_t)log);
}

static enum rc
settle_head(struct sqlite3 *to, uint64_t log, struct error *err)
{
	return query_run(to, err, "UPDATE log SET head = CASE WHEN head_n = 0 THEN start ELSE"
	    " (SELECT after FROM entry e WHERE e.log = log.id AND e.n = log.head_n) END WHERE id = ?1",
	    "i", (int64_t)log);
}

/* As a device that has nothing yet: what is here already changes nothing when it comes. */
static enum rc
ask_for_everything(struct sqlite3 *to, struct error *err)
{
	enum rc rc = query_run(to, err, "DELETE FROM lane", "");

	return rc != RC_OK ? rc : query_run(to, err,
	    "DELETE FROM setting WHERE name IN ('lanes', 'position')", "");
}

/* Without its row in log nobody can say who wrote an entry, or check it. */
static enum rc
leave_strays(struct salvaging *s, struct sqlite3 *to, struct error *err)
{
	int64_t n = 0;
	enum rc rc = query_int(to, err, &n, "SELECT count(*) FROM entry"
	    " WHERE log NOT IN (SELECT id FROM log)", "");

	if (rc != RC_OK || n == 0)
		return rc;
	s->result->lost += (uint64_t)n;
	s->result->own_lost += (uint64_t)n;
	return query_run(to, err, "DELETE FROM entry WHERE log NOT IN (SELECT id FROM log)", "");
}

/* The chain up to its first gap; the relay has the rest. */
static enum rc
settle_statements(struct sqlite3 *to, struct error *err)
{
	return query_run(to, err, "DELETE FROM statement WHERE seq > (SELECT min(a.seq) FROM statement a"
	    " WHERE NOT EXISTS (SELECT 1 FROM statement b WHERE b.seq = a.seq + 1))", "");
}

static enum rc
bring_the_rest(void *ctx, struct sqlite3 *from, struct sqlite3 *to, struct error *err)
{
	struct salvaging *s = ctx;
	struct logs logs = { NULL, 0, 0 };
	int64_t entries = 0;
	enum rc rc = read_logs(to, &logs, err);

	for (size_t i = 0; rc == RC_OK && i < logs.n; i++) {
		uint64_t before = s->result->lost;

		rc = bring_log(s, from, to, &logs.all[i], err);
		if (rc == RC_OK && s->result->lost > before &&
		    (rc = settle_log(to, logs.all[i].id, err)) == RC_OK)
			rc = settle_head(to, logs.all[i].id, err);
	}
	free(logs.all);
	if (rc == RC_OK)
		rc = leave_strays(s, to, err);
	if (rc == RC_OK)
		rc = query_int(to, err, &entries, "SELECT count(*) FROM entry", "");
	s->result->entries = (uint64_t)entries;
	/* a frame that is gone may not have been sent: its entries are sealed again */
	if (rc == RC_OK && s->tables[T_FRAME].lost)
		rc = query_run(to, err, "UPDATE log SET sealed_n = 0 WHERE own = 1", "");
	if (rc == RC_OK && s->tables[T_STATEMENT].lost)
		rc = settle_statements(to, err);
	if (rc == RC_OK)
		rc = ask_for_everything(to, err);
	return rc;
}

enum rc
replica_salvage(struct vault *v, struct replica_salvage *out, struct error *err)
{
	struct vault_salvage_table tables[TABLES];
	struct salvaging s = { out, tables };
	struct vault_salvage order = { .tables = tables, .n_tables = TABLES, .more = bring_the_rest,
	    .ctx = &s };
	const struct embedded *sql = embedded_find("vault.sql");
	enum rc rc;

	memset(out, 0, sizeof *out);
	memset(tables, 0, sizeof tables);
	for (size_t i = 0; i < TABLES; i++)
		tables[i].name = TABLE_NAMES[i];
	tables[T_PURGED].later = true;
	tables[T_DRAFT].later = true;
	if (sql == NULL)
		return RC_INTERNAL;
	order.sql = (const char *)sql->data;
	rc = vault_salvage_run(v, &order, err);
	out->keys_lost = tables[T_IDENTITY].lost || tables[T_SCOPE_SECRET].lost;
	out->statements_lost = tables[T_STATEMENT].lost || tables[T_CERTIFICATE].lost;
	return rc;
}
