#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/files.h"
#include "shared/forms/form_pack.h"

struct fixture {
	struct form_set *set;
	char dir[64];
	char path[128];
};

static int
setup(void **state)
{
	static struct fixture f;
	struct error err = { RC_OK, "", "", "" };

	snprintf(f.dir, sizeof(f.dir), "/tmp/test_form_pack_XXXXXX");
	if (mkdtemp(f.dir) == NULL || form_set_load_dir("schema", &f.set, &err) != RC_OK)
		return -1;
	snprintf(f.path, sizeof(f.path), "%s/form.xlsx", f.dir);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	form_set_free(f->set);
	unlink(f->path);
	return rmdir(f->dir);
}

/* One part of the workbook, as another program unpacks it. */
static char *
part(const char *path, const char *name)
{
	char command[256];
	char *text = calloc(1, 1 << 20);
	FILE *p;
	size_t n;

	assert_non_null(text);
	snprintf(command, sizeof(command), "unzip -p %s %s", path, name);
	p = popen(command, "r");
	assert_non_null(p);
	n = fread(text, 1, (1 << 20) - 1, p);
	assert_int_equal(pclose(p), 0);
	text[n] = '\0';
	return text;
}

static void
has(const char *text, const char *wanted)
{
	if (strstr(text, wanted) == NULL)
		fail_msg("the workbook lacks %s", wanted);
}

static void
writes_survey_choices_and_settings(void **state)
{
	const struct fixture *f = *state;
	struct error err = { RC_OK, "", "", "" };
	char *book, *texts;

	if (form_pack(f->set, "case", f->path, &err) != RC_OK)
		fail_msg("%s: %s", err.where, err.what);
	book = part(f->path, "xl/workbook.xml");
	has(book, "<sheet name=\"survey\" sheetId=\"1\"");
	has(book, "<sheet name=\"choices\" sheetId=\"2\"");
	has(book, "<sheet name=\"settings\" sheetId=\"3\"");
	free(book);
	texts = part(f->path, "xl/sharedStrings.xml");
	has(texts, "<t>label::Tiếng Việt (vi)</t>");
	has(texts, "<t>select_one recv_channel</t>");
	has(texts, "<t>bind::field:merge</t>");
	has(texts, "<t>Được giải cứu ở nước ngoài</t>");	/* of a shared list */
	has(texts, "<t>only_ident</t>");			/* a column for a choice filter */
	has(texts, "<t>form_title</t>");
	has(texts, "<t>Hồ sơ hỗ trợ</t>");
	has(texts, "<t>attribute::field:compartment</t>");
	assert_null(strstr(texts, "Áp phích"));			/* a list it does not use */
	assert_null(strstr(texts, "form_title::"));
	free(texts);
}

static void
packs_every_shipped_form(void **state)
{
	const struct fixture *f = *state;

	for (size_t i = 0; i < form_set_count(f->set); i++) {
		struct error err = { RC_OK, "", "", "" };
		char *book;

		assert_int_equal(form_pack(f->set, form_set_at(f->set, i)->name, f->path, &err),
		    RC_OK);
		book = part(f->path, "xl/worksheets/sheet3.xml");
		has(book, "<row r=\"2\"");
		free(book);
	}
}

static void
says_what_it_cannot_do(void **state)
{
	const struct fixture *f = *state;
	struct error err = { RC_OK, "", "", "" };
	char path[160];

	assert_int_equal(form_pack(f->set, "nothing", f->path, &err), RC_NOTFOUND);
	assert_string_equal(err.where, "nothing");
	error_clear(&err);
	snprintf(path, sizeof(path), "%s/none/form.xlsx", f->dir);
	assert_int_not_equal(form_pack(f->set, "case", path, &err), RC_OK);
	assert_true(err.what[0] != '\0');
	assert_false(files_exists(path));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_survey_choices_and_settings),
		cmocka_unit_test(packs_every_shipped_form),
		cmocka_unit_test(says_what_it_cannot_do),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
