#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/files.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"
#include "sync-server/consolidator.h"

enum { PIECE = 1 << 20 };

/* What makes a vault; its WAL is empty after a checkpoint. */
static const char *const parts[] = { "vault.key", "vault.key.b", "vault.db" };
enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

static enum rc
failed(const char *path, struct error *err)
{
	enum rc rc = files_rc_of_errno(errno);

	return error_set(err, rc, path, rc == RC_FULL ? "free some space" : "check the disk",
	    "the backup cannot be written");
}

static enum rc
copy_stream(FILE *in, FILE *out, const char *path, struct error *err)
{
	uint8_t *piece = malloc(PIECE);
	size_t n;
	enum rc rc = RC_OK;

	if (piece == NULL)
		return RC_NOMEM;
	errno = EIO;
	while (rc == RC_OK && (n = fread(piece, 1, PIECE, in)) > 0)
		if (fwrite(piece, 1, n, out) != n)
			rc = failed(path, err);
	if (rc == RC_OK && (ferror(in) || fflush(out) != 0 || fsync(fileno(out)) != 0))
		rc = failed(path, err);
	free(piece);
	return rc;
}

static enum rc
copy_part(const char *from, const char *to, const char *name, struct error *err)
{
	char source[FILES_PATH_MAX], target[FILES_PATH_MAX];
	FILE *in = NULL, *out = NULL;
	enum rc rc;

	if ((rc = files_join(from, name, source)) != RC_OK ||
	    (rc = files_join(to, name, target)) != RC_OK)
		return error_set(err, rc, to, "use a shorter path", "the path is too long");
	if ((in = fopen(source, "rb")) == NULL) {
		rc = failed(source, err);
	} else if ((out = fopen(target, "wb")) == NULL) {
		rc = failed(target, err);
	} else {
		rc = copy_stream(in, out, target, err);
	}
	if (in != NULL)
		fclose(in);
	if (out != NULL && fclose(out) != 0 && rc == RC_OK)
		rc = failed(target, err);
	return rc;
}

static enum rc
remove_copy(const char *dir, struct error *err)
{
	char path[FILES_PATH_MAX];

	if (!files_is_dir(dir))
		return RC_OK;
	for (size_t i = 0; i < PARTS; i++)
		if (files_join(dir, parts[i], path) == RC_OK && unlink(path) != 0 && errno != ENOENT)
			return failed(path, err);
	return rmdir(dir) == 0 ? RC_OK : failed(dir, err);
}

/* last becomes previous, next becomes last. */
static enum rc
turn(const char *dir, const char *next, struct error *err)
{
	char last[FILES_PATH_MAX], previous[FILES_PATH_MAX];
	enum rc rc;

	if ((rc = files_join(dir, "last", last)) != RC_OK ||
	    (rc = files_join(dir, "previous", previous)) != RC_OK)
		return rc;
	if (files_is_dir(last)) {
		if ((rc = remove_copy(previous, err)) != RC_OK)
			return rc;
		if (rename(last, previous) != 0)
			return failed(last, err);
	}
	if (rename(next, last) != 0)
		return failed(next, err);
	return files_sync_dir(dir, err);
}

enum rc
consolidator_backup(struct vault *v, const char *dir, struct error *err)
{
	char next[FILES_PATH_MAX];
	int64_t busy = 1;
	enum rc rc;

	if ((rc = files_join(dir, "next", next)) != RC_OK)
		return error_set(err, rc, dir, "use a shorter path", "the path is too long");
	if ((rc = files_make_dir(dir, err)) != RC_OK || (rc = remove_copy(next, err)) != RC_OK ||
	    (rc = files_make_dir(next, err)) != RC_OK)
		return rc;
	/*
	 * After this the database file holds everything, and it rests: this process alone
	 * has the vault (vault.lock), and it does nothing else meanwhile.
	 */
	rc = query_int(vault_db(v), err, &busy, "PRAGMA wal_checkpoint(TRUNCATE)", "");
	if (rc == RC_OK && busy != 0)
		rc = error_set(err, RC_BUSY, vault_dir(v), "try again", "the vault is in use");
	for (size_t i = 0; i < PARTS && rc == RC_OK; i++)
		rc = copy_part(vault_dir(v), next, parts[i], err);
	if (rc == RC_OK)
		rc = files_sync_dir(next, err);
	return rc == RC_OK ? turn(dir, next, err) : rc;
}
