#define _GNU_SOURCE		/* process_vm_readv, syscall */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/files.h"
#include "shared/base/process.h"
#include "shared/base/thread.h"

static char folder[FILES_PATH_MAX];

static int
make_folder(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/test_process.XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(folder) == NULL;
}

static int
remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

/* The exit code of a child made by fork. */
static int
ended_with(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int
may_make(const char *dir, const char *name)
{
	char file[FILES_PATH_MAX];
	int fd;

	if (files_join(dir, name, file) != RC_OK || (fd = open(file, O_WRONLY | O_CREAT, 0600)) < 0)
		return 0;
	close(fd);
	return unlink(file) == 0;
}

static void
a_confined_process_writes_nowhere_else_and_starts_no_program(void **state)
{
	char inside[FILES_PATH_MAX], file[FILES_PATH_MAX];
	int fd;
	pid_t pid;

	(void)state;
	assert_int_equal(files_join(folder, "inside", inside), RC_OK);
	assert_int_equal(files_join(folder, "file", file), RC_OK);
	assert_int_equal(mkdir(inside, 0700), 0);
	assert_true((fd = open(file, O_WRONLY | O_CREAT, 0600)) >= 0);
	close(fd);
	if ((pid = fork()) == 0) {
		const char *places[] = { inside, NULL, "/nowhere/at/all", "/dev/null" };

		if (!process_confine(places, 4))
			_exit(99);
		if (!may_make(inside, "a"))
			_exit(1);
		if (may_make(folder, "a"))
			_exit(2);
		if (open(file, O_WRONLY) >= 0 || errno != EACCES)
			_exit(3);
		if (unlink(file) == 0 || rename(file, inside) == 0)
			_exit(4);
		if (open(file, O_RDONLY) < 0 || open("/dev/null", O_RDWR) < 0)
			_exit(5);
		(void)execl("/bin/true", "true", (char *)NULL);
		_exit(errno == EACCES || errno == EPERM ? 0 : 6);
	}
	fd = ended_with(pid);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(inside), 0);
	if (fd == 99)
		skip();
	assert_int_equal(fd, 0);
}

/* The parent's memory, which a process of the same user, or one of root's, may read otherwise. */
static bool
reads_of(pid_t other, const char *there)
{
	char copy[8] = "";
	struct iovec mine = { copy, sizeof(copy) }, theirs = { (void *)(uintptr_t)there, sizeof(copy) };

	return process_vm_readv(other, &mine, 1, &theirs, 1, 0) == sizeof(copy) &&
	    memcmp(copy, there, sizeof(copy)) == 0;
}

static void
nothing(void *ctx)
{
	(void)ctx;
}

static void
a_confined_process_looks_into_no_other_and_works_on(void **state)
{
	static const char words[] = "mười hai chữ";
	pid_t pid, parent = getpid();
	int code;

	(void)state;
	if ((pid = fork()) == 0) {
		int fds[2];

		/* not allowed to in the first place, or no filter in this kernel */
		if (!reads_of(parent, words) || !process_confine(NULL, 0))
			_exit(99);
		if (reads_of(parent, words) || errno != EPERM)
			_exit(1);
		if (syscall(SYS_unshare, 0) != -1 || errno != EPERM)
			_exit(2);
		if (syscall(SYS_bpf, 0, NULL, 0) != -1 || errno != EPERM)
			_exit(3);
		/* what it needs it may */
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0 || write(fds[0], "x", 1) != 1 ||
		    thread_start(nothing, NULL) != RC_OK)
			_exit(4);
		if (socket(AF_INET, SOCK_STREAM, 0) < 0)
			_exit(5);
		_exit(0);
	}
	code = ended_with(pid);
	if (code == 99)
		skip();
	assert_int_equal(code, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_confined_process_writes_nowhere_else_and_starts_no_program,
		    make_folder, remove_folder),
		cmocka_unit_test(a_confined_process_looks_into_no_other_and_works_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
