/* world.h: nodes, links, disks and a clock that only this program moves.
 *
 * Every node is the real core on a simulated disk. One seed decides all: what
 * people do, what the network and the disks do, who loses power when. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "disk.h"
#include "domain.h"
#include "node.h"
#include "seal.h"

enum { NODES_MAX = 2049 }; /* one slot is for a copy, see clone.c */

/* What may go wrong; each can be switched off alone, and draws from its own
 * stream, so that the others stay as they were. */
#define FAULTS(X)                                                              \
	X(LOSS, "loss")           /* messages vanish on a live link */         \
	X(DUPLICATE, "duplicate") /* messages arrive twice */                  \
	X(REORDER, "reorder")     /* messages overtake */                      \
	X(CUT, "cut")             /* links break for seconds */                \
	X(HALF_OPEN, "half-open") /* a link breaks and one end is not told */  \
	X(ONE_WAY, "one-way")     /* nothing gets through in one direction */  \
	X(THIN, "thin")           /* 16 to 256 KiB/s */                        \
	X(OUTAGE, "outage")       /* no link up for hours, up to a day */      \
	X(FORGE, "forge")         /* neighbours that are no friends */         \
	X(CRASH, "crash")         /* power cuts at any moment */               \
	X(CRASH_CALL, "crash-call") /* power cuts at the n-th disk call */     \
	X(FULL, "full")             /* disks fill up and are cleared */        \
	X(ROT, "rot")               /* a bit of an object file flips */        \
	X(SLOW, "slow")             /* disks take seconds */                   \
	X(CLOCK, "clock")           /* wall clocks jump by years, and drift */ \
	X(RESTORE, "restore")       /* an old backup comes back */             \
	X(REPLACE, "replace")       /* an empty disk under the same code */    \
	X(VERSION, "version")       /* programs change, N and N-1 */           \
	X(CLONE, "clone") /* two copies of a node, or an untold restore */     \
	X(LOSE, "lose") /* an object file is deleted behind the node's back */ \
	X(SYNC, "sync") /* one fails, and what it was to write looks clean */  \
	X(FREEZE, "freeze")   /* a parent gives its children no dates */       \
	X(FLOOD, "floods")    /* a child and a terminal that never stop */     \
	X(SPOIL, "spoil")     /* rows of records rot in the database */        \
	X(REVOKE, "revoke")   /* a middle node is, and keeps it */             \
	X(ERASE, "erase")     /* people who want to be forgotten */            \
	X(WHISPER, "whisper") /* records that rules keep below */              \
	X(CERTIFY, "certify") /* certificates given, and taken back */         \
	X(LIE, "lie")         /* fsync does nothing: never on by itself */

enum fault_bit {
#define X(name, text) FAULT_BIT_##name,
	FAULTS(X)
#undef X
	        FAULT_BITS
};
enum fault {
#define X(name, text) FAULT_##name = 1 << FAULT_BIT_##name,
	FAULTS(X)
#undef X
	        FAULT_ALL = FAULT_LIE - 1
};

/* That a flood met them is counted: else nothing would show that it can. */
#define BOUNDS(X)                                                             \
	X(SHARE, "over-share")     /* hand-ins: more than one's of an hour */ \
	X(WAITING, "over-waiting") /* ... than may wait */                    \
	X(ROOM, "no-room")         /* ... than the disk has room for */       \
	X(PUT_OFF, "put-off")      /* batches that a child was told so of */  \
	X(DONES, "dones")          /* that were not taken then */             \
	X(HELD, "held")            /* audit rows not written */               \
	X(LET_GO, "let-go")        /* of the quarantine */

enum bound {
#define X(name, text) BOUND_##name,
	BOUNDS(X)
#undef X
	        BOUND_KINDS
};

struct sim_node {
	unsigned index;
	char code[GT_CODE_MAX + 1];
	int parent; /* index, -1: root */
	struct gt_key key;
	struct gt_node *core; /* NULL: no power */
	struct disk disk, backup;
	bool has_backup, restored; /* next start: from a backup, or new */
	bool untold;               /* ... and nobody says so to the node */
	bool broken; /* a sync failed: none of objects is believed any more */
	bool off;    /* for good: the slot is free */
	bool two_pasts, met_two; /* it, or a neighbour, was copied or untold */
	bool met_copies;         /* two of a child of it ran */
	uint64_t incarnation;
	uint32_t uplink; /* our peer id of the link to the parent, 0: down */
	uint32_t uplink_far; /* the parent's peer id of it; 0: it gave it up */
	int far;             /* index of the copy of the parent it leads to */
	uint64_t order[2];   /* last arrival up and down, for links in order */
	uint32_t rate;       /* bytes per second, 0: any */
	unsigned blocked;    /* 1: nothing gets up, 2: nothing gets down */
	uint64_t dark_until; /* no link up before */
	uint64_t slow_until;
	uint64_t room;         /* that it was told records have */
	uint64_t frozen_until; /* no child hears a date of it before */
	int64_t clock_off;     /* wall clock minus true time */
	int64_t told_ms; /* what its readers were told of the time, reader.c */
	int64_t drift;   /* ... and what it gains in a million ms, ms */
	uint64_t deadline; /* TIME event scheduled for then */
	uint32_t protocol; /* newest its program speaks */
	bool asks_above;   /* next it dials a node above its parent */
	bool roster_only;  /* its link leads there */
	bool skips;        /* its file calls its parent's parent its parent */
	bool hung;         /* so does its row of the roster, see revoke.c */
	bool was_hung;
	bool ran_old;     /* it has been a program of an older version */
	bool forgot;      /* it was restored from a backup, or */
	bool emptied;     /* replaced: nothing of before is known to it */
	uint64_t commits; /* as far as the checks know */
	uint64_t checked; /* w->changes when its records were last checked */
	int64_t dated_ms; /* the date it had when last looked at in this run, -1:
	                     never */
	bool undated; /* that date is too old: nothing new came in this turn */
	bool marks_unsure; /* the parent was restored since our last Prove */
};

struct world {
	uint64_t seed;
	unsigned faults;
	uint64_t now; /* ms */
	uint64_t sequence, tokens;
	uint32_t peers;
	unsigned count;
	struct sim_node nodes[NODES_MAX];
	unsigned *link_child; /* by (peer - 1) / 2 */
	size_t link_cap;
	struct gt_key roster, dates; /* of the root's operator, of the root */
	struct prng draws[FAULT_BITS];
	struct prng net, disks, power;
	struct sim_node *copied;  /* two of it run; NULL: of none */
	struct sim_node *leaving; /* which of the two is to be switched off */
	uint64_t patience;
	uint64_t events, messages, struck[FAULT_BITS];
	uint64_t met[BOUND_KINDS];
	uint64_t changes;   /* commits anywhere, and disks that came back */
	uint64_t trace;     /* running hash of everything that happened */
	unsigned not_right; /* index of a node, for check_converged */
	bool calm;          /* faults are over */
	bool calendar;
	uint32_t heartbeat; /* of every link, ms */
	bool verbose;
	struct heap *heap;
	const char *invariant; /* first broken one, NULL if none */
	char failure[512];
};

struct shape {
	unsigned nodes;       /* of the built-in five-level tree */
	const char *file;     /* or codes, one per line: seeds/zhejiang.txt */
	const char *under;    /* only these and what lies above and below */
	const char *villages; /* only of these; NULL: none */
	bool calendar;        /* days as people live them, with faults now and
	                         then, and not minutes of a storm */
	uint32_t heartbeat;   /* of every link, ms; 0: 15 s, or in a calendar
	                         15 min: nights would be little else */
	uint64_t flood;       /* messages of one flood; 0: few */
};

/* False: the shape cannot be had. */
bool world_init(struct world *w, uint64_t seed, unsigned faults,
                const struct shape *shape);
/* Frees what it holds, nodes and all; w is the caller's. */
void world_free(struct world *w);
/* Runs until `until` ms or the first failure. */
void world_run(struct world *w, uint64_t until);
/* No more faults; everybody has power and links from now on. */
void world_heal(struct world *w);
/* Programs of an older version are replaced. False: there was none. */
bool world_upgrade(struct world *w);
/* invariant: a name that stays the same for the same broken promise. */
void world_fail(struct world *w, const char *invariant, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
/* Hands a command to a node now. False: it has no power. The answer comes to
 * work_replied(). */
bool world_command(struct world *w, unsigned node, struct gt_event *e);
/* Puts a file on a node's disk, not synced. False: no room, or no power. */
bool world_stage(struct world *w, unsigned node, const char *name,
                 const uint8_t *p, size_t n);
/* Calls work_tick() at that time. */
void world_tick_at(struct world *w, uint64_t at);
/* A date older than that is too old everywhere, ms. The root signs one an
 * hour. */
int64_t world_date_limit(const struct world *w);
/* What a node's wall clock shows now, ms. */
int64_t world_wall(const struct world *w, unsigned node);
/* Reads all frames of a complete object as a terminal would and reports the
 * first that is not what it was. 0: all good, 1: reported, -1: not complete. */
int world_read(struct world *w, unsigned node, const struct gt_id *object);

/* clone.c: a node may run twice. */

/* Whether some node does now. */
bool clone_alive(const struct world *w);
/* The other copy of that node, or NULL. */
struct sim_node *clone_other(struct world *w, const struct sim_node *s);
/* The index a node had before it was copied. */
unsigned clone_home(const struct world *w, unsigned node);
/* The copy that people get hold of now. */
unsigned clone_used(struct world *w, unsigned node);

/* work.c: what people do, and what they may expect. */

/* Somebody does something every tick_ms or so; skip: bits of the kinds of deeds
 * left out. */
void work_init(struct world *w, uint64_t tick_ms, uint64_t skip);
void work_free(void);
/* TICK: somebody does something somewhere, and the next tick is planned. */
void work_tick(struct world *w);
/* The answer to a command; what it promises must be kept from here on. */
void work_replied(struct world *w, unsigned node, const struct gt_action *a);
/* A node lost power: commands without an answer may have happened or not. */
void work_crashed(struct world *w, unsigned node);
/* A node forgot: people look at what it holds and repeat what is missing. */
void work_restored(struct world *w, unsigned node);
/* From now on its copies may differ. */
void work_copied(struct world *w, unsigned node);
/* What a copy did is now the node's. */
void work_moved(unsigned from, unsigned to);
/* A terminal that never stops hands something in at that node, or asks for
 * something; drawn from p. */
void work_flood(struct world *w, unsigned home, struct prng *p);
/* Records acknowledged so far. */
uint64_t work_records(void);

/* check.c: what must be true after each step. */
void check_init(void);
void check_node(struct world *w, unsigned node); /* after each of its turns */
/* reader.c: then, who reads records on at this node. */
void reader_init(void);
void reader_turn(struct world *w, struct sim_node *s);
/* figures.c: then, who makes reports at this node. */
void figures_turn(struct world *w, struct sim_node *s);
/* It serves bytes of that object to a child (NULL: to nobody). */
void check_given(struct world *w, const struct sim_node *s,
                 const struct sim_node *child, const struct gt_id *object);
/* The node has power again: all it holds is looked at. */
void check_started(struct world *w, unsigned node);
/* The node's disk is about to be lost, or replaced by an older state. */
void check_restored(struct world *w, unsigned node);
/* The disk behind that index is another one now. */
void check_copied(struct world *w, unsigned node);

/* Whether a record of that id was set aside, or at the root, on a disk that got
 * lost. */
bool check_lost(const uint8_t id[GT_UUID_BYTES]);

/* No row of its is one that could be of another hand; else said which. */
bool check_row(const struct sim_node *s, char said[GT_ODD_SAID]);

/* final.c: all is as it should be in the end; says what is not when `loud`. */
bool check_converged(struct world *w, bool loud);
/* When it is, somebody everywhere asks for something there on demand: from then
 * on it must be there, too. */
void check_ask(struct world *w);

/* audit.c: what both ends of a transfer wrote agrees in the end; check_audit
 * compares. */
void audit_init(void);
void audit_free(void);
/* The disk behind an index is about to be lost, and with it the rows on it, of
 * the node whose home that is; what the disk behind `node` has of them is
 * not. */
void audit_lost(struct world *w, unsigned node, unsigned home);
void audit_kept(struct world *w, unsigned node, unsigned home);
/* What a child was given under that name its parent did not write down. */
void audit_forged(const struct sim_node *child, const char *name,
                  const char *subject, int64_t version);
/* No end has anything left to tell the other. */
bool audit_told(const struct world *w);
void check_audit(struct world *w);

#endif
