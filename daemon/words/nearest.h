/* nearest.h: what a person meant to type. */
#ifndef GT_NEAREST_H
#define GT_NEAREST_H

#include <stddef.h>

/* Of the n known words the one few keystrokes away from word, or else the first
 * that one of the two begins with the other. NULL: none is. The one returned is
 * the caller's own. */
const char *gt_nearest(const char *word, const char *const *known, size_t n);

#endif
