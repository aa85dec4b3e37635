#include "shared/records/duplicate_score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint32_t
bit(enum duplicate_ground g)
{
	return UINT32_C(1) << (unsigned)g;
}

/* Names ---------------------------------------------------------------- */

enum {
	NAME_MOST = 14, NAME_LEAST = -12
};
/* In bits; what one person's two records differ in, and how often, settles them. */
#define MARKS_DIFFER 3.0	/* both are written with marks, and this word's are others */
#define SOUND_COSTS 2.0
#define NEAR_COSTS 4.0
#define ORDER_COSTS 1.5
#define PADDING_LACKS 0.7	/* Thị, Văn */
#define WORD_LACKS 2.0
#define GIVEN_DIFFERS 7.0	/* the given name is another */
#define WORD_DIFFERS 4.5
#define GIVEN_LACKS 2.0		/* the given name of one is a middle name of the other */
/* What house, telephone and birthday of brothers and sisters, of twins, may add up to. */
#define FAMILY_MOST 5.0

struct aligned {
	int of[DUPLICATE_NAME_WORDS];	/* word of b for each of a; -1: none */
	enum duplicate_likeness like[DUPLICATE_NAME_WORDS];
	bool taken[DUPLICATE_NAME_WORDS];
};

/* The most alike words first, and of equals the nearest in place. */
static void
align(const struct duplicate_words *w, const struct duplicate_name *a,
    const struct duplicate_name *b, struct aligned *m)
{
	memset(m, 0, sizeof(*m));
	for (int i = 0; i < DUPLICATE_NAME_WORDS; i++)
		m->of[i] = -1;
	for (enum duplicate_likeness like = DUPLICATE_EQUAL; like > DUPLICATE_UNLIKE; like--) {
		for (int i = 0; i < a->n; i++) {
			int best = -1;

			for (int k = 0; m->of[i] < 0 && k < b->n; k++)
				if (!m->taken[k] && (best < 0 || abs(k - i) < abs(best - i)) &&
				    duplicate_words_likeness(w, a->word[i], b->word[k]) == like)
					best = k;
			if (best < 0)
				continue;
			m->of[i] = best;
			m->like[i] = like;
			m->taken[best] = true;
		}
	}
}

/* What the words that were found in both say. */
static double
shared_words(const struct duplicate_words *w, const struct duplicate_name *a,
    const struct duplicate_name *b, const struct aligned *m, uint32_t *g)
{
	double bits = 0;
	int before = -1;

	for (int i = 0; i < a->n; i++) {
		double x, y;

		if (m->of[i] < 0)
			continue;
		x = duplicate_words_weight(w, a->word[i]);
		y = duplicate_words_weight(w, b->word[m->of[i]]);
		bits += x < y ? x : y;
		if (m->like[i] == DUPLICATE_SOUND) {
			bits -= SOUND_COSTS;
			*g |= bit(GROUND_NAME_SOUND);
		} else if (m->like[i] == DUPLICATE_NEAR) {
			bits -= NEAR_COSTS;
			*g |= bit(GROUND_NAME_NEAR);
		} else if (a->marks[i] != b->marks[m->of[i]]) {
			bits -= a->marked && b->marked ? MARKS_DIFFER : 0;
			*g |= bit(GROUND_NAME_MARKS);
		}
		if (m->of[i] < before)
			*g |= bit(GROUND_NAME_ORDER);
		before = m->of[i];
	}
	return bits;
}

static double
lacking(const struct duplicate_words *w, uint32_t word)
{
	return duplicate_words_is_padding(w, word) ? PADDING_LACKS : WORD_LACKS;
}

/* is_other: stays true if the given names differ. */
static double
score_name(const struct duplicate_words *w, const struct duplicate_name *a,
    const struct duplicate_name *b, uint32_t *grounds, bool *is_other)
{
	struct aligned m;
	uint32_t g = 0;
	unsigned lone_a = 0, lone_b = 0;
	double bits, lacks = 0;
	bool given;

	if (a->n == 0 || b->n == 0) {
		*is_other = false;
		return 0;
	}
	align(w, a, b, &m);
	bits = shared_words(w, a, b, &m, &g);
	for (int i = 0; i < a->n; i++) {
		if (m.of[i] >= 0)
			continue;
		lone_a++;
		lacks += lacking(w, a->word[i]);
	}
	for (int k = 0; k < b->n; k++) {
		if (m.taken[k])
			continue;
		lone_b++;
		lacks += lacking(w, b->word[k]);
	}
	given = m.of[a->n - 1] == b->n - 1;
	if (lone_a > 0 && lone_b > 0) {
		unsigned pairs = lone_a < lone_b ? lone_a : lone_b;

		bits -= given ? WORD_DIFFERS * pairs : GIVEN_DIFFERS + WORD_DIFFERS * (pairs - 1);
		g |= bit(AGAINST_NAME);
		*is_other = *is_other && !given;
	} else if (lone_a + lone_b > 0) {
		bits -= lacks + (given ? 0 : GIVEN_LACKS);
		*is_other = false;
		g |= bit(GROUND_NAME_PART);
	}
	if (lone_a + lone_b == 0)
		*is_other = false;
	if ((g & bit(GROUND_NAME_ORDER)) != 0)
		bits -= ORDER_COSTS;
	if (g == 0)
		g = bit(GROUND_NAME);
	/* what is left of a name that differs is no ground to name */
	if ((g & bit(AGAINST_NAME)) != 0)
		g = bits > 0 ? bit(GROUND_NAME_PART) : bit(AGAINST_NAME);
	*grounds |= g;
	return bits > NAME_MOST ? NAME_MOST : bits < NAME_LEAST ? NAME_LEAST : bits;
}

static double
score_names(const struct duplicate_scale *s, const struct duplicate_person *a,
    const struct duplicate_person *b, uint32_t *grounds, bool *is_other)
{
	uint32_t best_g = 0, g;
	double best = score_name(s->words, &a->name, &b->name, &best_g, is_other), bits;

	for (uint32_t i = 0; i <= a->n_others; i++) {
		for (uint32_t k = 0; k <= b->n_others; k++) {
			const struct duplicate_name *x = i == 0 ? &a->name : &s->others[a->others + i - 1];
			const struct duplicate_name *y = k == 0 ? &b->name : &s->others[b->others + k - 1];

			g = 0;
			if ((i == 0 && k == 0) || x->n == 0 || y->n == 0)
				continue;
			bits = score_name(s->words, x, y, &g, is_other) - 1;
			if (bits > best) {
				best = bits;
				best_g = g | bit(GROUND_NAME_OTHER);
			}
		}
	}
	*grounds |= best_g;
	return best;
}

/* Birth ---------------------------------------------------------------- */

/* 1 January is what people write who know the year alone. */
static bool
has_day(const struct duplicate_person *p)
{
	return p->day != 0 && !(p->day == 1 && p->month == 1);
}

static bool
has_month(const struct duplicate_person *p)
{
	return p->month != 0 && (has_day(p) || p->day == 0);
}

static bool
one_digit(int a, int b)
{
	int digits = 0;

	for (int i = 0; i < 4; i++, a /= 10, b /= 10)
		digits += a % 10 != b % 10 ? 1 : 0;
	return digits == 1;
}

/* Two complete dates. */
static double
score_days(const struct duplicate_person *a, const struct duplicate_person *b, uint32_t *g)
{
	bool same_day = a->day == b->day, same_month = a->month == b->month;
	int apart = abs(a->year - b->year);

	if (apart == 0 && same_day && same_month) {
		*g |= bit(GROUND_BIRTH);
		return 13;
	}
	if (apart == 0 && a->day == b->month && a->month == b->day) {
		*g |= bit(GROUND_BIRTH_SWAPPED);
		return 9;
	}
	if (apart == 0 && (same_day || same_month)) {
		*g |= bit(GROUND_BIRTH_NEAR);
		return same_month && one_digit(a->day, b->day) ? 5 : 2.5;
	}
	if (same_day && same_month && (apart <= 2 || one_digit(a->year, b->year))) {
		*g |= bit(GROUND_BIRTH_NEAR);
		return 6;
	}
	/* a day by the old calendar and one by the new are of one year, more or less */
	if (apart == 0) {
		*g |= bit(GROUND_BIRTH_YEAR);
		return -1;
	}
	*g |= bit(AGAINST_BIRTH);
	return apart == 1 ? -4 : apart < 6 ? -7 : -10;
}

/* Years, with the months where both are known. */
static double
score_years(const struct duplicate_person *a, const struct duplicate_person *b, uint32_t *g)
{
	int apart = abs(a->year - b->year);

	if (apart == 0 && has_month(a) && has_month(b)) {
		*g |= bit(a->month == b->month ? GROUND_BIRTH_MONTH : GROUND_BIRTH_YEAR);
		return a->month == b->month ? 8 : -1;
	}
	if (apart == 0) {
		*g |= bit(GROUND_BIRTH_YEAR);
		return 5;
	}
	if (apart == 1)
		return -1;
	*g |= bit(AGAINST_BIRTH);
	return apart == 2 ? -4 : apart < 6 ? -7 : -10;
}

static double
score_birth(const struct duplicate_person *a, const struct duplicate_person *b, uint32_t *g)
{
	int x, y, apart;

	if (a->year != 0 && b->year != 0)
		return has_day(a) && has_day(b) ? score_days(a, b, g) : score_years(a, b, g);
	x = a->year != 0 ? a->year : a->about;
	y = b->year != 0 ? b->year : b->about;
	if (x == 0 || y == 0)
		return 0;
	apart = abs(x - y);
	if (apart <= 3) {
		*g |= bit(GROUND_BIRTH_AGE);
		return apart <= 1 ? 2.5 : 1.5;
	}
	if (apart <= 5)
		return -1;
	*g |= bit(AGAINST_BIRTH);
	return apart <= 8 ? -4 : -8;
}

/* The rest ------------------------------------------------------------- */

static double
score_paper(const struct duplicate_person *a, const struct duplicate_person *b, uint32_t *g)
{
	if (a->paper_len == 0 || b->paper_len == 0)
		return 0;
	if (a->paper_len == b->paper_len && memcmp(a->paper, b->paper, a->paper_len) == 0) {
		*g |= bit(GROUND_PAPER);
		return 18;
	}
	/* an old number and a new one, or another kind of papers */
	if (a->paper_len != b->paper_len && abs(a->paper_len - b->paper_len) > 1)
		return 0;
	if (a->paper_len >= 8 &&
	    duplicate_words_one_apart(a->paper, a->paper_len, b->paper, b->paper_len)) {
		*g |= bit(GROUND_PAPER_NEAR);
		return 7;
	}
	if (a->paper_len != b->paper_len)
		return 0;
	*g |= bit(AGAINST_PAPER);
	return a->paper_len == 12 ? -9 : -4;
}

/* A telephone is shared by a family, or by all who stay in a shelter. */
static double
score_phone(const struct duplicate_person *a, const struct duplicate_person *b, uint32_t *g)
{
	double bits;

	if (a->phone == 0 || b->phone == 0)
		return 0;
	if (a->phone != b->phone)
		return -0.7;
	*g |= bit(GROUND_PHONE);
	bits = 9 - 1.5 * log2(a->phones < 2 ? 1 : (double)(a->phones - 1));
	return bits < 1 ? 1 : bits;
}

static double
code_bits(const struct duplicate_scale *s, uint32_t code, double most)
{
	double bits = code < s->codes.n ? s->codes.bits[code] : 0;

	return bits > most ? most : bits;
}

static double
score_place(const struct duplicate_scale *s, const struct duplicate_person *a,
    const struct duplicate_person *b, uint32_t *g)
{
	double bits = 0;
	unsigned words = 0, shared = 0;

	if (a->registered != 0 && a->registered == b->registered) {
		bits += code_bits(s, a->registered, 5);
		*g |= bit(GROUND_REGISTERED);
	} else if (a->registered != 0 && b->registered != 0) {
		bits -= 2;
		*g |= bit(AGAINST_REGISTERED);
	}
	if (a->current != 0 && a->current == b->current) {
		bits += bits > 0 ? 0.5 : code_bits(s, a->current, 4);
		*g |= bit(GROUND_CURRENT);
	}
	if (bits <= 0)
		return bits;
	for (int i = 0; i < DUPLICATE_ADDRESS_WORDS && a->address[i] != 0; i++)
		for (int k = 0; k < DUPLICATE_ADDRESS_WORDS && b->address[k] != 0; k++)
			shared += a->address[i] == b->address[k] ? 1 : 0;
	for (int i = 0; i < DUPLICATE_ADDRESS_WORDS; i++)
		words += a->address[i] != 0 && b->address[i] != 0 ? 1 : 0;
	if (words >= 2 && 3 * shared >= 2 * words) {
		*g |= bit(GROUND_ADDRESS);
		bits += 3;
	} else if (words >= 2 && shared == 0)
		bits -= 1;
	return bits;
}

static double
score_codes(const struct duplicate_scale *s, const struct duplicate_person *a,
    const struct duplicate_person *b, uint32_t *g)
{
	double bits = 0;

	if (a->sex != 0 && b->sex != 0 && a->sex != b->sex) {
		*g |= bit(AGAINST_SEX);
		bits -= 5.5;
	} else if (a->sex != 0 && b->sex != 0)
		bits += 0.7;
	if (a->ethnicity != 0 && a->ethnicity == b->ethnicity)
		return bits + code_bits(s, a->ethnicity, 3);
	if (a->ethnicity != 0 && b->ethnicity != 0) {
		*g |= bit(AGAINST_ETHNICITY);
		bits -= 3;
	}
	return bits;
}

/* All of it ------------------------------------------------------------ */

double
duplicate_score(const struct duplicate_scale *s, const struct duplicate_person *a,
    const struct duplicate_person *b, uint32_t *grounds)
{
	double bits, name, family;
	bool is_other = true;

	*grounds = 0;
	name = score_names(s, a, b, grounds, &is_other);
	family = score_birth(a, b, grounds) + score_phone(a, b, grounds) +
	    score_place(s, a, b, grounds);
	if (is_other && family > FAMILY_MOST)
		family = FAMILY_MOST;
	bits = name + family + score_paper(a, b, grounds) + score_codes(s, a, b, grounds);
	/* of n persons each has n strangers, and one in some dozens a second record */
	return bits - log2((double)s->persons + 300) - 4;
}

unsigned
duplicate_score_percent(double bits)
{
	double percent = 100 / (1 + exp2(-bits));

	return percent < 1 ? 1 : percent > 99 ? 99 : (unsigned)percent;
}

/* In words ------------------------------------------------------------- */

static const char *const WORDS[DUPLICATE_GROUNDS][FORM_LANGS] = {
	[GROUND_NAME] = { "cùng họ tên", "same name" },
	[GROUND_NAME_MARKS] = { "họ tên chỉ khác dấu", "names differ in their marks alone" },
	[GROUND_NAME_SOUND] = { "họ tên đọc gần giống nhau", "names sound alike" },
	[GROUND_NAME_ORDER] = { "họ và tên đảo thứ tự", "words of the name in another order" },
	[GROUND_NAME_PART] = { "họ tên trùng một phần", "parts of the name are the same" },
	[GROUND_NAME_NEAR] = { "họ tên chỉ khác một chữ cái", "names differ in a letter" },
	[GROUND_NAME_OTHER] = { "trùng với tên gọi khác", "matches another name of the person" },
	[GROUND_BIRTH] = { "cùng ngày sinh", "same date of birth" },
	[GROUND_BIRTH_SWAPPED] = { "ngày và tháng sinh đảo chỗ", "day and month of birth exchanged" },
	[GROUND_BIRTH_NEAR] = { "ngày sinh gần trùng nhau", "dates of birth nearly the same" },
	[GROUND_BIRTH_MONTH] = { "cùng tháng và năm sinh", "same month and year of birth" },
	[GROUND_BIRTH_YEAR] = { "cùng năm sinh", "same year of birth" },
	[GROUND_BIRTH_AGE] = { "tuổi ước lượng phù hợp", "estimated age agrees" },
	[GROUND_PAPER] = { "cùng số giấy tờ", "same number of papers" },
	[GROUND_PAPER_NEAR] = { "số giấy tờ gần trùng nhau", "numbers of papers nearly the same" },
	[GROUND_PHONE] = { "cùng số điện thoại", "same telephone" },
	[GROUND_REGISTERED] = { "cùng nơi đăng ký thường trú", "same registered residence" },
	[GROUND_CURRENT] = { "cùng nơi ở hiện nay", "same present residence" },
	[GROUND_ADDRESS] = { "cùng địa chỉ", "same address" },
	[AGAINST_NAME] = { "họ tên khác nhau", "different names" },
	[AGAINST_BIRTH] = { "năm sinh khác nhau", "different years of birth" },
	[AGAINST_PAPER] = { "số giấy tờ khác nhau", "different numbers of papers" },
	[AGAINST_SEX] = { "giới tính khác nhau", "different sex" },
	[AGAINST_ETHNICITY] = { "dân tộc khác nhau", "different ethnicity" },
	[AGAINST_REGISTERED] = { "nơi đăng ký thường trú khác nhau", "different registered residence" },
};

bool
duplicate_ground_is_against(enum duplicate_ground g)
{
	return g >= AGAINST_NAME;
}

const char *
duplicate_ground_text(enum duplicate_ground g, enum form_lang lang)
{
	return g < DUPLICATE_GROUNDS ? WORDS[g][lang] : "";
}
