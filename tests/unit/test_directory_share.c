#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/directory.h"
#include "shared/vault/secret.h"
#include "tests/support/small_province.h"
#include "tests/support/vectors.h"

#define V "sync"

static struct bytes
vector_share(int i)
{
	char key[32];

	snprintf(key, sizeof key, "share_%d", i);
	return vectors_get(V, key);
}

static void
reads_and_writes_the_shares_of_another_program(void **state)
{
	uint8_t device[16];

	(void)state;
	vectors_copy(V, "device", device, 16);
	for (int i = 0; i < 5; i++) {
		struct bytes want = vector_share(i), got = { 0 };
		struct share s;

		assert_int_equal(directory_share_read(want.data, want.len, &s), RC_OK);
		assert_string_equal(s.unit, "24.001");
		assert_int_equal(s.compartment, 1);
		assert_int_equal(s.epoch, i);
		assert_int_equal(s.to_device, i % 2);
		if (i % 2 == 0) {
			assert_string_equal(s.to_unit, "24");
			assert_int_equal(s.to_compartment, 1);
			assert_int_equal(s.to_epoch, 200 + i);
		} else {
			assert_memory_equal(s.to_device_id, device, 16);
		}
		directory_share_write(&s, &got);
		assert_int_equal(got.len, want.len);
		assert_memory_equal(got.data, want.data, want.len);
		for (size_t len = 0; len < want.len; len++)
			assert_int_equal(directory_share_read(want.data, len, &s), RC_FORMAT);
		bytes_u8(&want, 0);
		assert_int_equal(directory_share_read(want.data, want.len, &s), RC_FORMAT);
		want.len--;
		want.data[7] = 3;		/* compartment */
		assert_int_equal(directory_share_read(want.data, want.len, &s), RC_FORMAT);
		want.data[7] = 1;
		want.data[9] = 2;		/* recipient */
		assert_int_equal(directory_share_read(want.data, want.len, &s), RC_FORMAT);
		bytes_reset(&want);
		bytes_reset(&got);
	}
}

/* 0, 1, 2 and odd numbers too: a node without a partner moves up. */
static void
roots_are_those_of_another_program(void **state)
{
	struct bytes shares[5];

	(void)state;
	for (int i = 0; i < 5; i++)
		shares[i] = vector_share(i);
	for (size_t n = 0; n <= 5; n++) {
		uint8_t want[32], got[32];
		char key[32];

		snprintf(key, sizeof key, "share_root_%zu", n);
		vectors_copy(V, key, want, 32);
		directory_share_root(shares, n, got);
		assert_memory_equal(got, want, 32);
	}
	for (int i = 0; i < 5; i++)
		bytes_reset(&shares[i]);
}

enum { MOST = 33 };

/* n different shares of the scope 24.1/1, promised by the next statement; its seq. */
static uint64_t
promise(struct small_province *p, struct bytes shares[MOST], size_t n, uint32_t epoch)
{
	struct scope_key key = { .unit = "24.1", .compartment = 1, .epoch = epoch };
	struct bytes payload = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct share s = { .unit = "24.1", .compartment = 1, .epoch = epoch,
		    .to_device = true };

		s.to_device_id[0] = (uint8_t)i;
		secret_random_bytes(s.sealed, sizeof s.sealed);
		directory_share_write(&s, &shares[i]);
	}
	directory_write_keys(&key, 1, shares, n, &payload);
	small_province_say(p, STATEMENT_KEYS, &payload);
	return directory_count(p->d) - 1;
}

static void
reset_shares(struct bytes shares[MOST], size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes_reset(&shares[i]);
}

static void
every_line_of_a_list_of_any_length_leads_to_the_root(void **state)
{
	struct small_province p;
	struct bytes shares[MOST] = { { 0 } };

	(void)state;
	small_province_open(&p);
	for (size_t n = 1; n <= MOST; n++) {
		uint64_t seq = promise(&p, shares, n, (uint32_t)n);
		struct share_tree *tree = NULL;

		assert_int_equal(directory_share_tree_new(shares, n, &tree), RC_OK);
		for (size_t i = 0; i < n; i++) {
			struct bytes item = { 0 }, again = { 0 };
			struct share s;

			assert_int_equal(directory_share_tree_item(tree, i, seq, &item), RC_OK);
			assert_int_equal(directory_share_item(shares, n, i, seq, &again), RC_OK);
			assert_int_equal(item.len, again.len);
			assert_memory_equal(item.data, again.data, item.len);
			assert_int_equal(directory_share_check(p.d, item.data, item.len, &s), RC_OK);
			assert_int_equal(s.to_device_id[0], i);
			assert_int_equal(s.epoch, n);
			bytes_reset(&item);
			bytes_reset(&again);
		}
		assert_int_equal(directory_share_item(shares, n, n, seq, &shares[0]), RC_NOTFOUND);
		directory_share_tree_free(tree);
		reset_shares(shares, n);
	}
	small_province_close(&p);
}

static void
refuses_a_line_that_was_changed_moved_or_cut(void **state)
{
	struct small_province p;
	struct bytes shares[MOST] = { { 0 } }, item = { 0 }, longer = { 0 };
	struct share s;
	uint8_t *exact;
	uint64_t seq;

	(void)state;
	small_province_open(&p);
	seq = promise(&p, shares, 7, 1);
	for (size_t i = 0; i < 7; i++) {
		bytes_reset(&item);
		assert_int_equal(directory_share_item(shares, 7, i, seq, &item), RC_OK);
		for (size_t at = 0; at < item.len; at++) {
			item.data[at] ^= 1;
			assert_int_not_equal(directory_share_check(p.d, item.data, item.len, &s), RC_OK);
			item.data[at] ^= 1;
			assert_int_equal(directory_share_check(p.d, item.data, at, &s), RC_FORMAT);
		}
		for (uint8_t other = 0; other < 9; other++) {
			if (other == i)
				continue;
			item.data[1] = other;
			assert_int_equal(directory_share_check(p.d, item.data, item.len, &s), RC_AUTH);
		}
	}
	/* the last line of seven has a path of two; one more node, and one less */
	item.data[1] = 6;
	assert_int_equal(item.data[item.len - 65], 2);
	bytes_put(&longer, item.data, item.len);
	longer.data[longer.len - 65] = 3;
	bytes_put(&longer, item.data + item.len - 32, 32);
	assert_int_equal(directory_share_check(p.d, longer.data, longer.len, &s), RC_AUTH);
	item.data[item.len - 65] = 1;
	exact = malloc(item.len - 32);		/* so that a step too far is seen */
	assert_non_null(exact);
	memcpy(exact, item.data, item.len - 32);
	assert_int_equal(directory_share_check(p.d, exact, item.len - 32, &s), RC_AUTH);
	free(exact);
	reset_shares(shares, 7);
	bytes_reset(&item);
	bytes_reset(&longer);
	small_province_close(&p);
}

static void
a_line_of_another_statement_is_not_this_one(void **state)
{
	struct small_province p;
	struct bytes shares[MOST] = { { 0 } }, others[MOST] = { { 0 } }, item = { 0 };
	struct share s;
	uint64_t seq, other;

	(void)state;
	small_province_open(&p);
	seq = promise(&p, shares, 4, 1);
	other = promise(&p, others, 4, 2);
	assert_int_equal(directory_share_item(shares, 4, 2, other, &item), RC_OK);
	assert_int_equal(directory_share_check(p.d, item.data, item.len, &s), RC_AUTH);
	item.data[0] = (uint8_t)(other + 1);	/* not here yet */
	assert_int_equal(directory_share_check(p.d, item.data, item.len, &s), RC_NOTFOUND);
	item.data[0] = 1;			/* a statement of units */
	assert_int_equal(directory_share_check(p.d, item.data, item.len, &s), RC_NOTFOUND);
	item.data[0] = (uint8_t)seq;
	assert_int_equal(directory_share_check(p.d, item.data, item.len, &s), RC_OK);
	(void)promise(&p, NULL, 0, 3);
	item.data[0] = (uint8_t)(other + 1);	/* promised none */
	assert_int_equal(directory_share_check(p.d, item.data, item.len, &s), RC_NOTFOUND);
	reset_shares(shares, 4);
	reset_shares(others, 4);
	bytes_reset(&item);
	small_province_close(&p);
}

static void
a_whole_list_is_taken_and_any_other_refused(void **state)
{
	struct small_province p;
	struct bytes shares[MOST] = { { 0 } }, list = { 0 }, *again = NULL, swap;
	struct share *read = NULL;
	uint64_t seq, told;
	size_t n;

	(void)state;
	small_province_open(&p);
	seq = promise(&p, shares, 11, 1);
	directory_share_list_write(shares, 11, seq, &list);
	assert_int_equal(directory_share_list_check(p.d, list.data, list.len, &read, &n), RC_OK);
	assert_int_equal(n, 11);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(read[i].to_device_id[0], i);
	free(read);
	assert_int_equal(directory_share_list_read(list.data, list.len, &told, &again, &n), RC_OK);
	assert_true(told == seq && n == 11);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(again[i].len, shares[i].len);
		assert_memory_equal(again[i].data, shares[i].data, shares[i].len);
		bytes_reset(&again[i]);
	}
	free(again);
	for (size_t at = 0; at < list.len; at++) {
		list.data[at] ^= 1;
		assert_int_not_equal(directory_share_list_check(p.d, list.data, list.len, &read, &n),
		    RC_OK);
		assert_null(read);
		list.data[at] ^= 1;
		assert_int_equal(directory_share_list_check(p.d, list.data, at, &read, &n), RC_FORMAT);
	}
	swap = shares[3];
	shares[3] = shares[4];
	shares[4] = swap;
	for (size_t fewer = 0; fewer < 2; fewer++) {
		bytes_reset(&list);
		directory_share_list_write(shares, 11 - fewer, seq, &list);
		assert_int_equal(directory_share_list_check(p.d, list.data, list.len, &read, &n),
		    RC_AUTH);
	}
	reset_shares(shares, 11);
	bytes_reset(&list);
	small_province_close(&p);
}

static void
refuses_a_promise_beyond_the_limit_or_without_sense(void **state)
{
	struct small_province p;
	struct bytes payload = { 0 };
	uint8_t zeroes[32] = { 0 }, root[32] = { 1 };

	(void)state;
	small_province_open(&p);
	bytes_varint(&payload, 0);
	bytes_varint(&payload, 0);
	bytes_put(&payload, root, 32);
	assert_int_equal(small_province_try(&p, STATEMENT_KEYS, &payload), RC_FORMAT);
	bytes_varint(&payload, 0);
	bytes_varint(&payload, DIRECTORY_SHARES_MAX + 1);
	bytes_put(&payload, root, 32);
	assert_int_equal(small_province_try(&p, STATEMENT_KEYS, &payload), RC_FORMAT);
	bytes_varint(&payload, 0);
	bytes_varint(&payload, DIRECTORY_SHARES_MAX);
	bytes_put(&payload, zeroes, 32);
	assert_int_equal(small_province_try(&p, STATEMENT_KEYS, &payload), RC_OK);
	small_province_close(&p);
}

static void
the_fullest_list_has_paths_of_fifteen_and_fits_an_item(void **state)
{
	struct small_province p;
	struct bytes *shares = calloc(DIRECTORY_SHARES_MAX, sizeof *shares), list = { 0 };
	struct bytes payload = { 0 }, item = { 0 };
	struct scope_key key = { .unit = "24", .epoch = 1 };
	struct share_tree *tree = NULL;
	struct share s = { .unit = "1234567890123456", .epoch = UINT32_MAX,
	    .to_unit = "1234567890123456", .to_epoch = UINT32_MAX };

	(void)state;
	assert_non_null(shares);
	small_province_open(&p);
	for (size_t i = 0; i < DIRECTORY_SHARES_MAX; i++) {
		memcpy(s.sealed, &i, sizeof i);
		directory_share_write(&s, &shares[i]);
	}
	assert_true(shares[0].len <= DIRECTORY_SHARE_MAX);
	directory_write_keys(&key, 1, shares, DIRECTORY_SHARES_MAX, &payload);
	small_province_say(&p, STATEMENT_KEYS, &payload);
	directory_share_list_write(shares, DIRECTORY_SHARES_MAX, 2, &list);
	assert_true(list.len <= (4u << 20) + (256u << 10));
	assert_int_equal(directory_share_tree_new(shares, DIRECTORY_SHARES_MAX, &tree), RC_OK);
	for (size_t i = 0; i < DIRECTORY_SHARES_MAX; i += 4681) {
		bytes_reset(&item);
		assert_int_equal(directory_share_tree_item(tree, i, 2, &item), RC_OK);
		assert_int_equal(directory_share_check(p.d, item.data, item.len, &s), RC_OK);
	}
	directory_share_tree_free(tree);
	assert_int_equal(directory_share_tree_new(shares, (size_t)DIRECTORY_SHARES_MAX + 1, &tree),
	    RC_LIMIT);
	assert_int_equal(directory_share_tree_new(shares, 0, &tree), RC_LIMIT);
	for (size_t i = 0; i < DIRECTORY_SHARES_MAX; i++)
		bytes_reset(&shares[i]);
	free(shares);
	bytes_reset(&list);
	bytes_reset(&item);
	small_province_close(&p);
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
		cmocka_unit_test(reads_and_writes_the_shares_of_another_program),
		cmocka_unit_test(roots_are_those_of_another_program),
		cmocka_unit_test(every_line_of_a_list_of_any_length_leads_to_the_root),
		cmocka_unit_test(refuses_a_line_that_was_changed_moved_or_cut),
		cmocka_unit_test(a_line_of_another_statement_is_not_this_one),
		cmocka_unit_test(a_whole_list_is_taken_and_any_other_refused),
		cmocka_unit_test(refuses_a_promise_beyond_the_limit_or_without_sense),
		cmocka_unit_test(the_fullest_list_has_paths_of_fifteen_and_fits_an_item),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
