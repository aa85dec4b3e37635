#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/forms/answers.h"
#include "shared/sync/replica.h"
#include "tests/support/province.h"

/*
 * Memory is bounded by limits that have a name, and not by how much there is.  Who receives has a frame
 * unfolded, and the vault's caches of pages; all of these records at once would be 71 MB.
 */
enum {
	RECORDS = 16000, A_TRANSACTION = 500,
	FRAME_BYTES = 16 << 10,
	CACHES_KB = 24 << 10,		/* of SQLite and of the WAL, when they are full */
	SLACK_KB = 12 << 10,		/* a frame, what the fold holds back of it, the allocator */
	RELAY_KB = 6 << 10
};

#if defined(__SANITIZE_ADDRESS__)
static const bool MEASURES = false;	/* what is freed stays, to be watched */
#else
static const bool MEASURES = true;
#endif

static long
status_kb(const char *name)
{
	char line[200];
	long kb = -1;
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && kb < 0 && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			kb = strtol(line + strlen(name) + 1, NULL, 10);
	if (f != NULL)
		fclose(f);
	return kb;
}

struct job {
	struct province *p;
	char dir[300], stick[330];
};

static void
work(const struct job *j, struct workspace *ws)
{
	struct record_context c = workspace_records(ws, FORM_EN);
	char note[80];
	const char *pairs[] = { "date", "2026-01-20", "commune_code", "06001", "kind", "HOUSEHOLD",
		"village", "thôn Bản Chu", "persons_m", "3", "persons_f", "5", "topics", "TRICKS", "note", note,
		NULL };
	struct error err = { 0 };
	struct answers *a;
	struct dot id;
	enum rc rc = RC_OK;

	(void)j;
	for (unsigned i = 0; i < RECORDS && rc == RC_OK; i++) {
		if (i % A_TRANSACTION == 0 && workspace_begin(ws, &err) != RC_OK)
			_exit(2);
		snprintf(note, sizeof(note), "Lần %u: %08x%08x%08x", i, (unsigned)rand(), (unsigned)rand(),
		    (unsigned)rand());
		rc = answers_new(form_set_find(c.forms, "outreach"), c.forms, &a);
		for (const char **pair = pairs; rc == RC_OK && *pair != NULL; pair += 2)
			rc = answers_add(a, pair[0], pair[1], &err);
		if (rc == RC_OK)
			rc = record_create(&c, NULL, a, &id, &err);
		answers_free(a);
		if ((i + 1) % A_TRANSACTION == 0)
			rc = workspace_end(ws, rc, &err);
	}
	if (rc != RC_OK || replica_seal(ws->replica, FRAME_BYTES, 0, &err) != RC_OK)
		_exit(3);
}

static void
sync_all(const struct job *j, struct workspace *ws)
{
	struct replica_sync_result r;
	struct error err = { 0 };

	if (workspace_sync(ws, j->p->url, &r, &err) != RC_OK || r.waiting != 0)
		_exit(4);
}

static enum rc
to_file(void *ctx, const uint8_t *data, size_t len)
{
	return fwrite(data, 1, len, ctx) == len ? RC_OK : RC_IO;
}

static void
fill_stick(const struct job *j, struct workspace *ws)
{
	struct replica_sync_result r;
	struct error err = { 0 };
	FILE *f = fopen(j->stick, "wb");

	if (f == NULL || replica_bundle_export(ws->replica, to_file, f, &r, &err) != RC_OK ||
	    fclose(f) != 0)
		_exit(5);
}

static void
read_stick(const struct job *j, struct workspace *ws)
{
	struct replica_import *import = NULL;
	struct replica_sync_result r;
	struct error err = { 0 };
	uint8_t piece[4096];
	size_t n;
	FILE *f = fopen(j->stick, "rb");

	if (f == NULL || replica_import_start(ws->replica, "stick", &r, &import, &err) != RC_OK)
		_exit(6);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		if (replica_import_feed(import, piece, n) != RC_OK)
			_exit(7);
	if (replica_import_finish(import) != RC_OK || r.received_entries == 0)
		_exit(8);
	replica_import_free(import);
	fclose(f);
}

/* In a process of its own: the most that it held beyond the open vault, in kB. */
static long
step(const struct job *j, void (*act)(const struct job *j, struct workspace *ws))
{
	int ends[2], status;
	long kb = -1;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	assert_true((child = fork()) >= 0);
	if (child == 0) {
		struct workspace *ws = province_open(j->p, j->dir);
		long before = status_kb("VmRSS");

		act(j, ws);
		kb = status_kb("VmHWM") - before;
		workspace_close(ws);
		_exit(write(ends[1], &kb, sizeof(kb)) == (ssize_t)sizeof(kb) ? 0 : 1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &kb, sizeof(kb)), sizeof(kb));
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	return kb;
}

static void
memory_does_not_grow_with_what_is_synced(void **state)
{
	long push, pull, export, import, before, relay;
	struct province p;
	struct job j = { .p = &p };

	(void)state;
	if (!MEASURES || status_kb("VmHWM") < 0)
		skip();
	srand(9);
	province_start(&p);
	for (int i = 0; i < 3; i++)
		workspace_close(province_device(&p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao"));
	snprintf(j.stick, sizeof(j.stick), "%s/stick", p.dir);
	province_device_dir(&p, 0, j.dir);
	step(&j, work);
	before = status_kb("VmRSS");
	push = step(&j, sync_all);
	export = step(&j, fill_stick);
	province_device_dir(&p, 1, j.dir);
	pull = step(&j, sync_all);
	/* the relay runs in this process, the laptops do not */
	relay = status_kb("VmHWM") - before;
	province_device_dir(&p, 2, j.dir);
	import = step(&j, read_stick);
	print_message("%d records: %ld kB to send, %ld to fill a stick, %ld to receive, %ld from a stick,"
	    " %ld for the relay\n", RECORDS, push, export, pull, import, relay);
	assert_true(push < CACHES_KB + SLACK_KB);
	assert_true(pull < CACHES_KB + SLACK_KB);
	assert_true(export < SLACK_KB);
	assert_true(import < CACHES_KB + SLACK_KB);
	assert_true(relay < RELAY_KB);
	province_end(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_does_not_grow_with_what_is_synced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
