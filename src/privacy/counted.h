/* counted.h: a cell of a report (groups.h) as a statement.
 *
 * So that it goes up as records do, and is merged exactly once. It is a statement
 * that looks like what is under pseudonyms (gt_identity_is_bare), which a program
 * that knows no groups passes on:
 *
 *   actor      the node that counted: an account at GT_COUNTED_HOME and its
 *              code, under a name that follows from that
 *   verb       GT_COUNTED_VERB
 *   object     the activity; GT_COUNTED_SEVERAL: the rare ones together
 *   result     score.raw: how many statements
 *   context    contextActivities.category: the verb that was counted;
 *              other: GT_COUNTED_LEARNERS and how many they were of
 *   timestamp  the month's first moment in China
 *
 * and nothing else, written as RFC 8785 has it. In the envelope `policy` says
 * "aggregate:12@33/4", of 12 learners. What says so and is no such statement of
 * its origin is not believed. Pure.
 * Tests: u_counted.c. */
#ifndef GT_COUNTED_H
#define GT_COUNTED_H

#include "groups.h"
#include "json.h"

#define GT_COUNTED_VERB     "urn:guantong:verb:counted"
#define GT_COUNTED_SEVERAL  "urn:guantong:activity:several"
#define GT_COUNTED_LEARNERS "urn:guantong:learners:"
#define GT_COUNTED_HOME     "https://pseudonyms.invalid/node/"

/* Appends who counts at the node of that code, as JSON. 0, -GT_ENOMEM,
 * -GT_ELIMIT. */
int gt_counted_agent(struct gt_buffer *out, const char *code);
/* Appends the statement. id: GT_UUID_BYTES. The same. */
int gt_counted_write(struct gt_buffer *out, const uint8_t *id, const char *code,
                     const struct gt_group_cell *cell);

/* What is in one. Verb and activity are borrowed from the statement. */
struct gt_counted {
	struct gt_group_cell cell; /* but for month and least */
	char month[GT_GROUPS_MONTH];
};
/* Whether the body, which was read, is one, of that id and node. -GT_EINVALID: it
 * is none; -GT_ENOMEM. */
int gt_counted_read(struct gt_counted *out, const json_t *statement,
                    struct gt_bytes body, const uint8_t *id, const char *code);
/* The verb that it counts, as far as can be seen; NULL: it is none. */
const char *gt_counted_verb(const json_t *statement);

#endif
