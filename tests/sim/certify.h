/* certify.h: certificates that people give and take back at some node, and that
 * what was revoked stays so wherever it was known, and is known everywhere in the
 * end. */
#ifndef SIM_CERTIFY_H
#define SIM_CERTIFY_H

#include "work.h"

void certify_init(void);
void certify_free(void);
/* An operator gives one, or takes one back. */
void certify_episode(struct world *w);
void certify_replied(const struct gt_action *a);
/* The power went: who has no answer knows nothing. */
void certify_crashed(unsigned node);
/* The node is not what it was: from a backup, or new. */
void certify_forgot(unsigned node);
/* Nothing is good again that was revoked; what was promised is known. */
bool certify_right(const struct world *w, bool loud);

#endif
