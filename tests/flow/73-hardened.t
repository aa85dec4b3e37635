#!/bin/bash
# What every process that holds keys, or talks to strangers, has given up: dumps, writing elsewhere, other programs.
. tests/support/flow.sh
flow_folder
P=$T/server lan=$T/lan office=$T/office
mkdir "$T/here"
make_province "$P" "Tỉnh Lạng Sơn"
invite "$P" 06184 caseworker "Nông Thị Lan" "$T/lan"
invite "$P" 20 holder "Phòng máy chủ" "$T/office"
join_device "$lan" "$T/lan"
join_device "$office" "$T/office"

# ---- no core, whatever command it dies in ----
# A process is stopped where it asks for its passphrase, from a pipe, and crashes there.
status_of() { # PID NAME
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}
cores() { find "$T/here" -type f | wc -l; }
crash() { # NAME COMMAND... (of which PASS is the pipe): prints how it died
	perl -MPOSIX -e 'my ($dir, $pipe, $limits, @cmd) = @ARGV;
		mkfifo $pipe, 0600;
		my $pid = fork;
		if (!$pid) { chdir $dir; exec @cmd; exit 127 }
		open my $w, ">", $pipe or die;	# now it reads
		select undef, undef, undef, 0.05;
		open my $l, "<", "/proc/$pid/limits"; my ($core) = grep /^Max core/, <$l>; print "limits ", join(" ", (split " ", $core // "")[4, 5]), "\n";
		print "owner ", (stat "/proc/$pid/environ")[4], "\n";
		kill SEGV => $pid; waitpid $pid, 0;
		printf "signal %d core %d\n", $? & 127, $? >> 7 & 1; unlink $pipe' "$T/here" "$T/pipe" limits "$@"
}
ulimit -c unlimited 2>/dev/null
export ASAN_OPTIONS=handle_segv=0	# a sanitizer would report instead of dying
control=$(crash perl -e 'open F, "<", $ARGV[0]; <F>' "$T/pipe")
rm -f "$T/here"/*
dies_clean() { # NAME COMMAND...
	local name=$1 how
	shift
	how=$(crash "$@" 2>&1)
	like "$how" "limits 0 0" "$name: no core, by its limits"
	like "$how" "signal 11 core 0" "nor when it crashes" && is "$(cores)" 0 "and none is there"
}
dies_clean "field without a keeper" "$BIN/field" --home "$lan" --passphrase-file "$T/pipe" list person
dies_clean "field unlock" "$BIN/field" --home "$lan" --passphrase-file "$T/pipe" unlock
dies_clean "sync-server init" "$BIN/sync-server" --dir "$T/second" --passphrase-file "$T/pipe" init --name "Tỉnh khác"
dies_clean "sync-server invite" "$BIN/sync-server" --dir "$P" --passphrase-file "$T/pipe" invite --unit 06184 --role caseworker --name "Ai đó" --out "$T/who"
dies_clean "sync-server consolidate" "$BIN/sync-server" --dir "$P" --passphrase-file "$T/pipe" consolidate --home "$office"
like "$control" "signal 11" "a program that has given up nothing is left in the same way ($(tail -1 <<<"$control"))"

# ---- processes that stay ----
landlock=$(perl -e 'print syscall(444, 0, 0, 1) < 1 ? 0 : 1')
confined() { # PID NAME
	is "$(awk '/Max core file size/ { print $5 $6 }' "/proc/$1/limits")" 00 "$2 leaves no core"
	if [ "$(id -u)" -ne 0 ]; then
		is "$(stat -c %u "/proc/$1/environ")" 0 "the same user cannot look into it"
	fi
	if [ "$landlock" = 1 ]; then
		is "$(status_of "$1" NoNewPrivs).$(status_of "$1" Seccomp)" 1.2 "$2 is confined to its folders and to the calls that it needs"
	else
		ok 0 "confined # SKIP no Landlock in this kernel"
	fi
}
# Pages that are locked and in no dump; a sanitizer locks none.
guarded() { # PID
	grep -q __asan_init "$BIN/field" && echo 1 && return
	grep -c '^VmFlags:.* lo .*dd' "/proc/$1/smaps"
}
start_server "$P"
confined "$SERVER_PID" "the relay"
exits 0 "without a page of locked memory a vault can be unlocked" \
	mortal bash -c 'ulimit -l 0; exec "$@"' - "$BIN/field" --lang en --home "$lan" --passphrase-file "$lan.pass" unlock
grep -q __asan_init "$BIN/field" || like "$err" "may be written to swap" "and that is said"
must on "$lan" lock
must on "$lan" unlock
unlike "$err" "swap" "with enough of it nothing is said"
keeper=$(processes_with "--home $lan --passphrase-file $lan.pass unlock")
confined "$keeper" "the keeper"
[ "$(guarded "$keeper")" -gt 0 ]
ok $? "its keys are in guarded memory"
must on "$lan" add outreach date=2026-04-06 commune_code=06184 persons_f=3
must on "$lan" sync --server "$URL"
must on "$lan" report b8 --from 2026-01-01 --to 2026-12-31 --out "$T/b8.xlsx"
server "$P" exchange >/dev/null 2>&1
"$BIN/sync-server" --dir "$P" --passphrase-file "$office.pass" --json consolidate --home "$office" --server "$URL" \
	--reports "$T/new/reports" --backup "$T/new/backup" --every 1000 >"$T/rounds" 2>"$T/rounds.err" &
consolidator=$!
flow_background $consolidator
mkfifo "$T/never"
for i in {1..300}; do [ -s "$T/rounds" ] && break; read -r -t 0.1 <>"$T/never"; done
is "$(json received_entries <"$T/rounds")" 1 "a consolidator that is confined receives" || cat "$T/rounds.err"
[ -n "$(find "$T/new/reports" -name '*.xlsx')" ] && [ -n "$(find "$T/new/backup" -name 'vault.db')" ]
ok $? "and writes reports and its backup, in folders that were not there" || find "$T/new" | sed 's/^/# /'
confined "$consolidator" "the consolidator"
[ "$(guarded "$consolidator")" -gt 0 ]
ok $? "its keys are in guarded memory"
flow_stop $consolidator
is $? 0 "it ends in order"
stop_server
is $? 0 "and so does the relay"
is "$(cores)" 0 "no core is anywhere"
done_testing
