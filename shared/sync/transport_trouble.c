/* What may stand between a laptop and the server, in words. */
#include "shared/sync/transport.h"

struct trouble {
	enum rc rc;
	bool passes;
	struct { const char *what, *help; } say[2];	/* English, Vietnamese */
};

static const struct trouble troubles[TROUBLE_COUNT] = {
	[TROUBLE_NONE] = { RC_OK, false, { { "", "" }, { "", "" } } },
	[TROUBLE_NO_NAME] = { RC_NET, false, {
	    { "the server's name cannot be found (DNS)",
	      "look whether there is a network, and check the address" },
	    { "không tìm thấy tên máy chủ (DNS)",
	      "xem máy đã có mạng chưa và kiểm tra lại địa chỉ" } } },
	[TROUBLE_REFUSED] = { RC_NET, false, {
	    { "the machine answers, but no sync-server listens there",
	      "try again later; if it stays so, tell the province" },
	    { "có máy trả lời nhưng không có máy chủ đồng bộ nào ở đó",
	      "thử lại sau; nếu vẫn vậy, báo cho tỉnh" } } },
	[TROUBLE_NO_WAY] = { RC_NET, false, {
	    { "there is no connection to the server",
	      "try again when there is a network" },
	    { "không có kết nối tới máy chủ",
	      "thử lại khi có mạng" } } },
	[TROUBLE_NO_ANSWER] = { RC_NET, true, {
	    { "the server did not answer in time",
	      "the link may be too weak now; try again later" },
	    { "máy chủ không trả lời kịp",
	      "có thể đường truyền đang quá yếu; thử lại sau" } } },
	[TROUBLE_SILENT] = { RC_NET, true, {
	    { "the link fell silent",
	      "sync again; what came is kept" },
	    { "đường truyền im bặt quá lâu",
	      "đồng bộ lại; những gì đã nhận vẫn còn" } } },
	[TROUBLE_CUT] = { RC_NET, true, {
	    { "the connection was cut",
	      "sync again; what came is kept" },
	    { "kết nối bị ngắt giữa chừng",
	      "đồng bộ lại; những gì đã nhận vẫn còn" } } },
	[TROUBLE_PORTAL] = { RC_PROTOCOL, false, {
	    { "what answers is not a sync-server, perhaps a network's login page",
	      "sign in to the network with a browser first, or check the address" },
	    { "nơi trả lời không phải máy chủ đồng bộ, có thể là trang đăng nhập của mạng",
	      "đăng nhập mạng bằng trình duyệt trước, hoặc kiểm tra lại địa chỉ" } } },
	[TROUBLE_PROXY_LOGIN] = { RC_CONFIG, false, {
	    { "a proxy of this network wants a name and a password",
	      "ask who runs the network; set https_proxy to http://NAME:PASSWORD@HOST:PORT" },
	    { "máy chủ proxy của mạng đòi tên và mật khẩu",
	      "hỏi người quản trị mạng; đặt https_proxy thành http://TÊN:MẬT_KHẨU@MÁY:CỔNG" } } },
	[TROUBLE_PROXY] = { RC_UNAVAILABLE, true, {
	    { "a proxy or gateway on the way does not reach the server",
	      "try again later; if it stays so, ask who runs the network" },
	    { "máy chủ trung gian trên đường không tới được máy chủ đồng bộ",
	      "thử lại sau; nếu vẫn vậy, hỏi người quản trị mạng" } } },
	[TROUBLE_BUSY] = { RC_UNAVAILABLE, true, {
	    { "the server is not able to serve now",
	      "try again later" },
	    { "máy chủ hiện chưa phục vụ được",
	      "thử lại sau" } } },
	[TROUBLE_FULL] = { RC_UNAVAILABLE, false, {
	    { "the server has no room left on its disk",
	      "tell the province; nothing here is lost" },
	    { "ổ đĩa của máy chủ đã đầy",
	      "báo cho tỉnh; dữ liệu trên máy này không mất" } } },
	[TROUBLE_STRANGER] = { RC_PROTOCOL, false, {
	    { "the server refused",
	      "check the address and both versions" },
	    { "máy chủ từ chối",
	      "kiểm tra lại địa chỉ và phiên bản ở cả hai phía" } } },
	[TROUBLE_NO_TLS] = { RC_PROTOCOL, false, {
	    { "what answers does not speak TLS, or too old a version of it",
	      "check the address; the network may want you to sign in first" },
	    { "nơi trả lời không dùng TLS, hoặc dùng bản TLS quá cũ",
	      "kiểm tra lại địa chỉ; có thể mạng đòi đăng nhập trước" } } },
	[TROUBLE_OTHER_KEY] = { RC_AUTH, false, {
	    { "the server is not the one of the invitation: it has another key",
	      "somebody may be listening in, or the network wants you to sign in first" },
	    { "máy chủ không phải máy chủ trong thư mời: khóa khác",
	      "có thể có người nghe lén, hoặc mạng đòi đăng nhập trước" } } },
	[TROUBLE_CLOCK] = { RC_CONFIG, false, {
	    { "the dates of the server's certificate do not fit this computer's clock",
	      "set the clock right, then try again; if it is right, tell the province" },
	    { "thời hạn chứng thư của máy chủ không khớp đồng hồ của máy này",
	      "chỉnh lại đồng hồ rồi thử lại; nếu đồng hồ đúng, báo cho tỉnh" } } },
	[TROUBLE_UNTRUSTED] = { RC_AUTH, false, {
	    { "the server's certificate is vouched for by nobody that this computer trusts",
	      "somebody may be listening in; ask the province for an invitation with a pin" },
	    { "chứng thư của máy chủ không được nơi nào máy này tin cậy bảo đảm",
	      "có thể có người nghe lén; xin tỉnh thư mời có ghi khóa máy chủ" } } },
	[TROUBLE_TOO_LARGE] = { RC_LIMIT, false, {
	    { "the reply is larger than it may be",
	      "check the address" },
	    { "câu trả lời lớn hơn mức cho phép",
	      "kiểm tra lại địa chỉ" } } },
};

bool
transport_trouble_passes(enum transport_trouble trouble)
{
	return trouble < TROUBLE_COUNT && troubles[trouble].passes;
}

enum rc
transport_trouble_rc(enum transport_trouble trouble)
{
	return trouble < TROUBLE_COUNT ? troubles[trouble].rc : RC_INTERNAL;
}

const char *
transport_trouble_text(enum transport_trouble trouble, bool vietnamese, const char **help)
{
	size_t i = trouble < TROUBLE_COUNT ? (size_t)trouble : 0;

	*help = troubles[i].say[vietnamese ? 1 : 0].help;
	return troubles[i].say[vietnamese ? 1 : 0].what;
}
