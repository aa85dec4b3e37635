/* Landlock (landlock(7)) by its system calls: neither libc nor every kernel knows it. */
#define _GNU_SOURCE		/* syscall, O_PATH */

#include "shared/base/process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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

bool
process_confine(const char *const *places, size_t n)
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

bool
process_confine(const char *const *places, size_t n)
{
	(void)places;
	(void)n;
	return false;
}

#endif
