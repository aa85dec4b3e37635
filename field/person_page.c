#include "field/person_page.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/csv.h"
#include "shared/base/embedded.h"
#include "shared/records/tables.h"
#include "shared/vault/query.h"

static const char left_out_file[] = "exchange/person_page.csv";

struct item {
	int64_t local;
	const struct form *form;
};

struct page {
	const struct record_context *ctx;
	const struct person_page_names *names;
	struct csv left_out;
	struct item *items, *others;	/* on the page; left out, since they are about others, too */
	size_t n, n_others;
	struct bytes *out;
	struct error *err;
};

/* ---- which records ---- */

/* A form as a whole (field NULL), or one of its fields. */
static bool
is_left_out(const struct page *p, const struct form *form, const char *field)
{
	for (size_t row = 1; row <= p->left_out.n_rows; row++)
		if (strcmp(csv_cell(&p->left_out, row, 0), form->name) == 0 &&
		    strcmp(csv_cell(&p->left_out, row, 1), field == NULL ? "" : field) == 0)
			return true;
	return false;
}

static bool
is_among(const struct item *items, size_t n, const struct form *form, int64_t local)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].local == local && items[i].form == form)
			return true;
	return false;
}

static enum rc
add(struct page *p, const struct form *form, int64_t local)
{
	if (p->n == PERSON_PAGE_RECORDS_MAX)
		return error_set(p->err, RC_LIMIT, NULL, "print the cases one by one with field show",
		    "more than %d records are about this person", PERSON_PAGE_RECORDS_MAX);
	p->items[p->n++] = (struct item){ local, form };
	return RC_OK;
}

/* Where a reference field keeps its values: its own column, or the table of a list field. */
static void
query_of(const struct form *form, const struct form_field *f, const char *what, const char *where,
    char *sql, size_t max)
{
	char own[TABLES_NAME_MAX], list[TABLES_NAME_MAX];

	tables_name(form->name, NULL, own);
	tables_name(form->name, f->name, list);
	if (f->many)
		snprintf(sql, max, "SELECT %s FROM main.%s AS r JOIN main.%s AS v ON v.id = r.id"
		    " WHERE r.alive AND NOT v.voided AND %s", strcmp(what, "id") == 0 ? "r.id" : "v.value",
		    own, list, strcmp(where, "id") == 0 ? "r.id = ?" : "v.value = ?");
	else
		snprintf(sql, max, "SELECT r.\"%s\" FROM main.%s AS r WHERE r.alive AND r.\"%s\" = ?",
		    strcmp(what, "id") == 0 ? "id" : f->name, own,
		    strcmp(where, "id") == 0 ? "id" : f->name);
}

static bool
is_about(const struct form_field *f, const char *form)
{
	return f->refers != NULL && strcmp(f->refers, form) == 0;
}

/* Does the record refer to a person, or a case, that is not on the page? */
static enum rc
is_of_others(struct page *p, const struct form *form, int64_t local, bool *out)
{
	char sql[TABLES_NAME_MAX * 3 + 128];
	enum rc rc = RC_OK;

	*out = false;
	for (size_t i = 0; i < form->n_fields && rc == RC_OK && !*out; i++) {
		const struct form_field *f = &form->fields[i];
		struct sqlite3_stmt *q = NULL;
		bool row = true;

		if (!is_about(f, "person") && !is_about(f, "case"))
			continue;
		query_of(form, f, "value", "id", sql, sizeof(sql));
		rc = query_open(p->ctx->db, p->err, &q, sql, "i", local);
		while (rc == RC_OK && !*out && (rc = query_next(q, &row, p->err)) == RC_OK && row)
			*out = sqlite3_column_type(q, 0) == SQLITE_INTEGER &&
			    !is_among(p->items, p->n, form_set_find(p->ctx->forms, f->refers),
			    sqlite3_column_int64(q, 0));
		query_close(q);
	}
	return rc;
}

/* Records of a form whose field refers to an item. */
static enum rc
add_referring(struct page *p, const struct form *form, const struct form_field *f, int64_t to)
{
	char sql[TABLES_NAME_MAX * 3 + 128];
	struct sqlite3_stmt *q = NULL;
	bool row = true, others;
	enum rc rc;

	query_of(form, f, "id", "value", sql, sizeof(sql));
	rc = query_open(p->ctx->db, p->err, &q, sql, "i", to);
	while (rc == RC_OK && (rc = query_next(q, &row, p->err)) == RC_OK && row) {
		int64_t local = sqlite3_column_int64(q, 0);

		if (is_among(p->items, p->n, form, local) || is_among(p->others, p->n_others, form, local))
			continue;
		others = is_left_out(p, form, NULL);
		if (!others && strcmp(form->name, "case") != 0)
			rc = is_of_others(p, form, local, &others);
		if (rc == RC_OK && !others)
			rc = add(p, form, local);
		else if (rc == RC_OK && p->n_others < PERSON_PAGE_RECORDS_MAX)
			p->others[p->n_others++] = (struct item){ local, form };
	}
	query_close(q);
	return rc;
}

/* Records that refer to an item: cases, or all but cases and persons. */
static enum rc
add_around(struct page *p, const struct item *to, bool cases)
{
	enum rc rc = RC_OK;

	for (size_t k = 0; k < form_set_count(p->ctx->forms) && rc == RC_OK; k++) {
		const struct form *form = form_set_at(p->ctx->forms, k);

		if ((strcmp(form->name, "case") == 0) != cases || strcmp(form->name, "person") == 0)
			continue;
		for (size_t j = 0; j < form->n_fields && rc == RC_OK; j++)
			if (is_about(&form->fields[j], to->form->name))
				rc = add_referring(p, form, &form->fields[j], to->local);
	}
	return rc;
}

/* The persons' cases first, since they tell whose a record is; then all around, until nothing new is. */
static enum rc
collect(struct page *p)
{
	size_t persons = p->n;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < persons && rc == RC_OK; i++) {
		const struct item person = p->items[i];

		rc = add_around(p, &person, true);
	}
	for (size_t i = 0; i < p->n && rc == RC_OK; i++) {
		const struct item one = p->items[i];

		rc = add_around(p, &one, false);
	}
	return rc;
}

/* The person, and the records that were linked as the same one. */
static enum rc
add_person(struct page *p, int64_t local)
{
	const struct form *form = form_set_find(p->ctx->forms, "person");
	struct sqlite3_stmt *q = NULL;
	bool row = true;
	enum rc rc = query_open(p->ctx->db, p->err, &q, "SELECT id FROM main.form_person WHERE alive AND"
	    " (id = ?1 OR cluster = (SELECT cluster FROM main.form_person WHERE id = ?1))"
	    " ORDER BY id <> ?1, id", "i", local);

	while (rc == RC_OK && (rc = query_next(q, &row, p->err)) == RC_OK && row)
		rc = add(p, form, sqlite3_column_int64(q, 0));
	query_close(q);
	return rc;
}

static enum rc
find_person(struct page *p, const struct dot *id)
{
	int64_t local = 0;
	struct record_view view;
	bool is_case, is_person;
	enum rc rc = record_show(p->ctx, id, &view, p->err);

	if (rc != RC_OK)
		return rc;
	local = view.local;
	is_case = strcmp(view.form_name, "case") == 0;
	is_person = strcmp(view.form_name, "person") == 0;
	record_view_reset(&view);
	if (is_case)
		rc = query_int(p->ctx->db, p->err, &local,
		    "SELECT COALESCE((SELECT person_id FROM main.form_case WHERE id = ?), 0)", "i", local);
	if (rc == RC_OK && is_case && local == 0)
		return error_set(p->err, RC_INVALID, NULL, NULL, "the case's person is not known here");
	if (rc == RC_OK && !is_case && !is_person)
		return error_set(p->err, RC_INVALID, NULL, "give the id of a person or a case",
		    "the record is neither a person nor a case");
	return rc != RC_OK ? rc : add_person(p, local);
}

/* ---- the page ---- */

static void
put_text(struct bytes *out, const char *s)
{
	for (; *s != '\0'; s++)
		switch (*s) {
		case '&': bytes_text(out, "&amp;"); break;
		case '<': bytes_text(out, "&lt;"); break;
		case '>': bytes_text(out, "&gt;"); break;
		case '"': bytes_text(out, "&quot;"); break;
		case '\n': bytes_text(out, "<br>"); break;
		default: bytes_u8(out, (uint8_t)*s);
		}
}

static void
put_source(struct page *p, int64_t at, const uint8_t *by)
{
	char when[17];

	clock_vietnamese(at, when);
	bytes_printf(p->out, "%s, ", when);
	put_text(p->out, p->names->device(p->names->ctx, by));
}

static void
put_value(struct page *p, const struct record_field *f, const struct record_value *v)
{
	const struct form_choice *choice = f->field->list == NULL ? NULL :
	    form_choice_find(f->field->list, v->text);
	const char *text = choice != NULL ? choice->label[FORM_VI] : v->text;
	char shown[11];
	struct date d;

	if (f->field->type == FORM_DATE && date_parse(v->text, &d) == RC_OK) {
		date_vietnamese(&d, shown);
		text = shown;
	}
	bytes_text(p->out, v->voided ? "<p><s>" : "<p>");
	put_text(p->out, text);
	bytes_text(p->out, v->voided ? "</s> (đã gạch bỏ: " : "");
	put_text(p->out, v->voided && v->void_reason != NULL ? v->void_reason : "");
	bytes_text(p->out, v->voided ? ") <small>" : " <small>");
	put_source(p, v->at, v->by);
	bytes_text(p->out, "</small></p>");
}

static void
put_field(struct page *p, const struct form *form, const struct record_field *f)
{
	if (f->field == NULL || f->field->type == FORM_REFERENCE || f->n_values == 0 ||
	    strcmp(f->name, "continues") == 0 || is_left_out(p, form, f->name))
		return;
	bytes_text(p->out, "<tr><th>");
	put_text(p->out, f->field->label[FORM_VI]);
	bytes_text(p->out, "</th><td>");
	if (f->standing == REGISTER_CONFLICT)
		bytes_text(p->out, "<p>(nhiều giá trị, chưa thống nhất)</p>");
	for (size_t i = 0; i < f->n_values; i++)
		if (f->values[i].text[0] != '\0')
			put_value(p, f, &f->values[i]);
	bytes_text(p->out, "</td></tr>\n");
}

static enum rc
put_record(struct page *p, const struct item *item)
{
	struct record_view view;
	struct dot id;
	enum rc rc;

	if ((rc = record_of_local(p->ctx->db, item->local, &id)) != RC_OK ||
	    (rc = record_show(p->ctx, &id, &view, p->err)) != RC_OK)
		return rc;
	bytes_text(p->out, "<h2>");
	put_text(p->out, item->form->title[FORM_VI]);
	bytes_text(p->out, "</h2>\n<p class=\"source\">Ghi ngày ");
	put_source(p, view.created_at, view.created_by);
	bytes_text(p->out, "; đơn vị: ");
	put_text(p->out, p->names->unit(p->names->ctx, view.scope.unit));
	bytes_text(p->out, "</p>\n<table>\n");
	for (size_t i = 0; i < view.n_fields; i++)
		put_field(p, item->form, &view.fields[i]);
	bytes_text(p->out, "</table>\n");
	record_view_reset(&view);
	return p->out->rc;
}

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"vi\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<title>Thông tin đang lưu</title>\n<style>\n"
    "@page { size: A4; margin: 18mm 15mm }\n"
    "body { font: 11pt/1.35 \"Times New Roman\", \"Liberation Serif\", serif; max-width: 180mm; margin: auto }\n"
    "h1 { font-size: 15pt; text-align: center }\nh2 { font-size: 12pt; margin: 14pt 0 2pt; break-after: avoid }\n"
    "table { width: 100%; border-collapse: collapse }\ntr { break-inside: avoid }\n"
    "th, td { border: 1px solid #888; padding: 2pt 5pt; text-align: left; vertical-align: top }\n"
    "th { width: 32%; font-weight: normal }\ntd p { margin: 0 }\n"
    "small, .source { color: #444; font-size: 9pt; margin: 2pt 0 }\n</style>\n</head>\n<body>\n"
    "<h1>THÔNG TIN ĐANG LƯU VỀ ÔNG (BÀ)</h1>\n";

static const char introduction[] =
    "<p>Dưới đây là thông tin về ông (bà) mà đơn vị đang lưu trên máy này, kèm ngày ghi và người ghi, trừ những"
    " phần nói về người khác hoặc làm lộ người báo tin.</p>\n"
    "<p>Ông (bà) có quyền đề nghị sửa, bổ sung, xóa thông tin hoặc rút lại sự đồng ý. Đề nghị được trả lời trong"
    " 02 ngày làm việc.</p>\n<p><b>Hãy giữ kín bản in này; khi không cần nữa thì hủy đi.</b></p>\n";

static enum rc
put_page(struct page *p)
{
	char when[17];
	enum rc rc = RC_OK;

	clock_vietnamese(clock_now(p->ctx->clock), when);
	bytes_text(p->out, head);
	bytes_printf(p->out, "<p class=\"source\">Lập lúc %s; đơn vị: ", when);
	put_text(p->out, p->names->unit(p->names->ctx, p->ctx->unit));
	bytes_text(p->out, "</p>\n");
	bytes_text(p->out, introduction);
	for (size_t i = 0; i < p->n && rc == RC_OK; i++)
		rc = put_record(p, &p->items[i]);
	bytes_text(p->out, "</body>\n</html>\n");
	return rc != RC_OK ? rc : p->out->rc;
}

enum rc
person_page_make(const struct record_context *ctx, const struct dot *id,
    const struct person_page_names *names, struct bytes *out, struct person_page_counts *counts,
    struct error *err)
{
	const struct embedded *file = embedded_find(left_out_file);
	struct page p = { .ctx = ctx, .names = names, .out = out, .err = err };
	enum rc rc;

	memset(counts, 0, sizeof(*counts));
	if (file == NULL)
		return error_set(err, RC_INTERNAL, left_out_file, NULL, "the page is not described");
	if ((rc = csv_parse(left_out_file, file->data, file->len, &p.left_out, err)) != RC_OK)
		return rc;
	p.items = calloc(PERSON_PAGE_RECORDS_MAX, sizeof(*p.items));
	p.others = calloc(PERSON_PAGE_RECORDS_MAX, sizeof(*p.others));
	rc = p.items == NULL || p.others == NULL ? RC_NOMEM : find_person(&p, id);
	if (rc == RC_OK)
		rc = collect(&p);
	if (rc == RC_OK)
		rc = put_page(&p);
	counts->records = p.n;
	counts->of_others = p.n_others;
	free(p.items);
	free(p.others);
	csv_reset(&p.left_out);
	return rc;
}
