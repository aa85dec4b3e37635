#include "shared/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	YEAR_MIN = 1800,
	YEAR_MAX = 2200,
	DAY_SECONDS = 86400,
	ERA_YEARS = 400,	/* the calendar repeats after this many years */
	ERA_DAYS = 146097,
	EPOCH_FROM_MARCH = 719468,	/* 0000-03-01 to 1970-01-01 */
	DAYS_MIN = -719528,	/* 0000-01-01 */
	DAYS_MAX = 2932896	/* 9999-12-31 */
};

static int64_t
system_now(void *ctx)
{
	(void)ctx;
	return (int64_t)time(NULL);
}

struct clock
clock_system(void)
{
	struct clock c = { system_now, NULL };

	return c;
}

int64_t
clock_now(const struct clock *c)
{
	return c->now(c->ctx);
}

static int64_t
fixed_now(void *ctx)
{
	const int64_t *at = ctx;

	return *at;
}

struct clock
clock_fixed(int64_t *at)
{
	struct clock c = { fixed_now, at };

	return c;
}

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

bool
date_is_valid(const struct date *d)
{
	if (d->year < YEAR_MIN || d->year > YEAR_MAX)
		return false;
	if (d->month == 0)
		return d->day == 0;
	if (d->month < 1 || d->month > 12)
		return false;
	return d->day >= 0 && d->day <= days_in_month(d->year, d->month);
}

/* The numbers of a written date, at most three, with how many digits each has. */
struct written {
	int value[3];
	size_t digits[3];
	size_t n;
	char separator;
};

static bool
read_numbers(const char *s, struct written *w)
{
	memset(w, 0, sizeof(*w));
	while (w->n < 3) {
		size_t n = strspn(s, "0123456789");

		if (n < 1 || n > 4)
			return false;
		for (size_t i = 0; i < n; i++)
			w->value[w->n] = w->value[w->n] * 10 + (s[i] - '0');
		w->digits[w->n++] = n;
		s += n;
		if (*s == '\0')
			return true;
		if ((*s != '-' && *s != '/') || (w->n > 1 && *s != w->separator))
			return false;
		w->separator = *s++;
	}
	return false;
}

/* 1998, 1998-05, 1998-05-17: four digits, then two and two */
static bool
is_iso(const struct written *w)
{
	return w->separator != '/' && w->digits[0] == 4 &&
	    (w->n < 2 || w->digits[1] == 2) && (w->n < 3 || w->digits[2] == 2);
}

/* 05/1998, 17/05/1998, 7/5/1998 */
static bool
is_vietnamese(const struct written *w)
{
	if (w->separator != '/' || w->digits[w->n - 1] != 4)
		return false;
	return w->digits[0] <= 2 && (w->n < 3 || w->digits[1] <= 2);
}

enum rc
date_parse(const char *s, struct date *out)
{
	struct written w;
	struct date d = { 0, 0, 0 };

	memset(out, 0, sizeof(*out));
	if (!read_numbers(s, &w))
		return RC_FORMAT;
	if (is_iso(&w)) {
		d.year = w.value[0];
		d.month = w.value[1];
		d.day = w.value[2];
	} else if (is_vietnamese(&w)) {
		d.year = w.value[w.n - 1];
		d.month = w.value[w.n - 2];
		d.day = w.n == 3 ? w.value[0] : 0;
	} else {
		return RC_FORMAT;
	}
	/* a part that is not known is left out, not written as 0 */
	if ((w.n > 1 && d.month == 0) || (w.n > 2 && d.day == 0) || !date_is_valid(&d))
		return RC_INVALID;
	*out = d;
	return RC_OK;
}

void
date_iso(const struct date *d, char out[11])
{
	unsigned year = (unsigned)d->year % 10000;
	unsigned month = (unsigned)d->month % 100;
	unsigned day = (unsigned)d->day % 100;

	if (month == 0)
		snprintf(out, 11, "%04u", year);
	else if (day == 0)
		snprintf(out, 11, "%04u-%02u", year, month);
	else
		snprintf(out, 11, "%04u-%02u-%02u", year, month, day);
}

void
date_vietnamese(const struct date *d, char out[11])
{
	unsigned year = (unsigned)d->year % 10000;
	unsigned month = (unsigned)d->month % 100;
	unsigned day = (unsigned)d->day % 100;

	if (month == 0)
		snprintf(out, 11, "%04u", year);
	else if (day == 0)
		snprintf(out, 11, "%02u/%04u", month, year);
	else
		snprintf(out, 11, "%02u/%02u/%04u", day, month, year);
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Days from 1 March of year 0 to the first of a month, March being month 0. */
static int64_t
days_before_month(int64_t month_from_march)
{
	return (153 * month_from_march + 2) / 5;
}

/*
 * Years are counted from March, so that the leap day is the last of its year:
 * then months have fixed places and an era of 400 years has 146,097 days.
 */
int64_t
date_to_days(const struct date *d)
{
	int64_t year = (int64_t)d->year - (d->month <= 2);
	int64_t era = floor_div(year, ERA_YEARS);
	int64_t of_era = year - era * ERA_YEARS;
	int64_t of_year = days_before_month((d->month + 9) % 12) + d->day - 1;

	return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
	    EPOCH_FROM_MARCH;
}

void
date_from_days(int64_t days, struct date *out)
{
	int64_t since, era, of_era, year, of_year, month;

	if (days < DAYS_MIN)
		days = DAYS_MIN;
	if (days > DAYS_MAX)
		days = DAYS_MAX;
	since = days + EPOCH_FROM_MARCH;
	era = floor_div(since, ERA_DAYS);
	of_era = since - era * ERA_DAYS;
	year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * year + year / 4 - year / 100);
	month = (5 * of_year + 2) / 153;
	out->day = (int)(of_year - days_before_month(month) + 1);
	out->month = (int)(month < 10 ? month + 3 : month - 9);
	out->year = (int)(year + era * ERA_YEARS + (out->month <= 2));
}

/* Into the years 0 to 9999, which is all that the formats can write. */
static int64_t
bounded(int64_t seconds)
{
	if (seconds < (int64_t)DAYS_MIN * DAY_SECONDS)
		return (int64_t)DAYS_MIN * DAY_SECONDS;
	if (seconds > (int64_t)DAYS_MAX * DAY_SECONDS)
		return (int64_t)DAYS_MAX * DAY_SECONDS;
	return seconds;
}

static int64_t
local(int64_t seconds)
{
	seconds = bounded(seconds);
	return bounded(seconds + clock_local_offset(seconds));
}

/* The date and the second of the day. */
static unsigned
split(int64_t seconds, struct date *d)
{
	int64_t days = floor_div(bounded(seconds), DAY_SECONDS);

	date_from_days(days, d);
	return (unsigned)(bounded(seconds) - days * DAY_SECONDS);
}

void
date_at(int64_t seconds, struct date *out)
{
	(void)split(local(seconds), out);
}

void
clock_iso(int64_t seconds, char out[21])
{
	struct date d;
	unsigned s = split(seconds, &d);
	char day[11];

	date_iso(&d, day);
	snprintf(out, 21, "%sT%02u:%02u:%02uZ", day, s / 3600 % 24, s / 60 % 60, s % 60);
}

void
clock_vietnamese(int64_t seconds, char out[17])
{
	struct date d;
	unsigned s = split(local(seconds), &d);
	char day[11];

	date_vietnamese(&d, day);
	snprintf(out, 17, "%s %02u:%02u", day, s / 3600 % 24, s / 60 % 60);
}
