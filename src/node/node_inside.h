/* node_inside.h: what the files of node/ share.
 *
 * The room node/ is the top of src: node.c turns events into decisions and a
 * turn into one transaction, dispatch.c knows which message goes to which room,
 * session.c says who is at the other end of a link (Hello, Prove), kind.c what
 * it may do there, above.c asks above the parent, expiry.c ends it with its
 * certificates, lineage.c whether both remember the same past, epoch.c begins a
 * new one. It may use every other room but read/; node.h is the one door to it.
 *
 * Promise: durable before audible, and a neighbour that errs loses its link and
 * nothing else. Returns as turn.h says.
 * Tests: u_node.c, u_node_fault.c, u_session.c, u_dispatch.c, u_lineage.c,
 * u_node_lies.c, u_node_restore.c. */
#ifndef GT_NODE_INSIDE_H
#define GT_NODE_INSIDE_H

#include "catalogue.h"

/* --------------------------------------------------------- dispatch */

/* PEER_UP: a link takes a slot, or is refused one. */
int gt_dispatch_up(struct gt_node *n, const struct gt_event *e);
/* PEER_DOWN: it is GONE, if it was not already. */
int gt_dispatch_down(struct gt_node *n, const struct gt_event *e);
/* MSG: a child's request or the parent's answer, to the room that decides it;
 * what makes no sense drops the link. */
int gt_dispatch_message(struct gt_node *n, const struct gt_event *e);

/* ---------------------------------------------------------- session */

/* A link opened: says Hello if it leads to the parent. */
int gt_session_up(struct gt_node *n, struct gt_peer *p);
/* Buries every peer that is GONE: what each room had under way with it ends,
 * what is known of a child is written down, the slot is free. */
int gt_session_bury(struct gt_node *n);
/* Parent's side: who a child says it is. Answered with our own proof, or
 * refused and dropped. */
int gt_session_hello(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const Gt__Hello *m);
/* The child's proof: the link is READY, replaces an older one of that code, or
 * is turned away as a stranger. */
int gt_session_prove(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const Gt__Prove *m);
/* End of a turn: those whose proof waits for another one's sign of life (twin.h)
 * are answered, if that is known now. */
int gt_session_go(struct gt_node *n);
/* Child's side: the parent's proof, answered with ours. a: what was asked. */
int gt_session_hello_reply(struct gt_node *n, const struct gt_asking *a,
                           const Gt__HelloReply *m);
/* The link is READY; or the parent remembers another past, and a new epoch
 * begins. */
int gt_session_prove_reply(struct gt_node *n, const Gt__ProveReply *m);

/* ------------------------------------------------------------- kind */

/* Whether there is such a kind of link. */
bool gt_kind_known(Gt__Link kind);
/* "roster-only": what proofs and people call it. */
const char *gt_kind_word(Gt__Link kind);
/* Why the active member m, who shows itself on p, may not open a link of p's
 * kind; NULL: it may. */
const char *gt_kind_refusal(const struct gt_node *n, const struct gt_peer *p,
                            const Gt__Member *m);
/* Whether a link of p's kind may ask that, once it is READY. */
bool gt_kind_asks(const struct gt_peer *p, Gt__Request__BodyCase what);
/* Why the certificate on p, a link this node dialled, is not of whom a link of
 * p's kind is for; NULL: it is, or there is none. */
const char *gt_kind_upward(const struct gt_node *n, const struct gt_peer *p);
/* Why m, the row of who answered on it (NULL: it is not active), is not; NULL:
 * it is. */
const char *gt_kind_answered(const struct gt_node *n, const struct gt_peer *p,
                             const Gt__Member *m);

/* ------------------------------------------------------------ epoch */

/* The database's own code and epoch, or their beginning. -GT_EIDENTITY: it is
 * another node's; n->why says whose. */
int gt_epoch_load(struct gt_node *n);
/* The database is older than what neighbours remember of it: a new epoch
 * begins, under which they compare all of it anew, and ours with its parent. */
int gt_epoch_renew(struct gt_node *n);

#endif
