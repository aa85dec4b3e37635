#include "shared/forms/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/embedded.h"
#include "shared/base/files.h"
#include "shared/base/text.h"
#include "shared/forms/form_list.h"
#include "shared/forms/form_sheet.h"
#include "shared/forms/form_survey.h"

enum { FILE_NAME_MAX = 160 };

struct form_set {
	struct form forms[FORM_SET_MAX];
	struct form_lists own[FORM_SET_MAX];
	size_t n;
	struct form_lists shared;
	struct form_file files[FORM_FILES_MAX];	/* sorted; what they point to is in copies */
	struct copy {
		char *name;
		uint8_t *data;
	} copies[FORM_FILES_MAX];
	size_t n_files;
};

/* ---- loading ---- */

static int
by_name(const void *a, const void *b)
{
	const struct form_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool
begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static bool
ends(const char *s, const char *with)
{
	size_t n = strlen(s), k = strlen(with);

	return n >= k && strcmp(s + n - k, with) == 0;
}

static bool
is_ours(const char *name)
{
	return ends(name, ".csv") && (begins(name, "forms/") || begins(name, "codes/") ||
	    begins(name, "rules/"));
}

static enum rc
keep_file(struct form_set *set, const struct form_file *f, struct error *err)
{
	struct copy *c = &set->copies[set->n_files];

	if (strlen(f->name) > FILE_NAME_MAX)
		return error_set(err, RC_LIMIT, f->name, "give it a shorter name",
		    "the name is longer than %d bytes", FILE_NAME_MAX);
	if (set->n_files >= FORM_FILES_MAX)
		return error_set(err, RC_LIMIT, f->name, "leave out what no form uses",
		    "the form set has more than %d files", FORM_FILES_MAX);
	c->name = text_dup(f->name);
	c->data = malloc(f->len + 1);
	set->files[set->n_files++] = (struct form_file){ c->name, c->data, f->len };
	if (c->name == NULL || c->data == NULL)
		return RC_NOMEM;
	if (f->len > 0)
		memcpy(c->data, f->data, f->len);
	c->data[f->len] = 0;
	return RC_OK;
}

static enum rc
keep_files(struct form_set *set, const struct form_file *files, size_t n, struct error *err)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < n; i++)
		if (is_ours(files[i].name))
			rc = keep_file(set, &files[i], err);
	if (rc != RC_OK)
		return rc;
	qsort(set->files, set->n_files, sizeof(set->files[0]), by_name);
	for (size_t i = 1; i < set->n_files; i++)
		if (strcmp(set->files[i - 1].name, set->files[i].name) == 0)
			return error_set(err, RC_FORMAT, set->files[i].name, NULL,
			    "the form set has this file twice");
	return RC_OK;
}

static const struct form_file *
file_of(const struct form_set *set, const char *form, const char *sheet)
{
	char name[FILE_NAME_MAX + 32];

	snprintf(name, sizeof(name), "forms/%s/%s.csv", form, sheet);
	for (size_t i = 0; i < set->n_files; i++)
		if (strcmp(set->files[i].name, name) == 0)
			return &set->files[i];
	return NULL;
}

static enum rc
load_lists(const char *prefix, const struct form_file *file, struct form_lists *into,
    struct error *err)
{
	struct form_sheet sheet;
	enum rc rc = form_sheet_parse(prefix, file, &sheet, err);

	if (rc == RC_OK)
		rc = form_list_read(&sheet, into, err);
	form_sheet_reset(&sheet);
	return rc;
}

static enum rc
load_settings(const char *prefix, const struct form_file *file, struct form *form,
    struct error *err)
{
	struct form_sheet sheet;
	enum rc rc = form_sheet_parse(prefix, file, &sheet, err);

	if (rc == RC_OK)
		rc = form_survey_settings(&sheet, form, err);
	form_sheet_reset(&sheet);
	return rc;
}

static enum rc
load_survey(const char *prefix, const struct form_file *file, struct form_set *set,
    size_t at, struct error *err)
{
	struct form_sheet sheet;
	enum rc rc = form_sheet_parse(prefix, file, &sheet, err);

	if (rc == RC_OK)
		rc = form_survey_read(&sheet, &set->own[at], &set->shared, &set->forms[at], err);
	form_sheet_reset(&sheet);
	return rc;
}

/* The form whose survey sheet is `survey`. */
static enum rc
load_form(struct form_set *set, const struct form_file *survey, const char *prefix,
    struct error *err)
{
	size_t at = set->n;
	struct form *form = &set->forms[at];
	const struct form_file *choices, *settings;
	char name[FILE_NAME_MAX], where[ERROR_WHERE_MAX];
	size_t n = strlen(survey->name) - strlen("forms/") - strlen("/survey.csv");
	enum rc rc;

	if (at >= FORM_SET_MAX)
		return error_set(err, RC_LIMIT, survey->name, "leave out what is not used",
		    "the set has more than %d forms", FORM_SET_MAX);
	memcpy(name, survey->name + strlen("forms/"), n);
	name[n] = '\0';
	snprintf(where, sizeof(where), "%s%s", prefix, survey->name);
	if (!text_is_name(name))
		return error_set(err, RC_FORMAT, where, NULL,
		    "the folder's name is no name of a form");
	settings = file_of(set, name, "settings");
	choices = file_of(set, name, "choices");
	if (settings == NULL)
		return error_set(err, RC_FORMAT, where, NULL, "beside it settings.csv is missing");
	set->n++;
	if ((form->name = text_dup(name)) == NULL)
		return RC_NOMEM;
	rc = load_settings(prefix, settings, form, err);
	if (rc == RC_OK && choices != NULL)
		rc = load_lists(prefix, choices, &set->own[at], err);
	if (rc == RC_OK)
		rc = load_survey(prefix, survey, set, at, err);
	return rc;
}

/* References name a form of the same compartment: they never cross scopes. */
static enum rc
check_references(const struct form_set *set, const char *prefix, struct error *err)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct form *form = &set->forms[i];

		for (size_t k = 0; k < form->n_fields; k++) {
			const struct form_field *f = &form->fields[k];
			const struct form *to;
			char where[ERROR_WHERE_MAX];

			if (f->refers == NULL)
				continue;
			to = form_set_find(set, f->refers);
			if (to != NULL && to->compartment == form->compartment)
				continue;
			snprintf(where, sizeof(where),
			    "%sforms/%s/survey.csv:%zu:bind::field:refers",
			    prefix, form->name, f->row);
			return error_set(err, RC_FORMAT, where, NULL, "%s: %s", to == NULL ?
			    "unknown form" : "the form is in another compartment", f->refers);
		}
	}
	return RC_OK;
}

static enum rc
load(const struct form_file *files, size_t n, const char *prefix, struct form_set **out,
    struct error *err)
{
	struct form_set *set = calloc(1, sizeof(*set));
	enum rc rc = RC_NOMEM;

	*out = NULL;
	if (set == NULL)
		return RC_NOMEM;
	rc = keep_files(set, files, n, err);
	for (size_t i = 0; rc == RC_OK && i < set->n_files; i++)
		if (begins(set->files[i].name, "codes/"))
			rc = load_lists(prefix, &set->files[i], &set->shared, err);
	for (size_t i = 0; rc == RC_OK && i < set->n_files; i++)
		if (begins(set->files[i].name, "forms/") && ends(set->files[i].name,
		    "/survey.csv") &&
		    strlen(set->files[i].name) > strlen("forms//survey.csv"))
			rc = load_form(set, &set->files[i], prefix, err);
	if (rc == RC_OK && set->n == 0)
		rc = error_set(err, RC_FORMAT, prefix, NULL, "there is no form in the set");
	if (rc == RC_OK)
		rc = check_references(set, prefix, err);
	if (rc == RC_NOMEM)
		rc = error_set(err, RC_NOMEM, NULL, NULL, "out of memory");
	if (rc == RC_OK)
		*out = set;
	else
		form_set_free(set);
	return rc;
}

enum rc
form_set_load(const struct form_file *files, size_t n, struct form_set **out,
    struct error *err)
{
	return load(files, n, "", out, err);
}

enum rc
form_set_load_embedded(struct form_set **out, struct error *err)
{
	struct form_file *files = calloc(embedded_count + 1, sizeof(*files));
	size_t n = 0;
	enum rc rc;

	*out = NULL;
	if (files == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < embedded_count; i++) {
		const struct embedded *e = &embedded_table[i];

		if (!begins(e->name, "rules/"))	/* a set holds those of a province alone */
			files[n++] = (struct form_file){ e->name, e->data, e->len };
	}
	rc = load(files, n, "schema/", out, err);
	free(files);
	return rc;
}

/* ---- from a folder ---- */

struct folder {
	char *names[FORM_FILES_MAX];
	struct bytes data[FORM_FILES_MAX];
	size_t n;
};

static enum rc
add_file(struct folder *f, const char *dir, const char *name, struct error *err)
{
	char path[FILES_PATH_MAX];
	enum rc rc = f->n >= FORM_FILES_MAX ? RC_LIMIT : files_join(dir, name, path);

	if (rc != RC_OK)
		return error_set(err, rc, dir, NULL, "too many files, or too long names");
	f->names[f->n] = text_dup(name);
	bytes_init(&f->data[f->n]);
	f->n++;
	if (f->names[f->n - 1] == NULL)
		return RC_NOMEM;
	return files_read(path, FORM_SHEET_BYTES_MAX, &f->data[f->n - 1], err);
}

/* Files of dir/sub that end in .csv; with `deeper`, those of its folders. */
static enum rc
add_folder(struct folder *f, const char *dir, const char *sub, bool deeper, struct error *err)
{
	char path[FILES_PATH_MAX], name[FILES_PATH_MAX];
	char **names = NULL;
	size_t n = 0;
	enum rc rc = files_join(dir, sub, path);

	if (rc != RC_OK)
		return rc;
	rc = files_list(path, &names, &n, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		if (names[i][0] == '.')
			continue;
		if ((rc = files_join(sub, names[i], name)) == RC_OK)
			rc = files_join(dir, name, path);
		if (rc == RC_OK && deeper && files_is_dir(path))
			rc = add_folder(f, dir, name, false, err);
		else if (rc == RC_OK && !deeper && ends(names[i], ".csv"))
			rc = add_file(f, dir, name, err);
	}
	files_names_free(names, n);
	return rc;
}

enum rc
form_set_load_dir(const char *dir, struct form_set **out, struct error *err)
{
	struct folder *folder = calloc(1, sizeof(*folder));
	struct form_file *files = calloc(FORM_FILES_MAX, sizeof(*files));
	static const char *const beside[] = { "codes", "rules" };
	char path[FILES_PATH_MAX], prefix[FILES_PATH_MAX];
	enum rc rc = RC_NOMEM;

	*out = NULL;
	if (folder == NULL || files == NULL)
		goto out;
	rc = add_folder(folder, dir, "forms", true, err);
	for (size_t i = 0; rc == RC_OK && i < sizeof(beside) / sizeof(*beside); i++)
		if ((rc = files_join(dir, beside[i], path)) == RC_OK && files_is_dir(path))
			rc = add_folder(folder, dir, beside[i], false, err);
	for (size_t i = 0; i < folder->n; i++)
		files[i] = (struct form_file){ folder->names[i], folder->data[i].data,
		    folder->data[i].len };
	if (rc == RC_OK && (rc = files_join(dir, "", prefix)) == RC_OK)
		rc = load(files, folder->n, prefix, out, err);
out:
	for (size_t i = 0; folder != NULL && i < folder->n; i++) {
		free(folder->names[i]);
		bytes_reset(&folder->data[i]);
	}
	free(folder);
	free(files);
	return rc;
}

void
form_set_free(struct form_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->n; i++) {
		form_survey_reset(&set->forms[i]);
		form_list_free_all(&set->own[i]);
	}
	form_list_free_all(&set->shared);
	for (size_t i = 0; i < set->n_files; i++) {
		free(set->copies[i].name);
		free(set->copies[i].data);
	}
	free(set);
}

/* ---- asking ---- */

const struct form_file *
form_set_files(const struct form_set *set, size_t *n)
{
	*n = set->n_files;
	return set->files;
}

size_t
form_set_count(const struct form_set *set)
{
	return set->n;
}

const struct form *
form_set_at(const struct form_set *set, size_t i)
{
	return i < set->n ? &set->forms[i] : NULL;
}

const struct form *
form_set_find(const struct form_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->forms[i].name, name) == 0)
			return &set->forms[i];
	return NULL;
}

const struct form_list *
form_set_list(const struct form_set *set, const char *name)
{
	return form_list_named(&set->shared, name);
}

const struct form_field *
form_field_named(const struct form *f, const char *name)
{
	for (size_t i = 0; i < f->n_fields; i++)
		if (f->fields[i].name != NULL && strcmp(f->fields[i].name, name) == 0)
			return &f->fields[i];
	return NULL;
}

const struct form_field *
form_field_numbered(const struct form *f, unsigned number)
{
	for (size_t i = 0; number != 0 && i < f->n_fields; i++)
		if (f->fields[i].number == number)
			return &f->fields[i];
	return NULL;
}

bool
form_field_looks(const struct form_field *field, const char *word)
{
	const char *s = field->appearance;
	size_t n = strlen(word);

	while (s != NULL && *s != '\0') {
		size_t len = strcspn(s, " ");

		if (len == n && memcmp(s, word, n) == 0)
			return true;
		s += len + strspn(s + len, " ");
	}
	return false;
}

const struct form_choice *
form_choice_find(const struct form_list *l, const char *code)
{
	int at = form_choice_rank(l, code);

	return at >= 0 ? &l->choices[at] : NULL;
}

int
form_choice_rank(const struct form_list *l, const char *code)
{
	for (size_t i = 0; l != NULL && i < l->n_choices; i++)
		if (strcmp(l->choices[i].code, code) == 0)
			return (int)i;
	return -1;
}

unsigned
form_register_of(const struct form *f, const struct form_field *field)
{
	if (field->group < 0)
		return field->number;
	return f->fields[f->groups[field->group].fields[0]].number;
}

const char *
form_compartment_name(enum form_compartment c)
{
	static const char *const names[] = { "activities", "cases", "reports" };

	return (size_t)c < 3 ? names[c] : "unknown";
}

const char *
form_policy_name(enum form_policy p)
{
	static const char *const names[] = { "review", "union", "append", "highest",
	    "deny_wins", "latest" };

	return (size_t)p < 6 ? names[p] : "unknown";
}

const char *
form_type_name(enum form_type t)
{
	static const char *const names[] = { "note", "text", "integer", "decimal", "date",
	    "select_one", "select_multiple", "reference", "calculate" };

	return (size_t)t < sizeof(names) / sizeof(names[0]) ? names[t] : "unknown";
}

const char *
form_sensitivity_name(enum form_sensitivity s)
{
	static const char *const names[] = { "PUB", "INT", "CON", "SEC" };

	return (size_t)s < sizeof(names) / sizeof(names[0]) ? names[s] : "unknown";
}
