/* order.h: members come in ascending byte order of their paths, each once, and
 * none under another that is a file. Told from one path at a time.
 *
 * Tests: u_manifest.c and, of what is packed, u_pack.c. */
#ifndef GT_ORDER_H
#define GT_ORDER_H

#include "base.h"

struct gt_order {
	/* Lengths, shortest first, of the earlier paths that the last path
	 * begins with. In byte order everything that begins with p follows p
	 * without a break, so no other earlier path can matter. */
	size_t n;
	uint16_t len[GT_PATH_MAX];
	char last[GT_PATH_MAX + 1];
};

/* Before the first path. */
void gt_order_init(struct gt_order *o);
/* NULL and takes the path, which gt_path_check accepted; or what is wrong with
 * it, in words, and takes nothing. */
const char *gt_order_next(struct gt_order *o, const char *path);

#endif
