/* attached.h: is an address on this machine, or on a network that one of its
 * interfaces is attached to?
 * Tests: u_access.c. */
#ifndef GT_ATTACHED_H
#define GT_ATTACHED_H

#include <stdbool.h>

struct ifaddrs;
struct sockaddr;

/* Loopback is; else it lies in the prefix of an address of an interface in the
 * list that is up. A prefix of less than eight bits is no network, and neither
 * is the far end of a tunnel. IPv4 in IPv6 is IPv4. */
bool gt_attached_by(const struct ifaddrs *list, const struct sockaddr *peer);
/* The same by the interfaces of this machine, as they are now. */
bool gt_attached(const struct sockaddr *peer);

#endif
