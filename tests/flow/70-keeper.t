#!/bin/bash
# The process that holds an unlocked vault: many at once, locking, killing, its socket, its secrets.
# ROUNDS: how often it is killed in the middle of saves (10).
. tests/support/flow.sh
flow_folder
ROUNDS=${ROUNDS:-10}
P=$T/server lan=$T/lan
make_province "$P" "Tỉnh Lạng Sơn"
invite "$P" 06184 caseworker "Nông Thị Lan" "$T/lan"
join_device "$lan" "$T/lan"
socket=$lan/keeper.socket
field() { "$BIN/field" --lang en --home "$lan" "$@"; }
unlock() { field --passphrase-file "$lan.pass" --quiet unlock "$@"; }
add() { field --quiet add outreach date=2026-04-01 commune_code=06184 "persons_f=$1"; }
keepers() { # [HOME]: processes that hold its vault
	perl -e 'for (glob "/proc/[0-9]*") { my ($pid) = /(\d+)/; next if $pid == $$;
		open my $h, "<", "$_/cmdline" or next; local $/; my $line = <$h> // ""; $line =~ s/\0/ /g;
		next if index($line, "--home $ARGV[0] ") < 0 || index($line, " unlock") < 0;
		open my $s, "<", "$_/stat" or next; print "$pid\n" if (<$s> // "") =~ /\) [^Z] / }' -- "${1:-$lan}"
}
# waits until CONDITION holds, at most 30 s; the one place that has nothing else to wait for
until_true() {
	local i
	for i in {1..300}; do "$@" && return 0; read -r -t 0.1 <>"$T/never"; done
	return 1
}
mkfifo "$T/never"
no_keeper() { [ -z "$(keepers)" ]; }
# Every id in the files given is a record of the vault.
all_there() { # FILE...
	local lost
	cat "$@" >"$T/printed"
	field --passphrase-file "$lan.pass" --json list outreach --limit 100000 >"$T/listed" || return 1
	lost=$(perl -MJSON::PP -e 'local $/; open my $l, "<", $ARGV[0]; my %have = map { $_->{id} => 1 } @{decode_json(<$l>)};
		open my $p, "<", $ARGV[1]; print scalar grep { !$have{$_} } split /\n/, <$p> // ""' "$T/listed" "$T/printed")
	[ "$lost" = 0 ] || { echo "# $lost of $(wc -l <"$T/printed") are lost"; return 1; }
}
start_stub() { # MODE...: sets STUB and STUB_PID; each request is told on STUB_OUT
	mkfifo "$T/stub.fifo"
	perl tests/support/http_stub.pl "$@" >"$T/stub.fifo" 2>>"$T/stub.log" &
	STUB_PID=$!
	flow_background $STUB_PID
	exec {STUB_OUT}<"$T/stub.fifo"
	rm "$T/stub.fifo"
	IFS= read -r -t 20 line <&$STUB_OUT
	STUB=${line#listening on }
}
stop_stub() { flow_stop $STUB_PID 2>/dev/null; exec {STUB_OUT}<&-; }

# ---- unlocking ----
secret_file "$T/wrong.pass" "không phải mật khẩu này"
complains 77 "does not fit" "a wrong passphrase does not unlock" field --passphrase-file "$T/wrong.pass" unlock
is "$(wc -l <"$T/.err")" 1 "and says so in one line"
no_keeper
ok $? "nothing is left running"
exits 0 "the right one does" unlock
is "$(keepers | wc -l)" 1 "one process holds the keys"
exits 0 "later commands ask nothing" add 1
exits 0 "a second unlock changes nothing" unlock
is "$(keepers | wc -l)" 1 "and starts nothing"
complains 75 "field lock" "what needs the vault for itself is told to lock first" field passphrase --passphrase-file "$lan.pass" --new-passphrase-file "$lan.pass"
exits 0 "lock ends it" field lock
no_keeper
ok $? "at once"
[ ! -e "$socket" ]
ok $? "with its socket"
for i in 1 2 3 4 5 6; do unlock >"$T/u.$i" 2>&1 & pids[i]=$!; done
bad=0
for i in 1 2 3 4 5 6; do
	wait "${pids[i]}"
	code=$?
	[ $code -eq 0 ] || [ $code -eq 75 ] || { bad=1; echo "# $code $(cat "$T/u.$i")"; }
done
ok $bad "six that unlock at once are served or told to wait"
is "$(keepers | wc -l)" 1 "one of them holds the keys"

# ---- what it shows of itself ----
pid=$(keepers)
is "$(tr '\0' '\n' <"/proc/$pid/environ" "/proc/$pid/cmdline" 2>/dev/null | grep -cF "$(cat "$lan.pass")")" 0 "no secret stands in its arguments or environment"
is "$(awk '/Max core file size/ { print $5 $6 }' "/proc/$pid/limits")" 00 "it leaves no core behind"
is "$(stat -c %a "$socket")" 600 "its socket is its owner's"
is "$(readlink "/proc/$pid/fd/0" "/proc/$pid/fd/1" "/proc/$pid/fd/2" | sort -u)" /dev/null "it holds no terminal"
if [ "$(id -u)" -eq 0 ] && setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
	chmod 711 "$T"
	as_other() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
	cp "$BIN/field" "$T/field.other" && chmod 755 "$T/field.other"
	must field lock
	cp -a "$lan" "$T/other" && cp "$lan.pass" "$T/other.pass" && chown -R 65534:65534 "$T/other" "$T/other.pass"
	must as_other "$T/field.other" --home "$T/other" --passphrase-file "$T/other.pass" unlock
	theirs=$(keepers "$T/other")
	run as_other cat "/proc/$theirs/environ"
	[ "$code" -ne 0 ]
	ok $? "a program of the same user does not read its environment"
	run as_other head -c 1 "/proc/$theirs/mem"
	[ "$code" -ne 0 ]
	ok $? "nor its memory"
	run field --home "$T/other" status
	is "$code" 77 "another user's keeper is not asked" || echo "# $err"
	must as_other "$T/field.other" --home "$T/other" lock
	unlock
else
	for name in "a program of the same user does not read its environment" "nor its memory" "another user's keeper is not asked"; do
		ok 0 "$name # SKIP only root can be two users"
	done
fi

# ---- many at once, while a sync hangs ----
start_stub hold
field sync --server "$STUB" >"$T/sync.out" 2>"$T/sync.err" &
sync=$!
IFS= read -r -t 20 line <&$STUB_OUT
is "$line" "asked" "a sync waits for a server that says nothing"
pids=()
for i in {1..40}; do add $((i % 50)) >"$T/many.$i" 2>"$T/many.err.$i" & pids[i]=$!; done
bad=0
for i in {1..40}; do wait "${pids[i]}" || { bad=1; cat "$T/many.err.$i"; }; done
ok $bad "forty that save meanwhile are all served"
all_there "$T"/many.{1..40}
ok $? "and all is there"
complains 75 "sync is running" "a second sync is told to wait" field sync
exits 0 "reading does not wait" field status
before=$SECONDS
exits 0 "lock does not wait for the network" field lock
[ $((SECONDS - before)) -le 5 ]
ok $? "it takes no time"
wait $sync
is $? 75 "the sync ends with 75" || cat "$T/sync.err"
no_keeper
ok $? "the process is gone"
stop_stub

# ---- locked in the middle of saves ----
bad=0
for round in 1 2 3 4 5; do
	unlock || bad=1
	pids=()
	for i in {1..12}; do add $i >"$T/locked.$round.$i" 2>"$T/locked.err.$round.$i" & pids[i]=$!; done
	field --quiet lock || bad=1
	for i in {1..12}; do
		wait "${pids[i]}"
		code=$?
		# who came too late finds no keeper and has no passphrase: 64
		case $code in 0 | 64 | 75) ;; *) bad=1; echo "# $code $(cat "$T/locked.err.$round.$i")" ;; esac
		[ "$code" -ne 0 ] || [ -s "$T/locked.$round.$i" ] || { bad=1; echo "# no id though it ended well"; }
		[ "$code" -eq 0 ] || [ ! -s "$T/locked.$round.$i" ] || { bad=1; echo "# an id though it failed"; }
	done
done
ok $bad "a lock among saves: each was done, or refused in order"
all_there "$T"/locked.[0-9]*
ok $? "what was said to be saved is there"

# ---- killed in the middle of saves ----
mkfifo "$T/saves"
exec {saved}<>"$T/saves"	# a line for each save
bad=0 n=0
for ((round = 1; round <= ROUNDS; round++)); do
	unlock || { bad=1; break; }
	pid=$(keepers)
	pids=()
	for i in 1 2 3 4; do
		while add $i 2>/dev/null; do echo >&$saved; done >"$T/killed.$round.$i" &
		pids[i]=$!
	done
	# a few are saved, then it goes without a word, each time at another moment
	for ((i = 0; i <= round % 7; i++)); do read -r -t 60 <&$saved || bad=1; done
	kill -9 "$pid"
	wait "${pids[@]}"
	n=$((n + $(cat "$T/killed.$round".* | wc -l)))
	while read -r -t 0 <&$saved; do read -r <&$saved; done
done
exec {saved}<&-
ok $bad "a keeper that was killed leaves a vault that unlocks ($ROUNDS rounds)"
all_there "$T"/killed.*
ok $? "all $n that were said to be saved are there"
[ -S "$socket" ]
ok $? "its socket stays behind"
exits 0 "and is in nobody's way" field --passphrase-file "$lan.pass" status
exits 0 "nor in that of the next keeper" unlock
must field lock

# ---- without a keeper ----
alone() { field --passphrase-file "$lan.pass" --quiet add outreach date=2026-04-01 commune_code=06184 persons_m=1; }
pids=() bad=0 done=0
for i in {1..16}; do alone >"$T/alone.$i" 2>"$T/alone.err.$i" & pids[i]=$!; done
for i in {1..16}; do
	wait "${pids[i]}"
	code=$?
	case $code in
	0) done=$((done + 1)); [ -s "$T/alone.$i" ] || bad=1 ;;
	75) [ ! -s "$T/alone.$i" ] || bad=1 ;;
	*) bad=1; echo "# $code $(cat "$T/alone.err.$i")" ;;
	esac
done
ok $bad "sixteen that race for the vault are served or told to try again"
[ $done -gt 0 ]
ok $? "some are served ($done)"
all_there "$T"/alone.{1..16}
ok $? "and nothing is lost"

# ---- its socket ----
ln -s "$T/server/nothing" "$socket"
exits 0 "a link in the socket's place does not keep commands out" field --passphrase-file "$lan.pass" status
run unlock
is "$code" 73 "the keeper does not start over it" || echo "# $err"
rm "$socket"
echo "somebody's file" >"$socket"
run unlock
is "$code.$(cat "$socket")" "73.somebody's file" "nor over a file" || echo "# $err"
rm "$socket"
mkdir "$socket"
run unlock
is "$code" 73 "nor over a folder" || echo "# $err"
rmdir "$socket"
unlock
: >"$T/sent"
# rubbish, half messages, endless ones, and clients that say nothing
perl -MIO::Socket::UNIX -e '
	my $path = shift;
	my @held;
	my $m = sub { pack("V", length $_[0]) . $_[0] };	# a whole message
	my $argv = sub { $m->("\x01" . chr(@_) . join("", map { chr(length) . $_ } @_) . "\0") };
	for my $what ("", "\xff\xff\xff\xff", "\x05\0\0\0ab", "x" x 100000, $m->(""), $m->("nope"), $m->("\x01" . "\xff" x 39),
		$argv->(), $argv->("--help"), $argv->("--version"), $argv->("join", "none"), $argv->("list"), $argv->("li\0st", "x"),
		$m->("\x09\x01\x04list\0"), $m->("\x01\x01\x04list\xff\x01")) {
		my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path) or die "connect: $!";
		$s->autoflush(1);
		local $SIG{PIPE} = "IGNORE";
		print $s $what;
		push @held, $s;
	}
	shutdown $_, 1 for @held[0 .. 4];
	print "sent\n"; close STDOUT;
	<STDIN>' "$socket" <"$T/never" >"$T/sent" 2>&1 &
rude=$!
flow_background $rude
until_true grep -q sent "$T/sent"
exits 0 "rubbish on the socket and silent clients are in nobody's way" add 2
exits 0 "nor in that of a lock" field lock
no_keeper
ok $? "which ends the process"
kill $rude 2>/dev/null

# ---- idleness and sleep ----
shifted() { with_shifted_clock "$BIN/field" --lang en --home "$lan" --passphrase-file "$lan.pass" --quiet "$@"; }
if shifted_clock; then
	passes 0 0
	must shifted unlock --idle 5
	passes 290 0
	exits 0 "before its time is over it is there" add 3
	pid=$(keepers)
	passes 580 0
	exits 0 "each command begins the time anew" add 3
	is "$(keepers)" "$pid" "the same process answers"
	passes 882 0
	until_true no_keeper
	ok $? "after five idle minutes the process has ended"
	run field status
	is "$code" 64 "and the passphrase is asked for again" || echo "# $err"
	must shifted unlock --idle 5
	passes 882 60
	until_true no_keeper
	ok $? "a machine that has slept is locked"
else
	for name in "before its time is over" "each command begins the time anew" "the same process" "after five idle minutes" "the passphrase is asked for" "a machine that has slept"; do
		ok 0 "$name # SKIP no preloading here"
	done
fi
complains 64 "whole number" "an idle time of 0 is refused" unlock --idle 0
complains 64 "whole number" "and one of a day" unlock --idle 1440
unlock
pid=$(keepers)
# a kernel with Landlock keeps the process from writing elsewhere (test_process shows how)
if perl -e 'exit((syscall 444, 0, 0, 1) < 1)'; then
	grep -q '^NoNewPrivs:.1$' "/proc/$pid/status"
	ok $? "the process that holds the keys is confined to its folder"
else
	ok 0 "confined to its folder # SKIP no Landlock in this kernel"
fi
kill -TERM "$pid"
until_true no_keeper
ok $? "a signal to end locks"
[ ! -e "$socket" ]
ok $? "and clears up"
exits 0 "after all this the vault is whole" field --passphrase-file "$lan.pass" verify
done_testing
