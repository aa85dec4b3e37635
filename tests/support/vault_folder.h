#ifndef TESTS_SUPPORT_VAULT_FOLDER_H
#define TESTS_SUPPORT_VAULT_FOLDER_H

/*
 * vault_folder: a temporary folder for a vault and its master key, as set-up and
 * tear-down of a test; and statements on the vault in a line each.
 */
#include <stdint.h>

struct secret;
struct vault;

struct vault_folder {
	char root[256];		/* made by set_up, removed by tear_down */
	char dir[300];		/* of the vault, below root; not made */
	struct secret *master;
};

/* Versions 1 and 2: the tables note (id, body) and tag (id, note). */
extern const char VAULT_FOLDER_SCHEMA[];

/* *state becomes a struct vault_folder. */
int vault_folder_set_up(void **state);
int vault_folder_tear_down(void **state);
/* A folder and all below it. */
void vault_folder_remove(const char *dir);

/* A new vault with the schema, by the master key; and open again. */
struct vault *vault_folder_made(struct vault_folder *f);
struct vault *vault_folder_reopened(struct vault_folder *f);

/* These end the program when they fail. */
void vault_folder_sql(struct vault *v, const char *text);
int64_t vault_folder_number(struct vault *v, const char *text);

#endif
