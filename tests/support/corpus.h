#ifndef TESTS_SUPPORT_CORPUS_H
#define TESTS_SUPPORT_CORPUS_H

/*
 * corpus: believable, invented records for benchmarks, simulations and the demo:
 * 35 % follow-ups, 25 % sessions, 25 % outreach, 15 % cases (half of these the
 * person's own record, half the case that refers to it), exact in every forty.
 * The same options give the same records.
 *
 * Saved on the working days from 2026-01-05 to 2026-10-30, in the hours of an
 * office in Viet Nam, a few records at a sitting.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

enum {
	CORPUS_FIELDS_MAX = 96,
	CORPUS_RECORDS_MAX = 10000000
};

struct corpus_options {
	uint64_t seed;
	size_t n;			/* records in all, 1..CORPUS_RECORDS_MAX */
	/* Codes of the communes that record; NULL: the six of tests/support/lang_son.csv.
	 * Borrowed until corpus_free. */
	const char *const *communes;
	size_t n_communes;
	bool services;			/* 10 % service_delivery, at the cost of follow_up */
};

struct corpus_field {
	const char *name;
	const char *value;		/* as a user types it; NULL: a reference */
	size_t refers;			/* of a reference: index of an earlier record */
};

/* A list field stands here once a value.  What it points to lasts until the next call. */
struct corpus_record {
	size_t index;			/* from 0 */
	const char *form;
	const char *commune;		/* the unit that records; also of all it refers to */
	int64_t saved_at;		/* seconds since 1970 UTC; never runs backwards */
	struct corpus_field fields[CORPUS_FIELDS_MAX];
	size_t n_fields;
};

struct corpus;

/* RC_LIMIT: n.  RC_NOMEM. */
enum rc corpus_new(const struct corpus_options *options, struct corpus **out) RC_CHECK;
void corpus_free(struct corpus *c);
/* The next record; false after the last. */
bool corpus_next(struct corpus *c, struct corpus_record *out);

#endif
