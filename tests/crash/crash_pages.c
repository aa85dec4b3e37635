#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "tests/crash/crash_disk.h"
#include "tests/crash/crash_pages.h"

enum { PAGE = 4096, COUNT_AT = 28 };

/* Never 0. */
static uint64_t
page_hash(const uint8_t *page)
{
	uint64_t h[4] = { 1, 2, 3, 4 }, word, all = 0;

	for (size_t i = 0; i < PAGE; i += sizeof h) {
		for (size_t k = 0; k < 4; k++) {
			memcpy(&word, page + i + 8 * k, sizeof word);
			h[k] = (h[k] ^ word) * 0x9e3779b97f4a7c15u;
			h[k] ^= h[k] >> 29;
		}
	}
	for (size_t k = 0; k < 4; k++)
		all = crash_mix(all, h[k]);
	return all | 1;
}

uint64_t
crash_pages_seen(struct sqlite3 *db)
{
	sqlite3_int64 size = 0;
	uint8_t *pages = sqlite3_serialize(db, "main", &size, 0);
	uint64_t all = 0;

	for (sqlite3_int64 at = 0; pages != NULL && at + PAGE <= size; at += PAGE)
		all = crash_mix(all, page_hash(pages + at));
	sqlite3_free(pages);
	return all;
}

int
crash_pages_stored(struct sqlite3 *db, const struct crash_disk *disk, uint64_t *out)
{
	int file = crash_disk_find(disk, "vault.db"), rc;
	sqlite3_file *through = NULL;
	uint8_t page[PAGE];
	uint64_t all = 0;
	size_t n = 1;

	*out = 0;
	rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &through);
	for (size_t i = 0; rc == SQLITE_OK && i < n; i++) {
		struct crash_chunk *c = crash_disk_chunk(disk, file, i);

		if (c == NULL || c->mark == 0 || i == 0) {
			rc = through->pMethods->xRead(through, page, PAGE, (sqlite3_int64)i * PAGE);
			if (rc != SQLITE_OK)
				return rc;
			if (i == 0)
				n = (size_t)page[COUNT_AT] << 24 | (size_t)page[COUNT_AT + 1] << 16 |
				    (size_t)page[COUNT_AT + 2] << 8 | page[COUNT_AT + 3];
			if (c != NULL)
				c->mark = page_hash(page);
		}
		all = crash_mix(all, c == NULL ? page_hash(page) : c->mark);
	}
	*out = all;
	return rc;
}
