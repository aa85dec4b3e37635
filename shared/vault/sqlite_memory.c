#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/base/memory.h"
#include "shared/vault/secret.h"
#include "shared/vault/sqlite_memory.h"

enum { GROWS_AHEAD = 4096 };	/* bytes */

/* Stands before every allocation; keeps what follows aligned for any type. */
union prefix {
	size_t len;
	max_align_t align;
};

static void *
memory_malloc(int n)
{
	union prefix *p;

	if (n <= 0 || (p = malloc(sizeof *p + (size_t)n)) == NULL)
		return NULL;
	p->len = (size_t)n;
	return p + 1;
}

static int
memory_size(void *block)
{
	return block == NULL ? 0 : (int)((union prefix *)block - 1)->len;
}

static void
memory_free(void *block)
{
	union prefix *p;

	if (block == NULL)
		return;
	p = (union prefix *)block - 1;
	if (!memory_wipes_freed())
		secret_wipe(block, p->len);
	free(p);
}

/*
 * realloc(3) would leave the old bytes behind when it moves them, so every block that grows is
 * copied; one that is large already gets half as much again, since SQLite lets some grow page
 * by page: to find a short word among a million records it copied gigabytes.
 */
static void *
memory_realloc(void *block, int n)
{
	size_t len = (size_t)memory_size(block), want = (size_t)(n < 0 ? 0 : n);
	void *grown = NULL;

	if (want <= len && want > len / 2)
		return block;
	if (want > len && len >= GROWS_AHEAD && len < INT_MAX / 2 && want < len + len / 2)
		grown = memory_malloc((int)(len + len / 2));
	if (grown == NULL && (grown = memory_malloc(n)) == NULL)
		return NULL;
	memcpy(grown, block, len < want ? len : want);
	memory_free(block);
	return grown;
}

static int
memory_roundup(int n)
{
	return (n + 7) & ~7;
}

static int
memory_init(void *unused)
{
	(void)unused;
	return SQLITE_OK;
}

static void
memory_shutdown(void *unused)
{
	(void)unused;
}

static const sqlite3_mem_methods METHODS = {
	.xMalloc = memory_malloc,
	.xFree = memory_free,
	.xRealloc = memory_realloc,
	.xSize = memory_size,
	.xRoundup = memory_roundup,
	.xInit = memory_init,
	.xShutdown = memory_shutdown,
};

enum rc
sqlite_memory_start(void)
{
	/* Once a process, as SQLite's own configuration is. */
	static bool started;

	if (started)
		return RC_OK;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &METHODS) != SQLITE_OK ||
	    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK ||
	    sqlite3_config(SQLITE_CONFIG_URI, 0) != SQLITE_OK ||
	    sqlite3_initialize() != SQLITE_OK)
		return RC_INTERNAL;
	started = true;
	return RC_OK;
}
