#include "shared/records/search.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/phone.h"
#include "shared/base/text.h"
#include "shared/records/access_log.h"
#include "shared/records/record.h"
#include "shared/records/record_parts.h"
#include "shared/vault/query.h"

/* How many records are looked at, so that the ones with the query's own marks come first. */
enum {
	CANDIDATES_MAX = 2000,
	NUMBER_LEAST = 5	/* digits of a query that are taken together */
};

struct searching {
	const struct record_context *c;
	const char *form;		/* NULL: all */
	char *query;			/* normalised, as typed */
	char *match;			/* the FTS5 expression; "" : no word */
	struct search_hit *hits;	/* room for limit; with the query's marks, then others */
	size_t n, limit;
	struct search_hit *others;	/* the same, not looked at yet */
	size_t n_others;
	struct error *err;
};

/*
 * A query that is digits alone may be a telephone number or a paper's, typed with blanks or points
 * that the record does not have, or with +84 where it has 0: its digits together will do, too.
 */
static void
put_number(const struct searching *s, struct bytes *b)
{
	char e164[PHONE_MAX], number[PHONE_MAX];

	if (!phone_looks(s->query, NUMBER_LEAST) || b->len == 0)
		return;
	phone_digits(phone_e164(s->query, e164) ? e164 : s->query, number);
	bytes_printf(b, " OR \"%s\"*", number);
}

/* Every folded word as a prefix: "dang"* AND "thi"* ...  Words hold letters and digits only. */
static enum rc
make_match(struct searching *s)
{
	char *folded = NULL;
	struct bytes b;
	size_t words = 0;
	enum rc rc = text_fold(s->query, &folded);

	bytes_init(&b);
	for (char *at = folded; rc == RC_OK && *at != '\0'; ) {
		size_t len = strcspn(at, " \n\t\"");

		if (len > 0 && words++ == SEARCH_WORDS_MAX)
			rc = error_set(s->err, RC_LIMIT, "query", "search for fewer words",
			    "more than %d words", SEARCH_WORDS_MAX);
		if (rc == RC_OK && len > 0) {
			bytes_text(&b, words > 1 ? " AND \"" : "\"");
			bytes_put(&b, at, len);
			bytes_text(&b, "\"*");
		}
		at += len;
		at += *at != '\0' ? 1 : 0;
	}
	if (rc == RC_OK)
		put_number(s, &b);
	if (rc == RC_OK && (b.rc != RC_OK || (s->match = text_dup(bytes_cstr(&b))) == NULL))
		rc = RC_NOMEM;
	bytes_reset(&b);
	free(folded);
	return rc;
}

/*
 * One letter in lower case, for comparing with marks: ASCII and the blocks that hold
 * Vietnamese, where capitals and small letters stand in pairs.
 */
static size_t
lower_letter(const unsigned char *s, unsigned char out[4])
{
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	unsigned cp;

	memcpy(out, s, len);
	if (s[0] >= 'A' && s[0] <= 'Z')
		out[0] = (unsigned char)(s[0] + 32);
	if (len == 2) {
		cp = (s[0] & 31u) << 6 | (s[1] & 63u);
		if (cp >= 0xc0 && cp <= 0xde && cp != 0xd7)
			cp += 32;
		else if ((cp >= 0x100 && cp <= 0x137 && cp % 2 == 0) || cp == 0x1a0)
			cp += 1;
		else if (cp == 0x1af || cp == 0x168)
			cp += 1;
		out[0] = (unsigned char)(0xc0 | cp >> 6);
		out[1] = (unsigned char)(0x80 | (cp & 63));
	} else if (len == 3) {
		cp = (s[0] & 15u) << 12 | (s[1] & 63u) << 6 | (s[2] & 63u);
		if (cp >= 0x1ea0 && cp <= 0x1ef8 && cp % 2 == 0)
			cp += 1;
		out[1] = (unsigned char)(0x80 | (cp >> 6 & 63));
		out[2] = (unsigned char)(0x80 | (cp & 63));
	}
	return len;
}

static char *
lower(const char *s)
{
	char *out = text_dup(s);

	for (size_t i = 0; out != NULL && out[i] != '\0'; ) {
		unsigned char letter[4];
		size_t len = lower_letter((const unsigned char *)out + i, letter);

		if (strlen(out + i) < len)
			return out;
		memcpy(out + i, letter, len);
		i += len;
	}
	return out;
}

/* Do all words of the query, with their marks, stand in the text? */
static bool
has_words(const char *text, const char *query)
{
	char word[SEARCH_QUERY_MAX * 4 + 1];

	while (*query != '\0') {
		size_t len = strcspn(query, " \n\t");

		if (len >= sizeof(word))
			return false;
		memcpy(word, query, len);
		word[len] = '\0';
		if (len > 0 && strstr(text, word) == NULL)
			return false;
		query += len;
		query += *query != '\0' ? 1 : 0;
	}
	return true;
}

/* Every live text of the record, in lower case, against the query. */
static enum rc
weigh(const struct record_opened *o, const char *query, struct search_hit *hit)
{
	struct bytes all;
	char *small;
	enum rc rc = RC_OK;

	bytes_init(&all);
	for (size_t i = 0; rc == RC_OK && i < o->merged.n_fields; i++) {
		const struct merged_field *f = &o->merged.fields[i];

		for (size_t k = 0; rc == RC_OK && f->field->type == FORM_TEXT &&
		    k < f->show.n_all; k++) {
			bytes_u8(&all, '\n');
			rc = merged_text(f, f->show.all[k], &all);
		}
		if (rc == RC_OK && f->show.shown != NULL && hit->headline == NULL &&
		    o->form->instance_name != NULL &&
		    strcmp(f->field->name, o->form->instance_name) == 0) {
			struct bytes headline;

			bytes_init(&headline);
			rc = merged_text(f, f->show.shown, &headline);
			if (rc == RC_OK && (hit->headline = text_dup(bytes_cstr(&headline))) == NULL)
				rc = RC_NOMEM;
			bytes_wipe(&headline);
		}
	}
	if (rc == RC_OK && hit->headline == NULL)
		hit->headline = text_dup("");
	small = rc == RC_OK && all.rc == RC_OK ? lower(bytes_cstr(&all)) : NULL;
	if (rc == RC_OK && (small == NULL || hit->headline == NULL))
		rc = RC_NOMEM;
	if (rc == RC_OK)
		hit->exact = has_words(small, query);
	free(small);
	bytes_wipe(&all);
	return rc;
}

/* Where a letter begins, small or large: of ASCII one of two bytes, of the others the same. */
static bool
begins(unsigned char byte, unsigned char small)
{
	return byte == small || (small >= 'a' && small <= 'z' && byte == small - 32);
}

static bool
has_at(const unsigned char *p, size_t left, const unsigned char *word, size_t len)
{
	for (size_t i = 0; i < len; ) {
		unsigned char letter[4] = { 0 };
		size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

		if (n > left || n > len - i)
			return false;
		lower_letter(p, letter);
		if (memcmp(letter, word + i, n) != 0)
			return false;
		p += n;
		left -= n;
		i += n;
		if (left == 0)
			return i == len;
	}
	return true;
}

/*
 * Can the texts of a record have all words of the query with their marks?  All that is live stands
 * in its state as it was written, among bytes that are no text: no is certain, and costs little.
 */
static bool
may_have_words(const uint8_t *state, size_t len, const char *query)
{
	while (*query != '\0') {
		const unsigned char *word = (const unsigned char *)query;
		size_t word_len = strcspn(query, " \n\t"), at = 0;

		while (word_len > 0 && at < len && !(begins(state[at], word[0]) &&
		    has_at(state + at, len - at, word, word_len)))
			at++;
		if (word_len > 0 && at == len)
			return false;
		query += word_len;
		query += *query != '\0' ? 1 : 0;
	}
	return true;
}

/* Open the record behind a hit, for its headline and whether it has the query's marks. */
static enum rc
look_at(struct searching *s, const char *query, struct search_hit *hit)
{
	struct record_opened o;
	enum rc rc = record_parts_open(s->c, &hit->id, &o, s->err);

	if (rc != RC_OK)
		return rc;
	hit->local = o.local;
	memcpy(hit->form, o.state.form, sizeof(hit->form));
	rc = o.form != NULL ? weigh(&o, query, hit) : error_set(s->err, RC_INTERNAL, hit->form, NULL,
	    "a record is of another form than its row says");
	record_parts_close(&o);
	return rc;
}

/*
 * The next candidate, newest first.  One that has the query's marks is a hit; of the others as
 * many are kept as may be wanted, unopened.
 */
static enum rc
take(struct searching *s, struct sqlite3_stmt *q, const char *query)
{
	struct search_hit hit = { .id = { (uint64_t)query_column_int(q, 0),
	    (uint64_t)query_column_int(q, 1) } };
	const uint8_t *state;
	size_t len;
	enum rc rc = RC_OK;

	if (form_set_find(s->c->forms, query_column_text(q, 2)) == NULL)
		return RC_OK;		/* its form went away: nothing to show of it */
	state = query_column_blob(q, 3, &len);
	if (may_have_words(state, len, query))
		rc = look_at(s, query, &hit);
	if (rc == RC_OK && hit.exact) {
		s->hits[s->n++] = hit;
		return RC_OK;
	}
	free(hit.headline);
	hit.headline = NULL;
	if (rc == RC_OK && s->n_others < s->limit)
		s->others[s->n_others++] = hit;
	return rc;
}

/* The access log is found when it is asked for: its words are names of commands and ids. */
static enum rc
find_all(struct searching *s)
{
	struct sqlite3_stmt *q = NULL;
	char *query = lower(s->query);
	bool row = true;
	enum rc rc = query == NULL ? RC_NOMEM : query_open(s->c->db, s->err, &q,
	    "SELECT r.log, r.n, r.form, r.state FROM words w JOIN record r ON r.id = w.rowid"
	    " WHERE words MATCH ?1 AND r.alive = 1"
	    " AND (r.form = ?2 OR (?2 IS NULL AND r.form <> '" ACCESS_LOG_FORM "'))"
	    " ORDER BY w.rowid DESC LIMIT ?3", "tti", s->match, s->form, (int64_t)CANDIDATES_MAX);

	while (rc == RC_OK && s->n < s->limit && row)
		if ((rc = query_next(q, &row, s->err)) == RC_OK && row)
			rc = take(s, q, query);
	query_close(q);
	for (size_t i = 0; rc == RC_OK && i < s->n_others && s->n < s->limit; i++) {
		s->hits[s->n] = s->others[i];
		rc = look_at(s, query, &s->hits[s->n]);
		s->n++;		/* also when it failed: its headline is freed with the others */
	}
	free(query);
	return rc;
}

void
search_hits_free(struct search_hit *hits, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(hits[i].headline);
	free(hits);
}

static enum rc
read_query(struct searching *s, const char *query)
{
	enum rc rc;

	if (strlen(query) > SEARCH_QUERY_MAX)
		return error_set(s->err, RC_LIMIT, "query", "search for fewer words",
		    "the query is too long");
	rc = text_normalise(query, strlen(query), &s->query);
	if (rc == RC_FORMAT)
		rc = error_set(s->err, RC_INVALID, "query", NULL, "the query is not clean text");
	return rc == RC_OK ? make_match(s) : rc;
}

static enum rc
read_locals(struct searching *s, int64_t **out, size_t *n)
{
	struct sqlite3_stmt *q = NULL;
	size_t cap = 0;
	bool row;
	enum rc rc = query_open(s->c->db, s->err, &q, "SELECT rowid FROM words WHERE words MATCH ?1", "t",
	    s->match);

	while (rc == RC_OK && (rc = query_next(q, &row, s->err)) == RC_OK && row) {
		if (*n == cap) {
			int64_t *grown = realloc(*out, (cap = cap == 0 ? 64 : 2 * cap) * sizeof(*grown));

			if (grown == NULL) {
				rc = RC_NOMEM;
				break;
			}
			*out = grown;
		}
		(*out)[(*n)++] = query_column_int(q, 0);
	}
	query_close(q);
	return rc;
}

enum rc
search_locals(const struct record_context *c, const char *query, int64_t **out, size_t *n,
    struct error *err)
{
	struct searching s = { .c = c, .err = err };
	enum rc rc;

	*out = NULL;
	*n = 0;
	if ((rc = read_query(&s, query)) == RC_OK && s.match[0] != '\0')
		rc = read_locals(&s, out, n);
	free(s.query);
	free(s.match);
	if (rc != RC_OK) {
		free(*out);
		*out = NULL;
		*n = 0;
	}
	return rc;
}

enum rc
search_records(const struct record_context *c, const char *query, const char *form,
    size_t limit, struct search_hit **out, size_t *n, struct error *err)
{
	struct searching s = { .c = c, .form = form, .err = err,
		.limit = limit < SEARCH_LIMIT_MAX ? limit : SEARCH_LIMIT_MAX };
	enum rc rc = RC_NOMEM;

	*out = NULL;
	*n = 0;
	s.hits = calloc(s.limit + 1, sizeof(*s.hits));
	s.others = calloc(s.limit + 1, sizeof(*s.others));
	if (s.hits != NULL && s.others != NULL && (rc = read_query(&s, query)) == RC_OK &&
	    s.match[0] != '\0')
		rc = find_all(&s);
	free(s.query);
	free(s.match);
	free(s.others);
	if (rc != RC_OK) {
		search_hits_free(s.hits, s.n);
		return rc;
	}
	*out = s.hits;
	*n = s.n;
	return RC_OK;
}
