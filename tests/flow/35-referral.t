#!/bin/bash
# A case is referred to another commune: consent first, then copies sealed to a unit whose records the sender
# cannot read; accepted, declined, lapsed; one story for whoever reads both; what is written too late is told.
. tests/support/flow.sh
flow_folder
P=$T/server
make_province "$P" "Tỉnh Lạng Sơn"
for who in "lan 06184 caseworker" "ctv 06184 communicator" "thu 06004 caseworker" "binh 06004 caseworker" "chief 20 supervisor"; do
	set -- $who
	invite "$P" "$2" "$3" "Cán bộ $1" "$T/$1"
	join_device "$T/$1" "$T/$1"
done
lan=$T/lan ctv=$T/ctv thu=$T/thu binh=$T/binh chief=$T/chief
start_server "$P"
today=$(date +%F)
yesterday=$(date -d yesterday +%F)
all_sync() {
	local who round
	for round in 1 2; do
		for who in "$@"; do must sync_with "$who"; done
	done
}
consent() { # HOME PERSON MORE...: a consent of today
	local home=$1 person=$2
	shift 2
	on "$home" add consent "person_id=$person" kind=SHARE_AGENCY decision=GIVEN "at=$today" given_by=SELF form=SIGNED "$@"
}
all_sync "$lan" "$ctv" "$thu" "$binh" "$chief"

# ---- a case with children ----
person=$(on "$lan" add person "full_name=Đặng Thị Hòa" sex=F phone=0912345678 pseudonym_code=DD-01 "health_note=hen suyễn" do_not_contact=no)
case=$(on "$lan" add case "person_id=$person" case_no=LS/2026/7 recv_channel=GATE recv_date=2026-03-02 risk_level=HIGH "narrative=Bị lừa sang biên giới" ident_result=VICTIM "ident_org=Công an tỉnh" ident_doc_no=1/KL ident_date=2026-03-05)
service=$(on "$lan" add service_delivery "case_id=$case" service=ESS status=DELIVERED date_from=2026-03-06 amount_vnd=500000)
visit=$(on "$lan" add follow_up "case_id=$case" due=2026-04-01 safe=yes)
yes=$(consent "$lan" "$person" receivers=06004 shares=SERVICES)

# ---- no sharing without consent ----
complains 77 "consent" "without a consent nothing is shared" on "$lan" refer "$case" --to 06004
complains 77 "second person" "an emergency takes a reason and a second person" on "$lan" refer "$case" --to 06004 --emergency "Bị đe dọa"
complains 64 "" "consent and emergency are not both" on "$lan" refer "$case" --to 06004 --consent "$yes" --emergency "x" --second "y"
other=$(on "$lan" add person "full_name=Người khác" sex=F)
theirs=$(consent "$lan" "$other" receivers=06004)
complains 77 "somebody else" "another person's consent is none" on "$lan" refer "$case" --to 06004 --consent "$theirs"
stats=$(on "$lan" add consent "person_id=$person" kind=STATS decision=GIVEN "at=$today" given_by=SELF)
complains 77 "another purpose" "a consent for another purpose is none" on "$lan" refer "$case" --to 06004 --consent "$stats"
complains 77 "does not cover that unit" "nor one that names another unit" on "$lan" refer "$case" --to 06148 --consent "$yes"
old=$(on "$lan" add consent "person_id=$person" kind=SHARE_AGENCY decision=GIVEN at=2026-03-02 valid_to=2026-04-02 given_by=SELF receivers=20)
complains 77 "expired" "nor one that has expired" on "$lan" refer "$case" --to 06004 --consent "$old"
gone=$(on "$lan" add consent "person_id=$other" kind=SHARE_AGENCY decision=GIVEN "at=$yesterday" given_by=SELF receivers=20)
othercase=$(on "$lan" add case "person_id=$other" recv_channel=GATE recv_date=2026-03-02 risk_level=LOW)
must on "$lan" edit "$gone" decision=WITHDRAWN "withdrawn_at=$today"
complains 77 "withdrawn" "nor one that was withdrawn" on "$lan" refer "$othercase" --to 06004 --consent "$gone"
again=$(on "$lan" add consent "person_id=$other" kind=SHARE_AGENCY decision=GIVEN "at=$yesterday" given_by=SELF receivers=06004)
complains 77 "said no since" "a later no beats an earlier yes" on "$lan" refer "$othercase" --to 06004 --consent "$again"
complains 66 "no unit" "the receiver is a unit of the province" on "$lan" refer "$case" --to 99999 --consent "$yes"
complains 65 "of that unit already" "and another one" on "$lan" refer "$case" --to 06184 --consent "$yes"
complains 65 "only a case" "and what is handed over is a case" on "$lan" refer "$person" --to 06004 --consent "$yes"
is "$(on "$lan" --json referrals | json '#')" 0 "none of this left a trace"
complains 77 "field refer" "records are not put into other units by the back door" on "$lan" add person "full_name=X" sex=F --unit 06004

# ---- handed over ----
exits 0 "the case is transferred" on "$lan" --json refer "$case" --to 06004 --consent "$yes" --transfer --reason MOVE --services LODGE --wish yes
new=$(json id <<<"$out") outgoing=$(json referral <<<"$out") incoming=$(json peer <<<"$out")
is "$(json records <<<"$out") $(json withheld <<<"$out")" "4 1" "person, case, consent and the service go along, the visit does not"
exits 66 "the sender cannot read what it wrote there" on "$lan" show "$new"
is "$(on "$lan" --json sent | json 0 unit) $(on "$lan" --json sent | json 0 state)" "06004 unsent" "it shows as sent, once it is"
complains 73 "waits for its answer" "it is not handed over twice" on "$lan" refer "$case" --to 06004 --consent "$yes"
all_sync "$lan" "$thu" "$binh" "$chief"
is "$(on "$lan" --json referrals | json 0 sent) $(on "$lan" --json referrals | json 0 state)" "stored PENDING" "the relay has it, and an answer is awaited"
is "$(on "$lan" --json status | json quarantined) $(on "$thu" --json status | json quarantined)" "0 0" "nothing was set aside"
is "$(on "$thu" --json status | json referrals) $(on "$lan" --json status | json referrals)" "1 0" "the receiver's status asks for an answer"
is "$(value_of "$thu" "$new" case_no) $(value_of "$thu" "$new" ident_result)" "LS/2026/7 VICTIM" "the receiver has the case"
newperson=$(value_of "$thu" "$new" person_id)
is "$(value_of "$thu" "$newperson" full_name)" "Đặng Thị Hòa" "with its person"
is "$(value_of "$thu" "$newperson" continues) $(value_of "$thu" "$new" continues)" "$person $case" "each continues its original"
is "$(on "$thu" --json list service_delivery | json '#') $(on "$thu" --json list follow_up | json '#')" "1 0" "the service is there, the visit is not"
is "$(value_of "$thu" "$new" narrative 2>/dev/null)$(value_of "$thu" "$newperson" health_note 2>/dev/null)" nullnull "nor are the fields that the consent leaves out"
exits 66 "the receiver cannot read the original" on "$thu" show "$case"
is "$(on "$thu" --json show "$new" | json referrals 0 direction) $(on "$thu" --json show "$new" | json referrals 0 other)" "in $case" "but knows its id"
is "$(value_of "$thu" "$incoming" consent_id | cut -c1-16)" "${new%.*}" "the referral names the consent, as a copy of its own scope"
exits 66 "a communicator has no case to refer" on "$ctv" refer "$case" --to 06004 --consent "$yes"

# ---- accepted ----
complains 65 "handed over from here" "the sender does not answer for the receiver" on "$lan" accept "$outgoing"
exits 0 "the receiver accepts, by the case's id" on "$thu" accept "$new"
complains 73 "answered so already" "once" on "$thu" accept "$incoming"
is "$(value_of "$thu" "$incoming" outcome)" ACCEPTED "its own record says so"
all_sync "$thu" "$lan" "$chief" "$binh"
is "$(on "$lan" --json show "$case" | json referrals 0 state)" ACCEPTED "and the sender learns it"
is "$(value_of "$lan" "$outgoing" answers)" ACCEPTED "in its own referral record"
complains 73 "has an outcome" "which can lapse no more" on "$lan" lapse "$case"
exits 0 "each edits its own" on "$thu" edit "$new" risk_level=URGENT
must on "$lan" edit "$case" "notes=Gọi cho gia đình"
late_child=$(on "$lan" add follow_up "case_id=$case" due=2026-08-01)
all_sync "$thu" "$lan" "$chief"
is "$(value_of "$lan" "$case" risk_level) $(value_of "$thu" "$new" risk_level)" "HIGH URGENT" "and not the other's"
exits 0 "the province reads both" on "$chief" --json show "$new"
is "$(json referrals '#' <<<"$out") $(json referrals 0 other <<<"$out") $(json referrals 0 readable <<<"$out")" "1 $case true" "as one story"
is "$(json referrals 0 late '#' <<<"$out") $(json referrals 0 late 0 fields <<<"$out") $(json referrals 0 late 1 id <<<"$out")" "2 notes $late_child" "and is shown what came late"
like "$(on "$chief" show "$case")" "late after transfer" "in words, too"
is "$(on "$thu" --json show "$new" | json referrals 0 late '#')" 0 "which the receiver cannot read"
is "$(on "$chief" --json referrals | json '#')" 1 "one referral, read on both sides"
b16() { on "$1" --json report b16 --from 2026-01-01 --to 2026-12-31 | json rows 0 3; }
is "$(b16 "$lan") $(b16 "$thu") $(b16 "$chief")" "1 1 1" "one victim, for either commune and for the province"
b4() { # HOME: persons served, times, money
	on "$1" --json report b4 --from 2026-01-01 --to 2026-12-31 | perl -MJSON::PP -e 'local $/; my $r = decode_json(<STDIN>);
		my ($row) = grep { $_->[0] eq "All cases" && $_->[1] eq "Total" } @{$r->{rows}}; print "@$row[5 .. 7]"'
}
is "$(b4 "$lan") / $(b4 "$thu") / $(b4 "$chief")" "1 1 500000 / 0 0 0 / 1 1 500000" "what the sender delivered counts for the sender, and once for the province"

# ---- declined ----
c2=$(on "$lan" add case "person_id=$person" case_no=LS/2026/8 recv_channel=GATE recv_date=2026-05-02 risk_level=LOW)
exits 0 "another case is referred" on "$lan" --json refer "$c2" --to 06004 --consent "$yes"
in2=$(json peer <<<"$out")
all_sync "$lan" "$thu" "$binh"
complains 64 "--reason" "declining takes a reason" on "$thu" decline "$in2"
exits 0 "it is declined" on "$thu" decline "$in2" --reason "Không còn chỗ, hết kinh phí"
all_sync "$thu" "$lan"
is "$(on "$lan" --json show "$c2" | json referrals 0 state)" DECLINED "the sender learns it"
like "$(on "$lan" show "$(on "$lan" --json show "$c2" | json referrals 0 id)")" "Không còn chỗ, hết kinh phí" "with the reason"

# ---- nobody answers; and then somebody does, at the same time ----
c3=$(on "$lan" add case "person_id=$person" case_no=LS/2026/9 recv_channel=GATE recv_date=2026-05-03 risk_level=LOW)
exits 0 "an emergency is handed over without consent" on "$lan" --json refer "$c3" --to 06004 --emergency "Bị đe dọa tại nhà" --second "Nông Văn Bình" --days 1
in3=$(json peer <<<"$out") out3=$(json referral <<<"$out") n3=$(json id <<<"$out")
all_sync "$lan" "$thu" "$binh"
is "$(value_of "$thu" "$in3" emergency_second)" "Nông Văn Bình" "the receiver sees who decided it"
complains 65 "not overdue" "it does not lapse before its day" on "$lan" lapse "$c3"
exits 0 "it is taken back for a reason" on "$lan" lapse "$c3" --reason "Đã tìm được chỗ ở khác"
exits 0 "while the receiver accepts it" on "$binh" accept "$in3"
all_sync "$lan" "$binh" "$thu" "$chief" "$lan"
is "$(on "$binh" --json conflicts | json 0 id) $(on "$binh" --json conflicts | json 0 field)" "$in3 outcome" "a person of the receiver sees the conflict"
is "$(on "$lan" --json conflicts | json 0 id) $(on "$lan" --json conflicts | json 0 field)" "$out3 answers" "and one of the sender"
is "$(on "$chief" --json show "$c3" | json referrals 0 conflict)" true "and the province"
complains 65 "several outcomes" "who answers again settles it first" on "$thu" accept "$n3" --reason "x"
exits 0 "the receiver settles its own" on "$thu" resolve "$in3" outcome --value ACCEPTED
dot=$(on "$lan" --json show "$out3" | perl -MJSON::PP -e 'local $/; my $v = decode_json(<STDIN>); print map { $_->{dot} } grep { $_->{value} eq "LAPSED" } @{$v->{fields}{answers}{values}}')
exits 0 "the sender strikes its own through" on "$lan" void "$out3" answers "$dot" --reason "Đơn vị nhận đã tiếp nhận"
all_sync "$thu" "$lan" "$chief"
is "$(on "$chief" --json show "$c3" | json referrals 0 state) $(on "$chief" --json show "$c3" | json referrals 0 conflict)" "ACCEPTED false" "and it is settled everywhere"
is "$(on "$lan" --json conflicts | json '#')$(on "$thu" --json conflicts | json '#')$(on "$chief" --json conflicts | json '#')" 000 "nothing is left to settle"

# ---- converged, rebuilt, carried by stick ----
all_sync "$lan" "$thu" "$binh" "$chief"
digest() { on "$1" --json verify | json digest; }
is "$(digest "$thu")" "$(digest "$binh")" "two laptops of the receiver agree"
before=$(digest "$chief")
must on "$chief" rebuild
is "$(digest "$chief")" "$before" "a rebuild gives the same"
c5=$(on "$lan" add case "person_id=$person" case_no=LS/2026/11 recv_channel=GATE recv_date=2026-05-05 risk_level=LOW)
n5=$(on "$lan" refer "$c5" --to 06004 --consent "$yes" 2>/dev/null)
must on "$lan" bundle export "$T/stick"
exits 0 "a stick brings a referral, too" on "$binh" bundle import "$T/stick"
is "$(value_of "$binh" "$n5" case_no)" "LS/2026/11" "sealed to the receiver alone"
must on "$binh" accept "$n5"
must on "$binh" bundle export "$T/stick2"
must on "$lan" bundle import "$T/stick2"
is "$(on "$lan" --json show "$c5" | json referrals 0 state)" ACCEPTED "and takes the answer back"

# ---- a mistaken case that was handed over ----
c6=$(on "$lan" add case "person_id=$person" case_no=LS/2026/12 recv_channel=GATE recv_date=2026-05-05 risk_level=LOW)
r6=$(on "$lan" --json refer "$c6" --to 06004 --consent "$yes" | json referral)
exits 0 "a case that was handed over may be deleted" on "$lan" delete "$c6" --reason "Ghi nhầm"
like "$err" "field lapse $r6" "and it is said that it stands elsewhere, and how to take it back"
exits 0 "which works" on "$lan" lapse "$r6" --reason "Ghi nhầm"
exits 0 "what was never handed over is deleted without a word" on "$lan" delete "$other" --reason "Ghi nhầm"
is "$err" "" "of other units"

# ---- a tip ----
exits 0 "a communicator writes a tip" on "$ctv" add person "full_name=Nghe nói ở chợ" sex=F
tip=$out
is "$(on "$ctv" --json sent | json 0 id) $(on "$ctv" --json sent | json 0 form) $(on "$ctv" --json sent | json 0 state)" "$tip person unsent" "it is listed without its words"
must sync_with "$ctv"
is "$(on "$ctv" --json sent | json 0 state)" stored "and how far it came"
unlike "$(on "$ctv" --json sent)" "Nghe nói" "still without its words"
must sync_with "$lan"
is "$(value_of "$lan" "$tip" full_name)" "Nghe nói ở chợ" "the case worker reads it"
stop_server
done_testing
