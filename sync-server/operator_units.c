#include <jansson.h>
#include <string.h>

#include "shared/base/files.h"
#include "shared/sync/form_parcel.h"
#include "shared/forms/form.h"
#include "sync-server/authority.h"
#include "sync-server/operator.h"

/* ---- units ---- */

static enum rc
list_units(struct operator *c, struct authority *a)
{
	static const struct operator_column columns[] = {
		{ "code", { "Mã", "Code" } }, { "full_name", { "Tên", "Name" } },
		{ "level", { "Cấp", "Level" } }, { "parent", { "Cấp trên", "Parent" } },
		{ "sync_point", { "Điểm đồng bộ", "Sync point" } },
		{ "high_risk", { "Địa bàn trọng điểm", "High risk" } },
	};
	const struct directory *d = authority_directory(a);
	json_t *rows = json_array();
	enum rc rc = RC_OK;

	for (size_t i = 0; i < directory_unit_count(d) && rc == RC_OK; i++) {
		const struct unit *u = directory_unit_at(d, i);

		rc = operator_add_row(rows, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b}",
		    "code", u->code, "full_name", u->full_name, "name", u->name, "level", u->level,
		    "kind", u->kind, "parent", u->parent, "sync_point", (int)u->sync_point,
		    "high_risk", (int)u->high_risk));
	}
	return operator_print_rows(c, rc, rows, columns, sizeof(columns) / sizeof(columns[0]));
}

static enum rc
import_units(struct operator *c, struct authority *a)
{
	static const struct operator_column columns[] = {
		{ "added", { "Thêm mới", "Added" } }, { "changed", { "Thay đổi", "Changed" } },
		{ "unchanged", { "Giữ nguyên", "Unchanged" } },
	};
	const char *path = c->options.args[1];
	struct authority_import count;
	struct bytes csv;
	enum rc rc;

	bytes_init(&csv);
	if ((rc = files_read(path, AUTHORITY_CSV_MAX, &csv, &c->err)) == RC_OK)
		rc = authority_import_units(a, path, csv.data, csv.len, c->options.under,
		    &count, &c->err);
	bytes_reset(&csv);
	if (rc != RC_OK)
		return rc;
	return operator_print_object(c, json_pack("{s:I, s:I, s:I}", "added",
	    (json_int_t)count.added, "changed", (json_int_t)count.changed, "unchanged",
	    (json_int_t)count.unchanged), columns, sizeof(columns) / sizeof(columns[0]));
}

enum rc
operator_units(struct operator *c)
{
	if (c->options.n_args == 0)
		return operator_with_authority(c, list_units);
	if (c->options.n_args != 2 || strcmp(c->options.args[0], "import") != 0)
		return operator_wrong(c->entry, &c->err);
	return operator_with_authority(c, import_units);
}

/* ---- rotate ---- */

static enum rc
rotate(struct operator *c, struct authority *a)
{
	size_t n;
	enum rc rc = authority_rotate(a, c->options.args[0], c->options.below, &n, &c->err);

	return rc == RC_OK ? operator_print_rotated(c, n) : rc;
}

enum rc
operator_rotate(struct operator *c)
{
	return operator_with_authority(c, rotate);
}

/* ---- forms ---- */

static enum rc
list_forms(struct operator *c, struct authority *a)
{
	static const struct operator_column columns[] = {
		{ "form", { "Biểu mẫu", "Form" } }, { "version", { "Phiên bản", "Version" } },
		{ "title", { "Tên", "Title" } },
	};
	const uint8_t *payload;
	struct form_set *set = NULL;
	json_t *rows = json_array();
	size_t len;
	uint64_t seq;
	enum rc rc = RC_OK;

	payload = directory_forms(authority_directory(a), &len, &seq);
	if (payload != NULL)
		rc = form_parcel_open(payload, len, &set, &c->err);
	for (size_t i = 0; rc == RC_OK && set != NULL && i < form_set_count(set); i++) {
		const struct form *f = form_set_at(set, i);
		const char *title = f->title[c->vietnamese ? FORM_VI : FORM_EN];

		rc = operator_add_row(rows, json_pack("{s:s, s:I, s:s}", "form", f->name, "version",
		    (json_int_t)f->version, "title", title != NULL ? title : ""));
	}
	form_set_free(set);
	return operator_print_rows(c, rc, rows, columns, sizeof(columns) / sizeof(columns[0]));
}

static enum rc
publish_forms(struct operator *c, struct authority *a)
{
	bool changed;
	enum rc rc = authority_publish_dir(a, c->options.args[1], &changed, &c->err);

	if (rc != RC_OK)
		return rc;
	if (!changed)
		operator_note(c, "bộ biểu mẫu này đã được công bố trước đó", "this form set is published already");
	return list_forms(c, a);
}

enum rc
operator_forms(struct operator *c)
{
	if (c->options.n_args == 0)
		return operator_with_authority(c, list_forms);
	if (c->options.n_args != 2 || strcmp(c->options.args[0], "publish") != 0)
		return operator_wrong(c->entry, &c->err);
	return operator_with_authority(c, publish_forms);
}
