#include "field/import_found.h"

#include <stdint.h>
#include <string.h>

struct import_found *
import_found_add(struct import_sheet *s, size_t row, size_t column, bool warning)
{
	struct import_found *f;

	if (warning)
		s->n_warnings++;
	else
		s->n_errors++;
	if (s->n_found == IMPORT_SHEET_FOUND_MAX)
		return NULL;
	f = &s->found[s->n_found++];
	memset(f, 0, sizeof(*f));
	f->line = s->csv->lines[row];
	f->column = column == SIZE_MAX ? 0 : column + 1;
	f->header = csv_cell(s->csv, 0, column);
	f->warning = warning;
	return f;
}

void
import_found_say(struct import_sheet *s, size_t row, size_t column, const char *what, const char *help)
{
	struct import_found *f = import_found_add(s, row, column, false);

	if (f != NULL)
		(void)error_set(&f->error, RC_INVALID, NULL, help, "%s", what);
}

void
import_found_pass_on(struct import_sheet *s, size_t row, size_t column, const struct error *why)
{
	struct import_found *f = import_found_add(s, row, column, false);

	if (f == NULL)
		return;
	f->error = *why;
	f->error.where[0] = '\0';
}

size_t
import_found_column(const struct import_sheet *s, const struct form_field *field)
{
	for (size_t k = 0; field != NULL && k < s->csv->n_columns; k++)
		if (s->fields[k] == field)
			return k;
	return SIZE_MAX;
}
