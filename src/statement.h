/* statement.h: what guantong must understand of an xAPI statement.
 *
 * Accepts xAPI 1.0.3 and 2.0.0 statements. Pure functions over JSON bytes. */
#ifndef GT_STATEMENT_H
#define GT_STATEMENT_H

#include "base.h"

enum { GT_STATEMENT_VOIDS = 1u << 0 };

/* A statement ready to be handed to the node. Bytes are borrowed. */
struct gt_statement {
	uint8_t id[GT_UUID_BYTES];
	struct gt_id
	        form;   /* SHA-256 over RFC 8785 bytes less what may differ */
	uint32_t flags; /* GT_STATEMENT_... */
	uint8_t target[GT_UUID_BYTES]; /* voided statement, if it voids one */
	struct gt_bytes body;          /* as handed in, byte for byte */
	const char *authority; /* JSON agent to assign; "" if in the body */
};

/* Parses "xxxxxxxx-xxxx-..." in either case. */
bool gt_uuid_parse(uint8_t out[GT_UUID_BYTES], const char *text);
void gt_uuid_format(char out[37], const uint8_t id[GT_UUID_BYTES]);

/* A request body: one statement or an array, split and validated. Every
 * statement's body is a slice of `json` byte for byte; nothing is re-encoded.
 * A statement without an id gets ids[i] (the caller brings randomness, `nids`
 * of them). Returns the count, or negative with why naming the statement, the
 * property and what is wrong. -GT_EINVALID, -GT_ELIMIT, -GT_ENOMEM. */
int gt_statements_parse(struct gt_bytes json,
                        const uint8_t (*ids)[GT_UUID_BYTES], size_t nids,
                        struct gt_statement *out, size_t cap, char *why,
                        size_t why_cap);

/* The statement as an LRS returns it: the body plus id, stored, timestamp,
 * authority and version where the body has none. Caller frees with free().
 * NULL: out of memory or not JSON. */
char *gt_statement_render(struct gt_bytes body, const uint8_t id[GT_UUID_BYTES],
                          int64_t stored_ms, const char *authority);

#endif
