/* audit.h: every decision and transfer leaves a row in its turn's transaction.
 *
 * Learners are never named: a row about records holds counts and bytes.
 *
 * Tests: u_turn.c, u_follow.c, u_node_transfer.c, u_bounded.c */
#ifndef GT_AUDIT_H
#define GT_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base.h"

struct gt_node;

/* NULL texts are written as "". */
struct gt_audit {
	const char *actor;   /* who; NULL: this node */
	const char *event;   /* what, see the list below */
	const char *kind;    /* of what: resource, object, layer, ... */
	const char *subject; /* which */
	int64_t version;
	const char *peer; /* the other end */
	const char *verdict, *rule, *layer;
	int result; /* 0 or -GT_E... */
	uint64_t bytes;
	const char *transfer; /* the same text at both ends */
	const char *detail;
};

/* Events:
 *   publish withdraw policy roster want
 *               ordered by people here
 *   judge       parent: what a child may have, at each change of verdict
 *   receive     child: an item arrived
 *   retract     child: it must leave
 *   cap         child: the parent gives more than the layers here allow
 *   fetch       child: an object is whole, or refused for good (result)
 *   serve       parent: it was served
 *   accept      records handed in here
 *   send merge  records up, both ends
 *   conflict    a document lost against another that it did not know of
 *   quarantine  a record that contradicts one already here, or itself
 *   drop        one of those was given up by people
 *   adopt       a staged file is about to become an object
 *   remove      bytes were given up; of a resource: its content (detail) was
 *   damage      bytes differ from their hash; a record from its form
 *   repair      an object that was damaged is whole again
 *   link        up, down, refused
 *   note        what befell the node itself: the daemon's own rows, a new
 *               epoch, bulk paused, a transfer never acknowledged */
/* Writes the row in the turn's transaction. Texts are copied. */
int gt_audit_row(struct gt_node *n, const struct gt_audit *a);

/* The same for what somebody may cause as often as he likes: of whom ("": of all
 * strangers) GT_ROWS_HOUR rows in an hour are written. What is beyond that is
 * counted, and the next row there is says how many it were. *written may be
 * NULL: nobody needs to know. */
int gt_audit_told(struct gt_node *n, const char *whom, const struct gt_audit *a,
                  bool *written);

/* The same, config.feed_rows in an hour, for what a neighbour's feed makes: for
 * each change of the parent's, for each verdict a child has judged anew. */
int gt_audit_fed(struct gt_node *n, const char *whom, const struct gt_audit *a);

enum { GT_CHANGE_NAME = 64 };
/* The name a change goes by in both ends' audit: of the parent's epoch and its
 * number for the child. */
void gt_change_name(char out[GT_CHANGE_NAME], const uint8_t *epoch,
                    int64_t vseq);

#endif
