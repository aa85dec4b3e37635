#ifndef SHARED_VAULT_PAGE_MEND_H
#define SHARED_VAULT_PAGE_MEND_H

/*
 * page_mend: pages in memory that stand in for those a damaged database cannot be opened
 * without.  SQLite finds its tables through page 1 and the leaves of sqlite_schema below it;
 * of a file that was cut off it refuses all.  So the leaves that can be read are looked for in
 * the whole file, and a first page and leaves are made of them, behind the end.  What no leaf
 * tells any more is taken from a new database: the first tables of every vault are made in one
 * order, so they begin on the same pages.  For reading only (vault_salvage).
 */
#include <stdbool.h>
#include <stdint.h>

#include "shared/vault/block_file.h"

struct page_mend;

struct page_mend_source {
	/* A clear page, from 0: SQLITE_OK, SQLITE_IOERR_DATA if it cannot be read, or another error. */
	int (*read)(void *ctx, int64_t page, uint8_t out[BLOCK_SIZE]);
	void *ctx;
	int64_t pages;		/* on the disk, a part of one included */
	const char *sql;	/* that makes the tables of a new vault; NULL: not known */
};

/* SQLite's codes; SQLITE_CORRUPT: no page can be read. */
int page_mend_new(const struct page_mend_source *from, struct page_mend **out) RC_CHECK;
void page_mend_free(struct page_mend *m);
/* Does it stand in for this page? */
bool page_mend_read(const struct page_mend *m, int64_t page, uint8_t out[BLOCK_SIZE]);
/* How many the database has, those that were cut off and those made here included. */
int64_t page_mend_pages(const struct page_mend *m);
/* The same without those made here. */
int64_t page_mend_true_pages(const struct page_mend *m);

#endif
