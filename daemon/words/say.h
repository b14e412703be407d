/* say.h: sentences of texts.def with their values put in.
 *
 * The formats are data (a test holds the languages' conversions equal), so the
 * compiler cannot check the arguments: keep calls next to the row they use. */
#ifndef GT_SAY_H
#define GT_SAY_H

#include <stdio.h>

#include "text.h"

/* The sentence, as it stands in texts.def, to a stream. */
void gt_say(FILE *out, enum gt_text key, ...);
/* The same into out[cap]: cut to fit, always terminated. */
void gt_say_into(char *out, size_t cap, enum gt_text key, ...);

/* Commands that a sentence advises are written `guantong -C DIR ...` in the
 * tables (a test says so), DIR being the folder of the node that speaks, or is
 * spoken of. Whoever is told may stand anywhere: once that folder is known here
 * it takes the place of DIR, quoted for a shell, in what gt_say and gt_say_into
 * say, and in what they are given here. Answers over the network do not go this
 * way: strangers are told DIR.
 *
 * The folder, whole, not from where the process stands; NULL: none is known.
 * Before threads start. */
void gt_say_node(const char *dir);
enum { GT_SAY_ADVICE = 6144 };
/* A sentence that was made elsewhere, such as by the daemon, with the folder in
 * place. Returns out; or the sentence itself: it advises nothing, no folder is
 * known, or the whole has no room. */
const char *gt_say_advice(char out[GT_SAY_ADVICE], const char *sentence);

#endif
