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
complains 66 "" "what did not leave is not fetched" on "$A" fetch "$case"
done_testing
