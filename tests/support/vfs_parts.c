#include "tests/support/vfs_parts.h"

#include <sqlite3.h>

int
vfs_parts_close(struct sqlite3_file *file)
{
	(void)file;
	return SQLITE_OK;
}

int
vfs_parts_lock(struct sqlite3_file *file, int level)
{
	(void)file;
	(void)level;
	return SQLITE_OK;
}

int
vfs_parts_check_reserved(struct sqlite3_file *file, int *out)
{
	(void)file;
	*out = 0;
	return SQLITE_OK;
}

int
vfs_parts_no_control(struct sqlite3_file *file, int op, void *arg)
{
	(void)file;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

int
vfs_parts_full_pathname(struct sqlite3_vfs *v, const char *path, int n, char *out)
{
	(void)v;
	sqlite3_snprintf(n, out, "%s", path);
	return SQLITE_OK;
}

int
vfs_parts_sleep(struct sqlite3_vfs *v, int microseconds)
{
	(void)v;
	return microseconds;
}

int
vfs_parts_time(struct sqlite3_vfs *v, double *out)
{
	(void)v;
	*out = 2461000.5;
	return SQLITE_OK;
}
