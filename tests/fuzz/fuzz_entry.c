/*
 * fuzz_entry: byte 0 says what the rest is: even, the body of an entry, which must encode to
 * the same bytes and fold; odd, the stored state of a record.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/entry.h"
#include "shared/records/register.h"
#include "tests/support/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct dot PLACE = { UINT64_C(0x0102030405060708), 3 };

static void
must(int good)
{
	if (!good)
		abort();
}

/* Whatever a state holds, it can be written, read and written again alike. */
static void
write_again(const struct register_state *s)
{
	struct register_state again;
	struct bytes a, b;

	bytes_init(&a);
	bytes_init(&b);
	must(register_state_encode(s, &a) == RC_OK);
	must(register_state_decode(a.data, a.len, s->record, &again) == RC_OK);
	must(register_state_encode(&again, &b) == RC_OK);
	must(a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0));
	register_state_reset(&again);
	bytes_reset(&a);
	bytes_reset(&b);
}

static void
fold(const struct entry *e)
{
	struct register_state s;
	bool is_new;

	register_state_init(&s, e->record);
	must(register_apply(&s, e, &is_new) == RC_OK && is_new);
	must(register_apply(&s, e, &is_new) == RC_OK && !is_new);
	write_again(&s);
	(void)register_alive(&s);
	register_state_reset(&s);
}

static void
try_entry(const uint8_t *data, size_t len)
{
	struct bytes again;
	struct entry e;

	if (entry_decode(data, len, PLACE, &e) != RC_OK)
		return;
	bytes_init(&again);
	must(entry_encode(&e, &again) == RC_OK);
	must(again.len == len && memcmp(again.data, data, len) == 0);
	fold(&e);
	bytes_reset(&again);
	entry_reset(&e);
}

static void
try_state(const uint8_t *data, size_t len)
{
	struct register_rule rule = { .policy = FORM_HIGHEST };
	struct register_show show;
	struct register_state s;

	if (register_state_decode(data, len, PLACE, &s) != RC_OK)
		return;
	(void)register_alive(&s);
	for (size_t i = 0; i < s.n_fields; i++) {
		must(register_show(&s.fields[i], &rule, &show) == RC_OK);
		register_show_reset(&show);
	}
	write_again(&s);
	register_state_reset(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	if (data[0] % 2 == 0)
		try_entry(data + 1, len - 1);
	else
		try_state(data + 1, len - 1);
	return 0;
}

#ifndef FUZZING
int
main(int argc, char **argv)
{
	return replay_corpus(argc > 1 ? argv[1] : "", LLVMFuzzerTestOneInput);
}
#endif
