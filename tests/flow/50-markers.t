#!/bin/bash
# After a whole day's work the words that people typed stand nowhere on disk: not in any home, not at the
# server, not in temporary folders, in no form; nor did they on the way there.
. tests/support/flow.sh
flow_folder
mkdir "$T/tmp"
touch "$T/begun"
export TMPDIR=$T/tmp
P=$T/server lan=$T/lan minh=$T/minh dao=$T/dao office=$T/office
# Typed words; the plain one goes where a form takes plain letters only.
plain=Qzxkwvjm marked=Đặngmốcthử phone=0917391739 paper=917391739
words=("$plain" "$marked" "$phone")
nfd=$(perl -CSA -MUnicode::Normalize -e 'print NFD($ARGV[0])' "$marked")
upper=$(perl -CSA -e 'print uc $ARGV[0]' "$marked")
find_markers() { "$BUILD/bench/find_marker" "${words[@]}" -- "$@"; }

# ---- does the search find? ----
mkdir "$T/planted"
printf 'aaa %s bbb' "$marked" >"$T/planted/clear"
printf 'aaa %s bbb' "$nfd" >"$T/planted/decomposed"
printf 'aaa %s bbb' "$upper" >"$T/planted/upper"
printf '\0\1dangmocthu\0' >"$T/planted/folded"
perl -CA -MEncode -e 'binmode STDOUT; print "\1", encode("UTF-16LE", $ARGV[0])' "$marked" >"$T/planted/utf16"
for i in 1 2 3; do head -c $i /dev/zero | cat - <(printf '%s' "$marked ghi ") | base64 -w 0 >"$T/planted/base64-$i"; done
printf 'x %s y' "$plain" | od -An -v -tx1 | tr -d ' \n' >"$T/planted/hexadecimal"
perl -MCompress::Zlib -e 'print "junk", compress("text of some length, and $ARGV[0] in it, text of some length")' "$plain" >"$T/planted/zlib"
perl -MCompress::Zlib -e 'print "junk", Compress::Zlib::memGzip("text of some length, and $ARGV[0] in it, text")' "$phone" >"$T/planted/gzip"
perl -MCompress::Raw::Zlib -e 'my ($d) = Compress::Raw::Zlib::Deflate->new(-WindowBits => -15, -AppendOutput => 1);
	my $o = "junk"; $d->deflate("text of some length, and $ARGV[0] in it, text of some length", $o); $d->flush($o); print $o' "$plain" >"$T/planted/deflate"
bad=0
for f in "$T/planted"/*; do
	find_markers "$f" >/dev/null
	[ $? -eq 1 ] || { bad=1; echo "# not found: $f"; }
done
ok $bad "the search finds planted words in clear, in forms C and D, upper case, UTF-16, base64, hexadecimal, zlib, gzip, deflate"
rm -r "$T/planted"

# ---- a day of work ----
make_province "$P" "Tỉnh Lạng Sơn"
invite "$P" 06184 caseworker "$plain $marked" "$T/tmp/lan"
invite "$P" 06184 caseworker "Hoàng $marked" "$T/tmp/minh"
invite "$P" 06184 caseworker "Triệu Thị Dao" "$T/tmp/dao"
invite "$P" 20 holder "Phòng $plain" "$T/tmp/office"
for who in lan minh dao office; do join_device "$T/$who" "$T/tmp/$who"; done
start_server "$P"
# Every text field of every form, from the sheets themselves.
cat >"$T/answers.pl" <<'END'
	use Text::ParseWords; use JSON::PP; use Encode;
	binmode STDOUT;
	my ($form, $variant, $plain, $marked, $phone, $paper, %refs) = map { decode_utf8($_) } @ARGV;
	open my $in, "<:utf8", "schema/forms/$form/survey.csv" or die $!;
	my (@head, %a); my $rows = 0;
	sub cells { my ($line) = @_; my @c; push @c, $1 =~ s/^"(.*)"$/$1/sr =~ s/""/"/gr while $line =~ /\G((?:"(?:[^"]|"")*"|[^,]*))(?:,|$)/g && @c < 30; @c }
	while (my $line = <$in>) {
		chomp $line; $line =~ s/\r$//;
		my @c = cells($line);
		if (!@head) { @head = @c; next }
		my %r; @r{@head} = @c;
		next unless $r{type} eq "text";
		if ($r{"bind::field:refers"}) { $a{$r{name}} = $refs{$r{name}} if $refs{$r{name}}; next }
		my $n = $r{name};
		$a{$n} = $n eq "phone" ? $phone : $n eq "id_number" ? $paper : $n =~ /_commune$|^commune_code$/ ? "06184" :
			$n eq "pseudonym_code" || $n eq "case_no" ? "$plain-$variant" : $n eq "plan_task" ? $plain :
			$n eq "media_url" ? "https://$plain.example/$variant" : "$plain $marked $n $variant";
	}
	$a{$_} = $refs{$_} for grep { !/_id$/ } keys %refs;
	print encode_utf8(JSON::PP->new->canonical->encode(\%a));
END
V=0
plant() { # HOME FORM NAME=VALUE...: prints the id
	local home=$1 form=$2
	shift 2
	perl "$T/answers.pl" "$form" "$V" "$plain" "$spelt" "$phone" "$paper" $(printf '%s\n' "$@" | sed 's/=/ /') >"$T/answers.json" || return
	on "$home" add "$form" --answers "$T/answers.json"
}
bad=0
day() { # HOME SPELLING
	local home=$1
	spelt=$2 V=$((V + 1))
	person=$(plant "$home" person sex=F id_kind=OTHER) || bad=1
	case=$(plant "$home" case "person_id=$person" recv_channel=RESCUED_IN recv_date=2026-03-02 risk_level=LOW purpose=SEX \
		ident_result=VICTIM ident_date=2026-04-01 close_reason=OTHER closed_on=2026-05-01 legal_regime=R2011) || bad=1
	plant "$home" follow_up "case_id=$case" due=2026-06-01 safe=no >/dev/null || bad=1
	plant "$home" service_delivery "case_id=$case" service=OTHER status=DELIVERED date_from=2026-04-05 amount_vnd=917391739 >/dev/null || bad=1
	plant "$home" awareness_session date_start=2026-04-06 forms=OTHER,WEB topics=OTHER audiences=OTHER >/dev/null || bad=1
	plant "$home" outreach date=2026-04-06 persons_f=3 topics=OTHER >/dev/null || bad=1
}
day "$lan" "$marked"
first=$person first_case=$case
day "$lan" "$upper"
day "$minh" "$nfd"
ok $bad "a word is planted in every text field of every form, as typed, in capitals, decomposed"
is "$(value_of "$lan" "$first" full_name)" "$plain $marked full_name 1" "it is what the form shows"
exits 0 "it is found" on "$lan" --json search "dangmocthu"
[ "$(json '#' <<<"$out")" -gt 5 ]
ok $? "in many records" || echo "# $out"
on "$lan" unlock
on "$lan" edit "$first" "full_name=$marked $plain" "phone=$phone" >/dev/null
on "$lan" edit "$first_case" "narrative=$marked $plain kể lại" "notes=$marked" >/dev/null
on "$lan" delete "$person" --reason "$marked $plain" >/dev/null 2>&1
on "$lan" list person --where "contains(\${full_name}, '$plain')" >/dev/null 2>&1
on "$lan" show "$first" --history >/dev/null
must sync_with "$lan"
must sync_with "$minh"
on "$lan" edit "$first" "address_text=$marked một" >/dev/null
on "$minh" edit "$first" "address_text=$marked hai" >/dev/null
for home in "$lan" "$minh" "$lan"; do sync_with "$home" >/dev/null; done
is "$(on "$lan" --json conflicts | json '#')" 1 "two of them are in conflict"
must on "$lan" bundle export "$T/tmp/stick"
must on "$dao" bundle import "$T/tmp/stick"
for name in b4 b8 b16; do on "$lan" report $name --from 2026-01-01 --to 2026-12-31 >/dev/null; done
must "$BIN/sync-server" --dir "$P" --passphrase-file "$office.pass" consolidate --home "$office" --once --server "$URL" \
	--reports "$T/reports" --backup "$T/backup"
on "$dao" rebuild >/dev/null

# ---- where does it stand? ----
homes=("$lan" "$minh" "$dao" "$office")
look() { # NAME PLACE...
	local name=$1 found
	shift
	found=$(find_markers "$@")
	[ $? -eq 0 ]
	ok $? "$name" || printf '%s\n' "$found" | sed 's/^/# /' | head -20
}
look "with vaults in use it stands in no file of any home" "${homes[@]}"
keeper=$(processes_with "--home $lan --passphrase-file $lan.pass unlock")
kill -9 $keeper
ok $? "the keeper is killed in the middle of its work"
look "then neither, with the journal left behind" "$lan"
is "$(value_of "$lan" "$first" address_text | grep -c "$marked")" 1 "nothing is lost by that"
FLOW_HOMES=()
look "in no home after the day" "${homes[@]}"
look "not at the relay while it serves" "$P/relay"
stop_server
look "nor after" "$P/relay"
look "not in the authority's folder" "$P/authority"
look "not in the backup of the province" "$T/backup"
look "not on the stick, the invitations, and in the temporary folder" "$TMPDIR"
look "not in what the server said" "$P.log"
look "not in the reports, which count and do not name" "$T/reports"
if [ -d /dev/shm ] && [ -n "$(find /dev/shm -type f -user "$(id -u)" -newer "$T/begun" 2>/dev/null)" ]; then
	look "not in the memory file system" $(find /dev/shm -type f -user "$(id -u)" -newer "$T/begun")
else
	ok 0 "nothing was left in the memory file system"
fi
look "a small control: not in the paper with the code" "$T/tmp/lan.code"
is "$(cat "$TMPDIR"/* 2>/dev/null | grep -ac "$plain")" 0 "and a plain search agrees"

# ---- on its way ----
# What the program hands to the system, save what it prints.
traced() { # NAME COMMAND...
	local name=$1
	shift
	if ! strace -f -qq -o "$T/trace" -e trace=none true 2>/dev/null; then
		ok 0 "$name # SKIP strace is not allowed here"
		return
	fi
	# a sanitizer cannot look for leaks under a tracer
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -xx -s 1000000 -o "$T/trace" \
		-e trace=write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg "$@" >/dev/null 2>"$T/.err" || {
		ok 1 "$name"
		sed 's/^/# /' "$T/.err"
		return
	}
	perl -ne 'next if /^(?:\d+ +)?write(?:v)?\([12],/; print pack("H*", join "", $1 =~ /\\x(..)/g), "\n" while /"((?:\\x..)+)"/g' "$T/trace" >"$T/written"
	[ -s "$T/trace" ] && find_markers "$T/written" >/dev/null
	ok $? "$name" || find_markers "$T/written" | sed 's/^/# /'
	rm -f "$T/written" "$T/trace"
}
start_server "$P"
field=("$BIN/field" --home "$minh" --passphrase-file "$minh.pass")
traced "not one write of an add holds it" "${field[@]}" add outreach date=2026-04-06 commune_code=06184 persons_f=3 "note=$plain $marked"
traced "nor of an edit" "${field[@]}" edit "$first" "safe_contact_note=$marked $plain"
traced "nor of a search" "${field[@]}" search "$marked"
traced "nor of a report" "${field[@]}" report b8 --from 2026-01-01 --to 2026-12-31
traced "nor of a sync, on disk or on the line" "${field[@]}" sync --server "$URL"
traced "nor of a rebuild" "${field[@]}" rebuild
done_testing
