/* http_page_resource.c: the page of one resource, and the one that is shown
 * while its files are on their way.
 * Tests: u_http.c. */
#include <string.h>

#include "http_html.h"
#include "http_package.h"
#include "http_query.h"
#include "iso8601.h"
#include "page.h"
#include "translate.h"

enum { FILES_SHOWN = 500, NAME = 256 };

static void text_fact(struct gt_page *p, enum gt_text name, const char *text)
{
	if (!*text)
		return;
	gt_page_fact(p, name);
	gt_page_text(p, text);
	gt_page_fact_end(p);
}

static void list_fact(struct gt_page *p, enum gt_text name, const json_t *v)
{
	if (json_array_size(v) == 0)
		return;
	gt_page_fact(p, name);
	gt_page_list(p, v);
	gt_page_fact_end(p);
}

static void details(struct gt_page *p, const json_t *r, const char *publisher)
{
	uint64_t size = gt_http_count(r, "size");
	gt_buffer_str(&p->out, "<dl class=\"details\">");
	text_fact(p, GT_T_HTTP_P_TYPE,
	          gt_page_word(p, gt_json_member(r, "type")));
	list_fact(p, GT_T_HTTP_P_AUDIENCE, json_object_get(r, "audiences"));
	list_fact(p, GT_T_HTTP_P_SUBJECT, json_object_get(r, "subjects"));
	list_fact(p, GT_T_HTTP_P_LANGUAGES, json_object_get(r, "languages"));
	text_fact(p, GT_T_HTTP_P_PUBLISHER, publisher);
	text_fact(p, GT_T_HTTP_P_LICENCE, gt_json_member(r, "licence"));
	if (size > 0) {
		gt_page_fact(p, GT_T_HTTP_P_SIZE);
		gt_out_size(&p->out, size);
		gt_page_fact_end(p);
	}
	gt_page_fact(p, GT_T_HTTP_P_VERSION);
	gt_buffer_format(&p->out, "%llu",
	                 (unsigned long long)gt_http_count(r, "version"));
	gt_page_fact_end(p);
	gt_page_fact(p, GT_T_HTTP_P_MODIFIED);
	gt_page_time(p, gt_json_member(r, "modified"));
	gt_page_fact_end(p);
	gt_buffer_str(&p->out, "</dl>");
}

/* Which rule of whose layer put it here. */
static void reason(struct gt_page *p, const json_t *r, const char *layer)
{
	const char *rule = gt_json_member(r, "rule");
	gt_page_heading(p, GT_T_HTTP_P_WHY);
	if (json_is_true(json_object_get(r, "own"))) {
		gt_buffer_str(&p->out, "<p class=\"box\">");
		gt_page_say(p, GT_T_HTTP_P_OWN);
		gt_buffer_str(&p->out, "</p>");
		return;
	}
	gt_buffer_str(&p->out, "<dl class=\"details\">");
	text_fact(p, GT_T_HTTP_P_VERDICT,
	          gt_page_word(p, gt_json_member(r, "verdict")));
	text_fact(p, GT_T_HTTP_P_RULE,
	          *rule ? rule : gt_text_in(p->lang, GT_T_HTTP_P_FALLBACK));
	text_fact(p, GT_T_HTTP_P_LAYER, layer);
	gt_buffer_str(&p->out, "</dl><p class=\"soft small\">");
	gt_page_say(p, GT_T_HTTP_P_EXPLAIN);
	gt_buffer_str(&p->out, " <code>guantong explain ");
	gt_page_text(p, gt_json_member(r, "id"));
	gt_buffer_str(&p->out, "</code></p>");
}

static void content_link(struct gt_page *p, const char *class, const char *id,
                         const char *path, const char *text)
{
	gt_buffer_format(&p->out, "<a class=\"%s\" href=\"/c/", class);
	gt_out_url(&p->out, id);
	gt_buffer_str(&p->out, "/");
	gt_out_url(&p->out, path);
	gt_buffer_str(&p->out, "\">");
	gt_page_text(p, text);
	gt_buffer_str(&p->out, "</a>");
}

static bool is(const json_t *r, const char *key, const char *word)
{
	return strcmp(gt_json_member(r, key), word) == 0;
}

bool gt_page_lost(const json_t *r)
{
	return is(r, "repair", "publish");
}

/* May its files be asked for at this node? */
static bool openable(const json_t *r)
{
	return *gt_json_member(r, "object") && !is(r, "state", "withdrawn") &&
	       !is(r, "state", "refused") && !gt_page_lost(r) &&
	       (is(r, "verdict", "mirror") || is(r, "verdict", "on-demand"));
}

static void file_row(struct gt_page *p, const json_t *f, const char *id,
                     bool link)
{
	const char *path = gt_json_member(f, "path");
	gt_buffer_str(&p->out, "<tr><th scope=\"row\" class=\"path\">");
	if (link)
		content_link(p, "", id, path, path);
	else
		gt_page_text(p, path);
	gt_buffer_str(&p->out, "</th><td class=\"soft small\">");
	gt_page_text(p, gt_json_member(f, "media_type"));
	gt_buffer_str(&p->out, "</td><td class=\"n\">");
	gt_out_size(&p->out, gt_http_count(f, "size"));
	gt_buffer_str(&p->out, "</td></tr>");
}

/* The first of n. */
static void files(struct gt_page *p, const json_t *r, const char *id, size_t n)
{
	const json_t *rows = json_object_get(r, "files"), *f;
	size_t i;
	if (n == 0)
		return;
	gt_buffer_str(&p->out, "<h2>");
	gt_page_say(p, GT_T_HTTP_P_FILES);
	gt_buffer_format(
	        &p->out,
	        " <span class=\"soft\">%llu</span></h2>"
	        "<div class=\"scroll\"><table class=\"cards\"><thead><tr>"
	        "<th scope=\"col\">",
	        (unsigned long long)n);
	gt_page_say(p, GT_T_HTTP_P_PATH);
	gt_buffer_str(&p->out, "</th><th scope=\"col\">");
	gt_page_say(p, GT_T_HTTP_P_MEDIA);
	gt_buffer_str(&p->out, "</th><th scope=\"col\" class=\"n\">");
	gt_page_say(p, GT_T_HTTP_P_SIZE);
	gt_buffer_str(&p->out, "</th></tr></thead><tbody>");
	json_array_foreach(rows, i, f) file_row(p, f, id, openable(r));
	gt_buffer_str(&p->out, "</tbody></table></div>");
	if (n <= FILES_SHOWN)
		return;
	gt_buffer_format(&p->out,
	                 "<p class=\"soft\">%d / %llu · <code>guantong show ",
	                 (int)FILES_SHOWN, (unsigned long long)n);
	gt_page_text(p, id);
	gt_buffer_str(&p->out, "</code></p>");
}

static void back(struct gt_page *p)
{
	gt_buffer_str(&p->out, "<p class=\"small\"><a href=\"");
	gt_page_home(p);
	gt_buffer_str(&p->out, "\">← ");
	gt_page_say(p, GT_T_HTTP_P_ALL);
	gt_buffer_str(&p->out, "</a></p>");
}

static void title(struct gt_page *p, const json_t *r)
{
	const char *id = gt_json_member(r, "id");
	const char *text = gt_page_pick(p, json_object_get(r, "title"));
	back(p);
	gt_buffer_str(&p->out, "<h1>");
	gt_page_text(p, *text ? text : id);
	gt_buffer_str(&p->out, "</h1><p class=\"soft\">");
	gt_page_text(p, id);
	gt_buffer_str(&p->out, "</p>");
}

static void open_button(struct gt_page *p, const json_t *r)
{
	const char *start = gt_json_member(r, "start");
	bool here = is(r, "state", "complete");
	if (!openable(r) || !*start)
		return;
	gt_buffer_str(&p->out, "<p class=\"open\">");
	content_link(p, "button", gt_json_member(r, "id"), start,
	             gt_text_in(p->lang,
	                        here ? GT_T_HTTP_P_OPEN : GT_T_HTTP_P_FETCH));
	gt_buffer_str(&p->out, "</p>");
}

/* What becomes of one that is damaged. */
static void repair(struct gt_page *p, const json_t *r)
{
	char text[GT_RID_MAX + 400];
	const char *parent = p->rq->http->env.config->parent;
	bool lost = gt_page_lost(r), asked = is(r, "repair", "asked");
	if (!is(r, "state", "damaged"))
		return;
	gt_http_say(text, sizeof text, p->lang,
	            lost    ? GT_T_HTTP_P_DAMAGED_PUBLISH
	            : asked ? GT_T_HTTP_P_DAMAGED_ASKED
	                    : GT_T_HTTP_P_DAMAGED_PARENT,
	            lost ? gt_json_member(r, "id") : parent);
	gt_buffer_format(&p->out, "<p class=\"alert%s\" role=\"status\">",
	                 lost ? " bad" : "");
	gt_page_text(p, text);
	gt_buffer_str(&p->out, "</p>");
}

/* What keeps it from coming, and since when. */
static void stuck(struct gt_page *p, const json_t *r)
{
	char text[GT_RID_MAX + 600], said[GT_TRANSLATE_MAX];
	const json_t *v = json_object_get(r, "stuck");
	bool above = is(v, "why", "above");
	int64_t since_ms = 0;
	if (!json_is_object(v))
		return;
	gt_http_say(text, sizeof text, p->lang,
	            above ? GT_T_HTTP_P_STUCK_ABOVE : GT_T_HTTP_P_STUCK_FILE,
	            gt_translate(said, p->lang, gt_json_member(v, "detail")));
	gt_buffer_format(&p->out, "<p class=\"alert%s\" role=\"status\">",
	                 above ? "" : " bad");
	gt_page_text(p, text);
	(void)gt_iso_parse(&since_ms, gt_json_member(v, "since"));
	gt_page_ago(p, since_ms);
	gt_buffer_str(&p->out, "</p>");
}

static void resource_body(struct gt_page *p, const json_t *r,
                          const char *publisher, const char *layer,
                          size_t nfiles)
{
	const char *text = gt_page_pick(p, json_object_get(r, "description"));
	bool gone = is(r, "state", "withdrawn");
	title(p, r);
	gt_buffer_str(&p->out, "<p>");
	if (!gone)
		gt_page_chip(p, gt_page_kind(gt_json_member(r, "verdict")),
		             gt_json_member(r, "verdict"));
	gt_buffer_str(&p->out, " ");
	gt_page_state(p, r);
	gt_buffer_str(&p->out, "</p>");
	if (gone) {
		gt_buffer_str(&p->out, "<p class=\"alert bad\">");
		gt_page_say(p, GT_T_HTTP_P_GONE);
		gt_buffer_str(&p->out, "</p>");
	}
	repair(p, r);
	stuck(p, r);
	if (*text) {
		gt_buffer_str(&p->out, "<p>");
		gt_page_text(p, text);
		gt_buffer_str(&p->out, "</p>");
	}
	open_button(p, r);
	details(p, r, publisher);
	if (!gone)
		reason(p, r, layer);
	files(p, r, gt_json_member(r, "id"), nfiles);
}

/* "浙江省 33" */
static void called(struct gt_reader *reader, const char *code, char *out,
                   size_t cap)
{
	char name[NAME];
	bool named = gt_read_name(reader, code, name, sizeof name) && *name;
	gt_format(out, cap, "%s%s%s", named ? name : "", named ? " " : "",
	          code);
}

/* Puts the files that are shown into r. How many there are is in *n. */
static int first_files(struct gt_request *rq, struct gt_worker *w, json_t *r,
                       size_t *n)
{
	struct gt_shelf *s;
	int status = gt_http_package(rq, w, r, &s);
	if (status != 0 || !s)
		return status;
	json_t *list = gt_http_first_files(rq, w, &s, FILES_SHOWN);
	*n = s ? s->index.nfiles : 0;
	gt_shelf_give(rq->http->shelves, s);
	if (json_object_set_new(r, "files", list) != 0)
		return -GT_ESTORE;
	return 0;
}

enum MHD_Result gt_http_resource_page(struct gt_request *rq)
{
	size_t nfiles = 0;
	int status = 0;
	char publisher[2 * NAME] = "", layer[2 * NAME] = "";
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *r = w ? gt_read_resource(w->reader, rq->rest) : NULL;
	if (json_is_object(r)) {
		called(w->reader, gt_json_member(r, "publisher"), publisher,
		       sizeof publisher);
		called(w->reader, gt_json_member(r, "layer"), layer,
		       sizeof layer);
		status = first_files(rq, w, r, &nfiles);
	}
	gt_worker_give(rq->http->workers, w);
	if (!r || status != 0) {
		json_decref(r);
		return gt_rq_error(rq, status ? status : -GT_ESTORE, "");
	}
	if (!json_is_object(r)) {
		json_decref(r);
		return gt_page_error(
		        rq, 404, gt_errname(-GT_EUNKNOWN),
		        gt_text_in(rq->lang, GT_T_HTTP_P_NO_RESOURCE));
	}
	struct gt_page p;
	const char *name = gt_page_pick(&(struct gt_page){.lang = rq->lang},
	                                json_object_get(r, "title"));
	gt_page_begin(&p, rq, *name ? name : rq->rest);
	resource_body(&p, r, publisher, layer, nfiles);
	json_decref(r);
	return gt_page_end(&p, 200);
}

enum MHD_Result gt_page_arriving(struct gt_request *rq, const json_t *r)
{
	struct gt_page p;
	uint64_t present = gt_http_count(r, "present");
	uint64_t frames = gt_http_count(r, "frames");
	gt_page_begin(&p, rq, gt_text_in(rq->lang, GT_T_HTTP_P_COMING));
	title(&p, r);
	gt_buffer_str(&p.out, "<div class=\"box\" role=\"status\"><strong>");
	gt_page_say(&p, GT_T_HTTP_P_COMING);
	gt_buffer_str(&p.out, "</strong>");
	if (frames)
		gt_buffer_format(&p.out, " %llu %%",
		                 (unsigned long long)(present * 100 / frames));
	gt_page_bar(&p, present, frames);
	gt_buffer_str(&p.out, "<p class=\"soft small\">");
	gt_page_say(&p, GT_T_HTTP_P_COMING_MORE);
	gt_buffer_str(&p.out, "</p></div>");
	repair(&p, r);
	stuck(&p, r);
	return gt_page_again(&p, 503);
}
