/* documents_take.h: versions of documents that come from a neighbour, and those
 * that go to one.
 *
 * Where what comes was put upon what is here it takes its place, where it is the
 * other way round it is passed over. Where neither knew of the other one wins
 * (versions.h): it has seen the other from then on, and the other is kept for
 * people (documents_row.h). The winner, and all that is put upon it, says which
 * ones lost (beaten): whoever still has one of them, and did not decide it, keeps
 * it too, should who did forget. Two that say the same are no conflict. So it does
 * not matter in which order versions come, how often, or by which way.
 *
 * Nothing a neighbour says of a version is proved: its name is a name, and who
 * brought it stands in the audit log.
 * Tests: u_roam.c. */
#ifndef GT_DOCUMENTS_TAKE_H
#define GT_DOCUMENTS_TAKE_H

#include "documents_row.h"
#include "guantong.pb-c.h"

enum {
	GT_DOCUMENTS_ROWS = 64,         /* in a batch */
	GT_DOCUMENTS_BATCH = 256 << 10, /* bytes of one, unless it is one
	                                   document */
};

/* Why it cannot be a document's version; NULL: it can. */
const char *gt_document_shapeless(const Gt__Document *w);
/* What the wire says, borrowed from it. It is not shapeless. */
struct gt_document_row gt_document_from(const Gt__Document *w);
/* The row as the wire has it, in the arena; NULL: out of memory. */
Gt__Document *gt_document_to(struct gt_node *n,
                             const struct gt_document_row *r);
/* What it takes of a message. */
size_t gt_document_weight(const struct gt_document_row *r);

/* Whether what a learner keeps at node `from` may not be told `to` above it: what
 * he does is to be less than it is there, and of documents nothing less can be
 * made. */
bool gt_documents_barred(const struct gt_node *n, const char *from,
                         const char *to);

enum gt_document_fate {
	GT_DOCUMENT_TAKEN,  /* it counts here, or did already */
	GT_DOCUMENT_PASSED, /* another one does */
	GT_DOCUMENT_FULL,   /* there is no room for it */
};
/* What is to become of a version. */
struct gt_document_taking {
	struct gt_document_row row; /* in: it; its version may get another name
	                               if that is another's here */
	const char *peer;
	bool below; /* a child brings it; else the parent */
	enum gt_document_fate fate;
	struct gt_document_row here; /* out: what counts here now; its body
	                                may be yet to be loaded */
};
/* Takes it in, or not. */
int gt_document_take(struct gt_node *n, struct gt_document_taking *t);

#endif
