#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/referral.h"
#include "shared/sync/replica_sent.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"
#include "tests/support/faults.h"
#include "tests/support/province.h"

/* Handing over, taking back and asking, while any allocation or call of the system fails. */

enum { ENTRIES_SENT = 6, ENTRIES_TAKEN_BACK = 2 };

struct desk {
	struct province p;
	struct workspace *ws;
	struct dot kase, consent;
	int64_t entries;		/* before */
	int adds;			/* entries that one run writes */
	size_t links, late, sent;	/* what a question was answered with */
};

static int64_t
entries(struct desk *d)
{
	int64_t n;

	assert_int_equal(query_int(vault_db(d->ws->vault), NULL, &n, "SELECT count(*) FROM entry", ""),
	    RC_OK);
	return n;
}

static void
make_case(struct desk *d)
{
	static const char *const person[] = { "full_name", "Đặng Thị Hòa", "sex", "F", NULL };
	char text[DOT_TEXT_MAX];
	struct dot id = province_add(d->ws, "person", person);

	dot_text(&id, text);
	{
		const char *const kase[] = { "person_id", text, "recv_channel", "GATE", "recv_date",
			"2026-01-02", "risk_level", "HIGH", NULL };
		const char *const consent[] = { "person_id", text, "kind", "SHARE_AGENCY", "decision",
			"GIVEN", "at", "2026-01-03", "given_by", "SELF", "receivers", "06002", NULL };

		d->kase = province_add(d->ws, "case", kase);
		d->consent = province_add(d->ws, "consent", consent);
	}
}

static int
set_up(void **state)
{
	struct desk *d = calloc(1, sizeof *d);

	assert_non_null(d);
	assert_int_equal(vault_start(), RC_OK);
	faults_start();
	province_start(&d->p);
	d->ws = province_device(&d->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	*state = d;
	return 0;
}

static int
tear_down(void **state)
{
	struct desk *d = *state;

	workspace_close(d->ws);
	province_end(&d->p);
	free(d);
	return 0;
}

/* What writes ------------------------------------------------------------ */

static enum rc
run_send(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct record_context c = workspace_records(d->ws, FORM_EN);
	struct referral_terms t = { .to_unit = "06002", .consent = &d->consent, .days = 30 };
	struct referral_sent sent;
	enum rc rc;

	if ((rc = workspace_begin(d->ws, err)) != RC_OK)
		return rc;
	rc = referral_send(&c, &d->kase, &t, &sent, err);
	return workspace_end(d->ws, rc, err);
}

static enum rc
run_lapse(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct record_context c = workspace_records(d->ws, FORM_EN);
	struct dot dot;
	enum rc rc;

	if ((rc = workspace_begin(d->ws, err)) != RC_OK)
		return rc;
	rc = referral_lapse(&c, &d->kase, "đã tìm được chỗ", &dot, err);
	return workspace_end(d->ws, rc, err);
}

static void
before_send(void *ctx)
{
	struct desk *d = ctx;

	make_case(d);
	d->entries = entries(d);
}

static void
before_lapse(void *ctx)
{
	struct desk *d = ctx;
	struct error err = { 0 };

	make_case(d);
	assert_int_equal(run_send(d, &err), RC_OK);
	d->entries = entries(d);
}

static void
check_written(void *ctx, enum rc rc)
{
	struct desk *d = ctx;

	assert_int_equal(entries(d), d->entries + (rc == RC_OK ? d->adds : 0));
}

static void
handing_over_happens_whole_or_not_at_all(void **state)
{
	struct faults_task t = { .name = "referral_send", .prepare = before_send, .run = run_send,
		.check = check_written };
	struct desk *d = *state;

	d->adds = ENTRIES_SENT;
	faults_drive(&t, d);
}

static void
taking_back_happens_on_both_sides_or_not_at_all(void **state)
{
	struct faults_task t = { .name = "referral_lapse", .prepare = before_lapse, .run = run_lapse,
		.check = check_written };
	struct desk *d = *state;

	d->adds = ENTRIES_TAKEN_BACK;
	faults_drive(&t, d);
}

/* What asks -------------------------------------------------------------- */

static enum rc
run_tell(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct record_context c = workspace_records(d->ws, FORM_EN);
	struct replica_sent *list = NULL;
	struct referral_story story;
	enum rc rc;

	if ((rc = referral_tell(&c, &d->kase, &story, err)) != RC_OK)
		return rc;
	d->links = story.n_links;
	d->late = story.n_links > 0 ? story.links[0].n_late : 0;
	referral_story_reset(&story);
	rc = replica_sent_list(d->ws->replica, &list, &d->sent, err);
	free(list);
	return rc;
}

static void
check_told(void *ctx, enum rc rc)
{
	struct desk *d = ctx;

	if (rc != RC_OK)
		return;
	assert_int_equal(d->links, 1);
	assert_int_equal(d->late, 1);
	assert_int_equal(d->sent, 4);
}

static void
a_story_is_told_whole_or_not_at_all(void **state)
{
	struct faults_task t = { .name = "referral_tell", .run = run_tell, .check = check_told };
	struct desk *d = *state;
	struct error err = { 0 };

	make_case(d);
	assert_int_equal(run_send(d, &err), RC_OK);
	(void)province_edit(d->ws, d->kase, NULL, "risk_level", "URGENT");
	faults_drive(&t, d);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(handing_over_happens_whole_or_not_at_all),
		T(taking_back_happens_on_both_sides_or_not_at_all),
		T(a_story_is_told_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
