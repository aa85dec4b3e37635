#include "field/keeper.h"

#include <stdlib.h>
#include <string.h>

#include "field/call.h"
#include "field/workspace.h"
#include "shared/base/clock.h"
#include "shared/base/files.h"
#include "shared/base/process.h"
#include "shared/base/thread.h"
#include "shared/vault/secret.h"

enum { ACCEPT_MS = 500, MINUTE_MS = 60000 };
static const char socket_name[] = "keeper.socket";
static const uint8_t lock_message[] = "lock";

/* What the main loop shares with the threads that serve one client each. */
struct keeper {
	struct workspace *ws;
	const struct command *table;
	struct thread_lock *gate;	/* guards everything below and the workspace */
	int64_t last_used;
	int busy;			/* clients being served */
	bool stop;
	struct client *lockers;		/* wait until the vault is closed */
};

struct client {
	struct keeper *keeper;
	struct local_link *link;
	struct client *next;		/* among the lockers */
};

static enum rc
path_of(const char *home, char out[FILES_PATH_MAX])
{
	return files_join(home, socket_name, out);
}

static void
serve_call(struct keeper *k, struct local_link *link, const uint8_t *data, size_t len)
{
	struct call *c = calloc(1, sizeof(*c));
	struct bytes strings, reply;
	enum rc rc = RC_NOMEM;

	bytes_init(&strings);
	bytes_init(&reply);
	if (c != NULL && (rc = call_read_request(c, k->table, data, len, &strings)) == RC_OK) {
		c->home = k->ws->home;
		c->ws = k->ws;
		thread_lock_enter(k->gate);
		rc = c->command->place == CALL_IN_WORKSPACE ? c->command->run(c) :
		    error_set(&c->err, RC_INTERNAL, c->command->name, NULL,
		    "this command does not run in the keeper");
		thread_lock_leave(k->gate);
	}
	if (c != NULL) {
		call_write_reply(c, rc, &reply);
		/* a client that went away needs no answer; its work is done */
		if (reply.rc == RC_OK && local_send(link, reply.data, reply.len) != RC_OK)
			rc = RC_NET;
		call_reset(c);
	}
	bytes_wipe(&reply);
	bytes_wipe(&strings);
	free(c);
}

/* Who locks is let go when the vault is closed, so that it then is locked. */
static void
keep_locker(struct keeper *k, struct client *cl)
{
	struct local_link *knock;
	char path[FILES_PATH_MAX];
	enum rc rc;

	thread_lock_enter(k->gate);
	rc = path_of(k->ws->home, path);
	k->stop = true;
	k->busy--;
	cl->next = k->lockers;
	k->lockers = cl;
	thread_lock_leave(k->gate);
	/* from here on the keeper may end; this wakes its main loop, which waits for clients */
	if (rc == RC_OK && local_connect(path, &knock, NULL) == RC_OK)
		local_close(knock);
}

static void
serve_client(void *ctx)
{
	struct client *cl = ctx;
	struct keeper *k = cl->keeper;
	uint8_t *data = NULL;
	size_t len = 0;

	if (local_receive(cl->link, CALL_MESSAGE_MAX, &data, &len) == RC_OK) {
		if (len == sizeof(lock_message) && memcmp(data, lock_message, len) == 0) {
			free(data);
			keep_locker(k, cl);
			return;
		}
		serve_call(k, cl->link, data, len);
	}
	if (data != NULL)
		secret_wipe(data, len);
	free(data);
	local_close(cl->link);
	free(cl);
	thread_lock_enter(k->gate);
	k->busy--;
	k->last_used = clock_monotonic_ms();
	thread_lock_leave(k->gate);
}

static void
accept_one(struct keeper *k, struct local_listener *listener)
{
	struct local_link *link;
	struct client *cl;
	bool stopping;

	if (local_accept(listener, ACCEPT_MS, &link) != RC_OK)
		return;
	if ((cl = calloc(1, sizeof(*cl))) == NULL) {
		local_close(link);
		return;
	}
	cl->keeper = k;
	cl->link = link;
	thread_lock_enter(k->gate);
	stopping = k->stop;
	k->busy++;
	thread_lock_leave(k->gate);
	if (stopping || thread_start(serve_client, cl) != RC_OK) {
		local_close(link);
		free(cl);
		thread_lock_enter(k->gate);
		k->busy--;
		thread_lock_leave(k->gate);
	}
}

/*
 * Once told to stop, whoever is being served is served to the end; only a sync
 * that waits for the network is not waited for (what it had is committed).
 */
static bool
should_go_on(struct keeper *k, int64_t idle_ms)
{
	bool on;

	thread_lock_enter(k->gate);
	if (process_should_stop() ||
	    (k->busy == 0 && clock_monotonic_ms() - k->last_used > idle_ms))
		k->stop = true;
	on = !k->stop || (k->busy > 0 && !k->ws->syncing);
	thread_lock_leave(k->gate);
	return on;
}

static void
let_go(struct keeper *k)
{
	struct client *next;

	for (struct client *cl = k->lockers; cl != NULL; cl = next) {
		next = cl->next;
		local_close(cl->link);
		free(cl);
	}
}

enum rc
keeper_serve(struct workspace *ws, const struct command *table, int idle_minutes,
    struct error *err)
{
	struct keeper k = { .ws = ws, .table = table };
	struct local_listener *listener = NULL;
	char path[FILES_PATH_MAX];
	enum rc rc;

	process_catch_stop();
	if ((rc = path_of(ws->home, path)) != RC_OK ||
	    (rc = thread_lock_new(&k.gate)) != RC_OK ||
	    (rc = local_listen(path, &listener, err)) != RC_OK)
		goto out;
	ws->gate = k.gate;
	k.last_used = clock_monotonic_ms();
	process_ready();
	while (should_go_on(&k, (int64_t)idle_minutes * MINUTE_MS))
		accept_one(&k, listener);
out:
	local_listener_close(listener);
	/* kept: a thread that still waits for the network never touches the vault again */
	if (k.gate != NULL)
		thread_lock_enter(k.gate);
	workspace_close(ws);
	let_go(&k);
	return rc;
}

static enum rc
ask(const char *home, const uint8_t *data, size_t len, uint8_t **reply, size_t *reply_len,
    struct error *err)
{
	struct local_link *link = NULL;
	char path[FILES_PATH_MAX];
	enum rc rc;

	*reply = NULL;
	*reply_len = 0;
	if ((rc = path_of(home, path)) != RC_OK)
		return rc;
	if ((rc = local_connect(path, &link, err)) != RC_OK)
		return rc;
	if ((rc = local_send(link, data, len)) == RC_OK)
		rc = local_receive(link, CALL_MESSAGE_MAX, reply, reply_len);
	local_close(link);
	return rc;
}

enum rc
keeper_run(struct call *c, int argc, const char *const *argv, enum rc *rc)
{
	struct bytes request;
	uint8_t *reply = NULL;
	size_t len = 0;
	enum rc asked;

	*rc = RC_INTERNAL;
	bytes_init(&request);
	call_write_request(c, argc, argv, &request);
	if ((asked = request.rc) == RC_OK)
		asked = ask(c->home, request.data, request.len, &reply, &len, NULL);
	if (asked == RC_OK)
		asked = call_read_reply(c, reply, len, rc);
	else if (asked != RC_NOTFOUND && asked != RC_NOMEM)
		asked = error_set(&c->err, asked == RC_NET ? RC_BUSY : asked, c->home,
		    "look with field show whether it was saved, then try again",
		    "the process that holds the vault did not answer");
	if (reply != NULL)
		secret_wipe(reply, len);
	free(reply);
	bytes_wipe(&request);
	return asked;
}

enum rc
keeper_lock(const char *home, struct error *err)
{
	uint8_t *reply = NULL;
	size_t len = 0;
	enum rc rc;

	/* it closes the line without a word once the vault is closed */
	rc = ask(home, lock_message, sizeof(lock_message), &reply, &len, err);
	free(reply);
	return rc == RC_NET ? RC_OK : rc;
}

bool
keeper_is_there(const char *home)
{
	struct local_link *link = NULL;
	char path[FILES_PATH_MAX];

	if (path_of(home, path) != RC_OK || local_connect(path, &link, NULL) != RC_OK)
		return false;
	local_close(link);
	return true;
}
