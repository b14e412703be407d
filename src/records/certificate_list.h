/* certificate_list.h: lists of revoked certificates, of this node and of others
 * (certificate_list.c), and their way (certificate_carry.c; from outside:
 * records.h).
 * Tests: u_certificate_list.c. */
#ifndef GT_CERTIFICATE_LIST_H
#define GT_CERTIFICATE_LIST_H

#include "turn.h"

/* This node's list of that number, signed as it is now, with all that was ever
 * known to be revoked of it. */
int gt_certificate_list_sign(struct gt_node *n, int64_t number);

/* The same if there is none yet. */
int gt_certificate_list_begin(struct gt_node *n, int64_t number);

/* What is held, and up to where neighbours and we know of each other's. */
int gt_lists_load(struct gt_node *n);

/* When children that wait are to be told, mono_ms; UINT64_MAX: nothing is due. */
uint64_t gt_lists_deadline(const struct gt_node *n);

/* One that a neighbour told of. within: the place its issuer lies in, "": any.
 * *why: a sentence, it is not taken; NULL: it is, or nothing is new. */
int gt_list_take(struct gt_node *n, const char *within, const Gt__StatusList *m,
                 const char **why);

#endif
