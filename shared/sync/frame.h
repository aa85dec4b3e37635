#ifndef SHARED_SYNC_FRAME_H
#define SHARED_SYNC_FRAME_H

/*
 * frame: a sealed run of entries of one device in one scope (formats.md
 * "Frame").  The relay reads headers and checks signatures with this file;
 * only who holds the scope's key opens one.  Knows nothing of what is inside.
 *
 * The order of a reader: frame_read (lengths and fixed positions, nothing else),
 * find the author in the directory, frame_verify, compare the ranges with what
 * is known of their logs, frame_open.  Nothing in a header is believed before
 * frame_verify said RC_OK.
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
	FRAME_CARGO_MAX = FRAME_CIPHERTEXT_MAX - (64 << 10) - 1,	/* what padding leaves */
	FRAME_MAX = FRAME_CIPHERTEXT_MAX + (256 << 10)
};

enum frame_kind {
	FRAME_BY_AUTHOR,	/* signed by the device that it names */
	FRAME_RESEALED		/* signed by the root after an erasure; the device is the author */
};

/*
 * A run of one log.  Ranges stand in the order in which the cargo holds
 * their entries; a log may have several.
 */
struct frame_range {
	uint64_t log;		/* not 0 */
	uint64_t first;		/* n of the first entry, from 1 */
	uint64_t count;		/* from 1 */
	uint8_t before[16];	/* h(first - 1) */
	uint8_t after[16];	/* h(first + count - 1) */
};

struct frame_header {
	unsigned kind;		/* enum frame_kind */
	uint8_t device[IDENTITY_ID_BYTES];
	char unit[IDENTITY_UNIT_MAX + 1];
	unsigned compartment;	/* 0..2 */
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
/* Free the ranges; all zero afterwards. */
void frame_header_reset(struct frame_header *h);

/*
 * Seal cargo (at most FRAME_CARGO_MAX bytes) and append the frame to out.
 * The caller gives the fields of `h` up to n_ranges; the rest is not read.
 * scope_public: the scope's key of h->epoch.  Two calls never give the same bytes.
 * RC_INVALID: a field of h breaks the grammar.  RC_LIMIT: too many ranges or
 * entries, or too much cargo.  RC_AUTH: the scope's key is of small order.
 */
enum rc frame_seal(const struct frame_header *h, const uint8_t scope_public[32],
    const struct secret *device_seed, const uint8_t *cargo, size_t len,
    struct bytes *out) RC_CHECK;

/*
 * Read the header of a whole frame; p[0..len) is exactly one frame.  *out is
 * the caller's to reset; empty on failure.
 * RC_FORMAT.  RC_LIMIT: beyond a limit above.  RC_NEWER: a newer version or kind:
 * keep it.  RC_NOMEM.
 */
enum rc frame_read(const uint8_t *p, size_t len, struct frame_header *out) RC_CHECK;
/*
 * Does the signature hold?  h must come from frame_read of the same bytes.
 * RC_AUTH.  RC_FORMAT: the lengths do not belong to these bytes.
 */
enum rc frame_verify(const struct frame_header *h, const uint8_t *p, size_t len,
    const uint8_t sign_public[32]) RC_CHECK;
/*
 * Open a verified frame with the scope's key pair and append the cargo.
 * RC_AUTH: sealed to another key, commitment or tag; RC_FORMAT: padding.
 */
enum rc frame_open(const struct frame_header *h, const uint8_t *p, size_t len,
    const uint8_t scope_public[32], const struct secret *scope_secret,
    struct bytes *cargo) RC_CHECK;
/* The name of a frame: H(32; "field-frame-id-1", whole frame). */
void frame_id(const uint8_t *p, size_t len, uint8_t out[FRAME_ID_BYTES]);

#endif
