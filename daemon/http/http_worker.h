/* http_worker.h: what a thread borrows for one call: a reader and buffers.
 * Tests: u_http.c. */
#ifndef GT_HTTP_WORKER_H
#define GT_HTTP_WORKER_H

#include "object.h"
#include "read.h"

struct gt_workers;
struct gt_worker {
	struct gt_reader *reader;
	struct gt_inflater *inflater; /* gt_worker_buffers */
	uint8_t *stored;              /* GT_FRAME_STORED_MAX, the same */
	uint64_t gaps; /* its reader met, when it was given back last */
	struct gt_worker *next;
};

/* Readers on the database at path, which must outlive them. broke (NULL: nobody)
 * is told why it could not be read, on any thread. NULL: out of memory. */
struct gt_workers *gt_workers_new(const char *database,
                                  void (*broke)(void *arg, const char *why),
                                  void *arg);
/* All must have been given back. NULL is fine. */
void gt_workers_free(struct gt_workers *ws);

/* The caller's until it is given back. NULL: the database cannot be opened, or
 * out of memory. Any thread. */
struct gt_worker *gt_worker_take(struct gt_workers *ws);
/* NULL is fine. Any thread. */
void gt_worker_give(struct gt_workers *ws, struct gt_worker *w);
/* How many are taken, at a moment. Any thread. */
unsigned gt_workers_taken(struct gt_workers *ws);
/* Records that could not be given out (read.h, gaps), to all readers so far. */
uint64_t gt_workers_gaps(struct gt_workers *ws);
/* Makes what frames are read with, which most calls never need. False: out of
 * memory. */
bool gt_worker_buffers(struct gt_worker *w);

#endif
