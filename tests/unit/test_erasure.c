#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/forms/form.h"
#include "shared/records/draft.h"
#include "shared/records/entry.h"
#include "shared/sync/frame.h"
#include "shared/sync/replica.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/depot.h"
#include "sync-server/erasure.h"
#include "sync-server/relay_internal.h"
#include "tests/support/province.h"

/* A lawful erasure in a whole province: what goes, what stays, and by which ways it cannot come back. */

static const char *const person[] = {
	"full_name", "Đặng Thị Hòa", "sex", "F", "phone", "0912345678", "address_text", "thôn Nà Lầu", NULL
};

static bool
holds(const uint8_t *p, size_t len, const char *words)
{
	size_t n = strlen(words);

	for (size_t i = 0; i + n <= len; i++)
		if (memcmp(p + i, words, n) == 0)
			return true;
	return false;
}

/* Do the words stand anywhere in the clear pages of the vault, free ones included? */
static bool
stands_in(struct workspace *ws, const char *words)
{
	sqlite3_int64 len = 0;
	uint8_t *pages = sqlite3_serialize(vault_db(ws->vault), "main", &len, 0);
	bool found;

	assert_non_null(pages);
	found = holds(pages, (size_t)len, words);
	sqlite3_free(pages);
	return found;
}

static enum rc
count_found(void *ctx, const struct erasure_found *found)
{
	size_t *n = ctx;

	assert_non_null(found->entry);
	++*n;
	return RC_OK;
}

static enum rc
find(struct province *p, const char *text, struct erasure_order *o, size_t *n)
{
	struct form_set *forms;
	struct error err = { 0 };
	enum rc rc;

	*n = 0;
	assert_int_equal(form_set_load_embedded(&forms, &err), RC_OK);
	assert_int_equal(erasure_read("order", (const uint8_t *)text, strlen(text), o, &err), RC_OK);
	rc = erasure_find(p->authority, p->depot, forms, o, count_found, n, &err);
	form_set_free(forms);
	return rc;
}

static uint64_t
number(struct workspace *ws, const char *sql)
{
	int64_t n;

	assert_int_equal(query_int(vault_db(ws->vault), NULL, &n, sql, ""), RC_OK);
	return (uint64_t)n;
}

/* Of every frame that the vault keeps now, the ids. */
static void
note_frames(struct workspace *ws)
{
	assert_int_equal(query_run(vault_db(ws->vault), NULL, "CREATE TEMP TABLE before AS SELECT id FROM frame",
	    ""), RC_OK);
}

/* None of them is there any more, here or at the relay. */
static void
assert_frames_gone(struct province *p, struct workspace *ws)
{
	struct sqlite3_stmt *q = NULL;
	struct depot_frame f;
	const uint8_t *id;
	size_t len, n = 0;
	bool row;

	assert_int_equal(number(ws, "SELECT count(*) FROM frame WHERE id IN (SELECT id FROM before)"), 0);
	assert_int_equal(depot_refresh(p->depot), RC_OK);
	assert_int_equal(query_open(vault_db(ws->vault), NULL, &q, "SELECT id FROM before", ""), RC_OK);
	while (query_next(q, &row, NULL) == RC_OK && row) {
		id = query_column_blob(q, 0, &len);
		assert_int_equal(depot_find_frame(p->depot, id, &f), RC_NOTFOUND);
		n++;
	}
	query_close(q);
	assert_true(n > 0);
}

/* The order, signed and told to the relay.  *n: entries that it names. */
static void
sign_order(struct province *p, const char *what, struct dot id, const char *fields, size_t *n)
{
	struct erasure_order o;
	struct error err = { 0 };
	char text[300], dot[DOT_TEXT_MAX];

	dot_text(&id, dot);
	snprintf(text, sizeof(text), "# theo quyết định\norder Số 12/QĐ-TA\n%s %s %s\n", what, dot, fields);
	assert_int_equal(find(p, text, &o, n), RC_OK);
	assert_int_equal(authority_erase(p->authority, o.title, o.named, o.n_named, &err), RC_OK);
	erasure_order_reset(&o);
	province_meet(p);
	assert_int_equal(depot_refresh(p->depot), RC_OK);
}

static void
seal_again(struct province *p)
{
	struct error err = { 0 };
	size_t resealed;

	assert_int_equal(erasure_reseal(p->authority, p->depot, &resealed, &err), RC_OK);
	assert_true(resealed > 0);
	province_meet(p);
}

/* The same, carried out. */
static void
erase(struct province *p, const char *what, struct dot id, const char *fields, size_t *n)
{
	sign_order(p, what, id, fields, n);
	seal_again(p);
}

static void
settle(struct province *p, struct workspace **all, size_t n)
{
	for (int i = 0; i < 2; i++)
		for (size_t k = 0; k < n; k++)
			province_sync(p, all[k]);
}

static void
a_field_goes_everywhere_and_the_rest_stays(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *holder = province_device(p, "20", ROLE_HOLDER, "Tỉnh");
	struct workspace *all[] = { a, b, holder }, *late;
	struct dot id, other;
	char shown[200];
	size_t n;

	id = province_add(a, "person", person);
	other = province_add(a, "person", person);
	settle(p, all, 3);
	province_edit(b, id, NULL, "phone", "0987654321");
	province_edit(b, id, NULL, "full_name", "Vestimenta");
	province_edit(b, id, NULL, "address_text", "xã khác");
	settle(p, all, 3);
	province_meet(p);
	assert_true(stands_in(a, "0987654321"));
	assert_true(stands_in(a, "vestimenta"));
	for (size_t i = 0; i < 3; i++)
		note_frames(all[i]);
	erase(p, "record", id, "phone full_name", &n);
	assert_int_equal(n, 3);
	settle(p, all, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(province_values(all[i], id, "address_text", shown), 1);
		assert_string_equal(shown, "xã khác");
		province_values(all[i], id, "phone", shown);
		assert_string_equal(shown, "");
		province_values(all[i], other, "full_name", shown);
		assert_string_equal(shown, "Đặng Thị Hòa");
		assert_false(stands_in(all[i], "0987654321"));
		assert_false(stands_in(all[i], "vestimenta"));
		assert_int_equal(number(all[i], "SELECT count(*) FROM log WHERE length(key) = 16"), 0);
		assert_frames_gone(p, all[i]);
	}
	assert_true(province_same_fold(a, b));
	assert_true(province_same_fold(a, holder));
	/* they go on, in logs whose keys are new; a device that comes later has the same */
	province_edit(a, id, NULL, "address_text", "về nhà");
	late = province_device(p, "06001", ROLE_CASEWORKER, "Lý A Sáng");
	settle(p, all, 3);
	province_sync(p, late);
	assert_int_equal(number(late, "SELECT count(*) FROM frame WHERE state IN (3, 4)"), 0);
	assert_true(province_same_fold(a, late));
	assert_false(stands_in(late, "0987654321"));
	for (size_t i = 0; i < 3; i++)
		workspace_close(all[i]);
	workspace_close(late);
}

static int64_t
write_about(struct workspace *ws, struct dot of, const char *answers)
{
	struct draft d = { .form = "person", .of = of };

	assert_int_equal(draft_save(vault_db(ws->vault), &d, (const uint8_t *)answers, strlen(answers),
	    NULL), RC_OK);
	return d.id;
}

static void
what_is_being_written_about_the_record_goes_too(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *all[] = { a };
	char text[DOT_TEXT_MAX], answers[100];
	struct dot id, other;
	size_t n;

	id = province_add(a, "person", person);
	other = province_add(a, "person", person);
	settle(p, all, 1);
	province_meet(p);
	dot_text(&id, text);
	snprintf(answers, sizeof answers, "{\"person_id\":\"%s\"}", text);
	write_about(a, id, "{\"phone\":\"0987654321\"}");
	write_about(a, (struct dot){ 0, 0 }, answers);
	write_about(a, other, "{}");
	erase(p, "record", id, "phone", &n);
	settle(p, all, 1);
	assert_int_equal(number(a, "SELECT count(*) FROM draft"), 1);
	assert_int_equal(number(a, "SELECT count(*) FROM event WHERE kind = 'draft-erased'"), 1);
	assert_false(stands_in(a, "0987654321"));
	workspace_close(a);
}

static void
a_stick_from_before_brings_nothing_back(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *all[] = { a, b }, *late;
	struct replica_sync_result r;
	struct bytes stick;
	struct error err = { 0 };
	struct dot id;
	char shown[200];
	size_t n;

	bytes_init(&stick);
	id = province_add(a, "person", person);
	settle(p, all, 2);
	province_meet(p);
	assert_int_equal(replica_bundle_write(a->replica, &stick, &r, &err), RC_OK);
	erase(p, "entry", id, "phone", &n);
	assert_int_equal(n, 1);
	settle(p, all, 2);
	late = province_device(p, "06001", ROLE_CASEWORKER, "Lý A Sáng");
	assert_int_equal(replica_bundle_read(b->replica, "stick", stick.data, stick.len, &r, &err), RC_OK);
	assert_int_equal(replica_bundle_read(late->replica, "stick", stick.data, stick.len, &r, &err),
	    RC_OK);
	assert_false(stands_in(b, "0912345678"));
	/* a laptop that had only the stick learns at its next sync */
	province_sync(p, late);
	province_values(late, id, "phone", shown);
	assert_string_equal(shown, "");
	assert_false(stands_in(late, "0912345678"));
	province_values(late, id, "full_name", shown);
	assert_string_equal(shown, "Đặng Thị Hòa");
	assert_true(province_same_fold(b, late));
	assert_true(province_same_fold(a, late));
	bytes_reset(&stick);
	workspace_close(a);
	workspace_close(b);
	workspace_close(late);
}

static void
what_its_author_had_not_sent_is_sealed_again_and_not_lost(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *all[] = { a, b };
	struct dot id, unsent;
	struct error err = { 0 };
	struct depot_counts counts;
	char shown[200];
	size_t n;

	id = province_add(a, "person", person);
	settle(p, all, 2);
	province_meet(p);
	unsent = province_add(a, "person", person);
	assert_int_equal(replica_seal(a->replica, 1 << 16, 0, &err), RC_OK);
	province_add(a, "person", person);
	erase(p, "record", id, "", &n);
	settle(p, all, 2);
	assert_int_equal(province_values(b, unsent, "phone", shown), 1);
	assert_int_equal(number(b, "SELECT count(*) FROM record WHERE form = 'person'"), 3);
	province_values(b, id, "full_name", shown);
	assert_string_equal(shown, "");
	assert_true(province_same_fold(a, b));
	assert_int_equal(number(a, "SELECT count(*) FROM frame WHERE state = 1"), 0);
	/* and a second order in the same log, whose key is gone */
	assert_int_equal(depot_refresh(p->depot), RC_OK);
	erase(p, "record", unsent, "phone", &n);
	settle(p, all, 2);
	province_values(b, unsent, "phone", shown);
	assert_string_equal(shown, "");
	province_values(b, unsent, "full_name", shown);
	assert_string_equal(shown, "Đặng Thị Hòa");
	assert_true(province_same_fold(a, b));
	/* what the author sealed before it knew waits, aside, to be sealed again */
	assert_int_equal(depot_refresh(p->depot), RC_OK);
	assert_int_equal(erasure_reseal(p->authority, p->depot, &n, &err), RC_OK);
	province_meet(p);
	assert_int_equal(depot_count(p->depot, &counts), RC_OK);
	assert_int_equal(counts.aside, 0);
	settle(p, all, 2);
	assert_true(province_same_fold(a, b));
	workspace_close(a);
	workspace_close(b);
}

/* It was sealed before its author knew, and would tell the log's key to all who read the scope. */
static void
what_comes_late_of_an_erased_log_is_not_released_before_it_is_sealed_again(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct authority_aside *aside;
	struct replica_sync_result r;
	struct error err = { 0 };
	struct dot id;
	size_t n;

	id = province_add(a, "person", person);
	province_sync(p, a);
	province_sync(p, b);
	province_meet(p);
	province_add(a, "person", person);	/* in the same log */
	province_retire(p, a);
	assert_int_equal(province_try_sync(p, a, &r, &err), RC_DENIED);
	sign_order(p, "record", id, "phone", &n);
	assert_int_equal(n, 1);
	assert_int_equal(authority_aside(p->authority, &aside, &n, &err), RC_OK);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(authority_release_frame(p->authority, aside[i].frame, &err), RC_OK);
	free(aside);
	province_meet(p);
	assert_int_equal(authority_aside(p->authority, &aside, &n, &err), RC_OK);
	assert_int_equal(n, 2);		/* the frame from before the order, and the late one */
	assert_true(aside[0].reason == ASIDE_ERASED && aside[1].reason == ASIDE_ERASED);
	free(aside);
	province_sync(p, b);
	assert_int_equal(province_status(b).left_out, 0);
	assert_int_equal(depot_refresh(p->depot), RC_OK);
	seal_again(p);
	province_sync(p, b);
	assert_int_equal(province_status(b).left_out, 1);
	assert_int_equal(number(b, "SELECT count(*) FROM log WHERE length(key) > 0"), 0);
	workspace_close(a);
	workspace_close(b);
}

/* The statements that it lacks come to a relay, as to a hub, without the frames. */
static void
tell_relay(struct province *p, struct workspace *ws)
{
	struct sqlite3_stmt *q = NULL;
	struct error err = { 0 };
	const uint8_t *bytes;
	bool row, forked;
	size_t len;

	assert_int_equal(depot_begin(p->depot), RC_OK);
	assert_int_equal(query_open(vault_db(ws->vault), &err, &q, "SELECT bytes FROM statement ORDER BY seq", ""),
	    RC_OK);
	while (query_next(q, &row, &err) == RC_OK && row) {
		bytes = query_column_blob(q, 0, &len);
		assert_int_equal(relay_take_statement(p->depot, bytes, len, &forked, &err), RC_OK);
	}
	query_close(q);
	assert_int_equal(depot_end(p->depot, RC_OK), RC_OK);
}

/* The relay's folder as it is now, kept; or put back. */
static void
put_back(struct province *p, bool back)
{
	char command[700], dir[300];
	struct error err = { 0 };

	province_stop_relay(p);
	depot_close(p->depot);
	snprintf(command, sizeof(command), back ? "cd '%s' && rm -rf relay && mv old relay" :
	    "cd '%s' && cp -r relay old", p->dir);
	assert_int_equal(system(command), 0);
	snprintf(dir, sizeof(dir), "%s/relay", p->dir);
	assert_int_equal(depot_open(dir, &p->depot, &err), RC_OK);
	province_serve(p);
}

static void
a_restored_relay_serves_nothing_old_and_is_filled_by_those_who_sync(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *holder = province_device(p, "20", ROLE_HOLDER, "Tỉnh");
	struct workspace *all[] = { a, holder }, *late;
	struct depot_counts counts;
	struct dot id;
	char shown[200];
	size_t n;

	id = province_add(a, "person", person);
	settle(p, all, 2);
	province_meet(p);
	settle(p, all, 2);
	put_back(p, false);
	note_frames(a);
	erase(p, "record", id, "phone", &n);
	for (int i = 0; i < 2; i++)	/* the port is another one */
		assert_int_equal(replica_set_url(all[i]->replica, p->url, "", NULL), RC_OK);
	settle(p, all, 2);
	put_back(p, true);
	assert_int_equal(depot_renew_generation(p->depot), RC_OK);
	for (int i = 0; i < 2; i++)
		assert_int_equal(replica_set_url(all[i]->replica, p->url, "", NULL), RC_OK);
	tell_relay(p, a);
	assert_int_equal(depot_count(p->depot, &counts), RC_OK);
	assert_int_equal(counts.served, 0);
	assert_int_equal(counts.aside, 1);
	settle(p, all, 2);
	assert_frames_gone(p, a);
	assert_int_equal(depot_count(p->depot, &counts), RC_OK);
	assert_int_equal(counts.aside, 0);
	late = province_device(p, "06001", ROLE_CASEWORKER, "Lý A Sáng");
	province_sync(p, late);
	province_values(late, id, "phone", shown);
	assert_string_equal(shown, "");
	province_values(late, id, "full_name", shown);
	assert_string_equal(shown, "Đặng Thị Hòa");
	assert_true(province_same_fold(a, late));
	for (size_t i = 0; i < 2; i++)
		workspace_close(all[i]);
	workspace_close(late);
}

static void
an_order_is_refused_with_its_line(void **state)
{
	static const char *const bad[] = {
		"", "order A\n", "record 0000000000000001.1\n", "order A\norder B\nentry 0000000000000001.1\n",
		"order A\nrecord x\n", "order A\nrecords 0000000000000001.1\n", "order A\nentry 0000000000000001.0 phone\n",
	};
	struct erasure_order o;
	struct error err = { 0 };
	size_t n;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error_clear(&err);
		assert_int_equal(erasure_read("order", (const uint8_t *)bad[i], strlen(bad[i]), &o, &err),
		    RC_FORMAT);
		assert_null(o.things);
	}
	assert_int_equal(find(*state, "order A\nrecord 0000000000000001.1\n", &o, &n), RC_NOTFOUND);
	erasure_order_reset(&o);
}

#define T(name) cmocka_unit_test_setup_teardown(name, province_set_up, province_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_field_goes_everywhere_and_the_rest_stays),
		T(what_is_being_written_about_the_record_goes_too),
		T(a_stick_from_before_brings_nothing_back),
		T(what_its_author_had_not_sent_is_sealed_again_and_not_lost),
		T(what_comes_late_of_an_erased_log_is_not_released_before_it_is_sealed_again),
		T(a_restored_relay_serves_nothing_old_and_is_filled_by_those_who_sync),
		T(an_order_is_refused_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
