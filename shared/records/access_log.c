#include "shared/records/access_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/vault/query.h"

/*
 * What waits is a row of the table setting each: name "open SECONDS COMMAND WHAT", value what follows
 * these in a line: "[COUNT] [REASON]".  Seconds have twelve digits, so that names sort by time.
 */
enum { NAME_AT = 5, NAME_COMMAND = NAME_AT + 13,
    NAME_MAX_BYTES = NAME_COMMAND + ACCESS_LOG_COMMAND_MAX + 1 + ACCESS_LOG_WHAT_MAX + 1,
    VALUE_MAX_BYTES = 21 + ACCESS_LOG_REASON_MAX + 1,
    LINE_MAX_BYTES = 6 + ACCESS_LOG_COMMAND_MAX + 1 + ACCESS_LOG_WHAT_MAX + 1 + VALUE_MAX_BYTES };

#define WAITING "name >= 'open ' AND name < 'open!'"

/* The grammar ------------------------------------------------------------------------------ */

static bool
is_word(const char *s, size_t max, const char *allowed)
{
	size_t n = strlen(s);

	return n > 0 && n <= max && strspn(s, allowed) == n;
}

#define SMALL "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"

static bool
is_sound(const struct access_log_open *o)
{
	return is_word(o->command, ACCESS_LOG_COMMAND_MAX, SMALL) &&
	    is_word(o->what, ACCESS_LOG_WHAT_MAX, SMALL "0123456789_.") &&
	    (*o->reason == '\0' || strcmp(o->reason, "-") == 0 ||
	    is_word(o->reason, ACCESS_LOG_REASON_MAX, CAPITALS));
}

static void
write_value(uint64_t count, const char *reason, char out[VALUE_MAX_BYTES])
{
	if (count > 0 && *reason != '\0')
		snprintf(out, VALUE_MAX_BYTES, "%" PRIu64 " %s", count, reason);
	else if (count > 0)
		snprintf(out, VALUE_MAX_BYTES, "%" PRIu64, count);
	else
		snprintf(out, VALUE_MAX_BYTES, "%s", reason);
}

/* "[COUNT] [REASON]"; false: it is something else. */
static bool
read_value(const char *text, uint64_t *count, char reason[ACCESS_LOG_REASON_MAX + 1])
{
	char *end = NULL;

	*count = 0;
	reason[0] = '\0';
	if (*text >= '0' && *text <= '9') {
		*count = strtoull(text, &end, 10);
		if (*end != '\0' && (*end != ' ' || end[1] == '\0'))
			return false;
		text = *end == ' ' ? end + 1 : end;
	}
	if (*text == '\0')
		return true;
	if (strcmp(text, "-") != 0 && !is_word(text, ACCESS_LOG_REASON_MAX, CAPITALS))
		return false;
	snprintf(reason, ACCESS_LOG_REASON_MAX + 1, "%s", text);
	return true;
}

/* The next word up to a blank or the end; false: there is none, or it is too long. */
static bool
take_word(const char **at, size_t max, char *out)
{
	size_t n = strcspn(*at, " ");

	if (n == 0 || n > max)
		return false;
	memcpy(out, *at, n);
	out[n] = '\0';
	*at += n;
	*at += **at == ' ' ? 1 : 0;
	return true;
}

/* "COMMAND WHAT [COUNT] [REASON]" */
static bool
read_rest(const char *text, struct access_log_line *out)
{
	const char *at = text;

	return take_word(&at, ACCESS_LOG_COMMAND_MAX, out->command) &&
	    take_word(&at, ACCESS_LOG_WHAT_MAX, out->what) && read_value(at, &out->count, out->reason);
}

/* What waits ------------------------------------------------------------------------------- */

/* Seconds of a row's name; false: it is none of ours. */
static bool
read_name(const char *name, int64_t *at)
{
	char *end = NULL;

	*at = strlen(name) > NAME_COMMAND ? (int64_t)strtoll(name + NAME_AT, &end, 10) : 0;
	return end == name + NAME_COMMAND - 1 && *end == ' ';
}

static void
write_name(int64_t at, const char *command, const char *what, char out[NAME_MAX_BYTES])
{
	snprintf(out, NAME_MAX_BYTES, "open %012" PRId64 " %s %s", at < 0 ? 0 : at, command, what);
}

/* The row of the same thing within the last hour; name "" : there is none. */
static enum rc
find_same(const struct record_context *c, const struct access_log_open *o, int64_t now,
    char name[NAME_MAX_BYTES], char value[VALUE_MAX_BYTES], struct error *err)
{
	char from[NAME_MAX_BYTES], wanted[NAME_MAX_BYTES];
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc;

	name[0] = value[0] = '\0';
	write_name(now < ACCESS_LOG_SECONDS ? 0 : now - ACCESS_LOG_SECONDS + 1, "", "", from);
	snprintf(wanted, sizeof(wanted), "%s %s", o->command, o->what);
	rc = query_open(c->db, err, &q, "SELECT name, CAST(value AS TEXT) FROM setting WHERE name >= ?1"
	    " AND name < 'open!' AND substr(name, ?2) = ?3 ORDER BY name DESC LIMIT 1", "tit", from,
	    (int64_t)NAME_COMMAND + 1, wanted);
	if (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row &&
	    strlen(query_column_text(q, 0)) < NAME_MAX_BYTES &&
	    strlen(query_column_text(q, 1)) < VALUE_MAX_BYTES) {
		strcpy(name, query_column_text(q, 0));
		strcpy(value, query_column_text(q, 1));
	}
	query_close(q);
	return rc;
}

enum rc
access_log_note(const struct record_context *c, const struct access_log_open *o, bool *is_new,
    struct error *err)
{
	char name[NAME_MAX_BYTES], was[VALUE_MAX_BYTES], value[VALUE_MAX_BYTES];
	char reason[ACCESS_LOG_REASON_MAX + 1];
	int64_t now = clock_now(c->clock);
	uint64_t count;
	enum rc rc;

	*is_new = false;
	if (!is_sound(o))
		return error_set(err, RC_INVALID, o->command, NULL, "this cannot stand in the access log");
	if ((rc = find_same(c, o, now, name, was, err)) != RC_OK)
		return rc;
	*is_new = name[0] == '\0' || !read_value(was, &count, reason);
	if (*is_new) {
		write_name(now, o->command, o->what, name);
		write_value(o->count, o->reason, value);
	} else {
		/* the more was shown and the more is known of why, the better it tells what was seen */
		count = o->adds ? count + o->count : count > o->count ? count : o->count;
		write_value(count, *o->reason != '\0' && strcmp(o->reason, "-") != 0 ? o->reason :
		    *reason != '\0' ? reason : o->reason, value);
		if (strcmp(value, was) == 0)
			return RC_OK;
	}
	return query_run(c->db, err, "INSERT OR REPLACE INTO setting(name, value) VALUES (?1, ?2)", "tt",
	    name, value);
}

/* A clock that was put back must not keep them waiting for years. */
enum rc
access_log_is_due(const struct record_context *c, bool *out, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	int64_t now = clock_now(c->clock), first, last;
	bool row = false;
	enum rc rc = query_open(c->db, err, &q, "SELECT count(*), min(name), max(name) FROM setting WHERE "
	    WAITING, "");

	*out = false;
	if (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row && query_column_int(q, 0) > 0)
		*out = query_column_int(q, 0) >= ACCESS_LOG_WAITING_MAX ||
		    !read_name(query_column_text(q, 1), &first) ||
		    !read_name(query_column_text(q, 2), &last) || now - first >= ACCESS_LOG_SECONDS ||
		    last - now >= ACCESS_LOG_SECONDS;
	query_close(q);
	return rc;
}

/* Writing ---------------------------------------------------------------------------------- */

struct day {
	struct answers *answers;	/* of the record being made; NULL: none */
	char iso[11];
	size_t n;
};

static enum rc
end_day(const struct record_context *c, struct day *d, struct error *err)
{
	struct dot id;
	enum rc rc = d->answers == NULL ? RC_OK : record_create(c, NULL, d->answers, &id, err);

	answers_free(d->answers);
	d->answers = NULL;
	d->n = 0;
	return rc;
}

static enum rc
begin_day(const struct record_context *c, struct day *d, const char *iso, struct error *err)
{
	const struct form *form = form_set_find(c->forms, ACCESS_LOG_FORM);
	enum rc rc = form == NULL ? RC_NOTFOUND : answers_new(form, c->forms, &d->answers);

	memcpy(d->iso, iso, sizeof(d->iso));
	return rc == RC_OK ? answers_add(d->answers, "day", iso, err) : rc;
}

/* The day and the hour of it, as people of the place have it. */
static void
local_time(int64_t at, char iso[11], char hour[6])
{
	struct date d;
	char text[17];

	date_at(at, &d);
	date_iso(&d, iso);
	clock_vietnamese(at, text);
	memcpy(hour, text + strlen(text) - 5, 6);
}

static enum rc
add_line(const struct record_context *c, struct day *d, const char *name, const char *value,
    struct error *err)
{
	char iso[11], hour[6], line[LINE_MAX_BYTES];
	int64_t at;
	enum rc rc = RC_OK;

	if (!read_name(name, &at))
		return RC_OK;
	local_time(at, iso, hour);
	if (d->answers != NULL && (strcmp(iso, d->iso) != 0 || d->n == ACCESS_LOG_DAY_MAX))
		rc = end_day(c, d, err);
	if (rc == RC_OK && d->answers == NULL)
		rc = begin_day(c, d, iso, err);
	if (rc != RC_OK)
		return rc;
	snprintf(line, sizeof(line), "%s %s%s%s", hour, name + NAME_COMMAND, *value != '\0' ? " " : "", value);
	d->n++;
	return answers_add(d->answers, "opens", line, err);
}

enum rc
access_log_write(const struct record_context *c, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	struct day d = { .n = 0 };
	bool row;
	enum rc rc = query_open(c->db, err, &q, "SELECT name, CAST(value AS TEXT) FROM setting WHERE "
	    WAITING " ORDER BY name", "");

	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row)
		rc = add_line(c, &d, query_column_text(q, 0), query_column_text(q, 1), err);
	query_close(q);
	if (rc == RC_OK)
		rc = end_day(c, &d, err);
	answers_free(d.answers);
	return rc == RC_OK ? query_run(c->db, err, "DELETE FROM setting WHERE " WAITING, "") : rc;
}

/* Reading ---------------------------------------------------------------------------------- */

/* "HH:MM COMMAND WHAT ..." of a day. */
static void
read_line(const char *day, const char *text, struct access_log_line *out)
{
	char hour[6];
	const char *at = text;

	out->text = text;
	snprintf(out->at, sizeof(out->at), "%.10s", day);
	if (!take_word(&at, 5, hour) || strlen(hour) != 5 || !read_rest(at, out)) {
		out->command[0] = out->what[0] = out->reason[0] = '\0';
		out->count = 0;
		return;
	}
	snprintf(out->at, sizeof(out->at), "%.10s %.5s", day, hour);
}

static enum rc
each_written(const struct record_context *c, const char *from, const char *to,
    access_log_each *each, void *ctx, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc;

	if (form_set_find(c->forms, ACCESS_LOG_FORM) == NULL)
		return RC_OK;
	rc = query_open(c->db, err, &q, "SELECT a.day, o.value, a.unit, l.device, o.voided OR a.alive = 0"
	    " FROM form_access_log a JOIN form_access_log__opens o ON o.id = a.id"
	    " LEFT JOIN log l ON l.id = o.item_log WHERE (?1 IS NULL OR a.day >= ?1)"
	    " AND (?2 IS NULL OR a.day <= ?2) ORDER BY a.day, o.value, o.item_log, o.item_n", "tt", from, to);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		struct access_log_line line = { .unit = query_column_text(q, 2) };
		size_t len;

		read_line(query_column_text(q, 0), query_column_text(q, 1), &line);
		line.device = query_column_blob(q, 3, &len);
		line.device = len == ENTRY_DEVICE_BYTES ? line.device : NULL;
		line.struck = query_column_int(q, 4) != 0;
		rc = each(ctx, &line);
	}
	query_close(q);
	return rc;
}

static enum rc
each_waiting(const struct record_context *c, const char *from, const char *to,
    access_log_each *each, void *ctx, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc = query_open(c->db, err, &q, "SELECT name, CAST(value AS TEXT) FROM setting WHERE "
	    WAITING " ORDER BY name", "");

	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		struct access_log_line line = { .unit = "", .waits = true };
		char iso[11], hour[6], text[LINE_MAX_BYTES];
		int64_t at;

		if (!read_name(query_column_text(q, 0), &at))
			continue;
		local_time(at, iso, hour);
		if ((from != NULL && strcmp(iso, from) < 0) || (to != NULL && strcmp(iso, to) > 0))
			continue;
		snprintf(text, sizeof(text), "%s %s%s%s", hour, query_column_text(q, 0) + NAME_COMMAND,
		    *query_column_text(q, 1) != '\0' ? " " : "", query_column_text(q, 1));
		read_line(iso, text, &line);
		rc = each(ctx, &line);
	}
	query_close(q);
	return rc;
}

enum rc
access_log_lines(const struct record_context *c, const char *from, const char *to,
    access_log_each *each, void *ctx, struct error *err)
{
	enum rc rc = each_written(c, from, to, each, ctx, err);

	return rc == RC_OK ? each_waiting(c, from, to, each, ctx, err) : rc;
}
