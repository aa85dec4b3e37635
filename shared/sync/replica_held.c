#include <stdlib.h>
#include <string.h>

#include "shared/records/journal.h"
#include "shared/sync/replica_internal.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"

/*
 * What a holder has folded completely: logs that are whole from their first entry
 * on and whose tips name logs that are whole as far as they are named.
 */
struct whole {
	uint64_t id, head_n;
	uint8_t device[IDENTITY_ID_BYTES];
	struct journal_scope scope;
	uint8_t head[ENTRY_HEAD_BYTES];
	struct { uint64_t log, n; } *tips;
	size_t n_tips;
	bool complete, named;
	uint64_t said;		/* as far as a receipt said it before */
};

struct survey {
	struct whole *logs;	/* ascending by id */
	size_t n, cap;
};

static enum rc
add_log(void *ctx, const struct journal_log *log)
{
	struct survey *s = ctx;
	struct whole *w;
	void *p;

	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 64;
		if ((p = realloc(s->logs, s->cap * sizeof(*s->logs))) == NULL)
			return RC_NOMEM;
		s->logs = p;
	}
	w = &s->logs[s->n];
	memset(w, 0, sizeof(*w));
	w->id = log->id;
	w->head_n = log->head_n;
	memcpy(w->device, log->device, sizeof(w->device));
	w->scope = log->scope;
	memcpy(w->head, log->head, sizeof(w->head));
	w->complete = log->has_start && log->head_n > 0 && log->fork_n == 0;
	if ((w->tips = calloc(log->n_tips + 1, sizeof(*w->tips))) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < log->n_tips; i++) {
		w->tips[i].log = log->tips[i].log;
		w->tips[i].n = log->tips[i].n;
	}
	w->n_tips = log->n_tips;
	s->n++;
	return RC_OK;
}

static struct whole *
find_log(const struct survey *s, uint64_t id)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if ((int64_t)s->logs[mid].id < (int64_t)id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->n && s->logs[low].id == id ? &s->logs[low] : NULL;
}

static int
by_id(const void *a, const void *b)
{
	const struct whole *x = a, *y = b;

	return ((int64_t)x->id > (int64_t)y->id) - ((int64_t)x->id < (int64_t)y->id);
}

static void
judge(struct survey *s)
{
	bool changed = true;
	struct whole *t;

	qsort(s->logs, s->n, sizeof(*s->logs), by_id);
	while (changed) {	/* at most as often as the longest chain of tips */
		changed = false;
		for (size_t i = 0; i < s->n; i++) {
			struct whole *w = &s->logs[i];

			for (size_t k = 0; w->complete && k < w->n_tips; k++) {
				t = find_log(s, w->tips[k].log);
				if (t == NULL || !t->complete || t->head_n < w->tips[k].n) {
					w->complete = false;
					changed = true;
				}
			}
		}
	}
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; s->logs[i].complete && k < s->logs[i].n_tips; k++)
			if ((t = find_log(s, s->logs[i].tips[k].log)) != NULL &&
			    t->head_n == s->logs[i].tips[k].n)
				t->named = true;
}

static bool
same_scope(const struct receipt_scope *a, const struct whole *w)
{
	return a->compartment == w->scope.compartment && strcmp(a->unit, w->scope.unit) == 0;
}

static enum rc
add_tip(struct receipt *rec, const struct whole *w)
{
	struct receipt_scope *sc = NULL;
	void *p;

	for (size_t i = 0; i < rec->n_scopes; i++)
		if (same_scope(&rec->scopes[i], w))
			sc = &rec->scopes[i];
	if (sc == NULL) {
		if ((p = realloc(rec->scopes, (rec->n_scopes + 1) * sizeof(*rec->scopes))) == NULL)
			return RC_NOMEM;
		rec->scopes = p;
		sc = &rec->scopes[rec->n_scopes++];
		memset(sc, 0, sizeof(*sc));
		memcpy(sc->unit, w->scope.unit, sizeof(sc->unit));
		sc->compartment = w->scope.compartment;
	}
	if ((p = realloc(sc->tips, (sc->n_tips + 1) * sizeof(*sc->tips))) == NULL)
		return RC_NOMEM;
	sc->tips = p;
	sc->tips[sc->n_tips].log = w->id;
	sc->tips[sc->n_tips].n = w->head_n;
	memcpy(sc->tips[sc->n_tips].head, w->head, sizeof(w->head));
	sc->n_tips++;
	return RC_OK;
}

static enum rc
read_said(struct replica *r, struct survey *s, struct error *err)
{
	int64_t n;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < s->n && rc == RC_OK; i++) {
		rc = query_int(r->db, err, &n, "SELECT n FROM held WHERE log = ?1", "i",
		    (int64_t)s->logs[i].id);
		s->logs[i].said = (uint64_t)n;
		if (rc == RC_NOTFOUND)
			rc = RC_OK;
	}
	return rc;
}

/*
 * Is a colleague's log said to this device, too?  It keeps cases of its unit together with
 * others, and may let them go only when all that was written in them is held.
 */
static bool
concerns(const struct device *d, const struct whole *w)
{
	return w->scope.compartment == 1 && strcmp(w->scope.unit, d->unit) == 0 &&
	    (d->role == ROLE_CASEWORKER || d->role == ROLE_SUPERVISOR);
}

/* Logs of the device, and of its colleagues, that are whole.  *news: more than was said before. */
static enum rc
gather(const struct survey *s, const struct device *d, struct receipt *rec, bool *news)
{
	enum rc rc = RC_OK;

	*news = false;
	for (size_t i = 0; i < s->n && rc == RC_OK; i++) {
		const struct whole *w = &s->logs[i];
		bool own = memcmp(w->device, rec->device, sizeof(rec->device)) == 0;

		if (!w->complete || (!own && !concerns(d, w)))
			continue;
		*news = *news || w->said < w->head_n;
		if (!w->named)
			rc = add_tip(rec, w);
	}
	return rc;
}

static enum rc
note_held(struct replica *r, const struct survey *s, const struct receipt *rec,
    const struct bytes *payload, struct error *err)
{
	enum rc rc;

	rc = query_run(r->db, err, "INSERT INTO receipt(kind, signer, at, outgoing, bytes)"
	    " VALUES (?1, ?2, ?3, 1, ?4)", "ibib", (int64_t)rec->kind, rec->signer,
	    sizeof(rec->signer), rec->at, payload->data, payload->len);
	for (size_t i = 0; i < s->n && rc == RC_OK; i++) {
		const struct whole *w = &s->logs[i];

		if (w->complete && memcmp(w->device, rec->device, sizeof(rec->device)) == 0)
			rc = query_run(r->db, err, "INSERT INTO held(log, n) VALUES (?1, ?2)"
			    " ON CONFLICT(log) DO UPDATE SET n = max(n, ?2)", "ii", (int64_t)w->id,
			    (int64_t)w->head_n);
	}
	return rc;
}

/* A receipt for one device, if there is something new to say. */
static enum rc
sign_for(struct replica *r, const struct survey *s, const struct device *d, size_t *n,
    struct error *err)
{
	struct receipt rec;
	struct bytes payload;
	bool news;
	enum rc rc;

	memset(&rec, 0, sizeof(rec));
	bytes_init(&payload);
	rec.kind = RECEIPT_HELD;
	rec.at = clock_now(&r->clock);
	memcpy(rec.signer, r->identity.device, sizeof(rec.signer));
	memcpy(rec.device, d->cert.device, sizeof(rec.device));
	if ((rc = gather(s, d, &rec, &news)) != RC_OK || !news || rec.n_scopes == 0)
		goto out;
	rc = exchange_receipt_write(&rec, r->identity.sign_seed, &payload);
	if (rc == RC_OK && (rc = note_held(r, s, &rec, &payload, err)) == RC_OK)
		++*n;
	else if (rc == RC_LIMIT)	/* a device with thousands of loose logs is no other's trouble */
		rc = replica_event(r, "held-too-many", replica_name_of(r, rec.device));
out:
	bytes_reset(&payload);
	exchange_receipt_reset(&rec);
	return rc;
}

/* ---- what was said before ---- */

struct said {
	uint8_t device[IDENTITY_ID_BYTES];
	int64_t id;
	bool sent;
};

static int
by_device(const void *a, const void *b)
{
	const struct said *x = a, *y = b;
	int d = memcmp(x->device, y->device, sizeof(x->device));

	return d != 0 ? d : (x->id < y->id) - (x->id > y->id);
}

static enum rc
read_receipts(struct replica *r, struct said **list, size_t *n, struct error *err)
{
	struct sqlite3_stmt *q;
	struct receipt rec;
	const uint8_t *p;
	size_t len, cap = 0;
	bool row = true;
	void *grown;
	enum rc rc;

	rc = query_open(r->db, err, &q, "SELECT id, outgoing, bytes FROM receipt WHERE kind = ?1"
	    " AND outgoing IN (1, 2)", "i", (int64_t)RECEIPT_HELD);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		if (*n == cap) {
			cap = cap ? 2 * cap : 64;
			if ((grown = realloc(*list, cap * sizeof(**list))) == NULL) {
				rc = RC_NOMEM;
				break;
			}
			*list = grown;
		}
		p = query_column_blob(q, 2, &len);
		if (exchange_receipt_read(p, len, &rec) != RC_OK)
			continue;
		memcpy((*list)[*n].device, rec.device, sizeof(rec.device));
		(*list)[*n].id = query_column_int(q, 0);
		(*list)[(*n)++].sent = query_column_int(q, 1) == 2;
		exchange_receipt_reset(&rec);
	}
	query_close(q);
	return rc;
}

/* A receipt names all that is held of a device's work: those before it that were sent are in it. */
static enum rc
drop_said(struct replica *r, struct error *err)
{
	struct said *list = NULL;
	size_t n = 0;
	enum rc rc = read_receipts(r, &list, &n, err);

	if (rc == RC_OK && n > 1)
		qsort(list, n, sizeof(*list), by_device);
	for (size_t i = 1; i < n && rc == RC_OK; i++)
		if (list[i].sent && memcmp(list[i - 1].device, list[i].device, sizeof(list[i].device)) == 0)
			rc = query_run(r->db, err, "DELETE FROM receipt WHERE id = ?1", "i", list[i].id);
	free(list);
	return rc;
}

/* A log is not folded completely while some of its entries are hollow here or not readable. */
static enum rc
leave_out_unread(struct replica *r, struct survey *s, struct error *err)
{
	int64_t unread;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < s->n && rc == RC_OK; i++) {
		rc = query_int(r->db, err, &unread, "SELECT EXISTS (SELECT 1 FROM entry WHERE log = ?1"
		    " AND n <= ?2 AND record_log = 0)", "ii", (int64_t)s->logs[i].id,
		    (int64_t)s->logs[i].head_n);
		if (unread != 0)
			s->logs[i].complete = false;
	}
	return rc;
}

enum rc
replica_sign_held(struct replica *r, size_t *n, struct error *err)
{
	struct survey s;
	enum rc rc;

	*n = 0;
	memset(&s, 0, sizeof(s));
	if (replica_role(r) != ROLE_HOLDER)
		return error_set(err, RC_DENIED, "", "join with an invitation for a holder",
		    "only a holder confirms that the province holds records");
	if ((rc = replica_begin(r, err)) != RC_OK)
		return rc;
	if ((rc = journal_logs(r->db, NULL, add_log, &s, err)) == RC_OK)
		rc = leave_out_unread(r, &s, err);
	if (rc == RC_OK)
		rc = read_said(r, &s, err);
	if (rc == RC_OK && s.n > 0) {
		judge(&s);
		for (size_t i = 0; i < directory_device_count(r->directory) && rc == RC_OK; i++)
			rc = sign_for(r, &s, directory_device_at(r->directory, i), n, err);
		if (rc == RC_OK && *n > 0)
			rc = drop_said(r, err);
	}
	rc = replica_end(r, rc, err);
	for (size_t i = 0; i < s.n; i++)
		free(s.logs[i].tips);
	free(s.logs);
	return rc;
}
