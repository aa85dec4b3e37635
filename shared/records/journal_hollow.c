#include "shared/records/journal.h"

#include <stdlib.h>
#include <string.h>

#include "shared/records/statement.h"
#include "shared/vault/query.h"

struct hollowing {
	struct sqlite3 *db;
	struct sqlite3_stmt *body, *key, *drop;
	uint8_t log_key[ENTRY_LOG_KEY_BYTES];
	uint64_t key_of;		/* the log whose key that is; 0: none yet */
	uint64_t n;
	struct error *err;
};

static enum rc
start(struct hollowing *h)
{
	enum rc rc;

	rc = statement_prepare(h->db, "SELECT body, tag FROM entry WHERE log = ?1 AND n = ?2", &h->body,
	    h->err);
	if (rc == RC_OK)
		rc = statement_prepare(h->db, "SELECT key FROM log WHERE id = ?1", &h->key, h->err);
	if (rc == RC_OK)
		rc = statement_prepare(h->db, "UPDATE entry SET body = NULL, tag = ?3"
		    " WHERE log = ?1 AND n = ?2", &h->drop, h->err);
	return rc;
}

static void
stop(struct hollowing *h)
{
	statement_free(h->body);
	statement_free(h->key);
	statement_free(h->drop);
	memset(h->log_key, 0, sizeof(h->log_key));
}

static enum rc
find_key(struct hollowing *h, uint64_t log)
{
	bool row;
	enum rc rc;

	if (h->key_of == log)
		return RC_OK;
	rc = statement_first(h->key, &row, h->err, "u", log);
	if (rc == RC_OK && (!row || !statement_copy(h->key, 0, h->log_key, sizeof(h->log_key))))
		rc = error_set(h->err, RC_DAMAGED, "log", "run: field verify",
		    "a log with entries has no key");
	statement_rest(h->key);
	h->key_of = rc == RC_OK ? log : 0;
	return rc;
}

static enum rc
drop_body(struct hollowing *h, uint64_t log, uint64_t n)
{
	uint8_t tag[ENTRY_TAG_BYTES];
	const uint8_t *p;
	size_t len;
	bool row;
	enum rc rc;

	rc = statement_first(h->body, &row, h->err, "uu", log, n);
	if (rc == RC_OK && row) {
		/* it stands there where the log's key is gone (redaction.h) */
		p = query_column_blob(h->body, 1, &len);
		if (len >= sizeof(tag)) {
			memcpy(tag, p, sizeof(tag));
		} else if ((rc = find_key(h, log)) == RC_OK) {
			p = query_column_blob(h->body, 0, &len);
			entry_tag(h->log_key, n, p, len, tag);
		}
	}
	statement_rest(h->body);
	if (rc != RC_OK || !row)
		return rc;
	h->n++;
	return statement_run(h->drop, h->err, "uub", log, n, tag, sizeof(tag));
}

/* Each entry that q names (log, n); collected first, since dropping changes the table. */
static enum rc
drop_all(struct hollowing *h, struct sqlite3_stmt *q, enum rc rc)
{
	struct bytes dots;
	struct reader r;
	bool row = true;

	bytes_init(&dots);
	while (rc == RC_OK && (rc = query_next(q, &row, h->err)) == RC_OK && row) {
		bytes_u64(&dots, statement_u64(q, 0));
		bytes_u64(&dots, statement_u64(q, 1));
	}
	query_close(q);
	if (rc == RC_OK)
		rc = dots.rc;
	if (rc == RC_OK)
		rc = start(h);
	reader_init(&r, dots.data, dots.len);
	while (rc == RC_OK && reader_left(&r) > 0) {
		uint64_t log = reader_u64(&r);

		rc = drop_body(h, log, reader_u64(&r));
	}
	stop(h);
	bytes_reset(&dots);
	return rc;
}

enum rc
journal_hollow_record(struct sqlite3 *db, const struct dot *record, uint64_t *n,
    struct error *err)
{
	struct hollowing h = { .db = db, .err = err };
	struct sqlite3_stmt *q = NULL;
	enum rc rc;

	rc = query_open(db, err, &q, "SELECT log, n FROM entry WHERE record_log = ?1"
	    " AND record_n = ?2 AND record_log <> 0 AND body IS NOT NULL ORDER BY log, n", "ii",
	    (int64_t)record->log, (int64_t)record->n);
	rc = drop_all(&h, q, rc);
	*n = h.n;
	return rc;
}

enum rc
journal_hollow_range(struct sqlite3 *db, uint64_t log, uint64_t first, uint64_t last,
    uint64_t *n, struct error *err)
{
	struct hollowing h = { .db = db, .err = err };
	struct sqlite3_stmt *q = NULL;
	enum rc rc;

	rc = query_open(db, err, &q, "SELECT log, n FROM entry WHERE log = ?1 AND n BETWEEN ?2 AND ?3"
	    " AND record_log <> 0 AND body IS NOT NULL", "iii", (int64_t)log, (int64_t)first,
	    (int64_t)last);
	rc = drop_all(&h, q, rc);
	*n = h.n;
	return rc;
}
