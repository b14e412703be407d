/* bulk.h: a received message, counted: what node.h calls a bulk.
 *
 * The link makes it, the core passes it on unread, the object store places its
 * bytes; nobody copies them. Whoever keeps one holds a reference.
 * Tests: u_link.c. */
#ifndef GT_BULK_H
#define GT_BULK_H

#include <stdatomic.h>

#include "base.h"

struct gt_bulk {
	/* both point into body */
	struct gt_bytes head;
	struct gt_bytes payload;
	uint64_t token; /* request id, 31 bits */
	bool reply;     /* came from the parent: answers a request of ours */
	/* Framed as SP but not as head and payload, or a part is over its
	 * limit: head is then the whole body. Any stock REQ socket can send
	 * this; answer it with an Error, then drop. */
	bool malformed;

	atomic_uint refs; /* bulk.c's */
	size_t n;         /* bytes of body */
	uint8_t body[];
};

/* One with n bytes of body, not yet written, and one reference. NULL: no
 * memory. */
struct gt_bulk *gt_bulk_new(size_t n);
/* One reference more; b itself. Any thread. */
struct gt_bulk *gt_bulk_ref(struct gt_bulk *b);
/* One reference less; the last frees it. NULL is fine. Any thread. */
void gt_bulk_unref(struct gt_bulk *b);

#endif
