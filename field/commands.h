#ifndef FIELD_COMMANDS_H
#define FIELD_COMMANDS_H

/* commands: one function a subcommand (../design: commands.md is the contract). */
#include "field/call.h"
#include "shared/records/case_story.h"

struct date;
struct dot;
struct json_t;
struct secret;
struct vault_kdf;

extern const struct command commands_table[];	/* ends with a NULL name */

/* records */
enum rc commands_add(struct call *c) RC_CHECK;
enum rc commands_edit(struct call *c) RC_CHECK;
enum rc commands_show(struct call *c) RC_CHECK;
enum rc commands_list(struct call *c) RC_CHECK;
enum rc commands_search(struct call *c) RC_CHECK;
enum rc commands_delete(struct call *c) RC_CHECK;
enum rc commands_undelete(struct call *c) RC_CHECK;
enum rc commands_void(struct call *c) RC_CHECK;
enum rc commands_import(struct call *c) RC_CHECK;
enum rc commands_export(struct call *c) RC_CHECK;
enum rc commands_print(struct call *c) RC_CHECK;
enum rc commands_conflicts(struct call *c) RC_CHECK;
enum rc commands_resolve(struct call *c) RC_CHECK;
/* units to pick from, and how those below stand (commands_units.c) */
enum rc commands_units(struct call *c) RC_CHECK;
enum rc commands_overview(struct call *c) RC_CHECK;
/* what is being typed (commands_draft.c) */
enum rc commands_draft_save(struct call *c) RC_CHECK;
enum rc commands_draft_show(struct call *c) RC_CHECK;
enum rc commands_draft_drop(struct call *c) RC_CHECK;
enum rc commands_drafts(struct call *c) RC_CHECK;
/* what a form says of answers (commands_try.c) */
enum rc commands_try(struct call *c) RC_CHECK;
/* referral (commands_referral.c) */
enum rc commands_refer(struct call *c) RC_CHECK;
enum rc commands_accept(struct call *c) RC_CHECK;
enum rc commands_decline(struct call *c) RC_CHECK;
enum rc commands_lapse(struct call *c) RC_CHECK;
enum rc commands_referrals(struct call *c) RC_CHECK;
enum rc commands_sent(struct call *c) RC_CHECK;
/* the life cycle of a case (commands_case.c) */
enum rc commands_case(struct call *c) RC_CHECK;
enum rc commands_due(struct call *c) RC_CHECK;
/* what persons ask about their own data (commands_request.c) */
enum rc commands_requests(struct call *c) RC_CHECK;
enum rc commands_request_order(struct call *c) RC_CHECK;
/* who opened what (commands_access.c) */
enum rc commands_access(struct call *c) RC_CHECK;
enum rc commands_duplicates(struct call *c) RC_CHECK;
enum rc commands_link(struct call *c) RC_CHECK;
enum rc commands_unlink(struct call *c) RC_CHECK;
/* sync */
enum rc commands_sync(struct call *c) RC_CHECK;
enum rc commands_bundle_export(struct call *c) RC_CHECK;
enum rc commands_bundle_import(struct call *c) RC_CHECK;
enum rc commands_status(struct call *c) RC_CHECK;
enum rc commands_quarantine(struct call *c) RC_CHECK;
/* closed cases leave this device, and come back (commands_purge.c) */
enum rc commands_purge(struct call *c) RC_CHECK;
enum rc commands_fetch(struct call *c) RC_CHECK;
/* reports and forms */
enum rc commands_report(struct call *c) RC_CHECK;
enum rc commands_reports(struct call *c) RC_CHECK;
/* reports that were sent (commands_submission.c) */
enum rc commands_report_submit(struct call *c) RC_CHECK;
enum rc commands_report_return(struct call *c) RC_CHECK;
enum rc commands_report_accept(struct call *c) RC_CHECK;
enum rc commands_report_submissions(struct call *c) RC_CHECK;
enum rc commands_report_show(struct call *c) RC_CHECK;
/* report submissions --due; the own unit's reports within so many days, for due (commands_duty.c) */
enum rc commands_duties(struct call *c) RC_CHECK;
enum rc commands_duties_due(struct call *c, long days, struct json_t *all, size_t *n) RC_CHECK;
/* plans that ship as sheets (commands_plan.c) */
enum rc commands_plans(struct call *c) RC_CHECK;
enum rc commands_plan_add(struct call *c) RC_CHECK;
enum rc commands_plan_import(struct call *c) RC_CHECK;
enum rc commands_report_due(struct call *c) RC_CHECK;
enum rc commands_export_htcds(struct call *c) RC_CHECK;
/* (commands_forms.c) */
enum rc commands_forms(struct call *c) RC_CHECK;
enum rc commands_forms_show(struct call *c) RC_CHECK;
enum rc commands_forms_check(struct call *c) RC_CHECK;
enum rc commands_forms_pack(struct call *c) RC_CHECK;
/* rules of the case life cycle (commands_rules.c) */
enum rc commands_rules(struct call *c) RC_CHECK;
/* the vault */
enum rc commands_join(struct call *c) RC_CHECK;
enum rc commands_unlock(struct call *c) RC_CHECK;
enum rc commands_lock(struct call *c) RC_CHECK;
enum rc commands_open(struct call *c) RC_CHECK;
enum rc commands_passphrase(struct call *c) RC_CHECK;
enum rc commands_recovery(struct call *c) RC_CHECK;
enum rc commands_rekey(struct call *c) RC_CHECK;
enum rc commands_wipe(struct call *c) RC_CHECK;
enum rc commands_rebuild(struct call *c) RC_CHECK;
enum rc commands_backup(struct call *c) RC_CHECK;
enum rc commands_restore(struct call *c) RC_CHECK;
enum rc commands_verify(struct call *c) RC_CHECK;

/* What several of them need. */

/* A record's id as typed.  RC_USAGE. */
enum rc commands_record_id(struct call *c, const char *text, struct dot *out) RC_CHECK;
/*
 * With --draft ID: drop that draft, which must be of this form and record (NULL: a new one), in the
 * transaction of what is being saved.  RC_NOTFOUND: it was saved or dropped before.
 */
enum rc commands_draft_done(struct call *c, const struct form *form, const struct dot *record) RC_CHECK;
/* The dot of what was written, as `name` in JSON; finish: the same, as "dot", once the transaction that
 * came to rc is ended. */
enum rc commands_print_dot(struct call *c, const char *name, const struct dot *d) RC_CHECK;
enum rc commands_finish(struct call *c, enum rc rc, const struct dot *d) RC_CHECK;
/* A form by its name.  RC_NOTFOUND. */
enum rc commands_form_named(struct call *c, const char *name, const struct form **out) RC_CHECK;
/* A whole day as an option; it has to be there.  RC_USAGE. */
enum rc commands_day_of(struct call *c, const char *name, struct date *out) RC_CHECK;
/* A line of a correction: part, row, column; then what was reported, what is now, their difference. */
void commands_correction(struct call *c, const char *const words[3], const char *const cells[3]);
/* Labels of codes with "," between, of a field of plan_deadline; "; " between them, cut to room. */
void commands_plan_labels(const struct call *c, const char *field, const char *codes, char *out,
    size_t room);
/* A code's label in the call's language, or the text itself. */
const char *commands_label(const struct call *c, const struct form_field *field,
    const char *text);
/* Those in force: what a province published that cannot be read here is told.  Free *out in every case. */
enum rc commands_rules_in_force(struct call *c, struct case_rules **out) RC_CHECK;
/* Where stories of cases are told, today; *rules is to be freed in every case (commands_case.c). */
enum rc commands_desk(struct call *c, struct case_desk *out, struct case_rules **rules) RC_CHECK;
/* "OPEN", "OVERDUE", "MET", "LATE", "EXTENDED", "ENDED". */
const char *commands_due_code(enum case_due state);
/* A day as people of the call's language write it; what is no day stays. */
const char *commands_day(const struct call *c, const char *iso, char out[11]);
/* The id of a record, DOT_TEXT_MAX; "" for none, or one that is not here any more. */
const char *commands_id_of(struct sqlite3 *db, int64_t local, char *out);
/* Requests of data subjects that wait, how many of them are overdue; what is kept beyond its time. */
struct commands_rights { uint64_t requests, overdue, retention; };
enum rc commands_rights_count(struct call *c, struct commands_rights *out) RC_CHECK;
/*
 * Before something of the compartment `cases` is shown (commands_access.c): note that a record is
 * opened, with --reason, or that so many of a form were shown.  Others: nothing.  leaves: it goes out in
 * the clear, and what cannot be noted must not go; else RC_OK and a remark.  RC_USAGE: no such reason.
 * RC_DENIED: --reason ASK, and it is another unit's; nothing was noted.
 */
enum rc commands_access_opened(struct call *c, const char *command, const struct dot *id,
    bool leaves) RC_CHECK;
enum rc commands_access_listed(struct call *c, const char *command, const char *what,
    uint64_t count, bool leaves) RC_CHECK;
/* Is looking at records of this form noted? */
bool commands_access_is_logged(const struct call *c, const char *form);
/* Before a sync or a bundle: what waits is written, if it is time; a remark if it cannot be. */
void commands_access_flush(struct call *c);
/* due --retention */
enum rc commands_retention(struct call *c, long days) RC_CHECK;
/* Pairs of persons that wait for a decision; found again only when something was written. */
enum rc commands_duplicates_count(struct call *c, uint64_t *out) RC_CHECK;
/* Lines of status about what left (commands_purge.c). */
enum rc commands_purge_status(struct call *c) RC_CHECK;
/*
 * What a person should know, a sentence each, as notes: after event number `after`, or, if that is 0, of
 * the last month; the same as JSON (commands_event.c).
 */
enum rc commands_events_say(struct call *c, int64_t after) RC_CHECK;
enum rc commands_too_large(struct call *c) RC_CHECK;
enum rc commands_events_json(struct call *c, struct json_t **out) RC_CHECK;
/* Is there a vault to ask a passphrase for?  RC_NOTFOUND. */
enum rc commands_need_vault(struct call *c) RC_CHECK;
/* The passphrase from --passphrase-file, or asked for; twice when it is a new one. */
enum rc commands_passphrase_of(struct call *c, const char *file, bool is_new,
    struct secret **out) RC_CHECK;

/* Show a new recovery code once, or write it where --recovery-file and --sheet say. */
enum rc commands_give_recovery(struct call *c, const struct secret *recovery) RC_CHECK;
/* Can those files be made?  RC_EXISTS, RC_CREATE, RC_USAGE (they are one file), RC_IO ... */
enum rc commands_recovery_files_free(struct call *c) RC_CHECK;
/* --kdf-memory; zeroes when it was not given. */
enum rc commands_kdf_of(struct call *c, struct vault_kdf *out) RC_CHECK;
/*
 * Once opening the vault, or the command, was RC_DAMAGED and all is closed: verify says what
 * is damaged, rebuild keeps what can be read.  Others: RC_DAMAGED, as it was described.
 */
enum rc commands_on_damaged(struct call *c, const struct secret *passphrase) RC_CHECK;
/* A code on paper, from --code-file or asked for. */
enum rc commands_code_of(struct call *c, struct secret **out) RC_CHECK;

#endif
