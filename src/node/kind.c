/* kind.c: what a link is for: who may open one, and what it may ask. The table
 * below is the one of PROTOCOL.md, M33; what it does not name is refused.
 * Tests: u_kind.c. */
#include "node_inside.h"

#include <string.h>

/* A place is served by every active member of it that is no publisher. */
static bool serves(const Gt__Member *m)
{
	return !m->publisher;
}

/* The place it links to is this one: by its row in the roster, or in one from
 * before that was said by its certificate. Where neither says anything it may
 * be any that it lies in. */
static bool ours(const struct gt_node *n, const struct gt_peer *p,
                 const Gt__Member *m)
{
	const char *above = *m->parent ? m->parent : p->above;
	return !*above || gt_code_same_place(above, n->code);
}

static const char *may_child(const struct gt_node *n, const struct gt_peer *p,
                             const Gt__Member *m)
{
	if (!serves(m))
		return "a publisher is no child";
	return ours(n, p, m) ? NULL : "its parent is another place";
}

/* Anybody of the subtree, whoever its parent is: that the code lies in it
 * session.c has seen, as it has for all but peers. */
static const char *may_below(const struct gt_node *n, const struct gt_peer *p,
                             const Gt__Member *m)
{
	(void)n;
	(void)p;
	(void)m;
	return NULL;
}

static const char *may_publisher(const struct gt_node *n,
                                 const struct gt_peer *p, const Gt__Member *m)
{
	if (!m->publisher)
		return "the roster has no publisher of that code";
	return may_below(n, p, m);
}

static const char *may_peer(const struct gt_node *n, const struct gt_peer *p,
                            const Gt__Member *m)
{
	(void)p;
	if (strcmp(m->code, n->code) == 0 || !serves(m) ||
	    gt_code_depth(m->code) != gt_code_depth(n->code))
		return "the code is not of a node beside this one";
	return NULL;
}

#define ASKS(what) (1u << GT__REQUEST__BODY_##what)

static const struct kind {
	const char *name;
	const char *(*may)(const struct gt_node *n, const struct gt_peer *p,
	                   const Gt__Member *m);
	uint32_t asks; /* beside Hello and Prove */
} kinds[] = {
        [GT__LINK__CHILD] = {"child", may_child,
                             ASKS(CHANGES) | ASKS(MANIFEST) | ASKS(FRAME) |
                                     ASKS(RECORDS) | ASKS(OFFER) |
                                     ASKS(INVENTORY) | ASKS(DONE) |
                                     ASKS(ROSTER) | ASKS(DOCUMENTS) |
                                     ASKS(SEEK) | ASKS(COMPARE)},
        [GT__LINK__ROSTER_ONLY] = {"roster-only", may_below, ASKS(ROSTER)},
        /* what these ask later versions say */
        [GT__LINK__RENEWAL] = {"renewal", may_below, 0},
        [GT__LINK__PUBLISHING] = {"publisher", may_publisher, 0},
        [GT__LINK__PEER] = {"peer", may_peer, 0},
};

bool gt_kind_known(Gt__Link kind)
{
	return (size_t)kind < sizeof kinds / sizeof *kinds;
}

const char *gt_kind_word(Gt__Link kind)
{
	assert(gt_kind_known(kind));
	return kinds[kind].name;
}

const char *gt_kind_refusal(const struct gt_node *n, const struct gt_peer *p,
                            const Gt__Member *m)
{
	assert(gt_kind_known(p->kind));
	return kinds[p->kind].may(n, p, m);
}

bool gt_kind_asks(const struct gt_peer *p, Gt__Request__BodyCase what)
{
	assert(gt_kind_known(p->kind));
	return what < 32 && (kinds[p->kind].asks >> what & 1);
}

/* The parent's place, or one that both lie in. */
static bool upward(const struct gt_node *n, const struct gt_peer *p,
                   const char *code)
{
	return p->kind == GT__LINK__CHILD
	               ? gt_code_same_place(code, n->parent)
	               : gt_code_child_of(n->code, code) &&
	                         gt_code_child_of(n->parent, code);
}

const char *gt_kind_upward(const struct gt_node *n, const struct gt_peer *p)
{
	if (!p->certified || upward(n, p, p->code))
		return NULL;
	return p->kind == GT__LINK__CHILD
	               ? "the certificate is not our parent's"
	               : "the certificate is of no node above our parent";
}

const char *gt_kind_answered(const struct gt_node *n, const struct gt_peer *p,
                             const Gt__Member *m)
{
	bool child = p->kind == GT__LINK__CHILD;
	if (!m)
		return child ? "the parent is not an active member"
		             : "the node above is not an active member";
	if (serves(m) && upward(n, p, m->code))
		return NULL;
	return child ? "the parent is a publisher, not a place's node"
	             : "the node that answered is not above our parent";
}
