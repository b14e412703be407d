#include "ask.h"
#include "turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inside.h"
#include "read_inside.h"

/* Checks run after every turn: preparing their questions anew each time cost
 * more than the turns themselves. */
struct asked {
	struct asked *next;
	sqlite3_stmt *st;
	char sql[];
};
static struct asked *asked[NODES_MAX];
static bool reads[NODES_MAX]; /* has the functions of src/read */

static sqlite3_stmt *prepare(const struct sim_node *s, const char *sql)
{
	size_t n = strlen(sql) + 1;
	struct asked *a = sim_must(malloc(sizeof *a + n));
	sqlite3 *db = sqlite3_db_handle(
	        gt_store_bind(s->core->store, GT_SQL_LAYERS, ""));
	memcpy(a->sql, sql, n);
	if (sqlite3_prepare_v2(db, sql, -1, &a->st, NULL) != SQLITE_OK) {
		(void)fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
		exit(2);
	}
	a->next = asked[s->index];
	asked[s->index] = a;
	return a->st;
}

sqlite3_stmt *ask(const struct sim_node *s, const char *sql)
{
	struct asked **at = &asked[s->index], *a;
	while ((a = *at) && strcmp(a->sql, sql) != 0)
		at = &a->next;
	if (!a)
		return prepare(s, sql);
	/* what was asked last is asked next */
	*at = a->next;
	a->next = asked[s->index];
	asked[s->index] = a;
	return a->st;
}

sqlite3_stmt *ask_read(const struct sim_node *s, const char *sql)
{
	sqlite3 *db = sqlite3_db_handle(ask(s, "SELECT 1"));
	if (!reads[s->index] && !gt_reader_functions(db))
		exit(2);
	reads[s->index] = true;
	return ask(s, sql);
}

void ask_end(sqlite3_stmt *st)
{
	sqlite3_reset(st);
}

void ask_forget(const struct sim_node *s)
{
	reads[s->index] = false;
	while (asked[s->index]) {
		struct asked *a = asked[s->index];
		asked[s->index] = a->next;
		sqlite3_finalize(a->st);
		free(a);
	}
}

int64_t ask_one(const struct sim_node *s, const char *sql, const char *text,
                const void *blob, size_t n)
{
	sqlite3_stmt *st = ask(s, sql);
	int64_t out = -1;
	if (text)
		sqlite3_bind_text(st, 1, text, -1, SQLITE_STATIC);
	if (blob)
		sqlite3_bind_blob(st, 2, blob, (int)n, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW)
		out = sqlite3_column_int64(st, 0);
	ask_end(st);
	return out;
}
