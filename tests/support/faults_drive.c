#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/support/faults.h"

enum { FIRST = 6, FEW = 14, SLOW = 3 };

static const char *const CALLS[FAULTS_CALLS] = { "allocation", "open", "read", "write", "sync",
    "truncation", "change of a name" };
static const char *const HOW[] = { "fails", "finds the disk full", "is half done",
    "and all later ones find the disk full" };

struct kind { enum faults_call call; enum faults_how how; };

static const struct kind KINDS[] = {
	{ FAULTS_ALLOC, FAULTS_FAIL },
	{ FAULTS_OPEN, FAULTS_FAIL }, { FAULTS_OPEN, FAULTS_FULL },
	{ FAULTS_READ, FAULTS_FAIL }, { FAULTS_READ, FAULTS_HALF },
	{ FAULTS_WRITE, FAULTS_FAIL }, { FAULTS_WRITE, FAULTS_FULL },
	{ FAULTS_WRITE, FAULTS_HALF }, { FAULTS_WRITE, FAULTS_STAY },
	{ FAULTS_SYNC, FAULTS_FAIL }, { FAULTS_SYNC, FAULTS_FULL },
	{ FAULTS_TRUNCATE, FAULTS_FAIL },
	{ FAULTS_NAME, FAULTS_FAIL }, { FAULTS_NAME, FAULTS_FULL },
};

static bool
is_clean(struct kind k, enum rc rc)
{
	if (k.call == FAULTS_ALLOC)
		return rc == RC_NOMEM;
	return rc == RC_IO || rc == RC_FULL;
}

struct drive {
	const struct faults_task *task;
	void *ctx;
	struct kind kind;
	long n, tried;
};

static void
complain(const struct drive *d, const char *what, enum rc rc, const struct error *err)
{
	fail_msg("%s, when %s %ld %s: %s: %s (%s: %s: %s)", d->task->name, CALLS[d->kind.call], d->n,
	    HOW[d->kind.how], what, rc_name(rc), err->where, err->what, err->help);
}

/* One fault.  false: there are not so many calls. */
static bool
try_one(struct drive *d)
{
	const struct faults_task *t = d->task;
	struct error err = { 0 };
	bool happened;
	enum rc rc;

	if (t->prepare != NULL)
		t->prepare(d->ctx);
	faults_arm(d->kind.call, d->kind.how, d->n);
	rc = t->run(d->ctx, &err);
	happened = faults_disarm();
	d->tried++;
	if (getenv("FAULTS_LOUD") != NULL)
		print_message("%s: %s %ld %s: %s\n", t->name, CALLS[d->kind.call], d->n,
		    HOW[d->kind.how], rc_name(rc));
	if (!happened && rc != RC_OK)
		complain(d, "it failed without a fault", rc, &err);
	if (rc != RC_OK && !is_clean(d->kind, rc))
		complain(d, "the code says something else", rc, &err);
	if (rc != RC_OK && err.code != RC_OK && err.code != rc)
		complain(d, "the description is of another code", err.code, &err);
	if (t->check != NULL)
		t->check(d->ctx, rc);
	if (rc == RC_OK)
		return happened;
	error_clear(&err);
	if ((rc = t->run(d->ctx, &err)) != RC_OK)
		complain(d, "it cannot be done afterwards", rc, &err);
	if (t->check != NULL)
		t->check(d->ctx, RC_OK);
	return true;
}

static long
count_calls(struct drive *d)
{
	struct error err = { 0 };
	long n;
	enum rc rc;

	if (d->task->prepare != NULL)
		d->task->prepare(d->ctx);
	d->n = 0;
	faults_arm(d->kind.call, d->kind.how, 0);
	rc = d->task->run(d->ctx, &err);
	n = faults_counted();
	faults_disarm();
	if (rc != RC_OK)
		complain(d, "it fails anyway", rc, &err);
	if (d->task->check != NULL)
		d->task->check(d->ctx, RC_OK);
	return n;
}

static unsigned long
seed_of_run(void)
{
	const char *s = getenv("FAULTS_SEED");

	return s != NULL ? strtoul(s, NULL, 10) : (unsigned long)time(NULL);
}

/* The first few, then steps of chance over the rest; all of them when asked. */
static void
drive_kind(struct drive *d, unsigned long *chance)
{
	const char *all = getenv("FAULTS");
	bool every = all != NULL && strcmp(all, "all") == 0;
	long few = d->task->argon2 ? SLOW : FEW;
	long calls = count_calls(d), step = 1;

	for (d->n = 1; d->n <= calls; d->n += step) {
		try_one(d);
		if (every || d->n < (few < FIRST ? few : FIRST) || calls <= few)
			continue;
		*chance = *chance * 6364136223846793005u + 1442695040888963407u;
		step = 1 + (long)((*chance >> 33) % (unsigned long)(2 * calls / few + 1));
	}
	if (getenv("FAULTS_TELL") != NULL)
		print_message("%s: %ld of %s %s\n", d->task->name, calls, CALLS[d->kind.call],
		    HOW[d->kind.how]);
}

void
faults_drive(const struct faults_task *task, void *ctx)
{
	struct drive d = { task, ctx, KINDS[0], 0, 0 };
	unsigned long chance = seed_of_run();
	const char *only = getenv("FAULTS_ONLY");

	print_message("%s: FAULTS_SEED=%lu\n", task->name, chance);
	for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
		d.kind = KINDS[i];
		if (only == NULL || strcmp(only, CALLS[d.kind.call]) == 0)
			drive_kind(&d, &chance);
	}
	print_message("%s: %ld faults\n", task->name, d.tried);
}
