/* tracer.c: CONTROL PID: kills a running program at its n-th system call
 * boundary.
 *
 * The shim sees the calls that change files; this sees every system call of
 * every thread, through ptrace. Each entry into a call and each return from one
 * is a boundary; they are counted over all threads in the order in which they
 * come, and at the n-th the whole process is killed where it stands: at an
 * entry the call is not made. `when`, `count`, `fired` and `what` of the page
 * in shim.h are used as the shim uses them.
 *
 * Writes "tracing" and a newline when all threads are attached to. Ends when
 * the program does, or by SIGTERM, which lets go of it. Status 77: this machine
 * does not allow it. */
#define _GNU_SOURCE 1
#include "shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	THREADS = 512,
	NOT_ALLOWED = 77,
	OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE,
};

static struct fault_control *control;
static pid_t threads[THREADS]; /* attached to */
static size_t nthreads;

static void fail(const char *what)
{
	int error = errno;
	perror(what);
	exit(error == EPERM || error == EACCES || error == ENOSYS ? NOT_ALLOWED
	                                                          : 1);
}

static void map_control(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fail(path);
	control = mmap(NULL, FAULT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
	               fd, 0);
	if (control == MAP_FAILED)
		fail("mmap");
	close(fd);
}

static bool known(pid_t thread)
{
	for (size_t i = 0; i < nthreads; i++)
		if (threads[i] == thread)
			return true;
	return false;
}

/* Attaches to those not yet known; how many. One that ended meanwhile is
 * none. */
static size_t seize(pid_t pid)
{
	char path[64];
	size_t before = nthreads;
	(void)snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
	DIR *d = opendir(path);
	if (!d)
		fail(path);
	for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
		pid_t t = (pid_t)strtol(e->d_name, NULL, 10);
		if (t == 0 || known(t) || nthreads == THREADS)
			continue;
		if (ptrace(PTRACE_SEIZE, t, NULL, OPTIONS) != 0) {
			if (errno != ESRCH)
				fail("ptrace");
			continue;
		}
		threads[nthreads++] = t;
		/* it stops, and goes on under our eyes */
		(void)ptrace(PTRACE_INTERRUPT, t, NULL, NULL);
	}
	closedir(d);
	return nthreads - before;
}

/* "entry 18 /path/of/its/first/argument" */
static void describe(pid_t pid, pid_t thread)
{
	struct __ptrace_syscall_info info = {0};
	char link[64], path[128] = "";
	static unsigned long long last; /* of this thread's entry */
	(void)ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info);
	bool entry = info.op == PTRACE_SYSCALL_INFO_ENTRY;
	if (entry)
		last = info.entry.nr;
	(void)snprintf(link, sizeof link, "/proc/%ld/fd/%llu", (long)pid,
	               entry ? (unsigned long long)info.entry.args[0] : 0);
	ssize_t n = entry ? readlink(link, path, sizeof path - 1) : -1;
	path[n < 0 ? 0 : n] = '\0';
	if (entry)
		(void)snprintf(control->what, sizeof control->what,
		               "entry %llu %s", last, path);
	else
		(void)snprintf(control->what, sizeof control->what,
		               "return %lld", (long long)info.exit.rval);
}

/* A boundary. */
static void count(pid_t pid, pid_t thread)
{
	if (++control->count != control->when)
		return;
	describe(pid, thread);
	control->fired = 1;
	if (kill(pid, SIGKILL) != 0)
		fail("kill");
}

/* One stop of one thread; the signal to hand on. */
static int stopped(pid_t pid, pid_t thread, int status)
{
	int sig = WSTOPSIG(status);
	if (sig == (SIGTRAP | 0x80)) {
		count(pid, thread);
		return 0;
	}
	/* an event of ours, or a stop of the whole process */
	return status >> 16 ? 0 : sig;
}

static void watch(pid_t pid)
{
	for (;;) {
		int status;
		pid_t t = waitpid(-1, &status, __WALL);
		if (t < 0 && errno == EINTR)
			continue;
		if (t < 0)
			return; /* nobody is left */
		if (!WIFSTOPPED(status))
			continue;
		long sig = stopped(pid, t, status);
		/* it may have been killed meanwhile */
		(void)ptrace(PTRACE_SYSCALL, t, NULL, sig);
	}
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	pid_t pid = (pid_t)strtol(argv[2], NULL, 10);
	map_control(argv[1]);
	/* those made while we look are found at the next look, or attached to
	 * by their makers */
	while (seize(pid) > 0)
		;
	(void)puts("tracing");
	(void)fflush(stdout);
	watch(pid);
	return 0;
}
