/* http_guess.h: who guesses passwords is made to wait.
 *
 * Wrong ones are counted by whence they come and for whom: after a few, each
 * next is not even compared until a while has passed, twice as long each time.
 * A classroom behind one address is not shut out by one terminal that has an old
 * password, but its address has a count of its own, many times as large, for
 * those who try a password on many names. What was not tried for a quarter of an
 * hour is forgotten. Pure; the caller has the lock. Times are monotonic. */
#ifndef GT_HTTP_GUESS_H
#define GT_HTTP_GUESS_H

#include "http_open.h"

struct gt_http_guess;

enum {
	GT_GUESS_FREE = 5,           /* wrong ones of a name without a wait */
	GT_GUESS_FREE_ADDRESS = 100, /* of an address, whatever the names */
	GT_GUESS_MOST_MS = 60000,    /* the longest wait */
	GT_GUESS_FORGET_MS = 900000,
	GT_GUESS_TELL_MS = 60000, /* between what is told of an address */
};

/* NULL: out of memory. */
struct gt_http_guess *gt_http_guess_new(void);
void gt_http_guess_free(struct gt_http_guess *guesses); /* NULL is fine */
/* How long it is until a password for that name from there is looked at again;
 * 0: it is now. */
int64_t gt_http_guess_wait(struct gt_http_guess *guesses,
                           const uint8_t from[GT_HTTP_FROM_BYTES],
                           const char *name, int64_t now_ms);
/* It was wrong. Returns how many that makes for the name from there. */
unsigned gt_http_guess_wrong(struct gt_http_guess *guesses,
                             const uint8_t from[GT_HTTP_FROM_BYTES],
                             const char *name, int64_t now_ms);
/* A password for a name from there costs time, be it that it was wrong once too
 * often, or that it was not looked at (refused). Returns how many came from there,
 * for whatever names, when that is to be told now, else 0. */
unsigned gt_http_guess_tell(struct gt_http_guess *guesses,
                            const uint8_t from[GT_HTTP_FROM_BYTES],
                            bool refused, int64_t now_ms);
/* It was right: the name has none from there any more. */
void gt_http_guess_right(struct gt_http_guess *guesses,
                         const uint8_t from[GT_HTTP_FROM_BYTES],
                         const char *name);

#endif
