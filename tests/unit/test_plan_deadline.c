/* Who has sent the reports that a plan asks for, and who in time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "field/plan_deadline.h"
#include "tests/support/report_world.h"

/* Communes of 20 in June 2026: 06004, 06184, 06196, 06541, 06625. */
static void
fill(struct report_world *w)
{
	report_world_sql(w, "INSERT INTO form_plan(id, unit, created_at, alive, conflicts, code, year)"
	    " VALUES (1001, '20', 0, 1, 0, 'X-2026', 2026)");
	report_world_sql(w, "INSERT INTO form_plan_deadline(id, unit, created_at, alive, conflicts, plan_id,"
	    " kind, from_kind, month_day, strict_before) VALUES"
	    " (1011, '20', 0, 1, 0, 1001, 'M6', 'CPC', '20/6', 'yes'),"
	    " (1012, '20', 0, 1, 0, 1001, 'Y1', 'CPC', NULL, NULL),"
	    " (1013, '20', 0, 1, 0, 1001, 'M6', 'DOJ', '20/6', 'yes'),"
	    " (1014, '20', 0, 1, 0, 1001, 'ADHOC', 'CPC', NULL, NULL)");
	report_world_sql(w, "INSERT INTO form_report_submission(id, unit, created_at, alive, conflicts, plan,"
	    " kind, state, submitted_at) VALUES"
	    " (1, '06184', 0, 1, 0, 'X-2026', 'M6', 'SUBMITTED', '2026-06-19'),"
	    " (2, '06541', 0, 1, 0, 'X-2026', 'M6', 'ACCEPTED', '2026-06-20'),"
	    " (3, '06196', 0, 1, 0, 'X-2026', 'M6', 'DRAFT', '2026-06-01'),"
	    /* returned, and sent again after the day: it was in time */
	    " (4, '06625', 0, 1, 0, 'X-2026', 'M6', 'RETURNED', '2026-06-18'),"
	    " (5, '06625', 0, 1, 0, 'X-2026', 'M6', 'SUBMITTED', '2026-07-01'),"
	    /* of another plan, of another kind, deleted, of another province */
	    " (6, '06004', 0, 1, 0, 'Y-2026', 'M6', 'SUBMITTED', '2026-06-01'),"
	    " (7, '06004', 0, 1, 0, 'X-2026', 'ADHOC', 'SUBMITTED', '2026-06-01'),"
	    " (8, '06004', 0, 0, 0, 'X-2026', 'M6', 'SUBMITTED', '2026-06-01'),"
	    " (9, '99001', 0, 1, 0, 'X-2026', 'M6', 'SUBMITTED', '2026-06-01'),"
	    " (10, '06184', 0, 1, 0, 'X-2026', 'Y1', 'SUBMITTED', '2027-01-20')");
}

struct told {
	struct report_world *w;
	const char *unit;
	char text[1000];
};

static void
missing(void *ctx, const char *code, const char *full_name)
{
	struct told *t = ctx;

	assert_true(strlen(full_name) > 0);
	strcat(strcat(t->text, " "), code);
}

static enum rc
line(void *ctx, const struct plan_deadline *d)
{
	struct told *t = ctx;
	struct plan_deadline_sent n;
	size_t used = strlen(t->text);

	snprintf(t->text + used, sizeof(t->text) - used, "%s %s:", d->kind, d->from_kind);
	assert_int_equal(plan_deadline_count(t->w->db, t->unit, d, missing, t, &n, &t->w->err), RC_OK);
	used = strlen(t->text);
	snprintf(t->text + used, sizeof(t->text) - used, " %zu of %zu, %zu\n", n.sent, n.asked, n.in_time);
	return RC_OK;
}

static const char *
ask(struct report_world *w, const char *unit, struct told *t)
{
	*t = (struct told){ w, unit, "" };
	assert_int_equal(plan_deadline_list(w->db, 2026, NULL, line, t, &w->err), RC_OK);
	return t->text;
}

static void
tells_who_has_sent_who_in_time_and_who_not(void **state)
{
	struct told t;

	fill(*state);
	assert_string_equal(ask(*state, "20", &t),
	    "M6 CPC: 06004 06196 3 of 5, 2\n"
	    "M6 DOJ: 0 of 0, 0\n"
	    "ADHOC CPC: 0 of 0, 0\n"
	    "Y1 CPC: 06004 06196 06541 06625 1 of 5, 1\n");
}

static void
tells_a_commune_of_itself_alone(void **state)
{
	struct told t;

	fill(*state);
	assert_string_equal(ask(*state, "06541", &t),
	    "M6 CPC: 1 of 1, 0\n"
	    "M6 DOJ: 0 of 0, 0\n"
	    "ADHOC CPC: 0 of 0, 0\n"
	    "Y1 CPC: 06541 0 of 1, 0\n");
}

static void
units_whose_parents_go_round_end(void **state)
{
	static const struct report_unit ring[] = {
		{ "A", "A", "Tỉnh A", "B", "PROV", false, NULL, NULL },
		{ "B", "B", "Huyện B", "A", "DIST", false, NULL, NULL },
		{ "06541", "C", "Xã C", "B", "COMM", false, NULL, NULL },
	};
	struct report_world *w = *state;
	struct told t;

	fill(w);
	assert_int_equal(report_units(w->db, ring, 3, &w->err), RC_OK);
	assert_non_null(strstr(ask(w, "A", &t), "M6 CPC: 1 of 1, 0\n"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, report_world_set_up, report_world_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(tells_who_has_sent_who_in_time_and_who_not),
		T(tells_a_commune_of_itself_alone),
		T(units_whose_parents_go_round_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
