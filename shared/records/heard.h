#ifndef SHARED_RECORDS_HEARD_H
#define SHARED_RECORDS_HEARD_H

/* heard: when each device last wrote something that has come here. */
#include <stdint.h>

#include "shared/base/rc.h"
#include "shared/records/entry.h"

struct sqlite3;

/*
 * Every log that can be read here, with its device and the saved_at (by that device's clock) of the
 * latest entry that is here; a device has several.
 */
enum rc heard_each(struct sqlite3 *db,
    enum rc (*each)(void *ctx, const uint8_t device[ENTRY_DEVICE_BYTES], int64_t saved_at), void *ctx,
    struct error *err) RC_CHECK;

#endif
