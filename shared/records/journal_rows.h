#ifndef SHARED_RECORDS_JOURNAL_ROWS_H
#define SHARED_RECORDS_JOURNAL_ROWS_H

/* journal_rows: rows of the table log, for the files of journal. */
#include "shared/base/rc.h"
#include "shared/records/journal.h"

struct sqlite3_stmt;

#define JOURNAL_ROWS_SELECT "SELECT id, device, unit, compartment, key, own, folds, tips, start," \
	" head_n, head, top_n, sealed_n, named_n, fork_n, limit_n FROM log"

/* The row on which a JOURNAL_ROWS_SELECT stands.  RC_DAMAGED. */
enum rc journal_rows_read(struct sqlite3_stmt *q, struct journal_log *out,
    struct error *err) RC_CHECK;
enum rc journal_rows_insert(struct sqlite3 *db, const struct journal_log *log,
    struct error *err) RC_CHECK;
/* What this log names as tips is named now; and it itself, if one that came earlier did so. */
enum rc journal_rows_name_tips(struct sqlite3 *db, const struct journal_log *log,
    struct error *err) RC_CHECK;
void journal_rows_put_tips(const struct journal_log *log, struct bytes *out);

#endif
