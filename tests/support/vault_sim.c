#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/vault/secret.h"
#include "shared/vault/vault_db.h"
#include "shared/vault/vault_vfs.h"
#include "tests/support/power_disk.h"
#include "tests/support/vault_sim.h"

static void
must(bool holds)
{
	if (!holds)
		abort();
}

void
vault_sim_init(struct vault_sim *s, uint64_t seed, const struct vault_vfs_rules *rules)
{
	memset(s, 0, sizeof *s);
	s->random = seed * 2654435761u + 1;
	s->rules = *rules;
	s->disk = power_disk_new(seed);
	must(secret_random(SECRET_KEY_BYTES, &s->key) == RC_OK);
	secret_random_bytes(s->id, sizeof s->id);
	must(vault_vfs_new(s->key, s->id, "/sim/vault.db", power_disk_vfs(s->disk), &s->rules,
	    &s->vfs) == RC_OK);
}

enum rc
vault_sim_open(struct vault_sim *s, bool create)
{
	error_clear(&s->err);
	return vault_db_open(s->vfs, create, &s->rules, &s->db, &s->err);
}

void
vault_sim_close(struct vault_sim *s)
{
	must(vault_db_close(s->db));
	s->db = NULL;
}

void
vault_sim_reset(struct vault_sim *s)
{
	vault_sim_close(s);
	vault_vfs_free(s->vfs);
	power_disk_free(s->disk);
	secret_free(s->key);
	memset(s, 0, sizeof *s);
}

unsigned
vault_sim_pick(struct vault_sim *s, unsigned n)
{
	s->random = s->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(s->random >> 33) % n;
}

int
vault_sim_run(struct vault_sim *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL);
}

int64_t
vault_sim_ask(struct vault_sim *s, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}

void
vault_sim_text(struct vault_sim *s, const char *sql, char *out, size_t max)
{
	sqlite3_stmt *stmt = NULL;

	out[0] = '\0';
	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		snprintf(out, max, "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
}

bool
vault_sim_sound(struct vault_sim *s)
{
	char text[100];

	vault_sim_text(s, "PRAGMA integrity_check(1)", text, sizeof text);
	return strcmp(text, "ok") == 0;
}

void
vault_sim_fill(struct vault_sim *s, const struct vault_vfs_rules *rules, int n)
{
	char sql[300];

	vault_sim_init(s, 7, rules);
	must(vault_sim_open(s, true) == RC_OK);
	must(vault_sim_run(s, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)") == SQLITE_OK);
	snprintf(sql, sizeof sql, "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
	    " WHERE i < %d) INSERT INTO t SELECT i, printf('%%.*c', 500, 'y') FROM c", n);
	must(vault_sim_run(s, sql) == SQLITE_OK);
	vault_sim_close(s);
}
