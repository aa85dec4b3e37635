#ifndef SHARED_RECORDS_DRAFT_H
#define SHARED_RECORDS_DRAFT_H

/*
 * draft: answers that are being typed and are not saved as a record yet.  They lie in the vault
 * (schema/vault.sql, table draft) and stay on this device: no entry, never sealed for others, no
 * part of the fold.  Changing functions run in the caller's transaction.
 */
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/records/entry.h"

struct sqlite3;

enum {
	DRAFT_BYTES_MAX = 256 << 10,	/* of the answers of one */
	DRAFT_COUNT_MAX = 200		/* in a vault */
};

struct draft {
	int64_t id;			/* never used again for another */
	char form[ENTRY_FORM_NAME_MAX + 1];
	struct dot of;			/* the record that it changes; log 0: a new one */
	int64_t saved_at;
};

/*
 * Keep the answers as they are.  d->id 0: a new draft, whose id is set; else those of that draft
 * are replaced, whose form and record are as in d.
 * RC_NOTFOUND: no such draft, or no record `of` of that form.  RC_LIMIT: too large, or too many.
 */
enum rc draft_save(struct sqlite3 *db, struct draft *d, const uint8_t *answers, size_t len,
    struct error *err) RC_CHECK;
/* The answers are appended to out, which may be NULL.  RC_NOTFOUND. */
enum rc draft_get(struct sqlite3 *db, int64_t id, struct draft *d, struct bytes *out,
    struct error *err) RC_CHECK;
/* The latest first; free() *out. */
enum rc draft_list(struct sqlite3 *db, struct draft **out, size_t *n, struct error *err) RC_CHECK;
/* RC_NOTFOUND. */
enum rc draft_drop(struct sqlite3 *db, int64_t id, struct error *err) RC_CHECK;

/*
 * The records that drafts are about: those they change, and those whose ids stand in their
 * answers.  A record may come several times.
 */
enum rc draft_each_about(struct sqlite3 *db,
    enum rc (*each)(void *ctx, int64_t draft, const struct dot *record), void *ctx,
    struct error *err) RC_CHECK;
/* Drop the drafts that are about a record, since values of it may stand in them; *n: how many. */
enum rc draft_drop_about(struct sqlite3 *db, const struct dot *record, size_t *n,
    struct error *err) RC_CHECK;

#endif
