#include "shared/records/duplicate_name.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/arena.h"
#include "shared/base/text.h"

struct word {
	char text[DUPLICATE_WORD_MAX];
	uint8_t len;
	bool padding;
	uint32_t sound;
	uint32_t count;
	double weight;
};

/* A word as somebody wrote it, and what became of it. */
struct spelling {
	struct spelling *next;
	const char *text;
	uint32_t word, marks;
	bool marked;
};

enum { SPELLING_BUCKETS = 16384, SPELLING_MAX = 63 };

struct duplicate_words {
	struct arena arena;
	struct spelling *spellings[SPELLING_BUCKETS];
	uint32_t *by_text;		/* open addressing; 0: free */
	size_t slots;
	struct word *words;		/* from 1 */
	size_t n, cap;
};

enum rc
duplicate_words_new(struct duplicate_words **out)
{
	struct duplicate_words *w = calloc(1, sizeof(*w));

	*out = NULL;
	if (w == NULL)
		return RC_NOMEM;
	arena_init(&w->arena, 0);
	w->n = 1;
	w->cap = 1024;
	w->slots = 4096;
	w->words = calloc(w->cap, sizeof(*w->words));
	w->by_text = calloc(w->slots, sizeof(*w->by_text));
	if (w->words == NULL || w->by_text == NULL) {
		duplicate_words_free(w);
		return RC_NOMEM;
	}
	*out = w;
	return RC_OK;
}

void
duplicate_words_free(struct duplicate_words *w)
{
	if (w == NULL)
		return;
	arena_reset(&w->arena);
	free(w->by_text);
	free(w->words);
	free(w);
}

static uint32_t
hash(const char *s, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)s[i]) * 16777619u;
	return h ^ h >> 15;
}

/* Sounds --------------------------------------------------------------- */

/*
 * Beginnings that are mistaken for each other in the North and its border districts, the
 * longest first.  They need not be right for a linguist: they only bring names together.
 */
static const char *const BEGINNINGS[][2] = {
	{ "ngh", "ng" }, { "gh", "g" }, { "gi", "d" }, { "tr", "ch" }, { "sl", "x" }, { "qu", "cu" },
	{ "ph", "f" }, { "k", "c" }, { "q", "c" }, { "s", "x" }, { "r", "d" }, { "z", "d" }, { "j", "d" },
	{ "l", "n" }, { "y", "i" },
};

static void
sound_of(const char *folded, char out[DUPLICATE_WORD_MAX])
{
	const char *rest = folded, *lead = "";
	size_t n;

	for (size_t i = 0; *lead == '\0' && i < sizeof(BEGINNINGS) / sizeof(BEGINNINGS[0]); i++) {
		size_t len = strlen(BEGINNINGS[i][0]);

		/* "gi" alone is the whole word (gi, gin): its vowel stays */
		if (strncmp(folded, BEGINNINGS[i][0], len) == 0 &&
		    (folded[len] != '\0' || len == 1) &&
		    (strcmp(BEGINNINGS[i][0], "gi") != 0 || strchr("aeiouy", folded[len]) != NULL)) {
			lead = BEGINNINGS[i][1];
			rest = folded + len;
		}
	}
	snprintf(out, DUPLICATE_WORD_MAX, "%s%s", lead, rest);
	n = strlen(out);
	for (size_t i = 0; i < n; i++)
		if (out[i] == 'y')
			out[i] = 'i';
}

/* Marks ---------------------------------------------------------------- */

/* Each row: a letter without a tone, then with the five tones. */
static const char *const LETTERS[][6] = {
	{ "a", "à", "ả", "ã", "á", "ạ" }, { "ă", "ằ", "ẳ", "ẵ", "ắ", "ặ" }, { "â", "ầ", "ẩ", "ẫ", "ấ", "ậ" },
	{ "e", "è", "ẻ", "ẽ", "é", "ẹ" }, { "ê", "ề", "ể", "ễ", "ế", "ệ" }, { "i", "ì", "ỉ", "ĩ", "í", "ị" },
	{ "o", "ò", "ỏ", "õ", "ó", "ọ" }, { "ô", "ồ", "ổ", "ỗ", "ố", "ộ" }, { "ơ", "ờ", "ở", "ỡ", "ớ", "ợ" },
	{ "u", "ù", "ủ", "ũ", "ú", "ụ" }, { "ư", "ừ", "ử", "ữ", "ứ", "ự" }, { "y", "ỳ", "ỷ", "ỹ", "ý", "ỵ" },
	{ "A", "À", "Ả", "Ã", "Á", "Ạ" }, { "Ă", "Ằ", "Ẳ", "Ẵ", "Ắ", "Ặ" }, { "Â", "Ầ", "Ẩ", "Ẫ", "Ấ", "Ậ" },
	{ "E", "È", "Ẻ", "Ẽ", "É", "Ẹ" }, { "Ê", "Ề", "Ể", "Ễ", "Ế", "Ệ" }, { "I", "Ì", "Ỉ", "Ĩ", "Í", "Ị" },
	{ "O", "Ò", "Ỏ", "Õ", "Ó", "Ọ" }, { "Ô", "Ồ", "Ổ", "Ỗ", "Ố", "Ộ" }, { "Ơ", "Ờ", "Ở", "Ỡ", "Ớ", "Ợ" },
	{ "U", "Ù", "Ủ", "Ũ", "Ú", "Ụ" }, { "Ư", "Ừ", "Ử", "Ữ", "Ứ", "Ự" }, { "Y", "Ỳ", "Ỷ", "Ỹ", "Ý", "Ỵ" },
};
enum { LETTER_ROWS = 12 };	/* then the same in upper case */

/* One letter at s: its row and tone; 0 if it is none of these, else its bytes. */
static size_t
letter_at(const char *s, unsigned *row, unsigned *tone)
{
	for (unsigned i = 0; i < sizeof(LETTERS) / sizeof(LETTERS[0]); i++) {
		for (unsigned t = 0; t < 6; t++) {
			size_t len = strlen(LETTERS[i][t]);

			if (strncmp(s, LETTERS[i][t], len) == 0) {
				*row = i % LETTER_ROWS;
				*tone = t;
				return len;
			}
		}
	}
	return 0;
}

/*
 * The marks of a word without the place where its tone is written: its vowels with their
 * hats, then the tone.  A final y counts as i, as in the folded form.
 */
static uint32_t
marks_of(const char *s, bool *marked)
{
	static const unsigned Y = 11, I = 5;
	unsigned row, tone, word_tone = 0;
	uint32_t h = 2166136261u;

	*marked = false;
	while (*s != '\0') {
		size_t len = letter_at(s, &row, &tone);

		if (len == 0) {
			bool d = strncmp(s, "đ", 2) == 0 || strncmp(s, "Đ", 2) == 0;

			*marked = *marked || d;
			h = (h ^ (d ? 40u : 50u)) * 16777619u;
			do
				s++;
			while (((uint8_t)*s & 0xc0) == 0x80);
			continue;
		}
		*marked = *marked || tone != 0 || row == 1 || row == 2 || row == 4 || row == 7 ||
		    row == 8 || row == 10;
		word_tone = tone != 0 ? tone : word_tone;
		h = (h ^ (row == Y ? I : row)) * 16777619u;
		s += len;
	}
	return (h ^ (word_tone + 100u)) * 16777619u;
}

/* Words ---------------------------------------------------------------- */

static enum rc
grow(struct duplicate_words *w)
{
	size_t slots = w->slots * 2;
	uint32_t *by_text = calloc(slots, sizeof(*by_text));
	struct word *words = realloc(w->words, 2 * w->cap * sizeof(*words));

	if (words != NULL) {
		w->words = words;
		memset(words + w->cap, 0, w->cap * sizeof(*words));
		w->cap *= 2;
	}
	if (words == NULL || by_text == NULL) {
		free(by_text);
		return RC_NOMEM;
	}
	for (size_t i = 1; i < w->n; i++) {
		size_t at = hash(words[i].text, words[i].len) & (slots - 1);

		while (by_text[at] != 0)
			at = (at + 1) & (slots - 1);
		by_text[at] = (uint32_t)i;
	}
	free(w->by_text);
	w->by_text = by_text;
	w->slots = slots;
	return RC_OK;
}

static enum rc
intern(struct duplicate_words *w, const char *text, uint32_t *out)
{
	size_t len = strlen(text) < DUPLICATE_WORD_MAX ? strlen(text) : DUPLICATE_WORD_MAX - 1, at;
	struct word *word;
	enum rc rc;

	*out = 0;
	if (w->n == w->cap && (rc = grow(w)) != RC_OK)
		return rc;
	at = hash(text, len) & (w->slots - 1);
	for (; w->by_text[at] != 0; at = (at + 1) & (w->slots - 1)) {
		word = &w->words[w->by_text[at]];
		if (word->len == len && memcmp(word->text, text, len) == 0) {
			*out = w->by_text[at];
			return RC_OK;
		}
	}
	word = &w->words[w->n];
	memset(word, 0, sizeof(*word));
	memcpy(word->text, text, len);
	word->len = (uint8_t)len;
	word->padding = strcmp(word->text, "thi") == 0 || strcmp(word->text, "van") == 0;
	w->by_text[at] = (uint32_t)w->n;
	*out = (uint32_t)w->n++;
	return RC_OK;
}

static enum rc
new_spelling(struct duplicate_words *w, const char *text, struct spelling *s)
{
	char sound[DUPLICATE_WORD_MAX], *folded = NULL;
	uint32_t sounds;
	enum rc rc = text_fold(text, &folded);

	s->marks = marks_of(text, &s->marked);
	if (rc == RC_OK && (rc = intern(w, folded, &s->word)) == RC_OK &&
	    w->words[s->word].sound == 0) {
		snprintf(sound, sizeof(sound), "%s", w->words[s->word].text);
		sound_of(w->words[s->word].text, sound);
		rc = intern(w, sound, &sounds);
		w->words[s->word].sound = sounds;
	}
	free(folded);
	return rc;
}

static enum rc
find_spelling(struct duplicate_words *w, const char *text, size_t len, struct spelling **out)
{
	struct spelling **bucket = &w->spellings[hash(text, len) % SPELLING_BUCKETS], *s;
	enum rc rc = RC_OK;

	for (s = *bucket; s != NULL; s = s->next)
		if (strlen(s->text) == len && memcmp(s->text, text, len) == 0)
			break;
	if (s == NULL) {
		s = arena_alloc(&w->arena, 1, sizeof(*s));
		if (s == NULL || (s->text = arena_copy(&w->arena, text, len)) == NULL)
			return RC_NOMEM;
		if ((rc = new_spelling(w, s->text, s)) == RC_OK) {
			s->next = *bucket;
			*bucket = s;
		}
	}
	*out = s;
	return rc;
}

static bool
parts_words(char c)
{
	return (uint8_t)c < 0x80 && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
	    !(c >= '0' && c <= '9');
}

/* A long word is cut where a character begins. */
static size_t
cut(const char *s, size_t len)
{
	if (len <= SPELLING_MAX)
		return len;
	len = SPELLING_MAX;
	while (len > 0 && ((uint8_t)s[len] & 0xc0) == 0x80)
		len--;
	return len;
}

enum rc
duplicate_words_read(struct duplicate_words *w, const char *text, bool counts,
    struct duplicate_name *out)
{
	enum rc rc = RC_OK;

	memset(out, 0, sizeof(*out));
	while (rc == RC_OK && *text != '\0') {
		struct spelling *s;
		size_t len = 0;

		while (text[len] != '\0' && !parts_words(text[len]))
			len++;
		if (len == 0) {
			text++;
			continue;
		}
		rc = find_spelling(w, text, cut(text, len), &s);
		text += len;
		if (rc != RC_OK || w->words[s->word].len == 0)
			continue;
		if (out->n == DUPLICATE_NAME_WORDS) {
			memmove(&out->word[1], &out->word[2], (out->n - 2) * sizeof(out->word[0]));
			memmove(&out->marks[1], &out->marks[2], (out->n - 2) * sizeof(out->marks[0]));
			out->n--;
		}
		out->word[out->n] = s->word;
		out->marks[out->n++] = s->marks;
		out->marked = out->marked || s->marked;
		w->words[s->word].count += counts ? 1 : 0;
	}
	return rc;
}

/* Comparing ------------------------------------------------------------ */

/*
 * What is known beforehand of how many have a word, so that few records do not make
 * a common name look rare.
 */
static double
known_share(const char *text)
{
	static const struct { const char *text; double share; } known[] = {
		{ "thi", 0.40 }, { "van", 0.30 }, { "nguyen", 0.25 }, { "tran", 0.08 }, { "le", 0.07 },
		{ "hoang", 0.10 }, { "nong", 0.10 }, { "ly", 0.06 }, { "li", 0.06 }, { "pham", 0.05 },
		{ "trieu", 0.04 }, { "vi", 0.04 }, { "a", 0.05 }, { "lo", 0.04 }, { "thu", 0.03 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(text, known[i].text) == 0)
			return known[i].share;
	return 0.01;
}

void
duplicate_words_weigh(struct duplicate_words *w, size_t names)
{
	const double before = 300;	/* names that the known shares stand for */

	for (size_t i = 1; i < w->n; i++) {
		struct word *word = &w->words[i];
		double share = (word->count + before * known_share(word->text)) /
		    ((double)names + before);

		word->weight = share < 1 ? -log2(share) : 0;
		if (word->weight < 0.3)
			word->weight = 0.3;
		if (word->weight > 9)
			word->weight = 9;
	}
}

double
duplicate_words_weight(const struct duplicate_words *w, uint32_t word)
{
	return w->words[word].weight;
}

uint32_t
duplicate_words_sound(const struct duplicate_words *w, uint32_t word)
{
	return w->words[word].sound;
}

bool
duplicate_words_is_padding(const struct duplicate_words *w, uint32_t word)
{
	return w->words[word].padding;
}

bool
duplicate_words_one_apart(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t head = 0, tail = 0, least = a_len < b_len ? a_len : b_len, x, y;

	while (head < least && a[head] == b[head])
		head++;
	while (tail < least - head && a[a_len - 1 - tail] == b[b_len - 1 - tail])
		tail++;
	x = a_len - head - tail;
	y = b_len - head - tail;
	if (x <= 1 && y <= 1)
		return true;
	return x == 2 && y == 2 && a[head] == b[head + 1] && a[head + 1] == b[head];
}

enum duplicate_likeness
duplicate_words_likeness(const struct duplicate_words *w, uint32_t a, uint32_t b)
{
	const struct word *x = &w->words[a], *y = &w->words[b];

	if (a == b)
		return DUPLICATE_EQUAL;
	if (x->sound == y->sound)
		return DUPLICATE_SOUND;
	if (x->len + y->len >= 5 &&
	    duplicate_words_one_apart(x->text, x->len, y->text, y->len))
		return DUPLICATE_NEAR;
	return DUPLICATE_UNLIKE;
}
