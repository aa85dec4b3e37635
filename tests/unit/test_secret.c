#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/vault/secret.h"

static char *
temp_file(const char *data, size_t len)
{
	const char *tmp = getenv("TMPDIR");
	char *path = malloc(512);
	FILE *f;
	int fd;

	assert_non_null(path);
	snprintf(path, 512, "%s/secret-XXXXXX", tmp != NULL ? tmp : "/tmp");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	f = fdopen(fd, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	return path;
}

static enum rc
read_from(const char *data, size_t len, struct secret **out, struct error *err)
{
	char *path = temp_file(data, len);
	enum rc rc = secret_read_line(path, out, err);

	unlink(path);
	free(path);
	return rc;
}

static void
new_secret_is_zeroes_and_keeps_its_length(void **state)
{
	struct secret *s;

	(void)state;
	assert_int_equal(secret_new(77, &s), RC_OK);
	assert_int_equal(secret_len(s), 77);
	for (size_t i = 0; i < 77; i++)
		assert_int_equal(secret_bytes(s)[i], 0);
	secret_free(s);
	secret_free(NULL);
}

static void
refuses_lengths_outside_its_limits(void **state)
{
	struct secret *s = (struct secret *)1;

	(void)state;
	assert_int_equal(secret_new(0, &s), RC_LIMIT);
	assert_null(s);
	assert_int_equal(secret_new(SECRET_MAX + 1, &s), RC_LIMIT);
	assert_int_equal(secret_new(SECRET_MAX, &s), RC_OK);
	secret_free(s);
}

static void
equal_secrets_are_equal_and_others_are_not(void **state)
{
	struct secret *a, *b, *c;

	(void)state;
	assert_int_equal(secret_random(32, &a), RC_OK);
	assert_int_equal(secret_from(secret_bytes(a), 32, &b), RC_OK);
	assert_int_equal(secret_from(secret_bytes(a), 31, &c), RC_OK);
	assert_true(secret_equal(a, b));
	assert_false(secret_equal(a, c));
	secret_data(b)[31] ^= 1;
	assert_false(secret_equal(a, b));
	secret_free(a);
	secret_free(b);
	secret_free(c);
}

static void
random_secrets_differ(void **state)
{
	struct secret *a, *b;

	(void)state;
	assert_int_equal(secret_random(20, &a), RC_OK);
	assert_int_equal(secret_random(20, &b), RC_OK);
	assert_false(secret_equal(a, b));
	secret_free(a);
	secret_free(b);
}

/* A stray read one byte behind a secret must end the process. */
static void
memory_behind_a_secret_is_guarded(void **state)
{
	struct secret *s;
	int status = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(secret_new(32, &s), RC_OK);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		volatile const uint8_t *p = secret_bytes(s);

		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		_exit(p[32] == 1 ? 3 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	secret_free(s);
}

static void
wipe_leaves_zeroes(void **state)
{
	uint8_t p[40], zero[40] = { 0 };

	(void)state;
	secret_random_bytes(p, sizeof p);
	assert_memory_not_equal(p, zero, sizeof p);
	secret_wipe(p, sizeof p);
	assert_memory_equal(p, zero, sizeof p);
}

static void
reads_the_first_line_and_no_more(void **state)
{
	static const char *inputs[] = { "con đường xa", "con đường xa\n", "con đường xa\r\n",
	    "con đường xa\nsecond\n" };
	struct secret *s, *want;

	(void)state;
	assert_int_equal(secret_from("con đường xa", strlen("con đường xa"), &want), RC_OK);
	for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
		assert_int_equal(read_from(inputs[i], strlen(inputs[i]), &s, NULL), RC_OK);
		assert_true(secret_equal(s, want));
		secret_free(s);
	}
	secret_free(want);
}

static void
blanks_of_a_passphrase_count(void **state)
{
	struct secret *s;

	(void)state;
	assert_int_equal(read_from("  a b \n", 7, &s, NULL), RC_OK);
	assert_int_equal(secret_len(s), 6);
	assert_memory_equal(secret_bytes(s), "  a b ", 6);
	secret_free(s);
}

/* "Hoà" with one code point for à (NFC) and with a + U+0300 (NFD). */
static void
composed_and_decomposed_vietnamese_are_one_passphrase(void **state)
{
	struct secret *nfc, *nfd;

	(void)state;
	assert_int_equal(read_from("Ho\xC3\xA0\n", 5, &nfc, NULL), RC_OK);
	assert_int_equal(read_from("Hoa\xCC\x80\n", 6, &nfd, NULL), RC_OK);
	assert_true(secret_equal(nfc, nfd));
	assert_memory_equal(secret_bytes(nfc), "Ho\xC3\xA0", 4);
	secret_free(nfc);
	secret_free(nfd);
}

static void
refuses_an_empty_a_long_and_a_broken_line(void **state)
{
	static char big[10 << 20];
	struct secret *s = (struct secret *)1;
	struct error err = { 0 };

	(void)state;
	memset(big, 'x', sizeof big);
	assert_int_equal(read_from("", 0, &s, &err), RC_INVALID);
	assert_null(s);
	assert_string_not_equal(err.what, "");
	assert_int_equal(read_from("\nabc", 4, &s, NULL), RC_INVALID);
	assert_int_equal(read_from("\r\n", 2, &s, NULL), RC_INVALID);
	assert_int_equal(read_from(big, 1025, &s, NULL), RC_LIMIT);
	assert_int_equal(read_from(big, sizeof big, &s, NULL), RC_LIMIT);
	assert_int_equal(read_from("a\xFF\xFE\n", 4, &s, NULL), RC_FORMAT);
	assert_int_equal(read_from("a\0b\n", 4, &s, NULL), RC_FORMAT);
	/* U+0958 is one character of three bytes, and two of six in normal form C */
	for (size_t i = 0; i < 1023; i += 3)
		memcpy(big + i, "\xE0\xA5\x98", 3);
	assert_int_equal(read_from(big, 1023, &s, NULL), RC_LIMIT);
	memset(big, 'x', 1024);
	assert_int_equal(read_from(big, 1024, &s, NULL), RC_OK);
	assert_int_equal(secret_len(s), 1024);
	secret_free(s);
	assert_int_equal(secret_read_line("/nonexistent/passphrase", &s, NULL), RC_NOTFOUND);
}

static void
two_lines_of_standard_input_are_two_secrets(void **state)
{
	struct secret *a, *b;
	int fds[2], saved = dup(0);

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "one\ntwo\n", 8), 8);
	close(fds[1]);
	assert_true(dup2(fds[0], 0) == 0);
	close(fds[0]);
	assert_int_equal(secret_read_line("-", &a, NULL), RC_OK);
	assert_int_equal(secret_read_line("-", &b, NULL), RC_OK);
	assert_true(dup2(saved, 0) == 0);
	close(saved);
	assert_memory_equal(secret_bytes(a), "one", 3);
	assert_memory_equal(secret_bytes(b), "two", 3);
	secret_free(a);
	secret_free(b);
}

/*
 * Worked by hand: 00 44 32 14 C7 is 00000 00001 00010 ... 00111 in groups of
 * five bits.  The check groups are the first 25 bits of BLAKE2b-256(
 * "field-code-1" || code), taken from b2sum -l 256.
 */
static void
prints_a_code_as_formats_md_says(void **state)
{
	static const uint8_t five[] = { 0x00, 0x44, 0x32, 0x14, 0xC7 };
	static const uint8_t zero[20] = { 0 };
	struct secret *s;
	char out[80];

	(void)state;
	assert_int_equal(secret_from(five, 5, &s), RC_OK);
	assert_int_equal(secret_code_print(s, out, sizeof out), RC_OK);
	assert_string_equal(out, "01234-567-4KC0W");
	secret_free(s);
	assert_int_equal(secret_from(zero, 20, &s), RC_OK);
	assert_int_equal(secret_code_print(s, out, sizeof out), RC_OK);
	assert_string_equal(out, "00000-00000-00000-00000-00000-00000-00-T04WS");
	/* 32 + 5 characters, 7 hyphens, the NUL */
	assert_int_equal(secret_code_print(s, out, 45), RC_OK);
	assert_int_equal(secret_code_print(s, out, 44), RC_LIMIT);
	secret_free(s);
}

static void
reads_a_code_as_people_write_it(void **state)
{
	struct secret *code, *read;
	char out[SECRET_CODE_TEXT_MAX], messy[200];
	size_t n;

	(void)state;
	for (size_t len = 5; len <= 40; len += 5) {
		assert_int_equal(secret_random(len, &code), RC_OK);
		assert_int_equal(secret_code_print(code, out, sizeof out), RC_OK);
		n = 0;
		for (const char *s = out; *s != '\0'; s++) {
			char c = *s == '0' ? 'o' : *s == '1' ? 'l' : *s;

			if (c >= 'A' && c <= 'Z')
				c = (char)(c - 'A' + 'a');
			messy[n++] = c == '-' ? ' ' : c;
			if (n % 3 == 0)
				messy[n++] = '-';
		}
		messy[n] = '\0';
		assert_int_equal(secret_code_read(messy, len, &read), RC_OK);
		assert_true(secret_equal(code, read));
		secret_free(code);
		secret_free(read);
	}
}

/* Every other character at every place; any two that change places. */
static void
notices_a_slip_of_the_pen_at_every_place(void **state)
{
	static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	struct secret *code, *read = NULL;
	uint8_t raw[20];
	char out[80];

	(void)state;
	for (size_t i = 0; i < sizeof raw; i++)
		raw[i] = (uint8_t)(37 * i + 11);
	assert_int_equal(secret_from(raw, sizeof raw, &code), RC_OK);
	assert_int_equal(secret_code_print(code, out, sizeof out), RC_OK);
	for (size_t i = 0; out[i] != '\0'; i++) {
		char was = out[i];

		for (const char *c = letters; *c != '\0' && was != '-'; c++) {
			out[i] = *c;
			assert_int_equal(secret_code_read(out, 20, &read), *c == was ? RC_OK : RC_AUTH);
			assert_true((read != NULL) == (*c == was));
			secret_free(read);
		}
		out[i] = was;
		for (size_t k = i + 1; out[k] != '\0'; k++) {
			if (was == '-' || out[k] == '-' || out[k] == was)
				continue;
			out[i] = out[k];
			out[k] = was;
			assert_int_equal(secret_code_read(out, 20, &read), RC_AUTH);
			out[k] = out[i];
			out[i] = was;
		}
	}
	secret_free(code);
}

/* Each letter that is taken for another, in both cases, and every blank. */
static void
reads_letters_that_look_alike(void **state)
{
	static const char *const same[] = { "01234-567-4KC0W", "OI234-567-4KCOW", "ol234-567-4kcoW",
	    "oL234567 4KcOw", "0i2\t34-5-6-7\r\n4KC0W\n", " O1234--567 - 4KC0W " };
	static const uint8_t five[] = { 0x00, 0x44, 0x32, 0x14, 0xC7 };
	struct secret *read;

	(void)state;
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		assert_int_equal(secret_code_read(same[i], 5, &read), RC_OK);
		assert_memory_equal(secret_bytes(read), five, 5);
		secret_free(read);
	}
	assert_int_equal(secret_code_read("U1234-567-4KC0W", 5, &read), RC_FORMAT);
}

static void
refuses_what_is_not_a_code(void **state)
{
	struct secret *code, *read = (struct secret *)1;
	char out[80], longer[90];

	(void)state;
	assert_int_equal(secret_random(20, &code), RC_OK);
	assert_int_equal(secret_code_print(code, out, sizeof out), RC_OK);
	assert_int_equal(secret_code_read("", 20, &read), RC_FORMAT);
	assert_null(read);
	snprintf(longer, sizeof longer, "%s0", out);
	assert_int_equal(secret_code_read(longer, 20, &read), RC_FORMAT);
	out[strlen(out) - 1] = '\0';
	assert_int_equal(secret_code_read(out, 20, &read), RC_FORMAT);
	out[0] = 'U';
	assert_int_equal(secret_code_read(out, 20, &read), RC_FORMAT);
	assert_int_equal(secret_code_read(out, 21, &read), RC_LIMIT);
	assert_int_equal(secret_code_read(out, 45, &read), RC_LIMIT);
	secret_free(code);
	assert_int_equal(secret_random(21, &code), RC_OK);
	assert_int_equal(secret_code_print(code, out, sizeof out), RC_LIMIT);
	secret_free(code);
}

static int
start(void **state)
{
	(void)state;
	return secret_start() == RC_OK ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_secret_is_zeroes_and_keeps_its_length),
		cmocka_unit_test(refuses_lengths_outside_its_limits),
		cmocka_unit_test(equal_secrets_are_equal_and_others_are_not),
		cmocka_unit_test(random_secrets_differ),
		cmocka_unit_test(memory_behind_a_secret_is_guarded),
		cmocka_unit_test(wipe_leaves_zeroes),
		cmocka_unit_test(reads_the_first_line_and_no_more),
		cmocka_unit_test(blanks_of_a_passphrase_count),
		cmocka_unit_test(composed_and_decomposed_vietnamese_are_one_passphrase),
		cmocka_unit_test(refuses_an_empty_a_long_and_a_broken_line),
		cmocka_unit_test(two_lines_of_standard_input_are_two_secrets),
		cmocka_unit_test(prints_a_code_as_formats_md_says),
		cmocka_unit_test(reads_a_code_as_people_write_it),
		cmocka_unit_test(notices_a_slip_of_the_pen_at_every_place),
		cmocka_unit_test(reads_letters_that_look_alike),
		cmocka_unit_test(refuses_what_is_not_a_code),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
