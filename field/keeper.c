#include "field/keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/call.h"
#include "field/workspace.h"
#include "shared/base/clock.h"
#include "shared/base/files.h"
#include "shared/base/memory.h"
#include "shared/base/process.h"
#include "shared/base/thread.h"
#include "shared/vault/secret.h"

enum { ACCEPT_MS = 500, MINUTE_MS = 60000, SLEPT_MS = 2000, PARTING_MS = 2000 };
static const char socket_name[] = "keeper.socket";
static const uint8_t lock_message[] = "lock";
/* Begins a message that is a piece of a long output; a reply begins with a result code. */
static const uint8_t piece_mark = 0xff;
/* The same of words that show how far something is. */
static const uint8_t tell_mark = 0xfe;
/* Asks for the next piece of a long input; the piece comes behind the same mark, or nothing at all. */
static const uint8_t want_mark = 0xfd;

/*
 * What the main loop shares with the threads that serve one client each.  It
 * outlives the workspace: a sync may still wait for the network when the vault is
 * closed and the process ends.
 */
struct keeper {
	struct workspace *ws;		/* NULL once it is closed */
	char home[FILES_PATH_MAX];
	const struct command *table;
	struct thread_lock *gate;	/* guards everything below and the workspace */
	int64_t last_used;
	int clients;			/* threads that there are */
	int working;			/* those whose command runs or is answered */
	bool stop;
	struct client *served;		/* of each of those threads */
	struct client *lockers;		/* wait until the process ends */
};

struct client {
	struct keeper *keeper;
	struct local_link *link;
	struct client *next, **at;	/* among those served, or the lockers */
};

/* Once a process: what threads may still look at when it ends. */
static struct keeper *volatile left_behind;

static enum rc
path_of(const char *home, char out[FILES_PATH_MAX])
{
	return files_join(home, socket_name, out);
}

/* To the user's process, not in the gate. */
static enum rc
send_marked(struct local_link *link, uint8_t mark, const void *data, size_t len)
{
	struct bytes message;
	enum rc rc;

	bytes_init(&message);
	bytes_u8(&message, mark);
	bytes_put(&message, data, len);
	if ((rc = message.rc) == RC_OK)
		rc = local_send(link, message.data, message.len);
	bytes_reset(&message);
	return rc;
}

static enum rc
send_piece(void *ctx, const uint8_t *data, size_t len)
{
	return send_marked(ctx, piece_mark, data, len);
}

/* From the user's process; when that cannot read any further it closes the link. */
static enum rc
get_piece(void *ctx, uint8_t *buf, size_t max, size_t *n)
{
	uint8_t *data = NULL;
	size_t len = 0;
	enum rc rc;

	*n = 0;
	if ((rc = send_marked(ctx, want_mark, NULL, 0)) != RC_OK ||
	    (rc = local_receive(ctx, CALL_PIECE_MAX + 1, &data, &len)) != RC_OK)
		return rc;
	if (len == 0 || data[0] != want_mark || len - 1 > max)
		rc = RC_PROTOCOL;
	else
		memcpy(buf, data + 1, *n = len - 1);
	free(data);
	return rc;
}

static enum rc
send_tell(void *ctx, const char *text)
{
	return send_marked(ctx, tell_mark, text, strlen(text));
}

/* In the gate.  Who comes when the vault is being locked is told so, and nothing is done. */
static enum rc
run_call(struct keeper *k, struct call *c)
{
	if (k->stop)
		return error_set(&c->err, RC_BUSY, k->home, "try again",
		    "the vault is being locked; nothing was done");
	c->home = k->home;
	c->ws = k->ws;
	if (c->command->place != CALL_IN_WORKSPACE)
		return error_set(&c->err, RC_INTERNAL, c->command->name, NULL,
		    "this command does not run in the keeper");
	return c->command->run(c);
}

static void
serve_call(struct keeper *k, struct local_link *link, const uint8_t *data, size_t len)
{
	struct call *c = calloc(1, sizeof(*c));
	struct bytes strings, reply;
	enum rc rc = RC_NOMEM;

	bytes_init(&strings);
	bytes_init(&reply);
	if (c != NULL)
		rc = call_read_request(c, k->table, data, len, &strings);
	thread_lock_enter(k->gate);
	k->working++;
	if (rc == RC_OK) {
		c->put = send_piece;
		c->put_ctx = link;
		c->get = get_piece;
		c->get_ctx = link;
		c->tell = send_tell;
		c->tell_ctx = link;
		rc = run_call(k, c);
		if (k->ws != NULL && k->ws->wipe)
			k->stop = true;		/* before anybody writes something more */
	}
	thread_lock_leave(k->gate);
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
	thread_lock_enter(k->gate);
	k->working--;
	k->last_used = clock_monotonic_ms();
	thread_lock_leave(k->gate);
}

/* In the gate. */
static void
put_client(struct client **list, struct client *cl)
{
	cl->next = *list;
	cl->at = list;
	if (cl->next != NULL)
		cl->next->at = &cl->next;
	*list = cl;
}

static void
take_client(struct client *cl)
{
	*cl->at = cl->next;
	if (cl->next != NULL)
		cl->next->at = cl->at;
}

static void
keep_locker(struct keeper *k, struct client *cl)
{
	struct local_link *knock;
	char path[FILES_PATH_MAX];
	enum rc rc = path_of(k->home, path);

	thread_lock_enter(k->gate);
	k->stop = true;
	k->clients--;
	take_client(cl);
	put_client(&k->lockers, cl);
	thread_lock_wake(k->gate);
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
	/* once it is not counted any more the process may end */
	memory_wipe_stack();
	thread_lock_enter(k->gate);
	take_client(cl);
	local_close(cl->link);
	free(cl);
	k->clients--;
	thread_lock_wake(k->gate);
	thread_lock_leave(k->gate);
}

static void
accept_one(struct keeper *k, struct local_listener *listener)
{
	struct local_link *link;
	struct client *cl;

	if (local_accept(listener, ACCEPT_MS, &link) != RC_OK)
		return;
	if ((cl = calloc(1, sizeof(*cl))) == NULL) {
		local_close(link);
		return;
	}
	cl->keeper = k;
	cl->link = link;
	thread_lock_enter(k->gate);
	k->clients++;
	put_client(&k->served, cl);
	thread_lock_leave(k->gate);
	if (thread_start(serve_client, cl) != RC_OK) {
		thread_lock_enter(k->gate);
		k->clients--;
		take_client(cl);
		thread_lock_leave(k->gate);
		local_close(link);
		free(cl);
	}
}

/*
 * Once told to stop, commands that run are run to the end and answered; only a
 * sync that waits for the network is not waited for (what it had is committed).
 * The sleep of the machine is an order to lock.
 */
static bool
should_go_on(struct keeper *k, int64_t idle_ms, int64_t slept_ms)
{
	bool on;

	thread_lock_enter(k->gate);
	if (process_should_stop() || clock_slept_ms() - slept_ms > SLEPT_MS ||
	    (k->working == 0 && clock_monotonic_ms() - k->last_used > idle_ms))
		k->stop = true;
	k->ws->closing = k->stop;
	on = !k->stop || k->working > (k->ws->syncing ? 1 : 0);
	thread_lock_leave(k->gate);
	return on;
}

/*
 * The threads that there are hold what their clients sent: who waits for the gate is told that the
 * vault is locked, who waits for its client waits no longer, and all of them forget.  Only a sync
 * that waits for the network is left where it is: it holds nothing but sealed frames.
 */
static void
part(struct keeper *k, int staying)
{
	int64_t end = clock_monotonic_ms() + PARTING_MS, left;

	for (struct client *cl = k->served; cl != NULL; cl = cl->next)
		local_stop_receiving(cl->link);
	while (k->clients > staying && (left = end - clock_monotonic_ms()) > 0)
		thread_lock_wait(k->gate, left);
}

/* Who locks is let go by the end of the process: then the keys are gone for certain. */
static void
close_for_good(struct keeper *k)
{
	int staying;

	thread_lock_enter(k->gate);
	k->stop = true;
	staying = k->ws->syncing ? 1 : 0;
	workspace_close(k->ws);
	k->ws = NULL;
	thread_lock_close(k->gate);
	part(k, staying);
	if (k->clients > 0 || k->lockers != NULL) {
		left_behind = k;
		thread_lock_leave(k->gate);
		return;
	}
	thread_lock_leave(k->gate);
	thread_lock_free(k->gate);
	free(k);
}

/*
 * The process with the keys writes in the vault's folder alone, and workbooks in memory; what
 * goes elsewhere is written by the user's own process.  A kernel that cannot see to that is
 * no reason not to work.
 */
static void
confine(const char *home)
{
	const char *places[] = { home, files_memory_dir(), "/dev/null" };

	(void)process_confine(places, sizeof(places) / sizeof(places[0]));
}

enum rc
keeper_serve(struct workspace *ws, const struct command *table, int idle_minutes,
    struct error *err)
{
	struct keeper *k = calloc(1, sizeof(*k));
	struct local_listener *listener = NULL;
	int64_t slept_ms = clock_slept_ms();
	char path[FILES_PATH_MAX];
	enum rc rc = RC_NOMEM;

	process_catch_stop();
	if (k == NULL || (rc = thread_lock_new(&k->gate)) != RC_OK) {
		workspace_close(ws);
		free(k);
		return rc;
	}
	k->ws = ws;
	snprintf(k->home, sizeof(k->home), "%s", ws->home);
	k->table = table;
	k->last_used = clock_monotonic_ms();
	ws->gate = k->gate;
	if ((rc = path_of(ws->home, path)) == RC_OK &&
	    (rc = local_listen(path, &listener, err)) == RC_OK) {
		confine(ws->home);
		process_ready();
		while (should_go_on(k, (int64_t)idle_minutes * MINUTE_MS, slept_ms))
			accept_one(k, listener);
	}
	local_listener_close(listener);
	close_for_good(k);
	return rc;
}

/* The next piece of what the call reads. */
static enum rc
answer_want(struct local_link *link, struct call *c)
{
	uint8_t *buf = malloc(CALL_PIECE_MAX);
	size_t n = 0;
	enum rc rc = buf == NULL ? RC_NOMEM : c == NULL || c->get == NULL ? RC_PROTOCOL :
	    c->get(c->get_ctx, buf, CALL_PIECE_MAX, &n);

	if (rc == RC_OK)
		rc = send_marked(link, want_mark, buf, n);
	free(buf);		/* what was whole before a failure is kept there */
	return rc;
}

/* The reply; pieces that come before it go where the call wants them (NULL: there are none). */
static enum rc
receive_reply(struct local_link *link, struct call *c, uint8_t **reply, size_t *len)
{
	enum rc rc;

	while ((rc = local_receive(link, CALL_MESSAGE_MAX, reply, len)) == RC_OK && *len > 0 &&
	    ((*reply)[0] == piece_mark || (*reply)[0] == tell_mark || (*reply)[0] == want_mark)) {
		if ((*reply)[0] == want_mark) {
			rc = answer_want(link, c);
		} else if ((*reply)[0] == tell_mark) {
			if (c != NULL && c->tell != NULL)	/* a NUL follows every message */
				(void)c->tell(c->tell_ctx, (const char *)*reply + 1);
		} else {
			rc = c == NULL || c->put == NULL ? RC_PROTOCOL :
			    c->put(c->put_ctx, *reply + 1, *len - 1);
		}
		free(*reply);
		*reply = NULL;
		*len = 0;
		if (rc != RC_OK)
			return rc;
	}
	return rc;
}

static enum rc
ask(const char *home, struct call *c, const uint8_t *data, size_t len, uint8_t **reply,
    size_t *reply_len, struct error *err)
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
		rc = receive_reply(link, c, reply, reply_len);
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
		asked = ask(c->home, c, request.data, request.len, &reply, &len, &c->err);
	if (asked == RC_NOTFOUND)
		error_clear(&c->err);
	if (asked == RC_OK)
		asked = call_read_reply(c, reply, len, rc);
	else if (*c->err.what == '\0' && asked != RC_NOTFOUND && asked != RC_NOMEM)
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

	/* it ends without a word, and the line with it */
	rc = ask(home, NULL, lock_message, sizeof(lock_message), &reply, &len, err);
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
