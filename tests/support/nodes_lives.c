/* nodes_lives.c: how the nodes of nodes.h begin, end and begin again. */
#include <stdlib.h>
#include <string.h>

#include "nodes.h"
#include "nomem.h"

static const char *const codes[] = {"", "33", "3301", "330106"};
static long held; /* pieces of memory, before the tree */

static struct nodes *line(unsigned n, bool on_disk)
{
	held = nomem_held();
	struct nodes *t = nodes_new();
	if (on_disk)
		nodes_dir_new(t);
	for (unsigned i = 0; i < n; i++)
		nodes_open(t, i, codes[i + 1], codes[i],
		           on_disk ? nodes_path(t, i) : NULL);
	nodes_enrol(t);
	return t;
}

int nodes_two(void **state)
{
	*state = line(2, false);
	return 0;
}

int nodes_three(void **state)
{
	*state = line(3, false);
	return 0;
}

int nodes_two_on_disk(void **state)
{
	*state = line(2, true);
	return 0;
}

int nodes_three_on_disk(void **state)
{
	*state = line(3, true);
	return 0;
}

static void shell(const char *command)
{
	int status = system(command);
	assert(status == 0);
}

int nodes_gone(void **state)
{
	struct nodes *t = *state;
	char command[60] = "";
	if (t->dir[0])
		gt_format(command, sizeof command, "rm -r %s", t->dir);
	nodes_free(t);
	if (command[0])
		shell(command);
	return nomem_held() == held ? 0 : -1; /* all was given back */
}

void nodes_dir_new(struct nodes *t)
{
	gt_copy(t->dir, sizeof t->dir, "/tmp/guantong-nodes-XXXXXX");
	char *made = mkdtemp(t->dir);
	assert(made);
}

const char *nodes_path(const struct nodes *t, unsigned i)
{
	static char path[60];
	assert(t->dir[0]);
	gt_format(path, sizeof path, "%s/%u.db", t->dir, i);
	return path;
}

void nodes_stop(struct nodes *t, unsigned i)
{
	for (unsigned w = 0; w < t->nwires; w++)
		if (t->wires[w].child == i || t->wires[w].parent == i)
			nodes_cut(t, w);
	gt_node_close(t->v[i].node);
	t->v[i].node = NULL;
}

static void start(struct nodes *t, unsigned i)
{
	char code[GT_CODE_MAX + 1], parent[GT_CODE_MAX + 1];
	gt_copy(code, sizeof code, t->v[i].code);
	gt_copy(parent, sizeof parent, t->v[i].parent);
	nodes_open(t, i, code, parent, nodes_path(t, i));
}

void nodes_restart(struct nodes *t, unsigned i)
{
	nodes_stop(t, i);
	start(t, i);
}

void nodes_snapshot(struct nodes *t, unsigned i, unsigned as)
{
	sqlite3 *db;
	int status = sqlite3_open(nodes_path(t, as), &db);
	assert(status == SQLITE_OK);
	sqlite3_backup *b = sqlite3_backup_init(db, "main", t->v[i].db, "main");
	assert(b);
	status = sqlite3_backup_step(b, -1);
	assert(status == SQLITE_DONE);
	status = sqlite3_backup_finish(b);
	assert(status == SQLITE_OK);
	status = sqlite3_close(db);
	assert(status == SQLITE_OK);
}

void nodes_restore(struct nodes *t, unsigned i, unsigned from)
{
	char command[200], kept[60], path[60];
	nodes_stop(t, i);
	gt_copy(kept, sizeof kept, nodes_path(t, from));
	gt_copy(path, sizeof path, nodes_path(t, i));
	gt_format(command, sizeof command, "rm -f %s-* && mv %s %s", path, kept,
	          path);
	shell(command);
	start(t, i);
}
