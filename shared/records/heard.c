#include "shared/records/heard.h"

#include <string.h>

#include "shared/records/statement.h"
#include "shared/vault/query.h"

enum rc
heard_each(struct sqlite3 *db,
    enum rc (*each)(void *ctx, const uint8_t device[ENTRY_DEVICE_BYTES], int64_t saved_at), void *ctx,
    struct error *err)
{
	uint8_t device[ENTRY_DEVICE_BYTES];
	struct sqlite3_stmt *q = NULL;
	struct entry e;
	bool row;
	size_t len;
	enum rc rc = query_open(db, err, &q, "SELECT l.device, e.log, e.n, e.body FROM log AS l"
	    " JOIN entry AS e ON e.log = l.id AND e.n = (SELECT x.n FROM entry AS x WHERE x.log = l.id"
	    " AND x.body IS NOT NULL ORDER BY x.n DESC LIMIT 1)", "");

	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		struct dot dot = { statement_u64(q, 1), statement_u64(q, 2) };
		const uint8_t *body = query_column_blob(q, 3, &len);

		/* one of a newer program says nothing here */
		if (!statement_copy(q, 0, device, sizeof(device)) || entry_decode(body, len, dot, &e) != RC_OK)
			continue;
		rc = each(ctx, device, e.saved_at);
		entry_reset(&e);
	}
	query_close(q);
	return rc;
}
