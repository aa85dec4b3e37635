#include <jansson.h>
#include <string.h>

#include "field/commands.h"
#include "field/workspace.h"
#include "shared/base/embedded.h"
#include "shared/records/fold.h"
#include "shared/sync/replica.h"
#include "shared/sync/replica_salvage.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_salvage.h"

/* verify and rebuild, also of a vault that a workspace cannot be opened on. */

static void
tell_pages(struct call *c, const struct vault_damage *d)
{
	struct bytes list;

	if (d->bad_pages == 0)
		return;
	bytes_init(&list);
	for (size_t i = 0; i < d->n_named; i++)
		bytes_printf(&list, " %lld", (long long)d->named[i]);
	call_note(c, "%s%s%s", call_say(c, "Trang hỏng:", "Damaged pages:"), bytes_cstr(&list),
	    (size_t)d->bad_pages > d->n_named ? " …" : "");
	bytes_reset(&list);
}

static void
tell_lost(struct call *c, const struct replica_salvage *s)
{
	char dot[DOT_TEXT_MAX];

	call_note(c, call_say(c, "Nhật ký: đọc được %llu lần ghi, mất %llu.",
	    "Journal: %llu entries can be read, %llu are lost."), (unsigned long long)s->entries,
	    (unsigned long long)s->lost);
	for (size_t i = 0; i < s->n_named; i++) {
		dot_text(&s->named[i], dot);
		call_note(c, "    %s", dot);
	}
	if (s->lost > s->n_named && s->n_named > 0)
		call_note(c, "    …");
}

/* What is damaged; whole: RC_OK and nothing is said. */
static enum rc
examine(struct call *c, struct vault *v)
{
	struct vault_damage d;
	struct replica_salvage lost = { 0 };
	struct error ignored = { 0 };
	enum rc rc;

	if ((rc = vault_examine(v, &d, &c->err)) != RC_OK || vault_is_whole(&d))
		return rc;
	tell_pages(c, &d);
	if (d.tables[0] != '\0')
		call_note(c, "%s %s", call_say(c, "Bảng không đọc hết được:",
		    "Tables that cannot be read as a whole:"), d.tables);
	if (replica_count_lost(vault_db(v), &lost, &ignored) == RC_OK)
		tell_lost(c, &lost);
	if (d.structure)
		return error_set(&c->err, RC_DAMAGED, "vault.db", "run field rebuild",
		    "the pages are whole, but do not fit together");
	return error_set(&c->err, RC_DAMAGED, "vault.db",
	    "run field lock, then field rebuild: it keeps what can be read",
	    "%lld of %lld pages are damaged", (long long)d.bad_pages, (long long)d.pages);
}

enum rc
commands_verify(struct call *c)
{
	uint8_t digest[FOLD_DIGEST_BYTES];
	char hex[2 * FOLD_DIGEST_BYTES + 1];
	enum rc rc;

	if ((rc = examine(c, c->ws->vault)) != RC_OK ||
	    (rc = fold_digest(vault_db(c->ws->vault), digest, &c->err)) != RC_OK)
		return rc;
	bytes_hex(digest, sizeof(digest), hex);
	if (c->json)
		return call_print_json(c, json_pack("{s:s,s:s}", "state", "ok", "digest", hex));
	call_print(c, "%s %s", call_say(c, "Kho dữ liệu nguyên vẹn. Dấu kiểm:", "The vault is whole.  Digest:"),
	    hex);
	return RC_OK;
}

static enum rc
fold_again(struct call *c, struct workspace *ws)
{
	enum rc rc = workspace_begin(ws, &c->err);

	if (rc != RC_OK)
		return rc;
	rc = fold_rebuild(replica_fold(ws->replica), &c->err);
	if ((rc = workspace_end(ws, rc, &c->err)) == RC_OK)
		call_note(c, "%s", call_say(c, "Đã dựng lại từ nhật ký.", "Rebuilt from the journal."));
	return rc;
}

enum rc
commands_rebuild(struct call *c)
{
	enum rc rc = examine(c, c->ws->vault);

	return rc == RC_OK ? fold_again(c, c->ws) : rc;
}

static enum rc
verify_closed(struct call *c, const struct secret *passphrase)
{
	const struct embedded *sql = embedded_find("vault.sql");
	struct error opening = c->err;
	struct vault *v = NULL;
	enum rc rc = RC_OK;

	if (sql == NULL)
		return RC_INTERNAL;
	error_clear(&c->err);
	if (vault_open_to_look(c->home, passphrase, (const char *)sql->data, &v, &c->err) == RC_OK)
		rc = examine(c, v);
	vault_close(v);
	/* its pages are whole, or not even that can be told: what was said first is the damage */
	if (rc == RC_DAMAGED)
		return rc;
	c->err = opening;
	return opening.code;
}

static enum rc
rebuild_closed(struct call *c, const struct secret *passphrase)
{
	const struct embedded *sql = embedded_find("vault.sql");
	struct replica_salvage s = { 0 };
	struct workspace *ws = NULL;
	struct vault *v = NULL;
	bool wal = strstr(c->err.where, "-wal") != NULL;
	enum rc rc;

	if (sql == NULL)
		return RC_INTERNAL;
	error_clear(&c->err);
	if ((rc = vault_open_to_salvage(c->home, passphrase, (const char *)sql->data, &v,
	    &c->err)) != RC_OK)
		return rc;
	if ((rc = replica_salvage(v, &s, &c->err)) != RC_OK) {
		vault_close(v);
		return rc;
	}
	tell_lost(c, &s);
	if ((rc = workspace_adopt(c->home, v, &ws, &c->err)) == RC_OK)
		rc = fold_again(c, ws);
	workspace_close(ws);
	call_note(c, "%s", call_say(c, "Các tệp hỏng còn giữ trong thư mục của kho, tên có đuôi .damaged.",
	    "The damaged files are kept in the vault's folder, under names that end in .damaged."));
	if (wal)
		call_note(c, "%s", call_say(c,
		    "Những lần lưu sau chỗ hỏng chưa lấy lại được; chúng còn nằm trong vault.db-wal.damaged.",
		    "What was saved behind the damaged place is not back; it lies in vault.db-wal.damaged."));
	if (s.lost > 0)
		call_note(c, "%s", call_say(c, "Hãy đồng bộ: những gì đã gửi sẽ về lại từ máy chủ.",
		    "Sync now: what was sent before comes back from the server."));
	if (s.statements_lost)
		call_note(c, "%s", call_say(c,
		    "Danh bạ của tỉnh bị mất một phần: đồng bộ, hoặc dùng bản sao lưu hay giấy mời mới.",
		    "Part of the province's directory is lost: sync, or use a backup or a new invitation."));
	if (s.keys_lost)
		call_note(c, "%s", call_say(c, "Khóa của máy bị mất: cần bản sao lưu hoặc giấy mời mới.",
		    "Keys of this device are lost: it needs a backup or a new invitation."));
	return rc;
}

enum rc
commands_on_damaged(struct call *c, const struct secret *passphrase)
{
	const char *tell;
	enum rc rc = RC_DAMAGED;

	if (c->command->run == commands_rebuild)
		return rebuild_closed(c, passphrase);
	if (c->command->run == commands_verify && c->notes.len == 0)
		rc = verify_closed(c, passphrase);
	/* what the error says itself is in English */
	tell = call_say(c, "Kho dữ liệu có chỗ hỏng. Đừng xóa gì cả: hãy chép cả thư mục sang nơi khác, rồi chạy"
	    " field verify để xem hỏng chỗ nào, và field rebuild để giữ lại những gì còn đọc được.", "");
	if (*tell != '\0' && c->notes.len == 0 && strstr(c->err.where, "vault.db") != NULL)
		call_note(c, "%s", tell);
	return rc;
}
