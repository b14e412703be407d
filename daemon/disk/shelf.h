/* shelf.h: indexes of objects (index.h), opened once for all who read.
 *
 * An index lies at DIR/index/ and its object's id, beside what it was made of
 * in the database; it is made when a reader first needs it, and may be removed
 * at any time. One that is damaged, short or another's is removed and made
 * anew. Where the disk would be left with less than its reserve, or cannot be
 * written, the index is held in memory for as long as it is read, and all of
 * those within GT_SHELVES_BYTES.
 *
 * However many read one object, it is opened once: what is held for a reader
 * does not grow with the manifest.
 *
 * Tests: u_shelf.c, u_http.c, e2e/test_readers.py. */
#ifndef GT_SHELF_H
#define GT_SHELF_H

#include "buffer.h"
#include "index.h"
#include "read.h"

struct gt_shelves;
struct gt_shelf {
	struct gt_index index;
	/* the shelves' own */
	struct gt_id object; /* before the index is open, too */
	int fd;              /* -1: in memory */
	struct gt_buffer memory;
	unsigned users;
	bool listed, opening;
	int status;            /* what opening came to */
	struct gt_shelf *next; /* most lately taken first */
};

/* What there is and was, at a moment. */
struct gt_shelf_counts {
	size_t open, users; /* indexes; who reads them */
	size_t bytes;       /* of those in memory */
	uint64_t made;      /* since the start */
};

/* Of the node in dir; reserve: free bytes to leave there. NULL: out of
 * memory. */
struct gt_shelves *gt_shelves_new(const char *dir, uint64_t reserve);
/* All must have been given back. NULL is fine. */
void gt_shelves_free(struct gt_shelves *all);
/* Any thread. */
void gt_shelves_count(struct gt_shelves *all, struct gt_shelf_counts *out);

/* The object's index, opened or made; it stays as it is until it is given back.
 * 0; -GT_EUNKNOWN, its manifest is not here; -GT_EBUSY, there is no room for it
 * now; -GT_ESTORE, the manifest is damaged; -GT_EIO, -GT_ENOMEM. Any thread, r
 * that thread's. */
int gt_shelf_take(struct gt_shelves *all, struct gt_reader *r,
                  const struct gt_id *object, struct gt_shelf **out);
/* Any thread. NULL is fine. */
void gt_shelf_give(struct gt_shelves *all, struct gt_shelf *s);

/* A question to an index, as index.h answers it. */
typedef int gt_shelf_question(const struct gt_index *ix, void *arg);
/* Asks; where the index proves damaged it is made anew, *s becomes that one,
 * and is asked again. The answer, or as gt_shelf_take, and then *s is NULL. */
int gt_shelf_ask(struct gt_shelves *all, struct gt_reader *r,
                 struct gt_shelf **s, gt_shelf_question *ask, void *arg);

/* Removes the index of an object that is gone; dir: of the node, opened. */
void gt_shelf_remove(int dir, const struct gt_id *object);
/* The object whose index has this name. False: it is no index's name. */
bool gt_shelf_named(const char *name, struct gt_id *object);

#endif
