/* fuzz_cargo: bytes as a cargo, and (bit 0 of the first) as raw columns without deflate around. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/arena.h"
#include "shared/sync/cargo_columns.h"
#include "tests/support/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What was read can be written, and reads the same again. */
static void
write_again(const struct cargo *c)
{
	struct bytes b;
	struct cargo again;

	bytes_init(&b);
	if (cargo_encode(c->logs, c->n_logs, c->entries, c->n_entries, &b) == RC_OK) {
		if (cargo_decode(b.data, b.len, c->logs, c->n_logs, &again) != RC_OK ||
		    again.n_entries != c->n_entries)
			abort();
		cargo_reset(&again);
	}
	bytes_reset(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cargo_log logs[2] = {
		{ .log = 5, .first = 1, .count = 3 }, { .log = 6, .first = 9, .count = 2 }
	};
	struct arena arena;
	struct cargo c;

	if (len == 0)
		return 0;
	memset(&c, 0, sizeof(c));
	if (data[0] & 1) {
		arena_init(&arena, 64 << 20);
		if (cargo_columns_read(data + 1, len - 1, logs, 2, &arena, &c) == RC_OK)
			write_again(&c);
		arena_reset(&arena);
	} else if (cargo_decode(data + 1, len - 1, logs, 2, &c) == RC_OK) {
		write_again(&c);
		cargo_reset(&c);
	}
	return 0;
}

#ifndef FUZZING
int
main(int argc, char **argv)
{
	return replay_corpus(argc > 1 ? argv[1] : "", LLVMFuzzerTestOneInput);
}
#endif
