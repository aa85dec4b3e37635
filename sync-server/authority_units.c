#include <stdlib.h>
#include <string.h>

#include "sync-server/authority_internal.h"
#include "sync-server/authority_sheet.h"

enum { UNITS_PAYLOAD = 900 << 10 };	/* then the next statement begins */

/* ---- into the chain ---- */

/* Statements of what differs, parents first; each within its limit. */
static enum rc
sign_units(struct authority *a, const struct sheet *s, struct error *err)
{
	struct unit *batch = calloc(s->n + 1, sizeof(*batch));
	struct bytes payload;
	size_t n = 0, size = 0;
	uint64_t seq;
	enum rc rc = RC_OK;

	if (batch == NULL)
		return RC_NOMEM;
	bytes_init(&payload);
	for (unsigned tier = 0; tier < AUTHORITY_SHEET_TIERS_MAX; tier++)
		for (size_t i = 0; i < s->n && rc == RC_OK; i++) {
			const struct sheet_row *r = &s->rows[i];

			if (!r->differs || r->tier != tier)
				continue;
			batch[n++] = r->unit;
			size += sizeof(r->unit) + strlen(r->unit.full_name) + strlen(r->unit.name);
			if (size < UNITS_PAYLOAD)
				continue;
			directory_write_units(batch, n, &payload);
			rc = authority_statement(a, STATEMENT_UNITS, &payload, &seq, err);
			bytes_reset(&payload);
			n = size = 0;
		}
	if (rc == RC_OK && n > 0) {
		directory_write_units(batch, n, &payload);
		rc = authority_statement(a, STATEMENT_UNITS, &payload, &seq, err);
	}
	bytes_reset(&payload);
	free(batch);
	return rc;
}

/* What becomes of a unit's keys, kept over the statement that changes the unit. */
struct move { bool is_new, has_new_parent, has_new_successor; };

static void
note_moves(const struct sheet *s, struct move *moves)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct sheet_row *r = &s->rows[i];
		const char *successor = r->unit.successor;

		moves[i].is_new = r->old == NULL;
		moves[i].has_new_parent = r->old != NULL &&
		    strcmp(r->old->parent, r->unit.parent) != 0;
		moves[i].has_new_successor = successor[0] != '\0' &&
		    (r->old == NULL || strcmp(r->old->successor, successor) != 0);
	}
}

static void
renew_all(size_t unit, bool *which)
{
	for (size_t c = 0; unit != SIZE_MAX && c < DIRECTORY_COMPARTMENTS; c++)
		which[unit * DIRECTORY_COMPARTMENTS + c] = true;
}

/* New epochs: of new units, and of all under a unit that moved (the old parent opens them). */
static void
choose_scopes(const struct authority *a, const struct sheet *s, const struct move *moves,
    bool *which)
{
	const struct directory *d = a->directory;

	for (size_t i = 0; i < s->n; i++) {
		const char *code = s->rows[i].unit.code;

		if (!moves[i].is_new && !moves[i].has_new_parent)
			continue;
		if (moves[i].is_new) {
			renew_all(authority_unit_index(a, code), which);
			continue;
		}
		for (size_t u = 0; u < directory_unit_count(d); u++)
			if (directory_unit_within(d, directory_unit_at(d, u)->code, code))
				renew_all(u, which);
	}
}

static enum rc
sign_keys(struct authority *a, const struct sheet *s, const struct move *moves, struct error *err)
{
	struct authority_keys k;
	bool *which;
	size_t n;
	enum rc rc;

	which = calloc(directory_unit_count(a->directory) * DIRECTORY_COMPARTMENTS + 1,
	    sizeof(*which));
	if (which == NULL)
		return RC_NOMEM;
	choose_scopes(a, s, moves, which);
	if ((rc = authority_keys_init(&k, a)) == RC_OK)
		rc = authority_keys_renew(&k, which, &n, err);
	for (size_t i = 0; i < s->n; i++) {
		const struct unit *u = &s->rows[i].unit;

		for (unsigned c = 0; c < DIRECTORY_COMPARTMENTS; c++) {
			if (rc == RC_OK && moves[i].has_new_parent)
				rc = authority_keys_to_unit(&k, u->code, c, u->parent, err);
			if (rc == RC_OK && moves[i].has_new_successor)
				rc = authority_keys_to_unit(&k, u->code, c, u->successor, err);
		}
	}
	if (rc == RC_OK)
		rc = authority_keys_sign(&k, err);
	authority_keys_reset(&k);
	free(which);
	return rc;
}

static enum rc
import(struct authority *a, const struct sheet *s, struct error *err)
{
	struct move *moves = calloc(s->n + 1, sizeof(*moves));
	enum rc rc;

	if (moves == NULL)
		return RC_NOMEM;
	note_moves(s, moves);
	if ((rc = sign_units(a, s, err)) == RC_OK)
		rc = sign_keys(a, s, moves, err);
	free(moves);
	return rc;
}

enum rc
authority_import_units(struct authority *a, const char *name, const uint8_t *csv, size_t len,
    const char *under, struct authority_import *out, struct error *err)
{
	struct sheet s;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	rc = authority_sheet_read(&s, name, a->directory, csv, len, under, err);
	if (rc != RC_OK)
		goto out;
	for (size_t i = 0; i < s.n; i++) {
		out->added += s.rows[i].old == NULL;
		out->changed += s.rows[i].old != NULL && s.rows[i].differs;
		out->unchanged += !s.rows[i].differs;
	}
	if (out->added + out->changed > 0 && (rc = authority_begin(a, err)) == RC_OK)
		rc = authority_end(a, import(a, &s, err), err);
out:
	authority_sheet_reset(&s);
	if (rc != RC_OK)
		memset(out, 0, sizeof(*out));
	return rc;
}
