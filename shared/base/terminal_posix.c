/* The part of terminal that another system does otherwise. */
#include "shared/base/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

enum { N_SIGNALS = 5 };

static const int signals[N_SIGNALS] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

/* Once a process: the signal that came while somebody was asked. */
static volatile sig_atomic_t caught;

bool
terminal_is(int fd)
{
	return isatty(fd) == 1;
}

static void
note_signal(int signal)
{
	caught = signal;
}

static void
write_text(int fd, const char *s)
{
	size_t len = strlen(s);

	while (len > 0) {
		ssize_t n = write(fd, s, len);

		if (n <= 0)
			return;
		s += n;
		len -= (size_t)n;
	}
}

static void
wipe(char *p, size_t len)
{
	volatile char *v = p;

	for (size_t i = 0; i < len; i++)
		v[i] = 0;
}

/*
 * One byte, as read(2) says.  The signals are blocked but for the time of the
 * waiting, so that none gets lost between a look at `caught` and the waiting.
 */
static ssize_t
read_byte(int fd, const sigset_t *unblocked, char *c)
{
	fd_set readable;

	while (caught == 0) {
		FD_ZERO(&readable);
		FD_SET(fd, &readable);
		if (pselect(fd + 1, &readable, NULL, NULL, NULL, unblocked) == 1)
			return read(fd, c, 1);
		if (errno != EINTR)
			return -1;
	}
	return -1;
}

/* One line, without its line feed; the rest of a line that is too long is read away. */
static enum rc
read_line(int fd, const sigset_t *unblocked, char *out, size_t max, struct error *err)
{
	size_t n = 0;
	bool too_long = false;
	ssize_t got;
	char c;

	while ((got = read_byte(fd, unblocked, &c)) == 1 && c != '\n') {
		if (n + 1 < max)
			out[n++] = c;
		else
			too_long = true;
	}
	wipe(&c, 1);
	out[n] = '\0';
	if (got < 0 || (got == 0 && n == 0))
		return error_set(err, RC_NOTFOUND, NULL, "type it, then Enter", "nothing was typed");
	if (too_long)
		return error_set(err, RC_LIMIT, NULL, "type less", "more than %zu bytes were typed",
		    max - 1);
	return RC_OK;
}

/* Ask once, with the signals noted and the echo off; both are put back. */
static enum rc
ask(int fd, const char *prompt, char *out, size_t max, struct error *err)
{
	struct sigaction note, old[N_SIGNALS];
	struct termios before, silent;
	sigset_t blocked, unblocked;
	enum rc rc;

	if (fd >= FD_SETSIZE || tcgetattr(fd, &before) != 0)
		return error_set(err, RC_NOTFOUND, NULL, "give it in a file (see --help)",
		    "there is no terminal to ask on");
	memset(&note, 0, sizeof(note));
	note.sa_handler = note_signal;
	caught = 0;
	sigemptyset(&blocked);
	for (size_t i = 0; i < N_SIGNALS; i++)
		(void)sigaddset(&blocked, signals[i]);
	(void)pthread_sigmask(SIG_BLOCK, &blocked, &unblocked);
	for (size_t i = 0; i < N_SIGNALS; i++)
		(void)sigaction(signals[i], &note, &old[i]);
	silent = before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	silent.c_lflag |= ICANON | ISIG;
	if (tcsetattr(fd, TCSAFLUSH, &silent) != 0) {
		rc = error_set(err, RC_IO, NULL, NULL, "cannot switch the echo off: %s",
		    strerror(errno));
	} else {
		write_text(fd, prompt);
		rc = read_line(fd, &unblocked, out, max, err);
		write_text(fd, "\n");
	}
	(void)tcsetattr(fd, TCSAFLUSH, &before);
	for (size_t i = 0; i < N_SIGNALS; i++)
		(void)sigaction(signals[i], &old[i], NULL);
	/* one that came last takes effect here, the echo being back */
	(void)pthread_sigmask(SIG_SETMASK, &unblocked, NULL);
	return rc;
}

enum rc
terminal_ask_secret(const char *prompt, char *out, size_t max, struct error *err)
{
	struct error first;
	enum rc rc;
	int fd;

	memset(out, 0, max);
	/* what was typed with the echo on is not taken: TCSAFLUSH drops it */
	if ((fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0)
		return error_set(err, RC_NOTFOUND, NULL, "give a file with the secret instead",
		    "there is no terminal to ask on");
	do {
		error_clear(&first);
		rc = ask(fd, prompt, out, max, &first);
		if (rc != RC_OK)
			wipe(out, max);
		/* now that the terminal is as it was, the signal does what it does */
		if (caught != 0)
			(void)raise(caught);
	} while (caught == SIGTSTP && rc != RC_OK);
	close(fd);
	if (rc != RC_OK)
		return error_set(err, rc, first.where, first.help, "%s", first.what);
	return RC_OK;
}
