#ifndef SHARED_RECORDS_RECORD_DRAFT_H
#define SHARED_RECORDS_RECORD_DRAFT_H

/* record_draft: an entry being made, with its values and addresses in one arena. */
#include <stddef.h>

#include "shared/base/arena.h"
#include "shared/base/rc.h"
#include "shared/forms/answers.h"
#include "shared/forms/form.h"
#include "shared/records/entry.h"

struct journal_scope;
struct record_context;

struct record_draft {
	struct arena arena;
	struct entry entry;
	struct write *writes;		/* of entry.writes; sorted when it is written */
	size_t cap;
	struct dot *references;		/* that it makes, with the form they must be of */
	const char **refers;
	size_t n_references;
};

void record_draft_init(struct record_draft *d, const struct form *form, int64_t saved_at);
void record_draft_reset(struct record_draft *d);

/* Room for one more write.  NULL: no memory, or too many. */
struct write *record_draft_write(struct record_draft *d, unsigned field, enum write_kind kind);
/* Room for n values or addresses of a write, which it counts as its own. */
struct value *record_draft_values(struct record_draft *d, struct write *w, size_t n);
struct address *record_draft_replaces(struct record_draft *d, struct write *w, size_t n);

/* A value from the canonical text of an answer; "" is NOTHING. */
enum rc record_draft_value(struct record_draft *d, const struct form_field *field,
    const char *text, struct value *out) RC_CHECK;
/* A copy of a value whose texts are borrowed from elsewhere. */
enum rc record_draft_copy(struct record_draft *d, const struct value *from,
    struct value *out) RC_CHECK;

/*
 * Check the references, append to the journal in that scope, fold and flush.
 * reason may be NULL.
 */
enum rc record_draft_commit(struct record_draft *d, const struct record_context *c,
    const struct journal_scope *scope, const char *reason, struct dot *dot,
    struct error *err) RC_CHECK;

#endif
