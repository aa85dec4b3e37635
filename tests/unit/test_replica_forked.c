#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/left_out.h"
#include "tests/support/province_stick.h"

/* A device that was copied while it ran: both go on with its logs, and a supervisor releases what both wrote. */

struct twins {
	struct workspace *a, *twin;
	struct journal_writer *own;	/* of the twin, meanwhile */
	char dir[300];			/* of a */
};

/* Both write with one memory from now on, as two copies of a process do. */
static void
copy_while_running(struct province *p, struct twins *t)
{
	char copy[330], command[800];

	snprintf(copy, sizeof(copy), "%s-copy", t->dir);
	snprintf(command, sizeof(command), "cp -r '%s' '%s'", t->dir, copy);
	assert_int_equal(system(command), 0);
	t->twin = province_open(p, copy);
	t->own = t->twin->writer;
	t->twin->writer = t->a->writer;
}

/* The copies are locked and unlocked: each writes in logs of its own. */
static void
start_anew(struct province *p, struct twins *t)
{
	t->twin->writer = t->own;
	workspace_close(t->a);
	t->a = province_open(p, t->dir);
}

static struct dot
add_person(struct workspace *ws, const char *name)
{
	const char *pairs[] = { "full_name", name, "sex", "F", "phone", "0900000000", NULL };

	return province_add(ws, "person", pairs);
}

static void
add_case(struct workspace *ws, struct dot who)
{
	char id[DOT_TEXT_MAX];
	const char *pairs[] = { "person_id", id, "recv_channel", "SELF_COMMUNE", "recv_date", "2026-01-10",
		"risk_level", "LOW", "narrative", "Bị lừa đi làm thuê qua biên giới.", NULL };

	dot_text(&who, id);
	province_add(ws, "case", pairs);
}

static enum rc
release(struct workspace *ws, const uint8_t *device, const struct dot *only, size_t *released)
{
	struct record_context c = workspace_records(ws, FORM_VI);
	struct error err = { 0 };
	enum rc rc;

	assert_int_equal(workspace_begin(ws, &err), RC_OK);
	rc = left_out_release(&c, device, only, released, &err);
	return workspace_end(ws, rc, &err);
}

static void
sync_all(struct province *p, struct workspace *const *all, size_t n)
{
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < n; i++)
			province_sync(p, all[i]);
}

/* Live values of a field with this text. */
static size_t
live(struct workspace *ws, struct dot id, const char *field, const char *text)
{
	struct record_context c = workspace_records(ws, FORM_EN);
	const struct record_field *f;
	struct record_view view;
	struct error err = { 0 };
	size_t n = 0;

	assert_int_equal(record_show(&c, &id, &view, &err), RC_OK);
	f = record_view_field(&view, field);
	for (size_t i = 0; f != NULL && i < f->n_values; i++)
		n += strcmp(f->values[i].text, text) == 0;
	record_view_reset(&view);
	return n;
}

/* What must be there, once each, when all was released. */
static void
check_all_is_there(struct workspace *ws, struct dot shared)
{
	assert_int_equal(province_status(ws).left_out, 0);
	assert_int_equal(live(ws, shared, "phone", "0911111111"), 1);
	assert_int_equal(live(ws, shared, "phone", "0922222222"), 1);
	assert_int_equal(live(ws, shared, "phone", "0933333333"), 1);
	assert_int_equal(live(ws, shared, "phone", "0912345678"), 0);
	assert_int_equal(province_count(ws, "SELECT count(*) FROM form_person"), 3);
	assert_int_equal(province_count(ws, "SELECT count(*) FROM form_person WHERE conflicts = 0"), 2);
	assert_int_equal(province_count(ws, "SELECT count(*) FROM form_person WHERE full_name ="
	    " 'Vi Thị Mai' AND phone = '0944444444'"), 1);
	assert_int_equal(province_count(ws, "SELECT count(*) FROM form_person WHERE full_name ="
	    " 'Lý Thị Sáng' AND phone = '0900000000'"), 1);
	assert_int_equal(province_count(ws, "SELECT count(*) FROM form_case JOIN form_person ON"
	    " form_person.id = form_case.person_id WHERE full_name = 'Vi Thị Mai'"), 1);
	assert_int_equal(province_count(ws, "SELECT count(*) FROM form_outreach"), 3);
}

static void
what_both_wrote_is_live_or_in_conflict_after_the_release(void **state)
{
	struct province *p = *state;
	struct twins t = { .a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao") };
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *boss = province_device(p, "20", ROLE_SUPERVISOR, "Trần Văn Hải");
	struct workspace *second = province_device(p, "20", ROLE_SUPERVISOR, "Lý A Sáng");
	struct workspace *late = NULL;
	struct dot shared, mai;
	size_t n;

	province_device_dir(p, 0, t.dir);
	shared = province_add(t.a, "person", PROVINCE_PERSON);
	province_add(t.a, "outreach", PROVINCE_VISIT);
	copy_while_running(p, &t);
	province_edit(t.a, shared, NULL, "phone", "0911111111");
	mai = add_person(t.a, "Vi Thị Mai");
	province_edit(t.a, mai, NULL, "phone", "0944444444");
	add_case(t.a, mai);
	province_add(t.a, "outreach", PROVINCE_VISIT);
	p->now += 5;
	province_edit(t.twin, shared, NULL, "phone", "0922222222");
	add_person(t.twin, "Lý Thị Sáng");
	province_add(t.twin, "outreach", PROVINCE_VISIT);
	start_anew(p, &t);
	province_edit(t.a, shared, NULL, "phone", "0933333333");

	/* one supervisor hears of the twin first, by a stick, the other of the device */
	province_stick_carry(t.twin, second);
	sync_all(p, (struct workspace *[]){ t.a, boss, b, t.twin, second }, 5);
	assert_true(province_same_fold(boss, second));
	assert_int_equal(province_status(boss).left_out, 8);
	assert_int_equal(province_status(second).left_out, 8);
	assert_int_equal(province_count(boss, "SELECT count(*) FROM form_person"), 1);

	/* both release, neither knowing of the other */
	assert_int_equal(release(boss, replica_device(t.a->replica), NULL, &n), RC_OK);
	assert_int_equal(n, 8);
	assert_int_equal(release(boss, replica_device(t.a->replica), NULL, &n), RC_NOTFOUND);
	check_all_is_there(boss, shared);
	assert_int_equal(release(second, NULL, NULL, &n), RC_OK);
	assert_int_equal(n, 8);
	sync_all(p, (struct workspace *[]){ boss, second, t.a, t.twin, b }, 5);
	late = province_device(p, "20", ROLE_SUPERVISOR, "Phan Văn Muộn");
	sync_all(p, (struct workspace *[]){ boss, late }, 2);
	for (size_t i = 0; i < 6; i++) {
		struct workspace *ws = (struct workspace *[]){ boss, second, t.a, t.twin, b, late }[i];

		check_all_is_there(ws, shared);
		assert_true(province_same_fold(boss, ws));
		assert_int_equal(release(ws, NULL, NULL, &n), RC_NOTFOUND);
	}
	for (size_t i = 0; i < 6; i++)
		workspace_close((struct workspace *[]){ boss, second, t.a, t.twin, b, late }[i]);
}

struct found { struct dot name; size_t n, waiting; };

/* The entry that waits, if there is one. */
static enum rc
note_waiting(void *ctx, const struct left_out *one)
{
	struct found *f = ctx;

	assert_true(one->forked);
	f->n++;
	if (one->waits) {
		f->waiting++;
		f->name = one->name;
	}
	return RC_OK;
}

static void
an_entry_waits_for_what_its_branch_had_before(void **state)
{
	struct province *p = *state;
	struct twins t = { .a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao") };
	struct workspace *boss = province_device(p, "20", ROLE_SUPERVISOR, "Trần Văn Hải");
	struct found f = { .n = 0 };
	struct bytes first, second;
	struct error err = { 0 };
	struct dot shared;
	char shown[200];
	size_t n;

	bytes_init(&first);
	bytes_init(&second);
	province_device_dir(p, 0, t.dir);
	shared = province_add(t.a, "person", PROVINCE_PERSON);
	province_sync(p, t.a);
	province_sync(p, boss);
	copy_while_running(p, &t);
	province_edit(t.a, shared, NULL, "phone", "0911111111");
	province_sealed_frame(t.a, &first);
	p->now++;
	province_edit(t.a, shared, NULL, "phone", "0944444444");
	province_sealed_frame(t.a, &second);
	province_edit(t.twin, shared, NULL, "phone", "0922222222");
	t.twin->writer = t.own;
	province_stick_carry(t.twin, boss);
	province_take(boss, ITEM_FRAME, &second);

	assert_int_equal(left_out_each(replica_db(boss->replica), NULL, note_waiting, &f, &err), RC_OK);
	assert_int_equal(f.waiting, 1);
	assert_int_equal(release(boss, NULL, &f.name, &n), RC_BUSY);
	assert_int_equal(release(boss, NULL, NULL, &n), RC_OK);
	assert_int_equal(n, f.n - 1);
	assert_int_equal(province_values(boss, shared, "phone", shown), 1);
	assert_string_equal(shown, "0922222222");
	province_take(boss, ITEM_FRAME, &first);
	assert_int_equal(release(boss, NULL, &f.name, &n), RC_OK);
	assert_int_equal(release(boss, NULL, NULL, &n), RC_OK);
	assert_int_equal(n, 1);
	/* the branch's own earlier value is replaced, the twin's is not */
	assert_int_equal(province_values(boss, shared, "phone", shown), 2);
	assert_int_equal(live(boss, shared, "phone", "0944444444"), 1);
	assert_int_equal(live(boss, shared, "phone", "0922222222"), 1);
	bytes_reset(&first);
	bytes_reset(&second);
	workspace_close(t.a);
	workspace_close(t.twin);
	workspace_close(boss);
}

#define T(name) cmocka_unit_test_setup_teardown(name, province_set_up, province_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_both_wrote_is_live_or_in_conflict_after_the_release),
		T(an_entry_waits_for_what_its_branch_had_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
