#ifndef FIELD_PERSON_RECORDS_H
#define FIELD_PERSON_RECORDS_H

/*
 * person_records: which records are about one person: the person's own (also those linked as the
 * same person), their cases, and whatever refers to these.  Apart stand those that refer to them
 * too and are about others: another person or another's case, and the forms that
 * schema/exchange/person_page.csv leaves out as a whole.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/csv.h"
#include "shared/base/rc.h"
#include "shared/records/record.h"

enum { PERSON_RECORDS_MAX = 5000 };

struct person_record {
	int64_t local;				/* record.id */
	const struct form *form;
};

struct person_records {
	const struct record_context *ctx;
	struct csv left_out;
	struct person_record *items, *others;	/* of the person alone; about others, too */
	size_t n, n_others;
	struct error *err;
};

/*
 * id is a person's, or a case's: then its person's.  ctx and err are borrowed as long as out is.  RC_NOTFOUND: no
 * such record.  RC_INVALID: a record of another form, or a case without its person.
 * RC_LIMIT: too many records.  out is to be reset in every case.
 */
enum rc person_records_find(const struct record_context *ctx, const struct dot *id,
    struct person_records *out, struct error *err) RC_CHECK;
void person_records_reset(struct person_records *p);

/* Does the person not get to see the form as a whole (field NULL), or one of its fields? */
bool person_records_is_left_out(const struct person_records *p, const struct form *form,
    const char *field);

#endif
