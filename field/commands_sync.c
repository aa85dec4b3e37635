#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/workspace.h"
#include "shared/base/clock.h"
#include "shared/base/process.h"
#include "shared/records/referral.h"
#include "shared/sync/replica.h"
#include "shared/sync/replica_events.h"
#include "shared/sync/replica_purge.h"
#include "shared/sync/transport.h"

static const char *const levels[] = { "none", "stored", "held" };

static json_t *
receipt_json(int level, int64_t at)
{
	char when[21];

	if (level == 0)
		return json_null();
	clock_iso(at, when);
	return json_pack("{s:s,s:s}", "level", levels[level], "at", when);
}

/* What a hub has confirmed, apart from the province. */
static json_t *
hub_json(uint64_t entries, int64_t at)
{
	char when[21];

	if (at == 0)
		return json_null();
	clock_iso(at, when);
	return json_pack("{s:I,s:s}", "entries", (json_int_t)entries, "at", when);
}

static void
print_hub(struct call *c, uint64_t entries, int64_t at)
{
	char when[17];

	if (entries == 0)
		return;
	clock_vietnamese(at, when);
	call_print(c, call_say(c, "Trạm đồng bộ đang giữ %" PRIu64 " lần ghi để chuyển về tỉnh (%s).",
	    "A hub keeps %" PRIu64 " entries, on their way to the province (%s)."), entries, when);
}

static const char *
level_words(struct call *c, int level)
{
	if (level == 2)
		return call_say(c, "tỉnh đã tổng hợp và sao lưu", "the province holds and has backed it up");
	if (level == 1)
		return call_say(c, "máy chủ của tỉnh đã lưu", "the province's server has stored it");
	return call_say(c, "chưa có xác nhận", "no receipt yet");
}

static enum rc
print_result(struct call *c, const struct replica_sync_result *r)
{
	char when[17];

	if (c->json)
		return call_print_json(c, json_pack(
		    "{s:I,s:I,s:I,s:{s:I,s:I},s:{s:I,s:I},s:I,s:I,s:I,s:I,s:b,s:f,s:o,s:o}",
		    "requests", (json_int_t)r->requests,
		    "bytes_up", (json_int_t)r->bytes_up, "bytes_down", (json_int_t)r->bytes_down,
		    "sent", "frames", (json_int_t)r->sent_frames, "entries",
		    (json_int_t)r->sent_entries, "received", "frames",
		    (json_int_t)r->received_frames, "entries", (json_int_t)r->received_entries,
		    "waiting", (json_int_t)r->waiting, "quarantined", (json_int_t)r->quarantined,
		    "relay_quarantined", (json_int_t)r->relay_quarantined,
		    "failures", (json_int_t)r->failures,
		    "waits_for_admission", (int)r->waits_for_admission,
		    "seconds", (double)r->milliseconds / 1000.0, "receipt",
		    receipt_json(r->receipt_level, r->receipt_at), "hub",
		    hub_json(r->hub_entries, r->hub_at)));
	call_print(c, call_say(c, "Đã gửi %" PRIu64 " lần ghi, nhận %" PRIu64 " lần ghi.",
	    "Sent %" PRIu64 " entries, received %" PRIu64 " entries."), r->sent_entries,
	    r->received_entries);
	if (r->requests > 0)
		call_print(c, call_say(c, "%" PRIu64 " lượt, %" PRIu64 " byte đi, %" PRIu64 " byte về.",
		    "%" PRIu64 " requests, %" PRIu64 " bytes up, %" PRIu64 " bytes down."), r->requests,
		    r->bytes_up, r->bytes_down);
	if (r->receipt_level > 0) {
		clock_vietnamese(r->receipt_at, when);
		call_print(c, "%s (%s)", level_words(c, r->receipt_level), when);
	}
	print_hub(c, r->hub_entries, r->hub_at);
	if (r->audit_cut)
		call_note(c, "%s", call_say(c, "Nhật ký của máy chủ đã bị sửa hoặc cắt bớt: báo cho tỉnh,"
		    " kèm mã \"audit\" trong field status --json.", "The server's audit log was changed or"
		    " shortened: tell the province, with \"audit\" of field status --json."));
	if (r->waits_for_admission)
		call_note(c, "%s", call_say(c, "Máy này đang chờ tỉnh chấp nhận: dữ liệu gửi lên được giữ lại,"
		    " chưa chuyển tiếp.", "This device waits to be admitted by the province: what it"
		    " sends is kept, and not forwarded yet."));
	if (r->waiting > 0)
		call_note(c, call_say(c, "%" PRIu64 " lần ghi đang chờ (xem field quarantine).",
		    "%" PRIu64 " entries wait (see field quarantine)."), r->waiting);
	if (r->quarantined + r->relay_quarantined > 0)
		call_note(c, call_say(c, "%" PRIu64 " lần ghi được giữ riêng (xem field quarantine).",
		    "%" PRIu64 " entries were set aside (see field quarantine)."),
		    r->quarantined + r->relay_quarantined);
	return RC_OK;
}

/* ---- a line that may break ---- */

enum { SHOWN_EVERY_MS = 250, PAUSE_MS = 200, TEXT_ROOM = 240, TRIES_MAX = 100 };

struct shown {
	struct call *call;
	int64_t at;		/* when something was shown last; 0: never */
	bool gone;		/* whoever asked does not listen any more */
};

static void
tell(struct shown *s, const char *text)
{
	if (s->call->tell != NULL && s->call->tell(s->call->tell_ctx, text) != RC_OK)
		s->gone = true;
}

static void
on_progress(void *ctx, const struct replica_progress *p)
{
	struct shown *s = ctx;
	int64_t now = clock_monotonic_ms();
	char text[TEXT_ROOM];
	size_t n = 0;

	if (s->call->tell == NULL || (p->wait_ms == 0 && s->at != 0 && now - s->at < SHOWN_EVERY_MS))
		return;
	s->at = now;
	if (p->wait_ms > 0)
		n = (size_t)snprintf(text, sizeof(text), call_say(s->call,
		    "Đứt kết nối (lần %u), %" PRId64 " giây nữa thử lại", "The link broke (%u), next try in %"
		    PRId64 " s"), p->failures, (p->wait_ms + 999) / 1000);
	else
		n = (size_t)snprintf(text, sizeof(text), call_say(s->call,
		    "Đang đồng bộ: gửi %" PRIu64 " kB, nhận %" PRIu64 " kB", "Syncing: %" PRIu64 " kB up, %"
		    PRIu64 " kB down"), p->bytes_up / 1024, p->bytes_down / 1024);
	n = n < sizeof(text) ? n : sizeof(text) - 1;
	snprintf(text + n, sizeof(text) - n, call_say(s->call,
	    "; còn %" PRIu64 " lần ghi chưa gửi, %" PRIu64 " mục chưa nhận",
	    "; left: %" PRIu64 " entries to send, %" PRIu64 " items to receive"), p->entries_left,
	    p->places_left);
	tell(s, text);
}

/* Until the time is over, or nobody wants the sync any more. */
static bool
wait_for(void *ctx, int64_t ms)
{
	struct shown *s = ctx;
	int64_t end = clock_monotonic_ms() + ms, left;

	while (!s->gone && !process_should_stop() && (left = end - clock_monotonic_ms()) > 0)
		clock_pause_ms(left < PAUSE_MS ? left : PAUSE_MS);
	return !s->gone && !process_should_stop();
}

/*
 * This device was retired, and nothing would be lost with it: its vault goes when it is closed.
 * Somebody may have written while the sync waited; then it is for the next sync to hand that in.
 */
static enum rc
leave_for_good(struct call *c)
{
	bool may;
	enum rc rc = replica_may_wipe(c->ws->replica, &may, &c->err);

	if (rc != RC_OK || !may)
		return rc == RC_OK ? RC_DENIED : rc;
	c->ws->wipe = true;
	error_clear(&c->err);
	return error_set(&c->err, RC_DENIED, c->ws->home, "hand the laptop to your province",
	    "this device has been retired: the server keeps all that it had, and the vault here is destroyed");
}

enum rc
commands_sync(struct call *c)
{
	struct shown shown = { .call = c };
	struct replica_line line = { .wait = wait_for, .progress = on_progress, .ctx = &shown,
		.vietnamese = c->lang == FORM_VI };
	struct replica_sync_result r;
	int64_t last;
	long tries, patience;
	enum rc rc;

	if ((rc = call_number(c, "tries", 1, TRIES_MAX, 0, &tries)) != RC_OK ||
	    (rc = call_number(c, "timeout", 1, TRANSPORT_PATIENCE_MAX, 0, &patience)) != RC_OK ||
	    (rc = replica_events_last(c->ws->replica, &last, &c->err)) != RC_OK)
		return rc;
	commands_access_flush(c);
	line.tries = (unsigned)tries;
	line.patience = (unsigned)patience;
	rc = workspace_sync_pinned(c->ws, call_option(c, "server"), call_option(c, "pin"),
	    call_option(c, "plain") != NULL, &line, &r, &c->err);
	if (shown.at != 0)
		tell(&shown, "");
	if (commands_events_say(c, last) != RC_OK && rc == RC_OK)
		return RC_IO;
	if (rc != RC_OK) {
		if (r.sent_entries + r.received_entries > 0)
			call_note(c, call_say(c, "Trước khi dừng: đã gửi %" PRIu64 ", đã nhận %" PRIu64 ".",
			    "Before it stopped: sent %" PRIu64 ", received %" PRIu64 "."),
			    r.sent_entries, r.received_entries);
		return rc == RC_DENIED && r.may_wipe ? leave_for_good(c) : rc;
	}
	return print_result(c, &r);
}

enum rc
commands_bundle_export(struct call *c)
{
	struct replica_sync_result r;
	enum rc rc;

	commands_access_flush(c);
	if ((rc = replica_bundle_export(c->ws->replica, c->put, c->put_ctx, &r, &c->err)) != RC_OK)
		return rc;
	return print_result(c, &r);
}

enum rc
commands_bundle_import(struct call *c)
{
	struct replica_import *import = NULL;
	struct replica_sync_result r;
	uint8_t *buf = malloc(CALL_PIECE_MAX);
	size_t n = CALL_PIECE_MAX;
	enum rc rc = RC_NOMEM;

	memset(&r, 0, sizeof(r));
	if (buf != NULL)
		rc = replica_import_start(c->ws->replica, c->args[0], &r, &import, &c->err);
	while (rc == RC_OK && n == CALL_PIECE_MAX && replica_import_wants_more(import)) {
		workspace_leave(c->ws);		/* a stick may be slow */
		rc = c->get(c->get_ctx, buf, CALL_PIECE_MAX, &n);
		workspace_enter(c->ws);
		if (rc == RC_OK && c->ws->closing)
			rc = error_set(&c->err, RC_BUSY, c->args[0], "read the bundle again",
			    "the vault is being locked; what was whole is kept");
		if (rc == RC_OK)
			rc = replica_import_feed(import, buf, n);
	}
	if (rc == RC_OK)
		rc = replica_import_finish(import);
	replica_import_free(import);
	free(buf);
	if (r.received_entries > 0 && rc != RC_OK)
		call_note(c, call_say(c, "Trước khi dừng: đã nhận %" PRIu64 " lần ghi.",
		    "Before it stopped: received %" PRIu64 " entries."), r.received_entries);
	return rc == RC_OK ? print_result(c, &r) : rc;
}

enum { AUDIT_TEXT = 64 };

/* "N:HEAD" of the server's audit log as this device saw it last. */
static enum rc
audit_text(struct call *c, char out[AUDIT_TEXT])
{
	uint8_t head[16];
	char hex[33];
	uint64_t n;
	enum rc rc = replica_audit_head(c->ws->replica, &n, head, &c->err);

	bytes_hex(head, sizeof(head), hex);
	snprintf(out, AUDIT_TEXT, "%" PRIu64 ":%s", n, hex);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
commands_status(struct call *c)
{
	struct replica *r = c->ws->replica;
	const struct unit *unit = directory_unit(replica_directory(r), replica_unit(r));
	struct replica_status s;
	struct record_context ctx = workspace_records(c->ws, c->lang);
	char device[33], when[17] = "", audit[AUDIT_TEXT];
	struct replica_purged_counts purged;
	struct commands_rights rights;
	uint64_t referrals, duplicates;
	json_t *events;
	enum rc rc;

	if ((rc = replica_status(r, &s, &c->err)) != RC_OK ||
	    (rc = replica_purged_count(r, &purged, &c->err)) != RC_OK ||
	    (rc = referral_count_waiting(&ctx, replica_unit(r), &referrals, &c->err)) != RC_OK ||
	    (rc = commands_duplicates_count(c, &duplicates)) != RC_OK ||
	    (rc = commands_rights_count(c, &rights)) != RC_OK)
		return rc;
	bytes_hex(replica_device(r), IDENTITY_ID_BYTES, device);
	if ((rc = audit_text(c, audit)) != RC_OK)
		return rc;
	if (c->json && (rc = commands_events_json(c, &events)) != RC_OK)
		return rc;
	if (c->json)
		return call_print_json(c, json_pack(
		    "{s:o,s:I,s:I,s:I,s:I,s:I,s:s,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:s,s:s,s:s,s:b}", "events", events,
		    "requests", (json_int_t)rights.requests, "requests_overdue", (json_int_t)rights.overdue,
		    "retention", (json_int_t)rights.retention,
		    "purged", (json_int_t)purged.records, "purged_later", (json_int_t)purged.later, "audit", audit,
		    "hub", hub_json(s.hub_entries, s.hub_at),
		    "records", (json_int_t)s.records, "unsent", (json_int_t)s.unsent_entries, "conflicts",
		    (json_int_t)s.conflicts, "duplicates", (json_int_t)duplicates, "waiting", (json_int_t)s.waiting,
		    "quarantined", (json_int_t)(s.quarantined + s.left_out), "newer", (json_int_t)s.newer, "gaps",
		    (json_int_t)s.gaps, "referrals", (json_int_t)referrals, "last_receipt", receipt_json(s.receipt_level, s.receipt_at),
		    "device", device, "unit", replica_unit(r), "role",
		    identity_role_name(replica_role(r)), "locked", 0));
	call_print(c, "%s: %s (%s), %s", call_say(c, "Đơn vị", "Unit"),
	    unit == NULL ? "?" : unit->full_name, replica_unit(r),
	    identity_role_name(replica_role(r)));
	call_print(c, "%s: %s", call_say(c, "Máy", "Device"), device);
	call_print(c, call_say(c, "Bản ghi: %" PRIu64 ". Chờ gửi: %" PRIu64 ".",
	    "Records: %" PRIu64 ".  To send: %" PRIu64 "."), s.records, s.unsent_entries);
	call_print(c, call_say(c, "Cần xem lại: %" PRIu64 ". Đang chờ: %" PRIu64 ". Giữ riêng: %" PRIu64 ".",
	    "To review: %" PRIu64 ".  Waiting: %" PRIu64 ".  Set aside: %" PRIu64 "."), s.conflicts,
	    s.waiting, s.quarantined + s.left_out);
	if (referrals > 0)
		call_print(c, call_say(c, "Hồ sơ chuyển đến chờ phản hồi: %" PRIu64
		    " (field referrals --waiting).", "Referred here, to be answered: %" PRIu64
		    " (field referrals --waiting)."), referrals);
	if (duplicates > 0)
		call_print(c, call_say(c, "Có thể trùng người: %" PRIu64 " cặp hồ sơ.",
		    "May be one person: %" PRIu64 " pairs of records."), duplicates);
	if (rights.requests > 0)
		call_print(c, call_say(c, "Yêu cầu của chủ thể dữ liệu chưa xong: %" PRIu64 ", quá hạn: %" PRIu64
		    " (field requests --open).", "Requests of data subjects to be dealt with: %" PRIu64
		    ", overdue: %" PRIu64 " (field requests --open)."), rights.requests, rights.overdue);
	if (rights.retention > 0)
		call_print(c, call_say(c, "Hết thời hạn lưu giữ, cần rà soát: %" PRIu64 " (field due --retention).",
		    "Kept beyond their time, to be reviewed: %" PRIu64 " (field due --retention)."), rights.retention);
	if (s.receipt_level > 0)
		clock_vietnamese(s.receipt_at, when);
	call_print(c, "%s: %s %s", call_say(c, "Xác nhận gần nhất", "Last receipt"),
	    level_words(c, s.receipt_level), when);
	print_hub(c, s.hub_entries, s.hub_at);
	if (s.newer > 0)
		call_note(c, call_say(c, "%" PRIu64 " giá trị cần phiên bản mới hơn mới hiển thị được.",
		    "%" PRIu64 " values need a newer version to be shown."), s.newer);
	if ((rc = commands_purge_status(c)) != RC_OK || (rc = commands_too_large(c)) != RC_OK)
		return rc;
	return commands_events_say(c, 0);
}
