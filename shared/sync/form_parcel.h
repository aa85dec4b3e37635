#ifndef SHARED_SYNC_FORM_PARCEL_H
#define SHARED_SYNC_FORM_PARCEL_H

/* form_parcel: a form set as the payload of a directory statement (formats.md, type 8). */
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"

struct form_file;
struct form_set;

/* The files must load as a set first (form_set_load). */
enum rc form_parcel_write(const struct form_file *files, size_t n, struct bytes *payload) RC_CHECK;
/* RC_FORMAT, RC_LIMIT, and what form_set_load says. */
enum rc form_parcel_open(const uint8_t *payload, size_t len, struct form_set **out,
    struct error *err) RC_CHECK;

#endif
