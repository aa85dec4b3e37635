#include "shared/records/duplicate_link.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/duplicate_cluster.h"
#include "shared/records/record_draft.h"
#include "shared/records/record_rules.h"
#include "shared/records/statement.h"
#include "shared/vault/query.h"

/* More records of one pair than people will ever write. */
enum { LINKS_MAX = 1000 };

/* What is there ------------------------------------------------------- */

static enum rc
is_in_use(struct sqlite3 *db, bool *out, struct error *err)
{
	int64_t n = 0;
	enum rc rc = query_int(db, err, &n, "SELECT count(*) FROM sqlite_schema"
	    " WHERE name = 'form_" DUPLICATE_LINK_FORM "_by_person_b'", "");

	*out = n > 0;
	return rc;
}

/* Of how many living records of a pair one verdict, another, or none is clear. */
static enum duplicate_standing
standing_of(struct sqlite3_stmt *q)
{
	int64_t n = query_column_int(q, 4);

	return query_column_int(q, 2) == n ? DUPLICATE_LINKED :
	    query_column_int(q, 3) == n ? DUPLICATE_DISMISSED : DUPLICATE_CONTESTED;
}

enum rc
duplicate_link_all(struct sqlite3 *db, struct duplicate_decision **out, size_t *n,
    struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row, usable;
	size_t cap = 0;
	enum rc rc = is_in_use(db, &usable, err);

	*out = NULL;
	*n = 0;
	if (rc != RC_OK || !usable)
		return rc;
	rc = query_open(db, err, &q, "SELECT p.*, r.log, r.n FROM ("
	    "SELECT min(person_a, person_b) AS a, max(person_a, person_b) AS b,"
	    " sum(verdict = '" DUPLICATE_SAME "' AND l.conflicts = 0) AS same,"
	    " sum(verdict = '" DUPLICATE_DIFFERENT "' AND l.conflicts = 0) AS different, count(*) AS n,"
	    " min(l.id) AS link FROM form_person_link AS l"
	    " WHERE l.alive AND person_a <> person_b GROUP BY a, b) AS p"
	    " JOIN record AS r ON r.id = p.link ORDER BY a, b", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		if (*n == cap) {
			struct duplicate_decision *grown = realloc(*out,
			    (cap == 0 ? 64 : 2 * cap) * sizeof(*grown));

			if (grown == NULL) {
				rc = RC_NOMEM;
				break;
			}
			cap = cap == 0 ? 64 : 2 * cap;
			*out = grown;
		}
		(*out)[(*n)++] = (struct duplicate_decision){ query_column_int(q, 0),
			query_column_int(q, 1), standing_of(q),
			{ statement_u64(q, 6), statement_u64(q, 7) } };
	}
	query_close(q);
	if (rc != RC_OK) {
		free(*out);
		*out = NULL;
		*n = 0;
	}
	return rc;
}

/* Deciding ------------------------------------------------------------- */

static enum rc
check_person(const struct record_context *c, const struct dot *id, int64_t *local,
    struct error *err)
{
	struct record_view view;
	enum rc rc = record_show(c, id, &view, err);

	*local = 0;
	if (rc != RC_OK)
		return rc;
	*local = view.local;
	if (strcmp(view.form_name, DUPLICATE_PERSON_FORM) != 0)
		rc = error_set(err, RC_INVALID, NULL, "give the ids of two persons",
		    "that record is no person");
	else if (view.deleted)
		rc = error_set(err, RC_INVALID, NULL, "take that back first: field undelete ID", "the record is deleted");
	record_view_reset(&view);
	return rc;
}

/* Living records of the pair, the oldest first. */
static enum rc
find_links(struct sqlite3 *db, int64_t a, int64_t b, struct dot links[LINKS_MAX], size_t *n,
    struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc = query_open(db, err, &q, "SELECT r.log, r.n FROM form_person_link AS l"
	    " JOIN record AS r ON r.id = l.id WHERE l.alive AND ((person_a = ?1 AND person_b = ?2)"
	    " OR (person_a = ?2 AND person_b = ?1)) ORDER BY r.created_at, r.log < 0, r.log, r.n", "ii",
	    a, b);

	*n = 0;
	while (rc == RC_OK && *n < LINKS_MAX && (rc = query_next(q, &row, err)) == RC_OK && row)
		links[(*n)++] = (struct dot){ statement_u64(q, 0), statement_u64(q, 1) };
	query_close(q);
	return rc;
}

/* Does it say so already, without doubt? */
static bool
says(const struct record_view *view, const char *verdict)
{
	const struct record_field *f = record_view_field(view, "verdict");

	return view->conflicts == 0 && f != NULL && f->n_values > 0 &&
	    strcmp(f->values[0].text, verdict) == 0;
}

/* Deleted by one and written to by another: whoever decides now means it to stand. */
static enum rc
keep_alive(const struct record_context *c, const struct dot *link, const struct record_view *view,
    const char *reason, struct error *err)
{
	const struct record_field *alive = record_view_field(view, "alive");
	struct dot dot;

	if (alive == NULL || alive->standing != REGISTER_CONFLICT)
		return RC_OK;
	return record_resolve(c, link, "alive", NULL, "1", view->seen, reason, &dot, err);
}

static enum rc
bring_to(const struct record_context *c, const struct dot *link, const char *verdict,
    const char *reason, bool *written, struct error *err)
{
	struct answers *changes = NULL;
	struct record_view view;
	struct dot dot = { 0, 0 };
	enum rc rc = record_show(c, link, &view, err);

	if (rc != RC_OK)
		return rc;
	if (says(&view, verdict))
		goto out;
	if (view.form == NULL) {
		rc = error_set(err, RC_NEWER, DUPLICATE_LINK_FORM, "update the forms of this computer",
		    "the record's form is not known here");
		goto out;
	}
	if ((rc = keep_alive(c, link, &view, reason, err)) != RC_OK ||
	    (rc = answers_new(view.form, c->forms, &changes)) != RC_OK ||
	    (rc = answers_add(changes, "verdict", verdict, err)) != RC_OK)
		goto out;
	if (reason != NULL && form_field_named(view.form, "reasons") != NULL)
		rc = answers_add(changes, "reasons", reason, err);
	if (rc == RC_OK)
		rc = record_edit(c, link, changes, view.seen, reason, &dot, err);
	*written = *written || rc == RC_OK;
out:
	answers_free(changes);
	record_view_reset(&view);
	return rc;
}

static struct value *
new_value(struct record_draft *d, const struct form *form, const char *field,
    enum write_kind kind)
{
	const struct form_field *f = form_field_named(form, field);
	struct write *w = f == NULL ? NULL : record_draft_write(d, f->number, kind);

	return w == NULL ? NULL : record_draft_values(d, w, 1);
}

static enum rc
put_text(struct record_draft *d, const struct form *form, const char *field, const char *text,
    enum write_kind kind)
{
	const struct form_field *f = form_field_named(form, field);
	struct value *v = new_value(d, form, field, kind);

	return v == NULL ? RC_NOMEM : record_draft_value(d, f, text, v);
}

static enum rc
put_person(struct record_draft *d, const struct form *form, const char *field,
    const struct dot *id)
{
	struct value *v = new_value(d, form, field, WRITE_SET);

	if (v == NULL)
		return RC_NOMEM;
	/* set here and not from text: a link may name persons of other scopes than its own */
	memset(v, 0, sizeof(*v));
	v->type = VALUE_REFERENCE;
	v->reference = *id;
	return RC_OK;
}

/* The reason as an answer of the form, checked and normalised like any other. */
static enum rc
clean_reason(const struct record_context *c, const struct form *form, const char *reason,
    struct answers **out, struct error *err)
{
	enum rc rc = answers_new(form, c->forms, out);

	if (rc == RC_OK && reason != NULL)
		rc = answers_add(*out, "reasons", reason, err);
	return rc;
}

static enum rc
make_link(const struct record_context *c, const struct form *form, const struct dot *a,
    const struct dot *b, const char *verdict, const char *unit, const char *reason,
    struct dot *link, struct error *err)
{
	bool in_order = dot_compare(a, b) < 0;
	const struct answer *clean;
	struct answers *checked = NULL;
	struct journal_scope scope;
	struct record_draft d;
	enum rc rc;

	memset(&scope, 0, sizeof(scope));
	if (strlen(unit) == 0 || strlen(unit) > JOURNAL_UNIT_MAX)
		return error_set(err, RC_INVALID, "unit", NULL, "that is no code of a unit");
	memcpy(scope.unit, unit, strlen(unit) + 1);
	scope.compartment = (unsigned)form->compartment;
	record_draft_init(&d, form, clock_now(c->clock));
	d.entry.creates = true;
	rc = clean_reason(c, form, reason, &checked, err);
	if (rc == RC_OK)
		rc = put_person(&d, form, "person_a", in_order ? a : b);
	if (rc == RC_OK)
		rc = put_person(&d, form, "person_b", in_order ? b : a);
	if (rc == RC_OK)
		rc = put_text(&d, form, "verdict", verdict, WRITE_SET);
	clean = rc == RC_OK ? answers_find(checked, "reasons") : NULL;
	if (rc == RC_OK && clean != NULL && clean->n_items > 0)
		rc = put_text(&d, form, "reasons", clean->items[0], WRITE_ITEMS);
	if (rc == RC_OK)
		rc = record_draft_commit(&d, c, &scope, NULL, link, err);
	record_draft_reset(&d);
	answers_free(checked);
	return rc;
}

enum rc
duplicate_link_decide(const struct record_context *c, const struct dot *a, const struct dot *b,
    bool same, const char *unit, const char *reason, struct dot *link, bool *written,
    struct error *err)
{
	const char *verdict = same ? DUPLICATE_SAME : DUPLICATE_DIFFERENT;
	const struct form *form = form_set_find(c->forms, DUPLICATE_LINK_FORM);
	struct dot *links = NULL;
	int64_t x, y;
	bool usable = false;
	size_t n = 0;
	enum rc rc;

	*link = (struct dot){ 0, 0 };
	*written = false;
	if (reason != NULL && reason[0] == '\0')
		reason = NULL;
	if (same && reason == NULL)
		return error_set(err, RC_INVALID, "reason", "give a reason", "this needs a reason");
	if (dot_compare(a, b) == 0)
		return error_set(err, RC_INVALID, NULL, "give the ids of two persons",
		    "that is one and the same record");
	if ((rc = check_person(c, a, &x, err)) != RC_OK ||
	    (rc = check_person(c, b, &y, err)) != RC_OK ||
	    (rc = is_in_use(c->db, &usable, err)) != RC_OK)
		return rc;
	if (form == NULL || !usable)
		return error_set(err, RC_CONFIG, DUPLICATE_LINK_FORM,
		    "ask the province to publish the forms of this version",
		    "the forms in use do not have it");
	if ((links = calloc(LINKS_MAX, sizeof(*links))) == NULL)
		return RC_NOMEM;
	rc = find_links(c->db, x, y, links, &n, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = bring_to(c, &links[i], verdict, reason, written, err);
	if (rc == RC_OK && n > 0)
		*link = links[0];
	else if (rc == RC_OK) {
		rc = make_link(c, form, a, b, verdict, unit, reason, link, err);
		*written = rc == RC_OK;
	}
	free(links);
	return rc;
}
