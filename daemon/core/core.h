/* core.h: the thread the node runs on, with one queue each way.
 *
 * The room daemon/core/ is the one place that turns the node (node.h): what the
 * rest of the daemon reports is posted here as an event, what is decided comes
 * out as actions. It uses node.h, sys/ and net's bulk; run/ and HTTP know of
 * it, it knows of neither. It promises that what is posted from one thread is
 * heard in that order, that a turn is whole or the node stops, and that a
 * reader's view of the node is never half a turn.
 *
 * gt_core_post may be called from any thread: nng's, the loop's, HTTP's. The
 * queue copies what an event points to; the core thread takes all that waits,
 * runs turns, and hands the actions to `perform` on its own thread. It sleeps
 * until something is posted or gt_node_deadline() has come, whichever is first.
 *
 * The first event of the run, GT_EV_START with its random bytes, is the core's
 * own doing; so is GT_EV_TIME. */
#ifndef GT_CORE_H
#define GT_CORE_H

#include "node.h"

enum {
	/* What may wait. Beyond it messages and commands are refused; what the
	 * node must hear (links going, answers to its actions) is not. */
	GT_CORE_QUEUE_EVENTS = 65536,
	GT_CORE_QUEUE_BYTES = 64 << 20,
	/* A reader's view of the node is at most this old under load. */
	GT_CORE_STATUS_MS = 100,
};

struct gt_core;
struct gt_core_events {
	/* Performs one action, on the core thread. What it keeps of a bulk
	 * needs a reference of its own; the rest is lent for the call. */
	void (*perform)(void *arg, const struct gt_action *a);
	/* The node must stop: why says what happened. Core thread, once. */
	void (*failed)(void *arg, int status, const char *why);
};

/* The node is the core's until gt_core_stop. *out is set before the first
 * callback. 0 or -GT_ENOMEM. */
int gt_core_start(struct gt_core **out, struct gt_node *node,
                  const struct gt_core_events *events, void *arg);
/* Copies the event; takes over one reference to m for GT_EV_MSG (else NULL),
 * whatever it returns. bulk is set here; body and payload of a MSG must point
 * into m or be empty. False: the queue is over its limit (the caller answers
 * busy, or drops the link), or the core has stopped. */
bool gt_core_post(struct gt_core *core, const struct gt_event *e,
                  struct gt_bulk *m);
/* The last status, as of the end of some turn. Any thread. */
void gt_core_status(struct gt_core *core, struct gt_node_status *out);
/* A moment, in the node's clock era, up to which everything stored is to be seen
 * by who reads from now on, and after which everything else will be stored. It
 * goes on with the clock, also while nothing is stored. False: the node has not
 * started yet. Any thread. */
bool gt_core_consistent(struct gt_core *core, int64_t *ms, int64_t *era);
/* Waits until status.generation > seen or timeout_ms is over, or the core is
 * asked to stop. True: it is. Any thread. */
bool gt_core_wait(struct gt_core *core, uint64_t seen, uint32_t timeout_ms);
/* How long something has waited for the thread while it got on with nothing, or
 * has been in one turn, if that is more than limit_ms; 0: it has not. Any
 * thread, but not long after gt_core_quit. */
int64_t gt_core_stuck(struct gt_core *core, int64_t limit_ms);
/* Waits until everything posted before the call is through its turn, what came
 * of it handed to `perform` and to be seen in the status. False: timeout_ms is
 * over, or the core was asked to stop. Any thread but the core's. */
bool gt_core_settle(struct gt_core *core, uint32_t timeout_ms);
/* Asks the thread to end after the turn it is in and lets every waiter go;
 * gt_core_post refuses from here on. Any thread, any number of times. */
void gt_core_quit(struct gt_core *core);
/* Quits and waits for the thread: no callback runs after it returns. What was
 * posted and not yet taken is forgotten, as in a crash. The core can still be
 * asked, and refuses, so that those who post to it may end after it. */
void gt_core_stop(struct gt_core *core);
/* Stops, then frees. Then the node may be closed. */
void gt_core_free(struct gt_core *core);

#endif
