#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/duplicate_link.h"
#include "shared/records/fold.h"
#include "tests/support/record_desk.h"
#include "tests/support/record_fixture.h"

enum { DESKS = 3, PERSONS = 9 };

static struct form_set *
shipped(void)
{
	struct form_set *forms = NULL;

	assert_int_equal(form_set_load_embedded(&forms, NULL), RC_OK);
	return forms;
}

/* The shipped forms as they were before there were links. */
static struct form_set *
before_links(void)
{
	const struct form_file *files;
	struct form_set *all = shipped(), *out = NULL;
	struct form_file kept[512];
	size_t n, n_kept = 0;

	files = form_set_files(all, &n);
	assert_true(n <= 512);
	for (size_t i = 0; i < n; i++)
		if (strncmp(files[i].name, "forms/person_link/", strlen("forms/person_link/")) != 0)
			kept[n_kept++] = files[i];
	assert_true(n_kept < n);
	assert_int_equal(form_set_load(kept, n_kept, &out, NULL), RC_OK);
	form_set_free(all);
	return out;
}

static enum rc
try_decide(struct record_desk *d, struct dot a, struct dot b, bool same, const char *reason,
    struct dot *link, bool *written)
{
	enum rc rc;

	error_clear(&d->err);
	d->now++;
	record_fixture_run(d->db, "BEGIN");
	rc = duplicate_link_decide(&d->c, &a, &b, same, "HN-1", reason, link, written, &d->err);
	record_fixture_run(d->db, rc == RC_OK ? "COMMIT" : "ROLLBACK");
	if (rc != RC_OK)
		fold_discard(d->fold);
	return rc;
}

static struct dot
decide(struct record_desk *d, struct dot a, struct dot b, bool same)
{
	struct dot link;
	bool written;

	assert_int_equal(try_decide(d, a, b, same, "đã đối chiếu", &link, &written), RC_OK);
	return link;
}

static struct dot
add_person(struct record_desk *d, const char *name)
{
	char pair[64];
	struct dot id;

	snprintf(pair, sizeof(pair), "full_name=%s", name);
	assert_int_equal(record_desk_add(d, "person", &id, pair, NULL), RC_OK);
	return id;
}

/* Whom a person is linked to, as an id; log 0: nobody. */
static struct dot
cluster_of(struct record_desk *d, struct dot person)
{
	char sql[256];
	struct dot out = { 0, 0 };
	int64_t local, cluster;

	assert_int_equal(record_to_local(d->db, &person, &local), RC_OK);
	snprintf(sql, sizeof(sql), "SELECT ifnull(cluster, 0) FROM form_person WHERE id = %lld",
	    (long long)local);
	cluster = record_fixture_int(d->db, sql);
	if (cluster != 0)
		assert_int_equal(record_of_local(d->db, cluster, &out), RC_OK);
	return out;
}

static void
assert_cluster(struct record_desk *d, struct dot person, struct dot want)
{
	struct dot got = cluster_of(d, person);

	assert_int_equal(dot_compare(&got, &want), 0);
}

static const struct dot NOBODY = { 0, 0 };

static struct dot
least(struct dot a, struct dot b)
{
	return dot_compare(&a, &b) < 0 ? a : b;
}

static void
linked_persons_share_the_least_id_and_unlinked_ones_part(void **state)
{
	struct record_desk d;
	struct dot a, b, c, first;

	(void)state;
	record_desk_open_with(&d, 1, shipped());
	a = add_person(&d, "Hoa");
	b = add_person(&d, "Lan");
	c = add_person(&d, "Mai");
	assert_cluster(&d, a, NOBODY);
	decide(&d, b, c, true);
	assert_cluster(&d, a, NOBODY);
	assert_cluster(&d, b, least(b, c));
	decide(&d, c, a, true);
	first = least(a, least(b, c));
	assert_cluster(&d, a, first);
	assert_cluster(&d, b, first);
	assert_cluster(&d, c, first);
	/* an edit writes the row again; the cluster stays */
	assert_int_equal(record_desk_edit(&d, b, NULL, NULL, "full_name=Lành", NULL), RC_OK);
	assert_cluster(&d, b, first);
	decide(&d, b, c, false);
	assert_cluster(&d, b, NOBODY);
	assert_cluster(&d, a, least(a, c));
	record_desk_close(&d);
}

static void
decision_is_one_record_a_pair_and_needs_a_reason_to_link(void **state)
{
	struct record_desk d;
	struct dot a, b, link, again;
	struct duplicate_decision *all;
	size_t n;
	bool written;

	(void)state;
	record_desk_open_with(&d, 1, shipped());
	a = add_person(&d, "Hoa");
	b = add_person(&d, "Lan");
	assert_int_equal(try_decide(&d, a, b, true, NULL, &link, &written), RC_INVALID);
	assert_int_equal(try_decide(&d, a, b, true, "", &link, &written), RC_INVALID);
	assert_int_equal(try_decide(&d, a, a, true, "x", &link, &written), RC_INVALID);
	assert_int_equal(try_decide(&d, a, b, true, "một người", &link, &written), RC_OK);
	assert_true(written);
	assert_int_equal(try_decide(&d, b, a, true, "nữa", &again, &written), RC_OK);
	assert_false(written);
	assert_int_equal(dot_compare(&link, &again), 0);
	assert_int_equal(try_decide(&d, b, a, false, NULL, &again, &written), RC_OK);
	assert_true(written);
	assert_int_equal(dot_compare(&link, &again), 0);
	assert_int_equal(duplicate_link_all(d.db, &all, &n, NULL), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(all[0].standing, DUPLICATE_DISMISSED);
	assert_int_equal(dot_compare(&link, &all[0].link), 0);
	free(all);
	assert_int_equal(try_decide(&d, a, link, true, "x", &again, &written), RC_INVALID);
	assert_int_equal(record_desk_delete(&d, b, NULL), RC_OK);
	assert_int_equal(try_decide(&d, a, b, true, "x", &again, &written), RC_INVALID);
	b.n += 1000;
	assert_int_equal(try_decide(&d, a, b, true, "x", &again, &written), RC_NOTFOUND);
	record_desk_close(&d);
}

static void
link_that_comes_before_its_persons_holds_once_they_come(void **state)
{
	struct record_desk one, two, reader;
	struct dot a, b, link;
	uint64_t log;

	(void)state;
	record_desk_open_with(&one, 1, shipped());
	record_desk_open_with(&two, 2, shipped());
	record_desk_open_with(&reader, 3, shipped());
	a = add_person(&one, "Hoa");
	b = add_person(&one, "Lan");
	record_desk_sync(&one, &two);
	link = decide(&two, a, b, true);
	log = link.log;
	record_fixture_carry(two.db, log, 1, 0, reader.db, reader.fold);
	assert_int_equal(fold_flush(reader.fold, NULL), RC_OK);
	assert_int_equal(record_fixture_int(reader.db, "SELECT count(*) FROM form_person"), 0);
	record_fixture_carry(one.db, a.log, 1, 1, reader.db, reader.fold);
	assert_int_equal(fold_flush(reader.fold, NULL), RC_OK);
	assert_cluster(&reader, a, least(a, b));
	record_fixture_carry(one.db, a.log, 2, 0, reader.db, reader.fold);
	assert_int_equal(fold_flush(reader.fold, NULL), RC_OK);
	assert_cluster(&reader, b, least(a, b));
	record_desk_close(&one);
	record_desk_close(&two);
	record_desk_close(&reader);
}

static void
link_of_a_form_that_is_not_known_yet_holds_once_it_is(void **state)
{
	struct record_desk one, old;
	struct form_set *next = shipped();
	struct dot a, b, link;
	bool written;

	(void)state;
	record_desk_open_with(&one, 1, shipped());
	record_desk_open_with(&old, 2, before_links());
	a = add_person(&one, "Hoa");
	b = add_person(&one, "Lan");
	decide(&one, a, b, true);
	record_desk_sync(&one, &old);
	assert_cluster(&old, a, NOBODY);
	assert_int_equal(try_decide(&old, a, b, true, "x", &link, &written), RC_CONFIG);
	assert_int_equal(fold_forms_changed(old.fold, next, &old.err), RC_OK);
	form_set_free(old.forms);
	old.forms = next;
	old.c.forms = next;
	assert_cluster(&old, a, least(a, b));
	assert_cluster(&old, b, least(a, b));
	record_desk_close(&one);
	record_desk_close(&old);
}

static struct dot
add_copy(struct record_desk *d, const char *name, struct dot of)
{
	char pair[64], continues[DOT_TEXT_MAX + 16] = "continues=";
	struct dot id;

	snprintf(pair, sizeof(pair), "full_name=%s", name);
	dot_text(&of, continues + strlen(continues));
	assert_int_equal(record_desk_add(d, "person", &id, pair, continues, NULL), RC_OK);
	return id;
}

static void
copies_of_a_referral_are_one_with_their_original_also_where_it_is_not_read(void **state)
{
	struct dot a, b, c, of = { 5, 1 };
	struct record_desk d;
	char continues[DOT_TEXT_MAX + 16] = "continues=";

	(void)state;
	record_desk_open_with(&d, 1, shipped());
	a = add_copy(&d, "Hoa", of);
	b = add_copy(&d, "Hoa", of);	/* by a second unit; nobody here reads the original */
	assert_cluster(&d, a, of);
	assert_cluster(&d, b, of);
	c = add_copy(&d, "Hoa", b);
	assert_cluster(&d, c, of);
	decide(&d, a, b, false);	/* what the program knows is not for people to deny */
	assert_cluster(&d, a, of);
	/* a copy that comes to continue another record leaves those it stood with */
	dot_text(&c, continues + strlen(continues));
	assert_int_equal(record_desk_edit(&d, b, NULL, NULL, continues, NULL), RC_OK);
	assert_cluster(&d, a, of);
	assert_cluster(&d, b, least(b, c));
	assert_cluster(&d, c, least(b, c));
	record_desk_close(&d);
}

/* An independent model ------------------------------------------------- */

/* What a living record of a pair says, read as a person reads it. */
static int
verdict_of(struct record_desk *d, struct dot link, struct dot pair[2])
{
	struct record_view v;
	int out;

	assert_int_equal(record_show(&d->c, &link, &v, &d->err), RC_OK);
	assert_true(dot_parse(record_view_field(&v, "person_a")->values[0].text, &pair[0]));
	assert_true(dot_parse(record_view_field(&v, "person_b")->values[0].text, &pair[1]));
	out = v.deleted ? 0 : v.conflicts > 0 ? -1 :
	    strcmp(record_view_field(&v, "verdict")->values[0].text, "SAME") == 0 ? 1 : -1;
	record_view_reset(&v);
	return out;
}

static size_t
index_of(const struct dot *persons, struct dot id)
{
	for (size_t i = 0; i < PERSONS; i++)
		if (dot_compare(&persons[i], &id) == 0)
			return i;
	fail();
	return 0;
}

/* Clusters by spreading the least id along linked pairs until nothing changes. */
static void
model(struct record_desk *d, const struct dot *persons, const struct dot *links, size_t n,
    struct dot out[PERSONS])
{
	bool yes[PERSONS][PERSONS] = { { false } }, no[PERSONS][PERSONS] = { { false } };
	bool alone[PERSONS], changed = true;

	for (size_t i = 0; i < n; i++) {
		struct dot pair[2];
		int verdict = verdict_of(d, links[i], pair);
		size_t x = index_of(persons, pair[0]), y = index_of(persons, pair[1]);

		yes[x][y] = yes[y][x] = yes[x][y] || verdict > 0;
		no[x][y] = no[y][x] = no[x][y] || verdict < 0;
	}
	for (size_t i = 0; i < PERSONS; i++) {
		out[i] = persons[i];
		alone[i] = true;
	}
	while (changed) {
		changed = false;
		for (size_t x = 0; x < PERSONS; x++) {
			for (size_t y = 0; y < PERSONS; y++) {
				if (!yes[x][y] || no[x][y])
					continue;
				alone[x] = false;
				if (dot_compare(&out[x], &out[y]) > 0) {
					out[x] = out[y];
					changed = true;
				}
			}
		}
	}
	for (size_t i = 0; i < PERSONS; i++)
		if (alone[i])
			out[i] = NOBODY;
}

static void
assert_model(struct record_desk *d, const struct dot *persons, const struct dot *links, size_t n)
{
	struct dot want[PERSONS];

	model(d, persons, links, n, want);
	for (size_t i = 0; i < PERSONS; i++)
		assert_cluster(d, persons[i], want[i]);
}

static void
clusters_are_the_components_of_what_all_desks_decided(void **state)
{
	enum { ROUNDS = 8, STEPS = 30, LINKS = ROUNDS * STEPS };
	uint64_t seed = 77;

	(void)state;
	for (size_t round = 0; round < ROUNDS; round++) {
		struct record_desk desks[DESKS];
		struct dot persons[PERSONS], links[LINKS];
		size_t n = 0;

		for (size_t i = 0; i < DESKS; i++)
			record_desk_open_with(&desks[i], (uint8_t)(i + 1 + 3 * round), shipped());
		for (size_t i = 0; i < PERSONS; i++)
			persons[i] = add_person(&desks[i % DESKS], "Hoa");
		for (size_t i = 0; i < DESKS; i++)
			record_desk_sync(&desks[i], &desks[(i + 1) % DESKS]);
		record_desk_sync(&desks[0], &desks[1]);
		for (size_t step = 0; step < STEPS; step++) {
			struct record_desk *d = &desks[record_fixture_pick(&seed, DESKS)];
			size_t x = record_fixture_pick(&seed, PERSONS), what = record_fixture_pick(&seed, 10);
			size_t y = (x + 1 + record_fixture_pick(&seed, PERSONS - 1)) % PERSONS, k = 0;
			struct dot link;

			if (what == 0) {
				record_desk_sync(d, &desks[record_fixture_pick(&seed, DESKS)]);
				continue;
			}
			link = decide(d, persons[x], persons[y], what < 7);
			while (k < n && dot_compare(&links[k], &link) != 0)
				k++;
			if (k == n)
				links[n++] = link;
			if (what == 9)
				assert_int_equal(record_desk_delete(d, link, NULL), RC_OK);
		}
		for (size_t i = 0; i < 2 * DESKS; i++)
			record_desk_sync(&desks[i % DESKS], &desks[(i + 1) % DESKS]);
		for (size_t i = 0; i < DESKS; i++)
			assert_model(&desks[i], persons, links, n);
		record_fixture_run(desks[0].db, "BEGIN");
		assert_int_equal(fold_rebuild(desks[0].fold, NULL), RC_OK);
		record_fixture_run(desks[0].db, "COMMIT");
		assert_model(&desks[0], persons, links, n);
		for (size_t i = 0; i < DESKS; i++)
			record_desk_close(&desks[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(linked_persons_share_the_least_id_and_unlinked_ones_part),
		cmocka_unit_test(decision_is_one_record_a_pair_and_needs_a_reason_to_link),
		cmocka_unit_test(link_that_comes_before_its_persons_holds_once_they_come),
		cmocka_unit_test(link_of_a_form_that_is_not_known_yet_holds_once_it_is),
		cmocka_unit_test(copies_of_a_referral_are_one_with_their_original_also_where_it_is_not_read),
		cmocka_unit_test(clusters_are_the_components_of_what_all_desks_decided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
