#ifndef FIELD_KEEPER_H
#define FIELD_KEEPER_H

/*
 * keeper: the process that owns an unlocked vault.  Other commands of the same
 * user find it through a local socket in the vault's folder and run there
 * (architecture section 4).  When it ends, the keys are gone with it.
 */
#include <stdbool.h>

#include "shared/base/rc.h"

struct call;
struct command;
struct workspace;

enum { KEEPER_IDLE_MINUTES = 30, KEEPER_IDLE_MINUTES_MAX = 600 };

/*
 * Serve the workspace until told to lock, idle for so long, or stopped by a
 * signal.  Takes it.  Calls process_ready() once others can reach it.
 */
enum rc keeper_serve(struct workspace *ws, const struct command *table, int idle_minutes,
    struct error *err) RC_CHECK;

/*
 * Run a call in the keeper of c->home.  RC_NOTFOUND: there is none.  Else
 * *rc is what the command returned there and c holds what it printed.
 */
enum rc keeper_run(struct call *c, int argc, const char *const *argv, enum rc *rc) RC_CHECK;

/* Tell the keeper of that home to end.  RC_NOTFOUND: there is none. */
enum rc keeper_lock(const char *home, struct error *err) RC_CHECK;
bool keeper_is_there(const char *home);

#endif
