#include "field/page.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/browser_guard.h"
#include "field/keeper.h"
#include "field/page_internal.h"
#include "field/porter.h"
#include "shared/base/clock.h"
#include "shared/base/embedded.h"
#include "shared/base/phrases.h"
#include "shared/base/process.h"
#include "shared/base/thread.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/web/http_server.h"

enum {
	STEP_MS = 200,
	LEAVING_MS = 3000,
	CONNECTIONS = 64,
	REQUEST_SECONDS = 24 * 3600,	/* a sync over a bad line is one request */
	TOKEN_MARK_CHARS = 32
};

static const char socket_name[] = "page.socket";
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

static bool
needs_no_session(const char *path)
{
	return strcmp(path, "/launch") == 0 || strcmp(path, "/launch.js") == 0 ||
	    strcmp(path, "/style.css") == 0;
}

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
		page_files_forget(p);
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
	json_t *o;
	char *text;
	struct bytes b;

	bytes_init(&b);
	thread_lock_enter(p->gate);
	o = json_pack("{s:s}", "text", p->progress);
	thread_lock_leave(p->gate);
	text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
	bytes_text(&b, text == NULL ? "{}" : text);
	free(text);
	json_decref(o);
	page_reply_json(r, 200, &b);
	bytes_reset(&b);
}

static void
answer_upload(struct page *p, struct http_request *r, struct page_request *q)
{
	const struct page_file *f;
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

/* ---- requests ---- */

static unsigned
check(const struct page *p, struct http_request *r)
{
	struct browser_guard_request q = {
		.method = http_server_method(r), .path = http_server_path(r),
		.host = http_server_header(r, "Host"), .n_hosts = http_server_header_count(r, "Host"),
		.origin = http_server_header(r, "Origin"),
		.n_origins = http_server_header_count(r, "Origin"),
		.site = http_server_header(r, "Sec-Fetch-Site"),
		.n_sites = http_server_header_count(r, "Sec-Fetch-Site"),
		.mode = http_server_header(r, "Sec-Fetch-Mode"),
		.content_type = http_server_header(r, "Content-Type"),
		.cookie = http_server_header(r, "Cookie"),
		.n_cookies = http_server_header_count(r, "Cookie"),
		.token = http_server_header(r, "X-Field-Token"),
		.n_tokens = http_server_header_count(r, "X-Field-Token"),
		.own = local_port_is_own(http_server_peer_port(r), http_server_port(p->server)),
		.open = needs_no_session(http_server_path(r))
	};

	return browser_guard_check(p->guard, &q);
}

static unsigned
on_begin(void *ctx, struct http_request *r)
{
	struct page *p = ctx;
	struct page_request *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return 503;
	q->page = p;
	bytes_init(&q->body);
	http_server_set_user(r, q);
	thread_lock_enter(p->gate);
	q->refused = check(p, r);
	p->last_request_ms = clock_monotonic_ms();
	thread_lock_leave(p->gate);
	return 0;
}

static enum rc
on_body(void *ctx, struct http_request *r, const uint8_t *data, size_t len)
{
	struct page_request *q = http_server_user(r);

	(void)ctx;
	if (q->refused == 0)
		bytes_put(&q->body, data, len);
	return q->body.rc;
}

/* A page that is looked at when its session is over says so; everything else is refused without a word. */
static void
on_answer(void *ctx, struct http_request *r)
{
	struct page *p = ctx;
	struct page_request *q = http_server_user(r);

	if (q->refused == 401 && strcmp(http_server_path(r), "/") == 0)
		reply_asset(r, "again.html", 401);
	else if (q->refused != 0)
		page_reply(r, q->refused, NULL, "", 0, false);
	else if (strcmp(http_server_method(r), "GET") == 0)
		answer_get(p, r);
	else
		answer_post(p, r, q);
}

static void
on_done(void *ctx, struct http_request *r)
{
	struct page_request *q = http_server_user(r);

	(void)ctx;
	if (q == NULL)
		return;
	page_run_free(q->run);
	bytes_wipe(&q->body);
	free(q);
}

/* ---- the life of it ---- */

static void
write_url(struct page *p, char url[PAGE_URL_MAX])
{
	char code[BROWSER_GUARD_CODE_CHARS + 1];

	thread_lock_enter(p->gate);
	browser_guard_launch(p->guard, clock_monotonic_ms(), code);
	thread_lock_leave(p->gate);
	/* what stands behind # is not sent, and launch.js takes it out of the address */
	snprintf(url, PAGE_URL_MAX, "http://127.0.0.1:%u/launch#%s",
	    (unsigned)http_server_port(p->server), code);
	secret_wipe(code, sizeof(code));
}

/* Another `field open` of the same user and home. */
static void
answer_asker(struct page *p, struct local_listener *listener)
{
	struct local_link *link;
	char url[PAGE_URL_MAX];

	if (local_accept(listener, 0, &link) != RC_OK)
		return;
	write_url(p, url);
	(void)!local_send(link, (const uint8_t *)url, strlen(url));
	secret_wipe(url, sizeof(url));
	local_close(link);
	thread_lock_enter(p->gate);
	p->last_request_ms = clock_monotonic_ms();
	thread_lock_leave(p->gate);
}

enum rc
page_ask(const char *home, char url[PAGE_URL_MAX], struct error *err)
{
	struct local_link *link = NULL;
	char path[FILES_PATH_MAX];
	uint8_t *data = NULL;
	size_t len = 0;
	enum rc rc;

	if ((rc = files_join(home, socket_name, path)) != RC_OK ||
	    (rc = local_connect(path, &link, err)) != RC_OK)
		return rc;
	if ((rc = local_receive(link, PAGE_URL_MAX - 1, &data, &len)) == RC_OK)
		memcpy(url, data, len + 1);
	free(data);
	local_close(link);
	return rc;
}

static bool
should_go_on(struct page *p)
{
	bool on;

	thread_lock_enter(p->gate);
	on = !process_should_stop() && (p->running > 0 ||
	    clock_monotonic_ms() - p->last_request_ms < PAGE_IDLE_MINUTES * 60000);
	thread_lock_leave(p->gate);
	return on;
}

/* Commands that run are waited for; one that waits for the network is left, as the keeper does. */
static bool
all_ended(struct page *p)
{
	int64_t end = clock_monotonic_ms() + LEAVING_MS;
	bool ended;

	do {
		http_server_step(p->server, STEP_MS);
		thread_lock_enter(p->gate);
		ended = p->running == 0;
		thread_lock_leave(p->gate);
	} while (!ended && clock_monotonic_ms() < end);
	return ended;
}

static enum rc
open_server(struct page *p, uint16_t port, struct error *err)
{
	const struct http_config config = {
		.address = "127.0.0.1", .port = port, .connections_max = CONNECTIONS,
		.body_seconds = REQUEST_SECONDS, .whole_seconds = REQUEST_SECONDS,
		.body_max = PAGE_FILE_MAX, .no_date = true, .ctx = p, .begin = on_begin,
		.body = on_body, .answer = on_answer, .done = on_done
	};
	enum rc rc;

	if ((rc = http_server_open(&config, &p->server, err)) != RC_OK)
		return rc;
	return browser_guard_new(http_server_port(p->server), &p->guard);
}

static enum rc
serve(struct page *p, const struct page_options *o, struct local_listener *listener,
    struct error *err)
{
	char url[PAGE_URL_MAX];
	enum rc rc;

	p->last_request_ms = clock_monotonic_ms();
	write_url(p, url);
	rc = o->ready(o->ctx, url, err);
	secret_wipe(url, sizeof(url));
	while (rc == RC_OK && should_go_on(p)) {
		http_server_step(p->server, STEP_MS);
		answer_asker(p, listener);
	}
	return rc;
}

static void
page_close(struct page *p)
{
	if (p == NULL)
		return;
	if (p->unlocked)
		(void)!keeper_lock(p->home, NULL);
	/* a thread that still runs uses all this to the end of the process */
	if (p->server != NULL && !all_ended(p))
		return;
	http_server_close(p->server);
	porter_stop(p->porter);
	browser_guard_free(p->guard);
	phrases_free(p->phrases);
	if (p->gate != NULL) {
		page_files_forget(p);
		thread_lock_free(p->gate);
	}
	free(p);
}

enum rc
page_serve(const struct page_options *o, struct error *err)
{
	struct page *p = calloc(1, sizeof(*p));
	struct local_listener *listener = NULL;
	struct error ignored = { 0 };
	char path[FILES_PATH_MAX];
	enum rc rc = RC_NOMEM;

	if (p == NULL)
		return rc;
	snprintf(p->home, sizeof(p->home), "%s", o->home);
	p->table = o->table;
	if ((rc = files_make_dir(p->home, err)) != RC_OK ||
	    (rc = porter_start(p->home, o->table, &p->porter, err)) != RC_OK)
		goto out;
	process_catch_stop();
	if (phrases_open(&p->phrases, &ignored) != RC_OK)
		p->phrases = NULL;
	if ((rc = thread_lock_new(&p->gate)) == RC_OK &&
	    (rc = files_join(p->home, socket_name, path)) == RC_OK &&
	    (rc = local_listen(path, &listener, err)) == RC_OK &&
	    (rc = open_server(p, o->port, err)) == RC_OK)
		rc = serve(p, o, listener, err);
out:
	local_listener_close(listener);
	page_close(p);
	return rc;
}
