#include "tests/support/province_stick.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

void
province_stick_write(struct workspace *from, struct bytes *stick)
{
	struct replica_sync_result r;
	struct error err = { 0 };

	bytes_reset(stick);
	assert_int_equal(replica_bundle_write(from->replica, stick, &r, &err), RC_OK);
	assert_int_equal(r.bytes_up, stick->len);
}

struct replica_sync_result
province_stick_read(struct workspace *to, const struct bytes *stick)
{
	struct replica_sync_result r;
	struct error err = { 0 };
	enum rc rc = replica_bundle_read(to->replica, "stick", stick->data, stick->len, &r, &err);

	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err.what);
	return r;
}

void
province_stick_carry(struct workspace *from, struct workspace *to)
{
	struct bytes stick;

	bytes_init(&stick);
	province_stick_write(from, &stick);
	province_stick_read(to, &stick);
	bytes_reset(&stick);
}
