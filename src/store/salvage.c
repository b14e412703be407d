#include "salvage.h"

#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "schema.h"
#include "store.h"
#include "tally.h"

enum {
	SQL = 4096,
	COLUMNS = 1500,
	PATIENCE = 64, /* tries before the next steps are twice as long */
};

/* The two databases, and how it went. */
struct both {
	sqlite3 *from, *to;
	const char *code;
	bool root;
	struct gt_salvaged *out;
	int status;
	char *why;
	size_t why_cap;
};

/* One table on its way over. */
struct table {
	const char *name;
	char columns[COLUMNS]; /* that both have */
	char key[32];          /* its INTEGER PRIMARY KEY, "": none */
	int ncolumns;
	char *odd;  /* SQL: NULL, or the column that is impossible */
	int odd_at; /* where it stands behind those of a row */
	struct gt_salvaged_table *count;
	sqlite3_stmt *put;
};

static bool fail(struct both *b, sqlite3 *db)
{
	gt_format(b->why, b->why_cap, "SQLite %d: %s",
	          sqlite3_extended_errcode(db), sqlite3_errmsg(db));
	b->status = -GT_ESTORE;
	return false;
}

/* What was asked last cannot be read, and will not be tomorrow: the disk, or
 * what it says. Anything else ends the whole. */
static bool unreadable(struct both *b)
{
	int code = sqlite3_extended_errcode(b->from), kind = code & 0xff;
	if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB ||
	    (kind == SQLITE_IOERR && code != SQLITE_IOERR_NOMEM))
		return true;
	return fail(b, b->from);
}

static bool no_memory(struct both *b)
{
	gt_copy(b->why, b->why_cap, gt_strerror(-GT_ENOMEM));
	b->status = -GT_ENOMEM;
	return false;
}

/* A statement, or NULL and why. */
static sqlite3_stmt *prepare(struct both *b, sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		(void)fail(b, db);
	return st;
}

/* The same for what sqlite3_mprintf made, which it frees. */
static sqlite3_stmt *prepare_long(struct both *b, sqlite3 *db, char *sql)
{
	sqlite3_stmt *st = sql ? prepare(b, db, sql) : NULL;
	if (!sql)
		(void)no_memory(b);
	sqlite3_free(sql);
	return st;
}

static bool run(struct both *b, const char *sql)
{
	return sqlite3_exec(b->to, sql, NULL, NULL, NULL) == SQLITE_OK ||
	       fail(b, b->to);
}

/* ------------------------------------------------------- what there is */

static bool has_column(sqlite3 *db, const char *table, const char *column)
{
	return sqlite3_table_column_metadata(db, NULL, table, column, NULL,
	                                     NULL, NULL, NULL,
	                                     NULL) == SQLITE_OK;
}

static bool append(char *to, size_t cap, const char *text)
{
	size_t n = strlen(to);
	return gt_copy(to + n, cap - n, text);
}

/* Columns both have; one that only the new has gets its default. */
static bool columns_of(struct both *b, struct table *t)
{
	sqlite3_stmt *st = prepare(
	        b, b->to,
	        "SELECT i.name,i.pk,i.type='INTEGER',s.sql LIKE "
	        "'%WITHOUT ROWID%' FROM sqlite_schema s,"
	        "pragma_table_info(s.name) i WHERE s.name=?1 ORDER BY i.cid");
	bool ok = st != NULL;
	t->columns[0] = t->key[0] = '\0';
	t->ncolumns = 0;
	sqlite3_bind_text(st, 1, t->name, -1, SQLITE_STATIC);
	while (ok && sqlite3_step(st) == SQLITE_ROW) {
		const char *name = gt_col_text(st, 0);
		if (gt_col_int(st, 1) == 1 && gt_col_int(st, 2) == 1 &&
		    gt_col_int(st, 3) == 0)
			gt_copy(t->key, sizeof t->key, name);
		if (!has_column(b->from, t->name, name))
			continue;
		ok = (t->ncolumns++ == 0 || append(t->columns, COLUMNS, ",")) &&
		     append(t->columns, COLUMNS, name);
	}
	sqlite3_finalize(st);
	assert(!st || ok); /* the schema is ours */
	t->odd = ok ? gt_domain_of(b->from, t->name) : NULL;
	return ok && (t->odd || no_memory(b));
}

static bool begin(struct both *b, struct table *t)
{
	char sql[SQL], marks[200] = "";
	for (int i = 0; i < t->ncolumns; i++)
		(void)append(marks, sizeof marks, i ? ",?" : "?");
	gt_format(sql, sizeof sql, "DELETE FROM %s", t->name);
	if (!run(b, sql))
		return false;
	gt_format(sql, sizeof sql, "INSERT OR IGNORE INTO %s(%s) VALUES(%s)",
	          t->name, t->columns, marks);
	t->put = prepare(b, b->to, sql);
	return t->put != NULL;
}

/* A row that contradicts another one (a key twice, a NULL where none may be) is
 * damaged too, and so is one that holds what no program writes. */
static bool put(struct both *b, struct table *t, sqlite3_stmt *row)
{
	if (sqlite3_column_type(row, t->odd_at) != SQLITE_NULL) {
		t->count->holes++;
		return true;
	}
	for (int i = 0; i < t->ncolumns; i++)
		if (sqlite3_bind_value(t->put, i + 1,
		                       sqlite3_column_value(row, i)) !=
		    SQLITE_OK)
			return fail(b, b->to);
	int rc = sqlite3_step(t->put);
	bool kept = rc == SQLITE_DONE && sqlite3_changes(b->to) > 0;
	sqlite3_reset(t->put);
	if (rc != SQLITE_DONE && (rc & 0xff) != SQLITE_CONSTRAINT)
		return fail(b, b->to);
	if (kept) {
		t->count->kept++;
		b->out->rows++;
	} else {
		t->count->holes++;
	}
	return true;
}

/* --------------------------------------------------- tables with numbers */

/* The key of the first row at or behind k. 1; 0: there is none, or no more can be
 * done; -1: it cannot be read, or is one before k: keys only grow. */
static int next_key(struct both *b, sqlite3_stmt *probe, int64_t k,
                    int64_t *key)
{
	sqlite3_bind_int64(probe, 1, k);
	int rc = sqlite3_step(probe);
	*key = rc == SQLITE_ROW ? gt_col_int(probe, 0) : 0;
	bool bad = rc != SQLITE_ROW && rc != SQLITE_DONE && unreadable(b);
	bad = bad || (rc == SQLITE_ROW && *key < k);
	sqlite3_reset(probe);
	return bad ? -1 : rc == SQLITE_ROW ? 1 : 0;
}

/* Behind k nothing can be read: where it can be again; what lies between is
 * passed over as narrowly as can be told. False: nowhere. */
static bool leap(struct both *b, sqlite3_stmt *probe, int64_t k, int64_t *key)
{
	int64_t bad = k, step = 1;
	int is = -1;
	for (unsigned tries = 1; is < 0 && bad < INT64_MAX / 4; tries++) {
		is = next_key(b, probe, bad + step, key);
		if (is < 0) {
			bad += step;
			step *= tries % PATIENCE == 0 ? 2 : 1;
		}
	}
	int64_t good = bad + step, mid;
	while (is >= 0 && good - bad > 1) {
		int64_t found;
		mid = bad + (good - bad) / 2;
		int here = next_key(b, probe, mid, &found);
		if (here < 0) {
			bad = mid;
		} else {
			good = mid;
			*key = found;
			is = here;
		}
	}
	return is == 1;
}

/* Rows from *k on, until they end (false) or cannot be read (true: the last that
 * could be lies before *k). */
static bool stretch(struct both *b, struct table *t, sqlite3_stmt *rows,
                    int64_t *k)
{
	int rc = SQLITE_ROW;
	bool back = false;
	sqlite3_bind_int64(rows, 1, *k);
	while (b->status == 0 && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
		int64_t key = gt_col_int(rows, t->ncolumns);
		back = key < *k;
		if (back || !put(b, t, rows))
			break;
		*k = key + 1;
	}
	bool bad = back ||
	           (rc != SQLITE_ROW && rc != SQLITE_DONE && unreadable(b));
	sqlite3_reset(rows);
	return b->status == 0 && bad;
}

static void copy_numbered(struct both *b, struct table *t)
{
	char sql[SQL];
	int64_t k = 0, was = -1, key;
	t->odd_at = t->ncolumns + 1;
	sqlite3_stmt *rows = prepare_long(
	        b, b->from,
	        sqlite3_mprintf("SELECT %s,%s,%s FROM %s NOT INDEXED WHERE "
	                        "%s>=?1 ORDER BY %s",
	                        t->columns, t->key, t->odd, t->name, t->key,
	                        t->key));
	gt_format(sql, sizeof sql,
	          "SELECT %s FROM %s NOT INDEXED WHERE %s>=?1 ORDER BY %s "
	          "LIMIT 1",
	          t->key, t->name, t->key, t->key);
	sqlite3_stmt *probe = rows ? prepare(b, b->from, sql) : NULL;
	while (probe && b->status == 0 && stretch(b, t, rows, &k)) {
		/* a disk that is wrong once is asked twice */
		if (k != was) {
			was = k;
			continue;
		}
		int is = next_key(b, probe, k, &key);
		t->count->holes++;
		if (is == 0 || (is < 0 && !leap(b, probe, k, &key)))
			break;
		/* a row that has a key, and yet cannot be read, is one whose
		 * rest lies elsewhere */
		k = is > 0 ? key + 1 : key;
	}
	sqlite3_finalize(rows);
	sqlite3_finalize(probe);
}

/* ---------------------------------------------------- tables without */

/* Few or small: what comes before the first damage, and what behind the last. */
static void copy_keyed(struct both *b, struct table *t)
{
	static const char *const ways[] = {"", " DESC"};
	for (int i = 0; i < 2 && b->status == 0; i++) {
		int rc = SQLITE_ROW;
		t->odd_at = t->ncolumns;
		sqlite3_stmt *rows = prepare_long(
		        b, b->from,
		        sqlite3_mprintf("SELECT %s,%s FROM %s ORDER BY 1%s",
		                        t->columns, t->odd, t->name, ways[i]));
		while (rows && b->status == 0 &&
		       (rc = sqlite3_step(rows)) == SQLITE_ROW)
			(void)put(b, t, rows);
		if (rc != SQLITE_DONE && rc != SQLITE_ROW)
			(void)unreadable(b);
		sqlite3_finalize(rows);
		if (rc == SQLITE_DONE)
			return;
		t->count->holes += i == 0;
	}
}

static bool copy_table(struct both *b, const char *name)
{
	struct table t = {.name = name};
	if (b->out->ntables == GT_SALVAGE_TABLES)
		return true;
	t.count = &b->out->tables[b->out->ntables++];
	gt_copy(t.count->name, sizeof t.count->name, name);
	if (!columns_of(b, &t))
		return false;
	/* 0: of an earlier program, which had none */
	if (t.ncolumns > 0 && begin(b, &t)) {
		if (*t.key)
			copy_numbered(b, &t);
		else
			copy_keyed(b, &t);
	}
	sqlite3_finalize(t.put);
	sqlite3_free(t.odd);
	return b->status == 0;
}

static bool damaged(const struct gt_salvaged *out, const char *name)
{
	for (size_t i = 0; i < out->ntables; i++)
		if (strcmp(out->tables[i].name, name) == 0)
			return out->tables[i].holes > 0;
	return false;
}

/* ---------------------------------------------- what is put in order */

static int64_t number(struct both *b, const char *sql)
{
	sqlite3_stmt *st = prepare(b, b->to, sql);
	int64_t v = 0;
	if (st && sqlite3_step(st) == SQLITE_ROW)
		v = gt_col_int(st, 0);
	sqlite3_finalize(st);
	return v;
}

/* One that has room for the next. */
static bool is_number(sqlite3_stmt *st, int column)
{
	return sqlite3_column_type(st, column) == SQLITE_INTEGER &&
	       gt_col_int(st, column) >= 0 &&
	       gt_col_int(st, column) <= INT64_C(1) << 53;
}

/* Numbers are never given twice, also those of what is gone. */
static bool keep_sequences(struct both *b)
{
	sqlite3_stmt *st = NULL;
	bool ok = true;
	if (sqlite3_prepare_v2(b->from, "SELECT name,seq FROM sqlite_sequence",
	                       -1, &st, NULL) != SQLITE_OK) {
		b->out->restored = true;
		return true;
	}
	int rc;
	while (ok && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (!is_number(st, 1)) {
			b->out->restored = true;
			continue;
		}
		sqlite3_stmt *to = prepare(
		        b, b->to,
		        "UPDATE sqlite_sequence SET seq=max(seq,?2) WHERE "
		        "name=?1");
		ok = to != NULL;
		sqlite3_bind_text(to, 1, gt_col_text(st, 0), -1, SQLITE_STATIC);
		sqlite3_bind_int64(to, 2, gt_col_int(st, 1));
		ok = ok && (sqlite3_step(to) == SQLITE_DONE || fail(b, b->to));
		if (ok && sqlite3_changes(b->to) == 0) {
			sqlite3_finalize(to);
			to = prepare(
			        b, b->to,
			        "INSERT INTO sqlite_sequence VALUES(?1,?2)");
			ok = to != NULL;
			sqlite3_bind_text(to, 1, gt_col_text(st, 0), -1,
			                  SQLITE_STATIC);
			sqlite3_bind_int64(to, 2, gt_col_int(st, 1));
			ok = ok && (sqlite3_step(to) == SQLITE_DONE ||
			            fail(b, b->to));
		}
		sqlite3_finalize(to);
	}
	sqlite3_finalize(st);
	return ok;
}

/* The names of streams stand in their index too; which number comes next is
 * known from what there is. */
static bool keep_streams(struct both *b)
{
	sqlite3_stmt *st = NULL;
	bool ok = true;
	if (!damaged(b->out, "stream"))
		return true;
	(void)sqlite3_prepare_v2(
	        b->from,
	        "SELECT sid,code,epoch FROM stream INDEXED BY "
	        "sqlite_autoindex_stream_1 ORDER BY code,epoch",
	        -1, &st, NULL);
	while (ok && st && sqlite3_step(st) == SQLITE_ROW) {
		sqlite3_stmt *to = prepare(
		        b, b->to,
		        "INSERT OR IGNORE INTO stream VALUES(?1,?2,?3,0)");
		ok = to != NULL;
		for (int i = 0; ok && i < 3; i++)
			(void)sqlite3_bind_value(to, i + 1,
			                         sqlite3_column_value(st, i));
		ok = ok && (sqlite3_step(to) == SQLITE_DONE || fail(b, b->to));
		sqlite3_finalize(to);
	}
	sqlite3_finalize(st);
	return ok && run(b, "UPDATE stream SET last=max(last,ifnull((SELECT "
	                    "max(origin_seq) FROM record WHERE "
	                    "stream=sid),0))");
}

/* ------------------------------------------------- records that are gone */

/* Walks an index of records, and calls each row whose record is not there. 1: to
 * its end, 0: it is damaged too, or there is none. */
static int walk_index(struct both *b, const char *from, const char *to)
{
	sqlite3_stmt *rows = NULL, *put_row;
	int rc;
	if (sqlite3_prepare_v2(b->from, from, -1, &rows, NULL) != SQLITE_OK)
		return 0;
	put_row = prepare(b, b->to, to);
	while ((rc = sqlite3_step(rows)) == SQLITE_ROW && put_row) {
		for (int i = 0; i < sqlite3_column_count(rows); i++)
			(void)sqlite3_bind_value(put_row, i + 1,
			                         sqlite3_column_value(rows, i));
		if (sqlite3_step(put_row) != SQLITE_DONE)
			(void)fail(b, b->to);
		sqlite3_reset(put_row);
	}
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		(void)unreadable(b);
	sqlite3_finalize(rows);
	sqlite3_finalize(put_row);
	return rc == SQLITE_DONE;
}

/* 8-4-4-4-12 digits */
static void spell(char *out, const uint8_t *id)
{
	static const size_t runs[] = {4, 2, 2, 2, 6};
	for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
		gt_hex(out, id, runs[i]);
		id += runs[i];
		out += 2 * runs[i];
		*out++ = i < 4 ? '-' : '\0';
	}
}

static void name_gone(struct both *b)
{
	sqlite3_stmt *st = prepare(
	        b, b->to,
	        "SELECT id FROM quarantine WHERE via=?1 AND form=x'' AND "
	        "reason LIKE 'lost: %'");
	sqlite3_bind_text(st, 1, b->code, -1, SQLITE_STATIC);
	while (st && sqlite3_step(st) == SQLITE_ROW) {
		struct gt_bytes id = gt_col_bytes(st, 0);
		if (b->out->nnames < GT_SALVAGE_NAMES && id.n == GT_UUID_BYTES)
			spell(b->out->names[b->out->nnames++], id.p);
	}
	sqlite3_finalize(st);
}

static const char why_lost[] = "lost: the page it lay on cannot be read";

/* Those handed in here that the parent cannot have are set aside by name, for
 * people; all the others neighbours are asked for. */
static bool set_aside(struct both *b)
{
	static const char sql[] =
	        "INSERT OR IGNORE INTO quarantine(via,stream,origin_seq,id,"
	        "form,origin_ms,at_ms,reason,body) SELECT ?1,p.stream,"
	        "p.origin_seq,p.id,x'',0,0,?3,x'' FROM spoilt p JOIN stream s "
	        "ON s.sid=p.stream"
	        " WHERE p.form=x'' AND s.code=?1 AND (?2 OR p.seq>ifnull("
	        "(SELECT value FROM meta WHERE key='hop'),0))";
	sqlite3_stmt *st = prepare(b, b->to, sql);
	if (!st)
		return false;
	sqlite3_bind_text(st, 1, b->code, -1, SQLITE_STATIC);
	sqlite3_bind_int(st, 2, b->root);
	sqlite3_bind_text(st, 3, why_lost, -1, SQLITE_STATIC);
	bool ok = sqlite3_step(st) == SQLITE_DONE || fail(b, b->to);
	b->out->gone = ok ? (uint64_t)sqlite3_changes(b->to) : 0;
	sqlite3_finalize(st);
	name_gone(b);
	return ok;
}

static bool note_records(struct both *b)
{
	char sql[600];
	if (!damaged(b->out, "record"))
		return true;
	int64_t before = number(b, "SELECT count(*) FROM spoilt");
	gt_format(sql, sizeof sql,
	          "INSERT OR IGNORE INTO spoilt SELECT ?1,?2,?3,x'',x'',%d,"
	          "?1>ifnull((SELECT value FROM meta WHERE key='root'),0) "
	          "WHERE NOT EXISTS(SELECT 1 FROM record WHERE seq=?1)",
	          b->root ? GT_SPOILT_BELOW : GT_SPOILT_ASK);
	int keys =
	        walk_index(b,
	                   "SELECT seq,stream,origin_seq FROM record INDEXED "
	                   "BY record_key ORDER BY stream,origin_seq",
	                   sql);
	gt_format(sql, sizeof sql,
	          "INSERT INTO spoilt SELECT ?1,0,0,?2,x'',%d,"
	          "?1>ifnull((SELECT value FROM meta WHERE key='root'),0) "
	          "WHERE NOT EXISTS(SELECT 1 FROM record WHERE seq=?1) "
	          "ON CONFLICT(seq) DO UPDATE SET id=excluded.id",
	          b->root ? GT_SPOILT_BELOW : GT_SPOILT_ASK);
	int ids = walk_index(b,
	                     "SELECT seq,id FROM record INDEXED BY record_id "
	                     "ORDER BY id",
	                     sql);
	if (b->status != 0 || !set_aside(b))
		return false;
	int64_t noted = number(b, "SELECT count(*) FROM spoilt") - before;
	b->out->asked = (uint64_t)noted - b->out->gone;
	/* Some are gone with their names: whoever is below hands up all again,
	 * and what is here already is known by its id. */
	if (!keys && !ids && !run(b, "UPDATE child SET records=0,rooted=0"))
		return false;
	if (!keys && !ids)
		b->out->restored = true;
	return run(b,
	           "INSERT INTO meta SELECT 'replaced',max(0,ifnull((SELECT "
	           "seq FROM sqlite_sequence WHERE name='record'),0)-(SELECT "
	           "count(*) FROM record)) WHERE true ON CONFLICT(key) DO "
	           "UPDATE SET value=excluded.value");
}

/* -------------------------------------------------------------- the rest */

/* Entries whose row is gone, by the index: those published here. */
static void name_items(struct both *b)
{
	sqlite3_stmt *rows = NULL, *here;
	if (!damaged(b->out, "item") ||
	    sqlite3_prepare_v2(b->from,
	                       "SELECT rid,id FROM item INDEXED BY item_id "
	                       "WHERE kind=1 ORDER BY kind,id",
	                       -1, &rows, NULL) != SQLITE_OK)
		return;
	here = prepare(b, b->to, "SELECT 1 FROM item WHERE rid=?1");
	size_t n = strlen(b->code);
	while (here && sqlite3_step(rows) == SQLITE_ROW) {
		const char *id = gt_col_text(rows, 1);
		sqlite3_bind_int64(here, 1, gt_col_int(rows, 0));
		bool gone = sqlite3_step(here) != SQLITE_ROW &&
		            strncmp(id, b->code, n) == 0 && id[n] == '/';
		sqlite3_reset(here);
		b->out->own += gone;
		if (gone && b->out->nnames < GT_SALVAGE_NAMES)
			(void)gt_copy(b->out->names[b->out->nnames++],
			              GT_SALVAGE_NAME, id);
	}
	sqlite3_finalize(rows);
	sqlite3_finalize(here);
}

/* What is wanted has a row, or nobody would fetch it: none of its bytes count.
 * What was published here was whole. */
static bool want_objects(struct both *b)
{
	return run(b,
	           "INSERT INTO object(id,state,size,frames,present,"
	           "created_ms,completed_ms) SELECT object,1,0,0,0,"
	           "max(updated_ms),max(iif(own,updated_ms,0)) FROM item WHERE "
	           "object IS NOT NULL AND state=0 AND (own=1 OR verdict=3 OR "
	           "asked=1) AND object NOT IN (SELECT id FROM object) "
	           "GROUP BY object;"
	           "UPDATE item SET prior=NULL WHERE prior IS NOT NULL AND "
	           "prior NOT IN (SELECT id FROM object)");
}

/* Of sorted runs (runs.h) that lack something nothing is believed: they are made
 * anew from the records. */
static bool keep_runs(struct both *b)
{
	if (!damaged(b->out, "run") && !damaged(b->out, "run_group") &&
	    !damaged(b->out, "run_block") && !damaged(b->out, "run_tail"))
		return true;
	return run(b, "DELETE FROM run;DELETE FROM run_group;"
	              "DELETE FROM run_block;DELETE FROM run_tail;"
	              "DELETE FROM meta WHERE key='indexed';"
	              "INSERT OR REPLACE INTO meta VALUES('runs_anew',1)");
}

/* Nor are sums of records that may not be there any more. */
static bool drop_figures(struct both *b)
{
	return number(b, "SELECT count(*) FROM sqlite_master WHERE "
	                 "name='figures'") == 0 ||
	       run(b, "DELETE FROM figures");
}

/* What hangs on rows that are gone goes too: neighbours say it again. */
static bool put_in_order(struct both *b)
{
	static const char *const known[] = {
	        "meta",      "item",     "object",     "child",
	        "view",      "said",     "batch",      "stream",
	        "clock_era", "handover", "status_list"};
	bool ok = true;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		b->out->restored =
		        b->out->restored || damaged(b->out, known[i]);
	if (damaged(b->out, "item") || damaged(b->out, "child"))
		ok = run(b,
		         "DELETE FROM view WHERE rid NOT IN (SELECT rid FROM "
		         "item) OR cid NOT IN (SELECT cid FROM child);"
		         "DELETE FROM batch WHERE cid NOT IN (SELECT cid FROM "
		         "child);"
		         "DELETE FROM said WHERE rid NOT IN (SELECT rid FROM "
		         "item)");
	if (ok && damaged(b->out, "object"))
		ok = want_objects(b);
	/* neighbours are asked for all of them, above too */
	if (ok && damaged(b->out, "status_list"))
		ok = run(b, "DELETE FROM meta WHERE key IN('lists_met',"
		            "'lists_told')");
	if (ok && damaged(b->out, "batch"))
		ok = run(b,
		         "INSERT OR IGNORE INTO batch SELECT cid,records,"
		         "(SELECT ifnull(max(seq),0) FROM record) FROM child "
		         "WHERE records>rooted");
	/* numbers that are gone are not given again */
	if (ok && damaged(b->out, "certificate"))
		ok = run(b, "UPDATE meta SET value=x'00' WHERE "
		            "key='certified_in'");
	if (ok && number(b, "SELECT count(*) FROM clock_era") == 0)
		ok = run(b, "INSERT INTO clock_era SELECT 0,1,ifnull((SELECT "
		            "stored_ms FROM record ORDER BY seq LIMIT 1),0),"
		            "NULL,0,0,0");
	return ok;
}

/* What an index still said of a row may be as impossible as the row. */
static bool drop_odd(struct both *b, const char *table)
{
	char *odd = gt_domain_of(b->to, table);
	sqlite3_stmt *st = prepare_long(
	        b, b->to,
	        odd ? sqlite3_mprintf("DELETE FROM %s WHERE %s IS NOT NULL",
	                              table, odd)
	            : NULL);
	sqlite3_free(odd);
	bool ok = st && (sqlite3_step(st) == SQLITE_DONE || fail(b, b->to));
	sqlite3_finalize(st);
	return ok;
}

static bool copy_all(struct both *b)
{
	char names[GT_SALVAGE_TABLES][24];
	size_t n = 0;
	sqlite3_stmt *st =
	        prepare(b, b->to,
	                "SELECT name FROM sqlite_schema WHERE type='table' AND "
	                "name NOT LIKE 'sqlite_%' AND name NOT LIKE 'tally_%' "
	                "ORDER BY rowid");
	while (st && n < GT_SALVAGE_TABLES && sqlite3_step(st) == SQLITE_ROW)
		gt_copy(names[n++], sizeof *names, gt_col_text(st, 0));
	sqlite3_finalize(st);
	bool ok = n > 0 && run(b, "BEGIN");
	for (size_t i = 0; ok && i < n; i++)
		ok = copy_table(b, names[i]);
	ok = ok && keep_sequences(b) && keep_streams(b) && note_records(b) &&
	     put_in_order(b) && drop_figures(b) && keep_runs(b);
	for (size_t i = 0; ok && i < n; i++)
		ok = drop_odd(b, names[i]);
	/* what was tried and not put in was counted before it was tried */
	ok = ok &&
	     run(b, "DELETE FROM tally_resource;"
	            "DELETE FROM tally_object;" GT_TALLY_RESOURCES("", "true")
	                    GT_TALLY_OBJECTS("", "true"));
	if (ok)
		name_items(b);
	return ok && b->status == 0 && run(b, "COMMIT");
}

/* Whose tables they are must be known. With a schema that may be written SQLite
 * opens a file also that is shorter than it says it is. */
static bool is_ours(struct both *b)
{
	sqlite3_stmt *st = NULL;
	int version = -1;
	(void)sqlite3_exec(b->from, "PRAGMA writable_schema=ON", NULL, NULL,
	                   NULL);
	if (sqlite3_prepare_v2(b->from, "PRAGMA user_version", -1, &st, NULL) ==
	            SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		version = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	if (version == GT_SCHEMA_VERSION && has_column(b->from, "meta", "key"))
		return true;
	if (sqlite3_errcode(b->from) == SQLITE_NOMEM)
		return no_memory(b);
	gt_copy(b->why, b->why_cap,
	        "the pages that say what tables there are cannot be read");
	b->status = -GT_ESTORE;
	return false;
}

int gt_salvage(sqlite3 *from, sqlite3 *to, const char *code, bool root,
               struct gt_salvaged *out, char *why, size_t why_cap)
{
	struct gt_store *s = NULL;
	struct both b = {.from = from,
	                 .to = to,
	                 .code = code,
	                 .root = root,
	                 .out = out,
	                 .why = why,
	                 .why_cap = why_cap};
	memset(out, 0, sizeof *out);
	int status = gt_store_open(&s, to, why, why_cap);
	if (status != 0)
		return status;
	/* nobody counts on it before it is whole, and synced by the caller */
	bool ok = is_ours(&b) &&
	          run(&b, "PRAGMA journal_mode=DELETE;PRAGMA synchronous=OFF;"
	                  "PRAGMA journal_mode=OFF") &&
	          copy_all(&b);
	gt_store_close(s);
	return ok ? 0 : b.status ? b.status : -GT_ESTORE;
}

void gt_salvage_say(char out[GT_SALVAGE_SAID], const struct gt_salvaged *s)
{
	uint64_t holes = 0;
	for (size_t i = 0; i < s->ntables; i++)
		holes += s->tables[i].holes;
	gt_format(out, GT_SALVAGE_SAID,
	          "made anew out of what could be read: %llu rows; %llu places "
	          "unreadable, %llu records asked back, %llu records and %llu "
	          "entries lost",
	          (unsigned long long)s->rows, (unsigned long long)holes,
	          (unsigned long long)s->asked, (unsigned long long)s->gone,
	          (unsigned long long)s->own);
}
