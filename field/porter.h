#ifndef FIELD_PORTER_H
#define FIELD_PORTER_H

/*
 * porter: a process that the page keeps beside it for what does not run in the keeper: joining,
 * unlocking, passphrases, wiping.  It is a copy of the page's process from before anything was shown,
 * and makes one more copy for each call, so that a passphrase that was typed, and the keeper that
 * an unlock leaves behind, have nothing of the page in their memory, nor the page of them.
 */
#include "shared/base/rc.h"

struct call;
struct command;
struct porter;

/* Before threads start.  Does not return in the porter itself. */
enum rc porter_start(const char *home, const struct command *table, struct porter **out,
    struct error *err) RC_CHECK;
/* The porter ends, too. */
void porter_stop(struct porter *p);

/*
 * Run a call there; argv is c's, as for keeper_run.  What was typed goes with it and is forgotten here.
 * *rc is what the command returned; c holds what it printed.  One at a time.  RC_INTERNAL: the
 * porter is not there any more.
 */
enum rc porter_run(struct porter *p, struct call *c, int argc, const char *const *argv,
    enum rc *rc) RC_CHECK;

#endif
