#include "shared/reports/htcds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/csv.h"
#include "shared/base/embedded.h"
#include "shared/vault/secret.h"

enum { MAP_FIELD, MAP_CODE, MAP_VARIABLE, MAP_VALUE };
enum { BLOCK_CASES, BLOCK_LEFT_OUT, BLOCK_UNWILLING, BLOCKS };
enum { NUMBER_BYTES = 8, CODE_MAX = 64 };

static const char map_file[] = "exchange/htcds.csv";

/* A case's number in this file alone, and its row. */
struct numbered {
	char number[NUMBER_BYTES * 2 + 1];
	const struct report_row *row;
};

static int
by_number(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return strcmp(x->number, y->number);
}

/* The row of the mapping for a field, and a code (NULL: any row of the field). */
static size_t
map_row(const struct csv *map, const char *field, const char *code)
{
	for (size_t row = 1; row <= map->n_rows; row++) {
		const char *c = csv_cell(map, row, MAP_CODE);

		if (strcmp(csv_cell(map, row, MAP_FIELD), field) == 0 &&
		    (code == NULL || strcmp(c, code) == 0 || strcmp(c, "*") == 0))
			return row;
	}
	return 0;
}

/* Is the value one of those in the cell, with semicolons between them? */
static bool
holds(const char *cell, const char *value)
{
	size_t len = strlen(value);

	for (; *cell != '\0'; cell += strcspn(cell, ";"), cell += *cell == ';')
		if (strcspn(cell, ";") == len && memcmp(cell, value, len) == 0)
			return true;
	return false;
}

/* Codes with commas between them become values with semicolons, each once. */
static enum rc
put_values(const struct csv *map, const char *field, const char *codes, struct bytes *out)
{
	struct bytes cell;
	char code[CODE_MAX];
	enum rc rc;

	bytes_init(&cell);
	while (*codes != '\0') {
		size_t len = strcspn(codes, ","), row;
		const char *value;

		snprintf(code, sizeof(code), "%.*s", (int)len, codes);
		row = map_row(map, field, code);
		/* a code that a later list has */
		value = row == 0 ? "Other" : csv_cell(map, row, MAP_VALUE);
		value = strcmp(value, "*") == 0 ? code : value;
		if (!holds(bytes_cstr(&cell), value)) {
			bytes_text(&cell, cell.len > 0 ? ";" : "");
			bytes_text(&cell, value);
		}
		codes += len + (codes[len] == ',');
	}
	csv_put(out, bytes_cstr(&cell), 0);
	rc = cell.rc;
	bytes_reset(&cell);
	return rc;
}

static enum rc
put_heads(const struct report *r, const struct csv *map, struct bytes *out, struct error *err)
{
	csv_put(out, "cas_CaseNumber", 1);
	for (size_t k = 0; k + 1 < r->n_columns; k++) {
		size_t row = map_row(map, r->columns[k].title, NULL);

		if (row == 0)
			return error_set(err, RC_INTERNAL, map_file, NULL, "a column has no variable");
		csv_put(out, csv_cell(map, row, MAP_VARIABLE), 0);
	}
	bytes_text(out, "\r\n");
	return out->rc;
}

static enum rc
put_row(const struct report *r, const struct csv *map, const struct numbered *n,
    struct bytes *out)
{
	enum rc rc = RC_OK;

	csv_put(out, n->number, 1);
	for (size_t k = 0; k + 1 < r->n_columns && rc == RC_OK; k++) {
		const struct report_cell *c = &n->row->cells[k];

		rc = put_values(map, r->columns[k].title, c->type == REPORT_WORDS ? c->words : "", out);
	}
	bytes_text(out, "\r\n");
	return rc != RC_OK ? rc : out->rc;
}

/* In the order of random numbers: neither tells when a case was recorded. */
static enum rc
put_rows(const struct report *r, const struct csv *map, struct bytes *out,
    struct htcds_counts *counts)
{
	const struct report_block *block = &r->blocks[BLOCK_CASES];
	struct numbered *all = calloc(block->n_rows + 1, sizeof(*all));
	uint8_t random[NUMBER_BYTES];
	enum rc rc = all == NULL ? RC_NOMEM : RC_OK;

	for (size_t i = 0; i < block->n_rows && rc == RC_OK; i++) {
		secret_random_bytes(random, sizeof(random));
		bytes_hex(random, sizeof(random), all[i].number);
		all[i].row = &block->rows[i];
		counts->coarser += block->rows[i].cells[r->n_columns - 1].integer > 0;
	}
	if (rc == RC_OK)
		qsort(all, block->n_rows, sizeof(*all), by_number);
	for (size_t i = 0; i < block->n_rows && rc == RC_OK; i++)
		rc = put_row(r, map, &all[i], out);
	counts->exported = block->n_rows;
	free(all);
	return rc;
}

static enum rc
write_sheet(const struct report *r, struct bytes *out, struct htcds_counts *counts,
    struct error *err)
{
	const struct embedded *file = embedded_find(map_file);
	struct csv map;
	enum rc rc;

	if (file == NULL || r->n_blocks != BLOCKS || r->n_columns == 0)
		return error_set(err, RC_INTERNAL, map_file, NULL, "the exchange is not described");
	if ((rc = csv_parse(map_file, file->data, file->len, &map, err)) != RC_OK)
		return rc;
	counts->left_out = (size_t)r->blocks[BLOCK_LEFT_OUT].rows[0].cells[0].integer;
	counts->unwilling = (size_t)r->blocks[BLOCK_UNWILLING].rows[0].cells[0].integer;
	rc = put_heads(r, &map, out, err);
	if (rc == RC_OK)
		rc = put_rows(r, &map, out, counts);
	csv_reset(&map);
	return rc;
}

enum rc
htcds_export(struct sqlite3 *db, const struct form_set *forms, const struct report_order *order,
    struct bytes *out, struct htcds_counts *counts, struct error *err)
{
	struct report_order asked = *order;
	struct report *r = NULL;
	enum rc rc;

	memset(counts, 0, sizeof(*counts));
	if (order->smallest < HTCDS_SMALLEST_MIN || order->smallest > HTCDS_SMALLEST_MAX)
		return error_set(err, RC_USAGE, NULL, NULL, "a group has %d to %d persons",
		    HTCDS_SMALLEST_MIN, HTCDS_SMALLEST_MAX);
	asked.name = "htcds";
	asked.folder = "exchange";
	asked.lang = FORM_EN;
	rc = report_run(db, forms, &asked, &r, err);
	if (rc == RC_OK)
		rc = write_sheet(r, out, counts, err);
	report_free(r);
	return rc;
}
