#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "field/recovery_sheet.h"
#include "shared/base/bytes.h"

enum { COLUMNS = 78, LINES_MAX = 45, TWENTY_TO_SEVEN = 1777000000 };

static void
a_sheet_fits_a_page_and_shows_every_group(void **state)
{
	static const char *const groups[] = { "1:  01234", "2:  56789", "3:  ABCDE", "4:  FGHJK",
	    "5:  MNPQR", "6:  STVWX", "7:  YZ", "Kiểm / check:  T04WS", "PHIẾU", "Recovery sheet" };
	struct bytes sheet = { 0 };
	size_t columns = 0, lines = 0;

	(void)state;
	assert_int_equal(recovery_sheet_make("01234-56789-ABCDE-FGHJK-MNPQR-STVWX-YZ-T04WS",
	    TWENTY_TO_SEVEN, &sheet), RC_OK);
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		assert_non_null(strstr(bytes_cstr(&sheet), groups[i]));
	for (size_t i = 0; i < sheet.len; i++) {
		columns += (sheet.data[i] & 0xc0) != 0x80;
		if (sheet.data[i] == '\n') {
			assert_in_range(columns - 1, 0, COLUMNS);
			columns = 0;
			lines++;
		}
	}
	assert_in_range(lines, 20, LINES_MAX);
	bytes_wipe(&sheet);
}

static void
refuses_what_is_no_printed_code(void **state)
{
	static const char *const bad[] = { "", "-", "01234", "01234-", "012345-67890", "01234--56789" };
	struct bytes sheet = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(recovery_sheet_make(bad[i], TWENTY_TO_SEVEN, &sheet), RC_FORMAT);
		bytes_wipe(&sheet);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sheet_fits_a_page_and_shows_every_group),
		cmocka_unit_test(refuses_what_is_no_printed_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
