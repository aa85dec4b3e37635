#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/files.h"
#include "shared/forms/form.h"
#include "shared/sync/exchange.h"
#include "shared/sync/seal.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/root_exchange.h"

/* A province with a middle tier: 20 -> K1 (region) -> two communes; and a commune right under 20. */
static const char province[] =
    "code,full_name_vi,name_vi,level,kind,parent_code,sync_point\n"
    "06040,Xã Thất Khê,Thất Khê,COMM,XA,K1,\n"
    "20,Tỉnh Lạng Sơn,Lạng Sơn,PROV,TINH,,1\n"
    "K1,Cụm Tràng Định,Tràng Định,DIST,CUM,20,1\n"
    "06004,Xã Quốc Khánh,Quốc Khánh,COMM,XA,K1,0\n"
    "05977,Phường Đông Kinh,Đông Kinh,COMM,PHUONG,20,\n";

struct world {
	char dir[64];
	int64_t now;
	struct clock clock;
	struct secret *master;
	struct vault *vault;		/* borrowed: a has it */
	struct authority *a;
	struct identity relay;
	struct error err;
};

static void
open_again(struct world *w)
{
	struct vault *v;

	authority_close(w->a);
	w->a = NULL;
	assert_int_equal(vault_open_with_master(w->dir, w->master, &v, &w->err), RC_OK);
	assert_int_equal(authority_open(v, &w->clock, &w->a, &w->err), RC_OK);
}

static int
make_world(void **state)
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

static int
end_world(void **state)
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

static enum rc
import(struct world *w, const char *csv, struct authority_import *out)
{
	error_clear(&w->err);
	return authority_import_units(w->a, "units.csv", (const uint8_t *)csv, strlen(csv), out,
	    &w->err);
}

static void
import_province(struct world *w)
{
	struct authority_import count;

	assert_int_equal(import(w, province, &count), RC_OK);
	assert_int_equal(count.added, 5);
}

/* ---- a device, made from an invitation as a laptop makes it, with plain calls ---- */

struct laptop {
	struct invitation_parcel parcel;
	struct invitation invitation;
	struct identity identity;
	struct bytes certificate;
};

static void
invite(struct world *w, const char *unit, enum identity_role role,
    uint8_t id[IDENTITY_ID_BYTES], struct bytes *file, struct secret **code)
{
	struct authority_invite request = { unit, role, "Hoàng Thị Mai", 14, "http://127.0.0.1:1", "" };

	bytes_init(file);
	assert_int_equal(authority_invite(w->a, &request, id, file, code, &w->err), RC_OK);
}

static void
use_invitation(struct world *w, const struct bytes *file, const struct secret *code,
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

static void
join(struct world *w, const char *unit, enum identity_role role, struct laptop *out)
{
	uint8_t id[IDENTITY_ID_BYTES];
	struct secret *code;
	struct bytes file;

	invite(w, unit, role, id, &file, &code);
	use_invitation(w, &file, code, out);
	bytes_reset(&file);
	secret_free(code);
}

static void
laptop_reset(struct laptop *l)
{
	identity_parcel_reset(&l->parcel);
	identity_reset(&l->identity);
	bytes_reset(&l->certificate);
}

/* ---- a relay's answer, signed by the relay's key ---- */

struct answer {
	const struct laptop *laptops[4];
	struct relay_waiting waiting[4];
	size_t n_waiting;
	struct relay_head heads[4];
	size_t n_heads;
	struct relay_aside aside[1];
	size_t n_aside;
	bool is_ahead;			/* it has one statement more than it was sent */
	bool differs;			/* it has another last statement */
};

/* The root item of a request: the last one before `end`. */
static void
read_request(const struct bytes *request, struct root_hello *hello, uint8_t id[16],
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

static void
answer_request(struct world *w, const struct answer *what, struct bytes *out)
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
	read_request(&request, &hello, state.request, &statements);
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

static void
meet(struct world *w, const struct answer *what, struct authority_meeting *out)
{
	struct bytes reply;

	answer_request(w, what, &reply);
	assert_int_equal(authority_reply(w->a, reply.data, reply.len, out, &w->err), RC_OK);
	bytes_reset(&reply);
}

/* A laptop that joined and that the authority has admitted. */
static void
join_and_admit(struct world *w, const char *unit, enum identity_role role, struct laptop *out)
{
	struct authority_meeting m;
	struct answer answer = { .laptops = { out } };

	join(w, unit, role, out);
	meet(w, &answer, &m);
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
	struct vault *v;
	bool row, grew = true;

	memset(r, 0, sizeof(*r));
	for (size_t i = 0; i < l->parcel.n_secrets; i++) {
		const struct scope_secret *s = &l->parcel.secrets[i];
		struct secret *copy;

		assert_int_equal(secret_from(secret_bytes(s->key), 32, &copy), RC_OK);
		ring_add(w, r, s->unit, s->compartment, s->epoch, copy);
	}
	authority_close(w->a);
	w->a = NULL;
	assert_int_equal(vault_open_with_master(w->dir, w->master, &v, &w->err), RC_OK);
	assert_int_equal(authority_open(v, &w->clock, &w->a, &w->err), RC_OK);
	while (grew) {
		grew = false;
		assert_int_equal(query_open(vault_db(v), &w->err, &q, "SELECT bytes FROM share",
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

static uint32_t
newest(struct world *w, const char *unit, unsigned compartment)
{
	return directory_scope_key(authority_directory(w->a), unit, compartment)->epoch;
}

static bool
opens(struct world *w, const struct laptop *l, const char *unit, unsigned compartment,
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

/* ---- the tests ---- */

static void
keeps_its_province_over_a_restart(void **state)
{
	struct world *w = *state;
	char before[AUTHORITY_FINGERPRINT_MAX], after[AUTHORITY_FINGERPRINT_MAX];
	uint64_t checked;

	import_province(w);
	authority_fingerprint(w->a, before);
	assert_int_equal(strlen(before), 79);
	open_again(w);
	authority_fingerprint(w->a, after);
	assert_string_equal(before, after);
	assert_string_equal(directory_name(authority_directory(w->a)), "Lạng Sơn");
	assert_string_equal(directory_top_unit(authority_directory(w->a)), "20");
	if (authority_verify(w->a, &checked, &w->err) != RC_OK)
		fail_msg("%s: %s", w->err.where, w->err.what);
	/* genesis, relay, units, keys; their one list; five units' three secrets */
	assert_int_equal(checked, 4 + 1 + 15);
}

static void
refuses_a_second_province_in_one_vault(void **state)
{
	struct world *w = *state;
	struct authority *second;
	struct vault *v;

	authority_close(w->a);
	w->a = NULL;
	assert_int_equal(vault_open_with_master(w->dir, w->master, &v, &w->err), RC_OK);
	assert_int_equal(authority_create(v, "Khác", &w->clock, &second, &w->err), RC_EXISTS);
	assert_null(second);
	vault_close(v);
	open_again(w);
}

static void
imports_units_once_and_then_only_changes(void **state)
{
	struct world *w = *state;
	struct authority_import count;
	uint64_t before;
	static const char changed[] =
	    "code,full_name_vi,name_vi,level,kind,parent_code\n"
	    "06004,Xã Quốc Khánh,Quốc Khánh,COMM,XA,K1\n"
	    "05977,Phường Đông Kinh mới,Đông Kinh,COMM,PHUONG,20\n";

	import_province(w);
	before = directory_count(authority_directory(w->a));
	assert_int_equal(import(w, province, &count), RC_OK);
	assert_int_equal(count.unchanged, 5);
	assert_int_equal(directory_count(authority_directory(w->a)), before);
	assert_int_equal(import(w, changed, &count), RC_OK);
	assert_int_equal(count.added, 0);
	assert_int_equal(count.changed, 1);
	assert_int_equal(count.unchanged, 1);
	/* A new name costs one statement and no keys; columns that are missing leave what was. */
	assert_int_equal(directory_count(authority_directory(w->a)), before + 1);
	assert_int_equal(newest(w, "05977", 1), 1);
	assert_true(directory_unit(authority_directory(w->a), "20")->sync_point);
}

/* The disk refuses in the middle: after the units' statement, at the first secret. */
static void
a_failure_midway_takes_all_back(void **state)
{
	struct world *w = *state;
	struct authority_import count;
	uint64_t before = directory_count(authority_directory(w->a));
	uint8_t head[32], after[32];

	directory_head(authority_directory(w->a), head);
	assert_int_equal(query_run(vault_db(w->vault), &w->err, "CREATE TRIGGER stop BEFORE INSERT"
	    " ON scope_secret BEGIN SELECT RAISE(ABORT, 'stop'); END", ""), RC_OK);
	assert_int_not_equal(import(w, province, &count), RC_OK);
	assert_int_equal(count.added, 0);
	assert_int_equal(directory_count(authority_directory(w->a)), before);
	directory_head(authority_directory(w->a), after);
	assert_memory_equal(head, after, 32);
	assert_int_equal(query_run(vault_db(w->vault), &w->err, "DROP TRIGGER stop", ""), RC_OK);
	assert_int_equal(import(w, province, &count), RC_OK);
	assert_int_equal(count.added, 5);
}

struct bad_sheet { const char *csv, *where; };

static void
refuses_a_bad_row_with_its_place_and_leaves_nothing(void **state)
{
	struct world *w = *state;
	struct authority_import count;
#define HEAD "code,full_name_vi,name_vi,level,kind,parent_code\n"
#define TOP "20,Tỉnh Lạng Sơn,Lạng Sơn,PROV,TINH,\n"
	static const struct bad_sheet sheets[] = {
		{ HEAD TOP "06004,Xã A,A,COMM,XA,99\n", "units.csv:3:6" },
		{ HEAD TOP "06004,Xã A,A,COMM,XA,06004\n", "units.csv:3:6" },
		{ HEAD TOP "1,Xã A,A,COMM,XA,2\n2,Xã B,B,COMM,XA,1\n", "units.csv:3:6" },
		{ HEAD TOP "06004,,A,COMM,XA,20\n", "units.csv:3:2" },
		{ HEAD TOP "06004,Xã A,A,XXXX,XA,20\n", "units.csv:3:4" },
		{ HEAD TOP "06004,Xã A,A,COMM,LANG,20\n", "units.csv:3:5" },
		{ HEAD TOP "0 6,Xã A,A,COMM,XA,20\n", "units.csv:3:1" },
		{ HEAD TOP "06004,Xã A,A,COMM,XA,20\n06004,Xã A,A,COMM,XA,20\n", "units.csv:4:1" },
		{ HEAD TOP "06004,Xã A,A,COMM,XA,\n", "units.csv:2:6" },
		{ "code,full_name_vi,name_vi,level,kind,parent_code,color\n" TOP, "units.csv:1:7" },
		{ "code,full_name_vi,name_vi,level,kind,parent_code,valid_from\n"
		    "20,Tỉnh Lạng Sơn,Lạng Sơn,PROV,TINH,,2025-13-01\n", "units.csv:2:7" },
	};

	for (size_t i = 0; i < sizeof(sheets) / sizeof(sheets[0]); i++) {
		uint64_t before = directory_count(authority_directory(w->a));
		enum rc rc = import(w, sheets[i].csv, &count);

		assert_true(rc == RC_INVALID || rc == RC_FORMAT);
		assert_string_equal(w->err.where, sheets[i].where);
		assert_int_equal(count.added, 0);
		assert_int_equal(directory_count(authority_directory(w->a)), before);
		assert_int_equal(directory_unit_count(authority_directory(w->a)), 0);
	}
}

static void
a_communicator_gets_the_activities_of_the_unit_alone(void **state)
{
	struct world *w = *state;
	struct laptop l;

	import_province(w);
	join(w, "06004", ROLE_COMMUNICATOR, &l);
	assert_string_equal(l.parcel.name, "Hoàng Thị Mai");
	assert_string_equal(l.parcel.url, "http://127.0.0.1:1");
	assert_int_equal(l.parcel.n_secrets, 1);
	assert_int_equal(l.parcel.n_statements, directory_count(authority_directory(w->a)));
	assert_true(opens(w, &l, "06004", 0, 1));
	assert_false(opens(w, &l, "06004", 1, 1));
	assert_false(opens(w, &l, "06040", 0, 1));
	assert_false(opens(w, &l, "K1", 0, 1));
	laptop_reset(&l);
}

static void
a_supervisor_opens_all_below_over_the_middle_tier(void **state)
{
	struct world *w = *state;
	struct laptop province_one, middle;

	import_province(w);
	join(w, "20", ROLE_SUPERVISOR, &province_one);
	join(w, "K1", ROLE_CASEWORKER, &middle);
	assert_true(opens(w, &province_one, "06004", 0, 1));
	assert_true(opens(w, &province_one, "06040", 1, 1));
	assert_true(opens(w, &province_one, "05977", 1, 1));
	assert_false(opens(w, &province_one, "06004", 2, 1));
	assert_true(opens(w, &middle, "06004", 1, 1));
	assert_false(opens(w, &middle, "05977", 1, 1));
	/* The shares came in the file already: with them no server is needed. */
	assert_int_equal(province_one.parcel.n_shares, 2 * 4);
	laptop_reset(&province_one);
	laptop_reset(&middle);
}

static void
an_invitation_opens_only_with_its_code(void **state)
{
	struct world *w = *state;
	uint8_t id[IDENTITY_ID_BYTES];
	struct invitation_parcel parcel;
	struct secret *code, *other;
	struct bytes file;

	import_province(w);
	invite(w, "06004", ROLE_CASEWORKER, id, &file, &code);
	assert_int_equal(secret_random(IDENTITY_CODE_BYTES, &other), RC_OK);
	assert_int_equal(identity_parcel_open(file.data, file.len, other, &parcel, &w->err),
	    RC_AUTH);
	secret_free(code);
	secret_free(other);
	bytes_reset(&file);
}

static void
admits_what_the_relay_reports_and_marks_the_invitation_used(void **state)
{
	struct world *w = *state;
	struct authority_invitation *list;
	struct laptop l;
	size_t n;

	import_province(w);
	join_and_admit(w, "06004", ROLE_CASEWORKER, &l);
	assert_int_equal(directory_device(authority_directory(w->a), l.identity.device)->state,
	    DEVICE_ADMITTED);
	assert_int_equal(authority_invitations(w->a, &list, &n, &w->err), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].state, INVITATION_USED);
	free(list);
	open_again(w);
	assert_int_equal(directory_device(authority_directory(w->a), l.identity.device)->state,
	    DEVICE_ADMITTED);
	laptop_reset(&l);
}

static void
a_second_use_waits_until_a_person_decides(void **state)
{
	struct world *w = *state;
	uint8_t id[IDENTITY_ID_BYTES];
	struct authority_meeting m;
	struct authority_device *list;
	struct laptop first, second;
	struct answer answer = { .laptops = { &first, &second } };
	struct secret *code;
	struct bytes file;
	size_t n, waiting = 0;

	import_province(w);
	invite(w, "06004", ROLE_CASEWORKER, id, &file, &code);
	use_invitation(w, &file, code, &first);
	use_invitation(w, &file, code, &second);
	meet(w, &answer, &m);
	assert_int_equal(m.certificates, 2);
	assert_int_equal(m.admitted, 1);
	assert_int_equal(m.waiting, 1);
	assert_int_equal(directory_device(authority_directory(w->a), first.identity.device)->state,
	    DEVICE_ADMITTED);
	assert_int_equal(authority_devices(w->a, &list, &n, &w->err), RC_OK);
	for (size_t i = 0; i < n; i++)
		waiting += list[i].state == DEVICE_CERTIFIED && list[i].reason[0] != '\0';
	assert_int_equal(waiting, 1);
	free(list);
	/* Told again, it still waits; refused, it never comes back. */
	meet(w, &answer, &m);
	assert_int_equal(m.admitted, 0);
	assert_int_equal(m.waiting, 1);
	assert_int_equal(authority_refuse(w->a, second.identity.device, "dùng lại", &w->err), RC_OK);
	open_again(w);
	meet(w, &answer, &m);
	assert_int_equal(m.waiting, 0);
	assert_int_equal(directory_device(authority_directory(w->a), second.identity.device)->state,
	    DEVICE_REFUSED);
	assert_int_equal(authority_release(w->a, second.identity.device, &w->err), RC_INVALID);
	laptop_reset(&first);
	laptop_reset(&second);
	secret_free(code);
	bytes_reset(&file);
}

static void
an_invitation_past_its_date_waits_and_can_be_released(void **state)
{
	struct world *w = *state;
	uint8_t id[IDENTITY_ID_BYTES];
	struct authority_meeting m;
	struct laptop late;
	struct answer answer = { .laptops = { &late } };
	struct secret *code;
	struct bytes file;

	import_province(w);
	invite(w, "06004", ROLE_CASEWORKER, id, &file, &code);
	w->now += 15 * 86400;
	use_invitation(w, &file, code, &late);
	meet(w, &answer, &m);
	assert_int_equal(m.admitted, 0);
	assert_int_equal(m.waiting, 1);
	assert_int_equal(authority_release(w->a, late.identity.device, &w->err), RC_OK);
	assert_int_equal(directory_device(authority_directory(w->a), late.identity.device)->state,
	    DEVICE_ADMITTED);
	laptop_reset(&late);
	secret_free(code);
	bytes_reset(&file);
}

static void
retiring_shuts_out_below_and_spares_the_others(void **state)
{
	struct world *w = *state;
	struct laptop lost, top, commune;
	struct authority_meeting m;
	struct answer answer = { .n_heads = 1 };
	const struct device *d;
	size_t rotated;

	import_province(w);
	join_and_admit(w, "K1", ROLE_SUPERVISOR, &lost);
	join_and_admit(w, "20", ROLE_HOLDER, &top);
	join_and_admit(w, "06004", ROLE_CASEWORKER, &commune);
	memcpy(answer.heads[0].device, lost.identity.device, IDENTITY_ID_BYTES);
	answer.heads[0].head.log = 0xf000000000000001;
	answer.heads[0].head.n = 17;
	meet(w, &answer, &m);
	assert_int_equal(authority_retire(w->a, lost.identity.device, "mất máy", &rotated, &w->err),
	    RC_OK);
	/* K1 and its two communes, activities and cases */
	assert_int_equal(rotated, 6);
	d = directory_device(authority_directory(w->a), lost.identity.device);
	assert_int_equal(d->state, DEVICE_RETIRED);
	assert_string_equal(d->reason, "mất máy");
	assert_int_equal(d->n_heads, 1);
	assert_int_equal(d->heads[0].log, 0xf000000000000001);
	assert_int_equal(d->heads[0].n, 17);
	for (unsigned c = 0; c < 2; c++) {
		assert_int_equal(newest(w, "K1", c), 2);
		assert_int_equal(newest(w, "06004", c), 2);
		assert_int_equal(newest(w, "06040", c), 2);
		assert_false(opens(w, &lost, "K1", c, 2));
		assert_false(opens(w, &lost, "06004", c, 2));
		assert_false(opens(w, &lost, "06040", c, 2));
		assert_true(opens(w, &top, "06040", c, 2));
		assert_true(opens(w, &commune, "06004", c, 2));
	}
	assert_int_equal(newest(w, "05977", 0), 1);
	assert_int_equal(newest(w, "06004", 2), 1);
	assert_int_equal(newest(w, "20", 0), 1);
	assert_int_equal(authority_retire(w->a, lost.identity.device, "lại", &rotated, &w->err),
	    RC_INVALID);
	laptop_reset(&lost);
	laptop_reset(&top);
	laptop_reset(&commune);
}

static void
revoking_rotates_what_the_invitation_held(void **state)
{
	struct world *w = *state;
	uint8_t id[IDENTITY_ID_BYTES];
	struct laptop thief;
	struct secret *code;
	struct bytes file;
	size_t rotated;

	import_province(w);
	invite(w, "06004", ROLE_CASEWORKER, id, &file, &code);
	use_invitation(w, &file, code, &thief);
	assert_int_equal(authority_revoke(w->a, id, "thất lạc", &rotated, &w->err), RC_OK);
	assert_int_equal(rotated, 2);
	assert_true(directory_invitation_revoked(authority_directory(w->a), id));
	assert_true(opens(w, &thief, "06004", 1, 1));
	assert_false(opens(w, &thief, "06004", 0, 2));
	assert_false(opens(w, &thief, "06004", 1, 2));
	assert_int_equal(authority_revoke(w->a, id, "nữa", &rotated, &w->err), RC_INVALID);
	laptop_reset(&thief);
	secret_free(code);
	bytes_reset(&file);
}

static void
an_epoch_newer_than_the_invitation_comes_with_admission(void **state)
{
	struct world *w = *state;
	uint8_t id[IDENTITY_ID_BYTES];
	struct authority_meeting m;
	struct laptop l;
	struct answer answer = { .laptops = { &l } };
	struct secret *code;
	struct bytes file;
	size_t n;

	import_province(w);
	invite(w, "06004", ROLE_CASEWORKER, id, &file, &code);
	assert_int_equal(authority_rotate(w->a, "06004", false, &n, &w->err), RC_OK);
	assert_int_equal(n, 3);
	use_invitation(w, &file, code, &l);
	assert_false(opens(w, &l, "06004", 1, 2));
	meet(w, &answer, &m);
	assert_int_equal(m.admitted, 1);
	assert_true(opens(w, &l, "06004", 0, 2));
	assert_true(opens(w, &l, "06004", 1, 2));
	assert_false(opens(w, &l, "06004", 2, 2));
	laptop_reset(&l);
	secret_free(code);
	bytes_reset(&file);
}

static void
another_role_brings_its_scopes_and_takes_the_rest(void **state)
{
	struct world *w = *state;
	struct laptop l;
	size_t rotated;

	import_province(w);
	join_and_admit(w, "06004", ROLE_CASEWORKER, &l);
	assert_int_equal(authority_assign(w->a, l.identity.device, "05977", ROLE_COMMUNICATOR,
	    &rotated, &w->err), RC_OK);
	assert_int_equal(rotated, 2);
	assert_true(opens(w, &l, "05977", 0, 1));
	assert_false(opens(w, &l, "05977", 1, 1));
	assert_false(opens(w, &l, "06004", 0, 2));
	assert_false(opens(w, &l, "06004", 1, 2));
	/* Widening takes nothing from anybody. */
	assert_int_equal(authority_assign(w->a, l.identity.device, "05977", ROLE_CASEWORKER,
	    &rotated, &w->err), RC_OK);
	assert_int_equal(rotated, 0);
	assert_true(opens(w, &l, "05977", 1, 1));
	laptop_reset(&l);
}

static void
a_unit_under_a_new_parent_leaves_the_old_one_behind(void **state)
{
	struct world *w = *state;
	struct authority_import count;
	struct laptop old_parent, new_parent;
	static const char moved[] =
	    "code,full_name_vi,name_vi,level,kind,parent_code\n"
	    "K2,Cụm Hữu Lũng,Hữu Lũng,DIST,CUM,20\n"
	    "06004,Xã Quốc Khánh,Quốc Khánh,COMM,XA,K2\n";

	import_province(w);
	join_and_admit(w, "K1", ROLE_SUPERVISOR, &old_parent);
	assert_int_equal(import(w, moved, &count), RC_OK);
	assert_int_equal(count.added, 1);
	assert_int_equal(count.changed, 1);
	join(w, "K2", ROLE_SUPERVISOR, &new_parent);
	assert_true(opens(w, &old_parent, "06004", 1, 1));
	assert_false(opens(w, &old_parent, "06004", 1, 2));
	assert_true(opens(w, &new_parent, "06004", 1, 1));
	assert_true(opens(w, &new_parent, "06004", 1, 2));
	laptop_reset(&old_parent);
	laptop_reset(&new_parent);
}

static void
a_merged_unit_opens_for_its_successor(void **state)
{
	struct world *w = *state;
	struct authority_import count;
	struct laptop l;
	size_t n;
	static const char merged[] =
	    "code,full_name_vi,name_vi,level,kind,parent_code,valid_to,successor_code\n"
	    "06004,Xã Quốc Khánh,Quốc Khánh,COMM,XA,K1,2026-06-30,05977\n";

	import_province(w);
	assert_int_equal(import(w, merged, &count), RC_OK);
	assert_int_equal(authority_rotate(w->a, "06004", false, &n, &w->err), RC_OK);
	join(w, "05977", ROLE_CASEWORKER, &l);
	assert_true(opens(w, &l, "06004", 1, 1));
	assert_true(opens(w, &l, "06004", 1, 2));
	assert_false(opens(w, &l, "06040", 1, 1));
	laptop_reset(&l);
}

static void
refuses_a_reply_that_is_not_the_relays(void **state)
{
	struct world *w = *state;
	struct authority_meeting m;
	struct answer answer = { .n_heads = 0 };
	struct bytes reply, again;
	size_t n;

	import_province(w);
	answer_request(w, &answer, &reply);
	reply.data[reply.len - 20] ^= 1;
	assert_int_equal(authority_reply(w->a, reply.data, reply.len, &m, &w->err), RC_AUTH);
	reply.data[reply.len - 20] ^= 1;
	for (size_t len = 0; len < reply.len; len++) {
		error_clear(&w->err);
		assert_int_equal(authority_reply(w->a, reply.data, len, &m, &w->err), RC_PROTOCOL);
	}
	/* Another request was made since. */
	assert_int_equal(authority_rotate(w->a, "20", false, &n, &w->err), RC_OK);
	answer_request(w, &answer, &again);
	error_clear(&w->err);
	assert_int_equal(authority_reply(w->a, reply.data, reply.len, &m, &w->err), RC_PROTOCOL);
	assert_int_equal(authority_met_at(w->a), 0);
	assert_int_equal(authority_reply(w->a, again.data, again.len, &m, &w->err), RC_OK);
	assert_int_equal(authority_met_at(w->a), w->now);
	assert_int_equal(authority_reply(w->a, again.data, again.len, &m, &w->err), RC_PROTOCOL);
	bytes_reset(&reply);
	bytes_reset(&again);
}

static void
refuses_to_go_on_when_the_relay_knows_more(void **state)
{
	struct world *w = *state;
	struct authority_meeting m;
	struct answer ahead = { .is_ahead = true }, other = { .differs = true };
	struct bytes reply;

	import_province(w);
	answer_request(w, &ahead, &reply);
	assert_int_equal(authority_reply(w->a, reply.data, reply.len, &m, &w->err), RC_CONFLICT);
	bytes_reset(&reply);
	error_clear(&w->err);
	answer_request(w, &other, &reply);
	assert_int_equal(authority_reply(w->a, reply.data, reply.len, &m, &w->err), RC_CONFLICT);
	bytes_reset(&reply);
}

static void
tells_the_relay_only_what_it_lacks(void **state)
{
	struct world *w = *state;
	struct authority_meeting m;
	struct answer answer = { .n_heads = 0 };
	struct root_hello hello;
	struct bytes request;
	uint8_t id[16];
	size_t statements, n;

	import_province(w);
	meet(w, &answer, &m);
	assert_false(m.again);
	assert_int_equal(authority_rotate(w->a, "06004", false, &n, &w->err), RC_OK);
	bytes_init(&request);
	assert_int_equal(authority_request(w->a, &request, &w->err), RC_OK);
	read_request(&request, &hello, id, &statements);
	assert_int_equal(statements, 1);
	assert_int_equal(hello.statements, directory_count(authority_directory(w->a)));
	bytes_reset(&request);
}

static void
publishes_forms_once(void **state)
{
	struct world *w = *state;
	bool changed;
	size_t len;
	uint64_t seq;

	assert_int_equal(authority_publish_shipped(w->a, &changed, &w->err), RC_OK);
	assert_true(changed);
	assert_non_null(directory_forms(authority_directory(w->a), &len, &seq));
	assert_int_equal(authority_publish_shipped(w->a, &changed, &w->err), RC_OK);
	assert_false(changed);
	assert_int_equal(authority_publish_dir(w->a, "schema", &changed, &w->err), RC_OK);
	assert_false(changed);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, make_world, end_world)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(keeps_its_province_over_a_restart),
		WITH_WORLD(refuses_a_second_province_in_one_vault),
		WITH_WORLD(imports_units_once_and_then_only_changes),
		WITH_WORLD(a_failure_midway_takes_all_back),
		WITH_WORLD(refuses_a_bad_row_with_its_place_and_leaves_nothing),
		WITH_WORLD(a_communicator_gets_the_activities_of_the_unit_alone),
		WITH_WORLD(a_supervisor_opens_all_below_over_the_middle_tier),
		WITH_WORLD(an_invitation_opens_only_with_its_code),
		WITH_WORLD(admits_what_the_relay_reports_and_marks_the_invitation_used),
		WITH_WORLD(a_second_use_waits_until_a_person_decides),
		WITH_WORLD(an_invitation_past_its_date_waits_and_can_be_released),
		WITH_WORLD(retiring_shuts_out_below_and_spares_the_others),
		WITH_WORLD(revoking_rotates_what_the_invitation_held),
		WITH_WORLD(an_epoch_newer_than_the_invitation_comes_with_admission),
		WITH_WORLD(another_role_brings_its_scopes_and_takes_the_rest),
		WITH_WORLD(a_unit_under_a_new_parent_leaves_the_old_one_behind),
		WITH_WORLD(a_merged_unit_opens_for_its_successor),
		WITH_WORLD(refuses_a_reply_that_is_not_the_relays),
		WITH_WORLD(refuses_to_go_on_when_the_relay_knows_more),
		WITH_WORLD(tells_the_relay_only_what_it_lacks),
		WITH_WORLD(publishes_forms_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
