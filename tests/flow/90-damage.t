#!/usr/bin/env bash
# Damage to a vault, as its owner meets it: verify says what, rebuild keeps what can be read.
# The vault is the stored one of version 1 (tests/vectors/vaults/README.md).
. tests/support/flow.sh
flow_folder
V=tests/vectors/vaults/v1
home=$T/home

fresh() { # the stored vault
	rm -rf "$home"
	mkdir "$home"
	cp "$V/vault.key" "$V/vault.key.b" "$V/vault.db" "$home/"
}
on() { "$BIN/field" --home "$home" --lang en --passphrase-file "$V/passphrase.txt" "$@"; }
turn() { # FILE BYTE...: turn a bit in each
	perl -e 'my $f = shift; open my $h, "+<", $f or die; binmode $h;
		for (@ARGV) { seek $h, $_, 0; read $h, my $c, 1; seek $h, $_, 0; print $h chr(ord($c) ^ 16) }' "$@"
}
shown() { # every line of expected.txt can still be shown: the number of those that cannot
	local bad=0 id field value
	while read -r id field value; do
		on --json show "$id" 2>/dev/null | grep -qF -- "$value" || bad=$((bad + 1))
	done <"$V/expected.txt"
	echo "$bad"
}

fresh
exits 0 "a stored vault is whole" on verify
is "$(shown)" 0 "and shows what it held"

# ---- each page, in steps: told by its number; rebuilt as far as can be ----
pages=$(($(wc -c <"$V/vault.db") / 4096))
unnamed=0 unmade=0 lost=0 closed=0
for page in $(seq 9 12 $((pages - 1))); do
	fresh
	turn "$home/vault.db" $((page * 4096 + 100))
	run on verify
	[ "$code" -eq 74 ] && [[ $err == *"Damaged pages: $((page + 1))"* ]] || { unnamed=$((unnamed + 1)); echo "# page $((page + 1)): $code $err"; }
	run on rebuild
	if [ "$code" -ne 0 ]; then
		closed=$((closed + 1))
		echo "# page $((page + 1)): $code $err"
		continue
	fi
	on --quiet verify >/dev/null 2>&1 || unmade=$((unmade + 1))
	[ "$(shown)" = 0 ] || lost=$((lost + 1))
	[ -f "$home/vault.db.damaged" ] || unmade=$((unmade + 1))
done
is "$unnamed" 0 "verify names every damaged page"
is "$unmade" 0 "after rebuild the vault is whole, and the damaged copy is there"
[ "$lost" -le 1 ] && [ "$closed" -le 2 ]
ok $? "rebuild brings back what the journal holds" || echo "# $lost with losses, $closed not rebuilt"

# ---- two pages at once, and work goes on ----
fresh
turn "$home/vault.db" $((93 * 4096)) $((117 * 4096 + 4000))
exits 74 "two damaged pages are damage" on verify
like "$err" "Damaged pages: 94 118" "both are named"
exits 0 "and are rebuilt" on rebuild
exits 0 "new work can be saved" on add outreach date=2026-03-01 commune_code=06001 kind=HOUSEHOLD persons_m=1 persons_f=0 topics=TRICKS
exits 0 "and the vault is whole" on verify

# ---- the first page holds the names of all tables: only a backup helps, and it says so ----
fresh
turn "$home/vault.db" 1000
sum=$(cksum "$home/vault.db")
complains 74 "vault.db" "without its first page a vault is not opened" on status
run on rebuild
is "$code" 74 "nor rebuilt"
is "$(cksum "$home/vault.db")" "$sum" "and nothing of it is changed"

# ---- a WAL that is damaged before its end ----
fresh
must on unlock
for i in 1 2 3 4 5 6; do
	must on add outreach date=2026-03-0$i commune_code=06001 kind=HOUSEHOLD persons_m=$i persons_f=0 topics=TRICKS
done
mkdir "$T/cut"
cp "$home"/vault.* "$T/cut/"
must on lock
rm -rf "$home"
mv "$T/cut" "$home"
rm -f "$home/vault.lock"
turn "$home/vault.db-wal" 5000
complains 74 "saved work stands behind a damaged place" "a WAL damaged before its end is told" on status
sum=$(cksum <"$home/vault.db-wal")
exits 0 "rebuild keeps what stands before the damage" on rebuild
is "$(cksum <"$home/vault.db-wal.damaged")" "$sum" "and the damaged WAL itself"
exits 0 "the vault is whole again" on verify
is "$(shown)" 0 "and shows what it held"
done_testing
