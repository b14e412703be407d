/* listen.h: sockets that wait for whoever comes.
 * Tests: u_address.c. */
#ifndef GT_LISTEN_H
#define GT_LISTEN_H

#include "base.h"

/* A TCP socket that listens on "host:port" (address.h), the first of the
 * addresses the host stands for that can be had. *port is the one it has: port
 * 0 lets the system choose. 0; -GT_EINVALID: nothing there to listen on;
 * -GT_EIO with errno. *fd is the caller's. */
int gt_listen_tcp(const char *address, int backlog, int *fd, uint16_t *port);
/* The host of the address is this machine's, whoever has the port. */
bool gt_listen_here(const char *address);
/* Why nothing can listen on the address, by errno, and what to do: a sentence into
 * out[cap], after the configuration's key it is about (NULL: that stands
 * before it). */
void gt_listen_refused(char *out, size_t cap, const char *key,
                       const char *address, int error);
/* A Unix socket at path, for this user alone. One that is there already is
 * taken for what a daemon that died has left, and goes: the caller knows that
 * there is no other. 0, or -GT_EIO with errno. *fd is the caller's. */
int gt_listen_unix(const char *path, int backlog, int *fd);

#endif
