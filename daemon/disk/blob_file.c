#include "blob_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "dir.h"
#include "log.h"
#include "shelf.h"
#include "sys.h"
#include "text.h"

struct gt_blob_store {
	int dir;
	uint64_t reserve;

	pthread_mutex_t lock; /* all below */
	struct gt_blob_file *files;
	unsigned open;
	uint64_t granted; /* bytes that may be written before asking again */
	bool broken;      /* a sync behind somebody's back failed */
};

void gt_blob_name(char out[GT_BLOB_NAME_MAX], const struct gt_id *object)
{
	char hex[GT_HEX_ID];
	gt_id_hex(hex, object);
	gt_format(out, GT_BLOB_NAME_MAX, GT_DIR_OBJECTS "/%.2s/%s.tar.zst", hex,
	          hex + 2);
}

/* "objects/ab" */
static void folder_name(char out[GT_BLOB_NAME_MAX], const struct gt_id *object)
{
	gt_format(out, GT_BLOB_NAME_MAX, GT_DIR_OBJECTS "/%02x",
	          (unsigned)object->b[0]);
}

int gt_blob_store_dir(const struct gt_blob_store *s)
{
	return s->dir;
}

/* What a failed sync means: with a full disk that what was written since the
 * last one is gone, else that nobody knows. */
static int sync_status(int status)
{
	return status == 0 || status == -GT_ENOSPACE ? status : -GT_EIO;
}

static int sync_name(const struct gt_blob_store *s, const char *folder)
{
	int status = gt_sys_sync_folder(s->dir, folder);
	if (status == 0)
		status = gt_sys_sync_folder(s->dir, GT_DIR_OBJECTS);
	return status;
}

/* --------------------------------------------------- open and close */

int gt_blob_store_open(struct gt_blob_store **out, const char *dir,
                       uint64_t reserve, char *why, size_t why_cap)
{
	struct gt_blob_store *s = calloc(1, sizeof *s);
	if (!s) {
		gt_format(why, why_cap, "%s", gt_strerror(-GT_ENOMEM));
		return -GT_ENOMEM;
	}
	s->reserve = reserve;
	int bad = pthread_mutex_init(&s->lock, NULL);
	assert(!bad);
	s->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir >= 0 &&
	    gt_sys_make_folder(s->dir, GT_DIR_OBJECTS, 0700) == 0 &&
	    gt_sys_make_folder(s->dir, GT_DIR_STAGED, 0700) == 0) {
		*out = s;
		return 0;
	}
	gt_format(why, why_cap, "%s: %s", dir, strerror(errno));
	gt_blob_store_close(s);
	return -GT_EIO;
}

void gt_blob_store_close(struct gt_blob_store *s)
{
	while (s->files) {
		struct gt_blob_file *next = s->files->next;
		assert(s->files->users == 0);
		close(s->files->fd);
		free(s->files);
		s->files = next;
	}
	if (s->dir >= 0)
		close(s->dir);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ------------------------------------------------------- free space */

/* Whether n more bytes may be taken from the disk. With n 0: whether the
 * reserve is there. Asks the system only now and then: not for every frame. */
static int afford(struct gt_blob_store *s, uint64_t n, uint64_t step)
{
	struct statvfs v;
	if (s->granted >= n + step) {
		s->granted -= n + step;
		return 0;
	}
	if (fstatvfs(s->dir, &v) != 0)
		return -GT_EIO;
	uint64_t unit = v.f_frsize ? v.f_frsize : v.f_bsize;
	uint64_t avail = v.f_bavail * unit;
	s->granted = 0;
	if (avail < s->reserve || avail - s->reserve < n)
		return -GT_ENOSPACE;
	uint64_t left = avail - s->reserve - n;
	s->granted = left < GT_BLOB_SPACE_STEP ? left : GT_BLOB_SPACE_STEP;
	return 0;
}

/* Gives a file its size and its blocks, so that a full disk is met here and
 * not in the middle. */
static int allocate(struct gt_blob_store *s, struct gt_blob_file *f,
                    uint64_t total)
{
	struct stat st;
	if (fstat(f->fd, &st) != 0)
		return -GT_EIO;
	uint64_t have = (uint64_t)st.st_blocks * 512;
	uint64_t need = have < total ? total - have : 0;
	int status = afford(s, need, 0);
	if (status != 0)
		return status;
	/* what was counted for blocks is gone from the disk already */
	s->granted = 0;
	if ((uint64_t)st.st_size != total &&
	    ftruncate(f->fd, (off_t)total) != 0)
		return gt_sys_status(errno);
	int rc = need ? posix_fallocate(f->fd, 0, (off_t)total) : 0;
	if (rc == EOPNOTSUPP || rc == EINVAL || rc == ENODEV)
		rc = 0; /* a sparse file must do */
	else
		f->allocated = rc == 0;
	f->sized = rc == 0;
	return rc ? gt_sys_status(rc) : 0;
}

/* -------------------------------------------------- the descriptors */

static struct gt_blob_file *find(struct gt_blob_store *s,
                                 const struct gt_id *object)
{
	struct gt_blob_file **at = &s->files;
	while (*at && !gt_id_eq(&(*at)->object, object))
		at = &(*at)->next;
	struct gt_blob_file *f = *at;
	if (f) { /* to the front */
		*at = f->next;
		f->next = s->files;
		s->files = f;
	}
	return f;
}

/* Its name is another's, or nobody's: it goes with its last user. */
static void orphan(struct gt_blob_store *s, struct gt_blob_file *f)
{
	struct gt_blob_file **at = &s->files;
	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	s->open--;
	f->orphan = true;
	if (f->users > 0)
		return;
	close(f->fd);
	free(f);
}

static void drop(struct gt_blob_store *s, struct gt_blob_file *f)
{
	assert(f->users == 0);
	orphan(s, f);
}

/* Closes the least recently used, one without unsynced bytes if there is. */
static void make_room(struct gt_blob_store *s)
{
	struct gt_blob_file *clean = NULL, *dirty = NULL;
	if (s->open < GT_BLOB_FDS)
		return;
	for (struct gt_blob_file *f = s->files; f; f = f->next) {
		if (f->users || f->lost)
			continue;
		if (f->dirty)
			dirty = f;
		else
			clean = f;
	}
	/* An error met when a dirty file is written back is told to those who
	 * have it open, once: ask before closing. */
	if (!clean && dirty && fdatasync(dirty->fd) != 0) {
		dirty->lost = sync_status(errno) == -GT_ENOSPACE;
		s->broken = s->broken || !dirty->lost;
		return; /* one too many is open, until its SYNC has heard */
	}
	if (clean || dirty)
		drop(s, clean ? clean : dirty);
}

/* objects/ab. While nobody else looks for it: it may go again. */
static int object_folder(struct gt_blob_store *s, const struct gt_id *object)
{
	char folder[GT_BLOB_NAME_MAX];
	folder_name(folder, object);
	int status = gt_sys_make_folder(s->dir, folder, 0700);
	s->broken = s->broken || status == -GT_ESTORE;
	return status;
}

int gt_blob_open_status(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP: /* a link has its name */
	case EISDIR:
	case ENXIO:
	case EACCES: /* it is somebody else's, or was made unreadable */
	case EPERM:
	case ENAMETOOLONG:
		return -GT_EUNKNOWN;
	default:
		return gt_sys_status(error);
	}
}

/* Opens what has the name if it is a file: -1, errno. */
static int open_regular(const struct gt_blob_store *s, const char *name,
                        int more)
{
	struct stat st;
	/* O_NONBLOCK: what is no file must not hold us up */
	int fd = openat(s->dir, name,
	                O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | more,
	                0600);
	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
		return fd;
	close(fd);
	errno = ENXIO;
	return -1;
}

/* What stands where our file belongs, and is not to be lost: it gets another
 * name beside it. -1, errno. */
static int move_aside(const struct gt_blob_store *s, const char *name)
{
	char aside[GT_BLOB_NAME_MAX + 40];
	struct stat st;
	long long at = (long long)time(NULL);
	do /* nothing is written over */
		gt_format(aside, sizeof aside, "%s.aside-%lld", name, at++);
	while (fstatat(s->dir, aside, &st, AT_SYMLINK_NOFOLLOW) == 0);
	if (renameat(s->dir, name, s->dir, aside) != 0)
		return -1;
	gt_log_line(GT_LOG_WARN, "objects", "file", name, "aside", aside, "why",
	            gt_text(GT_T_DAEMON_OBJECT_ASIDE), NULL);
	return 0;
}

/* Takes what is no file of ours from its place: a folder, and what is in it,
 * is kept. -1, errno. */
static int clear_place(const struct gt_blob_store *s, const char *name)
{
	struct stat st;
	if (fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : -1;
	return S_ISDIR(st.st_mode) ? move_aside(s, name)
	                           : unlinkat(s->dir, name, 0);
}

/* The folder of the object's file, as it was made: one that is none goes
 * aside, one that was closed to us is opened. -1, errno. */
static int mend_folder(struct gt_blob_store *s, const struct gt_id *object)
{
	char folder[GT_BLOB_NAME_MAX];
	struct stat st;
	folder_name(folder, object);
	if (fstatat(s->dir, folder, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			return -1;
	} else if (!S_ISDIR(st.st_mode) &&
	           (!S_ISLNK(st.st_mode) ||
	            fstatat(s->dir, folder, &st, 0) != 0 ||
	            !S_ISDIR(st.st_mode))) {
		if (move_aside(s, folder) != 0)
			return -1;
	} else if (S_ISDIR(st.st_mode) && (st.st_mode & 0700) != 0700 &&
	           fchmodat(s->dir, folder, 0700, 0) != 0) {
		return -1;
	}
	int status = object_folder(s, object);
	if (status == 0)
		return 0;
	errno = status == -GT_ENOSPACE ? ENOSPC
	        : status == -GT_ENOMEM ? ENOMEM
	        : errno                ? errno
	                               : EIO;
	return -1;
}

/* Makes the file, in the place of what cannot be used: -1, errno. */
static int make_file(struct gt_blob_store *s, const struct gt_id *object,
                     const char *name)
{
	int fd = open_regular(s, name, O_CREAT);
	if (fd >= 0)
		return fd;
	int error = errno;
	if (error != ENOENT && gt_blob_open_status(error) != -GT_EUNKNOWN)
		return -1;
	if (mend_folder(s, object) != 0 || clear_place(s, name) != 0)
		return -1;
	return open_regular(s, name, O_CREAT);
}

static int open_file(struct gt_blob_store *s, const struct gt_id *object,
                     bool make, struct gt_blob_file **out)
{
	char name[GT_BLOB_NAME_MAX];
	struct stat st;
	gt_blob_name(name, object);
	int fd = make ? make_file(s, object, name) : open_regular(s, name, 0);
	if (fd < 0)
		return make ? gt_sys_status(errno) : gt_blob_open_status(errno);
	struct gt_blob_file *f = calloc(1, sizeof *f);
	if (!f || fstat(fd, &st) != 0) {
		int status = f ? -GT_EIO : -GT_ENOMEM;
		close(fd);
		free(f);
		return status;
	}
	f->object = *object;
	f->fd = fd;
	f->device = st.st_dev;
	f->inode = st.st_ino;
	f->next = s->files;
	s->files = f;
	s->open++;
	*out = f;
	return 0;
}

/* Nothing of a file that could not be given its blocks stays behind, unless it
 * held something already. */
static void undo(struct gt_blob_store *s, struct gt_blob_file *f, bool fresh)
{
	char name[GT_BLOB_NAME_MAX];
	if (!fresh)
		return;
	gt_blob_name(name, &f->object);
	unlinkat(s->dir, name, 0);
	drop(s, f);
}

/* The file still has its name: nobody removed it, or put another there. */
static bool still_named(const struct gt_blob_store *s,
                        const struct gt_blob_file *f)
{
	char name[GT_BLOB_NAME_MAX];
	struct stat st;
	gt_blob_name(name, &f->object);
	return fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_dev == f->device && st.st_ino == f->inode;
}

static int get_locked(struct gt_blob_store *s, const struct gt_id *object,
                      uint64_t total, struct gt_blob_file **out)
{
	struct gt_blob_file *f = find(s, object);
	struct stat st;
	int status = 0;
	bool went = f && !still_named(s, f);
	if (went) {
		/* what it holds dies with its last descriptor */
		orphan(s, f);
		f = NULL;
	}
	if (!f) {
		make_room(s);
		status = open_file(s, object, total > 0, &f);
	}
	if (!f)
		return status;
	f->went = f->went || went;
	if (total > 0 && !f->sized) {
		bool fresh = fstat(f->fd, &st) == 0 && st.st_size == 0 &&
		             f->users == 0;
		status = allocate(s, f, total);
		if (status != 0) {
			undo(s, f, fresh);
			return status;
		}
	}
	f->users++;
	*out = f;
	return 0;
}

int gt_blob_get(struct gt_blob_store *s, const struct gt_id *object,
                uint64_t total, struct gt_blob_file **out)
{
	pthread_mutex_lock(&s->lock);
	int status = get_locked(s, object, total, out);
	pthread_mutex_unlock(&s->lock);
	return status;
}

void gt_blob_put(struct gt_blob_store *s, struct gt_blob_file *f)
{
	pthread_mutex_lock(&s->lock);
	assert(f->users > 0);
	bool last = --f->users == 0 && f->orphan;
	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	close(f->fd);
	free(f);
}

int gt_blob_write(struct gt_blob_store *s, struct gt_blob_file *f,
                  struct gt_bytes bytes, uint64_t offset)
{
	pthread_mutex_lock(&s->lock);
	int status = afford(s, f->allocated ? 0 : bytes.n,
	                    f->allocated ? bytes.n : 0);
	f->dirty = true; /* before the write: a SYNC may run beside it */
	pthread_mutex_unlock(&s->lock);
	return status ? status : gt_sys_pwrite(f->fd, bytes.p, bytes.n, offset);
}

int gt_blob_sync(struct gt_blob_store *s, struct gt_blob_file *f)
{
	char folder[GT_BLOB_NAME_MAX];
	pthread_mutex_lock(&s->lock);
	bool named = f->named, broken = s->broken;
	int status = f->went ? -GT_EUNKNOWN : f->lost ? -GT_ENOSPACE : 0;
	f->dirty = f->lost = f->went = false;
	pthread_mutex_unlock(&s->lock);
	if (broken)
		return -GT_EIO;
	folder_name(folder, &f->object);
	if ((named ? fdatasync(f->fd) : fsync(f->fd)) != 0)
		status = sync_status(gt_sys_status(errno));
	if (status == 0 && !named)
		status = sync_status(sync_name(s, folder));
	if (status == -GT_EUNKNOWN)
		return status; /* it says nothing of what is there now */
	pthread_mutex_lock(&s->lock);
	f->named = f->named || status == 0;
	if (status == -GT_ENOSPACE)
		f->sized = f->allocated = false; /* ask for its blocks again */
	else if (status != 0)
		/* pages a failed sync has dropped look clean from then on:
		 * never believe this disk again in this run */
		s->broken = true;
	pthread_mutex_unlock(&s->lock);
	return status;
}

void gt_blob_forget(struct gt_blob_store *s, const struct gt_id *object)
{
	pthread_mutex_lock(&s->lock);
	struct gt_blob_file *f = find(s, object);
	if (f)
		drop(s, f);
	pthread_mutex_unlock(&s->lock);
}

int gt_blob_remove(struct gt_blob_store *s, const struct gt_id *object)
{
	char name[GT_BLOB_NAME_MAX];
	gt_blob_forget(s, object);
	gt_blob_name(name, object);
	gt_shelf_remove(s->dir, object);
	if (unlinkat(s->dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	return -GT_EIO;
}

int gt_blob_adopt(struct gt_blob_store *s, const char *name, int fd,
                  const struct gt_id *object)
{
	char final[GT_BLOB_NAME_MAX], folder[GT_BLOB_NAME_MAX];
	char staged[GT_BLOB_NAME_MAX + 256];
	gt_format(staged, sizeof staged, GT_DIR_STAGED "/%s", name);
	gt_blob_name(final, object);
	folder_name(folder, object);
	if (fsync(fd) != 0) {
		int status = sync_status(gt_sys_status(errno));
		/* synced again it would pass for durable */
		(void)unlinkat(s->dir, staged, 0);
		return status;
	}
	pthread_mutex_lock(&s->lock);
	int status = s->broken ? -GT_ESTORE : object_folder(s, object);
	pthread_mutex_unlock(&s->lock);
	if (status != 0)
		return status;
	gt_blob_forget(s, object);
	if (renameat(s->dir, staged, s->dir, final) != 0 &&
	    (errno != EISDIR || move_aside(s, final) != 0 ||
	     renameat(s->dir, staged, s->dir, final) != 0))
		return gt_sys_status(errno);
	status = sync_name(s, folder);
	if (status != -GT_EIO)
		return status;
	/* so may others' names be lost that waited there */
	pthread_mutex_lock(&s->lock);
	s->broken = true;
	pthread_mutex_unlock(&s->lock);
	return -GT_ESTORE;
}
