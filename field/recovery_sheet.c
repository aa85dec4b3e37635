#include "field/recovery_sheet.h"

#include <string.h>

#include "shared/base/bytes.h"
#include "shared/base/clock.h"

enum { GROUPS_A_LINE = 3, GROUP_MAX = 5, SHEET_MAX = 4096 };

static const char head[] =
    "PHIẾU MÃ KHÔI PHỤC                              Recovery sheet (English below)\n"
    "==============================================================================\n\n";

static const char vietnamese[] =
    "Dùng khi quên mật khẩu:   field passphrase   với lựa chọn   --code-file TỆP,\n"
    "trong TỆP là mã này trên một dòng (\"-\" để gõ từ bàn phím);\n"
    "hoặc   field restore   để mở trên máy khác bản sao lưu\n"
    "đã làm khi mã này còn hiệu lực.\n\n"
    "- Ai có phiếu này và chiếc máy, hoặc một bản sao lưu, thì đọc được tất cả.\n"
    "  Cất phiếu nơi khóa kín, không để cùng máy.\n"
    "- Chữ hoa hay thường đều được; O đọc là 0, I và L đọc là 1; bỏ qua dấu gạch.\n"
    "- Nhóm kiểm cho biết chép đúng hay sai. Gõ sai thì xem lại từng nhóm.\n"
    "- Khi có mã mới, hãy hủy phiếu này. In xong thì xóa tệp này khỏi máy.\n\n";

static const char english[] =
    "------------------------------------------------------------------------------\n"
    "For a forgotten passphrase:   field passphrase --code-file FILE,   with this\n"
    "code on one line of FILE (\"-\": typed); or with   field restore,   to open a\n"
    "backup of that time on another computer.\n\n"
    "- Whoever has this sheet and the laptop, or a backup, can read everything.\n"
    "  Keep it under lock, away from the laptop.\n"
    "- Capital or small letters; O reads as 0, I and L as 1; hyphens do not count.\n"
    "- The check group tells a slip of the pen.  Then look at each group again.\n"
    "- Destroy this sheet when there is a new code; delete this file once printed.\n";

enum rc
recovery_sheet_make(const char *code, int64_t now, struct bytes *out)
{
	char when[17];
	size_t n = 0;

	clock_vietnamese(now, when);
	/* at once: growing would leave copies of the code behind in memory */
	if (bytes_room(out, SHEET_MAX) == NULL)
		return out->rc;
	bytes_text(out, head);
	bytes_printf(out, "Ngày / date: %s\n\n", when);
	while (*code != '\0') {
		size_t len = strcspn(code, "-");
		bool last = code[len] == '\0';

		if (len == 0 || len > GROUP_MAX)
			return RC_FORMAT;
		n++;
		if (last)
			bytes_printf(out, "%s\n    Kiểm / check:  %.*s\n\n", n % GROUPS_A_LINE == 1 ? "" : "\n",
			    (int)len, code);
		else
			bytes_printf(out, "    %zu:  %-*.*s%s", n, (int)GROUP_MAX, (int)len, code,
			    n % GROUPS_A_LINE == 0 ? "\n" : "     ");
		code += len + (last ? 0 : 1);
	}
	bytes_text(out, vietnamese);
	bytes_text(out, english);
	return n < 2 ? RC_FORMAT : out->rc;
}
