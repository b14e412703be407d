/* core.h: the thread the node runs on, with one queue each way.
 *
 * gt_core_post may be called from any thread: nng's, the loop's, HTTP's. The
 * queue copies what an event points to; the core thread takes all that waits,
 * runs turns, and hands the actions to `perform` on its own thread. */
#ifndef GT_CORE_H
#define GT_CORE_H

#include "link.h"
#include "node.h"

struct gt_core;
struct gt_core_events {
	/* Performs one action, on the core thread. */
	void (*perform)(void *arg, const struct gt_action *a);
	/* The node must stop: why says what happened. Core thread, once. */
	void (*failed)(void *arg, int status, const char *why);
};

int gt_core_start(struct gt_core **out, struct gt_node *node,
                  const struct gt_core_events *events, void *arg);
/* Copies the event; takes over one reference to m for GT_EV_MSG (else NULL).
 * False: the queue is over its limit (the caller answers busy). */
bool gt_core_post(struct gt_core *core, const struct gt_event *e,
                  struct gt_msg *m);
/* The last status, as of the end of some turn. Any thread. */
void gt_core_status(struct gt_core *core, struct gt_node_status *out);
/* Waits until status.generation > seen or timeout_ms is over. Any thread. */
bool gt_core_wait(struct gt_core *core, uint64_t seen, uint32_t timeout_ms);
/* Ends the thread; then the node may be closed. */
void gt_core_stop(struct gt_core *core);

#endif
