#include "field/person_page.h"

#include <string.h>

#include "field/person_records.h"

struct page {
	const struct record_context *ctx;
	const struct person_page_names *names;
	struct person_records about;
	struct bytes *out;
	struct error *err;
};

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
	    strcmp(f->name, "continues") == 0 || person_records_is_left_out(&p->about, form, f->name))
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
put_record(struct page *p, const struct person_record *item)
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
	for (size_t i = 0; i < p->about.n && rc == RC_OK; i++)
		rc = put_record(p, &p->about.items[i]);
	bytes_text(p->out, "</body>\n</html>\n");
	return rc != RC_OK ? rc : p->out->rc;
}

enum rc
person_page_make(const struct record_context *ctx, const struct dot *id,
    const struct person_page_names *names, struct bytes *out, struct person_page_counts *counts,
    struct error *err)
{
	struct page p = { .ctx = ctx, .names = names, .out = out, .err = err };
	enum rc rc;

	memset(counts, 0, sizeof(*counts));
	rc = person_records_find(ctx, id, &p.about, err);
	if (rc == RC_OK)
		rc = put_page(&p);
	counts->records = p.about.n;
	counts->of_others = p.about.n_others;
	person_records_reset(&p.about);
	return rc;
}
