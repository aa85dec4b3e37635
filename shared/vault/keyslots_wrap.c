#include <string.h>

#include <sodium.h>

#include "shared/vault/keyslots.h"
#include "shared/vault/keyslots_wrap.h"
#include "shared/vault/secret.h"

enum { NONCE_BYTES = 24, TAG_BYTES = 16 };

_Static_assert(NONCE_BYTES + TAG_BYTES == VAULT_WRAP_OVERHEAD, "overhead of a wrapped secret");

/*
 * A key of its own: a caller may use the subkey itself for something else.  Both in one place, since
 * guarded memory is dear: a country's units have ten thousand secrets to wrap.
 */
static enum rc
wrap_key(const struct secret *master, enum vault_purpose purpose, struct secret **out)
{
	static const char label[] = "field-wrap-1";
	crypto_generichash_state h;
	enum rc rc = keyslots_subkey(master, purpose, out);

	if (rc != RC_OK)
		return rc;
	crypto_generichash_init(&h, secret_bytes(*out), SECRET_KEY_BYTES, SECRET_KEY_BYTES);
	crypto_generichash_update(&h, (const uint8_t *)label, sizeof label - 1);
	crypto_generichash_final(&h, secret_data(*out), SECRET_KEY_BYTES);
	secret_wipe(&h, sizeof h);
	return RC_OK;
}

enum rc
keyslots_wrap_seal(const struct secret *master, enum vault_purpose purpose, const char *context,
    const struct secret *s, struct bytes *out)
{
	struct secret *key = NULL;
	size_t len = secret_len(s), context_len = strlen(context);
	uint8_t *p;
	enum rc rc;

	if (context_len > KEYSLOTS_WRAP_CONTEXT_MAX)
		return RC_LIMIT;
	if ((rc = wrap_key(master, purpose, &key)) != RC_OK)
		return rc;
	if ((p = bytes_room(out, len + VAULT_WRAP_OVERHEAD)) == NULL) {
		rc = RC_NOMEM;
		goto out;
	}
	secret_random_bytes(p, NONCE_BYTES);
	crypto_aead_xchacha20poly1305_ietf_encrypt(p + NONCE_BYTES, NULL, secret_bytes(s), len,
	    (const uint8_t *)context, context_len, NULL, p, secret_bytes(key));
	out->len += len + VAULT_WRAP_OVERHEAD;
out:
	secret_free(key);
	return rc;
}

enum rc
keyslots_wrap_open(const struct secret *master, enum vault_purpose purpose, const char *context,
    const uint8_t *p, size_t len, struct secret **out)
{
	struct secret *key = NULL, *s = NULL;
	size_t context_len = strlen(context);
	enum rc rc;

	*out = NULL;
	if (context_len > KEYSLOTS_WRAP_CONTEXT_MAX)
		return RC_LIMIT;
	if (len <= VAULT_WRAP_OVERHEAD || len > SECRET_MAX + VAULT_WRAP_OVERHEAD)
		return RC_AUTH;
	if ((rc = wrap_key(master, purpose, &key)) != RC_OK ||
	    (rc = secret_new(len - VAULT_WRAP_OVERHEAD, &s)) != RC_OK)
		goto out;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(secret_data(s), NULL, NULL, p + NONCE_BYTES,
	    len - NONCE_BYTES, (const uint8_t *)context, context_len, p, secret_bytes(key)) != 0) {
		rc = RC_AUTH;
		goto out;
	}
	*out = s;
	s = NULL;
out:
	secret_free(key);
	secret_free(s);
	return rc;
}
