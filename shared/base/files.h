#ifndef SHARED_BASE_FILES_H
#define SHARED_BASE_FILES_H

/*
 * files: whole files, folders, locks.  Everything that Windows does otherwise
 * is here, in clock, in terminal and in local_socket; nowhere else.
 * Paths are UTF-8.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"

/* Between a name and six letters: what a write that was cut short leaves beside a file. */
#define FILES_BESIDE ".new-"

enum {
	FILES_PATH_MAX = 1024,	/* with the NUL */
	FILES_NAMES_MAX = 100000	/* in one folder */
};

/* "a/b" into out; RC_LIMIT if it does not fit. */
enum rc files_join(const char *dir, const char *name, char out[FILES_PATH_MAX]) RC_CHECK;

bool files_exists(const char *path);
bool files_is_dir(const char *path);
/* May we use what is in a folder?  RC_IO, with what to do. */
enum rc files_may_enter(const char *dir, struct error *err) RC_CHECK;
/* What stands at this very place: a link is not followed. */
enum files_kind { FILES_NOTHING, FILES_PLAIN, FILES_LINK, FILES_OTHER };
enum files_kind files_kind_of(const char *path);

/* Make a folder that only its owner may enter; parents too.  There already: fine. */
enum rc files_make_dir(const char *path, struct error *err) RC_CHECK;

/*
 * Read a whole regular file of at most max bytes; "-" is standard input.
 * out is initialised by the caller; what it held is wiped.  Empty on failure.
 * RC_NOTFOUND, RC_LIMIT, RC_INVALID (not a regular file), RC_IO, RC_NOMEM.
 */
enum rc files_read(const char *path, size_t max, struct bytes *out,
    struct error *err) RC_CHECK;

/*
 * Replace a file so that after a power cut either the old or the new contents
 * are there: write beside it, sync, rename, sync the folder.  Mode 0600.
 * RC_NOTFOUND: no such folder.  RC_INVALID: the path is no regular file (a
 * folder, a device, a pipe).  RC_FULL, RC_IO.
 */
enum rc files_replace(const char *path, const uint8_t *data, size_t len,
    struct error *err) RC_CHECK;

/* The same, but refuse (RC_EXISTS) when the file is there. */
enum rc files_create(const char *path, const uint8_t *data, size_t len,
    struct error *err) RC_CHECK;

/* Give a file another name in its folder, over what has that name; the folder is synced. */
enum rc files_rename(const char *from, const char *to, struct error *err) RC_CHECK;
enum rc files_remove(const char *path, struct error *err) RC_CHECK;
enum rc files_sync_dir(const char *dir, struct error *err) RC_CHECK;

/* Bytes that may still be written on the disk of a path. */
enum rc files_room(const char *path, uint64_t *out, struct error *err) RC_CHECK;

/* Names in a folder, sorted by byte; free each and the array with files_names_free. */
enum rc files_list(const char *dir, char ***names, size_t *n, struct error *err) RC_CHECK;
void files_names_free(char **names, size_t n);

/*
 * Take an exclusive lock on a file, made if need be.  It ends with the process;
 * a child made by fork shares it.  The file stays.
 * RC_BUSY: it is taken, by another process or by this one.
 */
struct file_lock;
enum rc files_lock(const char *path, struct file_lock **out, struct error *err) RC_CHECK;
void files_unlock(struct file_lock *lock);

/* The platform's folder for a program's data, e.g. ~/.local/share/field. */
enum rc files_data_dir(const char *program, char out[FILES_PATH_MAX],
    struct error *err) RC_CHECK;

/* A folder in memory (tmpfs) for short-lived clear files, or NULL if there is none. */
const char *files_memory_dir(void);

/* ENOSPC, EDQUOT and EFBIG (the user's limit) are RC_FULL, all else RC_IO. */
enum rc files_rc_of_errno(int e);

#endif
