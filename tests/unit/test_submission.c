/* Reports that were frozen and sent: what stands in them, and who may answer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "field/submission.h"
#include "field/submission_pack.h"
#include "shared/vault/secret.h"
#include "tests/support/province.h"

static const struct submission_order half = { .plan = "LS-2026", .kind = "M6",
	.from = { 2026, 1, 1 }, .to = { 2026, 6, 30 } };

static const char *const person[] = { "full_name", "Đặng Thị Hòa", "sex", "F", NULL };

static struct dot
submit(struct workspace *ws)
{
	struct error err = { 0 };
	struct dot id;

	if (submission_submit(ws, &half, FORM_EN, &id, &err) != RC_OK)
		fail_msg("%s: %s", err.where, err.what);
	return id;
}

static enum rc
answer(struct workspace *ws, struct dot id, bool accept, const char *reason)
{
	struct error err = { 0 };
	struct dot dot;

	return submission_answer(ws, &id, accept, reason, FORM_EN, &dot, &err);
}

static void
view(struct workspace *ws, struct dot id, struct record_view *v)
{
	struct error err = { 0 };

	assert_int_equal(submission_open(ws, &id, FORM_EN, v, &err), RC_OK);
}

static void
tables(struct workspace *ws, struct dot id, struct bytes *json)
{
	struct record_view v;
	struct error err = { 0 };

	bytes_init(json);
	view(ws, id, &v);
	assert_int_equal(submission_tables(&v, json, &err), RC_OK);
	record_view_reset(&v);
}

static void
assert_state(struct workspace *ws, struct dot id, const char *state)
{
	struct record_view v;

	view(ws, id, &v);
	assert_string_equal(submission_state(ws, &v), state);
	record_view_reset(&v);
}

static void
received(struct workspace *ws)
{
	struct dot id = province_add(ws, "person", person);
	char text[DOT_TEXT_MAX];

	dot_text(&id, text);
	{
		const char *const kase[] = { "person_id", text, "recv_channel", "GATE", "recv_date",
			"2026-01-02", "risk_level", "HIGH", NULL };

		province_add(ws, "case", kase);
	}
}

static void
a_text_is_packed_and_read_back(void **state)
{
	struct bytes json, text, back;

	(void)state;
	for (size_t n = 0; n < 2000; n += n < 20 ? 1 : 331) {
		bytes_init(&json);
		bytes_init(&text);
		bytes_init(&back);
		for (size_t i = 0; i < n; i++)
			bytes_u8(&json, (uint8_t)(i * i * 31 + n));
		assert_int_equal(submission_pack_text(&json, &text), RC_OK);
		assert_int_equal(submission_pack_read(&text, &back), RC_OK);
		assert_int_equal(back.len, n);
		assert_true(n == 0 || memcmp(back.data, json.data, n) == 0);
		bytes_reset(&json);
		bytes_reset(&text);
		bytes_reset(&back);
	}
}

static void
what_is_no_packed_text_is_refused(void **state)
{
	static const char *const bad[] = { "", "=", "A", "AB", "a b", "\xc4\x90", "_____________w",
		"EwAAAA==" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct bytes text, json;

		bytes_init(&text);
		bytes_init(&json);
		bytes_text(&text, bad[i]);
		if (submission_pack_read(&text, &json) != RC_FORMAT)
			fail_msg("%zu was taken", i);
		bytes_reset(&text);
		bytes_reset(&json);
	}
}

static void
all_tables_are_frozen_and_stay_when_records_change(void **state)
{
	struct province *p = *state;
	struct workspace *ws = province_device(p, "06001", ROLE_HOLDER, "Nông Thị Lan");
	struct bytes before, after, next;
	struct dot id, second;

	received(ws);
	id = submit(ws);
	tables(ws, id, &before);
	assert_non_null(strstr(bytes_cstr(&before), "\"name\":\"b1\""));
	assert_non_null(strstr(bytes_cstr(&before), "\"name\":\"b17\""));
	received(ws);
	tables(ws, id, &after);
	assert_string_equal(bytes_cstr(&after), bytes_cstr(&before));
	second = submit(ws);
	tables(ws, second, &next);
	assert_string_not_equal(bytes_cstr(&next), bytes_cstr(&before));
	bytes_reset(&before);
	bytes_reset(&after);
	bytes_reset(&next);
	workspace_close(ws);
}

/* Texts that hardly shrink, more than fit into one entry. */
static void
large_tables_take_several_entries(void **state)
{
	enum { ISSUES = 110, TEXT = 3900 };
	struct province *p = *state;
	struct workspace *ws = province_device(p, "06001", ROLE_HOLDER, "Nông Thị Lan");
	char words[TEXT + 1];
	const char *const issue[] = { "date", "2026-01-02", "issue_area", "OTHER", "org", "Xã",
		"description", words, NULL };
	struct bytes json;
	struct dot id;

	for (size_t k = 0; k < ISSUES; k++) {
		for (size_t i = 0; i < TEXT; i++)
			words[i] = (char)('0' + province_pick(75));
		words[0] = 'k';
		words[TEXT - 1] = 'k';
		for (char *at = strchr(words, '\\'); at != NULL; at = strchr(at, '\\'))
			*at = '-';
		words[TEXT] = '\0';
		province_add(ws, "issue", issue);
	}
	id = submit(ws);
	assert_true(province_values(ws, id, "snapshot_data", (char[200]){ 0 }) >
	    SUBMISSION_PIECES_ENTRY);
	tables(ws, id, &json);
	assert_non_null(strstr(bytes_cstr(&json), words));
	bytes_reset(&json);
	workspace_close(ws);
}

/* Every third character of the pieces, turned into another. */
static void
one_changed_character_of_the_frozen_tables_is_noticed(void **state)
{
	struct province *p = *state;
	struct workspace *ws = province_device(p, "06001", ROLE_HOLDER, "Nông Thị Lan");
	struct record_view v;
	const struct record_field *f;
	size_t looked = 0;
	struct dot id;

	received(ws);
	id = submit(ws);
	view(ws, id, &v);
	f = record_view_field(&v, "snapshot_data");
	assert_non_null(f);
	for (size_t k = 0; k < f->n_values; k++) {
		char *text = f->values[k].text;
		size_t len = strlen(text);

		for (size_t i = 0; i + 4 < len; i += 3, looked++) {
			struct bytes json;
			struct error err = { 0 };
			char was = text[i];

			bytes_init(&json);
			text[i] = was == 'A' ? 'B' : 'A';
			if (submission_tables(&v, &json, &err) != RC_DAMAGED || json.len != 0)
				fail_msg("character %zu of piece %zu", i, k);
			text[i] = was;
			bytes_reset(&json);
		}
	}
	assert_true(looked > 500);
	record_view_reset(&v);
	workspace_close(ws);
}

static void
a_correction_is_the_next_version_and_names_what_it_replaces(void **state)
{
	struct province *p = *state;
	struct workspace *ws = province_device(p, "06001", ROLE_HOLDER, "Nông Thị Lan");
	struct dot first = submit(ws), second = submit(ws);
	struct submission_order year = half;
	struct error err = { 0 };
	char text[DOT_TEXT_MAX];
	struct record_view v;
	struct dot other;

	dot_text(&first, text);
	view(ws, first, &v);
	assert_string_equal(submission_shown(&v, "version"), "1");
	assert_string_equal(submission_shown(&v, "replaces"), "");
	assert_string_equal(submission_shown(&v, "states"), "SUBMITTED");
	record_view_reset(&v);
	view(ws, second, &v);
	assert_string_equal(submission_shown(&v, "version"), "2");
	assert_string_equal(submission_shown(&v, "replaces"), text);
	record_view_reset(&v);
	year.kind = "Y1";
	assert_int_equal(submission_submit(ws, &year, FORM_EN, &other, &err), RC_OK);
	view(ws, other, &v);
	assert_string_equal(submission_shown(&v, "version"), "1");
	record_view_reset(&v);
	workspace_close(ws);
}

static void
the_unit_above_returns_and_accepts_and_the_sender_sees_it(void **state)
{
	struct province *p = *state;
	struct workspace *commune = province_device(p, "06001", ROLE_HOLDER, "Nông Thị Lan");
	struct workspace *office = province_device(p, "20", ROLE_HOLDER, "Vi Thị Mai");
	struct bytes there, here;
	struct record_view v;
	struct dot first, second;

	received(commune);
	first = submit(commune);
	province_sync(p, commune);
	province_sync(p, office);
	tables(commune, first, &here);
	tables(office, first, &there);
	assert_string_equal(bytes_cstr(&there), bytes_cstr(&here));
	assert_int_equal(answer(office, first, false, NULL), RC_USAGE);
	assert_int_equal(answer(office, first, false, "Thiếu phần kinh phí"), RC_OK);
	assert_int_equal(answer(office, first, true, NULL), RC_INVALID);
	province_sync(p, office);
	province_sync(p, commune);
	assert_state(commune, first, "RETURNED");
	view(commune, first, &v);
	assert_string_equal(submission_shown(&v, "return_reasons"), "Thiếu phần kinh phí");
	record_view_reset(&v);
	second = submit(commune);
	province_sync(p, commune);
	province_sync(p, office);
	assert_int_equal(answer(office, second, true, NULL), RC_OK);
	assert_int_equal(answer(office, second, false, "Nhầm"), RC_INVALID);
	province_sync(p, office);
	province_sync(p, commune);
	assert_state(commune, second, "ACCEPTED");
	assert_state(commune, first, "RETURNED");
	bytes_reset(&there);
	bytes_reset(&here);
	workspace_close(commune);
	workspace_close(office);
}

static void
strike(struct workspace *ws, struct dot id, const char *state)
{
	struct record_context c = workspace_records(ws, FORM_EN);
	struct error err = { 0 };
	struct record_view v;
	const struct record_field *f;
	struct dot dot = { 0, 0 };

	view(ws, id, &v);
	f = record_view_field(&v, "states");
	assert_non_null(f);
	for (size_t i = 0; i < f->n_values; i++)
		if (strcmp(f->values[i].text, state) == 0)
			assert_int_equal(record_void(&c, &id, "states", &f->values[i].address, "Nhầm",
			    &dot, &err), RC_OK);
	assert_int_not_equal(dot.log, 0);
	record_view_reset(&v);
}

static void
an_answer_that_was_typed_into_the_own_report_does_not_count(void **state)
{
	struct province *p = *state;
	struct workspace *commune = province_device(p, "06001", ROLE_SUPERVISOR, "Nông Thị Lan");
	struct workspace *office = province_device(p, "20", ROLE_SUPERVISOR, "Vi Thị Mai");
	struct dot first = submit(commune), second;

	province_edit(commune, first, NULL, "states", "ACCEPTED");
	assert_state(commune, first, "SUBMITTED");
	province_sync(p, commune);
	province_sync(p, office);
	assert_state(office, first, "SUBMITTED");
	assert_int_equal(answer(office, first, false, "Thiếu phần kinh phí"), RC_OK);
	assert_state(office, first, "RETURNED");
	province_sync(p, office);
	province_sync(p, commune);
	assert_state(commune, first, "RETURNED");
	/* nor is what was answered taken back by who was answered */
	strike(commune, first, "RETURNED");
	assert_state(commune, first, "RETURNED");
	second = submit(commune);
	province_sync(p, commune);
	province_sync(p, office);
	assert_state(office, first, "RETURNED");
	assert_int_equal(answer(office, second, true, NULL), RC_OK);
	assert_state(office, second, "ACCEPTED");
	strike(office, second, "ACCEPTED");
	assert_state(office, second, "SUBMITTED");
	workspace_close(commune);
	workspace_close(office);
}

/* Nothing of a report: no record, no frame that waits, no key that would open one. */
static void
assert_knows_no_report(struct province *p, struct workspace *ws, struct dot id)
{
	struct error err = { 0 };
	struct record_view v;

	province_sync(p, ws);
	assert_int_equal(submission_open(ws, &id, FORM_EN, &v, &err), RC_NOTFOUND);
	assert_int_equal(province_status(ws).waiting, 0);
	assert_int_equal(province_count(ws, "SELECT count(*) FROM log WHERE compartment = 2"), 0);
	assert_int_equal(province_count(ws, "SELECT count(*) FROM scope_secret"
	    " WHERE compartment = 2 AND unit <> '06002'"), 0);
}

static void
supervisors_submit_and_answer_and_others_learn_nothing_of_it(void **state)
{
	struct province *p = *state;
	struct workspace *worker = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *ctv = province_device(p, "06001", ROLE_COMMUNICATOR, "Hoàng Văn Pao");
	struct workspace *chair = province_device(p, "06001", ROLE_SUPERVISOR, "Triệu Thị Dao");
	struct workspace *beside = province_device(p, "06002", ROLE_SUPERVISOR, "Lý A Sáng");
	struct workspace *office = province_device(p, "20", ROLE_SUPERVISOR, "Vi Thị Mai");
	struct bytes json;
	struct dot id;

	received(worker);
	province_sync(p, worker);
	province_sync(p, chair);
	id = submit(chair);
	tables(chair, id, &json);
	assert_non_null(strstr(bytes_cstr(&json), "\"Tiếp nhận qua cửa khẩu\",1"));
	assert_int_equal(answer(chair, id, true, NULL), RC_DENIED);
	province_sync(p, chair);
	province_sync(p, office);
	assert_int_equal(answer(office, id, true, NULL), RC_OK);
	province_sync(p, office);
	province_sync(p, chair);
	assert_state(chair, id, "ACCEPTED");
	assert_knows_no_report(p, worker, id);
	assert_knows_no_report(p, ctv, id);
	assert_knows_no_report(p, beside, id);
	bytes_reset(&json);
	workspace_close(worker);
	workspace_close(ctv);
	workspace_close(chair);
	workspace_close(beside);
	workspace_close(office);
}

static void
what_was_replaced_is_not_answered_any_more(void **state)
{
	struct province *p = *state;
	struct workspace *office = province_device(p, "20", ROLE_HOLDER, "Vi Thị Mai");
	struct workspace *commune = province_device(p, "06001", ROLE_HOLDER, "Nông Thị Lan");
	struct dot first = submit(commune), second = submit(commune);

	province_sync(p, commune);
	province_sync(p, office);
	assert_int_equal(answer(office, first, true, NULL), RC_INVALID);
	assert_int_equal(answer(office, second, true, NULL), RC_OK);
	workspace_close(commune);
	workspace_close(office);
}

static void
only_who_reads_all_of_a_unit_submits_and_nobody_answers_for_itself(void **state)
{
	static const enum identity_role others[] = { ROLE_COMMUNICATOR, ROLE_CASEWORKER,
		ROLE_ANALYST };
	struct province *p = *state;
	struct workspace *commune = province_device(p, "06001", ROLE_HOLDER, "Nông Thị Lan");
	struct workspace *top = province_device(p, "20", ROLE_HOLDER, "Vi Thị Mai");
	struct submission_order o = half;
	struct error err = { 0 };
	struct dot id;

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct workspace *ws = province_device(p, "06001", others[i], "Triệu Thị Dao");

		error_clear(&err);
		assert_int_equal(submission_submit(ws, &half, FORM_EN, &id, &err), RC_DENIED);
		workspace_close(ws);
	}
	id = submit(commune);
	assert_int_equal(answer(commune, id, true, NULL), RC_DENIED);
	o.unit = "06002";
	error_clear(&err);
	assert_int_equal(submission_submit(commune, &o, FORM_EN, &id, &err), RC_DENIED);
	o.unit = "nowhere";
	error_clear(&err);
	assert_int_equal(submission_submit(top, &o, FORM_EN, &id, &err), RC_NOTFOUND);
	/* above the province there is no device: it names the receiver, and notes the answer */
	o.unit = NULL;
	error_clear(&err);
	assert_int_equal(submission_submit(top, &o, FORM_EN, &id, &err), RC_USAGE);
	o.receiver = "Bộ Công an";
	error_clear(&err);
	assert_int_equal(submission_submit(top, &o, FORM_EN, &id, &err), RC_OK);
	assert_int_equal(answer(top, id, true, NULL), RC_OK);
	workspace_close(commune);
	workspace_close(top);
}

#define T(f) cmocka_unit_test_setup_teardown(f, province_set_up, province_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_packed_and_read_back),
		cmocka_unit_test(what_is_no_packed_text_is_refused),
		T(all_tables_are_frozen_and_stay_when_records_change),
		T(large_tables_take_several_entries),
		T(one_changed_character_of_the_frozen_tables_is_noticed),
		T(a_correction_is_the_next_version_and_names_what_it_replaces),
		T(the_unit_above_returns_and_accepts_and_the_sender_sees_it),
		T(supervisors_submit_and_answer_and_others_learn_nothing_of_it),
		T(an_answer_that_was_typed_into_the_own_report_does_not_count),
		T(what_was_replaced_is_not_answered_any_more),
		T(only_who_reads_all_of_a_unit_submits_and_nobody_answers_for_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
