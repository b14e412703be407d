/* mend.c: a database that cannot be read whole is made anew out of the rest
 * (salvage.h), before the node opens it.
 *
 * What is damaged stays beside, as data/guantong.db.damaged-TIME, with all that
 * could not be read in it. The new one is whole and synced before it takes the
 * name; a file says meanwhile that it is to be done, so whoever is killed in
 * between begins again at the next start. That file is also how a run that
 * meets a page it cannot read leaves word to the next.
 * Tests: e2e/test_flips.py. */
#include "run_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "dir.h"
#include "files.h"
#include "log.h"
#include "measure.h"
#include "salvage.h"
#include "say.h"
#include "sys.h"
#include "text.h"
#include "translate.h"

#define NEW GT_DIR_DATABASE ".mending"

enum {
	PATH = 128,
	EXTEND_S = 60,  /* systemd is told of, twice in that time */
	STEPS = 100000, /* of SQLite's, between words to systemd */
};

bool mend_due(void)
{
	return access(GT_DIR_MEND, F_OK) == 0;
}

void mend_later(void)
{
	char why[RUN_WHY];
	if (!mend_due() &&
	    gt_files_write(GT_DIR_MEND, 0600, GT_FILES_OURS,
	                   gt_bytes_str("damaged\n"), why, sizeof why) != 0)
		gt_log_line(GT_LOG_WARN, "database", "file", GT_DIR_MEND, "why",
		            why, NULL);
}

static int system_fault(char *why, size_t why_cap, const char *path)
{
	gt_format(why, why_cap, "%s: %s", path, gt_translate_errno(errno));
	return -GT_EIO;
}

/* There will be two of it. */
static int has_room(char *why, size_t why_cap)
{
	struct stat st;
	struct statvfs v;
	char size[GT_MEASURE_SIZE];
	if (stat(GT_DIR_DATABASE, &st) != 0 || statvfs(GT_DIR_DATA, &v) != 0)
		return system_fault(why, why_cap, GT_DIR_DATABASE);
	uint64_t unit = v.f_frsize ? v.f_frsize : v.f_bsize;
	if (v.f_bavail * unit > (uint64_t)st.st_size)
		return 0;
	gt_measure_size(size, (uint64_t)st.st_size);
	gt_say_into(why, why_cap, GT_T_DAEMON_MEND_ROOM, size);
	return -GT_ENOSPACE;
}

static void drop_new(void)
{
	static const char *const files[] = {NEW, NEW "-wal", NEW "-shm",
	                                    NEW "-journal"};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		(void)unlink(files[i]);
}

bool mend_cut(uint32_t *left, uint32_t *pages)
{
	enum { COUNT = 28, HEAD = 100 };
	uint8_t h[HEAD] = {0};
	struct stat st;
	int fd = open(GT_DIR_DATABASE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool read = fd >= 0 && fstat(fd, &st) == 0 &&
	            gt_sys_pread(fd, h, sizeof h, 0) == 0;
	if (fd >= 0)
		close(fd);
	*pages = (uint32_t)h[COUNT] << 24 | (uint32_t)h[COUNT + 1] << 16 |
	         (uint32_t)h[COUNT + 2] << 8 | h[COUNT + 3];
	*left = read ? (uint32_t)(st.st_size / GT_SUMS_PAGE) : 0;
	return read && *left < *pages;
}

/* SQLite moves no log into a file that is too much shorter than it was: what is
 * missing becomes zeros. */
static bool fill_up(void)
{
	uint32_t left, pages;
	return mend_cut(&left, &pages) &&
	       truncate(GT_DIR_DATABASE, (off_t)pages * GT_SUMS_PAGE) == 0;
}

static bool move_log(sqlite3 *db)
{
	int log = 0, done = 0;
	return sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE,
	                                 &log, &done) == SQLITE_OK &&
	       log == done;
}

/* Whatever the log holds is put where it belongs first: two files are to change
 * places, not three. */
static int open_old(const struct gt_service *s, sqlite3 **db, char *why,
                    size_t why_cap)
{
	int flags =
	        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
	if (sqlite3_open_v2(s->database, db, flags, NULL) == SQLITE_OK &&
	    (move_log(*db) || (fill_up() && move_log(*db))))
		return 0;
	gt_copy(why, why_cap,
	        *db ? sqlite3_errmsg(*db) : gt_strerror(-GT_ENOMEM));
	return -GT_ESTORE;
}

void mend_extend(struct gt_service *s)
{
	uint64_t now = gt_sys_now().mono_ms;
	if (now < s->extend_due)
		return;
	s->extend_due = now + EXTEND_S * 1000 / 2;
	(void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%d", EXTEND_S * 1000000);
}

static int on_steps(void *arg)
{
	mend_extend(arg);
	return 0;
}

static int salvage(struct gt_service *s, struct gt_salvaged *out, char *why,
                   size_t why_cap)
{
	sqlite3 *from = NULL, *to = NULL;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	            SQLITE_OPEN_NOMUTEX;
	int status = open_old(s, &from, why, why_cap);
	if (status == 0 &&
	    sqlite3_open_v2(NEW, &to, flags, NULL) != SQLITE_OK) {
		gt_copy(why, why_cap,
		        to ? sqlite3_errmsg(to) : gt_strerror(-GT_ENOMEM));
		sqlite3_close(to);
		status = -GT_ESTORE;
	}
	if (status == 0) {
		sqlite3_progress_handler(from, STEPS, on_steps, s);
		sqlite3_progress_handler(to, STEPS, on_steps, s);
	}
	if (status == 0)
		status = gt_salvage(from, to, s->config->code,
		                    !*s->config->parent, out, why, why_cap);
	sqlite3_close(from);
	return status;
}

static int sync_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int status = fd >= 0 && fsync(fd) == 0 ? 0 : -GT_EIO;
	int error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return status;
}

static bool gone(const char *path)
{
	return unlink(path) == 0 || errno == ENOENT;
}

/* The new one takes the name of the old, which gets another. */
static int change_over(char damaged[PATH], char *why, size_t why_cap)
{
	char sums[PATH + 8];
	long long at = (long long)(gt_sys_now().wall_ms / 1000);
	do /* one of the same second is there: nothing is written over */
		gt_format(damaged, PATH, GT_DIR_DATABASE ".damaged-%lld", at++);
	while (access(damaged, F_OK) == 0);
	gt_format(sums, sizeof sums, "%s-sums", damaged);
	if (sync_file(NEW) != 0)
		return system_fault(why, why_cap, NEW);
	mend_later();
	if (link(GT_DIR_DATABASE, damaged) != 0)
		return system_fault(why, why_cap, damaged);
	if ((link(GT_DIR_DATABASE "-sums", sums) != 0 && errno != ENOENT) ||
	    gt_sys_sync_parent(AT_FDCWD, damaged) != 0 ||
	    !gone(GT_DIR_DATABASE "-sums") || !gone(GT_DIR_LOG) ||
	    !gone(GT_DIR_DATABASE "-shm") ||
	    rename(NEW, GT_DIR_DATABASE) != 0 ||
	    gt_sys_sync_parent(AT_FDCWD, GT_DIR_DATABASE) != 0)
		return system_fault(why, why_cap, GT_DIR_DATABASE);
	(void)unlink(GT_DIR_MEND);
	return 0;
}

/* ------------------------------------------------------------- tell */

static void tell_lost(const struct gt_salvaged *out, const char *damaged)
{
	char names[GT_SALVAGE_NAMES * (GT_SALVAGE_NAME + 1)] = "";
	for (size_t i = 0; i < out->nnames; i++) {
		size_t n = strlen(names);
		gt_format(names + n, sizeof names - n, "%s%s", i ? " " : "",
		          out->names[i]);
	}
	gt_log_line(GT_LOG_ERROR, "database", "records_lost",
	            GT_LOG_U(out->gone), "entries_lost", GT_LOG_U(out->own),
	            "names", names, "file", damaged, "why",
	            gt_text(GT_T_DAEMON_MEND_LOST), NULL);
}

static void tell(struct gt_service *s, const struct gt_salvaged *out,
                 const char *damaged, const char *what)
{
	uint64_t holes = 0;
	for (size_t i = 0; i < out->ntables; i++) {
		const struct gt_salvaged_table *t = &out->tables[i];
		holes += t->holes;
		if (t->holes > 0)
			gt_log_line(GT_LOG_WARN, "database", "table", t->name,
			            "kept", GT_LOG_U(t->kept), "unreadable",
			            GT_LOG_U(t->holes), "why",
			            gt_text(GT_T_DAEMON_MEND_TABLE), NULL);
	}
	gt_log_line(GT_LOG_WARN, "database", "rows", GT_LOG_U(out->rows),
	            "unreadable", GT_LOG_U(holes), "asked_back",
	            GT_LOG_U(out->asked), "file", damaged, "what", what, "why",
	            gt_text(GT_T_DAEMON_MENDED), NULL);
	if (out->gone + out->own > 0)
		tell_lost(out, damaged);
	static_assert(sizeof s->mended == GT_SALVAGE_SAID, "it fits");
	gt_salvage_say(s->mended, out);
}

/* It may be long, and nothing answers before it ends. */
static void say_begin(struct gt_service *s, const char *what)
{
	struct stat st = {0};
	(void)stat(GT_DIR_DATABASE, &st);
	gt_log_line(GT_LOG_WARN, "database", "pages",
	            GT_LOG_U(st.st_size / GT_SUMS_PAGE), "what", what, "why",
	            gt_text(GT_T_DAEMON_MENDING), NULL);
	(void)sd_notifyf(0, "STATUS=%s", gt_text(GT_T_DAEMON_MENDING));
	s->extend_due = 0;
	mend_extend(s);
}

int mend(struct gt_service *s, const char *what, bool *restored, char *why,
         size_t why_cap)
{
	struct gt_salvaged out;
	char damaged[PATH];
	drop_new();
	int status = has_room(why, why_cap);
	if (status == 0)
		say_begin(s, what);
	if (status == 0)
		status = salvage(s, &out, why, why_cap);
	if (status == 0)
		status = change_over(damaged, why, why_cap);
	if (status != 0) {
		drop_new();
		return status;
	}
	(void)sd_notify(0, "STATUS=");
	*restored = out.restored;
	tell(s, &out, damaged, what);
	return 0;
}
