/*
 * Records: entries appended to the journal, folded and indexed, one transaction each, as
 * the commands do it; through record, fold and search as they are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/base/embedded.h"
#include "shared/records/fold.h"
#include "shared/records/record.h"
#include "shared/vault/vault_internal.h"
#include "tests/crash/crash_story.h"
#include "tests/support/record_desk.h"
#include "tests/support/record_fixture.h"

enum { STEPS = 14, BIG = 12, DEVICE = 7 };

_Static_assert((int)FOLD_DIGEST_BYTES <= (int)CRASH_DIGEST_MAX, "the mark holds the digest");

static int64_t
ask(struct vault *v, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(vault_db(v), sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}

/* The desk of record_desk, on a vault. */
static bool
desk_open(struct record_desk *d, struct crash_story *s, struct vault *v)
{
	memset(d, 0, sizeof *d);
	d->db = vault_db(v);
	d->forms = s->forms;
	d->seed = crash_mix(s->seed, s->life);
	d->now = 1764000000 + 1000 * (int64_t)s->life;
	d->clock = clock_fixed(&d->now);
	record_fixture_device(DEVICE, d->device);
	if (fold_open(d->db, d->forms, &d->fold, &d->err) != RC_OK ||
	    journal_writer_new(d->device, record_fixture_random(&d->seed), &d->writer) != RC_OK)
		return false;
	d->c = (struct record_context){ .db = d->db, .forms = d->forms, .fold = d->fold,
		.writer = d->writer, .clock = &d->clock, .unit = "HN-1", .lang = FORM_EN };
	return true;
}

static void
desk_close(struct record_desk *d)
{
	journal_writer_free(d->writer);
	fold_close(d->fold);
}

static void
mark(struct crash_story *s)
{
	struct crash_mark *m = crash_story_mark_pages(s);

	m->n = ask(s->vault, "SELECT count(*) FROM entry");
	if (fold_digest(vault_db(s->vault), m->digest, NULL) != RC_OK)
		abort();
}

static enum rc
open_on(struct crash_story *s, struct vault **out, struct error *err)
{
	struct vault_bench bench = { crash_calls_vfs(), &s->rules };

	return vault_open_on(CRASH_FOLDER, s->master, bench, out, err);
}

static bool
records_make(struct crash_story *s, char why[CRASH_WHY_MAX])
{
	const struct embedded *sql = embedded_find("vault.sql");
	struct vault_bench bench = { crash_calls_vfs(), &s->rules };
	struct record_desk d;
	enum rc rc;

	s->forms = record_fixture_forms(1);
	rc = vault_create_on(CRASH_FOLDER, s->master, bench, &s->vault, NULL);
	if (rc == RC_OK)
		rc = sql == NULL ? RC_INTERNAL : vault_migrate(s->vault, (const char *)sql->data, NULL);
	if (rc != RC_OK || !desk_open(&d, s, s->vault))
		return crash_story_fail(why, "cannot be made", (int)rc);
	mark(s);
	desk_close(&d);
	return true;
}

static bool
records_open(struct crash_story *s, size_t k, struct vault **out, char why[CRASH_WHY_MAX])
{
	struct error err = { 0 };
	enum rc rc = open_on(s, out, &err);

	(void)k;
	if (rc != RC_OK)
		snprintf(why, CRASH_WHY_MAX, "does not open: %s: %s", rc_name(rc), err.what);
	return rc == RC_OK;
}

/* Any record that is there. */
static struct dot
some_record(struct crash_story *s)
{
	sqlite3_stmt *stmt = NULL;
	struct dot id = { 0, 0 };
	char sql[200];

	snprintf(sql, sizeof sql, "SELECT log, n FROM record WHERE form = 'thing' AND alive = 1"
	    " ORDER BY id LIMIT 1 OFFSET %u", crash_story_pick(s, 20));
	if (sqlite3_prepare_v2(vault_db(s->vault), sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		id = (struct dot){ (uint64_t)sqlite3_column_int64(stmt, 0),
			(uint64_t)sqlite3_column_int64(stmt, 1) };
	sqlite3_finalize(stmt);
	return id;
}

static enum rc
add_one(struct crash_story *s, struct record_desk *d)
{
	static const char *const names[] = { "Nông Thị Lan", "Hoàng Văn Páo", "Lò Thị Mẩy" };
	static const char *const notes[] = { "gặp ở chợ phiên",
	    "hẹn quay lại sau vụ gặt; đã đưa số điện thoại đường dây nóng",
	    "lần sau đi cùng cán bộ phụ nữ xã" };
	char name[80], note[300];
	struct dot id;

	snprintf(name, sizeof name, "name=%s %u", names[crash_story_pick(s, 3)],
	    crash_story_pick(s, 1000));
	snprintf(note, sizeof note, "notes=%s", notes[crash_story_pick(s, 3)]);
	return record_desk_add(d, "thing", &id, name, "kind=A", "risk=LOW",
	    crash_story_pick(s, 2) == 0 ? "topics=T1" : "topics=T2", note, NULL);
}

/* Many in one transaction, as an import or a sync does; perhaps given up at the end. */
static enum rc
add_many(struct crash_story *s, struct record_desk *d)
{
	bool back = crash_story_pick(s, 3) == 0;
	enum rc rc = RC_OK;

	record_fixture_run(d->db, "BEGIN; PRAGMA cache_spill = ON");
	for (int i = 0; i < BIG && rc == RC_OK; i++) {
		struct answers *a = NULL;
		struct dot id;
		char name[80];

		snprintf(name, sizeof name, "Triệu Thị %u", crash_story_pick(s, 5000));
		if ((rc = answers_new(form_set_find(d->forms, "thing"), d->forms, &a)) == RC_OK &&
		    (rc = answers_add(a, "name", name, NULL)) == RC_OK)
			rc = record_create(&d->c, NULL, a, &id, NULL);
		answers_free(a);
	}
	record_fixture_run(d->db, rc == RC_OK && !back ? "COMMIT" : "ROLLBACK");
	if (back)
		fold_discard(d->fold);
	return rc;
}

static enum rc
step(struct crash_story *s, struct record_desk *d)
{
	struct dot id = some_record(s);
	char count[40];

	if (id.log == 0)
		return add_one(s, d);
	switch (crash_story_pick(s, 12)) {
	case 0:
		return add_many(s, d);
	case 1:
		return record_desk_delete(d, id, NULL);
	case 2:
	case 3:
		snprintf(count, sizeof count, "count=%u", crash_story_pick(s, 100));
		return record_desk_edit(d, id, NULL, NULL, count, "notes=đã gọi lại", NULL);
	case 4:
		record_fixture_run(d->db, "PRAGMA wal_checkpoint(TRUNCATE)");
		return RC_OK;
	default:
		return add_one(s, d);
	}
}

static bool
records_live(struct crash_story *s, char why[CRASH_WHY_MAX])
{
	struct record_desk d;
	char sql[100];
	enum rc rc = RC_OK;

	if (!records_open(s, 0, &s->vault, why) || !crash_story_begin(s, why))
		return false;
	if (!desk_open(&d, s, s->vault))
		return crash_story_fail(why, "the fold does not open", 0);
	snprintf(sql, sizeof sql, "PRAGMA cache_size = %u; PRAGMA wal_autocheckpoint = %u",
	    10 + crash_story_pick(s, 60), 20 + crash_story_pick(s, 60));
	record_fixture_run(d.db, sql);
	for (int i = 0; i < STEPS && rc == RC_OK; i++) {
		if ((rc = step(s, &d)) == RC_OK)
			mark(s);
	}
	if (rc != RC_OK)
		snprintf(why, CRASH_WHY_MAX, "an entry was refused without a cut: %s: %s",
		    rc_name(rc), d.err.what);
	desk_close(&d);
	return rc == RC_OK;
}

/* The index of words must say the same before and after. */
static int64_t
words_of(struct vault *v)
{
	return ask(v, "SELECT coalesce(sum((rowid * 31 + length(folded)) * (1 + unicode(folded))), 0)"
	    " + 1000003 * count(*) FROM words") * 7 +
	    ask(v, "SELECT count(*) FROM words WHERE words MATCH 'nong OR trieu OR lo'");
}

static bool
look_again(struct crash_story *s, struct vault *v, const struct crash_mark *m,
    char why[CRASH_WHY_MAX])
{
	uint8_t digest[FOLD_DIGEST_BYTES];
	struct fold *fold = NULL;
	int64_t words = words_of(v);
	bool good = false;

	if (fold_open(vault_db(v), s->forms, &fold, NULL) != RC_OK ||
	    sqlite3_exec(vault_db(v), "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		crash_story_fail(why, "the fold does not open", 0);
	else if (fold_rebuild(fold, NULL) != RC_OK || fold_flush(fold, NULL) != RC_OK ||
	    fold_digest(vault_db(v), digest, NULL) != RC_OK)
		crash_story_fail(why, "cannot be made again from the journal", 0);
	else if (memcmp(digest, m->digest, sizeof digest) != 0)
		crash_story_fail(why, "what the journal holds folds to something else", 0);
	else if (words_of(v) != words)
		crash_story_fail(why, "the index of words is not that of the records", 0);
	else
		good = true;
	sqlite3_exec(vault_db(v), "ROLLBACK", NULL, NULL, NULL);
	fold_close(fold);
	return good;
}

static bool
records_look(struct crash_story *s, struct vault *v, const struct crash_mark *m,
    char why[CRASH_WHY_MAX])
{
	uint8_t digest[FOLD_DIGEST_BYTES];
	struct error err = { 0 };

	if (vault_verify(v, &err) != RC_OK)
		snprintf(why, CRASH_WHY_MAX, "does not verify: %s", err.what);
	else if (ask(v, "SELECT count(*) FROM entry WHERE body IS NOT NULL") != m->n)
		crash_story_fail(why, "the journal does not hold what was saved", (int)m->n);
	else if (fold_digest(vault_db(v), digest, NULL) != RC_OK ||
	    memcmp(digest, m->digest, sizeof digest) != 0)
		crash_story_fail(why, "the fold is not that of what was saved", 0);
	else
		return look_again(s, v, m, why);
	return false;
}

const struct crash_work CRASH_RECORDS = {
	.name = "records",
	.make = records_make,
	.live = records_live,
	.open = records_open,
	.look = records_look,
	.fates = 3,
	.damage = true,
};
