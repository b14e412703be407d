/* http_listen.c: the sockets of the doors.
 *
 * A configuration that says nothing of content and staff (one of an earlier
 * release, or "auto") starts in any case: their addresses follow from
 * http.listen, and where such a port is taken the system chooses another. What
 * came of it is in the log, in run.json and in the status.
 * Tests: u_http_doors.c, e2e/test_doors.py. */
#include <errno.h>
#include <unistd.h>

#include "address.h"
#include "dir.h"
#include "door_inside.h"
#include "listen.h"
#include "log.h"
#include "translate.h"

enum { BACKLOG = 128, ADDRESS = 256 };

static int cannot(int status, enum gt_http_door door, const char *where,
                  char *why, size_t why_cap)
{
	char key[32];
	int error = errno;
	gt_format(key, sizeof key, "http.%s", gt_http_door_name(door));
	if (status == -GT_EINVALID)
		gt_http_say(why, why_cap, NULL, GT_T_HTTP_BAD_ADDRESS,
		            gt_http_door_name(door), where);
	else
		gt_listen_refused(why, why_cap, key, where, error);
	return -GT_EIO;
}

/* "" in `where`: the door is shut. True: nobody wrote the address down. */
static bool address_of(const struct gt_config *c, enum gt_http_door door,
                       char where[ADDRESS])
{
	if (door == GT_DOOR_CONTENT)
		return gt_config_content(c, where);
	if (door == GT_DOOR_STAFF)
		return gt_config_staff(c, where);
	(void)gt_copy(where, ADDRESS, c->http);
	return false;
}

static void tell(const struct gt_http *http, enum gt_http_door door,
                 const char *where, bool taken)
{
	char why[512];
	gt_http_say(why, sizeof why, NULL,
	            taken ? GT_T_HTTP_DERIVED_TAKEN : GT_T_HTTP_DERIVED,
	            gt_http_door_name(door));
	gt_log_line(taken ? GT_LOG_WARN : GT_LOG_INFO, "http-listen", "door",
	            gt_http_door_name(door), "address", where, "port",
	            GT_LOG_U(http->ports[door]), "why", why, NULL);
}

static int open_door(struct gt_http *http, enum gt_http_door door, int *fd,
                     char *why, size_t why_cap)
{
	char where[ADDRESS];
	bool derived = address_of(http->env.config, door, where);
	if (!*where)
		return 0;
	uint16_t *port = &http->ports[door];
	int status = gt_listen_tcp(where, BACKLOG, fd, port);
	bool taken = derived && status == -GT_EIO && errno == EADDRINUSE;
	if (taken) {
		char any[ADDRESS + 4], host[ADDRESS];
		const char *old;
		(void)gt_address_split(where, host, sizeof host, &old);
		gt_format(any, sizeof any, "%.*s0", (int)(old - where), where);
		status = gt_listen_tcp(any, BACKLOG, fd, port);
	}
	if (status != 0)
		return cannot(status, door, where, why, why_cap);
	if (derived)
		tell(http, door, where, taken);
	return 0;
}

int gt_http_listen(struct gt_http *http, int fds[GT_DOORS], int control_backlog,
                   char *why, size_t why_cap)
{
	int status = 0, *control = &fds[GT_DOOR_CONTROL];
	for (unsigned i = 0; i < GT_DOORS; i++)
		fds[i] = -1;
	for (unsigned i = 0; i < GT_DOOR_CONTROL && status == 0; i++)
		status = open_door(http, i, &fds[i], why, why_cap);
	/* the database already said that there is one daemon only */
	if (status == 0 &&
	    gt_listen_unix(GT_DIR_CONTROL, control_backlog, control) != 0) {
		gt_http_say(why, why_cap, NULL, GT_T_HTTP_NO_CONTROL,
		            gt_translate_errno(errno));
		status = -GT_EIO;
	}
	if (status == 0)
		return 0;
	for (unsigned i = 0; i < GT_DOORS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return status;
}
