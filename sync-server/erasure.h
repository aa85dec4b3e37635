#ifndef SYNC_SERVER_ERASURE_H
#define SYNC_SERVER_ERASURE_H

/*
 * erasure: a lawful order to erase, carried out over the authority, which can open every
 * frame, and the relay's store, which has them (formats.md "Erasure").
 *
 * An order is text, one thing a line: `order TEXT` names it; `record ID [FIELD …]` means those
 * fields of a record in every entry, all of them if none is named; `entry LOG.N [FIELD …]`
 * the same of one entry and of who restated it.  `#` begins a remark.
 */
#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/records/entry.h"
#include "shared/sync/directory.h"

struct authority;
struct depot;
struct form_set;

enum {
	ERASURE_ORDER_BYTES_MAX = 1 << 20,
	ERASURE_THINGS_MAX = 1000,	/* of an order */
	ERASURE_NAMES_MAX = 64		/* fields of a thing */
};

struct erasure_thing {
	struct dot dot;
	bool whole_record;		/* else one entry */
	char *names[ERASURE_NAMES_MAX];	/* owned */
	size_t n_names;			/* 0: all */
	size_t found;			/* entries */
};
struct erasure_order {
	char title[DIRECTORY_REASON_MAX + 1];
	struct erasure_thing *things;
	size_t n_things;
	/* what erasure_find named: by log and n */
	struct erasure *named;
	size_t n_named, cap_named;
};
/* RC_FORMAT, RC_LIMIT: described at name:line. */
enum rc erasure_read(const char *name, const uint8_t *text, size_t len,
    struct erasure_order *out, struct error *err) RC_CHECK;
void erasure_order_reset(struct erasure_order *o);

/* An entry that the order names. */
struct erasure_found {
	const struct entry *entry;
	const char *unit;
	const char *form;
	const char *fields;		/* names, or "" for all */
};
/*
 * Open every frame of the store and name what the order means; each is told, each entry once.
 * RC_NOTFOUND: nothing is there of one thing of the order.  RC_INVALID: a form has no such field.
 */
enum rc erasure_find(struct authority *a, struct depot *depot, const struct form_set *forms,
    struct erasure_order *o, enum rc (*each)(void *ctx, const struct erasure_found *found),
    void *ctx, struct error *err) RC_CHECK;

/*
 * Seal again every frame of the store that was sealed without knowing of an erasure in its logs.
 * *n: how many.  The next meeting brings them to the relay.
 */
enum rc erasure_reseal(struct authority *a, struct depot *depot, size_t *n,
    struct error *err) RC_CHECK;

#endif
