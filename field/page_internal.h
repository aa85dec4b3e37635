#ifndef FIELD_PAGE_INTERNAL_H
#define FIELD_PAGE_INTERNAL_H

/*
 * page_internal: what the files of page share.  page.c listens and lets in, page_answer.c answers,
 * page_run.c runs commands, page_files.c keeps what goes in and out.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/files.h"
#include "shared/base/rc.h"

struct browser_guard;
struct command;
struct http_request;
struct http_server;
struct phrases;
struct porter;
struct thread_lock;

enum {
	PAGE_FILES_MAX = 12,
	PAGE_FILE_MAX = 64 << 20,
	PAGE_FILES_BYTES_MAX = 128 << 20,	/* of all of them */
	PAGE_NAME_MAX = 80,
	PAGE_HANDLE_CHARS = 32,
	PAGE_REPLY_MAX = 64 << 20,
	PAGE_RUN_MAX = 4 << 20,			/* a command with its texts: JSON takes 20 times its length */
	PAGE_ASK_MAX = 4096,			/* any other request */
	PAGE_RECEIVING_MAX = 128 << 20,		/* bodies of all requests that there are */
	PAGE_RUNS_MAX = 8,			/* commands at a time */
	PAGE_PROGRESS_MAX = 240
};

/* What was uploaded, or came out of a command; in memory, until the vault is locked. */
struct page_file {
	char handle[PAGE_HANDLE_CHARS + 1];	/* "": none */
	char name[PAGE_NAME_MAX + 1];
	struct bytes data;
	uint64_t age;
	bool of_vault;				/* a command in the keeper made it */
};

struct page {
	char home[FILES_PATH_MAX];
	const struct command *table;
	struct http_server *server;
	struct browser_guard *guard;
	struct porter *porter;
	struct phrases *phrases;		/* NULL: errors stay in English */
	struct thread_lock *gate;		/* guards all below: commands run in threads of their own */
	struct page_file files[PAGE_FILES_MAX];
	uint64_t age;
	int running;
	uint64_t receiving;			/* bytes of bodies */
	bool over;				/* the porter is gone: nothing can be unlocked any more */
	bool trying;				/* a passphrase or code is */
	int wrong_tries;
	int64_t try_after_ms;			/* no passphrase is tried before */
	bool unlocked;				/* by this page, which locks when it ends */
	char progress[PAGE_PROGRESS_MAX];	/* of the command that takes longest */
	int64_t last_request_ms, looked_ms;
};

/* One request, from its first header to its end. */
struct page_request {
	struct page *page;
	struct bytes body;
	uint64_t announced;			/* its length, counted in `receiving` */
	unsigned refused;
	struct page_run *run;
};

/* ---- page_answer.c ---- */
/* Within `answer`. */
void page_answer(struct page *p, struct http_request *r, struct page_request *q);
/* A page that is looked at when its session is over says so; all else is refused without a word. */
void page_answer_refusal(struct http_request *r, unsigned status);
/* Every reply carries the guard's headers.  sheet: a document of our own to print. */
void page_reply(struct http_request *r, unsigned status, const char *type, const void *body,
    size_t len, bool sheet);
void page_reply_json(struct http_request *r, unsigned status, struct bytes *body);
/* In JSON; "" if it is not UTF-8. */
void page_put_string(struct bytes *b, const char *text);

/* ---- page_files.c; in the gate ---- */
/* Takes the bytes.  RC_LIMIT.  The oldest go when there is no room. */
enum rc page_files_add(struct page *p, const char *name, struct bytes *data,
    struct page_file **out) RC_CHECK;
const struct page_file *page_files_find(const struct page *p, const char *handle);
/* All, or only what commands in the keeper made. */
void page_files_forget(struct page *p, bool all);
bool page_files_of_vault(const struct page *p);
/* text/html, application/json, ...: by the name. */
const char *page_files_type(const char *name);

/* ---- page_run.c ---- */
struct page_run;
/* Within `answer`: begins, or, once the command has ended, replies. */
void page_run_answer(struct page *p, struct http_request *r, struct page_request *q);
void page_run_free(struct page_run *run);

#endif
