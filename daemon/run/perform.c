/* perform.c: what the core decides, done: the mirror of node.h, which lists the
 * actions.
 * Tests: e2e/test_house.py. */
#include "run_inside.h"

#include <errno.h>
#include <string.h>

#include "files.h"
#include "log.h"
#include "text.h"

#define POLICY_MARK "data/policy.sha256"

void perform_end(struct gt_service *s, int exit_status)
{
	int none = 0;
	(void)atomic_compare_exchange_strong(&s->failed, &none, exit_status);
	uv_async_send(&s->wake);
}

/* -------------------------------------------------------- own layer */

/* Remembers which policy file the node has taken, so that a restart does not
 * undo a layer set since through the command line. */
static void mark_policy(struct gt_service *s)
{
	char hex[GT_HEX_ID], why[RUN_WHY];
	pthread_mutex_lock(&s->mark_lock);
	gt_id_hex(hex, &s->mark);
	pthread_mutex_unlock(&s->mark_lock);
	if (gt_files_write(POLICY_MARK, 0600, GT_FILES_OURS, gt_bytes_str(hex),
	                   why, sizeof why) != 0)
		gt_log_line(GT_LOG_WARN, "policy-mark", "file", POLICY_MARK,
		            "why", strerror(errno), NULL);
}

bool perform_is_taken(const struct gt_id *layer_hash)
{
	struct gt_buffer file;
	struct gt_id taken;
	char why[RUN_WHY];
	bool is =
	        gt_files_read(POLICY_MARK, 256, &file, why, sizeof why) == 0 &&
	        gt_unhex(taken.b, GT_ID_BYTES, (const char *)file.p) &&
	        gt_id_eq(&taken, layer_hash);
	gt_buffer_free(&file);
	return is;
}

static void own_reply(struct gt_service *s, const struct gt_action *a)
{
	const char *what = a->token == TOKEN_LAYER ? "policy" : "members";
	if (a->status != 0) {
		gt_log_line(GT_LOG_ERROR, what, "refused",
		            gt_errname(a->status), "why", a->text, NULL);
		return;
	}
	gt_log_line(GT_LOG_DEBUG, what, "accepted", a->text, NULL);
	if (a->token == TOKEN_LAYER)
		mark_policy(s);
}

static void reply(struct gt_service *s, const struct gt_action *a)
{
	if (a->token == TOKEN_LAYER || a->token == TOKEN_MEMBERS)
		own_reply(s, a);
	else if (a->token != 0 && s->http)
		gt_http_reply(s->http, a);
}

static void blob(struct gt_service *s, const struct gt_action *a)
{
	if (gt_blobs_submit(s->blobs, a))
		return;
	gt_log_line(GT_LOG_ERROR, "memory", "why", gt_strerror(-GT_ENOMEM),
	            NULL);
	perform_end(s, GT_SERVICE_FAILED);
}

static void perform_one(struct gt_service *s, const struct gt_action *a)
{
	struct gt_links *links = atomic_load(&s->links);
	switch (a->type) {
	case GT_ACT_SEND:
		/* false: the link is gone; PEER_DOWN says so too */
		if (links)
			(void)gt_link_send(links, a->peer, a->token, a->head,
			                   a->payload);
		break;
	case GT_ACT_DROP:
		if (links && a->status == 0)
			gt_link_drop(links, a->peer, a->text ? a->text : "");
		else if (links)
			gt_link_cut(links, a->peer, a->text ? a->text : "");
		break;
	case GT_ACT_DIAL_ABOVE:
		if (links)
			gt_link_dial_above(links);
		break;
	case GT_ACT_SERVE:
	case GT_ACT_PLACE:
	case GT_ACT_COPY:
	case GT_ACT_TAIL:
	case GT_ACT_SYNC:
	case GT_ACT_CHECK:
	case GT_ACT_ADOPT:
	case GT_ACT_REMOVE:
		blob(s, a);
		break;
	case GT_ACT_REPLY:
		reply(s, a);
		break;
	case GT_ACT_LOG:
		gt_log_node(a->status, a->text ? a->text : "");
		break;
	}
}

void perform(void *arg, const struct gt_action *a)
{
	struct gt_service *s = arg;
	if (!atomic_load(&s->whole)) {
		pthread_mutex_lock(&s->gate);
		pthread_mutex_unlock(&s->gate);
	}
	perform_one(s, a);
}

void perform_failed(void *arg, int status, const char *why)
{
	struct gt_service *s = arg;
	/* It waited for room until it was told to end: as in a crash, what was
	 * not committed was never said. */
	if (atomic_load(&s->stalled)) {
		gt_log_line(GT_LOG_WARN, "disk", "why", why, NULL);
		return;
	}
	if (scrub_wrong(s)) {
		perform_end(s, GT_SERVICE_FAILED);
		return;
	}
	if (gt_sums_bad(s->sums)) {
		mend_later();
		gt_log_line(GT_LOG_ERROR, "database", "page",
		            GT_LOG_U(gt_sums_bad(s->sums)), "why",
		            gt_text(GT_T_DAEMON_PAGE_BAD), NULL);
	}
	gt_log_line(GT_LOG_ERROR, "stopping", "error", gt_errname(status),
	            "why", why, "advice",
	            gt_text(gt_room_lack(s->room) ? GT_T_DAEMON_ADVICE_SYNC
	                                          : GT_T_DAEMON_ADVICE),
	            NULL);
	perform_end(s, GT_SERVICE_FAILED);
}
