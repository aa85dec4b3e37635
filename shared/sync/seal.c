#include "shared/sync/seal.h"

#include <string.h>

#include <sodium.h>

#include "shared/vault/secret.h"

_Static_assert(SEAL_PUBLIC_BYTES == crypto_sign_PUBLICKEYBYTES &&
    SEAL_PUBLIC_BYTES == crypto_box_PUBLICKEYBYTES, "public keys");
_Static_assert(SEAL_SIGNATURE_BYTES == crypto_sign_BYTES, "signatures");
_Static_assert(SEAL_BOX_OVERHEAD == crypto_box_SEALBYTES, "sealed boxes");
_Static_assert(SEAL_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonces");
_Static_assert(SEAL_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tags");
_Static_assert(SECRET_KEY_BYTES == crypto_sign_SEEDBYTES &&
    SECRET_KEY_BYTES == crypto_box_SECRETKEYBYTES &&
    SECRET_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "secrets");

/* libsodium wants seed and public key side by side; that is a secret as well. */
static enum rc
expand_seed(const struct secret *seed, struct secret **expanded, uint8_t public_key[32])
{
	enum rc rc;

	*expanded = NULL;
	if (secret_len(seed) != SECRET_KEY_BYTES)
		return RC_INTERNAL;
	rc = secret_new(crypto_sign_SECRETKEYBYTES, expanded);
	if (rc == RC_OK)
		crypto_sign_seed_keypair(public_key, secret_data(*expanded), secret_bytes(seed));
	return rc;
}

enum rc
seal_sign_keys(const struct secret *seed, uint8_t public_key[32])
{
	struct secret *expanded = NULL;
	enum rc rc;

	memset(public_key, 0, SEAL_PUBLIC_BYTES);
	rc = expand_seed(seed, &expanded, public_key);
	secret_free(expanded);
	return rc;
}

/* Ed25519 hashes its message twice, so the pieces must lie in one buffer. */
static enum rc
join_message(const char *label, const void *data, size_t len, struct bytes *message)
{
	bytes_init(message);
	if (bytes_room(message, strlen(label) + len) == NULL)
		return message->rc;
	bytes_text(message, label);
	bytes_put(message, data, len);
	return message->rc;
}

enum rc
seal_sign(const struct secret *seed, const char *label, const void *data, size_t len,
    uint8_t signature[64])
{
	struct secret *expanded = NULL;
	struct bytes message;
	uint8_t public_key[SEAL_PUBLIC_BYTES];
	enum rc rc;

	memset(signature, 0, SEAL_SIGNATURE_BYTES);
	rc = join_message(label, data, len, &message);
	if (rc == RC_OK)
		rc = expand_seed(seed, &expanded, public_key);
	if (rc == RC_OK)
		crypto_sign_detached(signature, NULL, message.data, message.len,
		    secret_bytes(expanded));
	secret_free(expanded);
	bytes_reset(&message);
	return rc;
}

enum rc
seal_verify(const uint8_t public_key[32], const char *label, const void *data, size_t len,
    const uint8_t signature[64])
{
	struct bytes message;
	enum rc rc;

	rc = join_message(label, data, len, &message);
	/* refuses S >= L, and small-order or non-canonical R and keys */
	if (rc == RC_OK && crypto_sign_verify_detached(signature, message.data, message.len,
	    public_key) != 0)
		rc = RC_AUTH;
	bytes_reset(&message);
	return rc;
}

enum rc
seal_box_keys(const struct secret *key, uint8_t public_key[32])
{
	memset(public_key, 0, SEAL_PUBLIC_BYTES);
	if (secret_len(key) != SECRET_KEY_BYTES)
		return RC_INTERNAL;
	crypto_scalarmult_base(public_key, secret_bytes(key));
	return RC_OK;
}

bool
seal_box_public_is_valid(const uint8_t public_key[32])
{
	static const uint8_t scalar[32] = { 8, [31] = 64 };	/* any clamped one */
	uint8_t shared[32];

	return crypto_scalarmult(shared, scalar, public_key) == 0;
}

enum rc
seal_box(const uint8_t public_key[32], const void *data, size_t len, struct bytes *out)
{
	uint8_t *to = bytes_room(out, len + SEAL_BOX_OVERHEAD);

	if (to == NULL)
		return out->rc;
	if (crypto_box_seal(to, data, len, public_key) != 0)
		return RC_AUTH;
	out->len += len + SEAL_BOX_OVERHEAD;
	return RC_OK;
}

enum rc
seal_box_open(const uint8_t public_key[32], const struct secret *key, const uint8_t *p,
    size_t len, struct secret **out)
{
	enum rc rc;

	*out = NULL;
	if (secret_len(key) != SECRET_KEY_BYTES)
		return RC_INTERNAL;
	if (len <= SEAL_BOX_OVERHEAD)
		return RC_AUTH;
	if ((rc = secret_new(len - SEAL_BOX_OVERHEAD, out)) != RC_OK)
		return rc;
	if (crypto_box_seal_open(secret_data(*out), p, len, public_key,
	    secret_bytes(key)) != 0) {
		secret_free(*out);
		*out = NULL;
		return RC_AUTH;
	}
	return RC_OK;
}

enum rc
seal_encrypt(const uint8_t key[32], const uint8_t nonce[24], const void *ad, size_t ad_len,
    const void *data, size_t len, struct bytes *out)
{
	uint8_t *to = bytes_room(out, len + SEAL_TAG_BYTES);

	if (to == NULL)
		return out->rc;
	crypto_aead_xchacha20poly1305_ietf_encrypt(to, NULL, data, len, ad, ad_len, NULL,
	    nonce, key);
	out->len += len + SEAL_TAG_BYTES;
	return RC_OK;
}

enum rc
seal_decrypt(const uint8_t key[32], const uint8_t nonce[24], const void *ad, size_t ad_len,
    const uint8_t *p, size_t len, struct bytes *out)
{
	uint8_t *to;

	if (len < SEAL_TAG_BYTES)
		return RC_AUTH;
	if ((to = bytes_room(out, len - SEAL_TAG_BYTES)) == NULL)
		return out->rc;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(to, NULL, NULL, p, len, ad, ad_len,
	    nonce, key) != 0)
		return RC_AUTH;
	out->len += len - SEAL_TAG_BYTES;
	return RC_OK;
}

bool
seal_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

static unsigned
floor_log2(size_t v)
{
	unsigned e = 0;

	while (v >>= 1)
		e++;
	return e;
}

size_t
seal_padme(size_t len)
{
	unsigned e, s;
	size_t mask;

	if (len < 2 || len > SIZE_MAX / 2)
		return len;
	e = floor_log2(len);
	s = floor_log2(e) + 1;
	mask = ((size_t)1 << (e - s)) - 1;
	return (len + mask) & ~mask;
}
