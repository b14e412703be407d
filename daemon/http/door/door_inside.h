/* door_inside.h: what the files of door/ share. */
#ifndef GT_DOOR_INSIDE_H
#define GT_DOOR_INSIDE_H

#include "http_route.h"

/* Opens the sockets of all doors: fds[door], -1 where the configuration has
 * none; the ports go into http->ports. control_backlog: of the control socket.
 * 0, or -GT_EIO and why, with nothing open. */
int gt_http_listen(struct gt_http *http, int fds[GT_DOORS], int control_backlog,
                   char *why, size_t why_cap);
/* glibc's switch of name services, read before memory can be short. Once,
 * before the first request. */
void gt_http_who_warm(void);
/* May the caller use rq->route? Sets rq->actor to the name he proved or the
 * kernel tells, if the route asks for one. */
bool gt_http_who_may(struct gt_request *rq);
/* 401, for whom gt_http_who_may was false. */
enum MHD_Result gt_http_who_refuse(struct gt_request *rq);

#endif
