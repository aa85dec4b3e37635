#ifndef TESTS_SUPPORT_SMALL_PROVINCE_H
#define TESTS_SUPPORT_SMALL_PROVINCE_H

/*
 * small_province: a small province with real keys for tests.  What fails here ends the program
 * with a message.  The test calls secret_start first.
 */
#include <stdbool.h>

#include "shared/sync/directory.h"
#include "shared/sync/identity.h"
#include "shared/vault/secret.h"

struct small_province {
	struct directory *d;
	struct secret *root;
	uint8_t root_public[32];
	struct bytes *said;	/* every statement that was taken */
	size_t n_said;
};

/*
 * Genesis, then the units: 24 (top); 24.1 and 24.2 below it; 24.1.1, 24.1.2 and
 * 24.2.1 below those; 24.9, below 24, was merged into 24.1.1.
 */
void small_province_open(struct small_province *p);
void small_province_close(struct small_province *p);

/* The next statement, signed; wipes the payload.  The caller resets the result. */
struct bytes small_province_sign(const struct small_province *p, enum statement_type type,
    struct bytes *payload);
/* The same, added; with what result. */
enum rc small_province_try(struct small_province *p, enum statement_type type,
    struct bytes *payload);
/* The same; it must succeed. */
void small_province_say(struct small_province *p, enum statement_type type, struct bytes *payload);

/* A unit by code and parent; the names are the code. */
struct unit small_province_unit(char *code, const char *parent);

/* A new device of that unit and role, its certificate, and the invitation's id. */
struct small_province_device {
	struct identity identity;
	struct bytes certificate;
	uint8_t invitation[IDENTITY_ID_BYTES];
};
void small_province_join(const struct small_province *p, const char *unit, enum identity_role role,
    struct small_province_device *out);
/* The same and admitted by a statement. */
void small_province_admit(struct small_province *p, const char *unit, enum identity_role role,
    struct small_province_device *out);
void small_province_device_reset(struct small_province_device *d);

#endif
