/* fault.h: why there is no link to the parent, as people and machines are told.
 *
 * The transport and the core give reasons as sentences. The kind of a fault is
 * told from these, so that whatever ends a link need not know that somebody
 * counts kinds; u_fault.c holds the table to the sentences there are. */
#ifndef GT_FAULT_H
#define GT_FAULT_H

#include "base.h"
#include "text.h"

/* KIND, and its name in JSON and metrics. What to do about each stands in
 * texts.def, as FAULT_KIND. */
#define GT_FAULTS(X)                      \
	X(OTHER, "other")                 \
	X(UNREACHABLE, "unreachable")     \
	X(NAME, "unknown-name")           \
	X(LOST, "lost")                   \
	X(NO_TLS, "no-tls")               \
	X(UNKNOWN_CA, "unknown-ca")       \
	X(EXPIRED, "expired")             \
	X(NOT_YET_VALID, "not-yet-valid") \
	X(CERTIFICATE, "certificate")     \
	X(WRONG_CODE, "wrong-code")       \
	X(NOT_ENROLLED, "not-enrolled")   \
	X(REVOKED, "revoked")             \
	X(VERSION, "version")

enum gt_fault_kind {
#define X(kind, name) GT_FAULT_##kind,
	GT_FAULTS(X)
#undef X
	        GT_FAULT_KINDS
};

/* The last of what ended, or kept from coming, a link. */
struct gt_fault {
	enum gt_fault_kind kind;
	int64_t at_ms;     /* wall time, 0: there was none */
	int64_t since_ms;  /* of a node below: since when there is none */
	char address[300]; /* that was dialled, or dialled here */
	char why[256];     /* a sentence in English, for translate.h */
};

/* The kind of what such a sentence tells. */
enum gt_fault_kind gt_fault_kind_of(const char *why);
/* Its name. */
const char *gt_fault_name(enum gt_fault_kind kind);
/* The kind of that name; GT_FAULT_OTHER: none has it. */
enum gt_fault_kind gt_fault_named(const char *name);
/* What it means, and what to do. */
enum gt_text gt_fault_text(enum gt_fault_kind kind);

struct gt_links;
struct gt_node_status;
/* What was the matter when there last was no link; what the roster says of the
 * two ends is that for good, whatever the last attempt came to. links may be
 * NULL. Any thread. */
void gt_links_fault(struct gt_links *links, const struct gt_node_status *s,
                    struct gt_fault *out);

/* Why the node below of that code is not linked; all there is to know of one that
 * is not known is when this node was started, and without certificates nothing
 * (at_ms 0). links may be NULL. Any thread. */
void gt_links_absent(struct gt_links *links, const char *code,
                     struct gt_fault *out);

/* Who has never been linked, and showed a certificate with a code when he was
 * refused: nobody vouches for that. */
struct gt_refused {
	char code[GT_CODE_MAX + 1];
	struct gt_fault fault;
};
/* The last of them first, how many. links may be NULL. Any thread. */
size_t gt_links_refused(struct gt_links *links, struct gt_refused *v,
                        size_t cap);

/* From when until when a certificate may be used. */
struct gt_validity {
	int64_t from_ms, until_ms; /* until_ms 0: not known */
};
/* Of the first certificate in PEM text. False: there is none, *out is 0. */
bool gt_validity_of(const char *pem, struct gt_validity *out);
/* The end of the two that comes first, of those that are known; 0: of none. */
int64_t gt_validity_first(const struct gt_validity *a,
                          const struct gt_validity *b);

#endif
