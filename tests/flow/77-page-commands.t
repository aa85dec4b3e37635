#!/bin/bash
# What the page in the browser asks of the commands: forms as they are drawn, what a form says of answers
# that are being typed, drafts, pages of a list, units to pick from, how the units below stand.
. tests/support/flow.sh
flow_folder
P=$T/server lan=$T/lan chief=$T/chief ctv=$T/ctv
make_province "$P" "Tỉnh Lạng Sơn"
for who in "lan 06184 caseworker" "ctv 06184 communicator" "chief 20 supervisor"; do
	set -- $who
	invite "$P" "$2" "$3" "Cán bộ $1" "$T/$1"
	join_device "$T/$1" "$T/$1"
done
must on "$lan" unlock
# The member of a list of objects whose KEY is VALUE, as JSON.
pick() { # KEY VALUE
	perl -MJSON::PP -e 'local $/; my $v = decode_json(scalar <STDIN>);
		my ($x) = grep { $_->{$ARGV[0]} eq $ARGV[1] } @$v; print encode_json($x // {}) =~ s/\n//gr' "$@"
}

# ---- a form as a page draws it ----
form=$(on "$lan" --json forms show person)
is "$(json form <<<"$form") $(json title vi <<<"$form")" "person Người được hỗ trợ" "a form has its title"
name=$(json fields <<<"$form" | grep '"name":"full_name"')
is "$(json type <<<"$name") $(json group <<<"$name") $(json many <<<"$name") $(json sensitivity <<<"$name") $(json merge <<<"$name")" \
	"text identity false SEC review" "a field says what it is, and where it stands"
is "$(json label vi <<<"$name") / $(json label en <<<"$name")" "Họ và tên / Full name" "in both languages"
sex=$(json fields <<<"$form" | grep '"name":"sex"')
is "$(json list <<<"$sex")" sex "a choice names its list"
is "$(json lists sex <<<"$form" | grep -c '"vi":"')" "$(($(wc -l <schema/codes/sex.csv) - 1))" "which is there with all its codes"
is "$(json fields <<<"$form" | perl -MJSON::PP -ne 'print decode_json($_)->{name}, " "')" \
	"$(perl -ne 'print "$1 " if /^(?!begin|end|type)[a-z_]+(?: [a-z_]+)?,([a-z_]+),/' schema/forms/person/survey.csv)" "fields come in the order of the form"
is "$(json sections 0 name <<<"$form") $(json sections 0 label en <<<"$form")" "identity Identity" "sections have names and labels"
ref=$(on "$lan" --json forms show case | json fields | grep '"name":"person_id"')
is "$(json type <<<"$ref") $(json refers <<<"$ref")" "reference person" "a reference says to which form"
is "$(json required <<<"$ref") $(json required <<<"$name")" "true false" "what may be required is marked"
like "$(on "$lan" --lang vi forms show person)" "Nhận dạng" "for people to read, too"
complains 66 "no such form" "a form that is not there" on "$lan" forms show nothing

# ---- how much each is used ----
must on "$lan" add person full_name="Đặng Thị Hòa" sex=F
gone=$(on "$lan" add person full_name="Lò Văn Nam" sex=M)
must on "$lan" delete "$gone" --reason "nhập thử"
used=$(on "$lan" --json forms | pick name person)
is "$(json records <<<"$used") $(json made <<<"$used") $(json reads <<<"$used")" "1 1 true" "how many there are, and were made here of late"
is "$(json title vi <<<"$used") / $(json title en <<<"$used")" "Người được hỗ trợ / Person" "with its title in both languages"
is "$(on "$lan" --json forms | pick name tip | json records)" 0 "a form without records"
is "$(on "$ctv" --json forms | pick name person | json reads)" false "a form whose records are not for this device"

# ---- what a form says of answers ----
try() { # HOME FORM [ID] NAME=VALUE...
	on "$1" --json try "${@:2}"
}
said=$(try "$lan" awareness_session)
is "$(json valid <<<"$said") $(json fields title required <<<"$said")" "false true" "an empty form lacks what is required"
is "$(json fields title errors 0 <<<"$said")" "Enter the title." "and says so, in the words of the form"
is "$(json fields kind value <<<"$said")" COMM "defaults are there"
like "$(json fields kind offers <<<"$said")" COMM "a filtered list says what it offers"
is "$(json fields title offers <<<"$said")" null "others do not"
said=$(try "$lan" awareness_session title=x "date_start=31/02/2026" commune_code=06184 participants_total=nhiều)
is "$(json fields title errors '#' <<<"$said")" 0 "what was given is not asked for"
is "$(json fields date_start errors '#' <<<"$said") $(json valid <<<"$said")" "1 false" "a date that is none is one error of its field"
like "$(json fields date_start errors 0 <<<"$said")" "17/05/1998" "that says how to write it"
is "$(json fields participants_total errors '#' <<<"$said")" 1 "and a number that is none is another"
like "$("$BIN/field" --lang vi --home "$lan" --json try person birth_date=mai | json fields birth_date errors 0)" "17/05/1998" "in Vietnamese too"
unlike "$("$BIN/field" --lang vi --home "$lan" --json try person birth_date=mai | json fields birth_date errors 0)" "write it" "and not in English"
is "$(try "$lan" person birth_date=1998 | json fields birth_year value)" 1998 "calculations are worked out"
is "$(try "$lan" person birth_date=1998 | json fields child_care relevant) $(try "$lan" person birth_date=2020 | json fields child_care relevant)" \
	"false true" "skip logic too"
person=$(on "$lan" add person full_name="Vi Thị Nụ" sex=F birth_date=2015)
is "$(try "$lan" person "$person" | json fields child_care relevant) $(try "$lan" person "$person" birth_date=1990 | json fields child_care relevant)" \
	"true false" "of a record what is stored stands beneath"
printf '{"full_name":"Vi Thị Nụ","birth_date":null}' >"$T/answers.json"
is "$(on "$lan" --json try person "$person" --answers "$T/answers.json" | json fields birth_year value)" "" "answers come from a file, null clears"
is "$(value_of "$lan" "$person" birth_date)" 2015 "nothing was written"
is "$(try "$lan" person "$person" | json valid)" true "what stands may stay"
like "$(on "$lan" try person full_name=Nụ)" "This can be saved." "for people to read"
complains 65 "another form" "a record of another form" on "$lan" try case "$person"
complains 66 "no such field" "a field that is not there" on "$lan" try person nothing=1
complains 65 "no JSON object" "a file that is no JSON" on "$lan" try person --answers "$lan.pass"

# ---- drafts ----
draft() { # HOME JSON [ID] FORM [OPTION...]: keeps it, prints its number
	printf '%s' "$2" >"$T/draft.json"
	on "$1" draft save "${@:3}" --answers "$T/draft.json"
}
first=$(draft "$lan" '{"full_name":"Đặng Thị Hòa","phone":"0912345678"}' person)
is "$(draft "$lan" '{"full_name":"Đặng Thị Hòa","phone":"0987654321"}' "$first" person)" "$first" "a draft is saved again under its number"
is "$(on "$lan" --json draft show "$first" | json answers phone) $(on "$lan" --json drafts | json '#')" "0987654321 1" "and holds what was typed last"
is "$(on "$lan" --json drafts | json 0 line)" "Đ.T.H." "the list shows initials"
unlike "$(on "$lan" drafts; on "$lan" --json drafts)" "Hòa" "and no name"
is "$(on "$lan" --json drafts | json 0 of)" null "it is of no record yet"
complains 65 "no JSON" "what is no JSON is no draft" draft "$lan" '{"full_name":' person
complains 65 "256 KiB" "a draft that is too large" draft "$lan" "{\"note\":\"$(head -c 262200 /dev/zero | tr '\0' x)\"}" person
complains 66 "no such draft" "a draft that is not there" draft "$lan" '{}' 99 person
complains 64 "no draft's number" "a number that is none" on "$lan" draft show x7
before=$(on "$lan" --json status | json unsent)
draft "$lan" '{}' tip >/dev/null
is "$(on "$lan" --json status | json unsent)" "$before" "a draft is nothing to send"
must on "$lan" draft drop $((first + 1))
is "$(on "$lan" --json drafts | json '#')" 1 "a draft can be dropped"

# ---- a draft ends with the save that it was for, both or neither ----
complains 65 "" "answers that the form refuses" on "$lan" add person full_name=x birth_date=2999-01-01 --draft "$first"
is "$(on "$lan" --json drafts | json '#')" 1 "leave the draft"
id=$(on "$lan" add person full_name="Đặng Thị Hòa" sex=F --draft "$first")
is "$(on "$lan" --json drafts | json '#')" 0 "what was saved is no draft any more"
n=$(on "$lan" --json list person | json '#')
complains 66 "no such draft" "the same save again" on "$lan" add person full_name="Đặng Thị Hòa" sex=F --draft "$first"
is "$(on "$lan" --json list person | json '#')" "$n" "makes no second record"
change=$(draft "$lan" '{"phone":"0977777777"}' person --of "$id")
is "$(draft "$lan" '{"phone":"0966666666"}' "$change" person)" "$change" "a draft stays of its record"
is "$(on "$lan" --json drafts | json 0 of)" "$id" "and says so"
complains 65 "of another record" "it is not dropped with another" on "$lan" edit "$person" phone=0955555555 --draft "$change"
is "$(value_of "$lan" "$person" phone)" null "which is not saved then"
must on "$lan" edit "$id" phone=0966666666 --draft "$change"
is "$(on "$lan" --json drafts | json '#')" 0 "but with its own"
complains 66 "no such record" "a draft of a record of another form" draft "$lan" '{}' case --of "$id"

# ---- a page of a list ----
must on "$lan" add person full_name="Nông Văn Dền" sex=M pseudonym_code=ND-07 birth_date=1999
must on "$lan" add person full_name="Nông Thị Ánh" sex=F
n=$(on "$lan" --json list person --limit 1000 | json '#')
page=$(on "$lan" --json list person --offset 0 --limit 1 --columns full_name,sex,birth_year)
is "$(json total <<<"$page") $(json rows '#' <<<"$page")" "$n 1" "a page says how long the list is"
is "$(json rows 0 values full_name <<<"$page") $(json rows 0 values sex <<<"$page")" "Nông Thị Ánh Female" "and shows the columns that were asked for, in words"
page=$(on "$lan" --json list person --offset 0 --match "nong den" --columns full_name,birth_date,sex,birth_year --discreet)
is "$(json total <<<"$page") $(json rows 0 headline <<<"$page") $(json rows 0 initials <<<"$page")" "1 ND-07 N.V.D." "words narrow it, without their marks"
is "$(json rows 0 values full_name <<<"$page") $(json rows 0 values birth_date <<<"$page") $(json rows 0 values birth_year <<<"$page")" "N.V.D.  1999" "discreet: no name, no secret"
like "$(json rows 0 id <<<"$page")" "$(json rows 0 code <<<"$page" | cut -d. -f1)" "but a short code"
unlike "$(on "$lan" list person --match nong --discreet; on "$lan" --json search nong --discreet)" "Nông" "nor elsewhere"
is "$(on "$lan" --json search den --discreet | json 0 initials)" "N.V.D." "what is found, too"
is "$(on "$lan" --json list person --offset 1 --limit 1 --match nong --sort name | json rows 0 headline)" ND-07 "Ánh before Dền, by the given name"
is "$(on "$lan" --json list person --match nong --sort created | json '#')" 2 "without an offset it is a list as ever"
complains 66 "no such field" "a column that is not there" on "$lan" list person --columns nothing
complains 66 "no such field" "an order that is not there" on "$lan" list person --sort nothing
complains 65 "too long" "more words than can be searched for" on "$lan" list person --match "$(head -c 500 /dev/zero | tr '\0' x)"

# ---- backup, new keys ----
kept=$(draft "$lan" '{"full_name":"Lò Văn Bản Nháp"}' person)
must on "$lan" backup "$T/backup"
is "$(grep -rlE 'Nháp|Lò Văn' "$lan" "$T/backup" | wc -l)" 0 "it lies sealed"
must on "$lan" lock
must on "$lan" rekey --kdf-memory $KDF --recovery-file "$T/new.recovery"
must on "$lan" unlock
is "$(on "$lan" --json draft show "$kept" | json answers full_name)" "Lò Văn Bản Nháp" "new keys keep a draft"

# ---- units to pick from ----
is "$(on "$lan" --json units | json '#')" "$(tail -n +2 "$FLOW_SUPPORT/lang_son.csv" | grep -c .)" "all units of the directory"
unit=$(on "$lan" --json units | pick code 06184)
is "$(json own <<<"$unit") $(json parent <<<"$unit") $(json level <<<"$unit")" "true 20 COMM" "the own one is marked"
is "$(json name <<<"$unit")" "$(grep '^06184,' "$FLOW_SUPPORT/lang_son.csv" | cut -d, -f2)" "names are whole"
is "$(on "$lan" --json units --below | json '#')" 1 "a commune has none below"
is "$(on "$chief" --json units --below | json '#')" "$(on "$chief" --json units | json '#')" "the province has all"

# ---- how the units below stand ----
start_server "$P"
invite "$P" 06196 caseworker "Cán bộ im lặng" "$T/mute"
join_device "$T/mute" "$T/mute"
must sync_with "$lan"
must sync_with "$T/mute"
must sync_with "$chief"
must server "$P" exchange "$URL"
must sync_with "$lan"
must sync_with "$T/mute"
must sync_with "$chief"
look() { # UNIT: how it stands
	on "$chief" --json overview "${@:2}" | pick code "$1"
}
is "$(look 06184 | json devices | grep 'Cán bộ lan' | json days)" 0 "who wrote today"
is "$(look 06196 | json devices 0 name) $(look 06196 | json devices 0 days) $(look 06196 | json last)" "Cán bộ im lặng null null" "and who never did"
is "$(look 06184 | json conflicts open) $(look 06184 | json aside)" "0 0" "nothing to settle"
must on "$lan" edit "$id" full_name="Đặng Thị Hoà"
must on "$chief" edit "$id" full_name="Đặng Thị Hoa"
must sync_with "$lan"
must sync_with "$chief"
is "$(look 06184 | json conflicts open) $(look 06184 | json conflicts week)" "1 0" "a conflict is counted where it is, by age"
must on "$lan" add person full_name="Nông Văn Dền" sex=M birth_date=1999 phone=0912000111
must on "$lan" add person full_name="Nông Văn Dền" sex=M birth_date=1999 phone=0912000111
must sync_with "$lan"
must sync_with "$chief"
[ "$(look 06184 | json duplicates open)" -ge 1 ]
ok $? "possible duplicates too"
is "$(look 06184 --from 2000-01-01 --to 2000-12-31 | json records)" 0 "how much was recorded in a period"
[ "$(look 06184 --from "$(date -d yesterday +%F)" --to "$(date -d tomorrow +%F)" | json records)" -ge 5 ]
ok $? "that is not over"
complains 64 "" "a period has an end" on "$chief" overview --from 2026-01-01
is "$(on "$lan" --json overview | json '#')" 1 "a commune sees itself"
like "$(on "$chief" --lang vi overview)" "Cán bộ im lặng" "for people to read"

# ---- every text that the page asks for is there ----
# Keys are quoted in t('…') or has('…'), or stand alone in quotes where a table names them; 'due-' + x needs some.
missing=$(cat field/ui/*.js | perl -0ne '
	my %have = map { $_ => 1 } /^\t\x27([^\x27]+)\x27: \[/mg;
	my $code = s/^\t\x27[^\x27]+\x27: \[.*$//mgr;
	while ($code =~ /\b(?:t|has)\(\x27([^\x27]+)\x27( \+)?/g) {
		my ($key, $open) = ($1, $2);
		print "$key " if $open ? !grep { index($_, $key) == 0 } keys %have : !$have{$key};
	}
	my @used = $code =~ /[\x27`]([A-Za-z0-9-]+)[\x27`\$]/g;
	my %used = map { $_ => 1 } @used;
	for my $key (sort keys %have) {
		next if $used{$key} || grep { /-$/ && index($key, $_) == 0 } @used;
		print "unused:$key ";
	}')
is "$missing" "" "every text that the page asks for is there, and none that it does not"

done_testing
