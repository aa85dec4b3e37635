#ifndef TESTS_SUPPORT_RECORD_MADE_H
#define TESTS_SUPPORT_RECORD_MADE_H

/* record_made: entries made by hand, with room for all that they point to. */
#include <stdint.h>

#include "shared/records/entry.h"

enum { RECORD_MADE_WRITES = 4, RECORD_MADE_VALUES = 4, RECORD_MADE_REPLACES = 24 };

struct record_made {
	struct entry e;
	struct write writes[RECORD_MADE_WRITES];
	struct value values[RECORD_MADE_WRITES][RECORD_MADE_VALUES];
	struct address replaces[RECORD_MADE_WRITES][RECORD_MADE_REPLACES];
	char form[8];
};

/* Every entry made here is of this record. */
#define RECORD_MADE_ID ((struct dot){ 9, 1 })

void record_made_begin(struct record_made *m, uint64_t log, uint64_t n, int64_t at);
struct write *record_made_write(struct record_made *m, unsigned field, enum write_kind kind);
void record_made_replaced(struct record_made *m, struct write *w, uint64_t log, uint64_t n,
    uint32_t item);
/* The code must outlive the entry. */
void record_made_code(struct record_made *m, struct write *w, const char *code);
void record_made_integer(struct record_made *m, struct write *w, int64_t number);

#endif
