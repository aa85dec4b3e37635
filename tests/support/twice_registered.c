#include "tests/support/twice_registered.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "tests/support/corpus_text.h"
#include "tests/support/record_fixture.h"

enum { COMMUNES = 65, TEXT = TWICE_TEXT, WORDS_MAX = 6 };

static const char *const MISHAP[TWICE_MISHAPS] = {
	"name: the same", "name: without marks", "name: a wrong mark", "name: a typing mistake",
	"name: middle name left out", "name: given name first", "name: hoà/hòa, Lý/Lí, Vy/Vi",
	"name: written as heard", "name: another name", "birth: the same", "birth: year or month only",
	"birth: day and month exchanged", "birth: a wrong digit", "birth: estimated age",
	"birth: not asked", "phone: the same", "phone: another", "phone: none", "papers: the same",
	"papers: a wrong digit", "papers: of another kind", "papers: none"
};

const char *
twice_mishap_text(unsigned mishap)
{
	return mishap < TWICE_MISHAPS ? MISHAP[mishap] : "";
}

static size_t
below(uint64_t *seed, size_t n)
{
	return record_fixture_pick(seed, n);
}

static bool
one_in_100(uint64_t *seed, size_t percent)
{
	return below(seed, 100) < percent;
}

static const char *
pick(uint64_t *seed, const struct corpus_words *w)
{
	return w->words[below(seed, w->n)];
}

/* Persons -------------------------------------------------------------- */

static const struct corpus_people *
pick_people(uint64_t *seed)
{
	size_t at = below(seed, 100), i = 0;

	while (i + 1 < CORPUS_PEOPLES && at >= corpus_peoples[i].share)
		at -= corpus_peoples[i++].share;
	return &corpus_peoples[i];
}

static void
make_given(uint64_t *seed, struct twice_registered *p, const struct corpus_people *people, const char *family)
{
	int sex = p->sex[0] == 'F';
	const char *middle = pick(seed, &people->middles[sex]), *given = pick(seed, &people->given[sex]);

	/* a third has a second given name before the last */
	if (one_in_100(seed, 33))
		snprintf(p->name, TEXT, "%s %s %s %s", family, middle, pick(seed, &people->given[sex]), given);
	else
		snprintf(p->name, TEXT, "%s %s %s", family, middle, given);
}

static void
write_birth(uint64_t *seed, struct twice_registered *p)
{
	size_t how = below(seed, 100);

	p->about = 0;
	p->birth[0] = '\0';
	if (how < 55)
		snprintf(p->birth, sizeof(p->birth), "%04d-%02d-%02d", p->year, p->month, p->day);
	else if (how < 65)
		snprintf(p->birth, sizeof(p->birth), "%04d-%02d", p->year, p->month);
	else if (how < 70)	/* the year alone, in a sheet that asks for a day */
		snprintf(p->birth, sizeof(p->birth), "%04d-01-01", p->year);
	else if (how < 88)
		snprintf(p->birth, sizeof(p->birth), "%04d", p->year);
	else if (how < 96)
		p->about = 2026 - p->year + (int)below(seed, 5) - 2;
}

static void
make_paper(uint64_t *seed, struct twice_registered *p, bool old)
{
	if (old)
		snprintf(p->paper, sizeof(p->paper), "08%07zu", below(seed, 10000000));
	else
		snprintf(p->paper, sizeof(p->paper), "020%c%02d%06zu", p->sex[0] == 'F' ?
		    (p->year < 2000 ? '1' : '3') : p->year < 2000 ? '0' : '2', p->year % 100,
		    below(seed, 1000000));
}

static void
make_phone(uint64_t *seed, struct twice_registered *p)
{
	static const char *const lead[] = { "09", "03", "08", "07", "05" };

	snprintf(p->phone, sizeof(p->phone), "%s%08zu", lead[below(seed, 5)], below(seed, 100000000));
}

static void
make_place(uint64_t *seed, struct twice_registered *p)
{
	snprintf(p->registered, sizeof(p->registered), "06%03zu", below(seed, COMMUNES) + 1);
	memcpy(p->current, p->registered, sizeof(p->current));
	if (one_in_100(seed, 20))
		snprintf(p->current, sizeof(p->current), "06%03zu", below(seed, COMMUNES) + 1);
	snprintf(p->address, TEXT, "Thôn %s %s", pick(seed, &corpus_village_first),
	    pick(seed, &corpus_village_second));
}

/* A tenth of what a record could hold is missing in most of them. */
static void
leave_out(uint64_t *seed, struct twice_registered *p)
{
	if (one_in_100(seed, 10))
		p->registered[0] = '\0';
	if (one_in_100(seed, 30))
		p->current[0] = '\0';
	if (one_in_100(seed, 40))
		p->address[0] = '\0';
	if (one_in_100(seed, 45))
		p->phone[0] = '\0';
	if (one_in_100(seed, 55) || p->year > 2011)
		p->paper[0] = '\0';
	if (one_in_100(seed, 10))
		p->ethnicity = NULL;
}

static void
make_person(uint64_t *seed, struct twice_registered *p)
{
	const struct corpus_people *people = pick_people(seed);
	size_t age = 8 + below(seed, 12) + below(seed, 14) + below(seed, 25);

	memset(p, 0, sizeof(*p));
	p->sex = one_in_100(seed, 78) ? "F" : "M";
	p->ethnicity = people->ethnicity;
	p->year = 2026 - (int)age;
	p->month = 1 + (int)below(seed, 12);
	p->day = 1 + (int)below(seed, 28);
	make_given(seed, p, people, pick(seed, &people->surnames));
	make_paper(seed, p, one_in_100(seed, 12));
	make_phone(seed, p);
	make_place(seed, p);
	write_birth(seed, p);
}

/* A brother, a sister, or now and then a twin: the same house and telephone. */
static void
make_sibling(uint64_t *seed, struct twice_registered *p, const struct twice_registered *of)
{
	const struct corpus_people *people = pick_people(seed);
	char family[TEXT];

	for (size_t i = 0; of->ethnicity != NULL && i < CORPUS_PEOPLES; i++)
		if (strcmp(corpus_peoples[i].ethnicity, of->ethnicity) == 0)
			people = &corpus_peoples[i];
	*p = *of;
	p->twice = 0;
	p->sex = one_in_100(seed, 60) ? of->sex : "F";
	snprintf(family, sizeof(family), "%.*s", (int)strcspn(of->name, " "), of->name);
	make_given(seed, p, people, family);
	make_paper(seed, p, false);
	if (!one_in_100(seed, 3)) {
		int apart = 1 + (int)below(seed, 5);

		p->year += one_in_100(seed, 50) ? apart : -apart;
		p->month = 1 + (int)below(seed, 12);
		p->day = 1 + (int)below(seed, 28);
		write_birth(seed, p);
	}
}

/* The second record ---------------------------------------------------- */

static void
mark(struct twice_registered *p, enum twice_mishap m)
{
	p->mishaps |= UINT32_C(1) << (unsigned)m;
}

static size_t
split(char *text, char *words[WORDS_MAX])
{
	size_t n = 0;

	for (char *w = strtok(text, " "); w != NULL && n < WORDS_MAX; w = strtok(NULL, " "))
		words[n++] = w;
	return n;
}

static void
join(char *out, char *const *words, size_t n)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(out + used, TEXT - used, "%s%s", i == 0 ? "" : " ", words[i]);
}

static void
without_marks(char *word, size_t size)
{
	char *folded = NULL;

	if (text_fold(word, &folded) == RC_OK && folded[0] != '\0') {
		folded[0] = (char)(folded[0] >= 'a' && folded[0] <= 'z' ? folded[0] - 32 : folded[0]);
		snprintf(word, size, "%s", folded);
	}
	free(folded);
}

static void
mistype(uint64_t *seed, char *word, size_t size)
{
	char out[TEXT];
	size_t len = strlen(word), at = below(seed, len);

	for (size_t i = 0; i < len && ((uint8_t)word[at] >= 0x80 || at == 0); i++)
		at = (at + 1) % len;
	if ((uint8_t)word[at] >= 0x80)
		return;
	switch (below(seed, 4)) {
	case 0:		/* left out */
		snprintf(out, sizeof(out), "%.*s%s", (int)at, word, word + at + 1);
		break;
	case 1:		/* twice */
		snprintf(out, sizeof(out), "%.*s%c%s", (int)at + 1, word, word[at], word + at + 1);
		break;
	case 2:		/* its neighbour */
		snprintf(out, sizeof(out), "%.*s%c%s", (int)at, word, "qwertyuiopasdfghjklmnbvcxz"[below(seed, 26)],
		    word + at + 1);
		break;
	default:	/* exchanged with the next */
		if (at + 1 >= len || (uint8_t)word[at + 1] >= 0x80)
			return;
		snprintf(out, sizeof(out), "%.*s%c%c%s", (int)at, word, word[at + 1], word[at],
		    word + at + 2);
		break;
	}
	snprintf(word, size, "%s", out);
}

static bool
respell(uint64_t *seed, char *name, const char *const (*pairs)[2], size_t n)
{
	size_t from = below(seed, n);
	char out[2 * TEXT];

	for (size_t i = 0; i < n; i++) {
		const char *const *p = pairs[(from + i) % n];
		char *at = strstr(name, p[0]);

		if (at == NULL)
			continue;
		snprintf(out, sizeof(out), "%.*s%s%s", (int)(at - name), name, p[1], at + strlen(p[0]));
		snprintf(name, TEXT, "%.*s", TEXT - 1, out);
		return true;
	}
	return false;
}

static void
write_name_again(uint64_t *seed, struct twice_registered *p)
{
	static const char *const spelling[][2] = { { "Hòa", "Hoà" }, { "Thúy", "Thuý" },
		{ "Thủy", "Thuỷ" }, { "Thùy", "Thuỳ" }, { "Lý ", "Lí " }, { "Vy", "Vi" }, { "Mỷ", "Mỉ" },
		{ "My", "Mi" }, { "Quý", "Quí" } };
	static const char *const heard[][2] = { { " L", " N" }, { "Nông", "Lông" }, { " N", " L" },
		{ " S", " X" }, { " X", " S" }, { "Tr", "Ch" }, { "Ch", "Tr" }, { " Gi", " D" }, { " D", " Gi" },
		{ "Slao", "Sao" }, { "Sl", "X" }, { "Giàng", "Dàng" } };
	char text[TEXT], part[TEXT], *words[WORDS_MAX], *swapped[WORDS_MAX];
	size_t how = below(seed, 100), n, at;

	memcpy(text, p->name, TEXT);
	n = split(text, words);
	at = below(seed, n);
	if (how < 36) {
		mark(p, NAME_SAME);
	} else if (how < 60) {
		mark(p, NAME_NO_MARKS);
		for (size_t i = 0, used = 0; i < n; i++) {
			snprintf(part, sizeof(part), "%s", words[i]);
			without_marks(part, sizeof(part));
			used += (size_t)snprintf(p->name + used, TEXT - used, "%s%s", i == 0 ? "" : " ", part);
		}
	} else if (how < 70 || how >= 96) {
		snprintf(part, sizeof(part), "%s", words[how < 70 ? at : n - 1]);
		if (how >= 96) {
			mark(p, NAME_OTHER);
			snprintf(part, sizeof(part), "%s", pick(seed, &corpus_peoples[below(seed, 3)].given[p->sex[0] == 'F']));
			at = n - 1;
		} else {
			mark(p, NAME_A_MARK);
			without_marks(part, sizeof(part));
		}
		words[at] = part;
		join(p->name, words, n);
	} else if (how < 78) {
		mark(p, NAME_TYPO);
		snprintf(part, sizeof(part), "%s", words[at]);
		mistype(seed, part, sizeof(part));
		words[at] = part;
		join(p->name, words, n);
	} else if (how < 84) {
		mark(p, NAME_NO_MIDDLE);
		memmove(&words[1], &words[2], (n - 2) * sizeof(words[0]));
		join(p->name, words, n - 1);
	} else if (how < 88) {
		mark(p, NAME_ORDER);
		for (size_t i = 0; i < n; i++)
			swapped[i] = words[(i + n - 1) % n];
		join(p->name, swapped, n);
	} else if (how < 92) {
		mark(p, respell(seed, p->name, spelling, sizeof(spelling) / sizeof(spelling[0])) ?
		    NAME_SPELLING : NAME_SAME);
	} else {
		mark(p, respell(seed, p->name, heard, sizeof(heard) / sizeof(heard[0])) ? NAME_HEARD : NAME_SAME);
	}
}

static void
write_birth_again(uint64_t *seed, struct twice_registered *p)
{
	size_t how = below(seed, 100);
	int day = p->day, month = p->month, year = p->year;

	p->about = 0;
	if (how < 50) {
		mark(p, BIRTH_SAME);
	} else if (how < 72) {
		mark(p, BIRTH_LESS);
		if (one_in_100(seed, 30))
			snprintf(p->birth, sizeof(p->birth), "%04d-%02d", year, month);
		else
			snprintf(p->birth, sizeof(p->birth), "%04d%s", year,
			    one_in_100(seed, 25) ? "-01-01" : "");
		return;
	} else if (how < 77 && day <= 12) {
		mark(p, BIRTH_SWAPPED);
		day = p->month;
		month = p->day;
	} else if (how < 83) {
		mark(p, BIRTH_TYPO);
		if (one_in_100(seed, 50))
			day += day > 10 ? -10 : 10;
		else if (one_in_100(seed, 50))
			year += one_in_100(seed, 50) ? 1 : -1;
		else
			year -= 10;
	} else if (how < 93) {
		mark(p, BIRTH_AGE);
		p->about = 2026 - p->year + (int)below(seed, 5) - 2;
		p->birth[0] = '\0';
		return;
	} else {
		mark(p, BIRTH_NONE);
		p->birth[0] = '\0';
		return;
	}
	snprintf(p->birth, sizeof(p->birth), "%04d-%02d-%02d", year, month, day);
}

static void
write_rest_again(uint64_t *seed, struct twice_registered *p, const struct twice_registered *first)
{
	size_t how = below(seed, 100);

	if (how < 45) {
		mark(p, PHONE_SAME);
	} else if (how < 78) {
		mark(p, PHONE_OTHER);
		make_phone(seed, p);
	} else {
		mark(p, PHONE_NONE);
		p->phone[0] = '\0';
	}
	how = below(seed, 100);
	if (how < 55) {
		mark(p, PAPER_SAME);
	} else if (how < 63) {
		size_t at = 4 + below(seed, 5);

		mark(p, PAPER_TYPO);
		p->paper[at] = (char)('0' + (p->paper[at] - '0' + 1 + (int)below(seed, 9)) % 10);
	} else if (how < 70) {
		mark(p, PAPER_OTHER);
		make_paper(seed, p, strlen(first->paper) != 9);
	} else {
		mark(p, PAPER_NONE);
		p->paper[0] = '\0';
	}
	if (one_in_100(seed, 15))
		snprintf(p->registered, sizeof(p->registered), "06%03zu", below(seed, COMMUNES) + 1);
	if (one_in_100(seed, 35))
		snprintf(p->current, sizeof(p->current), "06%03zu", below(seed, COMMUNES) + 1);
	if (one_in_100(seed, 20))
		snprintf(p->address, TEXT, "Nhà chị gái, %s %s", pick(seed, &corpus_village_first),
		    pick(seed, &corpus_village_second));
	if (one_in_100(seed, 50) && strncmp(p->address, "Thôn ", strlen("Thôn ")) == 0)
		memmove(p->address, p->address + strlen("Thôn "), strlen(p->address + strlen("Thôn ")) + 1);
	if (one_in_100(seed, 2))
		p->sex = p->sex[0] == 'F' ? "M" : "F";
	if (one_in_100(seed, 5))
		p->ethnicity = corpus_peoples[below(seed, CORPUS_PEOPLES)].ethnicity;
}

/* Everybody ------------------------------------------------------------ */

struct twice_registered *
twice_registered_make(size_t n, size_t planted, uint64_t seed)
{
	struct twice_registered *all = calloc(n + 1, sizeof(*all));	/* from 1 */
	size_t apart = planted == 0 ? n : n / planted, first = n - planted;

	for (size_t i = 1; all != NULL && i <= first; i++) {
		if (i > 1 && one_in_100(&seed, 4))
			make_sibling(&seed, &all[i], &all[i - 1]);
		else
			make_person(&seed, &all[i]);
	}
	/* what is left out in one record is left out for itself, not for both */
	for (size_t i = first + 1; all != NULL && i <= n; i++) {
		size_t of = 1 + ((i - first - 1) * (apart - 1) + below(&seed, apart - 1)) % first;

		while (all[of].twice != 0)
			of = of % first + 1;
		all[i] = all[of];
		all[i].mishaps = 0;
		all[of].twice = i;
		write_name_again(&seed, &all[i]);
		write_birth_again(&seed, &all[i]);
		write_rest_again(&seed, &all[i], &all[of]);
	}
	for (size_t i = 1; all != NULL && i <= n; i++)
		leave_out(&seed, &all[i]);
	return all;
}
