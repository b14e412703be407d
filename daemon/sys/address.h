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
/* Who dials a comes to who listens on `listen`, as far as that can be told
 * without asking anybody: the ports are one (not 0), and the hosts are, or every
 * address is listened on and a is this machine's own. Both are valid. */
bool gt_address_meets(const char *a, const char *listen);
/* Two that listen on a and b are in each other's way: as above, or one of them
 * listens on every address. */
bool gt_address_collides(const char *a, const char *b);

#endif
