#ifndef FIELD_PAGE_H
#define FIELD_PAGE_H

/*
 * page: what `field open` serves on 127.0.0.1 for one browser (field/API.md): files that stand still,
 * and every command of the program through one door.  It holds no key: the keeper does.
 */
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/rc.h"

struct command;

enum { PAGE_URL_MAX = 96, PAGE_IDLE_MINUTES = 30 };

struct page_options {
	const char *home;
	const struct command *table;
	uint16_t port;			/* 0: a free one */
	/* Told the launch URL, which is good once and for half a minute; the page serves from then on. */
	enum rc (*ready)(void *ctx, const char *url, struct error *err);
	void *ctx;
};

/*
 * Serve until stopped by a signal, or nobody has asked for anything for PAGE_IDLE_MINUTES.  A vault that
 * was unlocked by it is then locked.  Before threads start; RC_BUSY: the port is taken.
 */
enum rc page_serve(const struct page_options *o, struct error *err) RC_CHECK;

/* A new launch URL of the page that runs for this home.  RC_NOTFOUND: none does. */
enum rc page_ask(const char *home, char url[PAGE_URL_MAX], struct error *err) RC_CHECK;

#endif
