#!/bin/bash
# What leaves those who are bound to secrecy: tables for the public, from a laptop and from the province's
# replica, beside the whole ones.
. tests/support/flow.sh
flow_folder
P=$T/server
make_province "$P" "Tỉnh Lạng Sơn"
invite "$P" 06184 caseworker "Cán bộ Lan" "$T/lan"
join_device "$T/lan" "$T/lan"
invite "$P" 20 holder "Bản sao tỉnh" "$T/holder"
join_device "$T/holder" "$T/holder"
start_server "$P"
lan=$T/lan

# Nine persons received, seven women and two men, and what was paid for them.
cases=$T/cases.csv
{
	echo "person_id,recv_channel,recv_date,recv_org_kind,risk_level"
	for n in 1 2 3 4 5 6 7 8 9; do
		sex=F
		[ $n -lt 8 ] || sex=M
		echo "$(on "$lan" add person "full_name=Người $n" sex=$sex birth_date=1990),GATE,2026-03-0$n,BGP,LOW"
	done
} >"$cases"
must on "$lan" import case "$cases"
must on "$lan" add issue date=2026-03-03 issue_area=OTHER "org=Xã Đồng Đăng" "description=Chị Hoa ở bản Nà Sầm chưa có giấy tờ"
b() { # NAME [OPTION]...
	local name=$1
	shift
	on "$lan" --lang vi report "$name" --from 2026-01-01 --to 2026-06-30 "$@"
}

# ---- from a laptop ----
row() { # the row that sums up
	perl -ne 'print join "|", map { s/\r?\n//r } (split /,/)[2 .. 5] if /Tổng số,/' "$1"
}
exits 0 "the whole table goes to the office" b b1 --out "$T/whole.csv"
exits 0 "another to the public" b b1 --public --out "$T/public.csv"
is "$(row "$T/whole.csv")" "9|2|7|0" "the office sees two men"
is "$(row "$T/public.csv")" "9|<5|…|0" "the public neither them nor the women, who would tell"
like "$(b b1 --public)" "Bản công bố. Ô ghi “<5”: dưới 5 người." "the table says what its marks mean"
is "$(b b1 --public --threshold 3 --out "$T/three.json" && json threshold <"$T/three.json")" 3 "another threshold"
b b1 --public --threshold 10 --out "$T/ten.csv" >/dev/null 2>&1
is "$(row "$T/ten.csv")" "<10|<10|<10|0" "ten hides all of them"
complains 64 "threshold" "a threshold that hides nothing is refused" on "$lan" report b1 --from 2026-01-01 --to 2026-06-30 --public --threshold 2
complains 64 "threshold" "and one without --public" on "$lan" report b1 --from 2026-01-01 --to 2026-06-30 --threshold 5
like "$(b b17)" "Nà Sầm" "the office reads what was written"
unlike "$(b b17 --public)" "Nà Sầm" "the public does not"
exits 0 "a workbook, too" b b1 --public --out "$T/public.xlsx"
like "$(unzip -p "$T/public.xlsx" xl/sharedStrings.xml)" "&lt;5" "with the same marks"
b b1 --public --threshold 10 --out "$T/ten.xlsx" >/dev/null 2>&1
charts() { unzip -l "$1" | grep -c xl/charts/; }
is "$(charts "$T/public.xlsx") $(charts "$T/ten.xlsx")" "1 0" "and with no chart of what is hidden"

# ---- from the province ----
must sync_with "$lan"
consolidate() {
	"$BIN/sync-server" --passphrase-file "$T/holder.pass" --lang en consolidate --home "$T/holder" --once --server "$URL" \
		--from 2026-01-01 --to 2026-06-30 "$@"
}
exits 0 "the province writes both" consolidate --reports "$T/reports" --public "$T/open"
is "$(ls "$T/open" | wc -l)" "$(ls "$T/reports" | wc -l)" "as many sheets"
total() { perl -ne 'print join "|", map { s/\r?\n//r } (split /,/)[2 .. 5] if /Total,/' "$1"; }
is "$(total "$T/reports/b1.csv") $(total "$T/open/b1.csv")" "9|2|7|0 9|<5|…|0" "the whole, and what may leave"
exits 0 "with a threshold" consolidate --public "$T/open" --threshold 10
is "$(total "$T/open/b1.csv")" "<10|<10|<10|0" "that counts"
complains 64 "another folder" "not into one folder" consolidate --reports "$T/open" --public "$T/open"
complains 64 "threshold" "nor with one that hides nothing" consolidate --public "$T/open" --threshold 1
stop_server
done_testing
