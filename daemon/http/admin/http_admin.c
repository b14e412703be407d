/* http_admin.c: what the operator asks and orders, on the Unix socket. */
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "code.h"
#include "dir.h"
#include "http_admin.h"
#include "http_package.h"
#include "http_parse.h"
#include "http_publish.h"
#include "http_query.h"
#include "iso8601.h"
#include "nearest.h"
#include "node_dir.h"
#include "ready.h"
#include "statement.h"
#include "sys.h"

enum { MEMBERS_MAX = 65536 };

/* --------------------------------------------------------- commands */

/* The core's own words: JSON on success, a sentence otherwise. */
enum MHD_Result gt_http_replied(struct gt_request *rq)
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

/* The body, if it is JSON. False: memory was short, and that is answered. */
static bool take_json(struct gt_request *rq, json_t **v,
                      enum MHD_Result *answer)
{
	json_error_t error;
	struct gt_bytes text =
	        gt_json_unmarked(gt_bytes_of(rq->body, rq->nbody));
	*v = gt_json_load(text, JSON_REJECT_DUPLICATES, &error);
	if (*v || *error.text)
		return true;
	*answer = gt_rq_error(rq, -GT_ENOMEM, "");
	return false;
}

static enum MHD_Result publish(struct gt_request *rq, bool dry)
{
	char why[512] = "";
	struct gt_draft *drafts;
	size_t n;
	json_t *v;
	enum MHD_Result done;
	if (!take_json(rq, &v, &done))
		return done;
	if (!v)
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_NOT_JSON);
	struct gt_arena *arena = gt_arena_new();
	int rc = arena ? gt_publish_parse(v, rq->lang, arena, &drafts, &n, why,
	                                  sizeof why)
	               : -GT_ENOMEM;
	if (rc == 0) {
		struct gt_event e = {.type = GT_EV_PUBLISH,
		                     .drafts = drafts,
		                     .count = n,
		                     .dry = dry};
		done = gt_rq_command(rq, &e, gt_http_replied);
	} else {
		done = gt_rq_error(rq, rc, why);
	}
	gt_arena_free(arena);
	json_decref(v);
	return done;
}

enum MHD_Result gt_http_publish(struct gt_request *rq)
{
	return publish(rq, false);
}

enum MHD_Result gt_http_publish_check(struct gt_request *rq)
{
	return publish(rq, true);
}

enum MHD_Result gt_http_withdraw(struct gt_request *rq)
{
	json_t *v;
	enum MHD_Result done;
	if (!take_json(rq, &v, &done))
		return done;
	const char *id = gt_json_member(v, "id"),
	           *reason = gt_json_member(v, "reason");
	if (!gt_rid_valid(id)) {
		done = gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_KEY_ID,
		                  "id");
	} else if (strlen(reason) > GT_TEXT_MAX) {
		done = gt_rq_fail(rq, 400, -GT_ELIMIT, GT_T_HTTP_KEY_LONG,
		                  "reason");
	} else {
		struct gt_event e = {
		        .type = GT_EV_WITHDRAW, .text = id, .detail = reason};
		done = gt_rq_command(rq, &e, gt_http_replied);
	}
	json_decref(v);
	return done;
}

static enum MHD_Result fetched(struct gt_request *rq)
{
	if (rq->status != 0)
		return gt_rq_error(rq, rq->status, rq->text);
	json_t *v;
	enum MHD_Result done;
	if (!take_json(rq, &v, &done))
		return done;
	done = gt_http_whole_resource(rq, gt_json_member(v, "id"), NULL);
	json_decref(v);
	return done;
}

enum MHD_Result gt_http_fetch(struct gt_request *rq)
{
	json_t *v;
	enum MHD_Result done;
	if (!take_json(rq, &v, &done))
		return done;
	const char *id = gt_json_member(v, "id");
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
	struct gt_buffer o = {0};
	for (size_t i = 0; i < c->n; i++) {
		gt_buffer_str(&o, i ? "\n" : "");
		gt_buffer_str(&o, c->v[i]);
	}
	char *text = gt_buffer_text(&o, NULL);
	enum MHD_Result done = gt_rq_error(rq, -GT_EINVALID, text);
	free(text);
	return done;
}

/* The body is a policy file: what becomes of its layer, or what is wrong with
 * it. */
static enum MHD_Result with_layer(struct gt_request *rq,
                                  enum MHD_Result (*use)(struct gt_request *,
                                                         struct gt_bytes))
{
	struct gt_buffer layer;
	struct gt_complaints c = {0};
	const char *name = gt_rq_arg(rq, "name");
	enum MHD_Result done;
	int rc = gt_policy_take(&layer, name && *name ? name : "policy.yaml",
	                        gt_bytes_of(rq->body, rq->nbody), rq->lang, &c);
	if (rc == 0)
		done = use(rq, gt_buffer_bytes(&layer));
	else if (c.n > 0)
		done = complain(rq, &c);
	else
		done = gt_rq_error(rq, rc, "");
	gt_complaints_free(&c);
	gt_buffer_free(&layer);
	return done;
}

static enum MHD_Result put_policy(struct gt_request *rq, struct gt_bytes layer)
{
	struct gt_event e = {.type = GT_EV_LAYER, .body = layer};
	return gt_rq_command(rq, &e, gt_http_replied);
}

enum MHD_Result gt_http_policy(struct gt_request *rq)
{
	return with_layer(rq, put_policy);
}

static enum MHD_Result diff_policy(struct gt_request *rq, struct gt_bytes layer)
{
	const char *to = gt_rq_arg(rq, "to");
	const char *most = gt_rq_arg(rq, "limit");
	uint64_t limit = 0;
	if (!to || !gt_code_valid(to))
		return gt_http_bad_arg(rq, "to");
	if (most && !gt_http_number(most, 10000, &limit))
		return gt_http_bad_arg(rq, "limit");
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *v = w ? gt_read_demand_diff(w->reader, layer, to, (size_t)limit)
	              : NULL;
	gt_worker_give(rq->http->workers, w);
	return gt_rq_json(rq, 200, v);
}

enum MHD_Result gt_http_demand_diff(struct gt_request *rq)
{
	return with_layer(rq, diff_policy);
}

enum MHD_Result gt_http_demanded(struct gt_request *rq)
{
	const char *record = gt_rq_arg(rq, "record");
	uint8_t id[GT_UUID_BYTES];
	if (!record || !gt_uuid_parse(id, record))
		return gt_http_bad_arg(rq, "record");
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *v = w ? gt_read_demanded(w->reader, id) : NULL;
	gt_worker_give(rq->http->workers, w);
	if (!json_is_null(v))
		return gt_rq_json(rq, 200, v);
	json_decref(v);
	return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_RECORD, record);
}

/* No row is without bytes. */
static bool filled(const struct gt_bytes *rows, size_t n)
{
	while (n > 0 && rows[n - 1].n > 0)
		n--;
	return n == 0;
}

static enum MHD_Result members_in(struct gt_request *rq)
{
	struct gt_bytes *rows;
	size_t n;
	enum MHD_Result done;
	int status = gt_dir_split(gt_bytes_of(rq->body, rq->nbody), MEMBERS_MAX,
	                          &rows, &n);
	struct gt_event e = {
	        .type = GT_EV_MEMBERS, .members = rows, .count = n};
	if (status == -GT_ENOMEM)
		done = gt_rq_error(rq, status, "");
	else if (status != 0 || n == 0 || !filled(rows, n))
		done = gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_MEMBERS);
	else
		done = gt_rq_command(rq, &e, gt_http_replied);
	free(rows);
	return done;
}

/* What the reload will find: the same files, read here. */
static json_t *reload_json(struct gt_request *rq)
{
	struct gt_complaints c = {0};
	struct gt_ready_policy policy = {0};
	char keys[GT_CONFIG_WAITS] = "";
	struct gt_config *next = calloc(1, sizeof *next);
	int status = next ? gt_config_load(next, GT_DIR_CONFIG, rq->lang, &c)
	                  : -GT_ENOMEM;
	if (status == 0)
		status = gt_ready_policy(&policy, next, rq->lang, &c);
	if (status == 0)
		(void)gt_config_waits(rq->http->env.config, next, keys,
		                      sizeof keys);
	gt_buffer_free(&policy.layer);
	json_t *list = json_array();
	for (size_t i = 0; i < c.n; i++)
		(void)json_array_append_new(list, json_string(c.v[i]));
	gt_complaints_free(&c);
	free(next);
	return json_pack("{s:b,s:b,s:s,s:o}", "reloading", 1, "ok", status == 0,
	                 "waits", keys, "complaints", list);
}

enum MHD_Result gt_http_reload(struct gt_request *rq)
{
	const struct gt_http_env *env = &rq->http->env;
	if (!env->reload)
		return gt_rq_error(rq, -GT_EUNAVAILABLE, "");
	json_t *v = reload_json(rq);
	env->reload(env->arg);
	return gt_rq_json(rq, 200, v);
}

/* ---------------------------------------------------------- reading */

/* Sends all there is of something. */
static enum MHD_Result all(struct gt_request *rq,
                           json_t *(*read)(struct gt_reader *))
{
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *v = w ? read(w->reader) : NULL;
	gt_worker_give(rq->http->workers, w);
	return gt_rq_json(rq, 200, v);
}

enum MHD_Result gt_http_members(struct gt_request *rq)
{
	if (rq->method == GT_HTTP_POST)
		return members_in(rq);
	return all(rq, gt_read_members);
}

enum MHD_Result gt_http_roster(struct gt_request *rq)
{
	return all(rq, gt_read_roster);
}

enum MHD_Result gt_http_layers(struct gt_request *rq)
{
	return all(rq, gt_read_layers);
}

/* Of all in the roster what was meant by a code that is not: one that is a slip
 * of the hand away, else the place it would lie in, or this node. */
static void who_is_near(struct gt_reader *r, const char *code, const char *own,
                        char out[GT_CODE_MAX + 1])
{
	json_t *v = gt_read_members(r);
	const json_t *list = json_object_get(v, "members");
	size_t n = json_array_size(list);
	const char **known = calloc(n + 1, sizeof *known);
	gt_copy(out, GT_CODE_MAX + 1, own);
	size_t deepest = 0;
	for (size_t i = 0; known && i < n; i++) {
		const char *c = gt_json_member(json_array_get(list, i), "code");
		known[i] = c;
		if (gt_code_within(code, c) && strlen(c) > deepest) {
			deepest = strlen(c);
			gt_copy(out, GT_CODE_MAX + 1, c);
		}
	}
	const char *near =
	        known ? gt_nearest(code, known, n, GT_SLIPS_WRITTEN) : NULL;
	if (near && strlen(near) == strlen(code))
		gt_copy(out, GT_CODE_MAX + 1, near);
	free(known);
	json_decref(v);
}

static enum MHD_Result no_place(struct gt_request *rq, struct gt_worker *w,
                                const char *code)
{
	char near[GT_CODE_MAX + 1];
	who_is_near(w->reader, code, rq->http->env.config->code, near);
	gt_worker_give(rq->http->workers, w);
	return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_PLACE, code,
	                  near);
}

enum MHD_Result gt_http_explain(struct gt_request *rq)
{
	const char *id = gt_rq_arg(rq, "id"), *code = gt_rq_arg(rq, "for");
	if (!id || !gt_rid_valid(id))
		return gt_http_bad_arg(rq, "id");
	if (!code || !*code)
		code = rq->http->env.config->code;
	if (!gt_code_valid(code))
		return gt_http_bad_arg(rq, "for");
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	if (w && strcmp(code, rq->http->env.config->code) != 0 &&
	    gt_read_enrolled(w->reader, code) == 0)
		return no_place(rq, w, code);
	json_t *v =
	        w ? gt_read_explain(w->reader, id, code, gt_sys_now().wall_ms)
	          : NULL;
	gt_worker_give(rq->http->workers, w);
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
	        "from",     "to",    "actor", "peer",   "subject",
	        "resource", "event", "kind",  "result", "type",
	        "after",    "limit", "lang",
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
		return gt_http_bad_arg(rq, bad);
	struct gt_audit_query q = {
	        .actor = filter(rq, "actor"),
	        .peer = filter(rq, "peer"),
	        .subject = filter(rq, "subject"),
	        .resource = filter(rq, "resource"),
	        .event = filter(rq, "event"),
	        .kind = filter(rq, "kind"),
	        .result = filter(rq, "result"),
	        .type = filter(rq, "type"),
	};
	if (q.resource && !gt_rid_valid(q.resource))
		return gt_http_bad_arg(rq, "resource");
	if (!moment(gt_rq_arg(rq, "from"), &q.from_ms))
		return gt_http_bad_arg(rq, "from");
	if (!moment(gt_rq_arg(rq, "to"), &q.to_ms))
		return gt_http_bad_arg(rq, "to");
	if (!window(rq, 10000, &q.after, &q.limit, &bad))
		return gt_http_bad_arg(rq, bad);
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *v = w ? gt_read_audit(w->reader, &q) : NULL;
	gt_worker_give(rq->http->workers, w);
	return gt_rq_json(rq, 200, v);
}

typedef json_t *page_reader(struct gt_reader *r, int64_t after, size_t limit);

static enum MHD_Result page(struct gt_request *rq, page_reader *read)
{
	int64_t after;
	size_t limit;
	const char *bad;
	if (!window(rq, 10000, &after, &limit, &bad))
		return gt_http_bad_arg(rq, bad);
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *v = w ? read(w->reader, after, limit ? limit : 100) : NULL;
	gt_worker_give(rq->http->workers, w);
	return gt_rq_json(rq, 200, v);
}

enum MHD_Result gt_http_records(struct gt_request *rq)
{
	return page(rq, gt_read_records);
}

enum MHD_Result gt_http_groups(struct gt_request *rq)
{
	return page(rq, gt_read_groups);
}

enum MHD_Result gt_http_preview(struct gt_request *rq)
{
	const char *to = gt_rq_arg(rq, "to");
	const char *most = gt_rq_arg(rq, "limit");
	uint64_t limit = 0;
	if (!to || !gt_code_valid(to))
		return gt_http_bad_arg(rq, "to");
	if (most && !gt_http_number(most, 10000, &limit))
		return gt_http_bad_arg(rq, "limit");
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *v = w ? gt_read_preview(w->reader, to, (size_t)limit,
	                                rq->http->env.names)
	              : NULL;
	gt_worker_give(rq->http->workers, w);
	return gt_rq_json(rq, 200, v);
}

enum MHD_Result gt_http_seal(struct gt_request *rq)
{
	uint8_t id[GT_UUID_BYTES];
	if (!gt_uuid_parse(id, rq->rest))
		return gt_http_bad_arg(rq, "id");
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *v = w ? gt_read_seal(w->reader, id) : NULL;
	gt_worker_give(rq->http->workers, w);
	if (!v || json_object_size(v) > 0)
		return gt_rq_json(rq, 200, v);
	json_decref(v);
	return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_RECORD, rq->rest);
}

enum MHD_Result gt_http_quarantine(struct gt_request *rq)
{
	return page(rq, gt_read_quarantine);
}

enum MHD_Result gt_http_quarantined(struct gt_request *rq)
{
	uint64_t qid;
	if (!gt_http_number(rq->rest, INT64_MAX, &qid))
		return gt_http_bad_arg(rq, "qid");
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *v = w ? gt_read_quarantined(w->reader, (int64_t)qid) : NULL;
	gt_worker_give(rq->http->workers, w);
	if (json_is_null(v)) {
		json_decref(v);
		return gt_rq_fail(rq, 404, -GT_EUNKNOWN,
		                  GT_T_HTTP_NO_QUARANTINED,
		                  (unsigned long long)qid);
	}
	return gt_rq_json(rq, 200, v);
}

enum MHD_Result gt_http_quarantine_drop(struct gt_request *rq)
{
	json_t *v;
	enum MHD_Result done;
	if (!take_json(rq, &v, &done))
		return done;
	json_int_t qid = json_integer_value(json_object_get(v, "qid"));
	json_decref(v);
	if (qid < 1)
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_KEY_ID,
		                  "qid");
	struct gt_event e = {.type = GT_EV_QUARANTINE_DROP, .number = qid};
	return gt_rq_command(rq, &e, gt_http_replied);
}

/* ------------------------------------------------ copies held off */

enum MHD_Result gt_http_copies(struct gt_request *rq)
{
	return page(rq, gt_read_copies);
}

enum MHD_Result gt_http_copies_keep(struct gt_request *rq)
{
	json_t *v;
	enum MHD_Result done;
	if (!take_json(rq, &v, &done))
		return done;
	const char *code = gt_json_member(v, "code");
	const char *right = gt_json_member(v, "right");
	bool held = strcmp(right, "held") == 0;
	struct gt_event e = {.type = GT_EV_KEEP, .text = code, .number = held};
	if (!gt_code_valid(code))
		done = gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_KEY_ID,
		                  "code");
	else if (!held && strcmp(right, "linked") != 0)
		done = gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_KEY_ID,
		                  "right");
	else
		done = gt_rq_command(rq, &e, gt_http_replied);
	json_decref(v);
	return done;
}

/* -------------------------------------------- documents that lost */

enum MHD_Result gt_http_conflicts(struct gt_request *rq)
{
	return page(rq, gt_read_document_conflicts);
}

enum MHD_Result gt_http_conflict(struct gt_request *rq)
{
	uint64_t lid;
	if (!gt_http_number(rq->rest, INT64_MAX, &lid))
		return gt_http_bad_arg(rq, "lid");
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *v =
	        w ? gt_read_document_conflict(w->reader, (int64_t)lid) : NULL;
	gt_worker_give(rq->http->workers, w);
	if (!json_is_null(v))
		return gt_rq_json(rq, 200, v);
	json_decref(v);
	return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_CONFLICT,
	                  (unsigned long long)lid);
}

static enum MHD_Result decide(struct gt_request *rq, bool again)
{
	json_t *v;
	enum MHD_Result done;
	if (!take_json(rq, &v, &done))
		return done;
	json_int_t lid = json_integer_value(json_object_get(v, "lid"));
	json_decref(v);
	if (lid < 1)
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_KEY_ID,
		                  "lid");
	struct gt_event e = {
	        .type = GT_EV_DOCUMENT_LOST, .number = lid, .count = again};
	return gt_rq_command(rq, &e, gt_http_replied);
}

enum MHD_Result gt_http_conflict_drop(struct gt_request *rq)
{
	return decide(rq, false);
}

enum MHD_Result gt_http_conflict_restore(struct gt_request *rq)
{
	return decide(rq, true);
}
