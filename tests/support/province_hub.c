#include "tests/support/province_hub.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/sync/transport.h"
#include "shared/vault/secret.h"
#include "sync-server/authority.h"
#include "sync-server/depot.h"
#include "sync-server/operator_hub.h"
#include "sync-server/relay_http.h"

void
province_hub_up(struct province_hub *h)
{
	struct relay_http_config config = { .clock = h->p.clock, .address = "127.0.0.1",
		.per_minute = 100000 };
	struct error err = { 0 };

	assert_int_equal(depot_open(h->dir, &h->served, &err), RC_OK);
	assert_int_equal(depot_open(h->dir, &h->own, &err), RC_OK);
	config.depot = h->served;
	assert_int_equal(relay_http_open(&config, &h->http, &err), RC_OK);
	assert_int_equal(relay_http_start(h->http), RC_OK);
	snprintf(h->url, sizeof(h->url), "http://127.0.0.1:%u", (unsigned)relay_http_port(h->http));
	assert_int_equal(relay_upstream_new(h->own, &h->p.clock, &h->upstream), RC_OK);
}

void
province_hub_down(struct province_hub *h)
{
	relay_http_close(h->http);
	relay_upstream_free(h->upstream);
	depot_close(h->own);
	depot_close(h->served);
}

void
province_hub_invite(struct province_hub *h, const char *unit, const char *dir)
{
	struct authority_invite invite = { unit, ROLE_RELAY, "Trạm Thử Một", 14, h->p.url, "" };
	struct invitation_parcel parcel;
	struct invitation inv;
	struct secret *code = NULL;
	struct bytes file;
	struct error err = { 0 };
	uint8_t id[16], other[IDENTITY_ID_BYTES];

	bytes_init(&file);
	assert_int_equal(authority_invite(h->p.authority, &invite, id, &file, &code, &err), RC_OK);
	assert_int_equal(identity_parcel_open(file.data, file.len, code, &parcel, &err), RC_OK);
	assert_int_equal(parcel.n_secrets, 0);
	assert_int_equal(operator_hub_join(dir, &parcel, h->p.now, &inv, h->device, &err), RC_OK);
	assert_int_equal(operator_hub_join(dir, &parcel, h->p.now, &inv, other, &err), RC_EXISTS);
	identity_parcel_reset(&parcel);
	bytes_reset(&file);
	secret_free(code);
}

enum rc
province_hub_try_upstream(struct province_hub *h, const char *url, struct relay_upstream_result *r)
{
	struct transport *t = NULL;
	struct error err = { 0 };
	enum rc rc;

	assert_int_equal(transport_open(url, "", false, &t, &err), RC_OK);
	rc = relay_upstream_sync(h->upstream, t, r, &err);
	transport_close(t);
	if (rc != RC_OK)
		print_message("upstream: %s: %s\n", rc_name(rc), err.what);
	return rc;
}

struct relay_upstream_result
province_hub_upstream(struct province_hub *h)
{
	struct relay_upstream_result r;

	assert_int_equal(province_hub_try_upstream(h, h->p.url, &r), RC_OK);
	return r;
}

void
province_hub_start(struct province_hub *h)
{
	province_start(&h->p);
	snprintf(h->dir, sizeof(h->dir), "%s/hub", h->p.dir);
	province_hub_invite(h, "20", h->dir);
	province_hub_up(h);
	/* it shows its certificate; the authority admits it, and it learns of that */
	province_hub_upstream(h);
	province_meet(&h->p);
	province_hub_upstream(h);
}

void
province_hub_end(struct province_hub *h)
{
	province_hub_down(h);
	province_end(&h->p);
}

int
province_hub_set_up(void **state)
{
	struct province_hub *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	province_hub_start(h);
	*state = h;
	return 0;
}

int
province_hub_tear_down(void **state)
{
	province_hub_end(*state);
	free(*state);
	return 0;
}
