/* policy.h: which node may hold what.
 *
 * Verdicts form a lattice: deny < metadata < on-demand < mirror. A layer is an
 * ordered list of rules; the first that is for the receiver and whose
 * predicates all hold decides, else the layer's fallback does. What a node may
 * hold is the meet of every layer from the root to itself:
 *
 *   meet(n, r)      = min over layers l whose origin contains n
 *                     of decide(l, n, r)
 *   effective(n, r) = min(meet(n, r), ceiling(effective(parent(n), r)))
 *
 *   ceiling(deny) = deny, ceiling(metadata) = metadata, else mirror
 *
 * The ceiling states what a tree means: bytes reach a child only through its
 * parent, so a parent that may not store a resource has none to pass on.
 *
 * The room policy/ is layers (layer.c compiles one) and verdicts (policy.c). It
 * uses base/ and the messages of the protocol. It promises: a layer is checked
 * whole when it is made and never changes; a decision takes no memory, asks no
 * clock and no database, and is the same at every node that asks it.
 *
 * Tests: u_policy.c; u_policy_model.c holds it to the equations above. */
#ifndef GT_POLICY_H
#define GT_POLICY_H

#include "base.h"
#include "guantong.pb-c.h"

enum gt_verdict {
	GT_DENY = 0,
	GT_METADATA = 1,
	GT_ON_DEMAND = 2,
	GT_MIRROR = 3,
};

/* "on-demand", NULL: no such verdict; and back, -1: no such name. */
const char *gt_verdict_name(enum gt_verdict v);
int gt_verdict_parse(const char *name);
/* "audience", NULL: no such field; and back, -1: no such name. */
const char *gt_field_name(Gt__Field field);
int gt_field_parse(const char *name);

/* A layer ready to be asked. Immutable; may be shared by threads.
 *
 * A value equal to "*" matches every value there is: an entry with no regions
 * has none, an entry with no licence has the empty one. What is dated in the
 * future has age 0. A level no rule names is in no rule's `levels`. */
struct gt_layer;

/* Builds from an encoded Layer, keeping nothing of body. Refuses what no
 * version of this program could have meant: unknown fields and verdicts, values
 * where a range belongs, rules without a name of their own, and whatever is
 * over a limit. why gets a sentence on refusal naming the rule. 0,
 * -GT_EMALFORMED, -GT_ELIMIT, -GT_ENOMEM. */
int gt_layer_new(struct gt_layer **out, struct gt_bytes body, char *why,
                 size_t why_cap);
void gt_layer_free(struct gt_layer *layer); /* NULL is fine */
/* The code it was published at, "": it was not; its version. */
const char *gt_layer_origin(const struct gt_layer *layer);
uint64_t gt_layer_version(const struct gt_layer *layer);

struct gt_receiver {
	const char *code;
	const char *level;
};

struct gt_decision {
	enum gt_verdict verdict;
	uint32_t priority;
	/* these live as long as the layer */
	const char *rule;  /* its name; "": the fallback */
	const char *layer; /* its origin's code; "": no layer applies */
};

/* One layer's word. now_ms is wall time, for age. */
struct gt_decision gt_layer_decide(const struct gt_layer *layer,
                                   const Gt__Entry *entry,
                                   const struct gt_receiver *to,
                                   int64_t now_ms);

/* The meet of the layers whose origin contains the receiver; others are passed
 * over. Order of layers does not matter: among equal verdicts the priority is
 * the least, and the layer named is the one nearest the root. No layer at all:
 * mirror, priority 50. A layer without an origin (not published yet) governs
 * everyone. */
struct gt_decision gt_policy_meet(const struct gt_layer *const *layers,
                                  size_t n, const Gt__Entry *entry,
                                  const struct gt_receiver *to, int64_t now_ms);

/* The most a child may get of what its parent holds with this verdict. */
enum gt_verdict gt_verdict_ceiling(enum gt_verdict parent);

/* True if any predicate of any layer looks at age, so that verdicts change
 * with time alone. */
bool gt_layer_ages(const struct gt_layer *layer);

#endif
