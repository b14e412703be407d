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
	ROOM_LOOK, /* how full is it? */
	WAY_OPEN,  /* a one-way cut ends */
	RESTORE,
	COPY_SEEN, /* somebody sees that a node runs twice */
	FLOOD,     /* `peer` says something again, see flood.h */
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

/* p; the program ends if it is NULL. */
void *sim_must(void *p);

/* heap.c: what will happen, by time. */
struct heap *sim_heap_new(void);
void sim_heap_free(struct heap *h);
/* Plans something; the rest is the caller's to fill in. The heap owns it until
 * it is popped. */
struct happening *sim_plan(struct world *w, uint64_t at, enum kind kind,
                           unsigned node);
/* The next of a heap that is not empty; to be discarded. */
struct happening *sim_pop(struct heap *h);
uint64_t sim_next_at(const struct heap *h); /* UINT64_MAX: empty */
/* Frees it, and its hold on a message. */
void sim_discard(struct happening *e);

/* world.c */

/* Goes into the run's trace: runs with one trace are the same. */
void sim_trace(struct world *w, uint64_t a, uint64_t b, uint64_t c);
/* A turn of a node that has power, on that event; its actions are performed and
 * what must hold is checked. */
void sim_turn(struct world *w, struct sim_node *s, const struct gt_event *e);
/* True if that fault may strike now. */
bool sim_may(const struct world *w, enum fault f);
/* What that fault draws from. */
struct prng *sim_draws(struct world *w, enum fault f);
/* How long without a fault, where that is `ms` in a storm. */
uint64_t sim_rare(const struct world *w, uint64_t ms);

/* net.c */

/* A message with one reference, of a head and n bytes at p. */
struct gt_bulk *net_message(struct gt_bytes head, const void *p, size_t n);
/* One reference less; the last frees it. NULL is fine. */
void net_unref(struct gt_bulk *b);
/* Puts a message on the way, if the link has both ends and no fault strikes.
 * Takes over the reference. */
void net_post(struct world *w, struct sim_node *from, uint32_t peer,
              uint64_t token, struct gt_bulk *m);
/* DELIVER: a message comes in, unless its link is gone. */
void net_deliver(struct world *w, struct sim_node *s, struct happening *h);
/* LINK_TRY: a child that has no link dials. */
void net_try(struct world *w, struct sim_node *child);
/* LINK_CUT: its link breaks; one end may not be told. */
void net_cut(struct world *w, struct sim_node *child);
/* The node itself closes its end; the other hears of it, or does not. */
void net_drop(struct world *w, struct sim_node *s, uint32_t peer);
/* The node is gone: its neighbours notice, or do not. */
void net_power_cut(struct world *w, struct sim_node *s);
/* EPISODE: a fault of the network begins somewhere. */
void net_episode(struct world *w, enum fault f);
/* Who is at the other end of a node's link to a child. NULL: nobody, or it is
 * no such link. */
struct sim_node *net_child(struct world *w, const struct sim_node *s,
                           uint32_t peer);
/* forge.c: a middle node puts a changed item before the true ones, or gives the
 * child something that is denied to it. NULL: there is nothing to forge in this
 * message. */
struct gt_bulk *net_forge(const struct world *w, const struct sim_node *child,
                          const struct gt_bulk *m, struct prng *p);

/* The message without a date of the tree, if there was one in it. Takes over the
 * reference and gives one back. */
struct gt_bulk *net_undated(struct gt_bulk *m);

/* What a child says that is no friend, once it asks for changes: that it holds
 * everything there is, and that it wants bytes of something it is denied. NULL
 * at the first it does not say: m is no such message, or there is nothing of
 * the kind. */
enum { FORGE_ASKS = 3 };
void net_claims(struct world *w, const struct sim_node *child,
                const struct gt_bulk *m, struct gt_bulk *out[FORGE_ASKS]);

/* blob.c */

/* A blob action, done on the node's disk; its event comes later. */
void blob_perform(struct world *w, struct sim_node *s,
                  const struct gt_action *a);
/* After a start: what the database calls present is on the disk. */
void blob_verify(struct world *w, struct sim_node *s);
/* A bit of some object flips that the node has not published itself. */
void blob_rot(struct world *w, struct sim_node *s);
/* Such an object's file is deleted. */
void blob_lose(struct world *w, struct sim_node *s);
/* The daemon's look at the files at a start, see daemon/disk/look.h. */
void blob_look(struct world *w, struct sim_node *s);
/* The daemon's rule for files nobody wants, see daemon/disk/sweep.h. */
void blob_sweep(struct sim_node *s);

/* power.c */

/* The power goes, and comes back later; the disk keeps what a power cut
 * leaves. */
void power_cut(struct world *w, struct sim_node *s);
/* A sync failed and the program ends; the disk goes on. */
void power_end(struct world *w, struct sim_node *s);
/* The root's operator gives a node the rows of the roster that it is to have. */
void power_members(struct world *w, struct sim_node *s);
/* Somebody brings it those rows as they stand at the root now. */
void power_bundle(struct world *w, struct sim_node *s);
/* POWER_ON: the node starts from its disk. */
void power_on(struct world *w, struct sim_node *s);
/* Tells it what records may take of its disk. */
void power_room(struct world *w, struct sim_node *s);
/* The disk has little room, for some minutes; drawn from p. */
void power_fill(struct world *w, struct sim_node *s, struct prng *p);
/* EPISODE: a fault of disks, clocks or programs begins somewhere. */
void power_episode(struct world *w, enum fault f);
/* RESTORE: the node's backup, if there is one, replaces its disk. */
void power_restore(struct world *w, struct sim_node *s);
/* As power_cut, and nobody plans to switch it on again. */
void power_off(struct world *w, struct sim_node *s);

/* clone.c */

/* EPISODE: some node is copied and runs twice, if none does already. */
void clone_episode(struct world *w);
/* COPY_SEEN: one of the two is to go, and goes when nothing of it is lost. */
void clone_look(struct world *w);
/* Which copy of its parent a child reaches. */
struct sim_node *clone_dialled(struct world *w, const struct sim_node *child);
/* The node's neighbours may see that it is not what it was. */
void clone_past(struct world *w, struct sim_node *s);

/* tree.c: codes and parents of the nodes; false: no such shape. */
bool tree_shape(struct world *w, const struct shape *shape);

#endif
