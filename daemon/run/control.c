/* control.c: the control socket of a running node, made again where somebody
 * removed it.
 *
 * Without it the operator reaches nothing, though the node runs: so its name is
 * looked up with those of guard.c. HTTP keeps listening on the socket it has,
 * which nobody can reach any more; who comes to the new one is handed to it
 * here.
 * Tests: e2e/test_disk.py. */
#include "run_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dir.h"
#include "listen.h"
#include "log.h"
#include "say.h"
#include "translate.h"

enum { BACKLOG = 32 };

/* A socket that took the place of HTTP's own. */
struct run_control {
	uv_poll_t poll;
	struct gt_service *service;
	int fd;
};

static void on_comer(uv_poll_t *poll, int status, int events)
{
	struct run_control *c = poll->data;
	struct sockaddr_un from;
	socklen_t n = sizeof from;
	(void)events;
	int fd = status == 0 ? accept(c->fd, (struct sockaddr *)&from, &n) : -1;
	if (fd >= 0)
		gt_http_take_control(c->service->http, fd,
		                     (struct sockaddr *)&from, n);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
		(void)uv_poll_stop(poll); /* until the next look */
}

static void on_gone(uv_handle_t *h)
{
	struct run_control *c = h->data;
	c->service->control_handles--;
	free(c);
}

void control_stop(struct gt_service *s)
{
	struct run_control *c = s->control;
	s->control = NULL;
	if (!c)
		return;
	(void)uv_poll_stop(&c->poll);
	close(c->fd);
	uv_close((uv_handle_t *)&c->poll, on_gone);
}

/* Listens anew; what listened here before is not needed any more. 0, or -1 and
 * errno. */
static int make_again(struct gt_service *s)
{
	struct run_control *c = calloc(1, sizeof *c);
	if (!c || gt_listen_unix(GT_DIR_CONTROL, BACKLOG, &c->fd) != 0) {
		free(c);
		return -1;
	}
	c->service = s;
	c->poll.data = c;
	int bad = uv_poll_init(s->loop, &c->poll, c->fd);
	if (bad) {
		close(c->fd);
		free(c);
		errno = -bad;
		return -1;
	}
	s->control_handles++;
	control_stop(s);
	s->control = c;
	(void)uv_poll_start(&c->poll, UV_READABLE, on_comer);
	return 0;
}

static bool is_there(const struct gt_service *s)
{
	struct stat st;
	return lstat(GT_DIR_CONTROL, &st) == 0 &&
	       st.st_dev == s->control_file.device &&
	       st.st_ino == s->control_file.inode;
}

void control_remember(struct gt_service *s)
{
	struct stat st;
	if (lstat(GT_DIR_CONTROL, &st) == 0)
		s->control_file = (struct run_file){st.st_dev, st.st_ino};
}

void control_look(struct gt_service *s)
{
	char why[RUN_WHY];
	if (s->control)
		(void)uv_poll_start(&s->control->poll, UV_READABLE, on_comer);
	if (is_there(s))
		return;
	bool made = make_again(s) == 0;
	if (made)
		gt_say_into(why, sizeof why, GT_T_DAEMON_CONTROL_AGAIN);
	else
		gt_say_into(why, sizeof why, GT_T_DAEMON_CONTROL_GONE,
		            gt_translate_errno(errno));
	if (made)
		control_remember(s);
	if (made || !s->control_failed)
		gt_log_line(made ? GT_LOG_WARN : GT_LOG_ERROR, "control-socket",
		            "file", GT_DIR_CONTROL, "why", why, NULL);
	s->control_failed = !made;
}
