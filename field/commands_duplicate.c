#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/commands_view.h"
#include "field/workspace.h"
#include "shared/records/duplicate.h"
#include "shared/records/duplicate_link.h"
#include "shared/records/duplicate_score.h"
#include "shared/records/record.h"
#include "shared/sync/replica.h"

enum { DUPLICATES_DEFAULT = 100 };

/* Showing pairs -------------------------------------------------------- */

static const char *
field_text(const struct record_view *v, const char *name)
{
	const struct record_field *f = record_view_field(v, name);

	for (size_t i = 0; f != NULL && i < f->n_values; i++)
		if (f->values[i].shown)
			return f->values[i].text;
	return "";
}

static json_t *
person_json(const struct record_view *v)
{
	char id[DOT_TEXT_MAX];

	dot_text(&v->id, id);
	return json_pack("{s:s,s:s,s:s,s:s,s:s}", "id", id, "name", field_text(v, "full_name"),
	    "headline", v->headline, "birth_date", field_text(v, "birth_date"), "unit",
	    v->scope.unit);
}

static void
person_print(struct call *c, const struct record_view *v)
{
	const char *name = field_text(v, "full_name"), *birth = field_text(v, "birth_date");
	char id[DOT_TEXT_MAX];

	dot_text(&v->id, id);
	call_print(c, "  %-22s %s%s%s  (%s%s%s)", id, *name != '\0' ? name : "?",
	    *birth != '\0' ? ", " : "", birth, v->headline, v->headline[0] != '\0' ? ", " : "",
	    v->scope.unit);
}

static json_t *
grounds_json(const struct call *c, uint32_t grounds, bool against)
{
	json_t *all = json_array();

	for (enum duplicate_ground g = 0; g < DUPLICATE_GROUNDS; g++)
		if ((grounds >> (unsigned)g & 1) != 0 && duplicate_ground_is_against(g) == against)
			json_array_append_new(all, json_string(duplicate_ground_text(g, c->lang)));
	return all;
}

static void
grounds_print(struct call *c, const struct duplicate_pair *p)
{
	struct bytes line;

	bytes_init(&line);
	for (int against = 0; against < 2; against++) {
		bool first = true;

		for (enum duplicate_ground g = 0; g < DUPLICATE_GROUNDS; g++) {
			if ((p->grounds >> (unsigned)g & 1) == 0 ||
			    duplicate_ground_is_against(g) != (against != 0))
				continue;
			bytes_text(&line, !first ? ", " : against == 0 ? "" :
			    call_say(c, "; nhưng ", "; but "));
			bytes_text(&line, duplicate_ground_text(g, c->lang));
			first = false;
		}
	}
	call_print(c, "%3u %%  %s", p->percent, line.rc == RC_OK ? bytes_cstr(&line) : "");
	bytes_reset(&line);
}

static const char *
standing_name(enum duplicate_standing s)
{
	static const char *const names[] = { "open", "linked", "dismissed", "contested" };

	return names[s];
}

static const char *
standing_words(const struct call *c, enum duplicate_standing s)
{
	switch (s) {
	case DUPLICATE_LINKED:
		return call_say(c, "cùng một người", "the same person");
	case DUPLICATE_DISMISSED:
		return call_say(c, "không phải cùng một người", "not the same person");
	case DUPLICATE_CONTESTED:
		return call_say(c, "kết luận khác nhau, cần xem lại", "people disagree: to review");
	case DUPLICATE_OPEN:
		break;
	}
	return call_say(c, "có thể là cùng một người", "may be the same person");
}

/* suggested: NULL for a pair that was decided; link: NULL for a suggestion. */
static enum rc
show_pair(struct call *c, json_t *all, int64_t a, int64_t b, const struct duplicate_pair *suggested,
    const struct duplicate_decision *decided)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	enum duplicate_standing standing = decided != NULL ? decided->standing : DUPLICATE_OPEN;
	struct record_view v[2];
	char link[DOT_TEXT_MAX];
	struct dot id[2];
	json_t *one;
	enum rc rc;

	memset(v, 0, sizeof(v));
	if ((rc = record_of_local(ctx.db, a, &id[0])) != RC_OK ||
	    (rc = record_of_local(ctx.db, b, &id[1])) != RC_OK)
		return rc;
	for (int i = 0; rc == RC_OK && i < 2; i++) {
		rc = record_show(&ctx, &id[i], &v[i], NULL);
		if (rc == RC_NOTFOUND) {	/* of a scope that is not read here */
			v[i].id = id[i];
			v[i].headline = calloc(1, 1);
			rc = v[i].headline != NULL ? RC_OK : RC_NOMEM;
		}
	}
	if (rc == RC_OK && c->json) {
		one = json_pack("{s:s,s:o,s:o}", "state", standing_name(standing), "a", person_json(&v[0]),
		    "b", person_json(&v[1]));
		if (suggested != NULL) {
			json_object_set_new(one, "score", json_integer(suggested->percent));
			json_object_set_new(one, "grounds", grounds_json(c, suggested->grounds, false));
			json_object_set_new(one, "against", grounds_json(c, suggested->grounds, true));
		} else {
			dot_text(&decided->link, link);
			json_object_set_new(one, "link", json_string(link));
		}
		json_array_append_new(all, one);
	} else if (rc == RC_OK) {
		if (suggested != NULL) {
			grounds_print(c, suggested);
		} else {
			dot_text(&decided->link, link);
			call_print(c, "%s  (%s)", standing_words(c, standing), link);
		}
		person_print(c, &v[0]);
		person_print(c, &v[1]);
	}
	record_view_reset(&v[0]);
	record_view_reset(&v[1]);
	return rc;
}

/* contested: those alone that people disagree about; else all others. */
static enum rc
show_decided(struct call *c, json_t *all, bool contested, size_t *shown)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct duplicate_decision *list;
	size_t n;
	enum rc rc = duplicate_link_all(ctx.db, &list, &n, &c->err);

	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		if ((list[i].standing == DUPLICATE_CONTESTED) != contested)
			continue;
		rc = show_pair(c, all, list[i].a, list[i].b, NULL, &list[i]);
		(*shown)++;
	}
	free(list);
	return rc;
}

static enum rc
show_suggested(struct call *c, json_t *all, size_t limit, size_t *shown)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct duplicate_list list;
	enum rc rc = duplicate_find(&ctx, limit, &list, &c->err);

	for (size_t i = 0; rc == RC_OK && i < list.n; i++) {
		rc = show_pair(c, all, list.pairs[i].a, list.pairs[i].b, &list.pairs[i], NULL);
		(*shown)++;
	}
	if (rc == RC_OK && list.n < list.total)
		call_note(c, call_say(c, "Còn %zu cặp nữa; xem thêm bằng --limit N.",
		    "%zu more pairs; see them with --limit N."), list.total - list.n);
	duplicate_list_reset(&list);
	return rc;
}

enum rc
commands_duplicates(struct call *c)
{
	json_t *all = c->json ? json_array() : NULL;
	size_t shown = 0;
	long limit;
	enum rc rc = call_number(c, "limit", 1, DUPLICATE_PAIRS_MAX, DUPLICATES_DEFAULT, &limit);

	if (rc == RC_OK)
		rc = show_decided(c, all, true, &shown);
	if (rc == RC_OK && call_option(c, "decided") != NULL)
		rc = show_decided(c, all, false, &shown);
	else if (rc == RC_OK)
		rc = show_suggested(c, all, (size_t)limit, &shown);
	if (rc == RC_OK)
		rc = commands_access_listed(c, "duplicates", "person", shown, false);
	if (rc != RC_OK) {
		json_decref(all);
		return rc;
	}
	if (c->json)
		return call_print_json(c, all);
	if (shown == 0)
		call_note(c, "%s", call_say(c, "Không có hồ sơ nào có vẻ trùng nhau.",
		    "No records look like one person."));
	return RC_OK;
}

enum rc
commands_duplicates_count(struct call *c, uint64_t *out)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct duplicate_decision *decided = NULL;
	struct duplicate_list list;
	int64_t changes;
	size_t n = 0;
	enum rc rc = workspace_changes(c->ws, &changes, &c->err);

	*out = c->ws->duplicates.pairs;
	if (rc != RC_OK || (c->ws->duplicates.known && c->ws->duplicates.changes == changes))
		return rc;
	if ((rc = duplicate_link_all(ctx.db, &decided, &n, &c->err)) != RC_OK ||
	    (rc = duplicate_find(&ctx, 0, &list, &c->err)) != RC_OK) {
		free(decided);
		return rc;
	}
	*out = list.total;
	for (size_t i = 0; i < n; i++)
		*out += decided[i].standing == DUPLICATE_CONTESTED ? 1 : 0;
	free(decided);
	duplicate_list_reset(&list);
	c->ws->duplicates.known = true;
	c->ws->duplicates.changes = changes;
	c->ws->duplicates.pairs = *out;
	return RC_OK;
}

/* Deciding ------------------------------------------------------------- */

static bool
is_within(const struct directory *d, const char *unit, const char *above)
{
	return strcmp(unit, above) == 0 || directory_unit_within(d, unit, above);
}

/* The persons' own unit, or the lowest above both. */
static enum rc
unit_of_link(struct call *c, const struct dot id[2], const char **out)
{
	const struct directory *d = replica_directory(c->ws->replica);
	struct record_context ctx = workspace_records(c->ws, c->lang);
	char units[2][JOURNAL_UNIT_MAX + 1];
	const struct unit *u;
	enum rc rc = RC_OK;

	*out = NULL;
	for (int i = 0; rc == RC_OK && i < 2; i++) {
		struct record_view v;

		if ((rc = record_show(&ctx, &id[i], &v, &c->err)) != RC_OK)
			break;
		memcpy(units[i], v.scope.unit, sizeof(units[i]));
		record_view_reset(&v);
	}
	if (rc != RC_OK)
		return rc;
	u = directory_unit(d, units[0]);
	for (int depth = 0; u != NULL && depth <= DIRECTORY_DEPTH_MAX; depth++) {
		if (is_within(d, units[1], u->code)) {
			*out = u->code;
			return RC_OK;
		}
		u = u->parent[0] == '\0' ? NULL : directory_unit(d, u->parent);
	}
	return error_set(&c->err, RC_INVALID, "", "sync, then try again",
	    "the two records' units have no unit above both");
}

static enum rc
decide(struct call *c, bool same)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct replica *r = c->ws->replica;
	const char *unit;
	char text[DOT_TEXT_MAX];
	struct dot id[2], link;
	bool written;
	enum rc rc;

	for (size_t i = 0; i < 2; i++)
		if ((rc = commands_record_id(c, c->args[i], &id[i])) != RC_OK)
			return rc;
	if ((rc = unit_of_link(c, id, &unit)) != RC_OK)
		return rc;
	if (!directory_may_write(replica_directory(r), replica_unit(r), replica_role(r), unit,
	    FORM_CASES))
		return error_set(&c->err, RC_DENIED, unit, "ask the province to decide",
		    "this device may not write for the unit above both records");
	if ((rc = workspace_begin(c->ws, &c->err)) != RC_OK)
		return rc;
	rc = duplicate_link_decide(&ctx, &id[0], &id[1], same, unit, call_option(c, "reason"), &link,
	    &written, &c->err);
	if ((rc = workspace_end(c->ws, rc, &c->err)) != RC_OK)
		return rc;
	dot_text(&link, text);
	if (c->json)
		return call_print_json(c, json_pack("{s:s,s:b}", "link", text, "written", written));
	if (!written)
		call_note(c, "%s", call_say(c, "Đã được kết luận như vậy từ trước.",
		    "That was decided already."));
	call_print(c, "%s", text);
	return RC_OK;
}

enum rc
commands_link(struct call *c)
{
	const char *reason = call_option(c, "reason");

	if (reason == NULL || *reason == '\0')
		return error_set(&c->err, RC_USAGE, "--reason", "say why, with --reason TEXT",
		    "linking needs a reason");
	return decide(c, true);
}

enum rc
commands_unlink(struct call *c)
{
	return decide(c, false);
}
