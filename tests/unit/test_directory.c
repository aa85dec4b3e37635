#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "shared/sync/directory.h"
#include "shared/sync/seal.h"
#include "shared/vault/secret.h"
#include "tests/support/small_province.h"
#include "tests/support/vectors.h"

#define V "sync"
enum { VECTORS = 5 };

static struct bytes
vector(const char *name, int i)
{
	char key[32];

	snprintf(key, sizeof key, "%s_%d", name, i);
	return vectors_get(V, key);
}

/* The first n statements of the vectors. */
static struct directory *
vector_directory(int n)
{
	struct directory *d = NULL;
	bool forked;

	assert_int_equal(directory_new(&d), RC_OK);
	for (int i = 0; i < n; i++) {
		struct bytes s = vector("statement", i);

		assert_int_equal(directory_add(d, s.data, s.len, NULL, &forked, NULL), RC_OK);
		assert_false(forked);
		bytes_reset(&s);
	}
	return d;
}

/* What a failed call must leave alone. */
struct snapshot {
	uint64_t count;
	uint8_t head[32];
	size_t units, devices;
};

static struct snapshot
snapshot_of(const struct directory *d)
{
	struct snapshot s;

	memset(&s, 0, sizeof s);
	s.count = directory_count(d);
	directory_head(d, s.head);
	s.units = directory_unit_count(d);
	s.devices = directory_device_count(d);
	return s;
}

static enum rc
add(struct directory *d, const struct bytes *s, bool *forked)
{
	return directory_add(d, s->data, s->len, NULL, forked, NULL);
}

/* ---- a chain that another program made ---- */

static void
reads_a_chain_that_another_program_made(void **state)
{
	struct directory *d = vector_directory(VECTORS);
	const struct unit *u;
	const struct device *device;
	const struct scope_key *key;
	uint8_t want[32], got[32];

	(void)state;
	assert_int_equal(directory_count(d), VECTORS);
	for (int i = 0; i < VECTORS; i++) {
		struct bytes head = vector("head", i);

		assert_true(directory_head_at(d, (uint64_t)i, got));
		assert_memory_equal(got, head.data, 16);
		bytes_reset(&head);
	}
	assert_false(directory_head_at(d, VECTORS, got));
	vectors_copy(V, "head_4", want, 32);
	directory_head(d, got);
	assert_memory_equal(got, want, 32);
	vectors_copy(V, "root_public", want, 32);
	assert_memory_equal(directory_root(d), want, 32);
	vectors_copy(V, "province", want, 8);
	directory_province(d, got);
	assert_memory_equal(got, want, 8);
	assert_string_equal(directory_name(d), "Tỉnh Sơn Vân");
	assert_string_equal(directory_top_unit(d), "24");

	assert_int_equal(directory_unit_count(d), 3);
	u = directory_unit(d, "24.002");
	assert_non_null(u);
	assert_ptr_equal(u, directory_unit_at(d, 2));
	assert_string_equal(u->full_name, "Phường Đông Hà");
	assert_string_equal(u->name, "Đông Hà");
	assert_string_equal(u->level, "COMM");
	assert_string_equal(u->kind, "phuong");
	assert_string_equal(u->parent, "24");
	assert_string_equal(u->successor, "24.001");
	assert_int_equal(u->valid_from, (2025 * 16 + 7) * 32 + 1);
	assert_int_equal(u->valid_to, 2026 * 16 * 32);
	assert_true(u->sync_point && !u->high_risk);
	u = directory_unit(d, "24.001");
	assert_true(u != NULL && u->high_risk && !u->sync_point && u->valid_to == 0);

	key = directory_scope_key(d, "24.001", 1);
	vectors_copy(V, "scope_public", want, 32);
	assert_true(key != NULL && key->epoch == 1);
	assert_memory_equal(key->public_key, want, 32);
	assert_non_null(directory_scope_key_at(d, "24", 0, 300));
	assert_null(directory_scope_key_at(d, "24", 0, 299));
	assert_null(directory_scope_key(d, "24.001", 0));
	assert_null(directory_scope_key(d, "24.00", 1));

	vectors_copy(V, "device", want, 16);
	device = directory_device(d, want);
	assert_non_null(device);
	assert_int_equal(device->state, DEVICE_RETIRED);
	assert_string_equal(device->reason, "mất máy");
	assert_string_equal(device->unit, "24.001");
	assert_int_equal(device->role, ROLE_CASEWORKER);
	assert_int_equal(device->n_heads, 2);
	directory_free(d);
}

/* Ed25519 signs the same bytes alike, so whole statements can be compared. */
static void
writes_the_bytes_of_another_program(void **state)
{
	static char t1[] = "Tỉnh Sơn Vân", t2[] = "Sơn Vân",
	    x1[] = "Xã Nậm Lành", x2[] = "Nậm Lành",
	    p1[] = "Phường Đông Hà", p2[] = "Đông Hà";
	const uint64_t from = (2025 * 16 + 7) * 32 + 1;
	const struct unit units[] = {
		{ "24", "", "", "PROV", "tinh", t1, t2, from, 0, false, false },
		{ "24.001", "24", "", "COMM", "xa", x1, x2, from, 0, true, false },
		{ "24.002", "24", "24.001", "COMM", "phuong", p1, p2, from, 2026 * 512, false, true }
	};
	static const int64_t times[VECTORS] = { 1764000000, 1764000100, 1764000200, 1764000300, -5 };
	const struct device_head heads[] = { { 0x1122334455667788, 3 }, { 5, 1000 } };
	struct scope_key keys[] = { { .unit = "24.001", .compartment = 1, .epoch = 1 },
	    { .unit = "24", .compartment = 0, .epoch = 300 } };
	struct secret *root = vectors_secret(V, "root_seed"), *box = NULL;
	struct bytes shares[5], cert = vectors_get(V, "certificate"), payload[VECTORS] = { { 0 } };
	uint8_t key[32], recovery[32], device[16];
	struct directory *d = NULL;
	bool forked;

	(void)state;
	for (int i = 0; i < 5; i++)
		shares[i] = vector("share", i);
	for (size_t i = 0; i < 32; i++)
		key[i] = (uint8_t)(0x20 + i);
	assert_int_equal(secret_from(key, 32, &box), RC_OK);
	assert_int_equal(seal_box_keys(box, recovery), RC_OK);
	for (size_t i = 0; i < 32; i++)
		secret_data(box)[i] = (uint8_t)(9 + i);
	assert_int_equal(seal_box_keys(box, keys[1].public_key), RC_OK);
	vectors_copy(V, "scope_public", keys[0].public_key, 32);
	vectors_copy(V, "root_public", key, 32);
	vectors_copy(V, "device", device, 16);
	directory_write_genesis(key, recovery, "Tỉnh Sơn Vân", "24", &payload[0]);
	directory_write_units(units, 3, &payload[1]);
	directory_write_keys(keys, 2, shares, 5, &payload[2]);
	directory_write_admit(&cert, 1, &payload[3]);
	directory_write_retire(device, "mất máy", heads, 2, &payload[4]);
	assert_int_equal(directory_new(&d), RC_OK);
	for (int i = 0; i < VECTORS; i++) {
		struct bytes want = vector("statement", i), got = { 0 };

		assert_int_equal(directory_sign(d, root, (enum statement_type)(i + 1), times[i],
		    &payload[i], &got), RC_OK);
		assert_int_equal(got.len, want.len);
		assert_memory_equal(got.data, want.data, want.len);
		assert_int_equal(add(d, &got, &forked), RC_OK);
		bytes_reset(&want);
		bytes_reset(&got);
		bytes_reset(&payload[i]);
		bytes_reset(&shares[i]);
	}
	bytes_reset(&cert);
	secret_free(root);
	secret_free(box);
	directory_free(d);
}

/* ---- the chain ---- */

static void
refuses_a_statement_changed_or_cut_and_stays_as_it_was(void **state)
{
	(void)state;
	for (int i = 0; i < VECTORS; i++) {
		struct directory *d = vector_directory(i);
		struct snapshot before = snapshot_of(d), after;
		struct bytes s = vector("statement", i);
		bool forked;

		for (size_t at = 0; at < s.len; at++) {
			s.data[at] ^= 1;
			assert_int_not_equal(add(d, &s, &forked), RC_OK);
			assert_false(forked);
			s.data[at] ^= 1;
			assert_int_equal(directory_add(d, s.data, at, NULL, &forked, NULL), RC_FORMAT);
		}
		after = snapshot_of(d);
		assert_memory_equal(&before, &after, sizeof before);
		s.data[2] = 2;
		assert_int_equal(add(d, &s, &forked), RC_NEWER);
		s.data[2] = 1;
		assert_int_equal(add(d, &s, &forked), RC_OK);
		bytes_reset(&s);
		directory_free(d);
	}
}

static void
refuses_a_gap_and_takes_a_repeat(void **state)
{
	struct directory *d = vector_directory(2);
	struct bytes later = vector("statement", 3), first = vector("statement", 0);
	struct snapshot before = snapshot_of(d), after;
	struct error err = { 0 };
	bool forked = true;

	(void)state;
	assert_int_equal(directory_add(d, later.data, later.len, NULL, &forked, &err), RC_PROTOCOL);
	assert_false(forked);
	assert_string_not_equal(err.what, "");
	assert_int_equal(add(d, &first, &forked), RC_OK);
	assert_false(forked);
	after = snapshot_of(d);
	assert_memory_equal(&before, &after, sizeof before);
	bytes_reset(&later);
	bytes_reset(&first);
	directory_free(d);
	d = vector_directory(0);
	first = vector("statement", 1);
	assert_int_equal(add(d, &first, &forked), RC_PROTOCOL);
	assert_int_equal(directory_count(d), 0);
	bytes_reset(&first);
	directory_free(d);
}

static void
a_second_statement_at_one_place_is_a_fork(void **state)
{
	struct small_province p;
	struct bytes payload = { 0 }, a, b, c, other_past;
	struct secret *stranger = NULL, *root;
	uint8_t id[16] = { 1 };
	bool forked;

	(void)state;
	small_province_open(&p);
	directory_write_revoke(id, "a", &payload);
	a = small_province_sign(&p, STATEMENT_REVOKE, &payload);
	directory_write_revoke(id, "b", &payload);
	b = small_province_sign(&p, STATEMENT_REVOKE, &payload);
	/* the same by somebody else: no alarm, anybody could write it */
	root = p.root;
	assert_int_equal(secret_random(32, &stranger), RC_OK);
	p.root = stranger;
	directory_write_revoke(id, "c", &payload);
	c = small_province_sign(&p, STATEMENT_REVOKE, &payload);
	p.root = root;
	assert_int_equal(add(p.d, &c, &forked), RC_AUTH);
	assert_false(forked);
	assert_int_equal(add(p.d, &a, &forked), RC_OK);
	assert_int_equal(add(p.d, &b, &forked), RC_PROTOCOL);
	assert_true(forked);
	assert_int_equal(add(p.d, &c, &forked), RC_AUTH);
	assert_false(forked);
	assert_int_equal(add(p.d, &a, &forked), RC_OK);
	assert_false(forked);
	/* the right place after another past */
	directory_write_revoke(id, "d", &payload);
	other_past = small_province_sign(&p, STATEMENT_REVOKE, &payload);
	other_past.data[5] ^= 1;		/* previous[0] */
	assert_int_equal(seal_sign(p.root, "field-statement-1", other_past.data,
	    other_past.len - 64, other_past.data + other_past.len - 64), RC_OK);
	assert_int_equal(add(p.d, &other_past, &forked), RC_PROTOCOL);
	assert_true(forked);
	assert_int_equal(directory_count(p.d), 3);
	bytes_reset(&a);
	bytes_reset(&b);
	bytes_reset(&c);
	bytes_reset(&other_past);
	secret_free(stranger);
	small_province_close(&p);
}

static void
refuses_another_province_and_a_second_genesis(void **state)
{
	struct directory *d = vector_directory(0);
	struct bytes genesis = vector("statement", 0), payload = { 0 }, second;
	struct small_province p;
	uint8_t pin[8];
	bool forked;

	(void)state;
	vectors_copy(V, "province", pin, 8);
	pin[7] ^= 1;
	assert_int_equal(directory_add(d, genesis.data, genesis.len, pin, &forked, NULL), RC_AUTH);
	assert_int_equal(directory_count(d), 0);
	pin[7] ^= 1;
	assert_int_equal(directory_add(d, genesis.data, genesis.len, pin, &forked, NULL), RC_OK);
	small_province_open(&p);
	assert_int_equal(add(p.d, &genesis, &forked), RC_AUTH);
	assert_false(forked);
	directory_write_genesis(p.root_public, p.root_public, "x", "24", &payload);
	second = small_province_sign(&p, STATEMENT_GENESIS, &payload);
	assert_int_equal(add(p.d, &second, &forked), RC_INVALID);
	assert_string_equal(directory_name(p.d), "Tỉnh Sơn Vân");
	bytes_reset(&second);
	bytes_reset(&genesis);
	directory_free(d);
	small_province_close(&p);
}

static void
a_type_of_a_newer_program_joins_the_chain_and_says_nothing(void **state)
{
	struct small_province p;
	struct bytes payload = { 0 };
	struct snapshot before, after;

	(void)state;
	small_province_open(&p);
	before = snapshot_of(p.d);
	for (unsigned type = 11; type < 256; type += 244) {
		bytes_text(&payload, "words of tomorrow");
		small_province_say(&p, (enum statement_type)type, &payload);
	}
	after = snapshot_of(p.d);
	assert_int_equal(directory_newer_count(p.d), 2);
	assert_int_equal(after.count, before.count + 2);
	assert_int_equal(after.units, before.units);
	assert_memory_not_equal(after.head, before.head, 32);
	assert_int_equal(small_province_try(&p, (enum statement_type)0, &payload), RC_FORMAT);
	small_province_close(&p);
}

static void
loads_what_it_took_before_without_asking_for_signatures(void **state)
{
	struct directory *d = vector_directory(0);
	struct bytes cert = vectors_get(V, "certificate");
	bool forked;

	(void)state;
	for (int i = 0; i < VECTORS; i++) {
		struct bytes s = vector("statement", i);

		if (i == 2) {	/* a change of the past still shows in the chain */
			s.data[s.len - 70] ^= 1;
			assert_int_equal(directory_load(d, s.data, s.len, NULL), RC_OK);
			s.data[s.len - 70] ^= 1;
			assert_int_equal(directory_load(d, s.data, s.len, NULL), RC_PROTOCOL);
			directory_free(d);
			d = vector_directory(2);
		}
		s.data[s.len - 1] ^= 1;
		assert_int_not_equal(add(d, &s, &forked), RC_OK);
		s.data[s.len - 1] ^= 1;
		assert_int_equal(directory_load(d, s.data, s.len, NULL), RC_OK);
		bytes_reset(&s);
	}
	cert.data[cert.len - 1] ^= 1;
	assert_int_equal(directory_add_certificate(d, cert.data, cert.len, NULL), RC_AUTH);
	assert_int_equal(directory_load_certificate(d, cert.data, cert.len, NULL), RC_OK);
	bytes_reset(&cert);
	directory_free(d);
}

/* ---- units ---- */

static void
refuses_units_that_make_no_tree(void **state)
{
	static char a[] = "A", b[] = "B", top[] = "24", one[] = "24.1";
	struct small_province p;
	struct snapshot before, after;
	struct unit cases[][2] = {
		{ small_province_unit(a, "nowhere"), small_province_unit(b, "24") },
		{ small_province_unit(a, "B"), small_province_unit(b, "A") },	/* a circle */
		{ small_province_unit(a, "A"), small_province_unit(b, "24") },
		{ small_province_unit(a, "24"), small_province_unit(a, "24.1") },	/* twice */
		{ small_province_unit(a, ""), small_province_unit(b, "24") },	/* a second top */
		{ small_province_unit(top, "24.1"), small_province_unit(b, "24") },	/* the top below */
		{ small_province_unit(one, "24.1.1"), small_province_unit(b, "24") },
		{ small_province_unit(a, "24"), small_province_unit(b, "24") },	/* names below */
		{ small_province_unit(a, "24"), small_province_unit(b, "24") },
		{ small_province_unit(a, "24"), small_province_unit(b, "24") },
		{ small_province_unit(a, "24"), small_province_unit(b, "24") },
	};
	const size_t n = sizeof cases / sizeof *cases;
	static char bidi[] = "\xe2\x80\xae" "x";

	(void)state;
	strcpy(cases[n - 4][0].code, "a b");
	strcpy(cases[n - 3][0].level, "x/y");
	cases[n - 2][1].name = bidi;
	cases[n - 1][1].valid_to = (2025 * 16 + 2) * 32 + 30;
	small_province_open(&p);
	before = snapshot_of(p.d);
	for (size_t i = 0; i < n; i++) {
		struct bytes payload = { 0 };

		directory_write_units(cases[i], 2, &payload);
		assert_int_equal(small_province_try(&p, STATEMENT_UNITS, &payload),
		    i < n - 4 ? RC_INVALID : RC_FORMAT);
		after = snapshot_of(p.d);
		assert_memory_equal(&before, &after, sizeof before);
		assert_null(directory_unit(p.d, "B"));
	}
	small_province_close(&p);
}

/* ---- scope keys ---- */

static enum rc
say_key(struct small_province *p, const char *unit, unsigned compartment, uint32_t epoch, size_t n)
{
	struct scope_key keys[2] = { { .compartment = compartment, .epoch = epoch } };
	struct bytes payload = { 0 };

	strcpy(keys[0].unit, unit);
	memset(keys[0].public_key, (int)epoch, 32);
	keys[1] = keys[0];
	directory_write_keys(keys, n, NULL, 0, &payload);
	return small_province_try(p, STATEMENT_KEYS, &payload);
}

static void
an_epoch_is_newer_than_all_before_it(void **state)
{
	struct small_province p;

	(void)state;
	small_province_open(&p);
	assert_int_equal(say_key(&p, "24.1", 1, 5, 1), RC_OK);
	assert_int_equal(say_key(&p, "24.1", 1, 5, 1), RC_INVALID);
	assert_int_equal(say_key(&p, "24.1", 1, 4, 1), RC_INVALID);
	assert_int_equal(say_key(&p, "24.1", 0, 4, 1), RC_OK);
	assert_int_equal(say_key(&p, "24.1", 2, 0, 1), RC_OK);
	assert_int_equal(say_key(&p, "24.1", 1, 9, 1), RC_OK);
	assert_int_equal(say_key(&p, "24.2", 1, 1, 2), RC_INVALID);	/* twice in one */
	assert_int_equal(say_key(&p, "24.3", 1, 1, 1), RC_INVALID);	/* no such unit */
	assert_int_equal(say_key(&p, "24.1", 3, 1, 1), RC_FORMAT);
	assert_int_equal(directory_scope_key(p.d, "24.1", 1)->epoch, 9);
	assert_int_equal(directory_scope_key_at(p.d, "24.1", 1, 5)->public_key[31], 5);
	assert_null(directory_scope_key_at(p.d, "24.1", 1, 8));
	assert_null(directory_scope_key_at(p.d, "24.1", 1, 10));
	assert_int_equal(directory_scope_key(p.d, "24.1", 0)->epoch, 4);
	assert_int_equal(directory_scope_key(p.d, "24.1", 2)->epoch, 0);
	assert_null(directory_scope_key(p.d, "24.2", 1));
	assert_null(directory_scope_key(p.d, "a name that is far too long", 1));
	small_province_close(&p);
}

/* ---- forms ---- */

static void
takes_a_form_set_and_refuses_paths_that_lead_out_of_it(void **state)
{
	static const char *const bad[] = { "", "/etc/x", "a//b", "../x", "a/../b", "a/.", ".hidden",
	    "a/", "a\\b", "x y", "ghi ch\xc3\xba.csv" };
	struct small_province p;
	struct bytes payload = { 0 };
	const uint8_t *forms;
	uint64_t seq;
	size_t len;

	(void)state;
	small_province_open(&p);
	assert_null(directory_forms(p.d, &len, &seq));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		bytes_varint(&payload, 1);
		bytes_span(&payload, bad[i], strlen(bad[i]));
		bytes_varint(&payload, 10);
		assert_int_equal(small_province_try(&p, STATEMENT_FORMS, &payload), RC_FORMAT);
	}
	bytes_varint(&payload, 2);
	bytes_span(&payload, "a/b.csv", 7);
	bytes_varint(&payload, DIRECTORY_FORM_BYTES_MAX);
	bytes_span(&payload, "c", 1);
	bytes_varint(&payload, 1);
	assert_int_equal(small_province_try(&p, STATEMENT_FORMS, &payload), RC_LIMIT);
	bytes_varint(&payload, 0);
	assert_int_equal(small_province_try(&p, STATEMENT_FORMS, &payload), RC_FORMAT);
	for (unsigned set = 0; set < 2; set++) {
		bytes_varint(&payload, 1);
		bytes_span(&payload, "forms/case/survey.csv", 21);
		bytes_varint(&payload, 10);
		bytes_u8(&payload, (uint8_t)set);
		small_province_say(&p, STATEMENT_FORMS, &payload);
		forms = directory_forms(p.d, &len, &seq);
		assert_true(forms != NULL && len == 25 && forms[24] == set);
		assert_int_equal(seq, 2 + set);
	}
	small_province_close(&p);
}

static int
start(void **state)
{
	(void)state;
	return secret_start() == RC_OK ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_chain_that_another_program_made),
		cmocka_unit_test(writes_the_bytes_of_another_program),
		cmocka_unit_test(refuses_a_statement_changed_or_cut_and_stays_as_it_was),
		cmocka_unit_test(refuses_a_gap_and_takes_a_repeat),
		cmocka_unit_test(a_second_statement_at_one_place_is_a_fork),
		cmocka_unit_test(refuses_another_province_and_a_second_genesis),
		cmocka_unit_test(a_type_of_a_newer_program_joins_the_chain_and_says_nothing),
		cmocka_unit_test(loads_what_it_took_before_without_asking_for_signatures),
		cmocka_unit_test(refuses_units_that_make_no_tree),
		cmocka_unit_test(an_epoch_is_newer_than_all_before_it),
		cmocka_unit_test(takes_a_form_set_and_refuses_paths_that_lead_out_of_it),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
