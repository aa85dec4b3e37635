#ifndef TESTS_CRASH_CRASH_FILE_H
#define TESTS_CRASH_CRASH_FILE_H

/*
 * crash_file: the contents of one file of a crash_disk: as they are now, as they were
 * when they were last synced, and which sectors differ.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/crash/crash_disk.h"

struct crash_file {
	struct crash_chunk **now, **safe;	/* room each; NULL: zeroes */
	uint8_t *dirty;				/* a bit a sector */
	uint32_t *touched;			/* chunks with a dirty sector */
	size_t n_touched, room;
	int64_t now_len, safe_len;
	bool unnamed;
};

void crash_file_reset(struct crash_file *f);
/* Shares the chunks. */
void crash_file_copy(const struct crash_file *from, struct crash_file *to);

/* Bytes read; the rest is zeroed. */
int64_t crash_file_read(const struct crash_file *f, uint8_t *out, int64_t len, int64_t offset);
void crash_file_write(struct crash_file *f, const uint8_t *buf, int64_t len, int64_t offset);
void crash_file_truncate(struct crash_file *f, int64_t size);
void crash_file_sync(struct crash_file *f);
/* The power was cut: what is left by this fate. */
void crash_file_settle(struct crash_file *f, uint64_t fate);

void crash_file_spoil(struct crash_file *f, int64_t sector, uint64_t fate);
bool crash_file_holds(const struct crash_file *f, const void *needle, size_t len);

#endif
