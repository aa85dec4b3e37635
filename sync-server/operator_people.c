#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/files.h"
#include "shared/sync/transport.h"
#include "shared/vault/secret.h"
#include "sync-server/authority.h"
#include "sync-server/depot.h"
#include "sync-server/operator.h"
#include "sync-server/relay.h"

enum { HEX_ID = 2 * IDENTITY_ID_BYTES + 1 };

static enum rc
role_of(struct operator *c, enum identity_role *out)
{
	enum rc rc;

	*out = ROLE_COUNT;
	if ((rc = operator_need("role", c->options.role, &c->err)) != RC_OK)
		return rc;
	if (!identity_role_parse(c->options.role, out))
		return error_set(&c->err, RC_USAGE, "role",
		    "write communicator, caseworker, supervisor, analyst, holder or relay",
		    "no such role");
	return RC_OK;
}

/* ---- invite ---- */

/* The code goes to a file of its own or to standard output, alone. */
static enum rc
give_code(struct operator *c, const struct authority_invite *request,
    const uint8_t id[IDENTITY_ID_BYTES], const struct secret *code)
{
	char text[SECRET_CODE_TEXT_MAX + 1], hex[HEX_ID];
	bool to_file = c->options.code_file != NULL && strcmp(c->options.code_file, "-") != 0;
	json_t *object;
	enum rc rc = secret_code_print(code, text, SECRET_CODE_TEXT_MAX);

	bytes_hex(id, IDENTITY_ID_BYTES, hex);
	if (rc == RC_OK && c->options.json) {
		object = json_pack("{s:s, s:s, s:s}", "invitation", hex, "unit", request->unit,
		    "role", identity_role_name(request->role));
		if (object != NULL && !to_file &&
		    json_object_set_new(object, "code", json_string(text)) != 0)
			rc = RC_NOMEM;
		if (rc == RC_OK)
			rc = operator_print_object(c, object, NULL, 0);
		else
			json_decref(object);
	} else if (rc == RC_OK && !to_file) {
		puts(text);
	}
	if (rc == RC_OK && to_file) {
		strcat(text, "\n");
		rc = files_create(c->options.code_file, (const uint8_t *)text, strlen(text), &c->err);
	}
	secret_wipe(text, sizeof(text));
	return rc;
}

static enum rc
refuse_existing(struct operator *c, const char *path)
{
	if (path == NULL || strcmp(path, "-") == 0 || !files_exists(path))
		return RC_OK;
	return error_set(&c->err, RC_EXISTS, path, "choose another name", "the file is there already");
}

/* What is wrong in an invitation is found on a laptop in a commune: look now. */
static enum rc
check_address(struct operator *c, const char *pin)
{
	struct transport *t = NULL;
	enum rc rc;

	if (c->options.server == NULL)
		return RC_OK;
	rc = transport_open(c->options.server, pin, true, &t, &c->err);
	transport_close(t);
	return rc;
}

static enum rc
invite(struct operator *c, struct authority *a)
{
	struct authority_invite request = { .unit = c->options.unit, .name = c->options.name };
	uint8_t id[IDENTITY_ID_BYTES];
	char pin[OPERATOR_PIN_MAX];
	struct secret *code = NULL;
	struct bytes file;
	long days;
	enum rc rc;

	bytes_init(&file);
	if ((rc = role_of(c, &request.role)) != RC_OK ||
	    (rc = operator_number("days", c->options.days, 1, AUTHORITY_DAYS_MAX, 14, &days,
	    &c->err)) != RC_OK || (rc = operator_read_pin(c, pin)) != RC_OK ||
	    (rc = check_address(c, pin)) != RC_OK)
		return rc;
	request.days = (int)days;
	request.url = c->options.server != NULL ? c->options.server : "";
	request.pin = pin;
	if ((rc = refuse_existing(c, c->options.out)) == RC_OK &&
	    (rc = refuse_existing(c, c->options.code_file)) == RC_OK &&
	    (rc = authority_invite(a, &request, id, &file, &code, &c->err)) == RC_OK &&
	    (rc = files_create(c->options.out, file.data, file.len, &c->err)) == RC_OK)
		rc = give_code(c, &request, id, code);
	bytes_reset(&file);
	secret_free(code);
	return rc;
}

enum rc
operator_invite(struct operator *c)
{
	enum identity_role role;
	enum rc rc;

	/* Before the passphrase is asked for. */
	if ((rc = operator_need("unit", c->options.unit, &c->err)) != RC_OK ||
	    (rc = role_of(c, &role)) != RC_OK ||
	    (rc = operator_need("name", c->options.name, &c->err)) != RC_OK ||
	    (rc = operator_need("out", c->options.out, &c->err)) != RC_OK)
		return rc;
	return operator_with_authority(c, invite);
}

static const char *
state_name(const struct operator *c, enum authority_invitation_state state, bool expired)
{
	static const char *const names[][2] = {
		[INVITATION_OPEN] = { "còn hiệu lực", "open" },
		[INVITATION_USED] = { "đã dùng", "used" },
		[INVITATION_REVOKED] = { "đã thu hồi", "revoked" },
	};

	if (state == INVITATION_OPEN && expired)
		return operator_word(c, "hết hạn", "expired");
	return operator_word(c, names[state][0], names[state][1]);
}

static enum rc
list_invitations(struct operator *c, struct authority *a)
{
	static const struct operator_column columns[] = {
		{ "invitation", { "Thư mời", "Invitation" } }, { "unit", { "Đơn vị", "Unit" } },
		{ "role", { "Vai trò", "Role" } }, { "name", { "Tên", "Name" } },
		{ "expires", { "Hết hạn", "Expires" } }, { "state", { "Tình trạng", "State" } },
	};
	struct authority_invitation *list;
	json_t *rows;
	char hex[HEX_ID], expires[21];
	size_t n;
	enum rc rc;

	if ((rc = authority_invitations(a, &list, &n, &c->err)) != RC_OK)
		return rc;
	rows = json_array();
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		bytes_hex(list[i].id, IDENTITY_ID_BYTES, hex);
		operator_time(c, list[i].not_after, expires);
		rc = operator_add_row(rows, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}",
		    "invitation", hex, "unit", list[i].unit, "role", identity_role_name(list[i].role),
		    "name", list[i].name, "expires", expires, "state", state_name(c, list[i].state,
		    list[i].not_after < clock_now(&c->clock))));
	}
	free(list);
	return operator_print_rows(c, rc, rows, columns, sizeof(columns) / sizeof(columns[0]));
}

enum rc
operator_invitations(struct operator *c)
{
	return operator_with_authority(c, list_invitations);
}

static enum rc
revoke(struct operator *c, struct authority *a)
{
	const char *reason = c->options.reason != NULL ? c->options.reason : "withdrawn";
	uint8_t id[IDENTITY_ID_BYTES];
	size_t rotated;
	enum rc rc;

	if ((rc = authority_find_invitation(a, c->options.args[0], id, &c->err)) != RC_OK ||
	    (rc = authority_revoke(a, id, reason, &rotated, &c->err)) != RC_OK)
		return rc;
	return operator_print_rotated(c, rotated);
}

enum rc
operator_revoke(struct operator *c)
{
	return operator_with_authority(c, revoke);
}

/* ---- devices ---- */

static const char *
device_state_name(const struct operator *c, enum device_state state)
{
	static const char *const names[][2] = {
		[DEVICE_CERTIFIED] = { "chờ quyết định", "waiting" },
		[DEVICE_ADMITTED] = { "đang dùng", "admitted" },
		[DEVICE_RETIRED] = { "đã ngừng", "retired" },
		[DEVICE_REFUSED] = { "bị từ chối", "refused" },
	};

	return operator_word(c, names[state][0], names[state][1]);
}

/* When devices spoke with the relay, if it is here; else *n is 0. */
static enum rc
read_seen(struct operator *c, struct depot_seen **out, size_t *n)
{
	char path[FILES_PATH_MAX];
	struct depot *depot = NULL;
	enum rc rc;

	*out = NULL;
	*n = 0;
	if (!operator_has_relay(c))
		return RC_OK;
	if ((rc = operator_folder(c, "relay", path)) == RC_OK &&
	    (rc = depot_open(path, &depot, &c->err)) == RC_OK)
		rc = depot_seen(depot, out, n);
	depot_close(depot);
	return rc;
}

/* NULL: it never came, or the relay is elsewhere. */
static const struct depot_seen *
seen_of(const struct depot_seen *seen, size_t n, const uint8_t *device)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(seen[i].device, device, sizeof(seen[i].device)) == 0)
			return &seen[i];
	return NULL;
}

/* How far it has come: what the relay says where it is here, else what it said when it was met. */
static enum rc
add_device(struct operator *c, const struct authority_device *d, const struct depot_seen *seen,
    json_t *rows)
{
	char hex[HEX_ID], joined[21], at[21] = "";

	bytes_hex(d->id, IDENTITY_ID_BYTES, hex);
	operator_time(c, d->joined_at, joined);
	if (seen != NULL)
		operator_time(c, seen->seen_at, at);
	return operator_add_row(rows, json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
	    "seen", at, "entries", (json_int_t)(seen != NULL ? seen->entries : d->entries),
	    "device", hex, "unit", d->unit, "role", identity_role_name(d->role), "name", d->name,
	    "joined", joined, "state", device_state_name(c, d->state), "reason", d->reason));
}

static enum rc
list_devices(struct operator *c, struct authority *a)
{
	static const struct operator_column columns[] = {
		{ "device", { "Thiết bị", "Device" } }, { "unit", { "Đơn vị", "Unit" } },
		{ "role", { "Vai trò", "Role" } }, { "name", { "Tên", "Name" } },
		{ "joined", { "Ngày tham gia", "Joined" } }, { "seen", { "Đồng bộ lần cuối", "Last sync" } },
		{ "entries", { "Số lần ghi ở máy chủ", "Entries at server" } },
		{ "state", { "Tình trạng", "State" } }, { "reason", { "Lý do", "Reason" } },
	};
	struct authority_device *list;
	json_t *rows;
	struct depot_seen *seen = NULL;
	size_t n, n_seen = 0;
	enum rc rc;

	if ((rc = authority_devices(a, &list, &n, &c->err)) != RC_OK)
		return rc;
	rc = read_seen(c, &seen, &n_seen);
	rows = json_array();
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = add_device(c, &list[i], seen_of(seen, n_seen, list[i].id), rows);
	free(seen);
	free(list);
	return operator_print_rows(c, rc, rows, columns, sizeof(columns) / sizeof(columns[0]));
}

enum rc
operator_devices(struct operator *c)
{
	return operator_with_authority(c, list_devices);
}

static enum rc
assign(struct operator *c, struct authority *a)
{
	uint8_t id[IDENTITY_ID_BYTES];
	enum identity_role role;
	size_t rotated;
	enum rc rc;

	if ((rc = role_of(c, &role)) != RC_OK ||
	    (rc = authority_find_device(a, c->options.args[0], id, &c->err)) != RC_OK ||
	    (rc = authority_assign(a, id, c->options.unit, role, &rotated, &c->err)) != RC_OK)
		return rc;
	return operator_print_rotated(c, rotated);
}

enum rc
operator_assign(struct operator *c)
{
	enum identity_role role;
	enum rc rc;

	if ((rc = operator_need("unit", c->options.unit, &c->err)) != RC_OK ||
	    (rc = role_of(c, &role)) != RC_OK)
		return rc;
	return operator_with_authority(c, assign);
}

/* Entries after the last heads are left out; say how old those heads are. */
static void
say_how_fresh(struct operator *c, struct authority *a)
{
	int64_t met_at = authority_met_at(a);
	char at[21], text[200];

	if (operator_has_relay(c))
		return;
	if (met_at == 0) {
		operator_note(c, "chưa trao đổi lần nào với trạm chuyển tiếp; những gì thiết bị đã gửi không"
		    " được tính", "the relay was never met; nothing that the device sent counts");
		return;
	}
	operator_time(c, met_at, at);
	snprintf(text, sizeof(text), c->vietnamese ?
	    "lần trao đổi gần nhất với trạm chuyển tiếp: %s; những gì thiết bị gửi sau đó không được tính" :
	    "the relay was met last at %s; what the device sent later does not count", at);
	operator_note(c, text, text);
}

static enum rc
retire(struct operator *c, struct authority *a)
{
	uint8_t id[IDENTITY_ID_BYTES];
	size_t rotated;
	enum rc rc;

	if ((rc = authority_find_device(a, c->options.args[0], id, &c->err)) != RC_OK)
		return rc;
	say_how_fresh(c, a);
	if ((rc = authority_retire(a, id, c->options.reason, &rotated, &c->err)) != RC_OK)
		return rc;
	return operator_print_rotated(c, rotated);
}

enum rc
operator_retire(struct operator *c)
{
	enum rc rc = operator_need("reason", c->options.reason, &c->err);

	return rc != RC_OK ? rc : operator_with_authority(c, retire);
}

/* ---- quarantine ---- */

static enum rc
add_waiting(struct operator *c, struct authority *a, json_t *rows)
{
	struct authority_device *list;
	char hex[HEX_ID], at[21];
	size_t n;
	enum rc rc;

	if ((rc = authority_devices(a, &list, &n, &c->err)) != RC_OK)
		return rc;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		if (list[i].state != DEVICE_CERTIFIED)
			continue;
		bytes_hex(list[i].id, IDENTITY_ID_BYTES, hex);
		operator_time(c, list[i].joined_at, at);
		rc = operator_add_row(rows, json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s}",
		    "kind", operator_word(c, "thiết bị", "device"), "id", hex, "unit", list[i].unit,
		    "name", list[i].name, "frames", (json_int_t)list[i].waiting_frames, "at", at,
		    "reason", list[i].reason));
	}
	free(list);
	return rc;
}

static enum rc
add_aside(struct operator *c, struct authority *a, json_t *rows)
{
	struct authority_aside *list;
	const char *reason;
	char hex[65], author[HEX_ID], at[21];
	size_t n;
	enum rc rc;

	if ((rc = authority_aside(a, &list, &n, &c->err)) != RC_OK)
		return rc;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		bytes_hex(list[i].frame, sizeof(list[i].frame), hex);
		bytes_hex(list[i].author, IDENTITY_ID_BYTES, author);
		operator_time(c, list[i].received, at);
		if (list[i].released)
			reason = operator_word(c, "đã cho nhận; báo trạm chuyển tiếp ở lần trao đổi tới",
			    "released; the relay is told at the next exchange");
		else
			reason = relay_reason_text((enum root_exchange_reason)list[i].reason,
			    c->vietnamese && !c->options.json);
		rc = operator_add_row(rows, json_pack("{s:s, s:s, s:s, s:I, s:s, s:s}",
		    "kind", operator_word(c, "khung", "frame"), "id", hex, "author", author, "frames",
		    (json_int_t)1, "at", at, "reason", reason));
	}
	free(list);
	return rc;
}

static enum rc
list_quarantine(struct operator *c, struct authority *a)
{
	static const struct operator_column columns[] = {
		{ "kind", { "Loại", "Kind" } }, { "id", { "Mã", "Id" } },
		{ "unit", { "Đơn vị", "Unit" } }, { "name", { "Tên", "Name" } },
		{ "frames", { "Số khung", "Frames" } }, { "at", { "Thời điểm", "At" } },
		{ "reason", { "Lý do", "Reason" } },
	};
	json_t *rows = json_array();
	enum rc rc;

	if ((rc = add_waiting(c, a, rows)) == RC_OK)
		rc = add_aside(c, a, rows);
	return operator_print_rows(c, rc, rows, columns, sizeof(columns) / sizeof(columns[0]));
}

/* The relay was told of a release.  Is the frame still aside? */
static enum rc
check_released(struct operator *c, struct authority *a, const uint8_t frame[32])
{
	struct authority_aside *list;
	size_t n;
	enum rc rc;

	if ((rc = authority_aside(a, &list, &n, &c->err)) != RC_OK)
		return rc;
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		if (memcmp(list[i].frame, frame, sizeof(list[i].frame)) == 0)
			rc = error_set(&c->err, RC_INVALID, "quarantine", list[i].reason == ASIDE_ERASED ?
			    "seal it again: sync-server erase" : NULL, "cannot be released: %s",
			    relay_reason_text((enum root_exchange_reason)list[i].reason, c->vietnamese));
	free(list);
	return rc;
}

static enum rc
release(struct operator *c, struct authority *a)
{
	const char *text = c->options.args[1];
	uint8_t device[IDENTITY_ID_BYTES], frame[32];
	struct authority_meeting m;
	enum rc rc;

	if (strlen(text) <= 2 * IDENTITY_ID_BYTES &&
	    authority_find_device(a, text, device, &c->err) == RC_OK)
		return authority_release(a, device, &c->err);
	error_clear(&c->err);
	if ((rc = authority_find_aside(a, text, frame, &c->err)) != RC_OK ||
	    (rc = authority_release_frame(a, frame, &c->err)) != RC_OK)
		return rc;
	if (!operator_has_relay(c) || (rc = operator_meet_here(c, a, &m)) != RC_OK)
		return rc;
	return check_released(c, a, frame);
}

static enum rc
refuse(struct operator *c, struct authority *a)
{
	uint8_t device[IDENTITY_ID_BYTES];
	enum rc rc = authority_find_device(a, c->options.args[1], device, &c->err);

	return rc != RC_OK ? rc : authority_refuse(a, device, c->options.reason, &c->err);
}

enum rc
operator_quarantine(struct operator *c)
{
	enum rc rc;

	if (c->options.n_args == 0)
		return operator_with_authority(c, list_quarantine);
	if (c->options.n_args == 2 && strcmp(c->options.args[0], "release") == 0)
		return operator_with_authority(c, release);
	if (c->options.n_args == 2 && strcmp(c->options.args[0], "refuse") == 0) {
		rc = operator_need("reason", c->options.reason, &c->err);
		return rc != RC_OK ? rc : operator_with_authority(c, refuse);
	}
	return operator_wrong(c->entry, &c->err);
}
