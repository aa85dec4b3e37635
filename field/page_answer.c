/* What the page answers, but for commands: page_run.c. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/browser_guard.h"
#include "field/keeper.h"
#include "field/page_internal.h"
#include "shared/base/clock.h"
#include "shared/base/embedded.h"
#include "shared/base/thread.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/web/http_server.h"

enum { TOKEN_MARK_CHARS = 32 };

/* The files of field/ui/. */
extern const struct embedded page_assets_table[];
/* index.html has these in the place of the token. */
static const char token_mark[TOKEN_MARK_CHARS + 1] = "00000000000000000000000000000000";

/* ---- replies ---- */

void
page_reply(struct http_request *r, unsigned status, const char *type, const void *body, size_t len,
    bool sheet)
{
	const struct browser_guard_header *h = browser_guard_headers(sheet);
	enum rc rc = RC_OK;

	for (; h->name != NULL && rc == RC_OK; h++)
		rc = http_server_add_header(r, h->name, h->value);
	if (rc == RC_OK)
		http_server_reply(r, status, type, body, len);
}

void
page_reply_json(struct http_request *r, unsigned status, struct bytes *body)
{
	if (body->rc != RC_OK || body->len > PAGE_REPLY_MAX)
		page_reply(r, 500, NULL, "", 0, false);
	else
		page_reply(r, status, "application/json", body->data, body->len, false);
}

void
page_put_string(struct bytes *b, const char *text)
{
	json_t *s = json_string(text);
	char *quoted = s == NULL ? NULL : json_dumps(s, JSON_ENCODE_ANY);

	bytes_text(b, quoted == NULL ? "\"\"" : quoted);
	free(quoted);
	json_decref(s);
}

static const struct embedded *
find_asset(const char *name)
{
	for (const struct embedded *e = page_assets_table; e->name != NULL; e++)
		if (strcmp(e->name, name) == 0)
			return e;
	return NULL;
}

static void
reply_asset(struct http_request *r, const char *name, unsigned status)
{
	const struct embedded *a = find_asset(name);

	if (a == NULL)
		page_reply(r, 404, NULL, "", 0, false);
	else
		page_reply(r, status, page_files_type(name), a->data, a->len, false);
}

/* ---- what stands still ---- */

static void
reply_index(struct page *p, struct http_request *r)
{
	const struct embedded *a = find_asset("index.html");
	struct bytes b;
	char *mark;

	bytes_init(&b);
	if (a != NULL)
		bytes_put(&b, a->data, a->len);
	mark = b.rc == RC_OK && b.len > 0 ? strstr(bytes_cstr(&b), token_mark) : NULL;
	if (mark == NULL) {
		page_reply(r, 500, NULL, "", 0, false);
	} else {
		memcpy(mark, browser_guard_token(p->guard), TOKEN_MARK_CHARS);
		page_reply(r, 200, page_files_type("index.html"), b.data, b.len, false);
	}
	bytes_wipe(&b);
}

/* /file/HANDLE is saved, /sheet/HANDLE is shown, to be printed. */
static void
reply_file(struct page *p, struct http_request *r, const char *handle, bool sheet)
{
	const struct page_file *f;
	char disposition[PAGE_NAME_MAX + 40];
	enum rc rc = RC_NOTFOUND;

	thread_lock_enter(p->gate);
	if ((f = page_files_find(p, handle)) != NULL &&
	    (!sheet || strcmp(page_files_type(f->name), page_files_type("x.html")) == 0)) {
		snprintf(disposition, sizeof(disposition), "%s; filename=\"%s\"",
		    sheet ? "inline" : "attachment", f->name);
		if ((rc = http_server_add_header(r, "Content-Disposition", disposition)) == RC_OK)
			page_reply(r, 200, page_files_type(f->name), f->data.data, f->data.len, sheet);
	}
	thread_lock_leave(p->gate);
	if (rc != RC_OK)
		page_reply(r, 404, NULL, "", 0, false);
}

static void
answer_get(struct page *p, struct http_request *r)
{
	const char *path = http_server_path(r);

	if (strcmp(path, "/") == 0)
		reply_index(p, r);
	else if (strcmp(path, "/launch") == 0)
		reply_asset(r, "launch.html", 200);
	else if (strncmp(path, "/file/", 6) == 0)
		reply_file(p, r, path + 6, false);
	else if (strncmp(path, "/sheet/", 7) == 0)
		reply_file(p, r, path + 7, true);
	else
		reply_asset(r, path + 1, 200);
}

/* ---- what is asked by POST, beside commands ---- */

static void
answer_launch(struct page *p, struct http_request *r, struct page_request *q)
{
	char cookie[BROWSER_GUARD_TEXT_MAX], path[FILES_PATH_MAX];
	json_error_t je;
	json_t *asked = json_loadb((const char *)q->body.data, q->body.len, 0, &je);
	const char *code = json_string_value(json_object_get(asked, "code"));
	enum rc rc = RC_AUTH;

	thread_lock_enter(p->gate);
	if (code != NULL)
		rc = browser_guard_exchange(p->guard, clock_monotonic_ms(), code, strlen(code), cookie);
	if (rc == RC_OK)
		page_files_forget(p, true);
	thread_lock_leave(p->gate);
	json_decref(asked);
	if (rc == RC_OK)
		rc = http_server_add_header(r, "Set-Cookie", cookie);
	secret_wipe(cookie, sizeof(cookie));
	if (rc == RC_OK && files_join(p->home, "page.html", path) == RC_OK)
		(void)!files_remove(path, NULL);
	page_reply(r, rc == RC_OK ? 204 : 403, NULL, "", 0, false);
}

static void
answer_state(struct page *p, struct http_request *r)
{
	struct bytes b;

	bytes_init(&b);
	thread_lock_enter(p->gate);
	bytes_printf(&b, "{\"vault\":%s,\"open\":%s,\"busy\":%d,\"wait\":%d}",
	    vault_exists(p->home) ? "true" : "false", keeper_is_there(p->home) ? "true" : "false",
	    p->running, p->try_after_ms > clock_monotonic_ms() ?
	    (int)((p->try_after_ms - clock_monotonic_ms() + 999) / 1000) : 0);
	thread_lock_leave(p->gate);
	page_reply_json(r, 200, &b);
	bytes_reset(&b);
}

static void
answer_progress(struct page *p, struct http_request *r)
{
	struct bytes b;

	bytes_init(&b);
	bytes_text(&b, "{\"text\":");
	thread_lock_enter(p->gate);
	page_put_string(&b, p->progress);
	thread_lock_leave(p->gate);
	bytes_u8(&b, '}');
	page_reply_json(r, 200, &b);
	bytes_reset(&b);
}

static void
answer_upload(struct page *p, struct http_request *r, struct page_request *q)
{
	struct page_file *f;
	struct bytes b;
	enum rc rc;

	bytes_init(&b);
	thread_lock_enter(p->gate);
	rc = page_files_add(p, "upload", &q->body, &f);
	if (rc == RC_OK)
		bytes_printf(&b, "{\"handle\":\"%s\"}", f->handle);
	thread_lock_leave(p->gate);
	if (rc == RC_OK)
		page_reply_json(r, 200, &b);
	else
		page_reply(r, 413, NULL, "", 0, false);
	bytes_reset(&b);
}

static void
answer_post(struct page *p, struct http_request *r, struct page_request *q)
{
	const char *path = http_server_path(r);

	if (strcmp(path, "/launch") == 0)
		answer_launch(p, r, q);
	else if (strcmp(path, "/api/run") == 0)
		page_run_answer(p, r, q);
	else if (strcmp(path, "/api/state") == 0)
		answer_state(p, r);
	else if (strcmp(path, "/api/progress") == 0)
		answer_progress(p, r);
	else if (strcmp(path, "/api/upload") == 0)
		answer_upload(p, r, q);
	else
		page_reply(r, 404, NULL, "", 0, false);
}

void
page_answer_refusal(struct http_request *r, unsigned status)
{
	if (status == 401 && strcmp(http_server_path(r), "/") == 0)
		reply_asset(r, "again.html", status);
	else
		page_reply(r, status, NULL, "", 0, false);
}

void
page_answer(struct page *p, struct http_request *r, struct page_request *q)
{
	if (q->refused != 0)
		page_answer_refusal(r, q->refused);
	else if (strcmp(http_server_method(r), "GET") == 0)
		answer_get(p, r);
	else
		answer_post(p, r, q);
}
