#include "http_route.h"

#include <string.h>

#include "http_admin.h"
#include "http_content.h"
#include "http_xapi.h"
#include "page.h"

/* What a body may have. */
enum {
	SMALL = 64 << 10,
	BATCH = 8 << 20,
	LAYER = 4 << 20,
	ROSTER = 32 << 20,
	DRAFTS = GT_MANIFEST_MAX / 3 * 4 + (1 << 20),
};

enum {
	GET = GT_HTTP_GET,
	POST = GT_HTTP_POST,
	BOTH = GET | POST,
	XAPI = GET | GT_HTTP_OPTIONS,
	STORE = XAPI | POST | GT_HTTP_PUT,
	ANYBODY = GT_HTTP_ANYBODY,
	TERMINAL = GT_HTTP_TERMINAL,
	VIEW = GT_HTTP_VIEW,
	PUBLISH = GT_HTTP_PUBLISH,
	OPERATE = GT_HTTP_OPERATE,
	AUDIT = GT_HTTP_AUDIT,
};
#define DRESS gt_http_xapi_headers

/* clang-format off */
const struct gt_route gt_routes[] = {
	{"/",                 GET,     ANYBODY, 0, gt_http_home, NULL},
	{"/r/",               GET,     ANYBODY, 0, gt_http_resource_page, NULL},
	{"/c/",               GET,     ANYBODY, 0, gt_http_content, NULL},
	{"/o/",               GET,     ANYBODY, 0, gt_http_object, NULL},
	{"/api/resources",    GET,     ANYBODY, 0, gt_http_resources, NULL},
	{"/api/resources/",   GET,     ANYBODY, 0, gt_http_resource, NULL},
	{"/xapi/about",       XAPI,    ANYBODY, 0, gt_http_about, DRESS},
	{"/xapi/statements", STORE, TERMINAL, BATCH, gt_http_statements, DRESS},
	{"/healthz",          GET,     ANYBODY, 0, gt_http_health, NULL},
	{"/metrics",          GET,     ANYBODY, 0, gt_http_metrics, NULL},
	{"/admin/status",     GET,     VIEW,    0, gt_http_status, NULL},
	{"/admin/wait",       GET,     VIEW,    0, gt_http_wait, NULL},
	{"/admin/publish",    POST,    PUBLISH, DRAFTS, gt_http_publish, NULL},
	{"/admin/withdraw",   POST,    PUBLISH, SMALL, gt_http_withdraw, NULL},
	{"/admin/fetch",      POST,    OPERATE, SMALL, gt_http_fetch, NULL},
	{"/admin/policy",     POST,    OPERATE, LAYER, gt_http_policy, NULL},
	{"/admin/members",    BOTH,    OPERATE, ROSTER, gt_http_members, NULL},
	{"/admin/explain",    GET,     VIEW,    0, gt_http_explain, NULL},
	{"/admin/layers",     GET,     VIEW,    0, gt_http_layers, NULL},
	{"/admin/audit",      GET,     AUDIT,   0, gt_http_audit, NULL},
	{"/admin/records",    GET,     AUDIT,   0, gt_http_records, NULL},
	{"/admin/quarantine", GET,     AUDIT,   0, gt_http_quarantine, NULL},
	{"/admin/reload",     POST,    OPERATE, SMALL, gt_http_reload, NULL},
	{NULL, 0, 0, 0, NULL, NULL},
};
/* clang-format on */

const struct gt_route *gt_http_route(const char *path, bool local)
{
	unsigned any = ANYBODY | TERMINAL;
	if (local)
		any |= VIEW | PUBLISH | OPERATE | AUDIT;
	for (const struct gt_route *r = gt_routes; r->path; r++) {
		size_t n = strlen(r->path);
		bool below = n > 1 && r->path[n - 1] == '/';
		if (!(r->who & any))
			continue;
		if (below ? strncmp(path, r->path, n) == 0
		          : strcmp(path, r->path) == 0)
			return r;
	}
	return NULL;
}
