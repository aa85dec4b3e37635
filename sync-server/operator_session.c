#include <stdlib.h>
#include <string.h>

#include "shared/base/files.h"
#include "shared/base/terminal.h"
#include "shared/base/text.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/operator.h"
#include "sync-server/depot.h"
#include "sync-server/relay.h"

enum { PASSPHRASE_MAX = 1025, MEETINGS_MAX = 64 };

/* ---- passphrases ---- */

static enum rc
ask(struct operator *c, const char *vi, const char *en, struct secret **out)
{
	char typed[PASSPHRASE_MAX];
	char *clean = NULL;
	enum rc rc;

	*out = NULL;
	rc = terminal_ask_secret(c->vietnamese ? vi : en, typed, sizeof(typed), &c->err);
	if (rc == RC_NOTFOUND)
		rc = RC_USAGE;	/* there is nobody to ask: an option is missing */
	if (rc == RC_OK)
		rc = text_nfc(typed, strlen(typed), &clean);
	if (rc == RC_OK)
		rc = secret_from(clean, strlen(clean), out);
	else if (rc == RC_FORMAT)
		error_set(&c->err, rc, NULL, "type it again", "the passphrase is not UTF-8 text");
	secret_wipe(typed, sizeof(typed));
	if (clean != NULL)
		secret_wipe(clean, strlen(clean));
	free(clean);
	return rc;
}

enum rc
operator_passphrase(struct operator *c, const char *file, bool new_one, struct secret **out)
{
	struct secret *again = NULL;
	enum rc rc;

	*out = NULL;
	if (file != NULL)
		return secret_read_line(file, out, &c->err);
	rc = ask(c, "Mật khẩu: ", "Passphrase: ", out);
	if (rc == RC_OK && new_one)
		rc = ask(c, "Nhập lại mật khẩu: ", "The passphrase again: ", &again);
	if (rc == RC_OK && new_one && !secret_equal(*out, again))
		rc = error_set(&c->err, RC_USAGE, NULL, "type the same twice",
		    "the two passphrases differ");
	secret_free(again);
	if (rc != RC_OK) {
		secret_free(*out);
		*out = NULL;
	}
	return rc;
}

/* ---- folders ---- */

enum rc
operator_folder(struct operator *c, const char *name, char *out)
{
	if (files_join(c->options.dir, name, out) == RC_OK)
		return RC_OK;
	return error_set(&c->err, RC_LIMIT, "dir", "use a shorter path", "the path is too long");
}

bool
operator_has_authority(struct operator *c)
{
	char path[FILES_PATH_MAX];

	return files_join(c->options.dir, "authority", path) == RC_OK && vault_exists(path);
}

bool
operator_has_relay(struct operator *c)
{
	char path[FILES_PATH_MAX];

	return files_join(c->options.dir, "relay/depot.db", path) == RC_OK && files_exists(path);
}

/* ---- the authority ---- */

enum rc
operator_open_authority(struct operator *c, struct authority **out)
{
	char path[FILES_PATH_MAX];
	struct secret *passphrase = NULL;
	struct vault *v = NULL;
	enum rc rc;

	*out = NULL;
	if ((rc = operator_folder(c, "authority", path)) != RC_OK)
		return rc;
	if (!vault_exists(path))
		return error_set(&c->err, RC_NOTFOUND, path,
		    "give its folder with --dir, or run sync-server init",
		    "there is no authority");
	if ((rc = operator_passphrase(c, c->options.passphrase_file, false, &passphrase)) == RC_OK &&
	    (rc = vault_open(path, passphrase, &v, &c->err)) == RC_OK)
		rc = authority_open(v, &c->clock, out, &c->err);
	if (rc != RC_OK)
		vault_close(v);
	if (rc == RC_OK && (rc = operator_head_take(c, *out)) != RC_OK) {
		authority_close(*out);
		*out = NULL;
	}
	secret_free(passphrase);
	return rc;
}

enum rc
operator_meet(struct operator *c, struct authority *a,
    enum rc (*say)(struct operator *c, void *ctx, const struct bytes *request,
    struct bytes *reply), void *ctx, struct authority_meeting *out)
{
	struct authority_meeting once = { .again = true };
	struct bytes request, reply;
	enum rc rc = RC_OK;

	memset(out, 0, sizeof(*out));
	bytes_init(&request);
	bytes_init(&reply);
	for (int i = 0; i < MEETINGS_MAX && once.again && rc == RC_OK; i++) {
		bytes_reset(&reply);
		if ((rc = authority_request(a, &request, &c->err)) != RC_OK ||
		    (rc = say(c, ctx, &request, &reply)) != RC_OK ||
		    (rc = authority_reply(a, reply.data, reply.len, &once, &c->err)) != RC_OK)
			break;
		once.certificates += out->certificates;
		once.admitted += out->admitted;
		*out = once;
	}
	bytes_reset(&request);
	bytes_reset(&reply);
	return rc;
}

static enum rc
say_here(struct operator *c, void *ctx, const struct bytes *request, struct bytes *reply)
{
	return relay_exchange(ctx, &c->clock, request->data, request->len, reply, &c->err);
}

enum rc
operator_meet_here(struct operator *c, struct authority *a, struct authority_meeting *out)
{
	char path[FILES_PATH_MAX];
	struct depot *depot = NULL;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if ((rc = operator_folder(c, "relay", path)) == RC_OK &&
	    (rc = depot_open(path, &depot, &c->err)) == RC_OK)
		rc = operator_meet(c, a, say_here, depot, out);
	depot_close(depot);
	return rc;
}

/* Before and after: what the relay does not take now it takes later. */
static enum rc
meet_if_here(struct operator *c, struct authority *a)
{
	struct authority_meeting m;
	enum rc rc;

	if (!operator_has_relay(c))
		return RC_OK;
	rc = operator_meet_here(c, a, &m);
	if (rc == RC_OK || rc == RC_CONFLICT || rc == RC_NOMEM)
		return rc;
	operator_warn(c, &c->err);
	error_clear(&c->err);
	return RC_OK;
}

enum rc
operator_with_authority(struct operator *c, enum rc (*act)(struct operator *, struct authority *))
{
	struct authority *a = NULL;
	uint64_t before;
	enum rc rc;

	if ((rc = operator_open_authority(c, &a)) != RC_OK)
		return rc;
	if ((rc = meet_if_here(c, a)) == RC_OK) {
		before = directory_count(authority_directory(a));
		rc = act(c, a);
		if (rc == RC_OK && directory_count(authority_directory(a)) != before)
			rc = meet_if_here(c, a);
	}
	operator_head_keep(c, a);
	authority_close(a);
	return rc;
}
