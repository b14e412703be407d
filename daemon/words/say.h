/* say.h: sentences of texts.def with their values put in.
 *
 * The formats are data (a test holds the languages' conversions equal), so the
 * compiler cannot check the arguments: keep calls next to the row they use.
 * Tests: u_cli.c. */
#ifndef GT_SAY_H
#define GT_SAY_H

#include <stdio.h>

#include "text.h"

/* The sentence, as it stands in texts.def, to a stream. */
void gt_say(FILE *out, enum gt_text key, ...);
/* The same into out[cap]: cut to fit, always terminated. */
void gt_say_into(char *out, size_t cap, enum gt_text key, ...);

#endif
