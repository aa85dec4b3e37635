/* Twins, children and ports of one's own, for process.h, where another system does otherwise. */
#include "shared/base/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/local_link_posix.h"

enum { LINE_MAX_BYTES = 256 };

enum rc
local_twin(bool *is_twin, struct local_link **out, struct error *err)
{
	int fds[2];
	pid_t pid;
	enum rc rc;

	*is_twin = false;
	*out = NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return error_set(err, RC_IO, NULL, NULL, "cannot make a pipe: %s", strerror(errno));
	fflush(NULL);
	if ((pid = fork()) < 0) {
		rc = error_set(err, RC_NOMEM, NULL, NULL, "cannot start a process: %s",
		    strerror(errno));
		close(fds[0]);
		close(fds[1]);
		return rc;
	}
	*is_twin = pid == 0;
	close(fds[*is_twin ? 0 : 1]);
	return local_link_of(fds[*is_twin ? 1 : 0], out);
}

enum rc
local_child(void (*body)(void *ctx), void *ctx, bool *well)
{
	pid_t pid, self;
	int status = 0;

	*well = false;
	fflush(NULL);
	if ((pid = fork()) < 0)
		return RC_NOMEM;
	if (pid == 0) {
		body(ctx);
		_exit(0);
	}
	do
		self = waitpid(pid, &status, 0);
	while (self < 0 && errno == EINTR);
	*well = self == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return RC_OK;
}

/* One line of the kernel's table: the client's own end has its port first. */
static bool
is_the_line(const char *line, uint16_t from, uint16_t to)
{
	unsigned local, local_port, remote, remote_port, state;
	unsigned long uid;

	return sscanf(line, " %*u: %8x:%4x %8x:%4x %2x %*x:%*x %*x:%*x %*x %lu", &local, &local_port,
	    &remote, &remote_port, &state, &uid) == 6 && local_port == from && remote_port == to &&
	    uid == (unsigned long)geteuid();
}

bool
local_port_is_own(uint16_t from, uint16_t to)
{
	FILE *f = fopen("/proc/net/tcp", "re");
	char line[LINE_MAX_BYTES];
	bool found = false;

	if (f == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), f) != NULL)
		found = is_the_line(line, from, to);
	fclose(f);
	return found;
}
