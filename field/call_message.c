#include <string.h>

#include "field/call.h"

/*
 * Between the user's process and the keeper, both of the same build:
 *   request := language u8, argv: n x text, inputs: n x (path text, bytes span)
 *   reply   := rc varint, what text, where text, help text, out span, notes span,
 *              outputs: n x (path text, bytes span)
 */
enum { STRING_MAX = 1 << 20 };

static void
put_text(struct bytes *b, const char *s)
{
	bytes_span(b, s, strlen(s));
}

void
call_write_request(const struct call *c, int argc, const char *const *argv, struct bytes *out)
{
	bytes_u8(out, (uint8_t)c->lang);
	bytes_varint(out, (uint64_t)argc);
	for (int i = 0; i < argc; i++)
		put_text(out, argv[i]);
	bytes_varint(out, c->n_inputs);
	for (size_t i = 0; i < c->n_inputs; i++) {
		put_text(out, c->inputs[i].path);
		bytes_span(out, c->inputs[i].data.data, c->inputs[i].data.len);
	}
}

/* Appends a NUL-terminated copy; offsets are turned into pointers when all is read. */
static size_t
keep_text(struct reader *r, struct bytes *strings)
{
	size_t len, at = strings->len;
	const uint8_t *p = reader_span(r, STRING_MAX, &len);

	if (p == NULL || memchr(p, 0, len) != NULL)
		r->bad = true;
	else
		bytes_put(strings, p, len);
	bytes_u8(strings, 0);
	return at;
}

enum rc
call_read_request(struct call *c, const struct command *table, const uint8_t *p, size_t len,
    struct bytes *strings)
{
	const char *argv[CALL_ARGS_MAX + CALL_OPTIONS_MAX * 2];
	size_t at[CALL_ARGS_MAX + CALL_OPTIONS_MAX * 2], path_at[CALL_FILES_MAX];
	const uint8_t *data[CALL_FILES_MAX];
	size_t data_len[CALL_FILES_MAX];
	struct reader r;
	unsigned lang;
	size_t n, n_inputs;
	bool help, version;
	enum rc rc;

	reader_init(&r, p, len);
	lang = reader_u8(&r);
	n = (size_t)reader_varint_max(&r, sizeof(argv) / sizeof(argv[0]));
	for (size_t i = 0; i < n; i++)
		at[i] = keep_text(&r, strings);
	n_inputs = (size_t)reader_varint_max(&r, CALL_FILES_MAX);
	for (size_t i = 0; i < n_inputs; i++) {
		path_at[i] = keep_text(&r, strings);
		data[i] = reader_span(&r, CALL_INPUT_MAX, &data_len[i]);
	}
	memset(c, 0, sizeof(*c));
	if (!reader_done(&r) || strings->rc != RC_OK || lang >= FORM_LANGS)
		return RC_FORMAT;
	for (size_t i = 0; i < n; i++)
		argv[i] = (const char *)strings->data + at[i];
	if ((rc = call_parse(c, table, (int)n, argv, &help, &version)) != RC_OK)
		return rc;
	/* those are answered where they are asked; without them there is a command */
	if (help || version)
		return RC_FORMAT;
	c->lang = (enum form_lang)lang;
	for (size_t i = 0; i < n_inputs; i++) {
		c->inputs[i].path = (const char *)strings->data + path_at[i];
		bytes_put(&c->inputs[i].data, data[i], data_len[i]);
		c->n_inputs++;
		if (c->inputs[i].data.rc != RC_OK)
			return RC_NOMEM;
	}
	return RC_OK;
}

void
call_write_reply(const struct call *c, enum rc rc, struct bytes *out)
{
	bytes_varint(out, (uint64_t)rc);
	put_text(out, c->err.what);
	put_text(out, c->err.where);
	put_text(out, c->err.help);
	bytes_span(out, c->out.data, c->out.len);
	bytes_span(out, c->notes.data, c->notes.len);
	bytes_varint(out, c->n_outputs);
	for (size_t i = 0; i < c->n_outputs; i++) {
		put_text(out, c->outputs[i].path);
		bytes_span(out, c->outputs[i].data.data, c->outputs[i].data.len);
	}
}

static void
get_text(struct reader *r, char *out, size_t max)
{
	size_t len;
	const uint8_t *p = reader_span(r, max - 1, &len);

	if (p != NULL)
		memcpy(out, p, len);
	out[p != NULL ? len : 0] = '\0';
}

static void
get_bytes(struct reader *r, struct bytes *out)
{
	size_t len;
	const uint8_t *p = reader_span(r, CALL_MESSAGE_MAX, &len);

	if (p != NULL)
		bytes_put(out, p, len);
}

/* A path is answered with the same words that were given for it. */
static const char *
own_path(const struct call *c, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < c->n_args; i++)
		if (strlen(c->args[i]) == len && memcmp(c->args[i], p, len) == 0)
			return c->args[i];
	for (size_t i = 0; i < c->n_given; i++)
		if (c->given[i].value != NULL && strlen(c->given[i].value) == len &&
		    memcmp(c->given[i].value, p, len) == 0)
			return c->given[i].value;
	return NULL;
}

enum rc
call_read_reply(struct call *c, const uint8_t *p, size_t len, enum rc *rc)
{
	struct reader r;
	size_t n, path_len;
	const uint8_t *path;
	const char *own;

	reader_init(&r, p, len);
	*rc = (enum rc)reader_varint_max(&r, RC_CONFIG);
	get_text(&r, c->err.what, sizeof(c->err.what));
	get_text(&r, c->err.where, sizeof(c->err.where));
	get_text(&r, c->err.help, sizeof(c->err.help));
	c->err.code = *rc;
	get_bytes(&r, &c->out);
	get_bytes(&r, &c->notes);
	n = (size_t)reader_varint_max(&r, CALL_FILES_MAX);
	for (size_t i = 0; i < n && !r.bad; i++) {
		struct bytes *to;

		path = reader_span(&r, STRING_MAX, &path_len);
		own = path == NULL ? NULL : own_path(c, path, path_len);
		if (own == NULL || (to = call_output(c, own)) == NULL) {
			r.bad = true;
			break;
		}
		get_bytes(&r, to);
	}
	return reader_done(&r) ? RC_OK : RC_PROTOCOL;
}
