#ifndef SHARED_SYNC_CARGO_LOADER_H
#define SHARED_SYNC_CARGO_LOADER_H

/* cargo_loader: a cargo while it is read; cargo_loader.c lays it out, cargo_read.c takes the entries. */
#include <stdbool.h>

#include "shared/sync/cargo_columns.h"

/* A column while it is read: its streams, and the texts seen so far. */
struct cargo_column {
	struct reader main, literals;
	const char **texts;
	size_t *lens;
	size_t n_texts, cap;
};

struct form_name {
	const char *name;
	size_t len;
	unsigned version;
};

struct cargo_loader {
	struct reader in;
	struct arena *arena;
	const struct cargo_log *ranges;
	size_t n_ranges;
	struct cargo *out;
	const uint8_t *others;
	size_t n_others;
	struct form_name *forms;
	size_t n_forms;
	struct shape *shapes;
	size_t n_shapes;
	struct column_key *keys;
	struct cargo_column *columns;
	size_t n_columns, keys_cap;
	struct reader ids, saved, records, restates, replaces, tags;
	struct cargo_column reasons;
	int64_t last_saved;
	bool keyless;			/* the log at hand */
	struct dot dot, record;
	enum rc rc;
};

/* The first failure stays. */
void cargo_loader_fail(struct cargo_loader *l, enum rc rc);
/* n things of the arena; NULL, and a failure, when it has no more. */
void *cargo_loader_take(struct cargo_loader *l, size_t n, size_t size);
/* Logs, names, shapes; and where each stream begins. */
void cargo_loader_layout(struct cargo_loader *l);

#endif
