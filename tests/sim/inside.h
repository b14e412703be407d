/* inside.h: what the parts of the world share: the queue of what will happen,
 * turns, links, blobs, power. work.c and check.c see world.h only. */
#ifndef SIM_INSIDE_H
#define SIM_INSIDE_H

#include "world.h"

enum kind {
	DELIVER,
	TIMER,
	BLOB_DONE,
	LINK_TRY,
	LINK_CUT,
	POWER_CUT,
	POWER_ON,
	TICK,
	EPISODE, /* a fault of class `peer` begins somewhere */
	DISK_CLEAR,
	WAY_OPEN, /* a one-way cut ends */
	RESTORE,
	COPY_SEEN, /* somebody sees that a node runs twice */
};

/* A message, counted: the network, an event and a blob action may hold it. */
struct gt_bulk {
	unsigned refs;
	size_t nhead, npayload;
	uint8_t bytes[];
};

struct happening {
	uint64_t at, seq;
	enum kind kind;
	unsigned node;
	uint64_t incarnation; /* of the node it is for */
	uint32_t peer;
	struct gt_event event; /* BLOB_DONE, DELIVER */
	char why[200];
	struct gt_bulk *bulk;
};

void *sim_must(void *p);
/* heap.c. What is planned is owned by the heap until popped. */
struct happening *sim_plan(struct world *w, uint64_t at, enum kind kind,
                           unsigned node);
struct happening *sim_pop(struct heap *h);
uint64_t sim_next_at(const struct heap *h); /* UINT64_MAX: empty */
void sim_discard(struct happening *e);
struct heap *sim_heap_new(void);
void sim_heap_free(struct heap *h);

/* world.c */
void sim_trace(struct world *w, uint64_t a, uint64_t b, uint64_t c);
void sim_turn(struct world *w, struct sim_node *s, const struct gt_event *e);
/* True if that fault may strike now. */
bool sim_may(const struct world *w, enum fault f);
struct prng *sim_draws(struct world *w, enum fault f);
/* How long without a fault, where that is `ms` in a storm. */
uint64_t sim_rare(const struct world *w, uint64_t ms);

/* net.c */
struct gt_bulk *net_message(struct gt_bytes head, const void *p, size_t n);
void net_unref(struct gt_bulk *b);
/* Takes over the reference. */
void net_post(struct world *w, struct sim_node *from, uint32_t peer,
              uint64_t token, struct gt_bulk *m);
void net_deliver(struct world *w, struct sim_node *s, struct happening *h);
void net_try(struct world *w, struct sim_node *child);
void net_cut(struct world *w, struct sim_node *child);
void net_drop(struct world *w, struct sim_node *s, uint32_t peer);
/* The node is gone: its neighbours notice, or do not. */
void net_power_cut(struct world *w, struct sim_node *s);
void net_episode(struct world *w, enum fault f);
/* forge.c: a middle node puts a changed item before the true ones. NULL: there
 * is nothing to forge in this message. */
struct gt_bulk *net_forge(const struct gt_bulk *m, struct prng *p);

/* blob.c */
void blob_perform(struct world *w, struct sim_node *s,
                  const struct gt_action *a);
void blob_verify(struct world *w, struct sim_node *s);
void blob_rot(struct world *w, struct sim_node *s);
/* The daemon's rule for files nobody wants, see daemon/disk/sweep.h. */
void blob_sweep(struct sim_node *s);

/* power.c */
void power_cut(struct world *w, struct sim_node *s);
/* A sync failed and the program ends; the disk goes on. */
void power_end(struct world *w, struct sim_node *s);
void power_on(struct world *w, struct sim_node *s);
void power_episode(struct world *w, enum fault f);
void power_restore(struct world *w, struct sim_node *s);
/* As power_cut, and nobody plans to switch it on again. */
void power_off(struct world *w, struct sim_node *s);

/* clone.c */
void clone_episode(struct world *w);
void clone_look(struct world *w);
struct sim_node *clone_dialled(struct world *w, const struct sim_node *child);
/* The node's neighbours may see that it is not what it was. */
void clone_past(struct world *w, struct sim_node *s);

/* tree.c: codes and parents of the nodes; false: no such shape. */
bool tree_shape(struct world *w, const struct shape *shape);

#endif
