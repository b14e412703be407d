/* scrub.c: the slow look over the database's pages (sums.h), beside the node
 * that runs: a piece with each look of the guard, all of them once a day.
 * Tests: e2e/test_flips.py. */
#include "run_inside.h"

#include "log.h"
#include "say.h"
#include "sys.h"
#include "text.h"

enum {
	PAGES = 1024, /* in a piece: 4 MiB in two seconds */
	AGAIN_MS = 24 * 3600 * 1000,
};

static void on_scrub(uv_work_t *work)
{
	struct gt_service *s = work->data;
	uint64_t now = gt_sys_now().mono_ms;
	gt_sums_look(s->sums, now >= s->scrub_due ? PAGES : 0, &s->scrubbed);
	if (s->scrubbed.end)
		s->scrub_due = now + AGAIN_MS;
}

static void tell(struct gt_service *s, uint32_t page, bool mended)
{
	char detail[GT_SUMS_WHY];
	gt_sums_why(detail, page, mended);
	struct gt_event e = {
	        .type = GT_EV_NOTE,
	        .text = "database",
	        .detail = detail,
	        .actor = "daemon",
	        .status = -GT_EDAMAGED,
	};
	gt_log_line(mended ? GT_LOG_WARN : GT_LOG_ERROR, "database", "page",
	            GT_LOG_U(page), "why",
	            gt_text(mended ? GT_T_DAEMON_PAGE_MENDED
	                           : GT_T_DAEMON_PAGE_BAD),
	            NULL);
	(void)gt_core_post(s->core, &e, NULL);
}

static void on_scrubbed(uv_work_t *work, int status)
{
	struct gt_service *s = work->data;
	const struct gt_sums_look *l = &s->scrubbed;
	s->scrubbing = false;
	for (size_t i = 0; status == 0 && i < l->mended + l->bad; i++)
		tell(s, l->pages[i], i < l->mended);
}

void scrub_step(struct gt_service *s)
{
	if (s->scrubbing ||
	    (gt_sys_now().mono_ms < s->scrub_due && !gt_sums_met(s->sums)))
		return;
	s->scrub.data = s;
	s->scrubbing =
	        uv_queue_work(s->loop, &s->scrub, on_scrub, on_scrubbed) == 0;
}
