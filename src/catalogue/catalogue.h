/* catalogue.h: what there is and who may have it, as node/ sees it.
 *
 * The room catalogue/ holds the feed: resources, layers and members, each
 * signed where it comes from. item.c checks and takes them, publish.c makes
 * this node's own, follow.c keeps up with the parent's feed, as far as the
 * layers here allow (cap.c), judge.c decides
 * which of it a child may have, feed.c tells the child, contest.c settles two
 * bodies under one name, want.c is asked for content by people. It may use
 * content/, records/, turn/ and what is below.
 *
 * Promise: what policy denies a child never leaves for it; versions never go
 * back; nothing is deleted on the ground that a neighbour does not know it.
 * Returns as turn.h says.
 * Tests: u_judge.c, u_feed.c, u_follow.c, u_item.c, u_contest.c, u_publish.c,
 * u_node_lies.c, u_node_restore.c. */
#ifndef GT_CATALOGUE_H
#define GT_CATALOGUE_H

#include "content.h"
#include "records.h"

/* ------------------------------------------------- the room's state */

/* NULL: out of memory. */
struct gt_catalogue *gt_catalogue_new(void);
void gt_catalogue_free(struct gt_catalogue *c); /* NULL is fine */
/* START: cursor, epoch of the parent, layers, how far the feed is. */
int gt_catalogue_load(struct gt_node *n);
/* What is due by the time: rules that look at age, items to be looked at, and
 * what is to be met with other layers than before. */
int gt_catalogue_time(struct gt_node *n);
/* Offers this node's own layer to the parent if it is news: before anything is
 * asked that is answered by it. */
int gt_follow_offer(struct gt_node *n);
/* What follows from all of a turn's events together: children judged and
 * told. */
int gt_catalogue_go(struct gt_node *n);
/* When gt_catalogue_time or gt_catalogue_go is due by time alone;
 * UINT64_MAX. */
uint64_t gt_catalogue_deadline(const struct gt_node *n);
/* The parent has proved itself: keeps up with its feed from here on. */
int gt_catalogue_up(struct gt_node *n, const Gt__ProveReply *m);
/* The link to the parent is gone. */
int gt_catalogue_down(struct gt_node *n);
/* A new epoch, after a restore: asks the parent to compare too, and publishes
 * above every version that may be forgotten. */
int gt_catalogue_renew(struct gt_node *n);
/* Whether entries of the parent's are not here because there are as many as may
 * be. */
bool gt_entries_missed(const struct gt_node *n);
/* Last change of the parent's feed that was applied. */
uint64_t gt_catalogue_cursor(const struct gt_node *n);

/* -------------------------------------------- the roster and layers */

/* The row of the active member of that code; *out NULL: none or revoked. */
int gt_member(struct gt_node *n, const char *code, const Gt__Member **out);
/* *revoked: the roster has that code, and it is revoked. */
int gt_revoked(struct gt_node *n, const char *code, bool *revoked);
/* Its key; *found false: none or revoked. key may be NULL. */
int gt_member_key(struct gt_node *n, const char *code, uint8_t key[32],
                  bool *found);
/* Version and hash of the layer of that code; *found false: none. */
int gt_layer_known(struct gt_node *n, const char *code, int64_t *version,
                   struct gt_id *hash, bool *found);

/* ------------------------------------------- what people here order */

/* Each answers who asked (e->token), with JSON or with what is wrong. */

/* PUBLISH: entries without content at once; one with content when its file is
 * adopted. */
int gt_publish(struct gt_node *n, const struct gt_event *e);
/* ADOPTED: the file has its name, or could not get it. */
int gt_publish_adopted(struct gt_node *n, const struct gt_event *e);
/* WITHDRAW: a new version of what was published here, without content. */
int gt_withdraw(struct gt_node *n, const struct gt_event *e);
/* LAYER: this node's rules from now on; the same ones are no new version. */
int gt_publish_layer(struct gt_node *n, const struct gt_event *e);
/* MEMBERS: rows of the roster, signed elsewhere; all up to the first that is
 * refused. */
int gt_publish_members(struct gt_node *n, const struct gt_event *e);
/* WANT: somebody wants a resource's content here. */
int gt_want(struct gt_node *n, const struct gt_event *e);

/* ----------------------------------------- what the parent answered */

/* Takes the changes, moves the cursor, and asks for what comes next. */
int gt_follow_changes(struct gt_node *n, const Gt__ChangesReply *m);
/* Takes rows of the roster that a node above answered with. */
int gt_follow_roster(struct gt_node *n, const Gt__RosterReply *m);
/* A page of the inventory was taken. */
int gt_follow_inventory(struct gt_node *n);
/* What was shown or named is settled above. */
int gt_contest_answered(struct gt_node *n, const struct gt_asking *a);

/* ------------------------------------------------ what a child asks */

/* Changes after its cursor; parked until there is news or its time is up. */
int gt_feed_changes(struct gt_node *n, struct gt_peer *p, uint64_t token,
                    const Gt__Changes *m);
/* Rows of the roster that are its business, after its cursor. */
int gt_feed_roster(struct gt_node *n, struct gt_peer *p, uint64_t token,
                   const Gt__Roster *m);
/* Its own layer, or a body that contradicts ours. */
int gt_feed_offer(struct gt_node *n, struct gt_peer *p, uint64_t token,
                  const Gt__Offer *m);
/* What was judged for the child by other layers than those of now counts no
 * more. */
void gt_judge_current(const struct gt_node *n, struct gt_peer *p);
/* The same for all children: before what they wait for is sent. */
void gt_judge_layers(struct gt_node *n);
/* A page of what it claims to hold: compared with that when it is judged anew,
 * and worth nothing before. */
int gt_judge_inventory(struct gt_node *n, struct gt_peer *p, uint64_t token,
                       const Gt__Inventory *m);

#endif
