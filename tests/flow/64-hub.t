#!/bin/bash
# A hub at a sync point with a bad line: two real servers in a chain.
. tests/support/flow.sh
flow_folder
P=$T/server H=$T/hub lan=$T/lan minh=$T/minh thu=$T/thu
make_province "$P" "Tỉnh Lạng Sơn"
for who in "lan 06184 caseworker Nông_Thị_Lan" "minh 06184 caseworker Hoàng_Văn_Minh" "thu 06004 caseworker Lý_Thị_Thu"; do
	set -- $who
	invite "$P" "$2" "$3" "${4//_/ }" "$T/$1"
	join_device "$T/$1" "$T/$1"
done
start_server "$P"
PROVINCE=$URL PROVINCE_PID=$SERVER_PID

# ---- making one ----
must server "$P" invite --unit 20 --role relay --name "Trạm Đồng Đăng" --out "$T/hub.invitation" --code-file "$T/hub.code" \
	--server "$PROVINCE"
mkdir "$H"
complains 77 "" "a wrong code makes no hub" "$BIN/sync-server" --dir "$H" --lang en join "$T/hub.invitation" --code-file "$T/lan.code"
complains 77 "field join" "nor does a person's invitation" "$BIN/sync-server" --dir "$H" --lang en join "$T/thu.invitation" \
	--code-file "$T/thu.code"
[ ! -e "$H/relay/depot.db" ]
ok $? "nothing of these stays behind"
exits 0 "the invitation of a relay does" "$BIN/sync-server" --dir "$H" join "$T/hub.invitation" --code-file "$T/hub.code"
[[ $out =~ ^[0-9a-f]{32}\ 20\ relay$ ]]
ok $? "and prints device, unit and role" || echo "# $out"
hub=${out%% *}
complains 73 "" "there is one relay in a folder" "$BIN/sync-server" --dir "$H" --lang en join "$T/hub.invitation" --code-file "$T/hub.code"
start_server "$H" --every 1
HUB=$URL HUB_PID=$SERVER_PID
for _ in {1..50}; do
	must server "$P" --json devices
	[[ $out == *"$hub"* ]] && break
	sleep 0.2
done
like "$out" "$hub" "it shows itself to the province, which admits it"

# What a hub has from above shows in what a laptop finds there.
for _ in {1..50}; do
	run sync_with "$lan" "$HUB" && break
	sleep 0.4
done
is "$code" 0 "a laptop that never heard of the hub learns of it there"

until_received() { # HOME URL N: entries that came in at most 20 seconds
	local n=0
	for _ in {1..50}; do
		n=$((n + $(sync_with "$1" "$2" | json received entries)))
		[ "$n" -ge "$3" ] && break
		sleep 0.4
	done
	[ "$n" -eq "$3" ]
}

# ---- what is said when it is set up wrongly, before anything listens ----
complains 78 "no hub" "the province's own relay has no server above it" "$BIN/sync-server" --dir "$P" --lang en serve \
	--listen 127.0.0.1:0 --upstream "$PROVINCE"
complains 64 "server's address" "what is no address is told" "$BIN/sync-server" --dir "$H" serve --listen 127.0.0.1:0 --upstream x
complains 64 "every" "and what is no number" "$BIN/sync-server" --dir "$H" serve --listen 127.0.0.1:0 --every 0

# ---- laptop, hub, province, laptop, and back ----
flow_stop "$PROVINCE_PID"
person=$(on "$lan" add person "full_name=Đặng Thị Hòa" sex=F phone=0912345678)
exits 0 "it syncs there while the province is away" sync_with "$lan" "$HUB"
is "$(json sent entries <<<"$out")" 1 "its work is left there"
is "$(json hub entries <<<"$out") $(json receipt <<<"$out")" "1 null" "the hub's word is shown apart from the province's"
is "$(on "$lan" --json status | json unsent)" 1 "and the work counts as not sent"
like "$(on "$lan" status)" "hub keeps 1" "status says so in words"
is "$(sync_with "$lan" "$HUB" | json sent entries)" 0 "nothing is left there twice"
exits 0 "the hub cannot read a word of it" "$BUILD/tools/find_marker" "Đặng Thị Hòa" 0912345678 -- "$H/relay"
LISTEN=${PROVINCE#http://} start_server "$P"
PROVINCE_PID=$SERVER_PID
until_received "$minh" "$PROVINCE" 1
ok $? "when the line is back it comes to a colleague by the province"
is "$(value_of "$minh" "$person" phone)" 0912345678 "as it was written"
must on "$minh" edit "$person" phone=0987654321
must sync_with "$minh" "$PROVINCE"
until_received "$lan" "$HUB" 1
ok $? "and the answer comes back by the hub"
is "$(value_of "$lan" "$person" phone)" 0987654321 "as it was written"
is "$(on "$lan" --json status | json last_receipt level)" stored "with the province's own receipt"
is "$(on "$lan" --json status | json unsent)" 0 "so that nothing waits any more"
exits 0 "where the province itself answers" sync_with "$lan" "$PROVINCE"
is "$(json sent entries <<<"$out") $(json received entries <<<"$out")" "0 0" "nothing is sent or received twice"

# ---- a colleague's sealed work on a stick, handed over at the office ----
far=$(on "$thu" add outreach date=2026-04-01 kind=HOUSEHOLD commune_code=06004 persons_f=3 topics=JOBSCAM)
must on "$thu" bundle export "$T/stick"
must on "$lan" bundle import "$T/stick"
exits 0 "other people's sealed work is handed over at the hub" sync_with "$lan" "$HUB"
is "$(json sent frames <<<"$out")" 1 "as it is"
for _ in {1..50}; do
	out=$(sync_with "$thu" "$HUB")
	[ "$(json receipt level <<<"$out")" = stored ] && break
	sleep 0.4
done
is "$(json receipt level <<<"$out")" stored "and its author gets the province's receipt there"
exits 66 "whoever carried it cannot read it" on "$lan" show "$far"

# ---- the province has another address: the hub is told on its own line ----
flow_stop "$PROVINCE_PID"
flow_stop "$HUB_PID"
start_server "$P"
PROVINCE=$URL PROVINCE_PID=$SERVER_PID
LISTEN=${HUB#http://} start_server "$H" --every 1 --upstream "$PROVINCE"
HUB_PID=$SERVER_PID
must on "$lan" add outreach date=2026-04-02 kind=HOUSEHOLD commune_code=06184 persons_f=1 topics=JOBSCAM
must sync_with "$lan" "$HUB"
until_received "$minh" "$PROVINCE" 1
ok $? "serve --upstream hands on to the address that it is given"

# ---- the end of a hub ----
must server "$P" retire "$hub" --reason "Trạm đóng cửa"
for _ in {1..100}; do
	kill -0 "$HUB_PID" 2>/dev/null || break
	sleep 0.2
done
wait "$HUB_PID"
is $? 77 "a hub that was retired stops"
like "$(cat "$H.log")" "retired" "and says why"
must sync_with "$lan" "$PROVINCE"
SERVER_PID=$PROVINCE_PID
flow_stop "$PROVINCE_PID"
exits 0 "the province checks out whole" server "$P" verify
done_testing
