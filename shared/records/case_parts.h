#ifndef SHARED_RECORDS_CASE_PARTS_H
#define SHARED_RECORDS_CASE_PARTS_H

/* case_parts: what the files of case_story share; nobody else includes it. */
#include "shared/records/case_story.h"

struct sqlite3_stmt;

/* A text column, kept in the arena; "" for NULL.  NULL: no memory. */
const char *case_parts_text(struct case_story *s, struct sqlite3_stmt *q, int column);
const char *case_parts_copy(struct case_story *s, const char *text);
/* Room for one more in a list of n things of a size; the list moves.  NULL: no memory, too many. */
void *case_parts_more(struct case_story *s, void *list, size_t n, size_t size);

/* A day, the first one of a partial date; false: none. */
bool case_parts_day(const char *text, int64_t *out);
const char *case_parts_iso(struct case_story *s, int64_t day);

/*
 * The typed tables have no index by case: TEMP case_child(kind, parent, id) is one, for one case or
 * (id 0) all of them, from case_parts_gather to case_parts_forget.  kind and parent: E the case of an
 * event, V the event that it corrects, S of a service, L of a stay, F of a follow-up, R of a referral.
 */
enum rc case_parts_gather(const struct case_desk *d, int64_t id, struct error *err) RC_CHECK;
enum rc case_parts_forget(const struct case_desk *d, enum rc rc, struct error *err) RC_CHECK;

/* The parts of a story, in this order. */
enum rc case_deadline_find(const struct case_desk *d, struct case_story *s,
    struct error *err) RC_CHECK;
enum rc case_warning_find(const struct case_desk *d, struct case_story *s,
    struct error *err) RC_CHECK;
/* Most days of a stay that began then under a regime ("": by its first day); false: no limit. */
bool case_deadline_stay(const struct case_desk *d, const char *regime, int64_t from,
    int64_t *last, const char **source);

#endif
