/* annex.h: files of attachments, under DIR/attachments by their sha2.
 *
 * What is handed in is written to a file of its own, gets its name once it is
 * known what it is, and is durable, name included, before gt_annex_keep says so.
 * Only then may the core be told of it. Who brought it holds it until it has
 * heard whether its statements were taken: the last holder of what nobody knows
 * removes it. Whatever a crash leaves goes at the next start: there is no row
 * that names it (read.h). The same bytes brought twice are one file.
 *
 * Any thread. A write that would leave less than `reserve` bytes of the disk
 * free fails with -GT_ENOSPACE.
 * Tests: u_annex.c. */
#ifndef GT_ANNEX_H
#define GT_ANNEX_H

#include "buffer.h"
#include "sha2.h"

struct gt_annex;
struct gt_annexed; /* bytes on their way in */
struct gt_reader;

/* In the node's directory; its folders are made with the first bytes. NULL: out
 * of memory, or it cannot be opened. */
struct gt_annex *gt_annex_new(const char *dir, uint64_t reserve);
/* Nothing is on its way in any more. NULL is fine. */
void gt_annex_free(struct gt_annex *x);

/* Begins a file whose digest has n bytes. 0, -GT_ENOSPACE, -GT_EIO with errno,
 * -GT_ENOMEM. */
int gt_annex_begin(struct gt_annex *x, uint8_t n, struct gt_annexed **out);
/* More of it. 0, -GT_ENOSPACE, -GT_EIO with errno. */
int gt_annex_add(struct gt_annexed *a, struct gt_bytes piece);
/* All have come, and are synced. *is: their digest. 0, -GT_ENOSPACE, -GT_EIO
 * with errno. */
int gt_annex_end(struct gt_annexed *a, struct gt_sha2 *is);
/* How many bytes it has so far. */
uint64_t gt_annex_size(const struct gt_annexed *a);
/* Reads it back, at most max bytes. 0, -GT_ELIMIT, -GT_EIO, -GT_ENOMEM. */
int gt_annex_back(const struct gt_annexed *a, size_t max,
                  struct gt_buffer *out);
/* Makes it durable under its name. 0, -GT_ENOSPACE, -GT_EIO with errno. */
int gt_annex_keep(struct gt_annexed *a);
/* Lets go of it. known: a row names it, or may yet; else, and if nobody else
 * holds it and it was not there before, its file goes. NULL is fine. */
void gt_annex_let_go(struct gt_annexed *a, bool known);

/* Opens an attachment's file. The descriptor, *size its length; -GT_EUNKNOWN:
 * there is none; -GT_EIO, -GT_ENOMEM, with errno. */
int gt_annex_open(const struct gt_annex *x, const struct gt_sha2 *sha2,
                  uint64_t *size);

/* Reads all of an open file, whose descriptor is closed, and looks whether it is
 * what it is called. 0; -GT_EDAMAGED: it is not; -GT_ELIMIT: more than max;
 * -GT_EIO, -GT_ENOMEM. */
int gt_annex_read(int fd, uint64_t size, const struct gt_sha2 *sha2, size_t max,
                  struct gt_buffer *out);

/* Removes what no row names, and what was on its way in when the run before
 * ended. Only while nothing else uses the files. How many went; negative: the
 * database could not be asked, and its reader says why. */
int gt_annex_sweep(struct gt_annex *x, struct gt_reader *reader);

#endif
