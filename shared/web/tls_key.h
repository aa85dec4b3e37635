#ifndef SHARED_WEB_TLS_KEY_H
#define SHARED_WEB_TLS_KEY_H

/*
 * tls_key: a server's own TLS key with a certificate that nobody else signs, and the pin by
 * which clients know it.  The only file that calls GnuTLS, which libmicrohttpd brings.
 */
#include <stddef.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"

enum {
	TLS_KEY_PEM_MAX = 1 << 20,
	TLS_KEY_PIN_MAX = 64		/* "sha256//", 44 characters of base 64, NUL */
};

/*
 * A new key (ECDSA, P-256) and a certificate for it, both as PEM.  Its dates are as wide as
 * they go: with a pin they mean nothing.  Wipe `key`.
 */
enum rc tls_key_make(struct bytes *key, struct bytes *certificate, struct error *err) RC_CHECK;

/*
 * The pin of the key in the first certificate of a PEM text.  name is what errors call it.
 * RC_FORMAT: no certificate.
 */
enum rc tls_key_pin(const char *name, const struct bytes *certificate,
    char out[TLS_KEY_PIN_MAX], struct error *err) RC_CHECK;

#endif
