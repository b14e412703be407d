/* door_inside.h: what the files of door/ share. */
#ifndef GT_DOOR_INSIDE_H
#define GT_DOOR_INSIDE_H

#include "http_open.h"
#include "http_route.h"

/* Opens the sockets of all doors: fds[door], -1 where the configuration has
 * none; the ports go into http->ports. control_backlog: of the control socket.
 * 0, or -GT_EIO and why, with nothing open. */
int gt_http_listen(struct gt_http *http, int fds[GT_DOORS], int control_backlog,
                   char *why, size_t why_cap);
struct gt_http_way {
	struct gt_http *http;
	enum gt_http_door door;
	bool wide; /* of the server for long heads (http_wide.h) */
	struct gt_http_way *wider; /* that one's; NULL: there is none */
	struct MHD_Daemon *server; /* NULL: not started */
};

/* What http_who.c knows of callers: names the node goes by, guesses. */
struct gt_http_callers;
/* NULL: out of memory. */
struct gt_http_callers *gt_http_callers_new(const struct gt_config *config);
void gt_http_callers_free(struct gt_http_callers *callers); /* NULL is fine */

/* What the library calls, each with a way as its cls. http_lead.c */
void gt_http_on_connection(void *way, struct MHD_Connection *c, void **place,
                           enum MHD_ConnectionNotificationCode what);
void *gt_http_on_line(void *way, const char *uri, struct MHD_Connection *c);
enum MHD_Result gt_http_on_request(void *way, struct MHD_Connection *c,
                                   const char *url, const char *method,
                                   const char *version, const char *data,
                                   size_t *n, void **state);
void gt_http_on_done(void *way, struct MHD_Connection *c, void **state,
                     enum MHD_RequestTerminationCode why);

/* Whether the host a request names is this node's, as far as a name can tell:
 * an address, a name of the machine, or one of http.names. A page from
 * elsewhere that has its own name point here (DNS rebinding) is told apart by
 * it. http_who.c */
bool gt_http_host_ours(struct gt_request *rq);

/* glibc's switch of name services, read before memory can be short. Once,
 * before the first request. */
void gt_http_who_warm(void);
/* Opens http->access; what http.terminals of an earlier program says is taken
 * over by a node that has no credentials file, and the log tells who may do
 * what. 0; -GT_EINVALID, -GT_EIO, -GT_ENOMEM and why. */
int gt_http_who_open(struct gt_http *http, char *why, size_t why_cap);
/* Looks whether the file of credentials is another one, as gt_access_look, and
 * tells the log. */
void gt_http_who_renew(struct gt_http *http, bool asked);
/* May the caller use rq->route? Sets rq->who, and rq->actor to the name he
 * proved or the kernel tells, if the route asks for one. 0; -GT_EIDENTITY: he
 * has proved no name that may, -GT_EDENIED: the one he proved may not, or
 * nobody may who comes that way, -GT_EBUSY: later, in rq->wait_ms if that is
 * known. */
int gt_http_who_judge(struct gt_request *rq);
/* The answer to whom gt_http_who_judge refused with that status: 401, 403, 429
 * or 503. */
enum MHD_Result gt_http_who_refuse(struct gt_request *rq, int status);

#endif
