#ifndef SHARED_REPORTS_REPORT_TEMP_H
#define SHARED_REPORTS_REPORT_TEMP_H

/*
 * report_temp: the TEMP tables beside the typed ones that a report may ask
 * (schema/reports/README.md, "What a statement may ask").
 */
#include "shared/reports/report_definition.h"

/* unit and person_cluster, where they are missing; never on a disk. */
enum rc report_temp_make(struct sqlite3 *db, struct error *err) RC_CHECK;
/* person_cluster as the fold has it now (duplicate_cluster.h). */
enum rc report_temp_persons(struct sqlite3 *db, struct error *err) RC_CHECK;
/*
 * code: the words of the report, then those lists of the forms that one of the n texts, which are
 * SQL, names in quotes: of the whole country's lists a report needs a few.
 */
enum { REPORT_TEMP_LISTS_MAX = 64 };	/* more are found again at each field */
enum rc report_temp_codes(struct sqlite3 *db, const struct form_set *forms,
    const struct report_definition *d, const char *const *texts, size_t n, enum form_lang lang,
    struct error *err) RC_CHECK;
/* scope: the unit and all below it; NULL: every unit there is, known or not. */
enum rc report_temp_scope(struct sqlite3 *db, const char *unit, struct error *err) RC_CHECK;

#endif
