/* statement.h: what guantong must understand of an xAPI statement.
 *
 * Accepts xAPI 1.0.3 and 2.0.0 statements. Pure functions over JSON bytes.
 *
 * The room xapi/ knows what a statement is, not what becomes of one. It uses
 * base/, jansson, utf8proc and libcrypto's SHA-1. It promises: no state, no clock, no randomness of its own;
 * the bytes handed in are kept as they came; a refusal names the statement, the
 * property and what is wrong, in UTF-8 whatever was sent.
 *
 *   statement   a request's body into statements, a statement into its answer
 *   form        when two of them are the same
 *   document    documents that courses keep: their keys, preconditions, merge
 *   identity    without what says who: fields taken out, pseudonyms
 *   canon       one spelling for a name; trace finds it in another
 *   xapi.h      is this JSON a statement: xapi_table.c what lies where,
 *               xapi_rules.c what depends on more than one value,
 *               xapi_text.c the strings that must have a form; xapi_check.c
 *               judges by them, form.c reduces */
#ifndef GT_STATEMENT_H
#define GT_STATEMENT_H

#include "base.h"
#include "xapi.h"

/* Travel with a record to the root; a program that knows one of them not
 * passes it on. */
enum {
	GT_STATEMENT_VOIDS = 1u << 0,
	/* whoever handed it in had proved a name, which is its authority's;
	 * else the node speaks for somebody it does not know */
	GT_STATEMENT_NAMED = 1u << 1,
	GT_STATEMENT_OPERATOR = 1u << 2, /* ... and operates that node */
};

/* A statement ready to be handed to the node. Bytes are borrowed. */
struct gt_statement {
	uint8_t id[GT_UUID_BYTES];
	struct gt_id form; /* what of it may not differ, hashed: form.h */
	uint32_t flags;    /* GT_STATEMENT_...; who hands it in adds his */
	uint8_t target[GT_UUID_BYTES]; /* voided statement, if it voids one */
	struct gt_bytes body;          /* as handed in, byte for byte */
	const char *authority; /* JSON agent that the caller assigns, whatever
	                          the body names; "" until then */
};

/* "xxxxxxxx-xxxx-...", read in either case, written in the lower one. False: it
 * is no such text, out is not touched. */
bool gt_uuid_parse(uint8_t out[GT_UUID_BYTES], const char *text);
void gt_uuid_format(char out[GT_UUID_TEXT], const uint8_t id[GT_UUID_BYTES]);

/* A request body: one statement or an array, split and validated (xapi.h says
 * against what; version is the request's). Every statement's body is a slice of
 * `json` byte for byte; nothing is re-encoded. A statement without an id gets
 * ids[i] (the caller brings randomness, `nids` of them). Who vouches for it is
 * the caller's to say: authority is always "" here. Returns the count, 0 for an
 * empty array, or negative with why: the JSON path, from 0, and what is wrong,
 * "statements[1].context.registration: not a UUID; write it as ...".
 * -GT_EINVALID (also: the same id twice), -GT_ELIMIT (more than cap statements,
 * one beyond GT_STATEMENT_MAX bytes, no id left), -GT_ENOMEM. */
int gt_statements_parse(struct gt_bytes json, enum gt_xapi_version version,
                        const uint8_t (*ids)[GT_UUID_BYTES], size_t nids,
                        struct gt_statement *out, size_t cap, char *why,
                        size_t why_cap);

/* Two statements of one id and, as a rule, of different forms: are they the same
 * all the same? By likeness (form.h): where one of them brought no timestamp, it
 * is taken with the one that an LRS gave it, which is its `ms`. So what an LRS
 * gave out may be handed in again, here or elsewhere, before or after the first.
 * 0; -GT_ENOMEM, and *twins is false. */
int gt_statement_twins(bool *twins, struct gt_bytes a, int64_t a_ms,
                       struct gt_bytes b, int64_t b_ms);

/* Is a record what it says it is? Its body must be one statement, of that id if
 * it names one, of that form, voiding that target if flags say so and nothing
 * if not; its authority "" or one that may vouch. What others hand up, and what
 * lay on a disk, is asked before it is kept, sent or shown. 0; -GT_EDAMAGED,
 * and why is a sentence; -GT_ENOMEM. */
int gt_statement_verify(const struct gt_statement *said, char *why,
                        size_t why_cap);

/* The other way: flags, body and authority (and the id, if `id`) are said, and
 * id, form and target are what the body says. The same is asked of them; as
 * above. */
int gt_statement_derive(struct gt_statement *s, bool id, char *why,
                        size_t why_cap);

/* Who vouches for a record: the node it was handed to, the agent and the flags
 * that one gave it. Texts are borrowed. */
struct gt_voucher {
	const char *origin, *authority;
	uint32_t flags;
};
/* A void counts if the target was handed in at the same node under the same
 * authority, or if it comes from an operator of a place in which the target was
 * handed in. A node can say so of its own place only: what it claims of others
 * counts for nothing, and neither does the order in which the two come. (What
 * was voided under an earlier program stays so: void_kept, schema.h.) */
bool gt_statement_may_void(const struct gt_voucher *by,
                           const struct gt_voucher *target);

/* The statement as an LRS returns it: the body's own bytes, but a single
 * activity of a context as a list of one, also in a SubStatement, with what it
 * has not of id, timestamp, stored, authority, version (1.0.0; 2.0.0 if it
 * uses what 1.0 has not) put behind its last property. `stored` is each LRS's
 * own (stored.h), and so is the authority: one in the body is left out for it.
 * A timestamp the body lacks is when the first LRS stored it. authority NULL
 * or "": the body's, if it names one, as a row of an earlier program has it.
 * Caller frees with free(). NULL: out of memory or not a JSON object. */
char *gt_statement_render_at(struct gt_bytes body,
                             const uint8_t id[GT_UUID_BYTES],
                             int64_t timestamp_ms, const char *stored,
                             const char *authority);

#endif
