#include "store.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "runs.h"
#include "schema.h"
#include "tally.h"

struct gt_store {
	sqlite3 *db;
	sqlite3_stmt *st[GT_SQL_COUNT]; /* NULL: not used yet */
	int wal_pages;                  /* as the last commit left it */
	bool scrub;                     /* ... and none of it is to stay */
	int wal_wait;         /* ... below which no checkpoint is worth a try */
	struct gt_runs *runs; /* NULL: not asked for yet */
	bool begun;
	int64_t changes; /* before this transaction */
	int unbound;     /* a bind failed: no statement runs any more */
	char why[256];
};

static const char *const texts[] = {
#define X(name, text) text,
        GT_STATEMENTS(X)
#undef X
};

/* What cannot be read or written as it was is not put in order by moving the
 * log: that would be one damage more. The next start sees what is there. */
static void leave_damaged(struct gt_store *s, int code)
{
	int kind = code & 0xff;
	if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB ||
	    kind == SQLITE_IOERR)
		gt_store_leave(s);
}

static int failed(struct gt_store *s)
{
	int code = sqlite3_extended_errcode(s->db);
	gt_format(s->why, sizeof s->why, "SQLite %d: %s", code,
	          sqlite3_errmsg(s->db));
	leave_damaged(s, code);
	return -GT_ESTORE;
}

/* Whoever keeps the files may know that the log is not what was written
 * (sums_vfs.h). */
static int may_checkpoint(struct gt_store *s)
{
	int rc = sqlite3_file_control(s->db, "main", SQLITE_FCNTL_CKPT_START,
	                              NULL);
	return rc == SQLITE_NOTFOUND ? SQLITE_OK : rc;
}

static int on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct gt_store *s = arg;
	(void)db;
	(void)name;
	s->wal_pages = pages;
	return SQLITE_OK;
}

static int set_up(struct gt_store *s)
{
	static const char pragmas[] = "PRAGMA journal_mode=WAL;"
	                              "PRAGMA synchronous=FULL;"
	                              "PRAGMA wal_autocheckpoint=0;"
	                              "PRAGMA foreign_keys=OFF;"
	                              "PRAGMA secure_delete=ON;"
	                              "PRAGMA temp_store=MEMORY;"
	                              "PRAGMA cache_size=-4000;"
	                              "PRAGMA journal_size_limit=67108864";
	/* Else every new value bound next to a partial index is a new plan, and
	 * the statement is compiled again each time. */
	if (sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL) !=
	    SQLITE_OK)
		return failed(s);
	if (sqlite3_exec(s->db, pragmas, NULL, NULL, NULL) != SQLITE_OK)
		return failed(s);
	sqlite3_wal_hook(s->db, on_wal, s);
	return 0;
}

static int user_version(struct gt_store *s, int *out)
{
	sqlite3_stmt *st;
	if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL) !=
	    SQLITE_OK)
		return failed(s);
	*out = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int(st, 0) : -1;
	return sqlite3_finalize(st) == SQLITE_OK ? 0 : failed(s);
}

static int make(struct gt_store *s, const char *sql, const char *then)
{
	if (sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) ||
	    sqlite3_exec(s->db, sql, NULL, NULL, NULL) ||
	    sqlite3_exec(s->db, then, NULL, NULL, NULL) ||
	    sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL))
		return failed(s);
	return 0;
}

static int create(struct gt_store *s)
{
	char version[64];
	gt_format(version, sizeof version, "PRAGMA user_version=%d",
	          GT_SCHEMA_VERSION);
	return make(s, GT_SCHEMA, version);
}

static int find(struct gt_store *s, const char *mark, bool *there)
{
	sqlite3_stmt *st;
	if (sqlite3_prepare_v2(s->db,
	                       "SELECT 1 FROM sqlite_schema WHERE name=?1", -1,
	                       &st, NULL) != SQLITE_OK)
		return failed(s);
	(void)sqlite3_bind_text(st, 1, mark, -1, SQLITE_STATIC);
	*there = sqlite3_step(st) == SQLITE_ROW;
	return sqlite3_finalize(st) == SQLITE_OK ? 0 : failed(s);
}

static bool has(struct gt_store *s, const char *table, const char *column)
{
	return sqlite3_table_column_metadata(s->db, NULL, table, column, NULL,
	                                     NULL, NULL, NULL,
	                                     NULL) == SQLITE_OK;
}

/* What databases of earlier programs lack, in the order in which it came. */
struct block {
	const char *mark; /* a table or an index: it is there if this is, */
	const char
	        *column; /* ... or if the table has this column, unless NULL */
	const char *sql, *then;
};
static const struct block blocks[] = {
        {"handover", NULL, GT_SCHEMA_ADDED, ""},
        {"tally_object", NULL, GT_SCHEMA_TALLY, GT_SCHEMA_TALLY_OBJECTS},
        {"said", NULL, GT_SCHEMA_SAID, ""},
        {"void_kept", NULL, GT_SCHEMA_VOIDS, ""},
        {"voids", NULL, GT_SCHEMA_VOIDERS, ""},
        {"clock_era", NULL, GT_SCHEMA_ERAS, ""},
        {"object_damaged", NULL, GT_SCHEMA_DAMAGED, ""},
        {"object", "supplier", GT_SCHEMA_SUPPLIER, ""},
        {"spoilt", NULL, GT_SCHEMA_SPOILT, ""},
        {"stuck", NULL, GT_SCHEMA_STUCK, ""},
        {"run", NULL, GT_SCHEMA_RUNS, ""},
        {"document", NULL, GT_SCHEMA_DOCUMENTS, ""},
        {"attachment", NULL, GT_SCHEMA_ATTACHMENTS, ""},
        {"held", NULL, GT_SCHEMA_HELD, ""},
        {"erased", NULL, GT_SCHEMA_ERASED, ""},
        {"sealed", NULL, GT_SCHEMA_SEALS, ""},
        {"certificate", NULL, GT_SCHEMA_CERTIFICATES, ""},
        {"document", "beaten", GT_SCHEMA_BEATEN, ""},
        {"status_list", NULL, GT_SCHEMA_STATUS_LISTS, ""},
        {"figures", NULL, GT_SCHEMA_FIGURES, ""},
        {"award", NULL, GT_SCHEMA_AWARDS, ""},
        {"pool", NULL, GT_SCHEMA_POOL, ""},
};

static int add(struct gt_store *s, const struct block *b)
{
	bool there = b->column && has(s, b->mark, b->column);
	int status = b->column ? 0 : find(s, b->mark, &there);
	return status || there ? status : make(s, b->sql, b->then);
}

static int open_schema(struct gt_store *s)
{
	int version = 0;
	int status = user_version(s, &version);
	if (status == 0 && version != 0 && version != GT_SCHEMA_VERSION) {
		gt_format(s->why, sizeof s->why,
		          "the database has schema version %d, this program "
		          "knows %d: run the version of guantong that made it",
		          version, GT_SCHEMA_VERSION);
		return -GT_EVERSION;
	}
	if (status == 0 && version == 0)
		status = create(s);
	for (size_t i = 0; status == 0 && i < sizeof blocks / sizeof *blocks;
	     i++)
		status = add(s, &blocks[i]);
	/* indexes need no mark */
	if (status == 0)
		status = make(s, GT_SCHEMA_INDEXES, "");
	return status;
}

int gt_store_open(struct gt_store **out, sqlite3 *db, char *why, size_t why_cap)
{
	struct gt_store *s = calloc(1, sizeof *s);
	if (!s) {
		sqlite3_close(db);
		gt_format(why, why_cap, "%s", gt_strerror(GT_ENOMEM));
		return -GT_ENOMEM;
	}
	s->db = db;
	int status = set_up(s);
	if (status == 0)
		status = open_schema(s);
	if (status != 0) {
		gt_format(why, why_cap, "%s", s->why);
		gt_store_close(s);
		return status;
	}
	*out = s;
	return 0;
}

void gt_store_leave(struct gt_store *s)
{
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
	                        (int *)NULL);
}

void gt_store_close(struct gt_store *s)
{
	if (!s)
		return;
	if (may_checkpoint(s) != SQLITE_OK)
		gt_store_leave(s);
	for (int i = 0; i < GT_SQL_COUNT; i++)
		sqlite3_finalize(s->st[i]);
	gt_runs_free(s->runs);
	sqlite3_close(s->db);
	free(s);
}

const char *gt_store_why(const struct gt_store *s)
{
	return s->why;
}

/* ----------------------------------------------------- transactions */

void gt_store_begin(struct gt_store *s)
{
	s->begun = false;
	s->changes = gt_store_changes(s);
}

int gt_store_commit(struct gt_store *s, bool *changed)
{
	*changed = gt_store_changes(s) != s->changes;
	return s->begun ? gt_store_run(s, GT_SQL_COMMIT) : s->unbound;
}

void gt_store_rollback(struct gt_store *s)
{
	for (int i = 0; i < GT_SQL_COUNT; i++)
		sqlite3_reset(s->st[i]);
	/* may be rolled back already */
	(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

int64_t gt_store_changes(const struct gt_store *s)
{
	return sqlite3_total_changes64(s->db);
}

int gt_store_checkpoint(struct gt_store *s, int pages)
{
	int mode = SQLITE_CHECKPOINT_PASSIVE, log = 0, done = 0;
	if (!s->scrub && (s->wal_pages < pages || s->wal_pages < s->wal_wait))
		return 0;
	s->wal_wait = 0;
	if (s->scrub || s->wal_pages / 8 > pages)
		mode = SQLITE_CHECKPOINT_TRUNCATE;
	int may = may_checkpoint(s);
	if (may != SQLITE_OK) {
		gt_format(s->why, sizeof s->why, "SQLite %d: %s", may,
		          sqlite3_errstr(may));
		leave_damaged(s, may);
		return -GT_ESTORE;
	}
	int rc = sqlite3_wal_checkpoint_v2(s->db, NULL, mode, &log, &done);
	if (rc == SQLITE_FULL) {
		/* All is in the log still. Not with each turn anew: what did
		 * fit would be copied each time. */
		s->wal_wait = s->wal_pages + pages / 8;
		return 0;
	}
	if (rc != SQLITE_OK && rc != SQLITE_BUSY && rc != SQLITE_LOCKED)
		return failed(s);
	s->scrub = s->scrub && rc != SQLITE_OK;
	s->wal_pages = log > done ? log - done : 0;
	return 0;
}

void gt_store_scrub(struct gt_store *s)
{
	s->scrub = true;
}

/* ------------------------------------------------------- statements */

static int bind_one(sqlite3_stmt *st, int i, char type, va_list *ap)
{
	struct gt_bytes b;
	switch (type) {
	case 'i':
		return sqlite3_bind_int64(st, i, va_arg(*ap, int64_t));
	case 't':
		return sqlite3_bind_text(st, i, va_arg(*ap, const char *), -1,
		                         SQLITE_TRANSIENT);
	case 'b':
		b = va_arg(*ap, struct gt_bytes);
		return sqlite3_bind_blob64(st, i, b.p ? b.p : (const void *)"",
		                           b.n, SQLITE_TRANSIENT);
	case 'o':
		b = va_arg(*ap, struct gt_bytes);
		if (!b.p)
			return sqlite3_bind_null(st, i);
		return sqlite3_bind_blob64(st, i, b.p, b.n, SQLITE_TRANSIENT);
	case 'n':
		return sqlite3_bind_null(st, i);
	default:
		assert(type == 'i'); /* the types are all above */
		return SQLITE_MISUSE;
	}
}

/* A statement is compiled when it is first wanted: most nodes never want half
 * of them. NULL: it cannot be, and nothing runs any more. */
static sqlite3_stmt *statement(struct gt_store *s, enum gt_sql which)
{
	if (!s->st[which] &&
	    sqlite3_prepare_v3(s->db, texts[which], -1,
	                       SQLITE_PREPARE_PERSISTENT, &s->st[which],
	                       NULL) != SQLITE_OK)
		s->unbound = failed(s);
	return s->st[which];
}

sqlite3_stmt *gt_store_bind(struct gt_store *s, enum gt_sql which,
                            const char *types, ...)
{
	sqlite3_stmt *st = statement(s, which);
	va_list ap;
	if (!st)
		return NULL;
	sqlite3_reset(st);
	va_start(ap, types);
	for (int i = 0; types[i]; i++) {
		if (bind_one(st, i + 1, types[i], &ap) != SQLITE_OK)
			s->unbound = failed(s);
	}
	va_end(ap);
	return st;
}

static int step(struct gt_store *s, enum gt_sql which)
{
	sqlite3_stmt *st = s->unbound ? NULL : statement(s, which);
	if (!st)
		return s->unbound;
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		return 1;
	int status = rc == SQLITE_DONE ? 0 : failed(s);
	sqlite3_reset(st);
	return status;
}

int gt_store_enter(struct gt_store *s)
{
	int status = s->begun ? 0 : step(s, GT_SQL_BEGIN);
	s->begun = s->begun || status == 0;
	return status;
}

int gt_store_step(struct gt_store *s, enum gt_sql which)
{
	int status = gt_store_enter(s);
	return status ? status : step(s, which);
}

int gt_store_run(struct gt_store *s, enum gt_sql which)
{
	int status = gt_store_step(s, which);
	assert(status != 1);
	return status;
}

void gt_store_reset(struct gt_store *s, enum gt_sql which)
{
	sqlite3_reset(s->st[which]);
}

int gt_store_manifest(struct gt_store *s, int64_t oid, uint64_t offset,
                      uint8_t *out, size_t n)
{
	sqlite3_blob *b = NULL;
	int rc = sqlite3_blob_open(s->db, "main", "object", "manifest", oid, 0,
	                           &b);
	assert(offset <= GT_MANIFEST_MAX && n <= GT_MANIFEST_MAX);
	if (rc == SQLITE_OK)
		rc = sqlite3_blob_read(b, out, (int)n, (int)offset);
	int status = rc == SQLITE_OK ? 0 : failed(s);
	sqlite3_blob_close(b); /* NULL is fine */
	return status;
}

struct gt_runs *gt_store_runs(struct gt_store *s)
{
	if (!s->runs)
		s->runs = gt_runs_new(s->db, true);
	return s->runs;
}

int gt_store_of_runs(struct gt_store *s, int status)
{
	if (status == -GT_ESTORE)
		leave_damaged(s, sqlite3_extended_errcode(s->db));
	if (status == -GT_ESTORE || status == -GT_EDAMAGED)
		gt_copy(s->why, sizeof s->why, gt_runs_why(s->runs));
	return status;
}

int64_t gt_store_rowid(const struct gt_store *s)
{
	return sqlite3_last_insert_rowid(s->db);
}

/* ------------------------------------------------------------- meta */

int gt_meta_get(struct gt_store *s, const char *key, int64_t fallback,
                int64_t *out)
{
	sqlite3_stmt *st = gt_store_bind(s, GT_SQL_META_GET, "t", key);
	int row = gt_store_step(s, GT_SQL_META_GET);
	*out = row == 1 ? gt_col_int(st, 0) : fallback;
	gt_store_reset(s, GT_SQL_META_GET);
	return row < 0 ? row : 0;
}

int gt_meta_put(struct gt_store *s, const char *key, int64_t value)
{
	gt_store_bind(s, GT_SQL_META_PUT, "ti", key, value);
	return gt_store_run(s, GT_SQL_META_PUT);
}

int gt_meta_get_bytes(struct gt_store *s, const char *key,
                      struct gt_arena *arena, struct gt_bytes *out)
{
	sqlite3_stmt *st = gt_store_bind(s, GT_SQL_META_GET, "t", key);
	int row = gt_store_step(s, GT_SQL_META_GET);
	*out = (struct gt_bytes){NULL, 0};
	if (row == 1) {
		struct gt_bytes b = gt_col_bytes(st, 0);
		*out = (struct gt_bytes){gt_arena_copy(arena, b.p, b.n), b.n};
	}
	gt_store_reset(s, GT_SQL_META_GET);
	if (out->n > 0 && !out->p)
		return -GT_ENOMEM;
	return row < 0 ? row : 0;
}

int gt_meta_put_bytes(struct gt_store *s, const char *key,
                      struct gt_bytes value)
{
	gt_store_bind(s, GT_SQL_META_PUT, "tb", key, value);
	return gt_store_run(s, GT_SQL_META_PUT);
}
