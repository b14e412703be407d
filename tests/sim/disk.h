/* disk.h: a node's disk: what programs see, and what a power cut leaves.
 *
 * Writes change what programs see; sync makes a file's bytes durable,
 * sync_names makes creations, removals and renames durable. A power cut keeps,
 * drops or tears by sector whatever was not. A file lost by name is lost with
 * its bytes.
 *
 * A sync that fails leaves its sectors as Linux does: programs see them, no
 * later sync writes them, only a write makes them dirty again; until then a
 * power cut may take them, and so may whoever needs the memory. So with names:
 * only what is done to that name again is written with a later sync. */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include "prng.h"

enum { DISK_SECTOR = 512, DISK_NAME = 96 };
/* What a full disk has for the database still: daemon/disk/room.h. */
enum { DISK_KEPT = 16 << 20 };

struct disk_file;
struct disk {
	struct disk_file *files;
	bool dead;       /* power is off: every call fails */
	uint64_t calls;  /* writes, syncs, renames, removals so far */
	uint64_t die_at; /* power goes off at this call; 0: not planned */
	uint64_t limit;  /* bytes in all files; 0: none. Those of the database
	                    may go beyond by DISK_KEPT */
	uint64_t used;
	bool late; /* only object files (o/) meet the limit, for there is a
	              reserve, and at the sync, which drops all that was not
	              durable */
	const char *fail_file; /* or a folder, with a slash at its end */
	bool fail_names;       /* the names in that folder, not the bytes */
	uint64_t fail_in;      /* ... its n-th sync from now fails; 0: none */
	uint64_t fail_times;   /* ... and so many in all, one after the other */
	bool failed;           /* a sync has, since this was last cleared */
	bool lies;             /* syncs do nothing */
	bool lied;             /* ... and one was asked for: no promise holds */
};

/* Frees all files; the disk itself is its owner's. */
void disk_free(struct disk *d);
/* The file of that name; made, if `create`, where there is none. NULL: none, or
 * none can be made for the power is off. */
struct disk_file *disk_open(struct disk *d, const char *name, bool create);

/* As programs see them. 0, or a negative GT_E.... Reads short of the end fail
 * with -GT_EIO. */
int disk_write(struct disk *d, struct disk_file *f, uint64_t at, const void *p,
               size_t n);
/* All bytes over themselves: what a failed sync left in memory is dirty. */
int disk_rewrite(struct disk *d, struct disk_file *f);
int disk_read(const struct disk *d, const struct disk_file *f, uint64_t at,
              void *p, size_t n);
uint64_t disk_size(const struct disk_file *f);
int disk_truncate(struct disk *d, struct disk_file *f, uint64_t n);
int disk_remove(struct disk *d, const char *name);
int disk_rename(struct disk *d, const char *from, const char *to);

/* Makes it last: a file's bytes; the names in a folder, which is "" or ends
 * with a slash. 0, or a negative GT_E.... */
int disk_sync(struct disk *d, struct disk_file *f);
int disk_sync_names(struct disk *d, const char *folder);

/* Power comes back: what is on the platters is what there is. */
void disk_power_cycle(struct disk *d, struct prng *p);
/* What failed syncs left in memory is read from the platters again. */
void disk_evict(struct disk *d);

/* A bit flips, on the platter and in what is read; whether one has. */
void disk_rot(struct disk_file *f, uint64_t at);
bool disk_rotten(const struct disk_file *f);
/* Somebody deleted what the program takes for a file; it stays so until it is
 * written to, and counts as rotten from then on. */
void disk_lose(struct disk *d, struct disk_file *f);
/* There is no such file: f is NULL, or was lost. */
bool disk_gone(const struct disk_file *f);
/* The last sync found no room and let go of what was not durable. */
bool disk_dropped(const struct disk_file *f);
/* The name of the file behind *at, the first if that is NULL; NULL: no more. */
const char *disk_next(const struct disk *d, const struct disk_file **at);
/* All files as programs see them now; `to` is freed first. */
void disk_copy(struct disk *to, const struct disk *from);

#endif
