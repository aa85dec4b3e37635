/* A frame from anybody: read its header, then verify and open it with keys that are not its own. */
#include <stdlib.h>
#include <string.h>

#include "shared/sync/frame.h"
#include "shared/sync/seal.h"
#include "shared/vault/secret.h"
#include "tests/support/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_header(const struct frame_header *h, size_t len)
{
	uint64_t total = 0;

	for (size_t i = 0; i < h->n_ranges; i++)
		total += h->ranges[i].count;
	if (h->n_ranges == 0 || h->n_ranges > FRAME_RANGES_MAX || total != h->n_entries ||
	    total > FRAME_ENTRIES_MAX || h->compartment > 2 ||
	    !identity_unit_is_valid(h->unit, strlen(h->unit)) ||
	    h->header_len + SEAL_SIGNATURE_BYTES + h->ciphertext_len != len)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* the keys of tests/vectors, so that its frames open */
	uint8_t seed_bytes[32], key_bytes[32], sign_public[32], scope_public[32];
	struct secret *seed = NULL, *key = NULL;
	struct bytes cargo = { 0 };
	struct frame_header h;

	for (size_t i = 0; i < 32; i++) {
		seed_bytes[i] = (uint8_t)(3 + i);
		key_bytes[i] = (uint8_t)(0x40 + i);
	}
	if (secret_start() != RC_OK || secret_from(seed_bytes, 32, &seed) != RC_OK ||
	    secret_from(key_bytes, 32, &key) != RC_OK ||
	    seal_sign_keys(seed, sign_public) != RC_OK || seal_box_keys(key, scope_public) != RC_OK)
		abort();
	if (frame_read(data, len, &h) == RC_OK) {
		check_header(&h, len);
		if (frame_verify(&h, data, len, sign_public) == RC_FORMAT)
			abort();
		/* also without a good signature: a device may be hostile */
		if (frame_open(&h, data, len, scope_public, key, &cargo) == RC_OK &&
		    cargo.len > FRAME_CARGO_MAX)
			abort();
	} else if (h.ranges != NULL) {
		abort();
	}
	frame_header_reset(&h);
	bytes_reset(&cargo);
	secret_free(seed);
	secret_free(key);
	return 0;
}

#ifndef FUZZING
int
main(int argc, char **argv)
{
	return replay_corpus(argc > 1 ? argv[1] : "", LLVMFuzzerTestOneInput);
}
#endif
