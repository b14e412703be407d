/* clash.h: names of one package that are one name elsewhere (object/fold.h). */
#ifndef GT_CLASH_H
#define GT_CLASH_H

#include <stdio.h>

#include "walk.h"

/* The i-th of some names. */
typedef const char *gt_clash_name(const void *arg, size_t i);

/* For each of n names, sorted by their bytes, the index of one that is the same
 * elsewhere, or that is a file where this one needs a folder; SIZE_MAX: none.
 * Of several it is the one before. malloc'ed; NULL: out of memory. */
size_t *gt_clash_find(gt_clash_name *name, const void *arg, size_t n);

/* Warns on err of what in a folder cannot be unpacked everywhere, behind
 * `where`: the first twenty, and how many there are. False: out of memory. */
bool gt_clash_warn(FILE *err, const char *where, const struct gt_walk *w);

#endif
