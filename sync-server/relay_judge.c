/* What the relay thinks of a frame, and the sequence that accepted ones enter. */
#include <stdio.h>
#include <string.h>

#include "shared/sync/frame.h"
#include "sync-server/relay_internal.h"

/* ---- names of lanes ---- */

void
relay_lane_certificates(const char *unit, char out[DEPOT_LANE_MAX])
{
	snprintf(out, DEPOT_LANE_MAX, "c%s", unit);
}

void
relay_lane_shares(const char *unit, unsigned compartment, char out[DEPOT_LANE_MAX])
{
	snprintf(out, DEPOT_LANE_MAX, "k%u%s", compartment, unit);
}

void
relay_lane_device(const uint8_t device[16], char out[DEPOT_LANE_MAX])
{
	out[0] = 'd';
	bytes_hex(device, IDENTITY_ID_BYTES, out + 1);
}

const char *
relay_reason_text(enum root_exchange_reason reason, bool vietnamese)
{
	static const char *const texts[][2] = {
		[ASIDE_NOTHING] = { "", "" },
		[ASIDE_NOT_A_FRAME] = { "không phải khung dữ liệu", "not a frame" },
		[ASIDE_NEWER] = { "do phần mềm phiên bản mới hơn tạo", "made by a newer program" },
		[ASIDE_UNKNOWN_AUTHOR] = { "chưa biết thiết bị đã ghi", "its author is not known" },
		[ASIDE_SIGNATURE] = { "chữ ký không đúng", "its signature does not hold" },
		[ASIDE_MAY_NOT_WRITE] = { "thiết bị không được ghi vào đơn vị đó",
		    "its author may not write there" },
		[ASIDE_UNKNOWN_EPOCH] = { "niêm phong bằng khóa không có trong danh bạ",
		    "sealed to a key that is not in the directory" },
		[ASIDE_OTHER_LOG] = { "chuỗi ghi thuộc thiết bị hoặc đơn vị khác",
		    "its log belongs to another device or scope" },
		[ASIDE_AUTHOR_RETIRED] = { "thiết bị đã ngừng trước đó", "its author was retired before" },
		[ASIDE_BY_RETIRED] = { "do một thiết bị đã ngừng chuyển đến",
		    "handed in by a retired device" },
		[ASIDE_ERASED] = { "chuỗi ghi có nội dung phải xóa; chạy erase để niêm phong lại",
		    "something of its log was erased; run erase, to seal it again" },
		[ASIDE_AUTHOR_REFUSED] = { "thiết bị đã bị từ chối", "its author was refused" },
	};

	if ((size_t)reason >= sizeof(texts) / sizeof(texts[0]))
		return vietnamese ? "lý do chưa biết" : "unknown reason";
	return texts[reason][vietnamese ? 0 : 1];
}

/* ---- judging ---- */

static bool
may_write(struct depot *depot, const struct device *author, const struct frame_header *h)
{
	const struct directory *dir = depot_directory(depot);
	char unit[IDENTITY_UNIT_MAX + 1];
	enum identity_role role;

	if (directory_may_write(dir, author->unit, author->role, h->unit, h->compartment))
		return true;
	/* work from before a move to another unit comes late */
	return depot_assigned_at(depot, h->device, h->directory_seq, unit, &role) == RC_OK &&
	    directory_once_wrote(dir, unit, role, h->unit, h->compartment);
}

static enum rc
judge_logs(struct depot *depot, const struct frame_header *h, enum root_exchange_reason *reason)
{
	struct depot_log log;
	enum rc rc;

	for (size_t i = 0; i < h->n_ranges; i++) {
		rc = depot_log(depot, h->ranges[i].log, &log);
		if (rc != RC_OK && rc != RC_NOTFOUND)
			return rc;
		if (rc == RC_OK && (memcmp(log.device, h->device, sizeof(log.device)) != 0 ||
		    strcmp(log.unit, h->unit) != 0 || log.compartment != h->compartment))
			*reason = ASIDE_OTHER_LOG;
	}
	return RC_OK;
}

static enum root_exchange_reason
judge_author(const struct device *author, const struct frame_header *h)
{
	if (author->state == DEVICE_REFUSED)
		return ASIDE_AUTHOR_REFUSED;
	for (size_t i = 0; author->state == DEVICE_RETIRED && i < h->n_ranges; i++)
		if (!directory_device_counts(author, h->ranges[i].log,
		    h->ranges[i].first + h->ranges[i].count - 1))
			return ASIDE_AUTHOR_RETIRED;
	return ASIDE_NOTHING;
}

/* Sealed by who did not know of an erasure in one of its logs. */
bool
relay_is_stale(struct depot *depot, const struct frame_header *h)
{
	for (size_t i = 0; i < h->n_ranges; i++)
		if (directory_erased_at(depot_directory(depot), h->ranges[i].log) > h->directory_seq)
			return true;
	return false;
}

/* What only its author's frames are asked. */
static enum root_exchange_reason
judge_by_author(struct depot *depot, const struct device *author, const struct frame_header *h)
{
	enum root_exchange_reason reason = judge_author(author, h);

	if (reason == ASIDE_NOTHING && !may_write(depot, author, h))
		reason = ASIDE_MAY_NOT_WRITE;
	return reason;
}

enum rc
relay_judge(struct depot *depot, const uint8_t *p, size_t len, struct depot_frame *f,
    struct frame_header *h)
{
	const struct device *author;
	enum depot_standing standing;
	enum rc rc;

	f->state = FRAME_ASIDE;
	f->reason = ASIDE_NOT_A_FRAME;
	memset(h, 0, sizeof(*h));
	if ((rc = frame_read(p, len, h)) != RC_OK) {
		f->reason = rc == RC_NEWER ? ASIDE_NEWER : ASIDE_NOT_A_FRAME;
		return rc == RC_NOMEM ? rc : RC_OK;
	}
	memcpy(f->author, h->device, sizeof(f->author));
	memcpy(f->unit, h->unit, sizeof(f->unit));
	f->compartment = h->compartment;
	f->entries = h->n_entries;
	f->reason = ASIDE_UNKNOWN_AUTHOR;
	if ((author = directory_device(depot_directory(depot), h->device)) == NULL)
		return RC_OK;
	f->reason = ASIDE_SIGNATURE;
	if (frame_verify(h, p, len, h->kind == FRAME_RESEALED ?
	    directory_root(depot_directory(depot)) : author->cert.sign_public) != RC_OK)
		return RC_OK;
	f->reason = ASIDE_ERASED;
	if (relay_is_stale(depot, h))
		return RC_OK;
	if (h->kind == FRAME_BY_AUTHOR &&
	    (f->reason = judge_by_author(depot, author, h)) != ASIDE_NOTHING)
		return RC_OK;
	f->reason = ASIDE_UNKNOWN_EPOCH;
	if (directory_scope_key_at(depot_directory(depot), h->unit, h->compartment, h->epoch) == NULL)
		return RC_OK;
	f->reason = ASIDE_NOTHING;
	if ((rc = judge_logs(depot, h, &f->reason)) != RC_OK || f->reason != ASIDE_NOTHING)
		return rc;
	if ((rc = depot_standing(depot, h->device, &standing)) != RC_OK)
		return rc;
	f->state = standing == STANDING_WAITS && h->kind == FRAME_BY_AUTHOR ? FRAME_WAITS : FRAME_SERVED;
	return RC_OK;
}

/* ---- the sequence ---- */

static void
lane_of_frames(const char *unit, unsigned compartment, char out[DEPOT_LANE_MAX])
{
	snprintf(out, DEPOT_LANE_MAX, "f%u%s", compartment, unit);
}

/* What was sealed again, wherever it comes from, takes the place of the stale frame of the same entries. */
static enum rc
replace_stale(struct depot *depot, const struct frame_header *h)
{
	struct frame_header old = { 0 };
	struct depot_frame f = { 0 };
	struct bytes bytes;
	enum rc rc;

	bytes_init(&bytes);
	while ((rc = depot_frame_after(depot, f.key, FRAME_ASIDE, ASIDE_ERASED, &f)) == RC_OK) {
		if (memcmp(f.author, h->device, sizeof(f.author)) != 0)
			continue;
		bytes.len = 0;
		if ((rc = depot_frame_bytes(depot, f.key, &bytes)) != RC_OK)
			break;
		if (frame_read(bytes.data, bytes.len, &old) != RC_OK)
			continue;
		if (strcmp(old.unit, h->unit) == 0 && old.compartment == h->compartment &&
		    old.n_ranges == h->n_ranges &&
		    memcmp(old.ranges, h->ranges, h->n_ranges * sizeof(*h->ranges)) == 0)
			rc = depot_drop_frame(depot, f.key);
		frame_header_reset(&old);
		if (rc != RC_OK)
			break;
	}
	bytes_reset(&bytes);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* Put an accepted frame into the sequence, behind its author's certificate. */
enum rc
relay_enter_stream(struct depot *depot, int64_t now, const struct depot_frame *f,
    const struct frame_header *h, uint64_t *position)
{
	char lane[DEPOT_LANE_MAX], detail[64];
	bool forked;
	enum rc rc;

	*position = 0;
	for (size_t i = 0; i < h->n_ranges; i++) {
		if ((rc = depot_note_range(depot, h, &h->ranges[i], &forked)) != RC_OK)
			return rc;
		snprintf(detail, sizeof(detail), "log %016llx", (unsigned long long)h->ranges[i].log);
		if (forked && (rc = depot_alarm(depot, now, "log-forked", h->device, detail)) != RC_OK)
			return rc;
	}
	relay_lane_certificates(f->unit, lane);
	if ((rc = depot_publish(depot, h->device, lane)) != RC_OK)
		return rc;
	if (h->kind == FRAME_RESEALED && (rc = replace_stale(depot, h)) != RC_OK)
		return rc;
	lane_of_frames(f->unit, f->compartment, lane);
	return depot_append_frame(depot, lane, f->key, position);
}

/* ---- looking again ---- */

/* Judge a kept frame again; serve it if it is accepted now. */
static enum rc
judge_again(struct depot *depot, int64_t now, struct depot_frame *f)
{
	enum depot_frame_state state = f->state;
	enum root_exchange_reason reason = f->reason;
	struct frame_header h = { 0 };
	struct bytes bytes;
	uint64_t position;
	enum rc rc;

	bytes_init(&bytes);
	if ((rc = depot_frame_bytes(depot, f->key, &bytes)) != RC_OK ||
	    (rc = relay_judge(depot, bytes.data, bytes.len, f, &h)) != RC_OK)
		goto out;
	if (f->state == state && f->reason == reason)
		goto out;
	rc = depot_change_frame(depot, f);
	if (rc == RC_OK && f->state == FRAME_SERVED)
		rc = relay_enter_stream(depot, now, f, &h, &position);
out:
	frame_header_reset(&h);
	bytes_reset(&bytes);
	return rc;
}

enum rc
relay_look_at(struct depot *depot, int64_t now, enum depot_frame_state state,
    enum root_exchange_reason reason)
{
	struct depot_frame f = { 0 };
	enum rc rc;

	while ((rc = depot_frame_after(depot, f.key, state, reason, &f)) == RC_OK)
		if ((rc = judge_again(depot, now, &f)) != RC_OK)
			return rc;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
relay_look_again(struct depot *depot, int64_t now)
{
	enum rc rc;

	if ((rc = relay_look_at(depot, now, FRAME_WAITS, ASIDE_NOTHING)) != RC_OK ||
	    (rc = relay_look_at(depot, now, FRAME_ASIDE, ASIDE_UNKNOWN_AUTHOR)) != RC_OK ||
	    (rc = relay_look_at(depot, now, FRAME_ASIDE, ASIDE_MAY_NOT_WRITE)) != RC_OK)
		return rc;
	return relay_look_at(depot, now, FRAME_ASIDE, ASIDE_UNKNOWN_EPOCH);
}

enum rc
relay_release_within(struct depot *depot, const struct clock *clock,
    const uint8_t id[FRAME_ID_BYTES], struct error *err)
{
	struct frame_header h = { 0 };
	struct depot_frame f;
	struct bytes bytes;
	uint64_t position;
	enum rc rc;

	bytes_init(&bytes);
	if ((rc = depot_find_frame(depot, id, &f)) != RC_OK) {
		error_set(err, rc, NULL, NULL, "no such frame");
		goto out;
	}
	if (f.state == FRAME_SERVED)
		goto out;
	if ((rc = depot_frame_bytes(depot, f.key, &bytes)) != RC_OK ||
	    (rc = relay_judge(depot, bytes.data, bytes.len, &f, &h)) != RC_OK)
		goto out;
	if (f.state == FRAME_ASIDE && (f.reason == ASIDE_NOT_A_FRAME || f.reason == ASIDE_NEWER ||
	    f.reason == ASIDE_UNKNOWN_AUTHOR || f.reason == ASIDE_SIGNATURE)) {
		rc = error_set(err, RC_DENIED, NULL, NULL, "cannot be released: %s",
		    relay_reason_text(f.reason, false));
		goto out;
	}
	/* it would tell the key of its log, and what was erased: only what the root seals of it is served */
	if (f.state == FRAME_ASIDE && f.reason == ASIDE_ERASED) {
		if ((rc = depot_change_frame(depot, &f)) == RC_OK)
			rc = error_set(err, RC_DENIED, NULL, "seal it again: sync-server erase",
			    "cannot be released: %s", relay_reason_text(f.reason, false));
		goto out;
	}
	f.state = FRAME_SERVED;
	f.reason = ASIDE_NOTHING;
	if ((rc = depot_change_frame(depot, &f)) == RC_OK)
		rc = relay_enter_stream(depot, clock_now(clock), &f, &h, &position);
out:
	frame_header_reset(&h);
	bytes_reset(&bytes);
	return rc;
}

enum rc
relay_release(struct depot *depot, const struct clock *clock,
    const uint8_t id[FRAME_ID_BYTES], struct error *err)
{
	enum rc rc = depot_begin(depot);

	return rc != RC_OK ? rc : depot_end(depot, relay_release_within(depot, clock, id, err));
}
