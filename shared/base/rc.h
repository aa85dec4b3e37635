#ifndef SHARED_BASE_RC_H
#define SHARED_BASE_RC_H

/*
 * rc: result codes and the error record.
 *
 * Every fallible function returns enum rc.  Where a reader will want to know
 * more than the code, it also takes a struct error and describes the failure
 * once, at the place that knows it; the boundary (a command, a route) prints
 * it once.  Libraries never print and never exit.
 */
#include <stdbool.h>

#if defined(__GNUC__)
#define RC_CHECK __attribute__((warn_unused_result))
#define RC_PRINTF(a, b) __attribute__((format(printf, a, b)))
#else
#define RC_CHECK
#define RC_PRINTF(a, b)
#endif

enum rc {
	RC_OK = 0,
	RC_USAGE,	/* wrong options or arguments                exit 64 */
	RC_FORMAT,	/* data that does not follow its grammar     exit 65 */
	RC_INVALID,	/* well-formed, but breaks a rule of a form   exit 65 */
	RC_CONFLICT,	/* several values: say which one was seen    exit 65 */
	RC_LIMIT,	/* beyond a named limit                      exit 65 */
	RC_NOTFOUND,	/* a named thing is not there                exit 66 */
	RC_UNAVAILABLE,	/* a service answers, but will not serve     exit 69 */
	RC_INTERNAL,	/* our own bug                               exit 70 */
	RC_NOMEM,	/* out of memory                             exit 70 */
	RC_EXISTS,	/* would overwrite                           exit 73 */
	RC_CREATE,	/* a file cannot be made there                exit 73 */
	RC_IO,		/* the disk or another device failed         exit 74 */
	RC_FULL,	/* no space left                             exit 74 */
	RC_DAMAGED,	/* stored bytes are not what was written     exit 74 */
	RC_NET,		/* could not reach, or the link was cut      exit 75 */
	RC_BUSY,	/* somebody else has it open; try again      exit 75 */
	RC_PROTOCOL,	/* the other side broke the protocol         exit 76 */
	RC_AUTH,	/* passphrase, code, key or signature        exit 77 */
	RC_DENIED,	/* not allowed: role, retired, revoked       exit 77 */
	RC_NEWER,	/* made by a newer program                   exit 78 */
	RC_CONFIG	/* set up wrongly                            exit 78 */
};

enum {
	ERROR_WHAT_MAX = 240,
	ERROR_WHERE_MAX = 240,
	ERROR_HELP_MAX = 240
};

/*
 * One described failure.  `what` happened, `where` (a file, a field, a row;
 * may be empty), and what the reader should do (`help`; may be empty).
 * Never holds a secret, a person's data or a value that was typed in.
 */
struct error {
	enum rc code;
	char what[ERROR_WHAT_MAX];
	char where[ERROR_WHERE_MAX];
	char help[ERROR_HELP_MAX];
};

/*
 * Describe a failure and return its code, so that a caller can write
 * `return error_set(err, RC_IO, "vault.db", "free some space", "cannot write: %s", ...)`.
 * err may be NULL.  where and help may be NULL.  A description that is already
 * there is kept: the first place that knew is the one that is believed.
 */
enum rc error_set(struct error *err, enum rc code, const char *where,
    const char *help, const char *what, ...) RC_PRINTF(5, 6);

/* Forget a description, before the struct is used again. */
void error_clear(struct error *err);

/* The process exit code of a result (design: sysexits, see the enum). */
int rc_exit_code(enum rc code);

/* A short English name of a code, never NULL. */
const char *rc_name(enum rc code);

#endif
