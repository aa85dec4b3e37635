/* Adding to a directory: the chain of statements, and certificates beside it. */
#include <stdlib.h>
#include <string.h>

#include "shared/sync/directory_internal.h"
#include "shared/sync/seal.h"
#include "shared/vault/digest.h"

enum { VERSION = 1, TYPE_KNOWN_MAX = STATEMENT_ERASE };

enum rc
directory_statement_view(const uint8_t *p, size_t len, struct statement_view *out)
{
	struct reader r;
	const uint8_t *magic;
	uint8_t version;

	memset(out, 0, sizeof *out);
	if (len > DIRECTORY_STATEMENT_MAX)
		return RC_LIMIT;
	reader_init(&r, p, len);
	magic = reader_take(&r, 2);
	version = reader_u8(&r);
	if (r.bad || magic == NULL || memcmp(magic, "FD", 2) != 0 || version == 0)
		return RC_FORMAT;
	if (version > VERSION)
		return RC_NEWER;
	out->type = reader_u8(&r);
	out->seq = reader_varint(&r);
	out->previous = reader_take(&r, DIRECTORY_HEAD_BYTES);
	out->made_at = reader_zigzag(&r);
	out->payload = reader_span(&r, DIRECTORY_PAYLOAD_MAX, &out->payload_len);
	(void)reader_take(&r, SEAL_SIGNATURE_BYTES);
	if (!reader_done(&r) || out->type == 0) {
		memset(out, 0, sizeof *out);
		return RC_FORMAT;
	}
	return RC_OK;
}

static enum rc
verify(const uint8_t root[32], const uint8_t *p, size_t len)
{
	return seal_verify(root, "field-statement-1", p, len - SEAL_SIGNATURE_BYTES,
	    p + len - SEAL_SIGNATURE_BYTES);
}

/* A genesis names the root that signs it, and the root names the province. */
static enum rc
judge_genesis(const struct statement_view *s, const uint8_t *p, size_t len,
    const uint8_t *pinned, bool trusted, struct error *err)
{
	static const uint8_t zeroes[DIRECTORY_HEAD_BYTES];
	uint8_t fingerprint[32];

	if (s->seq != 0)
		return error_set(err, RC_PROTOCOL, NULL, NULL,
		    "the directory must begin with its first statement");
	if (s->type != STATEMENT_GENESIS || s->payload_len < 32 ||
	    memcmp(s->previous, zeroes, sizeof zeroes) != 0)
		return error_set(err, RC_FORMAT, NULL, NULL,
		    "the first statement of the directory is not a genesis");
	directory_fingerprint(s->payload, fingerprint);
	if (pinned != NULL && memcmp(pinned, fingerprint, 8) != 0)
		return error_set(err, RC_AUTH, NULL, NULL, "this is the directory of another province");
	return trusted ? RC_OK : verify(s->payload, p, len);
}

/* Is it the next one?  *known: it is there already. */
static enum rc
judge_place(const struct directory *d, const struct statement_view *s, const uint8_t *p,
    size_t len, bool trusted, bool *known, bool *forked, struct error *err)
{
	uint8_t head[DIRECTORY_HEAD_BYTES];
	bool same;
	enum rc rc;

	digest_of(head, sizeof head, "field-head-1", p, len);
	*known = s->seq < d->count && memcmp(head, d->heads[s->seq], 16) == 0;
	if (*known)
		return RC_OK;
	if (s->seq > d->count)
		return error_set(err, RC_PROTOCOL, NULL, "synchronise again",
		    "statements of the directory are missing before number %llu",
		    (unsigned long long)s->seq);
	/* Only what this root signed can be a fork; anybody could write the rest. */
	if (!trusted && (rc = verify(d->root, p, len)) != RC_OK)
		return rc == RC_AUTH ? error_set(err, rc, NULL, NULL,
		    "statement %llu of the directory is not signed by this province",
		    (unsigned long long)s->seq) : rc;
	same = s->seq == d->count && memcmp(s->previous, d->head, sizeof d->head) == 0;
	*forked = !same;
	if (!same)
		return error_set(err, RC_PROTOCOL, NULL, "tell the province: somebody shows two histories",
		    "there are two directories from statement %llu on",
		    (unsigned long long)s->seq);
	if (s->type == STATEMENT_GENESIS)
		return error_set(err, RC_INVALID, NULL, NULL, "a second genesis");
	return RC_OK;
}

enum rc
directory_retirement_read(const struct directory *d, const uint8_t *p, size_t len,
    const uint8_t device[16], struct device *out)
{
	struct statement_view s;
	struct reader r;
	enum rc rc;

	memset(out, 0, sizeof *out);
	if ((rc = directory_statement_view(p, len, &s)) != RC_OK)
		return rc;
	if (s.type != STATEMENT_RETIRE || d->count == 0 || s.seq < d->count ||
	    s.payload_len < IDENTITY_ID_BYTES || memcmp(s.payload, device, IDENTITY_ID_BYTES) != 0)
		return RC_NOTFOUND;
	if ((rc = verify(d->root, p, len)) != RC_OK)
		return rc;
	if (s.seq == d->count && memcmp(s.previous, d->head, sizeof d->head) != 0)
		return RC_PROTOCOL;
	reader_init(&r, s.payload, s.payload_len);
	return directory_read_end(&r, DEVICE_RETIRED, out);
}

static enum rc
reserve_head(struct directory *d)
{
	size_t cap = d->heads_cap ? d->heads_cap * 2 : 16;
	uint8_t (*heads)[16];

	if (d->count >= DIRECTORY_STATEMENTS_MAX)
		return RC_LIMIT;
	if (d->count < d->heads_cap)
		return RC_OK;
	if ((heads = realloc(d->heads, cap * sizeof *heads)) == NULL)
		return RC_NOMEM;
	d->heads = heads;
	d->heads_cap = cap;
	return RC_OK;
}

static enum rc
add(struct directory *d, const uint8_t *p, size_t len, const uint8_t *pinned, bool trusted,
    bool *forked, struct error *err)
{
	struct statement_view s;
	bool known = false;
	enum rc rc;

	*forked = false;
	rc = directory_statement_view(p, len, &s);
	if (rc == RC_OK && d->count == 0)
		rc = judge_genesis(&s, p, len, pinned, trusted, err);
	else if (rc == RC_OK)
		rc = judge_place(d, &s, p, len, trusted, &known, forked, err);
	if (rc == RC_OK && known)
		return RC_OK;
	if (rc == RC_OK)
		rc = reserve_head(d);
	if (rc == RC_OK && s.type <= TYPE_KNOWN_MAX)
		rc = directory_apply(d, &s, trusted, err);
	if (rc != RC_OK)
		return error_set(err, rc, NULL, NULL, "cannot take statement %llu of the directory: %s",
		    (unsigned long long)s.seq, rc_name(rc));
	if (s.type > TYPE_KNOWN_MAX)
		d->newer++;
	digest_of(d->head, sizeof d->head, "field-head-1", p, len);
	memcpy(d->heads[d->count], d->head, sizeof *d->heads);
	d->count++;
	return RC_OK;
}

enum rc
directory_add(struct directory *d, const uint8_t *p, size_t len, const uint8_t *pinned,
    bool *forked, struct error *err)
{
	return add(d, p, len, pinned, false, forked, err);
}

enum rc
directory_load(struct directory *d, const uint8_t *p, size_t len, struct error *err)
{
	bool forked;

	return add(d, p, len, NULL, true, &forked, err);
}

/* ---- certificates beside the chain ---- */

static enum rc
add_certificate(struct directory *d, const uint8_t *p, size_t len, bool trusted,
    struct error *err)
{
	struct device_entry *fresh = NULL;
	enum rc rc;

	if (d->count == 0)
		return error_set(err, RC_PROTOCOL, NULL, NULL, "the directory has no root yet");
	rc = directory_read_certificate(d, p, len, trusted, &fresh);
	if (rc == RC_OK && d->devices.n + d->awaited.n >= DIRECTORY_DEVICES_MAX)
		rc = RC_LIMIT;
	if (rc == RC_OK)
		rc = directory_set_reserve(&d->devices, 1);
	if (rc != RC_OK) {
		directory_device_free(fresh);
		return error_set(err, rc, NULL, NULL, "cannot take a device's certificate: %s",
		    rc_name(rc));
	}
	directory_place_certificate(d, fresh, false);
	return RC_OK;
}

enum rc
directory_add_certificate(struct directory *d, const uint8_t *p, size_t len, struct error *err)
{
	return add_certificate(d, p, len, false, err);
}

enum rc
directory_load_certificate(struct directory *d, const uint8_t *p, size_t len, struct error *err)
{
	return add_certificate(d, p, len, true, err);
}
