/* Where files of a user may stand, and how much room there is. */
#include "shared/base/files.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

/* f_type of statfs(2), its low 32 bits */
static const unsigned long tmpfs = 0x01021994;
static const unsigned long ramfs = 0x858458f6;

enum rc
files_data_dir(const char *program, char out[FILES_PATH_MAX], struct error *err)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	char base[FILES_PATH_MAX];
	enum rc rc;

	out[0] = '\0';
	/* a relative path there is to be ignored (XDG base directories) */
	if (data != NULL && data[0] == '/') {
		rc = files_join(data, program, out);
	} else {
		if (home == NULL || home[0] != '/') {
			const struct passwd *user = getpwuid(getuid());

			home = user == NULL ? NULL : user->pw_dir;
		}
		if (home == NULL || home[0] != '/')
			return error_set(err, RC_CONFIG, NULL, "set HOME or XDG_DATA_HOME",
			    "this user has no home folder");
		rc = files_join(home, ".local/share", base);
		if (rc == RC_OK)
			rc = files_join(base, program, out);
	}
	if (rc != RC_OK)
		return error_set(err, rc, NULL, "set XDG_DATA_HOME to a shorter path",
		    "the path of the home folder is too long");
	return RC_OK;
}

static bool
is_in_memory(const char *dir)
{
	struct statfs fs;
	unsigned long type;

	if (dir == NULL || dir[0] != '/' || statfs(dir, &fs) != 0 || access(dir, W_OK | X_OK) != 0)
		return false;
	type = (unsigned long)fs.f_type & 0xffffffff;
	return type == tmpfs || type == ramfs;
}

const char *
files_memory_dir(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (is_in_memory(runtime))
		return runtime;
	return is_in_memory("/dev/shm") ? "/dev/shm" : NULL;
}

enum rc
files_room(const char *path, uint64_t *out, struct error *err)
{
	struct statvfs v;

	*out = 0;
	if (statvfs(path, &v) != 0)
		return error_set(err, files_rc_of_errno(errno), path, "check the disk",
		    "cannot see how much room is left: %s", strerror(errno));
	*out = (uint64_t)v.f_bavail * (uint64_t)v.f_frsize;
	return RC_OK;
}
