/* nomem.h: memory that runs out where a test says so.
 *
 * Every unit test is linked with it (--wrap, in the Makefile). It stands before
 * what the objects of this project ask of malloc, calloc, realloc and strdup,
 * of an arena, each piece of it, and of a turn's list of actions (gt_act); and
 * passes it on, unless it is armed.
 * What libraries ask for is not counted, but jansson's is after nomem_json().
 * Each thread is armed for itself. The usual loop, whatever fails first:
 *
 *	for (size_t n = 0; nomem_each(&n);) {
 *		int status = gt_thing_new(&thing, bytes);
 *		assert_int_equal(status, nomem_hit() ? -GT_ENOMEM : 0);
 *		gt_thing_free(thing);
 *	} */
#ifndef GT_TEST_NOMEM_H
#define GT_TEST_NOMEM_H

#include <stdbool.h>
#include <stddef.h>

/* The n-th request from now on fails, 1 is the next; those after it do not. */
void nomem_after(size_t n);
/* The n-th fails and all after it. */
void nomem_from(size_t n);
/* Nothing fails any more. */
void nomem_off(void);
/* Whether one failed since it was armed. Nothing fails any more. */
bool nomem_hit(void);
/* Arms for the first request, the second, ... False: the last round needed no
 * more than n - 1, and nothing fails any more. *n starts as 0. What asks for
 * nothing at all does not belong into such a loop: that aborts. */
bool nomem_each(size_t *n);

/* How many pieces this thread has of malloc and the like, less those it has
 * freed: the same before and after what keeps nothing. */
long nomem_held(void);

/* From now on, jansson's requests count as ours. To be called before anything
 * of jansson's is, and by the whole program. */
void nomem_json(void);

#endif
