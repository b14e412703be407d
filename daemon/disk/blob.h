/* blob.h: object files under DIR/objects, worked on by libuv's pool.
 *
 * The room daemon/disk/ holds the bytes of objects as files: places, serves,
 * checks, adopts and removes them (blob.h over blob_file.h), makes new ones of
 * folders (stage.h, walk.h), opens their indexes for readers (shelf.h), looks
 * after what a crash has left (rewrite.h, sweep.h), and opens the database for
 * those who only read (database.h). It uses src/object, src/read, sys/ and
 * net's bulk, knows no neighbour, and decides nothing: what is wanted comes as
 * an action, what came of it goes back as an event. It promises that what it
 * says is durable is, name included.
 *
 * objects/ab/cdef....tar.zst; a file is at its final name from the start, what
 * of it counts is in the database. Every write checks its return; nothing is
 * durable before a SYNC says so. A placement that would leave less
 * than `reserve` bytes free fails with -GT_ENOSPACE and takes nothing.
 *
 * Jobs of one object keep the order that matters: SYNC comes after every
 * placement submitted before it; CHECK, ADOPT and REMOVE have the object for
 * themselves (a CHECK lets SERVE by). All else runs side by side.
 *
 * What status says: -GT_EDAMAGED the bytes are not the right ones, or are not
 * there; -GT_EUNKNOWN the object has no file that this node may use; -GT_EIO
 * the disk failed; -GT_ENOSPACE try again when there is room.
 * After a SYNC that failed nothing placed since the one before may be believed,
 * nor what is being placed beside it. -GT_ESTORE of an ADOPT, -GT_EIO of a
 * SYNC: no SYNC or ADOPT is believed any more in this run. What is there is
 * read. */
#ifndef GT_BLOB_H
#define GT_BLOB_H

#include <uv.h>

#include "node.h"

struct gt_blobs;
struct gt_blob_events {
	/* A finished job, on the loop's thread: an event of type PLACED,
	 * SYNCED, CHECKED, ADOPTED or FAULT. Lent for the call. peer, token,
	 * object and frame are the action's. */
	void (*done)(void *arg, const struct gt_event *e);
	/* The bytes a SERVE read, on a pool thread; takes over malloc'ed p. */
	void (*serve)(void *arg, const struct gt_action *a, void *p, size_t n);
};

/* Makes DIR/objects and DIR/staged if need be. Now and every minute it removes
 * staged files that nobody holds (stage.h) and that are older than a minute:
 * whoever was publishing them is gone. 0, or -GT_EIO, -GT_ENOMEM, and why. */
int gt_blobs_open(struct gt_blobs **out, uv_loop_t *loop, const char *dir,
                  uint64_t reserve, const struct gt_blob_events *events,
                  void *arg, char *why, size_t why_cap);
/* Waits for jobs under way, running the loop: not from a callback of it. Jobs
 * that have not begun are forgotten; nothing is reported any more. */
void gt_blobs_close(struct gt_blobs *b);
/* Starts PLACE, COPY, TAIL, SYNC, CHECK, ADOPT, REMOVE or SERVE. Copies what
 * the action points to, but keeps a reference on the bulk. Any thread; jobs of
 * one thread keep their order. False: out of memory, nothing will be
 * reported. */
bool gt_blobs_submit(struct gt_blobs *b, const struct gt_action *a);

/* For HTTP: opens an object's file for reading. The descriptor; -GT_EUNKNOWN:
 * the object has no file that this node may use; -GT_EIO, -GT_ENOMEM. Any
 * thread. */
int gt_blobs_open_object(const char *dir, const struct gt_id *object);
/* Writes the path of a file in DIR/staged into out[cap], cut to fit. */
void gt_blobs_staged_path(const char *dir, const char *name, char *out,
                          size_t cap);

#endif
