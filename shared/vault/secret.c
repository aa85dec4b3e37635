#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "shared/base/files.h"
#include "shared/base/text.h"
#include "shared/vault/secret.h"

enum {
	LINE_MAX_BYTES = 1024,
	CODE_MAX_BYTES = 40,
	CODE_UNIT_BYTES = 5,	/* 40 bits are 8 characters */
	CODE_UNIT_CHARS = 8,
	CODE_MAX_CHARS = CODE_MAX_BYTES / CODE_UNIT_BYTES * CODE_UNIT_CHARS,
	CODE_GROUP = 5
};

struct secret {
	size_t len;
	uint8_t *data;		/* sodium_malloc: guarded, locked, wiped when freed */
};

static const char ALPHABET[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

enum rc
secret_start(void)
{
	return sodium_init() < 0 ? RC_INTERNAL : RC_OK;
}

enum rc
secret_new(size_t len, struct secret **out)
{
	struct secret *s;

	*out = NULL;
	if (len == 0 || len > SECRET_MAX)
		return RC_LIMIT;
	if ((s = malloc(sizeof *s)) == NULL)
		return RC_NOMEM;
	if ((s->data = sodium_malloc(len)) == NULL) {
		free(s);
		return RC_NOMEM;
	}
	memset(s->data, 0, len);
	s->len = len;
	*out = s;
	return RC_OK;
}

enum rc
secret_from(const void *p, size_t len, struct secret **out)
{
	enum rc rc = secret_new(len, out);

	if (rc == RC_OK)
		memcpy((*out)->data, p, len);
	return rc;
}

enum rc
secret_random(size_t len, struct secret **out)
{
	enum rc rc = secret_new(len, out);

	if (rc == RC_OK)
		randombytes_buf((*out)->data, len);
	return rc;
}

void
secret_free(struct secret *s)
{
	if (s == NULL)
		return;
	sodium_free(s->data);
	free(s);
}

uint8_t *
secret_data(struct secret *s)
{
	return s->data;
}

const uint8_t *
secret_bytes(const struct secret *s)
{
	return s->data;
}

size_t
secret_len(const struct secret *s)
{
	return s->len;
}

bool
secret_equal(const struct secret *a, const struct secret *b)
{
	return a->len == b->len && sodium_memcmp(a->data, b->data, a->len) == 0;
}

bool
secret_can_lock(void)
{
	uint8_t *p = sodium_malloc(1);
	/* asked again: sodium_malloc does not say whether it could */
	bool can = p != NULL && sodium_mlock(p, 1) == 0;

	sodium_free(p);
	return can;
}

void
secret_random_bytes(void *p, size_t len)
{
	randombytes_buf(p, len);
}

void
secret_wipe(void *p, size_t len)
{
	if (len > 0)
		sodium_memzero(p, len);
}

/*
 * Read up to a line feed, one byte at a time: what stands behind the line
 * stays in the pipe for the next reader, and no stdio buffer keeps a copy.
 */
static enum rc
read_line(int fd, struct secret *line, size_t *len)
{
	uint8_t *p = secret_data(line);
	ssize_t n;

	*len = 0;
	for (;;) {
		if (*len == secret_len(line))
			return RC_LIMIT;
		n = read(fd, p + *len, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return RC_IO;
		if (n == 0)
			return RC_OK;
		if (p[*len] == '\n')
			break;
		++*len;
	}
	/* Windows editors end a line with CR LF. */
	if (*len > 0 && p[*len - 1] == '\r')
		--*len;
	return RC_OK;
}

static enum rc
normalise_line(const struct secret *line, size_t len, struct secret **out)
{
	char *nfc = NULL;
	size_t nfc_len;
	enum rc rc;

	rc = text_nfc((const char *)secret_bytes(line), len, &nfc);
	if (rc != RC_OK)
		return rc;
	nfc_len = strlen(nfc);
	rc = nfc_len > LINE_MAX_BYTES ? RC_LIMIT : secret_from(nfc, nfc_len, out);
	secret_wipe(nfc, nfc_len);
	free(nfc);
	return rc;
}

static enum rc
describe_line(enum rc rc, const char *path, struct error *err)
{
	switch ((int)rc) {
	case RC_OK:
		return RC_OK;
	case RC_LIMIT:
		return error_set(err, rc, path, "at most 1,024 bytes",
		    "the first line is too long");
	case RC_INVALID:
		return error_set(err, rc, path, "put the passphrase or code on its first line",
		    "the first line is empty");
	case RC_FORMAT:
		return error_set(err, rc, path, "save the file as UTF-8",
		    "the first line is not clean UTF-8 text");
	default:
		return error_set(err, rc, path, NULL, "cannot read the first line: %s", rc_name(rc));
	}
}

enum rc
secret_read_line(const char *path, struct secret **out, struct error *err)
{
	struct secret *line = NULL;
	size_t len = 0;
	int fd = STDIN_FILENO;
	enum rc rc;

	*out = NULL;
	if (strcmp(path, "-") != 0 && (fd = open(path, O_RDONLY)) < 0)
		return error_set(err, errno == ENOENT ? RC_NOTFOUND : RC_IO, path, NULL,
		    "cannot open: %s", strerror(errno));
	/* One more for the line feed, one for a carriage return. */
	if ((rc = secret_new(LINE_MAX_BYTES + 2, &line)) != RC_OK ||
	    (rc = read_line(fd, line, &len)) != RC_OK)
		goto out;
	if (len > LINE_MAX_BYTES)
		rc = RC_LIMIT;
	else if (len == 0)
		rc = RC_INVALID;
	else
		rc = normalise_line(line, len, out);
out:
	if (fd != STDIN_FILENO)
		close(fd);
	secret_free(line);
	return describe_line(rc, strcmp(path, "-") == 0 ? "standard input" : path, err);
}

/* Five bytes are eight characters, the first bits first. */
static void
code_encode(const uint8_t *p, size_t len, char *out)
{
	uint64_t bits;

	for (; len > 0; p += CODE_UNIT_BYTES, len -= CODE_UNIT_BYTES) {
		bits = 0;
		for (size_t i = 0; i < CODE_UNIT_BYTES; i++)
			bits = bits << 8 | p[i];
		for (size_t i = CODE_UNIT_CHARS; i > 0; i--) {
			out[i - 1] = ALPHABET[bits & 31];
			bits >>= 5;
		}
		out += CODE_UNIT_CHARS;
	}
}

static void
code_decode(const uint8_t *values, size_t len, uint8_t *out)
{
	uint64_t bits;

	for (; len > 0; out += CODE_UNIT_BYTES, len -= CODE_UNIT_BYTES) {
		bits = 0;
		for (size_t i = 0; i < CODE_UNIT_CHARS; i++)
			bits = bits << 5 | values[i];
		for (size_t i = CODE_UNIT_BYTES; i > 0; i--) {
			out[i - 1] = (uint8_t)(bits & 255);
			bits >>= 8;
		}
		values += CODE_UNIT_CHARS;
	}
}

/* 25 bits of a hash: formats.md, "Codes on paper". */
static void
code_check(const uint8_t *p, size_t len, char out[CODE_UNIT_CHARS])
{
	static const char label[] = "field-code-1";
	crypto_generichash_state h;
	uint8_t digest[crypto_generichash_BYTES];

	crypto_generichash_init(&h, NULL, 0, sizeof digest);
	crypto_generichash_update(&h, (const uint8_t *)label, sizeof label - 1);
	crypto_generichash_update(&h, p, len);
	crypto_generichash_final(&h, digest, sizeof digest);
	code_encode(digest, CODE_UNIT_BYTES, out);
	sodium_memzero(digest, sizeof digest);
	sodium_memzero(&h, sizeof h);
}

static bool
code_len_ok(size_t len)
{
	return len > 0 && len <= CODE_MAX_BYTES && len % CODE_UNIT_BYTES == 0;
}

enum rc
secret_code_print(const struct secret *code, char *out, size_t max)
{
	char chars[CODE_MAX_CHARS + CODE_UNIT_CHARS];
	size_t n, pos = 0;

	if (max > 0)
		out[0] = '\0';
	if (!code_len_ok(code->len))
		return RC_LIMIT;
	n = code->len / CODE_UNIT_BYTES * CODE_UNIT_CHARS;
	if (max < n + (n + CODE_GROUP - 1) / CODE_GROUP + CODE_GROUP + 1)
		return RC_LIMIT;
	code_encode(code->data, code->len, chars);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && i % CODE_GROUP == 0)
			out[pos++] = '-';
		out[pos++] = chars[i];
	}
	out[pos++] = '-';
	code_check(code->data, code->len, chars);
	memcpy(out + pos, chars, CODE_GROUP);
	out[pos + CODE_GROUP] = '\0';
	secret_wipe(chars, sizeof chars);
	return RC_OK;
}

/* The value of a character as people write it; 32: skip; 33: none. */
static uint8_t
code_value(char c)
{
	const char *at;

	if (c == ' ' || c == '-' || c == '\t' || c == '\r' || c == '\n')
		return 32;
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == 'O')
		c = '0';
	if (c == 'I' || c == 'L')
		c = '1';
	at = c == '\0' ? NULL : strchr(ALPHABET, c);
	return at == NULL ? 33 : (uint8_t)(at - ALPHABET);
}

enum rc
secret_code_read(const char *text, size_t len, struct secret **out)
{
	uint8_t values[CODE_MAX_CHARS + CODE_GROUP];
	char check[CODE_UNIT_CHARS];
	struct secret *code = NULL;
	size_t n = 0, n_code;
	bool fits = true;
	enum rc rc = RC_FORMAT;

	*out = NULL;
	if (!code_len_ok(len))
		return RC_LIMIT;
	n_code = len / CODE_UNIT_BYTES * CODE_UNIT_CHARS;
	for (const char *s = text; *s != '\0'; s++) {
		uint8_t v = code_value(*s);

		if (v == 32)
			continue;
		if (v == 33 || n == n_code + CODE_GROUP)
			goto out;
		values[n++] = v;
	}
	if (n != n_code + CODE_GROUP)
		goto out;
	if ((rc = secret_new(len, &code)) != RC_OK)
		goto out;
	code_decode(values, len, code->data);
	code_check(code->data, len, check);
	for (size_t i = 0; i < CODE_GROUP; i++)
		fits = fits && check[i] == ALPHABET[values[n_code + i]];
	if (!fits) {
		rc = RC_AUTH;
		goto out;
	}
	*out = code;
	code = NULL;
out:
	secret_wipe(values, sizeof values);
	secret_wipe(check, sizeof check);
	secret_free(code);
	return rc;
}
