/* http_env.h: what the daemon gives its HTTP surfaces to stand on. */
#ifndef GT_HTTP_ENV_H
#define GT_HTTP_ENV_H

#include "config.h"
#include "core.h"
#include "fault.h"

struct gt_pseudonym_source;

struct gt_http_env {
	const struct gt_config *config;
	struct gt_core *core;
	const char *database; /* path or URI, opened read-only per thread */
	uint16_t link_port;
	struct gt_links *links; /* NULL: none */
	/* of this node's certificate and of its CA's; zero without TLS */
	struct gt_validity certificate, ca;
	/* POST /admin/reload; on an HTTP thread, must not block. NULL: the
	 * request is answered with 503. */
	void (*reload)(void *arg);
	/* The first connection is there: gt_http_tick is to be called every
	 * GT_HTTP_TICK_MS until it says that there is none. Any thread, must
	 * not block. NULL: nobody sees to that. */
	void (*busy)(void *arg);
	/* A reader could not read the database, and why. Any thread, must not
	 * block. NULL: nobody sees to that. */
	void (*broke)(void *arg, const char *why);
	/* The page of it that cannot be read, 0: none is known. Any thread.
	 * NULL: none ever is. */
	uint32_t (*bad_page)(void *arg);
	void *arg; /* of all */
	/* who has several names, and keys for pseudonyms; NULL: none */
	const struct gt_pseudonym_source *names;
};

#endif
