#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/records/entry.h"
#include "shared/records/value.h"

#define LOG UINT64_C(0x0102030405060708)

/* Made by an independent script from the grammar (Python, hashlib.blake2b). */
static const char CREATES[] = "010106706572736f6e03c0e488920d060100000212c490e1bab76e67205468e1bb8b"
    "2048c3b26102000003014603000007020304a0b93e040007010002030254310302543209000006042d302e350c000001"
    "05";
static const char DELETES[] = "010208070605040302010106706572736f6e03010f6e68e1baa76d206e67c6b0e1bb"
    "9d6903000002080706050403020101000807060504030201020001000701010807060504030201010200080201090706"
    "0504030201ac02c801";
static const char RESTATES[] =
    "010508070605040302010103746970010008070605040302010101ff0f0000050a0706050403020101";

static size_t
unhex(const char *hex, uint8_t out[256])
{
	size_t len = strlen(hex) / 2;

	assert_true(len <= 256);
	assert_true(bytes_unhex(hex, out, len));
	return len;
}

static struct value
text_value(enum value_type type, const char *s)
{
	struct value v = { .type = type, .text = s, .text_len = strlen(s) };

	return v;
}

static void
assert_encodes_to(const struct entry *e, const char *hex)
{
	uint8_t want[256];
	size_t len = unhex(hex, want);
	struct bytes got;

	bytes_init(&got);
	assert_int_equal(entry_encode(e, &got), RC_OK);
	assert_int_equal(got.len, len);
	assert_memory_equal(got.data, want, len);
	bytes_reset(&got);
}

/* CREATES as a struct. */
struct made {
	struct value values[8];
	struct value_member members[2];
	struct write writes[6];
	struct entry entry;
};

static void
make_creating(struct made *m)
{
	memset(m, 0, sizeof(*m));
	m->members[0].field = 3;
	m->members[0].value.type = VALUE_DATE;
	m->members[0].value.integer = (1998 * 16 + 5) * 32;
	m->members[1].field = 4;
	m->values[0] = text_value(VALUE_TEXT, "Đặng Thị Hòa");
	m->values[1] = text_value(VALUE_CODE, "F");
	m->values[2].type = VALUE_GROUP;
	m->values[2].members = m->members;
	m->values[2].n_members = 2;
	m->values[3] = text_value(VALUE_CODE, "T1");
	m->values[4] = text_value(VALUE_CODE, "T2");
	m->values[5] = text_value(VALUE_DECIMAL, "-0.5");
	m->values[6].type = VALUE_INTEGER;
	m->values[6].integer = -3;
	m->writes[0] = (struct write){ .field = 1, .values = &m->values[0], .n_values = 1 };
	m->writes[1] = (struct write){ .field = 2, .values = &m->values[1], .n_values = 1 };
	m->writes[2] = (struct write){ .field = 3, .values = &m->values[2], .n_values = 1 };
	m->writes[3] = (struct write){ .field = 7, .kind = WRITE_ITEMS,
		.values = &m->values[3], .n_values = 2 };
	m->writes[4] = (struct write){ .field = 9, .values = &m->values[5], .n_values = 1 };
	m->writes[5] = (struct write){ .field = 12, .values = &m->values[6], .n_values = 1 };
	m->entry = (struct entry){ .dot = { LOG, 1 }, .creates = true, .record = { LOG, 1 },
		.form = "person", .form_len = 6, .form_version = 3, .saved_at = 1763776800,
		.writes = m->writes, .n_writes = 6 };
}

static void
encodes_every_type_of_value_as_worked_by_hand(void **state)
{
	struct made m;

	(void)state;
	make_creating(&m);
	assert_encodes_to(&m.entry, CREATES);
}

static void
encodes_delete_with_reason_and_void_as_worked_by_hand(void **state)
{
	const struct address seen[] = { { { LOG, 1 }, 0 }, { { LOG, 2 }, 0 } };
	const struct address item = { { LOG, 1 }, 2 };
	const struct address struck = { { LOG + 1, 300 }, 200 };
	const struct value zero = { .type = VALUE_INTEGER };
	const struct write writes[] = {
		{ .field = ENTRY_ALIVE, .replaces = seen, .n_replaces = 2, .values = &zero, .n_values = 1 },
		{ .field = 7, .kind = WRITE_ITEMS, .replaces = &item, .n_replaces = 1 },
		{ .field = 8, .kind = WRITE_VOID, .replaces = &struck, .n_replaces = 1 },
	};
	const char *reason = "nhầm người";
	const struct entry e = { .dot = { LOG, 3 }, .record = { LOG, 1 }, .form = "person",
		.form_len = 6, .form_version = 3, .saved_at = -1, .reason = reason,
		.reason_len = strlen(reason), .writes = writes, .n_writes = 3 };

	(void)state;
	assert_encodes_to(&e, DELETES);
}

static void
decodes_what_was_worked_by_hand(void **state)
{
	uint8_t body[256];
	size_t len = unhex(CREATES, body);
	struct entry e;
	struct made m;

	(void)state;
	make_creating(&m);
	assert_int_equal(entry_decode(body, len, (struct dot){ LOG, 1 }, &e), RC_OK);
	assert_true(e.creates);
	assert_false(e.restated);
	assert_int_equal(e.record.log, LOG);
	assert_int_equal(e.form_version, 3);
	assert_int_equal(e.saved_at, 1763776800);
	assert_null(e.reason);
	assert_int_equal(e.n_writes, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(e.writes[i].field, m.writes[i].field);
		assert_int_equal(e.writes[i].kind, m.writes[i].kind);
		assert_int_equal(e.writes[i].n_values, m.writes[i].n_values);
		for (size_t k = 0; k < e.writes[i].n_values; k++)
			assert_true(value_equal(&e.writes[i].values[k], &m.writes[i].values[k]));
	}
	entry_reset(&e);
}

static void
assert_identity(const char *hex, struct dot dot)
{
	uint8_t body[256];
	size_t len = unhex(hex, body);
	struct entry e;

	assert_int_equal(entry_decode(body, len, dot, &e), RC_OK);
	assert_encodes_to(&e, hex);
	entry_reset(&e);
}

static void
decoding_and_encoding_again_is_identity(void **state)
{
	(void)state;
	assert_identity(CREATES, (struct dot){ LOG, 1 });
	assert_identity(DELETES, (struct dot){ LOG, 3 });
	assert_identity(RESTATES, (struct dot){ LOG + 9, 4 });
}

static void
refuses_every_truncation_and_every_added_byte(void **state)
{
	const char *const vectors[] = { CREATES, DELETES, RESTATES };
	const struct dot dots[] = { { LOG, 1 }, { LOG, 3 }, { LOG + 9, 4 } };

	(void)state;
	for (size_t v = 0; v < 3; v++) {
		uint8_t body[257];
		size_t len = unhex(vectors[v], body);
		struct entry e;

		for (size_t cut = 0; cut < len; cut++) {
			/* an exact copy, so that a sanitizer sees a read past the end */
			uint8_t *copy = malloc(cut + 1);

			assert_non_null(copy);
			memcpy(copy, body, cut);
			assert_int_equal(entry_decode(copy, cut, dots[v], &e), RC_FORMAT);
			free(copy);
		}
		body[len] = 0;
		assert_int_equal(entry_decode(body, len + 1, dots[v], &e), RC_FORMAT);
	}
}

static void
changed_bytes_are_refused_or_still_have_one_encoding(void **state)
{
	const char *const vectors[] = { CREATES, DELETES, RESTATES };
	const struct dot dots[] = { { LOG, 1 }, { LOG, 3 }, { LOG + 9, 4 } };
	size_t accepted = 0;

	(void)state;
	for (size_t v = 0; v < 3; v++) {
		uint8_t body[256];
		size_t len = unhex(vectors[v], body);

		for (size_t at = 0; at < len * 256; at++) {
			uint8_t kept = body[at / 256];
			struct bytes again;
			struct entry e;

			body[at / 256] = (uint8_t)(at % 256);
			bytes_init(&again);
			if (entry_decode(body, len, dots[v], &e) == RC_OK) {
				assert_int_equal(entry_encode(&e, &again), RC_OK);
				assert_int_equal(again.len, len);
				assert_memory_equal(again.data, body, len);
				accepted++;
				entry_reset(&e);
			}
			bytes_reset(&again);
			body[at / 256] = kept;
		}
	}
	assert_true(accepted > 1000);
}

static enum rc
decode_changed(const char *hex, struct dot dot, size_t at, uint8_t with)
{
	uint8_t body[256];
	size_t len = unhex(hex, body);
	struct entry e;
	enum rc rc;

	body[at] = with;
	rc = entry_decode(body, len, dot, &e);
	entry_reset(&e);
	return rc;
}

static void
tells_newer_from_malformed(void **state)
{
	const struct dot own = { LOG, 1 };

	(void)state;
	assert_int_equal(decode_changed(CREATES, own, 0, 1), RC_OK);
	assert_int_equal(decode_changed(CREATES, own, 0, 2), RC_NEWER);
	assert_int_equal(decode_changed(CREATES, own, 0, 0), RC_FORMAT);
	assert_int_equal(decode_changed(CREATES, own, 1, 9), RC_FORMAT);	/* unknown flag */
}

static enum rc
encode(const struct entry *e)
{
	struct bytes b;
	enum rc rc;

	bytes_init(&b);
	rc = entry_encode(e, &b);
	bytes_reset(&b);
	return rc;
}

static void
refuses_writes_that_are_not_ascending(void **state)
{
	struct made m;

	(void)state;
	make_creating(&m);
	m.writes[1].field = 1;
	assert_int_equal(encode(&m.entry), RC_INTERNAL);
	m.writes[1].field = 0;
	assert_int_equal(encode(&m.entry), RC_INTERNAL);
	make_creating(&m);
	m.members[1].field = 3;
	assert_int_equal(encode(&m.entry), RC_INTERNAL);
}

static void
refuses_replaces_that_repeat_or_name_the_entry_itself(void **state)
{
	struct address a[2] = { { { LOG, 7 }, 0 }, { { LOG, 7 }, 1 } };
	struct made m;

	(void)state;
	make_creating(&m);
	m.writes[0].replaces = a;
	m.writes[0].n_replaces = 2;
	assert_int_equal(encode(&m.entry), RC_OK);
	a[1].item = 0;
	assert_int_equal(encode(&m.entry), RC_INTERNAL);
	a[1] = (struct address){ { LOG, 1 }, 0 };
	assert_int_equal(encode(&m.entry), RC_INTERNAL);	/* also not ascending */
	m.writes[0].replaces = a + 1;
	m.writes[0].n_replaces = 1;
	assert_int_equal(encode(&m.entry), RC_INTERNAL);
	a[1] = (struct address){ { LOG, 2 }, ENTRY_ITEMS_MAX + 1 };
	assert_int_equal(encode(&m.entry), RC_INTERNAL);
}

static void
refuses_void_without_reason_and_alive_other_than_0_or_1(void **state)
{
	struct address a = { { LOG, 7 }, 1 };
	struct value two = { .type = VALUE_INTEGER, .integer = 2 };
	struct write w = { .field = 8, .kind = WRITE_VOID, .replaces = &a, .n_replaces = 1 };
	struct entry e = { .dot = { LOG, 9 }, .record = { LOG, 1 }, .form = "x", .form_len = 1,
		.reason = "r", .reason_len = 1, .writes = &w, .n_writes = 1 };

	(void)state;
	assert_int_equal(encode(&e), RC_OK);
	e.reason = NULL;
	e.reason_len = 0;
	assert_int_equal(encode(&e), RC_INTERNAL);
	w = (struct write){ .field = ENTRY_ALIVE, .values = &two, .n_values = 1 };
	assert_int_equal(encode(&e), RC_INTERNAL);
	two.integer = 1;
	assert_int_equal(encode(&e), RC_OK);
}

static void
refuses_text_that_is_not_normal_or_hides_something(void **state)
{
	static const char *const bad[] = {
		"Ho\xcc\x80" "a",			/* o + combining grave: not NFC */
		"a\xe2\x80\x8b" "b",			/* zero-width space */
		"a\xe2\x80\xae" "b",			/* right-to-left override */
		"a\x01", "\xff", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\r\n",
	};
	static const char *const good[] = { "Hòa", "Nguyễn Thị Ước", "dòng 1\ndòng 2", "",
		"“ngoặc” – gạch", "ក" };
	struct made m;

	(void)state;
	make_creating(&m);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		m.values[0] = text_value(VALUE_TEXT, bad[i]);
		assert_int_equal(encode(&m.entry), RC_INTERNAL);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		m.values[0] = text_value(VALUE_TEXT, good[i]);
		assert_int_equal(encode(&m.entry), RC_OK);
	}
}

static void
refuses_decimals_codes_and_dates_out_of_their_grammar(void **state)
{
	static const char *const bad[] = { "", "-", ".5", "1.", "1.50", "1.0", "1e3", "+1", "--1",
		" 1", "1,5" };
	static const char *const good[] = { "0", "-0.5", "12.345", "100", "0.05" };
	static const int64_t bad_dates[] = { 0, -1, INT64_MAX, (1998 * 16 + 13) * 32,
		(1998 * 16 + 2) * 32 + 30, 1998 * 16 * 32 + 5 };
	struct made m;

	(void)state;
	make_creating(&m);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		m.values[5] = text_value(VALUE_DECIMAL, bad[i]);
		assert_int_equal(encode(&m.entry), RC_INTERNAL);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		m.values[5] = text_value(VALUE_DECIMAL, good[i]);
		assert_int_equal(encode(&m.entry), RC_OK);
	}
	make_creating(&m);
	m.values[1] = text_value(VALUE_CODE, "Đ");
	assert_int_equal(encode(&m.entry), RC_INTERNAL);
	make_creating(&m);
	for (size_t i = 0; i < sizeof(bad_dates) / sizeof(bad_dates[0]); i++) {
		m.members[0].value.integer = bad_dates[i];
		assert_int_equal(encode(&m.entry), RC_INTERNAL);
	}
	m.members[0].value.integer = (1998 * 16 + 2) * 32 + 28;
	assert_int_equal(encode(&m.entry), RC_OK);
}

static void
refuses_what_goes_beyond_each_limit(void **state)
{
	char *text = malloc(ENTRY_TEXT_BYTES_MAX + 2);
	struct value values[ENTRY_ITEMS_MAX + 1];
	struct write writes[6];
	struct made m;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', ENTRY_TEXT_BYTES_MAX + 1);
	text[ENTRY_TEXT_BYTES_MAX + 1] = '\0';
	make_creating(&m);
	m.values[0] = text_value(VALUE_TEXT, text);
	assert_int_equal(encode(&m.entry), RC_LIMIT);
	m.values[0].text_len--;
	assert_int_equal(encode(&m.entry), RC_OK);

	/* four such texts fit in a body, five do not */
	for (unsigned i = 0; i < 6; i++)
		writes[i] = (struct write){ .field = i + 1, .values = &m.values[0], .n_values = 1 };
	m.entry.writes = writes;
	m.entry.n_writes = 5;
	assert_int_equal(encode(&m.entry), RC_LIMIT);
	m.entry.n_writes = 3;
	assert_int_equal(encode(&m.entry), RC_OK);

	make_creating(&m);
	for (size_t i = 0; i <= ENTRY_ITEMS_MAX; i++)
		values[i] = text_value(VALUE_CODE, "T1");
	m.writes[3].values = values;
	m.writes[3].n_values = ENTRY_ITEMS_MAX + 1;
	assert_int_equal(encode(&m.entry), RC_LIMIT);
	m.writes[3].n_values = ENTRY_ITEMS_MAX;
	assert_int_equal(encode(&m.entry), RC_OK);

	make_creating(&m);
	m.entry.reason = text;
	m.entry.reason_len = ENTRY_REASON_MAX + 1;
	assert_int_equal(encode(&m.entry), RC_LIMIT);
	m.entry.reason_len = ENTRY_REASON_MAX;
	assert_int_equal(encode(&m.entry), RC_OK);
	m.entry.form = text;
	m.entry.form_len = ENTRY_FORM_NAME_MAX + 1;
	assert_int_equal(encode(&m.entry), RC_LIMIT);
	free(text);
}

static void
refuses_counts_that_the_bytes_cannot_hold(void **state)
{
	/* creates, form x, version 1, saved_at 0, then 512 writes announced and none there */
	static const uint8_t writes[] = { 1, 1, 1, 'x', 1, 0, 0x80, 0x04 };
	/* one write that announces 4096 addresses */
	static const uint8_t replaces[] = { 1, 1, 1, 'x', 1, 0, 1, 1, 0, 0x80, 0x20 };
	struct entry e;

	(void)state;
	assert_int_equal(entry_decode(writes, sizeof(writes), (struct dot){ LOG, 1 }, &e), RC_FORMAT);
	assert_int_equal(entry_decode(replaces, sizeof(replaces), (struct dot){ LOG, 1 }, &e),
	    RC_FORMAT);
}

static void
refuses_restating_that_contradicts_itself(void **state)
{
	struct made m;

	(void)state;
	make_creating(&m);
	m.entry.dot = (struct dot){ LOG + 5, 2 };
	m.entry.restated = true;
	m.entry.restates = (struct dot){ LOG, 1 };
	assert_int_equal(encode(&m.entry), RC_OK);
	m.entry.creates = false;		/* restates the creation and denies it */
	assert_int_equal(encode(&m.entry), RC_INTERNAL);
	m.entry.creates = true;
	m.entry.restates = (struct dot){ LOG, 2 };	/* creates, but restates another */
	assert_int_equal(encode(&m.entry), RC_INTERNAL);
	m.entry.creates = false;
	assert_int_equal(encode(&m.entry), RC_OK);
	m.entry.restates = (struct dot){ LOG + 5, 1 };	/* of its own log */
	assert_int_equal(encode(&m.entry), RC_INTERNAL);
}

static void
chain_is_as_an_independent_script_computes_it(void **state)
{
	uint8_t body[256], want[16], key[16], device[16], head[16], tag[16];
	size_t len = unhex(CREATES, body);
	struct entry_tip tip = { .log = 5, .n = 7 };

	(void)state;
	for (uint8_t i = 0; i < 16; i++) {
		key[i] = i;
		device[i] = (uint8_t)(0x20 + i);
		tip.head[i] = (uint8_t)(0x40 + i);
	}
	entry_chain_start(LOG, device, "HN-1", 0, NULL, 0, head);
	assert_true(bytes_unhex("7b6566662cb71372da999bf56c557e7c", want, 16));
	assert_memory_equal(head, want, 16);
	entry_chain_start(LOG, device, "HN-1", 1, &tip, 1, head);
	assert_true(bytes_unhex("ed1f76c5a6c172f37dafad7d114e6303", want, 16));
	assert_memory_equal(head, want, 16);
	entry_tag(key, 1, body, len, tag);
	assert_true(bytes_unhex("61ade82109e3c3d37292999088623425", want, 16));
	assert_memory_equal(tag, want, 16);
	entry_chain_next(head, 1, tag);
	assert_true(bytes_unhex("e75130f860ad8a493b63c07634e602c8", want, 16));
	assert_memory_equal(head, want, 16);
}

static void
dots_and_addresses_are_written_and_read_in_one_form(void **state)
{
	static const char *const bad[] = { "", "0102030405060708", "0102030405060708.",
		"0102030405060708.0", "0102030405060708.01", "102030405060708.1",
		"0000000000000000.1", "0102030405060708.1 ", "0102030405060708.1.0",
		"0102030405060708.1.201", "0102030405060708.1.2.3", "010203040506070G.1",
		"0102030405060708.9223372036854775808", "ABCDEF0405060708.1" };
	char text[DOT_TEXT_MAX];
	struct address a = { { LOG, INT64_MAX }, 200 }, b;
	struct dot d;

	(void)state;
	address_text(&a, text);
	assert_string_equal(text, "0102030405060708.9223372036854775807.200");
	assert_true(address_parse(text, &b));
	assert_int_equal(address_compare(&a, &b), 0);
	assert_false(dot_parse(text, &d));
	a.item = 0;
	address_text(&a, text);
	assert_string_equal(text, "0102030405060708.9223372036854775807");
	assert_true(dot_parse(text, &d));
	assert_int_equal(dot_compare(&a.dot, &d), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(address_parse(bad[i], &b));
		assert_int_equal(b.dot.log, 0);
		assert_false(dot_parse(bad[i], &d));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodes_every_type_of_value_as_worked_by_hand),
		cmocka_unit_test(encodes_delete_with_reason_and_void_as_worked_by_hand),
		cmocka_unit_test(decodes_what_was_worked_by_hand),
		cmocka_unit_test(decoding_and_encoding_again_is_identity),
		cmocka_unit_test(refuses_every_truncation_and_every_added_byte),
		cmocka_unit_test(changed_bytes_are_refused_or_still_have_one_encoding),
		cmocka_unit_test(tells_newer_from_malformed),
		cmocka_unit_test(refuses_writes_that_are_not_ascending),
		cmocka_unit_test(refuses_replaces_that_repeat_or_name_the_entry_itself),
		cmocka_unit_test(refuses_void_without_reason_and_alive_other_than_0_or_1),
		cmocka_unit_test(refuses_text_that_is_not_normal_or_hides_something),
		cmocka_unit_test(refuses_decimals_codes_and_dates_out_of_their_grammar),
		cmocka_unit_test(refuses_what_goes_beyond_each_limit),
		cmocka_unit_test(refuses_counts_that_the_bytes_cannot_hold),
		cmocka_unit_test(refuses_restating_that_contradicts_itself),
		cmocka_unit_test(chain_is_as_an_independent_script_computes_it),
		cmocka_unit_test(dots_and_addresses_are_written_and_read_in_one_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
