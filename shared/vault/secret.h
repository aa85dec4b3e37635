#ifndef SHARED_VAULT_SECRET_H
#define SHARED_VAULT_SECRET_H

/*
 * secret: keys, codes and passphrases in guarded, locked memory that is wiped
 * when freed (sodium_malloc).  Nothing secret lives anywhere else.
 * Random bytes come from here too.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

enum {
	SECRET_KEY_BYTES = 32,
	SECRET_MAX = 65536,
	SECRET_CODE_TEXT_MAX = 84	/* the longest printed code with its NUL */
};

struct secret;			/* opaque; a length and that many bytes */

/* Once a process, before anything else here.  RC_INTERNAL: no randomness. */
enum rc secret_start(void) RC_CHECK;

/* len zero bytes, 1..SECRET_MAX.  RC_NOMEM, RC_LIMIT. */
enum rc secret_new(size_t len, struct secret **out) RC_CHECK;
/* A copy of bytes that the caller wipes himself. */
enum rc secret_from(const void *p, size_t len, struct secret **out) RC_CHECK;
enum rc secret_random(size_t len, struct secret **out) RC_CHECK;
void secret_free(struct secret *s);	/* NULL is allowed */

uint8_t *secret_data(struct secret *s);
const uint8_t *secret_bytes(const struct secret *s);
size_t secret_len(const struct secret *s);
/* Constant time. */
bool secret_equal(const struct secret *a, const struct secret *b);

/* Can one more be locked into memory?  Beyond the system's limit they may be written to swap. */
bool secret_can_lock(void);

/* Fill with random bytes from the operating system's generator. */
void secret_random_bytes(void *p, size_t len);
/* Overwrite, in a way no compiler removes. */
void secret_wipe(void *p, size_t len);

/*
 * First line of a file ("-" = standard input) as a secret, line feed dropped (and a
 * carriage return before it), Unicode normal form C (text_nfc).  At most 1,024
 * bytes, else RC_LIMIT; empty is RC_INVALID; not UTF-8 is RC_FORMAT; RC_NOTFOUND,
 * RC_IO.  Further lines stay unread: the next call gets them from a pipe.
 */
enum rc secret_read_line(const char *path, struct secret **out, struct error *err) RC_CHECK;

/*
 * Codes on paper (recovery, invitation): len bytes (a multiple of 5, at most
 * 40) as Crockford base 32 in groups of five, then a check group; O reads as 0,
 * I and L as 1, blanks and hyphens are skipped, either case (formats.md,
 * "Codes on paper").  The caller wipes what was printed.
 * RC_FORMAT: not a code.  RC_AUTH: the check group does not fit (a slip of the pen).
 * RC_LIMIT: no such length, or max is too small.
 */
enum rc secret_code_print(const struct secret *code, char *out, size_t max) RC_CHECK;
enum rc secret_code_read(const char *text, size_t len, struct secret **out) RC_CHECK;

#endif
