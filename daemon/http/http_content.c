/* http_content.c: members of objects, and objects as files.
 *
 * No byte leaves that was not verified: a frame is read whole, compared with
 * its hash, and only then sliced. What turns out damaged ends the connection
 * and is reported to the core, which fetches it again. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blob.h"
#include "http_html.h"
#include "http_parse.h"
#include "http_request.h"
#include "object.h"
#include "schema.h"
#include "sys.h"

/* ------------------------------------------------------------ cache */

enum { CACHE_ROWS = 4, CACHE_BYTES = 8 << 20 };

struct shelf {
	struct gt_id object;
	struct gt_manifest *manifest;
	size_t bytes;
	unsigned users; /* of the row's manifest, the cache not counted */
	bool cached;
	struct shelf *next; /* most lately used first */
};

struct gt_http_cache {
	pthread_mutex_t lock;
	struct shelf *first;
};

struct gt_http_cache *gt_http_cache_new(void)
{
	struct gt_http_cache *c = calloc(1, sizeof *c);
	if (c && pthread_mutex_init(&c->lock, NULL) != 0) {
		free(c);
		return NULL;
	}
	return c;
}

static void shelf_free(struct shelf *s)
{
	gt_manifest_free(s->manifest);
	free(s);
}

void gt_http_cache_free(struct gt_http_cache *c)
{
	if (!c)
		return;
	for (struct shelf *s = c->first, *next; s; s = next) {
		next = s->next;
		assert(s->users == 0);
		shelf_free(s);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Lock held. */
static struct shelf *unlink_shelf(struct gt_http_cache *c,
                                  const struct gt_id *object)
{
	for (struct shelf **p = &c->first; *p; p = &(*p)->next) {
		struct shelf *s = *p;
		if (!gt_id_eq(&s->object, object))
			continue;
		*p = s->next;
		return s;
	}
	return NULL;
}

/* Forgets the rows beyond the bounds. Lock held. */
static void trim(struct gt_http_cache *c)
{
	size_t bytes = 0, rows = 0;
	struct shelf **p = &c->first;
	while (*p) {
		struct shelf *s = *p;
		bytes += s->bytes;
		if (++rows <= CACHE_ROWS && bytes <= CACHE_BYTES) {
			p = &s->next;
			continue;
		}
		*p = s->next;
		s->cached = false;
		if (s->users == 0)
			shelf_free(s);
	}
}

/* The parsed manifest, from the cache or from bytes. */
static struct shelf *shelf_take(struct gt_http_cache *c,
                                const struct gt_id *object,
                                struct gt_bytes bytes)
{
	pthread_mutex_lock(&c->lock);
	struct shelf *s = unlink_shelf(c, object);
	pthread_mutex_unlock(&c->lock);
	if (!s) {
		char why[256];
		s = calloc(1, sizeof *s);
		if (s && gt_manifest_new(&s->manifest, bytes, why,
		                         sizeof why) != 0) {
			free(s);
			return NULL;
		}
		if (!s)
			return NULL;
		s->object = *object;
		s->bytes = bytes.n;
	}
	pthread_mutex_lock(&c->lock);
	s->users++;
	s->cached = true;
	s->next = c->first;
	c->first = s;
	trim(c); /* leaves alone what has users */
	pthread_mutex_unlock(&c->lock);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	return s;
}

static void shelf_give(struct gt_http_cache *c, struct shelf *s)
{
	pthread_mutex_lock(&c->lock);
	assert(s->users > 0);
	bool last = --s->users == 0 && !s->cached;
	pthread_mutex_unlock(&c->lock);
	if (last)
		shelf_free(s);
}

/* ------------------------------------------------------------- body */

struct body {
	struct gt_http *http;
	struct shelf *shelf;
	int fd;
	bool stored;    /* frames as they are */
	bool whole;     /* the object's file, seek table and all */
	uint64_t start; /* of the body in the plain (or stored) stream */
	uint32_t frame; /* the one in `bytes`, UINT32_MAX: none */
	uint8_t *bytes;
};

static void body_free(void *arg)
{
	struct body *b = arg;
	if (!b)
		return;
	if (b->fd >= 0)
		close(b->fd);
	shelf_give(gt_http_cache_of(b->http), b->shelf);
	free(b->bytes);
	free(b);
}

static int load_with(struct gt_worker *w, struct body *b, uint32_t frame)
{
	const struct gt_manifest *m = b->shelf->manifest;
	size_t n = m->stored[frame];
	if (!w->stored)
		w->stored = malloc(GT_FRAME_STORED_MAX);
	if (!w->inflater)
		w->inflater = gt_inflater_new();
	if (!w->stored || !w->inflater)
		return -GT_ENOMEM;
	int rc = gt_sys_pread(b->fd, w->stored, n, m->stored_at[frame]);
	if (rc != 0)
		return rc;
	struct gt_bytes stored = gt_bytes_of(w->stored, n);
	rc = gt_frame_verify(m, frame, stored);
	if (rc != 0)
		return rc;
	if (!b->stored)
		return gt_frame_inflate(w->inflater, m, frame, stored,
		                        b->bytes);
	memcpy(b->bytes, w->stored, n);
	return 0;
}

/* Makes b->bytes hold the frame, or the seek table, which needs no reading. */
static bool load(struct body *b, uint32_t frame)
{
	const struct gt_manifest *m = b->shelf->manifest;
	if (frame == m->nframes) {
		gt_manifest_tail(m, b->bytes);
		b->frame = frame;
		return true;
	}
	struct gt_worker *w = gt_worker_take(b->http);
	int rc = w ? load_with(w, b, frame) : -GT_ENOMEM;
	gt_worker_give(b->http, w);
	b->frame = rc == 0 ? frame : UINT32_MAX;
	if (rc == -GT_EDAMAGED || rc == -GT_EIO) {
		struct gt_event e = {.type = GT_EV_FAULT,
		                     .object = b->shelf->object,
		                     .frame = frame,
		                     .status = rc};
		/* a full queue only puts the repair off to the next reader */
		(void)gt_core_post(gt_http_env_of(b->http)->core, &e, NULL);
	}
	return rc == 0;
}

static uint32_t frame_of(const struct body *b, uint64_t at)
{
	const struct gt_manifest *m = b->shelf->manifest;
	if (!b->stored)
		return gt_manifest_frame_at(m, at);
	uint32_t low = 0, high = m->nframes + 1;
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;
		if (m->stored_at[mid] <= at)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static ssize_t body_read(void *arg, uint64_t pos, char *out, size_t max)
{
	struct body *b = arg;
	const struct gt_manifest *m = b->shelf->manifest;
	uint64_t at = b->start + pos;
	uint32_t frame = frame_of(b, at);
	if (at >= (b->stored ? m->file_size : m->plain_at[m->nframes]))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (frame != b->frame && !load(b, frame))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	const uint64_t *bounds = b->stored ? m->stored_at : m->plain_at;
	uint64_t end = frame == m->nframes ? m->file_size : bounds[frame + 1];
	uint64_t left = end - at;
	size_t n = left < max ? (size_t)left : max;
	memcpy(out, b->bytes + (at - bounds[frame]), n);
	return (ssize_t)n;
}

/* ----------------------------------------------------------- member */

/* A package runs in an origin of its own: its scripts reach its own files and
 * nothing of ours. Files a viewer opens (PDF) do not run and may not be
 * sandboxed: browsers then refuse to show them. */
static const char *content_policy(const char *media_type)
{
	if (strstr(media_type, "html") || strstr(media_type, "xml"))
		return "sandbox allow-scripts allow-forms allow-popups "
		       "allow-modals allow-downloads; "
		       "default-src 'self' data: blob: 'unsafe-inline' "
		       "'unsafe-eval'; base-uri 'self'; form-action 'self'; "
		       "frame-ancestors 'self'";
	return "default-src 'self' data: blob: 'unsafe-inline'; "
	       "frame-ancestors 'self'";
}

static void member_headers(struct MHD_Response *rs, const char *type,
                           const char *etag)
{
	gt_rs_header(rs, "Content-Type", type);
	gt_rs_header(rs, "ETag", etag);
	gt_rs_header(rs, "Cache-Control", "no-cache");
	gt_rs_header(rs, "Vary", "Accept-Encoding");
	gt_rs_header(rs, "Accept-Ranges", "bytes");
	gt_rs_header(rs, "Content-Security-Policy", content_policy(type));
	/* fonts and modules of a sandboxed package ask across origins */
	gt_rs_header(rs, "Access-Control-Allow-Origin", "*");
}

static struct MHD_Response *empty(void)
{
	return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
}

static const char *utf8_type(const char *type, char *room, size_t cap)
{
	if (!*type)
		return "application/octet-stream";
	if (strncmp(type, "text/", 5) != 0 || strchr(type, ';'))
		return type;
	gt_format(room, cap, "%s; charset=utf-8", type);
	return room;
}

/* Frame bounds on both sides; *from and *to in the stored stream. */
static bool on_bounds(const struct gt_manifest *m, const struct gt_file *f,
                      uint64_t *from, uint64_t *to)
{
	if (f->size == 0)
		return false;
	uint32_t a = gt_manifest_frame_at(m, f->offset);
	uint32_t z = gt_manifest_frame_at(m, f->offset + f->size - 1);
	if (m->plain_at[a] != f->offset ||
	    m->plain_at[z + 1] != f->offset + f->size)
		return false;
	*from = m->stored_at[a];
	*to = m->stored_at[z + 1];
	return true;
}

/* Gives b's bytes [b->start, + n). Takes b over. */
static struct MHD_Response *stream(struct body *b, uint64_t n)
{
	b->fd = gt_blobs_open_object(".", &b->shelf->object);
	uint64_t room = gt_manifest_tail_size(b->shelf->manifest->nframes);
	if (!b->whole || room < GT_FRAME_STORED_MAX)
		room = GT_FRAME_STORED_MAX;
	b->bytes = malloc(room);
	struct MHD_Response *rs = NULL;
	if (b->fd >= 0 && b->bytes)
		rs = MHD_create_response_from_callback(n, 64 << 10, body_read,
		                                       b, body_free);
	if (!rs)
		body_free(b);
	return rs;
}

static enum MHD_Result unfit(struct gt_request *rq, uint64_t size)
{
	char range[64];
	struct MHD_Response *rs = empty();
	gt_format(range, sizeof range, "bytes */%llu",
	          (unsigned long long)size);
	if (rs)
		gt_rs_header(rs, "Content-Range", range);
	return gt_rq_send(rq, 416, rs);
}

static struct body *body_new(struct gt_request *rq, struct shelf *s)
{
	struct body *b = calloc(1, sizeof *b);
	if (!b) {
		shelf_give(gt_http_cache_of(rq->http), s);
		return NULL;
	}
	b->http = rq->http;
	b->shelf = s;
	b->fd = -1;
	b->frame = UINT32_MAX;
	return b;
}

static enum MHD_Result not_modified(struct gt_request *rq, struct body *b,
                                    const char *type, const char *etag)
{
	struct MHD_Response *rs = empty();
	if (rs)
		member_headers(rs, type, etag);
	body_free(b);
	return gt_rq_send(rq, 304, rs);
}

/* The representation is chosen; what is left is conditions and the range. */
static enum MHD_Result send_member(struct gt_request *rq, struct body *b,
                                   uint64_t size, const char *type,
                                   const char *etag)
{
	struct gt_range range = {0, size};
	enum gt_ranged ranged = GT_RANGE_WHOLE;
	const char *condition = gt_rq_header(rq, "If-Range");
	if (gt_http_etag_listed(gt_rq_header(rq, "If-None-Match"), etag))
		return not_modified(rq, b, type, etag);
	if ((b->whole || !b->stored) &&
	    (!condition || strcmp(condition, etag) == 0))
		ranged = gt_http_range(gt_rq_header(rq, "Range"), size, &range);
	if (ranged == GT_RANGE_UNFIT) {
		body_free(b);
		return unfit(rq, size);
	}
	bool encoded = b->stored && !b->whole;
	b->start += range.from;
	struct MHD_Response *rs;
	if (size == 0) {
		body_free(b);
		rs = empty();
	} else {
		rs = stream(b, range.n);
	}
	if (!rs)
		return gt_rq_error(rq, -GT_EIO, "");
	member_headers(rs, type, etag);
	if (encoded)
		gt_rs_header(rs, "Content-Encoding", "zstd");
	if (ranged == GT_RANGE_PART) {
		char text[96];
		gt_format(text, sizeof text, "bytes %llu-%llu/%llu",
		          (unsigned long long)range.from,
		          (unsigned long long)(range.from + range.n - 1),
		          (unsigned long long)size);
		gt_rs_header(rs, "Content-Range", text);
	}
	return gt_rq_send(rq, ranged == GT_RANGE_PART ? 206 : 200, rs);
}

static enum MHD_Result serve_member(struct gt_request *rq, struct shelf *s,
                                    uint32_t index)
{
	const struct gt_manifest *m = s->manifest;
	const struct gt_file *f = &m->files[index];
	char hex[2 * GT_ID_BYTES + 1], etag[2 * GT_ID_BYTES + 32];
	char room[GT_MEDIA_TYPE_MAX + 32];
	const char *type = utf8_type(f->media_type, room, sizeof room);
	struct body *b = body_new(rq, s);
	if (!b)
		return MHD_NO;
	uint64_t from, to, size = f->size;
	b->start = f->offset;
	if (!gt_rq_header(rq, "Range") && on_bounds(m, f, &from, &to) &&
	    gt_http_accepts(gt_rq_header(rq, "Accept-Encoding"), "zstd")) {
		b->stored = true;
		b->start = from;
		size = to - from;
	}
	gt_hex(hex, s->object.b, GT_ID_BYTES);
	gt_format(etag, sizeof etag, "\"%s:%u%s\"", hex, (unsigned)index,
	          b->stored ? "-zstd" : "");
	return send_member(rq, b, size, type, etag);
}

/* -------------------------------------------------------- redirects */

static enum MHD_Result redirect(struct gt_request *rq, const char *first,
                                const char *second, const char *third)
{
	struct gt_out o = {0};
	gt_out_str(&o, first);
	gt_out_url(&o, second);
	gt_out_str(&o, *third ? "/" : "");
	gt_out_url(&o, third);
	char *to = gt_out_take(&o, NULL);
	struct MHD_Response *rs = to ? empty() : NULL;
	if (rs)
		gt_rs_header(rs, "Location", to);
	free(to);
	return gt_rq_send(rq, 302, rs);
}

static const char *word(const json_t *r, const char *key)
{
	const char *s = json_string_value(json_object_get(r, key));
	return s ? s : "";
}

/* ------------------------------------------------ not here, not now */

static enum MHD_Result on_its_way(struct gt_request *rq, const json_t *r)
{
	if (gt_page_wanted(rq) && json_is_object(r))
		return gt_page_arriving(rq, r);
	const json_t *present = json_object_get(r, "present");
	const json_t *frames = json_object_get(r, "frames");
	json_t *v = json_pack("{s:b,s:I,s:I}", "fetching", 1, "present",
	                      json_integer_value(present), "frames",
	                      json_integer_value(frames));
	char *text = v ? json_dumps(v, JSON_COMPACT) : NULL;
	json_decref(v);
	struct MHD_Response *rs =
	        gt_rs_text("application/json", text, text ? strlen(text) : 0);
	if (rs)
		gt_rs_header(rs, "Retry-After", "1");
	return gt_rq_send(rq, 503, rs);
}

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
	struct gt_worker *w = gt_worker_take(rq->http);
	json_t *r = w ? gt_read_resource(w->reader, rid) : NULL;
	gt_worker_give(rq->http, w);
	enum MHD_Result done = on_its_way(rq, r);
	json_decref(r);
	return done;
}

/* r: the resource as the catalogue has it, or NULL. */
static enum MHD_Result explain_absence(struct gt_request *rq, const char *rid,
                                       const json_t *r)
{
	const char *state = word(r, "state"), *verdict = word(r, "verdict");
	if (!json_is_object(r))
		return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_RESOURCE,
		                  rid);
	if (strcmp(state, "withdrawn") == 0)
		return gt_rq_fail(rq, 410, -GT_EUNKNOWN, GT_T_HTTP_WITHDRAWN,
		                  rid);
	if (!*word(r, "object"))
		return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_CONTENT,
		                  rid);
	if (strcmp(verdict, "metadata") == 0 || strcmp(verdict, "deny") == 0)
		return gt_rq_fail(rq, 403, -GT_EDENIED, GT_T_HTTP_LISTED_ONLY,
		                  rid, word(r, "rule"), word(r, "layer"));
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

static enum MHD_Result serve_start(struct gt_request *rq, struct gt_worker *w,
                                   const char *rid)
{
	json_t *r = gt_read_resource(w->reader, rid);
	const char *start = word(r, "start");
	enum MHD_Result done = *start ? redirect(rq, "/c/", rid, start)
	                              : redirect(rq, "/r/", rid, "");
	json_decref(r);
	return done;
}

static enum MHD_Result content_with(struct gt_request *rq, struct gt_worker *w,
                                    const char *rid, const char *path)
{
	struct gt_id object;
	struct gt_bytes bytes = {0};
	int rc = gt_read_object(w->reader, rid, &object, &bytes);
	if (rc == -GT_EUNKNOWN || rc == -GT_EUNAVAILABLE)
		return absent(rq, w, rid);
	if (rc != 0)
		return gt_rq_error(rq, rc, gt_reader_why(w->reader));
	struct gt_http_cache *cache = gt_http_cache_of(rq->http);
	struct shelf *s = *path ? shelf_take(cache, &object, bytes) : NULL;
	free((void *)(uintptr_t)bytes.p);
	if (!*path)
		return serve_start(rq, w, rid);
	if (!s)
		return gt_rq_error(rq, -GT_ESTORE, "");
	uint32_t index = gt_manifest_find(s->manifest, path);
	if (index != UINT32_MAX)
		return serve_member(rq, s, index);
	shelf_give(cache, s);
	return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_MEMBER, rid);
}

enum MHD_Result gt_http_content(struct gt_request *rq)
{
	char rid[GT_RID_MAX + 1];
	const char *path;
	bool slash;
	if (!gt_http_split(rq->rest, rid, &path, &slash))
		return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_RESOURCE,
		                  rq->rest);
	if (*path && gt_path_refusal(path, strlen(path)))
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_PATH);
	struct gt_worker *w = gt_worker_take(rq->http);
	if (!w)
		return gt_rq_error(rq, -GT_ESTORE, "");
	enum MHD_Result done = content_with(rq, w, rid, path);
	gt_worker_give(rq->http, w);
	return done;
}

/* ---------------------------------------------------------- objects */

/* The manifest of an object held complete. 0, -GT_EUNKNOWN, -GT_ESTORE. */
static int complete_manifest(struct gt_worker *w, const struct gt_id *object,
                             struct shelf **out, struct gt_http_cache *cache)
{
	sqlite3_stmt *q = NULL;
	int rc = -GT_ESTORE;
	*out = NULL;
	if (sqlite3_prepare_v2(w->db,
	                       "SELECT manifest FROM object "
	                       "WHERE id = ?1 AND state = ?2",
	                       -1, &q, NULL) != SQLITE_OK)
		return rc;
	if (sqlite3_bind_blob(q, 1, object->b, GT_ID_BYTES, SQLITE_STATIC) ==
	            SQLITE_OK &&
	    sqlite3_bind_int(q, 2, GT_OBJECT_COMPLETE) == SQLITE_OK) {
		int step = sqlite3_step(q);
		if (step == SQLITE_DONE)
			rc = -GT_EUNKNOWN;
		if (step == SQLITE_ROW) {
			const void *p = sqlite3_column_blob(q, 0);
			int n = sqlite3_column_bytes(q, 0);
			*out = shelf_take(cache, object,
			                  gt_bytes_of(p, (size_t)n));
			rc = *out ? 0 : -GT_ESTORE;
		}
	}
	sqlite3_finalize(q);
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
	char hex[2 * GT_ID_BYTES + 1], etag[sizeof hex + 2];
	struct gt_id object;
	struct shelf *s = NULL;
	if (!object_of(rq->rest, &object))
		return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_ROUTE);
	struct gt_worker *w = gt_worker_take(rq->http);
	int rc = w ? complete_manifest(w, &object, &s,
	                               gt_http_cache_of(rq->http))
	           : -GT_ESTORE;
	gt_worker_give(rq->http, w);
	if (rc != 0)
		return gt_rq_error(rq, rc, "");
	uint64_t size = s->manifest->file_size;
	struct body *b = body_new(rq, s);
	if (!b)
		return MHD_NO;
	b->stored = b->whole = true;
	gt_hex(hex, object.b, GT_ID_BYTES);
	gt_format(etag, sizeof etag, "\"%s\"", hex);
	return send_member(rq, b, size, "application/zstd", etag);
}
