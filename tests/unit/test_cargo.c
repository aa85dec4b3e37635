#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/arena.h"
#include "shared/sync/cargo.h"

/* A frame of three logs with every kind of write, made by hand or by a seed. */
enum { ENTRIES = 40, LOG_A = 0x1111, LOG_B = 0x2222, LOG_C = 0x3333, LOG_ELSEWHERE = 0x9999 };

struct fixture {
	struct arena arena;
	struct cargo_log logs[3];
	struct entry_tip tips[2];
	struct cargo_entry entries[ENTRIES];
	size_t n_entries;
	uint64_t seed;
};

static uint64_t
roll(struct fixture *f, uint64_t below)
{
	f->seed = f->seed * 6364136223846793005U + 1442695040888963407U;
	return (f->seed >> 33) % below;
}

static struct value
some_value(struct fixture *f)
{
	static const char *const words[] = { "Nguyễn Thị Hạnh", "thôn Bản Chu", "", "Lý", "x" };
	struct value v;

	memset(&v, 0, sizeof(v));
	v.type = (enum value_type)roll(f, 7);
	switch (v.type) {
	case VALUE_INTEGER:
		v.integer = (int64_t)roll(f, 2000) - 1000;
		break;
	case VALUE_TEXT:
		v.text = words[roll(f, 5)];
		break;
	case VALUE_CODE:
		v.text = roll(f, 2) ? "WOMEN" : "BORDER";
		break;
	case VALUE_DECIMAL:
		v.text = roll(f, 2) ? "-3.25" : "7";
		break;
	case VALUE_DATE:
		v.integer = (int64_t)(1990 + roll(f, 40)) << 9 | (int64_t)roll(f, 13) << 5;
		if ((v.integer >> 5 & 15) != 0)
			v.integer |= (int64_t)roll(f, 32);
		break;
	case VALUE_REFERENCE:
		v.reference.log = roll(f, 2) ? LOG_A : LOG_ELSEWHERE;
		v.reference.n = 1 + roll(f, 50);
		break;
	case VALUE_NOTHING:
	case VALUE_GROUP:
		break;
	}
	if (v.text != NULL)
		v.text_len = strlen(v.text);
	return v;
}

static void
some_replaces(struct fixture *f, struct write *w, const struct dot *record)
{
	struct address *a = arena_alloc(&f->arena, 3, sizeof(*a));

	assert_non_null(a);
	w->n_replaces = roll(f, 4);
	for (size_t i = 0; i < w->n_replaces; i++) {
		a[i].dot.log = i == 0 ? LOG_A : i == 1 ? LOG_C : LOG_ELSEWHERE;
		a[i].dot.n = i == 0 && record->log == LOG_A ? record->n : 1 + roll(f, 30);
		a[i].item = (uint32_t)roll(f, 3);
	}
	w->replaces = a;
}

static void
some_write(struct fixture *f, struct write *w, unsigned field, const struct dot *record)
{
	struct value *v = arena_alloc(&f->arena, 8, sizeof(*v));
	struct value_member *m = arena_alloc(&f->arena, 3, sizeof(*m));

	assert_non_null(v);
	assert_non_null(m);
	w->field = field;
	w->kind = (enum write_kind)roll(f, 3);
	some_replaces(f, w, record);
	w->values = v;
	if (w->kind == WRITE_ITEMS) {
		w->n_values = roll(f, 5);
		for (size_t i = 0; i < w->n_values; i++)
			v[i] = some_value(f);
	} else if (w->kind == WRITE_SET) {
		w->n_values = 1;
		v[0] = some_value(f);
		if (roll(f, 3) == 0) {
			v[0].type = VALUE_GROUP;
			v[0].members = m;
			v[0].n_members = 3;
			for (unsigned i = 0; i < 3; i++) {
				m[i].field = field + i;
				m[i].value = some_value(f);
			}
		}
	} else if (w->n_replaces == 0) {
		w->kind = WRITE_ITEMS;	/* a void strikes something through */
	}
}

static void
some_entry(struct fixture *f, struct cargo_entry *ce, struct dot dot)
{
	struct entry *e = &ce->entry;
	struct write *w = arena_alloc(&f->arena, 6, sizeof(*w));

	assert_non_null(w);
	e->dot = dot;
	if (roll(f, 10) == 0) {
		ce->hollow = 1;
		memset(ce->tag, (int)roll(f, 256), sizeof(ce->tag));
		return;
	}
	e->creates = roll(f, 2);
	e->restated = roll(f, 6) == 0;
	e->record = dot;
	if (!e->creates || e->restated) {
		e->record.log = roll(f, 2) ? LOG_A : LOG_B;
		e->record.n = 1 + roll(f, 9);
	}
	if (e->restated) {
		e->restates.log = LOG_ELSEWHERE;
		e->restates.n = 4;
	}
	e->form = roll(f, 2) ? "case" : "follow_up";
	e->form_len = strlen(e->form);
	e->form_version = (unsigned)roll(f, 3) + 1;
	e->saved_at = 1770000000 + (int64_t)roll(f, 100000) - 50000;
	if (roll(f, 4) == 0 || e->restated) {
		e->reason = "ghi nhầm";
		e->reason_len = strlen(e->reason);
	}
	e->writes = w;
	e->n_writes = roll(f, 6);
	for (size_t i = 0; i < e->n_writes; i++) {
		some_write(f, &w[i], (unsigned)(10 * (i + 1)), &e->record);
		if (w[i].kind == WRITE_VOID && e->reason == NULL) {
			e->reason = "ghi nhầm";
			e->reason_len = strlen(e->reason);
		}
	}
}

static void
make(struct fixture *f, uint64_t seed)
{
	static const uint64_t ids[3] = { LOG_A, LOG_B, LOG_C };
	size_t at = 0;

	memset(f, 0, sizeof(*f));
	f->seed = seed;
	arena_init(&f->arena, 0);
	f->tips[0].log = LOG_ELSEWHERE;
	f->tips[0].n = 12;
	f->tips[1].log = LOG_ELSEWHERE + 1;
	f->tips[1].n = 300;
	memset(f->tips[1].head, 0xab, sizeof(f->tips[1].head));
	for (size_t i = 0; i < 3; i++) {
		f->logs[i].log = ids[i];
		f->logs[i].first = i == 1 ? 7 : 1;
		f->logs[i].count = i == 2 ? ENTRIES - 25 : i == 0 ? 20 : 5;
		memset(f->logs[i].key, (int)(i + 1), sizeof(f->logs[i].key));
	}
	f->logs[0].tips = f->tips;
	f->logs[0].n_tips = 2;
	for (size_t i = 0; i < 3; i++)
		for (uint64_t k = 0; k < f->logs[i].count; k++)
			some_entry(f, &f->entries[at++],
			    (struct dot){ ids[i], f->logs[i].first + k });
	f->n_entries = at;
}

/* Entries that entry_encode takes: the codec itself is not the judge of the grammar. */
static void
drop_uncanonical(struct fixture *f)
{
	struct bytes b;

	for (size_t i = 0; i < f->n_entries; i++) {
		bytes_init(&b);
		if (!f->entries[i].hollow && entry_encode(&f->entries[i].entry, &b) != RC_OK) {
			memset(&f->entries[i], 0, sizeof(f->entries[i]));
			f->entries[i].hollow = 1;
		}
		bytes_reset(&b);
	}
}

static void
same_bodies(const struct cargo_entry *a, const struct cargo_entry *b)
{
	struct bytes x, y;

	bytes_init(&x);
	bytes_init(&y);
	assert_int_equal(a->hollow, b->hollow);
	if (a->hollow) {
		assert_memory_equal(a->tag, b->tag, sizeof(a->tag));
		return;
	}
	assert_int_equal(entry_encode(&a->entry, &x), RC_OK);
	assert_int_equal(entry_encode(&b->entry, &y), RC_OK);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.data, y.data, x.len);
	bytes_reset(&x);
	bytes_reset(&y);
}

static void
gives_back_every_entry_as_it_was(void **state)
{
	struct fixture f;
	struct cargo c;
	struct bytes b;
	size_t bodies = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		make(&f, seed);
		drop_uncanonical(&f);
		bytes_init(&b);
		assert_int_equal(cargo_encode(f.logs, 3, f.entries, f.n_entries, &b), RC_OK);
		assert_int_equal(cargo_decode(b.data, b.len, f.logs, 3, &c), RC_OK);
		assert_int_equal(c.n_entries, f.n_entries);
		for (size_t i = 0; i < f.n_entries; i++) {
			same_bodies(&f.entries[i], &c.entries[i]);
			bodies += !f.entries[i].hollow;
		}
		assert_int_equal(c.logs[0].n_tips, 2);
		assert_memory_equal(c.logs[0].tips, f.tips, sizeof(f.tips));
		assert_memory_equal(c.logs[2].key, f.logs[2].key, ENTRY_LOG_KEY_BYTES);
		cargo_reset(&c);
		bytes_reset(&b);
		arena_reset(&f.arena);
	}
	assert_true(bodies > 1000);	/* else the test looked at little */
}

/* Bodies in place of decoded entries: the bytes are the same; `own` are the bodies. */
static void
by_bodies(const struct fixture *f, struct cargo_entry *entries, struct bytes *own)
{
	memset(entries, 0, ENTRIES * sizeof(*entries));
	for (size_t i = 0; i < f->n_entries; i++) {
		bytes_init(&own[i]);
		entries[i].hollow = f->entries[i].hollow;
		memcpy(entries[i].tag, f->entries[i].tag, sizeof(entries[i].tag));
		if (entries[i].hollow)
			continue;
		assert_int_equal(entry_encode(&f->entries[i].entry, &own[i]), RC_OK);
		entries[i].body = own[i].data;
		entries[i].body_len = own[i].len;
	}
}

static void
writes_the_same_from_bodies_as_from_decoded_entries(void **state)
{
	struct cargo_entry entries[ENTRIES];
	struct bytes own[ENTRIES], a, b;
	struct fixture f;
	size_t k = 0;

	(void)state;
	make(&f, 11);
	drop_uncanonical(&f);
	by_bodies(&f, entries, own);
	bytes_init(&a);
	bytes_init(&b);
	assert_int_equal(cargo_encode(f.logs, 3, f.entries, f.n_entries, &a), RC_OK);
	assert_int_equal(cargo_encode(f.logs, 3, entries, f.n_entries, &b), RC_OK);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	bytes_reset(&b);
	while (entries[k].hollow)
		k++;
	entries[k].body_len--;
	assert_int_equal(cargo_encode(f.logs, 3, entries, f.n_entries, &b), RC_FORMAT);
	for (size_t i = 0; i < f.n_entries; i++)
		bytes_reset(&own[i]);
	bytes_reset(&a);
	bytes_reset(&b);
	arena_reset(&f.arena);
}

static void
refuses_every_truncation(void **state)
{
	struct fixture f;
	struct cargo c;
	struct bytes b;

	(void)state;
	make(&f, 5);
	drop_uncanonical(&f);
	bytes_init(&b);
	assert_int_equal(cargo_encode(f.logs, 3, f.entries, f.n_entries, &b), RC_OK);
	for (size_t n = 0; n < b.len; n++)
		assert_int_not_equal(cargo_decode(b.data, n, f.logs, 3, &c), RC_OK);
	bytes_reset(&b);
	arena_reset(&f.arena);
}

static void
survives_every_flipped_bit(void **state)
{
	struct fixture f;
	struct cargo c;
	struct bytes b;

	(void)state;
	make(&f, 9);
	drop_uncanonical(&f);
	bytes_init(&b);
	assert_int_equal(cargo_encode(f.logs, 3, f.entries, f.n_entries, &b), RC_OK);
	for (size_t i = 0; i < 8 * b.len; i++) {
		b.data[i / 8] ^= (uint8_t)(1U << i % 8);
		/* it may still be a cargo, but then one of the same entries' places */
		if (cargo_decode(b.data, b.len, f.logs, 3, &c) == RC_OK) {
			assert_int_equal(c.n_entries, f.n_entries);
			cargo_reset(&c);
		}
		b.data[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	bytes_reset(&b);
	arena_reset(&f.arena);
}

static void
keeps_newer_formats_apart_from_broken_ones(void **state)
{
	static const uint8_t newer[] = { 2, 0, 0 }, dictionary[] = { 1, 99, 0, 3, 0 };
	static const uint8_t bomb[] = { 1, 0, 0x80, 0x80, 0x80, 0x04, 3, 0 };
	struct cargo_log log = { .log = 1, .first = 1, .count = 1 };
	struct cargo c;

	(void)state;
	assert_int_equal(cargo_decode(newer, sizeof(newer), &log, 1, &c), RC_NEWER);
	assert_int_equal(cargo_decode(dictionary, sizeof(dictionary), &log, 1, &c), RC_NEWER);
	/* 8 MiB out of two bytes */
	assert_int_equal(cargo_decode(bomb, sizeof(bomb), &log, 1, &c), RC_LIMIT);
	assert_int_equal(cargo_decode(newer, 0, &log, 1, &c), RC_FORMAT);
}

static void
refuses_ranges_that_are_not_those_of_the_entries(void **state)
{
	struct fixture f;
	struct cargo c;
	struct bytes b;

	(void)state;
	make(&f, 3);
	drop_uncanonical(&f);
	bytes_init(&b);
	assert_int_equal(cargo_encode(f.logs, 3, f.entries, f.n_entries, &b), RC_OK);
	f.logs[2].count++;
	assert_int_not_equal(cargo_decode(b.data, b.len, f.logs, 3, &c), RC_OK);
	f.logs[2].count -= 2;
	assert_int_not_equal(cargo_decode(b.data, b.len, f.logs, 3, &c), RC_OK);
	bytes_reset(&b);
	arena_reset(&f.arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_every_entry_as_it_was),
		cmocka_unit_test(writes_the_same_from_bodies_as_from_decoded_entries),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(survives_every_flipped_bit),
		cmocka_unit_test(keeps_newer_formats_apart_from_broken_ones),
		cmocka_unit_test(refuses_ranges_that_are_not_those_of_the_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
