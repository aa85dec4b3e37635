/* The part of process that another system does otherwise; local_* is in local_socket_posix.c. */
#include "shared/base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Once a process: whether it was asked to stop, and whom to tell when it is ready. */
static volatile sig_atomic_t stop_asked;
static int ready_fd = -1;

/* What the child of process_background() says; small enough to come in one piece. */
struct word {
	enum rc rc;
	struct error why;
};

_Static_assert(sizeof(struct word) <= 4096, "PIPE_BUF of Linux");

/* Open the wrong way round: reading what was closed for reading fails as before. */
static void
hold_closed_streams(void)
{
	static const int ways[] = { O_WRONLY, O_RDONLY, O_RDONLY };

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", ways[fd]) != fd)
			_exit(1);
}

void
process_harden(void)
{
	const struct rlimit none = { 0, 0 };
	struct sigaction ignore;

	hold_closed_streams();
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)umask(077);
	memset(&ignore, 0, sizeof(ignore));
	ignore.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &ignore, NULL);
	/* a file beyond the user's limit is an error of write, like a full disk */
	(void)sigaction(SIGXFSZ, &ignore, NULL);
}

/* The word of the child, or nothing when it ended. */
static enum rc
wait_until_ready(int fd, struct error *err)
{
	struct word w;
	ssize_t n;

	do
		n = read(fd, &w, sizeof(w));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(w))
		return error_set(err, RC_INTERNAL, NULL, NULL, "the background process ended at once");
	if (w.rc == RC_OK)
		return RC_OK;
	return error_set(err, w.rc, w.why.where, w.why.help, "%s",
	    *w.why.what != '\0' ? w.why.what : rc_name(w.rc));
}

/*
 * The process in between ends at once, so that the one behind it belongs to
 * nobody, and not being the leader of its session never gets a terminal.
 */
static bool
fork_twice(pid_t *between)
{
	if ((*between = fork()) != 0)
		return false;
	if (setsid() < 0)
		_exit(1);
	switch (fork()) {
	case -1:
		_exit(1);
	case 0:
		return true;
	default:
		_exit(0);
	}
}

enum rc
process_background(bool *is_child, struct error *err)
{
	int fds[2];
	pid_t between;
	enum rc rc;

	*is_child = false;
	if (pipe(fds) != 0)
		return error_set(err, RC_IO, NULL, NULL, "cannot make a pipe: %s", strerror(errno));
	(void)fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	(void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	/* what is buffered must not be written twice */
	fflush(NULL);
	if (fork_twice(&between)) {
		close(fds[0]);
		ready_fd = fds[1];
		*is_child = true;
		return RC_OK;
	}
	close(fds[1]);
	if (between < 0) {
		rc = error_set(err, RC_NOMEM, NULL, NULL, "cannot start a process: %s",
		    strerror(errno));
	} else {
		while (waitpid(between, NULL, 0) < 0 && errno == EINTR)
			;
		rc = wait_until_ready(fds[0], err);
	}
	close(fds[0]);
	return rc;
}

/* The terminal, or the pipe of a waiting caller, is not ours any more. */
static void
leave_terminal(void)
{
	int fd = open("/dev/null", O_RDWR);

	if (fd < 0)
		return;
	(void)dup2(fd, STDIN_FILENO);
	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static void
say(const struct word *w)
{
	if (ready_fd < 0)
		return;
	fflush(NULL);
	leave_terminal();
	while (write(ready_fd, w, sizeof(*w)) < 0 && errno == EINTR)
		;
	close(ready_fd);
	ready_fd = -1;
}

void
process_ready(void)
{
	struct word w;

	memset(&w, 0, sizeof(w));
	say(&w);
}

void
process_failed(enum rc rc, const struct error *err)
{
	struct word w;

	memset(&w, 0, sizeof(w));
	w.rc = rc;
	w.why = *err;
	say(&w);
}

static void
ask_to_stop(int signal)
{
	(void)signal;
	stop_asked = 1;
}

void
process_catch_stop(void)
{
	struct sigaction act;

	/* without SA_RESTART, so that a waiting accept or read looks up */
	memset(&act, 0, sizeof(act));
	act.sa_handler = ask_to_stop;
	(void)sigaction(SIGINT, &act, NULL);
	(void)sigaction(SIGTERM, &act, NULL);
}

bool
process_should_stop(void)
{
	return stop_asked != 0;
}

unsigned
process_allow_files(unsigned n)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	if (limit.rlim_cur < n) {
		limit.rlim_cur = limit.rlim_max < n ? limit.rlim_max : n;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
			return 0;
	}
	return limit.rlim_cur < n ? (unsigned)limit.rlim_cur : n;
}
