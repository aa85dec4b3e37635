#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/person_page.h"
#include "shared/base/csv.h"
#include "shared/base/embedded.h"
#include "tests/support/record_desk.h"

enum { REF_MAX = 64 + DOT_TEXT_MAX };

struct desk {
	struct record_desk d;
	struct bytes out;
	struct person_page_counts n;
	struct dot person, other, own, others;	/* two persons and a case of each */
	char person_ref[REF_MAX], other_ref[REF_MAX], own_ref[REF_MAX], others_ref[REF_MAX];
};

static const char *
device_name(void *ctx, const uint8_t device[ENTRY_DEVICE_BYTES])
{
	(void)ctx;
	(void)device;
	return "Cán bộ Lan";
}

static const char *
unit_name(void *ctx, const char *code)
{
	(void)ctx;
	(void)code;
	return "Xã Ba Sơn";
}

static const struct person_page_names names = { device_name, unit_name, NULL };

/* field=log.n */
static void
refer(char out[REF_MAX], const char *field, const struct dot *id)
{
	char text[DOT_TEXT_MAX];

	dot_text(id, text);
	snprintf(out, REF_MAX, "%s=%s", field, text);
}

#define ADD(t, form, id, ...) do { \
	if (record_desk_add(&(t)->d, form, id, __VA_ARGS__, NULL) != RC_OK) \
		fail_msg("%s: %s", (t)->d.err.where, (t)->d.err.what); \
} while (0)

static int
set_up(void **state)
{
	struct desk *t = calloc(1, sizeof(*t));
	struct form_set *forms = NULL;
	struct error err = { 0 };

	assert_non_null(t);
	assert_int_equal(form_set_load_embedded(&forms, &err), RC_OK);
	record_desk_open_with(&t->d, 1, forms);
	bytes_init(&t->out);
	ADD(t, "person", &t->person, "full_name=Lò Thị <Một> & \"con\"", "sex=F", "birth_date=17/05/1998",
	    "contact_log=gọi lần một");
	ADD(t, "person", &t->other, "full_name=NGƯỜIKHÁC");
	refer(t->person_ref, "person_id", &t->person);
	refer(t->other_ref, "person_id", &t->other);
	ADD(t, "case", &t->others, t->other_ref, "recv_channel=GATE", "recv_date=2025-01-02",
	    "risk_level=LOW", "narrative=NGƯỜIKHÁC kể");
	refer(t->own_ref, "linked_cases", &t->others);
	ADD(t, "case", &t->own, t->person_ref, "recv_channel=HOTLINE", "recv_date=2025-01-03",
	    "risk_level=LOW", "narrative=lời kể\ncủa tôi", t->own_ref);
	refer(t->own_ref, "case_id", &t->own);
	refer(t->others_ref, "case_id", &t->others);
	*state = t;
	return 0;
}

static int
tear_down(void **state)
{
	struct desk *t = *state;

	bytes_reset(&t->out);
	record_desk_close(&t->d);
	free(t);
	return 0;
}

static const char *
page_of(struct desk *t, const struct dot *id)
{
	bytes_reset(&t->out);
	bytes_init(&t->out);
	if (person_page_make(&t->d.c, id, &names, &t->out, &t->n, &t->d.err) != RC_OK)
		fail_msg("%s: %s", t->d.err.where, t->d.err.what);
	return bytes_cstr(&t->out);
}

static void
has(const char *page, const char *words)
{
	if (strstr(page, words) == NULL)
		fail_msg("\"%s\" is not on the page", words);
}

static void
has_not(const char *page, const char *words)
{
	if (strstr(page, words) != NULL)
		fail_msg("\"%s\" is on the page", words);
}

static void
shows_the_person_and_the_case_with_day_and_source(void **state)
{
	struct desk *t = *state;
	struct dot id;
	const char *page;
	char when[17], source[80];

	ADD(t, "service_delivery", &id, t->own_ref, "service=MED", "status=DELIVERED", "date_from=2025-02-01");
	page = page_of(t, &t->person);
	assert_int_equal(t->n.records, 3);
	assert_int_equal(t->n.of_others, 0);
	has(page, "Lò Thị &lt;Một&gt; &amp; &quot;con&quot;");
	has(page, "<p>Nữ <small>");
	has(page, "17/05/1998");
	has(page, "lời kể<br>của tôi");
	has(page, "Hỗ trợ y tế, khám bệnh");
	clock_vietnamese(t->d.now, when);
	snprintf(source, sizeof(source), "<small>%s, Cán bộ Lan</small>", when);
	has(page, source);
	has(page, "đơn vị: Xã Ba Sơn");
}

static void
is_the_same_by_the_case(void **state)
{
	struct desk *t = *state;
	char *first = strdup(page_of(t, &t->person));

	assert_non_null(first);
	assert_string_equal(page_of(t, &t->own), first);
	free(first);
}

static void
holds_nothing_about_others(void **state)
{
	struct desk *t = *state;
	struct dot id;
	char a[REF_MAX], b[REF_MAX];
	const char *page;

	refer(a, "person_a", &t->person);
	refer(b, "person_b", &t->other);
	ADD(t, "relation", &id, a, b, "relation=MOTHER", "note=NGƯỜIKHÁC");
	ADD(t, "tip", &id, t->own_ref, "received_on=2025-01-01", "channel=H111", "tip_kind=TINBAO", "urgency=SOON",
	    "summary=NGƯỜIKHÁC báo", "reporter_anonymous=no", "reporter_name=NGƯỜIKHÁC");
	ADD(t, "protection_measure", &id, t->own_ref, t->other_ref, "for_whom=RELATIVE", "measure=INFOSEC",
	    "date_from=2025-01-04", "note=NGƯỜIKHÁC");
	ADD(t, "service_delivery", &id, t->others_ref, "service=MED", "status=DELIVERED",
	    "date_from=2025-02-02", "provider=NGƯỜIKHÁC");
	page = page_of(t, &t->person);
	has_not(page, "NGƯỜIKHÁC");
	assert_int_equal(t->n.records, 2);
	assert_int_equal(t->n.of_others, 3);
}

static void
leaves_the_guardians_name_out_of_a_consent(void **state)
{
	struct desk *t = *state;
	struct dot id;
	const char *page;

	ADD(t, "consent", &id, t->person_ref, t->own_ref, "kind=STORE", "decision=GIVEN", "at=2025-01-04",
	    "given_by=GUARDIAN", "relation=MOTHER", "giver_name=NGƯỜIKHÁC", "form=SIGNED",
	    "note=đã giải thích");
	page = page_of(t, &t->person);
	has(page, "đã giải thích");
	has(page, "Lưu thông tin");
	has_not(page, "NGƯỜIKHÁC");
}

static void
shows_what_was_struck_through_as_such(void **state)
{
	struct desk *t = *state;
	struct record_view view;
	struct address at;

	assert_int_equal(record_show(&t->d.c, &t->person, &view, &t->d.err), RC_OK);
	at = record_view_field(&view, "contact_log")->values[0].address;
	record_view_reset(&view);
	assert_int_equal(record_desk_void(&t->d, t->person, "contact_log", at, "gọi nhầm số"), RC_OK);
	has(page_of(t, &t->person), "<s>gọi lần một</s> (đã gạch bỏ: gọi nhầm số)");
}

static void
leaves_deleted_records_out(void **state)
{
	struct desk *t = *state;

	assert_int_equal(record_desk_delete(&t->d, t->own, NULL), RC_OK);
	has_not(page_of(t, &t->person), "lời kể");
	assert_int_equal(t->n.records, 1);
}

static void
refuses_a_record_that_is_no_person(void **state)
{
	struct desk *t = *state;
	struct dot id;

	ADD(t, "service_delivery", &id, t->own_ref, "service=MED", "status=OFFERED");
	assert_int_equal(person_page_make(&t->d.c, &id, &names, &t->out, &t->n, &t->d.err), RC_INVALID);
	assert_int_equal(t->out.len, 0);
	id.n += 1000;
	memset(&t->d.err, 0, sizeof(t->d.err));
	assert_int_equal(person_page_make(&t->d.c, &id, &names, &t->out, &t->n, &t->d.err), RC_NOTFOUND);
}

static void
what_is_left_out_exists(void **state)
{
	const struct embedded *file = embedded_find("exchange/person_page.csv");
	struct desk *t = *state;
	struct csv csv;

	assert_non_null(file);
	assert_int_equal(csv_parse("p", file->data, file->len, &csv, &t->d.err), RC_OK);
	for (size_t row = 1; row <= csv.n_rows; row++) {
		const struct form *form = form_set_find(t->d.forms, csv_cell(&csv, row, 0));

		assert_non_null(form);
		if (*csv_cell(&csv, row, 1) != '\0')
			assert_non_null(form_field_named(form, csv_cell(&csv, row, 1)));
	}
	csv_reset(&csv);
}

#define WITH_DESK(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DESK(shows_the_person_and_the_case_with_day_and_source),
		WITH_DESK(is_the_same_by_the_case),
		WITH_DESK(holds_nothing_about_others),
		WITH_DESK(leaves_the_guardians_name_out_of_a_consent),
		WITH_DESK(shows_what_was_struck_through_as_such),
		WITH_DESK(leaves_deleted_records_out),
		WITH_DESK(refuses_a_record_that_is_no_person),
		WITH_DESK(what_is_left_out_exists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
