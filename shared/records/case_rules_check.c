/* What is asked of sheets of rules before a province publishes them (case_rules.h). */
#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/csv.h"
#include "shared/records/case_rules.h"

enum sheet { REGIME, ENTITLEMENT, DEADLINE, HOLIDAY, CLOSING, WORDS };

struct check {
	const struct case_rules *rules, *program;
	const struct form_set *set;
	struct error *err;
};

static enum rc
bad(const struct check *k, enum sheet s, size_t row, size_t column, const char *what)
{
	const struct csv *c = case_rules_sheet(k->rules, s);
	char where[ERROR_WHERE_MAX];

	snprintf(where, sizeof(where), "%s:%zu:%zu", case_rules_sheet_name(s), c->lines[row], column + 1);
	return error_set(k->err, RC_FORMAT, where, "see schema/rules/README.md", "%s", what);
}

static const char *
cell(const struct check *k, enum sheet s, size_t row, size_t column)
{
	return csv_cell(case_rules_sheet(k->rules, s), row, column);
}

/* A code of a list of the set; ANY, where that is allowed. */
static enum rc
check_code(const struct check *k, enum sheet s, size_t row, size_t column, const char *list, bool any)
{
	const struct form_list *l = form_set_list(k->set, list);
	const char *code = cell(k, s, row, column);

	if ((any && strcmp(code, "ANY") == 0) || (l != NULL && form_choice_find(l, code) != NULL))
		return RC_OK;
	return bad(k, s, row, column, "the code does not stand in its list");
}

/* Cells that people read: what it is called, and where it comes from. */
static enum rc
check_filled(const struct check *k, enum sheet s, size_t row, size_t from, size_t to)
{
	for (size_t column = from; column <= to; column++)
		if (*cell(k, s, row, column) == '\0')
			return bad(k, s, row, column, "this cell is needed");
	return RC_OK;
}

static enum rc
check_yes_no(const struct check *k, enum sheet s, size_t row, size_t column)
{
	const char *text = cell(k, s, row, column);

	if (strcmp(text, "yes") == 0 || strcmp(text, "no") == 0)
		return RC_OK;
	return bad(k, s, row, column, "yes or no is needed here");
}

static int64_t
day_of(const char *text, int64_t open)
{
	struct date d;

	return date_parse(text, &d) == RC_OK ? date_to_days(&d) : open;
}

static enum rc
check_regime(const struct check *k, size_t row)
{
	int64_t from = day_of(cell(k, REGIME, row, 1), INT64_MIN);
	int64_t to = day_of(cell(k, REGIME, row, 2), INT64_MAX);
	enum rc rc = check_code(k, REGIME, row, 0, "legal_regime", false);

	if (rc == RC_OK)
		rc = check_filled(k, REGIME, row, 3, 3);
	for (size_t i = 1; rc == RC_OK && i < row; i++)
		if (from <= day_of(cell(k, REGIME, i, 2), INT64_MAX) &&
		    to >= day_of(cell(k, REGIME, i, 1), INT64_MIN))
			rc = bad(k, REGIME, row, 1, "on some day two laws would be in force");
	return rc;
}

/* Letters that stand beside some service. */
static bool
is_letter(const struct check *k, const char *letter, size_t len)
{
	const struct form_list *l = form_set_list(k->set, "service");
	size_t column = 0;

	if (l == NULL)
		return false;
	while (column < l->n_columns && strcmp(l->columns[column], "law_letter") != 0)
		column++;
	for (size_t i = 0; column < l->n_columns && i < l->n_choices; i++)
		if (strlen(l->choices[i].extra[column]) == len &&
		    memcmp(l->choices[i].extra[column], letter, len) == 0)
			return true;
	return false;
}

static enum rc
check_entitlement(const struct check *k, size_t row)
{
	const char *letters = cell(k, ENTITLEMENT, row, 2);
	enum rc rc = check_code(k, ENTITLEMENT, row, 0, "legal_regime", false);

	if (rc == RC_OK)
		rc = check_code(k, ENTITLEMENT, row, 1, "beneficiary", false);
	if (rc == RC_OK)
		rc = check_filled(k, ENTITLEMENT, row, 2, 4);
	if (rc == RC_OK)
		rc = check_yes_no(k, ENTITLEMENT, row, 3);
	while (rc == RC_OK && strcmp(letters, "-") != 0 && *letters != '\0') {
		size_t len = strcspn(letters, " ");

		if (!is_letter(k, letters, len))
			rc = bad(k, ENTITLEMENT, row, 2, "no service has this letter of the law");
		letters += len + (letters[len] == ' ' ? 1 : 0);
	}
	return rc;
}

/* Is there a row of the program's sheet with this beginning? */
static bool
program_knows(const struct check *k, enum sheet s, const char *first, const char *second)
{
	const struct csv *c = case_rules_sheet(k->program, s);

	for (size_t i = 1; i <= c->n_rows; i++)
		if (strcmp(csv_cell(c, i, 0), first) == 0 &&
		    (second == NULL || strcmp(csv_cell(c, i, 1), second) == 0))
			return true;
	return false;
}

static enum rc
check_deadline(const struct check *k, size_t row)
{
	enum rc rc = program_knows(k, DEADLINE, cell(k, DEADLINE, row, 0), NULL) ? RC_OK :
	    bad(k, DEADLINE, row, 0, "the program knows no such rule");

	if (rc == RC_OK)
		rc = check_code(k, DEADLINE, row, 1, "legal_regime", true);
	return rc == RC_OK ? check_filled(k, DEADLINE, row, 4, 4) : rc;
}

static enum rc
check_closing(const struct check *k, size_t row)
{
	enum rc rc = check_code(k, CLOSING, row, 0, "close_reason", false);

	return rc == RC_OK ? check_yes_no(k, CLOSING, row, 1) : rc;
}

static enum rc
check_words(const struct check *k, size_t row)
{
	if (!program_knows(k, WORDS, cell(k, WORDS, row, 0), cell(k, WORDS, row, 1)))
		return bad(k, WORDS, row, 1, "the program asks for no such word");
	return check_filled(k, WORDS, row, 2, 3);
}

static enum rc
check_row(const struct check *k, enum sheet s, size_t row)
{
	switch (s) {
	case REGIME:
		return check_regime(k, row);
	case ENTITLEMENT:
		return check_entitlement(k, row);
	case DEADLINE:
		return check_deadline(k, row);
	case HOLIDAY:
		return check_filled(k, HOLIDAY, row, 2, 3);
	case CLOSING:
		return check_closing(k, row);
	case WORDS:
		return check_words(k, row);
	}
	return RC_INTERNAL;
}

enum rc
case_rules_check(const struct case_rules *r, const struct form_set *set, struct error *err)
{
	struct check k = { .rules = r, .set = set, .err = err };
	struct case_rules *program = NULL;
	enum rc rc = case_rules_load(&program, err);

	k.program = program;
	for (size_t s = 0; rc == RC_OK && s < CASE_RULES_SHEETS; s++)
		for (size_t row = 1; rc == RC_OK && case_rules_is_published(r, s) &&
		    row <= case_rules_sheet(r, s)->n_rows; row++)
			rc = check_row(&k, (enum sheet)s, row);
	case_rules_free(program);
	return rc;
}

enum rc
case_rules_check_set(const struct form_set *set, struct error *err)
{
	struct case_rules *r = NULL;
	struct error refused;
	enum rc rc = case_rules_load_set(set, &r, &refused, err);

	if (rc == RC_OK && refused.code != RC_OK) {
		if (err != NULL)
			*err = refused;
		rc = refused.code;
	}
	if (rc == RC_OK)
		rc = case_rules_check(r, set, err);
	case_rules_free(r);
	return rc;
}
