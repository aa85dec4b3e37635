#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>
#include <sqlite3.h>

#include "shared/base/files.h"
#include "shared/base/text.h"
#include "shared/vault/block_file.h"
#include "shared/vault/key_file.h"
#include "shared/vault/keyslots.h"
#include "shared/vault/keyslots_wrap.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_backup.h"
#include "tests/support/vault_folder.h"
#include "tests/support/vectors.h"

/* Every layer of a vault against bytes made from schema/formats.md alone (tests/vectors/make_vault.py). */
#define HEX "vault"

static void
assert_vector(const char *key, const void *p, size_t len)
{
	struct bytes want = vectors_get(HEX, key);

	if (want.len != len || memcmp(want.data, p, len) != 0)
		fail_msg("%s is not as the vector", key);
	bytes_reset(&want);
}

static void
assert_vector_secret(const char *key, const struct secret *s)
{
	assert_non_null(s);
	assert_vector(key, secret_bytes(s), secret_len(s));
}

static void
put(const struct vault_folder *f, const char *name, const char *key)
{
	struct bytes b = vectors_get(HEX, key);
	char path[400];

	snprintf(path, sizeof path, "%s/%s", f->dir, name);
	assert_int_equal(files_create(path, b.data, b.len, NULL), RC_OK);
	bytes_reset(&b);
}

/* What a person types, decomposed, as the line of a file. */
static struct secret *
typed_passphrase(const struct vault_folder *f)
{
	struct bytes b = vectors_get(HEX, "passphrase_typed");
	struct secret *s = NULL;
	char path[400];

	snprintf(path, sizeof path, "%s/typed", f->root);
	assert_int_equal(files_replace(path, b.data, b.len, NULL), RC_OK);
	assert_int_equal(secret_read_line(path, &s, NULL), RC_OK);
	unlink(path);
	bytes_reset(&b);
	return s;
}

static struct keyslots
parsed(struct bytes *raw)
{
	struct keyslots k;

	*raw = vectors_get(HEX, "key_file");
	assert_int_equal(keyslots_parse(raw->data, raw->len, &k), RC_OK);
	return k;
}

static void
a_passphrase_becomes_its_slot_key(void **state)
{
	struct secret *s = typed_passphrase(*state);
	uint8_t salt[16], key[32], both[64];
	struct bytes raw, bound = vectors_get(HEX, "passphrase_bound");
	struct keyslots k = parsed(&raw);

	assert_vector_secret("passphrase", s);
	memcpy(salt, k.slots[0].salt, sizeof salt);
	assert_int_equal(k.slots[0].kdf.memory_mib, 32);
	assert_int_equal(k.slots[0].kdf.passes, 1);
	assert_int_equal(crypto_pwhash(key, sizeof key, (const char *)secret_bytes(s), secret_len(s),
	    salt, 1, 32 << 20, crypto_pwhash_ALG_ARGON2ID13), 0);
	assert_vector("passphrase_slot_key", key, sizeof key);
	assert_int_equal(crypto_generichash(both, sizeof both, bound.data, bound.len, key, sizeof key), 0);
	assert_vector("passphrase_one_time_key", both, 32);
	assert_vector("passphrase_commit", both + 32, 32);
	assert_vector("passphrase_commit", k.slots[0].commit, 32);
	bytes_reset(&bound);
	bytes_reset(&raw);
	secret_free(s);
}

static void
every_slot_opens_the_master_key(void **state)
{
	struct bytes raw;
	struct keyslots k = parsed(&raw);
	struct secret *pass = typed_passphrase(*state), *code = vectors_secret(HEX, "recovery_code"),
	    *escrow = vectors_secret(HEX, "escrow_key"), *master = NULL;
	uint8_t public_key[32];

	assert_int_equal(k.n, 3);
	assert_int_equal(k.generation, 3);
	assert_vector("vault_id", k.vault_id, sizeof k.vault_id);
	assert_int_equal(keyslots_open_passphrase(&k, pass, &master), RC_OK);
	assert_vector_secret("master", master);
	secret_free(master);
	assert_int_equal(keyslots_open_recovery(&k, code, &master), RC_OK);
	assert_vector_secret("master", master);
	secret_free(master);
	vectors_copy(HEX, "escrow_public", public_key, sizeof public_key);
	assert_int_equal(keyslots_open_escrow(&k, public_key, escrow, &master), RC_OK);
	assert_vector_secret("master", master);
	assert_int_equal(keyslots_check(raw.data, raw.len, master), RC_OK);
	raw.data[30] ^= 1;	/* the generation */
	assert_int_equal(keyslots_check(raw.data, raw.len, master), RC_DAMAGED);
	secret_free(master);
	secret_free(pass);
	secret_free(code);
	secret_free(escrow);
	bytes_reset(&raw);
}

static void
a_key_file_is_written_as_it_was_read(void **state)
{
	struct bytes raw, again;
	struct keyslots k = parsed(&raw);
	struct secret *master = vectors_secret(HEX, "master");

	(void)state;
	bytes_init(&again);
	assert_int_equal(keyslots_print(&k, master, &again), RC_OK);
	assert_vector("key_file", again.data, again.len);
	bytes_reset(&again);
	bytes_reset(&raw);
	raw = vectors_get(HEX, "key_file_newer");
	assert_int_equal(keyslots_parse(raw.data, raw.len, &k), RC_NEWER);
	bytes_reset(&raw);
	secret_free(master);
}

static void
subkeys_and_wrapped_secrets_are_as_described(void **state)
{
	struct secret *master = vectors_secret(HEX, "master"), *s = NULL;
	struct bytes place = vectors_get(HEX, "wrapped_place"), blob = vectors_get(HEX, "wrapped_blob");
	char name[20];

	(void)state;
	for (int i = 1; i <= 6; i++) {
		snprintf(name, sizeof name, "subkey_%d", i);
		assert_int_equal(keyslots_subkey(master, (enum vault_purpose)i, &s), RC_OK);
		assert_vector_secret(name, s);
		secret_free(s);
	}
	bytes_u8(&place, 0);
	assert_int_equal(keyslots_wrap_open(master, VAULT_IDENTITY, (const char *)place.data, blob.data,
	    blob.len, &s), RC_OK);
	assert_vector_secret("wrapped_secret", s);
	secret_free(s);
	assert_int_equal(keyslots_wrap_open(master, VAULT_SETTINGS, (const char *)place.data, blob.data,
	    blob.len, &s), RC_AUTH);
	bytes_reset(&place);
	bytes_reset(&blob);
	secret_free(master);
}

static struct block_key *
key_of(enum block_kind kind)
{
	struct secret *files = vectors_secret(HEX, "subkey_2");
	struct block_key *key = NULL;
	uint8_t id[16];

	vectors_copy(HEX, "vault_id", id, sizeof id);
	assert_int_equal(block_key_new(files, id, kind, &key), RC_OK);
	secret_free(files);
	return key;
}

static void
a_page_opens_in_its_place_only(void **state)
{
	struct block_key *key = key_of(BLOCK_DATABASE), *other = key_of(BLOCK_JOURNAL);
	struct bytes page = vectors_get(HEX, "page_5");
	uint8_t clear[4096] = { 0 };

	(void)state;
	assert_true(block_unseal(key, 5, page.data, BLOCK_PAGE_TEXT, clear));
	assert_vector("page_clear", clear, sizeof clear);
	assert_false(block_unseal(key, 4, page.data, BLOCK_PAGE_TEXT, clear));
	assert_false(block_unseal(other, 5, page.data, BLOCK_PAGE_TEXT, clear));
	block_key_free(key);
	block_key_free(other);
	bytes_reset(&page);
}

static void
a_block_of_the_wal_opens_in_its_place_only(void **state)
{
	struct block_key *key = key_of(BLOCK_WAL);
	struct bytes slot = vectors_get(HEX, "block_0");
	uint8_t clear[BLOCK_SLOT_TEXT];

	(void)state;
	assert_int_equal(slot.len, BLOCK_SLOT);
	assert_true(block_unseal(key, 0, slot.data, BLOCK_SLOT_TEXT, clear));
	assert_vector("block_clear", clear, 1000);
	assert_int_equal(clear[4096] | clear[4097] << 8, 1000);
	assert_false(block_unseal(key, 1, slot.data, BLOCK_SLOT_TEXT, clear));
	block_key_free(key);
	bytes_reset(&slot);
}

static void
assert_rows(struct vault *v, int64_t n)
{
	assert_int_equal(vault_folder_number(v, "SELECT count(*) FROM note"), n);
	assert_int_equal(vault_folder_number(v,
	    "SELECT body = 'Hỏi chuyện ở chợ Đồng Văn' FROM note WHERE id = 1"), 1);
	assert_int_equal(vault_verify(v, NULL), RC_OK);
}

static void
a_vault_made_by_another_writer_opens_with_what_its_wal_holds(void **state)
{
	struct vault_folder *f = *state;
	struct secret *pass = typed_passphrase(f);
	struct vault *v = NULL;

	assert_int_equal(files_make_dir(f->dir, NULL), RC_OK);
	put(f, "vault.key", "key_file");
	put(f, "vault.key.b", "key_file");
	put(f, "vault.db", "vault_db");
	put(f, "vault.db-wal", "vault_wal");
	assert_int_equal(vault_open(f->dir, pass, &v, NULL), RC_OK);
	assert_rows(v, 3);
	assert_int_equal(vault_folder_number(v, "SELECT body = 'Đã chuyển tuyến' FROM note WHERE id = 3"), 1);
	assert_int_equal(vault_migrate(v, VAULT_FOLDER_SCHEMA, NULL), RC_OK);
	vault_folder_sql(v, "INSERT INTO note VALUES (4, 'x')");
	vault_close(v);
	assert_int_equal(vault_open(f->dir, pass, &v, NULL), RC_OK);
	assert_rows(v, 4);
	vault_close(v);
	secret_free(pass);
}

static void
a_backup_made_by_another_writer_is_restored(void **state)
{
	struct vault_folder *f = *state;
	struct bytes b = vectors_get(HEX, "backup");
	struct secret *code = vectors_secret(HEX, "recovery_code"), *pass = typed_passphrase(f);
	struct vault *v = NULL;
	char path[400];

	snprintf(path, sizeof path, "%s/stick", f->root);
	assert_int_equal(files_create(path, b.data, b.len, NULL), RC_OK);
	assert_int_equal(vault_backup_restore(f->dir,
	    (struct vault_backup_source){ .path = path, .key = code, .by_code = true }, NULL), RC_OK);
	assert_int_equal(vault_open(f->dir, pass, &v, NULL), RC_OK);
	assert_rows(v, 1);
	vault_close(v);
	unlink(path);
	bytes_reset(&b);
	secret_free(code);
	secret_free(pass);
}

static void
a_code_is_printed_and_read_as_described(void **state)
{
	struct secret *code = vectors_secret(HEX, "recovery_code"), *back = NULL, *zero = NULL;
	char text[SECRET_CODE_TEXT_MAX];

	(void)state;
	assert_int_equal(secret_code_print(code, text, sizeof text), RC_OK);
	assert_vector("recovery_text", text, strlen(text));
	assert_int_equal(secret_code_read(text, VAULT_RECOVERY_BYTES, &back), RC_OK);
	assert_true(secret_equal(code, back));
	assert_int_equal(secret_new(VAULT_RECOVERY_BYTES, &zero), RC_OK);
	assert_int_equal(secret_code_print(zero, text, sizeof text), RC_OK);
	assert_vector("zero_code_text", text, strlen(text));
	secret_free(code);
	secret_free(back);
	secret_free(zero);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, vault_folder_set_up, vault_folder_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_passphrase_becomes_its_slot_key),
		TEST(every_slot_opens_the_master_key),
		TEST(a_key_file_is_written_as_it_was_read),
		TEST(subkeys_and_wrapped_secrets_are_as_described),
		TEST(a_page_opens_in_its_place_only),
		TEST(a_block_of_the_wal_opens_in_its_place_only),
		TEST(a_vault_made_by_another_writer_opens_with_what_its_wal_holds),
		TEST(a_backup_made_by_another_writer_is_restored),
		TEST(a_code_is_printed_and_read_as_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
