#include "shared/records/duplicate.h"

#include <stdlib.h>
#include <string.h>

#include "shared/records/duplicate_blocks.h"
#include "shared/records/duplicate_link.h"
#include "shared/records/duplicate_read.h"

/* Two clusters that somebody has decided about. */
struct decided { int64_t a, b; };

struct finding {
	struct duplicate_persons persons;
	struct decided *decided;
	size_t n_decided;
	struct duplicate_pair *pairs;
	size_t n, cap;
	float least;			/* below it nothing is kept any more */
	bool full;			/* some were dropped */
};

/* Decisions ------------------------------------------------------------ */

static struct decided
clusters_of(int64_t a, int64_t b)
{
	return (struct decided){ a < b ? a : b, a < b ? b : a };
}

static int
by_clusters(const void *a, const void *b)
{
	const struct decided *x = a, *y = b;

	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return x->b < y->b ? -1 : x->b > y->b;
}

/* Who is decided about as one record is decided about as all that are linked to it. */
static enum rc
read_decided(struct sqlite3 *db, struct finding *f, struct error *err)
{
	struct duplicate_decision *all;
	size_t n;
	enum rc rc = duplicate_link_all(db, &all, &n, err);

	if (rc != RC_OK)
		return rc;
	f->decided = calloc(n + 1, sizeof(*f->decided));
	if (f->decided == NULL)
		rc = RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		const struct duplicate_person *a = duplicate_persons_find(&f->persons, all[i].a);
		const struct duplicate_person *b = duplicate_persons_find(&f->persons, all[i].b);

		if (a != NULL && b != NULL && all[i].standing != DUPLICATE_LINKED)
			f->decided[f->n_decided++] = clusters_of(a->cluster, b->cluster);
	}
	free(all);
	if (f->n_decided > 1)
		qsort(f->decided, f->n_decided, sizeof(*f->decided), by_clusters);
	return rc;
}

static bool
is_decided(const struct finding *f, const struct duplicate_person *a,
    const struct duplicate_person *b)
{
	struct decided pair = clusters_of(a->cluster, b->cluster);

	return f->n_decided > 0 && bsearch(&pair, f->decided, f->n_decided, sizeof(pair),
	    by_clusters) != NULL;
}

/* Pairs ---------------------------------------------------------------- */

static int
by_ids(const void *a, const void *b)
{
	const struct duplicate_pair *x = a, *y = b;

	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return x->b < y->b ? -1 : x->b > y->b;
}

static int
likeliest_first(const void *a, const void *b)
{
	const struct duplicate_pair *x = a, *y = b;

	if (x->bits > y->bits)
		return -1;
	return x->bits < y->bits ? 1 : by_ids(a, b);
}

/* Each pair once: several blocks hold it. */
static void
drop_repeats(struct finding *f)
{
	size_t n = 0;

	if (f->n > 1)
		qsort(f->pairs, f->n, sizeof(*f->pairs), by_ids);
	for (size_t i = 0; i < f->n; i++)
		if (n == 0 || by_ids(&f->pairs[n - 1], &f->pairs[i]) != 0)
			f->pairs[n++] = f->pairs[i];
	f->n = n;
}

static enum rc
make_room(struct finding *f)
{
	size_t cap = f->cap == 0 ? 1024 : f->cap * 2;
	struct duplicate_pair *grown;

	drop_repeats(f);
	if (f->n < f->cap / 2)
		return RC_OK;
	if (f->cap >= DUPLICATE_PAIRS_MAX) {	/* keep the better half */
		qsort(f->pairs, f->n, sizeof(*f->pairs), likeliest_first);
		f->n /= 2;
		f->least = f->pairs[f->n - 1].bits;
		f->full = true;
		return RC_OK;
	}
	if ((grown = realloc(f->pairs, cap * sizeof(*grown))) == NULL)
		return RC_NOMEM;
	f->pairs = grown;
	f->cap = cap;
	return RC_OK;
}

static enum rc
consider(void *ctx, const struct duplicate_person *a, const struct duplicate_person *b)
{
	struct finding *f = ctx;
	uint32_t grounds;
	float bits;
	enum rc rc;

	if (a->cluster == b->cluster)
		return RC_OK;
	bits = (float)duplicate_score(&f->persons.scale, a, b, &grounds);
	if (bits < f->least || is_decided(f, a, b))
		return RC_OK;
	if (f->n == f->cap && (rc = make_room(f)) != RC_OK)
		return rc;
	f->pairs[f->n++] = (struct duplicate_pair){ a->id, b->id,
		duplicate_score_percent((double)bits), bits, grounds };
	return RC_OK;
}

/* A pair's clusters, and its rank among all pairs. */
struct ranked { struct decided of; size_t rank; };

static int
by_clusters_and_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	int order = by_clusters(&x->of, &y->of);

	return order != 0 ? order : x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* Of the records of two clusters, the likeliest pair stands for all.  Keeps the order. */
static enum rc
one_for_clusters(struct finding *f)
{
	struct ranked *all = calloc(f->n + 1, sizeof(*all));
	size_t kept = 0;

	if (all == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < f->n; i++) {
		const struct duplicate_person *a = duplicate_persons_find(&f->persons, f->pairs[i].a);
		const struct duplicate_person *b = duplicate_persons_find(&f->persons, f->pairs[i].b);

		if (a != NULL && b != NULL)
			all[i].of = clusters_of(a->cluster, b->cluster);
		all[i].rank = i;
	}
	if (f->n > 1)
		qsort(all, f->n, sizeof(*all), by_clusters_and_rank);
	for (size_t i = 1; i < f->n; i++)
		if (by_clusters(&all[i - 1].of, &all[i].of) == 0)
			f->pairs[all[i].rank].percent = 0;
	for (size_t i = 0; i < f->n; i++)
		if (f->pairs[i].percent != 0)
			f->pairs[kept++] = f->pairs[i];
	f->n = kept;
	free(all);
	return RC_OK;
}

enum rc
duplicate_find(const struct record_context *c, size_t limit, struct duplicate_list *out,
    struct error *err)
{
	struct finding f;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	memset(&f, 0, sizeof(f));
	if ((rc = duplicate_read(c->db, c->forms, &f.persons, err)) != RC_OK ||
	    (rc = read_decided(c->db, &f, err)) != RC_OK ||
	    (rc = duplicate_blocks_each(f.persons.all, f.persons.n, &f.persons.scale, consider,
	    &f)) != RC_OK)
		goto out;
	drop_repeats(&f);
	if (f.n > 1)
		qsort(f.pairs, f.n, sizeof(*f.pairs), likeliest_first);
	if ((rc = one_for_clusters(&f)) != RC_OK)
		goto out;
	out->pairs = f.pairs;
	f.pairs = NULL;
	out->total = f.n;
	out->n = f.n < limit ? f.n : limit;
	out->persons = f.persons.n;
out:
	duplicate_persons_reset(&f.persons);
	free(f.decided);
	free(f.pairs);
	return rc == RC_OK ? RC_OK : error_set(err, rc, NULL, NULL, "cannot compare the persons");
}

void
duplicate_list_reset(struct duplicate_list *l)
{
	free(l->pairs);
	memset(l, 0, sizeof(*l));
}
