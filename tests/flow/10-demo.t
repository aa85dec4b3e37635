#!/bin/bash
# make demo: what it claims is true, and nothing of it stays running.
. tests/support/flow.sh
flow_folder

# in a build folder of its own, so that a demo that somebody looks at is left alone
mkdir -p "$T/build"
ln -s "$BIN" "$T/build/bin"
ln -s "$BUILD/bench" "$T/build/bench"
start=$SECONDS
bash tests/support/demo "$T/build/bin" >"$T/told" 2>"$T/complaints"
ok $? "the demo ends by itself with 0" || sed 's/^/# /' "$T/told" "$T/complaints"
is "$(cat "$T/complaints")" "" "and has nothing to complain of"
[ $((SECONDS - start)) -lt 60 ]
ok $? "within a minute"
told=$(cat "$T/told")
D=$(cd "$T/build/bin/.." && pwd)/demo
[ -d "$D" ] || D=$T/build/demo

lines() { grep -c -- "$1" "$T/told"; }
[ "$(lines 'Tự trở về, đến trình báo\|Tiếp nhận qua cửa khẩu\|Received at a border gate')" -ge 2 ] &&
	[ "$(lines 'Phía nước ngoài trao trả\|Handed over by the other country')" -ge 2 ]
ok $? "it shows both values of the conflict on both laptops"
like "$told" "Nông Thị Lan" "with the names of those who wrote them"
like "$told" "Hoàng Văn Minh" "both of them"
like "$told" "finds Đặng Thị Hòa" "it searches without marks"
like "$told" "06184 Xã Đồng Đăng" "it names the communes by code"
# the vault that Lan left behind holds what was told
lan=$D/laptop-lan minh=$D/laptop-minh office=$D/province
for home in "$lan" "$minh" "$office"; do FLOW_HOMES+=("$home"); done
case=$(on "$lan" --json list case --limit 1000 | perl -CO -MJSON::PP -e 'local $/;
	print map { $_->{id} } grep { $_->{headline} eq "HS-DD-9001" } @{decode_json(<STDIN>)}')
is "$(value_of "$lan" "$case" recv_channel)" HANDOVER "the case shows what was picked, on the first laptop"
is "$(value_of "$minh" "$case" recv_channel)" HANDOVER "on the second"
is "$(value_of "$office" "$case" recv_channel)" HANDOVER "and in the province"
is "$(on "$lan" --json verify | json digest)" "$(on "$minh" --json verify | json digest)" \
	"both laptops of the commune hold the same"
is "$(on "$office" --json conflicts)" "[]" "no conflict is left in the province"
records=$(on "$office" --json status | json records)
[ "$records" -ge 200 ]
ok $? "the province has 200 records and more" || echo "# $records"
is "$(on "$lan" --json status | json last_receipt level)" held "the laptop has the holder's receipt"
thu=$D/laptop-thu
FLOW_HOMES+=("$thu")
exits 66 "the laptop of another commune does not have the case" on "$thu" show "$case"

book=$D/reports/consolidated.xlsx
unzip -tqq "$book" >/dev/null 2>&1
ok $? "the consolidated workbook is whole"
like "$(unzip -p "$book" xl/sharedStrings.xml 2>/dev/null)" "Lượt người tham dự" "it has Vietnamese headings"
is "$(cd "$D/reports" && echo *)" "b1.csv b10.csv b11.csv b12.csv b13.csv b14.csv b15.csv b16.csv b17.csv b2.csv b3.csv b4.csv b5.csv b6.csv b7.csv b8.csv b9.csv consolidated.xlsx" "beside it lies one sheet a report"
# What an office program makes of it; it is large, so only CI brings it along.
if command -v soffice >/dev/null && command -v pdftotext >/dev/null; then
	exits 0 "LibreOffice opens the workbook" timeout 300 soffice --headless \
	    "-env:UserInstallation=file://$T/office" --convert-to pdf --outdir "$T" "$book"
	pages=$(pdftotext -layout "$T/consolidated.pdf" - 2>/dev/null | sed 's/\f/\f\n/g')
	[ "$(grep -c $'\f' <<<"$pages")" -ge 18 ]
	ok $? "a cover and a page and more for each of the seventeen tables"
	like "$pages" "Số liệu công tác phòng ngừa, hỗ trợ nạn nhân bị mua bán" "the cover says what it is"
	like "$pages" "Từ đầu kỳ chưa nhận được bản ghi nào của" "and who is silent"
	for table in B1. B2. B3. B4. B5. B6. B7. B8. B9. B10. B11. B12. B13. B14. B15. B16. B17.; do
		grep -q "^ *$table [A-ZĐ]" <<<"$pages" || echo "# $table is missing"
	done | { ! grep .; }
	ok $? "every table has its page"
	unlike "$pages" "###" "no figure is wider than its column"
fi
[ -z "$(find "$D" -name '*.socket' -o -name '*.pid')" ] && [ -z "$(processes_with "$D/")" ]
ok $? "nothing of it stays running"
done_testing
