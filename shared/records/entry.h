#ifndef SHARED_RECORDS_ENTRY_H
#define SHARED_RECORDS_ENTRY_H

/*
 * entry: one save of one form (formats.md "Entry"): in memory, as canonical
 * bytes, and its place in the chain of its log.  Knows no form and no database.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"

enum {
	ENTRY_WRITES_MAX = 512,
	ENTRY_ITEMS_MAX = 200,
	ENTRY_REPLACES_MAX = 4096,
	ENTRY_GROUP_MAX = 64,
	ENTRY_FIELD_MAX = 2047,
	ENTRY_TEXT_BYTES_MAX = 65536,
	ENTRY_CODE_MAX = 63,
	ENTRY_FORM_NAME_MAX = 63,
	ENTRY_REASON_MAX = 2000,
	ENTRY_BODY_MAX = 262144,
	ENTRY_TAG_BYTES = 16,
	ENTRY_HEAD_BYTES = 16,
	ENTRY_LOG_KEY_BYTES = 16,
	ENTRY_KEY_BYTES = 32,
	ENTRY_DEVICE_BYTES = 16,
	ENTRY_TIPS_MAX = 64,
	ENTRY_ALIVE = 0,		/* number of the register `alive` */
	DOT_TEXT_MAX = 48		/* "0123456789abcdef.n.item" and the NUL */
};

struct dot {
	uint64_t log;			/* 0: no dot */
	uint64_t n;			/* from 1 */
};

struct address {
	struct dot dot;
	uint32_t item;			/* 0: the scalar value of that entry */
};

enum value_type {
	VALUE_NOTHING, VALUE_INTEGER, VALUE_TEXT, VALUE_CODE, VALUE_DATE,
	VALUE_REFERENCE, VALUE_DECIMAL, VALUE_GROUP
};

struct value {
	enum value_type type;
	int64_t integer;		/* INTEGER; DATE in the packed form */
	const char *text;		/* TEXT CODE DECIMAL, not NUL-terminated */
	size_t text_len;
	struct dot reference;
	const struct value_member *members;	/* GROUP */
	size_t n_members;
};

struct value_member {
	unsigned field;
	struct value value;		/* never a GROUP */
};

enum write_kind { WRITE_SET, WRITE_ITEMS, WRITE_VOID };

struct write {
	unsigned field;
	enum write_kind kind;
	const struct address *replaces;
	size_t n_replaces;
	const struct value *values;	/* SET: one; ITEMS: n_values; VOID: none */
	size_t n_values;
};

/*
 * All pointers lie in an arena that the entry owns (a decoded entry) or in
 * memory of the caller (an entry being made).
 */
struct entry {
	struct dot dot;			/* its own place; not part of the body */
	bool creates;
	struct dot record;		/* own dot when it creates */
	bool restated;
	struct dot restates;
	const char *form;		/* not NUL-terminated */
	size_t form_len;
	unsigned form_version;
	int64_t saved_at;
	const char *reason;		/* not NUL-terminated; NULL: none */
	size_t reason_len;
	const struct write *writes;
	size_t n_writes;
	void *arena;			/* owned; NULL for a caller's entry */
};

/*
 * Encode the body.  The entry must be canonical (ascending, no repeats).
 * RC_INTERNAL if it is not, RC_LIMIT over a limit.
 */
enum rc entry_encode(const struct entry *e, struct bytes *body) RC_CHECK;
/*
 * Decode a body that stands at `dot`.  Texts point into `body`, which must
 * outlive the entry.  RC_FORMAT, RC_NEWER, RC_NOMEM.  entry_reset frees.
 */
enum rc entry_decode(const uint8_t *body, size_t len, struct dot dot,
    struct entry *out) RC_CHECK;
void entry_reset(struct entry *e);

/* Chain (formats.md "Chain"). */
void entry_tag(const uint8_t log_key[ENTRY_LOG_KEY_BYTES], uint64_t n,
    const uint8_t *body, size_t len, uint8_t tag[ENTRY_TAG_BYTES]);
/* The key of one entry, and the tag by it. */
void entry_key(const uint8_t log_key[ENTRY_LOG_KEY_BYTES], uint64_t n,
    uint8_t key[ENTRY_KEY_BYTES]);
void entry_tag_by(const uint8_t key[ENTRY_KEY_BYTES], const uint8_t *body, size_t len,
    uint8_t tag[ENTRY_TAG_BYTES]);
struct entry_tip {
	uint64_t log;
	uint64_t n;
	uint8_t head[ENTRY_HEAD_BYTES];
};
void entry_chain_start(uint64_t log, const uint8_t device[ENTRY_DEVICE_BYTES],
    const char *unit, unsigned compartment, const struct entry_tip *tips, size_t n_tips,
    uint8_t head[ENTRY_HEAD_BYTES]);
void entry_chain_next(uint8_t head[ENTRY_HEAD_BYTES], uint64_t n,
    const uint8_t tag[ENTRY_TAG_BYTES]);

int dot_compare(const struct dot *a, const struct dot *b);
int address_compare(const struct address *a, const struct address *b);
bool value_equal(const struct value *a, const struct value *b);

/* "log.n" and "log.n.item"; out has DOT_TEXT_MAX chars. */
void dot_text(const struct dot *d, char *out);
void address_text(const struct address *a, char *out);
/* Exactly that form, else false. */
bool dot_parse(const char *s, struct dot *out);
bool address_parse(const char *s, struct address *out);

#endif
