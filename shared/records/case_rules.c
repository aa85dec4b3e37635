#include "shared/records/case_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/csv.h"
#include "shared/base/embedded.h"

enum sheet { REGIME, ENTITLEMENT, DEADLINE, HOLIDAY, CLOSING, WORDS };

static const char *const names[CASE_RULES_SHEETS] = {
	"rules/regime.csv", "rules/entitlement.csv", "rules/deadline.csv", "rules/holiday.csv",
	"rules/closing.csv", "rules/words.csv"
};

/* The columns of each sheet, in this order; holiday.csv may have one more. */
static const char *const headers[CASE_RULES_SHEETS][5] = {
	{ "regime", "from", "to", "source", NULL },
	{ "regime", "class", "letters", "case_by_case", "source" },
	{ "rule", "regime", "n", "unit", "source" },
	{ "from", "to", "name", "source", NULL },
	{ "reason", "follow", NULL, NULL, NULL },
	{ "list", "code", "vi", "en", NULL }
};

struct span {
	int64_t from, to;
	bool unsure;		/* of a holiday: not decided yet */
};

struct case_rules {
	struct csv sheets[CASE_RULES_SHEETS];
	struct span *regimes;		/* one a row of its sheet */
	struct span *holidays;
	struct case_term *terms;
	bool published[CASE_RULES_SHEETS];
	struct case_rules *program;	/* what published sheets fall back to; NULL: these are they */
};

/* Reading -------------------------------------------------------------------- */

static enum rc
bad_cell(enum sheet s, const struct csv *c, size_t row, size_t column, struct error *err)
{
	char where[ERROR_WHERE_MAX];

	snprintf(where, sizeof(where), "%s:%zu:%zu", names[s], c->lines[row], column + 1);
	return error_set(err, RC_FORMAT, where, "see schema/rules/README.md",
	    "this cell is not what the sheet needs");
}

/* A day, or the open end of a span. */
static bool
read_day(const char *text, int64_t open, int64_t *out)
{
	struct date d;

	*out = open;
	if (*text == '\0')
		return true;
	if (date_parse(text, &d) != RC_OK || d.day == 0)
		return false;
	*out = date_to_days(&d);
	return true;
}

static bool
read_sure(const char *text, bool *unsure)
{
	*unsure = strcmp(text, "no") == 0;
	return *unsure || *text == '\0' || strcmp(text, "yes") == 0;
}

static enum rc
read_spans(struct case_rules *r, enum sheet s, size_t from, struct span **out, struct error *err)
{
	const struct csv *c = &r->sheets[s];
	size_t sure = csv_column(c, "sure");

	if ((*out = calloc(c->n_rows + 1, sizeof(**out))) == NULL)
		return RC_NOMEM;
	for (size_t i = 1; i <= c->n_rows; i++) {
		struct span *span = &(*out)[i - 1];

		if (!read_day(csv_cell(c, i, from), INT64_MIN, &span->from))
			return bad_cell(s, c, i, from, err);
		if (!read_day(csv_cell(c, i, from + 1), INT64_MAX, &span->to) || span->to < span->from)
			return bad_cell(s, c, i, from + 1, err);
		/* A law may have no end; a holiday has both days. */
		if (s == HOLIDAY && (span->from == INT64_MIN || span->to == INT64_MAX))
			return bad_cell(s, c, i, from, err);
		if (s == HOLIDAY && !read_sure(csv_cell(c, i, sure), &span->unsure))
			return bad_cell(s, c, i, sure, err);
	}
	return RC_OK;
}

static bool
read_unit(const char *text, enum case_unit *out)
{
	static const char *const units[] = { "DAY", "STAY", "WORKDAY", "MONTH" };

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strcmp(text, units[i]) == 0) {
			*out = (enum case_unit)i;
			return true;
		}
	return false;
}

static enum rc
read_terms(struct case_rules *r, struct error *err)
{
	const struct csv *c = &r->sheets[DEADLINE];

	if ((r->terms = calloc(c->n_rows + 1, sizeof(*r->terms))) == NULL)
		return RC_NOMEM;
	for (size_t i = 1; i <= c->n_rows; i++) {
		struct case_term *t = &r->terms[i - 1];
		char *end;

		t->rule = csv_cell(c, i, 0);
		t->regime = csv_cell(c, i, 1);
		t->n = strtol(csv_cell(c, i, 2), &end, 10);
		t->source = csv_cell(c, i, 4);
		if (*end != '\0' || t->n < 1 || t->n > CASE_RULES_MAX)
			return bad_cell(DEADLINE, c, i, 2, err);
		if (!read_unit(csv_cell(c, i, 3), &t->unit))
			return bad_cell(DEADLINE, c, i, 3, err);
	}
	return RC_OK;
}

static enum rc
read_sheet(struct case_rules *r, enum sheet s, const char *text, struct error *err)
{
	struct csv *c = &r->sheets[s];
	enum rc rc = csv_parse(names[s], (const uint8_t *)text, strlen(text), c, err);

	if (rc != RC_OK)
		return rc;
	if (c->n_rows > CASE_RULES_MAX)
		return error_set(err, RC_LIMIT, names[s], NULL, "the sheet has more than %d rows",
		    CASE_RULES_MAX);
	for (size_t k = 0; k < 5 && headers[s][k] != NULL; k++)
		if (csv_column(c, headers[s][k]) != k)
			return bad_cell(s, c, 0, k, err);
	return RC_OK;
}

enum rc
case_rules_read(const char *const sheets[CASE_RULES_SHEETS], struct case_rules **out,
    struct error *err)
{
	struct case_rules *r = calloc(1, sizeof(*r));
	enum rc rc = r != NULL ? RC_OK : RC_NOMEM;

	*out = NULL;
	for (size_t s = 0; rc == RC_OK && s < CASE_RULES_SHEETS; s++)
		rc = read_sheet(r, (enum sheet)s, sheets[s], err);
	if (rc == RC_OK && (rc = read_spans(r, REGIME, 1, &r->regimes, err)) == RC_OK &&
	    (rc = read_spans(r, HOLIDAY, 0, &r->holidays, err)) == RC_OK &&
	    (rc = read_terms(r, err)) == RC_OK) {
		*out = r;
		return RC_OK;
	}
	case_rules_free(r);
	return rc;
}

static enum rc
program_sheets(const char *sheets[CASE_RULES_SHEETS], struct error *err)
{
	for (size_t s = 0; s < CASE_RULES_SHEETS; s++) {
		const struct embedded *e = embedded_find(names[s]);

		if (e == NULL)
			return error_set(err, RC_CONFIG, names[s], NULL, "this program lacks one of its files");
		sheets[s] = (const char *)e->data;
	}
	return RC_OK;
}

enum rc
case_rules_load(struct case_rules **out, struct error *err)
{
	const char *sheets[CASE_RULES_SHEETS];
	enum rc rc = program_sheets(sheets, err);

	*out = NULL;
	return rc == RC_OK ? case_rules_read(sheets, out, err) : rc;
}

/* The sheets of a set, and how many there are; what it lacks is left. */
static enum rc
sheets_of(const struct form_set *set, const char *sheets[CASE_RULES_SHEETS],
    bool published[CASE_RULES_SHEETS], bool *any, struct error *refused)
{
	size_t n;
	const struct form_file *files = form_set_files(set, &n);

	*any = false;
	for (size_t i = 0; i < n; i++)
		for (size_t s = 0; s < CASE_RULES_SHEETS; s++) {
			if (strcmp(files[i].name, names[s]) != 0)
				continue;
			if (memchr(files[i].data, '\0', files[i].len) != NULL)
				return error_set(refused, RC_FORMAT, names[s], NULL,
				    "there is a zero byte in the sheet");
			sheets[s] = (const char *)files[i].data;
			published[s] = *any = true;
		}
	return RC_OK;
}

enum rc
case_rules_load_set(const struct form_set *set, struct case_rules **out, struct error *refused,
    struct error *err)
{
	const char *sheets[CASE_RULES_SHEETS];
	bool published[CASE_RULES_SHEETS] = { false }, any;
	struct case_rules *program = NULL, *r = NULL;
	enum rc rc;

	error_clear(refused);
	*out = NULL;
	if ((rc = program_sheets(sheets, err)) != RC_OK || (rc = case_rules_load(&program, err)) != RC_OK)
		return rc;
	rc = sheets_of(set, sheets, published, &any, refused);
	if (rc == RC_OK && any)
		rc = case_rules_read(sheets, &r, refused);
	if (rc == RC_NOMEM) {
		case_rules_free(program);
		return rc;
	}
	if (r != NULL) {
		memcpy(r->published, published, sizeof(r->published));
		r->program = program;
	}
	*out = r != NULL ? r : program;
	return RC_OK;
}

void
case_rules_free(struct case_rules *r)
{
	if (r == NULL)
		return;
	case_rules_free(r->program);	/* which has none of its own */
	for (size_t s = 0; s < CASE_RULES_SHEETS; s++)
		csv_reset(&r->sheets[s]);
	free(r->regimes);
	free(r->holidays);
	free(r->terms);
	free(r);
}

/* Asking --------------------------------------------------------------------- */

const char *
case_rules_sheet_name(size_t i)
{
	return names[i];
}

const struct csv *
case_rules_sheet(const struct case_rules *r, size_t i)
{
	return &r->sheets[i];
}

bool
case_rules_is_published(const struct case_rules *r, size_t i)
{
	return r->published[i];
}

const char *
case_rules_regime(const struct case_rules *r, int64_t day)
{
	const struct csv *c = &r->sheets[REGIME];

	for (size_t i = 0; i < c->n_rows; i++)
		if (day >= r->regimes[i].from && day <= r->regimes[i].to)
			return csv_cell(c, i + 1, 0);
	return "";
}

const char *
case_rules_regime_source(const struct case_rules *r, const char *regime)
{
	const struct csv *c = &r->sheets[REGIME];

	for (size_t i = 1; i <= c->n_rows; i++)
		if (strcmp(csv_cell(c, i, 0), regime) == 0)
			return csv_cell(c, i, 3);
	return NULL;
}

bool
case_rules_entitled(const struct case_rules *r, const char *regime, const char *class,
    struct case_entitlement *out)
{
	const struct csv *c = &r->sheets[ENTITLEMENT];

	memset(out, 0, sizeof(*out));
	for (size_t i = 1; i <= c->n_rows; i++) {
		if (strcmp(csv_cell(c, i, 0), regime) != 0 || strcmp(csv_cell(c, i, 1), class) != 0)
			continue;
		out->letters = csv_cell(c, i, 2);
		out->case_by_case = strcmp(csv_cell(c, i, 3), "yes") == 0;
		out->source = csv_cell(c, i, 4);
		return true;
	}
	return false;
}

bool
case_rules_has_letter(const char *letters, const char *letter)
{
	size_t len = strlen(letter);

	while (*letters != '\0') {
		size_t word = strcspn(letters, " ");

		if (word == len && memcmp(letters, letter, len) == 0)
			return true;
		letters += word;
		letters += *letters == ' ' ? 1 : 0;
	}
	return false;
}

const struct case_term *
case_rules_term(const struct case_rules *r, const char *rule, const char *regime, size_t i)
{
	bool known = false;

	for (size_t k = 0; k < r->sheets[DEADLINE].n_rows; k++) {
		const struct case_term *t = &r->terms[k];

		if (strcmp(t->rule, rule) != 0)
			continue;
		known = true;
		if ((strcmp(t->regime, "ANY") == 0 || strcmp(t->regime, regime) == 0) && i-- == 0)
			return t;
	}
	return known || r->program == NULL ? NULL : case_rules_term(r->program, rule, regime, i);
}

bool
case_rules_follows(const struct case_rules *r, const char *close_reason)
{
	const struct csv *c = &r->sheets[CLOSING];

	for (size_t i = 1; i <= c->n_rows; i++)
		if (strcmp(csv_cell(c, i, 0), close_reason) == 0)
			return strcmp(csv_cell(c, i, 1), "no") != 0;
	return true;
}

const char *
case_rules_word(const struct case_rules *r, const char *list, const char *code, enum form_lang lang)
{
	const struct csv *c = &r->sheets[WORDS];

	for (size_t i = 1; i <= c->n_rows; i++)
		if (strcmp(csv_cell(c, i, 0), list) == 0 && strcmp(csv_cell(c, i, 1), code) == 0)
			return csv_cell(c, i, lang == FORM_VI ? 2 : 3);
	return r->program == NULL ? code : case_rules_word(r->program, list, code, lang);
}

/* Counting ------------------------------------------------------------------- */

int64_t
case_rules_months_on(int64_t first, long n)
{
	struct date d, next;
	long months;

	date_from_days(first, &d);
	months = (long)d.year * 12 + d.month - 1 + n;
	d.year = (int)(months / 12);
	d.month = (int)(months % 12) + 1;
	next = (struct date){ d.month == 12 ? d.year + 1 : d.year, d.month % 12 + 1, 1 };
	date_from_days(date_to_days(&next) - 1, &next);	/* the month's last day */
	if (d.day > next.day)
		d.day = next.day;
	return date_to_days(&d);
}

static bool
is_workday(const struct case_rules *r, int64_t day)
{
	int64_t weekday = (day % 7 + 7 + 3) % 7;	/* 0: Monday; 1970-01-01 was a Thursday */

	if (weekday >= 5)
		return false;
	for (size_t i = 0; i < r->sheets[HOLIDAY].n_rows; i++)
		if (!r->holidays[i].unsure && day >= r->holidays[i].from && day <= r->holidays[i].to)
			return false;
	return true;
}

static bool
knows_year(const struct case_rules *r, int64_t day)
{
	struct date d, begins;

	date_from_days(day, &d);
	for (size_t i = 0; i < r->sheets[HOLIDAY].n_rows; i++) {
		date_from_days(r->holidays[i].from, &begins);
		if (begins.year == d.year)
			return true;
	}
	return false;
}

int64_t
case_rules_due(const struct case_rules *r, const struct case_term *t, int64_t first, bool *sure)
{
	int64_t day = first;

	*sure = true;
	switch (t->unit) {
	case CASE_UNIT_DAY:
		return first + t->n;
	case CASE_UNIT_STAY:
		return first + t->n - 1;
	case CASE_UNIT_MONTH:
		return case_rules_months_on(first, t->n);
	case CASE_UNIT_WORKDAY:
		break;
	}
	for (long left = t->n; left > 0;)
		if (is_workday(r, ++day))
			left--;
	*sure = knows_year(r, day);
	for (size_t i = 0; i < r->sheets[HOLIDAY].n_rows; i++)
		if (r->holidays[i].unsure && r->holidays[i].from <= day && r->holidays[i].to > first)
			*sure = false;
	return day;
}
