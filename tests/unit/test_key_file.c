#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <sodium.h>

#include "shared/base/files.h"
#include "shared/vault/key_file.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"

enum { COPY_MAX = 4096 };

/* A folder with both copies, opened by recovery codes (they need no Argon2id). */
struct fixture {
	char dir[256];
	char a[300], b[300];
	struct secret *master, *code;
	struct keyslots k;
};

static int
set_up(void **state)
{
	/* hundreds of synced writes: in memory, where that is possible */
	const char *tmp = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : files_memory_dir();
	struct fixture *f = calloc(1, sizeof *f);

	if (f == NULL || vault_start() != RC_OK)
		return -1;
	snprintf(f->dir, sizeof f->dir, "%s/keys-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	snprintf(f->a, sizeof f->a, "%s/vault.key", f->dir);
	snprintf(f->b, sizeof f->b, "%s/vault.key.b", f->dir);
	assert_int_equal(secret_random(32, &f->master), RC_OK);
	assert_int_equal(secret_random(VAULT_RECOVERY_BYTES, &f->code), RC_OK);
	secret_random_bytes(f->k.vault_id, sizeof f->k.vault_id);
	assert_int_equal(keyslots_put_recovery(&f->k, f->code, f->master), RC_OK);
	assert_int_equal(key_file_create(f->dir, &f->k, f->master, NULL), RC_OK);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	unlink(f->a);
	unlink(f->b);
	rmdir(f->dir);
	secret_free(f->master);
	secret_free(f->code);
	free(f);
	return 0;
}

static enum rc
open_recovery(const struct keyslots *k, const void *ctx, struct secret **master)
{
	return keyslots_open_recovery(k, ctx, master);
}

/* *generation: of the copy that was taken. */
static enum rc
read_with(struct fixture *f, const struct secret *code, uint64_t *generation)
{
	struct key_file_opener opener = { open_recovery, code };
	struct secret *master = NULL;
	struct keyslots k;
	enum rc rc = key_file_read(f->dir, opener, &k, &master, NULL);

	*generation = k.generation;
	if (rc == RC_OK) {
		assert_true(secret_equal(master, f->master));
		key_file_mend(f->dir, &k, master);
	} else {
		assert_null(master);
	}
	secret_free(master);
	return rc;
}

static size_t
load(const char *path, uint8_t out[COPY_MAX])
{
	struct bytes b;
	size_t len;

	bytes_init(&b);
	if (files_read(path, COPY_MAX, &b, NULL) != RC_OK)
		return 0;
	memcpy(out, b.data, b.len);
	len = b.len;
	bytes_reset(&b);
	return len;
}

static void
store(const char *path, const uint8_t *p, size_t len)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(p, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static bool
copies_are_equal(struct fixture *f)
{
	uint8_t a[COPY_MAX], b[COPY_MAX];
	size_t n = load(f->a, a);

	return n > 0 && n == load(f->b, b) && memcmp(a, b, n) == 0;
}

static void
one_good_copy_opens_and_repairs_the_other(void **state)
{
	struct fixture *f = *state;
	uint8_t good[COPY_MAX], bad[COPY_MAX];
	size_t len = load(f->a, good);
	uint64_t generation;

	for (int which = 0; which < 2; which++) {
		const char *path = which == 0 ? f->a : f->b;

		/* cut at every byte, nothing at all, and every byte spoilt */
		for (size_t n = 0; n < len; n++) {
			store(path, good, n);
			assert_int_equal(read_with(f, f->code, &generation), RC_OK);
			assert_true(copies_are_equal(f));
			memcpy(bad, good, len);
			bad[n] ^= (uint8_t)(1 << n % 8);
			store(path, bad, len);
			assert_int_equal(read_with(f, f->code, &generation), RC_OK);
			assert_true(copies_are_equal(f));
		}
		unlink(path);
		assert_int_equal(read_with(f, f->code, &generation), RC_OK);
		assert_true(copies_are_equal(f));
	}
}

static void
two_bad_copies_are_damage_and_stay_as_they_are(void **state)
{
	static const uint8_t junk[] = "junk", more[] = "other junk";
	struct fixture *f = *state;
	uint8_t now[COPY_MAX];
	uint64_t generation;

	store(f->a, junk, sizeof junk);
	store(f->b, more, sizeof more);
	assert_int_equal(read_with(f, f->code, &generation), RC_DAMAGED);
	assert_int_equal(load(f->a, now), sizeof junk);
	assert_memory_equal(now, junk, sizeof junk);
	assert_int_equal(load(f->b, now), sizeof more);
	unlink(f->b);
	assert_int_equal(read_with(f, f->code, &generation), RC_DAMAGED);
	assert_false(files_exists(f->b));
	unlink(f->a);
	assert_int_equal(read_with(f, f->code, &generation), RC_NOTFOUND);
}

/* The power went after A was written and before B. */
static void
after_a_cut_between_the_copies_the_newer_one_counts(void **state)
{
	struct fixture *f = *state;
	uint8_t old[COPY_MAX];
	size_t len = load(f->b, old);
	struct secret *code;
	uint64_t generation;

	assert_int_equal(secret_random(VAULT_RECOVERY_BYTES, &code), RC_OK);
	assert_int_equal(keyslots_put_recovery(&f->k, code, f->master), RC_OK);
	assert_int_equal(key_file_replace(f->dir, &f->k, f->master, NULL), RC_OK);
	assert_true(copies_are_equal(f));
	for (int which = 0; which < 2; which++) {
		store(which == 0 ? f->b : f->a, old, len);
		/* what was replaced does not open, though one copy still has it */
		assert_int_equal(read_with(f, f->code, &generation), RC_AUTH);
		assert_int_equal(read_with(f, code, &generation), RC_OK);
		assert_int_equal(generation, 2);
		assert_true(copies_are_equal(f));
	}
	assert_int_equal(read_with(f, f->code, &generation), RC_AUTH);
	secret_free(code);
}

/* Whole and with a right checksum, but not made by who has the master key. */
static void
a_forged_newer_copy_does_not_count(void **state)
{
	struct fixture *f = *state;
	uint8_t forged[COPY_MAX];
	size_t len = load(f->a, forged);
	uint64_t generation;

	forged[26] = 200;
	crypto_generichash(forged + len - 32, 32, forged, len - 32, NULL, 0);
	store(f->a, forged, len);
	assert_int_equal(read_with(f, f->code, &generation), RC_OK);
	assert_int_equal(generation, 1);
	assert_true(copies_are_equal(f));
	store(f->a, forged, len);
	store(f->b, forged, len);
	assert_int_equal(read_with(f, f->code, &generation), RC_DAMAGED);
}

static void
a_copy_of_a_newer_program_is_never_written_over(void **state)
{
	struct fixture *f = *state;
	uint8_t newer[COPY_MAX], now[COPY_MAX];
	size_t len = load(f->a, newer);
	uint64_t generation;

	newer[8] = 2;
	crypto_generichash(newer + len - 32, 32, newer, len - 32, NULL, 0);
	store(f->a, newer, len);
	assert_int_equal(read_with(f, f->code, &generation), RC_NEWER);
	assert_int_equal(load(f->a, now), len);
	assert_memory_equal(now, newer, len);
}

/* Which copy is the right one only the database tells: until then an older one stays. */
static void
reading_alone_changes_neither_copy(void **state)
{
	struct fixture *f = *state;
	struct key_file_opener opener = { open_recovery, f->code };
	uint8_t old[COPY_MAX], new[COPY_MAX], now[COPY_MAX];
	size_t n_old = load(f->a, old), n_new;
	struct secret *master = NULL;
	struct keyslots k;

	assert_int_equal(key_file_replace(f->dir, &f->k, f->master, NULL), RC_OK);
	n_new = load(f->a, new);
	store(f->b, old, n_old);
	assert_int_equal(key_file_read(f->dir, opener, &k, &master, NULL), RC_OK);
	assert_int_equal(load(f->a, now), n_new);
	assert_memory_equal(now, new, n_new);
	assert_int_equal(load(f->b, now), n_old);
	assert_memory_equal(now, old, n_old);
	key_file_mend(f->dir, &k, master);
	assert_true(copies_are_equal(f));
	assert_int_equal(load(f->b, now), n_new);
	assert_memory_equal(now, new, n_new);
	secret_free(master);
}

static enum rc
open_passphrase(const struct keyslots *k, const void *ctx, struct secret **master)
{
	return keyslots_open_passphrase(k, ctx, master);
}

static long
memory_ever_kib(void)
{
	struct rusage r;

	assert_int_equal(getrusage(RUSAGE_SELF, &r), 0);
	return r.ru_maxrss;
}

/* Both copies ask for more memory or passes than there may be: neither is spent. */
static void
a_forged_cost_is_refused_before_it_is_paid(void **state)
{
	static const uint32_t costs[][2] = { { 1025, 1 }, { 0x7fffffff, 1 }, { 0xffffffff, 0xffffffff },
	    { 512, 11 } };
	enum { COST_AT = 35 + 4 + 16, MORE_KIB = 100 * 1024 };
	struct vault_kdf cheap = { VAULT_KDF_MEMORY_MIN_MIB, 1 };
	struct fixture *f = *state;
	struct key_file_opener opener = { open_passphrase, f->code };
	uint8_t raw[COPY_MAX];
	struct secret *master = NULL;
	struct keyslots k;
	size_t len;
	long before;

	assert_int_equal(keyslots_put_passphrase(&f->k, f->code, cheap, f->master), RC_OK);
	assert_int_equal(key_file_replace(f->dir, &f->k, f->master, NULL), RC_OK);
	len = load(f->a, raw);
	before = memory_ever_kib();
	for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
		for (int b = 0; b < 8; b++)
			raw[COST_AT + b] = (uint8_t)(costs[i][b / 4] >> 8 * (b % 4));
		crypto_generichash(raw + len - 32, 32, raw, len - 32, NULL, 0);
		store(f->a, raw, len);
		store(f->b, raw, len);
		assert_int_equal(key_file_read(f->dir, opener, &k, &master, NULL), RC_DAMAGED);
		assert_null(master);
	}
	assert_true(memory_ever_kib() - before < MORE_KIB);
}

static void
create_refuses_to_write_over_a_key_file(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(key_file_create(f->dir, &f->k, f->master, NULL), RC_EXISTS);
}

/* The bytes themselves must go, not only the name: another name still leads to them. */
static void
destroy_overwrites_before_it_removes(void **state)
{
	struct fixture *f = *state;
	uint8_t before[COPY_MAX], after[COPY_MAX];
	char other[300];
	size_t len = load(f->a, before);

	snprintf(other, sizeof other, "%s/other-name", f->dir);
	for (int which = 0; which < 2; which++) {
		assert_int_equal(link(which == 0 ? f->a : f->b, other), 0);
		assert_int_equal(key_file_destroy(f->dir, NULL), RC_OK);
		assert_false(files_exists(f->a));
		assert_false(files_exists(f->b));
		assert_int_equal(load(other, after), len);
		unlink(other);
		for (size_t i = 0; i + 8 <= len; i++)
			assert_memory_not_equal(before + i, after + i, 8);
		store(f->a, before, len);
		store(f->b, before, len);
	}
	assert_int_equal(key_file_destroy(f->dir, NULL), RC_OK);
	assert_int_equal(key_file_destroy(f->dir, NULL), RC_OK);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_good_copy_opens_and_repairs_the_other),
		TEST(two_bad_copies_are_damage_and_stay_as_they_are),
		TEST(after_a_cut_between_the_copies_the_newer_one_counts),
		TEST(a_forged_newer_copy_does_not_count),
		TEST(a_copy_of_a_newer_program_is_never_written_over),
		TEST(reading_alone_changes_neither_copy),
		TEST(a_forged_cost_is_refused_before_it_is_paid),
		TEST(create_refuses_to_write_over_a_key_file),
		TEST(destroy_overwrites_before_it_removes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
