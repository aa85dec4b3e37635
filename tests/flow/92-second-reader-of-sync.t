#!/usr/bin/env bash
# A second reader of what travels, written in Python from schema/formats.md alone: bundle, directory, frames,
# cargo, entries.  It makes each body again from the columns and comes to the heads that the authors signed.
. tests/support/flow.sh
flow_folder
P=$T/server A=$T/lan B=$T/hoa
make_province "$P" "Tỉnh Lạng Sơn"
for who in lan hoa; do invite "$P" 06184 caseworker "$who" "$T/$who"; done
for who in lan hoa; do join_device "$T/$who" "$T/$who"; done
reader() { python3 tests/vectors/read_bundle.py "$1" --invitation "$T/lan.invitation" --code-file "$T/lan.code"; }
said() { sed -n "s/^$1 = //p" <<<"$out"; } # NAME

person=$(on "$A" add person "full_name=Đặng Thị Hòa" sex=F birth_date=1998-05 phone=0912345678)
case=$(on "$A" add case person_id="$person" recv_channel=SELF_POLICE recv_date=2026-03-01 risk_level=HIGH "narrative=Kể lại: bị rủ đi làm xa.")
must on "$A" add outreach date=2026-04-01 kind=HOUSEHOLD commune_code=06184 persons_f=3 topics=JOBSCAM,TRICKS
must on "$A" edit "$person" phone=0987654321 --reason "Số cũ đã mất"
must on "$A" bundle export "$T/one"
must on "$B" bundle import "$T/one"
must on "$B" edit "$person" "address_text=Bản Chu"
must on "$B" add person "full_name=Lý A Sáng" sex=M
must on "$B" bundle export "$T/two"
exits 0 "a bundle is read" reader "$T/two"
is "$(said frames)/$(said opened)" "$(said frames)/$(said frames)" "every frame opens with the keys of the invitation"
is "$(said entries)" 6 "with every entry"
is "$(said 'form person')/$(said 'form case')/$(said 'form outreach')" 4/1/1 "of every form"
like "$(said text)" "Đặng Thị Hòa" "and every text that was written"
like "$(said text)" "Bản Chu" "by both"
must "$BIN/sync-server" --dir "$P" bundle import "$T/two"
must "$BIN/sync-server" --dir "$P" bundle export "$T/three"
exits 0 "a bundle of the server is read" reader "$T/three"
is "$(said entries)/$(said frames)" "6/$(said 'named in receipts')" "with receipts for all that it holds"
[ "$(said 'share lists')" -gt 0 ]
ok $? "and the authority's shares"

# ---- what was erased ----
secret_file "$T/order" "order Quyết định 12/QĐ
record $person phone"
must server "$P" erase --order "$T/order"
must "$BIN/sync-server" --dir "$P" bundle export "$T/four"
exits 0 "frames that the authority sealed again are read" reader "$T/four"
is "$(said entries)" 6 "with the entries that are left in them, in the chains of their authors"
unlike "$(said text)" "0987654321" "and without what was erased"
must on "$A" bundle import "$T/four"
like "$(on "$A" --json show "$person")" "Đặng Thị Hòa" "the laptop reads the same"

# ---- what is not so ----
size=$(stat -c %s "$T/four") bad=0
for at in $((size / 9)) $((size / 3)) $((size / 2)) $((size * 3 / 4)) $((size - 40)); do
	cp "$T/four" "$T/bent"
	perl -e 'open my $h, "+<", $ARGV[0] or die; seek $h, $ARGV[1], 0; read $h, my $c, 1;
		seek $h, $ARGV[1], 0; print $h chr(ord($c) ^ 1)' "$T/bent" "$at"
	reader "$T/bent" >/dev/null 2>&1 && bad=1
done
is $bad 0 "a turned bit anywhere is refused"
head -c $((size - 3)) "$T/four" >"$T/cut"
run reader "$T/cut"
is "$code" 1 "so is a bundle that was cut"
done_testing
