/* tree.h: a tree of nodes as people write it down, for `guantong pki`.
 *
 *   nodes:
 *     - {code: "33", level: province, name: 浙江}
 *     - {code: "3301", name: 杭州市}            # level from the code's length
 *     - {code: "330106-b", parent: "330106"}    # parent: else the longest code
 *                                               #   that contains it
 *   publishers:
 *     - {code: 33-nju, name: 南京大学, node: "33"}
 *
 * A publisher's entries are signed with the key of the node named by `node`, or
 * with a key of its own when none is named.
 * Tests: u_pki.c. */
#ifndef GT_TREE_H
#define GT_TREE_H

#include <stdio.h>

#include "base.h"

struct gt_tree_node {
	char code[GT_CODE_MAX + 1];
	char parent[GT_CODE_MAX + 1];      /* publishers: the node that signs */
	char level[GT_LEVEL_NAME_MAX + 1]; /* "" for a publisher */
	char name[128];
	bool publisher;
	unsigned long line, column; /* where it stands */
};

struct gt_tree {
	struct gt_tree_node *v; /* sorted by code */
	size_t n;
};

/* Reads such a file. Every mistake is a line on complaints, "name:line:column:
 * what; what to do". Parents are looked for in the tree only; roots have ""
 * (gt_pki_enrol decides whether that may be). 0, -GT_EINVALID, -GT_ENOMEM. */
int gt_tree_parse(struct gt_tree *out, const char *name, struct gt_bytes text,
                  FILE *complaints);
/* Frees the nodes; the tree is empty then. */
void gt_tree_free(struct gt_tree *tree);
/* The node or publisher of that code; NULL: none. */
const struct gt_tree_node *gt_tree_find(const struct gt_tree *tree,
                                        const char *code);
/* Cuts code to the next longer place that contains it: what follows the digits,
 * then a digit a time. False: none is left. */
bool gt_tree_up(char code[GT_CODE_MAX + 1]);

#endif
