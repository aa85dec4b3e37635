/*
 * make_corpus: believable records as sheets for `field import`, one a form.
 *
 *   make_corpus [--seed N] [--commune CODE]... [--prefix TEXT] [--services] N DIR
 *
 * A person gets the pseudonym TEXT-0001, a case the number HS-TEXT-0001; a cell that
 * refers to a record reads @ and that name, and whoever imports puts the id there.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/base/csv.h"
#include "shared/base/files.h"
#include "tests/support/corpus.h"

enum { COMMUNES_MAX = 16, RECORDS_MAX = 200000, KEY_MAX = 48 };

struct row { char *cells[CORPUS_FIELDS_MAX]; };

struct sheet {
	const char *form;
	const char *key;	/* the field that names a record, or NULL */
	const char *before;	/* of the name's number */
	const char *columns[CORPUS_FIELDS_MAX];
	size_t n_columns;
	struct row *rows;
	size_t n_rows, room;
};

struct wanted {
	uint64_t seed;
	const char *communes[COMMUNES_MAX];
	size_t n_communes, n;
	const char *prefix, *dir;
	bool services;
};

static struct sheet sheets[] = {
	{ .form = "person", .key = "pseudonym_code", .before = "" },
	{ .form = "case", .key = "case_no", .before = "HS-" },
	{ .form = "awareness_session" },
	{ .form = "outreach" },
	{ .form = "follow_up" },
	{ .form = "service_delivery" },
};
enum { N_SHEETS = sizeof(sheets) / sizeof(sheets[0]) };

static void
give_up(const char *what)
{
	fprintf(stderr, "make_corpus: %s\n", what);
	exit(70);
}

static char *
copy_of(const char *s)
{
	char *copy = malloc(strlen(s) + 1);

	if (copy == NULL)
		give_up("out of memory");
	return strcpy(copy, s);
}

static size_t
number_of(const char *s)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(s, &end, 10);
	if (errno != 0 || *s == '\0' || *end != '\0' || n > RECORDS_MAX)
		give_up("that is no usable number");
	return (size_t)n;
}

static struct sheet *
sheet_of(const char *form)
{
	for (size_t i = 0; i < N_SHEETS; i++)
		if (strcmp(sheets[i].form, form) == 0)
			return &sheets[i];
	give_up("a form that it does not know");
	return NULL;
}

static struct row *
add_row(struct sheet *s)
{
	if (s->n_rows == s->room) {
		s->room = s->room == 0 ? 64 : 2 * s->room;
		s->rows = realloc(s->rows, s->room * sizeof(*s->rows));
		if (s->rows == NULL)
			give_up("out of memory");
	}
	memset(&s->rows[s->n_rows], 0, sizeof(*s->rows));
	return &s->rows[s->n_rows++];
}

/* Several values of a list field share a cell, with commas between them. */
static void
add_cell(struct sheet *s, struct row *row, const char *name, const char *value)
{
	size_t k = 0, len;
	char *both;

	while (k < s->n_columns && strcmp(s->columns[k], name) != 0)
		k++;
	if (k == CORPUS_FIELDS_MAX)
		give_up("too many columns");
	if (k == s->n_columns)
		s->columns[s->n_columns++] = copy_of(name);
	if (row->cells[k] == NULL) {
		row->cells[k] = copy_of(value);
		return;
	}
	len = strlen(row->cells[k]) + strlen(value) + 2;
	if ((both = malloc(len)) == NULL)
		give_up("out of memory");
	snprintf(both, len, "%s,%s", row->cells[k], value);
	free(row->cells[k]);
	row->cells[k] = both;
}

static void
add_record(const struct corpus_record *r, const struct wanted *w, char (*names)[KEY_MAX])
{
	struct sheet *s = sheet_of(r->form);
	struct row *row = add_row(s);
	char cell[KEY_MAX + 1];

	if (s->key != NULL) {
		snprintf(names[r->index], KEY_MAX, "%s%s-%04zu", s->before, w->prefix, s->n_rows);
		add_cell(s, row, s->key, names[r->index]);
	}
	for (size_t i = 0; i < r->n_fields; i++) {
		const struct corpus_field *f = &r->fields[i];

		if (f->value == NULL)
			snprintf(cell, sizeof(cell), "@%s", names[f->refers]);
		add_cell(s, row, f->name, f->value == NULL ? cell : f->value);
	}
}

static void
write_sheet(const struct sheet *s, const char *dir)
{
	struct bytes out;
	struct error err = { 0 };
	char name[64], path[FILES_PATH_MAX];

	if (s->n_rows == 0)
		return;
	bytes_init(&out);
	for (size_t k = 0; k < s->n_columns; k++)
		csv_put(&out, s->columns[k], k == 0);
	bytes_text(&out, "\r\n");
	for (size_t i = 0; i < s->n_rows; i++) {
		for (size_t k = 0; k < s->n_columns; k++)
			csv_put(&out, s->rows[i].cells[k] == NULL ? "" : s->rows[i].cells[k],
			    k == 0);
		bytes_text(&out, "\r\n");
	}
	snprintf(name, sizeof(name), "%s.csv", s->form);
	if (out.rc != RC_OK || files_join(dir, name, path) != RC_OK ||
	    files_replace(path, out.data, out.len, &err) != RC_OK)
		give_up(*err.what != '\0' ? err.what : "cannot write a sheet");
	bytes_reset(&out);
}

static void
read_options(int argc, char **argv, struct wanted *w)
{
	int i = 1;

	*w = (struct wanted){ .seed = 1, .prefix = "LS" };
	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		if (strcmp(argv[i], "--services") == 0)
			w->services = true;
		else if (i + 1 == argc)
			give_up("an option needs a value");
		else if (strcmp(argv[i], "--seed") == 0)
			w->seed = number_of(argv[++i]);
		else if (strcmp(argv[i], "--prefix") == 0 && strlen(argv[i + 1]) <= 20)
			w->prefix = argv[++i];
		else if (strcmp(argv[i], "--commune") == 0 && w->n_communes < COMMUNES_MAX)
			w->communes[w->n_communes++] = argv[++i];
		else
			give_up("an option that it does not take");
	}
	if (argc - i != 2)
		give_up("use: make_corpus [--seed N] [--commune CODE]... [--prefix TEXT] [--services] N DIR");
	w->n = number_of(argv[i]);
	w->dir = argv[i + 1];
}

int
main(int argc, char **argv)
{
	struct wanted w;
	struct corpus_options options = { 0 };
	struct corpus_record r;
	struct corpus *c = NULL;
	char (*names)[KEY_MAX];

	read_options(argc, argv, &w);
	options.seed = w.seed;
	options.n = w.n;
	options.communes = w.n_communes > 0 ? w.communes : NULL;
	options.n_communes = w.n_communes;
	options.services = w.services;
	if ((names = calloc(w.n + 1, sizeof(*names))) == NULL || corpus_new(&options, &c) != RC_OK)
		give_up("cannot make records");
	while (corpus_next(c, &r))
		add_record(&r, &w, names);
	corpus_free(c);
	free(names);
	for (size_t i = 0; i < N_SHEETS; i++) {
		struct sheet *s = &sheets[i];

		write_sheet(s, w.dir);
		for (size_t k = 0; k < s->n_rows * CORPUS_FIELDS_MAX; k++)
			free(s->rows[k / CORPUS_FIELDS_MAX].cells[k % CORPUS_FIELDS_MAX]);
		free(s->rows);
	}
	return 0;
}
