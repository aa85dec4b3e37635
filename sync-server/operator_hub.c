/* A hub: `join` makes its relay/ from an invitation, `serve` hands on what laptops leave. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/files.h"
#include "shared/base/process.h"
#include "shared/base/terminal.h"
#include "shared/base/thread.h"
#include "shared/sync/identity.h"
#include "shared/sync/transport.h"
#include "shared/vault/secret.h"
#include "sync-server/depot.h"
#include "sync-server/operator.h"
#include "sync-server/operator_hub.h"
#include "sync-server/relay_upstream.h"

enum {
	CODE_LINE_MAX = 128,
	STEP_MS = 500,
	EVERY_SECONDS = 60, EVERY_MAX = 86400,
	WAIT_MIN_MS = 5000, WAIT_MAX_MS = 600000,	/* after a failure; doubled each time */
	PARTING_MS = 2000
};

/* ---- join ---- */

static enum rc
read_code(struct operator *c, struct secret **out)
{
	struct secret *text = NULL;
	char line[CODE_LINE_MAX + 1] = "";
	size_t n;
	enum rc rc;

	*out = NULL;
	if (c->options.code_file != NULL) {
		if ((rc = secret_read_line(c->options.code_file, &text, &c->err)) != RC_OK)
			return rc;
		n = secret_len(text) < CODE_LINE_MAX ? secret_len(text) : CODE_LINE_MAX;
		memcpy(line, secret_bytes(text), n);
	} else if ((rc = terminal_ask_secret(c->vietnamese ? "Mã trên giấy: " : "Code on paper: ",
	    line, sizeof(line), &c->err)) != RC_OK) {
		return rc;
	}
	rc = secret_code_read(line, IDENTITY_CODE_BYTES, out);
	secret_wipe(line, sizeof(line));
	secret_free(text);
	return rc == RC_OK || rc == RC_NOMEM ? rc : error_set(&c->err, RC_AUTH, "",
	    "type it again from the paper, group by group", "this is not the code");
}

static enum rc
open_parcel(struct operator *c, struct invitation_parcel *parcel)
{
	struct secret *code = NULL;
	struct bytes file;
	enum rc rc;

	bytes_init(&file);
	if ((rc = files_read(c->options.args[0], IDENTITY_FILE_MAX, &file, &c->err)) == RC_OK &&
	    (rc = read_code(c, &code)) == RC_OK)
		rc = identity_parcel_open(file.data, file.len, code, parcel, &c->err);
	secret_free(code);
	bytes_reset(&file);
	return rc;
}

static enum rc
add_own_certificate(struct depot *depot, const struct invitation_parcel *parcel, int64_t now,
    struct error *err)
{
	struct bytes certificate;
	bool added;
	enum rc rc;

	bytes_init(&certificate);
	rc = identity_certificate_make(depot_identity(depot), parcel->invitation.data,
	    parcel->invitation.len, parcel->seed, now, (const uint8_t *)"", 0, &certificate);
	if (rc == RC_OK)
		rc = depot_add_certificate(depot, certificate.data, certificate.len, now, &added, err);
	bytes_reset(&certificate);
	return rc;
}

static enum rc
fill(struct depot *depot, const struct invitation_parcel *parcel, int64_t now,
    struct invitation *inv, struct error *err)
{
	bool forked, added;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < parcel->n_statements && rc == RC_OK; i++)
		rc = depot_add_statement(depot, parcel->statements[i].data, parcel->statements[i].len,
		    &forked, err);
	if (rc == RC_OK)
		rc = identity_invitation_read(parcel->invitation.data, parcel->invitation.len,
		    directory_root(depot_directory(depot)), inv);
	if (rc != RC_OK)
		return *err->what != '\0' ? rc : error_set(err, rc, "invitation",
		    "ask for a new invitation", "the invitation is not signed by its province");
	if (inv->role != ROLE_RELAY)
		return error_set(err, RC_DENIED, "invitation", "use field join",
		    "this invitation is for a person's laptop");
	for (size_t i = 0; i < parcel->n_certificates && rc == RC_OK; i++)
		rc = depot_add_certificate(depot, parcel->certificates[i].data,
		    parcel->certificates[i].len, now, &added, err);
	if (rc == RC_OK)
		rc = add_own_certificate(depot, parcel, now, err);
	if (rc == RC_OK)
		rc = depot_keep(depot, "url", parcel->url, strlen(parcel->url));
	if (rc == RC_OK)
		rc = depot_keep(depot, "pin", parcel->pin, strlen(parcel->pin));
	return rc;
}

/* What failed to begin leaves nothing. */
static void
take_back(const char *folder)
{
	char path[FILES_PATH_MAX];
	struct error ignored = { 0 };
	char **names = NULL;
	size_t n = 0;

	if (files_list(folder, &names, &n, &ignored) != RC_OK)
		return;
	for (size_t i = 0; i < n; i++)
		if (files_join(folder, names[i], path) == RC_OK &&
		    files_remove(path, &ignored) != RC_OK)
			error_clear(&ignored);
	files_names_free(names, n);
}

enum rc
operator_hub_join(const char *folder, const struct invitation_parcel *parcel, int64_t now,
    struct invitation *inv, uint8_t device[IDENTITY_ID_BYTES], struct error *err)
{
	struct depot *depot = NULL;
	enum rc rc;

	memset(inv, 0, sizeof(*inv));
	memset(device, 0, IDENTITY_ID_BYTES);
	if ((rc = depot_create(folder, parcel->province, NULL, err)) != RC_OK)
		return rc;
	if ((rc = depot_open(folder, &depot, err)) == RC_OK && (rc = depot_begin(depot)) == RC_OK)
		rc = depot_end(depot, fill(depot, parcel, now, inv, err));
	if (rc == RC_OK)
		memcpy(device, depot_identity(depot)->device, IDENTITY_ID_BYTES);
	depot_close(depot);
	if (rc != RC_OK)
		take_back(folder);
	return rc;
}

enum rc
operator_join(struct operator *c)
{
	struct invitation_parcel parcel;
	struct invitation inv;
	uint8_t device[IDENTITY_ID_BYTES];
	char folder[FILES_PATH_MAX], hex[2 * IDENTITY_ID_BYTES + 1];
	enum rc rc;

	memset(&parcel, 0, sizeof(parcel));
	if ((rc = operator_folder(c, "relay", folder)) != RC_OK)
		return rc;
	if (files_exists(folder) && operator_has_relay(c))
		return error_set(&c->err, RC_EXISTS, folder, "use another --dir",
		    "there is a relay here already");
	if ((rc = open_parcel(c, &parcel)) != RC_OK)
		goto out;
	if ((rc = operator_hub_join(folder, &parcel, clock_now(&c->clock), &inv, device, &c->err)) != RC_OK)
		goto out;
	bytes_hex(device, IDENTITY_ID_BYTES, hex);
	if (c->options.json)
		rc = operator_print_object(c, json_pack("{s:s, s:s, s:s}", "device", hex, "unit", inv.unit,
		    "role", identity_role_name(inv.role)), NULL, 0);
	else
		printf("%s %s %s\n", hex, inv.unit, identity_role_name(inv.role));
out:
	identity_parcel_reset(&parcel);
	return rc;
}

/* ---- handing on ---- */

struct operator_hub {
	struct operator *c;
	struct depot *depot;
	struct relay_upstream *upstream;
	struct transport *transport;
	struct thread_lock *lock;
	int64_t every_ms;
	bool stop, done;		/* in the lock */
	enum rc ended;			/* why it gave up for good */
	struct error err;
	enum rc said;			/* the last trouble that was told */
};

static bool
should_stop(struct operator_hub *h)
{
	bool stop;

	thread_lock_enter(h->lock);
	stop = h->stop;
	thread_lock_leave(h->lock);
	return stop || process_should_stop();
}

/* A trouble is told once, until it is over. */
static void
tell(struct operator_hub *h, enum rc rc, const struct relay_upstream_result *r)
{
	if (rc != RC_OK && rc != h->said) {
		rc = error_set(&h->err, rc, transport_url(h->transport), NULL, "%s", rc_name(rc));
		operator_warn(h->c, &h->err);
	}
	if (rc == RC_OK && h->said != RC_OK)
		operator_note(h->c, "đã nối lại với máy chủ cấp trên", "the server above answers again");
	if (rc == RC_OK && r->waits)
		operator_note(h->c, "trạm này đang chờ tỉnh chấp nhận",
		    "this hub waits to be admitted by the province");
	h->said = rc;
}

static void
run(void *ctx)
{
	struct operator_hub *h = ctx;
	struct relay_upstream_result r;
	int64_t next = 0, wait = WAIT_MIN_MS;
	bool news = false;
	enum rc rc = RC_OK;

	while (!should_stop(h)) {
		if (rc == RC_OK && relay_upstream_has_news(h->upstream, &news) != RC_OK)
			news = false;
		if (clock_monotonic_ms() < next && !(news && rc == RC_OK && !r.full)) {
			clock_pause_ms(STEP_MS);
			continue;
		}
		error_clear(&h->err);
		rc = relay_upstream_sync(h->upstream, h->transport, &r, &h->err);
		tell(h, rc, &r);
		if (rc == RC_DENIED || rc == RC_CONFIG)
			break;
		next = clock_monotonic_ms() + (rc == RC_OK ? h->every_ms : wait);
		wait = rc == RC_OK ? WAIT_MIN_MS : wait < WAIT_MAX_MS / 2 ? 2 * wait : WAIT_MAX_MS;
	}
	thread_lock_enter(h->lock);
	h->ended = rc == RC_DENIED || rc == RC_CONFIG ? rc : RC_OK;
	h->done = true;
	thread_lock_wake(h->lock);
	thread_lock_leave(h->lock);
}

static enum rc
kept_text(struct depot *depot, const char *name, char *out, size_t max)
{
	struct bytes b;
	enum rc rc;

	*out = '\0';
	bytes_init(&b);
	rc = depot_kept(depot, name, &b);
	if (rc == RC_OK && b.len < max && b.len > 0) {
		memcpy(out, b.data, b.len);
		out[b.len] = '\0';
	}
	bytes_reset(&b);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* Only what was made from a relay's invitation has a place below another server. */
static enum rc
need_hub(struct operator *c, struct depot *depot)
{
	struct bytes b;
	enum rc rc;

	bytes_init(&b);
	rc = depot_kept(depot, "url", &b);
	bytes_reset(&b);
	return rc != RC_NOTFOUND ? rc : error_set(&c->err, RC_CONFIG, "upstream",
	    "make a hub with sync-server join INVITATION, in a folder of its own",
	    "this relay is the province's own and no hub");
}

/* The address on the line, else the one of the invitation; "" is no hub. */
static enum rc
address_of(struct operator *c, struct depot *depot, char url[TRANSPORT_URL_MAX + 1],
    char pin[OPERATOR_PIN_MAX])
{
	char given[OPERATOR_PIN_MAX];
	enum rc rc;

	if ((rc = kept_text(depot, "url", url, TRANSPORT_URL_MAX + 1)) != RC_OK ||
	    (rc = kept_text(depot, "pin", pin, OPERATOR_PIN_MAX)) != RC_OK ||
	    (rc = operator_read_pin(c, given)) != RC_OK)
		return rc;
	if (c->options.pin != NULL)
		memcpy(pin, given, sizeof(given));
	if (c->options.upstream == NULL)
		return RC_OK;
	if ((rc = need_hub(c, depot)) != RC_OK)
		return rc;
	if (strlen(c->options.upstream) > TRANSPORT_URL_MAX)
		return error_set(&c->err, RC_LIMIT, "upstream", "give a shorter address",
		    "the address is too long");
	strcpy(url, c->options.upstream);
	return RC_OK;
}

static void
hub_free(struct operator_hub *h)
{
	relay_upstream_free(h->upstream);
	transport_close(h->transport);
	depot_close(h->depot);
	thread_lock_free(h->lock);
	free(h);
}

enum rc
operator_hub_start(struct operator *c, const char *folder, struct operator_hub **out)
{
	struct operator_hub *h = calloc(1, sizeof(*h));
	char url[TRANSPORT_URL_MAX + 1], pin[OPERATOR_PIN_MAX];
	long every = 0;
	enum rc rc;

	*out = NULL;
	if (h == NULL)
		return RC_NOMEM;
	h->c = c;
	if ((rc = operator_number("every", c->options.every, 1, EVERY_MAX, EVERY_SECONDS, &every,
	    &c->err)) != RC_OK || (rc = depot_open(folder, &h->depot, &c->err)) != RC_OK ||
	    (rc = address_of(c, h->depot, url, pin)) != RC_OK || *url == '\0')
		goto out;
	h->every_ms = (int64_t)every * 1000;
	if ((rc = transport_open(url, pin, c->options.plain, &h->transport, &c->err)) != RC_OK)
		goto out;
	transport_speak(h->transport, c->vietnamese);
	if ((rc = relay_upstream_new(h->depot, &c->clock, &h->upstream)) != RC_OK ||
	    (rc = thread_lock_new(&h->lock)) != RC_OK || (rc = thread_start(run, h)) != RC_OK)
		goto out;
	*out = h;
	return RC_OK;
out:
	hub_free(h);
	return rc;
}

bool
operator_hub_ended(struct operator_hub *h)
{
	bool done;

	if (h == NULL)
		return false;
	thread_lock_enter(h->lock);
	done = h->done;
	thread_lock_leave(h->lock);
	return done;
}

enum rc
operator_hub_stop(struct operator_hub *h)
{
	int64_t end = clock_monotonic_ms() + PARTING_MS, left;
	struct operator *c;
	enum rc rc = RC_OK;
	bool done;

	if (h == NULL)
		return RC_OK;
	c = h->c;
	thread_lock_enter(h->lock);
	h->stop = true;
	while (!h->done && (left = end - clock_monotonic_ms()) > 0)
		thread_lock_wait(h->lock, left);
	done = h->done;
	if (done && h->ended != RC_OK) {
		rc = h->ended;
		c->err = h->err;
	}
	thread_lock_leave(h->lock);
	if (done)	/* else it waits for the network: what it had is committed, the process ends */
		hub_free(h);
	return rc;
}
