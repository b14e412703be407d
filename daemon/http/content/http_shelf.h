/* http_shelf.h: manifests lately used, parsed.
 * Tests: u_http.c. */
#ifndef GT_HTTP_SHELF_H
#define GT_HTTP_SHELF_H

#include "object.h"

struct gt_http_cache;
struct gt_shelf {
	struct gt_id object;
	struct gt_manifest *manifest;
	/* the cache's own */
	size_t bytes;
	unsigned users; /* of the row's manifest, the cache not counted */
	bool cached;
	struct gt_shelf *next; /* most lately used first */
};

/* NULL: out of memory. */
struct gt_http_cache *gt_http_cache_new(void);
/* All must have been given back. NULL is fine. */
void gt_http_cache_free(struct gt_http_cache *cache);
/* The object's manifest, from the cache or out of its bytes. It stays as it is
 * until it is given back. NULL: it is damaged, or out of memory. Any thread. */
struct gt_shelf *gt_shelf_take(struct gt_http_cache *cache,
                               const struct gt_id *object,
                               struct gt_bytes bytes);
/* Any thread. */
void gt_shelf_give(struct gt_http_cache *cache, struct gt_shelf *s);

#endif
