#!/bin/bash
# After a whole day's work the words that people typed stand nowhere on disk: not in any home, not at the
# server, not in temporary folders, in no form; nor did they, nor passphrases, codes and keys, in anything
# that a program wrote, nor in its memory when it ended.
. tests/support/flow.sh
flow_folder

# ---- the day runs under a recorder ----
if [ -z "${RECORD_WORDS:-}" ]; then
	recorded() { # REPORT PROGRAMS COMMAND...
		local report=$1 programs=$2
		shift 2
		ASAN_OPTIONS=detect_leaks=0 RECORD_WORDS=$T/words "$BUILD/tools/recorder" \
			--words "$T/words" --report "$report" --programs "$programs" -- "$@"
	}
	found() { # KIND NAME: nothing of that kind was found
		grep -q '^[0-9]* found; [1-9][0-9]* processes, [1-9][0-9]* calls, .* [1-9][0-9]* ends' "$T/report" && ! grep -q "^$1 " "$T/report"
		ok $? "$2" || grep "^$1 " "$T/report" | cut -c 1-400 | sed 's/^/# /' | head -10
	}
	# A program that does all that must not be done: it is noticed.
	printf '%s\n' 'data Qzxkwvjm' 'secret bảy hòn đá' >"$T/words"
	export RECORD_COUNT=$T/count
	if [ ! -r /proc/self/pagemap ] || ! recorded "$T/report" /nowhere true 2>/dev/null; then
		RECORD_WORDS=$T/words bash "$0"
		FLOW_N=$(cat "$T/count")
		for name in "is noticed" "no byte" "no argument" "no other way" "no memory"; do ok 0 "$name # SKIP tracing is not allowed here"; done
		done_testing
		exit
	fi
	X="bảy hòn đá" recorded "$T/report" "$(readlink -f "$(command -v perl)")" perl -e 'my $x = "Qzxk" . "wvjm"; open F, ">", $ARGV[0];
		print F "to $x"; close F; system "true"' "$T/written"
	noticed=$(sed -n 's/^\(write\|start\|call\|memory\) .*/\1/p' "$T/report" | sort -u | tr '\n' ' ')
	: >"$T/words"
	recorded "$T/report" "$BIN/" bash "$0" "$@"
	code=$?
	FLOW_N=$(cat "$T/count")
	is "$noticed" "call memory start write " "a program that leaves words in a file, its environment, its memory, or starts another, is noticed"
	ok $code "the day went to its end"
	found write "no byte that a program wrote to a file, a pipe or a socket holds a word, a passphrase, a code or a key"
	found start "no secret stands in the arguments or the environment of a program"
	found '\(call\|connect\)' "no program writes in another way, talks to another, or starts one"
	if grep -qc __asan_init "$BIN/field"; then
		ok 0 "memory at the end # SKIP a sanitizer keeps what was freed"
	else
		found memory "at its end no program has any of it in its memory, readable or not"
	fi
	sed -n '$s/^/# /p' "$T/report"
	done_testing
	exit
fi
mkdir "$T/tmp"
touch "$T/begun"
export TMPDIR=$T/tmp
P=$T/server lan=$T/lan minh=$T/minh dao=$T/dao office=$T/office
# Typed words; the plain one goes where a form takes plain letters only.
plain=Qzxkwvjm marked=Đặngmốcthử phone=0917391739 paper=917391739
words=("$plain" "$marked" "$phone")
nfd=$(perl -CSA -MUnicode::Normalize -e 'print NFD($ARGV[0])' "$marked")
upper=$(perl -CSA -e 'print uc $ARGV[0]' "$marked")
# What must be found nowhere, told to the recorder as it comes to be.
remember() { # KIND WORD
	printf '%s %s\n' "$1" "$2" >>"$RECORD_WORDS"
}
for word in "${words[@]}"; do remember data "$word"; done
remember may .recovery
remember may .code
remember may depot.db-shm
learn() { # HOME [CODE_FILE]...: its passphrase, codes, keys
	local home=$1 pass=$1.pass
	shift
	case $home in */authority) pass=${home%/authority}.pass ;; esac
	remember secret "$(cat "$pass")"
	for file; do remember secret "$(cat "$file")"; done
	must "$BUILD/tools/vault_keys" "$home" "$pass" "$@"
	printf '%s\n' "$out" >>"$RECORD_WORDS"
}
find_markers() { "$BUILD/tools/find_marker" "${words[@]}" -- "$@"; }

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
for who in lan minh dao office; do 
	join_device "$T/$who" "$T/tmp/$who"
	learn "$T/$who" "$T/tmp/$who.code" "$T/$who.recovery"
done
learn "$P/authority"
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
		next if $n =~ /^(continues|peer|event|receivers|from_unit|to_unit|received_by|admin_code|snapshot_hash|month_day|targets)$|time$/;	# ids, codes, hours
		$a{$n} = $n =~ /phone$/ ? $phone : $n eq "id_number" ? $paper : $n =~ /_commune$|^commune_code$/ ? "06184" :
			$n =~ /^(pseudonym_code|case_no|plan|code|parent_plan|key_fingerprint)$/ ? "$plain-$variant" :
			$n =~ /^(plan_task|no|addressed_units)$/ ? $plain : $n eq "media_url" ? "https://$plain.example/$variant" :
			$n eq "focal_email" ? "$plain\@example.vn" : "$plain $marked $n $variant";
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
also() { # FORM NAME=VALUE...: sets id
	planted="$planted$1 "
	id=$(plant "$home" "$@") || { bad=1; echo "# $1"; }
}
day() { # HOME SPELLING
	local home=$1
	spelt=$2 V=$((V + 1))
	person=$(plant "$home" person sex=F id_kind=OTHER) || bad=1
	case=$(plant "$home" case "person_id=$person" recv_channel=RESCUED_IN recv_date=2026-03-02 risk_level=LOW purpose=SEX \
		ident_result=VICTIM ident_date=2026-04-01 close_reason=OTHER closed_on=2026-05-01 legal_regime=R2011) || bad=1
	plant "$home" consent "person_id=$person" kind=SHARE_AGENCY decision=GIVEN at=2026-03-03 given_by=GUARDIAN relation=MOTHER receivers=06004 >/dev/null || bad=1
	plant "$home" referral "case_id=$case" direction=OUT kind=REFER from_unit=06184 to_unit=06004 sent_at=2026-03-04 answer_by=2026-04-04 >/dev/null || bad=1
	plant "$home" follow_up "case_id=$case" due=2026-06-01 safe=no >/dev/null || bad=1
	plant "$home" service_delivery "case_id=$case" service=OTHER status=DELIVERED date_from=2026-04-05 amount_vnd=917391739 >/dev/null || bad=1
	plant "$home" awareness_session date_start=2026-04-06 forms=OTHER,WEB topics=OTHER audiences=OTHER >/dev/null || bad=1
	plant "$home" outreach date=2026-04-06 persons_f=3 topics=OTHER >/dev/null || bad=1
	planted=" person case consent referral follow_up service_delivery awareness_session outreach "
	local d=2026-04-06 day=date=2026-04-06
	also material form=BOOKLET $day copies_distributed=3
	material=$id
	also material_use "material_id=$material" $day copies=3
	also training course_kind=TRAIN date_start=$d topics=OTHER
	also training_trainee "training_id=$id" completed=yes
	also inspection kind=CHECK subjects=PLANIMPL $day handled=OTHER violations=1
	also coordination_event form=MEETING $day
	also community_model model_kind=BOTH start=$d status=NEW
	also community_model_status "model_id=$id" $day status=KEPT
	also facility facility_kind=SPC
	also facility_upgrade "facility_id=$id" $day
	also policy_note note_kind=COMMENT $day
	also award to_kind=PERSON $day
	also disclosure published_at=$d where_kind=WEB firms_count=2 fees_included=yes
	also budget_line year=2026 fund_source=LOCAL budget_use=COMM
	also resource donor_kind=FIRM resource_kind=CASH $day
	also issued_document doc_kind=LOCALPLAN $day content_accepted=yes accepted_at=$d
	also survey subject=MISSING $day found_count=0
	also issue $day issue_area=MONEY statuses=SOLVED
	also agency_figure period_start=2026-01-01 period_end=$d figure=OTHER
	also org_unit kind=DOH admin_code=20 is_sync_point=no
	also staff role=CTV role_victim_support=yes active_from=$d
	also plan $day year=2026 period_6m_start=2026-01-01 period_6m_end=2026-06-14 period_year_start=2026-01-01 period_year_end=2026-12-14
	plan=$id
	also plan_target "plan_id=$plan" indicator=I1a value=100
	also plan_task "plan_id=$plan"
	also plan_deadline "plan_id=$plan" kind=M6 from_kind=CPC to_kinds=DOH
	also plan_lead "plan_id=$plan" org_kind=DOH
	also tip received_on=$d channel=FIELD tip_kind=TINBAO urgency=SOON reporter_anonymous=no victim_status=ATRISK
	also tip_action "tip_id=$id" $day action=FWD_POL
	also case_event "case_id=$case" event=NOTIFY at=$d
	also needs_assessment "case_id=$case" $day
	assessment=$id
	also needs_item "case_id=$case" "assessment_id=$assessment" service=MED level=2 wish=yes
	also support_plan "case_id=$case" $day version=1 agreed_with_person=yes
	also support_plan_item "case_id=$case" "plan_id=$id" service=MED status=DOING
	also lodging_stay "case_id=$case" date_from=$d fit_sex_age=yes
	also handover "case_id=$case" at=$d "persons=$person" escort_minor=yes
	also protection_measure "case_id=$case" measure=SHELTER for_whom=VICTIM date_from=$d
	other=$(plant "$home" person) || bad=1
	also relation "person_a=$person" "person_b=$other" relation=SIBLING
	also person_link "person_a=$person" "person_b=$other" verdict=DIFFERENT
	also case_coordination "case_id=$case" form=WRITTEN $day
	also nationality_check requested_by_kind=MISS requested_at=$d handled_by=POLP result=VN replied_at=$d
	also subject_request kind=ERASE "person_id=$person" "case_id=$case" received_at=$d asked_by=OTHER identity=PAPERS answered_at=$d \
		outcome=PARTLY refusal_reason=OTHER
	also retention_review "case_id=$case" reviewed_at=$d outcome=ERASE
	also missing_person suspect_trafficking=unknown statuses=MISSING police_informed_at=$d
	for form in schema/forms/*/; do
		form=$(basename "$form")
		case "$planted audience_count report_submission access_log " in *" $form "*) ;; *) bad=1; echo "# nothing is planted in $form" ;; esac
	done
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
for name in b{1..17}; do on "$lan" report $name --from 2026-01-01 --to 2026-12-31 >/dev/null; done
# What quotes activities: these sheets, the workbook, and the parts of it that its library keeps in memory.
for name in b8.csv b13.csv b14.csv b16.csv b17.csv consolidated.xlsx tmp.; do remember may "$name"; done
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
# B8, B13, B14, B16 and B17 quote what was written of activities: agencies, difficulties, proposals.
# That none of them quotes a case is in test_report_typed.
counting=()
for n in 1 2 3 4 5 6 7 9 10 11 12 15; do counting+=("$T/reports/b$n.csv"); done
look "not in the reports that count and do not quote" "${counting[@]}"
if [ -d /dev/shm ] && [ -n "$(find /dev/shm -type f -user "$(id -u)" -newer "$T/begun" 2>/dev/null)" ]; then
	look "not in the memory file system" $(find /dev/shm -type f -user "$(id -u)" -newer "$T/begun")
else
	ok 0 "nothing was left in the memory file system"
fi
look "a small control: not in the paper with the code" "$T/tmp/lan.code"
is "$(cat "$TMPDIR"/* 2>/dev/null | grep -ac "$plain")" 0 "and a plain search agrees"


# ---- the evening: what changes keys, and what the user has put out ----
remember secret "mười hai ngọn núi đá vôi"
secret_file "$T/new.pass" "mười hai ngọn núi đá vôi"
must on "$lan" passphrase --new-passphrase-file "$T/new.pass" --kdf-memory $KDF
cp "$T/new.pass" "$lan.pass"
must on "$lan" recovery --recovery-file "$T/tmp/second.recovery"
learn "$lan" "$T/tmp/second.recovery"
must on "$lan" backup "$T/kept.backup"
if "$BIN/field" --help | grep -q rekey; then
	must on "$lan" rekey --kdf-memory $KDF --recovery-file "$T/tmp/third.recovery"
	learn "$lan" "$T/tmp/third.recovery"
fi
look "not in the backup, nor in the home after changes of passphrase, code and keys" "$lan" "$T/kept.backup"
must on "$lan" verify
remember may .csv
must on "$lan" export person "$T/asked.csv"
grep -q "$plain" "$T/asked.csv"
ok $? "a file that the user asked for holds it" && rm "$T/asked.csv"
secret_file "$T/restored.pass" "mười hai ngọn núi đá vôi"
must on "$T/restored" restore "$T/kept.backup"
is "$(value_of "$T/restored" "$first" address_text | grep -c "$marked")" 1 "and so does the backup, once it is opened"
look "in no form" "$T/restored"
start_server "$P"
must on "$lan" unlock
must on "$lan" sync --server "$URL"
must on "$lan" lock
stop_server
look "nor in the temporary folder at the end" "$TMPDIR"
echo "$FLOW_N" >"$RECORD_COUNT"
