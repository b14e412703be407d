/* u_room.c: room that is kept for the database, and given to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "room_vfs.h"
#include "vfs_layer.h"

enum { MIB = 1 << 20 };

/* A disk of its own: only root may have one. */
struct box {
	char dir[40], kept[64], db[60], log[64], fill[64];
	struct gt_room *room;
	struct gt_room_vfs *vfs;
	atomic_int stalls, goes, given;
};

static void on_stalled(void *arg, bool is)
{
	struct box *b = arg;
	atomic_fetch_add(is ? &b->stalls : &b->goes, 1);
}

static void on_given(void *arg)
{
	struct box *b = arg;
	atomic_fetch_add(&b->given, 1);
}

static int made(void **state)
{
	struct box *b = calloc(1, sizeof *b);
	assert_non_null(b);
	gt_format(b->dir, sizeof b->dir, "/tmp/gt-room-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	gt_format(b->kept, sizeof b->kept, "%s/reserve", b->dir);
	gt_format(b->db, sizeof b->db, "%s/db", b->dir);
	gt_format(b->log, sizeof b->log, "%s-wal", b->db);
	gt_format(b->fill, sizeof b->fill, "%s/fill", b->dir);
	*state = b;
	return 0;
}

static int gone(void **state)
{
	struct box *b = *state;
	gt_room_vfs_close(b->vfs);
	gt_room_close(b->room);
	(void)umount2(b->dir, MNT_DETACH);
	char command[80];
	gt_format(command, sizeof command, "rm -rf %s", b->dir);
	assert_int_equal(system(command), 0);
	free(b);
	return 0;
}

static void disk(struct box *b, unsigned mib)
{
	char size[32];
	gt_format(size, sizeof size, "size=%um", mib);
	if (mount("tmpfs", b->dir, "tmpfs", 0, size) != 0)
		skip();
}

static void keep(struct box *b, uint64_t size)
{
	static const struct gt_room_events events = {on_stalled, on_given};
	assert_int_equal(
	        gt_room_open(&b->room, b->kept, b->log, size, &events, b), 0);
}

static uint64_t avail(struct box *b)
{
	struct statvfs v;
	assert_int_equal(statvfs(b->dir, &v), 0);
	return v.f_bavail * v.f_frsize;
}

/* Somebody else takes all but so much. */
static void fill(struct box *b, uint64_t but)
{
	int fd = open(b->fill, O_RDWR | O_CREAT, 0600);
	struct stat st;
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	uint64_t now = avail(b);
	assert_true(now >= but);
	if (now > but)
		assert_int_equal(
		        posix_fallocate(fd, st.st_size, (off_t)(now - but)), 0);
	close(fd);
	assert_int_equal(avail(b), but);
}

static bool give(struct box *b, enum gt_room_for what)
{
	return gt_room_give(b->room, GT_LACK_ROOM, what);
}

static void kept_given_and_taken_back(void **state)
{
	struct box *b = *state;
	disk(b, 64);
	keep(b, 2 * MIB);
	assert_int_equal(gt_room_kept(b->room), 2 * MIB);
	/* records leave as much again */
	size_t room = gt_room_look(b->room);
	assert_true(room <= avail(b) - 2 * MIB && room > 50 * MIB);
	fill(b, 0);
	assert_int_equal(gt_room_look(b->room), 0);
	assert_true(give(b, GT_ROOM_LOG));
	assert_int_equal(avail(b), 2 * MIB - gt_room_kept(b->room));
	while (give(b, GT_ROOM_DATABASE))
		;
	assert_int_equal(gt_room_kept(b->room), MIB);
	while (give(b, GT_ROOM_LOG))
		;
	assert_int_equal(gt_room_kept(b->room), GT_ROOM_START);
	while (give(b, GT_ROOM_INDEX))
		;
	assert_int_equal(gt_room_kept(b->room), 0);
	assert_int_equal(atomic_load(&b->given), 2 * MIB / (64 << 10));
	/* nobody waits who was not told that he may */
	assert_int_equal(atomic_load(&b->stalls), 0);
	assert_int_equal(gt_room_lack(b->room), GT_LACK_ROOM);
	assert_int_equal(gt_room_look(b->room), 0);
	assert_int_equal(unlink(b->fill), 0);
	assert_true(gt_room_look(b->room) > 50 * MIB);
	assert_int_equal(gt_room_kept(b->room), 2 * MIB);
}

static void at_most_a_part_of_the_disk(void **state)
{
	struct box *b = *state;
	disk(b, 16);
	keep(b, 64 * MIB);
	assert_int_equal(gt_room_kept(b->room), MIB);
}

static void a_start_has_its_room_or_says_so(void **state)
{
	struct box *b = *state;
	uint64_t free_now;
	disk(b, 64);
	keep(b, 3 * MIB);
	gt_room_close(b->room);
	b->room = NULL;
	fill(b, 0);
	keep(b, 3 * MIB);
	assert_true(gt_room_start(b->room, &free_now));
	assert_int_equal(free_now, 0);
	/* and takes none of it before it needs some */
	assert_int_equal(gt_room_kept(b->room), 3 * MIB);
	while (give(b, GT_ROOM_INDEX))
		;
	fill(b, GT_ROOM_START - 4096);
	assert_false(gt_room_start(b->room, &free_now));
	assert_int_equal(free_now, GT_ROOM_START - 4096);
	assert_int_equal(gt_room_lack(b->room), GT_LACK_ROOM);
	assert_int_equal(unlink(b->fill), 0);
	assert_true(gt_room_start(b->room, &free_now));
	assert_int_equal(gt_room_lack(b->room), GT_LACK_NONE);
}

/* Each gives some of it, and the disk is filled up behind each: what was not
 * used is not let go. */
static void starts_do_not_use_it_up(void **state)
{
	struct box *b = *state;
	disk(b, 64);
	keep(b, MIB);
	fill(b, 0);
	for (int i = 0; i < 30; i++) {
		assert_true(give(b, GT_ROOM_LOG));
		assert_true(give(b, GT_ROOM_INDEX));
		if (i % 2)
			gt_room_regain(b->room);
		gt_room_close(b->room);
		b->room = NULL;
		fill(b, 0);
		keep(b, MIB);
	}
	assert_int_equal(gt_room_kept(b->room), MIB);
}

/* Only what was given: what others let go is not taken from them. */
static void no_more_is_regained_than_was_given(void **state)
{
	struct box *b = *state;
	disk(b, 64);
	keep(b, 2 * MIB);
	fill(b, 0);
	while (give(b, GT_ROOM_INDEX))
		;
	gt_room_close(b->room);
	b->room = NULL;
	assert_int_equal(unlink(b->fill), 0);
	fill(b, MIB);
	uint64_t was = avail(b);
	keep(b, 2 * MIB);
	gt_room_regain(b->room);
	assert_int_equal(avail(b), was);
}

/* What lies in the log is to be moved into the database. */
static void records_leave_room_for_the_log(void **state)
{
	struct box *b = *state;
	disk(b, 64);
	keep(b, 2 * MIB);
	size_t before = gt_room_look(b->room);
	int fd = open(b->log, O_RDWR | O_CREAT, 0600);
	assert_int_equal(posix_fallocate(fd, 0, 5 * MIB), 0);
	close(fd);
	assert_int_equal(gt_room_look(b->room), before - 10 * MIB);
}

/* As a backup brings it back. */
static void a_copy_without_blocks_keeps_nothing(void **state)
{
	struct box *b = *state;
	disk(b, 64);
	int fd = open(b->kept, O_RDWR | O_CREAT, 0600);
	assert_int_equal(ftruncate(fd, 2 * MIB), 0);
	close(fd);
	fill(b, 2 * MIB);
	keep(b, 2 * MIB);
	assert_int_equal(gt_room_kept(b->room), 0);
	assert_int_equal(unlink(b->fill), 0);
	(void)gt_room_look(b->room);
	assert_int_equal(gt_room_kept(b->room), 2 * MIB);
	assert_true(avail(b) <= 62 * MIB);
}

static sqlite3 *database(struct box *b)
{
	sqlite3 *db;
	assert_int_equal(gt_room_vfs_open(&b->vfs, b->room, NULL), 0);
	assert_int_equal(
	        sqlite3_open_v2(b->db, &db,
	                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
	                        gt_room_vfs_name(b->vfs)),
	        SQLITE_OK);
	assert_int_equal(
	        sqlite3_exec(db,
	                     "PRAGMA journal_mode=WAL; PRAGMA "
	                     "wal_autocheckpoint=0; PRAGMA synchronous=FULL;"
	                     "CREATE TABLE t(x)",
	                     NULL, NULL, NULL),
	        SQLITE_OK);
	return db;
}

static int insert(sqlite3 *db)
{
	return sqlite3_exec(db, "INSERT INTO t VALUES(randomblob(100000))",
	                    NULL, NULL, NULL);
}

static int rows(sqlite3 *db)
{
	sqlite3_stmt *st;
	assert_int_equal(
	        sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &st, NULL),
	        SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	int n = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return n;
}

/* On a disk without a byte a database is written, closed and opened. */
static void a_database_on_a_full_disk(void **state)
{
	struct box *b = *state;
	disk(b, 64);
	keep(b, 3 * MIB);
	fill(b, 0);
	sqlite3 *db = database(b);
	for (int i = 0; i < 10; i++)
		assert_int_equal(insert(db), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(atomic_load(&b->stalls), 0);
	gt_room_vfs_close(b->vfs);
	b->vfs = NULL;
	gt_room_close(b->room);
	b->room = NULL;
	keep(b, 3 * MIB);
	assert_int_equal(gt_room_vfs_open(&b->vfs, b->room, NULL), 0);
	assert_int_equal(sqlite3_open_v2(b->db, &db, SQLITE_OPEN_READWRITE,
	                                 gt_room_vfs_name(b->vfs)),
	                 SQLITE_OK);
	assert_int_equal(rows(db), 10);
	/* all is used: as full as ever it was, and nothing breaks */
	int rc;
	while ((rc = insert(db)) == SQLITE_OK)
		;
	assert_int_equal(rc, SQLITE_FULL);
	assert_int_equal(gt_room_kept(b->room), GT_ROOM_START);
	int n = rows(db);
	assert_true(n >= 15);
	assert_int_equal(unlink(b->fill), 0);
	assert_int_equal(insert(db), SQLITE_OK);
	assert_int_equal(rows(db), n + 1);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

struct writer {
	sqlite3 *db;
	atomic_int done;
	int rc;
};

static void *write_on(void *arg)
{
	struct writer *w = arg;
	for (int i = 0; i < 60 && w->rc == SQLITE_OK; i++) {
		w->rc = insert(w->db);
		atomic_fetch_add(&w->done, 1);
	}
	return NULL;
}

static void begin_until_it_waits(struct box *b, struct writer *w, pthread_t *t)
{
	disk(b, 64);
	keep(b, MIB);
	w->db = database(b);
	gt_room_patient(b->room, true);
	fill(b, 0);
	assert_int_equal(pthread_create(t, NULL, write_on, w), 0);
	while (atomic_load(&b->stalls) == 0)
		sched_yield();
}

static void who_is_patient_waits_for_room(void **state)
{
	struct box *b = *state;
	struct writer w = {.rc = SQLITE_OK};
	pthread_t t;
	begin_until_it_waits(b, &w, &t);
	assert_true(atomic_load(&w.done) < 60);
	assert_int_equal(unlink(b->fill), 0);
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_int_equal(w.rc, SQLITE_OK);
	assert_int_equal(rows(w.db), 60);
	assert_int_equal(atomic_load(&b->stalls), atomic_load(&b->goes));
	assert_int_equal(sqlite3_close(w.db), SQLITE_OK);
}

static void who_waits_is_let_go(void **state)
{
	struct box *b = *state;
	struct writer w = {.rc = SQLITE_OK};
	pthread_t t;
	begin_until_it_waits(b, &w, &t);
	gt_room_patient(b->room, false);
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_int_equal(w.rc, SQLITE_FULL);
	assert_int_equal(rows(w.db), atomic_load(&w.done) - 1);
	assert_int_equal(sqlite3_close(w.db), SQLITE_OK);
}

/* ------------------------------------------- other ways to be full */

/* A VFS whose files fail as they are told to. */
struct failing {
	struct gt_vfs_layer layer;
	int rc, error, left; /* SQLite's, errno; so many times */
};

static int fail_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct gt_vfs_file *file = gt_vfs_file(f);
	struct failing *x = file->layer->arg;
	if (x->left == 0 || !(file->flags & SQLITE_OPEN_WAL))
		return file->below->pMethods->xWrite(file->below, p, n, at);
	x->left--;
	return x->rc;
}

static int fail_control(sqlite3_file *f, int op, void *arg)
{
	struct gt_vfs_file *file = gt_vfs_file(f);
	struct failing *x = file->layer->arg;
	if (op != SQLITE_FCNTL_LAST_ERRNO)
		return file->below->pMethods->xFileControl(file->below, op,
		                                           arg);
	*(int *)arg = x->error;
	return SQLITE_OK;
}

static int fail_shm(sqlite3_file *f, int page, int size, int extend,
                    void volatile **out)
{
	struct gt_vfs_file *file = gt_vfs_file(f);
	struct failing *x = file->layer->arg;
	if (x->left == 0 || x->rc != SQLITE_IOERR_SHMSIZE)
		return file->below->pMethods->xShmMap(file->below, page, size,
		                                      extend, out);
	x->left--;
	errno = x->error;
	return x->rc;
}

static void begin_to_fail(struct box *b, struct failing *x, int rc, int error)
{
	*x = (struct failing){.rc = rc, .error = error};
	assert_int_equal(gt_vfs_layer_open(&x->layer, "failing", NULL, x), 0);
	x->layer.methods.xWrite = fail_write;
	x->layer.methods.xFileControl = fail_control;
	x->layer.methods.xShmMap = fail_shm;
	keep(b, MIB);
	assert_int_equal(gt_room_vfs_open(&b->vfs, b->room, x->layer.name), 0);
}

static sqlite3 *open_failing(struct box *b, int *rc)
{
	sqlite3 *db;
	assert_int_equal(
	        sqlite3_open_v2(b->db, &db,
	                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
	                        gt_room_vfs_name(b->vfs)),
	        SQLITE_OK);
	*rc = sqlite3_exec(db,
	                   "PRAGMA journal_mode=WAL; PRAGMA "
	                   "wal_autocheckpoint=0; CREATE TABLE IF NOT EXISTS "
	                   "t(x)",
	                   NULL, NULL, NULL);
	return db;
}

/* What the room says of a write, or of the index, that fails so once and for
 * all, and that it is tried again as long as one may hope. */
static void fails_as(struct box *b, int rc, int error, int want,
                     enum gt_lack lack)
{
	struct failing x;
	int got;
	begin_to_fail(b, &x, rc, error);
	bool index = rc == SQLITE_IOERR_SHMSIZE;
	sqlite3 *db = NULL;
	if (!index)
		db = open_failing(b, &got);
	x.left = 1 << 20;
	if (index)
		db = open_failing(b, &got);
	else
		got = insert(db);
	assert_int_equal(got, want);
	assert_int_equal(gt_room_lack(b->room), lack);
	x.left = 0;
	if (!index) { /* a connection whose index failed begins anew */
		assert_int_equal(rows(db), 0);
		assert_int_equal(insert(db), SQLITE_OK);
		assert_int_equal(gt_room_lack(b->room), GT_LACK_NONE);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	gt_room_vfs_close(b->vfs);
	b->vfs = NULL;
	gt_room_close(b->room);
	b->room = NULL;
	gt_vfs_layer_close(&x.layer);
	(void)unlink(b->db);
	(void)unlink(b->log);
}

static void a_quota_and_a_limit_are_no_room(void **state)
{
	struct box *b = *state;
	fails_as(b, SQLITE_FULL, ENOSPC, SQLITE_FULL, GT_LACK_ROOM);
	fails_as(b, SQLITE_IOERR_WRITE, EDQUOT, SQLITE_FULL, GT_LACK_QUOTA);
	fails_as(b, SQLITE_IOERR_WRITE, EFBIG, SQLITE_FULL, GT_LACK_LIMIT);
	fails_as(b, SQLITE_IOERR_SHMSIZE, ENOSPC, SQLITE_FULL, GT_LACK_ROOM);
	fails_as(b, SQLITE_IOERR_SHMSIZE, EDQUOT, SQLITE_FULL, GT_LACK_QUOTA);
}

static void a_fault_of_the_disk_is_one(void **state)
{
	struct box *b = *state;
	fails_as(b, SQLITE_IOERR_WRITE, EIO, SQLITE_IOERR, GT_LACK_NONE);
	fails_as(b, SQLITE_IOERR_SHMSIZE, EIO, SQLITE_IOERR, GT_LACK_NONE);
}

/* No giving helps against a limit. */
static void a_limit_leaves_what_is_kept(void **state)
{
	struct box *b = *state;
	keep(b, MIB);
	assert_false(gt_room_give(b->room, GT_LACK_LIMIT, GT_ROOM_LOG));
	assert_int_equal(gt_room_kept(b->room), MIB);
	assert_int_equal(atomic_load(&b->given), 0);
}

/* The real one: the log stands still at it, and goes on when it is gone. */
static void who_meets_a_limit_waits_for_its_end(void **state)
{
	struct box *b = *state;
	struct rlimit was, low;
	struct writer w = {.rc = SQLITE_OK};
	pthread_t t;
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	assert_int_equal(sigaction(SIGXFSZ, &ignore, NULL), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	keep(b, MIB);
	w.db = database(b);
	gt_room_patient(b->room, true);
	low = was;
	low.rlim_cur = 2 * MIB;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	assert_int_equal(pthread_create(&t, NULL, write_on, &w), 0);
	while (atomic_load(&b->stalls) == 0)
		sched_yield();
	assert_int_equal(gt_room_lack(b->room), GT_LACK_LIMIT);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_int_equal(w.rc, SQLITE_OK);
	assert_int_equal(rows(w.db), 60);
	assert_int_equal(gt_room_kept(b->room), MIB);
	assert_int_equal(sqlite3_close(w.db), SQLITE_OK);
}

/* ------------------------------------ full at the n-th call, for each n */

/* Calls that change a file, of all files; the when-th fails, and with sticky
 * all behind it. */
struct counted {
	struct gt_vfs_layer layer;
	unsigned n, when;
	bool sticky, fired;
};

static bool counts(sqlite3_file *f)
{
	struct counted *c = gt_vfs_file(f)->layer->arg;
	bool hit = ++c->n == c->when || (c->sticky && c->n > c->when);
	c->fired = c->fired || hit;
	return hit;
}

static int n_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	sqlite3_file *below = gt_vfs_file(f)->below;
	return counts(f) ? SQLITE_FULL
	                 : below->pMethods->xWrite(below, p, n, at);
}

static int n_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	sqlite3_file *below = gt_vfs_file(f)->below;
	return counts(f) ? SQLITE_IOERR_TRUNCATE
	                 : below->pMethods->xTruncate(below, n);
}

static int n_sync(sqlite3_file *f, int flags)
{
	sqlite3_file *below = gt_vfs_file(f)->below;
	return counts(f) ? SQLITE_IOERR_FSYNC
	                 : below->pMethods->xSync(below, flags);
}

static int n_shm(sqlite3_file *f, int page, int size, int extend,
                 void volatile **out)
{
	sqlite3_file *below = gt_vfs_file(f)->below;
	if (extend && counts(f)) {
		errno = ENOSPC;
		return SQLITE_IOERR_SHMSIZE;
	}
	return below->pMethods->xShmMap(below, page, size, extend, out);
}

static sqlite3 *open_it(struct box *b)
{
	sqlite3 *db = NULL;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	assert_int_equal(
	        sqlite3_open_v2(b->db, &db, flags, gt_room_vfs_name(b->vfs)),
	        SQLITE_OK);
	(void)sqlite3_exec(db,
	                   "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
	                   "PRAGMA wal_autocheckpoint=0",
	                   NULL, NULL, NULL);
	return db;
}

/* Commits, moves the log, commits, moves all of it, and is closed; an error is
 * the end of a run, as the store has it. Rows that were acknowledged. */
static int live(struct box *b)
{
	static const char put[] = "INSERT INTO t VALUES(randomblob(9000))";
	int acked = 0, rc = SQLITE_OK;
	sqlite3 *db = open_it(b);
	for (int i = 0; rc == SQLITE_OK && i < 9; i++) {
		rc = sqlite3_exec(db, put, NULL, NULL, NULL);
		acked += rc == SQLITE_OK;
		if (rc == SQLITE_OK && i % 3 == 2)
			rc = sqlite3_wal_checkpoint_v2(
			        db, NULL,
			        i == 5 ? SQLITE_CHECKPOINT_TRUNCATE
			               : SQLITE_CHECKPOINT_PASSIVE,
			        NULL, NULL);
		/* full while it is moved: it is tried again (store.c) */
		rc = rc == SQLITE_FULL && i % 3 == 2 ? SQLITE_OK : rc;
	}
	(void)sqlite3_close(db);
	return acked;
}

static bool whole(sqlite3 *db)
{
	sqlite3_stmt *st;
	assert_int_equal(
	        sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &st, NULL),
	        SQLITE_OK);
	bool ok = sqlite3_step(st) == SQLITE_ROW &&
	          strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0;
	sqlite3_finalize(st);
	return ok;
}

/* A life with the fault in it, one without behind it. False: it did not come to
 * the fault. */
static bool lives_through(struct box *b, unsigned when, bool sticky)
{
	struct counted c = {.when = 0};
	assert_int_equal(gt_vfs_layer_open(&c.layer, "counted", NULL, &c), 0);
	c.layer.methods.xWrite = n_write;
	c.layer.methods.xTruncate = n_truncate;
	c.layer.methods.xSync = n_sync;
	c.layer.methods.xShmMap = n_shm;
	keep(b, MIB);
	assert_int_equal(gt_room_vfs_open(&b->vfs, b->room, c.layer.name), 0);
	sqlite3 *db = open_it(b);
	assert_int_equal(
	        sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL),
	        SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	c.n = 0;
	c.when = when;
	c.sticky = sticky;
	int acked = live(b);
	c.when = 0;
	c.sticky = false;
	bool fired = c.fired;
	db = open_it(b);
	/* what was not acknowledged may be there: its sync failed */
	assert_in_range(rows(db), acked, acked + 1);
	assert_true(whole(db));
	assert_int_equal(insert(db), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	gt_room_vfs_close(b->vfs);
	b->vfs = NULL;
	gt_room_close(b->room);
	b->room = NULL;
	gt_vfs_layer_close(&c.layer);
	(void)unlink(b->db);
	(void)unlink(b->log);
	return fired;
}

static void full_at_each_call(void **state)
{
	struct box *b = *state;
	unsigned n = 1;
	while (lives_through(b, n, true))
		n++;
	assert_true(n > 60);
	n = 1;
	while (lives_through(b, n, false))
		n++;
	assert_true(n > 60);
}

static void where_no_file_can_be_made(void **state)
{
	struct box *b = *state;
	gt_format(b->kept, sizeof b->kept, "%s/none/reserve", b->dir);
	keep(b, MIB);
	assert_int_equal(gt_room_kept(b->room), 0);
	assert_true(gt_room_look(b->room) == SIZE_MAX);
	assert_false(give(b, GT_ROOM_LOG));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, made, gone)
	const struct CMUnitTest tests[] = {
	        T(kept_given_and_taken_back),
	        T(at_most_a_part_of_the_disk),
	        T(a_start_has_its_room_or_says_so),
	        T(starts_do_not_use_it_up),
	        T(no_more_is_regained_than_was_given),
	        T(records_leave_room_for_the_log),
	        T(a_copy_without_blocks_keeps_nothing),
	        T(a_database_on_a_full_disk),
	        T(who_is_patient_waits_for_room),
	        T(who_waits_is_let_go),
	        T(a_quota_and_a_limit_are_no_room),
	        T(a_fault_of_the_disk_is_one),
	        T(a_limit_leaves_what_is_kept),
	        T(who_meets_a_limit_waits_for_its_end),
	        T(full_at_each_call),
	        T(where_no_file_can_be_made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
