#!/bin/bash
# One person registered twice: suggestions with their grounds, linking, unlinking, and what is counted,
# on laptops of two communes and their province.
. tests/support/flow.sh
flow_folder
P=$T/server lan=$T/lan minh=$T/minh thu=$T/thu head=$T/head

make_province "$P" "Tỉnh Lạng Sơn"
for who in "lan 06184 caseworker Nông_Thị_Lan" "minh 06184 caseworker Hoàng_Văn_Minh" \
	"thu 06004 caseworker Lý_Thị_Thu" "head 20 supervisor Bế_Văn_Trưởng"; do
	set -- $who
	invite "$P" "$2" "$3" "${4//_/ }" "$T/$1"
	join_device "$T/$1" "$T/$1"
	must on "$T/$1" unlock
done
start_server "$P"
all_sync() {
	local home
	for home in "$lan" "$minh" "$thu" "$head" "$lan" "$minh" "$thu" "$head"; do
		must sync_with "$home"
	done
}
pairs() { # HOME [OPTION]: "STATE a-b" with the pseudonym codes, sorted
	on "$1" --json duplicates ${2:-} | perl -CO -MJSON::PP -e 'local $/; print join " ", sort map {
		"$_->{state}:" . join "-", sort $_->{a}{headline}, $_->{b}{headline} } @{decode_json(<STDIN>)}'
}
counted() { # HOME: persons offered a service, in report B4
	on "$1" --lang vi --json report b4 --from 2026-01-01 --to 2026-12-31 | perl -CAO -MJSON::PP -e 'local $/;
		my ($row) = grep { $_->[1] eq "Tổng số" } @{decode_json(<STDIN>)->{rows}}; print $row->[3]' -Mutf8
}
case_of() { # HOME PERSON: with a service delivered
	local case
	case=$(on "$1" add case "person_id=$2" recv_channel=GATE recv_date=2026-02-03 risk_level=LOW)
	must on "$1" add service_delivery "case_id=$case" service=MED status=DELIVERED date_from=2026-03-02
}

# ---- what looks alike, and what only seems to ----
hoa=$(on "$lan" add person "full_name=Đặng Thị Hòa" sex=F birth_date=1998-05-12 birth_precision=DAY phone=0912345678 \
	id_kind=CCCD id_number=020198001234 registered_commune=06184 ethnicity=nung pseudonym_code=A1)
hoa2=$(on "$minh" add person "full_name=dang thi hoa" sex=F birth_date=1998-12-05 birth_precision=DAY \
	registered_commune=06184 ethnicity=nung pseudonym_code=A2)
hoa3=$(on "$thu" add person "full_name=Đặng Hoà" sex=F birth_date=1998 birth_precision=YEAR id_kind=CCCD id_number=020198001234 \
	pseudonym_code=A3)
must on "$lan" add person "full_name=Đặng Thị Huệ" sex=F birth_date=2001-03-02 birth_precision=DAY phone=0912345678 \
	registered_commune=06184 ethnicity=nung pseudonym_code=SISTER
ly=$(on "$lan" add person "full_name=Lý Văn Slam" sex=M est_age=30 est_age_asof=2026-03-01 registered_commune=06184 pseudonym_code=B1)
ly2=$(on "$lan" add person "full_name=Slam Lí Văn" sex=M birth_date=1996 birth_precision=YEAR registered_commune=06184 pseudonym_code=B2)
must on "$lan" add person "full_name=Triệu Văn Phin" sex=M birth_date=1975 birth_precision=YEAR pseudonym_code=OTHER
case_of "$lan" "$hoa"
case_of "$minh" "$hoa2"
case_of "$thu" "$hoa3"
is "$(pairs "$lan")" "open:B1-B2" "on one laptop: the same man, family name last, Lý as Lí, an estimated age"
all_sync
is "$(pairs "$lan")" "open:A1-A2 open:B1-B2" "after a sync: also the woman without marks, day and month exchanged; not her sister"
is "$(pairs "$minh")" "$(pairs "$lan")" "a colleague of the commune is shown the same"
is "$(pairs "$thu")" "" "the other commune reads one of them alone"
like "$(pairs "$head")" "open:A1-A3" "the province sees that the same papers were shown in two communes"
is "$(on "$lan" --json status | json duplicates)" 2 "status counts them"
listing=$(on "$lan" --lang vi duplicates)
like "$listing" "họ tên chỉ khác dấu" "the grounds are given in words"
like "$listing" "ngày và tháng sinh đảo chỗ" "all of them"
like "$(on "$lan" duplicates)" "day and month of birth exchanged" "in English, too"
is "$(counted "$lan") $(counted "$head")" "2 3" "before linking every record counts"

# ---- linking ----
complains 64 "reason" "linking asks for a reason" on "$lan" link "$hoa" "$hoa2"
complains 65 "" "a record is not linked to itself" on "$lan" link "$hoa" "$hoa" --reason "thử"
complains 66 "" "nor to what is not known here" on "$lan" link "$hoa" "$hoa3" --reason "thử"
complains 65 "person" "nor is what is no person" on "$lan" link "$hoa" "$(on "$lan" --json list case | json 0 id)" --reason "thử"
exits 0 "two records are linked" on "$lan" link "$hoa" "$hoa2" --reason "Đã gặp, đối chiếu thẻ căn cước"
link=$out
is "$(on "$lan" --json show "$link" | json scope)" "06184/cases" "the link stands in the persons' scope"
like "$(on "$lan" show "$link")" "Đã gặp, đối chiếu thẻ căn cước" "with the reason"
is "$(counted "$lan")" 1 "the person counts once, at once"
all_sync
is "$(counted "$minh") $(counted "$head") $(counted "$thu")" "1 2 1" "and everywhere it is read, after a sync"
is "$(pairs "$minh")" "open:B1-B2" "the pair is suggested no more"
exits 0 "across communes the province links" on "$head" link "$hoa3" "$hoa2" --reason "Cùng số căn cước"
is "$(on "$head" --json show "$out" | json scope)" "20/cases" "in the scope of the lowest unit above both"
is "$(counted "$head")" 1 "there three records are one person"
all_sync
is "$(counted "$lan") $(counted "$thu")" "1 1" "who does not read that link counts as before"
is "$(pairs "$head")" "open:B1-B2" "who is linked through another is suggested no more"
like "$(pairs "$head" --decided)" "linked:A1-A2 linked:A2-A3" "what was decided is listed"
digest() { on "$1" --json verify | json digest; }
is "$(digest "$minh")" "$(digest "$lan")" "the replicas of the commune are the same"

# ---- not the same person ----
must on "$lan" unlink "$ly" "$ly2" --reason "Hai anh em họ"
is "$(pairs "$lan")" "" "a pair that was said to be two persons does not come back"
all_sync
is "$(pairs "$minh")$(pairs "$head")" "" "nor anywhere else"
is "$(on "$minh" --json status | json duplicates)" 0 "status counts it no more"
must on "$minh" edit "$ly2" est_age=31 est_age_asof=2026-04-01
is "$(pairs "$minh")" "" "also not when the record is edited"

# ---- taken back, and two who disagree ----
exits 0 "a link is taken back" on "$minh" unlink "$hoa" "$hoa2" --reason "Thẻ của hai người khác nhau"
is "$out" "$link" "in the same record, with its history"
all_sync
is "$(counted "$lan") $(counted "$head")" "2 2" "they count as two again; the province's link stays"
must on "$lan" link "$hoa" "$hoa2" --reason "Đã hỏi lại gia đình"
must on "$minh" link "$hoa" "$hoa2" --reason "Đúng là một người"
all_sync
is "$(counted "$lan") $(pairs "$lan" --decided)" "1 dismissed:B1-B2 linked:A1-A2" "the same verdict by two is no conflict"
must on "$lan" unlink "$hoa" "$hoa2"
must on "$minh" unlink "$hoa" "$hoa2"
must on "$minh" link "$hoa" "$hoa2" --reason "Vẫn là một người"
all_sync
like "$(on "$lan" --json conflicts | json 0 field)" verdict "two who disagree: in the inbox"
is "$(pairs "$lan") $(counted "$lan")" "contested:A1-A2 2" "and listed first; meanwhile they count as two"
must on "$head" link "$hoa" "$hoa2" --reason "Công an xã xác nhận"
all_sync
is "$(on "$minh" --json conflicts) $(counted "$minh") $(counted "$head")" "[] 1 1" "whoever decides then, decides for all"
must on "$lan" delete "$link" --reason "Xem lại từ đầu"
all_sync
like "$(pairs "$minh")" "open:A1-A2" "a decision that was deleted leaves the pair open again"

# ---- two make a record of the same pair ----
must on "$lan" link "$hoa" "$hoa2" --reason "Lan đối chiếu"
must on "$minh" unlink "$hoa" "$hoa2" --reason "Minh đối chiếu"
all_sync
is "$(pairs "$lan") $(counted "$lan") $(on "$lan" --json status | json duplicates)" "contested:A1-A2 2 1" "of two records with two verdicts neither is silently right"
must on "$lan" link "$hoa" "$hoa2" --reason "Đã thống nhất"
all_sync
is "$(pairs "$minh" --decided) $(counted "$minh")" "dismissed:B1-B2 linked:A1-A2 1" "one word settles both"
exits 0 "everything made again from the journal" on "$lan" rebuild
is "$(counted "$lan")" 1 "counts the same"
stop_server
done_testing
