#include <stdio.h>
#include <string.h>

#include "field/commands.h"
#include "field/keeper.h"
#include "field/recovery_sheet.h"
#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "shared/base/files.h"
#include "shared/sync/replica.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_rekey.h"

/* A file of the owner, or what the page asked for by that name. */
static enum rc
write_new(struct call *c, const char *file, const void *data, size_t len)
{
	struct bytes *to;

	if (!c->from_page)
		return files_create(file, data, len, &c->err);
	if ((to = call_output(c, file)) == NULL)
		return RC_LIMIT;
	bytes_put(to, data, len);
	return to->rc;
}

static enum rc
write_sheet(struct call *c, const char *file, const char *code)
{
	struct clock clock = clock_system();
	struct bytes sheet;
	enum rc rc;

	bytes_init(&sheet);
	if ((rc = recovery_sheet_make(code, clock_now(&clock), &sheet)) == RC_OK)
		rc = write_new(c, file, sheet.data, sheet.len);
	bytes_wipe(&sheet);
	if (rc == RC_OK && !c->from_page)
		call_note(c, call_say(c, "Tệp %s không mã hóa: in ra giấy rồi xóa.",
		    "%s is clear text: print it, then delete it."), file);
	return rc;
}

/* The recovery code goes to files of the owner, or is shown once. */
enum rc
commands_give_recovery(struct call *c, const struct secret *recovery)
{
	const char *file = call_option(c, "recovery-file"), *sheet = call_option(c, "sheet");
	char text[SECRET_CODE_TEXT_MAX + 1];
	size_t n;
	enum rc rc;

	if ((rc = secret_code_print(recovery, text, SECRET_CODE_TEXT_MAX)) != RC_OK)
		return rc;
	if (sheet != NULL)
		rc = write_sheet(c, sheet, text);
	if (file != NULL && rc == RC_OK) {
		n = strlen(text);
		text[n] = '\n';
		rc = write_new(c, file, text, n + 1);
	}
	if (file == NULL && sheet == NULL)
		fprintf(stderr, "%s\n    %s\n%s\n", call_say(c,
		    "Mã khôi phục, dùng khi quên mật khẩu:", "Recovery code, for a forgotten passphrase:"),
		    text, call_say(c, "Ghi ra giấy và cất nơi an toàn; mã không hiện lại.",
		    "Write it on paper and keep it safe; it is not shown again."));
	secret_wipe(text, sizeof(text));
	return rc == RC_NOTFOUND ? RC_CREATE : rc;
}

enum rc
commands_recovery_files_free(struct call *c)
{
	const char *files[2] = { call_option(c, "recovery-file"), call_option(c, "sheet") };
	enum rc rc = RC_OK;

	if (files[0] != NULL && files[1] != NULL && strcmp(files[0], files[1]) == 0)
		return error_set(&c->err, RC_USAGE, files[0], "name two files",
		    "the code and its sheet do not go into one file");
	/* there is no terminal that a code could be shown on, and the one before is about to end */
	if (c->from_page)
		return files[0] != NULL || files[1] != NULL ? RC_OK : error_set(&c->err, RC_USAGE,
		    "--recovery-file", "name a file for it", "the recovery code would be shown nowhere");
	/* made for once: a folder that is not there, or is not ours, is told while the old code opens */
	for (int i = 0; i < 2 && rc == RC_OK; i++)
		if (files[i] != NULL && (rc = files_create(files[i], NULL, 0, &c->err)) == RC_OK)
			rc = files_remove(files[i], &c->err);
	return rc == RC_NOTFOUND ? RC_CREATE : rc;
}

static enum rc
not_in_keeper(struct call *c)
{
	if (!keeper_is_there(c->home))
		return RC_OK;
	return error_set(&c->err, RC_BUSY, c->home, "run field lock first",
	    "the vault is unlocked in another process");
}

/* Open by the passphrase, or by the recovery code when --code-file is given. */
static enum rc
open_either(struct call *c, struct vault **out)
{
	struct secret *key = NULL;
	enum rc rc = commands_need_vault(c);

	*out = NULL;
	if (rc != RC_OK)
		return rc;
	if (c->code_file != NULL || c->typed[CALL_CODE] != NULL) {
		if ((rc = commands_code_of(c, &key)) == RC_OK)
			rc = vault_open_with_recovery(c->home, key, out, &c->err);
	} else {
		if ((rc = commands_passphrase_of(c, c->passphrase_file, false, &key)) == RC_OK)
			rc = vault_open(c->home, key, out, &c->err);
	}
	secret_free(key);
	return rc;
}

enum rc
commands_kdf_of(struct call *c, struct vault_kdf *out)
{
	long memory;
	enum rc rc = call_number(c, "kdf-memory", VAULT_KDF_MEMORY_MIN_MIB, VAULT_KDF_MEMORY_MAX_MIB,
	    0, &memory);

	out->memory_mib = (uint32_t)memory;
	out->passes = memory != 0 ? 1 : 0;
	return rc;
}

enum rc
commands_passphrase(struct call *c)
{
	struct vault_kdf kdf = { 0, 0 };
	struct secret *fresh = NULL;
	struct vault *v = NULL;
	enum rc rc;

	if ((rc = not_in_keeper(c)) != RC_OK ||
	    (rc = commands_kdf_of(c, &kdf)) != RC_OK ||
	    (rc = open_either(c, &v)) != RC_OK)
		return rc;
	if ((rc = commands_passphrase_of(c, call_option(c, "new-passphrase-file"), true,
	    &fresh)) == RC_OK)
		rc = vault_set_passphrase(v, fresh, kdf, &c->err);
	secret_free(fresh);
	vault_close(v);
	if (rc == RC_OK)
		call_note(c, "%s", call_say(c, "Đã đổi mật khẩu.", "The passphrase was changed."));
	return rc;
}

enum rc
commands_recovery(struct call *c)
{
	struct secret *recovery = NULL;
	struct vault *v = NULL;
	enum rc rc;

	if ((rc = not_in_keeper(c)) != RC_OK || (rc = commands_recovery_files_free(c)) != RC_OK ||
	    (rc = open_either(c, &v)) != RC_OK)
		return rc;
	if ((rc = vault_new_recovery(v, &recovery, &c->err)) == RC_OK &&
	    (rc = commands_give_recovery(c, recovery)) != RC_OK)
		snprintf(c->err.help, sizeof(c->err.help), "%s",
		    "make a new code at once: the old one does not open any more");
	secret_free(recovery);
	vault_close(v);
	return rc;
}

/* rc: of the rekey, whose error is the one to tell. */
static enum rc
give_code_of_rekey(struct call *c, const struct secret *recovery, enum rc rc)
{
	struct error err = c->err;
	enum rc given = commands_give_recovery(c, recovery);

	if (rc != RC_OK) {
		c->err = err;
		return rc;
	}
	if (given != RC_OK)
		snprintf(c->err.help, sizeof(c->err.help), "%s",
		    "the keys are new: make a recovery code at once with field recovery");
	return given;
}

/* The passphrase stays as it is, under other keys. */
enum rc
commands_rekey(struct call *c)
{
	struct vault_rewrap rewrap = { replica_rewrap };
	struct secret *passphrase = NULL, *recovery = NULL;
	struct vault_kdf kdf;
	struct vault *v = NULL;
	enum rc rc;

	if ((rc = not_in_keeper(c)) != RC_OK || (rc = commands_need_vault(c)) != RC_OK ||
	    (rc = commands_recovery_files_free(c)) != RC_OK || (rc = commands_kdf_of(c, &kdf)) != RC_OK ||
	    (rc = commands_passphrase_of(c, c->passphrase_file, false, &passphrase)) != RC_OK)
		return rc;
	if ((rc = vault_open(c->home, passphrase, &v, &c->err)) == RC_OK &&
	    (rc = replica_migrate(v, &c->err)) == RC_OK)
		rc = vault_rekey(v, passphrase, kdf, rewrap, &recovery, &c->err);
	/* with an error, too, when the keys are new already */
	if (recovery != NULL)
		rc = give_code_of_rekey(c, recovery, rc);
	secret_free(passphrase);
	secret_free(recovery);
	vault_close(v);
	if (rc == RC_OK)
		call_note(c, "%s", call_say(c, "Kho dữ liệu đã có khóa mới. Mã khôi phục cũ không còn mở được;"
		    " bản sao lưu cũ vẫn mở bằng mật khẩu và mã cũ.",
		    "The vault has new keys.  The old recovery code opens nothing any more; backups from"
		    " before still open as they did."));
	return rc;
}
