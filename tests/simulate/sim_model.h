#ifndef TESTS_SIMULATE_SIM_MODEL_H
#define TESTS_SIMULATE_SIM_MODEL_H

/*
 * sim_model: what happened before what, by brute force.  It knows each save that anybody
 * made: its values, and the saves of that record that its author had before his eyes.  From
 * that alone follows what must be live at the end.  It shares no code with shared/records.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/records/entry.h"

enum {
	SIM_TEXT_MAX = 48, SIM_ITEMS_MAX = 6, SIM_WRITES_MAX = 3, SIM_UNITS_MAX = 8,
	SIM_SLOTS = 1 << 13
};

/* Fields of the forms in tests/simulate/forms. */
struct sim_field {
	const char *form, *name;
	unsigned number;
	char kind;		/* t text, l latest, u union, a append, h highest, d deny_wins, c date */
	int since;		/* published form set */
};
const struct sim_field *sim_field_at(const char *form, unsigned i);
const struct sim_field *sim_field_numbered(const char *form, unsigned number);

/* One value. */
struct sim_unit {
	unsigned field;			/* 0: alive */
	bool item;			/* of a list */
	char text[SIM_TEXT_MAX];	/* "" nothing */
};
/* A value of an entry: index and unit. */
struct sim_ref { int entry, unit; };

struct sim_entry {
	struct dot dot, record;
	uint64_t head;			/* of the log after it: tells branches of a fork apart */
	char form[16];
	int device;
	char unit[17];			/* scope */
	unsigned compartment;
	struct sim_unit units[SIM_ITEMS_MAX * SIM_WRITES_MAX];
	size_t n_units;
	struct sim_ref *gone;		/* values that this replaces */
	size_t n_gone;
	struct sim_ref *voided;
	size_t n_voided;
	int *saw;			/* of a delete: entries that its author saw */
	size_t n_saw;
	bool deletes;
	int restates;			/* index + 1 of what this enters again; 0: nothing */
	bool acknowledged;		/* false: the power went before anybody was told */
	bool excused;			/* every copy of it was destroyed, or may have been */
	bool left;			/* somebody let it go, for the province holds it */
	bool counts;			/* for the judgement at hand */
};

/* Entries of a record that somebody saw: each had a value that was live. */
struct sim_seen {
	int *entries;
	size_t n;
};
void sim_seen_reset(struct sim_seen *s);

struct sim_model {
	struct sim_entry *all;
	size_t n, cap;
	int slots[SIM_SLOTS];		/* by dot; index + 1 */
	/* a save that was cut off: it may be there or not, the next start tells */
	struct sim_entry *attempts;	/* by device; form "" for none */
};

void sim_model_init(struct sim_model *m, size_t devices);
void sim_model_reset(struct sim_model *m);
/* head 0: the first one that was written there.  -1: nobody did. */
int sim_model_find(const struct sim_model *m, const struct dot *dot, uint64_t head);
/*
 * From here on a log has two branches, and none of them counts; 0: it has one.
 * surely: branches that may have been destroyed are none.
 */
uint64_t sim_model_forked_at(const struct sim_model *m, uint64_t log, bool surely);
/* What an entry, and all that enter it again, are: index of the one that enters nothing again. */
int sim_model_root(const struct sim_model *m, int entry);
/* Takes what e points to. */
int sim_model_add(struct sim_model *m, const struct sim_entry *e);
void sim_entry_reset(struct sim_entry *e);
void sim_entry_copy(struct sim_entry *to, const struct sim_entry *from);

/*
 * Among `known` (indexes of entries of one record), the values that no known entry
 * replaces.  *out is the caller's to free.
 */
void sim_model_live(const struct sim_model *m, const int *known, size_t n, struct sim_ref **out,
    size_t *n_out);
bool sim_model_is_voided(const struct sim_model *m, const int *known, size_t n,
    const struct sim_ref *v);
/* What somebody who has these entries sees. */
void sim_model_see(const struct sim_model *m, const int *known, size_t n, struct sim_seen *out);

/* A value for one field, or a set of items, to be written over what was seen. */
struct sim_wanted {
	const struct sim_field *field;
	char items[SIM_ITEMS_MAX][SIM_TEXT_MAX];
	size_t n_items;
};
/*
 * Adds to e what a save writes into a field: seen, and known at the moment of saving.
 * Nothing is added if that changes nothing.
 */
void sim_model_write(const struct sim_model *m, struct sim_entry *e,
    const struct sim_wanted *wanted, const struct sim_seen *seen, const int *known, size_t n);
void sim_model_delete(const struct sim_model *m, struct sim_entry *e, const struct sim_seen *seen);

#endif
