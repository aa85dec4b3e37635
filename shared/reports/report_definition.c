#include "shared/reports/report_definition.h"

#include <stdio.h>
#include <string.h>

#include "shared/base/text.h"

/* A stretch of the file, not terminated. */
struct span {
	const char *p;
	size_t len;
};

struct parser {
	const char *name;
	size_t line;			/* of the current line, from 1 */
	struct report_definition *d;
	struct error *err;
};

static enum rc
refuse(struct parser *p, enum rc rc, const char *what)
{
	char where[ERROR_WHERE_MAX];

	snprintf(where, sizeof(where), "%s:%zu", p->name, p->line);
	return error_set(p->err, rc, where, NULL, "%s", what);
}

static struct span
trim(struct span s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t' ||
	    s.p[s.len - 1] == '\r'))
		s.len--;
	return s;
}

/* What stands before the next `|`, and *rest after it; rest->p is NULL after the last. */
static struct span
part(struct span *rest)
{
	struct span s = *rest;
	const char *bar = s.p == NULL ? NULL : memchr(s.p, '|', s.len);

	if (s.p == NULL)
		return (struct span){ "", 0 };
	if (bar == NULL) {
		rest->p = NULL;
		rest->len = 0;
	} else {
		s.len = (size_t)(bar - s.p);
		rest->p = bar + 1;
		rest->len -= s.len + 1;
	}
	return trim(s);
}

static enum rc
keep(struct parser *p, struct span s, const char **out)
{
	*out = arena_copy(&p->d->arena, s.p, s.len);
	return *out == NULL ? RC_NOMEM : RC_OK;
}

/* "vi | en", neither of them empty. */
static enum rc
both(struct parser *p, struct span *rest, const char *out[FORM_LANGS])
{
	for (int lang = 0; lang < FORM_LANGS; lang++) {
		struct span s = part(rest);
		enum rc rc = keep(p, s, &out[lang]);

		if (rc != RC_OK)
			return rc;
		if (s.len == 0)
			return refuse(p, RC_FORMAT, "a text is missing in one language");
	}
	return RC_OK;
}

static bool
is(struct span s, const char *word)
{
	return s.len == strlen(word) && memcmp(s.p, word, s.len) == 0;
}

static enum rc
column(struct parser *p, struct span rest)
{
	static const char *const kinds[] = { "text", "count", "persons", "money", "percent" };
	enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };
	struct span kind = part(&rest);
	size_t k = 0;

	if (p->d->n_columns == REPORT_COLUMNS_MAX)
		return refuse(p, RC_LIMIT, "too many columns");
	while (k < KINDS && !is(kind, kinds[k]))
		k++;
	if (k == KINDS)
		return refuse(p, RC_FORMAT, "a column is text, count, persons, money or percent");
	p->d->columns[p->d->n_columns].kind = (enum report_kind)k;
	return both(p, &rest, p->d->columns[p->d->n_columns++].title);
}

/* Words with blanks between them, each the name of something. */
static enum rc
names(struct parser *p, struct span rest, const char **out, size_t room, size_t *n)
{
	while (rest.len > 0) {
		const char *blank = memchr(rest.p, ' ', rest.len);
		size_t len = blank == NULL ? rest.len : (size_t)(blank - rest.p);
		enum rc rc;

		if (*n == room)
			return refuse(p, RC_LIMIT, "too many names");
		rc = keep(p, (struct span){ rest.p, len }, &out[*n]);
		if (rc != RC_OK)
			return rc;
		if (!text_is_name(out[(*n)++]))
			return refuse(p, RC_FORMAT, "not the name of a form or of a part");
		rest = trim((struct span){ rest.p + len, rest.len - len });
	}
	return RC_OK;
}

/* "BLOCK COLUMN", both from 1. */
static enum rc
chart(struct parser *p, struct span rest)
{
	struct report_chart *c = &p->d->charts[p->d->n_charts];

	if (p->d->n_charts == REPORT_CHARTS_MAX)
		return refuse(p, RC_LIMIT, "too many charts");
	if (rest.len != 3 || rest.p[0] < '1' || rest.p[0] > '9' || rest.p[1] != ' ' ||
	    rest.p[2] < '1' || rest.p[2] > '9')
		return refuse(p, RC_FORMAT, "a chart is of a block and a column, such as 1 2");
	*c = (struct report_chart){ (size_t)(rest.p[0] - '1'), (size_t)(rest.p[2] - '1') };
	p->d->n_charts++;
	return RC_OK;
}

/* "prepare [| if table]" or "block: vi | en [| if table]". */
static enum rc
section(struct parser *p, struct span rest, bool prepares)
{
	struct report_section *s = &p->d->sections[p->d->n_sections];
	struct span condition;
	enum rc rc = RC_OK;

	if (p->d->n_sections == REPORT_SECTIONS_MAX)
		return refuse(p, RC_LIMIT, "too many blocks");
	p->d->n_sections++;
	s->prepares = prepares;
	if (!prepares)
		rc = both(p, &rest, s->title);
	else if (part(&rest).len > 0)
		return refuse(p, RC_FORMAT, "prepare has no title");
	condition = part(&rest);
	if (rc != RC_OK || condition.len == 0)
		return rc;
	if (condition.len <= 3 || memcmp(condition.p, "if ", 3) != 0)
		return refuse(p, RC_FORMAT, "a condition reads: if TABLE");
	return keep(p, trim((struct span){ condition.p + 3, condition.len - 3 }), &s->needs);
}

/* One line that says something; *begins: a section starts behind it. */
static enum rc
statement(struct parser *p, struct span key, struct span rest, bool *begins)
{
	struct report_definition *d = p->d;
	const char *what;
	enum rc rc;

	*begins = is(key, "prepare") || is(key, "block");
	if (*begins)
		return section(p, rest, is(key, "prepare"));
	if (d->n_sections > 0)
		return refuse(p, RC_FORMAT, "stands behind the first statements");
	if (is(key, "title"))
		return both(p, &rest, d->title);
	if (is(key, "forms"))
		return names(p, rest, d->forms, REPORT_FORMS_MAX, &d->n_forms);
	if (is(key, "parts"))
		return names(p, rest, d->parts, REPORT_PARTS_MAX, &d->n_parts);
	if (is(key, "column"))
		return column(p, rest);
	if (is(key, "chart"))
		return chart(p, rest);
	if (report_relation_is(key.p, key.len)) {
		rc = report_relation_take(d, key.p, key.len, rest.p, rest.len, &what);
		return rc == RC_OK ? RC_OK : refuse(p, rc, what);
	}
	if (is(key, "note")) {
		if (d->n_notes == REPORT_NOTES_MAX)
			return refuse(p, RC_LIMIT, "too many notes");
		return both(p, &rest, d->notes[d->n_notes++]);
	}
	if (is(key, "word")) {
		struct report_words *w = &d->words[d->n_words];

		if (d->n_words == REPORT_WORDS_MAX)
			return refuse(p, RC_LIMIT, "too many words");
		d->n_words++;
		rc = keep(p, part(&rest), &w->code);
		return rc != RC_OK ? rc : both(p, &rest, w->label);
	}
	return refuse(p, RC_FORMAT, "unknown kind of line");
}

/* A line "--: key: ..." says something; a line "-- ..." is for readers only. */
static bool
says(struct span line, struct span *key, struct span *rest)
{
	size_t n;

	if (line.len < 4 || memcmp(line.p, "--:", 3) != 0)
		return false;
	line = trim((struct span){ line.p + 3, line.len - 3 });
	for (n = 0; n < line.len && line.p[n] >= 'a' && line.p[n] <= 'z'; n++)
		;
	*key = (struct span){ line.p, n };
	if (n < line.len && line.p[n] == ':')
		n++;
	*rest = trim((struct span){ line.p + n, line.len - n });
	return true;
}

static enum rc
end_section(struct parser *p, const char *from, const char *to)
{
	struct report_definition *d = p->d;

	if (d->n_sections == 0)
		return RC_OK;
	return keep(p, (struct span){ from, (size_t)(to - from) },
	    &d->sections[d->n_sections - 1].sql);
}

static enum rc
check_whole(struct parser *p)
{
	const struct report_definition *d = p->d;
	const char *what;
	size_t blocks = 0;

	for (size_t i = 0; i < d->n_sections; i++)
		blocks += !d->sections[i].prepares;
	if (d->title[FORM_VI] == NULL || d->n_columns == 0 || blocks == 0)
		return refuse(p, RC_FORMAT, "a report needs a title, columns and a block");
	for (size_t i = 0; i < d->n_charts; i++) {
		if (d->charts[i].column >= d->n_columns || d->columns[d->charts[i].column].kind == REPORT_TEXT)
			return refuse(p, RC_FORMAT, "a chart is of a column of numbers");
	}
	what = report_relation_check(d, blocks);
	return what == NULL ? RC_OK : refuse(p, RC_FORMAT, what);
}

enum rc
report_definition_parse(const char *name, const char *text, size_t len,
    struct report_definition *out, struct error *err)
{
	const char *at = text, *end = text + len, *body = text;
	struct parser p;
	enum rc rc = RC_OK;

	memset(out, 0, sizeof(*out));
	p = (struct parser){ name, 0, out, err };
	arena_init(&out->arena, (size_t)REPORT_FILE_MAX * 2);
	if (len > REPORT_FILE_MAX)
		return refuse(&p, RC_LIMIT, "the file is too long");
	while (rc == RC_OK && at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		struct span line = { at, (size_t)((feed != NULL ? feed : end) - at) };
		const char *next = feed != NULL ? feed + 1 : end;
		struct span key, rest;
		bool begins;

		p.line++;
		if (says(line, &key, &rest)) {
			if (is(key, "prepare") || is(key, "block"))
				rc = end_section(&p, body, at);
			if (rc == RC_OK)
				rc = statement(&p, key, rest, &begins);
			body = next;
		}
		at = next;
	}
	if (rc == RC_OK)
		rc = end_section(&p, body, end);
	if (rc == RC_OK)
		rc = check_whole(&p);
	if (rc != RC_OK)
		report_definition_reset(out);
	return rc;
}

void
report_definition_reset(struct report_definition *d)
{
	arena_reset(&d->arena);
	memset(d, 0, sizeof(*d));
}
