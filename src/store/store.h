/* store.h: the node's database: opening, statements, transactions.
 *
 * The room store/ is all SQL the core runs (sql.h), the schema (schema.h) and
 * the counts the database keeps of itself (tally.h). It uses base/ and SQLite.
 * It knows no rule of what may be written when: that is for the rooms above. It
 * promises: a turn is one transaction, whole or not at all; after an error
 * nothing more is written, and gt_store_why says what it was.
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
 * Column values live until the next step or bind of the same statement. One
 * left before its end is reset. Used by one thread.
 *
 * Tests: u_store.c, u_tally.c. */
#ifndef GT_STORE_H
#define GT_STORE_H

#include <sqlite3.h>

#include "arena.h"
#include "base.h"
#include "sql.h"

struct gt_store;
struct gt_runs;

/* Takes db over, also on failure. Creates the schema in an empty database, adds
 * to one of an earlier program what it lacks, and refuses one of another
 * version. 0, -GT_ENOMEM, -GT_ESTORE, -GT_EVERSION, with why in words. */
int gt_store_open(struct gt_store **out, sqlite3 *db, char *why,
                  size_t why_cap);
/* The database is no more what was opened: closing it neither puts its log into
 * the file that is there now nor removes anything. */
void gt_store_leave(struct gt_store *s);
/* Closes the database too; what was not committed is gone. Behind an error that
 * says the files are damaged it is as gt_store_leave. NULL is fine. */
void gt_store_close(struct gt_store *s);
/* The last error, in SQLite's words; "": there was none. */
const char *gt_store_why(const struct gt_store *s);

/* The next statement begins a transaction; without any, there is none. */
void gt_store_begin(struct gt_store *s);
/* Commits; *changed tells whether anything was written. 0 or the error, also
 * one of a bind since gt_store_begin. */
int gt_store_commit(struct gt_store *s, bool *changed);
/* Undoes what gt_store_begin began. Cannot fail, and keeps gt_store_why. */
void gt_store_rollback(struct gt_store *s);
/* Grows with every row written: equal to what it was, nothing was. */
int64_t gt_store_changes(const struct gt_store *s);
/* Moves the WAL into the database if it has grown to so many pages; between
 * turns only. One that is not what was written (SQLITE_FCNTL_CKPT_START) is an
 * error. 0 or -GT_ESTORE; a reader in the way is no error, nor is a disk that
 * is full: it is tried again. */
int gt_store_checkpoint(struct gt_store *s, int pages);
/* What was deleted must not stay in the log either: the next checkpoints end it,
 * until one does. */
void gt_store_scrub(struct gt_store *s);

/* Compiles the statement if this is its first use, and binds one value for each
 * letter of types; values are copied. Returns it, for the columns of its rows.
 * NULL, or a value that could not be bound: the next step says so, there is
 * nothing to check here. */
sqlite3_stmt *gt_store_bind(struct gt_store *s, enum gt_sql which,
                            const char *types, ...);
/* Begins the transaction if gt_store_begin was not followed by a step yet. 1, 0
 * or negative, as above. */
int gt_store_step(struct gt_store *s, enum gt_sql which);
/* Steps a bound statement that returns no row. 0 or negative. */
int gt_store_run(struct gt_store *s, enum gt_sql which);
/* Ends a statement whose last step returned a row; else it does nothing. */
void gt_store_reset(struct gt_store *s, enum gt_sql which);
/* Fills out with n bytes from the offset on of the manifest in an object's row;
 * they are in it, and the rest is not read. 0 or negative. */
int gt_store_manifest(struct gt_store *s, int64_t oid, uint64_t offset,
                      uint8_t *out, size_t n);
/* The sorted sets of the database (runs.h), which end with the store. NULL: out
 * of memory. */
struct gt_runs *gt_store_runs(struct gt_store *s);
/* Before something is written into them: begins the transaction if
 * gt_store_begin was not followed by a step yet. 0 or negative. */
int gt_store_enter(struct gt_store *s);
/* What one of their functions returned, as this header's do: behind -GT_ESTORE
 * and -GT_EDAMAGED gt_store_why says what they said. */
int gt_store_of_runs(struct gt_store *s, int status);
/* The key of the row the last insert made. */
int64_t gt_store_rowid(const struct gt_store *s);

/* Columns of a row, from 0: an integer, 0 for NULL; */
int64_t gt_col_int(sqlite3_stmt *st, int col);
/* text, borrowed, "" for NULL; */
const char *gt_col_text(sqlite3_stmt *st, int col);
/* bytes, borrowed, none for NULL; */
struct gt_bytes gt_col_bytes(sqlite3_stmt *st, int col);
/* exactly n bytes, copied. False, and zeros, if the column is not that. */
bool gt_col_fixed(sqlite3_stmt *st, int col, uint8_t *out, size_t n);

/* meta: small values by name. Each returns 0 or the error of its step. An
 * integer; absent, it is the fallback. */
int gt_meta_get(struct gt_store *s, const char *key, int64_t fallback,
                int64_t *out);
/* Writes it, over what the name had. */
int gt_meta_put(struct gt_store *s, const char *key, int64_t value);
/* Bytes, copied into the arena (-GT_ENOMEM); absent, there are none. */
int gt_meta_get_bytes(struct gt_store *s, const char *key,
                      struct gt_arena *arena, struct gt_bytes *out);
/* Writes them, over what the name had. */
int gt_meta_put_bytes(struct gt_store *s, const char *key,
                      struct gt_bytes value);

#endif
