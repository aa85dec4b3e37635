#define _XOPEN_SOURCE 700	/* pseudo terminals */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "shared/base/terminal.h"

enum { ROOM = 16 };

/* What the child on the pseudo terminal says about what it was told. */
struct outcome {
	enum rc rc;
	char text[ROOM];
	int echo_is_back;
};

/* A child whose controlling terminal is the other end of *master. */
static pid_t
start_asking(int *master, int report[2])
{
	struct outcome o;
	struct termios t;
	const char *name;
	pid_t pid;
	int fd;

	*master = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(*master >= 0);
	assert_int_equal(grantpt(*master), 0);
	assert_int_equal(unlockpt(*master), 0);
	name = ptsname(*master);
	assert_non_null(name);
	assert_int_equal(pipe(report), 0);
	if ((pid = fork()) != 0) {
		close(report[1]);
		return pid;
	}
	/* the leader of a new session that opens a terminal gets it */
	if (setsid() < 0 || (fd = open(name, O_RDWR)) < 0)
		_exit(1);
	memset(&o, 0, sizeof(o));
	o.rc = terminal_ask_secret("Mật khẩu: ", o.text, sizeof(o.text), NULL);
	o.echo_is_back = tcgetattr(fd, &t) == 0 && (t.c_lflag & ECHO) != 0;
	_exit(write(report[1], &o, sizeof(o)) == sizeof(o) ? 0 : 2);
}

/* Read what the terminal shows until `text` was seen. */
static void
wait_for(int master, const char *text, char *seen, size_t max)
{
	size_t n = strlen(seen);

	while (strstr(seen, text) == NULL) {
		struct pollfd p = { master, POLLIN, 0 };
		ssize_t got;

		assert_int_equal(poll(&p, 1, 10000), 1);
		got = read(master, seen + n, max - n - 1);
		assert_true(got > 0);
		n += (size_t)got;
		seen[n] = '\0';
	}
}

/* Type after the prompt; what came of it, and all that was shown. */
static void
type(const char *typed, struct outcome *o, char *seen, size_t max)
{
	int master, report[2], status;
	pid_t pid = start_asking(&master, report);

	seen[0] = '\0';
	wait_for(master, "khẩu: ", seen, max);
	assert_int_equal(write(master, typed, strlen(typed)), strlen(typed));
	assert_int_equal(read(report[0], o, sizeof(*o)), sizeof(*o));
	wait_for(master, "\n", seen, max);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(report[0]);
	close(master);
}

static void
asks_without_showing_the_answer(void **state)
{
	struct outcome o;
	char seen[500];

	(void)state;
	type("bí mật\n", &o, seen, sizeof(seen));
	assert_int_equal(o.rc, RC_OK);
	assert_string_equal(o.text, "bí mật");
	assert_null(strstr(seen, "bí"));
	assert_true(o.echo_is_back);
}

static void
takes_exactly_what_fits(void **state)
{
	struct outcome o;
	char seen[500];

	(void)state;
	type("123456789012345\n", &o, seen, sizeof(seen));
	assert_int_equal(o.rc, RC_OK);
	assert_string_equal(o.text, "123456789012345");
	type("1234567890123456\n", &o, seen, sizeof(seen));
	assert_int_equal(o.rc, RC_LIMIT);
	for (size_t i = 0; i < ROOM; i++)
		assert_int_equal(o.text[i], 0);
	assert_true(o.echo_is_back);
}

static void
end_of_input_is_no_answer(void **state)
{
	struct outcome o;
	char seen[500];

	(void)state;
	type("\x04", &o, seen, sizeof(seen));
	assert_int_equal(o.rc, RC_NOTFOUND);
	type("\n", &o, seen, sizeof(seen));
	assert_int_equal(o.rc, RC_OK);
	assert_string_equal(o.text, "");
}

/* Ctrl-C ends the program as ever, and leaves a terminal that echoes. */
static void
interrupt_puts_the_echo_back_first(void **state)
{
	struct termios t;
	char seen[500] = "";
	int master, report[2], status;
	pid_t pid = start_asking(&master, report);

	(void)state;
	wait_for(master, "khẩu: ", seen, sizeof(seen));
	assert_int_equal(tcgetattr(master, &t), 0);
	assert_int_equal(t.c_lflag & ECHO, 0);
	assert_int_equal(write(master, "abc\x03", 4), 4);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
	assert_int_equal(tcgetattr(master, &t), 0);
	assert_int_not_equal(t.c_lflag & ECHO, 0);
	close(report[0]);
	close(master);
}

static void
says_when_there_is_no_terminal(void **state)
{
	char out[ROOM] = "x";
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		/* a new session has no terminal */
		if (setsid() < 0)
			_exit(2);
		_exit(terminal_ask_secret("? ", out, sizeof(out), NULL) == RC_NOTFOUND &&
		    out[0] == '\0' ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
tells_terminals_from_files(void **state)
{
	int fd = open("/dev/null", O_RDONLY), master = posix_openpt(O_RDWR | O_NOCTTY);

	(void)state;
	assert_false(terminal_is(fd));
	assert_false(terminal_is(-1));
	assert_true(terminal_is(master));
	close(fd);
	close(master);
}

static void
speaks(const char *all, const char *messages, const char *lang, const char *expected)
{
	assert_int_equal(all ? setenv("LC_ALL", all, 1) : unsetenv("LC_ALL"), 0);
	assert_int_equal(messages ? setenv("LC_MESSAGES", messages, 1) : unsetenv("LC_MESSAGES"), 0);
	assert_int_equal(lang ? setenv("LANG", lang, 1) : unsetenv("LANG"), 0);
	assert_string_equal(terminal_language(), expected);
}

static void
takes_the_language_of_the_locale(void **state)
{
	(void)state;
	speaks(NULL, NULL, NULL, "vi");
	speaks(NULL, NULL, "en_US.UTF-8", "en");
	speaks(NULL, NULL, "en", "en");
	speaks(NULL, NULL, "vi_VN.UTF-8", "vi");
	speaks(NULL, NULL, "fr_FR.UTF-8", "vi");
	speaks(NULL, NULL, "C", "vi");
	speaks(NULL, NULL, "english", "vi");
	speaks("", "vi_VN", "en_US", "vi");
	speaks("en_GB", "vi_VN", "vi_VN", "en");
}

static void
counts_columns(void **state)
{
	(void)state;
	assert_int_equal(terminal_width("Đặng Thị Hòa"), 12);
	assert_int_equal(terminal_width("o\xCC\xA3\xCC\x82"), 1);
	assert_int_equal(terminal_width("中"), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_without_showing_the_answer),
		cmocka_unit_test(takes_exactly_what_fits),
		cmocka_unit_test(end_of_input_is_no_answer),
		cmocka_unit_test(interrupt_puts_the_echo_back_first),
		cmocka_unit_test(says_when_there_is_no_terminal),
		cmocka_unit_test(tells_terminals_from_files),
		cmocka_unit_test(takes_the_language_of_the_locale),
		cmocka_unit_test(counts_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
