#include <string.h>

#include <sodium.h>

#include "shared/vault/keyslots.h"
#include "shared/vault/secret.h"

enum {
	VERSION = 1,
	MAGIC_BYTES = 8,
	MAC_BYTES = 32,
	SUM_BYTES = 32,
	HEAD_BYTES = MAGIC_BYTES + 2 + VAULT_ID_BYTES + 8 + 1
};

static const uint8_t MAGIC[MAGIC_BYTES] = { 'F', 'I', 'E', 'L', 'D', 'K', 'E', 'Y' };
/* Labels count without their NUL. */
static const char SLOT_LABEL[] = "field-slot-1";
static const char RECOVERY_LABEL[] = "field-recovery-1";
static const char MAC_LABEL[] = "field-key-file-1";

_Static_assert(KEYSLOTS_BOX_BYTES == SECRET_KEY_BYTES + crypto_box_SEALBYTES, "sealed box");
_Static_assert(KEYSLOTS_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(KEYSLOTS_SEALED_BYTES == SECRET_KEY_BYTES +
    crypto_aead_xchacha20poly1305_ietf_ABYTES, "sealed master key");

enum rc
keyslots_subkey(const struct secret *master, enum vault_purpose purpose, struct secret **out)
{
	enum rc rc = secret_new(SECRET_KEY_BYTES, out);

	if (rc == RC_OK)
		crypto_kdf_derive_from_key(secret_data(*out), SECRET_KEY_BYTES, (uint64_t)purpose,
		    "fldvault", secret_bytes(master));
	return rc;
}

static enum rc
header_mac(const uint8_t *p, size_t len, const struct secret *master, uint8_t out[MAC_BYTES])
{
	crypto_generichash_state h;
	struct secret *key = NULL;
	enum rc rc = keyslots_subkey(master, VAULT_HEADER_MAC, &key);

	if (rc == RC_OK) {
		crypto_generichash_init(&h, secret_bytes(key), SECRET_KEY_BYTES, MAC_BYTES);
		crypto_generichash_update(&h, (const uint8_t *)MAC_LABEL, sizeof MAC_LABEL - 1);
		crypto_generichash_update(&h, p, len);
		crypto_generichash_final(&h, out, MAC_BYTES);
		secret_wipe(&h, sizeof h);
	}
	secret_free(key);
	return rc;
}

/* What stands before the commitment: bound to the slot's key and ciphertext. */
static void
put_fields(const struct keyslot *s, struct bytes *out)
{
	size_t params = s->type == KEYSLOT_PASSPHRASE ? 8 :
	    s->type == KEYSLOT_ESCROW ? 32 + KEYSLOTS_BOX_BYTES : 0;

	bytes_u8(out, (uint8_t)s->type);
	bytes_u8(out, s->number);
	bytes_u16(out, (uint16_t)(KEYSLOTS_SALT_BYTES + params + KEYSLOTS_COMMIT_BYTES +
	    KEYSLOTS_NONCE_BYTES + KEYSLOTS_SEALED_BYTES));
	bytes_put(out, s->salt, sizeof s->salt);
	if (s->type == KEYSLOT_PASSPHRASE) {
		bytes_u32(out, s->kdf.memory_mib);
		bytes_u32(out, s->kdf.passes);
	} else if (s->type == KEYSLOT_ESCROW) {
		bytes_put(out, s->escrow_public, sizeof s->escrow_public);
		bytes_put(out, s->escrow_box, sizeof s->escrow_box);
	}
}

static enum rc
parse_slot(struct reader *r, struct keyslot *s)
{
	struct reader body;
	const uint8_t *p;
	uint8_t type = reader_u8(r);
	size_t len;

	s->number = reader_u8(r);
	len = reader_u16(r);
	if ((p = reader_take(r, len)) == NULL || type < KEYSLOT_PASSPHRASE || type > KEYSLOT_ESCROW)
		return RC_DAMAGED;
	s->type = (enum keyslot_type)type;
	reader_init(&body, p, len);
	reader_copy(&body, s->salt, sizeof s->salt);
	if (s->type == KEYSLOT_PASSPHRASE) {
		s->kdf.memory_mib = reader_u32(&body);
		s->kdf.passes = reader_u32(&body);
		/* Before anybody runs them: a hostile file must not hang the laptop. */
		if (keyslots_kdf_check(&s->kdf) != RC_OK)
			return RC_DAMAGED;
	} else if (s->type == KEYSLOT_ESCROW) {
		reader_copy(&body, s->escrow_public, sizeof s->escrow_public);
		reader_copy(&body, s->escrow_box, sizeof s->escrow_box);
	}
	reader_copy(&body, s->commit, sizeof s->commit);
	reader_copy(&body, s->nonce, sizeof s->nonce);
	reader_copy(&body, s->sealed, sizeof s->sealed);
	return reader_done(&body) ? RC_OK : RC_DAMAGED;
}

/* Magic and checksum stand in the same place in every version. */
static bool
frame_fits(const uint8_t *p, size_t len)
{
	uint8_t sum[SUM_BYTES];

	if (len < MAGIC_BYTES + 2 + SUM_BYTES || memcmp(p, MAGIC, MAGIC_BYTES) != 0)
		return false;
	crypto_generichash(sum, sizeof sum, p, len - SUM_BYTES, NULL, 0);
	return memcmp(sum, p + len - SUM_BYTES, SUM_BYTES) == 0;
}

static bool
ascending(const struct keyslot *a, const struct keyslot *b)
{
	return a->type < b->type || (a->type == b->type && a->number < b->number);
}

enum rc
keyslots_parse(const uint8_t *p, size_t len, struct keyslots *out)
{
	struct reader r;
	uint16_t version;
	size_t n;

	memset(out, 0, sizeof *out);
	if (!frame_fits(p, len))
		return RC_DAMAGED;
	reader_init(&r, p + MAGIC_BYTES, len - MAGIC_BYTES - SUM_BYTES);
	version = reader_u16(&r);
	if (version > VERSION)
		return RC_NEWER;
	reader_copy(&r, out->vault_id, sizeof out->vault_id);
	out->generation = reader_u64(&r);
	n = reader_u8(&r);
	if (version != VERSION || len > KEYSLOTS_BYTES_MAX || n > KEYSLOTS_MAX || r.bad)
		goto damaged;
	for (size_t i = 0; i < n; i++) {
		if (parse_slot(&r, &out->slots[i]) != RC_OK ||
		    (i > 0 && !ascending(&out->slots[i - 1], &out->slots[i])))
			goto damaged;
	}
	if (reader_left(&r) != MAC_BYTES || r.bad)
		goto damaged;
	out->n = n;
	return RC_OK;
damaged:
	memset(out, 0, sizeof *out);
	return RC_DAMAGED;
}

enum rc
keyslots_check(const uint8_t *p, size_t len, const struct secret *master)
{
	uint8_t mac[MAC_BYTES];
	enum rc rc;

	if (len < HEAD_BYTES + MAC_BYTES + SUM_BYTES)
		return RC_DAMAGED;
	len -= MAC_BYTES + SUM_BYTES;
	if ((rc = header_mac(p, len, master, mac)) != RC_OK)
		return rc;
	return sodium_memcmp(mac, p + len, MAC_BYTES) == 0 ? RC_OK : RC_DAMAGED;
}

enum rc
keyslots_print(const struct keyslots *k, const struct secret *master, struct bytes *out)
{
	uint8_t digest[MAC_BYTES];
	size_t start = out->len;
	enum rc rc;

	bytes_put(out, MAGIC, MAGIC_BYTES);
	bytes_u16(out, VERSION);
	bytes_put(out, k->vault_id, sizeof k->vault_id);
	bytes_u64(out, k->generation);
	bytes_u8(out, (uint8_t)k->n);
	for (size_t i = 0; i < k->n; i++) {
		const struct keyslot *s = &k->slots[i];

		put_fields(s, out);
		bytes_put(out, s->commit, sizeof s->commit);
		bytes_put(out, s->nonce, sizeof s->nonce);
		bytes_put(out, s->sealed, sizeof s->sealed);
	}
	if (out->rc != RC_OK)
		return out->rc;
	if ((rc = header_mac(out->data + start, out->len - start, master, digest)) != RC_OK)
		return rc;
	bytes_put(out, digest, sizeof digest);
	if (out->rc != RC_OK)
		return out->rc;
	crypto_generichash(digest, sizeof digest, out->data + start, out->len - start, NULL, 0);
	bytes_put(out, digest, sizeof digest);
	return out->rc;
}

/* The slot's one-time key (32) and the commitment to it (32), and what both bind. */
static enum rc
slot_keys(const struct keyslots *k, const struct keyslot *s, const struct secret *kek,
    struct secret **both, struct bytes *bound)
{
	enum rc rc = secret_new(64, both);

	if (rc != RC_OK)
		return rc;
	bytes_text(bound, SLOT_LABEL);
	bytes_put(bound, k->vault_id, sizeof k->vault_id);
	put_fields(s, bound);
	if (bound->rc != RC_OK)
		return bound->rc;
	crypto_generichash(secret_data(*both), 64, bound->data, bound->len,
	    secret_bytes(kek), secret_len(kek));
	return RC_OK;
}

static enum rc
seal_slot(const struct keyslots *k, struct keyslot *s, const struct secret *kek,
    const struct secret *master)
{
	struct secret *both = NULL;
	struct bytes bound;
	enum rc rc;

	bytes_init(&bound);
	if ((rc = slot_keys(k, s, kek, &both, &bound)) != RC_OK)
		goto out;
	memcpy(s->commit, secret_bytes(both) + 32, sizeof s->commit);
	secret_random_bytes(s->nonce, sizeof s->nonce);
	crypto_aead_xchacha20poly1305_ietf_encrypt(s->sealed, NULL, secret_bytes(master),
	    SECRET_KEY_BYTES, bound.data, bound.len, NULL, s->nonce, secret_bytes(both));
out:
	secret_free(both);
	bytes_reset(&bound);
	return rc;
}

static enum rc
open_slot(const struct keyslots *k, const struct keyslot *s, const struct secret *kek,
    struct secret **master)
{
	struct secret *both = NULL, *m = NULL;
	struct bytes bound;
	enum rc rc;

	*master = NULL;
	bytes_init(&bound);
	if ((rc = slot_keys(k, s, kek, &both, &bound)) != RC_OK ||
	    (rc = secret_new(SECRET_KEY_BYTES, &m)) != RC_OK)
		goto out;
	/* Poly1305 alone would let one ciphertext fit two keys. */
	if (sodium_memcmp(s->commit, secret_bytes(both) + 32, sizeof s->commit) != 0 ||
	    crypto_aead_xchacha20poly1305_ietf_decrypt(secret_data(m), NULL, NULL, s->sealed,
	    sizeof s->sealed, bound.data, bound.len, s->nonce, secret_bytes(both)) != 0) {
		rc = RC_AUTH;
		goto out;
	}
	*master = m;
	m = NULL;
out:
	secret_free(both);
	secret_free(m);
	bytes_reset(&bound);
	return rc;
}

/* Put a finished slot in its place: over the one it replaces, or in order. */
static enum rc
insert_slot(struct keyslots *k, const struct keyslot *s)
{
	size_t at = 0;

	while (at < k->n && ascending(&k->slots[at], s))
		at++;
	if (at < k->n && !ascending(s, &k->slots[at])) {
		k->slots[at] = *s;
		return RC_OK;
	}
	if (k->n == KEYSLOTS_MAX)
		return RC_LIMIT;
	memmove(&k->slots[at + 1], &k->slots[at], (k->n - at) * sizeof *k->slots);
	k->slots[at] = *s;
	k->n++;
	return RC_OK;
}

static void
slot_init(struct keyslot *s, enum keyslot_type type)
{
	memset(s, 0, sizeof *s);
	s->type = type;
	secret_random_bytes(s->salt, sizeof s->salt);
}

static enum rc
key_of_passphrase(const struct keyslot *s, const void *passphrase, struct secret **out)
{
	enum rc rc = keyslots_kdf_check(&s->kdf);

	*out = NULL;
	if (rc == RC_OK)
		rc = secret_new(SECRET_KEY_BYTES, out);
	return rc == RC_OK ? keyslots_stretch(passphrase, s->salt, &s->kdf, *out) : rc;
}

enum rc
keyslots_put_passphrase(struct keyslots *k, const struct secret *passphrase,
    struct vault_kdf kdf, const struct secret *master)
{
	struct secret *kek = NULL;
	struct keyslot s;
	enum rc rc;

	slot_init(&s, KEYSLOT_PASSPHRASE);
	s.kdf = kdf;
	if ((rc = key_of_passphrase(&s, passphrase, &kek)) == RC_OK &&
	    (rc = seal_slot(k, &s, kek, master)) == RC_OK)
		rc = insert_slot(k, &s);
	secret_free(kek);
	return rc;
}

/* The code has 160 random bits: it needs no stretching. */
static enum rc
key_of_recovery(const struct keyslot *s, const void *with, struct secret **out)
{
	const struct secret *code = with;
	uint8_t input[sizeof RECOVERY_LABEL - 1 + KEYSLOTS_SALT_BYTES];
	enum rc rc;

	*out = NULL;
	if (secret_len(code) != VAULT_RECOVERY_BYTES)
		return RC_AUTH;
	memcpy(input, RECOVERY_LABEL, sizeof RECOVERY_LABEL - 1);
	memcpy(input + sizeof RECOVERY_LABEL - 1, s->salt, sizeof s->salt);
	if ((rc = secret_new(SECRET_KEY_BYTES, out)) == RC_OK)
		crypto_generichash(secret_data(*out), SECRET_KEY_BYTES, input, sizeof input,
		    secret_bytes(code), secret_len(code));
	return rc;
}

enum rc
keyslots_put_recovery(struct keyslots *k, const struct secret *code, const struct secret *master)
{
	struct secret *kek = NULL;
	struct keyslot s;
	enum rc rc;

	slot_init(&s, KEYSLOT_RECOVERY);
	if ((rc = key_of_recovery(&s, code, &kek)) == RC_OK &&
	    (rc = seal_slot(k, &s, kek, master)) == RC_OK)
		rc = insert_slot(k, &s);
	secret_free(kek);
	return rc;
}

enum rc
keyslots_put_escrow(struct keyslots *k, const uint8_t escrow_public[32],
    const struct secret *master)
{
	struct secret *kek = NULL;
	struct keyslot s;
	enum rc rc;

	slot_init(&s, KEYSLOT_ESCROW);
	memcpy(s.escrow_public, escrow_public, sizeof s.escrow_public);
	for (size_t i = 0; i < k->n; i++) {
		if (k->slots[i].type != KEYSLOT_ESCROW)
			continue;
		s.number = k->slots[i].number;
		if (memcmp(k->slots[i].escrow_public, escrow_public, 32) == 0)
			break;
		if (s.number == UINT8_MAX)
			return RC_LIMIT;
		s.number++;
	}
	if ((rc = secret_random(SECRET_KEY_BYTES, &kek)) != RC_OK)
		goto out;
	if (crypto_box_seal(s.escrow_box, secret_bytes(kek), SECRET_KEY_BYTES, escrow_public) != 0) {
		rc = RC_INVALID;
		goto out;
	}
	if ((rc = seal_slot(k, &s, kek, master)) == RC_OK)
		rc = insert_slot(k, &s);
out:
	secret_free(kek);
	return rc;
}

struct escrow_pair {
	const uint8_t *public_key;
	const struct secret *secret_key;
};

static enum rc
key_of_escrow(const struct keyslot *s, const void *with, struct secret **out)
{
	const struct escrow_pair *pair = with;
	enum rc rc;

	*out = NULL;
	if (memcmp(s->escrow_public, pair->public_key, sizeof s->escrow_public) != 0)
		return RC_AUTH;
	if ((rc = secret_new(SECRET_KEY_BYTES, out)) != RC_OK)
		return rc;
	return crypto_box_seal_open(secret_data(*out), s->escrow_box, sizeof s->escrow_box,
	    pair->public_key, secret_bytes(pair->secret_key)) == 0 ? RC_OK : RC_AUTH;
}

/* The first slot of a type that opens; key_of makes its key of what the caller has. */
static enum rc
open_any(const struct keyslots *k, enum keyslot_type type,
    enum rc (*key_of)(const struct keyslot *s, const void *with, struct secret **out),
    const void *with, struct secret **master)
{
	enum rc rc = RC_AUTH;

	*master = NULL;
	for (size_t i = 0; i < k->n && rc == RC_AUTH; i++) {
		struct secret *kek = NULL;

		if (k->slots[i].type != type)
			continue;
		if ((rc = key_of(&k->slots[i], with, &kek)) == RC_OK)
			rc = open_slot(k, &k->slots[i], kek, master);
		secret_free(kek);
	}
	return rc;
}

enum rc
keyslots_open_passphrase(const struct keyslots *k, const struct secret *passphrase,
    struct secret **master)
{
	return open_any(k, KEYSLOT_PASSPHRASE, key_of_passphrase, passphrase, master);
}

enum rc
keyslots_open_recovery(const struct keyslots *k, const struct secret *code,
    struct secret **master)
{
	return open_any(k, KEYSLOT_RECOVERY, key_of_recovery, code, master);
}

enum rc
keyslots_open_escrow(const struct keyslots *k, const uint8_t escrow_public[32],
    const struct secret *escrow_secret, struct secret **master)
{
	struct escrow_pair pair = { escrow_public, escrow_secret };

	*master = NULL;
	if (secret_len(escrow_secret) != crypto_box_SECRETKEYBYTES)
		return RC_AUTH;
	return open_any(k, KEYSLOT_ESCROW, key_of_escrow, &pair, master);
}
