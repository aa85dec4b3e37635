/*
 * session FOLDER RECORDS: the workload with SQLite's session extension: a database on each
 * device and one at the server, whose changesets, deflated at level 9, are carried over.  No
 * protocol, no headers, no authentication, no sealing: nothing but these bytes is counted.
 * RECORDS are the lines of corpus_json.  Prints one line of JSON.
 *
 * A form is a table, a record a row with a random id of 16 bytes, a list one column with
 * commas.  Files in WAL mode with synchronous=FULL.
 */
#define SQLITE_ENABLE_SESSION 1
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "shared/base/bytes.h"
#include "shared/vault/secret.h"

enum { FORMS_MAX = 16, COLUMNS_MAX = 64, ID_BYTES = 16, NAME_ROOM = 48, LINE_ROOM = 1 << 16,
	EDITED = 20, DISPUTED = 100, LEVEL = 9, TEXT_ROOM = 4096 };

struct form { char name[NAME_ROOM]; char columns[COLUMNS_MAX][NAME_ROOM]; size_t n; };
struct work {
	const char *folder;
	struct form forms[FORMS_MAX];
	size_t n_forms, n, fields, n_follow_ups;
	json_t **records;
	uint8_t (*ids)[ID_BYTES];
	size_t *follow_ups;
};
struct packed { struct bytes deflated; size_t raw; };
struct cost { size_t bytes; double seconds; };

#define MUST(condition) must((condition), #condition, __LINE__)

static void
must(bool held, const char *what, int line)
{
	if (held)
		return;
	fprintf(stderr, "session.c:%d: %s\n", line, what);
	exit(70);
}

static double
seconds_now(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- records ---- */

static size_t
column_of(struct form *f, const char *name)
{
	size_t k = 0;

	while (k < f->n && strcmp(f->columns[k], name) != 0)
		k++;
	if (k == f->n) {
		MUST(k < COLUMNS_MAX);
		snprintf(f->columns[f->n++], NAME_ROOM, "%s", name);
	}
	return k;
}

static struct form *
form_of(struct work *w, const char *name)
{
	for (size_t i = 0; i < w->n_forms; i++)
		if (strcmp(w->forms[i].name, name) == 0)
			return &w->forms[i];
	MUST(w->n_forms < FORMS_MAX);
	snprintf(w->forms[w->n_forms].name, NAME_ROOM, "%s", name);
	return &w->forms[w->n_forms++];
}

static void
read_records(struct work *w, const char *path)
{
	static char line[LINE_ROOM];
	FILE *f = fopen(path, "r");
	size_t room = 0;

	MUST(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL) {
		struct form *form;
		json_t *fields;

		if (w->n == room) {
			room = room == 0 ? 1024 : 2 * room;
			MUST((w->records = realloc(w->records, room * sizeof(*w->records))) != NULL);
			MUST((w->ids = realloc(w->ids, room * sizeof(*w->ids))) != NULL);
			MUST((w->follow_ups = realloc(w->follow_ups, room * sizeof(size_t))) != NULL);
		}
		MUST((w->records[w->n] = json_loads(line, 0, NULL)) != NULL);
		secret_random_bytes(w->ids[w->n], ID_BYTES);
		form = form_of(w, json_string_value(json_object_get(w->records[w->n], "form")));
		fields = json_object_get(w->records[w->n], "fields");
		for (size_t i = 0; i < json_array_size(fields); i++)
			column_of(form, json_string_value(json_array_get(json_array_get(fields, i), 0)));
		w->fields += json_array_size(fields);
		if (strcmp(form->name, "follow_up") == 0)
			w->follow_ups[w->n_follow_ups++] = w->n;
		w->n++;
	}
	fclose(f);
}

/* ---- databases ---- */

static void
run(sqlite3 *db, const char *sql)
{
	char *said = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &said) != SQLITE_OK)
		fprintf(stderr, "session: %s\n", said);
	MUST(said == NULL);
}

static sqlite3 *
database(const struct work *w, const char *name)
{
	struct bytes sql;
	char path[TEXT_ROOM];
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/%s.db", w->folder, name);
	MUST(sqlite3_open(path, &db) == SQLITE_OK);
	run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
	for (size_t i = 0; i < w->n_forms; i++) {
		bytes_init(&sql);
		bytes_printf(&sql, "CREATE TABLE \"%s\"(id BLOB PRIMARY KEY, saved_at INTEGER",
		    w->forms[i].name);
		for (size_t k = 0; k < w->forms[i].n; k++)
			bytes_printf(&sql, ", \"%s\"", w->forms[i].columns[k]);
		bytes_text(&sql, ") WITHOUT ROWID");
		run(db, bytes_cstr(&sql));
		bytes_reset(&sql);
	}
	return db;
}

static sqlite3_session *
watch(sqlite3 *db)
{
	sqlite3_session *s = NULL;

	MUST(sqlite3session_create(db, "main", &s) == SQLITE_OK);
	MUST(sqlite3session_attach(s, NULL) == SQLITE_OK);
	return s;
}

/* What changed since watch; ends it. */
static struct packed
changes(sqlite3_session *s)
{
	struct packed p = { .raw = 0 };
	void *set = NULL;
	uLongf room;
	int len = 0;

	MUST(sqlite3session_changeset(s, &len, &set) == SQLITE_OK);
	sqlite3session_delete(s);
	p.raw = (size_t)len;
	bytes_init(&p.deflated);
	if (len > 0) {
		room = compressBound((uLong)len);
		MUST(bytes_room(&p.deflated, room) != NULL);
		MUST(compress2(p.deflated.data, &room, set, (uLong)len, LEVEL) == Z_OK);
		p.deflated.len = room;
	}
	sqlite3_free(set);
	return p;
}

/* On a conflict of data: ctx says whether what comes is the later one. */
static int
settle(void *ctx, int kind, sqlite3_changeset_iter *at)
{
	const bool *later = ctx;

	(void)at;
	return kind == SQLITE_CHANGESET_DATA && *later ? SQLITE_CHANGESET_REPLACE :
	    SQLITE_CHANGESET_OMIT;
}

static void
apply(sqlite3 *db, const struct packed *p, bool later)
{
	uint8_t *set = malloc(p->raw + 1);
	uLongf len = p->raw;

	MUST(set != NULL);
	if (p->raw > 0) {
		MUST(uncompress(set, &len, p->deflated.data, p->deflated.len) == Z_OK);
		MUST(len == p->raw);
		MUST(sqlite3changeset_apply(db, (int)len, set, NULL, settle, &later) == SQLITE_OK);
	}
	free(set);
}

/* Up to the server and kept there, in its tables and as it came. */
static struct cost
hand_in(sqlite3_session *s, sqlite3 *server, struct packed *out)
{
	struct cost c;
	double start = seconds_now();

	*out = changes(s);
	apply(server, out, true);
	c.bytes = out->deflated.len;
	c.seconds = seconds_now() - start;
	return c;
}

/* ---- writing ---- */

static void
bind_fields(const struct work *w, struct form *form, json_t *fields, sqlite3_stmt *q)
{
	static char cells[COLUMNS_MAX][TEXT_ROOM];

	memset(cells, 0, sizeof(cells));
	for (size_t i = 0; i < json_array_size(fields); i++) {
		json_t *field = json_array_get(fields, i), *value = json_array_get(field, 1);
		size_t k = column_of(form, json_string_value(json_array_get(field, 0)));
		size_t len = strlen(cells[k]);

		if (json_is_true(json_array_get(field, 2)))
			MUST(sqlite3_bind_blob(q, (int)k + 3, w->ids[json_integer_value(value)], ID_BYTES,
			    SQLITE_STATIC) == SQLITE_OK);
		else
			snprintf(cells[k] + len, TEXT_ROOM - len, "%s%s", len > 0 ? "," : "",
			    json_string_value(value));
	}
	for (size_t k = 0; k < form->n; k++)
		if (cells[k][0] != '\0')
			MUST(sqlite3_bind_text(q, (int)k + 3, cells[k], -1, SQLITE_STATIC) == SQLITE_OK);
}

static void
insert_all(struct work *w, sqlite3 *db)
{
	sqlite3_stmt *q[FORMS_MAX] = { NULL };
	struct bytes sql;

	run(db, "BEGIN");
	for (size_t i = 0; i < w->n; i++) {
		struct form *form = form_of(w, json_string_value(json_object_get(w->records[i], "form")));
		size_t at = (size_t)(form - w->forms);

		if (q[at] == NULL) {
			bytes_init(&sql);
			bytes_printf(&sql, "INSERT INTO \"%s\" VALUES(?1, ?2", form->name);
			for (size_t k = 0; k < form->n; k++)
				bytes_printf(&sql, ", ?%zu", k + 3);
			bytes_text(&sql, ")");
			MUST(sqlite3_prepare_v2(db, bytes_cstr(&sql), -1, &q[at], NULL) == SQLITE_OK);
			bytes_reset(&sql);
		}
		sqlite3_clear_bindings(q[at]);
		MUST(sqlite3_bind_blob(q[at], 1, w->ids[i], ID_BYTES, SQLITE_STATIC) == SQLITE_OK);
		MUST(sqlite3_bind_int64(q[at], 2, json_integer_value(json_object_get(w->records[i],
		    "saved_at"))) == SQLITE_OK);
		bind_fields(w, form, json_object_get(w->records[i], "fields"), q[at]);
		MUST(sqlite3_step(q[at]) == SQLITE_DONE);
		sqlite3_reset(q[at]);
	}
	run(db, "COMMIT");
	for (size_t i = 0; i < FORMS_MAX; i++)
		sqlite3_finalize(q[i]);
}

/* Set fields of n follow-ups from `first` on; the note gets its number if there is a mark. */
static void
edit(const struct work *w, sqlite3 *db, size_t first, size_t n, const char *mark)
{
	char sql[200], id[2 * ID_BYTES + 1];

	MUST(first + n <= w->n_follow_ups);
	run(db, "BEGIN");
	for (size_t i = 0; i < n; i++) {
		bytes_hex(w->ids[w->follow_ups[first + i]], ID_BYTES, id);
		if (mark != NULL)
			snprintf(sql, sizeof(sql), "UPDATE follow_up SET note = '%s%zu' WHERE id = x'%s'",
			    mark, i, id);
		else
			snprintf(sql, sizeof(sql), "UPDATE follow_up SET work = 'WORKING', note = "
			    "'Đã có việc làm tại xã.' WHERE id = x'%s'", id);
		run(db, sql);
	}
	run(db, "COMMIT");
}

static int
count_notes(sqlite3 *db, const char *mark)
{
	sqlite3_stmt *q = NULL;
	int n;

	MUST(sqlite3_prepare_v2(db, "SELECT count(*) FROM follow_up WHERE note GLOB ?1 || '[0-9]*'",
	    -1, &q, NULL) == SQLITE_OK);
	MUST(sqlite3_bind_text(q, 1, mark, -1, SQLITE_STATIC) == SQLITE_OK);
	MUST(sqlite3_step(q) == SQLITE_ROW);
	n = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return n;
}

static void
put_cost(json_t *o, const char *name, size_t up, size_t down, int messages, double seconds)
{
	MUST(json_object_set_new(o, name, json_pack("{s:I, s:I, s:i, s:f}", "up", (json_int_t)up,
	    "down", (json_int_t)down, "requests", messages, "seconds", seconds)) == 0);
}

int
main(int argc, char **argv)
{
	static struct work w;
	struct packed sets[3], of_a, of_b;
	struct cost c;
	sqlite3 *a, *b, *server;
	sqlite3_session *sa, *sb;
	json_t *o = json_object();
	double start, first, cpu, used = 0;
	size_t down = 0;

	MUST(argc == 3 && secret_start() == RC_OK);
	w.folder = argv[1];
	read_records(&w, argv[2]);
	a = database(&w, "a");
	b = database(&w, "b");
	server = database(&w, "server");
	json_object_set_new(o, "peer", json_string("session"));
	json_object_set_new(o, "n", json_integer((json_int_t)w.n));
	json_object_set_new(o, "fields", json_integer((json_int_t)w.fields));

	sa = watch(a);
	start = seconds_now();
	insert_all(&w, a);
	json_object_set_new(o, "save_seconds", json_real(seconds_now() - start));
	c = hand_in(sa, server, &sets[0]);
	put_cost(o, "push", c.bytes, 0, 1, c.seconds);
	for (size_t i = 1; i < 3; i++) {
		sa = watch(a);
		edit(&w, a, (i - 1) * EDITED, EDITED, NULL);
		c = hand_in(sa, server, &sets[i]);
		put_cost(o, i == 1 ? "edits_first" : "edits", c.bytes, 0, 1, c.seconds);
	}
	put_cost(o, "idle", 0, 0, 0, 0);
	start = first = seconds_now();
	cpu = (double)clock() / CLOCKS_PER_SEC;
	for (size_t i = 0; i < 3; i++) {
		apply(b, &sets[i], true);
		first = i == 0 ? seconds_now() : first;
		used = i == 0 ? (double)clock() / CLOCKS_PER_SEC - cpu : used;
		down += sets[i].deflated.len;
	}
	put_cost(o, "pull", 0, down, 1, seconds_now() - start);
	json_object_set_new(o, "fold", json_pack("{s:f, s:f}", "wall", (double)w.fields /
	    (first - start), "cpu", (double)w.fields / (used + 1e-6)));

	/* both write the same fields; b's come later, so it passes over what a wrote */
	sa = watch(a);
	sb = watch(b);
	edit(&w, a, 2 * EDITED, DISPUTED, "A");
	edit(&w, b, 2 * EDITED, DISPUTED, "B");
	c = hand_in(sa, server, &of_a);
	start = seconds_now();
	of_b = changes(sb);
	apply(b, &of_a, false);
	apply(server, &of_b, true);
	put_cost(o, "dispute", of_b.deflated.len, of_a.deflated.len, 2, seconds_now() - start);
	apply(a, &of_b, true);
	MUST(count_notes(a, "B") == count_notes(b, "B"));
	json_object_set_new(o, "lost", json_integer(2 * DISPUTED - count_notes(a, "A") -
	    count_notes(a, "B")));
	json_object_set_new(o, "hidden", json_integer(0));
	json_object_set_new(o, "where", json_string("nowhere: the row has the later value"));
	MUST(json_dumpf(o, stdout, JSON_COMPACT) == 0);
	putchar('\n');
	for (size_t i = 0; i < 3; i++)
		bytes_reset(&sets[i].deflated);
	bytes_reset(&of_a.deflated);
	bytes_reset(&of_b.deflated);
	json_decref(o);
	sqlite3_close(a);
	sqlite3_close(b);
	sqlite3_close(server);
	for (size_t i = 0; i < w.n; i++)
		json_decref(w.records[i]);
	free(w.records);
	free(w.ids);
	free(w.follow_ups);
	return 0;
}
