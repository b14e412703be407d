#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"
#include "sys.h"
#include "translate.h"

static int failed(const char *path, char *why, size_t cap)
{
	int e = errno;
	gt_say_into(why, cap, GT_T_CLI_FILE_FAILED, path,
	            gt_translate_errno(e));
	if (e == EEXIST)
		return -GT_ECONFLICT;
	return e == ENOENT ? -GT_EUNKNOWN : -GT_EIO;
}

static bool write_all(int fd, struct gt_bytes b)
{
	while (b.n > 0) {
		ssize_t n = write(fd, b.p, b.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		b.p += n;
		b.n -= (size_t)n;
	}
	return true;
}

int gt_files_write(const char *path, unsigned mode, enum gt_files_how how,
                   struct gt_bytes bytes, char *why, size_t why_cap)
{
	char temp[4096];
	if (!gt_copy(temp, sizeof temp - 8, path)) {
		errno = ENAMETOOLONG;
		return failed(path, why, why_cap);
	}
	if (how == GT_FILES_REPLACE)
		gt_format(temp + strlen(temp), 8, ".XXXXXX");
	int fd = how == GT_FILES_REPLACE
	                 ? mkstemp(temp)
	                 : open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	                        (mode_t)mode);
	if (fd < 0)
		return failed(path, why, why_cap);
	bool ok = fchmod(fd, (mode_t)mode) == 0 && write_all(fd, bytes) &&
	          fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	ok = ok && (how == GT_FILES_NEW || rename(temp, path) == 0);
	ok = ok && gt_sys_sync_parent(path) == 0;
	if (ok)
		return 0;
	int status = failed(path, why, why_cap);
	(void)unlink(temp); /* what failed is reported already */
	return status == -GT_ECONFLICT ? -GT_EIO : status;
}

static int slurp(int fd, size_t max, struct gt_bytes *out)
{
	size_t n = 0, cap = 4096;
	uint8_t *p = malloc(cap);
	while (p) {
		ssize_t got = read(fd, p + n, cap - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || (n += (size_t)got) > max) {
			free(p);
			return got < 0 ? -GT_EIO : -GT_ELIMIT;
		}
		if (got == 0) {
			p[n] = '\0';
			*out = gt_bytes_of(p, n);
			return 0;
		}
		if (n == cap - 1) {
			uint8_t *q = realloc(p, cap *= 2);
			if (!q)
				free(p);
			p = q;
		}
	}
	return -GT_ENOMEM;
}

int gt_files_read(const char *path, size_t max, struct gt_bytes *out, char *why,
                  size_t why_cap)
{
	bool stdin_ = strcmp(path, "-") == 0;
	int fd = stdin_ ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	*out = gt_bytes_of(NULL, 0);
	if (fd < 0)
		return failed(path, why, why_cap);
	int status = slurp(fd, max, out);
	if (status == -GT_EIO)
		status = failed(path, why, why_cap);
	else if (status)
		gt_say_into(why, why_cap, GT_T_CLI_FILE_FAILED, path,
		            gt_translate_error(status));
	if (!stdin_)
		(void)close(fd); /* only read from */
	return status;
}

/* One that is there already was made to last by whoever made it. */
static bool have_folder(const char *path, mode_t mode)
{
	if (mkdir(path, mode) == 0)
		return gt_sys_sync_made(path) == 0;
	return errno == EEXIST;
}

int gt_files_mkdir(const char *path, unsigned mode, char *why, size_t why_cap)
{
	char part[4096];
	if (!gt_copy(part, sizeof part, path)) {
		errno = ENAMETOOLONG;
		return failed(path, why, why_cap);
	}
	for (char *p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (!have_folder(part, 0777))
			return failed(part, why, why_cap);
		*p = '/';
	}
	if (have_folder(path, (mode_t)mode) && chmod(path, (mode_t)mode) == 0)
		return 0;
	return failed(path, why, why_cap);
}

bool gt_files_empty(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	bool empty = true;
	if (!d)
		return errno == ENOENT;
	while (empty && (e = readdir(d)))
		empty = strcmp(e->d_name, ".") == 0 ||
		        strcmp(e->d_name, "..") == 0;
	(void)closedir(d);
	return empty;
}
