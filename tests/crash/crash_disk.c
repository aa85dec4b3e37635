#include <stdlib.h>
#include <string.h>

#include "tests/crash/crash_disk.h"
#include "tests/crash/crash_file.h"

enum { NAMES_MAX = 64 };

struct entry {
	char name[CRASH_NAME_MAX];
	int file;
};

struct folder {
	struct entry entries[NAMES_MAX];
	size_t n;
};

struct crash_disk {
	struct crash_file *files;
	size_t n_files, room;
	struct folder now, safe;
	struct crash_op pending[NAMES_MAX];	/* changes of names, unsynced */
	size_t n_pending;
	struct crash_log *log;
	long cut_in, fail_sync_in;
	int64_t limit;
	bool off;
};

uint64_t
crash_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t
crash_mix(uint64_t a, uint64_t b)
{
	uint64_t state = a ^ (b + 1) * 0xd6e8feb86659fd93u;

	return crash_random(&state);
}

static void *
need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* Names ----------------------------------------------------------------- */

static struct entry *
folder_find(struct folder *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->entries[i].name, name) == 0)
			return &f->entries[i];
	}
	return NULL;
}

static void
folder_remove(struct folder *f, const char *name)
{
	struct entry *e = folder_find(f, name);

	if (e != NULL)
		*e = f->entries[--f->n];
}

static void
folder_put(struct folder *f, const char *name, int file)
{
	struct entry *e = folder_find(f, name);

	if (e == NULL) {
		must(f->n < NAMES_MAX);
		e = &f->entries[f->n++];
		memcpy(e->name, name, strlen(name) + 1);
	}
	e->file = file;
}

static void
folder_apply(struct folder *f, const struct crash_op *op)
{
	if (op->kind == CRASH_UNLINK) {
		folder_remove(f, op->name);
		return;
	}
	if (op->kind == CRASH_RENAME)
		folder_remove(f, op->name);
	folder_put(f, op->kind == CRASH_MAKE ? op->name : op->to, op->file);
}

/* A rename on a folder that keeps no log: the name may be at neither place, or at both. */
static void
folder_tear(struct folder *f, const struct crash_op *op, bool lost)
{
	if (op->kind != CRASH_RENAME) {
		folder_apply(f, op);
	} else if (lost) {
		folder_remove(f, op->name);
		folder_remove(f, op->to);
	} else {
		folder_put(f, op->to, op->file);
	}
}

static void
folder_settle(struct crash_disk *d, uint64_t fate, bool tears)
{
	uint64_t way = crash_random(&fate) % 8;
	size_t first = d->n_pending == 0 ? 0 : crash_random(&fate) % (d->n_pending + 1);

	for (size_t i = 0; i < d->n_pending; i++) {
		const struct crash_op *op = &d->pending[i];
		uint64_t random = crash_random(&fate);

		if (way < 2 || (way < 5 && i < first) || (way == 5 && random % 2 == 0))
			folder_apply(&d->safe, op);
		else if (way == 6 && tears && random % 2 == 0)
			folder_tear(&d->safe, op, (random & 4) != 0);
	}
	d->n_pending = 0;
	d->now = d->safe;
}

/* The disk -------------------------------------------------------------- */

void
crash_log_reset(struct crash_log *log)
{
	for (size_t i = 0; i < log->n; i++)
		free(log->ops[i].data);
	free(log->ops);
	memset(log, 0, sizeof *log);
}

static void
log_op(struct crash_log *log, const struct crash_op *op)
{
	struct crash_op *to;

	if (log == NULL)
		return;
	if (log->n == log->room) {
		log->room = log->room == 0 ? 256 : log->room * 2;
		log->ops = need(realloc(log->ops, log->room * sizeof *log->ops));
	}
	to = &log->ops[log->n++];
	*to = *op;
	if (op->data != NULL) {
		to->data = need(malloc((size_t)op->len));
		memcpy(to->data, op->data, (size_t)op->len);
	}
}

struct crash_disk *
crash_disk_new(void)
{
	return need(calloc(1, sizeof(struct crash_disk)));
}

struct crash_disk *
crash_disk_copy(const struct crash_disk *from)
{
	struct crash_disk *d = need(malloc(sizeof *d));

	*d = *from;
	d->room = from->n_files + 8;
	d->files = need(malloc(d->room * sizeof *d->files));
	for (size_t i = 0; i < d->n_files; i++)
		crash_file_copy(&from->files[i], &d->files[i]);
	d->log = NULL;
	d->cut_in = d->fail_sync_in = 0;
	d->limit = 0;
	return d;
}

void
crash_disk_free(struct crash_disk *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n_files; i++)
		crash_file_reset(&d->files[i]);
	free(d->files);
	free(d);
}

void
crash_disk_record(struct crash_disk *d, struct crash_log *log)
{
	d->log = log;
}

void
crash_disk_cut_in(struct crash_disk *d, long n)
{
	d->cut_in = n;
}

bool
crash_disk_is_off(const struct crash_disk *d)
{
	return d->off;
}

void
crash_disk_fail_sync_in(struct crash_disk *d, long n)
{
	d->fail_sync_in = n;
}

void
crash_disk_limit(struct crash_disk *d, int64_t bytes)
{
	d->limit = bytes;
}

int64_t
crash_disk_used(const struct crash_disk *d)
{
	int64_t used = 0;

	for (size_t i = 0; i < d->n_files; i++)
		used += d->files[i].now_len;
	return used;
}

bool
crash_disk_fits(const struct crash_disk *d, int file, int64_t end)
{
	int64_t grows = end - crash_disk_size(d, file);

	return d->limit == 0 || grows <= 0 || crash_disk_used(d) + grows <= d->limit;
}

static struct crash_file *
file_of(const struct crash_disk *d, int file)
{
	must(file >= 0 && (size_t)file < d->n_files);
	return &d->files[file];
}

static int
file_new(struct crash_disk *d, bool unnamed)
{
	if (d->n_files == d->room) {
		d->room = d->room == 0 ? 8 : d->room * 2;
		d->files = need(realloc(d->files, d->room * sizeof *d->files));
	}
	memset(&d->files[d->n_files], 0, sizeof *d->files);
	d->files[d->n_files].unnamed = unnamed;
	return (int)d->n_files++;
}

static void
change_names(struct crash_disk *d, const struct crash_op *op)
{
	must(d->n_pending < NAMES_MAX);
	folder_apply(&d->now, op);
	d->pending[d->n_pending++] = *op;
}

void
crash_disk_apply(struct crash_disk *d, const struct crash_op *op)
{
	switch (op->kind) {
	case CRASH_WRITE:
		crash_file_write(file_of(d, op->file), op->data, op->len, op->offset);
		break;
	case CRASH_TRUNCATE:
		crash_file_truncate(file_of(d, op->file), op->len);
		break;
	case CRASH_SYNC:
		crash_file_sync(file_of(d, op->file));
		break;
	case CRASH_MAKE:
		must(file_new(d, op->name[0] == '\0') == op->file);
		if (op->name[0] != '\0')
			change_names(d, op);
		break;
	case CRASH_LINK:
	case CRASH_RENAME:
	case CRASH_UNLINK:
		change_names(d, op);
		break;
	case CRASH_SYNC_FOLDER:
		d->safe = d->now;
		d->n_pending = 0;
		break;
	}
}

/* One operation of a running program.  What the cut falls into is begun, not finished. */
static bool
perform(struct crash_disk *d, struct crash_op *op)
{
	bool sync = op->kind == CRASH_SYNC || op->kind == CRASH_SYNC_FOLDER;

	if (d->off)
		return false;
	if (op->kind == CRASH_SYNC && d->fail_sync_in > 0 && --d->fail_sync_in == 0)
		return false;
	if (d->cut_in > 0 && --d->cut_in == 0)
		d->off = true;
	if (!d->off || !sync) {
		log_op(d->log, op);
		crash_disk_apply(d, op);
	}
	return !d->off;
}

void
crash_disk_settle(struct crash_disk *d, uint64_t fate, bool tears)
{
	folder_settle(d, crash_random(&fate), tears);
	for (size_t i = 0; i < d->n_files; i++) {
		if (d->files[i].unnamed)
			crash_file_reset(&d->files[i]);
		else
			crash_file_settle(&d->files[i], crash_random(&fate));
	}
	d->off = false;
	d->cut_in = d->fail_sync_in = 0;
}

int
crash_disk_find(const struct crash_disk *d, const char *name)
{
	for (size_t i = 0; i < d->now.n; i++) {
		if (strcmp(d->now.entries[i].name, name) == 0)
			return d->now.entries[i].file;
	}
	return -1;
}

unsigned
crash_disk_names(const struct crash_disk *d, int file)
{
	unsigned n = 0;

	for (size_t i = 0; i < d->now.n; i++)
		n += d->now.entries[i].file == file;
	return n;
}

const char *
crash_disk_name(const struct crash_disk *d, size_t i)
{
	return i < d->now.n ? d->now.entries[i].name : NULL;
}

static void
set_name(char to[CRASH_NAME_MAX], const char *name)
{
	must(strlen(name) < CRASH_NAME_MAX);
	memcpy(to, name, strlen(name) + 1);
}

int
crash_disk_make(struct crash_disk *d, const char *name)
{
	struct crash_op op = { .kind = CRASH_MAKE, .file = (int)d->n_files };

	if (name != NULL)
		set_name(op.name, name);
	return perform(d, &op) ? op.file : -1;
}

bool
crash_disk_link(struct crash_disk *d, const char *name, const char *to)
{
	struct crash_op op = { .kind = CRASH_LINK, .file = crash_disk_find(d, name) };

	set_name(op.name, name);
	set_name(op.to, to);
	return perform(d, &op);
}

bool
crash_disk_rename(struct crash_disk *d, const char *name, const char *to)
{
	struct crash_op op = { .kind = CRASH_RENAME, .file = crash_disk_find(d, name) };

	set_name(op.name, name);
	set_name(op.to, to);
	return perform(d, &op);
}

bool
crash_disk_unlink(struct crash_disk *d, const char *name)
{
	struct crash_op op = { .kind = CRASH_UNLINK, .file = crash_disk_find(d, name) };

	set_name(op.name, name);
	return perform(d, &op);
}

bool
crash_disk_sync_folder(struct crash_disk *d)
{
	struct crash_op op = { .kind = CRASH_SYNC_FOLDER };

	return perform(d, &op);
}

int64_t
crash_disk_size(const struct crash_disk *d, int file)
{
	return file_of(d, file)->now_len;
}

int64_t
crash_disk_read(const struct crash_disk *d, int file, void *buf, int64_t len, int64_t offset)
{
	return d->off ? -1 : crash_file_read(file_of(d, file), buf, len, offset);
}

bool
crash_disk_write(struct crash_disk *d, int file, const void *buf, int64_t len, int64_t offset)
{
	union { const void *in; void *out; } u = { buf };
	struct crash_op op = { .kind = CRASH_WRITE, .file = file, .offset = offset, .len = len,
		.data = u.out };

	return perform(d, &op);
}

bool
crash_disk_truncate(struct crash_disk *d, int file, int64_t size)
{
	struct crash_op op = { .kind = CRASH_TRUNCATE, .file = file, .len = size };

	return perform(d, &op);
}

bool
crash_disk_sync(struct crash_disk *d, int file)
{
	struct crash_op op = { .kind = CRASH_SYNC, .file = file };

	return perform(d, &op);
}

struct crash_chunk *
crash_disk_chunk(const struct crash_disk *d, int file, size_t i)
{
	const struct crash_file *f = file_of(d, file);

	return i < f->room ? f->now[i] : NULL;
}

void
crash_disk_spoil(struct crash_disk *d, int file, int64_t sector, uint64_t fate)
{
	must((sector + 1) * CRASH_SECTOR <= crash_disk_size(d, file));
	crash_file_spoil(file_of(d, file), sector, fate);
}

bool
crash_disk_holds(const struct crash_disk *d, int file, const void *needle, size_t len)
{
	return crash_file_holds(file_of(d, file), needle, len);
}
