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

/* errno stays what it was: it says more than the status. */
static int failed(const char *path, char *why, size_t cap)
{
	int error = errno;
	gt_say_into(why, cap, GT_T_CLI_FILE_FAILED, path,
	            gt_translate_errno(error));
	errno = error;
	if (error == EEXIST)
		return -GT_ECONFLICT;
	return error == ENOENT ? -GT_EUNKNOWN : -GT_EIO;
}

/* ---------------------------------------------------------- writing */

/* The file that is written first, its name put into temp. */
static int open_temp(char *temp, size_t cap, unsigned mode,
                     enum gt_files_how how)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC;
	size_t n = strlen(temp);
	switch (how) {
	case GT_FILES_NEW:
		return open(temp, flags | O_EXCL, (mode_t)mode);
	case GT_FILES_REPLACE:
		gt_format(temp + n, cap - n, ".XXXXXX");
		return mkstemp(temp);
	case GT_FILES_OURS:
		gt_format(temp + n, cap - n, ".new");
		return open(temp, flags | O_TRUNC, (mode_t)mode);
	}
	return -1;
}

int gt_files_write(const char *path, unsigned mode, enum gt_files_how how,
                   struct gt_bytes bytes, char *why, size_t why_cap)
{
	char temp[4096];
	if (!gt_copy(temp, sizeof temp - 8, path)) {
		errno = ENAMETOOLONG;
		return failed(path, why, why_cap);
	}
	int fd = open_temp(temp, sizeof temp, mode, how);
	if (fd < 0)
		return failed(path, why, why_cap);
	bool ok = fchmod(fd, (mode_t)mode) == 0 &&
	          gt_sys_pwrite(fd, bytes.p, bytes.n, 0) == 0 && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	ok = ok && (how == GT_FILES_NEW || rename(temp, path) == 0);
	ok = ok && gt_sys_sync_parent(AT_FDCWD, path) == 0;
	if (ok)
		return 0;
	int status = failed(path, why, why_cap);
	int error = errno;
	(void)unlink(temp); /* what failed is reported already */
	errno = error;
	return status == -GT_ECONFLICT ? -GT_EIO : status;
}

/* ---------------------------------------------------------- reading */

/* 0, -GT_EIO with errno, -GT_ELIMIT, -GT_ENOMEM. */
static int slurp(int fd, size_t max, struct gt_buffer *out)
{
	struct stat st;
	bool sized = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	if (sized && (uint64_t)st.st_size > max)
		return -GT_ELIMIT;
	/* a secret in a file is never moved: there is room for all of it */
	size_t room = sized ? (size_t)st.st_size + 1 : 4096;
	while (gt_buffer_room(out, room)) {
		ssize_t got = read(fd, out->p + out->n, out->cap - 1 - out->n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -GT_EIO;
		out->n += (size_t)got;
		out->p[out->n] = '\0';
		if (out->n > max)
			return -GT_ELIMIT;
		if (got == 0)
			return 0;
		room = 1;
	}
	return -GT_ENOMEM;
}

static int read_fd(const char *path, int fd, size_t max, struct gt_buffer *out,
                   char *why, size_t why_cap)
{
	int status = slurp(fd, max, out);
	if (status == 0)
		return 0;
	int error = errno;
	gt_buffer_wipe(out);
	errno = error;
	if (status == -GT_EIO)
		return failed(path, why, why_cap);
	gt_say_into(why, why_cap, GT_T_CLI_FILE_FAILED, path,
	            gt_translate_error(status));
	return status;
}

static void close_read(int fd)
{
	int error = errno;
	(void)close(fd); /* only read from */
	errno = error;
}

static int must_be_regular(const struct stat *st, const char *path, char *why,
                           size_t why_cap)
{
	if (S_ISREG(st->st_mode))
		return 0;
	gt_say_into(why, why_cap, GT_T_CLI_FILE_FAILED, path,
	            gt_text(GT_T_DAEMON_NO_FILE));
	return -GT_EINVALID;
}

/* A pipe put where a node's file should be must not hold it up. */
static int must_be_file(const char *path, int fd, char *why, size_t why_cap)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return failed(path, why, why_cap);
	return must_be_regular(&st, path, why, why_cap);
}

int gt_files_read(const char *path, size_t max, struct gt_buffer *out,
                  char *why, size_t why_cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	*out = (struct gt_buffer){0};
	if (fd < 0)
		return failed(path, why, why_cap);
	int status = must_be_file(path, fd, why, why_cap);
	if (status == 0)
		status = read_fd(path, fd, max, out, why, why_cap);
	close_read(fd);
	return status;
}

int gt_files_kind(const char *path, char *why, size_t why_cap)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return errno == ENOENT ? 0 : failed(path, why, why_cap);
	return must_be_regular(&st, path, why, why_cap);
}

int gt_files_take(const char *path, size_t max, struct gt_buffer *out,
                  char *why, size_t why_cap)
{
	bool given = strcmp(path, "-") == 0;
	int fd = given ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	*out = (struct gt_buffer){0};
	if (fd < 0)
		return failed(path, why, why_cap);
	int status = read_fd(path, fd, max, out, why, why_cap);
	if (!given)
		close_read(fd);
	return status;
}

/* ---------------------------------------------------------- folders */

static bool have_folder(const char *path, unsigned mode)
{
	return gt_sys_make_folder(AT_FDCWD, path, mode) == 0;
}

int gt_files_close_to_others(const char *path, char *why, size_t why_cap)
{
	enum { OTHERS = S_IRWXG | S_IRWXO };
	struct stat st;
	if (stat(path, &st) != 0)
		return errno == ENOENT ? 0 : failed(path, why, why_cap);
	if ((st.st_mode & OTHERS) == 0)
		return 0;
	if (chmod(path, st.st_mode & 07777 & ~(mode_t)OTHERS) != 0)
		return failed(path, why, why_cap);
	return 1;
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
	if (have_folder(path, mode) && chmod(path, (mode_t)mode) == 0)
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
