/* documents.h: documents that courses keep, as the room above sees them.
 *
 * A terminal puts, merges and deletes documents here (documents.c); whether one
 * may is decided in the turn, so that of two who say what they replace one wins.
 * Answered means on this disk. What is put remembers what it was put upon
 * (versions.h). It goes up, to the root, as far as the layers let a learner's
 * doings go up as they are (documents_up.c). What is not here, or newer above, comes
 * when a terminal asks for it (documents_seek.c).
 *
 * Promise: no acknowledged document is lost silently: it counts, or something
 * that was put upon it does, or it is listed. Returns as turn.h says.
 * Tests: u_documents.c, u_roam.c, u_seek.c. */
#ifndef GT_DOCUMENTS_H
#define GT_DOCUMENTS_H

#include "peer.h"
#include "turn.h"

/* START: the last number here. In documents_up.c, as all but the edit. */
int gt_documents_load(struct gt_node *n);
/* How many wait, and lost, is counted anew: rows went by other hands. */
int gt_documents_count(struct gt_node *n);

/* The parent is there, and has been told so much of this epoch's as it says;
 * *behind is set where that is something that is not known here. */
int gt_documents_up(struct gt_node *n, const Gt__ProveReply *m, bool *behind);
/* The link to the parent is gone. */
void gt_documents_down(struct gt_node *n);
/* Sends a batch to the parent, if one is to be sent. */
int gt_documents_go(struct gt_node *n);
/* When that is; UINT64_MAX: when something else happens. */
uint64_t gt_documents_deadline(const struct gt_node *n);
/* The parent has taken a batch, or none of it and says when to come again. */
int gt_documents_reply(struct gt_node *n, const struct gt_asking *a,
                       const Gt__DocumentsReply *m);
void gt_documents_later(struct gt_node *n, uint64_t retry_ms);
/* A batch of a child's, which is answered. */
int gt_documents_batch(struct gt_node *n, struct gt_peer *p, uint64_t token,
                       const Gt__Documents *m);
/* Puts up to where the child has told this node, in the epoch it has now, into
 * the answer to its Prove. */
int gt_documents_cursor(struct gt_node *n, const struct gt_peer *p,
                        Gt__ProveReply *m);

/* A terminal is about to ask for documents (DOCUMENT_SEEK): it is answered, with
 * nothing, when what the parent has of them is here, if that can be had, and
 * soon. In documents_seek.c, as the rest. */
int gt_documents_seek(struct gt_node *n, const struct gt_event *e);
/* A child asks for some, which is answered then. */
int gt_documents_sought(struct gt_node *n, struct gt_peer *p, uint64_t token,
                        const Gt__Seek *m);
/* The parent has answered; or with an error. */
int gt_documents_found(struct gt_node *n, const struct gt_asking *a,
                       const Gt__Found *m);
int gt_documents_unfound(struct gt_node *n, const struct gt_asking *a);
/* The link to the parent is gone: nobody waits any longer. */
int gt_documents_alone(struct gt_node *n);
/* Who has waited long enough is answered; and when that is. */
int gt_documents_time(struct gt_node *n);
uint64_t gt_documents_due(const struct gt_node *n);
struct gt_seeks;
void gt_seeks_free(struct gt_seeks *all); /* NULL is fine */

/* People here have looked at one that lost (DOCUMENT_LOST): it is given up, or
 * counts again, and who asked is answered. In documents_lost.c. */
int gt_documents_lost(struct gt_node *n, const struct gt_event *e);

/* A terminal's edit, which is answered: with the ETag of what is there now, ""
 * for nothing. */
int gt_documents_edit(struct gt_node *n, const struct gt_event *e);

#endif
