#include "shared/records/duplicate_cluster.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/entry.h"
#include "shared/records/statement.h"
#include "shared/vault/query.h"

/* Made only when the form has what this file asks for. */
#define LINK_INDEX "form_person_link_by_person_b"
#define COPY_INDEX "form_person_by_continues"

/* Schema --------------------------------------------------------------- */

static enum rc
exists(struct sqlite3 *db, const char *name, bool *out, struct error *err)
{
	int64_t n = 0;
	enum rc rc = query_int(db, err, &n, "SELECT count(*) FROM sqlite_schema WHERE name = ?1",
	    "t", name);

	*out = n > 0;
	return rc;
}

static bool
has_field(const struct form *form, const char *field)
{
	return form != NULL && form_field_named(form, field) != NULL;
}

static bool
is_usable(const struct form *link)
{
	static const char *const fields[] = { "person_a", "person_b", "verdict" };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!has_field(link, fields[i]))
			return false;
	return true;
}

enum rc
duplicate_cluster_schema(struct sqlite3 *db, const struct form_set *forms, struct error *err)
{
	const struct form *link = form_set_find(forms, DUPLICATE_LINK_FORM);
	bool person;
	int64_t n = 0;
	enum rc rc = exists(db, "form_" DUPLICATE_PERSON_FORM, &person, err);

	if (rc == RC_OK && person)
		rc = query_int(db, err, &n, "SELECT count(*) FROM"
		    " pragma_table_info('form_" DUPLICATE_PERSON_FORM "') WHERE name = 'cluster'", "");
	if (rc == RC_OK && person && n == 0)
		rc = query_run(db, err, "ALTER TABLE form_" DUPLICATE_PERSON_FORM
		    " ADD COLUMN cluster INTEGER", "");
	if (rc == RC_OK && has_field(form_set_find(forms, DUPLICATE_PERSON_FORM), "continues"))
		rc = query_run(db, err, "CREATE INDEX IF NOT EXISTS " COPY_INDEX
		    " ON form_person(continues) WHERE continues IS NOT NULL", "");
	if (rc != RC_OK || !is_usable(link))
		return rc;
	rc = query_run(db, err, "CREATE INDEX IF NOT EXISTS form_person_link_by_person_a"
	    " ON form_person_link(person_a)", "");
	if (rc == RC_OK)
		rc = query_run(db, err, "CREATE INDEX IF NOT EXISTS " LINK_INDEX
		    " ON form_person_link(person_b)", "");
	return rc;
}

/* Touching ------------------------------------------------------------- */

void
duplicate_touched_reset(struct duplicate_touched *t)
{
	free(t->persons);
	memset(t, 0, sizeof(*t));
}

static enum rc
add(struct duplicate_touched *t, int64_t person)
{
	if (t->n == t->cap) {
		size_t cap = t->cap == 0 ? 16 : t->cap * 2;
		int64_t *grown = realloc(t->persons, cap * sizeof(*grown));

		if (grown == NULL)
			return RC_NOMEM;
		t->persons = grown;
		t->cap = cap;
	}
	t->persons[t->n++] = person;
	return RC_OK;
}

/* Whom a link speaks of. */
static enum rc
touch_link(struct sqlite3 *db, struct duplicate_touched *t, int64_t record, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row, usable;
	enum rc rc = exists(db, LINK_INDEX, &usable, err);

	if (rc != RC_OK || !usable)
		return rc;
	rc = query_open(db, err, &q, "SELECT person_a, person_b FROM form_person_link"
	    " WHERE id = ?1", "i", record);
	if (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		for (int i = 0; rc == RC_OK && i < 2; i++)
			if (!query_column_is_null(q, i))
				rc = add(t, query_column_int(q, i));
	}
	query_close(q);
	return rc;
}

/* Whom a copy continued until now. */
static enum rc
touch_original(struct sqlite3 *db, struct duplicate_touched *t, int64_t record,
    struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	struct dot original = { 0, 0 };
	bool row, usable;
	int64_t id;
	enum rc rc = exists(db, COPY_INDEX, &usable, err);

	if (rc != RC_OK || !usable)
		return rc;
	rc = query_open(db, err, &q, "SELECT continues FROM form_person WHERE id = ?1", "i", record);
	if (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row &&
	    !dot_parse(query_column_text(q, 0), &original))
		original.log = 0;
	query_close(q);
	if (rc != RC_OK || original.log == 0)
		return rc;
	rc = query_int(db, err, &id, "SELECT id FROM record WHERE log = ?1 AND n = ?2", "ii",
	    (int64_t)original.log, (int64_t)original.n);
	return rc == RC_OK ? add(t, id) : rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
duplicate_cluster_touch_before(struct sqlite3 *db, struct duplicate_touched *t,
    const char *form, int64_t record, struct error *err)
{
	if (strcmp(form, DUPLICATE_LINK_FORM) == 0)
		return touch_link(db, t, record, err);
	return strcmp(form, DUPLICATE_PERSON_FORM) == 0 ? touch_original(db, t, record, err) : RC_OK;
}

enum rc
duplicate_cluster_touch_after(struct sqlite3 *db, struct duplicate_touched *t,
    const char *form, int64_t record, struct error *err)
{
	if (strcmp(form, DUPLICATE_LINK_FORM) == 0)
		return touch_link(db, t, record, err);
	return strcmp(form, DUPLICATE_PERSON_FORM) == 0 ? add(t, record) : RC_OK;
}

/* Components ----------------------------------------------------------- */

/* Who was met already: open addressing, never more than half full. */
struct met {
	int64_t *slots;			/* 0: free; record.id is never 0 */
	size_t n, cap;
};

static size_t
slot_of(const struct met *m, int64_t id)
{
	uint64_t h = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)(h >> 20) & (m->cap - 1);

	while (m->slots[i] != 0 && m->slots[i] != id)
		i = (i + 1) & (m->cap - 1);
	return i;
}

static enum rc
grow(struct met *m)
{
	struct met next = { .cap = m->cap == 0 ? 64 : m->cap * 2 };

	if ((next.slots = calloc(next.cap, sizeof(*next.slots))) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < m->cap; i++)
		if (m->slots[i] != 0)
			next.slots[slot_of(&next, m->slots[i])] = m->slots[i];
	next.n = m->n;
	free(m->slots);
	*m = next;
	return RC_OK;
}

static enum rc
meet(struct met *m, int64_t id, bool *is_new)
{
	size_t i;
	enum rc rc = RC_OK;

	*is_new = false;
	if (2 * (m->n + 1) > m->cap && (rc = grow(m)) != RC_OK)
		return rc;
	i = slot_of(m, id);
	if (m->slots[i] == id)
		return RC_OK;
	m->slots[i] = id;
	m->n++;
	*is_new = true;
	return RC_OK;
}

struct updating {
	struct sqlite3_stmt *linked;	/* to whom is this person linked?  NULL: no links here */
	struct sqlite3_stmt *original, *copies;	/* NULL: no copies here */
	struct sqlite3_stmt *dot, *find, *make, *set;
	struct met met;
	struct duplicate_touched component;
	struct error *err;
};

static enum rc
prepare_links(struct sqlite3 *db, struct updating *u)
{
	return statement_prepare(db, "SELECT other FROM ("
	    "SELECT person_b AS other, alive, verdict, conflicts FROM form_person_link"
	    " WHERE person_a = ?1 UNION ALL "
	    "SELECT person_a, alive, verdict, conflicts FROM form_person_link WHERE person_b = ?1)"
	    " WHERE other IS NOT NULL AND other <> ?1 AND alive GROUP BY other"
	    " HAVING sum(verdict = '" DUPLICATE_SAME "' AND conflicts = 0) > 0"
	    " AND sum(ifnull(verdict, '') <> '" DUPLICATE_SAME "' OR conflicts > 0) = 0",
	    &u->linked, u->err);
}

static enum rc
prepare_copies(struct sqlite3 *db, struct updating *u)
{
	enum rc rc = statement_prepare(db, "SELECT continues FROM form_person"
	    " WHERE id = ?1 AND continues IS NOT NULL", &u->original, u->err);

	return rc != RC_OK ? rc : statement_prepare(db, "SELECT id FROM form_person"
	    " WHERE continues = ?1", &u->copies, u->err);
}

static enum rc
prepare(struct sqlite3 *db, struct updating *u)
{
	enum rc rc = statement_prepare(db, "SELECT log, n FROM record WHERE id = ?1", &u->dot,
	    u->err);

	if (rc == RC_OK)
		rc = statement_prepare(db, "SELECT id FROM record WHERE log = ?1 AND n = ?2", &u->find,
		    u->err);
	/* an original that is not read here has its number, too: copies of it are one person */
	if (rc == RC_OK)
		rc = statement_prepare(db, "INSERT OR IGNORE INTO record(log, n) VALUES(?1, ?2)",
		    &u->make, u->err);
	if (rc == RC_OK)
		rc = statement_prepare(db, "UPDATE form_person SET cluster = ?2 WHERE id = ?1"
		    " AND cluster IS NOT ?2", &u->set, u->err);
	return rc;
}

static enum rc
dot_of(struct updating *u, int64_t person, uint64_t dot[2])
{
	bool row;
	enum rc rc = statement_first(u->dot, &row, u->err, "i", person);

	dot[0] = rc == RC_OK && row ? statement_u64(u->dot, 0) : UINT64_MAX;
	dot[1] = rc == RC_OK && row ? statement_u64(u->dot, 1) : UINT64_MAX;
	statement_rest(u->dot);
	return rc;
}

static enum rc
set_cluster(struct updating *u)
{
	uint64_t least[2] = { UINT64_MAX, UINT64_MAX }, dot[2];
	int64_t cluster = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && u->component.n > 1 && i < u->component.n; i++) {
		if ((rc = dot_of(u, u->component.persons[i], dot)) != RC_OK)
			break;
		if (cluster == 0 || dot[0] < least[0] || (dot[0] == least[0] && dot[1] < least[1])) {
			memcpy(least, dot, sizeof(least));
			cluster = u->component.persons[i];
		}
	}
	for (size_t i = 0; rc == RC_OK && i < u->component.n; i++)
		rc = cluster != 0 ? statement_run(u->set, u->err, "ii", u->component.persons[i], cluster) :
		    statement_run(u->set, u->err, "in", u->component.persons[i]);
	return rc;
}

static enum rc
reach(struct updating *u, int64_t person)
{
	bool is_new;
	enum rc rc = meet(&u->met, person, &is_new);

	return rc == RC_OK && is_new ? add(&u->component, person) : rc;
}

/* Reach all persons that a statement gives. */
static enum rc
reach_rows(struct updating *u, struct sqlite3_stmt *s, bool row, enum rc rc)
{
	while (rc == RC_OK && row) {
		rc = reach(u, query_column_int(s, 0));
		if (rc == RC_OK)
			rc = statement_next(s, &row, u->err);
	}
	statement_rest(s);
	return rc;
}

static enum rc
reach_original(struct updating *u, int64_t person)
{
	struct dot original;
	bool row, known;
	enum rc rc = statement_first(u->original, &row, u->err, "i", person);

	known = rc == RC_OK && row && dot_parse(query_column_text(u->original, 0), &original);
	statement_rest(u->original);
	if (!known)
		return rc;
	if ((rc = statement_run(u->make, u->err, "uu", original.log, original.n)) != RC_OK)
		return rc;
	rc = statement_first(u->find, &row, u->err, "uu", original.log, original.n);
	return reach_rows(u, u->find, row, rc);
}

static enum rc
reach_copies(struct updating *u, int64_t person)
{
	char text[DOT_TEXT_MAX];
	uint64_t dot[2];
	bool row = false;
	enum rc rc = dot_of(u, person, dot);

	if (rc != RC_OK)
		return rc;
	dot_text(&(struct dot){ dot[0], dot[1] }, text);
	rc = statement_first(u->copies, &row, u->err, "t", text);
	return reach_rows(u, u->copies, row, rc);
}

/* All that can be reached from a person, each once. */
static enum rc
make_component(struct updating *u, int64_t person)
{
	bool row, is_new;
	enum rc rc = meet(&u->met, person, &is_new);

	if (rc != RC_OK || !is_new)
		return rc;
	u->component.n = 0;
	rc = add(&u->component, person);
	for (size_t i = 0; rc == RC_OK && i < u->component.n; i++) {
		int64_t from = u->component.persons[i];

		if (u->linked != NULL) {
			rc = statement_first(u->linked, &row, u->err, "i", from);
			rc = reach_rows(u, u->linked, row, rc);
		}
		if (rc == RC_OK && u->copies != NULL)
			rc = reach_original(u, from);
		if (rc == RC_OK && u->copies != NULL)
			rc = reach_copies(u, from);
	}
	return rc == RC_OK ? set_cluster(u) : rc;
}

/* The quiet case asks for one row each: nobody was ever linked or handed over here. */
static enum rc
any(struct sqlite3 *db, const char *index, const char *sql, bool *out, struct error *err)
{
	int64_t n = 0;
	bool usable;
	enum rc rc = exists(db, index, &usable, err);

	if (rc == RC_OK && usable)
		rc = query_int(db, err, &n, sql, "");
	*out = n != 0;
	return rc;
}

enum rc
duplicate_cluster_update(struct sqlite3 *db, struct duplicate_touched *t, struct error *err)
{
	struct updating u = { .err = err };
	bool links = false, copies = false, persons = false;
	enum rc rc;

	if (t->n == 0)
		return RC_OK;
	rc = exists(db, "form_" DUPLICATE_PERSON_FORM, &persons, err);
	if (rc == RC_OK && persons)
		rc = any(db, LINK_INDEX, "SELECT EXISTS (SELECT 1 FROM form_person_link)", &links, err);
	if (rc == RC_OK && persons)
		rc = any(db, COPY_INDEX, "SELECT EXISTS (SELECT 1 FROM form_person"
		    " WHERE continues IS NOT NULL)", &copies, err);
	if (rc == RC_OK && (links || copies))
		rc = prepare(db, &u);
	if (rc == RC_OK && links)
		rc = prepare_links(db, &u);
	if (rc == RC_OK && copies)
		rc = prepare_copies(db, &u);
	for (size_t i = 0; rc == RC_OK && (links || copies) && i < t->n; i++)
		rc = make_component(&u, t->persons[i]);
	statement_free(u.linked);
	statement_free(u.original);
	statement_free(u.copies);
	statement_free(u.dot);
	statement_free(u.find);
	statement_free(u.make);
	statement_free(u.set);
	free(u.met.slots);
	duplicate_touched_reset(&u.component);
	if (rc == RC_OK)
		duplicate_touched_reset(t);
	return rc;
}
