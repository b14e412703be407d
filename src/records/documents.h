/* documents.h: documents that courses keep, as the room above sees them.
 *
 * A terminal puts, merges and deletes documents here (documents.c); whether one
 * may is decided in the turn, so that of two who say what they replace one wins.
 * Answered means on this disk. What is put remembers what it was put upon
 * (versions.h).
 *
 * Promise: no acknowledged document is lost silently: it counts, or something
 * that was put upon it does, or it is listed. Returns as turn.h says.
 * Tests: u_documents.c. */
#ifndef GT_DOCUMENTS_H
#define GT_DOCUMENTS_H

#include "peer.h"
#include "turn.h"

/* START: the last number here. */
int gt_documents_load(struct gt_node *n);
/* A new epoch began while running: what the parent was not told of in the old
 * one may bear numbers that stand for others there. */
int gt_documents_renew(struct gt_node *n);

/* A terminal's edit, which is answered: with the ETag of what is there now, ""
 * for nothing. */
int gt_documents_edit(struct gt_node *n, const struct gt_event *e);

#endif
