/* http_who.c: who a caller is, and whether a route is his.
 * Tests: u_http_api.c. */
#include <asm/socket.h> /* SO_PEERCRED, which POSIX does not show */
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "door_inside.h"
#include "http_parse.h"

/* glibc reads its switch of name services with the first look-up, and dies of
 * an assertion or worse when memory is short just then: let it be now. */
void gt_http_who_warm(void)
{
	char room[4096];
	struct passwd pw, *found = NULL;
	(void)getpwuid_r(geteuid(), &pw, room, sizeof room, &found);
}

/* The operator's name: whoever opened the socket, as the kernel tells. */
static void name_operator(struct gt_request *rq)
{
	struct {
		pid_t pid;
		uid_t uid;
		gid_t gid;
	} peer; /* struct ucred, which POSIX does not show */
	socklen_t n = sizeof peer;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	        rq->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	gt_copy(rq->actor, sizeof rq->actor, "user:operator");
	if (!info || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED,
	                        &peer, &n) != 0)
		return;
	char room[4096];
	struct passwd pw, *found = NULL;
	if (getpwuid_r(peer.uid, &pw, room, sizeof room, &found) == 0 && found)
		gt_format(rq->actor, sizeof rq->actor, "user:%.80s",
		          found->pw_name);
	else
		gt_format(rq->actor, sizeof rq->actor, "user:%u",
		          (unsigned)peer.uid);
}

/* A terminal's name and password, where there are users. */
static bool prove(struct gt_request *rq)
{
	const struct gt_config *c = rq->http->env.config;
	char name[64], password[128];
	if (c->nusers == 0)
		return true;
	if (!gt_http_basic(gt_rq_header(rq, "Authorization"), name, sizeof name,
	                   password, sizeof password))
		return false;
	const struct gt_user *found = NULL;
	/* every row is compared, so that time does not tell which names are */
	for (size_t i = 0; i < c->nusers; i++) {
		bool same = gt_http_same_secret(c->users[i].name, name);
		same &= gt_http_same_secret(c->users[i].password, password);
		found = same ? &c->users[i] : found;
	}
	if (!found)
		return false;
	gt_format(rq->actor, sizeof rq->actor, "user:%s", found->name);
	return true;
}

bool gt_http_who_may(struct gt_request *rq)
{
	unsigned who = rq->route->who;
	if (rq->door == GT_DOOR_CONTROL) {
		name_operator(rq);
		return true;
	}
	/* a browser asks what it may send before it says for whom */
	if (who & GT_HTTP_ANYBODY || rq->method == GT_HTTP_OPTIONS)
		return true;
	return who & GT_HTTP_TERMINAL && prove(rq);
}

enum MHD_Result gt_http_who_refuse(struct gt_request *rq)
{
	char message[256];
	/* nobody has such a role over the network */
	if (!(rq->route->who & GT_HTTP_TERMINAL))
		return gt_rq_fail(rq, 403, -GT_EDENIED, GT_T_HTTP_OPERATORS);
	gt_http_say(message, sizeof message, rq->lang, GT_T_HTTP_WHO);
	struct MHD_Response *rs = gt_rs_error(-GT_EIDENTITY, message);
	if (rs)
		gt_rs_header(rs, "WWW-Authenticate",
		             "Basic realm=\"guantong\", charset=\"UTF-8\"");
	return gt_rq_send(rq, 401, rs);
}
