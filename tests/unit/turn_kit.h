/* turn_kit.h: a node with nothing in it but what turn.h promises. */
#ifndef GT_TURN_KIT_H
#define GT_TURN_KIT_H

#include <stdlib.h>

#include "peer.h"
#include "share.h"
#include "turn.h"

enum { KIT_LINKS = 4 };

/* Node 33, at wall time 1000000 and 5000 ms of its own; set-up of a cmocka test,
 * with what ends it. */
__attribute__((unused)) static int turn_new(void **state)
{
	struct gt_node *n = calloc(1, sizeof *n);
	char why[200];
	sqlite3 *db;
	assert(n);
	int status = sqlite3_open(":memory:", &db);
	assert(status == SQLITE_OK);
	status = gt_store_open(&n->store, db, why, sizeof why);
	assert(status == 0);
	n->arena = gt_arena_new();
	n->peers = calloc(KIT_LINKS + 1, sizeof *n->peers);
	n->shares = gt_shares_new();
	assert(n->arena && n->peers && n->shares);
	/* what is beyond the last is none of its links */
	n->peers[KIT_LINKS] = (struct gt_peer){
	        .id = 999, .session = GT_S_READY, .code = "3309"};
	n->config.max_links = KIT_LINKS;
	n->config.dead_ms = 45000;
	n->now = (struct gt_now){5000, 1000000, 0, 0};
	gt_copy(n->code, sizeof n->code, "33");
	*state = n;
	return 0;
}

__attribute__((unused)) static int turn_gone(void **state)
{
	struct gt_node *n = *state;
	gt_store_close(n->store);
	gt_arena_free(n->arena);
	gt_shares_free(n->shares);
	free(n->peers);
	free(n->actions);
	free(n->asks.v);
	free(n);
	return 0;
}

#endif
