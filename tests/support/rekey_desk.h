#ifndef TESTS_SUPPORT_REKEY_DESK_H
#define TESTS_SUPPORT_REKEY_DESK_H

/*
 * rekey_desk: a vault with all that a rekey must bring over (rows, a wrapped secret, an escrow
 * slot), and its folder byte by byte, before and after.  Whatever fails ends the test.
 */
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/files.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"

enum { REKEY_ROWS = 300, REKEY_LATER = 7, REKEY_PAGE = 4096, REKEY_FILES = 8 };

extern const struct vault_kdf REKEY_KDF;

struct rekey_file {
	char name[64];
	struct bytes b;
};

struct rekey_folder {
	struct rekey_file files[REKEY_FILES];	/* the lock aside, which says nothing */
	size_t n;
};

struct rekey_desk {
	struct vault_folder *f;
	struct vault *v;
	struct secret *old_pass, *new_pass, *old_code, *code, *inner, *escrow_secret;
	uint8_t escrow_public[32], old_master[SECRET_KEY_BYTES];
	struct rekey_folder before, after;	/* closed, under the old keys and under the new ones */
};

/* As set-up of a test: the vault open under its old keys; or rekeyed and closed. */
int rekey_desk_set_up(void **state);
int rekey_desk_set_up_after(void **state);
int rekey_desk_tear_down(void **state);

void rekey_folder_take(const struct rekey_desk *d, struct rekey_folder *out);
void rekey_folder_put(const struct rekey_desk *d, const struct rekey_folder *f);
void rekey_folder_reset(struct rekey_folder *f);
const struct bytes *rekey_folder_file(const struct rekey_folder *f, const char *name);

void rekey_desk_path(const struct rekey_desk *d, const char *name, char out[FILES_PATH_MAX]);
void rekey_desk_put(const struct rekey_desk *d, const char *name, const struct bytes *b);
bool rekey_desk_has(const struct rekey_desk *d, const char *name);
/* The folder is this, to the byte. */
void rekey_desk_is(const struct rekey_desk *d, const struct rekey_folder *was);

/* With the new passphrase, at the old cost; d->code is the new code. */
enum rc rekey_desk_run(struct rekey_desk *d);
enum rc rekey_desk_rewrap(struct vault *from, struct vault *to, struct error *err);
void rekey_desk_save(struct vault *v, int rows);
/* An open vault has so many rows and the secret, verifies, and saves. */
void rekey_desk_whole(const struct rekey_desk *d, struct vault *v, int64_t rows);
/* The same, by a passphrase. */
void rekey_desk_opens(struct rekey_desk *d, const struct secret *passphrase, int64_t rows);
/* Open and close. */
enum rc rekey_desk_by_code(const struct rekey_desk *d, const struct secret *code);
enum rc rekey_desk_by_words(const struct rekey_desk *d, const struct secret *passphrase);

#endif
