#!/bin/bash
# Bad input of every kind: a clear complaint, the right exit code, and nothing saved is lost.
. tests/support/flow.sh
flow_folder
P=$T/server lan=$T/lan minh=$T/minh
make_province "$P" "Tỉnh Lạng Sơn"
for who in lan minh thu extra full; do
	invite "$P" 06184 caseworker "Cán bộ $who" "$T/$who"
done
join_device "$lan" "$T/lan"
join_device "$minh" "$T/minh"
digest() { on "$1" --json verify | json digest; }
count() { on "$1" --json status | json records; }
copy_home() { rm -rf "$2"; cp -a "$1" "$2"; cp "$1.pass" "$2.pass"; }
# turns one bit of a file: FILE OFFSET (negative: from the end)
turn_bit() {
	perl -e 'my ($f, $at) = @ARGV; open my $h, "+<:raw", $f or die $!; seek $h, $at, $at < 0 ? 2 : 0; my $p = tell $h;
		read $h, my $b, 1 or die "beyond the end"; seek $h, $p, 0; print $h chr(ord($b) ^ 16)' -- "$1" "$2"
}
size() { stat -c %s "$1"; }
person=$(on "$lan" add person "full_name=Đặng Thị Hòa" sex=F phone=0912345678)
on "$lan" add outreach date=2026-04-01 commune_code=06184 persons_f=3 >/dev/null
whole=$(digest "$lan")
unharmed() { # NAME [HOME]
	is "$(digest "${2:-$lan}")" "$whole" "$1"
}

# ---- passphrase and code ----
secret_file "$T/wrong.pass" "không phải mật khẩu này"
complains 77 "passphrase" "a wrong passphrase is refused" "$BIN/field" --lang en --home "$lan" --passphrase-file "$T/wrong.pass" status
printf 'abc\xff\xfe\n' >"$T/bad.pass"
complains 65 "" "a passphrase that is not UTF-8 is refused" "$BIN/field" --home "$lan" --passphrase-file "$T/bad.pass" status
complains 66 "không có tệp" "so is a passphrase file that is not there, in the worker's language" "$BIN/field" --home "$lan" --passphrase-file "$T/none" status
complains 66 "chọn thư mục khác bằng --home" "a home without a vault is no home, with what to do" "$BIN/field" --home "$T/nobody" --passphrase-file "$lan.pass" status
[ ! -e "$T/nobody/vault.key" ]
ok $? "and none is made by looking"
secret_file "$T/weak.pass" "ngắn"
secret_file "$T/extra.pass" "một mật khẩu dài vừa đủ"
join_with() { # PASS CODE_FILE INVITATION
	"$BIN/field" --lang en --home "$T/extra" --passphrase-file "$1" join "$3" --code-file "$2" --kdf-memory $KDF --recovery-file "$T/extra.recovery"
}
complains 65 "at least" "a passphrase that is too short is refused" join_with "$T/weak.pass" "$T/extra.code" "$T/extra.invitation"
complains 77 "" "the code of another invitation is refused" join_with "$T/extra.pass" "$T/lan.code" "$T/extra.invitation"
sed -e 's/^[^7]/7/;t' -e 's/^7/8/' "$T/extra.code" >"$T/slip.code" # two of a kind, swapped, are no slip
complains 77 "slip" "a slip of the pen in a code is told from a wrong code" join_with "$T/extra.pass" "$T/slip.code" "$T/extra.invitation"
echo "không phải mã" >"$T/no.code"
complains 77 "" "what is no code is refused" join_with "$T/extra.pass" "$T/no.code" "$T/extra.invitation"

# ---- invitations ----
bad=0
for at in 0 1 5 20 60 200 1000 5000 -1 -40; do
	cp "$T/extra.invitation" "$T/damaged"
	turn_bit "$T/damaged" $at
	run join_with "$T/extra.pass" "$T/extra.code" "$T/damaged"
	case $code in 65 | 77 | 78) ;; *) bad=1; echo "# bit at $at: $code $err" ;; esac
done
ok $bad "an invitation with a bit turned is refused, wherever it is"
bad=0
for n in 0 1 3 30 100 2000 $(($(size "$T/extra.invitation") - 1)); do
	head -c "$n" "$T/extra.invitation" >"$T/damaged"
	run join_with "$T/extra.pass" "$T/extra.code" "$T/damaged"
	case $code in 65 | 77) ;; *) bad=1; echo "# $n bytes: $code $err" ;; esac
done
ok $bad "so is one that is cut off"
[ ! -e "$T/extra/vault.db" ]
ok $? "no vault is left behind by it"
exits 0 "the whole one still works" join_with "$T/extra.pass" "$T/extra.code" "$T/extra.invitation"
complains 73 "" "a vault is not joined over" join_with "$T/extra.pass" "$T/full.code" "$T/full.invitation"

# used a second time
start_server "$P"
exits 0 "who used it first syncs" on "$T/extra" sync --server "$URL"
cp "$T/extra.invitation" "$T/again.invitation"
cp "$T/extra.code" "$T/again.code"
join_device "$T/again" "$T/again"
late=$(on "$T/again" add outreach date=2026-05-05 commune_code=06184 persons_m=7 "note=Ghi trên máy thứ hai")
exits 0 "an invitation works a second time offline, and its sync is taken" on "$T/again" --json sync --server "$URL"
is "$(json waits_for_admission <<<"$out")" true "but it waits to be admitted"
sync_with "$minh" >/dev/null
exits 66 "and what it wrote is not forwarded" on "$minh" show "$late"
exits 0 "the authority is told" server "$P" --json quarantine
like "$out" "invitation" "with the reason"
device=$(on "$T/again" --json status | json device)
like "$out" "$device" "and the device"
exits 0 "it may be admitted" server "$P" quarantine release "$device"
exits 0 "then it syncs as any other" on "$T/again" --json sync
is "$(json waits_for_admission <<<"$out")" false "without waiting"
sync_with "$minh" >/dev/null
is "$(value_of "$minh" "$late" note)" "Ghi trên máy thứ hai" "and its work arrives"
id=$(server "$P" --json invitations | perl -MJSON::PP -CO -e 'local $/; print map { $_->{id} // $_->{invitation} } grep { $_->{name} eq "C\x{e1}n b\x{1ed9} thu" } @{decode_json(<STDIN>)}')
exits 0 "an invitation is withdrawn" server "$P" revoke "$id" --reason "Mất giấy"
join_device "$T/thu" "$T/thu"
exits 0 "a device that joins with it waits too" on "$T/thu" --json sync --server "$URL"
is "$(json waits_for_admission <<<"$out")" true "until somebody decides"
exits 0 "and may be refused" server "$P" quarantine refuse "$(on "$T/thu" --json status | json device)" --reason "Không rõ là ai"
complains 77 "" "then it is turned away" on "$T/thu" sync
exits 0 "and what it holds stays its own" on "$T/thu" verify

# ---- answers ----
records=$(count "$lan")
complains 65 "not after today" "an answer that breaks a constraint is refused" on "$lan" add person full_name=X birth_date=2050-01-01
complains 65 "F = Female" "so is a code that is not in the list, with those that are" on "$lan" add person full_name=X sex=Z
complains 65 "digits only" "a number that is none" on "$lan" add outreach date=2026-04-01 commune_code=06184 persons_f=ba
complains 65 "17/05/1998" "a date that is none" on "$lan" add outreach date=2026-02-30 commune_code=06184 persons_f=3
complains 65 "Choose the commune" "a required answer that is missing" on "$lan" add outreach date=2026-04-01 persons_f=3
complains 66 "" "a field that the form does not have" on "$lan" add outreach date=2026-04-01 commune_code=06184 persons_f=3 hoten=A
complains 65 "" "a reference to nothing" on "$lan" add case person_id=00000000000000aa.1 recv_channel=GATE recv_date=2026-03-02 risk_level=LOW
complains 65 "" "a reference to a record of another form" on "$lan" add case "person_id=$late" recv_channel=GATE recv_date=2026-03-02 risk_level=LOW
complains 66 "" "a form that is not there" on "$lan" add phieu a=b
complains 64 "" "an answer without a name" on "$lan" add person Hoa
complains 64 "" "an id that is none" on "$lan" show "không.có"
complains 65 "type it again" "text that is not UTF-8 is refused" on "$lan" add person full_name=$'Ho\xc3\x28a'
complains 65 "type it again" "text with control characters is refused" on "$lan" add person full_name=$'Ho\x01a'
complains 65 "" "a text over its limit is refused" on "$lan" add outreach date=2026-04-01 commune_code=06184 persons_f=3 \
	"note=$(printf 'a%.0s' {1..2001})"
perl -e 'print "{\"date\":\"2026-04-01\",\"commune_code\":\"06184\",\"persons_f\":3,\"note\":\"", "a" x 3_000_000, "\"}"' >"$T/big.json"
complains 65 "" "a huge one too" on "$lan" add outreach --answers "$T/big.json"
printf '{"date":"2026-04-01",' >"$T/cut.json"
complains 65 "JSON" "answers that are no JSON are refused" on "$lan" add outreach --answers "$T/cut.json"
perl -e 'print "[" x 100000' >"$T/deep.json"
complains 65 "" "and a hundred thousand brackets" on "$lan" add outreach --answers "$T/deep.json"
complains 64 "" "an option that is not there is refused" on "$lan" add outreach --colour red
complains 64 "" "and a command that is not" on "$lan" frobnicate
is "$(count "$lan")" "$records" "none of it was saved"

# ---- sheets ----
sheet() { printf 'date,commune_code,persons_m,persons_f,note\n' >"$T/sheet.csv"; cat >>"$T/sheet.csv"; }
sheet <<-'END'
	2026-04-01,06184,1,2,một
	2026-04-02,06184,1,2,hai
	2026-04-03,06184,1,ba,sai
	2026-04-04,06184,1,2,bốn
	2026-04-05,06184,1,2,năm
END
complains 65 "sheet.csv:4:4" "a sheet with a bad row in the middle names row and column" on "$lan" import outreach "$T/sheet.csv"
is "$(count "$lan")" "$records" "and nothing of it is imported"
sheet <<-'END'
	2026-04-01,06184,1,2,một
	2050-04-02,06184,1,2,năm sau
END
complains 65 "sheet.csv:3:" "a row that breaks a constraint is named" on "$lan" import outreach "$T/sheet.csv"
printf '2026-04-01,06184,1,2,m\xc3\x28t\n' | sheet
complains 65 "sheet.csv:2:5" "a cell that is not UTF-8 is named" on "$lan" import outreach "$T/sheet.csv"
printf '2026-04-01,06184,1,2,"mot\n' | sheet
complains 65 "sheet.csv:" "a quote that is never closed is named" on "$lan" import outreach "$T/sheet.csv"
printf '2026-04-01,06184,1,2,mot,thua\n' | sheet
complains 65 "sheet.csv:2" "a row with too many cells is named" on "$lan" import outreach "$T/sheet.csv"
printf 'date,xa\n2026-04-01,06184\n' >"$T/sheet.csv"
complains 65 "sheet.csv:1:2" "a column that the form does not have is named" on "$lan" import outreach "$T/sheet.csv"
complains 66 "" "a sheet that is not there is refused" on "$lan" import outreach "$T/none.csv"
is "$(count "$lan")" "$records" "still nothing is imported"
unharmed "and the vault is as it was"

# ---- forms ----
forms() { rm -rf "$T/schema"; mkdir "$T/schema"; cp -a schema/forms schema/codes "$T/schema/"; }
forms
exits 0 "the shipped forms check out" on "$lan" forms check "$T/schema"
row=$(grep -n '^text,phone,' schema/forms/person/survey.csv | cut -d: -f1)
perl -CSD -Mutf8 -pi -e 's/"regex\(\., .*?\)"/frobnicate(.)/ if /^text,phone,/' "$T/schema/forms/person/survey.csv"
complains 65 "person/survey.csv:$row:constraint" "a form with an unknown function is refused at file, row and column" on "$lan" forms check "$T/schema"
like "$err" frobnicate "and names the function"
complains 65 "survey.csv:$row:constraint" "the authority does not publish it" server "$P" forms publish "$T/schema"
forms
perl -pi -e 's/^select_one sex,/select_one sexe,/' "$T/schema/forms/person/survey.csv"
complains 65 "person/survey.csv:" "so is one with an unknown list" on "$lan" forms check "$T/schema"
forms
perl -pi -e 's/^integer,persons_m,/complex,persons_m,/' "$T/schema/forms/outreach/survey.csv"
complains 65 "outreach/survey.csv:" "and one with an unknown type" on "$lan" forms check "$T/schema"
printf 'code,full_name_vi,name_vi,level,kind,parent_code\n06184,Xã A,A,COMM,XA,20\n06999,Xã B,B,COMM,XA,77\n' >"$T/units.csv"
complains 65 "units.csv:3:" "units below a unit that is not there are refused" server "$P" units import "$T/units.csv"

# ---- the key file ----
home=$T/keys
copy_home "$lan" "$home"
key_is() { is "$(digest "$home")" "$whole" "$1"; }
head -c 100 "$lan/vault.key" >"$home/vault.key"
key_is "a key file that was cut off is replaced by its other copy"
cmp -s "$home/vault.key" "$home/vault.key.b"
ok $? "and mended"
turn_bit "$home/vault.key" 150
key_is "one with a bit turned too"
rm "$home/vault.key"
key_is "and one that was deleted"
cp "$lan/vault.key" "$home/"
turn_bit "$home/vault.key.b" 200
key_is "or the other one"
for f in vault.key vault.key.b; do turn_bit "$home/$f" 150; done
run on "$home" status
[ "$code" -eq 74 ] || [ "$code" -eq 77 ]
ok $? "with both copies bad nothing opens" || echo "# $code $err"
for f in vault.key vault.key.b; do : >"$home/$f"; done
complains 74 "" "with both empty neither" on "$home" status
before=$(cksum "$home/vault.db")
run join_with "$home.pass" "$T/full.code" "$T/full.invitation"
"$BIN/field" --home "$home" --passphrase-file "$home.pass" join "$T/full.invitation" --code-file "$T/full.code" --kdf-memory $KDF >/dev/null 2>&1
[ $? -ne 0 ] && [ "$(cksum "$home/vault.db")" = "$before" ]
ok $? "and no new vault is made over it"
cp "$lan/vault.key" "$lan/vault.key.b" "$home/"
key_is "with a copy of the key file all is there again"
must "$BUILD/bench/newer_vault" "$home"
run on "$home" status
is "$code" 78 "a key file of a newer version is told from a bad one" || echo "# $err"

# ---- pages ----
copy_home "$lan" "$home"
pages=$(($(size "$home/vault.db") / 4096))
bad=0
for page in 0 1 $((pages / 2)) $((pages - 1)); do
	cp "$lan/vault.db" "$home/vault.db"
	turn_bit "$home/vault.db" $((page * 4096 + 2000))
	run on "$home" verify
	[ "$code" -eq 74 ] || { bad=1; echo "# page $page: $code $err"; }
done
ok $bad "a page with a bit turned is damage, whichever it is"
head -c $(((pages - 1) * 4096 + 512)) "$lan/vault.db" >"$home/vault.db"
run on "$home" verify
is "$code" 74 "so is a database that was cut off" || echo "# $err"
cp "$lan/vault.db" "$home/vault.db"
key_is "and with the page back nothing is lost"

# ---- a vault of a newer version, two programs on one vault ----
copy_home "$lan" "$T/newer"
must "$BUILD/bench/newer_vault" "$T/newer" "$T/newer.pass"
complains 78 "" "a vault of a newer version is left alone" on "$T/newer" status
must on "$lan" unlock
complains 75 "" "a vault in the keeper's hands is not opened beside it" on "$lan" passphrase --new-passphrase-file "$T/extra.pass"
must on "$lan" lock

# what stands between: MODE...; sets STUB
start_stub() {
	mkfifo "$T/stub.fifo"
	perl tests/support/http_stub.pl "$@" >"$T/stub.fifo" 2>>"$T/stub.log" &
	STUB_PID=$!
	flow_background $STUB_PID
	exec {STUB_OUT}<"$T/stub.fifo"
	rm "$T/stub.fifo"
	IFS= read -r -t 20 line <&$STUB_OUT
	STUB=${line#listening on }
}
stop_stub() { flow_stop $STUB_PID 2>/dev/null; exec {STUB_OUT}<&-; }
start_stub hold
"$BIN/field" --home "$minh" --passphrase-file "$minh.pass" sync --server "$STUB" >/dev/null 2>&1 &
waiting=$!
flow_background $waiting
IFS= read -r -t 20 line <&$STUB_OUT
complains 75 "" "a second program on the same vault is told to wait" on "$minh" status
kill $waiting 2>/dev/null
wait $waiting 2>/dev/null
stop_stub
exits 0 "and served when the first has ended, however it did" on "$minh" status

# ---- the link ----
unsent=$(on "$lan" --json status | json unsent)
start_stub portal
complains 76 "" "a login page in the way is told from the server" on "$lan" sync --server "$STUB"
dead=$STUB
stop_stub
complains 75 "" "a server that is down is something to try again" on "$lan" sync --server "$dead"
for mode in "redirect 76" "busy 69" "tangle 76" "rubbish 76"; do
	set -- $mode
	start_stub "$1"
	run on "$lan" sync --tries 1 --server "$STUB"
	[ "$code" -eq "$2" ] || { [ "$2" = 76 ] && [ "$code" -eq 75 ]; }
	ok $? "a link that answers with \"$1\" is no server" || echo "# $code $err"
	stop_stub
done
complains 64 "whole number" "no try at all is refused" on "$lan" sync --tries 0 --server "$dead"
complains 64 "whole number" "and no time at all" on "$lan" sync --timeout 0 --server "$dead"
complains 64 "" "an address that is none is refused" on "$lan" sync --server "ftp://127.0.0.1"
is "$(on "$lan" --json status | json unsent)" "$unsent" "what was to be sent waits still"
unharmed "and nothing is lost"
bad=0
for part in 0 300 700 999; do
	start_stub cut $part "${URL#http://}"
	run on "$lan" sync --tries 1 --server "$STUB"
	case $code in 75 | 76) ;; *) bad=1; echo "# $part: $code $err" ;; esac
	stop_stub
done
ok $bad "a reply of which a part comes is a cut link"
exits 0 "after which a sync goes through" sync_with "$lan"
sync_with "$minh" >/dev/null
sync_with "$lan" >/dev/null
is "$(digest "$minh")" "$(digest "$lan")" "and replicas are the same"
# keys of the new epochs come to a device once the authority has met it
must server "$P" exchange "$URL"
must sync_with "$lan"
on "$minh" edit "$person" ethnicity=tay >/dev/null
start_stub flip "${URL#http://}"
bad=0
must on "$minh" unlock
for i in {1..16}; do
	on "$minh" add outreach date=2026-06-01 commune_code=06184 persons_f=$i "note=Lần thứ $i, đi từng nhà" >/dev/null
	sync_with "$minh" >/dev/null
	run on "$lan" sync --tries 1 --server "$STUB"
	case $code in 0 | 75 | 76 | 77) ;; *) bad=1; echo "# turn $i: $code $err" ;; esac
done
must on "$minh" lock
ok $bad "replies with a bit turned are refused, or set aside"
stop_stub
exits 0 "the true server's reply is taken after them" sync_with "$lan"
exits 0 "and taken whole" sync_with "$lan"
is "$(digest "$lan")" "$(digest "$minh")" "replicas are the same"

# ---- another province ----
Q=$T/other
make_province "$Q" "Tỉnh Cao Bằng"
invite "$Q" 06184 caseworker "Người tỉnh khác" "$T/stranger"
join_device "$T/stranger" "$T/stranger"
on "$T/stranger" add outreach date=2026-04-01 commune_code=06184 persons_f=3 >/dev/null
own=$URL own_pid=$SERVER_PID own_out=$SERVER_OUT
start_server "$Q"
complains 77 "" "the server of another province is refused" on "$lan" sync --server "$URL"
must sync_with "$T/stranger"
stop_server
URL=$own SERVER_PID=$own_pid SERVER_OUT=$own_out
must on "$T/stranger" bundle export "$T/stranger.bundle"
whole=$(digest "$lan")
complains 77 "province" "so is a stick of another province" on "$lan" bundle import "$T/stranger.bundle"
unharmed "nothing of it is taken"
exits 0 "the own server is still the one that is known" on "$lan" sync

# ---- sticks ----
on "$lan" add outreach date=2026-07-01 commune_code=06184 persons_m=9 >/dev/null
complains 64 "empty" "a stick's file has a name" on "$lan" bundle export ""
must on "$lan" bundle export "$T/stick"
copy_home "$minh" "$T/taker"
n=$(size "$T/stick")
bad=0
for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13; do
	cp "$T/stick" "$T/damaged"
	turn_bit "$T/damaged" $((i * (n - 1) / 13))
	run on "$T/taker" bundle import "$T/damaged"
	case $code in 0 | 65 | 76 | 77 | 78) ;; *) bad=1; echo "# bit at $((i * (n - 1) / 13)) of $n: $code $err" ;; esac
done
ok $bad "a stick with a bit turned is refused, or its frame set aside"
for part in 1 8 11 $((n / 3)) $((n / 2)) $((n - 3)); do
	head -c "$part" "$T/stick" >"$T/damaged"
	run on "$T/taker" bundle import "$T/damaged"
	[ "$code" -eq 65 ] || { bad=1; echo "# $part of $n bytes: $code $err"; }
done
ok $bad "one that was cut off is said to be"
exits 0 "the whole one is taken after them" on "$T/taker" bundle import "$T/stick"
must sync_with "$T/taker"
sync_with "$lan" >/dev/null
is "$(digest "$T/taker")" "$(digest "$lan")" "and nothing is missing"
exits 0 "what was set aside can be seen" on "$T/taker" --json quarantine

# ---- rights ----
whole=$(digest "$lan")
copy_home "$lan" "$T/shut"
shut() { mortal "$BIN/field" --lang en --home "$T/shut" --passphrase-file "$lan.pass" "$@"; }
if [ "$(id -u)" -ne 0 ] || setpriv --bounding-set=-dac_override true 2>/dev/null; then
	chmod 000 "$T/shut"
	complains 77 "right to the folder" "a folder that cannot be entered" shut status
	complains 77 "right to the folder" "nor wiped" shut wipe --yes
	chmod 500 "$T/shut"
	complains 74 "right to write in the folder" "a folder that cannot be written" shut status
	chmod 700 "$T/shut" && chmod 400 "$T/shut/vault.db"
	complains 74 "right to write" "a database that cannot be written" shut status
	chmod 600 "$T/shut/vault.db" && chmod 000 "$T/shut"/vault.key*
	complains 74 "cannot be read" "a key file that cannot be read is not called damaged" shut status
	chmod 600 "$T/shut"/vault.key* && chmod 000 "$T/shut/vault.lock"
	complains 74 "owner the right" "a lock that cannot be taken" shut status
	chmod 600 "$T/shut/vault.lock"
fi
unharmed "with its rights back nothing is missing" "$T/shut"

# ---- no space left ----
full() { # COMMAND...: with files that cannot grow past 600 kB
	(ulimit -f 600; exec "$@")
}
small=$T/full
notes=$(printf 'Trời mưa to, đường vào thôn ngập. %.0s' {1..55})
fill() { # adds until it fails; the ids that it was told go to $kept
	kept=()
	local i
	for i in {1..300}; do
		run ${1:-} "$BIN/field" --lang en --home "$small" --passphrase-file "$small.pass" add outreach date=2026-04-01 \
			commune_code=06184 persons_f=$((i % 50)) "note=$i $notes"
		[ "$code" -eq 0 ] || return 0
		kept+=("$out")
	done
	return 1
}
kept_all() {
	local id lost=0
	on "$small" --json list outreach --limit 1000 >"$T/listed"
	for id in "${kept[@]}"; do
		grep -qF "\"$id\"" "$T/listed" || lost=$((lost + 1))
	done
	[ "$lost" -eq 0 ] && [ "${#kept[@]}" -gt 0 ]
}
room() { :; }
if mkdir "$small" && [ -z "${FLOW_NO_MOUNT:-}" ] && mount -t tmpfs -o size=5000k tmpfs "$small" 2>/dev/null; then
	trap 'flow_end; umount "$T/full" 2>/dev/null; rm -rf "$T"' EXIT
	FLOW_REMOVES=
	limit=
	room() { mount -o remount,size=64m "$small"; }
else
	limit=full
fi
join_device "$small" "$T/full"
# so much room that some dozens of saves fill it
[ -n "$limit" ] || mount -o remount,size=$(($(du -sk "$small" | cut -f 1) + 1000))k "$small"
fill $limit
ok $? "a disk that fills up while saving ends in an error"
is "$code" 74 "of the disk" || echo "# $err"
limit_of_kept=${#kept[@]}
exits 0 "the vault opens on the full disk" on "$small" status
room
kept_all
ok $? "all $limit_of_kept records that were said to be saved are there"
exits 0 "the vault is whole" on "$small" verify
exits 0 "with space again it saves" on "$small" add outreach date=2026-04-01 commune_code=06184 persons_f=3
sync_with "$small" >/dev/null
must server "$P" exchange "$URL"
sync_with "$small" >/dev/null
sync_with "$lan" >/dev/null
is "$(digest "$small")" "$(digest "$lan")" "and syncs"
# while pulling
for i in {1..60}; do printf '2026-04-0%s,06184,%s,1,%s %s\n' $((i % 9 + 1)) $i $i "$(head -c 900 /dev/urandom | base64 -w 0)"; done | sheet
must on "$lan" import outreach "$T/sheet.csv"
sync_with "$lan" >/dev/null
if [ -z "$limit" ]; then
	used=$(du -k "$small/vault.db" | cut -f 1)
	mount -o remount,size=$((used + 60))k "$small"
	run sync_with "$small"
else
	run full "$BIN/field" --home "$small" --passphrase-file "$small.pass" sync --server "$URL"
fi
is "$code" 74 "a disk that fills up during a pull ends in an error of the disk" || echo "# $err"
room
kept_all
ok $? "nothing saved is lost"
exits 0 "with space again the pull goes on" sync_with "$small"
sync_with "$small" >/dev/null
is "$(digest "$small")" "$(digest "$lan")" "to the end"
# of the server
stop_server
chmod 000 "$P/relay"
complains 74 "right" "a folder of the relay that may not be entered is told from one that is not there" \
	mortal "$BIN/sync-server" --dir "$P" --lang en serve --listen 127.0.0.1:0
chmod 700 "$P/relay" && chmod 400 "$P/relay/depot.db"
complains 74 "right" "and a store that may not be written from a bad disk" \
	mortal "$BIN/sync-server" --dir "$P" --lang en serve --listen 127.0.0.1:0
chmod 600 "$P/relay/depot.db"
complains 64 "" "a backup has a name" server "$P" backup ""
complains 64 "server's address" "an invitation names a server that can be one" server "$P" invite --unit 06184 \
	--role caseworker --name A --out "$T/nowhere.invitation" --server 10.0.0.1
[ ! -e "$T/nowhere.invitation" ]
ok $? "and none is written else"
on "$lan" import outreach "$T/sheet.csv" >/dev/null
start_limited() {
	(ulimit -f 40; exec "$BIN/sync-server" --dir "$P" serve --listen 127.0.0.1:0) >"$T/limited" 2>>"$P.log" &
	SERVER_PID=$!
	flow_background $SERVER_PID
	until grep -q listening "$T/limited"; do kill -0 $SERVER_PID || return 1; done
	URL=$(sed -n 's/.*listening on //p' "$T/limited")
}
start_limited
run sync_with "$lan" "$URL" --tries 1
case $code in 69 | 75 | 76) ok 0 "a server whose disk is full refuses, and does not die" ;; *) ok 1 "a server whose disk is full refuses, and does not die"; echo "# $code $err" ;; esac
kill -0 $SERVER_PID
ok $? "it still runs"
[ "$(on "$lan" --json status | json unsent)" -gt 0 ] || [ "$(on "$lan" --json status | json last_receipt level)" != none ]
ok $? "the laptop keeps what was not stored"
flow_stop $SERVER_PID
start_server "$P"
exits 0 "with space again it takes the rest" sync_with "$lan"
sync_with "$small" >/dev/null
is "$(digest "$small")" "$(digest "$lan")" "and forwards it"
stop_server
exits 0 "its store is whole" server "$P" verify
done_testing
