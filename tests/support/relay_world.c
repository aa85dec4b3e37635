#include "tests/support/relay_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/files.h"
#include "shared/sync/seal.h"
#include "shared/vault/digest.h"

#define MUST(condition) must((condition), #condition, __LINE__)

static void
must(bool held, const char *what, int line)
{
	if (held)
		return;
	fprintf(stderr, "tests/support/relay_world.c:%d: %s\n", line, what);
	abort();
}

/* ---- the world ---- */

void
world_keys(struct world *w, uint32_t epoch)
{
	static const char *const units[] = { "24.1.1", "24.1.2" };
	struct scope_key keys[4];
	struct bytes payload = { 0 };

	memset(keys, 0, sizeof(keys));
	for (size_t i = 0; i < 4; i++) {
		strcpy(keys[i].unit, units[i / 2]);
		keys[i].compartment = i % 2;
		keys[i].epoch = epoch;
		memcpy(keys[i].public_key, w->scope_public, 32);
	}
	directory_write_keys(keys, 4, NULL, 0, &payload);
	small_province_say(&w->province, STATEMENT_KEYS, &payload);
}

static void
open_relay(struct world *w)
{
	MUST(depot_open(w->dir, &w->depot, NULL) == RC_OK);
	MUST(relay_new(w->depot, &w->clock, 0, &w->relay) == RC_OK);
}

void
world_open(struct world *w)
{
	const char *tmp = getenv("TMPDIR");
	uint8_t province[8];
	struct secret *scope = NULL;
	struct meeting m;

	MUST(secret_start() == RC_OK);
	memset(w, 0, sizeof(*w));
	w->now = WORLD_NOW;
	w->clock = clock_fixed(&w->now);
	snprintf(w->dir, sizeof(w->dir), "%.40s/relay-XXXXXX", tmp != NULL ? tmp : "/tmp");
	MUST(mkdtemp(w->dir) != NULL);
	small_province_open(&w->province);
	MUST(secret_random(32, &scope) == RC_OK);
	MUST(seal_box_keys(scope, w->scope_public) == RC_OK);
	secret_free(scope);
	world_keys(w, 1);
	directory_province(w->province.d, province);
	MUST(depot_create(w->dir, province, NULL, NULL) == RC_OK);
	open_relay(w);
	MUST(world_exchange(w, NULL, &m) == RC_OK);
	MUST(m.state.status == ROOT_OK);
	meeting_reset(&m);
}

void
world_restart(struct world *w)
{
	relay_free(w->relay);
	depot_close(w->depot);
	open_relay(w);
}

void
world_close(struct world *w)
{
	static const char *const names[] = { "depot.db", "depot.db-wal", "depot.db-shm", "relay.key" };
	char path[FILES_PATH_MAX];

	relay_free(w->relay);
	depot_close(w->depot);
	small_province_close(&w->province);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		MUST(files_join(w->dir, names[i], path) == RC_OK);
		unlink(path);
	}
	MUST(rmdir(w->dir) == 0);
}

int
world_set_up(void **state)
{
	world_open(*state);
	return 0;
}

int
world_tear_down(void **state)
{
	world_close(*state);
	return 0;
}

/* ---- the authority ---- */

struct bytes
world_request(struct world *w, const struct bytes *extra)
{
	struct root_hello h = { .statements = directory_count(w->province.d),
		.certificates = w->certificates, .heads = w->heads };
	struct bytes request = { 0 };

	root_exchange_start(&request);
	for (uint64_t i = w->relay_statements; i < w->province.n_said; i++)
		exchange_put(&request, ITEM_STATEMENT, w->province.said[i].data,
		    w->province.said[i].len);
	if (extra != NULL)
		bytes_put(&request, extra->data, extra->len);
	directory_province(w->province.d, h.province);
	directory_head(w->province.d, h.directory_head);
	memcpy(h.nonce, w->root_nonce, sizeof(h.nonce));
	memcpy(h.generation, w->generation, sizeof(h.generation));
	MUST(root_exchange_sign(&h, w->province.root, &request) == RC_OK);
	return request;
}

struct hearing { struct world *world; struct meeting *m; const uint8_t *reply; };

static enum rc
hear(void *ctx, enum item_type type, const uint8_t *p, size_t len)
{
	struct hearing *h = ctx;
	const struct identity *id = depot_identity(h->world->depot);
	struct relay_aside *aside;
	struct relay_head *heads;
	size_t n, before;

	if (type == ITEM_CERTIFICATE)
		h->m->n_certificates++;
	if (type == ITEM_RELAY_HEADS) {
		MUST(root_exchange_heads_read(p, len, &heads, &n) == RC_OK);
		h->m->n_heads += n;
		if (n > 0)
			h->m->last_head = heads[n - 1];
		free(heads);
	}
	if (type == ITEM_QUARANTINE) {
		MUST(root_exchange_quarantine_read(p, len, &aside, &n) == RC_OK);
		for (size_t i = 0; i < n && h->m->n_aside < 16; i++)
			h->m->aside[h->m->n_aside++] = aside[i];
		free(aside);
	}
	if (type == ITEM_RELAY_STATE) {
		MUST(root_exchange_state_read(p, len, &h->m->state) == RC_OK);
		/* the item's type and length stand before its payload */
		before = (size_t)(p - h->reply) - 1 - (len < 128 ? 1 : 2);
		MUST(root_exchange_state_verify(p, len, h->reply, before, id->sign_public) == RC_OK);
		MUST(memcmp(h->m->state.relay, id->device, 16) == 0);
	}
	return RC_OK;
}

enum rc
world_exchange(struct world *w, const struct bytes *extra, struct meeting *out)
{
	struct bytes request = world_request(w, extra), reply = { 0 };
	struct hearing h = { w, out, NULL };
	struct exchange_stream s;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	rc = relay_exchange(w->depot, &w->clock, request.data, request.len, &reply, NULL);
	bytes_reset(&request);
	if (rc != RC_OK) {
		MUST(reply.len == 0);
		return rc;
	}
	h.reply = reply.data;
	MUST(root_exchange_check_start(reply.data, reply.len) == RC_OK);
	exchange_stream_init(&s, hear, &h);
	MUST(exchange_stream_feed(&s, reply.data + ROOT_EXCHANGE_START,
	    reply.len - ROOT_EXCHANGE_START) == RC_OK);
	MUST(s.ended);
	exchange_stream_reset(&s);
	bytes_reset(&reply);
	memcpy(w->root_nonce, out->state.nonce, 16);
	memcpy(w->generation, out->state.generation, 16);
	w->relay_statements = out->state.statements;
	if (out->state.status == ROOT_OK) {
		w->certificates = out->state.certificates;
		w->heads = out->state.heads;
	}
	return RC_OK;
}

void
meeting_reset(struct meeting *m)
{
	root_exchange_state_reset(&m->state);
	memset(m, 0, sizeof(*m));
}

/* ---- devices ---- */

static void
begin_log(struct worker *k)
{
	k->with_certificate = true;
	k->directory_seq = directory_count(k->world->province.d) - 1;
	secret_random_bytes(&k->log, sizeof(k->log));
	secret_random_bytes(k->head, sizeof(k->head));
}

void
worker_join(struct world *w, const char *unit, enum identity_role role, struct worker *out)
{
	memset(out, 0, sizeof(*out));
	out->world = w;
	small_province_join(&w->province, unit, role, &out->device);
	begin_log(out);
}

/* The invitation's key is gone, so both devices are made from a new invitation. */
void
worker_join_together(struct world *w, struct worker *const *all, size_t n)
{
	struct invitation inv = { .role = ROLE_COMMUNICATOR, .not_before = WORLD_NOW - 1000,
		.not_after = WORLD_NOW + 86400 };
	struct secret *seed = NULL;
	struct bytes signed_inv = { 0 };

	strcpy(inv.unit, "24.1.1");
	MUST(secret_random(32, &seed) == RC_OK);
	MUST(seal_sign_keys(seed, inv.public_key) == RC_OK);
	MUST(identity_invitation_sign(w->province.root, &inv, &signed_inv) == RC_OK);
	for (size_t i = 0; i < n; i++) {
		memset(all[i], 0, sizeof(*all[i]));
		all[i]->world = w;
		MUST(identity_make(&all[i]->device.identity) == RC_OK);
		identity_invitation_id(inv.public_key, all[i]->device.invitation);
		MUST(identity_certificate_make(&all[i]->device.identity, signed_inv.data,
		    signed_inv.len, seed, WORLD_NOW, (const uint8_t *)"name", 4,
		    &all[i]->device.certificate) == RC_OK);
		begin_log(all[i]);
	}
	bytes_reset(&signed_inv);
	secret_free(seed);
}

void
worker_join_again(struct worker *first, struct worker *out)
{
	struct world *w = first->world;

	worker_close(first);
	worker_join_together(w, (struct worker *const[]){ first, out }, 2);
}

void
worker_close(struct worker *k)
{
	small_province_device_reset(&k->device);
	memset(k, 0, sizeof(*k));
}

struct bytes
worker_frame(struct worker *k, const char *unit, unsigned compartment, uint32_t epoch,
    uint64_t count, size_t cargo)
{
	struct frame_range range = { .log = k->log, .first = k->n + 1, .count = count };
	struct frame_header h = { .compartment = compartment, .epoch = epoch, .ranges = &range,
		.n_ranges = 1, .directory_seq = k->directory_seq };
	struct bytes out = { 0 };
	uint8_t *p = calloc(1, cargo + 1);

	MUST(p != NULL);
	memcpy(h.device, k->device.identity.device, sizeof(h.device));
	strcpy(h.unit, unit);
	(void)directory_head_at(k->world->province.d, k->directory_seq, h.directory_head);
	memcpy(range.before, k->head, sizeof(range.before));
	secret_random_bytes(k->head, sizeof(k->head));
	memcpy(range.after, k->head, sizeof(range.after));
	k->n += count;
	MUST(frame_seal(&h, k->world->scope_public, k->device.identity.sign_seed, p, cargo, &out) ==
	    RC_OK);
	free(p);
	return out;
}

struct bytes
worker_put_frame(struct worker *k, struct bytes *items)
{
	struct bytes f = worker_frame(k, "24.1.1", 0, 1, 3, 200);

	exchange_put(items, ITEM_FRAME, f.data, f.len);
	return f;
}

static void
count_alarm(void *ctx, int64_t at, const char *kind, const uint8_t device[16], const char *detail)
{
	size_t *n = ctx;

	(void)at;
	(void)kind;
	(void)device;
	(void)detail;
	(*n)++;
}

size_t
world_alarms(struct world *w)
{
	size_t n = 0;

	MUST(depot_alarms(w->depot, count_alarm, &n) == RC_OK);
	return n;
}

struct depot_counts
world_counts(struct world *w)
{
	struct depot_counts c;

	MUST(depot_count(w->depot, &c) == RC_OK);
	return c;
}

/* ---- speaking ---- */

struct bytes
worker_request(struct worker *k, const struct bytes *items, bool ended)
{
	struct hello h = { .position = k->position, .directory_seq = k->directory_seq,
		.behind = k->behind, .n_behind = k->n_behind, .down_max = k->down_max };
	struct directory *known = k->world->province.d;
	struct bytes request = { 0 }, payload = { 0 };
	char **lanes = NULL;
	size_t n = 0;

	directory_province(known, h.province);
	memcpy(h.device, k->device.identity.device, sizeof(h.device));
	memcpy(h.generation, k->generation, sizeof(h.generation));
	memcpy(h.nonce, k->nonce, sizeof(h.nonce));
	(void)directory_head_at(known, k->directory_seq, h.directory_head);
	/* the relay's view, as a device that knows the same chain has it */
	if (directory_lanes(depot_directory(k->world->depot), h.device, &lanes, &n,
	    h.lanes_digest) == RC_NOTFOUND) {
		/* not known there yet: ask a copy that has the certificate */
		if (directory_add_certificate(known, k->device.certificate.data,
		    k->device.certificate.len, NULL) == RC_OK)
			MUST(directory_lanes(known, h.device, &lanes, &n, h.lanes_digest) == RC_OK);
	}
	directory_lanes_free(lanes, n);
	if (k->old_lanes)
		h.lanes_digest[0] ^= 1;
	if (k->named_lanes)
		memset(h.lanes_digest, 0, sizeof(h.lanes_digest));
	MUST(exchange_hello_write(&h, k->device.identity.sign_seed, &payload) == RC_OK);
	exchange_put(&request, ITEM_HELLO, payload.data, payload.len);
	bytes_reset(&payload);
	if (k->with_certificate)
		exchange_put(&request, ITEM_CERTIFICATE, k->device.certificate.data,
		    k->device.certificate.len);
	if (items != NULL)
		bytes_put(&request, items->data, items->len);
	if (ended)
		exchange_put_end_up(&request);
	MUST(request.rc == RC_OK);
	return request;
}

static void
note_lane(struct heard *a, enum item_type type, const uint8_t *p, size_t len)
{
	a->n_certificates += type == ITEM_CERTIFICATE;
	a->n_shares += type == ITEM_SHARE;
	a->n_share_lists += type == ITEM_SHARE_LIST;
	a->n_lane_receipts += type == ITEM_RECEIPT;
	bytes_reset(&a->last_lane);
	bytes_put(&a->last_lane, p, len);
}

struct listening { struct world *world; struct heard *a; size_t n; };

static enum rc
listen(void *ctx, enum item_type type, const uint8_t *p, size_t len)
{
	struct listening *l = ctx;
	struct heard *a = l->a;
	const struct identity *id = depot_identity(l->world->depot);
	const uint8_t *inner;
	enum item_type inner_type;
	struct receipt r;
	uint64_t position;
	size_t n;

	MUST((l->n++ == 0) == (type == ITEM_WELCOME));
	if (type == ITEM_WELCOME) {
		MUST(exchange_welcome_read(p, len, &a->welcome) == RC_OK);
		MUST(exchange_welcome_verify(p, len, id->sign_public) == RC_OK);
	} else if (type == ITEM_RECEIPT) {
		MUST(exchange_receipt_read(p, len, &r) == RC_OK);
		MUST(exchange_receipt_verify(p, len, id->sign_public) == RC_OK);
		a->n_receipts++;
		for (size_t i = 0; i < r.n_frames && a->n_receipted < WORLD_FRAMES_MAX; i++)
			memcpy(a->receipted[a->n_receipted++], r.frames[i], FRAME_ID_BYTES);
		exchange_receipt_reset(&r);
	} else if (type == ITEM_STATEMENT) {
		a->n_statements++;
	} else if (type == ITEM_FRAME) {
		MUST(exchange_frame_down_read(p, len, &position, &inner, &n) == RC_OK);
		MUST(a->n_frames < WORLD_FRAMES_MAX);
		MUST(a->n_frames == 0 || position > a->positions[a->n_frames - 1]);
		frame_id(inner, n, a->frames[a->n_frames]);
		a->positions[a->n_frames++] = position;
	} else if (type == ITEM_LANE) {
		MUST(exchange_lane_read(p, len, &position, &inner_type, &inner, &n) == RC_OK);
		note_lane(a, inner_type, inner, n);
	} else {
		MUST(type == ITEM_END);
		MUST(exchange_end_read(p, len, &a->position, &a->more) == RC_OK);
		a->ended = true;
	}
	return RC_OK;
}

void
world_take_reply(struct world *w, const uint8_t *p, size_t len, struct heard *out)
{
	struct listening l = { w, out, 0 };
	struct exchange_stream s;

	out->bytes = len;
	exchange_stream_init(&s, listen, &l);
	s.way = EXCHANGE_DOWN;
	MUST(exchange_stream_feed(&s, p, len) == RC_OK);
	MUST(out->ended == s.ended);
	exchange_stream_reset(&s);
}

void
world_say(struct world *w, const struct bytes *request, size_t step, struct heard *out)
{
	struct relay_session *s = NULL;
	struct bytes reply = { 0 };
	uint8_t buf[777];
	size_t n = 1;

	memset(out, 0, sizeof(*out));
	MUST(relay_session_new(w->relay, &s) == RC_OK);
	for (size_t at = 0; out->rc == RC_OK && at < request->len; at += n) {
		n = request->len - at < step ? request->len - at : step;
		out->rc = relay_session_feed(s, request->data + at, n);
	}
	if (out->rc == RC_OK)
		out->rc = relay_session_finish(s);
	for (n = 1; out->rc == RC_OK && n > 0; ) {
		out->rc = relay_reply_next(s, buf, sizeof(buf), &n);
		bytes_put(&reply, buf, n);
	}
	relay_session_free(s);
	if (out->rc == RC_OK) {
		world_take_reply(w, reply.data, reply.len, out);
		MUST(out->ended);
	}
	bytes_reset(&reply);
}

void
worker_learn(struct worker *k, const struct heard *a)
{
	enum exchange_status status = a->welcome.status;

	if (status == STATUS_UNKNOWN_DEVICE || status == STATUS_OTHER_PROVINCE)
		return;
	memcpy(k->nonce, a->welcome.nonce, sizeof(k->nonce));
	memcpy(k->generation, a->welcome.generation, sizeof(k->generation));
	if (status != STATUS_OK)
		return;
	k->with_certificate = false;
	k->directory_seq += a->n_statements;
	if (a->position >= k->position && a->position > 0) {
		k->position = a->position;
		k->n_behind = 0;
	}
	for (size_t i = 0; i < k->n_behind; i++)
		if (a->position > k->behind[i].position)
			k->behind[i].position = a->position;
}

void
worker_sync(struct worker *k, const struct bytes *items, struct heard *out)
{
	struct bytes request = worker_request(k, items, true);

	world_say(k->world, &request, 1000, out);
	bytes_reset(&request);
	if (out->rc == RC_OK)
		worker_learn(k, out);
}

void
worker_sync_ok(struct worker *k, const struct bytes *items, struct heard *out)
{
	worker_sync(k, items, out);
	MUST(out->rc == RC_OK);
	MUST(out->welcome.status == STATUS_OK);
}

void
heard_reset(struct heard *a)
{
	bytes_reset(&a->last_lane);
	memset(a, 0, sizeof(*a));
}

static bool
has(const uint8_t ids[][FRAME_ID_BYTES], size_t n, const struct bytes *frame)
{
	uint8_t id[FRAME_ID_BYTES];

	frame_id(frame->data, frame->len, id);
	for (size_t i = 0; i < n; i++)
		if (memcmp(ids[i], id, sizeof(id)) == 0)
			return true;
	return false;
}

bool
heard_receipts(const struct heard *a, const struct bytes *frame)
{
	return has(a->receipted, a->n_receipted, frame);
}

bool
heard_serves(const struct heard *a, const struct bytes *frame)
{
	return has(a->frames, a->n_frames, frame);
}
