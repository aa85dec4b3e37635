#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "shared/records/search.h"
#include "tests/support/record_desk.h"

static void
add(struct record_desk *d, const char *name, struct dot *id)
{
	char pair[256];

	snprintf(pair, sizeof(pair), "name=%s", name);
	assert_int_equal(record_desk_add(d, "thing", id, pair, NULL), RC_OK);
}

/* Headlines of the hits, with a "*" behind exact ones. */
static void
assert_finds(struct record_desk *d, const char *query, size_t limit, const char *want)
{
	struct search_hit *hits;
	char got[512] = "";
	size_t n;

	assert_int_equal(search_records(&d->c, query, NULL, limit, &hits, &n, &d->err), RC_OK);
	for (size_t i = 0; i < n; i++) {
		strcat(got, i > 0 ? " | " : "");
		strcat(got, hits[i].headline);
		strcat(got, hits[i].exact ? "*" : "");
	}
	assert_string_equal(got, want);
	search_hits_free(hits, n);
}

static void
finds_a_telephone_number_however_it_was_typed(void **state)
{
	static const char *const typed[][2] = {
		{ "pseudonym_code=A1", "phone=0912.345.678" }, { "pseudonym_code=A2", "phone=+84 912 345 679" },
		{ "pseudonym_code=A3", "phone=01685551234" }, { "pseudonym_code=A4", "phone=+86 138 1234 5678" },
	};
	static const char *const queries[][2] = {
		{ "0912345678", "A1" }, { "+84912345678", "A1" }, { "84 912 345 678", "A1" },
		{ "0912 345 679", "A2" }, { "0912.345", "A1* | A2" }, { "+84 9123", "A2 | A1" },
		{ "0385551234", "A3" }, { "01685551234", "A3*" }, { "+84385551234", "A3" },
		{ "008613812345678", "A4" }, { "138 1234", "A4*" }, { "0912345677", "" },
	};
	struct form_set *forms = NULL;
	struct record_desk d;
	struct dot id;

	(void)state;
	assert_int_equal(form_set_load_embedded(&forms, &d.err), RC_OK);
	record_desk_open_with(&d, 1, forms);
	for (size_t i = 0; i < sizeof(typed) / sizeof(*typed); i++)
		assert_int_equal(record_desk_add(&d, "person", &id, typed[i][0], typed[i][1], NULL), RC_OK);
	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++)
		assert_finds(&d, queries[i][0], 10, queries[i][1]);
	record_desk_close(&d);
}

static void
finds_a_name_without_its_marks(void **state)
{
	struct record_desk d;
	struct dot id;

	(void)state;
	record_desk_open(&d, 1);
	add(&d, "Đặng Thị Hòa", &id);
	add(&d, "Lò Văn Sơn", &id);
	assert_finds(&d, "dang thi hoa", 10, "Đặng Thị Hòa");
	assert_finds(&d, "ĐẶNG THỊ HÒA", 10, "Đặng Thị Hòa*");
	assert_finds(&d, "hoa đặng", 10, "Đặng Thị Hòa");	/* hoa is not Hòa */
	assert_finds(&d, "đặng hòa", 10, "Đặng Thị Hòa*");
	assert_finds(&d, "dan ho", 10, "Đặng Thị Hòa");		/* beginnings of words */
	assert_finds(&d, "ang", 10, "");			/* but not their insides */
	assert_finds(&d, "dang son", 10, "");			/* every word must be there */
	record_desk_close(&d);
}

static void
puts_those_with_the_same_marks_first(void **state)
{
	struct record_desk d;
	struct dot id;

	(void)state;
	record_desk_open(&d, 1);
	add(&d, "Hòa", &id);
	add(&d, "Hoa", &id);
	add(&d, "Hóa", &id);
	assert_finds(&d, "hòa", 10, "Hòa* | Hóa | Hoa");
	assert_finds(&d, "hoa", 10, "Hoa* | Hóa | Hòa");
	assert_finds(&d, "hòa", 1, "Hòa*");
	record_desk_close(&d);
}

static void
takes_a_query_for_words_and_never_for_syntax(void **state)
{
	struct search_hit *hits;
	struct record_desk d;
	struct dot id;
	size_t n;
	char long_query[SEARCH_QUERY_MAX + 2];

	(void)state;
	record_desk_open(&d, 1);
	add(&d, "Hoa \"OR\" near", &id);
	assert_finds(&d, "\" OR *", 10, "Hoa \"OR\" near");
	assert_finds(&d, "folded:hoa", 10, "");
	assert_finds(&d, "NEAR(hoa)", 10, "Hoa \"OR\" near");
	assert_finds(&d, "", 10, "");
	assert_finds(&d, " .,-() ", 10, "");
	memset(long_query, 'a', sizeof(long_query));
	long_query[SEARCH_QUERY_MAX + 1] = '\0';
	assert_int_equal(search_records(&d.c, long_query, NULL, 10, &hits, &n, &d.err), RC_LIMIT);
	assert_int_equal(search_records(&d.c, "a b c d e f g h i j k l m n o p q", NULL, 10, &hits,
	    &n, &d.err), RC_LIMIT);
	assert_int_equal(search_records(&d.c, "\xff", NULL, 10, &hits, &n, &d.err), RC_INVALID);
	record_desk_close(&d);
}

static void
follows_edits_conflicts_and_deletes(void **state)
{
	struct record_desk a, b;
	struct search_hit *hits;
	struct dot id;
	size_t n;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 2);
	add(&a, "Hoa", &id);
	record_desk_sync(&a, &b);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "name=Lan", NULL), RC_OK);
	assert_finds(&a, "hoa", 10, "");
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "name=Mai", NULL), RC_OK);
	record_desk_sync(&a, &b);
	assert_finds(&a, "lan", 10, "Lan*");	/* both names of the conflict find it */
	assert_int_equal(search_records(&a.c, "mai", "thing", 10, &hits, &n, &a.err), RC_OK);
	assert_int_equal(n, 1);
	search_hits_free(hits, n);
	assert_int_equal(search_records(&a.c, "mai", "part", 10, &hits, &n, &a.err), RC_OK);
	assert_int_equal(n, 0);
	search_hits_free(hits, n);
	assert_int_equal(record_desk_delete(&a, id, NULL), RC_OK);
	assert_finds(&a, "lan", 10, "");
	record_desk_close(&a);
	record_desk_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_a_name_without_its_marks),
		cmocka_unit_test(finds_a_telephone_number_however_it_was_typed),
		cmocka_unit_test(puts_those_with_the_same_marks_first),
		cmocka_unit_test(takes_a_query_for_words_and_never_for_syntax),
		cmocka_unit_test(follows_edits_conflicts_and_deletes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
