#ifndef SHARED_REPORTS_REPORT_H
#define SHARED_REPORTS_REPORT_H

/*
 * report: a numbered report (domain.md section 7.4) over the typed tables
 * (shared/records/tables.h), for a period and for a unit with all below it.
 * The reports are schema/reports/bN.sql; schema/reports/README.md says how such a
 * file is written and which tables it may ask.
 *
 * The data base is only read; what a run needs beside it are TEMP tables, which
 * stay in memory (temp_store) and are gone when the run ends, but for the
 * units that report_units fills and the list of linked persons.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/arena.h"
#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "shared/base/rc.h"
#include "shared/forms/form.h"

struct sqlite3;

enum {
	REPORT_NAME_MAX = 16,		/* "b16" and the NUL */
	REPORT_UNIT_MAX = 64,		/* a unit's code and the NUL */
	REPORT_COLUMNS_MAX = 24,
	REPORT_BLOCKS_MAX = 32,
	REPORT_NOTES_MAX = 24,
	REPORT_CHARTS_MAX = 4,
	REPORT_ROWS_MAX = 100000,
	REPORT_BYTES_MAX = 64 << 20	/* of one report in memory */
};

/* What stands in a column, for its format and its alignment. */
enum report_kind {
	REPORT_TEXT,
	REPORT_COUNT,
	REPORT_PERSONS,			/* a count of persons of cases: small ones do not leave */
	REPORT_MONEY,			/* dong */
	REPORT_PERCENT			/* 0..100, one decimal; or a text in its place */
};

enum report_cell_type { REPORT_NOTHING, REPORT_INTEGER, REPORT_REAL, REPORT_WORDS };

struct report_cell {
	enum report_cell_type type;
	int64_t integer;
	double real;
	const char *words;
};

struct report_column {
	enum report_kind kind;
	const char *title;
};

struct report_row {
	bool total;			/* sums up its block */
	const struct report_cell *cells;	/* n_columns */
	bool open;			/* no person is counted in it: nothing of it is ever hidden */
};

/* Rows that belong together under a heading; "" is no heading. */
struct report_block {
	const char *title;
	const struct report_row *rows;
	size_t n_rows;
	size_t number;			/* in the file, from 0: some blocks are left out */
};

/* A figure of an earlier period that was reported and reads otherwise now (report_correction.h). */
struct report_correction {
	struct date from, to;
	const char *part, *row, *column;	/* as they were called; "" */
	struct report_cell told, now;
};

struct report {
	char name[REPORT_NAME_MAX];
	enum form_lang lang;
	const char *title;
	struct date from, to;		/* both days included */
	const char *unit;		/* code; NULL: all there is */
	const char *unit_name;		/* NULL with unit, and for a unit without a name */
	struct report_column columns[REPORT_COLUMNS_MAX];
	size_t n_columns;
	struct report_block blocks[REPORT_BLOCKS_MAX];
	size_t n_blocks;
	const char *notes[REPORT_NOTES_MAX];
	size_t n_notes;
	/* What a workbook draws as bars: a block, and a column of it. */
	struct report_chart { size_t block, column; } charts[REPORT_CHARTS_MAX];
	size_t n_charts;
	/* Communes of the scope from which no record has come since the period began, and how many
	 * communes there are; 0 of 0 when the scope is one unit.  *silent: the note that names them. */
	size_t n_silent, n_communes;
	const char *silent;		/* NULL: none */
	/* Records in the scope that wait for a person to settle a field: of the forms
	 * that the report counts, in any period. */
	uint64_t open_conflicts;
	const char *open_note;		/* the note that says so; NULL: none */
	const struct report_correction *corrections;
	size_t n_corrections;
	/* In a table that may leave: fewer persons are hidden (report_mask.h); 0: all is shown. */
	int64_t threshold;
	struct arena arena;		/* all that the pointers lead to */
};

/* The directory's units, as rows of the TEMP table `unit`. */
struct report_unit {
	const char *code;
	const char *name;		/* "Ba Sơn" */
	const char *full_name;		/* "Xã Ba Sơn" */
	const char *parent;		/* code; NULL or "": none */
	const char *level;		/* PROV, DIST, COMM */
	bool high_risk;
	const char *valid_from;		/* ISO; NULL or "": open */
	const char *valid_to;
};

/*
 * Replace the units that reports on this handle know.  Without them no report can
 * be made of one unit, and no unit has a name.
 */
enum rc report_units(struct sqlite3 *db, const struct report_unit *units, size_t n,
    struct error *err) RC_CHECK;

struct report_order {
	const char *name;		/* "b4" */
	struct date from, to;		/* complete days, both included */
	const char *unit;		/* that unit and all below it; NULL: all */
	enum form_lang lang;
	const char *folder;		/* of schema/; NULL: reports */
	unsigned smallest;		/* :smallest, fewest persons of a group that is shown apart */
	int64_t threshold;		/* for the public: hide fewer persons than these; 0: for the office */
};

/* What --public hides without another word, and what it may be told to. */
enum { REPORT_THRESHOLD = 5, REPORT_THRESHOLD_MIN = 3, REPORT_THRESHOLD_MAX = 1000 };

/*
 * Run a report.  forms label the codes; their typed tables must be there.
 * RC_NOTFOUND: no such report or unit.  RC_USAGE: not a period, or not a threshold.  RC_CONFIG: the
 * forms lack a field that the report asks for.  RC_LIMIT: too many rows.
 * *out is the caller's: report_free.
 */
enum rc report_run(struct sqlite3 *db, const struct form_set *forms,
    const struct report_order *order, struct report **out, struct error *err) RC_CHECK;
void report_free(struct report *r);	/* NULL is allowed */

/* The reports that ship, by number. */
struct report_summary {
	char name[REPORT_NAME_MAX];
	char *title[FORM_LANGS];
};
enum rc report_list(struct report_summary **out, size_t *n, struct error *err) RC_CHECK;
void report_list_free(struct report_summary *list, size_t n);

/*
 * Append the report as a CSV sheet: a byte order mark for spreadsheet programs, one
 * header row, one row a row.  With more than one block the first column names it.
 * A text that a spreadsheet would take for a formula gets an apostrophe before it.
 * Corrections to earlier periods follow as a table with a header of its own, behind an empty line.
 */
enum rc report_write_csv(const struct report *r, struct bytes *out) RC_CHECK;
/*
 * Append the JSON object of the commands' contract, with a line feed.  Rows as in the CSV; what is
 * corrected of earlier periods, if anything, in "corrections":
 * [{"from","to","part","row","column","reported","now","difference"}].
 */
enum rc report_write_json(const struct report *r, struct bytes *out) RC_CHECK;

/* Whether the number of open conflicts is too small to be told; then it reads "<5". */
enum { REPORT_SMALL_MAX = 24 };
bool report_open_words(const struct report *r, char out[REPORT_SMALL_MAX]);

/* "Từ 01/01/2026 đến 30/06/2026", "From 2026-01-01 to 2026-06-30". */
enum { REPORT_PERIOD_MAX = 64 };
void report_period(const struct report *r, char out[REPORT_PERIOD_MAX]);

#endif
