/* What the writer and the reader of the columns share. */
#include "shared/sync/cargo_columns.h"

#include "shared/base/clock.h"

unsigned
cargo_columns_flags(const struct entry *e)
{
	return (e->creates ? 1U : 0) | (e->reason != NULL ? 2U : 0) | (e->restated ? 4U : 0);
}

int
cargo_columns_date_days(int64_t packed, int64_t *days)
{
	struct date d = {
		(int)(packed >> 9), (int)(packed >> 5 & 15), (int)(packed & 31)
	};

	*days = 0;
	if (packed < 0 || packed >= (int64_t)10000 << 9 || d.month == 0 || d.day == 0 ||
	    !date_is_valid(&d))
		return 0;
	*days = date_to_days(&d);
	return 1;
}

int64_t
cargo_columns_date_packed(int64_t days)
{
	struct date d;

	date_from_days(days, &d);
	return (int64_t)d.year << 9 | (int64_t)d.month << 5 | d.day;
}
