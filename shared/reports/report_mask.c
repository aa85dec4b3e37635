#include "shared/reports/report_mask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/reports/report_mask_internal.h"

/* ---- what is hidden ---- */

static bool
is_hidden(const struct mask *m, size_t block, size_t row, size_t column)
{
	uint32_t figure = m->figures[report_mask_place(m, block, row, column)];

	if (m->all)
		return report_mask_is_figure(m, block, row, column);
	return figure != 0 && m->hide.cells[figure - 1].hidden;
}

static bool
any_hidden(const struct mask *m, size_t block)
{
	for (size_t i = 0; i < m->r->blocks[block].n_rows; i++) {
		for (size_t c = 0; c < m->r->n_columns; c++) {
			if (is_hidden(m, block, i, c))
				return true;
		}
	}
	return false;
}

/* Whether a cell goes with what is hidden beside it; one whose terms are not in its row, with its block. */
static bool
must_follow(const struct mask *m, size_t block, size_t row, size_t column)
{
	const struct report_follow *f = report_mask_follow(m->d, column);
	bool terms = false;

	if (f == NULL || m->r->blocks[block].rows[row].open)
		return false;
	for (size_t c = 0; c < m->r->n_columns; c++) {
		if (report_mask_has(f->others, c) && is_hidden(m, block, row, c))
			return true;
		terms |= report_mask_has(f->others, c) && report_mask_cell(m, block, row, c)->type != REPORT_NOTHING;
	}
	return !terms && any_hidden(m, block);
}

/* Money beside hidden persons; *more: some was not hidden before. */
static void
hide_money(struct mask *m, bool *more)
{
	*more = false;
	for (size_t b = 0; b < m->r->n_blocks; b++) {
		for (size_t i = 0; i < m->r->blocks[b].n_rows; i++) {
			for (size_t c = 0; c < m->r->n_columns; c++) {
				uint32_t figure = m->figures[report_mask_place(m, b, i, c)];

				if (figure != 0 && !m->hide.cells[figure - 1].hidden && must_follow(m, b, i, c))
					*more = m->hide.cells[figure - 1].hidden = true;
			}
		}
	}
}

/*
 * Where two marks leave no other table than the true one, small figures get the mark of the others,
 * which says only that there is something; and where that does not help, zeros get it, too.
 */
static void
say_less(struct mask *m)
{
	m->all = m->alike;
	m->alike = true;
	for (size_t i = 0; i < m->hide.n_cells; i++) {
		struct report_hide_cell *c = &m->hide.cells[i];

		c->low = c->low > 1 ? 1 : c->low;
		c->high = INT64_MAX / 2;
	}
}

/* Until nothing more is to be hidden: each step only adds. */
static void
hide_all(struct mask *m)
{
	bool more = true;

	while (more) {
		hide_money(m, &more);
		for (size_t i = 0; i < m->hide.n_cells; i++) {
			if (m->hide.cells[i].hidden && !m->hide.cells[i].safe) {
				if (!report_hide_protect(&m->hide, (uint32_t)i))
					say_less(m);
				more = true;
			}
		}
		more = more && !m->all;
	}
}

/* ---- what is shown instead ---- */

static struct report_cell
shown(const struct mask *m, size_t block, size_t row, size_t column, const char *small)
{
	const struct report_cell *c = report_mask_cell(m, block, row, column);
	bool persons = m->r->columns[column].kind == REPORT_PERSONS;

	if (is_hidden(m, block, row, column))
		return (struct report_cell){ .type = REPORT_WORDS, .words = !m->alike && persons &&
		    c->integer < m->threshold ? small : REPORT_MASK_OTHER };
	if (!persons && c->type != REPORT_NOTHING && must_follow(m, block, row, column) &&
	    m->figures[report_mask_place(m, block, row, column)] == 0 &&
	    !(c->type == REPORT_INTEGER && c->integer == 0 && m->r->columns[column].kind == REPORT_MONEY))
		return (struct report_cell){ .type = REPORT_WORDS, .words = REPORT_MASK_OTHER };
	return *c;
}

static enum rc
write_block(struct mask *m, size_t block, const char *small)
{
	struct report_block *b = &m->r->blocks[block];
	size_t n = m->r->n_columns;
	struct report_row *rows = arena_alloc(&m->r->arena, b->n_rows, sizeof(*rows));

	if (rows == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < b->n_rows; i++) {
		struct report_cell *cells = arena_alloc(&m->r->arena, n, sizeof(*cells));

		if (cells == NULL)
			return RC_NOMEM;
		for (size_t c = 0; c < n; c++)
			cells[c] = shown(m, block, i, c, small);
		rows[i] = b->rows[i];
		rows[i].cells = cells;
	}
	b->rows = rows;
	return RC_OK;
}

static enum rc
add_note(struct report *r, const char *note)
{
	const char *kept = arena_copy(&r->arena, note, strlen(note));

	if (kept == NULL)
		return RC_NOMEM;
	if (r->n_notes == REPORT_NOTES_MAX)
		return RC_LIMIT;
	r->notes[r->n_notes++] = kept;
	return RC_OK;
}

/* A chart would draw what the table does not say. */
static void
drop_charts(struct mask *m)
{
	struct report *r = m->r;
	size_t n = 0;

	for (size_t i = 0; i < r->n_charts; i++) {
		size_t block = r->charts[i].block;
		bool hidden = block >= r->n_blocks;

		for (size_t k = 0; !hidden && k < r->blocks[block].n_rows; k++)
			hidden = is_hidden(m, block, k, r->charts[i].column);
		if (!hidden)
			r->charts[n++] = r->charts[i];
	}
	r->n_charts = n;
}

/* Blocks that never leave, with a note each; charts keep their blocks. */
static enum rc
withhold(struct report *r, const struct report_definition *d)
{
	size_t kept = 0, charts = 0, moved[REPORT_BLOCKS_MAX];
	char note[512];
	enum rc rc = RC_OK;

	for (size_t b = 0; b < r->n_blocks; b++) {
		moved[b] = report_mask_has(d->withheld, r->blocks[b].number) ? REPORT_BLOCKS_MAX : kept;
		if (moved[b] < REPORT_BLOCKS_MAX) {
			r->blocks[kept++] = r->blocks[b];
			continue;
		}
		snprintf(note, sizeof(note), r->lang == FORM_EN ? "The part “%s” is not published." :
		    "Bản công bố không có phần “%s”.", r->blocks[b].title);
		if ((rc = add_note(r, note)) != RC_OK)
			return rc;
	}
	for (size_t i = 0; i < r->n_charts; i++) {
		struct report_chart c = r->charts[i];

		if (c.block < r->n_blocks && moved[c.block] < REPORT_BLOCKS_MAX)
			r->charts[charts++] = (struct report_chart){ moved[c.block], c.column };
	}
	r->n_charts = charts;
	r->n_blocks = kept;
	return RC_OK;
}

/* What the table says of itself. */
static enum rc
explain(struct report *r, bool alike)
{
	static const char *const open[FORM_LANGS] = {
		"Một số bản ghi chưa thống nhất số liệu giữa các máy, đang chờ người có trách nhiệm quyết"
		" định; tạm tính theo giá trị đang hiển thị.",
		"Some records hold more than one value for a field and are counted by the one that is"
		" displayed; a person has yet to settle them.",
	};
	char note[512], small[REPORT_SMALL_MAX];

	if (report_open_words(r, small)) {
		for (size_t i = 0; i < r->n_notes; i++) {
			if (r->notes[i] == r->open_note)
				r->notes[i] = r->open_note = open[r->lang];
		}
	}
	if (alike)
		snprintf(note, sizeof(note), r->lang == FORM_EN ?
		    "Made for publication.  “%s”: not published, being fewer than %lld persons, or so that"
		    " no other figure can be worked out from it." :
		    "Bản công bố. Ô ghi “%s”: không công bố, vì dưới %lld người hoặc để không suy ra được"
		    " số liệu của ô khác.", REPORT_MASK_OTHER, (long long)r->threshold);
	else
		snprintf(note, sizeof(note), r->lang == FORM_EN ?
		    "Made for publication.  “%s”: fewer than %lld persons.  “%s”: there is a figure, which"
		    " is not published, so that no other can be worked out from it." :
		    "Bản công bố. Ô ghi “%s”: dưới %lld người. Ô ghi “%s”: có phát sinh nhưng không công"
		    " bố, để không suy ra được số liệu của ô khác.", small, (long long)r->threshold,
		    REPORT_MASK_OTHER);
	return add_note(r, note);
}

bool
report_open_words(const struct report *r, char out[REPORT_SMALL_MAX])
{
	snprintf(out, REPORT_SMALL_MAX, "<%lld", (long long)r->threshold);
	return r->open_conflicts > 0 && r->open_conflicts < (uint64_t)r->threshold;
}

enum rc
report_mask(struct report *r, const struct report_definition *d, int64_t threshold, struct error *err)
{
	struct mask m = { .r = r, .d = d, .threshold = threshold };
	char words[REPORT_SMALL_MAX];
	const char *small;
	enum rc rc;

	report_hide_init(&m.hide);
	r->threshold = threshold;
	snprintf(words, sizeof(words), "<%lld", (long long)threshold);
	small = arena_copy(&r->arena, words, strlen(words));
	rc = small == NULL ? RC_NOMEM : withhold(r, d);
	if (rc == RC_OK)
		rc = report_mask_gather(&m);
	if (rc == RC_OK) {
		hide_all(&m);
		drop_charts(&m);
	}
	for (size_t b = 0; rc == RC_OK && b < r->n_blocks; b++)
		rc = write_block(&m, b, small);
	if (rc == RC_OK)
		rc = explain(r, m.alike);
	free(m.figures);
	free(m.terms);
	free(m.parts);
	report_hide_reset(&m.hide);
	return rc != RC_LIMIT ? rc : error_set(err, rc, r->name, "ask for fewer units",
	    "the table is too large to be made ready for publication");
}
