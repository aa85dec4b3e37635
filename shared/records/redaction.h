#ifndef SHARED_RECORDS_REDACTION_H
#define SHARED_RECORDS_REDACTION_H

/*
 * redaction: values that a lawful order took away (formats.md "Erasure"), in an entry and in the
 * journal.  An erased value becomes nothing; what its entry replaced stays replaced, so the
 * fold goes on alike everywhere.  The entry's tag stays and the chain verifies; the log's
 * key, with which guesses of a value could be tested against the tag, goes.
 */
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/records/entry.h"

struct sqlite3;

/*
 * The body without the values of these registers (ascending; none named: of all but `alive`) and
 * without its reason.  Redacting twice is redacting once, in any order.
 */
enum rc redaction_of(const struct entry *e, const uint16_t *fields, size_t n_fields,
    struct bytes *body) RC_CHECK;

/*
 * Each entry of the log that is here gets its tag, of own logs also its entry key, into column
 * `tag`; then the log's key goes.  Nothing if it is gone.
 */
enum rc redaction_forget_key(struct sqlite3 *db, uint64_t log, struct error *err) RC_CHECK;

/*
 * Redact one entry in the journal, and what another branch has in its place.  After
 * redaction_forget_key.  *record: to be folded again; log 0: nothing of it is here.
 */
enum rc redaction_apply(struct sqlite3 *db, const struct dot *dot, const uint16_t *fields,
    size_t n_fields, struct dot *record, struct error *err) RC_CHECK;

#endif
