#!/bin/bash
# The page's local server: who gets in, who does not, and that it runs the program's own commands.
. tests/support/flow.sh
flow_folder
P=$T/server lan=$T/lan
make_province "$P" "Tỉnh Lạng Sơn"
invite "$P" 06184 caseworker "Nông Thị Lan" "$T/lan"

open_page() { # HOME: sets URL, H, CODE
	rm -f "$T/url"
	"$BIN/field" --home "$1" open --no-browser >"$T/url" 2>"$T/page.err" &
	PAGE=$!
	flow_background $PAGE
	until [ -s "$T/url" ] 2>/dev/null; do read -r -t 0.1 <>"$T/never"; done
	URL=$(cat "$T/url") H=${URL%%/launch*} CODE=${URL#*#} PORT=${H##*:}
}
status_of() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
raw() { # TEXT: one request as it is; the status
	perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ARGV[0]) or die;
		(my $text = $ARGV[1]) =~ s/\\r\\n/\r\n/g; print $s $text; my $line = <$s> // "";
		print $line =~ /^HTTP\S+ (\d+)/ ? $1 : "cut"' -- "$PORT" "$1"
}
launch() { # sets COOKIE and TOKEN
	COOKIE=$(curl -s -i -X POST "$H/launch" -H "Origin: $H" -H 'Content-Type: application/json' -d "{\"code\":\"$CODE\"}" |
		perl -ne 'print $1 if /^Set-Cookie: (f[0-9a-f]+=[0-9a-f]+);/i')
	TOKEN=$(curl -s "$H/" -H "Cookie: $COOKIE" | perl -ne 'print $1 if /name="token" content="([0-9a-f]{32})"/')
}
api() { # PATH BODY
	curl -s -X POST "$H/api/$1" -H "Origin: $H" -H 'Sec-Fetch-Site: same-origin' -H 'Content-Type: application/json' \
		-H "Cookie: $COOKIE" -H "X-Field-Token: $TOKEN" --data-binary "$2"
}
run_json() { # JSON-ARGV [MORE]
	api run "{\"argv\":$1${2:+,$2}}"
}
mkfifo "$T/never"

# ---- joining from the page, before there is a vault ----
open_page "$lan"
like "$URL" "http://127.0.0.1:" "the launch URL is of this computer"
is "$(status_of "$H/")" 401 "without a session there is nothing"
is "$(status_of "$H/launch")" 200 "but the launch"
launch
ok $((${#COOKIE} > 40 ? 0 : 1)) "the code is exchanged for a cookie"
is ${#TOKEN} 32 "the page has its token"
is "$(status_of -X POST "$H/launch" -H "Origin: $H" -H 'Content-Type: application/json' -d "{\"code\":\"$CODE\"}")" 403 "a code is good once"
is "$(api state '{}')" '{"vault":false,"open":false,"busy":0,"wait":0}' "there is no vault yet"
handle=$(curl -s -X POST "$H/api/upload" -H "Origin: $H" -H 'Content-Type: application/octet-stream' -H "Cookie: $COOKIE" \
	-H "X-Field-Token: $TOKEN" --data-binary "@$T/lan.invitation" | perl -ne 'print $1 if /"handle":"([0-9a-f]+)"/')
code=$(cat "$T/lan.code")
like "$(run_json '["join","inv","--kdf-memory","32"]' "\"files\":{\"inv\":\"$handle\"},\"secrets\":{\"code\":\"$code\",\"passphrase\":\"ngắn\"}")" \
	'"name":"breaks a rule"' "a short passphrase is refused"
like "$(run_json '["join","inv","--kdf-memory","32"]' "\"files\":{\"inv\":\"$handle\"},\"secrets\":{\"code\":\"$code\",\"passphrase\":\"mot mat khau dai\"}")" \
	'"code":64' "and so is who names no file for the recovery code, which would be on no screen"
is "$(api state '{}')" '{"vault":false,"open":false,"busy":0,"wait":0}' "no vault was made"
joined=$(run_json '["join","inv","--kdf-memory","32","--recovery-file","recovery.txt","--sheet","recovery.html"]' \
	"\"files\":{\"inv\":\"$handle\"},\"secrets\":{\"code\":\"$code\",\"passphrase\":\"mot mat khau dai\"}")
like "$joined" '"role":"caseworker"' "an invitation is accepted in the page"
like "$joined" '"name":"recovery.html"' "with the sheet to print"
sheet=$(perl -ne 'print $1 if /"recovery.html","handle":"([0-9a-f]+)"/' <<<"$joined")
like "$(curl -s -i "$H/sheet/$sheet" -H "Cookie: $COOKIE")" "sandbox" "which is shown in a sandbox"
text=$(perl -ne 'print $1 if /"recovery.txt","handle":"([0-9a-f]+)"/' <<<"$joined")
recovery=$(curl -s "$H/file/$text" -H "Cookie: $COOKIE")
ok $((${#recovery} > 20 ? 0 : 1)) "and the code itself"
ok "$([ ! -e "$lan/recovery.txt" ] && [ ! -e recovery.txt ]; echo $?)" "which is in no file"

# ---- opening, working, locking ----
locked=$(run_json '["status"]')
like "$locked" '"locked":true' "locked is said"
for i in 1 2 3; do
	wrong=$(run_json '["unlock"]' '"secrets":{"passphrase":"khong phai"}')
	run_json '["lock"]' '"secrets":{"passphrase":"khong phai"}' >"$T/.locked"
done
like "$wrong" '"code":77' "a wrong passphrase does not open"
like "$(run_json '["unlock"]' '"secrets":{"passphrase":"mot mat khau dai"}')" '"busy"' "who has guessed waits"
like "$(run_json '["recovery","--recovery-file","r"]' '"secrets":{"passphrase":"mot mat khau dai"}')" '"busy"' "whatever the guess is for"
until [[ $(api state '{}') == *'"wait":0'* ]]; do read -r -t 0.2 <>"$T/never"; done
like "$(run_json '["unlock","--idle","15"]' '"secrets":{"passphrase":"mot mat khau dai"}')" '"ok":true' "the right one opens"
like "$(api state '{}')" '"open":true' "it is open"
like "$(run_json '["add","outreach","date=2026-04-01","kind=HOUSEHOLD","commune_code=06184","persons_m=1","persons_f=3"]')" '"id":"' "a record is written"
is "$(run_json '["list","outreach"]' | perl -ne 'print scalar(() = /"form":"outreach"/g)')" 1 "and listed"
like "$(run_json '["try","outreach","date=hom nay"]')" "không phải ngày tháng" "the form's own words come in Vietnamese"
like "$(run_json '["try","outreach","date=hom nay"]' '"lang":"en"')" "not a date" "or in English"
out=$(run_json '["export","outreach","../../x;y.csv"]')
like "$out" '"name":"x-y.csv"' "what comes out has a plain name, and no path"
file=$(perl -ne 'print $1 if /"handle":"([0-9a-f]+)"/' <<<"$out")
like "$(curl -s -i "$H/file/$file" -H "Cookie: $COOKIE")" "attachment; filename=\"x-y.csv\"" "and is saved, not shown"
is "$(status_of "$H/sheet/$file" -H "Cookie: $COOKIE")" 404 "a sheet to print is a document of our own"
like "$(run_json '["import","outreach","/etc/passwd"]')" '"code":66' "a file of this computer is not read"
like "$(run_json '["forms","check","schema"]')" "không dùng trong trang" "nor by the commands that could"
like "$(run_json '["--home","/tmp","status"]')" '"unit":"06184"' "no other home is opened"
is "$(run_json '["passphrase","--new-passphrase-file","/etc/hostname","--passphrase-file","/etc/hostname","--code-file","/etc/hostname"]' |
	grep -c '"ok":false')" 1 "no passphrase is read from a file"
for name in /etc/hostname @/etc/hostname - ./x ""; do
	like "$(run_json "[\"add\",\"outreach\",\"--answers\",\"$name\"]")" '"code":66' "answers come from no file ($name)"
done
for argv in '"bundle","import","/etc/hostname"' '"plan","import","/etc/hostname"'; do
	like "$(run_json "[$argv]")" '"code":66' "nor does what $argv reads"
done
for argv in '"restore","/etc/hostname"' '"forms","pack","outreach","x.xlsx"' '"open"'; do
	like "$(run_json "[$argv]")" '"code":64' "$argv is not for the page"
done
(cd "$lan" && find . -type f | sort) >"$T/before"
run_json "[\"export\",\"outreach\",\"$lan/x.csv\"]" >"$T/.out"
run_json "[\"backup\",\"$lan/x.backup\"]" >>"$T/.out"
run_json "[\"report\",\"b1\",\"--from\",\"2026-01-01\",\"--to\",\"2026-12-31\",\"--out\",\"$lan/x.xlsx\"]" >>"$T/.out"
is "$(grep -o '"name":"x[^"]*"' "$T/.out" | tr '\n' ' ')" '"name":"x.csv" "name":"x.backup" "name":"x.xlsx" ' "a path leads to nothing but a name"
is "$(cd "$lan" && find . -type f | sort | diff "$T/before" - | grep -c '/x\.')" 0 "and no file"
is "$(curl -s -o /dev/null -w '%{http_code}' "$H/api/run" -H "Cookie: $COOKIE")" 404 "GET changes nothing"
like "$(run_json '["lock"]')" '"ok":true' "it is locked again"
is "$(status_of "$H/file/$file" -H "Cookie: $COOKIE")" 404 "and what came out before is forgotten"
like "$(run_json '["list","outreach"]')" '"locked":true' "nothing is shown"

# ---- locked by another ----
run_json '["unlock"]' '"secrets":{"passphrase":"mot mat khau dai"}' >"$T/.opened"
file=$(run_json '["export","outreach","y.csv"]' | perl -ne 'print $1 if /"handle":"([0-9a-f]+)"/')
is "$(status_of "$H/file/$file" -H "Cookie: $COOKIE")" 200 "what came out is there"
must "$BIN/field" --home "$lan" --quiet lock
for i in {1..100}; do
	[ "$(status_of "$H/file/$file" -H "Cookie: $COOKIE")" = 404 ] && break
	read -r -t 0.1 <>"$T/never"
done
is "$(status_of "$H/file/$file" -H "Cookie: $COOKIE")" 404 "until the vault is locked, by whomever"

# ---- others ----
for host in evil.com 127.0.0.1.evil.com "127.0.0.1:1" "[::1]:$PORT" "0.0.0.0:$PORT" "2130706433:$PORT" "localhost:$PORT"; do
	is "$(status_of "$H/" -H "Host: $host" -H "Cookie: $COOKIE")" 403 "as $host it is not there"
done
is "$(raw "GET / HTTP/1.1\r\nCookie: $COOKIE\r\n\r\n")" 400 "without a Host"
is "$(raw "GET / HTTP/1.1\r\nHost: 127.0.0.1:$PORT\r\nHost: 127.0.0.1:$PORT\r\nCookie: $COOKIE\r\n\r\n")" 403 "with two of them"
is "$(raw "GET http://127.0.0.1:$PORT/ HTTP/1.1\r\nHost: 127.0.0.1:$PORT\r\nCookie: $COOKIE\r\n\r\n")" 400 "with an absolute address"
for path in /../index.html /%2e%2e/app.js /app.js%00.css //app.js /file/../app.js /api /file/ /sheet/ "/file/$(printf '%040d' 0)"; do
	is "$(raw "GET $path HTTP/1.1\r\nHost: 127.0.0.1:$PORT\r\nCookie: $COOKIE\r\n\r\n")" 404 "$path is nothing"
done
post=(-X POST "$H/api/state" -H "Cookie: $COOKIE" -H "X-Field-Token: $TOKEN" -d '{}')
json=(-H 'Content-Type: application/json')
is "$(status_of "${post[@]}" "${json[@]}" -H "Origin: $H")" 200 "our own page may ask"
for origin in null "http://127.0.0.1:1" "http://evil.com" "file://"; do
	is "$(status_of "${post[@]}" "${json[@]}" -H "Origin: $origin")" 403 "a page of $origin may not"
done
for site in cross-site same-site none; do
	is "$(status_of "${post[@]}" "${json[@]}" -H "Origin: $H" -H "Sec-Fetch-Site: $site")" 403 "nor one that is $site"
done
is "$(status_of "${post[@]}" "${json[@]}")" 403 "nor who says neither"
is "$(status_of "${post[@]}" -H "Origin: $H" -H 'Content-Type: text/plain')" 415 "nor a plain form"
is "$(status_of "${post[@]}" -H "Origin: $H" -H 'Content-Type: multipart/form-data; boundary=x')" 415 "nor one in parts"
is "$(status_of -X POST "$H/api/state" -H "Origin: $H" "${json[@]}" -H "Cookie: $COOKIE" -d '{}')" 403 "nor without the token"
is "$(status_of -X POST "$H/api/state" -H "Origin: $H" "${json[@]}" -H "Cookie: $COOKIE" -H "X-Field-Token: ${TOKEN//[0-9]/0}" -d '{}')" 403 "nor with another"
is "$(status_of -X OPTIONS "$H/api/state" -H "Origin: http://evil.com")" 405 "nobody may ask to ask"
unlike "$(curl -s -i "$H/launch")" "Access-Control" "no page of another origin is let read"
is "$(printf '{"argv":["status"],"argv":["lock"]}' | status_of -X POST "$H/api/run" -H "Origin: $H" "${json[@]}" -H "Cookie: $COOKIE" -H "X-Field-Token: $TOKEN" -d @-)" 400 "JSON that says two things is refused"
for bad in '{' '[]' '{"argv":[]}' '{"argv":[1]}' '{"argv":"status"}' '{"argv":["--help"]}' '{"argv":["a\u0000b"]}'; do
	is "$(status_of -X POST "$H/api/run" -H "Origin: $H" "${json[@]}" -H "Cookie: $COOKIE" -H "X-Field-Token: $TOKEN" -d "$bad")" 400 "so is $bad"
done
is "$(raw "POST /api/run HTTP/1.1\r\nHost: 127.0.0.1:$PORT\r\nContent-Length: 99999999999\r\n\r\n")" 413 "and what is too long"
head="Host: 127.0.0.1:$PORT\r\nOrigin: $H\r\nCookie: $COOKIE\r\nX-Field-Token: $TOKEN\r\nContent-Type: application/json\r\n"
is "$(raw "POST /api/run HTTP/1.1\r\n${head}Content-Length: 4194305\r\n\r\n")" 413 "a command has 4 MiB"
is "$(raw "POST /api/state HTTP/1.1\r\n${head}Content-Length: 4097\r\n\r\n")" 413 "a question 4 KiB"
is "$(raw "POST /launch HTTP/1.1\r\nHost: 127.0.0.1:$PORT\r\nOrigin: $H\r\nContent-Type: application/json\r\nContent-Length: 67108864\r\n\r\n")" 413 "so has the launch"
is "$(raw "GET / HTTP/1.1\r\n${head}Content-Length: 1\r\n\r\n")" 413 "to look one brings nothing"
is "$(raw "POST /api/run HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\n")" 411 "a body says how long it is"
is "$(raw "POST /api/run HTTP/1.1\r\nHost: 127.0.0.1:$PORT\r\nOrigin: $H\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")" 401 "who is refused is told before he has sent all"
is "$(raw "HEAD / HTTP/1.1\r\n$head\r\n")" 405 "HEAD is nothing"
for deep in "$(perl -e 'print "[" x 100000')" "{\"argv\":$(perl -e 'print "[" x 3000, "]" x 3000')}" "$(printf '{"argv":["a\xff"]}')" "{\"argv\":[$(perl -e 'print "\"a\"," x 600')\"a\"]}"; do
	is "$(printf %s "$deep" | status_of -X POST "$H/api/run" -H "Origin: $H" "${json[@]}" -H "Cookie: $COOKIE" -H "X-Field-Token: $TOKEN" --data-binary @-)" 400 "what is deep, broken or long is refused (${#deep})"
done
# Uploads that begin and do not go on: those that would fill the memory are refused, the page goes on, and all is let go with them.
is "$(perl -MIO::Socket::INET -e '(my $text = $ARGV[1]) =~ s/\\r\\n/\r\n/g; my (@all, @got);
	for (1 .. 4) { my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ARGV[0]) or die; print $s $text; push @all, $s }
	for my $s (@all) { my $bits = ""; vec($bits, fileno $s, 1) = 1; next unless select($bits, undef, undef, 2); my $line = <$s> // ""; push @got, $1 if $line =~ /^HTTP\S+ (\d+)/ }
	print "@got ", scalar `$ARGV[2]`' -- "$PORT" "POST /api/upload HTTP/1.1\r\n${head/json/octet-stream}Content-Length: 60000000\r\n\r\nx" \
	"curl -s -o '$T/.got' -w '%{http_code}' '$H/' -H 'Cookie: $COOKIE'")" "503 503 200" "bodies take no more than 128 MiB, all together"
for i in {1..100}; do
	is_free=$(curl -s -o "$T/.got" -w '%{http_code}' -X POST "$H/api/upload" -H "Origin: $H" -H 'Content-Type: application/octet-stream' -H "Cookie: $COOKIE" -H "X-Field-Token: $TOKEN" --data-binary "@$BIN/field")
	[ "$is_free" = 200 ] && break
	read -r -t 0.1 <>"$T/never"
done
is "$is_free" 200 "who hung up takes no room"
if [ "$(id -u)" = 0 ] && id nobody >/dev/null 2>&1 && command -v setpriv >/dev/null; then
	other=(setpriv --reuid=nobody --clear-groups)
	is "$("${other[@]}" curl -s -o /dev/null -w '%{http_code}' "$H/" -H "Cookie: $COOKIE")" 403 "another user of the computer gets nothing, cookie or not"
	is "$("${other[@]}" curl -s -o /dev/null -w '%{http_code}' "$H/launch")" 403 "not even the launch"
fi

FLOW_HOMES+=("$lan")	# a page that is killed leaves it open
# ---- a second door, and the end ----
run_json '["unlock"]' '"secrets":{"passphrase":"mot mat khau dai"}' >"$T/.opened"
old=$COOKIE
second=$("$BIN/field" --home "$lan" open --no-browser)
is "${second%%/launch*}" "$H" "opening again leads to the page that runs"
is "$(status_of "$H/" -H "Cookie: $old")" 200 "whose session goes on until the new one begins"
CODE=${second#*#}
launch
is "$(status_of "$H/" -H "Cookie: $old")" 401 "then it is over"
like "$(run_json '["status"]')" '"unit":"06184"' "and the new one goes on with it"
lines=$(grep -c . "$T/page.err")
is "$lines" 0 "the page has nothing to say on the terminal"
kill "$PAGE"
wait "$PAGE"
is $? 0 "it ends when it is told to"
is "$(processes_with "--home $lan " | wc -l)" 0 "and what it had opened is locked"
open_page "$lan"
launch
like "$(run_json '["unlock"]' '"secrets":{"passphrase":"mot mat khau dai"}')" '"ok":true' "it is opened again"
porter=$(children_of "$PAGE")
kill -9 $porter
like "$(run_json '["unlock"]' '"secrets":{"passphrase":"mot mat khau dai"}')" '"internal error"' "without its porter nothing can be opened"
wait "$PAGE"
is $? 0 "and the page ends, so that it can be opened again"
is "$(processes_with "--home $lan " | wc -l)" 0 "with all that it had"
open_page "$lan"
launch
like "$(run_json '["unlock"]' '"secrets":{"passphrase":"mot mat khau dai"}')" '"ok":true' "as it is"
kill -9 "$PAGE"
wait "$PAGE" 2>/dev/null
is "$("$BIN/field" --home "$lan" --json list outreach | perl -ne 'print scalar(() = /"form"/g)')" 1 "a page that is killed loses nothing"
open_page "$lan"
ok $? "and opens again"
done_testing
