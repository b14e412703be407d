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

int gt_rewrite(const char *path, char *why, size_t why_cap)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return 0;
	int status = fd < 0 ? gt_sys_status(errno) : rewrite_file(fd);
	int error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	if (status == 0)
		status = gt_sys_sync_parent(path); /* its name is to last too */
	if (status != 0)
		gt_say_into(why, why_cap, GT_T_DAEMON_REWRITE, path,
		            gt_translate_errno(errno));
	return status;
}
