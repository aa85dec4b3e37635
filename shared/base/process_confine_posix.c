/*
 * Landlock (landlock(7)) by its system calls: neither libc nor every kernel knows it; and a filter
 * of system calls (seccomp(2)) that refuses a few which none of our programs needs.
 */
#define _GNU_SOURCE		/* syscall, O_PATH */

#include "shared/base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#endif

#if defined(__x86_64__) && defined(__LP64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_X86_64
#define OTHER_NUMBERS 0x40000000	/* calls of x32 have this bit */
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define OUR_ARCHITECTURE AUDIT_ARCH_AARCH64
#define OTHER_NUMBERS 0x40000000
#endif

#if defined(__linux__) && defined(OUR_ARCHITECTURE)

/*
 * Starting programs, looking into and steering other processes, and what most holes of kernels
 * are reached by.  A list of what is allowed would break with every new libc; this cannot.
 */
static const uint32_t refused[] = {
	SYS_execve, SYS_execveat, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp,
	SYS_pidfd_getfd, SYS_perf_event_open, SYS_bpf, SYS_userfaultfd, SYS_io_uring_setup,
	SYS_add_key, SYS_request_key, SYS_keyctl, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot,
	SYS_setns, SYS_unshare, SYS_kexec_load, SYS_init_module, SYS_finit_module, SYS_personality,
#ifndef __SANITIZE_ADDRESS__	/* it looks for leaks by tracing itself */
	SYS_ptrace
#endif
};

static bool
filter_calls(void)
{
	enum { N = sizeof(refused) / sizeof(refused[0]), HEAD = 5 };
	struct sock_filter f[HEAD + N + 2] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4),	/* the architecture */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCHITECTURE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),	/* the number */
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, OTHER_NUMBERS, N + 1, 0),
	};
	const struct sock_fprog program = { sizeof(f) / sizeof(f[0]), f };

	for (unsigned i = 0; i < N; i++)
		f[HEAD + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused[i],
		    (uint8_t)(N - i), 0);
	f[HEAD + N] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	f[HEAD + N + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

#else

static bool
filter_calls(void)
{
	return false;
}

#endif

#if defined(__linux__) && defined(SYS_landlock_create_ruleset)

/* Rights to files, as bits of the kernel's interface. */
enum {
	RIGHT_EXECUTE = 1 << 0, RIGHT_WRITE_FILE = 1 << 1, RIGHT_REMOVE_DIR = 1 << 4,
	RIGHT_REMOVE_FILE = 1 << 5, RIGHT_MAKE_CHAR = 1 << 6, RIGHT_MAKE_DIR = 1 << 7,
	RIGHT_MAKE_REG = 1 << 8, RIGHT_MAKE_SOCK = 1 << 9, RIGHT_MAKE_FIFO = 1 << 10,
	RIGHT_MAKE_BLOCK = 1 << 11, RIGHT_MAKE_SYM = 1 << 12, RIGHT_REFER = 1 << 13,
	RIGHT_TRUNCATE = 1 << 14
};

enum {
	VERSION_FLAG = 1, RULE_BENEATH = 1, REFER_SINCE = 2, TRUNCATE_SINCE = 3,
	TO_A_FILE = RIGHT_WRITE_FILE | RIGHT_TRUNCATE,
	TO_A_FOLDER = TO_A_FILE | RIGHT_REMOVE_DIR | RIGHT_REMOVE_FILE | RIGHT_MAKE_DIR |
	    RIGHT_MAKE_REG | RIGHT_MAKE_SOCK | RIGHT_REFER,
	ALL = TO_A_FOLDER | RIGHT_EXECUTE | RIGHT_MAKE_CHAR | RIGHT_MAKE_FIFO | RIGHT_MAKE_BLOCK |
	    RIGHT_MAKE_SYM
};

/* The kernel's structures, as they are in memory. */
struct ruleset { uint64_t handled; };
struct __attribute__((packed)) beneath { uint64_t allowed; int32_t parent; };

static uint64_t
known_to(long version)
{
	uint64_t rights = ALL;

	if (version < REFER_SINCE)
		rights &= ~(uint64_t)RIGHT_REFER;
	if (version < TRUNCATE_SINCE)
		rights &= ~(uint64_t)RIGHT_TRUNCATE;
	return rights;
}

/* A place that is not there needs no right. */
static bool
allow(int rules, const char *path, uint64_t known)
{
	struct beneath b = { 0, open(path, O_PATH | O_CLOEXEC) };
	struct stat st;
	bool done = true;

	if (b.parent < 0)
		return true;
	if (fstat(b.parent, &st) == 0) {
		b.allowed = known & (S_ISDIR(st.st_mode) ? TO_A_FOLDER : TO_A_FILE);
		done = syscall(SYS_landlock_add_rule, rules, RULE_BENEATH, &b, 0) == 0;
	}
	close(b.parent);
	return done;
}

static bool
confine_files(const char *const *places, size_t n)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);
	struct ruleset r = { known_to(version) };
	bool done = true;
	int rules;

	if (version < 1)
		return false;
	rules = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof(r), 0);
	if (rules < 0)
		return false;
	for (size_t i = 0; i < n && done; i++)
		done = places[i] == NULL || allow(rules, places[i], r.handled);
	done = done && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	close(rules);
	return done;
}

#else

static bool
confine_files(const char *const *places, size_t n)
{
	(void)places;
	(void)n;
	return false;
}

#endif

bool
process_confine(const char *const *places, size_t n)
{
	bool filtered = filter_calls();

	return confine_files(places, n) && filtered;
}
