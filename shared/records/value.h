#ifndef SHARED_RECORDS_VALUE_H
#define SHARED_RECORDS_VALUE_H

/*
 * value: the encoding of one written value (formats.md "Entry"), shared by
 * entries and registers; and packed dates.  One value has one encoding, so
 * equal values have equal bytes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "shared/base/rc.h"
#include "shared/records/entry.h"

enum { VALUE_DECIMAL_MAX = 40 };

/* RC_INTERNAL: not canonical.  RC_LIMIT: too long.  RC_NOMEM. */
enum rc value_check(const struct value *v) RC_CHECK;
/* Unchecked. */
void value_put(struct bytes *b, const struct value *v);
/*
 * Read one value; texts point into the reader's bytes, a group's members are put
 * into `members` (room for ENTRY_GROUP_MAX).  The reader turns bad on what is not
 * of the grammar; value_check still has to look at the result.
 */
void value_read(struct reader *r, struct value *out, struct value_member *members);

/* As a form writes it: ISO date, log.n, plain text; nothing for NOTHING and groups. */
void value_text(const struct value *v, struct bytes *out);

/* Clean UTF-8 in normal form C?  RC_OK, RC_INTERNAL if not, RC_NOMEM. */
enum rc value_check_text(const char *s, size_t len) RC_CHECK;

int64_t value_pack_date(const struct date *d);
/* False: no such date. */
bool value_unpack_date(int64_t packed, struct date *out);

#endif
