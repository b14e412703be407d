#include "rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"
#include "sys.h"
#include "translate.h"

enum { PIECE = 1 << 20 };

static int rewrite_bytes(int fd, uint8_t *piece)
{
	struct stat st;
	int status = fstat(fd, &st) == 0 ? 0 : gt_sys_status(errno);
	uint64_t size = status ? 0 : (uint64_t)st.st_size;
	for (uint64_t at = 0; status == 0 && at < size; at += PIECE) {
		size_t n = size - at < PIECE ? (size_t)(size - at) : PIECE;
		status = gt_sys_pread(fd, piece, n, at);
		if (status == 0)
			status = gt_sys_pwrite(fd, piece, n, at);
	}
	if (status == 0 && fsync(fd) != 0)
		status = gt_sys_status(errno);
	return status;
}

static int rewrite_file(int fd)
{
	uint8_t *piece = malloc(PIECE);
	if (!piece)
		return gt_sys_status(errno);
	int status = rewrite_bytes(fd, piece);
	int error = errno;
	free(piece);
	errno = error;
	return status;
}

static int refuse(int status, const char *path, char *why, size_t why_cap)
{
	if (status != 0)
		gt_say_into(why, why_cap, GT_T_DAEMON_REWRITE, path,
		            gt_translate_errno(errno));
	return status;
}

static int drop(const char *path)
{
	struct stat st;
	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : gt_sys_status(errno);
	if (!S_ISREG(st.st_mode) || st.st_size > 0 || unlink(path) == 0)
		return 0;
	return gt_sys_status(errno);
}

int gt_rewrite_drop(const char *path, char *why, size_t why_cap)
{
	return refuse(drop(path), path, why, why_cap);
}

static int rewrite(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return gt_sys_status(errno);
	int status = rewrite_file(fd);
	int error = errno;
	close(fd);
	errno = error;
	return status ? status : gt_sys_sync_parent(AT_FDCWD, path);
}

int gt_rewrite(const char *path, char *why, size_t why_cap)
{
	int status = drop(path);
	if (status == 0)
		status = rewrite(path);
	int error = errno;
	if (status != 0)
		(void)drop(path); /* else when it starts next */
	errno = error;
	return refuse(status, path, why, why_cap);
}
