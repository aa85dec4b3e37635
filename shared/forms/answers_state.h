#ifndef SHARED_FORMS_ANSWERS_STATE_H
#define SHARED_FORMS_ANSWERS_STATE_H

/* answers_state: what answers.c (collecting) and answers_check.c (evaluating) share. */
#include "shared/forms/answers.h"

/* One field's state, beside its form_field. */
struct answers_slot {
	struct answer answer;
	bool given;		/* by the user or by a default */
	bool relevant;
	char *joined;		/* the items as one text, for expressions; made by a check */
	char *calculated;
};

struct answers {
	const struct form *form;
	const struct form_set *set;
	struct answers_slot *slots;	/* as form->fields */
	int64_t today_days;
};

#endif
