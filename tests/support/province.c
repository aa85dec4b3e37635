#include "tests/support/province.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/forms/answers.h"
#include "shared/records/fold.h"
#include "shared/sync/seal.h"
#include "shared/sync/transport.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/depot.h"
#include "sync-server/relay.h"
#include "sync-server/relay_http.h"

const char *const PROVINCE_VISIT[] = {
	"date", "2026-01-20", "commune_code", "06001", "village", "thôn Bản Chu", "kind", "HOUSEHOLD",
	"persons_m", "3", "persons_f", "5", "topics", "TRICKS", "note", "Bà con hỏi về việc làm ở xa.", NULL
};
const char *const PROVINCE_PERSON[] = {
	"full_name", "Đặng Thị Hòa", "sex", "F", "birth_date", "1998", "phone", "0912345678", NULL
};

static const char units_csv[] =
    "code,full_name_vi,name_vi,level,kind,parent_code\n"
    "20,Tỉnh Lạng Sơn,Lạng Sơn,PROV,TINH,\n"
    "06001,Xã Thử Một,Thử Một,COMM,XA,20\n"
    "06002,Xã Thử Hai,Thử Hai,COMM,XA,20\n";

static void
must(enum rc rc, const struct error *err, const char *doing)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "province: %s: %s (%s: %s)\n", doing, rc_name(rc),
	    err == NULL ? "" : err->what, err == NULL ? "" : err->where);
	abort();
}

static struct secret *
master_key(void)
{
	uint8_t key[SECRET_KEY_BYTES];
	struct secret *s = NULL;

	memset(key, 7, sizeof(key));
	must(secret_from(key, sizeof(key), &s), NULL, "master key");
	return s;
}

static void
remove_tree(const char *dir)
{
	char path[700];
	struct dirent *e;
	struct stat st;
	DIR *d = opendir(dir);

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
			remove_tree(path);
		else
			unlink(path);
	}
	if (d != NULL)
		closedir(d);
	rmdir(dir);
}

void
province_serve(struct province *p)
{
	struct relay_http_config config = { .clock = p->clock, .address = "127.0.0.1",
		.per_minute = 100000 };
	char dir[300];
	struct error err = { 0 };

	snprintf(dir, sizeof(dir), "%s/relay", p->dir);
	must(depot_open(dir, &p->served, &err), &err, "open the depot");
	config.depot = p->served;
	must(relay_http_open(&config, &p->http, &err), &err, "listen");
	must(relay_http_start(p->http), NULL, "serve");
	snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%u", (unsigned)relay_http_port(p->http));
}

void
province_stop_relay(struct province *p)
{
	relay_http_close(p->http);
	depot_close(p->served);
	p->http = NULL;
	p->served = NULL;
}

void
province_meet(struct province *p)
{
	struct authority_meeting m;
	struct bytes request, reply;
	struct error err = { 0 };

	do {
		bytes_init(&request);
		bytes_init(&reply);
		must(authority_request(p->authority, &request, &err), &err, "ask the relay");
		must(relay_exchange(p->depot, &p->clock, request.data, request.len, &reply, &err),
		    &err, "the relay's side");
		must(authority_reply(p->authority, reply.data, reply.len, &m, &err), &err,
		    "the relay's answer");
		bytes_reset(&request);
		bytes_reset(&reply);
	} while (m.again);
}

static void
make_authority(struct province *p)
{
	struct authority_import units;
	struct secret *key = master_key();
	struct vault *v = NULL;
	char dir[300];
	bool changed;
	struct error err = { 0 };

	snprintf(dir, sizeof(dir), "%s/authority", p->dir);
	must(vault_create_with_master(dir, key, &v, &err), &err, "authority's vault");
	secret_free(key);
	must(authority_create(v, "Lạng Sơn", &p->clock, &p->authority, &err), &err, "authority");
	must(authority_import_units(p->authority, "units.csv", (const uint8_t *)units_csv,
	    sizeof(units_csv) - 1, NULL, &units, &err), &err, "units");
	must(authority_publish_shipped(p->authority, &changed, &err), &err, "forms");
}

static void
make_relay(struct province *p)
{
	struct secret *seed = NULL;
	struct bytes cert;
	uint8_t province[8];
	char dir[300];
	struct error err = { 0 };

	snprintf(dir, sizeof(dir), "%s/relay", p->dir);
	must(secret_random(SECRET_KEY_BYTES, &seed), NULL, "relay key");
	directory_province(authority_directory(p->authority), province);
	must(depot_create(dir, province, seed, &err), &err, "depot");
	secret_free(seed);
	must(depot_open(dir, &p->depot, &err), &err, "open the depot");
	bytes_init(&cert);
	must(authority_admit_relay(p->authority, depot_identity(p->depot), &cert, &err), &err,
	    "admit the relay");
	bytes_reset(&cert);
}

static int64_t
read_now(void *ctx)
{
	return *(int64_t *)ctx;
}

void
province_start(struct province *p)
{
	const char *tmp = getenv("TMPDIR");

	memset(p, 0, sizeof(*p));
	must(secret_start(), NULL, "start");
	p->now = 1770000000;
	p->clock.now = read_now;
	p->clock.ctx = &p->now;
	snprintf(p->dir, sizeof(p->dir), "%s/province-XXXXXX", tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(p->dir) == NULL)
		must(RC_IO, NULL, "temporary folder");
	make_authority(p);
	make_relay(p);
	province_meet(p);
	province_serve(p);
}

void
province_open_authority(struct province *p)
{
	struct secret *key = master_key();
	struct vault *v = NULL;
	char dir[300];
	struct error err = { 0 };

	snprintf(dir, sizeof(dir), "%s/authority", p->dir);
	must(vault_open_with_master(dir, key, &v, &err), &err, "authority's vault");
	secret_free(key);
	must(authority_open(v, &p->clock, &p->authority, &err), &err, "authority");
}

void
province_copy(const struct province *p, const char *from, const char *to)
{
	char command[800];

	snprintf(command, sizeof(command), "cd '%s' && rm -rf '%s' && cp -r '%s' '%s'", p->dir, to, from, to);
	if (system(command) != 0)
		must(RC_IO, NULL, "copy a folder");
}

void
province_retire(struct province *p, struct workspace *ws)
{
	struct error err = { 0 };
	size_t n;

	must(authority_retire(p->authority, replica_device(ws->replica), "mất máy", &n, &err), &err,
	    "retire");
	if (n == 0)
		must(RC_INTERNAL, NULL, "no key changed with the retirement");
	province_meet(p);
}

void
province_end(struct province *p)
{
	province_stop_relay(p);
	depot_close(p->depot);
	authority_close(p->authority);
	remove_tree(p->dir);
}

int
province_set_up(void **state)
{
	struct province *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -1;
	province_start(p);
	*state = p;
	return 0;
}

int
province_tear_down(void **state)
{
	province_end(*state);
	free(*state);
	return 0;
}

void
province_device_dir(const struct province *p, unsigned n, char out[300])
{
	snprintf(out, 300, "%s/device%u", p->dir, n);
}

struct workspace *
province_open(struct province *p, const char *dir)
{
	struct secret *key = master_key();
	struct workspace *ws = NULL;
	struct vault *v = NULL;
	struct error err = { 0 };

	must(vault_open_with_master(dir, key, &v, &err), &err, "open a vault");
	secret_free(key);
	must(workspace_adopt(dir, v, &ws, &err), &err, "open a workspace");
	ws->clock = p->clock;
	return ws;
}

struct workspace *
province_device(struct province *p, const char *unit, enum identity_role role, const char *name)
{
	struct authority_invite invite = { unit, role, name, 14, p->url, "" };
	struct invitation_parcel parcel;
	struct bytes file;
	struct secret *code = NULL, *key = master_key();
	struct vault *v = NULL;
	struct workspace *ws = NULL;
	uint8_t id[16];
	char dir[300];
	struct error err = { 0 };

	province_device_dir(p, p->n_devices++, dir);
	bytes_init(&file);
	must(authority_invite(p->authority, &invite, id, &file, &code, &err), &err, "invite");
	must(identity_parcel_open(file.data, file.len, code, &parcel, &err), &err, "parcel");
	must(vault_create_with_master(dir, key, &v, &err), &err, "device's vault");
	must(replica_join(v, &parcel, &p->clock, &err), &err, "join");
	must(workspace_adopt(dir, v, &ws, &err), &err, "open a workspace");
	ws->clock = p->clock;
	identity_parcel_reset(&parcel);
	bytes_reset(&file);
	secret_free(code);
	secret_free(key);
	province_meet(p);
	return ws;
}

enum rc
province_try_sync(struct province *p, struct workspace *ws, struct replica_sync_result *out,
    struct error *err)
{
	return workspace_sync(ws, p->url, out, err);
}

struct replica_sync_result
province_sync(struct province *p, struct workspace *ws)
{
	struct replica_sync_result r;
	struct error err = { 0 };

	must(province_try_sync(p, ws, &r, &err), &err, "sync");
	return r;
}

static enum rc
fill(struct answers *a, const char *const *pairs, struct error *err)
{
	enum rc rc = RC_OK;

	for (; *pairs != NULL && rc == RC_OK; pairs += 2)
		rc = answers_add(a, pairs[0], pairs[1], err);
	return rc;
}

struct dot
province_add(struct workspace *ws, const char *form, const char *const *pairs)
{
	struct record_context c = workspace_records(ws, FORM_EN);
	struct answers *a = NULL;
	struct dot id = { 0, 0 };
	struct error err = { 0 };
	enum rc rc;

	must(answers_new(form_set_find(c.forms, form), c.forms, &a), NULL, "answers");
	must(fill(a, pairs, &err), &err, "answer");
	must(workspace_begin(ws, &err), &err, "begin");
	rc = record_create(&c, NULL, a, &id, &err);
	must(workspace_end(ws, rc, &err), &err, "save");
	answers_free(a);
	return id;
}

struct dot
province_edit(struct workspace *ws, struct dot id, const char *seen, const char *name,
    const char *value)
{
	struct record_context c = workspace_records(ws, FORM_EN);
	struct record_view view;
	struct answers *a = NULL;
	struct dot dot = { 0, 0 };
	struct error err = { 0 };
	enum rc rc;

	must(record_show(&c, &id, &view, &err), &err, "show");
	must(answers_new(view.form, c.forms, &a), NULL, "answers");
	must(answers_add(a, name, value, &err), &err, "answer");
	must(workspace_begin(ws, &err), &err, "begin");
	rc = record_edit(&c, &id, a, seen, "kiểm tra", &dot, &err);
	must(workspace_end(ws, rc, &err), &err, "edit");
	answers_free(a);
	record_view_reset(&view);
	return dot;
}

char *
province_seen(struct workspace *ws, struct dot id)
{
	struct record_context c = workspace_records(ws, FORM_EN);
	struct record_view view;
	struct error err = { 0 };
	char *seen;

	must(record_show(&c, &id, &view, &err), &err, "show");
	seen = strdup(view.seen);
	record_view_reset(&view);
	return seen;
}

size_t
province_values(struct workspace *ws, struct dot id, const char *field, char shown[200])
{
	struct record_context c = workspace_records(ws, FORM_EN);
	const struct record_field *f;
	struct record_view view;
	struct error err = { 0 };
	size_t n = 0;

	shown[0] = '\0';
	must(record_show(&c, &id, &view, &err), &err, "show");
	f = record_view_field(&view, field);
	for (size_t i = 0; f != NULL && i < f->n_values; i++) {
		if (f->values[i].shown)
			snprintf(shown, 200, "%s", f->values[i].text);
		n++;
	}
	record_view_reset(&view);
	return n;
}

void
province_digest(struct workspace *ws, uint8_t out[32])
{
	struct error err = { 0 };

	must(fold_digest(vault_db(ws->vault), out, &err), &err, "digest");
}

bool
province_same_fold(struct workspace *a, struct workspace *b)
{
	uint8_t x[32], y[32];

	province_digest(a, x);
	province_digest(b, y);
	return memcmp(x, y, sizeof(x)) == 0;
}

struct replica_status
province_status(struct workspace *ws)
{
	struct replica_status s;
	struct error err = { 0 };

	must(replica_status(ws->replica, &s, &err), &err, "status");
	return s;
}

uint64_t
province_count(struct workspace *ws, const char *sql)
{
	struct error err = { 0 };
	int64_t n;

	must(query_int(vault_db(ws->vault), &err, &n, sql, ""), &err, sql);
	return (uint64_t)n;
}

void
province_sealed_frame(struct workspace *ws, struct bytes *frame)
{
	struct error err = { 0 };

	bytes_reset(frame);
	must(replica_seal(ws->replica, 1 << 16, 0, &err), &err, "seal");
	must(query_blob(vault_db(ws->vault), &err, frame,
	    "SELECT bytes FROM frame WHERE state = 1 ORDER BY added DESC, rowid DESC", ""), &err,
	    "a frame");
}

void
province_certificate(struct workspace *ws, struct bytes *cert)
{
	struct error err = { 0 };

	must(query_blob(vault_db(ws->vault), &err, cert,
	    "SELECT bytes FROM certificate WHERE device = ?1", "b", replica_device(ws->replica),
	    (size_t)16), &err, "a certificate");
}

void
province_take(struct workspace *ws, enum item_type type, const struct bytes *payload)
{
	struct replica_sync_result r = { 0 };
	struct error err = { 0 };

	must(replica_take(ws->replica, (int)type, payload->data, payload->len, &r, &err), &err,
	    "take");
}

unsigned
province_pick(unsigned n)
{
	return (unsigned)rand() % n;
}
