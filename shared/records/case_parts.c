#include "shared/records/case_parts.h"

#include <string.h>

#include "shared/base/clock.h"
#include "shared/vault/query.h"

const char *
case_parts_copy(struct case_story *s, const char *text)
{
	return *text == '\0' ? "" : arena_copy(&s->arena, text, strlen(text));
}

const char *
case_parts_text(struct case_story *s, struct sqlite3_stmt *q, int column)
{
	return case_parts_copy(s, query_column_text(q, column));
}

/* Doubles at each power of two; what was there before stays in the arena until the end. */
void *
case_parts_more(struct case_story *s, void *list, size_t n, size_t size)
{
	void *grown;

	if (n >= CASE_STORY_ROWS_MAX)
		return NULL;
	if (n >= 4 && (n & (n - 1)) != 0)
		return list;
	if (n > 0 && n < 4)
		return list;
	grown = arena_alloc(&s->arena, n == 0 ? 4 : 2 * n, size);
	if (grown != NULL && n > 0)
		memcpy(grown, list, n * size);
	return grown;
}

bool
case_parts_day(const char *text, int64_t *out)
{
	struct date d;

	*out = 0;
	if (*text == '\0' || date_parse(text, &d) != RC_OK)
		return false;
	d.month = d.month == 0 ? 1 : d.month;
	d.day = d.day == 0 ? 1 : d.day;
	*out = date_to_days(&d);
	return true;
}

const char *
case_parts_iso(struct case_story *s, int64_t day)
{
	struct date d;
	char text[11];

	date_from_days(day, &d);
	date_iso(&d, text);
	return case_parts_copy(s, text);
}

/* of_case, voiding: what narrows it to one case, so that an index is used (an OR would keep it from that). */
#define GATHER(of_case, voiding) \
	"INSERT OR IGNORE INTO case_child(kind, parent, id)" \
	" SELECT 'E', case_id, id FROM form_case_event WHERE alive = 1" of_case \
	" UNION ALL SELECT 'V', voids, id FROM form_case_event WHERE alive = 1" voiding \
	" UNION ALL SELECT 'S', case_id, id FROM form_service_delivery WHERE alive = 1" of_case \
	" UNION ALL SELECT 'L', case_id, id FROM form_lodging_stay WHERE alive = 1" of_case \
	" UNION ALL SELECT 'F', case_id, id FROM form_follow_up WHERE alive = 1" of_case \
	" UNION ALL SELECT 'R', case_id, id FROM form_referral WHERE alive = 1" of_case

static const char gather_all[] = GATHER(" AND case_id IS NOT NULL", " AND voids IS NOT NULL");
static const char gather_one[] = GATHER(" AND case_id = ?1",
    " AND voids IN (SELECT id FROM form_case_event WHERE case_id = ?1)");

enum rc
case_parts_gather(const struct case_desk *d, int64_t id, struct error *err)
{
	enum rc rc = query_run(d->db, err, "CREATE TEMP TABLE IF NOT EXISTS case_child(kind TEXT,"
	    " parent INTEGER, id INTEGER, PRIMARY KEY(kind, parent, id)) WITHOUT ROWID", "");

	if (rc == RC_OK)
		rc = query_run(d->db, err, "DELETE FROM case_child", "");
	if (rc != RC_OK)
		return rc;
	return id == 0 ? query_run(d->db, err, gather_all, "") :
	    query_run(d->db, err, gather_one, "i", id);
}

enum rc
case_parts_forget(const struct case_desk *d, enum rc rc, struct error *err)
{
	enum rc gone = query_run(d->db, rc == RC_OK ? err : NULL, "DELETE FROM case_child", "");

	return rc != RC_OK ? rc : gone;
}
