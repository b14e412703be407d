/* person.h: one person, by all he is called, and where he is met.
 *
 * Names are given as an operator writes them (canon.h, gt_canon_written); with
 * an alias file each stands for all its line has. He is met as an agent where an
 * agent, at any depth and in any spelling, has one of his names, and as a text
 * where any other string carries one (trace.h). Who reads a body he cannot parse
 * asks of its text alone. Pure.
 *
 * Tests: u_person.c. */
#ifndef GT_PERSON_H
#define GT_PERSON_H

#include "trace.h"

enum {
	GT_PERSON_NAMES = 32,  /* given for one person */
	GT_PERSON_NAME = 2048, /* bytes of one as it is written */
};

/* What may have somebody in it, in the order in which it is looked through. */
enum gt_person_part {
	GT_PERSON_STATEMENTS,
	GT_PERSON_ASIDE,     /* the quarantine */
	GT_PERSON_DOCUMENTS, /* state and profiles */
	GT_PERSON_LOST,      /* documents that gave way to others */
	GT_PERSON_PARTS,
};

enum gt_person_met {
	GT_PERSON_NOT,
	GT_PERSON_TEXT,
	GT_PERSON_AGENT,
};

/* Zero it to begin. */
struct gt_person {
	struct gt_buffer keys; /* canonical, a NUL behind each */
	struct gt_trace trace;
	const struct gt_aliases *aliases; /* who has several; NULL: nobody */
	size_t names;                     /* given */
};

/* From now on that is one of his names: a bare address is a mailbox and the name
 * of an account. 0; -GT_EINVALID: it names nobody; -GT_ELIMIT: too many, or too
 * long; -GT_ENOMEM. */
int gt_person_name(struct gt_person *p, const char *name);
/* Where in v he is met, an agent before a text. Memory short: as an agent, for
 * who looks for a person must rather see one too many. */
enum gt_person_met gt_person_in(struct gt_person *p, const json_t *v);
/* The same of bytes of whatever kind: a text, or not. */
enum gt_person_met gt_person_in_bytes(struct gt_person *p, struct gt_bytes b);
void gt_person_free(struct gt_person *p);

#endif
