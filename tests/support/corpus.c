#include "tests/support/corpus.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/support/corpus_answers.h"

enum {
	DECK = 40,			/* cards; the shares hold exactly in each deck */
	WORKDAYS_MAX = 250,
	DAY_SECONDS = 86400,
	VIETNAM_OFFSET = 7 * 3600,
	MORNING = 7 * 3600 + 1800,	/* 07:30 to 11:30, 13:30 to 17:00 */
	MORNING_LENGTH = 4 * 3600,
	AFTERNOON = 13 * 3600 + 1800,
	WORK_SECONDS = MORNING_LENGTH + 3 * 3600 + 1800
};

enum card { FOLLOW_UP, SESSION, OUTREACH, PERSON, CASE, SERVICE };

struct corpus {
	struct corpus_options options;
	uint64_t random;
	enum card deck[DECK];
	size_t drawn;			/* cards of the deck */
	size_t made;			/* records */
	int64_t workdays[WORKDAYS_MAX];
	size_t n_workdays;
	int64_t position;		/* seconds of work since the first morning */
	size_t sitting;			/* records left of this sitting */
	struct corpus_person *persons;
	size_t n_persons;
	size_t n_waiting;		/* persons without a case */
	struct corpus_case *cases;
	size_t n_cases;
	size_t room;
	char pool[CORPUS_POOL_BYTES];
};

static const char *const lang_son[] = { "06004", "06148", "06184", "06196", "06541", "06625" };

/* Holidays of 2026 in Viet Nam, those at weekends left out; first and last day. */
static const struct date holidays[][2] = {
	{ { 2026, 2, 16 }, { 2026, 2, 20 } },	/* Tết */
	{ { 2026, 4, 27 }, { 2026, 4, 27 } },	/* Hùng kings */
	{ { 2026, 4, 30 }, { 2026, 5, 1 } },
	{ { 2026, 8, 31 }, { 2026, 9, 2 } },	/* national day */
};

static bool
is_workday(int64_t day)
{
	int64_t weekday = (day + 4) % 7;	/* 1970-01-01 was a Thursday; 0: Sunday */

	if (weekday == 0 || weekday == 6)
		return false;
	for (size_t i = 0; i < sizeof(holidays) / sizeof(holidays[0]); i++) {
		if (day >= date_to_days(&holidays[i][0]) && day <= date_to_days(&holidays[i][1]))
			return false;
	}
	return true;
}

static void
fill_calendar(struct corpus *c)
{
	const struct date first = { 2026, 1, 5 }, last = { 2026, 10, 30 };

	for (int64_t day = date_to_days(&first); day <= date_to_days(&last); day++) {
		if (is_workday(day) && c->n_workdays < WORKDAYS_MAX)
			c->workdays[c->n_workdays++] = day;
	}
}

enum rc
corpus_new(const struct corpus_options *options, struct corpus **out)
{
	struct corpus *c;

	*out = NULL;
	if (options->n == 0 || options->n > CORPUS_RECORDS_MAX)
		return RC_LIMIT;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return RC_NOMEM;
	c->options = *options;
	if (c->options.communes == NULL) {
		c->options.communes = lang_son;
		c->options.n_communes = sizeof(lang_son) / sizeof(lang_son[0]);
	}
	c->random = options->seed;
	c->drawn = DECK;
	/* three persons and three cases in each deck */
	c->room = options->n / DECK * 3 + 3;
	c->persons = calloc(c->room, sizeof(*c->persons));
	c->cases = calloc(c->room, sizeof(*c->cases));
	if (c->persons == NULL || c->cases == NULL || c->options.n_communes == 0) {
		corpus_free(c);
		return RC_NOMEM;
	}
	fill_calendar(c);
	*out = c;
	return RC_OK;
}

void
corpus_free(struct corpus *c)
{
	if (c == NULL)
		return;
	free(c->persons);
	free(c->cases);
	free(c);
}

/* ---- what comes next ---- */

static void
shuffle(struct corpus *c)
{
	static const struct { enum card card; size_t n, with_services; } shares[] = {
		{ FOLLOW_UP, 14, 10 }, { SERVICE, 0, 4 }, { SESSION, 10, 10 }, { OUTREACH, 10, 10 },
		{ PERSON, 3, 3 }, { CASE, 3, 3 },
	};
	size_t k = 0;

	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		size_t n = c->options.services ? shares[i].with_services : shares[i].n;

		while (n-- > 0)
			c->deck[k++] = shares[i].card;
	}
	for (size_t i = DECK; i > 1; i--) {
		size_t j = corpus_below(&c->random, i);
		enum card held = c->deck[i - 1];

		c->deck[i - 1] = c->deck[j];
		c->deck[j] = held;
	}
	c->drawn = 0;
}

static bool
is_possible(const struct corpus *c, enum card card)
{
	if (card == CASE)
		return c->n_waiting > 0;
	if (card == FOLLOW_UP || card == SERVICE)
		return c->n_cases > 0;
	return true;
}

/*
 * The next card.  One that needs what is not there yet changes places with the
 * next one that can be: a deck holds as many persons as cases, so there is one.
 */
static enum card
draw(struct corpus *c)
{
	enum card card;
	size_t at;

	if (c->drawn == DECK)
		shuffle(c);
	at = c->drawn;
	while (at + 1 < DECK && !is_possible(c, c->deck[at]))
		at++;
	card = c->deck[at];
	c->deck[at] = c->deck[c->drawn];
	c->deck[c->drawn++] = card;
	return card;
}

/*
 * Records are made a few at a sitting, some minutes apart; the sittings are
 * spread over what is left of the year.
 */
static void
advance(struct corpus *c)
{
	int64_t total = (int64_t)c->n_workdays * WORK_SECONDS - 1;
	int64_t left = total - c->position;
	int64_t each = left / (int64_t)(c->options.n - c->made);

	if (c->sitting == 0) {
		c->sitting = 1 + corpus_below(&c->random, 5);
		/* what the sitting saves is spent before it: 60 % to 140 % of it */
		c->position += each * (int64_t)c->sitting *
		    (int64_t)(60 + corpus_below(&c->random, 81)) / 100;
	} else {
		int64_t step = 90 + (int64_t)corpus_below(&c->random, 420);

		c->position += step < each ? step : each / 2;
	}
	c->sitting--;
	if (c->position > total)
		c->position = total;
}

static int64_t
saved_at(const struct corpus *c)
{
	int64_t day = c->workdays[c->position / WORK_SECONDS];
	int64_t of_day = c->position % WORK_SECONDS;

	of_day = of_day < MORNING_LENGTH ? MORNING + of_day :
	    AFTERNOON + of_day - MORNING_LENGTH;
	return day * DAY_SECONDS + of_day - VIETNAM_OFFSET;
}

static void
make_case(struct corpus *c, struct corpus_sheet *s)
{
	size_t nth = corpus_below(&c->random, c->n_waiting);
	size_t i = c->n_persons;

	/* waiting ones are near the end: a deck leaves few */
	while (i-- > 0) {
		if (!c->persons[i].has_case && nth-- == 0)
			break;
	}
	s->record->commune = c->persons[i].commune;
	corpus_answers_case(s, &c->persons[i], &c->cases[c->n_cases++]);
	c->persons[i].has_case = true;
	c->n_waiting--;
}

static struct corpus_case *
some_case(struct corpus *c, struct corpus_sheet *s)
{
	struct corpus_case *k = &c->cases[corpus_below(&c->random, c->n_cases)];

	s->record->commune = k->commune;
	return k;
}

bool
corpus_next(struct corpus *c, struct corpus_record *out)
{
	struct corpus_sheet s = { &c->random, out, c->workdays[0], 0, c->pool, 0 };

	memset(out, 0, sizeof(*out));
	if (c->made == c->options.n)
		return false;
	advance(c);
	out->index = c->made++;
	out->saved_at = saved_at(c);
	s.day = (out->saved_at + VIETNAM_OFFSET) / DAY_SECONDS;
	out->commune = c->options.communes[corpus_below(&c->random, c->options.n_communes)];
	switch (draw(c)) {
	case SESSION:
		out->form = "awareness_session";
		corpus_answers_session(&s);
		break;
	case OUTREACH:
		out->form = "outreach";
		corpus_answers_outreach(&s);
		break;
	case PERSON:
		out->form = "person";
		corpus_answers_person(&s, &c->persons[c->n_persons++]);
		c->n_waiting++;
		break;
	case CASE:
		out->form = "case";
		make_case(c, &s);
		break;
	case FOLLOW_UP:
		out->form = "follow_up";
		corpus_answers_follow_up(&s, some_case(c, &s));
		break;
	case SERVICE:
		out->form = "service_delivery";
		corpus_answers_service(&s, some_case(c, &s));
		break;
	}
	return true;
}
