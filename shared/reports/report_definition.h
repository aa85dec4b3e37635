#ifndef SHARED_REPORTS_REPORT_DEFINITION_H
#define SHARED_REPORTS_REPORT_DEFINITION_H

/*
 * report_definition: the text of a report's SQL file, taken apart: what its comment
 * lines say, and the statements between them (schema/reports/README.md).
 */
#include "shared/reports/report.h"

enum {
	REPORT_FORMS_MAX = 16,
	REPORT_PARTS_MAX = 4,
	REPORT_SECTIONS_MAX = 64,
	REPORT_RELATIONS_MAX = 32,
	REPORT_TERMS_MAX = 16,		/* of one of them */
	REPORT_FOLLOWS_MAX = 8,
	REPORT_WORDS_MAX = 48,
	REPORT_FILE_MAX = 256 << 10
};

struct report_words {
	const char *code;		/* of the list `report` */
	const char *label[FORM_LANGS];
};

struct report_section {
	bool prepares;			/* no rows; else a block */
	const char *title[FORM_LANGS];	/* of a block */
	const char *needs;		/* table without which it is left out; NULL: none */
	const char *sql;
};

/*
 * What adds up (schema/reports/README.md, "What may leave").  Blocks, rows and columns count from 0;
 * blocks as they stand in the file.
 */
enum report_over { REPORT_OVER_COLUMNS, REPORT_OVER_ROWS, REPORT_OVER_BLOCKS };
enum report_compare {
	REPORT_SUM,			/* =  the total is the sum of its parts */
	REPORT_WITHIN,			/* >= no less than their sum */
	REPORT_UNION			/* <= no more than it, and no less than each */
};
enum { REPORT_ROW_TOTAL = 1000, REPORT_ROW_PLAIN = 1001 };	/* the first that sums up; all that do not */

struct report_term {
	size_t at;			/* column or block */
	size_t row;			/* of a block: an index or REPORT_ROW_...; over rows only */
};

struct report_relation {
	enum report_over over;
	enum report_compare compare;
	struct report_term total, parts[REPORT_TERMS_MAX];
	size_t n_parts;
	uint32_t columns;		/* a bit each; 0: all that count persons */
};

/* A column that is hidden where others are. */
struct report_follow {
	size_t column;
	uint32_t others;		/* a bit each */
};

struct report_definition {
	const char *title[FORM_LANGS];
	const char *forms[REPORT_FORMS_MAX];
	size_t n_forms;
	const char *parts[REPORT_PARTS_MAX];	/* files of statements that run first */
	size_t n_parts;
	struct { enum report_kind kind; const char *title[FORM_LANGS]; }
	    columns[REPORT_COLUMNS_MAX];
	size_t n_columns;
	struct report_chart charts[REPORT_CHARTS_MAX];
	size_t n_charts;
	const char *notes[REPORT_NOTES_MAX][FORM_LANGS];
	size_t n_notes;
	struct report_words words[REPORT_WORDS_MAX];
	size_t n_words;
	struct report_section sections[REPORT_SECTIONS_MAX];
	size_t n_sections;
	struct report_relation relations[REPORT_RELATIONS_MAX];
	size_t n_relations;
	struct report_follow follows[REPORT_FOLLOWS_MAX];
	size_t n_follows;
	uint32_t withheld;		/* blocks that never leave, a bit each */
	struct arena arena;
};

/* RC_FORMAT with name:line; RC_LIMIT; RC_NOMEM.  Reset in any case. */
enum rc report_definition_parse(const char *name, const char *text, size_t len,
    struct report_definition *out, struct error *err) RC_CHECK;
void report_definition_reset(struct report_definition *d);

/* ---- report_relation.c ---- */

/* Whether a line of this key says what may leave. */
bool report_relation_is(const char *key, size_t len);
/* Take such a line; what: in words why not.  RC_FORMAT, RC_LIMIT. */
enum rc report_relation_take(struct report_definition *d, const char *key, size_t key_len,
    const char *text, size_t len, const char **what) RC_CHECK;
/* Whether they fit the columns and blocks there are; NULL, or why not. */
const char *report_relation_check(const struct report_definition *d, size_t n_blocks);

#endif
