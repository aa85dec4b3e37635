# shellcheck shell=bash disable=SC2034
# flow.sh: what the flows and the demo share; sourced by bash from the top of the tree.
# BIN: folder with field and sync-server; BUILD: the build folder, for helper programs.
set -u
umask 077
unset FIELD_HOME TMOUT
export LC_ALL=C.UTF-8
BIN=${BIN:-$PWD/build/bin}
BUILD=${BUILD:-$(dirname "$BIN")}
FLOW_SUPPORT=$PWD/tests/support
FLOW_PIDS=() FLOW_HOMES=() FLOW_N=0
# What a laptop of the flows runs with: the cheapest Argon2 there is.
KDF=32

# ---- a place to work in, and an end that leaves nothing running ----

flow_folder() { # makes $T, removed at the end
	T=$(mktemp -d "${TMPDIR:-/tmp}/flow.XXXXXX") || exit 1
	FLOW_REMOVES=$T
	trap flow_end EXIT
	trap 'exit 1' HUP INT TERM
}
flow_end() {
	local home pid
	for home in "${FLOW_HOMES[@]}"; do
		"$BIN/field" --home "$home" --quiet lock >/dev/null 2>&1
	done
	for pid in "${FLOW_PIDS[@]}"; do
		kill "$pid" 2>/dev/null
	done
	for pid in "${FLOW_PIDS[@]}"; do
		wait "$pid" 2>/dev/null
	done
	FLOW_PIDS=() FLOW_HOMES=()
	[ -z "${FLOW_REMOVES:-}" ] || rm -rf "$FLOW_REMOVES"
}
flow_background() { # PID: to be stopped at the end
	FLOW_PIDS+=("$1")
}
flow_stop() { # PID
	kill "$1" 2>/dev/null
	wait "$1"
}

# Processes whose command line holds these words; those that a process started.
processes_with() { # WORDS
	perl -e 'for (glob "/proc/[0-9]*") { my ($pid) = /(\d+)/; next if $pid == $$;
		open my $h, "<", "$_/cmdline" or next; local $/; my $line = <$h> // ""; $line =~ s/\0/ /g;
		print "$pid\n" if index($line, $ARGV[0]) >= 0 }' -- "$1"
}
children_of() { # PID
	perl -e 'for (glob "/proc/[0-9]*/stat") { open my $h, "<", $_ or next; my $line = <$h> // "";
		print "$1\n" if $line =~ /^(\d+) \(.*\) \S (\d+)/ && $2 == $ARGV[0] }' -- "$1"
}

# ---- checks, as TAP ----

ok() { # STATUS NAME
	FLOW_N=$((FLOW_N + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $FLOW_N - $2"
	else
		echo "not ok $FLOW_N - $2"
	fi
	return "$1"
}
is() { # GOT WANTED NAME
	[ "$1" = "$2" ]
	ok $? "$3" || { printf '%s\n' "# got:    $1" "# wanted: $2" | head -c 2000; return 1; }
}
like() { # TEXT WORDS NAME: the words stand in the text
	case $1 in *"$2"*) ok 0 "$3" ;; *) ok 1 "$3"; printf '%s\n' "# \"$2\" is not in: $1" | head -c 2000; echo; return 1 ;; esac
}
unlike() { # TEXT WORDS NAME
	case $1 in *"$2"*) ok 1 "$3"; echo "# found: $2"; return 1 ;; *) ok 0 "$3" ;; esac
}
# Runs a command; its output goes to $out, its errors to $err, its exit code to $code.
run() {
	"$@" >"$T/.out" 2>"$T/.err" </dev/null
	code=$?
	out=$(cat "$T/.out") err=$(cat "$T/.err")
	return "$code"
}
exits() { # CODE NAME COMMAND...
	local wanted=$1 name=$2
	shift 2
	run "$@"
	[ "$code" -eq "$wanted" ]
	ok $? "$name" || { printf '%s\n' "# exit code $code, wanted $wanted: $*" "# $err" | head -c 2000; echo; return 1; }
}
# The same, and the complaint is one line "program: what: where: what to do" that holds the words.
complains() { # CODE WORDS NAME COMMAND...
	local wanted=$1 words=$2 name=$3
	shift 3
	run "$@"
	[ "$code" -eq "$wanted" ] && [[ $err == *"$words"* ]] &&
		[[ $err =~ ^(field|sync-server):\ .+ ]] && [ -z "$out" ]
	ok $? "$name" || {
		printf '%s\n' "# exit code $code, wanted $wanted and the words \"$words\": $*" "# $err" "# $out" | head -c 2000
		echo
		return 1
	}
}
must() { # COMMAND...: a step that what follows needs
	run "$@" && return 0
	echo "# this step failed with $code: $*"
	printf '%s\n' "$err" | sed 's/^/# /' | head -20
	echo "Bail out! a step failed"
	exit 1
}
# A command without what root may do beyond the rights to files and the limit of locked memory.
mortal() { # COMMAND...
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --bounding-set=-dac_override,-dac_read_search,-ipc_lock "$@"
	else
		"$@"
	fi
}
done_testing() {
	echo "1..$FLOW_N"
}
# One value of a JSON text on standard input: json fields phone values 0 value; a list
# without an index is printed one a line, `#` is its length.
json() {
	perl -CO -MJSON::PP -e '
		local $/; my $v = eval { JSON::PP->new->utf8->allow_nonref->decode(scalar <STDIN>) };
		exit 2 if $@;
		for (@ARGV) {
			if ($_ eq "#") { $v = ref $v eq "ARRAY" ? scalar @$v : scalar keys %$v; next }
			$v = ref $v eq "ARRAY" ? $v->[$_] : ref $v eq "HASH" ? $v->{$_} : undef;
		}
		sub show { my $x = shift; !defined $x ? "null" : JSON::PP::is_bool($x) ? ($x ? "true" : "false") :
			ref $x ? JSON::PP->new->canonical->encode($x) : $x }
		print ref $v eq "ARRAY" ? join("\n", map { show($_) } @$v) : show($v), "\n";
	' -- "$@"
}

# ---- a clock that runs ahead ----

shifted_clock() { # makes it, if this system lets it be put before a program
	cat >"$T/clock.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
/* Two numbers in a file: seconds that have passed beyond the true ones, awake and asleep. */
int clock_gettime(clockid_t id, struct timespec *t)
{
	static int (*real)(clockid_t, struct timespec *);
	long awake = 0, asleep = 0;
	FILE *f = fopen(getenv("PASSED"), "r");
	int r;
	if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	r = real(id, t);
	if (f) { if (fscanf(f, "%ld %ld", &awake, &asleep) != 2) awake = asleep = 0; fclose(f); }
	t->tv_sec += awake;
	if (id == CLOCK_BOOTTIME) t->tv_sec += asleep;
	return r;
}
END
	export PASSED=$T/passed
	echo "0 0" >"$PASSED"
	gcc -shared -fPIC -o "$T/clock.so" "$T/clock.c" -ldl 2>/dev/null && [ -z "$(LD_PRELOAD=$T/clock.so true 2>&1)" ]
}
with_shifted_clock() { # COMMAND...
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0 LD_PRELOAD=$T/clock.so "$@"
}
passes() { # SECONDS ASLEEP: so many beyond the true ones, awake, and asleep
	echo "$*" >"$PASSED.new" && mv "$PASSED.new" "$PASSED"
}

# ---- a province ----

secret_file() { # FILE TEXT
	printf '%s\n' "$2" >"$1"
	chmod 600 "$1"
}
server() { # DIR COMMAND...: with the authority's passphrase
	local dir=$1
	shift
	"$BIN/sync-server" --dir "$dir" --passphrase-file "$dir.pass" "$@"
}
make_province() { # DIR NAME
	mkdir -p "$1"
	secret_file "$1.pass" "bảy cây cầu qua sông Kỳ Cùng"
	must server "$1" init --name "$2" --kdf-memory $KDF
	must server "$1" units import "$FLOW_SUPPORT/lang_son.csv"
}
# Serves on a port that the system picks; sets URL and SERVER_PID.
start_server() { # DIR [OPTION]...
	local dir=$1 fifo line
	shift
	fifo=$(mktemp -u "${T:-$dir}/ready.XXXXXX")
	mkfifo "$fifo"
	"$BIN/sync-server" --dir "$dir" serve --listen "${LISTEN:-127.0.0.1:0}" "$@" >"$fifo" 2>>"$dir.log" &
	SERVER_PID=$!
	flow_background $SERVER_PID
	exec {SERVER_OUT}<"$fifo"
	rm -f "$fifo"
	URL=
	while IFS= read -r -t 30 line <&$SERVER_OUT; do
		case $line in *"listening on "*) URL=${line##*listening on }; break ;; esac
	done
	[ -n "$URL" ] && return 0
	echo "# the server did not come up:"
	sed 's/^/# /' "$dir.log"
	echo "Bail out! no server"
	exit 1
}
stop_server() {
	flow_stop "$SERVER_PID"
	local status=$?
	exec {SERVER_OUT}<&-
	return $status
}
invite() { # DIR UNIT ROLE NAME OUT: writes OUT.invitation and OUT.code
	local dir=$1 unit=$2 role=$3 name=$4 to=$5
	must server "$dir" invite --unit "$unit" --role "$role" --name "$name" --out "$to.invitation" \
		--code-file "$to.code"
}
join_device() { # HOME INVITATION (without its ending)
	secret_file "$1.pass" "chín con suối nhỏ $(basename "$1")"
	FLOW_HOMES+=("$1")
	must "$BIN/field" --home "$1" --passphrase-file "$1.pass" join "$2.invitation" \
		--code-file "$2.code" --kdf-memory $KDF --recovery-file "$1.recovery"
}
on() { # HOME COMMAND...: one command of the worker's program, in English
	local home=$1
	shift
	"$BIN/field" --lang en --home "$home" --passphrase-file "$home.pass" "$@"
}
value_of() { # HOME ID FIELD: what the record shows
	on "$1" --json --quiet show "$2" | json fields "$3" value
}
sync_with() { # HOME [URL [OPTION...]]
	on "$1" --json sync --server "${2:-$URL}" "${@:3}"
}
# Put ids where sheets of make_corpus refer to records by name.
fill_references() { # HOME FOLDER NAMING_FORM NAME_FIELD SHEET...
	local home=$1 dir=$2 form=$3 field=$4
	shift 4
	on "$home" --quiet export "$form" "$dir/$form.ids.csv" >/dev/null || return
	perl -e '
		my ($field, $ids, @sheets) = @ARGV;
		open my $in, "<", $ids or die $!;
		my @head = map { s/\s+$//r } split /,/, scalar <$in>;
		my ($at) = grep { $head[$_] eq $field } 0 .. $#head;
		my %id;
		while (<$in>) { my @c = split /,/; $id{"\@$c[$at]"} = $c[0]; }
		for my $sheet (@sheets) {
			next unless -e $sheet;
			open my $f, "<", $sheet or die $!;
			local $/; my $text = <$f>; close $f;
			$text =~ s/(\@[A-Z0-9-]+)/$id{$1} \/\/ $1/ge;
			open $f, ">", $sheet or die $!; print $f $text; close $f;
		}' "$field" "$dir/$form.ids.csv" "$@"
	rm -f "$dir/$form.ids.csv"
}
import_corpus() { # HOME FOLDER: the sheets of make_corpus
	local home=$1 dir=$2 form
	must on "$home" import person "$dir/person.csv"
	fill_references "$home" "$dir" person pseudonym_code "$dir/case.csv" || return
	must on "$home" import case "$dir/case.csv"
	fill_references "$home" "$dir" case case_no "$dir/follow_up.csv" "$dir/service_delivery.csv" || return
	for form in awareness_session outreach follow_up service_delivery; do
		[ ! -e "$dir/$form.csv" ] || must on "$home" import "$form" "$dir/$form.csv"
	done
}
