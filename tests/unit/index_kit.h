/* index_kit.h: the index of a package, in memory. Header only. */
#ifndef GT_INDEX_KIT_H
#define GT_INDEX_KIT_H

#include "buffer.h"
#include "index.h"
#include "unit/object_kit.h"

struct kit_index {
	struct gt_buffer bytes;
	struct gt_index ix;
};

static int kit_put(void *arg, const uint8_t *p, size_t n)
{
	return gt_buffer_add(arg, p, n) ? 0 : -GT_ENOMEM;
}

static int kit_at(void *arg, uint64_t offset, uint8_t *out, size_t n)
{
	const struct gt_buffer *b = arg;
	if (offset > b->n || n > b->n - offset)
		return -GT_EDAMAGED;
	memcpy(out, b->p + offset, n);
	return 0;
}

/* Of these bytes, as the object of that id. */
static int kit_make(struct kit_index *k, const struct gt_id *object,
                    struct gt_bytes manifest, char *why, size_t cap)
{
	struct gt_buffer b = {0};
	*k = (struct kit_index){0};
	(void)gt_buffer_add(&b, manifest.p, manifest.n);
	int status = gt_index_make(object, manifest.n, kit_at, &b, kit_put,
	                           &k->bytes, why, cap);
	gt_buffer_free(&b);
	return status;
}

static int kit_open(struct kit_index *k, const struct gt_id *object)
{
	return gt_index_open(&k->ix, object, k->bytes.n, kit_at, &k->bytes);
}

__attribute__((unused)) static void kit_index(struct kit_index *k,
                                              const struct pack *p)
{
	char why[300];
	int status =
	        kit_make(k, &p->object, gt_bytes_of(p->manifest, p->manifest_n),
	                 why, sizeof why);
	if (status)
		fprintf(stderr, "index: %s\n", why);
	assert(!status);
	status = kit_open(k, &p->object);
	assert(!status);
}

__attribute__((unused)) static void kit_clear(struct kit_index *k)
{
	gt_buffer_free(&k->bytes);
}

#endif
