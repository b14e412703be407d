/* start.h: which member of a package a reader opens first.
 *
 * An entry names one; where it names none, or one that is not there, a package
 * of a single file begins with that file, and any other with its index.html or
 * index.htm. Told from one path at a time, so that whoever has the names in
 * another form than a gt_manifest need not make one. */
#ifndef GT_START_H
#define GT_START_H

#include "index.h"

struct gt_start {
	const char *named; /* by the entry; "" or NULL: nothing */
	const char *found; /* the best so far, NULL: none */
	unsigned rank;     /* of found */
	size_t n;          /* members seen */
};

/* Before the first member. named must outlive s. */
void gt_start_begin(struct gt_start *s, const char *named);
/* The next member, in any order. path must outlive s. */
void gt_start_member(struct gt_start *s, const char *path);
/* What was named or found; NULL: no member is the one to begin with. */
const char *gt_start_end(const struct gt_start *s);

/* The same of a manifest: the member's index; UINT32_MAX: none. O(log n). */
uint32_t gt_start_of(const struct gt_manifest *m, const char *named);
/* And of an index: 0 with the member, which lies in the cursor; -GT_EUNKNOWN:
 * none; or as index.h has it. */
int gt_start_first(struct gt_index_cursor *c, const struct gt_index *ix,
                   const char *named, struct gt_member *out);
/* The index.html (or index.htm) of a folder of the package, "" the outermost,
 * which is named without a slash at its end and in GT_PATH_MAX bytes. As
 * gt_start_first. */
int gt_start_index(struct gt_index_cursor *c, const struct gt_index *ix,
                   const char *folder, struct gt_member *out);
/* 0: some member lies below that folder, which is not "". -GT_EUNKNOWN: none
 * does; or as index.h has it. */
int gt_start_folder(struct gt_index_cursor *c, const struct gt_index *ix,
                    const char *folder);

#endif
