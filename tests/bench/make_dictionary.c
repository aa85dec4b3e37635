/*
 * make_dictionary DIR: prints a preset dictionary for cargo, made from the forms and
 * code lists in DIR (schema/): words of the labels, then codes and the shapes of
 * entries as the columns spell them, what is most frequent last.  A published
 * number in schema/dictionaries/ never changes; a new one is made with this.
 */
#include <stdio.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/forms/form.h"
#include "shared/records/entry.h"

enum { DICTIONARY_MAX = 32768 - 262, LABELS_MAX = 14000 };

static void
put_labels(const struct form *f, struct bytes *out)
{
	for (size_t i = 0; i < f->n_fields && out->len < LABELS_MAX; i++)
		if (f->fields[i].type == FORM_SELECT_ONE || f->fields[i].type == FORM_SELECT_MULTIPLE)
			for (size_t k = 0; k < f->fields[i].list->n_choices && k < 40 &&
			    out->len < LABELS_MAX; k++) {
				bytes_text(out, f->fields[i].list->choices[k].label[FORM_VI]);
				bytes_u8(out, ' ');
			}
}

static void
put_codes(const struct form *f, struct bytes *out)
{
	for (size_t i = 0; i < f->n_fields; i++)
		if (f->fields[i].type == FORM_SELECT_ONE || f->fields[i].type == FORM_SELECT_MULTIPLE)
			for (size_t k = 0; k < f->fields[i].list->n_choices && k < 30; k++)
				bytes_span(out, f->fields[i].list->choices[k].code,
				    strlen(f->fields[i].list->choices[k].code));
}

static unsigned
type_of(const struct form_field *field)
{
	switch (field->type) {
	case FORM_INTEGER: return VALUE_INTEGER;
	case FORM_DECIMAL: return VALUE_DECIMAL;
	case FORM_DATE: return VALUE_DATE;
	case FORM_SELECT_ONE: case FORM_SELECT_MULTIPLE: return VALUE_CODE;
	case FORM_REFERENCE: return VALUE_REFERENCE;
	case FORM_NOTE: case FORM_TEXT: case FORM_CALCULATE: break;
	}
	return VALUE_TEXT;
}

/* The shape of an entry that answers everything (formats.md "Cargo columns"). */
static void
put_shape(const struct form *f, struct bytes *out)
{
	unsigned last = 0;

	bytes_span(out, f->name, strlen(f->name));
	bytes_u8(out, 1);
	for (unsigned number = 1; number <= FORM_FIELD_NUMBER_MAX; number++) {
		const struct form_field *d = form_field_numbered(f, number);
		bool many = d != NULL && (d->many || d->type == FORM_SELECT_MULTIPLE);

		if (d == NULL || form_register_of(f, d) != number)
			continue;
		bytes_varint(out, number - last);
		last = number;
		if (d->group < 0) {
			bytes_u8(out, (uint8_t)((many ? (unsigned)WRITE_ITEMS : WRITE_SET) << 4 | type_of(d)));
			continue;
		}
		bytes_u8(out, WRITE_SET << 4 | VALUE_GROUP);
		bytes_varint(out, f->groups[d->group].n_fields);
		for (size_t m = 0; m < f->groups[d->group].n_fields; m++) {
			const struct form_field *g = &f->fields[f->groups[d->group].fields[m]];

			bytes_varint(out, g->number);
			bytes_u8(out, (uint8_t)type_of(g));
		}
	}
}

int
main(int argc, char **argv)
{
	struct form_set *set = NULL;
	struct error err = { 0 };
	struct bytes labels, tail, all;

	bytes_init(&labels);
	bytes_init(&tail);
	bytes_init(&all);
	if (argc != 2 || form_set_load_dir(argv[1], &set, &err) != RC_OK) {
		fprintf(stderr, "make_dictionary: %s: %s\n", err.what, err.where);
		return 1;
	}
	for (size_t i = 0; i < form_set_count(set); i++)
		put_labels(form_set_at(set, i), &labels);
	for (size_t i = 0; i < form_set_count(set); i++)
		put_codes(form_set_at(set, i), &tail);
	for (size_t i = 0; i < form_set_count(set); i++)
		put_shape(form_set_at(set, i), &tail);
	bytes_put(&all, labels.data, labels.len);
	bytes_put(&all, tail.data, tail.len);
	if (all.rc == RC_OK && all.len > DICTIONARY_MAX) {
		memmove(all.data, all.data + (all.len - DICTIONARY_MAX), DICTIONARY_MAX);
		all.len = DICTIONARY_MAX;
	}
	fwrite(all.data, 1, all.len, stdout);
	form_set_free(set);
	bytes_reset(&labels);
	bytes_reset(&tail);
	bytes_reset(&all);
	return all.rc == RC_OK && fflush(stdout) == 0 ? 0 : 1;
}
