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

done_testing
