/* The text of an order to erase. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "sync-server/erasure.h"

enum { LINE_MAX_BYTES = 4000 };

void
erasure_order_reset(struct erasure_order *o)
{
	for (size_t i = 0; i < o->n_things; i++)
		for (size_t k = 0; k < o->things[i].n_names; k++)
			free(o->things[i].names[k]);
	free(o->things);
	directory_erasures_free(o->named, o->n_named);
	memset(o, 0, sizeof(*o));
}

static enum rc
add_thing(struct erasure_order *o, bool whole_record, char *words)
{
	struct erasure_thing *t, *more;
	char *rest = NULL, *word = strtok_r(words, " \t", &rest);

	if (o->n_things == ERASURE_THINGS_MAX)
		return RC_LIMIT;
	if ((more = realloc(o->things, (o->n_things + 1) * sizeof(*more))) == NULL)
		return RC_NOMEM;
	o->things = more;
	t = &o->things[o->n_things];
	memset(t, 0, sizeof(*t));
	t->whole_record = whole_record;
	if (word == NULL || !dot_parse(word, &t->dot))
		return RC_FORMAT;
	o->n_things++;
	while ((word = strtok_r(NULL, " \t", &rest)) != NULL) {
		if (t->n_names == ERASURE_NAMES_MAX)
			return RC_LIMIT;
		if ((t->names[t->n_names] = text_dup(word)) == NULL)
			return RC_NOMEM;
		t->n_names++;
	}
	return RC_OK;
}

static enum rc
read_line(struct erasure_order *o, char *line)
{
	size_t len = strlen(line);

	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r'))
		line[--len] = '\0';
	while (*line == ' ' || *line == '\t')
		line++;
	if (*line == '\0' || *line == '#')
		return RC_OK;
	if (strncmp(line, "order ", 6) == 0) {
		if (o->title[0] != '\0')
			return RC_FORMAT;
		if (strlen(line + 6) >= sizeof(o->title))
			return RC_LIMIT;
		strcpy(o->title, line + 6);
		return RC_OK;
	}
	if (strncmp(line, "record ", 7) == 0)
		return add_thing(o, true, line + 7);
	if (strncmp(line, "entry ", 6) == 0)
		return add_thing(o, false, line + 6);
	return RC_FORMAT;
}

static enum rc
check_whole(const char *name, const struct erasure_order *o, struct error *err)
{
	if (o->title[0] == '\0')
		return error_set(err, RC_FORMAT, name, "add a line `order TEXT`", "the order has no title");
	if (o->n_things == 0)
		return error_set(err, RC_FORMAT, name, "add a line `record ID FIELD …`",
		    "the order names nothing");
	return RC_OK;
}

enum rc
erasure_read(const char *name, const uint8_t *text, size_t len, struct erasure_order *out,
    struct error *err)
{
	char line[LINE_MAX_BYTES + 1], where[300];
	size_t start = 0, n;
	enum rc rc = RC_OK;

	memset(out, 0, sizeof(*out));
	if (len > ERASURE_ORDER_BYTES_MAX)
		return error_set(err, RC_LIMIT, name, "split it", "the order is too long");
	for (unsigned number = 1; start < len && rc == RC_OK; number++, start += n + 1) {
		const uint8_t *end = memchr(text + start, '\n', len - start);

		n = end == NULL ? len - start : (size_t)(end - (text + start));
		snprintf(where, sizeof(where), "%s:%u", name, number);
		if (n > LINE_MAX_BYTES) {
			rc = error_set(err, RC_LIMIT, where, "split it", "the line is too long");
			break;
		}
		memcpy(line, text + start, n);
		line[n] = '\0';
		if (memchr(line, '\0', n) != NULL || (rc = read_line(out, line)) == RC_FORMAT)
			rc = error_set(err, RC_FORMAT, where,
			    "write `order TEXT`, `record ID [FIELD …]` or `entry LOG.N [FIELD …]`",
			    "this is no line of an order");
		else if (rc == RC_LIMIT)
			rc = error_set(err, rc, where, "split the order", "the order names too much");
	}
	if (rc == RC_OK)
		rc = check_whole(name, out, err);
	if (rc != RC_OK)
		erasure_order_reset(out);
	return rc;
}
