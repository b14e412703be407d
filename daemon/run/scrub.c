/* scrub.c: the slow look over the database's pages (sums.h), beside the node
 * that runs: a piece with each look of the guard, all of them once a day; over
 * the pages of its log; and over the files of attachments, as over the pages.
 * Tests: e2e/test_flips.py, e2e/test_attachments.py. */
#include "run_inside.h"

#include <unistd.h>

#include "annex.h"
#include "copies.h"
#include "database.h"
#include "dir.h"
#include "log.h"
#include "say.h"
#include "sys.h"
#include "text.h"
#include "translate.h"

enum {
	PAGES = 1024, /* in a piece: 4 MiB in two seconds */
	AGAIN_MS = 24 * 3600 * 1000,
	FRAMES = 512, /* of the log: each is looked at again and again */
	ATTACHED_BYTES = 8 << 20, /* in a piece, or a file more */
	ATTACHED_FILES = 64,
	BLOCK = 64 << 10,
};

bool scrub_wrong(const struct gt_service *s)
{
	static const char *const what[] = {
	        [GT_LOG_SHORT] = "cut",
	        [GT_LOG_OTHER] = "overwritten",
	        [GT_LOG_FRAME] = "altered",
	};
	enum gt_log_wrong wrong = gt_log_sums_wrong(s->log_sums);
	if (wrong == GT_LOG_WHOLE)
		return false;
	gt_log_line(GT_LOG_ERROR, "stopping", "file", GT_DIR_LOG, "what",
	            what[wrong], "why", gt_text(GT_T_DAEMON_LOG_WENT), NULL);
	return true;
}

static void log_mended(uint32_t frame)
{
	gt_log_line(GT_LOG_WARN, "database", "file", GT_DIR_LOG, "frame",
	            GT_LOG_U(frame), "why", gt_text(GT_T_DAEMON_LOG_MENDED),
	            NULL);
}

/* What failed already has said so. */
bool scrub_last(const struct gt_service *s)
{
	uint32_t told[GT_LOG_TOLD];
	if (!s->log_sums)
		return false;
	bool said = gt_log_sums_found(s->log_sums) != GT_LOG_WHOLE;
	bool whole = gt_log_sums_last(s->log_sums);
	size_t n = gt_log_sums_look(s->log_sums, 0, told);
	for (size_t i = 0; i < n; i++)
		log_mended(told[i]);
	if (!whole && !(said && atomic_load(&s->failed)))
		(void)scrub_wrong(s);
	return !whole;
}

static bool is_due(const struct gt_service *s)
{
	return gt_sys_now().mono_ms >= s->scrub_due || gt_sums_met(s->sums);
}

/* ------------------------------------------------------- attachments */

/* What is wrong with the file of an attachment. 0; -GT_EUNKNOWN, -GT_EDAMAGED,
 * -GT_EIO; -GT_ENOMEM: nothing is known. */
static int look_attachment(const struct gt_annex *x, const struct gt_sha2 *sha2)
{
	static uint8_t block[BLOCK]; /* one look at a time */
	struct gt_sha2_run run;
	struct gt_sha2 is;
	uint64_t size;
	int status = 0, fd = gt_annex_open(x, sha2, &size);
	if (fd < 0)
		return fd;
	gt_sha2_begin(&run, sha2->n);
	for (uint64_t at = 0; status == 0 && at < size;) {
		size_t n = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
		status = gt_sys_pread(fd, block, n, at);
		gt_sha2_add(&run, gt_bytes_of(block, status ? 0 : n));
		at += n;
	}
	gt_sha2_end(&run, &is);
	close(fd);
	return status ? status : gt_sha2_eq(&is, sha2) ? 0 : -GT_EDAMAGED;
}

static void look_at_attachments(struct run_annex *a, struct gt_reader *r,
                                const struct gt_annex *x)
{
	struct gt_sha2 sha2;
	uint64_t size, bytes = 0;
	int more = 1;
	for (int i = 0; more == 1 && i < ATTACHED_FILES &&
	                bytes < ATTACHED_BYTES && a->nlost < RUN_ANNEX_LOST;
	     i++) {
		more = gt_read_attachment_next(r, &a->aid, &sha2, &size);
		int status =
		        more == 1 && sha2.n > 0 ? look_attachment(x, &sha2) : 0;
		bytes += more == 1 ? size : 0;
		if (status == 0 || status == -GT_ENOMEM)
			continue;
		a->lost[a->nlost].sha2 = sha2;
		a->lost[a->nlost++].status = status;
	}
	if (more == 1)
		return;
	a->aid = 0;
	a->due = gt_sys_now().mono_ms + AGAIN_MS;
}

static void on_annex(struct gt_service *s)
{
	char why[RUN_WHY];
	s->annex.nlost = 0;
	if (gt_sys_now().mono_ms < s->annex.due)
		return;
	struct gt_reader *r = gt_database_reader(s->database, why, sizeof why);
	struct gt_annex *x = gt_annex_new(".", 0);
	if (r && x)
		look_at_attachments(&s->annex, r, x);
	gt_annex_free(x);
	gt_reader_free(r);
}

static void tell_attachments(const struct gt_service *s)
{
	for (size_t i = 0; i < s->annex.nlost; i++) {
		struct gt_event e = {
		        .type = GT_EV_ATTACHMENT_LOST,
		        .body = gt_sha2_bytes(&s->annex.lost[i].sha2),
		        .status = s->annex.lost[i].status};
		(void)gt_core_post(s->core, &e, NULL);
	}
}

/* ------------------------------------------------------------- pages */

static void on_scrub(uv_work_t *work)
{
	struct gt_service *s = work->data;
	uint64_t now = gt_sys_now().mono_ms;
	s->nscrubbed_log =
	        gt_log_sums_look(s->log_sums, FRAMES, s->scrubbed_log);
	s->scrubbed = (struct gt_sums_look){0};
	on_annex(s);
	if (is_due(s))
		gt_sums_look(s->sums, now >= s->scrub_due ? PAGES : 0,
		             &s->scrubbed);
	if (s->scrubbed.end)
		s->scrub_due = now + AGAIN_MS;
}

/* pages: that were put right; bad: that cannot be */
static void note(struct gt_service *s, const char *detail, size_t pages,
                 size_t bad)
{
	struct gt_event e = {
	        .type = GT_EV_NOTE,
	        .text = "database",
	        .detail = detail,
	        .actor = "daemon",
	        .status = -GT_EDAMAGED,
	        .count = pages,
	        .number = (int64_t)bad,
	};
	(void)gt_core_post(s->core, &e, NULL);
}

static void tell(struct gt_service *s, uint32_t page, bool mended)
{
	char detail[GT_SUMS_WHY];
	gt_sums_why(detail, page, mended);
	if (!mended)
		mend_later();
	gt_log_line(mended ? GT_LOG_WARN : GT_LOG_ERROR, "database", "page",
	            GT_LOG_U(page), "why",
	            gt_text(mended ? GT_T_DAEMON_PAGE_MENDED
	                           : GT_T_DAEMON_PAGE_BAD),
	            NULL);
	note(s, detail, mended, !mended);
}

static void tell_log(struct gt_service *s, enum gt_wal_did did, uint32_t frame)
{
	char detail[GT_WAL_WHY];
	gt_wal_why(detail, did, frame);
	if (did == GT_WAL_MENDED)
		log_mended(frame);
	note(s, detail, 0, 0);
}

static void copy_gone(void *arg, const char *path)
{
	(void)arg;
	gt_log_line(GT_LOG_WARN, "database", "file", path, "why",
	            gt_text(GT_T_DAEMON_COPY_GONE), NULL);
}

void scrub_left(struct gt_service *s)
{
	const struct gt_wal_found *f = &s->left;
	for (size_t i = 0; i < f->mended && i < GT_WAL_TOLD; i++)
		tell_log(s, GT_WAL_MENDED, f->frames[i]);
	if (f->aside[0])
		tell_log(s, GT_WAL_OTHER, 0);
	if (f->altered)
		tell_log(s, GT_WAL_ALTERED, f->altered);
	else if (f->is == GT_WAL_LOST && !s->log_missing)
		tell_log(s, GT_WAL_CUT, 0);
	gt_copies_trim(GT_DIR_DATABASE, copy_gone, NULL);
}

static void on_scrubbed(uv_work_t *work, int status)
{
	struct gt_service *s = work->data;
	const struct gt_sums_look *l = &s->scrubbed;
	s->scrubbing = false;
	if (status == 0)
		tell_attachments(s);
	for (size_t i = 0; status == 0 && i < s->nscrubbed_log; i++)
		tell_log(s, GT_WAL_MENDED, s->scrubbed_log[i]);
	for (size_t i = 0; status == 0 && i < l->mended + l->bad; i++)
		tell(s, l->pages[i], i < l->mended);
}

void scrub_broke(struct gt_service *s)
{
	char why[sizeof s->broke], text[GT_TRANSLATE_MAX], detail[GT_SUMS_WHY];
	pthread_mutex_lock(&s->mark_lock);
	gt_copy(why, sizeof why, s->broke);
	s->broke[0] = '\0';
	pthread_mutex_unlock(&s->mark_lock);
	if (why[0] == '\0')
		return;
	scrub_step(s);
	if (s->broke_told || gt_sums_bad(s->sums) || gt_sums_met(s->sums))
		return;
	s->broke_told = true;
	gt_log_line(GT_LOG_ERROR, "database", "error",
	            gt_translate(text, NULL, why), "why",
	            gt_text(GT_T_DAEMON_DB_BROKE), NULL);
	gt_sums_why(detail, 0, false);
	note(s, detail, 0, 1);
}

void scrub_step(struct gt_service *s)
{
	bool annex = gt_sys_now().mono_ms >= s->annex.due;
	if (s->scrubbing ||
	    (!is_due(s) && !annex && !gt_log_sums_some(s->log_sums)))
		return;
	s->scrub.data = s;
	s->scrubbing =
	        uv_queue_work(s->loop, &s->scrub, on_scrub, on_scrubbed) == 0;
}
