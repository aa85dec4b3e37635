#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/files.h"
#include "shared/sync/replica.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "tests/support/province.h"

/* A parcel for a caseworker in a commune or a supervisor of the province, and an empty vault. */
struct fixture {
	struct province p;
	struct invitation_parcel parcel;
	struct secret *master;
	char dir[FILES_PATH_MAX];
	struct vault *vault;
};

static void
open_invitation(struct fixture *f, const char *unit, enum identity_role role)
{
	struct authority_invite invite = { unit, role, "Lò Văn Chung", 14, f->p.url, "" };
	struct secret *code = NULL;
	struct bytes file;
	uint8_t id[16];

	bytes_init(&file);
	assert_int_equal(authority_invite(f->p.authority, &invite, id, &file, &code, NULL), RC_OK);
	assert_int_equal(identity_parcel_open(file.data, file.len, code, &f->parcel, NULL), RC_OK);
	bytes_reset(&file);
	secret_free(code);
}

static int
begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	province_start(&f->p);
	assert_int_equal(secret_random(SECRET_KEY_BYTES, &f->master), RC_OK);
	assert_int_equal(files_join(f->p.dir, "joined", f->dir), RC_OK);
	assert_int_equal(vault_create_with_master(f->dir, f->master, &f->vault, NULL), RC_OK);
	*state = f;
	return 0;
}

static int
end(void **state)
{
	struct fixture *f = *state;

	vault_close(f->vault);
	secret_free(f->master);
	identity_parcel_reset(&f->parcel);
	province_end(&f->p);
	free(f);
	return 0;
}

static int64_t
secrets_of(struct vault *v)
{
	int64_t n;

	if (query_int(vault_db(v), NULL, &n, "SELECT count(*) FROM scope_secret", "") != RC_OK)
		return -1;
	return n;
}

static void
a_vault_is_joined_once(void **state)
{
	struct fixture *f = *state;

	open_invitation(f, "06001", ROLE_CASEWORKER);
	assert_false(replica_is_joined(f->vault));
	assert_int_equal(replica_join(f->vault, &f->parcel, &f->p.clock, NULL), RC_OK);
	assert_true(replica_is_joined(f->vault));
	assert_int_equal(replica_join(f->vault, &f->parcel, &f->p.clock, NULL), RC_EXISTS);
}

static void
a_supervisor_has_the_keys_below_as_soon_as_it_is_a_device(void **state)
{
	struct fixture *f = *state;
	size_t given;

	open_invitation(f, "20", ROLE_SUPERVISOR);
	given = f->parcel.n_secrets;
	assert_true(f->parcel.n_shares > 0);
	assert_int_equal(replica_join(f->vault, &f->parcel, &f->p.clock, NULL), RC_OK);
	assert_int_equal(secrets_of(f->vault), given + f->parcel.n_shares);
}

/* Whoever holds an invitation writes the name into the certificate by itself. */
static void
a_name_that_is_no_clean_line_is_not_shown(void **state)
{
	static const char *const bad[] = { "\033[2J\033[1mx", "A\nfield: lost", "\xff\xfe", "a\342\200\256b" };
	struct fixture *f = *state;
	struct workspace *ws = NULL;
	const char *shown;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char dir[FILES_PATH_MAX], name[20];
		struct vault *v;

		snprintf(name, sizeof(name), "bad%zu", i);
		assert_int_equal(files_join(f->p.dir, name, dir), RC_OK);
		assert_int_equal(vault_create_with_master(dir, f->master, &v, NULL), RC_OK);
		identity_parcel_reset(&f->parcel);
		open_invitation(f, "06001", ROLE_CASEWORKER);
		snprintf(f->parcel.name, sizeof(f->parcel.name), "%s", bad[i]);
		assert_int_equal(replica_join(v, &f->parcel, &f->p.clock, NULL), RC_OK);
		assert_int_equal(workspace_adopt(dir, v, &ws, NULL), RC_OK);
		shown = replica_name_of(ws->replica, replica_device(ws->replica));
		assert_int_equal(strlen(shown), 8);
		assert_int_equal(strspn(shown, "0123456789abcdef"), 8);
		workspace_close(ws);
	}
}

/* The name stands in the certificate, sealed to the activities of the unit. */
static void
only_who_reads_the_activities_of_a_unit_learns_its_names(void **state)
{
	static const struct { const char *unit; enum identity_role role; bool learns; } who[] = {
		{ "06001", ROLE_COMMUNICATOR, true }, { "20", ROLE_SUPERVISOR, true }, { "20", ROLE_HOLDER, true },
		{ "06002", ROLE_CASEWORKER, false }, { "06001", ROLE_ANALYST, false }, { "20", ROLE_ANALYST, false },
	};
	struct fixture *f = *state;
	struct workspace *named = province_device(&f->p, "06001", ROLE_CASEWORKER, "Lò Văn Chung"), *ws;
	char hex[2 * IDENTITY_ID_BYTES + 1];
	const char *shown;

	province_sync(&f->p, named);
	province_meet(&f->p);
	bytes_hex(replica_device(named->replica), IDENTITY_ID_BYTES, hex);
	hex[8] = '\0';
	for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
		ws = province_device(&f->p, who[i].unit, who[i].role, "Người khác");
		province_sync(&f->p, ws);
		assert_non_null(directory_device(replica_directory(ws->replica), replica_device(named->replica)));
		shown = replica_name_of(ws->replica, replica_device(named->replica));
		assert_string_equal(shown, who[i].learns ? "Lò Văn Chung" : hex);
		workspace_close(ws);
	}
	workspace_close(named);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_vault_is_joined_once),
		TEST(a_supervisor_has_the_keys_below_as_soon_as_it_is_a_device),
		TEST(a_name_that_is_no_clean_line_is_not_shown),
		TEST(only_who_reads_the_activities_of_a_unit_learns_its_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
