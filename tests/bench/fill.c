/*
 * fill HOME PASSPHRASE-FILE N: saves N believable records (tests/support/corpus.h) in
 * the joined vault at HOME, one entry each, and prints what it took as one line of
 * JSON: seconds, field writes, and the rate of folding the whole journal again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/workspace.h"
#include "shared/base/clock.h"
#include "shared/forms/answers.h"
#include "shared/records/fold.h"
#include "shared/sync/replica.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "tests/support/corpus.h"

enum { SAVES_A_TRANSACTION = 500 };

struct filling {
	struct workspace *ws;
	struct dot *ids;
	int64_t now;
	uint64_t writes;
	struct error err;
};

static enum rc
save(struct filling *f, const struct corpus_record *r)
{
	struct record_context ctx = workspace_records(f->ws, FORM_EN);
	const struct form *form = form_set_find(ctx.forms, r->form);
	struct answers *a = NULL;
	char id[DOT_TEXT_MAX];
	enum rc rc = RC_NOTFOUND;

	f->now = r->saved_at;
	if (form == NULL || (rc = answers_new(form, ctx.forms, &a)) != RC_OK)
		return rc;
	for (size_t i = 0; i < r->n_fields && rc == RC_OK; i++) {
		const char *value = r->fields[i].value;

		if (value == NULL) {
			dot_text(&f->ids[r->fields[i].refers], id);
			value = id;
		}
		rc = answers_add(a, r->fields[i].name, value, &f->err);
	}
	if (rc == RC_OK)
		rc = record_create(&ctx, NULL, a, &f->ids[r->index], &f->err);
	f->writes += r->n_fields;
	answers_free(a);
	return rc;
}

static enum rc
fill(struct filling *f, size_t n)
{
	const char *unit = replica_unit(f->ws->replica);
	struct corpus_options o = { .seed = 20260105, .n = n, .communes = &unit, .n_communes = 1 };
	struct corpus *corpus;
	struct corpus_record r;
	size_t open = 0;
	enum rc rc;

	if ((f->ids = calloc(n, sizeof(*f->ids))) == NULL)
		return RC_NOMEM;
	if ((rc = corpus_new(&o, &corpus)) != RC_OK)
		return rc;
	while (rc == RC_OK && corpus_next(corpus, &r)) {
		if (open == 0)
			rc = workspace_begin(f->ws, &f->err);
		if (rc == RC_OK)
			rc = save(f, &r);
		if (++open == SAVES_A_TRANSACTION || rc != RC_OK) {
			rc = workspace_end(f->ws, rc, &f->err);
			open = 0;
		}
	}
	if (rc == RC_OK && open > 0)
		rc = workspace_end(f->ws, rc, &f->err);
	corpus_free(corpus);
	return rc;
}

static enum rc
rebuild(struct filling *f)
{
	enum rc rc = workspace_begin(f->ws, &f->err);

	if (rc == RC_OK)
		rc = workspace_end(f->ws, fold_rebuild(replica_fold(f->ws->replica), &f->err), &f->err);
	return rc;
}

int
main(int argc, char **argv)
{
	struct filling f;
	struct secret *passphrase = NULL;
	int64_t start, filled, rebuilt;
	size_t n = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	enum rc rc = RC_USAGE;

	memset(&f, 0, sizeof(f));
	if (n > 0 && (rc = secret_start()) == RC_OK &&
	    (rc = secret_read_line(argv[2], &passphrase, &f.err)) == RC_OK)
		rc = workspace_open(argv[1], passphrase, &f.ws, &f.err);
	secret_free(passphrase);
	start = clock_monotonic_ms();
	if (rc == RC_OK) {
		f.ws->clock = clock_fixed(&f.now);
		rc = fill(&f, n);
	}
	filled = clock_monotonic_ms();
	if (rc == RC_OK)
		rc = rebuild(&f);
	rebuilt = clock_monotonic_ms();
	if (rc == RC_OK)
		printf("{\"records\":%zu,\"answers\":%llu,\"save_seconds\":%.3f,"
		    "\"rebuild_seconds\":%.3f,\"folded_per_second\":%.0f}\n", n,
		    (unsigned long long)f.writes, (double)(filled - start) / 1000,
		    (double)(rebuilt - filled) / 1000,
		    (double)f.writes * 1000 / (double)(rebuilt - filled + 1));
	else
		fprintf(stderr, "fill: %s: %s: %s\n", f.err.what, f.err.where, rc_name(rc));
	workspace_close(f.ws);
	free(f.ids);
	return rc_exit_code(rc);
}
