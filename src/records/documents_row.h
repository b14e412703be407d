/* documents_row.h: a document as it lies in the database.
 *
 * Of each key there is one row: the version that counts here, or the trace of
 * one that was deleted. What lost against it is kept beside (document_lost),
 * as many of one owner as may be, the oldest going first, which is said.
 *
 *   1. did grows with each change here, and is the number of this node's own
 *      versions
 *   2. up is set of what the parent is yet to be told; at the root of nothing
 *   3. a trace has no body
 *
 * Tests: u_documents.c. */
#ifndef GT_DOCUMENTS_ROW_H
#define GT_DOCUMENTS_ROW_H

#include "document.h"
#include "turn.h"
#include "versions.h"

/* Texts and bytes in the arena, or borrowed on the way in. */
struct gt_document_row {
	int64_t did; /* 0: there is none */
	struct gt_document_key key;
	struct gt_version version;
	struct gt_bytes seen, beaten; /* documents_take.h */
	int64_t updated_ms;
	bool up, gone;
	const char *etag, *actor, *type;
	struct gt_bytes body;
};

/* The next row of a GT_SQL_DOCUMENT... statement that was stepped to one, copied
 * into the arena. 0 or -GT_ENOMEM. */
int gt_document_row(struct gt_node *n, sqlite3_stmt *st,
                    struct gt_document_row *out);
/* The same without its body, of which only the length is known. */
int gt_document_head(struct gt_node *n, sqlite3_stmt *st,
                     struct gt_document_row *out);
/* The row of a key with an id; out->did 0: none. */
int gt_document_get(struct gt_node *n, const struct gt_document_key *key,
                    struct gt_document_row *out);
/* The same without its body, of which only the length is known. */
int gt_document_look(struct gt_node *n, const struct gt_document_key *key,
                     struct gt_document_row *out);
/* Reads the body of a row that was looked at. */
int gt_document_load(struct gt_node *n, struct gt_document_row *r);
/* Puts the row in the place of what has its key, with the next number here,
 * which it returns in r->did; etag is made of the body. */
int gt_document_store(struct gt_node *n, struct gt_document_row *r);
/* The row as a version of this node's own, upon the one it was read as (did 0:
 * upon none). */
int gt_document_put(struct gt_node *n, struct gt_document_row *r);
/* The parent has row did, since that time unless it is 0. */
int gt_document_told(struct gt_node *n, int64_t did, int64_t first_ms);
/* What is here has seen more, as r->seen and r->beaten say, and gets the next number; r->up
 * as it is to be. Its body need not be known. */
int gt_document_knows(struct gt_node *n, struct gt_document_row *r);
/* The row is given up for one of `won`: kept for people, and told. A trace, and
 * what is kept already, is only told. */
int gt_document_lose(struct gt_node *n, const struct gt_document_row *r,
                     const char *won, const char *peer);
/* Whether one more of that key, of so many bytes in the place of so many, finds
 * room in its owner's share: *fits. Traces that the parent knows give way. */
int gt_document_room(struct gt_node *n, const struct gt_document_key *key,
                     bool fresh, size_t bytes, size_t instead, bool *fits);

/* What the audit's row says of a document: never whose it is, but a name that is
 * the same for one owner at this node. */
enum { GT_OWNER_NAME = 33 };
int gt_document_owner_name(struct gt_node *n, const char *owner,
                           char out[GT_OWNER_NAME]);
/* "state", "agent profile", "activity profile". */
const char *gt_document_word(enum gt_document_kind kind);

#endif
