#ifndef TESTS_SUPPORT_BENCH_CLOCK_H
#define TESTS_SUPPORT_BENCH_CLOCK_H

/* bench_clock: what a bench took, by the clock and of the processor, as a line of words. */
#include <stdbool.h>

#include "shared/base/rc.h"

struct bench_clock {
	double seconds, processor;
};

struct bench_clock bench_clock_now(void);
/* Seconds of the processor since. */
double bench_clock_processor_since(struct bench_clock start);
/* "what seconds processor-seconds", with memory also the peak of the process in MB. */
void bench_clock_print(const char *what, struct bench_clock start, bool memory);
/* End the program with a line if rc is not RC_OK. */
void bench_clock_must(enum rc rc, const char *what, const struct error *err);

#endif
