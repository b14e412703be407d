/* twin.h: a second live copy of a child is held off (PROTOCOL.md, M55).
 *
 * Who shows another past than the one remembered (lineage.h) is an old state of
 * the child or one of two that run. Which of them is seen while its Prove waits:
 * if there is a link of that code, whoever holds it is asked for a sign of life,
 * by answering its Changes at once. If he speaks twice, each time after an answer
 * that was given since, both live: the one that came is held off. It is told so,
 * begins no epoch, and nothing of what it showed, or of the other's link, changes.
 * If he does not, it is an old state, and what M31 says goes on as soon as the
 * old link is gone.
 *
 * Who is held off stays so, across restarts of this node, until an operator says
 * which is right; or, where nobody has said anything, until nothing was heard of the
 * other for GT_TWIN_AWAY_MS: for then the other was switched off, and that was the
 * word. So a node that was restored, or lost power, waits for no longer than its own
 * old link takes to end.
 *
 * Returns 0 or a fatal -GT_E..., as turn.h says.
 * Tests: u_twin.c, u_lineage.c, e2e/test_copies.py. */
#ifndef GT_TWIN_H
#define GT_TWIN_H

#include "peer.h"

enum {
	GT_TWIN_AWAY_MS = 15 * 60 * 1000,
	/* behind a start of this node, until those that are linked are back */
	GT_TWIN_BACK_MS = 2 * 60 * 1000,
	GT_HOLDS = 8,
};

/* A Prove that waits. */
struct gt_hold {
	uint32_t peer;
	uint64_t token, until; /* of the Prove; it is answered by then */
	uint64_t asked;        /* the other's Changes that was answered */
	bool probed;
	unsigned signs; /* of life */
};

/* What a parent knows of its children's pasts beyond their tokens, in memory. */
struct gt_pasts {
	/* whom we told of lately that we take them for others, and what they
	 * showed: the oldest goes first (lineage.c) */
	struct gt_stranger {
		char code[GT_CODE_MAX + 1];
		uint8_t shown[GT_ID_BYTES];
	} strangers[4];
	unsigned next;
	struct gt_hold holds[GT_HOLDS];
	size_t nholds;
	uint64_t begun_ms; /* START */
};

/* START: what is held off. */
int gt_twin_load(struct gt_node *n);

enum gt_twin {
	GT_TWIN_WAITS,    /* it is not known yet */
	GT_TWIN_OLD,      /* an old state: as M31 says */
	GT_TWIN_HELD_OFF, /* it is told so */
	GT_TWIN_ASKS_LATER,
};

/* p, a stranger, has proved itself by request `token`: whether it is held off, or
 * may have to be. *first: what is to be done now; if that is WAITS, gt_twin_look
 * tells more at the end of this turn and of others. */
int gt_twin_meet(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                 enum gt_twin *first);
int gt_twin_look(struct gt_node *n, struct gt_hold *h, const struct gt_peer *p,
                 enum gt_twin *out);
/* When one has waited for long enough; UINT64_MAX: none waits. */
uint64_t gt_twin_deadline(const struct gt_node *n);

/* An operator says which of the two of the code `text` is right: the one that is
 * held off (number 1), or the one that is linked (0). */
int gt_twin_keep(struct gt_node *n, const struct gt_event *e);

#endif
