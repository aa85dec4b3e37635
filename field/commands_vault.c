#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/keeper.h"
#include "field/workspace.h"
#include "shared/base/clock.h"
#include "shared/base/files.h"
#include "shared/base/process.h"
#include "shared/base/terminal.h"
#include "shared/base/text.h"
#include "shared/sync/directory.h"
#include "shared/sync/identity.h"
#include "shared/sync/replica.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"

enum {
	PASSPHRASE_CHARACTERS_MIN = 8,
	LINE_MAX_BYTES = 1024,
};

static enum rc
ask(struct call *c, const char *prompt, struct secret **out)
{
	char line[LINE_MAX_BYTES + 1];
	char *nfc = NULL;
	enum rc rc;

	*out = NULL;
	rc = terminal_ask_secret(prompt, line, sizeof(line), &c->err);
	if (rc == RC_NOTFOUND)
		return error_set(&c->err, RC_USAGE, "", "use --passphrase-file or --code-file",
		    "there is no terminal to ask on");
	if (rc == RC_OK)
		rc = text_nfc(line, strlen(line), &nfc);
	if (rc == RC_OK)
		rc = secret_from(nfc, strlen(nfc), out);
	if (nfc != NULL)
		secret_wipe(nfc, strlen(nfc));
	free(nfc);
	secret_wipe(line, sizeof(line));
	return rc;
}

static enum rc
long_enough(struct call *c, const struct secret *s)
{
	size_t n = 0;

	for (size_t i = 0; i < secret_len(s); i++)
		n += (secret_bytes(s)[i] & 0xc0) != 0x80;
	if (n >= PASSPHRASE_CHARACTERS_MIN)
		return RC_OK;
	return error_set(&c->err, RC_INVALID, "", "several words are easy to keep in mind",
	    "a passphrase has at least %d characters", PASSPHRASE_CHARACTERS_MIN);
}

enum rc
commands_need_vault(struct call *c)
{
	if (vault_exists(c->home))
		return RC_OK;
	return error_set(&c->err, RC_NOTFOUND, c->home,
	    "use --home for another folder, or make one here with field join INVITATION",
	    "there is no vault");
}

/* What was typed in the page, taken. */
static enum rc
typed(struct call *c, enum call_secret which, struct secret **out)
{
	*out = c->typed[which];
	c->typed[which] = NULL;
	if (*out != NULL)
		return RC_OK;
	return error_set(&c->err, RC_AUTH, "", "type it, then try again",
	    which == CALL_CODE ? "a code is needed" : "a passphrase is needed");
}

enum rc
commands_passphrase_of(struct call *c, const char *file, bool is_new, struct secret **out)
{
	struct secret *again = NULL;
	enum rc rc;

	*out = NULL;
	if (c->from_page) {
		rc = typed(c, is_new && c->typed[CALL_NEW_PASSPHRASE] != NULL ? CALL_NEW_PASSPHRASE :
		    CALL_PASSPHRASE, out);
	} else if (file != NULL) {
		rc = secret_read_line(file, out, &c->err);
	} else {
		rc = ask(c, call_say(c, "Mật khẩu: ", "Passphrase: "), out);
		if (rc == RC_OK && is_new)
			rc = ask(c, call_say(c, "Nhập lại mật khẩu: ", "The passphrase again: "), &again);
		if (rc == RC_OK && is_new && !secret_equal(*out, again))
			rc = error_set(&c->err, RC_INVALID, "", "try again",
			    "the two passphrases differ");
	}
	if (rc == RC_OK && is_new)
		rc = long_enough(c, *out);
	secret_free(again);
	if (rc != RC_OK) {
		secret_free(*out);
		*out = NULL;
	}
	return rc;
}

/* A code on paper, from a file or, if that is NULL, asked for. */
static enum rc
code_from(struct call *c, const char *file, struct secret **out)
{
	struct secret *text = NULL;
	char line[LINE_MAX_BYTES + 1];
	size_t n;
	enum rc rc;

	*out = NULL;
	rc = c->from_page ? typed(c, CALL_CODE, &text) : file != NULL ?
	    secret_read_line(file, &text, &c->err) : ask(c, call_say(c, "Mã trên giấy: ", "Code on paper: "), &text);
	if (rc != RC_OK)
		return rc;
	n = secret_len(text) < LINE_MAX_BYTES ? secret_len(text) : LINE_MAX_BYTES;
	memcpy(line, secret_bytes(text), n);
	line[n] = '\0';
	rc = secret_code_read(line, IDENTITY_CODE_BYTES, out);
	secret_wipe(line, sizeof(line));
	secret_free(text);
	if (rc == RC_OK)
		return RC_OK;
	return error_set(&c->err, RC_AUTH, "", "type it again from the paper, group by group",
	    rc == RC_AUTH ? "the code has a slip: its check group does not fit" :
	    "this is no code");
}

enum rc
commands_code_of(struct call *c, struct secret **out)
{
	return code_from(c, c->code_file, out);
}

static enum rc
open_parcel(struct call *c, struct invitation_parcel *parcel)
{
	const struct bytes *file = call_input(c, c->args[0]);
	struct secret *code = NULL;
	enum rc rc;

	if (file == NULL)
		return RC_NOTFOUND;
	if ((rc = code_from(c, c->code_file, &code)) == RC_OK)
		rc = identity_parcel_open(file->data, file->len, code, parcel, &c->err);
	secret_free(code);
	return rc;
}

/* The authority's recovery key, for the escrow slot, from the parcel's own directory. */
static enum rc
escrow_key(const struct invitation_parcel *parcel, uint8_t out[32], struct error *err)
{
	struct directory *d = NULL;
	bool forked;
	enum rc rc;

	if (parcel->n_statements == 0)
		return error_set(err, RC_FORMAT, "invitation", "ask for a new invitation",
		    "the invitation holds no directory");
	if ((rc = directory_new(&d)) == RC_OK)
		rc = directory_add(d, parcel->statements[0].data, parcel->statements[0].len, NULL,
		    &forked, err);
	if (rc == RC_OK)
		memcpy(out, directory_recovery_key(d), 32);
	directory_free(d);
	return rc;
}

static enum rc
print_joined(struct call *c, struct workspace *ws)
{
	char device[33];

	bytes_hex(replica_device(ws->replica), IDENTITY_ID_BYTES, device);
	if (c->json)
		return call_print_json(c, json_pack("{s:s,s:s,s:s}", "device", device, "unit",
		    replica_unit(ws->replica), "role",
		    identity_role_name(replica_role(ws->replica))));
	call_print(c, "%s %s %s", device, replica_unit(ws->replica),
	    identity_role_name(replica_role(ws->replica)));
	return RC_OK;
}

/* Does the recovery code in the file that was asked for open this vault?  Then it is not lost. */
static bool
has_recovery(struct call *c)
{
	const char *file = call_option(c, "recovery-file");
	struct secret *code = NULL;
	struct vault *v = NULL;
	bool fits = false;

	if (!c->from_page && file != NULL && files_exists(file) && code_from(c, file, &code) == RC_OK) {
		fits = vault_open_with_recovery(c->home, code, &v, NULL) == RC_OK;
		vault_close(v);
	}
	error_clear(&c->err);
	secret_free(code);
	return fits;
}

/*
 * A vault that a join left behind when it was cut short is used again.  Nobody
 * may have seen its recovery code, so there is a new one.
 */
static enum rc
take_vault(struct call *c, const struct secret *passphrase, struct vault **out)
{
	struct secret *recovery = NULL;
	bool kept = has_recovery(c);
	enum rc rc;

	if ((rc = vault_open(c->home, passphrase, out, &c->err)) != RC_OK)
		return rc;
	if (replica_is_joined(*out))
		return error_set(&c->err, RC_EXISTS, c->home, "use another --home",
		    "this vault is a device already");
	if (kept)
		return RC_OK;
	if ((rc = commands_recovery_files_free(c)) == RC_OK &&
	    (rc = vault_new_recovery(*out, &recovery, &c->err)) == RC_OK)
		rc = commands_give_recovery(c, recovery);
	secret_free(recovery);
	return rc;
}

static enum rc
new_vault(struct call *c, const struct secret *passphrase, const uint8_t escrow[32],
    struct vault **out)
{
	struct secret *recovery = NULL;
	struct vault_kdf kdf;
	enum rc rc;

	if ((rc = commands_kdf_of(c, &kdf)) != RC_OK || (rc = commands_recovery_files_free(c)) != RC_OK)
		return rc;
	rc = vault_create(c->home, passphrase, kdf, escrow, out, &recovery, &c->err);
	if (rc == RC_OK)
		rc = commands_give_recovery(c, recovery);
	secret_free(recovery);
	return rc;
}

static enum rc
make_vault(struct call *c, const struct invitation_parcel *parcel, struct vault **out)
{
	struct secret *passphrase = NULL;
	uint8_t escrow[32];
	bool there = vault_exists(c->home) != 0;
	enum rc rc;

	*out = NULL;
	if ((rc = escrow_key(parcel, escrow, &c->err)) != RC_OK ||
	    (rc = commands_passphrase_of(c, c->passphrase_file, !there, &passphrase)) != RC_OK)
		return rc;
	rc = there ? take_vault(c, passphrase, out) : new_vault(c, passphrase, escrow, out);
	secret_free(passphrase);
	if (rc != RC_OK) {
		vault_close(*out);
		*out = NULL;
	}
	return rc;
}

enum rc
commands_join(struct call *c)
{
	struct invitation_parcel parcel;
	struct clock clock = clock_system();
	struct workspace *ws = NULL;
	struct vault *v = NULL;
	enum rc rc;

	memset(&parcel, 0, sizeof(parcel));
	if ((rc = open_parcel(c, &parcel)) != RC_OK ||
	    (rc = files_make_dir(c->home, &c->err)) != RC_OK ||
	    (rc = make_vault(c, &parcel, &v)) != RC_OK)
		goto out;
	if ((rc = replica_join(v, &parcel, &clock, &c->err)) != RC_OK) {
		vault_close(v);
		goto out;
	}
	if ((rc = workspace_adopt(c->home, v, &ws, &c->err)) == RC_OK)
		rc = print_joined(c, ws);
	workspace_close(ws);
out:
	identity_parcel_reset(&parcel);
	return rc;
}

enum rc
commands_unlock(struct call *c)
{
	struct secret *passphrase = NULL;
	struct workspace *ws = NULL;
	bool is_child = false;
	long idle;
	enum rc rc;

	if ((rc = call_number(c, "idle", 1, KEEPER_IDLE_MINUTES_MAX, KEEPER_IDLE_MINUTES,
	    &idle)) != RC_OK)
		return rc;
	if (keeper_is_there(c->home)) {
		call_note(c, "%s", call_say(c, "Đã mở khóa từ trước.", "It is unlocked already."));
		return RC_OK;
	}
	if ((rc = commands_need_vault(c)) != RC_OK ||
	    (rc = commands_passphrase_of(c, c->passphrase_file, false, &passphrase)) != RC_OK)
		return rc;
	/* the vault is opened in the process that keeps it: keys never cross */
	rc = process_background(&is_child, &c->err);
	if (is_child) {
		/* else the page would not see that its porter has ended */
		local_close(c->asker);
		rc = workspace_open(c->home, passphrase, &ws, &c->err);
		secret_free(passphrase);
		if (rc == RC_OK && !c->quiet && !secret_can_lock())
			fprintf(stderr, "%s\n", call_say(c, "Máy không cho khóa thêm bộ nhớ: khóa mã hóa có thể"
			    " bị ghi ra vùng swap. Hãy nâng giới hạn (ulimit -l).",
			    "This system lets no more memory be locked: keys may be written to swap.  Raise the"
			    " limit (ulimit -l)."));
		if (rc == RC_OK)
			rc = keeper_serve(ws, commands_table, (int)idle, &c->err);
		process_failed(rc, &c->err);
		return rc;
	}
	secret_free(passphrase);
	if (rc == RC_OK)
		call_note(c, "%s", call_say(c, "Đã mở khóa.", "Unlocked."));
	return rc;
}

enum rc
commands_lock(struct call *c)
{
	enum rc rc = keeper_lock(c->home, &c->err);

	if (rc == RC_NOTFOUND) {
		error_clear(&c->err);
		call_note(c, "%s", call_say(c, "Đang khóa.", "It is locked."));
		return RC_OK;
	}
	if (rc == RC_OK)
		call_note(c, "%s", call_say(c, "Đã khóa.", "Locked."));
	return rc;
}

enum rc
commands_wipe(struct call *c)
{
	enum rc rc;

	if (call_option(c, "yes") == NULL)
		return error_set(&c->err, RC_USAGE, c->home, "say --yes if this is meant",
		    "wiping makes everything in this vault unreadable for ever");
	rc = keeper_lock(c->home, &c->err);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	error_clear(&c->err);
	if ((rc = vault_wipe(c->home, &c->err)) != RC_OK)
		return rc;
	call_note(c, "%s", call_say(c,
	    "Đã hủy mọi khóa. Ổ SSD có thể còn giữ bản cũ của tệp khóa; độ an toàn khi đó bằng độ mạnh của mật khẩu.",
	    "All keys are destroyed.  An SSD may keep an old copy of the key file; then it is as safe as"
	    " the passphrase is strong."));
	return RC_OK;
}
