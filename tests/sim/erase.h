/* erase.h: people who want to be forgotten: records erased at some node on their
 * way up, and that nobody between their home and the root has them in the end. */
#ifndef SIM_ERASE_H
#define SIM_ERASE_H

#include "work.h"

void erase_init(void);
/* An operator erases something. */
void erase_episode(struct world *w);
void erase_replied(const struct gt_action *a);
/* The power went: who has no answer knows nothing. */
void erase_crashed(unsigned node);
/* Somebody asked for that id to go, whether or not he was heard. */
bool erase_asked(const uint8_t id[GT_UUID_BYTES]);
/* What was promised to be gone is. */
bool erase_right(const struct world *w, bool loud);

#endif
