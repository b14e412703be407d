/* log_sums.h: whether the database's log is still what this process wrote.
 *
 * SQLite reads its log's pages by its index and compares nothing: what another
 * hand cuts off, overwrites or zeroes in a log that is in use comes out as
 * zeros, is given to readers, and with the next checkpoint goes into the
 * database. So the sum of every page in the log is kept here, in memory, and
 * each that is read is compared (sums_vfs.h); what is wrong in one word is put
 * right, the rest is given to nobody. Before a checkpoint all frames are looked
 * at, and nothing is copied from a log that is not whole. The file may not be
 * shorter than it was made, nor begin otherwise: that is asked before anything
 * is written behind a sync, so that a commit is not acknowledged of which the
 * log lacks what came before, and by whoever watches.
 *
 * What is found once stays so: the log is not to be used any more, and the
 * database is to be closed without it. What a killed run left in its log is
 * wal.h's matter; SQLite compares it as it opens it, and from then on it is
 * known here too.
 *
 * A log as SQLite has it: 32 bytes, then frames of 24 bytes and a page. For
 * pages of 4,096 bytes; of another size none is looked at. Any thread. */
#ifndef GT_LOG_SUMS_H
#define GT_LOG_SUMS_H

#include "page_sum.h"

struct gt_log_sums;

enum gt_log_wrong {
	GT_LOG_WHOLE,
	GT_LOG_SHORT, /* it was cut */
	GT_LOG_OTHER, /* it begins otherwise: another log is in its place */
	GT_LOG_FRAME, /* what is in it was altered, beyond what can be mended */
};

enum { GT_LOG_TOLD = 16, GT_LOG_SUMS_OF = 8 };

/* Knows how the log at path begins, if there is one; nobody has it open. 0 or
 * -GT_ENOMEM. */
int gt_log_sums_open(struct gt_log_sums **out, const char *path);
/* NULL is fine. */
void gt_log_sums_close(struct gt_log_sums *l);

/* n bytes are about to be written there: what is there now counts no more.
 * False: the log is not what it was, and they must not be. */
bool gt_log_sums_before(struct gt_log_sums *l, uint64_t at, size_t n);
/* They were. */
void gt_log_sums_after(struct gt_log_sums *l, uint64_t at, const void *p,
                       size_t n);
/* The last frame of the last commit that was written since the log was begun,
 * or opened; frames are counted from 1, and 0 is none. */
struct gt_log_commit {
	uint32_t frame;
	uint8_t sums[GT_LOG_SUMS_OF]; /* SQLite's, at the end of its head */
};
/* What was written is durable, and this is the last of it. */
struct gt_log_commit gt_log_sums_synced(struct gt_log_sums *l);
/* Held while the log is cut; */
void gt_log_sums_lock(struct gt_log_sums *l);
void gt_log_sums_unlock(struct gt_log_sums *l);
/* to n bytes. Lock held. */
void gt_log_sums_cut(struct gt_log_sums *l, uint64_t n);

/* n bytes were read there: a page of the log, or a whole frame, is compared,
 * and mended. A frame that is not known yet becomes so: its reader compares it
 * with SQLite's sums. False: they are not what was written. */
bool gt_log_sums_read(struct gt_log_sums *l, uint64_t at, void *p, size_t n);
/* n bytes were to be read there, and the file ends before. */
void gt_log_sums_missed(struct gt_log_sums *l);

/* What was found before, and no look at the file. */
enum gt_log_wrong gt_log_sums_found(struct gt_log_sums *l);
/* Looks at all frames; at those it has seen within a second only once. False:
 * the log must not be copied. Reads the disk. */
bool gt_log_sums_all(struct gt_log_sums *l);
/* The same, at all frames whenever they were seen: before the node says that it
 * ended well. */
bool gt_log_sums_last(struct gt_log_sums *l);
/* Looks at the next `frames`, and at what readers have met; writes back what
 * can be mended, and says which those were since the last look: at most
 * GT_LOG_TOLD. Reads the disk. */
size_t gt_log_sums_look(struct gt_log_sums *l, size_t frames,
                        uint32_t told[GT_LOG_TOLD]);
/* There is something to look at. */
bool gt_log_sums_some(struct gt_log_sums *l);
/* Whether the file is as long as it was made, and begins as it did, and what
 * was found before. */
enum gt_log_wrong gt_log_sums_wrong(struct gt_log_sums *l);

#endif
