#ifndef SHARED_RECORDS_ACCESS_LOG_H
#define SHARED_RECORDS_ACCESS_LOG_H

/*
 * access_log: who opened which record of persons and cases, when, with which command.
 *
 * What is opened waits in the table setting of the vault, the same thing within an hour once.  When the
 * oldest is an hour old it is written, with all others, as records of the form access_log, one a day of
 * use, into the own unit's `cases`: signed entries like any other, which whoever may read that scope
 * sees.  So a day's opens cost one entry, and a sync right after a look costs nothing.  It holds ids,
 * names of commands and forms, counts and codes: nothing that anybody typed.
 */
#include <stdbool.h>
#include <stdint.h>

#include "shared/records/record.h"

enum {
	ACCESS_LOG_SECONDS = 3600,	/* the same thing is one within these; so old it is written */
	ACCESS_LOG_WAITING_MAX = 1000,	/* that wait; then they are written, however old */
	ACCESS_LOG_DAY_MAX = 150,	/* opens in one record */
	ACCESS_LOG_COMMAND_MAX = 16,
	ACCESS_LOG_WHAT_MAX = 63,
	ACCESS_LOG_REASON_MAX = 32
};
#define ACCESS_LOG_FORM "access_log"

struct access_log_open {
	const char *command;		/* a-z */
	const char *what;		/* id of a record, name of a form or report */
	uint64_t count;			/* how many were shown; 0: the one that is named */
	const char *reason;		/* access_reason; "-": needed, and none was given; "": not needed */
	bool adds;			/* counts of one hour add up, else the larger one stands */
};

/*
 * Have it wait, in the caller's transaction, of nothing else.
 * *is_new: it was not there within the last hour.  RC_INVALID: command, what or reason hold what they may not.
 */
enum rc access_log_note(const struct record_context *c, const struct access_log_open *o,
    bool *is_new, struct error *err) RC_CHECK;

/* Is it time to write what waits? */
enum rc access_log_is_due(const struct record_context *c, bool *out, struct error *err) RC_CHECK;
/* Write it, in the caller's transaction, like record_create. */
enum rc access_log_write(const struct record_context *c, struct error *err) RC_CHECK;

struct access_log_line {
	char at[17];			/* "2026-11-23 08:05", by the clock of the device */
	const uint8_t *device;		/* that wrote the line; NULL: this one */
	const char *unit;		/* of that log; "": own */
	char command[ACCESS_LOG_COMMAND_MAX + 1];	/* "": the line is none of this program's */
	char what[ACCESS_LOG_WHAT_MAX + 1];
	uint64_t count;
	char reason[ACCESS_LOG_REASON_MAX + 1];
	const char *text;		/* the line as it stands */
	bool waits;			/* not written yet */
	bool struck;			/* somebody struck it through, or deleted the record */
};
typedef enum rc access_log_each(void *ctx, const struct access_log_line *line);
/* Lines of days from and to, ISO, both included (NULL: open), by day, the ones that wait last. */
enum rc access_log_lines(const struct record_context *c, const char *from, const char *to,
    access_log_each *each, void *ctx, struct error *err) RC_CHECK;

#endif
