#ifndef SHARED_SYNC_DIRECTORY_INTERNAL_H
#define SHARED_SYNC_DIRECTORY_INTERNAL_H

/* What directory*.c share; nobody else includes it. */
#include "shared/sync/directory.h"

struct unit_entry {
	struct unit unit;			/* first: its address is the entry's */
	const struct unit_entry *parent;	/* NULL at the top */
	const struct unit_entry *successor;	/* NULL: none, or not known */
	/* parents that it had before, the latest first; "" for none */
	char former[DIRECTORY_FORMER_MAX][IDENTITY_UNIT_MAX + 1];
};

struct device_entry {
	struct device device;			/* first: its address is the entry's */
	bool assigned;				/* unit and role are not the certificate's */
	bool retired;				/* once, whatever was said later: for good */
	bool chained;				/* the certificate stands in the chain */
	uint8_t digest[16];			/* of the certificate's bytes */
};

struct share_promise {
	uint64_t seq;
	size_t n;
	uint8_t root[32];
};

/* Pointers sorted by a key; the items' owner frees them. */
struct directory_set {
	void **items;
	size_t n, cap;
};
typedef int directory_compare(const void *key, const void *item);

struct directory {
	uint64_t count, newer;
	uint8_t head[DIRECTORY_HEAD_BYTES];
	uint8_t (*heads)[16];			/* after each statement */
	size_t heads_cap;
	uint8_t root[32], recovery[32];
	char *name;
	char top_unit[IDENTITY_UNIT_MAX + 1];
	struct directory_set units;		/* struct unit_entry, by code */
	struct directory_set devices;		/* struct device_entry, by id */
	struct directory_set awaited;		/* the same, whose certificate did not come yet */
	struct directory_set revoked;		/* 16 bytes each */
	struct scope_key *keys;			/* by unit, compartment, epoch */
	size_t n_keys;
	struct share_promise *promises;		/* by seq */
	size_t n_promises, promises_cap;
	struct bytes forms;
	uint64_t forms_seq;
	struct erasure *erasures;		/* by log, n, seq */
	size_t n_erasures;
};

directory_compare directory_by_code, directory_by_device, directory_by_id;
/* Where the key stands, or would; *found says which. */
size_t directory_set_find(const struct directory_set *s, directory_compare *compare,
    const void *key, bool *found);
enum rc directory_set_reserve(struct directory_set *s, size_t extra) RC_CHECK;
/* Room must have been reserved. */
void directory_set_insert(struct directory_set *s, size_t at, void *item);
void *directory_set_remove(struct directory_set *s, size_t at);

void directory_unit_free(struct unit_entry *u);
void directory_device_free(struct device_entry *e);
/* By unit, compartment, epoch. */
int directory_key_compare(const void *a, const void *b);

/* One statement, its place and signature already judged.  All or nothing. */
enum rc directory_apply(struct directory *d, const struct statement_view *s, bool trusted,
    struct error *err) RC_CHECK;
enum rc directory_apply_units(struct directory *d, struct reader *r, struct error *err) RC_CHECK;
enum rc directory_apply_admit(struct directory *d, struct reader *r, bool trusted,
    struct error *err) RC_CHECK;
/*
 * The payload of a retire (with last heads) or refuse (without): id, state, reason and heads, all
 * that is set in *out; free the heads.
 */
enum rc directory_read_end(struct reader *r, enum device_state state, struct device *out) RC_CHECK;
enum rc directory_apply_end(struct directory *d, struct reader *r,
    enum device_state state) RC_CHECK;
enum rc directory_apply_assign(struct directory *d, struct reader *r, struct error *err) RC_CHECK;
enum rc directory_apply_revoke(struct directory *d, struct reader *r) RC_CHECK;
/* An entry with this certificate; trusted: signatures were checked before. */
enum rc directory_read_certificate(const struct directory *d, const uint8_t *p, size_t len,
    bool trusted, struct device_entry **out) RC_CHECK;
/* Put it in its place, or free it; room must have been reserved in d->devices. */
void directory_place_certificate(struct directory *d, struct device_entry *fresh, bool admitted);

/* A unit code, `optional` allows "". */
bool directory_read_unit(struct reader *r, bool optional, char out[IDENTITY_UNIT_MAX + 1]);
/* A text of at most max bytes into out[max + 1]. */
bool directory_read_text(struct reader *r, size_t max, char *out);
enum rc directory_apply_erase(struct directory *d, struct reader *r, uint64_t seq) RC_CHECK;

#endif
