#include <string.h>

#include "field/commands.h"
#include "field/workspace.h"
#include "shared/reports/htcds.h"
#include "shared/sync/replica.h"
#include "shared/vault/vault.h"

static void
tell(struct call *c, const struct htcds_counts *n, unsigned smallest)
{
	call_note(c, "%s", call_say(c,
	    "Lưu ý: tệp này không được mã hóa. Tệp không ghi tên, ngày sinh, xã, nhưng người biết chuyện vẫn có"
	    " thể đoán ra; chỉ gửi cho nơi được phép.",
	    "Note: this file is not encrypted.  It holds no names, birth dates or communes, yet who knows"
	    " the story may still guess; give it only to those who may have it."));
	if (c->json) {
		call_print(c, "{\"exported\":%zu,\"generalised\":%zu,\"left_out\":%zu,\"unwilling\":%zu,"
		    "\"smallest\":%u}", n->exported, n->coarser, n->left_out, n->unwilling, smallest);
		return;
	}
	call_print(c, call_say(c, "Đã xuất %zu hồ sơ, trong đó %zu hồ sơ ghi bớt chi tiết.",
	    "Exported %zu cases, %zu of them with less detail."), n->exported, n->coarser);
	call_print(c, call_say(c, "Bỏ qua %zu hồ sơ vì có ít hơn %u người cùng đặc điểm, và %zu hồ sơ vì người đó"
	    " không đồng ý đưa vào số liệu.", "Left out: %zu cases that fewer than %u persons are like, and %zu"
	    " whose person does not agree to be in figures."), n->left_out, smallest, n->unwilling);
}

enum rc
commands_export_htcds(struct call *c)
{
	struct report_order order;
	struct htcds_counts n;
	struct bytes *out;
	long smallest;
	enum rc rc;

	memset(&order, 0, sizeof(order));
	order.unit = call_option(c, "unit");
	if ((rc = commands_day_of(c, "from", &order.from)) != RC_OK ||
	    (rc = commands_day_of(c, "to", &order.to)) != RC_OK ||
	    (rc = call_number(c, "smallest", HTCDS_SMALLEST_MIN, HTCDS_SMALLEST_MAX, HTCDS_SMALLEST,
	    &smallest)) != RC_OK)
		return rc;
	order.smallest = (unsigned)smallest;
	if ((out = call_output(c, c->args[0])) == NULL)
		return RC_NOMEM;
	if ((rc = workspace_prepare_reports(c->ws, &c->err)) != RC_OK ||
	    (rc = htcds_export(vault_db(c->ws->vault), replica_forms(c->ws->replica), &order, out, &n,
	    &c->err)) != RC_OK)
		return rc;
	if ((rc = commands_access_listed(c, "htcds", "case", n.exported, true)) == RC_OK)
		tell(c, &n, order.smallest);
	return rc;
}
