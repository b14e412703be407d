/* identity.h: takes out of a statement what says who.
 *
 * Pure functions, statement in, statement out: what comes out is valid as far
 * as what went in was, has the same id, and is written as RFC 8785 has it.
 *
 *   redact         deletes named fields, wherever they are: in the statement, a
 *                  SubStatement, members, context agents and groups. A
 *                  signature goes with any of them, for it no longer fits.
 *   pseudonymise   builds the statement anew out of what cannot name anybody,
 *                  so that what nobody thought of stays behind: agents and
 *                  groups under pseudonyms, verbs and activities by their IRI
 *                  and type, results in numbers, times to the millisecond. No
 *                  text, name, response, extension, attachment, revision or
 *                  platform. An IRI that carries a name (trace.h) gives way to
 *                  one made of it under the key, so that counts by it stay
 *                  right. Registrations become others, the same for the same.
 *
 * Where attachments or a signature went the context says so, in its extension
 * GT_IDENTITY_STRIPPED.
 *
 * Tests: u_identity.c, fuzz/f_identity.c. */
#ifndef GT_IDENTITY_H
#define GT_IDENTITY_H

#include "json.h"
#include "trace.h"

#define GT_IDENTITY_STRIPPED "urn:guantong:stripped"

/* What redact can take out; the same numbers as in the wire's Demand. */
enum {
	GT_IDENTITY_NAMES = 1u << 0,
	GT_IDENTITY_RESPONSES = 1u << 1,
	GT_IDENTITY_TEXT = 1u << 2,
	GT_IDENTITY_EXTENSIONS = 1u << 3,
	GT_IDENTITY_ATTACHMENTS = 1u << 4,
};

/* What rules ask of a statement; all of it lives as long as the statement. */
struct gt_about {
	json_t *statement;
	const char *verb;
	const char **activities; /* its object, parents, groupings */
	size_t nactivities;
	const char **classes; /* its categories */
	size_t nclasses;
};
/* Of a body that is a valid statement. 0; -GT_EINVALID, it is none; -GT_ENOMEM:
 * out is empty. */
int gt_about_open(struct gt_about *out, struct gt_bytes body);
void gt_about_close(struct gt_about *about); /* an empty one is fine */

/* Appends the statement without those fields; about's is changed. 0,
 * -GT_ENOMEM, -GT_ELIMIT. */
int gt_identity_redact(struct gt_buffer *out, struct gt_about *about,
                       uint32_t fields);
/* Appends it under pseudonyms. authority: the agent the record has beside its
 * body, "": none. 0, -GT_ENOMEM, -GT_ELIMIT. */
int gt_identity_pseudonymise(struct gt_buffer *out,
                             const struct gt_about *about,
                             const char *authority,
                             const struct gt_pseudonyms *how);

/* Whether a statement, or an agent, looks like what is under pseudonyms: nothing
 * in it says more than such a one may. */
bool gt_identity_is_bare(const json_t *v);

/* The same of the agent that vouches for a record, by itself; "" stays "". What
 * is no agent becomes "". */
int gt_identity_authority_redact(struct gt_buffer *out, const char *authority,
                                 uint32_t fields);
int gt_identity_authority(struct gt_buffer *out, const char *authority,
                          const struct gt_pseudonyms *how);

#endif
