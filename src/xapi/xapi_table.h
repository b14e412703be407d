/* xapi_table.h: the table of what xAPI 1.0.3 and 2.0.0 say, as its two readers
 * walk it: xapi_check.c, which judges, and form.c, which reduces.
 *
 * A type says what a value must be and what of it counts. Whatever depends on
 * more than one value is a rule (xapi_rules.c).
 * Tests: u_statement.c, u_form.c. */
#ifndef GT_XAPI_TABLE_H
#define GT_XAPI_TABLE_H

#include "json_tree.h"
#include "xapi.h"

enum gt_shape {
	GT_SHAPE_TEXT,       /* a string that `is` takes */
	GT_SHAPE_NUMBER,     /* a number */
	GT_SHAPE_BOOLEAN,    /* true or false */
	GT_SHAPE_OBJECT,     /* these props and no others */
	GT_SHAPE_CHOICE,     /* an object of the type its objectType names */
	GT_SHAPE_LIST,       /* an array of `of` */
	GT_SHAPE_ONE,        /* the same, or one of them by itself */
	GT_SHAPE_LANGUAGES,  /* texts by language tag */
	GT_SHAPE_EXTENSIONS, /* anything by IRI */
};

/* What two values may differ in and yet be the same (form.h). */
enum gt_form {
	GT_FORM_ALL,    /* in nothing */
	GT_FORM_CASE,   /* the case of letters */
	GT_FORM_TIME,   /* how the same time is written */
	GT_FORM_LENGTH, /* a duration, in what is below its hundredths */
	GT_FORM_ORDER,  /* the order of a list */
};

enum { GT_PROP_MUST = 1, GT_PROP_DROPPED = 2 };

struct gt_prop {
	const char *name; /* NULL: the last has been */
	const struct gt_type *type;
	unsigned flags;    /* GT_PROP_...; dropped: the form has it not */
	unsigned versions; /* gt_xapi_version bits that know it; 0: all */
};

struct gt_choice {
	const char *word; /* NULL: the last has been */
	const struct gt_type *type;
};

/* What is wrong with a value, NULL: nothing. *key: the property that is meant,
 * if it is not the value itself. arena may be short. */
typedef const char *gt_rule(const struct gt_json_node *v, const char **key,
                            struct gt_arena *arena);

struct gt_type {
	enum gt_shape shape;
	enum gt_form form;
	bool (*is)(const char *); /* NULL: any text */
	const char *what;         /* it is, that is not so; of a choice: where
	                             none fits, NULL: then it is the first */
	const struct gt_prop *props;
	const struct gt_choice *choices; /* the first where none is named */
	const struct gt_type *of;
	gt_rule *rule; /* asked when all else is right; NULL: none */
};

/* The table's beginnings. */
extern const struct gt_type gt_type_statement, gt_type_authority, gt_type_agent,
        gt_type_identified;

/* The property of that name; NULL: the type has none. */
const struct gt_prop *gt_type_prop(const struct gt_type *t,
                                   const struct gt_json_node *member,
                                   enum gt_xapi_version version);
/* The type of a choice that v names; NULL: it names none there is. */
const struct gt_type *gt_type_chosen(const struct gt_type *t,
                                     const struct gt_json_node *v);

/* The rules, one for each type that has one. */
gt_rule gt_rule_scaled, gt_rule_length, gt_rule_agent, gt_rule_group,
        gt_rule_identified, gt_rule_authority, gt_rule_components,
        gt_rule_definition, gt_rule_score, gt_rule_types, gt_rule_statement;

#endif
