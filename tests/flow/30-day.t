#!/bin/bash
# The main job end to end: two laptops of one commune, one of another, a stick, the province.
. tests/support/flow.sh
flow_folder
P=$T/server lan=$T/lan minh=$T/minh thu=$T/thu dao=$T/dao office=$T/office

# ---- setting up ----
make_province "$P" "Tỉnh Lạng Sơn"
exits 0 "a second import of the same units changes nothing" server "$P" --json units import "$FLOW_SUPPORT/lang_son.csv"
like "$out" '"unchanged":7' "and says so"
for who in "lan 06184 caseworker Nông_Thị_Lan" "minh 06184 caseworker Hoàng_Văn_Minh" \
	"thu 06004 caseworker Lý_Thị_Thu" "dao 06184 caseworker Triệu_Thị_Dao" "office 20 holder Phòng_Tổng_hợp"; do
	set -- $who
	invite "$P" "$2" "$3" "${4//_/ }" "$T/$1"
done
is "$(stat -c %a "$T/lan.code")" 600 "an invitation's code is readable by its owner only"
join_device "$lan" "$T/lan"
[[ $out =~ ^[0-9a-f]{32}\ 06184\ caseworker$ ]]
ok $? "join works without a network and prints device, unit and role" || echo "# $out"
join_device "$minh" "$T/minh"
join_device "$thu" "$T/thu"

# ---- recording, offline ----
exits 0 "a record is added" on "$lan" add person "full_name=Đặng Thị Hòa" sex=F birth_date=1998-05 \
	birth_precision=MONTH phone=0912345678 pseudonym_code=DD-01
person=$out
[[ $person =~ ^[0-9a-z]+\.[0-9]+$ ]]
ok $? "add prints the record's id, alone" || echo "# $out"
case=$(on "$lan" add case "person_id=$person" case_no=HS-01 recv_channel=SELF_COMMUNE recv_date=2026-03-02 \
	purpose=MARRIAGE,SEX causes=POVERTY causes=DECEIVED risk_level=MEDIUM ident_result=PENDING)
is "$(value_of "$lan" "$case" person_id)" "$person" "a reference takes a record's id"
is "$(value_of "$lan" "$case" purpose | sort | xargs)" "MARRIAGE SEX" "a list field takes several values with commas"
is "$(value_of "$lan" "$case" causes | sort | xargs)" "DECEIVED POVERTY" "or one by one"
is "$(value_of "$lan" "$person" birth_date)" "1998-05" "a date may be a month only"
printf '{"date":"2026-04-01","kind":"HOUSEHOLD","commune_code":"06184","persons_m":2,"persons_f":3,
	"topics":["LAW","JOBSCAM"],"note":"Hai hộ, \\"không\\" dùng điện thoại.\\nSẽ quay lại."}' >"$T/answers.json"
exits 0 "answers come from a JSON file too" on "$lan" add outreach --answers "$T/answers.json"
is "$(value_of "$lan" "$out" note)" $'Hai hộ, "không" dùng điện thoại.\nSẽ quay lại.' "quotes and lines are kept"
exits 0 "an edit is written" on "$lan" edit "$person" phone=0987654321
is "$(value_of "$lan" "$person" phone)" 0987654321 "and shown"
like "$(on "$lan" show "$person" --history)" 0912345678 "the history keeps what was before"
is "$(on "$lan" --json show "$person" --history | json '#')" 2 "one save is one entry"
is "$(on "$lan" --json show "$person" --history | json 1 writes '#')" 1 "and only the changed field is in it"
run on "$lan" edit "$person" phone=0987654321
is "$code.$out" 0. "an edit that changes nothing writes nothing"
for words in "dang thi hoa" "Đặng Thị Hòa" "HOÀ đặng" "hoa da"; do
	is "$(on "$lan" --json search "$words" | json 0 id)" "$person" "search finds her by \"$words\""
done
is "$(on "$lan" --json search "hoang" | json '#')" 0 "and does not by another name"
nfd=$(printf 'Lý Thị Hoài' | perl -CS -MUnicode::Normalize -pe '$_ = NFD($_)')
other=$(on "$lan" add person "full_name=$nfd" sex=F pseudonym_code=DD-02)
is "$(value_of "$lan" "$other" full_name)" "Lý Thị Hoài" "a decomposed name is kept composed"
is "$(on "$lan" --json status | json unsent)" 5 "five saves wait to be sent"

# ---- sync ----
start_server "$P"
exits 0 "the first sync is done" sync_with "$lan"
sent=$out
is "$(json sent entries <<<"$sent")" 5 "all five entries were sent"
is "$(json receipt level <<<"$sent")" stored "the server's receipt says stored"
is "$(on "$lan" --json status | json unsent)" 0 "nothing waits any more"
exits 0 "a colleague of the commune syncs" sync_with "$minh"
is "$(json received entries <<<"$out")" 5 "and receives all five entries"
digest() { on "$1" --json verify | json digest; }
is "$(digest "$minh")" "$(digest "$lan")" "both replicas are the same"
is "$(value_of "$minh" "$person" full_name)" "Đặng Thị Hòa" "the name is readable there"
is "$(on "$minh" --json search "dang hoa" | json 0 id)" "$person" "and found there"
is "$(on "$minh" --json show "$person" | json created by)" "Nông Thị Lan" "with the name of who recorded it"
sync_with "$lan" >/dev/null
exits 0 "a second pull finds nothing to do" sync_with "$lan"
is "$(json requests <<<"$out") $(json sent entries <<<"$out") $(json received entries <<<"$out")" "1 0 0" \
	"in one request, with nothing sent and nothing received"
[ "$(($(json bytes_up <<<"$out") + $(json bytes_down <<<"$out")))" -lt 2000 ]
ok $? "and less than 2,000 bytes" || echo "# $out"
exits 0 "a laptop of another commune syncs" sync_with "$thu"
is "$(json received entries <<<"$out")" 0 "and is given nothing of it"
exits 66 "it does not know the record" on "$thu" show "$person"

# ---- the same field, by two, offline ----
on "$lan" edit "$case" recv_channel=GATE >/dev/null
on "$minh" edit "$case" recv_channel=HANDOVER >/dev/null
on "$minh" edit "$case" purpose=MARRIAGE,LABOUR >/dev/null
on "$lan" edit "$case" purpose=MARRIAGE,SEX,SCAM >/dev/null
for home in "$lan" "$minh" "$lan"; do sync_with "$home" >/dev/null; done
values() { perl -CO -MJSON::PP -e 'local $/; my ($o) = grep { $_->{field} eq $ARGV[0] } @{decode_json(<STDIN>)};
	print join " ", sort map { "$_->{value}=$_->{by}" } @{$o->{values}}' "$1"; }
k_of() { perl -MJSON::PP -e 'local $/; my ($o) = grep { $_->{field} eq $ARGV[0] } @{decode_json(<STDIN>)};
	print map { $_->{k} } grep { $_->{value} eq $ARGV[1] } @{$o->{values}}' "$1" "$2"; }
both="GATE=Nông Thị Lan HANDOVER=Hoàng Văn Minh"
is "$(on "$lan" --json conflicts | values recv_channel)" "$both" "the first laptop shows both values and who wrote them"
is "$(on "$minh" --json conflicts | values recv_channel)" "$both" "the second laptop shows the same"
is "$(on "$lan" --json conflicts | json '#')" 1 "nothing else is in conflict"
is "$(on "$lan" --json show "$case" | json fields recv_channel state)" conflict "the record says so too"
is "$(value_of "$lan" "$case" recv_channel)" "$(value_of "$minh" "$case" recv_channel)" "both display the same one meanwhile"
is "$(value_of "$lan" "$case" purpose | sort | xargs)" "LABOUR MARRIAGE SCAM" \
	"a list that two edited is the union, without what one had taken out"
is "$(on "$lan" --json status | json conflicts)" 1 "status counts it"
complains 65 "" "a field in conflict is not edited without saying what was seen" on "$minh" edit "$case" recv_channel=HOTLINE
k=$(on "$minh" --json conflicts | k_of recv_channel HANDOVER)
is "$(on "$lan" --json conflicts | k_of recv_channel HANDOVER)" "$k" "a value has the same short name everywhere"
seen=$(on "$lan" --json conflicts | json 0 seen)
complains 66 "" "a short name that nobody showed is refused" on "$minh" resolve "$case" recv_channel --pick zzzz
exits 0 "one is picked" on "$minh" resolve "$case" recv_channel --pick "$k" --seen "$(on "$minh" --json conflicts | json 0 seen)"
is "$(on "$minh" --json conflicts)" "[]" "the conflict is gone where it was settled"
for home in "$minh" "$lan"; do sync_with "$home" >/dev/null; done
is "$(on "$lan" --json conflicts)" "[]" "and on the other laptop after a sync"
is "$(value_of "$lan" "$case" recv_channel)" HANDOVER "both show what was picked"
is "$(digest "$minh")" "$(digest "$lan")" "and are the same again"

# ---- what came after the listing is not silently replaced ----
seen=$(on "$lan" --json show "$case" | json seen)
on "$minh" edit "$case" assigned_worker="Hoàng Văn Minh" >/dev/null
sync_with "$minh" >/dev/null
sync_with "$lan" >/dev/null
exits 0 "an edit with the token of an earlier listing is written" \
	on "$lan" edit "$case" assigned_worker="Nông Thị Lan" --seen "$seen"
is "$(on "$lan" --json show "$case" | json fields assigned_worker values '#')" 2 "the value that came meanwhile stays beside it"
sync_with "$lan" >/dev/null
sync_with "$minh" >/dev/null
is "$(on "$minh" --json show "$case" | json fields assigned_worker values '#')" 2 "on the other laptop too"
on "$minh" edit "$case" assigned_worker="Hoàng Văn Minh" --seen "$(on "$minh" --json show "$case" | json seen)" >/dev/null
sync_with "$minh" >/dev/null
sync_with "$lan" >/dev/null
is "$(on "$lan" --json show "$case" | json fields assigned_worker values '#')" 1 "whoever saw both replaces both"

# ---- risk: the highest shows, and lowering it asks why ----
on "$lan" edit "$case" risk_level=HIGH >/dev/null
on "$minh" edit "$case" risk_level=URGENT >/dev/null
for home in "$lan" "$minh" "$lan"; do sync_with "$home" >/dev/null; done
is "$(value_of "$lan" "$case" risk_level) $(value_of "$minh" "$case" risk_level)" "URGENT URGENT" "of two risks the higher shows"
on "$lan" resolve "$case" risk_level --value URGENT >/dev/null
complains 65 "" "a risk is not lowered without a reason" on "$lan" edit "$case" risk_level=LOW
exits 0 "and is with one" on "$lan" edit "$case" risk_level=LOW --reason "Đã về sống với gia đình, ổn định"

# ---- a record is deleted while another edits it ----
sync_with "$lan" >/dev/null
sync_with "$minh" >/dev/null
complains 64 "" "deleting asks for a reason" on "$lan" delete "$other"
on "$lan" delete "$other" --reason "Ghi nhầm" >/dev/null
on "$minh" edit "$other" ethnicity=tay >/dev/null
for home in "$lan" "$minh" "$lan"; do sync_with "$home" >/dev/null; done
is "$(on "$lan" --json conflicts | json 0 field) $(on "$minh" --json conflicts | json 0 field)" "alive alive" \
	"deleted by one and edited by another is a conflict on both"
exits 0 "which is settled for the record" on "$lan" resolve "$other" alive --value 1 --reason "Thông tin còn dùng"
sync_with "$lan" >/dev/null
sync_with "$minh" >/dev/null
is "$(on "$minh" --json conflicts)$(on "$minh" --json show "$other" | json deleted)" "[]false" "it lives on both laptops"

# ---- a note of many, struck through ----
on "$lan" edit "$case" "notes=Đã gọi điện cho gia đình." >/dev/null
dot=$(on "$lan" edit "$case" "notes=Ghi nhầm vào hồ sơ này.")
is "$(value_of "$lan" "$case" notes | wc -l)" 2 "notes are added to each other"
address=$(on "$lan" --json show "$case" | perl -MJSON::PP -e 'local $/; print map { $_->{dot} }
	grep { $_->{value} =~ /^Ghi/ } @{decode_json(<STDIN>)->{fields}{notes}{values}}')
exits 0 "one is struck through" on "$lan" void "$case" notes "$address" --reason "Nhầm hồ sơ"
is "$(value_of "$lan" "$case" notes)" "Đã gọi điện cho gia đình." "and no longer counts"
like "$(on "$lan" --json show "$case")" "Nhầm hồ sơ" "but stays visible, with the reason"

# ---- a stick instead of the network ----
sync_with "$lan" >/dev/null
join_device "$dao" "$T/dao"
exits 0 "a bundle is written" on "$lan" bundle export "$T/stick"
exits 0 "and read on a laptop that never saw the network" on "$dao" bundle import "$T/stick"
exits 0 "a second stick of a colleague brings the rest" on "$minh" bundle export "$T/stick2"
exits 0 "which is read too" on "$dao" bundle import "$T/stick2"
sync_with "$minh" >/dev/null
is "$(digest "$dao")" "$(digest "$minh")" "the laptop without a network is the same as the others"
before=$(digest "$dao")
exits 0 "a bundle read again changes nothing" on "$dao" bundle import "$T/stick"
is "$(digest "$dao")" "$before" "nothing at all"
visit=$(on "$dao" add follow_up "case_id=$case" done_at=2026-05-06 mode=VISIT safe=yes living=STABLE)
exits 0 "what it records goes back by stick" on "$dao" bundle export "$T/stick3"
exits 0 "to a colleague" on "$lan" bundle import "$T/stick3"
is "$(value_of "$lan" "$visit" mode)" VISIT "who can read it"
exits 0 "and who carries it to the server" sync_with "$lan"
sync_with "$minh" >/dev/null
is "$(value_of "$minh" "$visit" mode)" VISIT "from where the others have it"

# ---- sheets ----
printf 'title,kind,status,date_start,commune_code,forms,topics,audiences,campaigns,participants_total,participants_female,participants_child,participants_ethmin,note\n' >"$T/sessions.csv"
printf '%s\n' 'Họp thôn,COMM,HELD,2026-07-30,06004,"DIRECT,LEAFLET",LAW,COMMUN,D30_7_NAT,60,35,10,50,"Có ""loa"", đông người"' \
	'Nói chuyện ở chợ,COMM,HELD,2026-08-14,06004,DIRECT,"LAW,JOBSCAM",WOMEN,,40,22,0,40,' \
	'Của năm trước,COMM,HELD,2025-08-14,06004,DIRECT,LAW,WOMEN,,1000,500,0,40,' \
	'Mới dự kiến,COMM,PLANNED,2026-11-30,06004,DIRECT,LAW,WOMEN,,,,,,' >>"$T/sessions.csv"
exits 0 "a sheet is imported" on "$thu" import awareness_session "$T/sessions.csv"
like "$out" 4 "with all its rows"
on "$thu" --quiet export awareness_session "$T/out.csv" >/dev/null
like "$(cat "$T/out.csv")" '"Có ""loa"", đông người"' "an exported sheet quotes what needs it"
like "$(cat "$T/out.csv")" '"DIRECT,LEAFLET"' "and joins several values in a cell"
is "$(stat -c %a "$T/out.csv")" 600 "it is readable by its owner only"
like "$(on "$thu" export awareness_session "$T/out.csv" 2>&1)" "not encrypted" "and a warning says that it is not encrypted"
exits 0 "what was exported can be imported" on "$thu" import awareness_session "$T/out.csv"
is "$(on "$thu" --json list awareness_session | json '#')" 8 "as new records"
for id in $(on "$thu" --json list awareness_session | perl -MJSON::PP -e 'local $/; print join " ", (map { $_->{id} } @{decode_json(<STDIN>)})[0 .. 3]'); do
	on "$thu" delete "$id" --reason "Nhập thử" >/dev/null
done
is "$(on "$thu" --json list awareness_session | json '#')" 4 "deleted ones are not listed"

# ---- reports, with figures worked out by hand ----
victim=$(on "$thu" add person "full_name=Vi Thị Lả" sex=F pseudonym_code=QK-01 current_commune=06004)
vcase=$(on "$thu" add case "person_id=$victim" recv_channel=GATE recv_date=2026-02-03 risk_level=HIGH ident_result=VICTIM \
	"ident_org=Công an tỉnh" ident_doc_no=15/GXN-CAT ident_date=2026-03-01)
unserved=$(on "$thu" add person "full_name=Lộc Văn Páo" sex=M pseudonym_code=QK-02)
on "$thu" add case "person_id=$unserved" recv_channel=GATE recv_date=2026-02-03 risk_level=LOW ident_result=VICTIM \
	"ident_org=Công an tỉnh" ident_doc_no=16/GXN-CAT ident_date=2026-03-01 >/dev/null
for row in "ESS DELIVERED 1300000 2026-03-02" "ESS DELIVERED 700000 2026-04-02" "MED DELIVERED 250000 2026-04-03" "ESS DELIVERED 9000000 2025-12-31"; do
	set -- $row
	must on "$thu" add service_delivery "case_id=$vcase" service=$1 status=$2 amount_vnd=$3 date_from=$4
done
must on "$thu" add service_delivery "case_id=$vcase" service=VOC status=DECLINED date_from=2026-05-01
row() { # BLOCK LABEL: the figures of a row
	perl -CAO -MJSON::PP -e 'local $/; my ($block, $label) = @ARGV; my $r = decode_json(<STDIN>);
	my ($row) = grep { $_->[0] eq $block && $_->[1] eq $label } @{$r->{rows}};
	print $row ? join " ", map { defined ? $_ : "-" } @$row[2 .. $#$row] : "no such row"' "$1" "$2"; }
year="--from 2026-01-01 --to 2026-12-31"
b8=$(on "$thu" --lang vi --json report b8 $year)
is "$(row "Theo hình thức truyền thông" "Tổng số" <<<"$b8")" "2 100 57 10 90 1 60 - - - - - - -" "B8: two sessions, 100 people, one for 30 July"
is "$(row "Theo hình thức truyền thông" "Tờ rơi" <<<"$b8")" "1 60 35 10 50 1 60 - - - - - - -" "B8: one of them with leaflets"
is "$(row "Theo đối tượng" "Phụ nữ" <<<"$b8")" "1 40 22 0 40 0 0 - - - - - - -" "B8: one for women"
is "$(json title <<<"$b8")" "B8. Truyền thông phòng, chống mua bán người" "B8 has its Vietnamese title"
b4=$(on "$thu" --lang vi --json report b4 $year)
is "$(row "Tất cả hồ sơ" "Tổng số" <<<"$b4")" "0 1 1 1 3 2250000" "B4: one person served three times, who declined once"
is "$(row "Tất cả hồ sơ" "Hỗ trợ nhu cầu thiết yếu (ăn, mặc, vật dụng)" <<<"$b4")" "0 1 0 1 2 2000000" "B4: twice with essential needs"
b16=$(on "$thu" --lang vi --json report b16 $year --unit 06004)
like "$(json rows <<<"$b16")" '"I1a","Nạn nhân được tiếp cận dịch vụ, hưởng chế độ hỗ trợ",1,2,50' "B16: one of two victims reached services"
like "$(json rows <<<"$b16")" '"I3","Địa bàn nguy cơ cao hoặc có nạn nhân cư trú được tổ chức truyền thông",1,1,100' "B16: the commune held awareness work"
exits 0 "a report is written as a workbook" on "$thu" --lang vi report b8 $year --out "$T/b8.xlsx"
like "$(unzip -p "$T/b8.xlsx" xl/sharedStrings.xml 2>/dev/null)" "Lượt người tham dự" "with Vietnamese headings"
exits 0 "and as a sheet" on "$thu" --lang vi report b4 $year --out "$T/b4.csv"
like "$(cat "$T/b4.csv")" "2250000" "with the same figures"
complains 66 "" "a report that is not there is refused" on "$thu" report b99 $year
complains 64 "" "so is a day that is none" on "$thu" report b8 --from 2026-02-30 --to 2026-12-31

# ---- the province ----
sync_with "$thu" >/dev/null
join_device "$office" "$T/office"
consolidate() { "$BIN/sync-server" --dir "$P" --passphrase-file "$office.pass" consolidate --home "$office" --once "$@"; }
exits 0 "the province consolidates" consolidate --server "$URL" --reports "$T/reports" --backup "$T/backup"
is "$(value_of "$office" "$case" recv_channel) $(value_of "$office" "$victim" full_name)" "HANDOVER Vi Thị Lả" \
	"it reads the records of all communes"
like "$(on "$office" --lang vi --json report b8 $year --unit 06004 | json rows)" '"Tổng số",2,100,57,10,90,1,60' \
	"and makes the same report for a commune"
is "$(cd "$T/reports" && echo *)" "b1.csv b10.csv b11.csv b12.csv b13.csv b14.csv b15.csv b16.csv b17.csv b2.csv b3.csv b4.csv b5.csv b6.csv b7.csv b8.csv b9.csv consolidated.xlsx" "it wrote one workbook, and a sheet a report"
[ -n "$(find "$T/backup" -type f 2>/dev/null)" ]
ok $? "it made a backup"
must server "$P" exchange "$URL"
sync_with "$lan" >/dev/null
is "$(on "$lan" --json status | json last_receipt level)" held "once the authority has admitted it the laptops get its receipt: held"

# ---- keeping house ----
before=$(digest "$lan")
exits 0 "everything derived is made again from the journal" on "$lan" rebuild
is "$(digest "$lan")" "$before" "with the same result"
exits 0 "unlock starts the keeper" on "$lan" unlock
exits 0 "later commands need no passphrase" "$BIN/field" --home "$lan" --json status
is "$(json records <<<"$out")" "$("$BIN/field" --home "$lan" --json status | json records)" "and answer the same"
exits 0 "a record is added through the keeper" "$BIN/field" --home "$lan" add outreach date=2026-06-01 commune_code=06184 persons_f=1
id=$out
exits 0 "the keeper syncs" "$BIN/field" --home "$lan" --json sync
exits 0 "lock ends it" on "$lan" lock
complains 64 "" "then a command asks for the passphrase, and has no terminal" setsid -w "$BIN/field" --home "$lan" status
is "$(value_of "$lan" "$id" date)" 2026-06-01 "what the keeper saved is there"
secret_file "$T/new.pass" "mười hai con đường mới"
exits 0 "the passphrase is changed" on "$lan" passphrase --new-passphrase-file "$T/new.pass" --kdf-memory $KDF
complains 77 "" "the old one no longer opens" on "$lan" status
cp "$T/new.pass" "$lan.pass"
exits 0 "the new one does" on "$lan" status
secret_file "$T/newer.pass" "quên rồi đặt lại từ đầu"
exits 0 "the recovery code sets another" "$BIN/field" --home "$lan" passphrase --code-file "$lan.recovery" \
	--new-passphrase-file "$T/newer.pass" --kdf-memory $KDF
cp "$T/newer.pass" "$lan.pass"
is "$(value_of "$lan" "$person" full_name)" "Đặng Thị Hòa" "and nothing is lost"
stop_server
ok $? "the server stops cleanly when told to"
exits 0 "and checks out whole" server "$P" verify
done_testing
