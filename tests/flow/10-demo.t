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
[ -z "$(find "$D" -name '*.socket' -o -name '*.pid')" ] && [ -z "$(processes_with "$D/")" ]
ok $? "nothing of it stays running"
done_testing
