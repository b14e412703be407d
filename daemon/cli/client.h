/* client.h: asks the daemon of a node directory over its control socket.
 *
 * HTTP by libcurl on DIR/control.sock (http.h tells what can be asked). The
 * socket is reached through an open descriptor of DIR, so that neither a long
 * path nor a chdir() is in the way. One client, one thread.
 * Tests: e2e/test_house.py, e2e/test_faults.py. */
#ifndef GT_CLIENT_H
#define GT_CLIENT_H

#include "json.h"

struct gt_client;

/* -GT_EUNKNOWN: no such directory. Whether the daemon runs is seen when it is
 * asked. lang: what its sentences shall be in. */
int gt_client_open(struct gt_client **out, const char *dir, const char *lang,
                   char *why, size_t why_cap);
void gt_client_close(struct gt_client *client); /* NULL is fine */
/* A sentence for the last failure. */
const char *gt_client_why(const struct gt_client *client);

/* GET; *out is the answer's JSON, owned by the caller, NULL on failure. 0;
 * -GT_ECLOSED: the daemon does not run; what an error answer names
 * (-GT_EUNKNOWN, -GT_EDENIED, ...); -GT_EMALFORMED: no JSON; -GT_ETIMEOUT after
 * timeout_ms (0: a minute). */
int gt_client_get(struct gt_client *client, const char *path,
                  uint32_t timeout_ms, json_t **out);
/* The same by POST, of a body of this media type; waits as long as it takes. */
int gt_client_post(struct gt_client *client, const char *path, const char *type,
                   struct gt_bytes body, json_t **out);
/* The same of a body of JSON; NULL: no memory. */
int gt_client_post_json(struct gt_client *client, const char *path,
                        const json_t *body, json_t **out);

/* Takes n bytes of an answer. Nonzero ends the download. */
typedef int gt_client_take(void *arg, const void *p, size_t n);
/* GET; hands the bytes of the answer to take, as they come. As gt_client_get,
 * and -GT_EUNAVAILABLE: not here yet (503); -GT_EIO: take ended it. */
int gt_client_download(struct gt_client *client, const char *path,
                       gt_client_take *take, void *arg);

/* What was taken makes no sense (-GT_EMALFORMED), or there is no room for it
 * (-GT_ENOMEM): gt_client_why says so. The status. */
int gt_client_failed(struct gt_client *client, int status);

/* Appends text, %-encoded but for what a path or query may hold plainly ('/'
 * stays with keep_slash). False: it does not fit. */
bool gt_client_escape(char *out, size_t cap, const char *text, bool keep_slash);

/* Waits for the node's next change: the status once its generation is past
 * `seen` or timeout_ms is over. */
int gt_client_wait(struct gt_client *client, uint64_t seen, uint32_t timeout_ms,
                   json_t **out);

/* The first value of that name in an object, outermost first; NULL: none. Not
 * const: jansson's loops hand out members that may be changed. */
json_t *gt_client_find(json_t *object, const char *name);
/* The same as a number, 0: it is none, or negative. */
uint64_t gt_client_number(json_t *object, const char *name);
/* The same as a truth, false: it is none. */
bool gt_client_true(json_t *object, const char *name);

#endif
