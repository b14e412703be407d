/* whisper.h: records that are nobody's business above: rules that keep them where
 * they are come and go, and hold for what is under way. */
#ifndef SIM_WHISPER_H
#define SIM_WHISPER_H

#include "work.h"

void whisper_init(struct world *w);
/* Somebody hands some in, or the rules for them change somewhere. */
void whisper_episode(struct world *w);
/* What the layer of that choice demands of them: what rules.c adds to it. NULL:
 * nothing. */
Gt__Demand *whisper_demand(unsigned choice);
/* In the end the rules are lifted: while there are any, documents stay too. */
void whisper_settle(struct world *w);
/* A node says something to its parent: nothing that its own rules keep from
 * there, as soon as whoever set them was answered. */
void whisper_said(struct world *w, struct sim_node *s, uint32_t peer,
                  struct gt_bytes head);
/* That id is of one of them. */
bool whisper_is(const uint8_t id[GT_UUID_BYTES]);
/* What is told of in groups is above nowhere itself. */
bool whisper_right(const struct world *w, bool loud);

#endif
