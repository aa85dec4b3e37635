#include "tests/support/corpus_answers.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/support/corpus_text.h"

/* A code and how often it comes, as shares of the sum of its list. */
struct chance {
	const char *code;
	unsigned weight;
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PICK(s, list) pick(s, list, COUNT(list))
#define SOME(s, name, list, from, to) some(s, name, list, COUNT(list), from, to)

static const struct { const char *code, *full_name; } communes[] = {
	{ "06004", "xã Quốc Khánh" }, { "06148", "xã Thuỵ Hùng" }, { "06184", "xã Đồng Đăng" },
	{ "06196", "xã Ba Sơn" }, { "06541", "xã Mẫu Sơn" }, { "06625", "xã Kiên Mộc" },
};

/* splitmix64: two lines, and good enough for invented people. */
uint64_t
corpus_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

size_t
corpus_below(uint64_t *state, size_t n)
{
	return (size_t)(corpus_random(state) % n);
}

static size_t
below(struct corpus_sheet *s, size_t n)
{
	return corpus_below(s->random, n);
}

static size_t
between(struct corpus_sheet *s, size_t from, size_t to)
{
	return from + below(s, to - from + 1);
}

static bool
chance(struct corpus_sheet *s, unsigned percent)
{
	return below(s, 100) < percent;
}

const char *
corpus_word(struct corpus_sheet *s, const struct corpus_words *w)
{
	return w->words[below(s, w->n)];
}

static const char *
pick(struct corpus_sheet *s, const struct chance *list, size_t n)
{
	size_t sum = 0, at;

	for (size_t i = 0; i < n; i++)
		sum += list[i].weight;
	at = below(s, sum);
	for (size_t i = 0; i + 1 < n; i++) {
		if (at < list[i].weight)
			return list[i].code;
		at -= list[i].weight;
	}
	return list[n - 1].code;
}

void
corpus_put(struct corpus_sheet *s, const char *name, const char *value)
{
	struct corpus_record *r = s->record;

	if (r->n_fields < CORPUS_FIELDS_MAX)
		r->fields[r->n_fields++] = (struct corpus_field){ name, value, SIZE_MAX };
}

void
corpus_put_reference(struct corpus_sheet *s, const char *name, size_t index)
{
	corpus_put(s, name, NULL);
	s->record->fields[s->record->n_fields - 1].refers = index;
}

void
corpus_put_text(struct corpus_sheet *s, const char *name, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(s->pool + s->used, CORPUS_POOL_BYTES - s->used, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= CORPUS_POOL_BYTES - s->used)
		return;
	corpus_put(s, name, s->pool + s->used);
	s->used += (size_t)n + 1;
}

static void
put_number(struct corpus_sheet *s, const char *name, size_t number)
{
	corpus_put_text(s, name, "%zu", number);
}

void
corpus_put_day(struct corpus_sheet *s, const char *name, int64_t day)
{
	struct date d;
	char iso[11];

	date_from_days(day, &d);
	date_iso(&d, iso);
	corpus_put_text(s, name, "%s", iso);
}

/* A day some days ago, not before the corpus begins. */
static int64_t
days_ago(struct corpus_sheet *s, size_t most)
{
	int64_t day = s->day - (int64_t)below(s, most + 1);

	return day < s->first_day ? s->first_day : day;
}

/* Between `from` and `to` different codes of a list. */
static void
some(struct corpus_sheet *s, const char *name, const struct chance *list, size_t n,
    size_t from, size_t to)
{
	uint64_t taken = 0;
	size_t want = between(s, from, to);

	for (unsigned tries = 0; want > 0 && tries < 64; tries++) {
		const char *code = pick(s, list, n);
		size_t i = 0;

		while (i < n && list[i].code != code)
			i++;
		if (i < 64 && (taken >> i & 1) == 0) {
			taken |= (uint64_t)1 << i;
			corpus_put(s, name, code);
			want--;
		}
	}
}

/* A commune has a dozen villages, the same in every corpus. */
static void
put_village(struct corpus_sheet *s, const char *name, bool with_commune)
{
	const char *code = s->record->commune, *commune = NULL;
	const char *first, *second;
	uint64_t place = 0;

	for (const char *p = code; *p != '\0'; p++)
		place = place * 31 + (uint64_t)(unsigned char)*p;
	place = place * 12 + below(s, 12);
	first = corpus_village_first.words[corpus_below(&place, corpus_village_first.n)];
	second = corpus_village_second.words[corpus_below(&place, corpus_village_second.n)];
	for (size_t i = 0; with_commune && i < COUNT(communes); i++) {
		if (strcmp(communes[i].code, code) == 0)
			commune = communes[i].full_name;
	}
	if (commune != NULL)
		corpus_put_text(s, name, "Thôn %s %s, %s, tỉnh Lạng Sơn", first, second, commune);
	else
		corpus_put_text(s, name, "Thôn %s %s", first, second);
}

static void
put_note(struct corpus_sheet *s, const char *name, const struct corpus_words *stock,
    unsigned percent)
{
	const char *one, *two;

	if (!chance(s, percent))
		return;
	one = corpus_word(s, stock);
	two = corpus_word(s, stock);
	if (chance(s, 25) && one != two)
		corpus_put_text(s, name, "%s %s", one, two);
	else
		corpus_put(s, name, one);
}

/* ---- activities ---- */

static const struct chance topics[] = {
	{ "TRICKS", 20 }, { "SKILLS", 14 }, { "LAW", 14 }, { "JOBSCAM", 13 }, { "HOTLINE", 10 },
	{ "MIGRATE", 8 }, { "FLABOUR", 5 }, { "SEXEX", 4 }, { "REGIMES", 3 }, { "MARRY", 3 },
	{ "DENOUNCE", 3 }, { "SURROG", 1 }, { "ADOPT", 1 }, { "EVILS", 1 },
};
static const struct chance languages[] = {
	{ "vie", 62 }, { "nut", 20 }, { "tyz", 14 }, { "ium", 3 }, { "hmv", 1 },
};

static bool
in_season(int64_t day)
{
	const struct date first = { 2026, 7, 15 }, last = { 2026, 8, 5 };

	return day >= date_to_days(&first) && day <= date_to_days(&last);
}

static void
session_people(struct corpus_sheet *s, bool school)
{
	static const struct chance methods[] = {
		{ "COUNTED", 5 }, { "SIGNED", 3 }, { "ESTIMATED", 2 },
	};
	size_t total = between(s, 15, school ? 240 : 120);

	put_number(s, "participants_total", total);
	put_number(s, "participants_female", total * between(s, 38, 78) / 100);
	put_number(s, "participants_child", total * (school ? between(s, 70, 95) :
	    chance(s, 40) ? between(s, 3, 30) : 0) / 100);
	put_number(s, "participants_ethmin", total * between(s, 55, 100) / 100);
	if (chance(s, 30))
		corpus_put(s, "attendance_method", PICK(s, methods));
}

void
corpus_answers_session(struct corpus_sheet *s)
{
	static const struct chance forms[] = {
		{ "DIRECT", 40 }, { "TALK", 16 }, { "LEAFLET", 14 }, { "CONF", 8 }, { "LOUDSPK", 7 },
		{ "HOUSEHOLD", 5 }, { "SOCIAL", 4 }, { "BANNER", 2 }, { "ARTS", 2 }, { "CONTEST", 2 },
	};
	static const struct chance audiences[] = {
		{ "COMMUN", 20 }, { "WOMEN", 18 }, { "ETHMIN", 14 }, { "BORDER", 14 }, { "HIGHRISK", 8 },
		{ "MEMBER", 7 }, { "JOBSEEK", 7 }, { "POOR", 6 }, { "GIRLS", 4 }, { "REMOTE", 2 },
	};
	static const struct chance places[] = {
		{ "BORDERC", 5 }, { "MOUNT", 4 }, { "ETHAREA", 3 }, { "HARD", 2 }, { "REMOTE", 2 },
	};
	static const struct chance states[] = {
		{ "HELD", 96 }, { "PLANNED", 3 }, { "CANCELLED", 1 },
	};
	const char *state = PICK(s, states);
	int64_t day = strcmp(state, "PLANNED") == 0 ?
	    s->day + (int64_t)between(s, 2, 20) : days_ago(s, 4);
	bool season = in_season(day), school = !season && chance(s, 12);

	corpus_put(s, "title", corpus_word(s, season ? &corpus_campaign_titles :
	    school ? &corpus_school_titles : &corpus_session_titles));
	corpus_put(s, "kind", "COMM");
	corpus_put(s, "status", state);
	corpus_put_day(s, "date_start", day);
	corpus_put(s, "commune_code", s->record->commune);
	put_village(s, "village", false);
	if (chance(s, 35))
		SOME(s, "place_kind", places, 1, 2);
	if (school)
		corpus_put(s, "forms", "SCHOOL");
	else
		SOME(s, "forms", forms, 1, 2);
	SOME(s, "topics", topics, 1, 4);
	if (school)
		corpus_put(s, "audiences", "PUPIL");
	else
		SOME(s, "audiences", audiences, 1, 3);
	if (season) {
		corpus_put(s, "campaigns", "D30_7_NAT");
		if (chance(s, 50))
			corpus_put(s, "campaigns", "D30_7_WORLD");
	} else if (chance(s, 15)) {
		corpus_put(s, "campaigns", chance(s, 60) ? "MOV_SECURITY" : "MOV_RURAL");
	}
	if (strcmp(state, "HELD") == 0)
		session_people(s, school);
	corpus_put(s, "language", PICK(s, languages));
	put_note(s, "note", &corpus_session_notes, 65);
}

void
corpus_answers_outreach(struct corpus_sheet *s)
{
	bool household = chance(s, 60);
	size_t men, women;

	corpus_put_day(s, "date", days_ago(s, 3));
	corpus_put(s, "kind", household ? "HOUSEHOLD" : "MIGCOUNS");
	corpus_put(s, "commune_code", s->record->commune);
	put_village(s, "village", false);
	if (!household)
		corpus_put(s, "mode", chance(s, 65) ? "INDIVIDUAL" : "GROUP");
	men = below(s, household ? 4 : 6);
	women = between(s, men == 0 ? 1 : 0, household ? 4 : 9);
	put_number(s, "persons_m", men);
	put_number(s, "persons_f", women);
	SOME(s, "topics", topics, 1, 3);
	corpus_put(s, "referred", chance(s, 6) ? "yes" : "no");
	put_note(s, "note", &corpus_outreach_notes, 60);
}

/* ---- persons and their cases ---- */

static void
person_birth(struct corpus_sheet *s, bool female)
{
	static const struct chance precisions[] = {
		{ "DAY", 56 }, { "YEAR", 24 }, { "EST_AGE", 10 }, { "MONTH", 5 }, { "UNKNOWN", 5 },
	};
	const char *precision = PICK(s, precisions);
	size_t age = chance(s, 30) ? between(s, 12, 17) : between(s, 18, 45);
	size_t year = 2026 - age - 1;

	if (strcmp(precision, "DAY") == 0)
		corpus_put_text(s, "birth_date", "%zu-%02zu-%02zu", year, between(s, 1, 12),
		    between(s, 1, 28));
	else if (strcmp(precision, "MONTH") == 0)
		corpus_put_text(s, "birth_date", "%zu-%02zu", year, between(s, 1, 12));
	else if (strcmp(precision, "YEAR") == 0)
		put_number(s, "birth_date", year);
	corpus_put(s, "birth_precision", precision);
	if (strcmp(precision, "EST_AGE") == 0) {
		put_number(s, "est_age", age);
		corpus_put_day(s, "est_age_asof", s->day);
	}
	if (strcmp(precision, "DAY") == 0 && age >= 14 && chance(s, 70)) {
		/* 12 digits: province of the register, century and sex, year, six of chance */
		size_t century = (year < 2000 ? 0u : 2u) + (female ? 1u : 0u);

		corpus_put(s, "id_kind", chance(s, 80) ? "CCCD" : "CC");
		corpus_put_text(s, "id_number", "020%zu%02zu%06zu", century, year % 100,
		    below(s, 1000000));
	} else if (chance(s, 40)) {
		corpus_put(s, "id_kind", "NONE");
	}
}

const struct corpus_people *
corpus_some_people(struct corpus_sheet *s)
{
	const struct corpus_people *people = corpus_peoples;
	size_t of_hundred = below(s, 100);

	while (people < corpus_peoples + CORPUS_PEOPLES - 1 && of_hundred >= people->share) {
		of_hundred -= people->share;
		people++;
	}
	return people;
}

void
corpus_put_name(struct corpus_sheet *s, const char *name, const struct corpus_people *people,
    bool female)
{
	const char *surname = corpus_word(s, &people->surnames);
	const char *middle = corpus_word(s, &people->middles[female]);
	const char *given = corpus_word(s, &people->given[female]);

	corpus_put_text(s, name, "%s %s %s", surname, middle, given);
}

void
corpus_answers_person(struct corpus_sheet *s, struct corpus_person *made)
{
	static const char prefixes[] = { '3', '3', '8', '9', '9', '7', '5' };
	const struct corpus_people *people = corpus_some_people(s);
	bool female = chance(s, 78);

	corpus_put_name(s, "full_name", people, female);
	corpus_put(s, "sex", female ? "F" : "M");
	person_birth(s, female);
	corpus_put(s, "ethnicity", people->ethnicity);
	corpus_put(s, "nationality", "VN");
	corpus_put(s, "do_not_contact", chance(s, 7) ? "yes" : "no");
	if (chance(s, 45))
		corpus_put(s, "safe_contact_note", corpus_word(s, &corpus_contact_notes));
	if (chance(s, 62))
		corpus_put_text(s, "phone", "0%c%08zu", prefixes[below(s, sizeof(prefixes))],
		    below(s, 100000000));
	corpus_put(s, "current_commune", s->record->commune);
	put_village(s, "address_text", true);
	*made = (struct corpus_person){ .index = s->record->index,
		.commune = s->record->commune, .female = female };
}

static void
case_identification(struct corpus_sheet *s, int64_t received)
{
	static const struct chance results[] = {
		{ "VICTIM", 46 }, { "PENDING", 40 }, { "UNDETERMINED", 8 }, { "NOT_VICTIM", 6 },
	};
	const char *result = PICK(s, results);
	bool victim = strcmp(result, "VICTIM") == 0;
	int64_t day = received + (s->day > received ? (int64_t)below(s,
	    (size_t)(s->day - received)) : 0);

	corpus_put(s, "ident_result", result);
	if (strcmp(result, "PENDING") != 0) {
		corpus_put(s, "ident_org", "Công an tỉnh Lạng Sơn");
		corpus_put_text(s, "ident_doc_no", victim ? "%zu/GXN-CAT" : "%zu/TB-CAT", between(s, 12, 980));
		corpus_put_day(s, "ident_date", day);
	}
	if (strcmp(result, "NOT_VICTIM") == 0) {
		corpus_put(s, "close_reason", "NOT_VICTIM");
		corpus_put_day(s, "closed_on", s->day);
	}
}

void
corpus_answers_case(struct corpus_sheet *s, const struct corpus_person *person,
    struct corpus_case *made)
{
	static const struct chance channels[] = {
		{ "SELF_COMMUNE", 22 }, { "FWD_LOCAL", 15 }, { "GATE", 14 }, { "SELF_BORDER", 12 },
		{ "HANDOVER", 12 }, { "REVIEW", 8 }, { "SELF_BG", 6 }, { "RESCUED_ABROAD", 5 },
		{ "HOTLINE", 4 }, { "RESCUED_IN", 2 },
	};
	static const struct chance purposes_f[] = {
		{ "MARRIAGE", 34 }, { "SEX", 26 }, { "LABOUR", 16 }, { "SCAM", 14 }, { "SURROG", 5 },
		{ "BEGGING", 2 }, { "ORGAN", 1 },
	};
	static const struct chance purposes_m[] = {
		{ "LABOUR", 55 }, { "SCAM", 38 }, { "ORGAN", 4 }, { "BEGGING", 3 },
	};
	static const struct chance causes[] = {
		{ "POVERTY", 26 }, { "UNEMPLOYED", 22 }, { "LOWAWARE", 20 }, { "DECEIVED", 16 },
		{ "FAMCONFLICT", 6 }, { "DROPOUT", 5 }, { "DOMVIOL", 3 }, { "UNSAFE_MIG", 2 },
	};
	static const struct chance risks[] = {
		{ "LOW", 38 }, { "MEDIUM", 36 }, { "HIGH", 21 }, { "URGENT", 5 },
	};
	const char *channel = PICK(s, channels);
	int64_t received = days_ago(s, 7);

	corpus_put_reference(s, "person_id", person->index);
	corpus_put(s, "recv_channel", channel);
	corpus_put_day(s, "recv_date", received);
	corpus_put(s, "recv_commune", s->record->commune);
	if (strcmp(channel, "HANDOVER") == 0 && chance(s, 60))
		put_number(s, "group_size", between(s, 2, 9));
	if (chance(s, 80))
		corpus_put(s, "purpose", person->female ? PICK(s, purposes_f) : PICK(s, purposes_m));
	else
		corpus_put(s, "purpose", "UNKNOWN");
	SOME(s, "causes", causes, 1, 2);
	corpus_put(s, "risk_level", PICK(s, risks));
	case_identification(s, received);
	put_note(s, "narrative", &corpus_narratives, 85);
	*made = (struct corpus_case){ .index = s->record->index,
		.commune = s->record->commune, .received = received, .visited = received };
}

/* ---- what is done in a case ---- */

void
corpus_answers_follow_up(struct corpus_sheet *s, struct corpus_case *of)
{
	static const struct chance modes[] = {
		{ "VISIT", 62 }, { "PHONE", 28 }, { "VIA_UNION", 10 },
	};
	static const struct chance living[] = {
		{ "STABLE", 48 }, { "HARD", 38 }, { "UNSTABLE", 10 }, { "UNKNOWN", 4 },
	};
	static const struct chance health[] = {
		{ "FAIR", 48 }, { "GOOD", 34 }, { "POOR", 14 }, { "UNKNOWN", 4 },
	};
	static const struct chance work[] = {
		{ "WORKING", 42 }, { "NONE", 30 }, { "TRAINING", 12 }, { "STUDYING", 10 },
		{ "OTHER", 4 }, { "UNKNOWN", 2 },
	};
	static const int64_t intervals[] = { 30, 30, 60, 90, 90, 180 };
	int64_t done = days_ago(s, 3);
	int64_t due = of->next_due != 0 ? of->next_due : of->received + 30;

	if (done < of->visited)
		done = of->visited;
	if (due > done + 10 || due < done - 20)	/* an extra visit, or a catch-up with a new date */
		due = done;
	corpus_put_reference(s, "case_id", of->index);
	corpus_put_day(s, "due", due);
	corpus_put_day(s, "done_at", done);
	corpus_put(s, "mode", PICK(s, modes));
	corpus_put(s, "safe", chance(s, 96) ? "yes" : "no");
	corpus_put(s, "living", PICK(s, living));
	corpus_put(s, "health", PICK(s, health));
	corpus_put(s, "work", PICK(s, work));
	put_note(s, "note", &corpus_follow_up_notes, 75);
	of->next_due = 0;
	if (chance(s, 85)) {
		of->next_due = done + intervals[below(s, COUNT(intervals))];
		corpus_put_day(s, "next_due", of->next_due);
	}
	of->visited = done;
}

void
corpus_answers_service(struct corpus_sheet *s, const struct corpus_case *of)
{
	static const struct chance services[] = {
		{ "PSY", 20 }, { "ESS", 14 }, { "LEGALAID", 12 }, { "MED", 12 }, { "ALLOW", 9 },
		{ "VOC", 8 }, { "TRAVEL", 6 }, { "IDDOC", 6 }, { "JOB", 5 }, { "LOAN", 4 }, { "LODGE", 4 },
	};
	static const struct chance states[] = {
		{ "DELIVERED", 74 }, { "OFFERED", 10 }, { "APPROVED", 8 }, { "DECLINED", 8 },
	};
	static const struct chance reasons[] = {
		{ "NOTNEEDED", 6 }, { "FEARSTIGMA", 3 }, { "NOTSTATED", 2 }, { "MOVED", 1 },
	};
	const char *service = PICK(s, services), *state = PICK(s, states);
	bool delivered = strcmp(state, "DELIVERED") == 0;
	bool money = strcmp(service, "PSY") != 0 && strcmp(service, "LEGALAID") != 0 &&
	    strcmp(service, "IDDOC") != 0 && strcmp(service, "JOB") != 0;
	int64_t day = days_ago(s, 4);

	corpus_put_reference(s, "case_id", of->index);
	corpus_put(s, "service", service);
	corpus_put(s, "status", state);
	corpus_put_day(s, "date_from", day < of->received ? of->received : day);
	if (strcmp(state, "DECLINED") == 0)
		corpus_put(s, "decline_reason", PICK(s, reasons));
	if (money && (delivered || strcmp(state, "APPROVED") == 0)) {
		corpus_put_day(s, "decided_at", day);
		corpus_put(s, "decision_org", "Ủy ban nhân dân xã");
		corpus_put_text(s, "decision_no", "%zu/QĐ-UBND", between(s, 10, 720));
		put_number(s, "amount_vnd", strcmp(service, "LOAN") == 0 ?
		    between(s, 20, 100) * 1000000 : between(s, 2, 60) * 100000);
	}
	corpus_put(s, "legal_regime", "R2024");
}
