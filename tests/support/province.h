#ifndef TESTS_SUPPORT_PROVINCE_H
#define TESTS_SUPPORT_PROVINCE_H

/*
 * province: a small province with real keys for tests.  What fails here ends the program
 * with a message.  The test calls secret_start first.
 */
#include <stdbool.h>

#include "shared/sync/directory.h"
#include "shared/sync/identity.h"
#include "shared/vault/secret.h"

struct province {
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
void province_open(struct province *p);
void province_close(struct province *p);

/* The next statement, signed; wipes the payload.  The caller resets the result. */
struct bytes province_sign(const struct province *p, enum statement_type type,
    struct bytes *payload);
/* The same, added; with what result. */
enum rc province_try(struct province *p, enum statement_type type, struct bytes *payload);
/* The same; it must succeed. */
void province_say(struct province *p, enum statement_type type, struct bytes *payload);

/* A unit by code and parent; the names are the code. */
struct unit province_unit(char *code, const char *parent);

/* A new device of that unit and role, its certificate, and the invitation's id. */
struct province_device {
	struct identity identity;
	struct bytes certificate;
	uint8_t invitation[IDENTITY_ID_BYTES];
};
void province_join(const struct province *p, const char *unit, enum identity_role role,
    struct province_device *out);
/* The same and admitted by a statement. */
void province_admit(struct province *p, const char *unit, enum identity_role role,
    struct province_device *out);
void province_device_reset(struct province_device *d);

#endif
