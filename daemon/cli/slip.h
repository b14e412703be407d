/* slip.h: what people from elsewhere write in a resource's description, and
 * mean otherwise: language tags as locales have them, paths as Windows has them.
 * Tests: u_draft.c. */
#ifndef GT_SLIP_H
#define GT_SLIP_H

#include "base.h"

enum { GT_SLIP_TAG = 17 };

/* The n bytes name a language: one there is, with perhaps a script or a region
 * behind it ("zh-CN"). "Lesson", "VR" and "ppt" name none. */
bool gt_slip_language(const char *s, size_t n);
/* The n bytes would name a language if they were written otherwise ("zh_CN",
 * "ZH-CN"): out is how. False: they do name one, or are something else. */
bool gt_slip_tag(char out[GT_SLIP_TAG], const char *s, size_t n);
/* The path has backslashes, or what JSON and YAML make of them ("a\b"): out is
 * the path as it was meant, with slashes. False: it has none. */
bool gt_slip_path(char *out, size_t cap, const char *path);
/* The line of JSON has a backslash that begins no escape. */
bool gt_slip_escape(struct gt_bytes json);

#endif
