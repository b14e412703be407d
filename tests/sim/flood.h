/* flood.h: a child and a terminal that never stop, and what must hold beside
 * them. flood.c is what they do, bound.c how far it gets them. */
#ifndef SIM_FLOOD_H
#define SIM_FLOOD_H

#include "inside.h"

/* How much a node takes of each, and of what waits for its parent; 0: it is
 * none that is flooded. */
struct flood_budget {
	uint64_t child_hour, child_waiting;
	uint64_t terminal_hour, terminal_waiting;
	uint64_t feed_rows; /* of what is judged anew; 0: as many as ever */
};

/* flood.c */

/* Who floods whom, if the class is on. size: messages of one flood, 0: few. */
void flood_init(struct world *w, uint64_t size);
/* The rogue child's row of the roster, as far as that node is given it. False:
 * it is not. */
bool flood_member(const struct world *w, const struct sim_node *s,
                  Gt__Member *row);
/* Whose child it is, and its code; -1: nobody's. */
int flood_parent(const struct world *w);
const char *flood_code(void);
/* The node whose terminal it is. */
unsigned flood_terminal(void);
/* Sets what the node is given of a budget. */
void flood_config(const struct world *w, const struct sim_node *s,
                  struct gt_node_config *c);
struct flood_budget flood_budget(const struct world *w,
                                 const struct sim_node *s);
/* EPISODE: one of the two begins. */
void flood_episode(struct world *w);
/* FLOOD: it says the next thing. */
void flood_step(struct world *w, uint32_t who);
/* A message of a node's to a peer that is the rogue child. False: it is not. */
bool flood_heard(struct world *w, const struct sim_node *s, uint32_t peer,
                 const struct gt_bulk *m);
/* The node closed that link. */
void flood_dropped(const struct sim_node *s, uint32_t peer);

/* bound.c */

void bound_init(void);
/* What must hold behind a turn on that event. */
void bound_turn(struct world *w, struct sim_node *s, const struct gt_event *e);
/* The rogue child was told that `weight` bytes of its records are taken. */
void bound_taken(struct world *w, struct sim_node *s, uint64_t weight);
/* A node gives up a file. */
void bound_removed(struct world *w, struct sim_node *s,
                   const struct gt_id *object);
/* What of the rogue child's the node it floods keeps, row by row. */
void bound_rows(struct world *w, struct sim_node *s);
/* Whether a record of that id is there, in its stream or set aside. */
bool bound_has(const struct sim_node *s, const uint8_t id[GT_UUID_BYTES]);
/* How much a record, beside its bytes, counts; and a batch of them. */
enum { BOUND_ROW = 512 };

#endif
