#ifndef FIELD_COMMANDS_VIEW_H
#define FIELD_COMMANDS_VIEW_H

/* commands_view: records, values and histories as JSON and as text. */
#include "field/call.h"

struct dot;
struct json_t;
struct record_context;
struct record_field;
struct record_view;

/* The shape of `show` in commands.md; NULL: no memory. */
struct json_t *commands_view_json(struct call *c, const struct record_view *v);
/* [{"k","dot","value","by","at"} ...]; of a telephone number also "e164" (phone.h) */
struct json_t *commands_view_values(struct call *c, const struct record_field *f, bool with_k);
enum rc commands_view_print(struct call *c, const struct record_view *v) RC_CHECK;
/* One value a line, with who and when, indented. */
void commands_view_print_values(struct call *c, const struct record_field *f);
enum rc commands_view_history(struct call *c, const struct record_context *ctx,
    const struct dot *id) RC_CHECK;
/* A field's label in the call's language. */
const char *commands_view_label(const struct call *c, const struct record_field *f);

#endif
