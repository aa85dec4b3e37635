#ifndef TESTS_SUPPORT_RECORD_DESK_H
#define TESTS_SUPPORT_RECORD_DESK_H

/*
 * record_desk: one device with the small forms of record_fixture, a clock that the test
 * moves, and the context that the functions of record take.
 */
#include <stdint.h>

#include "shared/base/clock.h"
#include "shared/records/record.h"

struct record_desk {
	struct sqlite3 *db;
	struct form_set *forms;
	struct fold *fold;
	struct journal_writer *writer;
	struct record_context c;
	struct clock clock;
	int64_t now;
	uint64_t seed;
	uint8_t device[ENTRY_DEVICE_BYTES];
	struct error err;		/* of the last thing that failed */
	struct dot dot;			/* of the last thing that was written */
};

void record_desk_open(struct record_desk *d, uint8_t device);
/* The same with other forms, which it takes. */
void record_desk_open_with(struct record_desk *d, uint8_t device, struct form_set *forms);
void record_desk_close(struct record_desk *d);

/* Pairs "name=value" up to a NULL; "name=" clears.  In a transaction of its own. */
enum rc record_desk_add(struct record_desk *d, const char *form, struct dot *id, ...);
enum rc record_desk_edit(struct record_desk *d, struct dot id, const char *seen,
    const char *reason, ...);
enum rc record_desk_resolve(struct record_desk *d, struct dot id, const char *field,
    const char *pick, const char *value, const char *seen);
enum rc record_desk_delete(struct record_desk *d, struct dot id, const char *seen);
enum rc record_desk_restore(struct record_desk *d, struct dot id);
enum rc record_desk_void(struct record_desk *d, struct dot id, const char *field,
    struct address at, const char *reason);

/* Each learns all that the other has. */
void record_desk_sync(struct record_desk *a, struct record_desk *b);

/*
 * A field as "value", "value | value" for several, each struck-through one with a "!"
 * behind, and " conflict" or " settled" at the end.  Free it.
 */
char *record_desk_field(struct record_desk *d, struct dot id, const char *field);
/* The token of a record; free it. */
char *record_desk_seen(struct record_desk *d, struct dot id);

#define record_desk_assert(d, id, field, want) do { \
	char *got_ = record_desk_field((d), (id), (field)); \
	assert_string_equal(got_, (want)); \
	free(got_); \
} while (0)

#endif
