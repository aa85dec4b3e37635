#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "shared/sync/directory.h"
#include "shared/vault/digest.h"
#include "shared/vault/secret.h"
#include "tests/support/small_province.h"
#include "tests/support/vectors.h"

/* ---- devices ---- */

static void
a_certificate_that_came_by_itself_is_certified(void **state)
{
	struct small_province p, other;
	struct small_province_device a, foreign;
	const struct device *device;
	struct directory *empty = NULL;

	(void)state;
	small_province_open(&p);
	small_province_open(&other);
	small_province_join(&p, "24.1", ROLE_CASEWORKER, &a);
	small_province_join(&other, "24.1", ROLE_CASEWORKER, &foreign);
	assert_int_equal(directory_new(&empty), RC_OK);
	assert_int_equal(directory_add_certificate(empty, a.certificate.data, a.certificate.len,
	    NULL), RC_PROTOCOL);
	directory_free(empty);
	assert_int_equal(directory_add_certificate(p.d, foreign.certificate.data,
	    foreign.certificate.len, NULL), RC_AUTH);
	assert_int_equal(directory_add_certificate(p.d, a.certificate.data,
	    a.certificate.len - 1, NULL), RC_FORMAT);
	assert_int_equal(directory_device_count(p.d), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(directory_add_certificate(p.d, a.certificate.data,
		    a.certificate.len, NULL), RC_OK);
	assert_int_equal(directory_device_count(p.d), 1);
	device = directory_device(p.d, a.identity.device);
	assert_true(device != NULL && device == directory_device_at(p.d, 0));
	assert_null(directory_device_at(p.d, 1));
	assert_int_equal(device->state, DEVICE_CERTIFIED);
	assert_string_equal(device->unit, "24.1");
	assert_int_equal(device->role, ROLE_CASEWORKER);
	assert_memory_equal(device->cert.sign_public, a.identity.sign_public, 32);
	assert_int_equal(directory_invitation_uses(p.d, a.invitation), 1);
	assert_int_equal(directory_invitation_uses(p.d, foreign.invitation), 0);
	small_province_device_reset(&a);
	small_province_device_reset(&foreign);
	small_province_close(&p);
	small_province_close(&other);
}

static void
refuses_to_admit_when_one_of_many_certificates_is_bad(void **state)
{
	struct small_province p;
	struct small_province_device a, b;
	struct bytes payload = { 0 }, list[2];

	(void)state;
	small_province_open(&p);
	small_province_join(&p, "24.1", ROLE_CASEWORKER, &a);
	small_province_join(&p, "24.1", ROLE_CASEWORKER, &b);
	list[0] = a.certificate;
	list[1] = b.certificate;
	b.certificate.data[b.certificate.len - 1] ^= 1;
	directory_write_admit(list, 2, &payload);
	assert_int_equal(small_province_try(&p, STATEMENT_ADMIT, &payload), RC_AUTH);
	assert_int_equal(directory_device_count(p.d), 0);
	assert_int_equal(directory_count(p.d), 2);
	b.certificate.data[b.certificate.len - 1] ^= 1;
	directory_write_admit(list, 2, &payload);
	assert_int_equal(small_province_try(&p, STATEMENT_ADMIT, &payload), RC_OK);
	assert_int_equal(directory_device_count(p.d), 2);
	assert_int_equal(directory_device(p.d, b.identity.device)->state, DEVICE_ADMITTED);
	small_province_device_reset(&a);
	small_province_device_reset(&b);
	small_province_close(&p);
}

static void
a_retired_device_counts_up_to_its_last_heads(void **state)
{
	const struct device_head heads[] = { { UINT64_MAX, 7 }, { 5, 3 }, { 9, 1 } };
	const struct device_head twice[] = { { 5, 3 }, { 5, 4 } };
	struct small_province p;
	struct small_province_device a;
	struct bytes payload = { 0 };
	const struct device *device;

	(void)state;
	small_province_open(&p);
	small_province_admit(&p, "24.1", ROLE_CASEWORKER, &a);
	device = directory_device(p.d, a.identity.device);
	assert_true(directory_device_counts(device, 5, UINT64_MAX));
	directory_write_retire(a.identity.device, "mất máy", twice, 2, &payload);
	assert_int_equal(small_province_try(&p, STATEMENT_RETIRE, &payload), RC_FORMAT);
	directory_write_retire(a.identity.device, "mất máy", heads, 3, &payload);
	small_province_say(&p, STATEMENT_RETIRE, &payload);
	device = directory_device(p.d, a.identity.device);
	assert_int_equal(device->state, DEVICE_RETIRED);
	assert_true(directory_device_counts(device, 5, 3));
	assert_false(directory_device_counts(device, 5, 4));
	assert_true(directory_device_counts(device, 9, 1));
	assert_true(directory_device_counts(device, UINT64_MAX, 7));
	assert_false(directory_device_counts(device, UINT64_MAX, 8));
	assert_false(directory_device_counts(device, 6, 1));
	/* not admitted again; refused for good measure, then nothing counts */
	directory_write_admit(&a.certificate, 1, &payload);
	assert_int_equal(small_province_try(&p, STATEMENT_ADMIT, &payload), RC_INVALID);
	directory_write_refuse(a.identity.device, "giả mạo", &payload);
	small_province_say(&p, STATEMENT_REFUSE, &payload);
	device = directory_device(p.d, a.identity.device);
	assert_false(directory_device_counts(device, 5, 1));
	assert_int_equal(device->n_heads, 0);
	assert_int_equal(directory_invitation_uses(p.d, a.invitation), 0);
	small_province_device_reset(&a);
	small_province_close(&p);
}

static void
a_refused_device_may_be_admitted_and_assigned(void **state)
{
	struct small_province p;
	struct small_province_device a;
	struct bytes payload = { 0 };
	const struct device *device;

	(void)state;
	small_province_open(&p);
	small_province_join(&p, "24.1", ROLE_COMMUNICATOR, &a);
	directory_write_refuse(a.identity.device, "lời mời đã dùng", &payload);
	small_province_say(&p, STATEMENT_REFUSE, &payload);
	directory_write_admit(&a.certificate, 1, &payload);
	small_province_say(&p, STATEMENT_ADMIT, &payload);
	device = directory_device(p.d, a.identity.device);
	assert_int_equal(device->state, DEVICE_ADMITTED);
	assert_string_equal(device->reason, "");
	directory_write_assign(a.identity.device, "24.7", ROLE_SUPERVISOR, &payload);
	assert_int_equal(small_province_try(&p, STATEMENT_ASSIGN, &payload), RC_INVALID);
	directory_write_assign(a.identity.device, "24.2", ROLE_COUNT, &payload);
	assert_int_equal(small_province_try(&p, STATEMENT_ASSIGN, &payload), RC_FORMAT);
	directory_write_assign(a.identity.device, "24.2", ROLE_SUPERVISOR, &payload);
	small_province_say(&p, STATEMENT_ASSIGN, &payload);
	/* an assignment outlives another admission */
	directory_write_admit(&a.certificate, 1, &payload);
	small_province_say(&p, STATEMENT_ADMIT, &payload);
	device = directory_device(p.d, a.identity.device);
	assert_string_equal(device->unit, "24.2");
	assert_int_equal(device->role, ROLE_SUPERVISOR);
	assert_string_equal(device->cert.invitation.unit, "24.1");
	small_province_device_reset(&a);
	small_province_close(&p);
}

/* A digest of all that a directory says of its devices. */
static void
describe_devices(const struct directory *d, uint8_t out[32])
{
	struct digest h;

	digest_start(&h, 32, NULL, 0, "test");
	for (size_t i = 0; i < directory_device_count(d); i++) {
		const struct device *device = directory_device_at(d, i);

		digest_put(&h, device->cert.device, 16);
		digest_put(&h, device->cert.box_public, 32);
		digest_put(&h, device->cert.invitation.id, 16);
		digest_u8(&h, (uint8_t)device->state);
		digest_u8(&h, (uint8_t)device->role);
		digest_span(&h, device->unit, strlen(device->unit));
		digest_span(&h, device->reason, strlen(device->reason));
		for (size_t k = 0; k < device->n_heads; k++)
			digest_u64(&h, device->heads[k].log);
	}
	digest_end(&h, out);
}

/* The same device under a second invitation. */
static struct bytes
second_certificate(const struct small_province *p, const struct small_province_device *a)
{
	struct small_province_device other;
	struct invitation inv = { .role = ROLE_RELAY, .unit = "24.2" };
	struct bytes out = { 0 }, signed_inv = { 0 };

	small_province_join(p, "24.2", ROLE_RELAY, &other);
	memcpy(inv.public_key, other.identity.sign_public, 32);
	assert_int_equal(identity_invitation_sign(p->root, &inv, &signed_inv), RC_OK);
	assert_int_equal(identity_certificate_make(&a->identity, signed_inv.data, signed_inv.len,
	    other.identity.sign_seed, 1, NULL, 0, &out), RC_OK);
	bytes_reset(&signed_inv);
	small_province_device_reset(&other);
	return out;
}

enum { DEVICES = 5, CERTIFICATES = DEVICES + 2 };

/* Something of every kind about five devices; certificates stay beside. */
static void
tell_much(struct small_province *p, struct small_province_device dev[DEVICES],
    struct bytes certs[CERTIFICATES])
{
	const struct device_head head = { 77, 1 };
	struct bytes payload = { 0 };

	for (int i = 0; i < DEVICES; i++) {
		small_province_join(p, "24.1.1", ROLE_COMMUNICATOR, &dev[i]);
		certs[i] = dev[i].certificate;
	}
	certs[DEVICES] = second_certificate(p, &dev[3]);
	certs[DEVICES + 1] = second_certificate(p, &dev[4]);
	directory_write_admit(&certs[0], 1, &payload);
	small_province_say(p, STATEMENT_ADMIT, &payload);
	directory_write_retire(dev[0].identity.device, "r", &head, 1, &payload);
	small_province_say(p, STATEMENT_RETIRE, &payload);
	directory_write_refuse(dev[1].identity.device, "f", &payload);
	small_province_say(p, STATEMENT_REFUSE, &payload);
	directory_write_assign(dev[2].identity.device, "24.2", ROLE_ANALYST, &payload);
	small_province_say(p, STATEMENT_ASSIGN, &payload);
	directory_write_retire(dev[2].identity.device, "g", NULL, 0, &payload);
	small_province_say(p, STATEMENT_RETIRE, &payload);
	directory_write_admit(&certs[DEVICES], 1, &payload);
	small_province_say(p, STATEMENT_ADMIT, &payload);
}

/* The statements in their order, the certificates anywhere between; a seed is an order. */
static struct directory *
told_in_order(const struct small_province *p, struct bytes certs[CERTIFICATES], unsigned seed)
{
	struct directory *d = NULL;
	size_t place[CERTIFICATES];

	assert_int_equal(directory_new(&d), RC_OK);
	for (size_t i = 0; i < CERTIFICATES; i++) {
		seed = seed * 1664525u + 1013904223u;
		place[i] = (seed >> 16) % p->n_said;
	}
	for (size_t s = 0; s < p->n_said; s++) {
		assert_int_equal(directory_load(d, p->said[s].data, p->said[s].len, NULL), RC_OK);
		for (size_t i = 0; i < CERTIFICATES; i++) {
			size_t c = seed & 1 ? i : CERTIFICATES - 1 - i;

			if (place[c] == s)
				assert_int_equal(directory_load_certificate(d, certs[c].data,
				    certs[c].len, NULL), RC_OK);
		}
	}
	return d;
}

static void
statements_and_certificates_may_arrive_in_any_order(void **state)
{
	struct small_province p;
	struct small_province_device dev[DEVICES];
	struct bytes certs[CERTIFICATES];
	const struct device *device;
	struct directory *d;
	uint8_t want[32], got[32];

	(void)state;
	small_province_open(&p);
	tell_much(&p, dev, certs);
	/* what only the chain knows is not shown before its certificate is here */
	assert_int_equal(directory_device_count(p.d), 2);
	assert_null(directory_device(p.d, dev[1].identity.device));
	d = told_in_order(&p, certs, 1);
	assert_int_equal(directory_device_count(d), DEVICES);
	assert_int_equal(directory_device(d, dev[0].identity.device)->state, DEVICE_RETIRED);
	assert_int_equal(directory_device(d, dev[1].identity.device)->state, DEVICE_REFUSED);
	assert_string_equal(directory_device(d, dev[1].identity.device)->reason, "f");
	device = directory_device(d, dev[2].identity.device);
	assert_int_equal(device->state, DEVICE_RETIRED);
	assert_string_equal(device->unit, "24.2");
	assert_int_equal(device->role, ROLE_ANALYST);
	assert_string_equal(device->cert.invitation.unit, "24.1.1");
	device = directory_device(d, dev[3].identity.device);
	assert_int_equal(device->state, DEVICE_ADMITTED);
	assert_int_equal(device->role, ROLE_RELAY);
	assert_int_equal(directory_device(d, dev[4].identity.device)->state, DEVICE_CERTIFIED);
	describe_devices(d, want);
	directory_free(d);
	for (unsigned seed = 2; seed < 1000; seed++) {
		d = told_in_order(&p, certs, seed);
		describe_devices(d, got);
		assert_memory_equal(got, want, 32);
		directory_free(d);
	}
	for (size_t i = DEVICES; i < CERTIFICATES; i++)
		bytes_reset(&certs[i]);
	for (int i = 0; i < DEVICES; i++)
		small_province_device_reset(&dev[i]);
	small_province_close(&p);
}

static void
remembers_revoked_invitations(void **state)
{
	struct small_province p;
	struct bytes payload = { 0 };
	uint8_t id[16] = { 0 };

	(void)state;
	small_province_open(&p);
	for (unsigned i = 0; i < 50; i++) {
		id[3] = (uint8_t)(i * 37);
		assert_false(directory_invitation_revoked(p.d, id));
		for (int twice = 0; twice < 2; twice++) {
			directory_write_revoke(id, "không dùng", &payload);
			small_province_say(&p, STATEMENT_REVOKE, &payload);
			assert_true(directory_invitation_revoked(p.d, id));
		}
	}
	directory_write_revoke(id, "a\x01", &payload);
	assert_int_equal(small_province_try(&p, STATEMENT_REVOKE, &payload), RC_FORMAT);
	bytes_put(&payload, id, 16);
	bytes_varint(&payload, DIRECTORY_REASON_MAX + 1);
	for (int i = 0; i <= DIRECTORY_REASON_MAX; i++)
		bytes_u8(&payload, 'x');
	assert_int_equal(small_province_try(&p, STATEMENT_REVOKE, &payload), RC_FORMAT);
	small_province_close(&p);
}

/* ---- need to know: architecture.md section 6, worked by hand ---- */

/* Units by code: 24, 24.1, 24.1.1, 24.1.2, 24.2, 24.2.1, 24.9 (merged into 24.1.1);
   a digit is the sum of 1 activities, 2 cases, 4 reports. */
static const struct need {
	const char *unit;
	enum identity_role role;
	const char *reads, *writes;
} NEEDS[] = {
	{ "24", ROLE_COMMUNICATOR, "1000000", "3000000" },
	{ "24", ROLE_CASEWORKER, "3000000", "3222222" },
	{ "24", ROLE_SUPERVISOR, "7777777", "7777777" },
	{ "24", ROLE_ANALYST, "4444444", "4444444" },
	{ "24", ROLE_HOLDER, "7777777", "7777777" },
	{ "24", ROLE_RELAY, "0000000", "0000000" },
	{ "24.1", ROLE_COMMUNICATOR, "0100000", "0300000" },
	{ "24.1", ROLE_CASEWORKER, "0300000", "2322222" },
	{ "24.1", ROLE_SUPERVISOR, "0777007", "2777227" },
	{ "24.1", ROLE_ANALYST, "0444004", "0444004" },
	{ "24.1", ROLE_HOLDER, "0777007", "0777007" },
	{ "24.1", ROLE_RELAY, "0000000", "0000000" },
	{ "24.1.1", ROLE_COMMUNICATOR, "0010001", "0030003" },
	{ "24.1.1", ROLE_CASEWORKER, "0030003", "2232223" },
	{ "24.1.1", ROLE_SUPERVISOR, "0070007", "2272227" },
	{ "24.1.1", ROLE_ANALYST, "0040004", "0040004" },
	{ "24.1.1", ROLE_HOLDER, "0070007", "0070007" },
	{ "24.9", ROLE_SUPERVISOR, "0000007", "2222227" },
	{ "24.9", ROLE_HOLDER, "0000007", "0000007" },
	{ "24.7", ROLE_HOLDER, "0000000", "0000000" },
	{ "", ROLE_HOLDER, "0000000", "0000000" },
	{ "24", ROLE_COUNT, "0000000", "0000000" }
};

static void
roles_read_and_write_what_the_table_says(void **state)
{
	struct small_province p;

	(void)state;
	small_province_open(&p);
	for (size_t i = 0; i < sizeof NEEDS / sizeof *NEEDS; i++) {
		const struct need *need = &NEEDS[i];

		for (size_t u = 0; u < 7; u++) {
			const char *unit = directory_unit_at(p.d, u)->code;

			for (unsigned c = 0; c < 9; c++) {
				bool reads = c < 3 && ((need->reads[u] - '0') >> c & 1) != 0;
				bool writes = c < 3 && ((need->writes[u] - '0') >> c & 1) != 0;

				assert_int_equal(directory_may_read(p.d, need->unit, need->role, unit,
				    c), reads);
				assert_int_equal(directory_may_write(p.d, need->unit, need->role, unit,
				    c), writes);
			}
		}
		assert_false(directory_may_read(p.d, need->unit, need->role, "24.7", 0));
	}
	small_province_close(&p);
}

/* ---- lanes ---- */

static void
assert_lanes(const struct directory *d, const uint8_t device[16], const char *want)
{
	char **lanes, joined[4096] = "";
	uint8_t digest[16];
	size_t n;

	assert_int_equal(directory_lanes(d, device, &lanes, &n, digest), RC_OK);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			assert_true(strcmp(lanes[i - 1], lanes[i]) < 0);
		assert_true(strlen(joined) + strlen(lanes[i]) + 2 < sizeof joined);
		strcat(joined, lanes[i]);
		strcat(joined, " ");
	}
	assert_string_equal(joined, want);
	directory_lanes_free(lanes, n);
}

static void
lanes_of_every_role_are_those_of_the_rule(void **state)
{
	static const struct {
		const char *unit;
		enum identity_role role;
		const char *before, *after;	/* the device's own lane stands between */
	} cases[] = {
		{ "24.1", ROLE_COMMUNICATOR, "c24 c24.1 ", "f024.1 k024.1 " },
		{ "24.1.1", ROLE_CASEWORKER, "c24 c24.1 c24.1.1 c24.9 ",
		    "f024.1.1 f024.9 f124.1.1 f124.9 k024.1.1 k024.9 k124.1.1 k124.9 " },
		{ "24.2", ROLE_SUPERVISOR, "c24 c24.2 c24.2.1 ",
		    "f024.2 f024.2.1 f124.2 f124.2.1 f224.2 f224.2.1 "
		    "k024.2 k024.2.1 k124.2 k124.2.1 k224.2 k224.2.1 " },
		{ "24.2", ROLE_ANALYST, "c24 c24.2 c24.2.1 ", "f224.2 f224.2.1 k224.2 k224.2.1 " },
		{ "24.2.1", ROLE_HOLDER, "c24 c24.2 c24.2.1 ",
		    "f024.2.1 f124.2.1 f224.2.1 k024.2.1 k124.2.1 k224.2.1 " },
		{ "24.1.2", ROLE_RELAY, "c24 c24.1 c24.1.2 ",
		    "f024.1.2 f124.1.2 f224.1.2 k024.1.2 k124.1.2 k224.1.2 " }
	};
	struct small_province p;

	(void)state;
	small_province_open(&p);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct small_province_device dev;
		char want[1024], hex[33];

		small_province_admit(&p, cases[i].unit, cases[i].role, &dev);
		bytes_hex(dev.identity.device, 16, hex);
		snprintf(want, sizeof want, "%sd%s %s", cases[i].before, hex, cases[i].after);
		assert_lanes(p.d, dev.identity.device, want);
		small_province_device_reset(&dev);
	}
	small_province_close(&p);
}

static void
a_relay_carries_for_the_devices_of_its_units(void **state)
{
	struct small_province p;
	struct small_province_device hub, below, beside, gone;
	struct bytes payload = { 0 };
	char want[1024], a[33], b[33];

	(void)state;
	small_province_open(&p);
	small_province_admit(&p, "24.2", ROLE_RELAY, &hub);
	small_province_join(&p, "24.2.1", ROLE_CASEWORKER, &below);
	assert_int_equal(directory_add_certificate(p.d, below.certificate.data,
	    below.certificate.len, NULL), RC_OK);
	small_province_admit(&p, "24.1", ROLE_CASEWORKER, &beside);
	small_province_admit(&p, "24.2.1", ROLE_CASEWORKER, &gone);
	directory_write_retire(gone.identity.device, "", NULL, 0, &payload);
	small_province_say(&p, STATEMENT_RETIRE, &payload);
	bytes_hex(hub.identity.device, 16, a);
	bytes_hex(below.identity.device, 16, b);
	snprintf(want, sizeof want, "c24 c24.2 c24.2.1 d%s d%s f024.2 f024.2.1 f124.2 f124.2.1 "
	    "f224.2 f224.2.1 k024.2 k024.2.1 k124.2 k124.2.1 k224.2 k224.2.1 ",
	    strcmp(a, b) < 0 ? a : b, strcmp(a, b) < 0 ? b : a);
	assert_lanes(p.d, hub.identity.device, want);
	assert_lanes(p.d, gone.identity.device, "");
	small_province_device_reset(&hub);
	small_province_device_reset(&below);
	small_province_device_reset(&beside);
	small_province_device_reset(&gone);
	small_province_close(&p);
}

static void
digest_of_lanes_agrees_with_another_program(void **state)
{
	struct directory *d = NULL;
	uint8_t device[16], want[16], digest[16];
	char **lanes, key[32];
	size_t n;

	(void)state;
	assert_int_equal(directory_new(&d), RC_OK);
	for (int i = 0; i < 4; i++) {
		struct bytes s;

		snprintf(key, sizeof key, "statement_%d", i);
		s = vectors_get("sync", key);
		assert_int_equal(directory_load(d, s.data, s.len, NULL), RC_OK);
		bytes_reset(&s);
	}
	vectors_copy("sync", "device", device, 16);
	vectors_copy("sync", "lanes_digest", want, 16);
	assert_int_equal(directory_lanes(d, device, &lanes, &n, digest), RC_OK);
	assert_memory_equal(digest, want, 16);
	assert_int_equal(n, 12);
	directory_lanes_free(lanes, n);
	device[0] ^= 1;
	assert_int_equal(directory_lanes(d, device, &lanes, &n, digest), RC_NOTFOUND);
	assert_null(lanes);
	directory_free(d);
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
		cmocka_unit_test(a_certificate_that_came_by_itself_is_certified),
		cmocka_unit_test(refuses_to_admit_when_one_of_many_certificates_is_bad),
		cmocka_unit_test(a_retired_device_counts_up_to_its_last_heads),
		cmocka_unit_test(a_refused_device_may_be_admitted_and_assigned),
		cmocka_unit_test(statements_and_certificates_may_arrive_in_any_order),
		cmocka_unit_test(remembers_revoked_invitations),
		cmocka_unit_test(roles_read_and_write_what_the_table_says),
		cmocka_unit_test(lanes_of_every_role_are_those_of_the_rule),
		cmocka_unit_test(a_relay_carries_for_the_devices_of_its_units),
		cmocka_unit_test(digest_of_lanes_agrees_with_another_program),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
