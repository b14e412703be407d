/* encoding.h: what a text that should be UTF-8 is instead.
 *
 * An old terminal hands over GBK, Windows' Notepad saved UTF-16: whoever is told
 * only that it is not UTF-8 does not know what to do. So it is told what it
 * looks like, shown as that, and where it begins. */
#ifndef GT_ENCODING_H
#define GT_ENCODING_H

#include <stdio.h>

#include "base.h"

enum { GT_ENCODING_SHOWN = 160 };

struct gt_encoding {
	const char *name; /* as iconv has it; NULL: nobody can tell */
	int line, column; /* from 1: where it is not UTF-8 */
	char shown[GT_ENCODING_SHOWN]; /* that line in UTF-8, cut; "" without
	                                  a name */
};

/* Whether the text is something else than UTF-8 (of UTF-8 with a byte order mark
 * it is not); what, and where that is seen, is in *out. */
bool gt_encoding_other(struct gt_encoding *out, struct gt_bytes text);

/* Prints a sentence on out as the terminal reads it, by what LC_ALL, LC_CTYPE or
 * LANG says: of those that are not UTF-8 the Chinese ones alone are known. */
void gt_encoding_print(FILE *out, const char *text);

#endif
