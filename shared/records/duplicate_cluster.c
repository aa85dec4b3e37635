#include "shared/records/duplicate_cluster.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/statement.h"
#include "shared/vault/query.h"

/* Made only when the form has what this file asks for. */
#define LINK_INDEX "form_person_link_by_person_b"

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
is_usable(const struct form *link)
{
	static const char *const fields[] = { "person_a", "person_b", "verdict" };

	for (size_t i = 0; link != NULL && i < sizeof(fields) / sizeof(fields[0]); i++)
		if (form_field_named(link, fields[i]) == NULL)
			return false;
	return link != NULL;
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

enum rc
duplicate_cluster_touch(struct sqlite3 *db, struct duplicate_touched *t, const char *form,
    int64_t record, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row, usable;
	enum rc rc;

	if (strcmp(form, DUPLICATE_PERSON_FORM) == 0)
		return add(t, record);
	if (strcmp(form, DUPLICATE_LINK_FORM) != 0)
		return RC_OK;
	if ((rc = exists(db, LINK_INDEX, &usable, err)) != RC_OK || !usable)
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
	struct sqlite3_stmt *linked;	/* to whom is this person linked? */
	struct sqlite3_stmt *dot, *set;
	struct met met;
	struct duplicate_touched component;
	struct error *err;
};

static enum rc
prepare(struct sqlite3 *db, struct updating *u)
{
	enum rc rc = statement_prepare(db, "SELECT other FROM ("
	    "SELECT person_b AS other, alive, verdict, conflicts FROM form_person_link"
	    " WHERE person_a = ?1 UNION ALL "
	    "SELECT person_a, alive, verdict, conflicts FROM form_person_link WHERE person_b = ?1)"
	    " WHERE other IS NOT NULL AND other <> ?1 AND alive GROUP BY other"
	    " HAVING sum(verdict = '" DUPLICATE_SAME "' AND conflicts = 0) > 0"
	    " AND sum(ifnull(verdict, '') <> '" DUPLICATE_SAME "' OR conflicts > 0) = 0",
	    &u->linked, u->err);

	if (rc == RC_OK)
		rc = statement_prepare(db, "SELECT log, n FROM record WHERE id = ?1", &u->dot, u->err);
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
		rc = statement_first(u->linked, &row, u->err, "i", u->component.persons[i]);
		while (rc == RC_OK && row) {
			int64_t other = query_column_int(u->linked, 0);

			if ((rc = meet(&u->met, other, &is_new)) == RC_OK && is_new)
				rc = add(&u->component, other);
			if (rc == RC_OK)
				rc = statement_next(u->linked, &row, u->err);
		}
		statement_rest(u->linked);
	}
	return rc == RC_OK ? set_cluster(u) : rc;
}

enum rc
duplicate_cluster_update(struct sqlite3 *db, struct duplicate_touched *t, struct error *err)
{
	struct updating u = { .err = err };
	bool links, persons;
	int64_t any = 0;
	enum rc rc;

	if (t->n == 0)
		return RC_OK;
	/* the quiet case: nobody was ever linked here, and no row can hold a cluster */
	rc = exists(db, LINK_INDEX, &links, err);
	if (rc == RC_OK)
		rc = exists(db, "form_" DUPLICATE_PERSON_FORM, &persons, err);
	if (rc == RC_OK && links && persons)
		rc = query_int(db, err, &any, "SELECT EXISTS (SELECT 1 FROM form_person_link)", "");
	if (rc == RC_OK && any != 0)
		rc = prepare(db, &u);
	for (size_t i = 0; rc == RC_OK && any != 0 && i < t->n; i++)
		rc = make_component(&u, t->persons[i]);
	statement_free(u.linked);
	statement_free(u.dot);
	statement_free(u.set);
	free(u.met.slots);
	duplicate_touched_reset(&u.component);
	if (rc == RC_OK)
		duplicate_touched_reset(t);
	return rc;
}
