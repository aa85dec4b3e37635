#!/bin/bash
# When a vault is locked nothing of it is left: the keeper's memory at its last moment, however it ends.
. tests/support/flow.sh
flow_folder
names=("by order" "with a client that says nothing" "with half a message" "among saves" "in the middle of a sync" "by idleness" "by the machine's sleep" "by a signal")

# ---- under the recorder: a keeper that has read everything ends in each way ----
if [ -n "${RECORD_WORDS:-}" ]; then
	lan=$RECORD_HOME
	field() { "$BIN/field" --lang en --home "$lan" --quiet "$@"; }
	keepers() {
		local p
		for p in $(processes_with "--home $lan --quiet --passphrase-file"); do
			grep -q '^State:[[:space:]]*Z' "/proc/$p/status" || echo "$p"
		done 2>/dev/null
	}
	begin() { # NAME [OPTION]...: unlocked, with records and answers of many kinds in its memory
		local name=$1
		shift
		"${with[@]}" "$BIN/field" --lang en --home "$lan" --quiet --passphrase-file "$lan.pass" unlock "$@" || return
		echo "$name $(keepers)" >>"$RECORD_ENDS"
		field --json list person >/dev/null && field --json search Qzxkwvjm >/dev/null &&
			field edit "$RECORD_ID" --answers "$RECORD_ANSWERS" >/dev/null && field --json show "$RECORD_ID" --history >/dev/null
	}
	gone() {
		local i
		for i in {1..300}; do [ -z "$(keepers)" ] && return 0; read -r -t 0.1 <>"$T/never"; done
		echo "# it did not end"
		return 1
	}
	# Connects, says this much, and waits: a message is its length and so many bytes.
	client() { # BYTES
		perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $ARGV[0]) or die; $s->autoflush(1);
			print $s substr(pack("V", 3000) . "Bxwqvjkz " x 300, 0, $ARGV[1]); print "said\n"; close STDOUT; sleep 60' "$lan/keeper.socket" "$1" >"$T/said" &
		client=$!
		flow_background $client
		until [ -s "$T/said" ]; do read -r -t 0.05 <>"$T/never"; done
		true
	}
	mkfifo "$T/never"
	# The keeper has read what the client said; a word of its own tells.
	has_read() {
		local i
		for i in {1..100}; do
			"$BUILD/tools/recorder" --words "$T/half" --report "$T/read" --now "$(keepers)" && grep -q "^memory" "$T/read" && return 0
			read -r -t 0.05 <>"$T/never"
		done
		return 1
	}
	echo "data Bxwqvjkz" >"$T/half"
	with=() bad=0
	begin "by order" && field lock && gone || bad=1
	begin "with a client that says nothing" && client 0 && field lock && gone || bad=1
	begin "with half a message" && client 2000 && has_read && field lock && gone || bad=1
	begin "among saves" && {
		pids=()
		for i in {1..12}; do field edit "$RECORD_ID" --answers "$RECORD_ANSWERS" >/dev/null 2>&1 & pids+=($!); done
		field lock && gone
		wait "${pids[@]}"
		true
	} || bad=1
	begin "in the middle of a sync" && {
		mkfifo "$T/stub"
		perl tests/support/http_stub.pl hold >"$T/stub" &
		flow_background $!
		exec 7<"$T/stub"
		read -r line <&7
		field sync --server "${line#listening on }" >/dev/null 2>&1 &
		read -r line <&7
		field lock && gone
	} || bad=1
	if shifted_clock; then
		with=(with_shifted_clock)
		begin "by idleness" --idle 5 && passes 302 0 && gone || bad=1
		passes 0 0
		begin "by the machine's sleep" && passes 0 60 && gone || bad=1
		with=()
	fi
	begin "by a signal" && kill -TERM "$(keepers)" && gone || bad=1
	exit $bad
fi

# ---- what it is to have read ----
P=$T/server lan=$T/lan
export RECORD_HOME=$lan RECORD_ENDS=$T/ends RECORD_ANSWERS=$T/answers.json
plain=Qzxkwvjm marked=Đặngmốcthử phone=0917391739
make_province "$P" "Tỉnh Lạng Sơn"
invite "$P" 06184 caseworker "Nông Thị Lan" "$T/lan"
join_device "$lan" "$T/lan"
printf '{"full_name":"%s %s","phone":"%s","safe_contact_note":"gọi sau bảy giờ, %s"}' "$marked" "$plain" "$phone" "$marked" >"$RECORD_ANSWERS"
RECORD_ID=$(on "$lan" add person --answers "$RECORD_ANSWERS") || exit 1
export RECORD_ID
printf '{"full_name":"%s","phone":"%s","address_text":"%s, %s"}' "$marked" "$phone" "$plain" "$marked" >"$RECORD_ANSWERS"
must "$BUILD/tools/vault_keys" "$lan" "$lan.pass" "$lan.recovery"
{
	printf 'data %s\n' Bxwqvjkz "$plain" "$marked" "$phone"
	printf 'secret %s\n' "$(cat "$lan.pass")" "$(cat "$lan.recovery")"
	printf '%s\n' "$out"
} >"$T/words"
look() { "$BUILD/tools/recorder" --words "$T/words" --report "$T/report" "$@"; }

# ---- while it is unlocked ----
must on "$lan" unlock
must on "$lan" list person
pid=$(processes_with "--home $lan --passphrase-file $lan.pass unlock")
look --now "$pid" && [ -s "$T/report" ] && ! grep -q "cannot be read" "$T/report"
if [ $? -ne 0 ]; then
	for name in "${names[@]}"; do ok 0 "$name # SKIP memory may not be looked at here"; done
	done_testing
	exit
fi
grep -q "^memory .*: $marked as" "$T/report"
ok $? "an unlocked vault's records are found in the keeper's memory, so they would be found later"
keys=$(grep -c "^memory .* as .*key" "$T/report")
[ "$keys" -gt 0 ]
ok $? "and so are keys ($keys)"
is "$(grep "^memory .* as .*key" "$T/report" | grep -vc '00:00 0 *\[')" "$keys" "but for guarded memory those are nowhere, on no heap or stack"
is "$(grep -c "$(cat "$lan.pass")" "$T/report")" 0 "the passphrase is forgotten as soon as it was used"
keeps_freed=$(grep -l __asan_init "$BIN/field")	# as a sanitizer does
# Each key lies in pages that are locked and left out of dumps.
guarded() {
	perl -e 'my ($pid, $report) = @ARGV; open my $r, "<", $report; my @at;
	while (<$r>) { push @at, hex $1 if /^memory .* as (?:half a )?key$/ && / at ([0-9a-f]+):/ }
	open my $s, "<", "/proc/$pid/smaps"; my (@map, $m);
	while (<$s>) { if (/^([0-9a-f]+)-([0-9a-f]+) (\S+)/) { $m = [hex $1, hex $2, $3]; push @map, $m } elsif (/^VmFlags: (.*)/) { $m->[3] = $1 } }
	exit 1 unless @at;
	for my $a (@at) { my ($i) = grep { $map[$_][0] <= $a && $a < $map[$_][1] } 0 .. $#map;
		exit 2 unless $map[$i][3] =~ /\blo\b/ && $map[$i][3] =~ /\bdd\b/;
		exit 3 unless $map[$i - 1][2] =~ /^---/ && $map[$i + 1][2] =~ /^---/ && $map[$i - 1][1] == $map[$i][0] && $map[$i + 1][0] == $map[$i][1]; }' "$pid" "$T/report"
}
[ -n "$keeps_freed" ] || guarded
ok $? "they lie in locked pages between guard pages, which no dump holds (lo, dd)"
must on "$lan" lock

# ---- at its end ----
RECORD_WORDS=$T/words ASAN_OPTIONS=detect_leaks=0 look --programs "$BIN/" -- bash "$0"
code=$?
if [ $code -eq 125 ]; then
	for name in "${names[@]}"; do ok 0 "$name # SKIP tracing is not allowed here"; done
	done_testing
	exit
fi
ok $code "the keeper ends in every way"
for name in "${names[@]}"; do
	pid=$(sed -n "s/^$name \\([0-9]*\\)\$/\\1/p" "$T/ends")
	if [ -z "$pid" ]; then
		ok 0 "locked $name # SKIP no preloading here"
		continue
	fi
	what="locked $name: neither records nor keys are in its memory"
	if [ -n "$keeps_freed" ]; then
		ok 0 "$what # SKIP a sanitizer keeps what was freed"
		continue
	fi
	grep -q "^end $pid " "$T/report" && ! grep -q "^memory $pid " "$T/report"
	ok $? "$what" || grep "^\(memory\|end\) $pid " "$T/report" | cut -c 1-400 | sed 's/^/# /' | head -8
done
is "$(grep -c '^\(write\|start\|call\|connect\) ' "$T/report")" 0 "meanwhile nothing was written that should not be" ||
	grep '^\(write\|start\|call\|connect\) ' "$T/report" | cut -c 1-300 | sed 's/^/# /'
sed -n '$s/^/# /p' "$T/report"
done_testing
