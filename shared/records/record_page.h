#ifndef SHARED_RECORDS_RECORD_PAGE_H
#define SHARED_RECORDS_RECORD_PAGE_H

/*
 * record_page: some lines out of a long list of records, and cells of their fields, without reading
 * the rest of them.
 */
#include "shared/records/record.h"

enum { RECORD_PAGE_COLUMNS_MAX = 24 };

/* An order that was worked out, for the next page of it; zeroes: none.  record_order_reset. */
struct record_order {
	char form[ENTRY_FORM_NAME_MAX + 1], sort[64];
	bool deleted;
	int64_t changes;		/* as in struct record_page_wanted */
	int64_t *ids;
	size_t n;
};
void record_order_reset(struct record_order *o);

struct record_page_wanted {
	const struct form *form;
	const char *where, *sort;	/* as for record_list_sorted; NULL */
	const char *match;		/* words that the records have (search.h); NULL or "": all */
	bool deleted;
	size_t offset, limit;		/* limit at most RECORD_LIST_MAX */
	bool counts;			/* is the total wanted?  Without it a condition ends with the page */
	struct record_order *kept;	/* NULL: nothing is kept */
	int64_t changes;		/* a number that is another one after records were written */
};
struct record_page {
	struct record_line *lines;
	size_t n;
	size_t total;			/* lines of all pages; without `counts` at least those up to here */
};
/* As record_list_sorted; RC_LIMIT, RC_INVALID: match. */
enum rc record_page_read(const struct record_context *c, const struct record_page_wanted *w,
    struct record_page *out, struct error *err) RC_CHECK;
void record_page_reset(struct record_page *p);

/*
 * The values of fields of records (local numbers), as canonical text: each(ctx, number of the record in
 * ids, number of the field in fields, value), once a value, struck-through ones left out.
 * RC_INVALID: a note, or more than RECORD_PAGE_COLUMNS_MAX fields.
 */
enum rc record_page_cells(const struct record_context *c, const struct form *form,
    const struct form_field *const *fields, size_t n_fields, const int64_t *ids, size_t n_ids,
    enum rc (*each)(void *ctx, size_t record, size_t field, const char *value), void *ctx,
    struct error *err) RC_CHECK;

#endif
