#ifndef SHARED_RECORDS_RECORD_PARTS_H
#define SHARED_RECORDS_RECORD_PARTS_H

/* record_parts: a record taken out of the database, and what its author had seen. */
#include "shared/base/bytes.h"
#include "shared/records/merged.h"
#include "shared/records/record.h"
#include "shared/records/record_token.h"

struct record_opened {
	struct dot id;
	int64_t local;
	struct journal_scope scope;
	struct register_state state;
	const struct form *form;	/* NULL: not known here; then merged is empty */
	struct merged merged;
};

/* RC_NOTFOUND: no such record, or nothing of it has come. */
enum rc record_parts_open(const struct record_context *c, const struct dot *id,
    struct record_opened *out, struct error *err) RC_CHECK;
/* The same, but RC_NEWER if its form is not known here, RC_INVALID if it is deleted. */
enum rc record_parts_open_to_write(const struct record_context *c, const struct dot *id,
    struct record_opened *out, struct error *err) RC_CHECK;
void record_parts_close(struct record_opened *o);

/* The displayed field of that name; RC_NOTFOUND. */
enum rc record_parts_field(const struct record_opened *o, const char *name,
    const struct merged_field **out, struct error *err) RC_CHECK;

/* Stable short name of an address: the first `digits` hex digits of its hash. */
enum { RECORD_PARTS_K_MIN = 4, RECORD_PARTS_K_DIGITS = 16 };
void record_parts_k(const struct address *a, size_t digits, char out[RECORD_K_MAX]);

/* What the author saw: the entries that a token names, or what is live now. */
struct record_seen {
	bool given;			/* by a token */
	struct record_token token;
	struct entry *entries;		/* of the token's dots, those that are here */
	struct bytes *bodies;
	size_t n;
};
enum rc record_parts_see(const struct record_context *c, const struct record_opened *o,
    const char *token, struct record_seen *out, struct error *err) RC_CHECK;
void record_parts_unsee(struct record_seen *s);

/* One value that was seen in a register. */
struct record_seen_value {
	struct address address;
	int64_t saved_at;
	struct value value;		/* borrowed from the state or the entries */
};
/* Those of one register, ascending by address; free() *out, and the members with it. */
enum rc record_parts_seen_values(const struct record_opened *o, const struct record_seen *s,
    unsigned number, struct record_seen_value **out, size_t *n) RC_CHECK;

#endif
