#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/files.h"

static char folder[FILES_PATH_MAX];

static const char *
at(const char *name)
{
	static char path[4][FILES_PATH_MAX];
	static unsigned turn;
	char *out = path[turn++ % 4];

	assert_int_equal(files_join(folder, name, out), RC_OK);
	return out;
}

static int
make_folder(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/test_files.XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(folder) == NULL;
}

static void
remove_all(const char *dir)
{
	char **names, path[FILES_PATH_MAX];
	size_t n;

	assert_int_equal(files_list(dir, &names, &n, NULL), RC_OK);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(files_join(dir, names[i], path), RC_OK);
		if (unlink(path) != 0)
			assert_int_equal(rmdir(path), 0);
	}
	files_names_free(names, n);
}

static int
remove_folder(void **state)
{
	(void)state;
	if (files_is_dir(at("nest/b")))
		remove_all(at("nest/b"));
	if (files_is_dir(at("nest")))
		remove_all(at("nest"));
	remove_all(folder);
	return rmdir(folder);
}

static size_t
count_files(void)
{
	char **names;
	size_t n;

	assert_int_equal(files_list(folder, &names, &n, NULL), RC_OK);
	files_names_free(names, n);
	return n;
}

static void
holds(const char *path, const char *expected)
{
	struct bytes b;

	bytes_init(&b);
	assert_int_equal(files_read(path, 1000, &b, NULL), RC_OK);
	assert_int_equal(b.len, strlen(expected));
	assert_string_equal(bytes_cstr(&b), expected);
	bytes_reset(&b);
}

static enum rc
replace(const char *path, const char *text)
{
	return files_replace(path, (const uint8_t *)text, strlen(text), NULL);
}

static enum rc
create(const char *path, const char *text)
{
	return files_create(path, (const uint8_t *)text, strlen(text), NULL);
}

static void
joins_paths_and_refuses_long_ones(void **state)
{
	char out[FILES_PATH_MAX], name[FILES_PATH_MAX];

	(void)state;
	assert_int_equal(files_join("a", "b", out), RC_OK);
	assert_string_equal(out, "a/b");
	assert_int_equal(files_join("/", "b", out), RC_OK);
	assert_string_equal(out, "/b");
	assert_int_equal(files_join("", "b", out), RC_OK);
	assert_string_equal(out, "b");
	memset(name, 'x', sizeof(name));
	name[FILES_PATH_MAX - 3] = '\0';
	assert_int_equal(files_join("a", name, out), RC_OK);
	name[FILES_PATH_MAX - 3] = 'x';
	name[FILES_PATH_MAX - 2] = '\0';
	assert_int_equal(files_join("a", name, out), RC_LIMIT);
	assert_string_equal(out, "");
}

static void
makes_owner_only_folders_with_parents(void **state)
{
	struct stat st;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(files_make_dir(at("nest//b/"), &err), RC_OK);
	assert_int_equal(stat(at("nest"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(at("nest/b"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(files_make_dir(at("nest/b"), &err), RC_OK);
	assert_int_equal(create(at("file"), ""), RC_OK);
	assert_int_equal(files_make_dir(at("file"), NULL), RC_EXISTS);
	assert_int_equal(files_make_dir(at("file/below"), &err), RC_EXISTS);
	assert_int_equal(err.code, RC_EXISTS);
	assert_int_equal(files_make_dir("", NULL), RC_LIMIT);
}

static void
reads_back_what_was_written(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(replace(at("f"), "một"), RC_OK);
	holds(at("f"), "một");
	assert_int_equal(replace(at("f"), "hai"), RC_OK);
	holds(at("f"), "hai");
	assert_int_equal(replace(at("f"), ""), RC_OK);
	holds(at("f"), "");
	assert_int_equal(stat(at("f"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(count_files(), 1);
}

static void
reads_large_files_whole(void **state)
{
	struct bytes b, c;

	(void)state;
	bytes_init(&b);
	bytes_init(&c);
	for (uint32_t i = 0; i < 100000; i++)
		bytes_u32(&b, i);
	assert_int_equal(files_replace(at("large"), b.data, b.len, NULL), RC_OK);
	assert_int_equal(files_read(at("large"), b.len, &c, NULL), RC_OK);
	assert_int_equal(c.len, b.len);
	assert_memory_equal(c.data, b.data, b.len);
	assert_int_equal(files_read(at("large"), b.len - 1, &c, NULL), RC_LIMIT);
	assert_int_equal(c.len, 0);
	bytes_reset(&b);
	bytes_reset(&c);
}

static void
refuses_to_read_what_is_no_file(void **state)
{
	struct bytes b;
	struct error err = { 0 };

	(void)state;
	bytes_init(&b);
	assert_int_equal(files_read(at("none"), 10, &b, &err), RC_NOTFOUND);
	assert_string_equal(err.where, at("none"));
	assert_int_equal(files_read(folder, 10, &b, NULL), RC_INVALID);
	assert_int_equal(mkfifo(at("pipe"), 0600), 0);
	assert_int_equal(files_read(at("pipe"), 10, &b, NULL), RC_INVALID);
	assert_int_equal(files_read("/dev/zero", 10, &b, NULL), RC_INVALID);
	assert_null(b.data);
}

static void
reads_standard_input_up_to_the_limit(void **state)
{
	struct bytes b;
	int saved = dup(STDIN_FILENO), fds[2];

	(void)state;
	bytes_init(&b);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "abcde", 5), 5);
	close(fds[1]);
	assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	close(fds[0]);
	assert_int_equal(files_read("-", 5, &b, NULL), RC_OK);
	assert_string_equal(bytes_cstr(&b), "abcde");
	assert_int_equal(files_read("-", 5, &b, NULL), RC_OK);
	assert_int_equal(b.len, 0);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "abcdef", 6), 6);
	close(fds[1]);
	assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	close(fds[0]);
	assert_int_equal(files_read("-", 5, &b, NULL), RC_LIMIT);
	assert_int_equal(b.len, 0);
	assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	close(saved);
}

static void
keeps_the_old_file_when_the_disk_is_full(void **state)
{
	struct rlimit old, small;
	uint8_t block[20000];
	enum rc rc;
	int n;

	(void)state;
	memset(block, 'x', sizeof(block));
	assert_int_equal(replace(at("f"), "old"), RC_OK);
	/* a file size limit cuts the write short as a full disk does */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 8192;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	rc = files_replace(at("f"), block, sizeof(block), NULL);
	n = setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(n, 0);
	assert_int_equal(rc, RC_FULL);
	holds(at("f"), "old");
	assert_int_equal(count_files(), 1);
}

static void
refuses_to_replace_what_is_no_file(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(replace(folder, "x"), RC_INVALID);
	assert_int_equal(mkfifo(at("pipe"), 0600), 0);
	assert_int_equal(replace(at("pipe"), "x"), RC_INVALID);
	assert_int_equal(stat(at("pipe"), &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(replace(at("none/f"), "x"), RC_NOTFOUND);
}

static void
creates_only_what_is_not_there(void **state)
{
	(void)state;
	assert_int_equal(create(at("f"), "một"), RC_OK);
	assert_int_equal(create(at("f"), "hai"), RC_EXISTS);
	holds(at("f"), "một");
	assert_int_equal(symlink("nowhere", at("link")), 0);
	assert_int_equal(create(at("link"), "x"), RC_EXISTS);
	assert_int_equal(create(at("none/f"), "x"), RC_NOTFOUND);
	assert_int_equal(count_files(), 2);
}

static void
removes_files(void **state)
{
	(void)state;
	assert_int_equal(create(at("f"), "x"), RC_OK);
	assert_true(files_exists(at("f")));
	assert_int_equal(files_remove(at("f"), NULL), RC_OK);
	assert_false(files_exists(at("f")));
	assert_int_equal(files_remove(at("f"), NULL), RC_NOTFOUND);
}

static void
lists_names_sorted_by_byte(void **state)
{
	char **names;
	size_t n;

	(void)state;
	assert_int_equal(files_list(folder, &names, &n, NULL), RC_OK);
	assert_int_equal(n, 0);
	files_names_free(names, n);
	assert_int_equal(create(at("b"), ""), RC_OK);
	assert_int_equal(create(at("đ"), ""), RC_OK);
	assert_int_equal(create(at(".a"), ""), RC_OK);
	assert_int_equal(create(at("Z"), ""), RC_OK);
	assert_int_equal(files_list(folder, &names, &n, NULL), RC_OK);
	assert_int_equal(n, 4);
	assert_string_equal(names[0], ".a");
	assert_string_equal(names[1], "Z");
	assert_string_equal(names[2], "b");
	assert_string_equal(names[3], "đ");
	files_names_free(names, n);
	assert_int_equal(files_list(at("none"), &names, &n, NULL), RC_NOTFOUND);
	assert_null(names);
	assert_int_equal(n, 0);
}

static void
locks_against_this_and_other_processes(void **state)
{
	struct file_lock *lock, *second;
	struct error err = { 0 };
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(files_lock(at("lock"), &lock, NULL), RC_OK);
	assert_int_equal(files_lock(at("lock"), &second, &err), RC_BUSY);
	assert_null(second);
	assert_int_equal(err.code, RC_BUSY);
	if ((pid = fork()) == 0)
		_exit(files_lock(at("lock"), &second, NULL) == RC_BUSY ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	files_unlock(lock);
	assert_int_equal(files_lock(at("lock"), &lock, NULL), RC_OK);
	files_unlock(lock);
	files_unlock(NULL);
}

static void
lock_ends_with_the_process_that_took_it(void **state)
{
	struct file_lock *lock = NULL;
	int fds[2], status;
	char c;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	if ((pid = fork()) == 0) {
		if (files_lock(at("lock"), &lock, NULL) != RC_OK || write(fds[1], "x", 1) != 1)
			_exit(1);
		alarm(60);
		pause();
		_exit(1);
	}
	assert_int_equal(read(fds[0], &c, 1), 1);
	assert_int_equal(files_lock(at("lock"), &lock, NULL), RC_BUSY);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(files_lock(at("lock"), &lock, NULL), RC_OK);
	files_unlock(lock);
	close(fds[0]);
	close(fds[1]);
}

static void
finds_the_data_folder(void **state)
{
	char out[FILES_PATH_MAX], longest[FILES_PATH_MAX + 1];
	char *home = getenv("HOME");
	char *kept = home == NULL ? NULL : strdup(home);

	(void)state;
	assert_int_equal(setenv("HOME", "/nowhere/lan", 1), 0);
	assert_int_equal(unsetenv("XDG_DATA_HOME"), 0);
	assert_int_equal(files_data_dir("field", out, NULL), RC_OK);
	assert_string_equal(out, "/nowhere/lan/.local/share/field");
	assert_int_equal(setenv("XDG_DATA_HOME", "/data", 1), 0);
	assert_int_equal(files_data_dir("field", out, NULL), RC_OK);
	assert_string_equal(out, "/data/field");
	assert_int_equal(setenv("XDG_DATA_HOME", "relative", 1), 0);
	assert_int_equal(files_data_dir("field", out, NULL), RC_OK);
	assert_string_equal(out, "/nowhere/lan/.local/share/field");
	memset(longest, '/', sizeof(longest));
	longest[FILES_PATH_MAX] = '\0';
	assert_int_equal(setenv("XDG_DATA_HOME", longest, 1), 0);
	assert_int_equal(files_data_dir("field", out, NULL), RC_LIMIT);
	assert_string_equal(out, "");
	unsetenv("XDG_DATA_HOME");
	if (kept != NULL)
		setenv("HOME", kept, 1);
	free(kept);
}

static void
memory_folder_is_a_folder_or_nothing(void **state)
{
	const char *dir;

	(void)state;
	/* a folder on a disk is not taken for one in memory */
	assert_int_equal(setenv("XDG_RUNTIME_DIR", "/usr", 1), 0);
	dir = files_memory_dir();
	assert_true(dir == NULL || strcmp(dir, "/dev/shm") == 0);
	assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
	dir = files_memory_dir();
	assert_true(dir == NULL || files_is_dir(dir));
}

static void
knows_a_full_disk(void **state)
{
	(void)state;
	assert_int_equal(files_rc_of_errno(ENOSPC), RC_FULL);
	assert_int_equal(files_rc_of_errno(EDQUOT), RC_FULL);
	assert_int_equal(files_rc_of_errno(EFBIG), RC_FULL);
	assert_int_equal(files_rc_of_errno(EIO), RC_IO);
	assert_int_equal(files_rc_of_errno(0), RC_IO);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joins_paths_and_refuses_long_ones),
		IN_FOLDER(makes_owner_only_folders_with_parents),
		IN_FOLDER(reads_back_what_was_written),
		IN_FOLDER(reads_large_files_whole),
		IN_FOLDER(refuses_to_read_what_is_no_file),
		IN_FOLDER(reads_standard_input_up_to_the_limit),
		IN_FOLDER(keeps_the_old_file_when_the_disk_is_full),
		IN_FOLDER(refuses_to_replace_what_is_no_file),
		IN_FOLDER(creates_only_what_is_not_there),
		IN_FOLDER(removes_files),
		IN_FOLDER(lists_names_sorted_by_byte),
		IN_FOLDER(locks_against_this_and_other_processes),
		IN_FOLDER(lock_ends_with_the_process_that_took_it),
		cmocka_unit_test(finds_the_data_folder),
		cmocka_unit_test(memory_folder_is_a_folder_or_nothing),
		cmocka_unit_test(knows_a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
