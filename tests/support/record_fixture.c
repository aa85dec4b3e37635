#include "tests/support/record_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/embedded.h"
#include "shared/records/fold.h"

static void
check(int good, struct sqlite3 *db, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "record_fixture: %s: %s\n", what, db != NULL ? sqlite3_errmsg(db) : "");
	abort();
}

struct sqlite3 *
record_fixture_db(void)
{
	const struct embedded *sql = embedded_find("vault.sql");
	struct sqlite3 *db = NULL;

	check(sql != NULL, NULL, "vault.sql is not embedded");
	check(sqlite3_open(":memory:", &db) == SQLITE_OK, db, "open");
	if (sql != NULL)
		check(sqlite3_exec(db, (const char *)sql->data, NULL, NULL, NULL) == SQLITE_OK, db,
		    "vault.sql");
	return db;
}

void
record_fixture_close(struct sqlite3 *db)
{
	check(sqlite3_close(db) == SQLITE_OK, db, "statements were left open");
}

uint64_t
record_fixture_next(uint64_t *seed)
{
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

size_t
record_fixture_pick(uint64_t *seed, size_t below)
{
	return (size_t)(record_fixture_next(seed) % below);
}

static void
fill(void *ctx, void *out, size_t len)
{
	uint8_t *p = out;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)record_fixture_next(ctx);
}

struct journal_random
record_fixture_random(uint64_t *seed)
{
	struct journal_random r = { fill, seed };

	return r;
}

void
record_fixture_device(uint8_t n, uint8_t out[ENTRY_DEVICE_BYTES])
{
	memset(out, n, ENTRY_DEVICE_BYTES);
}

struct journal_scope
record_fixture_scope(const char *unit, unsigned compartment)
{
	struct journal_scope s;

	memset(&s, 0, sizeof(s));
	snprintf(s.unit, sizeof(s.unit), "%s", unit);
	s.compartment = compartment;
	return s;
}

#define HEAD "type,name,label::Tiếng Việt (vi),label::English (en),required,relevant," \
	"constraint,calculation,bind::field:number,bind::field:merge,bind::field:group," \
	"bind::field:refers,appearance\n"

static const char THING[] = HEAD
	"text,name,Tên,Name,,,,,1,,,\n"
	"select_one kind,kind,Loại,Kind,,,,,2,,,\n"
	"date,born,Sinh,Born,,,,,3,,born,,partial\n"
	"select_one how,born_how,Cách ghi,How,,,,,4,,born,\n"
	"select_one risk,risk,Nguy cơ,Risk,,,,,5,highest,,\n"
	"select_multiple topic,topics,Chủ đề,Topics,,,,,6,union,,\n"
	"text,notes,Ghi chú,Notes,,,,,7,append,,\n"
	"select_one yes_no,no_contact,Không liên hệ,No contact,,,,,8,deny_wins,,\n"
	"text,title,Chức danh,Title,,,,,9,latest,,\n"
	"integer,count,Số lượng,Count,,,. <= 100,,10,,,\n"
	"decimal,weight,Nặng,Weight,,,,,11,,,\n"
	"text,unit,Đơn vị tính,Unit,,,,,12,,,\n"
	"text,detail,Chi tiết,Detail,,${kind} = 'B',,,13,,,\n"
	"text,tags,Nhãn,Tags,,,,,14,union,,\n"
	"calculate,size_word,Cỡ,Size,,,,\"if(${kind} = 'B', 'big', 'small')\",,,,\n"
	"calculate,year,Năm,Year,,,,\"substr(${born}, 0, 4)\",,,,\n";
static const char COLOUR[] = "text,colour,Màu,Colour,,,,,15,,,\n";
static const char PART[] = HEAD
	"text,thing_id,Vật,Thing,yes,,,,1,,,thing\n"
	"integer,amount,Số,Amount,,,,,2,,,\n";
static const char CHOICES[] = "list_name,name,label::Tiếng Việt (vi),label::English (en)\n"
	"kind,A,A,A\nkind,B,B,B\nhow,YEAR,Năm,Year\nhow,DAY,Ngày,Day\n"
	"risk,LOW,Thấp,Low\nrisk,MEDIUM,Vừa,Medium\nrisk,HIGH,Cao,High\n"
	"topic,T1,T1,T1\ntopic,T2,T2,T2\ntopic,T3,T3,T3\n"
	"yes_no,yes,Có,Yes\nyes_no,no,Không,No\n";

static struct form_file
file(const char *name, const char *text)
{
	struct form_file f = { name, (const uint8_t *)text, strlen(text) };

	return f;
}

struct form_set *
record_fixture_forms(unsigned version)
{
	char survey[8192], settings[2][512];
	struct form_set *set = NULL;
	struct error err = { 0 };

	snprintf(survey, sizeof(survey), "%s%s", THING, version > 1 ? COLOUR : "");
	for (int i = 0; i < 2; i++)
		snprintf(settings[i], sizeof(settings[i]), "form_title::Tiếng Việt (vi),"
		    "form_title::English (en),form_id,version,instance_name,compartment\n"
		    "T,T,%s,%u,%s,cases\n", i == 0 ? "thing" : "part", i == 0 ? version : 1,
		    i == 0 ? "${name}" : "");
	{
		const struct form_file files[] = {
			file("forms/part/choices.csv", "list_name,name,label::Tiếng Việt (vi),"
			    "label::English (en)\n"),
			file("forms/part/settings.csv", settings[1]),
			file("forms/part/survey.csv", PART),
			file("forms/thing/choices.csv", CHOICES),
			file("forms/thing/settings.csv", settings[0]),
			file("forms/thing/survey.csv", survey),
		};

		if (form_set_load(files, sizeof(files) / sizeof(files[0]), &set, &err) != RC_OK) {
			fprintf(stderr, "record_fixture: %s: %s\n", err.where, err.what);
			abort();
		}
	}
	return set;
}

/* A range of a log on its way. */
struct carried {
	struct journal_piece *pieces;
	struct bytes *bodies;
	size_t n;
	uint8_t after[ENTRY_HEAD_BYTES];
};

static enum rc
carry_row(void *ctx, const struct journal_row *row)
{
	struct carried *c = ctx;

	c->pieces = realloc(c->pieces, (c->n + 1) * sizeof(*c->pieces));
	c->bodies = realloc(c->bodies, (c->n + 1) * sizeof(*c->bodies));
	check(c->pieces != NULL && c->bodies != NULL, NULL, "memory");
	memset(&c->pieces[c->n], 0, sizeof(*c->pieces));
	bytes_init(&c->bodies[c->n]);
	bytes_put(&c->bodies[c->n], row->body, row->len);
	memcpy(c->after, row->after, sizeof(c->after));
	c->n++;
	return RC_OK;
}

static void
fold_new(struct carried *c, uint64_t log, uint64_t first, struct fold *fold)
{
	for (size_t i = 0; i < c->n; i++) {
		struct dot dot = { log, first + i };
		struct entry e;

		if (c->pieces[i].verdict != JOURNAL_NEW)
			continue;
		check(entry_decode(c->bodies[i].data, c->bodies[i].len, dot, &e) == RC_OK, NULL,
		    "decode");
		check(fold_entry(fold, &e, NULL) == RC_OK, NULL, "fold");
		entry_reset(&e);
	}
}

bool
record_fixture_carry(struct sqlite3 *from, uint64_t log, uint64_t first, uint64_t last,
    struct sqlite3 *to, struct fold *fold)
{
	struct carried c = { NULL, NULL, 0, { 0 } };
	uint8_t before[ENTRY_HEAD_BYTES];
	struct journal_log row;
	uint64_t fork;

	check(journal_log_get(from, log, &row, NULL) == RC_OK, from, "log");
	if (last == 0)
		last = row.head_n;
	if (first > last)
		return false;
	check(journal_head(from, log, first - 1, before, NULL) == RC_OK, from, "head");
	check(journal_read_range(from, log, first, last - first + 1, carry_row, &c, NULL) == RC_OK,
	    from, "range");
	for (size_t i = 0; i < c.n; i++) {
		c.pieces[i].body = c.bodies[i].data;
		c.pieces[i].len = c.bodies[i].len;
	}
	row.own = false;
	check(journal_receive(to, &row, first, before, c.after, c.pieces, c.n, &fork, NULL) == RC_OK,
	    to, "receive");
	if (fork != 0)
		check(fold_refold_log(fold, log, fork, NULL) == RC_OK, to, "refold");
	fold_new(&c, log, first, fold);
	for (size_t i = 0; i < c.n; i++)
		bytes_reset(&c.bodies[i]);
	free(c.bodies);
	free(c.pieces);
	return true;
}

struct all_logs {
	struct sqlite3 *from, *to;
	struct fold *fold;
};

static enum rc
carry_log(void *ctx, const struct journal_log *log)
{
	struct all_logs *a = ctx;

	record_fixture_carry(a->from, log->id, 1, 0, a->to, a->fold);
	return RC_OK;
}

void
record_fixture_carry_all(struct sqlite3 *from, struct sqlite3 *to, struct fold *fold)
{
	struct all_logs a = { from, to, fold };

	check(journal_logs(from, NULL, carry_log, &a, NULL) == RC_OK, from, "logs");
	check(fold_flush(fold, NULL) == RC_OK, to, "flush");
}

static struct sqlite3_stmt *
first_row(struct sqlite3 *db, const char *sql)
{
	struct sqlite3_stmt *q = NULL;

	check(sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK, db, sql);
	check(sqlite3_step(q) == SQLITE_ROW, db, sql);
	return q;
}

int64_t
record_fixture_int(struct sqlite3 *db, const char *sql)
{
	struct sqlite3_stmt *q = first_row(db, sql);
	int64_t v = sqlite3_column_int64(q, 0);

	sqlite3_finalize(q);
	return v;
}

char *
record_fixture_text(struct sqlite3 *db, const char *sql)
{
	struct sqlite3_stmt *q = first_row(db, sql);
	const char *text = (const char *)sqlite3_column_text(q, 0);
	size_t len = text == NULL ? 0 : strlen(text);
	char *copy = calloc(1, len + 1);

	check(copy != NULL, db, "memory");
	if (copy != NULL && len > 0)
		memcpy(copy, text, len);
	sqlite3_finalize(q);
	return copy;
}

void
record_fixture_run(struct sqlite3 *db, const char *sql)
{
	check(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, db, sql);
}
