/*
 * No report shows a word that somebody typed into a record of the compartment cases: such
 * records are made with a word in every text, seen by every report.  Reports quote the texts of activities
 * (difficulties, proposals, names of agencies) alone.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/records/tables.h"
#include "tests/support/report_world.h"

#define WORD "Khuất Mộc"

/* What a field holds in these records: a day of the period, a code of its list, the word. */
static void
put_value(struct bytes *sql, const struct form_field *f, int64_t id)
{
	char number[32];

	if (f->type == FORM_DATE) {
		bytes_text(sql, "'2026-03-03'");
	} else if (f->list != NULL && f->list->n_choices > 0) {
		bytes_text(sql, "'");
		bytes_text(sql, f->list->choices[(size_t)id % f->list->n_choices].code);
		bytes_text(sql, "'");
	} else if (f->refers != NULL) {
		/* everything belongs to the record of the other form that has the same place */
		snprintf(number, sizeof(number), "%lld", (long long)(id % 1000));
		bytes_text(sql, number);
	} else if (f->type == FORM_TEXT && strcmp(f->name, "continues") != 0) {
		bytes_text(sql, "'" WORD "'");
	} else {
		bytes_text(sql, "NULL");
	}
}

/* A record with all its scalar fields, and a value of each list of texts. */
static void
add(struct report_world *w, const struct form *form, int64_t id)
{
	char table[TABLES_NAME_MAX], column[TABLES_NAME_MAX], number[96];
	struct bytes names, values, all;

	bytes_init(&names);
	bytes_init(&values);
	bytes_init(&all);
	for (size_t i = 0; i < form->n_fields; i++) {
		const struct form_field *f = &form->fields[i];

		if (f->type == FORM_NOTE || f->type == FORM_CALCULATE)
			continue;
		tables_column(f->name, column);
		if (f->many || f->type == FORM_SELECT_MULTIPLE) {
			bytes_text(&all, "INSERT INTO ");
			tables_name(form->name, f->name, table);
			bytes_text(&all, table);
			snprintf(number, sizeof(number), " VALUES (%lld, 1, %lld, %zu, ", (long long)id,
			    (long long)id, i);
			bytes_text(&all, number);
			put_value(&all, f, id);
			bytes_text(&all, ", 0); ");
			continue;
		}
		bytes_text(&names, ", ");
		bytes_text(&names, column);
		bytes_text(&values, ", ");
		put_value(&values, f, id);
	}
	tables_name(form->name, NULL, table);
	bytes_text(&all, "INSERT INTO ");
	bytes_text(&all, table);
	bytes_text(&all, "(id, unit, created_at, alive, conflicts");
	bytes_text(&all, bytes_cstr(&names));
	snprintf(number, sizeof(number), ") VALUES (%lld, '06184', 0, 1, 0", (long long)id);
	bytes_text(&all, number);
	bytes_text(&all, bytes_cstr(&values));
	bytes_text(&all, ")");
	assert_int_equal(all.rc, RC_OK);
	report_world_sql(w, bytes_cstr(&all));
	bytes_reset(&names);
	bytes_reset(&values);
	bytes_reset(&all);
}

static size_t
rows_of(const struct report *r)
{
	size_t n = 0;

	for (size_t b = 0; b < r->n_blocks; b++)
		n += r->blocks[b].n_rows;
	return n;
}

/* How many cells hold the word. */
static size_t
cells_with_the_word(const struct report *r)
{
	size_t n = 0;

	for (size_t b = 0; b < r->n_blocks; b++)
		for (size_t i = 0; i < r->blocks[b].n_rows; i++)
			for (size_t c = 0; c < r->n_columns; c++) {
				const struct report_cell *cell = &r->blocks[b].rows[i].cells[c];

				n += cell->type == REPORT_WORDS && strstr(cell->words, WORD) != NULL;
			}
	return n;
}

/* Ten records of each form of these compartments, whose codes differ. */
static void
fill(struct report_world *w, bool cases)
{
	for (size_t i = 0; i < form_set_count(w->forms); i++) {
		const struct form *form = form_set_at(w->forms, i);

		if ((form->compartment == FORM_CASES) != cases)
			continue;
		for (int64_t place = 1; place <= 10; place++)
			add(w, form, (int64_t)(i + 1) * 1000 + place);
	}
}

static void
shows_no_word_that_was_typed_into_a_case(void **state)
{
	struct report_world *w = *state;
	char name[REPORT_NAME_MAX];
	size_t rows = 0;

	fill(w, true);
	/* references: the record of the form that they name */
	for (size_t i = 0; i < form_set_count(w->forms); i++) {
		const struct form *form = form_set_at(w->forms, i);
		char table[TABLES_NAME_MAX], column[TABLES_NAME_MAX], sql[3 * TABLES_NAME_MAX];

		for (size_t f = 0; form->compartment == FORM_CASES && f < form->n_fields; f++) {
			const struct form_field *field = &form->fields[f];

			for (size_t to = 0; field->refers != NULL && !field->many &&
			    to < form_set_count(w->forms); to++) {
				if (strcmp(form_set_at(w->forms, to)->name, field->refers) != 0)
					continue;
				tables_name(form->name, NULL, table);
				tables_column(field->name, column);
				snprintf(sql, sizeof(sql), "UPDATE %s SET %s = id %% 1000 + %zu", table, column,
				    (to + 1) * 1000);
				report_world_sql(w, sql);
			}
		}
	}
	for (int n = 1; n <= 17; n++) {
		struct report *r;

		snprintf(name, sizeof(name), "b%d", n);
		r = report_world_run(w, name, "20");
		if (cells_with_the_word(r) > 0)
			fail_msg("%s shows what was typed into a case", name);
		rows += rows_of(r);
		report_free(r);
	}
	assert_true(rows > 250);
}

/* The same search finds what reports do quote. */
static void
quotes_the_texts_of_activities(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	fill(w, false);
	r = report_world_run(w, "b17", "20");
	assert_true(cells_with_the_word(r) > 10);
	report_free(r);
}

#define T(f) cmocka_unit_test_setup_teardown(f, report_world_set_up, report_world_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(shows_no_word_that_was_typed_into_a_case),
		T(quotes_the_texts_of_activities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
