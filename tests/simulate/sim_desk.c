/* What people do with records on a laptop, each time told to the model as well. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/forms/answers.h"
#include "shared/records/fold.h"
#include "shared/sync/replica.h"
#include "shared/vault/query.h"
#include "tests/crash/crash_disk.h"
#include "tests/simulate/sim_device.h"
#include "tests/simulate/sim_province.h"

enum { FIELDS = 10, CLOSING = 7 };	/* of a form at most; the two after the latter close a case */

static const char *const RISKS[] = { "LOW", "MEDIUM", "HIGH" };

static void
some_value(struct sim_world *w, const struct sim_field *f, char out[SIM_TEXT_MAX])
{
	/* few different ones, so that equal values are written by several */
	unsigned n = sim_pick(w, 3) == 0 ? sim_pick(w, 4) : sim_pick(w, 100000);

	if (f->kind == 'h')
		snprintf(out, SIM_TEXT_MAX, "%s", RISKS[n % 3]);
	else if (f->kind == 'c')
		snprintf(out, SIM_TEXT_MAX, "20%02u-0%u-01", n % 20, 1 + n % 9);
	else if (f->kind == 'd')
		snprintf(out, SIM_TEXT_MAX, "%s", n % 2 == 0 ? "yes" : "no");
	else
		snprintf(out, SIM_TEXT_MAX, "%s%u", SIM_MARKER, n);
}

/* Items that people see now, to keep some of them. */
static void
want(struct sim_world *w, const struct sim_field *f, const struct sim_seen *seen,
    struct sim_wanted *out)
{
	unsigned n = f->kind == 'u' || f->kind == 'a' ? 1 + sim_pick(w, 3) : 1;

	memset(out, 0, sizeof *out);
	out->field = f;
	if (f->kind != 'a' && sim_pick(w, 12) == 0)
		return;		/* cleared */
	for (size_t i = 0; f->kind == 'u' && i < seen->n && out->n_items < 2; i++) {
		const struct sim_entry *e = &w->model.all[seen->entries[i]];

		for (size_t u = 0; u < e->n_units && out->n_items < 2; u++) {
			if (e->units[u].field == f->number && sim_pick(w, 2) == 0)
				memcpy(out->items[out->n_items++], e->units[u].text, SIM_TEXT_MAX);
		}
	}
	for (unsigned i = 0; i < n; i++)
		some_value(w, f, out->items[out->n_items++]);
	for (size_t i = 0; i < out->n_items; i++) {
		for (size_t k = i + 1; k < out->n_items; k++) {
			if (strcmp(out->items[i], out->items[k]) == 0)
				memcpy(out->items[k--], out->items[--out->n_items], SIM_TEXT_MAX);
		}
	}
}

static enum rc
give(struct answers *a, const struct sim_wanted *want, struct error *err)
{
	enum rc rc = RC_OK;

	if (want->n_items == 0)
		return answers_clear(a, want->field->name, err);
	for (size_t i = 0; rc == RC_OK && i < want->n_items; i++)
		rc = answers_add(a, want->field->name, want->items[i], err);
	return rc;
}

enum rc
sim_device_commit(struct sim_device *d, enum rc rc, struct error *err)
{
	if (rc == RC_OK)
		rc = fold_flush(replica_fold(d->replica), err);
	rc = query_end(sim_device_db(d), rc, err);
	if (rc != RC_OK)
		fold_discard(replica_fold(d->replica));
	return rc;
}

static void
note_log(struct sim_device *d, uint64_t log)
{
	for (size_t i = 0; i < d->n_logs; i++) {
		if (d->logs[i] == log)
			return;
	}
	if (d->n_logs < SIM_LOGS_MAX)
		d->logs[d->n_logs++] = log;
}

/* What became of a save: told to its author, or perhaps there, or refused. */
static void
conclude(struct sim_world *w, struct sim_device *d, struct sim_entry *e, struct dot dot,
    enum rc rc, const struct error *err)
{
	bool empty = e->n_units == 0 && e->n_gone == 0 && e->n_voided == 0;

	sim_trace(w, "device %d saves %s %llx.%llu: %s", d->number, e->form,
	    (unsigned long long)dot.log, (unsigned long long)dot.n, rc_name(rc));
	if (rc == RC_OK && dot.log != 0 && !empty) {
		e->dot = dot;
		e->acknowledged = true;
		e->head = sim_device_head(d, &dot);
		note_log(d, dot.log);
		/* what failed before it lay where this one lies now */
		sim_entry_reset(&w->model.attempts[d->number]);
		sim_model_add(&w->model, e);
		w->saves++;
		return;
	}
	if (rc == RC_OK && (dot.log != 0) == empty) {
		sim_fail(w, "device %d: a save wrote %s", d->number, empty ? "what was there already" :
		    "nothing");
	} else if (crash_disk_is_off(d->disk) || sim_device_is_full(d, rc)) {
		/* the commit may have reached the disk whole before it failed */
		sim_entry_reset(&w->model.attempts[d->number]);
		w->model.attempts[d->number] = *e;
		return;
	} else if (rc == RC_IO || rc == RC_INTERNAL || rc == RC_DAMAGED || rc == RC_USAGE ||
	    rc == RC_FORMAT || rc == RC_CONFLICT || (rc == RC_FULL && !sim_device_is_full(d, rc))) {
		sim_fail(w, "device %d cannot save: %s: %s", d->number, rc_name(rc), err->what);
	}
	sim_entry_reset(e);
}

static void
scope_of_record(struct sim_world *w, const struct dot *record, struct sim_entry *e)
{
	for (size_t i = 0; i < w->model.n; i++) {
		const struct sim_entry *k = &w->model.all[i];

		if (k->record.log == record->log && k->record.n == record->n) {
			memcpy(e->unit, k->unit, sizeof e->unit);
			e->compartment = k->compartment;
			return;
		}
	}
}

void
sim_device_create(struct sim_world *w, struct sim_device *d)
{
	static const struct sim_seen nothing = { NULL, 0 };
	struct record_context c = sim_device_records(d);
	struct sim_entry e = { .device = d->number };
	struct answers *a = NULL;
	struct error err = { 0 };
	struct dot id = { 0, 0 };
	const struct form *form;
	bool closes;
	enum rc rc;

	if (replica_role(d->replica) == ROLE_HOLDER)
		return;
	snprintf(e.form, sizeof e.form, "%s", replica_role(d->replica) == ROLE_ANALYST ? "summary" :
	    sim_pick(w, 2) == 0 ? "visit" : "case");
	if ((form = form_set_find(c.forms, e.form)) == NULL)
		return;
	snprintf(e.unit, sizeof e.unit, "%s", replica_unit(d->replica));
	e.compartment = (unsigned)form->compartment;
	closes = w->on[SIM_PURGE] && strcmp(e.form, "case") == 0 && sim_pick(w, 2) == 0;
	sim_must(answers_new(form, c.forms, &a) == RC_OK, "answers");
	for (unsigned i = 0; i < 3; i++) {
		const struct sim_field *f = sim_field_at(e.form, i == 0 ? 0 : closes ? CLOSING + i :
		    sim_pick(w, FIELDS));
		struct sim_wanted wanted;

		if (f == NULL || form_field_named(form, f->name) == NULL ||
		    answers_find(a, f->name) != NULL)
			continue;
		do
			want(w, f, &nothing, &wanted);
		while (wanted.n_items == 0);
		sim_must(give(a, &wanted, &err) == RC_OK, err.what);
		sim_model_write(&w->model, &e, &wanted, &nothing, NULL, 0);
	}
	sim_device_endanger(w, d);
	if ((rc = query_begin(c.db, &err)) == RC_OK)
		rc = sim_device_commit(d, record_create(&c, NULL, a, &id, &err), &err);
	answers_free(a);
	e.record = id;
	conclude(w, d, &e, id, rc, &err);
	sim_device_after(w, d);
}

void
sim_device_forget_forms(struct sim_device *d)
{
	for (size_t i = 0; i < SIM_OPENED_MAX; i++) {
		free(d->opened[i].token);
		sim_seen_reset(&d->opened[i].seen);
		memset(&d->opened[i], 0, sizeof d->opened[i]);
	}
}

static bool
open_record(struct sim_world *w, struct sim_device *d, struct dot id, struct sim_opened *o)
{
	struct record_context c = sim_device_records(d);
	struct record_view view;
	struct error err = { 0 };
	size_t n;
	int *known;

	if (record_show(&c, &id, &view, &err) != RC_OK) {
		sim_fail(w, "device %d cannot show a record that it lists: %s", d->number, err.what);
		return false;
	}
	free(o->token);
	sim_seen_reset(&o->seen);
	o->record = id;
	sim_must((o->token = strdup(view.seen)) != NULL, "memory");
	record_view_reset(&view);
	known = sim_device_known(w, d, &id, &n);
	sim_model_see(&w->model, known, n, &o->seen);
	free(known);
	return true;
}

void
sim_device_open_form(struct sim_world *w, struct sim_device *d)
{
	struct sim_opened *o = &d->opened[sim_pick(w, SIM_OPENED_MAX)];
	char form[16];
	struct dot id = sim_device_some_record(w, d, form);

	if (id.log == 0 || !open_record(w, d, id, o))
		return;
	sim_trace(w, "device %d opens %s %llx.%llu", d->number, form, (unsigned long long)id.log,
	    (unsigned long long)id.n);
}

static enum rc
edit(struct sim_world *w, struct sim_device *d, struct sim_opened *o, struct sim_entry *e,
    struct dot *dot, struct error *err)
{
	struct record_context c = sim_device_records(d);
	const struct form *form = form_set_find(c.forms, e->form);
	struct answers *a = NULL;
	size_t n;
	int *known = sim_device_known(w, d, &o->record, &n);
	bool closes = w->on[SIM_PURGE] && strcmp(e->form, "case") == 0 && sim_pick(w, 2) == 0;
	enum rc rc = RC_OK;

	sim_must(answers_new(form, c.forms, &a) == RC_OK, "answers");
	for (unsigned i = closes ? 2 : 1 + sim_pick(w, 2); i > 0; i--) {
		const struct sim_field *f = sim_field_at(e->form, closes ? CLOSING + i : sim_pick(w, FIELDS));
		struct sim_wanted wanted;

		if (f == NULL || form_field_named(form, f->name) == NULL ||
		    answers_find(a, f->name) != NULL)
			continue;
		want(w, f, &o->seen, &wanted);
		sim_must(give(a, &wanted, err) == RC_OK, err->what);
		sim_model_write(&w->model, e, &wanted, &o->seen, known, n);
	}
	free(known);
	sim_device_endanger(w, d);
	if ((rc = query_begin(c.db, err)) == RC_OK)
		rc = sim_device_commit(d, record_edit(&c, &o->record, a, o->token, "kiểm tra", dot, err), err);
	answers_free(a);
	return rc;
}

/* What was opened a while ago, or just now. */
void
sim_device_save_form(struct sim_world *w, struct sim_device *d)
{
	struct sim_opened *o = &d->opened[sim_pick(w, SIM_OPENED_MAX)];
	struct sim_entry e = { .device = d->number };
	struct dot dot = { 0, 0 };
	struct error err = { 0 };
	int64_t here = 0;
	enum rc rc;

	if (o->token == NULL) {
		struct dot id = sim_device_some_record(w, d, e.form);

		if (id.log == 0 || !open_record(w, d, id, o))
			return;
	}
	for (size_t i = 0; i < w->model.n; i++) {
		if (w->model.all[i].record.log == o->record.log &&
		    w->model.all[i].record.n == o->record.n)
			memcpy(e.form, w->model.all[i].form, sizeof e.form);
	}
	e.record = o->record;
	scope_of_record(w, &o->record, &e);
	/* a role that changed meanwhile takes the record away */
	if (query_int(sim_device_db(d), NULL, &here, "SELECT count(*) FROM record WHERE log = ?1"
	    " AND n = ?2 AND form <> ''", "ii", (int64_t)o->record.log, (int64_t)o->record.n) !=
	    RC_OK || here == 0)
		return;
	rc = edit(w, d, o, &e, &dot, &err);
	conclude(w, d, &e, dot, rc, &err);
	free(o->token);
	o->token = NULL;
	sim_device_after(w, d);
}

void
sim_device_delete(struct sim_world *w, struct sim_device *d)
{
	struct record_context c = sim_device_records(d);
	struct sim_entry e = { .device = d->number };
	struct sim_opened o = { .token = NULL };
	struct dot dot = { 0, 0 };
	struct error err = { 0 };
	enum rc rc;

	o.record = sim_device_some_record(w, d, e.form);
	if (o.record.log == 0 || !open_record(w, d, o.record, &o))
		return;
	e.record = o.record;
	scope_of_record(w, &o.record, &e);
	sim_model_delete(&w->model, &e, &o.seen);
	sim_device_endanger(w, d);
	if ((rc = query_begin(c.db, &err)) == RC_OK)
		rc = sim_device_commit(d, record_delete(&c, &o.record, o.token, "nhập nhầm", &dot, &err), &err);
	free(o.token);
	sim_seen_reset(&o.seen);
	conclude(w, d, &e, dot, rc, &err);
	sim_device_after(w, d);
}

/* Strike one live item of the notes through. */
void
sim_device_void(struct sim_world *w, struct sim_device *d)
{
	struct record_context c = sim_device_records(d);
	struct sim_entry e = { .device = d->number };
	const struct record_field *f;
	struct record_view view;
	struct dot id = sim_device_some_record(w, d, e.form), dot = { 0, 0 };
	struct error err = { 0 };
	size_t i;
	enum rc rc;

	if (id.log == 0 || strcmp(e.form, "summary") == 0 || record_show(&c, &id, &view, &err) != RC_OK)
		return;
	f = record_view_field(&view, "notes");
	i = f == NULL ? 0 : sim_pick(w, (unsigned)f->n_values);
	if (f != NULL && !f->values[i].voided) {
		int at = sim_model_find(&w->model, &f->values[i].address.dot,
		    sim_device_head(d, &f->values[i].address.dot));
		struct sim_ref *v = malloc(sizeof *v);

		sim_must(v != NULL && at >= 0, "a value that was saved");
		e.record = id;
		scope_of_record(w, &id, &e);
		for (size_t u = 0; u < w->model.all[at].n_units; u++) {
			if (w->model.all[at].units[u].field == f->number &&
			    strcmp(w->model.all[at].units[u].text, f->values[i].text) == 0)
				*v = (struct sim_ref){ at, (int)u };
		}
		e.voided = v;
		e.n_voided = 1;
		sim_device_endanger(w, d);
		if ((rc = query_begin(c.db, &err)) == RC_OK)
			rc = sim_device_commit(d, record_void(&c, &id, "notes", &f->values[i].address, "ghi nhầm", &dot,
			    &err), &err);
		conclude(w, d, &e, dot, rc, &err);
	}
	record_view_reset(&view);
	sim_device_after(w, d);
}
