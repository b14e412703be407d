#include "http_package.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "start.h"

/* ---------------------------------------------------- what it has */

struct names {
	const char *start, *thumbnail;
	struct gt_index_cursor at;
	struct gt_member member;
	char first[GT_PATH_MAX + 1];
	bool has_thumbnail;
};

static int find_names(const struct gt_index *ix, void *arg)
{
	struct names *n = arg;
	int status = gt_start_first(&n->at, ix, n->start, &n->member);
	gt_copy(n->first, sizeof n->first,
	        status == 0 ? n->member.file.path : "");
	if (status == 0 || status == -GT_EUNKNOWN)
		status = gt_index_find(&n->at, ix, n->thumbnail, &n->member);
	n->has_thumbnail = status == 0;
	return status == -GT_EUNKNOWN ? 0 : status;
}

int gt_http_package(struct gt_request *rq, struct gt_worker *w, json_t *r,
                    struct gt_shelf **out)
{
	struct gt_id object;
	struct names n = {.start = gt_json_member(r, "start"),
	                  .thumbnail = gt_json_member(r, "thumbnail")};
	*out = NULL;
	if (!gt_unhex(object.b, GT_ID_BYTES, gt_json_member(r, "object")))
		return 0;
	int status = gt_shelf_take(rq->http->shelves, w->reader, &object, out);
	if (status == 0)
		status = gt_shelf_ask(rq->http->shelves, w->reader, out,
		                      find_names, &n);
	/* one that is damaged is as none */
	if (status == -GT_EUNKNOWN || status == -GT_ESTORE)
		return 0;
	if (status == 0 &&
	    (json_object_set_new(r, "start", json_string(n.first)) != 0 ||
	     (!n.has_thumbnail &&
	      json_object_set_new(r, "thumbnail", json_string("")) != 0)))
		status = -GT_ENOMEM;
	if (status != 0) {
		gt_shelf_give(rq->http->shelves, *out);
		*out = NULL;
	}
	return status;
}

/* -------------------------------------------------------- its files */

static json_t *row(const struct gt_file *f)
{
	return json_pack("{s:s,s:I,s:s}", "path", f->path, "size",
	                 (json_int_t)f->size, "media_type", f->media_type);
}

struct first {
	size_t n;
	struct gt_index_cursor at;
	json_t *list;
};

static int list_first(const struct gt_index *ix, void *arg)
{
	struct first *f = arg;
	struct gt_member m;
	json_array_clear(f->list);
	int status = gt_index_seek(&f->at, ix, "");
	while (status == 0 && json_array_size(f->list) < f->n) {
		status = gt_index_next(&f->at, &m);
		if (status == 0 &&
		    json_array_append_new(f->list, row(&m.file)) != 0)
			return -GT_ENOMEM;
	}
	return status == -GT_EUNKNOWN ? 0 : status;
}

json_t *gt_http_first_files(struct gt_request *rq, struct gt_worker *w,
                            struct gt_shelf **s, size_t n)
{
	struct first f = {.n = n, .list = json_array()};
	if (f.list &&
	    gt_shelf_ask(rq->http->shelves, w->reader, s, list_first, &f) == 0)
		return f.list;
	json_decref(f.list);
	return NULL;
}

/* ------------------------------------------------------- all of them */

enum { PIECE = 16 << 10 };

struct listing {
	struct gt_http *http;
	struct gt_shelf *shelf;
	struct gt_buffer text; /* to be sent next */
	size_t sent;           /* of it */
	struct gt_index_cursor at;
	char last[GT_PATH_MAX + 1]; /* listed; "": none */
	bool ended;
};

static void listing_free(void *arg)
{
	struct listing *l = arg;
	gt_shelf_give(l->http->shelves, l->shelf);
	gt_buffer_free(&l->text);
	free(l);
}

static int go_on(struct listing *l, const struct gt_index *ix)
{
	struct gt_member m;
	if (l->at.ix == ix)
		return 0;
	int status = gt_index_seek(&l->at, ix, l->last);
	if (status == 0 && *l->last)
		status = gt_index_next(&l->at, &m);
	return status;
}

static int add_row(struct listing *l, const struct gt_member *m)
{
	json_t *v = row(&m->file);
	char *text = v ? json_dumps(v, JSON_COMPACT) : NULL;
	bool fine = text && gt_buffer_str(&l->text, *l->last ? "," : "") &&
	            gt_buffer_str(&l->text, text);
	json_decref(v);
	free(text);
	gt_copy(l->last, sizeof l->last, m->file.path);
	return fine ? 0 : -GT_ENOMEM;
}

static int add_rows(const struct gt_index *ix, void *arg)
{
	struct listing *l = arg;
	struct gt_member m;
	int status = go_on(l, ix);
	while (status == 0 && l->text.n < PIECE) {
		status = gt_index_next(&l->at, &m);
		if (status == 0)
			status = add_row(l, &m);
	}
	l->ended = status == -GT_EUNKNOWN;
	if (status != 0) /* whoever asks again begins anew */
		l->at.ix = NULL;
	return l->ended ? 0 : status;
}

/* False: it must be broken off. */
static bool refill(struct listing *l)
{
	struct gt_worker *w = gt_worker_take(l->http->workers);
	l->text.n = l->sent = 0;
	int status = w && l->shelf ? gt_shelf_ask(l->http->shelves, w->reader,
	                                          &l->shelf, add_rows, l)
	                           : -GT_ENOMEM;
	gt_worker_give(l->http->workers, w);
	return status == 0 && (!l->ended || gt_buffer_str(&l->text, "]}"));
}

static ssize_t read_listing(void *arg, uint64_t pos, char *out, size_t max)
{
	struct listing *l = arg;
	(void)pos;
	if (l->sent == l->text.n && l->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (l->sent == l->text.n && !refill(l))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	size_t left = l->text.n - l->sent, n = left < max ? left : max;
	memcpy(out, l->text.p + l->sent, n);
	l->sent += n;
	return (ssize_t)n;
}

/* Takes over the shelf. NULL: out of memory. */
static struct MHD_Response *list_all(struct gt_http *http, const json_t *r,
                                     struct gt_shelf *s)
{
	struct listing *l = calloc(1, sizeof *l);
	char *text = json_dumps(r, JSON_COMPACT);
	struct MHD_Response *rs = NULL;
	if (!l) {
		gt_shelf_give(http->shelves, s);
		free(text);
		return NULL;
	}
	l->http = http;
	l->shelf = s;
	/* {...} becomes {...,"files":[ */
	if (text && gt_buffer_add(&l->text, text, strlen(text) - 1) &&
	    gt_buffer_str(&l->text, ",\"files\":["))
		rs = MHD_create_response_from_callback(
		        MHD_SIZE_UNKNOWN, PIECE, read_listing, l, listing_free);
	free(text);
	if (rs)
		gt_rs_header(rs, "Content-Type", "application/json");
	else
		listing_free(l);
	return rs;
}

enum MHD_Result gt_http_whole_resource(struct gt_request *rq, const char *rid,
                                       gt_handler *absent)
{
	struct gt_shelf *s = NULL;
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *r = w ? gt_read_resource(w->reader, rid) : NULL;
	int status = json_is_object(r) ? gt_http_package(rq, w, r, &s) : 0;
	gt_worker_give(rq->http->workers, w);
	const char *files = gt_rq_arg(rq, "files");
	if (s && files && strcmp(files, "0") == 0) {
		gt_shelf_give(rq->http->shelves, s);
		s = NULL;
	}
	if (status != 0 || !s) {
		bool none = json_is_null(r) && absent;
		if (status == 0 && !none)
			return gt_rq_json(rq, 200, r);
		json_decref(r);
		return none ? absent(rq) : gt_rq_error(rq, status, "");
	}
	struct MHD_Response *rs = list_all(rq->http, r, s);
	json_decref(r);
	return gt_rq_send(rq, 200, rs);
}
