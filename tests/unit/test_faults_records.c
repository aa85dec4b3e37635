#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/forms/answers.h"
#include "shared/records/conflict.h"
#include "shared/records/fold.h"
#include "shared/records/history.h"
#include "shared/records/search.h"
#include "shared/sync/replica.h"
#include "shared/vault/digest.h"
#include "shared/vault/vault.h"
#include "tests/support/faults.h"
#include "tests/support/province.h"

enum { AFRESH = 40 };	/* tries on one record: each makes its history longer */

struct desk {
	struct province p;
	struct workspace *ws, *other;
	struct dot person, visit, contested;
	uint8_t digest[32];		/* of the fold, before */
	int64_t entries;		/* before */
	int adds;			/* entries that one run writes */
	unsigned turn;
	bool deleted;			/* the visit is, now */
	uint8_t seen[32], expected[32];	/* digest of what a question was answered with */
	bool has_expected;
};

static int64_t
entries(struct desk *d)
{
	sqlite3_stmt *q;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(vault_db(d->ws->vault), "SELECT count(*) FROM entry", -1, &q,
	    NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	n = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return n;
}

static int
set_up(void **state)
{
	struct desk *d = calloc(1, sizeof *d);
	char *seen_a, *seen_b;

	assert_non_null(d);
	assert_int_equal(vault_start(), RC_OK);
	faults_start();
	province_start(&d->p);
	d->ws = province_device(&d->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	d->other = province_device(&d->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	d->person = province_add(d->ws, "person", PROVINCE_PERSON);
	d->visit = province_add(d->ws, "outreach", PROVINCE_VISIT);
	d->contested = province_add(d->ws, "person", PROVINCE_PERSON);
	province_sync(&d->p, d->ws);
	province_sync(&d->p, d->other);
	seen_a = province_seen(d->ws, d->contested);
	seen_b = province_seen(d->other, d->contested);
	province_edit(d->ws, d->contested, seen_a, "birth_date", "1997");
	province_edit(d->other, d->contested, seen_b, "birth_date", "1996");
	province_sync(&d->p, d->other);
	province_sync(&d->p, d->ws);
	free(seen_a);
	free(seen_b);
	*state = d;
	return 0;
}

static int
tear_down(void **state)
{
	struct desk *d = *state;

	workspace_close(d->ws);
	workspace_close(d->other);
	province_end(&d->p);
	free(d);
	return 0;
}

/* What writes ------------------------------------------------------------ */

static void
before(void *ctx)
{
	struct desk *d = ctx;

	if (++d->turn % AFRESH == 0) {
		d->person = province_add(d->ws, "person", PROVINCE_PERSON);
		d->contested = province_add(d->ws, "person", PROVINCE_PERSON);
		d->visit = province_add(d->ws, "outreach", PROVINCE_VISIT);
		d->deleted = false;
	}
	d->entries = entries(d);
	province_digest(d->ws, d->digest);
}

static void
check_written(void *ctx, enum rc rc)
{
	struct desk *d = ctx;
	uint8_t now[32];

	/* the index of words says what the records say */
	assert_int_equal(sqlite3_exec(vault_db(d->ws->vault),
	    "INSERT INTO words(words) VALUES ('integrity-check')", NULL, NULL, NULL), SQLITE_OK);
	province_digest(d->ws, now);
	if (rc != RC_OK) {
		assert_int_equal(entries(d), d->entries);
		assert_memory_equal(now, d->digest, sizeof now);
	} else {
		assert_int_equal(entries(d), d->entries + d->adds);
		assert_memory_not_equal(now, d->digest, sizeof now);
	}
}

static void
drive_write(struct desk *d, const char *name, enum rc (*run)(void *ctx, struct error *err))
{
	struct faults_task t = { .name = name, .prepare = before, .run = run, .check = check_written };
	struct error err = { 0 };
	uint8_t live[32], again[32];
	char dir[300];

	d->adds = 1;
	faults_drive(&t, d);
	/* what was kept through all this is what the journal says, and what the disk has */
	province_digest(d->ws, live);
	assert_int_equal(workspace_begin(d->ws, &err), RC_OK);
	if (workspace_end(d->ws, fold_rebuild(replica_fold(d->ws->replica), &err), &err) != RC_OK)
		fail_msg("%s, then fold_rebuild: %s: %s", name, err.where, err.what);
	province_digest(d->ws, again);
	assert_memory_equal(live, again, sizeof live);
	workspace_close(d->ws);
	province_device_dir(&d->p, 0, dir);
	d->ws = province_open(&d->p, dir);
	province_digest(d->ws, again);
	assert_memory_equal(live, again, sizeof live);
	if (vault_verify(d->ws->vault, &err) != RC_OK)
		fail_msg("%s: %s: %s", name, err.where, err.what);
}

static enum rc
fill(struct answers *a, const char *const *pairs, struct error *err)
{
	enum rc rc = RC_OK;

	for (; *pairs != NULL && rc == RC_OK; pairs += 2)
		rc = answers_add(a, pairs[0], pairs[1], err);
	return rc;
}

static enum rc
run_add(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct record_context c = workspace_records(d->ws, FORM_EN);
	struct answers *a = NULL;
	struct dot id;
	enum rc rc;

	if ((rc = answers_new(form_set_find(c.forms, "outreach"), c.forms, &a)) == RC_OK &&
	    (rc = fill(a, PROVINCE_VISIT, err)) == RC_OK &&
	    (rc = workspace_begin(d->ws, err)) == RC_OK) {
		rc = record_create(&c, NULL, a, &id, err);
		rc = workspace_end(d->ws, rc, err);
	}
	answers_free(a);
	return rc;
}

static void
adding_a_record(void **state)
{
	drive_write(*state, "record_create", run_add);
}

static enum rc
run_edit(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct record_context c = workspace_records(d->ws, FORM_EN);
	struct answers *a = NULL;
	char note[40];
	struct dot dot;
	enum rc rc;

	snprintf(note, sizeof note, "Hẹn lần %u.", d->turn);
	if ((rc = answers_new(form_set_find(c.forms, "person"), c.forms, &a)) == RC_OK &&
	    (rc = answers_add(a, "full_name", note, err)) == RC_OK &&
	    (rc = workspace_begin(d->ws, err)) == RC_OK) {
		rc = record_edit(&c, &d->person, a, NULL, NULL, &dot, err);
		rc = workspace_end(d->ws, rc, err);
	}
	answers_free(a);
	return rc;
}

static void
editing_a_record(void **state)
{
	drive_write(*state, "record_edit", run_edit);
}

static enum rc
run_resolve(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct record_context c = workspace_records(d->ws, FORM_EN);
	char year[8];
	struct dot dot;
	enum rc rc;

	snprintf(year, sizeof year, "%u", 1950 + d->turn % 50);
	if ((rc = workspace_begin(d->ws, err)) == RC_OK) {
		rc = record_resolve(&c, &d->contested, "birth_date", NULL, year, NULL, NULL, &dot, err);
		rc = workspace_end(d->ws, rc, err);
	}
	return rc;
}

static void
settling_a_field(void **state)
{
	struct desk *d = *state;
	struct record_context c = workspace_records(d->ws, FORM_EN);
	char *seen = province_seen(d->ws, d->contested);
	struct error err = { 0 };
	struct dot dot;
	enum rc rc;

	/* the conflict itself first; then the field is settled over and over */
	assert_int_equal(workspace_begin(d->ws, &err), RC_OK);
	rc = record_resolve(&c, &d->contested, "birth_date", NULL, "1949", seen, NULL, &dot, &err);
	assert_int_equal(workspace_end(d->ws, rc, &err), RC_OK);
	free(seen);
	drive_write(d, "record_resolve", run_resolve);
}

static enum rc
run_delete_or_restore(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct record_context c = workspace_records(d->ws, FORM_EN);
	struct dot dot;
	enum rc rc;

	if ((rc = workspace_begin(d->ws, err)) == RC_OK) {
		rc = !d->deleted ? record_delete(&c, &d->visit, NULL, "trùng", &dot, err) :
		    record_restore(&c, &d->visit, NULL, "không trùng", &dot, err);
		rc = workspace_end(d->ws, rc, err);
	}
	if (rc == RC_OK)
		d->deleted = !d->deleted;
	return rc;
}

static void
deleting_and_restoring_a_record(void **state)
{
	drive_write(*state, "record_delete, record_restore", run_delete_or_restore);
}

/* What asks --------------------------------------------------------------- */

static void
say(struct digest *to, const char *text)
{
	digest_span(to, text == NULL ? "" : text, text == NULL ? 0 : strlen(text));
}

static void
check_answer(void *ctx, enum rc rc)
{
	struct desk *d = ctx;

	if (rc != RC_OK)
		return;
	if (!d->has_expected)
		memcpy(d->expected, d->seen, sizeof d->seen);
	d->has_expected = true;
	assert_memory_equal(d->seen, d->expected, sizeof d->seen);
}

static void
drive_question(struct desk *d, const char *name, enum rc (*run)(void *ctx, struct error *err))
{
	struct faults_task t = { .name = name, .run = run, .check = check_answer };

	d->has_expected = false;
	faults_drive(&t, d);
}

static void
say_view(struct digest *to, const struct record_view *v)
{
	say(to, v->form_name);
	say(to, v->headline);
	say(to, v->seen);
	for (size_t i = 0; i < v->n_fields; i++) {
		say(to, v->fields[i].name);
		for (size_t k = 0; k < v->fields[i].n_values; k++)
			say(to, v->fields[i].values[k].text);
	}
}

static enum rc
run_show(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct record_context c = workspace_records(d->ws, FORM_EN);
	struct record_view view;
	struct digest to;
	enum rc rc = record_show(&c, &d->contested, &view, err);

	if (rc == RC_OK) {
		digest_start(&to, sizeof d->seen, NULL, 0, "show");
		say_view(&to, &view);
		digest_end(&to, d->seen);
	}
	record_view_reset(&view);
	return rc;
}

static void
showing_a_record(void **state)
{
	drive_question(*state, "record_show", run_show);
}

static enum rc
run_list(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct record_context c = workspace_records(d->ws, FORM_EN);
	struct record_line *lines = NULL;
	struct digest to;
	size_t n = 0;
	enum rc rc = record_list(&c, "person", "${sex} = 'F'", false, 100, &lines, &n, err);

	if (rc == RC_OK) {
		digest_start(&to, sizeof d->seen, NULL, 0, "list");
		for (size_t i = 0; i < n; i++)
			say(&to, lines[i].headline);
		digest_end(&to, d->seen);
	}
	record_lines_free(lines, n);
	return rc;
}

static void
listing_records(void **state)
{
	drive_question(*state, "record_list", run_list);
}

static enum rc
run_search(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct record_context c = workspace_records(d->ws, FORM_EN);
	struct search_hit *hits = NULL;
	struct digest to;
	size_t n = 0;
	enum rc rc = search_records(&c, "dang thi hoa", NULL, 10, &hits, &n, err);

	if (rc == RC_OK) {
		digest_start(&to, sizeof d->seen, NULL, 0, "search");
		for (size_t i = 0; i < n; i++) {
			say(&to, hits[i].form);
			say(&to, hits[i].headline);
		}
		digest_end(&to, d->seen);
	}
	search_hits_free(hits, n);
	return rc;
}

static void
searching(void **state)
{
	drive_question(*state, "search_records", run_search);
}

static enum rc
run_conflicts(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct record_context c = workspace_records(d->ws, FORM_EN);
	struct conflict_list list;
	struct digest to;
	enum rc rc = conflict_list(&c, 7, 100, &list, err);

	if (rc == RC_OK) {
		digest_start(&to, sizeof d->seen, NULL, 0, "conflicts");
		for (size_t i = 0; i < list.n_items; i++)
			say_view(&to, list.items[i].view);
		digest_end(&to, d->seen);
	}
	conflict_list_reset(&list);
	return rc;
}

static void
listing_conflicts(void **state)
{
	drive_question(*state, "conflict_list", run_conflicts);
}

static enum rc
run_history(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct record_context c = workspace_records(d->ws, FORM_EN);
	struct history h;
	struct digest to;
	enum rc rc = history_read(&c, &d->contested, &h, err);

	if (rc == RC_OK) {
		digest_start(&to, sizeof d->seen, NULL, 0, "history");
		for (size_t i = 0; i < h.n_entries; i++) {
			say(&to, h.entries[i].reason);
			for (size_t k = 0; k < h.entries[i].n_writes; k++)
				for (size_t v = 0; v < h.entries[i].writes[k].n_values; v++)
					say(&to, h.entries[i].writes[k].values[v].text);
		}
		digest_end(&to, d->seen);
	}
	history_reset(&h);
	return rc;
}

static void
reading_the_history(void **state)
{
	drive_question(*state, "history_read", run_history);
}

/* What makes again: on the other laptop, which has little --------------------- */

static enum rc
run_rebuild(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	enum rc rc = workspace_begin(d->other, err);

	if (rc != RC_OK)
		return rc;
	return workspace_end(d->other, fold_rebuild(replica_fold(d->other->replica), err), err);
}

static void
check_same(void *ctx, enum rc rc)
{
	struct desk *d = ctx;
	uint8_t now[32];

	(void)rc;
	province_digest(d->other, now);
	assert_memory_equal(now, d->digest, sizeof now);
}

static void
rebuilding(void **state)
{
	struct desk *d = *state;
	struct faults_task t = { .name = "fold_rebuild", .run = run_rebuild, .check = check_same };
	uint8_t now[32];

	province_digest(d->other, d->digest);
	faults_drive(&t, d);
	/* the tables still take what is new */
	province_add(d->other, "outreach", PROVINCE_VISIT);
	province_digest(d->other, now);
	assert_memory_not_equal(now, d->digest, sizeof now);
	assert_int_equal(vault_verify(d->other->vault, NULL), RC_OK);
}

static enum rc
run_reopen(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct replica *r = NULL;
	enum rc rc = replica_open(d->other->vault, &d->p.clock, &r, err);

	assert_true((rc == RC_OK) == (r != NULL));
	replica_close(r);
	return rc;
}

static void
opening_a_replica(void **state)
{
	struct desk *d = *state;
	struct faults_task t = { .name = "replica_open", .run = run_reopen, .check = check_same };

	province_digest(d->other, d->digest);
	faults_drive(&t, d);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test(t)
	const struct CMUnitTest tests[] = {
		TEST(adding_a_record),
		TEST(editing_a_record),
		TEST(settling_a_field),
		TEST(deleting_and_restoring_a_record),
		TEST(showing_a_record),
		TEST(listing_records),
		TEST(searching),
		TEST(listing_conflicts),
		TEST(reading_the_history),
		TEST(rebuilding),
		TEST(opening_a_replica),
	};

	cmocka_set_test_filter(getenv("FAULTS_TEST"));
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
