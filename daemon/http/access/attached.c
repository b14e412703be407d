#include "attached.h"

#include <ifaddrs.h>
#include <linux/if.h> /* IFF_UP, which POSIX does not show */
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

enum { LEAST = 8 /* bits of a prefix */ };

struct plain {
	uint8_t b[16];
	size_t n; /* 0: of no kind we know */
};

static struct plain plain(const struct sockaddr *sa)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct plain p = {.n = 0};
	if (sa && sa->sa_family == AF_INET) {
		struct sockaddr_in v4;
		memcpy(&v4, sa, sizeof v4);
		p.n = 4;
		memcpy(p.b, &v4.sin_addr, 4);
	} else if (sa && sa->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;
		memcpy(&v6, sa, sizeof v6);
		p.n = 16;
		memcpy(p.b, &v6.sin6_addr, 16);
	}
	if (p.n == 16 && memcmp(p.b, mapped, sizeof mapped) == 0) {
		memmove(p.b, p.b + 12, 4);
		p.n = 4;
	}
	return p;
}

static bool loopback(const struct plain *p)
{
	static const uint8_t one[16] = {[15] = 1};
	return p->n == 4 ? p->b[0] == 127
	                 : p->n == 16 && memcmp(p->b, one, 16) == 0;
}

static bool within(const struct plain *peer, const struct ifaddrs *i)
{
	struct plain own = plain(i->ifa_addr), mask = plain(i->ifa_netmask);
	unsigned bits = 0;
	if (own.n != peer->n || mask.n != own.n)
		return false;
	for (size_t k = 0; k < own.n; k++) {
		if ((own.b[k] ^ peer->b[k]) & mask.b[k])
			return false;
		bits += (unsigned)__builtin_popcount(mask.b[k]);
	}
	return bits >= LEAST;
}

bool gt_attached_by(const struct ifaddrs *list, const struct sockaddr *peer)
{
	struct plain p = plain(peer);
	if (loopback(&p))
		return true;
	for (const struct ifaddrs *i = list; p.n > 0 && i; i = i->ifa_next)
		if (i->ifa_flags & IFF_UP &&
		    !(i->ifa_flags & IFF_POINTOPOINT) && within(&p, i))
			return true;
	return false;
}

bool gt_attached(const struct sockaddr *peer)
{
	struct ifaddrs *list = NULL;
	if (getifaddrs(&list) != 0)
		list = NULL;
	bool yes = gt_attached_by(list, peer);
	if (list)
		freeifaddrs(list);
	return yes;
}
