/* award.h: whether a statement tells of something learned to its end, and meets
 * what a rule for certificates asks.
 *
 * Learned to its end is what has one of the verbs completed, passed, mastered
 * and satisfied and was not failed: its result does not say "success": false or
 * "completion": false. A score is result.score.scaled, or else raw between min
 * and max. Pure.
 * Tests: u_award.c. */
#ifndef GT_AWARD_H
#define GT_AWARD_H

#include "identity.h"

enum { GT_AWARD_RULES = 32, GT_AWARD_SCORE = 1000 };

/* Who meets all of it has a certificate. Texts are borrowed. */
struct gt_award_rule {
	const char *name;     /* what is certified; "": the activity's title */
	const char *activity; /* glob of its IRI; "": any */
	const char *subject;  /* it is about that; "": whatever */
	int score; /* in thousandths, at least; negative: none asked */
};

/* One of the four verbs. */
bool gt_award_verb(const char *verb);
/* Whether bytes of a body may hold one, so that it is worth reading. */
bool gt_award_maybe(struct gt_bytes body);
/* Whether it meets the rule, but for its subject. */
bool gt_award_fits(const struct gt_award_rule *rule,
                   const struct gt_about *about);
/* Names the learner and the activity, to whoever has the secret: once for the two
 * a certificate is given. 0; -GT_EINVALID: nothing identifies one of them;
 * -GT_ENOMEM. */
int gt_award_key(struct gt_id *out, const struct gt_about *about,
                 const uint8_t secret[GT_ID_BYTES]);

#endif
