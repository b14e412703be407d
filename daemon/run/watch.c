/* watch.c: systemd's watchdog, told only while every thread gets on.
 *
 * Its period is the unit's (WatchdogSec). Who has not got on for half of it is
 * stuck: then nothing is told any more, the log says who it is, and after the
 * other half systemd ends the node and starts it again.
 * Tests: e2e/test_watch.py, u_pulse.c, u_core.c. */
#include <systemd/sd-daemon.h>

#include "log.h"
#include "run_inside.h"

static void tell_stuck(struct gt_service *s, const char *part, const char *in,
                       int64_t ms)
{
	if (s->stuck)
		return;
	s->stuck = true;
	gt_log_line(GT_LOG_ERROR, "stuck", "part", part, "in", in, "ms",
	            GT_LOG_U(ms), NULL);
}

static void on_watch(uv_timer_t *timer)
{
	struct gt_service *s = timer->data;
	const char *in = "";
	/* a core that waits for room on the disk is not stuck: a start would
	 * find no more of it */
	int64_t core = atomic_load(&s->stalled)
	                       ? 0
	                       : gt_core_stuck(s->core, s->patience_ms);
	int64_t http = gt_http_stuck(s->http, s->patience_ms, &in);
	if (core > 0) {
		tell_stuck(s, "core", "turn", core);
	} else if (http > 0) {
		tell_stuck(s, "http", in, http);
	} else {
		s->stuck = false;
		(void)sd_notify(0, "WATCHDOG=1");
	}
}

void watch_start(struct gt_service *s)
{
	uint64_t us = 0;
	if (sd_watchdog_enabled(0, &us) <= 0)
		return;
	uint64_t ms = us / 1000, period = ms / 8 > 0 ? ms / 8 : 1;
	s->patience_ms = (int64_t)(ms / 2);
	(void)sd_notify(0, "WATCHDOG=1");
	(void)uv_timer_start(&s->watch, on_watch, period, period);
}
