#include <stdlib.h>
#include <string.h>

#include "shared/base/files.h"
#include "shared/base/process.h"
#include "sync-server/operator.h"
#include "sync-server/operator_hub.h"
#include "sync-server/depot.h"
#include "sync-server/relay_http.h"

enum { HOST_MAX = 128, STEP_MS = 500, PORT_MAX = 65535,
	OTHER_FILES = 64 };

#define LISTEN_DEFAULT "127.0.0.1:8414"

/* "HOST:PORT" or "[HOST]:PORT". */
static enum rc
parse_listen(struct operator *c, char host[HOST_MAX], uint16_t *port)
{
	const char *text = c->options.listen != NULL ? c->options.listen : LISTEN_DEFAULT;
	const char *colon = strrchr(text, ':');
	size_t len = colon == NULL ? 0 : (size_t)(colon - text);
	long number;
	enum rc rc;

	*port = 0;
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (colon == NULL || len == 0 || len >= HOST_MAX)
		return error_set(&c->err, RC_USAGE, "listen", "write HOST:PORT",
		    "this is no address to listen on");
	memcpy(host, text, len);
	host[len] = '\0';
	rc = operator_number("listen", colon + 1, 0, PORT_MAX, 0, &number, &c->err);
	*port = (uint16_t)number;
	return rc;
}

/* Laptops speak plain HTTP only to their own machine: elsewhere it must be meant. */
static enum rc
check_plain(struct operator *c, const char *host)
{
	bool loopback = strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
	    strcmp(host, "localhost") == 0;

	if (loopback || c->options.tls || c->options.plain || c->options.tls_cert != NULL)
		return RC_OK;
	return error_set(&c->err, RC_USAGE, "listen",
	    "add --tls (or --tls-cert and --tls-key), or --plain if you mean it",
	    "other machines would speak to it without TLS");
}

/*
 * Two that serve one folder would each pace devices for itself, and a hub would hand everything on
 * twice.  The lock ends with the process, however it ends; other commands do not ask for it.
 */
static enum rc
serve_alone(struct operator *c, const char *folder, struct file_lock **lock)
{
	char path[FILES_PATH_MAX];
	enum rc rc = files_join(folder, "serving", path);

	*lock = NULL;
	if (rc == RC_OK)
		rc = files_lock(path, lock, &c->err);
	if (rc != RC_BUSY)
		return rc;
	error_clear(&c->err);
	return error_set(&c->err, RC_BUSY, folder, "stop the other sync-server serve first; all other"
	    " commands work beside it", "another process serves this folder already");
}

/* A full disk is no reason not to serve what is there. */
static enum rc
note_begin(const struct operator *c, const struct relay_http_config *config)
{
	enum rc rc = depot_begin(config->depot);

	if (rc == RC_OK)
		rc = depot_end(config->depot, depot_audit(config->depot, clock_now(&c->clock), "serve",
		    NULL, config->address));
	return rc == RC_FULL ? RC_OK : rc;
}

static enum rc
serve(struct operator *c, const char *folder, struct relay_http_config *config)
{
	struct operator_hub *hub = NULL;
	bool v6 = strchr(config->address, ':') != NULL;
	struct relay_http *http = NULL;
	struct file_lock *lock = NULL;
	enum rc rc, stopped;

	process_catch_stop();
	if ((rc = relay_http_open(config, &http, &c->err)) != RC_OK)
		return rc;
	/* the line is judged before the lock is: what is said wrongly is told beside a server, too */
	if ((rc = operator_hub_start(c, folder, &hub)) == RC_OK &&
	    (rc = serve_alone(c, folder, &lock)) == RC_OK && (rc = note_begin(c, config)) == RC_OK) {
		printf("listening on %s://%s%s%s:%u\n", config->tls_cert != NULL ? "https" : "http",
		    v6 ? "[" : "", config->address, v6 ? "]" : "", (unsigned)relay_http_port(http));
		fflush(stdout);
		while (!process_should_stop() && !operator_hub_ended(hub))
			relay_http_step(http, STEP_MS);
	}
	relay_http_close(http);
	stopped = operator_hub_stop(hub);
	files_unlock(lock);
	return rc != RC_OK ? rc : stopped;
}

/*
 * Who talks to everybody writes in its own folder alone, starts no program and looks into no
 * other process.  A kernel that cannot see to that is no reason not to serve.
 */
static void
confine(const char *folder)
{
	const char *places[] = { folder, "/dev/null" };

	(void)process_confine(places, sizeof(places) / sizeof(places[0]));
}

/* As many as the system gives files for. */
static unsigned
connections(void)
{
	unsigned files = process_allow_files(RELAY_HTTP_CONNECTIONS + OTHER_FILES);

	return files > 2 * OTHER_FILES ? files - OTHER_FILES : OTHER_FILES;
}

enum rc
operator_serve(struct operator *c)
{
	char folder[FILES_PATH_MAX], host[HOST_MAX], pin[OPERATOR_PIN_MAX];
	struct relay_http_config config = { .clock = c->clock, .address = host };
	struct bytes cert, key;
	struct depot *depot = NULL;
	uint64_t reserve;
	enum rc rc;

	bytes_init(&cert);
	bytes_init(&key);
	if ((rc = parse_listen(c, host, &config.port)) != RC_OK ||
	    (rc = operator_reserve(c, &reserve)) != RC_OK ||
	    (rc = check_plain(c, host)) != RC_OK ||
	    (rc = operator_folder(c, "relay", folder)) != RC_OK ||
	    (rc = operator_read_tls(c, folder, &key, &cert, pin)) != RC_OK)
		goto out;
	if (cert.len > 0) {
		config.tls_cert = bytes_cstr(&cert);
		config.tls_key = bytes_cstr(&key);
		if ((rc = cert.rc != RC_OK ? cert.rc : key.rc) != RC_OK)
			goto out;
		operator_note(c, pin, pin);
	}
	confine(folder);
	if ((rc = depot_open(folder, &depot, &c->err)) != RC_OK)
		goto out;
	depot_reserve(depot, reserve);
	config.depot = depot;
	config.connections_max = connections();
	rc = serve(c, folder, &config);
out:
	depot_close(depot);
	bytes_reset(&cert);
	bytes_wipe(&key);
	return rc;
}
