#ifndef TESTS_SUPPORT_VECTORS_H
#define TESTS_SUPPORT_VECTORS_H

/* vectors: values of tests/vectors/NAME.hex, lines of `key = hex`.  Tests run in the top folder. */
#include "shared/base/bytes.h"
#include "shared/vault/secret.h"

/* The value as bytes to reset; ends the program with a message when it is not there. */
struct bytes vectors_get(const char *file, const char *key);
/* The same as a secret to free. */
struct secret *vectors_secret(const char *file, const char *key);
/* Exactly len bytes into out. */
void vectors_copy(const char *file, const char *key, uint8_t *out, size_t len);

#endif
