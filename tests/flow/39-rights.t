#!/bin/bash
# What persons may ask about their own data: a register with the clock of two working days, on the list of what is due
# and in the status; a copy of the data, a correction, a withdrawal of consent, an erasure from request to laptop.
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
must on "$chief" unlock
ago() { # DAYS: the day so many days ago, or to come
	date -d "$1 days ago" +%F
}
all_sync() {
	for home in "$lan" "$chief" "$lan"; do must sync_with "$home"; done
}
due() { # HOME [OPTION...]: "rule record" of requests, one a line
	on "$1" --json due "${@:2}" | perl -MJSON::PP -e 'local $/;
		print map { "$_->{rule} $_->{record}\n" } grep { $_->{rule} =~ /^REQUEST/ } @{decode_json(<STDIN>)}'
}
of() { # HOME ID KEY: of the register
	on "$1" --json requests | perl -CO -MJSON::PP -e 'local $/; my ($r) = grep { $_->{id} eq $ARGV[0] }
		@{decode_json(<STDIN>)}; print $r->{$ARGV[1]}' "$2" "$3"
}
status() { # HOME: open, overdue
	on "$1" --json status >"$T/status"
	echo "$(json requests <"$T/status") $(json requests_overdue <"$T/status")"
}

# ---- a person asks for a copy, and three weeks ago somebody asked for erasure ----
person=$(on "$lan" add person "full_name=Đặng Thị Hòa" sex=F phone=0912345678 pseudonym_code=DD-01)
case=$(on "$lan" add case "person_id=$person" recv_channel=GATE "recv_date=$(ago 400)" risk_level=LOW)
mother=$(on "$lan" add person "full_name=Hoàng Thị Sen" sex=F)
must on "$lan" add relation "person_a=$person" "person_b=$mother" relation=MOTHER
consent=$(on "$lan" add consent "person_id=$person" kind=FOLLOWUP decision=GIVEN "at=$(ago 300)" given_by=SELF)
copy=$(on "$lan" add subject_request kind=ACCESS "person_id=$person" "received_at=$(ago 0)" asked_by=SELF identity=KNOWN)
erase=$(on "$lan" add subject_request kind=ERASE "person_id=$person" "received_at=$(ago 21)" asked_by=SELF identity=PAPERS "request=Xóa số điện thoại của tôi")
is "$(status "$lan")" "2 1" "the status counts what waits and what is overdue"
is "$(due "$lan")" "REQUEST $erase
REQUEST $copy" "both stand on the list of what is due, the older one first"
is "$(of "$lan" "$copy" state) $(of "$lan" "$erase" state)" "OPEN OVERDUE" "one is in time"
like "$(of "$lan" "$copy" source)" "91/2025/QH15" "the law is named"
is "$(of "$lan" "$copy" code) $(of "$lan" "$copy" person)" "DD-01 $person" "and the person by the code"
like "$(on "$lan" --lang vi requests)" "Xóa dữ liệu  DD-01" "in words"
unlike "$(on "$lan" --lang vi requests)" "Đặng" "without the name"
like "$(on "$lan" --lang vi due)" "Trả lời yêu cầu của chủ thể dữ liệu  $copy" "the list of what is due gives the request's id"
like "$(on "$lan" --lang vi status)" "Yêu cầu của chủ thể dữ liệu chưa xong: 2, quá hạn: 1" "and the status says it"
like "$(on "$lan" --lang vi case "$case")" "! Chủ thể dữ liệu đã có yêu cầu và chưa được trả lời: Xem dữ liệu" "the case is headed by it"
all_sync
is "$(due "$chief")" "$(due "$lan")" "the supervisor sees the same"
is "$(on "$ctv" --json requests)" "[]" "a communicator sees none"

# ---- the copy ----
must on "$lan" print "$person" "$T/copy.html"
must on "$lan" edit "$copy" "answered_at=$(ago 0)" "answered_by=Nông Thị Lan" outcome=DONE "done_at=$(ago 0)"
is "$(of "$lan" "$copy" state) $(of "$lan" "$copy" outcome)" "MET DONE" "it was given in time"
is "$(on "$lan" --json requests --open | json '#')" 1 "one is left"

# ---- a correction, a withdrawal ----
fix=$(on "$lan" add subject_request kind=RECTIFY "person_id=$person" "received_at=$(ago 0)" asked_by=SELF identity=PENDING "targets=$person phone")
complains 65 "identity is not established" "nothing is corrected for somebody unknown" \
	on "$lan" edit "$fix" "answered_at=$(ago 0)" answered_by=Lan outcome=DONE
must on "$lan" edit "$person" phone=0977000222 --reason "theo yêu cầu $fix"
must on "$lan" edit "$fix" identity=CALLBACK "answered_at=$(ago 0)" answered_by=Lan outcome=DONE "done_at=$(ago 0)"
like "$(on "$lan" show "$person" --history)" "theo yêu cầu $fix" "the correction names the request"
gone=$(on "$lan" add subject_request kind=WITHDRAW "person_id=$person" "received_at=$(ago 0)" asked_by=SELF identity=PENDING)
must on "$lan" edit "$consent" decision=WITHDRAWN "withdrawn_at=$(ago 0)"
exits 0 "a consent is withdrawn without papers" on "$lan" edit "$gone" "answered_at=$(ago 0)" answered_by=Lan outcome=DONE "consent_id=$consent"
is "$(value_of "$lan" "$gone" consent_id)" "$consent" "and the request names the consent"
hold=$(on "$lan" add subject_request kind=RESTRICT "person_id=$person" "received_at=$(ago 0)" asked_by=SELF identity=KNOWN)
must on "$lan" edit "$hold" "answered_at=$(ago 0)" answered_by=Lan outcome=DONE
like "$(on "$lan" --lang en case "$case")" "! The data subject has had processing restricted" "a restriction heads the case"

# ---- an erasure: granted, ordered, signed, gone from every laptop ----
complains 65 "not granted" "no order without a decision" on "$lan" request order "$erase" "$T/order"
must on "$lan" edit "$erase" "answered_at=$(ago 0)" answered_by=Lan outcome=ACCEPTED "do_by=$(ago -7)"
is "$(of "$lan" "$erase" state) $(of "$lan" "$erase" doing)" "LATE OPEN" "answered late, to be done within a week"
is "$(due "$lan")" "REQUEST_DO $erase" "what was promised is due"
complains 65 "no decision" "nor without its number" on "$lan" request order "$erase" "$T/order"
must on "$lan" edit "$erase" "order_no=Quyết định số 31/QĐ-UBND"
complains 65 "does not ask for erasure" "another request makes no order" on "$lan" request order "$fix" "$T/order"
complains 66 "no such request" "nor does a person" on "$lan" request order "$person" "$T/order"
exits 0 "an order for all there is" on "$lan" --json request order "$erase" "$T/order"
is "$(json records <<<"$out") $(json of_others <<<"$out")" "3 1" "names person, case and consent, and leaves the mother to be judged"
like "$(cat "$T/order")" "order Quyết định số 31/QĐ-UBND" "with the decision"
unlike "$(cat "$T/order")" "Đặng" "without a name"
unlike "$(grep ^record "$T/order")" "$erase" "the register itself is not erased"
must on "$lan" edit "$erase" "targets=$person phone address_text"
must on "$lan" --quiet request order "$erase" "$T/order"
is "$(grep ^record "$T/order")" "record $person phone address_text" "what the request names is named alone"
all_sync
exits 0 "the province signs it as it is" server "$P" --json erase --order "$T/order"
is "$(json '#' <<<"$out")" 2 "both entries that held a number"
all_sync
is "$(value_of "$lan" "$person" phone)$(value_of "$chief" "$person" phone)" "" "and it is gone from both laptops"
like "$(on "$chief" show "$person" --history)" "(erased by order: Quyết định số 31/QĐ-UBND)" "the history names the decision"
must on "$lan" edit "$erase" outcome=DONE "done_at=$(ago 0)"
is "$(status "$lan")" "0 0" "nothing is left to be done"
is "$(due "$lan")" "" "or due"
is "$(on "$lan" --json requests | json '#')" 5 "the register keeps them all"

# ---- what is kept beyond its time is looked at, and nothing goes by itself ----
kept() { # HOME [OPTION...]: "code class step" of what is to be reviewed
	on "$1" --json due --retention "${@:2}" | perl -MJSON::PP -e 'local $/;
		print map { "$_->{code} $_->{class} $_->{step}\n" } @{decode_json(<STDIN>)}'
}
is "$(kept "$lan" --days 3650)" "DD-01 REQUEST REVIEW
DD-01 REQUEST REVIEW
DD-01 REQUEST REVIEW
DD-01 REQUEST REVIEW
DD-01 REQUEST REVIEW" "requests that were dealt with have their time, too"
is "$(kept "$lan")" "" "which is not over"
years=$(date -d "6 years ago" +%F)
must on "$lan" edit "$case" "recv_date=$(date -d '7 years ago' +%F)" close_reason=SELFWISH "closed_on=$years"
is "$(kept "$lan")" "DD-01 CASE_VICTIM REVIEW" "a case that was closed six years ago is to be reviewed"
is "$(on "$lan" --json status | json retention)" 1 "the status counts it"
like "$(on "$lan" --lang vi due --retention)" "cần rà soát: Hồ sơ đã kết thúc  DD-01  $case" "in words"
like "$(on "$lan" --lang vi due --retention)" "tỉnh quyết định" "with what the term is based on"
unlike "$(on "$lan" --quiet due --days 400)" "CASE_VICTIM" "and apart from what else is due"
complains 65 "" "a review that keeps says until when" on "$lan" add retention_review "case_id=$case" "reviewed_at=$(ago 0)" reviewed_by=Lan outcome=KEEP reason=x
must on "$lan" add retention_review "case_id=$case" "reviewed_at=$(ago 2)" reviewed_by=Lan outcome=KEEP "reason=Còn tố tụng" "keep_until=$(ago 1)"
is "$(kept "$lan")" "DD-01 CASE_VICTIM REVIEW" "kept until yesterday it is to be reviewed again"
review=$(on "$lan" add retention_review "case_id=$case" "reviewed_at=$(ago 1)" reviewed_by=Lan outcome=KEEP "reason=Còn tố tụng" "keep_until=$(ago -365)")
is "$(kept "$lan")$(on "$lan" --json status | json retention)" 0 "kept for another year it is not"
complains 65 "does not propose" "a review that keeps makes no order" on "$lan" request order "$review" "$T/order"
review=$(on "$lan" add retention_review "case_id=$case" "reviewed_at=$(ago 0)" reviewed_by=Lan outcome=ERASE "reason=Hết thời hạn" "order_no=Quyết định số 40/QĐ-UBND")
is "$(kept "$lan")" "DD-01 CASE_VICTIM ERASE" "proposed for erasure it stays on the list until it is gone"
exits 0 "the review makes the order" on "$lan" --json request order "$review" "$T/order"
is "$(json records <<<"$out") $(json of_others <<<"$out")" "1 1" "for the case, and leaves the person to be judged"
is "$(grep ^record "$T/order")" "record $case" "by its id"
all_sync
is "$(kept "$chief")" "$(kept "$lan")" "the supervisor has the same list"
must server "$P" erase --order "$T/order"
all_sync
is "$(kept "$lan")$(kept "$chief")" "" "erased by order, it is on no list"

# ---- who opened what ----
opens() { # HOME [OPTION...]: "command what count reason" of each line
	on "$1" --json access "${@:2}" | perl -MJSON::PP -e 'local $/;
		print map { "$_->{command} $_->{what} $_->{count} $_->{reason}\n" } @{decode_json(<STDIN>)}' | sort
}
two=$(on "$lan" add person "full_name=Lý Thị Mai" sex=F phone=0987000111 pseudonym_code=DD-02)
all_sync
opens "$lan" >"$T/before"
must on "$lan" show "$two"
must on "$lan" show "$two" --history
must on "$lan" list person
must on "$lan" list person --limit 1
is "$(opens "$lan" | comm -13 "$T/before" -)" "list person 3 
show $two 0 " "two looks within the hour are one line, with the larger count"
must on "$lan" search "Ly Thi"
like "$(opens "$lan")" "search all 1 " "a search is a line with how many it showed"
must on "$lan" list awareness_session
unlike "$(opens "$lan")" "awareness_session" "what is not about persons is not logged"
must on "$lan" print "$two" "$T/two.html"
is "$(opens "$lan" --case "$two")" "print $two 0 
show $two 0 " "the lines about one person"
unlike "$(on "$lan" access)$(on "$lan" --json access)" "Mai" "hold no name"
exits 0 "a supervisor opens what is another unit's" on "$chief" show "$two"
like "$err" "opening it is logged" "and is told so"
is "$(opens "$chief" --case "$two")" "show $two 0 -" "the line says that no reason was given"
exits 0 "with one" on "$chief" case "$case" --reason SUPERVISE
unlike "$err" "opening it is logged" "there is no remark"
like "$(opens "$chief")" "case $case 0 SUPERVISE" "and the line has it"
complains 77 "opened for a reason" "a page asks first, and nothing is opened until it knows why" on "$chief" show "$two" --reason ASK
complains 64 "no such reason" "a reason is a code, nothing typed" on "$chief" show "$two" --reason "vì Mai"
is "$(on "$ctv" --json access)" "[]" "a communicator opens no person, and keeps no log"
complains 66 "" "what is not there is not opened" on "$lan" show 0123456789abcdef.1
unlike "$(opens "$lan")" 0123456789abcdef "nor logged"
is "$(on "$lan" --json sync --server "$URL" | json sent entries)" 0 "a sync right after a look sends nothing of it"

# ---- an hour later the log travels, as one entry ----
must on "$lan" lock
must on "$chief" lock
cat >"$T/ahead.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
time_t time(time_t *t)
{
	time_t (*real)(time_t *) = (time_t (*)(time_t *))dlsym(RTLD_NEXT, "time");
	time_t now = real(NULL) + 3700;
	if (t) *t = now;
	return now;
}
END
an_hour_later() { # COMMAND...
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0 LD_PRELOAD=$T/ahead.so "$@"
}
if gcc -shared -fPIC -o "$T/ahead.so" "$T/ahead.c" -ldl 2>/dev/null && [ -z "$(an_hour_later true 2>&1)" ]; then
	lines=$(opens "$lan" | wc -l)
	is "$(an_hour_later on "$lan" --json sync --server "$URL" | json sent entries)" 1 "an hour later it travels, all of it in one entry"
	is "$(opens "$lan" | wc -l)" "$lines" "the device has it still"
	must sync_with "$chief"
	like "$(opens "$chief" --case "$two")" "show $two 0 " "the supervisor reads it"
	device=$(on "$lan" --json status | json device)
	is "$(opens "$chief" --by "${device:0:8}" | wc -l)" "$lines" "of one device, all lines"
	like "$(on "$chief" access --by "${device:0:8}")" "Cán bộ lan" "with the name of who held it"
	is "$(opens "$chief" --from "$(ago -30)")" "" "of the days that were asked for"
	log=$(on "$chief" --json list access_log | json 0 id)
	must on "$lan" delete "$log" --reason "xóa dấu vết"
	must sync_with "$lan"
	must sync_with "$chief"
	like "$(on "$chief" access --by "${device:0:8}")" "[struck through]" "what its author deletes is still told"

	# ---- what a day of looking costs: twenty persons looked at, two lists, three searches ----
	people=()
	for i in {1..20}; do people+=("$(on "$lan" add person "full_name=Nông Văn Số $i" sex=M)"); done
	look() {
		for id in "${people[@]}"; do on "$lan" show "$id"; done >/dev/null
		for form in person case; do on "$lan" list $form; done >/dev/null
		on "$lan" search Nong >/dev/null
	}
	correct() {
		for id in "${people[@]}"; do on "$lan" edit "$id" "address_text=Thôn $1"; done >/dev/null
	}
	command_now() { "$@"; }
	up() { "$@" on "$lan" --json sync --server "$URL" | json bytes_up; }
	must sync_with "$lan"
	idle=$(up command_now)
	look
	at_once=$(up command_now)
	alone=$(up an_hour_later)
	correct Một
	edits=$(up command_now)
	look
	correct Hai
	both=$(up an_hour_later)
	echo "# bytes up: nothing to do $idle; after a day of looking $alone; 20 edits $edits; both $both"
	is "$at_once" "$idle" "a sync right after looking costs nothing"
	[ $((alone - idle)) -lt 900 ] && [ $((both - edits)) -lt 900 ]
	ok $? "an hour later a day of looking costs less than 900 bytes"
else
	for name in "at once" "a day" "travels" "has it" "reads it" "all lines" "name" "days" "deleted"; do ok 0 "$name # SKIP the clock cannot be shifted here"; done
fi
stop_server

# ---- nothing can be written: what is read on the screen is shown, what leaves in the clear stays ----
unwritable() { # COMMAND...: its output and errors, and "= code"; no file can be written, pipes can
	(trap '' XFSZ; ulimit -f 0; "$@" 2>&1; echo "= $?") | cat
}
shown=$(unwritable on "$lan" show "$mother")
like "$shown" "Hoàng Thị Sen" "a record is shown though the log cannot be written"
like "$shown" "access log could not be written" "which is said"
like "$shown" "= 0" "and is no failure"
shown=$(unwritable on "$lan" print "$mother" "$T/mother.html")
unlike "$shown" "= 0" "a print without its line in the log is none"
unlike "$shown" "mother.html" "since the log fails, not the file"
[ ! -e "$T/mother.html" ]
ok $? "and leaves no file"
unlike "$(opens "$lan")" "$mother" "none of the two is in the log"
must on "$lan" unlock
must on "$lan" show "$mother"
like "$(opens "$lan")" "show $mother 0 " "with room it is again"
done_testing
