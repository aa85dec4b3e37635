#ifndef SHARED_SYNC_CARGO_COLUMNS_H
#define SHARED_SYNC_CARGO_COLUMNS_H

/*
 * cargo_columns: the columns of formats.md "Cargo columns", written and read.
 * cargo.c puts deflate around them.
 */
#include <stddef.h>
#include <stdint.h>

#include "shared/base/arena.h"
#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/sync/cargo.h"

enum {
	SHAPE_MIXED = 15,	/* items of several types: each says its own */
	SHAPE_HOLLOW = 0,	/* number of the shape of an entry without a body */
	SHAPE_REPLACES = 4,	/* flag beside a write's kind: it replaces something */
	SHAPE_FLAGS_MAX = 7
};

/* What a column is of: a register of a form, or a member of a group's register. */
struct column_key {
	size_t form;
	unsigned field;
	unsigned member;	/* 0: the register itself */
};

struct shape_member {
	unsigned field;
	unsigned type;
	size_t column;
};

struct shape_write {
	unsigned field;
	unsigned kind;		/* enum write_kind, with SHAPE_REPLACES */
	unsigned type;		/* enum value_type or SHAPE_MIXED */
	struct shape_member *members;	/* of a group */
	size_t n_members;
	size_t column;
};

struct shape {
	size_t form;
	unsigned flags;		/* as in the body */
	struct shape_write *writes;
	size_t n_writes;
};

/* The flags byte of an entry's body (formats.md "Entry"). */
unsigned cargo_columns_flags(const struct entry *e);

/* A complete date (year, month, day) of the packed form as days; 0 if partial. */
int cargo_columns_date_days(int64_t packed, int64_t *days);
int64_t cargo_columns_date_packed(int64_t days);

enum rc cargo_columns_write(const struct cargo_log *logs, size_t n_logs,
    const struct cargo_entry *entries, size_t n_entries, struct bytes *raw) RC_CHECK;

/* Fills out->logs (keys, tips) and out->entries from memory of `arena`; texts point into raw. */
enum rc cargo_columns_read(const uint8_t *raw, size_t len, const struct cargo_log *ranges,
    size_t n_ranges, struct arena *arena, struct cargo *out) RC_CHECK;

#endif
