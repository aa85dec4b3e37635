#ifndef FIELD_PERSON_PAGE_H
#define FIELD_PERSON_PAGE_H

/*
 * person_page: all that is stored about one person, as a page to print for that person: plain
 * HTML for A4, in Vietnamese, every value with its day and who recorded it.
 *
 * It holds the records that are about the person alone (person_records.h); replaced values are
 * history, struck-through ones are shown as such.  It does not hold what is about others: the
 * forms and fields of schema/exchange/person_page.csv, and references themselves.
 */
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/records/record.h"

/* What devices and units are called. */
struct person_page_names {
	const char *(*device)(void *ctx, const uint8_t device[ENTRY_DEVICE_BYTES]);
	const char *(*unit)(void *ctx, const char *code);
	void *ctx;
};

struct person_page_counts {
	size_t records;		/* on the page */
	size_t of_others;	/* that refer to the person too, and are left out */
};

/*
 * id is a person's, or a case's: then its person's.  RC_NOTFOUND: no such record.  RC_INVALID: a
 * record of another form, or a case without its person.  RC_LIMIT: too many records.
 */
enum rc person_page_make(const struct record_context *ctx, const struct dot *id,
    const struct person_page_names *names, struct bytes *out, struct person_page_counts *counts,
    struct error *err) RC_CHECK;

#endif
