#ifndef SHARED_RECORDS_DUPLICATE_SCORE_H
#define SHARED_RECORDS_DUPLICATE_SCORE_H

/*
 * duplicate_score: how likely two records of persons are one person, and why.  Evidence is
 * added up in bits (Fellegi and Sunter 1969): what two records share counts by how seldom
 * two strangers share it, what they differ in by how seldom one person's two records do.
 * Pure: no database, no clock.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/forms/form.h"
#include "shared/records/duplicate_name.h"

enum {
	DUPLICATE_PAPER_MAX = 15,	/* bytes of a number of papers that are compared */
	DUPLICATE_ADDRESS_WORDS = 6
};

/* Grounds: bits, for and against. */
enum duplicate_ground {
	GROUND_NAME, GROUND_NAME_MARKS, GROUND_NAME_SOUND, GROUND_NAME_ORDER, GROUND_NAME_PART,
	GROUND_NAME_NEAR, GROUND_NAME_OTHER,
	GROUND_BIRTH, GROUND_BIRTH_SWAPPED, GROUND_BIRTH_NEAR, GROUND_BIRTH_MONTH, GROUND_BIRTH_YEAR,
	GROUND_BIRTH_AGE,
	GROUND_PAPER, GROUND_PAPER_NEAR, GROUND_PHONE, GROUND_REGISTERED, GROUND_CURRENT,
	GROUND_ADDRESS,
	AGAINST_NAME, AGAINST_BIRTH, AGAINST_PAPER, AGAINST_SEX, AGAINST_ETHNICITY, AGAINST_REGISTERED,
	DUPLICATE_GROUNDS
};
bool duplicate_ground_is_against(enum duplicate_ground g);
/* In words: "cùng ngày sinh". */
const char *duplicate_ground_text(enum duplicate_ground g, enum form_lang lang);

struct duplicate_person {
	int64_t id, cluster;		/* record.id; cluster: id of its cluster, else its own */
	struct duplicate_name name;
	uint32_t others, n_others;	/* other names: index in a list of the caller's */
	int16_t year;			/* 0: not known */
	uint8_t month, day;
	int16_t about;			/* year of birth by an estimated age; 0: none */
	uint64_t phone;			/* hash of its digits; 0: none */
	uint32_t phones;		/* how many persons have that telephone */
	char paper[DUPLICATE_PAPER_MAX + 1];
	uint8_t paper_len;
	uint32_t registered, current;	/* communes, ethnicity: numbers from 1; 0: not known */
	uint32_t ethnicity;
	uint32_t address[DUPLICATE_ADDRESS_WORDS];
	char sex;			/* M, F; 0: not known */
};

/* What the records here say of a share: communes and ethnicities by their number. */
struct duplicate_shares { const double *bits; size_t n; };

struct duplicate_scale {
	const struct duplicate_words *words;
	const struct duplicate_name *others;
	struct duplicate_shares codes;	/* of communes and ethnicities */
	size_t persons;
};

/*
 * Bits in favour, less what any two strangers among that many persons must overcome: at 0 it
 * is even odds.  grounds: what spoke for and against, bits 1 << ground.
 */
double duplicate_score(const struct duplicate_scale *s, const struct duplicate_person *a,
    const struct duplicate_person *b, uint32_t *grounds);
/* As percent, 1 .. 99. */
unsigned duplicate_score_percent(double bits);

#endif
