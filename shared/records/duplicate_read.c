#include "shared/records/duplicate_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "shared/base/phone.h"
#include "shared/records/duplicate.h"
#include "shared/records/duplicate_blocks.h"
#include "shared/records/duplicate_cluster.h"
#include "shared/vault/query.h"

/* What is read of a person, in the order of the columns; a form may lack some. */
static const char *const FIELDS[] = {
	"full_name", "sex", "birth_date", "est_age", "est_age_asof", "id_number", "phone",
	"registered_commune", "current_commune", "address_text", "ethnicity",
};
enum column {
	NAME, SEX, BIRTH, AGE, AGE_ON, PAPER, PHONE, REGISTERED, CURRENT, ADDRESS, ETHNICITY, COLUMNS,
	ID = COLUMNS, CLUSTER, CREATED
};

/* One person ----------------------------------------------------------- */

static uint64_t
phone_of(const char *text)
{
	char e164[PHONE_MAX], domestic[PHONE_MAX];
	uint64_t h = 1469598103934665603u;
	size_t digits = 0;

	if (phone_e164(text, e164)) {
		phone_domestic(e164, domestic);
		text = domestic;
	}
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			continue;
		h = (h ^ (uint8_t)*text) * 1099511628211u;
		digits++;
	}
	/* a hotline is nobody's own */
	return digits < 8 ? 0 : h == 0 ? 1 : h;
}

static void
set_paper(struct duplicate_person *p, const char *text)
{
	for (; *text != '\0' && p->paper_len < DUPLICATE_PAPER_MAX; text++) {
		if ((*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'Z'))
			p->paper[p->paper_len++] = *text;
		else if (*text >= 'a' && *text <= 'z')
			p->paper[p->paper_len++] = (char)(*text - 'a' + 'A');
	}
	if (p->paper_len < 5)		/* "không", a serial number of a form: no papers */
		p->paper_len = 0;
}

static void
set_birth(struct duplicate_person *p, struct sqlite3_stmt *q)
{
	struct date d, on;
	const char *asked = query_column_text(q, AGE_ON);

	if (date_parse(query_column_text(q, BIRTH), &d) == RC_OK) {
		p->year = (int16_t)d.year;
		p->month = (uint8_t)d.month;
		p->day = (uint8_t)d.day;
	}
	if (query_column_is_null(q, AGE))
		return;
	if (date_parse(asked, &on) != RC_OK)
		date_at(query_column_int(q, CREATED), &on);
	p->about = (int16_t)(on.year - (int)query_column_int(q, AGE));
}

/* A commune or ethnicity as a number; the lists are kept apart by a letter. */
static enum rc
code_of(struct duplicate_persons *all, char list, const char *code, uint32_t *out)
{
	char text[40];
	struct duplicate_name one;
	enum rc rc;

	*out = 0;
	if (code[0] == '\0')
		return RC_OK;
	snprintf(text, sizeof(text), "%c0%.30s", list, code);
	for (char *s = text; *s != '\0'; s++)
		if (*s == '_' || *s == '-' || *s == '.')
			*s = 'x';
	rc = duplicate_words_read(all->places, text, true, &one);
	*out = one.n > 0 ? one.word[0] : 0;
	return rc;
}

static enum rc
set_place(struct duplicate_persons *all, struct duplicate_person *p, struct sqlite3_stmt *q)
{
	struct duplicate_name words;
	enum rc rc = code_of(all, 'c', query_column_text(q, REGISTERED), &p->registered);

	if (rc == RC_OK)
		rc = code_of(all, 'c', query_column_text(q, CURRENT), &p->current);
	if (rc == RC_OK)
		rc = code_of(all, 'e', query_column_text(q, ETHNICITY), &p->ethnicity);
	if (rc == RC_OK)
		rc = duplicate_words_read(all->places, query_column_text(q, ADDRESS), false, &words);
	for (size_t i = 0; rc == RC_OK && i < words.n && i < DUPLICATE_ADDRESS_WORDS; i++)
		p->address[i] = words.word[i];
	return rc;
}

static enum rc
add_person(struct duplicate_persons *all, struct sqlite3_stmt *q)
{
	const char *sex = query_column_text(q, SEX);
	struct duplicate_person *p;
	enum rc rc;

	if (all->n == all->cap) {
		size_t cap = all->cap == 0 ? 256 : all->cap * 2;

		if ((p = realloc(all->all, cap * sizeof(*p))) == NULL)
			return RC_NOMEM;
		all->all = p;
		all->cap = cap;
	}
	p = &all->all[all->n];
	memset(p, 0, sizeof(*p));
	p->id = query_column_int(q, ID);
	p->cluster = query_column_is_null(q, CLUSTER) ? p->id : query_column_int(q, CLUSTER);
	p->sex = strcmp(sex, "M") == 0 || strcmp(sex, "F") == 0 ? sex[0] : '\0';
	p->phone = phone_of(query_column_text(q, PHONE));
	set_paper(p, query_column_text(q, PAPER));
	set_birth(p, q);
	if ((rc = duplicate_words_read(all->words, query_column_text(q, NAME), true,
	    &p->name)) != RC_OK)
		return rc;
	all->n++;
	return set_place(all, p, q);
}

/* All of them ---------------------------------------------------------- */

static enum rc
read_persons(struct sqlite3 *db, const struct form *form, struct duplicate_persons *all,
    struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	struct bytes sql;
	bool row;
	enum rc rc;

	bytes_init(&sql);
	bytes_text(&sql, "SELECT ");
	for (size_t i = 0; i < COLUMNS; i++)
		bytes_printf(&sql, "%s, ", form_field_named(form, FIELDS[i]) != NULL ? FIELDS[i] : "NULL");
	bytes_text(&sql, "id, cluster, created_at FROM form_" DUPLICATE_PERSON_FORM
	    " WHERE alive ORDER BY id");
	rc = sql.rc != RC_OK ? sql.rc : query_open(db, err, &q, bytes_cstr(&sql), "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		if (all->n == DUPLICATE_PERSONS_MAX)
			rc = error_set(err, RC_LIMIT, NULL, "ask for them unit by unit",
			    "more than %d persons to compare", DUPLICATE_PERSONS_MAX);
		else
			rc = add_person(all, q);
	}
	query_close(q);
	bytes_reset(&sql);
	return rc;
}

/* Where an id stands, or would. */
static size_t
place_of(const struct duplicate_persons *all, int64_t id)
{
	size_t low = 0, high = all->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (all->all[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct duplicate_person *
duplicate_persons_find(const struct duplicate_persons *p, int64_t id)
{
	size_t at = place_of(p, id);

	return at < p->n && p->all[at].id == id ? &p->all[at] : NULL;
}

static enum rc
add_other(struct duplicate_persons *all, struct duplicate_person *p, const char *text)
{
	if (all->n_others == all->cap_others) {
		size_t cap = all->cap_others == 0 ? 256 : all->cap_others * 2;
		struct duplicate_name *grown = realloc(all->others, cap * sizeof(*grown));

		if (grown == NULL)
			return RC_NOMEM;
		all->others = grown;
		all->cap_others = cap;
	}
	if (p->n_others == 0)
		p->others = (uint32_t)all->n_others;
	p->n_others++;
	return duplicate_words_read(all->words, text, false, &all->others[all->n_others++]);
}

static enum rc
read_others(struct sqlite3 *db, struct duplicate_persons *all, struct error *err)
{
	enum { OTHERS_MAX = 8 };
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc = query_open(db, err, &q, "SELECT id, value FROM form_person__other_names"
	    " WHERE NOT voided ORDER BY id", "");

	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		size_t at = place_of(all, query_column_int(q, 0));

		if (at < all->n && all->all[at].id == query_column_int(q, 0) &&
		    all->all[at].n_others < OTHERS_MAX)
			rc = add_other(all, &all->all[at], query_column_text(q, 1));
	}
	query_close(q);
	return rc;
}

/* How seldom two strangers share a commune or an ethnicity. */
static enum rc
weigh(struct duplicate_persons *all)
{
	size_t most = 0, *counts;

	for (size_t i = 0; i < all->n; i++) {
		const struct duplicate_person *p = &all->all[i];
		size_t highest = p->registered > p->current ? p->registered : p->current;

		highest = p->ethnicity > highest ? p->ethnicity : highest;
		most = highest > most ? highest : most;
	}
	counts = calloc(most + 1, sizeof(*counts));
	all->bits = calloc(most + 1, sizeof(*all->bits));
	if (counts == NULL || all->bits == NULL) {
		free(counts);
		return RC_NOMEM;
	}
	for (size_t i = 0; i < all->n; i++) {
		counts[all->all[i].registered]++;
		counts[all->all[i].ethnicity]++;
		if (all->all[i].current != all->all[i].registered)
			counts[all->all[i].current]++;
	}
	/* ten of a hundred before anybody is counted: few records say little */
	for (size_t i = 1; i <= most; i++)
		all->bits[i] = -log2(((double)counts[i] + 10) / ((double)all->n + 100));
	free(counts);
	for (size_t i = 1; i <= most; i++)
		if (all->bits[i] < 0)
			all->bits[i] = 0;
	all->scale.codes = (struct duplicate_shares){ all->bits, most + 1 };
	return RC_OK;
}

enum rc
duplicate_read(struct sqlite3 *db, const struct form_set *forms, struct duplicate_persons *out,
    struct error *err)
{
	const struct form *form = form_set_find(forms, DUPLICATE_PERSON_FORM);
	const struct form_field *other;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if (form == NULL)
		return RC_OK;
	other = form_field_named(form, "other_names");
	if ((rc = duplicate_words_new(&out->words)) != RC_OK ||
	    (rc = duplicate_words_new(&out->places)) != RC_OK ||
	    (rc = read_persons(db, form, out, err)) != RC_OK ||
	    (other != NULL && other->many && (rc = read_others(db, out, err)) != RC_OK) ||
	    (rc = weigh(out)) != RC_OK ||
	    (rc = duplicate_blocks_count_phones(out->all, out->n)) != RC_OK) {
		duplicate_persons_reset(out);
		return rc;
	}
	duplicate_words_weigh(out->words, out->n);
	out->scale.words = out->words;
	out->scale.others = out->others;
	out->scale.persons = out->n;
	return RC_OK;
}

void
duplicate_persons_reset(struct duplicate_persons *p)
{
	free(p->all);
	free(p->others);
	free(p->bits);
	duplicate_words_free(p->words);
	duplicate_words_free(p->places);
	memset(p, 0, sizeof(*p));
}
