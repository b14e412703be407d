#define _GNU_SOURCE /* O_TMPFILE */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dir.h"
#include "object.h"
#include "sys.h"
#include "text.h"
#include "translate.h"

enum { READ_BYTES = 256 << 10 };

struct stage {
	int dir, fd; /* DIR/staged, the file being written */
	bool nameless;
	const char *where;
	const struct gt_walk *walk;
	struct gt_packer *packer;
	uint8_t *buf; /* READ_BYTES */
	uint64_t written, done;
	int write_errno;
	gt_stage_progress *progress;
	void *arg;
	struct gt_staged *out;
	char *why;
	size_t why_cap;
};

static int refuse(struct stage *s, int status, int key, const char *path,
                  const char *detail)
{
	gt_walk_why(s->why, s->why_cap, key, path, detail);
	return status;
}

static int refuse_errno(struct stage *s, int key, const char *path, int error)
{
	char buf[128];
	return refuse(s, gt_sys_status(error), key, path,
	              gt_walk_errno(buf, sizeof buf, error));
}

static int put(void *arg, const uint8_t *p, size_t n)
{
	struct stage *s = arg;
	int status = gt_sys_pwrite(s->fd, p, n, s->written);
	if (status)
		s->write_errno = errno;
	s->written += n;
	return status;
}

/* What stopped the packer: the disk, or something about a member. */
static int packer_failed(struct stage *s, int status)
{
	char text[GT_TRANSLATE_MAX];
	if (s->write_errno)
		return refuse_errno(s, GT_T_STAGE_WRITE, s->where,
		                    s->write_errno);
	gt_copy(s->why, s->why_cap,
	        gt_translate(text, NULL, gt_packer_why(s->packer)));
	return status;
}

static int tell(struct stage *s)
{
	if (!s->progress || s->progress(s->arg, s->done, s->walk->bytes) == 0)
		return 0;
	gt_copy(s->why, s->why_cap, gt_text(GT_T_STAGE_STOPPED));
	return -GT_ECLOSED;
}

/* ------------------------------------------------------------ files */

/* Up to n bytes, fewer only at the end of the file; -1 and errno. */
static ssize_t read_some(int fd, uint8_t *p, size_t n)
{
	size_t got = 0;
	while (got < n) {
		ssize_t k = read(fd, p + got, n - got);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -1;
		if (k == 0)
			break;
		got += (size_t)k;
	}
	return (ssize_t)got;
}

static int copy_bytes(struct stage *s, size_t i, int fd)
{
	const struct gt_walk_file *f = &s->walk->files[i];
	uint64_t left = f->size;
	int status = 0;
	while (!status && left > 0) {
		size_t want = left < READ_BYTES ? (size_t)left : READ_BYTES;
		ssize_t got = read_some(fd, s->buf, want);
		if (got < 0)
			return refuse_errno(s, GT_T_STAGE_SYSTEM, f->path,
			                    errno);
		if ((size_t)got < want)
			return refuse(s, -GT_ECONFLICT, GT_T_STAGE_CHANGED,
			              f->path, NULL);
		status = gt_packer_write(s->packer, s->buf, want);
		if (status)
			return packer_failed(s, status);
		left -= want;
		s->done += want;
		status = tell(s);
	}
	return status;
}

static int pack_file(struct stage *s, size_t i)
{
	const struct gt_walk_file *f = &s->walk->files[i];
	int status, fd = gt_walk_open(s->walk, i);
	if (fd < 0 && (errno == ESTALE || errno == ENOENT || errno == ELOOP ||
	               errno == ENOTDIR))
		return refuse(s, -GT_ECONFLICT, GT_T_STAGE_CHANGED, f->path,
		              NULL);
	if (fd < 0)
		return refuse_errno(s, GT_T_STAGE_SYSTEM, f->path, errno);
	status = gt_packer_file(s->packer, f->path, f->size, NULL);
	if (status)
		status = packer_failed(s, status);
	else
		status = copy_bytes(s, i, fd);
	if (!status && !gt_walk_unchanged(s->walk, i, fd))
		status = refuse(s, -GT_ECONFLICT, GT_T_STAGE_CHANGED, f->path,
		                NULL);
	close(fd);
	return status;
}

/* ------------------------------------------------------- the object */

/* What root makes in another user's directory is that user's, whose daemon is
 * to open it. */
static bool hand_over(int fd, int dir)
{
	struct stat st;
	return geteuid() != 0 ||
	       (fstat(dir, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0);
}

static int open_dir(struct stage *s)
{
	int dir = open(s->where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return refuse_errno(s, GT_T_STAGE_WRITE, s->where, errno);
	if (gt_sys_make_folder(dir, GT_DIR_STAGED, 0700) == 0)
		s->dir =
		        openat(dir, GT_DIR_STAGED,
		               O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (s->dir >= 0 && !hand_over(s->dir, dir)) {
		close(s->dir);
		s->dir = -1;
	}
	int error = errno;
	close(dir);
	return s->dir < 0 ? refuse_errno(s, GT_T_STAGE_WRITE, s->where, error)
	                  : 0;
}

/* Its way to a name, in /proc. */
static void own_path(char out[64], int fd)
{
	gt_format(out, 64, "/proc/self/fd/%d", fd);
}

/* A file without a name; -1 where the disk, or the system, knows none. */
static int open_nameless(int dir)
{
	char path[64];
	int fd = openat(dir, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
	own_path(path, fd);
	if (fd >= 0 && access(path, F_OK) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int open_staged(struct stage *s)
{
	uint8_t random[16];
	char hex[2 * sizeof random + 1];
	gt_sys_random(random, sizeof random);
	gt_hex(hex, random, sizeof random);
	gt_format(s->out->name, sizeof s->out->name, "%s.tar.zst", hex);
	s->fd = open_nameless(s->dir);
	s->nameless = s->fd >= 0;
	if (!s->nameless)
		s->fd = openat(s->dir, s->out->name,
		               O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok = s->fd >= 0 && hand_over(s->fd, s->dir);
	/* a disk without locks: the file's age must do */
	if (ok)
		(void)flock(s->fd, LOCK_SH);
	return ok ? 0 : refuse_errno(s, GT_T_STAGE_WRITE, s->where, errno);
}

static int give_name(struct stage *s)
{
	char path[64];
	own_path(path, s->fd);
	if (s->nameless && linkat(AT_FDCWD, path, s->dir, s->out->name,
	                          AT_SYMLINK_FOLLOW) != 0)
		return refuse_errno(s, GT_T_STAGE_WRITE, s->where, errno);
	s->nameless = false;
	return 0;
}

static int finish(struct stage *s)
{
	struct gt_bytes manifest;
	int status = gt_packer_finish(s->packer, &manifest, &s->out->object,
	                              &s->out->plain, &s->out->stored);
	if (status)
		return packer_failed(s, status);
	if (fsync(s->fd) != 0)
		return refuse_errno(s, GT_T_STAGE_WRITE, s->where, errno);
	if (!gt_buffer_add(&s->out->manifest, manifest.p, manifest.n))
		return refuse_errno(s, GT_T_STAGE_WRITE, s->where, ENOMEM);
	s->out->files = (uint32_t)s->walk->n;
	return give_name(s);
}

static int pack(struct stage *s, int level)
{
	int status = open_dir(s);
	if (!status)
		status = open_staged(s);
	if (status)
		return status;
	s->packer = gt_packer_new(level, put, s);
	s->buf = malloc(READ_BYTES);
	if (!s->packer || !s->buf)
		return refuse_errno(s, GT_T_STAGE_WRITE, s->where, ENOMEM);
	status = tell(s);
	for (size_t i = 0; !status && i < s->walk->n; i++)
		status = pack_file(s, i);
	return status ? status : finish(s);
}

int gt_stage_pack(const char *dir, const struct gt_walk *walk, int level,
                  gt_stage_progress *progress, void *arg, struct gt_staged *out,
                  char *why, size_t why_cap)
{
	struct stage s = {.dir = -1,
	                  .fd = -1,
	                  .where = dir,
	                  .walk = walk,
	                  .progress = progress,
	                  .arg = arg,
	                  .out = out,
	                  .why = why,
	                  .why_cap = why_cap};
	int status;
	assert(why_cap > 0);
	why[0] = '\0';
	*out = (struct gt_staged){.fd = -1};
	status = pack(&s, level);
	out->fd = s.fd;
	if (status) {
		if (s.fd >= 0 && !s.nameless)
			unlinkat(s.dir, out->name, 0);
		gt_staged_clear(out);
	}
	if (s.dir >= 0)
		close(s.dir);
	gt_packer_free(s.packer);
	free(s.buf);
	return status;
}

void gt_staged_clear(struct gt_staged *staged)
{
	gt_buffer_free(&staged->manifest);
	if (staged->fd >= 0)
		close(staged->fd);
	*staged = (struct gt_staged){.fd = -1};
}

void gt_stage_remove(const char *dir, const char *name)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[sizeof GT_DIR_STAGED + 1 + GT_STAGED_NAME_MAX];
	if (fd < 0 || strchr(name, '/'))
		goto out;
	gt_format(path, sizeof path, GT_DIR_STAGED "/%s", name);
	/* what cannot be removed now goes when the daemon starts next */
	(void)unlinkat(fd, path, 0);
out:
	if (fd >= 0)
		close(fd);
}
