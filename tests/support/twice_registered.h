#ifndef TESTS_SUPPORT_TWICE_REGISTERED_H
#define TESTS_SUPPORT_TWICE_REGISTERED_H

/*
 * twice_registered: invented persons, some of whom were registered twice, for measuring how
 * duplicates are found.  Made without looking at how they are compared: names, papers,
 * telephones and places as registers have them, families that share a telephone and an
 * address, twins.  A second record is the same person written down once more, elsewhere, by
 * somebody else; what was not asked is missing in each record for itself.
 */
#include <stddef.h>
#include <stdint.h>

/* What went wrong with the second record. */
enum twice_mishap {
	NAME_SAME, NAME_NO_MARKS, NAME_A_MARK, NAME_TYPO, NAME_NO_MIDDLE, NAME_ORDER, NAME_SPELLING,
	NAME_HEARD, NAME_OTHER, BIRTH_SAME, BIRTH_LESS, BIRTH_SWAPPED, BIRTH_TYPO, BIRTH_AGE, BIRTH_NONE,
	PHONE_SAME, PHONE_OTHER, PHONE_NONE, PAPER_SAME, PAPER_TYPO, PAPER_OTHER, PAPER_NONE, TWICE_MISHAPS
};
const char *twice_mishap_text(unsigned mishap);

enum { TWICE_TEXT = 96 };

struct twice_registered {
	char name[TWICE_TEXT], birth[24], paper[20], phone[12], registered[6], current[6], address[TWICE_TEXT];
	const char *sex, *ethnicity;
	int year, month, day, about;	/* as they are; about: estimated age, 0: not */
	uint32_t mishaps;
	size_t twice;			/* index of its duplicate; 0: none */
};

/*
 * n of them, from 1 to n, the last `planted` of whom are second records.  The same seed, the
 * same persons.  free() it; NULL: no memory.
 */
struct twice_registered *twice_registered_make(size_t n, size_t planted, uint64_t seed);

#endif
