/* demand.h: what a learner record must become before it may go further up.
 *
 * Treatments form a chain, the more private the larger:
 *
 *   pass < redact < pseudonymise < aggregate < drop
 *
 * and a demand is one of them with what belongs to it: the fields redact takes
 * out, the least group of learners aggregate may tell of. Two demands join to
 * the larger treatment, all fields of both, the larger group, so that the order
 * of layers cannot matter and nobody can weaken what another asks for.
 *
 * A layer's demands are rules, as its others are: the first that is for the
 * receiver and whose conditions all hold decides; none: pass. What leaves node s
 * for node p above it must satisfy
 *
 *   demand(s, p, r) = join over layers l whose origin contains s
 *                     of demand(l, r) with p for the receiver
 *
 * so a layer binds all below it, and a node can narrow what leaves itself. What
 * was done to a record travels with it in its field `policy` (gt_done_format):
 * a level that finds it done leaves it as it is, which keeps pseudonyms
 * linkable. A void always goes up, and at most without names: else what was
 * taken back below would stay above.
 *
 * Pure, as policy.h is.
 * Tests: u_demand.c, fuzz/f_policy.c. */
#ifndef GT_DEMAND_H
#define GT_DEMAND_H

#include "policy.h"

enum gt_treatment {
	GT_PASS,
	GT_REDACT,
	GT_PSEUDONYMISE,
	GT_AGGREGATE,
	GT_DROP,
};
enum { GT_TREATMENTS = GT_DROP + 1 };

/* What redact can take out. */
enum {
	GT_REDACT_NAMES = 1u << 0,       /* of agents and groups */
	GT_REDACT_RESPONSES = 1u << 1,   /* result.response */
	GT_REDACT_TEXT = 1u << 2,        /* whatever is written for people */
	GT_REDACT_EXTENSIONS = 1u << 3,  /* all of them */
	GT_REDACT_ATTACHMENTS = 1u << 4, /* and signatures */
	GT_REDACT_ALL = (1u << 5) - 1,
};

enum gt_minor { GT_MINOR_YES, GT_MINOR_NO, GT_MINOR_UNKNOWN };

enum {
	GT_GROUP_MIN = 2,
	GT_GROUP_USUAL = 10, /* where a file does not say */
	GT_GROUP_MAX = 1000000,
	GT_DONE_CHARS = 160,
};

/* "pseudonymise", NULL: no such one; and back, -1: no such name. */
const char *gt_treatment_name(enum gt_treatment t);
int gt_treatment_parse(const char *name);
/* "responses" of one bit, NULL: none; and back, 0: no such name. */
const char *gt_redact_name(uint32_t bit);
uint32_t gt_redact_parse(const char *name);
/* "activity", NULL; and back, -1: no such name. */
const char *gt_trait_name(Gt__Trait trait);
int gt_trait_parse(const char *name);
/* "unknown", NULL: no such one. */
const char *gt_minor_name(enum gt_minor m);

/* What rules see of a record. Borrowed. */
struct gt_traits {
	const char *verb;
	const char *const *activities;
	size_t nactivities;
	const char *region; /* code of its origin */
	const char *const *classes;
	size_t nclasses;
	enum gt_minor minor;
	bool voids;
};

struct gt_demand {
	enum gt_treatment treatment;
	uint32_t fields; /* GT_REDACT_...; all from pseudonymise on */
	uint32_t group;  /* 0 below aggregate */
	/* of the rule that asks for the treatment, nearest the root; these live
	 * as long as the layer */
	const char *rule, *layer; /* "": none does */
	uint64_t version;         /* of that layer */
};

/* The least, and the join of two. */
struct gt_demand gt_demand_none(void);
struct gt_demand gt_demand_join(struct gt_demand a, struct gt_demand b);
/* Whether it asks for anything. */
bool gt_demand_any(const struct gt_demand *d);

/* Whether a layer has rules for records at all. */
bool gt_layer_demands(const struct gt_layer *layer);
/* One layer's word on a record that goes to that receiver. */
struct gt_demand gt_layer_demand(const struct gt_layer *layer,
                                 const struct gt_traits *traits,
                                 const struct gt_receiver *to);
/* The join of the layers that bind the node `from`; a layer without an origin
 * binds everyone. A void's is at most pseudonymise. */
struct gt_demand gt_demand_of(const struct gt_layer *const *layers, size_t n,
                              const struct gt_traits *traits, const char *from,
                              const struct gt_receiver *to);
/* Whether those layers ask for anything of any record that goes from `from` to
 * that receiver, whatever it is about. */
bool gt_demand_binds(const struct gt_layer *const *layers, size_t n,
                     const char *from, const struct gt_receiver *to);

/* What was done to a record. */
struct gt_done {
	enum gt_treatment treatment;
	uint32_t fields;
	uint32_t group; /* of aggregate: how many learners it tells of */
};

/* "pseudonymise@330106/7;3301.2" : by which layer and version, with which key;
 * "redact:names+text@33/4", "aggregate:12@33/4". key: "" if none. */
void gt_done_format(char out[GT_DONE_CHARS], const struct gt_done *done,
                    const struct gt_demand *by, const char *key);
/* Reads it back; what is no such text says that nothing was done. */
struct gt_done gt_done_parse(const char *policy);
/* Whether what was done is no less than what is demanded. */
bool gt_done_satisfies(const struct gt_done *done, const struct gt_demand *d);

#endif
