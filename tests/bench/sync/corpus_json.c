/*
 * corpus_json N COMMUNE: the records that `fill` saves (tests/bench/fill.c: same seed, same
 * values), one JSON object a line, for programs that are measured beside ours:
 *
 *   {"form":"case","saved_at":1767600000,"fields":[["person_id",17,true],["case_no","HS-1",false]]}
 *
 * A field is [name, value, false], or [name, index of an earlier record, true]; the fields of a
 * list stand once for each value.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/corpus.h"

enum { SEED = 20260105 };

static json_t *
field_of(const struct corpus_field *f)
{
	if (f->value == NULL)
		return json_pack("[s, I, b]", f->name, (json_int_t)f->refers, 1);
	return json_pack("[s, s, b]", f->name, f->value, 0);
}

static int
put(const struct corpus_record *r)
{
	json_t *fields = json_array(), *all;
	int bad = 0;

	for (size_t i = 0; i < r->n_fields; i++)
		bad |= json_array_append_new(fields, field_of(&r->fields[i]));
	all = json_pack("{s:s, s:I, s:o}", "form", r->form, "saved_at", (json_int_t)r->saved_at,
	    "fields", fields);
	bad |= all == NULL || json_dumpf(all, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF;
	json_decref(all);
	return bad;
}

int
main(int argc, char **argv)
{
	struct corpus_options o = { .seed = SEED, .n_communes = 1 };
	struct corpus_record r;
	struct corpus *c = NULL;
	const char *unit;
	int bad = 0;

	if (argc != 3)
		return 64;
	o.n = strtoul(argv[1], NULL, 10);
	unit = argv[2];
	o.communes = &unit;
	if (corpus_new(&o, &c) != RC_OK)
		return 70;
	while (!bad && corpus_next(c, &r))
		bad = put(&r);
	corpus_free(c);
	return bad || fflush(stdout) != 0 ? 70 : 0;
}
