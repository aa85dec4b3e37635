#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/embedded.h"
#include "shared/base/files.h"
#include "shared/forms/form.h"
#include "shared/records/case_rules.h"
#include "shared/sync/form_parcel.h"
#include "sync-server/authority_internal.h"

/* A set that is gathered: names and contents are owned. */
struct gathered {
	struct form_file files[FORM_FILES_MAX];
	char *names[FORM_FILES_MAX];
	struct bytes contents[FORM_FILES_MAX];
	size_t n;
};

static int
by_name(const void *a, const void *b)
{
	const struct form_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* The published set, or NULL. */
static enum rc
published(struct authority *a, struct form_set **out, struct error *err)
{
	const uint8_t *payload;
	size_t len;
	uint64_t seq;

	*out = NULL;
	payload = directory_forms(a->directory, &len, &seq);
	return payload == NULL ? RC_OK : form_parcel_open(payload, len, out, err);
}

static enum rc
publish(struct authority *a, const struct bytes *payload, bool *changed, struct error *err)
{
	const uint8_t *old;
	size_t len;
	uint64_t seq;
	enum rc rc;

	old = directory_forms(a->directory, &len, &seq);
	if (old != NULL && len == payload->len && memcmp(old, payload->data, len) == 0)
		return RC_OK;
	if ((rc = authority_begin(a, err)) == RC_OK)
		rc = authority_end(a, authority_statement(a, STATEMENT_FORMS, payload, &seq, err),
		    err);
	*changed = rc == RC_OK;
	return rc;
}

static bool
is_rules(const char *name)
{
	return strncmp(name, "rules/", strlen("rules/")) == 0;
}

/* Those of a set that are rules, or those that are not, behind *n others. */
static enum rc
add_of_set(const struct form_set *set, bool rules, struct form_file *files, size_t *n)
{
	size_t all;
	const struct form_file *f = form_set_files(set, &all);

	for (size_t i = 0; i < all; i++) {
		if (is_rules(f[i].name) != rules)
			continue;
		if (*n == FORM_FILES_MAX)
			return RC_LIMIT;
		files[(*n)++] = f[i];
	}
	return RC_OK;
}

/* prev: what is published, NULL: nothing. */
static enum rc
publish_after(struct authority *a, const struct form_set *prev, const struct form_file *files,
    size_t n, bool *changed, struct error *err)
{
	struct form_set *next = NULL;
	struct form_file *sorted = NULL;
	struct bytes payload;
	enum rc rc;

	*changed = false;
	bytes_init(&payload);
	if ((rc = form_set_load(files, n, &next, err)) != RC_OK ||
	    (rc = case_rules_check_set(next, err)) != RC_OK)
		goto out;
	if (prev != NULL && (rc = form_set_check_successor(prev, next, err)) != RC_OK)
		goto out;
	if ((sorted = calloc(n + 1, sizeof(*sorted))) == NULL) {
		rc = RC_NOMEM;
		goto out;
	}
	memcpy(sorted, files, n * sizeof(*sorted));
	/* One order, so that the same set is the same statement. */
	qsort(sorted, n, sizeof(*sorted), by_name);
	rc = form_parcel_write(sorted, n, &payload);
	if (rc == RC_OK)
		rc = publish(a, &payload, changed, err);
	else if (rc == RC_LIMIT)
		error_set(err, rc, "forms", "publish fewer or shorter sheets",
		    "the form set is too large for one statement");
out:
	free(sorted);
	bytes_reset(&payload);
	form_set_free(next);
	return rc;
}

/* Forms; the rules that are published stay beside them. */
static enum rc
publish_files(struct authority *a, const struct form_file *files, size_t n,
    bool *changed, struct error *err)
{
	struct form_file *all = calloc(FORM_FILES_MAX, sizeof(*all));
	struct form_set *prev = NULL;
	enum rc rc = all == NULL || n > FORM_FILES_MAX ? RC_NOMEM : published(a, &prev, err);

	*changed = false;
	if (rc == RC_OK) {
		memcpy(all, files, n * sizeof(*all));
		if (prev != NULL)
			rc = add_of_set(prev, true, all, &n);
	}
	if (rc == RC_OK)
		rc = publish_after(a, prev, all, n, changed, err);
	form_set_free(prev);
	free(all);
	return rc;
}

/* ---- gathering files ---- */

static struct gathered *
gathered_new(void)
{
	return calloc(1, sizeof(struct gathered));
}

static void
gathered_free(struct gathered *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->n; i++) {
		free(g->names[i]);
		bytes_reset(&g->contents[i]);
	}
	free(g);
}

/* Read dir/from, which the set knows as name. */
static enum rc
gather_file(struct gathered *g, const char *dir, const char *from, const char *name,
    struct error *err)
{
	char path[FILES_PATH_MAX];
	struct bytes *contents = &g->contents[g->n];
	enum rc rc;

	if (g->n == FORM_FILES_MAX)
		return error_set(err, RC_LIMIT, dir, "publish fewer sheets", "too many sheets");
	if ((rc = files_join(dir, from, path)) != RC_OK)
		return error_set(err, rc, dir, NULL, "the path is too long");
	if ((g->names[g->n] = malloc(strlen(name) + 1)) == NULL)
		return RC_NOMEM;
	strcpy(g->names[g->n], name);
	bytes_init(contents);
	g->files[g->n].name = g->names[g->n];
	g->n++;
	if ((rc = files_read(path, FORM_SHEET_BYTES_MAX, contents, err)) != RC_OK)
		return rc;
	g->files[g->n - 1].data = contents->data != NULL ? contents->data : (const uint8_t *)"";
	g->files[g->n - 1].len = contents->len;
	return RC_OK;
}

/* The CSV files in dir/folder. */
static enum rc
gather_folder(struct gathered *g, const char *dir, const char *folder, struct error *err)
{
	char path[FILES_PATH_MAX], name[FILES_PATH_MAX];
	char **names = NULL;
	size_t n = 0;
	enum rc rc;

	if ((rc = files_join(dir, folder, path)) != RC_OK)
		return error_set(err, rc, dir, NULL, "the path is too long");
	rc = files_list(path, &names, &n, err);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		size_t len = strlen(names[i]);

		if (len < 4 || strcmp(names[i] + len - 4, ".csv") != 0)
			continue;
		if ((rc = files_join(folder, names[i], name)) == RC_OK)
			rc = gather_file(g, dir, name, name, err);
	}
	files_names_free(names, n);
	return rc;
}

static enum rc
gather_dir(struct gathered *g, const char *dir, struct error *err)
{
	char path[FILES_PATH_MAX], folder[FILES_PATH_MAX];
	char **names = NULL;
	size_t n = 0;
	enum rc rc;

	if ((rc = files_join(dir, "forms", path)) != RC_OK)
		return error_set(err, rc, dir, NULL, "the path is too long");
	rc = files_list(path, &names, &n, err);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		if ((rc = files_join("forms", names[i], folder)) != RC_OK ||
		    (rc = files_join(dir, folder, path)) != RC_OK)
			break;
		if (files_is_dir(path))
			rc = gather_folder(g, dir, folder, err);
	}
	files_names_free(names, n);
	if (rc != RC_OK || (rc = files_join(dir, "codes", path)) != RC_OK)
		return rc;
	return files_is_dir(path) ? gather_folder(g, dir, "codes", err) : RC_OK;
}

/* The six sheets, and nothing that looks like one and would count for nothing. */
static enum rc
gather_rules(struct gathered *g, const char *dir, struct error *err)
{
	char **names = NULL;
	size_t n = 0;
	enum rc rc = files_list(dir, &names, &n, err);

	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		size_t len = strlen(names[i]), s = 0;
		char name[FILES_PATH_MAX];

		if (len < 4 || strcmp(names[i] + len - 4, ".csv") != 0)
			continue;
		while (s < CASE_RULES_SHEETS &&
		    strcmp(case_rules_sheet_name(s) + strlen("rules/"), names[i]) != 0)
			s++;
		rc = files_join(dir, names[i], name);
		if (rc == RC_OK && s == CASE_RULES_SHEETS)
			rc = error_set(err, RC_FORMAT, name, "see schema/rules/README.md",
			    "there is no sheet of rules of this name");
		if (rc == RC_OK)
			rc = gather_file(g, dir, names[i], case_rules_sheet_name(s), err);
	}
	files_names_free(names, n);
	if (rc == RC_OK && g->n == 0)
		rc = error_set(err, RC_FORMAT, dir, "see schema/rules/README.md",
		    "the folder holds no sheet of rules");
	return rc;
}

enum rc
authority_publish_rules(struct authority *a, const char *dir, bool *changed, struct error *err)
{
	struct gathered *g = gathered_new();
	struct form_set *prev = NULL, *shipped = NULL;
	struct form_file *all = calloc(FORM_FILES_MAX, sizeof(*all));
	size_t n = 0;
	enum rc rc = g == NULL || all == NULL ? RC_NOMEM : published(a, &prev, err);

	*changed = false;
	if (rc == RC_OK && dir != NULL)
		rc = gather_rules(g, dir, err);
	if (rc == RC_OK && prev == NULL)
		rc = form_set_load_embedded(&shipped, err);
	if (rc != RC_OK)
		goto out;
	n = g->n;
	memcpy(all, g->files, n * sizeof(*all));
	rc = add_of_set(prev != NULL ? prev : shipped, false, all, &n);
	if (rc == RC_OK)
		rc = publish_after(a, prev, all, n, changed, err);
out:
	gathered_free(g);
	form_set_free(prev);
	form_set_free(shipped);
	free(all);
	return rc;
}

enum rc
authority_publish_dir(struct authority *a, const char *dir, bool *changed, struct error *err)
{
	struct gathered *g = gathered_new();
	enum rc rc;

	*changed = false;
	if (g == NULL)
		return RC_NOMEM;
	if ((rc = gather_dir(g, dir, err)) == RC_OK)
		rc = publish_files(a, g->files, g->n, changed, err);
	gathered_free(g);
	return rc;
}

enum rc
authority_publish_shipped(struct authority *a, bool *changed, struct error *err)
{
	struct form_file files[FORM_FILES_MAX];
	size_t n = 0;

	*changed = false;
	for (unsigned long i = 0; i < embedded_count && n < FORM_FILES_MAX; i++) {
		const struct embedded *e = &embedded_table[i];
		size_t len = strlen(e->name);

		if (len < 4 || strcmp(e->name + len - 4, ".csv") != 0 ||
		    (strncmp(e->name, "forms/", 6) != 0 && strncmp(e->name, "codes/", 6) != 0))
			continue;
		files[n].name = e->name;
		files[n].data = e->data;
		files[n++].len = e->len;
	}
	return publish_files(a, files, n, changed, err);
}
