/* guard.c: whether the files a running node has open are still the ones that
 * have their names.
 *
 * A database that was deleted, or replaced, under a running node takes records
 * and keeps none of them: what is acknowledged goes with the last descriptor.
 * So the names are looked up every two seconds, and a node whose files went
 * stops, and leaves alone what is there now. So it does if its log was cut, or
 * altered: nothing of it goes into the database (log_sums.h). The files of
 * certificates, which somebody is to replace, are looked at in passing.
 * Tests: e2e/test_disk.py. */
#include "run_inside.h"

#include <sys/stat.h>

#include "dir.h"
#include "log.h"
#include "text.h"

enum { LOOK_MS = 2000 };

static const char *const names[] = {GT_DIR_DATABASE, GT_DIR_LOG, GT_DIR_LOCK};

static bool same(const struct run_file *a, const struct stat *st)
{
	return a->device == st->st_dev && a->inode == st->st_ino;
}

static void on_guard(uv_timer_t *timer)
{
	struct gt_service *s = timer->data;
	struct stat st;
	for (size_t i = 0; i < RUN_FILES; i++) {
		bool here = stat(names[i], &st) == 0;
		if (s->files[i].inode == 0 || (here && same(&s->files[i], &st)))
			continue;
		uv_timer_stop(timer);
		s->abandoned = true;
		gt_log_line(GT_LOG_ERROR, "stopping", "file", names[i], "what",
		            here ? "replaced" : "deleted", "why",
		            gt_text(GT_T_DAEMON_FILE_WENT), NULL);
		perform_end(s, GT_SERVICE_FAILED);
		return;
	}
	if (!atomic_load(&s->failed) && scrub_wrong(s)) {
		uv_timer_stop(timer);
		perform_end(s, GT_SERVICE_FAILED);
		return;
	}
	control_look(s);
	gt_http_renew(s->http, false);
	scrub_step(s);
}

void guard_start(struct gt_service *s)
{
	struct stat st;
	static_assert(sizeof names / sizeof *names == RUN_FILES, "each file");
	for (size_t i = 0; i < RUN_FILES; i++)
		if (stat(names[i], &st) == 0)
			s->files[i] = (struct run_file){st.st_dev, st.st_ino};
	control_remember(s);
	(void)uv_timer_start(&s->guard, on_guard, LOOK_MS, LOOK_MS);
	scrub_step(s);
}
