/*
 * recorder: what programs hand to the system, and what they leave in memory when they end.
 *
 *   recorder --words FILE --report FILE --programs DIR -- COMMAND...
 *   recorder --words FILE --report FILE --now PID
 *
 * Runs a command with all that it starts (ptrace, and a filter that stops at the calls of interest
 * alone) and judges the programs of DIR: every byte written to files, pipes and sockets, arguments
 * and environment, programs that they start, and at the end of each process all its memory, whether
 * readable or not, at the last moment at which it has any.  --now looks at a running one.
 *
 * The words, a line each, may be added to meanwhile (tests/support/markers.h):
 *   data WORD      stands in nothing but what the user asked for: standard output and error, the
 *                  keeper's socket, the arguments that were typed
 *   secret WORD    stands nowhere at all
 *   key HEX        the same, of bytes
 *   may WORD       files with this in their names may hold both; the user asked for them
 * A line of the report is "kind process program: where: word as form", or "end process program" for one
 * whose memory was looked at; the last line counts.
 * Exit code: the command's.  125: the system does not allow this.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/markers.h"

enum {
	NOT_ALLOWED = 125, PID_MAX = 1 << 22, LINE_MAX_BYTES = 4096, MAY_MAX = 64, PIECE = 1 << 20,
	PAGE = 4096, VECTORS_MAX = 1024, MESSAGES_MAX = 64, HITS_SHOWN = 6
};

struct recorder {
	const char *words_path, *programs;
	FILE *report;
	struct markers *markers;
	off_t words_read;
	char *may[MAY_MAX];
	size_t n_may;
	uint8_t *seen;		/* by pid: its first stop is over */
	uint8_t piece[PIECE + MARKERS_LONGEST];
	unsigned long processes, writes, bytes, ends, memory, found;
};

static void
give_up(const char *what)
{
	fprintf(stderr, "recorder: %s: %s\n", what, strerror(errno));
	exit(NOT_ALLOWED);
}

/* ---- the words ---- */

static void
take_line(struct recorder *r, char *line)
{
	char *what = strchr(line, ' ');

	if (what == NULL)
		return;
	*what++ = '\0';
	if (strcmp(line, "data") == 0)
		markers_add_word(r->markers, what, false);
	else if (strcmp(line, "secret") == 0)
		markers_add_word(r->markers, what, true);
	else if (strcmp(line, "key") == 0)
		markers_add_key(r->markers, what);
	else if (strcmp(line, "may") == 0 && r->n_may < MAY_MAX)
		r->may[r->n_may++] = strdup(what);
}

static void
read_words(struct recorder *r)
{
	char line[LINE_MAX_BYTES];
	struct stat st;
	FILE *f;

	if (stat(r->words_path, &st) != 0 || st.st_size <= r->words_read ||
	    (f = fopen(r->words_path, "re")) == NULL)
		return;
	(void)fseeko(f, r->words_read, SEEK_SET);
	while (fgets(line, sizeof(line), f) != NULL && strchr(line, '\n') != NULL) {
		r->words_read += (off_t)strlen(line);
		line[strcspn(line, "\n")] = '\0';
		take_line(r, line);
	}
	fclose(f);
}

/* ---- what the system knows of a process ---- */

static ssize_t
slurp(const char *path, char *out, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got;

	if (fd < 0)
		return -1;
	while (n < max && (got = read(fd, out + n, max - n)) > 0)
		n += (size_t)got;
	close(fd);
	return (ssize_t)n;
}

static const char *
proc(char out[64], pid_t pid, const char *what)
{
	snprintf(out, 64, "/proc/%d/%s", (int)pid, what);
	return out;
}

static bool
link_of(pid_t pid, const char *what, char *out, size_t max)
{
	char path[64];
	ssize_t n = readlink(proc(path, pid, what), out, max - 1);

	out[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static bool
is_judged(const struct recorder *r, pid_t pid)
{
	char exe[LINE_MAX_BYTES];

	return link_of(pid, "exe", exe, sizeof(exe)) &&
	    strncmp(exe, r->programs, strlen(r->programs)) == 0;
}

/* Its arguments in one line. */
static void
name_of(pid_t pid, char *out, size_t max)
{
	char path[64];
	ssize_t n = slurp(proc(path, pid, "cmdline"), out, max - 1);

	for (ssize_t i = 0; i < n; i++)
		if (out[i] == '\0' || out[i] == '\n')
			out[i] = ' ';
	out[n > 0 ? n : 0] = '\0';
}

static pid_t
number_of(pid_t pid, const char *what, pid_t otherwise)
{
	char path[64], status[LINE_MAX_BYTES], name[16];
	ssize_t n = slurp(proc(path, pid, "status"), status, sizeof(status) - 1);
	char *at;

	status[n > 0 ? n : 0] = '\0';
	snprintf(name, sizeof(name), "\n%s:", what);
	at = strstr(status, name);
	return at == NULL ? otherwise : (pid_t)strtol(at + strlen(name), NULL, 10);
}

static void
tell(struct recorder *r, pid_t pid, const char *kind, const char *where, const struct marker_hit *hit)
{
	char name[LINE_MAX_BYTES];

	name_of(pid, name, sizeof(name));
	if (hit != NULL)
		fprintf(r->report, "%s %d %s: %s: %s as %s\n", kind, (int)pid, name, where, hit->word, hit->form);
	else
		fprintf(r->report, "%s %d %s: %s\n", kind, (int)pid, name, where);
	fflush(r->report);
	r->found++;
}

static size_t
read_memory(pid_t pid, uint64_t at, void *out, size_t len)
{
	char path[64];
	int fd = open(proc(path, pid, "mem"), O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, out, len, (off_t)at);

	if (fd >= 0)
		close(fd);
	return n > 0 ? (size_t)n : 0;
}

/* ---- writing ---- */

/* The path of a local socket, from its number. */
static bool
local_socket(pid_t pid, const char *target, char *out, size_t max)
{
	static char table[1 << 18];
	char path[64], inode[32];
	ssize_t n = slurp(proc(path, pid, "net/unix"), table, sizeof(table) - 1);
	char *line = table;

	*out = '\0';
	if (n <= 0 || sscanf(target, "socket:[%31[0-9]]", inode) != 1)
		return false;
	table[n] = '\0';
	for (char *next; (next = strchr(line, '\n')) != NULL; line = next + 1) {
		char number[32], name[256] = "";

		*next = '\0';
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %31s %255s", number, name) < 1 || strcmp(number, inode) != 0)
			continue;
		snprintf(out, max, "%s", name);
		return true;
	}
	return false;
}

/* May data, or even secrets, go there?  Only a socket of the keeper, or one that has no name, is local. */
static bool
is_asked_for(const struct recorder *r, pid_t pid, int fd, const char *target, bool secret)
{
	const char *last = strrchr(target, '/');
	char name[256];

	for (size_t i = 0; i < r->n_may; i++)
		if (last != NULL && strstr(last, r->may[i]) != NULL)
			return true;
	if (secret)
		return false;
	if (fd == STDOUT_FILENO || fd == STDERR_FILENO)
		return true;
	return local_socket(pid, target, name, sizeof(name)) &&
	    (*name == '\0' || strstr(name, "/keeper.socket") != NULL);
}

static void
judge_bytes(struct recorder *r, pid_t pid, int fd, uint64_t at, uint64_t len)
{
	char what[32], target[LINE_MAX_BYTES];
	struct marker_hit hit;

	for (uint64_t done = 0; done < len;) {
		size_t want = len - done > PIECE ? PIECE : (size_t)(len - done);
		size_t n = read_memory(pid, at + done, r->piece, want);
		bool found = markers_find(r->markers, r->piece, n, 0, false, &hit) ||
		    markers_find_packed(r->markers, r->piece, n, false, false, &hit);

		if (n == 0)
			return;
		r->bytes += n;
		if (found) {
			snprintf(what, sizeof(what), "fd/%d", fd);
			link_of(pid, what, target, sizeof(target));
			if (is_asked_for(r, pid, fd, target, false))
				found = markers_find(r->markers, r->piece, n, 0, true, &hit) ||
				    markers_find_packed(r->markers, r->piece, n, false, true, &hit);
			if (found && !is_asked_for(r, pid, fd, target, hit.secret))
				tell(r, pid, "write", target, &hit);
		}
		done += n;
	}
}

static void
judge_vectors(struct recorder *r, pid_t pid, int fd, uint64_t at, uint64_t n)
{
	struct iovec v[VECTORS_MAX];
	size_t got;

	if (n > VECTORS_MAX)
		n = VECTORS_MAX;
	got = read_memory(pid, at, v, (size_t)n * sizeof(*v)) / sizeof(*v);
	for (size_t i = 0; i < got; i++)
		judge_bytes(r, pid, fd, (uint64_t)(uintptr_t)v[i].iov_base, v[i].iov_len);
}

static void
judge_messages(struct recorder *r, pid_t pid, int fd, uint64_t at, uint64_t n)
{
	struct mmsghdr m[MESSAGES_MAX];
	size_t got = read_memory(pid, at, m, (size_t)(n > MESSAGES_MAX ? MESSAGES_MAX : n) * sizeof(*m)) / sizeof(*m);

	for (size_t i = 0; i < got; i++)
		judge_vectors(r, pid, fd, (uint64_t)(uintptr_t)m[i].msg_hdr.msg_iov, m[i].msg_hdr.msg_iovlen);
}

static void
judge_connect(struct recorder *r, pid_t pid, uint64_t at)
{
	struct sockaddr_un to;

	memset(&to, 0, sizeof(to));
	read_memory(pid, at, &to, sizeof(to) - 1);
	/* libc asks a daemon for names of hosts and users, if there is one */
	if (to.sun_family == AF_UNIX && strstr(to.sun_path, "keeper.socket") == NULL &&
	    strncmp(to.sun_path, "/var/run/nscd/", 14) != 0 && strncmp(to.sun_path, "/run/systemd/", 13) != 0)
		tell(r, pid, "connect", to.sun_path, NULL);
}

/* Calls that stop a process, and what to do about them. */
static const int watched[] = {
	SYS_write, SYS_pwrite64, SYS_sendto, SYS_writev, SYS_pwritev, SYS_pwritev2, SYS_sendmsg, SYS_sendmmsg,
	SYS_connect, SYS_execve, SYS_execveat, SYS_splice, SYS_tee, SYS_vmsplice, SYS_sendfile,
	SYS_copy_file_range, SYS_process_vm_writev, SYS_io_uring_setup, SYS_ptrace, SYS_mmap
};

static void
judge_call(struct recorder *r, pid_t pid)
{
	struct __ptrace_syscall_info info;
	const uint64_t *a = info.seccomp.args;
	char where[64], target[LINE_MAX_BYTES];
	int fd;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <= 0 || !is_judged(r, pid))
		return;
	read_words(r);
	r->writes++;
	fd = (int)a[0];
	switch (info.seccomp.nr) {
	case SYS_write:
	case SYS_pwrite64:
	case SYS_sendto:
		judge_bytes(r, pid, fd, a[1], a[2]);
		break;
	case SYS_writev:
	case SYS_pwritev:
	case SYS_pwritev2:
		judge_vectors(r, pid, fd, a[1], a[2]);
		break;
	case SYS_sendmsg:
		judge_messages(r, pid, fd, a[1], 1);
		break;
	case SYS_sendmmsg:
		judge_messages(r, pid, fd, a[1], a[2]);
		break;
	case SYS_connect:
		judge_connect(r, pid, a[1]);
		break;
	case SYS_mmap:
		snprintf(where, sizeof(where), "fd/%d", (int)a[4]);
		link_of(pid, where, target, sizeof(target));
		if ((a[2] & PROT_WRITE) != 0 && !is_asked_for(r, pid, -1, target, true))
			tell(r, pid, "call", target, NULL);
		break;
	default:
		/* a way of writing whose bytes are not seen, or another program */
		snprintf(where, sizeof(where), "system call %d", (int)info.seccomp.nr);
		tell(r, pid, "call", where, NULL);
	}
}

/* ---- arguments and environment ---- */

static void
judge_start(struct recorder *r, pid_t pid)
{
	static const char *const places[] = { "cmdline", "environ" };
	char path[64];
	struct marker_hit hit;

	if (!is_judged(r, pid))
		return;
	r->processes++;
	read_words(r);
	for (size_t i = 0; i < 2; i++) {
		ssize_t n = slurp(proc(path, pid, places[i]), (char *)r->piece, PIECE);

		/* data is what the user typed; of what no one should type there is nothing */
		if (n > 0 && markers_find(r->markers, r->piece, (size_t)n, 0, true, &hit))
			tell(r, pid, "start", places[i], &hit);
	}
}

/* ---- memory ---- */

/* What is larger is no memory but room that a sanitizer keeps. */
#define MAPPING_MAX (UINT64_C(1) << 34)

static void
tell_place(struct recorder *r, pid_t pid, const char *mapping, uint64_t at, const struct marker_hit *hit,
    const uint8_t *p, size_t len)
{
	char around[100], where[LINE_MAX_BYTES];
	size_t from = hit->at > 24 ? hit->at - 24 : 0, n = 0;

	for (size_t i = from; i < len && n < 80; i++)
		around[n++] = p[i] >= ' ' && p[i] < 127 ? (char)p[i] : '.';
	around[n] = '\0';
	snprintf(where, sizeof(where), "%.200s \"%s\" at %llx", mapping, around, (unsigned long long)at);
	tell(r, pid, "memory", where, hit);
}

/* The pages that there are, in pieces that overlap by a needle. */
static void
judge_mapping(struct recorder *r, pid_t pid, int mem, int pages, uint64_t from, uint64_t to,
    const char *name)
{
	size_t kept = 0, shown = 0;

	for (uint64_t at = from; at < to && shown < HITS_SHOWN;) {
		uint64_t entry[PIECE / PAGE];
		size_t want = to - at > PIECE ? PIECE / PAGE : (size_t)((to - at) / PAGE), n = 0;
		ssize_t got = pread(pages, entry, want * 8, (off_t)(at / PAGE * 8));
		size_t known = got > 0 ? (size_t)got / 8 : 0, skip = 0;
		struct marker_hit hit;

		/* bit 63: in memory; 62: swapped */
		while (skip < known && entry[skip] >> 62 == 0)
			skip++;
		if (skip > 0) {
			kept = 0;
			at += skip * PAGE;
			continue;
		}
		while (n < known && entry[n] >> 62 != 0)
			n++;
		if (n == 0 || (got = pread(mem, r->piece + kept, n * PAGE, (off_t)at)) <= 0) {
			at += PAGE;
			continue;
		}
		r->memory += (unsigned long)got;
		for (size_t i = 0; shown < HITS_SHOWN && markers_find(r->markers, r->piece, kept + (size_t)got, i,
		    false, &hit); i = hit.at + 1, shown++)
			tell_place(r, pid, name, at - kept + hit.at, &hit, r->piece, kept + (size_t)got);
		at += (uint64_t)got;
		n = kept + (size_t)got;
		kept = n < 512 ? n : 512;
		memmove(r->piece, r->piece + n - kept, kept);
	}
}

static void
judge_memory(struct recorder *r, pid_t pid)
{
	char path[64], line[LINE_MAX_BYTES];
	FILE *maps = fopen(proc(path, pid, "maps"), "re");
	int mem = open(proc(path, pid, "mem"), O_RDONLY | O_CLOEXEC);
	int pages = open(proc(path, pid, "pagemap"), O_RDONLY | O_CLOEXEC);

	read_words(r);
	if (maps == NULL || mem < 0 || pages < 0)
		tell(r, pid, "memory", "cannot be read", NULL);
	while (maps != NULL && mem >= 0 && pages >= 0 && fgets(line, sizeof(line), maps) != NULL) {
		unsigned long long from, to;
		char rights[8] = "", *file;

		line[strcspn(line, "\n")] = '\0';
		file = strchr(line, '/');
		if (sscanf(line, "%llx-%llx %7s", &from, &to, rights) != 3 || strstr(line, "[v") != NULL ||
		    (file != NULL && rights[1] != 'w') || to - from > MAPPING_MAX)
			continue;
		judge_mapping(r, pid, mem, pages, from, to, line + strcspn(line, " "));
	}
	r->ends++;
	name_of(pid, line, sizeof(line));
	fprintf(r->report, "end %d %s\n", (int)pid, line);
	if (maps != NULL)
		fclose(maps);
	close(mem);
	close(pages);
}

/* ---- running ---- */

static void
load_filter(void)
{
	enum { N = sizeof(watched) / sizeof(watched[0]) };
	struct sock_filter f[N + 8];
	struct sock_fprog p = { 0, f };
	unsigned short n = 0;

	/* the last one, mmap, only if memory is shared: what is written there is not seen */
	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
	for (unsigned i = 0; i < N - 1; i++)
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)watched[i],
		    (uint8_t)(N - i + 3), 0);
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 3);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16 + 8 * 3);
	/* shared, and not anonymous */
	f[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x21);
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 1, 0);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	p.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) != 0)
		_exit(NOT_ALLOWED);
}

static pid_t
start(char **argv)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(NOT_ALLOWED);
	(void)raise(SIGSTOP);
	load_filter();
	execvp(argv[0], argv);
	_exit(NOT_ALLOWED);
}

static void
at_end(struct recorder *r, pid_t pid)
{
	unsigned long status = 0;

	if (number_of(pid, "Tgid", pid) != pid || !is_judged(r, pid))
		return;
	/* a twin shares its pages with the parent that waits for it and is looked at later */
	if (is_judged(r, number_of(pid, "PPid", pid)))
		return;
	/* who is killed outright cannot clean up */
	if (ptrace(PTRACE_GETEVENTMSG, pid, NULL, &status) == 0 && (status & 0x7f) == SIGKILL)
		return;
	judge_memory(r, pid);
}

/* A process stopped: the signal that it is to get when it goes on. */
static int
on_stop(struct recorder *r, pid_t pid, int status)
{
	int sig = WSTOPSIG(status);

	switch (status >> 16) {
	case 0:
		/* what a new process stops with is from the tracing */
		if (sig == SIGSTOP && !r->seen[pid]) {
			r->seen[pid] = 1;
			return 0;
		}
		return sig == SIGTRAP ? 0 : sig;
	case PTRACE_EVENT_SECCOMP:
		judge_call(r, pid);
		break;
	case PTRACE_EVENT_EXEC:
		judge_start(r, pid);
		break;
	case PTRACE_EVENT_EXIT:
		at_end(r, pid);
		break;
	default:
		break;
	}
	return 0;
}

static int
follow(struct recorder *r, char **argv)
{
	const unsigned long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
	    PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL;
	pid_t first = start(argv), pid;
	int status, code = NOT_ALLOWED;

	if (first < 0 || waitpid(first, &status, __WALL) != first || !WIFSTOPPED(status))
		return NOT_ALLOWED;
	r->seen[first] = 1;
	if (ptrace(PTRACE_SETOPTIONS, first, NULL, (void *)options) != 0 ||
	    ptrace(PTRACE_CONT, first, NULL, NULL) != 0)
		give_up("cannot follow");
	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid <= 0)
			continue;
		if (WIFSTOPPED(status)) {
			int sig = on_stop(r, pid, status);

			(void)ptrace(PTRACE_CONT, pid, NULL, (void *)(intptr_t)sig);
			continue;
		}
		r->seen[pid] = 0;
		if (pid == first)
			code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	return code;
}

int
main(int argc, char **argv)
{
	static struct recorder r;
	const char *report = NULL, *now = NULL;
	int i = 1, code = 0;

	for (; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
		if (strcmp(argv[i], "--words") == 0)
			r.words_path = argv[i + 1];
		else if (strcmp(argv[i], "--report") == 0)
			report = argv[i + 1];
		else if (strcmp(argv[i], "--programs") == 0)
			r.programs = argv[i + 1];
		else if (strcmp(argv[i], "--now") == 0)
			now = argv[i + 1];
	}
	if (r.words_path == NULL || report == NULL || (now == NULL && (r.programs == NULL || i + 1 >= argc))) {
		fprintf(stderr, "recorder: see the head of recorder.c\n");
		return NOT_ALLOWED;
	}
	r.markers = markers_new();
	if ((r.report = fopen(report, "we")) == NULL || (r.seen = calloc(PID_MAX, 1)) == NULL)
		give_up(report);
	read_words(&r);
	if (now != NULL)
		judge_memory(&r, (pid_t)strtol(now, NULL, 10));
	else
		code = follow(&r, argv + i + 1);
	fprintf(r.report, "%lu found; %lu processes, %lu calls, %lu bytes written; %lu ends, %lu bytes of memory\n",
	    r.found, r.processes, r.writes, r.bytes, r.ends, r.memory);
	fclose(r.report);
	markers_free(r.markers);
	free(r.seen);
	return code;
}
