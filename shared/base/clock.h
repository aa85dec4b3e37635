#ifndef SHARED_BASE_CLOCK_H
#define SHARED_BASE_CLOCK_H

/*
 * clock: time as an injected dependency, and calendar dates.
 * Clocks decide nothing but display (and the policy `latest`).
 */
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/rc.h"

/* Seconds since 1970-01-01 UTC.  Tests inject their own. */
struct clock {
	int64_t (*now)(void *ctx);
	void *ctx;
};

/* The computer's clock. */
struct clock clock_system(void);
int64_t clock_now(const struct clock *c);
/* A clock that stands still at `at`; the int64_t must outlive it. */
struct clock clock_fixed(int64_t *at);

/* Milliseconds of a clock that never runs backwards, for durations only. */
int64_t clock_monotonic_ms(void);

/* Do nothing for so long, or until a signal comes. */
void clock_pause_ms(int64_t ms);

/* Milliseconds that the machine has slept since it was started. */
int64_t clock_slept_ms(void);

/* Seconds that local time is ahead of UTC at an instant; 25200 in Viet Nam. */
int64_t clock_local_offset(int64_t seconds);

/*
 * A partial date: year, year-month or year-month-day (domain.md, birth_date).
 * month and day are 0 when not known.  Years 1800..2200.
 */
struct date {
	int year;
	int month;
	int day;
};

/*
 * Reads 1998, 1998-05, 1998-05-17 and the Vietnamese 17/05/1998, 05/1998.
 * RC_FORMAT: none of these.  RC_INVALID: no such day.
 */
enum rc date_parse(const char *s, struct date *out) RC_CHECK;
/* Months and days that are not known are left out.  At most 11 bytes with the NUL. */
void date_iso(const struct date *d, char out[11]);
void date_vietnamese(const struct date *d, char out[11]);
/* Days since 1970-01-01 of a complete date; and back (years 0..9999). */
int64_t date_to_days(const struct date *d);
void date_from_days(int64_t days, struct date *out);
/* The date in the local time zone at an instant. */
void date_at(int64_t seconds, struct date *out);
bool date_is_valid(const struct date *d);

/* "2026-11-22T14:05:09Z", 21 bytes with the NUL. */
void clock_iso(int64_t seconds, char out[21]);
/* "22/11/2026 21:05" in the local time zone, 17 bytes with the NUL. */
void clock_vietnamese(int64_t seconds, char out[17]);

#endif
