/* http_status.c: how the node is, now and when that has changed.
 * Tests: u_http_api.c, e2e/test_house.py. */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "code.h"
#include "copies.h"
#include "dir.h"
#include "http_admin.h"
#include "http_cert.h"
#include "http_parse.h"
#include "iso8601.h"
#include "json.h"
#include "sys.h"

enum { WAIT_MAX_MS = 60000, REFUSED = 8, NEVER = 20 };

enum MHD_Result gt_http_bad_arg(struct gt_request *rq, const char *name)
{
	return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_ARG, name);
}

static json_t *transfers_json(const struct gt_node_status *s)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < s->ntransfers; i++) {
		const struct gt_transfer_status *t = &s->transfers[i];
		char hex[GT_HEX_ID];
		gt_id_hex(hex, &t->object);
		json_t *row = json_pack(
		        "{s:s,s:s,s:I,s:I,s:I,s:I}", "object", hex, "resource",
		        t->resource, "frames", (json_int_t)t->frames, "present",
		        (json_int_t)t->present, "bytes", (json_int_t)t->bytes,
		        "total", (json_int_t)t->total);
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

/* The newest date of the tree; null: the roster names nobody who signs one. */
static json_t *date_json(const struct gt_node_status *s)
{
	static const char *const states[] = {"off", "good", "old", "too-old"};
	if (s->date == GT_DATE_OFF)
		return json_null();
	json_t *v = json_pack("{s:s,s:b}", "state", states[s->date], "missed",
	                      s->date_missed);
	(void)json_object_set_new(v, "at", time_json(s->date_ms));
	return v;
}

static json_t *node_json(const struct gt_node_status *s)
{
	json_t *v = json_object();
	(void)json_object_set_new(v, "parent_up", json_boolean(s->parent_up));
	(void)json_object_set_new(v, "synced", json_boolean(s->synced));
	(void)json_object_set_new(v, "date", date_json(s));
	(void)json_object_set_new(v, "revoked", json_boolean(s->revoked));
	(void)json_object_set_new(v, "parent_revoked",
	                          json_boolean(s->parent_revoked));
	(void)json_object_set_new(v, "bulk_paused",
	                          json_boolean(s->bulk_paused));
	(void)json_object_set_new(
	        v, "bulk_paused_by",
	        s->bulk_paused ? json_string(gt_errname(s->bulk_paused_by))
	                       : json_null());
	(void)json_object_set_new(v, "records_short",
	                          json_boolean(s->records_short));
	(void)json_object_set_new(v, "records_crowded",
	                          json_boolean(s->records_crowded));
	(void)json_object_set_new(v, "entries_missed",
	                          json_boolean(s->entries_missed));
	(void)json_object_set_new(v, "parent_seen",
	                          time_json(s->parent_seen_ms));
	(void)json_object_set_new(v, "parent_until",
	                          time_json(s->parent_until_ms));
	(void)json_object_set_new(v, "stranger",
	                          *s->stranger ? json_string(s->stranger)
	                                       : json_null());
	(void)json_object_set_new(v, "stranger_seen",
	                          time_json(s->stranger_ms));
#define COUNTER(name, kind, help) \
	(void)json_object_set_new(v, #name, json_integer((json_int_t)s->name));
#include "counters.def"
#undef COUNTER
	(void)json_object_set_new(v, "transfers", transfers_json(s));
	(void)json_object_set_new(v, "children", children_json(s));
	return v;
}

static json_t *ports_json(const struct gt_http *http)
{
	return json_pack("{s:i,s:i,s:i,s:i}", "link", (int)http->env.link_port,
	                 "http", (int)http->ports[GT_DOOR_LEARNER], "content",
	                 (int)http->ports[GT_DOOR_CONTENT], "staff",
	                 (int)http->ports[GT_DOOR_STAFF]);
}

static json_t *fault_row(const struct gt_fault *f)
{
	if (f->at_ms == 0)
		return json_null();
	json_t *v = json_pack("{s:s,s:s,s:s}", "kind", gt_fault_name(f->kind),
	                      "why", f->why, "address", f->address);
	(void)json_object_set_new(v, "at", time_json(f->at_ms));
	return v;
}

static bool is_child(const json_t *children, const char *code)
{
	size_t n = json_array_size(children);
	for (size_t i = 0; i < n; i++)
		if (strcmp(gt_json_member(json_array_get(children, i), "code"),
		           code) == 0)
			return true;
	return false;
}

/* Why there is no link to the parent; null: there is one, or is not to be. */
static json_t *fault_json(const struct gt_http_env *env,
                          const struct gt_node_status *s)
{
	struct gt_fault f = {0};
	if (!*env->config->parent || s->parent_up)
		return json_null();
	gt_links_fault(env->links, s, &f);
	return fault_row(&f);
}

static bool is_up(const struct gt_node_status *s, const char *code)
{
	uint32_t i = 0;
	while (i < s->nchildren && strcmp(s->children[i].code, code) != 0)
		i++;
	return i < s->nchildren && s->children[i].up;
}

/* To each of the children whether it is linked, or since when and why not. */
static void put_faults(json_t *children, const struct gt_http_env *env,
                       const struct gt_node_status *s)
{
	size_t i;
	json_t *c;
	json_array_foreach(children, i, c)
	{
		const char *code = gt_json_member(c, "code");
		struct gt_fault f;
		bool up = is_up(s, code);
		gt_links_absent(env->links, code, &f);
		json_t *v = up ? json_null() : fault_row(&f);
		if (!up && f.at_ms != 0)
			(void)json_object_set_new(v, "since",
			                          time_json(f.since_ms));
		(void)json_object_set_new(c, "up", json_boolean(up));
		(void)json_object_set_new(c, "fault", v);
	}
}

/* Who was refused and is none of the children, by what he calls himself. */
static json_t *refused_json(const struct gt_http_env *env,
                            const struct gt_node_status *s,
                            const json_t *children)
{
	struct gt_refused *v = calloc(REFUSED, sizeof *v);
	json_t *list = json_array();
	size_t n = v ? gt_links_refused(env->links, v, REFUSED) : 0;
	for (size_t i = 0; i < n; i++) {
		json_t *row = fault_row(&v[i].fault);
		(void)json_object_set_new(row, "code", json_string(v[i].code));
		if (is_child(children, v[i].code) || is_up(s, v[i].code))
			json_decref(row);
		else
			(void)json_array_append_new(list, row);
	}
	free(v);
	return list;
}

static json_t *validity_json(const struct gt_validity *v)
{
	json_t *out = json_object();
	if (v->until_ms == 0) {
		json_decref(out);
		return json_null();
	}
	(void)json_object_set_new(out, "from", time_json(v->from_ms));
	(void)json_object_set_new(out, "until", time_json(v->until_ms));
	(void)json_object_set_new(
	        out, "seconds",
	        json_integer((v->until_ms - gt_sys_now().wall_ms) / 1000));
	return out;
}

/* The certificates of listeners that speak HTTPS, by their names. */
static json_t *https_json(const struct gt_http *http)
{
	json_t *all = json_object();
	for (unsigned i = 0; i < GT_DOOR_CONTROL; i++) {
		struct gt_validity v = gt_http_cert_validity(&http->certs[i]);
		if (v.until_ms != 0)
			(void)json_object_set_new(all, gt_http_door_name(i),
			                          validity_json(&v));
	}
	return all;
}

/* The listeners at which passwords travel in clear. */
static json_t *clear_json(const struct gt_http *http)
{
	const struct gt_config *c = http->env.config;
	json_t *list = json_array();
	if (gt_config_listen_clear(c, gt_access_any(http->access)))
		(void)json_array_append_new(list, json_string("listen"));
	if (gt_config_staff_clear(c))
		(void)json_array_append_new(list, json_string("staff"));
	return list;
}

/* What was put aside beside the database, and is there still. */
static json_t *copies_json(void)
{
	struct gt_copies c;
	gt_copies_look(GT_DIR_DATABASE, &c);
	return json_pack("{s:I,s:I}", "count", (json_int_t)c.count, "bytes",
	                 (json_int_t)c.bytes);
}

static json_t *access_json(struct gt_access *a)
{
	return json_pack("{s:b,s:b,s:i,s:i}", "anonymous",
	                 gt_access_anonymous(a), "lost", gt_access_lost(a),
	                 "terminals", (int)gt_access_count(a, GT_SCOPE_WRITE),
	                 "readers", (int)gt_access_count(a, GT_SCOPE_READ));
}

/* gt_read_status with what only the running node knows. */
static json_t *status_json(struct gt_request *rq)
{
	const struct gt_http_env *env = &rq->http->env;
	const struct gt_config *c = env->config;
	const char *level = gt_level_name(gt_code_depth(c->code));
	struct gt_node_status *s = malloc(sizeof *s);
	struct gt_worker *w = s ? gt_worker_take(rq->http->workers) : NULL;
	json_t *v = NULL, *never = NULL;
	/* the status first: what a reader then sees is at least as new */
	if (w) {
		gt_core_status(env->core, s);
		v = gt_read_status(w->reader);
		never = v ? gt_read_never(w->reader, NEVER) : NULL;
	}
	if (v) {
		(void)json_object_set_new(
		        v, "generation",
		        json_integer((json_int_t)s->generation));
		(void)json_object_set_new(v, "name", json_string(c->name));
		(void)json_object_set_new(v, "level",
		                          json_string(level ? level : ""));
		(void)json_object_set_new(v, "parent", json_string(c->parent));
		(void)json_object_set_new(v, "parent_fault",
		                          fault_json(env, s));
		json_t *children = json_object_get(v, "children");
		put_faults(children, env, s);
		(void)json_object_set_new(v, "never_linked",
		                          never ? never : json_null());
		(void)json_object_set_new(v, "refused",
		                          refused_json(env, s, children));
		(void)json_object_set_new(v, "certificate",
		                          validity_json(&env->certificate));
		(void)json_object_set_new(v, "ca", validity_json(&env->ca));
		(void)json_object_set_new(v, "https", https_json(rq->http));
		(void)json_object_set_new(v, "node", node_json(s));
		(void)json_object_set_new(v, "copies", copies_json());
		(void)json_object_set_new(v, "clear", clear_json(rq->http));
		(void)json_object_set_new(v, "ports", ports_json(rq->http));
		(void)json_object_set_new(v, "access",
		                          access_json(rq->http->access));
	}
	gt_worker_give(rq->http->workers, w);
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

enum MHD_Result gt_http_wait(struct gt_request *rq)
{
	const char *generation = gt_rq_arg(rq, "generation");
	const char *timeout = gt_rq_arg(rq, "timeout_ms");
	uint64_t ms = WAIT_MAX_MS / 2;
	if (!generation || !gt_http_number(generation, UINT64_MAX, &rq->seen))
		return gt_http_bad_arg(rq, "generation");
	if (timeout && !gt_http_number(timeout, UINT64_MAX, &ms))
		return gt_http_bad_arg(rq, "timeout_ms");
	ms = ms > WAIT_MAX_MS ? WAIT_MAX_MS : ms;
	struct gt_node_status *s = malloc(sizeof *s);
	if (!s)
		return gt_rq_error(rq, -GT_ENOMEM, "");
	gt_core_status(rq->http->env.core, s);
	bool past = s->generation > rq->seen;
	free(s);
	if (past || ms == 0)
		return gt_http_status(rq);
	rq->deadline_ms = (int64_t)(gt_sys_now().mono_ms + ms);
	return gt_rq_wait(rq, waited);
}
