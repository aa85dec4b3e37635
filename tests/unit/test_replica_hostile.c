#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "shared/records/fold.h"
#include "shared/records/journal.h"
#include "shared/sync/cargo.h"
#include "shared/sync/exchange.h"
#include "shared/sync/replica_internal.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/depot.h"
#include "tests/support/lying_relay.h"
#include "tests/support/province.h"

/* A device with valid keys, and a relay with its own, that mean harm. */

/* ---- entries that follow the grammar and nothing else ---- */

enum { ENTRIES = 1500, KNOWN_MAX = 64 };

struct noise {
	struct dot known[KNOWN_MAX];
	size_t n_known;
	struct value values[4];
	struct value_member members[2];
	struct address replaces[1];
	struct write writes[3];
	char text[80];
};

static struct dot
some_dot(const struct noise *z)
{
	if (z->n_known == 0 || province_pick(8) == 0)
		return (struct dot){ (uint64_t)rand() << 31 | 1, 1 + province_pick(100) };
	return z->known[province_pick((unsigned)z->n_known)];
}

static void
some_value(struct noise *z, struct value *v, bool group)
{
	static const char *const texts[] = { "", "x", "YES", "Đặng", "-1", "2026-01-20", "\xf0\x9f\x98\x80",
		"0912345678", "99999999999999999999", "HOUSEHOLD" };
	static const char *const decimals[] = { "0", "-1.5", "123456789012345678901234567890.5", "7" };

	memset(v, 0, sizeof(*v));
	v->type = (enum value_type)province_pick(group ? 8 : 7);
	v->integer = province_pick(3) == 0 ? INT64_MIN : (int64_t)province_pick(5000) - 100;
	v->text = texts[province_pick(10)];
	if (v->type == VALUE_CODE)
		v->text = province_pick(2) ? "YES" : "nO_such-code.1";
	if (v->type == VALUE_DECIMAL)
		v->text = decimals[province_pick(4)];
	v->text_len = strlen(v->text);
	if (v->type == VALUE_DATE)
		v->integer = ((int64_t)(1 + province_pick(3000)) * 16 + province_pick(13)) * 32 +
		    province_pick(32);
	v->reference = some_dot(z);
	if (v->type == VALUE_GROUP) {
		for (unsigned i = 0; i < 2; i++) {
			z->members[i].field = 1 + i * (1 + province_pick(20)) + (i > 0);
			some_value(z, &z->members[i].value, false);
		}
		v->members = z->members;
		v->n_members = 2;
	}
}

static void
some_write(struct noise *z, struct write *w, unsigned field)
{
	memset(w, 0, sizeof(*w));
	w->field = field;
	w->kind = (enum write_kind)province_pick(3);
	if (w->kind == WRITE_VOID || province_pick(2) == 0) {
		z->replaces[0].dot = some_dot(z);
		z->replaces[0].item = province_pick(3);
		w->replaces = z->replaces;
		w->n_replaces = 1;
	}
	w->values = z->values;
	w->n_values = w->kind == WRITE_SET ? 1 : w->kind == WRITE_ITEMS ? province_pick(4) : 0;
	for (size_t i = 0; i < w->n_values; i++)
		some_value(z, &z->values[i], w->kind == WRITE_SET);
}

static void
add_noise(struct workspace *ws, struct noise *z)
{
	static const char *const forms[] = { "outreach", "person", "case", "follow_up", "no_such_form",
		"awareness_session" };
	const struct journal_scope scope = { "06001", province_pick(2) };
	struct entry e;
	struct error err = { 0 };
	enum rc rc;

	memset(&e, 0, sizeof(e));
	e.form = forms[province_pick(6)];
	e.form_len = strlen(e.form);
	e.form_version = province_pick(4);
	e.saved_at = province_pick(4) == 0 ? INT64_MAX : 1770000000;
	e.creates = province_pick(3) == 0;
	if (!e.creates)
		e.record = some_dot(z);
	e.reason = "kiểm tra";
	e.reason_len = strlen(e.reason);
	if (province_pick(20) == 0) {
		e.restated = true;
		e.restates = some_dot(z);
		e.record = some_dot(z);
	}
	some_write(z, &z->writes[0], province_pick(2) ? province_pick(60) : province_pick(3));
	e.writes = z->writes;
	e.n_writes = 1;
	assert_int_equal(workspace_begin(ws, &err), RC_OK);
	rc = journal_append(vault_db(ws->vault), ws->writer, &scope, true, &e, &err);
	if (rc == RC_INTERNAL) {	/* not canonical: it cannot travel either */
		error_clear(&err);
		assert_int_equal(workspace_end(ws, RC_INVALID, &err), RC_INVALID);
		return;
	}
	assert_int_equal(workspace_end(ws, rc, &err), RC_OK);
	z->known[z->n_known < KNOWN_MAX ? z->n_known++ : province_pick(KNOWN_MAX)] = e.dot;
}

static void
entries_that_make_no_sense_block_nothing(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct noise z;
	struct error err = { 0 };
	uint8_t x[32], y[32];
	uint64_t records;

	memset(&z, 0, sizeof(z));
	srand(11);
	z.known[z.n_known++] = province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, b);
	for (int i = 0; i < ENTRIES; i++)
		add_noise(a, &z);
	province_sync(p, a);
	assert_true(province_sync(p, b).received_entries > ENTRIES / 3);
	assert_int_equal(province_status(b).quarantined, 0);
	records = province_status(b).records;
	province_digest(b, x);
	assert_int_equal(workspace_begin(b, &err), RC_OK);
	assert_int_equal(workspace_end(b, fold_rebuild(replica_fold(b->replica), &err), &err), RC_OK);
	province_digest(b, y);
	assert_memory_equal(x, y, sizeof(x));
	/* and work goes on */
	province_add(a, "outreach", PROVINCE_VISIT);
	province_add(b, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, b);
	assert_int_equal(province_status(b).records, records + 2);
	workspace_close(a);
	workspace_close(b);
}

/* ---- a small frame of enormous entries ---- */

static void
a_frame_that_unfolds_without_measure_is_set_aside(void **state)
{
	enum { N = 200, TEXTS = 4, TEXT = 60000 };
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	const struct scope_key *key = directory_scope_key(replica_directory(a->replica), "06001", 0);
	struct cargo_log log = { .log = 77, .first = 1, .count = N };
	struct frame_range range = { .log = 77, .first = 1, .count = N };
	struct cargo_entry *entries = calloc(N, sizeof(*entries));
	struct frame_header h = { 0 };
	struct value v = { .type = VALUE_TEXT, .text_len = TEXT };
	struct write writes[TEXTS];
	struct bytes cargo, frame;
	struct replica_sync_result r = { 0 };
	struct replica_aside *aside = NULL;
	struct rusage before, after;
	struct error err = { 0 };
	char *text = malloc(TEXT);
	size_t n;

	assert_non_null(entries);
	assert_non_null(text);
	memset(text, 'x', TEXT);
	v.text = text;
	memset(writes, 0, sizeof(writes));
	for (unsigned i = 0; i < TEXTS; i++) {
		writes[i].field = 10 + i;
		writes[i].values = &v;
		writes[i].n_values = 1;
	}
	for (unsigned i = 0; i < N; i++) {
		struct entry *e = &entries[i].entry;

		e->dot = (struct dot){ 77, i + 1 };
		e->creates = true;
		e->record = e->dot;
		e->form = "outreach";
		e->form_len = 8;
		e->form_version = 1;
		e->writes = writes;
		e->n_writes = TEXTS;
	}
	bytes_init(&cargo);
	bytes_init(&frame);
	assert_int_equal(cargo_encode(&log, 1, entries, N, &cargo), RC_OK);
	assert_true(cargo.len < 100000);
	memcpy(h.device, replica_device(a->replica), sizeof(h.device));
	strcpy(h.unit, "06001");
	h.epoch = key->epoch;
	h.ranges = &range;
	h.n_ranges = 1;
	assert_int_equal(frame_seal(&h, key->public_key, a->replica->identity.sign_seed, cargo.data,
	    cargo.len, &frame), RC_OK);
	province_sync(p, a);
	province_sync(p, b);
	getrusage(RUSAGE_SELF, &before);
	assert_int_equal(replica_take(b->replica, ITEM_FRAME, frame.data, frame.len, &r, &err), RC_OK);
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss < 200 << 10);
	assert_int_equal(replica_aside(b->replica, &aside, &n, &err), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(aside[0].reason, REASON_GRAMMAR);
	free(aside);
	bytes_reset(&cargo);
	bytes_reset(&frame);
	free(entries);
	free(text);
	workspace_close(a);
	workspace_close(b);
}

/* ---- a relay that never comes to an end ---- */

static void
a_relay_that_always_has_more_is_left(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct replica_sync_result r;
	struct error err = { 0 };
	struct lying_relay l;

	province_add(a, "outreach", PROVINCE_VISIT);
	lying_relay_start(&l, p);
	assert_int_equal(workspace_sync(a, l.url, &r, &err), RC_PROTOCOL);
	assert_true(l.asked < 20);
	/* nothing counts as sent that has no receipt */
	assert_int_equal(province_status(a).unsent_entries, 1);
	l.other_generation = true;
	l.asked = 0;
	error_clear(&err);
	assert_int_equal(workspace_sync(a, l.url, &r, &err), RC_PROTOCOL);
	assert_true(l.asked < 20);
	lying_relay_stop(&l);
	province_sync(p, a);
	assert_int_equal(province_status(a).unsent_entries, 0);
	workspace_close(a);
}

static void
say_garbage(struct lying_relay *l, struct bytes *out)
{
	static const enum item_type types[] = { ITEM_CERTIFICATE, ITEM_FRAME, ITEM_STATEMENT, ITEM_SHARE,
		ITEM_SHARE_LIST, ITEM_RECEIPT, ITEM_LANE, ITEM_WELCOME, ITEM_HELLO };
	uint8_t noise[300];

	(void)l;
	for (int k = 0; k < 3; k++) {
		size_t len = province_pick(sizeof(noise));

		for (size_t n = 0; n < len; n++)
			noise[n] = (uint8_t)province_pick(256);
		if (province_pick(2))
			exchange_put_down(out, NULL, 1 + province_pick(50),
			    province_pick(2) ? ITEM_FRAME : types[province_pick(6)], noise, len);
		else
			exchange_put(out, types[province_pick(9)], noise, len);
	}
}

static void
garbage_in_every_place_leaves_the_replica_as_it_was(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct replica_sync_result r;
	struct error err = { 0 };
	struct lying_relay l;

	province_add(a, "outreach", PROVINCE_VISIT);
	lying_relay_start(&l, p);
	l.say = say_garbage;
	srand(5);
	for (int i = 0; i < 150; i++) {
		error_clear(&err);
		assert_int_not_equal(workspace_sync(a, l.url, &r, &err), RC_OK);
		assert_int_not_equal(err.code, RC_INTERNAL);
	}
	lying_relay_stop(&l);
	assert_int_equal(province_status(a).records, 1);
	assert_int_equal(province_status(a).unsent_entries, 1);
	workspace_close(a);
}

static void
a_relay_that_was_put_back_by_hand_is_told_of_and_given_all_again(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct replica_sync_result r;
	struct error err = { 0 };
	struct lying_relay l;

	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_meet(p);
	province_sync(p, a);
	assert_int_equal(province_status(a).unsent_entries, 0);
	/* its generation, and a sequence that is shorter than it was */
	lying_relay_start(&l, p);
	depot_generation(p->depot, l.generation);
	l.position = l.last = 1;
	l.over = true;
	assert_int_equal(workspace_sync(a, l.url, &r, &err), RC_OK);
	lying_relay_stop(&l);
	assert_int_equal(province_count(a, "SELECT count(*) FROM event WHERE kind = 'relay-rolled-back'"), 1);
	assert_int_equal(province_count(a, "SELECT count(*) FROM event WHERE kind = 'relay-restored'"), 0);
	assert_int_equal(province_status(a).unsent_entries, 1);
	/* the honest one has it; nothing is told twice */
	assert_int_equal(province_sync(p, a).sent_frames, 1);
	assert_int_equal(province_status(a).unsent_entries, 0);
	assert_int_equal(province_count(a, "SELECT count(*) FROM event WHERE kind = 'relay-rolled-back'"), 1);
	workspace_close(a);
}

#define T(name) cmocka_unit_test_setup_teardown(name, province_set_up, province_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(entries_that_make_no_sense_block_nothing),
		T(a_frame_that_unfolds_without_measure_is_set_aside),
		T(a_relay_that_always_has_more_is_left),
		T(a_relay_that_was_put_back_by_hand_is_told_of_and_given_all_again),
		T(garbage_in_every_place_leaves_the_replica_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
