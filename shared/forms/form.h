#ifndef SHARED_FORMS_FORM_H
#define SHARED_FORMS_FORM_H

/*
 * form: a set of forms read from XLSForm sheets (survey, choices, settings as
 * CSV) and shared code lists.  Errors name file:row:column.
 * What is ours rides in extension columns of the survey sheet:
 *   bind::field:number       stable number of the field in its form, 1..2047;
 *                            0 and numbers above are reserved; never reused
 *   bind::field:merge        review union append highest deny_wins latest
 *   bind::field:group        name of the statement this field belongs to
 *   bind::field:sensitivity  PUB INT CON SEC
 *   bind::field:refers       form that a reference field points to
 *   bind::field:expect       what an answer should keep to; if it does not, it is saved with
 *                            a warning: bind::field:expect_vi, bind::field:expect_en
 * and of the settings sheet: compartment (activities, cases, reports).
 * The columns, types and limits are described in schema/forms/README.md.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

enum {
	FORM_FIELDS_MAX = 400,
	FORM_FIELD_NUMBER_MAX = 2047,
	FORM_SET_MAX = 128,		/* forms in a set */
	FORM_FILES_MAX = 1024,		/* sheets and lists of a set, here and on its way */
	FORM_LIST_MAX = 5000,		/* choices in a list */
	FORM_TEXT_MAX = 16384,		/* characters of one text answer */
	FORM_SHEET_BYTES_MAX = 4 << 20
};

enum form_lang { FORM_VI, FORM_EN, FORM_LANGS };

enum form_type {
	FORM_NOTE,		/* shown, never answered */
	FORM_TEXT,
	FORM_INTEGER,
	FORM_DECIMAL,
	FORM_DATE,		/* partial dates where the appearance says "partial" */
	FORM_SELECT_ONE,
	FORM_SELECT_MULTIPLE,	/* each chosen code is an item */
	FORM_REFERENCE,		/* a record id; `text` with bind::field:refers */
	FORM_CALCULATE		/* derived, never written */
};

enum form_policy {
	FORM_REVIEW, FORM_UNION, FORM_APPEND, FORM_HIGHEST, FORM_DENY_WINS, FORM_LATEST
};

enum form_compartment { FORM_ACTIVITIES, FORM_CASES, FORM_REPORTS };

enum form_sensitivity { FORM_PUB, FORM_INT, FORM_CON, FORM_SEC };

struct expression;

struct form_choice {
	char *code;
	char *label[FORM_LANGS];
	char **extra;		/* cells of the list's other columns, as list->columns */
};

struct form_list {
	char *name;
	struct form_choice *choices;
	size_t n_choices;
	char **columns;		/* names of further columns (for choice filters) */
	size_t n_columns;
};

struct form_field {
	char *name;
	unsigned number;	/* 0 for notes and calculations */
	enum form_type type;
	char *label[FORM_LANGS];
	char *hint[FORM_LANGS];
	int section;			/* index in form->sections of the innermost one, or -1 */
	const struct form_list *list;	/* selects */
	bool required;			/* constant true; else required_if */
	struct expression *required_if;
	struct expression *relevant;	/* with the enclosing groups' joined in */
	struct expression *constraint;
	char *constraint_message[FORM_LANGS];
	struct expression *expected;	/* as a constraint, but it warns and does not refuse */
	char *expected_message[FORM_LANGS];
	char *required_message[FORM_LANGS];
	struct expression *calculation;
	struct expression *choice_filter;
	char *default_value;		/* as in a sheet: a value, or "today()" */
	char *appearance;
	enum form_policy policy;
	bool many;			/* union and append: each item is a value */
	int group;			/* index in form->groups, or -1 */
	enum form_sensitivity sensitivity;
	char *refers;			/* form name, or NULL */
	size_t row;			/* in survey.csv, for messages */
};

/* A group of the sheet that has a label: what belongs together on a page. */
struct form_section {
	char *name;
	char *label[FORM_LANGS];
	char *relevant;			/* its own condition as the sheet has it, or NULL */
};

/*
 * A statement of several fields that is one register value, written whole.
 * Its register's number is that of its first field.
 */
struct form_group {
	char *name;
	size_t *fields;			/* indexes in form->fields, ascending */
	size_t n_fields;
	enum form_policy policy;
};

struct form {
	char *name;			/* folder name and form_id */
	unsigned version;		/* settings: version, a positive number */
	char *title[FORM_LANGS];
	enum form_compartment compartment;
	char *instance_name;		/* field shown as a record's headline, or NULL */
	struct form_field *fields;
	size_t n_fields;
	struct form_group *groups;
	size_t n_groups;
	struct form_section *sections;	/* in the order of the sheet */
	size_t n_sections;
	size_t *order;			/* indexes of all fields, each after those that its
					 * relevance and calculation ask for */
};

struct form_set;	/* all forms, and the lists they share */

/* One file of a form set: path below schema/ ("forms/case/survey.csv") and bytes. */
struct form_file {
	const char *name;
	const uint8_t *data;
	size_t len;
};

/*
 * Read a whole set.  Checks names, types, lists, numbers (unique in a form),
 * references between forms, groups (same policy, not union or append), every
 * expression (unknown function, field or syntax), cycles of calculations.
 * The first error is described with file:row:column.  RC_FORMAT, RC_LIMIT, RC_NOMEM.
 */
enum rc form_set_load(const struct form_file *files, size_t n,
    struct form_set **out, struct error *err) RC_CHECK;
/* From a folder that holds forms/ and codes/ (schema/). */
enum rc form_set_load_dir(const char *dir, struct form_set **out,
    struct error *err) RC_CHECK;
/* The set that ships inside the program. */
enum rc form_set_load_embedded(struct form_set **out, struct error *err) RC_CHECK;
void form_set_free(struct form_set *set);

/*
 * Could `next` follow `prev` in use?  A field's number, type, group and
 * union/append-ness never change, names and numbers are never reused.
 * RC_INVALID with what changed.
 */
enum rc form_set_check_successor(const struct form_set *prev,
    const struct form_set *next, struct error *err) RC_CHECK;

/*
 * The files that a set was read from, sorted by name, with a NUL behind the last byte; borrowed from
 * the set.  Sheets of rules (rules/, case_rules.h) are kept with a set and not looked into.
 */
const struct form_file *form_set_files(const struct form_set *set, size_t *n);

size_t form_set_count(const struct form_set *set);
const struct form *form_set_at(const struct form_set *set, size_t i);
const struct form *form_set_find(const struct form_set *set, const char *name);
const struct form_list *form_set_list(const struct form_set *set, const char *name);

const struct form_field *form_field_named(const struct form *f, const char *name);
const struct form_field *form_field_numbered(const struct form *f, unsigned number);
/* Does the appearance hold this word ("partial", "multiline")? */
bool form_field_looks(const struct form_field *field, const char *word);
const struct form_choice *form_choice_find(const struct form_list *l, const char *code);
/* Position of a code in its list, or -1.  Later is stronger under `highest`, and
 * under `deny_wins` unless the list says yes (shared/records/register.h). */
int form_choice_rank(const struct form_list *l, const char *code);
/* Number of the register that a field's value lives in: its own or its group's. */
unsigned form_register_of(const struct form *f, const struct form_field *field);

const char *form_compartment_name(enum form_compartment c);
const char *form_policy_name(enum form_policy p);
/* As in a sheet: "select_one"; a reference is "reference". */
const char *form_type_name(enum form_type t);
/* "PUB", "INT", "CON", "SEC". */
const char *form_sensitivity_name(enum form_sensitivity s);

#endif
