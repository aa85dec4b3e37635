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
	struct arena arena;
};

/* RC_FORMAT with name:line; RC_LIMIT; RC_NOMEM.  Reset in any case. */
enum rc report_definition_parse(const char *name, const char *text, size_t len,
    struct report_definition *out, struct error *err) RC_CHECK;
void report_definition_reset(struct report_definition *d);

#endif
