#include "field/commands.h"
#include "field/person_page.h"
#include "field/workspace.h"
#include "shared/sync/directory.h"
#include "shared/sync/replica.h"

static const char *
device_name(void *ctx, const uint8_t device[ENTRY_DEVICE_BYTES])
{
	struct call *c = ctx;

	return replica_name_of(c->ws->replica, device);
}

static const char *
unit_name(void *ctx, const char *code)
{
	struct call *c = ctx;
	const struct unit *u = directory_unit(replica_directory(c->ws->replica), code);

	return u != NULL ? u->full_name : code;
}

enum rc
commands_print(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	const struct person_page_names names = { device_name, unit_name, c };
	struct person_page_counts n;
	struct bytes *out;
	struct dot id;
	enum rc rc;

	if ((rc = commands_record_id(c, c->args[0], &id)) != RC_OK)
		return rc;
	if ((out = call_output(c, c->args[1])) == NULL)
		return RC_NOMEM;
	if ((rc = person_page_make(&ctx, &id, &names, out, &n, &c->err)) != RC_OK)
		return rc;
	if ((rc = commands_access_opened(c, "print", &id, true)) != RC_OK)
		return rc;
	call_note(c, "%s", call_say(c,
	    "Lưu ý: tệp này không được mã hóa; in xong thì xóa. Đọc lại trước khi đưa: phần ghi tự do có thể nhắc"
	    " đến người khác.",
	    "Note: this file is not encrypted; delete it once printed.  Read it before you hand it over: what"
	    " was written freely may speak of others."));
	if (c->json)
		call_print(c, "{\"records\":%zu,\"of_others\":%zu}", n.records, n.of_others);
	else
		call_print(c, call_say(c, "Đã ghi %zu bản ghi; %zu bản ghi có người khác, không đưa vào.",
		    "%zu records are on the page; %zu that are about others, too, are not."), n.records,
		    n.of_others);
	return RC_OK;
}
