#include "shared/web/tls_key.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>
#include <time.h>

enum { SERIAL_BYTES = 16, SHA256_BYTES = 32 };

#define PIN_MARK "sha256//"
#define COMMON_NAME "sync-server"
#define OID_COMMON_NAME "2.5.4.3"

static const time_t from_2000 = 946684800, until_2099 = 4102358400;

static enum rc
trouble(struct error *err, int code)
{
	if (code == GNUTLS_E_MEMORY_ERROR)
		return RC_NOMEM;
	return error_set(err, RC_INTERNAL, "TLS", NULL, "cannot make a key: %s", gnutls_strerror(code));
}

/* Takes what GnuTLS allocated. */
static enum rc
keep(struct bytes *out, gnutls_datum_t *d)
{
	bytes_put(out, d->data, d->size);
	gnutls_memset(d->data, 0, d->size);
	gnutls_free(d->data);
	d->data = NULL;
	return out->rc;
}

static int
fill_certificate(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	unsigned char serial[SERIAL_BYTES];
	int code;

	if ((code = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial))) < 0)
		return code;
	serial[0] = (unsigned char)((serial[0] & 0x7f) | 1);	/* positive, and not zero */
	if ((code = gnutls_x509_crt_set_version(crt, 3)) < 0 ||
	    (code = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial))) < 0 ||
	    (code = gnutls_x509_crt_set_activation_time(crt, from_2000)) < 0 ||
	    (code = gnutls_x509_crt_set_expiration_time(crt, until_2099)) < 0 ||
	    (code = gnutls_x509_crt_set_dn_by_oid(crt, OID_COMMON_NAME, 0, COMMON_NAME,
	    (unsigned)strlen(COMMON_NAME))) < 0 ||
	    (code = gnutls_x509_crt_set_key(crt, key)) < 0)
		return code;
	return gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
}

enum rc
tls_key_make(struct bytes *key, struct bytes *certificate, struct error *err)
{
	gnutls_x509_privkey_t k = NULL;
	gnutls_x509_crt_t crt = NULL;
	gnutls_datum_t d = { NULL, 0 };
	int code;
	enum rc rc;

	if ((code = gnutls_x509_privkey_init(&k)) < 0 || (code = gnutls_x509_crt_init(&crt)) < 0 ||
	    (code = gnutls_x509_privkey_generate(k, GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0)) < 0 ||
	    (code = fill_certificate(crt, k)) < 0 ||
	    (code = gnutls_x509_privkey_export2(k, GNUTLS_X509_FMT_PEM, &d)) < 0) {
		rc = trouble(err, code);
		goto out;
	}
	if ((rc = keep(key, &d)) != RC_OK)
		goto out;
	if ((code = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &d)) < 0)
		rc = trouble(err, code);
	else
		rc = keep(certificate, &d);
out:
	if (crt != NULL)
		gnutls_x509_crt_deinit(crt);
	if (k != NULL)
		gnutls_x509_privkey_deinit(k);
	return rc;
}

/* The digest of the public key with its algorithm (SubjectPublicKeyInfo), in base 64. */
static int
digest_key(gnutls_x509_crt_t crt, gnutls_datum_t *text)
{
	unsigned char digest[SHA256_BYTES];
	gnutls_datum_t der = { NULL, 0 }, d = { digest, sizeof(digest) };
	gnutls_pubkey_t key = NULL;
	size_t len = sizeof(digest);
	int code;

	if ((code = gnutls_pubkey_init(&key)) < 0)
		return code;
	if ((code = gnutls_pubkey_import_x509(key, crt, 0)) >= 0 &&
	    (code = gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &der)) >= 0 &&
	    (code = gnutls_fingerprint(GNUTLS_DIG_SHA256, &der, digest, &len)) >= 0)
		code = gnutls_base64_encode2(&d, text);
	gnutls_free(der.data);
	gnutls_pubkey_deinit(key);
	return code;
}

enum rc
tls_key_pin(const char *name, const struct bytes *certificate, char out[TLS_KEY_PIN_MAX],
    struct error *err)
{
	static const char mark[] = PIN_MARK;
	gnutls_x509_crt_t crt = NULL;
	gnutls_datum_t pem = { certificate->data, (unsigned)certificate->len }, text = { NULL, 0 };
	int code;
	enum rc rc = RC_OK;

	out[0] = '\0';
	if (certificate->len > TLS_KEY_PEM_MAX)
		return RC_LIMIT;
	if ((code = gnutls_x509_crt_init(&crt)) < 0)
		return trouble(err, code);
	if ((code = gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM)) < 0 ||
	    (code = digest_key(crt, &text)) < 0) {
		rc = code == GNUTLS_E_MEMORY_ERROR ? RC_NOMEM : error_set(err, RC_FORMAT, name,
		    "give the server's certificate as PEM", "this is no certificate");
	} else if (text.size + sizeof(mark) > TLS_KEY_PIN_MAX) {
		rc = RC_INTERNAL;
	} else {
		memcpy(out, mark, sizeof(mark) - 1);
		memcpy(out + sizeof(mark) - 1, text.data, text.size);
		out[sizeof(mark) - 1 + text.size] = '\0';
	}
	gnutls_free(text.data);
	gnutls_x509_crt_deinit(crt);
	return rc;
}
