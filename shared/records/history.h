#ifndef SHARED_RECORDS_HISTORY_H
#define SHARED_RECORDS_HISTORY_H

/*
 * history: every write of a record from the journal, also of entries that the
 * fold leaves out, and of both branches of a log that forked: what was written, what it
 * replaced, voids and reasons.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"
#include "shared/records/entry.h"
#include "shared/records/record.h"

enum history_standing {
	HISTORY_COUNTS, HISTORY_FORKED, HISTORY_BEYOND_LIMIT, HISTORY_RESTATED, HISTORY_OTHER_SCOPE
};

struct history_value {
	struct address address;
	char *text;			/* owned; of a group "name=value name=value" */
	bool live;			/* still shown, or in conflict */
};

struct history_write {
	unsigned number;		/* of the register */
	const struct form_field *field;	/* first field of it; NULL: alive or unknown here */
	enum write_kind kind;
	struct history_value *values;	/* owned */
	size_t n_values;
	struct address *replaces;	/* owned; of a void: what it strikes through */
	size_t n_replaces;
};

struct history_entry {
	struct dot dot;
	struct dot restates;		/* log 0: none */
	uint8_t by[ENTRY_DEVICE_BYTES];
	int64_t at;
	unsigned form_version;
	bool creates, hollow;
	enum history_standing standing;
	char *reason;			/* owned, or NULL */
	struct history_write *writes;	/* owned */
	size_t n_writes;
};

struct history { struct history_entry *entries; size_t n_entries; };

/*
 * Every entry of a record: one that replaced another stands after it, else by
 * saved_at, then dot.  RC_NOTFOUND: no entry of it here.
 */
enum rc history_read(const struct record_context *c, const struct dot *id,
    struct history *out, struct error *err) RC_CHECK;
void history_reset(struct history *h);

#endif
