#include "tests/support/bench_clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static double
read_clock(clockid_t which)
{
	struct timespec t = { 0, 0 };

	if (clock_gettime(which, &t) != 0)
		return 0;
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct bench_clock
bench_clock_now(void)
{
	struct bench_clock c = { read_clock(CLOCK_MONOTONIC), read_clock(CLOCK_PROCESS_CPUTIME_ID) };

	return c;
}

double
bench_clock_processor_since(struct bench_clock start)
{
	return bench_clock_now().processor - start.processor;
}

void
bench_clock_print(const char *what, struct bench_clock start, bool memory)
{
	struct bench_clock end = bench_clock_now();
	struct rusage u = { 0 };

	printf("%s %.4f %.4f", what, end.seconds - start.seconds, end.processor - start.processor);
	if (memory && getrusage(RUSAGE_SELF, &u) == 0)
		printf(" %ld", u.ru_maxrss / 1024);
	printf("\n");
	fflush(stdout);
}

void
bench_clock_must(enum rc rc, const char *what, const struct error *err)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "bench: %s: %s %s %s\n", what, rc_name(rc), err->what, err->where);
	exit(1);
}
