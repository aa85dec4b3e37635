/*
 * The nonce that a device's next hello must carry tells its relay more than it tells the device: its
 * number, and that this relay made it in this generation.  A device that shows one with a higher
 * number than the relay remembers has spoken with a later state of it: the relay was put back to
 * an older one by hand.  Then it begins a new generation, as after a restore.
 */
#include <string.h>

#include "shared/vault/digest.h"
#include "shared/vault/secret.h"
#include "sync-server/relay_internal.h"

enum { NUMBER_BYTES = 4, NOISE_BYTES = 4, CHECK_AT = 8, CHECK_BYTES = 8 };

static void
check_of(struct depot *depot, const uint8_t device[16], const uint8_t *nonce,
    uint8_t out[CHECK_BYTES])
{
	const struct secret *seed = depot_identity(depot)->sign_seed;
	uint8_t generation[16];
	struct digest d;

	depot_generation(depot, generation);
	digest_start(&d, CHECK_BYTES, secret_bytes(seed), secret_len(seed), "field-relay-nonce-1");
	digest_put(&d, device, IDENTITY_ID_BYTES);
	digest_put(&d, generation, sizeof(generation));
	digest_put(&d, nonce, CHECK_AT);
	digest_end(&d, out);
}

/* The number of a nonce that this relay made in this generation, else 0. */
static uint32_t
number_of(struct depot *depot, const uint8_t device[16], const uint8_t nonce[16])
{
	uint8_t check[CHECK_BYTES];
	uint32_t n = 0;

	check_of(depot, device, nonce, check);
	if (memcmp(check, nonce + CHECK_AT, sizeof(check)) != 0)
		return 0;
	for (int i = NUMBER_BYTES - 1; i >= 0; i--)
		n = n << 8 | nonce[i];
	return n;
}

void
relay_nonce_next(struct depot *depot, const uint8_t device[16], const uint8_t last[16],
    uint8_t out[16])
{
	uint32_t n = number_of(depot, device, last);

	n = n == UINT32_MAX ? n : n + 1;
	for (int i = 0; i < NUMBER_BYTES; i++)
		out[i] = (uint8_t)(n >> (8 * i));
	secret_random_bytes(out + NUMBER_BYTES, NOISE_BYTES);
	check_of(depot, device, out, out + CHECK_AT);
}

bool
relay_nonce_is_later(struct depot *depot, const uint8_t device[16], const uint8_t shown[16],
    const uint8_t known[16])
{
	return number_of(depot, device, shown) > number_of(depot, device, known);
}

enum rc
relay_was_put_back(struct depot *depot, int64_t now, const uint8_t device[16])
{
	enum rc rc = depot_renew_generation(depot);

	return rc != RC_OK ? rc : depot_alarm(depot, now, "relay-put-back", device,
	    "the relay had a later state when it spoke with this device");
}
