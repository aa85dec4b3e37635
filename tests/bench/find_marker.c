/*
 * find_marker: do these words lie in these files, in whatever clothes?
 *
 *   find_marker WORD... -- FILE|DIR...
 *
 * Looks for each word as it stands and in other case, in normal forms C and D, folded, as
 * UTF-16, base64 (all three phases) and hexadecimal; in the files' bytes and in whatever inflates
 * in them (zlib, gzip, raw deflate) at any offset.  Prints "FILE: word as form".
 * Exit code 0: nothing found.  1: found.  2: could not look everywhere.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <utf8proc.h>
#include <zlib.h>

#include "shared/base/bytes.h"
#include "shared/base/files.h"
#include "shared/base/text.h"

enum {
	NEEDLES_MAX = 4096, NEEDLE_MIN = 6, FILE_MAX_BYTES = 512 << 20,
	INFLATE_MAX = 1 << 16, INFLATE_WORTH = 32
};

struct needle { uint8_t *p; size_t len; const char *word; const char *form; };

struct search {
	struct needle needles[NEEDLES_MAX];
	size_t n;
	bool begins[256];	/* some needle begins with this byte */
	z_stream streams[3];	/* raw, zlib, gzip */
	unsigned long files, bytes, found, unread;
};

static void
give_up(const char *what)
{
	fprintf(stderr, "find_marker: %s\n", what);
	exit(2);
}

static void
add_needle(struct search *s, const void *p, size_t len, const char *word, const char *form)
{
	struct needle *n = &s->needles[s->n];

	if (len < NEEDLE_MIN)
		return;
	for (size_t i = 0; i < s->n; i++)
		if (s->needles[i].len == len && memcmp(s->needles[i].p, p, len) == 0)
			return;
	if (s->n == NEEDLES_MAX || (n->p = malloc(len)) == NULL)
		give_up("too many words");
	memcpy(n->p, p, len);
	n->len = len;
	n->word = word;
	n->form = form;
	s->begins[n->p[0]] = true;
	s->n++;
}

/* What base64 and hexadecimal make of the bytes, wherever the text around them begins. */
static void
add_coded(struct search *s, const uint8_t *p, size_t len, const char *word)
{
	static const char alphabet[2][65] = {
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	};
	static const char digits[2][17] = { "0123456789abcdef", "0123456789ABCDEF" };
	char out[1024];

	if (len > 256)
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
			add_needle(s, out, o, word, "base64");
		}
		for (size_t i = 0; i < len; i++) {
			out[2 * i] = digits[a][p[i] >> 4];
			out[2 * i + 1] = digits[a][p[i] & 15];
		}
		add_needle(s, out, 2 * len, word, "hexadecimal");
	}
}

static void
add_utf16(struct search *s, const char *text, const char *word)
{
	uint8_t out[2][1024];
	utf8proc_ssize_t at = 0, left = (utf8proc_ssize_t)strlen(text), used;
	utf8proc_int32_t c;
	size_t n = 0;

	while (left > 0 && n + 2 <= sizeof(out[0]) && (used = utf8proc_iterate(
	    (const utf8proc_uint8_t *)text + at, left, &c)) > 0 && c < 0x10000) {
		out[0][n] = out[1][n + 1] = (uint8_t)(c & 255);
		out[0][n + 1] = out[1][n] = (uint8_t)(c >> 8);
		n += 2;
		at += used;
		left -= used;
	}
	add_needle(s, out[0], n, word, "UTF-16");
	add_needle(s, out[1], n, word, "UTF-16");
}

/* Every clothing of one spelling. */
static void
add_spelling(struct search *s, const char *text, const char *word, const char *form)
{
	size_t len = strlen(text);

	add_needle(s, text, len, word, form);
	add_coded(s, (const uint8_t *)text, len, word);
	add_utf16(s, text, word);
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

static void
add_word(struct search *s, const char *word)
{
	char *cases[4] = { in_case(word, utf8proc_tolower, false), in_case(word, utf8proc_toupper, false),
	    in_case(word, utf8proc_toupper, true), NULL }, *folded = NULL;

	if (text_fold(word, &folded) != RC_OK)
		give_up("a word that cannot be folded");
	cases[3] = folded;
	for (size_t i = 0; i < 4; i++) {
		utf8proc_uint8_t *c = utf8proc_NFC((const utf8proc_uint8_t *)cases[i]);
		utf8proc_uint8_t *d = utf8proc_NFD((const utf8proc_uint8_t *)cases[i]);

		if (c == NULL || d == NULL)
			give_up("a word that has no normal form");
		add_spelling(s, (const char *)c, word, i == 3 ? "folded" : "clear text");
		add_spelling(s, (const char *)d, word, "clear text in form D");
		free(c);
		free(d);
		free(cases[i]);
	}
	add_spelling(s, word, word, "clear text");
}

static const struct needle *
find_in(const struct search *s, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!s->begins[p[i]])
			continue;
		for (size_t k = 0; k < s->n; k++)
			if (s->needles[k].p[0] == p[i] && s->needles[k].len <= len - i &&
			    memcmp(s->needles[k].p, p + i, s->needles[k].len) == 0)
				return &s->needles[k];
	}
	return NULL;
}

static const struct needle *
find_inflated(struct search *s, z_stream *z, uint8_t *p, size_t len)
{
	static uint8_t out[INFLATE_MAX];
	uint8_t first[64];
	size_t n;

	/* most offsets hold no stream, which a few bytes tell */
	if (inflateReset(z) != Z_OK)
		return NULL;
	z->next_in = p;
	z->avail_in = len > 4096 ? 4096 : (uInt)len;
	z->next_out = first;
	z->avail_out = sizeof(first);
	if (inflate(z, Z_SYNC_FLUSH) < 0 && z->avail_out > sizeof(first) - INFLATE_WORTH)
		return NULL;
	if (inflateReset(z) != Z_OK)
		return NULL;
	z->next_in = p;
	z->avail_in = len > 1 << 20 ? 1 << 20 : (uInt)len;
	z->next_out = out;
	z->avail_out = sizeof(out);
	(void)inflate(z, Z_SYNC_FLUSH);
	n = sizeof(out) - z->avail_out;
	return find_in(s, out, n);
}

static void
look_into(struct search *s, const char *path, uint8_t *p, size_t len)
{
	static const char *const kinds[] = { "raw deflate", "zlib", "gzip" };
	const struct needle *n = find_in(s, p, len);

	s->files++;
	s->bytes += len;
	if (n != NULL) {
		printf("%s: %s as %s\n", path, n->word, n->form);
		s->found++;
		return;
	}
	for (size_t i = 0; i + 2 < len; i++) {
		for (unsigned k = 0; k < 3; k++) {
			if ((k == 1 && ((p[i] & 15) != 8 || (p[i] * 256 + p[i + 1]) % 31 != 0)) ||
			    (k == 2 && (p[i] != 0x1f || p[i + 1] != 0x8b)) ||
			    (k == 0 && (p[i] & 6) == 6))
				continue;
			n = find_inflated(s, &s->streams[k], p + i, len - i);
			if (n == NULL)
				continue;
			printf("%s: %s as %s in %s at %zu\n", path, n->word, n->form, kinds[k], i);
			s->found++;
			return;
		}
	}
}

static void
look_at_file(struct search *s, const char *path)
{
	struct bytes b;
	const char *name = strrchr(path, '/');

	bytes_init(&b);
	if (files_read(path, FILE_MAX_BYTES, &b, NULL) == RC_OK)
		look_into(s, path, b.data, b.len);
	else
		s->unread++;
	/* names of files may tell as well */
	name = name == NULL ? path : name + 1;
	if (find_in(s, (const uint8_t *)name, strlen(name)) != NULL) {
		printf("%s: in its name\n", path);
		s->found++;
	}
	bytes_reset(&b);
}

/* A queue instead of recursion: folders are appended as they are met. */
static void
look_at(struct search *s, const char *top)
{
	char **queue = calloc(FILES_NAMES_MAX, sizeof(*queue));
	size_t head = 0, tail = 0;

	if (queue == NULL || (queue[tail++] = strdup(top)) == NULL)
		give_up("out of memory");
	for (; head < tail; head++) {
		struct stat st;
		struct dirent *e;
		char path[FILES_PATH_MAX];
		DIR *d;

		if (lstat(queue[head], &st) != 0) {
			s->unread++;
		} else if (S_ISREG(st.st_mode)) {
			look_at_file(s, queue[head]);
		} else if (S_ISDIR(st.st_mode) && (d = opendir(queue[head])) != NULL) {
			while ((e = readdir(d)) != NULL && tail < FILES_NAMES_MAX)
				if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
				    files_join(queue[head], e->d_name, path) == RC_OK &&
				    (queue[tail] = strdup(path)) != NULL)
					tail++;
			closedir(d);
		}
		free(queue[head]);
	}
	free(queue);
}

int
main(int argc, char **argv)
{
	static struct search s;
	static const int bits[] = { -15, 15, 31 };
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		add_word(&s, argv[i]);
	if (s.n == 0 || i + 1 >= argc)
		give_up("use: find_marker WORD... -- FILE|DIR...");
	for (unsigned k = 0; k < 3; k++)
		if (inflateInit2(&s.streams[k], bits[k]) != Z_OK)
			give_up("zlib does not start");
	for (i++; i < argc; i++)
		look_at(&s, argv[i]);
	for (unsigned k = 0; k < 3; k++)
		(void)inflateEnd(&s.streams[k]);
	for (size_t k = 0; k < s.n; k++)
		free(s.needles[k].p);
	printf("%lu files, %lu bytes, %lu found, %lu not read\n", s.files, s.bytes, s.found, s.unread);
	return s.found > 0 ? 1 : s.unread > 0 || s.files == 0 ? 2 : 0;
}
