#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/keeper.h"
#include "field/workspace.h"
#include "shared/base/files.h"
#include "shared/base/memory.h"
#include "shared/base/phrases.h"
#include "shared/base/process.h"
#include "shared/base/terminal.h"
#include "shared/base/text.h"
#include "shared/vault/secret.h"

#ifndef FIELD_VERSION
#define FIELD_VERSION "0.1"
#endif

static void
print_help(const struct call *c)
{
	const struct command *one = c->command;

	if (one != NULL) {
		printf("field %s %s\n    %s\n", one->name, one->arguments, one->summary[c->lang]);
		for (const struct call_option *o = one->options; o != NULL && o->name != NULL; o++)
			printf("    --%s%s%s\n", o->name, o->value != NULL ? " " : "",
			    o->value != NULL ? o->value : "");
		return;
	}
	printf("%s\n\n", call_say(c,
	    "field [--home DIR] [--json] [--lang vi|en] [--quiet] [--passphrase-file FILE] LỆNH …",
	    "field [--home DIR] [--json] [--lang vi|en] [--quiet] [--passphrase-file FILE] COMMAND …"));
	for (const struct command *cmd = commands_table; cmd->name != NULL; cmd++)
		printf("  %-14s %-32s %s\n", cmd->name, cmd->arguments, cmd->summary[c->lang]);
}

/* What failed in the end is not reported as done; what a dry run found was asked for. */
static void
print_all(const struct call *c, enum rc rc)
{
	if (c->out.len > 0 && (rc == RC_OK || call_option(c, "dry-run") != NULL))
		fwrite(c->out.data, 1, c->out.len, stdout);
	else if (c->json && rc == RC_OK)
		fputs("{}\n", stdout);
	if (c->notes.len > 0)
		fwrite(c->notes.data, 1, c->notes.len, stderr);
}

/* An error in the language of who reads it; in English where that fails. */
static void
translate(const struct call *c, struct error *e)
{
	struct phrases *phrases;
	struct error ignored = { 0 };

	if (c->lang != FORM_VI || phrases_open(&phrases, &ignored) != RC_OK)
		return;
	phrases_translate(phrases, e);
	phrases_free(phrases);
}

static int
report(struct call *c, enum rc rc)
{
	struct error *e = &c->err;

	if (rc == RC_OK)
		return 0;
	e->code = rc;
	translate(c, e);
	/* it may quote what was typed */
	text_one_line(e->what);
	text_one_line(e->where);
	text_one_line(e->help);
	fprintf(stderr, "field: %s%s%s%s%s\n", *e->what != '\0' ? e->what : rc_name(rc),
	    *e->where != '\0' ? ": " : "", e->where, *e->help != '\0' ? ": " : "", e->help);
	return rc_exit_code(rc);
}

/* How far something is, on the terminal, in one line that the next one replaces. */
static enum rc
show_on_terminal(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "\r\033[K%s", text);
	fflush(stderr);
	return RC_OK;
}

/* Without a keeper a command unlocks for itself. */
static enum rc
run_here(struct call *c)
{
	struct secret *passphrase = NULL;
	enum rc rc;

	if (c->command->place == CALL_HERE)
		return c->command->run(c);
	if ((rc = commands_need_vault(c)) != RC_OK)
		return rc;
	if (c->passphrase != NULL) {
		passphrase = c->passphrase;
		c->passphrase = NULL;
	} else if ((rc = commands_passphrase_of(c, c->passphrase_file, false,
	    &passphrase)) != RC_OK) {
		return rc;
	}
	rc = workspace_open(c->home, passphrase, &c->ws, &c->err);
	if (rc == RC_OK)
		rc = c->command->run(c);
	workspace_close(c->ws);
	c->ws = NULL;
	if (rc == RC_DAMAGED)
		rc = commands_on_damaged(c, passphrase);
	secret_free(passphrase);
	return rc;
}

static enum rc
run(struct call *c, int argc, const char *const *argv)
{
	enum rc rc, asked;

	/* the passphrase is the first line of standard input, what a command reads stands behind it */
	if (c->command->place == CALL_IN_WORKSPACE && c->passphrase_file != NULL &&
	    strcmp(c->passphrase_file, "-") == 0 && call_reads_stdin(c) &&
	    (rc = commands_passphrase_of(c, "-", false, &c->passphrase)) != RC_OK)
		return rc;
	c->put = call_stream_put;
	c->put_ctx = c;
	c->get = call_stream_get;
	c->get_ctx = c;
	if (!c->quiet && terminal_is(fileno(stderr)))
		c->tell = show_on_terminal;
	if ((rc = call_read_inputs(c)) != RC_OK)
		return rc;
	if (c->command->place == CALL_IN_WORKSPACE) {
		asked = keeper_run(c, argc, argv, &rc);
		if (asked != RC_OK && asked != RC_NOTFOUND)
			return asked;
		if (asked == RC_NOTFOUND)
			rc = run_here(c);
	} else {
		rc = run_here(c);
	}
	return rc == RC_OK ? call_write_outputs(c) : rc;
}

int
main(int argc, char **argv)
{
	static char home[FILES_PATH_MAX];
	const char *const *args = (const char *const *)argv + 1;
	struct call *c;
	bool help, version;
	int code;
	enum rc rc;

	process_harden();
	if (secret_start() != RC_OK || (c = calloc(1, sizeof(*c))) == NULL)
		return rc_exit_code(RC_INTERNAL);
	rc = call_parse(c, commands_table, argc - 1, args, &help, &version);
	if (rc == RC_OK && version) {
		printf("field %s\n", FIELD_VERSION);
	} else if (rc == RC_OK && (help || argc == 1)) {
		print_help(c);
	} else if (rc == RC_OK) {
		if (c->home == NULL) {
			rc = files_data_dir("field", home, &c->err);
			c->home = home;
		}
		if (rc == RC_OK)
			rc = run(c, argc - 1, args);
		print_all(c, rc);
	}
	/* closed, so that its buffer is given back and overwritten */
	if (fclose(stdout) != 0 && rc == RC_OK)
		rc = error_set(&c->err, RC_IO, "standard output", "free some space",
		    "not everything could be printed");
	code = report(c, rc);
	secret_free(c->passphrase);
	call_reset(c);
	free(c);
	memory_wipe_arguments(argc, argv);
	memory_wipe_stack();
	return code;
}
