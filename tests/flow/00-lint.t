#!/bin/bash
# lint: plants one breach after the other in a small clean tree and sees each reported, and nothing else.
lint=$PWD/tests/support/lint
CC=${CC:-gcc}
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
cd "$tree" || exit 1
unset B
n=0

ok() { # RESULT NAME
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; sed 's/^/# /' out; fi
}
header() { # FILE LINE...: a header with a guard
	local file=$1 guard
	shift
	guard=$(echo "$file" | tr 'a-z/.-' 'A-Z___')
	mkdir -p "$(dirname "$file")"
	{ echo "#ifndef $guard"; echo "#define $guard"; printf '%s\n' "$@"; echo "#endif"; } >"$file"
}
source() { # FILE LINE...
	local file=$1
	shift
	mkdir -p "$(dirname "$file")"
	printf '%s\n' "$@" >"$file"
}
run() { "$lint" "$CC" "-std=c11 -D_POSIX_C_SOURCE=200809L -I. -Wall -Wextra" >out 2>&1; }
finds() { # NAME LINE [LINE]: exactly these breaches, then the planted files go away
	local name=$1 bad=0 line
	shift
	run && bad=1
	for line in "$@"; do grep -qF -- "$line" out || bad=1; done
	grep -q "^lint: $# breaches" out || bad=1
	ok $bad "$name"
	clean_tree
}
clean_tree() {
	find . -mindepth 1 -maxdepth 1 ! -name out -exec rm -rf {} +
	header shared/base/rc.h 'enum rc { RC_OK };'
	header shared/base/text.h 'int text_fold(const char *s);'
	source shared/base/text.c '#include "shared/base/text.h"' '#include <utf8proc.h>' \
		'int text_fold(const char *s) { return s[0]; }'
	header shared/vault/secret.h '#include "shared/base/rc.h"' 'struct secret;'
	header shared/vault/vault.h '#include "shared/base/rc.h"' 'struct vault;'
	header shared/forms/form.h '#include "shared/base/rc.h"' 'struct form;'
	header shared/records/entry.h '#include "shared/forms/form.h"' 'struct entry;'
	header shared/sync/frame.h '#include "shared/vault/secret.h"' 'struct frame;'
	header shared/sync/replica.h '#include "shared/records/entry.h"' 'struct replica;'
	header sync-server/relay.h '#include "shared/sync/frame.h"' 'struct relay;'
	header field/workspace.h '#include "shared/sync/replica.h"' 'struct workspace;'
	source field/main.c '#include "field/workspace.h"' 'int main(void) { return 0; }'
	source sync-server/main.c '#include "sync-server/relay.h"' 'int main(void) { return 0; }'
}

clean_tree
run; ok $? "finds nothing in a clean tree"
source README.md "$(printf 'TO''DO')"; run
ok $((! $?)) "fails when there is a breach"
clean_tree

header shared/base/low.h '#include "shared/vault/vault.h"' 'struct low;'
finds "refuses an include from a higher floor" \
	"shared/base/low.h:3: floors: shared/vault/vault.h is not on a lower floor"
header shared/forms/form_store.h '#include "shared/vault/vault.h"' 'struct form_store;'
finds "refuses an include from the floor's other folder" \
	"shared/forms/form_store.h:3: floors: shared/vault/vault.h"
header field/peek.h '' '' '#include "sync-server/relay.h"' 'struct peek;'
finds "refuses the server in the worker's program" "field/peek.h:5: floors: sync-server/relay.h"
header sync-server/peek.h '#include "field/workspace.h"' 'struct peek;'
finds "refuses the worker's program in the server" "sync-server/peek.h:3: floors: field/workspace.h"
source shared/base/near.c '#include "text.h"'
finds "refuses a path that does not begin at the top" "shared/base/near.c:1: floors: not a header"
source field/whole.c '#include "shared/base/text.c"'
finds "refuses an include of a source file" "field/whole.c:1: floors: includes a program or a source"
source field/other.c '#include "field/main.h"'
finds "refuses an include of a main" "field/other.c:1: floors: includes a program or a source"
source field/macro.c '#define PATH "shared/base/rc.h"' '#include PATH'
finds "refuses an include that it cannot read" "field/macro.c:2: floors: an include that cannot be read"

source sync-server/relay.c '#include "sync-server/relay.h"' '#include "shared/records/entry.h"'
finds "refuses records in the relay" \
	"sync-server/relay.c:2: blind: reaches shared/records/entry.h" \
	"sync-server/relay.c:2: blind: reaches shared/forms/form.h through shared/records/entry.h"
source sync-server/depot.c '#include "shared/sync/replica.h"'
finds "refuses records that come through another header" \
	"sync-server/depot.c:1: blind: reaches shared/records/entry.h through shared/sync/replica.h" \
	"sync-server/depot.c:1: blind: reaches shared/forms/form.h through shared/sync/replica.h through"
source shared/sync/exchange.c '#include "shared/vault/vault.h"'
finds "refuses the vault in the exchange" "shared/sync/exchange.c:1: blind: reaches shared/vault/vault.h"

source shared/records/entry.c '#include <stdio.h>' '#include <sodium.h>'
finds "refuses libsodium outside its doors" "shared/records/entry.c:2: libraries: <sodium.h> only in:"
source shared/sync/directory.c '#include <zlib.h>'
finds "refuses zlib outside its door" "shared/sync/directory.c:1: libraries: <zlib.h> only in: shared/sync/pack"
source sync-server/relay_http.c '#include <microhttpd.h>'
finds "refuses libmicrohttpd outside the web folder" "sync-server/relay_http.c:1: libraries: <microhttpd.h>"
source shared/base/files.c '#include <jansson.h>'
finds "refuses JSON on the ground floor" "shared/base/files.c:1: libraries: <jansson.h>"
source shared/vault/digest.c '#include <openssl/sha.h>'
finds "refuses a library that is not in the list" "shared/vault/digest.c:1: libraries: <openssl/sha.h>"
source shared/records/fold.c '#include <sys/socket.h>'
finds "refuses the operating system above the ground floor" "shared/records/fold.c:1: libraries: <sys/socket.h>"
source shared/records/journal.c 'extern int sqlite3_open(const char *, void **);' \
	'int journal_open(void **db);' 'int journal_open(void **db) { return sqlite3_open("x", db); }'
finds "refuses a database that is opened elsewhere" \
	"shared/records/journal.c:1: words: sqlite3_open only in:" \
	"shared/records/journal.c:3: words: sqlite3_open only in:"
source field/page.c '/* _WIN32 and sqlite3_open() may be spoken of,' 'even _WIN32 here */' '#ifdef _WIN32' '#endif'
finds "refuses another system above the ground floor, but not its name in a comment" \
	"field/page.c:3: words: _WIN32 only in: shared/base/"

header field/lonely.h 'size_t lonely_count(void);'
finds "refuses a header that does not compile alone" "field/lonely.h:1: alone: "
header field/loud.h '/* a comment /* in a comment */'
finds "refuses a header that warns" "field/loud.h:1: alone: "
header field/frame.h 'struct frame;'
finds "refuses one name in two folders" "shared/sync/frame.h:1: names: there is a frame in field/ too"

source shared/base/csv.c 'int csv_parse(void); int parse_cell(void); extern int csv; int csv = 1;' \
	'int csv_parse(void) { return 0; }' 'int parse_cell(void) { return 0; }'
mkdir -p build/shared/base
$CC -c -o build/shared/base/csv.o shared/base/csv.c
finds "refuses exported names of no module" "shared/base/csv.c:1: names: exports parse_cell"
source shared/base/csv_posix.c 'int csv_parse(void); int csv_parse(void) { return 0; }'
source shared/base/bytes.c 'int reader_init(void); int reader_init(void) { return 0; }'
mkdir -p build/shared/base
$CC -c -o build/shared/base/csv_posix.o shared/base/csv_posix.c
$CC -c -o build/shared/base/bytes.o shared/base/bytes.c
run; ok $? "allows the names of the module that a file is a part of"
clean_tree

source shared/sync/replica_events.c 'static const char *const texts[][3] = {' '	{ "clock-wrong", "Sai giờ.", "Wrong." } };'
source shared/sync/replica_take.c 'void replica_take(void); void replica_event(int r, const char *kind, const char *detail);' \
	'void replica_take(void)' '{' '	replica_event(1, "clock-wrong", "other");' '	replica_event(1, 2 ? "clock-wrong" :' \
	'	    "odd-thing", "x");' '}'
finds "refuses an event without a sentence" "shared/sync/replica_take.c:5: events: no sentence for odd-thing"
source notes.md 'one' "$(printf 'FIX''ME: later')"
finds "refuses unfinished work" "notes.md:2: unfinished:"
source tests/flow/10-day.t "cd $(printf '/home%s' /lan/field)" 'cd /tmp/home/x' "ls $(printf '/ro%s' ot/.cache)"
finds "refuses paths of one machine" "tests/flow/10-day.t:1: machine:" "tests/flow/10-day.t:3: machine:"
mkdir -p tests/unit
{ for i in $(seq 501); do echo "/* $i */"; done; } >shared/base/long.c
{ for i in $(seq 651); do echo "/* $i */"; done; } >tests/unit/test_long.c
finds "refuses files over the limit" "shared/base/long.c:500: length: a file of 501 lines" \
	"tests/unit/test_long.c:650: length: a file of 651 lines"
{ echo 'void long_one(void);'; echo void; echo 'long_one(void)'; echo '{'
	for i in $(seq 99); do echo "	/* $i */"; done; echo '}'; } >shared/base/long.c
finds "refuses functions over the limit" "shared/base/long.c:4: length: a function of 101 lines"

if command -v cppcheck >/dev/null 2>&1; then
	source shared/base/leak.c '#include <stdlib.h>' 'int leak_it(void);' 'int' 'leak_it(void)' '{' \
		'	int a[2] = { 0, 0 };' '	return a[2];' '}'
	finds "passes on what cppcheck finds" "shared/base/leak.c:7: cppcheck: "
else
	n=$((n + 1)); echo "ok $n - passes on what cppcheck finds # SKIP no cppcheck"
fi
if command -v mandoc >/dev/null 2>&1; then
	source field/field.1 '.Dd November 22, 2026' '.Dt FIELD 1' '.Os' '.Sh NAME' '.Nm field' \
		'.Nd record' '.Sh DESCRIPTION' '.Xx'
	finds "passes on what mandoc finds" "field/field.1:8: manual: "
else
	n=$((n + 1)); echo "ok $n - passes on what mandoc finds # SKIP no mandoc"
fi

# In a checkout what is ignored is not of the project.
if git init -q . 2>/dev/null; then
	echo '/scratch/' >.gitignore
	source scratch/x.md "$(printf 'FIX''ME')"
	run; ok $? "leaves out what git ignores"
	source x.md "$(printf 'FIX''ME')"
	finds "takes in what is not yet committed" "x.md:1: unfinished:"
else
	for name in "leaves out what git ignores" "takes in what is not yet committed"; do
		n=$((n + 1)); echo "ok $n - $name # SKIP no git"
	done
fi
echo "1..$n"
