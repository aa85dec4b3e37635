#!/bin/bash
# Sticks: a laptop that no network ever reaches, through keys that change, full and pulled-out sticks, and back.
. tests/support/flow.sh
flow_folder
P=$T/server near=$T/near far=$T/far lost=$T/lost new=$T/new
make_province "$P" "Tỉnh Lạng Sơn"
for who in "near 06184 Nông_Thị_Lan" "far 06184 Triệu_Thị_Dao" "lost 06184 Vi_Văn_Thắng" "new 06184 Hoàng_Văn_Minh"; do
	set -- $who
	invite "$P" "$2" caseworker "${3//_/ }" "$T/$1"
done
for who in near far lost; do join_device "$T/$who" "$T/$who"; done
start_server "$P"
mkdir "$T/stick"
carry() { # FROM TO
	must on "$1" bundle export "$T/stick/bundle"
	must on "$2" bundle import "$T/stick/bundle"
}

# ---- receipts and keys by stick ----
person=$(on "$far" add person "full_name=Đặng Thị Hòa" sex=F phone=0912345678)
must on "$lost" add outreach date=2026-04-01 kind=HOUSEHOLD commune_code=06184 persons_f=3 topics=JOBSCAM
carry "$far" "$near"
carry "$lost" "$near"
must sync_with "$near"
is "$(on "$far" --json status | json unsent)" 1 "what a colleague carried counts as not sent where it was written"
carry "$near" "$far"
is "$(on "$far" --json status | json unsent)" 0 "until the receipt comes back by stick"
is "$(on "$far" --json status | json last_receipt level)" stored "with its level"
must server "$P" retire "$(on "$lost" --json status | json device)" --reason "Mất máy trên xe khách"
must sync_with "$near"
after=$(on "$near" add person "full_name=Sau khi thu hồi" sex=F)
carry "$near" "$far"
is "$(value_of "$far" "$after" full_name)" "Sau khi thu hồi" "keys that changed come by stick, from a colleague"
on "$lost" bundle import "$T/stick/bundle" >/dev/null 2>&1
exits 66 "a laptop that was shut out opens nothing new with them" on "$lost" show "$after"
digest() { on "$1" --json verify | json digest; }
is "$(digest "$far")" "$(digest "$near")" "the laptop without a network is the same as the other"

# ---- a new laptop, seeded from one stick ----
join_device "$new" "$T/new"
must on "$new" bundle import "$T/stick/bundle"
must on "$far" edit "$person" phone=0987654321
is "$(value_of "$new" "$person" phone)" 0912345678 "a new laptop has from one stick what all others wrote"
must on "$new" edit "$person" "address_text=Bản Chu"
carry "$new" "$near"
carry "$far" "$near"
must sync_with "$near"
is "$(value_of "$near" "$person" phone) $(value_of "$near" "$person" address_text)" "0987654321 Bản Chu" \
	"and what both write comes back by stick"

# ---- sticks that are cut, full, pulled out ----
must on "$near" bundle export "$T/stick/bundle"
size=$(stat -c %s "$T/stick/bundle")
bad=0
for part in 0 1 5 10 11 12 20 35 50 80 95; do
	head -c $((part < 20 ? part : size * part / 100)) "$T/stick/bundle" >"$T/cut"
	run on "$far" bundle import "$T/cut"
	[ "$code" -eq 65 ] || bad=1
done
is $bad 0 "a bundle that was cut anywhere is told (65)"
exits 0 "and what was whole is not missed: the whole one is taken after it" on "$far" bundle import "$T/stick/bundle"
is "$(digest "$far")" "$(digest "$near")" "with the same result"
cp "$T/stick/bundle" "$T/kept"
limited() { # with files that cannot grow past a block
	(trap '' XFSZ; ulimit -f 1; exec "$BIN/field" --lang en --home "$near" --passphrase-file "$near.pass" "$@")
}
must on "$near" unlock
run limited bundle export "$T/stick/bundle"
[ "$code" -ne 0 ] && [ -n "$err" ]
ok $? "a stick without room is told" || echo "# $code $err"
cmp -s "$T/kept" "$T/stick/bundle"
ok $? "and what stood there before is whole"
is "$(find "$T/stick" -type f | wc -l)" 1 "nothing else is left there"
if mkdir "$T/small" && mount -t tmpfs -o size=8k tmpfs "$T/small" 2>/dev/null; then
	trap 'umount "$T/small" 2>/dev/null; flow_end' EXIT
	complains 74 "space" "so is a stick that is full" on "$near" bundle export "$T/small/bundle"
	is "$(find "$T/small" -type f | wc -l)" 0 "and nothing is left on it"
	umount "$T/small"
fi
complains 73 "" "a stick that is not there is told" on "$near" bundle export "$T/away/bundle"
complains 66 "" "to read from as well" on "$near" bundle import "$T/away/bundle"
is "$(on "$near" --json status | json unsent)" 0 "none of it changes what was sent"
cat "$T/kept" | { run2=$("$BIN/field" --lang en --home "$near" --passphrase-file "$near.pass" --json bundle import - 2>&1); echo "$run2" >"$T/.piped"; }
is "$(json received entries <"$T/.piped")" 0 "a bundle may come through a pipe, and twice"
must on "$near" lock

# ---- sticks at the server, for communes that no network reaches, while it serves ----
relay() { "$BIN/sync-server" --lang en --dir "$P" "$@"; } # without the authority's passphrase
stick=$T/stick/hq
must on "$far" add person "full_name=Không có mạng" sex=M
must on "$far" bundle export "$stick"
run relay --json bundle import "$stick"
is "$code $(json frames <<<"$out") $(json entries <<<"$out") $(json aside <<<"$out")" "0 1 1 0" "the server reads a stick"
run relay --json bundle import "$stick" "$stick"
is "$code $(json frames <<<"$out") $(json aside <<<"$out")" "0 0 0" "again, and twice at once: nothing changes"
must sync_with "$near"
is "$(on "$near" --json list person | json '#')" "$(on "$far" --json list person | json '#')" "who has a network gets it"
must on "$near" edit "$after" phone=0911111111
must server "$P" rotate 06184
must sync_with "$near"
must on "$near" add person "full_name=Khóa mới" sex=F
must sync_with "$near"
is "$(on "$far" --json status | json unsent)" 1 "the laptop without a network waits for its receipt"
run relay --json bundle export "$stick" --for "$(on "$far" --json status | json device)"
is "$code" 0 "the server writes a stick for it"
must on "$far" bundle import "$stick"
is "$(on "$far" --json status | json unsent) $(on "$far" --json status | json last_receipt level)" "0 stored" "with its receipt"
is "$(digest "$far")" "$(digest "$near")" "what others wrote, and the keys of the new epoch"
must on "$far" add person "full_name=Trả lời" sex=F
must on "$far" bundle export "$stick"
must relay bundle import "$stick"
must sync_with "$near"
is "$(digest "$near")" "$(digest "$far")" "and the way back"
must relay bundle export "$stick"
must on "$new" bundle import "$stick"
is "$(digest "$new")" "$(digest "$far")" "one stick for everybody seeds any of them"
must sync_with "$new"
is "$(on "$new" --json sync --server "$URL" | json sent frames)" 0 "which has nothing to carry back"
must relay bundle export "$stick" --unit 06184
complains 77 "retired" "who was shut out gets none" relay bundle export "$T/none" --for "$(on "$lost" --json status | json device)"
complains 66 "does not know" "nor who is not known" relay bundle export "$T/none" --for ffffffff
[ ! -e "$T/none" ]
ok $? "and nothing is left of them"
on "$lost" bundle export "$T/lost.bundle" >/dev/null 2>&1
relay --json bundle import "$T/lost.bundle" >/dev/null
size=$(stat -c %s "$stick") bad=0
must on "$far" add person "full_name=Thẻ bị rút" sex=M
must on "$far" bundle export "$stick"
size=$(stat -c %s "$stick")
for part in 0 5 11 20 50 90 99; do
	head -c $((part < 12 ? part : size * part / 100)) "$stick" >"$T/cut"
	run relay bundle import "$T/cut"
	[ "$code" -eq 65 ] || bad=1
done
is $bad 0 "a stick that was cut anywhere is told (65)"
run relay bundle import "$T/cut" "$stick" "$T/away"
is "$code" 65 "one that is bad keeps no other out"
must sync_with "$near"
is "$(digest "$near")" "$(digest "$far")" "all of it arrived"
cp "$stick" "$T/kept"
(trap '' XFSZ; ulimit -f 1; relay bundle export "$stick") >"$T/.out" 2>"$T/.err"
[ $? -ne 0 ] && cmp -s "$T/kept" "$stick" && [ "$(find "$T/stick" -type f | wc -l)" -eq 2 ]
ok $? "a stick without room for the server's answer keeps what stood there"
complains 73 "" "one that is not there is told" relay bundle export "$T/nowhere/bundle"
complains 64 "" "so is a line that makes no sense" relay bundle export "$T/a" "$T/b"
stop_server
exits 0 "the province checks out whole" server "$P" verify
done_testing
