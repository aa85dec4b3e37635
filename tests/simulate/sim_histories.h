#ifndef TESTS_SIMULATE_SIM_HISTORIES_H
#define TESTS_SIMULATE_SIM_HISTORIES_H

/* sim_histories: random histories of one record through the fold on a database. */
#include <stddef.h>
#include <stdint.h>

/* How many of so many histories fold there to anything else than what happened before what. */
size_t sim_histories_wrong(size_t histories, uint64_t seed);

#endif
