/* version.h: the program's version, here and nowhere else. What the two ends of
 * a link speak has versions of its own: protocol.h. */
#ifndef GT_VERSION_H
#define GT_VERSION_H

#define GT_VERSION "0.1.0"

#endif
