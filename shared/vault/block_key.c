#include "shared/vault/block_key.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "shared/vault/secret.h"

enum {
	NONCE_BYTES = 24,
	TAG_BYTES = 16,
	AD_BYTES = BLOCK_ID_BYTES + 8,
	POOL_BYTES = 256 * NONCE_BYTES
};

_Static_assert(NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");
_Static_assert(NONCE_BYTES + TAG_BYTES == BLOCK_OVERHEAD, "overhead");

struct block_key {
	struct secret *key;
	uint8_t id[BLOCK_ID_BYTES];
	size_t pool_left;
	pid_t pool_owner;
	uint8_t pool[POOL_BYTES];
};

static enum rc
key_alloc(struct block_key **out)
{
	struct block_key *k;
	enum rc rc;

	*out = NULL;
	if ((k = calloc(1, sizeof *k)) == NULL)
		return RC_NOMEM;
	if ((rc = secret_new(SECRET_KEY_BYTES, &k->key)) != RC_OK) {
		free(k);
		return rc;
	}
	*out = k;
	return RC_OK;
}

enum rc
block_key_new(const struct secret *files_key, const uint8_t vault_id[BLOCK_ID_BYTES],
    enum block_kind kind, struct block_key **out)
{
	static const char label[] = "field-file-1";
	uint8_t input[sizeof label - 1 + BLOCK_ID_BYTES + 1], both[SECRET_KEY_BYTES + BLOCK_ID_BYTES];
	enum rc rc;

	if ((rc = key_alloc(out)) != RC_OK)
		return rc;
	memcpy(input, label, sizeof label - 1);
	memcpy(input + sizeof label - 1, vault_id, BLOCK_ID_BYTES);
	input[sizeof input - 1] = (uint8_t)kind;
	crypto_generichash(both, sizeof both, input, sizeof input,
	    secret_bytes(files_key), secret_len(files_key));
	memcpy(secret_data((*out)->key), both, SECRET_KEY_BYTES);
	memcpy((*out)->id, both + SECRET_KEY_BYTES, BLOCK_ID_BYTES);
	secret_wipe(both, sizeof both);
	return RC_OK;
}

enum rc
block_key_random(struct block_key **out)
{
	enum rc rc = key_alloc(out);

	if (rc == RC_OK) {
		secret_random_bytes(secret_data((*out)->key), SECRET_KEY_BYTES);
		secret_random_bytes((*out)->id, sizeof (*out)->id);
	}
	return rc;
}

void
block_key_free(struct block_key *key)
{
	if (key == NULL)
		return;
	secret_free(key->key);
	free(key);
}

/* One call of the system's generator fills many; a forked twin must not share them. */
static void
next_nonce(struct block_key *k, uint8_t out[NONCE_BYTES])
{
	pid_t me = getpid();

	if (k->pool_left == 0 || k->pool_owner != me) {
		secret_random_bytes(k->pool, sizeof k->pool);
		k->pool_left = sizeof k->pool;
		k->pool_owner = me;
	}
	k->pool_left -= NONCE_BYTES;
	memcpy(out, k->pool + k->pool_left, NONCE_BYTES);
}

static void
associated_data(const struct block_key *k, uint64_t position, uint8_t out[AD_BYTES])
{
	memcpy(out, k->id, BLOCK_ID_BYTES);
	for (int i = 0; i < 8; i++)
		out[BLOCK_ID_BYTES + i] = (uint8_t)(position >> (8 * i));
}

void
block_seal(struct block_key *key, uint64_t position, const uint8_t *in, size_t len,
    uint8_t *out)
{
	uint8_t ad[AD_BYTES];

	associated_data(key, position, ad);
	next_nonce(key, out + len);
	crypto_aead_xchacha20poly1305_ietf_encrypt_detached(out, out + len + NONCE_BYTES, NULL,
	    in, len, ad, sizeof ad, NULL, out + len, secret_bytes(key->key));
}

bool
block_unseal(const struct block_key *key, uint64_t position, const uint8_t *in, size_t len,
    uint8_t *out)
{
	uint8_t ad[AD_BYTES];

	associated_data(key, position, ad);
	return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(out, NULL, in, len,
	    in + len + NONCE_BYTES, ad, sizeof ad, in + len, secret_bytes(key->key)) == 0;
}
