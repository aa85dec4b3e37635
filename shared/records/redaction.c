#include "shared/records/redaction.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/journal.h"
#include "shared/records/statement.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"

static bool
is_named(const uint16_t *fields, size_t n, unsigned field)
{
	if (n == 0)
		return field != ENTRY_ALIVE;
	for (size_t i = 0; i < n; i++)
		if (fields[i] == field)
			return true;
	return false;
}

enum rc
redaction_of(const struct entry *e, const uint16_t *fields, size_t n_fields,
    struct bytes *body)
{
	static const struct value nothing = { .type = VALUE_NOTHING };
	struct entry left = *e;
	struct write *writes = calloc(e->n_writes + 1, sizeof(*writes));
	size_t n = 0;
	bool voids = false;
	enum rc rc;

	if (writes == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < e->n_writes; i++) {
		struct write w = e->writes[i];

		voids = voids || w.kind == WRITE_VOID;
		if (is_named(fields, n_fields, w.field) && w.kind == WRITE_SET) {
			w.values = &nothing;
		} else if (is_named(fields, n_fields, w.field) && w.kind == WRITE_ITEMS) {
			if (w.n_replaces == 0)
				continue;
			w.n_values = 0;
		}
		writes[n++] = w;
	}
	left.writes = writes;
	left.n_writes = n;
	/* why something was struck through has to be said; the words are gone */
	left.reason = voids ? "-" : NULL;
	left.reason_len = voids ? 1 : 0;
	rc = entry_encode(&left, body);
	free(writes);
	return rc;
}

/* ---- in the journal ---- */

static enum rc
keep_tags(struct sqlite3 *db, const struct journal_log *log, const char *table,
    struct error *err)
{
	char select[160], update[160];
	struct sqlite3_stmt *q = NULL, *put = NULL;
	uint8_t tag[ENTRY_TAG_BYTES + ENTRY_KEY_BYTES];
	size_t len;
	const uint8_t *body, *after;
	bool row;
	enum rc rc;

	snprintf(select, sizeof(select), "SELECT n, body, after FROM %s WHERE log = ?1 AND body IS NOT NULL"
	    " AND tag IS NULL", table);
	snprintf(update, sizeof(update), "UPDATE %s SET tag = ?3 WHERE log = ?1 AND n = ?2 AND after = ?4",
	    table);
	rc = statement_prepare(db, update, &put, err);
	if (rc == RC_OK)
		rc = query_open(db, err, &q, select, "i", (int64_t)log->id);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		uint64_t n = statement_u64(q, 0);
		uint8_t head[ENTRY_HEAD_BYTES];

		body = query_column_blob(q, 1, &len);
		entry_tag(log->key, n, body, len, tag);
		entry_key(log->key, n, tag + ENTRY_TAG_BYTES);
		after = query_column_blob(q, 2, &len);
		if (len != sizeof(head))
			continue;
		memcpy(head, after, len);
		rc = statement_run(put, err, "uubb", log->id, n, tag, log->own ? sizeof(tag) :
		    (size_t)ENTRY_TAG_BYTES, head, sizeof(head));
	}
	query_close(q);
	statement_free(put);
	secret_wipe(tag, sizeof(tag));
	return rc;
}

enum rc
redaction_forget_key(struct sqlite3 *db, uint64_t log, struct error *err)
{
	struct journal_log l;
	enum rc rc = journal_log_get(db, log, &l, NULL);

	if (rc == RC_NOTFOUND)
		return RC_OK;
	if (rc == RC_OK && l.has_key && (rc = keep_tags(db, &l, "entry", err)) == RC_OK)
		rc = keep_tags(db, &l, "entry_other", err);
	secret_wipe(l.key, sizeof(l.key));
	/* empty, and not NULL: it is not to come again */
	return rc != RC_OK ? rc : query_run(db, err, "UPDATE log SET key = x'' WHERE id = ?1", "i",
	    (int64_t)log);
}

enum rc
redaction_apply(struct sqlite3 *db, const struct dot *dot, const uint16_t *fields, size_t n_fields,
    struct dot *record, struct error *err)
{
	struct bytes body, left;
	struct entry e;
	enum rc rc;

	*record = (struct dot){ 0, 0 };
	bytes_init(&body);
	bytes_init(&left);
	memset(&e, 0, sizeof(e));
	rc = query_run(db, err, "UPDATE entry_other SET body = NULL, tag = substr(tag, 1, 16)"
	    " WHERE log = ?1 AND n = ?2 AND tag IS NOT NULL", "ii", (int64_t)dot->log, (int64_t)dot->n);
	if (rc == RC_OK)
		rc = journal_get(db, dot, &body, NULL);
	if (rc != RC_OK || body.len == 0) {
		rc = rc == RC_NOTFOUND ? RC_OK : rc;
		goto out;
	}
	if ((rc = entry_decode(body.data, body.len, *dot, &e)) == RC_OK)
		rc = redaction_of(&e, fields, n_fields, &left);
	if (rc == RC_OK)
		*record = e.record;
	if (rc == RC_FORMAT || rc == RC_NEWER)	/* what cannot be read here cannot be spared either */
		rc = query_run(db, err, "UPDATE entry SET body = NULL, tag = substr(tag, 1, 16)"
		    " WHERE log = ?1 AND n = ?2", "ii", (int64_t)dot->log, (int64_t)dot->n);
	else if (rc == RC_OK)
		rc = query_run(db, err, "UPDATE entry SET body = ?3, tag = substr(tag, 1, 16)"
		    " WHERE log = ?1 AND n = ?2", "iib", (int64_t)dot->log, (int64_t)dot->n, left.data,
		    left.len);
out:
	entry_reset(&e);
	bytes_wipe(&body);
	bytes_wipe(&left);
	return rc;
}
