/* http_content.c: which bytes a request is given: members of objects, objects
 * as files, and what is said when they are not here. */
#include "http_content.h"

#include <string.h>

#include "http_body.h"
#include "http_charset.h"
#include "http_html.h"
#include "http_media.h"
#include "http_origin.h"
#include "http_parse.h"
#include "http_query.h"
#include "page.h"
#include "start.h"

/* ----------------------------------------------------------- member */

/* A package runs in the origin of the content listener, which has nothing else:
 * its files are one another's equals there, frames, workers, storage and all,
 * and what else this node serves is another origin. This keeps it from asking
 * that one, or sending anything there, but for learner records: those it may
 * hand in where the learners' listener takes them. */
static void content_policy(struct gt_request *rq, struct MHD_Response *rs,
                           const char *media_type)
{
	char origin[GT_ORIGIN_MAX], policy[GT_ORIGIN_MAX + 512];
	bool bare = gt_http_inert(media_type) || gt_http_page(media_type);
	bool there = gt_http_origin(rq, GT_DOOR_LEARNER, origin) && *origin;
	gt_format(policy, sizeof policy,
	          "%sdefault-src 'self' data: blob: 'unsafe-inline' "
	          "'unsafe-eval'; connect-src 'self' data: blob:%s%s%s; "
	          "base-uri 'self'; form-action 'self'; frame-ancestors "
	          "'self'",
	          bare ? ""
	               : "sandbox allow-scripts allow-same-origin allow-forms "
	                 "allow-popups allow-modals allow-downloads; ",
	          there ? " " : "", there ? origin : "", there ? "/xapi/" : "");
	gt_rs_header(rs, "Content-Security-Policy", policy);
}

/* Frames that a package sandboxes itself ask as nobody. What is open to all may
 * be read by all. */
static void open_to_all(struct MHD_Response *rs)
{
	gt_rs_header(rs, "Access-Control-Allow-Origin", "*");
	gt_rs_header(rs, "Access-Control-Expose-Headers",
	             "Accept-Ranges, Content-Length, Content-Range, ETag");
}

static void member_headers(struct gt_request *rq, struct MHD_Response *rs,
                           const char *type, const char *etag)
{
	gt_rs_header(rs, "Content-Type", type);
	gt_rs_header(rs, "ETag", etag);
	gt_rs_header(rs, "Cache-Control", "no-cache");
	gt_rs_header(rs, "Vary", "Accept-Encoding");
	gt_rs_header(rs, "Accept-Ranges", "bytes");
	content_policy(rq, rs, type);
	open_to_all(rs);
}

/* A browser asks whether it may ask. */
static enum MHD_Result preflight(struct gt_request *rq)
{
	const char *names = gt_rq_header(rq, "Access-Control-Request-Headers");
	struct MHD_Response *rs = gt_rs_empty();
	if (rs) {
		open_to_all(rs);
		gt_rs_header(rs, "Access-Control-Allow-Methods", "GET, HEAD");
		if (names && gt_http_names(names))
			gt_rs_header(rs, "Access-Control-Allow-Headers", names);
		gt_rs_header(rs, "Access-Control-Max-Age", "86400");
		gt_rs_header(rs, "Vary", "Access-Control-Request-Headers");
	}
	return gt_rq_send(rq, 204, rs);
}

/* A service worker would answer for us, and leave the policy out. */
static bool is_service_worker(struct gt_request *rq)
{
	return gt_rq_header(rq, "Service-Worker") != NULL;
}

/* Frame bounds on both sides; *from and *to in the stored stream. */
struct bounds {
	const struct gt_file *file;
	bool on;
	uint64_t from, to;
};

static int find_bounds(const struct gt_index *ix, void *arg)
{
	struct bounds *b = arg;
	const struct gt_file *f = b->file;
	struct gt_index_frame a, z;
	if (f->size == 0)
		return 0;
	int status = gt_index_plain_at(ix, f->offset, &a);
	if (status == 0 && a.plain_at != f->offset)
		return 0;
	if (status == 0)
		status = gt_index_plain_at(ix, f->offset + f->size - 1, &z);
	if (status != 0)
		return status;
	b->on = z.plain_at + z.plain == f->offset + f->size;
	b->from = a.stored_at;
	b->to = z.stored_at + z.stored;
	return 0;
}

static enum MHD_Result unfit(struct gt_request *rq, uint64_t size)
{
	char range[64];
	struct MHD_Response *rs = gt_rs_empty();
	gt_format(range, sizeof range, "bytes */%llu",
	          (unsigned long long)size);
	if (rs)
		gt_rs_header(rs, "Content-Range", range);
	return gt_rq_send(rq, 416, rs);
}

static ssize_t no_bytes(void *arg, uint64_t pos, char *out, size_t max)
{
	(void)arg;
	(void)pos;
	(void)out;
	(void)max;
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* Without a body; its length is what the whole has, as the library says the
 * length of every answer it is given. */
static enum MHD_Result not_modified(struct gt_request *rq, uint64_t size,
                                    const char *type, const char *etag)
{
	struct MHD_Response *rs =
	        size > 0 ? MHD_create_response_from_callback(size, 1, no_bytes,
	                                                     NULL, NULL)
	                 : gt_rs_empty();
	if (rs)
		member_headers(rq, rs, type, etag);
	return gt_rq_send(rq, 304, rs);
}

/* What the client wants to go on with is not what is here any more. */
static enum MHD_Result changed(struct gt_request *rq, const char *etag)
{
	gt_rq_also(rq, "ETag", etag);
	return gt_rq_fail(rq, 412, -GT_ESTALE, GT_T_HTTP_CHANGED);
}

static void part_header(struct MHD_Response *rs, const struct gt_range *range,
                        uint64_t size)
{
	char text[96];
	gt_format(text, sizeof text, "bytes %llu-%llu/%llu",
	          (unsigned long long)range->from,
	          (unsigned long long)(range->from + range->n - 1),
	          (unsigned long long)size);
	gt_rs_header(rs, "Content-Range", text);
}

/* Damaged where it was published. */
static enum MHD_Result nobody_has(struct gt_request *rq, const char *rid)
{
	return gt_rq_fail(rq, 500, -GT_EDAMAGED, GT_T_HTTP_P_DAMAGED_PUBLISH,
	                  rid);
}

/* Not here yet, or not here any more; r: what is known of it, or NULL. */
static enum MHD_Result on_its_way(struct gt_request *rq, const json_t *r)
{
	if (gt_page_lost(r))
		return nobody_has(rq, gt_json_member(r, "id"));
	if (gt_page_wanted(rq) && json_is_object(r))
		return gt_page_arriving(rq, r);
	const json_t *present = json_object_get(r, "present");
	const json_t *frames = json_object_get(r, "frames");
	json_t *v = json_pack("{s:b,s:I,s:I}", "fetching", 1, "present",
	                      json_integer_value(present), "frames",
	                      json_integer_value(frames));
	struct MHD_Response *rs = gt_rs_json(v);
	if (rs)
		gt_rs_header(rs, "Retry-After", "1");
	return gt_rq_send(rq, 503, rs);
}

/* The first to meet it: the core has yet to hear. */
static enum MHD_Result found_damaged(struct gt_request *rq, struct gt_worker *w)
{
	char rid[GT_RID_MAX + 1];
	const char *path;
	bool slash;
	json_t *r = NULL;
	if (w && gt_http_split(rq->rest, rid, &path, &slash))
		r = gt_read_resource(w->reader, rid);
	bool lost = json_is_true(json_object_get(r, "own"));
	enum MHD_Result done = lost ? nobody_has(rq, rid) : on_its_way(rq, r);
	json_decref(r);
	return done;
}

/* An object by its name: it is damaged, or on its way back. */
static enum MHD_Result damaged_object(struct gt_request *rq,
                                      const struct gt_id *object)
{
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *r = w ? gt_read_resource_of(w->reader, object) : NULL;
	gt_worker_give(rq->http->workers, w);
	bool own = json_is_true(json_object_get(r, "own"));
	enum MHD_Result done = own ? nobody_has(rq, gt_json_member(r, "id"))
	                           : on_its_way(rq, r);
	json_decref(r);
	return done;
}

/* The representation is chosen; what is left is conditions and the range.
 * Takes over the shelf. w: a worker at hand, or NULL. */
static enum MHD_Result send_body(struct gt_request *rq, struct gt_worker *w,
                                 struct gt_http_body b, uint64_t size,
                                 const char *type, const char *etag)
{
	struct gt_range range = {0, size};
	enum gt_ranged ranged = GT_RANGE_WHOLE;
	const char *condition = gt_rq_header(rq, "If-Range");
	const char *match = gt_rq_header(rq, "If-Match");
	if (match && !gt_http_etag_matches(match, etag)) {
		gt_shelf_give(rq->http->shelves, b.shelf);
		return changed(rq, etag);
	}
	if (gt_http_etag_listed(gt_rq_header(rq, "If-None-Match"), etag)) {
		gt_shelf_give(rq->http->shelves, b.shelf);
		return not_modified(rq, size, type, etag);
	}
	if ((b.whole || !b.stored) &&
	    (!condition || strcmp(condition, etag) == 0))
		ranged = gt_http_range(gt_rq_header(rq, "Range"), size, &range);
	if (ranged == GT_RANGE_UNFIT) {
		gt_shelf_give(rq->http->shelves, b.shelf);
		return unfit(rq, size);
	}
	b.start += range.from;
	int status;
	struct MHD_Response *rs =
	        gt_http_body(rq->http, rq->method == GT_HTTP_GET ? w : NULL, &b,
	                     range.n, &status);
	if (!rs && status == -GT_EUNAVAILABLE)
		return w ? found_damaged(rq, w) : damaged_object(rq, &b.object);
	if (!rs)
		return gt_rq_error(rq, status, "");
	member_headers(rq, rs, type, etag);
	if (b.stored && !b.whole)
		gt_rs_header(rs, "Content-Encoding", "zstd");
	if (ranged == GT_RANGE_PART)
		part_header(rs, &range, size);
	return gt_rq_send(rq, ranged == GT_RANGE_PART ? 206 : 200, rs);
}

/* gt_shelf_take, but -GT_EUNAVAILABLE, told to the core, where the manifest that
 * the index is made of is not what it was. */
static int take_shelf(struct gt_request *rq, struct gt_worker *w,
                      const struct gt_id *object, struct gt_shelf **s)
{
	int rc = gt_shelf_take(rq->http->shelves, w->reader, object, s);
	if (rc != -GT_ESTORE)
		return rc;
	struct gt_event e = {.type = GT_EV_FAULT,
	                     .object = *object,
	                     .frame = UINT32_MAX,
	                     .status = -GT_EDAMAGED};
	(void)gt_core_post(rq->http->env.core, &e, NULL);
	return -GT_EUNAVAILABLE;
}

/* An index that fails where it was just made. */
static enum MHD_Result no_index(struct gt_request *rq, int status)
{
	if (status == -GT_EBUSY)
		return gt_rq_error(rq, status, "");
	return gt_rq_error(rq, status == -GT_ENOMEM ? status : -GT_ESTORE, "");
}

/* Takes over the shelf. */
static enum MHD_Result serve_member(struct gt_request *rq, struct gt_worker *w,
                                    struct gt_shelf *s,
                                    const struct gt_member *m)
{
	const struct gt_file *f = &m->file;
	struct bounds bounds = {.file = f};
	char hex[GT_HEX_ID], etag[GT_HEX_ID + 31];
	char room[GT_CHARSET_TYPE], served[GT_MEDIA_SERVED];
	struct gt_http_body b = {.object = s->index.object, .start = f->offset};
	uint64_t size = f->size;
	int status = 0;
	gt_http_media(served, f->media_type);
	const char *type = gt_charset_type(rq->http, w, &s, m, served, room);
	if (s && !gt_rq_header(rq, "Range") &&
	    gt_http_accepts(gt_rq_header(rq, "Accept-Encoding"), "zstd"))
		status = gt_shelf_ask(rq->http->shelves, w->reader, &s,
		                      find_bounds, &bounds);
	if (!s || status != 0) {
		gt_shelf_give(rq->http->shelves, s);
		return no_index(rq, status);
	}
	b.shelf = s;
	if (bounds.on) {
		b.stored = true;
		b.start = bounds.from;
		size = bounds.to - bounds.from;
	}
	gt_id_hex(hex, &b.object);
	gt_format(etag, sizeof etag, "\"%s:%u%s\"", hex, (unsigned)m->number,
	          b.stored ? "-zstd" : "");
	return send_body(rq, w, b, size, type, etag);
}

/* -------------------------------------------------------- redirects */

static void redirect_headers(struct MHD_Response *rs, const char *to)
{
	gt_rs_header(rs, "Location", to);
	/* where content is is the configuration's, and may change */
	gt_rs_header(rs, "Cache-Control", "no-cache");
	gt_rs_header(rs, "Access-Control-Allow-Origin", "*");
}

/* To first, then second and third (each may be "") as parts of a path, behind a
 * door. */
static enum MHD_Result redirect(struct gt_request *rq, enum gt_http_door door,
                                const char *first, const char *second,
                                const char *third)
{
	char origin[GT_ORIGIN_MAX];
	struct gt_buffer o = {0};
	(void)gt_http_origin(rq, door, origin);
	gt_buffer_str(&o, origin);
	gt_buffer_str(&o, first);
	gt_out_url(&o, second);
	gt_buffer_str(&o, *third ? "/" : "");
	gt_out_url(&o, third);
	char *to = gt_buffer_text(&o, NULL);
	struct MHD_Response *rs = to ? gt_rs_empty() : NULL;
	if (rs)
		redirect_headers(rs, to);
	free(to);
	return gt_rq_send(rq, 302, rs);
}

/* The path alone: nothing behind that door takes a query but a language. */
enum MHD_Result gt_http_to_content(struct gt_request *rq)
{
	char origin[GT_ORIGIN_MAX];
	if (!gt_http_origin(rq, GT_DOOR_CONTENT, origin))
		return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_ROUTE);
	return redirect(rq, GT_DOOR_CONTENT, "", rq->path, "");
}

/* ------------------------------------------------ not here, not now */

/* The core has the wish (or refused it). */
static enum MHD_Result wanted(struct gt_request *rq)
{
	if (rq->status != 0)
		return gt_rq_error(rq, rq->status, rq->text);
	char rid[GT_RID_MAX + 1];
	const char *path;
	bool slash;
	if (!gt_http_split(rq->rest, rid, &path, &slash))
		return gt_rq_error(rq, -GT_EUNKNOWN, "");
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *r = w ? gt_read_resource(w->reader, rid) : NULL;
	gt_worker_give(rq->http->workers, w);
	enum MHD_Result done = on_its_way(rq, r);
	json_decref(r);
	return done;
}

/* r: the resource as the catalogue has it, or NULL. */
static enum MHD_Result explain_absence(struct gt_request *rq, const char *rid,
                                       const json_t *r)
{
	const char *state = gt_json_member(r, "state"),
	           *verdict = gt_json_member(r, "verdict");
	if (!json_is_object(r))
		return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_RESOURCE,
		                  rid);
	if (strcmp(state, "withdrawn") == 0)
		return gt_rq_fail(rq, 410, -GT_EUNKNOWN, GT_T_HTTP_WITHDRAWN,
		                  rid);
	if (!*gt_json_member(r, "object"))
		return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_CONTENT,
		                  rid);
	if (strcmp(verdict, "metadata") == 0 || strcmp(verdict, "deny") == 0)
		return gt_rq_fail(rq, 403, -GT_EDENIED, GT_T_HTTP_LISTED_ONLY,
		                  rid, gt_json_member(r, "rule"),
		                  gt_json_member(r, "layer"));
	if (strcmp(verdict, "on-demand") != 0)
		return on_its_way(rq, r);
	struct gt_event e = {.type = GT_EV_WANT, .text = rid};
	return gt_rq_command(rq, &e, wanted);
}

static enum MHD_Result absent(struct gt_request *rq, struct gt_worker *w,
                              const char *rid)
{
	json_t *r = gt_read_resource(w->reader, rid);
	enum MHD_Result done = explain_absence(rq, rid, r);
	json_decref(r);
	return done;
}

/* What is looked for in a package: a member, the index.html of a folder, where
 * to begin, or whether there is such a folder. */
struct search {
	const char *path;
	bool slash, folder;
	struct gt_index_cursor at;
	struct gt_member member;
};

static int find_first(const struct gt_index *ix, void *arg)
{
	struct search *f = arg;
	return gt_start_first(&f->at, ix, f->path, &f->member);
}

/* Where a package begins, or else its page, which shows all its files. */
static enum MHD_Result serve_start(struct gt_request *rq, struct gt_worker *w,
                                   const char *rid, struct gt_shelf **s)
{
	json_t *r = gt_read_resource(w->reader, rid);
	struct search f = {.path = gt_json_member(r, "start")};
	int status =
	        gt_shelf_ask(rq->http->shelves, w->reader, s, find_first, &f);
	json_decref(r);
	if (status == -GT_EUNKNOWN)
		return redirect(rq, GT_DOOR_LEARNER, "/r/", rid, "");
	if (status != 0)
		return no_index(rq, status);
	return redirect(rq, rq->door, "/c/", rid, f.member.file.path);
}

/* A path that is no member: a folder's first page has the folder's own address,
 * with the slash that makes the links in it lead into the folder. */
static int find_member(const struct gt_index *ix, void *arg)
{
	struct search *f = arg;
	f->folder = false;
	int status = -GT_EUNKNOWN;
	if (f->slash)
		return gt_start_index(&f->at, ix, f->path, &f->member);
	status = gt_index_find(&f->at, ix, f->path, &f->member);
	if (status != -GT_EUNKNOWN)
		return status;
	status = gt_start_folder(&f->at, ix, f->path);
	f->folder = status == 0;
	return status;
}

static enum MHD_Result serve_path(struct gt_request *rq, struct gt_worker *w,
                                  const char *rid, struct search *f,
                                  struct gt_shelf **s)
{
	char to[GT_PATH_MAX + 2];
	int status =
	        gt_shelf_ask(rq->http->shelves, w->reader, s, find_member, f);
	if (status == -GT_EUNKNOWN)
		return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_MEMBER,
		                  rid);
	if (status != 0)
		return no_index(rq, status);
	if (f->folder) {
		gt_format(to, sizeof to, "%s/", f->path);
		return redirect(rq, rq->door, "/c/", rid, to);
	}
	struct gt_shelf *taken = *s;
	*s = NULL;
	return serve_member(rq, w, taken, &f->member);
}

/* path: of a member, "" for none; slash: a slash stood behind it. */
static enum MHD_Result content_with(struct gt_request *rq, struct gt_worker *w,
                                    const char *rid, const char *path,
                                    bool slash)
{
	struct gt_id object;
	struct gt_shelf *s = NULL;
	struct search f = {.path = path, .slash = slash};
	int rc = gt_read_object(w->reader, rid, &object);
	if (rc == -GT_EUNKNOWN || rc == -GT_EUNAVAILABLE)
		return absent(rq, w, rid);
	if (rc != 0)
		return gt_rq_error(rq, rc, gt_reader_why(w->reader));
	rc = take_shelf(rq, w, &object, &s);
	if (rc == -GT_EUNAVAILABLE)
		return found_damaged(rq, w);
	if (rc != 0)
		return no_index(rq, rc);
	enum MHD_Result done = *path ? serve_path(rq, w, rid, &f, &s)
	                             : serve_start(rq, w, rid, &s);
	gt_shelf_give(rq->http->shelves, s);
	return done;
}

enum MHD_Result gt_http_content(struct gt_request *rq)
{
	char rid[GT_RID_MAX + 1], path[GT_PATH_MAX + 2];
	const char *rest;
	bool slash;
	if (rq->method == GT_HTTP_OPTIONS)
		return preflight(rq);
	if (is_service_worker(rq))
		return gt_rq_fail(rq, 403, -GT_EDENIED,
		                  GT_T_HTTP_NO_SERVICE_WORKER);
	if (!gt_http_split(rq->rest, rid, &rest, &slash))
		return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_RESOURCE,
		                  rq->rest);
	bool fits = gt_copy(path, sizeof path, rest);
	size_t n = strlen(path);
	slash = n > 1 && path[n - 1] == '/';
	if (slash)
		path[--n] = '\0';
	if (!fits || (n > 0 && gt_path_refusal(path, n)))
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_PATH);
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	if (!w)
		return gt_rq_error(rq, -GT_ESTORE, "");
	enum MHD_Result done = content_with(rq, w, rid, path, slash);
	gt_worker_give(rq->http->workers, w);
	return done;
}

/* ---------------------------------------------------------- objects */

/* It was whole, and has yet to be again. */
static bool is_damaged(struct gt_reader *reader, const struct gt_id *object)
{
	json_t *r = gt_read_resource_of(reader, object);
	bool is = strcmp(gt_json_member(r, "state"), "damaged") == 0;
	json_decref(r);
	return is;
}

/* 0, or as gt_read_complete and take_shelf; -GT_EUNAVAILABLE: damaged. */
static int complete(struct gt_request *rq, const struct gt_id *object,
                    struct gt_shelf **out)
{
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	int rc = w ? gt_read_complete(w->reader, object) : -GT_ESTORE;
	if (rc == 0) {
		rc = take_shelf(rq, w, object, out);
		rc = rc == -GT_EUNKNOWN ? -GT_ESTORE : rc;
	} else if (rc == -GT_EUNKNOWN && is_damaged(w->reader, object)) {
		rc = -GT_EUNAVAILABLE;
	}
	gt_worker_give(rq->http->workers, w);
	return rc;
}

static bool object_of(const char *name, struct gt_id *object)
{
	static const char suffix[] = ".tar.zst";
	enum { HEX = 2 * GT_ID_BYTES };
	char hex[HEX + 1];
	if (strlen(name) != HEX + strlen(suffix) ||
	    strcmp(name + HEX, suffix) != 0)
		return false;
	memcpy(hex, name, HEX);
	hex[HEX] = '\0';
	return gt_unhex(object->b, GT_ID_BYTES, hex);
}

enum MHD_Result gt_http_object(struct gt_request *rq)
{
	char hex[GT_HEX_ID], etag[sizeof hex + 2];
	struct gt_id object;
	struct gt_shelf *s = NULL;
	if (rq->method == GT_HTTP_OPTIONS)
		return preflight(rq);
	if (!object_of(rq->rest, &object))
		return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_ROUTE);
	int rc = complete(rq, &object, &s);
	if (rc == -GT_EUNAVAILABLE)
		return damaged_object(rq, &object);
	if (rc != 0)
		return gt_rq_error(rq, rc, "");
	assert(s);
	struct gt_http_body b = {
	        .object = object, .shelf = s, .stored = true, .whole = true};
	gt_id_hex(hex, &object);
	gt_format(etag, sizeof etag, "\"%s\"", hex);
	return send_body(rq, NULL, b, s->index.file_size, "application/zstd",
	                 etag);
}
