#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/files.h"
#include "shared/base/terminal.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/operator.h"
#include "sync-server/depot.h"

static enum rc
kdf_of(struct operator *c, struct vault_kdf *out)
{
	long mib;
	enum rc rc = operator_number("kdf-memory", c->options.kdf_memory, VAULT_KDF_MEMORY_MIN_MIB,
	    VAULT_KDF_MEMORY_MAX_MIB, 0, &mib, &c->err);

	out->memory_mib = (uint32_t)mib;
	/* What was asked for is not measured: three passes, as RFC 9106 has it. */
	out->passes = mib == 0 ? 0 : 3;
	return rc;
}

/* The code on paper that opens the authority when its passphrase is forgotten. */
static enum rc
keep_recovery(struct operator *c, const struct secret *recovery)
{
	char text[SECRET_CODE_TEXT_MAX + 1];
	enum rc rc = secret_code_print(recovery, text, SECRET_CODE_TEXT_MAX);

	if (rc == RC_OK && c->options.recovery_file != NULL) {
		strcat(text, "\n");
		rc = files_create(c->options.recovery_file, (const uint8_t *)text, strlen(text),
		    &c->err);
	} else if (rc == RC_OK && terminal_is(2)) {
		fprintf(stderr, "%s: %s\n", c->vietnamese ?
		    "Mã khôi phục của nơi quản lý khóa, hãy chép ra giấy" :
		    "Recovery code of the authority, write it down on paper", text);
	} else if (rc == RC_OK) {
		operator_note(c, "không lưu mã khôi phục; muốn lưu thì dùng --recovery-file",
		    "no recovery code was kept; --recovery-file keeps it");
	}
	secret_wipe(text, sizeof(text));
	return rc;
}

static enum rc
make_authority(struct operator *c, const char *path, struct authority **out)
{
	struct secret *passphrase = NULL, *recovery = NULL;
	struct vault_kdf kdf;
	struct vault *v = NULL;
	enum rc rc;

	*out = NULL;
	if ((rc = kdf_of(c, &kdf)) != RC_OK ||
	    (rc = operator_passphrase(c, c->options.passphrase_file, true, &passphrase)) != RC_OK ||
	    (rc = vault_create(path, passphrase, kdf, NULL, &v, &recovery, &c->err)) != RC_OK)
		goto out;
	if ((rc = authority_create(v, c->options.name, &c->clock, out, &c->err)) == RC_OK)
		v = NULL;
	if (rc == RC_OK)
		rc = keep_recovery(c, recovery);
out:
	vault_close(v);
	secret_free(passphrase);
	secret_free(recovery);
	return rc;
}

static enum rc
make_relay(struct operator *c, const char *path, struct authority *a)
{
	uint8_t province[DEPOT_PROVINCE_BYTES];
	struct bytes certificate;
	struct depot *depot = NULL;
	enum rc rc;

	bytes_init(&certificate);
	directory_province(authority_directory(a), province);
	if ((rc = depot_create(path, province, NULL, &c->err)) == RC_OK &&
	    (rc = depot_open(path, &depot, &c->err)) == RC_OK)
		rc = authority_admit_relay(a, depot_identity(depot), &certificate, &c->err);
	depot_close(depot);
	bytes_reset(&certificate);
	return rc;
}

/* Nothing of a province that failed to begin stays behind. */
static void
take_back(const char *authority, const char *relay)
{
	char path[FILES_PATH_MAX];
	struct error ignored = { 0 };
	char **names = NULL;
	size_t n = 0;

	if (vault_wipe(authority, &ignored) != RC_OK)
		error_clear(&ignored);
	if (files_list(relay, &names, &n, &ignored) != RC_OK)
		return;
	for (size_t i = 0; i < n; i++)
		if (files_join(relay, names[i], path) == RC_OK &&
		    files_remove(path, &ignored) != RC_OK)
			error_clear(&ignored);
	files_names_free(names, n);
}

static enum rc
print_province(struct operator *c, struct authority *a)
{
	char fingerprint[AUTHORITY_FINGERPRINT_MAX];

	authority_fingerprint(a, fingerprint);
	if (c->options.json) {
		json_t *object = json_pack("{s:s, s:s}", "fingerprint", fingerprint, "name",
		    directory_name(authority_directory(a)));

		return operator_print_object(c, object, NULL, 0);
	}
	puts(fingerprint);
	return RC_OK;
}

enum rc
operator_init(struct operator *c)
{
	char authority[FILES_PATH_MAX], relay[FILES_PATH_MAX];
	struct authority *a = NULL;
	struct authority_meeting m;
	bool changed;
	enum rc rc;

	if ((rc = operator_need("name", c->options.name, &c->err)) != RC_OK ||
	    (rc = operator_folder(c, "authority", authority)) != RC_OK ||
	    (rc = operator_folder(c, "relay", relay)) != RC_OK)
		return rc;
	if (vault_exists(authority) || files_exists(relay))
		return error_set(&c->err, RC_EXISTS, c->options.dir, "use another --dir",
		    "there is a province here already");
	if (c->options.recovery_file != NULL && files_exists(c->options.recovery_file))
		return error_set(&c->err, RC_EXISTS, c->options.recovery_file, "choose another name",
		    "the file is there already");
	if ((rc = make_authority(c, authority, &a)) == RC_OK &&
	    (rc = make_relay(c, relay, a)) == RC_OK &&
	    (rc = authority_publish_shipped(a, &changed, &c->err)) == RC_OK &&
	    (rc = operator_meet_here(c, a, &m)) == RC_OK)
		rc = print_province(c, a);
	if (rc == RC_OK)
		operator_head_keep(c, a);
	authority_close(a);
	if (rc != RC_OK && rc != RC_EXISTS)
		take_back(authority, relay);
	return rc;
}

/* ---- recover ---- */

static enum rc
recover(struct operator *c, struct authority *a)
{
	const char *dir = c->options.args[0];
	struct secret *passphrase = NULL;
	struct vault_kdf kdf;
	struct vault *v = NULL;
	enum rc rc;

	if ((rc = kdf_of(c, &kdf)) != RC_OK)
		return rc;
	rc = vault_open_with_escrow(dir, directory_recovery_key(authority_directory(a)),
	    authority_recovery_secret(a), &v, &c->err);
	if (rc == RC_OK)
		rc = operator_passphrase(c, c->options.new_passphrase_file, true, &passphrase);
	if (rc == RC_OK)
		rc = vault_set_passphrase(v, passphrase, kdf, &c->err);
	vault_close(v);
	secret_free(passphrase);
	if (rc == RC_OK)
		operator_note(c, "đã đặt mật khẩu mới", "the new passphrase is set");
	return rc;
}

enum rc
operator_recover(struct operator *c)
{
	return operator_with_authority(c, recover);
}

/* ---- verify ---- */

struct alarms {
	struct operator *c;
	json_int_t n;
};

/* What the relay has seen of two chains or two heads; it stays until a person asks why. */
static void
say_alarm(void *ctx, int64_t at, const char *kind, const uint8_t device[16], const char *detail)
{
	struct alarms *a = ctx;
	struct error said = { 0 };
	char hex[2 * IDENTITY_ID_BYTES + 1], when[21];

	a->n++;
	bytes_hex(device, IDENTITY_ID_BYTES, hex);
	operator_time(a->c, at, when);
	if (error_set(&said, RC_CONFLICT, hex, a->c->vietnamese ? "hỏi người giữ thiết bị đó" :
	    "ask who holds that device", "%s, %s: %s", when, kind, detail) != RC_OK)
		operator_warn(a->c, &said);
}

/* "N:HEAD" of --audit. */
static enum rc
read_head(struct operator *c, uint64_t *n, uint8_t head[DEPOT_AUDIT_HEAD_BYTES])
{
	const char *colon = strchr(c->options.audit, ':');
	char *end = NULL;

	*n = strtoull(c->options.audit, &end, 10);
	if (colon == NULL || end != colon || !isdigit((unsigned char)*c->options.audit) ||
	    strlen(colon + 1) != 2 * DEPOT_AUDIT_HEAD_BYTES ||
	    !bytes_unhex(colon + 1, head, DEPOT_AUDIT_HEAD_BYTES))
		return error_set(&c->err, RC_USAGE, "audit", "take it from field status --json",
		    "this is no head of an audit log");
	return RC_OK;
}

static enum rc
verify_audit(struct operator *c, struct depot *depot, json_t *object)
{
	uint8_t head[DEPOT_AUDIT_HEAD_BYTES];
	uint64_t known = 0, lines, bad;
	enum rc rc;

	if (c->options.audit != NULL && (rc = read_head(c, &known, head)) != RC_OK)
		return rc;
	rc = depot_audit_verify(depot, known, c->options.audit != NULL ? head : NULL, &lines, &bad);
	if (rc == RC_OK && bad != 0)
		rc = error_set(&c->err, RC_DAMAGED, "audit log",
		    "somebody changed or shortened it: keep this copy, and look at a backup",
		    "line %llu is not what it was", (unsigned long long)bad);
	if (rc == RC_OK && json_object_set_new(object, "audit", json_integer((json_int_t)lines)) != 0)
		rc = RC_NOMEM;
	return rc;
}

static enum rc
verify_relay(struct operator *c, json_t *object)
{
	struct alarms alarms = { c, 0 };
	char path[FILES_PATH_MAX];
	struct depot_counts counts = { 0 };
	struct depot *depot = NULL;
	enum rc rc;

	if ((rc = operator_folder(c, "relay", path)) != RC_OK ||
	    (rc = depot_open(path, &depot, &c->err)) != RC_OK)
		return rc;
	if ((rc = depot_count(depot, &counts)) == RC_OK)
		rc = depot_alarms(depot, say_alarm, &alarms);
	if (rc == RC_OK)
		rc = verify_audit(c, depot, object);
	depot_close(depot);
	if (json_object_set_new(object, "statements", json_integer((json_int_t)counts.statements)) ||
	    json_object_set_new(object, "certificates",
	    json_integer((json_int_t)counts.certificates)) ||
	    json_object_set_new(object, "served", json_integer((json_int_t)counts.served)) ||
	    json_object_set_new(object, "waiting", json_integer((json_int_t)counts.waits)) ||
	    json_object_set_new(object, "aside", json_integer((json_int_t)counts.aside)) ||
	    json_object_set_new(object, "alarms", json_integer(alarms.n)))
		return RC_NOMEM;
	return rc;
}

enum rc
operator_verify(struct operator *c)
{
	static const struct operator_column columns[] = {
		{ "checked", { "Mục đã kiểm tra ở nơi quản lý khóa", "Checked of the authority" } },
		{ "statements", { "Mục danh bạ ở trạm chuyển tiếp", "Statements of the relay" } },
		{ "certificates", { "Chứng thư", "Certificates" } },
		{ "served", { "Khung chuyển tiếp được", "Frames served" } },
		{ "waiting", { "Khung đang chờ", "Frames waiting" } },
		{ "aside", { "Khung giữ riêng", "Frames kept aside" } },
		{ "alarms", { "Cảnh báo", "Alarms" } },
		{ "audit", { "Dòng nhật ký máy chủ", "Lines of the audit log" } },
	};
	struct authority *a = NULL;
	json_t *object = json_object();
	uint64_t checked = 0;
	enum rc rc = RC_OK;

	if (!operator_has_authority(c) && !operator_has_relay(c))
		rc = error_set(&c->err, RC_NOTFOUND, c->options.dir, "give the folder with --dir",
		    "there is neither an authority nor a relay");
	if (rc == RC_OK && operator_has_authority(c)) {
		if ((rc = operator_open_authority(c, &a)) == RC_OK)
			rc = authority_verify(a, &checked, &c->err);
		authority_close(a);
		if (json_object_set_new(object, "checked", json_integer((json_int_t)checked)) != 0)
			rc = RC_NOMEM;
	}
	if (rc == RC_OK && operator_has_relay(c))
		rc = verify_relay(c, object);
	if (rc != RC_OK) {
		json_decref(object);
		return rc;
	}
	return operator_print_object(c, object, columns, sizeof(columns) / sizeof(columns[0]));
}
