#include <inttypes.h>
#include <jansson.h>

#include "field/commands.h"
#include "field/workspace.h"
#include "shared/base/bytes.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_backup.h"

/* Pieces go out while others may use the vault; the gate is held when this returns. */
static enum rc
send_pieces(struct call *c, struct vault_backup *b, uint64_t *total)
{
	struct bytes piece;
	bool more = true;
	enum rc rc = RC_OK;

	bytes_init(&piece);
	while (more && rc == RC_OK) {
		piece.len = 0;
		if (c->ws->closing)
			rc = error_set(&c->err, RC_BUSY, c->home, "try again",
			    "the vault is being locked: no backup was made");
		else
			rc = vault_backup_next(b, &piece, &more, &c->err);
		*total += piece.len;
		workspace_leave(c->ws);
		if (rc == RC_OK)
			rc = c->put(c->put_ctx, piece.data, piece.len);
		workspace_enter(c->ws);
	}
	bytes_reset(&piece);
	return rc;
}

enum rc
commands_backup(struct call *c)
{
	struct vault_backup *b = NULL;
	uint64_t total = 0;
	enum rc rc;

	if ((rc = vault_backup_begin(c->ws->vault, &b, &c->err)) == RC_OK)
		rc = send_pieces(c, b, &total);
	vault_backup_end(b);
	if (rc != RC_OK)
		return rc;
	if (c->json)
		return call_print_json(c, json_pack("{s:I}", "bytes", (json_int_t)total));
	call_note(c, call_say(c, "Đã sao lưu %" PRIu64 " byte, niêm phong bằng mật khẩu và mã khôi phục hiện nay.",
	    "Backed up %" PRIu64 " bytes, sealed under today's passphrase and recovery code."), total);
	return RC_OK;
}

enum rc
commands_restore(struct call *c)
{
	struct vault_backup_source from = { c->args[0], NULL, c->code_file != NULL };
	struct secret *key = NULL;
	enum rc rc;

	/* before anything is asked for */
	if (vault_exists(c->home))
		return error_set(&c->err, RC_EXISTS, c->home, "give another folder with --home",
		    "there is a vault already");
	rc = from.by_code ? commands_code_of(c, &key) :
	    commands_passphrase_of(c, c->passphrase_file, false, &key);
	from.key = key;
	if (rc == RC_OK)
		rc = vault_backup_restore(c->home, from, &c->err);
	secret_free(key);
	if (rc == RC_OK)
		call_note(c, "%s", call_say(c, "Đã khôi phục. Hãy chạy field sync để nhận những gì mới hơn.",
		    "Restored.  Run field sync to get what is newer."));
	return rc;
}
