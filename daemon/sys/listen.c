#include "listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "address.h"
#include "say.h"
#include "translate.h"

static int refused(int fd)
{
	int error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}

static int listen_on(const struct addrinfo *a, int backlog)
{
	int fd = socket(a->ai_family, SOCK_STREAM, 0), on = 1;
	if (fd >= 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
	    bind(fd, a->ai_addr, a->ai_addrlen) == 0 &&
	    listen(fd, backlog) == 0)
		return fd;
	return refused(fd);
}

static uint16_t port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} at;
	socklen_t n = sizeof at;
	if (getsockname(fd, &at.any, &n) != 0)
		return 0;
	return ntohs(at.any.sa_family == AF_INET6 ? at.six.sin6_port
	                                          : at.four.sin_port);
}

int gt_listen_tcp(const char *address, int backlog, int *fd, uint16_t *port)
{
	char host[256];
	const char *service;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
	                         .ai_flags = AI_PASSIVE},
	                *list = NULL;
	if (!gt_address_split(address, host, sizeof host, &service) ||
	    getaddrinfo(*host ? host : NULL, service, &hints, &list) != 0)
		return -GT_EINVALID;
	*fd = -1;
	for (const struct addrinfo *a = list; a && *fd < 0; a = a->ai_next)
		*fd = listen_on(a, backlog);
	int error = errno;
	freeaddrinfo(list);
	errno = error;
	if (*fd < 0)
		return -GT_EIO;
	*port = port_of(*fd);
	return 0;
}

bool gt_listen_here(const char *address)
{
	char host[256], any[256 + 8];
	const char *service;
	uint16_t port;
	int fd;
	if (!gt_address_split(address, host, sizeof host, &service))
		return false;
	gt_format(any, sizeof any, "%.*s0", (int)(service - address), address);
	int status = gt_listen_tcp(any, 1, &fd, &port);
	if (status == 0)
		close(fd);
	/* memory and descriptors are another matter */
	return status == 0 || (status == -GT_EIO && errno != EADDRNOTAVAIL);
}

void gt_listen_refused(char *out, size_t cap, const char *key,
                       const char *address, int error)
{
	char host[256], text[GT_TRANSLATE_MAX];
	const char *port = "";
	(void)gt_address_split(address, host, sizeof host, &port);
	if (error == EADDRINUSE)
		gt_say_into(text, sizeof text, GT_T_LISTEN_TAKEN, address,
		            port);
	else if (error == EADDRNOTAVAIL)
		gt_say_into(text, sizeof text, GT_T_LISTEN_NOT_HERE, address);
	else if (error == EACCES || error == EPERM)
		gt_say_into(text, sizeof text, GT_T_LISTEN_CLOSED, address);
	else
		gt_say_into(text, sizeof text, GT_T_LISTEN_OTHER, address,
		            gt_translate_errno(error));
	if (key)
		gt_say_into(out, cap, GT_T_CLI_FILE_FAILED, key, text);
	else
		(void)gt_copy(out, cap, text);
}

int gt_listen_unix(const char *path, int backlog, int *fd)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	if (!gt_copy(at.sun_path, sizeof at.sun_path, path)) {
		errno = ENAMETOOLONG;
		return -GT_EIO;
	}
	*fd = socket(AF_UNIX, SOCK_STREAM, 0);
	/* Linux gives the name the mode the socket has before it is bound, so
	 * there is no moment in which others may connect */
	if (*fd >= 0 && fchmod(*fd, S_IRUSR | S_IWUSR) == 0 &&
	    (unlink(path) == 0 || errno == ENOENT) &&
	    bind(*fd, (struct sockaddr *)&at, sizeof at) == 0 &&
	    chmod(path, S_IRUSR | S_IWUSR) == 0 && listen(*fd, backlog) == 0)
		return 0;
	*fd = refused(*fd);
	return -GT_EIO;
}
