#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/frame.h"
#include "sync-server/relay_internal.h"

/* ---- names of lanes ---- */

static void
lane_of_frames(const char *unit, unsigned compartment, char out[DEPOT_LANE_MAX])
{
	snprintf(out, DEPOT_LANE_MAX, "f%u%s", compartment, unit);
}

static void
lane_of_certificates(const char *unit, char out[DEPOT_LANE_MAX])
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
static bool
is_stale(struct depot *depot, const struct frame_header *h)
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

/*
 * The checks of formats.md "Frame" that need no key, in their order.  Sets f's state,
 * reason and what the header says; h holds the header when it could be read.
 */
static enum rc
judge(struct depot *depot, const uint8_t *p, size_t len, struct depot_frame *f,
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
	if (is_stale(depot, h))
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

/* ---- serving ---- */

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
static enum rc
enter_stream(struct depot *depot, int64_t now, const struct depot_frame *f,
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
	lane_of_certificates(f->unit, lane);
	if ((rc = depot_publish(depot, h->device, lane)) != RC_OK)
		return rc;
	if (h->kind == FRAME_RESEALED && (rc = replace_stale(depot, h)) != RC_OK)
		return rc;
	lane_of_frames(f->unit, f->compartment, lane);
	return depot_append_frame(depot, lane, f->key, position);
}

static enum rc
note_own(struct relay_session *s, uint64_t position)
{
	size_t cap = s->cap_own ? 2 * s->cap_own : 16;
	uint64_t *p;

	if (s->n_own == s->cap_own) {
		if ((p = realloc(s->own, cap * sizeof(*p))) == NULL)
			return RC_NOMEM;
		s->own = p;
		s->cap_own = cap;
	}
	s->own[s->n_own++] = position;
	return RC_OK;
}

static enum rc
note_accepted(struct relay_session *s, const struct depot_frame *f)
{
	size_t cap = s->cap_accepted ? 2 * s->cap_accepted : 16;
	struct relay_accepted *p;

	if (s->n_accepted >= RELAY_FRAMES_MAX)
		return RC_OK;	/* without a receipt the device hands it in again */
	if (s->n_accepted == s->cap_accepted) {
		if ((p = realloc(s->accepted, cap * sizeof(*p))) == NULL)
			return RC_NOMEM;
		s->accepted = p;
		s->cap_accepted = cap;
	}
	p = &s->accepted[s->n_accepted++];
	memcpy(p->id, f->id, sizeof(p->id));
	memcpy(p->author, f->author, sizeof(p->author));
	p->told = f->told;
	return RC_OK;
}

/*
 * Does a receipt name it?  A retired device is told of all that is kept of it, its own or carried, served or
 * aside: when nothing would be lost with it, it wipes itself.
 */
static bool
is_receipted(const struct relay_session *s, const struct depot_frame *f)
{
	const struct device *d;

	if (s->status != STATUS_RETIRED || f->state != FRAME_ASIDE)
		return f->state != FRAME_ASIDE;
	d = directory_device(depot_directory(s->depot), s->hello.device);
	return d != NULL && d->state == DEVICE_RETIRED && f->key != 0 &&
	    f->reason != ASIDE_NOT_A_FRAME;
}

/* Accepted or not, what was decided about a frame of this session. */
static enum rc
conclude(struct relay_session *s, const struct depot_frame *f, const struct frame_header *h,
    bool serve)
{
	uint64_t position;
	enum rc rc;

	if (f->state == FRAME_ASIDE)
		s->quarantined++;
	if (!is_receipted(s, f))
		return RC_OK;
	if (serve && f->state == FRAME_SERVED) {
		rc = enter_stream(s->depot, clock_now(&s->clock), f, h, &position);
		if (rc == RC_OK)
			rc = note_own(s, position);
		if (rc != RC_OK)
			return rc;
	}
	return note_accepted(s, f);
}

static enum rc
take_again(struct relay_session *s, struct depot_frame *f, const uint8_t *p, size_t len)
{
	struct frame_header h = { 0 };
	bool retry = f->state == FRAME_ASIDE && f->reason == ASIDE_BY_RETIRED &&
	    s->status != STATUS_RETIRED;
	enum rc rc = RC_OK;

	if (retry && (rc = judge(s->depot, p, len, f, &h)) == RC_OK)
		rc = depot_change_frame(s->depot, f);
	if (rc == RC_OK)
		rc = conclude(s, f, &h, retry);
	frame_header_reset(&h);
	return rc;
}

enum rc
relay_take_frame(struct relay_session *s, const uint8_t *p, size_t len)
{
	struct frame_header h = { 0 };
	struct depot_frame f;
	uint8_t id[FRAME_ID_BYTES];
	uint64_t aside = 0;
	enum rc rc;

	frame_id(p, len, id);
	if ((rc = depot_find_frame(s->depot, id, &f)) == RC_OK)
		return take_again(s, &f, p, len);
	if (rc != RC_NOTFOUND)
		return rc;
	if (!depot_has_room(s->depot, len)) {
		s->no_room = true;	/* its sender keeps it: it gets no receipt */
		return RC_OK;
	}
	memcpy(f.id, id, sizeof(f.id));
	memcpy(f.carrier, s->hello.device, sizeof(f.carrier));
	f.received = clock_now(&s->clock);
	if ((rc = judge(s->depot, p, len, &f, &h)) != RC_OK)
		goto out;
	if (s->status == STATUS_RETIRED && f.reason == ASIDE_NOTHING) {
		f.state = FRAME_ASIDE;
		f.reason = ASIDE_BY_RETIRED;
	}
	if (f.state == FRAME_ASIDE &&
	    (rc = depot_aside_bytes(s->depot, f.carrier, &aside)) != RC_OK)
		goto out;
	/* beyond its share of the quarantine the device keeps its own: it gets no receipt */
	if (aside + len > RELAY_ASIDE_MAX && f.state == FRAME_ASIDE)
		s->quarantined++;
	else if ((rc = depot_put_frame(s->depot, &f, p, len)) == RC_OK)
		rc = conclude(s, &f, &h, true);
out:
	frame_header_reset(&h);
	return rc;
}

void
relay_session_undone(struct relay_session *s)
{
	s->n_accepted = 0;
	s->failed = RC_IO;
}

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, FRAME_ID_BYTES);
}

enum rc
relay_take_offered(struct relay_session *s)
{
	struct depot_frame f;
	enum rc rc = RC_OK;

	if (s->hello.n_offered > 1)
		qsort(s->hello.offered, s->hello.n_offered, FRAME_ID_BYTES, by_id);
	for (size_t i = 0; i < s->hello.n_offered && rc == RC_OK; i++) {
		if (i > 0 && by_id(s->hello.offered[i - 1], s->hello.offered[i]) == 0)
			continue;
		rc = depot_find_frame(s->depot, s->hello.offered[i], &f);
		if (rc == RC_OK && is_receipted(s, &f))
			rc = note_accepted(s, &f);
		if (rc == RC_NOTFOUND)
			rc = RC_OK;
	}
	return rc;
}

bool
relay_was_offered(const struct relay_session *s, const uint8_t id[FRAME_ID_BYTES])
{
	return s->hello.n_offered > 0 && bsearch(id, s->hello.offered, s->hello.n_offered,
	    FRAME_ID_BYTES, by_id) != NULL;
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
	    (rc = judge(depot, bytes.data, bytes.len, f, &h)) != RC_OK)
		goto out;
	if (f->state == state && f->reason == reason)
		goto out;
	rc = depot_change_frame(depot, f);
	if (rc == RC_OK && f->state == FRAME_SERVED)
		rc = enter_stream(depot, now, f, &h, &position);
out:
	frame_header_reset(&h);
	bytes_reset(&bytes);
	return rc;
}

static enum rc
look_at(struct depot *depot, int64_t now, enum depot_frame_state state,
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

	if ((rc = look_at(depot, now, FRAME_WAITS, ASIDE_NOTHING)) != RC_OK ||
	    (rc = look_at(depot, now, FRAME_ASIDE, ASIDE_UNKNOWN_AUTHOR)) != RC_OK)
		return rc;
	return look_at(depot, now, FRAME_ASIDE, ASIDE_UNKNOWN_EPOCH);
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
	    (rc = judge(depot, bytes.data, bytes.len, &f, &h)) != RC_OK)
		goto out;
	if (f.state == FRAME_ASIDE && (f.reason == ASIDE_NOT_A_FRAME || f.reason == ASIDE_NEWER ||
	    f.reason == ASIDE_UNKNOWN_AUTHOR || f.reason == ASIDE_SIGNATURE)) {
		rc = error_set(err, RC_DENIED, NULL, NULL, "cannot be released: %s",
		    relay_reason_text(f.reason, false));
		goto out;
	}
	f.state = FRAME_SERVED;
	f.reason = ASIDE_NOTHING;
	if ((rc = depot_change_frame(depot, &f)) == RC_OK)
		rc = enter_stream(depot, clock_now(clock), &f, &h, &position);
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

/* ---- certificates and statements ---- */

enum rc
relay_take_certificate(struct depot *depot, int64_t now, const uint8_t *p, size_t len,
    struct error *err)
{
	struct certificate c;
	enum depot_standing standing;
	char lane[DEPOT_LANE_MAX];
	bool added;
	enum rc rc;

	if ((rc = depot_add_certificate(depot, p, len, now, &added, err)) != RC_OK || !added)
		return rc;
	if ((rc = identity_certificate_read(p, len, directory_root(depot_directory(depot)), &c)) !=
	    RC_OK || (rc = depot_standing(depot, c.device, &standing)) != RC_OK)
		return rc;
	lane_of_certificates(c.invitation.unit, lane);
	if (standing == STANDING_GOOD && (rc = depot_publish(depot, c.device, lane)) != RC_OK)
		return rc;
	return look_at(depot, now, FRAME_ASIDE, ASIDE_UNKNOWN_AUTHOR);
}

/* ---- erasures ---- */

/* Nothing is served any more that was sealed without knowing of an erasure in its logs. */
static enum rc
withdraw_stale(struct depot *depot)
{
	struct frame_header h = { 0 };
	struct depot_frame f = { 0 };
	struct bytes bytes;
	enum rc rc;

	bytes_init(&bytes);
	while ((rc = depot_frame_next(depot, f.key, &f)) == RC_OK) {
		bytes.len = 0;
		if (f.state != FRAME_SERVED)
			continue;
		if ((rc = depot_frame_bytes(depot, f.key, &bytes)) != RC_OK)
			break;
		if (frame_read(bytes.data, bytes.len, &h) != RC_OK)
			continue;
		if (is_stale(depot, &h)) {
			f.state = FRAME_ASIDE;
			f.reason = ASIDE_ERASED;
			if ((rc = depot_withdraw(depot, f.key)) == RC_OK)
				rc = depot_change_frame(depot, &f);
		}
		frame_header_reset(&h);
		if (rc != RC_OK)
			break;
	}
	bytes_reset(&bytes);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* Put what was sealed again into the sequence. */
static enum rc
serve_resealed(struct depot *depot, int64_t now, const uint8_t *p, size_t len, struct error *err)
{
	struct frame_header h = { 0 };
	struct depot_frame f = { .received = now };
	uint64_t position;
	enum rc rc;

	frame_id(p, len, f.id);
	if ((rc = judge(depot, p, len, &f, &h)) != RC_OK)
		goto out;
	if (f.state != FRAME_SERVED || h.kind != FRAME_RESEALED) {
		rc = error_set(err, RC_FORMAT, NULL, NULL, "a frame that was sealed again is not accepted: %s",
		    relay_reason_text(f.reason, false));
		goto out;
	}
	if ((rc = depot_put_frame(depot, &f, p, len)) == RC_OK)
		rc = enter_stream(depot, now, &f, &h, &position);
out:
	frame_header_reset(&h);
	return rc;
}

enum rc
relay_take_resealed(struct depot *depot, int64_t now, const uint8_t *p, size_t len,
    struct error *err)
{
	struct depot_frame f;
	struct reader r;
	uint8_t id[FRAME_ID_BYTES];
	const uint8_t *old;
	size_t n;
	enum rc rc;

	reader_init(&r, p, len);
	n = (size_t)reader_varint_max(&r, ROOT_EXCHANGE_RELEASE_MAX);
	old = reader_take(&r, n * FRAME_ID_BYTES);
	if (r.bad || old == NULL)
		return RC_FORMAT;
	frame_id(p + r.pos, len - r.pos, id);
	if ((rc = depot_find_frame(depot, id, &f)) == RC_NOTFOUND)
		rc = serve_resealed(depot, now, p + r.pos, len - r.pos, err);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		rc = depot_find_frame(depot, old + i * FRAME_ID_BYTES, &f);
		if (rc == RC_OK && (rc = depot_withdraw(depot, f.key)) == RC_OK)
			rc = depot_drop_frame(depot, f.key);
		if (rc == RC_NOTFOUND)
			rc = RC_OK;
	}
	return rc;
}

enum rc
relay_take_statement(struct depot *depot, const uint8_t *p, size_t len, bool *forked,
    struct error *err)
{
	const struct device *device;
	struct statement_view v;
	char lane[DEPOT_LANE_MAX];
	enum rc rc;

	if ((rc = depot_add_statement(depot, p, len, forked, err)) != RC_OK ||
	    (rc = directory_statement_view(p, len, &v)) != RC_OK)
		return rc;
	if (v.type == STATEMENT_ERASE)
		return withdraw_stale(depot);
	if (v.type != STATEMENT_ASSIGN || v.payload_len < IDENTITY_ID_BYTES)
		return RC_OK;
	/* its new colleagues need its certificate */
	if ((device = directory_device(depot_directory(depot), v.payload)) == NULL)
		return RC_OK;
	lane_of_certificates(device->unit, lane);
	return depot_publish(depot, device->cert.device, lane);
}
