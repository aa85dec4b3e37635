/*
 * POST /api/run: one command of the program, as typed, with --json.  In a thread of its own, since it may
 * take long; what needs the vault runs in the keeper, what makes or opens it in the porter.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/call.h"
#include "field/keeper.h"
#include "field/page_internal.h"
#include "field/porter.h"
#include "shared/base/clock.h"
#include "shared/base/memory.h"
#include "shared/base/phrases.h"
#include "shared/base/text.h"
#include "shared/base/thread.h"
#include "shared/vault/secret.h"
#include "shared/web/http_server.h"

enum { OWN_ARGS = 3, ARGV_MAX = 512, DELAY_FIRST_MS = 1000, DELAY_MAX_MS = 60000, FREE_TRIES = 2 };

/* What does not run in the keeper, and is for the page. */
static const char *const here[] = { "join", "unlock", "lock", "passphrase", "recovery", "rekey", "wipe" };

struct page_run {
	struct page *page;
	struct http_request *request;
	json_t *asked;				/* owns what argv points to */
	const char *argv[OWN_ARGS + ARGV_MAX];
	int argc;
	struct call *call;
	struct bytes streamed;			/* an output that came in pieces */
	const struct bytes *source;		/* an input that goes in pieces */
	size_t source_at;
	struct bytes held;			/* its copy */
	bool locked;
	enum rc rc;
	struct bytes reply;
	bool begun, ended;			/* ended: by the gate */
};

void
page_run_free(struct page_run *run)
{
	if (run == NULL)
		return;
	if (run->call != NULL)
		call_reset(run->call);
	free(run->call);
	json_decref(run->asked);
	bytes_wipe(&run->streamed);
	bytes_wipe(&run->held);
	bytes_wipe(&run->reply);
	free(run);
}

/* ---- what was asked ---- */

/* A command is a list of words. */
static bool
read_argv(struct page_run *run)
{
	const json_t *argv = json_object_get(run->asked, "argv"), *item;
	const char *lang = json_string_value(json_object_get(run->asked, "lang"));
	size_t i;

	run->argv[run->argc++] = "--json";
	run->argv[run->argc++] = "--lang";
	run->argv[run->argc++] = lang != NULL && strcmp(lang, "en") == 0 ? "en" : "vi";
	if (!json_is_array(argv) || json_array_size(argv) == 0 || json_array_size(argv) > ARGV_MAX)
		return false;
	json_array_foreach(argv, i, item) {
		if (!json_is_string(item))
			return false;
		run->argv[run->argc++] = json_string_value(item);
	}
	return true;
}

static enum rc
read_secrets(struct page_run *run)
{
	static const char *const names[CALL_SECRETS] = { "passphrase", "new_passphrase", "code" };
	const json_t *all = json_object_get(run->asked, "secrets");
	char *nfc;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < CALL_SECRETS && rc == RC_OK; i++) {
		const char *s = json_string_value(json_object_get(all, names[i]));

		if (s == NULL || *s == '\0')
			continue;
		/* one who types on another keyboard means the same words */
		if ((rc = text_nfc(s, strlen(s), &nfc)) == RC_OK)
			rc = secret_from(nfc, strlen(nfc), &run->call->typed[i]);
		free(nfc);
	}
	return rc;
}

static const char *
handle_of(const struct page_run *run, const char *name)
{
	return json_string_value(json_object_get(json_object_get(run->asked, "files"), name));
}

/* What the command reads is what was uploaded, or stands in the request, and nothing of this computer. */
static enum rc
take_input(struct page_run *run, const char *name, struct bytes *to)
{
	const json_t *text = json_object_get(json_object_get(run->asked, "texts"), name);
	const char *handle = handle_of(run, name);
	const struct page_file *f;
	enum rc rc = RC_NOTFOUND;

	bytes_reset(to);
	if (json_is_string(text)) {
		bytes_put(to, json_string_value(text), json_string_length(text));
		return to->rc;
	}
	thread_lock_enter(run->page->gate);
	if (handle != NULL && (f = page_files_find(run->page, handle)) != NULL) {
		bytes_put(to, f->data.data, f->data.len);
		rc = to->rc;
	}
	thread_lock_leave(run->page->gate);
	return rc != RC_NOTFOUND ? rc : error_set(&run->call->err, RC_NOTFOUND, "",
	    "choose the file again", "the file is not here any more");
}

static enum rc
take_named(struct page_run *run, const char *name)
{
	struct call *c = run->call;

	if (call_input(c, name) != NULL)
		return RC_OK;
	if (c->n_inputs == CALL_FILES_MAX)
		return RC_LIMIT;
	c->inputs[c->n_inputs].path = name;
	return take_input(run, name, &c->inputs[c->n_inputs++].data);
}

static enum rc
take_inputs(struct page_run *run)
{
	struct call *c = run->call;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < c->n_args && rc == RC_OK; i++) {
		char kind = call_kind_of_arg(c, i);

		if (kind == 'i')
			rc = take_named(run, c->args[i]);
		else if (kind == 's' && (rc = take_input(run, c->args[i], &run->held)) == RC_OK)
			run->source = &run->held;
	}
	for (size_t i = 0; i < c->n_given && rc == RC_OK; i++)
		if (c->given[i].option->kind == CALL_INPUT)
			rc = take_named(run, c->given[i].value);
	return rc;
}

/* ---- while it runs ---- */

static enum rc
put_piece(void *ctx, const uint8_t *data, size_t len)
{
	struct page_run *run = ctx;

	if (len > PAGE_FILE_MAX || run->streamed.len > PAGE_FILE_MAX - len)
		return error_set(&run->call->err, RC_LIMIT, "", "use the command line for it",
		    "this is too large for the page");
	bytes_put(&run->streamed, data, len);
	return run->streamed.rc;
}

static enum rc
get_piece(void *ctx, uint8_t *buf, size_t max, size_t *n)
{
	struct page_run *run = ctx;
	size_t left;

	*n = 0;
	if (run->source == NULL)
		return RC_INTERNAL;
	left = run->source->len - run->source_at;
	*n = left < max ? left : max;
	memcpy(buf, run->source->data + run->source_at, *n);
	run->source_at += *n;
	return RC_OK;
}

static enum rc
tell(void *ctx, const char *text)
{
	struct page_run *run = ctx;

	thread_lock_enter(run->page->gate);
	snprintf(run->page->progress, sizeof(run->page->progress), "%s", text);
	thread_lock_leave(run->page->gate);
	return RC_OK;
}

static bool
is_here(const char *name)
{
	for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++)
		if (strcmp(name, here[i]) == 0)
			return true;
	return false;
}

/* The end of what is open, which needs no passphrase. */
static bool
is_an_end(const struct call *c)
{
	return strcmp(c->command->name, "lock") == 0 || strcmp(c->command->name, "wipe") == 0;
}

/* Who guesses waits longer each time, and does so one by one. */
static enum rc
may_try(struct page_run *run)
{
	struct page *p = run->page;
	bool another;
	int64_t left;

	thread_lock_enter(p->gate);
	left = p->try_after_ms - clock_monotonic_ms();
	another = p->trying;
	p->trying = another || left <= 0;
	thread_lock_leave(p->gate);
	if (another)
		return error_set(&run->call->err, RC_BUSY, "", "wait, then try again",
		    "a passphrase or code is being tried");
	return left <= 0 ? RC_OK : error_set(&run->call->err, RC_BUSY, "", "wait, then try again",
	    "the next try is possible in %d seconds", (int)((left + 999) / 1000));
}

static void
note_try(struct page *p, enum rc rc)
{
	int64_t delay = DELAY_FIRST_MS;

	thread_lock_enter(p->gate);
	p->trying = false;
	if (rc == RC_OK)
		p->wrong_tries = 0;
	else if (rc == RC_AUTH && ++p->wrong_tries > FREE_TRIES) {
		for (int i = FREE_TRIES + 1; i < p->wrong_tries && delay < DELAY_MAX_MS; i++)
			delay *= 2;
		p->try_after_ms = clock_monotonic_ms() + (delay < DELAY_MAX_MS ? delay : DELAY_MAX_MS);
	}
	thread_lock_leave(p->gate);
}

/* Of what the porter did, what the page has to know. */
static void
note_errand(struct page *p, const struct call *c, enum rc asked, enum rc rc)
{
	thread_lock_enter(p->gate);
	p->over = p->over || asked == RC_INTERNAL;
	if (rc == RC_OK && strcmp(c->command->name, "unlock") == 0)
		p->unlocked = true;
	thread_lock_leave(p->gate);
}

static enum rc
run_here(struct page_run *run)
{
	struct call *c = run->call;
	/* whoever types something to lock has tried nothing */
	bool asks = !is_an_end(c) && (c->typed[CALL_PASSPHRASE] != NULL || c->typed[CALL_CODE] != NULL);
	enum rc rc, asked;

	if (!is_here(c->command->name))
		return error_set(&c->err, RC_USAGE, c->command->name, "use it on the command line",
		    "this command is not for the page");
	if (asks && (rc = may_try(run)) != RC_OK)
		return rc;
	asked = porter_run(run->page->porter, c, run->argc, run->argv, &rc);
	rc = asked == RC_OK ? rc : asked;
	note_errand(run->page, c, asked, rc);
	if (asks)
		note_try(run->page, rc);
	return rc;
}

static enum rc
run_it(struct page_run *run)
{
	struct call *c = run->call;
	enum rc asked, rc;

	if ((rc = take_inputs(run)) != RC_OK)
		return rc;
	if (c->command->place == CALL_HERE)
		return run_here(run);
	c->put = put_piece;
	c->get = get_piece;
	c->tell = tell;
	c->put_ctx = c->get_ctx = c->tell_ctx = run;
	asked = keeper_run(c, run->argc, run->argv, &rc);
	run->locked = asked == RC_NOTFOUND;
	return asked == RC_OK ? rc : asked;
}

/* ---- the answer ---- */

static void
put_file(struct page_run *run, const char *name, struct bytes *data, bool *any)
{
	struct page_file *f;
	const char *base = strrchr(name, '/');
	struct bytes *b = &run->reply;

	thread_lock_enter(run->page->gate);
	if (page_files_add(run->page, base != NULL ? base + 1 : name, data, &f) == RC_OK) {
		f->of_vault = run->call->command->place != CALL_HERE;
		bytes_printf(b, "%s{\"name\":\"%s\",\"handle\":\"%s\",\"size\":%zu}", *any ? "," : "",
		    f->name, f->handle, f->data.len);
	} else {
		bytes_printf(b, "%s{\"name\":\"\",\"too_large\":true}", *any ? "," : "");
	}
	thread_lock_leave(run->page->gate);
	*any = true;
}

static void
put_files(struct page_run *run)
{
	struct call *c = run->call;
	bool any = false;

	bytes_text(&run->reply, ",\"files\":[");
	for (size_t i = 0; i < c->n_outputs; i++)
		put_file(run, c->outputs[i].path, &c->outputs[i].data, &any);
	if (run->streamed.len > 0)
		for (size_t i = 0; i < c->n_args; i++)
			if (call_kind_of_arg(c, i) == 'o') {
				put_file(run, c->args[i], &run->streamed, &any);
				break;
			}
	bytes_u8(&run->reply, ']');
}

static void
put_error(struct page_run *run)
{
	struct error *e = &run->call->err;
	struct bytes *b = &run->reply;

	if (*e->what == '\0')
		snprintf(e->what, sizeof(e->what), "%s", rc_name(run->rc));
	if (run->page->phrases != NULL && run->call->lang == FORM_VI)
		phrases_translate(run->page->phrases, e);
	bytes_printf(b, ",\"error\":{\"code\":%d,\"name\":", rc_exit_code(run->rc));
	page_put_string(b, rc_name(run->rc));
	bytes_text(b, ",\"what\":");
	page_put_string(b, e->what);
	bytes_text(b, ",\"where\":");
	page_put_string(b, e->where);
	bytes_text(b, ",\"help\":");
	page_put_string(b, e->help);
	bytes_u8(b, '}');
}

static void
write_reply(struct page_run *run)
{
	struct call *c = run->call;
	struct bytes *b = &run->reply;
	size_t len = c->out.len;

	while (len > 0 && c->out.data[len - 1] == '\n')
		len--;
	bytes_printf(b, "{\"ok\":%s,\"data\":", run->rc == RC_OK ? "true" : "false");
	if (len > 0 && (c->out.data[0] == '{' || c->out.data[0] == '['))
		bytes_put(b, c->out.data, len);
	else if (len > 0)
		page_put_string(b, bytes_cstr(&c->out));
	else
		bytes_text(b, "null");
	bytes_text(b, ",\"notes\":");
	page_put_string(b, c->notes.len > 0 ? bytes_cstr(&c->notes) : "");
	if (run->rc != RC_OK)
		put_error(run);
	put_files(run);
	if (run->locked)
		bytes_text(b, ",\"locked\":true");
	bytes_u8(b, '}');
}

static void
finish(struct page_run *run)
{
	struct page *p = run->page;

	write_reply(run);
	memory_wipe_stack();
	thread_lock_enter(p->gate);
	if (is_an_end(run->call) || run->locked)
		page_files_forget(p, true);
	p->progress[0] = '\0';
	p->running--;
	run->ended = true;
	thread_lock_wake(p->gate);
	http_server_go_on(run->request);	/* which ends once the gate is left */
	thread_lock_leave(p->gate);
}

static void
work(void *ctx)
{
	struct page_run *run = ctx;

	run->rc = run_it(run);
	finish(run);
}

static unsigned
begin(struct page_run *run, struct page_request *q)
{
	bool help = false, version = false, room;
	json_error_t je;
	struct page *p = run->page;

	run->asked = json_loadb((const char *)q->body.data, q->body.len, JSON_REJECT_DUPLICATES, &je);
	bytes_wipe(&q->body);
	if (!json_is_object(run->asked) || !read_argv(run) ||
	    (run->call = calloc(1, sizeof(*run->call))) == NULL)
		return 400;
	run->rc = call_parse(run->call, p->table, run->argc, run->argv, &help, &version);
	run->call->home = p->home;
	run->call->passphrase_file = run->call->code_file = NULL;
	run->call->from_page = true;
	if (run->rc == RC_OK && (help || version || run->call->command == NULL))
		return 400;
	if (run->rc == RC_OK)
		run->rc = read_secrets(run);
	if (run->rc != RC_OK) {
		write_reply(run);
		run->ended = true;
		return 0;
	}
	thread_lock_enter(p->gate);
	room = p->running < PAGE_RUNS_MAX;
	p->running += room ? 1 : 0;
	thread_lock_leave(p->gate);
	return room ? 0 : 503;
}

/* The reply is sent when page_run_answer is called again. */
static void
start(struct page_run *run)
{
	http_server_wait(run->request);
	if (thread_start(work, run) == RC_OK)
		return;
	run->rc = RC_NOMEM;
	finish(run);
}

void
page_run_answer(struct page *p, struct http_request *r, struct page_request *q)
{
	struct page_run *run = q->run;
	unsigned refused = 0;
	bool ended;

	if (run == NULL) {
		if ((run = q->run = calloc(1, sizeof(*run))) == NULL) {
			page_reply(r, 503, NULL, "", 0, false);
			return;
		}
		run->page = p;
		run->request = r;
		bytes_init(&run->streamed);
		bytes_init(&run->reply);
		bytes_init(&run->held);
		if ((refused = begin(run, q)) != 0)
			page_reply(r, refused, NULL, "", 0, false);
		else if (run->ended)
			page_reply_json(r, 200, &run->reply);
		else
			start(run);
		return;
	}
	thread_lock_enter(p->gate);
	ended = run->ended;
	thread_lock_leave(p->gate);
	if (ended)
		page_reply_json(r, 200, &run->reply);
}
