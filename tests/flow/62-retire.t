#!/bin/bash
# A laptop is shut out: it hands in what it still had and is wiped, also by the process that keeps it open;
# its last work counts when a supervisor says so, once; and who may read what from then on.
. tests/support/flow.sh
flow_folder
P=$T/server
make_province "$P" "Tỉnh Lạng Sơn"
for who in "pao 06184 caseworker" "lan 06184 caseworker" "ctv 06184 communicator" "chief 20 supervisor" "deputy 20 supervisor"; do
	set -- $who
	invite "$P" "$2" "$3" "Cán bộ $1" "$T/$1"
	join_device "$T/$1" "$T/$1"
done
pao=$T/pao lan=$T/lan ctv=$T/ctv chief=$T/chief deputy=$T/deputy
start_server "$P"
session=$(on "$pao" add awareness_session "title=Họp thôn" date_start=2026-04-06 commune_code=06184 forms=DIRECT topics=LAW audiences=WOMEN)
for each in "$pao" "$lan" "$ctv" "$chief" "$deputy"; do
	must sync_with "$each"
done
device=$(on "$pao" --json status | json device)

of_pao() { # KEY: what the operator is shown of the laptop
	server "$P" --json devices | perl -CO -MJSON::PP -0ne 'BEGIN { ($device, $key) = splice @ARGV, 0, 2 }
		print map { $_->{$key} } grep { $_->{device} eq $device } @{ decode_json($_) }' "$device" "$1"
}
is "$(of_pao unit) $(of_pao role) $(of_pao state) $(of_pao entries)" "06184 caseworker admitted 1" \
	"the operator sees where a laptop is in use, and how many of its entries there are"
like "$(of_pao seen)" "$(date -u +%Y-%m)" "and when it synced last"

# ---- after the last meeting: an edit and a new record, not sent ----
must on "$pao" edit "$session" "title=Họp thôn Nà Lầu" --reason "ghi nhầm"
visit=$(on "$pao" add outreach date=2026-05-05 commune_code=06184 persons_m=2 "note=Gặp ở chợ phiên")
exits 0 "the authority retires the laptop" server "$P" retire "$device" --reason "Mất máy trên xe khách"
must on "$pao" unlock
complains 77 "the vault here is destroyed" "it is turned away, and told why" sync_with "$pao"
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ -e "$pao/vault.key" ] || break
	sleep 0.3
done
is "$(cd "$pao" && ls vault.* 2>/dev/null)" "" "the process that held it open ends, and its vault is destroyed"
frame=$(server "$P" --json quarantine | json 0 id)
is "$(server "$P" --json quarantine | json '#')" 1 "the server has its last work aside"
is "$(of_pao state) $(of_pao entries) $(of_pao reason)" "retired 1 Mất máy trên xe khách" "and what the province knows of the laptop"
sync_with "$chief" >/dev/null
is "$(value_of "$chief" "$session" title)" "Họp thôn" "nobody sees it yet"

# ---- released ----
exits 0 "the province lets it pass" server "$P" quarantine release "$frame"
is "$(of_pao entries)" 3 "the relay counts it among what it has"
must sync_with "$chief"
must sync_with "$lan"
must sync_with "$deputy"
is "$(value_of "$chief" "$session" title)" "Họp thôn" "it does not count by that"
left=$(on "$chief" --json quarantine | json 0 id)
is "$(on "$chief" --json quarantine | json 0 entries)" 2 "a supervisor is shown how much there is"
is "$(on "$chief" --json status | json quarantined)" 2 "also among what waits for somebody"
like "$(on "$chief" quarantine "$left")" "Gặp ở chợ phiên" "and what stands in it"
complains 77 supervisor "a case worker releases nothing" on "$lan" quarantine release "$left"
complains 64 "no id" "what is no id is said to be none" on "$chief" quarantine release 12
complains 66 "nothing of this name" "nor is there another" on "$chief" quarantine release "00000000000000000000000000000001"
exits 0 "a supervisor releases it" on "$chief" quarantine release "$left"
exits 0 "another, who does not know, does so too" on "$deputy" quarantine release "$left"
complains 66 "" "but not twice" on "$chief" quarantine release "$left"
for each in "$chief" "$deputy" "$chief" "$lan"; do
	must sync_with "$each"
done
is "$(value_of "$lan" "$session" title)" "Họp thôn Nà Lầu" "now everybody sees the edit"
is "$(value_of "$lan" "$visit" note)" "Gặp ở chợ phiên" "and the record"
is "$(on "$lan" --json list outreach | json '#')" 1 "once"
is "$(on "$lan" --json conflicts | json '#')" 0 "without a conflict"
is "$(on "$lan" --json quarantine | json '#')" 0 "nothing is left aside"
is "$(on "$lan" --json verify | json digest)" "$(on "$deputy" --json verify | json digest)" "and all have the same"

# ---- who grows, gets what was written before; who shrinks, nothing of what comes ----
person=$(on "$lan" add person "full_name=Đặng Thị Hòa" sex=F)
must sync_with "$lan"
must sync_with "$ctv"
exits 66 "a communicator has no person" on "$ctv" show "$person"
ctv_device=$(on "$ctv" --json status | json device)
exits 0 "it becomes a case worker's laptop" server "$P" assign "$ctv_device" --unit 06184 --role caseworker
must sync_with "$ctv"
is "$(value_of "$ctv" "$person" full_name)" "Đặng Thị Hòa" "and gets the persons of before"
must server "$P" assign "$ctv_device" --unit 06184 --role communicator
must sync_with "$ctv"
must sync_with "$lan"
later=$(on "$lan" add person "full_name=Sau khi đổi vai trò" sex=F)
must sync_with "$lan"
must on "$lan" bundle export "$T/stick"
on "$ctv" bundle import "$T/stick" >/dev/null 2>&1
must sync_with "$ctv"
exits 66 "back in its old role it opens nothing new, even from a stick" on "$ctv" show "$later"
sync_with "$chief" >/dev/null
is "$(value_of "$chief" "$later" full_name)" "Sau khi đổi vai trò" "those above still do"

# ---- new keys by order, an invitation withdrawn ----
exits 0 "keys change by order" server "$P" rotate 06184
must sync_with "$lan"
another=$(on "$lan" add outreach date=2026-05-06 commune_code=06184 persons_m=1)
must sync_with "$lan"
sync_with "$chief" >/dev/null
is "$(value_of "$chief" "$another" persons_m)" 1 "and who may read goes on reading"
invite "$P" 06184 caseworker "Người mới" "$T/late"
must server "$P" revoke "$(server "$P" --json invitations | json -1 invitation)"
join_device "$T/late" "$T/late"
run sync_with "$T/late"
exits 66 "who joins on a withdrawn invitation gets no record" on "$T/late" show "$another"
work=$(on "$T/late" add outreach date=2026-05-07 commune_code=06184 persons_m=4)
run sync_with "$T/late"
must sync_with "$lan"
exits 66 "and what it writes reaches nobody" on "$lan" show "$work"
waiting=$(server "$P" --json quarantine | json 0 id)
is "$(server "$P" --json quarantine | json 0 kind)" device "it waits for a decision"
exits 0 "the province takes it in after all" server "$P" quarantine release "$waiting"
must sync_with "$T/late"
must sync_with "$lan"
is "$(value_of "$lan" "$work" persons_m)" 4 "and what it wrote was not lost"
stop_server
exits 0 "the province checks out whole" server "$P" verify
done_testing
