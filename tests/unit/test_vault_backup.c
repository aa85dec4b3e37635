#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <sqlite3.h>

#include "shared/base/bytes.h"
#include "shared/base/files.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_backup.h"
#include "shared/vault/vault_parts.h"
#include "tests/support/vault_folder.h"

enum { FILE_MAX_BYTES = 64 << 20, CHUNK = 65536, SEALED = CHUNK + 40 };

struct backup_bench {
	struct vault_folder *folder;
	struct vault *vault;
	struct secret *passphrase, *recovery;
	char file[400], other[400];
};

static int
set_up(void **state)
{
	struct backup_bench *b = calloc(1, sizeof *b);
	struct error err = { 0 };

	assert_non_null(b);
	assert_int_equal(vault_folder_set_up((void **)&b->folder), 0);
	assert_int_equal(secret_from("mot hai ba bon", 14, &b->passphrase), RC_OK);
	assert_int_equal(vault_create(b->folder->dir, b->passphrase, (struct vault_kdf){ 32, 1 }, NULL,
	    &b->vault, &b->recovery, &err), RC_OK);
	assert_int_equal(vault_migrate(b->vault, VAULT_FOLDER_SCHEMA, &err), RC_OK);
	snprintf(b->file, sizeof b->file, "%s/backup", b->folder->root);
	snprintf(b->other, sizeof b->other, "%s/other", b->folder->root);
	*state = b;
	return 0;
}

static int
tear_down(void **state)
{
	struct backup_bench *b = *state;

	vault_close(b->vault);
	secret_free(b->passphrase);
	secret_free(b->recovery);
	vault_folder_tear_down((void **)&b->folder);
	free(b);
	return 0;
}

static void
fill(struct backup_bench *b, int rows)
{
	char sql[200];

	snprintf(sql, sizeof sql, "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %d)"
	    " INSERT INTO note(body) SELECT printf('%%.*c', 3000, 'n') FROM c", rows);
	vault_folder_sql(b->vault, sql);
}

/* A backup as bytes; after each piece a note is added. */
static size_t
make(struct backup_bench *b, struct bytes *out, bool disturb)
{
	struct vault_backup *backup;
	struct error err = { 0 };
	size_t pieces = 0;
	bool more = true;

	bytes_init(out);
	assert_int_equal(vault_backup_begin(b->vault, &backup, &err), RC_OK);
	while (more) {
		assert_int_equal(vault_backup_next(backup, out, &more, &err), RC_OK);
		pieces++;
		if (disturb) {
			fill(b, 400);
			vault_folder_sql(b->vault, "DELETE FROM note WHERE id % 7 = 3");
		}
	}
	vault_backup_end(backup);
	return pieces;
}

static enum rc
restore(struct backup_bench *b, const uint8_t *data, size_t len, struct error *err)
{
	struct vault_backup_source from = { b->file, b->passphrase, false };

	assert_int_equal(files_replace(b->file, data, len, NULL), RC_OK);
	return vault_backup_restore(b->other, from, err);
}

static int64_t
notes_of(struct backup_bench *b, const char *dir)
{
	struct vault *v;
	int64_t n;

	assert_int_equal(vault_open(dir, b->passphrase, &v, NULL), RC_OK);
	n = vault_folder_number(v, "SELECT count(*) FROM note");
	assert_int_equal(vault_verify(v, NULL), RC_OK);
	vault_close(v);
	return n;
}

static void
a_backup_is_the_vault_as_it_was_when_it_began(void **state)
{
	struct backup_bench *b = *state;
	struct error err = { 0 };
	struct bytes out;

	fill(b, 2000);
	assert_true(make(b, &out, true) > 5);
	assert_true(vault_folder_number(b->vault, "SELECT count(*) FROM note") > 3000);
	assert_int_equal(restore(b, out.data, out.len, &err), RC_OK);
	assert_int_equal(notes_of(b, b->other), 2000);
	bytes_reset(&out);
}

static void
checkpoints_wait_for_the_backup_and_then_go_on(void **state)
{
	struct backup_bench *b = *state;
	struct vault_backup *backup, *second;
	char wal[512];
	struct bytes out, log;
	bool more;

	bytes_init(&out);
	bytes_init(&log);
	snprintf(wal, sizeof wal, "%s/vault.db-wal", b->folder->dir);
	fill(b, 600);
	assert_int_equal(vault_backup_begin(b->vault, &backup, NULL), RC_OK);
	assert_int_equal(vault_backup_begin(b->vault, &second, NULL), RC_BUSY);
	assert_int_equal(vault_verify(b->vault, NULL), RC_BUSY);
	assert_int_equal(vault_backup_next(backup, &out, &more, NULL), RC_OK);
	assert_true(more);
	for (int i = 0; i < 12; i++)
		fill(b, 200);
	assert_int_equal(files_read(wal, FILE_MAX_BYTES, &log, NULL), RC_OK);
	assert_true(log.len > 2000 * 4608);
	vault_backup_end(backup);
	fill(b, 1);
	fill(b, 1);
	assert_int_equal(files_read(wal, FILE_MAX_BYTES, &log, NULL), RC_OK);
	assert_true(log.len < 200 * 4608);
	assert_int_equal(vault_verify(b->vault, NULL), RC_OK);
	vault_folder_sql(b->vault, "BEGIN");
	assert_int_equal(vault_backup_begin(b->vault, &backup, NULL), RC_BUSY);
	vault_folder_sql(b->vault, "ROLLBACK");
	bytes_reset(&out);
	bytes_reset(&log);
}

/* An independent reading of formats.md, "Backup of a vault". */
static void
a_backup_is_what_formats_md_says(void **state)
{
	struct backup_bench *b = *state;
	uint8_t input[12 + 16 + 1], both[48], ad[24] = { 0 }, head[32], clear[CHUNK];
	struct secret *subkey;
	struct bytes out;
	size_t at, len, keys;

	fill(b, 10);
	(void)make(b, &out, false);
	assert_memory_equal(out.data, "FIELDBAK\1\0", 10);
	keys = (size_t)(out.data[26] | out.data[27] << 8);
	assert_memory_equal(out.data + 28, "FIELDKEY", 8);
	at = 28 + keys;
	len = out.len - at - 40 < CHUNK ? out.len - at - 40 : CHUNK;
	assert_int_equal(keyslots_subkey(b->vault->master, VAULT_BACKUP, &subkey), RC_OK);
	memcpy(input, "field-file-1", 12);
	memcpy(input + 12, out.data + 10, 16);
	input[28] = 4;
	crypto_generichash(both, sizeof both, input, sizeof input, secret_bytes(subkey), 32);
	memcpy(ad, both + 32, 16);
	ad[16] = len < CHUNK ? 1 : 0;
	assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt_detached(clear, NULL, out.data + at,
	    len, out.data + at + len + 24, ad, sizeof ad, out.data + at + len, both), 0);
	{
		crypto_generichash_state h;

		crypto_generichash_init(&h, NULL, 0, 32);
		crypto_generichash_update(&h, (const uint8_t *)"field-backup-1", 14);
		crypto_generichash_update(&h, out.data, at);
		crypto_generichash_final(&h, head, 32);
	}
	assert_memory_equal(clear, head, 32);
	assert_memory_equal(clear + 40, "SQLite format 3", 16);
	secret_free(subkey);
	bytes_reset(&out);
}

static void
refuses_a_backup_that_was_cut_or_changed_and_makes_nothing(void **state)
{
	struct backup_bench *b = *state;
	struct error err = { 0 };
	struct bytes out;
	unsigned refused = 0, tried = 0;

	fill(b, 60);
	(void)make(b, &out, false);
	assert_true(out.len > 2 * SEALED);
	for (size_t at = 0; at < out.len; at += at < 60 ? 1 : at < 500 ? 37 : 40009) {
		out.data[at] ^= 1;
		refused += restore(b, out.data, out.len, &err) != RC_OK;
		tried++;
		out.data[at] ^= 1;
		assert_false(files_exists(b->other));
		refused += restore(b, out.data, at, &err) != RC_OK;
		tried++;
		assert_false(files_exists(b->other));
	}
	/* at a border of chunks: what is left is whole, but its last one is not the last */
	for (size_t cut = SEALED; cut < out.len; cut += SEALED) {
		refused += restore(b, out.data, out.len - cut, &err) != RC_OK;
		tried++;
	}
	assert_int_equal(refused, tried);
	assert_int_equal(restore(b, out.data, out.len, &err), RC_OK);
	assert_int_equal(notes_of(b, b->other), 60);
	bytes_reset(&out);
}

static void
refuses_a_chunk_of_another_backup_of_the_same_vault(void **state)
{
	struct backup_bench *b = *state;
	struct bytes one, two;
	size_t at;

	fill(b, 60);
	(void)make(b, &one, false);
	(void)make(b, &two, false);
	assert_int_equal(one.len, two.len);
	at = 28 + (size_t)(one.data[26] | one.data[27] << 8) + SEALED;
	memcpy(one.data + at, two.data + at, SEALED);
	assert_int_equal(restore(b, one.data, one.len, NULL), RC_DAMAGED);
	/* nor in another place of its own */
	memcpy(two.data + at - SEALED, two.data + at, SEALED);
	assert_int_equal(restore(b, two.data, two.len, NULL), RC_DAMAGED);
	bytes_reset(&one);
	bytes_reset(&two);
}

static void
a_page_that_is_not_what_was_written_stops_the_backup(void **state)
{
	struct backup_bench *b = *state;
	struct vault_backup *backup;
	struct error err = { 0 };
	char path[512];
	struct bytes out;
	bool more = true;
	FILE *f;
	enum rc rc = RC_OK;

	bytes_init(&out);
	fill(b, 50);
	assert_int_equal(vault_backup_begin(b->vault, &backup, &err), RC_OK);
	snprintf(path, sizeof path, "%s/vault.db", b->folder->dir);
	f = fopen(path, "r+b");
	assert_non_null(f);
	assert_int_equal(fseek(f, 20 * 4096 + 100, SEEK_SET), 0);
	assert_int_not_equal(fputc('x', f), EOF);
	assert_int_equal(fclose(f), 0);
	while (more && rc == RC_OK)
		rc = vault_backup_next(backup, &out, &more, &err);
	assert_int_equal(rc, RC_DAMAGED);
	assert_non_null(strstr(err.what, "page 21"));
	vault_backup_end(backup);
	bytes_reset(&out);
}

static void
opens_with_the_secrets_of_its_day_and_no_others(void **state)
{
	struct backup_bench *b = *state;
	struct vault_backup_source from = { b->file, NULL, false };
	struct secret *newer, *code = NULL;
	struct bytes out;

	(void)make(b, &out, false);
	assert_int_equal(secret_from("nam sau bay tam", 15, &newer), RC_OK);
	assert_int_equal(vault_set_passphrase(b->vault, newer, (struct vault_kdf){ 32, 1 }, NULL), RC_OK);
	assert_int_equal(vault_new_recovery(b->vault, &code, NULL), RC_OK);
	assert_int_equal(files_replace(b->file, out.data, out.len, NULL), RC_OK);
	from.key = newer;
	assert_int_equal(vault_backup_restore(b->other, from, NULL), RC_AUTH);
	from.key = code;
	from.by_code = true;
	assert_int_equal(vault_backup_restore(b->other, from, NULL), RC_AUTH);
	assert_false(files_exists(b->other));
	from.key = b->recovery;
	assert_int_equal(vault_backup_restore(b->other, from, NULL), RC_OK);
	assert_int_equal(vault_backup_restore(b->other, from, NULL), RC_EXISTS);
	assert_int_equal(notes_of(b, b->other), 0);
	secret_free(newer);
	secret_free(code);
	bytes_reset(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_backup_is_the_vault_as_it_was_when_it_began, set_up, tear_down),
		cmocka_unit_test_setup_teardown(checkpoints_wait_for_the_backup_and_then_go_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_backup_is_what_formats_md_says, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_a_backup_that_was_cut_or_changed_and_makes_nothing, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(refuses_a_chunk_of_another_backup_of_the_same_vault, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_page_that_is_not_what_was_written_stops_the_backup, set_up, tear_down),
		cmocka_unit_test_setup_teardown(opens_with_the_secrets_of_its_day_and_no_others, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
