#include "tests/support/record_made.h"

#include <string.h>

void
record_made_begin(struct record_made *m, uint64_t log, uint64_t n, int64_t at)
{
	memset(m, 0, sizeof(*m));
	m->e.dot = (struct dot){ log, n };
	m->e.record = RECORD_MADE_ID;
	m->e.saved_at = at;
	m->e.writes = m->writes;
	memcpy(m->form, "form", 5);
	m->e.form = m->form;
	m->e.form_len = 4;
}

struct write *
record_made_write(struct record_made *m, unsigned field, enum write_kind kind)
{
	size_t i = m->e.n_writes++;
	struct write *w = &m->writes[i];

	w->field = field;
	w->kind = kind;
	w->values = m->values[i];
	w->replaces = m->replaces[i];
	return w;
}

void
record_made_replaced(struct record_made *m, struct write *w, uint64_t log, uint64_t n, uint32_t item)
{
	m->replaces[w - m->writes][w->n_replaces++] = (struct address){ { log, n }, item };
}

void
record_made_code(struct record_made *m, struct write *w, const char *code)
{
	m->values[w - m->writes][w->n_values++] = (struct value){ .type = VALUE_CODE, .text = code,
		.text_len = strlen(code) };
}

void
record_made_integer(struct record_made *m, struct write *w, int64_t number)
{
	m->values[w - m->writes][w->n_values++] = (struct value){ .type = VALUE_INTEGER,
		.integer = number };
}
