/* turn.h: what any decision of the node has at hand.
 *
 * The room turn/ holds what all the rooms above it work on: the time of this
 * turn, the store, an arena, the list of actions, the links (peer.h), questions
 * to the parent and their slots, the audit row (audit.h), bytes nobody can
 * guess (draw.h). It may use the rooms below it and node.h, and decides
 * nothing.
 *
 * content, records and catalogue keep what is theirs behind pointers that are
 * opaque everywhere else (<room>_inside.h): what one of them needs of another
 * is a function in that room's header.
 *
 * Promise: every function of these rooms that returns int returns 0 or a fatal
 * -GT_E... (the store or memory), unless it says otherwise: the turn is rolled
 * back and the node stops. What a neighbour did wrong is never fatal: it
 * becomes a drop.
 * Tests: u_turn.c, u_node.c, u_follow.c. */
#ifndef GT_TURN_H
#define GT_TURN_H

#include "audit.h"
#include "code.h"
#include "guantong.pb-c.h"
#include "node.h"
#include "policy.h"
#include "protocol.h"
#include "seal.h"
#include "share.h"
#include "store.h"

struct gt_peer;
struct gt_content;
struct gt_records;
struct gt_catalogue;
struct gt_pasts;

enum {
	GT_SOON_MS = 1000, /* retry of what a parent could not give */
	GT_WHY = 200,      /* a sentence on why something is refused */
};

/* What a request of ours to the parent was about. */
enum gt_asked {
	GT_ASKED_NONE,
	GT_ASKED_HELLO,
	GT_ASKED_PROVE,
	GT_ASKED_CHANGES,
	GT_ASKED_MANIFEST,
	GT_ASKED_FRAME,
	GT_ASKED_RECORDS,
	GT_ASKED_RECALL,  /* recall.c */
	GT_ASKED_OFFER,   /* our own layer */
	GT_ASKED_CONTEST, /* contest.c */
	GT_ASKED_INVENTORY,
	GT_ASKED_DONE,
	GT_ASKED_ROSTER,
	GT_ASKED_DOCUMENTS,
	GT_ASKED_SEEK,
	GT_ASKED_COMPARE, /* records/compare.c */
};

/* A request of ours to the parent that has no answer yet. */
struct gt_asking {
	enum gt_asked what;
	uint32_t generation;
	uint32_t frame;
	uint32_t bytes;
	uint64_t sent_ms;
	/* RECORDS: last seq in the batch; DOCUMENTS: up to where it speaks; SEEK: its number; MANIFEST: offset; DONE: its hid, 0:
	 * it is not kept; CONTEST: the token of the child `frame` (peer id),
	 * 0: ours */
	uint64_t upto;
	struct gt_id object;
};

/* The slots of what is asked. They grow with what is outstanding.
 *
 *   1. count = slots in use <= cap <= GT_REQUESTS_MAX
 *   2. while anything is asked, due is set, and not after the time the oldest
 *      question must be answered by
 *   3. nothing is outstanding without a link to the parent */
struct gt_asks {
	struct gt_asking *v;
	uint32_t cap, count, next;
	uint32_t generation;
	uint64_t due; /* the oldest must be answered by then; 0: none */
};

/* When a node above the parent is asked for the roster (node/above.c), mono_ms;
 * 0: it is not to be. */
struct gt_above {
	uint64_t away; /* for want of a parent */
	uint64_t rest; /* ... and for that not before */
	uint64_t next; /* though it is there */
	uint64_t wait; /* between two times, while the date is old; else 0 */
	uint64_t
	        since; /* it is due, and something is on its way; 0: it is not */
};

/* The node. One thread uses it at a time.
 *
 *   1. a link in use has a slot below npeers <= config.max_links
 *   2. up is the one link here whose `parent` is set; NULL: there is none. It
 *      leads to our parent, or, ROSTER_ONLY, to a node above it
 *   3. gone: some peer may be GONE and not buried; never between two events
 *   4. nothing is decided and nothing drawn before START has brought entropy
 *   5. parent is "" at the root, else code is of a child of it; both stay as
 *      they are, and what config points to is this struct's own
 *   6. the actions, nactions <= capactions, and what they point to are good
 *      until the next turn begins
 *   7. status.commits <= status.generation */
struct gt_node {
	struct gt_node_config config;
	char code[GT_CODE_MAX + 1], parent[GT_CODE_MAX + 1], software[64];
	const char *level;
	struct gt_key key;
	struct gt_store *store;
	struct gt_arena *arena; /* reset when a turn begins */
	struct gt_seal_cache *seals;
	struct gt_shares *shares; /* of what others may bring */
	uint64_t held, held_ms;   /* rows since that was last said, and when it
	                           was; 0: never (audit.h) */
	char why[256];

	uint8_t epoch[GT_EPOCH_BYTES];
	uint8_t entropy[64]; /* draw.h */
	uint64_t drawn;
	bool started;

	/* this turn */
	struct gt_now now;
	struct gt_action *actions;
	size_t nactions, capactions;
	size_t turn_bytes;
	bool touched; /* something a reader sees changed */

	/* links: config.max_links slots, those in use below npeers (peer.h) */
	struct gt_peer *peers;
	uint32_t npeers;
	struct gt_peer *up; /* the parent's link, NEW to READY; or NULL */
	bool gone;          /* some peer is GONE and not buried */
	bool full;          /* the disk has no room for what others bring in any
	              number: records/later.c */
	struct gt_asks asks;
	struct gt_above above;
	/* a parent's word makes this node begin anew not before, mono_ms, and
	 * how long that is put off (node/session.c) */
	uint64_t renew_due, renew_wait;
	struct gt_pasts *pasts; /* of the children (node/twin.h) */

	struct gt_content *content;
	struct gt_records *records;
	struct gt_catalogue *catalogue;

	struct gt_node_status status;
};

/* ---------------------------------------------------------- actions */

/* A zeroed action at the end of this turn's list; NULL: out of memory. */
struct gt_action *gt_act(struct gt_node *n, enum gt_action_type type);
/* Answers the caller who holds token: status, then a sentence, or JSON when
 * status is 0. */
int gt_reply(struct gt_node *n, uint64_t token, int status, const char *fmt,
             ...) __attribute__((format(printf, 4, 5)));
/* A line for the operator; its format has a row in texts_core.def. */
int gt_log(struct gt_node *n, enum gt_log_level level, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
/* The earlier of two times. */
uint64_t gt_sooner(uint64_t a, uint64_t b);

/* --------------------------------------------------------- messages */

/* Sends head and payload to the peer; reply: it answers the peer's request
 * `token`. Both are in the arena, or else live until the next turn; a head that
 * is NULL is one that could not be packed. */
int gt_send(struct gt_node *n, const struct gt_peer *p, uint64_t token,
            bool reply, struct gt_bytes head, struct gt_bytes payload);
/* Answers a child's request. r is packed here and may lie on the stack. */
int gt_send_reply(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                  const Gt__Reply *r, struct gt_bytes payload);
/* Answers it with Ok. */
int gt_send_ok(struct gt_node *n, const struct gt_peer *p, uint64_t token);
/* Answers it with an Error: code of either sign, text NULL: the code's own;
 * retry_ms: not to be asked again before. */
int gt_send_error(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                  int code, const char *text, uint64_t retry_ms);

/* Sends a request to the parent, whose link must be there, and remembers it;
 * *full (may be NULL) is set instead when too many are outstanding. What
 * `asking` says beside generation and sent_ms is the caller's. */
int gt_ask(struct gt_node *n, const Gt__Request *r,
           const struct gt_asking *asking, bool *full);
/* Takes what `token` was asked for out of its slot. False: it was answered
 * before, or asked on another link. */
bool gt_asked(struct gt_node *n, uint64_t token, struct gt_asking *out);
/* The link is gone: nothing is outstanding. */
void gt_ask_reset(struct gt_node *n);
/* How long an answer may take before the link counts as dead. */
uint64_t gt_answer_ms(const struct gt_node *n);
/* Whether so many more requests find room, leaving some for what is urgent. */
bool gt_ask_room(const struct gt_node *n);
/* asks.due is over: true if a request has really waited too long; else due is
 * when the oldest one will have. */
bool gt_ask_overdue(struct gt_node *n);

#endif
