/* service.h: the parts of a node, put together in its own directory.
 *
 * The room daemon/run/ wires links, object files, HTTP and the clock to the
 * core: what they report becomes events (service.c), what the core decides is
 * performed by them (perform.c), and what must be right before is seen to
 * (prepare.c). It may use every room of the daemon but pki/ and cli/, and
 * nothing uses it but guantongd.c. It decides nothing itself, and promises that
 * a start that fails leaves nothing running and that a stop loses nothing that
 * was said to be kept. The process is in the node's directory already
 * (dir.h).
 * Tests: e2e/test_faults.py, e2e/test_house.py. */
#ifndef GT_SERVICE_H
#define GT_SERVICE_H

#include <uv.h>

#include "config.h"

/* Exit statuses of guantongd, after sysexits(3). */
enum {
	GT_SERVICE_USAGE = 64,
	GT_SERVICE_FAILED = 70,  /* the node could not go on */
	GT_SERVICE_SYSTEM = 71,  /* a port, a file, memory */
	GT_SERVICE_RUNNING = 75, /* another daemon has this directory */
	GT_SERVICE_CONFIG = 78,
	GT_SERVICE_CALLED_OFF = -1, /* told to stop before it was ready: no
	                               failure, 0 to the shell */
};

struct gt_service;
struct gt_service_events {
	/* The node cannot go on; stop the service and exit with status. Loop
	 * thread, once. */
	void (*failed)(void *arg, int exit_status);
	/* Somebody asked for a reload. Loop thread. */
	void (*reload)(void *arg);
	/* Whether somebody has asked for a stop. Loop thread; asked by a start
	 * that waits, which runs the loop meanwhile. */
	bool (*stopping)(void *arg);
};

/* Starts everything and returns when the node is ready, or waits with what it
 * has to write for room on the disk and can be read. Without the little room
 * that needs it waits for that, as long as it takes. layer: this node's own
 * layer as gt_policy_parse made it, of the file whose SHA-256 is layer_hash;
 * n 0: none. config must outlive the service. 0, or an exit status, with the
 * reason logged and nothing left running. */
int gt_service_start(struct gt_service **out, uv_loop_t *loop,
                     const struct gt_config *config, struct gt_bytes layer,
                     const struct gt_id *layer_hash,
                     const struct gt_service_events *events, void *arg);
/* Takes up the certificates of listeners, if they are others now; what cannot be
 * shown is logged. */
void gt_service_renew(struct gt_service *s);
/* A policy file read again. Does nothing if it is the one last accepted. */
void gt_service_layer(struct gt_service *s, struct gt_bytes layer,
                      const struct gt_id *layer_hash);
/* Ends everything in order; runs the loop, so not from a callback of it. False:
 * the database's log was not whole any more, which was said. */
bool gt_service_stop(struct gt_service *s);

#endif
