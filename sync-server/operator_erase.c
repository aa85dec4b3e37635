/* A lawful order to erase. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/files.h"
#include "shared/forms/form.h"
#include "shared/sync/form_parcel.h"
#include "sync-server/authority.h"
#include "sync-server/depot.h"
#include "sync-server/erasure.h"
#include "sync-server/operator.h"

struct listing {
	struct operator *operator;
	json_t *rows;
};

static enum rc
list_one(void *ctx, const struct erasure_found *found)
{
	struct listing *l = ctx;
	char dot[DOT_TEXT_MAX], record[DOT_TEXT_MAX], at[21];

	dot_text(&found->entry->dot, dot);
	dot_text(&found->entry->record, record);
	operator_time(l->operator, found->entry->saved_at, at);
	return operator_add_row(l->rows, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "entry", dot,
	    "record", record, "unit", found->unit, "form", found->form, "fields",
	    *found->fields != '\0' ? found->fields : operator_word(l->operator, "tất cả", "all"), "at", at));
}

static enum rc
print_list(struct operator *c, enum rc rc, json_t *rows)
{
	static const struct operator_column columns[] = {
		{ "entry", { "Lần ghi", "Entry" } }, { "record", { "Bản ghi", "Record" } },
		{ "unit", { "Đơn vị", "Unit" } }, { "form", { "Biểu mẫu", "Form" } },
		{ "fields", { "Trường", "Fields" } }, { "at", { "Thời điểm", "At" } },
	};

	return operator_print_rows(c, rc, rows, columns, sizeof(columns) / sizeof(columns[0]));
}

static enum rc
load_forms(struct authority *a, struct form_set **out, struct error *err)
{
	uint64_t seq;
	size_t len;
	const uint8_t *payload = directory_forms(authority_directory(a), &len, &seq);

	*out = NULL;
	return payload == NULL ? form_set_load_embedded(out, err) :
	    form_parcel_open(payload, len, out, err);
}

static enum rc
name_all(struct operator *c, struct authority *a, struct depot *depot, struct erasure_order *o)
{
	struct listing l = { c, json_array() };
	struct form_set *forms = NULL;
	enum rc rc = load_forms(a, &forms, &c->err);

	if (rc == RC_OK)
		rc = erasure_find(a, depot, forms, o, list_one, &l, &c->err);
	form_set_free(forms);
	return print_list(c, rc, l.rows);
}

static enum rc
find_and_sign(struct operator *c, struct authority *a, struct depot *depot)
{
	struct erasure_order o;
	struct bytes text;
	enum rc rc;

	bytes_init(&text);
	memset(&o, 0, sizeof(o));
	if ((rc = files_read(c->options.order, ERASURE_ORDER_BYTES_MAX, &text, &c->err)) == RC_OK &&
	    (rc = erasure_read(c->options.order, text.data, text.len, &o, &c->err)) == RC_OK &&
	    (rc = name_all(c, a, depot, &o)) == RC_OK && !c->options.dry_run)
		rc = authority_erase(a, o.title, o.named, o.n_named, &c->err);
	erasure_order_reset(&o);
	bytes_reset(&text);
	return rc;
}

/* The relay hears of the erasure first: from then on nothing else of those logs comes in. */
static enum rc
seal_again(struct operator *c, struct authority *a, struct depot *depot, size_t *n)
{
	struct authority_meeting m;
	enum rc rc;

	if ((rc = operator_meet_here(c, a, &m)) != RC_OK || (rc = depot_refresh(depot)) != RC_OK ||
	    (rc = erasure_reseal(a, depot, n, &c->err)) != RC_OK)
		return rc;
	return operator_meet_here(c, a, &m);
}

static enum rc
erase(struct operator *c, struct authority *a)
{
	char folder[FILES_PATH_MAX];
	struct depot *depot = NULL;
	size_t n = 0;
	enum rc rc;

	if (!operator_has_relay(c))
		return error_set(&c->err, RC_CONFIG, c->options.dir,
		    "put authority/ and relay/, or a copy of it, into one folder; then exchange",
		    "an erasure needs the frames of the relay");
	if ((rc = operator_folder(c, "relay", folder)) != RC_OK ||
	    (rc = depot_open(folder, &depot, &c->err)) != RC_OK)
		return rc;
	if (c->options.order != NULL)
		rc = find_and_sign(c, a, depot);
	if (rc == RC_OK && !c->options.dry_run)
		rc = seal_again(c, a, depot, &n);
	depot_close(depot);
	if (rc == RC_OK && !c->options.dry_run)
		operator_note(c, "đã ký; máy nào đồng bộ thì xóa. Bản sao lưu, thẻ USB và máy chưa đồng bộ nằm ngoài tầm"
		    " với cho đến khi hết hạn hoặc đồng bộ", "signed; each device erases when it syncs.  Backups, sticks"
		    " and devices that do not sync are out of reach until they expire or do");
	return rc;
}

enum rc
operator_erase(struct operator *c)
{
	if (c->options.order == NULL && c->options.dry_run)
		return operator_wrong(c->entry, &c->err);
	return operator_with_authority(c, erase);
}
