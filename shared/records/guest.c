#include "shared/records/guest.h"

#include <string.h>

static bool
is_referral(const struct entry *e)
{
	return e->form_len == strlen(GUEST_REFERRAL_FORM) &&
	    memcmp(e->form, GUEST_REFERRAL_FORM, e->form_len) == 0;
}

bool
guest_may_write(const struct entry *e)
{
	if (e->restated || (!e->creates && !is_referral(e)))
		return false;
	for (size_t i = 0; i < e->n_writes; i++) {
		const struct write *w = &e->writes[i];

		if (w->field == ENTRY_ALIVE || w->kind == WRITE_VOID || w->n_replaces > 0)
			return false;
	}
	return true;
}
