/* http_xapi.h: learner records in and out, as xAPI has them.
 *
 * Statements are parsed here (src/xapi) and posted to the core, which decides;
 * an answer waits until they are durable. What is read comes from src/read. The
 * room may use the machinery of daemon/http, none of the rooms beside it. It
 * promises that every answer under /xapi/, also one that refuses, carries the
 * version it speaks and X-Experience-API-Consistent-Through, which never names a
 * moment of which something is still to be seen and goes on with the clock; and
 * that a `more` link goes on where its page ended whatever was stored since. Who
 * may call is door/'s business.
 *
 *   http_xapi        what all resources share: headers, version, CORS, who
 *   http_statements  the statements resource
 *   http_documents   state and profiles; activities and agents
 *   http_launch      a course is launched (cmi5)
 *   http_token       the token it fetches, and what that opens
 *
 * Tests: u_http_xapi.c, u_http_api.c, e2e/test_records.py. */
#ifndef GT_HTTP_XAPI_H
#define GT_HTTP_XAPI_H

#include "http_request.h"

/* What a body of statements may have: more where attachments come with them,
 * which are not kept in memory. */
gt_meeter gt_http_statements_meet;

/* GET, OPTIONS /xapi/about */
gt_handler gt_http_about;
/* GET, POST, PUT, OPTIONS /xapi/statements */
gt_handler gt_http_statements;
/* GET, POST, PUT, DELETE, OPTIONS /xapi/activities/state, /xapi/agents/profile,
 * /xapi/activities/profile */
gt_handler gt_http_state;
gt_handler gt_http_agent_profile;
gt_handler gt_http_activity_profile;
/* GET, OPTIONS /xapi/activities, /xapi/agents */
gt_handler gt_http_activities;
gt_handler gt_http_agents;
/* POST, OPTIONS /launch/fetch: a course that was launched fetches its token */
gt_handler gt_http_token;
gt_dresser gt_http_token_headers;
/* POST /admin/launch */
gt_handler gt_http_launch;
void gt_http_launching_free(struct gt_launching *g); /* NULL is fine */
/* The headers of every answer under /xapi/. */
gt_dresser gt_http_xapi_headers;

#endif
