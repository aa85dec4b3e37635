#include "field/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/browser_guard.h"
#include "field/keeper.h"
#include "field/page_internal.h"
#include "field/porter.h"
#include "shared/base/clock.h"
#include "shared/base/phrases.h"
#include "shared/base/process.h"
#include "shared/base/thread.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/web/http_server.h"

enum {
	STEP_MS = 200,
	LEAVING_MS = 3000,
	LOOK_MS = 2000,
	CONNECTIONS = 64,
	REQUEST_SECONDS = 24 * 3600	/* a sync over a bad line is one request */
};

static const char socket_name[] = "page.socket";

/* ---- requests ---- */

static bool
needs_no_session(const char *path)
{
	return strcmp(path, "/launch") == 0 || strcmp(path, "/launch.js") == 0 ||
	    strcmp(path, "/style.css") == 0;
}

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

/* Does the body that is announced have its place?  In the gate. */
static unsigned
check_body(struct page *p, struct http_request *r, struct page_request *q)
{
	const char *length = http_server_header(r, "Content-Length"), *path = http_server_path(r);
	uint64_t n = length == NULL ? 0 : strtoull(length, NULL, 10);	/* a number, the server saw to it */
	uint64_t most = strcmp(path, "/api/upload") == 0 ? PAGE_FILE_MAX :
	    strcmp(path, "/api/run") == 0 ? PAGE_RUN_MAX : PAGE_ASK_MAX;

	if (http_server_header(r, "Transfer-Encoding") != NULL)
		return 411;
	if (n > (strcmp(http_server_method(r), "GET") == 0 ? 0 : most))
		return 413;
	if (n > PAGE_RECEIVING_MAX - p->receiving)
		return 503;
	q->announced = n;
	p->receiving += n;
	return 0;
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
	if ((q->refused = check(p, r)) == 0) {
		q->refused = check_body(p, r, q);
		p->last_request_ms = clock_monotonic_ms();
	}
	thread_lock_leave(p->gate);
	/* at once: who is refused may take his time with the rest of what he sends */
	if (q->refused != 0)
		page_answer_refusal(r, q->refused);
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

static void
on_answer(void *ctx, struct http_request *r)
{
	page_answer(ctx, r, http_server_user(r));
}

static void
on_done(void *ctx, struct http_request *r)
{
	struct page *p = ctx;
	struct page_request *q = http_server_user(r);

	if (q == NULL)
		return;
	thread_lock_enter(p->gate);
	p->receiving -= q->announced;
	thread_lock_leave(p->gate);
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
	on = !process_should_stop() && (p->running > 0 || (!p->over &&
	    clock_monotonic_ms() - p->last_request_ms < PAGE_IDLE_MINUTES * 60000));
	thread_lock_leave(p->gate);
	return on;
}

/* A vault that was locked by another, or by idleness, leaves nothing here either. */
static void
notice_lock(struct page *p)
{
	int64_t now = clock_monotonic_ms();
	bool any;

	if (now - p->looked_ms < LOOK_MS)
		return;
	p->looked_ms = now;
	thread_lock_enter(p->gate);
	any = page_files_of_vault(p);
	thread_lock_leave(p->gate);
	if (!any || keeper_is_there(p->home))
		return;
	thread_lock_enter(p->gate);
	page_files_forget(p, false);
	thread_lock_leave(p->gate);
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
		notice_lock(p);
	}
	return rc;
}

static void
page_close(struct page *p)
{
	char door[FILES_PATH_MAX];

	if (p == NULL)
		return;
	if (p->unlocked)
		(void)!keeper_lock(p->home, NULL);
	/* of a browser that did not come through it */
	if (files_join(p->home, "page.html", door) == RC_OK)
		(void)!files_remove(door, NULL);
	/* a thread that still runs uses all this to the end of the process */
	if (p->server != NULL && !all_ended(p))
		return;
	http_server_close(p->server);
	porter_stop(p->porter);
	browser_guard_free(p->guard);
	phrases_free(p->phrases);
	if (p->gate != NULL) {
		page_files_forget(p, true);
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
