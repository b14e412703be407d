/* log.h: lines for the operator, logfmt, on standard error.
 *
 *   time=2026-11-22T22:25:27.123+08:00 level=info event=ready code=3301
 *
 * ERROR a person must act, WARN the node coped, INFO state changed, DEBUG a
 * message. Values are quoted when they must be; control characters and bytes
 * that are not UTF-8 come out as \xNN, so that nothing a peer says can forge a
 * line. Under journald each line carries its priority. At most
 * GT_LOG_BURST lines of one event leave in a second, and GT_LOG_HOUR and one more
 * each second however long it lasts; the next line after that, or one a minute,
 * says how many were held back. Any thread. */
#ifndef GT_LOG_H
#define GT_LOG_H

#include "node.h"

enum {
	GT_LOG_BURST = 20,
	GT_LOG_HOUR = 3600,
	GT_LOG_LINE_MAX = 2048, /* a longer line is cut, marked "..." */
};

/* Lines above this level are not written. level: enum gt_log_level. */
void gt_log_set_level(int level);
/* Where lines go; standard error unless told otherwise. */
void gt_log_set_fd(int fd);

/* One line. event is a word-with-hyphens; then key, value, key, value, ..., all
 * `const char *`, then NULL. A NULL value leaves its key out. The value of
 * "why" is a sentence: it is written in the process's language
 * (translate.h). */
void gt_log_line(int level, const char *event, ...) __attribute__((sentinel));
/* A sentence of the core's: event=node msg=TEXT, in the process's language.
 * What is before its first digit counts as the event when lines are held
 * back. */
void gt_log_node(int level, const char *text);
/* Writes what is still held back. */
void gt_log_flush(void);

/* A number as text, for a value. Lives as long as the enclosing block. */
#define GT_LOG_U(n) gt_log_u64((char[24]){0}, (uint64_t)(n))
/* Writes n into out, and returns it. */
const char *gt_log_u64(char out[24], uint64_t n);

#endif
