#ifndef SHARED_RECORDS_CONFLICT_H
#define SHARED_RECORDS_CONFLICT_H

/*
 * conflict: the inbox.  Every register in conflict of every record here, with
 * values, authors, times, short names and the token to settle it with; what was
 * settled automatically; and rules of the form that a merge has broken.
 */
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"
#include "shared/records/record.h"

enum conflict_kind {
	CONFLICT_OPEN,		/* a person must pick */
	CONFLICT_SETTLED,	/* latest or deny_wins hides values */
	CONFLICT_BREACH		/* the merged record breaks a rule of its form */
};

struct conflict_item {
	enum conflict_kind kind;
	struct record_view *view;	/* owned by the list, shared by items of one record */
	const struct record_field *field;	/* in the view; NULL for a breach */
	const struct form_field *breached;
	char *message;			/* of a breach; owned */
};

struct conflict_list {
	struct conflict_item *items;	/* by record, then the form's order */
	size_t n_items;
	struct record_view *views;
	size_t n_views;
};

/* of: which kinds (bits 1 << kind).  At most `limit` records. */
enum rc conflict_list(const struct record_context *c, unsigned of, size_t limit,
    struct conflict_list *out, struct error *err) RC_CHECK;
void conflict_list_reset(struct conflict_list *l);

struct conflict_counts { uint64_t open, settled, breaches; };	/* registers; fields */
enum rc conflict_count(struct sqlite3 *db, struct conflict_counts *out,
    struct error *err) RC_CHECK;

#endif
