/* newer_vault HOME PASSPHRASE_FILE: gives a vault's database the number of a version to come. */
#include <stdio.h>
#include <sqlite3.h>

#include "shared/vault/secret.h"
#include "shared/vault/vault.h"

int
main(int argc, char **argv)
{
	struct secret *passphrase = NULL;
	struct error err = { 0 };
	struct vault *v = NULL;
	int status = 1;

	if (argc != 3 || secret_start() != RC_OK)
		return 64;
	if (secret_read_line(argv[2], &passphrase, &err) == RC_OK &&
	    vault_open(argv[1], passphrase, &v, &err) == RC_OK &&
	    sqlite3_exec(vault_db(v), "PRAGMA user_version = 9999", NULL, NULL, NULL) == SQLITE_OK)
		status = 0;
	else
		fprintf(stderr, "newer_vault: %s\n", err.what);
	secret_free(passphrase);
	vault_close(v);
	return status;
}
