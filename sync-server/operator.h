#ifndef SYNC_SERVER_OPERATOR_H
#define SYNC_SERVER_OPERATOR_H

/*
 * operator: the subcommands of sync-server, for its operator.  The line is parsed into struct
 * operator_options first, by the tables in operator_options.c; then one
 * function runs.  Failures are described in the error record and printed once.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "shared/base/clock.h"
#include "shared/base/rc.h"

struct authority;
struct bytes;
struct json_t;
struct secret;

enum { OPERATOR_ARGUMENTS_MAX = 64, OPERATOR_KDF_MAX_MIB = 1024 };

struct operator_options {
	const char *dir;		/* "." */
	const char *passphrase_file, *new_passphrase_file, *code_file, *recovery_file;
	const char *name, *unit, *role, *out, *days, *server, *pin, *reason;
	const char *listen, *upstream, *device, *tls_cert, *tls_key, *reserve, *audit, *order;
	const char *home, *reports, *public_reports, *threshold, *backup, *every, *from, *to, *under;
	const char *kdf_memory, *lang;
	bool once, below, dry_run, tls, plain, json, quiet, help, version;
	const char *args[OPERATOR_ARGUMENTS_MAX];
	size_t n_args;
};

struct operator {
	const struct operator_entry *entry;	/* the subcommand; NULL: only help or version */
	struct operator_options options;
	struct clock clock;
	bool vietnamese;		/* for what people read on stdout */
	struct error err;
};

struct operator_entry {
	const char *name;
	enum rc (*run)(struct operator *c);
	size_t min_args, max_args;
	const char *arguments;		/* behind the name, for help */
	const char *const *options;	/* that it takes besides the common ones; ends with NULL */
	const char *summary[2];		/* Vietnamese, English */
};
extern const struct operator_entry operator_table[];	/* ends with a NULL name */

/* ---- operator_options.c ---- */

/*
 * Parse a line; *entry is NULL when only --help or --version was asked for.
 * RC_USAGE: described.
 */
enum rc operator_parse(int argc, char *const *argv, struct operator_options *out,
    const struct operator_entry **entry, struct error *err) RC_CHECK;
/* Help on everything, or on c->entry. */
void operator_help(const struct operator *c, FILE *out);
/* A whole number within bounds; `text` NULL gives `otherwise`.  RC_USAGE. */
enum rc operator_number(const char *option, const char *text, long min, long max,
    long otherwise, long *out, struct error *err) RC_CHECK;
/* What --reserve says, in bytes.  RC_USAGE. */
enum rc operator_reserve(struct operator *c, uint64_t *bytes) RC_CHECK;
/* RC_USAGE: the arguments are not what the command takes; says what it takes. */
enum rc operator_wrong(const struct operator_entry *entry, struct error *err) RC_CHECK;
/* RC_USAGE when an option that the command cannot do without is missing. */
enum rc operator_need(const char *option, const char *value, struct error *err) RC_CHECK;

/* ---- operator_session.c: the authority, open for one command ---- */

/* From --passphrase-file, else asked for on the terminal (twice if `new_one`). */
enum rc operator_passphrase(struct operator *c, const char *file, bool new_one,
    struct secret **out) RC_CHECK;
/* The two folders below --dir.  RC_LIMIT: the path is too long. */
enum rc operator_folder(struct operator *c, const char *name, char *out) RC_CHECK;
/* Is the authority, or the relay, in --dir? */
bool operator_has_authority(struct operator *c);
bool operator_has_relay(struct operator *c);
/*
 * Open the authority, meet the relay if it is in the same folder, act, and meet it
 * again if anything was signed.  A relay that cannot be met is a warning, unless it
 * knows more than the authority.
 */
enum rc operator_with_authority(struct operator *c,
    enum rc (*act)(struct operator *c, struct authority *a)) RC_CHECK;
/* Only open it; authority_close is the caller's. */
enum rc operator_open_authority(struct operator *c, struct authority **out) RC_CHECK;
/* ---- operator_head.c: authority.head, which tells an old copy of the authority ---- */
/* Tell an authority that was opened what the file says. */
enum rc operator_head_take(struct operator *c, struct authority *a) RC_CHECK;
/* Write down how far its chain has come; what goes wrong is a warning. */
void operator_head_keep(struct operator *c, struct authority *a);
/* The authority was put back: it has to meet its relay before it signs. */
enum rc operator_head_unmet(struct operator *c) RC_CHECK;

struct authority_meeting;
/* Meet a relay until nothing is left; `say` hands a request over and takes its reply. */
enum rc operator_meet(struct operator *c, struct authority *a,
    enum rc (*say)(struct operator *c, void *ctx, const struct bytes *request,
    struct bytes *reply), void *ctx, struct authority_meeting *out) RC_CHECK;
/* The relay in --dir. */
enum rc operator_meet_here(struct operator *c, struct authority *a,
    struct authority_meeting *out) RC_CHECK;

/* ---- operator_print.c ---- */

struct operator_column {
	const char *key;		/* in the JSON objects */
	const char *title[2];		/* Vietnamese, English */
};
/* Append an object; takes it.  RC_NOMEM, also for one that is NULL. */
enum rc operator_add_row(struct json_t *rows, struct json_t *row) RC_CHECK;
/*
 * An array of objects as a table, or as JSON with --json.  Takes `rows`; when making them
 * ended with an rc other than RC_OK nothing is printed, and it is the result.
 */
enum rc operator_print_rows(struct operator *c, enum rc rc, struct json_t *rows,
    const struct operator_column *columns, size_t n) RC_CHECK;
/* One object: a line for each member, or JSON.  Takes it. */
enum rc operator_print_object(struct operator *c, struct json_t *object,
    const struct operator_column *columns, size_t n) RC_CHECK;
/* How many scopes got a new key. */
enum rc operator_print_rotated(struct operator *c, size_t n) RC_CHECK;
/* A remark on stderr, unless --quiet. */
void operator_note(const struct operator *c, const char *vi, const char *en);
/* A warning about something that failed but does not stop the command. */
void operator_warn(const struct operator *c, const struct error *what);
/* A word that stands in a cell: JSON has the English one in any language. */
const char *operator_word(const struct operator *c, const char *vi, const char *en);
/* Point in time as text: ISO for JSON, local for people. */
void operator_time(const struct operator *c, int64_t at, char out[21]);

/* ---- operator_tls.c ---- */

/* The pin in the file of --pin; "" without that option.  RC_FORMAT. */
enum { OPERATOR_PIN_MAX = 128 };
enum rc operator_read_pin(struct operator *c, char out[OPERATOR_PIN_MAX]) RC_CHECK;
/*
 * Certificate and key of a server, as PEM: of --tls-cert and --tls-key, or with --tls the relay's
 * own, which are made in its folder if they are not there.  Both are empty without any of these.
 * pin: of the certificate.  Wipe `key`.
 */
enum rc operator_read_tls(struct operator *c, const char *folder, struct bytes *key,
    struct bytes *certificate, char pin[OPERATOR_PIN_MAX]) RC_CHECK;

/* ---- the subcommands ---- */
enum rc operator_init(struct operator *c) RC_CHECK;
enum rc operator_units(struct operator *c) RC_CHECK;
enum rc operator_rotate(struct operator *c) RC_CHECK;
enum rc operator_forms(struct operator *c) RC_CHECK;
enum rc operator_rules(struct operator *c) RC_CHECK;
enum rc operator_invite(struct operator *c) RC_CHECK;
enum rc operator_invitations(struct operator *c) RC_CHECK;
enum rc operator_revoke(struct operator *c) RC_CHECK;
enum rc operator_devices(struct operator *c) RC_CHECK;
enum rc operator_assign(struct operator *c) RC_CHECK;
enum rc operator_retire(struct operator *c) RC_CHECK;
enum rc operator_quarantine(struct operator *c) RC_CHECK;
enum rc operator_recover(struct operator *c) RC_CHECK;
enum rc operator_erase(struct operator *c) RC_CHECK;
enum rc operator_exchange(struct operator *c) RC_CHECK;
enum rc operator_serve(struct operator *c) RC_CHECK;
enum rc operator_join(struct operator *c) RC_CHECK;
enum rc operator_pin(struct operator *c) RC_CHECK;
enum rc operator_consolidate(struct operator *c) RC_CHECK;
enum rc operator_verify(struct operator *c) RC_CHECK;
enum rc operator_bundle(struct operator *c) RC_CHECK;
enum rc operator_backup(struct operator *c) RC_CHECK;
enum rc operator_restore(struct operator *c) RC_CHECK;

#endif
