/*
 * ingest: what the relay takes in, through HTTP on loopback, from simulated devices that
 * sign every request and wait for every reply.  Each frame is a real one; a reply counts
 * only if its signed receipt names every frame that was handed in.
 *
 *   ingest rates [SECONDS]    entries and frames a second, for each size and number of devices
 *   ingest memory [FRAMES]    memory of the relay against devices and stored frames
 *
 * The frames go into a scope that their devices may write and not read, so that replies hold
 * receipts and nothing else.  The relay is a process of its own, so that its time and its
 * memory are its own.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shared/sync/transport.h"
#include "shared/vault/secret.h"
#include "sync-server/relay_http.h"
#include "tests/support/relay_world.h"

enum {
	DEVICES_MAX = 1000,
	STORING = 10,			/* devices that hand in, where memory is measured */
	FRAMES_A_REQUEST = 64,
	STEP_MS = 200,
	BYTES_AN_ENTRY = 12,		/* as a first push of 20,000 records has it */
	BYTES_A_FRAME = 160,
	NS_A_SECOND = 1000000000
};

#define MUST(condition) must((condition), #condition, __LINE__)

static void
must(bool held, const char *what, int line)
{
	if (held)
		return;
	fprintf(stderr, "ingest.c:%d: %s\n", line, what);
	exit(70);
}

static double
seconds_now(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / NS_A_SECOND;
}

/* ---- the relay, in a process of its own ---- */

struct relay_process { pid_t pid; char url[64]; };

static volatile sig_atomic_t stop;

static void
on_term(int signal)
{
	(void)signal;
	stop = 1;
}

static void
be_the_relay(struct world *w, int say)
{
	struct relay_http_config config = { .clock = clock_fixed(&w->now), .address = "127.0.0.1",
		.per_minute = 1U << 30, .bytes_a_day = UINT64_MAX / 4,
		.per_address_max = 2 * DEVICES_MAX };
	struct relay_http *http = NULL;
	uint16_t port;

	signal(SIGTERM, on_term);
	MUST(depot_open(w->dir, &config.depot, NULL) == RC_OK);
	MUST(relay_http_open(&config, &http, NULL) == RC_OK);
	port = relay_http_port(http);
	MUST(write(say, &port, sizeof(port)) == sizeof(port));
	while (!stop)
		relay_http_step(http, STEP_MS);
	relay_http_close(http);
	depot_close(config.depot);
}

static void
relay_start(struct world *w, struct relay_process *out)
{
	uint16_t port;
	int fds[2];

	MUST(pipe(fds) == 0);
	fflush(NULL);
	MUST((out->pid = fork()) >= 0);
	if (out->pid == 0) {
		be_the_relay(w, fds[1]);
		_exit(0);
	}
	MUST(read(fds[0], &port, sizeof(port)) == sizeof(port));
	close(fds[0]);
	close(fds[1]);
	snprintf(out->url, sizeof(out->url), "http://127.0.0.1:%u", (unsigned)port);
}

static void
relay_stop(struct relay_process *r)
{
	int status;

	kill(r->pid, SIGTERM);
	MUST(waitpid(r->pid, &status, 0) == r->pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0);
}

/* Its processor time so far, in seconds. */
static double
relay_seconds(const struct relay_process *r)
{
	unsigned long user = 0, kernel = 0;
	char path[64], line[1024], *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)r->pid);
	MUST((f = fopen(path, "r")) != NULL);
	MUST(fgets(line, sizeof(line), f) != NULL);
	fclose(f);
	MUST((p = strrchr(line, ')')) != NULL);
	MUST(sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) == 2);
	return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

/* Kilobytes of a kind of memory. */
static long
relay_memory(const struct relay_process *r, const char *kind)
{
	char path[64], line[256];
	long kb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)r->pid);
	MUST((f = fopen(path, "r")) != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, kind, strlen(kind)) == 0)
			kb = strtol(line + strlen(kind) + 1, NULL, 10);
	fclose(f);
	return kb;
}

/* ---- devices ---- */

struct sender {
	struct worker worker;
	struct transport *line;
	struct bytes *items;		/* of each request, made before the clock runs */
	size_t n_requests, frames;	/* frames of each */
};

static enum rc
keep(void *ctx, const void *p, size_t len)
{
	struct bytes *b = ctx;

	bytes_put(b, p, len);
	return b->rc;
}

/* One request, and its reply, which must confirm all of it. */
static void
say(struct sender *s, const struct bytes *items, size_t frames)
{
	struct bytes request = worker_request(&s->worker, items, true), reply = { 0 };
	struct heard a = { 0 };
	struct error err = { 0 };

	MUST(transport_post(s->line, "/sync", request.data, request.len, keep, &reply, &err) == RC_OK);
	world_take_reply(s->worker.world, reply.data, reply.len, &a);
	MUST(a.ended && a.welcome.status == STATUS_OK && a.n_receipted == frames);
	worker_learn(&s->worker, &a);
	heard_reset(&a);
	bytes_reset(&reply);
	bytes_reset(&request);
}

static void *
send_all(void *ctx)
{
	struct sender *s = ctx;

	for (size_t i = 0; i < s->n_requests; i++)
		say(s, &s->items[i], s->frames);
	return NULL;
}

static void
sender_open(struct world *w, const char *url, struct sender *s)
{
	struct error err = { 0 };

	memset(s, 0, sizeof(*s));
	worker_join(w, "24.1.1", ROLE_COMMUNICATOR, &s->worker);
	MUST(transport_open(url, "", false, &s->line, &err) == RC_OK);
	say(s, NULL, 0);		/* the relay takes its certificate */
}

/* Requests of so many frames of so many entries, ready to go. */
static void
sender_fill(struct sender *s, size_t requests, size_t frames, unsigned entries)
{
	struct bytes frame;

	s->frames = frames;
	s->n_requests = requests;
	MUST((s->items = calloc(requests + 1, sizeof(*s->items))) != NULL);
	for (size_t i = 0; i < requests * frames; i++) {
		frame = worker_frame(&s->worker, "24.1.1", 1, 1, entries,
		    BYTES_A_FRAME + (size_t)entries * BYTES_AN_ENTRY);
		exchange_put(&s->items[i / frames], ITEM_FRAME, frame.data, frame.len);
		bytes_reset(&frame);
	}
}

static void
sender_empty(struct sender *s)
{
	for (size_t i = 0; i < s->n_requests; i++)
		bytes_reset(&s->items[i]);
	free(s->items);
	s->items = NULL;
	s->n_requests = 0;
}

static void
sender_close(struct sender *s)
{
	sender_empty(s);
	transport_close(s->line);
	worker_close(&s->worker);
}

/* All of them at once; gives seconds. */
static double
run(struct sender *s, size_t n)
{
	pthread_t *threads = calloc(n, sizeof(*threads));
	double start = seconds_now();

	MUST(threads != NULL);
	for (size_t i = 0; i < n; i++)
		MUST(pthread_create(&threads[i], NULL, send_all, &s[i]) == 0);
	for (size_t i = 0; i < n; i++)
		MUST(pthread_join(threads[i], NULL) == 0);
	free(threads);
	return seconds_now() - start;
}

/* ---- rates ---- */

struct rate { unsigned entries; size_t devices, frames; };

/*
 * The relay is asked for about so many seconds: a first, short part tells how many requests
 * that is.
 */
static void
measure(const struct rate *r, double wanted)
{
	struct sender *s = calloc(r->devices, sizeof(*s));
	struct relay_process relay;
	struct world w;
	double spent, cpu = 0;
	size_t requests = 1 + 20 / r->devices, sent;

	MUST(s != NULL);
	world_open(&w);
	relay_start(&w, &relay);
	for (size_t i = 0; i < r->devices; i++)
		sender_open(&w, relay.url, &s[i]);
	MUST(depot_refresh(w.depot) == RC_OK);
	for (unsigned round = 0; ; round++) {
		for (size_t i = 0; i < r->devices; i++)
			sender_fill(&s[i], requests, r->frames, r->entries);
		cpu = relay_seconds(&relay);
		spent = run(s, r->devices);
		cpu = relay_seconds(&relay) - cpu;
		sent = requests * r->devices * r->frames;
		for (size_t i = 0; i < r->devices; i++)
			sender_empty(&s[i]);
		if (round == 1)
			break;
		requests = 1 + (size_t)((double)requests * wanted / (spent + 0.001));
	}
	printf("%8u %8zu %8zu %10.0f %10.0f %12.0f %14.0f\n", r->entries, r->devices, r->frames,
	    (double)(sent / r->frames) / spent, (double)sent / spent,
	    (double)(sent * r->entries) / spent, cpu > 0 ? (double)(sent * r->entries) / cpu : 0);
	fflush(stdout);
	for (size_t i = 0; i < r->devices; i++)
		sender_close(&s[i]);
	relay_stop(&relay);
	world_close(&w);
	free(s);
}

static void
rates(double seconds)
{
	static const unsigned entries[] = { 1, 20, 500 };
	static const size_t devices[] = { 1, 10, 100 }, frames[] = { 1, 16 };

	printf("%8s %8s %8s %10s %10s %12s %14s\n", "entries", "devices", "frames", "requests",
	    "frames", "entries", "entries a s of");
	printf("%8s %8s %8s %10s %10s %12s %14s\n", "a frame", "", "a req.", "a second", "a second",
	    "a second", "the relay's CPU");
	for (size_t f = 0; f < 2; f++)
		for (size_t e = 0; e < 3; e++)
			for (size_t d = 0; d < 3; d++) {
				struct rate r = { entries[e], devices[d], frames[f] };

				measure(&r, seconds);
			}
}

/* ---- memory ---- */

static void
tell_memory(const struct world *w, const struct relay_process *r, size_t devices, size_t open)
{
	struct depot_counts c;

	MUST(depot_count(w->depot, &c) == RC_OK);
	printf("%8zu %12zu %10llu %12.1f %10.1f %10.1f\n", devices, open,
	    (unsigned long long)c.served, (double)c.bytes / (1 << 20),
	    (double)relay_memory(r, "VmRSS:") / 1024, (double)relay_memory(r, "RssAnon:") / 1024);
	fflush(stdout);
}

/* All devices have come; ten of them hand in until so many frames are stored. */
static size_t
store(struct sender *s, size_t stored, size_t wanted)
{
	while (stored < wanted) {
		for (size_t i = 0; i < STORING; i++)
			sender_fill(&s[i], 1, FRAMES_A_REQUEST, 20);
		run(s, STORING);
		for (size_t i = 0; i < STORING; i++)
			sender_empty(&s[i]);
		stored += STORING * FRAMES_A_REQUEST;
	}
	return stored;
}

static void
memory(size_t frames_max)
{
	static const size_t steps[] = { 10, 100, DEVICES_MAX };
	struct sender *s = calloc(DEVICES_MAX, sizeof(*s));
	struct relay_process relay;
	struct world w;
	size_t n = 0, stored = 0;

	MUST(s != NULL);
	world_open(&w);
	relay_start(&w, &relay);
	printf("%8s %12s %10s %12s %10s %10s\n", "devices", "connections", "frames", "MB of them",
	    "MB", "own MB");
	tell_memory(&w, &relay, 0, 0);
	for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
		for (; n < steps[k]; n++) {
			sender_open(&w, relay.url, &s[n]);
			if (n >= STORING) {	/* it has said what it had, and hangs up */
				transport_close(s[n].line);
				s[n].line = NULL;
			}
		}
		tell_memory(&w, &relay, n, STORING);
	}
	MUST(depot_refresh(w.depot) == RC_OK);
	for (size_t wanted = frames_max / 100; wanted <= frames_max; wanted *= 10) {
		stored = store(s, stored, wanted);
		tell_memory(&w, &relay, n, STORING);
	}
	for (size_t i = STORING; i < n; i++) {
		struct error err = { 0 };

		MUST(transport_open(relay.url, "", false, &s[i].line, &err) == RC_OK);
		say(&s[i], NULL, 0);
	}
	tell_memory(&w, &relay, n, n);
	for (size_t i = 0; i < n; i++)
		sender_close(&s[i]);
	relay_stop(&relay);
	world_close(&w);
	free(s);
}

int
main(int argc, char **argv)
{
	double number = argc > 2 ? strtod(argv[2], NULL) : 0;

	MUST(argc > 1 && secret_start() == RC_OK);
	if (strcmp(argv[1], "rates") == 0)
		rates(number > 0 ? number : 1);
	else if (strcmp(argv[1], "memory") == 0)
		memory(number >= 1000 ? (size_t)number : 50000);
	else
		return 64;
	return 0;
}
