/* look.h: whether the object files are there, when a daemon starts.
 *
 * Every object of which something counts is looked up by name: a regular file,
 * of the size its manifest says, this node's own to read and write. Of what is
 * in it nothing is read, so that a hundred thousand cost about a second;
 * damage is met by whoever reads. What is told here counts for nothing any
 * more: the core hears of it as GT_EV_LOST. */
#ifndef GT_LOOK_H
#define GT_LOOK_H

#include "base.h"

enum gt_look {
	GT_LOOK_GONE,    /* nothing has the name */
	GT_LOOK_SIZE,    /* it is shorter, or longer */
	GT_LOOK_FOREIGN, /* another owner's, no regular file, or not to be
	                    read and written */
	GT_LOOKS
};
enum { GT_LOOK_MANY = 100 };

/* Files with the same fault, at most GT_LOOK_MANY. */
typedef void gt_look_found(void *arg, enum gt_look what,
                           const struct gt_id *objects, size_t n);

/* What is wrong with a file, in the words of the audit log. */
const char *gt_look_why(enum gt_look what);
/* dir is the node's directory. Beside a node that runs. 0; -GT_ESTORE and why,
 * what was told before stays true. */
int gt_look(const char *dir, const char *database, gt_look_found *found,
            void *arg, char *why, size_t why_cap);

#endif
