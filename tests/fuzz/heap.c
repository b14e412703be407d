#include "heap.h"

#include <assert.h>
#include <sqlite3.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 4, CLASSES = 28 }; /* shifts: 16 bytes, 2 GiB */

struct piece {
	struct piece *next; /* while it is free */
	unsigned shift;
};
static struct piece *idle[CLASSES + SMALLEST];

static void *heap_get(int n)
{
	unsigned shift = SMALLEST;
	while (((size_t)1 << shift) < (size_t)n)
		shift++;
	struct piece *p = idle[shift];
	if (p)
		idle[shift] = p->next;
	else if (!(p = malloc(sizeof *p + ((size_t)1 << shift))))
		return NULL;
	p->shift = shift;
	return p + 1;
}

static void heap_put(void *at)
{
	struct piece *p = (struct piece *)at - 1;
	p->next = idle[p->shift];
	idle[p->shift] = p;
}

static int heap_size(void *at)
{
	return at ? (int)(1U << ((struct piece *)at - 1)->shift) : 0;
}

static void *heap_move(void *at, int n)
{
	if (n <= heap_size(at))
		return at;
	void *to = heap_get(n);
	if (to) {
		memcpy(to, at, (size_t)heap_size(at));
		heap_put(at);
	}
	return to;
}

static int heap_round(int n)
{
	return n;
}

static int heap_begin(void *arg)
{
	(void)arg;
	return SQLITE_OK;
}

static void heap_end(void *arg)
{
	(void)arg;
}

void heap_own(void)
{
	static sqlite3_mem_methods heap = {heap_get,  heap_put,   heap_move,
	                                   heap_size, heap_round, heap_begin,
	                                   heap_end,  NULL};
	int status = sqlite3_config(SQLITE_CONFIG_MALLOC, &heap);
	assert(status == SQLITE_OK);
	status = sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	assert(status == SQLITE_OK);
	status = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	assert(status == SQLITE_OK);
}
