#ifndef SHARED_VAULT_VAULT_INTERNAL_H
#define SHARED_VAULT_VAULT_INTERNAL_H

/*
 * vault_internal: doors for tests and the simulator only: a vault by its master
 * key on another disk (below, NULL for the system's) and with a rule switched
 * off (rules, NULL for none).
 */
#include <stdbool.h>

#include "shared/base/rc.h"
#include "shared/vault/vault_vfs_rules.h"

struct secret;
struct sqlite3_vfs;
struct vault;

struct vault_bench {
	struct sqlite3_vfs *below;
	const struct vault_vfs_rules *rules;
};

enum rc vault_create_on(const char *dir, const struct secret *master, struct vault_bench bench,
    struct vault **out, struct error *err) RC_CHECK;
enum rc vault_open_on(const char *dir, const struct secret *master, struct vault_bench bench,
    struct vault **out, struct error *err) RC_CHECK;

#endif
