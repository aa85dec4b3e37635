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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/files.h"
#include "shared/base/process.h"

enum { NOBODY = 65534, LARGE = 3000000 };

static char folder[FILES_PATH_MAX];
static char path[FILES_PATH_MAX];

static int
make_folder(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/test_process.XXXXXX", tmp ? tmp : "/tmp");
	if (mkdtemp(folder) == NULL)
		return -1;
	return files_join(folder, "socket", path) != RC_OK;
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(path);
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

static size_t
files_in_folder(void)
{
	char **names;
	size_t n;

	assert_int_equal(files_list(folder, &names, &n, NULL), RC_OK);
	files_names_free(names, n);
	return n;
}

static void
hardened_process_leaves_no_core_and_survives_signals_of_writing(void **state)
{
	pid_t pid;

	(void)state;
	if ((pid = fork()) == 0) {
		struct rlimit core;
		struct stat st;
		struct rlimit small = { 1, RLIM_INFINITY };
		int fds[2], fd;

		process_harden();
		if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0)
			_exit(1);
		if (pipe(fds) != 0 || close(fds[0]) != 0 || write(fds[1], "x", 1) != -1)
			_exit(2);
		if ((fd = open(path, O_CREAT | O_WRONLY, 0666)) < 0 || fstat(fd, &st) != 0)
			_exit(3);
		if ((st.st_mode & 0777) != 0600)
			_exit(4);
		/* not dumpable: others of the same user may not attach to it */
		if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
			_exit(5);
		/* beyond the limit of a file's size a write fails; nothing kills */
		if (setrlimit(RLIMIT_FSIZE, &small) != 0 || write(fd, "ab", 2) != 1 ||
		    write(fd, "b", 1) != -1 || errno != EFBIG)
			_exit(6);
		_exit(0);
	}
	assert_int_equal(ended_with(pid), 0);
}

/* What a background process did is seen by the file it leaves. */
static void
wait_for_file(const char *name)
{
	const struct timespec nap = { 0, 5000000 };

	for (int i = 0; i < 1000 && !files_exists(name); i++)
		nanosleep(&nap, NULL);
	assert_true(files_exists(name));
}

static bool
is_dev_null(int fd)
{
	struct stat is, want;

	return fstat(fd, &is) == 0 && stat("/dev/null", &want) == 0 && is.st_rdev == want.st_rdev;
}

static void
background_process_is_a_child_of_nobody(void **state)
{
	pid_t caller = getpid(), session = getsid(0);
	bool is_child;

	(void)state;
	assert_int_equal(process_background(&is_child, NULL), RC_OK);
	if (is_child) {
		process_ready();
		/* written only if it is as it must be */
		if (getsid(0) != session && getppid() != caller && getsid(0) != getpid() &&
		    is_dev_null(STDIN_FILENO) && is_dev_null(STDOUT_FILENO) &&
		    is_dev_null(STDERR_FILENO))
			close(open(path, O_CREAT | O_WRONLY, 0600));
		_exit(0);
	}
	wait_for_file(path);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void
caller_waits_until_the_background_is_ready(void **state)
{
	const struct timespec nap = { 0, 100000000 };
	int64_t before = clock_monotonic_ms();
	bool is_child;

	(void)state;
	assert_int_equal(process_background(&is_child, NULL), RC_OK);
	if (is_child) {
		nanosleep(&nap, NULL);
		process_ready();
		_exit(0);
	}
	assert_true(clock_monotonic_ms() - before >= 95);
}

static void
caller_learns_when_the_background_dies_early(void **state)
{
	struct error err = { 0 };
	bool is_child;
	enum rc rc;

	(void)state;
	rc = process_background(&is_child, &err);
	if (is_child)
		_exit(1);
	assert_int_equal(rc, RC_INTERNAL);
	assert_int_equal(err.code, RC_INTERNAL);
	process_ready();	/* does nothing here */
}

static void
caller_learns_why_the_background_failed(void **state)
{
	struct error err = { 0 }, why = { 0 };
	bool is_child;
	enum rc rc;

	(void)state;
	rc = process_background(&is_child, &err);
	if (is_child) {
		(void)error_set(&why, RC_AUTH, "a vault", "try again", "a wrong passphrase");
		process_failed(RC_AUTH, &why);
		/* what it prints after that goes nowhere */
		_exit(is_dev_null(STDERR_FILENO) ? 0 : 1);
	}
	assert_int_equal(rc, RC_AUTH);
	assert_int_equal(err.code, RC_AUTH);
	assert_string_equal(err.what, "a wrong passphrase");
	assert_string_equal(err.where, "a vault");
	assert_string_equal(err.help, "try again");
	process_failed(RC_AUTH, &why);	/* does nothing here */
}

static void
closed_standard_streams_are_not_given_to_files(void **state)
{
	pid_t pid = fork();
	char c;
	int fd;

	(void)state;
	if (pid == 0) {
		close(STDIN_FILENO);
		close(STDOUT_FILENO);
		process_harden();
		fd = open("/dev/null", O_RDWR);
		/* and they fail as they did when they were closed */
		_exit(fd > STDERR_FILENO && read(STDIN_FILENO, &c, 1) < 0 &&
		    write(STDOUT_FILENO, "x", 1) < 0 ? 0 : 1);
	}
	assert_int_equal(ended_with(pid), 0);
}

static void
stop_signals_become_a_flag(void **state)
{
	pid_t pid;

	(void)state;
	assert_false(process_should_stop());
	for (int i = 0; i < 2; i++) {
		if ((pid = fork()) == 0) {
			process_catch_stop();
			raise(i == 0 ? SIGTERM : SIGINT);
			_exit(process_should_stop() ? 0 : 1);
		}
		assert_int_equal(ended_with(pid), 0);
	}
	assert_false(process_should_stop());
}

/* A child that connects, sends and expects back what it sent; its exit code tells. */
static pid_t
start_client(size_t len)
{
	struct local_link *link = NULL;
	uint8_t *sent, *back;
	size_t n;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (local_connect(path, &link, NULL) != RC_OK)
		_exit(1);
	if ((sent = malloc(len + 1)) == NULL)
		_exit(2);
	for (size_t i = 0; i < len; i++)
		sent[i] = (uint8_t)(i * 7 + i / 251);
	if (local_send(link, sent, len) != RC_OK)
		_exit(3);
	if (local_receive(link, LARGE, &back, &n) != RC_OK)
		_exit(4);
	if (n != len || memcmp(sent, back, n) != 0 || back[n] != 0)
		_exit(5);
	free(sent);
	free(back);
	local_close(link);
	_exit(0);
}

static void
carries_messages_both_ways(void **state)
{
	static const size_t sizes[] = { 0, 1, 5, 70000, LARGE };
	struct local_listener *l;
	struct local_link *link;
	uint8_t *data;
	size_t len;

	(void)state;
	assert_int_equal(local_listen(path, &l, NULL), RC_OK);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		pid_t pid = start_client(sizes[i]);

		assert_int_equal(local_accept(l, 10000, &link), RC_OK);
		assert_int_equal(local_receive(link, LARGE, &data, &len), RC_OK);
		assert_int_equal(len, sizes[i]);
		assert_int_equal(local_send(link, data, len), RC_OK);
		free(data);
		/* then the client goes away */
		assert_int_equal(local_receive(link, LARGE, &data, &len), RC_NET);
		assert_null(data);
		local_close(link);
		assert_int_equal(ended_with(pid), 0);
	}
	local_listener_close(l);
	local_close(NULL);
	local_listener_close(NULL);
}

static void
refuses_messages_over_the_limit_before_reading_them(void **state)
{
	struct local_listener *l;
	struct local_link *client, *server;
	const uint8_t message[11] = "0123456789";
	uint8_t *data;
	size_t len;

	(void)state;
	assert_int_equal(local_listen(path, &l, NULL), RC_OK);
	assert_int_equal(local_connect(path, &client, NULL), RC_OK);
	assert_int_equal(local_accept(l, 1000, &server), RC_OK);
	assert_int_equal(local_send(client, message, 10), RC_OK);
	assert_int_equal(local_receive(server, 10, &data, &len), RC_OK);
	assert_string_equal((const char *)data, "0123456789");
	free(data);
	assert_int_equal(local_send(client, message, 10), RC_OK);
	assert_int_equal(local_receive(server, 9, &data, &len), RC_LIMIT);
	assert_null(data);
	assert_int_equal(len, 0);
	local_close(client);
	local_close(server);
	local_listener_close(l);
}

static void
link_that_receives_no_more_still_sends(void **state)
{
	static const uint8_t message[10] = "hai chữ";
	struct local_listener *l;
	struct local_link *client, *server;
	uint8_t *data;
	size_t len;

	(void)state;
	assert_int_equal(local_listen(path, &l, NULL), RC_OK);
	assert_int_equal(local_connect(path, &client, NULL), RC_OK);
	assert_int_equal(local_accept(l, 1000, &server), RC_OK);
	local_stop_receiving(server);
	/* at once, and not after the patience for silent peers */
	assert_int_equal(local_receive(server, 10, &data, &len), RC_NET);
	assert_int_equal(local_send(server, message, 10), RC_OK);
	assert_int_equal(local_receive(client, 10, &data, &len), RC_OK);
	assert_memory_equal(data, message, 10);
	free(data);
	local_close(client);
	local_close(server);
	local_listener_close(l);
}

static void
message_cut_short_is_no_message(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const void *generic = &address;
	struct local_listener *l;
	struct local_link *server;
	uint8_t *data;
	size_t len;
	int fd;

	(void)state;
	memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(local_listen(path, &l, NULL), RC_OK);
	for (size_t cut = 0; cut < 8; cut++) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(connect(fd, generic, sizeof(address)), 0);
		assert_int_equal(local_accept(l, 1000, &server), RC_OK);
		assert_int_equal(write(fd, "\4\0\0\0abcd", cut), cut);
		close(fd);
		assert_int_equal(local_receive(server, 10, &data, &len), RC_NET);
		assert_null(data);
		local_close(server);
	}
	local_listener_close(l);
}

static void
waits_only_as_long_as_it_was_told(void **state)
{
	struct local_listener *l;
	struct local_link *link;
	int64_t before;

	(void)state;
	assert_int_equal(local_listen(path, &l, NULL), RC_OK);
	before = clock_monotonic_ms();
	assert_int_equal(local_accept(l, 50, &link), RC_BUSY);
	assert_null(link);
	assert_true(clock_monotonic_ms() - before >= 45);
	assert_int_equal(local_accept(l, 0, &link), RC_BUSY);
	local_listener_close(l);
}

static void
signal_ends_the_waiting(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct local_listener *l;
		struct local_link *link;

		process_catch_stop();
		if (local_listen(path, &l, NULL) != RC_OK)
			_exit(1);
		while (!process_should_stop())
			(void)!local_accept(l, 60000, &link);
		local_listener_close(l);
		_exit(0);
	}
	wait_for_file(path);
	for (int i = 0; i < 200 && waitpid(pid, NULL, WNOHANG) == 0; i++) {
		const struct timespec nap = { 0, 10000000 };

		/* again: the first may come before the waiting began */
		kill(pid, SIGTERM);
		nanosleep(&nap, NULL);
	}
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
	assert_int_equal(files_in_folder(), 0);
}

static void
refuses_to_listen_where_a_living_process_does(void **state)
{
	struct local_listener *l, *second;
	struct error err = { 0 };
	struct local_link *link;

	(void)state;
	assert_int_equal(local_listen(path, &l, NULL), RC_OK);
	assert_int_equal(local_listen(path, &second, &err), RC_BUSY);
	assert_null(second);
	assert_int_equal(err.code, RC_BUSY);
	/* and has not taken the place of the first */
	assert_int_equal(local_connect(path, &link, NULL), RC_OK);
	local_close(link);
	local_listener_close(l);
	assert_int_equal(files_in_folder(), 0);
}

static void
replaces_the_socket_of_a_dead_process(void **state)
{
	struct local_listener *l = NULL;
	struct local_link *link;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(local_listen(path, &l, NULL) == RC_OK ? 0 : 1);
	assert_int_equal(ended_with(pid), 0);
	assert_true(files_exists(path));
	assert_int_equal(local_connect(path, &link, NULL), RC_NOTFOUND);
	assert_null(link);
	assert_int_equal(local_listen(path, &l, NULL), RC_OK);
	assert_int_equal(local_connect(path, &link, NULL), RC_OK);
	local_close(link);
	local_listener_close(l);
	assert_int_equal(files_in_folder(), 0);
}

static void
never_removes_what_is_no_socket(void **state)
{
	struct local_listener *l;

	(void)state;
	assert_int_equal(files_create(path, (const uint8_t *)"x", 1, NULL), RC_OK);
	assert_int_equal(local_listen(path, &l, NULL), RC_EXISTS);
	assert_null(l);
	assert_true(files_exists(path));
	assert_int_equal(files_in_folder(), 1);
}

static void
connecting_finds_nobody(void **state)
{
	struct local_link *link;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(local_connect(path, &link, &err), RC_NOTFOUND);
	assert_null(link);
	assert_int_equal(err.code, RC_NOTFOUND);
}

static void
reaches_sockets_in_deep_folders(void **state)
{
	char deep[FILES_PATH_MAX], name[60], socket_path[FILES_PATH_MAX];
	struct local_listener *l;
	struct local_link *client, *server;

	(void)state;
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(files_join(folder, name, deep), RC_OK);
	assert_int_equal(files_join(deep, name, socket_path), RC_OK);
	assert_int_equal(local_connect(socket_path, &client, NULL), RC_NOTFOUND);
	assert_int_equal(files_make_dir(deep, NULL), RC_OK);
	assert_int_equal(local_listen(socket_path, &l, NULL), RC_OK);
	assert_int_equal(local_connect(socket_path, &client, NULL), RC_OK);
	assert_int_equal(local_accept(l, 1000, &server), RC_OK);
	local_close(client);
	local_close(server);
	local_listener_close(l);
	assert_int_equal(rmdir(deep), 0);
}

static void
socket_is_closed_to_other_users(void **state)
{
	struct local_listener *l;
	struct local_link *link = NULL;
	struct stat st;
	pid_t pid;

	(void)state;
	assert_int_equal(local_listen(path, &l, NULL), RC_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	if (geteuid() != 0) {
		local_listener_close(l);
		skip();
	}
	assert_int_equal(chmod(folder, 0755), 0);
	if ((pid = fork()) == 0) {
		if (setuid(NOBODY) != 0)
			_exit(2);
		_exit(local_connect(path, &link, NULL) == RC_DENIED ? 0 : 1);
	}
	assert_int_equal(ended_with(pid), 0);
	local_listener_close(l);
}

/* Even when the rights of the file would let them in. */
static void
turns_away_peers_of_another_user(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const void *generic = &address;
	struct local_listener *l;
	struct local_link *link = NULL;
	pid_t pid;
	char c;

	(void)state;
	if (geteuid() != 0)
		skip();
	memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(local_listen(path, &l, NULL), RC_OK);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(chmod(path, 0777), 0);
	if ((pid = fork()) == 0) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		if (setuid(NOBODY) != 0 || connect(fd, generic, sizeof(address)) != 0)
			_exit(2);
		/* our side refuses a listener of another user as well */
		if (local_connect(path, &link, NULL) != RC_DENIED)
			_exit(3);
		_exit(read(fd, &c, 1) == 0 ? 0 : 4);
	}
	assert_int_equal(local_accept(l, 300, &link), RC_BUSY);
	assert_null(link);
	assert_int_equal(ended_with(pid), 0);
	local_listener_close(l);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(hardened_process_leaves_no_core_and_survives_signals_of_writing),
		IN_FOLDER(background_process_is_a_child_of_nobody),
		cmocka_unit_test(caller_waits_until_the_background_is_ready),
		cmocka_unit_test(caller_learns_when_the_background_dies_early),
		cmocka_unit_test(caller_learns_why_the_background_failed),
		cmocka_unit_test(closed_standard_streams_are_not_given_to_files),
		cmocka_unit_test(stop_signals_become_a_flag),
		IN_FOLDER(carries_messages_both_ways),
		IN_FOLDER(refuses_messages_over_the_limit_before_reading_them),
		IN_FOLDER(link_that_receives_no_more_still_sends),
		IN_FOLDER(message_cut_short_is_no_message),
		IN_FOLDER(waits_only_as_long_as_it_was_told),
		IN_FOLDER(signal_ends_the_waiting),
		IN_FOLDER(refuses_to_listen_where_a_living_process_does),
		IN_FOLDER(replaces_the_socket_of_a_dead_process),
		IN_FOLDER(never_removes_what_is_no_socket),
		IN_FOLDER(connecting_finds_nobody),
		IN_FOLDER(reaches_sockets_in_deep_folders),
		IN_FOLDER(socket_is_closed_to_other_users),
		IN_FOLDER(turns_away_peers_of_another_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
