/* stall.c: preloaded into a daemon, makes whoever reads an object file hang for
 * as long as the file named by GT_STALL is there. For tests/e2e/test_watch.py,
 * which builds it: the daemon itself has no such switch. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static void stall(int fd)
{
	const char *while_there = getenv("GT_STALL");
	char link[64], path[4096];
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (!while_there || n < 0)
		return;
	path[n] = '\0';
	if (!strstr(path, ".tar.zst"))
		return;
	while (access(while_there, F_OK) == 0)
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
}

typedef ssize_t reads(int fd, void *p, size_t n, off_t at);

static ssize_t go_on(const char *name, int fd, void *p, size_t n, off_t at)
{
	reads *real = (reads *)dlsym(RTLD_NEXT, name);
	stall(fd);
	return real(fd, p, n, at);
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
	return go_on("pread", fd, p, n, at);
}

ssize_t pread64(int fd, void *p, size_t n, off_t at)
{
	return go_on("pread64", fd, p, n, at);
}

ssize_t __pread_chk(int fd, void *p, size_t n, off_t at, size_t room)
{
	(void)room;
	return go_on("pread", fd, p, n, at);
}
