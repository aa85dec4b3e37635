#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/draft.h"
#include "shared/records/fold.h"
#include "shared/records/journal.h"
#include "shared/records/left_out.h"
#include "shared/sync/replica_events.h"
#include "shared/sync/replica_internal.h"
#include "shared/sync/replica_purge.h"
#include "shared/sync/replica_sent.h"
#include "shared/sync/transport.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/depot.h"
#include "sync-server/erasure.h"
#include "tests/support/province.h"

/* Closed cases leave a laptop, and come back. */

static const char *const person[] = {
	"full_name", "Lò Thị Mẩy", "sex", "F", "birth_date", "1999", "phone", "0912345678", NULL
};

struct world {
	struct province *p;
	struct workspace *holder, *a, *b;
	struct dot person, case_id, follow_up;
};

static struct dot
add_case(struct workspace *ws, struct dot who)
{
	char id[DOT_TEXT_MAX];
	const char *pairs[] = { "person_id", id, "recv_channel", "SELF_COMMUNE", "recv_date", "2025-03-01",
		"ident_result", "VICTIM", "ident_org", "Công an tỉnh", "ident_doc_no", "12/QĐ", "ident_date",
		"2025-04-01", "risk_level", "LOW", "narrative", "Bị lừa đi làm thuê qua biên giới.", NULL };

	dot_text(&who, id);
	return province_add(ws, "case", pairs);
}

/* Several fields in one save. */
static void
edit_all(struct workspace *ws, struct dot id, const char *const *pairs)
{
	struct record_context c = workspace_records(ws, FORM_EN);
	struct record_view view;
	struct answers *a = NULL;
	struct dot dot;
	struct error err = { 0 };
	enum rc rc;

	assert_int_equal(record_show(&c, &id, &view, &err), RC_OK);
	assert_int_equal(answers_new(view.form, c.forms, &a), RC_OK);
	for (; *pairs != NULL; pairs += 2)
		assert_int_equal(answers_add(a, pairs[0], pairs[1], &err), RC_OK);
	assert_int_equal(workspace_begin(ws, &err), RC_OK);
	rc = record_edit(&c, &id, a, NULL, NULL, &dot, &err);
	if (workspace_end(ws, rc, &err) != RC_OK)
		fail_msg("%s %s", err.where, err.what);
	answers_free(a);
	record_view_reset(&view);
}

static void
close_case(struct workspace *ws, struct dot id)
{
	const char *pairs[] = { "close_reason", "REINTEGRATED", "closed_on", "2025-06-30", NULL };

	edit_all(ws, id, pairs);
}

static void
confirm(struct world *w)
{
	struct error err = { 0 };
	size_t n;

	province_sync(w->p, w->holder);
	assert_int_equal(replica_sign_held(w->holder->replica, &n, &err), RC_OK);
	province_sync(w->p, w->holder);
}

/* A person, a closed case and a follow-up, which a made and b added to. */
static void
make_world(struct province *p, struct world *w)
{
	char id[DOT_TEXT_MAX];
	const char *follow_up[] = { "case_id", id, "due", "2025-04-01", "done_at", "2025-04-02", "mode",
		"VISIT", "note", "Chị đã ổn định.", NULL };

	memset(w, 0, sizeof(*w));
	w->p = p;
	w->holder = province_device(p, "20", ROLE_HOLDER, "Sở Y tế");
	w->a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	w->b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	province_sync(p, w->holder);
	province_meet(p);
	w->person = province_add(w->a, "person", person);
	w->case_id = add_case(w->a, w->person);
	dot_text(&w->case_id, id);
	province_sync(p, w->a);
	province_sync(p, w->b);
	w->follow_up = province_add(w->b, "follow_up", follow_up);
	province_sync(p, w->b);
	province_sync(p, w->a);
	close_case(w->a, w->case_id);
	province_sync(p, w->a);
	province_sync(p, w->b);
}

static void
end_world(struct world *w)
{
	workspace_close(w->holder);
	workspace_close(w->a);
	workspace_close(w->b);
}

static struct replica_purge_counts
purge(struct workspace *ws)
{
	struct replica_purge_counts n;
	struct error err = { 0 };

	assert_int_equal(replica_purge(ws->replica, 90, &n, &err), RC_OK);
	return n;
}

static void
nothing_leaves_that_the_province_does_not_hold(void **state)
{
	struct replica_purge_counts n;
	struct world w;

	make_world(*state, &w);
	n = purge(w.a);
	assert_int_equal(n.records, 0);
	assert_int_equal(n.kept, 1);
	confirm(&w);
	/* one entry more, which no receipt covers yet */
	province_sync(w.p, w.a);
	province_sync(w.p, w.b);
	(void)province_edit(w.b, w.follow_up, NULL, "note", "Chị đã có việc làm.");
	province_sync(w.p, w.b);
	province_sync(w.p, w.a);
	n = purge(w.a);
	assert_int_equal(n.records, 0);
	assert_int_equal(n.kept, 1);
	assert_int_equal(province_count(w.a, "SELECT count(*) FROM entry WHERE body IS NULL"), 0);
	end_world(&w);
}

static void
a_closed_case_leaves_with_its_person_and_all_that_belongs_to_it(void **state)
{
	struct replica_purge_counts n;
	struct replica_purged *list;
	struct record_context c;
	struct record_view view;
	struct error err = { 0 };
	size_t n_list;
	struct world w;

	make_world(*state, &w);
	confirm(&w);
	province_sync(w.p, w.a);
	n = purge(w.a);
	assert_int_equal(n.cases, 1);
	assert_int_equal(n.records, 3);
	assert_int_equal(n.kept, 0);
	assert_true(n.frames >= 1);
	assert_int_equal(province_count(w.a,
	    "SELECT count(*) FROM entry WHERE body IS NOT NULL"), 0);
	assert_int_equal(province_count(w.a,
	    "SELECT count(*) FROM entry WHERE length(tag) <> 16"), 0);
	assert_int_equal(province_count(w.a, "SELECT count(*) FROM frame"), 0);
	assert_int_equal(province_count(w.a, "SELECT count(*) FROM form_person"), 0);
	assert_int_equal(province_count(w.a, "SELECT count(*) FROM form_case"), 0);
	assert_int_equal(province_count(w.a,
	    "SELECT count(*) FROM words WHERE words MATCH 'may'"), 0);
	assert_int_equal(province_count(w.a, "SELECT count(*) FROM words"), 0);
	c = workspace_records(w.a, FORM_EN);
	assert_int_equal(record_show(&c, &w.case_id, &view, &err), RC_NOTFOUND);
	record_view_reset(&view);
	assert_int_equal(replica_purged_list(w.a->replica, &list, &n_list, &err), RC_OK);
	assert_int_equal(n_list, 3);
	free(list);
	/* again: nothing is left to do; the others keep theirs */
	n = purge(w.a);
	assert_int_equal(n.records + n.kept + n.frames, 0);
	assert_int_equal(province_count(w.b, "SELECT count(*) FROM form_case"), 1);
	assert_int_equal(province_count(w.holder, "SELECT count(*) FROM form_case"), 1);
	assert_int_equal(replica_purge(w.holder->replica, 90, &n, &err), RC_DENIED);
	end_world(&w);
}

static void
what_is_open_or_closed_lately_or_still_referred_to_stays(void **state)
{
	struct replica_purge_counts n;
	struct dot second;
	struct error err = { 0 };
	struct world w;

	make_world(*state, &w);
	/* the person has another case, which is open: the person stays */
	second = add_case(w.a, w.person);
	province_sync(w.p, w.a);
	confirm(&w);
	province_sync(w.p, w.a);
	assert_int_equal(replica_purge(w.a->replica, 600, &n, &err), RC_OK);	/* too early */
	assert_int_equal(n.records + n.kept, 0);
	n = purge(w.a);
	assert_int_equal(n.cases, 1);
	assert_int_equal(n.records, 2);
	assert_int_equal(province_count(w.a, "SELECT count(*) FROM form_person"), 1);
	assert_int_equal(province_count(w.a, "SELECT count(*) FROM form_case"), 1);
	/* the other one closes, too: it goes with the person */
	close_case(w.a, second);
	province_sync(w.p, w.a);
	confirm(&w);
	province_sync(w.p, w.a);
	n = purge(w.a);
	assert_int_equal(n.records, 2);
	assert_int_equal(province_count(w.a, "SELECT count(*) FROM form_person"), 0);
	end_world(&w);
}

static void
what_a_person_has_asked_about_stays_until_it_is_answered(void **state)
{
	char id[DOT_TEXT_MAX];
	const char *request[] = { "kind", "ACCESS", "case_id", id, "received_at", "2025-07-01", "asked_by",
		"SELF", "identity", "PAPERS", NULL };
	const char *answer[] = { "answered_at", "2025-07-02", "answered_by", "Pao", "outcome", "ACCEPTED",
		"do_by", "2025-07-09", NULL };
	struct replica_purge_counts n;
	struct world w;
	struct dot asked;

	make_world(*state, &w);
	dot_text(&w.case_id, id);
	asked = province_add(w.a, "subject_request", request);
	province_sync(w.p, w.a);
	confirm(&w);
	province_sync(w.p, w.a);
	n = purge(w.a);
	assert_int_equal(n.records, 0);
	assert_int_equal(n.kept, 1);
	/* answered, with something still to be done; then that is done, too */
	edit_all(w.a, asked, answer);
	province_sync(w.p, w.a);
	confirm(&w);
	province_sync(w.p, w.a);
	assert_int_equal(purge(w.a).records, 0);
	(void)province_edit(w.a, asked, NULL, "done_at", "2025-07-08");
	province_sync(w.p, w.a);
	confirm(&w);
	province_sync(w.p, w.a);
	n = purge(w.a);
	assert_int_equal(n.cases, 1);
	assert_int_equal(n.records, 4);
	assert_int_equal(province_count(w.a, "SELECT count(*) FROM form_subject_request"), 0);
	end_world(&w);
}

static void
what_left_does_not_come_back_by_stick_or_restored_relay(void **state)
{
	struct replica_sync_result r;
	struct bytes stick;
	struct error err = { 0 };
	struct world w;

	bytes_init(&stick);
	make_world(*state, &w);
	assert_int_equal(replica_bundle_write(w.a->replica, &stick, &r, &err), RC_OK);
	confirm(&w);
	province_sync(w.p, w.a);
	purge(w.a);
	assert_int_equal(replica_bundle_read(w.a->replica, "stick", stick.data, stick.len, &r, &err),
	    RC_OK);
	province_stop_relay(w.p);
	assert_int_equal(depot_renew_generation(w.p->depot), RC_OK);
	province_serve(w.p);
	province_sync(w.p, w.b);
	province_sync(w.p, w.a);
	assert_int_equal(province_count(w.a,
	    "SELECT count(*) FROM entry WHERE body IS NOT NULL"), 0);
	assert_int_equal(province_count(w.a, "SELECT count(*) FROM record WHERE form <> ''"), 0);
	/* nor by making everything again */
	assert_int_equal(workspace_begin(w.a, &err), RC_OK);
	assert_int_equal(workspace_end(w.a, fold_rebuild(replica_fold(w.a->replica), &err), &err), RC_OK);
	assert_int_equal(province_count(w.a, "SELECT count(*) FROM record WHERE form <> ''"), 0);
	bytes_reset(&stick);
	end_world(&w);
}

static void
a_later_entry_is_kept_and_counted_and_fetch_brings_all_back(void **state)
{
	struct replica_purged_counts n;
	struct error err = { 0 };
	uint64_t back;
	char shown[200];
	struct world w;

	make_world(*state, &w);
	confirm(&w);
	province_sync(w.p, w.a);
	purge(w.a);
	(void)province_edit(w.b, w.case_id, NULL, "assigned_worker", "Nông Thị Lan");
	province_sync(w.p, w.b);
	province_sync(w.p, w.a);
	assert_int_equal(replica_purged_count(w.a->replica, &n, &err), RC_OK);
	assert_int_equal(n.records, 3);
	assert_int_equal(n.later, 1);
	assert_int_equal(province_count(w.a, "SELECT count(*) FROM form_case"), 0);
	assert_int_equal(province_count(w.a,
	    "SELECT count(*) FROM entry WHERE body IS NOT NULL"), 1);
	assert_int_equal(replica_fetch(w.a->replica, &(struct dot){ 7, 7 }, &back, &err), RC_NOTFOUND);
	error_clear(&err);
	assert_int_equal(replica_fetch(w.a->replica, &w.follow_up, &back, &err), RC_OK);
	assert_int_equal(back, 3);
	province_sync(w.p, w.a);
	assert_true(province_same_fold(w.a, w.b));
	assert_int_equal(province_values(w.a, w.case_id, "assigned_worker", shown), 1);
	assert_string_equal(shown, "Nông Thị Lan");
	assert_int_equal(province_count(w.a, "SELECT count(*) FROM entry WHERE body IS NULL"), 0);
	assert_int_equal(province_count(w.a,
	    "SELECT count(*) FROM event WHERE kind <> 'clock-wrong'"), 0);
	/* and it can be edited as ever */
	(void)province_edit(w.a, w.case_id, NULL, "assigned_worker", "Hoàng Văn Pao");
	province_sync(w.p, w.a);
	province_sync(w.p, w.b);
	assert_true(province_same_fold(w.a, w.b));
	end_world(&w);
}

/* While a sync waits for the relay, whoever is at the keyboard asks for what left. */
struct impatient {
	struct world *w;
	int left;		/* how often the vault was free for others */
};

static void
ask_while_it_waits(void *ctx)
{
	struct impatient *i = ctx;
	struct error err = { 0 };
	uint64_t back;

	/* the first time the sync has only looked around, the second time its request is made */
	if (++i->left == 2)
		assert_int_equal(replica_fetch(i->w->a->replica, &i->w->case_id, &back, &err), RC_OK);
}

static void
what_is_fetched_during_a_sync_comes_with_the_next_one(void **state)
{
	struct replica_sync_result n;
	struct transport *t = NULL;
	struct error err = { 0 };
	struct world w;
	struct impatient i = { .w = &w };
	const struct replica_gate gate = { .leave = ask_while_it_waits, .ctx = &i };

	make_world(*state, &w);
	confirm(&w);
	province_sync(w.p, w.a);
	purge(w.a);
	assert_int_equal(transport_open(w.p->url, "", true, &t, &err), RC_OK);
	assert_int_equal(replica_sync(w.a->replica, t, &gate, &n, &err), RC_OK);
	transport_close(t);
	assert_true(i.left > 2);
	province_sync(w.p, w.a);
	assert_int_equal(province_count(w.a, "SELECT count(*) FROM entry WHERE body IS NULL"), 0);
	assert_true(province_same_fold(w.a, w.b));
	end_world(&w);
}

/* What a lost laptop still had comes late, and the province lets it pass. */
static void
retire_and_let_pass(struct province *p, struct workspace *ws)
{
	struct authority_aside *aside;
	struct replica_sync_result r;
	struct error err = { 0 };
	size_t n;

	province_meet(p);
	assert_int_equal(authority_retire(p->authority, replica_device(ws->replica), "mất máy", &n, &err),
	    RC_OK);
	province_meet(p);
	assert_int_equal(province_try_sync(p, ws, &r, &err), RC_DENIED);
	province_meet(p);
	assert_int_equal(authority_aside(p->authority, &aside, &n, &err), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(authority_release_frame(p->authority, aside[0].frame, &err), RC_OK);
	free(aside);
	province_meet(p);
}

static enum rc
release_all(struct workspace *ws, size_t *released)
{
	struct record_context c = workspace_records(ws, FORM_VI);
	struct error err = { 0 };
	enum rc rc;

	assert_int_equal(workspace_begin(ws, &err), RC_OK);
	rc = left_out_release(&c, NULL, NULL, released, &err);
	rc = workspace_end(ws, rc, &err);
	error_clear(&err);
	return rc;
}

static void
late_work_for_what_left_is_released_once(void **state)
{
	struct error err = { 0 };
	uint64_t back;
	char shown[200];
	struct world w;
	size_t n;

	make_world(*state, &w);
	confirm(&w);
	province_sync(w.p, w.a);
	purge(w.a);
	(void)province_edit(w.b, w.case_id, NULL, "assigned_worker", "Nông Thị Lan");
	retire_and_let_pass(w.p, w.b);
	province_sync(w.p, w.a);
	assert_int_equal(release_all(w.a, &n), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(release_all(w.a, &n), RC_NOTFOUND);
	assert_int_equal(replica_fetch(w.a->replica, &w.case_id, &back, &err), RC_OK);
	province_sync(w.p, w.a);
	assert_int_equal(release_all(w.a, &n), RC_NOTFOUND);
	assert_int_equal(province_values(w.a, w.case_id, "assigned_worker", shown), 1);
	assert_string_equal(shown, "Nông Thị Lan");
	end_world(&w);
}

/* By an order: one field of one entry. */
static void
erase(struct world *w, struct dot dot, uint16_t field)
{
	const struct erasure one = { .log = dot.log, .n = dot.n, .fields = &field, .n_fields = 1 };
	struct error err = { 0 };
	size_t n;

	province_meet(w->p);
	assert_int_equal(authority_erase(w->p->authority, "Quyết định số 12", &one, 1, &err), RC_OK);
	province_meet(w->p);
	assert_int_equal(depot_refresh(w->p->depot), RC_OK);
	assert_int_equal(erasure_reseal(w->p->authority, w->p->depot, &n, &err), RC_OK);
	assert_true(n > 0);
	province_meet(w->p);
}

static void
what_was_erased_while_it_was_away_comes_back_without_it(void **state)
{
	enum { FULL_NAME = 2 };		/* as in schema/forms/person */
	struct error err = { 0 };
	uint64_t back;
	char shown[200];
	struct world w;

	make_world(*state, &w);
	confirm(&w);
	province_sync(w.p, w.a);
	assert_int_equal(purge(w.a).records, 3);
	erase(&w, w.person, FULL_NAME);
	for (int i = 0; i < 2; i++) {
		province_sync(w.p, w.a);
		province_sync(w.p, w.b);
		province_sync(w.p, w.holder);
	}
	assert_int_equal(province_count(w.a, "SELECT count(*) FROM form_person"), 0);
	assert_int_equal(replica_fetch(w.a->replica, &w.case_id, &back, &err), RC_OK);
	province_sync(w.p, w.a);
	assert_true(province_same_fold(w.a, w.b));
	assert_int_equal(province_values(w.a, w.person, "full_name", shown), 1);
	assert_string_equal(shown, "");
	province_values(w.a, w.person, "phone", shown);
	assert_string_equal(shown, "0912345678");
	assert_int_equal(province_count(w.a, "SELECT count(*) FROM entry WHERE body IS NULL"), 0);
	assert_int_equal(province_count(w.a, "SELECT count(*) FROM frame WHERE state IN (3, 4)"), 0);
	/* and what the province holds after it may leave again */
	confirm(&w);
	province_sync(w.p, w.a);
	assert_int_equal(purge(w.a).records, 3);
	end_world(&w);
}

static void
a_tip_is_hollow_on_the_communicators_laptop_once_it_is_held(void **state)
{
	struct province *p = *state;
	struct workspace *holder = province_device(p, "20", ROLE_HOLDER, "Sở Y tế");
	struct workspace *tipper = province_device(p, "06001", ROLE_COMMUNICATOR, "Lý A Sáng");
	struct replica_sent *list;
	struct error err = { 0 };
	size_t n;

	province_sync(p, holder);
	province_meet(p);
	(void)province_add(tipper, "person", person);
	province_sync(p, tipper);
	assert_int_equal(province_count(tipper,
	    "SELECT count(*) FROM entry WHERE body IS NULL"), 0);
	province_sync(p, holder);
	assert_int_equal(replica_sign_held(holder->replica, &n, &err), RC_OK);
	province_sync(p, holder);
	province_sync(p, tipper);
	assert_int_equal(province_count(tipper,
	    "SELECT count(*) FROM entry WHERE body IS NOT NULL"), 0);
	assert_int_equal(province_count(tipper, "SELECT count(*) FROM frame"), 0);
	assert_int_equal(replica_sent_list(tipper->replica, &list, &n, &err), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].way, REPLICA_SENT_HELD);
	free(list);
	assert_int_equal(province_count(holder, "SELECT count(*) FROM form_person"), 1);
	workspace_close(holder);
	workspace_close(tipper);
}

#define T(name) cmocka_unit_test_setup_teardown(name, province_set_up, province_tear_down)

static int64_t
write_about(struct workspace *ws, const char *form, struct dot of, const char *answers)
{
	struct draft d = { .of = of };

	snprintf(d.form, sizeof(d.form), "%s", form);
	assert_int_equal(draft_save(vault_db(ws->vault), &d, (const uint8_t *)answers, strlen(answers),
	    NULL), RC_OK);
	return d.id;
}

static void
case_stays_as_long_as_somebody_is_writing_about_it(void **state)
{
	char id[DOT_TEXT_MAX], answers[100];
	struct replica_purge_counts n;
	int64_t first, second;
	struct world w;

	make_world(*state, &w);
	province_sync(w.p, w.b);
	confirm(&w);
	province_sync(w.p, w.a);
	province_sync(w.p, w.a);
	dot_text(&w.case_id, id);
	snprintf(answers, sizeof(answers), "{\"case_id\":\"%s\",\"note\":\"x\"}", id);
	first = write_about(w.a, "follow_up", w.follow_up, "{}");
	second = write_about(w.a, "follow_up", (struct dot){ 0, 0 }, answers);
	n = purge(w.a);
	assert_int_equal(n.cases, 0);
	assert_int_equal(n.kept, 1);
	assert_int_equal(draft_drop(vault_db(w.a->vault), first, NULL), RC_OK);
	assert_int_equal(purge(w.a).cases, 0);
	assert_int_equal(draft_drop(vault_db(w.a->vault), second, NULL), RC_OK);
	assert_int_equal(purge(w.a).cases, 1);
	end_world(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_leaves_that_the_province_does_not_hold),
		T(a_closed_case_leaves_with_its_person_and_all_that_belongs_to_it),
		T(what_is_open_or_closed_lately_or_still_referred_to_stays),
		T(what_a_person_has_asked_about_stays_until_it_is_answered),
		T(case_stays_as_long_as_somebody_is_writing_about_it),
		T(what_left_does_not_come_back_by_stick_or_restored_relay),
		T(a_later_entry_is_kept_and_counted_and_fetch_brings_all_back),
		T(what_is_fetched_during_a_sync_comes_with_the_next_one),
		T(late_work_for_what_left_is_released_once),
		T(what_was_erased_while_it_was_away_comes_back_without_it),
		T(a_tip_is_hollow_on_the_communicators_laptop_once_it_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
