#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "shared/base/clock.h"
#include "shared/vault/keyslots.h"
#include "shared/vault/secret.h"

static const struct vault_kdf SMALL = { 32, 1 };

/* A key file with one slot of each type. */
struct fixture {
	struct keyslots k;
	struct secret *master, *pass, *code, *escrow_secret;
	uint8_t escrow_public[32];
	struct bytes raw;
};

static struct secret *
text_secret(const char *s)
{
	struct secret *out;

	assert_int_equal(secret_from(s, strlen(s), &out), RC_OK);
	return out;
}

static void
print_again(struct fixture *f)
{
	bytes_reset(&f->raw);
	bytes_init(&f->raw);
	assert_int_equal(keyslots_print(&f->k, f->master, &f->raw), RC_OK);
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	if (f == NULL || secret_start() != RC_OK)
		return -1;
	assert_int_equal(secret_random(32, &f->master), RC_OK);
	f->pass = text_secret("mưa nguồn chớp bể");
	assert_int_equal(secret_random(VAULT_RECOVERY_BYTES, &f->code), RC_OK);
	assert_int_equal(secret_new(32, &f->escrow_secret), RC_OK);
	crypto_box_keypair(f->escrow_public, secret_data(f->escrow_secret));
	secret_random_bytes(f->k.vault_id, sizeof f->k.vault_id);
	f->k.generation = 5;
	assert_int_equal(keyslots_put_escrow(&f->k, f->escrow_public, f->master), RC_OK);
	assert_int_equal(keyslots_put_recovery(&f->k, f->code, f->master), RC_OK);
	assert_int_equal(keyslots_put_passphrase(&f->k, f->pass, SMALL, f->master), RC_OK);
	print_again(f);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	secret_free(f->master);
	secret_free(f->pass);
	secret_free(f->code);
	secret_free(f->escrow_secret);
	bytes_reset(&f->raw);
	free(f);
	return 0;
}

/* Put the checksum right after a change, as an attacker would. */
static void
fix_sum(uint8_t *p, size_t len)
{
	crypto_generichash(p + len - 32, 32, p, len - 32, NULL, 0);
}

static void
prints_and_parses_what_formats_md_says(void **state)
{
	struct fixture *f = *state;
	struct keyslots back;
	const uint8_t *p = f->raw.data;

	assert_memory_equal(p, "FIELDKEY\x01\x00", 10);
	assert_memory_equal(p + 10, f->k.vault_id, 16);
	assert_memory_equal(p + 26, "\x05\0\0\0\0\0\0\0\x03", 9);
	/* passphrase slot: type, number, length 16 + 8 + 32 + 24 + 48 */
	assert_memory_equal(p + 35, "\x01\x00\x80\x00", 4);
	assert_memory_equal(p + 35 + 4 + 16, "\x20\0\0\0\x01\0\0\0", 8);
	assert_memory_equal(p + 35 + 132, "\x02\x00\x78\x00", 4);
	assert_memory_equal(p + 35 + 132 + 124, "\x03\x00\xe8\x00", 4);
	assert_int_equal(f->raw.len, 35 + 132 + 124 + 236 + 64);
	assert_int_equal(keyslots_parse(p, f->raw.len, &back), RC_OK);
	assert_int_equal(keyslots_check(p, f->raw.len, f->master), RC_OK);
	assert_int_equal(back.n, 3);
	assert_int_equal(back.generation, 5);
	assert_int_equal(back.slots[2].type, KEYSLOT_ESCROW);
}

/* The passphrase slot opened by hand, from formats.md alone. */
static void
a_slot_is_made_as_formats_md_says(void **state)
{
	struct fixture *f = *state;
	const uint8_t *slot = f->raw.data + 35, *salt = slot + 4, *commit = salt + 16 + 8;
	uint8_t kek[32], both[64], bound[12 + 16 + 4 + 16 + 8], master[32];
	static const char pass[] = "mưa nguồn chớp bể";

	assert_int_equal(crypto_pwhash(kek, 32, pass, strlen(pass), salt, 1, 32u << 20,
	    crypto_pwhash_ALG_ARGON2ID13), 0);
	memcpy(bound, "field-slot-1", 12);
	memcpy(bound + 12, f->k.vault_id, 16);
	memcpy(bound + 28, slot, 4 + 16 + 8);
	crypto_generichash(both, 64, bound, sizeof bound, kek, 32);
	assert_memory_equal(both + 32, commit, 32);
	assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(master, NULL, NULL,
	    commit + 32 + 24, 48, bound, sizeof bound, commit + 32, both), 0);
	assert_memory_equal(master, secret_bytes(f->master), 32);
}

static void
each_slot_opens_the_same_master_key(void **state)
{
	struct fixture *f = *state;
	struct secret *m;

	assert_int_equal(keyslots_open_passphrase(&f->k, f->pass, &m), RC_OK);
	assert_true(secret_equal(m, f->master));
	secret_free(m);
	assert_int_equal(keyslots_open_recovery(&f->k, f->code, &m), RC_OK);
	assert_true(secret_equal(m, f->master));
	secret_free(m);
	assert_int_equal(keyslots_open_escrow(&f->k, f->escrow_public, f->escrow_secret, &m),
	    RC_OK);
	assert_true(secret_equal(m, f->master));
	secret_free(m);
}

static void
refuses_a_wrong_passphrase_code_and_escrow_key(void **state)
{
	struct fixture *f = *state;
	struct secret *m = (struct secret *)1, *wrong;

	wrong = text_secret("mưa nguồn chớp bễ");
	assert_int_equal(keyslots_open_passphrase(&f->k, wrong, &m), RC_AUTH);
	assert_null(m);
	assert_int_equal(keyslots_open_recovery(&f->k, wrong, &m), RC_AUTH);
	secret_free(wrong);
	assert_int_equal(secret_random(VAULT_RECOVERY_BYTES, &wrong), RC_OK);
	assert_int_equal(keyslots_open_recovery(&f->k, wrong, &m), RC_AUTH);
	assert_int_equal(keyslots_open_escrow(&f->k, f->escrow_public, wrong, &m), RC_AUTH);
	secret_free(wrong);
	assert_int_equal(secret_random(32, &wrong), RC_OK);
	assert_int_equal(keyslots_open_escrow(&f->k, f->escrow_public, wrong, &m), RC_AUTH);
	assert_null(m);
	secret_free(wrong);
}

static void
refuses_a_file_cut_at_any_byte(void **state)
{
	struct fixture *f = *state;
	struct keyslots k;

	for (size_t n = 0; n < f->raw.len; n++) {
		assert_int_equal(keyslots_parse(f->raw.data, n, &k), RC_DAMAGED);
		assert_int_equal(k.n, 0);
	}
}

static void
notices_every_flipped_bit(void **state)
{
	struct fixture *f = *state;
	struct keyslots k;

	for (size_t i = 0; i < f->raw.len * 8; i++) {
		f->raw.data[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(keyslots_parse(f->raw.data, f->raw.len, &k), RC_DAMAGED);
		f->raw.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

/* With the checksum put right, the MAC under the master key still tells. */
static void
notices_every_byte_that_was_changed_on_purpose(void **state)
{
	struct fixture *f = *state;
	struct keyslots k;

	for (size_t i = 0; i < f->raw.len - 32; i++) {
		f->raw.data[i] ^= 1;
		fix_sum(f->raw.data, f->raw.len);
		if (keyslots_parse(f->raw.data, f->raw.len, &k) == RC_OK)
			assert_int_equal(keyslots_check(f->raw.data, f->raw.len, f->master),
			    RC_DAMAGED);
		f->raw.data[i] ^= 1;
	}
}

static void
a_newer_version_is_refused_as_newer_and_not_as_damaged(void **state)
{
	struct fixture *f = *state;
	struct keyslots k;

	f->raw.data[8] = 2;
	assert_int_equal(keyslots_parse(f->raw.data, f->raw.len, &k), RC_DAMAGED);
	fix_sum(f->raw.data, f->raw.len);
	assert_int_equal(keyslots_parse(f->raw.data, f->raw.len, &k), RC_NEWER);
	f->raw.data[8] = 0;
	fix_sum(f->raw.data, f->raw.len);
	assert_int_equal(keyslots_parse(f->raw.data, f->raw.len, &k), RC_DAMAGED);
}

/* A hostile file must be refused before Argon2id takes its memory and time. */
static void
refuses_argon2_parameters_out_of_bounds(void **state)
{
	static const struct vault_kdf bad[] = { { 0, 1 }, { 31, 1 }, { 1025, 1 }, { 0xFFFFFFFF, 1 },
	    { 32, 0 }, { 32, 11 }, { 32, 0xFFFFFFFF } };
	struct fixture *f = *state;
	struct secret *m;
	struct keyslots k;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(keyslots_kdf_check(&bad[i]), RC_LIMIT);
		f->k.slots[0].kdf = bad[i];
		assert_int_equal(keyslots_open_passphrase(&f->k, f->pass, &m), RC_LIMIT);
		print_again(f);
		assert_int_equal(keyslots_parse(f->raw.data, f->raw.len, &k), RC_DAMAGED);
		assert_int_equal(keyslots_put_passphrase(&k, f->pass, bad[i], f->master), RC_LIMIT);
	}
}

static void
refuses_slots_in_disorder_twice_or_too_many(void **state)
{
	struct fixture *f = *state;
	struct keyslot swap = f->k.slots[0];
	struct keyslots k;

	f->k.slots[0] = f->k.slots[1];
	f->k.slots[1] = swap;
	print_again(f);
	assert_int_equal(keyslots_parse(f->raw.data, f->raw.len, &k), RC_DAMAGED);
	f->k.slots[1] = f->k.slots[0];
	print_again(f);
	assert_int_equal(keyslots_parse(f->raw.data, f->raw.len, &k), RC_DAMAGED);
	/* 17 in the count */
	f->raw.data[34] = 17;
	fix_sum(f->raw.data, f->raw.len);
	assert_int_equal(keyslots_parse(f->raw.data, f->raw.len, &k), RC_DAMAGED);
}

static void
sixteen_slots_fit_and_a_seventeenth_does_not(void **state)
{
	struct fixture *f = *state;
	uint8_t public[32], secret[32];
	struct keyslots k;

	for (int i = 3; i < KEYSLOTS_MAX; i++) {
		crypto_box_keypair(public, secret);
		assert_int_equal(keyslots_put_escrow(&f->k, public, f->master), RC_OK);
	}
	crypto_box_keypair(public, secret);
	assert_int_equal(keyslots_put_escrow(&f->k, public, f->master), RC_LIMIT);
	/* the same public key again only replaces */
	assert_int_equal(keyslots_put_escrow(&f->k, f->escrow_public, f->master), RC_OK);
	print_again(f);
	assert_int_equal(keyslots_parse(f->raw.data, f->raw.len, &k), RC_OK);
	assert_int_equal(k.n, KEYSLOTS_MAX);
}

static void
no_slots_is_a_file_that_only_the_master_key_opens(void **state)
{
	struct fixture *f = *state;
	struct secret *m;
	struct keyslots k;

	f->k.n = 0;
	print_again(f);
	assert_int_equal(keyslots_parse(f->raw.data, f->raw.len, &k), RC_OK);
	assert_int_equal(keyslots_open_passphrase(&k, f->pass, &m), RC_AUTH);
	assert_int_equal(keyslots_check(f->raw.data, f->raw.len, f->master), RC_OK);
}

static void
a_slot_of_another_vault_does_not_open(void **state)
{
	struct fixture *f = *state;
	struct keyslots other = f->k;
	struct secret *m;

	other.vault_id[3] ^= 1;
	assert_int_equal(keyslots_open_passphrase(&other, f->pass, &m), RC_AUTH);
	assert_int_equal(keyslots_open_recovery(&other, f->code, &m), RC_AUTH);
	assert_int_equal(keyslots_open_escrow(&other, f->escrow_public, f->escrow_secret, &m),
	    RC_AUTH);
}

/*
 * Poly1305 is not committing: an attacker can craft one ciphertext that opens
 * under two keys.  The commitment must decide before the tag is even looked at.
 */
static void
a_ciphertext_without_its_commitment_is_refused(void **state)
{
	struct fixture *f = *state;
	struct secret *m;

	f->k.slots[1].commit[0] ^= 1;
	assert_int_equal(keyslots_open_recovery(&f->k, f->code, &m), RC_AUTH);
	f->k.slots[1].commit[0] ^= 1;
	f->k.slots[1].sealed[0] ^= 1;
	assert_int_equal(keyslots_open_recovery(&f->k, f->code, &m), RC_AUTH);
	f->k.slots[1].sealed[0] ^= 1;
	f->k.slots[1].salt[0] ^= 1;
	assert_int_equal(keyslots_open_recovery(&f->k, f->code, &m), RC_AUTH);
	f->k.slots[1].salt[0] ^= 1;
	f->k.slots[1].number ^= 1;
	assert_int_equal(keyslots_open_recovery(&f->k, f->code, &m), RC_AUTH);
}

static void
refuses_an_escrow_key_that_everybody_can_open(void **state)
{
	static const uint8_t zero[32];
	struct fixture *f = *state;

	assert_int_equal(keyslots_put_escrow(&f->k, zero, f->master), RC_INVALID);
}

static void
calibration_stays_within_the_limits(void **state)
{
	struct vault_kdf kdf = { 0, 0 }, fixed = { 64, 0 }, bad = { 2048, 0 };
	struct fixture *f = *state;
	int64_t start;

	assert_int_equal(keyslots_calibrate(&kdf), RC_OK);
	assert_int_equal(keyslots_kdf_check(&kdf), RC_OK);
	start = clock_monotonic_ms();
	assert_int_equal(keyslots_put_passphrase(&f->k, f->pass, kdf, f->master), RC_OK);
	/* about a second on a computer that does nothing else; this one is testing */
	print_message("calibrated to %u MiB and %u passes: %lld ms\n", kdf.memory_mib, kdf.passes,
	    (long long)(clock_monotonic_ms() - start));
	assert_true(clock_monotonic_ms() - start < 20000);
	assert_true(kdf.memory_mib <= 256);
	assert_int_equal(keyslots_calibrate(&fixed), RC_OK);
	assert_int_equal(fixed.memory_mib, 64);
	assert_int_equal(fixed.passes, 3);
	assert_int_equal(keyslots_calibrate(&bad), RC_LIMIT);
}

static void
subkeys_differ_by_purpose_and_master(void **state)
{
	struct fixture *f = *state;
	struct secret *a, *b, *c;

	assert_int_equal(keyslots_subkey(f->master, VAULT_FILES, &a), RC_OK);
	assert_int_equal(keyslots_subkey(f->master, VAULT_IDENTITY, &b), RC_OK);
	secret_data(f->master)[0] ^= 1;
	assert_int_equal(keyslots_subkey(f->master, VAULT_FILES, &c), RC_OK);
	assert_false(secret_equal(a, b));
	assert_false(secret_equal(a, c));
	secret_free(a);
	secret_free(b);
	secret_free(c);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(prints_and_parses_what_formats_md_says),
		TEST(a_slot_is_made_as_formats_md_says),
		TEST(each_slot_opens_the_same_master_key),
		TEST(refuses_a_wrong_passphrase_code_and_escrow_key),
		TEST(refuses_a_file_cut_at_any_byte),
		TEST(notices_every_flipped_bit),
		TEST(notices_every_byte_that_was_changed_on_purpose),
		TEST(a_newer_version_is_refused_as_newer_and_not_as_damaged),
		TEST(refuses_argon2_parameters_out_of_bounds),
		TEST(refuses_slots_in_disorder_twice_or_too_many),
		TEST(sixteen_slots_fit_and_a_seventeenth_does_not),
		TEST(no_slots_is_a_file_that_only_the_master_key_opens),
		TEST(a_slot_of_another_vault_does_not_open),
		TEST(a_ciphertext_without_its_commitment_is_refused),
		TEST(refuses_an_escrow_key_that_everybody_can_open),
		TEST(calibration_stays_within_the_limits),
		TEST(subkeys_differ_by_purpose_and_master),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
