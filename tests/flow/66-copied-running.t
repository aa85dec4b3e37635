#!/bin/bash
# A laptop is copied while it runs, memory and all, as a virtual machine is: two go on with one log and its
# numbers.  What both wrote is set aside everywhere, and a supervisor lets it count: nothing of either is lost.
. tests/support/flow.sh
flow_folder
P=$T/server
make_province "$P" "Tỉnh Lạng Sơn"
for who in "pao 06184 caseworker" "lan 06184 caseworker" "chief 20 supervisor" "deputy 20 supervisor"; do
	set -- $who
	invite "$P" "$2" "$3" "Cán bộ $1" "$T/$1"
	join_device "$T/$1" "$T/$1"
done
pao=$T/pao lan=$T/lan chief=$T/chief deputy=$T/deputy twin=$T/twin
start_server "$P"
person=$(on "$pao" add person "full_name=Đặng Thị Hòa" sex=F phone=0912345678)
for each in "$pao" "$lan" "$chief" "$deputy"; do
	must sync_with "$each"
done

# A copied process draws the same random numbers as the one it was copied from.
cat >"$T/memory.c" <<'END'
#include <stddef.h>
#include <stdint.h>
void randombytes_buf(void *const buf, const size_t len);
void randombytes_buf(void *const buf, const size_t len)
{
	static uint64_t z = 20260101;
	unsigned char *p = buf;
	for (size_t i = 0; i < len; i++) {
		z = z * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		p[i] = (unsigned char)(z >> 56);
	}
}
END
if ! ${CC:-cc} -shared -fPIC -o "$T/memory.so" "$T/memory.c" 2>/dev/null; then
	echo "1..0 # SKIP no library can be put before a program here"
	exit 0
fi
cp -r "$pao" "$twin"
cp "$pao.pass" "$twin.pass"
FLOW_HOMES+=("$twin")
for each in "$pao" "$twin"; do
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0 LD_PRELOAD=$T/memory.so must on "$each" unlock
done
must on "$pao" edit "$person" phone=0911111111
must on "$twin" edit "$person" phone=0922222222
must on "$pao" add person "full_name=Vi Thị Mai" sex=F
must on "$twin" add person "full_name=Lý Thị Sáng" sex=F
must on "$pao" lock
must on "$twin" lock

# ---- known everywhere, blocks nothing ----
for each in "$pao" "$twin" "$lan" "$chief" "$deputy" "$pao" "$twin"; do
	must sync_with "$each"
done
run on "$chief" status
like "$out" "Set aside: 4." "it is counted"
like "$err" "A running device was copied" "and told"
is "$(on "$chief" --json list person | json '#')" 1 "what was written with the same numbers counts for nobody"
is "$(value_of "$lan" "$person" phone)" 0912345678 "what was before them does"
must on "$pao" edit "$person" "address_text=Thôn Bản Chu"
must sync_with "$pao"
must sync_with "$lan"
is "$(value_of "$lan" "$person" address_text)" "Thôn Bản Chu" "and so does what comes after"
device=$(on "$pao" --json status | json device)
is "$(on "$chief" --json quarantine | json 0 state) $(on "$chief" --json quarantine | json 0 entries)" "forked 4" \
	"a supervisor is shown how much there is"
is "$(on "$lan" --json quarantine | json '#')" 1 "and so is everybody who may read it"
for name in "Vi Thị Mai" "Lý Thị Sáng" 0911111111 0922222222; do
	like "$(on "$chief" quarantine "$device")" "$name" "what stands in it: $name"
done

# ---- released ----
complains 77 supervisor "a case worker releases nothing" on "$lan" quarantine release "$device"
one=$(on "$chief" --json quarantine "$device" | json 0 dot)
exits 0 "a supervisor releases one entry" on "$chief" quarantine release "$one"
exits 0 "and the others" on "$chief" quarantine release "$device"
complains 66 "nothing of this name" "but nothing twice" on "$chief" quarantine release "$device"
exits 0 "another, who does not know, releases all of it" on "$deputy" quarantine release "$device"
for each in "$chief" "$deputy" "$chief" "$lan" "$pao" "$twin"; do
	must sync_with "$each"
done
for each in "$chief" "$deputy" "$lan" "$pao" "$twin"; do
	who=$(basename "$each")
	is "$(on "$each" --json list person | json '#')" 3 "$who has both new persons, once"
	is "$(on "$each" --json quarantine | json '#')" 0 "nothing is left aside"
done
values=$(on "$lan" --json show "$person" | json fields phone values)
like "$values" 0911111111 "the value of the one is there"
like "$values" 0922222222 "and that of the other"
unlike "$values" 0912345678 "the value that both had seen is not"
is "$(on "$lan" --json conflicts | json '#')" 1 "and a person decides between the two"
complains 66 "nothing of this name" "nothing is left to release" on "$deputy" quarantine release "$device"
for each in "$deputy" "$lan" "$pao" "$twin"; do
	is "$(on "$each" --json verify | json digest)" "$(on "$chief" --json verify | json digest)" "all have the same"
done
stop_server
exits 0 "the province checks out whole" server "$P" verify
done_testing
