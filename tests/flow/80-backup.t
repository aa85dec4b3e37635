#!/bin/bash
# A worker's backup: one sealed file, made while the vault is worked with, and a vault made from it elsewhere.
. tests/support/flow.sh
flow_folder
P=$T/server
make_province "$P" "Tỉnh Lạng Sơn"
start_server "$P"
for who in lan hoa; do
	must server "$P" invite --unit 06184 --role caseworker --name "$who" --out "$T/$who.invitation" \
		--code-file "$T/$who.code" --server "$URL"
	join_device "$T/$who" "$T/$who"
done
A=$T/lan B=$T/other H=$T/hoa BACKUP=$T/stick.backup
# The same person's vault on another machine.
cp "$A.pass" "$B.pass"
FLOW_HOMES+=("$B")
digest() { on "$1" --json verify | json digest; }
quarantined() { on "$1" --json status | json quarantined; }

must on "$A" add person "full_name=Đặng Thị Hòa" sex=F
person=$out
for i in 1 2 3 4 5; do
	must on "$A" add outreach date=2026-04-0$i kind=HOUSEHOLD commune_code=06184 persons_f=$i topics=JOBSCAM
done
must sync_with "$A"

# ---- writing ----
exits 0 "a vault is backed up without a keeper" on "$A" --json backup "$BACKUP"
is "$(stat -c %s "$BACKUP")" "$(json bytes <<<"$out")" "the file has the size that is told"
is "$(stat -c %a "$BACKUP")" 600 "and is readable by its owner only"
must on "$A" unlock
exits 0 "and through the keeper, over the older one" on "$A" backup "$BACKUP"
grep -qa "Hòa" "$BACKUP" || grep -qa "full_name" "$BACKUP"
[ $? -eq 1 ]
ok $? "nothing of it can be read"
complains 73 "" "a folder that is not there is no place" on "$A" backup "$T/nowhere/x"
complains 73 "" "nor is a pipe" on "$A" backup /dev/null
exits 0 "the keeper goes on" on "$A" status
[ -z "$(ls "$T" | grep new-)" ]
ok $? "and nothing lies about"
several=()
for i in 1 2 3; do on "$A" backup "$T/again.$i" >/dev/null 2>&1 & several+=($!); done
exits 0 "a save does not wait for backups" on "$A" add outreach date=2026-05-01 kind=HOUSEHOLD commune_code=06184 persons_f=1 topics=JOBSCAM
wait "${several[@]}"
ls "$T"/again.* >/dev/null 2>&1
ok $? "one of several at once is done"
must on "$A" verify
before=$(digest "$A")
must on "$A" backup "$BACKUP"
must on "$A" lock

# ---- restoring ----
restore() { "$BIN/field" --lang en --home "$B" --passphrase-file "$B.pass" restore "$1"; }
complains 73 "" "a vault is never overwritten" "$BIN/field" --home "$A" --passphrase-file "$A.pass" restore "$BACKUP"
complains 66 "" "a backup that is not there is told" restore "$T/none"
head -c 100000 /dev/urandom >"$T/noise"
complains 65 "" "what is no backup is refused" restore "$T/noise"
size=$(stat -c %s "$BACKUP")
n=0
for at in 9 20 40 300 1000 70000 $((size / 2)) $((size - 1)); do
	cp "$BACKUP" "$T/bad"
	perl -e 'open my $f, "+<", $ARGV[0]; seek $f, $ARGV[1], 0; read $f, my $b, 1; seek $f, $ARGV[1], 0; print $f chr(ord($b) ^ 4)' "$T/bad" "$at"
	run restore "$T/bad"
	[ "$code" -ge 65 ] && [ ! -e "$B" ] && n=$((n + 1))
done
is "$n" 8 "a changed byte anywhere is refused, and nothing was made"
n=0
for cut in 0 5 30 500 $((size - 1)) $((size - 20)) 66000 $(((size - 700) / 65576 * 65576)); do
	head -c "$cut" "$BACKUP" >"$T/bad"
	run restore "$T/bad"
	[ "$code" -ge 65 ] && [ ! -e "$B" ] && n=$((n + 1))
done
is "$n" 8 "so is one that was cut"
{ cat "$BACKUP"; echo; } >"$T/bad"
complains 74 "cut or was changed" "and one with something behind it" restore "$T/bad"
secret_file "$T/wrong.pass" "không phải mật khẩu này"
complains 77 "" "a wrong passphrase opens nothing" "$BIN/field" --home "$B" --passphrase-file "$T/wrong.pass" restore "$BACKUP"
[ ! -e "$B" ]
ok $? "nothing was made by any of them"
exits 0 "the backup becomes a vault on another machine" restore "$BACKUP"
is "$(digest "$B")" "$before" "with every record"
is "$(value_of "$B" "$person" full_name)" "Đặng Thị Hòa" "that can be read"
complains 73 "" "once" restore "$BACKUP"
exits 0 "the recovery code opens a backup, too" "$BIN/field" --home "$T/third" --code-file "$A.recovery" restore "$BACKUP"
rm -rf "$T/third"

# ---- a restored backup is a copied disk: both go on, and nothing is lost ----
must on "$A" edit "$person" phone=0912345678
must on "$A" add outreach date=2026-05-02 kind=HOUSEHOLD commune_code=06184 persons_f=7 topics=JOBSCAM
must on "$B" edit "$person" "address_text=Bản Nà Sự"
must on "$B" add outreach date=2026-05-03 kind=HOUSEHOLD commune_code=06184 persons_f=8 topics=JOBSCAM
for round in 1 2; do
	for home in "$A" "$B" "$H"; do must sync_with "$home"; done
done
must sync_with "$A"
is "$(digest "$B")" "$(digest "$A")" "the two machines have the same records"
is "$(digest "$H")" "$(digest "$A")" "and so has a colleague"
is "$(value_of "$H" "$person" phone) $(value_of "$H" "$person" address_text)" "0912345678 Bản Nà Sự" "what both wrote is there"
is "$(on "$H" --json list outreach | json '#')" 8 "every one of the eight visits"
is "$(quarantined "$A") $(quarantined "$B") $(quarantined "$H")" "0 0 0" "nothing was set aside"
is "$("$BIN/sync-server" --dir "$P" --passphrase-file "$P.pass" --json quarantine | json '#')" 0 "nor at the relay"
# an old backup, after much more was written and synced
rm -rf "$B"
must restore "$BACKUP"
must on "$B" add outreach date=2026-06-01 kind=HOUSEHOLD commune_code=06184 persons_f=9 topics=JOBSCAM
for home in "$B" "$A" "$H" "$B"; do must sync_with "$home"; done
is "$(digest "$B") $(digest "$H")" "$(digest "$A") $(digest "$A")" "an old backup catches up and gives what it has"
is "$(on "$A" --json list outreach | json '#')" 9 "nine visits"
stop_server
done_testing
