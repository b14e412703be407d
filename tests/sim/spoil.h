/* spoil.h: rows of records that are altered on a node's disk, and what must
 * hold of them: none is given out or travels as it is, and each comes back
 * from whoever beside the node has it. */
#ifndef SIM_SPOIL_H
#define SIM_SPOIL_H

#include "inside.h"

struct record;

/* A new world: no row is altered. */
void spoil_init(struct world *w);
/* EPISODE: rows of some node are altered of which a neighbour has the like. */
void spoil_episode(struct world *w);
/* The node's disk is about to be lost, or replaced by an older state. */
void spoil_forgot(unsigned node);
/* The node has taken a turn: what is altered there is given to no reader. */
void spoil_turn(struct world *w, struct sim_node *s);
/* It sends a message: no altered row is in it. */
void spoil_sent(struct world *w, const struct sim_node *s,
                const struct gt_bulk *m);
/* A row of that id was altered there, or has that id since it was. */
bool spoil_was(const struct sim_node *s, const uint8_t id[GT_UUID_BYTES]);
/* ... of that record, and is altered now. */
bool spoil_is(const struct sim_node *s, const struct record *r);
/* What is altered may have to wait for programs of the newest version: an older
 * one does not ask for it back, nor is it asked. */
bool spoil_waits(const struct world *w);
/* Something above it is lost for good that came together with what is the
 * node's: that never counts as at the root. */
bool spoil_holds(const struct world *w, const struct sim_node *s);
/* The faults are over: where a row is altered that the node does not know of,
 * it starts again and looks. */
void spoil_settle(struct world *w);
/* In the end: what a neighbour has the node has again. Says what it has not
 * when `loud`. */
bool spoil_right(const struct world *w, bool loud);

#endif
