/* name.h: names of credentials that nobody takes for another.
 *
 * Whoever has a name reads what was handed in under it, and people give names away
 * by how they look. So a new name is of letters that look like no other: of ASCII,
 * letters, digits, `-._@` and single blanks between them; Chinese; the Uyghur and
 * Kazakh letters of China, Tibetan, Mongolian, Korean or Yi, one of these scripts
 * beside both; and the dot in the middle of a person's name (·). Cyrillic, Greek,
 * other digits and hyphens, and what is not seen, are not among them: no table of
 * look-alikes is ever whole. Names given by an earlier program may have them, and
 * count on.
 * Tests: u_access_name.c. */
#ifndef GT_ACCESS_NAME_H
#define GT_ACCESS_NAME_H

#include <stdbool.h>

/* May a new credential have the name, which gt_access_name_valid accepts? */
bool gt_access_name_plain(const char *name);
/* Do people take the two for one? Both are UTF-8. The first may be anything that
 * ever was a name. 1: they do; 0; -1: out of memory. */
int gt_access_name_alike(const char *old, const char *name);

#endif
