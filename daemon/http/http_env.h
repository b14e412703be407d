/* http_env.h: what the daemon gives its HTTP surfaces to stand on. */
#ifndef GT_HTTP_ENV_H
#define GT_HTTP_ENV_H

#include "config.h"
#include "core.h"

struct gt_http_env {
	const struct gt_config *config;
	struct gt_core *core;
	const char *database; /* path, opened read-only per thread */
	uint16_t link_port;
	/* POST /admin/reload; on an HTTP thread, must not block. NULL: the
	 * request is answered with 503. */
	void (*reload)(void *arg);
	void *arg;
};

#endif
