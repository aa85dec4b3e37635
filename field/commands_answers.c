#include "field/commands_answers.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/workspace.h"
#include "shared/forms/answer_value.h"
#include "shared/forms/answers.h"
#include "shared/sync/replica.h"

enum { FIELD_NAME_MAX = 64 };

struct reading {
	struct call *c;
	const struct form *form;
	struct answers *answers;
	struct commands_answers_refused *refused;	/* NULL: the first one ends it */
};

/* One value; "" clears. */
static enum rc
add(struct reading *r, const char *name, const char *value)
{
	const struct form_field *field;
	struct error err;
	enum rc rc;

	error_clear(&err);
	rc = *value == '\0' ? answers_clear(r->answers, name, &err) :
	    answers_add(r->answers, name, value, &err);
	field = rc == RC_INVALID ? form_field_named(r->form, name) : NULL;
	if (field != NULL)
		answer_value_advise(field, r->c->lang, &err);
	if (field != NULL && r->refused != NULL) {
		struct error *of = &r->refused->of[field - r->form->fields];

		if (of->code == RC_OK)
			*of = err;
		return RC_OK;
	}
	return rc == RC_OK ? RC_OK : error_set(&r->c->err, rc, err.where, err.help, "%s", err.what);
}

static enum rc
add_pair(struct reading *r, const char *pair)
{
	const char *equals = strchr(pair, '=');
	char name[FIELD_NAME_MAX];

	if (equals == NULL || equals == pair || (size_t)(equals - pair) >= sizeof(name))
		return error_set(&r->c->err, RC_USAGE, "", "write name=value",
		    "an answer has the form name=value");
	memcpy(name, pair, (size_t)(equals - pair));
	name[equals - pair] = '\0';
	return add(r, name, equals + 1);
}

static enum rc
add_json_value(struct reading *r, const char *name, const json_t *v)
{
	char number[40];

	if (json_is_null(v))
		return add(r, name, "");
	if (json_is_string(v))
		return add(r, name, json_string_value(v));
	if (json_is_integer(v))
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		snprintf(number, sizeof(number), "%.15g", json_real_value(v));
	else
		return error_set(&r->c->err, RC_FORMAT, name, "use text, numbers or lists of them",
		    "an answer is neither text nor a number");
	return add(r, name, number);
}

static enum rc
add_json(struct reading *r, const char *path)
{
	const struct bytes *file = call_input(r->c, path);
	const char *name;
	json_error_t je;
	json_t *root, *v, *item;
	size_t i;
	enum rc rc = RC_OK;

	root = file == NULL ? NULL : json_loadb((const char *)file->data, file->len,
	    JSON_REJECT_DUPLICATES, &je);
	if (!json_is_object(root)) {
		json_decref(root);
		return error_set(&r->c->err, RC_FORMAT, path, "write {\"name\": value, ...}",
		    "the answers are no JSON object");
	}
	json_object_foreach(root, name, v) {
		if (!json_is_array(v))
			rc = add_json_value(r, name, v);
		else if (json_array_size(v) == 0)
			rc = add(r, name, "");
		else
			json_array_foreach(v, i, item)
				if (rc == RC_OK)
					rc = add_json_value(r, name, item);
		if (rc != RC_OK)
			break;
	}
	json_decref(root);
	return rc;
}

enum rc
commands_answers_read(struct call *c, const struct form *form, size_t first,
    struct commands_answers_refused *refused, struct answers **out)
{
	struct reading r = { .c = c, .form = form, .refused = refused };
	const char *path = call_option(c, "answers");
	enum rc rc = answers_new(form, replica_forms(c->ws->replica), out);

	if (rc != RC_OK)
		return rc;
	r.answers = *out;
	if (refused != NULL)
		memset(refused, 0, sizeof(*refused));
	if (path != NULL)
		rc = add_json(&r, path);
	for (size_t i = first; i < c->n_args && rc == RC_OK; i++)
		rc = add_pair(&r, c->args[i]);
	if (rc != RC_OK) {
		answers_free(*out);
		*out = NULL;
	}
	return rc;
}
