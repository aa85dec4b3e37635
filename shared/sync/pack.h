#ifndef SHARED_SYNC_PACK_H
#define SHARED_SYNC_PACK_H

/*
 * pack: raw deflate, with or without a preset dictionary.  The only file that
 * calls zlib.
 */
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"

enum { PACK_RAW_MAX = 16 << 20 };

/* A preset dictionary; NULL stands for none. */
struct pack_dictionary {
	const uint8_t *data;
	size_t len;
};

/* Appends the deflated bytes.  RC_LIMIT: over PACK_RAW_MAX. */
enum rc pack_squeeze(const uint8_t *p, size_t len, const struct pack_dictionary *preset,
    struct bytes *out) RC_CHECK;
/* Appends exactly raw_len bytes, or RC_FORMAT; RC_LIMIT: over PACK_RAW_MAX. */
enum rc pack_unsqueeze(const uint8_t *p, size_t len, const struct pack_dictionary *preset,
    size_t raw_len, struct bytes *out) RC_CHECK;

#endif
