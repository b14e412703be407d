/* records.h: learner records, as the rooms above see them.
 *
 * The room records/ takes records from people here (accept.c) and from children
 * (merge.c), keeps them in streams with marks (stream.c), and sends them to the
 * parent (send.c) as far as the layers let them leave (leave.c). What the disk has no room for, or who hands in too much, is
 * told to come later (later.c); so is he of whom too much waits (waiting.c). It
 * may use turn/ and what is below it, and knows nothing of content.
 *
 * A record is known by (origin, epoch, origin_seq) and by its statement id.
 * Each node numbers what it holds in its own order; its parent keeps, in the
 * same transaction as the rows, the last number it has taken. So a batch sent
 * again changes nothing, and nothing is skipped.
 *
 * Two marks come back: hop (the parent has all up to here) and root (the root
 * has). A node learns its own root mark and works out its children's from the
 * batches they sent.
 *
 * Promise: no acknowledged record is lost or counted twice. Returns as turn.h
 * says.
 * Tests: u_later.c, u_node_record.c, u_vouched.c, u_node_restore.c, u_lineage.c. */
#ifndef GT_RECORDS_H
#define GT_RECORDS_H

#include "peer.h"
#include "turn.h"

/* NULL: out of memory. */
struct gt_records *gt_records_new(void);
void gt_records_free(struct gt_records *r); /* NULL is fine */
/* START: marks and the stream of this node's own. */
int gt_records_load(struct gt_node *n);
/* A new epoch begins: nothing has been sent in it, and what the parent has of
 * the one that was, and this node forgot, is asked for (recall.c). */
int gt_records_unsent(struct gt_node *n, const uint8_t was[GT_EPOCH_BYTES]);
/* The epoch changed while running: all that was handed in here moves to the new
 * stream. */
int gt_records_renew(struct gt_node *n);

/* All layers held here, lent until the next call: what they demand of records
 * holds for what leaves and comes from now on. Those without demands may be
 * among them. 0, -GT_ENOMEM. */
int gt_records_layers(struct gt_node *n, const struct gt_layer *const *layers,
                      size_t count);

/* How many are here, and how many of them the parent, the root has not. */
struct gt_record_counts {
	uint64_t here, waiting, unrooted;
	uint64_t documents_waiting, documents_kept; /* ... that lost */
	uint64_t spoilt; /* are damaged or lost, and not back yet */
	bool crowded;    /* somebody's are put off until more of his are at the
	                 parent */
};
/* As of now. */
struct gt_record_counts gt_records_count(const struct gt_node *n);

/* People hand in statements: all of them or none, and who asked is answered. */
int gt_records_accept(struct gt_node *n, const struct gt_event *e);

/* A row of the quarantine is given up, and who asked is answered. */
int gt_records_drop(struct gt_node *n, const struct gt_event *e);

/* What is named goes, and is not taken again; who asked is answered
 * (erase.c). */
int gt_records_erase(struct gt_node *n, const struct gt_event *e);

/* What was erased, told and heard of (erase_carry.c). The parent has another
 * epoch: all anew. */
int gt_records_erased_anew(struct gt_node *n);
/* What the next question for changes says of it, and what its answer said. */
int gt_records_erased_ask(struct gt_node *n, Gt__Changes *m);
int gt_records_erased_told(struct gt_node *n, const Gt__ChangesReply *m);
/* The same at the parent's end; news: the child is to be told some. */
int gt_records_erased_from(struct gt_node *n, struct gt_peer *p,
                           const Gt__Changes *m);
bool gt_records_erased_news(const struct gt_node *n, const struct gt_peer *p);
int gt_records_erased_put(struct gt_node *n, const struct gt_peer *p,
                          Gt__ChangesReply *m);

/* Lists of revoked certificates, the same way (certificate_carry.c). */
int gt_records_lists_anew(struct gt_node *n);
int gt_records_lists_ask(struct gt_node *n, Gt__Changes *m);
int gt_records_lists_told(struct gt_node *n, const Gt__ChangesReply *m);
int gt_records_lists_from(struct gt_node *n, struct gt_peer *p,
                          const Gt__Changes *m);
bool gt_records_lists_news(const struct gt_node *n, const struct gt_peer *p);
int gt_records_lists_put(struct gt_node *n, const struct gt_peer *p,
                         Gt__ChangesReply *m);
/* The roster has a new row of that code. */
int gt_records_lists_member(struct gt_node *n, const char *code);

/* The bytes of an attachment are not what they were, or not there. */
int gt_records_attachment_lost(struct gt_node *n, const struct gt_event *e);

/* The disk has so much room for records as the event says; n->full is set where
 * it is too little, and they are told to come later. */
int gt_records_room(struct gt_node *n, const struct gt_event *e);
/* What is due by the time: answers that were put off, another try. */
int gt_records_time(struct gt_node *n);
/* When; UINT64_MAX: never. */
uint64_t gt_records_deadline(const struct gt_node *n);
/* The parent has taken none of what request `a` brought and says when to try
 * again. */
int gt_records_later(struct gt_node *n, const struct gt_asking *a,
                     uint64_t retry_ms);

/* The parent is there and has so many of this epoch's; that is what counts,
 * whatever another one had.
 * *behind: it has more than were ever sent from here. */
int gt_records_up(struct gt_node *n, uint64_t theirs, bool *behind);
/* The link to the parent is gone: no batch is outstanding. */
void gt_records_down(struct gt_node *n);
/* Sends batches to the parent while there is something to send. */
int gt_records_go(struct gt_node *n);
/* The parent has taken a batch, or told where it is: both marks. */
int gt_records_reply(struct gt_node *n, const struct gt_asking *a,
                     const Gt__RecordsReply *m);
/* The root's mark, in our own numbers: never back, never beyond what is
 * here. */
int gt_records_root(struct gt_node *n, uint64_t root);

/* A batch of a child's; it is answered with marks. */
int gt_records_batch(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const Gt__Records *m);
/* Moves p->child.rooted: what of the child's records the root has, by our own
 * root mark. */
int gt_records_child_root(struct gt_node *n, struct gt_peer *p);
/* What is damaged here and the child may have (spoilt.c): whether it is to be
 * asked for some on this link; then the answer to its Changes does. */
bool gt_records_wants(const struct gt_node *n, const struct gt_peer *p);
int gt_records_wanted(struct gt_node *n, struct gt_peer *p,
                      Gt__ChangesReply *out);
/* The parent wants such ones: it is sent what is here of them. */
int gt_records_back(struct gt_node *n, const Gt__ChangesReply *m);
/* The child asks which of its records are here (compare.h). */
int gt_records_compare(struct gt_node *n, struct gt_peer *p, uint64_t token,
                       const Gt__Compare *m);
/* ... and the parent has said it. */
int gt_records_compared(struct gt_node *n, const Gt__Compared *m);
/* The child counts its records from one again: it has a new epoch. */
int gt_records_forget(struct gt_node *n, struct gt_peer *p);

#endif
