#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/files.h"
#include "shared/sync/replica.h"
#include "shared/sync/transport.h"
#include "shared/vault/checked_file.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/relay_bundle.h"
#include "tests/support/faults.h"
#include "tests/support/province.h"
#include "tests/support/vault_folder.h"

/* Two laptops of a commune, a relay behind HTTP (whose threads have no faults) and an authority. */
struct desk {
	struct province p;
	struct workspace *a, *b;
	struct bytes bundle;
	struct invitation_parcel parcel;
	struct secret *master;
	char dir[300];			/* of the laptop that joins */
	char stick[300];		/* a bundle's file */
	struct bytes before;		/* what stood there */
	uint64_t entries;		/* that must be there in the end */
};

static uint64_t
entries(struct workspace *ws)
{
	return province_count(ws, "SELECT count(*) FROM entry");
}

static int
set_up(void **state)
{
	struct desk *d = calloc(1, sizeof *d);

	assert_non_null(d);
	assert_int_equal(vault_start(), RC_OK);
	faults_start();
	province_start(&d->p);
	d->a = province_device(&d->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	d->b = province_device(&d->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	province_add(d->a, "outreach", PROVINCE_VISIT);
	province_sync(&d->p, d->a);
	province_sync(&d->p, d->b);
	bytes_init(&d->bundle);
	*state = d;
	return 0;
}

static int
tear_down(void **state)
{
	struct desk *d = *state;

	bytes_reset(&d->bundle);
	workspace_close(d->a);
	workspace_close(d->b);
	province_end(&d->p);
	free(d);
	return 0;
}

static void
assert_sound(struct workspace *ws)
{
	struct error err = { 0 };

	if (vault_verify(ws->vault, &err) != RC_OK)
		fail_msg("%s: %s", err.where, err.what);
}

static void
assert_same(struct desk *d)
{
	uint8_t x[32], y[32];

	province_digest(d->a, x);
	province_digest(d->b, y);
	assert_memory_equal(x, y, sizeof x);
}

/* Sealing ----------------------------------------------------------------- */

static void
one_more(void *ctx)
{
	struct desk *d = ctx;

	/* or else each try has more to do than the one before */
	province_sync(&d->p, d->a);
	province_add(d->a, "outreach", PROVINCE_VISIT);
	d->entries = entries(d->a);
}

static enum rc
run_seal(void *ctx, struct error *err)
{
	struct desk *d = ctx;

	return replica_seal(d->a->replica, 65536, 0, err);
}

static void
check_seal(void *ctx, enum rc rc)
{
	struct desk *d = ctx;

	assert_int_equal(entries(d->a), d->entries);
	if (rc == RC_OK)
		assert_int_equal(province_count(d->a,
		    "SELECT count(*) FROM log WHERE own = 1 AND sealed_n < head_n"), 0);
	/* every sealed entry is in a frame, and in one */
	assert_int_equal(province_count(d->a,
	    "SELECT coalesce(sum(entries), 0) FROM frame WHERE state < 3"),
	    province_count(d->a, "SELECT sum(sealed_n) FROM log WHERE own = 1"));
}

static void
sealing(void **state)
{
	struct faults_task t = { .name = "replica_seal", .prepare = one_more, .run = run_seal,
	    .check = check_seal };
	struct desk *d = *state;

	faults_drive(&t, d);
	province_sync(&d->p, d->a);
	province_sync(&d->p, d->b);
	assert_same(d);
	assert_sound(d->a);
}

/* A stick ------------------------------------------------------------------ */

static enum rc
run_write(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct replica_sync_result r;

	bytes_reset(&d->bundle);
	return replica_bundle_write(d->a->replica, &d->bundle, &r, err);
}

static void
check_write(void *ctx, enum rc rc)
{
	check_seal(ctx, rc);
}

static void
writing_a_bundle(void **state)
{
	struct faults_task t = { .name = "replica_bundle_write", .prepare = one_more,
	    .run = run_write, .check = check_write };
	struct desk *d = *state;
	struct replica_sync_result r;
	struct error err = { 0 };

	faults_drive(&t, d);
	assert_int_equal(replica_bundle_read(d->b->replica, "stick", d->bundle.data, d->bundle.len, &r,
	    &err), RC_OK);
	assert_same(d);
}

static void
a_full_stick(void *ctx)
{
	struct desk *d = ctx;
	struct error err = { 0 };

	one_more(d);
	assert_int_equal(run_write(d, &err), RC_OK);
}

static enum rc
run_read(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct replica_sync_result r;

	return replica_bundle_read(d->b->replica, "stick", d->bundle.data, d->bundle.len, &r, err);
}

static void
check_read(void *ctx, enum rc rc)
{
	struct desk *d = ctx;

	if (rc == RC_OK) {
		assert_int_equal(entries(d->b), d->entries);
		assert_same(d);
	}
}

static void
reading_a_bundle(void **state)
{
	struct faults_task t = { .name = "replica_bundle_read, replica_take", .prepare = a_full_stick,
	    .run = run_read, .check = check_read };
	struct desk *d = *state;

	faults_drive(&t, d);
	assert_sound(d->b);
}

/* A stick that is pulled out, full or broken while it is written: whatever stands under its name is whole. */

static enum rc
put_in_file(void *ctx, const uint8_t *p, size_t len)
{
	struct error err = { 0 };

	return checked_file_put(ctx, p, len, &err);
}

static enum rc
end_file(struct checked_file *file, enum rc rc, struct error *err)
{
	if (rc == RC_OK)
		return checked_file_finish(file, err);
	checked_file_close(file);
	error_clear(err);	/* the writer of the bundle cannot say what the disk said */
	return rc;
}

static enum rc
run_write_file(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct replica_sync_result r;
	struct checked_file *file;
	enum rc rc = checked_file_create(d->stick, &file, err);

	/* that there is nothing to be made is told by another code than that of a disk */
	if (rc == RC_CREATE)
		return err->code = RC_IO;
	if (rc != RC_OK)
		return rc;
	return end_file(file, replica_bundle_export(d->a->replica, put_in_file, file, &r, err), err);
}

static enum rc
run_answer_file(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct relay_bundle_result r;
	struct checked_file *file;
	enum rc rc = checked_file_create(d->stick, &file, err);

	if (rc == RC_CREATE)
		return err->code = RC_IO;
	if (rc != RC_OK)
		return rc;
	return end_file(file, relay_bundle_write(d->p.depot, &d->p.clock, NULL, NULL, put_in_file, file,
	    &r, err), err);
}

static void
what_stands_there(void *ctx)
{
	struct desk *d = ctx;

	one_more(d);
	assert_int_equal(files_read(d->stick, 1 << 30, &d->before, NULL), RC_OK);
}

static void
check_file(void *ctx, enum rc rc)
{
	struct desk *d = ctx;
	struct replica_sync_result r;
	struct bytes now = { 0 };
	struct error err = { 0 };

	assert_int_equal(files_read(d->stick, 1 << 30, &now, NULL), RC_OK);
	if (rc != RC_OK && now.len == d->before.len && memcmp(now.data, d->before.data, now.len) == 0) {
		bytes_reset(&now);
		return;		/* as it was */
	}
	/* or the new one, to its end: only that its name lasts is not certain */
	if (replica_bundle_read(d->b->replica, "stick", now.data, now.len, &r, &err) != RC_OK)
		fail_msg("%s", err.what);
	bytes_reset(&now);
}

static void
writing_a_stick(void **state)
{
	struct faults_task write = { .name = "bundle export", .prepare = what_stands_there,
	    .run = run_write_file, .check = check_file };
	struct faults_task answer = { .name = "sync-server bundle export", .prepare = what_stands_there,
	    .run = run_answer_file, .check = check_file };
	struct desk *d = *state;
	struct error err = { 0 };

	snprintf(d->stick, sizeof d->stick, "%s/stick", d->p.dir);
	assert_int_equal(run_write_file(d, &err), RC_OK);
	faults_drive(&write, d);
	faults_drive(&answer, d);
	assert_int_equal(files_remove(d->stick, &err), RC_OK);
	bytes_reset(&d->before);
}

/* Reading one at the server: what is told to be there is there, and read again it is complete. */
static enum rc
run_relay_read(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct relay_bundle_result r;
	struct relay_bundle *b;
	enum rc rc = relay_bundle_start(d->p.depot, &d->p.clock, "stick", &r, &b, err);

	if (rc == RC_OK)
		rc = relay_bundle_feed(b, d->bundle.data, d->bundle.len);
	if (rc == RC_OK)
		rc = relay_bundle_finish(b);
	relay_bundle_free(b);
	return rc;
}

static void
check_relay_read(void *ctx, enum rc rc)
{
	struct desk *d = ctx;

	if (rc != RC_OK)
		return;
	province_sync(&d->p, d->b);
	assert_int_equal(entries(d->b), d->entries);
	assert_same(d);
}

static void
the_server_reads_a_stick(void **state)
{
	struct faults_task t = { .name = "relay_bundle", .prepare = a_full_stick, .run = run_relay_read,
	    .check = check_relay_read };
	struct desk *d = *state;

	faults_drive(&t, d);
	province_sync(&d->p, d->a);
	assert_int_equal(province_count(d->a, "SELECT count(*) FROM frame WHERE state = 1"), 0);
	assert_same(d);
}

/* The network ---------------------------------------------------------------- */

static void
something_both_ways(void *ctx)
{
	struct desk *d = ctx;

	province_sync(&d->p, d->a);
	province_add(d->b, "outreach", PROVINCE_VISIT);
	province_sync(&d->p, d->b);
	province_add(d->a, "outreach", PROVINCE_VISIT);
	d->entries = entries(d->a);
}

static enum rc
run_sync(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct replica_sync_result r;

	return workspace_sync(d->a, d->p.url, &r, err);
}

static void
check_sync(void *ctx, enum rc rc)
{
	struct desk *d = ctx;

	if (rc != RC_OK) {
		assert_true(entries(d->a) >= d->entries);
		return;
	}
	assert_int_equal(province_count(d->a, "SELECT count(*) FROM frame WHERE state = 1"), 0);
	province_sync(&d->p, d->b);
	assert_same(d);
}

static void
syncing(void **state)
{
	struct faults_task t = { .name = "replica_sync", .prepare = something_both_ways,
	    .run = run_sync, .check = check_sync };
	struct desk *d = *state;

	faults_drive(&t, d);
	assert_sound(d->a);
}

/* Joining --------------------------------------------------------------------- */

static void
an_empty_vault(void *ctx)
{
	struct desk *d = ctx;
	struct vault *v = NULL;

	vault_folder_remove(d->dir);
	assert_int_equal(vault_create_with_master(d->dir, d->master, &v, NULL), RC_OK);
	vault_close(v);
}

static enum rc
run_join(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct vault *v = NULL;
	enum rc rc;

	if ((rc = vault_open_with_master(d->dir, d->master, &v, err)) == RC_OK)
		rc = replica_join(v, &d->parcel, &d->p.clock, err);
	vault_close(v);
	return rc;
}

static void
check_join(void *ctx, enum rc rc)
{
	struct desk *d = ctx;
	struct vault *v = NULL;

	assert_int_equal(vault_open_with_master(d->dir, d->master, &v, NULL), RC_OK);
	assert_int_equal(replica_is_joined(v), rc == RC_OK);
	vault_close(v);
}

static void
joining(void **state)
{
	struct faults_task t = { .name = "replica_join", .prepare = an_empty_vault, .run = run_join,
	    .check = check_join };
	struct desk *d = *state;
	struct authority_invite invite = { "06002", ROLE_COMMUNICATOR, "Lò Thị Mai", 14, d->p.url, "" };
	struct error err = { 0 };
	struct secret *code = NULL;
	struct bytes file;
	uint8_t id[16];

	bytes_init(&file);
	snprintf(d->dir, sizeof d->dir, "%s/joins", d->p.dir);
	assert_int_equal(secret_random(SECRET_KEY_BYTES, &d->master), RC_OK);
	assert_int_equal(authority_invite(d->p.authority, &invite, id, &file, &code, &err), RC_OK);
	assert_int_equal(identity_parcel_open(file.data, file.len, code, &d->parcel, &err), RC_OK);
	faults_drive(&t, d);
	identity_parcel_reset(&d->parcel);
	secret_free(d->master);
	secret_free(code);
	bytes_reset(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealing),
		cmocka_unit_test(writing_a_bundle),
		cmocka_unit_test(reading_a_bundle),
		cmocka_unit_test(writing_a_stick),
		cmocka_unit_test(the_server_reads_a_stick),
		cmocka_unit_test(syncing),
		cmocka_unit_test(joining),
	};

	cmocka_set_test_filter(getenv("FAULTS_TEST"));
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
