#!/bin/bash
# Three laptops of a commune and their province write the same fields without a network: every policy,
# through the real programs.  What each shows, who is told, how it is settled and undone.
. tests/support/flow.sh
flow_folder
P=$T/server lan=$T/lan minh=$T/minh sen=$T/sen thu=$T/thu head=$T/head tip=$T/tip

make_province "$P" "Tỉnh Lạng Sơn"
for who in "lan 06184 caseworker Nông_Thị_Lan" "minh 06184 caseworker Hoàng_Văn_Minh" "sen 06184 caseworker Vi_Thị_Sen" \
	"thu 06004 caseworker Lý_Thị_Thu" "head 20 supervisor Bế_Văn_Trưởng" "tip 06184 communicator Mông_Thị_Tâm"; do
	set -- $who
	invite "$P" "$2" "$3" "${4//_/ }" "$T/$1"
	join_device "$T/$1" "$T/$1"
	must on "$T/$1" unlock
done
start_server "$P"
# Everybody has everything: what one hands in, the next fetches; so twice.
all_sync() {
	local home
	for home in "$lan" "$minh" "$sen" "$head" "$lan" "$minh" "$sen" "$head"; do
		must sync_with "$home"
	done
}
digest() { on "$1" --json verify | json digest; }
field_of() { # HOME ID FIELD: "STATE value=by value=by", sorted by value
	on "$1" --json show "$2" | perl -CO -MJSON::PP -e 'local $/; my $f = decode_json(<STDIN>)->{fields}{$ARGV[0]};
		print join " ", $f ? $f->{state} : "none", sort map { ($_->{voided} ? "!" : "") . "$_->{value}=$_->{by}" }
			@{$f ? $f->{values} : []}' "$3"
}
inbox() { # HOME [OPTION]: "field" of all items, sorted
	on "$1" --json conflicts ${2:-} | perl -CO -MJSON::PP -e 'local $/; print join " ", sort map { $_->{field} } @{decode_json(<STDIN>)}'
}
k_of() { # HOME FIELD VALUE [OPTION]
	on "$1" --json conflicts ${4:-} | perl -CA -MJSON::PP -e 'local $/; my ($o) = grep { $_->{field} eq $ARGV[0] } @{decode_json(<STDIN>)};
		print((map { $_->{k} } grep { $_->{value} eq $ARGV[1] } @{$o->{values}})[0])' "$2" "$3"
}
seen_of() { # HOME ID
	on "$1" --json show "$2" | json seen
}
same_everywhere() { # NAME
	is "$(digest "$minh") $(digest "$sen") $(digest "$head")" "$(digest "$lan") $(digest "$lan") $(digest "$lan")" "$1"
}

person=$(on "$lan" add person "full_name=Hoàng Thị Mẩy" sex=F birth_date=1999 birth_precision=YEAR do_not_contact=no \
	education=E2 pseudonym_code=DD-07)
case=$(on "$lan" add case "person_id=$person" case_no=HS-07 recv_channel=GATE recv_date=2026-03-02 risk_level=MEDIUM \
	purpose=MARRIAGE,SEX ident_result=PENDING "notes=Tiếp nhận ban đầu.")
all_sync
must sync_with "$thu"
must sync_with "$tip"

# ---- review: three values, all kept, everybody who may read the record is told ----
must on "$lan" edit "$person" "full_name=Hoàng Thị Mảy"
must on "$minh" edit "$person" "full_name=Hoàng Thị Mây"
must on "$sen" edit "$person" "full_name=Hoàng Thị Mảy"
all_sync
three="conflict Hoàng Thị Mây=Hoàng Văn Minh Hoàng Thị Mảy=Nông Thị Lan Hoàng Thị Mảy=Vi Thị Sen"
for home in "$lan" "$minh" "$sen" "$head"; do
	is "$(field_of "$home" "$person" full_name)" "$three" "review: every value with its author on $(basename "$home")'s laptop"
	is "$(inbox "$home")" full_name "review: it is in the inbox there"
	is "$(on "$home" --json status | json conflicts)" 1 "review: status counts it there"
done
is "$(inbox "$thu")$(inbox "$tip")" "" "nobody else is told: not another commune, not a communicator"
is "$(value_of "$lan" "$person" full_name)" "$(value_of "$sen" "$person" full_name)" "review: one is shown meanwhile, the same everywhere"
like "$(on "$lan" conflicts)" "Hoàng Văn Minh" "the list for people names the authors, too"

# ---- settled once is settled everywhere; settled differently by two is a conflict again ----
must on "$head" resolve "$person" full_name --pick "$(k_of "$head" full_name "Hoàng Thị Mây")"
all_sync
for home in "$lan" "$minh" "$sen" "$head"; do
	# who it was is a name where the province's people are known, else a device
	is "$(inbox "$home") $(field_of "$home" "$person" full_name | sed 's/=[^=]*$//')" " ok Hoàng Thị Mây" \
		"settled by the province: settled on $(basename "$home")'s laptop"
done
must on "$lan" edit "$person" "full_name=Hoàng Thị Mẩy"
must on "$minh" edit "$person" "full_name=Hoàng Thị Mỷ"
all_sync
k=$(k_of "$lan" full_name "Hoàng Thị Mẩy")
must on "$lan" resolve "$person" full_name --pick "$k" --seen "$(seen_of "$lan" "$person")"
must on "$minh" resolve "$person" full_name --value "Hoàng Thị Mị" --seen "$(seen_of "$minh" "$person")"
must on "$sen" resolve "$person" full_name --pick "$k" --seen "$(seen_of "$sen" "$person")"
all_sync
is "$(inbox "$sen")" full_name "two people settled it differently: it is in the inbox again"
is "$(field_of "$sen" "$person" full_name)" \
	"conflict Hoàng Thị Mẩy=Nông Thị Lan Hoàng Thị Mẩy=Vi Thị Sen Hoàng Thị Mị=Hoàng Văn Minh" \
	"with what each of them chose, and nothing of what all had seen"
must on "$sen" resolve "$person" full_name --pick "$(k_of "$sen" full_name "Hoàng Thị Mẩy")"
all_sync
is "$(inbox "$lan")$(inbox "$minh")$(inbox "$sen")$(inbox "$head")" "" "settled again, everywhere"
same_everywhere "and all four replicas are the same"

# ---- what came after the listing is not settled away ----
must on "$lan" edit "$person" "address_text=Thôn Pò Cại"
must on "$minh" edit "$person" "address_text=Thôn Nà Lầu"
all_sync
seen=$(seen_of "$lan" "$person") k=$(k_of "$lan" address_text "Thôn Nà Lầu")
must on "$sen" edit "$person" "address_text=Thôn Khơ Đa" --seen "$(seen_of "$sen" "$person")"
all_sync
must on "$lan" resolve "$person" address_text --pick "$k" --seen "$seen"
all_sync
is "$(field_of "$minh" "$person" address_text)" "conflict Thôn Khơ Đa=Vi Thị Sen Thôn Nà Lầu=Nông Thị Lan" \
	"a value that came after the listing stays beside what was picked"
must on "$minh" resolve "$person" address_text --value "Thôn Nà Lầu"

# ---- a statement of several fields is one value ----
all_sync
must on "$lan" edit "$person" birth_date=1999-04 birth_precision=MONTH
must on "$minh" edit "$person" birth_date=1998-11-20 birth_precision=DAY
all_sync
is "$(field_of "$sen" "$person" birth_date) / $(field_of "$sen" "$person" birth_precision)" \
	"conflict 1998-11-20=Hoàng Văn Minh 1999-04=Nông Thị Lan / conflict DAY=Hoàng Văn Minh MONTH=Nông Thị Lan" \
	"group: two statements, each whole"
must on "$sen" resolve "$person" birth_date --pick "$(k_of "$sen" birth_date 1999-04)"
all_sync
is "$(value_of "$head" "$person" birth_date) $(value_of "$head" "$person" birth_precision)" "1999-04 MONTH" \
	"group: picking the date picks its precision, never half of each"
is "$(inbox "$head")" "" "group: settled as one"

# ---- union: what one adds and another takes out ----
must on "$lan" edit "$case" purpose=MARRIAGE,SEX,SCAM
must on "$minh" edit "$case" purpose=MARRIAGE
must on "$sen" edit "$case" purpose=MARRIAGE,SEX,LABOUR
all_sync
for home in "$lan" "$minh" "$sen"; do
	is "$(value_of "$home" "$case" purpose | sort | xargs)" "LABOUR MARRIAGE SCAM" \
		"union: what was added stays, what one had seen and taken out goes, on $(basename "$home")'s laptop"
done
is "$(inbox "$lan")" "" "union: no conflict"

# ---- append: all, in order; struck through with a reason, and still visible ----
must on "$lan" edit "$case" "notes=Gia đình đồng ý đón về."
must on "$minh" edit "$case" "notes=Ghi nhầm hồ sơ."
must on "$sen" edit "$case" "notes=Đã khám sức khỏe."
all_sync
is "$(value_of "$lan" "$case" notes | wc -l)" 4 "append: every note is there"
is "$(value_of "$lan" "$case" notes)" "$(value_of "$sen" "$case" notes)" "append: in the same order"
address=$(on "$sen" --json show "$case" | perl -MJSON::PP -e 'local $/; print map { $_->{dot} }
	grep { $_->{value} =~ /^Ghi/ } @{decode_json(<STDIN>)->{fields}{notes}{values}}')
complains 64 "" "append: striking through asks for a reason" on "$sen" void "$case" notes "$address"
must on "$sen" void "$case" notes "$address" --reason "Của người khác"
must on "$lan" void "$case" notes "$address" --reason "Nhầm"
all_sync
for home in "$lan" "$minh" "$sen" "$head"; do
	is "$(value_of "$home" "$case" notes | wc -l) $(field_of "$home" "$case" notes | grep -c '!Ghi nhầm hồ sơ.=Hoàng Văn Minh')" "3 1" \
		"append: struck through by two at once, it no longer counts and stays visible, on $(basename "$home")'s laptop"
done
is "$(inbox "$lan")" "" "append: no conflict"

# ---- highest: shows the higher, tells that it hides one, lowering asks why ----
must on "$lan" edit "$case" risk_level=HIGH
must on "$minh" edit "$case" risk_level=LOW --reason "Đã an toàn"
must on "$sen" edit "$case" risk_level=HIGH
all_sync
for home in "$lan" "$minh" "$sen" "$head"; do
	is "$(value_of "$home" "$case" risk_level) $(inbox "$home")" "HIGH risk_level" \
		"highest: the higher shows and the lower is not hidden silently, on $(basename "$home")'s laptop"
done
complains 65 "reason" "highest: to settle for the lower asks for a reason" \
	on "$head" resolve "$case" risk_level --pick "$(k_of "$head" risk_level LOW)"
complains 65 "reason" "highest: as a value, too" on "$head" resolve "$case" risk_level --value MEDIUM
must on "$head" resolve "$case" risk_level --pick "$(k_of "$head" risk_level LOW)" --reason "Đã về với gia đình"
all_sync
is "$(value_of "$lan" "$case" risk_level)$(inbox "$lan")" LOW "highest: lowered with a reason, everywhere"
like "$(on "$lan" show "$case" --history)" "Đã về với gia đình" "highest: the reason stands in the history"
must on "$lan" edit "$case" risk_level=URGENT
must on "$minh" edit "$case" risk_level=URGENT
all_sync
is "$(value_of "$sen" "$case" risk_level) $(inbox "$sen")" "URGENT " "highest: equal values hide nothing and are no conflict"

# ---- deny_wins: protection wins at once, is listed, and is lifted with a reason ----
must on "$lan" edit "$person" do_not_contact=yes
must on "$minh" edit "$person" do_not_contact= --reason "Chưa hỏi"
all_sync
for home in "$lan" "$minh" "$sen" "$head"; do
	is "$(value_of "$home" "$person" do_not_contact) $(inbox "$home")" "yes " \
		"deny_wins: protected, without waiting for anybody, on $(basename "$home")'s laptop"
done
is "$(inbox "$head" --settled)" do_not_contact "deny_wins: that it was settled automatically is listed"
complains 65 "reason" "deny_wins: lifting asks for a reason" on "$head" edit "$person" do_not_contact=no \
	--seen "$(seen_of "$head" "$person")"
complains 65 "reason" "deny_wins: also by settling it" on "$head" resolve "$person" do_not_contact --value no
must on "$head" edit "$person" do_not_contact=no --seen "$(seen_of "$head" "$person")" --reason "Chị ấy đồng ý, có giấy"
all_sync
is "$(value_of "$lan" "$person" do_not_contact)$(inbox "$lan" --settled)" no "deny_wins: lifted with a reason, everywhere"
must on "$lan" edit "$person" do_not_contact=yes
must on "$minh" edit "$person" "safe_contact_time=Buổi tối"
all_sync
is "$(value_of "$minh" "$person" do_not_contact)" yes "deny_wins: protected again, whatever else was written"

# ---- latest: the newest shows; the others are listed, and it can be undone ----
must on "$lan" edit "$person" education=E4
sleep 1.1
must on "$minh" edit "$person" education=E1
all_sync
for home in "$lan" "$minh" "$sen" "$head"; do
	is "$(value_of "$home" "$person" education) $(inbox "$home") $(inbox "$home" --settled)" "E1  education" \
		"latest: the newest shows, and that the other is hidden is listed, on $(basename "$home")'s laptop"
done
must on "$sen" resolve "$person" education --pick "$(k_of "$sen" education E4 --settled)"
all_sync
is "$(value_of "$lan" "$person" education)$(inbox "$lan" --settled)" E4 "latest: what was settled automatically is undone, everywhere"

# ---- after a merge the form's rules are asked again ----
must on "$lan" edit "$case" ident_result=VICTIM "ident_org=Công an tỉnh" ident_doc_no=21/GXN-CAT ident_date=2026-05-01
all_sync
must on "$lan" edit "$case" cert_no=07/XN cert_date=2026-05-20 "cert_org=Công an tỉnh"
must on "$minh" edit "$case" ident_result=PENDING ident_org= ident_doc_no= ident_date=
all_sync
for home in "$lan" "$minh" "$sen" "$head"; do
	like " $(inbox "$home") " " cert_no " "a rule that only the merge broke is in the inbox on $(basename "$home")'s laptop"
done
breaches=$(on "$lan" --json conflicts | json '#')
is "$(on "$lan" --json status | json conflicts)" "$(on "$lan" --json conflicts | perl -MJSON::PP -e 'local $/; print scalar @{decode_json(<STDIN>)}')" \
	"and status counts them ($breaches)"
must on "$sen" edit "$case" cert_no= cert_date= cert_org= --seen "$(seen_of "$sen" "$case")"
all_sync
is "$(inbox "$lan")" "" "what it asked for was done, and it is gone"

# ---- deleted by one, edited by another ----
must on "$lan" delete "$person" --reason "Ghi hai lần"
must on "$minh" edit "$person" "phone=0912345678"
all_sync
for home in "$lan" "$minh" "$sen" "$head"; do
	is "$(inbox "$home") $(value_of "$home" "$person" phone) $(on "$home" --json show "$person" | json deleted)" "alive 0912345678 false" \
		"delete against edit: in the inbox, the edit is there, on $(basename "$home")'s laptop"
done
must on "$head" resolve "$person" alive --pick "$(k_of "$head" alive 0)" --reason "Đúng là ghi hai lần"
all_sync
is "$(on "$lan" --json list person)$(inbox "$lan")" "[]" "delete against edit: settled for the delete, everywhere"
like "$(on "$lan" show "$person" --history)" 0912345678 "the deleted record's history still holds the edit"
must on "$minh" delete "$case" --reason "Theo người"
must on "$sen" delete "$case" --reason "Không còn cần"
all_sync
is "$(inbox "$lan") $(on "$lan" --json show "$case" | json deleted)" " true" "two deletes are no conflict"
complains 65 "field undelete" "a deleted record is not edited" on "$lan" edit "$case" risk_level=HIGH
is "$(on "$lan" --json list case | json '#') $(on "$lan" --json list case --deleted | json 0 id)" "0 $case" "it is listed among the deleted"
must on "$lan" undelete "$case" --reason "Xóa nhầm"
complains 65 "not deleted" "what is not deleted is not taken back" on "$lan" undelete "$case"
all_sync
for home in "$lan" "$minh" "$sen" "$head"; do
	is "$(on "$home" --json list case | json '#')$(inbox "$home") $(value_of "$home" "$case" risk_level)" "1 URGENT" \
		"both deletes taken back: it is there with its values, on $(basename "$home")'s laptop"
done
like "$(on "$head" show "$case" --history)" "Xóa nhầm" "with the reason in its history"

# ---- history: every value that was ever acknowledged ----
history=$(on "$head" --json show "$person" --history)
for want in "Hoàng Thị Mẩy=Nông Thị Lan" "Hoàng Thị Mảy=Nông Thị Lan" "Hoàng Thị Mảy=Vi Thị Sen" "Hoàng Thị Mây=Hoàng Văn Minh" \
	"Hoàng Thị Mây=Bế Văn Trưởng" "Hoàng Thị Mỷ=Hoàng Văn Minh" "Hoàng Thị Mị=Hoàng Văn Minh" "Thôn Pò Cại=Nông Thị Lan" \
	"Thôn Khơ Đa=Vi Thị Sen" "E1=Hoàng Văn Minh" "0912345678=Hoàng Văn Minh" "yes=Nông Thị Lan"; do
	perl -MJSON::PP -MEncode -e 'local $/; my ($v, $by) = split /=/, decode("UTF-8", $ARGV[0]);
		for my $e (@{decode_json(<STDIN>)}) { next unless $e->{by} eq $by && $e->{at} =~ /^\d{4}-/;
			for my $w (@{$e->{writes}}) { exit 0 if grep { $_->{value} eq $v } @{$w->{values}} } } exit 1' "$want" <<<"$history"
	ok $? "history: $want, with a time"
done
same_everywhere "at the end all four replicas are the same"
stop_server
done_testing
