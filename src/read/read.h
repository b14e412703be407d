/* read.h: what readers (HTTP, command line, auditors) ask of the database.
 *
 * A reader opens its own read-only connection on the node's database and never
 * checkpoints. Every function returns a jansson value the caller owns, or NULL
 * with gt_reader_why() set. Transactions are one statement long, so that
 * checkpoints do not starve; a long scan is many. JSON shapes are given at each
 * function; times are ISO 8601 in UTC, ids and hashes hex or text. One reader,
 * one thread. */
#ifndef GT_READ_H
#define GT_READ_H

#include <jansson.h>

#include "base.h"
#include "policy.h"

struct sqlite3;
struct gt_reader;

/* The reader owns db from here, also on failure, and sets what a reader must
 * not forget: query_only, no checkpoint on close, a busy timeout. NULL: out of
 * memory or no such schema. */
struct gt_reader *gt_reader_new(struct sqlite3 *db);
void gt_reader_free(struct gt_reader *r);
const char *gt_reader_why(const struct gt_reader *r);

struct gt_resource_query {
	const char *text;     /* in the id or any title, ASCII letters in
	                         either case; NULL: any */
	const char *type;     /* NULL: any */
	const char *audience; /* NULL: any */
	const char *subject;  /* NULL: any */
	int verdict;          /* -1: any */
	const char *state;    /* one of gt_resource_state's words, NULL: any */
	const char *after;    /* id to continue after, NULL: from the start */
	size_t limit;         /* 0: 100; at most 1000 */
};
/* {"resources": [R...], "next": id or null}
 * R = {"id","version","type","title":{lang:text},"publisher","audiences":[],
 *      "subjects":[],"languages":[],"licence","regions":[],"keywords":[],
 *      "verdict","priority","rule","layer","state","size","plain_size",
 *      "members","present","frames","object","created","modified","own"}
 *
 * States. The first line that fits is a resource's state at this node:
 *   withdrawn  its latest version is withdrawn
 *   excluded   verdict deny
 *   listed     verdict metadata: known, not to be stored
 *   complete   it has no content, or its object is here whole
 *   refused    its object is not what was signed, or hostile: see the audit
 *   partial    some frames are durable, or the file is being checked
 *   wanted     the object is known to be missing, or the verdict is mirror, or
 *              it is on-demand and was asked for
 *   listed     on-demand, and nobody asked */
json_t *gt_read_resources(struct gt_reader *r,
                          const struct gt_resource_query *q);
/* R with "description":{lang:text}, "start", "thumbnail", and, when the
 * manifest is here, "files":[{"path","size","media_type"}]. JSON null: none, or
 * retracted. */
json_t *gt_read_resource(struct gt_reader *r, const char *id);

/* What is needed to serve a resource: the object held complete (the latest, or
 * the older one while the new one is being fetched), its manifest bytes. 0, or
 * -GT_EUNKNOWN (no such resource, or denied), -GT_EUNAVAILABLE (not here yet),
 * -GT_ESTORE. manifest is malloc'ed, the caller frees it. */
int gt_read_object(struct gt_reader *r, const char *id, struct gt_id *object,
                   struct gt_bytes *manifest);

/* Counts for status: {"code","resources":{verdict:{state:n}},"bytes",
 * "objects":{"complete","partial","wanted"},"records":{"count","quarantined",
 * "last_seq"},"children":[{"code","acked","vseq","seen","status":{...}}],
 * "audit_rows"} */
json_t *gt_read_status(struct gt_reader *r);

struct gt_audit_query {
	int64_t from_ms, to_ms; /* [from, to); 0: open */
	const char *actor, *peer, *subject, *event, *kind,
	        *result;  /* NULL: any;
	                     globs */
	const char *type; /* type of the resource in subject, NULL: any */
	int64_t after;    /* aid to continue after */
	size_t limit;     /* 0: 100; at most 10000 */
};
/* {"rows":[{"aid","at","node","actor","event","kind","subject","version",
 * "peer","verdict","rule","layer","result","bytes","transfer","detail"}],
 * "next": aid or null} */
json_t *gt_read_audit(struct gt_reader *r, const struct gt_audit_query *q);

/* {"records":[{"seq","id","origin","origin_seq","stored","voided":bool,
 * "statement":{...}}],"next"} ; after: seq. */
json_t *gt_read_records(struct gt_reader *r, int64_t after, size_t limit);
/* One statement as an LRS renders it, malloc'ed, with *voided told; NULL with
 * *status -GT_EUNKNOWN or -GT_ESTORE. */
char *gt_read_statement(struct gt_reader *r, const uint8_t id[GT_UUID_BYTES],
                        bool *voided, int64_t *stored_ms, int *status);
/* {"quarantine":[{"qid","id","origin","via","at","reason","statement"}],
 * "next"} ; after: qid. */
json_t *gt_read_quarantine(struct gt_reader *r, int64_t after, size_t limit);

/* The decision for a resource at a receiver, hop by hop from the root:
 * {"id","for","hops":[{"code","level","verdict","effective","layers":[
 * {"layer","version","rule","verdict","priority"}]}],"known_below": code}.
 * The hops are the shorter places the code lies in, then the code itself (a
 * suffixed node stands beside the node of its place). verdict is the meet of
 * the hop's layers, effective the least of that and what the hop above can pass
 * on (policy.h). Layers the node does not hold are not asked; known_below names
 * the deepest code whose layers are all here: an ancestor, this node, or a
 * child that has linked. JSON null: no such resource. */
json_t *gt_read_explain(struct gt_reader *r, const char *id, const char *code,
                        int64_t now_ms);
/* {"layers":[{"origin","version","rules": how many,"fallback","own"}]} */
json_t *gt_read_layers(struct gt_reader *r);
/* {"members":[{"code","level","name","standing","publisher","version"}]} */
json_t *gt_read_members(struct gt_reader *r);
/* What people call an enrolled node or publisher; "" if the roster does not
 * say. False: -GT_ESTORE, or cap is too small. */
bool gt_read_name(struct gt_reader *r, const char *code, char *out, size_t cap);

#endif
