/* passage.h: what a record becomes on its way from a node to another above it,
 * by what the layers demand of it.
 *
 * The room privacy/ joins policy/, which knows what is demanded, and xapi/, which
 * knows how it is done. Whoever sends records (records/leave.c), whoever shows
 * what would be sent (read/read_preview.c) and whoever tries a file of rules
 * (`guantong policy test`) ask here, so that one rule holds for them all: what
 * nobody can read, or is no statement afterwards, stays.
 *
 *   passage   one record
 *   groups    many, told of by their number alone
 *   counted   what is told of them, as a statement
 *
 * Pure: no state, no clock, no database.
 * Tests: u_passage.c; u_leave.c for the way itself. */
#ifndef GT_PASSAGE_H
#define GT_PASSAGE_H

#include "demand.h"
#include "identity.h"
#include "statement.h"

/* From a node to one above it, and the layers that are known. Borrowed. */
struct gt_edge {
	const struct gt_layer *const *layers;
	size_t nlayers;
	const char *from, *to; /* codes */
};

/* A record that would go. Borrowed. */
struct gt_goer {
	struct gt_bytes body;
	const uint8_t *id;  /* GT_UUID_BYTES */
	const char *region; /* the code it was handed in at */
	const char *authority, *policy;
	uint32_t flags; /* GT_STATEMENT_... */
};

struct gt_passage {
	struct gt_about about;
	struct gt_demand demand;
	struct gt_done done; /* what was done to it already */
};

/* What it becomes. */
struct gt_passed {
	struct gt_buffer body, authority;
	struct gt_id form;
	char policy[GT_DONE_CHARS]; /* gt_done_format */
};

/* What is demanded of r. 0; -GT_EINVALID, it is no statement; -GT_ENOMEM. p is to
 * be closed in any case. */
int gt_passage_open(struct gt_passage *p, const struct gt_edge *e,
                    const struct gt_goer *r);
void gt_passage_close(struct gt_passage *p); /* an empty one is fine */
/* What rules see of r: of what was counted (counted.h), what it counts. Lives as
 * long as both. */
struct gt_traits gt_passage_traits(const struct gt_passage *p,
                                   const struct gt_goer *r);
/* It may go as it is. */
bool gt_passage_is_done(const struct gt_passage *p);
/* Whether what somebody below says he did to r is to be seen in it, as far as
 * that can be seen. 0, -GT_ENOMEM. */
int gt_passage_was_done(struct gt_passage *p, const struct gt_goer *r,
                        bool *was);

/* The key for what a node of that code stored then; NULL: it has none. */
const struct gt_pseudonym_key *
gt_passage_key(const struct gt_pseudonym_source *names, const char *from,
               int64_t stored_ms);

/* What r becomes, which is not done yet: a statement of its id that everybody
 * takes. key: NULL where no pseudonyms are demanded. 0: out is it; -GT_ELIMIT:
 * it stays, for that is demanded or nothing fit comes of it; -GT_ENOMEM. out is
 * to be freed in any case. */
int gt_passage_become(struct gt_passage *p, const struct gt_goer *r,
                      const struct gt_pseudonyms *how, struct gt_passed *out);
void gt_passed_free(struct gt_passed *out);

#endif
