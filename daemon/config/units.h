/* units.h: addresses as people write them. */
#ifndef GT_UNITS_H
#define GT_UNITS_H

#include <stdbool.h>

/* "host:port", "[::1]:port". port may be 0 (the system chooses) if zero is
 * true. */
bool gt_address_valid(const char *text, bool zero);

#endif
