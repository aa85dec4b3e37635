#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/records/referral_parts.h"
#include "shared/vault/query.h"

/* Both referral records of one handing over, as far as they are read here. */
struct pair {
	struct dot outgoing;			/* the sender's; its id also when it is not here */
	struct record_view out, in;
	bool has_out, has_in;
};

struct telling {
	const struct record_context *c;
	const struct dot *id;			/* whose story; NULL: all */
	struct pair *pairs;
	size_t n, cap;
	struct referral_story *story;
	struct error *err;
};

/* One item of `copies`: "ORIGINAL COPY SEEN". */
struct item {
	struct dot original, copy;		/* copy.log 0: withheld */
	const char *seen;			/* inside the text */
};

static bool
read_item(const char *text, struct item *out)
{
	char id[DOT_TEXT_MAX];

	memset(out, 0, sizeof(*out));
	for (int i = 0; i < 2; i++) {
		size_t len = strcspn(text, " ");

		if (len >= sizeof(id))
			return false;
		memcpy(id, text, len);
		id[len] = '\0';
		if (!dot_parse(id, i == 0 ? &out->original : &out->copy) &&
		    (i == 0 || strcmp(id, "-") != 0))
			return false;
		text += len;
		text += *text == ' ' ? 1 : 0;
	}
	out->seen = text;
	return true;
}

static bool
is_dot(const char *text, const struct dot *dot)
{
	struct dot other;

	return dot_parse(text, &other) && dot_compare(&other, dot) == 0;
}

/* The item that speaks of a record, as original or as copy. */
static bool
find_item(const struct record_view *out, const struct dot *id, struct item *item)
{
	const struct record_field *f = record_view_field(out, "copies");

	for (size_t i = 0; f != NULL && i < f->n_values; i++)
		if (!f->values[i].voided && read_item(f->values[i].text, item) &&
		    (dot_compare(&item->original, id) == 0 ||
		    (item->copy.log != 0 && dot_compare(&item->copy, id) == 0)))
			return true;
	return false;
}

/* Gathering ---------------------------------------------------------------- */

static enum rc
pair_of(struct telling *t, struct dot outgoing, struct pair **out)
{
	for (size_t i = 0; i < t->n; i++) {
		if (outgoing.log != 0 && dot_compare(&t->pairs[i].outgoing, &outgoing) == 0) {
			*out = &t->pairs[i];
			return RC_OK;
		}
	}
	if (t->n == t->cap) {
		size_t cap = t->cap == 0 ? 8 : 2 * t->cap;
		struct pair *grown = realloc(t->pairs, cap * sizeof(*grown));

		if (grown == NULL)
			return RC_NOMEM;
		t->pairs = grown;
		t->cap = cap;
	}
	*out = &t->pairs[t->n++];
	memset(*out, 0, sizeof(**out));
	(*out)->outgoing = outgoing;
	return RC_OK;
}

/* Put a referral record into its pair; it is left out if it is already there. */
static enum rc
add_record(struct telling *t, const struct dot *id)
{
	struct dot outgoing = *id;
	struct record_view v;
	struct pair *p;
	bool in;
	enum rc rc = record_show(t->c, id, &v, t->err);

	if (rc != RC_OK)
		return rc;
	in = strcmp(referral_value(&v, "direction"), "IN") == 0;
	if (in && !dot_parse(referral_value(&v, "peer"), &outgoing))
		outgoing = (struct dot){ 0, 0 };
	if (strcmp(v.form_name, GUEST_REFERRAL_FORM) != 0 || v.deleted ||
	    (rc = pair_of(t, outgoing, &p)) != RC_OK || (in ? p->has_in : p->has_out)) {
		record_view_reset(&v);
		return rc;
	}
	if (in) {
		p->in = v;
		p->has_in = true;
	} else {
		p->out = v;
		p->has_out = true;
	}
	return RC_OK;
}

static enum rc
add_rows(struct telling *t)
{
	struct sqlite3_stmt *q = NULL;
	struct bytes dots;
	struct reader in;
	struct dot id;
	char text[DOT_TEXT_MAX] = "";
	int64_t local = 0;
	bool row;
	enum rc rc = RC_OK;

	if (t->id != NULL) {
		dot_text(t->id, text);
		if ((rc = record_to_local(t->c->db, t->id, &local)) == RC_NOTFOUND)
			rc = error_set(t->err, rc, NULL, NULL, "no such record here");
	}
	bytes_init(&dots);
	if (rc == RC_OK)
		rc = query_open(t->c->db, t->err, &q, "SELECT r.log, r.n FROM form_referral t"
		    " JOIN record r ON r.id = t.id WHERE t.alive = 1 AND (?1 = 0 OR t.id = ?1"
		    " OR t.case_id = ?1 OR t.id IN (SELECT id FROM form_referral__copies"
		    " WHERE instr(value, ?2) > 0)) ORDER BY t.created_at, r.log < 0, r.log, r.n", "it",
		    local, text);
	while (rc == RC_OK && (rc = query_next(q, &row, t->err)) == RC_OK && row) {
		bytes_u64(&dots, (uint64_t)query_column_int(q, 0));
		bytes_u64(&dots, (uint64_t)query_column_int(q, 1));
	}
	query_close(q);
	if (rc == RC_OK)
		rc = dots.rc;
	reader_init(&in, dots.data, dots.len);
	while (rc == RC_OK && reader_left(&in) > 0) {
		id.log = reader_u64(&in);
		id.n = reader_u64(&in);
		rc = add_record(t, &id);
	}
	bytes_reset(&dots);
	return rc;
}

/* The other half of each pair, if it is read here. */
static enum rc
add_peers(struct telling *t)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < t->n; i++) {
		struct dot peer = t->pairs[i].outgoing;

		if (t->pairs[i].has_in && t->pairs[i].has_out)
			continue;
		if (t->pairs[i].has_out && !dot_parse(referral_value(&t->pairs[i].out, "peer"), &peer))
			continue;
		rc = peer.log == 0 ? RC_OK : add_record(t, &peer);
		if (rc == RC_NOTFOUND) {
			rc = RC_OK;
			if (t->err != NULL)
				error_clear(t->err);
		}
	}
	return rc;
}

/* Late --------------------------------------------------------------------- */

/* Names of the fields that an entry wrote, with commas. */
static enum rc
name_fields(const struct telling *t, const struct form *form, const struct dot *dot,
    char **out)
{
	struct bytes body, names;
	struct entry e;
	enum rc rc;

	bytes_init(&body);
	bytes_init(&names);
	memset(&e, 0, sizeof(e));
	rc = journal_get(t->c->db, dot, &body, NULL);
	if (rc == RC_OK && body.len > 0)
		rc = entry_decode(body.data, body.len, *dot, &e);
	for (size_t i = 0; rc == RC_OK && i < e.n_writes; i++) {
		const struct form_field *f = form == NULL ? NULL :
		    form_field_numbered(form, e.writes[i].field);

		bytes_printf(&names, "%s%s", names.len > 0 ? "," : "",
		    e.writes[i].field == ENTRY_ALIVE ? "alive" : f != NULL ? f->name : "?");
	}
	if (rc == RC_OK || rc == RC_NEWER || rc == RC_FORMAT || rc == RC_NOTFOUND)
		rc = (*out = text_dup(bytes_cstr(&names))) == NULL ? RC_NOMEM : RC_OK;
	entry_reset(&e);
	bytes_wipe(&body);
	bytes_reset(&names);
	return rc;
}

static enum rc
add_late(const struct telling *t, const struct record_opened *o, const struct register_dot *d,
    struct referral_link *link)
{
	struct referral_late *grown, *late;
	struct journal_log log;
	enum rc rc;

	grown = realloc(link->late, (link->n_late + 1) * sizeof(*grown));
	if (grown == NULL)
		return RC_NOMEM;
	link->late = grown;
	late = &grown[link->n_late];
	memset(late, 0, sizeof(*late));
	late->record = o->id;
	late->dot = d->dot;
	late->at = d->saved_at;
	if ((rc = journal_log_get(t->c->db, d->dot.log, &log, t->err)) != RC_OK)
		return rc;
	memcpy(late->by, log.device, sizeof(late->by));
	if ((rc = name_fields(t, o->form, &d->dot, &late->fields)) == RC_OK)
		link->n_late++;
	return rc;
}

/* The entries of an original that were not there when it was handed over; seen NULL: all. */
static enum rc
late_of(const struct telling *t, const struct dot *original, const char *seen,
    struct referral_link *link)
{
	struct record_opened o;
	struct error none;
	enum rc rc;

	error_clear(&none);
	if (seen != NULL && *seen == '\0')
		return RC_OK;
	if ((rc = record_parts_open(t->c, original, &o, &none)) != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	for (size_t i = 0; rc == RC_OK && i < o.state.n_dots; i++) {
		const struct register_dot *d = &o.state.dots[i];

		if (seen == NULL || (!referral_seen_has(seen, &d->dot) &&
		    (d->restates.log == 0 || !referral_seen_has(seen, &d->restates))))
			rc = add_late(t, &o, d, link);
	}
	record_parts_close(&o);
	return rc;
}

struct newer_child {
	const struct telling *t;
	const struct pair *pair;
	struct referral_link *link;
};

/* A child of the case that was recorded since. */
static enum rc
late_child(void *ctx, const struct form *form, const struct dot *id)
{
	const struct newer_child *n = ctx;
	struct item item;

	(void)form;
	return find_item(&n->pair->out, id, &item) ? RC_OK : late_of(n->t, id, NULL, n->link);
}

/* of: the record that is asked for, NULL for all that was handed over. */
static enum rc
add_all_late(const struct telling *t, const struct pair *p, const struct dot *of,
    struct referral_link *link)
{
	const struct record_field *f = p->has_out ? record_view_field(&p->out, "copies") : NULL;
	struct newer_child newer = { t, p, link };
	struct item item;
	struct dot case_id;
	enum rc rc = RC_OK;

	if (strcmp(link->state, "DECLINED") == 0 || strcmp(link->state, "LAPSED") == 0)
		return RC_OK;
	for (size_t i = 0; rc == RC_OK && f != NULL && i < f->n_values; i++)
		if (!f->values[i].voided && read_item(f->values[i].text, &item) &&
		    item.copy.log != 0 && (of == NULL || dot_compare(of, &item.original) == 0 ||
		    dot_compare(of, &item.copy) == 0))
			rc = late_of(t, &item.original, item.seen, link);
	if (rc == RC_OK && of == NULL && f != NULL &&
	    dot_parse(referral_value(&p->out, "case_id"), &case_id)) {
		rc = referral_children(t->c, &case_id, late_child, &newer, t->err);
		rc = rc == RC_NOTFOUND ? RC_OK : rc;
	}
	return rc;
}

/* One link ----------------------------------------------------------------- */

static void
put_text(char *to, size_t max, const char *from)
{
	size_t len = strlen(from);

	if (len >= max)
		len = 0;
	memcpy(to, from, len);
	to[len] = '\0';
}

/* What the answers say; of several that do not agree the first of this order. */
static void
judge_state(const struct pair *p, struct referral_link *link)
{
	static const char *const codes[] = { "COMPLETED", "ACCEPTED", "DECLINED", "LAPSED" };
	size_t found = 0;

	put_text(link->state, sizeof(link->state), "PENDING");
	for (size_t i = 0; p->has_out && i < sizeof(codes) / sizeof(*codes); i++) {
		if (!referral_has(&p->out, "answers", codes[i]))
			continue;
		if (strcmp(link->state, "PENDING") == 0)
			put_text(link->state, sizeof(link->state), codes[i]);
		found += i > 0 ? 1 : 0;
	}
	link->contradicts = found > 1;
	/* the receiver's own word is the one that it edits */
	if (p->has_in && *referral_value(&p->in, "outcome") != '\0')
		put_text(link->state, sizeof(link->state), referral_value(&p->in, "outcome"));
	link->contradicts = link->contradicts ||
	    (p->has_in && referral_is_conflict(&p->in, "outcome"));
}

/* Where the record that is asked for, or the case, went to or came from. */
static enum rc
find_other(const struct telling *t, const struct pair *p, const struct dot *of,
    struct referral_link *link)
{
	const struct record_view *own = link->outgoing ? &p->out : &p->in;
	const struct dot *id = of != NULL ? of : &link->own_case;
	struct record_view v;
	struct error none;
	struct item item;
	int64_t here = 0;
	enum rc rc = RC_OK;

	error_clear(&none);
	if (p->has_out && find_item(&p->out, id, &item)) {
		link->other = dot_compare(&item.original, id) == 0 ? item.copy : item.original;
	} else if (own == &p->in && id->log != 0) {
		if ((rc = record_show(t->c, id, &v, &none)) == RC_OK) {
			if (!dot_parse(referral_value(&v, "continues"), &link->other))
				link->other = (struct dot){ 0, 0 };
			record_view_reset(&v);
		}
		rc = rc == RC_NOTFOUND ? RC_OK : rc;
	}
	if (rc == RC_OK && link->other.log != 0)
		rc = query_int(t->c->db, t->err, &here, "SELECT count(*) FROM record WHERE log = ?1"
		    " AND n = ?2 AND form <> ''", "ii", (int64_t)link->other.log,
		    (int64_t)link->other.n);
	link->other_here = here > 0;
	return rc;
}

/* Is the record that is asked for on the receiver's side? */
static bool
asked_by_receiver(const struct telling *t, const struct pair *p)
{
	struct item item;

	if (!p->has_out)
		return true;
	if (t->id == NULL)
		return false;
	if (p->has_in && (dot_compare(&p->in.id, t->id) == 0 ||
	    is_dot(referral_value(&p->in, "case_id"), t->id)))
		return true;
	return find_item(&p->out, t->id, &item) && item.copy.log != 0 &&
	    dot_compare(&item.copy, t->id) == 0;
}

static enum rc
tell_pair(struct telling *t, const struct pair *p)
{
	struct referral_link *link = &t->story->links[t->story->n_links];
	bool receiver = asked_by_receiver(t, p);
	const struct record_view *v = receiver && p->has_in ? &p->in :
	    p->has_out ? &p->out : &p->in;
	const struct dot *of = t->id;
	enum rc rc;

	memset(link, 0, sizeof(*link));
	t->story->n_links++;
	link->outgoing = !receiver;
	link->id = v->id;
	if (v == &p->in)
		link->peer = p->outgoing;
	else if (!dot_parse(referral_value(v, "peer"), &link->peer))
		link->peer = (struct dot){ 0, 0 };
	link->transfer = strcmp(referral_value(v, "kind"), "TRANSFER") == 0;
	link->emergency = *referral_value(v, "emergency_reason") != '\0';
	put_text(link->unit, sizeof(link->unit), referral_value(v, receiver ? "from_unit" : "to_unit"));
	put_text(link->sent_at, sizeof(link->sent_at), referral_value(v, "sent_at"));
	put_text(link->answer_by, sizeof(link->answer_by), referral_value(v, "answer_by"));
	if (!dot_parse(referral_value(v, "case_id"), &link->own_case))
		link->own_case = (struct dot){ 0, 0 };
	judge_state(p, link);
	/* a referral itself stands for its case */
	if (of != NULL && (dot_compare(of, &v->id) == 0 || dot_compare(of, &link->own_case) == 0))
		of = NULL;
	if ((rc = find_other(t, p, of, link)) != RC_OK)
		return rc;
	return add_all_late(t, p, of, link);
}

enum rc
referral_tell(const struct record_context *c, const struct dot *id, struct referral_story *out,
    struct error *err)
{
	struct telling t = { .c = c, .id = id, .story = out, .err = err };
	enum rc rc = RC_OK;

	memset(out, 0, sizeof(*out));
	if (form_set_find(c->forms, GUEST_REFERRAL_FORM) == NULL)
		return RC_OK;
	if ((rc = add_rows(&t)) == RC_OK)
		rc = add_peers(&t);
	out->links = calloc(t.n + 1, sizeof(*out->links));
	if (rc == RC_OK && out->links == NULL)
		rc = RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < t.n; i++)
		rc = tell_pair(&t, &t.pairs[i]);
	for (size_t i = 0; i < t.n; i++) {
		record_view_reset(&t.pairs[i].out);
		record_view_reset(&t.pairs[i].in);
	}
	free(t.pairs);
	if (rc != RC_OK)
		referral_story_reset(out);
	return rc;
}

void
referral_story_reset(struct referral_story *s)
{
	for (size_t i = 0; i < s->n_links; i++) {
		for (size_t k = 0; k < s->links[i].n_late; k++)
			free(s->links[i].late[k].fields);
		free(s->links[i].late);
	}
	free(s->links);
	memset(s, 0, sizeof(*s));
}
