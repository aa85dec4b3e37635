/* Sheets of rules: what is published, and publishing others. */
#include <jansson.h>
#include <string.h>

#include "shared/base/csv.h"
#include "shared/forms/form.h"
#include "shared/records/case_rules.h"
#include "shared/sync/form_parcel.h"
#include "sync-server/authority.h"
#include "sync-server/operator.h"

/* The published set, or the one of the program. */
static enum rc
load_set(struct operator *c, struct authority *a, struct form_set **out)
{
	size_t len;
	uint64_t seq;
	const uint8_t *payload = directory_forms(authority_directory(a), &len, &seq);

	return payload != NULL ? form_parcel_open(payload, len, out, &c->err) :
	    form_set_load_embedded(out, &c->err);
}

static enum rc
list_rules(struct operator *c, struct authority *a)
{
	static const struct operator_column columns[] = {
		{ "sheet", { "Bảng", "Sheet" } }, { "rows", { "Số dòng", "Rows" } },
		{ "published", { "Tỉnh công bố", "Published" } },
	};
	json_t *rows = json_array();
	struct form_set *set = NULL;
	struct case_rules *r = NULL;
	struct error refused = { .code = RC_OK };
	enum rc rc = load_set(c, a, &set);

	if (rc == RC_OK)
		rc = case_rules_load_set(set, &r, &refused, &c->err);
	if (rc == RC_OK && refused.code != RC_OK) {
		c->err = refused;
		rc = refused.code;
	}
	for (size_t i = 0; rc == RC_OK && i < CASE_RULES_SHEETS; i++)
		rc = operator_add_row(rows, json_pack("{s:s, s:I, s:b}", "sheet", case_rules_sheet_name(i),
		    "rows", (json_int_t)case_rules_sheet(r, i)->n_rows, "published",
		    (int)case_rules_is_published(r, i)));
	case_rules_free(r);
	form_set_free(set);
	return operator_print_rows(c, rc, rows, columns, sizeof(columns) / sizeof(columns[0]));
}

static enum rc
publish_rules(struct operator *c, struct authority *a)
{
	const char *dir = c->options.n_args == 2 ? c->options.args[1] : NULL;
	bool changed;
	enum rc rc = authority_publish_rules(a, dir, &changed, &c->err);

	if (rc != RC_OK)
		return rc;
	if (!changed)
		operator_note(c, "không có gì thay đổi so với lần công bố trước",
		    "nothing differs from what is published already");
	return list_rules(c, a);
}

enum rc
operator_rules(struct operator *c)
{
	const char *word = c->options.n_args > 0 ? c->options.args[0] : "";

	if (c->options.n_args == 0)
		return operator_with_authority(c, list_rules);
	if ((c->options.n_args == 2 && strcmp(word, "publish") == 0) ||
	    (c->options.n_args == 1 && strcmp(word, "withdraw") == 0))
		return operator_with_authority(c, publish_rules);
	return operator_wrong(c->entry, &c->err);
}
