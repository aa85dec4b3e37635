#include "field/commands_warning.h"

#include <jansson.h>

#include "shared/forms/answers.h"

json_t *
commands_warning_json(const struct call *c, const struct answers_breach *w, size_t n)
{
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, json_pack("{s:s,s:s}", "field", w[i].field->name, "message",
		    w[i].message[c->lang]));
	return all;
}

void
commands_warning_note(struct call *c, const struct answers_breach *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		call_note(c, call_say(c, "field: đã lưu, nhưng cần xem lại “%s”: %s",
		    "field: saved, but look again at %s: %s"), w[i].field->label[c->lang],
		    w[i].message[c->lang]);
}

void
commands_warning_print(struct call *c, const struct answers_breach *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		call_print(c, call_say(c, "Cần xem lại “%s”: %s", "Look again at %s: %s"),
		    w[i].field->label[c->lang], w[i].message[c->lang]);
}
