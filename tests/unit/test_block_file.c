#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>
#include <sqlite3.h>

#include "shared/vault/block_file.h"
#include "shared/vault/secret.h"
#include "tests/support/power_disk.h"

enum { MODEL_MAX = 60000, FEW = 5 };	/* FEW: blocks in memory; the model has 15 */

/* One slot file on a disk in memory. */
struct bench {
	struct power_disk *disk;
	sqlite3_file *below;
	struct block_key *key;
	struct block_file *file;
	struct block_file_options options;
};

static void
open_below(struct bench *b)
{
	sqlite3_vfs *v = power_disk_vfs(b->disk);

	b->below = calloc(1, (size_t)v->szOsFile);
	assert_non_null(b->below);
	assert_int_equal(v->xOpen(v, "/d/file", b->below, SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL,
	    NULL),
	    SQLITE_OK);
}

static struct bench
bench_new(bool zeroes)
{
	struct bench b = { .disk = power_disk_new(5), .options = { .zeroes = zeroes } };

	open_below(&b);
	assert_int_equal(block_key_random(&b.key), RC_OK);
	assert_int_equal(block_file_new(b.key, b.below, b.options, &b.file), SQLITE_OK);
	return b;
}

static void
bench_reopen(struct bench *b)
{
	assert_int_equal(block_file_flush(b->file), SQLITE_OK);
	block_file_free(b->file);
	assert_int_equal(block_file_new(b->key, b->below, b->options, &b->file), SQLITE_OK);
}

static void
bench_lays_ahead(struct bench *b)
{
	b->options.ahead = true;
	bench_reopen(b);
}

static void
bench_reset(struct bench *b)
{
	block_file_free(b->file);
	block_key_free(b->key);
	free(b->below);
	power_disk_free(b->disk);
}

static struct secret *
files_key(void)
{
	uint8_t bytes[SECRET_KEY_BYTES];
	struct secret *s;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)i;
	assert_int_equal(secret_from(bytes, sizeof bytes, &s), RC_OK);
	return s;
}

/* An independent reading of formats.md, "Vault pages": key, id, data, nonce, tag. */
static void
a_page_is_sealed_as_formats_md_says(void **state)
{
	static const uint8_t id[BLOCK_ID_BYTES] = "0123456789abcde";
	uint8_t in[BLOCK_PAGE_TEXT], out[BLOCK_SIZE], back[BLOCK_PAGE_TEXT];
	uint8_t input[12 + 16 + 1], both[48], ad[24] = { 0 };
	struct secret *s = files_key();
	struct block_key *key;

	(void)state;
	memset(in, 'q', sizeof in);
	assert_int_equal(block_key_new(s, id, BLOCK_DATABASE, &key), RC_OK);
	block_seal(key, 0x0102, in, sizeof in, out);
	memcpy(input, "field-file-1", 12);
	memcpy(input + 12, id, 16);
	input[28] = 1;
	crypto_generichash(both, 48, input, sizeof input, secret_bytes(s), 32);
	memcpy(ad, both + 32, 16);
	ad[16] = 2;
	ad[17] = 1;
	assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt_detached(back, NULL, out, 4056,
	    out + 4056 + 24, ad, sizeof ad, out + 4056, both), 0);
	assert_memory_equal(in, back, sizeof in);
	block_key_free(key);
	secret_free(s);
}

static void
a_sealed_page_opens_only_at_its_place_in_its_file(void **state)
{
	static const uint8_t id[BLOCK_ID_BYTES] = { 1 }, other_id[BLOCK_ID_BYTES] = { 2 };
	uint8_t in[BLOCK_PAGE_TEXT] = { 7 }, out[BLOCK_SIZE], back[BLOCK_PAGE_TEXT];
	struct secret *s = files_key();
	struct block_key *db, *wal, *other;

	(void)state;
	assert_int_equal(block_key_new(s, id, BLOCK_DATABASE, &db), RC_OK);
	assert_int_equal(block_key_new(s, id, BLOCK_WAL, &wal), RC_OK);
	assert_int_equal(block_key_new(s, other_id, BLOCK_DATABASE, &other), RC_OK);
	block_seal(db, 9, in, sizeof in, out);
	assert_true(block_unseal(db, 9, out, sizeof in, back));
	assert_false(block_unseal(db, 8, out, sizeof in, back));
	assert_false(block_unseal(wal, 9, out, sizeof in, back));
	assert_false(block_unseal(other, 9, out, sizeof in, back));
	for (size_t i = 0; i < sizeof out; i += 37) {
		out[i] ^= 32;
		assert_false(block_unseal(db, 9, out, sizeof in, back));
		out[i] ^= 32;
	}
	block_key_free(db);
	block_key_free(wal);
	block_key_free(other);
	secret_free(s);
}

static int
by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 24);
}

static void
nonces_never_repeat_not_even_in_a_forked_twin(void **state)
{
	enum { N = 2000 };
	static uint8_t all[2 * N][24];
	uint8_t in[16] = { 0 }, out[16 + BLOCK_OVERHEAD];
	struct block_key *key;
	int fds[2], status = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(block_key_random(&key), RC_OK);
	block_seal(key, 0, in, sizeof in, out);		/* the pool is filled */
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	for (size_t i = 0; i < N; i++) {
		block_seal(key, 0, in, sizeof in, out);
		memcpy(all[i], out + sizeof in, 24);
		if (pid == 0 && write(fds[1], all[i], 24) != 24)
			_exit(1);
	}
	if (pid == 0)
		_exit(0);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(read(fds[0], all[N + i], 24), 24);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fds[0]);
	close(fds[1]);
	qsort(all, 2 * N, 24, by_bytes);
	for (size_t i = 1; i < 2 * N; i++)
		assert_memory_not_equal(all[i - 1], all[i], 24);
	block_key_free(key);
}

static void
a_slot_takes_whole_sectors_and_hides_its_contents(void **state)
{
	struct bench b = bench_new(true);
	int64_t len;
	const uint8_t *p;

	(void)state;
	assert_int_equal(block_file_write(b.file, "clear-text", 10, 4090), SQLITE_OK);
	assert_int_equal(block_file_flush(b.file), SQLITE_OK);
	p = power_disk_bytes(b.disk, "file", &len);
	assert_non_null(p);
	assert_int_equal(len, 2 * 4608);
	assert_int_equal(len % 512, 0);
	assert_false(power_disk_holds(b.disk, "clear", 5));
	bench_reset(&b);
}

static void
what_is_written_is_held_back_until_it_is_flushed(void **state)
{
	struct bench b = bench_new(true);
	char out[8];
	int64_t len;

	(void)state;
	assert_int_equal(block_file_write(b.file, "abcdefgh", 8, 0), SQLITE_OK);
	power_disk_bytes(b.disk, "file", &len);
	assert_int_equal(len, 0);
	assert_int_equal(block_file_size(b.file), 8);
	assert_int_equal(block_file_read(b.file, out, 8, 0), SQLITE_OK);
	assert_memory_equal(out, "abcdefgh", 8);
	assert_int_equal(block_file_flush(b.file), SQLITE_OK);
	power_disk_bytes(b.disk, "file", &len);
	assert_int_equal(len, 4608);
	/* the very size is known again, not only the number of blocks */
	bench_reopen(&b);
	assert_int_equal(block_file_size(b.file), 8);
	bench_reset(&b);
}

static void
reads_behind_the_end_are_short_and_zeroed(void **state)
{
	struct bench b = bench_new(true);
	char out[8];

	(void)state;
	assert_int_equal(block_file_write(b.file, "abc", 3, 0), SQLITE_OK);
	memset(out, 'x', sizeof out);
	assert_int_equal(block_file_read(b.file, out, 8, 1), SQLITE_IOERR_SHORT_READ);
	assert_memory_equal(out, "bc\0\0\0\0\0\0", 8);
	assert_int_equal(block_file_read(b.file, out, 8, 5000), SQLITE_IOERR_SHORT_READ);
	bench_reset(&b);
}

static void
a_spoilt_slot_reads_as_zeroes_in_a_wal_and_fails_elsewhere(void **state)
{
	uint8_t block[BLOCK_SIZE], zero[BLOCK_SIZE] = { 0 }, out[BLOCK_SIZE];

	(void)state;
	memset(block, 'w', sizeof block);
	for (int zeroes = 0; zeroes < 2; zeroes++) {
		struct bench b = bench_new(zeroes == 1);

		for (int i = 0; i < 3; i++)
			assert_int_equal(block_file_write(b.file, block, 4096, i * 4096),
			    SQLITE_OK);
		bench_reopen(&b);
		power_disk_spoil(b.disk, "file", 4608 + 77, 1);
		if (zeroes == 1) {
			assert_int_equal(block_file_read(b.file, out, 4096, 4096), SQLITE_OK);
			assert_memory_equal(out, zero, sizeof out);
		} else {
			assert_int_equal(block_file_read(b.file, out, 4096, 4096),
			    SQLITE_IOERR_DATA);
		}
		assert_int_equal(block_file_read(b.file, out, 4096, 0), SQLITE_OK);
		assert_memory_equal(out, block, sizeof out);
		bench_reset(&b);
	}
}

/* Writes, reads, truncations and reopenings against a plain array. */
static void
behaves_like_a_plain_file_under_random_use(void **state)
{
	static uint8_t model[MODEL_MAX], data[9000], out[9000];
	struct bench b;
	unsigned seed = 12345;

	(void)state;
	for (int kind = 0; kind < 5; kind++) {
		int64_t size = 0;

		b = bench_new(kind > 0);
		b.options.kept = kind > 2 ? FEW : 0;
		/* one that lays out slots ahead is larger when it is opened again: it is not */
		if (kind == 2 || kind == 4)
			bench_lays_ahead(&b);
		else
			bench_reopen(&b);
		memset(model, 0, sizeof model);
		for (int step = 0; step < 20000; step++) {
			int op, n;
			int64_t at;

			seed = seed * 1664525u + 1013904223u;
			op = (int)(seed >> 28);
			n = 1 + (int)(seed >> 8) % 8999;
			at = (int64_t)(seed >> 4) % (MODEL_MAX - n);
			if (op < 6) {
				if (op < 4 && at > size)
					at = size;
				memset(data, (int)(seed >> 16) & 255, (size_t)n);
				memcpy(model + at, data, (size_t)n);
				size = at + n > size ? at + n : size;
				assert_int_equal(block_file_write(b.file, data, n, at), SQLITE_OK);
			} else if (op < 13) {
				int rc = block_file_read(b.file, out, n, at);

				assert_int_equal(rc,
				    at + n <= size ? SQLITE_OK : SQLITE_IOERR_SHORT_READ);
				assert_memory_equal(out, model + at, (size_t)n);
			} else if (op == 13) {
				if (at < size) {
					memset(model + at, 0, (size_t)(size - at));
					size = at;
				}
				assert_int_equal(block_file_truncate(b.file, at), SQLITE_OK);
			} else if (!b.options.ahead) {
				bench_reopen(&b);
			} else {
				assert_int_equal(block_file_flush(b.file), SQLITE_OK);
			}
			assert_int_equal(block_file_size(b.file), size);
		}
		bench_reset(&b);
	}
}

/* As at the end of a large transaction: the header of every frame is written again. */
static void
a_block_is_written_once_however_often_it_changes(void **state)
{
	struct bench b = bench_new(true);
	uint8_t block[BLOCK_SIZE];
	long before = power_disk_operations(b.disk);

	(void)state;
	for (int round = 0; round < 50; round++) {
		memset(block, round, sizeof block);
		assert_int_equal(block_file_write(b.file, block, 4096, round % 3 * 4096 + 100), SQLITE_OK);
	}
	assert_int_equal(power_disk_operations(b.disk), before);
	assert_int_equal(block_file_flush(b.file), SQLITE_OK);
	/* and those that stand together go together */
	assert_int_equal(power_disk_operations(b.disk), before + 1);
	assert_int_equal(block_file_flush(b.file), SQLITE_OK);
	assert_int_equal(power_disk_operations(b.disk), before + 1);
	bench_reset(&b);
}

static void
a_truncation_that_fails_loses_nothing(void **state)
{
	static const uint8_t zero[BLOCK_SIZE];
	struct bench b = bench_new(true);
	uint8_t block[BLOCK_SIZE], out[BLOCK_SIZE];

	(void)state;
	memset(block, 't', sizeof block);
	for (int i = 0; i < 4; i++)
		assert_int_equal(block_file_write(b.file, block, 4096, i * 4096), SQLITE_OK);
	power_disk_fail(b.disk, POWER_DISK_TRUNCATE, "file", 1, SQLITE_IOERR_TRUNCATE);
	assert_int_equal(block_file_truncate(b.file, 5000), SQLITE_IOERR_TRUNCATE);
	bench_reopen(&b);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(block_file_read(b.file, out, 4096, i * 4096), SQLITE_OK);
		assert_memory_equal(out, block, sizeof out);
	}
	assert_int_equal(block_file_truncate(b.file, 5000), SQLITE_OK);
	bench_reopen(&b);
	assert_int_equal(block_file_size(b.file), 5000);
	assert_int_equal(block_file_write(b.file, block, 1, 8191), SQLITE_OK);
	assert_int_equal(block_file_read(b.file, out, 3191, 5000), SQLITE_OK);
	assert_memory_equal(out, zero, 3191);
	bench_reset(&b);
}

static void
slots_are_laid_out_ahead_as_zeroes_and_read_so(void **state)
{
	static const uint8_t zero[BLOCK_SLOT];
	uint8_t block[BLOCK_SIZE], out[BLOCK_SIZE];
	struct bench b = bench_new(true);
	const uint8_t *p;
	int64_t len;

	(void)state;
	bench_lays_ahead(&b);
	memset(block, 'a', sizeof block);
	for (int i = 0; i < 5; i++)
		assert_int_equal(block_file_write(b.file, block, 4096, i * 4096), SQLITE_OK);
	assert_int_equal(block_file_flush(b.file), SQLITE_OK);
	p = power_disk_bytes(b.disk, "file", &len);
	assert_int_equal(len, 10 * BLOCK_SLOT);
	for (int i = 5; i < 10; i++)
		assert_memory_equal(p + i * BLOCK_SLOT, zero, BLOCK_SLOT);
	assert_int_equal(block_file_size(b.file), 5 * 4096);
	bench_reopen(&b);
	assert_int_equal(block_file_read(b.file, out, 4096, 4 * 4096), SQLITE_OK);
	assert_memory_equal(out, block, sizeof out);
	assert_int_equal(block_file_read(b.file, out, 4096, 5 * 4096), SQLITE_OK);
	assert_memory_equal(out, zero, sizeof out);
	assert_int_equal(block_file_truncate(b.file, 0), SQLITE_OK);
	power_disk_bytes(b.disk, "file", &len);
	assert_int_equal(len, 0);
	bench_reset(&b);
}

static void
a_disk_too_full_for_slots_ahead_takes_the_block_all_the_same(void **state)
{
	uint8_t block[BLOCK_SIZE] = { 'f' };
	struct bench b = bench_new(true);
	int64_t len;

	(void)state;
	bench_lays_ahead(&b);
	power_disk_limit(b.disk, 11 * BLOCK_SLOT);
	for (int i = 0; i < 11; i++)
		assert_int_equal(block_file_write(b.file, block, 4096, i * 4096), SQLITE_OK);
	assert_int_equal(block_file_flush(b.file), SQLITE_OK);
	power_disk_bytes(b.disk, "file", &len);
	assert_int_equal(len, 11 * BLOCK_SLOT);
	assert_int_equal(block_file_write(b.file, block, 4096, 11 * 4096), SQLITE_OK);
	assert_int_equal(block_file_flush(b.file), SQLITE_FULL);
	power_disk_limit(b.disk, 0);
	assert_int_equal(block_file_flush(b.file), SQLITE_OK);
	/* any other error is one */
	power_disk_fail(b.disk, POWER_DISK_WRITE, "file", 2, SQLITE_IOERR_WRITE);
	bench_reopen(&b);
	assert_int_equal(block_file_write(b.file, block, 4096, 12 * 4096), SQLITE_OK);
	assert_int_equal(block_file_flush(b.file), SQLITE_IOERR_WRITE);
	bench_reset(&b);
}

static void
errors_of_the_disk_come_through_unchanged(void **state)
{
	static uint8_t data[3 * 4096];
	struct bench b = bench_new(true);
	uint8_t out[16];

	(void)state;
	assert_int_equal(block_file_write(b.file, data, sizeof data, 0), SQLITE_OK);
	power_disk_fail(b.disk, POWER_DISK_WRITE, "file", 1, SQLITE_FULL);
	assert_int_equal(block_file_flush(b.file), SQLITE_FULL);
	assert_int_equal(block_file_flush(b.file), SQLITE_OK);
	bench_reopen(&b);
	power_disk_fail(b.disk, POWER_DISK_READ, "file", 1, SQLITE_IOERR_READ);
	assert_int_equal(block_file_read(b.file, out, 16, 4096), SQLITE_IOERR_READ);
	assert_int_equal(block_file_read(b.file, out, 16, 4096), SQLITE_OK);
	power_disk_fail(b.disk, POWER_DISK_TRUNCATE, "file", 1, SQLITE_IOERR_TRUNCATE);
	assert_int_equal(block_file_truncate(b.file, 0), SQLITE_IOERR_TRUNCATE);
	assert_int_equal(block_file_size(b.file), sizeof data);
	power_disk_fail(b.disk, POWER_DISK_SIZE, "file", 1, SQLITE_IOERR_FSTAT);
	block_file_free(b.file);
	assert_int_equal(block_file_new(b.key, b.below, b.options, &b.file), SQLITE_IOERR_FSTAT);
	assert_null(b.file);
	bench_reset(&b);
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
		cmocka_unit_test(a_page_is_sealed_as_formats_md_says),
		cmocka_unit_test(a_sealed_page_opens_only_at_its_place_in_its_file),
		cmocka_unit_test(nonces_never_repeat_not_even_in_a_forked_twin),
		cmocka_unit_test(a_slot_takes_whole_sectors_and_hides_its_contents),
		cmocka_unit_test(what_is_written_is_held_back_until_it_is_flushed),
		cmocka_unit_test(reads_behind_the_end_are_short_and_zeroed),
		cmocka_unit_test(a_spoilt_slot_reads_as_zeroes_in_a_wal_and_fails_elsewhere),
		cmocka_unit_test(behaves_like_a_plain_file_under_random_use),
		cmocka_unit_test(a_block_is_written_once_however_often_it_changes),
		cmocka_unit_test(a_truncation_that_fails_loses_nothing),
		cmocka_unit_test(slots_are_laid_out_ahead_as_zeroes_and_read_so),
		cmocka_unit_test(a_disk_too_full_for_slots_ahead_takes_the_block_all_the_same),
		cmocka_unit_test(errors_of_the_disk_come_through_unchanged),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
