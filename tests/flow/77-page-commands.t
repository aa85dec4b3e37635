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

done_testing
