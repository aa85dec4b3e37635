#include <string.h>

#include "shared/base/files.h"
#include "shared/web/tls_key.h"
#include "sync-server/operator.h"

#define OWN_KEY "tls.key"
#define OWN_CERTIFICATE "tls.crt"

enum { PIN_FILE_MAX = 4096 };

enum rc
operator_read_pin(struct operator *c, char out[OPERATOR_PIN_MAX])
{
	struct bytes text;
	size_t len;
	enum rc rc;

	out[0] = '\0';
	if (c->options.pin == NULL)
		return RC_OK;
	bytes_init(&text);
	if ((rc = files_read(c->options.pin, PIN_FILE_MAX, &text, &c->err)) == RC_OK) {
		len = strcspn(bytes_cstr(&text), "\r\n");
		if (len >= OPERATOR_PIN_MAX || strncmp(bytes_cstr(&text), "sha256//", 8) != 0)
			rc = error_set(&c->err, RC_FORMAT, c->options.pin,
			    "the first line is sha256// and the digest in base 64",
			    "this is no pin of a key");
		else
			memcpy(out, text.data, len), out[len] = '\0';
	}
	bytes_reset(&text);
	return rc;
}

/* The certificate is written last: without it the key is one that nobody has a pin of. */
static enum rc
make_own(struct operator *c, const char *key_path, const char *certificate_path)
{
	struct bytes key, certificate;
	enum rc rc;

	bytes_init(&key);
	bytes_init(&certificate);
	rc = tls_key_make(&key, &certificate, &c->err);
	if (rc == RC_OK)
		rc = files_replace(key_path, key.data, key.len, &c->err);
	if (rc == RC_OK)
		rc = files_replace(certificate_path, certificate.data, certificate.len, &c->err);
	bytes_wipe(&key);
	bytes_reset(&certificate);
	return rc;
}

enum rc
operator_read_tls(struct operator *c, const char *folder, struct bytes *key,
    struct bytes *certificate, char pin[OPERATOR_PIN_MAX])
{
	const struct operator_options *o = &c->options;
	char own_key[FILES_PATH_MAX], own_certificate[FILES_PATH_MAX], text[TLS_KEY_PIN_MAX];
	const char *key_path = o->tls_key, *certificate_path = o->tls_cert;
	enum rc rc;

	pin[0] = '\0';
	if ((o->tls_cert == NULL) != (o->tls_key == NULL))
		return error_set(&c->err, RC_USAGE, "tls-cert", "give both --tls-cert and --tls-key",
		    "a certificate and its key belong together");
	if ((o->tls_cert != NULL) + (o->tls ? 1 : 0) + (o->plain ? 1 : 0) > 1)
		return error_set(&c->err, RC_USAGE, "tls", "see sync-server serve --help",
		    "of --tls, --tls-cert and --plain give one");
	if (o->tls) {
		if ((rc = files_join(folder, OWN_KEY, own_key)) != RC_OK ||
		    (rc = files_join(folder, OWN_CERTIFICATE, own_certificate)) != RC_OK)
			return rc;
		key_path = own_key;
		certificate_path = own_certificate;
		if (!files_exists(certificate_path) &&
		    (rc = make_own(c, key_path, certificate_path)) != RC_OK)
			return rc;
	}
	if (certificate_path == NULL)
		return RC_OK;
	if ((rc = files_read(certificate_path, TLS_KEY_PEM_MAX, certificate, &c->err)) != RC_OK ||
	    (rc = files_read(key_path, TLS_KEY_PEM_MAX, key, &c->err)) != RC_OK ||
	    (rc = tls_key_pin(certificate_path, certificate, text, &c->err)) != RC_OK)
		return rc;
	memcpy(pin, text, sizeof(text));
	return RC_OK;
}

enum rc
operator_pin(struct operator *c)
{
	char folder[FILES_PATH_MAX], path[FILES_PATH_MAX], pin[TLS_KEY_PIN_MAX];
	const char *from = c->options.n_args > 0 ? c->options.args[0] : path;
	struct bytes certificate, line;
	enum rc rc;

	bytes_init(&certificate);
	bytes_init(&line);
	if ((rc = operator_folder(c, "relay", folder)) != RC_OK ||
	    (rc = files_join(folder, OWN_CERTIFICATE, path)) != RC_OK ||
	    (rc = files_read(from, TLS_KEY_PEM_MAX, &certificate, &c->err)) != RC_OK ||
	    (rc = tls_key_pin(from, &certificate, pin, &c->err)) != RC_OK)
		goto out;
	bytes_text(&line, pin);
	bytes_u8(&line, '\n');
	if (line.rc != RC_OK)
		rc = line.rc;
	else if (c->options.out != NULL)
		rc = files_replace(c->options.out, line.data, line.len, &c->err);
	else
		puts(pin);
out:
	bytes_reset(&certificate);
	bytes_reset(&line);
	return rc;
}
