#include "shared/base/phrases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/csv.h"
#include "shared/base/embedded.h"

enum { PIECES_MAX = 4, TEXT_MAX = ERROR_WHAT_MAX };

/* What stood for a conversion. */
struct piece {
	const char *text;
	size_t len;
};

struct phrases {
	struct csv sheet;
};

enum rc
phrases_read(const char *name, const void *data, size_t len, struct phrases **out,
    struct error *err)
{
	struct phrases *p = calloc(1, sizeof(*p));
	enum rc rc;

	*out = NULL;
	if (p == NULL)
		return RC_NOMEM;
	if ((rc = csv_parse(name, data, len, &p->sheet, err)) == RC_OK && p->sheet.n_columns != 2)
		rc = error_set(err, RC_FORMAT, name, NULL, "two columns are needed");
	for (size_t i = 1; rc == RC_OK && i <= p->sheet.n_rows; i++)
		if (*csv_cell(&p->sheet, i, 0) == '\0' || *csv_cell(&p->sheet, i, 1) == '\0')
			rc = error_set(err, RC_FORMAT, name, NULL, "row %zu lacks a text", i);
	if (rc == RC_OK)
		*out = p;
	else
		phrases_free(p);
	return rc;
}

enum rc
phrases_open(struct phrases **out, struct error *err)
{
	const struct embedded *file = embedded_find("words/errors.vi.csv");

	*out = NULL;
	if (file == NULL)
		return error_set(err, RC_INTERNAL, NULL, NULL, "the sheet of phrases is not shipped");
	return phrases_read(file->name, file->data, file->len, out, err);
}

void
phrases_free(struct phrases *p)
{
	if (p == NULL)
		return;
	csv_reset(&p->sheet);
	free(p);
}

/* Length of the conversion that begins here, 0 if none does. */
static size_t
conversion(const char *s)
{
	size_t n;

	if (*s != '%')
		return 0;
	n = 1 + strspn(s + 1, "-.*0123456789hjlz");
	return s[n] == '\0' ? 0 : n + 1;
}

/* Characters up to the next conversion. */
static size_t
words(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0' && conversion(s + n) == 0)
		n++;
	return n;
}

/* Where the words stand in the text: at its end if they end the pattern, else as early as can be. */
static const char *
find(const char *text, const char *w, size_t n, bool last)
{
	size_t len = strlen(text);

	if (last)
		return len >= n && memcmp(text + len - n, w, n) == 0 ? text + len - n : NULL;
	for (size_t i = 0; i + n <= len; i++)
		if (memcmp(text + i, w, n) == 0)
			return text + i;
	return NULL;
}

/* Does the text follow the pattern?  *own: characters of the pattern itself. */
static bool
fits(const char *pattern, const char *text, struct piece pieces[PIECES_MAX], size_t *n, size_t *own)
{
	size_t w = words(pattern), c;
	const char *at;
	char kind;

	*n = 0;
	*own = w;
	if (strncmp(pattern, text, w) != 0)
		return false;
	pattern += w;
	text += w;
	while ((c = conversion(pattern)) != 0) {
		kind = pattern[c - 1];
		pattern += c;
		w = words(pattern);
		at = find(text, pattern, w, pattern[w] == '\0');
		if (at == NULL || *n == PIECES_MAX)
			return false;
		pieces[*n] = (struct piece){ text, (size_t)(at - text) };
		if (kind != 's' && (at == text || strspn(text, "-0123456789") < (size_t)(at - text)))
			return false;
		++*n;
		*own += w;
		pattern += w;
		text = at + w;
	}
	return *text == '\0';
}

/* The row that a text follows, 0 if none does. */
static size_t
row_of(const struct phrases *p, const char *text, struct piece pieces[PIECES_MAX])
{
	struct piece found[PIECES_MAX];
	size_t best = 0, best_own = 0, n, own;

	for (size_t i = 1; i <= p->sheet.n_rows; i++) {
		if (!fits(csv_cell(&p->sheet, i, 0), text, found, &n, &own) || own == 0 ||
		    (best != 0 && own <= best_own))
			continue;
		memcpy(pieces, found, n * sizeof(found[0]));
		best = i;
		best_own = own;
	}
	return best;
}

static void
put(char out[TEXT_MAX], size_t *at, const char *s, size_t n)
{
	if (n >= TEXT_MAX - *at)
		n = TEXT_MAX - 1 - *at;
	while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)	/* no half of a letter */
		n--;
	memcpy(out + *at, s, n);
	*at += n;
	out[*at] = '\0';
}

/* What was filled in may be a phrase without conversions. */
static void
put_piece(const struct phrases *p, char out[TEXT_MAX], size_t *at, const struct piece *piece)
{
	for (size_t i = 1; i <= p->sheet.n_rows; i++) {
		const char *en = csv_cell(&p->sheet, i, 0), *vi = csv_cell(&p->sheet, i, 1);

		if (strlen(en) == piece->len && memcmp(en, piece->text, piece->len) == 0) {
			put(out, at, vi, strlen(vi));
			return;
		}
	}
	put(out, at, piece->text, piece->len);
}

static void
translate(const struct phrases *p, char text[TEXT_MAX])
{
	struct piece pieces[PIECES_MAX];
	char out[TEXT_MAX] = "";
	size_t row = row_of(p, text, pieces), at = 0, w, c;
	const char *vi;

	if (*text == '\0' || row == 0)
		return;
	vi = csv_cell(&p->sheet, row, 1);
	for (size_t i = 0;; i++) {
		w = words(vi);
		put(out, &at, vi, w);
		vi += w;
		if ((c = conversion(vi)) == 0 || i == PIECES_MAX)
			break;
		put_piece(p, out, &at, &pieces[i]);
		vi += c;
	}
	memcpy(text, out, TEXT_MAX);
}

void
phrases_translate(const struct phrases *p, struct error *err)
{
	_Static_assert((int)ERROR_HELP_MAX == (int)TEXT_MAX, "one size for both");
	if (*err->what == '\0')
		snprintf(err->what, sizeof(err->what), "%s", rc_name(err->code));
	translate(p, err->what);
	translate(p, err->help);
}
