#include <jansson.h>
#include <string.h>
#include <time.h>

#include "shared/base/process.h"
#include "shared/base/files.h"
#include "shared/reports/report.h"
#include "shared/sync/transport.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/consolidator.h"
#include "sync-server/operator.h"

enum { EVERY_DEFAULT = 300, EVERY_MAX = 86400 };

static enum rc
day_of(struct operator *c, const char *option, const char *text, struct date *out)
{
	if (text == NULL)
		return RC_OK;
	if (date_parse(text, out) != RC_OK || out->month == 0 || out->day == 0)
		return error_set(&c->err, RC_USAGE, option, "write it like 2026-01-31",
		    "this is no whole date");
	return RC_OK;
}

static enum rc
plan_of(struct operator *c, struct consolidator_plan *out)
{
	long threshold;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	out->reports = c->options.reports;
	out->public_reports = c->options.public_reports;
	out->backup = c->options.backup;
	out->lang = c->vietnamese ? FORM_VI : FORM_EN;
	date_at(clock_now(&c->clock), &out->to);
	if (out->reports != NULL && out->public_reports != NULL &&
	    strcmp(out->reports, out->public_reports) == 0)
		return error_set(&c->err, RC_USAGE, out->reports, "give another folder to --public",
		    "what may leave would stand among what may not");
	if ((rc = operator_number("threshold", c->options.threshold, REPORT_THRESHOLD_MIN,
	    REPORT_THRESHOLD_MAX, REPORT_THRESHOLD, &threshold, &c->err)) != RC_OK)
		return rc;
	out->threshold = threshold;
	if ((rc = day_of(c, "to", c->options.to, &out->to)) != RC_OK)
		return rc;
	out->from = (struct date){ out->to.year, 1, 1 };
	return day_of(c, "from", c->options.from, &out->from);
}

static enum rc
print_round(struct operator *c, const struct consolidator_result *r)
{
	static const struct operator_column columns[] = {
		{ "received_frames", { "Khung đã nhận", "Frames received" } },
		{ "received_entries", { "Lần ghi đã nhận", "Entries received" } },
		{ "waiting", { "Đang chờ", "Waiting" } },
		{ "quarantined", { "Giữ riêng", "Kept aside" } },
		{ "requests", { "Lượt kết nối", "Requests" } },
		{ "reports", { "Báo cáo đã ghi", "Reports written" } },
		{ "backed_up", { "Đã sao lưu", "Backed up" } },
		{ "receipts", { "Biên nhận đã ký", "Receipts signed" } },
	};
	enum rc rc = operator_print_object(c, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b,"
	    " s:I}", "received_frames", (json_int_t)r->sync.received_frames, "received_entries",
	    (json_int_t)r->sync.received_entries, "waiting", (json_int_t)r->sync.waiting,
	    "quarantined", (json_int_t)r->sync.quarantined, "requests",
	    (json_int_t)r->sync.requests, "bytes_up", (json_int_t)r->sync.bytes_up, "bytes_down",
	    (json_int_t)r->sync.bytes_down, "reports", (json_int_t)r->reports, "backed_up",
	    (int)r->backed_up, "receipts", (json_int_t)r->receipts), columns,
	    sizeof(columns) / sizeof(columns[0]));

	if (rc == RC_OK && fflush(stdout) != 0)
		rc = RC_IO;
	if (r->reports_left_out > 0)
		operator_note(c, "một số báo cáo không phù hợp với bộ biểu mẫu đang dùng",
		    "some reports do not fit the forms in use");
	return rc;
}

/* Whoever takes the machine would have the frames and the keys that open them. */
static void
warn_if_together(struct operator *c, const char *url)
{
	bool here = operator_has_relay(c) || strstr(url, "//127.") != NULL ||
	    strstr(url, "//localhost") != NULL || strstr(url, "//[::1]") != NULL;

	if (here)
		operator_note(c, "trạm chuyển tiếp chạy cùng máy với bản sao cấp tỉnh; nên dùng hai máy riêng",
		    "the relay is on the same machine as the province's replica; two are safer");
	if (c->options.backup == NULL)
		operator_note(c, "không có --backup nên không ký biên nhận đã lưu giữ",
		    "without --backup no receipts for holding are signed");
}

/* Between two rounds; a signal ends the pause. */
static void
rest(long seconds)
{
	int64_t until = clock_monotonic_ms() + seconds * 1000;
	const struct timespec step = { 0, 500000000 };

	while (!process_should_stop() && clock_monotonic_ms() < until)
		nanosleep(&step, NULL);
}

/*
 * The process with a whole province's keys writes where it was told to, workbooks in memory, and
 * nowhere else; folders that are to be made are made before.
 */
static enum rc
confine(struct operator *c)
{
	const char *places[] = { c->options.home, c->options.reports, c->options.backup,
	    c->options.public_reports,
	    files_memory_dir(), "/dev/null" };
	enum rc rc = RC_OK;

	for (size_t i = 1; i <= 3 && rc == RC_OK; i++)
		if (places[i] != NULL)
			rc = files_make_dir(places[i], &c->err);
	if (rc == RC_OK)
		(void)process_confine(places, sizeof(places) / sizeof(places[0]));
	return rc;
}

static enum rc
rounds(struct operator *c, struct vault *v, struct replica *r)
{
	const char *url = c->options.server != NULL ? c->options.server : replica_url(r);
	struct consolidator_plan plan;
	struct consolidator_result result;
	struct transport *t = NULL;
	long every;
	enum rc rc;

	if ((rc = operator_number("every", c->options.every, 1, EVERY_MAX, EVERY_DEFAULT, &every,
	    &c->err)) != RC_OK || (rc = plan_of(c, &plan)) != RC_OK)
		return rc;
	if (url[0] == '\0')
		return error_set(&c->err, RC_USAGE, "server", "give --server URL",
		    "the invitation named no server");
	warn_if_together(c, url);
	process_catch_stop();
	if ((rc = confine(c)) != RC_OK)
		return rc;
	if ((rc = transport_open(url, replica_pin(r), c->options.plain, &t, &c->err)) != RC_OK)
		return rc;
	for (;;) {
		rc = consolidator_round(v, r, t, &plan, &result, &c->err);
		if (rc == RC_OK)
			rc = print_round(c, &result);
		if (c->options.once || process_should_stop())
			break;
		/* A server that is away comes back; everything else is for a person. */
		if (rc != RC_OK && rc != RC_NET && rc != RC_UNAVAILABLE)
			break;
		if (rc != RC_OK) {
			operator_warn(c, &c->err);
			error_clear(&c->err);
		}
		rest(every);
		if (process_should_stop())
			break;
		if ((rc = plan_of(c, &plan)) != RC_OK)
			break;
	}
	transport_close(t);
	return rc;
}

enum rc
operator_consolidate(struct operator *c)
{
	struct secret *passphrase = NULL;
	struct replica *r = NULL;
	struct vault *v = NULL;
	enum rc rc;

	if ((rc = operator_need("home", c->options.home, &c->err)) != RC_OK)
		return rc;
	if (!vault_exists(c->options.home))
		return error_set(&c->err, RC_NOTFOUND, c->options.home,
		    "join there first: field --home DIR join INVITATION", "there is no vault");
	if ((rc = operator_passphrase(c, c->options.passphrase_file, false, &passphrase)) == RC_OK &&
	    (rc = vault_open(c->options.home, passphrase, &v, &c->err)) == RC_OK &&
	    (rc = replica_open(v, &c->clock, &r, &c->err)) == RC_OK)
		rc = rounds(c, v, r);
	replica_close(r);
	vault_close(v);
	secret_free(passphrase);
	return rc;
}
