/* work.h: the people's side of the world, as check.c and final.c compare it. */
#ifndef SIM_WORK_H
#define SIM_WORK_H

#include "world.h"

enum { RESOURCES_MAX = 64, RECORDS_MAX = 8192, PROMISES_MAX = 1024 };

/* What the own database of whoever made it said a version is. */
struct issue {
	uint64_t version;
	struct gt_id hash;
};

struct issues {
	struct issue *v;
	size_t n;
};

struct resource {
	char id[GT_RID_MAX + 1];
	unsigned node; /* publisher */
	unsigned type;
	uint64_t version; /* acknowledged; at least so many were made */
	bool withdrawn;
	bool pending, unsure; /* a command is open; its fate is unknown */
	uint64_t content;     /* what its files are drawn from, last */
	struct gt_id object, next_object;
	unsigned barred; /* levels that must not have it, as bits, ... */
	struct issues issues;
	uint64_t barred_from; /* ... in this version or a later one */
};

struct record {
	uint8_t id[GT_UUID_BYTES];
	unsigned form_number;
	bool voids;
	uint8_t target[GT_UUID_BYTES]; /* the record it voids */
	bool acknowledged, maybe;      /* maybe: no answer was heard */
	bool shared;                   /* its id was handed in more than once */
	bool excused;  /* the only copy was on a disk that got lost */
	unsigned node; /* that acknowledged it last */
	unsigned home; /* where it was handed in */
	unsigned voice;
	bool unheard; /* who vouched for it was on a disk that got lost */
};

/* Who hands in at a node: nobody known, one of two terminals, the operator. */
enum { NOBODY, OPERATOR = 3, VOICES };

enum promise_kind {
	NO_PROMISE,
	PUBLISH_PROMISE,
	WITHDRAW_PROMISE,
	LAYER_PROMISE,
	RECORD_PROMISE,
};

/* A command that has no answer yet. */
struct promise {
	enum promise_kind kind;
	uint64_t token;
	unsigned node, choice;
	struct resource *resource;
	struct record *records[4];
};

struct work {
	struct resource resources[RESOURCES_MAX];
	unsigned nresources;
	struct record records[RECORDS_MAX];
	unsigned nrecords;
	uint64_t deeds; /* commands given and things read, with power there */
	struct promise promises[PROMISES_MAX];
	unsigned layer[NODES_MAX]; /* choice + 1; 0: none */
	bool layer_unsure[NODES_MAX];
	bool layer_open[NODES_MAX]; /* a change is under way */
	struct issues layers[NODES_MAX];
	unsigned asked[NODES_MAX]; /* in the end, see check_ask: resource + 1 */
};
extern struct work work;

/* Whether rules of before that version was published keep it from the node. */
bool work_denied(const struct world *w, const struct sim_node *s,
                 const struct resource *r, uint64_t version);
/* NULL: of no resource of the people's. */
struct resource *work_resource(const char *id);

/* Somebody sets the rules of a node to that choice. */
void work_rules(struct world *w, unsigned node, unsigned choice);

/* rules.c: types of resources, by number. */
extern const char *const work_types[5];
/* The encoded layer that a choice stands for at a node. */
size_t work_layer(unsigned node, unsigned choice, uint8_t out[1024]);
/* What that layer says of a type for a level, by the same choice. */
unsigned work_verdict(unsigned node, unsigned type, int depth);
/* It tells of something completed. */
bool work_completes(const struct record *r);
/* May the one void the other? By what people were promised, whatever the nodes
 * keep. */
bool work_may_void(const struct world *w, const struct record *by,
                   const struct record *target);
size_t work_record_body(const struct record *r, char out[256]);

/* calendar.c: would somebody do something now? In offices, or at home. */
bool calendar_busy(const struct world *w, bool official, struct prng *p);

/* The record's row at that node: in its stream, or set aside. */
bool work_record_at(const struct sim_node *s, const struct record *r,
                    bool set_aside_counts);

#endif
