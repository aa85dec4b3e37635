#include <sodium.h>

#include "shared/base/clock.h"
#include "shared/vault/keyslots.h"
#include "shared/vault/secret.h"

enum {
	CALIBRATE_PASSES = 3,
	CALIBRATE_MAX_MIB = 256,	/* a laptop of 2 GB must not start to swap */
	CALIBRATE_MS = 1000
};

_Static_assert(KEYSLOTS_SALT_BYTES == crypto_pwhash_SALTBYTES, "salt of Argon2id");

enum rc
keyslots_kdf_check(const struct vault_kdf *kdf)
{
	if (kdf->memory_mib < VAULT_KDF_MEMORY_MIN_MIB ||
	    kdf->memory_mib > VAULT_KDF_MEMORY_MAX_MIB ||
	    kdf->passes < 1 || kdf->passes > VAULT_KDF_PASSES_MAX)
		return RC_LIMIT;
	return RC_OK;
}

enum rc
keyslots_stretch(const struct secret *passphrase, const uint8_t *salt, const struct vault_kdf *kdf,
    struct secret *out)
{
	return crypto_pwhash(secret_data(out), SECRET_KEY_BYTES,
	    (const char *)secret_bytes(passphrase), secret_len(passphrase), salt, kdf->passes,
	    (size_t)kdf->memory_mib << 20, crypto_pwhash_ALG_ARGON2ID13) == 0 ? RC_OK : RC_NOMEM;
}

enum rc
keyslots_calibrate(struct vault_kdf *kdf)
{
	static const uint8_t salt[KEYSLOTS_SALT_BYTES] = { 1 };
	struct vault_kdf trial = { VAULT_KDF_MEMORY_MIN_MIB, kdf->passes };
	struct secret *s = NULL, *key = NULL;
	int64_t start, took;
	enum rc rc;

	if (kdf->passes == 0)
		kdf->passes = trial.passes = CALIBRATE_PASSES;
	if (kdf->memory_mib != 0 || kdf->passes > VAULT_KDF_PASSES_MAX)
		return keyslots_kdf_check(kdf);
	if ((rc = secret_random(SECRET_KEY_BYTES, &s)) != RC_OK ||
	    (rc = secret_new(SECRET_KEY_BYTES, &key)) != RC_OK)
		goto out;
	/* Twice the memory takes twice as long; stop where that would be too long. */
	for (;;) {
		start = clock_monotonic_ms();
		rc = keyslots_stretch(s, salt, &trial, key);
		took = clock_monotonic_ms() - start;
		if (rc != RC_OK || took * 3 / 2 > CALIBRATE_MS ||
		    trial.memory_mib * 2 > CALIBRATE_MAX_MIB)
			break;
		trial.memory_mib *= 2;
	}
	/* The computer has not even that much to give: stay below. */
	if (rc == RC_NOMEM && trial.memory_mib > VAULT_KDF_MEMORY_MIN_MIB) {
		trial.memory_mib /= 2;
		rc = RC_OK;
	}
	*kdf = trial;
out:
	secret_free(s);
	secret_free(key);
	return rc;
}
