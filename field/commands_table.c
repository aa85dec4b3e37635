#include "field/commands.h"

/* Options of one command each; they end with a NULL name. */
#define NO_MORE { NULL, CALL_FLAG, NULL }

static const struct call_option join_options[] = {
	{ "kdf-memory", CALL_TEXT, "MIB" }, { "recovery-file", CALL_TEXT, "FILE" },
	{ "sheet", CALL_TEXT, "FILE" }, NO_MORE
};
static const struct call_option add_options[] = {
	{ "answers", CALL_INPUT, "FILE.json" }, { "unit", CALL_TEXT, "CODE" },
	{ "draft", CALL_TEXT, "ID" }, NO_MORE
};
static const struct call_option draft_options[] = {
	{ "of", CALL_TEXT, "RECORD" }, { "answers", CALL_INPUT, "FILE.json" }, NO_MORE
};
static const struct call_option units_options[] = { { "below", CALL_FLAG, NULL }, NO_MORE };
static const struct call_option overview_options[] = {
	{ "from", CALL_TEXT, "DATE" }, { "to", CALL_TEXT, "DATE" }, NO_MORE
};
static const struct call_option try_options[] = { { "answers", CALL_INPUT, "FILE.json" }, NO_MORE };
static const struct call_option edit_options[] = {
	{ "seen", CALL_TEXT, "TOKEN" }, { "reason", CALL_TEXT, "TEXT" },
	{ "answers", CALL_INPUT, "FILE.json" }, { "draft", CALL_TEXT, "ID" }, NO_MORE
};
static const struct call_option show_options[] = {
	{ "history", CALL_FLAG, NULL }, { "reason", CALL_TEXT, "CODE" }, NO_MORE
};
static const struct call_option open_options[] = { { "reason", CALL_TEXT, "CODE" }, NO_MORE };
static const struct call_option access_options[] = {
	{ "case", CALL_TEXT, "ID" }, { "by", CALL_TEXT, "DEVICE" }, { "from", CALL_TEXT, "DATE" },
	{ "to", CALL_TEXT, "DATE" }, { "limit", CALL_TEXT, "N" }, NO_MORE
};
static const struct call_option list_options[] = {
	{ "where", CALL_TEXT, "EXPR" }, { "match", CALL_TEXT, "WORDS" }, { "sort", CALL_TEXT, "created|name|FIELD" },
	{ "columns", CALL_TEXT, "FIELDS" }, { "discreet", CALL_FLAG, NULL }, { "deleted", CALL_FLAG, NULL },
	{ "offset", CALL_TEXT, "N" }, { "limit", CALL_TEXT, "N" }, NO_MORE
};
static const struct call_option search_options[] = {
	{ "form", CALL_TEXT, "FORM" }, { "limit", CALL_TEXT, "N" }, { "discreet", CALL_FLAG, NULL }, NO_MORE
};
static const struct call_option delete_options[] = {
	{ "reason", CALL_TEXT, "TEXT" }, { "seen", CALL_TEXT, "TOKEN" }, NO_MORE
};
static const struct call_option void_options[] = { { "reason", CALL_TEXT, "TEXT" }, NO_MORE };
static const struct call_option import_options[] = { { "dry-run", CALL_FLAG, NULL }, NO_MORE };
static const struct call_option plan_options[] = {
	{ "replace", CALL_FLAG, NULL }, { "dry-run", CALL_FLAG, NULL }, NO_MORE
};
static const struct call_option report_due_options[] = {
	{ "year", CALL_TEXT, "N" }, { "org", CALL_TEXT, "KIND" }, NO_MORE
};
static const struct call_option export_options[] = { { "where", CALL_TEXT, "EXPR" }, NO_MORE };
static const struct call_option htcds_options[] = {
	{ "from", CALL_TEXT, "DATE" }, { "to", CALL_TEXT, "DATE" }, { "unit", CALL_TEXT, "CODE" },
	{ "smallest", CALL_TEXT, "N" }, NO_MORE
};
static const struct call_option conflicts_options[] = { { "settled", CALL_FLAG, NULL }, NO_MORE };
static const struct call_option resolve_options[] = {
	{ "pick", CALL_TEXT, "K" }, { "value", CALL_TEXT, "V" }, { "seen", CALL_TEXT, "TOKEN" },
	{ "reason", CALL_TEXT, "TEXT" }, NO_MORE
};
static const struct call_option duplicates_options[] = {
	{ "decided", CALL_FLAG, NULL }, { "limit", CALL_TEXT, "N" }, NO_MORE
};
static const struct call_option sync_options[] = {
	{ "server", CALL_TEXT, "URL" }, { "pin", CALL_TEXT, "sha256//…" }, { "plain", CALL_FLAG, NULL },
	{ "tries", CALL_TEXT, "N" }, { "timeout", CALL_TEXT, "SECONDS" }, NO_MORE
};
static const struct call_option refer_options[] = {
	{ "to", CALL_TEXT, "UNIT" }, { "consent", CALL_TEXT, "ID" }, { "transfer", CALL_FLAG, NULL },
	{ "emergency", CALL_TEXT, "TEXT" }, { "second", CALL_TEXT, "NAME" },
	{ "reason", CALL_TEXT, "CODE" }, { "services", CALL_TEXT, "CODES" },
	{ "wish", CALL_TEXT, "yes|no" }, { "days", CALL_TEXT, "N" }, NO_MORE
};
static const struct call_option answer_options[] = { { "reason", CALL_TEXT, "TEXT" }, NO_MORE };
static const struct call_option referrals_options[] = { { "waiting", CALL_FLAG, NULL }, NO_MORE };
static const struct call_option due_options[] = {
	{ "days", CALL_TEXT, "N" }, { "retention", CALL_FLAG, NULL }, NO_MORE
};
static const struct call_option requests_options[] = { { "open", CALL_FLAG, NULL }, NO_MORE };
static const struct call_option purge_options[] = {
	{ "older-than", CALL_TEXT, "DAYS" }, { "list", CALL_FLAG, NULL }, NO_MORE
};
static const struct call_option report_options[] = {
	{ "from", CALL_TEXT, "DATE" }, { "to", CALL_TEXT, "DATE" }, { "unit", CALL_TEXT, "CODE" },
	{ "out", CALL_OUTPUT, "FILE" }, { "public", CALL_FLAG, NULL }, { "threshold", CALL_TEXT, "N" }, NO_MORE
};
static const struct call_option submissions_options[] = {
	{ "due", CALL_FLAG, NULL }, { "plan", CALL_TEXT, "CODE" }, { "on", CALL_TEXT, "DATE" }, NO_MORE
};
static const struct call_option submit_options[] = {
	{ "from", CALL_TEXT, "DATE" }, { "to", CALL_TEXT, "DATE" }, { "unit", CALL_TEXT, "CODE" },
	{ "narrative", CALL_INPUT, "FILE" }, { "receiver", CALL_TEXT, "TEXT" }, NO_MORE
};
static const struct call_option pack_options[] = { { "forms", CALL_TEXT, "DIR" }, NO_MORE };
static const struct call_option unlock_options[] = { { "idle", CALL_TEXT, "MINUTES" }, NO_MORE };
static const struct call_option door_options[] = {
	{ "port", CALL_TEXT, "N" }, { "no-browser", CALL_FLAG, NULL }, NO_MORE
};
static const struct call_option passphrase_options[] = {
	{ "new-passphrase-file", CALL_TEXT, "FILE" }, { "kdf-memory", CALL_TEXT, "MIB" }, NO_MORE
};
static const struct call_option recovery_options[] = {
	{ "recovery-file", CALL_TEXT, "FILE" }, { "sheet", CALL_TEXT, "FILE" }, NO_MORE
};
static const struct call_option wipe_options[] = { { "yes", CALL_FLAG, NULL }, NO_MORE };

const struct command commands_table[] = {
	{ "join", "INVITATION", { "nhận máy vào tỉnh bằng thư mời", "make this laptop a device of the province" },
	    CALL_HERE, 1, 1, "i", join_options, commands_join },
	{ "add", "FORM NAME=VALUE …", { "ghi một bản ghi mới", "record something new" },
	    CALL_IN_WORKSPACE, 1, CALL_ARGS_MAX, "t", add_options, commands_add },
	{ "edit", "ID NAME=VALUE …", { "sửa một bản ghi", "change a record" },
	    CALL_IN_WORKSPACE, 1, CALL_ARGS_MAX, "t", edit_options, commands_edit },
	{ "try", "FORM [ID] [NAME=VALUE …]", { "biểu mẫu nói gì về các câu trả lời, không ghi gì", "what a form says of answers; nothing is written" },
	    CALL_IN_WORKSPACE, 1, CALL_ARGS_MAX, "t", try_options, commands_try },
	{ "draft save", "[ID] FORM --answers FILE.json", { "giữ bản nháp trên máy này", "keep what is being typed, on this device" },
	    CALL_IN_WORKSPACE, 1, 2, "t", draft_options, commands_draft_save },
	{ "draft show", "ID", { "xem một bản nháp", "show a draft" },
	    CALL_IN_WORKSPACE, 1, 1, "t", NULL, commands_draft_show },
	{ "draft drop", "ID", { "bỏ một bản nháp", "drop a draft" },
	    CALL_IN_WORKSPACE, 1, 1, "t", NULL, commands_draft_drop },
	{ "drafts", "", { "các bản nháp trên máy này", "the drafts on this device" },
	    CALL_IN_WORKSPACE, 0, 0, "t", NULL, commands_drafts },
	{ "show", "ID", { "xem một bản ghi", "show a record" },
	    CALL_IN_WORKSPACE, 1, 1, "t", show_options, commands_show },
	{ "list", "FORM", { "danh sách theo biểu mẫu", "list the records of a form" },
	    CALL_IN_WORKSPACE, 1, 1, "t", list_options, commands_list },
	{ "search", "TEXT", { "tìm theo chữ, có dấu hay không dấu", "find by words, with or without marks" },
	    CALL_IN_WORKSPACE, 1, 1, "t", search_options, commands_search },
	{ "import", "FORM FILE.csv [--dry-run]", { "nhập từ bảng CSV, tất cả hoặc không gì cả", "import a CSV sheet, all or nothing" },
	    CALL_IN_WORKSPACE, 2, 2, "ti", import_options, commands_import },
	{ "plans", "", { "các kế hoạch kèm theo chương trình", "the plans that ship with the program" },
	    CALL_IN_WORKSPACE, 0, 0, "t", NULL, commands_plans },
	{ "plan add", "CODE [--replace] [--dry-run]", { "ghi một kế hoạch kèm theo vào đây, hoặc xem chỗ khác", "record one of them here, or show what differs" },
	    CALL_IN_WORKSPACE, 1, 1, "t", plan_options, commands_plan_add },
	{ "plan import", "FILE.csv … [--replace] [--dry-run]", { "ghi kế hoạch của cơ quan từ các bảng CSV", "record an office's own plan from sheets" },
	    CALL_IN_WORKSPACE, 1, 6, "i", plan_options, commands_plan_import },
	{ "export", "FORM FILE.csv", { "xuất ra bảng CSV (không mã hóa)", "export a CSV sheet (not encrypted)" },
	    CALL_IN_WORKSPACE, 2, 2, "to", export_options, commands_export },
	{ "export htcds", "FILE.csv --from DATE --to DATE", { "xuất hồ sơ không nêu danh tính theo HTCDS 2.0", "export cases without identities, by HTCDS 2.0" },
	    CALL_IN_WORKSPACE, 1, 1, "o", htcds_options, commands_export_htcds },
	{ "print", "ID FILE.html", { "in mọi thông tin về một người cho chính người đó", "all about one person, to print for that person" },
	    CALL_IN_WORKSPACE, 2, 2, "to", open_options, commands_print },
	{ "delete", "ID --reason TEXT", { "xóa một bản ghi", "delete a record" },
	    CALL_IN_WORKSPACE, 1, 1, "t", delete_options, commands_delete },
	{ "undelete", "ID", { "khôi phục một bản ghi đã xóa", "take a delete back" },
	    CALL_IN_WORKSPACE, 1, 1, "t", delete_options, commands_undelete },
	{ "void", "ID FIELD DOT --reason TEXT", { "gạch bỏ một giá trị", "strike a value through" },
	    CALL_IN_WORKSPACE, 3, 3, "t", void_options, commands_void },
	{ "conflicts", "", { "những gì cần xem lại", "what waits for a decision" },
	    CALL_IN_WORKSPACE, 0, 0, "t", conflicts_options, commands_conflicts },
	{ "resolve", "ID FIELD --pick K | --value V", { "chọn giá trị đúng", "settle a conflict" },
	    CALL_IN_WORKSPACE, 2, 2, "t", resolve_options, commands_resolve },
	{ "case", "ID", { "diễn biến một hồ sơ: tình trạng, chế độ, thời hạn, cảnh báo", "the story of a case: state, entitlement, deadlines, warnings" },
	    CALL_IN_WORKSPACE, 1, 1, "t", open_options, commands_case },
	{ "due", "", { "những việc đến hạn và quá hạn của mọi hồ sơ", "what is due and overdue over all cases" },
	    CALL_IN_WORKSPACE, 0, 0, "t", due_options, commands_due },
	{ "requests", "", { "sổ theo dõi yêu cầu của chủ thể dữ liệu", "the register of requests of data subjects" },
	    CALL_IN_WORKSPACE, 0, 0, "t", requests_options, commands_requests },
	{ "request order", "ID FILE", { "soạn lệnh xóa dữ liệu theo một yêu cầu", "draft the order to erase that a request asks for" },
	    CALL_IN_WORKSPACE, 2, 2, "to", NULL, commands_request_order },
	{ "access", "", { "ai đã mở hồ sơ nào, khi nào", "who opened which record, and when" },
	    CALL_IN_WORKSPACE, 0, 0, "t", access_options, commands_access },
	{ "refer", "ID --to UNIT --consent ID", { "chuyển tuyến hoặc bàn giao hồ sơ cho đơn vị khác", "refer a case to another unit, or hand it over" },
	    CALL_IN_WORKSPACE, 1, 1, "t", refer_options, commands_refer },
	{ "accept", "ID", { "tiếp nhận hồ sơ được chuyển đến", "accept a case that was referred here" },
	    CALL_IN_WORKSPACE, 1, 1, "t", answer_options, commands_accept },
	{ "decline", "ID --reason TEXT", { "từ chối tiếp nhận", "decline it" },
	    CALL_IN_WORKSPACE, 1, 1, "t", answer_options, commands_decline },
	{ "lapse", "ID", { "ghi quá hạn, hoặc rút lại việc chuyển", "nobody answered in time, or take it back" },
	    CALL_IN_WORKSPACE, 1, 1, "t", answer_options, commands_lapse },
	{ "referrals", "", { "hồ sơ chuyển đi và chuyển đến", "cases that were handed over or came" },
	    CALL_IN_WORKSPACE, 0, 0, "t", referrals_options, commands_referrals },
	{ "sent", "", { "những gì đã gửi mà máy này không xem được", "what was sent and cannot be read here" },
	    CALL_IN_WORKSPACE, 0, 0, "t", NULL, commands_sent },
	{ "duplicates", "", { "những hồ sơ có thể là của cùng một người", "records that may be one person" },
	    CALL_IN_WORKSPACE, 0, 0, "t", duplicates_options, commands_duplicates },
	{ "link", "ID ID --reason TEXT", { "kết luận hai hồ sơ là của cùng một người", "two records are one person" },
	    CALL_IN_WORKSPACE, 2, 2, "t", void_options, commands_link },
	{ "unlink", "ID ID", { "kết luận hai hồ sơ không phải của cùng một người", "two records are not one person" },
	    CALL_IN_WORKSPACE, 2, 2, "t", void_options, commands_unlink },
	{ "sync", "", { "đồng bộ với máy chủ của tỉnh", "sync with the province's server" },
	    CALL_IN_WORKSPACE, 0, 0, "t", sync_options, commands_sync },
	{ "bundle export", "FILE", { "ghi gói đồng bộ ra tệp", "write a bundle for a stick" },
	    CALL_IN_WORKSPACE, 1, 1, "o", NULL, commands_bundle_export },
	{ "bundle import", "FILE", { "nhận gói đồng bộ từ tệp", "take a bundle from a stick" },
	    CALL_IN_WORKSPACE, 1, 1, "s", NULL, commands_bundle_import },
	{ "units", "[--below]", { "các đơn vị trong danh bạ", "the units there are" },
	    CALL_IN_WORKSPACE, 0, 0, "t", units_options, commands_units },
	{ "overview", "", { "tình hình đơn vị mình và các đơn vị cấp dưới", "how the own unit and those below stand" },
	    CALL_IN_WORKSPACE, 0, 0, "t", overview_options, commands_overview },
	{ "status", "", { "tình trạng của máy này", "how this device stands" },
	    CALL_IN_WORKSPACE, 0, 0, "t", NULL, commands_status },
	{ "quarantine", "[ID | release ID]", { "những gì được giữ riêng và lý do; cho nhận", "what is kept aside and why; release it" },
	    CALL_IN_WORKSPACE, 0, 2, "tt", NULL, commands_quarantine },
	{ "purge", "", { "gỡ khỏi máy các hồ sơ đã kết thúc mà tỉnh đã giữ đủ", "drop closed cases that the province holds" },
	    CALL_IN_WORKSPACE, 0, 0, "t", purge_options, commands_purge },
	{ "fetch", "ID", { "lấy lại một hồ sơ đã gỡ", "get a case back that was dropped" },
	    CALL_IN_WORKSPACE, 1, 1, "t", NULL, commands_fetch },
	{ "report", "NAME --from DATE --to DATE", { "lập một biểu báo cáo", "make a report table" },
	    CALL_IN_WORKSPACE, 1, 1, "t", report_options, commands_report },
	{ "report due", "[--year N] [--org KIND]", { "các báo cáo mà kế hoạch yêu cầu và hạn cuối", "reports that plans ask for, and their last days" },
	    CALL_IN_WORKSPACE, 0, 0, "t", report_due_options, commands_report_due },
	{ "report submit", "PLAN KIND --from DATE --to DATE", { "chốt số liệu các biểu và gửi báo cáo", "freeze the tables and send the report" },
	    CALL_IN_WORKSPACE, 2, 2, "t", submit_options, commands_report_submit },
	{ "report return", "ID --reason TEXT", { "trả lại báo cáo để bổ sung", "return a report for completion" },
	    CALL_IN_WORKSPACE, 1, 1, "t", answer_options, commands_report_return },
	{ "report accept", "ID", { "tiếp nhận báo cáo", "accept a report" },
	    CALL_IN_WORKSPACE, 1, 1, "t", NULL, commands_report_accept },
	{ "report submissions", "[--due]", { "các báo cáo đã gửi, bị trả lại, đã tiếp nhận; ai chưa gửi, ai quá hạn", "reports that were sent, returned, accepted; who has not sent, who is late" },
	    CALL_IN_WORKSPACE, 0, 0, "t", submissions_options, commands_report_submissions },
	{ "report show", "ID [NAME]", { "xem biểu số liệu đã chốt và đối chiếu mã băm", "a frozen table, checked against its hash" },
	    CALL_IN_WORKSPACE, 1, 2, "t", NULL, commands_report_show },
	{ "reports", "", { "các biểu báo cáo", "the report tables there are" },
	    CALL_IN_WORKSPACE, 0, 0, "t", NULL, commands_reports },
	{ "forms", "", { "các biểu mẫu", "the forms there are" },
	    CALL_IN_WORKSPACE, 0, 0, "t", NULL, commands_forms },
	{ "forms show", "FORM", { "mọi mục của một biểu mẫu", "all that a form asks" },
	    CALL_IN_WORKSPACE, 1, 1, "t", NULL, commands_forms_show },
	{ "forms check", "DIR", { "kiểm tra biểu mẫu XLSForm", "check XLSForm sheets" },
	    CALL_HERE, 1, 1, "t", NULL, commands_forms_check },
	{ "forms pack", "FORM FILE.xlsx", { "ghi biểu mẫu thành tệp cho ODK/KoboToolbox", "write a form as a workbook for ODK and KoboToolbox" },
	    CALL_HERE, 2, 2, "t", pack_options, commands_forms_pack },
	{ "rules", "[SHEET]", { "các quy tắc về hồ sơ đang áp dụng: luật, thời hạn, ngày nghỉ", "the rules of cases in force: laws, terms, holidays" },
	    CALL_IN_WORKSPACE, 0, 1, "t", NULL, commands_rules },
	{ "unlock", "", { "mở khóa cho các lệnh sau", "unlock for later commands" },
	    CALL_HERE, 0, 0, "t", unlock_options, commands_unlock },
	{ "open", "", { "mở trang làm việc trong trình duyệt", "open the page in the browser" },
	    CALL_HERE, 0, 0, "t", door_options, commands_open },
	{ "lock", "", { "khóa ngay", "lock now" },
	    CALL_HERE, 0, 0, "t", NULL, commands_lock },
	{ "passphrase", "", { "đổi mật khẩu", "change the passphrase" },
	    CALL_HERE, 0, 0, "t", passphrase_options, commands_passphrase },
	{ "recovery", "", { "mã khôi phục mới", "a new recovery code" },
	    CALL_HERE, 0, 0, "t", recovery_options, commands_recovery },
	{ "rekey", "", { "khóa mới cho tất cả, cùng mã khôi phục mới", "new keys for everything, and a new recovery code" },
	    CALL_HERE, 0, 0, "t", join_options, commands_rekey },
	{ "wipe", "--yes", { "hủy mọi khóa của kho dữ liệu này", "destroy every key of this vault" },
	    CALL_HERE, 0, 0, "t", wipe_options, commands_wipe },
	{ "backup", "FILE", { "sao lưu cả kho dữ liệu vào một tệp niêm phong", "the whole vault in one sealed file" },
	    CALL_IN_WORKSPACE, 1, 1, "o", NULL, commands_backup },
	{ "restore", "FILE", { "dựng kho dữ liệu từ bản sao lưu", "make a vault from a backup" },
	    CALL_HERE, 1, 1, "t", NULL, commands_restore },
	{ "rebuild", "", { "dựng lại từ nhật ký", "make everything again from the journal" },
	    CALL_IN_WORKSPACE, 0, 0, "t", NULL, commands_rebuild },
	{ "verify", "", { "kiểm tra kho dữ liệu", "check the vault" },
	    CALL_IN_WORKSPACE, 0, 0, "t", NULL, commands_verify },
	{ NULL, NULL, { NULL, NULL }, CALL_HERE, 0, 0, NULL, NULL, NULL }
};
