#include "tests/support/form_fixture.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "shared/base/clock.h"

int
form_fixture_set_up(void **state)
{
	struct form_set *set = NULL;
	struct error err = { RC_OK, "", "", "" };

	if (form_set_load_dir("schema", &set, &err) != RC_OK) {
		print_error("%s: %s\n", err.where, err.what);
		return -1;
	}
	*state = set;
	return 0;
}

int
form_fixture_tear_down(void **state)
{
	form_set_free(*state);
	return 0;
}

int64_t
form_fixture_today(void)
{
	const struct date d = { 2026, 11, 22 };

	return date_to_days(&d);
}

struct answers *
form_fixture_begin(const struct form_set *set, const char *form)
{
	struct answers *a;

	assert_int_equal(answers_new(form_set_find(set, form), set, &a), RC_OK);
	return a;
}

void
form_fixture_add(struct answers *a, const char *field, const char *value)
{
	struct error err = { RC_OK, "", "", "" };

	if (answers_add(a, field, value, &err) != RC_OK)
		fail_msg("%s: %s", err.where, err.what);
}

void
form_fixture_add_all(struct answers *a, const char *list)
{
	char line[1024];

	while (*list != '\0') {
		size_t n = strcspn(list, "|");
		char *value;

		assert_true(n < sizeof(line));
		memcpy(line, list, n);
		line[n] = '\0';
		value = strchr(line, '=');
		assert_non_null(value);
		*value++ = '\0';
		form_fixture_add(a, line, value);
		list += n + (list[n] == '|');
	}
}

enum rc
form_fixture_check(struct answers *a, const char *field, const char *message)
{
	struct answers_breach *b;
	size_t n;
	struct error err = { RC_OK, "", "", "" };
	enum rc rc = answers_check(a, form_fixture_today(), true, &b, &n, FORM_VI, &err);

	if (rc != RC_OK && (field == NULL || strcmp(b[0].field->name, field) != 0))
		fail_msg("%s: %s", err.where, err.what);
	if (message != NULL)
		assert_string_equal(err.what, message);
	answers_breaches_free(b, n);
	return rc;
}
