#!/bin/bash
# The relay's audit log is a chain whose head laptops carry away: who edits it, cuts its end or puts back an older
# one is found out.
. tests/support/flow.sh
flow_folder
P=$T/server
make_province "$P" "Tỉnh Lạng Sơn"
invite "$P" 06184 caseworker "Cán bộ Lan" "$T/lan"
join_device "$T/lan" "$T/lan"
lan=$T/lan
db=$P/relay/depot.db
sql() { # DATABASE STATEMENT
	python3 -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
for r in c.execute(sys.argv[2]): print(*r, sep="|")' "$@"
}
work() {
	must on "$lan" add outreach date=2026-05-05 commune_code=06184 persons_m=2
	must sync_with "$lan"
}
start_server "$P"
work
head=$(on "$lan" --json status | json audit)
like "$head" ":" "a laptop carries the head of the log away"
work
stop_server
like "$(sql "$db" 'SELECT kind FROM audit')" "sync" "syncs stand in it"
like "$(sql "$db" 'SELECT kind FROM audit')" "serve" "and the starts of the server"
exits 0 "the log verifies" server "$P" verify
exits 0 "also with a head that was carried away" server "$P" verify --audit "$head"
later=$(on "$lan" --json status | json audit)
exits 0 "or a later one" server "$P" verify --audit "$later"
exits 64 "what is no head is no head" server "$P" verify --audit 12
exits 64 "nor is one of a line below nothing" server "$P" verify --audit "-1:${later#*:}"
cp -r "$P" "$T/kept"
tampered() { # NAME STATEMENT [OPTION]...: in a copy
	rm -rf "$T/copy"
	cp -r "$T/kept" "$T/copy"
	cp "$P.pass" "$T/copy.pass"
	sql "$T/copy/relay/depot.db" "$2"
	complains 74 "audit log" "$1" server "$T/copy" verify "${@:3}"
}
n=${later%%:*}
tampered "an edited line is found" "UPDATE audit SET detail = 'frames 0, aside 0' WHERE kind = 'sync' AND n = (SELECT min(n) FROM audit WHERE kind = 'sync')"
tampered "an edited device, too" "UPDATE audit SET device = zeroblob(16) WHERE n = (SELECT min(n) FROM audit WHERE kind = 'sync')"
tampered "a line that is gone from the middle" "DELETE FROM audit WHERE n = 2"
tampered "a log whose end was cut, by the head" "DELETE FROM audit WHERE n >= $n" --audit "$later"
tampered "a log without any line, by the head" "DELETE FROM audit" --audit "$later"
sql "$db" "DELETE FROM audit WHERE n >= $n - 1"
start_server "$P"
must on "$lan" sync --server "$URL"
like "$err" "audit log was changed" "the laptop itself sees that the log became shorter"
is "$(on "$lan" --json status | json audit)" "$later" "and keeps the head that proves it"
stop_server
done_testing
