/* http.h: the node's HTTP surfaces, on libmicrohttpd.
 *
 * Public (http.listen): for terminals and their people
 *   GET  /                      status and catalogue page, ?lang= ?q= ?type=
 *   GET  /r/RID                 page of one resource
 *   GET  /c/RID/PATH            a member's bytes; ranges; ETag. An on-demand
 *                               resource not here is fetched: 503 with
 *                               Retry-After and {"fetching", "present",
 *                               "frames"} until it is
 *   GET  /o/HEX.tar.zst         a complete object's file; ranges
 *   GET  /api/resources[/RID]   the catalogue as JSON (read.h)
 *   POST PUT GET /xapi/statements, GET /xapi/about   xAPI
 *   GET  /healthz               200 "ok", or 503 and why
 *   GET  /metrics               Prometheus text
 * Admin (control.sock, mode 0600; whoever opens it is the operator): the above,
 *   GET  /admin/status          gt_read_status with "generation", "name",
 *                               "level", "parent", "ports":{"link","http"} and
 *                               "node": gt_node_status as it is now, with its
 *                               "transfers" and "children"
 *   GET  /admin/wait?generation=N&timeout_ms=T  returns the status when its
 *                               generation is past N
 *   POST /admin/publish         {"id","title":{},"description":{},"type",
 *                               "subjects":[],"audiences":[],"languages":[],
 *                               "licence","regions":[],"keywords":[],"start",
 *                               "thumbnail","staged":name,"manifest":base64};
 *                               or an array of such without content. Answers
 *                               {"id","version","object"} (or an array)
 *   POST /admin/withdraw        {"id","reason"}
 *   POST /admin/fetch           {"id"}: start; answers the resource's state
 *   POST /admin/policy          text/yaml: replaces this node's layer
 *   POST /admin/members         binary, as pki/members.bin
 *   GET  /admin/explain?id=&for=      GET /admin/layers   GET /admin/members
 *   GET  /admin/audit?from=&to=&...   GET /admin/records?after=
 *   GET  /admin/quarantine?after=     POST /admin/reload
 * Errors are {"error":NAME,"message":sentence} with a fitting status.
 *
 * Runs on libmicrohttpd's own threads. Reads use one gt_reader a thread;
 * everything that changes something is posted to the core and the connection
 * suspended until the REPLY. */
#ifndef GT_HTTP_H
#define GT_HTTP_H

#include "config.h"
#include "core.h"

struct gt_http;
struct gt_http_env {
	const struct gt_config *config;
	struct gt_core *core;
	const char *database; /* path, opened read-only a thread */
	uint16_t link_port;
	/* POST /admin/reload; on an HTTP thread, must not block. */
	void (*reload)(void *arg);
	void *arg;
};
int gt_http_start(struct gt_http **out, const struct gt_http_env *env,
                  char *why, size_t why_cap);
uint16_t gt_http_port(const struct gt_http *http);
/* The answer to a command this module posted. Core thread; must not block. */
void gt_http_reply(struct gt_http *http, const struct gt_action *a);
/* Ends every connection, answering those that wait with 503. */
void gt_http_stop(struct gt_http *http);

#endif
