/* revoke.h: the operator at the root revokes a node in the middle, which says
 * nothing of it; those below it hear of it from a node above it, by links for
 * the roster alone. */
#ifndef SIM_REVOKE_H
#define SIM_REVOKE_H

#include "guantong.pb-c.h"
#include "world.h"

/* A new world: nobody is revoked. */
void revoke_init(struct world *w);
/* EPISODE: some node is revoked; or the one that is, is taken back. */
void revoke_episode(struct world *w);
/* How often the node asks above by its configuration, ms; 0: it has no
 * addresses. */
uint64_t revoke_above_ms(const struct world *w, const struct sim_node *s);
/* The row of node i as the operator last wrote it, if s is the root. */
void revoke_row(const struct world *w, const struct sim_node *s, unsigned i,
                Gt__Member *m);
/* Whom the node dials now that it was told to ask above its parent; NULL:
 * it is to dial its parent. Each order is good for one try. */
struct sim_node *revoke_dialled(struct world *w, struct sim_node *child);
/* A message goes up a link for the roster alone: what a rogue asks there
 * besides; NULL: nothing. */
struct gt_bulk *revoke_asks(struct world *w, const struct sim_node *child);
/* A message comes down such a link: is it nothing but what such links are
 * for? */
void revoke_answered(struct world *w, const struct sim_node *child,
                     const struct gt_bulk *m);
/* The node has taken a turn. */
void revoke_turn(struct world *w, const struct sim_node *s);
/* The faults are over: whoever is right below a revoked node hears of it in
 * time; then that one is taken back. */
void revoke_settle(struct world *w);

#endif
