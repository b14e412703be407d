/* sums.h: a checksum of every page of the database, in a file beside it,
 * DIR/data/guantong.db-sums.
 *
 * SQLite believes what the disk gives it. Here each page that goes into the
 * database leaves its sum (sums_vfs.h), and each that is read is compared. What
 * is wrong in one word of eight bytes, wherever in the page, is put right on
 * the spot: beside the sum lies the parity of the page's words, which says what
 * the word differs by, and the sum says which it is. What is wrong in more is
 * given to nobody. A slow look over all pages, gt_sums_look, finds what nobody
 * reads, writes back what can be put right, and tells.
 *
 * The sums lie beside the database and not in it, as in SQLite's own checksum
 * VFS: its file stays what every program knows, the one before this one opens
 * it, and no page is made smaller by a rewrite of all. A page that has no sum
 * yet is believed, and gets one when it is looked at: so a database of before
 * is taken over.
 *
 * Another program that writes to the database knows nothing of sums: they would
 * call its pages damaged. Nothing in a page tells who wrote it. But whoever
 * writes begins a log of his own, with numbers drawn at random in its first 32
 * bytes, and removes it when he is through. So the log's beginning is kept
 * here, and in its place, also after a clean end. If it is not there at a
 * start, or another's, somebody else was here, and all sums are made anew. The
 * note is durable before the log begins so, once for each log and not for each
 * commit: so a log that begins otherwise is none this database ever had last,
 * and is not put into it (wal.h). Behind it stands how far that log has come, at
 * each commit: a write that no record waits for, true also if it is of before,
 * for what it tells of was durable by then.
 *
 * A sum is durable before the log lets go of the page: until then the page is
 * read from the log, and written, with its sum, again. So a power cut leaves no
 * page that is read with the sum of another. The same holds of what is read by
 * a connection while another copies the log: SQLite reads no page from the
 * database that is being written. The slow look is no connection, and takes the
 * lock instead; after a start with a log it waits until all of it is copied
 * (gt_sums_settle).
 *
 * A page that is not there, because the file was cut short, is one that was
 * altered: a whole page of zeros, as SQLite reads it.
 *
 * For pages of 4,096 bytes; of another size none is looked at.
 * Tests: u_sums.c, e2e/test_flips.py. */
#ifndef GT_SUMS_H
#define GT_SUMS_H

#include "page_sum.h"

struct gt_sums;

enum { GT_SUMS_LOG = 32 /* bytes begin a log */ };

/* Opens or makes the sums of the database at path, whose log lies beside it;
 * nobody has it open. anew: those that are there are of another database. *kept
 * tells whether sums were there, and hold. 0 or -GT_ENOMEM; a file that cannot
 * be made is one without sums. */
int gt_sums_open(struct gt_sums **out, const char *database, bool anew,
                 bool *kept);
/* How far a log had come: as its index has it, but that this one outlives a
 * power cut. Frames are counted from 1. */
struct gt_sums_mark {
	uint8_t salt[8];    /* of the log it is of; zeros: there is none */
	uint8_t sums[8];    /* SQLite's, of the last frame */
	uint32_t frames;    /* to the end of a commit that is durable */
	uint32_t copied;    /* that the database has */
	uint32_t attempted; /* that it may have some of */
	uint32_t none;
};
/* What is noted of the log of the database at path. Both the same: it has a
 * commit. `last` zeros: the next is there, or none. */
struct gt_sums_noted {
	uint8_t next[GT_SUMS_LOG], last[GT_SUMS_LOG];
	struct gt_sums_mark mark;
};
/* False: nothing is noted. Reads the file of sums, of which nobody has to have
 * anything open. */
bool gt_sums_noted(const char *database, struct gt_sums_noted *out);
/* No connection is open by then: closing a file of a database drops SQLite's
 * locks on it. NULL is fine. */
void gt_sums_close(struct gt_sums *s);
/* Without a file there are no sums, and all below does nothing. */
bool gt_sums_here(const struct gt_sums *s);

/* ------------------------------------------------ for connections */

/* Compares page (1, 2, ...), and mends p. What was not right is remembered for
 * the next look. Any thread. */
enum gt_sum gt_sums_check(struct gt_sums *s, uint32_t page,
                          uint8_t p[GT_SUMS_PAGE]);
/* Held while a page and its sum are written. */
void gt_sums_lock(struct gt_sums *s);
void gt_sums_unlock(struct gt_sums *s);
/* Writes down the sum of a page. 0, -GT_ENOSPACE, -GT_EIO. Lock held. */
int gt_sums_put(struct gt_sums *s, uint32_t page,
                const uint8_t p[GT_SUMS_PAGE]);
/* These pages, to the last if n is UINT32_MAX, have none any more. As put. Lock
 * held. */
int gt_sums_forget(struct gt_sums *s, uint32_t first, uint32_t n);
/* A log begins with this: noted, and durable, before it is written. As put. */
int gt_sums_log(struct gt_sums *s, const uint8_t begin[GT_SUMS_LOG]);
/* A commit is durable in the log that was noted last, and ends with this frame,
 * of these sums: from now on it is that log and has it. */
void gt_sums_commit(struct gt_sums *s, uint32_t frame, const uint8_t sums[8]);
/* What is in the log is about to be copied; or all of it was, durably. */
void gt_sums_copying(struct gt_sums *s);
void gt_sums_copied(struct gt_sums *s);
/* Or it is durable, and empty. */
void gt_sums_emptied(struct gt_sums *s);
/* What was put is on its way to the disk. */
void gt_sums_hurry(struct gt_sums *s);
/* What was put is durable. 0 or -GT_EIO. */
int gt_sums_sync(struct gt_sums *s);
/* A connection has opened the database: so it is there. The first
 * does so before there is a second thread. */
void gt_sums_attach(struct gt_sums *s);

/* --------------------------------------------------- the slow look */

/* The database holds all of its log: it may be looked at. Before there is a
 * second thread. */
void gt_sums_settle(struct gt_sums *s);

enum { GT_SUMS_TOLD = 16 };

struct gt_sums_look {
	size_t mended, bad;           /* pages, at most GT_SUMS_TOLD in all */
	uint32_t pages[GT_SUMS_TOLD]; /* the mended first */
	bool end;                     /* there are no more */
};

/* Looks at what connections have met and at the next `pages` pages: writes back
 * what it can mend, gives a sum to those that have none. A bad one is told once
 * in a run. Reads the disk; one thread at a time. */
void gt_sums_look(struct gt_sums *s, uint32_t pages, struct gt_sums_look *out);
enum { GT_SUMS_WHY = 64 };
/* What was found, in the words of the audit log. page 0: it is not known. */
void gt_sums_why(char out[GT_SUMS_WHY], uint32_t page, bool mended);
/* Connections have met what a look should see to, or the database is shorter
 * than its sums. Any thread. */
bool gt_sums_met(struct gt_sums *s);
/* A bad page that was met, 0: none. Any thread. */
uint32_t gt_sums_bad(struct gt_sums *s);

#endif
