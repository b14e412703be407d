/* reader.h: what the files behind read.h share. Nobody else includes it. */
#ifndef GT_READER_H
#define GT_READER_H

#include <jansson.h>
#include <sqlite3.h>

#include "guantong.pb-c.h"
#include "read.h"

/* Every statement a reader ever runs, prepared when first asked for. */
enum gt_query {
	GT_Q_META,
	GT_Q_RESOURCES,
	GT_Q_RESOURCE,
	GT_Q_SERVED,
	GT_Q_STATES,
	GT_Q_OBJECTS,
	GT_Q_RECORD_ENDS,
	GT_Q_QUARANTINED,
	GT_Q_AUDIT_ENDS,
	GT_Q_CHILDREN,
	GT_Q_CHILD,
	GT_Q_AUDIT_AT,
	GT_Q_AUDIT_SUBJECT,
	GT_Q_AUDIT_ALL,
	GT_Q_RECORDS,
	GT_Q_RECORD,
	GT_Q_QUARANTINE,
	GT_Q_ITEM,
	GT_Q_KIND,
	GT_Q_COUNT
};

struct gt_reader {
	sqlite3 *db;
	sqlite3_stmt *stmt[GT_Q_COUNT];
	char why[256];
};

extern const char *const gt_queries[GT_Q_COUNT];

/* Ready to be bound and stepped. NULL: why is set. */
sqlite3_stmt *gt_reader_query(struct gt_reader *r, enum gt_query q);
/* Ends a statement after its last step. False: that was an error. */
bool gt_reader_end(struct gt_reader *r, sqlite3_stmt *s, int rc);
/* Runs a statement to one row of integers, n columns; none is zeros. */
bool gt_reader_numbers(struct gt_reader *r, sqlite3_stmt *s, int64_t *out,
                       int n);
/* Sets why; always NULL. */
json_t *gt_reader_fail(struct gt_reader *r, const char *why);

/* NULL is nothing bound: no filter. */
void gt_reader_bind(sqlite3_stmt *s, int at, const char *text);
const char *gt_reader_text(sqlite3_stmt *s, int column); /* never NULL */
struct gt_bytes gt_reader_blob(sqlite3_stmt *s, int column);

/* Values, NULL only when out of memory. Bytes that are no UTF-8 become '?': a
 * row nobody can spell must not hide the others. */
json_t *gt_json_text(const char *s);
json_t *gt_json_hex(struct gt_bytes b); /* null for no bytes */
json_t *gt_json_uuid(struct gt_bytes b);
json_t *gt_json_time(int64_t ms);
json_t *gt_json_texts(char *const *list, size_t n);
/* Takes value even on failure, which ok remembers. */
void gt_json_set(bool *ok, json_t *o, const char *key, json_t *value);
void gt_json_add(bool *ok, json_t *list, json_t *value);
/* {key: list, "next": next or null}; takes both. NULL: ok was false. */
json_t *gt_json_page(struct gt_reader *r, bool ok, const char *key,
                     json_t *list, json_t *next);
size_t gt_reader_limit(size_t asked, size_t most);

/* The body of an encoded Signed, unpacked. NULL: not such a thing. */
Gt__Entry *gt_reader_entry(struct gt_bytes encoded);
Gt__Signed *gt_reader_signed(struct gt_bytes encoded);

#endif
