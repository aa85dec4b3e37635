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
stop_server
exits 0 "the province checks out whole" server "$P" verify
done_testing
