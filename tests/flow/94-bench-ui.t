#!/bin/bash
# The bench of the page runs, on few records; no time is asserted.
. tests/support/flow.sh
. tests/browser/modules
flow_folder

exits 0 "the bench runs" env KEEP="$T/kept" RECORDS=200 ROUNDS=2 SLOW=1 tests/bench/run-ui "$BUILD"
for what in "unlock to usable" "open the list" "a keystroke" "open a case" "save, until" ; do
	like "$out" "$what" "it says how long: $what"
done
like "$out" "field open, at the most" "what memory the page's program takes"
ok "$(($(grep -o 'the page, uncompressed *[0-9]*' <<<"$out" | grep -o '[0-9]*$') < 150 ? 0 : 1))" "the page weighs less than 150 kB"
like "$out" "field, stripped" "and what the program weighs"
done_testing
