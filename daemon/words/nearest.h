/* nearest.h: what a person meant to type. */
#ifndef GT_NEAREST_H
#define GT_NEAREST_H

#include <stddef.h>

/* How many slips of the hand are forgiven, each a letter too many, too few,
 * wrong, or swapped with its neighbour. */
enum gt_slips {
	/* in a file that stays: one in a word of two to five letters, a third
	 * of its letters in a longer one */
	GT_SLIPS_WRITTEN,
	/* on a command line, or in a file made for one command: one in a word
	 * of up to four letters, two in one of up to eight, a third of its
	 * letters in a longer one; and to stop early, after three letters or
	 * more, is one slip */
	GT_SLIPS_TYPED,
};

/* Of the n known words the one with the fewest slips to word, or else the first
 * that one of the two begins with the other. NULL: none is. The one returned is
 * the caller's own. */
const char *gt_nearest(const char *word, const char *const *known, size_t n,
                       enum gt_slips slips);
/* All of them, "a, b, c", for whoever meant none that is near; cut to fit. */
void gt_nearest_list(char *out, size_t cap, const char *const *known, size_t n);

#endif
