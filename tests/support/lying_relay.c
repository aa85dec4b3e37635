#include "tests/support/lying_relay.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "shared/sync/directory.h"
#include "shared/sync/exchange.h"
#include "shared/web/http_server.h"
#include "sync-server/depot.h"
#include "tests/support/province.h"

static unsigned
begin(void *ctx, struct http_request *r)
{
	(void)r;
	bytes_reset(&((struct lying_relay *)ctx)->body);
	return 0;
}

static enum rc
body(void *ctx, struct http_request *r, const uint8_t *p, size_t len)
{
	(void)r;
	bytes_put(&((struct lying_relay *)ctx)->body, p, len);
	return RC_OK;
}

static void
put_welcome(struct lying_relay *l, struct bytes *out)
{
	const struct identity *id = depot_identity(l->p->served);
	const struct directory *d = depot_directory(l->p->served);
	struct welcome w = { .status = STATUS_OK, .now = l->p->now + l->clock_off,
		.last = l->last };
	struct bytes payload;
	struct reader in;
	const uint8_t *hello;
	size_t len;

	reader_init(&in, l->body.data, l->body.len);
	assert_int_equal(reader_u8(&in), ITEM_HELLO);
	hello = reader_span(&in, 1 << 20, &len);
	assert_non_null(hello);
	exchange_request_id(hello, len, w.request);
	memcpy(w.relay, id->device, sizeof(w.relay));
	memcpy(w.generation, l->generation, sizeof(w.generation));
	if (l->other_generation)
		memset(w.generation, (int)l->asked + 1, sizeof(w.generation));
	w.directory_seq = directory_count(d) - 1;
	(void)directory_head_at(d, w.directory_seq, w.directory_head);
	bytes_init(&payload);
	assert_int_equal(exchange_welcome_write(&w, id->sign_seed, &payload), RC_OK);
	exchange_put(out, ITEM_WELCOME, payload.data, payload.len);
	bytes_reset(&payload);
}

static void
answer(void *ctx, struct http_request *r)
{
	struct lying_relay *l = ctx;
	struct bytes out;

	bytes_init(&out);
	l->asked++;
	put_welcome(l, &out);
	if (l->say != NULL)
		l->say(l, &out);
	exchange_put_end_down(&out, NULL, l->position, !l->over);
	http_server_reply(r, 200, EXCHANGE_CONTENT_TYPE, out.data, out.len);
	bytes_reset(&out);
}

void
lying_relay_start(struct lying_relay *l, struct province *p)
{
	struct http_config c = { .address = "127.0.0.1", .ctx = l, .begin = begin, .body = body,
		.answer = answer, .body_max = 8 << 20 };
	struct error err = { 0 };

	memset(l, 0, sizeof(*l));
	l->p = p;
	memset(l->generation, 1, sizeof(l->generation));
	assert_int_equal(http_server_open(&c, &l->server, &err), RC_OK);
	assert_int_equal(http_server_start(l->server), RC_OK);
	snprintf(l->url, sizeof(l->url), "http://127.0.0.1:%u", (unsigned)http_server_port(l->server));
}

void
lying_relay_stop(struct lying_relay *l)
{
	http_server_close(l->server);
	bytes_reset(&l->body);
}
