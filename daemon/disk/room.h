/* room.h: room on the disk that is kept for the database.
 *
 * A file of blocks that hold nothing, DIR/data/reserve. A disk that is full is
 * full for everybody but the node, which gives the file back piece by piece to
 * what its database has to write (room_vfs.h), and takes it again when there is
 * room. So a node goes on, and starts, on a disk of which somebody else took
 * the last byte: it writes down that a link came and went, what its parent
 * sends, that a frame is here. Blocks, and not a number that is compared with
 * what is free: that would bind this node alone, not whoever else fills the
 * disk. Records, which anybody on the network may bring without end, do not get
 * at it: gt_room_look says what they may take, and the core counts (node.h,
 * GT_EV_ROOM). That leaves room, too, to move all of the log into the database.
 * Half of what is kept is for the log alone: a database that could not grow
 * loses nothing, a log that cannot holds up everything. The last of it is a
 * start's, which needs the index of the log to read anything at all. What was
 * given and not used is taken back before somebody else has it, so that starts
 * do not use it up.
 *
 * When nothing at all is left, and `patient` is set, who writes to the log
 * waits for room; else it is told that the disk is full. A quota that is used
 * up, and a limit on the size of files, are no room as well.
 * Tests: u_room.c. */
#ifndef GT_ROOM_H
#define GT_ROOM_H

#include "base.h"

struct gt_room;

/* Bytes that a start takes and gives back: the index of the log, above all. */
#define GT_ROOM_START (UINT64_C(128) << 10)

/* Why something does not fit. */
enum gt_lack {
	GT_LACK_NONE,
	GT_LACK_ROOM,
	GT_LACK_QUOTA, /* of this user */
	GT_LACK_LIMIT, /* on the size of a file, of this process */
};

/* What it is for, the least needful first. */
enum gt_room_for {
	GT_ROOM_DATABASE, /* half of what is kept, and no waiting */
	GT_ROOM_LOG,      /* all but GT_ROOM_START */
	GT_ROOM_INDEX,    /* of the log, without which nothing is read */
};

struct gt_room_events {
	/* The database has begun to wait for room, or got it. The thread that
	 * writes to it. */
	void (*stalled)(void *arg, bool is);
	/* Some of what is kept was given back: the disk is full. The same
	 * thread, or the one that opens. */
	void (*given)(void *arg);
};

/* Keeps `size` bytes in the file at path, at most a sixteenth of its disk and
 * as far as there is room, for a database whose log is at `log`. 0 or
 * -GT_ENOMEM; a file that cannot be made is one that keeps nothing. */
int gt_room_open(struct gt_room **out, const char *path, const char *log,
                 uint64_t size, const struct gt_room_events *events, void *arg);
/* gt_room_regain, and the file stays. NULL is fine. */
void gt_room_close(struct gt_room *r);
/* Whether GT_ROOM_START bytes are free or kept. *avail: what is free. False:
 * gt_room_lack says so. */
bool gt_room_start(struct gt_room *r, uint64_t *avail);
/* For who found no room without asking here. *avail: what is free. Where that is
 * enough, and a limit on the size of files is nearer than the end of the disk,
 * gt_room_lack says GT_LACK_LIMIT from here on: it is what refused. */
void gt_room_blame(struct gt_room *r, uint64_t *avail);
/* Takes back what was given and is still free. Any thread. */
void gt_room_regain(struct gt_room *r);
/* Takes back what was given if there is room, and says what records may take
 * now: what is beyond as much again as is kept. SIZE_MAX: plenty. Any
 * thread. */
size_t gt_room_look(struct gt_room *r);
/* Bytes kept now. */
uint64_t gt_room_kept(struct gt_room *r);
/* Whether a full disk is waited for; not at first. Whoever waits is let go by
 * false. Any thread. */
void gt_room_patient(struct gt_room *r, bool patient);

/* Why something did not fit last, since gt_room_start or gt_room_found. Any
 * thread. */
enum gt_lack gt_room_lack(struct gt_room *r);
/* For who found no room, and why: gives a piece back, or if none is left for
 * it, and patience is set and it is not the database itself, waits a little.
 * True: try again. */
bool gt_room_give(struct gt_room *r, enum gt_lack lack, enum gt_room_for what);
/* A sync found no room for what was written: gt_room_lack says so from here on;
 * nothing is given back, nor waited for. */
void gt_room_unsynced(struct gt_room *r, enum gt_lack lack);
/* It found room after all. */
void gt_room_found(struct gt_room *r);

#endif
