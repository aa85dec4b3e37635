#define _GNU_SOURCE		/* pthread_getattr_np, mincore */

#include "shared/base/memory.h"

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer) && \
    !__has_feature(memory_sanitizer)
#define TAKES_PLACE 1
#else
#define TAKES_PLACE 0
#endif

enum { PAGES_AT_ONCE = 1024, NEAR = 65536 };

/* In a way no compiler removes, though nothing looks at the bytes again. */
static void
overwrite(void *p, size_t len)
{
	memset(p, 0, len);
	__asm__ volatile("" : : "r"(p) : "memory");
}

bool
memory_wipes_freed(void)
{
	return TAKES_PLACE;
}

#if TAKES_PLACE

/* The library's own, under the names that it keeps for whoever takes the place of the others. */
void __libc_free(void *p);
void *__libc_malloc(size_t n);

void
free(void *p)
{
	if (p == NULL)
		return;
	overwrite(p, malloc_usable_size(p));
	__libc_free(p);
}

/* What shrinks a little stays where it is; its end is overwritten with the rest one day. */
void *
realloc(void *p, size_t n)
{
	size_t had = p == NULL ? 0 : malloc_usable_size(p);
	void *moved;

	if (p != NULL && n == 0) {
		free(p);
		return NULL;
	}
	if (p != NULL && n <= had && n >= had / 2)
		return p;
	if ((moved = __libc_malloc(n)) == NULL || p == NULL)
		return moved;
	memcpy(moved, p, had < n ? had : n);
	free(p);
	return moved;
}

#endif

#if TAKES_PLACE

/* What lies right below the caller's frame, where the calls that find the rest will have theirs. */
static void __attribute__((noinline))
wipe_near(void)
{
	uint8_t room[NEAR];

	overwrite(room, sizeof(room));
}

/*
 * From the top down, only the pages that there are: looking at the others would make them.  Below
 * what the first thread's stack ever grew to there is nothing.
 */
static void
wipe_pages(uint8_t *low, uint8_t *high, size_t page)
{
	unsigned char there[PAGES_AT_ONCE];
	size_t most = PAGES_AT_ONCE;

	while (high > low) {
		size_t n = (size_t)(high - low) / page < most ? (size_t)(high - low) / page : most;

		if (n == 0)
			return;
		if (mincore(high - n * page, n * page, there) != 0) {
			if (most == 1)
				return;
			most = 1;
			continue;
		}
		high -= n * page;
		for (size_t i = 0; i < n; i++)
			if ((there[i] & 1) != 0)
				overwrite(high + i * page, page);
	}
}

/*
 * Vector registers keep what was copied last, until the linker saves them on the stack when a
 * library is called for the first time, at the end of the process too.
 */
static void
wipe_registers(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f"))
		__asm__ volatile(".irp r,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
		    "vpxord %%zmm\\r, %%zmm\\r, %%zmm\\r\n.endr" : : : "memory");
	if (__builtin_cpu_supports("avx"))
		__asm__ volatile("vzeroall" : : : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
		    "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	else
		__asm__ volatile(".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
		    "pxor %%xmm\\r, %%xmm\\r\n.endr" : : : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
		    "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
#elif defined(__aarch64__)
	__asm__ volatile(".irp r,0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
	    "movi v\\r\\().2d, #0\n.endr" : : : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16",
	    "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29",
	    "v30", "v31");
#endif
}

void
memory_wipe_stack(void)
{
	uint8_t here = 0, *low;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len, below;
	pthread_attr_t attr;
	void *start;

	/* before anything is called that might put them down where it has its frame */
	wipe_registers();
	wipe_near();
	if (pthread_getattr_np(pthread_self(), &attr) != 0) {
		wipe_registers();
		return;
	}
	if (pthread_attr_getstack(&attr, &start, &len) == 0) {
		low = start;
		below = (size_t)((uintptr_t)&here - (uintptr_t)start);
		if (below < len && below > NEAR / 2)
			wipe_pages(low, low + (below - NEAR / 2) / page * page, page);
	}
	(void)pthread_attr_destroy(&attr);
	wipe_registers();
}

#else

void
memory_wipe_stack(void)
{
}

#endif

void
memory_wipe_arguments(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (argv[i] != NULL)
			overwrite(argv[i], strlen(argv[i]));
}
