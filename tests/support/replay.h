#ifndef TESTS_SUPPORT_REPLAY_H
#define TESTS_SUPPORT_REPLAY_H

/* replay: run a fuzz target over the files of its corpus, without a fuzzer. */
#include <stddef.h>
#include <stdint.h>

enum { REPLAY_FILE_MAX = 8 << 20 };

/*
 * Call `one` with the bytes of every file of the folder, in the order of their
 * names.  0 if at least one ran, else 1 with a line on standard error.
 *
 *	int
 *	main(int argc, char **argv)
 *	{
 *		return replay_corpus(argc > 1 ? argv[1] : "", LLVMFuzzerTestOneInput);
 *	}
 */
int replay_corpus(const char *dir, int (*one)(const uint8_t *data, size_t len));

#endif
