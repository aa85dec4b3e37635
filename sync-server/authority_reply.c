/* What the relay answers. */
#include <stdlib.h>
#include <string.h>

#include "shared/sync/exchange.h"
#include "shared/vault/digest.h"
#include "shared/vault/query.h"
#include "sync-server/authority_internal.h"
#include "sync-server/root_exchange.h"

/* A reply while it is read: the state is its last item, and the rest counts only with it. */
struct reply {
	const uint8_t *start;
	size_t signed_len;		/* bytes before the state */
	const uint8_t *state;
	size_t state_len;
};

static enum rc
not_a_reply(struct error *err)
{
	return error_set(err, RC_PROTOCOL, "relay", "run `sync-server exchange` again",
	    "this is no whole reply of a sync-server");
}

/* Find the state and check its signature; nothing else of the reply is looked at before. */
static enum rc
find_state(struct authority *a, const uint8_t *p, size_t len, struct reply *out,
    struct relay_state *state, struct error *err)
{
	const struct device *relay;
	struct reader r;
	bool ended = false;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	memset(state, 0, sizeof(*state));
	if ((rc = root_exchange_check_start(p, len)) != RC_OK)
		return rc == RC_NEWER ? error_set(err, rc, "relay", "install the newer program",
		    "the relay is a newer version") : not_a_reply(err);
	reader_init(&r, p, len);
	reader_take(&r, ROOT_EXCHANGE_START);
	while (!r.bad && !ended && reader_left(&r) > 0) {
		const uint8_t *payload;
		size_t at = r.pos, payload_len;

		ended = reader_u8(&r) == ITEM_END;
		payload = reader_span(&r, EXCHANGE_ITEM_MAX, &payload_len);
		if (ended)
			break;
		out->signed_len = at;
		out->state = payload;
		out->state_len = payload_len;
	}
	out->start = p;
	if (!reader_done(&r) || !ended || out->state == NULL ||
	    p[out->signed_len] != ITEM_RELAY_STATE)
		return not_a_reply(err);
	if ((rc = root_exchange_state_read(out->state, out->state_len, state)) != RC_OK)
		return rc == RC_NOMEM || rc == RC_NEWER ? rc : not_a_reply(err);
	relay = directory_device(a->directory, state->relay);
	if (relay == NULL || relay->role != ROLE_RELAY || relay->state != DEVICE_ADMITTED ||
	    root_exchange_state_verify(out->state, out->state_len, p, out->signed_len,
	    relay->cert.sign_public) != RC_OK)
		return error_set(err, RC_AUTH, "relay", "check the address",
		    "the reply is not signed by a relay of this province");
	return RC_OK;
}

/* Is the relay's chain a beginning of ours? */
static enum rc
compare_chains(struct authority *a, const struct relay_state *s, struct error *err)
{
	static const uint8_t none[32];
	struct authority_head there = { .statements = s->statements };
	char ours[17], theirs[17];
	uint8_t head[32];
	struct bytes b;
	enum rc rc = RC_OK;

	memset(head, 0, sizeof(head));
	bytes_init(&b);
	if (s->statements > 0 && s->statements <= directory_count(a->directory)) {
		rc = query_blob(a->db, err, &b, "SELECT bytes FROM statement WHERE seq = ?1", "i",
		    (int64_t)s->statements - 1);
		digest_of(head, sizeof(head), "field-head-1", b.data, b.len);
	}
	bytes_reset(&b);
	if (rc != RC_OK)
		return rc;
	if (s->statements == 0 && memcmp(s->directory_head, none, sizeof(none)) == 0)
		return RC_OK;
	if (s->statements <= directory_count(a->directory) && s->status != ROOT_CHAINS_DIFFER &&
	    memcmp(head, s->directory_head, sizeof(head)) == 0)
		return RC_OK;
	memcpy(there.head, s->directory_head, sizeof(there.head));
	authority_hold(a, &there);
	directory_head(a->directory, head);
	bytes_hex(head, 8, ours);
	bytes_hex(s->directory_head, 8, theirs);
	return error_set(err, RC_CONFLICT, "directory",
	    "restore the newest backup of the authority; sign nothing with this copy",
	    "the relay has statements that this authority does not know: %llu (head %s) there, %llu"
	    " (head %s) here", (unsigned long long)s->statements, theirs,
	    (unsigned long long)directory_count(a->directory), ours);
}

static enum rc
take_certificate(struct authority *a, const uint8_t *p, size_t len,
    struct authority_meeting *m, struct error *err)
{
	struct certificate cert;
	int64_t before, after;
	enum rc rc;

	rc = identity_certificate_read(p, len, directory_root(a->directory), &cert);
	if (rc != RC_OK)
		return rc == RC_NOMEM ? rc : RC_OK;	/* the relay's word does not make it one */
	if ((rc = query_int(a->db, err, &before, "SELECT count(*) FROM certificate", "")) != RC_OK ||
	    (rc = query_run(a->db, err, "INSERT OR IGNORE INTO certificate(device, invitation,"
	    " seen_at, bytes) VALUES (?1, ?2, ?3, ?4)", "bbib", cert.device,
	    (size_t)IDENTITY_ID_BYTES, cert.invitation.id, (size_t)IDENTITY_ID_BYTES,
	    clock_now(&a->clock), p, len)) != RC_OK ||
	    (rc = query_int(a->db, err, &after, "SELECT count(*) FROM certificate", "")) != RC_OK)
		return rc;
	if (after == before)
		return RC_OK;
	m->certificates++;
	return directory_add_certificate(a->directory, p, len, err);
}

static enum rc
take_heads(struct authority *a, const uint8_t *p, size_t len, struct error *err)
{
	struct relay_head *heads;
	size_t n;
	enum rc rc = root_exchange_heads_read(p, len, &heads, &n);

	if (rc != RC_OK)
		return rc == RC_NOMEM ? rc : not_a_reply(err);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = query_run(a->db, err, "INSERT INTO relay_head(device, log, n, head)"
		    " VALUES (?1, ?2, ?3, ?4) ON CONFLICT(device, log) DO UPDATE SET"
		    " n = excluded.n, head = excluded.head WHERE excluded.n > n", "biib",
		    heads[i].device, (size_t)IDENTITY_ID_BYTES, (int64_t)heads[i].head.log,
		    (int64_t)heads[i].head.n, heads[i].head.head, sizeof(heads[i].head.head));
	free(heads);
	return rc;
}

static enum rc
take_aside(struct authority *a, const uint8_t *p, size_t len, struct authority_meeting *m,
    struct error *err)
{
	struct relay_aside *aside;
	size_t n;
	enum rc rc = root_exchange_quarantine_read(p, len, &aside, &n);

	if (rc != RC_OK)
		return rc == RC_NOMEM ? rc : not_a_reply(err);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = query_run(a->db, err, "INSERT OR REPLACE INTO relay_aside(frame, author,"
		    " reason, received) VALUES (?1, ?2, ?3, ?4)", "bbii", aside[i].frame,
		    sizeof(aside[i].frame), aside[i].author, (size_t)IDENTITY_ID_BYTES,
		    (int64_t)aside[i].reason, aside[i].received);
	m->aside += n;
	free(aside);
	return rc;
}

static enum rc
take_waiting(struct authority *a, const struct relay_state *s, struct error *err)
{
	enum rc rc = query_run(a->db, err, "DELETE FROM relay_waiting", "");

	for (size_t i = 0; i < s->n_waiting && rc == RC_OK; i++)
		rc = query_run(a->db, err, "INSERT OR REPLACE INTO relay_waiting(device, reason,"
		    " frames) VALUES (?1, ?2, ?3)", "bii", s->waiting[i].device,
		    (size_t)IDENTITY_ID_BYTES, (int64_t)s->waiting[i].why,
		    (int64_t)s->waiting[i].frames);
	return rc;
}

static enum rc
take_items(struct authority *a, const struct reply *reply, struct authority_meeting *m,
    struct error *err)
{
	struct reader r;
	const uint8_t *p;
	size_t len;
	uint8_t type;
	enum rc rc;

	if ((rc = query_run(a->db, err, "DELETE FROM relay_aside", "")) != RC_OK)
		return rc;
	reader_init(&r, reply->start, reply->signed_len);
	reader_take(&r, ROOT_EXCHANGE_START);
	while (rc == RC_OK && reader_left(&r) > 0) {
		type = reader_u8(&r);
		p = reader_span(&r, EXCHANGE_ITEM_MAX, &len);
		if (p == NULL)
			return not_a_reply(err);
		if (type == ITEM_CERTIFICATE)
			rc = take_certificate(a, p, len, m, err);
		else if (type == ITEM_RELAY_HEADS)
			rc = take_heads(a, p, len, err);
		else if (type == ITEM_QUARANTINE)
			rc = take_aside(a, p, len, m, err);
		else if (type < 128)
			rc = not_a_reply(err);
	}
	return rc;
}

/* Admit who needs no decision, in the order in which they came. */
static enum rc
admit_waiting(struct authority *a, struct authority_meeting *m, struct error *err)
{
	size_t total = directory_device_count(a->directory), n = 0;
	struct bytes *bytes = calloc(total + 1, sizeof(*bytes));
	struct certificate *certs = calloc(total + 1, sizeof(*certs));
	const char *why;
	enum rc rc = bytes == NULL || certs == NULL ? RC_NOMEM : RC_OK;

	for (size_t i = 0; i < total && rc == RC_OK; i++) {
		const struct device *d = directory_device_at(a->directory, i);

		if (d->state != DEVICE_CERTIFIED)
			continue;
		if ((rc = authority_why_waits(a, &d->cert, &why, err)) != RC_OK)
			break;
		if (why != NULL || a->held != HELD_NOT) {
			m->waiting++;
			continue;
		}
		bytes_init(&bytes[n]);
		rc = authority_certificate(a, d->cert.device, &bytes[n], &certs[n], err);
		n++;
	}
	if (rc == RC_OK && n > 0)
		rc = authority_admit(a, bytes, certs, n, err);
	m->admitted = n;
	for (size_t i = 0; i < n; i++)
		bytes_reset(&bytes[i]);
	free(bytes);
	free(certs);
	return rc;
}

/* What a whole, good reply changes here. */
static enum rc
take_reply(struct authority *a, const struct reply *reply, const struct relay_state *s,
    struct authority_view *v, struct authority_meeting *m, struct error *err)
{
	bool more;
	enum rc rc;

	/* of a relay that was restored nothing is known yet, also when all it said is `stale` */
	if (memcmp(v->generation, s->generation, sizeof(v->generation)) != 0) {
		static const uint8_t none[16];

		v->certificates = v->heads = 0;
		if (memcmp(v->generation, none, sizeof(none)) != 0)
			v->lists_due = 1;
	} else if (s->status == ROOT_OK) {
		v->lists_due = v->lists_next;
	}
	/* a laptop that was just invited brought statements, and nobody but us has their shares */
	if (s->status == ROOT_STALE && (int64_t)s->statements > v->statements &&
	    (v->lists_due == 0 || v->lists_due > v->statements + 1))
		v->lists_due = v->statements + 1;
	memcpy(v->generation, s->generation, sizeof(v->generation));
	memcpy(v->nonce, s->nonce, sizeof(v->nonce));
	memset(v->request, 0, sizeof(v->request));
	v->statements = (int64_t)s->statements;
	m->statements = s->statements;
	m->again = true;
	if (s->status == ROOT_STALE)
		return authority_view_store(a, v, err);	/* nothing else happened there */
	v->certificates = (int64_t)s->certificates;
	v->heads = (int64_t)s->heads;
	v->met_at = clock_now(&a->clock);
	if ((rc = authority_view_store(a, v, err)) != RC_OK ||
	    (rc = query_run(a->db, err, "DELETE FROM release_due WHERE sent = 1",
	    "")) != RC_OK ||
	    (rc = take_waiting(a, s, err)) != RC_OK ||
	    (rc = take_items(a, reply, m, err)) != RC_OK ||
	    (rc = admit_waiting(a, m, err)) != RC_OK)
		return rc;
	if ((rc = authority_resealed_told(a, s->generation, &more, err)) != RC_OK)
		return rc;
	m->again = s->more || more || v->lists_due != 0 ||
	    s->statements < directory_count(a->directory);
	return RC_OK;
}

enum rc
authority_reply(struct authority *a, const uint8_t *p, size_t len,
    struct authority_meeting *out, struct error *err)
{
	struct relay_state state;
	struct authority_view v;
	struct reply reply;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if ((rc = find_state(a, p, len, &reply, &state, err)) != RC_OK ||
	    (rc = compare_chains(a, &state, err)) != RC_OK ||
	    (rc = authority_view_load(a, &v, err)) != RC_OK)
		goto out;
	if (memcmp(v.request, state.request, sizeof(v.request)) != 0) {
		rc = error_set(err, RC_PROTOCOL, "relay",
		    "remove the file of an old reply and run the exchange again",
		    "the reply answers another request than the last one");
		goto out;
	}
	authority_has_met(a);
	if ((rc = authority_begin(a, err)) == RC_OK)
		rc = authority_end(a, take_reply(a, &reply, &state, &v, out, err), err);
out:
	root_exchange_state_reset(&state);
	if (rc != RC_OK)
		memset(out, 0, sizeof(*out));
	return rc;
}

/* ---- frames that are kept aside ---- */

enum rc
authority_aside(struct authority *a, struct authority_aside **out, size_t *n, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	struct authority_aside *list = calloc(ROOT_EXCHANGE_QUARANTINE_MAX, sizeof(*list));
	bool row = false;
	size_t len;
	const uint8_t *p;
	enum rc rc;

	*out = NULL;
	*n = 0;
	if (list == NULL)
		return RC_NOMEM;
	rc = query_open(a->db, err, &q, "SELECT frame, author, reason, received, frame IN"
	    " (SELECT frame FROM release_due) FROM relay_aside ORDER BY received, frame", "");
	while (rc == RC_OK && *n < ROOT_EXCHANGE_QUARANTINE_MAX &&
	    (rc = query_next(q, &row, err)) == RC_OK && row) {
		struct authority_aside *one = &list[(*n)++];

		p = query_column_blob(q, 0, &len);
		memcpy(one->frame, p, len < sizeof(one->frame) ? len : sizeof(one->frame));
		p = query_column_blob(q, 1, &len);
		memcpy(one->author, p, len < sizeof(one->author) ? len : sizeof(one->author));
		one->reason = (unsigned)query_column_int(q, 2);
		one->received = query_column_int(q, 3);
		one->released = query_column_int(q, 4) != 0;
	}
	query_close(q);
	if (rc != RC_OK) {
		free(list);
		*n = 0;
		return rc;
	}
	*out = list;
	return RC_OK;
}

enum rc
authority_release_frame(struct authority *a, const uint8_t frame[32], struct error *err)
{
	int64_t known;
	enum rc rc = query_int(a->db, err, &known, "SELECT count(*) FROM relay_aside WHERE"
	    " frame = ?1", "b", frame, (size_t)32);

	if (rc == RC_OK && known == 0)
		return error_set(err, RC_NOTFOUND, "frame", "see `sync-server quarantine`",
		    "the relay keeps no such frame aside");
	if (rc == RC_OK)
		rc = query_run(a->db, err, "INSERT OR IGNORE INTO release_due(frame) VALUES (?1)",
		    "b", frame, (size_t)32);
	return rc;
}
