#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/register.h"
#include "shared/records/value.h"
#include "tests/support/record_made.h"

static void
apply(struct register_state *s, const struct record_made *m)
{
	bool is_new;

	assert_int_equal(register_apply(s, &m->e, &is_new), RC_OK);
}

/* A whole entry that sets one field to a code. */
static void
set_code(struct register_state *s, uint64_t log, uint64_t n, int64_t at, unsigned field,
    const char *code, uint64_t replaced_log, uint64_t replaced_n)
{
	struct record_made m;
	struct write *w;

	record_made_begin(&m, log, n, at);
	w = record_made_write(&m, field, WRITE_SET);
	record_made_code(&m, w, code);
	if (replaced_log != 0)
		record_made_replaced(&m, w, replaced_log, replaced_n, 0);
	apply(s, &m);
}

static void
code_of(const struct register_value *v, char out[64])
{
	struct value_member members[ENTRY_GROUP_MAX];
	struct value value;

	assert_int_equal(register_value_get(v, &value, members), RC_OK);
	assert_int_equal(value.type, VALUE_CODE);
	memcpy(out, value.text, value.text_len);
	out[value.text_len] = '\0';
}

static void
assert_shows(const struct register_state *s, unsigned field, struct register_rule rule,
    enum register_standing standing, const char *codes)
{
	struct register_show show;
	char got[256] = "", code[64];

	assert_int_equal(register_show(register_find(s, field), &rule, &show), RC_OK);
	for (size_t i = 0; i < show.n_all; i++) {
		code_of(show.all[i], code);
		strcat(got, i > 0 ? " " : "");
		strcat(got, code);
		strcat(got, show.all[i]->voided.log != 0 ? "!" : "");
	}
	assert_string_equal(got, codes);
	assert_int_equal(show.standing, standing);
	if (show.shown != NULL)
		assert_ptr_equal(show.shown, show.all[0]);
	register_show_reset(&show);
}

static char *
hex_of(const struct register_state *s)
{
	struct bytes b;
	char *hex;

	bytes_init(&b);
	assert_int_equal(register_state_encode(s, &b), RC_OK);
	hex = malloc(2 * b.len + 1);
	assert_non_null(hex);
	bytes_hex(b.data, b.len, hex);
	bytes_reset(&b);
	return hex;
}

static const struct register_rule REVIEW = { .policy = FORM_REVIEW };
static const struct register_rule LATEST = { .policy = FORM_LATEST };
static const struct register_rule UNION = { .policy = FORM_UNION };
static const struct register_rule APPEND = { .policy = FORM_APPEND };

/* Hand-worked cases ---------------------------------------------------- */

static void
edit_that_saw_a_value_replaces_it(void **state)
{
	struct register_state s;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	set_code(&s, 9, 1, 10, 1, "A", 0, 0);
	set_code(&s, 9, 2, 20, 1, "B", 9, 1);
	assert_shows(&s, 1, REVIEW, REGISTER_OK, "B");
	register_state_reset(&s);
}

static void
two_edits_of_one_value_are_a_conflict_until_a_third_saw_both(void **state)
{
	struct register_state s;
	struct record_made m;
	struct write *w;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	set_code(&s, 9, 1, 10, 1, "A", 0, 0);
	set_code(&s, 2, 1, 30, 1, "B", 9, 1);
	set_code(&s, 3, 1, 20, 1, "C", 9, 1);
	assert_shows(&s, 1, REVIEW, REGISTER_CONFLICT, "B C");	/* the later one is displayed */
	record_made_begin(&m, 4, 1, 5);
	w = record_made_write(&m, 1, WRITE_SET);
	record_made_code(&m, w, "C");
	record_made_replaced(&m, w, 2, 1, 0);
	record_made_replaced(&m, w, 3, 1, 0);
	apply(&s, &m);
	assert_shows(&s, 1, REVIEW, REGISTER_OK, "C");
	register_state_reset(&s);
}

static void
equal_values_are_no_conflict(void **state)
{
	struct register_state s;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	set_code(&s, 9, 1, 10, 1, "A", 0, 0);
	set_code(&s, 2, 1, 30, 1, "B", 9, 1);
	set_code(&s, 3, 1, 20, 1, "B", 9, 1);
	assert_shows(&s, 1, REVIEW, REGISTER_OK, "B B");
	register_state_reset(&s);
}

static void
replacement_that_outruns_its_target_is_remembered(void **state)
{
	struct register_state s;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	set_code(&s, 2, 1, 30, 1, "B", 9, 1);
	assert_shows(&s, 1, REVIEW, REGISTER_OK, "B");
	set_code(&s, 9, 1, 10, 1, "A", 0, 0);
	assert_shows(&s, 1, REVIEW, REGISTER_OK, "B");
	assert_int_equal(register_find(&s, 1)->n_pending, 0);
	register_state_reset(&s);
}

static void
replacement_of_a_value_that_came_and_went_is_not_remembered(void **state)
{
	struct register_state s;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	set_code(&s, 9, 1, 10, 1, "A", 0, 0);
	set_code(&s, 2, 1, 30, 1, "B", 9, 1);
	set_code(&s, 3, 1, 20, 1, "C", 9, 1);
	assert_int_equal(register_find(&s, 1)->n_pending, 0);
	register_state_reset(&s);
}

static void
repeated_entry_changes_nothing_and_stays_replaceable(void **state)
{
	struct register_state s;
	struct record_made m;
	bool is_new;
	char *once, *again;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	record_made_begin(&m, 9, 1, 10);
	record_made_code(&m, record_made_write(&m, 1, WRITE_SET), "A");
	apply(&s, &m);
	set_code(&s, 2, 1, 30, 1, "B", 9, 1);
	once = hex_of(&s);
	assert_int_equal(register_apply(&s, &m.e, &is_new), RC_OK);
	assert_false(is_new);
	again = hex_of(&s);
	assert_string_equal(once, again);
	assert_shows(&s, 1, REVIEW, REGISTER_OK, "B");
	set_code(&s, 3, 1, 40, 1, "C", 2, 1);
	assert_shows(&s, 1, REVIEW, REGISTER_OK, "C");
	free(once);
	free(again);
	register_state_reset(&s);
}

static void
refuses_an_entry_of_another_record(void **state)
{
	struct register_state s;
	struct record_made m;
	bool is_new;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	record_made_begin(&m, 2, 1, 10);
	m.e.record = (struct dot){ 9, 2 };
	assert_int_equal(register_apply(&s, &m.e, &is_new), RC_INVALID);
	assert_int_equal(s.n_dots, 0);
	register_state_reset(&s);
}

static void
item_of_a_union_goes_only_when_a_write_that_saw_it_removes_it(void **state)
{
	struct register_state s;
	struct record_made m;
	struct write *w;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	record_made_begin(&m, 9, 1, 10);
	w = record_made_write(&m, 7, WRITE_ITEMS);
	record_made_code(&m, w, "T1");
	record_made_code(&m, w, "T2");
	apply(&s, &m);
	record_made_begin(&m, 2, 1, 20);		/* adds T2 again, having seen nothing */
	record_made_code(&m, record_made_write(&m, 7, WRITE_ITEMS), "T2");
	apply(&s, &m);
	record_made_begin(&m, 3, 1, 20);		/* takes away what the first wrote */
	w = record_made_write(&m, 7, WRITE_ITEMS);
	record_made_replaced(&m, w, 9, 1, 1);
	record_made_replaced(&m, w, 9, 1, 2);
	apply(&s, &m);
	assert_shows(&s, 7, UNION, REGISTER_OK, "T2");
	register_state_reset(&s);
}

static void
appended_values_stand_in_order_and_voided_ones_stay_struck_through(void **state)
{
	struct register_state s;
	struct record_made m;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	record_made_begin(&m, 4, 1, 99);		/* the void comes first */
	record_made_replaced(&m, record_made_write(&m, 8, WRITE_VOID), 2, 1, 1);
	apply(&s, &m);
	record_made_begin(&m, 3, 1, 30);
	record_made_code(&m, record_made_write(&m, 8, WRITE_ITEMS), "V3");
	apply(&s, &m);
	record_made_begin(&m, 2, 1, 20);
	record_made_code(&m, record_made_write(&m, 8, WRITE_ITEMS), "V2");
	apply(&s, &m);
	record_made_begin(&m, 9, 1, 10);
	record_made_code(&m, record_made_write(&m, 8, WRITE_ITEMS), "V1");
	apply(&s, &m);
	assert_shows(&s, 8, APPEND, REGISTER_OK, "V1 V2! V3");
	register_state_reset(&s);
}

static struct form_choice CHOICES[] = { { .code = (char []){ "LOW" } },
	{ .code = (char []){ "MEDIUM" } }, { .code = (char []){ "HIGH" } } };
static const struct form_list RISK = { .choices = CHOICES, .n_choices = 3 };
static struct form_choice CONTACT_CHOICES[] = { { .code = (char []){ "yes" } },
	{ .code = (char []){ "no" } } };
static const struct form_list YES_NO = { .choices = CONTACT_CHOICES, .n_choices = 2 };

static void
highest_shows_the_highest_of_the_list_and_a_conflict_if_it_hides_one(void **state)
{
	const struct register_rule highest = { .policy = FORM_HIGHEST, .list = &RISK };
	struct register_state s;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	set_code(&s, 9, 1, 10, 1, "MEDIUM", 0, 0);
	assert_shows(&s, 1, highest, REGISTER_OK, "MEDIUM");
	set_code(&s, 2, 1, 20, 1, "HIGH", 9, 1);
	set_code(&s, 3, 1, 30, 1, "LOW", 9, 1);
	set_code(&s, 4, 1, 40, 1, "ODD", 9, 1);
	assert_shows(&s, 1, highest, REGISTER_CONFLICT, "HIGH LOW ODD");
	register_state_reset(&s);
}

static void
deny_wins_shows_the_protective_value_and_settles(void **state)
{
	const struct register_rule flag = { .policy = FORM_DENY_WINS, .list = &YES_NO };
	const struct register_rule ranked = { .policy = FORM_DENY_WINS, .list = &RISK };
	struct register_state s;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	set_code(&s, 9, 1, 10, 1, "no", 0, 0);
	set_code(&s, 2, 1, 20, 1, "yes", 9, 1);
	set_code(&s, 3, 1, 30, 1, "no", 9, 1);
	assert_shows(&s, 1, flag, REGISTER_SETTLED, "yes no");
	set_code(&s, 4, 1, 40, 1, "no", 2, 1);		/* saw it and lifted it */
	assert_shows(&s, 1, flag, REGISTER_OK, "no no");
	set_code(&s, 9, 2, 10, 2, "LOW", 0, 0);
	set_code(&s, 9, 3, 10, 2, "HIGH", 0, 0);
	assert_shows(&s, 2, ranked, REGISTER_SETTLED, "HIGH LOW");
	register_state_reset(&s);
}

static void
latest_goes_by_saved_at_then_log_and_n(void **state)
{
	struct register_state s;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	set_code(&s, 9, 1, 10, 1, "A", 0, 0);
	set_code(&s, 9, 2, 40, 1, "B", 9, 1);
	set_code(&s, 2, 7, 50, 1, "C", 9, 1);
	set_code(&s, 2, 8, 50, 1, "D", 9, 1);
	set_code(&s, 1, 9, 50, 1, "E", 9, 1);
	assert_shows(&s, 1, LATEST, REGISTER_SETTLED, "D C E B");
	register_state_reset(&s);
}

static void
group_is_one_value(void **state)
{
	struct value_member a[2] = { { 3, { .type = VALUE_CODE, .text = "LOW", .text_len = 3 } },
		{ 4, { .type = VALUE_NOTHING } } };
	struct value_member b[2] = { { 3, { .type = VALUE_CODE, .text = "HIGH", .text_len = 4 } },
		{ 4, { .type = VALUE_NOTHING } } };
	const struct register_rule highest = { .policy = FORM_HIGHEST, .list = &RISK, .ranked = 3 };
	struct value_member members[ENTRY_GROUP_MAX];
	struct register_show show;
	struct register_state s;
	struct value value;
	struct record_made m;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	for (uint64_t i = 0; i < 3; i++) {
		record_made_begin(&m, i + 2, 1, 50 - (int64_t)i);
		m.writes[0] = (struct write){ .field = 3, .values = m.values[0], .n_values = 1 };
		m.e.n_writes = 1;
		m.values[0][0] = (struct value){ .type = VALUE_GROUP, .n_members = 2,
			.members = i == 1 ? b : a };
		apply(&s, &m);
	}
	assert_int_equal(register_show(register_find(&s, 3), &REVIEW, &show), RC_OK);
	assert_int_equal(show.standing, REGISTER_CONFLICT);
	assert_int_equal(show.n_all, 3);
	assert_int_equal(show.n_distinct, 2);
	register_show_reset(&show);
	assert_int_equal(register_show(register_find(&s, 3), &highest, &show), RC_OK);
	assert_int_equal(register_value_get(show.shown, &value, members), RC_OK);
	assert_memory_equal(value.members[0].value.text, "HIGH", 4);
	register_show_reset(&show);
	register_state_reset(&s);
}

/* Delete that saw the dots 9.1 and, if two, 2.1. */
static void
delete_record(struct register_state *s, uint64_t log, bool two)
{
	struct record_made m;
	struct write *w;

	record_made_begin(&m, log, 1, 60);
	w = record_made_write(&m, ENTRY_ALIVE, WRITE_SET);
	record_made_integer(&m, w, 0);
	if (two)
		record_made_replaced(&m, w, 2, 1, 0);
	record_made_replaced(&m, w, 9, 1, 0);
	apply(s, &m);
}

static void
edit_that_a_delete_did_not_see_is_a_conflict(void **state)
{
	struct register_state s;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	delete_record(&s, 3, false);
	set_code(&s, 9, 1, 10, 1, "A", 0, 0);
	assert_true(register_alive(&s).deleted);
	assert_false(register_alive(&s).conflict);
	set_code(&s, 2, 1, 20, 2, "B", 0, 0);
	assert_false(register_alive(&s).deleted);
	assert_true(register_alive(&s).conflict);
	assert_true(register_unseen_by_delete(&s, &register_find(&s, 2)->values[0]));
	assert_false(register_unseen_by_delete(&s, &register_find(&s, 1)->values[0]));
	delete_record(&s, 4, true);	/* somebody else had seen it */
	assert_true(register_alive(&s).deleted);
	assert_false(register_alive(&s).conflict);
	register_state_reset(&s);
}

static void
restoring_replaces_the_delete_that_it_saw(void **state)
{
	struct register_state s;
	struct record_made m;
	struct write *w;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	set_code(&s, 9, 1, 10, 1, "A", 0, 0);
	delete_record(&s, 3, false);
	record_made_begin(&m, 5, 1, 70);
	w = record_made_write(&m, ENTRY_ALIVE, WRITE_SET);
	record_made_integer(&m, w, 1);
	record_made_replaced(&m, w, 3, 1, 0);
	apply(&s, &m);
	assert_false(register_alive(&s).deleted);
	assert_false(register_alive(&s).conflict);
	delete_record(&s, 4, false);	/* beside the restoring, not having seen it */
	assert_true(register_alive(&s).conflict);
	register_state_reset(&s);
}

static void
restated(struct register_state *s, uint64_t log, struct dot original, const char *code)
{
	struct record_made m;

	record_made_begin(&m, log, 1, 50);
	m.e.restated = true;
	m.e.restates = original;
	record_made_code(&m, record_made_write(&m, 1, WRITE_SET), code);
	apply(s, &m);
}

static void
original_counts_once_however_often_it_is_restated(void **state)
{
	struct register_state s;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	restated(&s, 5, (struct dot){ 7, 3 }, "A5");
	restated(&s, 4, (struct dot){ 7, 3 }, "A4");
	restated(&s, 6, (struct dot){ 7, 3 }, "A6");
	assert_shows(&s, 1, REVIEW, REGISTER_OK, "A4");		/* the smallest dot */
	set_code(&s, 2, 1, 60, 1, "B", 6, 1);	/* replaces one of them, hence all */
	assert_shows(&s, 1, REVIEW, REGISTER_OK, "B");
	set_code(&s, 7, 3, 10, 1, "A7", 0, 0);	/* the original comes after all */
	assert_shows(&s, 1, REVIEW, REGISTER_OK, "B");
	assert_int_equal(register_find(&s, 1)->n_pending, 0);
	register_state_reset(&s);
}

static void
original_that_is_here_wins_over_what_restates_it(void **state)
{
	struct register_state s;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	restated(&s, 5, (struct dot){ 7, 3 }, "A5");
	set_code(&s, 7, 3, 10, 1, "A7", 0, 0);
	restated(&s, 4, (struct dot){ 7, 3 }, "A4");
	assert_shows(&s, 1, REVIEW, REGISTER_OK, "A7");
	set_code(&s, 2, 1, 60, 1, "B", 4, 1);
	assert_shows(&s, 1, REVIEW, REGISTER_OK, "B");
	register_state_reset(&s);
}

static void
refuses_a_state_that_is_cut_or_not_canonical(void **state)
{
	struct register_state s, t;
	struct bytes b;

	(void)state;
	register_state_init(&s, RECORD_MADE_ID);
	set_code(&s, 9, 1, 10, 1, "A", 0, 0);
	set_code(&s, 2, 1, 20, 1, "B", 3, 1);
	restated(&s, 5, (struct dot){ 7, 3 }, "A5");
	delete_record(&s, 4, true);
	bytes_init(&b);
	assert_int_equal(register_state_encode(&s, &b), RC_OK);
	for (size_t cut = 1; cut < b.len; cut++) {
		assert_int_equal(register_state_decode(b.data, cut, RECORD_MADE_ID, &t), RC_FORMAT);
		assert_int_equal(t.n_dots, 0);
	}
	for (size_t at = 0; at < b.len * 256; at++) {
		uint8_t kept = b.data[at / 256];

		b.data[at / 256] = (uint8_t)(at % 256);
		if (register_state_decode(b.data, b.len, RECORD_MADE_ID, &t) == RC_OK)
			register_state_reset(&t);
		b.data[at / 256] = kept;
	}
	assert_int_equal(register_state_decode(NULL, 0, RECORD_MADE_ID, &t), RC_OK);
	assert_int_equal(t.n_dots, 0);
	bytes_reset(&b);
	register_state_reset(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edit_that_saw_a_value_replaces_it),
		cmocka_unit_test(two_edits_of_one_value_are_a_conflict_until_a_third_saw_both),
		cmocka_unit_test(equal_values_are_no_conflict),
		cmocka_unit_test(replacement_that_outruns_its_target_is_remembered),
		cmocka_unit_test(replacement_of_a_value_that_came_and_went_is_not_remembered),
		cmocka_unit_test(repeated_entry_changes_nothing_and_stays_replaceable),
		cmocka_unit_test(refuses_an_entry_of_another_record),
		cmocka_unit_test(item_of_a_union_goes_only_when_a_write_that_saw_it_removes_it),
		cmocka_unit_test(appended_values_stand_in_order_and_voided_ones_stay_struck_through),
		cmocka_unit_test(highest_shows_the_highest_of_the_list_and_a_conflict_if_it_hides_one),
		cmocka_unit_test(deny_wins_shows_the_protective_value_and_settles),
		cmocka_unit_test(latest_goes_by_saved_at_then_log_and_n),
		cmocka_unit_test(group_is_one_value),
		cmocka_unit_test(edit_that_a_delete_did_not_see_is_a_conflict),
		cmocka_unit_test(restoring_replaces_the_delete_that_it_saw),
		cmocka_unit_test(original_counts_once_however_often_it_is_restated),
		cmocka_unit_test(original_that_is_here_wins_over_what_restates_it),
		cmocka_unit_test(refuses_a_state_that_is_cut_or_not_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
