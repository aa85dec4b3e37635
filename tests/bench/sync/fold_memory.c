/*
 * fold_memory HOME PASSPHRASE-FILE: how many field writes a second are folded, from the journal
 * of the vault at HOME: by the core alone (entries decoded, registers of every record), by the
 * whole fold (states, typed tables, conflicts, index of words) over a database in memory, and
 * by the same through the vault.  By the clock, and by the processor's time, which other
 * programs on the machine do not lengthen.  One line of JSON.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "field/workspace.h"
#include "shared/base/clock.h"
#include "shared/base/embedded.h"
#include "shared/forms/form.h"
#include "shared/records/fold.h"
#include "shared/records/journal.h"
#include "shared/records/register.h"
#include "shared/sync/replica.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "tests/support/record_fixture.h"

enum { BUCKETS = 1 << 16, ROUNDS = 5 };

struct kept { struct dot dot; uint8_t *body; size_t len; };
struct state { struct register_state s; struct state *next; };
/* Milliseconds of the clock and of the processor. */
struct spent { int64_t wall; double cpu; };
struct bench {
	struct kept *rows;
	size_t n, room;
	struct state **buckets;
	uint64_t writes, records;
	struct error err;
};

static void
start(struct spent *s)
{
	s->wall -= clock_monotonic_ms();
	s->cpu -= (double)clock() * 1000 / CLOCKS_PER_SEC;
}

static void
stop(struct spent *s)
{
	s->wall += clock_monotonic_ms();
	s->cpu += (double)clock() * 1000 / CLOCKS_PER_SEC;
}

static enum rc
keep_row(void *ctx, const struct journal_row *row)
{
	struct bench *b = ctx;
	struct kept *p;

	if (b->n == b->room) {
		b->room = b->room == 0 ? 4096 : 2 * b->room;
		if ((p = realloc(b->rows, b->room * sizeof(*p))) == NULL)
			return RC_NOMEM;
		b->rows = p;
	}
	p = &b->rows[b->n];
	p->dot = row->dot;
	p->len = row->len;
	if ((p->body = malloc(row->len + 1)) == NULL)
		return RC_NOMEM;
	memcpy(p->body, row->body, row->len);
	b->n++;
	return RC_OK;
}

static struct state *
state_of(struct bench *b, struct dot record)
{
	size_t at = (size_t)((record.log ^ (record.n * 0x9E3779B97F4A7C15U)) >> 20) % BUCKETS;
	struct state *s = b->buckets[at];

	while (s != NULL && (s->s.record.log != record.log || s->s.record.n != record.n))
		s = s->next;
	if (s == NULL && (s = calloc(1, sizeof(*s))) != NULL) {
		register_state_init(&s->s, record);
		s->next = b->buckets[at];
		b->buckets[at] = s;
		b->records++;
	}
	return s;
}

/* Every entry into its record's registers, and once more, which must change nothing. */
static enum rc
fold_all(struct bench *b, bool again)
{
	struct state *s;
	struct entry e;
	bool is_new;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < b->n && rc == RC_OK; i++) {
		if ((rc = entry_decode(b->rows[i].body, b->rows[i].len, b->rows[i].dot, &e)) != RC_OK)
			break;
		b->writes += again ? 0 : e.n_writes;
		if ((s = state_of(b, e.record)) == NULL)
			rc = RC_NOMEM;
		else if ((rc = register_apply(&s->s, &e, &is_new)) == RC_OK && is_new == again)
			rc = RC_INTERNAL;
		entry_reset(&e);
	}
	return rc;
}

static void
forget(struct bench *b)
{
	struct state *s, *next;

	for (size_t i = 0; i < BUCKETS; i++)
		for (s = b->buckets[i], b->buckets[i] = NULL; s != NULL; s = next) {
			next = s->next;
			register_state_reset(&s->s);
			free(s);
		}
	b->records = b->writes = 0;
}

static enum rc
core(struct bench *b, struct spent *t)
{
	enum rc rc = RC_OK;

	if ((b->buckets = calloc(BUCKETS, sizeof(*b->buckets))) == NULL)
		return RC_NOMEM;
	for (unsigned round = 0; round < ROUNDS && rc == RC_OK; round++) {
		forget(b);
		start(t);
		rc = fold_all(b, false);
		stop(t);
	}
	return rc == RC_OK ? fold_all(b, true) : rc;
}

/* The same journal in a database in memory, and everything derived made again. */
static enum rc
whole(struct sqlite3 *from, struct error *err, struct spent *t)
{
	struct form_set *forms = NULL;
	struct fold *fold = NULL;
	struct sqlite3 *to = NULL;
	enum rc rc;

	if ((rc = form_set_load_embedded(&forms, err)) != RC_OK)
		return rc;
	if (sqlite3_open(":memory:", &to) != SQLITE_OK || sqlite3_exec(to,
	    (const char *)embedded_find("vault.sql")->data, NULL, NULL, NULL) != SQLITE_OK)
		rc = RC_INTERNAL;
	if (rc == RC_OK)
		rc = fold_open(to, forms, &fold, err);
	if (rc == RC_OK) {
		record_fixture_run(to, "BEGIN");
		record_fixture_carry_all(from, to, fold);
		record_fixture_run(to, "COMMIT; BEGIN");
		start(t);
		rc = fold_rebuild(fold, err);
		record_fixture_run(to, "COMMIT");
		stop(t);
	}
	fold_close(fold);
	sqlite3_close(to);
	form_set_free(forms);
	return rc;
}

static enum rc
through_the_vault(struct workspace *ws, struct error *err, struct spent *t)
{
	enum rc rc;

	start(t);
	if ((rc = workspace_begin(ws, err)) == RC_OK)
		rc = workspace_end(ws, fold_rebuild(replica_fold(ws->replica), err), err);
	stop(t);
	return rc;
}

static void
put(const char *name, uint64_t writes, const struct spent *t)
{
	printf(",\"%s\":{\"wall\":%.0f,\"cpu\":%.0f}", name,
	    (double)writes * 1000 / (double)(t->wall + 1), (double)writes * 1000 / (t->cpu + 1));
}

int
main(int argc, char **argv)
{
	struct bench b;
	struct secret *passphrase = NULL;
	struct workspace *ws = NULL;
	struct spent in_core = { 0, 0 }, in_memory = { 0, 0 }, in_vault = { 0, 0 };
	enum rc rc = RC_USAGE;

	memset(&b, 0, sizeof(b));
	if (argc == 3 && (rc = secret_start()) == RC_OK &&
	    (rc = secret_read_line(argv[2], &passphrase, &b.err)) == RC_OK)
		rc = workspace_open(argv[1], passphrase, &ws, &b.err);
	secret_free(passphrase);
	if (rc == RC_OK && (rc = workspace_begin(ws, &b.err)) == RC_OK) {
		rc = journal_read_all(vault_db(ws->vault), keep_row, &b, &b.err);
		if (rc == RC_OK)
			rc = core(&b, &in_core);
		if (rc == RC_OK)
			rc = whole(vault_db(ws->vault), &b.err, &in_memory);
		rc = workspace_end(ws, rc, &b.err);
	}
	if (rc == RC_OK)
		rc = through_the_vault(ws, &b.err, &in_vault);
	if (rc == RC_OK) {
		printf("{\"entries\":%zu,\"writes\":%llu", b.n, (unsigned long long)b.writes);
		put("core", ROUNDS * b.writes, &in_core);
		put("memory", b.writes, &in_memory);
		put("vault", b.writes, &in_vault);
		printf("}\n");
	} else {
		fprintf(stderr, "fold_memory: %s: %s: %s\n", b.err.what, b.err.where, rc_name(rc));
	}
	if (b.buckets != NULL)
		forget(&b);
	free(b.buckets);
	for (size_t i = 0; i < b.n; i++)
		free(b.rows[i].body);
	free(b.rows);
	workspace_close(ws);
	return rc_exit_code(rc);
}
