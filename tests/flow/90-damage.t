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
[ "$lost" -le 1 ] && [ "$closed" -le 1 ]
ok $? "rebuild brings back what the journal holds" || echo "# $lost with losses, $closed not rebuilt"

# ---- two pages at once, and work goes on ----
fresh
turn "$home/vault.db" $((93 * 4096)) $((117 * 4096 + 4000))
exits 74 "two damaged pages are damage" on verify
like "$err" "Damaged pages: 94 118" "both are named"
exits 0 "and are rebuilt" on rebuild
exits 0 "new work can be saved" on add outreach date=2026-03-01 commune_code=06001 kind=HOUSEHOLD persons_m=1 persons_f=0 topics=TRICKS
exits 0 "and the vault is whole" on verify

# ---- the first page holds the way to all tables ----
fresh
turn "$home/vault.db" 1000
sum=$(cksum <"$home/vault.db")
complains 74 "field rebuild" "without its first page a vault is not opened" on status
run on verify
[ "$code" -eq 74 ] && [[ $err == *"Damaged pages: 1"$'\n'* ]]
ok $? "verify names it"
is "$(cksum <"$home/vault.db")" "$sum" "and nothing is changed by looking"
exits 0 "it is rebuilt" on rebuild
is "$(shown)" 0 "and shows what it held"
exits 0 "and is whole" on verify

# ---- a database that was cut off ----
size=$(wc -c <"$V/vault.db")
told=0 back=0
for cut in 1 4096 $((size / 10)) $((size / 4)); do
	fresh
	truncate -s $((size - cut)) "$home/vault.db"
	run on verify
	[ "$code" -eq 74 ] && [[ $err == *" $pages"* ]] && told=$((told + 1))
	run on rebuild && [ "$(shown)" = 0 ] && on --quiet verify >/dev/null 2>&1 && back=$((back + 1))
done
is "$told/$back" 4/4 "a cut off database is told, and what the journal holds comes back"

# ---- what cannot be read at all is left as it lies ----
fresh
turn "$home/vault.key" 100
turn "$home/vault.key.b" 200
complains 74 "both copies of the key file are damaged" "two damaged key files are told" on rebuild
is "$(ls "$home" | grep -c damaged)" 0 "and no copies are left behind"
fresh
head -c "$size" /dev/urandom >"$home/vault.db"
sum=$(cksum <"$home/vault.db")
complains 74 "$home" "nothing of another database can be rebuilt" on rebuild
is "$(cksum <"$home/vault.db") $(ls "$home" | grep -c damaged)" "$sum 0" "and it stays as it is"

# ---- something else in the place of a file ----
strange=0
for what in "rm -f vault.db; mkdir vault.db" "rm -f vault.db; mkfifo vault.db" "rm -f vault.db; ln -s vault.db vault.db" \
	": >vault.db" "rm vault.key vault.key.b; mkfifo vault.key vault.key.b" "mkdir vault.db-wal" \
	"touch w; ln -s w vault.db-wal" "rm -f vault.key*; mkdir vault.key vault.key.b" \
	"truncate -s 3G vault.key; truncate -s 3G vault.key.b" "mkdir vault.db-journal"; do
	fresh
	(cd "$home" && eval "$what")
	run timeout 20 "$BIN/field" --home "$home" --lang en --passphrase-file "$V/passphrase.txt" status
	case $what in *key*) named=$home ;; *wal*) named=vault.db-wal ;; *) named=vault.db ;; esac
	[ "$code" -eq 74 ] && [[ $err == *"$named"*": "* ]] || { strange=$((strange + 1)); echo "# $what: $code $err"; }
done
is "$strange" 0 "a folder, a pipe, a link, nothing or far too much in its place: told by name"
rm -rf "$home"

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

# ---- the WAL of another vault ----
fresh
must on unlock
for i in 1 2 3; do
	must on add outreach date=2026-03-1$i commune_code=06001 kind=HOUSEHOLD persons_m=$i persons_f=0 topics=TRICKS
done
mkdir "$T/cut"
cp "$home"/vault.* "$T/cut/"
must on lock
rm -rf "$home"
mv "$T/cut" "$home"
rm -f "$home/vault.lock"
perl -e 'open my $h, "+<", shift or die; binmode $h; local $/; my $d = <$h>;
	for (my $b = 0; $b + 4608 <= length $d; $b += 4608) { next if substr($d, $b, 4608) !~ /[^\0]/;
		seek $h, $b, 0; print $h chr(ord(substr $d, $b, 1) ^ 1) }' "$home/vault.db-wal"
sum=$(cksum <"$home/vault.db-wal")
complains 74 "vault.db-wal" "a WAL of other keys is told" on status
is "$(cksum <"$home/vault.db-wal")" "$sum" "and stays as it is"
exits 0 "rebuild goes on without it" on rebuild
is "$(cksum <"$home/vault.db-wal.damaged")" "$sum" "and keeps it"
is "$(shown)" 0 "what the database holds is there"
done_testing
