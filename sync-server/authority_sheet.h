#ifndef SYNC_SERVER_AUTHORITY_SHEET_H
#define SYNC_SERVER_AUTHORITY_SHEET_H

/* authority_sheet: a sheet of units, read and held against the directory (authority.h). */
#include "shared/base/csv.h"
#include "shared/sync/directory.h"

enum {
	AUTHORITY_SHEET_COLUMNS = 11,
	AUTHORITY_SHEET_TIERS_MAX = DIRECTORY_DEPTH_MAX	/* the top counts */
};

struct sheet_row {
	struct unit unit;	/* names are owned */
	const struct unit *old;	/* as the directory has it, or NULL */
	size_t at;		/* row of the sheet */
	bool differs;
	unsigned tier;		/* of a row that differs: distance from the top */
};

struct sheet {
	const char *name;
	const struct directory *directory;
	struct csv csv;
	size_t columns[AUTHORITY_SHEET_COLUMNS];
	struct sheet_row *rows;	/* by code */
	size_t n;
};

/*
 * under: keep that unit, as the top, and all below it; NULL: every row.  Errors as
 * authority_import_units says.  Reset in any case.
 */
enum rc authority_sheet_read(struct sheet *s, const char *name, const struct directory *d,
    const uint8_t *data, size_t len, const char *under, struct error *err) RC_CHECK;
void authority_sheet_reset(struct sheet *s);

#endif
