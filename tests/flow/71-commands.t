#!/bin/bash
# Commands as a newcomer and an enemy type them: options, exit codes, JSON, secrets, files, cuts.
. tests/support/flow.sh
flow_folder
P=$T/server lan=$T/lan
make_province "$P" "Tỉnh Lạng Sơn"
for who in lan cut again; do invite "$P" 06184 caseworker "Cán bộ $who" "$T/$who"; done
join_device "$lan" "$T/lan"
field() { "$BIN/field" --lang en --home "$lan" --passphrase-file "$lan.pass" "$@"; }
case_worker=$(field add person "full_name=Đặng Thị Hòa" sex=F)
visit=(add outreach date=2026-04-01 commune_code=06184)
one=$(field "${visit[@]}" persons_f=3)

# ---- manual pages ----
undocumented() { # PROGRAM PAGE: what its help names and the page does not, in its entry or before all of them
	local command option entry
	sed 's/Fl \\-/Fl Fl /g; s/\\-/-/g; s/^\.It Xo Cm/.It Cm/' "$2" >"$T/page"
	"$BIN/$1" --lang en --help | sed -n 's/^  \([a-z][a-z ]*[a-z]\)  .*/\1/p' | while read -r command; do
		grep -q "^\.It Cm $command\( \|$\)" "$T/page" || echo "$command"
		entry=$(awk -v it=".It Cm $command " '/^\.It Cm / { on = 0; listed = 1 } /^\.(El|Sh|Ss)/ { on = 0 }
			index($0 " ", it) == 1 { on = 1 } on || !listed' "$T/page")
		# shellcheck disable=SC2086
		for option in $("$BIN/$1" --lang en $command --help </dev/null |
			sed -n '/Common options/q; s/^ *--\([a-z-]*\).*/\1/p'); do
			grep -q "Fl Fl $option\( \|$\)" <<<"$entry" || echo "$command --$option"
		done
	done
}
is "$(undocumented field field/field.1)" "" "field(1) has every command and option"
is "$(undocumented sync-server sync-server/sync-server.1)" "" "sync-server(1), too"

# ---- options ----
exits 0 "options may stand before the command" "$BIN/field" --home="$lan" --json --passphrase-file="$lan.pass" status
exits 0 "between its words" field bundle --json export "$T/a.bundle"
exits 0 "and after its arguments" field show "$one" --json --lang vi
exits 0 "a value may follow an equals sign" field list outreach --limit=5
exits 0 "two dashes end the options" field -- show "$one"
exits 0 "between the words of a command too" field bundle -- export "$T/--strange name"
[ -e "$T/--strange name" ]
ok $? "what follows is taken as it is"
exits 0 "an answer may begin with dashes behind them" field "${visit[@]}" persons_f=1 -- note=--json
complains 64 "needs a value" "an option without its value is refused" field list outreach --limit
complains 64 "takes no value" "so is a value for one that takes none" field --json=1 status
complains 64 "twice" "an option that is given twice" field edit "$one" note=a --reason a --reason b
complains 64 "no such option" "one of another command" field status --limit 5
complains 64 "needs a value" "an empty home" "$BIN/field" --lang en --home "" status
complains 64 "vi or en" "a language that it does not speak" field --lang fr status
complains 64 "which command" "options alone" field --json
for n in 0 -1 100001 99999999999999999999 5x "" 0x5; do
	complains 64 "whole number" "a limit of \"$n\" is refused" field list outreach --limit "$n"
done
complains 64 "use: field show" "too few arguments" field show
complains 64 "use: field show" "and too many" field show a b
complains 64 "no such command" "half of a command's name" field bundle
long=$(printf 'a%.0s' {1..100000})
complains 64 "" "an argument of 100,000 bytes as a command" field "$long"
complains 66 "" "as a form" field list "$long"
complains 65 "" "as an answer" field add person "full_name=$long"
complains 65 "" "as what is searched" field search "$long"
many=() && for i in {1..2000}; do many+=("topics=A$i"); done
complains 65 "too many arguments" "two thousand answers" field "${visit[@]}" "${many[@]}"
complains 64 "" "what was typed is quoted in one line" field $'st\natus\e[31m\xff'
[ "$(wc -l <"$T/.err")" -eq 1 ] && ! LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\xff]' "$T/.err"
ok $? "and moves no terminal"
complains 65 "" "what is searched is clean text" field search $'\xff\xfe'

# ---- where a vault is, and is not ----
complains 66 "field join" "who has no vault yet is told how to make one" "$BIN/field" --lang en --home "$T/none" status
complains 66 "field join" "before a passphrase is asked for" "$BIN/field" --lang en --home "$T/none" unlock
[ ! -e "$T/none" ]
ok $? "and none is made by asking"
mkdir "$T/empty" "$T/data"
: >"$T/file"
complains 66 "" "an empty folder is no vault" "$BIN/field" --lang en --home "$T/empty" --passphrase-file "$lan.pass" status
complains 66 "" "nor is a file" "$BIN/field" --lang en --home "$T/file" --passphrase-file "$lan.pass" status
ln -s "$lan" "$T/link"
exits 0 "a link to its folder leads to it" "$BIN/field" --lang en --home "$T/link" --passphrase-file "$lan.pass" status
ln -s "$lan" "$T/data/field"
exits 0 "the platform's folder is the usual home" env XDG_DATA_HOME="$T/data" "$BIN/field" --passphrase-file "$lan.pass" status
mkdir -p "$T/user/.local/share"
ln -s "$lan" "$T/user/.local/share/field"
exits 0 "or that below HOME" env -u XDG_DATA_HOME HOME="$T/user" "$BIN/field" --passphrase-file "$lan.pass" status
run env -u XDG_DATA_HOME -u HOME "$BIN/field" --passphrase-file "$T/nothing" status
[ "$code" -eq 66 ] || [ "$code" -eq 78 ]
ok $? "without HOME it ends in order"
run "$BIN/field" --home "/proc/none" --passphrase-file "$lan.pass" join "$T/cut.invitation" --code-file "$T/cut.code" --kdf-memory $KDF
[ "$code" -eq 73 ] || [ "$code" -eq 74 ]
ok $? "a home that cannot be made is an error of the disk" || echo "# $code $err"

# ---- secrets from files and pipes ----
pass=$(cat "$lan.pass")
with() { "$BIN/field" --lang en --home "$lan" --passphrase-file "$@"; }
printf '%s\r\n' "$pass" >"$T/crlf.pass"
exits 0 "a passphrase file of Windows opens" with "$T/crlf.pass" status
printf '%s' "$pass" >"$T/bare.pass"
exits 0 "one without a line end too" with "$T/bare.pass" status
printf '%s\nmore\n' "$pass" >"$T/two.pass"
exits 0 "and of several lines the first counts" with "$T/two.pass" status
printf '%s\n' "$pass" | perl -CSD -MUnicode::Normalize -pe '$_ = NFD($_)' >"$T/nfd.pass"
! cmp -s "$T/nfd.pass" "$lan.pass"
ok $? "the passphrase can be written in decomposed letters"
exits 0 "it is the same passphrase" with "$T/nfd.pass" status
exits 0 "a dash is standard input" bash -c '"$@" <"$0"' "$lan.pass" "$BIN/field" --home "$lan" --passphrase-file - status
printf '%s\n{"date":"2026-04-02","commune_code":"06184","persons_m":2}\n' "$pass" >"$T/both"
exits 0 "answers may stand behind it" bash -c '"$@" <"$0"' "$T/both" "$BIN/field" --home "$lan" --passphrase-file - add outreach --answers -
: >"$T/empty.pass"
complains 65 "empty" "an empty passphrase file is no passphrase" with "$T/empty.pass" status
printf '%s' "${pass:0:12}" >"$T/short.pass"
complains 77 "" "nor is half of one" with "$T/short.pass" status
printf 'a\0b\n' >"$T/nul.pass"
complains 65 "" "nor one with a NUL" with "$T/nul.pass" status
head -c 3000 /dev/zero | tr '\0' a >"$T/long.pass"
complains 65 "1,024" "nor one of 3,000 bytes" with "$T/long.pass" status
complains 74 "" "nor a folder" with "$T" status
complains 64 "no terminal" "without a terminal nobody is asked" setsid -w "$BIN/field" --lang en --home "$lan" status

# ---- failures do not look like success ----
complains 73 "folder" "an export into no folder is refused" field --quiet export person "$T/nowhere/person.csv"
complains 73 "regular file" "so is one over a folder" field --quiet export person "$T/empty"
complains 73 "regular file" "or a device" field --quiet export person /dev/null
complains 73 "" "a bundle too" field bundle export "$T/nowhere/bundle"
complains 64 "xlsx" "and a report of no known kind" field report b8 --from 2026-01-01 --to 2026-12-31 --out "$T/b8.doc"
[ ! -e "$T/b8.doc" ]
ok $? "of which nothing is left"
exits 74 "an id that cannot be printed is an error" bash -c '"$@" >/dev/full' - "$BIN/field" --home "$lan" --passphrase-file "$lan.pass" "${visit[@]}" persons_f=4
exits 74 "so is one that nobody can read" bash -c '"$@" >&-' - "$BIN/field" --home "$lan" --passphrase-file "$lan.pass" "${visit[@]}" persons_f=5
exits 0 "and it lands in no file of the vault" field verify
exits 0 "without any standard stream it works" bash -c '"$@" <&- >/dev/null 2>&-' - "$BIN/field" --home "$lan" --passphrase-file "$lan.pass" status
exits 66 "a record that is not there is 66" field show 00000000000000aa.1
exits 66 "a report too" field report b99 --from 2026-01-01 --to 2026-12-31
exits 64 "a period that is none is 64" field report b8 --from 2026-13-01 --to 2026-12-31
exits 65 "a filter that is none is 65" field list person --where "))"
exits 78 "a server that nobody named is 78" field sync
exits 75 "one that is not there is 75" field sync --server http://127.0.0.1:9
exits 78 "and it is not remembered" field sync

# ---- files that hold clear text ----
umask 022
must field --quiet export person "$T/person.csv"
must field --quiet report b8 --from 2026-01-01 --to 2026-12-31 --out "$T/b8.xlsx"
must field --quiet report b8 --from 2026-01-01 --to 2026-12-31 --out "$T/b8.json"
must field bundle export "$T/b.bundle"
umask 077
is "$(stat -c %a "$T/person.csv" "$T/b8.xlsx" "$T/b8.json" "$T/b.bundle" | sort -u)" 600 "only their owner reads them"
echo "what was there before" >"$T/old.csv"
ln "$T/old.csv" "$T/old.link"
must field --quiet export person "$T/old.csv"
is "$(cat "$T/old.link")" "what was there before" "a file is replaced as a whole, never written over"
(cd "$T" && ls | grep -c '\.new-') >"$T/.left"
is "$(cat "$T/.left")" 0 "and nothing is left beside it"
is "$(find "$lan" -perm /077 | wc -l)" 0 "in the home there is nothing for others"

# ---- JSON ----
pure() { # NAME COMMAND...: one JSON value on standard output, in both languages
	local name=$1 lang bad=0
	shift
	for lang in vi en; do
		"$BIN/field" --home "$lan" --passphrase-file "$lan.pass" --json "$@" --lang $lang >"$T/.out" 2>"$T/.err" </dev/null || { bad=1; cat "$T/.err"; }
		perl -MJSON::PP -e 'local $/; my $v = JSON::PP->new->utf8->decode(scalar <STDIN>); exit !ref $v' <"$T/.out" || bad=1
	done
	ok $bad "--json: $name" || head -c 300 "$T/.out"
}
pure add add person "full_name=Lý Thị Mẩy" "address_text=dòng một
\"dòng hai\"\\"
pure edit edit "$case_worker" phone=0912000111
pure "edit that changes nothing" edit "$one" persons_f=3
pure show show "$case_worker"
pure history show "$case_worker" --history
pure list list person
pure "an empty list" list service_delivery
pure search search "ly thi may"
pure "a search that finds nothing" search xyzxyz
pure conflicts conflicts
pure status status
pure quarantine quarantine
pure forms forms
pure "forms check" forms check schema
pure "forms pack" forms pack person "$T/person.xlsx"
pure reports reports
pure report report b4 --from 2026-01-01 --to 2026-12-31
pure "report into a file" report b16 --from 2026-01-01 --to 2026-12-31 --out "$T/b16.xlsx"
pure export export person "$T/person.csv"
printf 'date,commune_code,persons_m\n2026-05-01,06184,2\n' >"$T/sheet.csv"
pure import import outreach "$T/sheet.csv"
pure "bundle export" bundle export "$T/c.bundle"
pure "bundle import" bundle import "$T/c.bundle"
pure verify verify
pure rebuild rebuild
gone=$(field "${visit[@]}" persons_m=9)
exits 0 "--json: delete" field --json delete "$gone" --reason "Ghi nhầm"
like "$out" '{"dot":"' "names what it wrote"
pure unlock unlock
pure "unlock again" unlock
pure "show through the keeper" show "$case_worker"
pure lock lock
start_server "$P"
pure sync sync --server "$URL"
stop_server
run "$BIN/field" --json --home "$lan" --passphrase-file "$T/empty.pass" status
is "$out" "" "--json: an error prints nothing there"
secret_file "$T/new.pass" "mật khẩu mới của Lan"
cp "$lan.pass" "$T/first.pass"
exits 0 "--json: passphrase" field --json passphrase --new-passphrase-file "$T/new.pass" --kdf-memory $KDF
is "$out" "{}" "says nothing, in JSON"
cp "$T/new.pass" "$lan.pass"

# ---- cuts ----
traceable() { strace -f -qq -o /dev/null -e trace=none true 2>/dev/null; }
calls=openat,rename,renameat2,link,unlink,fsync,fdatasync,pwrite64,write,ftruncate,mkdir
killed() { # N COMMAND...: killed at the nth of the calls that were counted; strace counts each kind by itself
	local n=$1 call of
	shift
	call=$(sed -n "${n}s/^[0-9]* *\([a-z0-9]*\)(.*/\1/p" "$T/calls")
	of=$(head -n "$n" "$T/calls" | grep -c "^[0-9]* *$call(")
	{ ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o /dev/null -e trace="$call" -e inject="$call:signal=SIGKILL:when=$of" \
		"$@" >/dev/null 2>&1 </dev/null; } 2>/dev/null
}
counted() { # COMMAND...: how many such calls it makes before the first that names PLACE
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$T/calls" -e trace=$calls "$@" >/dev/null 2>&1 </dev/null
	grep -c . "$T/calls"
}
cut=$T/cut
secret_file "$cut.pass" "chín con suối nhỏ bị cắt"
join_cut() { "$@" "$BIN/field" --lang en --home "$cut" --passphrase-file "$cut.pass" join "$T/cut.invitation" \
	--code-file "$T/cut.code" --kdf-memory $KDF --recovery-file "$cut.recovery"; }
if traceable; then
	all=$(join_cut counted)
	first=$(grep -n "$cut/vault.lock" "$T/calls" | head -n 1 | cut -d: -f1)
	keys=$(grep -n "$cut/vault.key" "$T/calls" | tail -n 1 | cut -d: -f1)
	points=($(seq "$first" 3 "$((keys + 8))") $(seq "$((keys + 9))" $(((all - keys) / 8)) "$all"))
	bad=0 cuts=0
	for n in "${points[@]}"; do
		rm -rf "$cut" "$cut.recovery"*
		join_cut killed "$n"
		[ $? -eq 137 ] && cuts=$((cuts + 1))
		run join_cut
		# the device was complete, or it is now
		[ "$code" -eq 0 ] || [ "$code" -eq 73 ] || { bad=1; echo "# cut at $n of $all: $code $err"; }
		run "$BIN/field" --home "$cut" --passphrase-file "$cut.pass" status || { bad=1; echo "# cut at $n: $err"; }
		run "$BIN/field" --home "$cut" --code-file "$cut.recovery" passphrase --new-passphrase-file "$cut.pass" --kdf-memory $KDF ||
			{ bad=1; echo "# cut at $n, recovery: $err"; }
	done
	[ "$cuts" -gt 10 ] || bad=1
	ok $bad "a join that was cut short is done again, and its recovery code is known ($cuts cuts)"
	exits 0 "what was made last is whole" "$BIN/field" --home "$cut" --passphrase-file "$cut.pass" verify

	secret_file "$T/p0" "mật khẩu thứ nhất"
	secret_file "$T/p1" "mật khẩu thứ hai"
	must "$BIN/field" --home "$cut" --passphrase-file "$cut.pass" passphrase --new-passphrase-file "$T/p0" --kdf-memory $KDF
	change() { "$BIN/field" --home "$cut" --passphrase-file "$T/p0" passphrase --new-passphrase-file "$T/p1" --kdf-memory $KDF; }
	cp -a "$cut" "$T/before"
	all=$(counted "$BIN/field" --home "$cut" --passphrase-file "$T/p0" passphrase --new-passphrase-file "$T/p1" --kdf-memory $KDF)
	first=$(grep -n "$cut/vault.key" "$T/calls" | head -n 1 | cut -d: -f1)
	bad=0 cuts=0
	for n in $(seq "$first" "$all"); do
		rm -rf "$cut" && cp -a "$T/before" "$cut"
		killed "$n" "$BIN/field" --home "$cut" --passphrase-file "$T/p0" passphrase --new-passphrase-file "$T/p1" --kdf-memory $KDF
		[ $? -eq 137 ] && cuts=$((cuts + 1))
		opened=0
		for p in p0 p1; do "$BIN/field" --home "$cut" --passphrase-file "$T/$p" verify >/dev/null 2>&1 && opened=$((opened + 1)); done
		[ "$opened" -eq 1 ] && cmp -s "$cut/vault.key" "$cut/vault.key.b" || { bad=1; echo "# cut at $n: $opened open"; }
		ls "$cut" | grep -q '\.new-' && { bad=1; echo "# cut at $n: a copy of the key file is left"; }
	done
	[ "$cuts" -gt 5 ] || bad=1
	ok $bad "a change of passphrase that was cut short leaves one that opens, the old or the new ($cuts cuts)"
else
	for name in "a join that was cut short" "what was made last" "a change of passphrase"; do ok 0 "$name # SKIP strace is not allowed here"; done
fi

# ---- the recovery code, and wiping ----
again=$T/again
secret_file "$again.pass" "một mật khẩu khác hẳn"
echo "my own notes" >"$again.recovery"
join_again() { "$BIN/field" --lang en --home "$again" --passphrase-file "$again.pass" join "$T/again.invitation" --code-file "$T/again.code" \
	--kdf-memory $KDF --recovery-file "$1"; }
complains 73 "exists already" "a recovery code is not written over a file" join_again "$again.recovery"
[ "$(cat "$again.recovery")" = "my own notes" ] && [ ! -e "$again/vault.key" ]
ok $? "and no vault is made without one"
complains 73 "" "nor into a folder that is not there" join_again "$T/nowhere/recovery"
exits 0 "the join is done again with another name" join_again "$again.paper"
exits 0 "and that code opens" "$BIN/field" --home "$again" --code-file "$again.paper" passphrase --new-passphrase-file "$again.pass" --kdf-memory $KDF
complains 73 "exists already" "a new code is not made when its file exists" "$BIN/field" --lang en --home "$again" --passphrase-file "$again.pass" recovery --recovery-file "$again.recovery"
exits 0 "so the old one still opens" "$BIN/field" --home "$again" --code-file "$again.paper" passphrase --new-passphrase-file "$again.pass" --kdf-memory $KDF
sed 's/^\(...\)./\1#/; s/#/0/' "$again.paper" | tr 0 1 >"$T/slip"
cmp -s "$T/slip" "$again.paper" || complains 77 "slip" "a slip in it is told" "$BIN/field" --lang en --home "$again" --code-file "$T/slip" passphrase --new-passphrase-file "$again.pass"
complains 64 "--yes" "wiping asks to be meant" "$BIN/field" --lang en --home "$again" wipe
must "$BIN/field" --home "$again" --passphrase-file "$again.pass" unlock
FLOW_HOMES+=("$again")
exits 0 "an unlocked vault is wiped" "$BIN/field" --home "$again" wipe --yes
is "$(ls -A "$again")" "" "nothing of it is left"
complains 66 "" "and nothing opens" "$BIN/field" --lang en --home "$again" --passphrase-file "$again.pass" status
done_testing
