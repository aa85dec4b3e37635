#ifndef SHARED_RECORDS_RECORD_H
#define SHARED_RECORDS_RECORD_H

/*
 * record: what a person does with records: create, edit, show, list, delete,
 * void, resolve (architecture section 5 "Write" and "Policies").
 *
 * Changing functions run in the caller's transaction; they append to the journal
 * and fold, and have flushed the fold when they return RC_OK.  After anything
 * else the caller rolls back and calls fold_discard.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "shared/base/rc.h"
#include "shared/forms/answers.h"
#include "shared/forms/form.h"
#include "shared/records/entry.h"
#include "shared/records/journal.h"
#include "shared/records/register.h"

struct sqlite3;
struct fold;

enum {
	RECORD_K_MAX = 17,		/* a value's short name and the NUL */
	RECORD_TOKEN_MAX = 1 << 20,
	RECORD_LIST_MAX = 100000
};

struct record_context {
	struct sqlite3 *db;
	const struct form_set *forms;
	struct fold *fold;
	struct journal_writer *writer;
	const struct clock *clock;
	const char *unit;			/* own unit: where new records go */
	enum form_lang lang;			/* of messages */
	/* May this device read the scope?  NULL: all. */
	bool (*reads)(void *ctx, const char *unit, unsigned compartment);
	void *reads_ctx;
};

/*
 * A new record of the answers' form in `unit` (NULL: own) and the form's
 * compartment.  Defaults are filled in, the form is checked, all that was answered
 * is written.  RC_INVALID: breaks a rule, or a reference names no record of the
 * form it refers to in the same scope.  RC_DENIED: a scope that is not read here, of another unit.
 */
enum rc record_create(const struct record_context *c, const char *unit,
    struct answers *answers, struct dot *id, struct error *err) RC_CHECK;
/*
 * The same for answers that were checked when their record was made, into any unit, which this
 * device need not be able to read: neither rules nor references are looked at again.
 */
enum rc record_create_copy(const struct record_context *c, const char *unit,
    const struct answers *answers, struct dot *id, struct error *err) RC_CHECK;

/*
 * Write what changed.  `changes` holds the fields to write, each with its whole new
 * value (of a union field: the whole set; of an append field: items to add).
 * Replaced is what the token `seen` showed, or, without one, what is live now;
 * then a field in conflict that would be written is RC_CONFLICT.
 * Nothing to write: RC_OK, dot->log is 0.
 * RC_NOTFOUND: no such record.  RC_INVALID: breaks a rule; the record is deleted; a
 * `highest` would be lowered or a `deny_wins` lifted without a reason; bad token.
 */
enum rc record_edit(const struct record_context *c, const struct dot *id,
    struct answers *changes, const char *seen, const char *reason,
    struct dot *dot, struct error *err) RC_CHECK;

/*
 * What the form says of answers that are not saved: those of a new record (id NULL; defaults are
 * filled in), or changes of a record, over what it displays.  Nothing is written.
 * answers: all there is, worked out; what is in breach may stand in it.  warnings: as answers_warn.  valid: record_create or
 * record_edit would not refuse them for a rule of the form.  RC_NOTFOUND, RC_NEWER, RC_INVALID (the
 * record is deleted, or of another form).
 */
struct record_trial {
	struct answers *answers;
	struct answers_breach *breaches, *warnings;
	size_t n_breaches, n_warnings;
	bool valid;
};
enum rc record_try(const struct record_context *c, const struct dot *id,
    const struct answers *given, struct record_trial *out, struct error *err) RC_CHECK;
void record_trial_reset(struct record_trial *t);

enum rc record_delete(const struct record_context *c, const struct dot *id,
    const char *seen, const char *reason, struct dot *dot, struct error *err) RC_CHECK;
enum rc record_restore(const struct record_context *c, const struct dot *id,
    const char *seen, const char *reason, struct dot *dot, struct error *err) RC_CHECK;
/* Strike one value of an append field through.  RC_NOTFOUND: no such live value. */
enum rc record_void(const struct record_context *c, const struct dot *id, const char *field,
    const struct address *value, const char *reason, struct dot *dot,
    struct error *err) RC_CHECK;
/*
 * Settle a field (or "alive") by a value's short name, or by a value as typed.
 * Exactly one of pick and value; the token as for record_edit, but needed only
 * if the record moved on since.  A field that was settled automatically is undone in the
 * same way.  RC_NOTFOUND: no such name in what was seen.  RC_INVALID: a `highest` or
 * `deny_wins` would come to show less than it shows now, and no reason was given.
 */
enum rc record_resolve(const struct record_context *c, const struct dot *id, const char *field,
    const char *pick, const char *value, const char *seen, const char *reason,
    struct dot *dot, struct error *err) RC_CHECK;
/*
 * Enter again, under an own dot, an entry that the fold leaves out since its device was retired.
 * RC_INVALID: it counts already, or its dot stands for two (branch.h).
 */
enum rc record_restate(const struct record_context *c, const struct dot *original,
    struct dot *dot, struct error *err) RC_CHECK;
/* The same with what stands in e, which restates something; into the scope of the original's log. */
enum rc record_enter_again(const struct record_context *c, const struct journal_log *log,
    struct entry *e, struct error *err) RC_CHECK;

/*
 * What of a record is not as its form expects (answers_warn).  changes: only what hangs on these
 * answers; NULL: all.  The fields are those of c->forms; free with answers_breaches_free.
 * RC_NOTFOUND.
 */
enum rc record_warnings(const struct record_context *c, const struct dot *id,
    const struct answers *changes, struct answers_breach **out, size_t *n,
    struct error *err) RC_CHECK;

/* Showing -------------------------------------------------------------- */

struct record_value {
	struct address address;
	char k[RECORD_K_MAX];		/* stable short name, unique in its register */
	char *text;			/* canonical: ISO date, code, log.n; owned */
	uint8_t by[ENTRY_DEVICE_BYTES];
	int64_t at;
	bool shown;			/* part of what is displayed */
	bool voided;
	char *void_reason;		/* owned; NULL if not voided */
	uint8_t void_by[ENTRY_DEVICE_BYTES];
	int64_t void_at;
};

struct record_field {
	const char *name;		/* of the field; "alive" */
	const struct form_field *field;	/* NULL: alive, or unknown here */
	unsigned number;		/* of its register */
	enum register_standing standing;
	struct record_value *values;	/* live ones, shown first; owned */
	size_t n_values;
};

struct record_view {
	struct dot id;
	int64_t local;			/* record.id */
	const struct form *form;	/* NULL: not known here */
	char form_name[ENTRY_FORM_NAME_MAX + 1];
	struct journal_scope scope;
	uint8_t created_by[ENTRY_DEVICE_BYTES];
	int64_t created_at;
	bool deleted;
	unsigned conflicts, settled, newer, breaches;
	struct record_field *fields;	/* answered ones, in the form's order; alive last */
	size_t n_fields;
	char *headline;			/* value of the form's instance_name, or ""; owned */
	char *seen;			/* token; owned */
};

/* RC_NOTFOUND. */
enum rc record_show(const struct record_context *c, const struct dot *id,
    struct record_view *out, struct error *err) RC_CHECK;
void record_view_reset(struct record_view *v);
const struct record_field *record_view_field(const struct record_view *v, const char *name);

/*
 * Ids of the living records of a form, or of those that were deleted, newest first, at most limit.
 * where: NULL, or an expression of the form's language over a record's fields.
 */
struct record_line {
	struct dot id;
	int64_t local;
	int64_t created_at;
	unsigned conflicts;
	char *headline;
	char *key;		/* what it was sorted by; "" if the record has none */
};
enum rc record_list(const struct record_context *c, const char *form, const char *where,
    bool deleted, size_t limit, struct record_line **out, size_t *n, struct error *err) RC_CHECK;
/*
 * The same in the order of a field (NULL: newest first), records without it last: dates, numbers, codes as
 * in their list, texts in Vietnamese order, and where the appearance says "name" persons by their
 * given names.  RC_NOTFOUND: no such field.  RC_INVALID: a list, a reference or a note.
 */
enum rc record_list_sorted(const struct record_context *c, const char *form, const char *where,
    const char *sort, bool deleted, size_t limit, struct record_line **out, size_t *n,
    struct error *err) RC_CHECK;
/* Their local numbers alone, of all living records or of those that were deleted; free() *out. */
enum rc record_ids_sorted(const struct record_context *c, const struct form *form, const char *sort,
    bool deleted, int64_t **out, size_t *n, struct error *err) RC_CHECK;
/*
 * The lines of these records of a form, by their local numbers; of what is not there none.  sort: the
 * field of their keys, or NULL.
 */
enum rc record_lines_of(const struct record_context *c, const struct form *form,
    const struct form_field *sort, const int64_t *ids, size_t n, struct record_line **out, size_t *n_out, struct error *err) RC_CHECK;
void record_lines_free(struct record_line *lines, size_t n);

/*
 * How much a form is used: its living records here, and how many of them `device` made since then,
 * of the newest RECORD_USAGE_NEWEST.
 */
enum { RECORD_USAGE_NEWEST = 2000 };
struct record_usage { char form[ENTRY_FORM_NAME_MAX + 1]; uint64_t records, made; };
/* Of every form that has records here; free() *out. */
enum rc record_usage(const struct record_context *c, const uint8_t device[ENTRY_DEVICE_BYTES],
    int64_t since, struct record_usage **out, size_t *n, struct error *err) RC_CHECK;

/* Local number to id and back.  RC_NOTFOUND. */
enum rc record_of_local(struct sqlite3 *db, int64_t local, struct dot *out) RC_CHECK;
enum rc record_to_local(struct sqlite3 *db, const struct dot *id, int64_t *out) RC_CHECK;

/* A value as canonical text; of a group, of its member `field`. */
enum rc record_value_text(const struct register_value *v, unsigned member,
    struct bytes *out) RC_CHECK;

#endif
