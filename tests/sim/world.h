/* world.h: nodes, links, disks and a clock that only this program moves.
 *
 * Every node is the real core on a simulated disk. One seed decides all: what
 * people do, what the network and the disks do, who loses power when. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "disk.h"
#include "node.h"
#include "seal.h"

enum { NODES_MAX = 64 };

/* What may go wrong; each can be switched off alone. */
enum fault {
	FAULT_LOSS = 1 << 0,       /* messages vanish on a live link */
	FAULT_DUPLICATE = 1 << 1,  /* messages arrive twice */
	FAULT_REORDER = 1 << 2,    /* messages overtake */
	FAULT_CUT = 1 << 3,        /* links break for seconds to hours */
	FAULT_CRASH = 1 << 4,      /* power cuts at any moment */
	FAULT_CRASH_CALL = 1 << 5, /* power cuts at the n-th disk call */
	FAULT_FULL = 1 << 6,       /* disks fill up and are cleared */
	FAULT_CLOCK = 1 << 7,      /* wall clocks jump by years */
	FAULT_ALL = (1 << 8) - 1,
};

struct gt_bulk; /* a message in flight, counted */

struct sim_node {
	unsigned index;
	char code[GT_CODE_MAX + 1];
	int parent; /* index, -1: root */
	struct gt_key key;
	struct gt_node *core; /* NULL: no power */
	struct disk disk;
	uint64_t incarnation;
	uint32_t uplink; /* our peer id of the link to the parent, 0: down */
	uint32_t uplink_far; /* the parent's peer id of the same link */
	uint64_t order[2];   /* last arrival up and down, for links in order */
	int64_t clock_off;   /* wall clock minus true time */
	uint64_t deadline;   /* TIME event scheduled for then */
	uint64_t crashes;
};

struct world {
	uint64_t seed;
	unsigned faults;
	uint64_t now; /* ms */
	uint64_t sequence, tokens;
	uint32_t peers;
	unsigned count;
	struct sim_node nodes[NODES_MAX];
	struct gt_key roster;
	struct prng net, crashes, disks;
	uint64_t events, messages, lost, doubled, cuts, power_cuts;
	uint64_t trace; /* running hash of everything that happened */
	bool calm;      /* faults are over */
	bool verbose;
	struct heap *heap;
	char failure[512]; /* first broken invariant, "" if none */
};

void world_init(struct world *w, uint64_t seed, unsigned faults,
                unsigned nodes);
void world_free(struct world *w);
/* Runs until `until` ms or the first failure. */
void world_run(struct world *w, uint64_t until);
/* No more faults; everybody has power and links from now on. */
void world_heal(struct world *w);
void world_fail(struct world *w, const char *invariant, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
/* Hands a command to a node now. False: it has no power. The answer comes to
 * work_replied(). */
bool world_command(struct world *w, unsigned node, struct gt_event *e);
/* Puts a file on a node's disk, durable. */
void world_stage(struct world *w, unsigned node, const char *name,
                 const uint8_t *p, size_t n);
/* Calls work_tick() at that time. */
void world_tick_at(struct world *w, uint64_t at);
int64_t world_wall(const struct world *w, unsigned node);

/* work.c: what people do, and what they may expect. */
void work_init(struct world *w);
void work_free(void);
void work_tick(struct world *w);
void work_replied(struct world *w, unsigned node, const struct gt_action *a);
/* A node lost power: commands without an answer may have happened or not. */
void work_crashed(struct world *w, unsigned node);
uint64_t work_records(void);

/* check.c: what must be true. */
void check_node(struct world *w, unsigned node); /* after each of its turns */
/* All is as it should be in the end; says what is not when `loud`. */
bool check_converged(struct world *w, bool loud);

#endif
