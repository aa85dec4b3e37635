#!/bin/bash
# What stands between a laptop and the server: TLS with the key of the invitation, and all that can go wrong
# on the way, each told apart in both languages and by its exit code.
. tests/support/flow.sh
flow_folder
P=$T/server

# ---- TLS: the relay's own key, pinned by the invitation ----
make_province "$P" "Tỉnh Lạng Sơn"
complains 64 "without TLS" "serve for other machines wants TLS, or that plain HTTP is meant" \
	timeout 20 "$BIN/sync-server" --dir "$P" serve --listen 0.0.0.0:0
complains 64 "give one" "not both at once" "$BIN/sync-server" --dir "$P" serve --tls --plain
start_server "$P" --tls
like "$URL" "https://127.0.0.1:" "serve --tls comes up with a key that it made"
exits 0 "pin prints what an invitation needs" "$BIN/sync-server" --dir "$P" pin
pin=$out
is "$pin" "sha256//$(openssl x509 -in "$P/relay/tls.crt" -pubkey -noout | openssl pkey -pubin -outform der |
	openssl dgst -sha256 -binary | openssl base64)" "the digest of the key, as OpenSSL sees it"
exits 0 "and writes it to a file" "$BIN/sync-server" --dir "$P" pin --out "$T/server.pin"
is "$(stat -c %a "$P/relay/tls.key")" 600 "the key is for its owner alone"
invite_to() { # NAME OPTION...: a laptop $T/NAME
	must server "$P" invite --unit 06184 --role caseworker --name "Cán bộ $1" --out "$T/$1.invitation" \
		--code-file "$T/$1.code" "${@:2}"
	join_device "$T/$1" "$T/$1"
}
invite_to lan --server "$URL" --pin "$T/server.pin"
invite_to thu
lan=$T/lan thu=$T/thu
session=$(on "$lan" add awareness_session "title=Họp thôn" date_start=2026-04-06 commune_code=06184 forms=DIRECT topics=LAW audiences=WOMEN)
exits 0 "a laptop syncs over TLS with what its invitation says" on "$lan" --json sync
is "$(json receipt level <<<"$out")" stored "and gets its receipt"
complains 77 "nobody" "one without a pin does not trust a certificate that nobody signed" on "$thu" sync --server "$URL"
invite_to hoa --server "$URL" --pin "$T/server.pin"
must on "$T/hoa" sync
is "$(value_of "$T/hoa" "$session" title)" "Họp thôn" "what went over TLS is there for a colleague"
openssl s_client -connect "${URL#https://}" -tls1_1 -cipher 'DEFAULT@SECLEVEL=0' </dev/null >"$T/old" 2>&1
[ $? -ne 0 ]
ok $? "the server speaks no TLS below 1.2"
exits 0 "authority and relay meet over TLS, too" server "$P" exchange "$URL" --pin "$T/server.pin"
complains 77 "" "but not without the pin" server "$P" exchange "$URL"
exits 0 "a backup holds the key" "$BIN/sync-server" --dir "$P" backup "$T/copy"
exits 0 "and a restored server" "$BIN/sync-server" --dir "$T/restored" restore "$T/copy"
is "$("$BIN/sync-server" --dir "$T/restored" pin)" "$pin" "is known by the same pin"
stop_server

# ---- plain HTTP ----
LISTEN=127.0.0.2:0 start_server "$P" --plain
complains 64 "plain HTTP" "plain HTTP to another address than this machine's own is refused" on "$lan" sync --server "$URL"
exits 0 "unless it is meant" on "$lan" sync --plain --server "$URL"
stop_server

# ---- who answers instead ----
key() { # NAME: a key and a certificate that it signed itself
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -days 2 \
		-keyout "$T/$1.key" -out "$T/$1.crt" 2>/dev/null
}
tls_stub() { # CERT KEY [OPTION]...: sets STUB
	: >"$T/accept"
	openssl s_server -accept 127.0.0.1:0 -cert "$1" -key "$2" -www "${@:3}" >"$T/accept" 2>&1 &
	flow_background $!
	until grep -q ACCEPT "$T/accept"; do kill -0 $! || break; done
	STUB=https://127.0.0.1:$(sed -n 's/^ACCEPT .*:\([0-9]*\).*/\1/p' "$T/accept" | head -1)
}
http_stub() { # MODE...: sets STUB
	mkfifo "$T/stub"
	perl "$FLOW_SUPPORT/http_stub.pl" "$@" >"$T/stub" &
	flow_background $!
	read -r _ _ STUB <"$T/stub"
	rm "$T/stub"
}
# A laptop, what it meets, exit code, words in English and in Vietnamese.
told_apart() { # NAME HOME URL CODE ENGLISH VIETNAMESE [OPTION...]
	complains "$4" "$5" "$1 (en)" on "$2" sync --tries 1 --server "$3" "${@:7}"
	complains "$4" "$6" "$1 (vi)" on "$2" --lang vi sync --tries 1 --server "$3" "${@:7}"
}
key impostor
tls_stub "$T/impostor.crt" "$T/impostor.key"
told_apart "TLS interception: another key than the pinned one" "$lan" "$STUB" 77 "it has another key" "khóa khác"
tls_stub "$T/impostor.crt" "$T/impostor.key" -tls1_1 -cipher 'DEFAULT@SECLEVEL=0'
told_apart "only old TLS" "$lan" "$STUB" 76 "too old a version" "bản TLS quá cũ"

# a province's own certificate authority, with certificates of several dates
cat >"$T/ca.conf" <<-'CONF'
	[ca]
	default_ca = own
	[own]
	database = $ENV::T/ca.index
	serial = $ENV::T/ca.serial
	new_certs_dir = $ENV::T
	policy = any
	default_md = sha256
	copy_extensions = copy
	unique_subject = no
	[any]
	commonName = supplied
	[req]
	distinguished_name = name
	[name]
CONF
export T
: >"$T/ca.index"
echo 01 >"$T/ca.serial"
key ca
signed() { # NAME ADDRESS FROM UNTIL
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -addext "subjectAltName=$2" \
		-config "$T/ca.conf" -keyout "$T/$1.key" -out "$T/$1.csr" 2>/dev/null
	openssl ca -batch -notext -config "$T/ca.conf" -cert "$T/ca.crt" -keyfile "$T/ca.key" -in "$T/$1.csr" \
		-startdate "$3" -enddate "$4" -out "$T/$1.crt" 2>/dev/null
}
export SSL_CERT_FILE=$T/ca.crt
today=$(date +%d/%m/%Y)
signed expired IP:127.0.0.1 20200101000000Z 20210101000000Z
tls_stub "$T/expired.crt" "$T/expired.key"
told_apart "a certificate that expired, by our clock" "$thu" "$STUB" 78 "(it shows $today" "(đồng hồ đang chỉ $today"
signed early IP:127.0.0.1 20450101000000Z 20460101000000Z
tls_stub "$T/early.crt" "$T/early.key"
told_apart "one that is not valid yet, by our clock" "$thu" "$STUB" 78 "do not fit this computer's clock" "không khớp đồng hồ"
signed other DNS:elsewhere.example 20200101000000Z 20900101000000Z
tls_stub "$T/other.crt" "$T/other.key"
told_apart "a certificate for another name" "$thu" "$STUB" 77 "vouched for by nobody" "tin cậy"
signed good IP:127.0.0.1 20200101000000Z 20900101000000Z
start_server "$P" --tls-cert "$T/good.crt" --tls-key "$T/good.key"
exits 0 "one that holds is trusted without a pin" on "$thu" sync --server "$URL"
stop_server
unset SSL_CERT_FILE

http_stub portal
told_apart "a login page" "$lan" "$STUB" 76 "login page" "trang đăng nhập"
http_stub redirect
told_apart "sent on to a login page" "$lan" "$STUB" 76 "(HTTP 302)" "trang đăng nhập của mạng (HTTP 302)"
http_stub sign-in
told_apart "the gate of a network" "$lan" "$STUB" 76 "(HTTP 511)" "trang đăng nhập của mạng (HTTP 511)"
http_stub proxy
told_apart "a proxy that wants a password" "$lan" "$STUB" 78 "wants a name and a password" "đòi tên và mật khẩu"
export https_proxy=$STUB
told_apart "the same when it is asked for a tunnel" "$lan" https://server.example 78 "(HTTP 407)" "(HTTP 407)"
http_stub redirect
https_proxy=$STUB
told_apart "a proxy that opens no tunnel" "$lan" https://server.example 69 "does not reach the server" "không tới được"
unset https_proxy
closed=$STUB
kill "${FLOW_PIDS[-1]}"
wait "${FLOW_PIDS[-1]}" 2>/dev/null
told_apart "nobody listens" "$lan" "$closed" 75 "no sync-server listens there" "không có máy chủ đồng bộ nào ở đó"
http_stub hold
told_apart "one that says nothing to the first word of TLS" "$lan" "https${STUB#http}" 75 "did not answer in time" "không trả lời kịp" --timeout 1
before=$SECONDS
complains 75 "did not answer" "two tries are two" on "$lan" sync --tries 2 --timeout 1 --server "https${STUB#http}"
[ $((SECONDS - before)) -lt 20 ]
ok $? "and take no longer than they may"
told_apart "a name that is not found" "$lan" https://server.invalid 75 "name cannot be found" "không tìm thấy tên máy chủ"

# ---- on a terminal: what is left, and when the next try is ----
on_terminal() { # HOME URL: what a terminal shows of a sync; its own end after so many lines
	COLUMNS=80 perl -e 'alarm 100; exec @ARGV' script -qec \
		"$BIN/field --lang en --home $1 --passphrase-file $1.pass sync --server $2" /dev/null </dev/null
}
start_server "$P"
# three that fall silent at once: a second of silence is noticed after seven (libcurl's average of five)
silent() { # NAME HOME URL OPTION...: in the background
	(on "$2" "${@:4}" sync --tries 1 --timeout 1 --server "$3" >"$T/$1.out" 2>"$T/$1.err"; echo $? >"$T/$1.code") &
	silents+=($!)
}
silents=()
note=$(on "$T/hoa" add outreach date=2026-05-04 commune_code=06184 persons_m=4)
must sync_with "$T/hoa"
http_stub hold
holds=$STUB
must on "$lan" unlock
silent keeper "$lan" "$holds"
silent held "$T/hoa" "$holds" --lang vi
http_stub stall 700 "${URL#http://}"
silent stalled "$thu" "$STUB"
wait "${silents[@]}"
is "$(cat "$T/held.code") $(grep -c "im bặt" "$T/held.err")" "75 1" "a server that takes the request and says nothing (vi)" || cat "$T/held.err"
is "$(cat "$T/keeper.code") $(grep -c "the link fell silent" "$T/keeper.err")" "75 1" "the same with a keeper (en)" || cat "$T/keeper.err"
is "$(cat "$T/stalled.code") $(grep -c "the link fell silent" "$T/stalled.err")" "75 1" "a reply that stops in the middle" || cat "$T/stalled.err"
must on "$lan" lock
must sync_with "$thu"
exits 0 "after which nothing is missing" on "$thu" show "$note"
told_apart "a server without TLS where TLS should be" "$lan" "https${URL#http}" 76 "does not speak TLS" "không dùng TLS"
on "$lan" add outreach date=2026-05-05 commune_code=06184 persons_m=2 >/dev/null
shown=$(on_terminal "$lan" "$URL")
like "$shown" "left: 1 entries to send" "a terminal shows what is left"
like "$shown" "Sent 1 entries" "and the end"
stop_server
http_stub gateway
perl -e 'alarm 25; exec @ARGV' script -qefc \
	"$BIN/field --lang en --home $lan --passphrase-file $lan.pass sync --server $STUB" "$T/typescript" </dev/null >/dev/null &
terminal=$!
flow_background $terminal
until grep -qs "next try in" "$T/typescript"; do kill -0 $terminal 2>/dev/null || break; done
kill $terminal
wait $terminal 2>/dev/null
like "$(cat "$T/typescript")" "next try in 10 s" "a gateway's failure is tried again, and the terminal says when"
[ "$(on "$lan" --json status | json unsent)" = 0 ]
ok $? "nothing is lost by all this"
done_testing
