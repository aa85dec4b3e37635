#!/bin/bash
# The operator's work: a province is made, invites, meets its relay over the network and by file, and decides.
. tests/support/flow.sh
flow_folder
P=$T/server
statements() { # DIR: how many the relay has
	"$BIN/sync-server" --dir "$1" --json verify --passphrase-file "$P.pass" | json statements
}

# ---- making the province ----
secret_file "$P.pass" "bảy cây cầu qua sông Kỳ Cùng"
mkdir "$P"
complains 64 "option is missing: name" "a province needs a name" server "$P" init
[ -z "$(ls -A "$P")" ]
ok $? "and nothing was begun"
exits 0 "a province is made" server "$P" init --name "Tỉnh Lạng Sơn" --kdf-memory $KDF --recovery-file "$T/recovery"
[[ $out =~ ^([0-9a-f]{4}\ ){15}[0-9a-f]{4}$ ]]
ok $? "init prints the fingerprint, alone" || echo "# $out"
is "$(stat -c %a "$T/recovery")" 600 "the recovery code is readable by its owner only"
complains 73 "" "a second province in one folder is refused" server "$P" init --name "Khác" --kdf-memory $KDF
secret_file "$T/wrong.pass" "sai rồi"
complains 77 "" "a wrong passphrase opens nothing" "$BIN/sync-server" --dir "$P" --passphrase-file "$T/wrong.pass" devices
complains 64 "" "without a passphrase and a terminal there is nobody to ask" setsid -w "$BIN/sync-server" --dir "$P" devices
complains 66 "" "a folder without an authority is told apart" "$BIN/sync-server" --dir "$T" --passphrase-file "$P.pass" devices
complains 64 "unknown option" "an unknown option is refused" server "$P" devices --colour
complains 64 "does not take" "so is one of another command" server "$P" devices --unit 20
complains 64 "unknown command" "and an unknown command" server "$P" dance
for words in "" serve invite consolidate; do
	exits 0 "help is there: $words" "$BIN/sync-server" --lang vi $words --help
done
is "$(server "$P" --json forms | json '#')" "$(ls -d schema/forms/*/ | wc -l)" "the shipped forms are published"

# ---- units ----
{
	cat "$FLOW_SUPPORT/lang_son.csv"
	echo "06999,Xã Không Tên,Không Tên,COMM,XA,99,2025-07-01,,"
} >"$T/bad.csv"
rows=$(wc -l <"$T/bad.csv")
complains 65 "$T/bad.csv:$rows:6" "a bad row is named with row and column" server "$P" units import "$T/bad.csv"
is "$(server "$P" --json units | json '#')" 0 "and nothing was imported"
printf 'code,full_name_vi,name_vi,level,kind,parent_code\n20,\377\376,x,PROV,TINH,\n' >"$T/bytes.csv"
complains 65 "$T/bytes.csv:2:2" "text that is not UTF-8 is refused in its place" server "$P" units import "$T/bytes.csv"
exits 0 "a good sheet is imported" server "$P" --json units import "$FLOW_SUPPORT/lang_son.csv"
is "$(json added <<<"$out")" 7 "with seven units"
server "$P" --json units import "$FLOW_SUPPORT/lang_son.csv" >"$T/twice"
is "$(json unchanged <"$T/twice") $(json added <"$T/twice") $(json changed <"$T/twice")" "7 0 0" "a second time nothing changes"

# ---- forms ----
mkdir "$T/set"
cp -r schema/forms schema/codes "$T/set/"
exits 0 "the same set again is no news" server "$P" forms publish "$T/set"
like "$err" "" "and that is no error"
first=$(ls -d "$T"/set/forms/*/ | head -1)
printf 'text,bad_one,Xấu,Bad,,,,,launch_rockets()\n' >>"${first}survey.csv"
before=$(statements "$P")
exits 65 "a set with a mistake is refused" server "$P" forms publish "$T/set"
like "$err" "survey.csv:" "the mistake is named with its place"
is "$(statements "$P")" "$before" "and nothing was published"

# ---- invitations ----
exits 0 "a person is invited" server "$P" invite --unit 06184 --role caseworker --name "Nông Thị Lan" --out "$T/lan.invitation"
[[ $out =~ ^[0-9A-Z-]+$ ]]
ok $? "the code is printed, alone" || echo "# $out"
is "$(stat -c %a "$T/lan.invitation")" 600 "the file is readable by its owner only"
secret_file "$T/lan.code" "$out"
grep -q "Nông" "$T/lan.invitation"
[ $? -eq 1 ]
ok $? "and sealed"
complains 73 "" "a file that is there is not overwritten" server "$P" invite --unit 06184 --role caseworker --name "X" --out "$T/lan.invitation"
complains 66 "no such unit" "an unknown unit is refused" server "$P" invite --unit 99999 --role caseworker --name "X" --out "$T/x"
complains 64 "no such role" "an unknown role is refused" server "$P" invite --unit 06184 --role king --name "X" --out "$T/x"
complains 64 "days" "a life without end is refused" server "$P" invite --unit 06184 --role caseworker --name "X" --out "$T/x" --days 9999
is "$(server "$P" --json invitations | json '#')" 1 "one invitation is listed"
is "$(server "$P" --json invitations | json 0 state)" open "it is open"
invite "$P" 06004 communicator "Thất lạc" "$T/lost"
id=$(server "$P" --json invitations | perl -CO -MJSON::PP -0ne 'print $_->{invitation} for grep { $_->{unit} eq "06004" } @{ decode_json($_) }')
exits 0 "an invitation is withdrawn" server "$P" --json revoke "${id:0:12}" --reason "mất phong bì"
is "$(json rotated <<<"$out")" 1 "and the scope whose key was in it gets a new one"
complains 65 "" "once only" server "$P" revoke "$id"
complains 66 "" "an unknown invitation is refused" server "$P" revoke ffffffffffff

# ---- the relay alone, and meeting over the network ----
mkdir "$T/office"
mv "$P/authority" "$T/office/authority"
[ ! -e "$P/authority" ]
ok $? "the authority is carried away"
cp "$P.pass" "$T/office.pass"
start_server "$P"
ok $? "serve runs without it and without a passphrase"
exits 0 "a key is renewed far from the relay" server "$T/office" rotate 06184
exits 0 "authority and relay meet over the network" server "$T/office" --json exchange "$URL"
met=$(json statements <<<"$out")
is "$(statements "$P")" "$met" "the relay has what was signed"
run curl -sS -o /dev/null -w '%{http_code}' -X POST --data-binary "nonsense" "$URL/exchange"
unlike "$out" 200 "what the root did not sign gets no answer"
mv "$T/office/authority" "$P/authority"
exits 0 "while the relay serves, commands beside it work" server "$P" --json rotate 06184
is "$(statements "$P")" $((met + 1)) "and reach it at once"
complains 75 "serves this folder already" "a second one does not serve the same folder" timeout 20 "$BIN/sync-server" --dir "$P" serve --listen 127.0.0.1:0
run curl -sS -o /dev/null -w '%{http_code}' "$URL/"
unlike "$out" 000 "and the first goes on"
kill -KILL "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
exec {SERVER_OUT}<&-
start_server "$P"
ok $? "one that was killed keeps nobody from serving after it"
stop_server
is $? 0 "the server stops cleanly"
exits 75 "without it the exchange says: try again later" server "$P" exchange "$URL"

# ---- by file ----
mv "$P/authority" "$T/office/authority"
cp -r "$T/office/authority" "$T/old-authority"
exits 0 "a key is renewed again" server "$T/office" rotate 06148
exits 0 "the authority writes its request" server "$T/office" exchange "$T/stick.fx"
cp "$T/stick.fx" "$T/request.fx"
printf '\377' | dd of="$T/request.fx" bs=1 seek=200 conv=notrunc 2>/dev/null
exits 77 "a request that was changed on the way is refused" "$BIN/sync-server" --dir "$P" exchange "$T/request.fx"
exits 0 "the relay answers in the same file" "$BIN/sync-server" --dir "$P" exchange "$T/stick.fx"
is "$(statements "$P")" $((met + 2)) "and has the statement"
cp "$T/stick.fx" "$T/reply.fx"
exits 65 "the relay takes no reply for a request" "$BIN/sync-server" --dir "$P" exchange "$T/reply.fx"
exits 0 "the authority takes the reply" server "$T/office" --json exchange "$T/stick.fx"
is "$(json statements <<<"$out")" $((met + 2)) "and knows what the relay has"
[ ! -e "$T/stick.fx" ]
ok $? "the file has said all and is gone"
exits 76 "an old reply says nothing more" server "$T/office" exchange "$T/reply.fx"
echo "<html>" >"$T/page.fx"
exits 65 "another file is no message" server "$T/office" exchange "$T/page.fx"

# ---- an authority from an old copy ----
for old in stale again; do
	mkdir "$T/$old"
	cp -r "$T/old-authority" "$T/$old/authority"
	cp "$P.pass" "$T/$old.pass"
done
start_server "$P"
exits 65 "an authority from an old copy signs nothing against the relay" server "$T/stale" exchange "$URL"
like "$err" "does not know: $((met + 2)) (head " "and says why, with both heads"
exits 65 "from then on it signs nothing at all" server "$T/stale" rotate 06148
like "$err" "old copy" "and says why"
run server "$T/stale" invite --unit 06184 --role caseworker --name X --out "$T/x.invitation" --code-file "$T/x.code"
[ "$code" -eq 65 ] && [ ! -e "$T/x.invitation" ]
ok $? "nor does it invite"
exits 0 "but what it holds can be read" server "$T/stale" units
cp "$T/office/authority.head" "$T/again/authority.head"
exits 65 "put back beside the head of what was signed it is known without the relay" server "$T/again" rotate 06148
like "$err" "old copy" "and says so"
rm -rf "$T/again/authority"
cp -r "$T/office/authority" "$T/again/authority"
must server "$T/again" backup "$T/authority.backup"
rm -rf "$T/again"/*
must server "$T/again" restore "$T/authority.backup"
exits 65 "one that was restored signs nothing" server "$T/again" rotate 06148
like "$err" "has not met its relay" "before it has met its relay"
exits 0 "by file or over the network" server "$T/again" exchange "$URL"
exits 0 "and then as before" server "$T/again" rotate 06148
exits 0 "what it signed arrives" server "$T/again" exchange "$URL"
is "$(statements "$P")" $((met + 3)) "with the relay"
rm -rf "$T/office/authority"
mv "$T/again/authority" "$P/authority"

# ---- devices ----
join_device "$T/first" "$T/lan"
join_device "$T/second" "$T/lan"
exits 0 "a device syncs with its invitation" sync_with "$T/first"
sync_with "$T/second" >/dev/null 2>&1
exits 0 "the operator looks" server "$P" --json quarantine
is "$(json '#' <<<"$out") $(json 0 kind <<<"$out")" "1 device" "the second use of an invitation waits for a decision"
like "$(json 0 reason <<<"$out")" "another device" "with the reason"
second=$(json 0 id <<<"$out")
is "$(server "$P" --json devices | perl -MJSON::PP -0ne 'print scalar grep { $_->{state} eq "admitted" && $_->{role} eq "caseworker" } @{ decode_json($_) }')" \
	1 "the first was admitted by itself"
exits 0 "the second is released" server "$P" quarantine release "${second:0:10}"
is "$(server "$P" --json quarantine | json '#')" 0 "then nothing waits"
exits 0 "and syncs" sync_with "$T/second"
complains 64 "reason" "retiring needs a reason" server "$P" retire "$second"
exits 0 "it is retired" server "$P" --json retire "$second" --reason "mất máy"
is "$(json rotated <<<"$out")" 2 "its scopes get new keys"
exits 77 "it may not sync any more" sync_with "$T/second"
exits 0 "the other may" sync_with "$T/first"
secret_file "$T/new.pass" "mật khẩu mới"
exits 0 "a forgotten passphrase is replaced by escrow" server "$P" recover "$T/first" --new-passphrase-file "$T/new.pass" --kdf-memory $KDF
complains 77 "" "the old one no longer opens" on "$T/first" status
cp "$T/new.pass" "$T/first.pass"
exits 0 "the new one does" on "$T/first" status

# ---- backup ----
exits 0 "both folders are backed up while the server serves" server "$P" --json backup "$T/all.backup"
is "$(json files <<<"$out")" 5 "three files of the authority, two of the relay"
is "$(stat -c %a "$T/all.backup")" 600 "for its owner only"
complains 73 "" "a backup overwrites nothing" server "$P" backup "$T/all.backup"
stop_server
is $? 0 "the server stops cleanly again"
complains 73 "" "a restore overwrites nothing" server "$P" restore "$T/all.backup"
mkdir "$T/restored"
cp "$P.pass" "$T/restored.pass"
cp "$T/all.backup" "$T/bad.backup"
printf '\377' | dd of="$T/bad.backup" bs=1 seek=5000 conv=notrunc 2>/dev/null
complains 74 "" "a damaged backup is refused" server "$T/restored" restore "$T/bad.backup"
head -c 5000 "$T/all.backup" >"$T/cut.backup"
complains 74 "" "so is one that was cut" server "$T/restored" restore "$T/cut.backup"
{ printf 'FK\002'; tail -c +4 "$T/all.backup"; } >"$T/newer.backup"
complains 78 "newer program" "one of a newer program is told apart" server "$T/restored" restore "$T/newer.backup"
complains 65 "" "and what is none" server "$T/restored" restore "$FLOW_SUPPORT/lang_son.csv"
[ -z "$(ls -A "$T/restored")" ]
ok $? "nothing was written"
exits 0 "a good one is restored" server "$T/restored" restore "$T/all.backup"
exits 0 "and checks out" server "$T/restored" verify
is "$(server "$T/restored" --json devices | json '#')" "$(server "$P" --json devices | json '#')" "the devices are there"

# ---- a restored authority signs on, though a laptop knows better ----
start_server "$P"
exits 0 "after the backup a key is renewed" server "$P" rotate 06148
exits 0 "and a laptop learns of it" sync_with "$T/first"
stop_server
server "$T/restored" rotate 06004 >/dev/null
start_server "$T/restored"
sync_with "$T/first" >/dev/null 2>&1
exits 0 "the relay of the restored province tells" server "$T/restored" --json verify
is "$(json alarms <<<"$out")" 1 "that there are two directories"
like "$err" "chains-differ" "and by whom it knows"
stop_server

# ---- one province out of a country's sheet, and the whole country ----
country=../shared/data/admin_units_2026.csv
if [ -f "$country" ]; then
	for name in lang-son viet-nam; do
		cp "$P.pass" "$T/$name.pass"
		mkdir "$T/$name"
		server "$T/$name" init --name "$name" --kdf-memory $KDF --recovery-file "$T/$name.recovery" >/dev/null || exit 1
	done
	exits 65 "34 provinces under nothing are refused" server "$T/lang-son" units import "$country"
	like "$err" "--under" "and it says how to take one"
	exits 0 "one province is taken out" server "$T/lang-son" --json units import "$country" --under 20
	is "$(json added <<<"$out")" 66 "Lạng Sơn has 65 communes"
	exits 66 "a code that the sheet does not have" server "$T/lang-son" units import "$country" --under 98
	awk -F, -v OFS=, 'NR == 1 { print; print "VN,Việt Nam,Việt Nam,NAT,NUOC," } NR > 1 { if ($6 == "") $6 = "VN"; print }' \
	    "$country" >"$T/country.csv"
	exits 0 "the whole country is taken in" server "$T/viet-nam" --json units import "$T/country.csv"
	is "$(json added <<<"$out")" 3356 "34 provinces and 3,321 communes below one root"
	exits 0 "once more" server "$T/viet-nam" --json units import "$T/country.csv"
	is "$(json unchanged <<<"$out")" 3356 "changes nothing"
fi

# ---- nothing in the clear ----
exits 0 "everything checks out" server "$P" verify
for words in "Nông Thị Lan" "bảy cây cầu" "Thất lạc"; do
	grep -rqF "$words" "$P"
	[ $? -eq 1 ]
	ok $? "not on disk: $words"
done
done_testing
