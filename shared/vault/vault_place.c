#include <stdlib.h>
#include <string.h>

#include "shared/base/files.h"
#include "shared/vault/key_file.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_parts.h"

#define LOCK_NAME "vault.lock"
#define FILE_PREFIX "vault."
/* There while a vault is being made: without a key file beside it nothing was promised yet. */
#define MAKING_NAME "vault.making"

/* The lock says nothing, nor does a mark that was cut short. */
static bool
is_of_a_vault(const char *name)
{
	static const char cut[] = MAKING_NAME FILES_BESIDE;

	return strncmp(name, FILE_PREFIX, strlen(FILE_PREFIX)) == 0 && strcmp(name, LOCK_NAME) != 0 &&
	    strncmp(name, cut, sizeof cut - 1) != 0;
}

static enum rc
count_files(const char *dir, size_t *n, struct error *err)
{
	char **names = NULL;
	size_t all = 0;
	enum rc rc;

	*n = 0;
	if (!files_is_dir(dir))
		return RC_OK;
	if ((rc = files_list(dir, &names, &all, err)) != RC_OK)
		return rc;
	for (size_t i = 0; i < all; i++)
		*n += is_of_a_vault(names[i]);
	files_names_free(names, all);
	return RC_OK;
}

static enum rc
remove_files(const char *dir, bool keep_lock, struct error *err)
{
	char path[FILES_PATH_MAX];
	char **names = NULL;
	size_t n = 0;
	enum rc rc, one;

	if ((rc = files_list(dir, &names, &n, err)) != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (strncmp(names[i], FILE_PREFIX, strlen(FILE_PREFIX)) != 0 ||
		    (keep_lock && strcmp(names[i], LOCK_NAME) == 0))
			continue;
		if ((one = files_join(dir, names[i], path)) == RC_OK)
			one = files_remove(path, err);
		if (rc == RC_OK)
			rc = one;
	}
	files_names_free(names, n);
	return rc;
}

static bool
has_file(const char *dir, const char *name)
{
	char path[FILES_PATH_MAX];

	return files_join(dir, name, path) == RC_OK && files_exists(path);
}

/* Cut short before it was a vault. */
static bool
is_unfinished(const char *dir)
{
	return has_file(dir, MAKING_NAME) && !has_file(dir, KEY_FILE_A) && !has_file(dir, KEY_FILE_B);
}

enum rc
vault_look(const char *dir, bool *there, struct error *err)
{
	size_t n = 0;
	enum rc rc = count_files(dir, &n, err);

	*there = n > 0 && !is_unfinished(dir);
	return rc;
}

int
vault_exists(const char *dir)
{
	bool there;

	/* A folder that cannot be listed is no place for a new vault. */
	return vault_look(dir, &there, NULL) != RC_OK || there;
}

enum rc
vault_hold_folder(const char *dir, struct vault **out, struct error *err)
{
	struct vault *v = NULL;
	char path[FILES_PATH_MAX];
	enum rc rc;

	*out = NULL;
	if (strlen(dir) >= FILES_PATH_MAX || files_join(dir, LOCK_NAME, path) != RC_OK)
		return error_set(err, RC_LIMIT, NULL, "use a shorter path",
		    "the path of the vault is too long");
	if ((rc = vault_start()) != RC_OK)
		return error_set(err, rc, NULL, NULL, "cannot start the vault's libraries");
	if ((v = calloc(1, sizeof *v)) == NULL)
		return RC_NOMEM;
	memcpy(v->dir, dir, strlen(dir) + 1);
	if ((rc = files_lock(path, &v->lock, err)) != RC_OK) {
		free(v);
		return rc;
	}
	*out = v;
	return RC_OK;
}

enum rc
vault_make_place(const char *dir, struct error *err)
{
	char path[FILES_PATH_MAX];
	bool there;
	enum rc rc;

	if ((rc = vault_look(dir, &there, err)) != RC_OK ||
	    (rc = files_join(dir, MAKING_NAME, path)) != RC_OK)
		return rc;
	if (there)
		return error_set(err, RC_EXISTS, dir, "open it, or wipe it first if it is of no use",
		    "there are files of a vault already");
	if ((rc = remove_files(dir, true, err)) != RC_OK)
		return rc;
	return files_create(path, NULL, 0, err);
}

/* If this fails, the mark goes when the vault is opened. */
void
vault_made(const char *dir)
{
	char path[FILES_PATH_MAX];

	if (files_join(dir, MAKING_NAME, path) == RC_OK && files_exists(path) &&
	    files_remove(path, NULL) != RC_OK)
		return;
}

/* The slots before all else: from then on nothing can be opened any more. */
static enum rc
destroy(const char *dir, bool keep_lock, struct error *err)
{
	enum rc rc = key_file_destroy(dir, err), removed = remove_files(dir, keep_lock, err);

	return rc != RC_OK ? rc : removed;
}

void
vault_unmake(struct vault *v)
{
	struct file_lock *lock = v->lock;
	char dir[FILES_PATH_MAX];
	enum rc rc;

	memcpy(dir, v->dir, sizeof dir);
	/* held to the end: what another process makes there next is not ours to remove */
	v->lock = NULL;
	vault_close(v);
	rc = destroy(dir, false, NULL);
	(void)rc;		/* what is left is cleared away by the next try */
	files_unlock(lock);
}

enum rc
vault_wipe(const char *dir, struct error *err)
{
	struct file_lock *lock = NULL;
	char path[FILES_PATH_MAX];
	enum rc rc, held;

	if ((rc = vault_start()) != RC_OK || (rc = files_join(dir, LOCK_NAME, path)) != RC_OK)
		return rc;
	/* with the lock or without it: this is for a moment of danger */
	held = files_lock(path, &lock, NULL);
	rc = destroy(dir, held == RC_BUSY, err);
	files_unlock(lock);
	if (rc == RC_OK && held == RC_BUSY)
		return error_set(err, held, dir, "end it, then wipe again",
		    "the keys are destroyed, but another process has the vault open and may save once more");
	return rc;
}
