#!/bin/bash
# The bench of reports runs, on few records; no time is asserted.
. tests/support/flow.sh
flow_folder

exits 0 "the bench runs" env KEEP="$T/kept" MANY=600 COMMUNE=200 PERSONS=200 ROWS=40 tests/bench/run-reports "$BUILD"
is "$(grep -cE '^b[0-9]+ ' <<<"$out")" 34 "seventeen tables of a province and of a commune"
is "$(grep -cE '^all .* peak [0-9]+ MB' <<<"$out")" 2 "and all of them, with the peak of memory"
like "$out" "search in 200 persons" "names are typed"
like "$out" "what is due in" "what is due is asked"
like "$out" "rebuild of 200 records" "the fold is made again"
like "$err" "import of 3356 units" "a country's units are taken in"
like "$err" "import of a sheet of 40 rows" "and a sheet of rows"
done_testing
