#!/bin/bash
# A commune freezes its report and sends it; the province returns it, and accepts the next version.
. tests/support/flow.sh
flow_folder
P=$T/server commune=$T/commune office=$T/office lan=$T/lan analyst=$T/analyst
make_province "$P" "Tỉnh Lạng Sơn"
for who in "commune 06184 supervisor Ủy_ban_xã" "office 20 supervisor Phòng_Tổng_hợp" \
	"lan 06184 caseworker Nông_Thị_Lan" "analyst 20 analyst Lý_Văn_Số"; do
	set -- $who
	invite "$P" "$2" "$3" "${4//_/ }" "$T/$1"
	join_device "$T/$1" "$T/$1"
done
start_server "$P"

# ---- the commune ----
person=$(on "$lan" add person "full_name=Đặng Thị Hòa" sex=F birth_date=1990)
must on "$lan" add case "person_id=$person" recv_channel=GATE recv_date=2026-03-02 recv_org_kind=BGP risk_level=LOW
must sync_with "$lan"
must sync_with "$commune"
period=(--from 2026-01-01 --to 2026-06-14)
printf 'Kết quả sáu tháng đầu năm.\nKhông có vướng mắc.\n' >"$T/text"
complains 77 "supervisor" "a case worker does not send the report of the commune" \
	on "$lan" report submit LS-2026 M6 "${period[@]}"
complains 64 "from" "a report is of a period" on "$commune" report submit LS-2026 M6
complains 65 "" "a kind that is not in the list is refused" on "$commune" report submit LS-2026 M7 "${period[@]}"
is "$(on "$commune" --json report submissions)" "[]" "and leaves nothing"
exits 0 "the commune's office does" on "$commune" report submit LS-2026 M6 "${period[@]}" --narrative "$T/text"
first=$out
like "$(value_of "$commune" "$first" narrative)" "Không có vướng mắc." "with its text"
is "$(value_of "$commune" "$first" snapshot_tables)" "$(echo b{1..17})" "all seventeen tables are in it"
is "$(value_of "$commune" "$first" to_org)" "Tỉnh Lạng Sơn" "it goes to the unit above"
total() { on "$1" --json report show "$2" b1 2>/dev/null | perl -Mutf8 -CO -MJSON::PP -e 'local $/;
	print join " ", map { $_->[2] } grep { $_->[1] =~ /Tổng số/ } @{decode_json(<STDIN>)->{rows}}'; }
is "$(total "$commune" "$first")" 1 "one person was received"
exits 0 "people read it, too" on "$commune" report show "$first" b1
like "$out" "Tổng số" "as a table"
is "$(on "$commune" --quiet report show "$first" | wc -l)" 17 "without a name it lists what was frozen"
complains 66 "b99" "a table that was not frozen is not there" on "$commune" report show "$first" b99
complains 77 "above" "nobody accepts the own report" on "$commune" report accept "$first"

must on "$commune" edit "$first" states=ACCEPTED
is "$(on "$commune" --json report submissions | json 0 state) $(on "$commune" --json report submissions | json 0 ignored 0 state)" \
	"SUBMITTED ACCEPTED" "nor by typing it into the record"
like "$(on "$commune" report submissions)" "“Accepted” by Ủy ban xã does not count" "which is told, and whose it is"

# ---- what is recorded later ----
person=$(on "$lan" add person "full_name=Lý Thị Mai" sex=F birth_date=1991)
must on "$lan" add case "person_id=$person" recv_channel=GATE recv_date=2026-03-09 recv_org_kind=BGP risk_level=LOW
must sync_with "$lan"
must sync_with "$commune"
is "$(total "$commune" "$first")" 1 "does not change what was frozen"

# ---- the province ----
for home in "$office" "$analyst"; do must sync_with "$home"; done
is "$(on "$office" --json report submissions | json 0 id) $(on "$office" --json report submissions | json 0 state)" \
	"$first SUBMITTED" "the province has it"
is "$(on "$office" --json report show "$first" 2>/dev/null)" "$(on "$commune" --json report show "$first" 2>/dev/null)" \
	"the same to the byte"
is "$(total "$analyst" "$first")" 1 "an analyst reads it"
complains 77 "" "and does not answer it" on "$analyst" report accept "$first"
complains 64 "reason" "returning it asks for a reason" on "$office" report return "$first"
exits 0 "it is returned" on "$office" report return "$first" --reason "Thiếu một trường hợp tiếp nhận ngày 09/3"
must sync_with "$office"
must sync_with "$commune"
is "$(on "$commune" --json report submissions | json 0 state)" RETURNED "the commune sees that"
like "$(on "$commune" --json report submissions | json 0 reasons 0)" "09/3" "and why"
complains 65 "version" "what was returned is not accepted" on "$office" report accept "$first"
exits 0 "it sends another version" on "$commune" report submit LS-2026 M6 "${period[@]}"
second=$out
is "$(value_of "$commune" "$second" version) $(value_of "$commune" "$second" replaces)" "2 $first" "which names the one it replaces"
is "$(total "$commune" "$first") $(total "$commune" "$second")" "1 2" "each with its own figures"
must sync_with "$commune"
must sync_with "$office"
exits 0 "it is accepted" on "$office" report accept "$second"
must sync_with "$office"
must sync_with "$commune"
like "$("$BIN/field" --lang vi --home "$commune" --passphrase-file "$commune.pass" report submissions)" \
	"lần 2  Đã tiếp nhận, thay cho $first" "the commune reads it in its language"

# ---- who owes what ----
put_plan() { # HOME: before 20/6 from communes, before 30/6 from the department
	local plan
	plan=$(on "$1" add plan code=LS-2026 issuer=UBND year=2026 period_6m_start=2026-01-01 period_6m_end=2026-06-30 \
		period_year_start=2026-01-01 period_year_end=2026-12-31)
	must on "$1" add plan_deadline "plan_id=$plan" kind=M6 from_kind=CPC to_kinds=DOH month_day=20/6 strict_before=yes
	must on "$1" add plan_deadline "plan_id=$plan" kind=M6 from_kind=DOH to_kinds=PPC month_day=30/6 strict_before=yes
}
put_plan "$office"
put_plan "$lan"
owed() { on "$1" --json report submissions --due --on "$2" | perl -MJSON::PP -e 'local $/;
	print join " ", map { "$_->{unit}:$_->{last_day}:$_->{state}" . ($_->{late} ? ":late" : "") } grep { $_->{unit} =~ /^(06184|06004|20)$/ } @{decode_json(<STDIN>)}'; }
is "$(owed "$office" 2026-06-19)" "06004:2026-06-19:MISSING 06184:2026-06-19:MISSING 20:2026-06-29:MISSING" "before 20/6: the 19th is the last day"
is "$(owed "$office" 2026-06-20)" "06004:2026-06-19:OVERDUE:late 06184:2026-06-19:OVERDUE:late 20:2026-06-29:MISSING" "on the 20th it is overdue"
is "$(owed "$office" 2026-12-01)" "06004:2026-06-19:OVERDUE:late 06184:2026-06-19:ACCEPTED:late 20:2026-06-29:OVERDUE:late" "what was accepted is told, and that it came late"
is "$(owed "$lan" 2026-06-18)" "06184:2026-06-19:UNKNOWN" "a case worker is told the day of the own commune"
like "$("$BIN/field" --lang vi --home "$office" --passphrase-file "$office.pass" report submissions --due --on 2026-06-20)" \
	"19/06/2026  06184 Xã Đồng Đăng  LS-2026  Báo cáo 6 tháng → Sở Y tế: quá hạn, chưa gửi" "people read it in their language"
due() { on "$1" --json due --days 0 | perl -MJSON::PP -e 'local $/;
	print join " ", map { "$_->{code} $_->{kind} $_->{unit} $_->{due} $_->{state}" } grep { $_->{rule} eq "report" } @{decode_json(<STDIN>)}'; }
is "$(due "$office")" "LS-2026 M6 20 2026-06-29 OVERDUE" "what is due names the report of the own unit"
is "$(due "$lan")" "" "where reports are not read, none whose day has passed"
complains 64 "--due" "a plan is named for what is due" on "$office" report submissions --plan LS-2026
complains 64 "on" "a day is a day" on "$office" report submissions --due --on June

# ---- what comes late to a period that was accepted ----
person=$(on "$lan" add person "full_name=Vi Thị Sen" sex=F birth_date=1992)
must on "$lan" add case "person_id=$person" recv_channel=GATE recv_date=2026-06-14 recv_org_kind=BGP risk_level=LOW
must on "$lan" add case "person_id=$person" recv_channel=HANDOVER recv_date=2026-06-15 recv_org_kind=BGP risk_level=LOW
must sync_with "$lan"
must sync_with "$commune"
next=(--from 2026-06-15 --to 2026-11-14)
late() { perl -Mutf8 -CO -MJSON::PP -e 'local $/; print join " ", map { "$_->{from} $_->{to} $_->{reported} $_->{now} $_->{difference}" }
	grep { $_->{row} eq "Tổng số" && $_->{column} eq "Tổng số người" } @{decode_json(<STDIN>)->{corrections} // []}'; }
is "$(on "$commune" --json report b1 "${next[@]}" | late)" "2026-01-01 2026-06-14 2 3 1" \
	"the next period's table says what was reported, what is now, and the difference"
is "$(on "$lan" --json report b1 "${next[@]}" | late)" "" "who does not read reports compares nothing"
is "$(on "$commune" --json report b1 "${next[@]}" --public | late)" "" "a table that leaves has no corrections"
exits 0 "people read it, too" on "$commune" report b1 "${next[@]}"
like "$out" "Tổng số, Tổng số người: reported 2, now 3, difference 1" "in a line"
for kind in csv xlsx; do must on "$commune" --quiet report b1 "${next[@]}" --out "$T/late.$kind"; done
is "$(grep -c '^From 2026-01-01 to 2026-06-14,' "$T/late.csv") $(unzip -p "$T/late.xlsx" xl/sharedStrings.xml | grep -c 'Corrections to periods')" \
	"$(on "$commune" --json report b1 "${next[@]}" | json corrections '#') 1" "sheet and workbook have it"
exits 0 "the commune freezes the next period with it" on "$commune" report submit LS-2026 Y1 "${next[@]}"
third=$out
is "$(on "$commune" --json report show "$third" b1 2>/dev/null | late)" "2026-01-01 2026-06-14 2 3 1" "and so the province reads it"
like "$(on "$commune" report show "$third" b1)" "Tổng số, Tổng số người: reported 2, now 3, difference 1" "people as well"
is "$(on "$commune" --json report b1 --from 2026-11-15 --to 2026-11-20 | late)" "" "what was corrected is not corrected again"
is "$(total "$commune" "$second") $(total "$commune" "$third")" "2 1" "and what was frozen stays"

# ---- tables that somebody altered ----
must on "$commune" edit "$second" "snapshot_hash=$(printf '0%.0s' {1..64})"
complains 74 "hash" "tables without their hash are not shown" on "$commune" report show "$second" b1
like "$(on "$commune" --json report b1 --from 2026-11-15 --to 2026-11-20 | json notes)" "is not what was frozen" "nor compared, and that is said"
stop_server
done_testing
