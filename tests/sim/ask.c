#include "ask.h"

#include <stdio.h>
#include <stdlib.h>

#include "state.h"

sqlite3_stmt *ask(const struct sim_node *s, const char *sql)
{
	sqlite3_stmt *st;
	sqlite3 *db = sqlite3_db_handle(
	        gt_store_bind(s->core->store, GT_SQL_LAYERS, ""));
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK) {
		(void)fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
		exit(2);
	}
	return st;
}

static int64_t answer(sqlite3_stmt *st)
{
	int64_t out = -1;
	if (sqlite3_step(st) == SQLITE_ROW)
		out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return out;
}

int64_t ask_one(const struct sim_node *s, const char *sql, const void *blob,
                size_t n)
{
	sqlite3_stmt *st = ask(s, sql);
	if (blob)
		sqlite3_bind_blob(st, 1, blob, (int)n, SQLITE_STATIC);
	return answer(st);
}

int64_t ask_text(const struct sim_node *s, const char *sql, const char *text)
{
	sqlite3_stmt *st = ask(s, sql);
	sqlite3_bind_text(st, 1, text, -1, SQLITE_STATIC);
	return answer(st);
}
