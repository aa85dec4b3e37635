#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/small_province.h"

/* A statement that retires a device, shown to it without the statements before it (formats.md "Directory"). */

static struct small_province p;
static struct small_province_device self, other;
static uint64_t known;			/* statements that the device has */

/* The chain as the device has it. */
static struct directory *
chain_up_to(uint64_t n)
{
	struct directory *d = NULL;
	bool forked;

	assert_int_equal(directory_new(&d), RC_OK);
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(directory_add(d, p.said[i].data, p.said[i].len, NULL, &forked, NULL), RC_OK);
	return d;
}

/* Two devices; then units, which the first one does not hear of; then it is retired. */
static int
setup(void **state)
{
	const struct device_head heads[] = { { 9, 4 }, { 5, 3 } };
	char code[] = "24.3";
	struct unit unit = small_province_unit(code, "24");
	struct bytes payload = { 0 };

	(void)state;
	if (secret_start() != RC_OK)
		return -1;
	small_province_open(&p);
	small_province_admit(&p, "24.1", ROLE_CASEWORKER, &self);
	small_province_admit(&p, "24.1", ROLE_CASEWORKER, &other);
	known = p.n_said;
	directory_write_units(&unit, 1, &payload);
	small_province_say(&p, STATEMENT_UNITS, &payload);
	directory_write_retire(self.identity.device, "mất máy", heads, 2, &payload);
	small_province_say(&p, STATEMENT_RETIRE, &payload);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	small_province_device_reset(&self);
	small_province_device_reset(&other);
	small_province_close(&p);
	return 0;
}

static enum rc
judge(const struct directory *d, const struct bytes *statement, const uint8_t device[16])
{
	struct device out;
	enum rc rc = directory_retirement_read(d, statement->data, statement->len, device, &out);

	if (rc != RC_OK)
		assert_int_equal(out.n_heads + out.state, 0);
	free(out.heads);
	return rc;
}

static void
a_retirement_holds_without_the_statements_before_it(void **state)
{
	const struct bytes *s = &p.said[p.n_said - 1];
	struct directory *d = chain_up_to(known);
	struct device out;
	bool forked;

	(void)state;
	assert_int_equal(directory_add(d, s->data, s->len, NULL, &forked, NULL), RC_PROTOCOL);
	assert_false(forked);
	assert_int_equal(directory_retirement_read(d, s->data, s->len, self.identity.device, &out), RC_OK);
	assert_int_equal(out.state, DEVICE_RETIRED);
	assert_string_equal(out.reason, "mất máy");
	assert_memory_equal(out.cert.device, self.identity.device, 16);
	assert_int_equal(out.n_heads, 2);
	assert_true(directory_device_counts(&out, 5, 3));
	assert_false(directory_device_counts(&out, 5, 4));
	free(out.heads);
	/* and leaves the chain as it was */
	assert_int_equal(directory_count(d), known);
	assert_int_equal(directory_device(d, self.identity.device)->state, DEVICE_ADMITTED);
	directory_free(d);
}

static void
it_retires_nobody_else_and_cannot_be_changed(void **state)
{
	const struct bytes *s = &p.said[p.n_said - 1];
	struct directory *d = chain_up_to(known);
	struct bytes copy = { 0 };

	(void)state;
	assert_int_equal(judge(d, s, other.identity.device), RC_NOTFOUND);
	bytes_put(&copy, s->data, s->len);
	for (size_t i = 0; i < 8 * s->len; i++) {
		copy.data[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_not_equal(judge(d, &copy, self.identity.device), RC_OK);
		assert_int_not_equal(judge(d, &copy, other.identity.device), RC_OK);
		copy.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (copy.len = 0; copy.len < s->len; copy.len++)
		assert_int_not_equal(judge(d, &copy, self.identity.device), RC_OK);
	/* nothing but a retirement is one, whoever it names */
	for (size_t i = 0; i + 1 < p.n_said; i++)
		assert_int_equal(judge(d, &p.said[i], self.identity.device), RC_NOTFOUND);
	directory_free(d);
	bytes_reset(&copy);
}

static void
another_root_retires_nobody(void **state)
{
	struct directory *d = chain_up_to(known);
	struct secret *root = NULL;
	struct bytes payload = { 0 }, forged = { 0 };

	(void)state;
	assert_int_equal(secret_random(32, &root), RC_OK);
	directory_write_retire(self.identity.device, "mất máy", NULL, 0, &payload);
	assert_int_equal(directory_sign(p.d, root, STATEMENT_RETIRE, 1, &payload, &forged), RC_OK);
	assert_int_equal(judge(d, &forged, self.identity.device), RC_AUTH);
	secret_free(root);
	bytes_reset(&payload);
	bytes_reset(&forged);
	directory_free(d);
}

/* A refused device may be admitted after all: only the chain can say how it stands. */
static void
a_refusal_is_nothing_that_can_be_shown_alone(void **state)
{
	struct directory *d = chain_up_to(known);
	struct bytes payload = { 0 };

	(void)state;
	directory_write_refuse(other.identity.device, "lời mời đã dùng", &payload);
	small_province_say(&p, STATEMENT_REFUSE, &payload);
	assert_int_equal(judge(d, &p.said[p.n_said - 1], other.identity.device), RC_NOTFOUND);
	directory_free(d);
}

static void
a_chain_that_has_come_so_far_says_itself_what_holds(void **state)
{
	const struct bytes *s = &p.said[p.n_said - 1];
	struct directory *d = chain_up_to(p.n_said);
	struct directory *before = chain_up_to(p.n_said - 1), *elsewhere = chain_up_to(known);
	struct bytes payload = { 0 }, branch = { 0 };
	bool forked;

	(void)state;
	assert_int_equal(judge(d, s, self.identity.device), RC_NOTFOUND);
	assert_int_equal(judge(before, s, self.identity.device), RC_OK);
	/* of another past it is no retirement, though the root signed it: there is a fork to be told of */
	directory_write_admit(&other.certificate, 1, &payload);
	assert_int_equal(directory_sign(elsewhere, p.root, STATEMENT_ADMIT, 1, &payload, &branch), RC_OK);
	assert_int_equal(directory_add(elsewhere, branch.data, branch.len, NULL, &forked, NULL), RC_OK);
	assert_int_equal(judge(elsewhere, s, self.identity.device), RC_PROTOCOL);
	bytes_reset(&payload);
	bytes_reset(&branch);
	directory_free(d);
	directory_free(before);
	directory_free(elsewhere);
}

/* What is shown alone must be final: no later statement takes it back, not even by a detour. */
static void
nobody_is_admitted_again_who_was_retired_and_then_refused(void **state)
{
	struct bytes payload = { 0 };

	(void)state;
	directory_write_refuse(self.identity.device, "giả mạo", &payload);
	small_province_say(&p, STATEMENT_REFUSE, &payload);
	directory_write_admit(&self.certificate, 1, &payload);
	assert_int_equal(small_province_try(&p, STATEMENT_ADMIT, &payload), RC_INVALID);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_retirement_holds_without_the_statements_before_it),
		TEST(it_retires_nobody_else_and_cannot_be_changed),
		TEST(another_root_retires_nobody),
		TEST(a_refusal_is_nothing_that_can_be_shown_alone),
		TEST(a_chain_that_has_come_so_far_says_itself_what_holds),
		TEST(nobody_is_admitted_again_who_was_retired_and_then_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
