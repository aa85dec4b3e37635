#ifndef TESTS_SUPPORT_FORM_FIXTURE_H
#define TESTS_SUPPORT_FORM_FIXTURE_H

/* form_fixture: answers to a form on 22 November 2026; what fails, fails the test. */
#include <stdint.h>

#include "shared/forms/answers.h"
#include "shared/forms/form.h"

/* The shipped forms as the state of a group of tests. */
int form_fixture_set_up(void **state);
int form_fixture_tear_down(void **state);

/* Days since 1970 of that day. */
int64_t form_fixture_today(void);

struct answers *form_fixture_begin(const struct form_set *set, const char *form);
void form_fixture_add(struct answers *a, const char *field, const char *value);
/* "name=value|name=value" */
void form_fixture_add_all(struct answers *a, const char *list);
/*
 * answers_check with defaults.  RC_OK; or RC_INVALID, and then the first breach
 * must be of `field`, with this Vietnamese message unless that is NULL.
 */
enum rc form_fixture_check(struct answers *a, const char *field, const char *message) RC_CHECK;

#endif
