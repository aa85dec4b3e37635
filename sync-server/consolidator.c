#include "sync-server/consolidator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/files.h"
#include "shared/reports/report.h"
#include "shared/reports/workbook.h"
#include "shared/vault/vault.h"

/* ---- reports ---- */

struct day { char text[11]; };

/* A packed date (formats.md "Entry") as ISO; "" when it is open. */
static const char *
day_text(uint64_t packed, struct day *out)
{
	struct date d = { (int)(packed / 512), (int)(packed / 32 % 16), (int)(packed % 32) };

	out->text[0] = '\0';
	if (packed != 0)
		date_iso(&d, out->text);
	return out->text;
}

static enum rc
tell_units(struct replica *r, struct error *err)
{
	const struct directory *d = replica_directory(r);
	size_t n = directory_unit_count(d);
	struct report_unit *units = calloc(n + 1, sizeof(*units));
	struct day *days = calloc(2 * n + 1, sizeof(*days));
	enum rc rc = RC_NOMEM;

	for (size_t i = 0; units != NULL && days != NULL && i < n; i++) {
		const struct unit *u = directory_unit_at(d, i);

		units[i] = (struct report_unit){ u->code, u->name, u->full_name, u->parent, u->level,
		    u->high_risk, day_text(u->valid_from, &days[2 * i]),
		    day_text(u->valid_to, &days[2 * i + 1]) };
	}
	if (units != NULL && days != NULL)
		rc = report_units(replica_db(r), units, n, err);
	free(units);
	free(days);
	return rc;
}

static enum rc
write_csv(const struct report *report, const char *dir, struct error *err)
{
	char name[REPORT_NAME_MAX + 4], path[FILES_PATH_MAX];
	struct bytes csv;
	enum rc rc;

	bytes_init(&csv);
	snprintf(name, sizeof(name), "%s.csv", report->name);
	if ((rc = files_join(dir, name, path)) == RC_OK &&
	    (rc = report_write_csv(report, &csv)) == RC_OK)
		rc = files_replace(path, csv.data, csv.len, err);
	bytes_reset(&csv);
	return rc;
}

static enum rc
run_reports(struct replica *r, const struct consolidator_plan *plan,
    int64_t threshold, const struct report_summary *list, size_t n, struct report **reports,
    size_t *n_reports, struct error *err)
{
	struct report_order order = { .from = plan->from, .to = plan->to, .lang = plan->lang,
		.threshold = threshold };
	struct error why;
	enum rc rc = RC_OK;

	*n_reports = 0;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		order.name = list[i].name;
		error_clear(&why);
		rc = report_run(replica_db(r), replica_forms(r), &order, &reports[*n_reports], &why);
		if (rc == RC_OK)
			*n_reports += 1;
		else if (rc == RC_CONFIG)
			rc = RC_OK;	/* not with the forms that the province has */
		else
			error_set(err, rc, why.where, why.help, "%s", why.what);
	}
	return rc;
}

/*
 * consolidated.xlsx with every report, and one CSV a report, in a folder (made if
 * need be).  All are clear text that the operator asked for.  threshold: of what is for the public.
 */
static enum rc
write_reports(struct replica *r, const struct consolidator_plan *plan, const char *dir,
    int64_t threshold, size_t *written, size_t *left_out, struct error *err)
{
	struct report_summary *list = NULL;
	struct report **reports = NULL;
	const struct report **sheets = NULL;
	char path[FILES_PATH_MAX];
	size_t n = 0, n_reports = 0;
	enum rc rc;

	*written = *left_out = 0;
	if ((rc = files_make_dir(dir, err)) != RC_OK ||
	    (rc = tell_units(r, err)) != RC_OK || (rc = report_list(&list, &n, err)) != RC_OK)
		return rc;
	reports = calloc(n + 1, sizeof(struct report *));
	sheets = calloc(n + 1, sizeof(const struct report *));
	rc = reports == NULL || sheets == NULL ? RC_NOMEM :
	    run_reports(r, plan, threshold, list, n, reports, &n_reports, err);
	for (size_t i = 0; i < n_reports && rc == RC_OK; i++) {
		sheets[i] = reports[i];
		rc = write_csv(reports[i], dir, err);
	}
	if (rc == RC_OK && (rc = files_join(dir, "consolidated.xlsx", path)) == RC_OK &&
	    n_reports > 0)
		rc = workbook_write(sheets, n_reports, path, err);
	*written = n_reports;
	*left_out = n - n_reports;
	for (size_t i = 0; i < n_reports; i++)
		report_free(reports[i]);
	free(reports);
	free(sheets);
	report_list_free(list, n);
	return rc;
}

/* ---- a round ---- */

/* The second sync only hands the receipts over; what it brought counts too. */
static enum rc
deliver(struct replica *r, struct transport *t, struct replica_sync_result *all,
    struct error *err)
{
	struct replica_sync_result more;
	enum rc rc = replica_sync(r, t, NULL, &more, err);

	all->requests += more.requests;
	all->bytes_up += more.bytes_up;
	all->bytes_down += more.bytes_down;
	all->sent_frames += more.sent_frames;
	all->sent_entries += more.sent_entries;
	all->received_frames += more.received_frames;
	all->received_entries += more.received_entries;
	all->waiting = more.waiting;
	all->quarantined = more.quarantined;
	all->milliseconds += more.milliseconds;
	return rc;
}

enum rc
consolidator_round(struct vault *v, struct replica *r, struct transport *t,
    const struct consolidator_plan *plan, struct consolidator_result *out, struct error *err)
{
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if (replica_role(r) != ROLE_HOLDER)
		return error_set(err, RC_DENIED, vault_dir(v), "join with an invitation of role holder",
		    "this vault is not a holder's");
	if ((rc = replica_sync(r, t, NULL, &out->sync, err)) != RC_OK)
		return rc;
	if (plan->public_reports != NULL && (rc = write_reports(r, plan, plan->public_reports,
	    plan->threshold, &out->reports, &out->reports_left_out, err)) != RC_OK)
		return rc;
	if (plan->reports != NULL && (rc = write_reports(r, plan, plan->reports, 0, &out->reports,
	    &out->reports_left_out, err)) != RC_OK)
		return rc;
	if (plan->backup == NULL)
		return RC_OK;
	if ((rc = consolidator_backup(v, plan->backup, err)) != RC_OK)
		return rc;
	out->backed_up = true;
	if ((rc = replica_sign_held(r, &out->receipts, err)) != RC_OK || out->receipts == 0)
		return rc;
	return deliver(r, t, &out->sync, err);
}
