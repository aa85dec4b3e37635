#!/bin/bash
# A lawful order to erase: what it names is told first, then it goes from every laptop, its history, its search
# and the server, also from one that was put back from a backup; the rest stays and all agree.
. tests/support/flow.sh
flow_folder
P=$T/server
make_province "$P" "Tỉnh Lạng Sơn"
for who in "lan 06184 caseworker" "minh 06184 caseworker" "chief 20 supervisor" "late 06184 caseworker"; do
	set -- $who
	invite "$P" "$2" "$3" "Cán bộ $1" "$T/$1"
done
for who in lan minh chief; do
	join_device "$T/$who" "$T/$who"
done
lan=$T/lan minh=$T/minh chief=$T/chief late=$T/late
start_server "$P"
person=$(on "$lan" add person "full_name=Đặng Thị Hòa" sex=F phone=0912345678 "address_text=Nà Lầu")
other=$(on "$lan" add person "full_name=Lý Thị Mai" sex=F phone=0987000111)
for each in "$lan" "$minh" "$chief" "$lan"; do
	must sync_with "$each"
done
must on "$minh" edit "$person" phone=0912345999 --reason "đọc lại số 0912345999"
for each in "$minh" "$lan" "$chief"; do
	must sync_with "$each"
done
must server "$P" backup "$T/before"

# ---- what it would name ----
cat >"$T/order" <<END
# Điều 16 Luật Bảo vệ dữ liệu cá nhân
order Quyết định số 12/QĐ-UBND
record $person phone
END
exits 0 "an order is tried first" server "$P" --json erase --order "$T/order" --dry-run
is "$(json '#' <<<"$out")" 2 "it names both entries that wrote the field"
is "$(json 0 fields <<<"$out") $(json 0 form <<<"$out") $(json 0 record <<<"$out")" "phone person $person" "their form, field and record"
unlike "$out" 0912345 "and shows no value"
must sync_with "$lan"
is "$(value_of "$lan" "$person" phone)" 0912345999 "nothing was signed"
printf 'order A\nrecord %s shoe_size\n' "$person" >"$T/bad"
complains 65 shoe_size "a field that the form does not have is refused" server "$P" --quiet erase --order "$T/bad"
printf 'order A\nrecord 0123456789abcdef.1\n' >"$T/bad"
complains 66 "nothing of this" "so is a record that is not there" server "$P" --quiet erase --order "$T/bad"
printf 'order A\nperson %s\n' "$person" >"$T/bad"
complains 65 "bad:2" "and a line that means nothing, with its number" server "$P" --quiet erase --order "$T/bad"

# ---- done ----
exits 0 "it is signed" server "$P" erase --order "$T/order"
like "$err" "ngoài tầm" "what it does not reach is said"
for each in "$lan" "$minh" "$chief" "$lan"; do
	must sync_with "$each"
done
for each in "$lan" "$minh" "$chief"; do
	is "$(value_of "$each" "$person" phone)" "" "the field is empty on $(basename "$each")"
	is "$(value_of "$each" "$person" full_name) $(value_of "$each" "$other" phone)" "Đặng Thị Hòa 0987000111" "the rest stays"
	history=$(on "$each" show "$person" --history)
	unlike "$history" 0912345 "no history has it"
	is "$(grep -c "(erased by order: Quyết định số 12/QĐ-UBND)" <<<"$history")" 2 "it names the order where the values stood"
	is "$(on "$each" --json search 0912345999 | json '#')$(on "$each" --json search 0912345678 | json '#')" 00 "nor does a search find it"
done
is "$(on "$lan" --json show "$person" --history | json 0 by)" "Cán bộ lan" "author and time stay"
like "$(on "$lan" --json show "$person" --history)" '"erased":"Quyết định số 12/QĐ-UBND"' "for programs, too"
like "$(on "$lan" --lang vi show "$person" --history)" "(đã xóa theo lệnh: Quyết định số 12/QĐ-UBND)" "and in Vietnamese"
digest=$(on "$lan" --json verify | json digest)
is "$(on "$minh" --json verify | json digest) $(on "$chief" --json verify | json digest)" "$digest $digest" "and all have the same"
must on "$minh" edit "$person" phone=0977000222
must on "$lan" edit "$person" "address_text=Nà Pàn"
for each in "$minh" "$lan" "$minh"; do
	must sync_with "$each"
done
is "$(value_of "$lan" "$person" phone) $(value_of "$minh" "$person" address_text)" "0977000222 Nà Pàn" "work goes on"

# ---- a server from before the order ----
stop_server
must "$BIN/sync-server" --dir "$T/old" restore "$T/before"
rm -rf "$P/relay"
mv "$T/old/relay" "$P/relay"
must server "$P" devices
start_server "$P"
join_device "$late" "$late"
must sync_with "$late"
is "$(value_of "$late" "$person" phone)" "" "a server that was put back from a backup gives the erased value to nobody"
is "$(value_of "$late" "$person" full_name)" "Đặng Thị Hòa" "and the rest to who may read it"
for each in "$lan" "$minh" "$chief" "$late" "$lan" "$minh"; do
	must sync_with "$each"
done
is "$(on "$late" --json verify | json digest)" "$(on "$lan" --json verify | json digest)" "all have the same again"
is "$(value_of "$late" "$person" phone)" 0977000222 "with what was written since"
exits 0 "what came late can be sealed again" server "$P" erase
stop_server
exits 0 "the province checks out whole" server "$P" verify
done_testing
