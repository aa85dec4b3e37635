#include "field/telling.h"

#include <string.h>

#include "field/commands.h"
#include "shared/forms/form_list.h"

enum rc
telling_open(struct call *c, struct telling *t)
{
	memset(t, 0, sizeof(*t));
	t->c = c;
	return commands_desk(c, &t->desk, &t->rules);
}

const char *
telling_label(const struct telling *t, const char *list, const char *code)
{
	const struct form_list *l = form_set_list(t->desk.forms, list);
	const struct form_choice *choice = l == NULL ? NULL : form_choice_find(l, code);

	return choice == NULL ? code : choice->label[t->c->lang];
}

const char *
telling_word(const struct telling *t, const char *list, const char *code)
{
	return case_rules_word(t->rules, list, code, t->c->lang);
}
