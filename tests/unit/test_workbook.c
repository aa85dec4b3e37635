#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/files.h"
#include "shared/reports/workbook.h"
#include "shared/vault/secret.h"

struct room {
	char dir[FILES_PATH_MAX];
	char path[FILES_PATH_MAX];	/* of the workbook */
	struct error err;
};

static int
set_up(void **state)
{
	struct room *room = calloc(1, sizeof(*room));
	const char *tmp = getenv("TMPDIR");

	assert_non_null(room);
	assert_int_equal(secret_start(), RC_OK);
	snprintf(room->dir, sizeof(room->dir), "%s/workbook-XXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(room->dir));
	assert_int_equal(files_join(room->dir, "bao-cao.xlsx", room->path), RC_OK);
	*state = room;
	return 0;
}

static int
tear_down(void **state)
{
	struct room *room = *state;
	struct error err;

	error_clear(&err);
	if (files_exists(room->path))
		assert_int_equal(files_remove(room->path, &err), RC_OK);
	assert_int_equal(rmdir(room->dir), 0);
	free(room);
	return 0;
}

static const struct report_cell cells[3][3] = {
	{ { .type = REPORT_WORDS, .words = "=HYPERLINK(\"x\")" },
	    { .type = REPORT_INTEGER, .integer = 1234567 },
	    { .type = REPORT_REAL, .real = 62.5 } },
	{ { .type = REPORT_WORDS, .words = "Đồng Đăng <&>" }, { .type = REPORT_NOTHING },
	    { .type = REPORT_WORDS, .words = "không phát sinh" } },
	{ { .type = REPORT_WORDS, .words = "+84" }, { .type = REPORT_INTEGER, .integer = -9 },
	    { .type = REPORT_INTEGER, .integer = 100 } },
};
static const struct report_row rows[3] = {
	{ false, cells[0], false }, { false, cells[1], false }, { true, cells[2], false },
};

static void
fill(struct report *r, const char *name)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->name, sizeof(r->name), "%s", name);
	r->title = "B4. Hỗ trợ nạn nhân";
	r->from = (struct date){ 2026, 1, 1 };
	r->to = (struct date){ 2026, 6, 30 };
	r->unit = "20";
	r->unit_name = "Tỉnh Lạng Sơn";
	r->columns[0] = (struct report_column){ REPORT_TEXT, "Dịch vụ" };
	r->columns[1] = (struct report_column){ REPORT_MONEY, "Số tiền (đồng)" };
	r->columns[2] = (struct report_column){ REPORT_PERCENT, "Tỷ lệ (%)" };
	r->n_columns = 3;
	r->blocks[0] = (struct report_block){ "Hồ sơ mới", rows, 2, 0 };
	r->blocks[1] = (struct report_block){ "Hồ sơ cũ", rows + 2, 1, 1 };
	r->n_blocks = 2;
	r->notes[0] = "Không cộng số người giữa các dòng.";
	r->n_notes = 1;
}

static enum rc
write_one(struct room *room)
{
	struct report r;
	const struct report *const one[] = { &r };

	fill(&r, "b4");
	error_clear(&room->err);
	return workbook_write(one, 1, room->path, &room->err);
}

/* A part of the workbook as another program unpacks it. */
static char *
part(const struct room *room, const char *name)
{
	char command[FILES_PATH_MAX + 128];
	char *text = calloc(1, 1 << 16);
	FILE *p;

	assert_non_null(text);
	snprintf(command, sizeof(command), "unzip -p '%s' '%s'", room->path, name);
	p = popen(command, "r");
	assert_non_null(p);
	assert_true(fread(text, 1, (1 << 16) - 1, p) > 0);
	assert_int_equal(pclose(p), 0);
	return text;
}

static void
holds(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		fail_msg("%s\nis not in\n%s", what, text);
}

static void
writes_headings_texts_and_numbers(void **state)
{
	struct room *room = *state;
	char *sheet, *strings, *styles;

	assert_int_equal(write_one(room), RC_OK);
	sheet = part(room, "xl/worksheets/sheet2.xml");
	strings = part(room, "xl/sharedStrings.xml");
	styles = part(room, "xl/styles.xml");
	holds(strings, "<t>B4. Hỗ trợ nạn nhân</t>");
	holds(strings, "<t>Đơn vị: Tỉnh Lạng Sơn (20)</t>");
	holds(strings, "<t>Từ 01/01/2026 đến 30/06/2026</t>");
	holds(strings, "<t>Số tiền (đồng)</t>");
	holds(strings, "<t>Hồ sơ mới</t>");
	holds(strings, "<t>Đồng Đăng &lt;&amp;&gt;</t>");
	holds(strings, "<t>không phát sinh</t>");
	holds(strings, "<t>1. Không cộng số người giữa các dòng.</t>");
	/* title, unit, period, a blank row, headings, then a block's heading: the first row is 7 */
	holds(sheet, "<c r=\"B7\"");
	holds(sheet, "<v>1234567</v>");
	holds(sheet, "<v>62.5</v>");
	holds(sheet, "<v>-9</v>");
	holds(styles, "formatCode=\"0.0\"");
	holds(styles, "formatCode=\"#,##0\"");
	free(sheet);
	free(strings);
	free(styles);
}

static void
writes_no_formula_whatever_a_text_begins_with(void **state)
{
	struct room *room = *state;
	char *sheet, *strings;

	assert_int_equal(write_one(room), RC_OK);
	sheet = part(room, "xl/worksheets/sheet2.xml");
	strings = part(room, "xl/sharedStrings.xml");
	assert_null(strstr(sheet, "<f>"));
	holds(strings, "<t>=HYPERLINK(\"x\")</t>");
	holds(strings, "<t>+84</t>");
	/* A7 is a shared string */
	holds(strstr(sheet, "<c r=\"A7\""), "t=\"s\"");
	free(sheet);
	free(strings);
}

/* Rows 12 to 16: title, headings, period, part, the row; its texts are never formulas. */
static void
writes_what_is_corrected_of_earlier_periods_below_the_table(void **state)
{
	static const struct report_correction late = {
		.from = { 2025, 1, 1 }, .to = { 2025, 12, 31 }, .part = "Phần một", .row = "=Hỗ trợ y tế",
		.column = "Số lượt", .told = { .type = REPORT_INTEGER, .integer = 3141 },
		.now = { .type = REPORT_INTEGER, .integer = 3151 }
	};
	struct room *room = *state;
	struct report r;
	const struct report *const one[] = { &r };
	char *sheet, *strings;

	fill(&r, "b4");
	r.corrections = &late;
	r.n_corrections = 1;
	assert_int_equal(workbook_write(one, 1, room->path, &room->err), RC_OK);
	sheet = part(room, "xl/worksheets/sheet2.xml");
	strings = part(room, "xl/sharedStrings.xml");
	holds(strings, "<t>Điều chỉnh số liệu các kỳ đã báo cáo</t>");
	holds(strings, "<t>Từ 01/01/2025 đến 31/12/2025</t>");
	holds(strings, "<t>Phần một</t>");
	holds(strings, "<t>=Hỗ trợ y tế</t>");
	assert_null(strstr(sheet, "<f>"));
	holds(strstr(sheet, "<c r=\"C16\""), "<v>3141</v>");
	holds(strstr(sheet, "<c r=\"D16\""), "<v>3151</v>");
	holds(strstr(sheet, "<c r=\"E16\""), "<v>10</v>");
	free(sheet);
	free(strings);
}

static void
is_set_up_for_printing_on_a4_across(void **state)
{
	struct room *room = *state;
	char *sheet, *book;

	assert_int_equal(write_one(room), RC_OK);
	sheet = part(room, "xl/worksheets/sheet2.xml");
	book = part(room, "xl/workbook.xml");
	holds(sheet, "paperSize=\"9\"");
	holds(sheet, "orientation=\"landscape\"");
	holds(sheet, "fitToPage=\"1\"");
	holds(sheet, "ySplit=\"5\"");
	holds(sheet, "state=\"frozen\"");
	/* the row of headings comes again on each page */
	holds(book, "B4!$5:$5");
	free(sheet);
	free(book);
}

static void
gives_each_report_a_sheet_with_its_own_name(void **state)
{
	struct room *room = *state;
	struct report a, b, c;
	const struct report *const all[] = { &a, &b, &c };
	char *book;

	fill(&a, "b4");
	fill(&b, "b16");
	fill(&c, "b4");
	assert_int_equal(workbook_write(all, 3, room->path, &room->err), RC_OK);
	book = part(room, "xl/workbook.xml");
	holds(book, "name=\"B4\"");
	holds(book, "name=\"B16\"");
	holds(book, "name=\"B4 (2)\"");
	free(book);
}

static void
puts_a_cover_in_front_and_draws_what_the_report_asks_for(void **state)
{
	struct room *room = *state;
	struct report a;
	const struct report *const all[] = { &a };
	char *cover, *strings, *chart;

	fill(&a, "b4");
	a.open_conflicts = 7;
	a.silent = "Chưa nhận được bản ghi nào của Xã Ba Sơn.";
	a.charts[0] = (struct report_chart){ 0, 1 };
	a.n_charts = 1;
	assert_int_equal(workbook_write(all, 1, room->path, &room->err), RC_OK);
	cover = part(room, "xl/worksheets/sheet1.xml");
	holds(cover, "<v>7</v>");
	holds(cover, "orientation=\"portrait\"");
	strings = part(room, "xl/sharedStrings.xml");
	holds(strings, "Chưa nhận được bản ghi nào của Xã Ba Sơn.");
	chart = part(room, "xl/charts/chart1.xml");
	holds(chart, "<c:barChart>");
	/* the rows of the first block, without the one that sums up */
	holds(chart, "B4!$B$");
	free(cover);
	free(strings);
	free(chart);
}

static size_t
left_behind(const char *dir)
{
	char **names;
	size_t n, found = 0;
	struct error err;

	error_clear(&err);
	assert_int_equal(files_list(dir, &names, &n, &err), RC_OK);
	for (size_t i = 0; i < n; i++)
		found += strncmp(names[i], ".report-", 8) == 0 || strncmp(names[i], "tmp.", 4) == 0;
	files_names_free(names, n);
	return found;
}

static void
leaves_only_the_workbook_and_for_its_owner_alone(void **state)
{
	struct room *room = *state;
	const char *memory = files_memory_dir();
	struct stat s;
	char **names;
	size_t n;

	assert_int_equal(write_one(room), RC_OK);
	assert_int_equal(stat(room->path, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0600);
	assert_int_equal(files_list(room->dir, &names, &n, &room->err), RC_OK);
	assert_int_equal(n, 1);
	assert_string_equal(names[0], "bao-cao.xlsx");
	files_names_free(names, n);
	if (memory != NULL)
		assert_int_equal(left_behind(memory), 0);
}

static void
makes_no_temporary_file_on_a_disk_when_there_is_memory(void **state)
{
	struct room *room = *state;
	const char *before = getenv("TMPDIR");
	char *kept = before != NULL ? strdup(before) : NULL;
	char dir[FILES_PATH_MAX];
	const struct timespec long_ago[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	struct stat b;

	if (files_memory_dir() == NULL)
		skip();
	assert_int_equal(files_join(room->dir, "tmp", dir), RC_OK);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(utimensat(AT_FDCWD, dir, long_ago, 0), 0);
	assert_int_equal(setenv("TMPDIR", dir, 1), 0);
	assert_int_equal(write_one(room), RC_OK);
	/* a folder in which a file was made and removed has a later time */
	assert_int_equal(stat(dir, &b), 0);
	assert_int_equal(kept != NULL ? setenv("TMPDIR", kept, 1) : unsetenv("TMPDIR"), 0);
	free(kept);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(b.st_mtim.tv_sec, long_ago[1].tv_sec);
}

static void
replaces_what_was_there_or_leaves_it(void **state)
{
	struct room *room = *state;
	struct rlimit old, small;
	struct bytes kept;
	enum rc rc;

	assert_int_equal(files_create(room->path, (const uint8_t *)"old", 3, &room->err), RC_OK);
	/* a disk that takes nothing more than 4 KiB a file */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 4096;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	rc = write_one(room);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(rc, RC_FULL);
	assert_int_equal(room->err.code, RC_FULL);
	bytes_init(&kept);
	assert_int_equal(files_read(room->path, 100, &kept, &room->err), RC_OK);
	assert_string_equal(bytes_cstr(&kept), "old");
	bytes_reset(&kept);
	assert_int_equal(left_behind(room->dir), 0);
	if (files_memory_dir() != NULL)
		assert_int_equal(left_behind(files_memory_dir()), 0);
	assert_int_equal(write_one(room), RC_OK);
	free(part(room, "xl/workbook.xml"));
}

static void
refuses_what_is_no_place_for_a_file(void **state)
{
	struct room *room = *state;
	struct report r;
	const struct report *const one[] = { &r };
	char path[FILES_PATH_MAX];

	fill(&r, "b4");
	assert_int_equal(workbook_write(one, 0, room->path, &room->err), RC_USAGE);
	assert_int_equal(files_join(room->dir, "none/a.xlsx", path), RC_OK);
	error_clear(&room->err);
	assert_int_equal(workbook_write(one, 1, path, &room->err), RC_NOTFOUND);
	assert_int_equal(room->err.code, RC_NOTFOUND);
	error_clear(&room->err);
	assert_int_equal(workbook_write(one, 1, room->dir, &room->err), RC_INVALID);
	assert_false(files_exists(room->path));
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(writes_headings_texts_and_numbers),
		T(writes_no_formula_whatever_a_text_begins_with),
		T(writes_what_is_corrected_of_earlier_periods_below_the_table),
		T(is_set_up_for_printing_on_a4_across),
		T(gives_each_report_a_sheet_with_its_own_name),
		T(puts_a_cover_in_front_and_draws_what_the_report_asks_for),
		T(leaves_only_the_workbook_and_for_its_owner_alone),
		T(makes_no_temporary_file_on_a_disk_when_there_is_memory),
		T(replaces_what_was_there_or_leaves_it),
		T(refuses_what_is_no_place_for_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
