#!/bin/bash
# A plan that ships is put on record, shown where it differs, and asked for its deadlines.
. tests/support/flow.sh
flow_folder
P=$T/server home=$T/home
make_province "$P" "Tỉnh Lạng Sơn"
invite "$P" 20 supervisor "Nông Văn Tổng" "$T/tong"
join_device "$home" "$T/tong"

is "$(on "$home" --json plans | json '#')" 5 "five plans ship"
is "$(on "$home" --json plans | json 0 code) $(on "$home" --json plans | json 0 here)" "HUE-2026 false" "none is on record yet"
exits 0 "a dry run says what would be added" on "$home" --json plan add LS-2023 --dry-run
is "$(json added <<<"$out")" "$(cat schema/plans/LS-2023/*.csv | grep -vc '^\(code\|kind\|org_kind\|indicator\|no\|name_vi\),')" "every row of its sheets"
is "$(on "$home" --json list plan)" "[]" "and writes nothing"
exits 0 "then it is added" on "$home" plan add LS-2023
is "$(on "$home" --json list plan_task --limit 100 | json '#')" 16 "with its tasks"
is "$(on "$home" --json plans | json 1 here)" true "and is on record"
exits 0 "a second time" on "$home" --json plan add LS-2023
is "$(json added <<<"$out") $(json differing <<<"$out")" "0 0" "adds nothing"
target=$(on "$home" --json list plan_target --where "\${indicator} = 'I2'" | json 0 id)
must on "$home" edit "$target" value=90
exits 0 "what was changed here" on "$home" plan add LS-2023
like "$out" 'I2, Value: here "90", in the sheet "100"' "is shown beside what ships"
is "$(value_of "$home" "$target" value)" 90 "and let be"
must on "$home" plan add LS-2023 --replace
is "$(value_of "$home" "$target" value)" 100 "until it is to be replaced"
complains 66 "LS-1999" "a plan that does not ship is said" on "$home" plan add LS-1999
must on "$home" plan add QNA-2025
exits 0 "the last days are told" on "$home" report due --year 2025 --org DPC
like "$(head -1 "$T/.out")" "19/06/2025  QNA-2025" "before 20/6 is until 19/6"
exits 0 "in Vietnamese, too" on "$home" --lang vi report due --org DLO
like "$out" "qua Phòng Phòng, chống tệ nạn xã hội" "with who collects them"
complains 64 "year" "a year is a number" on "$home" report due --year x

# ---- a plan of one's own ----
mkdir "$T/next"
sed 's/HUE-2026/LS-2026/; s/UBND thành phố Huế/Sở Y tế tỉnh Lạng Sơn/' schema/plans/HUE-2026/plan.csv >"$T/next/plan.csv"
cp schema/plans/LS-2023/plan_task.csv "$T/next/"
exits 0 "an office's own sheets are put on record" on "$home" --json plan import "$T/next/plan_task.csv" "$T/next/plan.csv"
is "$(json added <<<"$out")" 17 "a plan and its tasks"
sed -i '3s/^[^,]*,/I.1,/' "$T/next/plan_task.csv"
complains 65 "plan_task.csv:3" "a row that is there twice is named" on "$home" plan import "$T/next/plan.csv" "$T/next/plan_task.csv"
cp "$T/next/plan.csv" "$T/next/mine.csv"
complains 64 "plan_task.csv" "and a file whose name says nothing" on "$home" plan import "$T/next/mine.csv"
cp schema/plans/HUE-2026/plan_deadline.csv "$T/next/"
must on "$home" plan import "$T/next/plan.csv" "$T/next/plan_deadline.csv"
is "$(on "$home" --json report due --year 2026 --org CPC | json 0 last_day)" 2026-06-19 "its deadlines are told, too"
on "$home" --quiet unlock >/dev/null 2>&1
exits 0 "the keeper reads sheets, too" on "$home" --json plan import "$T/next/plan.csv"
is "$(json same <<<"$out")" 1 "and finds what is there"
done_testing
