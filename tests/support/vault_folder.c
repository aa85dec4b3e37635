#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "shared/base/files.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "tests/support/vault_folder.h"

const char VAULT_FOLDER_SCHEMA[] =
    "-- version 1\n"
    "CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT NOT NULL);\n"
    "-- version 2\n"
    "CREATE TABLE tag (id INTEGER PRIMARY KEY, note INTEGER REFERENCES note(id));\n";

static void
must(bool holds)
{
	if (!holds)
		abort();
}

int
vault_folder_set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct vault_folder *f = calloc(1, sizeof *f);

	if (f == NULL || vault_start() != RC_OK)
		return -1;
	snprintf(f->root, sizeof f->root, "%s/vault-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(f->root) == NULL)
		return -1;
	snprintf(f->dir, sizeof f->dir, "%s/v", f->root);
	if (secret_random(SECRET_KEY_BYTES, &f->master) != RC_OK)
		return -1;
	*state = f;
	return 0;
}

void
vault_folder_remove(const char *dir)
{
	char **names = NULL, path[FILES_PATH_MAX];
	size_t n = 0;

	if (files_list(dir, &names, &n, NULL) != RC_OK)
		return;
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		if (files_is_dir(path))
			vault_folder_remove(path);
		else
			unlink(path);
	}
	files_names_free(names, n);
	rmdir(dir);
}

int
vault_folder_tear_down(void **state)
{
	struct vault_folder *f = *state;

	vault_folder_remove(f->root);
	secret_free(f->master);
	free(f);
	return 0;
}

struct vault *
vault_folder_made(struct vault_folder *f)
{
	struct vault *v;

	must(vault_create_with_master(f->dir, f->master, &v, NULL) == RC_OK);
	must(vault_migrate(v, VAULT_FOLDER_SCHEMA, NULL) == RC_OK);
	return v;
}

struct vault *
vault_folder_reopened(struct vault_folder *f)
{
	struct vault *v;

	must(vault_open_with_master(f->dir, f->master, &v, NULL) == RC_OK);
	return v;
}

void
vault_folder_sql(struct vault *v, const char *text)
{
	must(sqlite3_exec(vault_db(v), text, NULL, NULL, NULL) == SQLITE_OK);
}

int64_t
vault_folder_number(struct vault *v, const char *text)
{
	sqlite3_stmt *stmt;
	int64_t n;

	must(sqlite3_prepare_v2(vault_db(v), text, -1, &stmt, NULL) == SQLITE_OK);
	must(sqlite3_step(stmt) == SQLITE_ROW);
	n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}
