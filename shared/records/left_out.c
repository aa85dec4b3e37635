#include "shared/records/left_out.h"

#include <stdlib.h>
#include <string.h>

#include "shared/records/fold.h"
#include "shared/records/fold_parts.h"
#include "shared/records/statement.h"
#include "shared/vault/query.h"

static enum rc
is_released(struct sqlite3 *db, const struct entry *e, bool *out, struct error *err)
{
	const struct dot *original = e->restated ? &e->restates : &e->dot;
	struct register_state state;
	struct bytes b;
	enum rc rc;

	*out = false;
	bytes_init(&b);
	register_state_init(&state, e->record);
	rc = query_blob(db, err, &b, "SELECT state FROM record WHERE log = ?1 AND n = ?2", "ii",
	    (int64_t)e->record.log, (int64_t)e->record.n);
	if (rc == RC_OK && b.len > 0) {
		rc = register_state_decode(b.data, b.len, e->record, &state);
		for (size_t i = 0; rc == RC_OK && i < state.n_dots; i++)
			*out = *out || dot_compare(&state.dots[i].restates, original) == 0;
	}
	register_state_reset(&state);
	bytes_wipe(&b);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
hand_on(struct sqlite3 *db, struct sqlite3_stmt *q,
    enum rc (*each)(void *ctx, const struct left_out *one), void *ctx, struct error *err)
{
	struct left_out one;
	const uint8_t *body;
	size_t len;
	enum rc rc;

	memset(&one, 0, sizeof(one));
	one.dot = (struct dot){ statement_u64(q, 0), statement_u64(q, 1) };
	body = query_column_blob(q, 2, &len);
	if ((rc = entry_decode(body, len, one.dot, &one.entry)) != RC_OK) {
		entry_reset(&one.entry);
		return rc == RC_NOMEM ? rc : RC_OK;	/* of a newer program: counted as unread */
	}
	if (!statement_copy(q, 3, one.device, sizeof(one.device)) ||
	    strlen(query_column_text(q, 4)) > JOURNAL_UNIT_MAX)
		rc = error_set(err, RC_DAMAGED, "log", "run: field verify",
		    "a row of the journal does not follow its grammar");
	if (rc == RC_OK) {
		strcpy(one.scope.unit, query_column_text(q, 4));
		one.scope.compartment = (unsigned)query_column_int(q, 5);
		rc = is_released(db, &one.entry, &one.released, err);
	}
	if (rc == RC_OK)
		rc = each(ctx, &one);
	entry_reset(&one.entry);
	return rc;
}

enum rc
left_out_each(struct sqlite3 *db, const uint8_t *device,
    enum rc (*each)(void *ctx, const struct left_out *one), void *ctx, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc;

	rc = query_open(db, err, &q, "SELECT entry.log, entry.n, body, device, unit, compartment"
	    " FROM log JOIN entry ON entry.log = log.id AND entry.n > log.limit_n"
	    " WHERE folds = 1 AND body IS NOT NULL AND record_log <> 0 AND (?2 OR device = ?1)"
	    " ORDER BY device, entry.log, entry.n", "bi", device,
	    device != NULL ? (size_t)ENTRY_DEVICE_BYTES : (size_t)0, (int64_t)(device == NULL));
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row)
		rc = hand_on(db, q, each, ctx, err);
	query_close(q);
	return rc;
}

/* ---- releasing ---- */

struct releasing {
	const struct dot *only;
	struct fold_dots dots;
};

static enum rc
note_open(void *ctx, const struct left_out *one)
{
	struct releasing *r = ctx;

	if (one->released || (r->only != NULL && dot_compare(&one->dot, r->only) != 0))
		return RC_OK;
	return fold_parts_add_dot(&r->dots, one->dot) ? RC_OK : RC_NOMEM;
}

enum rc
left_out_release(const struct record_context *c, const uint8_t *device, const struct dot *only,
    size_t *released, struct error *err)
{
	struct releasing r = { .only = only };
	struct dot dot;
	enum rc rc = left_out_each(c->db, device, note_open, &r, err);

	*released = 0;
	if (rc == RC_OK && r.dots.n == 0)
		rc = error_set(err, RC_NOTFOUND, "", "see field quarantine",
		    "nothing of this name waits to be released");
	for (size_t i = 0; i < r.dots.n && rc == RC_OK; i++, ++*released)
		rc = record_restate(c, &r.dots.all[i], &dot, err);
	free(r.dots.all);
	return rc;
}
