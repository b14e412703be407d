/* heap.h: memory for SQLite under a fuzzer.
 *
 * SQLite is not built with sanitizers: that its memory is watched tells nothing,
 * and takes a third of the time. Pieces of powers of two, and no lock. Neither
 * are these few lines themselves (see the Makefile). */
#ifndef GT_FUZZ_HEAP_H
#define GT_FUZZ_HEAP_H

/* Before SQLite is used, by a program of one thread; once. */
void heap_own(void);

#endif
