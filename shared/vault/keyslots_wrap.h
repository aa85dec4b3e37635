#ifndef SHARED_VAULT_KEYSLOTS_WRAP_H
#define SHARED_VAULT_KEYSLOTS_WRAP_H

/*
 * keyslots_wrap: a secret sealed under the master key, to be stored as a blob
 * (formats.md, "Wrapped secrets").  See vault_wrap and vault_unwrap in vault.h.
 */
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/vault/vault.h"

struct secret;

enum { KEYSLOTS_WRAP_CONTEXT_MAX = 1024 };

/* Appends secret_len(s) + VAULT_WRAP_OVERHEAD bytes.  RC_LIMIT: context too long. */
enum rc keyslots_wrap_seal(const struct secret *master, enum vault_purpose purpose,
    const char *context, const struct secret *s, struct bytes *out) RC_CHECK;
enum rc keyslots_wrap_open(const struct secret *master, enum vault_purpose purpose,
    const char *context, const uint8_t *p, size_t len, struct secret **out) RC_CHECK;

#endif
