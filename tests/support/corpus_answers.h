#ifndef TESTS_SUPPORT_CORPUS_ANSWERS_H
#define TESTS_SUPPORT_CORPUS_ANSWERS_H

/* corpus_answers: the answers of one record of the corpus, form by form. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/corpus.h"
#include "tests/support/corpus_text.h"

enum { CORPUS_POOL_BYTES = 16384 };

/* What later records must know of a person and of a case. */
struct corpus_person {
	size_t index;		/* of its record */
	const char *commune;
	bool female;
	bool has_case;
};
struct corpus_case {
	size_t index;
	const char *commune;
	int64_t received;	/* days since 1970 */
	int64_t visited;	/* last visit, or received */
	int64_t next_due;	/* 0: none set */
};

/* Where one record is made. */
struct corpus_sheet {
	uint64_t *random;	/* state of the generator */
	struct corpus_record *record;
	int64_t first_day;	/* of the corpus */
	int64_t day;		/* on which it is saved, in local time */
	char *pool;		/* CORPUS_POOL_BYTES for the texts of this record */
	size_t used;
};

/* ---- one answer; what does not fit into the record is left out ---- */

void corpus_put(struct corpus_sheet *s, const char *name, const char *value);
void corpus_put_reference(struct corpus_sheet *s, const char *name, size_t index);
void corpus_put_text(struct corpus_sheet *s, const char *name, const char *fmt, ...)
    RC_PRINTF(3, 4);
void corpus_put_day(struct corpus_sheet *s, const char *name, int64_t day);
/* A people of the province, by its share; a name as it is given there. */
const struct corpus_people *corpus_some_people(struct corpus_sheet *s);
void corpus_put_name(struct corpus_sheet *s, const char *name,
    const struct corpus_people *people, bool female);
const char *corpus_word(struct corpus_sheet *s, const struct corpus_words *w);

/* ---- chance ---- */

uint64_t corpus_random(uint64_t *state);
/* 0..n-1; n > 0. */
size_t corpus_below(uint64_t *state, size_t n);

/* ---- whole records ---- */

void corpus_answers_session(struct corpus_sheet *s);
void corpus_answers_outreach(struct corpus_sheet *s);
void corpus_answers_person(struct corpus_sheet *s, struct corpus_person *made);
void corpus_answers_case(struct corpus_sheet *s, const struct corpus_person *person,
    struct corpus_case *made);
void corpus_answers_follow_up(struct corpus_sheet *s, struct corpus_case *of);
void corpus_answers_service(struct corpus_sheet *s, const struct corpus_case *of);

#endif
