#ifndef FIELD_CALL_H
#define FIELD_CALL_H

/*
 * call: one run of a subcommand, wherever it runs: in the process that the user
 * started, or in the keeper.  Files that it reads were read before, files that it
 * writes are written after, both by the user's own process.
 */
#include <stdbool.h>
#include <stddef.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/forms/form.h"

struct call;
struct call_source;
struct checked_file;
struct local_link;
struct secret;
struct workspace;

enum {
	CALL_ARGS_MAX = 1024,
	CALL_OPTIONS_MAX = 64,
	CALL_FILES_MAX = 8,
	CALL_INPUT_MAX = 64 << 20,
	CALL_MESSAGE_MAX = 256 << 20
};

enum call_kind {
	CALL_FLAG,	/* --name */
	CALL_TEXT,	/* --name VALUE */
	CALL_INPUT,	/* --name FILE, read by the client */
	CALL_OUTPUT	/* --name FILE, written by the client */
};

struct call_option {
	const char *name;		/* without the dashes */
	enum call_kind kind;
	const char *value;		/* what help calls the value */
};

enum call_place {
	CALL_IN_WORKSPACE,	/* with an open vault: in the keeper if there is one */
	CALL_HERE		/* in the user's process */
};

enum call_secret { CALL_PASSPHRASE, CALL_NEW_PASSPHRASE, CALL_CODE, CALL_SECRETS };

struct command {
	const char *name;		/* "bundle export": one or two words */
	const char *arguments;		/* for help */
	const char *summary[FORM_LANGS];
	enum call_place place;
	size_t min_args, max_args;
	const char *kinds;		/* of the arguments: t text, i input file, o output file, s input
					   file in pieces; the last repeats */
	const struct call_option *options;	/* ends with a NULL name */
	enum rc (*run)(struct call *c);
};

struct call_given { const struct call_option *option; const char *value; };
struct call_file { const char *path; struct bytes data; };

struct call {
	const struct command *command;
	const char *home;
	bool json, quiet;
	enum form_lang lang;
	const char *passphrase_file, *code_file;	/* CALL_HERE only */
	struct secret *passphrase;	/* read before the inputs behind it, else NULL */
	/* Asked by the page: nobody sits at a terminal.  What was typed there; NULL: nothing.  Codes that
	   are shown once are then outputs, by the name of their option. */
	bool from_page;
	struct secret *typed[CALL_SECRETS];
	struct local_link *asker;	/* in the porter; a process that is left behind closes it */
	const char *args[CALL_ARGS_MAX];
	size_t n_args;
	struct call_given given[CALL_OPTIONS_MAX];
	size_t n_given;
	struct call_file inputs[CALL_FILES_MAX], outputs[CALL_FILES_MAX];
	size_t n_inputs, n_outputs;
	struct workspace *ws;		/* NULL for CALL_HERE */
	struct bytes out;		/* standard output */
	struct bytes notes;		/* standard error, beside the error */
	/* Where pieces of an output go that is too large for memory: to call_stream_put,
	   or from the keeper to the user's process. */
	enum rc (*put)(void *ctx, const uint8_t *data, size_t len);
	void *put_ctx;
	/* Where pieces of an input come from that is too large for memory: from call_stream_get, in
	   the keeper from the user's process.  *n < max only at the end. */
	enum rc (*get)(void *ctx, uint8_t *buf, size_t max, size_t *n);
	void *get_ctx;
	struct checked_file *stream;
	struct call_source *source;
	/* Shows how far something is, in place of what was shown before; "" ends that.  NULL:
	   nobody looks.  Not RC_OK: nobody looks any more. */
	enum rc (*tell)(void *ctx, const char *text);
	void *tell_ctx;
	struct error err;
};

/*
 * Understand argv (without the program's name) against a table that ends with a
 * NULL name.  help, version: what was asked for instead of a command.
 * RC_USAGE with a message.
 */
enum rc call_parse(struct call *c, const struct command *table, int argc,
    const char *const *argv, bool *help, bool *version) RC_CHECK;
void call_reset(struct call *c);

/* Read the files that the command reads; write those that it wrote (RC_CREATE, RC_IO, RC_FULL). */
enum rc call_read_inputs(struct call *c) RC_CHECK;
/* Is standard input ("-") one of the files that the command reads? */
bool call_reads_stdin(const struct call *c);
enum rc call_write_outputs(struct call *c) RC_CHECK;

/* t, i, o or s: what an argument of the command is. */
char call_kind_of_arg(const struct call *c, size_t i);

/*
 * An output argument that comes in pieces: ctx is the call.  It is read back and put in its
 * place by call_stream_finish; what is not finished leaves nothing.
 */
enum rc call_stream_put(void *ctx, const uint8_t *data, size_t len) RC_CHECK;
enum rc call_stream_finish(struct call *c) RC_CHECK;
void call_stream_reset(struct call *c);
/*
 * An input argument that is read in pieces: ctx is the call.  call_stream_open is part of
 * call_read_inputs, so that a file that is not there is said before anything else is done.
 */
enum { CALL_PIECE_MAX = 64 << 10 };
enum rc call_stream_open(struct call *c) RC_CHECK;
enum rc call_stream_get(void *ctx, uint8_t *buf, size_t max, size_t *n) RC_CHECK;

/* Value of an option, NULL if it was not given. */
const char *call_option(const struct call *c, const char *name);
/* A whole number option within bounds; `otherwise` if it was not given.  RC_USAGE. */
enum rc call_number(struct call *c, const char *name, long min, long max, long otherwise,
    long *out) RC_CHECK;
/* Contents of an input file by the path that was given for it. */
const struct bytes *call_input(const struct call *c, const char *path);
/* Where to put the contents of an output file. */
struct bytes *call_output(struct call *c, const char *path);

#if defined(__GNUC__)
#define CALL_FORMATS __attribute__((format_arg(2), format_arg(3)))
#else
#define CALL_FORMATS
#endif
/* The same in both languages; formats must take the same arguments. */
const char *call_say(const struct call *c, const char *vi, const char *en) CALL_FORMATS;
/* Add a line to standard output, or (not with --quiet) to standard error. */
void call_print(struct call *c, const char *fmt, ...) RC_PRINTF(2, 3);
void call_note(struct call *c, const char *fmt, ...) RC_PRINTF(2, 3);
/* A JSON value as one line on standard output; takes it.  NULL: no memory. */
struct json_t;
enum rc call_print_json(struct call *c, struct json_t *value) RC_CHECK;

/* As a message to the keeper, and back (field/keeper.c). */
void call_write_request(const struct call *c, int argc, const char *const *argv,
    struct bytes *out);
/* argv points into the message; the call borrows it. */
enum rc call_read_request(struct call *c, const struct command *table,
    const uint8_t *p, size_t len, struct bytes *strings) RC_CHECK;
void call_write_reply(const struct call *c, enum rc rc, struct bytes *out);
enum rc call_read_reply(struct call *c, const uint8_t *p, size_t len, enum rc *rc) RC_CHECK;

#endif
