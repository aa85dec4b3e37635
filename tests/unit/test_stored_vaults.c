#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "field/workspace.h"
#include "shared/base/embedded.h"
#include "shared/base/files.h"
#include "shared/records/fold.h"
#include "shared/records/record.h"
#include "shared/records/search.h"
#include "shared/sync/replica.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "tests/support/province.h"
#include "tests/support/vault_folder.h"

/* A vault of every format that there ever was: tests/vectors/vaults/README.md. */
#define VAULTS "tests/vectors/vaults"

static const char *const FILES[] = { "vault.key", "vault.key.b", "vault.db" };

/* The vault itself stays as it was written; a copy is opened. */
static void
copy_of(const struct vault_folder *f, const char *name)
{
	char path[700];
	struct bytes b;

	vault_folder_remove(f->dir);
	assert_int_equal(files_make_dir(f->dir, NULL), RC_OK);
	for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
		bytes_init(&b);
		snprintf(path, sizeof path, "%s/%s/%s", VAULTS, name, FILES[i]);
		assert_int_equal(files_read(path, 1 << 26, &b, NULL), RC_OK);
		snprintf(path, sizeof path, "%s/%s", f->dir, FILES[i]);
		assert_int_equal(files_create(path, b.data, b.len, NULL), RC_OK);
		bytes_reset(&b);
	}
}

static struct workspace *
open_by_passphrase(const struct vault_folder *f, const char *name)
{
	struct secret *passphrase = NULL;
	struct workspace *ws = NULL;
	struct error err = { 0 };
	char path[300];

	snprintf(path, sizeof path, "%s/%s/passphrase.txt", VAULTS, name);
	assert_int_equal(secret_read_line(path, &passphrase, NULL), RC_OK);
	if (workspace_open(f->dir, passphrase, &ws, &err) != RC_OK)
		fail_msg("%s: %s: %s", name, err.where, err.what);
	secret_free(passphrase);
	return ws;
}

/* expected.txt: "id field value" a line. */
static void
assert_expected(struct workspace *ws, const char *name)
{
	struct record_context c = workspace_records(ws, FORM_EN);
	struct bytes text;
	char path[300], *line, *id, *field, *value, *rest = NULL;
	size_t lines = 0;

	bytes_init(&text);
	snprintf(path, sizeof path, "%s/%s/expected.txt", VAULTS, name);
	assert_int_equal(files_read(path, 1 << 20, &text, NULL), RC_OK);
	bytes_u8(&text, 0);
	for (line = strtok_r((char *)text.data, "\n", &rest); line != NULL;
	    line = strtok_r(NULL, "\n", &rest)) {
		const struct record_field *shown;
		struct record_view view;
		struct dot dot;
		bool found = false;

		id = line;
		field = strchr(id, ' ');
		assert_non_null(field);
		*field++ = '\0';
		value = strchr(field, ' ');
		assert_non_null(value);
		*value++ = '\0';
		assert_true(dot_parse(id, &dot));
		assert_int_equal(record_show(&c, &dot, &view, NULL), RC_OK);
		shown = record_view_field(&view, field);
		for (size_t i = 0; shown != NULL && i < shown->n_values; i++)
			found |= strcmp(shown->values[i].text, value) == 0;
		if (!found)
			fail_msg("%s: %s of %s is not \"%s\"", name, field, id, value);
		record_view_reset(&view);
		lines++;
	}
	assert_true(lines > 10);
	bytes_reset(&text);
}

static const char COLUMNS[] = "SELECT group_concat(m.name || '.' || c.name || ' ' || c.type || ' ' ||"
    " c.\"notnull\" || ' ' || c.pk || ' ' || coalesce(c.dflt_value, ''), x'0a')"
    " FROM (SELECT name FROM sqlite_schema WHERE type IN ('table', 'index')"
    " AND name NOT LIKE 'form\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name) m,"
    " pragma_table_xinfo(m.name) c";

static void
columns(struct sqlite3 *db, struct bytes *out)
{
	bytes_init(out);
	assert_int_equal(query_blob(db, NULL, out, COLUMNS, ""), RC_OK);
}

/*
 * An upgraded vault has the tables of a new one.  Whoever changes the text of a version
 * that is in the field, instead of adding the next one, is told here.
 */
static void
assert_tables(struct workspace *ws, const struct vault_folder *f, const char *name)
{
	struct bytes upgraded, fresh;
	const struct embedded *sql = embedded_find("vault.sql");
	struct vault *v = NULL;
	char dir[400];

	assert_non_null(sql);
	snprintf(dir, sizeof dir, "%s/fresh", f->root);
	assert_int_equal(vault_create_with_master(dir, f->master, &v, NULL), RC_OK);
	assert_int_equal(vault_migrate(v, (const char *)sql->data, NULL), RC_OK);
	columns(vault_db(v), &fresh);
	columns(vault_db(ws->vault), &upgraded);
	if (strcmp(bytes_cstr(&upgraded), bytes_cstr(&fresh)) != 0)
		fail_msg("%s upgraded has other tables than a new vault: add a version to"
		    " schema/vault.sql, and a vault of it to " VAULTS "\n%s\n---\n%s", name,
		    bytes_cstr(&upgraded), bytes_cstr(&fresh));
	bytes_reset(&upgraded);
	bytes_reset(&fresh);
	vault_close(v);
	vault_folder_remove(dir);
}

static void
assert_found(struct workspace *ws)
{
	struct record_context c = workspace_records(ws, FORM_EN);
	struct search_hit *hits = NULL;
	size_t n = 0;

	assert_int_equal(search_records(&c, "dang thi hoa", NULL, 10, &hits, &n, NULL), RC_OK);
	assert_int_equal(n, 1);
	search_hits_free(hits, n);
}

static void
check_stored(const struct vault_folder *f, const char *name)
{
	struct workspace *ws;
	struct secret *text = NULL, *code = NULL;
	struct vault *v = NULL;
	char path[300], line[100];

	copy_of(f, name);
	ws = open_by_passphrase(f, name);
	assert_expected(ws, name);
	assert_tables(ws, f, name);
	assert_found(ws);
	assert_int_equal(vault_verify(ws->vault, NULL), RC_OK);
	/* and work goes on in it */
	assert_int_equal(workspace_begin(ws, NULL), RC_OK);
	assert_int_equal(workspace_end(ws, fold_rebuild(replica_fold(ws->replica), NULL), NULL), RC_OK);
	assert_expected(ws, name);
	province_add(ws, "outreach", (const char *const[]){ "date", "2026-02-01", "commune_code",
	    "06001", "kind", "HOUSEHOLD", "persons_m", "1", "persons_f", "0", "topics", "TRICKS", NULL });
	assert_int_equal(replica_seal(ws->replica, 65536, 0, NULL), RC_OK);
	workspace_close(ws);
	/* the paper in the drawer too */
	snprintf(path, sizeof path, "%s/%s/recovery.txt", VAULTS, name);
	assert_int_equal(secret_read_line(path, &text, NULL), RC_OK);
	assert_true(secret_len(text) < sizeof line);
	memcpy(line, secret_bytes(text), secret_len(text));
	line[secret_len(text)] = '\0';
	assert_int_equal(secret_code_read(line, VAULT_RECOVERY_BYTES, &code), RC_OK);
	assert_int_equal(vault_open_with_recovery(f->dir, code, &v, NULL), RC_OK);
	vault_close(v);
	secret_free(code);
	secret_free(text);
}

static void
every_vault_that_was_ever_stored_opens(void **state)
{
	char **names = NULL;
	size_t n = 0, seen = 0;

	assert_int_equal(files_list(VAULTS, &names, &n, NULL), RC_OK);
	for (size_t i = 0; i < n; i++) {
		if (names[i][0] != 'v')
			continue;
		check_stored(*state, names[i]);
		seen++;
	}
	files_names_free(names, n);
	assert_true(seen >= 1);
}

/* Today's version is in the collection. */
static void
the_version_of_today_is_stored(void **state)
{
	struct vault_folder *f = *state;
	const struct embedded *sql = embedded_find("vault.sql");
	char path[300], mark[40];
	int last = 0;

	(void)f;
	assert_non_null(sql);
	for (int v = 1; v < 1000; v++) {
		snprintf(mark, sizeof mark, "-- version %d\n", v);
		if (strstr((const char *)sql->data, mark) == NULL)
			break;
		last = v;
	}
	snprintf(path, sizeof path, "%s/v%d/vault.db", VAULTS, last);
	assert_true(files_exists(path));
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, vault_folder_set_up, vault_folder_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(every_vault_that_was_ever_stored_opens),
		TEST(the_version_of_today_is_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
