#include "tests/support/small_province.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/seal.h"

#define MUST(condition) must((condition), #condition, __LINE__)

static void
must(bool held, const char *what, int line)
{
	if (held)
		return;
	fprintf(stderr, "tests/support/small_province.c:%d: %s\n", line, what);
	abort();
}

struct unit
small_province_unit(char *code, const char *parent)
{
	struct unit u = { .full_name = code, .name = code, .level = "COMM", .kind = "xa" };

	MUST(strlen(code) <= IDENTITY_UNIT_MAX && strlen(parent) <= IDENTITY_UNIT_MAX);
	strcpy(u.code, code);
	strcpy(u.parent, parent);
	return u;
}

struct bytes
small_province_sign(const struct small_province *p, enum statement_type type, struct bytes *payload)
{
	struct bytes out = { 0 };

	MUST(directory_sign(p->d, p->root, type, 1764000000, payload, &out) == RC_OK);
	bytes_reset(payload);
	return out;
}

enum rc
small_province_try(struct small_province *p, enum statement_type type, struct bytes *payload)
{
	struct bytes s = small_province_sign(p, type, payload);
	bool forked;
	enum rc rc = directory_add(p->d, s.data, s.len, NULL, &forked, NULL);

	MUST(!forked);
	if (rc != RC_OK) {
		bytes_reset(&s);
		return rc;
	}
	p->said = realloc(p->said, (p->n_said + 1) * sizeof *p->said);
	MUST(p->said != NULL);
	p->said[p->n_said++] = s;
	return RC_OK;
}

void
small_province_say(struct small_province *p, enum statement_type type, struct bytes *payload)
{
	MUST(small_province_try(p, type, payload) == RC_OK);
}

void
small_province_open(struct small_province *p)
{
	static char codes[][8] = { "24", "24.1", "24.2", "24.1.1", "24.1.2", "24.2.1", "24.9" };
	static const char *const parents[] = { "", "24", "24", "24.1", "24.1", "24.2", "24" };
	struct bytes payload = { 0 };
	struct unit units[7];
	uint8_t recovery[32];

	memset(p, 0, sizeof *p);
	MUST(directory_new(&p->d) == RC_OK);
	MUST(secret_random(32, &p->root) == RC_OK);
	MUST(seal_sign_keys(p->root, p->root_public) == RC_OK);
	MUST(seal_box_keys(p->root, recovery) == RC_OK);
	directory_write_genesis(p->root_public, recovery, "Tỉnh Sơn Vân", "24", &payload);
	small_province_say(p, STATEMENT_GENESIS, &payload);
	for (size_t i = 0; i < 7; i++)
		units[i] = small_province_unit(codes[i], parents[i]);
	strcpy(units[6].successor, "24.1.1");
	directory_write_units(units, 7, &payload);
	small_province_say(p, STATEMENT_UNITS, &payload);
}

void
small_province_close(struct small_province *p)
{
	for (size_t i = 0; i < p->n_said; i++)
		bytes_reset(&p->said[i]);
	free(p->said);
	directory_free(p->d);
	secret_free(p->root);
	memset(p, 0, sizeof *p);
}

void
small_province_join(const struct small_province *p, const char *unit, enum identity_role role,
    struct small_province_device *out)
{
	struct invitation inv = { .role = role, .not_before = 1764000000, .not_after = 1765209600 };
	struct secret *seed = NULL;
	struct bytes signed_inv = { 0 };

	memset(out, 0, sizeof *out);
	MUST(strlen(unit) <= IDENTITY_UNIT_MAX);
	strcpy(inv.unit, unit);
	MUST(secret_random(32, &seed) == RC_OK);
	MUST(seal_sign_keys(seed, inv.public_key) == RC_OK);
	identity_invitation_id(inv.public_key, out->invitation);
	MUST(identity_invitation_sign(p->root, &inv, &signed_inv) == RC_OK);
	MUST(identity_make(&out->identity) == RC_OK);
	MUST(identity_certificate_make(&out->identity, signed_inv.data, signed_inv.len, seed,
	    1764100000, (const uint8_t *)"sealed", 6, &out->certificate) == RC_OK);
	bytes_reset(&signed_inv);
	secret_free(seed);
}

void
small_province_admit(struct small_province *p, const char *unit, enum identity_role role,
    struct small_province_device *out)
{
	struct bytes payload = { 0 };

	small_province_join(p, unit, role, out);
	directory_write_admit(&out->certificate, 1, &payload);
	small_province_say(p, STATEMENT_ADMIT, &payload);
}

void
small_province_device_reset(struct small_province_device *d)
{
	identity_reset(&d->identity);
	bytes_reset(&d->certificate);
	memset(d, 0, sizeof *d);
}
