#ifndef FIELD_COMMANDS_WARNING_H
#define FIELD_COMMANDS_WARNING_H

/* commands_warning: answers that were saved and are not as their form expects. */
#include <stddef.h>

#include "field/call.h"

struct answers_breach;
struct json_t;

/* [{"field","message"} ...]; NULL: no memory. */
struct json_t *commands_warning_json(const struct call *c, const struct answers_breach *w, size_t n);
/* A line each: beside the result (standard error), or as part of it. */
void commands_warning_note(struct call *c, const struct answers_breach *w, size_t n);
void commands_warning_print(struct call *c, const struct answers_breach *w, size_t n);

#endif
