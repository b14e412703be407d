/* store.h: the node's database: opening, statements, transactions.
 *
 * One connection does every commit and every checkpoint (sqlite.org/wal.html,
 * the WAL-reset bug). synchronous=FULL: a commit that returned is on disk.
 * Any error is final for this run: the caller closes the node and starts
 * anew, it never retries.
 *
 * Statements are named by enum gt_sql. A bound one is stepped until it ends:
 *
 *     gt_store_bind(s, GT_SQL_X, "itb", n, text, bytes);
 *     while ((row = gt_store_step(s, GT_SQL_X)) == 1)
 *             ...
 *
 * Types: i int64_t, t text, b struct gt_bytes, o the same or NULL if its p is,
 * n NULL. A step returns 1 for a row, 0 at the end, or a negative GT_E....
 * Column values live until the next step or bind of the same statement. */
#ifndef GT_STORE_H
#define GT_STORE_H

#include <sqlite3.h>

#include "arena.h"
#include "base.h"
#include "sql.h"

struct gt_store;

/* Takes db over, also on failure. Creates the schema in an empty database and
 * refuses one of another version. */
int gt_store_open(struct gt_store **out, sqlite3 *db, char *why,
                  size_t why_cap);
void gt_store_close(struct gt_store *s);
const char *gt_store_why(const struct gt_store *s);

/* The next statement begins a transaction; without any, there is none. */
void gt_store_begin(struct gt_store *s);
/* Commits; *changed tells whether anything was written. */
int gt_store_commit(struct gt_store *s, bool *changed);
void gt_store_rollback(struct gt_store *s);
/* Grows with every row written: equal to what it was, nothing was. */
int64_t gt_store_changes(const struct gt_store *s);
/* Moves the WAL into the database if it has grown to so many pages; between
 * turns only. */
int gt_store_checkpoint(struct gt_store *s, int pages);

sqlite3_stmt *gt_store_bind(struct gt_store *s, enum gt_sql which,
                            const char *types, ...);
int gt_store_step(struct gt_store *s, enum gt_sql which);
/* Bound statement that returns no row. */
int gt_store_run(struct gt_store *s, enum gt_sql which);
void gt_store_reset(struct gt_store *s, enum gt_sql which);
int64_t gt_store_rowid(const struct gt_store *s);

int64_t gt_col_int(sqlite3_stmt *st, int col);
/* Borrowed; "" for NULL. */
const char *gt_col_text(sqlite3_stmt *st, int col);
struct gt_bytes gt_col_bytes(sqlite3_stmt *st, int col);
/* False, and zeroes, if the column is not n bytes. */
bool gt_col_fixed(sqlite3_stmt *st, int col, uint8_t *out, size_t n);

/* meta: small values by name. Absent: fallback, or n == 0. */
int gt_meta_get(struct gt_store *s, const char *key, int64_t fallback,
                int64_t *out);
int gt_meta_put(struct gt_store *s, const char *key, int64_t value);
int gt_meta_get_bytes(struct gt_store *s, const char *key,
                      struct gt_arena *arena, struct gt_bytes *out);
int gt_meta_put_bytes(struct gt_store *s, const char *key,
                      struct gt_bytes value);

#endif
