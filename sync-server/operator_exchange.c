#include <jansson.h>
#include <string.h>

#include "shared/base/files.h"
#include "shared/sync/exchange.h"
#include "shared/sync/transport.h"
#include "sync-server/authority.h"
#include "sync-server/operator.h"
#include "sync-server/relay.h"

static enum rc
print_meeting(struct operator *c, const struct authority_meeting *m)
{
	static const struct operator_column columns[] = {
		{ "statements", { "Mục danh bạ trạm đã có", "Statements that the relay has" } },
		{ "certificates", { "Chứng thư mới", "New certificates" } },
		{ "admitted", { "Thiết bị được chấp nhận", "Devices admitted" } },
		{ "waiting", { "Thiết bị chờ quyết định", "Devices that wait" } },
		{ "aside", { "Khung giữ riêng", "Frames kept aside" } },
	};

	return operator_print_object(c, json_pack("{s:I, s:I, s:I, s:I, s:I}", "statements",
	    (json_int_t)m->statements, "certificates", (json_int_t)m->certificates, "admitted",
	    (json_int_t)m->admitted, "waiting", (json_int_t)m->waiting, "aside",
	    (json_int_t)m->aside), columns, sizeof(columns) / sizeof(columns[0]));
}

/* ---- over the network ---- */

static enum rc
take_piece(void *ctx, const void *p, size_t len)
{
	struct bytes *reply = ctx;

	if (len > AUTHORITY_REPLY_MAX - reply->len)
		return RC_LIMIT;
	bytes_put(reply, p, len);
	return reply->rc;
}

static enum rc
say_over(struct operator *c, void *ctx, const struct bytes *request, struct bytes *reply)
{
	return transport_post(ctx, "/exchange", request->data, request->len, take_piece, reply,
	    &c->err);
}

static enum rc
exchange_url(struct operator *c, struct authority *a)
{
	struct authority_meeting all;
	struct transport *t = NULL;
	char pin[OPERATOR_PIN_MAX];
	enum rc rc;

	if ((rc = operator_read_pin(c, pin)) == RC_OK &&
	    (rc = transport_open(c->options.args[0], pin, c->options.plain, &t, &c->err)) == RC_OK)
		rc = operator_meet(c, a, say_over, t, &all);
	transport_close(t);
	return rc == RC_OK ? print_meeting(c, &all) : rc;
}

/* ---- by file ---- */

enum message { NO_MESSAGE, REQUEST, REPLY };

static enum message
message_of(const struct bytes *file)
{
	enum message kind = NO_MESSAGE;
	struct reader r;
	size_t len;
	uint8_t type;

	if (root_exchange_check_start(file->data, file->len) != RC_OK)
		return NO_MESSAGE;
	reader_init(&r, file->data, file->len);
	reader_take(&r, ROOT_EXCHANGE_START);
	while (!r.bad && reader_left(&r) > 0) {
		type = reader_u8(&r);
		reader_span(&r, EXCHANGE_ITEM_MAX, &len);
		if (type == ITEM_ROOT)
			kind = REQUEST;
		else if (type == ITEM_RELAY_STATE)
			kind = REPLY;
	}
	return r.bad ? NO_MESSAGE : kind;
}

static enum rc
write_request(struct operator *c, struct authority *a)
{
	struct bytes request;
	enum rc rc;

	bytes_init(&request);
	if ((rc = authority_request(a, &request, &c->err)) == RC_OK)
		rc = files_replace(c->options.args[0], request.data, request.len, &c->err);
	bytes_reset(&request);
	if (rc == RC_OK)
		operator_note(c, "đã ghi yêu cầu; mang tệp đến máy có relay/ chạy lệnh này, rồi mang về đây chạy lại",
		    "the request is written; run this command with the file where relay/ is, then here");
	return rc;
}

/* The authority's turn: a reply is taken, and what is due next replaces it. */
static enum rc
exchange_file(struct operator *c, struct authority *a)
{
	const char *path = c->options.args[0];
	struct authority_meeting m;
	struct bytes file;
	enum message kind;
	enum rc rc;

	bytes_init(&file);
	if (!files_exists(path))
		return write_request(c, a);
	if ((rc = files_read(path, AUTHORITY_REPLY_MAX, &file, &c->err)) != RC_OK)
		return rc;
	kind = message_of(&file);
	if (kind == REPLY)
		rc = authority_reply(a, file.data, file.len, &m, &c->err);
	else if (kind == NO_MESSAGE)
		rc = error_set(&c->err, RC_FORMAT, path, "name another file",
		    "this is no message between authority and relay");
	bytes_reset(&file);
	if (rc == RC_OK && (kind == REQUEST || m.again))
		rc = write_request(c, a);
	else if (rc == RC_OK)
		rc = files_remove(path, &c->err);	/* it has said all */
	return rc == RC_OK && kind == REPLY ? print_meeting(c, &m) : rc;
}

/* The relay's turn: its reply replaces the request. */
static enum rc
answer_file(struct operator *c)
{
	const char *path = c->options.args[0];
	char folder[FILES_PATH_MAX];
	struct bytes file, reply;
	struct depot *depot = NULL;
	enum rc rc;

	bytes_init(&file);
	bytes_init(&reply);
	if ((rc = files_read(path, EXCHANGE_BODY_MAX, &file, &c->err)) != RC_OK ||
	    (rc = operator_folder(c, "relay", folder)) != RC_OK)
		goto out;
	if (message_of(&file) != REQUEST) {
		rc = error_set(&c->err, RC_FORMAT, path, "bring the file that the authority wrote",
		    "this is no request of an authority");
		goto out;
	}
	if ((rc = depot_open(folder, &depot, &c->err)) == RC_OK &&
	    (rc = relay_exchange(depot, &c->clock, file.data, file.len, &reply, &c->err)) == RC_OK)
		rc = files_replace(path, reply.data, reply.len, &c->err);
	if (rc == RC_OK)
		operator_note(c, "đã ghi trả lời; mang tệp về máy có authority/ và chạy lại lệnh này",
		    "the reply is written; run this command with the file where authority/ is");
out:
	depot_close(depot);
	bytes_reset(&file);
	bytes_reset(&reply);
	return rc;
}

enum rc
operator_exchange(struct operator *c)
{
	bool is_url = strstr(c->options.args[0], "://") != NULL;

	if (operator_has_authority(c))
		return operator_with_authority(c, is_url ? exchange_url : exchange_file);
	if (is_url || !operator_has_relay(c))
		return error_set(&c->err, RC_NOTFOUND, c->options.dir,
		    "give the folder of the authority with --dir",
		    "there is no authority here to exchange with");
	return answer_file(c);
}
