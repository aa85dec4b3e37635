#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/files.h"
#include "shared/sync/exchange.h"
#include "shared/sync/seal.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"
#include "tests/support/world.h"

/* A province with a middle tier: 20 -> K1 (region) -> two communes; and a commune right under 20. */
const char world_province[] =
    "code,full_name_vi,name_vi,level,kind,parent_code,sync_point\n"
    "06040,Xã Thất Khê,Thất Khê,COMM,XA,K1,\n"
    "20,Tỉnh Lạng Sơn,Lạng Sơn,PROV,TINH,,1\n"
    "K1,Cụm Tràng Định,Tràng Định,DIST,CUM,20,1\n"
    "06004,Xã Quốc Khánh,Quốc Khánh,COMM,XA,K1,0\n"
    "05977,Phường Đông Kinh,Đông Kinh,COMM,PHUONG,20,\n";

void
world_open_again(struct world *w)
{
	struct vault *v;

	authority_close(w->a);
	w->a = NULL;
	assert_int_equal(vault_open_with_master(w->dir, w->master, &v, &w->err), RC_OK);
	assert_int_equal(authority_open(v, &w->clock, &w->a, &w->err), RC_OK);
	w->vault = v;
}

int
world_make(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct bytes certificate;
	struct vault *v;

	assert_non_null(w);
	snprintf(w->dir, sizeof(w->dir), "/tmp/test-authority-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(secret_start(), RC_OK);
	w->now = 1780000000;
	w->clock = clock_fixed(&w->now);
	assert_int_equal(secret_random(SECRET_KEY_BYTES, &w->master), RC_OK);
	assert_int_equal(vault_create_with_master(w->dir, w->master, &v, &w->err), RC_OK);
	assert_int_equal(authority_create(v, "Lạng Sơn", &w->clock, &w->a, &w->err), RC_OK);
	w->vault = v;
	assert_int_equal(identity_make(&w->relay), RC_OK);
	bytes_init(&certificate);
	assert_int_equal(authority_admit_relay(w->a, &w->relay, &certificate, &w->err), RC_OK);
	bytes_reset(&certificate);
	*state = w;
	return 0;
}

int
world_end(void **state)
{
	struct world *w = *state;
	char path[FILES_PATH_MAX];
	char **names;
	size_t n;

	authority_close(w->a);
	identity_reset(&w->relay);
	secret_free(w->master);
	assert_int_equal(files_list(w->dir, &names, &n, NULL), RC_OK);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(files_join(w->dir, names[i], path), RC_OK);
		unlink(path);
	}
	files_names_free(names, n);
	rmdir(w->dir);
	free(w);
	return 0;
}

enum rc
world_import(struct world *w, const char *csv, struct authority_import *out)
{
	error_clear(&w->err);
	return authority_import_units(w->a, "units.csv", (const uint8_t *)csv, strlen(csv), NULL, out,
	    &w->err);
}

void
world_import_province(struct world *w)
{
	struct authority_import count;

	assert_int_equal(world_import(w, world_province, &count), RC_OK);
	assert_int_equal(count.added, 5);
}

void
world_invite(struct world *w, const char *unit, enum identity_role role,
    uint8_t id[IDENTITY_ID_BYTES], struct bytes *file, struct secret **code)
{
	struct authority_invite request = { unit, role, "Hoàng Thị Mai", 14, "http://127.0.0.1:1", "" };

	bytes_init(file);
	assert_int_equal(authority_invite(w->a, &request, id, file, code, &w->err), RC_OK);
}

void
world_use(struct world *w, const struct bytes *file, const struct secret *code,
    struct laptop *out)
{
	memset(out, 0, sizeof(*out));
	bytes_init(&out->certificate);
	assert_int_equal(identity_parcel_open(file->data, file->len, code, &out->parcel, &w->err),
	    RC_OK);
	assert_int_equal(identity_invitation_read(out->parcel.invitation.data,
	    out->parcel.invitation.len, directory_root(authority_directory(w->a)),
	    &out->invitation), RC_OK);
	assert_int_equal(identity_make(&out->identity), RC_OK);
	assert_int_equal(identity_certificate_make(&out->identity, out->parcel.invitation.data,
	    out->parcel.invitation.len, out->parcel.seed, w->now, (const uint8_t *)"", 0,
	    &out->certificate), RC_OK);
}

void
world_join(struct world *w, const char *unit, enum identity_role role, struct laptop *out)
{
	uint8_t id[IDENTITY_ID_BYTES];
	struct secret *code;
	struct bytes file;

	world_invite(w, unit, role, id, &file, &code);
	world_use(w, &file, code, out);
	bytes_reset(&file);
	secret_free(code);
}

void
world_laptop_reset(struct laptop *l)
{
	identity_parcel_reset(&l->parcel);
	identity_reset(&l->identity);
	bytes_reset(&l->certificate);
}

/* The root item of a request: the last one before `end`. */
void
world_read_request(const struct bytes *request, struct root_hello *hello, uint8_t id[16],
    size_t *statements)
{
	struct reader r;
	const uint8_t *p;
	size_t len;
	uint8_t type;

	*statements = 0;
	assert_int_equal(root_exchange_check_start(request->data, request->len), RC_OK);
	reader_init(&r, request->data, request->len);
	reader_take(&r, ROOT_EXCHANGE_START);
	while (reader_left(&r) > 0) {
		type = reader_u8(&r);
		p = reader_span(&r, EXCHANGE_ITEM_MAX, &len);
		assert_non_null(p);
		if (type == ITEM_STATEMENT)
			*statements += 1;
		if (type != ITEM_ROOT)
			continue;
		assert_int_equal(root_exchange_read(p, len, hello), RC_OK);
		exchange_request_id(p, len, id);
	}
	assert_false(r.bad);
}

void
world_answer(struct world *w, const struct answer *what, struct bytes *out)
{
	const struct directory *d = authority_directory(w->a);
	struct root_hello hello = { 0 };
	struct relay_state state = { 0 };
	struct bytes request, item;
	size_t statements;

	bytes_init(&request);
	bytes_init(&item);
	bytes_init(out);
	assert_int_equal(authority_request(w->a, &request, &w->err), RC_OK);
	world_read_request(&request, &hello, state.request, &statements);
	root_exchange_start(out);
	for (size_t i = 0; i < 4 && what->laptops[i] != NULL; i++)
		exchange_put(out, ITEM_CERTIFICATE, what->laptops[i]->certificate.data,
		    what->laptops[i]->certificate.len);
	root_exchange_heads_write(what->heads, what->n_heads, &item);
	exchange_put(out, ITEM_RELAY_HEADS, item.data, item.len);
	root_exchange_quarantine_write(what->aside, what->n_aside, &item);
	exchange_put(out, ITEM_QUARANTINE, item.data, item.len);
	memset(state.generation, 7, sizeof(state.generation));
	state.statements = directory_count(d);
	directory_head(d, state.directory_head);
	if (what->is_ahead) {
		state.statements++;
		memset(state.directory_head, 1, sizeof(state.directory_head));
	}
	if (what->differs)
		state.directory_head[0] ^= 1;
	if (what->n_waiting > 0) {
		state.waiting = calloc(what->n_waiting, sizeof(*state.waiting));
		assert_non_null(state.waiting);
		memcpy(state.waiting, what->waiting, what->n_waiting * sizeof(*state.waiting));
		state.n_waiting = what->n_waiting;
	}
	memcpy(state.relay, w->relay.device, sizeof(state.relay));
	assert_int_equal(root_exchange_state_sign(&state, w->relay.sign_seed, out), RC_OK);
	root_exchange_state_reset(&state);
	bytes_reset(&request);
	bytes_reset(&item);
}

void
world_meet(struct world *w, const struct answer *what, struct authority_meeting *out)
{
	struct bytes reply;

	world_answer(w, what, &reply);
	assert_int_equal(authority_reply(w->a, reply.data, reply.len, out, &w->err), RC_OK);
	bytes_reset(&reply);
}

/* A laptop that joined and that the authority has admitted. */
void
world_join_and_admit(struct world *w, const char *unit, enum identity_role role, struct laptop *out)
{
	struct authority_meeting m;
	struct answer answer = { .laptops = { out } };

	world_join(w, unit, role, out);
	world_meet(w, &answer, &m);
	assert_int_equal(m.admitted, 1);
}

/* ---- who can open what ---- */

enum { SECRETS_MAX = 256 };
struct ring {
	struct scope_key keys[SECRETS_MAX];
	struct secret *secrets[SECRETS_MAX];
	size_t n;
};

static const struct secret *
ring_find(const struct ring *r, const char *unit, unsigned compartment, uint32_t epoch)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->keys[i].unit, unit) == 0 && r->keys[i].compartment == compartment &&
		    r->keys[i].epoch == epoch)
			return r->secrets[i];
	return NULL;
}

static void
ring_add(struct world *w, struct ring *r, const char *unit, unsigned compartment,
    uint32_t epoch, struct secret *s)
{
	const struct scope_key *k = directory_scope_key_at(authority_directory(w->a), unit,
	    compartment, epoch);
	uint8_t public_key[32];

	assert_non_null(k);
	assert_int_equal(seal_box_keys(s, public_key), RC_OK);
	assert_memory_equal(public_key, k->public_key, 32);
	assert_true(r->n < SECRETS_MAX);
	r->keys[r->n] = *k;
	r->secrets[r->n++] = s;
}

/*
 * Everything that a laptop comes to, from its invitation and all share lists that were
 * ever published, whoever they are for: so what it lacks it cannot have.
 */
static void
ring_fill(struct world *w, const struct laptop *l, struct ring *r)
{
	struct sqlite3_stmt *q;
	struct share share;
	bool row, grew = true;

	memset(r, 0, sizeof(*r));
	for (size_t i = 0; i < l->parcel.n_secrets; i++) {
		const struct scope_secret *s = &l->parcel.secrets[i];
		struct secret *copy;

		assert_int_equal(secret_from(secret_bytes(s->key), 32, &copy), RC_OK);
		ring_add(w, r, s->unit, s->compartment, s->epoch, copy);
	}
	while (grew) {
		grew = false;
		assert_int_equal(query_open(vault_db(w->vault), &w->err, &q, "SELECT bytes FROM share",
		    ""), RC_OK);
		while (query_next(q, &row, &w->err) == RC_OK && row) {
			size_t len;
			const uint8_t *p = query_column_blob(q, 0, &len);
			const struct scope_key *to;
			const struct secret *key;
			struct secret *s = NULL;

			assert_int_equal(directory_share_read(p, len, &share), RC_OK);
			if (ring_find(r, share.unit, share.compartment, share.epoch) != NULL)
				continue;
			if (share.to_device) {
				if (seal_box_open(l->identity.box_public, l->identity.box_key,
				    share.sealed, sizeof(share.sealed), &s) != RC_OK)
					continue;
			} else {
				to = directory_scope_key_at(authority_directory(w->a), share.to_unit,
				    share.to_compartment, share.to_epoch);
				key = ring_find(r, share.to_unit, share.to_compartment, share.to_epoch);
				assert_non_null(to);
				if (key == NULL)
					continue;
				assert_int_equal(seal_box_open(to->public_key, key, share.sealed,
				    sizeof(share.sealed), &s), RC_OK);
			}
			ring_add(w, r, share.unit, share.compartment, share.epoch, s);
			grew = true;
		}
		query_close(q);
	}
}

static void
ring_reset(struct ring *r)
{
	for (size_t i = 0; i < r->n; i++)
		secret_free(r->secrets[i]);
	memset(r, 0, sizeof(*r));
}

uint32_t
world_newest(struct world *w, const char *unit, unsigned compartment)
{
	return directory_scope_key(authority_directory(w->a), unit, compartment)->epoch;
}

bool
world_opens(struct world *w, const struct laptop *l, const char *unit, unsigned compartment,
    uint32_t epoch)
{
	struct ring r;
	bool found;

	ring_fill(w, l, &r);
	found = ring_find(&r, unit, compartment, epoch) != NULL;
	ring_reset(&r);
	(void)w;
	return found;
}
