/* usage.h: the file that tells when each credential was used last, and how much
 * of its quota is used up: so that a restart gives nobody a second share. It has
 * names and numbers alone; where it is lost, or is not one, nothing was used.
 * Tests: u_access_rights.c. */
#ifndef GT_USAGE_H
#define GT_USAGE_H

#include "credentials.h"

/* Takes what the file says of credentials that are there. The file goes by the
 * wall clock, meters by the monotonic one. */
void gt_usage_read(struct gt_credentials *c, const char *path,
                   struct gt_now now);
/* The text of such a file, from malloc. NULL: out of memory. */
char *gt_usage_text(const struct gt_credentials *c, struct gt_now now);

#endif
