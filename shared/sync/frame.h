#ifndef SHARED_SYNC_FRAME_H
#define SHARED_SYNC_FRAME_H

/*
 * frame: a sealed run of entries of one device in one scope (formats.md
 * "Frame").  The relay reads headers and checks signatures with this file;
 * only who holds the scope's key opens one.  Knows nothing of what is inside.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/sync/identity.h"

struct secret;

enum {
	FRAME_ID_BYTES = 32,
	FRAME_RANGES_MAX = 4096,
	FRAME_ENTRIES_MAX = 65536,
	FRAME_CIPHERTEXT_MAX = 4 << 20,
	FRAME_MAX = FRAME_CIPHERTEXT_MAX + (256 << 10)
};

struct frame_range {
	uint64_t log;
	uint64_t first;		/* n of the first entry */
	uint64_t count;
	uint8_t before[16];	/* h(first - 1) */
	uint8_t after[16];	/* h(first + count - 1) */
};

struct frame_header {
	unsigned kind;
	uint8_t device[IDENTITY_ID_BYTES];
	char unit[IDENTITY_UNIT_MAX + 1];
	unsigned compartment;
	uint32_t epoch;
	uint64_t directory_seq;
	uint8_t directory_head[16];
	struct frame_range *ranges;	/* owned */
	size_t n_ranges;
	uint64_t n_entries;		/* sum of the counts */
	/* places in the frame's bytes, for the functions below */
	size_t context_len, header_len, ciphertext_len;
	uint8_t id[FRAME_ID_BYTES];
};
void frame_header_reset(struct frame_header *h);

/*
 * Seal cargo.  Fields of `h` up to the ranges are given by the caller.
 * scope_public: the scope's key of h->epoch.
 */
enum rc frame_seal(const struct frame_header *h, const uint8_t scope_public[32],
    const struct secret *device_seed, const uint8_t *cargo, size_t len,
    struct bytes *out) RC_CHECK;

/* Read the header of a whole frame.  RC_FORMAT, RC_LIMIT, RC_NEWER, RC_NOMEM. */
enum rc frame_read(const uint8_t *p, size_t len, struct frame_header *out) RC_CHECK;
/* RC_AUTH. */
enum rc frame_verify(const struct frame_header *h, const uint8_t *p, size_t len,
    const uint8_t sign_public[32]) RC_CHECK;
/* Open a verified frame with the scope's secret.  RC_AUTH: commitment or tag; RC_FORMAT: padding. */
enum rc frame_open(const struct frame_header *h, const uint8_t *p, size_t len,
    const uint8_t scope_public[32], const struct secret *scope_secret,
    struct bytes *cargo) RC_CHECK;
void frame_id(const uint8_t *p, size_t len, uint8_t out[FRAME_ID_BYTES]);

#endif
