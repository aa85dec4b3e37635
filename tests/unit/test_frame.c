#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shared/sync/frame.h"
#include "shared/sync/seal.h"
#include "shared/vault/digest.h"
#include "shared/vault/secret.h"
#include "tests/support/vectors.h"

#define V "sync"

/* The keys of tests/vectors/sync.hex. */
struct keys {
	struct secret *device_seed, *scope_key;
	uint8_t device_public[32], device[16], scope_public[32];
};

static int
set_up(void **state)
{
	struct keys *k = calloc(1, sizeof *k);

	if (k == NULL)
		return -1;
	k->device_seed = vectors_secret(V, "device_seed");
	k->scope_key = vectors_secret(V, "scope_key");
	vectors_copy(V, "device_public", k->device_public, 32);
	vectors_copy(V, "scope_public", k->scope_public, 32);
	vectors_copy(V, "device", k->device, 16);
	*state = k;
	return 0;
}

static int
tear_down(void **state)
{
	struct keys *k = *state;

	secret_free(k->device_seed);
	secret_free(k->scope_key);
	free(k);
	return 0;
}

static struct frame_header
header_of(const struct keys *k, struct frame_range *ranges, size_t n)
{
	struct frame_header h = { .compartment = 1, .epoch = 3, .directory_seq = 9,
	    .ranges = ranges, .n_ranges = n };

	memcpy(h.device, k->device, sizeof h.device);
	strcpy(h.unit, "24.001");
	memset(h.directory_head, 0x5a, sizeof h.directory_head);
	return h;
}

static struct frame_range
range_of(uint64_t log, uint64_t first, uint64_t count)
{
	struct frame_range r = { .log = log, .first = first, .count = count };

	memset(r.before, 1, sizeof r.before);
	memset(r.after, 2, sizeof r.after);
	return r;
}

static struct bytes
sealed(const struct keys *k, const void *cargo, size_t len)
{
	struct frame_range r = range_of(7, 1, 2);
	struct frame_header h = header_of(k, &r, 1);
	struct bytes out = { 0 };

	assert_int_equal(frame_seal(&h, k->scope_public, k->device_seed, cargo, len, &out), RC_OK);
	return out;
}

/* Read, and open without asking for the signature. */
static enum rc
read_and_open(const struct keys *k, const uint8_t *p, size_t len, struct bytes *cargo)
{
	struct frame_header h;
	enum rc rc = frame_read(p, len, &h);

	if (rc == RC_OK)
		rc = frame_open(&h, p, len, k->scope_public, k->scope_key, cargo);
	frame_header_reset(&h);
	return rc;
}

static enum rc
read_and_verify(const uint8_t *p, size_t len, const uint8_t sign_public[32])
{
	struct frame_header h;
	enum rc rc = frame_read(p, len, &h);

	if (rc == RC_OK)
		rc = frame_verify(&h, p, len, sign_public);
	frame_header_reset(&h);
	return rc;
}

/* ---- a frame made by another program from formats.md ---- */

static void
opens_a_frame_that_another_program_made(void **state)
{
	const struct keys *k = *state;
	struct bytes f = vectors_get(V, "frame"), want = vectors_get(V, "frame_cargo");
	struct bytes id = vectors_get(V, "frame_id"), cargo = { 0 };
	struct frame_header h;
	uint8_t bytes16[16];

	assert_int_equal(frame_read(f.data, f.len, &h), RC_OK);
	assert_int_equal(h.kind, FRAME_BY_AUTHOR);
	assert_memory_equal(h.device, k->device, 16);
	assert_string_equal(h.unit, "24.001");
	assert_int_equal(h.compartment, 1);
	assert_int_equal(h.epoch, 300);
	assert_int_equal(h.directory_seq, 7);
	for (size_t i = 0; i < 16; i++)
		bytes16[i] = (uint8_t)(0xa0 + i);
	assert_memory_equal(h.directory_head, bytes16, 16);
	assert_int_equal(h.n_ranges, 2);
	assert_true(h.ranges[0].log == 0x1122334455667788u && h.ranges[0].first == 1 &&
	    h.ranges[0].count == 3);
	assert_true(h.ranges[1].log == 0xffeeddccbbaa9988u && h.ranges[1].first == 130 &&
	    h.ranges[1].count == 200);
	assert_int_equal(h.ranges[0].before[0], 0xb0);
	assert_int_equal(h.ranges[1].after[15], 0xef);
	assert_int_equal(h.n_entries, 203);
	assert_memory_equal(h.id, id.data, 32);
	/* cargo and mark are 151 bytes; log2 is 7, of that 2, + 1: up to a multiple of 2^(7-3) */
	assert_int_equal(h.ciphertext_len, 160 + 16);
	assert_int_equal(frame_verify(&h, f.data, f.len, k->device_public), RC_OK);
	assert_int_equal(frame_open(&h, f.data, f.len, k->scope_public, k->scope_key, &cargo),
	    RC_OK);
	assert_int_equal(cargo.len, want.len);
	assert_memory_equal(cargo.data, want.data, want.len);
	frame_header_reset(&h);
	bytes_reset(&f);
	bytes_reset(&want);
	bytes_reset(&id);
	bytes_reset(&cargo);
}

static void
opens_an_empty_cargo_of_another_program(void **state)
{
	const struct keys *k = *state;
	struct bytes f = vectors_get(V, "frame_empty"), cargo = { 0 };

	assert_int_equal(read_and_verify(f.data, f.len, k->device_public), RC_OK);
	assert_int_equal(read_and_open(k, f.data, f.len, &cargo), RC_OK);
	assert_int_equal(cargo.len, 0);
	bytes_reset(&f);
	bytes_reset(&cargo);
}

/* ---- what is sealed opens, and has the size of the rule ---- */

static void
seals_and_opens_cargo_of_many_sizes(void **state)
{
	static const size_t cases[][2] = {	/* cargo, padded: by hand */
		{ 0, 64 }, { 1, 64 }, { 63, 64 }, { 64, 72 }, { 1000, 1024 }, { 99999, 100352 },
		{ FRAME_CARGO_MAX, FRAME_CARGO_MAX + 1 }
	};
	const struct keys *k = *state;
	uint8_t *data = malloc(FRAME_CARGO_MAX);

	assert_non_null(data);
	for (size_t i = 0; i < FRAME_CARGO_MAX; i++)
		data[i] = (uint8_t)(i * 31 >> 3);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bytes f = sealed(k, data, cases[i][0]), cargo = { 0 };
		struct frame_header h;

		assert_int_equal(frame_read(f.data, f.len, &h), RC_OK);
		assert_int_equal(h.ciphertext_len, cases[i][1] + 16);
		assert_int_equal(frame_verify(&h, f.data, f.len, k->device_public), RC_OK);
		assert_int_equal(frame_open(&h, f.data, f.len, k->scope_public, k->scope_key,
		    &cargo), RC_OK);
		assert_int_equal(cargo.len, cases[i][0]);
		if (cargo.len > 0)
			assert_memory_equal(cargo.data, data, cargo.len);
		frame_header_reset(&h);
		bytes_reset(&f);
		bytes_reset(&cargo);
	}
	free(data);
}

static void
cargo_that_ends_like_padding_comes_back_whole(void **state)
{
	static const uint8_t cargo[] = { 1, 0x80, 0, 0x80, 0, 0 };
	const struct keys *k = *state;
	struct bytes f = sealed(k, cargo, sizeof cargo), back = { 0 };

	assert_int_equal(read_and_open(k, f.data, f.len, &back), RC_OK);
	assert_int_equal(back.len, sizeof cargo);
	assert_memory_equal(back.data, cargo, sizeof cargo);
	bytes_reset(&f);
	bytes_reset(&back);
}

static void
two_frames_of_one_cargo_share_no_key_and_no_nonce(void **state)
{
	const struct keys *k = *state;
	struct bytes a = sealed(k, "abc", 3), b = sealed(k, "abc", 3);
	struct frame_header h;

	assert_int_equal(frame_read(a.data, a.len, &h), RC_OK);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, h.context_len - 24 - 80);
	assert_memory_not_equal(a.data + h.context_len - 24, b.data + h.context_len - 24, 24);
	assert_memory_not_equal(a.data + h.context_len - 104, b.data + h.context_len - 104, 80);
	assert_memory_not_equal(a.data + a.len - 80, b.data + b.len - 80, 80);
	frame_header_reset(&h);
	bytes_reset(&a);
	bytes_reset(&b);
}

/* ---- damage and attacks ---- */

static void
refuses_a_frame_with_any_byte_changed(void **state)
{
	const struct keys *k = *state;
	struct bytes f = vectors_get(V, "frame"), cargo = { 0 };
	struct frame_header h;
	size_t signature;

	assert_int_equal(frame_read(f.data, f.len, &h), RC_OK);
	signature = h.header_len;
	frame_header_reset(&h);
	for (size_t i = 0; i < f.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			f.data[i] ^= (uint8_t)(1 << bit);
			assert_int_not_equal(read_and_verify(f.data, f.len, k->device_public), RC_OK);
			/* even who signs again cannot change what the author wrote around it */
			if (i < signature || i >= signature + 64)
				assert_int_not_equal(read_and_open(k, f.data, f.len, &cargo), RC_OK);
			f.data[i] ^= (uint8_t)(1 << bit);
		}
	}
	assert_int_equal(cargo.len, 0);
	bytes_reset(&cargo);
	bytes_reset(&f);
}

static void
refuses_every_cut_and_every_surplus(void **state)
{
	struct bytes f = vectors_get(V, "frame");
	struct frame_header h;

	(void)state;
	for (size_t len = 0; len < f.len; len++) {
		uint8_t *copy = malloc(len + 1);	/* so that a read too far is seen */

		assert_non_null(copy);
		memcpy(copy, f.data, len);
		assert_int_equal(frame_read(copy, len, &h), RC_FORMAT);
		assert_null(h.ranges);
		free(copy);
	}
	bytes_u8(&f, 0);
	assert_int_equal(frame_read(f.data, f.len, &h), RC_FORMAT);
	bytes_reset(&f);
}

static void
refuses_the_signature_and_body_of_another_frame(void **state)
{
	const struct keys *k = *state;
	struct bytes a = sealed(k, "first", 5), b = sealed(k, "other", 5), c = { 0 };
	struct frame_header h;

	assert_int_equal(a.len, b.len);
	assert_int_equal(frame_read(a.data, a.len, &h), RC_OK);
	bytes_put(&c, a.data, h.header_len);
	bytes_put(&c, b.data + h.header_len, b.len - h.header_len);
	assert_int_equal(frame_verify(&h, c.data, c.len, k->device_public), RC_AUTH);
	memcpy(c.data, a.data, a.len);
	memcpy(c.data + h.header_len + 64, b.data + h.header_len + 64, h.ciphertext_len);
	assert_int_equal(frame_verify(&h, c.data, c.len, k->device_public), RC_AUTH);
	frame_header_reset(&h);
	bytes_reset(&a);
	bytes_reset(&b);
	bytes_reset(&c);
}

static void
sign_again(uint8_t *p, size_t header_len, size_t len, const struct secret *seed)
{
	uint8_t digests[64];

	digest_of(digests, 32, "field-frame-header-1", p, header_len);
	digest_of(digests + 32, 32, "field-frame-body-1", p + header_len + 64,
	    len - header_len - 64);
	assert_int_equal(seal_sign(seed, "field-frame-1", digests, 64, p + header_len), RC_OK);
}

/* Strip the author's name and signature, put one's own: whose words are they now? */
static void
nobody_can_pass_off_the_frame_of_another_as_his(void **state)
{
	const struct keys *k = *state;
	struct secret *thief = NULL;
	uint8_t thief_public[32];
	struct bytes f = sealed(k, "mine", 4), cargo = { 0 };
	struct frame_header h;

	assert_int_equal(secret_random(32, &thief), RC_OK);
	assert_int_equal(seal_sign_keys(thief, thief_public), RC_OK);
	identity_device_id(thief_public, f.data + 4);
	assert_int_equal(frame_read(f.data, f.len, &h), RC_OK);
	sign_again(f.data, h.header_len, f.len, thief);
	assert_int_equal(frame_verify(&h, f.data, f.len, thief_public), RC_OK);
	assert_int_equal(frame_open(&h, f.data, f.len, k->scope_public, k->scope_key, &cargo),
	    RC_AUTH);
	frame_header_reset(&h);
	secret_free(thief);
	bytes_reset(&f);
	bytes_reset(&cargo);
}

static void
refuses_the_key_of_another_scope(void **state)
{
	const struct keys *k = *state;
	struct secret *other = vectors_secret(V, "device_box_key");
	uint8_t other_public[32];
	struct bytes f = sealed(k, "abc", 3), cargo = { 0 };
	struct frame_header h;

	vectors_copy(V, "device_box_public", other_public, 32);
	assert_int_equal(frame_read(f.data, f.len, &h), RC_OK);
	assert_int_equal(frame_open(&h, f.data, f.len, other_public, other, &cargo), RC_AUTH);
	assert_int_equal(frame_open(&h, f.data, f.len, k->scope_public, other, &cargo), RC_AUTH);
	assert_int_equal(cargo.len, 0);
	frame_header_reset(&h);
	secret_free(other);
	bytes_reset(&f);
	bytes_reset(&cargo);
}

/*
 * A frame by hand, as a hostile device with good keys would make it: its own
 * padding, and a commitment that may belong to another key.
 */
static struct bytes
forged(const struct keys *k, const uint8_t *padded, size_t len, bool commit_to_another)
{
	struct bytes f = { 0 };
	struct frame_header h;
	uint8_t k0[32], keys[64], nonce[24], ad[32], signature[64] = { 0 };
	struct digest d;
	struct bytes whole = sealed(k, "x", 1);
	size_t header_len;

	assert_int_equal(frame_read(whole.data, whole.len, &h), RC_OK);
	bytes_put(&f, whole.data, h.context_len - 104);
	frame_header_reset(&h);
	secret_random_bytes(k0, sizeof k0);
	secret_random_bytes(nonce, sizeof nonce);
	assert_int_equal(seal_box(k->scope_public, k0, 32, &f), RC_OK);
	bytes_put(&f, nonce, sizeof nonce);
	digest_start(&d, 64, k0, 32, "field-frame-key-1");
	digest_put(&d, f.data, f.len);
	digest_end(&d, keys);
	keys[63] ^= commit_to_another;
	bytes_put(&f, keys + 32, 32);
	bytes_varint(&f, len + 16);
	header_len = f.len;
	digest_of(ad, 32, "field-frame-ad-1", f.data, f.len);
	bytes_put(&f, signature, 64);
	assert_int_equal(seal_encrypt(keys, nonce, ad, 32, padded, len, &f), RC_OK);
	sign_again(f.data, header_len, f.len, k->device_seed);
	bytes_reset(&whole);
	return f;
}

/* Cipher and signature hold; only the commitment tells that a second key could open it too. */
static void
refuses_a_commitment_to_another_key(void **state)
{
	const struct keys *k = *state;
	uint8_t padded[64] = { 'a', 'b', 0x80 };
	struct bytes cargo = { 0 };

	for (int another = 0; another < 2; another++) {
		struct bytes f = forged(k, padded, sizeof padded, another != 0);

		assert_int_equal(read_and_verify(f.data, f.len, k->device_public), RC_OK);
		assert_int_equal(read_and_open(k, f.data, f.len, &cargo), another ? RC_AUTH : RC_OK);
		bytes_reset(&f);
	}
	assert_int_equal(cargo.len, 2);
	bytes_reset(&cargo);
}

static void
refuses_any_padding_but_the_one_of_the_rule(void **state)
{
	const struct keys *k = *state;
	static const struct {
		size_t len, mark, last;	/* mark: where 0x80 stands; last: where a 1 stands */
	} cases[] = {
		{ 64, SIZE_MAX, SIZE_MAX },	/* all zeroes */
		{ 64, 10, 63 },			/* a byte behind the mark */
		{ 64, 10, 11 },
		{ 72, 10, SIZE_MAX },		/* longer than needed */
		{ 72, 63, SIZE_MAX },
		{ 66, 65, SIZE_MAX },		/* no Padmé size */
		{ 128, 100, SIZE_MAX },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint8_t padded[128] = { 0 };
		struct bytes cargo = { 0 }, f;

		if (cases[i].mark != SIZE_MAX)
			padded[cases[i].mark] = 0x80;
		if (cases[i].last != SIZE_MAX)
			padded[cases[i].last] = 1;
		f = forged(k, padded, cases[i].len, false);
		assert_int_equal(read_and_verify(f.data, f.len, k->device_public), RC_OK);
		assert_int_equal(read_and_open(k, f.data, f.len, &cargo), RC_FORMAT);
		assert_int_equal(cargo.len, 0);
		bytes_reset(&f);
		bytes_reset(&cargo);
	}
}

/* ---- grammar ---- */

static void
seals_nothing_that_it_would_not_read(void **state)
{
	const struct keys *k = *state;
	struct frame_range r = range_of(7, 1, 2);
	struct frame_header h = header_of(k, &r, 1);
	uint8_t *big = calloc(1, FRAME_CARGO_MAX + 1), zero[32] = { 0 };
	struct bytes out = { 0 };

	assert_non_null(big);
#define SEAL(len) frame_seal(&h, k->scope_public, k->device_seed, big, (len), &out)
	assert_int_equal(SEAL(FRAME_CARGO_MAX + 1), RC_LIMIT);
	h.kind = 2;
	assert_int_equal(SEAL(1), RC_INVALID);
	h = header_of(k, &r, 0);
	assert_int_equal(SEAL(1), RC_INVALID);
	h = header_of(k, &r, 1);
	h.compartment = 3;
	assert_int_equal(SEAL(1), RC_INVALID);
	h = header_of(k, &r, 1);
	h.unit[0] = '\0';
	assert_int_equal(SEAL(1), RC_INVALID);
	h = header_of(k, &r, 1);
	r.log = 0;
	assert_int_equal(SEAL(1), RC_INVALID);
	r = range_of(7, 1, FRAME_ENTRIES_MAX + 1);
	assert_int_equal(SEAL(1), RC_LIMIT);
	r = range_of(7, 1, 1);
	h.n_ranges = FRAME_RANGES_MAX + 1;
	assert_int_equal(SEAL(1), RC_LIMIT);
	h.n_ranges = 1;
	assert_int_equal(frame_seal(&h, zero, k->device_seed, big, 1, &out), RC_AUTH);
	assert_int_equal(out.len, 0);
	assert_int_equal(SEAL(1), RC_OK);
#undef SEAL
	free(big);
	bytes_reset(&out);
}

static int
start(void **state)
{
	(void)state;
	return secret_start() == RC_OK ? 0 : -1;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opens_a_frame_that_another_program_made),
		TEST(opens_an_empty_cargo_of_another_program),
		TEST(seals_and_opens_cargo_of_many_sizes),
		TEST(cargo_that_ends_like_padding_comes_back_whole),
		TEST(two_frames_of_one_cargo_share_no_key_and_no_nonce),
		TEST(refuses_a_frame_with_any_byte_changed),
		TEST(refuses_every_cut_and_every_surplus),
		TEST(refuses_the_signature_and_body_of_another_frame),
		TEST(nobody_can_pass_off_the_frame_of_another_as_his),
		TEST(refuses_the_key_of_another_scope),
		TEST(refuses_a_commitment_to_another_key),
		TEST(refuses_any_padding_but_the_one_of_the_rule),
		TEST(seals_nothing_that_it_would_not_read),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
