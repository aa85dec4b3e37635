#include "tests/simulate/sim_model.h"

#include <stdlib.h>
#include <string.h>

static const struct sim_field FIELDS[] = {
	{ "visit", "title", 1, 'l', 1 },
	{ "visit", "place", 2, 't', 1 },
	{ "visit", "topics", 3, 'u', 1 },
	{ "visit", "notes", 4, 'a', 1 },
	{ "visit", "outcome", 5, 't', 1 },
	{ "visit", "people", 6, 't', 2 },
	{ "visit", "material", 7, 'u', 3 },
	{ "case", "name", 1, 't', 1 },
	{ "case", "risk", 2, 'h', 1 },
	{ "case", "no_contact", 3, 'd', 1 },
	{ "case", "status", 4, 't', 1 },
	{ "case", "needs", 5, 'u', 1 },
	{ "case", "notes", 6, 'a', 1 },
	{ "case", "phone", 7, 'l', 2 },
	{ "case", "plan", 8, 't', 3 },
	{ "case", "close_reason", 9, 't', 1 },
	{ "case", "closed_on", 10, 'c', 1 },
	{ "summary", "total", 1, 't', 1 },
	{ "summary", "remark", 2, 'l', 1 },
};

const struct sim_field *
sim_field_at(const char *form, unsigned i)
{
	for (size_t k = 0; k < sizeof FIELDS / sizeof *FIELDS; k++) {
		if (strcmp(FIELDS[k].form, form) == 0 && i-- == 0)
			return &FIELDS[k];
	}
	return NULL;
}

const struct sim_field *
sim_field_numbered(const char *form, unsigned number)
{
	for (size_t k = 0; k < sizeof FIELDS / sizeof *FIELDS; k++) {
		if (strcmp(FIELDS[k].form, form) == 0 && FIELDS[k].number == number)
			return &FIELDS[k];
	}
	return NULL;
}

static void *
need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* What is kept ------------------------------------------------------------ */

void
sim_model_init(struct sim_model *m, size_t devices)
{
	memset(m, 0, sizeof *m);
	m->attempts = need(calloc(devices, sizeof *m->attempts));
}

void
sim_entry_reset(struct sim_entry *e)
{
	free(e->gone);
	free(e->voided);
	free(e->saw);
	memset(e, 0, sizeof *e);
}

static void *
copy_of(const void *p, size_t len)
{
	return p == NULL ? NULL : memcpy(need(malloc(len + 1)), p, len);
}

void
sim_entry_copy(struct sim_entry *to, const struct sim_entry *from)
{
	*to = *from;
	to->gone = copy_of(from->gone, from->n_gone * sizeof *from->gone);
	to->voided = copy_of(from->voided, from->n_voided * sizeof *from->voided);
	to->saw = copy_of(from->saw, from->n_saw * sizeof *from->saw);
}

void
sim_model_reset(struct sim_model *m)
{
	for (size_t i = 0; i < m->n; i++)
		sim_entry_reset(&m->all[i]);
	free(m->all);
	free(m->attempts);
	memset(m, 0, sizeof *m);
}

void
sim_seen_reset(struct sim_seen *s)
{
	free(s->entries);
	memset(s, 0, sizeof *s);
}

static bool
same_dot(const struct dot *a, const struct dot *b)
{
	return a->log == b->log && a->n == b->n;
}

static size_t
slot_of(const struct dot *d)
{
	uint64_t z = (d->log ^ d->n * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;

	return (size_t)(z >> 40) % SIM_SLOTS;
}

int
sim_model_find(const struct sim_model *m, const struct dot *dot, uint64_t head)
{
	for (size_t s = slot_of(dot);; s = (s + 1) % SIM_SLOTS) {
		if (m->slots[s] == 0)
			return -1;
		if (same_dot(&m->all[m->slots[s] - 1].dot, dot) &&
		    (head == 0 || m->all[m->slots[s] - 1].head == head))
			return m->slots[s] - 1;
	}
}

uint64_t
sim_model_forked_at(const struct sim_model *m, uint64_t log, bool surely)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct sim_entry *e = &m->all[i], *first;

		if (e->dot.log != log || (n != 0 && e->dot.n >= n) || (surely && e->excused))
			continue;
		first = &m->all[sim_model_find(m, &e->dot, 0)];
		if (first != e && !(surely && first->excused))
			n = e->dot.n;
	}
	return n;
}

int
sim_model_add(struct sim_model *m, const struct sim_entry *e)
{
	size_t s = slot_of(&e->dot);

	if (m->n + 1 >= SIM_SLOTS)
		abort();
	if (m->n == m->cap) {
		m->cap = m->cap == 0 ? 64 : m->cap * 2;
		m->all = need(realloc(m->all, m->cap * sizeof *m->all));
	}
	m->all[m->n] = *e;
	while (m->slots[s] != 0)
		s = (s + 1) % SIM_SLOTS;
	m->slots[s] = (int)++m->n;
	return (int)m->n - 1;
}

/* What follows from it ------------------------------------------------------ */

int
sim_model_root(const struct sim_model *m, int entry)
{
	while (m->all[entry].restates != 0)
		entry = m->all[entry].restates - 1;
	return entry;
}

static bool
names(const struct sim_model *m, const struct sim_ref *refs, size_t n, const struct sim_ref *v)
{
	for (size_t i = 0; i < n; i++) {
		if (refs[i].unit == v->unit &&
		    sim_model_root(m, refs[i].entry) == sim_model_root(m, v->entry))
			return true;
	}
	return false;
}

/* Of an entry that was entered again the first one counts, else the smallest of the others. */
static bool
is_entered_by_another(const struct sim_model *m, const int *known, size_t n, int entry)
{
	const struct sim_entry *e = &m->all[entry], *o;
	int root = sim_model_root(m, entry);

	for (size_t i = 0; i < n; i++) {
		o = &m->all[known[i]];
		if (known[i] == entry || sim_model_root(m, known[i]) != root)
			continue;
		if (known[i] == root || (entry != root && (o->dot.log < e->dot.log ||
		    (o->dot.log == e->dot.log && o->dot.n < e->dot.n))))
			return true;
	}
	return false;
}

void
sim_model_live(const struct sim_model *m, const int *known, size_t n, struct sim_ref **out,
    size_t *n_out)
{
	size_t room = 1;

	for (size_t i = 0; i < n; i++)
		room += m->all[known[i]].n_units;
	*out = need(malloc(room * sizeof **out));
	*n_out = 0;
	for (size_t i = 0; i < n; i++) {
		if (is_entered_by_another(m, known, n, known[i]))
			continue;
		for (size_t u = 0; u < m->all[known[i]].n_units; u++) {
			struct sim_ref v = { known[i], (int)u };
			bool replaced = false;

			for (size_t k = 0; k < n && !replaced; k++)
				replaced = names(m, m->all[known[k]].gone, m->all[known[k]].n_gone, &v);
			if (!replaced)
				(*out)[(*n_out)++] = v;
		}
	}
}

bool
sim_model_is_voided(const struct sim_model *m, const int *known, size_t n,
    const struct sim_ref *v)
{
	for (size_t k = 0; k < n; k++) {
		if (names(m, m->all[known[k]].voided, m->all[known[k]].n_voided, v))
			return true;
	}
	return false;
}

void
sim_model_see(const struct sim_model *m, const int *known, size_t n, struct sim_seen *out)
{
	struct sim_ref *live;
	size_t n_live;

	sim_model_live(m, known, n, &live, &n_live);
	out->n = 0;
	out->entries = need(malloc((n + 1) * sizeof *out->entries));
	for (size_t i = 0; i < n_live; i++) {
		bool had = false;

		for (size_t k = 0; k < out->n; k++)
			had = had || out->entries[k] == live[i].entry;
		if (!had)
			out->entries[out->n++] = live[i].entry;
	}
	free(live);
}

/* What a save writes -------------------------------------------------------- */

static void
add_ref(struct sim_ref **refs, size_t *n, struct sim_ref v)
{
	*refs = need(realloc(*refs, (*n + 1) * sizeof **refs));
	(*refs)[(*n)++] = v;
}

static void
add_unit(struct sim_entry *e, unsigned field, bool item, const char *text)
{
	struct sim_unit *u = &e->units[e->n_units++];

	u->field = field;
	u->item = item;
	memcpy(u->text, text, strlen(text) + 1);
}

static bool
is_wanted(const struct sim_wanted *w, const char *text)
{
	for (size_t i = 0; i < w->n_items; i++) {
		if (strcmp(w->items[i], text) == 0)
			return true;
	}
	return false;
}

/* Is this text a live value of the field, and, if `only` is asked for, is there no other one? */
static bool
is_live(const struct sim_model *m, const int *known, size_t n, unsigned field,
    const char *text, bool only)
{
	struct sim_ref *live;
	size_t n_live;
	bool found = false, other = false;

	sim_model_live(m, known, n, &live, &n_live);
	for (size_t i = 0; i < n_live; i++) {
		const struct sim_unit *u = &m->all[live[i].entry].units[live[i].unit];

		if (u->field != field)
			continue;
		if (strcmp(u->text, text) != 0)
			other = true;
		else if (!sim_model_is_voided(m, known, n, &live[i]))
			found = true;
	}
	free(live);
	/* nothing over nothing is no change either */
	if (only && text[0] == '\0' && !found && !other)
		return true;
	return found && !(only && other);
}

static void
replace_seen(const struct sim_model *m, struct sim_entry *e, const struct sim_seen *seen,
    const struct sim_wanted *w, bool keep_wanted)
{
	for (size_t i = 0; i < seen->n; i++) {
		const struct sim_entry *s = &m->all[seen->entries[i]];

		for (size_t u = 0; u < s->n_units; u++) {
			if (s->units[u].field == w->field->number &&
			    !(keep_wanted && is_wanted(w, s->units[u].text)))
				add_ref(&e->gone, &e->n_gone, (struct sim_ref){ seen->entries[i], (int)u });
		}
	}
}

void
sim_model_write(const struct sim_model *m, struct sim_entry *e,
    const struct sim_wanted *w, const struct sim_seen *seen, const int *known, size_t n)
{
	unsigned field = w->field->number;
	const char *text = w->n_items == 0 ? "" : w->items[0];

	if (w->field->kind != 'u' && w->field->kind != 'a') {
		if (is_live(m, known, n, field, text, true))
			return;
		add_unit(e, field, false, text);
		replace_seen(m, e, seen, w, false);
		return;
	}
	for (size_t i = 0; i < w->n_items; i++) {
		if (w->field->kind == 'a' || !is_live(m, known, n, field, w->items[i], false))
			add_unit(e, field, true, w->items[i]);
	}
	if (w->field->kind == 'u')
		replace_seen(m, e, seen, w, true);
}

void
sim_model_delete(const struct sim_model *m, struct sim_entry *e, const struct sim_seen *seen)
{
	static const struct sim_field alive = { "", "alive", 0, 't', 1 };
	struct sim_wanted w = { &alive, { "0" }, 1 };

	add_unit(e, 0, false, "0");
	replace_seen(m, e, seen, &w, false);
	e->deletes = true;
	e->saw = need(malloc((seen->n + 1) * sizeof *e->saw));
	memcpy(e->saw, seen->entries, seen->n * sizeof *e->saw);
	e->n_saw = seen->n;
}
