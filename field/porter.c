#include "field/porter.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "field/call.h"
#include "shared/base/memory.h"
#include "shared/base/process.h"
#include "shared/base/thread.h"
#include "shared/vault/secret.h"

/* request := what call_write_request writes, as a span, and what was typed, a span each */
enum { TYPED_MAX = 4096 };

struct porter {
	struct local_link *link;
	struct thread_lock *lock;
};

/* In the porter: one request. */
struct errand {
	struct local_link *link;
	const struct command *table;
	const char *home;
	uint8_t *data;
	size_t len;
};

static void
answer(struct local_link *link, const struct call *c, enum rc rc)
{
	struct bytes reply;

	bytes_init(&reply);
	call_write_reply(c, rc, &reply);
	if (reply.rc == RC_OK)
		(void)!local_send(link, reply.data, reply.len);
	bytes_wipe(&reply);
}

static enum rc
read_request(struct errand *e, struct call *c, struct bytes *strings)
{
	const uint8_t *p;
	struct reader r;
	size_t len;
	enum rc rc;

	reader_init(&r, e->data, e->len);
	if ((p = reader_span(&r, CALL_MESSAGE_MAX, &len)) == NULL)
		return RC_FORMAT;
	if ((rc = call_read_request(c, e->table, p, len, strings)) != RC_OK)
		return rc;
	c->from_page = true;
	c->asker = e->link;
	c->home = e->home;
	for (int i = 0; i < CALL_SECRETS && rc == RC_OK; i++)
		if ((p = reader_span(&r, TYPED_MAX, &len)) != NULL && len > 0)
			rc = secret_from(p, len, &c->typed[i]);
	return rc != RC_OK ? rc : reader_done(&r) ? RC_OK : RC_FORMAT;
}

/* In a process of its own.  An unlock comes back twice: in the keeper, when that has ended, it is mute. */
static void
do_errand(void *ctx)
{
	struct errand *e = ctx;
	struct call *c = calloc(1, sizeof(*c));
	struct bytes strings;
	pid_t self = getpid();
	enum rc rc = RC_NOMEM;

	bytes_init(&strings);
	if (c == NULL)
		_exit(1);
	rc = read_request(e, c, &strings);
	secret_wipe(e->data, e->len);
	if (rc == RC_OK)
		rc = c->command->place == CALL_HERE ? c->command->run(c) : RC_USAGE;
	if (getpid() == self)
		answer(e->link, c, rc);
	call_reset(c);
	bytes_wipe(&strings);
	free(c);
	memory_wipe_stack();
}

static void
serve(struct errand *e)
{
	struct call none;
	bool well;

	memset(&none, 0, sizeof(none));
	while (local_receive(e->link, CALL_MESSAGE_MAX, &e->data, &e->len) == RC_OK) {
		if (local_child(do_errand, e, &well) != RC_OK || !well)
			answer(e->link, &none, RC_INTERNAL);
		secret_wipe(e->data, e->len);
		free(e->data);
		e->data = NULL;
	}
}

enum rc
porter_start(const char *home, const struct command *table, struct porter **out, struct error *err)
{
	struct porter *p = calloc(1, sizeof(*p));
	struct errand e = { NULL, table, home, NULL, 0 };
	bool is_twin = false;
	enum rc rc = RC_NOMEM;

	*out = NULL;
	if (p != NULL && (rc = thread_lock_new(&p->lock)) == RC_OK)
		rc = local_twin(&is_twin, &p->link, err);
	if (is_twin) {
		e.link = p->link;
		if (rc == RC_OK)
			serve(&e);
		_exit(0);
	}
	if (rc == RC_OK)
		*out = p;
	else
		porter_stop(p);
	return rc;
}

void
porter_stop(struct porter *p)
{
	if (p == NULL)
		return;
	local_close(p->link);
	thread_lock_free(p->lock);
	free(p);
}

static void
write_request(struct call *c, int argc, const char *const *argv, struct bytes *out)
{
	struct bytes inner;

	bytes_init(&inner);
	call_write_request(c, argc, argv, &inner);
	bytes_span(out, inner.data, inner.len);
	if (inner.rc != RC_OK)
		out->rc = inner.rc;
	bytes_wipe(&inner);
	for (int i = 0; i < CALL_SECRETS; i++) {
		struct secret *s = c->typed[i];

		bytes_span(out, s == NULL ? NULL : secret_bytes(s), s == NULL ? 0 : secret_len(s));
		secret_free(s);
		c->typed[i] = NULL;
	}
}

enum rc
porter_run(struct porter *p, struct call *c, int argc, const char *const *argv, enum rc *rc)
{
	struct bytes request;
	uint8_t *reply = NULL;
	size_t len = 0;
	enum rc sent;

	bytes_init(&request);
	write_request(c, argc, argv, &request);
	thread_lock_enter(p->lock);
	if ((sent = request.rc) == RC_OK &&
	    (sent = local_send(p->link, request.data, request.len)) == RC_OK)
		sent = local_receive(p->link, CALL_MESSAGE_MAX, &reply, &len);
	thread_lock_leave(p->lock);
	bytes_wipe(&request);
	if (sent == RC_OK)
		sent = call_read_reply(c, reply, len, rc);
	if (reply != NULL)
		secret_wipe(reply, len);
	free(reply);
	return sent == RC_NET ? error_set(&c->err, RC_INTERNAL, "", "close the page and open it again",
	    "a process of the page has ended") : sent;
}
