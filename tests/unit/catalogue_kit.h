/* catalogue_kit.h: what is announced without content, by the nodes of nodes.h. */
#ifndef GT_CATALOGUE_KIT_H
#define GT_CATALOGUE_KIT_H

#include "nodes.h"

enum { TOP, MID, LOW };

/* Rules that are none. */
__attribute__((unused)) static const char *const everything[] = {NULL};

/* At TOP, and carried as far as it goes. */
__attribute__((unused)) static void announce(struct nodes *t, const char *slug,
                                             const char *type)
{
	struct gt_bytes none = {NULL, 0};
	assert_int_equal(nodes_publish(t, TOP, slug, type, none, none), 0);
	nodes_run(t);
}

/* A layer of TOP, likewise. */
__attribute__((unused)) static void order(struct nodes *t,
                                          const char *const *rules)
{
	assert_int_equal(nodes_layer(t, TOP, rules), 0);
	nodes_run(t);
}

/* What node i has of it: the verdict, the version of what it was sent. */
__attribute__((unused)) static int64_t verdict(struct nodes *t, unsigned i,
                                               const char *id)
{
	return nodes_int(
	        t, i, "SELECT verdict FROM item WHERE kind=1 AND id='%s'", id);
}

__attribute__((unused)) static int64_t version(struct nodes *t, unsigned i,
                                               const char *id)
{
	return nodes_int(t, i,
	                 "SELECT version FROM item WHERE kind=1 AND id='%s' "
	                 "AND length(signed) > 0",
	                 id);
}

__attribute__((unused)) static void link_all(struct nodes *t)
{
	nodes_wire(t, MID, TOP, true);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
}

#endif
