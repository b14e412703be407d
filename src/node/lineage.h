/* lineage.h: is the neighbour the one met last time, and are we?
 *
 * Both ends of a (child, parent) pair durably keep a token of their last
 * session. The child shows its own in Hello; the next one follows from both
 * nonces. Until the child has spoken under the new token the parent accepts
 * the old one too, so that neither a crash nor a lost answer is taken for
 * anything else (PROTOCOL.md M30, M31).
 *
 * A token nobody remembers means that one of the two ends is a second copy of
 * its node or an older state of it. It need not be known which: the child
 * begins a new epoch and both compare everything anew; unless another one of its
 * code speaks at the same time (twin.h).
 *
 * Returns 0 or a fatal -GT_E..., as turn.h says. */
#ifndef GT_LINEAGE_H
#define GT_LINEAGE_H

#include "peer.h"

/* The token kept for the parent; *len 0: none. */
int gt_lineage_ours(struct gt_node *n, uint8_t out[GT_ID_BYTES], size_t *len);
/* Child, at ProveReply: the session's token replaces the one kept. */
int gt_lineage_adopt(struct gt_node *n, const struct gt_peer *p);
/* Parent, at Prove: compares what the child showed (p->lineage) with what is
 * kept, and proposes this session's token, unless it is strange: then nothing is
 * written. new_epoch: the child says by itself that it forgot. */
int gt_lineage_meet(struct gt_node *n, struct gt_peer *p, bool new_epoch,
                    bool *strange);
/* ... it is told so, and proposed the session's token all the same. */
int gt_lineage_propose(struct gt_node *n, struct gt_peer *p);
/* Parent, at the child's first message after ProveReply: it holds the new
 * token, the one before is worth nothing any more. */
int gt_lineage_confirm(struct gt_node *n, struct gt_peer *p);
/* Forgets all tokens: whoever restored this node has said so. */
int gt_lineage_forget(struct gt_node *n);
/* Parent: whether this stranger was not met before with what it shows now; a
 * child waits before it believes a parent again (session.c), and the same said
 * in each of its sessions is one thing. Remembered in memory. */
bool gt_lineage_new(struct gt_node *n, const struct gt_peer *p);
/* Writes down that this node and a neighbour remember different pasts. */
int gt_lineage_note(struct gt_node *n, const struct gt_peer *p,
                    const char *why);

#endif
