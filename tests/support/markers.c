#include "tests/support/markers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include <zlib.h>

#include "shared/base/bytes.h"
#include "shared/base/text.h"

enum {
	NEEDLES_MAX = 16384, NEEDLE_MIN = 6, WORD_MAX = 256, KEY_MAX = 128, HALF_MIN = 16,
	BUCKETS = 1 << 16, INFLATE_MAX = 1 << 16, INFLATE_WORTH = 32, PACKED_KINDS = 3
};

struct needle {
	uint8_t *p;
	size_t len;
	const char *word, *form;
	bool secret;
	int next;		/* in its bucket, -1: none */
};

struct markers {
	struct needle needles[NEEDLES_MAX];
	size_t n;
	char *words[NEEDLES_MAX];
	size_t n_words;
	int buckets[BUCKETS];		/* by the first four bytes */
	uint8_t filled[BUCKETS / 8];	/* the same, small enough for the nearest cache */
	z_stream streams[PACKED_KINDS];	/* raw, zlib, gzip */
	uint8_t inflated[INFLATE_MAX];
};

static void
give_up(const char *what)
{
	fprintf(stderr, "markers: %s\n", what);
	exit(2);
}

static unsigned
bucket_of(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return (uint32_t)(v * UINT32_C(2654435761)) >> 16;
}

struct markers *
markers_new(void)
{
	static const int bits[PACKED_KINDS] = { -15, 15, 31 };
	struct markers *m = calloc(1, sizeof(*m));

	if (m == NULL)
		give_up("out of memory");
	for (size_t i = 0; i < BUCKETS; i++)
		m->buckets[i] = -1;
	for (unsigned k = 0; k < PACKED_KINDS; k++)
		if (inflateInit2(&m->streams[k], bits[k]) != Z_OK)
			give_up("zlib does not start");
	return m;
}

void
markers_free(struct markers *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->n; i++)
		free(m->needles[i].p);
	for (size_t i = 0; i < m->n_words; i++)
		free(m->words[i]);
	for (unsigned k = 0; k < PACKED_KINDS; k++)
		(void)inflateEnd(&m->streams[k]);
	free(m);
}

size_t
markers_count(const struct markers *m)
{
	return m->n;
}

static const char *
keep_word(struct markers *m, const char *word)
{
	if (m->n_words == NEEDLES_MAX || (m->words[m->n_words] = text_dup(word)) == NULL)
		give_up("too many words");
	return m->words[m->n_words++];
}

/* What one needle after another is made of. */
struct clothing { const char *word; bool secret; };

static void
add_needle(struct markers *m, const void *p, size_t len, struct clothing c, const char *form)
{
	struct needle *n = &m->needles[m->n];
	unsigned b;

	if (len < NEEDLE_MIN)
		return;
	b = bucket_of(p);
	for (int i = m->buckets[b]; i >= 0; i = m->needles[i].next)
		if (m->needles[i].len == len && memcmp(m->needles[i].p, p, len) == 0)
			return;
	if (m->n == NEEDLES_MAX || len > MARKERS_LONGEST || (n->p = malloc(len)) == NULL)
		give_up("too many words, or too long");
	memcpy(n->p, p, len);
	n->len = len;
	n->word = c.word;
	n->secret = c.secret;
	n->form = form;
	n->next = m->buckets[b];
	m->buckets[b] = (int)m->n++;
	m->filled[b / 8] = (uint8_t)(m->filled[b / 8] | 1 << b % 8);
}

/* What base64 and hexadecimal make of the bytes, wherever the text around them begins. */
static void
add_coded(struct markers *m, const uint8_t *p, size_t len, struct clothing c)
{
	static const char alphabet[2][65] = {
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	};
	static const char digits[2][17] = { "0123456789abcdef", "0123456789ABCDEF" };
	char out[8 * WORD_MAX];

	if (len > 4 * WORD_MAX)
		return;
	for (unsigned a = 0; a < 2; a++) {
		for (size_t skip = 0; skip < 3; skip++) {
			size_t o = 0;

			/* groups of three that hold nothing but the word */
			for (size_t i = skip; i + 3 <= len; i += 3) {
				unsigned v = (unsigned)p[i] << 16 | (unsigned)p[i + 1] << 8 | p[i + 2];

				for (int shift = 18; shift >= 0; shift -= 6)
					out[o++] = alphabet[a][v >> shift & 63];
			}
			add_needle(m, out, o, c, "base64");
		}
		for (size_t i = 0; i < len; i++) {
			out[2 * i] = digits[a][p[i] >> 4];
			out[2 * i + 1] = digits[a][p[i] & 15];
		}
		add_needle(m, out, 2 * len, c, "hexadecimal");
	}
}

/* As a URL writes it: all that is no letter or digit, both cases of digits, a blank also as plus. */
static void
add_percent(struct markers *m, const char *text, struct clothing c)
{
	char out[3 * 4 * WORD_MAX + 4];

	if (strlen(text) > 4 * WORD_MAX)
		return;
	for (int way = 0; way < 4; way++) {
		size_t o = 0;

		for (const uint8_t *p = (const uint8_t *)text; *p != '\0'; p++) {
			if ((*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z'))
				out[o++] = (char)*p;
			else if (*p == ' ' && way >= 2)
				out[o++] = '+';
			else
				o += (size_t)snprintf(out + o, 4, way % 2 != 0 ? "%%%02x" : "%%%02X", *p);
		}
		add_needle(m, out, o, c, "percent-encoded");
	}
}

/* UTF-16, and \u as JSON writes it. */
static void
add_units(struct markers *m, const char *text, struct clothing c)
{
	uint8_t utf16[2][2 * 4 * WORD_MAX];
	char json[2][6 * 4 * WORD_MAX + 8];
	utf8proc_ssize_t at = 0, left = (utf8proc_ssize_t)strlen(text), used;
	size_t n = 0, o = 0, same;
	utf8proc_int32_t u;

	while (left > 0 && n + 2 <= sizeof(utf16[0]) && (used = utf8proc_iterate(
	    (const utf8proc_uint8_t *)text + at, left, &u)) > 0 && u < 0x10000) {
		utf16[0][n] = utf16[1][n + 1] = (uint8_t)(u & 255);
		utf16[0][n + 1] = utf16[1][n] = (uint8_t)(u >> 8);
		n += 2;
		same = o;
		o += (size_t)snprintf(json[0] + same, 8, u < 128 ? "%c" : "\\u%04x", (unsigned)u);
		(void)snprintf(json[1] + same, 8, u < 128 ? "%c" : "\\u%04X", (unsigned)u);
		at += used;
		left -= used;
	}
	add_needle(m, utf16[0], n, c, "UTF-16");
	add_needle(m, utf16[1], n, c, "UTF-16");
	add_needle(m, json[0], o, c, "JSON");
	add_needle(m, json[1], o, c, "JSON");
}

/* Every clothing of one spelling. */
static void
add_spelling(struct markers *m, const char *text, struct clothing c, const char *form)
{
	size_t len = strlen(text);

	add_needle(m, text, len, c, form);
	add_coded(m, (const uint8_t *)text, len, c);
	add_percent(m, text, c);
	add_units(m, text, c);
}

static char *
in_case(const char *text, utf8proc_int32_t (*turn)(utf8proc_int32_t), bool first_only)
{
	utf8proc_ssize_t at = 0, left = (utf8proc_ssize_t)strlen(text), used;
	char *out = calloc((size_t)left * 4 + 5, 1);
	size_t n = 0;
	utf8proc_int32_t c;

	if (out == NULL)
		give_up("out of memory");
	while (left > 0 && (used = utf8proc_iterate((const utf8proc_uint8_t *)text + at, left, &c)) > 0) {
		n += (size_t)utf8proc_encode_char(first_only && at > 0 ? c : turn(c),
		    (utf8proc_uint8_t *)out + n);
		at += used;
		left -= used;
	}
	return out;
}

void
markers_add_word(struct markers *m, const char *word, bool secret)
{
	char *cases[4] = { in_case(word, utf8proc_tolower, false), in_case(word, utf8proc_toupper, false),
	    in_case(word, utf8proc_toupper, true), NULL }, *folded = NULL;
	struct clothing c = { NULL, secret };

	if (strlen(word) > WORD_MAX || text_fold(word, &folded) != RC_OK)
		give_up("a word that cannot be folded");
	c.word = keep_word(m, word);
	cases[3] = folded;
	for (size_t i = 0; i < 4; i++) {
		utf8proc_uint8_t *nfc = utf8proc_NFC((const utf8proc_uint8_t *)cases[i]);
		utf8proc_uint8_t *nfd = utf8proc_NFD((const utf8proc_uint8_t *)cases[i]);

		if (nfc == NULL || nfd == NULL)
			give_up("a word that has no normal form");
		add_spelling(m, (const char *)nfc, c, i == 3 ? "folded" : "clear text");
		add_spelling(m, (const char *)nfd, c, "clear text in form D");
		free(nfc);
		free(nfd);
		free(cases[i]);
	}
	add_spelling(m, word, c, "clear text");
}

void
markers_add_key(struct markers *m, const char *hex)
{
	struct clothing c = { NULL, true };
	uint8_t key[KEY_MAX];
	size_t len = strlen(hex) / 2;

	if (len > KEY_MAX || !bytes_unhex(hex, key, len))
		give_up("a key that is not hexadecimal");
	c.word = keep_word(m, hex);
	add_needle(m, key, len, c, "key");
	add_coded(m, key, len, c);
	if (len >= 2 * HALF_MIN) {
		add_needle(m, key, len / 2, c, "half a key");
		add_needle(m, key + len / 2, len - len / 2, c, "half a key");
	}
}

bool
markers_find(const struct markers *m, const uint8_t *p, size_t len, size_t from, bool secret_only,
    struct marker_hit *out)
{
	for (size_t i = from; i + NEEDLE_MIN <= len; i++) {
		unsigned b = bucket_of(p + i);

		if ((m->filled[b / 8] >> b % 8 & 1) == 0)
			continue;
		for (int k = m->buckets[b]; k >= 0; k = m->needles[k].next) {
			const struct needle *n = &m->needles[k];

			if (n->len > len - i || (secret_only && !n->secret) || memcmp(n->p, p + i, n->len) != 0)
				continue;
			*out = (struct marker_hit){ n->word, n->form, n->secret, i };
			return true;
		}
	}
	return false;
}

static bool
find_inflated(struct markers *m, z_stream *z, const uint8_t *p, size_t len, bool secret_only,
    struct marker_hit *out)
{
	uint8_t first[64];

	/* most offsets hold no stream, which a few bytes tell */
	if (inflateReset(z) != Z_OK)
		return false;
	z->next_in = (z_const Bytef *)(uintptr_t)p;
	z->avail_in = len > 4096 ? 4096 : (uInt)len;
	z->next_out = first;
	z->avail_out = sizeof(first);
	if (inflate(z, Z_SYNC_FLUSH) < 0 && z->avail_out > sizeof(first) - INFLATE_WORTH)
		return false;
	if (inflateReset(z) != Z_OK)
		return false;
	z->next_in = (z_const Bytef *)(uintptr_t)p;
	z->avail_in = len > 1 << 20 ? 1 << 20 : (uInt)len;
	z->next_out = m->inflated;
	z->avail_out = sizeof(m->inflated);
	(void)inflate(z, Z_SYNC_FLUSH);
	return markers_find(m, m->inflated, sizeof(m->inflated) - z->avail_out, 0, secret_only, out);
}

/* Where the packed bytes of a zip archive's part begin, if one begins here; else 0. */
static size_t
zip_part(const uint8_t *p, size_t len)
{
	size_t head;

	if (len < 30 || memcmp(p, "PK\3\4", 4) != 0 || p[8] != 8 || p[9] != 0)
		return 0;
	head = 30 + (size_t)(p[26] | p[27] << 8) + (size_t)(p[28] | p[29] << 8);
	return head < len ? head : 0;
}

bool
markers_find_packed(struct markers *m, const uint8_t *p, size_t len, bool thorough, bool secret_only,
    struct marker_hit *out)
{
	for (size_t i = 0; i + 2 < len; i++) {
		size_t zip = zip_part(p + i, len - i);
		bool maybe[PACKED_KINDS] = { (thorough && (p[i] & 6) != 6) || zip > 0,
		    (p[i] & 15) == 8 && (p[i] * 256 + p[i + 1]) % 31 == 0, p[i] == 0x1f && p[i + 1] == 0x8b };

		for (unsigned k = 0; k < PACKED_KINDS; k++) {
			if (!maybe[k] || !find_inflated(m, &m->streams[k], p + i + (k == 0 ? zip : 0),
			    len - i - (k == 0 ? zip : 0), secret_only, out))
				continue;
			out->at = i;
			out->form = k == 0 ? "raw deflate" : k == 1 ? "zlib" : "gzip";
			return true;
		}
	}
	return false;
}
