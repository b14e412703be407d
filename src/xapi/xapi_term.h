/* xapi_term.h: by which words a statement can be found.
 *
 * A term is a hash of one thing a query may ask for (query.h): a verb, an agent,
 * an activity, a registration. A statement that fits a filter by itself has a
 * term out of each of the filter's slots; one that has need not fit, for it may
 * be an agent of the other kind, or another word of the same hash: who finds it
 * so asks gt_query_matches. What targets another statement has that one's terms
 * too, if whoever keeps them knows it (records/terms.h).
 *
 * The hashes are in databases: to count otherwise is to index anew. Pure.
 * Tests: u_terms.c. */
#ifndef GT_XAPI_TERM_H
#define GT_XAPI_TERM_H

#include <jansson.h>

#include "query.h"

enum { GT_TERMS_MAX = 1024 };

/* Of what cannot be told by terms: it may fit any filter. */
#define GT_TERM_UNSURE UINT64_C(0)

struct gt_terms {
	uint64_t v[GT_TERMS_MAX]; /* each once */
	size_t n;
	bool more; /* there are more than have room */
};

/* Adds the statement's terms; authority: who vouches for it, NULL: as its own
 * says. */
void gt_terms_of(struct gt_terms *t, const json_t *statement,
                 const json_t *authority);

/* What is asked for is one of these. */
struct gt_term_slot {
	uint64_t v[2];
	size_t n;
};
enum { GT_TERM_SLOTS = 4 };
/* The slots of a filter, all of which a fitting statement has; how many, 0: it
 * asks for nothing. */
size_t gt_terms_of_filter(const struct gt_filter *f,
                          struct gt_term_slot slots[GT_TERM_SLOTS]);

#endif
