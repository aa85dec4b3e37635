#!/bin/bash
# Rules of the case life cycle as data of the province: published, signed, in force on a laptop.
. tests/support/flow.sh
flow_folder
P=$T/server lan=$T/lan
make_province "$P" "Tỉnh Lạng Sơn"
invite "$P" 06184 caseworker "Cán bộ Lan" "$T/lan"
join_device "$lan" "$T/lan"
field() { "$BIN/field" --lang en --home "$lan" --passphrase-file "$lan.pass" "$@"; }
viet() { "$BIN/field" --lang vi --home "$lan" --passphrase-file "$lan.pass" "$@"; }
start_server "$P"
due_of() { # CASE RULE: its last day
	field --json case "$1" | perl -MJSON::PP -e 'local $/; my ($d) = grep { $_->{rule} eq $ARGV[0] } @{decode_json(<STDIN>)->{deadlines}}; print $d->{due}' "$2"
}

person=$(field add person pseudonym_code=A1 birth_date=1990)
case=$(field add case "person_id=$person" recv_channel=SELF_COMMUNE recv_date=2026-10-01 risk_level=LOW class=V_VN)
must field add service_delivery "case_id=$case" service=MED status=OFFERED requested_at=2026-10-05 legal_regime=R2024
is "$(due_of "$case" DECISION)" 2026-10-16 "nine working days after Monday the 5th are Friday the 16th"
exits 0 "the rules in force are listed" field --json rules
is "$(json 3 sheet <<<"$out") $(json 3 published <<<"$out")" "holiday false" "with the program's own"

mkdir "$T/rules"
printf 'from,to,name,source\n2026-10-12,2026-10-13,Nghỉ theo quyết định của tỉnh,Quyết định 1/QĐ-UBND\n' >"$T/rules/holiday.csv"
printf 'from,to,name,source\n2026-10-12,2026-10-32,Nghỉ,Quyết định 1/QĐ-UBND\n' >"$T/bad.csv"
mkdir "$T/bad" "$T/other" "$T/empty"
cp "$T/bad.csv" "$T/bad/holiday.csv"
cp "$T/rules/holiday.csv" "$T/other/holidays.csv"
complains 65 "rules/holiday.csv:2:2" "a sheet with a bad cell is refused with its line" server "$P" rules publish "$T/bad"
complains 65 "holidays.csv" "so is a sheet of no known name" server "$P" rules publish "$T/other"
complains 65 "no sheet of rules" "and a folder without any" server "$P" rules publish "$T/empty"
is "$(server "$P" --json rules | json 3 published)" false "then nothing is published"
exits 0 "the province publishes its holidays" server "$P" --json rules publish "$T/rules"
is "$(json 3 published <<<"$out") $(json 3 rows <<<"$out") $(json 2 published <<<"$out")" "true 1 false" "and they are listed beside the program's other sheets"
is "$(due_of "$case" DECISION)" 2026-10-16 "a laptop that has not synced goes by what it has"
sync_with "$lan" >/dev/null
is "$(due_of "$case" DECISION)" 2026-10-20 "one that has counts the days off"
exits 0 "and says whose they are" viet rules
like "$out" "tỉnh công bố" "in its own language"
exits 0 "and which" field rules holiday
like "$out" "2026-10-12,2026-10-13,Nghỉ theo quyết định của tỉnh" "row by row"
complains 66 "" "a sheet that is not there is said" field rules nothing
exits 0 "the same again" server "$P" rules publish "$T/rules"
like "$err" "không có gì thay đổi" "is nothing new"

exits 0 "publishing forms" server "$P" forms publish schema
is "$(server "$P" --json rules | json 3 published)" true "leaves the rules as they are"
cp schema/rules/deadline.csv "$T/rules/"
perl -pi -e 's/^DECISION,R2024,9,/DECISION,R2024,5,/' "$T/rules/deadline.csv"
must server "$P" rules publish "$T/rules"
sync_with "$lan" >/dev/null
is "$(due_of "$case" DECISION)" 2026-10-14 "a term is data, too: five working days, two of them off"
exits 0 "the province takes its sheets back" server "$P" --json rules withdraw
is "$(json 3 published <<<"$out")" false "all of them"
sync_with "$lan" >/dev/null
is "$(due_of "$case" DECISION)" 2026-10-16 "and the program's count again"
exits 0 "sheets of a folder are checked with its forms" field forms check schema
cp -r schema/forms schema/codes "$T/bad/"
mkdir "$T/bad/rules"
mv "$T/bad/holiday.csv" "$T/bad/rules/"
complains 65 "rules/holiday.csv:2:2" "and a bad one is named" field forms check "$T/bad"
done_testing
