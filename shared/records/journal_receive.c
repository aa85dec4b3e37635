#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/journal.h"
#include "shared/records/journal_rows.h"
#include "shared/records/statement.h"
#include "shared/vault/query.h"

typedef uint8_t head_bytes[ENTRY_HEAD_BYTES];

struct receiving {
	struct sqlite3 *db;
	const struct journal_log *said;	/* as the frame has it */
	struct journal_log log;		/* the row */
	uint64_t first;
	const uint8_t *before;
	head_bytes *heads;		/* h(first), h(first + 1) … of the range */
	struct journal_piece *pieces;
	size_t n;
	struct sqlite3_stmt *find, *add, *fill, *add_other, *heads_at, *forget_head;
	struct error *err;
};

/* Before anything is stored: the range must lead from before to after. */
static enum rc
check_chain(struct receiving *r, const uint8_t *after)
{
	head_bytes head, start;

	memcpy(head, r->before, sizeof(head));
	if (r->first == 1) {
		entry_chain_start(r->said->id, r->said->device, r->said->scope.unit,
		    r->said->scope.compartment, r->said->tips, r->said->n_tips, start);
		if (memcmp(start, head, sizeof(head)) != 0)
			return error_set(r->err, RC_FORMAT, NULL, NULL,
			    "the start of a log does not lead to its first entry");
	}
	for (size_t i = 0; i < r->n; i++) {
		struct journal_piece *p = &r->pieces[i];
		uint8_t tag[ENTRY_TAG_BYTES];

		if (p->body != NULL && !p->redacted && p->key != NULL && p->len <= ENTRY_BODY_MAX)
			entry_tag_by(p->key, p->body, p->len, p->tag);
		if (p->body == NULL || p->redacted || p->key != NULL)
			memcpy(tag, p->tag, sizeof(tag));
		else if (!r->said->has_key || p->len > ENTRY_BODY_MAX)
			return error_set(r->err, RC_FORMAT, NULL, NULL,
			    "a received entry has no key, or is too long");
		else
			entry_tag(r->said->key, r->first + i, p->body, p->len, tag);
		entry_chain_next(head, r->first + i, tag);
		memcpy(r->heads[i], head, sizeof(head));
	}
	if (memcmp(head, after, sizeof(head)) != 0)
		return error_set(r->err, RC_FORMAT, NULL, NULL,
		    "received entries do not fit the chain of their log");
	return RC_OK;
}

static bool
same_tips(const struct journal_log *a, const struct journal_log *b)
{
	if (a->n_tips != b->n_tips)
		return false;
	for (size_t i = 0; i < a->n_tips; i++)
		if (a->tips[i].log != b->tips[i].log || a->tips[i].n != b->tips[i].n ||
		    memcmp(a->tips[i].head, b->tips[i].head, ENTRY_HEAD_BYTES) != 0)
			return false;
	return true;
}

static enum rc
learn_more(struct receiving *r)
{
	struct journal_log *log = &r->log;
	bool key = r->said->has_key && !log->has_key;
	bool start = r->first == 1 && !log->has_start;
	enum rc rc = RC_OK;

	if (key) {
		memcpy(log->key, r->said->key, sizeof(log->key));
		log->has_key = true;
		rc = query_run(r->db, r->err, "UPDATE log SET key = ?2 WHERE id = ?1", "ib",
		    (int64_t)log->id, log->key, sizeof(log->key));
	}
	if (rc == RC_OK && start) {
		struct bytes tips;

		bytes_init(&tips);
		log->has_start = true;
		log->n_tips = r->said->n_tips;
		memcpy(log->tips, r->said->tips, sizeof(log->tips));
		memcpy(log->start, r->before, sizeof(log->start));
		memcpy(log->head, r->before, sizeof(log->head));
		journal_rows_put_tips(log, &tips);
		rc = tips.rc != RC_OK ? tips.rc : query_run(r->db, r->err,
		    "UPDATE log SET tips = ?2, start = ?3, head = ?3 WHERE id = ?1", "ibb",
		    (int64_t)log->id, tips.data, tips.len, log->start, sizeof(log->start));
		bytes_reset(&tips);
		if (rc == RC_OK)
			rc = journal_rows_name_tips(r->db, log, r->err);
	}
	return rc;
}

static enum rc
find_or_make_log(struct receiving *r)
{
	enum rc rc = journal_log_get(r->db, r->said->id, &r->log, NULL);

	if (rc == RC_NOTFOUND) {
		r->log = *r->said;
		r->log.folds = true;
		r->log.head_n = r->log.top_n = r->log.sealed_n = 0;
		r->log.named_n = r->log.fork_n = 0;
		r->log.limit_n = JOURNAL_NO_LIMIT;
		r->log.has_start = r->first == 1;
		if (!r->log.has_start)
			r->log.n_tips = 0;
		memcpy(r->log.start, r->before, sizeof(r->log.start));
		memcpy(r->log.head, r->before, sizeof(r->log.head));
		rc = journal_rows_insert(r->db, &r->log, r->err);
		return rc == RC_OK ? journal_rows_name_tips(r->db, &r->log, r->err) : rc;
	}
	if (rc != RC_OK)
		return error_set(r->err, rc, "log", NULL, "cannot read the journal");
	if (memcmp(r->log.device, r->said->device, sizeof(r->log.device)) != 0 ||
	    strcmp(r->log.scope.unit, r->said->scope.unit) != 0 ||
	    r->log.scope.compartment != r->said->scope.compartment ||
	    (r->log.has_key && r->said->has_key &&
	    memcmp(r->log.key, r->said->key, sizeof(r->log.key)) != 0) ||
	    (r->first == 1 && r->log.has_start && !same_tips(&r->log, r->said)))
		return error_set(r->err, RC_PROTOCOL, NULL, NULL,
		    "a log came with another device, scope, key or start than it is known to have");
	return learn_more(r);
}

static enum rc
prepare(struct receiving *r)
{
	const struct { struct sqlite3_stmt **to; const char *sql; } all[] = {
		/* what left this device is not filled again */
		{ &r->find, "SELECT after, body IS NULL AND NOT EXISTS (SELECT 1 FROM purged AS p"
		    " WHERE p.log = entry.record_log AND p.n = entry.record_n) FROM entry"
		    " WHERE log = ?1 AND n = ?2" },
		{ &r->add, "INSERT INTO entry(log, n, record_log, record_n, after, body, tag)"
		    " VALUES(?1, ?2, ?3, ?4, ?5, CASE WHEN ?6 THEN ?7 END,"
		    " CASE WHEN ?9 THEN ?8 END)" },
		{ &r->fill, "UPDATE entry SET record_log = ?3, record_n = ?4, body = ?5,"
		    " tag = CASE WHEN ?6 THEN tag END WHERE log = ?1 AND n = ?2" },
		{ &r->add_other, "INSERT OR IGNORE INTO entry_other(log, n, after, body, tag)"
		    " VALUES(?1, ?2, ?3, CASE WHEN ?4 THEN ?5 END, CASE WHEN NOT ?4 THEN ?6 END)" },
		{ &r->heads_at, "SELECT count(*) FROM entry_head WHERE log = ?1 AND n = ?2"
		    " AND head <> ?3" },
		{ &r->forget_head, "DELETE FROM entry_head WHERE log = ?1 AND n = ?2 AND head = ?3" },
	};
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < sizeof(all) / sizeof(all[0]); i++)
		rc = statement_prepare(r->db, all[i].sql, all[i].to, r->err);
	return rc;
}

static void
note_fork(struct receiving *r, uint64_t n)
{
	if (r->log.fork_n == 0 || n < r->log.fork_n)
		r->log.fork_n = n;
}

/* Do headers of other frames know another h(n)?  The same one is now needless. */
static enum rc
compare_known_heads(struct receiving *r, uint64_t n, const uint8_t *head, bool have_entry)
{
	bool row;
	enum rc rc;

	rc = statement_first(r->heads_at, &row, r->err, "uub", r->log.id, n, head,
	    (size_t)ENTRY_HEAD_BYTES);
	if (rc == RC_OK && row && sqlite3_column_int64(r->heads_at, 0) > 0)
		note_fork(r, n);
	statement_rest(r->heads_at);
	if (rc == RC_OK && have_entry)
		rc = statement_run(r->forget_head, r->err, "uub", r->log.id, n, head,
		    (size_t)ENTRY_HEAD_BYTES);
	return rc;
}

/* h(first - 1), which only the header knows if that entry has not come. */
static enum rc
weigh_before(struct receiving *r)
{
	uint64_t n = r->first - 1;
	head_bytes known;
	bool row = false, have = false;
	enum rc rc;

	if (n == 0)
		return RC_OK;
	rc = statement_first(r->find, &row, r->err, "uu", r->log.id, n);
	if (rc == RC_OK && row) {
		have = statement_copy(r->find, 0, known, sizeof(known));
		if (have && memcmp(known, r->before, sizeof(known)) != 0)
			note_fork(r, n);
	}
	statement_rest(r->find);
	if (rc != RC_OK || have)
		return rc;
	if ((rc = compare_known_heads(r, n, r->before, false)) != RC_OK)
		return rc;
	return query_run(r->db, r->err, "INSERT OR IGNORE INTO entry_head(log, n, head)"
	    " VALUES(?1, ?2, ?3)", "iib", (int64_t)r->log.id, (int64_t)n, r->before,
	    (size_t)ENTRY_HEAD_BYTES);
}

/* The record of a body, log 0 if this program cannot read it. */
static enum rc
record_of(struct receiving *r, size_t i, struct dot *record)
{
	const struct journal_piece *p = &r->pieces[i];
	struct dot dot = { r->log.id, r->first + i };
	struct entry e;
	enum rc rc = RC_OK;

	*record = (struct dot){ 0, 0 };
	if (p->body == NULL)
		return RC_OK;
	if (p->entry != NULL) {
		*record = p->entry->record;
		return RC_OK;
	}
	if ((rc = entry_decode(p->body, p->len, dot, &e)) == RC_OK)
		*record = e.record;
	entry_reset(&e);
	return rc == RC_NOMEM ? rc : RC_OK;
}

static size_t
body_len(const struct journal_piece *p)
{
	return p->body == NULL ? 0 : p->len;
}

static enum rc
store_other(struct receiving *r, size_t i)
{
	struct journal_piece *p = &r->pieces[i];

	note_fork(r, r->first + i);
	p->verdict = JOURNAL_FORK;
	return statement_run(r->add_other, r->err, "uubibb", r->log.id, r->first + i, r->heads[i],
	    sizeof(r->heads[i]), (int64_t)(p->body != NULL), p->body, body_len(p), p->tag,
	    sizeof(p->tag));
}

/* The tag is kept where it cannot be made from the body and the log's key. */
static bool
keeps_tag(const struct journal_piece *p)
{
	return p->body == NULL || p->redacted || p->key != NULL;
}

static enum rc
store_new(struct receiving *r, size_t i)
{
	struct journal_piece *p = &r->pieces[i];
	uint64_t n = r->first + i;
	struct dot record;
	enum rc rc = record_of(r, i, &record);

	if (rc == RC_OK)
		rc = statement_run(r->add, r->err, "uuuubibbi", r->log.id, n, record.log, record.n,
		    r->heads[i], sizeof(r->heads[i]), (int64_t)(p->body != NULL), p->body,
		    body_len(p), p->tag, sizeof(p->tag), (int64_t)keeps_tag(p));
	if (rc == RC_OK)
		rc = compare_known_heads(r, n, r->heads[i], true);
	p->verdict = p->body != NULL && record.log == 0 ? JOURNAL_UNREAD : JOURNAL_NEW;
	if (n > r->log.top_n)
		r->log.top_n = n;
	return rc;
}

static enum rc
fill_hollow(struct receiving *r, size_t i)
{
	struct journal_piece *p = &r->pieces[i];
	struct dot record;
	enum rc rc = record_of(r, i, &record);

	p->verdict = record.log == 0 ? JOURNAL_UNREAD : JOURNAL_NEW;
	if (rc != RC_OK)
		return rc;
	return statement_run(r->fill, r->err, "uuuubi", r->log.id, r->first + i, record.log,
	    record.n, p->body, p->len, (int64_t)keeps_tag(p));
}

static enum rc
store_piece(struct receiving *r, size_t i)
{
	struct journal_piece *p = &r->pieces[i];
	bool row, hollow = false, same = false;
	head_bytes known;
	enum rc rc;

	rc = statement_first(r->find, &row, r->err, "uu", r->log.id, r->first + i);
	if (rc == RC_OK && row) {
		same = statement_copy(r->find, 0, known, sizeof(known)) &&
		    memcmp(known, r->heads[i], sizeof(known)) == 0;
		hollow = sqlite3_column_int(r->find, 1) != 0;
	}
	statement_rest(r->find);
	if (rc != RC_OK)
		return rc;
	if (!row)
		return store_new(r, i);
	if (!same)
		return store_other(r, i);
	if (hollow && p->body != NULL)
		return fill_hollow(r, i);
	p->verdict = JOURNAL_REPEAT;
	return RC_OK;
}

/* Move the head over what is here and joined now. */
static enum rc
move_head(struct receiving *r)
{
	struct journal_log *log = &r->log;
	uint64_t last = r->first + r->n - 1;
	bool filled_gap = false, row = true;
	head_bytes head;
	enum rc rc = RC_OK;

	while (log->has_start && log->head_n + 1 >= r->first && log->head_n < last) {
		size_t i = (size_t)(log->head_n + 1 - r->first);

		if (memcmp(i == 0 ? r->before : r->heads[i - 1], log->head, sizeof(head)) != 0)
			return RC_OK;
		memcpy(log->head, r->heads[i], sizeof(head));
		log->head_n++;
	}
	while (rc == RC_OK && row && log->has_start && log->head_n >= last &&
	    log->head_n < log->top_n && (log->fork_n == 0 || log->head_n + 1 < log->fork_n)) {
		rc = statement_first(r->find, &row, r->err, "uu", log->id, log->head_n + 1);
		if (rc == RC_OK && row && statement_copy(r->find, 0, head, sizeof(head))) {
			memcpy(log->head, head, sizeof(head));
			log->head_n++;
			filled_gap = true;
		}
	}
	statement_rest(r->find);
	/* What lay behind a gap came from outside, so it is in frames already. */
	if (filled_gap && log->own && log->sealed_n >= last)
		log->sealed_n = log->head_n;
	return rc;
}

static enum rc
store_all(struct receiving *r)
{
	enum rc rc = weigh_before(r);
	bool sealed = r->log.own && r->first <= r->log.sealed_n + 1;

	for (size_t i = 0; rc == RC_OK && i < r->n; i++) {
		rc = store_piece(r, i);
		/* An own entry that comes back is in a frame; another branch's is not ours. */
		sealed = sealed && r->pieces[i].verdict != JOURNAL_FORK;
		if (sealed && r->first + i > r->log.sealed_n)
			r->log.sealed_n = r->first + i;
	}
	for (size_t i = 0; rc == RC_OK && r->log.fork_n != 0 && i < r->n; i++)
		if (r->first + i >= r->log.fork_n && r->pieces[i].verdict != JOURNAL_REPEAT)
			r->pieces[i].verdict = JOURNAL_FORK;
	if (rc == RC_OK)
		rc = move_head(r);
	if (rc != RC_OK)
		return rc;
	return query_run(r->db, r->err, "UPDATE log SET head_n = ?2, head = CASE WHEN start IS NULL"
	    " THEN NULL ELSE ?3 END, top_n = ?4, sealed_n = ?5, fork_n = nullif(?6, 0)"
	    " WHERE id = ?1", "iibiii", (int64_t)r->log.id, (int64_t)r->log.head_n, r->log.head,
	    sizeof(r->log.head), (int64_t)r->log.top_n, (int64_t)r->log.sealed_n,
	    (int64_t)r->log.fork_n);
}

enum rc
journal_receive(struct sqlite3 *db, const struct journal_log *log, uint64_t first,
    const uint8_t before[ENTRY_HEAD_BYTES], const uint8_t after[ENTRY_HEAD_BYTES],
    struct journal_piece *pieces, size_t n, uint64_t *fork_n, struct error *err)
{
	struct receiving r = { .db = db, .said = log, .first = first, .before = before,
		.pieces = pieces, .n = n, .err = err };
	uint64_t known_fork = 0;
	enum rc rc;

	*fork_n = 0;
	if (n == 0 || first == 0 || log->id == 0 || log->n_tips > ENTRY_TIPS_MAX ||
	    first > JOURNAL_NO_LIMIT - n)
		return error_set(err, RC_FORMAT, NULL, NULL, "a received range has no sense");
	if ((r.heads = malloc(n * sizeof(*r.heads))) == NULL)
		return RC_NOMEM;
	if ((rc = check_chain(&r, after)) == RC_OK && (rc = find_or_make_log(&r)) == RC_OK) {
		known_fork = r.log.fork_n;
		if ((rc = prepare(&r)) == RC_OK)
			rc = store_all(&r);
	}
	if (rc == RC_OK && r.log.fork_n != known_fork)
		*fork_n = r.log.fork_n;
	statement_free(r.find);
	statement_free(r.add);
	statement_free(r.fill);
	statement_free(r.add_other);
	statement_free(r.heads_at);
	statement_free(r.forget_head);
	free(r.heads);
	return rc;
}
