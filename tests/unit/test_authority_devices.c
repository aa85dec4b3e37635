#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/world.h"

/* The disk refuses in the middle: after the units' statement, at the first secret. */

static void
a_communicator_gets_the_activities_of_the_unit_alone(void **state)
{
	struct world *w = *state;
	struct laptop l;

	world_import_province(w);
	world_join(w, "06004", ROLE_COMMUNICATOR, &l);
	assert_string_equal(l.parcel.name, "Hoàng Thị Mai");
	assert_string_equal(l.parcel.url, "http://127.0.0.1:1");
	assert_int_equal(l.parcel.n_secrets, 1);
	assert_int_equal(l.parcel.n_statements, directory_count(authority_directory(w->a)));
	assert_true(world_opens(w, &l, "06004", 0, 1));
	assert_false(world_opens(w, &l, "06004", 1, 1));
	assert_false(world_opens(w, &l, "06040", 0, 1));
	assert_false(world_opens(w, &l, "K1", 0, 1));
	world_laptop_reset(&l);
}

static void
a_supervisor_opens_all_below_over_the_middle_tier(void **state)
{
	struct world *w = *state;
	struct laptop province_one, middle;

	world_import_province(w);
	world_join(w, "20", ROLE_SUPERVISOR, &province_one);
	world_join(w, "K1", ROLE_CASEWORKER, &middle);
	assert_true(world_opens(w, &province_one, "06004", 0, 1));
	assert_true(world_opens(w, &province_one, "06040", 1, 1));
	assert_true(world_opens(w, &province_one, "05977", 1, 1));
	assert_true(world_opens(w, &province_one, "06004", 2, 1));
	assert_true(world_opens(w, &middle, "06004", 1, 1));
	assert_false(world_opens(w, &middle, "06004", 2, 1));
	assert_false(world_opens(w, &middle, "05977", 1, 1));
	/* The shares came in the file already: with them no server is needed. */
	assert_int_equal(province_one.parcel.n_shares, 3 * 4);
	world_laptop_reset(&province_one);
	world_laptop_reset(&middle);
}

static void
an_invitation_opens_only_with_its_code(void **state)
{
	struct world *w = *state;
	uint8_t id[IDENTITY_ID_BYTES];
	struct invitation_parcel parcel;
	struct secret *code, *other;
	struct bytes file;

	world_import_province(w);
	world_invite(w, "06004", ROLE_CASEWORKER, id, &file, &code);
	assert_int_equal(secret_random(IDENTITY_CODE_BYTES, &other), RC_OK);
	assert_int_equal(identity_parcel_open(file.data, file.len, other, &parcel, &w->err),
	    RC_AUTH);
	secret_free(code);
	secret_free(other);
	bytes_reset(&file);
}

static void
admits_what_the_relay_reports_and_marks_the_invitation_used(void **state)
{
	struct world *w = *state;
	struct authority_invitation *list;
	struct laptop l;
	size_t n;

	world_import_province(w);
	world_join_and_admit(w, "06004", ROLE_CASEWORKER, &l);
	assert_int_equal(directory_device(authority_directory(w->a), l.identity.device)->state,
	    DEVICE_ADMITTED);
	assert_int_equal(authority_invitations(w->a, &list, &n, &w->err), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].state, INVITATION_USED);
	free(list);
	world_open_again(w);
	assert_int_equal(directory_device(authority_directory(w->a), l.identity.device)->state,
	    DEVICE_ADMITTED);
	world_laptop_reset(&l);
}

static void
a_second_use_waits_until_a_person_decides(void **state)
{
	struct world *w = *state;
	uint8_t id[IDENTITY_ID_BYTES];
	struct authority_meeting m;
	struct authority_device *list;
	struct laptop first, second;
	struct answer answer = { .laptops = { &first, &second } };
	struct secret *code;
	struct bytes file;
	size_t n, waiting = 0;

	world_import_province(w);
	world_invite(w, "06004", ROLE_CASEWORKER, id, &file, &code);
	world_use(w, &file, code, &first);
	world_use(w, &file, code, &second);
	world_meet(w, &answer, &m);
	assert_int_equal(m.certificates, 2);
	assert_int_equal(m.admitted, 1);
	assert_int_equal(m.waiting, 1);
	assert_int_equal(directory_device(authority_directory(w->a), first.identity.device)->state,
	    DEVICE_ADMITTED);
	assert_int_equal(authority_devices(w->a, &list, &n, &w->err), RC_OK);
	for (size_t i = 0; i < n; i++)
		waiting += list[i].state == DEVICE_CERTIFIED && list[i].reason[0] != '\0';
	assert_int_equal(waiting, 1);
	free(list);
	/* Told again, it still waits; refused, it never comes back. */
	world_meet(w, &answer, &m);
	assert_int_equal(m.admitted, 0);
	assert_int_equal(m.waiting, 1);
	assert_int_equal(authority_refuse(w->a, second.identity.device, "dùng lại", &w->err), RC_OK);
	world_open_again(w);
	world_meet(w, &answer, &m);
	assert_int_equal(m.waiting, 0);
	assert_int_equal(directory_device(authority_directory(w->a), second.identity.device)->state,
	    DEVICE_REFUSED);
	assert_int_equal(authority_release(w->a, second.identity.device, &w->err), RC_INVALID);
	world_laptop_reset(&first);
	world_laptop_reset(&second);
	secret_free(code);
	bytes_reset(&file);
}

static void
an_invitation_past_its_date_waits_and_can_be_released(void **state)
{
	struct world *w = *state;
	uint8_t id[IDENTITY_ID_BYTES];
	struct authority_meeting m;
	struct laptop late;
	struct answer answer = { .laptops = { &late } };
	struct secret *code;
	struct bytes file;

	world_import_province(w);
	world_invite(w, "06004", ROLE_CASEWORKER, id, &file, &code);
	w->now += 15 * 86400;
	world_use(w, &file, code, &late);
	world_meet(w, &answer, &m);
	assert_int_equal(m.admitted, 0);
	assert_int_equal(m.waiting, 1);
	assert_int_equal(authority_release(w->a, late.identity.device, &w->err), RC_OK);
	assert_int_equal(directory_device(authority_directory(w->a), late.identity.device)->state,
	    DEVICE_ADMITTED);
	world_laptop_reset(&late);
	secret_free(code);
	bytes_reset(&file);
}

static void
retiring_shuts_out_below_and_spares_the_others(void **state)
{
	struct world *w = *state;
	struct laptop lost, top, commune;
	struct authority_meeting m;
	struct answer answer = { .n_heads = 1 };
	const struct device *d;
	size_t rotated;

	world_import_province(w);
	world_join_and_admit(w, "K1", ROLE_SUPERVISOR, &lost);
	world_join_and_admit(w, "20", ROLE_HOLDER, &top);
	world_join_and_admit(w, "06004", ROLE_CASEWORKER, &commune);
	memcpy(answer.heads[0].device, lost.identity.device, IDENTITY_ID_BYTES);
	answer.heads[0].head.log = 0xf000000000000001;
	answer.heads[0].head.n = 17;
	world_meet(w, &answer, &m);
	assert_int_equal(authority_retire(w->a, lost.identity.device, "mất máy", &rotated, &w->err),
	    RC_OK);
	/* K1 and its two communes, all compartments */
	assert_int_equal(rotated, 9);
	d = directory_device(authority_directory(w->a), lost.identity.device);
	assert_int_equal(d->state, DEVICE_RETIRED);
	assert_string_equal(d->reason, "mất máy");
	assert_int_equal(d->n_heads, 1);
	assert_int_equal(d->heads[0].log, 0xf000000000000001);
	assert_int_equal(d->heads[0].n, 17);
	for (unsigned c = 0; c < 3; c++) {
		assert_int_equal(world_newest(w, "K1", c), 2);
		assert_int_equal(world_newest(w, "06004", c), 2);
		assert_int_equal(world_newest(w, "06040", c), 2);
		assert_false(world_opens(w, &lost, "K1", c, 2));
		assert_false(world_opens(w, &lost, "06004", c, 2));
		assert_false(world_opens(w, &lost, "06040", c, 2));
		assert_true(world_opens(w, &top, "06040", c, 2));
		assert_int_equal(world_opens(w, &commune, "06004", c, 2), c < 2);
	}
	assert_int_equal(world_newest(w, "05977", 0), 1);
	assert_int_equal(world_newest(w, "05977", 2), 1);
	assert_int_equal(world_newest(w, "20", 0), 1);
	assert_int_equal(authority_retire(w->a, lost.identity.device, "lại", &rotated, &w->err),
	    RC_INVALID);
	world_laptop_reset(&lost);
	world_laptop_reset(&top);
	world_laptop_reset(&commune);
}

static void
revoking_rotates_what_the_invitation_held(void **state)
{
	struct world *w = *state;
	uint8_t id[IDENTITY_ID_BYTES];
	struct laptop thief;
	struct secret *code;
	struct bytes file;
	size_t rotated;

	world_import_province(w);
	world_invite(w, "06004", ROLE_CASEWORKER, id, &file, &code);
	world_use(w, &file, code, &thief);
	assert_int_equal(authority_revoke(w->a, id, "thất lạc", &rotated, &w->err), RC_OK);
	assert_int_equal(rotated, 2);
	assert_true(directory_invitation_revoked(authority_directory(w->a), id));
	assert_true(world_opens(w, &thief, "06004", 1, 1));
	assert_false(world_opens(w, &thief, "06004", 0, 2));
	assert_false(world_opens(w, &thief, "06004", 1, 2));
	assert_int_equal(authority_revoke(w->a, id, "nữa", &rotated, &w->err), RC_INVALID);
	world_laptop_reset(&thief);
	secret_free(code);
	bytes_reset(&file);
}

static void
an_epoch_newer_than_the_invitation_comes_with_admission(void **state)
{
	struct world *w = *state;
	uint8_t id[IDENTITY_ID_BYTES];
	struct authority_meeting m;
	struct laptop l;
	struct answer answer = { .laptops = { &l } };
	struct secret *code;
	struct bytes file;
	size_t n;

	world_import_province(w);
	world_invite(w, "06004", ROLE_CASEWORKER, id, &file, &code);
	assert_int_equal(authority_rotate(w->a, "06004", false, &n, &w->err), RC_OK);
	assert_int_equal(n, 3);
	world_use(w, &file, code, &l);
	assert_false(world_opens(w, &l, "06004", 1, 2));
	world_meet(w, &answer, &m);
	assert_int_equal(m.admitted, 1);
	assert_true(world_opens(w, &l, "06004", 0, 2));
	assert_true(world_opens(w, &l, "06004", 1, 2));
	assert_false(world_opens(w, &l, "06004", 2, 2));
	world_laptop_reset(&l);
	secret_free(code);
	bytes_reset(&file);
}

static void
another_role_brings_its_scopes_and_takes_the_rest(void **state)
{
	struct world *w = *state;
	struct laptop l;
	size_t rotated;

	world_import_province(w);
	world_join_and_admit(w, "06004", ROLE_CASEWORKER, &l);
	assert_int_equal(authority_assign(w->a, l.identity.device, "05977", ROLE_COMMUNICATOR,
	    &rotated, &w->err), RC_OK);
	assert_int_equal(rotated, 2);
	assert_true(world_opens(w, &l, "05977", 0, 1));
	assert_false(world_opens(w, &l, "05977", 1, 1));
	assert_false(world_opens(w, &l, "06004", 0, 2));
	assert_false(world_opens(w, &l, "06004", 1, 2));
	/* Widening takes nothing from anybody. */
	assert_int_equal(authority_assign(w->a, l.identity.device, "05977", ROLE_CASEWORKER,
	    &rotated, &w->err), RC_OK);
	assert_int_equal(rotated, 0);
	assert_true(world_opens(w, &l, "05977", 1, 1));
	world_laptop_reset(&l);
}

static void
what_the_relay_flags_waits_for_a_person(void **state)
{
	struct world *w = *state;
	struct authority_meeting m;
	struct laptop l;
	struct answer answer = { .laptops = { &l }, .n_waiting = 1 };

	world_import_province(w);
	world_join(w, "06004", ROLE_CASEWORKER, &l);
	memcpy(answer.waiting[0].device, l.identity.device, IDENTITY_ID_BYTES);
	answer.waiting[0].why = WHY_EXPIRED;
	answer.waiting[0].frames = 3;
	world_meet(w, &answer, &m);
	assert_int_equal(m.admitted, 0);
	assert_int_equal(m.waiting, 1);
	world_laptop_reset(&l);
}

/* How many frames a request releases. */
static size_t
released(struct world *w)
{
	struct bytes request;
	struct reader r;
	const uint8_t *p;
	size_t len, n = 0;
	uint8_t type;

	bytes_init(&request);
	assert_int_equal(authority_request(w->a, &request, &w->err), RC_OK);
	reader_init(&r, request.data, request.len);
	reader_take(&r, ROOT_EXCHANGE_START);
	while (reader_left(&r) > 0) {
		type = reader_u8(&r);
		p = reader_span(&r, EXCHANGE_ITEM_MAX, &len);
		if (type == ITEM_RELEASE && p != NULL)
			n += p[0];
	}
	bytes_reset(&request);
	return n;
}

static void
a_released_frame_is_told_until_the_relay_knows(void **state)
{
	struct world *w = *state;
	struct authority_meeting m;
	struct authority_aside *list;
	struct answer answer = { .n_aside = 1 }, nothing = { .n_aside = 0 };
	uint8_t found[32];
	size_t n;

	memset(answer.aside[0].frame, 0xab, sizeof(answer.aside[0].frame));
	answer.aside[0].reason = ASIDE_SIGNATURE;
	answer.aside[0].received = 1234;
	world_meet(w, &answer, &m);
	assert_int_equal(m.aside, 1);
	assert_int_equal(authority_aside(w->a, &list, &n, &w->err), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].received, 1234);
	assert_false(list[0].released);
	free(list);
	assert_int_equal(authority_find_aside(w->a, "abab", found, &w->err), RC_OK);
	assert_int_equal(released(w), 0);
	assert_int_equal(authority_release_frame(w->a, found, &w->err), RC_OK);
	assert_int_equal(released(w), 1);
	world_meet(w, &nothing, &m);
	assert_int_equal(released(w), 0);
	assert_int_equal(authority_aside(w->a, &list, &n, &w->err), RC_OK);
	assert_int_equal(n, 0);
	free(list);
	memset(found, 1, sizeof(found));
	assert_int_equal(authority_release_frame(w->a, found, &w->err), RC_NOTFOUND);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_make, world_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(a_communicator_gets_the_activities_of_the_unit_alone),
		WITH_WORLD(a_supervisor_opens_all_below_over_the_middle_tier),
		WITH_WORLD(an_invitation_opens_only_with_its_code),
		WITH_WORLD(admits_what_the_relay_reports_and_marks_the_invitation_used),
		WITH_WORLD(a_second_use_waits_until_a_person_decides),
		WITH_WORLD(an_invitation_past_its_date_waits_and_can_be_released),
		WITH_WORLD(retiring_shuts_out_below_and_spares_the_others),
		WITH_WORLD(revoking_rotates_what_the_invitation_held),
		WITH_WORLD(an_epoch_newer_than_the_invitation_comes_with_admission),
		WITH_WORLD(another_role_brings_its_scopes_and_takes_the_rest),
		WITH_WORLD(what_the_relay_flags_waits_for_a_person),
		WITH_WORLD(a_released_frame_is_told_until_the_relay_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
