#include "tests/simulate/sim_histories.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/fold.h"
#include "shared/vault/query.h"
#include "tests/simulate/sim.h"
#include "tests/support/record_fixture.h"
#include "tests/support/register_history.h"

enum { LOGS = 9 };

/* Now and then the state is written, forgotten and read again. */
static void
fold_shuffled(struct sqlite3 *db, struct fold *fold, const struct register_history *h,
    uint64_t *seed)
{
	size_t order[2 * REGISTER_HISTORY_STEPS];
	size_t n = register_history_order(REGISTER_HISTORY_STEPS, order, seed);

	(void)db;
	for (size_t i = 0; i < n; i++) {
		sim_must(fold_entry(fold, &h->made[order[i]].e, NULL) == RC_OK, "fold an entry");
		if (record_fixture_pick(seed, 6) != 0)
			continue;
		sim_must(fold_flush(fold, NULL) == RC_OK, "flush");
		fold_discard(fold);
	}
	sim_must(fold_flush(fold, NULL) == RC_OK, "flush");
}

static bool
is_right(struct sqlite3 *db, const struct register_history *h)
{
	struct register_state s;
	struct bytes state;
	bool right;

	bytes_init(&state);
	if (query_blob(db, NULL, &state, "SELECT state FROM record", "") != RC_OK ||
	    register_state_decode(state.data, state.len, RECORD_MADE_ID, &s) != RC_OK) {
		bytes_reset(&state);
		return false;
	}
	right = register_history_agrees(h, &s);
	register_state_reset(&s);
	bytes_reset(&state);
	return right;
}

size_t
sim_histories_wrong(size_t histories, uint64_t seed)
{
	struct sqlite3 *db = record_fixture_db();
	struct form_set *forms = record_fixture_forms(1);
	struct register_history *h = malloc(sizeof *h);
	struct fold *fold = NULL;
	size_t wrong = 0;

	sim_must(h != NULL && fold_open(db, forms, &fold, NULL) == RC_OK, "a fold");
	for (int log = 1; log <= LOGS; log++)
		sim_must(query_run(db, NULL, "INSERT INTO log(id, device, unit, compartment, weighed)"
		    " VALUES(?1, zeroblob(16), 'A1', 1, 1)", "i", (int64_t)log) == RC_OK, "a log");
	for (size_t i = 0; i < histories; i++) {
		register_history_make(h, &seed);
		record_fixture_run(db, "BEGIN");
		fold_shuffled(db, fold, h, &seed);
		wrong += is_right(db, h) ? 0 : 1;
		record_fixture_run(db, "ROLLBACK");
		fold_discard(fold);
	}
	fold_close(fold);
	form_set_free(forms);
	record_fixture_close(db);
	free(h);
	return wrong;
}
