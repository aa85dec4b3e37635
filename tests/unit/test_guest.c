#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "shared/records/guest.h"

/* One write of one entry, as a guest would send it. */
struct made {
	struct entry e;
	struct write write;
	struct value value;
	struct address address;
};

static void
make(struct made *m, const char *form, bool creates, unsigned field, enum write_kind kind)
{
	memset(m, 0, sizeof(*m));
	m->e.form = form;
	m->e.form_len = strlen(form);
	m->e.creates = creates;
	m->e.writes = &m->write;
	m->e.n_writes = 1;
	m->write.field = field;
	m->write.kind = kind;
	m->write.values = &m->value;
	m->write.n_values = kind == WRITE_VOID ? 0 : 1;
	m->write.replaces = &m->address;
}

static void
makes_records_of_any_form(void **state)
{
	struct made m;

	(void)state;
	make(&m, "person", true, 2, WRITE_SET);
	assert_true(guest_may_write(&m.e));
	m.e.n_writes = 0;
	assert_true(guest_may_write(&m.e));
}

static void
adds_to_a_referral_and_to_nothing_else(void **state)
{
	struct made m;

	(void)state;
	make(&m, "referral", false, 18, WRITE_ITEMS);
	assert_true(guest_may_write(&m.e));
	make(&m, "referral", false, 15, WRITE_SET);
	assert_true(guest_may_write(&m.e));
	make(&m, "case", false, 35, WRITE_SET);
	assert_false(guest_may_write(&m.e));
	make(&m, "referrals", false, 18, WRITE_ITEMS);
	assert_false(guest_may_write(&m.e));
	make(&m, "referra", false, 18, WRITE_ITEMS);
	assert_false(guest_may_write(&m.e));
}

static void
replaces_voids_deletes_and_restates_nothing(void **state)
{
	struct made m;

	(void)state;
	make(&m, "referral", false, 15, WRITE_SET);
	m.write.n_replaces = 1;
	assert_false(guest_may_write(&m.e));
	make(&m, "referral", false, 18, WRITE_VOID);
	assert_false(guest_may_write(&m.e));
	make(&m, "referral", false, ENTRY_ALIVE, WRITE_SET);
	assert_false(guest_may_write(&m.e));
	make(&m, "person", true, 2, WRITE_SET);
	m.write.n_replaces = 1;
	assert_false(guest_may_write(&m.e));
	make(&m, "person", true, 2, WRITE_SET);
	m.e.restated = true;
	assert_false(guest_may_write(&m.e));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_records_of_any_form),
		cmocka_unit_test(adds_to_a_referral_and_to_nothing_else),
		cmocka_unit_test(replaces_voids_deletes_and_restates_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
