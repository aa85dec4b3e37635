#include <stdio.h>
#include <string.h>

#include "field/commands.h"
#include "field/page.h"
#include "shared/base/browser.h"
#include "shared/base/files.h"

enum { DOOR_MAX = 1024 };

struct opening {
	struct call *call;
	bool browser;
};

/*
 * The browser is given a file that only its owner reads and that leads on: its arguments are seen by all
 * users of the computer.
 */
static enum rc
write_door(const char *home, const char *url, char path[FILES_PATH_MAX], struct error *err)
{
	char text[DOOR_MAX];
	enum rc rc;
	int n = snprintf(text, sizeof(text), "<!doctype html><meta charset=\"utf-8\">"
	    "<title>…</title><meta http-equiv=\"refresh\" content=\"0;url=%s\">", url);

	if (n < 0 || (size_t)n >= sizeof(text))
		return RC_INTERNAL;
	if ((rc = files_join(home, "page.html", path)) == RC_OK)
		rc = files_replace(path, (const uint8_t *)text, (size_t)n, err);
	return rc;
}

static enum rc
show(void *ctx, const char *url, struct error *err)
{
	struct opening *o = ctx;
	char path[FILES_PATH_MAX];
	enum rc rc = RC_OK;

	if (o->browser && (rc = write_door(o->call->home, url, path, err)) == RC_OK &&
	    !browser_open(path))
		fprintf(stderr, "%s\n", call_say(o->call,
		    "Không tìm thấy trình duyệt; hãy mở địa chỉ này trong trình duyệt:",
		    "No browser was found; open this address in one:"));
	/* before it serves, whoever waits for the address reads it */
	if (rc == RC_OK && (printf("%s\n", url) < 0 || fflush(stdout) != 0))
		rc = error_set(err, RC_IO, "standard output", NULL, "the address could not be printed");
	return rc;
}

enum rc
commands_open(struct call *c)
{
	struct opening o = { c, call_option(c, "no-browser") == NULL };
	struct page_options page = { .home = c->home, .table = commands_table, .ready = show, .ctx = &o };
	char url[PAGE_URL_MAX];
	long port;
	enum rc rc;

	if ((rc = call_number(c, "port", 0, 65535, 0, &port)) != RC_OK)
		return rc;
	page.port = (uint16_t)port;
	if ((rc = page_ask(c->home, url, &c->err)) == RC_OK)
		return show(&o, url, &c->err);
	if (rc != RC_NOTFOUND)
		return rc;
	error_clear(&c->err);
	return page_serve(&page, &c->err);
}
