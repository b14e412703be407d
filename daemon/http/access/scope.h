/* scope.h: what a credential opens, by the names xAPI has for it, in one table.
 *
 * A credential has a set of scopes. "all" is every one of them, and what reads
 * everybody's reads one's own too. A role is a set that has a name: "terminal",
 * what a courseware needs, and "reader". Pure.
 * Tests: u_access_scope.c. */
#ifndef GT_SCOPE_H
#define GT_SCOPE_H

#include <jansson.h>

#include "base.h"

enum gt_scope {
	GT_SCOPE_WRITE = 1u << 0,    /* hands in statements */
	GT_SCOPE_OWN = 1u << 1,      /* reads those of its own authority */
	GT_SCOPE_READ = 1u << 2,     /* reads everybody's */
	GT_SCOPE_STATE = 1u << 3,    /* State, reading and writing */
	GT_SCOPE_DEFINE = 1u << 4,   /* what it says of an activity counts */
	GT_SCOPE_PROFILE = 1u << 5,  /* profiles, reading and writing */
	GT_SCOPE_ALL_READ = 1u << 6, /* reads everything */
	GT_SCOPE_SCOPES = 7,
	GT_SCOPE_ALL = (1u << 7) - 1,
	/* a terminal's and a reader's */
	GT_SCOPE_TERMINAL = GT_SCOPE_WRITE | GT_SCOPE_OWN | GT_SCOPE_STATE |
	                    GT_SCOPE_DEFINE | GT_SCOPE_PROFILE,
	GT_SCOPE_READER = GT_SCOPE_OWN | GT_SCOPE_READ,
};
enum { GT_SCOPE_TEXT = 128 /* of a set, the end with it */ };

/* The set of a text: names with commas between them, and blanks around, each as
 * xAPI has it or in short. False: one is none of them, `wrong` (NULL is fine) is
 * as much of it as fits; or there is none at all. */
bool gt_scope_parse(unsigned *out, const char *text, char *wrong, size_t cap);
/* A set as xAPI has it: "all", or names with commas between them, no more than
 * are needed to give the set when read. */
void gt_scope_text(char out[GT_SCOPE_TEXT], unsigned set);
/* The same as a list of names. NULL: out of memory. */
json_t *gt_scope_list(unsigned set);
/* The set of a list of full names. False: it is none. */
bool gt_scope_from_list(unsigned *out, const json_t *list);
/* The name of the least that would open what any of `set` does. */
const char *gt_scope_name(unsigned set);

/* "terminal", "reader", "all", or "custom" for whatever has no name. */
const char *gt_scope_role(unsigned set);
/* The set of one of the first three. False: it is none of them. */
bool gt_scope_of_role(unsigned *out, const char *role);

#endif
