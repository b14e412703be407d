/* expiry.h: a live link looks at the certificates it was opened with.
 *
 * A link may live for months. When one of its two certificates ends, the link
 * does too: what a new link would be refused for must not go on on an old one.
 * From two weeks before, a line a day says whose certificate it is (this
 * node's own the daemon watches, whether it has links or not).
 *
 * By the wall clock, of each turn: a clock that was wrong and is set is looked
 * at by the next message or by the next time that is due.
 *
 * Returns 0 or a fatal -GT_E..., as turn.h says. */
#ifndef GT_EXPIRY_H
#define GT_EXPIRY_H

#include "peer.h"

/* PEER_UP: until when both certificates are good. */
void gt_expiry_up(struct gt_peer *p, const struct gt_event *e);
/* A message came on the link, or time passes: it is warned of, or dropped. */
int gt_expiry_look(struct gt_node *n, struct gt_peer *p);
/* When the next look is due, in mono_ms; UINT64_MAX: never. */
uint64_t gt_expiry_deadline(const struct gt_node *n, const struct gt_peer *p);

#endif
