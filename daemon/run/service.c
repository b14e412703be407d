#include "service.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "blob.h"
#include "bulk.h"
#include "core.h"
#include "dir.h"
#include "files.h"
#include "http.h"
#include "link.h"
#include "log.h"
#include "node_dir.h"
#include "rewrite.h"
#include "seal.h"
#include "sweep.h"
#include "sys.h"
#include "text.h"
#include "tls.h"
#include "version.h"

enum {
	WHY_MAX = 1024,
	/* A loaded database may take long to open its books. */
	START_MS = 10 * 60 * 1000,
	STOP_MS = 2000,
	LINKS_S = 10, /* it takes no time, or for ever */
};
/* Whom to answer, where it is not HTTP. */
#define TOKEN_MEMBERS UINT64_MAX
#define TOKEN_LAYER   (UINT64_MAX - 1)
#define POLICY_MARK   "data/policy.sha256"

struct gt_service {
	uv_loop_t *loop;
	const struct gt_config *config;
	struct gt_service_events events;
	void *arg;
	int lock_fd;
	struct gt_node *node;
	struct gt_core *core;
	struct gt_blobs *blobs;
	_Atomic(struct gt_links *) links;
	struct gt_http *http;
	uv_async_t wake;
	bool wake_open;
	atomic_int failed; /* exit status */
	atomic_bool reload;
	bool failed_told;

	/* Held while the parts are put together: the core waits at it before
	 * its first action, and so never meets half a service. */
	pthread_mutex_t gate;
	atomic_bool whole;
	bool gated;

	pthread_mutex_t mark_lock;
	struct gt_id mark; /* of the policy file posted last */
};

/* -------------------------------------------------- toward the core */

static void on_up(void *arg, uint32_t peer, bool parent, const char *code,
                  const char *address)
{
	struct gt_service *s = arg;
	uint8_t random[32];
	gt_sys_random(random, sizeof random);
	struct gt_event e = {
	        .type = GT_EV_PEER_UP,
	        .peer = peer,
	        .body = {random, sizeof random},
	        .text = code,
	        .detail = address,
	        .parent = parent,
	};
	gt_log_line(GT_LOG_DEBUG, "link-up", "peer", GT_LOG_U(peer), "code",
	            code, "address", address, NULL);
	(void)gt_core_post(s->core, &e, NULL);
}

static void on_down(void *arg, uint32_t peer, const char *why)
{
	struct gt_service *s = arg;
	struct gt_event e = {
	        .type = GT_EV_PEER_DOWN, .peer = peer, .text = why};
	gt_log_line(GT_LOG_DEBUG, "link-down", "peer", GT_LOG_U(peer), "why",
	            why, NULL);
	(void)gt_core_post(s->core, &e, NULL);
}

static void on_message(void *arg, uint32_t peer, struct gt_bulk *m)
{
	struct gt_service *s = arg;
	struct gt_event e = {
	        .type = GT_EV_MSG, .peer = peer, .token = m->token};
	if (m->malformed) {
		e.status = -GT_EMALFORMED;
	} else {
		e.body = m->head;
		e.payload = m->payload;
	}
	/* a neighbour that floods a busy node finds its link cut, and asks
	 * again when it has dialled; the queue keeps its limit */
	struct gt_links *links = atomic_load(&s->links);
	if (!gt_core_post(s->core, &e, m) && links)
		gt_link_drop(links, peer, gt_strerror(-GT_EBUSY));
}

static void on_link_log(void *arg, int level, const char *what,
                        const char *address, const char *why)
{
	(void)arg;
	gt_log_line(level, what, "address", address, "why", why, NULL);
}

static void on_blob_done(void *arg, const struct gt_event *e)
{
	struct gt_service *s = arg;
	if (e->status == -GT_EIO)
		gt_log_line(GT_LOG_ERROR, "disk", "why", gt_strerror(e->status),
		            NULL);
	(void)gt_core_post(s->core, e, NULL);
}

static void on_blob_serve(void *arg, const struct gt_action *a, void *p,
                          size_t n)
{
	struct gt_service *s = arg;
	struct gt_links *links = atomic_load(&s->links);
	if (links)
		(void)gt_link_send_owned(links, a->peer, a->token, a->head, p,
		                         n);
	else
		free(p);
}

/* ----------------------------------------------- what the core says */

static void fail(struct gt_service *s, int exit_status)
{
	int none = 0;
	(void)atomic_compare_exchange_strong(&s->failed, &none, exit_status);
	uv_async_send(&s->wake);
}

/* Remembers which policy file the node has taken, so that a restart does not
 * undo a layer set since through the command line. */
static void mark_policy(struct gt_service *s)
{
	char hex[2 * GT_ID_BYTES + 1], why[WHY_MAX];
	pthread_mutex_lock(&s->mark_lock);
	gt_hex(hex, s->mark.b, GT_ID_BYTES);
	pthread_mutex_unlock(&s->mark_lock);
	if (gt_files_write(POLICY_MARK, 0600, GT_FILES_OURS, gt_bytes_str(hex),
	                   why, sizeof why) != 0)
		gt_log_line(GT_LOG_WARN, "policy-mark", "file", POLICY_MARK,
		            "why", strerror(errno), NULL);
}

static void own_reply(struct gt_service *s, const struct gt_action *a)
{
	const char *what = a->token == TOKEN_LAYER ? "policy" : "members";
	if (a->status != 0) {
		gt_log_line(GT_LOG_ERROR, what, "refused",
		            gt_errname(a->status), "why", a->text, NULL);
		return;
	}
	gt_log_line(GT_LOG_DEBUG, what, "accepted", a->text, NULL);
	if (a->token == TOKEN_LAYER)
		mark_policy(s);
}

static void reply(struct gt_service *s, const struct gt_action *a)
{
	if (a->token == TOKEN_LAYER || a->token == TOKEN_MEMBERS)
		own_reply(s, a);
	else if (a->token != 0 && s->http)
		gt_http_reply(s->http, a);
}

static void blob(struct gt_service *s, const struct gt_action *a)
{
	if (gt_blobs_submit(s->blobs, a))
		return;
	gt_log_line(GT_LOG_ERROR, "memory", "why", gt_strerror(-GT_ENOMEM),
	            NULL);
	fail(s, GT_SERVICE_FAILED);
}

static void perform_one(struct gt_service *s, const struct gt_action *a)
{
	struct gt_links *links = atomic_load(&s->links);
	switch (a->type) {
	case GT_ACT_SEND:
		/* false: the link is gone; PEER_DOWN says so too */
		if (links)
			(void)gt_link_send(links, a->peer, a->token, a->head,
			                   a->payload);
		break;
	case GT_ACT_DROP:
		if (links && a->status == 0)
			gt_link_drop(links, a->peer, a->text ? a->text : "");
		else if (links)
			gt_link_cut(links, a->peer, a->text ? a->text : "");
		break;
	case GT_ACT_SERVE:
	case GT_ACT_PLACE:
	case GT_ACT_COPY:
	case GT_ACT_TAIL:
	case GT_ACT_SYNC:
	case GT_ACT_CHECK:
	case GT_ACT_ADOPT:
	case GT_ACT_REMOVE:
		blob(s, a);
		break;
	case GT_ACT_REPLY:
		reply(s, a);
		break;
	case GT_ACT_LOG:
		gt_log_node(a->status, a->text ? a->text : "");
		break;
	}
}

static void perform(void *arg, const struct gt_action *a)
{
	struct gt_service *s = arg;
	if (!atomic_load(&s->whole)) {
		pthread_mutex_lock(&s->gate);
		pthread_mutex_unlock(&s->gate);
	}
	perform_one(s, a);
}

static void on_core_failed(void *arg, int status, const char *why)
{
	struct gt_service *s = arg;
	gt_log_line(GT_LOG_ERROR, "stopping", "error", gt_errname(status),
	            "why", why, "advice", gt_text(GT_T_DAEMON_ADVICE), NULL);
	fail(s, GT_SERVICE_FAILED);
}

/* ---------------------------------------------- toward the operator */

static void on_wake(uv_async_t *wake)
{
	struct gt_service *s = wake->data;
	int failed = atomic_load(&s->failed);
	if (failed && !s->failed_told) {
		s->failed_told = true;
		s->events.failed(s->arg, failed);
	}
	if (atomic_exchange(&s->reload, false))
		s->events.reload(s->arg);
}

/* HTTP's threads. */
static void on_reload(void *arg)
{
	struct gt_service *s = arg;
	atomic_store(&s->reload, true);
	uv_async_send(&s->wake);
}

static void note(struct gt_service *s, const char *what)
{
	struct gt_event e = {
	        .type = GT_EV_NOTE,
	        .text = what,
	        .detail = "guantongd " GT_VERSION,
	        .actor = "daemon",
	};
	(void)gt_core_post(s->core, &e, NULL);
}

static bool write_run(struct gt_service *s)
{
	char text[128], why[WHY_MAX];
	struct gt_links *links = atomic_load(&s->links);
	gt_format(text, sizeof text, "{\"pid\":%ld,\"link\":%u,\"http\":%u}\n",
	          (long)getpid(), links ? gt_links_port(links) : 0u,
	          gt_http_port(s->http));
	return gt_files_write(GT_DIR_RUN, 0600, GT_FILES_OURS,
	                      gt_bytes_str(text), why, sizeof why) == 0;
}

/* ------------------------------------------------- putting together */

static int refuse(const char *what, const char *why, int exit_status)
{
	gt_log_line(GT_LOG_ERROR, "cannot-start", "part", what, "why", why,
	            NULL);
	return exit_status;
}

static uint32_t small(uint64_t n)
{
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static int open_database(sqlite3 **db, char *why, size_t why_cap)
{
	/* The core's thread alone uses this connection. */
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	            SQLITE_OPEN_NOMUTEX;
	int status = gt_rewrite_drop(GT_DIR_DATABASE, why, why_cap);
	if (status != 0)
		return status;
	status = -GT_ESTORE;
	/* opened, it has not looked at its log yet */
	if (sqlite3_open_v2(GT_DIR_DATABASE, db, flags, NULL) == SQLITE_OK)
		status = gt_rewrite(
		        sqlite3_filename_wal(sqlite3_db_filename(*db, "main")),
		        why, why_cap);
	else
		gt_format(why, why_cap, GT_DIR_DATABASE ": %s",
		          *db ? sqlite3_errmsg(*db) : gt_strerror(-GT_ENOMEM));
	if (status != 0)
		sqlite3_close(*db);
	return status;
}

/* As gt_tls_rehearse, of the signatures that are not TLS's. Asked for its
 * global context, OpenSSL says whether it could make it; asked for anything
 * else, it would follow a null pointer into it. */
static bool rehearse_key(const uint8_t seed[32])
{
	struct gt_key key;
	uint8_t sig[64];
	struct gt_bytes text = gt_bytes_str("rehearsal");
	return OSSL_LIB_CTX_get0_global_default() &&
	       gt_key_from_seed(&key, seed) == 0 &&
	       gt_sign(&key, text, sig) == 0 &&
	       gt_verify(key.public, text, sig) == 0;
}

static int open_node(struct gt_service *s)
{
	const struct gt_config *c = s->config;
	char why[WHY_MAX] = "";
	sqlite3 *db = NULL;
	struct gt_node_config n = {
	        .code = c->code,
	        .parent = c->parent,
	        .software = "guantong " GT_VERSION,
	        .window_min = small(c->window_min),
	        .window_max = small(c->window_max),
	        .heartbeat_ms = small(c->heartbeat_ms),
	        .dead_ms = small(c->dead_ms),
	        .transfers = small(c->transfers),
	        .protocol_max = small(c->protocol),
	        .restored = c->restored,
	};
	if (gt_dir_read_key(GT_DIR_NODE_KEY, n.seed, why, sizeof why) != 0 ||
	    gt_dir_read_key(GT_DIR_ROSTER_KEY, n.roster_key, why, sizeof why) !=
	            0)
		return refuse("keys", why, GT_SERVICE_CONFIG);
	if (!rehearse_key(n.seed))
		return refuse("keys", gt_strerror(-GT_ENOMEM),
		              GT_SERVICE_SYSTEM);
	int status = open_database(&db, why, sizeof why);
	if (status == 0)
		status = gt_node_open(&s->node, &n, db, why, sizeof why);
	return status ? refuse("database", why, GT_SERVICE_SYSTEM) : 0;
}

static int open_blobs(struct gt_service *s)
{
	const struct gt_blob_events events = {on_blob_done, on_blob_serve};
	char why[WHY_MAX] = "";
	int status = gt_blobs_open(&s->blobs, s->loop, ".", s->config->reserve,
	                           &events, s, why, sizeof why);
	return status ? refuse("objects", why, GT_SERVICE_SYSTEM) : 0;
}

/* What the last run decided to remove and was stopped before it could. Not
 * behind a restore: the database may then be older than the files. */
static void sweep(const struct gt_service *s)
{
	struct gt_swept swept;
	char why[WHY_MAX] = "";
	if (s->config->restored)
		return;
	if (gt_sweep(".", GT_DIR_DATABASE, &swept, why, sizeof why) != 0)
		gt_log_line(GT_LOG_WARN, "sweep", "why", why, NULL);
	if (swept.removed)
		gt_log_line(GT_LOG_INFO, "sweep", "removed",
		            GT_LOG_U(swept.removed), NULL);
	if (swept.unknown)
		gt_log_line(GT_LOG_WARN, "sweep", "unknown",
		            GT_LOG_U(swept.unknown), "bytes",
		            GT_LOG_U(swept.unknown_bytes), "why",
		            gt_text(GT_T_DAEMON_UNKNOWN_OBJECTS), NULL);
}

static int start_core(struct gt_service *s)
{
	const struct gt_core_events events = {perform, on_core_failed};
	int status = gt_core_start(&s->core, s->node, &events, s);
	return status ? refuse("core", gt_strerror(status), GT_SERVICE_SYSTEM)
	              : 0;
}

static int start_links(struct gt_service *s)
{
	const struct gt_config *c = s->config;
	const struct gt_link_events events = {on_up, on_down, on_message,
	                                      on_link_log};
	struct gt_dir_pems pems = {0};
	struct gt_links *links = NULL;
	const char *parents[GT_ADDRESSES_MAX];
	char why[WHY_MAX] = "";
	if (!*c->listen && c->naddresses == 0)
		return 0;
	if (!c->insecure && gt_dir_read_pems(&pems, why, sizeof why) != 0)
		return refuse("certificates", why, GT_SERVICE_CONFIG);
	if (!c->insecure &&
	    gt_tls_rehearse((char *)pems.ca.p, (char *)pems.cert.p,
	                    (char *)pems.key.p, why, sizeof why) != 0) {
		gt_dir_pems_free(&pems);
		return refuse("certificates", why, GT_SERVICE_SYSTEM);
	}
	for (size_t i = 0; i < c->naddresses; i++)
		parents[i] = c->addresses[i];
	struct gt_links_config l = {
	        .listen = *c->listen ? c->listen : NULL,
	        .parents = parents,
	        .nparents = c->naddresses,
	        .insecure = c->insecure,
	        .ca_pem = (char *)pems.ca.p,
	        .cert_pem = (char *)pems.cert.p,
	        .key_pem = (char *)pems.key.p,
	        .parent_code = c->parent,
	        .max_links = small(c->max_links),
	        .max_per_address = small(c->max_per_address),
	};
	/* nng waits for itself when it cannot be initialised: an end that can
	 * be seen is better */
	alarm(LINKS_S);
	int status = gt_links_start(&links, s->loop, &l, &events, s, why,
	                            sizeof why);
	alarm(0);
	gt_dir_pems_free(&pems);
	if (status != 0)
		return refuse("links", why, GT_SERVICE_SYSTEM);
	atomic_store(&s->links, links);
	return 0;
}

static int start_http(struct gt_service *s)
{
	struct gt_links *links = atomic_load(&s->links);
	struct gt_http_env env = {
	        .config = s->config,
	        .core = s->core,
	        .database = GT_DIR_DATABASE,
	        .link_port = links ? gt_links_port(links) : 0,
	        .reload = on_reload,
	        .arg = s,
	};
	char why[WHY_MAX] = "";
	int status = gt_http_start(&s->http, &env, why, sizeof why);
	return status ? refuse("http", why, GT_SERVICE_SYSTEM) : 0;
}

/* The roster rows known at set-up; the node keeps the newest of each. */
static int post_members(struct gt_service *s)
{
	struct gt_dir_members m;
	char why[WHY_MAX] = "";
	if (gt_dir_read_members(GT_DIR_MEMBERS, &m, why, sizeof why) != 0)
		return refuse("members", why, GT_SERVICE_CONFIG);
	struct gt_event e = {
	        .type = GT_EV_MEMBERS,
	        .token = TOKEN_MEMBERS,
	        .actor = "daemon",
	        .members = m.v,
	        .count = m.n,
	};
	bool ok = m.n == 0 || gt_core_post(s->core, &e, NULL);
	gt_dir_members_free(&m);
	return ok ? 0
	          : refuse("members", gt_strerror(-GT_ENOMEM),
	                   GT_SERVICE_SYSTEM);
}

static bool is_taken(const struct gt_id *layer_hash)
{
	struct gt_buffer file;
	struct gt_id taken;
	char why[WHY_MAX];
	bool is =
	        gt_files_read(POLICY_MARK, 256, &file, why, sizeof why) == 0 &&
	        gt_unhex(taken.b, GT_ID_BYTES, (const char *)file.p) &&
	        gt_id_eq(&taken, layer_hash);
	gt_buffer_free(&file);
	return is;
}

void gt_service_layer(struct gt_service *s, struct gt_bytes layer,
                      const struct gt_id *layer_hash)
{
	if (layer.n == 0 || is_taken(layer_hash))
		return;
	pthread_mutex_lock(&s->mark_lock);
	s->mark = *layer_hash;
	pthread_mutex_unlock(&s->mark_lock);
	struct gt_event e = {
	        .type = GT_EV_LAYER,
	        .token = TOKEN_LAYER,
	        .actor = "daemon",
	        .body = layer,
	};
	if (!gt_core_post(s->core, &e, NULL))
		gt_log_line(GT_LOG_ERROR, "policy", "why",
		            gt_strerror(-GT_EBUSY), NULL);
}

static int put_together(struct gt_service *s, struct gt_bytes layer,
                        const struct gt_id *layer_hash)
{
	int status = open_node(s);
	if (status == 0)
		status = open_blobs(s);
	if (status == 0)
		sweep(s);
	if (status == 0)
		status = start_core(s);
	if (status == 0)
		status = post_members(s);
	if (status == 0) {
		gt_service_layer(s, layer, layer_hash);
		note(s, "start");
		status = start_links(s);
	}
	return status ? status : start_http(s);
}

static void open_gate(struct gt_service *s)
{
	if (!s->gated)
		return;
	atomic_store(&s->whole, true);
	pthread_mutex_unlock(&s->gate);
	s->gated = false;
}

/* The node's first turn is through: its books are in order. */
static int get_ready(struct gt_service *s)
{
	open_gate(s);
	if (!gt_core_settle(s->core, START_MS)) {
		int failed = atomic_load(&s->failed);
		return failed ? failed
		              : refuse("core", gt_strerror(-GT_ETIMEOUT),
		                       GT_SERVICE_FAILED);
	}
	if (!write_run(s))
		return refuse(GT_DIR_RUN, strerror(errno), GT_SERVICE_SYSTEM);
	struct gt_links *links = atomic_load(&s->links);
	gt_log_line(GT_LOG_INFO, "ready", "code", s->config->code, "link",
	            GT_LOG_U(links ? gt_links_port(links) : 0), "http",
	            GT_LOG_U(gt_http_port(s->http)), "version", GT_VERSION,
	            NULL);
	(void)sd_notify(0, "READY=1");
	return 0;
}

int gt_service_start(struct gt_service **out, uv_loop_t *loop,
                     const struct gt_config *config, struct gt_bytes layer,
                     const struct gt_id *layer_hash,
                     const struct gt_service_events *events, void *arg)
{
	char why[WHY_MAX] = "";
	int lock_fd = gt_dir_lock(why, sizeof why);
	if (lock_fd < 0)
		return refuse("directory", why,
		              lock_fd == -GT_EBUSY ? GT_SERVICE_RUNNING
		                                   : GT_SERVICE_SYSTEM);
	struct gt_service *s = calloc(1, sizeof *s);
	if (!s) {
		close(lock_fd);
		return refuse("memory", gt_strerror(-GT_ENOMEM),
		              GT_SERVICE_SYSTEM);
	}
	s->loop = loop;
	s->config = config;
	s->events = *events;
	s->arg = arg;
	s->lock_fd = lock_fd;
	s->wake.data = s;
	int bad = pthread_mutex_init(&s->gate, NULL) |
	          pthread_mutex_init(&s->mark_lock, NULL) |
	          pthread_mutex_lock(&s->gate);
	assert(!bad);
	s->gated = true;
	s->wake_open = uv_async_init(loop, &s->wake, on_wake) == 0;
	int status = s->wake_open ? put_together(s, layer, layer_hash)
	                          : refuse("loop", gt_strerror(-GT_EIO),
	                                   GT_SERVICE_SYSTEM);
	if (status == 0)
		status = get_ready(s);
	if (status != 0)
		gt_service_stop(s);
	else
		*out = s;
	return status;
}

/* ----------------------------------------------------- taking apart */

static void on_wake_closed(uv_handle_t *h)
{
	((struct gt_service *)h->data)->wake_open = false;
}

/* The core first: nothing is decided that is not performed as far as it can
 * be. Then those it speaks to, in an order in which none meets one that is
 * gone. */
static void take_apart(struct gt_service *s)
{
	struct gt_links *links = atomic_load(&s->links);
	if (s->core)
		gt_core_stop(s->core);
	if (s->blobs)
		gt_blobs_close(s->blobs);
	if (links)
		gt_links_stop(links);
	if (s->http)
		gt_http_stop(s->http);
	if (s->core)
		gt_core_free(s->core);
	if (s->node)
		gt_node_close(s->node);
}

void gt_service_stop(struct gt_service *s)
{
	bool was_ready = atomic_load(&s->whole);
	if (was_ready)
		(void)sd_notify(0, "STOPPING=1");
	open_gate(s);
	if (s->core && was_ready && !atomic_load(&s->failed)) {
		note(s, "stop");
		(void)gt_core_settle(s->core, STOP_MS);
	}
	take_apart(s);
	if (s->wake_open)
		uv_close((uv_handle_t *)&s->wake, on_wake_closed);
	while (s->wake_open)
		uv_run(s->loop, UV_RUN_ONCE);
	if (unlink(GT_DIR_RUN) != 0 && errno != ENOENT)
		gt_log_line(GT_LOG_WARN, "run-file", "file", GT_DIR_RUN, "why",
		            strerror(errno), NULL);
	close(s->lock_fd);
	pthread_mutex_destroy(&s->gate);
	pthread_mutex_destroy(&s->mark_lock);
	free(s);
}
