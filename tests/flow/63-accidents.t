#!/bin/bash
# Vaults put back and copied, servers restored and put back by hand; closed cases that leave a laptop.
. tests/support/flow.sh
flow_folder
P=$T/server
make_province "$P" "Tỉnh Lạng Sơn"
start_server "$P"
invite "$P" 20 holder "Sở Y tế" "$T/holder"
invite "$P" 06184 caseworker "Nông Thị Lan" "$T/lan"
invite "$P" 06184 caseworker "Hoàng Văn Pao" "$T/pao"
A=$T/lan.home B=$T/pao.home H=$T/office.home
join_device "$H" "$T/holder"
join_device "$A" "$T/lan"
join_device "$B" "$T/pao"
hold() { # the province takes in all there is, and confirms it
	must "$BIN/sync-server" --dir "$P" --passphrase-file "$H.pass" consolidate --home "$H" --once --server "$URL" \
		--backup "$T/backup" "$@"
}
must sync_with "$A"
must sync_with "$B"
must server "$P" exchange "$URL"
hold
must server "$P" exchange "$URL"
like "$(server "$P" --json devices | sed 's/},{/}\n{/g' | grep 'Nông Thị Lan')" '"seen":"20' "the operator sees when a device last synced"

# ---- closed cases leave ----
must on "$A" add person full_name="Lò Thị Mẩy" sex=F birth_date=1999
person=$out
must on "$A" add case person_id="$person" recv_channel=SELF_COMMUNE recv_date=2025-03-01 risk_level=LOW \
	narrative="Bị lừa đi làm thuê"
case=$out
must on "$A" add follow_up case_id="$case" due=2025-04-01 done_at=2025-04-02 mode=VISIT note="Đã ổn định"
must on "$A" edit "$case" close_reason=REINTEGRATED closed_on=2025-06-30
must sync_with "$A"
complains 64 "older-than" "days are a number" on "$A" purge --older-than lots
exits 0 "what nobody confirmed stays" on "$A" --json purge
is "$(json records <<<"$out") $(json kept <<<"$out")" "0 1" "and is counted"
hold
must sync_with "$A"
exits 0 "what the province holds leaves" on "$A" --json purge
is "$(json cases <<<"$out") $(json records <<<"$out")" "1 3" "the case, the person, the follow-up"
exits 66 "it is not here any more" on "$A" show "$case"
is "$(on "$A" --json purge --list | json '#')" 3 "what left is listed"
like "$(on "$A" status)" "Left this device: 3" "and in the status"
must sync_with "$B"
must on "$B" edit "$case" assigned_worker="Hoàng Văn Pao"
must sync_with "$B"
must sync_with "$A"
is "$(on "$A" --json status | json purged_later)" 1 "what a colleague writes about it later is kept and counted"
exits 0 "it is fetched" on "$A" fetch "$case"
is "$(value_of "$A" "$case" assigned_worker) $(value_of "$A" "$person" full_name)" "Hoàng Văn Pao Lò Thị Mẩy" "with all that was written"
is "$(on "$A" --json status | json purged)" 0 "and nothing is away"
complains 66 "next field sync" "what did not leave is not fetched, and what was fetched comes by itself" on "$A" fetch "$case"

# ---- a vault that is put back, and one in two places ----
cp -r "$A" "$T/lan.before"
must on "$A" add person full_name="Hoàng Thị Nhình" sex=F birth_date=2001
after=$out
must sync_with "$A"
rm -rf "$A" && cp -r "$T/lan.before" "$A"
exits 66 "a vault put back lacks what came later" on "$A" show "$after"
exits 0 "it syncs" on "$A" sync
like "$err" "lacked what the device itself had written" "the worker is told why something came back"
is "$(value_of "$A" "$after" full_name)" "Hoàng Thị Nhình" "and has it again"
like "$(on "$A" --lang vi status 2>&1)" "Kho dữ liệu của máy này thiếu" "status says so, in Vietnamese, too"
is "$(on "$A" --json status | json events 0 kind)" own-returned "and by name"
cp -r "$T/lan.before" "$T/twin.home"
cp "$A.pass" "$T/twin.home.pass"
for i in 1 2; do
	must on "$T/twin.home" add person full_name="Nông Văn Hai $i" sex=M birth_date=1990
	must sync_with "$T/twin.home"
	exits 0 "the other place writes ($i)" on "$A" sync
done
like "$(on "$A" status 2>&1)" "This device's vault is used in two places. Nothing is lost" "a vault used in two places is told so"
must sync_with "$B"
is "$(on "$B" --json list person | json '#')" 4 "and nothing of it is lost"

# ---- a server that is restored ----
must server "$P" backup "$T/server.backup"
cp -r "$P/relay" "$T/relay.before"
must on "$A" add person full_name="Lý A Sáng" sex=M birth_date=1988
must sync_with "$A"
port=${URL##*:}
stop_server
mkdir "$T/other" && cp "$P.pass" "$T/other.pass"
mv "$P/relay" "$T/relay.lost"
must "$BIN/sync-server" --dir "$T/other" restore "$T/server.backup"
mv "$T/other/relay" "$P/relay"
LISTEN=127.0.0.1:${port%%/*} start_server "$P"
exits 0 "after a restore laptops sync" on "$A" sync --server "$URL"
like "$err" "restored from a backup" "and are told"
must sync_with "$B"
is "$(on "$B" --json list person | json '#')" 5 "what the server had lost is there again"

# ---- one that is put back by hand ----
must sync_with "$A"
stop_server
rm -rf "$T/relay.before" && cp -r "$P/relay" "$T/relay.before"
LISTEN=127.0.0.1:${port%%/*} start_server "$P"
must on "$A" add person full_name="Triệu Thị Dao" sex=F birth_date=1979
must sync_with "$A"
stop_server
rm -rf "$P/relay" && cp -r "$T/relay.before" "$P/relay"
LISTEN=127.0.0.1:${port%%/*} start_server "$P"
must on "$B" add person full_name="Vi Văn Cầu" sex=M birth_date=1960
must sync_with "$B"
exits 0 "a server put back by hand goes on" on "$A" sync
exits 0 "its operator is told" server "$P" --json verify
like "$err" "relay-put-back" "by an alarm"
must sync_with "$B"
is "$(on "$B" --json list person | json '#') $(on "$A" --json list person | json '#')" "7 7" "and nothing is lost"
done_testing
