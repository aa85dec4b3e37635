#include "shared/sync/replica_sent.h"

#include <stdlib.h>
#include <string.h>

#include "shared/vault/query.h"

/*
 * A log says how far it was sealed, a frame whether it was receipted, but not which entries are
 * in which frame: while a frame of the scope has no receipt, the sealed ones count as not yet sent.
 */
#define WAY_SQL "CASE WHEN coalesce(h.n, 0) >= ?2 THEN 2 WHEN l.sealed_n < ?2 OR EXISTS (SELECT 1" \
	" FROM frame f WHERE f.state = ?3 AND f.unit = l.unit AND f.compartment = l.compartment)" \
	" THEN 0 ELSE 1 END FROM log l LEFT JOIN held h ON h.log = l.id WHERE l.id = ?1 AND l.own = 1"

enum rc
replica_sent_way(struct replica *r, const struct dot *dot, enum replica_sent_way *out,
    struct error *err)
{
	int64_t way = 0;
	enum rc rc = query_int(replica_db(r), err, &way, "SELECT " WAY_SQL, "iii",
	    (int64_t)dot->log, (int64_t)dot->n, (int64_t)REPLICA_UNSENT);

	*out = (enum replica_sent_way)way;
	return rc;
}

static enum rc
fill(struct replica_sent *s, struct sqlite3_stmt *q)
{
	const char *unit = query_column_text(q, 2);
	const uint8_t *body;
	struct entry e;
	size_t len;
	enum rc rc;

	memset(s, 0, sizeof(*s));
	s->id = (struct dot){ (uint64_t)query_column_int(q, 0), (uint64_t)query_column_int(q, 1) };
	if (strlen(unit) <= IDENTITY_UNIT_MAX)
		memcpy(s->unit, unit, strlen(unit) + 1);
	s->compartment = (unsigned)query_column_int(q, 3);
	body = query_column_blob(q, 4, &len);
	if (len == 0)
		return RC_OK;
	rc = entry_decode(body, len, s->id, &e);
	if (rc == RC_OK) {
		memcpy(s->form, e.form, e.form_len);
		s->at = e.saved_at;
	}
	entry_reset(&e);
	return rc == RC_NEWER || rc == RC_FORMAT ? RC_OK : rc;
}

static int
newest_first(const void *a, const void *b)
{
	const struct replica_sent *x = a, *y = b;

	if (x->at != y->at)
		return x->at > y->at ? -1 : 1;
	return dot_compare(&y->id, &x->id);
}

enum rc
replica_sent_list(struct replica *r, struct replica_sent **out, size_t *n, struct error *err)
{
	struct replica_sent *list = NULL, *grown;
	struct sqlite3_stmt *q = NULL;
	size_t count = 0, cap = 0;
	bool row;
	enum rc rc;

	*out = NULL;
	*n = 0;
	/* what creates a record stands at the record's own dot */
	rc = query_open(replica_db(r), err, &q, "SELECT e.log, e.n, l.unit, l.compartment, e.body"
	    " FROM log l JOIN entry e ON e.log = l.id WHERE l.own = 1 AND l.folds = 0"
	    " AND e.record_log = e.log AND e.record_n = e.n", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		if (count == cap) {
			cap = cap == 0 ? 32 : 2 * cap;
			if ((grown = realloc(list, cap * sizeof(*list))) == NULL) {
				rc = RC_NOMEM;
				break;
			}
			list = grown;
		}
		rc = fill(&list[count++], q);
	}
	query_close(q);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		rc = replica_sent_way(r, &list[i].id, &list[i].way, err);
	if (rc != RC_OK) {
		free(list);
		return rc;
	}
	if (count > 1)
		qsort(list, count, sizeof(*list), newest_first);
	*out = list;
	*n = count;
	return RC_OK;
}
