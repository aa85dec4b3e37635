#!/usr/bin/env bash
# A second reader of the vault, written in Python from schema/formats.md alone, sees what the programs say.
. tests/support/flow.sh
flow_folder
reader() { python3 tests/vectors/read_vault.py "$@"; }
said() { sed -n "s/^$1 = //p" <<<"$out"; } # NAME
records() { on "$1" --json list "$2" | json '#'; } # HOME FORM

# ---- the stored vault ----
V=tests/vectors/vaults/v1
exits 0 "the stored vault is read" reader "$V" --passphrase-file "$V/passphrase.txt" --recovery-file "$V/recovery.txt"
is "$(said opened)" "1.0 2.0" "by passphrase and by the paper in the drawer"
is "$(said vault.key)/$(said vault.key.b)" "genuine, generation 1/genuine, generation 1" "both copies of its key file are genuine"
is "$(said integrity_check)" ok "its database is whole"
is "$(said 'form outreach')/$(said 'form person')" 2/1 "and holds what expected.txt shows"
secret_file "$T/wrong" "không phải mật khẩu"
run reader "$V" --passphrase-file "$T/wrong"
is "$code" 1 "a wrong passphrase opens nothing"

# ---- a vault of today, with saved work in its WAL ----
P=$T/server A=$T/lan
make_province "$P" "Tỉnh Lạng Sơn"
invite "$P" 06184 caseworker "Nông Thị Lan" "$T/lan"
join_device "$A" "$T/lan"
must on "$A" add person "full_name=Đặng Thị Hòa" sex=F
for i in 1 2 3; do
	must on "$A" add outreach date=2026-04-0$i kind=HOUSEHOLD commune_code=06184 persons_f=$i topics=JOBSCAM
done
must on "$A" unlock
for i in 4 5 6 7; do
	must on "$A" add outreach date=2026-04-0$i kind=HOUSEHOLD commune_code=06184 persons_f=$i topics=JOBSCAM
done
must on "$A" backup "$T/stick"
must on "$A" add outreach date=2026-04-09 kind=HOUSEHOLD commune_code=06184 persons_f=1 topics=JOBSCAM
mkdir "$T/copy"
cp "$A"/vault.* "$T/copy/" # as a power cut leaves it
outreach=$(records "$A" outreach)
must on "$A" lock
exits 0 "a vault of today is read while its WAL holds work" reader "$T/copy" --passphrase-file "$A.pass" \
	--recovery-file "$A.recovery" --authority "$P/authority" --authority-file "$P.pass" --to "$T/plain.db"
is "$(said opened)" "1.0 2.0 3.0" "by passphrase, recovery code and the authority's escrow"
is "$(said integrity_check)/$(said 'bad pages')/$(said 'bad blocks')" "ok//0" "it is whole"
[ "$(said wal)" -gt 0 ] && [ "$(said wal)" -lt 4000000 ]
ok $? "with a WAL"
is "$(said 'form outreach')" "$outreach" "what was acknowledged is there"
is "$outreach" 8 "all of it"
is "$(said chained)" "$(said entries), broken 0" "and every entry hangs on the chain of its log"
grep -qa "Đặng Thị Hòa" "$T/plain.db" && ! grep -qa "Đặng Thị Hòa" "$T/copy/vault.db" "$T/copy/vault.db-wal"
ok $? "in clear for the reader, and for nobody else"
exits 0 "the backup is read" reader --backup "$T/stick" --recovery-file "$A.recovery"
is "$(said integrity_check)/$(said 'form outreach')" ok/7 "and holds what there was when it was made"

# ---- both say the same of damage ----
perl -e 'open my $h, "+<", shift or die; seek $h, 23 * 4096 + 77, 0; read $h, my $c, 1;
	seek $h, 23 * 4096 + 77, 0; print $h chr(ord($c) ^ 1)' "$A/vault.db"
run reader "$A" --passphrase-file "$A.pass"
is "$(said 'bad pages')" 24 "a turned bit spoils one page"
run on "$A" verify
like "$err" "Damaged pages: 24" "and verify names the same"
done_testing
