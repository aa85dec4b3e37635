/*
 * newer_vault HOME PASSPHRASE_FILE: gives a vault's database the number of a version to come;
 * newer_vault HOME: its key files (schema/formats.md, "Key file").
 */
#include <stdio.h>
#include <sqlite3.h>

#include "shared/base/files.h"
#include "shared/vault/digest.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"

enum { VERSION_AT = 8, CHECKSUM_BYTES = 32 };

static enum rc
newer_database(const char *home, const char *file, struct error *err)
{
	struct secret *passphrase = NULL;
	struct vault *v = NULL;
	enum rc rc;

	if ((rc = secret_read_line(file, &passphrase, err)) == RC_OK &&
	    (rc = vault_open(home, passphrase, &v, err)) == RC_OK &&
	    sqlite3_exec(vault_db(v), "PRAGMA user_version = 9999", NULL, NULL, NULL) != SQLITE_OK)
		rc = error_set(err, RC_IO, home, NULL, "the number cannot be written");
	secret_free(passphrase);
	vault_close(v);
	return rc;
}

/* A key file ends with a checksum of all before, so that its version can be believed. */
static enum rc
newer_key(const char *home, const char *name, struct error *err)
{
	char path[FILES_PATH_MAX];
	struct bytes b;
	enum rc rc;

	bytes_init(&b);
	if ((rc = files_join(home, name, path)) == RC_OK &&
	    (rc = files_read(path, 8192, &b, err)) == RC_OK && b.len > VERSION_AT + CHECKSUM_BYTES) {
		b.data[VERSION_AT]++;
		digest_of(b.data + b.len - CHECKSUM_BYTES, CHECKSUM_BYTES, "", b.data,
		    b.len - CHECKSUM_BYTES);
		rc = files_replace(path, b.data, b.len, err);
	}
	bytes_reset(&b);
	return rc;
}

int
main(int argc, char **argv)
{
	struct error err = { 0 };
	enum rc rc;

	if (argc < 2 || argc > 3 || secret_start() != RC_OK)
		return 64;
	if (argc == 3)
		rc = newer_database(argv[1], argv[2], &err);
	else if ((rc = newer_key(argv[1], "vault.key", &err)) == RC_OK)
		rc = newer_key(argv[1], "vault.key.b", &err);
	if (rc != RC_OK)
		fprintf(stderr, "newer_vault: %s\n", err.what);
	return rc == RC_OK ? 0 : 1;
}
