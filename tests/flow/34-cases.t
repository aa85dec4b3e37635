#!/bin/bash
# The life cycle of a case: stage and state from what was recorded, what the person is entitled to, what is due
# and overdue, warnings that stop nothing, and how to contact safely above every contact datum.
. tests/support/flow.sh
flow_folder
P=$T/server lan=$T/lan chief=$T/chief ctv=$T/ctv
make_province "$P" "Tỉnh Lạng Sơn"
for who in "lan 06184 caseworker" "ctv 06184 communicator" "chief 20 supervisor"; do
	set -- $who
	invite "$P" "$2" "$3" "Cán bộ $1" "$T/$1"
	join_device "$T/$1" "$T/$1"
done
start_server "$P"
must on "$lan" unlock
ago() { # DAYS: the day so many days ago, or to come
	date -d "$1 days ago" +%F
}
story() { # HOME CASE WHAT...
	on "$1" --json case "$2" | json "${@:3}"
}
warnings() { # HOME CASE: codes, sorted
	on "$1" --json case "$2" | perl -MJSON::PP -e 'local $/; print join " ",
		sort map { $_->{code} . ($_->{about} ? ":$_->{about}" : "") } @{decode_json(<STDIN>)->{warnings}}'
}
term() { # HOME CASE RULE: "state due" of its first term
	on "$1" --json case "$2" | perl -MJSON::PP -e 'local $/; my ($t) = grep { $_->{rule} eq $ARGV[0] }
		@{decode_json(<STDIN>)->{deadlines}}; print "$t->{state} $t->{due}"' "$3"
}
due() { # HOME [OPTION...]: "code rule month days", one a line
	on "$1" --json due "${@:2}" | perl -MJSON::PP -e 'local $/;
		print map { "$_->{code} $_->{rule} $_->{month} $_->{days}\n" } @{decode_json(<STDIN>)}'
}

# ---- a person, and a case of five days ago ----
person=$(on "$lan" add person "full_name=Đặng Thị Hòa" sex=F birth_date=1998 birth_precision=YEAR phone=0912345678 \
	"address_text=Thôn Nà Han" "safe_contact_note=Chỉ gọi cho chị gái" "safe_contact_time=Buổi tối" pseudonym_code=DD-01)
case=$(on "$lan" add case "person_id=$person" case_no=LS/2026/7 class=PIP_IN recv_channel=GATE "recv_date=$(ago 5)" risk_level=HIGH)
is "$(story "$lan" "$case" state) $(story "$lan" "$case" regime)" "OPEN_INFO R2024" "a new case, under the law in force"
is "$(term "$lan" "$case" INITVER)" "OVERDUE $(ago 2)" "initial verification was due on the third day"
is "$(due "$lan")" "DD-01 INITVER 0 -2" "and it is on the list of what is due"
is "$(warnings "$lan" "$case")" "CONSENT_MISSING:SHARE_AGENCY" "nobody has asked whether it may be shared"
like "$(story "$lan" "$case" entitlement services)" PSY "who is being identified is entitled to psychological support"
unlike "$(story "$lan" "$case" entitlement services)" VOC "and not to vocational training"
like "$(story "$lan" "$case" entitlement source)" "Điều 37" "with the article that says so"

# ---- how to contact safely stands first ----
shown=$(on "$lan" --lang vi case "$case")
before=${shown%%0912345678*}
like "$before" "Chỉ gọi cho chị gái" "how to contact stands above the telephone"
like "$before" "Chưa ghi có được liên hệ hay không" "and that nobody recorded whether contact is allowed"
unlike "${shown%%Chỉ gọi*}" "Đặng Thị Hòa" "no name stands above it"
unlike "${shown%%Chỉ gọi*}" "Nà Han" "nor where the person lives"
like "$shown" "Tình trạng: Mới tiếp nhận" "the state in the worker's words"
like "$shown" "Xác minh thông tin ban đầu: quá hạn" "and the term"
json_text=$(on "$lan" --json case "$case")
like "${json_text%%\"contact\"*}" '"safe_contact"' "in JSON too the rules stand before the data"
must on "$lan" edit "$person" do_not_contact=yes
is "$(warnings "$lan" "$case")" "CONSENT_MISSING:SHARE_AGENCY DO_NOT_CONTACT" "do not contact is a warning"
like "$(on "$lan" --lang vi case "$case" | head -6)" "! Không được liên hệ" "at the top"

# ---- events make the stage ----
must on "$lan" add case_event "case_id=$case" event=S02_RECEIVE "at=$(ago 5)"
wrong=$(on "$lan" add case_event "case_id=$case" event=S09_PLAN "at=$(ago 4)")
is "$(story "$lan" "$case" stage)" S09_PLAN "the stage is the furthest event"
must on "$lan" add case_event "case_id=$case" event=S04_INITVER "at=$(ago 2)" "voids=$wrong"
is "$(story "$lan" "$case" stage) $(story "$lan" "$case" state)" "S04_INITVER IN_VERIFICATION" "that was not corrected"
is "$(term "$lan" "$case" INITVER)" "MET $(ago 2)" "verified on the last day is in time"
is "$(due "$lan")" "" "nothing is due any more"

# ---- beyond what the class is entitled to: a warning, no wall ----
service=$(on "$lan" add service_delivery "case_id=$case" service=VOC status=DELIVERED "date_from=$(ago 1)")
is "$(warnings "$lan" "$case")" "CONSENT_MISSING:SHARE_AGENCY CONSENT_MISSING:SUPPORT DO_NOT_CONTACT NOT_ENTITLED:VOC" "it was saved, and warned of"
must on "$lan" edit "$case" class=V_VN ident_result=VICTIM "ident_org=Công an tỉnh" ident_doc_no=1/KL "ident_date=$(ago 1)"
is "$(story "$lan" "$case" state)" IN_SUPPORT "an identified victim in support"
unlike "$(warnings "$lan" "$case")" NOT_ENTITLED "is entitled to it"
follow=$(date -d "$(ago 1) +1 month" +%F)
# The calendar of date(1) overflows at the end of a month; the term does not.
[ "$(date -d "$follow" +%d)" = "$(date -d "$(ago 1)" +%d)" ] || follow=$(date -d "$(date -d "$follow" +%Y-%m-01) -1 day" +%F)
is "$(term "$lan" "$case" FOLLOW_UP)" "OPEN $follow" "the first follow-up is due a month after support began"
is "$(due "$lan" --days 400 | cut -d' ' -f1-3)" "DD-01 FOLLOW_UP 1
DD-01 FOLLOW_UP 3
DD-01 FOLLOW_UP 6
DD-01 FOLLOW_UP 12" "after 1, 3, 6 and 12 months"
must on "$lan" add follow_up "case_id=$case" "due=$(ago 0)"
is "$(due "$lan" --days 0)" "DD-01 FOLLOW_UP 0 0" "a day that the worker set is due on that day"
stay=$(on "$lan" add lodging_stay "case_id=$case" "facility=Trung tâm Công tác xã hội" "date_from=$(ago 119)" fit_sex_age=yes)
is "$(term "$lan" "$case" LODGING)" "OPEN $(ago 0)" "the 120th day of a stay is the last"
must on "$lan" edit "$stay" "date_from=$(ago 121)"
like "$(warnings "$lan" "$case")" STAY_TOO_LONG "a longer one is warned of"
is "$(due "$lan" --days 0)" "DD-01 LODGING 0 -2
DD-01 FOLLOW_UP 0 0" "oldest first"
must on "$lan" edit "$stay" "extension_decision=12/QĐ-SYT"
is "$(term "$lan" "$case" LODGING)" "EXTENDED $(ago 2)" "unless it was extended"
text=$(on "$lan" --lang vi due --days 400)
unlike "$text" "Đặng" "the list has no name"
unlike "$text" "0912345678" "and no telephone"
like "$text" "hết hạn hôm nay  DD-01" "but the code"

# ---- a minor whose father is suspected ----
child=$(on "$lan" add person "full_name=Lý Văn Nam" sex=M birth_date=2014 birth_precision=YEAR pseudonym_code=DD-02)
father=$(on "$lan" add person "full_name=Lý Văn Cha" sex=M)
c2=$(on "$lan" add case "person_id=$child" class=V_VN recv_channel=GATE "recv_date=$(ago 1)" risk_level=HIGH)
must on "$lan" add consent "person_id=$child" kind=SHARE_AGENCY decision=GIVEN "at=$(ago 1)" given_by=SELF receivers=06004
is "$(warnings "$lan" "$c2")" MINOR_NO_GUARDIAN "a minor's own consent is not enough"
his=$(on "$lan" add consent "person_id=$child" kind=SHARE_AGENCY decision=GIVEN "at=$(ago 1)" given_by=GUARDIAN relation=FATHER child_agrees=yes receivers=06004)
is "$(warnings "$lan" "$c2")" "" "the father's counts"
must on "$lan" add relation "person_a=$child" "person_b=$father" relation=FATHER
must on "$lan" add relation "person_a=$child" "person_b=$father" relation=SUSPECT
is "$(warnings "$lan" "$c2")" "GUARDIAN_SUSPECT MINOR_NO_GUARDIAN" "until he is a suspect"
complains 77 "under suspicion" "nothing is handed over on his word" on "$lan" refer "$c2" --to 06004 --consent "$his"
hers=$(on "$lan" add consent "person_id=$child" kind=SHARE_AGENCY decision=GIVEN "at=$(ago 0)" given_by=GUARDIAN relation=MOTHER child_agrees=yes receivers=06004)
is "$(warnings "$lan" "$c2")" GUARDIAN_SUSPECT "the mother may decide"
marked=$(on "$lan" add consent "person_id=$child" kind=SHARE_AGENCY decision=GIVEN "at=$(ago 0)" given_by=GUARDIAN relation=LEGALREP guardian_suspect=yes receivers=06004)
complains 77 "under suspicion" "nor on the word of one who is marked so" on "$lan" refer "$c2" --to 06004 --consent "$marked"
exits 0 "on the mother's word it is" on "$lan" refer "$c2" --to 06004 --consent "$hers"

# ---- the same story for whoever reads the case ----
for home in "$lan" "$chief" "$lan" "$chief"; do must sync_with "$home"; done
is "$(on "$chief" --json case "$case")" "$(on "$lan" --json case "$case")" "the province is told the same"
is "$(due "$chief" --days 400)" "$(due "$lan" --days 400)" "and the same is due"
yes=$(on "$lan" add consent "person_id=$person" kind=SHARE_AGENCY decision=GIVEN "at=$(ago 0)" given_by=SELF receivers=06004)
unlike "$(warnings "$lan" "$case")" SHARE_AGENCY "the person agrees to sharing"
must on "$lan" edit "$yes" decision=WITHDRAWN "withdrawn_at=$(ago 0)"
for home in "$lan" "$chief"; do must sync_with "$home"; done
like "$(warnings "$chief" "$case")" CONSENT_WITHDRAWN:SHARE_AGENCY "and withdraws, which travels"

# ---- closed ----
must on "$lan" add case_event "case_id=$case" event=S15_CLOSE "at=$(ago 0)" close_reason=SELFWISH
like "$(warnings "$lan" "$case")" CLOSING_DIFFERS "closed by an event alone is pointed out"
must on "$lan" edit "$case" close_reason=SELFWISH "closed_on=$(ago 0)"
is "$(story "$lan" "$case" state) $(value_of "$lan" "$case" close_reason)" "CLOSED SELFWISH" "closed"
is "$(due "$lan" --days 400 | grep -c DD-01)" 0 "a closed case leaves nothing due"

# ---- what is refused ----
complains 66 "no such case" "a person is no case" on "$lan" case "$person"
complains 66 "no such case" "nor is an id that is not here" on "$lan" case 0123456789abcdef.1
complains 64 "" "a record's id is needed" on "$lan" case LS/2026/7
complains 64 "from 0" "days are a number" on "$lan" due --days -1
complains 66 "no such case" "a communicator reads no case" on "$ctv" case "$case"
is "$(on "$ctv" --json due)" "[]" "and has none due"
done_testing
