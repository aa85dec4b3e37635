#include "shared/forms/form_survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/base/text.h"
#include "shared/forms/answer_value.h"
#include "shared/forms/expression.h"

/* A group of the sheet: a section on the page, and a common relevance. */
struct section {
	size_t row;
	size_t parent;		/* SIZE_MAX: none */
	size_t labelled;	/* nearest section with a label, itself included */
	bool has_relevant;
};

struct survey {
	const struct form_sheet *sheet;
	const struct form_lists *own;
	const struct form_lists *shared;
	struct form *form;
	struct error *err;
	size_t label[FORM_LANGS];
	struct section sections[FORM_SECTIONS_MAX];
	size_t n_sections;
	size_t open;		/* innermost open section, or SIZE_MAX */
	size_t depth;
	size_t section_of[FORM_FIELDS_MAX];
	const struct form_list *list;	/* of the current choice filter */
};

static const char *
cell(const struct survey *s, size_t row, const char *column)
{
	return csv_cell(&s->sheet->csv, row, csv_column(&s->sheet->csv, column));
}

static enum rc
refuse(const struct survey *s, size_t row, const char *column, const char *what,
    const char *word)
{
	return form_sheet_refuse(s->sheet, row, column, s->err, RC_FORMAT, what, word);
}

static enum rc
text_in(const struct survey *s, size_t row, const char *base, char *out[FORM_LANGS])
{
	for (int lang = 0; lang < FORM_LANGS; lang++) {
		size_t c = form_sheet_language(s->sheet, base, (enum form_lang)lang);
		enum rc rc = form_sheet_text(s->sheet, row, c, &out[lang], s->err);

		if (rc != RC_OK)
			return rc;
		if (out[lang] != NULL && strstr(out[lang], "${") != NULL)
			return refuse(s, row, base, "a ${field} inside a text is not known", NULL);
	}
	return RC_OK;
}

/* ---- groups of the sheet ---- */

static enum rc
begin_section(struct survey *s, size_t row)
{
	struct section *sec;
	const char *name = cell(s, row, "name");

	if (!text_is_name(name))
		return refuse(s, row, "name", "not a name", name);
	if (s->n_sections >= FORM_SECTIONS_MAX || s->depth >= FORM_NESTING_MAX)
		return form_sheet_refuse(s->sheet, row, "type", s->err, RC_LIMIT,
		    "too many groups, or nested too deeply", NULL);
	sec = &s->sections[s->n_sections];
	sec->row = row;
	sec->parent = s->open;
	sec->has_relevant = cell(s, row, "relevant")[0] != '\0';
	sec->labelled = csv_cell(&s->sheet->csv, row, s->label[FORM_VI])[0] != '\0' ?
	    s->n_sections : s->open != SIZE_MAX ? s->sections[s->open].labelled : SIZE_MAX;
	s->open = s->n_sections++;
	s->depth++;
	return RC_OK;
}

static enum rc
end_section(struct survey *s, size_t row)
{
	if (s->open == SIZE_MAX)
		return refuse(s, row, "type", "end_group without begin_group", NULL);
	s->open = s->sections[s->open].parent;
	s->depth--;
	return RC_OK;
}

/* ---- one field: type, name, list ---- */

static const struct {
	const char *word;
	enum form_type type;
	bool list;
} types[] = {
	{ "note", FORM_NOTE, false }, { "text", FORM_TEXT, false },
	{ "integer", FORM_INTEGER, false }, { "decimal", FORM_DECIMAL, false },
	{ "date", FORM_DATE, false }, { "calculate", FORM_CALCULATE, false },
	{ "select_one", FORM_SELECT_ONE, true }, { "select_multiple", FORM_SELECT_MULTIPLE, true },
	{ "select_one_from_file", FORM_SELECT_ONE, true },
	{ "select_multiple_from_file", FORM_SELECT_MULTIPLE, true },
};

/* "codes/yes_no.csv" is the list yes_no. */
static enum rc
find_list(struct survey *s, size_t row, struct form_field *f, const char *word, bool file)
{
	char name[FORM_LIST_CODE_MAX + 1];
	size_t n = strlen(word);

	if (file) {
		const char *base = strrchr(word, '/');

		word = base != NULL ? base + 1 : word;
		n = strlen(word);
		if (n < 5 || strcmp(word + n - 4, ".csv") != 0)
			return refuse(s, row, "type", "not a file of codes", word);
		n -= 4;
	}
	if (n == 0 || n > FORM_LIST_CODE_MAX)
		return refuse(s, row, "type", "a select needs the name of a list", NULL);
	memcpy(name, word, n);
	name[n] = '\0';
	f->list = form_list_named(s->own, name);
	if (f->list == NULL)
		f->list = form_list_named(s->shared, name);
	if (f->list == NULL)
		return refuse(s, row, "type", "unknown list", name);
	return RC_OK;
}

static enum rc
read_type(struct survey *s, size_t row, struct form_field *f, const char *type)
{
	size_t n = strcspn(type, " ");
	const char *rest = type + n + strspn(type + n, " ");

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strlen(types[i].word) != n || memcmp(types[i].word, type, n) != 0)
			continue;
		f->type = types[i].type;
		if (types[i].list)
			return find_list(s, row, f, rest, strstr(types[i].word, "_from_file") != NULL);
		if (*rest != '\0')
			return refuse(s, row, "type", "unknown type", type);
		return RC_OK;
	}
	if (strncmp(type, "begin_repeat", 12) == 0 || strncmp(type, "begin repeat", 12) == 0)
		return refuse(s, row, "type",
		    "a repeat is a form of its own here, whose rows refer to their parent", NULL);
	return refuse(s, row, "type", "unknown type", type);
}

static enum rc
read_name(struct survey *s, size_t row, struct form_field *f)
{
	const char *name = cell(s, row, "name");

	if (!text_is_name(name))
		return refuse(s, row, "name", "not a name ([a-z][a-z0-9_]*, at most 63)", name);
	if (form_field_named(s->form, name) != NULL)
		return refuse(s, row, "name", "the form has this field already", name);
	f->name = text_dup(name);
	return f->name != NULL ? RC_OK : RC_NOMEM;
}

/* ---- our extension columns ---- */

static enum rc
read_number(struct survey *s, size_t row, struct form_field *f)
{
	const char *v = cell(s, row, "bind::field:number");
	bool wants = f->type != FORM_NOTE && f->type != FORM_CALCULATE;
	size_t n = strspn(v, "0123456789");

	if (!wants && v[0] == '\0')
		return RC_OK;
	if (!wants)
		return refuse(s, row, "bind::field:number",
		    "a note or calculation is never written and has no number", NULL);
	if (n == 0 || n > 4 || v[n] != '\0')
		return refuse(s, row, "bind::field:number", "a field needs a number", NULL);
	f->number = (unsigned)strtoul(v, NULL, 10);
	if (f->number == 0 || f->number > FORM_FIELD_NUMBER_MAX)
		return refuse(s, row, "bind::field:number", "numbers go from 1 to 2047, not", v);
	for (size_t i = 0; i < s->form->n_fields; i++)
		if (&s->form->fields[i] != f && s->form->fields[i].number == f->number)
			return refuse(s, row, "bind::field:number",
			    "another field has this number:", s->form->fields[i].name);
	return RC_OK;
}

static enum rc
read_policy(struct survey *s, size_t row, struct form_field *f)
{
	const char *v = cell(s, row, "bind::field:merge");
	int p;

	f->policy = FORM_REVIEW;
	for (p = FORM_REVIEW; v[0] != '\0' && p <= FORM_LATEST; p++)
		if (strcmp(form_policy_name((enum form_policy)p), v) == 0)
			break;
	if (v[0] != '\0' && p > FORM_LATEST)
		return refuse(s, row, "bind::field:merge", "unknown policy", v);
	if (v[0] != '\0')
		f->policy = (enum form_policy)p;
	f->many = f->policy == FORM_UNION || f->policy == FORM_APPEND;
	if ((f->policy == FORM_HIGHEST || f->policy == FORM_DENY_WINS) &&
	    f->type != FORM_SELECT_ONE)
		return refuse(s, row, "bind::field:merge",
		    "this policy needs a select_one, whose list has an order:", v);
	return RC_OK;
}

static enum rc
read_sensitivity(struct survey *s, size_t row, struct form_field *f)
{
	static const char *const names[] = { "PUB", "INT", "CON", "SEC" };
	const char *v = cell(s, row, "bind::field:sensitivity");

	f->sensitivity = FORM_INT;
	if (v[0] == '\0')
		return RC_OK;
	for (size_t i = 0; i < 4; i++) {
		if (strcmp(names[i], v) == 0) {
			f->sensitivity = (enum form_sensitivity)i;
			return RC_OK;
		}
	}
	return refuse(s, row, "bind::field:sensitivity", "PUB, INT, CON or SEC, not", v);
}

static enum rc
read_refers(struct survey *s, size_t row, struct form_field *f)
{
	const char *v = cell(s, row, "bind::field:refers");

	if (v[0] == '\0')
		return RC_OK;
	if (f->type != FORM_TEXT || !text_is_name(v))
		return refuse(s, row, "bind::field:refers", "a reference is a text that names a form",
		    NULL);
	f->type = FORM_REFERENCE;
	f->refers = text_dup(v);
	return f->refers != NULL ? RC_OK : RC_NOMEM;
}

/* A statement of several fields: one register, one policy. */
static enum rc
read_group(struct survey *s, size_t row, struct form_field *f)
{
	const char *v = cell(s, row, "bind::field:group");
	struct form *form = s->form;
	struct form_group *g = NULL;
	size_t *grown;

	f->group = -1;
	if (v[0] == '\0')
		return RC_OK;
	if (!text_is_name(v) || f->number == 0 || f->many)
		return refuse(s, row, "bind::field:group",
		    "a statement takes fields that are written and hold one value", NULL);
	for (size_t i = 0; i < form->n_groups && g == NULL; i++) {
		if (strcmp(form->groups[i].name, v) == 0) {
			g = &form->groups[i];
			f->group = (int)i;
		}
	}
	if (g != NULL && g->policy != f->policy)
		return refuse(s, row, "bind::field:merge",
		    "the fields of a statement share one policy:", v);
	if (g == NULL) {
		if (form->n_groups >= FORM_STATEMENTS_MAX)
			return form_sheet_refuse(s->sheet, row, "bind::field:group", s->err,
			    RC_LIMIT, "too many statements", NULL);
		f->group = (int)form->n_groups;
		g = &form->groups[form->n_groups++];
		g->policy = f->policy;
		g->name = text_dup(v);
		if (g->name == NULL)
			return RC_NOMEM;
	}
	if (g->n_fields >= FORM_STATEMENT_FIELDS_MAX)
		return form_sheet_refuse(s->sheet, row, "bind::field:group", s->err, RC_LIMIT,
		    "the statement has too many fields:", v);
	grown = realloc(g->fields, (g->n_fields + 1) * sizeof(*grown));
	if (grown == NULL)
		return RC_NOMEM;
	g->fields = grown;
	g->fields[g->n_fields++] = (size_t)(f - form->fields);
	return RC_OK;
}

static enum rc
read_texts(struct survey *s, size_t row, struct form_field *f)
{
	const struct form_sheet *sheet = s->sheet;
	size_t sec = s->open != SIZE_MAX ? s->sections[s->open].labelled : SIZE_MAX;
	enum rc rc = text_in(s, row, "label", f->label);

	if (rc == RC_OK)
		rc = text_in(s, row, "hint", f->hint);
	if (rc == RC_OK)
		rc = text_in(s, row, "constraint_message", f->constraint_message);
	if (rc == RC_OK)
		rc = text_in(s, row, "required_message", f->required_message);
	if (rc == RC_OK && sec != SIZE_MAX)
		rc = text_in(s, s->sections[sec].row, "label", f->section);
	if (rc == RC_OK)
		rc = form_sheet_text(sheet, row, csv_column(&sheet->csv, "appearance"),
		    &f->appearance, s->err);
	if (rc == RC_OK)
		rc = form_sheet_text(sheet, row, csv_column(&sheet->csv, "default"),
		    &f->default_value, s->err);
	if (rc != RC_OK)
		return rc;
	for (int lang = 0; lang < FORM_LANGS; lang++)
		if (f->label[lang] == NULL && f->type != FORM_CALCULATE)
			return refuse(s, row, "label", "a field needs a label in both languages",
			    f->name);
	return RC_OK;
}

static enum rc
check_default(struct survey *s, size_t row, const struct form_field *f)
{
	const char *v = f->default_value;
	char *canonical;
	enum rc rc;

	if (v == NULL || (f->type == FORM_DATE && strcmp(v, "today()") == 0))
		return RC_OK;
	if (f->type == FORM_NOTE || f->type == FORM_CALCULATE)
		return refuse(s, row, "default", "a note or calculation has no default", NULL);
	if (f->type == FORM_SELECT_MULTIPLE || f->many) {
		/* Several values: answers take them one by one, and check them. */
		return f->type != FORM_SELECT_MULTIPLE || form_choice_find(f->list, v) != NULL ?
		    RC_OK : refuse(s, row, "default", "a default is one code of the list", v);
	}
	rc = answer_value_read(f, v, strlen(v), &canonical, NULL, NULL);
	free(canonical);
	if (rc == RC_NOMEM)
		return rc;
	return rc == RC_OK ? RC_OK : refuse(s, row, "default", "not a value of this field", v);
}

static enum rc
read_field(struct survey *s, size_t row, const char *type)
{
	struct form *form = s->form;
	struct form_field *f;
	enum rc rc;

	if (form->n_fields >= FORM_FIELDS_MAX)
		return form_sheet_refuse(s->sheet, row, "type", s->err, RC_LIMIT,
		    "the form has too many fields", NULL);
	f = &form->fields[form->n_fields];
	f->row = s->sheet->csv.lines != NULL ? s->sheet->csv.lines[row] : row + 1;
	f->group = -1;
	rc = read_name(s, row, f);
	s->section_of[form->n_fields++] = s->open;
	if (rc == RC_OK)
		rc = read_type(s, row, f, type);
	if (rc == RC_OK)
		rc = read_texts(s, row, f);
	if (rc == RC_OK)
		rc = read_number(s, row, f);
	if (rc == RC_OK)
		rc = read_policy(s, row, f);
	if (rc == RC_OK)
		rc = read_sensitivity(s, row, f);
	if (rc == RC_OK)
		rc = read_refers(s, row, f);
	if (rc == RC_OK)
		rc = read_group(s, row, f);
	if (rc == RC_OK)
		rc = check_default(s, row, f);
	return rc;
}

static enum rc
read_rows(struct survey *s)
{
	enum rc rc = RC_OK;

	for (size_t row = 1; rc == RC_OK && row <= s->sheet->csv.n_rows; row++) {
		const char *type = cell(s, row, "type");

		if (strcmp(type, "begin_group") == 0 || strcmp(type, "begin group") == 0)
			rc = begin_section(s, row);
		else if (strcmp(type, "end_group") == 0 || strcmp(type, "end group") == 0)
			rc = end_section(s, row);
		else if (type[0] != '\0')
			rc = read_field(s, row, type);
		else if (cell(s, row, "name")[0] != '\0')
			rc = refuse(s, row, "type", "the type is missing", NULL);
	}
	if (rc == RC_OK && s->open != SIZE_MAX)
		rc = refuse(s, s->sections[s->open].row, "type", "the group has no end_group", NULL);
	return rc;
}

/* ---- expressions, once all names are known ---- */

static size_t
find_field(void *ctx, const char *name, size_t len)
{
	const struct survey *s = ctx;

	for (size_t i = 0; i < s->form->n_fields; i++) {
		const struct form_field *f = &s->form->fields[i];

		if (strlen(f->name) == len && memcmp(f->name, name, len) == 0 &&
		    f->type != FORM_NOTE)
			return i;
	}
	return SIZE_MAX;
}

/* Columns of a list by number; the code itself ("name") is the one after them. */
static size_t
find_column(void *ctx, const char *name, size_t len)
{
	const struct survey *s = ctx;

	if (len == 4 && memcmp(name, "name", 4) == 0)
		return s->list->n_columns;
	for (size_t i = 0; i < s->list->n_columns; i++)
		if (strlen(s->list->columns[i]) == len &&
		    memcmp(s->list->columns[i], name, len) == 0)
			return i;
	return SIZE_MAX;
}

static enum rc
compile(struct survey *s, const char *text, size_t row, const char *column, bool current,
    struct expression **out)
{
	char where[FORM_SHEET_WHERE_MAX];
	struct expression_names names = { .field = find_field, .current = current, .ctx = s,
	    .column = s->list != NULL ? find_column : NULL };

	form_sheet_where(s->sheet, row, column, where);
	return expression_compile(text, &names, where, out, s->err);
}

static enum rc
compile_cell(struct survey *s, size_t row, const char *column, bool current,
    struct expression **out)
{
	const char *text = cell(s, row, column);

	*out = NULL;
	return text[0] != '\0' ? compile(s, text, row, column, current, out) : RC_OK;
}

/* Each group's own relevance, so that an error names the group's row. */
static enum rc
check_sections(struct survey *s)
{
	for (size_t i = 0; i < s->n_sections; i++) {
		struct expression *e;
		enum rc rc = compile_cell(s, s->sections[i].row, "relevant", false, &e);

		expression_free(e);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* The field's own relevance and those of all groups around it, joined by "and". */
static enum rc
compile_relevant(struct survey *s, size_t row, size_t index, struct form_field *f)
{
	struct bytes joined;
	size_t sec = s->section_of[index];
	enum rc rc = compile_cell(s, row, "relevant", false, &f->relevant);

	bytes_init(&joined);
	for (; rc == RC_OK && sec != SIZE_MAX; sec = s->sections[sec].parent)
		if (s->sections[sec].has_relevant)
			bytes_printf(&joined, "%s(%s)", joined.len > 0 ? " and " : "",
			    cell(s, s->sections[sec].row, "relevant"));
	if (rc == RC_OK && joined.len > 0) {
		if (f->relevant != NULL)
			bytes_printf(&joined, " and (%s)", cell(s, row, "relevant"));
		expression_free(f->relevant);
		f->relevant = NULL;
		rc = joined.rc != RC_OK ? joined.rc :
		    compile(s, bytes_cstr(&joined), row, "relevant", false, &f->relevant);
	}
	bytes_reset(&joined);
	return rc;
}

static enum rc
compile_required(struct survey *s, size_t row, struct form_field *f)
{
	static const char *const yes[] = { "yes", "true", "true()", "TRUE", "Yes", NULL };
	static const char *const no[] = { "", "no", "false", "false()", "FALSE", "No", NULL };
	const char *v = cell(s, row, "required");

	for (size_t i = 0; yes[i] != NULL; i++)
		if (strcmp(v, yes[i]) == 0)
			f->required = true;
	for (size_t i = 0; no[i] != NULL; i++)
		if (strcmp(v, no[i]) == 0)
			return RC_OK;
	if (f->type == FORM_NOTE || f->type == FORM_CALCULATE)
		return refuse(s, row, "required", "a note or calculation is never answered", NULL);
	return f->required ? RC_OK : compile_cell(s, row, "required", false, &f->required_if);
}

static enum rc
compile_field(struct survey *s, size_t row, size_t index)
{
	struct form_field *f = &s->form->fields[index];
	enum rc rc = compile_relevant(s, row, index, f);

	if (rc == RC_OK)
		rc = compile_required(s, row, f);
	if (rc == RC_OK)
		rc = compile_cell(s, row, "constraint", true, &f->constraint);
	if (rc == RC_OK)
		rc = compile_cell(s, row, "calculation", false, &f->calculation);
	if (rc != RC_OK)
		return rc;
	if ((f->type == FORM_CALCULATE) != (f->calculation != NULL))
		return refuse(s, row, "calculation",
		    "a calculate has a calculation, and nothing else has", f->name);
	if (f->list == NULL && cell(s, row, "choice_filter")[0] != '\0')
		return refuse(s, row, "choice_filter", "only a select has a choice filter", f->name);
	s->list = f->list;
	rc = compile_cell(s, row, "choice_filter", false, &f->choice_filter);
	s->list = NULL;
	return rc;
}

static enum rc
compile_all(struct survey *s)
{
	enum rc rc = check_sections(s);
	size_t index = 0;

	for (size_t row = 1; rc == RC_OK && row <= s->sheet->csv.n_rows; row++) {
		const char *type = cell(s, row, "type");

		if (type[0] != '\0' && strncmp(type, "begin", 5) != 0 && strncmp(type, "end", 3) != 0)
			rc = compile_field(s, row, index++);
	}
	return rc;
}

/* ---- an order in which fields can be worked out ---- */

static void
mark_uses(const struct expression *e, uint8_t *uses)
{
	size_t used;

	for (size_t i = 0; e != NULL && (used = expression_uses(e, i)) != SIZE_MAX; i++)
		uses[used] = 1;
}

static enum rc
find_order(struct survey *s)
{
	struct form *form = s->form;
	size_t n = form->n_fields, done = 0;
	uint8_t *uses = calloc(n * n + 1, 1), *placed = calloc(n + 1, 1);
	size_t *waits = calloc(n + 1, sizeof(*waits));
	enum rc rc = RC_OK;

	form->order = calloc(n + 1, sizeof(*form->order));
	if (uses == NULL || placed == NULL || waits == NULL || form->order == NULL) {
		rc = RC_NOMEM;
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		mark_uses(form->fields[i].relevant, uses + i * n);
		mark_uses(form->fields[i].calculation, uses + i * n);
		for (size_t k = 0; k < n; k++)
			waits[i] += uses[i * n + k];
		if (waits[i] == 0)
			form->order[done++] = i;
	}
	for (size_t at = 0; at < done; at++) {
		placed[form->order[at]] = 1;
		for (size_t i = 0; i < n; i++)
			if (uses[i * n + form->order[at]] && --waits[i] == 0)
				form->order[done++] = i;
	}
	for (size_t i = 0; rc == RC_OK && done < n && i < n; i++) {
		char where[FORM_SHEET_WHERE_MAX];

		if (placed[i])
			continue;
		snprintf(where, sizeof(where), "%s:%zu:%s", s->sheet->name, form->fields[i].row,
		    form->fields[i].calculation != NULL ? "calculation" : "relevant");
		rc = error_set(s->err, RC_FORMAT, where, NULL,
		    "the field depends on itself, through others or at once: %s",
		    form->fields[i].name);
	}
out:
	free(uses);
	free(placed);
	free(waits);
	return rc;
}

static enum rc
check_columns(struct survey *s)
{
	static const char *const known[] = { "type", "name", "label", "hint", "required",
	    "required_message", "relevant", "constraint", "constraint_message", "calculation",
	    "choice_filter", "appearance", "default", "note", "guidance_hint",
	    "bind::field:number", "bind::field:merge", "bind::field:group",
	    "bind::field:sensitivity", "bind::field:refers", NULL };
	static const char *const prefixes[] = { "label::", "hint::", "required_message::",
	    "constraint_message::", "guidance_hint::", "media::", "instance::", "body::", NULL };
	static const char *const needed[] = { "type", "name", "bind::field:number" };
	enum rc rc = form_sheet_check_headers(s->sheet, known, prefixes, s->err);

	for (size_t i = 0; rc == RC_OK && i < 3; i++)
		if (csv_column(&s->sheet->csv, needed[i]) == SIZE_MAX)
			rc = refuse(s, 0, needed[i], "the column is missing", NULL);
	for (int lang = 0; rc == RC_OK && lang < FORM_LANGS; lang++) {
		s->label[lang] = form_sheet_language(s->sheet, "label", (enum form_lang)lang);
		if (s->label[lang] == SIZE_MAX)
			rc = refuse(s, 0, "label",
			    "a label column for Vietnamese (vi) or English (en) is missing", NULL);
	}
	return rc;
}

enum rc
form_survey_read(const struct form_sheet *survey, const struct form_lists *own,
    const struct form_lists *shared, struct form *form, struct error *err)
{
	struct survey *s = calloc(1, sizeof(*s));
	enum rc rc = RC_NOMEM;

	if (s == NULL)
		goto out;
	*s = (struct survey){ .sheet = survey, .own = own, .shared = shared, .form = form,
	    .err = err, .open = SIZE_MAX };
	form->fields = calloc(FORM_FIELDS_MAX, sizeof(*form->fields));
	form->groups = calloc(FORM_STATEMENTS_MAX, sizeof(*form->groups));
	if (form->fields == NULL || form->groups == NULL)
		goto out;
	rc = check_columns(s);
	if (rc == RC_OK)
		rc = read_rows(s);
	if (rc == RC_OK)
		rc = compile_all(s);
	if (rc == RC_OK)
		rc = find_order(s);
	if (rc == RC_OK && form->n_fields == 0)
		rc = refuse(s, 0, "name", "the form has no fields", NULL);
	if (rc == RC_OK && form->instance_name != NULL &&
	    form_field_named(form, form->instance_name) == NULL)
		rc = refuse(s, 0, "name", "the instance_name of the settings is no field",
		    form->instance_name);
out:
	free(s);
	return rc;
}

static void
reset_field(struct form_field *f)
{
	for (int lang = 0; lang < FORM_LANGS; lang++) {
		free(f->label[lang]);
		free(f->hint[lang]);
		free(f->section[lang]);
		free(f->constraint_message[lang]);
		free(f->required_message[lang]);
	}
	expression_free(f->required_if);
	expression_free(f->relevant);
	expression_free(f->constraint);
	expression_free(f->calculation);
	expression_free(f->choice_filter);
	free(f->name);
	free(f->default_value);
	free(f->appearance);
	free(f->refers);
}

void
form_survey_reset(struct form *form)
{
	for (size_t i = 0; i < form->n_fields; i++)
		reset_field(&form->fields[i]);
	for (size_t i = 0; i < form->n_groups; i++) {
		free(form->groups[i].name);
		free(form->groups[i].fields);
	}
	free(form->fields);
	free(form->groups);
	free(form->order);
	free(form->instance_name);
	free(form->name);
	for (int lang = 0; lang < FORM_LANGS; lang++)
		free(form->title[lang]);
	memset(form, 0, sizeof(*form));
}
