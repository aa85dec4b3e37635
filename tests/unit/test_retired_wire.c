#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/exchange.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"
#include "sync-server/authority_internal.h"
#include "sync-server/depot.h"
#include "tests/support/cut_proxy.h"
#include "tests/support/province_hub.h"

/* Every byte that a relay or a hub sends to a device that was shut out, taken apart. */

enum { CAPTURE_MAX = 1 << 20, HANDED_MAX = 64 };

static const char later_units[] =
    "code,full_name_vi,name_vi,level,kind,parent_code\n"
    "20,Tỉnh Lạng Sơn,Lạng Sơn,PROV,TINH,\n"
    "06001,Xã Thử Một,Thử Một,COMM,XA,20\n"
    "06002,Xã Thử Hai,Thử Hai,COMM,XA,20\n"
    "06009,Xã Mới Lập,Mới Lập,COMM,XA,20\n";

/* What passed between a device and a relay. */
struct talk {
	uint8_t handed[HANDED_MAX][FRAME_ID_BYTES];	/* frames that went up */
	size_t n_handed;
	struct bytes down;			/* all bytes that came, HTTP included */
	struct bytes retirement;		/* the statement that it may be told */
	uint8_t relay[16];
	size_t n_welcomes, n_receipted, n_statements;
	unsigned statuses;			/* a bit for each */
};

static const void *
find(const void *hay, size_t len, const void *needle, size_t n)
{
	for (const uint8_t *p = hay; len >= n; p++, len--)
		if (memcmp(p, needle, n) == 0)
			return p;
	return NULL;
}

/* ---- HTTP ---- */

/* The chunks of a body, joined; how many bytes they took. */
static size_t
join_chunks(const uint8_t *p, size_t len, struct bytes *body)
{
	size_t at = 0, n;
	const uint8_t *end;

	do {
		assert_non_null(end = find(p + at, len - at, "\r\n", 2));
		n = strtoul((const char *)p + at, NULL, 16);
		at = (size_t)(end + 2 - p);
		assert_true(at + n + 2 <= len);
		bytes_put(body, p + at, n);
		at += n + 2;
	} while (n > 0);
	return at;
}

/* Give every message of one way of a connection to `each`, taken apart into items. */
static void
take_apart(enum exchange_way way, const uint8_t *p, size_t len,
    enum rc (*each)(void *ctx, enum item_type type, const uint8_t *payload, size_t n), struct talk *t)
{
	struct exchange_stream stream;
	struct bytes body;
	const uint8_t *end, *field;
	size_t head;

	while (len > 0) {
		assert_non_null(end = find(p, len, "\r\n\r\n", 4));
		head = (size_t)(end + 4 - p);
		bytes_init(&body);
		if (find(p, head, "chunked", 7) != NULL) {
			head += join_chunks(p + head, len - head, &body);
		} else if ((field = find(p, head, "Content-Length: ", 16)) != NULL) {
			bytes_put(&body, p + head, strtoul((const char *)field + 16, NULL, 10));
			head += body.len;
			assert_true(head <= len);
		}
		exchange_stream_init(&stream, each, t);
		stream.way = way;
		assert_int_equal(exchange_stream_feed(&stream, body.data, body.len), RC_OK);
		assert_true(stream.ended || body.len == 0);
		exchange_stream_reset(&stream);
		bytes_reset(&body);
		p += head;
		len -= head;
	}
}

static enum rc
note_frame(void *ctx, enum item_type type, const uint8_t *payload, size_t len)
{
	struct talk *t = ctx;

	if (type != ITEM_FRAME)
		return RC_OK;
	assert_true(t->n_handed < HANDED_MAX);
	frame_id(payload, len, t->handed[t->n_handed++]);
	return RC_OK;
}

/* ---- what a device that was shut out may hear ---- */

/* No word of the directory, of what the relay has, or of what it did. */
static void
judge_welcome(struct talk *t, const uint8_t *p, size_t len)
{
	static const uint8_t none[16];
	struct welcome w;

	assert_int_equal(exchange_welcome_read(p, len, &w), RC_OK);
	assert_memory_equal(w.relay, t->relay, 16);
	assert_int_equal(w.directory_seq + w.last + w.audit, 0);
	assert_memory_equal(w.directory_head, none, 16);
	assert_memory_equal(w.audit_head, none, 16);
	assert_true(w.quarantined <= t->n_handed);
	t->statuses |= 1u << w.status;
	t->n_welcomes++;
}

/* Of what it handed in itself. */
static void
judge_receipt(struct talk *t, const uint8_t *p, size_t len)
{
	struct receipt r;
	size_t k;

	assert_int_equal(exchange_receipt_read(p, len, &r), RC_OK);
	assert_int_equal(r.kind, RECEIPT_STORED);
	assert_memory_equal(r.signer, t->relay, 16);
	for (size_t i = 0; i < r.n_frames; i++) {
		for (k = 0; k < t->n_handed && memcmp(r.frames[i], t->handed[k], FRAME_ID_BYTES) != 0; k++)
			;
		assert_true(k < t->n_handed);
	}
	t->n_receipted += r.n_frames;
	exchange_receipt_reset(&r);
}

static enum rc
judge(void *ctx, enum item_type type, const uint8_t *payload, size_t len)
{
	struct talk *t = ctx;
	uint64_t position;
	bool more;

	if (type == ITEM_WELCOME) {
		judge_welcome(t, payload, len);
	} else if (type == ITEM_RECEIPT) {
		judge_receipt(t, payload, len);
	} else if (type == ITEM_STATEMENT) {
		assert_int_equal(len, t->retirement.len);
		assert_memory_equal(payload, t->retirement.data, len);
		t->n_statements++;
	} else if (type == ITEM_END) {
		assert_int_equal(exchange_end_read(payload, len, &position, &more), RC_OK);
		assert_int_equal(position, 0);
		assert_false(more);
	} else {
		fail_msg("an item of type %d", (int)type);
	}
	return RC_OK;
}

static void
assert_unheard(const struct talk *t, const void *what, size_t len)
{
	assert_null(find(t->down.data, t->down.len, what, len));
}

/* Sync at `url`, listen, and judge what came down. */
static struct replica_sync_result
listen_in(struct province_hub *h, struct workspace *ws, const char *url, const uint8_t relay[16],
    struct talk *t)
{
	static const char *const names[] = { "06001", "06009", "Thử", "Lạng Sơn", "Mới Lập" };
	static uint8_t buf[CAPTURE_MAX];
	struct cut_proxy *proxy = cut_proxy_open(url);
	struct replica_sync_result r;
	struct error err = { 0 };
	uint64_t seq;
	size_t n;

	memset(t, 0, sizeof(*t));
	memcpy(t->relay, relay, sizeof(t->relay));
	assert_int_equal(depot_refresh(h->p.depot), RC_OK);
	assert_int_equal(depot_retired_at(h->p.depot, replica_device(ws->replica), &seq), RC_OK);
	assert_int_equal(depot_statement(h->p.depot, seq, &t->retirement), RC_OK);
	cut_proxy_allow(proxy, CUT_PROXY_WHOLE, CUT_PROXY_WHOLE);
	assert_int_equal(workspace_sync(ws, cut_proxy_url(proxy), &r, &err), RC_DENIED);
	n = cut_proxy_upload(proxy, buf, CAPTURE_MAX);
	assert_true(n > 0 && n < CAPTURE_MAX);
	take_apart(EXCHANGE_UP, buf, n, note_frame, t);
	n = cut_proxy_download(proxy, buf, CAPTURE_MAX);
	assert_true(n > 0 && n < CAPTURE_MAX);
	bytes_put(&t->down, buf, n);
	cut_proxy_close(proxy);
	take_apart(EXCHANGE_DOWN, t->down.data, t->down.len, judge, t);
	assert_int_equal(t->n_welcomes, r.requests);
	/* the names and numbers of others are in no byte of it, HTTP included */
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_unheard(t, names[i], strlen(names[i]));
	return r;
}

static void
talk_reset(struct talk *t)
{
	bytes_reset(&t->down);
	bytes_reset(&t->retirement);
}

/* A device has had much; then much happens that it does not hear of, and it is retired in the middle. */
static void
retire_among_much(struct province_hub *h, struct workspace *gone, struct workspace *colleague)
{
	struct authority_import units;
	struct error err = { 0 };
	size_t n;

	assert_int_equal(authority_import_units(h->p.authority, "units.csv",
	    (const uint8_t *)later_units, sizeof(later_units) - 1, NULL, &units, &err), RC_OK);
	assert_int_equal(units.added, 1);
	province_add(colleague, "outreach", PROVINCE_VISIT);
	province_sync(&h->p, colleague);
	assert_int_equal(authority_rotate(h->p.authority, "20", true, &n, &err), RC_OK);
	province_retire(&h->p, gone);
	province_sync(&h->p, colleague);
	province_add(colleague, "outreach", PROVINCE_VISIT);
	province_sync(&h->p, colleague);
	province_hub_upstream(h);
}

static void
a_relay_tells_it_of_its_retirement_and_what_it_handed_in_and_nothing_else(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(&h->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *far = province_device(&h->p, "06002", ROLE_CASEWORKER, "Lý A Sáng");
	const uint8_t *relay = depot_identity(h->p.depot)->device;
	struct replica_sync_result r;
	struct bytes stick;
	struct error err = { 0 };
	uint64_t statements;
	struct talk t;

	province_sync(&h->p, a);
	province_sync(&h->p, b);
	province_sync(&h->p, far);
	province_meet(&h->p);
	province_add(far, "outreach", PROVINCE_VISIT);
	bytes_init(&stick);
	assert_int_equal(replica_bundle_write(far->replica, &stick, &r, &err), RC_OK);
	assert_int_equal(replica_bundle_read(a->replica, "stick", stick.data, stick.len, &r, &err), RC_OK);
	bytes_reset(&stick);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_add(a, "outreach", PROVINCE_VISIT);
	statements = directory_count(replica_directory(a->replica));
	retire_among_much(h, a, b);
	r = listen_in(h, a, h->p.url, relay, &t);
	assert_int_equal(t.statuses, 1u << STATUS_RETIRED);
	assert_true(t.n_statements > 0);
	assert_true(t.n_handed >= 2 && t.n_receipted == t.n_handed);
	assert_unheard(&t, replica_device(b->replica), 16);
	/* it learned what it must, to go */
	assert_true(r.may_wipe);
	assert_int_equal(r.received_frames, 0);
	assert_int_equal(directory_count(replica_directory(a->replica)), statements);
	assert_null(directory_unit(replica_directory(a->replica), "06009"));
	talk_reset(&t);
	workspace_close(a);
	workspace_close(b);
	workspace_close(far);
}

static void
nor_does_it_hear_more_under_a_stale_nonce_or_from_a_restored_relay(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(&h->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	const uint8_t *relay = depot_identity(h->p.depot)->device;
	struct error err = { 0 };
	struct talk t;

	province_sync(&h->p, a);
	province_sync(&h->p, b);
	province_meet(&h->p);
	province_add(a, "outreach", PROVINCE_VISIT);
	retire_among_much(h, a, b);
	assert_int_equal(query_run(vault_db(a->vault), &err, "UPDATE setting SET value ="
	    " randomblob(16) WHERE name = 'nonce'", ""), RC_OK);
	assert_true(listen_in(h, a, h->p.url, relay, &t).may_wipe);
	assert_int_equal(t.statuses, 1u << STATUS_RETIRED | 1u << STATUS_STALE);
	talk_reset(&t);
	assert_int_equal(depot_renew_generation(h->p.depot), RC_OK);
	assert_false(listen_in(h, a, h->p.url, relay, &t).may_wipe);
	assert_int_equal(t.statuses, 1u << STATUS_RETIRED);
	talk_reset(&t);
	assert_true(listen_in(h, a, h->p.url, relay, &t).may_wipe);
	assert_true(t.n_handed > 0);
	talk_reset(&t);
	workspace_close(a);
	workspace_close(b);
}

static void
a_hub_tells_it_no_more_and_it_goes_when_the_province_has_all(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(&h->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	const uint8_t *relay = depot_identity(h->p.depot)->device;
	struct talk t;

	province_sync(&h->p, a);
	province_sync(&h->p, b);
	province_meet(&h->p);
	province_add(a, "outreach", PROVINCE_VISIT);
	retire_among_much(h, a, b);
	assert_false(listen_in(h, a, h->url, h->device, &t).may_wipe);
	/* which had never seen it: a nonce of the province's relay is a stale one there */
	assert_int_equal(t.statuses, 1u << STATUS_RETIRED | 1u << STATUS_STALE);
	assert_true(t.n_statements > 0);
	assert_int_equal(t.n_receipted, 1);
	assert_unheard(&t, replica_device(b->replica), 16);
	talk_reset(&t);
	province_hub_upstream(h);
	assert_true(listen_in(h, a, h->p.url, relay, &t).may_wipe);
	talk_reset(&t);
	workspace_close(a);
	workspace_close(b);
}

/* One that was refused may come to belong after all: nothing is proved to it, and it wipes nothing. */
static void
a_refused_device_hears_nothing_of_the_directory(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct cut_proxy *proxy;
	struct bytes payload;
	struct replica_sync_result r;
	struct talk t = { 0 };
	struct error err = { 0 };
	static uint8_t buf[1 << 16];
	uint64_t seq;

	bytes_init(&payload);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(&h->p, a);
	memcpy(t.relay, depot_identity(h->p.depot)->device, sizeof(t.relay));
	directory_write_refuse(replica_device(a->replica), "kiểm tra", &payload);
	assert_int_equal(authority_begin(h->p.authority, &err), RC_OK);
	assert_int_equal(authority_end(h->p.authority, authority_statement(h->p.authority,
	    STATEMENT_REFUSE, &payload, &seq, &err), &err), RC_OK);
	province_meet(&h->p);
	proxy = cut_proxy_open(h->p.url);
	error_clear(&err);
	assert_int_equal(workspace_sync(a, cut_proxy_url(proxy), &r, &err), RC_DENIED);
	assert_false(r.may_wipe);
	assert_non_null(strstr(err.what, "turns this device away"));
	take_apart(EXCHANGE_DOWN, buf, cut_proxy_download(proxy, buf, sizeof(buf)), judge, &t);
	assert_int_equal(t.n_statements + t.n_receipted, 0);
	assert_int_equal(t.statuses, 1u << STATUS_RETIRED);
	cut_proxy_close(proxy);
	bytes_reset(&payload);
	workspace_close(a);
}

/* ---- a stick shows what it shows to whoever finds it, and no key for who was retired ---- */

static enum rc
judge_stick(void *ctx, enum item_type type, const uint8_t *payload, size_t len)
{
	const uint8_t *device = ctx;
	struct share share;

	assert_int_not_equal(type, ITEM_SHARE);
	assert_int_not_equal(type, ITEM_SHARE_LIST);
	if (type != ITEM_KEY)
		return RC_OK;
	assert_int_equal(directory_share_read(payload, len, &share), RC_OK);
	assert_true(share.to_device);
	assert_memory_not_equal(share.to_device_id, device, 16);
	return RC_OK;
}

static void
a_colleagues_stick_has_no_key_for_it_and_opens_nothing_new(void **state)
{
	enum { BUNDLE_HEAD = 2 + 1 + 8 };
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(&h->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *late = province_device(&h->p, "06001", ROLE_CASEWORKER, "Lý A Sáng");
	struct exchange_stream stream;
	struct replica_sync_result r;
	struct bytes stick;
	struct error err = { 0 };
	uint8_t self[16];
	uint64_t keys;

	province_sync(&h->p, a);
	province_sync(&h->p, b);
	province_sync(&h->p, late);
	province_meet(&h->p);
	retire_among_much(h, a, b);
	memcpy(self, replica_device(a->replica), sizeof(self));
	bytes_init(&stick);
	assert_int_equal(replica_bundle_write(b->replica, &stick, &r, &err), RC_OK);
	exchange_stream_init(&stream, judge_stick, self);
	assert_int_equal(exchange_stream_feed(&stream, stick.data + BUNDLE_HEAD, stick.len - BUNDLE_HEAD),
	    RC_OK);
	assert_true(stream.ended);
	exchange_stream_reset(&stream);
	keys = province_count(a, "SELECT count(*) FROM scope_secret");
	assert_int_equal(replica_bundle_read(a->replica, "stick", stick.data, stick.len, &r, &err), RC_OK);
	assert_int_equal(province_count(a, "SELECT count(*) FROM scope_secret"), keys);
	assert_int_equal(province_status(a).waiting, 1);	/* sealed by b after it had heard */
	/* the same stick serves one who is in use */
	assert_int_equal(replica_bundle_read(late->replica, "stick", stick.data, stick.len, &r, &err), RC_OK);
	assert_int_equal(province_status(late).waiting, 0);
	assert_int_equal(province_status(late).records, 2);
	bytes_reset(&stick);
	workspace_close(a);
	workspace_close(b);
	workspace_close(late);
}

#define T(name) cmocka_unit_test_setup_teardown(name, province_hub_set_up,\
    province_hub_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_relay_tells_it_of_its_retirement_and_what_it_handed_in_and_nothing_else),
		T(nor_does_it_hear_more_under_a_stale_nonce_or_from_a_restored_relay),
		T(a_hub_tells_it_no_more_and_it_goes_when_the_province_has_all),
		T(a_refused_device_hears_nothing_of_the_directory),
		T(a_colleagues_stick_has_no_key_for_it_and_opens_nothing_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
