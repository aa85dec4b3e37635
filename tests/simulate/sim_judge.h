#ifndef TESTS_SIMULATE_SIM_JUDGE_H
#define TESTS_SIMULATE_SIM_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Do these bytes hold, in clear, what somebody saved? */
bool sim_judge_is_clear(const uint8_t *p, size_t len);

#endif
