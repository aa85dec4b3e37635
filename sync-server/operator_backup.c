#include <jansson.h>

#include "sync-server/operator.h"
#include "sync-server/server_backup.h"

static enum rc
print_counts(struct operator *c, const struct server_backup_counts *counts)
{
	static const struct operator_column columns[] = {
		{ "files", { "Số tệp", "Files" } }, { "bytes", { "Số byte", "Bytes" } },
	};

	return operator_print_object(c, json_pack("{s:I, s:I}", "files", (json_int_t)counts->files,
	    "bytes", (json_int_t)counts->bytes), columns, 2);
}

enum rc
operator_backup(struct operator *c)
{
	struct server_backup_counts counts;
	enum rc rc = server_backup_write(c->options.dir, c->options.args[0], &counts, &c->err);

	return rc == RC_OK ? print_counts(c, &counts) : rc;
}

enum rc
operator_restore(struct operator *c)
{
	struct server_backup_counts counts;
	enum rc rc = server_backup_restore(c->options.args[0], c->options.dir, &counts, &c->err);

	if (rc == RC_OK && operator_has_authority(c))
		rc = operator_head_unmet(c);
	if (rc == RC_OK && operator_has_authority(c) && operator_has_relay(c))
		operator_note(c, "hãy để các máy đồng bộ trước khi ký gì mới: mục danh bạ nào có sau bản sao lưu"
		    " sẽ trở lại cùng các máy", "let laptops sync before anything is signed: statements that"
		    " are younger than this backup come back with them");
	if (rc == RC_OK && operator_has_relay(c))
		operator_note(c, "trạm chuyển tiếp bắt đầu một thế hệ mới; các máy sẽ gửi lại những gì còn thiếu",
		    "the relay begins a new generation; laptops hand in again what it lacks");
	return rc == RC_OK ? print_counts(c, &counts) : rc;
}
