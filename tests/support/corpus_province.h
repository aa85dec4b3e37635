#ifndef TESTS_SUPPORT_CORPUS_PROVINCE_H
#define TESTS_SUPPORT_CORPUS_PROVINCE_H

/*
 * corpus_province: invented records of every form there is, for the benches of reports: what a
 * province writes in five years (2022 to 30 October 2026), in shares that are believable: about a
 * third awareness work, a sixth visits, a sixth persons and cases, the rest what belongs to them,
 * and a few of what is rare.  The same options and forms give the same records.
 *
 * The forms that corpus.h knows are answered as there; of the others, and of fields that it
 * leaves, each is answered by its type, its name and chance.  A record refers to one of the last
 * of its commune.  Rules of the forms are not looked at: these are for the fold, not for a desk.
 */
#include "shared/forms/form.h"
#include "tests/support/corpus.h"

struct corpus_province_options {
	uint64_t seed;
	size_t n;			/* records, 1..CORPUS_RECORDS_MAX */
	size_t communes;		/* 1..CORPUS_PROVINCE_COMMUNES_MAX */
	bool persons;			/* persons alone */
	const struct form_set *forms;	/* the shipped ones; borrowed until it is freed */
};

enum {
	CORPUS_PROVINCE_COMMUNES_MAX = 200,
	CORPUS_PROVINCE_COMMUNES = 65		/* as many as Lạng Sơn has */
};
#define CORPUS_PROVINCE_UNIT "20"

struct corpus_province;

/* RC_LIMIT, RC_NOMEM; RC_CONFIG: the forms lack one that it makes. */
enum rc corpus_province_new(const struct corpus_province_options *options,
    struct corpus_province **out) RC_CHECK;
void corpus_province_free(struct corpus_province *c);
/* The next record; false after the last.  Pointers last until the next call. */
bool corpus_province_next(struct corpus_province *c, struct corpus_record *out);

/* Code of a commune, from 0; lasts until it is freed. */
const char *corpus_province_commune(const struct corpus_province *c, size_t i);

#endif
