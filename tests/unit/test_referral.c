#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "shared/records/duplicate_link.h"
#include "shared/records/fold.h"
#include "shared/records/journal.h"
#include "shared/records/referral.h"
#include "shared/records/referral_parts.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "tests/support/province.h"

/* ---- a case and its consent ---- */

struct story {
	struct dot person, kase, consent;
	char person_text[DOT_TEXT_MAX], case_text[DOT_TEXT_MAX];
};

static void
make_case(struct workspace *ws, const char *receivers, struct story *s)
{
	const char *const person[] = { "full_name", "Đặng Thị Hòa", "sex", "F", NULL };

	s->person = province_add(ws, "person", person);
	dot_text(&s->person, s->person_text);
	{
		const char *const kase[] = { "person_id", s->person_text, "recv_channel", "GATE",
			"recv_date", "2026-01-02", "risk_level", "HIGH", NULL };
		const char *const consent[] = { "person_id", s->person_text, "kind", "SHARE_AGENCY",
			"decision", "GIVEN", "at", "2026-01-03", "given_by", "SELF", "receivers",
			receivers, "shares", "SERVICES", NULL };

		s->kase = province_add(ws, "case", kase);
		s->consent = province_add(ws, "consent", consent);
	}
	dot_text(&s->kase, s->case_text);
}

static bool
within(void *ctx, const char *unit, const char *above)
{
	struct workspace *ws = ctx;

	return directory_unit_within(replica_directory(ws->replica), unit, above);
}

static enum rc
refer(struct workspace *ws, struct dot kase, struct dot consent, const char *to,
    struct referral_sent *sent)
{
	struct record_context c = workspace_records(ws, FORM_EN);
	struct referral_terms t = { .to_unit = to, .consent = &consent, .days = 30,
		.within = within, .within_ctx = ws };
	struct error err = { 0 };
	enum rc rc;

	assert_int_equal(workspace_begin(ws, &err), RC_OK);
	rc = referral_send(&c, &kase, &t, sent, &err);
	return workspace_end(ws, rc, &err);
}

static enum rc
answer(struct workspace *ws, struct dot id, bool accept)
{
	struct record_context c = workspace_records(ws, FORM_EN);
	struct error err = { 0 };
	struct dot dot;
	enum rc rc;

	assert_int_equal(workspace_begin(ws, &err), RC_OK);
	rc = referral_answer(&c, &id, accept, accept ? NULL : "hết chỗ", "Lan", &dot, &err);
	return workspace_end(ws, rc, &err);
}

static enum rc
lapse(struct workspace *ws, struct dot id, const char *reason)
{
	struct record_context c = workspace_records(ws, FORM_EN);
	struct error err = { 0 };
	struct dot dot;
	enum rc rc;

	assert_int_equal(workspace_begin(ws, &err), RC_OK);
	rc = referral_lapse(&c, &id, reason, &dot, &err);
	return workspace_end(ws, rc, &err);
}

static enum rc
take_back(struct workspace *ws, struct dot id)
{
	return lapse(ws, id, "đã tìm được chỗ");
}

static void
tell(struct workspace *ws, struct dot id, struct referral_story *out)
{
	struct record_context c = workspace_records(ws, FORM_EN);
	struct error err = { 0 };

	assert_int_equal(referral_tell(&c, &id, out, &err), RC_OK);
}

static uint64_t
set_aside(struct workspace *ws)
{
	struct replica_status s;
	struct error err = { 0 };

	assert_int_equal(replica_status(ws->replica, &s, &err), RC_OK);
	return s.quarantined + s.waiting;
}

/* ---- what a guest may do ---- */

/* An edit that no function of ours would make: into a scope that is not read here. */
static void
forge_edit(struct workspace *ws, const char *unit, struct dot record, unsigned field)
{
	struct journal_scope scope = { .compartment = FORM_CASES };
	const struct value value = { .type = VALUE_TEXT, .text = "Kẻ khác", .text_len = 10 };
	const struct address replaces = { record, 0 };
	const struct write write = { .field = field, .kind = WRITE_SET, .replaces = &replaces,
		.n_replaces = 1, .values = &value, .n_values = 1 };
	struct entry e = { .record = record, .form = "person", .form_len = 6, .form_version = 1,
		.saved_at = 1, .writes = &write, .n_writes = 1 };
	struct error err = { 0 };
	enum rc rc;

	memcpy(scope.unit, unit, strlen(unit) + 1);
	assert_int_equal(workspace_begin(ws, &err), RC_OK);
	rc = journal_append(vault_db(ws->vault), ws->writer, &scope, false, &e, &err);
	assert_int_equal(workspace_end(ws, rc, &err), RC_OK);
}

static void
sets_aside_what_a_guest_changes_and_takes_what_it_adds(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06002", ROLE_CASEWORKER, "Nông Thị Lan");
	struct referral_sent sent;
	struct story mine, theirs;
	char shown[200];

	make_case(a, "06002", &mine);
	make_case(b, "06001", &theirs);
	forge_edit(a, "06002", theirs.person, 2);
	(void)province_sync(p, a);
	(void)province_sync(p, b);
	assert_int_equal(set_aside(b), 1);
	assert_int_equal(province_values(b, theirs.person, "full_name", shown), 1);
	assert_string_equal(shown, "Đặng Thị Hòa");
	/* and what comes behind it in the same log is not held up */
	assert_int_equal(refer(a, mine.kase, mine.consent, "06002", &sent), RC_OK);
	(void)province_sync(p, a);
	(void)province_sync(p, b);
	assert_int_equal(set_aside(b), 1);
	assert_int_equal(province_values(b, sent.new_case, "risk_level", shown), 1);
	assert_int_equal(answer(b, sent.incoming, true), RC_OK);
	workspace_close(a);
	workspace_close(b);
}

static void
refuses_to_record_for_a_unit_that_is_not_read(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct record_context c = workspace_records(a, FORM_EN);
	struct answers *answers;
	struct error err = { 0 };
	struct dot id;

	assert_int_equal(answers_new(form_set_find(c.forms, "person"), c.forms, &answers), RC_OK);
	assert_int_equal(answers_add(answers, "sex", "F", &err), RC_OK);
	assert_int_equal(workspace_begin(a, &err), RC_OK);
	assert_int_equal(record_create(&c, "06002", answers, &id, &err), RC_DENIED);
	assert_int_equal(workspace_end(a, RC_DENIED, &err), RC_DENIED);
	answers_free(answers);
	workspace_close(a);
}

/* A device that was a case worker in between: what it wrote then counts, whenever it comes. */
static void
takes_what_was_written_in_a_role_that_ended(void **state)
{
	struct province *p = *state;
	struct workspace *early = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *d = province_device(p, "06001", ROLE_COMMUNICATOR, "Hoàng Văn Pao");
	struct workspace *late;
	struct error err = { 0 };
	uint8_t one[32], two[32];
	struct story s;
	char shown[200];
	size_t rotated;

	(void)province_sync(p, d);
	province_meet(p);
	assert_int_equal(authority_assign(p->authority, replica_device(d->replica), "06001",
	    ROLE_CASEWORKER, &rotated, &err), RC_OK);
	province_meet(p);
	make_case(early, "06002", &s);
	(void)province_sync(p, early);
	(void)province_sync(p, d);
	(void)province_sync(p, d);
	(void)province_edit(d, s.person, NULL, "full_name", "Đặng Thị Hòa Bình");
	(void)province_sync(p, d);
	(void)province_sync(p, early);
	assert_int_equal(authority_assign(p->authority, replica_device(d->replica), "06001",
	    ROLE_COMMUNICATOR, &rotated, &err), RC_OK);
	province_meet(p);
	late = province_device(p, "06001", ROLE_CASEWORKER, "Lò Thị Mai");
	(void)province_sync(p, late);
	(void)province_sync(p, late);
	(void)province_sync(p, early);
	assert_int_equal(set_aside(late), 0);
	assert_int_equal(province_values(late, s.person, "full_name", shown), 1);
	assert_string_equal(shown, "Đặng Thị Hòa Bình");
	province_digest(early, one);
	province_digest(late, two);
	assert_memory_equal(one, two, sizeof(one));
	workspace_close(early);
	workspace_close(d);
	workspace_close(late);
}

/* ---- consent ---- */

static void
a_consent_withdrawn_elsewhere_stops_the_next_sharing_and_shows_as_late(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *chief = province_device(p, "20", ROLE_SUPERVISOR, "Lý Thị Thu");
	struct referral_story told;
	struct referral_sent sent;
	struct answers *changes;
	struct error err = { 0 };
	struct record_context c;
	struct story s;
	struct dot dot;

	make_case(a, "06002", &s);
	(void)province_sync(p, a);
	(void)province_sync(p, b);
	/* both offline */
	c = workspace_records(a, FORM_EN);
	assert_int_equal(answers_new(form_set_find(c.forms, "consent"), c.forms, &changes), RC_OK);
	assert_int_equal(answers_add(changes, "decision", "WITHDRAWN", &err), RC_OK);
	assert_int_equal(answers_add(changes, "withdrawn_at", "2026-01-10", &err), RC_OK);
	assert_int_equal(workspace_begin(a, &err), RC_OK);
	assert_int_equal(record_edit(&c, &s.consent, changes, NULL, NULL, &dot, &err), RC_OK);
	assert_int_equal(workspace_end(a, RC_OK, &err), RC_OK);
	answers_free(changes);
	assert_int_equal(refer(b, s.kase, s.consent, "06002", &sent), RC_OK);
	(void)province_sync(p, a);
	(void)province_sync(p, b);
	(void)province_sync(p, a);
	(void)province_sync(p, chief);
	assert_int_equal(refer(b, s.kase, s.consent, "06002", &sent), RC_EXISTS);
	tell(b, s.kase, &told);
	assert_int_equal(told.n_links, 1);
	assert_int_equal(take_back(b, told.links[0].id), RC_OK);
	referral_story_reset(&told);
	assert_int_equal(refer(b, s.kase, s.consent, "06002", &sent), RC_DENIED);
	(void)province_sync(p, b);
	/* the first was taken back: what was late for it is no more */
	tell(chief, s.kase, &told);
	assert_int_equal(told.n_links, 1);
	assert_int_equal(told.links[0].n_late, 1);
	assert_string_equal(told.links[0].late[0].fields, "decision,withdrawn_at");
	assert_true(dot_compare(&told.links[0].late[0].record, &s.consent) == 0);
	referral_story_reset(&told);
	(void)province_sync(p, chief);
	tell(chief, s.kase, &told);
	assert_string_equal(told.links[0].state, "LAPSED");
	assert_int_equal(told.links[0].n_late, 0);
	referral_story_reset(&told);
	workspace_close(a);
	workspace_close(b);
	workspace_close(chief);
}

/* Persons in the only cluster there is. */
static int64_t
counted_as_one(struct sqlite3 *db)
{
	int64_t n = 0, clusters = 0;

	assert_int_equal(query_int(db, NULL, &clusters, "SELECT count(DISTINCT cluster)"
	    " FROM form_person", ""), RC_OK);
	assert_int_equal(clusters, 1);
	assert_int_equal(query_int(db, NULL, &n, "SELECT count(cluster) FROM form_person", ""), RC_OK);
	return n;
}

/* ---- one story ---- */

static void
a_person_handed_on_twice_counts_once(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *b = province_device(p, "06002", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *chief = province_device(p, "20", ROLE_SUPERVISOR, "Lý Thị Thu");
	struct referral_sent first, second;
	struct referral_story told;
	struct record_context c;
	struct error err = { 0 };
	struct story s, other;
	struct dot consent;
	char text[200];
	struct dot link;
	bool written;
	enum rc rc;

	make_case(a, "20", &s);
	make_case(a, "20", &other);
	assert_int_equal(refer(a, s.kase, s.consent, "06002", &first), RC_OK);
	(void)province_sync(p, a);
	(void)province_sync(p, b);
	assert_int_equal(answer(b, first.new_case, true), RC_OK);
	assert_int_equal(province_values(b, first.incoming, "consent_id", text), 1);
	assert_true(dot_parse(text, &consent));
	p->now += 60;
	/* the copy of the consent covers whom the original covers */
	assert_int_equal(refer(b, first.new_case, consent, "20", &second), RC_OK);
	(void)province_sync(p, b);
	(void)province_sync(p, chief);
	(void)province_sync(p, chief);
	assert_int_equal(answer(chief, second.incoming, true), RC_OK);
	c = workspace_records(chief, FORM_EN);
	assert_int_equal(counted_as_one(c.db), 3);
	/* linked by a person with somebody else: one cluster of four */
	assert_int_equal(workspace_begin(chief, &err), RC_OK);
	rc = duplicate_link_decide(&c, &other.person, &s.person, true, "20", "một người", &link,
	    &written, &err);
	assert_int_equal(workspace_end(chief, rc, &err), RC_OK);
	assert_int_equal(counted_as_one(c.db), 4);
	tell(chief, first.new_case, &told);
	assert_int_equal(told.n_links, 2);
	assert_false(told.links[0].outgoing);
	assert_true(dot_compare(&told.links[0].other, &s.kase) == 0);
	assert_true(told.links[1].outgoing && told.links[1].other_here);
	assert_true(dot_compare(&told.links[1].other, &second.new_case) == 0);
	assert_string_equal(told.links[1].state, "ACCEPTED");
	referral_story_reset(&told);
	workspace_close(a);
	workspace_close(b);
	workspace_close(chief);
}

/* Lapse and answers meet on four laptops in any order; all of a scope agree, and see it. */
static void
answers_that_cross_are_a_conflict_on_every_laptop(void **state)
{
	struct province *p = *state;
	struct workspace *w[4];
	struct referral_sent sent;
	struct referral_story told;
	uint8_t one[32], two[32];
	struct story s;
	char shown[200];

	w[0] = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	w[1] = province_device(p, "06002", ROLE_CASEWORKER, "Hoàng Văn Pao");
	w[2] = province_device(p, "06002", ROLE_CASEWORKER, "Lò Thị Mai");
	w[3] = province_device(p, "20", ROLE_SUPERVISOR, "Lý Thị Thu");
	make_case(w[0], "06002", &s);
	assert_int_equal(refer(w[0], s.kase, s.consent, "06002", &sent), RC_OK);
	for (size_t i = 0; i < 4; i++)
		(void)province_sync(p, w[i]);
	assert_int_equal(answer(w[1], sent.incoming, true), RC_OK);
	assert_int_equal(answer(w[2], sent.incoming, false), RC_OK);
	assert_int_equal(take_back(w[0], s.kase), RC_OK);
	for (size_t i = 0; i < 12; i++)
		(void)province_sync(p, w[(i * 3 + 2) % 4]);
	assert_int_equal(province_values(w[1], sent.incoming, "outcome", shown), 3);
	assert_int_equal(province_values(w[2], sent.incoming, "outcome", shown), 3);
	assert_int_equal(province_values(w[0], sent.outgoing, "answers", shown), 3);
	province_digest(w[1], one);
	province_digest(w[2], two);
	assert_memory_equal(one, two, sizeof(one));
	for (size_t i = 0; i < 4; i++) {
		tell(w[i], i == 0 || i == 3 ? s.kase : sent.new_case, &told);
		assert_int_equal(told.n_links, 1);
		assert_true(told.links[0].contradicts);
		referral_story_reset(&told);
		workspace_close(w[i]);
	}
}

static void
what_nobody_answers_lapses_when_its_day_is_over_and_not_before(void **state)
{
	enum { DAY = 86400, DAYS = 30 };	/* as in refer */
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *b = province_device(p, "06002", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct referral_sent sent;
	struct referral_story told;
	struct story s;

	make_case(a, "06002", &s);
	assert_int_equal(refer(a, s.kase, s.consent, "06002", &sent), RC_OK);
	(void)province_sync(p, a);
	(void)province_sync(p, b);
	assert_int_equal(lapse(a, s.kase, NULL), RC_INVALID);
	p->now += DAYS * DAY;			/* the last day is a day, too */
	assert_int_equal(lapse(a, s.kase, ""), RC_INVALID);
	p->now += DAY;
	assert_int_equal(lapse(b, sent.incoming, NULL), RC_INVALID);	/* the sender's to say */
	assert_int_equal(lapse(a, s.kase, NULL), RC_OK);
	assert_int_equal(lapse(a, s.kase, NULL), RC_EXISTS);
	(void)province_sync(p, a);
	(void)province_sync(p, b);
	tell(b, sent.new_case, &told);
	assert_string_equal(told.links[0].state, "LAPSED");
	assert_false(told.links[0].contradicts);
	referral_story_reset(&told);
	/* and it may be asked for again */
	assert_int_equal(refer(a, s.kase, s.consent, "06002", &sent), RC_OK);
	workspace_close(a);
	workspace_close(b);
}

/* ---- what the sender had ---- */

static void
tells_entries_that_were_there_from_others(void **state)
{
	static const struct { uint64_t log, n; } has[] = { { 5, 1 }, { 5, 2 }, { 5, 3 }, { 5, 7 },
		{ UINT64_MAX, 1 } };
	static const char seen[] =
	    "0000000000000005.1-3 0000000000000005.7 ffffffffffffffff.1";
	struct register_dot dots[sizeof(has) / sizeof(*has)];
	struct register_state s;
	struct bytes text;

	(void)state;
	memset(dots, 0, sizeof(dots));
	register_state_init(&s, (struct dot){ 5, 1 });
	for (size_t i = 0; i < sizeof(has) / sizeof(*has); i++)
		dots[i].dot = (struct dot){ has[i].log, has[i].n };
	s.dots = dots;
	s.n_dots = sizeof(has) / sizeof(*has);
	bytes_init(&text);
	assert_int_equal(referral_seen_write(&s, &text), RC_OK);
	assert_string_equal(bytes_cstr(&text), seen);
	for (size_t i = 0; i < s.n_dots; i++)
		assert_true(referral_seen_has(seen, &dots[i].dot));
	assert_false(referral_seen_has(seen, &(struct dot){ 5, 4 }));
	assert_false(referral_seen_has(seen, &(struct dot){ 5, 8 }));
	assert_false(referral_seen_has(seen, &(struct dot){ 6, 1 }));
	/* what does not follow the grammar accuses nobody */
	assert_true(referral_seen_has("x", &(struct dot){ 6, 1 }));
	assert_true(referral_seen_has("0000000000000005.1;", &(struct dot){ 6, 1 }));
	bytes_reset(&text);
}

#define T(f) cmocka_unit_test_setup_teardown(f, province_set_up, province_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(sets_aside_what_a_guest_changes_and_takes_what_it_adds),
		T(refuses_to_record_for_a_unit_that_is_not_read),
		T(takes_what_was_written_in_a_role_that_ended),
		T(a_consent_withdrawn_elsewhere_stops_the_next_sharing_and_shows_as_late),
		T(a_person_handed_on_twice_counts_once),
		T(what_nobody_answers_lapses_when_its_day_is_over_and_not_before),
		T(answers_that_cross_are_a_conflict_on_every_laptop),
		cmocka_unit_test(tells_entries_that_were_there_from_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
