#include "field/call.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/files.h"
#include "shared/base/terminal.h"
#include "shared/vault/secret.h"

/* What every command understands. */
static const struct call_option common[] = {
	{ "home", CALL_TEXT, "DIR" },	/* first: it is never empty */
	{ "passphrase-file", CALL_TEXT, "FILE" },
	{ "code-file", CALL_TEXT, "FILE" },
	{ "lang", CALL_TEXT, "vi|en" },
	{ "json", CALL_FLAG, NULL },
	{ "quiet", CALL_FLAG, NULL },
	{ "help", CALL_FLAG, NULL },
	{ "version", CALL_FLAG, NULL },
	{ NULL, CALL_FLAG, NULL }
};

static const char usage_help[] = "see field --help";

static const struct call_option *
find_option(const struct call_option *list, const char *name, size_t len)
{
	for (; list != NULL && list->name != NULL; list++)
		if (strlen(list->name) == len && memcmp(list->name, name, len) == 0)
			return list;
	return NULL;
}

/* Only the command's words are needed to know its options, so they are looked for first. */
static size_t
words_of(const struct command *cmd, const char *const *words, size_t n)
{
	const char *space = strchr(cmd->name, ' ');
	size_t first = space == NULL ? strlen(cmd->name) : (size_t)(space - cmd->name);

	if (n == 0 || strlen(words[0]) != first || memcmp(words[0], cmd->name, first) != 0)
		return 0;
	if (space == NULL)
		return 1;
	return n > 1 && strcmp(words[1], space + 1) == 0 ? 2 : 0;
}

static bool
takes_value(const char *name, size_t len, const struct command *table)
{
	const struct call_option *o = find_option(common, name, len);

	for (const struct command *c = table; o == NULL && c->name != NULL; c++)
		o = find_option(c->options, name, len);
	return o != NULL && o->kind != CALL_FLAG;
}

/* Words that are no options: at most two are needed to find the command. */
static void
find_command(struct call *c, const struct command *table, int argc, const char *const *argv,
    size_t *used)
{
	const char *words[2];
	bool options = true;
	size_t n = 0;

	*used = 0;
	for (int i = 0; i < argc && n < 2; i++) {
		const char *a = argv[i];

		if (options && strcmp(a, "--") == 0) {
			options = false;
			continue;
		}
		if (options && strncmp(a, "--", 2) == 0) {
			if (strchr(a, '=') == NULL && takes_value(a + 2, strlen(a + 2), table))
				i++;
			continue;
		}
		words[n++] = a;
	}
	for (const struct command *cmd = table; cmd->name != NULL; cmd++) {
		size_t w = words_of(cmd, words, n);

		if (w > *used) {
			*used = w;
			c->command = cmd;
		}
	}
}

static enum rc
set_common(struct call *c, const struct call_option *o, const char *value, bool *help,
    bool *version)
{
	if (strcmp(o->name, "home") == 0)
		c->home = value;
	else if (strcmp(o->name, "passphrase-file") == 0)
		c->passphrase_file = value;
	else if (strcmp(o->name, "code-file") == 0)
		c->code_file = value;
	else if (strcmp(o->name, "json") == 0)
		c->json = true;
	else if (strcmp(o->name, "quiet") == 0)
		c->quiet = true;
	else if (strcmp(o->name, "help") == 0)
		*help = true;
	else if (strcmp(o->name, "version") == 0)
		*version = true;
	else if (strcmp(value, "vi") == 0)
		c->lang = FORM_VI;
	else if (strcmp(value, "en") == 0)
		c->lang = FORM_EN;
	else
		return error_set(&c->err, RC_USAGE, "--lang", "use vi or en",
		    "there is no such language");
	return RC_OK;
}

static enum rc
take_option(struct call *c, int argc, const char *const *argv, int *i, bool *help, bool *version)
{
	const char *name = argv[*i] + 2;
	const char *equals = strchr(name, '=');
	size_t len = equals == NULL ? strlen(name) : (size_t)(equals - name);
	const struct call_option *o = find_option(common, name, len);
	const char *value = NULL;
	bool is_common = o != NULL;

	if (o == NULL && c->command != NULL)
		o = find_option(c->command->options, name, len);
	if (o == NULL)
		return error_set(&c->err, RC_USAGE, argv[*i], usage_help, "there is no such option");
	if (o->kind == CALL_FLAG) {
		if (equals != NULL)
			return error_set(&c->err, RC_USAGE, argv[*i], usage_help,
			    "the option takes no value");
	} else if (equals != NULL) {
		value = equals + 1;
	} else if (*i + 1 < argc) {
		value = argv[++*i];
	} else {
		return error_set(&c->err, RC_USAGE, argv[*i], usage_help, "the option needs a value");
	}
	if (value != NULL && *value == '\0' && o == common)
		return error_set(&c->err, RC_USAGE, argv[*i], usage_help, "the option needs a value");
	if (is_common)
		return set_common(c, o, value, help, version);
	/* of two reasons or two tokens, none is certainly the one that was meant */
	if (o->kind != CALL_FLAG && call_option(c, o->name) != NULL)
		return error_set(&c->err, RC_USAGE, o->name, usage_help, "the option is given twice");
	if (c->n_given == CALL_OPTIONS_MAX)
		return error_set(&c->err, RC_LIMIT, argv[*i], usage_help, "too many options");
	c->given[c->n_given].option = o;
	c->given[c->n_given++].value = value;
	return RC_OK;
}

static enum rc
check_args(struct call *c)
{
	if (c->command == NULL)
		return error_set(&c->err, RC_USAGE, c->n_args > 0 ? c->args[0] : "", usage_help,
		    c->n_args > 0 ? "there is no such command" : "which command?");
	if (c->n_args < c->command->min_args || c->n_args > c->command->max_args)
		return error_set(&c->err, RC_USAGE, c->command->name, usage_help,
		    "use: field %s %s", c->command->name, c->command->arguments);
	for (size_t i = 0; i < c->n_args; i++)
		if (*c->args[i] == '\0' && strchr("ios", call_kind_of_arg(c, i)) != NULL)
			return error_set(&c->err, RC_USAGE, c->command->name, usage_help,
			    "the name of a file is empty");
	return RC_OK;
}

enum rc
call_parse(struct call *c, const struct command *table, int argc, const char *const *argv,
    bool *help, bool *version)
{
	bool options = true;
	size_t skip;
	enum rc rc;

	memset(c, 0, sizeof(*c));
	*help = *version = false;
	c->lang = strcmp(terminal_language(), "en") == 0 ? FORM_EN : FORM_VI;
	find_command(c, table, argc, argv, &skip);
	for (int i = 0; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
			continue;
		}
		if (options && strncmp(argv[i], "--", 2) == 0) {
			if ((rc = take_option(c, argc, argv, &i, help, version)) != RC_OK)
				return rc;
			continue;
		}
		if (skip > 0) {
			skip--;
			continue;
		}
		if (c->n_args == CALL_ARGS_MAX)
			return error_set(&c->err, RC_LIMIT, "", usage_help, "too many arguments");
		c->args[c->n_args++] = argv[i];
	}
	return *help || *version ? RC_OK : check_args(c);
}

void
call_reset(struct call *c)
{
	for (size_t i = 0; i < c->n_inputs; i++)
		bytes_wipe(&c->inputs[i].data);
	for (size_t i = 0; i < c->n_outputs; i++)
		bytes_wipe(&c->outputs[i].data);
	for (size_t i = 0; i < CALL_SECRETS; i++) {
		secret_free(c->typed[i]);
		c->typed[i] = NULL;
	}
	call_stream_reset(c);
	bytes_wipe(&c->out);
	bytes_wipe(&c->notes);
}

char
call_kind_of_arg(const struct call *c, size_t i)
{
	size_t n = strlen(c->command->kinds);

	return n == 0 ? 't' : c->command->kinds[i < n ? i : n - 1];
}

static enum rc
read_one(struct call *c, const char *path)
{
	struct call_file *f;

	if (call_input(c, path) != NULL)
		return RC_OK;
	if (c->n_inputs == CALL_FILES_MAX)
		return error_set(&c->err, RC_LIMIT, path, usage_help, "too many files");
	f = &c->inputs[c->n_inputs++];
	f->path = path;
	bytes_init(&f->data);
	return files_read(path, CALL_INPUT_MAX, &f->data, &c->err);
}

bool
call_reads_stdin(const struct call *c)
{
	for (size_t i = 0; i < c->n_args; i++)
		if (strchr("is", call_kind_of_arg(c, i)) != NULL && strcmp(c->args[i], "-") == 0)
			return true;
	for (size_t i = 0; i < c->n_given; i++)
		if (c->given[i].option->kind == CALL_INPUT && strcmp(c->given[i].value, "-") == 0)
			return true;
	return false;
}

enum rc
call_read_inputs(struct call *c)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < c->n_args && rc == RC_OK; i++)
		if (call_kind_of_arg(c, i) == 'i')
			rc = read_one(c, c->args[i]);
	if (rc == RC_OK)
		rc = call_stream_open(c);
	for (size_t i = 0; i < c->n_given && rc == RC_OK; i++)
		if (c->given[i].option->kind == CALL_INPUT)
			rc = read_one(c, c->given[i].value);
	return rc;
}

enum rc
call_write_outputs(struct call *c)
{
	enum rc rc = call_stream_finish(c);

	for (size_t i = 0; i < c->n_outputs && rc == RC_OK; i++)
		rc = files_replace(c->outputs[i].path, c->outputs[i].data.data,
		    c->outputs[i].data.len, &c->err);
	/* no folder, or no file: what is missing is no input of ours */
	return rc == RC_NOTFOUND || rc == RC_INVALID ? RC_CREATE : rc;
}

const char *
call_option(const struct call *c, const char *name)
{
	for (size_t i = 0; i < c->n_given; i++)
		if (strcmp(c->given[i].option->name, name) == 0)
			return c->given[i].value == NULL ? "" : c->given[i].value;
	return NULL;
}

enum rc
call_number(struct call *c, const char *name, long min, long max, long otherwise, long *out)
{
	const char *s = call_option(c, name);
	char *end;

	*out = otherwise;
	if (s == NULL)
		return RC_OK;
	errno = 0;
	*out = strtol(s, &end, 10);
	if (errno != 0 || *s == '\0' || *end != '\0' || *out < min || *out > max)
		return error_set(&c->err, RC_USAGE, name, usage_help,
		    "a whole number from %ld to %ld is needed", min, max);
	return RC_OK;
}

const struct bytes *
call_input(const struct call *c, const char *path)
{
	for (size_t i = 0; i < c->n_inputs; i++)
		if (strcmp(c->inputs[i].path, path) == 0)
			return &c->inputs[i].data;
	return NULL;
}

struct bytes *
call_output(struct call *c, const char *path)
{
	struct call_file *f;

	if (c->n_outputs == CALL_FILES_MAX)
		return NULL;
	f = &c->outputs[c->n_outputs++];
	f->path = path;
	bytes_init(&f->data);
	return &f->data;
}

const char *
call_say(const struct call *c, const char *vi, const char *en)
{
	return c->lang == FORM_EN ? en : vi;
}

static void print_line(struct bytes *to, const char *fmt, va_list ap) RC_PRINTF(2, 0);

static void
print_line(struct bytes *to, const char *fmt, va_list ap)
{
	va_list again;
	uint8_t *room;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || (room = bytes_room(to, (size_t)n + 1)) == NULL)
		return;
	vsnprintf((char *)room, (size_t)n + 1, fmt, ap);
	to->len += (size_t)n;
	bytes_u8(to, '\n');
}

void
call_print(struct call *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line(&c->out, fmt, ap);
	va_end(ap);
}

void
call_note(struct call *c, const char *fmt, ...)
{
	va_list ap;

	if (c->quiet)
		return;
	va_start(ap, fmt);
	print_line(&c->notes, fmt, ap);
	va_end(ap);
}

enum rc
call_print_json(struct call *c, struct json_t *value)
{
	char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(6));

	json_decref(value);
	if (text == NULL)
		return RC_NOMEM;
	bytes_text(&c->out, text);
	bytes_u8(&c->out, '\n');
	memset(text, 0, strlen(text));
	free(text);
	return c->out.rc;
}
