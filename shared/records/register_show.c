#include <stdlib.h>
#include <string.h>

#include "shared/records/register.h"
#include "shared/records/register_parts.h"
#include "shared/records/value.h"

int64_t
register_created_at(const struct register_state *s)
{
	bool found;
	size_t i = register_parts_find_dot(s, &s->creator, &found);

	return found ? s->dots[i].saved_at : 0;
}

int64_t
register_latest_at(const struct register_state *s)
{
	int64_t latest = s->n_dots > 0 ? s->dots[0].saved_at : 0;

	for (size_t i = 1; i < s->n_dots; i++)
		if (s->dots[i].saved_at > latest)
			latest = s->dots[i].saved_at;
	return latest;
}

/* Alive ---------------------------------------------------------------- */

static bool
says_deleted(const struct register_value *v)
{
	/* integer 0 as zigzag */
	return v->len == 2 && v->bytes[0] == VALUE_INTEGER && v->bytes[1] == 0;
}

bool
register_unseen_by_delete(const struct register_state *s, const struct register_value *v)
{
	const struct register_field *alive = register_find(s, ENTRY_ALIVE);

	for (size_t i = 0; alive != NULL && i < alive->n_values; i++) {
		const struct register_value *d = &alive->values[i];

		for (size_t k = 0; says_deleted(d) && k < d->n_seen; k++) {
			struct dot root = register_parts_root(s, &d->seen[k]);

			if (dot_compare(&root, &v->root) == 0)
				return false;
		}
	}
	return true;
}

static bool
any_unseen(const struct register_state *s)
{
	for (size_t i = 0; i < s->n_fields; i++)
		for (size_t k = 0; s->fields[i].field != ENTRY_ALIVE &&
		    k < s->fields[i].n_values; k++)
			if (register_unseen_by_delete(s, &s->fields[i].values[k]))
				return true;
	return false;
}

struct register_alive
register_alive(const struct register_state *s)
{
	const struct register_field *f = register_find(s, ENTRY_ALIVE);
	struct register_alive out = { false, false };
	size_t deletes = 0;

	for (size_t i = 0; f != NULL && i < f->n_values; i++)
		deletes += says_deleted(&f->values[i]) ? 1 : 0;
	if (f == NULL || deletes == 0)
		return out;
	out.conflict = deletes < f->n_values || any_unseen(s);
	out.deleted = !out.conflict;
	return out;
}

/* Rules ---------------------------------------------------------------- */

struct register_rule
register_rule_of(const struct form *f, const struct form_field *field)
{
	struct register_rule rule = { .policy = field->policy, .list = field->list };
	const struct form_group *g;

	if (field->type == FORM_SELECT_MULTIPLE && field->policy != FORM_APPEND)
		rule.policy = FORM_UNION;
	if (field->group < 0)
		return rule;
	g = &f->groups[field->group];
	rule.policy = g->policy;
	rule.list = f->fields[g->fields[0]].list;
	rule.ranked = f->fields[g->fields[0]].number;
	return rule;
}

bool
register_value_equal(const struct register_value *a, const struct register_value *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

enum rc
register_value_get(const struct register_value *v, struct value *out,
    struct value_member *members)
{
	struct reader r;

	reader_init(&r, v->bytes, v->len);
	value_read(&r, out, members);
	return reader_done(&r) ? RC_OK : RC_DAMAGED;
}

static bool
is_protective(const char *code)
{
	return strcmp(code, "yes") == 0 || strcmp(code, "1") == 0 || strcmp(code, "true") == 0;
}

static bool
has_protective(const struct form_list *l)
{
	for (size_t i = 0; i < l->n_choices; i++)
		if (is_protective(l->choices[i].code))
			return true;
	return false;
}

static int64_t
rank_text(const struct register_rule *rule, const struct value *v)
{
	char code[ENTRY_CODE_MAX + 1];
	double number;

	if (v->text_len > ENTRY_CODE_MAX)
		return 0;
	memcpy(code, v->text, v->text_len);
	code[v->text_len] = '\0';
	if (v->type == VALUE_DECIMAL) {
		number = strtod(code, NULL) * 1e6;
		if (number > 9e18)
			return INT64_MAX;
		return number < -9e18 ? INT64_MIN + 1 : (int64_t)number;
	}
	if (rule->policy == FORM_DENY_WINS && is_protective(code))
		return INT64_MAX;
	if (rule->list == NULL)
		return 0;
	/* where one of the codes protects, the others do not, whatever their order */
	if (rule->policy == FORM_DENY_WINS && has_protective(rule->list))
		return 0;
	return form_choice_rank(rule->list, code);
}

int64_t
register_rank(const struct register_rule *rule, const struct register_value *v)
{
	struct value_member members[ENTRY_GROUP_MAX];
	struct value whole;
	const struct value *value = &whole;

	if (register_value_get(v, &whole, members) != RC_OK)
		return INT64_MIN;
	for (size_t i = 0; i < whole.n_members; i++)
		if (whole.members[i].field == rule->ranked)
			value = &whole.members[i].value;
	switch (value->type) {
	case VALUE_INTEGER:
		if (rule->policy == FORM_DENY_WINS)
			return value->integer != 0 ? INT64_MAX : 0;
		return value->integer > INT64_MIN ? value->integer : INT64_MIN + 1;
	case VALUE_DATE:
		return value->integer;
	case VALUE_TEXT:
	case VALUE_CODE:
	case VALUE_DECIMAL:
		return rank_text(rule, value);
	case VALUE_NOTHING:
	case VALUE_REFERENCE:
	case VALUE_GROUP:
		break;
	}
	return INT64_MIN;
}

/* Showing -------------------------------------------------------------- */

struct ranked {
	int64_t rank;
	const struct register_value *v;
};

static int
by_time(const struct ranked *a, const struct ranked *b)
{
	if (a->v->saved_at != b->v->saved_at)
		return a->v->saved_at < b->v->saved_at ? -1 : 1;
	return address_compare(&a->v->address, &b->v->address);
}

static int
oldest_first(const void *a, const void *b)
{
	return by_time(a, b);
}

static int
latest_first(const void *a, const void *b)
{
	return by_time(b, a);
}

static int
lowest_first(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return by_time(x, y);
}

static int
highest_first(const void *a, const void *b)
{
	return lowest_first(b, a);
}

static void
sort(struct ranked *all, size_t n, const struct register_rule *rule)
{
	int (*order)(const void *, const void *) = latest_first;

	switch (rule->policy) {
	case FORM_REVIEW:
	case FORM_LATEST:
		break;
	case FORM_UNION:
		order = lowest_first;
		break;
	case FORM_APPEND:
		order = oldest_first;
		break;
	case FORM_HIGHEST:
	case FORM_DENY_WINS:
		order = highest_first;
		break;
	}
	if (n > 1)
		qsort(all, n, sizeof(*all), order);
}

static size_t
count_distinct(const struct register_value *const *all, size_t n)
{
	size_t distinct = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < i && !register_value_equal(all[k], all[i]))
			k++;
		distinct += k == i ? 1 : 0;
	}
	return distinct;
}

static enum register_standing
standing_of(enum form_policy policy, size_t distinct)
{
	if (distinct <= 1)
		return REGISTER_OK;
	switch (policy) {
	case FORM_REVIEW:
	case FORM_HIGHEST:
		return REGISTER_CONFLICT;
	case FORM_DENY_WINS:
	case FORM_LATEST:
		return REGISTER_SETTLED;
	case FORM_UNION:
	case FORM_APPEND:
		break;
	}
	return REGISTER_OK;
}

enum rc
register_show(const struct register_field *f, const struct register_rule *rule,
    struct register_show *out)
{
	bool ranks = rule->policy == FORM_HIGHEST || rule->policy == FORM_DENY_WINS ||
	    (rule->policy == FORM_UNION && rule->list != NULL);
	struct ranked *all;

	memset(out, 0, sizeof(*out));
	if (f == NULL || f->n_values == 0)
		return RC_OK;
	if ((all = malloc(f->n_values * sizeof(*all))) == NULL)
		return RC_NOMEM;
	if ((out->all = malloc(f->n_values * sizeof(*out->all))) == NULL) {
		free(all);
		return RC_NOMEM;
	}
	for (size_t i = 0; i < f->n_values; i++) {
		all[i].v = &f->values[i];
		all[i].rank = ranks && f->n_values > 1 ? register_rank(rule, all[i].v) : 0;
	}
	sort(all, f->n_values, rule);
	for (size_t i = 0; i < f->n_values; i++)
		out->all[i] = all[i].v;
	free(all);
	out->n_all = f->n_values;
	if (rule->policy == FORM_APPEND) {
		out->n_distinct = out->n_all;
		return RC_OK;
	}
	out->n_distinct = count_distinct(out->all, out->n_all);
	out->standing = standing_of(rule->policy, out->n_distinct);
	if (rule->policy != FORM_UNION)
		out->shown = out->all[0];
	return RC_OK;
}

void
register_show_reset(struct register_show *v)
{
	free(v->all);
	memset(v, 0, sizeof(*v));
}
