/* xapi_inside.h: what the files of xapi/ share. */
#ifndef GT_XAPI_INSIDE_H
#define GT_XAPI_INSIDE_H

#include "identity.h"

enum { GT_IDENTITY_LISTS = 4 };
/* The lists of contextActivities. */
extern const char *const gt_identity_lists[GT_IDENTITY_LISTS];

/* The object of a statement is an activity, a SubStatement. */
bool gt_identity_is_activity(const json_t *object);
bool gt_identity_is_sub(const json_t *object);
/* Sets whether a signature, anything else is attached to it or its
 * SubStatement. */
void gt_identity_attached(const json_t *s, bool *signature, bool *other);
/* Lets the statement's context say which of them went. False: out of memory. */
bool gt_identity_mark(json_t *s, bool signature, bool other);

#endif
