#include "field/workspace.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/base/thread.h"
#include "shared/records/fold.h"
#include "shared/records/journal.h"
#include "shared/reports/report.h"
#include "shared/sync/replica.h"
#include "shared/sync/transport.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"

enum rc
workspace_adopt(const char *home, struct vault *vault, struct workspace **out,
    struct error *err)
{
	struct workspace *ws = calloc(1, sizeof(*ws));
	enum rc rc = RC_NOMEM;

	*out = NULL;
	if (ws == NULL) {
		vault_close(vault);
		return RC_NOMEM;
	}
	ws->vault = vault;
	ws->clock = clock_system();
	if ((ws->home = text_dup(home)) == NULL ||
	    (rc = replica_open(vault, &ws->clock, &ws->replica, err)) != RC_OK ||
	    (rc = journal_writer_new(replica_device(ws->replica), journal_random_system(),
	    &ws->writer)) != RC_OK) {
		workspace_close(ws);
		return rc;
	}
	*out = ws;
	return RC_OK;
}

enum rc
workspace_open(const char *home, const struct secret *passphrase, struct workspace **out,
    struct error *err)
{
	struct vault *vault;
	enum rc rc;

	*out = NULL;
	if ((rc = vault_open(home, passphrase, &vault, err)) != RC_OK)
		return rc;
	return workspace_adopt(home, vault, out, err);
}

void
workspace_close(struct workspace *ws)
{
	if (ws == NULL)
		return;
	journal_writer_free(ws->writer);
	replica_close(ws->replica);
	vault_close(ws->vault);
	/* if that fails the next sync says so, and it is tried again */
	if (ws->wipe && vault_wipe(ws->home, NULL) != RC_OK)
		ws->wipe = false;
	record_order_reset(&ws->order);
	free(ws->home);
	free(ws);
}

/* Has this device the key of the scope? */
static bool
may_read(void *ctx, const char *unit, unsigned compartment)
{
	struct workspace *ws = ctx;

	return directory_may_read(replica_directory(ws->replica), replica_unit(ws->replica),
	    replica_role(ws->replica), unit, compartment);
}

struct record_context
workspace_records(struct workspace *ws, enum form_lang lang)
{
	struct record_context c = {
		.db = vault_db(ws->vault),
		.forms = replica_forms(ws->replica),
		.fold = replica_fold(ws->replica),
		.writer = ws->writer,
		.clock = &ws->clock,
		.unit = replica_unit(ws->replica),
		.lang = lang,
		.reads = may_read,
		.reads_ctx = ws,
	};

	return c;
}

enum rc
workspace_begin(struct workspace *ws, struct error *err)
{
	return query_begin(vault_db(ws->vault), err);
}

enum rc
workspace_end(struct workspace *ws, enum rc rc, struct error *err)
{
	if (rc == RC_OK)
		rc = fold_flush(replica_fold(ws->replica), err);
	rc = query_end(vault_db(ws->vault), rc, err);
	if (rc != RC_OK)
		fold_discard(replica_fold(ws->replica));
	return rc;
}

enum rc
workspace_changes(struct workspace *ws, int64_t *out, struct error *err)
{
	enum rc rc = query_int(vault_db(ws->vault), err, out, "SELECT total_changes()", "");

	*out -= ws->aside;
	return rc;
}

enum rc
workspace_begin_aside(struct workspace *ws, int64_t *before, struct error *err)
{
	enum rc rc = workspace_changes(ws, before, err);

	return rc == RC_OK ? workspace_begin(ws, err) : rc;
}

enum rc
workspace_end_aside(struct workspace *ws, int64_t before, enum rc rc, struct error *err)
{
	int64_t after = before;
	enum rc counted;

	rc = workspace_end(ws, rc, err);
	counted = workspace_changes(ws, &after, err);
	ws->aside += after - before;
	return rc == RC_OK ? counted : rc;
}

/* The gate alone is known here: it outlives the workspace (field/keeper.c). */
static void
enter(void *ctx)
{
	if (ctx != NULL)
		thread_lock_enter_to_go_on(ctx);
}

static void
leave(void *ctx)
{
	if (ctx != NULL)
		thread_lock_leave(ctx);
}

void
workspace_leave(struct workspace *ws)
{
	leave(ws->gate);
}

void
workspace_enter(struct workspace *ws)
{
	enter(ws->gate);
}

static enum rc
sync_outside(struct workspace *ws, struct transport *t, const struct replica_line *line,
    struct replica_sync_result *out, struct error *err)
{
	struct replica_gate gate = { .enter = enter, .leave = leave, .ctx = ws->gate, .line = line };
	enum rc rc;

	/* the caller holds the gate; others get it whenever the network is waited for */
	ws->syncing = true;
	leave(gate.ctx);
	rc = replica_sync(ws->replica, t, &gate, out, err);
	enter(gate.ctx);
	ws->syncing = false;
	return rc;
}

enum rc
workspace_sync(struct workspace *ws, const char *url, struct replica_sync_result *out,
    struct error *err)
{
	return workspace_sync_on(ws, url, false, NULL, out, err);
}

enum rc
workspace_sync_on(struct workspace *ws, const char *url, bool plain,
    const struct replica_line *line, struct replica_sync_result *out, struct error *err)
{
	return workspace_sync_pinned(ws, url, NULL, plain, line, out, err);
}

enum rc
workspace_sync_pinned(struct workspace *ws, const char *url, const char *pin, bool plain,
    const struct replica_line *line, struct replica_sync_result *out, struct error *err)
{
	struct transport *t = NULL;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if (ws->syncing)
		return error_set(err, RC_BUSY, "", "wait until it is done",
		    "a sync is running already");
	if (url == NULL)
		url = replica_url(ws->replica);
	if (*url == '\0')
		return error_set(err, RC_CONFIG, "", "use field sync --server URL",
		    "no server's address is known");
	if (pin == NULL)
		pin = replica_pin(ws->replica);
	if ((rc = transport_open(url, pin, plain, &t, err)) != RC_OK)
		return rc;
	rc = sync_outside(ws, t, line, out, err);
	/* kept only when it proved to be the province's server; a hub is where one happens to be */
	if (rc == RC_OK && !out->at_hub && (strcmp(url, replica_url(ws->replica)) != 0 ||
	    strcmp(pin, replica_pin(ws->replica)) != 0))
		rc = replica_set_url(ws->replica, url, pin, err);
	transport_close(t);
	return rc;
}

static void
iso_of(uint64_t packed, char out[11])
{
	struct date d = {
		(int)(packed >> 9), (int)(packed >> 5 & 15), (int)(packed & 31)
	};

	out[0] = '\0';
	if (packed != 0 && d.year <= 9999)
		date_iso(&d, out);
}

enum rc
workspace_prepare_reports(struct workspace *ws, struct error *err)
{
	const struct directory *dir = replica_directory(ws->replica);
	size_t n = directory_unit_count(dir);
	struct report_unit *units = calloc(n + 1, sizeof(*units));
	char (*days)[2][11] = calloc(n + 1, sizeof(*days));
	enum rc rc = RC_NOMEM;

	if (units != NULL && days != NULL) {
		for (size_t i = 0; i < n; i++) {
			const struct unit *u = directory_unit_at(dir, i);

			iso_of(u->valid_from, days[i][0]);
			iso_of(u->valid_to, days[i][1]);
			units[i] = (struct report_unit){ u->code, u->name, u->full_name, u->parent,
			    u->level, u->high_risk, days[i][0], days[i][1] };
		}
		rc = report_units(vault_db(ws->vault), units, n, err);
	}
	free(units);
	free(days);
	return rc;
}
