/* peer.h: links to neighbours, and what is known of a child on one.
 *
 * A drop is a decision, and what follows from it is not the dropper's to know:
 * gt_drop marks the peer GONE, and node.c buries it (session.c) once the event
 * is through.
 * Tests: u_peer.c, u_session.c, u_lineage.c, u_node_lies.c. */
#ifndef GT_PEER_H
#define GT_PEER_H

#include "turn.h"

/* A link's life. NEW -> PROVING -> READY; every state -> GONE.
 *   our parent: NEW (Hello sent) -> PROVING (Prove sent) -> READY
 *   a child:    NEW (nothing heard) -> PROVING (Hello answered) -> READY */
enum gt_session { GT_S_NEW, GT_S_PROVING, GT_S_READY, GT_S_GONE };

/* What is known of a child: its row, and what it asked on this link.
 *
 *   1. acked <= vseq; allowed_vseq <= vseq
 *   2. rooted_told <= rooted <= records, in the child's own numbers
 *   3. parked: acked <= parked_after <= vseq
 *   4. judged_members, judged_layers, judged <= the feed's seq of that kind
 *   5. nlater <= GT_RECORD_WINDOW */
struct gt_child {
	int64_t cid;                  /* of its row; 0: it has proved nothing */
	uint8_t lineage[GT_ID_BYTES]; /* token it showed; zero: none */
	struct gt_id filter;
	struct gt_receiver receiver;
	int64_t judged_members, judged_layers, judged; /* by kind: feed seq */
	int64_t vseq, acked, records, rooted;
	int64_t rooted_told;
	uint64_t layers_generation; /* of the layers it was judged with */
	uint64_t parked_token, parked_after, parked_until;
	/* erasures: what it has of ours, and we of its (erase_carry.c) */
	int64_t erased_met, erased_upto;
	/* the same of lists of certificates (certificate_carry.c) */
	int64_t lists_met, lists_upto;
	/* batches of records that are answered later (records/later.c) */
	uint64_t later[GT_RECORD_WINDOW], later_until;
	uint32_t nlater;
	uint32_t copies; /* held off by it, or below it, as it says */
	/* small ones lie together: there is room for many links */
	bool unconfirmed; /* it has not spoken under the new token yet */
	bool judged_all;  /* since its link came, and since it last made us
	                     begin anew */
	bool parked;      /* a Changes waits for news */
	bool compared;  /* on this link it was told what of its records is here,
	                  and sends that no more (records/compare.h) */
	int64_t wanted; /* the last record of those it was asked back on this
	                   link; INT64_MAX: all that may be its */
	uint64_t frames_sent, bytes_sent;
	struct gt_id status_hash; /* of the last NodeStatus written down */
	int64_t dated_ms;         /* the date it was last told */
	struct gt_id allowed;     /* last object found allowed, at that vseq */
	int64_t allowed_vseq;
};

/* A link, from PEER_UP to its burial.
 *
 *   1. id 0: the slot is free, and nothing else in it means anything; no two
 *      have the same id
 *   2. in PROVING and READY, version is one that both ends speak, and nonces,
 *      epoch and code are those of both Hellos
 *   3. a child's link has a cid exactly in READY, and keeps it when it goes
 *   4. one code has one READY link of the kind CHILD
 *   5. following, or a parked Changes, only in READY
 *   6. certified: code is the certificate's, whatever Hello says
 *   7. our parent's link has no child: that stays all zero; nor has one that
 *      is not of the kind CHILD */
struct gt_peer {
	uint32_t id; /* 0: slot is free */
	bool parent; /* we dialled: it leads to our parent, or above it */
	enum gt_session session;
	uint32_t version; /* of the protocol, from Hello on; 0: not agreed */
	char code[GT_CODE_MAX + 1];  /* proved, or claimed until READY */
	char above[GT_CODE_MAX + 1]; /* in its certificate; "": none */
	Gt__Link kind;               /* of a child's link, from Hello on */
	char address[64];
	bool certified; /* code came from a certificate */
	/* the cursor in the parent's feed was found good on this link: nothing
	 * is being compared */
	bool following;
	/* until when the certificates are good, and when it is said next that
	 * theirs ends: wall times, 0: there is none (node/expiry.c) */
	int64_t theirs_until_ms, ours_until_ms, warn_ms;
	uint8_t nonce_ours[32], nonce_theirs[32];
	uint8_t epoch[GT_EPOCH_BYTES]; /* theirs */
	uint64_t heard_ms;
	struct gt_child child; /* unless parent */
};

/* Whether there is a link to our parent that may be used. */
bool gt_up_ready(const struct gt_node *n);
/* Whether it may be used for content, too: nothing is being compared. */
bool gt_up_following(const struct gt_node *n);

/* Who the parent is on its link; without one, the place it is looked for
 * under. */
const char *gt_up_code(const struct gt_node *n);

/* A link that is not GONE. NULL: none of that id. */
struct gt_peer *gt_peer_by_id(struct gt_node *n, uint32_t id);
/* The READY link of that child, as one. NULL: none. */
struct gt_peer *gt_peer_by_code(struct gt_node *n, const char *code);
/* Whether the slot is in use by a link that is not GONE. */
bool gt_peer_here(const struct gt_peer *p);
/* What those that are linked below say is held off there. */
uint64_t gt_peer_copies(const struct gt_node *n);
/* A zeroed slot; NULL: max_links are in use. */
struct gt_peer *gt_peer_new(struct gt_node *n);

/* Gives up the link, writing down why; the world closes it once the peer has
 * what was sent. The peer is GONE on return, and n->up no longer it. */
int gt_drop(struct gt_node *n, struct gt_peer *p, const char *why);
/* As gt_drop, for a link nobody is at the other end of: closed at once. */
int gt_drop_silent(struct gt_node *n, struct gt_peer *p, const char *why);
/* The world has closed the link: GONE, without an action. why: a sentence, ""
 * where it was said. */
int gt_peer_gone(struct gt_node *n, struct gt_peer *p, const char *why);
/* Writes down that the link is up. */
int gt_peer_note(struct gt_node *n, const struct gt_peer *p);

/* Reads a child's row into p->child by p->code, or makes one. *same_epoch: it
 * was last met in the epoch it has now. Counters that cannot be are mended:
 * with no records then, and at a place in the feed where no child can be. */
int gt_peer_load(struct gt_node *n, struct gt_peer *p, bool *same_epoch);
/* Writes the child's counters back to its row. */
int gt_peer_save(struct gt_node *n, struct gt_peer *p);

#endif
