#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/fold.h"
#include "shared/records/history.h"
#include "tests/support/record_desk.h"
#include "tests/support/record_fixture.h"

static void
shows_every_write_with_what_it_replaced(void **state)
{
	struct record_desk a, b;
	struct history h;
	struct dot id, note;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 2);
	assert_int_equal(record_desk_add(&a, "thing", &id, "name=Hoa", "born=1998",
	    "born_how=YEAR", NULL), RC_OK);
	record_desk_sync(&a, &b);
	b.now = 1;			/* a clock far behind */
	assert_int_equal(record_desk_edit(&b, id, NULL, "gọi lại", "name=Hòa", "notes=một", NULL),
	    RC_OK);
	note = b.dot;
	record_desk_sync(&a, &b);
	assert_int_equal(record_desk_void(&a, id, "notes", (struct address){ note, 1 }, "nhầm"),
	    RC_OK);
	assert_int_equal(history_read(&a.c, &id, &h, &a.err), RC_OK);
	assert_int_equal(h.n_entries, 3);
	/* what replaced another stands after it, whatever the clocks said */
	assert_true(h.entries[0].creates);
	assert_int_equal(dot_compare(&h.entries[0].dot, &id), 0);
	assert_string_equal(h.entries[0].writes[0].values[0].text, "Hoa");
	assert_false(h.entries[0].writes[0].values[0].live);
	assert_string_equal(h.entries[0].writes[1].values[0].text, "born=1998 born_how=YEAR");
	assert_string_equal(h.entries[0].writes[1].field->name, "born");
	assert_true(h.entries[0].writes[1].values[0].live);
	assert_int_equal(dot_compare(&h.entries[1].dot, &note), 0);
	assert_string_equal(h.entries[1].reason, "gọi lại");
	assert_memory_equal(h.entries[1].by, b.device, sizeof(b.device));
	assert_int_equal(h.entries[1].writes[0].n_values, 1);
	assert_string_equal(h.entries[1].writes[0].field->name, "name");
	assert_int_equal(h.entries[1].writes[0].n_replaces, 1);
	assert_int_equal(dot_compare(&h.entries[1].writes[0].replaces[0].dot, &id), 0);
	assert_int_equal(h.entries[2].writes[0].kind, WRITE_VOID);
	assert_int_equal(dot_compare(&h.entries[2].writes[0].replaces[0].dot, &note), 0);
	assert_string_equal(h.entries[2].reason, "nhầm");
	history_reset(&h);
	record_desk_close(&a);
	record_desk_close(&b);
}

static void
stays_in_the_order_of_replacing_while_a_clock_runs_backwards(void **state)
{
	enum { EDITS = 600 };
	struct record_desk d;
	struct history h;
	struct dot id;

	(void)state;
	record_desk_open(&d, 1);
	assert_int_equal(record_desk_add(&d, "thing", &id, "name=Hoa", NULL), RC_OK);
	for (int i = 0; i < EDITS; i++) {
		d.now -= 60;
		assert_int_equal(record_desk_edit(&d, id, NULL, NULL, i % 2 == 0 ? "name=Lan" :
		    "name=Hoa", NULL), RC_OK);
	}
	assert_int_equal(history_read(&d.c, &id, &h, &d.err), RC_OK);
	assert_int_equal(h.n_entries, EDITS + 1);
	for (size_t i = 1; i < h.n_entries; i++)
		assert_int_equal(h.entries[i].dot.n, h.entries[i - 1].dot.n + 1);
	history_reset(&h);
	record_desk_close(&d);
}

static void
says_why_an_entry_does_not_count(void **state)
{
	struct record_desk d, other;
	struct history h;
	struct dot id, edit, released;
	uint64_t from;

	(void)state;
	record_desk_open(&d, 1);
	record_desk_open(&other, 2);
	assert_int_equal(record_desk_add(&d, "thing", &id, "name=Hoa", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&d, id, NULL, NULL, "name=Lan", NULL), RC_OK);
	edit = d.dot;
	record_desk_sync(&d, &other);
	assert_int_equal(journal_set_limit(other.db, edit.log, 1, &from, NULL), RC_OK);
	assert_int_equal(fold_refold_log(other.fold, edit.log, from, NULL), RC_OK);
	assert_int_equal(fold_flush(other.fold, NULL), RC_OK);
	assert_int_equal(history_read(&other.c, &id, &h, &other.err), RC_OK);
	assert_int_equal(h.entries[0].standing, HISTORY_COUNTS);
	assert_int_equal(h.entries[1].standing, HISTORY_BEYOND_LIMIT);
	history_reset(&h);
	assert_int_equal(record_restate(&other.c, &edit, &released, &other.err), RC_OK);
	record_desk_sync(&d, &other);
	assert_int_equal(history_read(&d.c, &id, &h, &d.err), RC_OK);
	assert_int_equal(h.n_entries, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(h.entries[i].standing, dot_compare(&h.entries[i].dot, &released) == 0 ?
		    HISTORY_RESTATED : HISTORY_COUNTS);
	history_reset(&h);
	released.n += 40;
	assert_int_equal(history_read(&d.c, &released, &h, &d.err), RC_NOTFOUND);
	record_desk_close(&d);
	record_desk_close(&other);
}

/* Does an entry that is left out hold this name, by this device? */
static bool
holds_forked(const struct history *h, const char *name)
{
	for (size_t i = 0; i < h->n_entries; i++)
		if (h->entries[i].standing == HISTORY_FORKED && h->entries[i].at > 0 &&
		    strcmp(h->entries[i].writes[0].values[0].text, name) == 0)
			return !h->entries[i].writes[0].values[0].live && h->entries[i].by[0] == 1;
	return false;
}

static void
holds_both_branches_of_a_fork(void **state)
{
	struct record_desk a, b, other;
	struct history h;
	struct dot id;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 1);	/* a copy of the running process: the same noise */
	record_desk_open(&other, 2);
	assert_int_equal(record_desk_add(&a, "thing", &id, "name=Hoa", NULL), RC_OK);
	assert_int_equal(record_desk_add(&b, "thing", &id, "name=Hoa", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "name=Lan", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "name=Mai", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "name=Đào", NULL), RC_OK);
	record_fixture_carry_all(a.db, other.db, other.fold);
	record_fixture_carry_all(b.db, other.db, other.fold);
	record_desk_assert(&other, id, "name", "Hoa");
	assert_int_equal(history_read(&other.c, &id, &h, &other.err), RC_OK);
	assert_int_equal(h.n_entries, 4);
	assert_int_equal(h.entries[0].standing, HISTORY_COUNTS);
	assert_true(holds_forked(&h, "Lan"));
	assert_true(holds_forked(&h, "Mai"));
	assert_true(holds_forked(&h, "Đào"));
	history_reset(&h);
	record_desk_close(&a);
	record_desk_close(&b);
	record_desk_close(&other);
}

/* ---- every value that somebody was told is saved ---- */

enum { DESKS = 3, ROUNDS = 400, SAVED_MAX = 600, SEED = 20261123 };

/* By whom and when, in which entry: what was typed into a field. */
struct saved {
	struct dot dot;
	uint8_t by;
	int64_t at;
	const char *field;
	char text[24];
};

struct days {
	struct record_desk desks[DESKS];
	struct dot id;
	uint64_t seed;
	struct saved saved[SAVED_MAX];
	size_t n, policies[7];
};

static size_t
pick(struct days *d, size_t n)
{
	return record_fixture_pick(&d->seed, n);
}

static void
remember(struct days *d, size_t desk, const char *field, const char *text)
{
	struct saved *s = &d->saved[d->n++];

	assert_true(d->n < SAVED_MAX);
	*s = (struct saved){ d->desks[desk].dot, (uint8_t)(desk + 1), d->desks[desk].now, field, "" };
	snprintf(s->text, sizeof(s->text), "%s", text);
}

/* A value for a field of each policy, over what this desk sees. */
static void
type_something(struct days *d, size_t desk)
{
	static const char *const fields[] = { "name", "tags", "notes", "risk", "no_contact", "title",
		"born" };
	static const char *const ranks[] = { "LOW", "MEDIUM", "HIGH" }, *const flags[] = { "yes", "no" };
	struct record_desk *t = &d->desks[desk];
	size_t policy = pick(d, 7);
	char pair[40], *before = record_desk_field(t, d->id, fields[policy]), *seen = NULL;
	const char *text = pair + strlen(fields[policy]) + 1;

	snprintf(pair, sizeof(pair), "%s=%s", fields[policy], policy == 3 ? ranks[pick(d, 3)] :
	    policy == 4 ? flags[pick(d, 2)] : "");
	if (policy == 6)
		snprintf(pair, sizeof(pair), "born=%d", 1950 + (int)pick(d, 50));
	else if (policy < 3 || policy == 5)
		snprintf(pair, sizeof(pair), "%s=x%u", fields[policy], (unsigned)pick(d, 40));
	seen = record_desk_seen(t, d->id);
	assert_int_equal(record_desk_edit(t, d->id, seen, "vì", pair, NULL), RC_OK);
	/* what already stood there alone, or as an item, is not written again */
	if (t->dot.log != 0 && (policy == 2 || (strcmp(before, text) != 0 &&
	    (policy != 1 || strstr(before, text) == NULL)))) {
		remember(d, desk, fields[policy], text);
		d->policies[policy]++;
	}
	free(before);
	free(seen);
}

/* Deleted, restored, struck through: values, too. */
static void
undo_something(struct days *d, size_t desk)
{
	struct record_desk *t = &d->desks[desk];
	struct record_view view;
	const struct record_field *f;
	struct address at = { { 0, 0 }, 0 };

	assert_int_equal(record_show(&t->c, &d->id, &view, &t->err), RC_OK);
	f = record_view_field(&view, "notes");
	for (size_t i = 0; f != NULL && i < f->n_values; i++)
		if (!f->values[i].voided)
			at = f->values[i].address;
	if (pick(d, 3) != 0 && at.dot.log != 0) {
		assert_int_equal(record_desk_void(t, d->id, "notes", at, "nhầm"), RC_OK);
	} else if (record_desk_delete(t, d->id, view.seen) == RC_OK) {
		remember(d, desk, "alive", "0");
		t->now++;
		if (record_desk_restore(t, d->id) == RC_OK)
			remember(d, desk, "alive", "1");
	}
	record_view_reset(&view);
}

static bool
wrote(const struct history_write *w, const struct saved *s)
{
	if (strcmp(w->field == NULL ? "alive" : w->field->name, s->field) != 0)
		return false;
	for (size_t i = 0; i < w->n_values; i++)
		if (strcmp(w->values[i].text, s->text) == 0 || (strcmp(s->field, "born") == 0 &&
		    strncmp(w->values[i].text + 5, s->text, 4) == 0))
			return true;
	return false;
}

static bool
tells(const struct history *h, const struct saved *s)
{
	size_t found = 0;

	for (size_t i = 0; i < h->n_entries; i++) {
		const struct history_entry *e = &h->entries[i];

		for (size_t k = 0; dot_compare(&e->dot, &s->dot) == 0 && k < e->n_writes; k++)
			found += wrote(&e->writes[k], s) && e->by[0] == s->by && e->at == s->at;
	}
	return found == 1;
}

/* Three persons, every policy, clocks that are wrong, any order of meetings. */
static void
every_desk_tells_every_value_that_was_saved_with_author_and_time(void **state)
{
	struct days *d = calloc(1, sizeof(*d));

	(void)state;
	assert_non_null(d);
	d->seed = SEED;
	for (size_t i = 0; i < DESKS; i++)
		record_desk_open(&d->desks[i], (uint8_t)(i + 1));
	assert_int_equal(record_desk_add(&d->desks[0], "thing", &d->id, "name=x", NULL), RC_OK);
	record_desk_sync(&d->desks[0], &d->desks[1]);
	record_desk_sync(&d->desks[0], &d->desks[2]);
	for (int i = 0; i < ROUNDS; i++) {
		size_t desk = pick(d, DESKS);

		d->desks[desk].now += (int64_t)pick(d, 200) - 90;
		if (pick(d, 8) == 0)
			undo_something(d, desk);
		else
			type_something(d, desk);
		if (pick(d, 3) == 0)
			record_desk_sync(&d->desks[desk], &d->desks[(desk + 1 + pick(d, 2)) % DESKS]);
	}
	for (size_t i = 0; i < 2 * DESKS; i++)
		record_desk_sync(&d->desks[i % DESKS], &d->desks[(i + 1) % DESKS]);
	for (size_t i = 0; i < 7; i++)
		assert_true(d->policies[i] > 10);
	for (size_t i = 0; i < DESKS; i++) {
		struct history h;

		assert_int_equal(history_read(&d->desks[i].c, &d->id, &h, &d->desks[i].err), RC_OK);
		for (size_t k = 0; k < d->n; k++)
			if (!tells(&h, &d->saved[k]))
				fail_msg("seed %d: desk %zu does not tell that %u wrote %s = %s at %lld", SEED, i,
				    d->saved[k].by, d->saved[k].field, d->saved[k].text, (long long)d->saved[k].at);
		history_reset(&h);
	}
	print_message("seed %d: %zu values\n", SEED, d->n);
	for (size_t i = 0; i < DESKS; i++)
		record_desk_close(&d->desks[i]);
	free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_every_write_with_what_it_replaced),
		cmocka_unit_test(stays_in_the_order_of_replacing_while_a_clock_runs_backwards),
		cmocka_unit_test(says_why_an_entry_does_not_count),
		cmocka_unit_test(holds_both_branches_of_a_fork),
		cmocka_unit_test(every_desk_tells_every_value_that_was_saved_with_author_and_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
