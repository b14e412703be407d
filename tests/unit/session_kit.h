/* session_kit.h: links of the nodes of nodes.h, up or refused. */
#ifndef GT_SESSION_KIT_H
#define GT_SESSION_KIT_H

#include "nodes.h"

/* Two nodes, the one the other's parent. */
enum { TOP, LOW };

/* Its one link is. */
__attribute__((unused)) static bool ready(struct nodes *t, unsigned i)
{
	const struct gt_node_status *s = nodes_status(t, i);
	return s->parent_up || s->children_up == 1;
}

/* The last thing sent is an Error of that code, and then the link was dropped
 * with that reason. */
__attribute__((unused)) static void
assert_refused(struct nodes *t, unsigned i, enum gt_error code, const char *why)
{
	const struct done *e = nodes_replied(t, i, GT__REPLY__BODY_ERROR);
	assert_non_null(e);
	assert_int_equal(e->reply->error->code, code);
	assert_true(nodes_dropped(t, i, why));
	assert_true(e < nodes_last(t, i, GT_ACT_DROP, 0));
	assert_int_equal(nodes_int(t, i,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'link' AND result = 'CLOSED' AND detail = "
	                           "\"%s\"",
	                           why),
	                 1);
	assert_false(ready(t, i));
}

#endif
