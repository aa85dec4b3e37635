/* The local sockets of process.h, where another system has named pipes. */
#define _GNU_SOURCE		/* struct ucred: the user at the other end */

#include "shared/base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "shared/base/files.h"
#include "shared/base/local_link_posix.h"

enum { BACKLOG = 16, LENGTH_BYTES = 4 };

struct local_listener {
	int fd;
	char path[FILES_PATH_MAX];
	dev_t device;	/* of the path, to remove only our own socket */
	ino_t inode;
};

struct local_link {
	int fd;
};

static enum rc
failed(struct error *err, const char *path, const char *doing)
{
	int e = errno;

	return error_set(err, files_rc_of_errno(e), path, NULL, "cannot %s: %s", doing,
	    strerror(e));
}

static int
new_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/*
 * An address holds 107 bytes of path.  A longer one is reached through an open
 * handle of its folder, *dir, which the caller closes when it is not -1.
 */
static enum rc
address_of(const char *path, struct sockaddr_un *out, int *dir, struct error *err)
{
	char folder[FILES_PATH_MAX];
	const char *name = strrchr(path, '/');
	size_t len = strlen(path);
	int n;

	*dir = -1;
	memset(out, 0, sizeof(*out));
	out->sun_family = AF_UNIX;
	if (len < sizeof(out->sun_path)) {
		memcpy(out->sun_path, path, len + 1);
		return RC_OK;
	}
	if (name == NULL || len >= FILES_PATH_MAX)
		return error_set(err, RC_LIMIT, path, "choose a shorter path",
		    "the path of a socket is too long");
	len = (size_t)(name - path);
	memcpy(folder, path, len);
	memcpy(folder + len, "/", 2);
	if ((*dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return errno == ENOENT ? error_set(err, RC_NOTFOUND, path, NULL, "nobody listens") :
		    failed(err, folder, "open the folder");
	n = snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d%s", *dir, name);
	if (n >= 0 && (size_t)n < sizeof(out->sun_path))
		return RC_OK;
	close(*dir);
	*dir = -1;
	return error_set(err, RC_LIMIT, path, "choose a shorter name",
	    "the name of a socket is too long");
}

/* bind and connect take any address through this one cast. */
static const struct sockaddr *
generic(const struct sockaddr_un *address)
{
	const void *p = address;

	return p;
}

/* Is somebody there?  0 for yes, else errno. */
static int
dial(int fd, const struct sockaddr_un *address)
{
	int n;

	do
		n = connect(fd, generic(address), sizeof(*address));
	while (n != 0 && errno == EINTR);
	return n == 0 || errno == EISCONN ? 0 : errno;
}

/* Remove a socket that nobody listens on; RC_BUSY if somebody does. */
static enum rc
clear_stale(const char *path, const struct sockaddr_un *address, struct error *err)
{
	struct stat st;
	int fd, e;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? RC_OK : failed(err, path, "look at");
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, RC_EXISTS, path, NULL, "a file stands where a socket is needed");
	if ((fd = new_socket()) < 0)
		return failed(err, path, "make a socket");
	/* a living one with a full queue must not hold us up */
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	e = dial(fd, address);
	close(fd);
	if (e != ECONNREFUSED && e != ENOENT)
		return error_set(err, RC_BUSY, path, NULL, "another process listens there");
	if (unlink(path) != 0 && errno != ENOENT)
		return failed(err, path, "remove the stale socket");
	return RC_OK;
}

static enum rc
bind_and_listen(struct local_listener *l, const struct sockaddr_un *address, struct error *err)
{
	struct stat st;

	if ((l->fd = new_socket()) < 0)
		return failed(err, l->path, "make a socket");
	if (bind(l->fd, generic(address), sizeof(*address)) != 0)
		return failed(err, l->path, "bind");
	/* until it listens nobody can connect, so there is no moment of wider rights */
	if (chmod(l->path, 0600) != 0 || lstat(l->path, &st) != 0)
		return failed(err, l->path, "close to others");
	l->device = st.st_dev;
	l->inode = st.st_ino;
	if (listen(l->fd, BACKLOG) != 0)
		return failed(err, l->path, "listen");
	return RC_OK;
}

enum rc
local_listen(const char *path, struct local_listener **out, struct error *err)
{
	struct local_listener *l = calloc(1, sizeof(*l));
	struct file_lock *lock = NULL;
	struct sockaddr_un address;
	char lock_path[FILES_PATH_MAX];
	int dir = -1, n;
	enum rc rc;

	*out = NULL;
	if (l == NULL)
		return error_set(err, RC_NOMEM, path, NULL, "not enough memory");
	l->fd = -1;
	if ((rc = address_of(path, &address, &dir, err)) != RC_OK)
		goto out;
	n = snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
	if (n < 0 || (size_t)n >= sizeof(lock_path)) {
		rc = error_set(err, RC_LIMIT, path, NULL, "the path of a socket is too long");
		goto out;
	}
	memcpy(l->path, path, strlen(path) + 1);
	/* two processes that both find a stale socket must not remove each other's */
	if ((rc = files_lock(lock_path, &lock, err)) != RC_OK)
		goto out;
	if ((rc = clear_stale(path, &address, err)) == RC_OK)
		rc = bind_and_listen(l, &address, err);
	unlink(lock_path);
	files_unlock(lock);
out:
	if (dir >= 0)
		close(dir);
	if (rc == RC_OK)
		*out = l;
	else
		local_listener_close(l);
	return rc;
}

void
local_listener_close(struct local_listener *l)
{
	struct stat st;

	if (l == NULL)
		return;
	if (l->inode != 0 && lstat(l->path, &st) == 0 && st.st_dev == l->device &&
	    st.st_ino == l->inode)
		unlink(l->path);
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}

/* The other end runs under our own user. */
static bool
is_same_user(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	    len == sizeof(peer) && peer.uid == geteuid();
}

enum rc
local_link_of(int fd, struct local_link **out)
{
	if ((*out = malloc(sizeof(**out))) == NULL) {
		close(fd);
		return RC_NOMEM;
	}
	(*out)->fd = fd;
	return RC_OK;
}

/* A client that stops half way (Ctrl-Z) must not hold up the others for ever. */
static void
set_patience(int fd)
{
	const struct timeval t = { LOCAL_PATIENCE_SECONDS, 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

enum rc
local_accept(struct local_listener *l, int timeout_ms, struct local_link **out)
{
	int64_t end = clock_monotonic_ms() + timeout_ms;

	*out = NULL;
	for (;;) {
		struct pollfd p = { l->fd, POLLIN, 0 };
		int64_t left = end - clock_monotonic_ms();
		int n = poll(&p, 1, left > 0 ? (int)left : 0);
		int fd;

		/* a signal ends the waiting too: the caller looks whether to stop */
		if (n < 0 && errno != EINTR)
			return RC_IO;
		if (n <= 0)
			return RC_BUSY;
		if ((fd = accept(l->fd, NULL, NULL)) < 0) {
			if (errno == EINTR || errno == ECONNABORTED || errno == EAGAIN)
				return RC_BUSY;
			return RC_IO;
		}
		if (is_same_user(fd)) {
			(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
			set_patience(fd);
			return local_link_of(fd, out);
		}
		close(fd);
	}
}

enum rc
local_connect(const char *path, struct local_link **out, struct error *err)
{
	struct sockaddr_un address;
	int dir, fd, e;
	enum rc rc;

	*out = NULL;
	if ((rc = address_of(path, &address, &dir, err)) != RC_OK)
		return rc;
	fd = new_socket();
	e = fd < 0 ? errno : dial(fd, &address);
	if (dir >= 0)
		close(dir);
	if (e == 0 && is_same_user(fd)) {
		rc = local_link_of(fd, out);
		return rc == RC_OK ? rc : error_set(err, rc, path, NULL, "not enough memory");
	}
	if (e == 0) {
		rc = error_set(err, RC_DENIED, path, NULL, "the process there belongs to another user");
	} else if (e == EACCES || e == EPERM) {
		rc = error_set(err, RC_DENIED, path, "give its owner the right to the folder, or work as"
		    " its owner", "cannot connect: %s", strerror(e));
	} else if (e == ENOENT || e == ENOTDIR || e == ECONNREFUSED) {
		rc = error_set(err, RC_NOTFOUND, path, NULL, "nobody listens");
	} else {
		errno = e;
		rc = failed(err, path, "connect");
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

static enum rc
send_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return RC_NET;
		data += n;
		len -= (size_t)n;
	}
	return RC_OK;
}

static enum rc
receive_all(int fd, uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(fd, data, len, 0);

		if (n < 0 && errno == EINTR && !process_should_stop())
			continue;
		if (n <= 0)
			return RC_NET;
		data += n;
		len -= (size_t)n;
	}
	return RC_OK;
}

enum rc
local_send(struct local_link *l, const uint8_t *data, size_t len)
{
	uint8_t head[8];
	enum rc rc;

	if (len > UINT32_MAX)
		return RC_LIMIT;
	bytes_store64(head, len);
	if ((rc = send_all(l->fd, head, LENGTH_BYTES)) != RC_OK)
		return rc;
	return send_all(l->fd, data, len);
}

enum rc
local_receive(struct local_link *l, size_t max, uint8_t **data, size_t *len)
{
	uint8_t head[8] = { 0 };
	struct bytes b;
	size_t size;
	enum rc rc;

	*data = NULL;
	*len = 0;
	if ((rc = receive_all(l->fd, head, LENGTH_BYTES)) != RC_OK)
		return rc;
	size = (size_t)bytes_load64(head);
	if (size > max)
		return RC_LIMIT;
	bytes_init(&b);
	if (bytes_room(&b, size + 1) == NULL || b.data == NULL)
		return RC_NOMEM;
	if ((rc = receive_all(l->fd, b.data, size)) != RC_OK) {
		/* half a message may hold half a passphrase */
		bytes_wipe(&b);
		return rc;
	}
	b.data[size] = 0;
	*data = b.data;
	*len = size;
	return RC_OK;
}

void
local_stop_receiving(struct local_link *l)
{
	(void)shutdown(l->fd, SHUT_RD);
}

void
local_close(struct local_link *l)
{
	if (l == NULL)
		return;
	close(l->fd);
	free(l);
}
