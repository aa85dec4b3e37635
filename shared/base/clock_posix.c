/* The part of clock that another system does otherwise. */
#define _DEFAULT_SOURCE		/* CLOCK_BOOTTIME: it runs on while the machine sleeps */

#include "shared/base/clock.h"

#include <time.h>

static int64_t
milliseconds(clockid_t id)
{
	struct timespec t;

	if (clock_gettime(id, &t) != 0)
		return 0;
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t
clock_monotonic_ms(void)
{
	return milliseconds(CLOCK_MONOTONIC);
}

void
clock_pause_ms(int64_t ms)
{
	struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	if (ms > 0)
		(void)nanosleep(&t, NULL);
}

int64_t
clock_slept_ms(void)
{
	return milliseconds(CLOCK_BOOTTIME) - milliseconds(CLOCK_MONOTONIC);
}

int64_t
clock_local_offset(int64_t seconds)
{
	time_t at = (time_t)seconds;
	struct tm tm;
	struct date d;

	/* localtime_r need not look at TZ by itself */
	tzset();
	if (localtime_r(&at, &tm) == NULL)
		return 0;
	d.year = tm.tm_year + 1900;
	d.month = tm.tm_mon + 1;
	d.day = tm.tm_mday;
	return date_to_days(&d) * 86400 + tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec -
	    seconds;
}
