#include "shared/reports/report_clusters.h"

#include <stdlib.h>

#include "shared/records/referral.h"
#include "shared/reports/report.h"

enum rc
report_clusters_tell(struct sqlite3 *db, const struct form_set *forms, struct error *err)
{
	const struct record_context c = { .db = db, .forms = forms };
	struct referral_person *persons = NULL;
	struct report_person *list = NULL;
	size_t n = 0;
	enum rc rc = referral_persons(&c, NULL, 0, &persons, &n, err);

	if (rc == RC_OK && (list = calloc(n + 1, sizeof(*list))) == NULL)
		rc = RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		list[i] = (struct report_person){ persons[i].person, persons[i].cluster };
	if (rc == RC_OK)
		rc = report_persons(db, list, n, err);
	free(persons);
	free(list);
	return rc;
}
