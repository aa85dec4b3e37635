#ifndef SHARED_RECORDS_MERGED_H
#define SHARED_RECORDS_MERGED_H

/*
 * merged: a record's state seen through its form: what each field displays, and
 * the form worked out over that (relevance, calculations, broken rules).
 */
#include <stdbool.h>
#include <stddef.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/forms/answers.h"
#include "shared/forms/form.h"
#include "shared/records/register.h"

struct merged_field {
	const struct form_field *field;
	unsigned number;		/* of its register */
	bool leads;			/* the first field of its register */
	bool many;
	struct register_rule rule;
	struct register_show show;
};

struct merged {
	const struct form *form;
	const struct register_state *state;
	struct merged_field *fields;	/* those that are written, in the form's order */
	size_t n_fields;
	struct answers *answers;	/* after merged_work_out */
	struct answers_breach *breaches;
	size_t n_breaches;
};

/* Does the field display several values (union, append, select_multiple)? */
bool merged_is_many(const struct form_field *field);
/* Is it written at all (not a note, not a calculation)? */
bool merged_is_written(const struct form_field *field);

/* Borrows both until merged_reset. */
enum rc merged_init(struct merged *m, const struct form *form,
    const struct register_state *state) RC_CHECK;
void merged_reset(struct merged *m);

/* What is displayed, as answers; owned by the caller. */
enum rc merged_answers(const struct merged *m, const struct form_set *set,
    struct answers **out, struct error *err) RC_CHECK;
/*
 * Work the form out over what is displayed.  Its today() is the day of the latest entry,
 * so that the result depends on the entries alone.
 */
enum rc merged_work_out(struct merged *m, const struct form_set *set, enum form_lang lang,
    struct error *err) RC_CHECK;

/*
 * The value of this field in a register's value: the value itself, or a group's
 * member (NOTHING if it has none).  members: room for ENTRY_GROUP_MAX.
 */
enum rc merged_value(const struct merged_field *f, const struct register_value *v,
    struct value *out, struct value_member *members) RC_CHECK;
/* The same as canonical text, appended. */
enum rc merged_text(const struct merged_field *f, const struct register_value *v,
    struct bytes *out) RC_CHECK;

/* Registers in conflict or settled, `alive` included; live values that the form does not know. */
struct merged_counts { unsigned conflicts, settled, newer; };
void merged_count(const struct merged *m, struct merged_counts *out);

#endif
