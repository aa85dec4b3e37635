#!/bin/bash
# The relay serves without the authority's folder and passphrase and opens nothing; who may read what is a
# matter of keys: units, roles, devices that were shut out.
. tests/support/flow.sh
flow_folder
P=$T/server
make_province "$P" "Tỉnh Lạng Sơn"
for who in "lan 06184 caseworker" "ctv 06184 communicator" "thu 06004 caseworker" "chief 20 supervisor" "analyst 20 analyst" "lost 06184 caseworker"; do
	set -- $who
	invite "$P" "$2" "$3" "Cán bộ $1" "$T/$1"
	join_device "$T/$1" "$T/$1"
done
lan=$T/lan ctv=$T/ctv thu=$T/thu chief=$T/chief analyst=$T/analyst lost=$T/lost

# ---- the relay alone ----
mkdir "$T/elsewhere"
mv "$P/authority" "$P/authority.head" "$P.pass" "$T/elsewhere/"
start_server "$P"
ok 0 "serve comes up with the authority's folder absent, and asks for no passphrase"
person=$(on "$lan" add person "full_name=Đặng Thị Hòa" sex=F phone=0912345678 pseudonym_code=DD-01)
case=$(on "$lan" add case "person_id=$person" recv_channel=GATE recv_date=2026-03-02 risk_level=HIGH)
session=$(on "$lan" add awareness_session "title=Họp thôn" date_start=2026-04-06 commune_code=06184 forms=DIRECT topics=LAW audiences=WOMEN)
exits 0 "new devices sync, though the authority is away" sync_with "$lan"
is "$(json receipt level <<<"$out")" stored "and get receipts"
is "$(cd "$P" && find . -type f | grep -v '^./relay/\(depot.db\(-wal\|-shm\)\?\|relay.key\|serving\)$')" "" \
	"the server keeps its store and its signing key, and nothing else"
is "$(stat -c %s "$P/relay/serving")" 0 "but a lock that is empty"
is "$(stat -c '%s %a' "$P/relay/relay.key")" "32 600" "a seed of 32 bytes that its owner alone reads"
if strace -f -qq -o "$T/trace" -e trace=none true 2>/dev/null; then
	stop_server	# one process serves a folder
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$T/trace" -e trace=openat,open "$BIN/sync-server" --dir "$P" serve --listen 127.0.0.1:0 >"$T/second" 2>/dev/null &
	tracer=$!
	flow_background $tracer
	until grep -q listening "$T/second"; do kill -0 $tracer || break; done
	sync_with "$lan" "$(sed -n 's/.*listening on //p' "$T/second")" >/dev/null
	traced=$(children_of $tracer)
	flow_background "$traced"
	kill "$traced"
	wait $tracer
	[ "$(grep -c "depot.db" "$T/trace")" -gt 0 ] && [ "$(grep -c "authority" "$T/trace")" -eq 0 ]
	ok $? "it does not even look for the authority"
	start_server "$P"
else
	ok 0 "it does not even look for the authority # SKIP strace is not allowed here"
fi
# the relay's own seed is no key to what it stores: not as a passphrase, not in the authority's place
secret_file "$T/seed.pass" "$(od -An -v -tx1 "$P/relay/relay.key" | tr -d ' \n')"
mkdir "$T/thief"
cp -r "$P/relay" "$T/thief/"
run "$BIN/sync-server" --dir "$T/thief" --passphrase-file "$T/seed.pass" devices
[ "$code" -ne 0 ]
ok $? "who takes the relay's folder administrates nothing with it"
exits 0 "the search for words finds nothing in the relay's folder" "$BUILD/tools/find_marker" "Đặng Thị Hòa" 0912345678 "Họp thôn" -- "$P/relay"
echo "1,Đặng Thị Hòa" >"$T/sheet.csv"
exits 1 "and does in a sheet" "$BUILD/tools/find_marker" "Đặng Thị Hòa" -- "$T/sheet.csv"

# ---- roles ----
exits 0 "a communicator syncs" sync_with "$ctv"
is "$(value_of "$ctv" "$session" title)" "Họp thôn" "and reads the activities of the commune"
exits 66 "but has no person" on "$ctv" show "$person"
exits 66 "and no case" on "$ctv" show "$case"
is "$(on "$ctv" --json search "dang thi hoa" | json '#')" 0 "not even by searching"
is "$(on "$ctv" --json list case | json '#')" 0 "no case is listed"
exits 0 "a stick from a case worker gives it no more" on "$lan" bundle export "$T/stick"
on "$ctv" bundle import "$T/stick" >/dev/null 2>&1
exits 66 "for it has no key" on "$ctv" show "$person"
exits 0 "a communicator may write a tip that it cannot read" on "$ctv" add tip received_on=2026-04-05 channel=FIELD tip_kind=TINBAO urgency=SOON "summary=Nghe nói ở chợ"
tip=$out
exits 66 "it does not read it again" on "$ctv" show "$tip"
is "$(on "$ctv" --json sent | json '#')" 1 "but sees that it goes to the case workers"
must sync_with "$ctv"
sync_with "$lan" >/dev/null
is "$(value_of "$lan" "$tip" summary)" "Nghe nói ở chợ" "the case worker of the commune does"
sync_with "$chief" >/dev/null
is "$(value_of "$chief" "$person" full_name) $(value_of "$chief" "$session" title)" "Đặng Thị Hòa Họp thôn" \
	"a supervisor of the province reads the communes below"
sync_with "$analyst" >/dev/null
exits 66 "an analyst reads no person" on "$analyst" show "$person"
exits 66 "and no session" on "$analyst" show "$session"
sync_with "$thu" >/dev/null
on "$thu" bundle import "$T/stick" >/dev/null 2>&1
exits 66 "another commune reads nothing, by network or stick" on "$thu" show "$session"
exits 0 "its laptop carries the stick's frames without opening them" on "$thu" status

# ---- a laptop is lost ----
must sync_with "$lost"
is "$(value_of "$lost" "$person" full_name)" "Đặng Thị Hòa" "a laptop has what its holder may read"
on "$lost" add outreach date=2026-05-05 commune_code=06184 persons_m=2 >/dev/null
cp -r "$lost" "$T/copied" && cp "$lost.pass" "$T/copied.pass"
mv "$T/elsewhere/authority" "$P/authority"
mv "$T/elsewhere/server.pass" "$P.pass"
exits 0 "the authority retires it" server "$P" retire "$(on "$lost" --json status | json device)" --reason "Mất máy trên xe khách"
complains 77 retired "the server turns it away" sync_with "$lost"
exits 66 "and its vault is destroyed" on "$lost" status
is "$(server "$P" quarantine --json | json 0 reason)" "its author was retired before" "what it had not sent is kept aside"
exits 0 "its colleague learns of it" sync_with "$lan"
after=$(on "$lan" add person "full_name=Sau khi thu hồi" sex=F)
must sync_with "$lan"
must on "$lan" bundle export "$T/stick2"
on "$T/copied" bundle import "$T/stick2" >/dev/null 2>&1
exits 66 "what is written from now on a copy of it cannot open, even from a stick" on "$T/copied" show "$after"
sync_with "$chief" >/dev/null
is "$(value_of "$chief" "$after" full_name)" "Sau khi thu hồi" "who may read it can"
stop_server
exits 0 "the province checks out whole" server "$P" verify
done_testing
