/*
 * The directory.  The input is a run of pieces: kind u8, length u16, bytes.  Kinds 1…239
 * are payloads of statements of that type: they get their place in the chain here and
 * are loaded without signatures, so that mutations reach what they say.  240 is a whole
 * statement, 241 a certificate, 242 a share item, 243 a share list.
 */
#include <stdlib.h>
#include <string.h>

#include "shared/sync/directory.h"
#include "shared/vault/secret.h"
#include "tests/support/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { WHOLE = 240, CERTIFICATE, SHARE, SHARE_LIST };

static void
put_statement(const struct directory *d, unsigned type, const uint8_t *p, size_t len,
    struct bytes *out)
{
	static const uint8_t signature[64];
	uint8_t head[DIRECTORY_HEAD_BYTES];

	directory_head(d, head);
	bytes_text(out, "FD\x01");
	bytes_u8(out, (uint8_t)type);
	bytes_varint(out, directory_count(d));
	bytes_put(out, head, sizeof head);
	bytes_zigzag(out, 0);
	bytes_span(out, p, len);
	bytes_put(out, signature, sizeof signature);
}

/* What no statement may break. */
static void
check(const struct directory *d)
{
	for (size_t i = 0; i < directory_unit_count(d); i++) {
		const struct unit *u = directory_unit_at(d, i);

		if (!directory_unit_within(d, u->code, directory_top_unit(d)) ||
		    directory_unit(d, u->code) != u || u->name == NULL || u->full_name == NULL ||
		    (i > 0 && strcmp(directory_unit_at(d, i - 1)->code, u->code) >= 0))
			abort();
	}
	for (size_t i = 0; i < directory_device_count(d); i++) {
		const struct device *device = directory_device_at(d, i);
		uint8_t digest[16];
		char **lanes;
		size_t n;

		if (directory_device(d, device->cert.device) != device || device->role >= ROLE_COUNT)
			abort();
		(void)directory_device_counts(device, 1, 1);
		if (directory_lanes(d, device->cert.device, &lanes, &n, digest) == RC_OK)
			directory_lanes_free(lanes, n);
	}
}

static void
take_share_list(const struct directory *d, const uint8_t *p, size_t len)
{
	struct share *shares = NULL;
	struct bytes *list = NULL, again = { 0 };
	uint64_t seq;
	size_t n;

	if (directory_share_list_check(d, p, len, &shares, &n) == RC_OK)
		free(shares);
	else if (shares != NULL)
		abort();
	if (directory_share_list_read(p, len, &seq, &list, &n) != RC_OK)
		return;
	directory_share_list_write(list, n, seq, &again);
	if (again.len != len || memcmp(again.data, p, len) != 0)
		abort();
	for (size_t i = 0; i < n; i++)
		bytes_reset(&list[i]);
	free(list);
	bytes_reset(&again);
}

static void
take(struct directory *d, unsigned kind, const uint8_t *p, size_t len)
{
	uint64_t before = directory_count(d);
	struct bytes statement = { 0 };
	struct statement_view view;
	struct share share;
	enum rc rc = RC_OK;
	bool forked;

	if (kind == WHOLE) {
		(void)!directory_statement_view(p, len, &view);
		(void)!directory_add(d, p, len, NULL, &forked, NULL);
		rc = directory_load(d, p, len, NULL);
	} else if (kind == CERTIFICATE) {
		(void)!directory_add_certificate(d, p, len, NULL);
		(void)!directory_load_certificate(d, p, len, NULL);
	} else if (kind == SHARE) {
		(void)!directory_share_read(p, len, &share);
		(void)!directory_share_check(d, p, len, &share);
	} else if (kind == SHARE_LIST) {
		take_share_list(d, p, len);
	} else {
		put_statement(d, kind, p, len, &statement);
		rc = directory_load(d, statement.data, statement.len, NULL);
		if (directory_count(d) != before + (rc == RC_OK))
			abort();
	}
	bytes_reset(&statement);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct directory *d = NULL;
	struct reader r;

	if (secret_start() != RC_OK || directory_new(&d) != RC_OK)
		abort();
	reader_init(&r, data, len);
	while (reader_left(&r) > 3) {
		unsigned kind = reader_u8(&r);
		size_t n = reader_u16(&r);
		const uint8_t *p;

		if (n > reader_left(&r))
			n = reader_left(&r);
		if ((p = reader_take(&r, n)) != NULL)
			take(d, kind, p, n);
	}
	check(d);
	directory_free(d);
	return 0;
}

#ifndef FUZZING
int
main(int argc, char **argv)
{
	return replay_corpus(argc > 1 ? argv[1] : "", LLVMFuzzerTestOneInput);
}
#endif
