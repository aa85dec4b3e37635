#!/bin/bash
# New keys for a vault, and recovery codes on paper, as a worker has them.
. tests/support/flow.sh
flow_folder
P=$T/server lan=$T/lan
make_province "$P" "Tỉnh Lạng Sơn"
invite "$P" 06184 caseworker "Cán bộ Lan" "$T/lan"
join_device "$lan" "$T/lan"
start_server "$P"
exits 0 "a record is saved" on "$lan" add person "full_name=Đặng Thị Hòa" sex=F
person=$out
exits 0 "and synced" sync_with "$lan"
mkdir "$T/old" && cp "$lan"/vault.key* "$lan/vault.db" "$T/old"
by_code() { "$BIN/field" --lang en --home "$lan" --code-file "$1" passphrase --new-passphrase-file "$lan.pass" --kdf-memory $KDF; }

# ---- refused, and nothing done ----
: >"$T/taken"
complains 73 "exists already" "a code is not written over a file" on "$lan" rekey --recovery-file "$T/taken"
complains 73 "exists already" "nor a sheet" on "$lan" rekey --sheet "$T/taken"
for name in rekey recovery; do
	complains 73 "no such folder" "$name: a folder that is not there is told before" on "$lan" $name --sheet "$T/none/sheet"
	complains 64 "one file" "$name: code and sheet are two files" on "$lan" $name --sheet "$T/one" --recovery-file "$T/one"
done
[ ! -e "$T/one" ]
ok $? "and nothing is left of it"
exits 0 "while the vault is unlocked" on "$lan" unlock
complains 75 "field lock" "it has to be locked first" on "$lan" rekey
exits 0 "it is locked" on "$lan" lock
secret_file "$T/wrong.pass" "không phải mật khẩu này"
complains 77 "" "a wrong passphrase gives no new keys" "$BIN/field" --lang en --home "$lan" --passphrase-file "$T/wrong.pass" rekey
: >"$lan/vault.db.damaged"
complains 73 "old keys" "a copy of a damaged file is not left behind" on "$lan" rekey
rm "$lan/vault.db.damaged"
exits 0 "the old code is still the code" by_code "$lan.recovery"

# ---- done ----
exits 0 "a vault gets new keys" on "$lan" rekey --recovery-file "$T/new.recovery" --sheet "$T/sheet.txt" --kdf-memory $KDF
is "$(stat -c %a "$T/new.recovery" "$T/sheet.txt" | sort -u)" 600 "the code and the sheet are their owner's"
[ ! -e "$lan/vault.db.new" ]
ok $? "the second database is gone"
is "$(value_of "$lan" "$person" full_name)" "Đặng Thị Hòa" "everything is there, by the same passphrase"
exits 0 "what it signs is its own" on "$lan" edit "$person" phone=0912345678 --reason "gọi lại"
exits 0 "and the server takes it" sync_with "$lan"
complains 77 "" "the old code opens nothing" by_code "$lan.recovery"
exits 0 "the new one does" by_code "$T/new.recovery"
exits 0 "the vault is whole" on "$lan" verify
paper=$(cat "$T/new.recovery")
tr 'A-Z01' 'a-zol' <"$T/new.recovery" | sed 's/-/ /g' >"$T/hand.recovery"
exits 0 "the code may be written small, with O for 0, l for 1, and blanks" by_code "$T/hand.recovery"
first=${paper:0:1} other=7
[ "$first" != 7 ] || other=8
echo "$other${paper:1}" >"$T/slip.recovery"
complains 77 "" "a slip of the pen is told" by_code "$T/slip.recovery"

# ---- the sheet ----
printed=$(grep -o ' [1-7]:  [0-9A-Z]*' "$T/sheet.txt" | sed 's/.*: *//' | paste -sd -)-$(sed -n 's/.*check:  *//p' "$T/sheet.txt")
is "$printed" "$paper" "the sheet shows the code in numbered groups"
is "$(perl -CSD -lne '$n++ if length > 78; END { print $n + 0 }' "$T/sheet.txt")" 0 "no line is wider than paper"
like "$(cat "$T/sheet.txt")" "PHIẾU MÃ KHÔI PHỤC" "it is in Vietnamese"
like "$(cat "$T/sheet.txt")" "Recovery sheet" "and in English"
exits 0 "a new code alone comes on a sheet, too" on "$lan" recovery --sheet "$T/second.txt"
unlike "$(cat "$T/second.txt")" "${paper:0:11}" "it is another"
exits 0 "without a file it is shown once" on "$lan" rekey --kdf-memory $KDF
like "$err" "it is not shown again" "with a warning"
exits 73 "a code that cannot be written" \
	on "$lan" rekey --kdf-memory $KDF --recovery-file "$T/code" --sheet "$T/../$(basename "$T")/code"
like "$err" "make a recovery code at once" "is told, after the keys are new"
exits 0 "and another can be made" on "$lan" recovery --recovery-file "$T/third.recovery"
exits 0 "which opens" by_code "$T/third.recovery"

# ---- what was copied before ----
cp "$T"/old/vault.key* "$lan"
complains 74 "another time" "an old key file does not open the new database" on "$lan" status
mkdir "$T/back" && cp "$T"/old/vault.* "$T/back"
exits 0 "the copy from before opens as it did" "$BIN/field" --home "$T/back" --passphrase-file "$lan.pass" show "$person"
stop_server
done_testing
