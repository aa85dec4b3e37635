#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/forms/answer_value.h"
#include "shared/forms/expression.h"
#include "shared/forms/form_survey_parts.h"

const char *
form_survey_cell(const struct survey *s, size_t row, const char *column)
{
	return csv_cell(&s->sheet->csv, row, csv_column(&s->sheet->csv, column));
}

enum rc
form_survey_refuse(const struct survey *s, size_t row, const char *column, const char *what,
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
			return form_survey_refuse(s, row, base,
			    "a ${field} inside a text is not known", NULL);
	}
	return RC_OK;
}

/* ---- groups of the sheet ---- */

/* A section of the page. */
static enum rc
add_labelled(struct survey *s, size_t row, int *out)
{
	struct form *form = s->form;
	struct form_section *sec = realloc(form->sections, (form->n_sections + 1) * sizeof(*sec));
	enum rc rc;

	if (sec == NULL)
		return RC_NOMEM;
	form->sections = sec;
	sec += form->n_sections;
	memset(sec, 0, sizeof(*sec));
	*out = (int)form->n_sections++;
	if ((sec->name = text_dup(form_survey_cell(s, row, "name"))) == NULL)
		return RC_NOMEM;
	rc = text_in(s, row, "label", sec->label);
	return rc != RC_OK ? rc : form_sheet_text(s->sheet, row,
	    csv_column(&s->sheet->csv, "relevant"), &sec->relevant, s->err);
}

static enum rc
begin_section(struct survey *s, size_t row)
{
	struct section *sec;
	const char *name = form_survey_cell(s, row, "name");

	if (!text_is_name(name))
		return form_survey_refuse(s, row, "name", "not a name", name);
	if (s->n_sections >= FORM_SECTIONS_MAX || s->depth >= FORM_NESTING_MAX)
		return form_sheet_refuse(s->sheet, row, "type", s->err, RC_LIMIT,
		    "too many groups, or nested too deeply", NULL);
	sec = &s->sections[s->n_sections];
	sec->row = row;
	sec->parent = s->open;
	sec->has_relevant = form_survey_cell(s, row, "relevant")[0] != '\0';
	sec->labelled = s->open != SIZE_MAX ? s->sections[s->open].labelled : -1;
	s->open = s->n_sections++;
	s->depth++;
	return csv_cell(&s->sheet->csv, row, s->label[FORM_VI])[0] == '\0' ? RC_OK :
	    add_labelled(s, row, &sec->labelled);
}

static enum rc
end_section(struct survey *s, size_t row)
{
	if (s->open == SIZE_MAX)
		return form_survey_refuse(s, row, "type", "end_group without begin_group", NULL);
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
			return form_survey_refuse(s, row, "type", "not a file of codes", word);
		n -= 4;
	}
	if (n == 0 || n > FORM_LIST_CODE_MAX)
		return form_survey_refuse(s, row, "type", "a select needs the name of a list",
		    NULL);
	memcpy(name, word, n);
	name[n] = '\0';
	f->list = form_list_named(s->own, name);
	if (f->list == NULL)
		f->list = form_list_named(s->shared, name);
	if (f->list == NULL)
		return form_survey_refuse(s, row, "type", "unknown list", name);
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
			return find_list(s, row, f, rest, strstr(types[i].word,
			    "_from_file") != NULL);
		if (*rest != '\0')
			return form_survey_refuse(s, row, "type", "unknown type", type);
		return RC_OK;
	}
	if (strncmp(type, "begin_repeat", 12) == 0 || strncmp(type, "begin repeat", 12) == 0)
		return form_survey_refuse(s, row, "type",
		    "a repeat is a form of its own here, whose rows refer to their parent", NULL);
	return form_survey_refuse(s, row, "type", "unknown type", type);
}

static enum rc
read_name(struct survey *s, size_t row, struct form_field *f)
{
	const char *name = form_survey_cell(s, row, "name");

	if (!text_is_name(name))
		return form_survey_refuse(s, row, "name",
		    "not a name ([a-z][a-z0-9_]*, at most 63)", name);
	if (form_field_named(s->form, name) != NULL)
		return form_survey_refuse(s, row, "name", "the form has this field already", name);
	f->name = text_dup(name);
	return f->name != NULL ? RC_OK : RC_NOMEM;
}

/* A warning is shown to people, who read one language or the other. */
static enum rc
read_expected(struct survey *s, size_t row, struct form_field *f)
{
	static const char *const columns[FORM_LANGS] = {
		"bind::field:expect_vi", "bind::field:expect_en"
	};
	bool expects = form_survey_cell(s, row, "bind::field:expect")[0] != '\0';

	for (int lang = 0; lang < FORM_LANGS; lang++) {
		enum rc rc = form_sheet_text(s->sheet, row, csv_column(&s->sheet->csv, columns[lang]),
		    &f->expected_message[lang], s->err);

		if (rc != RC_OK)
			return rc;
		if (expects != (f->expected_message[lang] != NULL))
			return form_survey_refuse(s, row, columns[lang],
			    "what is expected goes with a warning in both languages", f->name);
	}
	if (expects && (f->type == FORM_NOTE || f->type == FORM_CALCULATE))
		return form_survey_refuse(s, row, "bind::field:expect",
		    "a note or calculation is never answered", NULL);
	return RC_OK;
}

static enum rc
read_texts(struct survey *s, size_t row, struct form_field *f)
{
	const struct form_sheet *sheet = s->sheet;
	enum rc rc = text_in(s, row, "label", f->label);

	if (rc == RC_OK)
		rc = text_in(s, row, "hint", f->hint);
	if (rc == RC_OK)
		rc = text_in(s, row, "constraint_message", f->constraint_message);
	if (rc == RC_OK)
		rc = text_in(s, row, "required_message", f->required_message);
	if (rc == RC_OK)
		rc = form_sheet_text(sheet, row, csv_column(&sheet->csv, "appearance"),
		    &f->appearance, s->err);
	if (rc == RC_OK)
		rc = form_sheet_text(sheet, row, csv_column(&sheet->csv, "default"),
		    &f->default_value, s->err);
	if (rc != RC_OK)
		return rc;
	if (rc == RC_OK)
		rc = read_expected(s, row, f);
	if (rc != RC_OK)
		return rc;
	for (int lang = 0; lang < FORM_LANGS; lang++)
		if (f->label[lang] == NULL && f->type != FORM_CALCULATE)
			return form_survey_refuse(s, row, "label",
			    "a field needs a label in both languages",
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
		return form_survey_refuse(s, row, "default",
		    "a note or calculation has no default", NULL);
	if (f->type == FORM_SELECT_MULTIPLE || f->many) {
		/* Several values: answers take them one by one, and check them. */
		return f->type != FORM_SELECT_MULTIPLE || form_choice_find(f->list, v) != NULL ?
		    RC_OK : form_survey_refuse(s, row, "default",
		    "a default is one code of the list", v);
	}
	rc = answer_value_read(f, v, strlen(v), &canonical, NULL, NULL);
	free(canonical);
	if (rc == RC_NOMEM)
		return rc;
	return rc == RC_OK ? RC_OK : form_survey_refuse(s, row, "default",
	    "not a value of this field", v);
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
	f->section = s->open != SIZE_MAX ? s->sections[s->open].labelled : -1;
	rc = read_name(s, row, f);
	s->section_of[form->n_fields++] = s->open;
	if (rc == RC_OK)
		rc = read_type(s, row, f, type);
	if (rc == RC_OK)
		rc = read_texts(s, row, f);
	if (rc == RC_OK)
		rc = form_survey_columns(s, row, f);
	if (rc == RC_OK)
		rc = check_default(s, row, f);
	return rc;
}

static enum rc
read_rows(struct survey *s)
{
	enum rc rc = RC_OK;

	for (size_t row = 1; rc == RC_OK && row <= s->sheet->csv.n_rows; row++) {
		const char *type = form_survey_cell(s, row, "type");

		if (strcmp(type, "begin_group") == 0 || strcmp(type, "begin group") == 0)
			rc = begin_section(s, row);
		else if (strcmp(type, "end_group") == 0 || strcmp(type, "end group") == 0)
			rc = end_section(s, row);
		else if (type[0] != '\0')
			rc = read_field(s, row, type);
		else if (form_survey_cell(s, row, "name")[0] != '\0')
			rc = form_survey_refuse(s, row, "type", "the type is missing", NULL);
	}
	if (rc == RC_OK && s->open != SIZE_MAX)
		rc = form_survey_refuse(s, s->sections[s->open].row, "type",
		    "the group has no end_group", NULL);
	return rc;
}

static enum rc
check_columns(struct survey *s)
{
	static const char *const known[] = { "type", "name", "label", "hint", "required",
	    "required_message", "relevant", "constraint", "constraint_message", "calculation",
	    "choice_filter", "appearance", "default", "note", "guidance_hint",
	    "bind::field:number", "bind::field:merge", "bind::field:group",
	    "bind::field:sensitivity", "bind::field:refers", "bind::field:expect",
	    "bind::field:expect_vi", "bind::field:expect_en", NULL };
	static const char *const prefixes[] = { "label::", "hint::", "required_message::",
	    "constraint_message::", "guidance_hint::", "media::", "instance::", "body::", NULL };
	static const char *const needed[] = { "type", "name", "bind::field:number" };
	enum rc rc = form_sheet_check_headers(s->sheet, known, prefixes, s->err);

	for (size_t i = 0; rc == RC_OK && i < 3; i++)
		if (csv_column(&s->sheet->csv, needed[i]) == SIZE_MAX)
			rc = form_survey_refuse(s, 0, needed[i], "the column is missing", NULL);
	for (int lang = 0; rc == RC_OK && lang < FORM_LANGS; lang++) {
		s->label[lang] = form_sheet_language(s->sheet, "label", (enum form_lang)lang);
		if (s->label[lang] == SIZE_MAX)
			rc = form_survey_refuse(s, 0, "label",
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
		rc = form_survey_rules(s);
	if (rc == RC_OK && form->n_fields == 0)
		rc = form_survey_refuse(s, 0, "name", "the form has no fields", NULL);
	if (rc == RC_OK && form->instance_name != NULL &&
	    form_field_named(form, form->instance_name) == NULL)
		rc = form_survey_refuse(s, 0, "name",
		    "the instance_name of the settings is no field",
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
		free(f->constraint_message[lang]);
		free(f->required_message[lang]);
		free(f->expected_message[lang]);
	}
	expression_free(f->required_if);
	expression_free(f->relevant);
	expression_free(f->constraint);
	expression_free(f->expected);
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
	for (size_t i = 0; i < form->n_sections; i++) {
		free(form->sections[i].name);
		free(form->sections[i].relevant);
		for (int lang = 0; lang < FORM_LANGS; lang++)
			free(form->sections[i].label[lang]);
	}
	free(form->fields);
	free(form->groups);
	free(form->sections);
	free(form->order);
	free(form->instance_name);
	free(form->name);
	for (int lang = 0; lang < FORM_LANGS; lang++)
		free(form->title[lang]);
	memset(form, 0, sizeof(*form));
}
