#include "sync-server/server_backup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/bytes.h"
#include "shared/base/files.h"
#include "shared/vault/digest.h"
#include "sync-server/depot.h"

enum { PIECE = 1 << 18, VERSION = 1, DIGEST = 32, NAME_MAX_BYTES = 40 };

#define LABEL "field-server-backup-1"
#define DEPOT_COPY "relay/depot.db.copy"

/* Everything that a backup may hold; source is where it is read from. */
static const struct part {
	const char *name, *source;
} parts[] = {
	{ "authority/vault.key", "authority/vault.key" },
	{ "authority/vault.key.b", "authority/vault.key.b" },
	{ "authority/vault.db", "authority/vault.db" },
	{ "authority/vault.db-wal", "authority/vault.db-wal" },
	{ "relay/relay.key", "relay/relay.key" },
	{ "relay/depot.db", DEPOT_COPY },
	{ "relay/tls.key", "relay/tls.key" },
	{ "relay/tls.crt", "relay/tls.crt" },
};
enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

static enum rc
failed(const char *path, struct error *err)
{
	enum rc rc = files_rc_of_errno(errno);

	return error_set(err, rc, path, rc == RC_FULL ? "free some space" : "check the disk",
	    "reading or writing failed");
}

static enum rc
no_backup(const char *path, enum rc rc, struct error *err)
{
	if (rc == RC_NEWER)
		return error_set(err, rc, path, "use the newer program",
		    "the backup was made by a newer program");
	return error_set(err, rc, path, "use another copy", rc == RC_DAMAGED ?
	    "the backup is not what was written" : "this is no backup of a sync-server");
}

/* ---- writing ---- */

struct writer {
	FILE *f;
	const char *path;
	struct digest digest;
	uint64_t bytes;
};

static enum rc
put(struct writer *w, const void *p, size_t len, struct error *err)
{
	digest_put(&w->digest, p, len);
	w->bytes += len;
	return fwrite(p, 1, len, w->f) == len ? RC_OK : failed(w->path, err);
}

static enum rc
put_file(struct writer *w, const struct part *part, FILE *in, uint64_t size, struct error *err)
{
	uint8_t *piece = malloc(PIECE);
	struct bytes head;
	size_t n;
	enum rc rc;

	bytes_init(&head);
	bytes_span(&head, part->name, strlen(part->name));
	bytes_u64(&head, size);
	rc = piece == NULL || head.rc != RC_OK ? RC_NOMEM : put(w, head.data, head.len, err);
	while (rc == RC_OK && size > 0) {
		n = fread(piece, 1, size < PIECE ? (size_t)size : PIECE, in);
		if (n == 0) {
			errno = EIO;
			rc = failed(part->source, err);
		} else {
			rc = put(w, piece, n, err);
		}
		size -= n;
	}
	bytes_reset(&head);
	free(piece);
	return rc;
}

static enum rc
put_part(struct writer *w, const char *dir, const struct part *part, struct error *err)
{
	char path[FILES_PATH_MAX];
	FILE *in;
	off_t size = -1;
	enum rc rc;

	if ((rc = files_join(dir, part->source, path)) != RC_OK)
		return rc;
	if ((in = fopen(path, "rb")) == NULL)
		return failed(path, err);
	if (fseeko(in, 0, SEEK_END) == 0 && (size = ftello(in)) >= 0 &&
	    fseeko(in, 0, SEEK_SET) == 0)
		rc = put_file(w, part, in, (uint64_t)size, err);
	else
		rc = failed(path, err);
	fclose(in);
	return rc;
}

static bool
is_there(const char *dir, const char *name)
{
	char path[FILES_PATH_MAX];

	return files_join(dir, name, path) == RC_OK && files_exists(path);
}

static enum rc
put_all(struct writer *w, const char *dir, size_t *files, struct error *err)
{
	uint8_t digest[DIGEST];
	bool there[PARTS];
	struct bytes head;
	enum rc rc;

	*files = 0;
	for (size_t i = 0; i < PARTS; i++) {
		there[i] = is_there(dir, parts[i].source);
		*files += there[i];
	}
	bytes_init(&head);
	bytes_text(&head, "FK");
	bytes_u8(&head, VERSION);
	bytes_varint(&head, *files);
	rc = head.rc == RC_OK ? put(w, head.data, head.len, err) : head.rc;
	bytes_reset(&head);
	for (size_t i = 0; i < PARTS && rc == RC_OK; i++)
		if (there[i])
			rc = put_part(w, dir, &parts[i], err);
	digest_end(&w->digest, digest);
	if (rc == RC_OK && (fwrite(digest, 1, DIGEST, w->f) != DIGEST || fflush(w->f) != 0 ||
	    fsync(fileno(w->f)) != 0))
		rc = failed(w->path, err);
	return rc;
}

/* A copy of the depot that stands still, made while others write. */
static enum rc
copy_depot(const char *dir, struct error *err)
{
	char folder[FILES_PATH_MAX], copy[FILES_PATH_MAX];
	struct depot *depot = NULL;
	enum rc rc;

	if ((rc = files_join(dir, "relay", folder)) != RC_OK ||
	    (rc = files_join(dir, DEPOT_COPY, copy)) != RC_OK)
		return rc;
	if (unlink(copy) != 0 && errno != ENOENT)
		return failed(copy, err);
	if ((rc = depot_open(folder, &depot, err)) == RC_OK)
		rc = depot_backup(depot, copy, err);
	depot_close(depot);
	return rc;
}

static enum rc
write_file(const char *dir, const char *path, struct server_backup_counts *out,
    struct error *err)
{
	char fresh[FILES_PATH_MAX];
	struct writer w = { .path = path };
	enum rc rc;

	if (snprintf(fresh, sizeof(fresh), "%s.part", path) >= (int)sizeof(fresh))
		return error_set(err, RC_LIMIT, path, "use a shorter path", "the path is too long");
	digest_start(&w.digest, DIGEST, NULL, 0, LABEL);
	if ((w.f = fopen(fresh, "wb")) == NULL)
		return failed(fresh, err);
	rc = put_all(&w, dir, &out->files, err);
	if (fclose(w.f) != 0 && rc == RC_OK)
		rc = failed(fresh, err);
	out->bytes = w.bytes;
	if (rc == RC_OK && rename(fresh, path) != 0)
		rc = failed(path, err);
	if (rc != RC_OK)
		unlink(fresh);
	return rc;
}

enum rc
server_backup_write(const char *dir, const char *path, struct server_backup_counts *out,
    struct error *err)
{
	char lock_path[FILES_PATH_MAX], copy[FILES_PATH_MAX];
	struct file_lock *lock = NULL;
	bool authority = is_there(dir, "authority/vault.db"), relay = is_there(dir, "relay/depot.db");
	enum rc rc = RC_OK;

	memset(out, 0, sizeof(*out));
	if (!authority && !relay)
		return error_set(err, RC_NOTFOUND, dir, "give the folder with --dir",
		    "there is neither an authority nor a relay");
	if (files_exists(path))
		return error_set(err, RC_EXISTS, path, "choose another name", "the file is there already");
	if (authority && (rc = files_join(dir, "authority/vault.lock", lock_path)) == RC_OK)
		rc = files_lock(lock_path, &lock, err);
	if (rc == RC_OK && relay)
		rc = copy_depot(dir, err);
	if (rc == RC_OK)
		rc = write_file(dir, path, out, err);
	if (relay && files_join(dir, DEPOT_COPY, copy) == RC_OK)
		unlink(copy);
	files_unlock(lock);
	return rc;
}

/* ---- restoring ---- */

/* Digest first: nothing is written from a file that changed. */
static enum rc
check_digest(FILE *f, const char *path, uint64_t *size, struct error *err)
{
	uint8_t *piece = malloc(PIECE), wanted[DIGEST], digest[DIGEST];
	struct digest d;
	uint64_t left;
	off_t end;
	size_t n;
	enum rc rc = RC_OK;

	*size = 0;
	if (piece == NULL)
		return RC_NOMEM;
	if (fseeko(f, 0, SEEK_END) != 0 || (end = ftello(f)) < 0 || fseeko(f, 0, SEEK_SET) != 0) {
		rc = failed(path, err);
		goto out;
	}
	if (end < DIGEST + 4) {
		rc = no_backup(path, RC_FORMAT, err);
		goto out;
	}
	*size = left = (uint64_t)end - DIGEST;
	digest_start(&d, DIGEST, NULL, 0, LABEL);
	while (left > 0 && (n = fread(piece, 1, left < PIECE ? (size_t)left : PIECE, f)) > 0) {
		if (left == *size && (n < 4 || memcmp(piece, "FK", 2) != 0 || piece[2] != VERSION)) {
			rc = no_backup(path, n >= 4 && memcmp(piece, "FK", 2) == 0 &&
			    piece[2] > VERSION ? RC_NEWER : RC_FORMAT, err);
			break;
		}
		digest_put(&d, piece, n);
		left -= n;
	}
	digest_end(&d, digest);
	if (rc == RC_OK && (left > 0 || fread(wanted, 1, DIGEST, f) != DIGEST))
		rc = failed(path, err);
	if (rc == RC_OK && memcmp(wanted, digest, DIGEST) != 0)
		rc = no_backup(path, RC_DAMAGED, err);
out:
	free(piece);
	return rc;
}

/* Name and length of the next file. */
static enum rc
read_head(FILE *f, char name[NAME_MAX_BYTES + 1], uint64_t *size)
{
	uint8_t length[8];
	int n = fgetc(f);

	if (n <= 0 || n > NAME_MAX_BYTES || fread(name, 1, (size_t)n, f) != (size_t)n ||
	    fread(length, 1, sizeof(length), f) != sizeof(length))
		return RC_FORMAT;
	name[n] = '\0';
	*size = bytes_load64(length);
	for (size_t i = 0; i < PARTS; i++)
		if (strcmp(parts[i].name, name) == 0)
			return RC_OK;
	return RC_FORMAT;
}

static enum rc
take_part(FILE *f, const char *dir, const char *name, uint64_t size, struct error *err)
{
	char path[FILES_PATH_MAX];
	uint8_t *piece = malloc(PIECE);
	FILE *to = NULL;
	size_t n;
	enum rc rc = files_join(dir, name, path);

	if (piece == NULL)
		rc = RC_NOMEM;
	if (rc == RC_OK && (to = fopen(path, "wb")) == NULL)
		rc = failed(path, err);
	while (rc == RC_OK && size > 0) {
		n = fread(piece, 1, size < PIECE ? (size_t)size : PIECE, f);
		if (n == 0)
			rc = RC_FORMAT;
		else if (fwrite(piece, 1, n, to) != n)
			rc = failed(path, err);
		size -= n;
	}
	if (rc == RC_OK && (fflush(to) != 0 || fsync(fileno(to)) != 0))
		rc = failed(path, err);
	if (to != NULL && fclose(to) != 0 && rc == RC_OK)
		rc = failed(path, err);
	free(piece);
	return rc;
}

/* Its folder, made when its first file comes, and only in a place that is free. */
static enum rc
make_folder(const char *dir, const char *name, const char **made, struct error *err)
{
	const char *folder = name[0] == 'a' ? "authority" : "relay";
	char path[FILES_PATH_MAX];
	enum rc rc;

	if (*made != NULL && strcmp(*made, folder) == 0)
		return RC_OK;
	*made = folder;
	if ((rc = files_join(dir, folder, path)) != RC_OK)
		return rc;
	return files_make_dir(path, err);
}

static enum rc
take_all(FILE *f, const char *path, const char *dir, uint64_t size,
    struct server_backup_counts *out, struct error *err)
{
	char name[NAME_MAX_BYTES + 1];
	const char *made = NULL;
	uint64_t length;
	int n;
	enum rc rc = RC_OK;

	if (fseeko(f, 3, SEEK_SET) != 0 || (n = fgetc(f)) < 1 || n > PARTS)
		return no_backup(path, RC_FORMAT, err);
	for (; n > 0 && rc == RC_OK; n--) {
		if ((rc = read_head(f, name, &length)) != RC_OK || length > size)
			return no_backup(path, RC_FORMAT, err);
		if ((rc = make_folder(dir, name, &made, err)) == RC_OK)
			rc = take_part(f, dir, name, length, err);
		out->files++;
		out->bytes += length;
	}
	return rc;
}

/* What the relay forgot since the backup, laptops hand in again when they see a new life. */
static enum rc
renew_relay(const char *dir, struct error *err)
{
	char folder[FILES_PATH_MAX];
	struct depot *depot = NULL;
	enum rc rc;

	if ((rc = files_join(dir, "relay", folder)) != RC_OK)
		return rc;
	if ((rc = depot_open(folder, &depot, err)) == RC_OK &&
	    (rc = depot_begin(depot)) == RC_OK) {
		rc = depot_end(depot, depot_renew_generation(depot));
		if (rc != RC_OK)
			error_set(err, rc, folder, NULL, "%s", depot_error(depot)->what);
	}
	depot_close(depot);
	return rc;
}

enum rc
server_backup_restore(const char *path, const char *dir, struct server_backup_counts *out,
    struct error *err)
{
	uint64_t size;
	FILE *f;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if (is_there(dir, "authority") || is_there(dir, "relay"))
		return error_set(err, RC_EXISTS, dir, "restore into an empty folder",
		    "there is an authority or a relay already");
	if ((f = fopen(path, "rb")) == NULL)
		return error_set(err, errno == ENOENT ? RC_NOTFOUND : RC_IO, path, NULL,
		    "the file cannot be read");
	if ((rc = check_digest(f, path, &size, err)) == RC_OK)
		rc = take_all(f, path, dir, size, out, err);
	fclose(f);
	if (rc == RC_OK && is_there(dir, "relay/depot.db"))
		rc = renew_relay(dir, err);
	return rc;
}
