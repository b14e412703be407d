/* content.h: bytes coming and going, as the rooms above see it.
 *
 * The room content/ holds objects: what of each is here (holding.c), asking the
 * parent for the rest (fetch.c, in a window: window.c), putting it in place and
 * making it durable (fill.c), what a fetch is called and cost (transfer.c), and
 * handing frames on to children (serve.c), who wait if need be (waiter.c). What
 * was only asked for gives way (evict.c). It knows object ids and who may have
 * them by the store's rows, of entries the sizes they promise (fetch.c), and
 * nothing of policy or records. It may use turn/ and what is below it.
 *
 * Promise: a frame is passed on the moment it is verified and counts as present
 * only once it is durable. Returns as turn.h says.
 * Tests: u_node_object.c, u_node_transfer.c, u_fill.c, u_serve.c, u_adopt.c,
 * u_sync.c, u_evict.c. */
#ifndef GT_CONTENT_H
#define GT_CONTENT_H

#include "peer.h"
#include "turn.h"

/* ------------------------------------------------- the room's state */

/* NULL: out of memory. links: as in gt_node_config. */
struct gt_content *gt_content_new(uint32_t links);
void gt_content_free(struct gt_content *c); /* NULL is fine */
/* START: counts what is kept of finished transfers. */
int gt_content_load(struct gt_node *n);
/* What is due by the time: waiters, a pause of bulk. */
int gt_content_time(struct gt_node *n);
/* What follows from all of a turn's events together: requests, syncs, checks,
 * finished transfers told, waiters served. */
int gt_content_go(struct gt_node *n);
/* When gt_content_time or gt_content_go is due by time alone; UINT64_MAX. */
uint64_t gt_content_deadline(const struct gt_node *n);
/* The link to the parent is gone: nothing is outstanding. */
void gt_content_down(struct gt_node *n);
/* A child's link is gone: it waits for nothing any more. */
void gt_content_forget(struct gt_node *n, uint32_t peer);
/* A new epoch: names of transfers used since the database was backed up must
 * not be used again. */
int gt_content_renew(struct gt_node *n);
/* Hello's round trip: the link's without a queue. */
void gt_content_rtt(struct gt_node *n, uint64_t ms);
/* The parts of the status that are content's. */
void gt_content_status(const struct gt_node *n, struct gt_node_status *out);

/* ----------------------------------------- objects wanted, released */

/* 1: somebody here may hold it, 0: nobody; or an error. */
int gt_object_needed(struct gt_node *n, const struct gt_id *id);
/* There must be a row for the object; makes one (WANTED) if there is none. */
int gt_object_want(struct gt_node *n, const struct gt_id *id);
/* Whether an object of that size that is fetched on demand may be: *why NULL, or
 * a sentence that says why it may not now. */
int gt_content_admit(struct gt_node *n, const struct gt_id *id, uint64_t size,
                     const char **why);
/* Which objects are wanted, or how much, may have changed. */
void gt_object_look(struct gt_node *n);
/* The resource ("": somebody) may have stopped needing the object: if nobody
 * may hold it any more, forgets it and removes its file. */
int gt_object_release(struct gt_node *n, const struct gt_id *id,
                      const char *rid);
/* *yes: the object is here, whole. */
int gt_object_complete(struct gt_node *n, const struct gt_id *id, bool *yes);
/* *yes: it was, and has yet to be again. */
int gt_object_damaged(struct gt_node *n, const struct gt_id *id, bool *yes);

/* From now until gt_object_adopted the object's file is being put in its place
 * by a publish, and is not removed: an unlink behind that would take what was
 * adopted. At most GT_ADOPTING_MAX at once. */
enum { GT_ADOPTING_MAX = 64 };
void gt_object_adopting(struct gt_node *n, const struct gt_id *id);
/* The adoption is over, one way or the other. id must be one that is under
 * way. */
void gt_object_adopted(struct gt_node *n, const struct gt_id *id);
/* The publish has come to something: the object is here, whole, with this
 * manifest, whatever was known of it before. */
int gt_object_published(struct gt_node *n, const struct gt_id *id,
                        struct gt_bytes manifest, uint64_t size,
                        uint32_t frames);
/* The publish has come to nothing: whatever was let go meanwhile, its file too,
 * goes now. */
int gt_object_unpublished(struct gt_node *n, const struct gt_id *id);

/* ---------------------------------------------- events and messages */

/* PLACED: a frame, or the seek table, is in the file, or is not. */
int gt_fill_placed(struct gt_node *n, const struct gt_event *e);
/* SYNCED: what was in the file before is durable. Fatal if the sync failed for
 * anything but room. */
int gt_fill_synced(struct gt_node *n, const struct gt_event *e);
/* CHECKED: the whole file is what its manifest says, or what is wrong. */
int gt_fill_checked(struct gt_node *n, const struct gt_event *e);
/* LOST: nothing of these objects' files counts any more; what can be is fetched
 * again. */
int gt_fill_gone(struct gt_node *n, const struct gt_event *e);
/* FAULT: a frame could not be sent: it is gone, damaged, or there was no
 * memory. */
int gt_serve_fault(struct gt_node *n, const struct gt_event *e);

/* The parent's answers, to what `a` asked. A piece of a manifest: */
int gt_fetch_manifest(struct gt_node *n, const struct gt_asking *a,
                      const Gt__ManifestPiece *m, struct gt_bytes payload);
/* A frame, whose bytes are e's bulk: it is placed. */
int gt_fetch_frame(struct gt_node *n, const struct gt_asking *a,
                   const struct gt_event *e);
/* An Error to either: asked again later. */
int gt_fetch_refused(struct gt_node *n, const struct gt_asking *a,
                     const Gt__Error *m);
/* Ok to Done: the transfer is in both books, and need not be told again. */
int gt_transfer_told(struct gt_node *n, const struct gt_asking *a);
/* An Error: it is told again in so many ms, or, if that is 0, on the next
 * link. */
int gt_transfer_put_off(struct gt_node *n, const struct gt_asking *a,
                        uint64_t retry_ms);

/* A child asks for a piece of a manifest: sent, parked, or refused by policy; a
 * malformed request drops its link. */
int gt_serve_manifest(struct gt_node *n, struct gt_peer *p, uint64_t token,
                      const Gt__GetManifest *m);
/* The same for a frame. */
int gt_serve_frame(struct gt_node *n, struct gt_peer *p, uint64_t token,
                   const Gt__GetFrame *m);
/* A child has all of an object: written down once, beside what was counted. */
int gt_transfer_done(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const Gt__Done *m);

#endif
