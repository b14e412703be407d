/* roam.h: documents that courses keep, see roam.c. */
#ifndef SIM_ROAM_H
#define SIM_ROAM_H

#include "protocol.h"
#include "world.h"

/* skip: nobody edits any. */
void roam_init(struct world *w, bool skip);
/* Somebody may edit one somewhere, or ask for it. */
void roam_tick(struct world *w);
/* The answer to a command, whosever. */
void roam_replied(const struct gt_action *a);
/* A node lost power: its commands without an answer may have happened or not. */
void roam_crashed(unsigned node);
/* The node's disk is about to be lost, or replaced by an older state. */
void roam_lost(const struct world *w, unsigned node);
/* In the calm: who has another than the root asks. False: nobody has. */
bool roam_ask(struct world *w);
/* Nobody has. */
bool roam_right(struct world *w, bool loud);
/* When all is right: nothing that was acknowledged is lost. */
void roam_check(struct world *w);
/* Edits acknowledged so far. */
uint64_t roam_edits(void);

#endif
