/* ask.h: looking into a node's database from outside its turns. */
#ifndef SIM_ASK_H
#define SIM_ASK_H

#include <sqlite3.h>

#include "world.h"

/* A statement on the node's own connection, kept until ask_forget(); ask_end()
 * it before it is asked again and before the node's next turn. What was bound
 * stays bound. Exits on bad SQL. */
sqlite3_stmt *ask(const struct sim_node *s, const char *sql);
void ask_end(sqlite3_stmt *st);
/* One of src/read's own. The functions it calls are given to a connection once:
 * that costs it all it has prepared. */
sqlite3_stmt *ask_read(const struct sim_node *s, const char *sql);
/* Before the node's core is closed. */
void ask_forget(const struct sim_node *s);
/* First column of the first row, or -1; text is ?1, blob (n bytes) ?2, each
 * NULL if the question has none. */
int64_t ask_one(const struct sim_node *s, const char *sql, const char *text,
                const void *blob, size_t n);

#endif
