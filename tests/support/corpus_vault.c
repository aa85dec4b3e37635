#include "tests/support/corpus_vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/embedded.h"
#include "shared/records/fold.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "tests/support/record_fixture.h"

enum { SAVES_A_TRANSACTION = 5000 };

/* ---- opening ---- */

static enum rc
open_vault(const char *dir, struct corpus_vault *v)
{
	const struct embedded *schema = embedded_find("vault.sql");
	uint8_t key[SECRET_KEY_BYTES];
	struct secret *master = NULL;
	enum rc rc = vault_start();

	memset(key, 7, sizeof(key));
	if (rc == RC_OK)
		rc = secret_from(key, sizeof(key), &master);
	if (rc == RC_OK)
		rc = vault_exists(dir) ? vault_open_with_master(dir, master, &v->vault, &v->err) :
		    vault_create_with_master(dir, master, &v->vault, &v->err);
	secret_free(master);
	return rc == RC_OK ? vault_migrate(v->vault, (const char *)schema->data, &v->err) : rc;
}

enum rc
corpus_vault_open(const char *dir, const struct corpus_province_options *options,
    struct corpus_vault *out)
{
	struct corpus_province_options o = *options;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if ((rc = open_vault(dir, out)) != RC_OK ||
	    (rc = form_set_load_embedded(&out->forms, &out->err)) != RC_OK ||
	    (rc = fold_open(vault_db(out->vault), out->forms, &out->fold, &out->err)) != RC_OK)
		return rc;
	o.forms = out->forms;
	out->communes = o.communes;
	out->records = o.n;
	return corpus_province_new(&o, &out->corpus);
}

void
corpus_vault_close(struct corpus_vault *v)
{
	corpus_province_free(v->corpus);
	fold_close(v->fold);
	form_set_free(v->forms);
	vault_close(v->vault);
	memset(v, 0, sizeof(*v));
}

struct record_context
corpus_vault_records(struct corpus_vault *v)
{
	struct record_context c = { .db = vault_db(v->vault), .forms = v->forms, .fold = v->fold,
		.unit = CORPUS_PROVINCE_UNIT, .lang = FORM_VI };

	return c;
}

enum rc
corpus_vault_units(const struct corpus_vault *v, struct sqlite3 *db, struct error *err)
{
	struct report_unit units[CORPUS_PROVINCE_COMMUNES_MAX + 1];

	memset(units, 0, sizeof(units));
	units[0] = (struct report_unit){ .code = CORPUS_PROVINCE_UNIT, .name = "Lạng Sơn",
		.full_name = "Tỉnh Lạng Sơn", .level = "PROV" };
	for (size_t i = 0; i < v->communes; i++) {
		const char *code = corpus_province_commune(v->corpus, i);

		units[i + 1] = (struct report_unit){ .code = code, .name = code, .full_name = code,
			.parent = CORPUS_PROVINCE_UNIT, .level = "COMM", .high_risk = i % 3 == 0 };
	}
	return report_units(db, units, v->communes + 1, err);
}

/* ---- filling ---- */

struct filling {
	struct corpus_vault *v;
	struct record_context c;
	struct clock clock;
	int64_t now;
	struct dot *ids;
	uint64_t noise;			/* of log ids: the same vault each time, but for its seals */
};

static enum rc
save(struct filling *f, const struct corpus_record *r)
{
	const struct form *form = form_set_find(f->v->forms, r->form);
	struct answers *a = NULL;
	char id[DOT_TEXT_MAX];
	enum rc rc = answers_new(form, f->v->forms, &a);

	f->now = r->saved_at;
	for (size_t i = 0; i < r->n_fields && rc == RC_OK; i++) {
		const char *value = r->fields[i].value;

		if (value == NULL) {
			dot_text(&f->ids[r->fields[i].refers], id);
			value = id;
		}
		rc = answers_add(a, r->fields[i].name, value, &f->v->err);
	}
	if (rc == RC_OK)
		rc = record_create_copy(&f->c, r->commune, a, &f->ids[r->index], &f->v->err);
	f->v->writes += r->n_fields;
	answers_free(a);
	return rc;
}

static enum rc
save_all(struct filling *f)
{
	struct corpus_record r;
	size_t open = 0;
	enum rc rc = query_begin(f->c.db, &f->v->err);

	while (rc == RC_OK && corpus_province_next(f->v->corpus, &r)) {
		rc = save(f, &r);
		if (rc == RC_OK && ++open % SAVES_A_TRANSACTION == 0) {
			rc = query_end(f->c.db, rc, &f->v->err);
			if (rc == RC_OK)
				rc = query_begin(f->c.db, &f->v->err);
		}
	}
	return query_end(f->c.db, rc, &f->v->err);
}

enum rc
corpus_vault_fill(struct corpus_vault *v)
{
	struct filling f = { .v = v, .c = corpus_vault_records(v), .noise = 11 };
	uint8_t device[ENTRY_DEVICE_BYTES] = { 9 };
	enum rc rc;

	f.clock = clock_fixed(&f.now);
	f.c.clock = &f.clock;
	if ((f.ids = calloc(v->records, sizeof(*f.ids))) == NULL)
		return RC_NOMEM;
	rc = journal_writer_new(device, record_fixture_random(&f.noise), &f.c.writer);
	if (rc == RC_OK)
		rc = save_all(&f);
	journal_writer_free(f.c.writer);
	free(f.ids);
	return rc;
}
