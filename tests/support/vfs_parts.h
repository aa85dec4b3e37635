#ifndef TESTS_SUPPORT_VFS_PARTS_H
#define TESTS_SUPPORT_VFS_PARTS_H

/*
 * vfs_parts: the methods of a SQLite VFS that are the same for every disk in memory: nobody else
 * has its files open, so locks are always there; time stands still.
 */
struct sqlite3_file;
struct sqlite3_vfs;

int vfs_parts_close(struct sqlite3_file *file);
int vfs_parts_lock(struct sqlite3_file *file, int level);
int vfs_parts_check_reserved(struct sqlite3_file *file, int *out);
int vfs_parts_no_control(struct sqlite3_file *file, int op, void *arg);

int vfs_parts_full_pathname(struct sqlite3_vfs *v, const char *path, int n, char *out);
int vfs_parts_sleep(struct sqlite3_vfs *v, int microseconds);
int vfs_parts_time(struct sqlite3_vfs *v, double *out);

#endif
