#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "shared/sync/seal.h"
#include "shared/vault/secret.h"
#include "tests/support/vectors.h"

#define V "sync"

static struct secret *
secret_of_hex(const char *hex)
{
	uint8_t key[32];
	struct secret *s = NULL;

	assert_true(bytes_unhex(hex, key, sizeof key));
	assert_int_equal(secret_from(key, sizeof key, &s), RC_OK);
	return s;
}

/* RFC 8032, section 7.1, test 2: the message is the one byte 72. */
static const char SEED[] = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
static const char PUBLIC[] = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
static const char SIGNATURE[] =
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

static void
signs_as_rfc_8032_with_the_label_in_front(void **state)
{
	struct secret *seed = secret_of_hex(SEED);
	uint8_t want[64], got[64], public_key[32], want_public[32];

	(void)state;
	assert_true(bytes_unhex(SIGNATURE, want, 64));
	assert_true(bytes_unhex(PUBLIC, want_public, 32));
	assert_int_equal(seal_sign_keys(seed, public_key), RC_OK);
	assert_memory_equal(public_key, want_public, 32);
	assert_int_equal(seal_sign(seed, "", "\x72", 1, got), RC_OK);
	assert_memory_equal(got, want, 64);
	assert_int_equal(seal_sign(seed, "\x72", NULL, 0, got), RC_OK);
	assert_memory_equal(got, want, 64);
	assert_int_equal(seal_verify(public_key, "", "\x72", 1, want), RC_OK);
	assert_int_equal(seal_verify(public_key, "other", "\x72", 1, want), RC_AUTH);
	secret_free(seed);
}

static void
refuses_a_signature_with_any_bit_changed(void **state)
{
	uint8_t public_key[32], signature[64], message = 0x72;

	(void)state;
	assert_true(bytes_unhex(PUBLIC, public_key, 32));
	assert_true(bytes_unhex(SIGNATURE, signature, 64));
	for (size_t bit = 0; bit < 64 * 8; bit++) {
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(seal_verify(public_key, "", &message, 1, signature), RC_AUTH);
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < 32 * 8; bit++) {
		public_key[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(seal_verify(public_key, "", &message, 1, signature), RC_AUTH);
		public_key[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	message ^= 1;
	assert_int_equal(seal_verify(public_key, "", &message, 1, signature), RC_AUTH);
}

/* S + L signs the same message for a verifier that does not look (RFC 8032, 5.1.7). */
static void
refuses_a_signature_whose_s_is_not_canonical(void **state)
{
	static const uint8_t order[32] = {
		0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde,
		0xf9, 0xde, 0x14, [31] = 0x10
	};
	uint8_t public_key[32], signature[64];
	unsigned carry = 0;

	(void)state;
	assert_true(bytes_unhex(PUBLIC, public_key, 32));
	assert_true(bytes_unhex(SIGNATURE, signature, 64));
	for (size_t i = 0; i < 32; i++) {
		carry += (unsigned)signature[32 + i] + order[i];
		signature[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(carry, 0);
	assert_int_equal(seal_verify(public_key, "", "\x72", 1, signature), RC_AUTH);
}

/* Under such a key R = the key, S = 0 would sign every message or one in eight. */
static void
refuses_small_order_public_keys(void **state)
{
	static const char *const keys[] = {
		"0100000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
	};

	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		uint8_t key[32], signature[64] = { 0 };

		assert_true(bytes_unhex(keys[i], key, 32));
		signature[0] = 1;
		for (unsigned m = 0; m < 32; m++) {
			uint8_t message = (uint8_t)m;

			assert_int_equal(seal_verify(key, "", &message, 1, signature), RC_AUTH);
		}
		memcpy(signature, key, 32);
		assert_int_equal(seal_verify(key, "", "x", 1, signature), RC_AUTH);
	}
}

static void
opens_a_box_that_another_program_sealed(void **state)
{
	struct secret *key = vectors_secret(V, "scope_key"), *name = NULL;
	struct bytes sealed = vectors_get(V, "sealed_name");
	uint8_t public_key[32], want[32];

	(void)state;
	vectors_copy(V, "scope_public", want, 32);
	assert_int_equal(seal_box_keys(key, public_key), RC_OK);
	assert_memory_equal(public_key, want, 32);
	assert_int_equal(seal_box_open(public_key, key, sealed.data, sealed.len, &name), RC_OK);
	assert_int_equal(secret_len(name), strlen("Lò Thị Hoa"));
	assert_memory_equal(secret_bytes(name), "Lò Thị Hoa", strlen("Lò Thị Hoa"));
	secret_free(name);
	secret_free(key);
	bytes_reset(&sealed);
}

static void
refuses_a_box_that_was_changed_cut_or_is_for_another(void **state)
{
	struct secret *key = vectors_secret(V, "scope_key"), *out = NULL;
	struct secret *other = vectors_secret(V, "device_box_key");
	uint8_t public_key[32], other_public[32];
	struct bytes box = { 0 };

	(void)state;
	assert_int_equal(seal_box_keys(key, public_key), RC_OK);
	assert_int_equal(seal_box_keys(other, other_public), RC_OK);
	assert_int_equal(seal_box(public_key, "a key", 5, &box), RC_OK);
	assert_int_equal(box.len, 5 + SEAL_BOX_OVERHEAD);
	for (size_t i = 0; i < box.len; i++) {
		box.data[i] ^= 1;
		assert_int_equal(seal_box_open(public_key, key, box.data, box.len, &out), RC_AUTH);
		assert_null(out);
		box.data[i] ^= 1;
		assert_int_equal(seal_box_open(public_key, key, box.data, i, &out), RC_AUTH);
	}
	assert_int_equal(seal_box_open(other_public, other, box.data, box.len, &out), RC_AUTH);
	assert_int_equal(seal_box_open(public_key, key, box.data, box.len, &out), RC_OK);
	assert_memory_equal(secret_bytes(out), "a key", 5);
	secret_free(out);
	secret_free(key);
	secret_free(other);
	bytes_reset(&box);
}

static void
seals_to_no_public_key_of_small_order(void **state)
{
	static const char *const keys[] = {	/* RFC 7748, section 6.1, and its note on zero */
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
	};
	struct bytes box = { 0 };
	uint8_t key[32];

	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		assert_true(bytes_unhex(keys[i], key, 32));
		assert_false(seal_box_public_is_valid(key));
		assert_int_equal(seal_box(key, "x", 1, &box), RC_AUTH);
		assert_int_equal(box.len, 0);
	}
	vectors_copy(V, "scope_public", key, 32);
	assert_true(seal_box_public_is_valid(key));
	bytes_reset(&box);
}

/* draft-irtf-cfrg-xchacha-03, A.3.1 */
static void
encrypts_as_the_published_vector(void **state)
{
	static const char plain[] = "Ladies and Gentlemen of the class of '99: If I could offer you "
	    "only one tip for the future, sunscreen would be it.";
	static const char want_hex[] =
	    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa644"
	    "0bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e"
	    "3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e"
	    "c0875924c1c7987947deafd8780acf49";
	static const uint8_t ad[] = { 0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5,
	    0xc6, 0xc7 };
	uint8_t key[32], nonce[24], want[sizeof want_hex / 2];
	struct bytes out = { 0 }, back = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)(0x80 + i);
	for (size_t i = 0; i < sizeof nonce; i++)
		nonce[i] = (uint8_t)(0x40 + i);
	assert_true(bytes_unhex(want_hex, want, sizeof want));
	assert_int_equal(seal_encrypt(key, nonce, ad, sizeof ad, plain, strlen(plain), &out), RC_OK);
	assert_int_equal(out.len, sizeof want);
	assert_memory_equal(out.data, want, sizeof want);
	for (size_t i = 0; i < out.len; i++) {
		out.data[i] ^= 0x80;
		assert_int_equal(seal_decrypt(key, nonce, ad, sizeof ad, out.data, out.len, &back),
		    RC_AUTH);
		out.data[i] ^= 0x80;
		assert_int_equal(seal_decrypt(key, nonce, ad, sizeof ad, out.data, i, &back), RC_AUTH);
		assert_int_equal(back.len, 0);
	}
	assert_int_equal(seal_decrypt(key, nonce, ad, sizeof ad - 1, out.data, out.len, &back),
	    RC_AUTH);
	assert_int_equal(seal_decrypt(key, nonce, ad, sizeof ad, out.data, out.len, &back), RC_OK);
	assert_int_equal(back.len, strlen(plain));
	assert_memory_equal(back.data, plain, back.len);
	bytes_reset(&out);
	bytes_reset(&back);
}

/* Worked by hand from the rule in formats.md. */
static void
padme_rounds_as_worked_by_hand(void **state)
{
	static const size_t cases[][2] = {
		{ 0, 0 }, { 1, 1 }, { 2, 2 }, { 8, 8 }, { 9, 10 }, { 64, 64 }, { 65, 72 },
		{ 100, 104 }, { 1001, 1024 }, { 1025, 1088 }, { 100000, 100352 },
		{ 4128768, 4128768 }, { 4128769, 4194304 }
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(seal_padme(cases[i][0]), cases[i][1]);
	assert_true(seal_padme(SIZE_MAX) == SIZE_MAX);
}

static void
padme_adds_at_most_an_eighth_and_stays_put(void **state)
{
	size_t last = 0;

	(void)state;
	for (size_t n = 1; n < 70000; n++) {
		size_t padded = seal_padme(n);

		assert_true(padded >= n && padded - n <= n / 8);
		assert_int_equal(seal_padme(padded), padded);
		assert_true(padded >= last);
		last = padded;
	}
}

static void
refuses_secrets_of_another_length(void **state)
{
	struct secret *s = NULL, *out = NULL;
	uint8_t public_key[32], signature[64], box[64] = { 0 };

	(void)state;
	assert_int_equal(secret_random(31, &s), RC_OK);
	assert_int_equal(seal_sign_keys(s, public_key), RC_INTERNAL);
	assert_int_equal(seal_sign(s, "", "", 0, signature), RC_INTERNAL);
	assert_int_equal(seal_box_keys(s, public_key), RC_INTERNAL);
	assert_int_equal(seal_box_open(public_key, s, box, sizeof box, &out), RC_INTERNAL);
	secret_free(s);
}

static int
start(void **state)
{
	(void)state;
	return secret_start() == RC_OK ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_as_rfc_8032_with_the_label_in_front),
		cmocka_unit_test(refuses_a_signature_with_any_bit_changed),
		cmocka_unit_test(refuses_a_signature_whose_s_is_not_canonical),
		cmocka_unit_test(refuses_small_order_public_keys),
		cmocka_unit_test(opens_a_box_that_another_program_sealed),
		cmocka_unit_test(refuses_a_box_that_was_changed_cut_or_is_for_another),
		cmocka_unit_test(seals_to_no_public_key_of_small_order),
		cmocka_unit_test(encrypts_as_the_published_vector),
		cmocka_unit_test(padme_rounds_as_worked_by_hand),
		cmocka_unit_test(padme_adds_at_most_an_eighth_and_stays_put),
		cmocka_unit_test(refuses_secrets_of_another_length),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
