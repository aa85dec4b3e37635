#include "tests/support/record_desk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/fold.h"
#include "tests/support/record_fixture.h"

static void
must(enum rc rc, const char *what)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "record_desk: %s: %s\n", what, rc_name(rc));
	abort();
}

void
record_desk_open(struct record_desk *d, uint8_t device)
{
	record_desk_open_with(d, device, record_fixture_forms(1));
}

void
record_desk_open_with(struct record_desk *d, uint8_t device, struct form_set *forms)
{
	memset(d, 0, sizeof(*d));
	d->db = record_fixture_db();
	d->forms = forms;
	d->seed = 4000 + device;
	d->now = 1764000000;
	d->clock = clock_fixed(&d->now);
	record_fixture_device(device, d->device);
	must(fold_open(d->db, d->forms, &d->fold, &d->err), "fold_open");
	must(journal_writer_new(d->device, record_fixture_random(&d->seed), &d->writer), "writer");
	d->c = (struct record_context){ .db = d->db, .forms = d->forms, .fold = d->fold,
		.writer = d->writer, .clock = &d->clock, .unit = "HN-1", .lang = FORM_EN };
}

void
record_desk_close(struct record_desk *d)
{
	journal_writer_free(d->writer);
	fold_close(d->fold);
	form_set_free(d->forms);
	record_fixture_close(d->db);
}

static void
begin(struct record_desk *d)
{
	error_clear(&d->err);
	d->dot = (struct dot){ 0, 0 };
	d->now++;
	record_fixture_run(d->db, "BEGIN");
}

static enum rc
end(struct record_desk *d, enum rc rc)
{
	record_fixture_run(d->db, rc == RC_OK ? "COMMIT" : "ROLLBACK");
	if (rc != RC_OK)
		fold_discard(d->fold);
	return rc;
}

static enum rc
read_pairs(struct record_desk *d, const struct form *form, va_list ap, struct answers **out)
{
	const char *pair;
	enum rc rc = answers_new(form, d->forms, out);

	while (rc == RC_OK && (pair = va_arg(ap, const char *)) != NULL) {
		size_t len = strcspn(pair, "=");
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)len, pair);
		if (pair[len] == '\0' || pair[len + 1] == '\0')
			rc = answers_clear(*out, name, &d->err);
		else
			rc = answers_add(*out, name, pair + len + 1, &d->err);
	}
	return rc;
}

enum rc
record_desk_add(struct record_desk *d, const char *form, struct dot *id, ...)
{
	struct answers *a = NULL;
	va_list ap;
	enum rc rc;

	begin(d);
	va_start(ap, id);
	rc = read_pairs(d, form_set_find(d->forms, form), ap, &a);
	va_end(ap);
	if (rc == RC_OK)
		rc = record_create(&d->c, NULL, a, id, &d->err);
	answers_free(a);
	return end(d, rc);
}

enum rc
record_desk_edit(struct record_desk *d, struct dot id, const char *seen, const char *reason, ...)
{
	struct answers *a = NULL;
	struct record_view view;
	va_list ap;
	enum rc rc;

	begin(d);
	if ((rc = record_show(&d->c, &id, &view, &d->err)) == RC_OK) {
		va_start(ap, reason);
		rc = read_pairs(d, view.form, ap, &a);
		va_end(ap);
		record_view_reset(&view);
	}
	if (rc == RC_OK)
		rc = record_edit(&d->c, &id, a, seen, reason, &d->dot, &d->err);
	answers_free(a);
	return end(d, rc);
}

enum rc
record_desk_resolve(struct record_desk *d, struct dot id, const char *field, const char *pick,
    const char *value, const char *seen)
{
	begin(d);
	return end(d, record_resolve(&d->c, &id, field, pick, value, seen, NULL, &d->dot, &d->err));
}

enum rc
record_desk_delete(struct record_desk *d, struct dot id, const char *seen)
{
	begin(d);
	return end(d, record_delete(&d->c, &id, seen, "nhập nhầm", &d->dot, &d->err));
}

enum rc
record_desk_restore(struct record_desk *d, struct dot id)
{
	begin(d);
	return end(d, record_restore(&d->c, &id, NULL, NULL, &d->dot, &d->err));
}

enum rc
record_desk_void(struct record_desk *d, struct dot id, const char *field, struct address at,
    const char *reason)
{
	begin(d);
	return end(d, record_void(&d->c, &id, field, &at, reason, &d->dot, &d->err));
}

static void
learn(struct record_desk *from, struct record_desk *to)
{
	record_fixture_run(to->db, "BEGIN");
	record_fixture_carry_all(from->db, to->db, to->fold);
	record_fixture_run(to->db, "COMMIT");
}

void
record_desk_sync(struct record_desk *a, struct record_desk *b)
{
	learn(a, b);
	learn(b, a);
}

char *
record_desk_field(struct record_desk *d, struct dot id, const char *field)
{
	const struct record_field *f;
	struct record_view view;
	char *out = calloc(1, 4096);

	if (out == NULL)
		abort();
	must(record_show(&d->c, &id, &view, &d->err), "record_show");
	if ((f = record_view_field(&view, field)) != NULL) {
		for (size_t i = 0; i < f->n_values; i++) {
			strcat(out, i > 0 ? " | " : "");
			strcat(out, f->values[i].text);
			strcat(out, f->values[i].voided ? "!" : "");
		}
		strcat(out, f->standing == REGISTER_CONFLICT ? " conflict" :
		    f->standing == REGISTER_SETTLED ? " settled" : "");
	}
	record_view_reset(&view);
	return out;
}

char *
record_desk_seen(struct record_desk *d, struct dot id)
{
	struct record_view view;
	char *seen;

	must(record_show(&d->c, &id, &view, &d->err), "record_show");
	seen = view.seen;
	view.seen = NULL;
	record_view_reset(&view);
	return seen;
}
