#ifndef SHARED_RECORDS_SEARCH_H
#define SHARED_RECORDS_SEARCH_H

/*
 * search: records by words.  Query and text are folded (text_fold), so
 * "dang thi hoa" finds "Đặng Thị Hòa"; every word of the query must begin a word of
 * the record; records whose text has the query's own diacritics come first.  A telephone number is
 * found however it was typed (phone.h): "+84 912" finds 0912.345.678, "0912 345" finds +84912345678.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"
#include "shared/forms/form.h"
#include "shared/records/entry.h"

struct record_context;

enum { SEARCH_QUERY_MAX = 400, SEARCH_WORDS_MAX = 16, SEARCH_LIMIT_MAX = 1000 };

struct search_hit {
	struct dot id;
	int64_t local;
	char form[ENTRY_FORM_NAME_MAX + 1];
	char *headline;			/* owned */
	bool exact;			/* with the query's diacritics */
};
/*
 * At most limit hits.  form: NULL for all forms.  RC_LIMIT: query too long;
 * no word in it: no hits.
 */
enum rc search_records(const struct record_context *c, const char *query, const char *form,
    size_t limit, struct search_hit **out, size_t *n, struct error *err) RC_CHECK;
/*
 * Local numbers of all records of any form that have the words, in no order; free() *out.
 * A query without a word: none.  RC_LIMIT, RC_INVALID.
 */
enum rc search_locals(const struct record_context *c, const char *query, int64_t **out, size_t *n,
    struct error *err) RC_CHECK;
void search_hits_free(struct search_hit *hits, size_t n);

#endif
