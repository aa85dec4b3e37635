/* sync-server: the provincial server's program; see sync-server.1. */
#include <string.h>

#include "shared/base/process.h"
#include "shared/base/terminal.h"
#include "shared/vault/vault.h"
#include "sync-server/operator.h"

#define VERSION "0.1"

#define OPTIONS(...) (const char *const[]){ __VA_ARGS__, NULL }
#define AUTHORITY "passphrase-file"

const struct operator_entry operator_table[] = {
	{ "init", operator_init, 0, 0, "--name TEXT [--kdf-memory MIB]",
	    OPTIONS(AUTHORITY, "name", "kdf-memory", "recovery-file"),
	    { "lập tỉnh mới: khóa gốc (niêm phong) và kho chuyển tiếp rỗng",
	    "make a province: the authority's keys (sealed) and an empty depot" } },
	{ "units", operator_units, 0, 2, "[import FILE.csv]", OPTIONS(AUTHORITY),
	    { "xem đơn vị, hoặc nhập từ bảng CSV (tất cả hoặc không gì cả)",
	    "list the units, or import a CSV sheet (all or nothing)" } },
	{ "invite", operator_invite, 0, 0, "--unit CODE --role ROLE --name TEXT --out FILE [--days 14]"
	    " [--server URL --pin FILE]",
	    OPTIONS(AUTHORITY, "unit", "role", "name", "out", "days", "server", "pin", "code-file"),
	    { "mời một người: tệp dùng một lần và mã để mở",
	    "invite a person: a one-use file and the code that opens it" } },
	{ "invitations", operator_invitations, 0, 0, "", OPTIONS(AUTHORITY),
	    { "xem các thư mời", "list the invitations" } },
	{ "revoke", operator_revoke, 1, 1, "INVITATION [--reason TEXT]", OPTIONS(AUTHORITY, "reason"),
	    { "thu hồi một thư mời chưa dùng", "withdraw an unused invitation" } },
	{ "devices", operator_devices, 0, 0, "", OPTIONS(AUTHORITY),
	    { "xem các thiết bị", "list the devices" } },
	{ "assign", operator_assign, 1, 1, "DEVICE --unit CODE --role ROLE",
	    OPTIONS(AUTHORITY, "unit", "role"),
	    { "đổi đơn vị và vai trò của thiết bị", "change a device's unit and role" } },
	{ "retire", operator_retire, 1, 1, "DEVICE --reason TEXT", OPTIONS(AUTHORITY, "reason"),
	    { "ngừng một thiết bị và thay khóa nó từng mở được",
	    "shut a device out and renew the keys that it could open" } },
	{ "rotate", operator_rotate, 1, 1, "UNIT [--below]", OPTIONS(AUTHORITY, "below"),
	    { "thay khóa của một đơn vị", "renew the keys of a unit" } },
	{ "forms", operator_forms, 0, 2, "[publish DIR]", OPTIONS(AUTHORITY),
	    { "xem biểu mẫu đã công bố, hoặc công bố bộ mới",
	    "list the published forms, or publish a set" } },
	{ "quarantine", operator_quarantine, 0, 2, "[release ID | refuse ID --reason TEXT]",
	    OPTIONS(AUTHORITY, "reason"),
	    { "xem những gì để riêng và quyết định", "see what is kept aside, and decide" } },
	{ "exchange", operator_exchange, 1, 1, "URL|FILE", OPTIONS(AUTHORITY),
	    { "cơ quan khóa và trạm chuyển tiếp gặp nhau", "authority and relay meet" } },
	{ "recover", operator_recover, 1, 1, "VAULT [--new-passphrase-file FILE]",
	    OPTIONS(AUTHORITY, "new-passphrase-file", "kdf-memory"),
	    { "mở kho của một cán bộ và đặt mật khẩu mới",
	    "open a worker's vault and set a new passphrase" } },
	{ "serve", operator_serve, 0, 0, "[--listen HOST:PORT] [--tls-cert FILE --tls-key FILE]",
	    OPTIONS("listen", "tls-cert", "tls-key"),
	    { "chạy trạm chuyển tiếp; chỉ cần relay/", "run the relay; it needs relay/ alone" } },
	{ "consolidate", operator_consolidate, 0, 0, "--home DIR [--once] [--reports DIR]"
	    " [--backup DIR]",
	    OPTIONS(AUTHORITY, "home", "once", "every", "server", "reports", "backup", "from", "to"),
	    { "bản sao cấp tỉnh: nhận, tổng hợp, sao lưu, ký biên nhận",
	    "the province's replica: receive, report, back up, sign receipts" } },
	{ "backup", operator_backup, 1, 1, "FILE", OPTIONS("passphrase-file"),
	    { "sao lưu cả hai thư mục; khóa vẫn niêm phong",
	    "back both folders up; the authority stays sealed" } },
	{ "restore", operator_restore, 1, 1, "FILE", OPTIONS("passphrase-file"),
	    { "đặt lại bản sao lưu vào thư mục trống", "put a backup into an empty folder" } },
	{ "verify", operator_verify, 0, 0, "", OPTIONS(AUTHORITY),
	    { "kiểm tra mọi chuỗi và chữ ký", "check every chain and signature" } },
	{ NULL, NULL, 0, 0, NULL, NULL, { NULL, NULL } },
};

static void
print_error(const struct error *err, enum rc rc)
{
	fprintf(stderr, "sync-server: %s", err->what[0] != '\0' ? err->what : rc_name(rc));
	if (err->where[0] != '\0')
		fprintf(stderr, ": %s", err->where);
	if (err->help[0] != '\0')
		fprintf(stderr, ": %s", err->help);
	fputc('\n', stderr);
}

int
main(int argc, char **argv)
{
	const struct operator_entry *entry;
	struct operator c;
	const char *lang;
	enum rc rc;

	memset(&c, 0, sizeof(c));
	process_harden();
	c.clock = clock_system();
	rc = operator_parse(argc, argv, &c.options, &entry, &c.err);
	lang = c.options.lang != NULL ? c.options.lang : terminal_language();
	c.vietnamese = strcmp(lang, "en") != 0;
	if (rc == RC_OK && c.options.version) {
		puts("sync-server " VERSION);
	} else if (rc == RC_OK && c.options.help) {
		operator_help(&c, entry, stdout);
	} else if (rc == RC_OK && (rc = vault_start()) == RC_OK) {
		rc = entry->run(&c);
	}
	/* What was printed must have arrived somewhere. */
	if (fflush(stdout) != 0 && rc == RC_OK)
		rc = error_set(&c.err, RC_IO, NULL, NULL, "standard output cannot be written");
	if (rc != RC_OK)
		print_error(&c.err, rc);
	return rc_exit_code(rc);
}
