#include "http_route.h"

#include <string.h>

#include "http_admin.h"
#include "http_content.h"
#include "http_xapi.h"
#include "page.h"

/* What a body may have. */
enum {
	SMALL = 64 << 10,
	PAPER = 256 << 10, /* a certificate, in a form */
	BATCH = 8 << 20,
	LAYER = 4 << 20,
	ROSTER = 32 << 20,
	DRAFTS = GT_MANIFEST_MAX / 3 * 4 + (1 << 20),
};

enum {
	GET = GT_HTTP_GET,
	POST = GT_HTTP_POST,
	BOTH = GET | POST,
	ASKED = GET | GT_HTTP_OPTIONS, /* across origins */
	STORE = POST | GT_HTTP_PUT,
	ANYBODY = GT_HTTP_ANYBODY,
	HAND_IN = GT_HTTP_HAND_IN,
	READ = GT_HTTP_READ | GT_HTTP_OWN,
	/* documents: written, and read, by scope; and what anybody known may
	 * ask of agents and activities */
	STATE = GT_HTTP_STATE,
	SEE_STATE = STATE | GT_HTTP_READ_ALL,
	PROFILE = GT_HTTP_PROFILE,
	SEE_PROFILE = PROFILE | GT_HTTP_READ_ALL,
	KNOWN = READ | SEE_STATE | SEE_PROFILE | GT_HTTP_DEFINE,
	VIEW = GT_HTTP_VIEW,
	PUBLISH = GT_HTTP_PUBLISH,
	OPERATE = GT_HTTP_OPERATE,
	AUDIT = GT_HTTP_AUDIT,
};
/* By which doors. The control socket leads everywhere. */
enum {
	C = 1u << GT_DOOR_CONTROL,
	LEARN = C | 1u << GT_DOOR_LEARNER,
	CONTENT = C | 1u << GT_DOOR_CONTENT,
	STAFF = C | 1u << GT_DOOR_STAFF,
	OURS = LEARN | STAFF,         /* all but where packages run */
	AWAY = 1u << GT_DOOR_LEARNER, /* where content is not any more */
};
#define DRESS gt_http_xapi_headers
#define DOCUMENTS(path, see, write, handler)                    \
	{path, ASKED, LEARN, see, 0, handler, DRESS},           \
	{                                                       \
		path, STORE | GT_HTTP_DELETE, LEARN, write,     \
		        GT_DOCUMENT_MAX + SMALL, handler, DRESS \
	}

/* clang-format off */
const struct gt_route gt_routes[] = {
	{"/",              GET, LEARN, ANYBODY, 0, gt_http_home, NULL},
	{"/r/",            GET, LEARN, ANYBODY, 0, gt_http_resource_page, NULL},
	{"/c/",            ASKED, CONTENT, ANYBODY, 0, gt_http_content, NULL},
	{"/o/",            ASKED, CONTENT, ANYBODY, 0, gt_http_object, NULL},
	{"/c/",            GET, AWAY, ANYBODY, 0, gt_http_to_content, NULL},
	{"/o/",            GET, AWAY, ANYBODY, 0, gt_http_to_content, NULL},
	{"/api/resources", GET, OURS, ANYBODY, 0, gt_http_resources, NULL},
	{"/api/resources/", GET, OURS, ANYBODY, 0, gt_http_resource, NULL},
	{"/xapi/about", ASKED, LEARN, ANYBODY, 0, gt_http_about, DRESS},
	{"/xapi/statements", ASKED, LEARN, READ, 0, gt_http_statements, DRESS},
	{"/xapi/statements", STORE, LEARN, HAND_IN, BATCH, gt_http_statements,
	 DRESS},
	{"/xapi/activities", ASKED, LEARN, KNOWN, 0, gt_http_activities, DRESS},
	{"/xapi/agents", ASKED, LEARN, KNOWN, 0, gt_http_agents, DRESS},
	DOCUMENTS("/xapi/activities/state", SEE_STATE, STATE, gt_http_state),
	DOCUMENTS("/xapi/activities/profile", SEE_PROFILE, PROFILE,
	          gt_http_activity_profile),
	DOCUMENTS("/xapi/agents/profile", SEE_PROFILE, PROFILE,
	          gt_http_agent_profile),
	{"/launch/fetch", POST | GT_HTTP_OPTIONS, LEARN, ANYBODY, SMALL,
	 gt_http_token, gt_http_token_headers},
	{"/xapi/", 0, LEARN, ANYBODY, 0, NULL, DRESS},
	{"/healthz",        GET, OURS, ANYBODY, 0, gt_http_health, NULL},
	{"/metrics",        GET, STAFF, ANYBODY, 0, gt_http_metrics, NULL},
	{"/admin/status",   GET, STAFF, VIEW, 0, gt_http_status, NULL},
	{"/admin/wait",     GET, STAFF, VIEW, 0, gt_http_wait, NULL},
	{"/admin/publish",  POST, STAFF, PUBLISH, DRAFTS, gt_http_publish, NULL},
	{"/admin/publish/check", POST, STAFF, PUBLISH, BATCH, gt_http_publish_check,
	 NULL},
	{"/admin/withdraw", POST, STAFF, PUBLISH, SMALL, gt_http_withdraw, NULL},
	{"/admin/fetch",    POST, STAFF, OPERATE, SMALL, gt_http_fetch, NULL},
	{"/admin/policy",   POST, STAFF, OPERATE, LAYER, gt_http_policy, NULL},
	{"/admin/policy/explain", GET, STAFF, AUDIT, 0, gt_http_demanded, NULL},
	{"/admin/policy/diff", POST, STAFF, AUDIT, LAYER, gt_http_demand_diff,
	 NULL},
	{"/admin/members",  BOTH, STAFF, OPERATE, ROSTER, gt_http_members, NULL},
	{"/admin/roster",   GET, STAFF, OPERATE, 0, gt_http_roster, NULL},
	{"/admin/explain",  GET, STAFF, VIEW, 0, gt_http_explain, NULL},
	{"/admin/layers",   GET, STAFF, VIEW, 0, gt_http_layers, NULL},
	{"/admin/audit",    GET, STAFF, AUDIT, 0, gt_http_audit, NULL},
	{"/admin/records",  GET, STAFF, AUDIT, 0, gt_http_records, NULL},
	{"/admin/records/groups", GET, STAFF, AUDIT, 0, gt_http_groups, NULL},
	{"/admin/records/preview", GET, STAFF, AUDIT, 0, gt_http_preview, NULL},
	{"/admin/records/seal/", GET, STAFF, AUDIT, 0, gt_http_seal, NULL},
	{"/admin/records/report", GET, STAFF, AUDIT, 0, gt_http_report, NULL},
	{"/admin/copies", GET, STAFF, AUDIT, 0, gt_http_copies, NULL},
	{"/admin/copies/keep", POST, STAFF, OPERATE, SMALL,
	 gt_http_copies_keep, NULL},
	{"/admin/quarantine", GET, STAFF, AUDIT, 0, gt_http_quarantine, NULL},
	{"/admin/quarantine/drop", POST, STAFF, OPERATE, SMALL,
	 gt_http_quarantine_drop, NULL},
	{"/admin/quarantine/", GET, STAFF, AUDIT, 0, gt_http_quarantined, NULL},
	{"/admin/documents", GET, STAFF, AUDIT, 0, gt_http_conflicts, NULL},
	{"/admin/documents/drop", POST, STAFF, OPERATE, SMALL,
	 gt_http_conflict_drop, NULL},
	{"/admin/documents/restore", POST, STAFF, OPERATE, SMALL,
	 gt_http_conflict_restore, NULL},
	{"/admin/documents/", GET, STAFF, AUDIT, 0, gt_http_conflict, NULL},
	{"/admin/certificates", GET, STAFF, VIEW, 0, gt_http_certificates, NULL},
	{"/admin/certificates/issue", POST, STAFF, OPERATE, SMALL,
	 gt_http_certify, NULL},
	{"/admin/certificates/revoke", POST, STAFF, OPERATE, SMALL,
	 gt_http_revoke, NULL},
	{"/admin/certificates/verify", POST, STAFF, VIEW, BATCH, gt_http_verify,
	 NULL},
	{"/certificate/", GET, OURS, ANYBODY, 0, gt_http_certificate, NULL},
	{"/certificates/", GET, OURS, ANYBODY, 0, gt_http_certificate_list, NULL},
	{"/verify", BOTH, LEARN, ANYBODY, PAPER, gt_http_verify_page, NULL},
	{"/verify/", GET, LEARN, ANYBODY, 0, gt_http_certificate_page, NULL},
	{"/admin/person/find", POST, STAFF, OPERATE, BATCH, gt_http_person, NULL},
	{"/admin/person/erase", POST, STAFF, OPERATE, BATCH, gt_http_erase, NULL},
	{"/admin/reload",   POST, STAFF, OPERATE, SMALL, gt_http_reload, NULL},
	{"/admin/credentials", BOTH, STAFF, OPERATE, SMALL, gt_http_credentials,
	 NULL},
	{"/admin/credentials/set", POST, STAFF, OPERATE, SMALL,
	 gt_http_credential_set, NULL},
	{"/admin/credentials/rotate", POST, STAFF, OPERATE, SMALL,
	 gt_http_credential_rotate, NULL},
	{"/admin/launch", POST, STAFF, OPERATE, SMALL, gt_http_launch, NULL},
	{"/admin/credentials/remove", POST, STAFF, OPERATE, SMALL,
	 gt_http_credential_remove, NULL},
	{NULL, 0, 0, 0, 0, NULL, NULL},
};
/* clang-format on */

static bool leads(const struct gt_route *r, const char *path,
                  enum gt_http_door door)
{
	size_t n = strlen(r->path);
	bool below = n > 1 && r->path[n - 1] == '/';
	return r->doors & 1u << door && (below ? strncmp(path, r->path, n) == 0
	                                       : strcmp(path, r->path) == 0);
}

const struct gt_route *gt_http_route(const char *path, enum gt_http_door door,
                                     unsigned method)
{
	const struct gt_route *first = NULL;
	for (const struct gt_route *r = gt_routes; r->path; r++) {
		if (!leads(r, path, door))
			continue;
		if (r->methods & method)
			return r;
		first = first ? first : r;
	}
	return first;
}

unsigned gt_http_route_methods(const char *path, enum gt_http_door door)
{
	unsigned methods = 0;
	for (const struct gt_route *r = gt_routes; r->path; r++)
		methods |= leads(r, path, door) ? r->methods : 0;
	return methods;
}

bool gt_http_route_folds(const struct gt_route *route)
{
	return route->dress == DRESS;
}

gt_meeter *gt_http_route_meet(const struct gt_route *r)
{
	return r->handle == gt_http_statements ? gt_http_statements_meet : NULL;
}
