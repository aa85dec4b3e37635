#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shared/sync/identity.h"
#include "shared/sync/seal.h"
#include "shared/vault/secret.h"
#include "tests/support/vectors.h"

#define V "sync"

static void
role_names_are_those_of_the_commands(void **state)
{
	static const char *const names[] = { "communicator", "caseworker", "supervisor", "analyst",
	    "holder", "relay" };
	enum identity_role role;

	(void)state;
	for (unsigned i = 0; i < ROLE_COUNT; i++) {
		assert_string_equal(identity_role_name((enum identity_role)i), names[i]);
		assert_true(identity_role_parse(names[i], &role));
		assert_int_equal(role, i);
	}
	assert_false(identity_role_parse("Relay", &role));
	assert_false(identity_role_parse("", &role));
	assert_string_equal(identity_role_name(ROLE_COUNT), "unknown");
}

static void
unit_codes_are_short_and_plain(void **state)
{
	(void)state;
	assert_true(identity_unit_is_valid("24.001-A_z", 10));
	assert_true(identity_unit_is_valid("1234567890123456", 16));
	assert_false(identity_unit_is_valid("12345678901234567", 17));
	assert_false(identity_unit_is_valid("", 0));
	assert_false(identity_unit_is_valid("a b", 3));
	assert_false(identity_unit_is_valid("a/b", 3));
	assert_false(identity_unit_is_valid("a\0b", 3));
	assert_false(identity_unit_is_valid("xã", strlen("xã")));
}

static void
texts_are_clean_and_composed(void **state)
{
	static const char *const good[] = { "", "Lò Thị Hoa", "plain" };
	static const char *const bad[] = {
		"Ho\x61\xcc\x80",		/* a + U+0300 where U+00E0 is the one spelling */
		"a\xff", "a\x01", ("\xe2\x80\xae" "abc")	/* U+202E turns the line round */
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(identity_text_is_valid((const uint8_t *)good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(identity_text_is_valid((const uint8_t *)bad[i], strlen(bad[i])));
	assert_false(identity_text_is_valid((const uint8_t *)"a\0b", 3));
}

static struct identity
vector_identity(void)
{
	struct identity id;

	assert_int_equal(identity_load(vectors_secret(V, "device_seed"),
	    vectors_secret(V, "device_box_key"), &id), RC_OK);
	return id;
}

static void
device_keys_and_ids_agree_with_another_program(void **state)
{
	struct identity id = vector_identity();
	uint8_t want[32], invitation[16];

	(void)state;
	vectors_copy(V, "device_public", want, 32);
	assert_memory_equal(id.sign_public, want, 32);
	vectors_copy(V, "device_box_public", want, 32);
	assert_memory_equal(id.box_public, want, 32);
	vectors_copy(V, "device", want, 16);
	assert_memory_equal(id.device, want, 16);
	vectors_copy(V, "invitation_public", want, 32);
	identity_invitation_id(want, invitation);
	vectors_copy(V, "invitation_id", want, 16);
	assert_memory_equal(invitation, want, 16);
	identity_reset(&id);
}

static void
two_new_identities_differ_and_can_sign(void **state)
{
	struct identity a, b;
	uint8_t signature[64];

	(void)state;
	assert_int_equal(identity_make(&a), RC_OK);
	assert_int_equal(identity_make(&b), RC_OK);
	assert_memory_not_equal(a.device, b.device, 16);
	assert_memory_not_equal(a.box_public, b.box_public, 32);
	assert_int_equal(seal_sign(a.sign_seed, "x", "y", 1, signature), RC_OK);
	assert_int_equal(seal_verify(a.sign_public, "x", "y", 1, signature), RC_OK);
	assert_int_equal(seal_verify(b.sign_public, "x", "y", 1, signature), RC_AUTH);
	identity_reset(&a);
	identity_reset(&b);
}

/* ---- invitations ---- */

static struct invitation
vector_invitation(void)
{
	struct invitation inv = { .unit = "24.001", .role = ROLE_CASEWORKER,
	    .not_before = 1764000000, .not_after = 1765209600 };

	vectors_copy(V, "invitation_public", inv.public_key, 32);
	return inv;
}

static void
invitation_has_the_bytes_of_another_program(void **state)
{
	struct secret *root = vectors_secret(V, "root_seed");
	struct bytes want = vectors_get(V, "invitation"), got = { 0 };
	struct invitation inv = vector_invitation(), read;
	uint8_t root_public[32], id[16];

	(void)state;
	vectors_copy(V, "root_public", root_public, 32);
	vectors_copy(V, "invitation_id", id, 16);
	assert_int_equal(identity_invitation_sign(root, &inv, &got), RC_OK);
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.data, want.data, want.len);
	assert_int_equal(identity_invitation_read(want.data, want.len, root_public, &read), RC_OK);
	assert_memory_equal(read.id, id, 16);
	assert_memory_equal(read.public_key, inv.public_key, 32);
	assert_string_equal(read.unit, "24.001");
	assert_int_equal(read.role, ROLE_CASEWORKER);
	assert_true(read.not_before == 1764000000 && read.not_after == 1765209600);
	secret_free(root);
	bytes_reset(&want);
	bytes_reset(&got);
}

static void
refuses_an_invitation_changed_cut_or_of_another_root(void **state)
{
	struct bytes b = vectors_get(V, "invitation");
	struct invitation inv, none = { .not_before = 0 };
	uint8_t root[32], other[32];

	(void)state;
	vectors_copy(V, "root_public", root, 32);
	vectors_copy(V, "device_public", other, 32);
	for (size_t bit = 0; bit < b.len * 8; bit++) {
		b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(identity_invitation_read(b.data, b.len, root, &inv), RC_OK);
		assert_memory_equal(&inv, &none, sizeof inv);
		b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t len = 0; len < b.len; len++)
		assert_int_equal(identity_invitation_read(b.data, len, root, &inv), RC_FORMAT);
	assert_int_equal(identity_invitation_read(b.data, b.len, other, &inv), RC_AUTH);
	b.data[0] = 2;
	assert_int_equal(identity_invitation_read(b.data, b.len, root, &inv), RC_NEWER);
	b.data[0] = 1;
	bytes_u8(&b, 0);
	assert_int_equal(identity_invitation_read(b.data, b.len, root, &inv), RC_FORMAT);
	bytes_reset(&b);
}

static void
signs_no_invitation_that_it_would_not_read(void **state)
{
	struct secret *root = vectors_secret(V, "root_seed");
	struct invitation inv = vector_invitation();
	struct bytes out = { 0 };

	(void)state;
	inv.role = ROLE_COUNT;
	assert_int_equal(identity_invitation_sign(root, &inv, &out), RC_INVALID);
	inv = vector_invitation();
	strcpy(inv.unit, "a b");
	assert_int_equal(identity_invitation_sign(root, &inv, &out), RC_INVALID);
	inv = vector_invitation();
	inv.not_after = inv.not_before - 1;
	assert_int_equal(identity_invitation_sign(root, &inv, &out), RC_INVALID);
	assert_int_equal(out.len, 0);
	secret_free(root);
}

/* ---- certificates ---- */

static struct bytes
made_certificate(const struct identity *device, const struct bytes *invitation,
    const struct secret *seed)
{
	struct bytes out = { 0 };

	assert_int_equal(identity_certificate_make(device, invitation->data, invitation->len, seed,
	    1764100000, (const uint8_t *)"name", 4, &out), RC_OK);
	return out;
}

static void
certificate_has_the_bytes_of_another_program(void **state)
{
	struct identity id = vector_identity();
	struct secret *seed = vectors_secret(V, "invitation_seed");
	struct bytes inv = vectors_get(V, "invitation"), name = vectors_get(V, "sealed_name");
	struct bytes want = vectors_get(V, "certificate"), got = { 0 };
	struct certificate cert;
	uint8_t root[32];

	(void)state;
	vectors_copy(V, "root_public", root, 32);
	assert_int_equal(identity_certificate_make(&id, inv.data, inv.len, seed, 1764100000,
	    name.data, name.len, &got), RC_OK);
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.data, want.data, want.len);
	assert_int_equal(identity_certificate_read(want.data, want.len, root, &cert), RC_OK);
	assert_memory_equal(cert.device, id.device, 16);
	assert_memory_equal(cert.sign_public, id.sign_public, 32);
	assert_memory_equal(cert.box_public, id.box_public, 32);
	assert_true(cert.joined_at == 1764100000);
	assert_string_equal(cert.invitation.unit, "24.001");
	assert_int_equal(cert.sealed_name_len, name.len);
	assert_memory_equal(cert.sealed_name, name.data, name.len);
	identity_reset(&id);
	secret_free(seed);
	bytes_reset(&inv);
	bytes_reset(&name);
	bytes_reset(&want);
	bytes_reset(&got);
}

static void
refuses_a_certificate_changed_cut_or_of_another_root(void **state)
{
	struct bytes b = vectors_get(V, "certificate");
	struct certificate cert;
	uint8_t root[32], other[32];

	(void)state;
	vectors_copy(V, "root_public", root, 32);
	vectors_copy(V, "device_public", other, 32);
	for (size_t i = 0; i < b.len; i++) {
		for (unsigned bit = 0; bit < 8; bit += 7) {
			b.data[i] ^= (uint8_t)(1 << bit);
			assert_int_not_equal(identity_certificate_read(b.data, b.len, root, &cert),
			    RC_OK);
			b.data[i] ^= (uint8_t)(1 << bit);
		}
		assert_int_equal(identity_certificate_read(b.data, i, root, &cert), RC_FORMAT);
	}
	assert_int_equal(identity_certificate_read(b.data, b.len, other, &cert), RC_AUTH);
	assert_int_equal(identity_certificate_parse(b.data, b.len, &cert), RC_OK);
	b.data[0] = 2;
	assert_int_equal(identity_certificate_read(b.data, b.len, root, &cert), RC_NEWER);
	b.data[0] = 1;
	bytes_u8(&b, 0);
	assert_int_equal(identity_certificate_read(b.data, b.len, root, &cert), RC_FORMAT);
	bytes_reset(&b);
}

/* What only one of the two signatures would let through. */
static void
refuses_a_certificate_under_the_invitation_of_another(void **state)
{
	struct secret *root = vectors_secret(V, "root_seed"), *seed = NULL;
	struct identity device, thief;
	struct invitation inv = { .unit = "24", .role = ROLE_SUPERVISOR, .not_after = 9 };
	struct bytes mine = vectors_get(V, "invitation"), better = { 0 }, cert, forged = { 0 };
	struct certificate out;
	uint8_t root_public[32], signature[64];
	size_t tail;

	(void)state;
	vectors_copy(V, "root_public", root_public, 32);
	assert_int_equal(identity_make(&device), RC_OK);
	assert_int_equal(identity_make(&thief), RC_OK);
	memcpy(inv.public_key, thief.sign_public, 32);
	assert_int_equal(identity_invitation_sign(root, &inv, &better), RC_OK);
	seed = vectors_secret(V, "invitation_seed");
	cert = made_certificate(&device, &mine, seed);
	assert_int_equal(identity_certificate_read(cert.data, cert.len, root_public, &out), RC_OK);

	/* a better invitation in the place of mine, signed again by the device */
	tail = 2 + mine.len + (mine.len > 127);
	bytes_u8(&forged, 1);
	bytes_span(&forged, better.data, better.len);
	bytes_put(&forged, cert.data + tail, cert.len - tail - 64);
	assert_int_equal(seal_sign(device.sign_seed, "field-possession-1", forged.data, forged.len,
	    signature), RC_OK);
	bytes_put(&forged, signature, 64);
	assert_int_equal(identity_certificate_read(forged.data, forged.len, root_public, &out),
	    RC_AUTH);

	/* somebody else's public key, certified by an invitation that I hold: no possession */
	thief.sign_seed = (secret_free(thief.sign_seed), NULL);
	assert_int_equal(secret_from(secret_bytes(device.sign_seed), 32, &thief.sign_seed), RC_OK);
	bytes_reset(&cert);
	cert = made_certificate(&thief, &mine, seed);
	assert_int_equal(identity_certificate_read(cert.data, cert.len, root_public, &out), RC_AUTH);
	assert_int_equal(identity_certificate_parse(cert.data, cert.len, &out), RC_OK);

	/* a box key to which nothing can be sealed */
	bytes_reset(&cert);
	memset(device.box_public, 0, 32);
	cert = made_certificate(&device, &mine, seed);
	assert_int_equal(identity_certificate_read(cert.data, cert.len, root_public, &out), RC_AUTH);

	identity_reset(&device);
	identity_reset(&thief);
	secret_free(root);
	secret_free(seed);
	bytes_reset(&mine);
	bytes_reset(&better);
	bytes_reset(&cert);
	bytes_reset(&forged);
}

static void
makes_no_certificate_without_the_seed_of_the_invitation(void **state)
{
	struct identity id = vector_identity();
	struct bytes inv = vectors_get(V, "invitation"), out = { 0 };
	struct secret *seed = vectors_secret(V, "root_seed");
	uint8_t name[IDENTITY_SEALED_NAME_MAX + 1] = { 0 };

	(void)state;
	assert_int_equal(identity_certificate_make(&id, inv.data, inv.len, seed, 0, name, 4, &out),
	    RC_AUTH);
	secret_free(seed);
	seed = vectors_secret(V, "invitation_seed");
	assert_int_equal(identity_certificate_make(&id, inv.data, inv.len, seed, 0, name,
	    sizeof name, &out), RC_LIMIT);
	assert_int_equal(identity_certificate_make(&id, inv.data, inv.len - 1, seed, 0, name, 4,
	    &out), RC_FORMAT);
	assert_int_equal(out.len, 0);
	assert_int_equal(identity_certificate_make(&id, inv.data, inv.len, seed, 0, name,
	    IDENTITY_SEALED_NAME_MAX, &out), RC_OK);
	assert_true(out.len <= IDENTITY_CERTIFICATE_MAX);
	bytes_reset(&out);
	bytes_reset(&inv);
	secret_free(seed);
	identity_reset(&id);
}

/* ---- the invitation file ---- */

static void
opens_a_file_that_another_program_sealed(void **state)
{
	struct bytes file = vectors_get(V, "invitation_file"), inv = vectors_get(V, "invitation");
	struct bytes item = vectors_get(V, "share_item"), cert = vectors_get(V, "certificate");
	struct bytes second = vectors_get(V, "statement_1");
	struct secret *code = vectors_secret(V, "code"), *seed = vectors_secret(V, "invitation_seed");
	struct secret *scope = vectors_secret(V, "scope_key");
	struct invitation_parcel p;
	uint8_t province[8], id[16];

	(void)state;
	vectors_copy(V, "province", province, 8);
	vectors_copy(V, "invitation_id", id, 16);
	assert_int_equal(identity_parcel_open(file.data, file.len, code, &p, NULL), RC_OK);
	assert_memory_equal(p.province, province, 8);
	assert_memory_equal(p.id, id, 16);
	assert_int_equal(p.invitation.len, inv.len);
	assert_memory_equal(p.invitation.data, inv.data, inv.len);
	assert_true(secret_equal(p.seed, seed));
	assert_string_equal(p.name, "Lò Thị Hoa");
	assert_string_equal(p.url, "https://sync.example:8443");
	assert_string_equal(p.pin, "sha256//AAAA");
	assert_int_equal(p.n_secrets, 1);
	assert_string_equal(p.secrets[0].unit, "24.001");
	assert_int_equal(p.secrets[0].compartment, 1);
	assert_int_equal(p.secrets[0].epoch, 1);
	assert_true(secret_equal(p.secrets[0].key, scope));
	assert_int_equal(p.n_statements, 2);
	assert_int_equal(p.statements[1].len, second.len);
	assert_memory_equal(p.statements[1].data, second.data, second.len);
	assert_int_equal(p.n_shares, 1);
	assert_int_equal(p.shares[0].len, item.len);
	assert_memory_equal(p.shares[0].data, item.data, item.len);
	assert_int_equal(p.n_certificates, 1);
	assert_int_equal(p.certificates[0].len, cert.len);
	identity_parcel_reset(&p);
	secret_free(code);
	secret_free(seed);
	secret_free(scope);
	bytes_reset(&file);
	bytes_reset(&inv);
	bytes_reset(&item);
	bytes_reset(&cert);
	bytes_reset(&second);
}

static void
refuses_a_file_changed_cut_or_under_another_code(void **state)
{
	struct bytes file = vectors_get(V, "invitation_file");
	struct secret *code = vectors_secret(V, "code"), *shorter = NULL;
	struct invitation_parcel p, none = { .n_secrets = 0 };
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < file.len; i++) {
		for (unsigned bit = 0; bit < 8; bit += 7) {
			file.data[i] ^= (uint8_t)(1 << bit);
			assert_int_not_equal(identity_parcel_open(file.data, file.len, code, &p, NULL),
			    RC_OK);
			assert_memory_equal(&p, &none, sizeof p);
			file.data[i] ^= (uint8_t)(1 << bit);
		}
		assert_int_equal(identity_parcel_open(file.data, i, code, &p, NULL),
		    i < 51 + 16 ? RC_FORMAT : RC_AUTH);
	}
	file.data[2] = 2;
	assert_int_equal(identity_parcel_open(file.data, file.len, code, &p, NULL), RC_NEWER);
	file.data[2] = 1;
	assert_int_equal(identity_parcel_open(file.data, (size_t)IDENTITY_FILE_MAX + 1, code, &p,
	    NULL), RC_LIMIT);
	secret_data(code)[19] ^= 1;
	assert_int_equal(identity_parcel_open(file.data, file.len, code, &p, &err), RC_AUTH);
	assert_string_not_equal(err.what, "");
	assert_string_not_equal(err.help, "");
	assert_int_equal(secret_from(secret_bytes(code), 19, &shorter), RC_OK);
	assert_int_equal(identity_parcel_open(file.data, file.len, shorter, &p, NULL), RC_AUTH);
	secret_free(shorter);
	secret_free(code);
	bytes_reset(&file);
}

/* A parcel of the vectors' invitation, with n scope secrets; reset it. */
static struct invitation_parcel
parcel_with(size_t n)
{
	struct invitation_parcel p = { .invitation = vectors_get(V, "invitation"),
	    .seed = vectors_secret(V, "invitation_seed"), .name = "Nguyễn Văn A" };

	p.secrets = calloc(n + 1, sizeof *p.secrets);
	assert_non_null(p.secrets);
	p.n_secrets = n;
	for (size_t i = 0; i < n; i++) {
		strcpy(p.secrets[i].unit, "24.001");
		p.secrets[i].compartment = (unsigned)(i % 3);
		p.secrets[i].epoch = (uint32_t)(UINT32_MAX - i);
		assert_int_equal(secret_random(32, &p.secrets[i].key), RC_OK);
	}
	return p;
}

static void
what_was_sealed_comes_back(void **state)
{
	struct invitation_parcel p = parcel_with(5), q;
	struct secret *code = vectors_secret(V, "code");
	struct bytes file = { 0 };
	uint8_t province[8] = "PROVINC", id[16];

	(void)state;
	vectors_copy(V, "invitation_id", id, 16);
	assert_int_equal(identity_parcel_seal(&p, province, id, code, &file), RC_OK);
	assert_int_equal(identity_parcel_open(file.data, file.len, code, &q, NULL), RC_OK);
	assert_memory_equal(q.province, province, 8);
	assert_string_equal(q.name, p.name);
	assert_int_equal(q.n_secrets, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(q.secrets[i].compartment, i % 3);
		assert_int_equal(q.secrets[i].epoch, UINT32_MAX - i);
		assert_true(secret_equal(q.secrets[i].key, p.secrets[i].key));
	}
	assert_int_equal(q.n_statements + q.n_shares + q.n_certificates, 0);
	identity_parcel_reset(&q);
	identity_parcel_reset(&p);
	secret_free(code);
	bytes_reset(&file);
}

static void
refuses_a_file_whose_seed_or_id_is_of_another_invitation(void **state)
{
	struct invitation_parcel p = parcel_with(0), q;
	struct secret *code = vectors_secret(V, "code");
	struct bytes file = { 0 };
	uint8_t province[8] = { 0 }, id[16];

	(void)state;
	vectors_copy(V, "invitation_id", id, 16);
	id[0] ^= 1;
	assert_int_equal(identity_parcel_seal(&p, province, id, code, &file), RC_OK);
	assert_int_equal(identity_parcel_open(file.data, file.len, code, &q, NULL), RC_FORMAT);
	bytes_reset(&file);
	id[0] ^= 1;
	p.invitation.data[1] ^= 1;
	assert_int_equal(identity_parcel_seal(&p, province, id, code, &file), RC_OK);
	assert_int_equal(identity_parcel_open(file.data, file.len, code, &q, NULL), RC_FORMAT);
	bytes_reset(&file);
	identity_parcel_reset(&p);
	secret_free(code);
}

static void
seals_no_file_that_it_would_not_open(void **state)
{
	struct invitation_parcel p = parcel_with(1);
	struct secret *code = vectors_secret(V, "code");
	struct bytes file = { 0 };
	uint8_t zero[16] = { 0 };

	(void)state;
#define SEAL() identity_parcel_seal(&p, zero, zero, code, &file)
	strcpy(p.url, "a\x01");
	assert_int_equal(SEAL(), RC_INVALID);
	p.url[0] = '\0';
	p.secrets[0].compartment = 3;
	assert_int_equal(SEAL(), RC_INVALID);
	p.secrets[0].compartment = 0;
	p.secrets[0].unit[0] = '\0';
	assert_int_equal(SEAL(), RC_INVALID);
	strcpy(p.secrets[0].unit, "24");
	p.n_statements = IDENTITY_ITEMS_MAX + 1;
	assert_int_equal(SEAL(), RC_LIMIT);
	p.n_statements = 1;
	p.statements = calloc(1, sizeof *p.statements);
	assert_non_null(p.statements);
	assert_non_null(bytes_room(&p.statements[0], IDENTITY_FILE_MAX));
	p.statements[0].len = IDENTITY_FILE_MAX - 100;
	memset(p.statements[0].data, 0, IDENTITY_FILE_MAX);
	assert_int_equal(SEAL(), RC_LIMIT);
	assert_int_equal(file.len, 0);
#undef SEAL
	identity_parcel_reset(&p);
	secret_free(code);
	bytes_reset(&file);
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
		cmocka_unit_test(role_names_are_those_of_the_commands),
		cmocka_unit_test(unit_codes_are_short_and_plain),
		cmocka_unit_test(texts_are_clean_and_composed),
		cmocka_unit_test(device_keys_and_ids_agree_with_another_program),
		cmocka_unit_test(two_new_identities_differ_and_can_sign),
		cmocka_unit_test(invitation_has_the_bytes_of_another_program),
		cmocka_unit_test(refuses_an_invitation_changed_cut_or_of_another_root),
		cmocka_unit_test(signs_no_invitation_that_it_would_not_read),
		cmocka_unit_test(certificate_has_the_bytes_of_another_program),
		cmocka_unit_test(refuses_a_certificate_changed_cut_or_of_another_root),
		cmocka_unit_test(refuses_a_certificate_under_the_invitation_of_another),
		cmocka_unit_test(makes_no_certificate_without_the_seed_of_the_invitation),
		cmocka_unit_test(opens_a_file_that_another_program_sealed),
		cmocka_unit_test(refuses_a_file_changed_cut_or_under_another_code),
		cmocka_unit_test(what_was_sealed_comes_back),
		cmocka_unit_test(refuses_a_file_whose_seed_or_id_is_of_another_invitation),
		cmocka_unit_test(seals_no_file_that_it_would_not_open),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
