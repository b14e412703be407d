/* wal.h: whether the log a run left is all that it left, before the database is
 * opened.
 *
 * SQLite takes from a log what fits, from its beginning, and is silent of the
 * rest: to it an altered bit is the end that a power cut tore, and what was
 * acknowledged behind it is gone. So the log is looked at first. A frame, or
 * the log's beginning, of which one byte is wrong is put right where SQLite's
 * sums leave no doubt which byte it is: what then fits is what was written. A
 * frame beyond that is the end of what is left, and one of three things tells
 * whether more was promised:
 *
 *   - the log's index, DIR/data/guantong.db-shm, which SQLite writes when a
 *     commit is durable and not before: it says how many frames there were, and
 *     how many of them the database has;
 *   - a commit behind the altered frame, and a frame behind that fits it: it
 *     was begun when the commit was durable;
 *   - neither: the end is torn, as a power cut tears it, and nobody was
 *     promised it.
 *
 * If the database has all of the log, the log goes, and nothing is lost. If it
 * may have some of what is not left (a checkpoint copies of each page the last,
 * and not those a reader keeps from it), the two do not fit, and nothing should
 * be opened. A log that is gone altogether is one without frames.
 *
 * The file of sums knows how the log began that this database had last, and how
 * far it had come (sums.h). A log with frames that begins otherwise, an older
 * one that somebody put back or another node's, or that went on otherwise,
 * would be laid over what the database has: it is put aside, and an empty one
 * left in its place. One that is shorter has lost what it lacks, also without
 * its index. What a program without sums, which was killed, left with its index
 * is taken. So one case is left that nothing tells: that such a program was
 * killed, and another's log was put in the place of its own, index and all.
 *
 * The index is no file that is synced: when the power goes it may be of before.
 * So a log that is emptied gets another beginning first (gt_wal_next): what an
 * index of before knows is then of another log. */
#ifndef GT_WAL_H
#define GT_WAL_H

#include "base.h"

enum gt_wal {
	GT_WAL_WHOLE,   /* nothing is missing, or was never promised */
	GT_WAL_LOST,    /* what was acknowledged is not there any more */
	GT_WAL_TANGLED, /* and the database holds a part of it */
};

enum {
	GT_WAL_BEGIN = 32,
	GT_WAL_TOLD = 16,
	GT_WAL_WHY = 64,
	GT_WAL_PATH = 512
};

struct gt_wal_found {
	enum gt_wal is;
	size_t mended;                /* frames, and 0: the beginning */
	uint32_t frames[GT_WAL_TOLD]; /* which; not all if there are more */
	uint32_t altered;             /* the first that could not be; 0: none */
	uint32_t lost; /* frames at least that are not there; 0: not known */
	bool index;    /* there was one, so that is all there is to say */
	char aside[GT_WAL_PATH]; /* where another log was put; "": none was */
};

enum gt_wal_run {
	GT_WAL_RESTORED, /* somebody put the database there: nothing that is
	                  * noted, and no index, is of it */
	GT_WAL_ENDED,    /* the last run ended in order */
	GT_WAL_KILLED,   /* it was killed; */
	GT_WAL_KILLED_WITHOUT, /* and was of a program that keeps no sums */
};

/* Looks at the log of the database at this path, and puts right what can be;
 * what it writes is not synced (rewrite.h does so). Only while nobody has it
 * open. 0; -GT_ENOMEM, -GT_EIO or -GT_ENOSPACE, with errno. */
int gt_wal_look(const char *database, enum gt_wal_run run,
                struct gt_wal_found *out);
/* Makes the beginning of a log that of the next one. False: it is none. */
bool gt_wal_next(uint8_t begin[GT_WAL_BEGIN]);
enum gt_wal_did { GT_WAL_MENDED, GT_WAL_ALTERED, GT_WAL_CUT, GT_WAL_OTHER };
/* What was found, in the words of the audit log; a log that was cut has no
 * frame to name. */
void gt_wal_why(char out[GT_WAL_WHY], enum gt_wal_did did, uint32_t frame);

#endif
