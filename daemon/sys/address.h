/* address.h: addresses as people write them: "host:port", "[::1]:port". */
#ifndef GT_ADDRESS_H
#define GT_ADDRESS_H

#include "base.h"

/* Whether it is one. port may be 0 (the system chooses) if zero is true. */
bool gt_address_valid(const char *text, bool zero);
/* Its host, without brackets, into host[cap]; *port is where the port begins in
 * text. A host may be empty: any. False: no port, or the host does not fit. */
bool gt_address_split(const char *text, char *host, size_t cap,
                      const char **port);

#endif
