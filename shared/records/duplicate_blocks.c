#include "shared/records/duplicate_blocks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct key {
	uint64_t key;
	uint32_t person;		/* index */
};

struct blocks {
	const struct duplicate_person *persons;
	const struct duplicate_scale *scale;
	duplicate_each_pair *each;
	void *ctx;
	struct key *keys;
	size_t n, cap;
};

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h ^= v + UINT64_C(0x9e3779b97f4a7c15) + (h << 6) + (h >> 2);
	h ^= h >> 29;
	h *= UINT64_C(0xbf58476d1ce4e5b9);
	return h ^ h >> 32;
}

static enum rc
put(struct blocks *b, size_t person, uint64_t key)
{
	if (b->n == b->cap) {
		size_t cap = b->cap == 0 ? 1024 : b->cap * 2;
		struct key *grown = realloc(b->keys, cap * sizeof(*grown));

		if (grown == NULL)
			return RC_NOMEM;
		b->keys = grown;
		b->cap = cap;
	}
	b->keys[b->n++] = (struct key){ key, (uint32_t)person };
	return RC_OK;
}

/* Keys ----------------------------------------------------------------- */

static enum rc
key_phone(struct blocks *b, size_t i)
{
	const struct duplicate_person *p = &b->persons[i];

	return p->phone == 0 ? RC_OK : put(b, i, p->phone);
}

static enum rc
key_paper(struct blocks *b, size_t i)
{
	const struct duplicate_person *p = &b->persons[i];
	uint64_t h = 1;

	for (size_t k = 0; k < p->paper_len; k++)
		h = mix(h, (uint8_t)p->paper[k]);
	return p->paper_len == 0 ? RC_OK : put(b, i, h);
}

/* The year alone makes no block: 1 January is mostly that. */
static enum rc
key_birth(struct blocks *b, size_t i)
{
	const struct duplicate_person *p = &b->persons[i];
	uint64_t low = p->day < p->month ? p->day : p->month;
	uint64_t high = p->day < p->month ? p->month : p->day;

	if (p->year == 0 || p->day == 0 || (p->day == 1 && p->month == 1))
		return RC_OK;
	return put(b, i, mix(mix((uint64_t)p->year, low), high));
}

/* The name and, after it, the other names: their words as they sound. */
static const struct duplicate_name *
name_at(const struct blocks *b, size_t i, uint32_t k)
{
	const struct duplicate_person *p = &b->persons[i];

	return k == 0 ? &p->name : &b->scale->others[p->others + k - 1];
}

static uint32_t
sound(const struct blocks *b, const struct duplicate_name *name, size_t i)
{
	return duplicate_words_sound(b->scale->words, name->word[i]);
}

static enum rc
key_name(struct blocks *b, size_t i)
{
	enum rc rc = RC_OK;

	for (uint32_t k = 0; rc == RC_OK && k <= b->persons[i].n_others; k++) {
		const struct duplicate_name *name = name_at(b, i, k);
		uint64_t all = 0;

		/* a sum: the order does not matter, and neither does "Thị" or "Văn" */
		for (size_t w = 0; w < name->n; w++)
			if (!duplicate_words_is_padding(b->scale->words, name->word[w]))
				all += mix(7, sound(b, name, w));
		if (all != 0)
			rc = put(b, i, all);
	}
	return rc;
}

/* Two words of the name, in either order, and something else. */
static enum rc
put_word_pairs(struct blocks *b, size_t i, uint64_t with)
{
	const struct duplicate_name *name = name_at(b, i, 0);
	enum rc rc = RC_OK;

	for (size_t x = 0; rc == RC_OK && x < name->n; x++)
		for (size_t y = x + 1; rc == RC_OK && y < name->n; y++)
			rc = put(b, i, mix(mix(11, sound(b, name, x)) + mix(11, sound(b, name, y)), with));
	return rc;
}

static enum rc
key_words_and_year(struct blocks *b, size_t i)
{
	const struct duplicate_person *p = &b->persons[i];

	return p->year == 0 ? RC_OK : put_word_pairs(b, i, (uint64_t)p->year);
}

static enum rc
key_words_and_commune(struct blocks *b, size_t i)
{
	const struct duplicate_person *p = &b->persons[i];
	enum rc rc = RC_OK;

	if (p->registered != 0)
		rc = put_word_pairs(b, i, UINT64_C(1) << 32 | p->registered);
	if (rc == RC_OK && p->current != 0 && p->current != p->registered)
		rc = put_word_pairs(b, i, UINT64_C(1) << 32 | p->current);
	return rc;
}

typedef enum rc key_maker(struct blocks *b, size_t person);
static key_maker *const KINDS[] = {
	key_phone, key_paper, key_birth, key_name, key_words_and_year, key_words_and_commune
};

/* Blocks --------------------------------------------------------------- */

static int
by_key(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->person < y->person ? -1 : x->person > y->person;
}

static size_t
end_of_block(const struct key *keys, size_t from, size_t n)
{
	size_t end = from + 1;

	while (end < n && keys[end].key == keys[from].key)
		end++;
	return end;
}

static enum rc
pairs_of(struct blocks *b, const struct key *keys, size_t n)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < n; i++)
		for (size_t k = i + 1; rc == RC_OK && k < n; k++)
			if (keys[i].person != keys[k].person)
				rc = b->each(b->ctx, &b->persons[keys[i].person],
				    &b->persons[keys[k].person]);
	return rc;
}

/* A large block once more, parted by commune (1), then by year (2). */
static void
part(struct blocks *b, struct key *keys, size_t n, int how)
{
	for (size_t i = 0; i < n; i++) {
		const struct duplicate_person *p = &b->persons[keys[i].person];
		uint32_t place = p->registered != 0 ? p->registered : p->current;
		int year = p->year != 0 ? p->year : p->about;

		keys[i].key = mix(keys[i].key, how == 1 ? place : (uint64_t)year);
	}
	qsort(keys, n, sizeof(*keys), by_key);
}

static enum rc
blocks_of(struct blocks *b, struct key *keys, size_t n)
{
	enum rc rc = RC_OK;

	for (size_t i = 0, end; rc == RC_OK && i < n; i = end) {
		end = end_of_block(keys, i, n);
		if (end - i <= DUPLICATE_BLOCK_MAX) {
			rc = pairs_of(b, keys + i, end - i);
			continue;
		}
		part(b, keys + i, end - i, 1);
		for (size_t k = i, last; rc == RC_OK && k < end; k = last) {
			last = end_of_block(keys, k, end);
			if (last - k <= DUPLICATE_BLOCK_MAX) {
				rc = pairs_of(b, keys + k, last - k);
				continue;
			}
			part(b, keys + k, last - k, 2);
			for (size_t m = k, stop; rc == RC_OK && m < last; m = stop) {
				stop = end_of_block(keys, m, last);
				if (stop - m <= DUPLICATE_BLOCK_MAX)
					rc = pairs_of(b, keys + m, stop - m);
			}
		}
	}
	return rc;
}

enum rc
duplicate_blocks_each(const struct duplicate_person *persons, size_t n,
    const struct duplicate_scale *scale, duplicate_each_pair *each, void *ctx)
{
	struct blocks b = { .persons = persons, .scale = scale, .each = each, .ctx = ctx };
	enum rc rc = RC_OK;

	for (size_t k = 0; rc == RC_OK && k < sizeof(KINDS) / sizeof(KINDS[0]); k++) {
		b.n = 0;
		for (size_t i = 0; rc == RC_OK && i < n; i++)
			rc = KINDS[k](&b, i);
		if (rc != RC_OK || b.n == 0)
			continue;
		qsort(b.keys, b.n, sizeof(*b.keys), by_key);
		rc = blocks_of(&b, b.keys, b.n);
	}
	free(b.keys);
	return rc;
}

enum rc
duplicate_blocks_count_phones(struct duplicate_person *persons, size_t n)
{
	struct blocks b = { .persons = persons };
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = key_phone(&b, i);
	if (rc == RC_OK && b.n > 0)
		qsort(b.keys, b.n, sizeof(*b.keys), by_key);
	for (size_t i = 0, end; rc == RC_OK && i < b.n; i = end) {
		end = end_of_block(b.keys, i, b.n);
		for (size_t k = i; k < end; k++)
			persons[b.keys[k].person].phones = (uint32_t)(end - i);
	}
	free(b.keys);
	return rc;
}
