#include "bulk.h"

#include <stdlib.h>

struct gt_bulk *gt_bulk_new(size_t n)
{
	struct gt_bulk *b = malloc(sizeof *b + n);
	if (!b)
		return NULL;
	*b = (struct gt_bulk){.n = n};
	atomic_init(&b->refs, 1);
	return b;
}

struct gt_bulk *gt_bulk_ref(struct gt_bulk *b)
{
	atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	return b;
}

void gt_bulk_unref(struct gt_bulk *b)
{
	if (b &&
	    atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
		free(b);
}
