/* ready_tree.h: whether a node's files agree on who it is and who is above it:
 * its configuration, its certificate, its keys and the rows of the roster that
 * were known at set-up. What is missing or cannot be read is not said here
 * (ready.h).
 * Tests: e2e/test_ready.py. */
#ifndef GT_READY_TREE_H
#define GT_READY_TREE_H

#include "base.h"
#include "config.h"

/* The place that the tree names as the parent of config->code, by its roster or
 * else by the node's certificate, where that is another than config->parent's:
 * no link would come about. "": they agree, or nothing of the tree's is here. */
void gt_ready_parent(const struct gt_config *config,
                     char named[GT_CODE_MAX + 1]);

/* Everything that does not fit together, said in *c. A node of which that is so
 * starts, and has no link. 0; -GT_EINVALID: there is something; -GT_ENOMEM. */
int gt_ready_tree(const struct gt_config *config, struct gt_complaints *c);

#endif
