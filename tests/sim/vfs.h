/* vfs.h: SQLite on a simulated disk. No shared memory: the connection must be
 * in locking_mode=EXCLUSIVE before the journal becomes a WAL. */
#ifndef SIM_VFS_H
#define SIM_VFS_H

#include <sqlite3.h>

#include "disk.h"

/* Registers the VFS "sim", once. File names are "<index>/<name>": index into
 * the disks announced. */
void vfs_register(uint64_t seed);
void vfs_announce(unsigned index, struct disk *d);
/* Opens <index>/db for a node. Returns NULL if the disk is dead or the file is
 * no database. */
sqlite3 *vfs_open_db(unsigned index);

#endif
