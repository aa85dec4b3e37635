#include "shared/vault/digest.h"

#include <sodium.h>
#include <string.h>

_Static_assert(sizeof(crypto_generichash_state) <= sizeof(((struct digest *)0)->state),
    "the state of BLAKE2b fits");

static crypto_generichash_state *
state_of(struct digest *d)
{
	return (crypto_generichash_state *)(void *)d->state;
}

void
digest_start(struct digest *d, size_t len, const uint8_t *key, size_t key_len,
    const char *label)
{
	d->len = len;
	crypto_generichash_init(state_of(d), key, key_len, len);
	digest_put(d, label, strlen(label));
}

void
digest_put(struct digest *d, const void *p, size_t len)
{
	if (len > 0)
		crypto_generichash_update(state_of(d), p, len);
}

void
digest_u8(struct digest *d, uint8_t v)
{
	digest_put(d, &v, 1);
}

void
digest_u64(struct digest *d, uint64_t v)
{
	uint8_t t[8];

	for (int i = 0; i < 8; i++)
		t[i] = (uint8_t)(v >> (8 * i));
	digest_put(d, t, sizeof(t));
}

void
digest_varint(struct digest *d, uint64_t v)
{
	uint8_t t[10];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		t[n++] = (uint8_t)(v | 0x80);
	t[n++] = (uint8_t)v;
	digest_put(d, t, n);
}

void
digest_span(struct digest *d, const void *p, size_t len)
{
	digest_varint(d, len);
	digest_put(d, p, len);
}

void
digest_end(struct digest *d, uint8_t *out)
{
	crypto_generichash_final(state_of(d), out, d->len);
	sodium_memzero(d->state, sizeof(d->state));
}

void
digest_of(uint8_t *out, size_t out_len, const char *label, const void *p, size_t len)
{
	struct digest d;

	digest_start(&d, out_len, NULL, 0, label);
	digest_put(&d, p, len);
	digest_end(&d, out);
}
