#include <stdlib.h>
#include <string.h>

#include "shared/records/referral.h"
#include "shared/vault/query.h"

/* Pairs -------------------------------------------------------------------- */

struct pairs {
	struct referral_pair *list;
	size_t n, cap;
};

static enum rc
add_pair(struct pairs *p, struct referral_pair pair)
{
	if (p->n == p->cap) {
		size_t cap = p->cap == 0 ? 16 : 2 * p->cap;
		struct referral_pair *grown = realloc(p->list, cap * sizeof(*grown));

		if (grown == NULL)
			return RC_NOMEM;
		p->list = grown;
		p->cap = cap;
	}
	p->list[p->n++] = pair;
	return RC_OK;
}

enum rc
referral_pairs(const struct record_context *c, struct referral_pair **out, size_t *n,
    struct error *err)
{
	const struct form *person = form_set_find(c->forms, "person");
	struct sqlite3_stmt *q = NULL;
	struct pairs p = { NULL, 0, 0 };
	struct referral_pair pair;
	struct dot original;
	bool row;
	enum rc rc;

	*out = NULL;
	*n = 0;
	if (person == NULL || form_field_named(person, "continues") == NULL)
		return RC_OK;
	rc = query_open(c->db, err, &q, "SELECT id, continues FROM form_person"
	    " WHERE continues IS NOT NULL ORDER BY id", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		pair.b = query_column_int(q, 0);
		if (!dot_parse(query_column_text(q, 1), &original))
			continue;
		rc = record_to_local(c->db, &original, &pair.a);
		if (rc == RC_OK)
			rc = add_pair(&p, pair);
		else if (rc == RC_NOTFOUND)
			rc = RC_OK;	/* its scope is not read here */
	}
	query_close(q);
	if (rc != RC_OK) {
		free(p.list);
		return rc;
	}
	*out = p.list;
	*n = p.n;
	return RC_OK;
}

/* Clusters ----------------------------------------------------------------- */

static int
by_person(const void *a, const void *b)
{
	const struct referral_person *x = a, *y = b;

	return (x->person > y->person) - (x->person < y->person);
}

static size_t
find(const struct referral_person *all, size_t n, int64_t person)
{
	const struct referral_person key = { person, 0 }, *at;

	at = bsearch(&key, all, n, sizeof(*all), by_person);
	return at == NULL ? n : (size_t)(at - all);
}

/* `cluster` is an index while they are joined: of the cluster's smallest member. */
static size_t
root_of(struct referral_person *all, size_t i)
{
	while (all[i].cluster != (int64_t)i) {
		all[i].cluster = all[all[i].cluster].cluster;
		i = (size_t)all[i].cluster;
	}
	return i;
}

static void
join(struct referral_person *all, size_t n, const struct referral_pair *pairs, size_t n_pairs)
{
	for (size_t i = 0; i < n_pairs; i++) {
		size_t a = root_of(all, find(all, n, pairs[i].a));
		size_t b = root_of(all, find(all, n, pairs[i].b));

		if (a < b)
			all[b].cluster = (int64_t)a;
		else
			all[a].cluster = (int64_t)b;
	}
}

static size_t
gather(struct referral_person *all, const struct referral_pair *a, size_t n_a,
    const struct referral_pair *b, size_t n_b)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < n_a + n_b; i++) {
		const struct referral_pair *pair = i < n_a ? &a[i] : &b[i - n_a];

		all[n++].person = pair->a;
		all[n++].person = pair->b;
	}
	qsort(all, n, sizeof(*all), by_person);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || all[kept - 1].person != all[i].person)
			all[kept++] = all[i];
	for (size_t i = 0; i < kept; i++)
		all[i].cluster = (int64_t)i;
	return kept;
}

enum rc
referral_persons(const struct record_context *c, const struct referral_pair *others,
    size_t n_others, struct referral_person **out, size_t *n, struct error *err)
{
	struct referral_pair *own;
	struct referral_person *all;
	size_t n_own, count;
	enum rc rc;

	*out = NULL;
	*n = 0;
	if ((rc = referral_pairs(c, &own, &n_own, err)) != RC_OK)
		return rc;
	if ((all = calloc(2 * (n_own + n_others) + 1, sizeof(*all))) == NULL) {
		free(own);
		return RC_NOMEM;
	}
	count = gather(all, own, n_own, others, n_others);
	join(all, count, own, n_own);
	join(all, count, others, n_others);
	for (size_t i = 0; i < count; i++)
		all[i].cluster = (int64_t)root_of(all, i);
	for (size_t i = 0; i < count; i++)
		all[i].cluster = all[all[i].cluster].person;
	free(own);
	*out = all;
	*n = count;
	return RC_OK;
}
