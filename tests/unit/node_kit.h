/* node_kit.h: packages for the nodes of nodes.h. */
#ifndef GT_NODE_KIT_H
#define GT_NODE_KIT_H

#include "nodes.h"
#include "schema.h"
#include "unit/object_kit.h"

enum { TOP, MID, LOW };

/* A package whose first member changes with `version` and whose second, of n
 * bytes that do not compress, does not. */
__attribute__((unused)) static void package(struct pack *p, unsigned version,
                                            size_t n)
{
	uint8_t *big = malloc(n);
	uint64_t r = 5;
	char text[40];
	assert(big);
	for (size_t i = 0; i < n; i++)
		big[i] = (uint8_t)kit_random(&r);
	memset(p, 0, sizeof *p);
	gt_format(text, sizeof text, "version %u", version);
	pack_add(p, "a.txt", text, strlen(text));
	pack_add(p, "big.bin", big, n);
	pack_make(p, 3, 0);
	free(big);
}

__attribute__((unused)) static int
publish(struct nodes *t, unsigned i, const char *slug, const struct pack *p)
{
	return nodes_publish(t, i, slug, "course",
	                     gt_bytes_of(p->manifest, p->manifest_n),
	                     gt_bytes_of(p->out, p->out_n));
}

/* Until it is asked for the fourth time from then on. */
__attribute__((unused)) static const char *object_hex(const struct gt_id *id)
{
	static char hex[4][GT_HEX_ID];
	static unsigned next;
	char *out = hex[next++ % 4];
	gt_id_hex(out, id);
	return out;
}

__attribute__((unused)) static int64_t object_state(struct nodes *t, unsigned i,
                                                    const struct gt_id *id)
{
	return nodes_int(t, i, "SELECT state FROM object WHERE id = x'%s'",
	                 object_hex(id));
}

__attribute__((unused)) static void assert_holds(struct nodes *t, unsigned i,
                                                 const struct pack *p)
{
	struct blob *b = nodes_file(t, i, &p->object);
	assert_int_equal(object_state(t, i, &p->object), GT_OBJECT_COMPLETE);
	assert_non_null(b);
	assert_int_equal(b->n, p->out_n);
	assert_memory_equal(b->p, p->out, p->out_n);
}

/* MID follows TOP, which publishes a package of n bytes as "a". */
__attribute__((unused)) static void offered(struct nodes *t, struct pack *p,
                                            size_t n)
{
	package(p, 1, n);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(publish(t, TOP, "a", p), 0);
}

/* The same, and MID's disk answers only when it is told to. */
__attribute__((unused)) static void held_back(struct nodes *t, struct pack *p,
                                              size_t n)
{
	t->v[MID].held = true;
	offered(t, p, n);
}

/* The same, and MID has it. */
__attribute__((unused)) static void fetched(struct nodes *t, struct pack *p,
                                            size_t n)
{
	offered(t, p, n);
	nodes_pass(t, 3000);
	assert_holds(t, MID, p);
}

#endif
