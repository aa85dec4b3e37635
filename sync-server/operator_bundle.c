/* Sticks at the server: it needs relay/ alone, and `serve` may run meanwhile. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/file_stream.h"
#include "shared/base/files.h"
#include "shared/vault/checked_file.h"
#include "sync-server/depot.h"
#include "sync-server/operator.h"
#include "sync-server/relay_bundle.h"

enum { PIECE = 256 << 10, DEVICE_DIGITS_MIN = 4 };

static enum rc
print_result(struct operator *c, const struct relay_bundle_result *r)
{
	static const struct operator_column columns[] = {
		{ "frames", { "Khung dữ liệu", "Frames" } },
		{ "entries", { "Lần ghi", "Entries" } },
		{ "known", { "Khung đã có từ trước", "Frames that were here before" } },
		{ "aside", { "Khung giữ riêng", "Frames kept aside" } },
		{ "statements", { "Mục danh bạ", "Statements" } },
		{ "certificates", { "Chứng thư", "Certificates" } },
		{ "receipts", { "Biên nhận", "Receipts" } },
		{ "bytes", { "Số byte", "Bytes" } },
	};

	return operator_print_object(c, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "frames",
	    (json_int_t)r->frames, "entries", (json_int_t)r->entries, "known", (json_int_t)r->known,
	    "aside", (json_int_t)r->aside, "statements", (json_int_t)r->statements, "certificates",
	    (json_int_t)r->certificates, "receipts", (json_int_t)r->receipts, "bytes",
	    (json_int_t)r->bytes), columns, sizeof(columns) / sizeof(columns[0]));
}

static enum rc
open_depot(struct operator *c, struct depot **out)
{
	char folder[FILES_PATH_MAX];
	enum rc rc;

	*out = NULL;
	if ((rc = operator_folder(c, "relay", folder)) != RC_OK)
		return rc;
	return depot_open(folder, out, &c->err);
}

/* ---- import ---- */

static void
add(struct relay_bundle_result *all, const struct relay_bundle_result *one)
{
	all->bytes += one->bytes;
	all->frames += one->frames;
	all->entries += one->entries;
	all->known += one->known;
	all->aside += one->aside;
	all->statements += one->statements;
	all->certificates += one->certificates;
	all->receipts += one->receipts;
}

static enum rc
read_stick(struct operator *c, struct depot *depot, const char *path, uint8_t *buf,
    struct relay_bundle_result *all)
{
	struct file_stream *file = NULL;
	struct relay_bundle *bundle = NULL;
	struct relay_bundle_result one = { 0 };
	size_t n = PIECE;
	enum rc rc;

	if ((rc = file_stream_open(path, &file, &c->err)) == RC_OK)
		rc = relay_bundle_start(depot, &c->clock, path, &one, &bundle, &c->err);
	while (rc == RC_OK && n == PIECE && relay_bundle_wants_more(bundle))
		if ((rc = file_stream_get(file, buf, PIECE, &n, &c->err)) == RC_OK)
			rc = relay_bundle_feed(bundle, buf, n);
	if (rc == RC_OK)
		rc = relay_bundle_finish(bundle);
	relay_bundle_free(bundle);
	file_stream_close(file);
	add(all, &one);
	return rc;
}

/* One bad stick does not keep the others out; the first failure is the command's. */
static enum rc
import(struct operator *c, struct depot *depot)
{
	struct relay_bundle_result all = { 0 };
	struct error first = { 0 };
	uint8_t *buf = malloc(PIECE);
	enum rc rc, failed = RC_OK;

	if (buf == NULL)
		return RC_NOMEM;
	for (size_t i = 1; i < c->options.n_args; i++) {
		if ((rc = read_stick(c, depot, c->options.args[i], buf, &all)) == RC_OK)
			continue;
		if (failed == RC_OK) {
			failed = rc;
			first = c->err;
		} else {
			operator_warn(c, &c->err);
		}
		error_clear(&c->err);
	}
	free(buf);
	rc = failed == RC_OK || all.bytes > 0 ? print_result(c, &all) : RC_OK;
	if (all.aside > 0)
		operator_note(c, "có khung không nhận được, đã giữ riêng: xem sync-server quarantine",
		    "some frames could not be accepted and were set aside: see sync-server quarantine");
	if (failed == RC_OK)
		return rc;
	c->err = first;
	return failed;
}

/* ---- export ---- */

/* The device whose id begins with these hex digits. */
static enum rc
find_device(struct operator *c, const struct directory *dir, const char *text,
    const uint8_t **out)
{
	char hex[2 * IDENTITY_ID_BYTES + 1];
	const struct device *d;

	*out = NULL;
	for (size_t i = 0; i < directory_device_count(dir); i++) {
		d = directory_device_at(dir, i);
		bytes_hex(d->cert.device, IDENTITY_ID_BYTES, hex);
		if (strlen(text) < DEVICE_DIGITS_MIN || strncmp(hex, text, strlen(text)) != 0)
			continue;
		if (*out != NULL)
			return error_set(&c->err, RC_INVALID, text, "give more digits",
			    "several devices begin so");
		*out = d->cert.device;
	}
	if (*out == NULL)
		return error_set(&c->err, RC_NOTFOUND, text, "write one for its unit, or for everybody",
		    "the relay does not know this device");
	return RC_OK;
}

struct output {
	struct operator *c;
	struct checked_file *file;
};

static enum rc
put(void *ctx, const uint8_t *p, size_t len)
{
	struct output *o = ctx;

	return checked_file_put(o->file, p, len, &o->c->err);
}

static enum rc
export(struct operator *c, struct depot *depot)
{
	const char *path = c->options.args[1];
	struct output o = { .c = c };
	struct relay_bundle_result r;
	const uint8_t *device = NULL;
	enum rc rc = RC_OK;

	if (c->options.device != NULL && c->options.unit != NULL)
		return error_set(&c->err, RC_USAGE, "for", "give --for or --unit", "one of them at a time");
	if (c->options.device != NULL)
		rc = find_device(c, depot_directory(depot), c->options.device, &device);
	if (rc != RC_OK || (rc = checked_file_create(path, &o.file, &c->err)) != RC_OK)
		return rc;
	rc = relay_bundle_write(depot, &c->clock, device, c->options.unit, put, &o, &r, &c->err);
	if (rc != RC_OK) {
		checked_file_close(o.file);
		return rc;
	}
	rc = checked_file_finish(o.file, &c->err);
	return rc == RC_OK ? print_result(c, &r) : rc;
}

enum rc
operator_bundle(struct operator *c)
{
	bool reads = strcmp(c->options.args[0], "import") == 0;
	struct depot *depot = NULL;
	uint64_t reserve;
	enum rc rc;

	if (!reads && (strcmp(c->options.args[0], "export") != 0 || c->options.n_args != 2))
		return operator_wrong(c->entry, &c->err);
	if (reads && (c->options.device != NULL || c->options.unit != NULL))
		return operator_wrong(c->entry, &c->err);
	if ((rc = operator_reserve(c, &reserve)) != RC_OK || (rc = open_depot(c, &depot)) != RC_OK)
		return rc;
	depot_reserve(depot, reserve);
	rc = reads ? import(c, depot) : export(c, depot);
	depot_close(depot);
	return rc;
}
