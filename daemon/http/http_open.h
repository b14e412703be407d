/* http_open.h: the connections the servers have open, what each is doing, and
 * which has to go when there are more than may be.
 *
 * The library counts connections and turns the newcomer away, without a word;
 * and it lets whoever sends a byte now and then stay for ever. So it is told to
 * take more than we do, and the places are given out here: a newcomer who finds
 * none takes that of a connection nobody uses, else of the slowest, of his own
 * address if it is that address that has too many. Who finds nobody to take it
 * from (all are being answered) is told so with a 503, on a spare place. What a
 * head or a body may take in all is swept for by gt_http_open_sweep, and so is
 * who has closed his end and so will never send what he would have to: the
 * library reads on when more comes, and of an end that comes with it, it does
 * not hear. Of one that it does hear of it closes the connection before we are
 * asked what to say: so nothing is, whoever was quicker, and it is counted.
 *
 * Connections are also kept to be ended before the library is. From the moment
 * MHD_stop_daemon has begun, 0.9.75's MHD_queue_response says MHD_YES and
 * queues nothing, while its threads finish the round they are in. A request
 * that the library itself refuses in that round (a head too large, a line that
 * is none: transmit_error_response_len) then has its answer built from a
 * response that is not there, and the process dies. Hence the library is
 * stopped only when it has nothing left to read.
 *
 * Any thread. Times are monotonic. Tests: u_http_open.c, u_http_stop.c. */
#ifndef GT_HTTP_OPEN_H
#define GT_HTTP_OPEN_H

#include <sys/socket.h>

#include "base.h"

struct gt_http_open;
struct gt_http_place;

enum {
	GT_HTTP_OPEN_DOORS = 4,
	GT_HTTP_SPARE = 32,           /* places of a door to be refused on */
	GT_HTTP_SLOW_BYTES = 4096,    /* a second; beneath it one may go */
	GT_HTTP_SLOW_AFTER_MS = 5000, /* when that can be told */
	/* longer than any handler is at work */
	GT_HTTP_CUT_MS = 10000,
};

struct gt_http_limits {
	unsigned connections; /* of a door */
	unsigned per_address; /* of those, from one address; 0: as many */
	uint32_t head_ms;     /* from its first byte to its last */
	uint32_t body_ms;     /* the same */
	uint32_t idle_ms;     /* between requests */
	bool tls;             /* what comes first is no request */
};

/* What a connection is doing. */
enum gt_http_phase {
	GT_PHASE_HEAD, /* a head is coming, or has yet to begin to */
	GT_PHASE_BODY, /* a body is */
	GT_PHASE_WORK, /* it waits for us: never ended from here */
	GT_PHASE_SEND, /* an answer is on its way */
	GT_PHASE_IDLE, /* kept for a next request */
};

/* Since the start, but for open. */
struct gt_http_counts {
	unsigned open;
	uint64_t taken;   /* places given out */
	uint64_t refused; /* told that there is none */
	uint64_t shut;    /* closed without a word: no spare place either */
	uint64_t dropped_idle, dropped_slow; /* for a newcomer */
	uint64_t late_head, late_body;       /* beyond what they may take */
	uint64_t left; /* gone before all of what they began to ask had come;
	                * over TLS, once its first line had */
};

/* limits[door], copied. NULL: out of memory. */
struct gt_http_open *
gt_http_open_new(const struct gt_http_limits limits[GT_HTTP_OPEN_DOORS]);
void gt_http_open_free(struct gt_http_open *open); /* NULL is fine */

/* A connection is there: fd stays open until gt_http_open_gone. NULL: it may
 * not stay, and has been shut down. */
struct gt_http_place *gt_http_open_come(struct gt_http_open *open,
                                        unsigned door, int fd,
                                        const struct sockaddr *from,
                                        int64_t now_ms);
/* It is about to be closed. NULL is fine. */
void gt_http_open_gone(struct gt_http_open *open, struct gt_http_place *place);
/* It begins something else. NULL is fine. */
void gt_http_open_phase(struct gt_http_open *open, struct gt_http_place *place,
                        enum gt_http_phase phase, int64_t now_ms);
/* Whether there was none when it came. */
bool gt_http_place_first(const struct gt_http_place *place);
/* Whether it is on a spare place, to be told that there is none. */
bool gt_http_place_spare(const struct gt_http_place *place);

enum { GT_HTTP_FROM_BYTES = 16, GT_HTTP_FROM_TEXT = 48 };
/* Whence it came, as far as places are counted by it: an IPv4 address, or the
 * first half of an IPv6 one. Zeros: not over a network. */
void gt_http_place_from(const struct gt_http_place *place,
                        uint8_t from[GT_HTTP_FROM_BYTES]);
/* The same of an address; NULL: zeros. */
void gt_http_from_of(uint8_t from[GT_HTTP_FROM_BYTES],
                     const struct sockaddr *address);
/* Bytes that have come in all; where that is not told, more than all. NULL: 0. */
uint64_t gt_http_place_came(const struct gt_http_place *place);
/* Whence, for people. */
void gt_http_from_text(char out[GT_HTTP_FROM_TEXT],
                       const uint8_t from[GT_HTTP_FROM_BYTES]);

/* Ends what takes too long, and what two sweeps in a row found that nothing will
 * come of. True: connections are open. */
bool gt_http_open_sweep(struct gt_http_open *open, int64_t now_ms);
/* Ends those from there that are there for a request to come, at every door. */
void gt_http_open_end_idle(struct gt_http_open *open,
                           const uint8_t from[GT_HTTP_FROM_BYTES]);
/* What was counted at a door, and whence came the last who had to go or was
 * turned away there ("" : nobody). */
void gt_http_open_counts(struct gt_http_open *open, unsigned door,
                         struct gt_http_counts *out,
                         char last[GT_HTTP_FROM_TEXT]);
/* Ends every connection, and each that is yet to come as it comes; returns when
 * those that were there are gone, or after GT_HTTP_CUT_MS. */
void gt_http_open_cut(struct gt_http_open *open);

#endif
