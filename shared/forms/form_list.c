#include "shared/forms/form_list.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"

struct columns {
	size_t list;
	size_t code;
	size_t label[FORM_LANGS];
	size_t extra[CSV_COLUMNS_MAX];
	size_t n_extra;
};

/* [A-Za-z0-9_.-], at most FORM_LIST_CODE_MAX. */
static bool
is_code(const char *s)
{
	size_t n = 0;

	for (; s[n] != '\0'; n++) {
		bool ok = (s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') ||
		    (s[n] >= '0' && s[n] <= '9') || strchr("_.-", s[n]) != NULL;

		if (!ok || n >= FORM_LIST_CODE_MAX)
			return false;
	}
	return n > 0;
}

static void
free_list(struct form_list *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n_choices; i++) {
		struct form_choice *c = &l->choices[i];

		free(c->code);
		for (int lang = 0; lang < FORM_LANGS; lang++)
			free(c->label[lang]);
		for (size_t k = 0; c->extra != NULL && k < l->n_columns; k++)
			free(c->extra[k]);
		free(c->extra);
	}
	for (size_t i = 0; l->columns != NULL && i < l->n_columns; i++)
		free(l->columns[i]);
	free(l->columns);
	free(l->choices);
	free(l->name);
	free(l);
}

void
form_list_free_all(struct form_lists *lists)
{
	for (size_t i = 0; i < lists->n; i++)
		free_list(lists->items[i]);
	free(lists->items);
	lists->items = NULL;
	lists->n = 0;
}

const struct form_list *
form_list_named(const struct form_lists *lists, const char *name)
{
	for (size_t i = 0; i < lists->n; i++)
		if (strcmp(lists->items[i]->name, name) == 0)
			return lists->items[i];
	return NULL;
}

static enum rc
find_columns(const struct form_sheet *s, struct columns *out, struct error *err)
{
	static const char *const ignored[] = { "media::", "image", "audio", "video", "label",
	    "list_name", "name", NULL };

	memset(out, 0, sizeof(*out));
	out->list = csv_column(&s->csv, "list_name");
	out->code = csv_column(&s->csv, "name");
	if (out->list == SIZE_MAX)
		return form_sheet_refuse(s, 0, "list_name", err, RC_FORMAT, "the column is missing",
		    NULL);
	if (out->code == SIZE_MAX)
		return form_sheet_refuse(s, 0, "name", err, RC_FORMAT, "the column is missing",
		    NULL);
	for (int lang = 0; lang < FORM_LANGS; lang++) {
		out->label[lang] = form_sheet_language(s, "label", (enum form_lang)lang);
		if (out->label[lang] == SIZE_MAX)
			return form_sheet_refuse(s, 0, "label", err, RC_FORMAT,
			    "a label column for Vietnamese (vi) or English (en) is missing", NULL);
	}
	for (size_t c = 0; c < s->csv.n_columns; c++) {
		const char *h = csv_cell(&s->csv, 0, c);
		bool ours = true;

		for (size_t i = 0; ignored[i] != NULL; i++)
			if (strncmp(h, ignored[i], strlen(ignored[i])) == 0)
				ours = false;
		if (!ours || h[0] == '\0')
			continue;
		if (!text_is_name(h))
			return form_sheet_refuse(s, 0, h, err, RC_FORMAT,
			    "not a name for a column", h);
		out->extra[out->n_extra++] = c;
	}
	return RC_OK;
}

/* The list of that name among those of this sheet, made if need be. */
static enum rc
list_for_row(const struct form_sheet *s, size_t row, const struct columns *cols,
    struct form_lists *into, size_t first, struct form_list **out, struct error *err)
{
	const char *name = csv_cell(&s->csv, row, cols->list);
	struct form_list **grown, *l;

	*out = NULL;
	if (!is_code(name))
		return form_sheet_refuse(s, row, "list_name", err, RC_FORMAT,
		    "not a name for a list", name);
	for (size_t i = 0; i < into->n; i++) {
		if (strcmp(into->items[i]->name, name) != 0)
			continue;
		if (i < first)
			return form_sheet_refuse(s, row, "list_name", err, RC_FORMAT,
			    "another file has a list of this name", name);
		*out = into->items[i];
		return RC_OK;
	}
	if (into->n >= FORM_LIST_COUNT_MAX)
		return form_sheet_refuse(s, row, "list_name", err, RC_LIMIT, "too many lists",
		    NULL);
	grown = realloc(into->items, (into->n + 1) * sizeof(struct form_list *));
	if (grown == NULL)
		return RC_NOMEM;
	into->items = grown;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return RC_NOMEM;
	into->items[into->n++] = l;
	l->name = text_dup(name);
	l->columns = calloc(cols->n_extra + 1, sizeof(char *));
	if (l->name == NULL || l->columns == NULL)
		return RC_NOMEM;
	for (size_t k = 0; k < cols->n_extra; k++) {
		l->columns[k] = text_dup(csv_cell(&s->csv, 0, cols->extra[k]));
		l->n_columns = k + 1;
		if (l->columns[k] == NULL)
			return RC_NOMEM;
	}
	*out = l;
	return RC_OK;
}

static enum rc
add_choice(const struct form_sheet *s, size_t row, const struct columns *cols,
    struct form_list *l, struct error *err)
{
	const char *code = csv_cell(&s->csv, row, cols->code);
	struct form_choice *c;
	enum rc rc;

	if (!is_code(code))
		return form_sheet_refuse(s, row, "name", err, RC_FORMAT, "not a code", code);
	if (form_choice_find(l, code) != NULL)
		return form_sheet_refuse(s, row, "name", err, RC_FORMAT,
		    "the list has this code already", code);
	if (l->n_choices >= FORM_LIST_MAX)
		return form_sheet_refuse(s, row, "name", err, RC_LIMIT,
		    "the list has too many choices", NULL);
	if ((l->n_choices & (l->n_choices + 1)) == 0) {
		/* full at 0, 1, 3, 7, ...: room for twice as many and one */
		size_t room = l->n_choices * 2 + 1;
		struct form_choice *grown = realloc(l->choices, room * sizeof(*grown));

		if (grown == NULL)
			return RC_NOMEM;
		l->choices = grown;
	}
	c = &l->choices[l->n_choices++];
	memset(c, 0, sizeof(*c));
	c->code = text_dup(code);
	c->extra = calloc(l->n_columns + 1, sizeof(char *));
	if (c->code == NULL || c->extra == NULL)
		return RC_NOMEM;
	for (int lang = 0; lang < FORM_LANGS; lang++) {
		rc = form_sheet_text(s, row, cols->label[lang], &c->label[lang], err);
		if (rc != RC_OK)
			return rc;
		if (c->label[lang] == NULL)
			return form_sheet_refuse(s, row, "label", err, RC_FORMAT,
			    "a choice needs a label in both languages", code);
	}
	for (size_t k = 0; k < l->n_columns; k++) {
		rc = form_sheet_text(s, row, cols->extra[k], &c->extra[k], err);
		if (rc == RC_OK && c->extra[k] == NULL)
			c->extra[k] = text_dup("");
		if (rc != RC_OK || c->extra[k] == NULL)
			return rc != RC_OK ? rc : RC_NOMEM;
	}
	return RC_OK;
}

enum rc
form_list_read(const struct form_sheet *s, struct form_lists *into, struct error *err)
{
	struct columns cols;
	size_t first = into->n;
	enum rc rc = find_columns(s, &cols, err);

	for (size_t row = 1; rc == RC_OK && row <= s->csv.n_rows; row++) {
		struct form_list *l;

		rc = list_for_row(s, row, &cols, into, first, &l, err);
		if (rc == RC_OK)
			rc = add_choice(s, row, &cols, l, err);
	}
	return rc;
}
