/* http_admin.c: what the operator asks and orders, on the Unix socket. */
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "http_parse.h"
#include "http_publish.h"
#include "http_request.h"
#include "iso8601.h"
#include "sys.h"

enum { WAIT_MAX_MS = 60000, MEMBERS_MAX = 65536 };

/* ----------------------------------------------------------- status */

static json_t *transfers_json(const struct gt_node_status *s)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < s->ntransfers; i++) {
		const struct gt_transfer_status *t = &s->transfers[i];
		char hex[2 * GT_ID_BYTES + 1];
		gt_hex(hex, t->object.b, GT_ID_BYTES);
		json_t *row = json_pack(
		        "{s:s,s:s,s:I,s:I,s:I,s:I}", "object", hex, "resource",
		        t->resource, "frames", (json_int_t)t->frames, "present",
		        (json_int_t)t->present, "bytes", (json_int_t)t->bytes,
		        "total", (json_int_t)t->total);
		(void)json_array_append_new(list, row);
	}
	return list;
}

static json_t *children_json(const struct gt_node_status *s)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < s->nchildren; i++) {
		const struct gt_child_status *c = &s->children[i];
		json_t *row =
		        json_pack("{s:s,s:b,s:I,s:I,s:I}", "code", c->code,
		                  "up", c->up, "lag", (json_int_t)c->lag,
		                  "frames_sent", (json_int_t)c->frames_sent,
		                  "bytes_sent", (json_int_t)c->bytes_sent);
		(void)json_array_append_new(list, row);
	}
	return list;
}

/* Wall time; null: never. */
static json_t *time_json(int64_t ms)
{
	char text[GT_ISO_CHARS];
	if (ms == 0)
		return json_null();
	gt_iso_format(text, ms);
	return json_string(text);
}

static json_t *node_json(const struct gt_node_status *s)
{
	json_t *v = json_object();
	const struct {
		const char *name;
		uint64_t value;
	} counts[] = {
	        {"cursor", s->cursor},
	        {"commits", s->commits},
	        {"events", s->events},
	        {"messages_in", s->messages_in},
	        {"messages_out", s->messages_out},
	        {"drops", s->drops},
	        {"bytes_in", s->bytes_in},
	        {"bytes_out", s->bytes_out},
	        {"frames_in", s->frames_in},
	        {"frames_out", s->frames_out},
	        {"frames_damaged", s->frames_damaged},
	        {"records_in", s->records_in},
	        {"records_duplicate", s->records_dup},
	        {"records_quarantined", s->records_quarantined},
	        {"records_waiting", s->records_waiting},
	        {"records_unrooted", s->records_unrooted},
	        {"children_up", s->children_up},
	        {"strangers", s->strangers},
	};
	(void)json_object_set_new(v, "parent_up", json_boolean(s->parent_up));
	(void)json_object_set_new(v, "synced", json_boolean(s->synced));
	(void)json_object_set_new(v, "bulk_paused",
	                          json_boolean(s->bulk_paused));
	(void)json_object_set_new(v, "parent_seen",
	                          time_json(s->parent_seen_ms));
	(void)json_object_set_new(v, "stranger",
	                          *s->stranger ? json_string(s->stranger)
	                                       : json_null());
	(void)json_object_set_new(v, "stranger_seen",
	                          time_json(s->stranger_ms));
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		(void)json_object_set_new(
		        v, counts[i].name,
		        json_integer((json_int_t)counts[i].value));
	(void)json_object_set_new(v, "transfers", transfers_json(s));
	(void)json_object_set_new(v, "children", children_json(s));
	return v;
}

/* gt_read_status with what only the running node knows. */
static json_t *status_json(struct gt_request *rq)
{
	const struct gt_http_env *env = gt_http_env_of(rq->http);
	const struct gt_config *c = env->config;
	const char *level = gt_level_name(gt_code_depth(c->code));
	struct gt_node_status *s = malloc(sizeof *s);
	struct gt_worker *w = s ? gt_worker_take(rq->http) : NULL;
	json_t *v = NULL;
	/* the status first: what a reader then sees is at least as new */
	if (w) {
		gt_core_status(env->core, s);
		v = gt_read_status(w->reader);
	}
	if (v) {
		(void)json_object_set_new(
		        v, "generation",
		        json_integer((json_int_t)s->generation));
		(void)json_object_set_new(v, "name", json_string(c->name));
		(void)json_object_set_new(v, "level",
		                          json_string(level ? level : ""));
		(void)json_object_set_new(v, "parent", json_string(c->parent));
		(void)json_object_set_new(v, "node", node_json(s));
		(void)json_object_set_new(
		        v, "ports",
		        json_pack("{s:i,s:i}", "link", (int)env->link_port,
		                  "http", (int)gt_http_port(rq->http)));
	}
	gt_worker_give(rq->http, w);
	free(s);
	return v;
}

enum MHD_Result gt_http_status(struct gt_request *rq)
{
	return gt_rq_json(rq, 200, status_json(rq));
}

static enum MHD_Result waited(struct gt_request *rq)
{
	if (rq->status != 0)
		return gt_rq_error(rq, rq->status, "");
	return gt_http_status(rq);
}

static enum MHD_Result bad_arg(struct gt_request *rq, const char *name)
{
	return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_ARG, name);
}

enum MHD_Result gt_http_wait(struct gt_request *rq)
{
	const char *generation = gt_rq_arg(rq, "generation");
	const char *timeout = gt_rq_arg(rq, "timeout_ms");
	uint64_t ms = WAIT_MAX_MS / 2;
	if (!generation || !gt_http_number(generation, UINT64_MAX, &rq->seen))
		return bad_arg(rq, "generation");
	if (timeout && !gt_http_number(timeout, UINT64_MAX, &ms))
		return bad_arg(rq, "timeout_ms");
	ms = ms > WAIT_MAX_MS ? WAIT_MAX_MS : ms;
	struct gt_node_status *s = malloc(sizeof *s);
	if (!s)
		return gt_rq_error(rq, -GT_ENOMEM, "");
	gt_core_status(gt_http_env_of(rq->http)->core, s);
	bool past = s->generation > rq->seen;
	free(s);
	if (past || ms == 0)
		return gt_http_status(rq);
	rq->deadline_ms = (int64_t)(gt_sys_now().mono_ms + ms);
	return gt_rq_wait(rq, waited);
}

/* --------------------------------------------------------- commands */

/* The core's own words: JSON on success, a sentence otherwise. */
static enum MHD_Result replied(struct gt_request *rq)
{
	if (rq->status != 0)
		return gt_rq_error(rq, rq->status, rq->text);
	char *text = rq->text;
	rq->text = NULL;
	if (!text || !*text) {
		free(text);
		text = strdup("{}");
	}
	return gt_rq_text(rq, 200, "application/json", text,
	                  text ? strlen(text) : 0);
}

static json_t *body_json(struct gt_request *rq)
{
	return json_loadb((const char *)rq->body, rq->nbody,
	                  JSON_REJECT_DUPLICATES, NULL);
}

enum MHD_Result gt_http_publish(struct gt_request *rq)
{
	char why[512] = "";
	struct gt_draft *drafts;
	size_t n;
	json_t *v = body_json(rq);
	if (!v)
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_NOT_JSON);
	struct gt_arena *arena = gt_arena_new();
	enum MHD_Result done;
	int rc = arena ? gt_publish_parse(v, rq->lang, arena, &drafts, &n, why,
	                                  sizeof why)
	               : -GT_ENOMEM;
	if (rc == 0) {
		struct gt_event e = {
		        .type = GT_EV_PUBLISH, .drafts = drafts, .count = n};
		done = gt_rq_command(rq, &e, replied);
	} else {
		done = gt_rq_error(rq, rc, why);
	}
	gt_arena_free(arena);
	json_decref(v);
	return done;
}

static const char *member(const json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));
	return s ? s : "";
}

enum MHD_Result gt_http_withdraw(struct gt_request *rq)
{
	json_t *v = body_json(rq);
	const char *id = member(v, "id"), *reason = member(v, "reason");
	enum MHD_Result done;
	if (!gt_rid_valid(id)) {
		done = gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_KEY_ID,
		                  "id");
	} else if (strlen(reason) > GT_TEXT_MAX) {
		done = gt_rq_fail(rq, 400, -GT_ELIMIT, GT_T_HTTP_KEY_LONG,
		                  "reason");
	} else {
		struct gt_event e = {
		        .type = GT_EV_WITHDRAW, .text = id, .detail = reason};
		done = gt_rq_command(rq, &e, replied);
	}
	json_decref(v);
	return done;
}

static enum MHD_Result fetched(struct gt_request *rq)
{
	if (rq->status != 0)
		return gt_rq_error(rq, rq->status, rq->text);
	json_t *v = body_json(rq);
	struct gt_worker *w = gt_worker_take(rq->http);
	json_t *r = w ? gt_read_resource(w->reader, member(v, "id")) : NULL;
	gt_worker_give(rq->http, w);
	json_decref(v);
	return gt_rq_json(rq, 200, r);
}

enum MHD_Result gt_http_fetch(struct gt_request *rq)
{
	json_t *v = body_json(rq);
	const char *id = member(v, "id");
	enum MHD_Result done;
	if (gt_rid_valid(id)) {
		struct gt_event e = {.type = GT_EV_WANT, .text = id};
		done = gt_rq_command(rq, &e, fetched);
	} else {
		done = gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_KEY_ID,
		                  "id");
	}
	json_decref(v);
	return done;
}

static enum MHD_Result complain(struct gt_request *rq,
                                const struct gt_complaints *c)
{
	struct gt_out o = {0};
	for (size_t i = 0; i < c->n; i++) {
		gt_out_str(&o, i ? "\n" : "");
		gt_out_str(&o, c->v[i]);
	}
	char *text = gt_out_take(&o, NULL);
	enum MHD_Result done = gt_rq_error(rq, -GT_EINVALID, text);
	free(text);
	return done;
}

enum MHD_Result gt_http_policy(struct gt_request *rq)
{
	struct gt_bytes layer = {0};
	struct gt_complaints c = {0};
	const char *name = gt_rq_arg(rq, "name");
	enum MHD_Result done;
	int rc =
	        gt_policy_parse(&layer, name && *name ? name : "policy.yaml",
	                        gt_bytes_of(rq->body, rq->nbody), rq->lang, &c);
	if (rc == 0) {
		struct gt_event e = {.type = GT_EV_LAYER, .body = layer};
		done = gt_rq_command(rq, &e, replied);
	} else if (c.n > 0) {
		done = complain(rq, &c);
	} else {
		done = gt_rq_error(rq, rc, "");
	}
	gt_complaints_free(&c);
	free((void *)(uintptr_t)layer.p);
	return done;
}

/* 32-bit length, an encoded Signed, again and again. Returns how many, -1: it
 * is not that. out may be NULL. */
static long split_members(struct gt_bytes in, struct gt_bytes *out)
{
	long n = 0;
	while (in.n > 0) {
		if (in.n < 4 || n == MEMBERS_MAX)
			return -1;
		size_t len = gt_get32(in.p);
		if (len == 0 || len > in.n - 4)
			return -1;
		if (out)
			out[n] = gt_bytes_of(in.p + 4, len);
		n++;
		in.p += 4 + len;
		in.n -= 4 + len;
	}
	return n;
}

static enum MHD_Result members_in(struct gt_request *rq)
{
	struct gt_bytes body = gt_bytes_of(rq->body, rq->nbody);
	long n = split_members(body, NULL);
	if (n <= 0)
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_MEMBERS);
	struct gt_bytes *rows = calloc((size_t)n, sizeof *rows);
	if (!rows)
		return gt_rq_error(rq, -GT_ENOMEM, "");
	(void)split_members(body, rows);
	struct gt_event e = {
	        .type = GT_EV_MEMBERS, .members = rows, .count = (size_t)n};
	enum MHD_Result done = gt_rq_command(rq, &e, replied);
	free(rows);
	return done;
}

enum MHD_Result gt_http_reload(struct gt_request *rq)
{
	const struct gt_http_env *env = gt_http_env_of(rq->http);
	if (!env->reload)
		return gt_rq_error(rq, -GT_EUNAVAILABLE, "");
	env->reload(env->arg);
	return gt_rq_json(rq, 200, json_pack("{s:b}", "reloading", 1));
}

/* ---------------------------------------------------------- reading */

enum MHD_Result gt_http_members(struct gt_request *rq)
{
	if (rq->method == GT_HTTP_POST)
		return members_in(rq);
	struct gt_worker *w = gt_worker_take(rq->http);
	json_t *v = w ? gt_read_members(w->reader) : NULL;
	gt_worker_give(rq->http, w);
	return gt_rq_json(rq, 200, v);
}

enum MHD_Result gt_http_layers(struct gt_request *rq)
{
	struct gt_worker *w = gt_worker_take(rq->http);
	json_t *v = w ? gt_read_layers(w->reader) : NULL;
	gt_worker_give(rq->http, w);
	return gt_rq_json(rq, 200, v);
}

enum MHD_Result gt_http_explain(struct gt_request *rq)
{
	const char *id = gt_rq_arg(rq, "id"), *code = gt_rq_arg(rq, "for");
	if (!id || !gt_rid_valid(id))
		return bad_arg(rq, "id");
	if (!code || !*code)
		code = gt_http_env_of(rq->http)->config->code;
	if (!gt_code_valid(code))
		return bad_arg(rq, "for");
	struct gt_worker *w = gt_worker_take(rq->http);
	json_t *v =
	        w ? gt_read_explain(w->reader, id, code, gt_sys_now().wall_ms)
	          : NULL;
	gt_worker_give(rq->http, w);
	if (!json_is_null(v))
		return gt_rq_json(rq, 200, v);
	json_decref(v);
	return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_RESOURCE, id);
}

/* after and limit. False: *bad names the wrong one. */
static bool window(struct gt_request *rq, uint64_t most, int64_t *after,
                   size_t *limit, const char **bad)
{
	const char *a = gt_rq_arg(rq, "after"), *l = gt_rq_arg(rq, "limit");
	uint64_t from = 0, n = 0;
	*bad = NULL;
	if (a && *a && !gt_http_number(a, INT64_MAX, &from))
		*bad = "after";
	if (l && *l && !gt_http_number(l, most, &n))
		*bad = "limit";
	*after = (int64_t)from;
	*limit = (size_t)n;
	return !*bad;
}

/* Milliseconds, or a time. */
static bool moment(const char *text, int64_t *ms)
{
	uint64_t n;
	*ms = 0;
	if (!text || !*text)
		return true;
	if (gt_http_number(text, INT64_MAX, &n)) {
		*ms = (int64_t)n;
		return true;
	}
	return gt_iso_parse(ms, text);
}

static enum MHD_Result audit_key(void *arg, enum MHD_ValueKind kind,
                                 const char *key, const char *value)
{
	static const char *const keys[] = {
	        "from", "to",     "actor", "peer",  "subject", "event",
	        "kind", "result", "type",  "after", "limit",   "lang",
	};
	const char **unknown = arg;
	(void)kind;
	(void)value;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(key, keys[i]) == 0)
			return MHD_YES;
	*unknown = key;
	return MHD_NO;
}

static const char *filter(struct gt_request *rq, const char *name)
{
	const char *s = gt_rq_arg(rq, name);
	return s && *s ? s : NULL;
}

enum MHD_Result gt_http_audit(struct gt_request *rq)
{
	/* a misspelt filter must not look like "everything matches" */
	const char *bad = NULL;
	MHD_get_connection_values(rq->connection, MHD_GET_ARGUMENT_KIND,
	                          audit_key, &bad);
	if (bad)
		return bad_arg(rq, bad);
	struct gt_audit_query q = {
	        .actor = filter(rq, "actor"),
	        .peer = filter(rq, "peer"),
	        .subject = filter(rq, "subject"),
	        .event = filter(rq, "event"),
	        .kind = filter(rq, "kind"),
	        .result = filter(rq, "result"),
	        .type = filter(rq, "type"),
	};
	if (!moment(gt_rq_arg(rq, "from"), &q.from_ms))
		return bad_arg(rq, "from");
	if (!moment(gt_rq_arg(rq, "to"), &q.to_ms))
		return bad_arg(rq, "to");
	if (!window(rq, 10000, &q.after, &q.limit, &bad))
		return bad_arg(rq, bad);
	struct gt_worker *w = gt_worker_take(rq->http);
	json_t *v = w ? gt_read_audit(w->reader, &q) : NULL;
	gt_worker_give(rq->http, w);
	return gt_rq_json(rq, 200, v);
}

typedef json_t *page_reader(struct gt_reader *r, int64_t after, size_t limit);

static enum MHD_Result page(struct gt_request *rq, page_reader *read)
{
	int64_t after;
	size_t limit;
	const char *bad;
	if (!window(rq, 10000, &after, &limit, &bad))
		return bad_arg(rq, bad);
	struct gt_worker *w = gt_worker_take(rq->http);
	json_t *v = w ? read(w->reader, after, limit ? limit : 100) : NULL;
	gt_worker_give(rq->http, w);
	return gt_rq_json(rq, 200, v);
}

enum MHD_Result gt_http_records(struct gt_request *rq)
{
	return page(rq, gt_read_records);
}

enum MHD_Result gt_http_quarantine(struct gt_request *rq)
{
	return page(rq, gt_read_quarantine);
}
