#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sync-server/operator.h"

enum kind { TEXT, FLAG };
enum { RESERVE_MIB = 256, RESERVE_MAX_MIB = 1 << 20 };

struct option {
	const char *name;
	enum kind kind;
	size_t at;		/* in struct operator_options */
	const char *argument;
	const char *summary[2];	/* Vietnamese, English */
};

#define AT(member) offsetof(struct operator_options, member)

static const struct option options[] = {
	{ "dir", TEXT, AT(dir), "DIR",
	    { "thư mục chứa authority/ và relay/ (mặc định: thư mục hiện tại)",
	    "folder of authority/ and relay/ (default: the current one)" } },
	{ "passphrase-file", TEXT, AT(passphrase_file), "FILE",
	    { "tệp có dòng đầu là mật khẩu; - là đầu vào chuẩn",
	    "file whose first line is the passphrase; - is standard input" } },
	{ "new-passphrase-file", TEXT, AT(new_passphrase_file), "FILE",
	    { "tệp có dòng đầu là mật khẩu mới", "the same for the new passphrase" } },
	{ "code-file", TEXT, AT(code_file), "FILE",
	    { "ghi mã mở thư mời vào tệp này, không in ra (join: đọc mã từ đó)",
	    "write the code there instead of printing it (join: read it there)" } },
	{ "recovery-file", TEXT, AT(recovery_file), "FILE",
	    { "ghi mã khôi phục của nơi quản lý khóa vào tệp này",
	    "write the recovery code of the authority's vault there" } },
	{ "name", TEXT, AT(name), "TEXT", { "tên tỉnh hoặc tên người được mời",
	    "name of the province, or of the person invited" } },
	{ "unit", TEXT, AT(unit), "CODE", { "mã đơn vị", "code of the unit" } },
	{ "role", TEXT, AT(role), "ROLE",
	    { "communicator, caseworker, supervisor, analyst, holder hoặc relay (trạm)",
	    "communicator, caseworker, supervisor, analyst, holder or relay (a hub)" } },
	{ "out", TEXT, AT(out), "FILE", { "ghi ra tệp này", "write to this file" } },
	{ "days", TEXT, AT(days), "N", { "số ngày có hiệu lực (mặc định 14)",
	    "days that it is valid (default 14)" } },
	{ "server", TEXT, AT(server), "URL", { "địa chỉ máy chủ", "address of the server" } },
	{ "pin", TEXT, AT(pin), "FILE", { "tệp có dòng sha256//… của khóa TLS máy chủ",
	    "file with the line sha256//… of the TLS key" } },
	{ "order", TEXT, AT(order), "FILE", { "lệnh xóa theo pháp luật: mỗi dòng một mục",
	    "a lawful order to erase: one thing a line" } },
	{ "dry-run", FLAG, AT(dry_run), NULL, { "chỉ liệt kê, không ký", "only list, sign nothing" } },
	{ "reason", TEXT, AT(reason), "TEXT", { "lý do", "why" } },
	{ "listen", TEXT, AT(listen), "HOST:PORT", { "mặc định 127.0.0.1:8414; cổng 0: tự chọn",
	    "default 127.0.0.1:8414; port 0 picks one" } },
	{ "upstream", TEXT, AT(upstream), "URL",
	    { "máy chủ cấp trên của trạm này (mặc định: theo thư mời)",
	    "the server above this hub (default: the invitation's)" } },
	{ "tls-cert", TEXT, AT(tls_cert), "FILE", { "chứng thư TLS (PEM)", "TLS certificate (PEM)" } },
	{ "tls-key", TEXT, AT(tls_key), "FILE", { "khóa riêng TLS (PEM)", "its private key (PEM)" } },
	{ "tls", FLAG, AT(tls), NULL, { "dùng khóa TLS riêng trong relay/, chưa có thì tạo",
	    "use the relay's own TLS key, made if it is not there" } },
	{ "plain", FLAG, AT(plain), NULL, { "HTTP không mã hóa, cả với máy khác",
	    "HTTP without TLS, to other machines as well" } },
	{ "for", TEXT, AT(device), "DEVICE", { "chỉ ghi những gì thiết bị này được nhận",
	    "only what this device may have" } },
	{ "reserve", TEXT, AT(reserve), "MIB", { "chừa lại chừng này trên ổ đĩa (mặc định 256)",
	    "leave so much room on the disk (default 256)" } },
	{ "audit", TEXT, AT(audit), "N:HEAD", { "đầu nhật ký mà một máy đã mang về (field status --json)",
	    "head of the audit log that a laptop carried away (field status --json)" } },
	{ "home", TEXT, AT(home), "DIR", { "kho dữ liệu của thiết bị lưu giữ",
	    "vault of the holder's device" } },
	{ "reports", TEXT, AT(reports), "DIR", { "ghi báo cáo vào thư mục này", "write the reports there" } },
	{ "public", TEXT, AT(public_reports), "DIR", { "ghi bản công bố, đã ẩn số nhỏ, vào thư mục này",
	    "write reports for the public, small figures hidden, there" } },
	{ "threshold", TEXT, AT(threshold), "N", { "ẩn số dưới chừng này người (mặc định 5)",
	    "hide fewer persons than these (default 5)" } },
	{ "backup", TEXT, AT(backup), "DIR", { "sao lưu kho dữ liệu vào thư mục này", "back the vault up there" } },
	{ "every", TEXT, AT(every), "SECONDS", { "số giây nghỉ giữa hai lần (mặc định 300)",
	    "pause between two rounds (default 300)" } },
	{ "from", TEXT, AT(from), "DATE", { "ngày đầu kỳ báo cáo (mặc định: 01/01 của năm)",
	    "first day of the reports (default: 1 January)" } },
	{ "to", TEXT, AT(to), "DATE", { "ngày cuối kỳ báo cáo (mặc định: hôm nay)",
	    "last day of the reports (default: today)" } },
	{ "once", FLAG, AT(once), NULL, { "chỉ chạy một lần", "one round only" } },
	{ "under", TEXT, AT(under), "CODE", { "chỉ lấy đơn vị này và cấp dưới trong bảng",
	    "of the sheet, this unit and those below it" } },
	{ "below", FLAG, AT(below), NULL, { "cả các đơn vị cấp dưới", "the units below as well" } },
	{ "kdf-memory", TEXT, AT(kdf_memory), "MIB", { "bộ nhớ cho Argon2 (mặc định: tự đo)",
	    "memory of Argon2 (default: measured)" } },
	{ "json", FLAG, AT(json), NULL, { "in ra dạng JSON", "print JSON" } },
	{ "quiet", FLAG, AT(quiet), NULL, { "không in lời nhắc", "no remarks" } },
	{ "lang", TEXT, AT(lang), "vi|en", { "ngôn ngữ in ra", "language" } },
	{ "help", FLAG, AT(help), NULL, { "hướng dẫn", "this text" } },
	{ "version", FLAG, AT(version), NULL, { "phiên bản", "the version" } },
};
enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

static const char *const common[] = { "dir", "json", "quiet", "lang", "help", "version", NULL };

static const struct option *
find_option(const char *name, size_t len)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0)
			return &options[i];
	return NULL;
}

static bool
listed(const char *name, const char *const *list)
{
	while (*list != NULL && strcmp(*list, name) != 0)
		list++;
	return *list != NULL;
}

static const struct operator_entry *
find_entry(const char *name)
{
	for (const struct operator_entry *e = operator_table; e->name != NULL; e++)
		if (strcmp(e->name, name) == 0)
			return e;
	return NULL;
}

/* One "--name", "--name=value" or "--name value"; *i stands on it and moves over the value. */
static enum rc
parse_option(int argc, char *const *argv, int *i, struct operator_options *out, bool *given,
    struct error *err)
{
	const char *name = argv[*i] + 2, *equals = strchr(name, '=');
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const struct option *o = find_option(name, len);
	char *base = (char *)out;

	if (o == NULL)
		return error_set(err, RC_USAGE, argv[*i], "see sync-server --help", "unknown option");
	given[o - options] = true;
	if (o->kind == FLAG) {
		if (equals != NULL)
			return error_set(err, RC_USAGE, o->name, "leave the value out",
			    "this option takes no value");
		memcpy(base + o->at, &(bool){ true }, sizeof(bool));
		return RC_OK;
	}
	if (equals == NULL && *i + 1 >= argc)
		return error_set(err, RC_USAGE, o->name, "see sync-server --help",
		    "this option needs a value");
	name = equals != NULL ? equals + 1 : argv[++*i];
	memcpy(base + o->at, &name, sizeof(name));
	return RC_OK;
}

enum rc
operator_wrong(const struct operator_entry *entry, struct error *err)
{
	return error_set(err, RC_USAGE, entry->name, "see sync-server COMMAND --help",
	    "write: sync-server %s %s", entry->name, entry->arguments);
}

static enum rc
check_entry(const struct operator_entry *e, const struct operator_options *o, const bool *given,
    struct error *err)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (given[i] && !listed(options[i].name, common) &&
		    !listed(options[i].name, e->options))
			return error_set(err, RC_USAGE, options[i].name,
			    "see sync-server COMMAND --help", "%s does not take this option", e->name);
	if (o->help)
		return RC_OK;
	for (size_t i = 0; i < o->n_args; i++)
		if (*o->args[i] == '\0')
			return operator_wrong(e, err);
	return o->n_args < e->min_args || o->n_args > e->max_args ? operator_wrong(e, err) : RC_OK;
}

enum rc
operator_parse(int argc, char *const *argv, struct operator_options *out,
    const struct operator_entry **entry, struct error *err)
{
	bool given[OPTIONS] = { false }, only_arguments = false;
	const char *name = NULL;
	enum rc rc;

	*entry = NULL;
	memset(out, 0, sizeof(*out));
	out->dir = ".";
	for (int i = 1; i < argc; i++) {
		if (!only_arguments && strcmp(argv[i], "--") == 0) {
			only_arguments = true;
		} else if (!only_arguments && strncmp(argv[i], "--", 2) == 0) {
			if ((rc = parse_option(argc, argv, &i, out, given, err)) != RC_OK)
				return rc;
		} else if (!only_arguments && argv[i][0] == '-' && argv[i][1] != '\0') {
			return error_set(err, RC_USAGE, argv[i], "see sync-server --help",
			    "unknown option");
		} else if (name == NULL) {
			name = argv[i];
		} else if (out->n_args == OPERATOR_ARGUMENTS_MAX) {
			return error_set(err, RC_USAGE, name, "see sync-server --help",
			    "too many arguments");
		} else {
			out->args[out->n_args++] = argv[i];
		}
	}
	if (out->lang != NULL && strcmp(out->lang, "vi") != 0 && strcmp(out->lang, "en") != 0)
		return error_set(err, RC_USAGE, "lang", "write vi or en", "no such language");
	if (name == NULL)
		return out->help || out->version ? RC_OK : error_set(err, RC_USAGE, NULL,
		    "see sync-server --help", "no command was given");
	if ((*entry = find_entry(name)) == NULL)
		return error_set(err, RC_USAGE, name, "see sync-server --help", "unknown command");
	return check_entry(*entry, out, given, err);
}

enum rc
operator_number(const char *option, const char *text, long min, long max, long otherwise,
    long *out, struct error *err)
{
	char *end;

	*out = otherwise;
	if (text == NULL)
		return RC_OK;
	errno = 0;
	*out = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || *out < min || *out > max)
		return error_set(err, RC_USAGE, option, "see sync-server --help",
		    "a whole number from %ld to %ld is needed", min, max);
	return RC_OK;
}

enum rc
operator_reserve(struct operator *c, uint64_t *bytes)
{
	long mib;
	enum rc rc = operator_number("reserve", c->options.reserve, 0, RESERVE_MAX_MIB, RESERVE_MIB, &mib,
	    &c->err);

	*bytes = (uint64_t)mib << 20;
	return rc;
}

enum rc
operator_need(const char *option, const char *value, struct error *err)
{
	if (value != NULL)
		return RC_OK;
	return error_set(err, RC_USAGE, option, "see sync-server COMMAND --help",
	    "an option is missing");
}

/* ---- help ---- */

static void
print_option(const struct option *o, size_t lang, FILE *out)
{
	char head[64];

	snprintf(head, sizeof(head), "--%s%s%s", o->name, o->argument != NULL ? " " : "",
	    o->argument != NULL ? o->argument : "");
	fprintf(out, "  %-28s %s\n", head, o->summary[lang]);
}

void
operator_help(const struct operator *c, FILE *out)
{
	const struct operator_entry *entry = c->entry;
	size_t lang = c->vietnamese ? 0 : 1;
	static const char *const usage[2] = { "Cách dùng", "Usage" };
	static const char *const every[2] = { "Lệnh", "Commands" };
	static const char *const shared[2] = { "Tùy chọn chung", "Common options" };

	if (entry != NULL) {
		fprintf(out, "%s: sync-server %s %s\n\n%s.\n\n", usage[lang], entry->name,
		    entry->arguments, entry->summary[lang]);
		for (size_t i = 0; i < OPTIONS; i++)
			if (listed(options[i].name, entry->options))
				print_option(&options[i], lang, out);
	} else {
		fprintf(out, "%s: sync-server [--dir DIR] COMMAND …\n\n%s:\n", usage[lang],
		    every[lang]);
		for (const struct operator_entry *e = operator_table; e->name != NULL; e++)
			fprintf(out, "  %-13s %s\n", e->name, e->summary[lang]);
	}
	fprintf(out, "\n%s:\n", shared[lang]);
	for (size_t i = 0; i < OPTIONS; i++)
		if (listed(options[i].name, common))
			print_option(&options[i], lang, out);
}
