/* tell.h: a statement in the format that was asked for (xAPI 1.0.3 part three,
 * 2.1.3): whole; only what identifies its actors, verbs and activities; or with
 * one language of each map of verbs and activities.
 *
 * What is kept is kept byte for byte. Which definition of an activity is the
 * canonical one is for its LRS to say: here it is the statement's own. Pure. */
#ifndef GT_TELL_H
#define GT_TELL_H

#include "query.h"

/* The statement in that text, as gt_statement_render_at gives it. languages: an
 * Accept-Language, by which one of each map is chosen; NULL, or where none of a
 * map is asked for: its first. The caller frees it. NULL: out of memory, or no
 * JSON object. */
char *gt_tell(struct gt_bytes statement, enum gt_telling how,
              const char *languages);

#endif
