#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int64_t ms_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000 + t->tv_nsec / 1000000;
}

struct gt_now gt_sys_now(void)
{
	struct timespec mono, boot, wall;
	int bad = clock_gettime(CLOCK_MONOTONIC, &mono) |
	          clock_gettime(CLOCK_BOOTTIME, &boot) |
	          clock_gettime(CLOCK_REALTIME, &wall);
	assert(!bad);
	int64_t mono_ms = ms_of(&mono), boot_ms = ms_of(&boot);
	return (struct gt_now){
	        .mono_ms = (uint64_t)mono_ms,
	        .wall_ms = ms_of(&wall),
	        .slept_ms = (uint64_t)(boot_ms - mono_ms),
	};
}

void gt_sys_keep_secrets(void)
{
	const struct rlimit none = {0, 0};
	/* neither can fail, but where something stands between us and the
	 * kernel; then there is nothing to be done */
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void gt_sys_random(void *out, size_t n)
{
	uint8_t *p = out;
	while (n) {
		ssize_t got = getrandom(p, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort();
		p += got;
		n -= (size_t)got;
	}
}

int gt_sys_status(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return -GT_ENOSPACE;
	case ENOMEM:
	case EMFILE: /* short of descriptors, as of memory, for now */
	case ENFILE:
		return -GT_ENOMEM;
	default:
		return -GT_EIO;
	}
}

int gt_sys_pwrite(int fd, const void *p, size_t n, uint64_t offset)
{
	const uint8_t *from = p;
	while (n) {
		ssize_t done = pwrite(fd, from, n, (off_t)offset);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return gt_sys_status(errno);
		if (done == 0)
			return -GT_EIO;
		from += done;
		offset += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

int gt_sys_pread(int fd, void *p, size_t n, uint64_t offset)
{
	uint8_t *to = p;
	while (n) {
		ssize_t got = pread(fd, to, n, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return gt_sys_status(errno);
		if (got == 0)
			return -GT_EDAMAGED;
		to += got;
		offset += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

int gt_sys_sync_folder(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return gt_sys_status(errno);
	int status = fsync(fd) == 0 ? 0 : gt_sys_status(errno);
	int error = errno;
	close(fd);
	errno = error;
	return status;
}

int gt_sys_sync_parent(int dir, const char *path)
{
	char folder[4096];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) + 1 : 0;
	if (n == 0)
		return gt_sys_sync_folder(dir, ".");
	if (n >= sizeof folder) {
		errno = ENAMETOOLONG;
		return -GT_EIO;
	}
	gt_format(folder, sizeof folder, "%.*s", (int)n, path);
	return gt_sys_sync_folder(dir, folder);
}

/* 0: what has the name is a folder, or leads to one. */
static int check_folder(int dir, const char *path)
{
	struct stat st;
	if (fstatat(dir, path, &st, 0) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		errno = ENOTDIR;
	}
	return gt_sys_status(errno);
}

int gt_sys_make_folder(int dir, const char *path, unsigned mode)
{
	if (mkdirat(dir, path, (mode_t)mode) != 0)
		return errno == EEXIST ? check_folder(dir, path)
		                       : gt_sys_status(errno);
	int status = gt_sys_sync_parent(dir, path);
	int error = errno;
	if (status != 0)
		(void)unlinkat(dir, path, AT_REMOVEDIR);
	errno = error;
	return status == -GT_EIO ? -GT_ESTORE : status;
}
