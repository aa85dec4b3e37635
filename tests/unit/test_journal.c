#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shared/records/journal.h"
#include "tests/support/record_fixture.h"

/* A device that writes: its database, writer and noise. */
struct desk {
	struct sqlite3 *db;
	struct journal_writer *writer;
	uint64_t seed;
	uint8_t device[ENTRY_DEVICE_BYTES];
};

static struct journal_scope
cases(void)
{
	return record_fixture_scope("HN-1", 1);
}

static void
new_process(struct desk *d)
{
	journal_writer_free(d->writer);
	assert_int_equal(journal_writer_new(d->device, record_fixture_random(&d->seed), &d->writer),
	    RC_OK);
}

static void
desk_open(struct desk *d, uint8_t device, uint64_t seed)
{
	memset(d, 0, sizeof(*d));
	d->db = record_fixture_db();
	d->seed = seed;
	record_fixture_device(device, d->device);
	new_process(d);
}

static void
desk_close(struct desk *d)
{
	journal_writer_free(d->writer);
	record_fixture_close(d->db);
}

/* One entry that writes `number` to field 1. */
static struct dot
append_in(struct desk *d, struct journal_scope scope, int64_t number)
{
	struct value v = { .type = VALUE_INTEGER, .integer = number };
	struct write w = { .field = 1, .values = &v, .n_values = 1 };
	struct entry e = { .creates = true, .form = "case", .form_len = 4, .form_version = 1,
		.writes = &w, .n_writes = 1 };
	struct error err = { 0 };

	assert_int_equal(journal_append(d->db, d->writer, &scope, true, &e, &err), RC_OK);
	return e.dot;
}

static struct dot
append(struct desk *d, int64_t number)
{
	return append_in(d, cases(), number);
}

/* Everything of one log, as a frame would carry it. */
struct carried {
	struct journal_log log;
	struct journal_piece pieces[16];
	struct bytes bodies[16];
	uint8_t heads[17][ENTRY_HEAD_BYTES];	/* h(0) .. h(n) */
	size_t n;
};

static enum rc
carry_row(void *ctx, const struct journal_row *row)
{
	struct carried *c = ctx;
	size_t i = c->n++;

	bytes_init(&c->bodies[i]);
	bytes_put(&c->bodies[i], row->body, row->len);
	c->pieces[i].body = c->bodies[i].data;
	c->pieces[i].len = c->bodies[i].len;
	memcpy(c->heads[i + 1], row->after, ENTRY_HEAD_BYTES);
	return RC_OK;
}

static void
carry(struct desk *d, uint64_t log, struct carried *c)
{
	memset(c, 0, sizeof(*c));
	assert_int_equal(journal_log_get(d->db, log, &c->log, NULL), RC_OK);
	memcpy(c->heads[0], c->log.start, ENTRY_HEAD_BYTES);
	assert_int_equal(journal_read_range(d->db, log, 1, 16, carry_row, c, NULL), RC_OK);
	c->log.own = false;
}

static void
carried_free(struct carried *c)
{
	for (size_t i = 0; i < c->n; i++)
		bytes_reset(&c->bodies[i]);
}

/* Receive entries first .. last; *fork as journal_receive says. */
static enum rc
receive(struct desk *d, struct carried *c, size_t first, size_t last, uint64_t *fork)
{
	return journal_receive(d->db, &c->log, first, c->heads[first - 1], c->heads[last],
	    c->pieces + first - 1, last - first + 1, fork, NULL);
}

static void
numbers_entries_without_gaps_and_chains_them(void **state)
{
	uint8_t head[ENTRY_HEAD_BYTES], tag[ENTRY_TAG_BYTES];
	struct journal_log log;
	struct bytes body;
	struct dot dots[3];
	struct desk d;

	(void)state;
	desk_open(&d, 1, 11);
	for (int i = 0; i < 3; i++)
		dots[i] = append(&d, i);
	assert_int_equal(dots[0].n, 1);
	assert_int_equal(dots[2].n, 3);
	assert_true(dots[0].log == dots[2].log && dots[0].log != 0);
	assert_int_equal(journal_log_get(d.db, dots[0].log, &log, NULL), RC_OK);
	assert_int_equal(log.head_n, 3);
	assert_int_equal(log.n_tips, 0);
	entry_chain_start(log.id, d.device, "HN-1", 1, NULL, 0, head);
	for (int i = 0; i < 3; i++) {
		bytes_init(&body);
		assert_int_equal(journal_get(d.db, &dots[i], &body, NULL), RC_OK);
		entry_tag(log.key, dots[i].n, body.data, body.len, tag);
		entry_chain_next(head, dots[i].n, tag);
		bytes_reset(&body);
	}
	assert_memory_equal(head, log.head, sizeof(head));
	desk_close(&d);
}

static void
each_process_starts_a_log_a_scope_and_names_the_one_before(void **state)
{
	struct journal_log first, second, third, other;
	struct dot a, b, c, o;
	struct desk d;

	(void)state;
	desk_open(&d, 1, 12);
	a = append(&d, 1);
	a = append(&d, 2);
	o = append_in(&d, record_fixture_scope("HN-1", 0), 3);
	assert_true(o.log != a.log);
	new_process(&d);
	b = append(&d, 4);
	new_process(&d);
	c = append(&d, 5);
	assert_int_equal(journal_log_get(d.db, a.log, &first, NULL), RC_OK);
	assert_int_equal(journal_log_get(d.db, b.log, &second, NULL), RC_OK);
	assert_int_equal(journal_log_get(d.db, c.log, &third, NULL), RC_OK);
	assert_int_equal(journal_log_get(d.db, o.log, &other, NULL), RC_OK);
	assert_int_equal(other.n_tips, 0);
	assert_int_equal(first.head_n, 2);
	assert_int_equal(second.n_tips, 1);
	assert_true(second.tips[0].log == a.log);
	assert_int_equal(second.tips[0].n, 2);
	assert_memory_equal(second.tips[0].head, first.head, ENTRY_HEAD_BYTES);
	assert_int_equal(third.n_tips, 1);	/* the first was named already */
	assert_true(third.tips[0].log == b.log);
	desk_close(&d);
}

static void
rolled_back_start_of_a_log_leaves_the_writer_usable(void **state)
{
	struct journal_log log;
	struct dot lost, kept, again;
	struct desk d;

	(void)state;
	desk_open(&d, 1, 13);
	record_fixture_run(d.db, "BEGIN");
	lost = append(&d, 1);
	record_fixture_run(d.db, "ROLLBACK");
	kept = append(&d, 2);
	assert_true(lost.log != kept.log);
	assert_int_equal(kept.n, 1);
	record_fixture_run(d.db, "BEGIN");
	again = append(&d, 3);
	assert_int_equal(again.n, 2);
	record_fixture_run(d.db, "ROLLBACK");
	again = append(&d, 4);
	assert_true(again.log == kept.log);
	assert_int_equal(again.n, 2);
	assert_int_equal(journal_log_get(d.db, kept.log, &log, NULL), RC_OK);
	assert_int_equal(log.n_tips, 0);
	assert_int_equal(record_fixture_int(d.db, "SELECT count(*) FROM log"), 1);
	desk_close(&d);
}

static void
lists_what_is_in_no_frame_until_it_is_marked(void **state)
{
	struct journal_range *r;
	uint64_t count;
	struct dot a, b;
	struct desk d;
	size_t n;

	(void)state;
	desk_open(&d, 1, 14);
	a = append(&d, 1);
	append(&d, 2);
	append(&d, 3);
	b = append_in(&d, record_fixture_scope("HN-1", 0), 4);
	assert_int_equal(journal_unsealed(d.db, &r, &n, NULL), RC_OK);
	assert_int_equal(n, 2);
	assert_true(r[0].log.id == b.log && r[1].log.id == a.log);	/* by compartment */
	assert_int_equal(r[1].first, 1);
	assert_int_equal(r[1].count, 3);
	assert_memory_equal(r[1].before, r[1].log.start, ENTRY_HEAD_BYTES);
	free(r);
	assert_int_equal(journal_mark_sealed(d.db, a.log, 2, NULL), RC_OK);
	assert_int_equal(journal_mark_sealed(d.db, a.log, 1, NULL), RC_OK);	/* never back */
	assert_int_equal(journal_mark_sealed(d.db, b.log, 1, NULL), RC_OK);
	assert_int_equal(journal_count_unsealed(d.db, &count, NULL), RC_OK);
	assert_int_equal(count, 1);
	assert_int_equal(journal_unsealed(d.db, &r, &n, NULL), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(r[0].first, 3);
	free(r);
	desk_close(&d);
}

static void
receives_new_entries_once_and_knows_repeats(void **state)
{
	struct desk from, to;
	struct carried c;
	uint64_t fork;
	struct dot a;

	(void)state;
	desk_open(&from, 1, 15);
	desk_open(&to, 2, 16);
	for (int i = 0; i < 4; i++)
		a = append(&from, i);
	carry(&from, a.log, &c);
	assert_int_equal(receive(&to, &c, 1, 3, &fork), RC_OK);
	assert_int_equal(fork, 0);
	assert_int_equal(c.pieces[0].verdict, JOURNAL_NEW);
	assert_int_equal(c.pieces[2].verdict, JOURNAL_NEW);
	assert_int_equal(receive(&to, &c, 2, 4, &fork), RC_OK);
	assert_int_equal(c.pieces[1].verdict, JOURNAL_REPEAT);
	assert_int_equal(c.pieces[3].verdict, JOURNAL_NEW);
	assert_int_equal(fork, 0);
	assert_int_equal(record_fixture_int(to.db, "SELECT count(*) FROM entry"), 4);
	assert_int_equal(record_fixture_int(to.db, "SELECT head_n FROM log"), 4);
	assert_int_equal(record_fixture_int(to.db, "SELECT count(*) FROM entry_head"), 0);
	carried_free(&c);
	desk_close(&from);
	desk_close(&to);
}

static void
refuses_entries_that_do_not_fit_their_chain(void **state)
{
	struct desk from, to;
	struct carried c;
	uint64_t fork;
	struct dot a;

	(void)state;
	desk_open(&from, 1, 17);
	desk_open(&to, 2, 18);
	a = append(&from, 1);
	append(&from, 2);
	carry(&from, a.log, &c);
	c.bodies[1].data[c.bodies[1].len - 1] ^= 2;
	assert_int_equal(receive(&to, &c, 1, 2, &fork), RC_FORMAT);
	c.bodies[1].data[c.bodies[1].len - 1] ^= 2;
	c.log.key[0] ^= 1;
	assert_int_equal(receive(&to, &c, 1, 2, &fork), RC_FORMAT);
	c.log.key[0] ^= 1;
	c.log.n_tips = 1;	/* tips that do not lead to h(0) */
	assert_int_equal(receive(&to, &c, 1, 2, &fork), RC_FORMAT);
	c.log.n_tips = 0;
	assert_int_equal(record_fixture_int(to.db, "SELECT count(*) FROM log"), 0);
	assert_int_equal(receive(&to, &c, 1, 1, &fork), RC_OK);
	c.log.device[3] ^= 1;	/* another device says that it is its log */
	assert_int_equal(receive(&to, &c, 2, 2, &fork), RC_PROTOCOL);
	c.log.device[3] ^= 1;
	c.log.scope.compartment = 0;
	assert_int_equal(receive(&to, &c, 2, 2, &fork), RC_PROTOCOL);
	assert_int_equal(record_fixture_int(to.db, "SELECT count(*) FROM entry"), 1);
	carried_free(&c);
	desk_close(&from);
	desk_close(&to);
}

static void
reports_gaps_and_closes_them(void **state)
{
	struct journal_gap *gaps;
	struct desk from, to;
	struct carried c;
	uint64_t fork;
	struct dot a;
	size_t n;

	(void)state;
	desk_open(&from, 1, 19);
	desk_open(&to, 2, 20);
	for (int i = 0; i < 9; i++)
		a = append(&from, i);
	carry(&from, a.log, &c);
	assert_int_equal(receive(&to, &c, 3, 4, &fork), RC_OK);
	assert_int_equal(receive(&to, &c, 8, 9, &fork), RC_OK);
	assert_int_equal(journal_gaps(to.db, &gaps, &n, NULL), RC_OK);
	assert_int_equal(n, 2);
	assert_true(gaps[0].log == a.log && gaps[0].first == 1 && gaps[0].last == 2);
	assert_true(gaps[1].first == 5 && gaps[1].last == 7);
	free(gaps);
	assert_int_equal(receive(&to, &c, 1, 2, &fork), RC_OK);
	assert_int_equal(record_fixture_int(to.db, "SELECT head_n FROM log"), 4);
	assert_int_equal(receive(&to, &c, 4, 8, &fork), RC_OK);
	assert_int_equal(fork, 0);
	assert_int_equal(record_fixture_int(to.db, "SELECT head_n FROM log"), 9);
	assert_int_equal(record_fixture_int(to.db, "SELECT count(*) FROM entry_head"), 0);
	assert_int_equal(journal_gaps(to.db, &gaps, &n, NULL), RC_OK);
	assert_int_equal(n, 0);
	free(gaps);
	carried_free(&c);
	desk_close(&from);
	desk_close(&to);
}

/* Two copies of one running process write on: the same log, other entries from n = 3 on. */
static void
fork_a_log(struct carried *left, struct carried *right)
{
	struct desk a, b;
	struct dot dot;

	desk_open(&a, 1, 21);
	desk_open(&b, 1, 21);
	for (int i = 0; i < 2; i++) {
		dot = append(&a, i);
		append(&b, i);
	}
	for (int i = 0; i < 3; i++) {
		append(&a, 100 + i);
		append(&b, 200 + i);
	}
	append(&b, 300);
	carry(&a, dot.log, left);
	carry(&b, dot.log, right);
	assert_memory_equal(left->heads[2], right->heads[2], ENTRY_HEAD_BYTES);
	assert_memory_not_equal(left->heads[3], right->heads[3], ENTRY_HEAD_BYTES);
	desk_close(&a);
	desk_close(&b);
}

static void
keeps_both_branches_of_a_fork_and_tells_where_it_starts(void **state)
{
	struct carried left, right;
	uint64_t fork;
	struct desk to;

	(void)state;
	fork_a_log(&left, &right);
	desk_open(&to, 2, 22);
	assert_int_equal(receive(&to, &left, 1, 5, &fork), RC_OK);
	assert_int_equal(fork, 0);
	assert_int_equal(receive(&to, &right, 1, 6, &fork), RC_OK);
	assert_int_equal(fork, 3);
	assert_int_equal(right.pieces[1].verdict, JOURNAL_REPEAT);
	assert_int_equal(right.pieces[2].verdict, JOURNAL_FORK);
	assert_int_equal(right.pieces[5].verdict, JOURNAL_FORK);
	assert_int_equal(record_fixture_int(to.db, "SELECT count(*) FROM entry_other"), 3);
	assert_int_equal(receive(&to, &right, 1, 6, &fork), RC_OK);
	assert_int_equal(fork, 0);	/* known already */
	assert_int_equal(record_fixture_int(to.db, "SELECT count(*) FROM entry_other"), 3);
	assert_int_equal(record_fixture_int(to.db, "SELECT fork_n FROM log"), 3);
	carried_free(&left);
	carried_free(&right);
	desk_close(&to);
}

static void
finds_the_same_fork_whatever_the_order_of_ranges(void **state)
{
	static const struct { int branch; size_t first, last; } ranges[] = {
		{ 0, 1, 2 }, { 0, 3, 3 }, { 0, 4, 5 }, { 1, 1, 3 }, { 1, 4, 4 }, { 1, 5, 6 },
	};
	struct carried branches[2];
	uint64_t seed = 23;

	(void)state;
	fork_a_log(&branches[0], &branches[1]);
	for (int round = 0; round < 300; round++) {
		size_t order[6] = { 0, 1, 2, 3, 4, 5 };
		struct desk to;
		uint64_t fork;

		desk_open(&to, 2, 24);
		for (size_t i = 5; i > 0; i--) {
			size_t k = record_fixture_pick(&seed, i + 1), t = order[i];

			order[i] = order[k];
			order[k] = t;
		}
		for (size_t i = 0; i < 6; i++)
			assert_int_equal(receive(&to, &branches[ranges[order[i]].branch],
			    ranges[order[i]].first, ranges[order[i]].last, &fork), RC_OK);
		assert_int_equal(record_fixture_int(to.db, "SELECT fork_n FROM log"), 3);
		assert_int_equal(record_fixture_int(to.db, "SELECT (SELECT count(*) FROM entry)"
		    " + (SELECT count(*) FROM entry_other)"), 9);
		desk_close(&to);
	}
	carried_free(&branches[0]);
	carried_free(&branches[1]);
}

static void
header_alone_shows_a_fork_before_the_entries_come(void **state)
{
	struct carried left, right;
	uint64_t fork;
	struct desk to;

	(void)state;
	fork_a_log(&left, &right);
	desk_open(&to, 2, 25);
	assert_int_equal(receive(&to, &right, 5, 6, &fork), RC_OK);	/* before: h(4) of right */
	assert_int_equal(fork, 0);
	assert_int_equal(receive(&to, &left, 1, 4, &fork), RC_OK);	/* h(4) of left */
	assert_int_equal(fork, 4);
	assert_int_equal(receive(&to, &right, 1, 3, &fork), RC_OK);
	assert_int_equal(fork, 3);
	carried_free(&left);
	carried_free(&right);
	desk_close(&to);
}

static void
writer_leaves_a_forked_log_and_names_it(void **state)
{
	struct carried left, right;
	struct journal_log log;
	struct dot before, after;
	uint64_t fork;
	struct desk d;

	(void)state;
	fork_a_log(&left, &right);
	desk_open(&d, 1, 21);
	for (int i = 0; i < 2; i++)
		append(&d, i);
	for (int i = 0; i < 3; i++)
		before = append(&d, 100 + i);
	right.log.own = true;
	assert_int_equal(receive(&d, &right, 1, 6, &fork), RC_OK);
	assert_int_equal(fork, 3);
	assert_int_equal(record_fixture_int(d.db, "SELECT sealed_n FROM log"), 2);
	after = append(&d, 7);
	assert_true(after.log != before.log);
	assert_int_equal(journal_log_get(d.db, after.log, &log, NULL), RC_OK);
	assert_int_equal(log.n_tips, 1);
	assert_int_equal(log.tips[0].n, 5);
	carried_free(&left);
	carried_free(&right);
	desk_close(&d);
}

static void
own_entries_that_come_back_to_an_old_backup_are_not_sealed_again(void **state)
{
	struct journal_log log;
	struct journal_range *r;
	struct desk old, now;
	struct carried c;
	uint64_t fork;
	struct dot a, b;
	size_t n;

	(void)state;
	desk_open(&old, 1, 26);
	desk_open(&now, 1, 26);
	a = append(&old, 1);
	append(&old, 2);
	append(&now, 1);
	append(&now, 2);
	append(&now, 3);
	append(&now, 4);
	assert_int_equal(journal_mark_sealed(old.db, a.log, 1, NULL), RC_OK);
	new_process(&old);		/* restored; writes on in a new log */
	old.seed = 99;
	b = append(&old, 5);
	assert_true(b.log != a.log);
	carry(&now, a.log, &c);
	c.log.own = true;
	assert_int_equal(receive(&old, &c, 2, 4, &fork), RC_OK);
	assert_int_equal(fork, 0);
	assert_int_equal(journal_unsealed(old.db, &r, &n, NULL), RC_OK);
	assert_int_equal(n, 1);
	assert_true(r[0].log.id == b.log);
	free(r);
	/* its head moved on after it was named, so the next log names it again */
	new_process(&old);
	b = append(&old, 6);
	assert_int_equal(journal_log_get(old.db, b.log, &log, NULL), RC_OK);
	assert_int_equal(log.n_tips, 2);
	carried_free(&c);
	desk_close(&old);
	desk_close(&now);
}

static void
hollow_entries_keep_the_chain_and_take_their_body_later(void **state)
{
	struct desk from, to;
	struct carried c, full;
	struct journal_log log;
	struct bytes body;
	uint64_t fork;
	struct dot a;

	(void)state;
	desk_open(&from, 1, 27);
	desk_open(&to, 2, 28);
	a = append(&from, 1);
	append(&from, 2);
	carry(&from, a.log, &full);
	c = full;
	entry_tag(c.log.key, 1, full.pieces[0].body, full.pieces[0].len, c.pieces[0].tag);
	c.pieces[0].body = NULL;
	assert_int_equal(receive(&to, &c, 1, 2, &fork), RC_OK);
	bytes_init(&body);
	assert_int_equal(journal_get(to.db, &a, &body, NULL), RC_OK);
	assert_int_equal(body.len, 0);
	assert_int_equal(journal_log_get(to.db, a.log, &log, NULL), RC_OK);
	assert_int_equal(log.head_n, 2);
	assert_int_equal(receive(&to, &full, 1, 2, &fork), RC_OK);
	assert_int_equal(full.pieces[0].verdict, JOURNAL_NEW);
	assert_int_equal(full.pieces[1].verdict, JOURNAL_REPEAT);
	assert_int_equal(journal_get(to.db, &a, &body, NULL), RC_OK);
	assert_int_equal(body.len, full.pieces[0].len);
	assert_int_equal(receive(&to, &c, 1, 2, &fork), RC_OK);
	assert_int_equal(c.pieces[0].verdict, JOURNAL_REPEAT);
	bytes_reset(&body);
	carried_free(&full);
	desk_close(&from);
	desk_close(&to);
}

static void
keeps_and_counts_what_this_program_cannot_read(void **state)
{
	uint8_t tag[ENTRY_TAG_BYTES], after[ENTRY_HEAD_BYTES];
	const uint8_t newer[] = { 2, 'n', 'e', 'w' };
	struct journal_left_out out;
	struct journal_piece p = { .body = newer, .len = sizeof(newer) };
	struct journal_log log = { .id = 7, .has_key = true };
	uint64_t fork, from;
	struct desk to;

	(void)state;
	desk_open(&to, 2, 29);
	log.scope = cases();
	entry_chain_start(7, log.device, "HN-1", 1, NULL, 0, log.start);
	entry_tag(log.key, 1, newer, sizeof(newer), tag);
	memcpy(after, log.start, sizeof(after));
	entry_chain_next(after, 1, tag);
	assert_int_equal(journal_receive(to.db, &log, 1, log.start, after, &p, 1, &fork, NULL), RC_OK);
	assert_int_equal(p.verdict, JOURNAL_UNREAD);
	assert_int_equal(journal_count_left_out(to.db, &out, NULL), RC_OK);
	assert_int_equal(out.unread, 1);
	assert_int_equal(out.limited, 0);
	assert_int_equal(journal_set_limit(to.db, 7, 0, &from, NULL), RC_OK);
	assert_int_equal(from, 1);
	assert_int_equal(journal_set_limit(to.db, 7, 0, &from, NULL), RC_OK);
	assert_int_equal(from, 0);
	assert_int_equal(journal_count_left_out(to.db, &out, NULL), RC_OK);
	assert_int_equal(out.limited, 1);
	assert_int_equal(journal_set_limit(to.db, 7, JOURNAL_NO_LIMIT, &from, NULL), RC_OK);
	assert_int_equal(from, 1);
	assert_int_equal(journal_set_limit(to.db, 8, 0, &from, NULL), RC_NOTFOUND);
	desk_close(&to);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_entries_without_gaps_and_chains_them),
		cmocka_unit_test(each_process_starts_a_log_a_scope_and_names_the_one_before),
		cmocka_unit_test(rolled_back_start_of_a_log_leaves_the_writer_usable),
		cmocka_unit_test(lists_what_is_in_no_frame_until_it_is_marked),
		cmocka_unit_test(receives_new_entries_once_and_knows_repeats),
		cmocka_unit_test(refuses_entries_that_do_not_fit_their_chain),
		cmocka_unit_test(reports_gaps_and_closes_them),
		cmocka_unit_test(keeps_both_branches_of_a_fork_and_tells_where_it_starts),
		cmocka_unit_test(finds_the_same_fork_whatever_the_order_of_ranges),
		cmocka_unit_test(header_alone_shows_a_fork_before_the_entries_come),
		cmocka_unit_test(writer_leaves_a_forked_log_and_names_it),
		cmocka_unit_test(own_entries_that_come_back_to_an_old_backup_are_not_sealed_again),
		cmocka_unit_test(hollow_entries_keep_the_chain_and_take_their_body_later),
		cmocka_unit_test(keeps_and_counts_what_this_program_cannot_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
