#include "room.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum {
	PIECE = 64 << 10,   /* given back at once */
	PLENTY = 256 << 20, /* more than records bring between two looks */
	PART = 16,          /* of the disk, at most one in so many */
	AGAIN_MS = 200,     /* until a full disk is tried again */
};

/*   1. held: bytes of blocks in the file, <= size
 *   2. lent: bytes given since it was opened and not taken back; whoever they
 *      were for may have left some of them
 *   3. waiting: `stalled` was told, and not yet taken back */
struct gt_room {
	struct gt_room_events events;
	void *arg;
	int fd; /* -1: nothing can be kept */
	char log[64];
	uint64_t size;
	pthread_mutex_t lock; /* all below */
	pthread_cond_t change;
	uint64_t held, lent;
	bool patient, waiting;
	enum gt_lack lack;
};

/* Bytes that are free, and that the disk has in all. */
static bool measure(const struct gt_room *r, uint64_t *avail, uint64_t *all)
{
	struct statvfs v;
	if (r->fd < 0 || fstatvfs(r->fd, &v) != 0)
		return false;
	uint64_t unit = v.f_frsize ? v.f_frsize : v.f_bsize;
	*avail = v.f_bavail * unit;
	*all = v.f_blocks * unit;
	return true;
}

/* A copy of the file may have the length and not the blocks. */
static void take_stock(struct gt_room *r)
{
	struct stat st;
	if (fstat(r->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	if ((uint64_t)st.st_blocks * 512 >= (uint64_t)st.st_size)
		r->held = (uint64_t)st.st_size;
	else if (ftruncate(r->fd, 0) != 0)
		r->held = 0;
}

static bool shrink(struct gt_room *r, uint64_t to)
{
	if (r->fd < 0 || ftruncate(r->fd, (off_t)to) != 0)
		return false;
	r->held = to;
	return true;
}

/* Bytes of what was given that lie about: the next start is to find them. */
static uint64_t left_over(const struct gt_room *r, uint64_t missing,
                          uint64_t avail)
{
	uint64_t most = r->lent < missing ? r->lent : missing;
	return most < avail ? most : avail;
}

/* Else only what leaves as much again is taken: this file would be what fills a
 * small disk. */
static void grow(struct gt_room *r, uint64_t avail, bool leftovers)
{
	uint64_t missing = r->held < r->size ? r->size - r->held : 0;
	bool plenty = avail >= missing + r->size;
	uint64_t n = plenty      ? missing
	             : leftovers ? left_over(r, missing, avail)
	                         : 0;
	if (n == 0)
		return;
	if (posix_fallocate(r->fd, (off_t)r->held, (off_t)n) != 0) {
		(void)shrink(r, r->held);
		return;
	}
	r->held += n;
	r->lent = plenty || n >= r->lent ? 0 : r->lent - n;
}

static bool lend(struct gt_room *r, uint64_t n)
{
	if (n == 0 || !shrink(r, r->held - n))
		return false;
	r->lent += n;
	return true;
}

static void init_locks(struct gt_room *r)
{
	pthread_condattr_t attr;
	int bad = pthread_condattr_init(&attr) |
	          pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) |
	          pthread_cond_init(&r->change, &attr) |
	          pthread_condattr_destroy(&attr) |
	          pthread_mutex_init(&r->lock, NULL);
	assert(!bad); /* on Linux these fail for bad arguments only */
}

int gt_room_open(struct gt_room **out, const char *path, const char *log,
                 uint64_t size, const struct gt_room_events *events, void *arg)
{
	struct gt_room *r = calloc(1, sizeof *r);
	uint64_t avail, all;
	if (!r)
		return -GT_ENOMEM;
	r->events = *events;
	r->arg = arg;
	gt_copy(r->log, sizeof r->log, log);
	init_locks(r);
	int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	r->fd = open(path, flags, 0600);
	*out = r;
	if (!measure(r, &avail, &all))
		return 0;
	r->size = size < all / PART ? size : all / PART;
	take_stock(r);
	if (r->held > r->size && !shrink(r, r->size))
		r->size = r->held;
	(void)gt_room_look(r);
	return 0;
}

bool gt_room_start(struct gt_room *r, uint64_t *avail)
{
	uint64_t all;
	pthread_mutex_lock(&r->lock);
	bool enough =
	        !measure(r, avail, &all) || *avail + r->held >= GT_ROOM_START;
	r->lack = enough ? GT_LACK_NONE : GT_LACK_ROOM;
	pthread_mutex_unlock(&r->lock);
	return enough;
}

void gt_room_blame(struct gt_room *r, uint64_t *avail)
{
	struct rlimit size;
	if (gt_room_lack(r) >= GT_LACK_QUOTA || !gt_room_start(r, avail) ||
	    getrlimit(RLIMIT_FSIZE, &size) != 0 || size.rlim_cur >= *avail)
		return;
	pthread_mutex_lock(&r->lock);
	r->lack = GT_LACK_LIMIT;
	pthread_mutex_unlock(&r->lock);
}

void gt_room_unsynced(struct gt_room *r, enum gt_lack lack)
{
	pthread_mutex_lock(&r->lock);
	r->lack = lack;
	pthread_mutex_unlock(&r->lock);
}

enum gt_lack gt_room_lack(struct gt_room *r)
{
	pthread_mutex_lock(&r->lock);
	enum gt_lack lack = r->lack;
	pthread_mutex_unlock(&r->lock);
	return lack;
}

void gt_room_regain(struct gt_room *r)
{
	uint64_t avail, all;
	pthread_mutex_lock(&r->lock);
	if (measure(r, &avail, &all))
		grow(r, avail, true);
	pthread_mutex_unlock(&r->lock);
}

void gt_room_close(struct gt_room *r)
{
	if (!r)
		return;
	gt_room_regain(r);
	if (r->fd >= 0)
		close(r->fd);
	pthread_cond_destroy(&r->change);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* What the database may have to grow by. */
static uint64_t log_size(const struct gt_room *r)
{
	struct stat st;
	return stat(r->log, &st) == 0 ? (uint64_t)st.st_size : 0;
}

size_t gt_room_look(struct gt_room *r)
{
	uint64_t avail, all, left;
	pthread_mutex_lock(&r->lock);
	bool known = measure(r, &avail, &all);
	if (known)
		grow(r, avail, false);
	known = known && measure(r, &avail, &all);
	uint64_t ours = r->size + (r->size - r->held) + log_size(r);
	pthread_mutex_unlock(&r->lock);
	if (!known)
		return SIZE_MAX;
	left = avail > ours ? avail - ours : 0;
	return left < PLENTY ? (size_t)left : SIZE_MAX;
}

uint64_t gt_room_kept(struct gt_room *r)
{
	pthread_mutex_lock(&r->lock);
	uint64_t held = r->held;
	pthread_mutex_unlock(&r->lock);
	return held;
}

void gt_room_patient(struct gt_room *r, bool patient)
{
	pthread_mutex_lock(&r->lock);
	r->patient = patient;
	pthread_cond_broadcast(&r->change);
	pthread_mutex_unlock(&r->lock);
}

/* Lock held; let go meanwhile. */
static void wait_for_room(struct gt_room *r)
{
	struct timespec at;
	if (!r->waiting) {
		r->waiting = true;
		pthread_mutex_unlock(&r->lock);
		r->events.stalled(r->arg, true);
		pthread_mutex_lock(&r->lock);
	}
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_nsec += AGAIN_MS * 1000000L;
	at.tv_sec += at.tv_nsec / 1000000000L;
	at.tv_nsec %= 1000000000L;
	if (r->patient)
		(void)pthread_cond_timedwait(&r->change, &r->lock, &at);
}

/* What stays: all but half is the log's, and the last of it a start's. */
static uint64_t least(const struct gt_room *r, enum gt_room_for what)
{
	uint64_t part = r->size / 4;
	if (what == GT_ROOM_DATABASE)
		return r->size / 2;
	if (what == GT_ROOM_INDEX)
		return 0;
	return part < GT_ROOM_START ? part : GT_ROOM_START;
}

bool gt_room_give(struct gt_room *r, enum gt_lack lack, enum gt_room_for what)
{
	pthread_mutex_lock(&r->lock);
	uint64_t stays = least(r, what);
	uint64_t piece = r->held > stays ? r->held - stays : 0;
	piece = piece < PIECE ? piece : PIECE;
	/* a limit is not a file's that could be shorter */
	bool given = lack != GT_LACK_LIMIT && lend(r, piece);
	bool again = given;
	if (!given)
		r->lack = lack;
	if (!given && what != GT_ROOM_DATABASE && r->patient) {
		wait_for_room(r);
		again = r->patient;
	}
	pthread_mutex_unlock(&r->lock);
	if (given)
		r->events.given(r->arg);
	return again;
}

void gt_room_found(struct gt_room *r)
{
	pthread_mutex_lock(&r->lock);
	bool was = r->waiting;
	r->waiting = false;
	r->lack = GT_LACK_NONE;
	pthread_mutex_unlock(&r->lock);
	if (was)
		r->events.stalled(r->arg, false);
}
