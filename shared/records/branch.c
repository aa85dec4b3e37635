#include "shared/records/branch.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/arena.h"
#include "shared/records/journal.h"
#include "shared/records/statement.h"
#include "shared/vault/digest.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"

/* ---- which follows which ---- */

static bool
follows(const struct branch_entry *earlier, const struct branch_entry *e,
    const uint8_t tag[ENTRY_TAG_BYTES])
{
	uint8_t head[ENTRY_HEAD_BYTES];

	memcpy(head, earlier->after, sizeof(head));
	entry_chain_next(head, e->n, tag);
	return memcmp(head, e->after, sizeof(head)) == 0;
}

static bool
grow(struct branches *b)
{
	size_t cap = b->cap == 0 ? 16 : b->cap * 2;
	struct branch_entry *grown;

	if (b->n < b->cap)
		return true;
	if ((grown = realloc(b->entries, cap * sizeof(*grown))) == NULL)
		return false;
	b->entries = grown;
	b->cap = cap;
	return true;
}

/* Rows come by n, so that all that it may follow stand right before those of its own n. */
static enum rc
add(struct branches *b, const struct journal_log *log, struct sqlite3_stmt *q)
{
	struct branch_entry *e;
	const uint8_t *tag, *body;
	uint8_t made[ENTRY_TAG_BYTES];
	size_t tag_len, len, i = b->n, tried = 0;

	if (!grow(b))
		return RC_NOMEM;
	e = &b->entries[b->n++];
	e->n = statement_u64(q, 0);
	e->before = SIZE_MAX;
	tag = query_column_blob(q, 2, &tag_len);
	body = query_column_blob(q, 3, &len);
	if (!statement_copy(q, 1, e->after, sizeof(e->after)))
		return RC_OK;
	if (tag_len >= sizeof(made))
		memcpy(made, tag, sizeof(made));
	else if (log->has_key && len > 0)
		entry_tag(log->key, e->n, body, len, made);
	else
		return RC_OK;
	while (i > 0 && b->entries[i - 1].n == e->n)
		i--;
	for (; i > 0 && b->entries[i - 1].n + 1 == e->n && tried < BRANCH_MAX; i--, tried++)
		if (follows(&b->entries[i - 1], e, made)) {
			e->before = i - 1;
			break;
		}
	return RC_OK;
}

enum rc
branch_open(struct sqlite3 *db, uint64_t log, struct branches *out, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	struct journal_log l;
	bool row;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	out->log = log;
	if ((rc = journal_log_get(db, log, &l, err)) == RC_OK && l.fork_n != 0) {
		out->fork_n = l.fork_n;
		rc = query_open(db, err, &q, "SELECT n, after, tag, body FROM entry WHERE log = ?1"
		    " AND n >= ?2 UNION ALL SELECT n, after, tag, body FROM entry_other"
		    " WHERE log = ?1 AND n >= ?2 ORDER BY 1, 2", "ii", (int64_t)log, (int64_t)l.fork_n);
		while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row)
			rc = add(out, &l, q);
		query_close(q);
	}
	secret_wipe(l.key, sizeof(l.key));
	return rc;
}

void
branch_close(struct branches *b)
{
	free(b->entries);
	memset(b, 0, sizeof(*b));
}

struct dot
branch_name(const struct dot *dot, const uint8_t after[ENTRY_HEAD_BYTES])
{
	struct dot name = { 0, dot->n };
	struct digest d;
	uint8_t id[8];

	digest_start(&d, sizeof(id), NULL, 0, "field-branch-1");
	digest_u64(&d, dot->log);
	digest_u64(&d, dot->n);
	digest_put(&d, after, ENTRY_HEAD_BYTES);
	digest_end(&d, id);
	for (size_t i = 0; i < sizeof(id); i++)
		name.log = name.log << 8 | id[i];
	name.log += name.log == 0;	/* 0 is no log */
	return name;
}

/* ---- what enters an entry again ---- */

struct moving {
	const struct branches *b;
	size_t at;		/* the entry */
	struct arena *arena;	/* of it */
	bool whole;
};

static void
move_dot(struct moving *m, struct dot *d)
{
	const struct branch_entry *all = m->b->entries;
	size_t i = m->at;

	if (d->log != m->b->log || d->n < m->b->fork_n || d->n > all[i].n)
		return;
	while (i != SIZE_MAX && all[i].n > d->n)
		i = all[i].before;
	if (i == SIZE_MAX)
		m->whole = false;
	else
		*d = branch_name(d, all[i].after);
}

static int
by_address(const void *a, const void *b)
{
	return address_compare(a, b);
}

static bool
move_members(struct moving *m, struct value *v)
{
	struct value_member *members = arena_alloc(m->arena, v->n_members, sizeof(*members));

	if (members == NULL)
		return false;
	memcpy(members, v->members, v->n_members * sizeof(*members));
	for (size_t i = 0; i < v->n_members; i++)
		if (members[i].value.type == VALUE_REFERENCE)
			move_dot(m, &members[i].value.reference);
	v->members = members;
	return true;
}

static bool
move_write(struct moving *m, struct write *w)
{
	struct address *replaces = arena_alloc(m->arena, w->n_replaces, sizeof(*replaces));
	struct value *values = arena_alloc(m->arena, w->n_values, sizeof(*values));

	if (replaces == NULL || values == NULL)
		return false;
	if (w->n_replaces > 0)
		memcpy(replaces, w->replaces, w->n_replaces * sizeof(*replaces));
	for (size_t i = 0; i < w->n_replaces; i++)
		move_dot(m, &replaces[i].dot);
	if (w->n_replaces > 1)
		qsort(replaces, w->n_replaces, sizeof(*replaces), by_address);
	w->replaces = replaces;
	if (w->n_values > 0)
		memcpy(values, w->values, w->n_values * sizeof(*values));
	w->values = values;
	for (size_t i = 0; i < w->n_values; i++) {
		if (values[i].type == VALUE_REFERENCE)
			move_dot(m, &values[i].reference);
		if (values[i].n_members > 0 && !move_members(m, &values[i]))
			return false;
	}
	return true;
}

enum rc
branch_move(const struct branches *b, const uint8_t after[ENTRY_HEAD_BYTES], struct entry *e,
    bool *whole)
{
	struct moving m = { .b = b, .arena = e->arena, .whole = true };
	struct write *writes;

	*whole = false;
	while (m.at < b->n && (b->entries[m.at].n != e->dot.n ||
	    memcmp(b->entries[m.at].after, after, ENTRY_HEAD_BYTES) != 0))
		m.at++;
	if (m.at == b->n)
		return RC_NOTFOUND;
	if ((writes = arena_alloc(m.arena, e->n_writes, sizeof(*writes))) == NULL)
		return RC_NOMEM;
	if (e->n_writes > 0)
		memcpy(writes, e->writes, e->n_writes * sizeof(*writes));
	for (size_t i = 0; i < e->n_writes; i++)
		if (!move_write(&m, &writes[i]))
			return RC_NOMEM;
	e->writes = writes;
	move_dot(&m, &e->record);
	/* what restates a restatement speaks of the same original */
	if (!e->restated)
		e->restates = branch_name(&e->dot, after);
	e->restated = true;
	*whole = m.whole;
	return RC_OK;
}
