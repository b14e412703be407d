/* http_wait.h: connections that sleep until the core has answered.
 *
 * gt_rq_command and gt_rq_wait (http_request.h) put them to sleep. A request is
 * in at most one list here, and only while its connection is suspended; whoever
 * takes it out of the list (reply, watcher or stop) wakes it, so it is woken
 * exactly once.
 * Tests: u_http_api.c, u_http_stop.c. */
#ifndef GT_HTTP_WAIT_H
#define GT_HTTP_WAIT_H

#include "http_request.h"
#include "room.h"

/* Nobody sleeps yet. NULL: out of memory. */
struct gt_waits *gt_waits_new(struct gt_core *core);
/* Wakes who holds the token, if anybody does. Core thread; never blocks. */
void gt_waits_reply(struct gt_waits *w, const struct gt_action *a);
/* While it is so, no command is posted: all are woken with -GT_ENOSPACE, those
 * that wait for their answer too. Core thread; never blocks. */
void gt_waits_stalled(struct gt_waits *w, enum gt_lack lack);
/* The answer of a woken request is out (or its connection gone). */
void gt_waits_done(struct gt_waits *w, const struct gt_request *rq);
/* Wakes all with -GT_EUNAVAILABLE, lets nobody sleep any more, and waits a
 * moment for the answers to leave. */
void gt_waits_stop(struct gt_waits *w);
void gt_waits_free(struct gt_waits *w); /* NULL is fine; after stop */

#endif
