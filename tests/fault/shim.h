/* shim.h: what a test and the preloaded shim share.
 *
 * A file of FAULT_BYTES named by GUANTONG_FAULT, mapped by both: the test
 * fills it in, sets `armed` last, and reads `count`, `fired` and `what` back.
 * tests/fault/box.py knows the same layout by its offsets. */
#ifndef FAULT_SHIM_H
#define FAULT_SHIM_H

#include <stdint.h>

enum fault_class {
	FAULT_MEMORY = 1, /* malloc, calloc, realloc and their kind */
	FAULT_WRITE = 2,  /* write, pwrite, ... of a regular file */
	FAULT_SYNC = 4,   /* fsync, fdatasync */
	FAULT_NAME = 8,   /* open(O_CREAT), rename, unlink, mkdir */
	FAULT_SIZE = 16,  /* ftruncate, posix_fallocate */
};

enum fault_action {
	FAULT_FAIL = 1,  /* the call fails with `error` and does nothing */
	FAULT_SHORT = 2, /* a write takes half; no other call is touched */
	FAULT_KILL_BEFORE = 3,
	FAULT_KILL_HALF = 4, /* half of a write, then SIGKILL */
	FAULT_KILL_AFTER = 5,
};

struct fault_control {
	uint32_t armed;
	uint32_t classes; /* that count */
	uint32_t action;
	uint32_t error;  /* errno */
	uint32_t sticky; /* the calls behind the n-th fail too */
	uint32_t fired;
	uint64_t when; /* n, from 1 */
	uint64_t count;
	uint64_t stack; /* 0, or: count only allocations made from there */
	char what[208]; /* the call it fired at */
};

enum { FAULT_BYTES = 256 };

/* A file named by GUANTONG_FAULT_STACKS: where each allocation counted was made
 * from, as a hash of the addresses on the stack, the same in every run. */
enum { FAULT_STACKS = 1 << 17 };
struct fault_stacks {
	uint64_t n;
	uint64_t v[FAULT_STACKS];
};

#endif
