#ifndef SHARED_RECORDS_CASE_RULES_H
#define SHARED_RECORDS_CASE_RULES_H

/*
 * case_rules: what laws and plans set for a case: schema/rules/, whose README says how a
 * term is counted.  Days are counted since 1970-01-01 (date_to_days).  The sheets ship with the
 * program; a province may publish others with its forms.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"
#include "shared/forms/form.h"

struct case_rules;
struct csv;

enum case_unit { CASE_UNIT_DAY, CASE_UNIT_STAY, CASE_UNIT_WORKDAY, CASE_UNIT_MONTH };

enum { CASE_RULES_MAX = 10000 };	/* a term's number, and rows of a sheet */

struct case_term {
	const char *rule;		/* "INITVER" */
	const char *regime;		/* code, or "ANY" */
	long n;
	enum case_unit unit;
	const char *source;
};

struct case_entitlement {
	const char *letters;		/* "a b c", "-" for none */
	bool case_by_case;		/* each is decided for the person */
	const char *source;
};

/* From the sheets inside the program.  RC_FORMAT: file:row:column. */
enum rc case_rules_load(struct case_rules **out, struct error *err) RC_CHECK;
/*
 * From the sheets of a form set ("rules/holiday.csv"), and for those that it lacks from the
 * program's.  Terms whose rule, and words whose code, a published sheet does not know are the program's,
 * too, so that a newer program finds what it asks for.  Sheets that cannot be read, of a newer program
 * perhaps: all are the program's, and *refused says why; else its code is RC_OK.
 */
enum rc case_rules_load_set(const struct form_set *set, struct case_rules **out,
    struct error *refused, struct error *err) RC_CHECK;
/*
 * More than reading asks for, of the sheets that a province is to publish: codes stand in the lists of the
 * set, rules and words are known, every row names its source, no two laws hold on one day.
 * RC_FORMAT: file:row:column.
 */
enum rc case_rules_check(const struct case_rules *r, const struct form_set *set,
    struct error *err) RC_CHECK;
/* Reads and checks the sheets that a set holds. */
enum rc case_rules_check_set(const struct form_set *set, struct error *err) RC_CHECK;
/* sheets: regime, entitlement, deadline, holiday, closing, words, in this order; for tests. */
enum { CASE_RULES_SHEETS = 6 };
enum rc case_rules_read(const char *const sheets[CASE_RULES_SHEETS], struct case_rules **out,
    struct error *err) RC_CHECK;
void case_rules_free(struct case_rules *r);	/* NULL is allowed */

/* The i-th sheet of CASE_RULES_SHEETS: "rules/regime.csv", its cells, is it of the province? */
const char *case_rules_sheet_name(size_t i);
const struct csv *case_rules_sheet(const struct case_rules *r, size_t i);
bool case_rules_is_published(const struct case_rules *r, size_t i);

/* Code of the law in force on a day; "" if no row covers it. */
const char *case_rules_regime(const struct case_rules *r, int64_t day);
/* NULL: the sheets do not say. */
const char *case_rules_regime_source(const struct case_rules *r, const char *regime);
bool case_rules_entitled(const struct case_rules *r, const char *regime, const char *class,
    struct case_entitlement *out);
/* Is a letter ("đ") among those? */
bool case_rules_has_letter(const char *letters, const char *letter);

/* The i-th term of a rule under a regime, in the order of the sheet; NULL: no more. */
const struct case_term *case_rules_term(const struct case_rules *r, const char *rule,
    const char *regime, size_t i);
/*
 * Last day that is in time.  *sure: false where the term counts working days and
 * ends in a year whose holidays the sheets do not list, or has a day in it that may be one.
 */
int64_t case_rules_due(const struct case_rules *r, const struct case_term *t, int64_t first,
    bool *sure);
/* The same day n months on, or the last of that month. */
int64_t case_rules_months_on(int64_t first, long n);

/* Is anything left to follow up after a case was closed so?  Unknown reasons: yes. */
bool case_rules_follows(const struct case_rules *r, const char *close_reason);

/* What people read for a code of "deadline", "due", "consent" or "warning"; else the code. */
const char *case_rules_word(const struct case_rules *r, const char *list, const char *code,
    enum form_lang lang);

#endif
