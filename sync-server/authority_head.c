/* An old copy of the authority signs nothing. */
#include <string.h>

#include "sync-server/authority_internal.h"

enum { SHOWN_BYTES = 8 };	/* of a head, for people */

bool
authority_head(const struct authority *a, struct authority_head *out)
{
	*out = a->known;
	if (a->held == HELD_BEHIND)
		return true;
	out->statements = directory_count(a->directory);
	directory_head(a->directory, out->head);
	return a->held == HELD_NOT;
}

void
authority_hold(struct authority *a, const struct authority_head *known)
{
	uint8_t head[16];

	a->held = HELD_UNMET;
	if (known == NULL)
		return;
	a->known = *known;
	a->held = known->statements > 0 && directory_head_at(a->directory, known->statements - 1, head) &&
	    memcmp(head, known->head, sizeof(head)) == 0 ? HELD_NOT : HELD_BEHIND;
}

void
authority_has_met(struct authority *a)
{
	if (a->held == HELD_UNMET)
		a->held = HELD_NOT;
}

enum rc
authority_may_sign(const struct authority *a, struct error *err)
{
	char ours[2 * SHOWN_BYTES + 1], theirs[2 * SHOWN_BYTES + 1];
	uint8_t head[DIRECTORY_HEAD_BYTES];

	if (a->held == HELD_NOT)
		return RC_OK;
	if (a->held == HELD_UNMET)
		return error_set(err, RC_CONFLICT, "authority", "run sync-server exchange, over the network"
		    " or by file, and then this again", "this authority was put back from a backup and has"
		    " not met its relay since: nothing is signed");
	directory_head(a->directory, head);
	bytes_hex(head, SHOWN_BYTES, ours);
	bytes_hex(a->known.head, SHOWN_BYTES, theirs);
	return error_set(err, RC_CONFLICT, "authority.head", "restore the newest backup of the authority;"
	    " if there is none, take this file away", "this authority is an old copy: it has %llu statements"
	    " (head %s), and %llu were signed (head %s)", (unsigned long long)directory_count(a->directory),
	    ours, (unsigned long long)a->known.statements, theirs);
}
