#ifndef TESTS_SUPPORT_CORPUS_VAULT_H
#define TESTS_SUPPORT_CORPUS_VAULT_H

/*
 * corpus_vault: a sealed vault full of corpus_province's records, saved one entry each by the code
 * that saves them for a worker, journal, fold and index of words included.  It is opened by a
 * master key that is no secret: nobody in it exists.
 */
#include "shared/records/record.h"
#include "shared/reports/report.h"
#include "shared/vault/vault.h"
#include "tests/support/corpus_province.h"

struct corpus_vault {
	struct vault *vault;
	struct form_set *forms;
	struct fold *fold;
	struct corpus_province *corpus;		/* names the communes */
	size_t communes, records;
	uint64_t writes;			/* that were saved by a fill */
	struct error err;			/* of what failed */
};

/* Open the vault in dir, made if it is not there.  Close it in any case. */
enum rc corpus_vault_open(const char *dir, const struct corpus_province_options *options,
    struct corpus_vault *out) RC_CHECK;
void corpus_vault_close(struct corpus_vault *v);

/* Save all records of the corpus, once. */
enum rc corpus_vault_fill(struct corpus_vault *v) RC_CHECK;

/* Tell reports on a handle of the corpus's units: the province and its communes. */
enum rc corpus_vault_units(const struct corpus_vault *v, struct sqlite3 *db,
    struct error *err) RC_CHECK;

/* What records are shown and searched with; lasts as long as the vault. */
struct record_context corpus_vault_records(struct corpus_vault *v);

#endif
