/* http.h: the node's HTTP surfaces, on libmicrohttpd.
 *
 * door/ stands on top of daemon/http and its rooms and is all the rest of the
 * daemon sees of them: http_server.c starts and stops the servers and leads a
 * request from its first line to its answer, http_route.c is the table of what
 * is where and who may call, http_who.c says who calls. It promises that a
 * request nobody may make that way finds no route, that a body is taken only
 * within its route's limit, and that a stop answers everybody who waits.
 *
 * Learners (http.listen): pages, catalogue, records
 *   GET  /                      status and catalogue page, ?lang= ?q= ?type=
 *   GET  /r/RID                 page of one resource
 *   GET  /c/..., /o/...         302 to the content listener, at the host the
 *                               client named; 404 where that is off
 *   GET  /api/resources[/RID]   the catalogue as JSON (read.h); ?files=0: one
 *                               without its files
 *   POST PUT GET /xapi/statements, GET /xapi/about   xAPI
 *   GET  /healthz               200 "ok", or 503 and why
 * Content (http.content): an origin of its own for what packages run
 *   GET  /c/RID/PATH            a member's bytes; ranges; ETag; a folder's
 *                               index.html; OPTIONS. An on-demand
 *                               resource not here is fetched: 503 with
 *                               Retry-After and {"fetching", "present",
 *                               "frames"} until it is
 *   GET  /o/HEX.tar.zst         a complete object's file; ranges
 * Staff (http.staff): /api/resources, /healthz as above, and
 *   GET  /metrics               Prometheus text
 *   /admin/...                  as below, to who has the role for it
 * Control (control.sock, mode 0600; whoever opens it is the operator): all of it
 *   GET  /admin/status          gt_read_status with "generation", "name",
 *                               "level", "parent", "ports":{"link","http",
 *                               "content","staff"},
 *                               "parent_fault":{"kind","why","address","at"}
 *                               or null, "certificate" and "ca":{"from",
 *                               "until","seconds"} or null, "https":
 *                               {"listen" and the like: the same}, "access":
 *                               {"anonymous": bool,"terminals","readers"} and
 *                               "node": gt_node_status as it is now, with its
 *                               "transfers" and "children"
 *   GET  /admin/wait?generation=N&timeout_ms=T  returns the status when its
 *                               generation is past N
 *   POST /admin/publish         {"id","title":{},"description":{},"type",
 *                               "subjects":[],"audiences":[],"languages":[],
 *                               "licence","regions":[],"keywords":[],"start",
 *                               "thumbnail","staged":name,"manifest":base64};
 *                               or an array of such without content. Answers
 *                               {"id","version","object"} (or an array), and
 *                               "kept":true where it was so already, with
 *                               "mended":true where its content was damaged
 *   POST /admin/publish/check   the same without content: would it be taken?
 *   POST /admin/withdraw        {"id","reason"}
 *   POST /admin/fetch           {"id"}: start; answers the resource's state
 *   POST /admin/policy          text/yaml: replaces this node's layer
 *   POST /admin/members         binary, as pki/members.bin
 *   GET  /admin/explain?id=&for=      GET /admin/layers   GET /admin/members
 *   GET  /admin/roster          the same rows as they were signed, in hex
 *   GET  /admin/audit?from=&to=&...   GET /admin/records?after=
 *   GET  /admin/copies?after=         POST /admin/copies/keep
 *   GET  /admin/quarantine?after=     POST /admin/reload
 *   GET  /admin/quarantine/QID        POST /admin/quarantine/drop
 *   GET  /admin/records/preview?to=&limit=     gt_read_preview
 *   GET  /admin/records/seal/ID                gt_read_seal
 *   GET  /admin/records/groups?after=&limit=   gt_read_groups
 *   GET  /admin/records/report?by=&level=&within=&from=&until=&counts-by=
 *                               gt_read_report
 *   GET  /admin/policy/explain?record=         gt_read_demanded
 *   POST /admin/policy/diff?to=&limit=         text/yaml: gt_read_demand_diff
 *   GET  /admin/certificates?after=
 *   POST /admin/certificates/issue    {"statement","name"}: answers the document
 *   POST /admin/certificates/revoke   {"id","why"}
 *   POST /admin/certificates/verify   {"document","list"}: gt_read_verify
 *   GET  /verify                     a page with a form for a certificate's file
 *   POST /verify                     whether it is genuine
 *   GET  /verify/ID                  a page of one issued here, to print, and
 *                                    whether it is genuine now
 *   GET  /certificate/ID, /certificates/NUMBER   as they were signed, for everybody
 *   POST /admin/person/find     {"names":[...],"part","after"}, all but the first
 *                               if it goes on: gt_read_of_person
 *   POST /admin/person/erase    {"items":[{"part","number","id"}]} as they were
 *                               found; answers {"receipt", and how many of
 *                               each part, "kept"}
 *   GET  /admin/credentials     {"credentials":[{"name","role","kind",
 *                               "created"}],"removed":[{"name","removed"}]},
 *                               access.h
 *   POST /admin/credentials     {"name","role","password","again"}, all but the
 *                               first if wanted: answers such a row with its
 *                               "secret", and "removed" if it is there again
 *   POST /admin/credentials/remove   {"name"}
 * A target is no longer than GT_HTTP_TARGET_MAX, and has no more arguments than
 * GT_HTTP_ARGS_MAX: 414. Errors are {"error":NAME,"message":sentence} with a fitting status.
 *
 * Runs on libmicrohttpd's own threads. Reads use one gt_reader per thread;
 * everything that changes something is posted to the core and the connection
 * suspended until the REPLY. */
#ifndef GT_HTTP_H
#define GT_HTTP_H

#include <sys/socket.h>

#include "http_request.h"
#include "node.h"
#include "room.h"

struct gt_http;

/* Opens the listeners and the control socket in the working directory, and serves
 * from here on. env is copied, what it points to is lent until gt_http_stop. 0;
 * -GT_EINVALID, -GT_EUNAVAILABLE: a person has to mend what is configured;
 * -GT_EIO, -GT_ENOMEM; and why. */
int gt_http_start(struct gt_http **out, const struct gt_http_env *env,
                  char *why, size_t why_cap);
/* A listener's port, as the system chose it; 0: the listener is off. */
uint16_t gt_http_port(const struct gt_http *http, enum gt_http_door door);
/* Takes a connection to a control socket that is not HTTP's own; fd is HTTP's
 * from here, also where it is turned away. Any thread. */
void gt_http_take_control(struct gt_http *http, int fd,
                          const struct sockaddr *from, socklen_t n);
enum { GT_HTTP_TICK_MS = 500 };
/* Ends what takes too long, and tells the log what had to be ended or turned
 * away. True: connections are open. One thread. */
bool gt_http_tick(struct gt_http *http);
/* Takes up certificates of listeners, and credentials, whose files are others
 * now: at once if asked; else, called now and then, once they have come to rest.
 * What cannot be taken up, and what ends soon, is told to the log. One thread. */
void gt_http_renew(struct gt_http *http, bool asked);
/* How long one of the library's threads has been in our hands, if that is more
 * than limit_ms: it is stuck, in *what. 0: none is. Any thread. */
int64_t gt_http_stuck(struct gt_http *http, int64_t limit_ms,
                      const char **what);
/* The core waits for room on the disk, or goes on: commands are told so
 * meanwhile, those that wait too. Core thread; never blocks. */
void gt_http_stalled(struct gt_http *http, enum gt_lack lack);
/* The answer to a command this module posted. Core thread; must not block. */
void gt_http_reply(struct gt_http *http, const struct gt_action *a);
/* Ends every connection, answering those that wait with 503, and frees. */
void gt_http_stop(struct gt_http *http);

#endif
