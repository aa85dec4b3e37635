#ifndef SHARED_REPORTS_REPORT_CLUSTERS_H
#define SHARED_REPORTS_REPORT_CLUSTERS_H

/* report_clusters: which persons of a vault count as one, for report_persons (report.h). */
#include "shared/base/rc.h"

struct sqlite3;
struct form_set;

/* Those that were handed over to another unit whose records are read here, too. */
enum rc report_clusters_tell(struct sqlite3 *db, const struct form_set *forms,
    struct error *err) RC_CHECK;

#endif
