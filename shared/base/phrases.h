#ifndef SHARED_BASE_PHRASES_H
#define SHARED_BASE_PHRASES_H

/*
 * phrases: what an error says, in the language of who reads it.  An error is described in English
 * where it is known (rc.h); the boundary that speaks to a person puts it into Vietnamese by
 * schema/words/errors.vi.csv, a sheet of two columns: `en`, as the source has it, with printf's
 * conversions, and `vi`, with the same conversions in the same order.
 */
#include <stddef.h>

#include "shared/base/rc.h"

struct phrases;

/* The shipped sheet.  RC_FORMAT: a row without its translation; RC_NOMEM. */
enum rc phrases_open(struct phrases **out, struct error *err) RC_CHECK;
/* A sheet from elsewhere. */
enum rc phrases_read(const char *name, const void *data, size_t len, struct phrases **out,
    struct error *err) RC_CHECK;
void phrases_free(struct phrases *p);

/*
 * Put what happened and what to do into Vietnamese.  What the sheet does not have stays as it is;
 * what was filled in (a name, a number) too, unless it is itself a phrase.  Of several rows that
 * fit, the one with the most words of its own counts.
 */
void phrases_translate(const struct phrases *p, struct error *err);

#endif
