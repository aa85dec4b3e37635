/* Who opened what: what waits, what is one, what is written, and in which words. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/access_log.h"
#include "shared/records/fold.h"
#include "shared/records/search.h"
#include "shared/vault/query.h"
#include "tests/support/record_desk.h"

#define A "a1b2c3d4e5f60718.4"
#define B "a1b2c3d4e5f60718.9"

static int
set_up(void **state)
{
	struct record_desk *d = calloc(1, sizeof(*d));
	struct form_set *forms = NULL;
	struct error err = { 0 };

	assert_non_null(d);
	assert_int_equal(form_set_load_embedded(&forms, &err), RC_OK);
	record_desk_open_with(d, 1, forms);
	d->now = 1795392300;		/* 23 November 2026, 02:05 UTC */
	*state = d;
	return 0;
}

static int
tear_down(void **state)
{
	struct record_desk *d = *state;

	record_desk_close(d);
	free(d);
	return 0;
}

static bool
opened(struct record_desk *d, const char *command, const char *what, uint64_t count,
    const char *reason)
{
	struct access_log_open o = { .command = command, .what = what, .count = count, .reason = reason };
	bool is_new;

	if (access_log_note(&d->c, &o, &is_new, &d->err) != RC_OK)
		fail_msg("%s: %s", d->err.where, d->err.what);
	return is_new;
}

static bool
due(struct record_desk *d)
{
	bool out;

	assert_int_equal(access_log_is_due(&d->c, &out, &d->err), RC_OK);
	return out;
}

static void
write_all(struct record_desk *d)
{
	enum rc rc;

	assert_int_equal(query_begin(d->db, &d->err), RC_OK);
	rc = access_log_write(&d->c, &d->err);
	if (rc == RC_OK)
		rc = fold_flush(d->fold, &d->err);
	if (query_end(d->db, rc, &d->err) != RC_OK)
		fail_msg("%s: %s", d->err.where, d->err.what);
}

struct lines { char text[4000]; size_t n; };

/* "minutes command what count reason[ waits][ struck]"; minutes of the hour: no time zone matters. */
static enum rc
take(void *ctx, const struct access_log_line *line)
{
	struct lines *l = ctx;
	char one[300];

	assert_int_equal(strlen(line->at), 16);
	snprintf(one, sizeof(one), "%s%s %s %s %d %s%s%s", l->n++ > 0 ? "\n" : "", line->at + 14,
	    line->command, line->what, (int)line->count, line->reason, line->waits ? " waits" : "",
	    line->struck ? " struck" : "");
	strncat(l->text, one, sizeof(l->text) - strlen(l->text) - 1);
	assert_true(line->waits == (line->device == NULL));
	return RC_OK;
}

static void
lines(struct record_desk *d, const char *wanted)
{
	struct lines l = { "", 0 };

	assert_int_equal(access_log_lines(&d->c, NULL, NULL, take, &l, &d->err), RC_OK);
	assert_string_equal(l.text, wanted);
}

static int64_t
count(struct record_desk *d, const char *sql)
{
	int64_t n;

	assert_int_equal(query_int(d->db, &d->err, &n, sql, ""), RC_OK);
	return n;
}

static void
the_same_thing_within_an_hour_is_one(void **state)
{
	struct record_desk *d = *state;

	assert_true(opened(d, "show", A, 0, ""));
	assert_false(opened(d, "show", A, 0, ""));
	assert_true(opened(d, "show", B, 0, ""));
	assert_true(opened(d, "case", A, 0, ""));
	d->now += 3599;
	assert_false(opened(d, "show", A, 0, ""));
	d->now += 1;
	assert_true(opened(d, "show", A, 0, ""));
	lines(d, "05 case " A " 0  waits\n05 show " A " 0  waits\n05 show " B " 0  waits\n"
	    "05 show " A " 0  waits");
}

static void
of_one_hour_the_larger_count_and_the_reason_that_was_given_stand(void **state)
{
	struct record_desk *d = *state;
	struct access_log_open missed = { .command = "missed", .what = "opens", .count = 2, .reason = "",
		.adds = true };
	bool is_new;

	opened(d, "list", "person", 3, "");
	opened(d, "list", "person", 24, "");
	opened(d, "list", "person", 7, "");
	opened(d, "list", "case", 1, "");
	opened(d, "show", A, 0, "-");
	opened(d, "show", A, 0, "SUPERVISE");
	opened(d, "show", A, 0, "-");
	assert_int_equal(access_log_note(&d->c, &missed, &is_new, &d->err), RC_OK);
	assert_int_equal(access_log_note(&d->c, &missed, &is_new, &d->err), RC_OK);
	lines(d, "05 list case 1  waits\n05 list person 24  waits\n05 missed opens 4  waits\n"
	    "05 show " A " 0 SUPERVISE waits");
}

static void
what_waits_is_written_when_the_oldest_is_an_hour_old(void **state)
{
	struct record_desk *d = *state;

	assert_false(due(d));
	opened(d, "show", A, 0, "");
	assert_false(due(d));
	d->now += 3599;
	opened(d, "list", "person", 5, "SETTLE");
	assert_false(due(d));
	d->now += 1;
	assert_true(due(d));
	assert_int_equal(count(d, "SELECT count(*) FROM entry"), 0);
	write_all(d);
	assert_false(due(d));
	/* one entry, whatever was opened; by this device, in this unit's cases */
	assert_int_equal(count(d, "SELECT count(*) FROM entry"), 1);
	assert_int_equal(count(d, "SELECT count(*) FROM log WHERE compartment = 1"), 1);
	lines(d, "05 show " A " 0 \n04 list person 5 SETTLE");
	assert_int_equal(count(d, "SELECT count(*) FROM setting WHERE name GLOB 'open *'"), 0);
	write_all(d);
	assert_int_equal(count(d, "SELECT count(*) FROM entry"), 1);
}

static void
each_day_is_a_record_and_none_holds_more_than_it_may(void **state)
{
	struct record_desk *d = *state;
	char what[40];

	for (int i = 1; i <= ACCESS_LOG_DAY_MAX + 1; i++) {
		snprintf(what, sizeof(what), "a1b2c3d4e5f60718.%d", i);
		opened(d, "show", what, 0, "");
	}
	d->now += 24 * 3600;
	opened(d, "show", A, 0, "");
	write_all(d);
	assert_int_equal(count(d, "SELECT count(*) FROM form_access_log"), 3);
	assert_int_equal(count(d, "SELECT count(DISTINCT day) FROM form_access_log"), 2);
	assert_int_equal(count(d, "SELECT count(*) FROM form_access_log__opens"), ACCESS_LOG_DAY_MAX + 2);
}

static void
too_many_that_wait_or_a_clock_that_went_back_are_written_at_once(void **state)
{
	struct record_desk *d = *state;
	char what[40];

	for (int i = 1; i < ACCESS_LOG_WAITING_MAX; i++) {
		snprintf(what, sizeof(what), "a1b2c3d4e5f60718.%d", i);
		opened(d, "show", what, 0, "");
	}
	assert_false(due(d));
	opened(d, "case", A, 0, "");
	assert_true(due(d));
	write_all(d);
	opened(d, "show", A, 0, "");
	d->now -= 3600;
	assert_true(due(d));
}

static void
nothing_that_anybody_typed_can_stand_in_it(void **state)
{
	static const struct access_log_open bad[] = {
		{ .command = "show", .what = "Đặng Thị Hòa", .reason = "" },
		{ .command = "show", .what = "a b", .reason = "" },
		{ .command = "show", .what = "", .reason = "" },
		{ .command = "show x", .what = A, .reason = "" },
		{ .command = "SHOW", .what = A, .reason = "" },
		{ .command = "show", .what = A, .reason = "because of Hoa" },
		{ .command = "show", .what = A, .reason = "x" },
	};
	struct record_desk *d = *state;
	bool is_new;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(access_log_note(&d->c, &bad[i], &is_new, &d->err), RC_INVALID);
	assert_int_equal(count(d, "SELECT count(*) FROM setting WHERE name GLOB 'open *'"), 0);
}

static void
what_was_struck_through_or_deleted_is_still_told(void **state)
{
	struct record_desk *d = *state;
	struct address at = { .item = 0 };
	struct dot id = { 0, 0 };

	opened(d, "show", A, 0, "");
	opened(d, "show", B, 0, "");
	write_all(d);
	id.log = (uint64_t)count(d, "SELECT log FROM record");
	id.n = (uint64_t)count(d, "SELECT n FROM record");
	at.dot = id;
	at.item = (unsigned)count(d, "SELECT item FROM form_access_log__opens WHERE value GLOB '*.4'");
	assert_int_equal(record_desk_void(d, id, "opens", at, "nhầm"), RC_OK);
	lines(d, "05 show " A " 0  struck\n05 show " B " 0 ");
	assert_int_equal(record_desk_delete(d, id, NULL), RC_OK);
	lines(d, "05 show " A " 0  struck\n05 show " B " 0  struck");
}

static void
words_of_records_are_not_looked_for_in_it_unless_it_is_asked_for(void **state)
{
	struct record_desk *d = *state;
	struct search_hit *hits;
	struct dot id;
	size_t n;

	opened(d, "list", "person", 1, "");
	write_all(d);
	assert_int_equal(record_desk_add(d, "person", &id, "full_name=Person", NULL), RC_OK);
	assert_int_equal(search_records(&d->c, "person", NULL, 10, &hits, &n, &d->err), RC_OK);
	assert_int_equal(n, 1);
	search_hits_free(hits, n);
	assert_int_equal(search_records(&d->c, "person", ACCESS_LOG_FORM, 10, &hits, &n, &d->err), RC_OK);
	assert_int_equal(n, 1);
	assert_string_equal(hits[0].form, ACCESS_LOG_FORM);
	search_hits_free(hits, n);
}

static enum rc
take_raw(void *ctx, const struct access_log_line *line)
{
	assert_string_equal(line->command, "");
	assert_string_equal(line->what, "");
	assert_int_equal(line->count, 0);
	assert_string_equal(line->text, ctx);
	return RC_OK;
}

/* A line of another program, or of somebody who writes what he likes. */
static void
a_line_that_is_none_is_told_as_it_stands(void **state)
{
	static const char *const bad[] = { "", "8:05 show x", "08:05 show", "08:05 show " A " 1 2 3", "08:05 show " A " x",
		"08:05 show " A " 1 ", "08:05 seventeenletters_ x", "08:05  x", "Đặng Thị Hòa" };
	struct record_desk *d = *state;
	struct lines none = { "", 0 };

	opened(d, "show", A, 0, "");
	write_all(d);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(query_run(d->db, &d->err, "UPDATE form_access_log__opens SET value = ?1", "t",
		    bad[i]), RC_OK);
		assert_int_equal(access_log_lines(&d->c, NULL, NULL, take_raw, (void *)(uintptr_t)bad[i],
		    &d->err), RC_OK);
	}
	assert_int_equal(access_log_lines(&d->c, "2026-11-25", NULL, take, &none, &d->err), RC_OK);
	assert_int_equal(access_log_lines(&d->c, NULL, "2026-11-21", take, &none, &d->err), RC_OK);
	assert_int_equal(none.n, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_same_thing_within_an_hour_is_one),
		T(of_one_hour_the_larger_count_and_the_reason_that_was_given_stand),
		T(what_waits_is_written_when_the_oldest_is_an_hour_old),
		T(each_day_is_a_record_and_none_holds_more_than_it_may),
		T(too_many_that_wait_or_a_clock_that_went_back_are_written_at_once),
		T(nothing_that_anybody_typed_can_stand_in_it),
		T(what_was_struck_through_or_deleted_is_still_told),
		T(words_of_records_are_not_looked_for_in_it_unless_it_is_asked_for),
		T(a_line_that_is_none_is_told_as_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
