#include <string.h>

#include <sqlite3.h>

#include "shared/base/bytes.h"
#include "shared/base/files.h"
#include "shared/vault/key_file.h"
#include "shared/vault/secret.h"

enum {
	COPIES = 2, READ_MAX = 65536,
	LEFTOVER_END = sizeof FILES_BESIDE - 1 + 6	/* and six letters */
};

static const char *const NAMES[COPIES] = { KEY_FILE_A, KEY_FILE_B };

struct copy {
	char path[FILES_PATH_MAX];
	bool there;
	enum rc rc;		/* of reading and parsing */
	struct bytes raw;
	struct keyslots slots;
};

static enum rc
copy_load(const char *dir, const char *name, struct copy *c)
{
	bytes_init(&c->raw);
	if ((c->rc = files_join(dir, name, c->path)) != RC_OK)
		return c->rc;
	c->rc = files_read(c->path, READ_MAX, &c->raw, NULL);
	c->there = c->rc != RC_NOTFOUND;
	if (c->rc == RC_NOMEM)
		return RC_NOMEM;
	if (c->rc == RC_OK)
		c->rc = keyslots_parse(c->raw.data, c->raw.len, &c->slots);
	return RC_OK;
}

/* What can be said before any key is tried. */
static enum rc
judge(const char *dir, const struct copy c[COPIES], struct error *err)
{
	if (!c[0].there && !c[1].there)
		return RC_NOTFOUND;
	if (c[0].rc == RC_NEWER || c[1].rc == RC_NEWER)
		return error_set(err, RC_NEWER, dir, "use the newer program",
		    "the key file was written by a newer program");
	for (int i = 0; i < COPIES; i++)
		if (c[i].rc == RC_IO && c[1 - i].rc != RC_OK)
			return error_set(err, RC_DAMAGED, c[i].path, "give its owner the right to read it, or"
			    " bring back the folder from a backup", "the key file cannot be read");
	if (c[0].rc != RC_OK && c[1].rc != RC_OK)
		return error_set(err, RC_DAMAGED, dir,
		    "bring back the folder from a backup; nothing was changed",
		    "both copies of the key file are damaged");
	return RC_OK;
}

static bool
same(const struct copy *a, const struct copy *b)
{
	return a->raw.len == b->raw.len && a->raw.len > 0 &&
	    memcmp(a->raw.data, b->raw.data, a->raw.len) == 0;
}

/* Open one copy and check that the header belongs to the key that came out. */
static enum rc
try_copy(const struct copy *c, struct key_file_opener opener, struct secret **master)
{
	enum rc rc;

	if (c->rc != RC_OK)
		return c->rc;
	if ((rc = opener.open(&c->slots, opener.ctx, master)) != RC_OK)
		return rc;
	if ((rc = keyslots_check(c->raw.data, c->raw.len, *master)) != RC_OK) {
		secret_free(*master);
		*master = NULL;
	}
	return rc;
}

/* Newest first.  *used is the copy that opened. */
static enum rc
choose(const char *dir, struct copy c[COPIES], struct key_file_opener opener, int *used,
    struct secret **master, struct error *err)
{
	int newest = c[0].rc != RC_OK || (c[1].rc == RC_OK &&
	    c[1].slots.generation > c[0].slots.generation) ? 1 : 0;
	struct copy *other = &c[1 - newest];
	enum rc first, second;

	*used = newest;
	first = try_copy(&c[newest], opener, master);
	if (first == RC_OK)
		return RC_OK;
	if (first != RC_AUTH && first != RC_DAMAGED)
		return error_set(err, first, dir, first == RC_NOMEM ? "close other programs, and try again" :
		    NULL, "cannot open the key file: %s", rc_name(first));
	if (same(&c[0], &c[1])) {
		second = first;
	} else if ((second = try_copy(other, opener, master)) == RC_OK) {
		*used = 1 - newest;
		/* Genuine and newer, and this key is not in it: it was replaced. */
		if (c[newest].rc != RC_OK ||
		    keyslots_check(c[newest].raw.data, c[newest].raw.len, *master) != RC_OK)
			return RC_OK;
		secret_free(*master);
		*master = NULL;
		return error_set(err, RC_AUTH, dir, "use the new one",
		    "this passphrase or code was replaced");
	}
	if (first == RC_AUTH || second == RC_AUTH)
		return error_set(err, RC_AUTH, dir, NULL, "the passphrase, code or key does not fit");
	return error_set(err, RC_DAMAGED, dir,
	    "bring back the folder from a backup; nothing was changed",
	    "the key file is not what this vault's owner wrote");
}

enum rc
key_file_read(const char *dir, struct key_file_opener opener, struct keyslots *out,
    struct secret **master, struct error *err)
{
	struct copy c[COPIES];
	int used = 0;
	enum rc rc, rc_b;

	memset(out, 0, sizeof *out);
	memset(c, 0, sizeof c);
	*master = NULL;
	rc = copy_load(dir, NAMES[0], &c[0]);
	rc_b = copy_load(dir, NAMES[1], &c[1]);
	if (rc == RC_OK)
		rc = rc_b;
	if (rc != RC_OK || (rc = judge(dir, c, err)) != RC_OK ||
	    (rc = choose(dir, c, opener, &used, master, err)) != RC_OK)
		goto out;
	*out = c[used].slots;
out:
	bytes_reset(&c[0].raw);
	bytes_reset(&c[1].raw);
	return rc;
}

static bool
holds(const char *path, const struct bytes *raw)
{
	struct bytes there;
	bool alike;

	bytes_init(&there);
	alike = files_read(path, READ_MAX, &there, NULL) == RC_OK && there.len == raw->len &&
	    memcmp(there.data, raw->data, raw->len) == 0;
	bytes_reset(&there);
	return alike;
}

void
key_file_mend(const char *dir, const struct keyslots *k, const struct secret *master)
{
	char path[FILES_PATH_MAX];
	struct bytes raw;
	bool on;

	bytes_init(&raw);
	on = keyslots_print(k, master, &raw) == RC_OK;
	/* what cannot be mended now is tried again at the next opening */
	for (int i = 0; i < COPIES && on; i++)
		on = files_join(dir, NAMES[i], path) == RC_OK && (holds(path, &raw) ||
		    files_replace(path, raw.data, raw.len, NULL) == RC_OK);
	bytes_reset(&raw);
}

static enum rc
write_copies(const char *dir, const struct keyslots *k, const struct secret *master, bool create,
    struct error *err)
{
	char path[FILES_PATH_MAX];
	struct bytes raw;
	enum rc rc;

	bytes_init(&raw);
	if ((rc = keyslots_print(k, master, &raw)) != RC_OK)
		goto out;
	for (int i = 0; i < COPIES; i++) {
		if ((rc = files_join(dir, NAMES[i], path)) != RC_OK)
			break;
		rc = create ? files_create(path, raw.data, raw.len, err) :
		    files_replace(path, raw.data, raw.len, err);
		if (rc != RC_OK)
			break;
	}
out:
	bytes_reset(&raw);
	return rc;
}

enum rc
key_file_create(const char *dir, struct keyslots *k, const struct secret *master,
    struct error *err)
{
	k->generation = 1;
	return write_copies(dir, k, master, true, err);
}

enum rc
key_file_replace(const char *dir, struct keyslots *k, const struct secret *master,
    struct error *err)
{
	char a[FILES_PATH_MAX], b[FILES_PATH_MAX];

	if (files_join(dir, KEY_FILE_A, a) != RC_OK || files_join(dir, KEY_FILE_B, b) != RC_OK)
		return RC_LIMIT;
	/* what was wiped under our hands must not come back */
	if (!files_exists(a) && !files_exists(b))
		return error_set(err, RC_NOTFOUND, dir, NULL, "the key file is gone: the vault was wiped");
	k->generation++;
	return write_copies(dir, k, master, false, err);
}

bool
key_file_take_back(const char *dir, struct keyslots *old, const struct secret *master,
    uint64_t generation)
{
	char a[FILES_PATH_MAX], b[FILES_PATH_MAX];
	struct bytes raw;
	bool untouched;

	bytes_init(&raw);
	untouched = files_join(dir, KEY_FILE_A, a) == RC_OK && files_join(dir, KEY_FILE_B, b) == RC_OK &&
	    keyslots_print(old, master, &raw) == RC_OK && holds(a, &raw) && holds(b, &raw);
	bytes_reset(&raw);
	if (untouched)
		return true;
	old->generation = generation;
	return key_file_replace(dir, old, master, NULL) == RC_OK;
}

enum rc
key_file_put_back(const char *dir, const uint8_t *raw, size_t len, struct error *err)
{
	char path[FILES_PATH_MAX];
	enum rc rc = RC_OK;

	for (int i = 0; i < COPIES && rc == RC_OK; i++)
		if ((rc = files_join(dir, NAMES[i], path)) == RC_OK)
			rc = files_create(path, raw, len, err);
	return rc;
}

/*
 * Random bytes over a file where it lies, synced.  Through SQLite's VFS, which
 * is the only door to such a write that is the same on every system.
 */
static enum rc
overwrite(const char *path, struct error *err)
{
	char name[FILES_PATH_MAX + 2] = { 0 };	/* SQLite looks for a second NUL */
	uint8_t random[4096];
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;
	int rc = SQLITE_NOMEM, flags = 0, close_rc;

	if (vfs == NULL || strlen(path) >= FILES_PATH_MAX)
		return RC_INTERNAL;
	memcpy(name, path, strlen(path));
	if ((file = sqlite3_malloc(vfs->szOsFile)) == NULL)
		goto out;
	memset(file, 0, (size_t)vfs->szOsFile);
	rc = vfs->xOpen(vfs, name, file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_SUPER_JOURNAL, &flags);
	if (rc != SQLITE_OK || (rc = file->pMethods->xFileSize(file, &size)) != SQLITE_OK)
		goto out;
	secret_random_bytes(random, sizeof random);
	for (sqlite3_int64 at = 0; at < size && rc == SQLITE_OK; at += (int)sizeof random) {
		int n = size - at < (int)sizeof random ? (int)(size - at) : (int)sizeof random;

		rc = file->pMethods->xWrite(file, random, n, at);
	}
	if (rc == SQLITE_OK)
		rc = file->pMethods->xSync(file, SQLITE_SYNC_FULL);
out:
	if (file != NULL && file->pMethods != NULL) {
		close_rc = file->pMethods->xClose(file);
		rc = rc == SQLITE_OK ? close_rc : rc;
	}
	sqlite3_free(file);
	if (rc != SQLITE_OK)
		return error_set(err, rc == SQLITE_NOMEM ? RC_NOMEM : RC_IO, path, "delete the file by hand",
		    "cannot overwrite the key file (%d)", rc);
	return RC_OK;
}

static bool
is_leftover(const char *name)
{
	return strncmp(name, KEY_FILE_NEW_A, strlen(KEY_FILE_NEW_A)) == 0 ||
	    strncmp(name, KEY_FILE_NEW_B, strlen(KEY_FILE_NEW_B)) == 0;
}

/* A step for each leftover: overwrite or remove. */
static enum rc
each_leftover(const char *dir, enum rc (*step)(const char *path, struct error *err),
    struct error *err)
{
	char path[FILES_PATH_MAX];
	char **names = NULL;
	size_t n = 0;
	enum rc rc, one;

	if ((rc = files_list(dir, &names, &n, err)) != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	for (size_t i = 0; i < n; i++) {
		if (!is_leftover(names[i]))
			continue;
		if ((one = files_join(dir, names[i], path)) == RC_OK)
			one = step(path, err);
		if (rc == RC_OK)
			rc = one;
	}
	files_names_free(names, n);
	return rc;
}

/*
 * A leftover with the bytes of its copy holds nothing that the copy does not hold; and after a
 * power cut it may be that very file, under both names.  So it is only removed.
 */
static enum rc
overwrite_unlike(const char *path, struct error *err)
{
	size_t len = strlen(path) - LEFTOVER_END;
	char copy[FILES_PATH_MAX];
	struct bytes left;
	bool alike;

	memcpy(copy, path, len);
	copy[len] = '\0';
	bytes_init(&left);
	alike = files_read(path, READ_MAX, &left, NULL) == RC_OK && left.len > 0 && holds(copy, &left);
	bytes_reset(&left);
	return alike ? RC_OK : overwrite(path, err);
}

void
key_file_sweep(const char *dir)
{
	/* one that cannot be removed now is tried again at the next opening */
	if (each_leftover(dir, overwrite_unlike, NULL) == RC_OK &&
	    each_leftover(dir, files_remove, NULL) != RC_OK)
		return;
}

enum rc
key_file_destroy(const char *dir, struct error *err)
{
	char path[FILES_PATH_MAX];
	enum rc rc = RC_OK, one;

	/* All are overwritten before any is removed: the name leads to the bytes. */
	for (int step = 0; step < 2; step++) {
		for (int i = 0; i < COPIES; i++) {
			if ((one = files_join(dir, NAMES[i], path)) != RC_OK)
				return one;
			if (!files_exists(path))
				continue;
			one = step == 0 ? overwrite(path, err) : files_remove(path, err);
			if (rc == RC_OK)
				rc = one;
		}
		one = each_leftover(dir, step == 0 ? overwrite : files_remove, err);
		if (rc == RC_OK)
			rc = one;
	}
	return rc;
}
