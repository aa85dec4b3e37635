#ifndef TESTS_SUPPORT_PROVINCE_STICK_H
#define TESTS_SUPPORT_PROVINCE_STICK_H

/* province_stick: what the laptops of a province (tests/support/province.h) hand on by stick. */
#include "tests/support/province.h"

/* All that one has, in the place of what was on the stick. */
void province_stick_write(struct workspace *from, struct bytes *stick);
/* The reading must succeed. */
struct replica_sync_result province_stick_read(struct workspace *to, const struct bytes *stick);
/* Both, with a stick of their own. */
void province_stick_carry(struct workspace *from, struct workspace *to);

#endif
