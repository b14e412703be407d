/* http_wide.h: heads that are longer than the library has room for.
 *
 * Cookies are a host's, whatever the port, and a browser sends all of them along,
 * up to 180 of 4 KiB: so a package, on the content listener, can set so many that
 * every head its browser sends to the learners' and the staff's listener of that
 * host is too large for the library, which says so in words of its own (431).
 * The node itself sets none, and looks at none. From where such a head came, the
 * connections that come after are served by servers with room for it, a few at a
 * time, each for one request: the page is there when it is loaded again. All
 * others keep the little room, which the library clears after each request.
 *
 * Any thread. Times are monotonic. */
#ifndef GT_HTTP_WIDE_H
#define GT_HTTP_WIDE_H

#include "http_open.h"

struct gt_http_wide;

enum {
	GT_HTTP_WIDE_BYTES = 1 << 20,  /* of a head */
	GT_HTTP_WIDE_CONNECTIONS = 32, /* of a door, at a time */
	GT_HTTP_WIDE_FROM = 64,        /* places known; the oldest goes */
	GT_HTTP_WIDE_MS = 900000,      /* without such a head: forgotten */
};

/* NULL: out of memory. */
struct gt_http_wide *gt_http_wide_new(void);
void gt_http_wide_free(struct gt_http_wide *wide); /* NULL is fine */
/* A long head came from there. Of zeros, which is no network, nothing is kept. */
void gt_http_wide_note(struct gt_http_wide *wide,
                       const uint8_t from[GT_HTTP_FROM_BYTES], int64_t now_ms);
/* Whether one did. */
bool gt_http_wide_is(struct gt_http_wide *wide,
                     const uint8_t from[GT_HTTP_FROM_BYTES], int64_t now_ms);
/* Takes the socket out of a descriptor somebody else has, and leaves him one
 * whose other end is closed, which he is to close. The socket's descriptor, the
 * caller's; -1: it could not, and nothing has changed. */
int gt_http_wide_take(int fd);

#endif
