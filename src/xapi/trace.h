/* trace.h: whether a text carries somebody's name, in whatever spelling.
 *
 * A trace knows the names one statement may be about: of every agent in it, and
 * what else the same people are called (pseudonym.h). A text carries one if the
 * name is in its canonical text (canon.h), or in what Base64 in it decodes to.
 * Beside these, what looks like a mail address, a mobile number or an identity
 * card of China is somebody's whether he is known or not.
 *
 * Pure.
 * Tests: u_identity.c. */
#ifndef GT_TRACE_H
#define GT_TRACE_H

#include "pseudonym.h"

enum {
	GT_TRACE_NAMES = 256, /* more: every text counts as carrying one */
	GT_TRACE_DIGITS = 8,  /* of a number by itself that may be somebody's */
};

/* Zero it to begin. */
struct gt_trace {
	struct gt_buffer names; /* canonical, a NUL behind each */
	size_t count;
	/* of names alone, and not as part of longer ones; what looks like
	 * somebody's counts for nothing */
	bool only;
	bool failed; /* memory was short: nothing it says counts */
};

/* From now on that is a name: canonical text. */
void gt_trace_add(struct gt_trace *t, const uint8_t *text, size_t n);
/* So are those of every agent within v, at any depth, and their aliases. */
void gt_trace_people(struct gt_trace *t, const json_t *v,
                     const struct gt_aliases *aliases);
/* Whether the text carries one. */
bool gt_trace_in(struct gt_trace *t, const char *text);
void gt_trace_free(struct gt_trace *t);

#endif
