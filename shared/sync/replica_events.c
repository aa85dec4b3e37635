#include "shared/sync/replica_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/vault/query.h"

/* What happened, that nothing is lost by it, and what to do. */
static const struct { const char *kind, *vi, *en; } texts[] = {
	{ "draft-erased", "Một bản nháp trên máy này đã bị xóa vì liên quan đến hồ sơ có dữ liệu phải xóa theo lệnh.",
	    "A draft on this device is gone: it was about a record of which something was erased by order." },
	{ "own-returned", "Kho dữ liệu của máy này thiếu những gì chính máy đã ghi (đã được khôi phục từ bản"
	    " sao cũ, hoặc đang được dùng ở hai nơi); phần thiếu đã được nhận lại.",
	    "This device's vault lacked what the device itself had written (it was put back to an older"
	    " copy, or is used in two places); it has come back." },
	{ "two-places", "Kho dữ liệu của máy này đang được dùng ở hai nơi. Không mất dữ liệu, nhưng hãy ngừng"
	    " dùng một bản và báo cho tỉnh.",
	    "This device's vault is used in two places. Nothing is lost, but stop using one of them"
	    " and tell the province." },
	{ "own-ahead", "Tỉnh đang giữ những lần ghi của máy này mà kho dữ liệu ở đây không có (kho được khôi"
	    " phục từ bản sao cũ).",
	    "The province holds work of this device that its vault does not have (it was put back to an"
	    " older copy)." },
	{ "fork", "Một máy đang mở đã bị sao chép và cả hai bản cùng ghi tiếp: các lần ghi trùng số được giữ"
	    " riêng, cán bộ giám sát có thể cho tính lại (field quarantine).",
	    "A running device was copied, and both copies went on writing: entries with the same numbers"
	    " are set aside, and a supervisor can release them (field quarantine)." },
	{ "held-differs", "Tỉnh giữ một nhánh ghi khác với máy này (máy đã bị sao chép khi đang mở): báo cho tỉnh.",
	    "The province holds another branch than this device (it was copied while it ran): tell the"
	    " province." },
	{ "held-too-many", "Một máy có quá nhiều chuỗi ghi rời nhau để xác nhận trong một lần.",
	    "A device has too many loose logs to be confirmed at once." },
	{ "relay-restored", "Máy chủ đã được khôi phục từ bản sao lưu; máy này gửi lại những gì máy chủ còn thiếu.",
	    "The server was restored from a backup; this device hands in again what it lacks." },
	{ "relay-rolled-back", "Máy chủ đã bị đưa về trạng thái cũ mà không qua lệnh khôi phục: báo cho tỉnh. Máy"
	    " này gửi lại những gì máy chủ còn thiếu.",
	    "The server was put back to an older state by hand: tell the province. This device hands in"
	    " again what it lacks." },
	{ "directory-behind", "Máy chủ thiếu những quyết định mới của tỉnh mà máy này đã biết; máy này đã gửi bổ"
	    " sung. Báo cho tỉnh.",
	    "The server lacked decisions of the province that this device knows, and was given them."
	    " Tell the province." },
	{ "directory-fork", "Có hai danh bạ khác nhau của tỉnh: máy chủ hoặc tỉnh đã bị thay đổi. Báo ngay cho tỉnh.",
	    "There are two different directories of the province: the server or the authority was"
	    " tampered with or put back. Tell the province at once." },
	{ "directory-withheld", "Máy của một đồng nghiệp biết những quyết định của tỉnh mà máy chủ không chuyển"
	    " cho máy này: báo cho tỉnh. Máy đó",
	    "A colleague's device knows decisions of the province that the server keeps from this one: tell"
	    " the province. That device" },
	{ "directory-refused", "Một quyết định trong danh bạ không hợp lệ và đã bị bỏ qua: báo cho tỉnh.",
	    "A statement of the directory is not valid and was passed over: tell the province." },
	{ "certificate-refused", "Một chứng nhận máy không hợp lệ đã bị bỏ qua.",
	    "A device's certificate is not valid and was passed over." },
	{ "share-refused", "Một khóa nhận được không phải khóa ghi trong danh bạ và đã bị bỏ qua; nếu vẫn còn bản"
	    " ghi chờ khóa sau lần đồng bộ tới, báo cho tỉnh.",
	    "A key that came is not the one of the directory and was passed over; if records still wait"
	    " for a key after the next sync, tell the province." },
	{ "receipt-refused", "Một giấy xác nhận không hợp lệ đã bị bỏ qua.",
	    "A receipt is not valid and was passed over." },
	{ "forms-refused", "Bộ biểu mẫu mới chưa dùng được với phiên bản phần mềm này; bộ cũ vẫn được dùng.",
	    "The new forms cannot be used by this version of the program; the old ones stay in use." },
	{ "audit-cut", "Nhật ký của máy chủ đã bị sửa hoặc cắt bớt: báo cho tỉnh.",
	    "The server's audit log was changed or shortened: tell the province." },
	{ "aside-full", "Máy chủ hoặc thẻ nhớ đưa đến quá nhiều dữ liệu mà không máy nào của tỉnh đứng tên nhận;"
	    " phần vượt mức chưa được nhận và sẽ được xin lại sau. Dữ liệu của máy này không mất. Báo cho tỉnh.",
	    "A server or a stick brought so much that no known device of the province answers for that not all"
	    " of it was kept; it is asked for again later. Nothing here is lost. Tell the province." },
	{ "clock-wrong", "Đồng hồ của máy này lệch nhiều so với máy chủ: hãy chỉnh lại ngày giờ. Số ngày lệch",
	    "This device's clock is far from the server's: set date and time. Days it is wrong by" },
};

const char *
replica_event_text(const char *kind, bool vietnamese)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(texts[i].kind, kind) == 0)
			return vietnamese ? texts[i].vi : texts[i].en;
	return "";
}

enum rc
replica_events(struct replica *r, int64_t after, int64_t since,
    struct replica_event_line **out, size_t *n, struct error *err)
{
	struct replica_event_line *list = NULL, *e;
	struct sqlite3_stmt *q;
	size_t cap = 0;
	bool row = true;
	void *p;
	enum rc rc;

	*out = NULL;
	*n = 0;
	rc = query_open(replica_db(r), err, &q, "SELECT id, at, kind, detail FROM event"
	    " WHERE id > ?1 AND at >= ?2 ORDER BY id DESC", "ii", after, since);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		if (*n == cap) {
			cap = cap ? 2 * cap : 16;
			if ((p = realloc(list, cap * sizeof(*list))) == NULL) {
				rc = RC_NOMEM;
				break;
			}
			list = p;
		}
		e = &list[(*n)++];
		e->id = query_column_int(q, 0);
		e->at = query_column_int(q, 1);
		snprintf(e->kind, sizeof(e->kind), "%s", query_column_text(q, 2));
		snprintf(e->detail, sizeof(e->detail), "%s", query_column_text(q, 3));
	}
	query_close(q);
	if (rc != RC_OK) {
		free(list);
		*n = 0;
		return rc;
	}
	*out = list;
	return RC_OK;
}

enum rc
replica_events_last(struct replica *r, int64_t *out, struct error *err)
{
	return query_int(replica_db(r), err, out, "SELECT coalesce(max(id), 0) FROM event", "");
}

enum rc
replica_too_large(struct replica *r, uint64_t *n, struct error *err)
{
	int64_t found = 0;
	enum rc rc = query_int(replica_db(r), err, &found, "SELECT count(*) FROM oversize", "");

	*n = (uint64_t)found;
	return rc;
}
