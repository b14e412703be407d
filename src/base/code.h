/* code.h: administrative division codes (GB/T 2260 and the 12-digit
 * statistics code) as names of nodes.
 *
 *   33  3301  330106  330106109  330106109210   2, 4, 6, 9, 12 digits
 *   330106-b                                    a second node in one place
 *   33-nju                                      a publisher that is no region
 *
 * Containment is by prefix of whole levels: 330106 lies in 3301. A suffix
 * (lower-case letters, digits, '-') names something *in* the place; nothing
 * lies in a code that has one.
 *
 * Tests: u_base.c. */
#ifndef GT_CODE_H
#define GT_CODE_H

#include "base.h"

/* The code is well-formed: digits of a known length, an optional suffix. */
bool gt_code_valid(const char *code);
/* By its digits alone: 0 for 2 … 4 for 12; -1: not a code. */
int gt_code_depth(const char *code);
/* Digits of a code at depth 0 … 4; 0 beyond. */
size_t gt_code_digits(int depth);
/* "province" … "village" for depth 0 … 4; NULL beyond. */
const char *gt_level_name(int depth);
/* Depth of a level's name, -1: no such level. */
int gt_level_depth(const char *name);
/* inner lies in outer or is outer. A suffixed code lies in the place it
 * names, and contains only itself. */
bool gt_code_within(const char *inner, const char *outer);
/* Copies out the place a code names: what comes before its suffix. */
void gt_code_place(char out[GT_CODE_MAX + 1], const char *code);
/* Both name nodes of one place: 33, 33-a and 33-b do. */
bool gt_code_same_place(const char *a, const char *b);
/* child may be enrolled under parent: in its place (3301 under 33 and 33-a),
 * deeper; or a suffixed one under the place's own. */
bool gt_code_child_of(const char *child, const char *parent);
/* inner is outer, or may be enrolled somewhere below it. */
bool gt_code_under(const char *inner, const char *outer);
/* Glob match with * and ?, on bytes; used for codes, media types, keywords. */
bool gt_glob(const char *pattern, const char *text);

/* "<code>/<slug>", slug of [a-z0-9._-], not starting with a dot. */
bool gt_rid_valid(const char *id);
/* Copies the publisher half out. False: not a resource id. */
bool gt_rid_publisher(char out[GT_CODE_MAX + 1], const char *id);

#endif
