#ifndef TESTS_SUPPORT_VAULT_SIM_H
#define TESTS_SUPPORT_VAULT_SIM_H

/* vault_sim: the database of a vault on a disk whose power can be cut (power_disk). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"
#include "shared/vault/block_file.h"
#include "shared/vault/vault_vfs_rules.h"

struct power_disk;
struct secret;
struct sqlite3;
struct vault_vfs;

struct vault_sim {
	struct power_disk *disk;
	struct secret *key;
	uint8_t id[BLOCK_ID_BYTES];
	struct vault_vfs_rules rules;
	struct vault_vfs *vfs;
	struct sqlite3 *db;
	uint64_t random;
	struct error err;
};

/* An empty disk.  The database is /sim/vault.db. */
void vault_sim_init(struct vault_sim *s, uint64_t seed, const struct vault_vfs_rules *rules);
enum rc vault_sim_open(struct vault_sim *s, bool create) RC_CHECK;
void vault_sim_close(struct vault_sim *s);
void vault_sim_reset(struct vault_sim *s);

/* A closed database of some pages, its table t (id, v) holding the numbers 1..n. */
void vault_sim_fill(struct vault_sim *s, const struct vault_vfs_rules *rules, int n);

/* A random number below n. */
unsigned vault_sim_pick(struct vault_sim *s, unsigned n);
/* SQLite's result of a text of statements. */
int vault_sim_run(struct vault_sim *s, const char *sql);
/* First column of the first row; -1 when the question cannot be answered. */
int64_t vault_sim_ask(struct vault_sim *s, const char *sql);
void vault_sim_text(struct vault_sim *s, const char *sql, char *out, size_t max);
/* integrity_check */
bool vault_sim_sound(struct vault_sim *s);

#endif
