#ifndef SHARED_RECORDS_REGISTER_H
#define SHARED_RECORDS_REGISTER_H

/*
 * register: the state of one record as a pure function of the SET of its
 * entries (architecture section 5, "Register" and "Policies").  No database.
 *
 * Each field is a multi-value register: the written values whose addresses no
 * entry replaced.  What a state keeps beside them:
 * - the dots of all entries that were applied, so that a repeat does nothing and a
 *   replacement is remembered exactly as long as its target has not come;
 * - replacements and voids that came before their target.
 *
 * Restating (Entry, "restates"): an entry and all that restate it are one class;
 * its root is the entry that restates nothing (of a ring: the smallest dot).  The
 * root's values count if it is here, else those of the restating entry with the
 * smallest dot.  To replace or void one of them is to replace or void all; what
 * any of them replaced stays replaced.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/forms/form.h"
#include "shared/records/entry.h"

enum { REGISTER_STATE_MAX = 64 << 20 };	/* bytes of an encoded state */

struct register_value {
	struct address address;		/* as it was written */
	struct dot root;		/* of its class: address.dot unless it restates */
	int64_t saved_at;		/* of its entry */
	struct dot voided;		/* the entry that struck it through; log 0: none */
	const uint8_t *bytes;		/* the value as in an entry's body */
	size_t len;
	const struct dot *seen;		/* only of `alive`: the dots its author saw */
	size_t n_seen;
};

struct register_pending {
	struct address address;		/* its dot is the root of a class; the root is not here */
	bool replaced;
	struct dot voided;		/* log 0: no void */
};

struct register_field {
	unsigned field;			/* register number; 0 is `alive` */
	struct register_value *values;	/* live ones, ascending by root and item */
	size_t n_values, cap_values;
	struct register_pending *pending;
	size_t n_pending, cap_pending;
};

/* One applied entry. */
struct register_dot {
	struct dot dot;
	struct dot restates;		/* log 0: none */
	int64_t saved_at;
};

struct register_state {
	struct dot record;
	char form[ENTRY_FORM_NAME_MAX + 1];	/* "" before the first entry */
	unsigned form_version;		/* of the entry that `form` is from */
	struct dot creator;		/* the creating entry; log 0: it has not come */
	struct register_dot *dots;	/* ascending */
	size_t n_dots, cap_dots;
	struct register_field *fields;	/* ascending by number, none empty */
	size_t n_fields, cap_fields;
	struct register_block *blocks;	/* bytes of values */
	size_t n_restating;		/* how many of the dots restate */
	bool forget_pending;		/* test hook: the memory switched off */
};

void register_state_init(struct register_state *s, struct dot record);
void register_state_reset(struct register_state *s);

/*
 * Apply one entry of this record.  A repeat changes nothing (*is_new false).
 * RC_INVALID: of another record.  RC_NOMEM: the state must be thrown away.
 */
enum rc register_apply(struct register_state *s, const struct entry *e, bool *is_new) RC_CHECK;

/* Canonical: equal sets of entries give equal bytes. */
enum rc register_state_encode(const struct register_state *s, struct bytes *out) RC_CHECK;
/* RC_FORMAT unless it is exactly what encode wrote.  `p` need not outlive the state. */
enum rc register_state_decode(const uint8_t *p, size_t len, struct dot record,
    struct register_state *out) RC_CHECK;

const struct register_field *register_find(const struct register_state *s, unsigned field);
/* When the record was created: saved_at of the creator, 0 if it has not come. */
int64_t register_created_at(const struct register_state *s);
/* The latest saved_at of all its entries. */
int64_t register_latest_at(const struct register_state *s);

/*
 * `alive` (formats.md "Entry").  conflict: its values are unequal, or it is deleted and a
 * live value of another register comes from a dot that no live delete saw.
 * deleted: a live value says 0, and there is no conflict: until a person has decided,
 * the record counts as alive.
 */
struct register_alive { bool deleted, conflict; };
struct register_alive register_alive(const struct register_state *s);
/* Is this value of another register outside what the live deletes saw? */
bool register_unseen_by_delete(const struct register_state *s, const struct register_value *v);

/*
 * How a register is displayed.  Policies never decide what is kept:
 *   review    one distinct value: ok; several: conflict, displayed is the one with
 *             the latest saved_at, then the greatest dot
 *   union     the distinct values; always ok
 *   append    all values by saved_at, then dot and item, voided ones marked; ok
 *   highest   the highest by the list's order (numbers by size), conflict if
 *             that hides another; a code the list lacks ranks lowest
 *   deny_wins the protective value: `yes`, `1` or `true` where the list has one of
 *             these, else the value of the highest rank; others are settled
 *   latest    saved_at, then log and n; others are settled
 * A select_multiple field displays as union unless it says append.
 */
enum register_standing { REGISTER_OK, REGISTER_CONFLICT, REGISTER_SETTLED };

struct register_rule {
	enum form_policy policy;
	const struct form_list *list;	/* for ranks; of a group: of its first field */
	unsigned ranked;		/* number of the group's field that ranks; 0: no group */
};
/* The rule of the register that the field lives in. */
struct register_rule register_rule_of(const struct form *f, const struct form_field *field);
/* Rank of a value under a rule (higher is higher; protective is higher). */
int64_t register_rank(const struct register_rule *rule, const struct register_value *v);

struct register_show {
	enum register_standing standing;
	const struct register_value *shown;	/* scalar policies; NULL: nothing */
	const struct register_value **all;	/* live values, the shown one first; owned */
	size_t n_all;
	size_t n_distinct;
};
/* f may be NULL (a field that nobody wrote).  Borrowed from the state. */
enum rc register_show(const struct register_field *f, const struct register_rule *rule,
    struct register_show *out) RC_CHECK;
void register_show_reset(struct register_show *v);

bool register_value_equal(const struct register_value *a, const struct register_value *b);
/* Decode; texts and members (in `members`, room for ENTRY_GROUP_MAX) borrow from v. */
enum rc register_value_get(const struct register_value *v, struct value *out,
    struct value_member *members) RC_CHECK;

#endif
