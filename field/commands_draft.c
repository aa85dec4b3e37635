/* Answers that are being typed. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/commands_discreet.h"
#include "field/workspace.h"
#include "shared/base/clock.h"
#include "shared/records/draft.h"
#include "shared/records/record.h"
#include "shared/sync/replica.h"
#include "shared/vault/vault.h"

enum { DRAFT_ID_DIGITS_MAX = 18 };

static enum rc
draft_id(struct call *c, const char *text, int64_t *out)
{
	size_t len = strlen(text);

	*out = 0;
	if (len > 0 && len <= DRAFT_ID_DIGITS_MAX && strspn(text, "0123456789") == len)
		*out = strtoll(text, NULL, 10);
	return *out > 0 ? RC_OK : error_set(&c->err, RC_USAGE, "draft", "take it from field drafts",
	    "this is no draft's number");
}

/* ---- saving ---- */

static enum rc
read_order(struct call *c, struct draft *d, const struct bytes **answers)
{
	const char *path = call_option(c, "answers"), *of = call_option(c, "of");
	const struct form *form;
	json_error_t je;
	json_t *root;
	enum rc rc;

	memset(d, 0, sizeof(*d));
	*answers = path == NULL ? NULL : call_input(c, path);
	if (*answers == NULL)
		return error_set(&c->err, RC_USAGE, "--answers", "give --answers FILE.json",
		    "a draft needs its answers");
	if (c->n_args > 1 && (rc = draft_id(c, c->args[0], &d->id)) != RC_OK)
		return rc;
	if ((rc = commands_form_named(c, c->args[c->n_args - 1], &form)) != RC_OK ||
	    (of != NULL && (rc = commands_record_id(c, of, &d->of)) != RC_OK))
		return rc;
	memcpy(d->form, form->name, strlen(form->name) + 1);
	d->saved_at = clock_now(&c->ws->clock);
	if ((*answers)->len > DRAFT_BYTES_MAX)	/* draft_save says so */
		return RC_OK;
	root = json_loadb((const char *)(*answers)->data, (*answers)->len, JSON_REJECT_DUPLICATES, &je);
	json_decref(root);
	return root != NULL ? RC_OK : error_set(&c->err, RC_FORMAT, path, NULL,
	    "the answers are no JSON");
}

/* A draft that is saved without --of stays of its record. */
static enum rc
save(struct call *c, struct sqlite3 *db, struct draft *d, const struct bytes *answers)
{
	struct draft old;
	enum rc rc = RC_OK;

	if (d->id != 0 && d->of.log == 0) {
		if ((rc = draft_get(db, d->id, &old, NULL, &c->err)) != RC_OK)
			return rc;
		d->of = old.of;
	}
	return draft_save(db, d, answers->data, answers->len, &c->err);
}

enum rc
commands_draft_save(struct call *c)
{
	struct sqlite3 *db = vault_db(c->ws->vault);
	const struct bytes *answers;
	struct draft d;
	int64_t before;
	char at[21];
	enum rc rc;

	if ((rc = read_order(c, &d, &answers)) != RC_OK ||
	    (rc = workspace_begin_aside(c->ws, &before, &c->err)) != RC_OK)
		return rc;
	rc = save(c, db, &d, answers);
	if ((rc = workspace_end_aside(c->ws, before, rc, &c->err)) != RC_OK)
		return rc;
	clock_iso(d.saved_at, at);
	if (c->json)
		return call_print_json(c, json_pack("{s:I,s:s}", "id", (json_int_t)d.id, "saved_at", at));
	call_print(c, "%lld", (long long)d.id);
	return RC_OK;
}

enum rc
commands_draft_done(struct call *c, const struct form *form, const struct dot *record)
{
	const char *text = call_option(c, "draft");
	struct sqlite3 *db = vault_db(c->ws->vault);
	struct draft d;
	int64_t id;
	enum rc rc;

	if (text == NULL)
		return RC_OK;
	if ((rc = draft_id(c, text, &id)) != RC_OK ||
	    (rc = draft_get(db, id, &d, NULL, &c->err)) != RC_OK)
		return rc;
	if (strcmp(d.form, form->name) != 0 || (record == NULL ? d.of.log != 0 :
	    dot_compare(&d.of, record) != 0))
		return error_set(&c->err, RC_INVALID, "--draft", "see field drafts",
		    "the draft is of another record");
	return draft_drop(db, id, &c->err);
}

/* ---- looking ---- */

static const char *
answer_text(const json_t *answers, const char *field)
{
	const json_t *inside = json_object_get(answers, "answers");

	return field == NULL ? NULL : json_string_value(json_object_get(json_is_object(inside) ?
	    inside : answers, field));
}

/* What tells it from others: its headline, initials, or the code of its record; a name never. */
static enum rc
discreet_line(struct call *c, const struct draft *d, struct bytes *out)
{
	const struct form *form = form_set_find(replica_forms(c->ws->replica), d->form);
	const char *const told[] = { form == NULL ? NULL : form->instance_name, "full_name" };
	struct bytes text;
	char code[COMMANDS_CODE_MAX];
	struct draft read;
	json_error_t je;
	json_t *answers;
	enum rc rc;

	bytes_init(&text);
	rc = draft_get(vault_db(c->ws->vault), d->id, &read, &text, &c->err);
	answers = rc == RC_OK ? json_loadb((const char *)text.data, text.len, 0, &je) : NULL;
	for (size_t i = 0; form != NULL && i < 2; i++) {
		const struct form_field *f = told[i] == NULL ? NULL : form_field_named(form, told[i]);
		const char *value = f == NULL || (i > 0 && told[0] != NULL && strcmp(told[0], told[i]) == 0) ?
		    NULL : answer_text(answers, told[i]);

		if (value == NULL || *value == '\0')
			continue;
		bytes_text(out, out->len > 0 ? " " : "");
		if (rc == RC_OK)
			rc = commands_discreet_value(f, commands_label(c, f, value), out);
	}
	if (out->len == 0 && d->of.log != 0)
		bytes_text(out, commands_discreet_code(&d->of, code));
	json_decref(answers);
	bytes_wipe(&text);
	return rc == RC_OK ? out->rc : rc;
}

static enum rc
put_draft(struct call *c, const struct draft *d, json_t *all)
{
	const struct form *form = form_set_find(replica_forms(c->ws->replica), d->form);
	char of[DOT_TEXT_MAX], at[21], when[17];
	struct bytes line;
	enum rc rc;

	bytes_init(&line);
	dot_text(&d->of, of);
	clock_iso(d->saved_at, at);
	clock_vietnamese(d->saved_at, when);
	if ((rc = discreet_line(c, d, &line)) == RC_OK && c->json)
		json_array_append_new(all, json_pack("{s:I,s:s,s:s,s:o,s:s,s:s}", "id", (json_int_t)d->id,
		    "form", d->form, "title", form != NULL ? form->title[c->lang] : d->form, "of",
		    d->of.log != 0 ? json_string(of) : json_null(), "saved_at", at, "line",
		    bytes_cstr(&line)));
	else if (rc == RC_OK)
		call_print(c, "%-6lld %s  %s  %s", (long long)d->id, when,
		    form != NULL ? form->title[c->lang] : d->form, bytes_cstr(&line));
	bytes_wipe(&line);
	return rc;
}

enum rc
commands_drafts(struct call *c)
{
	json_t *all = c->json ? json_array() : NULL;
	struct draft *list;
	size_t n;
	enum rc rc = draft_list(vault_db(c->ws->vault), &list, &n, &c->err);

	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = put_draft(c, &list[i], all);
	free(list);
	if (rc == RC_OK && c->json)
		return call_print_json(c, all);
	json_decref(all);
	return rc;
}

enum rc
commands_draft_show(struct call *c)
{
	struct bytes text;
	struct draft d;
	int64_t id;
	char of[DOT_TEXT_MAX], at[21];
	json_error_t je;
	enum rc rc;

	bytes_init(&text);
	if ((rc = draft_id(c, c->args[0], &id)) != RC_OK ||
	    (rc = draft_get(vault_db(c->ws->vault), id, &d, &text, &c->err)) != RC_OK)
		goto out;
	dot_text(&d.of, of);
	clock_iso(d.saved_at, at);
	if (c->json)
		rc = call_print_json(c, json_pack("{s:I,s:s,s:o,s:s,s:o}", "id", (json_int_t)id, "form",
		    d.form, "of", d.of.log != 0 ? json_string(of) : json_null(), "saved_at", at, "answers",
		    json_loadb((const char *)text.data, text.len, 0, &je)));
	else
		call_print(c, "%s", bytes_cstr(&text));
out:
	bytes_wipe(&text);
	return rc;
}

enum rc
commands_draft_drop(struct call *c)
{
	int64_t id, before;
	enum rc rc;

	if ((rc = draft_id(c, c->args[0], &id)) != RC_OK ||
	    (rc = workspace_begin_aside(c->ws, &before, &c->err)) != RC_OK)
		return rc;
	rc = draft_drop(vault_db(c->ws->vault), id, &c->err);
	return workspace_end_aside(c->ws, before, rc, &c->err);
}
