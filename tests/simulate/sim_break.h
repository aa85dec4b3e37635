#ifndef TESTS_SIMULATE_SIM_BREAK_H
#define TESTS_SIMULATE_SIM_BREAK_H

/*
 * sim_break: one protection switched off, to show that the simulator notices.  All of it is done
 * from outside, where the linker leads calls here (--wrap): nothing in the programs knows of it.
 */
#include <stdbool.h>

enum sim_break {
	SIM_WHOLE,
	SIM_NO_MEMORY,		/* replacements that come before their target are forgotten */
	SIM_LIVE_AT_SAVE,	/* what is live at save time is replaced, not what was seen */
	SIM_SAME_FRAME_KEY,	/* frames are not sealed under fresh keys */
	SIM_COUNTED_NONCES,	/* nonces of pages count up from the opening of the file */
	SIM_SAME_LOG,		/* a process goes on with the log of the one before */
	SIM_SAME_GENERATION,	/* nobody can tell that the relay was restored */
	SIM_CURSOR_FIRST,	/* the cursor is stored before what it stands behind */
	SIM_BREAKS
};
const char *sim_break_name(enum sim_break b);

void sim_break_set(enum sim_break b);
enum sim_break sim_broken(void);

/*
 * The oracle: every key and nonce that anything is sealed under, and every fresh key of a
 * frame, is remembered for the length of a run.  NULL: none came twice.
 */
void sim_oracle_reset(void);
const char *sim_oracle_says(void);

#endif
