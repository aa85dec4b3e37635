#ifndef TESTS_SUPPORT_CORPUS_TEXT_H
#define TESTS_SUPPORT_CORPUS_TEXT_H

/* corpus_text: the words the corpus is made of.  Names and places are invented. */
#include <stddef.h>

struct corpus_words {
	const char *const *words;
	size_t n;
};

/* A people of the province, and how its families are named there. */
struct corpus_people {
	const char *ethnicity;		/* code, domain.md section 12 */
	unsigned share;			/* of 100 persons */
	struct corpus_words surnames;
	struct corpus_words middles[2];	/* 0: men, 1: women */
	struct corpus_words given[2];
};

enum { CORPUS_PEOPLES = 5 };
extern const struct corpus_people corpus_peoples[CORPUS_PEOPLES];

/* "Nà" + "Pàn": the two syllables of a village's name. */
extern const struct corpus_words corpus_village_first;
extern const struct corpus_words corpus_village_second;

extern const struct corpus_words corpus_session_titles;
extern const struct corpus_words corpus_campaign_titles;	/* around 30 July */
extern const struct corpus_words corpus_school_titles;
extern const struct corpus_words corpus_session_notes;
extern const struct corpus_words corpus_outreach_notes;
extern const struct corpus_words corpus_follow_up_notes;
extern const struct corpus_words corpus_narratives;
extern const struct corpus_words corpus_contact_notes;

#endif
