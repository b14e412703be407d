/* read_inside.h: what the files behind read.h share. */
#ifndef GT_READ_INSIDE_H
#define GT_READ_INSIDE_H

#include <jansson.h>
#include <sqlite3.h>

#include "arena.h"
#include "guantong.pb-c.h"
#include "limit.h"
#include "read.h"
#include "runs.h"
#include "store.h"

/* Every statement a reader ever runs, prepared when first asked for. */
enum gt_query {
	GT_Q_META,
	GT_Q_RESOURCES,
	GT_Q_RESOURCE,
	GT_Q_RESOURCE_OF,
	GT_Q_SERVED,
	GT_Q_CONTENT,
	GT_Q_COMPLETE,
	GT_Q_MANIFEST,
	GT_Q_CLAIM,
	GT_Q_HELD,
	GT_Q_STATES,
	GT_Q_DAMAGED,
	GT_Q_STUCK,
	GT_Q_OBJECTS,
	GT_Q_RECORD_ENDS,
	GT_Q_QUARANTINED,
	GT_Q_AUDIT_ENDS,
	GT_Q_CHILDREN,
	GT_Q_CHILD,
	GT_Q_AUDIT_AT,
	GT_Q_AUDIT_SUBJECT,
	GT_Q_AUDIT_ABOUT,
	GT_Q_AUDIT_REMOVED,
	GT_Q_AUDIT_ALL,
	GT_Q_RECORDS,
	GT_Q_RECORD,
	GT_Q_ERAS,
	GT_Q_ERA_MOVED,
	GT_Q_ERA_LAST,
	GT_Q_RECORD_NEWEST,
	GT_Q_RECORD_FROM,
	GT_Q_STATEMENTS_UP,
	GT_Q_STATEMENTS_DOWN,
	GT_Q_QUARANTINE,
	GT_Q_QUARANTINED_ONE,
	GT_Q_COPIES,
	GT_Q_DOCUMENT,
	GT_Q_DOCUMENT_IDS,
	GT_Q_DOCUMENTS_LOST,
	GT_Q_DOCUMENT_LOST,
	GT_Q_MENTIONS,
	GT_Q_ITEM,
	GT_Q_KIND,
	GT_Q_NAMES,
	GT_Q_NEXT,
	GT_Q_LINKED,
	GT_Q_PREVIEW,
	GT_Q_REPORT,
	GT_Q_FIGURES,
	GT_Q_DEMANDED,
	GT_Q_GROUPS,
	GT_Q_CERTIFICATES,
	GT_Q_CERTIFICATE,
	GT_Q_CERTIFICATE_LIST,
	GT_Q_CERTIFIED,
	GT_Q_LIST_OWNER,
	GT_Q_LIST_HELD,
	GT_Q_PERSON_RECORDS,
	GT_Q_PERSON_ASIDE,
	GT_Q_PERSON_DOCUMENTS,
	GT_Q_PERSON_LOST,
	GT_Q_SEAL_RECORD,
	GT_Q_SEALED_AT,
	GT_Q_SEAL,
	GT_Q_SEALED_OF,
	GT_Q_ATTACHMENT,
	GT_Q_ATTACHMENT_NEXT,
	GT_Q_COUNT
};

struct gt_layer;

struct gt_reader {
	sqlite3 *db;
	sqlite3_stmt *stmt[GT_Q_COUNT];
	struct gt_arena *arena; /* what a row is unpacked into, or a question */
	sqlite3_blob *manifest; /* between its begin and its end */
	struct gt_runs *runs;   /* NULL: not asked for yet */
	uint64_t gaps;          /* met so far */
	bool broke;             /* the database; until that is asked */
	char why[256];
};

/* Their texts. read_sql.c */
extern const char *const gt_queries[GT_Q_COUNT];

/* Ready to be bound and stepped. NULL: why is set. */
sqlite3_stmt *gt_reader_query(struct gt_reader *r, enum gt_query q);
/* Ends a statement after its last step. False: that was an error. */
bool gt_reader_end(struct gt_reader *r, sqlite3_stmt *s, int rc);
/* Runs a statement (NULL: false) to one row of n integers and ends it. No row,
 * or NULL in a column, is 0. False: why is set. */
bool gt_reader_numbers(struct gt_reader *r, sqlite3_stmt *s, int64_t *out,
                       int n);
/* The database failed: sets why; always NULL. */
json_t *gt_reader_failed(struct gt_reader *r);
/* Sets why; always NULL. */
json_t *gt_reader_fail(struct gt_reader *r, const char *why);

/* NULL is nothing bound: no filter. Text and id must outlive the last step. */
void gt_reader_bind(sqlite3_stmt *s, int at, const char *text);
void gt_reader_bind_id(sqlite3_stmt *s, int at, const struct gt_id *id);

/* Values, NULL only when out of memory. Bytes that are no UTF-8 become '?': a
 * row nobody can spell must not hide the others. */
json_t *gt_json_text(const char *s);
/* At most a hash in hex; null for no bytes. */
json_t *gt_json_hex(struct gt_bytes b);
/* Whatever they hold, as text. In read_records.c. */
json_t *gt_json_body(struct gt_bytes b);
/* null for what is no UUID. */
json_t *gt_json_uuid(struct gt_bytes b);
/* ISO 8601 in UTC. */
json_t *gt_json_time(int64_t ms);
/* An array of texts. */
json_t *gt_json_texts(char *const *list, size_t n);
/* Set a member, append an element. They take value even on failure, which ok
 * remembers; NULL is one. */
void gt_json_set(bool *ok, json_t *o, const char *key, json_t *value);
void gt_json_add(bool *ok, json_t *list, json_t *value);
/* {key: list, "next": next or null}; takes both. NULL: ok was false. */
json_t *gt_json_page(struct gt_reader *r, bool ok, const char *key,
                     json_t *list, json_t *next);
/* A row as an object; NULL: out of memory. */
typedef json_t *gt_reader_row(struct gt_reader *r, sqlite3_stmt *s);
/* Rows after a number, in its order, and that of the last one if more follow.
 * Column 0 is the number, ?1 where to begin, ?2 how many. In read_records.c. */
json_t *gt_reader_page(struct gt_reader *r, enum gt_query q, const char *key,
                       gt_reader_row *row, int64_t after, size_t limit);
/* How many rows to give who asked for so many: 100 if he did not say. */
size_t gt_reader_limit(size_t asked, size_t most);
/* The row has no room behind those in list: they are as many as asked for, or
 * with it they would come to more than GT_PAGE_BYTES; one alone has room. If it
 * has, *bytes, of those in list, becomes what they come to with it. */
bool gt_reader_full(sqlite3_stmt *s, const json_t *list, size_t limit,
                    size_t *bytes);

/* Gives a connection the functions that the statements above call. False: out
 * of memory. read.c */
bool gt_reader_functions(sqlite3 *db);

enum { GT_GAP_WHY = 200 };
/* The statement in a row that begins as STATEMENT does (read_sql.c), if the row
 * is what it says it is (gt_statement_verify). 0 with *text, malloc'ed;
 * -GT_EDAMAGED, and gap says what is wrong, as why does, it counts as one;
 * -GT_ESTORE, out of memory. read_statements.c */
int gt_reader_statement(struct gt_reader *r, sqlite3_stmt *s, char **text,
                        char gap[GT_GAP_WHY]);

/* Does a record with that body, vouched for by authority, fit the filter, or
 * target one that does; of own's alone (NULL: anybody's)? One that cannot be read
 * does. *cost grows by what it took, in rows. 1, 0; -GT_ESTORE. read_filter.c */
int gt_reader_fits(struct gt_reader *r, const struct gt_filter *f,
                   struct gt_bytes body, const char *authority, const char *own,
                   size_t *cost);

/* The records that may fit a filter, by the index (records/terms.h). */
struct gt_hunt;
/* Within one transaction of the reader's. *out NULL, and 0: there is no index,
 * or it is damaged. -GT_ESTORE. read_hunt.c */
int gt_hunt_new(struct gt_reader *r, const struct gt_filter *f,
                struct gt_hunt **out);
void gt_hunt_free(struct gt_hunt *h); /* NULL is fine */
/* The last record that is indexed: of those behind it nothing is known. */
int64_t gt_hunt_last(const struct gt_hunt *h);
/* The next that may fit, from seq on, down or up. 1, and *seq; 0: none does;
 * GT_HUNT_PAUSE: *cost, which grows by what is looked at, in rows, reached most,
 * and nothing before *seq fits; -GT_EDAMAGED: of the index no more can be read;
 * -GT_ESTORE. */
enum { GT_HUNT_PAUSE = 2 };
int gt_hunt_next(struct gt_hunt *h, bool up, size_t *cost, size_t most,
                 int64_t *seq);

/* The place of a moment, as it was given out (stored.h): all from that seq on
 * was stored behind it; one past `last`, the newest there is, if nothing was.
 * 0, or -GT_ESTORE. read_eras.c */
int gt_reader_behind(struct gt_reader *r, int64_t last, int64_t ms,
                     unsigned mark, int64_t *seq);

/* Which seqs were stored in a time, both ends with them, the least first. Of
 * those below `old` only what bears a time behind since_ms, not behind
 * until_ms. */
struct gt_when {
	struct {
		int64_t low, high;
	} v[GT_LOOK_ERAS + 1];
	size_t n;
	int64_t old, since_ms, until_ms;
};

/* Those behind q's since and not behind its until, of all up to `last`, the
 * newest there is. 0, or -GT_ESTORE. read_eras.c */
int gt_reader_when(struct gt_reader *r, int64_t last,
                   const struct gt_statements_query *q, struct gt_when *w);

/* The layers held here of every place the code lies in. False: why is set, and
 * there are none. read_policy.c */
struct gt_reader_layers {
	struct gt_layer *layer[GT_LEVELS_MAX + 1];
	size_t n;
};
bool gt_reader_layers_load(struct gt_reader *r, struct gt_reader_layers *l,
                           const char *code);
void gt_reader_layers_free(struct gt_reader_layers *l);
/* The nodes from the root down to that of the code, itself the last. False: why
 * is set. */
bool gt_reader_above(struct gt_reader *r, const char *code,
                     char out[GT_LEVELS_MAX + 1][GT_CODE_MAX + 1], size_t *n);

/* How many records are looked at for who asks for so many. read_preview.c */
size_t gt_preview_limit(size_t asked);

/* This node's code, "" before it has one. False: why is set. */
bool gt_reader_code(struct gt_reader *r, char out[GT_CODE_MAX + 1]);

#endif
