/* The units of the directory: to pick from, and how those at and below one's own stand. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/workspace.h"
#include "shared/base/clock.h"
#include "shared/records/conflict.h"
#include "shared/records/duplicate.h"
#include "shared/records/heard.h"
#include "shared/sync/replica.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"

enum { DAY_SECONDS = 86400, PAIRS_MAX = 10000, CONFLICTS_MAX = 10000 };

static bool
is_mine(const struct call *c, const char *unit)
{
	const char *own = replica_unit(c->ws->replica);

	return strcmp(unit, own) == 0 ||
	    directory_unit_within(replica_directory(c->ws->replica), unit, own);
}

/* ---- units ---- */

static json_t *
unit_json(const struct call *c, const struct unit *u)
{
	return json_pack("{s:s,s:s,s:s,s:o,s:s,s:b,s:b}", "code", u->code, "name", u->full_name, "short",
	    u->name, "parent", u->parent[0] != '\0' ? json_string(u->parent) : json_null(), "level", u->level,
	    "high_risk", u->high_risk, "own", strcmp(u->code, replica_unit(c->ws->replica)) == 0);
}

/* Those of today: what was merged or begins later is not to be picked. */
static bool
is_in_force(const struct unit *u, uint64_t today)
{
	return u->valid_from <= today && (u->valid_to == 0 || today < u->valid_to);
}

static uint64_t
today_of(const struct call *c)
{
	struct date d;

	date_at(clock_now(&c->ws->clock), &d);
	return (uint64_t)d.year << 9 | (uint64_t)d.month << 5 | (uint64_t)d.day;
}

enum rc
commands_units(struct call *c)
{
	const struct directory *dir = replica_directory(c->ws->replica);
	bool below = call_option(c, "below") != NULL;
	json_t *all = c->json ? json_array() : NULL;
	uint64_t today = today_of(c);

	for (size_t i = 0; i < directory_unit_count(dir); i++) {
		const struct unit *u = directory_unit_at(dir, i);

		if (!is_in_force(u, today) || (below && !is_mine(c, u->code)))
			continue;
		if (c->json)
			json_array_append_new(all, unit_json(c, u));
		else
			call_print(c, "%-8s %s", u->code, u->full_name);
	}
	return c->json ? call_print_json(c, all) : RC_OK;
}

/* ---- how they stand ---- */

struct aged { uint64_t open, week, month; int64_t oldest; };

struct standing {
	const struct unit *unit;
	struct aged conflicts, duplicates;
	uint64_t aside, records;
};

struct heard { const struct device *device; int64_t last; };

struct overview {
	struct call *c;
	struct record_context ctx;
	struct standing *units;		/* by code */
	size_t n_units;
	struct heard *devices;		/* by id */
	size_t n_devices;
	int64_t now, from, to;		/* to: the second after the last day; 0: no period */
};

static int
by_code(const void *key, const void *unit)
{
	return strcmp(key, ((const struct standing *)unit)->unit->code);
}

static struct standing *
standing_of(struct overview *o, const char *unit)
{
	return bsearch(unit, o->units, o->n_units, sizeof(*o->units), by_code);
}

static int
by_device(const void *key, const void *heard)
{
	return memcmp(key, ((const struct heard *)heard)->device->cert.device, ENTRY_DEVICE_BYTES);
}

static void
add_aged(const struct overview *o, struct aged *a, int64_t since)
{
	a->open++;
	a->week += since <= o->now - 7 * (int64_t)DAY_SECONDS ? 1 : 0;
	a->month += since <= o->now - 30 * (int64_t)DAY_SECONDS ? 1 : 0;
	if (a->oldest == 0 || since < a->oldest)
		a->oldest = since;
}

static enum rc
list_units(struct overview *o)
{
	const struct directory *dir = replica_directory(o->c->ws->replica);
	size_t n = directory_unit_count(dir), n_devices = directory_device_count(dir);

	o->units = calloc(n + 1, sizeof(*o->units));
	o->devices = calloc(n_devices + 1, sizeof(*o->devices));
	if (o->units == NULL || o->devices == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < n; i++)
		if (is_mine(o->c, directory_unit_at(dir, i)->code))
			o->units[o->n_units++].unit = directory_unit_at(dir, i);
	for (size_t i = 0; i < n_devices; i++) {
		const struct device *d = directory_device_at(dir, i);

		if (d->state != DEVICE_REFUSED && standing_of(o, d->unit) != NULL)
			o->devices[o->n_devices++].device = d;
	}
	return RC_OK;
}

static enum rc
note_heard(void *ctx, const uint8_t device[ENTRY_DEVICE_BYTES], int64_t saved_at)
{
	struct overview *o = ctx;
	struct heard *h = bsearch(device, o->devices, o->n_devices, sizeof(*o->devices), by_device);

	if (h != NULL && saved_at > h->last)
		h->last = saved_at;
	return RC_OK;
}

/* A conflict is as old as the last value that made it one. */
static enum rc
count_conflicts(struct overview *o)
{
	struct conflict_list list;
	enum rc rc = conflict_list(&o->ctx, 1U << CONFLICT_OPEN, CONFLICTS_MAX, &list, &o->c->err);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < list.n_items; i++) {
		const struct record_field *f = list.items[i].field;
		struct standing *s = standing_of(o, list.items[i].view->scope.unit);
		int64_t since = 0;

		for (size_t k = 0; f != NULL && k < f->n_values; k++)
			since = f->values[k].at > since ? f->values[k].at : since;
		if (s != NULL)
			add_aged(o, &s->conflicts, since);
	}
	conflict_list_reset(&list);
	return RC_OK;
}

/* A pair is as old as its later record, and stands with that record's unit. */
static enum rc
count_pair(struct overview *o, const struct duplicate_pair *p)
{
	struct sqlite3_stmt *q = NULL;
	struct standing *s;
	bool row;
	enum rc rc = query_open(o->ctx.db, &o->c->err, &q, "SELECT unit, created_at FROM record"
	    " WHERE id IN (?1, ?2) ORDER BY created_at DESC LIMIT 1", "ii", p->a, p->b);

	if (rc == RC_OK && (rc = query_next(q, &row, &o->c->err)) == RC_OK && row &&
	    (s = standing_of(o, query_column_text(q, 0))) != NULL)
		add_aged(o, &s->duplicates, query_column_int(q, 1));
	query_close(q);
	return rc;
}

static enum rc
count_duplicates(struct overview *o)
{
	struct duplicate_list list;
	enum rc rc = duplicate_find(&o->ctx, PAIRS_MAX, &list, &o->c->err);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; rc == RC_OK && i < list.n; i++)
		rc = count_pair(o, &list.pairs[i]);
	duplicate_list_reset(&list);
	return rc;
}

static enum rc
count_aside(struct overview *o)
{
	struct replica_aside *list = NULL;
	struct standing *s;
	size_t n = 0;
	enum rc rc = replica_aside(o->c->ws->replica, &list, &n, &o->c->err);

	for (size_t i = 0; i < n; i++)
		if ((s = standing_of(o, list[i].unit)) != NULL)
			s->aside += list[i].entries;
	free(list);
	return rc;
}

static enum rc
count_records(struct overview *o)
{
	struct sqlite3_stmt *q = NULL;
	struct standing *s;
	bool row;
	enum rc rc = query_open(o->ctx.db, &o->c->err, &q, "SELECT unit, count(*) FROM record"
	    " WHERE form <> '' AND alive = 1 AND created_at >= ?1 AND created_at < ?2 GROUP BY unit", "ii",
	    o->from, o->to);

	while (rc == RC_OK && (rc = query_next(q, &row, &o->c->err)) == RC_OK && row)
		if ((s = standing_of(o, query_column_text(q, 0))) != NULL)
			s->records = (uint64_t)query_column_int(q, 1);
	query_close(q);
	return rc;
}

/* ---- told ---- */

static json_t *
when_json(int64_t at)
{
	char text[21];

	if (at == 0)
		return json_null();
	clock_iso(at, text);
	return json_string(text);
}

static json_t *
aged_json(const struct aged *a)
{
	return json_pack("{s:I,s:I,s:I,s:o}", "open", (json_int_t)a->open, "week", (json_int_t)a->week,
	    "month", (json_int_t)a->month, "oldest", when_json(a->oldest));
}

static json_t *
device_json(const struct overview *o, const struct heard *h)
{
	return json_pack("{s:s,s:s,s:b,s:o,s:o}", "name",
	    replica_name_of(o->c->ws->replica, h->device->cert.device), "role",
	    identity_role_name(h->device->role), "retired", h->device->state == DEVICE_RETIRED, "last",
	    when_json(h->last), "days", h->last == 0 ? json_null() :
	    json_integer((json_int_t)((o->now - h->last) / DAY_SECONDS)));
}

static json_t *
standing_json(const struct overview *o, const struct standing *s)
{
	json_t *one = unit_json(o->c, s->unit), *devices = json_array();
	int64_t last = 0;

	for (size_t i = 0; i < o->n_devices; i++) {
		const struct heard *h = &o->devices[i];

		if (strcmp(h->device->unit, s->unit->code) != 0)
			continue;
		last = h->last > last ? h->last : last;
		json_array_append_new(devices, device_json(o, h));
	}
	json_object_set_new(one, "last", when_json(last));
	json_object_set_new(one, "devices", devices);
	json_object_set_new(one, "conflicts", aged_json(&s->conflicts));
	json_object_set_new(one, "duplicates", aged_json(&s->duplicates));
	json_object_set_new(one, "aside", json_integer((json_int_t)s->aside));
	if (o->to != 0)
		json_object_set_new(one, "records", json_integer((json_int_t)s->records));
	return one;
}

static void
print_standing(const struct overview *o, const struct standing *s)
{
	call_print(o->c, call_say(o->c, "%-8s %s: cần xem lại %llu, có thể trùng %llu, giữ riêng %llu",
	    "%-8s %s: to review %llu, perhaps twice %llu, set aside %llu"), s->unit->code, s->unit->full_name,
	    (unsigned long long)s->conflicts.open, (unsigned long long)s->duplicates.open,
	    (unsigned long long)s->aside);
	for (size_t i = 0; i < o->n_devices; i++) {
		const struct heard *h = &o->devices[i];
		char when[17];

		if (strcmp(h->device->unit, s->unit->code) != 0 || h->device->state == DEVICE_RETIRED)
			continue;
		clock_vietnamese(h->last, when);
		call_print(o->c, "    %s  %s", h->last == 0 ? call_say(o->c, "chưa có gì     ",
		    "nothing yet     ") : when, replica_name_of(o->c->ws->replica, h->device->cert.device));
	}
}

/* Both or neither. */
static enum rc
read_period(struct overview *o)
{
	struct date from, to;
	enum rc rc;

	if (call_option(o->c, "from") == NULL && call_option(o->c, "to") == NULL)
		return RC_OK;
	if ((rc = commands_day_of(o->c, "from", &from)) != RC_OK ||
	    (rc = commands_day_of(o->c, "to", &to)) != RC_OK)
		return rc;
	o->from = date_to_days(&from) * DAY_SECONDS;
	o->to = (date_to_days(&to) + 1) * DAY_SECONDS;
	o->from -= clock_local_offset(o->from);
	o->to -= clock_local_offset(o->to);
	return RC_OK;
}

static enum rc
tell(struct overview *o)
{
	json_t *all = o->c->json ? json_array() : NULL;

	for (size_t i = 0; i < o->n_units; i++) {
		if (o->c->json)
			json_array_append_new(all, standing_json(o, &o->units[i]));
		else
			print_standing(o, &o->units[i]);
	}
	return o->c->json ? call_print_json(o->c, all) : RC_OK;
}

enum rc
commands_overview(struct call *c)
{
	struct overview o = { .c = c, .ctx = workspace_records(c->ws, c->lang),
		.now = clock_now(&c->ws->clock) };
	enum rc rc;

	if ((rc = read_period(&o)) == RC_OK && (rc = list_units(&o)) == RC_OK &&
	    (rc = heard_each(o.ctx.db, note_heard, &o, &c->err)) == RC_OK &&
	    (rc = count_conflicts(&o)) == RC_OK && (rc = count_duplicates(&o)) == RC_OK &&
	    (rc = count_aside(&o)) == RC_OK && (o.to == 0 || (rc = count_records(&o)) == RC_OK))
		rc = tell(&o);
	free(o.units);
	free(o.devices);
	return rc;
}
