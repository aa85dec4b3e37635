#!/bin/bash
# Vietnamese text as people type it: lists by given name, numbers that are warned of and saved.
. tests/support/flow.sh
flow_folder
P=$T/server lan=$T/lan
make_province "$P" "Tỉnh Lạng Sơn"
invite "$P" 06184 caseworker "Cán bộ Lan" "$T/lan"
join_device "$lan" "$T/lan"
field() { "$BIN/field" --lang en --home "$lan" --passphrase-file "$lan.pass" "$@"; }
viet() { "$BIN/field" --lang vi --home "$lan" --passphrase-file "$lan.pass" "$@"; }
order() { perl -MJSON::PP -CO -e 'local $/; print join " ", map { $_->{'"$1"'} } @{decode_json(<STDIN>)}'; }

# ---- order ----
composed="Đặng Thị Hoà"
decomposed=$(perl -CSDA -MUnicode::Normalize -e 'print NFD($ARGV[0])' "Đặng Thị Hòa")
for who in "A1|Nguyễn Thị Hoa" "A2|$decomposed" "A3|$composed" "A4|Trần Văn An" "A5|Lê Đức" "A6|Bùi Văn Dũng" "A7|Nguyễn Lý" "A8|Bùi Thị Lí"; do
	must field add person "pseudonym_code=${who%%|*}" "full_name=${who#*|}"
done
exits 0 "persons are listed by their names" field --json list person --sort full_name
is "$(order headline <<<"$out")" "A4 A6 A5 A1 A3 A2 A8 A7" "given name first, then family name, by the Vietnamese alphabet"
is "$(order sorted_by <<<"$out")" "T.V.A. B.V.D. L.Đ. N.T.H. Đ.T.H. Đ.T.H. B.T.L. N.L." "and a list shows initials alone"
exits 0 "in words" field list person --sort full_name --limit 1
like "$out" "A4  T.V.A." "with the initials"
unlike "$out" "Trần" "and not the name"
complains 66 "" "a field that is not there is no order" viet list person --sort ten
complains 65 "không sắp xếp được" "a list field is none either" viet list person --sort other_names
exits 0 "all spellings of a name are found" field --json search "dang thi hoa"
is "$(order headline <<<"$out" | tr ' ' '\n' | sort | tr '\n' ' ')" "A2 A3 " "hoà and hòa, composed or not"
exits 0 "a condition typed in another form of Unicode" field --json list person --where "\${full_name} = '$decomposed'"
is "$(order headline <<<"$out")" A2 "means the same"
complains 65 "" "one that is no text is refused" field list person --where $'${full_name} = \'\xff\''
exits 0 "so are y and i" field --json search "Lý"
is "$(order headline <<<"$out" | tr ' ' '\n' | sort | tr '\n' ' ')" "A7 A8 " "Lý and Lí"

# ---- warnings ----
exits 0 "a number that does not agree with the sex is saved" viet --json add person pseudonym_code=B1 sex=M id_kind=CCCD id_number=020198001234
one=$(json id <<<"$out")
is "$(json warnings 0 field <<<"$out")" id_number "and named in the result"
like "$(json warnings 0 message <<<"$out")" "Hãy đối chiếu lại" "in the worker's language"
like "$err" "cần xem lại “Số giấy tờ”" "and beside it"
unlike "$err$out" "020198001234" "without the number itself"
is "$(value_of "$lan" "$one" id_number)" 020198001234 "the number is what was typed"
exits 0 "the record goes on saying so" field show "$one"
like "$out" "Look again at Number of the paper" "when it is shown"
exits 0 "an edit of something else is not warned of it" field --json edit "$one" education=E2
is "$(json warnings <<<"$out" )" "" "again"
exits 0 "an edit that puts it right" field --json edit "$one" sex=F
is "$(json warnings <<<"$out" )" "" "ends it"
is "$(field --json show "$one" | json warnings )" "" "for good"
exits 0 "a telephone that nobody has is saved with a warning" field add person pseudonym_code=B2 "phone=0412 345 678"
like "$err" "number in use" "told beside"
exits 0 "one in any spelling has its own form beside it" field add person pseudonym_code=B3 phone=0912.345.678
is "$err" "" "and no warning"
two=$out
is "$(field --json show "$two" | json fields phone values 0 e164)" "+84912345678" "the same for all spellings"
is "$(value_of "$lan" "$two" phone)" 0912.345.678 "what was typed stays"
exits 0 "it is shown" field show "$two"
like "$out" "0912.345.678  (+84912345678)" "beside what was typed"
exits 0 "and found" field --json search "+84 912 345 678"
is "$(order headline <<<"$out")" B3 "however it is typed"
complains 65 "chỉ gồm chữ số" "what is no number at all is refused" viet add person pseudonym_code=B4 "phone=gọi cho mẹ"

exits 0 "trying it warns before it is saved" viet --json try person "phone=0412 345 678"
is "$(json valid <<<"$out")" true "and does not stand in the way"
like "$(json fields phone warnings 0 <<<"$out")" "Hãy kiểm tra lại" "with the same words"
exits 0 "in words too" field try person "phone=0412 345 678"
like "$out" "Look again at Telephone" "beside the field"

# ---- import ----
printf 'pseudonym_code,sex,id_kind,id_number,phone\nC1,M,CCCD,020198001234,\nC2,F,CCCD,020198001235,0912345679\n' >"$T/people.csv"
exits 0 "a sheet with warnings passes its dry run" viet --json import person "$T/people.csv" --dry-run
is "$(json errors <<<"$out") $(json warnings <<<"$out") $(json would_add <<<"$out")" "0 1 2" "which counts them"
is "$(json found 0 line <<<"$out"):$(json found 0 column <<<"$out") $(json found 0 warning <<<"$out")" "2:4 true" "with their cells"
exits 0 "in words" viet import person "$T/people.csv" --dry-run
like "$out" "Lưu ý: Dòng 2, cột 4" "as notes"
exits 0 "and is imported" viet --json import person "$T/people.csv"
is "$(json imported <<<"$out")" 2 "whole"
like "$err" "people.csv:2:4" "with the note beside"
printf 'pseudonym_code,phone\nD1,912345678\n' >"$T/lost.csv"
exits 65 "a zero that a spreadsheet dropped is an error of a sheet still" viet import person "$T/lost.csv" --dry-run

# ---- other programs ----
exits 0 "the form with its warnings is packed for other programs" field forms pack person "$T/person.xlsx"
is "$(unzip -p "$T/person.xlsx" xl/sharedStrings.xml | grep -o "bind::field:expect_vi" | head -1)" "bind::field:expect_vi" "in columns that the standard lets pass"
done_testing
