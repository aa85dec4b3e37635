#!/bin/bash
# What comes in from spreadsheets and goes out to others: import with a dry run,
# cases without identities, a page for the person.
. tests/support/flow.sh
flow_folder
P=$T/server lan=$T/lan
make_province "$P" "Tỉnh Lạng Sơn"
invite "$P" 06184 caseworker "Cán bộ Lan" "$T/lan"
join_device "$lan" "$T/lan"
field() { "$BIN/field" --lang en --home "$lan" --passphrase-file "$lan.pass" "$@"; }
viet() { "$BIN/field" --lang vi --home "$lan" --passphrase-file "$lan.pass" "$@"; }
counts() { field --json status | json records; field --json status | json unsent; }

# ---- import: first dry, then wet ----
field add outreach date=2026-04-01 commune_code=06184 persons_f=1 >/dev/null
before=$(counts)
printf '\xef\xbb\xbfHọ và tên;Giới tính;Date of birth;id_kind;id_number;XÃ, PHƯỜNG ĐĂNG KÝ THƯỜNG TRÚ;Lưu ý về sức khỏe\r\n' >"$T/people.csv"
printf 'Nguyễn Thị Một;F;7/5/1998;CCCD;001198000001;00004;"khó ngủ;\r\nhay ""giật mình"""\r\n' >>"$T/people.csv"
printf 'Vàng A Hai;M;1999;;;06184;\r\n' >>"$T/people.csv"
exits 0 "a sheet of a Vietnamese spreadsheet passes a dry run" field --json import person "$T/people.csv" --dry-run
is "$(json would_add <<<"$out") $(json errors <<<"$out")" "2 0" "which says how many records would be added"
is "$(json columns 5 field <<<"$out")" registered_commune "and which field each column is"
is "$(counts)" "$before" "and writes nothing"
exits 0 "in words too" viet import person "$T/people.csv" --dry-run
like "$out" "Sẽ thêm 2 bản ghi" "it says so in Vietnamese"
exits 0 "then it is imported" field import person "$T/people.csv"
like "$out" "Imported 2" "whole"
one=$(field --json search "Nguyễn Thị Một" | json 0 id)
is "$(value_of "$lan" "$one" birth_date)" 1998-05-07 "a date of Viet Nam is one"
is "$(value_of "$lan" "$one" id_number)" 001198000001 "leading zeroes of a number stay"
is "$(value_of "$lan" "$one" registered_commune)" 00004 "and those of a commune"
is "$(value_of "$lan" "$one" health_note)" 'khó ngủ;
hay "giật mình"' "a cell may hold separators, line feeds and quotes"

before=$(counts)
cat >"$T/bad.csv" <<'END'
full_name,sex,birth_date,id_kind,id_number,registered_commune,phone
Người Thứ Nhất,F,1998,CCCD,1198000001,6184,912345678
Người Thứ Hai,Nu,31/02/1998,,1.198E+11,06184,
Người Thứ Ba,F,1998,,11980000012,06184,
Người Thứ Tư,F,1998,,,061840,
END
exits 65 "a sheet with errors fails its dry run" viet --json import person "$T/bad.csv" --dry-run
cp "$T/.out" "$T/found"
is "$(json errors <"$T/found") $(json warnings <"$T/found") $(json would_add <"$T/found")" "7 1 0" "every error is told"
is "$(perl -MJSON::PP -e 'local $/; print join " ", map { "$_->{line}:$_->{column}" } @{decode_json(<STDIN>)->{found}}' <"$T/found")" \
	"2:5 2:6 2:7 3:2 3:3 3:5 4:5 5:6" "by row and column"
like "$(json found 0 what <"$T/found")" "thiếu số 0 ở đầu" "a zero that a spreadsheet dropped is named, of a number"
like "$(json found 1 what <"$T/found")" "thiếu số 0 ở đầu" "of a commune"
like "$(json found 2 what <"$T/found")" "thiếu số 0 ở đầu" "of a telephone"
like "$(json found 3 help <"$T/found")" "F = Nữ" "the codes of a short list are told"
like "$(json found 5 what <"$T/found")" "làm tròn" "a number that was rounded is named"
is "$(json found 6 warning <"$T/found")" true "what only looks short is a warning"
like "$(json found 7 what <"$T/found")" "5 chữ số" "a rule of the form speaks Vietnamese"
exits 65 "in words" viet import person "$T/bad.csv" --dry-run
like "$out" "Dòng 3, cột 2 (sex): không có mã này trong danh mục sex" "with what heads the column"
is "$(grep -c "^Dòng\|^Lưu ý: Dòng" "$T/.out")" 8 "one line each"
! grep -q "1198000001\|31/02\|912345678\|Nu)" "$T/.out" "$T/.err"
ok $? "and no cell is quoted"
complains 65 "bad.csv:2:5" "the import itself names the first" field import person "$T/bad.csv"
is "$(counts)" "$before" "nothing was written by either"
printf 'full_name,xã,xa\nA,06184,06184\n' >"$T/bad.csv"
exits 65 "heads that the form has not are told together" field --json import person "$T/bad.csv" --dry-run
is "$(json found '#' <<<"$out")" 2 "all of them"
field unlock >/dev/null 2>&1
exits 65 "the keeper answers in the same way" field --json import person "$T/bad.csv" --dry-run
is "$(json found '#' <<<"$out")" 2 "with all that it found"
field lock >/dev/null 2>&1
exits 0 "and the vault is sound after all that" field verify

# ---- cases without identities ----
perl -e 'print "full_name,sex,birth_date,nationality,id_kind,id_number,registered_commune,address_text\n";
	printf "Dấu Hiệu %d,%s,1998-05-17,VN,CCCD,0%011d,06184,Dấu Hiệu Xóm %d\n", $_, $_ == 13 ? "M" : "F", 2419811100 + $_, $_
		for 1 .. 13' >"$T/victims.csv"
must field import person "$T/victims.csv"
field --quiet export person "$T/ids.csv" --where "contains(\${full_name}, 'Dấu Hiệu')" >/dev/null
perl -e 'open my $in, "<", $ARGV[0]; <$in>; print "person_id,recv_channel,recv_date,recv_commune,risk_level,exploited_country,exploited_place,narrative,ident_result,ident_org,ident_doc_no,ident_date\n";
	while (<$in>) { my ($id) = split /,/; print "$id,GATE,2026-02-17,06184,LOW,CN,Dấu Hiệu chợ,Dấu Hiệu kể,VICTIM,Công an Dấu Hiệu,12/DH,2026-03-01\n" }' "$T/ids.csv" >"$T/cases.csv"
must field import case "$T/cases.csv"
exits 0 "cases are exported without identities" field --json export htcds "$T/htcds.csv" --from 2026-01-01 --to 2026-12-31
is "$(json exported <<<"$out") $(json generalised <<<"$out") $(json left_out <<<"$out")" "12 0 1" "a rare one is left out and counted"
like "$err" "not encrypted" "a note says that the file is clear text"
is "$(stat -c %a "$T/htcds.csv")" 600 "which its owner alone can read"
is "$(grep -c ",20,2026,Female,25-34,VN,CN,Actual victim,Police," "$T/htcds.csv")" 12 "what goes out is province, year, age band and the like"
cut -d, -f2- "$T/htcds.csv" >"$T/told"
! grep -q "Dấu\|06184\|1998\|02-17\|02419811\|12/DH\|chợ" "$T/told"
ok $? "and nothing that says who it is"
! grep -qFf <(tail -n +2 "$T/ids.csv" | cut -d, -f1) "$T/htcds.csv"
ok $? "nor a record's id"
must field export htcds "$T/again.csv" --from 2026-01-01 --to 2026-12-31
is "$(cut -d, -f1 "$T/htcds.csv" "$T/again.csv" | sort | uniq -d)" cas_CaseNumber "no case has the same number in two files"
complains 64 "whole number from 5" "groups that are as good as names are refused" field export htcds "$T/x.csv" --from 2026-01-01 --to 2026-12-31 --smallest 4
complains 64 "whole date" "a period is asked for" field export htcds "$T/x.csv" --from 2026-01-01
[ ! -e "$T/x.csv" ]
ok $? "and nothing is written"

# ---- all about one person, for that person ----
other=$(field --json search "Vàng A Hai" | json 0 id)
case_one=$(field add case person_id="$one" recv_channel=HOTLINE recv_date=2026-03-04 risk_level=LOW "narrative=kể rằng <rất> sợ")
field add service_delivery case_id="$case_one" service=MED status=DELIVERED date_from=2026-03-05 >/dev/null
field add relation person_a="$one" person_b="$other" relation=FATHER >/dev/null
exits 0 "a page about one person is made" field --json print "$case_one" "$T/one.html"
is "$(json records <<<"$out") $(json of_others <<<"$out")" "3 1" "with the person, the case and the service, without the relation"
like "$err" "not encrypted" "a note says that it is clear text"
page=$(cat "$T/one.html")
like "$page" "Nguyễn Thị Một" "it names the person"
like "$page" "kể rằng &lt;rất&gt; sợ" "what was typed is text"
like "$page" "07/05/1998 <small>" "every value with its day"
like "$page" "Cán bộ" "and who recorded it"
like "$page" "Đồng Đăng" "and the unit by its name"
unlike "$page" "Vàng A Hai" "nobody else stands in it"
unlike "$page" "Dấu Hiệu" "nor anything of other cases"
is "$(stat -c %a "$T/one.html")" 600 "its owner alone can read it"
complains 65 "neither a person nor a case" "of an outreach there is no such page" field print "$(field --json list outreach | json 0 id)" "$T/none.html"
[ ! -e "$T/none.html" ]
ok $? "and none is written"

done_testing
