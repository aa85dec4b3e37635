#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "shared/base/files.h"
#include "shared/sync/exchange.h"
#include "shared/sync/replica.h"
#include "shared/vault/checked_file.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/depot.h"
#include "tests/support/province_stick.h"

/* Sticks between laptops that meet the network seldom, or never: tests/support/province.h. */

enum { HEAD_BYTES = 11 };

/* ---- the way of a laptop without a network ---- */

static void
a_laptop_that_only_sees_sticks_gets_the_keys_of_a_new_epoch(void **state)
{
	struct province *p = *state;
	struct workspace *near = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *far = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *tipper = province_device(p, "06001", ROLE_COMMUNICATOR, "Lý A Sáng");
	struct workspace *lost = province_device(p, "06001", ROLE_CASEWORKER, "Vi Văn Thắng");
	struct workspace *stranger = province_device(p, "06002", ROLE_CASEWORKER, "Vi Thị Mai");

	/* their certificates reach the province by stick, and it admits them */
	province_add(far, "outreach", PROVINCE_VISIT);
	province_add(tipper, "outreach", PROVINCE_VISIT);
	province_add(lost, "outreach", PROVINCE_VISIT);
	province_stick_carry(far, near);
	province_stick_carry(tipper, near);
	province_stick_carry(lost, near);
	province_sync(p, near);
	province_sync(p, stranger);
	province_meet(p);
	province_retire(p, lost);
	province_sync(p, near);
	province_add(near, "person", PROVINCE_PERSON);
	province_add(near, "outreach", PROVINCE_VISIT);
	assert_int_equal(directory_scope_key(replica_directory(near->replica), "06001", 1)->epoch, 2);

	province_stick_carry(near, far);
	assert_int_equal(province_status(far).waiting, 0);
	assert_true(province_same_fold(near, far));
	/* each gets what its role may read, and who was shut out nothing new */
	province_stick_carry(near, tipper);
	assert_int_equal(province_count(tipper,
	    "SELECT count(*) FROM scope_secret WHERE epoch = 2"), 1);
	assert_int_equal(province_count(tipper, "SELECT max(compartment) FROM scope_secret"), 0);
	assert_int_equal(province_status(tipper).records, province_status(near).records - 1);
	province_stick_carry(near, lost);
	assert_int_equal(province_count(lost,
	    "SELECT count(*) FROM scope_secret WHERE epoch = 2"), 0);
	province_stick_carry(near, stranger);
	assert_int_equal(province_count(stranger,
	    "SELECT count(*) FROM scope_secret WHERE unit = '06001'"), 0);
	/* and it writes under the new epoch */
	province_add(far, "outreach", PROVINCE_VISIT);
	province_stick_carry(far, near);
	assert_int_equal(province_count(far, "SELECT max(epoch) FROM frame WHERE state = 1"), 2);
	assert_true(province_same_fold(near, far));
	workspace_close(near);
	workspace_close(far);
	workspace_close(tipper);
	workspace_close(lost);
	workspace_close(stranger);
}

static void
receipts_come_back_by_stick(void **state)
{
	struct province *p = *state;
	struct workspace *far = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *near = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *holder = province_device(p, "20", ROLE_HOLDER, "Phòng Tổng hợp");
	struct error err = { 0 };
	size_t n = 0;

	province_add(far, "person", PROVINCE_PERSON);
	province_stick_carry(far, near);
	province_sync(p, near);
	assert_int_equal(province_status(far).unsent_entries, 1);
	province_stick_carry(near, far);
	assert_int_equal(province_status(far).unsent_entries, 0);
	assert_int_equal(province_status(far).receipt_level, 1);
	province_stick_carry(near, far);
	assert_int_equal(province_count(far, "SELECT count(*) FROM receipt WHERE outgoing = 0"), 1);
	/* what the province holds is told the same way */
	province_sync(p, holder);
	province_meet(p);
	province_sync(p, near);
	assert_int_equal(replica_sign_held(holder->replica, &n, &err), RC_OK);
	province_stick_carry(holder, near);
	province_stick_carry(near, far);
	assert_int_equal(province_status(far).receipt_level, 2);
	/* what the laptop hands on needs no carrying any more */
	province_stick_carry(far, near);
	assert_int_equal(province_count(near, "SELECT count(*) FROM frame WHERE forward = 1"), 0);
	workspace_close(far);
	workspace_close(near);
	workspace_close(holder);
}

static void
a_new_laptop_is_seeded_from_one_stick_and_gives_back(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *other = province_device(p, "06002", ROLE_CASEWORKER, "Vi Thị Mai");
	struct workspace *holder = province_device(p, "20", ROLE_HOLDER, "Phòng Tổng hợp");
	struct workspace *fresh;
	struct dot id;

	id = province_add(b, "person", PROVINCE_PERSON);
	province_add(b, "outreach", PROVINCE_VISIT);
	province_add(other, "outreach", PROVINCE_VISIT);
	province_sync(p, b);
	province_sync(p, other);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	/* one colleague's stick has what all others wrote, as far as they may read it */
	fresh = province_device(p, "06001", ROLE_CASEWORKER, "Triệu Thị Dao");
	province_stick_carry(a, fresh);
	assert_true(province_same_fold(a, fresh));
	assert_int_equal(province_status(fresh).records, 3);
	province_edit(fresh, id, NULL, "phone", "0987654321");
	province_stick_carry(fresh, a);
	province_sync(p, a);
	province_meet(p);
	province_sync(p, holder);
	province_sync(p, b);
	assert_true(province_same_fold(b, fresh));
	assert_int_equal(province_status(holder).records, 4);
	assert_int_equal(province_status(holder).unsent_entries, 0);
	assert_int_equal(province_status(holder).waiting, 0);
	/* the holder's stick seeds anybody: each what its role may have */
	workspace_close(fresh);
	fresh = province_device(p, "06002", ROLE_COMMUNICATOR, "Lý Thị Thu");
	province_stick_carry(holder, fresh);
	assert_int_equal(province_status(fresh).records, 1);
	workspace_close(a);
	workspace_close(b);
	workspace_close(other);
	workspace_close(holder);
	workspace_close(fresh);
}

static void
what_the_relay_has_is_not_handed_in_again(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *fresh = province_device(p, "06001", ROLE_CASEWORKER, "Triệu Thị Dao");
	struct replica_sync_result r;
	char note[600], word[16];
	const char *pairs[] = { "date", "2026-01-20", "commune_code", "06001", "persons_m", "1", "note", note, NULL };
	uint64_t all;

	srand(4);
	for (int i = 0; i < 200; i++) {
		note[0] = '\0';
		for (int k = 0; k < 50; k++) {
			snprintf(word, sizeof(word), "%x ", (unsigned)rand());
			strncat(note, word, sizeof(note) - strlen(note) - 1);
		}
		province_add(a, "outreach", pairs);
	}
	all = province_sync(p, a).bytes_up;
	assert_true(all > 40000);
	province_stick_carry(a, fresh);
	assert_true(province_count(fresh, "SELECT count(*) FROM frame WHERE forward = 1") == 0);
	/* a stick without receipts: taken to the relay, unless that has it already */
	assert_int_equal(query_run(vault_db(fresh->vault), NULL, "UPDATE frame SET forward = 1", ""),
	    RC_OK);
	r = province_sync(p, fresh);
	assert_int_equal(r.sent_frames, 0);
	assert_true(r.bytes_up < 4000);
	assert_int_equal(province_count(fresh, "SELECT count(*) FROM frame WHERE forward = 1"), 0);
	workspace_close(a);
	workspace_close(fresh);
}

/* ---- sticks as they come ---- */

static void
bytes_may_come_one_by_one_in_any_order_of_sticks(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_import *import = NULL;
	struct replica_sync_result r;
	struct bytes early, late;
	struct error err = { 0 };
	struct dot id;

	bytes_init(&early);
	bytes_init(&late);
	id = province_add(a, "person", PROVINCE_PERSON);
	province_stick_write(a, &early);
	province_edit(a, id, NULL, "phone", "0987654321");
	province_stick_write(a, &late);
	assert_int_equal(replica_import_start(b->replica, "stick", &r, &import, &err), RC_OK);
	for (size_t i = 0; i < late.len; i++)
		assert_int_equal(replica_import_feed(import, late.data + i, 1), RC_OK);
	assert_int_equal(replica_import_finish(import), RC_OK);
	replica_import_free(import);
	assert_int_equal(r.received_entries, 2);
	assert_true(province_same_fold(a, b));
	/* an old stick that somebody plays again changes nothing */
	assert_int_equal(province_stick_read(b, &early).received_entries, 0);
	assert_int_equal(province_stick_read(b, &late).received_entries, 0);
	assert_true(province_same_fold(a, b));
	bytes_reset(&early);
	bytes_reset(&late);
	workspace_close(a);
	workspace_close(b);
}

static void
a_stick_of_another_province_changes_nothing(void **state)
{
	struct province *p = *state;
	struct province other;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao"), *b;
	struct replica_sync_result r;
	struct bytes stick;
	struct error err = { 0 };
	uint8_t province[8];

	bytes_init(&stick);
	province_start(&other);
	b = province_device(&other, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	province_add(b, "person", PROVINCE_PERSON);
	province_stick_write(b, &stick);
	assert_int_equal(replica_bundle_read(a->replica, "stick", stick.data, stick.len, &r, &err),
	    RC_DENIED);
	assert_int_equal(province_count(a, "SELECT count(*) FROM frame"), 0);
	assert_int_equal(province_count(a, "SELECT count(*) FROM event"), 0);
	/* nor does it when somebody wrote our name on it */
	directory_province(replica_directory(a->replica), province);
	memcpy(stick.data + 3, province, sizeof(province));
	error_clear(&err);
	assert_int_equal(replica_bundle_read(a->replica, "stick", stick.data, stick.len, &r, &err),
	    RC_OK);
	assert_int_equal(r.received_entries, 0);
	assert_int_equal(province_status(a).records, 0);
	assert_int_equal(province_count(a, "SELECT count(*) FROM scope_secret WHERE epoch > 1"), 0);
	bytes_reset(&stick);
	workspace_close(a);
	workspace_close(b);
	province_end(&other);
}

static void
junk_is_kept_within_a_limit_and_hides_nothing(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_sync_result r;
	struct bytes stick, evil, junk;
	struct error err = { 0 };
	uint8_t *room;

	bytes_init(&stick);
	bytes_init(&evil);
	bytes_init(&junk);
	province_add(a, "person", PROVINCE_PERSON);
	province_stick_write(a, &stick);
	room = bytes_room(&junk, 4 << 20);
	assert_non_null(room);
	memset(room, 0x55, 4 << 20);
	junk.len = 4 << 20;
	bytes_put(&evil, stick.data, HEAD_BYTES);
	for (uint8_t i = 0; i < 20; i++) {
		junk.data[9] = i;
		exchange_put(&evil, ITEM_FRAME, junk.data, junk.len);
		exchange_put(&evil, ITEM_RECEIPT, junk.data, 100);
		exchange_put(&evil, ITEM_KEY, junk.data, 100);
		exchange_put(&evil, ITEM_SHARE, junk.data, 100);
		exchange_put(&evil, ITEM_STATEMENT, junk.data, 100);
		exchange_put(&evil, ITEM_CERTIFICATE, junk.data, 100);
	}
	bytes_put(&evil, stick.data + HEAD_BYTES, stick.len - HEAD_BYTES);
	assert_int_equal(replica_bundle_read(b->replica, "stick", evil.data, evil.len, &r, &err),
	    RC_LIMIT);
	assert_int_equal(r.received_entries, 1);
	assert_true(province_same_fold(a, b));
	assert_int_equal(province_count(b, "SELECT count(*) FROM frame WHERE state = 4"), 16);
	/* an item that claims more than there can be ends it; what came before counts */
	error_clear(&err);
	evil.len = 0;
	bytes_put(&evil, stick.data, stick.len - 2);
	bytes_u8(&evil, ITEM_FRAME);
	bytes_varint(&evil, UINT64_MAX);
	bytes_put(&evil, junk.data, junk.len);
	assert_int_equal(replica_bundle_read(b->replica, "stick", evil.data, evil.len, &r, &err),
	    RC_FORMAT);
	bytes_reset(&stick);
	bytes_reset(&evil);
	bytes_reset(&junk);
	workspace_close(a);
	workspace_close(b);
}

/* ---- frames of an author who is not known where the stick is read ---- */

/* A stick with this frame, and no certificate. */
static void
frame_alone(struct workspace *to, struct workspace *author, struct bytes *frame)
{
	struct bytes stick;

	bytes_init(&stick);
	province_stick_write(author, &stick);
	stick.len = HEAD_BYTES;
	exchange_put(&stick, ITEM_FRAME, frame->data, frame->len);
	exchange_put(&stick, ITEM_END, NULL, 0);
	assert_int_equal(province_stick_read(to, &stick).received_entries, 0);
	bytes_reset(&stick);
}

/* Number of frames in the relay's quarantine; drop: it loses them, as where there was no room. */
static unsigned
aside(struct province *p, bool drop)
{
	struct depot_frame f;
	unsigned n = 0;

	assert_int_equal(depot_refresh(p->depot), RC_OK);
	for (int64_t at = 0; depot_frame_after(p->depot, at, FRAME_ASIDE, ASIDE_NOTHING, &f) == RC_OK; n++) {
		at = f.key;
		if (!drop)
			continue;
		assert_int_equal(depot_begin(p->depot), RC_OK);
		assert_int_equal(depot_end(p->depot, depot_drop_frame(p->depot, f.key)), RC_OK);
	}
	return n;
}

static void
what_nobody_known_has_signed_is_handed_in_once(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *c = province_device(p, "06001", ROLE_CASEWORKER, "Lò Thị Mai");
	struct bytes frame, other;

	bytes_init(&frame);
	bytes_init(&other);
	province_sync(p, a);
	province_add(c, "person", PROVINCE_PERSON);
	province_sealed_frame(c, &frame);
	bytes_put(&other, frame.data, frame.len);
	other.data[other.len - 1] ^= 1;		/* a stranger's whose signature would not hold, either */
	frame_alone(a, c, &frame);
	frame_alone(a, c, &other);
	assert_int_equal(province_sync(p, a).sent_frames, 2);
	assert_int_equal(aside(p, false), 2);
	for (int i = 0; i < 3; i++) {
		frame_alone(a, c, &frame);
		assert_int_equal(province_sync(p, a).sent_frames, 0);
	}
	assert_int_equal(province_status(a).waiting, 2);
	bytes_reset(&frame);
	bytes_reset(&other);
	workspace_close(a);
	workspace_close(c);
}

static void
a_stick_that_overtakes_its_authors_certificate_still_delivers(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *c = province_device(p, "06001", ROLE_CASEWORKER, "Lò Thị Mai");
	struct bytes frame, certificate;

	bytes_init(&frame);
	bytes_init(&certificate);
	province_sync(p, a);
	province_sync(p, b);
	province_meet(p);
	province_sync(p, a);
	province_sync(p, b);
	province_add(c, "person", PROVINCE_PERSON);
	province_sealed_frame(c, &frame);
	frame_alone(a, c, &frame);
	assert_int_equal(province_sync(p, a).sent_frames, 1);
	assert_int_equal(aside(p, true), 1);
	assert_int_equal(province_sync(p, a).sent_frames, 0);
	/* the author is named by another way, and never meets the relay itself */
	province_certificate(c, &certificate);
	province_take(a, ITEM_CERTIFICATE, &certificate);
	assert_int_equal(province_status(a).records, 1);
	assert_int_equal(province_sync(p, a).sent_frames, 1);
	assert_int_equal(province_sync(p, a).sent_frames, 0);
	province_sync(p, b);
	assert_int_equal(province_status(b).records, 1);
	assert_true(province_same_fold(a, b));
	bytes_reset(&frame);
	bytes_reset(&certificate);
	workspace_close(a);
	workspace_close(b);
	workspace_close(c);
}

static void
a_key_that_is_not_the_directorys_is_not_taken(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct error err = { 0 };
	struct bytes stick;
	size_t n = 0, found = 0;

	bytes_init(&stick);
	province_add(b, "outreach", PROVINCE_VISIT);
	province_stick_carry(b, a);
	province_sync(p, a);
	province_meet(p);
	assert_int_equal(authority_rotate(p->authority, "06001", false, &n, &err), RC_OK);
	province_meet(p);
	province_sync(p, a);
	province_stick_write(a, &stick);
	/* the last byte of each sealed key */
	for (size_t i = 0; i + 24 < stick.len; i++) {
		if (memcmp(stick.data + i, replica_device(b->replica), 16) == 0 &&
		    stick.data[i - 1] == 1 && stick.data[i - 2] <= 2) {
			stick.data[i + 16 + 79] ^= 1;
			found++;
		}
	}
	assert_true(found >= 2);
	province_stick_read(b, &stick);
	assert_int_equal(province_count(b, "SELECT count(*) FROM scope_secret WHERE epoch = 2"), 0);
	assert_true(province_count(b,
	    "SELECT count(*) FROM event WHERE kind = 'share-refused'") > 0);
	province_stick_carry(a, b);
	assert_int_equal(province_count(b,
	    "SELECT count(*) FROM scope_secret WHERE epoch = 2"), 3 - 1);
	bytes_reset(&stick);
	workspace_close(a);
	workspace_close(b);
}

static enum rc
full_stick(void *ctx, const uint8_t *data, size_t len)
{
	size_t *left = ctx;

	(void)data;
	if (len > *left)
		return RC_FULL;
	*left -= len;
	return RC_OK;
}

static void
a_stick_that_is_full_loses_nothing(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct replica_sync_result r;
	struct error err = { 0 };
	size_t left = 100;

	province_add(a, "person", PROVINCE_PERSON);
	assert_int_equal(replica_bundle_export(a->replica, full_stick, &left, &r, &err), RC_FULL);
	assert_int_equal(province_status(a).unsent_entries, 1);
	left = 1 << 20;
	assert_int_equal(replica_bundle_export(a->replica, full_stick, &left, &r, &err), RC_OK);
	assert_int_equal(province_sync(p, a).sent_entries, 1);
	workspace_close(a);
}

/* ---- the file ---- */

/* Put it under its name on a disk that takes so many bytes of a file. */
static enum rc
put_file(const char *path, const struct bytes *stick, size_t room)
{
	struct rlimit all, few;
	struct checked_file *file = NULL;
	struct error err = { 0 };
	enum rc rc;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
	few = all;
	few.rlim_cur = room;
	rc = checked_file_create(path, &file, &err);
	assert_int_equal(rc, RC_OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
	for (size_t at = 0; rc == RC_OK && at < stick->len; at += 1000)
		rc = checked_file_put(file, stick->data + at, stick->len - at < 1000 ? stick->len - at : 1000, &err);
	if (rc == RC_OK)
		rc = checked_file_finish(file, &err);
	else
		checked_file_close(file);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	return rc;
}

static void
a_disk_that_fails_at_any_byte_keeps_what_stood_there(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct bytes old = { 0 }, stick, found = { 0 };
	char path[300], **names;
	size_t n, before;

	bytes_init(&stick);
	bytes_put(&old, "old", 3);
	province_add(a, "person", PROVINCE_PERSON);
	province_stick_write(a, &stick);
	snprintf(path, sizeof(path), "%s/stick", p->dir);
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(put_file(path, &old, 3), RC_OK);
	assert_int_equal(files_list(p->dir, &names, &before, NULL), RC_OK);
	files_names_free(names, before);
	for (size_t room = 0; room < stick.len; room += room < 100 ? 1 : 97) {
		assert_int_equal(put_file(path, &stick, room), RC_FULL);
		assert_int_equal(files_read(path, 1 << 20, &found, NULL), RC_OK);
		assert_int_equal(found.len, old.len);
	}
	assert_int_equal(files_list(p->dir, &names, &n, NULL), RC_OK);
	assert_int_equal(n, before);	/* nothing lies about */
	files_names_free(names, n);
	assert_int_equal(put_file(path, &stick, stick.len), RC_OK);
	assert_int_equal(files_read(path, 1 << 20, &found, NULL), RC_OK);
	assert_int_equal(found.len, stick.len);
	assert_memory_equal(found.data, stick.data, stick.len);
	bytes_reset(&old);
	bytes_reset(&found);
	bytes_reset(&stick);
	workspace_close(a);
}

static void
a_stick_that_is_cut_gives_what_is_whole_and_says_where_it_ends(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_sync_result r;
	struct bytes stick;
	struct error err;
	char where[40];
	uint64_t had = 0;

	bytes_init(&stick);
	for (int i = 0; i < 4; i++) {
		province_add(a, "outreach", PROVINCE_VISIT);
		province_stick_write(a, &stick);		/* a frame of its own each time */
	}
	for (size_t len = 0; len < stick.len; len += len + 3000 < stick.len ? 701 : 37) {
		memset(&err, 0, sizeof(err));
		assert_int_equal(replica_bundle_read(b->replica, "stick", stick.data, len, &r, &err), RC_FORMAT);
		snprintf(where, sizeof(where), "behind byte %zu", len);
		assert_true(len < EXCHANGE_BUNDLE_HEAD_BYTES || strstr(err.what, where) != NULL);
		had += r.received_entries;
		assert_int_equal(province_status(b).records, had);
	}
	assert_in_range(had, 2, 4);
	assert_int_equal(province_stick_read(b, &stick).received_entries, 4 - had);
	assert_true(province_same_fold(a, b));
	bytes_reset(&stick);
	workspace_close(a);
	workspace_close(b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, province_set_up, province_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_laptop_that_only_sees_sticks_gets_the_keys_of_a_new_epoch),
		T(receipts_come_back_by_stick),
		T(a_new_laptop_is_seeded_from_one_stick_and_gives_back),
		T(what_the_relay_has_is_not_handed_in_again),
		T(bytes_may_come_one_by_one_in_any_order_of_sticks),
		T(a_stick_of_another_province_changes_nothing),
		T(junk_is_kept_within_a_limit_and_hides_nothing),
		T(what_nobody_known_has_signed_is_handed_in_once),
		T(a_stick_that_overtakes_its_authors_certificate_still_delivers),
		T(a_key_that_is_not_the_directorys_is_not_taken),
		T(a_stick_that_is_full_loses_nothing),
		T(a_disk_that_fails_at_any_byte_keeps_what_stood_there),
		T(a_stick_that_is_cut_gives_what_is_whole_and_says_where_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
