/* http_open.h: the sockets libmicrohttpd has open, so that they can be ended
 * before the library is.
 *
 * From the moment MHD_stop_daemon has begun, 0.9.75's MHD_queue_response says
 * MHD_YES and queues nothing, while its threads finish the round they are in.
 * A request that the library itself refuses in that round (a head too large, a
 * line that is none: transmit_error_response_len) then has its answer built
 * from a response that is not there, and the process dies. Hence the library is
 * stopped only when it has nothing left to read.
 * Tests: u_http_stop.c. */
#ifndef GT_HTTP_OPEN_H
#define GT_HTTP_OPEN_H

#include <microhttpd.h>

struct gt_http_open;

/* NULL: out of memory. */
struct gt_http_open *gt_http_open_new(void);
/* For MHD_OPTION_NOTIFY_CONNECTION of every server, with the table as cls. */
void gt_http_open_note(void *table, struct MHD_Connection *c, void **place,
                       enum MHD_ConnectionNotificationCode what);
/* Ends every connection, and each that is yet to come as it comes; returns when
 * the library has let go of those that were there, or after GT_HTTP_CUT_MS. */
void gt_http_open_cut(struct gt_http_open *table);
void gt_http_open_free(struct gt_http_open *table); /* NULL is fine */

enum {
	GT_HTTP_OPEN_MAX = 1024, /* no fewer than all servers take together */
	/* longer than any handler is at work */
	GT_HTTP_CUT_MS = 10000,
};

#endif
