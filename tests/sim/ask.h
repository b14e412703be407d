/* ask.h: looking into a node's database from outside its turns. */
#ifndef SIM_ASK_H
#define SIM_ASK_H

#include <sqlite3.h>

#include "world.h"

/* A statement on the node's own connection; finalize it. Exits on bad SQL. */
sqlite3_stmt *ask(const struct sim_node *s, const char *sql);
/* First column of the first row, or -1; blob (n bytes, may be NULL) is ?1. */
int64_t ask_one(const struct sim_node *s, const char *sql, const void *blob,
                size_t n);
int64_t ask_text(const struct sim_node *s, const char *sql, const char *text);

#endif
