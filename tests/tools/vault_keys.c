/*
 * vault_keys: all that must stay secret of a vault, as lines "key HEX" for the recorder: the master key
 * and what is made of it, a device's or the authority's own keys, the secrets of scopes, and codes.
 *
 *   vault_keys HOME PASSPHRASE_FILE [CODE_FILE]...
 */
#include <stdio.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/base/files.h"
#include "shared/vault/key_file.h"
#include "shared/vault/keyslots.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"

enum { KEY_FILE_MAX = 1 << 20, KEY_MAX = 128 };

static void
print_key(const struct secret *key)
{
	char hex[2 * KEY_MAX + 1];

	if (secret_len(key) > KEY_MAX)
		return;
	bytes_hex(secret_bytes(key), secret_len(key), hex);
	printf("key %s\n", hex);
}

static enum rc
print_master(const char *home, const struct secret *passphrase)
{
	static const enum vault_purpose purposes[] = {
		VAULT_HEADER_MAC, VAULT_FILES, VAULT_IDENTITY, VAULT_SETTINGS, VAULT_BACKUP
	};
	struct secret *master = NULL, *key = NULL;
	struct keyslots slots;
	struct bytes raw;
	char path[FILES_PATH_MAX];
	enum rc rc;

	bytes_init(&raw);
	if ((rc = files_join(home, KEY_FILE_A, path)) == RC_OK &&
	    (rc = files_read(path, KEY_FILE_MAX, &raw, NULL)) == RC_OK &&
	    (rc = keyslots_parse(raw.data, raw.len, &slots)) == RC_OK &&
	    (rc = keyslots_open_passphrase(&slots, passphrase, &master)) == RC_OK)
		print_key(master);
	for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]) && rc == RC_OK; i++) {
		if ((rc = keyslots_subkey(master, purposes[i], &key)) == RC_OK)
			print_key(key);
		secret_free(key);
	}
	secret_free(master);
	bytes_reset(&raw);
	return rc;
}

/* A wrapped secret in each row, and in which words it is bound to its place. */
static enum rc
print_wrapped(struct vault *v, const char *sql)
{
	struct secret *key;
	struct sqlite3_stmt *q;
	bool row = true;
	enum rc rc = query_open(vault_db(v), NULL, &q, sql, "");

	while (rc == RC_OK && (rc = query_next(q, &row, NULL)) == RC_OK && row) {
		size_t len;
		const uint8_t *p = query_column_blob(q, 1, &len);

		if ((rc = vault_unwrap(v, VAULT_IDENTITY, query_column_text(q, 0), p, len, &key)) == RC_OK)
			print_key(key);
		secret_free(key);
	}
	query_close(q);
	return rc;
}

static enum rc
print_stored(const char *home, const struct secret *passphrase)
{
	struct vault *v = NULL;
	int64_t device = 0;
	enum rc rc = vault_open(home, passphrase, &v, NULL);

	if (rc == RC_OK)
		rc = query_int(vault_db(v), NULL, &device, "SELECT count(*) FROM sqlite_schema WHERE name = 'identity'", "");
	if (rc == RC_OK)
		rc = print_wrapped(v, device != 0 ? "SELECT name, wrapped FROM identity" :
		    "SELECT name, wrapped FROM authority_key");
	if (rc == RC_OK)
		rc = print_wrapped(v, device != 0 ?
		    "SELECT 'scope_secret ' || unit || ' ' || compartment || ' ' || epoch, wrapped FROM scope_secret" :
		    "SELECT 'scope_secret/' || unit || '/' || compartment || '/' || epoch, wrapped FROM scope_secret");
	vault_close(v);
	return rc;
}

static enum rc
print_code(const char *file)
{
	struct secret *text = NULL, *code = NULL;
	char line[SECRET_CODE_TEXT_MAX + 1] = "";
	enum rc rc = secret_read_line(file, &text, NULL);

	if (rc == RC_OK && secret_len(text) < sizeof(line)) {
		memcpy(line, secret_bytes(text), secret_len(text));
		rc = secret_code_read(line, VAULT_RECOVERY_BYTES, &code);
	}
	if (code != NULL)
		print_key(code);
	secret_free(code);
	secret_free(text);
	return rc;
}

int
main(int argc, char **argv)
{
	struct secret *passphrase = NULL;
	enum rc rc = RC_USAGE;

	if (argc >= 3 && (rc = vault_start()) == RC_OK &&
	    (rc = secret_read_line(argv[2], &passphrase, NULL)) == RC_OK &&
	    (rc = print_master(argv[1], passphrase)) == RC_OK)
		rc = print_stored(argv[1], passphrase);
	for (int i = 3; i < argc && rc == RC_OK; i++)
		rc = print_code(argv[i]);
	secret_free(passphrase);
	if (rc != RC_OK)
		fprintf(stderr, "vault_keys: %s\n", rc_name(rc));
	return rc == RC_OK ? 0 : 1;
}
