#ifndef TESTS_SUPPORT_REPORT_WORLD_H
#define TESTS_SUPPORT_REPORT_WORLD_H

/*
 * report_world: a database in memory with the typed tables of all shipped forms, for
 * tests that fill them by SQL and read reports.  Units: 20 with 06004, 06184 (high risk), 06196,
 * 06541 (high risk), 06625, 06000 (to 30/06/2025); 99 with 99001.
 */
#include "shared/records/tables.h"
#include "shared/reports/report.h"

struct report_world {
	struct sqlite3 *db;
	struct form_set *forms;
	struct tables *tables;
	struct error err;
};

/* cmocka's; *state: the world. */
int report_world_set_up(void **state);
int report_world_tear_down(void **state);

void report_world_sql(struct report_world *w, const char *text);
/* The first half of 2026, unit 20, in Vietnamese. */
extern const struct report_order report_world_order;
struct report *report_world_run(struct report_world *w, const char *name, const char *unit);
/* The one row of a block that begins with label reads "label|rest": cells with bars between
 * them, an empty one as nothing. */
void report_world_has(const struct report *r, size_t block, const char *label, const char *rest);
/* What a list of the forms calls a code in Vietnamese. */
const char *report_world_label(const struct report_world *w, const char *list, const char *code);

#endif
