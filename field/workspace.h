#ifndef FIELD_WORKSPACE_H
#define FIELD_WORKSPACE_H

/*
 * workspace: an open vault with its forms, identity and replica: what every
 * command (and later every route of the page) calls.  Not for several threads at
 * once: whoever shares it holds `gate`, which a sync leaves while it waits.
 */
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/clock.h"
#include "shared/base/rc.h"
#include "shared/records/record.h"
#include "shared/records/record_page.h"

struct secret;
struct vault;
struct replica;
struct replica_line;
struct replica_sync_result;
struct thread_lock;

struct workspace {
	char *home;
	struct vault *vault;
	struct replica *replica;
	struct journal_writer *writer;	/* one a process: its logs are this process's */
	struct clock clock;
	struct thread_lock *gate;	/* NULL: nobody shares it */
	bool syncing;
	bool closing;			/* the vault is being locked: what takes long gives up */
	bool wipe;			/* the device was retired: closing it destroys the vault */
	/* How many pairs may be duplicates, as long as nothing is written (commands_duplicate.c). */
	struct { bool known; int64_t changes; uint64_t pairs; } duplicates;
	struct record_order order;	/* of the list that was looked at last */
	int64_t aside;			/* rows that were written and change no record: of drafts */
	uint64_t unlogged;		/* opens that the access log could not take (commands_access.c) */
};

/* RC_AUTH: wrong passphrase.  RC_NOTFOUND: no vault, or not joined.  RC_BUSY: open elsewhere. */
enum rc workspace_open(const char *home, const struct secret *passphrase,
    struct workspace **out, struct error *err) RC_CHECK;
/* Of a vault that is open already; takes it. */
enum rc workspace_adopt(const char *home, struct vault *vault, struct workspace **out,
    struct error *err) RC_CHECK;
void workspace_close(struct workspace *ws);

/* What the functions of records want to know. */
struct record_context workspace_records(struct workspace *ws, enum form_lang lang);

/* One transaction of ours; workspace_end commits if rc is RC_OK, else rolls back. */
enum rc workspace_begin(struct workspace *ws, struct error *err) RC_CHECK;
enum rc workspace_end(struct workspace *ws, enum rc rc, struct error *err) RC_CHECK;

/* A number that is another one once something was written, drafts left out. */
enum rc workspace_changes(struct workspace *ws, int64_t *out, struct error *err) RC_CHECK;
/* The same as workspace_begin and _end, of a transaction that writes nothing but drafts. */
enum rc workspace_begin_aside(struct workspace *ws, int64_t *before, struct error *err) RC_CHECK;
enum rc workspace_end_aside(struct workspace *ws, int64_t before, enum rc rc,
    struct error *err) RC_CHECK;

/* Let others use the workspace for a moment, and take it again.  Without a gate: nothing. */
void workspace_leave(struct workspace *ws);
void workspace_enter(struct workspace *ws);

/* Sync with the server of the invitation, or another address that is then remembered. */
enum rc workspace_sync(struct workspace *ws, const char *url, struct replica_sync_result *out,
    struct error *err) RC_CHECK;

/*
 * The same on a line that may break and be tried again (replica.h); plain: also over HTTP
 * without TLS to another machine.
 */
enum rc workspace_sync_on(struct workspace *ws, const char *url, bool plain,
    const struct replica_line *line, struct replica_sync_result *out, struct error *err) RC_CHECK;

/* With the pin of a server that is not the invitation's; NULL: with that. */
enum rc workspace_sync_pinned(struct workspace *ws, const char *url, const char *pin, bool plain,
    const struct replica_line *line, struct replica_sync_result *out, struct error *err) RC_CHECK;

/* Fill the tables that reports ask for units and code labels (report.h). */
enum rc workspace_prepare_reports(struct workspace *ws, struct error *err) RC_CHECK;

#endif
