#ifndef SYNC_SERVER_DEPOT_INTERNAL_H
#define SYNC_SERVER_DEPOT_INTERNAL_H

/* depot_internal: what the files of depot share. */
#include "shared/base/files.h"
#include "sync-server/depot.h"
#include "sync-server/depot_sql.h"

struct depot {
	struct depot_sql sql;
	struct directory *directory;
	struct identity identity;
	uint8_t generation[16];
	uint8_t province[DEPOT_PROVINCE_BYTES];
	bool pinned;
	char dir[FILES_PATH_MAX];
	uint64_t reserve;		/* bytes to be left on its disk */
	bool busy;			/* inside depot_begin … depot_end */
	bool held;			/* depot_end keeps what was done for depot_settle */
	bool open;			/* a transaction is open; whole pieces in it wait for a commit */
	uint64_t pieces, undone;
	int64_t data_version;		/* changes when another process has written */
	int64_t certificate_serial;	/* highest that `directory` knows */
};

#endif
