/*
 * An invitation file, an invitation, a certificate.  The first byte chooses: 0 a file as it
 * came; 1 the inside of a file, which is sealed here so that it is read; 2 an
 * invitation; else a certificate.
 */
#include <stdlib.h>
#include <string.h>

#include "shared/sync/identity.h"
#include "shared/sync/seal.h"
#include "shared/vault/digest.h"
#include "shared/vault/secret.h"
#include "tests/support/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The code of tests/vectors. */
static void
code_bytes(uint8_t out[IDENTITY_CODE_BYTES])
{
	for (size_t i = 0; i < IDENTITY_CODE_BYTES; i++)
		out[i] = (uint8_t)(0xf0 + i);
}

static void
open_file(const uint8_t *data, size_t len)
{
	uint8_t raw[IDENTITY_CODE_BYTES];
	struct invitation_parcel p;
	struct secret *code = NULL;
	struct error err = { .code = RC_OK };
	enum rc rc;

	code_bytes(raw);
	if (secret_from(raw, sizeof raw, &code) != RC_OK)
		abort();
	rc = identity_parcel_open(data, len, code, &p, &err);
	if (rc == RC_OK ? p.seed == NULL : err.code != rc || p.seed != NULL)
		abort();
	identity_parcel_reset(&p);
	secret_free(code);
}

/* The id of the vectors' invitation stands first in the inside. */
static void
open_inside(const uint8_t *data, size_t len)
{
	uint8_t raw[IDENTITY_CODE_BYTES], key[32], nonce[SEAL_NONCE_BYTES] = { 0 };
	struct bytes file = { 0 };
	struct digest d;
	size_t head;

	if (len < IDENTITY_ID_BYTES)
		return;
	code_bytes(raw);
	digest_start(&d, 32, raw, sizeof raw, "field-invitation-key-1");
	digest_put(&d, data, IDENTITY_ID_BYTES);
	digest_end(&d, key);
	bytes_text(&file, "FI\x01" "province");
	bytes_put(&file, data, IDENTITY_ID_BYTES);
	bytes_put(&file, nonce, sizeof nonce);
	head = file.len;
	if (bytes_room(&file, len + SEAL_TAG_BYTES) == NULL ||
	    seal_encrypt(key, nonce, file.data, head, data + IDENTITY_ID_BYTES,
	    len - IDENTITY_ID_BYTES, &file) != RC_OK)
		abort();
	open_file(file.data, file.len);
	bytes_reset(&file);
}

static void
read_certificate(const uint8_t *data, size_t len, const uint8_t root[32])
{
	struct certificate parsed, read;
	enum rc rc = identity_certificate_parse(data, len, &parsed);

	if (identity_certificate_read(data, len, root, &read) == RC_OK &&
	    (rc != RC_OK || memcmp(&parsed, &read, sizeof read) != 0))
		abort();
	if (rc == RC_OK && (parsed.sealed_name_len > IDENTITY_SEALED_NAME_MAX ||
	    parsed.invitation.role >= ROLE_COUNT))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* the root of tests/vectors */
	struct secret *seed = NULL;
	struct invitation inv;
	uint8_t raw[32], root[32];

	for (size_t i = 0; i < 32; i++)
		raw[i] = (uint8_t)(1 + i);
	if (secret_start() != RC_OK || secret_from(raw, 32, &seed) != RC_OK ||
	    seal_sign_keys(seed, root) != RC_OK)
		abort();
	secret_free(seed);
	if (len == 0)
		return 0;
	if (data[0] == 0)
		open_file(data + 1, len - 1);
	else if (data[0] == 1)
		open_inside(data + 1, len - 1);
	else if (data[0] == 2)
		(void)!identity_invitation_read(data + 1, len - 1, root, &inv);
	else
		read_certificate(data + 1, len - 1, root);
	return 0;
}

#ifndef FUZZING
int
main(int argc, char **argv)
{
	return replay_corpus(argc > 1 ? argv[1] : "", LLVMFuzzerTestOneInput);
}
#endif
