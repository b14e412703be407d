/* shim.c: preloaded into a program, counts its allocations and the calls that
 * change files, and makes the n-th of them fail, or the process die there.
 *
 * Only regular files count, and not the three standard streams: sockets,
 * events and the log are not what is tested here. See shim.h. */
#define _GNU_SOURCE 1
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
/* Offsets have 64 bits here under either name. */
#define SAME_AS(call) \
	extern __attribute__((alias(#call), visibility("default")))

_Static_assert(sizeof(struct fault_control) == FAULT_BYTES, "see box.py");
_Static_assert(sizeof(off_t) == sizeof(off64_t), "see SAME_AS");

static struct fault_control *control;
static struct fault_stacks *stacks;
static int depth = 12; /* calls that make a place */

/* What glibc calls its own allocator when another is in front of it. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static void *map(const char *name, size_t n)
{
	const char *path = getenv(name);
	int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path,
	                             O_RDWR | O_CLOEXEC, 0)
	              : -1;
	if (fd < 0)
		return NULL;
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

__attribute__((constructor)) static void set_up(void)
{
	void *frame;
	const char *calls = getenv("GUANTONG_FAULT_DEPTH");
	(void)backtrace(&frame, 1); /* the first loads what it needs */
	if (calls)
		depth = atoi(calls);
	stacks = map("GUANTONG_FAULT_STACKS", sizeof *stacks);
	control = map("GUANTONG_FAULT", FAULT_BYTES);
}

/* --------------------------------------------------------- deciding */

static bool counts(uint32_t class)
{
	return control &&
	       __atomic_load_n(&control->armed, __ATOMIC_ACQUIRE) != 0 &&
	       (control->classes & class) != 0;
}

/* Whether this is the call. */
static bool hit(void)
{
	uint64_t n = __atomic_add_fetch(&control->count, 1, __ATOMIC_ACQ_REL);
	return n == control->when || (control->sticky && n > control->when);
}

/* No stdio and no allocation: this may be inside of malloc. */
static void say(const char *call, const char *detail)
{
	if (__atomic_exchange_n(&control->fired, 1, __ATOMIC_ACQ_REL))
		return;
	size_t at = 0, cap = sizeof control->what - 1;
	for (const char *p = call; *p && at < cap; p++)
		control->what[at++] = *p;
	if (*detail && at < cap)
		control->what[at++] = ' ';
	for (const char *p = detail; *p && at < cap; p++)
		control->what[at++] = *p;
	control->what[at] = '\0';
}

static void die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* The path of an open file, without the folders before the node's own. */
static void path_of(int fd, char *out, size_t cap)
{
	char link[32];
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, out, cap - 1);
	out[n < 0 ? 0 : n] = '\0';
}

static bool regular(int fd)
{
	struct stat st;
	int error = errno;
	bool is = fd > STDERR_FILENO && fstat(fd, &st) == 0 &&
	          S_ISREG(st.st_mode);
	errno = error;
	return is;
}

enum verdict { GO, FAIL, HALF };

/* What becomes of a call, which dies here if it is to die before. *after: it
 * dies when it is done. */
static enum verdict judge(uint32_t class, const char *call, const char *detail,
                          bool *after)
{
	*after = false;
	if (!counts(class) || !hit())
		return GO;
	if (control->action == FAULT_SHORT && class != FAULT_WRITE)
		return GO;
	say(call, detail);
	switch (control->action) {
	case FAULT_FAIL:
		errno = (int)control->error;
		return FAIL;
	case FAULT_SHORT:
		return HALF;
	case FAULT_KILL_HALF:
		if (class != FAULT_WRITE)
			die();
		*after = true;
		return HALF;
	case FAULT_KILL_AFTER:
		*after = true;
		return GO;
	default:
		die();
		return GO;
	}
}

static enum verdict judge_fd(uint32_t class, const char *call, int fd,
                             bool *after)
{
	char path[160];
	*after = false;
	if (!counts(class))
		return GO;
	path_of(fd, path, sizeof path);
	return judge(class, call, path, after);
}

static void finish(bool after)
{
	if (after)
		die();
}

/* ----------------------------------------------------------- memory */

/* The object file an address is in, for a person. */
static void caller(char *out, size_t cap, void *address)
{
	Dl_info info;
	out[0] = '\0';
	if (!dladdr(address, &info) || !info.dli_fname)
		return;
	const char *slash = strrchr(info.dli_fname, '/');
	(void)snprintf(out, cap, "%s+0x%zx", slash ? slash + 1 : info.dli_fname,
	               (size_t)((char *)address - (char *)info.dli_fbase));
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	return (h ^ v) * 0x100000001b3 ^ h >> 29;
}

/* Addresses as they are in their files, since these are loaded anywhere. */
static uint64_t stack_hash(void)
{
	enum { DEPTH = 32 };
	static _Thread_local bool inside;
	void *frames[DEPTH];
	uint64_t h = 1;
	if (inside)
		return h;
	inside = true;
	int n = backtrace(frames, depth < DEPTH ? depth : DEPTH);
	for (int i = 0; i < n; i++) {
		struct dl_find_object o;
		if (_dl_find_object(frames[i], &o) != 0)
			continue;
		h = mix(h, (uint64_t)frames[i] - o.dlfo_link_map->l_addr);
		const char *name = strrchr(o.dlfo_link_map->l_name, '/');
		for (; name && *name; name++)
			h = mix(h, (uint64_t)*name);
	}
	inside = false;
	return h;
}

/* Whether an allocation made from here counts. */
static bool counts_stack(void)
{
	if (!stacks && control->stack == 0)
		return true;
	if (!stacks && control->fired)
		return false; /* a place fails once, and looking costs */
	uint64_t h = stack_hash();
	if (stacks) {
		uint64_t at =
		        __atomic_fetch_add(&stacks->n, 1, __ATOMIC_RELAXED);
		if (at < FAULT_STACKS)
			stacks->v[at] = h;
	}
	return control->stack == 0 || control->stack == h;
}

static bool no_memory(const char *call, void *address)
{
	char where[160];
	bool after;
	if (!counts(FAULT_MEMORY) || !counts_stack() || !hit())
		return false;
	caller(where, sizeof where, address);
	control->error = ENOMEM;
	/* counted already: say and decide only */
	say(call, where);
	after = control->action != FAULT_FAIL;
	finish(after);
	errno = ENOMEM;
	return true;
}

EXPORT void *malloc(size_t n)
{
	if (no_memory("malloc", __builtin_return_address(0)))
		return NULL;
	return __libc_malloc(n);
}

EXPORT void *calloc(size_t n, size_t size)
{
	if (no_memory("calloc", __builtin_return_address(0)))
		return NULL;
	return __libc_calloc(n, size);
}

EXPORT void *realloc(void *p, size_t n)
{
	if (no_memory("realloc", __builtin_return_address(0)))
		return NULL;
	return __libc_realloc(p, n);
}

EXPORT void *aligned_alloc(size_t align, size_t n)
{
	if (no_memory("aligned_alloc", __builtin_return_address(0)))
		return NULL;
	return __libc_memalign(align, n);
}

EXPORT int posix_memalign(void **out, size_t align, size_t n)
{
	if (no_memory("posix_memalign", __builtin_return_address(0)))
		return ENOMEM;
	*out = __libc_memalign(align, n);
	return *out ? 0 : ENOMEM;
}

/* ---------------------------------------------------------- writing */

static ssize_t do_write(int fd, const void *p, size_t n)
{
	return syscall(SYS_write, fd, p, n);
}

EXPORT ssize_t write(int fd, const void *p, size_t n)
{
	bool after = false;
	enum verdict v =
	        regular(fd) ? judge_fd(FAULT_WRITE, "write", fd, &after) : GO;
	if (v == FAIL)
		return -1;
	ssize_t got = do_write(fd, p, v == HALF ? (n + 1) / 2 : n);
	finish(after);
	return got;
}

EXPORT ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	bool after = false;
	enum verdict v =
	        regular(fd) ? judge_fd(FAULT_WRITE, "pwrite", fd, &after) : GO;
	if (v == FAIL)
		return -1;
	ssize_t got =
	        syscall(SYS_pwrite64, fd, p, v == HALF ? (n + 1) / 2 : n, at);
	finish(after);
	return got;
}

SAME_AS(pwrite) ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at);

EXPORT ssize_t writev(int fd, const struct iovec *v, int n)
{
	bool after = false;
	enum verdict what =
	        regular(fd) ? judge_fd(FAULT_WRITE, "writev", fd, &after) : GO;
	if (what == FAIL)
		return -1;
	ssize_t got = what == HALF ? do_write(fd, v[0].iov_base,
	                                      (v[0].iov_len + 1) / 2)
	                           : syscall(SYS_writev, fd, v, n);
	finish(after);
	return got;
}

/* ---------------------------------------------------------- syncing */

EXPORT int fsync(int fd)
{
	bool after;
	if (judge_fd(FAULT_SYNC, "fsync", fd, &after) != GO)
		return -1;
	int rc = (int)syscall(SYS_fsync, fd);
	finish(after);
	return rc;
}

EXPORT int fdatasync(int fd)
{
	bool after;
	if (judge_fd(FAULT_SYNC, "fdatasync", fd, &after) != GO)
		return -1;
	int rc = (int)syscall(SYS_fdatasync, fd);
	finish(after);
	return rc;
}

/* ------------------------------------------------------------ names */

/* The mode that a call has only if it may make a file. */
static unsigned mode_of(int flags, va_list ap)
{
	bool makes = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
	return makes ? va_arg(ap, unsigned) : 0;
}

static int do_open(int dir, const char *path, int flags, unsigned mode)
{
	bool after = false;
	if ((flags & O_CREAT) && judge(FAULT_NAME, "open", path, &after) != GO)
		return -1;
	int fd = (int)syscall(SYS_openat, dir, path, flags, mode);
	finish(after);
	return fd;
}

EXPORT int openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	unsigned mode = mode_of(flags, ap);
	va_end(ap);
	return do_open(dir, path, flags, mode);
}

EXPORT int open(const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	unsigned mode = mode_of(flags, ap);
	va_end(ap);
	return do_open(AT_FDCWD, path, flags, mode);
}

SAME_AS(openat) int openat64(int dir, const char *path, int flags, ...);
SAME_AS(open) int open64(const char *path, int flags, ...);

EXPORT int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	bool after;
	if (judge(FAULT_NAME, "rename", to, &after) != GO)
		return -1;
	int rc = (int)syscall(SYS_renameat, from_dir, from, to_dir, to);
	finish(after);
	return rc;
}

EXPORT int rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

EXPORT int unlinkat(int dir, const char *path, int flags)
{
	bool after;
	if (judge(FAULT_NAME, "unlink", path, &after) != GO)
		return -1;
	int rc = (int)syscall(SYS_unlinkat, dir, path, flags);
	finish(after);
	return rc;
}

EXPORT int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

EXPORT int mkdirat(int dir, const char *path, mode_t mode)
{
	bool after;
	if (judge(FAULT_NAME, "mkdir", path, &after) != GO)
		return -1;
	int rc = (int)syscall(SYS_mkdirat, dir, path, mode);
	finish(after);
	return rc;
}

EXPORT int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

/* ------------------------------------------------------------ sizes */

EXPORT int ftruncate(int fd, off_t n)
{
	bool after;
	if (judge_fd(FAULT_SIZE, "ftruncate", fd, &after) != GO)
		return -1;
	int rc = (int)syscall(SYS_ftruncate, fd, n);
	finish(after);
	return rc;
}

SAME_AS(ftruncate) int ftruncate64(int fd, off64_t n);

EXPORT int posix_fallocate(int fd, off_t at, off_t n)
{
	bool after;
	if (judge_fd(FAULT_SIZE, "posix_fallocate", fd, &after) != GO)
		return (int)control->error;
	int rc = (int)syscall(SYS_fallocate, fd, 0, at, n);
	int error = rc ? errno : 0;
	finish(after);
	return error;
}

SAME_AS(posix_fallocate) int posix_fallocate64(int fd, off64_t at, off64_t n);
