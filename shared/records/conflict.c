#include "shared/records/conflict.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/records/record_parts.h"
#include "shared/records/statement.h"
#include "shared/vault/query.h"

struct inbox {
	const struct record_context *c;
	unsigned of;
	struct conflict_list *list;
	size_t cap;
	struct error *err;
};

static bool
wants(const struct inbox *b, enum conflict_kind kind)
{
	return (b->of >> (unsigned)kind & 1) != 0;
}

static enum rc
add_item(struct inbox *b, struct conflict_item item)
{
	struct conflict_list *l = b->list;

	if (l->n_items == b->cap) {
		size_t cap = b->cap == 0 ? 16 : b->cap * 2;
		struct conflict_item *grown = realloc(l->items, cap * sizeof(*grown));

		if (grown == NULL)
			return RC_NOMEM;
		l->items = grown;
		b->cap = cap;
	}
	l->items[l->n_items++] = item;
	return RC_OK;
}

/* Of a statement, only the fields in which its values differ are listed. */
static bool
differs(const struct record_field *f)
{
	for (size_t i = 1; i < f->n_values; i++)
		if (strcmp(f->values[i].text, f->values[0].text) != 0)
			return true;
	return false;
}

static enum rc
add_registers(struct inbox *b, struct record_view *view)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < view->n_fields; i++) {
		const struct record_field *f = &view->fields[i];
		enum conflict_kind kind = f->standing == REGISTER_CONFLICT ? CONFLICT_OPEN :
		    CONFLICT_SETTLED;

		if (f->standing == REGISTER_OK || !wants(b, kind) ||
		    (f->number != ENTRY_ALIVE && !differs(f)))
			continue;
		rc = add_item(b, (struct conflict_item){ .kind = kind, .view = view, .field = f });
	}
	return rc;
}

static enum rc
add_breaches(struct inbox *b, struct record_view *view)
{
	struct record_opened o;
	enum rc rc = record_parts_open(b->c, &view->id, &o, b->err);

	if (rc != RC_OK)
		return rc;
	if (o.form != NULL)
		rc = merged_work_out(&o.merged, b->c->forms, b->c->lang, b->err);
	for (size_t i = 0; rc == RC_OK && i < o.merged.n_breaches; i++) {
		const struct answers_breach *br = &o.merged.breaches[i];
		char *message = text_dup(br->message[b->c->lang]);

		rc = message == NULL ? RC_NOMEM : add_item(b, (struct conflict_item){
			.kind = CONFLICT_BREACH, .view = view, .breached = br->field,
			.message = message });
		if (rc != RC_OK)
			free(message);
	}
	record_parts_close(&o);
	return rc;
}

static enum rc
add_record(struct inbox *b, const struct dot *id)
{
	struct record_view *view = &b->list->views[b->list->n_views];
	enum rc rc = record_show(b->c, id, view, b->err);

	if (rc != RC_OK)
		return rc;
	b->list->n_views++;
	rc = add_registers(b, view);
	if (rc == RC_OK && wants(b, CONFLICT_BREACH) && view->breaches > 0)
		rc = add_breaches(b, view);
	return rc;
}

enum rc
conflict_list(const struct record_context *c, unsigned of, size_t limit,
    struct conflict_list *out, struct error *err)
{
	struct inbox b = { .c = c, .of = of, .list = out, .err = err };
	struct sqlite3_stmt *q = NULL;
	struct dot *ids = NULL;
	size_t n = 0;
	bool row;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if (limit > RECORD_LIST_MAX)
		limit = RECORD_LIST_MAX;
	if ((ids = malloc((limit + 1) * sizeof(*ids))) == NULL)
		return RC_NOMEM;
	/* three partial indexes, so that the quiet majority is not looked at */
	rc = query_open(c->db, err, &q, "SELECT log, n FROM record WHERE id IN ("
	    "SELECT id FROM record WHERE ?1 AND conflicts > 0 UNION"
	    " SELECT id FROM record WHERE ?2 AND settled > 0 UNION"
	    " SELECT id FROM record WHERE ?3 AND breaches > 0) ORDER BY id LIMIT ?4", "iiii",
	    (int64_t)wants(&b, CONFLICT_OPEN), (int64_t)wants(&b, CONFLICT_SETTLED),
	    (int64_t)wants(&b, CONFLICT_BREACH), (int64_t)limit);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row)
		ids[n++] = (struct dot){ statement_u64(q, 0), statement_u64(q, 1) };
	query_close(q);
	if (rc == RC_OK && (out->views = calloc(n + 1, sizeof(*out->views))) == NULL)
		rc = RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = add_record(&b, &ids[i]);
	free(ids);
	if (rc != RC_OK)
		conflict_list_reset(out);
	return rc;
}

void
conflict_list_reset(struct conflict_list *l)
{
	for (size_t i = 0; i < l->n_items; i++)
		free(l->items[i].message);
	free(l->items);
	for (size_t i = 0; i < l->n_views; i++)
		record_view_reset(&l->views[i]);
	free(l->views);
	memset(l, 0, sizeof(*l));
}

enum rc
conflict_count(struct sqlite3 *db, struct conflict_counts *out, struct error *err)
{
	int64_t n[3] = { 0, 0, 0 };
	enum rc rc;

	memset(out, 0, sizeof(*out));
	rc = query_int(db, err, &n[0],
	    "SELECT coalesce(sum(conflicts), 0) FROM record WHERE conflicts > 0", "");
	if (rc == RC_OK)
		rc = query_int(db, err, &n[1],
		    "SELECT coalesce(sum(settled), 0) FROM record WHERE settled > 0", "");
	if (rc == RC_OK)
		rc = query_int(db, err, &n[2],
		    "SELECT coalesce(sum(breaches), 0) FROM record WHERE breaches > 0", "");
	out->open = (uint64_t)n[0];
	out->settled = (uint64_t)n[1];
	out->breaches = (uint64_t)n[2];
	return rc;
}
